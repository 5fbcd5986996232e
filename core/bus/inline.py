"""Engine and client in one process, over the same messages as between two.

Used by tests and by a terminal that keeps its engine on its own loop. Queues are bounded as a
socket's are, so that a client that never reads is treated alike.
"""

from __future__ import annotations

import asyncio
from collections import deque

from core.bus.channel import HIGH_WATER
from core.bus.server import Peer, Receiver, Sent


class InlineChannel:
    """A client's connection to an engine on a loop of the same thread."""

    fd = -1
    edge_triggered = False

    def __init__(
        self,
        server: Receiver,
        loop: asyncio.AbstractEventLoop,
        high_water: int = HIGH_WATER,
    ) -> None:
        self._server = server
        self._loop = loop
        self._high_water = high_water
        self._inbox: deque[bytes] = deque()
        self._peer = Peer(self._write, "inline")
        self._open = True

    @property
    def connected(self) -> bool:
        """Is the connection whole?"""
        return self._open

    def lost(self) -> str:
        """Why the connection is over; empty while it is not."""
        return "" if self._open else "The connection was closed."

    def send(self, data: bytes) -> bool:
        """Hand a message to the engine's loop; False once closed."""
        if self._open:
            self._loop.call_soon(self._server.receive, self._peer, [data])
        return self._open

    def receive(self) -> bytes | None:
        """The next message, or None when there is none now."""
        return self._inbox.popleft() if self._inbox else None

    def close(self) -> None:
        """End the connection."""
        self._open = False

    def _write(self, data: bytes) -> Sent:
        if not self._open:
            return Sent.GONE
        if len(self._inbox) >= self._high_water:
            return Sent.FULL
        self._inbox.append(data)
        return Sent.OK
