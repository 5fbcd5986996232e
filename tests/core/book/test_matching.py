"""The matching book against its reference, its memory, its batches."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.book.matching import (
    BUY,
    LIMIT_FOK,
    LIMIT_GTC,
    LIMIT_IOC,
    MARKET,
    MAX_ORDERS,
    MAX_PRICE,
    MAX_QTY,
    OK,
    OP_ADD,
    OP_CANCEL,
    OP_REPLACE,
    POST_ONLY,
    SELF_TRADE_CANCEL_BOTH,
    SELF_TRADE_CANCEL_MAKER,
    SELF_TRADE_CANCEL_TAKER,
    SELF_TRADE_NONE,
    SELL,
    UNKNOWN_ID,
    MatchingBook,
)
from tests.bench.workloads import WORKLOADS
from tests.core.book.reference_matching import ReferenceBook

Command = tuple[Any, ...]
PREVENTION = [
    SELF_TRADE_CANCEL_TAKER,
    SELF_TRADE_CANCEL_MAKER,
    SELF_TRADE_CANCEL_BOTH,
]

# -- against the reference ------------------------------------------------------------------------

EXTREME_IDS = [0, 1, 2**63 - 1, 2**63, 2**64 - 1]
# Multiples of the inverse of the hash's multiplier hash to neighbouring small numbers.
COLLIDING_IDS = [i * 0xF1DE83E19937733D % 2**64 for i in range(1, 9)]
ids = st.sampled_from(EXTREME_IDS + COLLIDING_IDS + list(range(2, 12)))
sides = st.sampled_from([BUY, SELL])
kinds = st.sampled_from([LIMIT_GTC] * 5 + [LIMIT_IOC, LIMIT_FOK, POST_ONLY, MARKET])
owners = st.sampled_from([0, 0, 1, 2, 2**64 - 1])
# Around the edges of pages (256 ticks), nodes (524,288 ticks) and of the domain, and far from all.
near = st.sampled_from([1, 253, 524_284, 50_000_000, MAX_PRICE - 5])
prices = st.one_of(
    st.integers(50_000_000, 50_000_006),
    st.builds(lambda base, step: base + step, near, st.integers(0, 6)),
    st.sampled_from([0, -1, MAX_PRICE + 1, 2**63, -(2**70)]),
    st.integers(1, MAX_PRICE),
)
qtys = st.one_of(
    st.integers(1, 12), st.sampled_from([0, -1, MAX_QTY, MAX_QTY + 1, 2**64 + 5, -(2**64) + 5])
)
commands = st.one_of(
    st.tuples(st.just("add"), ids, sides, prices, qtys, kinds, owners),
    st.tuples(st.just("add"), ids, sides, st.integers(50_000_000, 50_000_004),
              st.integers(1, 12), kinds, owners),
    st.tuples(st.just("cancel"), ids),
    st.tuples(st.just("replace"), ids, prices, qtys),
    st.tuples(st.just("replace"), ids, st.integers(50_000_000, 50_000_004), st.integers(1, 12)),
)  # fmt: skip


def assert_same(book: MatchingBook, reference: ReferenceBook) -> None:
    book.check()
    assert book.trades().tolist() == reference.trades
    assert book.cancels().tolist() == reference.cancels
    assert (book.best_bid(), book.best_ask()) == (reference.best(BUY), reference.best(SELL))
    assert len(book) == len(reference.by_id)
    for side in (BUY, SELL):
        expected = reference.orders(side)
        columns = [column.tolist() for column in book.orders(side)]
        assert list(zip(*columns, strict=True)) == [
            (o.id, o.price, o.leaves, o.owner) for o in expected
        ]
        depth = [column.tolist() for column in book.depth(side, 100)]
        assert list(zip(*depth, strict=True)) == reference.depth(side, 100)
        for order in expected:
            assert book.order(order.id) == (side, order.price, order.leaves, order.owner)
            assert book.queue_ahead(order.id) == reference.queue_ahead(order.id)
        for price, qty, count in reference.depth(side, 3):
            assert book.level(side, price) == (qty, count)
            assert book.level(3 - side, price) == (0, 0)
    assert book.digest() == reference.digest()


@given(st.sampled_from([SELF_TRADE_NONE, *PREVENTION]), st.lists(commands, max_size=60))
@settings(max_examples=250, deadline=None)
def test_every_command_does_what_the_reference_does(self_trade: int, script: list[Command]) -> None:
    book = MatchingBook(capacity=0, self_trade=self_trade)
    reference = ReferenceBook(self_trade)
    for name, *arguments in script:
        assert getattr(book, name)(*arguments) == getattr(reference, name)(*arguments), name
        assert_same(book, reference)


@given(st.sampled_from([SELF_TRADE_NONE, *PREVENTION]), st.lists(commands, max_size=60))
@settings(max_examples=100, deadline=None)
def test_fills_returned_are_the_trades_recorded(self_trade: int, script: list[Command]) -> None:
    book = MatchingBook(capacity=0, self_trade=self_trade)
    reference = ReferenceBook(self_trade)
    for name, *arguments in script:
        before = len(reference.trades)
        expected = getattr(reference, name)(*arguments)
        if name == "cancel":
            assert book.cancel(*arguments) == expected
            continue
        fills = getattr(book, name + "_fills")(*arguments)
        assert book.status == expected
        assert [(f.maker, f.taker, f.price, f.qty) for f in fills] == reference.trades[before:]
        assert book.trade_count == 0
    assert book.cancels().tolist() == reference.cancels
    reference.trades.clear()
    assert book.digest() == reference.digest()


def random_columns(seed: int, rows: int, width: int) -> tuple[np.ndarray[Any, Any], ...]:
    """Rows of every kind, rejects included, over few ids, so that most name a resting order."""
    random = np.random.default_rng(seed)
    id_pool = random.integers(0, 2**64, 300, dtype=np.uint64)
    id_pool[:4] = [0, 2**63, 2**64 - 1, 2**40]
    price = 1_000_000 + random.integers(0, width, rows)
    price[random.random(rows) < 0.01] = 0
    qty = random.integers(0, 40, rows)
    return (
        random.choice(np.array([0, 0, 0, 1, 2], np.uint8), rows),
        random.choice(id_pool, rows),
        random.choice(np.array([1, 2], np.uint8), rows),
        price,
        qty,
        random.choice(np.array([0, 0, 0, 0, 1, 2, 3, 4], np.uint8), rows),
        random.integers(0, 4, rows, dtype=np.uint64),
    )


@pytest.mark.parametrize("self_trade", range(4))
@pytest.mark.parametrize("width", [20, 5_000])
def test_batch_equals_calls_equals_reference(self_trade: int, width: int) -> None:
    columns = random_columns(self_trade, 3_000, width)
    batch = MatchingBook(capacity=0, self_trade=self_trade)
    single = MatchingBook(self_trade=self_trade)
    reference = ReferenceBook(self_trade)
    statuses = np.concatenate(
        [batch.apply(*(c[i : i + 700] for c in columns)) for i in range(0, 3_000, 700)]
    )
    expected = []
    for op, order_id, side, price, qty, kind, owner in zip(
        *(c.tolist() for c in columns), strict=True
    ):
        for book in (single, reference):
            if op == OP_ADD:
                status = book.add(order_id, side, price, qty, kind, owner)
            elif op == OP_CANCEL:
                status = book.cancel(order_id)
            else:
                status = book.replace(order_id, price, qty)
            expected.append(status)
    assert statuses.tolist() == expected[::2] == expected[1::2]
    assert set(range(7)) == set(expected)
    assert batch.digest() == single.digest() == reference.digest()
    batch.check()


@pytest.mark.parametrize("name", WORKLOADS)
def test_workloads_end_like_the_reference(name: str) -> None:
    workload = WORKLOADS[name](6_000)
    book, reference = MatchingBook(), ReferenceBook()
    for columns in (workload.setup, workload.events):
        statuses = book.apply(*columns)
        assert not statuses.any()  # made so that every command is good
        for op, order_id, side, price, qty, kind in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            if op == OP_ADD:
                reference.add(order_id, side, price, qty, kind)
            elif op == OP_CANCEL:
                reference.cancel(order_id)
            else:
                reference.replace(order_id, price, qty)
    assert book.digest() == reference.digest()
    book.check()


# -- prices that drift, totals, memory ------------------------------------------------------------


def test_memory_stays_bounded_while_prices_drift_over_the_whole_domain() -> None:
    book = MatchingBook(capacity=16)
    step = 150_001  # a new page every time, a new node every fourth
    before = book.memory_bytes()
    for order_id, price in enumerate(range(1, MAX_PRICE - step, step)):
        assert book.add(order_id, BUY, price, 1) == OK
        assert book.add(order_id + 2**63, SELL, price + step, 1) == OK
        assert (book.best_bid(), book.best_ask()) == (price, price + step)
        assert book.cancel(order_id) == OK
        assert book.add(5, BUY, price + step, 1, LIMIT_IOC) == OK
        book.clear_trades()
    assert len(book) == 0
    assert book.memory_bytes() < before + 200_000
    book.check()


def test_one_absurd_price_costs_no_more_than_a_page() -> None:
    book = MatchingBook()
    before = book.memory_bytes()
    for order_id, price in enumerate([MAX_PRICE, 1, 2**30, 2**20, 2**25]):
        assert book.add(order_id, BUY, price, 1) == OK
    assert book.memory_bytes() < before + 200_000
    assert book.depth(BUY, 9)[0].tolist() == [MAX_PRICE, 2**30, 2**25, 2**20, 1]
    for price in [MAX_PRICE, 2**30, 2**25, 2**20, 1]:
        assert book.best_bid() == price
        assert book.add(99, SELL, price, 1, LIMIT_IOC) == OK
    assert len(book) == 0
    book.check()


def test_totals_of_the_largest_quantities_do_not_overflow() -> None:
    orders = 20_000
    book = MatchingBook()
    columns = (
        np.zeros(orders, np.uint8), np.arange(orders, dtype=np.uint64), np.ones(orders, np.uint8),
        np.full(orders, 100), np.full(orders, MAX_QTY), np.zeros(orders, np.uint8),
    )  # fmt: skip
    assert not book.apply(*columns).any()
    assert book.level(BUY, 100) == (orders * MAX_QTY, orders)
    assert book.queue_ahead(orders - 1) == (orders - 1) * MAX_QTY
    assert [c.tolist() for c in book.depth(BUY, 1)] == [[100], [orders * MAX_QTY], [orders]]
    assert MAX_ORDERS * MAX_QTY < 2**63
    assert book.add(10**9, SELL, 100, MAX_QTY, LIMIT_FOK) == OK


def test_a_resting_order_costs_less_than_100_bytes() -> None:
    book = MatchingBook()
    empty = book.memory_bytes()
    for order_id in range(100_000):
        book.add(order_id * 1_000_003, BUY, 1_000 + order_id % 2_000, 1)
    assert (book.memory_bytes() - empty) / len(book) < 100


def test_clear_keeps_the_memory_and_nothing_else() -> None:
    book = MatchingBook(capacity=16, self_trade=SELF_TRADE_CANCEL_MAKER)
    fresh = book.digest()
    columns = random_columns(3, 5_000, 100_000)
    first = book.apply(*columns)
    after = book.digest()
    size = book.memory_bytes()
    book.clear()
    book.check()
    assert (len(book), book.trade_count, book.cancel_count) == (0, 0, 0)
    assert book.digest() == fresh
    assert (book.apply(*columns) == first).all()
    assert book.digest() == after
    assert book.memory_bytes() == size


# -- trades, fills, batches -----------------------------------------------------------------------


def test_trades_are_a_copy_and_clearing_reuses_their_memory() -> None:
    book = MatchingBook()
    for order_id in range(1_000):
        book.add(order_id, SELL, 100, 1)
    book.add(5_000, BUY, 100, 600)
    trades = book.trades()
    assert len(trades) == book.trade_count == 600
    assert trades.dtype.itemsize == 32
    size = book.memory_bytes()
    book.clear_trades()
    assert book.trade_count == len(book.trades()) == 0
    book.add(5_001, BUY, 100, 400)
    assert trades["taker"].tolist() == [5_000] * 600
    assert book.trades()["maker"].tolist() == list(range(600, 1_000))
    assert book.memory_bytes() == size


def test_a_batch_with_a_malformed_column_names_it_and_does_nothing() -> None:
    book = MatchingBook()
    good = list(random_columns(1, 50, 10))

    def with_column(index: int, column: Any) -> list[Any]:
        return [*good[:index], column, *good[index + 1 :]]

    for columns, error, message in [
        (with_column(1, good[1].astype(np.int64)), TypeError, "'ids'.*uint64 array, not int64"),
        (with_column(3, good[3].tolist()), TypeError, "'prices'.*int64 array, not list"),
        (with_column(4, good[4][:-1]), ValueError, "'qtys' has 49 rows where 'ops' has 50"),
        (with_column(4, np.repeat(good[4], 2)[::2]), ValueError, "'qtys' must be contiguous"),
        (with_column(6, np.zeros((50, 1), np.uint64)), TypeError, "'owners'"),
    ]:
        with pytest.raises(error, match=message):
            book.apply(*columns)
    for index, value, message in [(0, 3, "op 3"), (2, 0, "side 0"), (5, 5, "kind 5")]:
        column = good[index].copy()
        column[33] = value
        columns = with_column(index, column)
        columns[0] = columns[0].copy()
        columns[0][:33] = OP_CANCEL
        columns[0][33] = value if index == 0 else OP_ADD
        with pytest.raises(ValueError, match=rf"row 33 has .*{message}"):
            book.apply(*columns)
    assert len(book) == 0
    assert book.trade_count == 0
    # A cancel has no side or kind, a replace neither.
    ops = np.array([OP_CANCEL, OP_REPLACE], np.uint8)
    nothing = [np.full(2, 200, np.uint8), np.ones(2, np.int64), np.ones(2, np.int64)]
    statuses = book.apply(ops, np.zeros(2, np.uint64), *nothing, np.full(2, 200, np.uint8))
    assert statuses.tolist() == [UNKNOWN_ID, UNKNOWN_ID]
    empty = [np.zeros(0, c.dtype) for c in good]
    assert len(book.apply(*empty)) == 0


def test_the_book_refuses_other_threads_during_a_batch() -> None:
    workload = WORKLOADS["w3"](6_000)
    columns = [np.tile(c, 60) for c in workload.setup]
    book = MatchingBook()
    refused = threading.Event()
    done = threading.Event()

    def interfere() -> None:
        while not done.is_set():
            try:
                book.best_bid()
            except RuntimeError:
                refused.set()

    thread = threading.Thread(target=interfere)
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not refused.is_set() and time.monotonic() < deadline:
            book.apply(*columns)
            book.clear()
    finally:
        done.set()
        thread.join()
    assert refused.is_set()
    book.check()
