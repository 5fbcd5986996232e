"""A socket that speaks ZeroMQ's protocol, read and written by whoever owns it.

ZeroMQ's own library does this on a thread of its own: each message then passes two more threads,
and on a computer with two processors that costs more than the message. On an event loop none is
needed: the descriptor here is an ordinary one that is readable as long as there is something.
"""

from __future__ import annotations

import errno
import socket as socketlib
import time
from collections import deque

from core.bus.zmtp import GREETING, Decoder, ProtocolError, frame, ready

_CHUNK = 1 << 16
"""Most bytes read or written in one go, so that no order waits for a large message."""

_ROOM = 1 << 20
"""Bytes that the system is asked to take for an end that is busy for a moment."""

_MOST_UNREAD = 1_000
"""What waits is a sign of life as well: who asks for one and reads none gets no more of them."""

_LAST_PIECES = 64
"""What is read of an end that takes nothing any more: it may go on talking for ever."""

_LATER = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR, errno.EINPROGRESS})


class Stream:
    """One end of a connection.

    Args:
        socket: connected or connecting; it is this object's from now on.
        kind: what it says it is, ``DEALER`` or ``ROUTER``.
        largest: most bytes of one message that the other end may send.

    Attributes:
        fd: the descriptor.
        lost: why the connection is over; empty while it is not.
        heard: when the other end last sent anything (monotonic seconds).
        messages: what has come and was not taken yet, oldest first.
        waiting: how many messages the system has not taken yet.
    """

    __slots__ = (
        "_decoder", "_joined", "_out", "_socket", "_waits", "fd", "heard", "lost", "messages",
        "waiting",
    )  # fmt: skip

    def __init__(self, socket: socketlib.socket, kind: bytes, largest: int) -> None:
        socket.setblocking(False)
        socket.setsockopt(socketlib.SOL_SOCKET, socketlib.SO_SNDBUF, _ROOM)
        if socket.family != getattr(socketlib, "AF_UNIX", None):
            socket.setsockopt(socketlib.IPPROTO_TCP, socketlib.TCP_NODELAY, 1)
        self._socket = socket
        self._decoder = Decoder(largest)
        self._out: deque[memoryview] = deque()
        self.waiting = 0
        self._joined = 1  # messages in the first of what waits
        self._waits = True  # until the first bytes are through: it may still be connecting
        self.fd = socket.fileno()
        self.lost = ""
        self.heard = time.monotonic()
        self.messages = self._decoder.messages
        self._put(GREETING + ready(kind))

    @property
    def ready(self) -> bool:
        """Has the other end said what it is?"""
        return self._decoder.ready

    def read(self) -> bool:
        """Take in a piece of what has arrived; False when there may be more at once."""
        if self.lost:
            return True
        try:
            data = self._socket.recv(_CHUNK)
        except OSError as error:
            if error.errno not in _LATER and not (self._waits and error.errno == errno.ENOTCONN):
                self._end(error.strerror or str(error))
            return True
        if not data:
            self._end("The other end closed the connection or died.")
            return True
        self.heard = time.monotonic()
        decoder = self._decoder
        try:
            decoder.feed(data)
        except ProtocolError as error:
            self._end(str(error))
            return True
        if decoder.answers:
            for answer in decoder.answers:
                if self.waiting < _MOST_UNREAD:
                    self._put(answer)
            decoder.answers.clear()
        return len(data) < _CHUNK

    def send(self, message: bytes) -> bool:
        """Put a message on its way; what the system does not take at once waits for `flush`.

        False when the connection is over.
        """
        self._put(frame(message))
        return not self.lost

    def command(self, data: bytes) -> None:
        """Put a command on its way."""
        self._put(data)

    def flush(self) -> None:
        """Pass on a piece of what waits."""
        out = self._out
        if not out or self.lost:
            return
        if len(out) > 1 and len(out[0]) < _CHUNK:
            self._join()
        first = out[0]
        try:
            sent = self._socket.send(first[:_CHUNK])
        except OSError as error:
            if error.errno not in _LATER and not (self._waits and error.errno == errno.ENOTCONN):
                self._refused(error.strerror or str(error))
            return
        self._waits = False
        if sent < len(first):
            out[0] = first[sent:]
            return
        out.popleft()
        self.waiting -= self._joined
        self._joined = 1

    def close(self) -> None:
        """End the connection; what still waits gets one more chance. Until then `fd` is valid."""
        self.flush()
        self._end("The connection was closed.")
        self._socket.close()

    def _put(self, data: bytes) -> None:
        if self.lost:
            return
        out = self._out
        if not out and not self._waits and len(data) <= _CHUNK:
            try:
                sent = self._socket.send(data)
            except OSError as error:
                if error.errno not in _LATER:
                    self._refused(error.strerror or str(error))
                    return
                sent = 0
            if sent < len(data):
                self._keep(memoryview(data)[sent:])
            return
        self._keep(memoryview(data))
        if len(out) == 1:
            self.flush()

    def _keep(self, data: memoryview) -> None:
        self._out.append(data)
        self.waiting += 1

    def _join(self) -> None:
        """Make one piece of the first small ones: one call for all of them."""
        out = self._out
        size = len(out[0])
        pieces = [out.popleft()]
        while out and size + len(out[0]) <= _CHUNK:
            piece = out.popleft()
            pieces.append(piece)
            size += len(piece)
        self._joined += len(pieces) - 1
        out.appendleft(memoryview(b"".join(pieces)))

    def _refused(self, why: str) -> None:
        """The other end takes no more. What it said before it went counts."""
        self._keep(memoryview(b""))  # answers to it wait behind this, and are not tried
        for _ in range(_LAST_PIECES):
            if self.read():
                break
        self._end(why)

    def _end(self, why: str) -> None:
        if self.lost:
            return
        self.lost = why
        self._out.clear()
        self.waiting = 0


def address(endpoint: str) -> tuple[int, str | tuple[str, int]]:
    """The family and address of ``ipc://path`` or ``tcp://number:port`` (port ``*`` is any).

    Raises:
        ValueError: with a sentence, when it is neither; names of computers are neither.
    """
    kind, _, rest = endpoint.partition("://")
    if kind == "ipc" and rest and hasattr(socketlib, "AF_UNIX"):
        return socketlib.AF_UNIX, rest
    host, _, port = rest.rpartition(":")
    number = "0" if port == "*" else port
    if kind != "tcp" or not number.isdecimal() or int(number) > 65_535:
        raise ValueError("use tcp://address:port, or ipc://path where there are such sockets")
    host = "127.0.0.1" if host == "localhost" else host
    try:
        socketlib.inet_aton(host)
    except OSError:
        raise ValueError(f"{host or 'nothing'} is not an address in numbers") from None
    return socketlib.AF_INET, (host, int(number))
