"""The engine's side of one venue: its data in, requests out, and agreement on what is working."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from core.kernel.kernel import Kernel
from core.marketdata.cache import MarketCache
from core.marketdata.checks import Source
from core.model.enums import LinkState, Severity
from core.model.events import (
    Event,
    LinkUpdate,
    Notice,
    VenueEvent,
    VenueOrder,
)
from core.model.market import MarketData, StatusUpdate
from core.model.orders import Order
from core.model.requests import VenueNew, VenueRequest
from core.services.orderpath import OrderPath
from core.services.reconcile import reconcile
from core.services.statistics import Statistics
from core.venues.venue import Venue

_LOOKS = 4  # how often an order must be missing from the venue's list until it is believed
_BETWEEN = 0.05  # seconds between two looks; reports under way arrive meanwhile
_ANSWER_SECONDS = 10.0  # how long a venue may take to list its orders

_BROKEN = (LinkState.DOWN, LinkState.CONNECTING)


class VenueLink:
    """One venue.

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
    ) -> None:
        self.venue = venue
        self.source = Source(venue.name)
        self.settled = False
        self._path = path
        self._publish = publish
        self._on_error = on_error
        self._statistics = statistics
        self._take = cache.sink(self.source)
        self._was_broken = False
        self._task: asyncio.Task[None] | None = None

    async def start(self, kernel: Kernel) -> None:
        """Connect after recovery and agree on what is working. Never raises."""
        name = self.venue.name
        try:
            self.venue.resume(self._working(kernel), self._marks(kernel))
            await self.venue.start(self._on_market, self._on_event)
        except Exception as error:
            self._on_error(f"{name} could not be started.", error)
            text = f"{name} could not be started: {error}. Its orders stay as they were."
            self._on_event(LinkUpdate(name, self._path.clock(), LinkState.DOWN, text))
            return
        await self._settle(kernel)

    async def stop(self) -> None:
        """Disconnect. Never raises."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self.venue.stop()
        except Exception as error:
            self._on_error(f"{self.venue.name} could not be stopped cleanly.", error)

    def send(self, request: VenueRequest) -> None:
        """Pass on a request. When the venue cannot take it, its fate is unknown. Never raises."""
        try:
            self.venue.send(request)
        except Exception as error:
            name = self.venue.name
            self._on_error(f"{name} failed to take a request.", error)
            what = "order" if isinstance(request, VenueNew) else "change"
            text = f"{name} failed to take the {what} {request.order.cl_ord_id}: {error!r}."
            self._path.take(LinkUpdate(name, self._path.clock(), LinkState.DOWN, text))
            self._was_broken = True
            self.settled = False

    # -- what the venue says -----------------------------------------------------------------

    def _on_market(self, message: MarketData) -> None:
        self._take(message)
        if isinstance(message, StatusUpdate):
            self._path.take(message)

    def _on_event(self, event: VenueEvent) -> None:
        if isinstance(event, LinkUpdate):
            self._on_link(event)
        else:
            self._statistics.answered(event)
            self._path.take(event)

    def _on_link(self, update: LinkUpdate) -> None:
        if update.source != self.venue.name:
            update = LinkUpdate(self.venue.name, update.ts, update.state, update.text)
        self.source.link(update)
        self._path.take(update)
        self._publish([update])
        if update.state in _BROKEN:
            self._was_broken = self._was_broken or self.settled
            self.settled = False
        elif update.state is LinkState.UP and self._was_broken:
            self._was_broken = False
            self._task = asyncio.get_running_loop().create_task(
                self._settle(self._path.kernel), name=f"reconcile {self.venue.name}"
            )

    # -- agreement ---------------------------------------------------------------------------

    async def _settle(self, kernel: Kernel) -> None:
        """Compare the venue's working orders with ours and bring ours in line."""
        name = self.venue.name
        try:
            theirs = await asyncio.wait_for(self.venue.working_orders(), _ANSWER_SECONDS)
            for _ in range(_LOOKS - 1):
                if not _missing(self._working(kernel), theirs):
                    break
                await asyncio.sleep(_BETWEEN)
                theirs = await asyncio.wait_for(self.venue.working_orders(), _ANSWER_SECONDS)
        except Exception as error:
            self._on_error(
                f"{name} did not list its working orders; no orders are sent there until it is"
                " connected anew.",
                error,
            )
            return
        began = time.monotonic()
        ours = self._working(kernel)
        reports, notices = reconcile(
            name, ours, theirs, self._path.clock(), lambda order: kernel.order(order) is not None
        )
        for report in reports:
            self._path.take(report)
        self.settled = True
        if notices:
            took = (time.monotonic() - began) * 1e3
            text = (
                f"{name}: {len(ours)} orders compared, {len(notices)} differences, {took:.0f} ms."
            )
            notices.append(Notice(self._path.clock(), Severity.INFO, "reconcile", text))
            self._publish(notices)

    def _working(self, kernel: Kernel) -> list[Order]:
        suffix = f".{self.venue.name}"
        return [order for order in kernel.working() if order.instrument.endswith(suffix)]

    def _marks(self, kernel: Kernel) -> dict[str, int]:
        suffix = f".{self.venue.name}"
        return {name: mark for name, mark in kernel.marks().items() if name.endswith(suffix)}


def _missing(ours: Sequence[Order], theirs: Sequence[VenueOrder]) -> bool:
    listed = {order.cl_ord_id for order in theirs}
    return any(order.cl_ord_id not in listed for order in ours)
