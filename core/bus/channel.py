"""A client's connection to an engine in another process, in ZeroMQ's protocol.

There are two. `ClientChannel` is ZeroMQ's own DEALER, whose thread works while a screen is drawn.
`DirectChannel` speaks the same on the caller's thread alone, for those on the order path: two
wake-ups of a thread less in each direction. `connect` makes the one that fits.
"""

from __future__ import annotations

import contextlib
import errno
import socket as socketlib
import sys
from typing import Protocol

import zmq
from zmq.utils.monitor import parse_monitor_message

from core.bus.stream import Stream, address

HIGH_WATER = 2_000
"""Most messages that wait for one client; beyond it the client counts as lagging."""

NOBODY = "No engine listens at"
"""How the sentence of a connection begins whose engine is not there (yet)."""

_LARGEST_ANSWER = 1 << 30


class Channel(Protocol):
    """A connection that is made once; when it is lost, make a new one.

    Attributes:
        fd: a descriptor for an event loop or a notifier.
        edge_triggered: `fd` tells only once that there is something: after it did, and after each
            `send`, call `receive` until it returns None.
    """

    fd: int
    edge_triggered: bool

    @property
    def connected(self) -> bool: ...
    def lost(self) -> str: ...
    def send(self, data: bytes) -> bool: ...
    def receive(self) -> bytes | None: ...
    def close(self) -> None: ...


def connect(endpoint: str) -> Channel:
    """Begin to connect, directly where that can be done without waiting.

    Raises:
        OSError: with a sentence, when the endpoint is not a valid one.
    """
    if sys.platform != "win32":
        with contextlib.suppress(ValueError):
            return DirectChannel(endpoint)
    return ClientChannel(endpoint)  # it looks up the names of computers on its own thread


class DirectChannel:
    """A connection on the caller's thread; see `Channel` and `ClientChannel`.

    Attributes:
        fd: readable as long as there is something to `receive`.
    """

    edge_triggered = False

    def __init__(self, endpoint: str, high_water: int = HIGH_WATER) -> None:
        """Begin to connect.

        Raises:
            ValueError: with a sentence, when the endpoint is none in numbers.
        """
        family, where = address(endpoint)
        self.endpoint = endpoint
        self._high_water = high_water
        self._dry = False
        self._was_connected = False
        socket = socketlib.socket(family, socketlib.SOCK_STREAM)
        socket.setblocking(False)
        try:
            refused = socket.connect_ex(where)
        except OSError as error:  # a path that is too long
            socket.close()
            raise ValueError(str(error)) from None
        self._stream = Stream(socket, b"DEALER", _LARGEST_ANSWER)
        self.fd = self._stream.fd
        if refused not in (0, errno.EINPROGRESS):
            self._stream.close()

    @property
    def connected(self) -> bool:
        """Has the engine answered, and is the connection whole?"""
        self._look()
        return self._was_connected and not self._stream.lost

    def lost(self) -> str:
        """Why the connection is over; empty while it is not."""
        self._look()
        why = self._stream.lost
        return why if self._was_connected or not why else f"{NOBODY} {self.endpoint}."

    def send(self, data: bytes) -> bool:
        """Put a message on its way; False when there is no connection or its queue is full."""
        stream = self._stream
        if not self._was_connected or stream.lost:
            return False
        if stream.waiting:
            stream.flush()
            if stream.waiting >= self._high_water:
                return False
        return stream.send(data)

    def receive(self) -> bytes | None:
        """The next message, or None when there is none now."""
        messages = self._stream.messages
        if not messages:
            if self._dry:  # the last look took all there was
                self._dry = False
                return None
            self._read()
            if not messages:
                self._dry = False
                return None
        parts = messages.popleft()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """End the connection; messages on their way arrive."""
        self._stream.close()
        self._stream.messages.clear()

    def _look(self) -> None:
        if not self._stream.messages:
            self._read()

    def _read(self) -> None:
        stream = self._stream
        if stream.lost:
            return
        if stream.waiting:
            stream.flush()
        self._dry = stream.read() and bool(stream.messages)
        self._was_connected = self._was_connected or stream.ready


class ClientChannel:
    """A client's connection to an engine in another process, through ZeroMQ's own thread.

    It connects once and never again by itself: what is sent is either on its way over this very
    connection or refused. After `lost` says why it broke, make a new one.

    Attributes:
        fd: descriptor for an event loop's notifier. It is edge-triggered: after it fires, call
            `receive` until it returns None; besides, call it now and then (a frame timer does).
    """

    edge_triggered = True

    def __init__(self, endpoint: str) -> None:
        """Begin to connect.

        Raises:
            OSError: with a sentence, when the endpoint is not a valid one.
        """
        self.endpoint = endpoint
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.SNDHWM, HIGH_WATER)
        self._socket.setsockopt(zmq.RCVHWM, HIGH_WATER)
        self._socket.setsockopt(zmq.IMMEDIATE, 1)
        self._socket.setsockopt(zmq.RECONNECT_IVL, -1)
        self._monitor: zmq.Socket[bytes] = self._socket.get_monitor_socket(
            zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_CLOSED
        )
        self._monitor.setsockopt(zmq.LINGER, 0)
        self._connected = False
        self._lost = ""
        try:
            self._socket.connect(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise OSError(f"“{endpoint}” is not an endpoint to connect to: {error}.") from None
        self.fd = _descriptor(self._socket)

    @property
    def connected(self) -> bool:
        """Has the engine answered, and is the connection whole?"""
        self._look()
        return self._connected and not self._lost

    def lost(self) -> str:
        """Why the connection is over; empty while it is not."""
        self._look()
        return self._lost

    def send(self, data: bytes) -> bool:
        """Put a message on its way; False when there is no connection or its queue is full."""
        if self._lost or self._socket.closed:
            return False
        try:
            self._socket.send(data, zmq.NOBLOCK)
        except zmq.ZMQError:
            return False
        return True

    def receive(self) -> bytes | None:
        """The next message, or None when there is none now."""
        try:
            return self._socket.recv(zmq.NOBLOCK)
        except zmq.ZMQError:
            return None

    def close(self) -> None:
        """End the connection; messages on their way are given a moment to leave."""
        if not self._socket.closed:
            self._socket.disable_monitor()
            self._monitor.close()
            self._socket.close(linger=200 if self._connected and not self._lost else 0)

    def _look(self) -> None:
        if self._socket.closed:
            self._lost = self._lost or "The connection was closed."
            return
        while not self._lost:
            try:
                parts = self._monitor.recv_multipart(zmq.NOBLOCK)
            except zmq.ZMQError:
                return
            event = parse_monitor_message(parts)["event"]
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self._connected = True
            elif event == zmq.EVENT_DISCONNECTED:
                self._lost = "The engine closed the connection or died."
            elif event == zmq.EVENT_CLOSED:
                self._lost = f"{NOBODY} {self.endpoint}."


def _descriptor(socket: zmq.Socket[bytes]) -> int:
    return int(socket.getsockopt(zmq.FD))
