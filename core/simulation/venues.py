"""The programs that venues run in: they die and start again, and lose what was on its way."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from core.model.events import VenueEvent
from core.simulation.exchange import Exchange
from core.simulation.loop import VirtualLoop
from core.simulation.wire import Network
from core.venues.remote.host import VenueHost
from core.venues.venue import EventSink

TOKEN = "simulated"  # noqa: S105


class VenueProgram:
    """One venue's program, again and again.

    Each start is another incarnation for the engine: its sessions are gone, its events are
    numbered from one, and it has no memory of the reports that it told before.

    Attributes:
        exchange: what is on its disk, and outlives it.
        alive: it runs.
    """

    def __init__(self, loop: VirtualLoop, network: Network) -> None:
        self.exchange: Exchange
        self.alive = False
        self._loop = loop
        self._network = network
        self._starts = 0
        self._host: VenueHost | None = None

    @property
    def owner(self) -> str:
        """The program's name in this life."""
        return f"{self.exchange.name}-{self._starts}"

    @property
    def endpoint(self) -> str:
        """Where engines find it."""
        return f"sim://{self.exchange.name}"

    @property
    def attended(self) -> bool:
        """Is there an engine that it tells everything? One that did not read was given up."""
        return self.alive and self._host is not None and self._host._member is not None

    def start(self) -> None:
        """Begin, or begin again."""
        self._starts += 1
        self.alive = True
        before, self._loop.owner = self._loop.owner, self.owner
        try:
            host = self._host = VenueHost(self.exchange, self.endpoint, TOKEN)
            self._network.owners[self.endpoint] = self.owner
            self._loop.create_task(host.start())
        finally:
            self._loop.owner = before

    def die(self) -> None:
        """It ends here and now: nothing that it had still to do or to tell happens."""
        self.alive = False
        self._loop.kill(self.owner)
        self._network.hosts.pop(self.endpoint, None)
        for connection in [c for c in self._network.connections if c.endpoint == self.endpoint]:
            connection.break_at(0, 0, 0.0)

    def deliver(
        self, delay: float, arrive: Callable[[EventSink, VenueEvent], None], *what: object
    ) -> None:
        """Something is on its way within the program."""
        self._loop.later(self.owner, delay, arrive, *what)


def incarnations() -> Callable[[], str]:
    """Tokens that differ from one start of a program to the next."""
    numbers: Iterator[int] = itertools.count(1)
    return lambda: f"life {next(numbers)}"
