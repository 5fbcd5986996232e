"""The engine's listening end, in ZeroMQ's protocol, on the engine's own loop and thread."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket as socketlib
import time
from pathlib import Path
from typing import Protocol

from core.bus.channel import HIGH_WATER
from core.bus.server import Peer, Sent
from core.bus.stream import Stream, address
from core.bus.zmtp import PING

LARGEST_MESSAGE = 1 << 20
"""Largest message in bytes that a client may send; who sends a larger one is cut off."""

MOST_CLIENTS = 500
"""Connections at a time; further ones are closed at once."""

HANDSHAKE_SECONDS = 10.0
"""How long a connection may take to say what it is."""

_BATCH = 8  # messages taken in one turn of the loop, so that one client cannot starve the rest
_POLL = 0.001  # seconds between looks where the loop cannot watch a descriptor
_LOOK = 1.0  # seconds between looks for connections that never became one
_BACKLOG = 128


class Receiver(Protocol):
    """Takes what clients send; a `Server`, or the host of a venue."""

    def receive(self, peer: Peer, parts: list[bytes]) -> bool:
        """Take in what `peer` sent; False when it is not admitted (any more)."""
        ...


class _Member:
    """One connection."""

    __slots__ = ("due", "peer", "since", "stream", "watched")

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.since = time.monotonic()
        self.due = False  # another turn is on the loop's list
        self.watched = False  # for room to write
        self.peer: Peer


class EngineChannel:
    """The engine's socket for clients in other processes.

    Args:
        server: what the messages are handed to.
        endpoint: ``ipc://...`` or ``tcp://127.0.0.1:*``.
        silence: seconds after which a connection whose other end does not answer counts as
            broken (a half-open one never says so itself); 0 leaves that to the system.

    Attributes:
        endpoint: where it really listens, once open.
        overflows: messages that a client's full queue did not take.
    """

    def __init__(
        self,
        server: Receiver,
        endpoint: str,
        high_water: int = HIGH_WATER,
        silence: float = 0.0,
    ) -> None:
        self._server = server
        self.endpoint = endpoint
        self._high_water = high_water
        self._silence = silence
        self._members: dict[int, _Member] = {}
        self._socket: socketlib.socket | None = None
        self._loop: asyncio.AbstractEventLoop
        self._watching = False
        self._made = 0
        self._timers: list[asyncio.TimerHandle] = []
        self.overflows = 0

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Listen.

        Raises:
            OSError: with a sentence, when the endpoint cannot be used.
        """
        path = Path(self.endpoint.removeprefix("ipc://"))
        ipc = self.endpoint.startswith("ipc://")
        if ipc and _answers(path):
            raise OSError(
                f"An engine listens at {self.endpoint} already; stop it or choose another endpoint."
            )
        if ipc:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()  # left by an engine that was killed
        try:
            self._socket = _listening(self.endpoint)
        except (ValueError, OSError) as error:
            raise OSError(
                f"The engine cannot listen at {self.endpoint}: {error}. Another engine may be "
                "running there; stop it or choose another endpoint."
            ) from None
        if not ipc:
            host, port = self._socket.getsockname()
            self.endpoint = f"tcp://{host}:{port}"
        self._loop = loop
        try:
            loop.add_reader(self._socket.fileno(), self._accept)
            self._watching = True
        except NotImplementedError:
            self._timers.append(loop.call_later(_POLL, self._poll))
        self._timers.append(loop.call_later(self._pause, self._look))

    def close(self) -> None:
        """Stop listening; what was not yet sent is dropped."""
        socket, self._socket = self._socket, None
        if socket is None:
            return
        for timer in self._timers:
            timer.cancel()
        if self._watching:
            self._loop.remove_reader(socket.fileno())
        socket.close()
        for member in list(self._members.values()):
            self._drop(member)
            member.stream.messages.clear()
        if self.endpoint.startswith("ipc://"):
            with contextlib.suppress(OSError):
                Path(self.endpoint.removeprefix("ipc://")).unlink()

    # -- connections -------------------------------------------------------------------------

    def _accept(self) -> None:
        if self._socket is None:
            return
        try:
            socket, _ = self._socket.accept()
        except OSError:
            return
        if len(self._members) >= MOST_CLIENTS:
            socket.close()
            return
        member = _Member(Stream(socket, b"ROUTER", LARGEST_MESSAGE))
        self._made += 1
        member.peer = Peer(lambda data: self._write(member, data), f"#{self._made}")
        self._members[member.stream.fd] = member
        if self._watching:
            self._loop.add_reader(member.stream.fd, self._turn, member)

    def _turn(self, member: _Member) -> None:
        """Take in a batch of what one client sent."""
        member.due = False
        stream = member.stream
        messages = stream.messages
        if not messages:
            stream.read()
        receive = self._server.receive
        for _ in range(min(len(messages), _BATCH)):
            receive(member.peer, messages.popleft())
        if messages:
            self._turn_soon(member)
        elif stream.lost:
            self._drop(member)
        else:
            self._wait_for_room(member)

    def _turn_soon(self, member: _Member) -> None:
        if not member.due:
            member.due = True
            self._loop.call_soon(self._turn, member)

    def _write(self, member: _Member, data: bytes) -> Sent:
        stream = member.stream
        if stream.waiting >= self._high_water:
            self.overflows += 1
            return Sent.FULL
        if not stream.send(data):
            self._drop(member)
            return Sent.GONE
        if stream.waiting:
            self._wait_for_room(member)
        return Sent.OK

    def _wait_for_room(self, member: _Member) -> None:
        if self._watching and not member.watched and member.stream.waiting:
            member.watched = True
            self._loop.add_writer(member.stream.fd, self._room, member)

    def _room(self, member: _Member) -> None:
        stream = member.stream
        stream.flush()
        if not stream.waiting and member.watched:
            member.watched = False
            self._loop.remove_writer(stream.fd)

    def _drop(self, member: _Member) -> None:
        """The connection is over."""
        stream = member.stream
        if self._members.get(stream.fd) is not member:
            return
        del self._members[stream.fd]
        if self._watching:
            self._loop.remove_reader(stream.fd)
            if member.watched:
                self._loop.remove_writer(stream.fd)
        stream.close()
        if stream.messages:
            self._turn_soon(member)  # what it said before it went counts

    # -- now and then ------------------------------------------------------------------------

    def _poll(self) -> None:
        """Look at everything, where the loop cannot watch descriptors."""
        self._accept()
        for member in list(self._members.values()):
            member.stream.flush()
            self._turn(member)
        if self._socket is not None:
            self._timers[0] = self._loop.call_later(_POLL, self._poll)

    @property
    def _pause(self) -> float:
        return min(_LOOK, self._silence / 2) if self._silence else _LOOK

    def _look(self) -> None:
        """Cut off who says nothing: no greeting in time, or no answer to a heartbeat."""
        now = time.monotonic()
        for member in list(self._members.values()):
            stream = member.stream
            if self._silence and now - stream.heard > self._silence:
                self._turn(member)  # the silence may have been ours
            mute = not stream.ready and now - member.since > HANDSHAKE_SECONDS
            if mute or (self._silence and now - stream.heard > self._silence):
                self._drop(member)
            elif self._silence and stream.ready:
                stream.command(PING)
                self._wait_for_room(member)
        if self._socket is not None:
            self._timers[-1] = self._loop.call_later(self._pause, self._look)


def _listening(endpoint: str) -> socketlib.socket:
    family, where = address(endpoint)
    socket = socketlib.socket(family, socketlib.SOCK_STREAM)
    try:
        socket.setblocking(False)
        if os.name == "posix":
            socket.setsockopt(socketlib.SOL_SOCKET, socketlib.SO_REUSEADDR, 1)
        socket.bind(where)
        if isinstance(where, str):
            Path(where).chmod(0o600)
        socket.listen(_BACKLOG)
    except OSError:
        socket.close()
        raise
    return socket


def _answers(path: Path) -> bool:
    """Does somebody listen at this local socket?"""
    with socketlib.socket(socketlib.AF_UNIX, socketlib.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
