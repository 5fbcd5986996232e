"""A venue that lives inside the engine: real matching, made-up people, one seed, virtual time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

import msgspec

from core.model.commands import VenueControl
from core.model.enums import LinkState, Mode
from core.model.events import LinkUpdate, VenueOrder, VenueStatement
from core.model.instruments import Instrument
from core.model.orders import Order
from core.model.requests import VenueRequest
from core.venues.simulated.desk import Desk, Report
from core.venues.simulated.draws import floats, generator
from core.venues.simulated.fair import SECOND
from core.venues.simulated.floor import Floor
from core.venues.simulated.listing import Listing
from core.venues.simulated.timeline import Timeline
from core.venues.venue import Clock, EventSink, MarketSink

_PACE = 0.004
"""Seconds between two steps of a live market that keeps up."""
_BUDGET = 250_000
"""Nanoseconds that one step may work."""
_MOST_LAG = SECOND // 4
"""How far behind the clock a market skips what it has missed."""
_STALE_AFTER = 5 * SECOND
"""A skip longer than this makes the agents look at their orders again."""


class SimulatedVenue:
    """A simulated exchange.

    Time is virtual: everything happens at a nanosecond of a `Timeline`. `start` paces it to
    `clock`, skipping what it cannot keep up with; `open` and `advance` run it by hand, as fast as
    the computer can, and alike for the same seed, start and requests.

    `listings` is what it was made with.

    `latency` is the usual time in ns from sending an order to its acknowledgement, half of it each
    way, with jitter; messages never overtake one another. `halts_a_day` is how often an
    instrument halts for 10 to 40 seconds.

    Orders of before (`resume`) go back into the new book with what is left of them, behind the
    agents' orders at their price. The market starts at the last known price, moved by up to 1 %
    where that keeps them from trading at once; where it does not, they trade as they enter.
    Orders that cannot rest (market, immediate-or-cancel, fill-or-kill) and orders in instruments
    that are not listed are gone.
    """

    def __init__(
        self,
        name: str,
        listings: Sequence[Listing],
        *,
        seed: int = 1,
        latency: int = 0,
        halts_a_day: float = 3.0,
        clock: Clock = time.time_ns,
    ) -> None:
        self.name = name
        self.mode = Mode.PAPER
        self.listings = tuple(listings)
        self._seed = seed
        self._half_latency = latency / 2
        self._halts_a_day = halts_a_day
        self._clock = clock
        self._ahead = 0
        self._jitter = floats(generator(seed, "latency", name).standard_exponential, 64)
        self._timeline = Timeline()
        self._last_in = 0
        self._last_out = 0
        self._working: Sequence[Order] = ()
        self._whole_life = True
        self._marks: Mapping[str, int] = {}
        self._market_sink: MarketSink
        self._event_sink: EventSink
        self._desk: Desk
        self._floor: Floor
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pacer: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0

    @property
    def now(self) -> int:
        """The virtual time, UTC ns; 0 before the market is open."""
        return self._timeline.now

    @property
    def happened(self) -> int:
        """How many events the market has worked off."""
        return self._timeline.events

    def instruments(self) -> Sequence[Instrument]:
        """Everything that trades here."""
        return tuple(listing.instrument for listing in self.listings)

    def resume(self, working: Sequence[Order], marks: Mapping[str, int]) -> None:
        """Before `start`: our orders and the last prices of before. See the class."""
        self._whole_life = False
        self._working = tuple(working)
        self._marks = dict(marks)

    def open(self, market: MarketSink, events: EventSink, ts: int) -> None:
        """Opens the market at the virtual time `ts` (UTC ns); `advance` then makes time pass."""
        self._begin(market, events, ts)
        for listing in self.listings:
            self._list(listing)
        self._up()

    def advance(self, to: int) -> None:
        """Lets everything happen that happens up to the virtual time `to`."""
        self._timeline.run(to)

    async def start(self, market: MarketSink, events: EventSink) -> None:
        """Opens the market now and keeps it going in a task until `stop`."""
        self._loop = asyncio.get_running_loop()
        self._begin(market, events, self._clock())
        for listing in self.listings:
            self._list(listing)
            await asyncio.sleep(0)
        self._timeline.skip(self._clock())
        self._up()
        self._pacer = asyncio.create_task(self._pace(), name=f"market {self.name}")

    def send(self, request: VenueRequest) -> None:
        """Sends an order, cancel or replace; it arrives after the latency.

        Raises:
            RuntimeError: before `start`.
        """
        if not self.now:
            raise RuntimeError(f"{self.name} has not been started.")
        self._last_in = max(self._last_in, self._current() + self._latency())
        self._timeline.promise(self._last_in, self._arrive, request)
        self._arm()

    def halt(self, instrument: str, seconds: float, why: str = "Volatility pause.") -> None:
        """Stops trading in `instrument` now for `seconds`, unless it is closed anyway."""
        self._floor.halt(instrument, seconds, why)

    def cancel_all(self, text: str) -> None:
        """Cancels every order of ours that has arrived; see `CancelsOnDisconnect`."""
        if self.now:
            self._desk.cancel_all(text)
            self._arm()

    async def working_orders(self) -> Sequence[VenueOrder]:
        """Our orders that may still trade; those on their way here are not among them."""
        return self._desk.working() if self.now else ()

    async def statement(self, since: int, orders: Sequence[str]) -> VenueStatement:
        """Orders, executions, and positions where this venue was there from the beginning.

        One that began anew within an engine (`resume`) does not know what was traded before. It
        knows no cash.
        """
        if not self.now:
            return VenueStatement(())
        desk = self._desk
        return VenueStatement(
            tuple(desk.working()),
            tuple(desk.known(orders)),
            tuple(desk.executions(since)),
            tuple(desk.positions()) if self._whole_life else None,
            ts=self.now,
        )

    def control(self, command: VenueControl) -> str:
        """A live market cannot be steered."""
        return f"{self.name} is a simulated live market; “{command.action}” needs a replay."

    async def stop(self) -> None:
        """Ends the market; nothing is reported after that."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._pacer is not None:
            self._pacer.cancel()
            await asyncio.gather(self._pacer, return_exceptions=True)
            self._pacer = None
        self._loop = None
        self._timeline.clear()

    def _begin(self, market: MarketSink, events: EventSink, ts: int) -> None:
        if self.now:
            raise RuntimeError(f"{self.name} has been started already.")
        self._timeline.now = ts
        self._market_sink = market
        self._event_sink = events
        self._desk = Desk(self.name, f"{ts:x}", self._timeline, self._report)
        self._floor = Floor(
            self._timeline,
            self._desk,
            market,
            self._received,
            seed=self._seed,
            halts_a_day=self._halts_a_day,
        )

    def _list(self, listing: Listing) -> None:
        instrument = listing.instrument.id
        ours = [order for order in self._working if order.instrument == instrument]
        self._floor.open(listing, self._marks.get(instrument, 0), ours)

    def _up(self) -> None:
        text = f"{self.name} is open: a simulated market with paper money."
        self._event_sink(LinkUpdate(self.name, self.now, LinkState.UP, text))

    # Orders and reports on their way

    def _latency(self) -> int:
        """One way, ns: four fifths fixed, the rest chance."""
        if not self._half_latency:
            return 0
        return int(self._half_latency * (0.8 + 0.2 * self._jitter()))

    def _arrive(self, ts: int, request: VenueRequest) -> int:
        self._floor.arrive(request.order.instrument)
        self._desk.handle(request)
        return 0

    def _report(self, report: Report) -> None:
        self._last_out = max(self._last_out, self.now + self._latency())
        self._timeline.promise(self._last_out, self._deliver, report)
        self._arm()

    def _deliver(self, ts: int, report: Report) -> int:
        self._event_sink(msgspec.structs.replace(report, received=self._received()))
        return 0

    # The clock on the wall

    def _received(self) -> int:
        return self.now if self._loop is None else self._clock()

    def _current(self) -> int:
        """The virtual time that it ought to be now."""
        if self._loop is None:
            return self.now
        return max(self.now, self._clock() + self._ahead)

    async def _pace(self) -> None:
        timeline = self._timeline
        try:
            while True:
                target = self._clock() + self._ahead
                if target < timeline.now - SECOND:
                    # The computer's clock was set back; a market's time never goes back.
                    self._ahead += timeline.now - target
                    target = timeline.now
                if timeline.run(target, _BUDGET):
                    await asyncio.sleep(_PACE)
                    continue
                lag = target - timeline.now
                if lag > _MOST_LAG:
                    timeline.skip(target)
                    if lag > _STALE_AFTER:
                        self._floor.look_again()
                await asyncio.sleep(0)
        except Exception as error:
            text = f"The simulated market {self.name} has stopped on an error: {error!r}."
            self._event_sink(LinkUpdate(self.name, self._clock(), LinkState.DOWN, text))
            raise

    def _arm(self) -> None:
        """Sets the timer for the next order or report that is due between two steps."""
        due = self._timeline.promised
        if self._loop is None or not due or (self._timer and self._timer_due <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = due
        delay = (due - self._clock() - self._ahead) / SECOND
        self._timer = self._loop.call_later(max(delay, 0.0), self._due)

    def _due(self) -> None:
        self._timer = None
        self._timeline.run(self._current(), _BUDGET)
        self._arm()
