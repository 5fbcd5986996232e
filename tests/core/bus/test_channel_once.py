"""A client's connection is made once, and holds so much and no more for an engine that hangs."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.bus.channel import ClientChannel, DirectChannel
from core.bus.endpoint import default_endpoint
from core.model.session import Refused
from core.model.wire import encode
from tests.core.bus.test_channel import KINDS, Engine


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sent_to_an_engine_that_hangs_is_refused_in_the_end(
    tmp_path: Path, kind: type[ClientChannel] | type[DirectChannel]
) -> None:
    engine = Engine(default_endpoint(tmp_path))
    client = kind(engine.channel.endpoint)
    try:
        assert engine.run_until(lambda: client.connected)
        word = encode(Refused("x" * 2_000))
        taken = 0
        while client.send(word):  # the engine's loop gets no turn
            taken += 1
            assert taken < 20_000
        assert taken > 100, "a busy moment is none"
        assert not client.lost()
    finally:
        client.close()
        engine.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_connection_is_not_made_again_by_itself(
    tmp_path: Path, kind: type[ClientChannel] | type[DirectChannel]
) -> None:
    """The next engine hears nothing that was meant for the one before."""
    engine = Engine(default_endpoint(tmp_path))
    client = kind(engine.channel.endpoint)
    try:
        assert engine.run_until(lambda: client.connected)
        engine.close()
        engine = Engine(default_endpoint(tmp_path))
        assert engine.run_until(lambda: client.lost() != "")
        assert not engine.run_until(lambda: bool(engine.channel._members), 0.8)
        assert not client.connected
    finally:
        client.close()
        engine.close()
