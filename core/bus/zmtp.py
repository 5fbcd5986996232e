"""ZMTP 3.1, the language of ZeroMQ's sockets (rfc.zeromq.org/spec/37), without any socket.

What is spoken here is the part that our connections need: the NULL mechanism, messages of any
number of parts, and heartbeats. Any ZeroMQ library understands it.
"""

from __future__ import annotations

from collections import deque

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32)
"""What each side says first."""

PING = b"\x04\x07\x04PING" + bytes(2)
"""Asks for a sign of life; the other side answers by itself."""

MOST_PARTS = 64
"""Parts that one message may have."""

_MORE, _LONG, _COMMAND = 1, 2, 4
_LONGEST_COMMAND = 4_096
_SIGNATURE = 10


class ProtocolError(Exception):
    """The other side does not keep to the protocol; the connection is of no use any more."""


def ready(kind: bytes) -> bytes:
    """Says what kind of socket this is (``DEALER``, ``ROUTER``); comes after the greeting."""
    named = ((b"Socket-Type", kind), (b"Identity", b""))
    body = b"\x05READY" + b"".join(
        bytes([len(name)]) + name + len(value).to_bytes(4, "big") + value for name, value in named
    )
    return bytes([_COMMAND, len(body)]) + body


def frame(message: bytes) -> bytes:
    """A message of one part as it goes over the wire."""
    size = len(message)
    if size < 256:
        return b"\0%c%b" % (size, message)
    return b"\x02%b%b" % (size.to_bytes(8, "big"), message)


class Decoder:
    """Cuts the bytes of one connection into messages.

    Args:
        largest: most bytes of one message.

    Attributes:
        ready: the other side has said what it is.
        messages: what has come, oldest first; whoever reads takes them out.
        answers: what must be sent back, in the order in which it was asked for.
    """

    __slots__ = (
        "_greeted", "_largest", "_need", "_parts", "_rest", "_size", "answers", "messages", "ready",
    )  # fmt: skip

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._greeted = False
        self._rest = bytearray()
        self._need = _SIGNATURE
        self._parts: list[bytes] = []
        self._size = 0
        self.ready = False
        self.messages: deque[list[bytes]] = deque()
        self.answers: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Take in what has arrived.

        Raises:
            ProtocolError: with a sentence.
        """
        if self._rest:
            self._rest += data
            if len(self._rest) < self._need:
                return
            data = bytes(self._rest)
            self._rest.clear()
        pos = 0 if self._greeted else self._greet(data)
        if self._greeted:
            pos = self._cut(data, pos)
        if pos < len(data):
            self._rest += data[pos:]

    def _greet(self, data: bytes) -> int:
        size = len(data)
        if data[0] != 0xFF or (size >= _SIGNATURE and not data[9] & 1):
            raise ProtocolError("This is not ZeroMQ.")
        if size > _SIGNATURE and data[10] < 3:
            raise ProtocolError("This speaks a version of ZeroMQ before 4.")
        self._need = len(GREETING)
        if size < len(GREETING):
            return 0
        if data[12:32].rstrip(b"\0") != b"NULL":
            raise ProtocolError("Its security mechanism is not NULL.")
        self._greeted = True
        return len(GREETING)

    def _cut(self, data: bytes, pos: int) -> int:
        """Take out whole frames from `pos` on; returns where the first broken one begins."""
        end = len(data)
        while True:
            have = end - pos
            if have < 2:
                self._need = 2
                return pos
            flags = data[pos]
            if flags & _LONG:
                if have < 9:
                    self._need = 9
                    return pos
                start = pos + 9
                size = int.from_bytes(data[pos + 1 : start], "big")
            else:
                start = pos + 2
                size = data[pos + 1]
            if size + self._size > self._largest:
                raise ProtocolError(f"A message is larger than {self._largest} bytes.")
            stop = start + size
            if stop > end:
                self._need = stop - pos
                return pos
            body = data[start:stop]
            pos = stop
            if flags & _COMMAND:
                self._command(body)
            elif not self.ready:
                raise ProtocolError("A message came before READY.")
            elif not flags & _MORE and not self._parts:
                self.messages.append([body])
            else:
                self._part(body, bool(flags & _MORE))

    def _part(self, body: bytes, more: bool) -> None:
        self._parts.append(body)
        self._size += len(body)
        if len(self._parts) > MOST_PARTS:
            raise ProtocolError(f"A message has more than {MOST_PARTS} parts.")
        if not more:
            self.messages.append(self._parts)
            self._parts = []
            self._size = 0

    def _command(self, body: bytes) -> None:
        if not body or len(body) > _LONGEST_COMMAND:
            raise ProtocolError("A command cannot be understood.")
        name = body[1 : 1 + body[0]]
        if name == b"READY":
            self.ready = True
        elif name == b"PING":
            context = body[7:23]
            self.answers.append(bytes([_COMMAND, 5 + len(context)]) + b"\x04PONG" + context)
        elif name == b"ERROR":
            reason = body[7 : 7 + body[6]] if len(body) > 6 else b""
            raise ProtocolError(f"It refused: {reason.decode('utf-8', 'replace')}")
