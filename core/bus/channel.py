"""ZeroMQ between processes: the engine's ROUTER and the client's DEALER.

ZeroMQ signals readiness through one file descriptor that is edge-triggered: it falls silent
until `EVENTS` was read after each send and receive. Both classes here take care of that.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket as socketlib
from pathlib import Path
from typing import Protocol

import zmq
from zmq.utils.monitor import parse_monitor_message

from core.bus.server import Peer, Sent

HIGH_WATER = 1_000
"""Most messages that wait for one client; beyond it the client counts as lagging."""

NOBODY = "No engine listens at"
"""How the sentence of a connection begins whose engine is not there (yet)."""

LARGEST_MESSAGE = 1 << 20
"""Largest message in bytes that a client may send; ZeroMQ cuts off who sends a larger one."""

_READABLE = int(zmq.POLLIN)
_BATCH = 64  # messages taken in one turn of the loop, so that one client cannot starve the rest
_POLL = 0.001  # seconds between looks where the loop cannot watch a descriptor


class Receiver(Protocol):
    """Takes what clients send; a `Server`, or the host of a venue."""

    def receive(self, peer: Peer, parts: list[bytes]) -> bool:
        """Take in what `peer` sent; False when it is not admitted (any more)."""
        ...


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
        self._peers: dict[bytes, Peer] = {}
        self._socket: zmq.Socket[bytes] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watched = False
        self._turn_due = False
        self._poll_timer: asyncio.TimerHandle | None = None
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
        socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.ROUTER)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.SNDHWM, self._high_water)
        socket.setsockopt(zmq.RCVHWM, self._high_water)
        socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        if self._silence:
            socket.setsockopt(zmq.HEARTBEAT_IVL, round(self._silence * 500))
            socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, round(self._silence * 500))
        try:
            socket.bind(self.endpoint)
            if ipc:
                path.chmod(0o600)
        except (zmq.ZMQError, OSError) as error:
            socket.close()
            raise OSError(
                f"The engine cannot listen at {self.endpoint}: {error}. Another engine may be "
                "running there; stop it or choose another endpoint."
            ) from None
        self.endpoint = socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self._socket = socket
        self._loop = loop
        try:
            loop.add_reader(_descriptor(socket), self._turn)
            self._watched = True
        except NotImplementedError:
            self._poll_timer = loop.call_later(_POLL, self._poll)
        self._turn()

    def close(self) -> None:
        """Stop listening; what was not yet sent is dropped."""
        socket, self._socket = self._socket, None
        if socket is None or self._loop is None:
            return
        if self._poll_timer is not None:
            self._poll_timer.cancel()
        if self._watched:
            self._loop.remove_reader(_descriptor(socket))
        socket.close()
        self._peers.clear()
        if self.endpoint.startswith("ipc://"):
            with contextlib.suppress(OSError):
                Path(self.endpoint.removeprefix("ipc://")).unlink()

    def _peer(self, identity: bytes) -> Peer:
        def write(data: bytes) -> Sent:
            return self._write(identity, data)

        return Peer(write, f"#{int.from_bytes(identity[-4:], 'big')}")

    def _write(self, identity: bytes, data: bytes) -> Sent:
        socket = self._socket
        if socket is None:
            return Sent.GONE
        try:
            socket.send_multipart((identity, data), zmq.NOBLOCK)
        except zmq.Again:
            self.overflows += 1
            return Sent.FULL
        except zmq.ZMQError:
            self._peers.pop(identity, None)
            return Sent.GONE
        # Sending may swallow the edge that announces waiting messages.
        if not self._turn_due and _readable(socket):
            self._turn_soon()
        return Sent.OK

    def _turn_soon(self) -> None:
        if self._loop is not None:
            self._turn_due = True
            self._loop.call_soon(self._turn)

    def _poll(self) -> None:
        self._turn()
        if self._loop is not None and self._socket is not None:
            self._poll_timer = self._loop.call_later(_POLL, self._poll)

    def _turn(self) -> None:
        self._turn_due = True  # sends within this turn need not look at EVENTS
        try:
            self._take_batch()
        finally:
            self._turn_due = False
            if self._socket is not None and _readable(self._socket):
                self._turn_soon()

    def _take_batch(self) -> None:
        for _ in range(_BATCH):
            if self._socket is None:
                return
            try:
                identity, *parts = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.ZMQError:
                return
            peer = self._peers.get(identity) or self._peer(identity)
            if self._server.receive(peer, parts):
                self._peers[identity] = peer
            else:
                self._peers.pop(identity, None)


class ClientChannel:
    """A client's connection to an engine in another process.

    It connects once and never again by itself: what is sent is either on its way over this very
    connection or refused. After `lost` says why it broke, make a new one.

    Attributes:
        fd: descriptor for an event loop's notifier. It is edge-triggered: after it fires, call
            `receive` until it returns None; besides, call it now and then (a frame timer does).
    """

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


def _answers(path: Path) -> bool:
    """Does somebody listen at this local socket?"""
    with socketlib.socket(socketlib.AF_UNIX, socketlib.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _readable(socket: zmq.Socket[bytes]) -> bool:
    return bool(int(socket.getsockopt(zmq.EVENTS)) & _READABLE)


def _descriptor(socket: zmq.Socket[bytes]) -> int:
    return int(socket.getsockopt(zmq.FD))
