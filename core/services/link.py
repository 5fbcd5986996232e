"""The engine's side of one venue: its data in, requests out, and agreement on what is working."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence

from msgspec.structs import replace

from core.marketdata.cache import Market, MarketCache
from core.marketdata.checks import Source
from core.marketdata.trades import TradeLog
from core.model.enums import LinkState
from core.model.events import (
    Event,
    LinkUpdate,
    VenueEvent,
)
from core.model.market import MarketData, StatusUpdate, TradeHistory
from core.model.requests import VenueNew, VenueRequest
from core.services.audit import Audit, Terms
from core.services.orderpath import OrderPath
from core.services.past import last_price, with_gap
from core.services.statistics import Statistics
from core.services.timers import Every
from core.venues.venue import Venue

_RETRY = 1.0  # seconds until a venue that failed is tried again
_START_SECONDS = 3.0  # how long a slow venue may hold up the start of the others
_LOOK_SECONDS = 0.5  # how often requests without an answer are looked for
_NOTED_NS = 600 * 10**9  # how far the record of when all agreed may be behind

_BROKEN = (LinkState.DOWN, LinkState.CONNECTING)


class VenueLink:
    """One venue.

    Args:
        past: trades of before a restart, by instrument; they take the place of the history that
            the venue tells, once.

    Attributes:
        source: its market data's health.
        audit: its word compared with our books.
        settled: False until its orders and ours were found to agree; no order goes there before.
    """

    def __init__(
        self,
        venue: Venue,
        cache: MarketCache,
        path: OrderPath,
        publish: Callable[[Sequence[Event]], None],
        on_error: Callable[[str, Exception | None], None],
        statistics: Statistics,
        past: dict[str, TradeHistory],
        terms: Terms = Terms(),  # noqa: B008 - a tuple
    ) -> None:
        self.venue = venue
        self.source = Source(venue.name)
        self.settled = False
        self._path = path
        self._publish = publish
        self._on_error = on_error
        self._statistics = statistics
        self._take = cache.sink(self.source)
        self._kernel = path.kernel
        self._link = LinkUpdate(venue.name, 0, LinkState.CONNECTING)
        self._task: asyncio.Task[None] | None = None
        self._terms = terms
        self.audit = Audit(venue, path, publish, terms)
        self._timer = Every(_LOOK_SECONDS, self._look, on_error, f"Comparing with {venue.name}")
        self._checked = 0.0
        self._past = past
        self._cache = cache
        self._lost: tuple[int, dict[Market, TradeLog]] | None = None
        self._begun = False
        self._early: list[VenueRequest] = []

    async def start(self) -> None:
        """Connect after recovery and agree with the venue, if it answers soon. Never raises."""
        name = self.venue.name
        try:
            self.venue.resume(self.audit.working(), self._marks())
            self._begun = True
            await self.venue.start(self._on_market, self._on_event)
        except Exception as error:
            self._on_error(f"{name} could not be started.", error)
            text = f"{name} could not be started: {error}. Its orders stay as they were."
            self._on_link(LinkUpdate(name, self._path.clock(), LinkState.DOWN, text))
        early, self._early = self._early, []
        for request in early:
            self.send(request)
        if self._task is not None:
            await asyncio.wait([self._task], timeout=_START_SECONDS)
        self._timer.start()

    async def stop(self) -> None:
        """Disconnect. Never raises."""
        self._timer.stop()
        self._cancel()
        try:
            await self.venue.stop()
        except Exception as error:
            self._on_error(f"{self.venue.name} could not be stopped cleanly.", error)

    def send(self, request: VenueRequest) -> None:
        """Pass on a request. When the venue fails on it, its fate is unknown until the venue's
        orders were looked up. Never raises.

        While other venues are being started one that is not yet is told nothing: what their
        reports lead to (the cancel of a sibling, perhaps) goes out once it has been started.
        """
        if not self._begun:
            self._early.append(request)
            return
        self.audit.sent(request)
        try:
            self.venue.send(request)
        except Exception as error:
            name = self.venue.name
            self._on_error(f"{name} failed to take a request.", error)
            what = "order" if isinstance(request, VenueNew) else "change"
            text = f"{name} failed to take the {what} {request.order.cl_ord_id}: {error!r}."
            self._on_link(LinkUpdate(name, self._path.clock(), LinkState.DOWN, text))
            asyncio.get_running_loop().call_later(_RETRY, self._again, self._link)

    def _again(self, link: LinkUpdate) -> None:
        """It was our own word that the venue is down: unless it said otherwise, try it again."""
        if self._link is link:
            text = f"{self.venue.name} is tried again."
            self._on_link(LinkUpdate(self.venue.name, self._path.clock(), LinkState.UP, text))

    # -- what the venue says -----------------------------------------------------------------

    def _on_market(self, message: MarketData) -> None:
        if isinstance(message, TradeHistory):
            kept = self._past.pop(message.instrument, None)
            message = message if kept is None else with_gap(kept, self._path.clock())
        self._take(message)
        if isinstance(message, StatusUpdate):
            self._path.take(message)

    def _on_event(self, event: VenueEvent) -> None:
        if isinstance(event, LinkUpdate):
            self._note_outage(event)
            self._on_link(event)
        else:
            self._statistics.answered(event)
            for report in self.audit.heard(event):
                self._path.take(report)
            self.audit.taken(event)

    def _note_outage(self, update: LinkUpdate) -> None:
        """What the venue may have said while its link was down is a gap in what we know, unless
        it told the whole past anew meanwhile. A link that is up and silent is a quiet market."""
        if update.state in _BROKEN:
            if self._lost is None:
                now = self._path.clock()
                since = min(self.source.last or now, now)
                self._lost = since, {m: m.log for m in self._markets()}
        elif self._lost is not None:
            (since, logs), self._lost = self._lost, None
            for market, log in logs.items():
                if market.log is log:
                    market.missed(since, self._path.clock())

    def _markets(self) -> list[Market]:
        known = self._cache.markets
        return [known[i.id] for i in self.venue.instruments() if i.id in known]

    def _on_link(self, update: LinkUpdate) -> None:
        if update.source != self.venue.name:
            update = LinkUpdate(self.venue.name, update.ts, update.state, update.text)
        self._link = update
        self.source.link(update)
        if update.state is LinkState.UP and not self.settled:
            # Nobody may trade there yet, the kernel's own orders neither.
            text = f"{update.text} Orders are being compared.".strip()
            self._tell(LinkUpdate(update.source, update.ts, LinkState.CONNECTING, text))
            if self._task is None:
                self.audit.broken()
                self._begin(self._settle())
            return
        if update.state in _BROKEN:
            self.settled = False
            self._cancel()
        self._tell(update)

    def _tell(self, update: LinkUpdate) -> None:
        self._path.take(update)
        self._publish([update])

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(work, name=f"reconcile {self.venue.name}")

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    # -- agreement ---------------------------------------------------------------------------

    async def _settle(self) -> None:
        """Agree with the venue, however often it takes to get an answer; then let orders go."""
        while not self.settled:
            try:
                await self.audit.agree(settling=True)
            except Exception as error:
                self._on_error(
                    f"{self.venue.name} could not be compared with our books; until it is, no"
                    " orders are sent there.",
                    error,
                )
                await asyncio.sleep(_RETRY)
            else:
                self.settled = True
        self._checked = asyncio.get_running_loop().time()
        self._task = None
        self._tell(replace(self._link, agreed=self.audit.told_at))

    def _look(self) -> None:
        """Now and then: what got no answer is asked for, and all is compared when it is time."""
        audit, terms = self.audit, self._terms
        if not self.settled:
            return
        audit.count_fills()
        late = audit.overdue()
        passed = asyncio.get_running_loop().time() - self._checked
        due = terms.every and passed >= (min(1.0, terms.every) if audit.waiting else terms.every)
        if late or due:
            self.compare()

    def compare(self) -> None:
        """Compare soon, without blocking anything."""
        if self.settled and self._task is None:
            self._begin(self._check())

    async def _check(self) -> None:
        try:
            await self.audit.agree(settling=False)
        except Exception as error:
            self._on_error(f"{self.venue.name} could not be compared with our books.", error)
        else:
            self._note_agreement()
        self._checked = asyncio.get_running_loop().time()
        self._task = None

    def _note_agreement(self) -> None:
        """Put on record, now and then, from when on executions may be missing after a crash."""
        told_at = self.audit.told_at
        if self.settled and told_at - self._kernel.agreed(self.venue.name) >= _NOTED_NS:
            self._path.take(replace(self._link, agreed=told_at))

    def _marks(self) -> dict[str, int]:
        """Last known prices. The kernel's are the newest of what it watches, else perhaps old."""
        suffix = f".{self.venue.name}"
        known = self._kernel.marks()
        lasts = {name: last_price(history) for name, history in self._past.items()}
        watched = {name: known[name] for name in self._kernel.watched() if name in known}
        marks = known | lasts | watched
        return {name: mark for name, mark in marks.items() if name.endswith(suffix)}
