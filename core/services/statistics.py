"""The engine's own health: how fast it decides, how fast venues answer, what went wrong."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

import psutil

from core.marketdata.latency import Rolling
from core.model.events import CancelReject, ExecutionReport
from core.model.requests import VenueNew, VenueRequest
from core.model.session import EngineView
from core.venues.replay.venue import ReplayVenue

_MOST_OPEN = 10_000  # requests without an answer that are remembered


class Statistics:
    """Counts and durations.

    Attributes:
        decide: from a command's arrival to its requests handed to the venue, in ns.
        arrived: when the command that is worked on came (monotonic ns); 0 when none is.
        round_trip: from a request to the venue's first answer, in ns.
        events: how many events and market messages the engine worked off.
        errors: exceptions that some handler raised, and inputs that could not be applied.
    """

    def __init__(self) -> None:
        self.decide = Rolling()
        self.round_trip = Rolling()
        self.arrived = 0
        self.events = 0
        self.errors = 0
        self.rate = 0.0
        self._sent: dict[str, int] = {}
        self._events_before = 0
        self._looked_at = time.monotonic()
        self._turns = 0
        self._process = psutil.Process(os.getpid())

    def sent(self, request: VenueRequest) -> None:
        """A request went to its venue."""
        name = request.order.cl_ord_id if isinstance(request, VenueNew) else request.request
        if len(self._sent) >= _MOST_OPEN:
            del self._sent[next(iter(self._sent))]
        self._sent[name] = time.monotonic_ns()

    def decided(self, arrived: int = 0) -> None:
        """The requests that follow from a command have been handed over.

        `arrived` is when it came, unless it is the one that is worked on now.
        """
        if arrived:
            self.decide.add(time.monotonic_ns() - arrived)
        elif self.arrived:
            self.decide.add(time.monotonic_ns() - self.arrived)
            self.arrived = 0

    def answered(self, report: ExecutionReport | CancelReject) -> None:
        """A venue spoke; only its first answer to each request counts."""
        began = self._sent.pop(report.request or report.cl_ord_id, None)
        if began is not None:
            self.round_trip.add(time.monotonic_ns() - began)

    def second(self) -> float:
        """Once a second: work out rates, forget what is older than a minute. Returns the seconds
        that really passed."""
        now = time.monotonic()
        passed = max(now - self._looked_at, 1e-3)
        self.rate = (self.events - self._events_before) / passed
        self._events_before = self.events
        self._looked_at = now
        self._turns += 1
        if self._turns % 10 == 0:
            self.decide.turn()
            self.round_trip.turn()
        return passed

    def view(
        self,
        now: int,
        failed: int,
        journal: int,
        behind: int,
        denials: Mapping[tuple[str, str], int],
        replay: ReplayVenue | None,
    ) -> EngineView:
        """All of it for the terminals at `now` (UTC ns).

        `failed` are errors counted elsewhere, `journal` is that one's size in bytes, `behind` how
        many entries the records have still to take, -1 where that is unknown. `denials` are counts
        by code and scope.
        """
        codes: dict[str, int] = {}
        for (code, _), count in denials.items():
            codes[code] = codes.get(code, 0) + count
        trip50, trip99 = self.round_trip.quantiles(0.5, 0.99)
        decide50, decide99 = self.decide.quantiles(0.5, 0.99)
        return EngineView(
            now,
            trip50,
            trip99,
            decide50,
            decide99,
            self.rate,
            self.errors + failed,
            journal,
            self.rss,
            0 if replay is None else replay.now(),
            0 if replay is None else replay.end_time,
            0.0 if replay is None or replay.paused else replay.speed,
            0 if replay is None else replay.start_time,
            behind,
            codes,
        )

    @property
    def rss(self) -> int:
        """Memory of this process in bytes."""
        return int(self._process.memory_info().rss)
