"""The other people in a simulated market: makers, passive traders, takers, trend followers."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from core.book.matching import Fill
from core.venues.simulated.draws import distances, floats, integers, sizes
from core.venues.simulated.fair import SECOND, FairPath
from core.venues.simulated.listing import Listing
from core.venues.simulated.livebook import BUY, MAKERS, NOISE, SELL, TAKER, WHO, LiveBook

_PASSIVE = 0.76
_MAKING = 0.14
_TAKING = 0.085
"""Shares of the actions; the rest are trend followers'."""
_LAYERS = 4
_WIDTHS = (1.0, 1.7, 2.6)
"""Half-spreads of the market makers, relative to the narrowest one's."""
_CROWD_SIDE = 0.62
"""How often a taker does what the taker before did."""
_IMPACT_TICKS = 1.2
_IMPACT_SECONDS = 6.0
LOWEST = 20
"""No market goes below this many ticks."""


class _Maker:
    """Quotes layers on both sides of its own idea of the value, which leans against inventory."""

    __slots__ = ("inventory", "quotes", "size", "who", "width")

    def __init__(self, who: int, width: float, size: float) -> None:
        self.who = who
        self.width = width
        self.size = size
        self.inventory = 0.0
        self.quotes: tuple[dict[int, int], dict[int, int]] = ({}, {})
        """Price to order id: bids, asks."""


