from __future__ import annotations

import contextlib
import socket
import sys

import pytest

from core.bus import stream as stream_module
from core.bus.stream import Stream
from core.bus.zmtp import GREETING, PING, frame, ready


def test_who_asks_for_signs_of_life_and_reads_none_fills_nothing() -> None:
    here, there = socket.socketpair()
    stream = Stream(here, b"ROUTER", 1 << 20)
    try:
        there.sendall(GREETING + ready(b"DEALER"))
        for _ in range(100):
            there.sendall(PING * 5_000)
            while stream.read() is False:
                pass
            stream.read()
        assert not stream.lost
        assert stream.waiting <= 1_000
    finally:
        stream.close()
        there.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the deaf end is not noticed")
@pytest.mark.parametrize("said", [PING, frame(b"hello")], ids=["asks", "tells"])
def test_who_takes_nothing_and_goes_on_talking_is_not_listened_to_for_ever(
    monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    """What it asks is not answered: each answer would be refused again, ever deeper."""
    monkeypatch.setattr(stream_module, "_CHUNK", 16)  # what there is room for is very much then
    here, there = socket.socketpair()
    stream = Stream(here, b"ROUTER", 1 << 20)
    try:
        there.sendall(GREETING + ready(b"DEALER"))
        while stream.waiting or not stream.ready:
            stream.flush()
            stream.read()
        there.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                there.send(said * 100)
        there.shutdown(socket.SHUT_RD)
        assert not stream.send(b"hello")
        assert stream.lost == "Broken pipe"
        assert here.recv(1), "the rest was left"
    finally:
        stream.close()
        there.close()
