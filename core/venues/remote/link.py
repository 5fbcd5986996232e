"""One connection to the host of a venue, read by the engine's loop as soon as bytes arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from core.bus.channel import connect
from core.model.wire import encode
from core.venues.remote.messages import FromHost, ToHost, decode_from_host

_BATCH = 16
"""Messages taken in one turn of the loop."""
_POLL = 0.001
"""Seconds between looks where the loop cannot watch a descriptor."""


class Link:
    """A connection that is made once; when it is lost, make a new one.

    `on_message` is called on the loop with each message of the host, in order.

    Raises:
        OSError: with a sentence, when the endpoint is not a valid one.
    """

    def __init__(self, endpoint: str, on_message: Callable[[FromHost], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_message = on_message
        self._channel = connect(endpoint)
        self._closed = False
        self._turn_due = False
        self._broken = ""
        self._poller: asyncio.TimerHandle | None = None
        try:
            self._loop.add_reader(self._channel.fd, self.turn)
            self._watched = True
        except NotImplementedError:
            self._watched = False
            self._poller = self._loop.call_later(_POLL, self._poll)

    @property
    def connected(self) -> bool:
        """Is there a host at the other end?"""
        return self._channel.connected

    def lost(self) -> str:
        """Why the connection is of no use any more; empty while it is."""
        return self._broken or self._channel.lost()

    def send(self, message: ToHost) -> bool:
        """Puts a message on its way; False when it certainly is not."""
        sent = not self._closed and self._channel.send(encode(message))
        if self._channel.edge_triggered:
            self._turn_soon()  # sending may swallow the edge that announces waiting messages
        return sent

    def turn(self) -> None:
        """Takes in what has arrived."""
        self._turn_due = False
        more = True
        try:
            for _ in range(_BATCH):
                more = self._take_one()
                if not more:
                    return
        finally:
            if more:
                self._turn_soon()

    def _take_one(self) -> bool:
        data = None if self._closed or self._broken else self._channel.receive()
        if data is None:
            return False
        try:
            message = decode_from_host(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self._broken = f"The host sent what is not understood: {error}."
            return False
        self._on_message(message)
        return True

    def close(self) -> None:
        """Ends the connection."""
        if self._closed:
            return
        self._closed = True
        if self._poller is not None:
            self._poller.cancel()
        if self._watched:
            self._loop.remove_reader(self._channel.fd)
        self._channel.close()

    def _turn_soon(self) -> None:
        if not self._turn_due and not self._closed:
            self._turn_due = True
            self._loop.call_soon(self.turn)

    def _poll(self) -> None:
        self.turn()
        if not self._closed:
            self._poller = self._loop.call_later(_POLL, self._poll)
