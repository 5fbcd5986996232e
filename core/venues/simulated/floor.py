"""The trading floor of a simulated venue: its open markets, halts and sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from core.model.enums import MarketStatus
from core.model.market import StatusUpdate
from core.model.orders import Order
from core.venues.simulated.agents import LOWEST, Agents
from core.venues.simulated.desk import Desk
from core.venues.simulated.draws import generator
from core.venues.simulated.fair import SECOND, FairPath
from core.venues.simulated.history import trade_history
from core.venues.simulated.listing import Listing
from core.venues.simulated.livebook import BUY, LiveBook
from core.venues.simulated.own import Market, can_rest
from core.venues.simulated.timeline import Timeline
from core.venues.venue import MarketSink

_MINUTE = 60 * SECOND
_DAY = 86_400 * SECOND
_NUDGE = 0.01
"""How far, as a share of it, the first price moves to leave our resting orders resting."""


class _Listed:
    """One instrument while the venue runs. `stale`: its agents must look at their orders again."""

    __slots__ = ("agents", "market", "reopens", "stale")

    def __init__(self, market: Market, agents: Agents) -> None:
        self.market = market
        self.agents = agents
        self.reopens = 0
        self.stale = False


class Floor:
    """Lists instruments and lets their people trade, on a timeline.

    `received` gives the time stamp of reception for what is published; `halts_a_day` is how often
    an instrument halts for 10 to 40 seconds.
    """

    def __init__(
        self,
        timeline: Timeline,
        desk: Desk,
        emit: MarketSink,
        received: Callable[[], int],
        *,
        seed: int,
        halts_a_day: float,
    ) -> None:
        self._timeline = timeline
        self._desk = desk
        desk.stamp = self._stamp
        self._emit = emit
        self._received = received
        self._seed = seed
        self._halts_a_day = halts_a_day
        self._rng: np.random.Generator = generator(seed, "floor", desk.name)
        self._listed: dict[str, _Listed] = {}
        timeline.at(timeline.now + SECOND, self._repeat_quotes, None)

    def open(self, listing: Listing, mark: int, ours: Sequence[Order]) -> None:
        """Opens one instrument: its past, its people, our orders of before, its book."""
        now = self._timeline.now
        instrument = listing.instrument
        ours = [order for order in ours if order.leaves > 0 and can_rest(order)]
        start = _uncrossed(max(mark or listing.start, LOWEST + 1), ours)
        past = trade_history(listing, self._seed, start, now)
        if past is not None:
            self._emit(past)
        live = LiveBook(instrument.id, 4 * listing.resting, self._emit, start)
        market = Market(instrument, live)
        fair = FairPath(
            self._seed, instrument.symbol, listing.annual_vol, listing.fair_steps_a_second
        )
        rng = generator(self._seed, "agents", instrument.id)
        agents = Agents(listing, live, fair, rng, start, now)
        listed = _Listed(market, agents)
        self._listed[instrument.id] = listed
        self._desk.join(market)
        self._stamp(live)
        agents.open()
        for order in ours:
            self._desk.put_back(order)
        if instrument.hours.is_open(now):
            self._set_status(listed, MarketStatus.OPEN, "")
        else:
            self._set_status(listed, MarketStatus.CLOSED, "Outside its trading hours.")
        live.snapshot()
        self._timeline.at(now + agents.wait(), self._act, listed)
        if self._halts_a_day > 0:
            self._timeline.at(self._next_halt(now), self._pause, listed)
        if instrument.hours.sessions:
            self._timeline.at((now // _MINUTE + 1) * _MINUTE, self._check_hours, listed)

    def market(self, instrument: str) -> Market:
        """The market of a listed instrument."""
        return self._listed[instrument].market

    def halt(self, instrument: str, seconds: float, why: str) -> None:
        """Stops trading in `instrument` for `seconds`, unless it is closed anyway."""
        listed = self._listed[instrument]
        if listed.market.status is MarketStatus.CLOSED:
            return
        listed.reopens = self._timeline.now + int(seconds * SECOND)
        self._set_status(listed, MarketStatus.HALTED, why)
        self._timeline.at(listed.reopens, self._reopen, listed)

    def look_again(self) -> None:
        """Time was skipped: whoever acts next first renews the orders that have gone stale."""
        for listed in self._listed.values():
            listed.stale = True

    def arrive(self, instrument: str) -> None:
        """A request for `instrument` reaches the venue: stamps what it is going to cause."""
        listed = self._listed.get(instrument)
        if listed is not None:
            self._stamp(listed.market.live)

    # Each happening returns when it happens again, or 0.

    def _act(self, ts: int, listed: _Listed) -> int:
        market = listed.market
        if market.status is not MarketStatus.OPEN:
            return max(listed.reopens, ts) + SECOND // 10
        live = market.live
        self._stamp(live)
        agents = listed.agents
        if listed.stale:
            listed.stale = False
            agents.refresh(ts)
        agents.step(ts)
        if market.stops:
            self._desk.trigger(market)
        live.publish()
        return ts + agents.wait()

    def _pause(self, ts: int, listed: _Listed) -> int:
        if listed.market.status is MarketStatus.OPEN:
            seconds = 10 + 30 * float(self._rng.random())
            self.halt(listed.market.instrument.id, seconds, "Volatility pause.")
        return self._next_halt(ts)

    def _next_halt(self, ts: int) -> int:
        return ts + 1 + int(self._rng.standard_exponential() * _DAY / self._halts_a_day)

    def _reopen(self, ts: int, listed: _Listed) -> int:
        if listed.market.status is MarketStatus.HALTED and ts >= listed.reopens:
            self._resume(ts, listed)
        return 0

    def _check_hours(self, ts: int, listed: _Listed) -> int:
        market = listed.market
        is_open = market.instrument.hours.is_open(ts)
        if is_open and market.status is MarketStatus.CLOSED:
            self._resume(ts, listed)
        elif not is_open and market.status is not MarketStatus.CLOSED:
            self._set_status(listed, MarketStatus.CLOSED, "The session is over.")
            self._desk.expire(market)
        return ts + _MINUTE

    def _resume(self, ts: int, listed: _Listed) -> None:
        self._set_status(listed, MarketStatus.OPEN, "")
        listed.agents.refresh(ts)
        if listed.market.stops:
            self._desk.trigger(listed.market)
        listed.market.live.publish()

    def _repeat_quotes(self, ts: int, _: None) -> int:
        """A quiet market's quote is said again every second, so that it does not look stale."""
        for listed in self._listed.values():
            live = listed.market.live
            if ts - live.quoted >= SECOND and listed.market.status is MarketStatus.OPEN:
                self._stamp(live)
                live.quote()
        return ts + SECOND

    def _set_status(self, listed: _Listed, status: MarketStatus, why: str) -> None:
        market = listed.market
        market.status = status
        market.why = why
        live = market.live
        self._stamp(live)
        self._emit(StatusUpdate(market.instrument.id, live.ts, live.received, status, why))

    def _stamp(self, live: LiveBook) -> None:
        live.ts = self._timeline.now
        live.received = self._received()


def _uncrossed(start: int, ours: Sequence[Order]) -> int:
    """A first price near `start` at which none of our orders trades, if there is one."""
    bids = [order.price for order in ours if order.side == BUY]
    asks = [order.price for order in ours if order.side != BUY]
    lowest = max(bids, default=0) + _CLEAR
    highest = min(asks, default=1 << 40) - _CLEAR
    moved = min(max(start, lowest), highest)
    if lowest <= highest and abs(moved - start) <= start * _NUDGE + _CLEAR:
        return moved
    return start


_CLEAR = 3
"""Ticks that the first value keeps away from our orders."""
