from __future__ import annotations

import socket

from core.bus.stream import Stream
from core.bus.zmtp import GREETING, PING, ready


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
