"""The matching book measured from Python: ``rows()`` gives a figure for every goal.

Each figure is the median of several runs after a warm-up, in processor time of this thread (what
other programs take meanwhile does not count, what they push out of the cache does), on a book that
is filled by the workload's setup before the clock starts and whose memory was touched before.
Every run must end in the digest (book and trades) that the per-call API reached.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from core.book.matching import OP_ADD, OP_CANCEL, MatchingBook
from tests.bench import workloads
from tests.bench.table import Row
from tests.bench.workloads import EVENTS, WORKLOADS, Workload

RUNS = 7

# nanoseconds an event: goal, must
BATCH = {"w1": (25, 33), "w2": (40, 55), "w3": (42, 55), "w4": (32, 41)}
BATCH_TRADES = {"w1": (28, 36), "w3": (48, 65)}
CALL = {"w1": (85, 101), "w2": (220, 286), "w3": (160, 229)}
CALL_FILLS = {"w1": (95, 130), "w3": (165, 230)}
BYTES = 100


def _filled(book: MatchingBook, workload: Workload) -> None:
    book.clear()
    book.apply(*workload.setup)
    book.clear_trades()


def _calls(book: MatchingBook, rows: list[workloads.Row]) -> None:
    add, cancel, replace = book.add, book.cancel, book.replace
    for op, order_id, side, price, qty, kind in rows:
        if op == OP_ADD:
            add(order_id, side, price, qty, kind)
        elif op == OP_CANCEL:
            cancel(order_id)
        else:
            replace(order_id, price, qty)


def _calls_with_fills(book: MatchingBook, rows: list[workloads.Row]) -> None:
    add, cancel, replace = book.add_fills, book.cancel, book.replace_fills
    for op, order_id, side, price, qty, kind in rows:
        if op == OP_ADD:
            add(order_id, side, price, qty, kind)
        elif op == OP_CANCEL:
            cancel(order_id)
        else:
            replace(order_id, price, qty)


def _collected_fills(
    book: MatchingBook, rows: list[workloads.Row]
) -> list[tuple[int, int, int, int]]:
    """What ``_calls_with_fills`` returns, read."""
    found: list[tuple[int, int, int, int]] = []
    for op, order_id, side, price, qty, kind in rows:
        if op == OP_ADD:
            fills = book.add_fills(order_id, side, price, qty, kind)
        elif op == OP_CANCEL:
            book.cancel(order_id)
            continue
        else:
            fills = book.replace_fills(order_id, price, qty)
        found += [(f.maker, f.taker, f.price, f.qty) for f in fills]
    return found


def _nanoseconds(
    book: MatchingBook, workload: Workload, run: Callable[[], Any], check: Callable[[Any], None]
) -> tuple[float, tuple[float, float]]:
    events = len(workload.events[0])
    times = []
    for number in range(RUNS + 1):
        _filled(book, workload)
        start = time.thread_time_ns()
        result = run()
        taken = (time.thread_time_ns() - start) / events
        check(result)
        if number:
            times.append(taken)
    return statistics.median(times), (min(times), max(times))


def rows(quick: bool = False) -> Iterator[Row]:
    """Every figure, each with its goal and limit; `quick` takes a tenth of the events."""
    for name, make in WORKLOADS.items():
        workload = make(EVENTS // 10 if quick else EVENTS)
        yield from _measure(name, workload)
        if name == "w2":
            yield _bytes_an_order(workload)


def _measure(name: str, workload: Workload) -> Iterator[Row]:
    book = MatchingBook(capacity=len(workload.setup[0]))
    calls = workload.rows()

    def row(
        what: str, bounds: tuple[int, int], run: Callable[[], Any], check: Callable[[Any], None]
    ) -> Row:
        value, spread = _nanoseconds(book, workload, run, check)
        return {
            "name": f"matching book {name}, {what}",
            "value": value,
            "spread": spread,
            "unit": "ns/event",
            "goal": bounds[0],
            "must": bounds[1],
            "better": "lower",
        }

    def same_book(_: object) -> None:
        if book.digest() != expected:
            raise AssertionError(f"{name}: the trades or the book differ from the per-call run")

    def same_trades(trades: Any) -> None:
        same_book(None)
        if not np.array_equal(trades, all_trades):
            raise AssertionError(f"{name}: the trades differ from the per-call run")

    def same_rest(_: object) -> None:
        if book.digest() != without_trades:
            raise AssertionError(f"{name}: the book differs after the calls that return fills")

    def batch_with_trades() -> Any:
        book.apply(*workload.events)
        return book.trades()

    _filled(book, workload)
    _calls(book, calls)
    expected, all_trades = book.digest(), book.trades()
    _filled(book, workload)
    if _collected_fills(book, calls) != all_trades.tolist():
        raise AssertionError(f"{name}: the returned fills differ from the recorded trades")
    without_trades = book.digest()

    yield row("batch", BATCH[name], lambda: book.apply(*workload.events), same_book)
    if name in BATCH_TRADES:
        yield row(
            "batch, all trades as one array", BATCH_TRADES[name], batch_with_trades, same_trades
        )
    if name in CALL:
        yield row("a call an event", CALL[name], lambda: _calls(book, calls), same_book)
    if name in CALL_FILLS:
        yield row(
            "a call an event, fills returned",
            CALL_FILLS[name],
            lambda: _calls_with_fills(book, calls),
            same_rest,
        )


def _bytes_an_order(workload: Workload) -> Row:
    book = MatchingBook()
    book.apply(*workload.setup)
    return {
        "name": f"matching book, memory of {len(book):,} resting orders",
        "value": book.memory_bytes() / len(book),
        "spread": None,
        "unit": "bytes/order",
        "goal": BYTES,
        "must": None,
        "better": "lower",
    }
