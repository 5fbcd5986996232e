"""The network between engine and venues: streams of bytes that stall and break anywhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.bus.server import Peer, Sent

if TYPE_CHECKING:
    from core.bus.listener import Receiver
    from core.simulation.loop import VirtualLoop

LATENCY = 0.0005
ROOM = 1_000_000
"""Bytes that a connection takes for an engine that does not read."""


class Pipe:
    """One direction of a connection: bytes come out in order, later, or not at all."""

    def __init__(self, network: Network, owner: Callable[[], str], sink: Callable[[bytes], object]):
        self._network = network
        self._owner = owner
        self._sink = sink
        self._moving: deque[bytes] = deque()
        self._last = 0.0
        self.cut = False

    @property
    def waiting(self) -> int:
        """Bytes under way."""
        return sum(map(len, self._moving))

    @property
    def late(self) -> bool:
        """Is there something under way that a stall holds back?"""
        return bool(self._moving) and self._last > self._network.loop.now + 2 * LATENCY

    def put(self, data: bytes) -> None:
        """Send; what is sent into a broken pipe is gone."""
        if self.cut:
            return
        loop = self._network.loop
        self._network.sent(data)
        self._moving.append(data)
        self._last = max(self._last, loop.now + LATENCY, self._network.stalled)
        loop.later(self._owner(), self._last - loop.now, self._arrive)

    def _arrive(self) -> None:
        if self._moving:
            self._sink(self._moving.popleft())

    def break_at(self, size: int) -> int:
        """Break it after `size` more bytes; a message that is not whole never arrives. Returns how
        many are lost."""
        kept: deque[bytes] = deque()
        for data in self._moving:
            size -= len(data)
            if size < 0:
                break
            kept.append(data)
        lost = len(self._moving) - len(kept)
        self._moving = kept
        self.cut = True
        return lost


class Connection:
    """What stands for a `core.bus.channel.Channel`, and the host's end of it."""

    edge_triggered = True

    def __init__(self, network: Network, endpoint: str) -> None:
        self._network = network
        self.owner = network.loop.owner
        self.endpoint = endpoint
        self.fd = network.new_fd()
        self._inbox: deque[bytes] = deque()
        self._lost = ""
        self._connected = False
        self._host_gone = False
        self._peer = Peer(self._from_host, f"#{self.fd}")
        self.up = Pipe(network, lambda: network.owners.get(endpoint, "world"), self._at_host)
        self.down = Pipe(network, lambda: self.owner, self._at_engine)
        network.connections.append(self)
        self._host = network.hosts.get(endpoint)
        network.loop.later(self.owner, 2 * LATENCY, self._established)

    @property
    def connected(self) -> bool:
        """Has the host answered, and is the connection whole?"""
        return self._connected and not self._lost

    @property
    def whole(self) -> bool:
        """Can it still be broken?"""
        return not self.up.cut

    def lost(self) -> str:
        """Why it is over; empty while it is not."""
        return self._lost

    def send(self, data: bytes) -> bool:
        """Put a message on its way; False when there is no connection."""
        self._network.point("send")
        if not self.connected:
            return False
        self.up.put(data)
        return True

    def receive(self) -> bytes | None:
        """The next message, or None."""
        return self._inbox.popleft() if self._inbox else None

    def close(self) -> None:
        """End it; what is under way arrives."""
        self._lost = self._lost or "The connection was closed."
        self._network.forget(self)
        self._network.loop.later("world", LATENCY, self._hang_up)

    def break_at(self, up: int, down: int, notice: float) -> int:
        """Break it so many bytes on; the engine notices after `notice` seconds."""
        lost = self.up.break_at(up) + self.down.break_at(down)
        self._network.forget(self)
        self._network.loop.later(self.owner, notice, self._notice)
        self._network.loop.later("world", LATENCY, self._hang_up)
        return lost

    def _hang_up(self) -> None:
        self._host_gone = True
        self.up.cut = self.down.cut = True

    def _notice(self) -> None:
        self._lost = self._lost or "The connection was reset."
        self._network.loop.announce(self.fd)

    def _established(self) -> None:
        if self._host is None or self._network.hosts.get(self.endpoint) is not self._host:
            self._lost = f"No engine listens at {self.endpoint}."
        self._connected = True

    def _from_host(self, data: bytes) -> Sent:
        if self._host_gone:
            return Sent.GONE
        if self.down.waiting > self._network.room:
            self._network.full()
            return Sent.FULL
        self.down.put(data)
        return Sent.OK

    def _at_host(self, data: bytes) -> None:
        if self._host is not None and self._network.hosts.get(self.endpoint) is self._host:
            self._host.receive(self._peer, [data])

    def _at_engine(self, data: bytes) -> None:
        self._inbox.append(data)
        self._network.loop.announce(self.fd)


class HostChannel:
    """What stands for `core.bus.listener.EngineChannel`."""

    def __init__(self, network: Network, server: Receiver, endpoint: str) -> None:
        self._network = network
        self._server = server
        self.endpoint = endpoint

    def open(self, loop: object) -> None:
        """Listen."""
        self._network.hosts[self.endpoint] = self._server

    def close(self) -> None:
        """Listen no more."""
        self._network.hosts.pop(self.endpoint, None)


class Network:
    """All connections.

    Args:
        point: called before everything that an engine sends; may raise.
        sent: told all that is sent.
        full: told when a host gives an engine up that does not read.

    Attributes:
        stalled: until when nothing arrives (virtual seconds).
        room: bytes that wait for an engine at most.
        owners: whose work it is to take in what arrives at an endpoint.
    """

    def __init__(
        self,
        loop: VirtualLoop,
        point: Callable[[str], None],
        sent: Callable[[bytes], None],
        full: Callable[[], None],
    ) -> None:
        self.loop = loop
        self.point = point
        self.sent = sent
        self.full = full
        self.stalled = 0.0
        self.room = ROOM
        self.owners: dict[str, str] = {}
        self.hosts: dict[str, Receiver] = {}
        self.connections: list[Connection] = []
        self._fds = 0

    def new_fd(self) -> int:
        """A descriptor that nobody else has."""
        self._fds += 1
        return self._fds

    def connect(self, endpoint: str) -> Connection:
        """A new connection, as an engine makes it."""
        return Connection(self, endpoint)

    def host(
        self, server: Receiver, endpoint: str, high_water: int = 0, silence: float = 0.0
    ) -> HostChannel:
        """A listening end, as a host makes it."""
        return HostChannel(self, server, endpoint)

    def forget(self, connection: Connection) -> None:
        """It cannot be broken any more."""
        if connection in self.connections:
            self.connections.remove(connection)