class Agents:
    """All agents of one instrument; `step` lets one of them act.

    They know the value that `FairPath` gives (times what takers' pressure adds for a while) and
    see the same book as we do. Everything they do follows from the random generator, the
    calls of `step`, and the orders in the book.
    """

    def __init__(
        self,
        listing: Listing,
        live: LiveBook,
        fair: FairPath,
        rng: np.random.Generator,
        start: float,
        start_ts: int,
    ) -> None:
        self.live = live
        self._fair = fair
        self._base = start / fair.at(0)
        self._start_ts = start_ts
        self._rate = listing.rate
        self._resting = listing.resting
        block = 512 if listing.rate > 20 else 64
        self._uniform: Callable[[], float] = floats(rng.random, block)
        self._wait: Callable[[], float] = floats(rng.standard_exponential, block)
        self._size = integers(lambda n: sizes(rng, n, listing.size, listing.round_lot), block)
        self._distance = integers(lambda n: distances(rng, n), block)
        self._noise: list[tuple[int, int, int]] = []
        self._hit: set[int] = set()
        tick_move = listing.ticks_a_second
        width = 0.55 + 0.55 * tick_move / math.sqrt(max(listing.rate * _MAKING, 1.0))
        self._width = width
        self._makers = [
            _Maker(MAKERS + i, width * ratio, listing.size * (0.6 + 0.5 * i))
            for i, ratio in enumerate(_WIDTHS)
        ]
        self._limit = listing.size * 25.0
        takes = max(listing.rate * _TAKING * _IMPACT_SECONDS, 1.0)
        self._impact = _IMPACT_TICKS / math.sqrt(takes)
        self._typical = listing.size
        self._pressure = 0.0
        self._crowd = BUY
        self._quick = self._slow = start
        self._value = start
        self._last = start_ts
        live.agent_fill = self._filled

    def open(self) -> None:
        """Fills the empty book."""
        for maker in self._makers:
            self._requote(maker)
        center = int(self._value)
        for i in range(self._resting):
            side = BUY if i % 2 else SELL
            self._place(side, center)

    def wait(self) -> int:
        """Nanoseconds until somebody acts next."""
        return 1 + int(self._wait() * SECOND / (self._rate * self._fair.activity))

    def value(self, ts: int) -> float:
        """What the instrument is worth at `ts`, in ticks."""
        elapsed = ts - self._last
        self._last = ts
        if self._pressure:
            self._pressure *= math.exp(-elapsed / (_IMPACT_SECONDS * SECOND))
        worth = self._base * self._fair.at(ts - self._start_ts) + self._pressure
        self._value = worth if worth > LOWEST else float(LOWEST)
        return self._value

    def step(self, ts: int) -> None:
        """Somebody acts."""
        self.value(ts)
        chance = self._uniform()
        if chance < _PASSIVE:
            self._passive(chance / _PASSIVE)
        elif chance < _PASSIVE + _MAKING:
            share = (chance - _PASSIVE) / _MAKING
            self._requote(self._makers[int(share * len(self._makers))])
        elif chance < _PASSIVE + _MAKING + _TAKING:
            self._take((chance - _PASSIVE - _MAKING) / _TAKING)
        else:
            self._follow()

    def refresh(self, ts: int) -> None:
        """After a pause: takes away what has gone stale, and quotes around the value of now."""
        value = self.value(ts)
        reach = 60 + 20 * self._width
        kept = []
        for order_id, side, price in self._noise:
            away = value - price if side == BUY else price - value
            if not 0.5 < away < reach:
                self.live.cancel(order_id, side, price)
            else:
                kept.append((order_id, side, price))
        self._noise = kept
        for maker in self._makers:
            self._requote(maker)
        for i in range(self._resting - len(kept)):
            self._place(BUY if i % 2 else SELL, int(value))

    def _filled(self, fill: Fill) -> None:
        """A market maker's resting order traded."""
        maker = self._makers[(fill.maker & WHO) - MAKERS]
        self._hit.add(fill.maker)
        bought = fill.maker in maker.quotes[0].values()
        maker.inventory += fill.qty if bought else -fill.qty

    def _passive(self, chance: float) -> None:
        noise = self._noise
        missing = (self._resting - len(noise)) / self._resting
        if chance < 0.5 + min(max(missing, -0.4), 0.4):
            self._place(BUY if self._uniform() < 0.5 else SELL, int(self._value))
            return
        value = self._value
        while noise:
            pick = int(self._uniform() * len(noise))
            other = int(self._uniform() * len(noise))
            if abs(noise[other][2] - value) > abs(noise[pick][2] - value) and chance < 0.85:
                pick = other
            order_id, side, price = noise[pick]
            last = noise.pop()
            if pick < len(noise):
                noise[pick] = last
            if self.live.cancel(order_id, side, price):
                return

    def _place(self, side: int, center: int) -> None:
        """A passive order, some ticks behind the touch of its side."""
        book = self.live.book
        distance = self._distance()
        bid = book.best_bid() or center - 1
        ask = book.best_ask() or center + 2
        price = (
            min(bid + 1 - distance, ask - 1) if side == BUY else max(ask - 1 + distance, bid + 1)
        )
        if price < 1:
            return
        qty = self._size()
        qty += qty * min(distance, 60) // 10
        self._noise.append((self.live.rest(NOISE, side, price, qty), side, price))

    def _requote(self, maker: _Maker) -> None:
        live = self.live
        lean = max(-1.0, min(1.0, maker.inventory / self._limit)) * self._width * 1.5
        maker.inventory *= 0.97
        middle = self._value - lean
        width = maker.width * min(max(self._fair.heat, 0.7), 2.5)
        gap = 1 if width < 3.0 else int(width / 2.0)
        bid = math.floor(middle - width)
        ask = math.ceil(middle + width)
        if ask - bid < 1:
            ask = bid + 1
        wanted = (
            range(bid, max(bid - _LAYERS * gap, 0), -gap),
            range(ask, ask + _LAYERS * gap, gap),
        )
        hit = self._hit
        for side, quotes, prices in zip((BUY, SELL), maker.quotes, wanted, strict=True):
            for price, order_id in list(quotes.items()):
                if price not in prices or order_id in hit:
                    del quotes[price]
                    hit.discard(order_id)
                    live.cancel(order_id, side, price)
        for side, quotes, prices in zip((BUY, SELL), maker.quotes, wanted, strict=True):
            for layer, price in enumerate(prices):
                if price not in quotes:
                    qty = 1 + int(maker.size * (1 + 0.5 * layer) * (0.5 + self._uniform()))
                    quotes[price] = self._quote(maker.who, side, price, qty)

    def _quote(self, who: int, side: int, price: int, qty: int) -> int:
        """Rests a quote; one that meets the other side trades first."""
        if self.live.crosses(side, price):
            order_id = self.live.take(who, side, price, qty, rest=True)
            self._hit.add(order_id)
            return order_id
        return self.live.rest(who, side, price, qty)

    def _take(self, chance: float) -> None:
        """Buys or sells at once: who knows the value, who follows the crowd, who just trades."""
        book = self.live.book
        bid, ask = book.best_bid(), book.best_ask()
        if not bid or not ask:
            return
        if chance < _CROWD_SIDE:
            side = self._crowd
        else:
            lean = 0.5 * math.tanh((self._value - 0.5 * (bid + ask)) / (2.0 * self._width))
            side = BUY if self._uniform() < 0.5 + lean else SELL
        self._crowd = side if self._uniform() < 0.9 else BUY + SELL - side
        self._hit_touch(side, bid, ask, 1 + int(self._uniform() * 6.0))

    def _follow(self) -> None:
        """A trend follower joins a move, or waits and rests an order instead."""
        last = self.live.last
        self._quick += 0.3 * (last - self._quick)
        self._slow += 0.03 * (last - self._slow)
        trend = self._quick - self._slow
        book = self.live.book
        bid, ask = book.best_bid(), book.best_ask()
        if abs(trend) > 1.5 * self._width and bid and ask:
            self._hit_touch(BUY if trend > 0 else SELL, bid, ask, 3)
        else:
            self._place(BUY if self._uniform() < 0.5 else SELL, int(self._value))

    def _hit_touch(self, side: int, bid: int, ask: int, slip: int) -> None:
        qty = self._size()
        push = self._impact * math.log1p(qty / self._typical)
        if side == BUY:
            self._pressure += push
            self.live.take(TAKER, BUY, ask + slip, qty)
        else:
            self._pressure -= push
            self.live.take(TAKER, SELL, max(bid - slip, 1), qty)
