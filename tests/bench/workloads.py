"""Order flow for measuring the matching book: w1 mixed, w2 deep, w3 sweeps, w4 swinging.

A workload is made once from its seed by playing it through a book, so that cancels and replaces
name orders that rest at that moment. It has two parts: ``setup`` fills the book, ``events`` are
what is measured. Both are columns as ``MatchingBook.apply`` takes them.

* **w1** about 5,000 resting orders, 46 % passive orders, 39 % cancels (80 % of recent orders),
  10 % replaces (60 % to a smaller quantity, 40 % to another price), 5 % orders that take (60 % GTC,
  40 % IOC; 2.3 fills each), distance from the middle by a power law, the middle a random walk,
  64-bit ids with gaps.
* **w2** 100,000 resting orders over 2,000 levels, 47.5 % orders, 47.5 % cancels uniform over all
  resting orders, 5 % replaces.
* **w3** 82 % orders, 10 % sweeps of 8.5 fills, 7 % cancels, 1 % replaces; 10,000 resting orders.
* **w4** w1 with a middle that swings over 76,000 ticks.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.book.matching import (
    BUY,
    LIMIT_GTC,
    LIMIT_IOC,
    OP_ADD,
    OP_CANCEL,
    OP_REPLACE,
    SELL,
    MatchingBook,
)

EVENTS = 1_000_000
MIDDLE = 5_000_000
FIRST_ID = 2**62
DTYPES = (np.uint8, np.uint64, np.uint8, np.int64, np.int64, np.uint8)

Row = tuple[int, int, int, int, int, int]  # op, id, side, price, qty, kind
Columns = tuple[NDArray[Any], ...]


@dataclass(frozen=True)
class Workload:
    name: str
    setup: Columns
    events: Columns

    def rows(self) -> list[Row]:
        """The events as Python objects, for the per-call measurements."""
        return list(zip(*(column.tolist() for column in self.events), strict=True))


class _Flow:
    """A book, what rests in it, and the rows so far."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.book = MatchingBook()
        self.ids: list[int] = []  # resting, in no order
        self.place: dict[int, int] = {}  # id -> index in ids
        self.history: list[int] = []  # all that ever rested
        self.rows: list[Row] = []
        self.last_id = FIRST_ID
        self._numbers: list[float] = []

    def uniform(self) -> float:
        if not self._numbers:
            self._numbers = self.random.random(65_536).tolist()
        return self._numbers.pop()

    def below(self, n: int) -> int:
        return int(self.uniform() * n)

    def add(self, side: int, price: int, qty: int, kind: int = LIMIT_GTC) -> int:
        """Enters an order under a new id; returns its number of fills."""
        self.last_id += 1 + self.below(1_000)
        order_id = self.last_id
        self.rows.append((OP_ADD, order_id, side, price, qty, kind))
        fills = self.book.add_fills(order_id, side, price, qty, kind)
        for fill in fills:
            if self.book.order(fill.maker) is None:
                self._forget(fill.maker)
        if kind == LIMIT_GTC and (not fills or self.book.order(order_id) is not None):
            self.place[order_id] = len(self.ids)
            self.ids.append(order_id)
            self.history.append(order_id)
        return len(fills)

    def cancel(self, order_id: int) -> None:
        self.rows.append((OP_CANCEL, order_id, 0, 0, 0, 0))
        self.book.cancel(order_id)
        self._forget(order_id)

    def replace(self, order_id: int, price: int, qty: int) -> None:
        self.rows.append((OP_REPLACE, order_id, 0, price, qty, 0))
        self.book.replace(order_id, price, qty)

    def any_id(self) -> int:
        return self.ids[self.below(len(self.ids))]

    def recent_id(self) -> int:
        for _ in range(8):
            back = 1 + self.below(min(400, len(self.history)))
            if self.history[-back] in self.place:
                return self.history[-back]
        return self.any_id()

    def passive(self, side: int, middle: int, distance: int) -> int:
        """A price at ``distance`` from the middle, behind the other side's best price."""
        if side == BUY:
            best = self.book.best_ask()
            return min(middle - distance, best - 1) if best else middle - distance
        return max(middle + distance, self.book.best_bid() + 1)

    def replace_some(self, order_id: int, middle: int, distance: int) -> None:
        """60 % a smaller quantity, 40 % another price."""
        resting = self.book.order(order_id)
        assert resting is not None
        side, price, leaves, _ = resting
        if self.uniform() < 0.6:
            self.replace(order_id, price, max(1, leaves * 2 // 3))
        else:
            self.replace(order_id, self.passive(side, middle, distance), leaves)

    def _forget(self, order_id: int) -> None:
        index = self.place.pop(order_id)
        last = self.ids.pop()
        if last != order_id:
            self.ids[index] = last
            self.place[last] = index

    def columns(self, since: int = 0) -> Columns:
        return tuple(
            np.array(column, dtype)
            for column, dtype in zip(zip(*self.rows[since:], strict=True), DTYPES, strict=True)
        )

    def workload(self, name: str, setup: int) -> Workload:
        rows = self.rows
        events = self.columns(setup)
        self.rows = rows[:setup]
        return Workload(name, self.columns(), events)


def _power_law(flow: _Flow) -> int:
    """1, 2, ... ticks: half within 2, a few beyond 1,000."""
    return min(2_000, int((1.0 - flow.uniform()) ** -1.0))


def _mixed(name: str, events: int, middle_of: Callable[[int, _Flow], int]) -> Workload:
    flow = _Flow(seed=1)
    middle = middle_of(0, flow)

    def side() -> int:
        return BUY if flow.uniform() < 0.5 else SELL

    def rest() -> None:
        to = side()
        price = flow.passive(to, middle, _power_law(flow))
        flow.add(to, price, 1 + flow.below(100))

    while len(flow.ids) < 5_000:
        rest()
    setup = len(flow.rows)
    for i in range(events):
        middle = middle_of(i, flow)
        # Cancels give or take up to 2 % to hold the number of resting orders.
        lean = min(0.02, max(-0.02, (len(flow.ids) - 5_000) * 1e-4))
        chance = flow.uniform()
        if chance < 0.39 + lean:
            flow.cancel(flow.recent_id() if flow.uniform() < 0.8 else flow.any_id())
        elif chance < 0.49 + lean:
            order_id = flow.recent_id() if flow.uniform() < 0.8 else flow.any_id()
            flow.replace_some(order_id, middle, _power_law(flow))
        elif chance < 0.54 + lean:
            bid, ask = flow.book.best_bid(), flow.book.best_ask()
            to = BUY if middle >= ask else SELL if middle <= bid else side()
            qty = 1 + int(-60.0 * math.log(1.0 - flow.uniform()))
            price = ask + 50 if to == BUY else bid - 50
            flow.add(to, price, qty, LIMIT_GTC if flow.uniform() < 0.6 else LIMIT_IOC)
        else:
            rest()
    return flow.workload(name, setup)


def _walk(start: int) -> Callable[[int, _Flow], int]:
    at = start

    def middle(_: int, flow: _Flow) -> int:
        nonlocal at
        chance = flow.uniform()
        at += (chance < 0.01) - (chance > 0.99)
        return at

    return middle


@functools.cache
def w1(events: int = EVENTS) -> Workload:
    return _mixed("w1", events, _walk(MIDDLE))


@functools.cache
def w4(events: int = EVENTS) -> Workload:
    def middle(i: int, _: _Flow) -> int:
        return MIDDLE + int(38_000 * math.sin(2.0 * math.pi * i / EVENTS * 2.0))

    return _mixed("w4", events, middle)


@functools.cache
def w2(events: int = EVENTS) -> Workload:
    flow = _Flow(seed=2)

    def rest() -> None:
        to = BUY if flow.uniform() < 0.5 else SELL
        flow.add(to, flow.passive(to, MIDDLE, 1 + flow.below(1_000)), 1 + flow.below(100))

    while len(flow.ids) < 100_000:
        rest()
    setup = len(flow.rows)
    for _ in range(events):
        chance = flow.uniform()
        if chance < 0.475:
            rest()
        elif chance < 0.95:
            flow.cancel(flow.any_id())
        else:
            flow.replace_some(flow.any_id(), MIDDLE, 1 + flow.below(1_000))
    return flow.workload("w2", setup)


@functools.cache
def w3(events: int = EVENTS) -> Workload:
    flow = _Flow(seed=3)

    def rest() -> None:
        to = BUY if flow.uniform() < 0.5 else SELL
        flow.add(to, flow.passive(to, MIDDLE, _power_law(flow)), 1 + flow.below(100))

    while len(flow.ids) < 10_000:
        rest()
    setup = len(flow.rows)
    for _ in range(events):
        # Sweeps take up to 5 % more or less to hold the number of resting orders.
        lean = min(1.05, max(0.95, len(flow.ids) / 10_000))
        chance = flow.uniform()
        if chance < 0.82:
            rest()
        elif chance < 0.92:
            to = BUY if flow.uniform() < 0.5 else SELL
            price = MIDDLE + 10_000 if to == BUY else MIDDLE - 10_000
            flow.add(to, price, int(lean * (200 + flow.below(360))), LIMIT_IOC)
        elif chance < 0.99:
            flow.cancel(flow.any_id())
        else:
            flow.replace_some(flow.any_id(), MIDDLE, _power_law(flow))
    return flow.workload("w3", setup)


WORKLOADS: dict[str, Callable[[int], Workload]] = {"w1": w1, "w2": w2, "w3": w3, "w4": w4}
