"""The engine's side of one venue: its data in, requests out, and agreement on what is working."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from core.marketdata.cache import Market, MarketCache
from core.marketdata.checks import Source
from core.marketdata.trades import TradeLog
from core.model.enums import LinkState, Severity
from core.model.events import (
    Event,
    LinkUpdate,
    Notice,
    VenueEvent,
    VenueOrder,
)
from core.model.market import MarketData, StatusUpdate, TradeHistory
from core.model.orders import Order
from core.model.requests import VenueNew, VenueRequest
from core.services.orderpath import OrderPath
from core.services.past import last_price, with_gap
from core.services.reconcile import reconcile
from core.services.statistics import Statistics
from core.venues.venue import Venue

_LOOKS = 4  # how often an order must be missing from the venue's list until it is believed
_BETWEEN = 0.05  # seconds between two looks; reports under way arrive meanwhile
_RETRY = 1.0  # seconds until a venue that failed is tried again
_START_SECONDS = 3.0  # how long a slow venue may hold up the start of the others
_ANSWER_SECONDS = 10.0  # how long a venue may take to list its orders

_BROKEN = (LinkState.DOWN, LinkState.CONNECTING)


class VenueLink:
    """One venue.

    Args:
        past: trades of before a restart, by instrument; they take the place of the history that
            the venue tells, once.

    Attributes:
        source: its market data's health.
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
        self._past = past
        self._cache = cache
        self._lost: tuple[int, dict[Market, TradeLog]] | None = None

    async def start(self) -> None:
        """Connect after recovery and agree with the venue, if it answers soon. Never raises."""
        name = self.venue.name
        try:
            self.venue.resume(self._working(), self._marks())
            await self.venue.start(self._on_market, self._on_event)
        except Exception as error:
            self._on_error(f"{name} could not be started.", error)
            text = f"{name} could not be started: {error}. Its orders stay as they were."
            self._on_link(LinkUpdate(name, self._path.clock(), LinkState.DOWN, text))
        if self._task is not None:
            await asyncio.wait([self._task], timeout=_START_SECONDS)

    async def stop(self) -> None:
        """Disconnect. Never raises."""
        self._cancel()
        try:
            await self.venue.stop()
        except Exception as error:
            self._on_error(f"{self.venue.name} could not be stopped cleanly.", error)

    def send(self, request: VenueRequest) -> None:
        """Pass on a request. When the venue fails on it, its fate is unknown until the venue's
        orders were looked up. Never raises."""
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
            self._path.take(event)

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
        self._path.take(update)
        self._publish([update])
        if update.state in _BROKEN:
            self.settled = False
            self._cancel()
        elif update.state is LinkState.UP and not self.settled and self._task is None:
            self._task = asyncio.get_running_loop().create_task(
                self._settle(), name=f"reconcile {self.venue.name}"
            )

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    # -- agreement ---------------------------------------------------------------------------

    async def _settle(self) -> None:
        """Agree with the venue on what is working, however often it takes to get an answer."""
        while not self.settled:
            try:
                theirs = await self._ask()
            except Exception as error:
                self._on_error(
                    f"{self.venue.name} did not list its working orders; until it does, no orders"
                    " are sent there.",
                    error,
                )
                await asyncio.sleep(_RETRY)
            else:
                self._agree(theirs)
        self._task = None

    async def _ask(self) -> Sequence[VenueOrder]:
        """The venue's list; looked at again while orders of ours are missing, since reports of
        what became of them may be on their way."""
        for look in range(_LOOKS):
            if look:
                await asyncio.sleep(_BETWEEN)
            theirs = await asyncio.wait_for(self.venue.working_orders(), _ANSWER_SECONDS)
            listed = {order.cl_ord_id for order in theirs}
            if all(order.cl_ord_id in listed for order in self._working()):
                break
        return theirs

    def _agree(self, theirs: Sequence[VenueOrder]) -> None:
        name, ours = self.venue.name, self._working()
        reports, notices = reconcile(
            name,
            ours,
            theirs,
            self._path.clock(),
            lambda order: self._kernel.order(order) is not None,
        )
        for report in reports:
            self._path.take(report)
        self.settled = True
        if notices:
            text = f"{name}: {len(ours)} orders compared, {len(notices)} differences."
            notices.append(Notice(self._path.clock(), Severity.INFO, "reconcile", text))
            self._publish(notices)

    def _known(self, cl_ord_id: str) -> bool:
        return self._kernel.order(cl_ord_id) is not None

    def _working(self) -> list[Order]:
        suffix = f".{self.venue.name}"
        return [order for order in self._kernel.at_venues() if order.instrument.endswith(suffix)]

    def _marks(self) -> dict[str, int]:
        """Last known prices. The kernel's are the newest of what it watches, else perhaps old."""
        suffix = f".{self.venue.name}"
        known = self._kernel.marks()
        lasts = {name: last_price(history) for name, history in self._past.items()}
        watched = {name: known[name] for name in self._kernel.watched() if name in known}
        marks = known | lasts | watched
        return {name: mark for name, mark in marks.items() if name.endswith(suffix)}
