"""The market-data book, bars and conflation measured from Python.

Each figure is the median of several runs after a warm-up, with the memory touched before; what a
batch leaves behind must equal what the single calls left behind.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from core.book.bars import BarBuilder
from core.book.conflate import Conflator, TradeRing
from core.book.marketbook import ADD, DELETE, EXECUTE, MODIFY, L2Book, L3Book, MarketBook
from tests.bench.table import Row

RUNS = 5
MIDDLE = 5_000_000

# Millions of updates a second: the budget. Of single calls into a deep book, whose every step
# misses the cache, 200 ns are near the limit and 286 ns the fastest package that can be had.
BATCH, CALL, TOP_TEN = (15.0, 15.0), (6.0, 6.0), (3.0, 3.0)
CALL_DEEP = (1 / 0.200, 1 / 0.286)

Flow = tuple[Any, Any, Any, Any, Any]


def rows(quick: bool = False) -> list[Row]:
    """All figures; `quick` takes a tenth of the events."""
    n = 100_000 if quick else 1_000_000
    return [*_levels(n), *_orders(n, 5_000), *_orders(n, 100_000), *_reads(n), *_bars(n)]


# --- workloads ------------------------------------------------------------------------------


def level_updates(n: int) -> tuple[Any, Any, Any]:
    """Levels around a randomly walking middle, distances by a power law; 40 % removals."""
    rng = np.random.default_rng(7)
    middle = MIDDLE + np.cumsum(rng.integers(-1, 2, n)) // 4
    side = rng.integers(1, 3, n).astype(np.int8)
    away = 1 + np.minimum((rng.pareto(1.2, n) * 6).astype(np.int64), 3_000_000)
    qty = np.where(rng.random(n) < 0.4, 0, rng.integers(1, 1000, n))
    return side, np.where(side == 1, middle - away, middle + away), qty


def order_changes(n: int, live: int) -> tuple[Flow, Flow]:
    """The adds that fill a book with `live` orders, and then a flow that keeps about as many.

    46 % adds, 40 % deletes (80 % of them of the last 100 orders; uniform in a book of more than
    10,000), 9 % modifications, 5 % executions; 64-bit ids with gaps.
    """
    rng = random.Random(11)
    resting: list[list[int]] = []  # id, side, price, qty
    flow: list[tuple[int, int, int, int, int]] = []
    next_id = 2**62
    deep = live > 10_000

    def add() -> None:
        nonlocal next_id
        next_id += rng.randrange(1, 50)
        side = rng.randrange(1, 3)
        away = 1 + rng.randrange(1000) if deep else min(int(rng.paretovariate(1.2) * 6), 9999)
        price = MIDDLE - away if side == 1 else MIDDLE + away
        qty = rng.randrange(1, 999)
        resting.append([next_id, side, price, qty])
        flow.append((ADD, next_id, side, price, qty))

    for _ in range(live):
        add()
    while len(flow) < n + live:
        draw = rng.random()
        if draw < 0.46:
            add()
            continue
        recent = len(resting) if deep or rng.random() >= 0.8 else min(100, len(resting))
        at = len(resting) - 1 - rng.randrange(recent)
        order = resting[at]
        if draw < 0.55:
            order[3] = max(1, order[3] * 2 // 3)
            if rng.random() < 0.4:
                order[2] += 1 if order[1] == 1 else -1
            flow.append((MODIFY, order[0], 0, order[2], order[3]))
            continue
        full = draw < 0.95 or order[3] == 1
        flow.append((DELETE if draw < 0.95 else EXECUTE, order[0], 0, 0, 1))
        if not full:
            order[3] -= 1
        else:
            resting[at] = resting[-1]
            resting.pop()
    return _columns(flow[:live]), _columns(flow[live:])


def _columns(flow: list[tuple[int, int, int, int, int]]) -> Flow:
    action, order_id, side, price, qty = zip(*flow, strict=True)
    return (
        np.array(action, np.int8),
        np.array(order_id, np.uint64),
        np.array(side, np.int8),
        np.array(price, np.int64),
        np.array(qty, np.int64),
    )


# --- measuring ------------------------------------------------------------------------------


def _seconds(run: Callable[[], Any], before: Callable[[], Any] = lambda: None) -> list[float]:
    times = []
    for _ in range(RUNS + 1):
        before()
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return sorted(times[1:])


def _rate(name: str, n: int, times: list[float], budget: tuple[float, float] | None) -> Row:
    """Millions of updates a second."""
    return {
        "name": name,
        "value": n / statistics.median(times) / 1e6,
        "spread": (n / times[-1] / 1e6, n / times[0] / 1e6),
        "unit": "M/s",
        "goal": budget[0] if budget else None,
        "must": budget[1] if budget else None,
        "better": "higher",
    }


def _cost(name: str, value: float, spread: tuple[float, float] | None, unit: str) -> Row:
    return {
        "name": name,
        "value": value,
        "spread": spread,
        "unit": unit,
        "goal": None,
        "must": None,
        "better": "lower",
    }


def _each(name: str, n: int, times: list[float], unit: str, scale: float) -> Row:
    """Time of one of n operations."""
    least, most = times[0] / n * scale, times[-1] / n * scale
    return _cost(name, statistics.median(times) / n * scale, (least, most), unit)


def _same(one: MarketBook, other: MarketBook) -> None:
    for a, b in zip(one.depth(1_000_000), other.depth(1_000_000), strict=True):
        if not np.array_equal(a, b):
            raise AssertionError("batch and single calls left different books")


def _levels(n: int) -> list[Row]:
    columns = level_updates(n)
    messages = list(zip(*(column.tolist() for column in columns), strict=True))
    batch, call, listed, top = L2Book(), L2Book(), L2Book(), L2Book()
    out = np.zeros((n, 4, 10), np.int64)
    reader = call.reader(10)

    def calls() -> None:
        set_level = call.set
        for side, price, qty in messages:
            set_level(side, price, qty)

    def calls_top_ten() -> None:
        set_level, read = call.set, reader.read
        for side, price, qty in messages:
            set_level(side, price, qty)
            read()

    def lists() -> None:
        for i in range(0, n, 50):
            listed.update(messages[i : i + 50])

    result = [
        _rate("L2 update, batch", n, _seconds(lambda: batch.apply(*columns), batch.clear), BATCH),
        _rate("L2 update, per call", n, _seconds(calls, call.clear), CALL),
        _rate(
            "L2 update + top ten, batch",
            n,
            _seconds(lambda: top.apply_top(*columns, 10, out), top.clear),
            TOP_TEN,
        ),
        _rate("L2 update + top ten, per call", n, _seconds(calls_top_ten, call.clear), TOP_TEN),
        _rate("L2 update, lists of 50 tuples", n, _seconds(lists, listed.clear), None),
    ]
    for book in (call, listed, top):
        _same(batch, book)
    last = reader.read()
    if not np.array_equal(out[-1], last):
        raise AssertionError("the recorded top ten differs from the one read")
    levels = batch.levels(1) + batch.levels(2)
    result.append(_cost(f"L2 bytes a level, {levels:,}", batch.memory_bytes() / levels, None, "B"))
    return result


def _orders(n: int, live: int) -> list[Row]:
    setup, columns = order_changes(n, live)
    messages = list(zip(*(column.tolist() for column in columns), strict=True))
    batch, call, top = L3Book(), L3Book(), L3Book()

    def fill(book: L3Book) -> None:
        book.clear()
        book.apply(*setup)

    def calls() -> None:
        add, modify, delete, execute = call.add, call.modify, call.delete, call.execute
        is_add, is_delete, is_modify = ADD, DELETE, MODIFY
        for action, order_id, side, price, qty in messages:
            if action == is_add:
                add(order_id, side, price, qty)
            elif action == is_delete:
                delete(order_id)
            elif action == is_modify:
                modify(order_id, qty, price)
            else:
                execute(order_id, qty)

    calls_budget = CALL if live <= 10_000 else CALL_DEEP
    label = f"L3 update, {live // 1000}k resting, "
    fill(batch)
    resting = batch.memory_bytes() / len(batch)
    if batch.apply(*columns).any():
        raise AssertionError("a change in the bench's flow was refused")
    result = [
        _rate(
            f"{label}batch", n, _seconds(lambda: batch.apply(*columns), lambda: fill(batch)), BATCH
        ),
        _rate(f"{label}per call", n, _seconds(calls, lambda: fill(call)), calls_budget),
        _rate(
            f"{label}top ten, batch",
            n,
            _seconds(lambda: top.apply_top(*columns, 10), lambda: fill(top)),
            TOP_TEN,
        ),
        _cost(f"L3 bytes a resting order, {live // 1000}k", resting, None, "B"),
    ]
    _same(batch, call)
    _same(batch, top)
    return result


def _reads(n: int) -> list[Row]:
    book = L2Book()
    book.apply(*level_updates(n))
    times = 20_000

    def repeat(call: Callable[..., Any], *arguments: Any) -> Callable[[], None]:
        def run() -> None:
            for _ in range(times):
                call(*arguments)

        return run

    return [
        _each("best()", times, _seconds(repeat(book.best)), "ns", 1e9),
        _each("depth(10), new arrays", times, _seconds(repeat(book.depth, 10)), "ns", 1e9),
        _each("window of 50 rows", times, _seconds(repeat(book.window, MIDDLE, 50, 1)), "ns", 1e9),
    ]


def _bars(n: int) -> list[Row]:
    rng = np.random.default_rng(3)
    ts = np.cumsum(rng.integers(0, 2_000_000, n))
    price = MIDDLE + np.cumsum(rng.integers(-3, 4, n))
    qty = rng.integers(1, 500, n)
    side = rng.integers(1, 3, n).astype(np.int8)
    trades = (ts, price, qty, side)
    messages = list(zip(*(column.tolist() for column in trades), strict=True))
    result = []
    for kind, size in (("time", 1_000_000_000), ("tick", 50), ("volume", 10_000)):

        def batch(kind: str = kind, size: int = size) -> None:
            BarBuilder(kind, size).apply(*trades)

        result.append(_rate(f"{kind} bars, batch", n, _seconds(batch), None))

    def call() -> None:
        on_trade = BarBuilder("time", 1_000_000_000).on_trade
        for trade in messages:
            on_trade(*trade)

    result.append(_rate("time bars, per call", n, _seconds(call), None))

    ring, conflator = TradeRing(10_000), Conflator(500)
    keys = rng.integers(0, 500, n).tolist()

    def append() -> None:
        add = ring.append
        for trade in messages:
            add(*trade)

    def mark() -> None:
        note = conflator.mark
        for i, key in enumerate(keys):
            note(key)
            if not i % 1000:
                conflator.drain()

    return [
        *result,
        _rate("trade ring, per call", n, _seconds(append), None),
        _each("mark a key, drain every 1,000", n, _seconds(mark), "ns", 1e9),
    ]
