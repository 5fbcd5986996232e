"""A client takes so much at a time, and waits so long for an engine that says nothing."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from core.bus.inline import InlineChannel
from core.client import client as client_module
from core.client.client import EngineClient
from core.model.session import Heartbeat
from tests.core.bus.test_channel import TOKEN
from tests.core.bus.test_channel import Engine as Bare
from tests.core.client.test_client import engine_at, until
from tests.core.services.helpers import ScriptedVenue


def test_a_screen_is_not_held_up_by_all_that_waits_for_it(tmp_path: Path) -> None:
    async def test() -> None:
        async with engine_at(tmp_path, ScriptedVenue()) as engine:
            loop = asyncio.get_running_loop()
            client = EngineClient(
                "inline",
                "secret",
                "slow",
                open_channel=lambda _: InlineChannel(engine.server, loop, high_water=10_000),
            )
            client.connect()
            assert await until(client, lambda: client.connected)
            (session,) = engine.sessions
            for ts in range(5_000):
                session.peer.send(Heartbeat(ts))
            taken = [client.poll() for _ in range(3)]
            assert taken[:2] == [2_000, 2_000]
            assert taken[2] >= 1_000
            assert client.connected
            client.close()

    asyncio.run(test())


def test_an_engine_that_takes_the_connection_and_tells_nothing_is_said_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_PATIENCE", 0.2)
    engine = Bare(
        f"ipc://{tmp_path}/e" if hasattr(asyncio, "start_unix_server") else "tcp://127.0.0.1:*"
    )
    client = EngineClient(engine.channel.endpoint, TOKEN, "waits")
    client.connect()
    texts: set[str] = set()

    def tried() -> bool:
        client.poll()
        texts.add(client.stores.connection_text)
        return len(engine.peers) > 1

    try:
        began = time.monotonic()
        assert engine.run_until(tried, 8.0)
        assert time.monotonic() - began > 0.2
        assert "The engine took the connection but does not answer; still trying." in texts
        assert not client.connected
    finally:
        client.close()
        engine.close()
