"""The market-data books against slow references that are obviously right."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.book import marketbook as mb
from core.book.marketbook import MAX_PRICE, MAX_QTY, L2Book, L3Book, MarketBook

INT64_MAX = 2**63 - 1
# Prices around every boundary of the trie, close neighbours, and the whole range.
EDGES = [1, 63, 64, 4095, 4096, 2**18 - 1, 2**18, 2**24, 2**24 + 1, 2**30, 2**30 - 1, MAX_PRICE]
prices = st.one_of(
    st.sampled_from(EDGES), st.integers(1000, 1008), st.integers(1, 300), st.integers(1, MAX_PRICE)
)
quantities = st.one_of(st.integers(1, 9), st.just(MAX_QTY), st.integers(1, MAX_QTY))
sides = st.sampled_from([1, 2])


class Levels:
    """A market-data book as two plain dicts of price -> quantities in queue order."""

    def __init__(self) -> None:
        self.book: dict[int, dict[int, list[int]]] = {1: {}, 2: {}}

    def ranked(self, side: int) -> list[tuple[int, int, int]]:
        """(price, quantity, orders), best first."""
        rows = [(p, sum(q), len(q)) for p, q in self.book[side].items()]
        return sorted(rows, reverse=side == 1)


def check(book: MarketBook, want: Levels, probe: int) -> None:
    """Compare everything a book can tell with the reference."""
    bids, asks = want.ranked(1), want.ranked(2)
    best = (bids[0][:2] if bids else (0, 0)) + (asks[0][:2] if asks else (0, 0))
    assert book.best() == best
    assert book.crossed() is bool(bids and asks and bids[0][0] > asks[0][0])
    assert book.locked() is bool(bids and asks and bids[0][0] == asks[0][0])
    for n in (0, 1, 3, 100):
        got = [a.tolist() for a in book.depth(n)]
        assert got == [[row[i] for row in rows[:n]] for rows in (bids, asks) for i in (0, 1)]
    padded = book.reader(3).read()
    assert padded.shape == (4, 3)
    assert padded.tolist() == top(want, 3)
    for side, rows in ((1, bids), (2, asks)):
        assert book.levels(side) == len(rows)
        px, cum = book.cumulative(side, 4)
        assert px.tolist() == [row[0] for row in rows[:4]]
        sums = [min(sum(r[1] for r in rows[: i + 1]), INT64_MAX) for i in range(len(rows[:4]))]
        assert cum.tolist() == sums
        assert book.size_at(side, probe) == sum(r[1] for r in rows if r[0] == probe)
        within = [r[1] for r in rows if (r[0] >= probe if side == 1 else r[0] <= probe)]
        assert book.volume_to(side, probe) == min(sum(within), INT64_MAX)
    for first, rows_n, step in ((probe + 3, 7, 1), (probe, 5, 64), (probe + 9999, 4, 3000)):
        bid_rows, ask_rows = book.window(first, rows_n, step)
        labels = [first - r * step for r in range(rows_n)]
        assert bid_rows.tolist() == [
            min(sum(q for p, q, _ in bids if label <= p < label + step), INT64_MAX)
            for label in labels
        ]
        assert ask_rows.tolist() == [
            min(sum(q for p, q, _ in asks if label - step < p <= label), INT64_MAX)
            for label in labels
        ]


def top(want: Levels, n: int) -> list[list[int]]:
    rows = []
    for side in (1, 2):
        best = want.ranked(side)[:n]
        rows += [[r[i] for r in best] + [0] * (n - len(best)) for i in (0, 1)]
    return rows


def int8(values: Iterable[int]) -> Any:
    return np.array(list(values), np.int8)


def int64(values: Iterable[int]) -> Any:
    return np.array(list(values), np.int64)


# --- price levels ---------------------------------------------------------------------------

l2_events = st.lists(
    st.tuples(sides, prices, st.one_of(st.just(0), quantities)), min_size=1, max_size=60
)


@given(l2_events, prices)
@settings(max_examples=400, deadline=None)
def test_l2_equals_reference_after_every_event(
    events: list[tuple[int, int, int]], probe: int
) -> None:
    book, want = L2Book(), Levels()
    tops = []
    for side, price, qty in events:
        book.set(side, price, qty)
        want.book[side].pop(price, None)
        if qty:
            want.book[side][price] = [qty]
        check(book, want, probe)
        check(book, want, price)
        tops.append(top(want, 3))

    columns = (int8(e[0] for e in events), int64(e[1] for e in events), int64(e[2] for e in events))
    batch, listed, recorded, shot = L2Book(), L2Book(), L2Book(), L2Book()
    batch.apply(*columns)
    listed.update(events)
    out = np.full((len(events), 4, 3), -1, np.int64)
    assert recorded.apply_top(*columns, 3, out) is out
    assert out.tolist() == tops
    assert L2Book().apply_top(*columns, 3).tolist() == tops
    bids, asks = want.ranked(1)[::-1], want.ranked(2)[::-1]
    shot.set(1, 77, 1)
    shot.apply_snapshot(
        int64(r[0] for r in bids),
        int64(r[1] for r in bids),
        int64(r[0] for r in asks),
        int64(r[1] for r in asks),
    )
    for other in (batch, listed, recorded, shot):
        check(other, want, probe)
    listed.update(events[:1], snapshot=True)
    fresh = L2Book()
    fresh.set(*events[0])
    assert [a.tolist() for a in listed.depth(9)] == [a.tolist() for a in fresh.depth(9)]
    book.clear()
    check(book, Levels(), probe)
    book.update(events)
    check(book, want, probe)


def test_l2_emptying_snapshot() -> None:
    book = L2Book()
    book.set(1, 10, 1)
    book.update([], snapshot=True)
    assert book.best() == (0, 0, 0, 0)
    book.set(1, 10, 1)
    book.update([])
    assert book.best() == (10, 1, 0, 0)
    nothing = int64([])
    book.apply_snapshot(nothing, nothing, nothing, nothing)
    assert book.levels(1) == 0


def test_strided_and_read_only_columns_are_taken() -> None:
    rows = np.zeros(3, [("side", np.int8), ("px", np.int64), ("qty", np.int64)])
    rows["side"], rows["px"], rows["qty"] = 1, [5, 6, 7], 9
    rows.setflags(write=False)
    book = L2Book()
    book.apply(rows["side"], rows["px"], rows["qty"])
    assert book.depth(5)[0].tolist() == [7, 6, 5]


def test_depth_is_a_copy_and_reader_is_not() -> None:
    book = L2Book()
    book.set(1, 10, 1)
    px, reader = book.depth(1)[0], book.reader(1)
    assert reader.read() is reader.values
    book.set(1, 11, 1)
    assert px.tolist() == [10]
    assert reader.values[0, 0] == 10
    assert reader.read()[0, 0] == 11


def test_sparse_prices_cost_their_own_leaf_only() -> None:
    book = L2Book()
    far = np.linspace(1, MAX_PRICE, 5000).astype(np.int64)
    ones = np.ones(far.size, np.int64)
    book.apply(np.full(far.size, 1, np.int8), far, ones)
    assert book.levels(1) == far.size
    assert book.memory_bytes() < far.size * 3000
    held = book.memory_bytes()
    for _ in range(20):  # a drifting market reuses what the left prices gave back
        book.apply(np.full(far.size, 1, np.int8), far, ones * 0)
        assert book.levels(1) == 0
        far = (far + 12_345) % MAX_PRICE + 1
        book.apply(np.full(far.size, 1, np.int8), far, ones)
    assert book.levels(1) == np.unique(far).size
    assert book.memory_bytes() <= held * 2


# --- single orders --------------------------------------------------------------------------

ids = st.one_of(
    st.integers(0, 12),
    st.sampled_from([2**64 - 1, 2**63, 4096 << 20, 1 << 32, 1 << 33]),
)
l3_events = st.lists(
    st.one_of(
        st.tuples(st.just(mb.ADD), ids, sides, prices, quantities),
        st.tuples(
            st.just(mb.MODIFY),
            ids,
            st.just(0),
            st.one_of(st.just(0), prices),
            st.one_of(st.just(0), quantities),
        ),
        st.tuples(st.just(mb.DELETE), ids, st.just(0), st.just(0), st.just(0)),
        st.tuples(st.just(mb.EXECUTE), ids, st.just(0), st.just(0), quantities),
    ),
    min_size=1,
    max_size=60,
)


class Orders(Levels):
    """Orders as lists of ids by level, changed by the rules as one would say them."""

    def __init__(self) -> None:
        super().__init__()
        self.live: dict[int, list[int]] = {}  # id -> [side, price, qty]
        self.at: dict[tuple[int, int], list[int]] = {}

    def change(self, action: int, oid: int, side: int, price: int, qty: int) -> int:
        status = self._change(action, oid, side, price, qty)
        self.book = {1: {}, 2: {}}
        for (s, p), queue in self.at.items():
            if queue:
                self.book[s][p] = [self.live[i][2] for i in queue]
        return status

    def _change(self, action: int, oid: int, side: int, price: int, qty: int) -> int:
        if action == mb.ADD:
            if oid in self.live:
                return mb.DUPLICATE_ID
            if sum(self.live[i][2] for i in self.at.get((side, price), [])) + qty > MAX_QTY:
                return mb.LEVEL_FULL
            self.live[oid] = [side, price, qty]
            self.at.setdefault((side, price), []).append(oid)
            return mb.DONE
        if oid not in self.live:
            return mb.UNKNOWN_ID
        side, old_price, old_qty = self.live[oid]
        if action == mb.EXECUTE:
            if qty > old_qty:
                return mb.OVERFILL
            qty, price = old_qty - qty, old_price
        if action == mb.DELETE or qty == 0:
            self.at[side, old_price].remove(oid)
            del self.live[oid]
            return mb.DONE
        price = price or old_price
        others = sum(self.live[i][2] for i in self.at.get((side, price), []) if i != oid)
        if others + qty > MAX_QTY:
            return mb.LEVEL_FULL
        if price != old_price or qty > old_qty:
            self.at[side, old_price].remove(oid)
            self.at.setdefault((side, price), []).append(oid)
        self.live[oid] = [side, price, qty]
        return mb.DONE


def call(book: L3Book, action: int, oid: int, side: int, price: int, qty: int) -> int:
    if action == mb.ADD:
        return book.add(oid, side, price, qty)
    if action == mb.MODIFY:
        return book.modify(oid, qty, price)
    return book.delete(oid) if action == mb.DELETE else book.execute(oid, qty)


def check_orders(book: L3Book, want: Orders) -> None:
    assert len(book) == len(want.live)
    for oid in [*want.live, 999]:
        order = want.live.get(oid)
        assert book.order(oid) == (tuple(order) if order else None)
        if order is None:
            assert book.ahead(oid) is None
    for (side, price), queue in want.at.items():
        got_ids, got_qty = book.queue(side, price)
        assert got_ids.tolist() == queue
        assert got_qty.tolist() == [want.live[i][2] for i in queue]
        for n, oid in enumerate(queue):
            assert book.ahead(oid) == sum(want.live[i][2] for i in queue[:n])
    counts = [a.tolist() for a in book.depth_counts(100)]
    assert counts == [[r[i] for r in want.ranked(s)] for s in (1, 2) for i in (0, 1, 2)]


@given(l3_events, prices)
@settings(max_examples=400, deadline=None)
def test_l3_equals_reference_after_every_event(
    events: list[tuple[int, int, int, int, int]], probe: int
) -> None:
    book, want = L3Book(), Orders()
    statuses, tops = [], []
    for event in events:
        status = want.change(*event)
        assert call(book, *event) == status
        statuses.append(status)
        check(book, want, probe)
        check_orders(book, want)
        tops.append(top(want, 2))
    columns = (
        int8(e[0] for e in events),
        np.array([e[1] for e in events], np.uint64),
        int8(e[2] for e in events),
        int64(e[3] for e in events),
        int64(e[4] for e in events),
    )
    batch, recorded = L3Book(), L3Book()
    assert batch.apply(*columns).tolist() == statuses
    got_statuses, got_tops = recorded.apply_top(*columns, 2)
    assert got_statuses.tolist() == statuses
    assert got_tops.tolist() == tops
    for other in (batch, recorded):
        check(other, want, probe)
        check_orders(other, want)
    book.clear()
    check(book, Levels(), probe)
    assert book.apply(*columns).tolist() == statuses
    check_orders(book, want)


@pytest.mark.parametrize("stride", [1, 4096, 1 << 32, (1 << 32) + 1, 0x9E3779B97F4A7C15])
def test_many_orders_come_and_go(stride: int) -> None:
    """Growth of pool and map, erasure by shifting back, reuse; ids that collapse weak hashes."""
    n = 20_000
    order_ids = (np.arange(n, dtype=np.uint64) * np.uint64(stride % 2**64)).astype(np.uint64)
    assert np.unique(order_ids).size == n
    rng = np.random.default_rng(5)
    one = np.ones(n, np.int64)
    px = rng.integers(1, 5000, n)
    book = L3Book()
    add = np.full(n, mb.ADD, np.int8)
    side = np.ones(n, np.int8)
    assert not book.apply(add, order_ids, side, px, one).any()
    assert len(book) == n
    held = book.memory_bytes()
    for _ in range(3):
        gone = rng.permutation(n)[: n // 2]
        half = n // 2
        dead = book.apply(
            add[:half] * 0 + mb.DELETE, order_ids[gone], side[:half], px[gone], one[:half]
        )
        assert not dead.any()
        assert len(book) == n - half
        kept = np.setdiff1d(np.arange(n), gone)
        again = book.apply(add[:half], order_ids[kept], side[:half], px[kept], one[:half])
        assert (again == mb.DUPLICATE_ID).all()
        assert not book.apply(add[:half], order_ids[gone], side[:half], px[gone], one[:half]).any()
    depth = book.depth_counts(10_000)
    assert depth[2].tolist() == np.bincount(px)[::-1][np.bincount(px)[::-1] > 0].tolist()
    assert book.memory_bytes() == held


# --- wrong input ----------------------------------------------------------------------------

BAD_LEVELS: list[tuple[tuple[Any, Any, Any], str]] = [
    ((0, 5, 1), "side"),
    ((3, 5, 1), "side"),
    ((1, 0, 1), "price"),
    ((1, MAX_PRICE + 1, 1), "price"),
    ((1, 2**70, 1), "price"),
    ((1, -(2**70), 1), "price"),
    ((1, 5, -1), "qty"),
    ((1, 5, MAX_QTY + 1), "qty"),
]


@pytest.mark.parametrize(("level", "name"), BAD_LEVELS)
def test_l2_names_what_is_wrong_and_changes_nothing(level: tuple[Any, Any, Any], name: str) -> None:
    book = L2Book()
    book.set(1, 9, 9)
    with pytest.raises(
        ValueError, match=f"^{name} is {level[('side', 'price', 'qty').index(name)]};"
    ):
        book.set(*level)
    with pytest.raises(ValueError, match=rf"^{name}s? of levels\[1\] is"):
        book.update([(1, 8, 8), level], snapshot=True)
    if all(abs(v) < 2**63 for v in level):
        columns = (int8([1, level[0]]), int64([8, level[1]]), int64([8, level[2]]))
        for apply in (book.apply, lambda s, p, q: book.apply_top(s, p, q, 5)):
            with pytest.raises(ValueError, match=rf"^{name}s\[1\] is"):
                apply(*columns)
    assert [a.tolist() for a in book.depth(5)] == [[9], [9], [], []]


def test_snapshot_is_all_or_nothing() -> None:
    book = L2Book()
    book.set(2, 9, 9)
    one, two = int64([5]), int64([5, 6])
    wrong: list[tuple[tuple[Any, ...], str]] = [
        ((one, one, int64([0]), one), r"ask_px\[0\] is 0"),
        ((one, int64([-1]), one, one), r"bid_qty\[0\] is -1"),
        ((int64([5, 5]), two, one, one), r"bid_px\[1\] repeats the price 5"),
        ((two, one, one, one), "bid_qty has 1 elements and the first column 2"),
        ((one.astype(np.float64), one, one, one), "bid_px has dtype float64"),
        (([5], one, one, one), "bid_px is a list"),
        ((one, one, one.reshape(1, 1), one), "ask_px has 2 dimensions"),
    ]
    for columns, message in wrong:
        with pytest.raises(ValueError, match=message):
            book.apply_snapshot(*columns)
        assert book.best() == (0, 0, 9, 9)


@pytest.mark.parametrize(
    ("event", "name"),
    [
        ((mb.ADD, 1, 0, 5, 1), "side"),
        ((mb.ADD, 1, 1, 0, 1), "price"),
        ((mb.ADD, 1, 1, 5, 0), "qty"),
        ((mb.ADD, 1, 1, 5, MAX_QTY + 1), "qty"),
        ((mb.MODIFY, 7, 0, -5, 1), "price"),
        ((mb.MODIFY, 7, 0, 5, -1), "qty"),
        ((mb.EXECUTE, 7, 0, 0, 0), "qty"),
        ((mb.EXECUTE, 7, 0, 0, -3), "qty"),
        ((4, 7, 1, 5, 1), "action"),
        ((-1, 7, 1, 5, 1), "action"),
    ],
)
def test_l3_names_what_is_wrong_and_changes_nothing(
    event: tuple[int, int, int, int, int], name: str
) -> None:
    book = L3Book()
    book.add(7, 1, 9, 9)
    if name != "action":
        with pytest.raises(ValueError, match=f"^{name} is"):
            call(book, *event)
    columns = (
        int8([mb.DELETE, event[0]]),
        np.array([7, event[1]], np.uint64),
        int8([0, event[2]]),
        int64([0, event[3]]),
        int64([0, event[4]]),
    )
    with pytest.raises(ValueError, match=rf"^{name}s\[1\] is"):
        book.apply(*columns)
    with pytest.raises(ValueError, match=rf"^{name}s\[1\] is"):
        book.apply_top(*columns, 3)
    assert book.order(7) == (1, 9, 9)


def wrong_calls() -> list[tuple[Callable[[], object], type[Exception], str]]:
    l2, l3 = L2Book(), L3Book()
    one8, one64, ids64 = int8([1]), int64([1]), np.array([1], np.uint64)
    return [
        (lambda: l2.set(1, 5.0, 1), TypeError, "price is a float"),  # type: ignore[arg-type]
        (lambda: l2.set("1", 5, 1), TypeError, "side is a str"),  # type: ignore[arg-type]
        (lambda: l2.set(1, 5, None), TypeError, "qty is a NoneType"),  # type: ignore[arg-type]
        (lambda: l2.update([(1, 2)]), ValueError, r"levels\[0\] is \(1, 2\)"),  # type: ignore[list-item]
        (lambda: l2.apply(one64, one64, one64), ValueError, "sides has dtype int64"),
        (lambda: l2.apply(one8, one64, int64([1, 2])), ValueError, "qtys has 2 elements"),
        (lambda: l2.apply(one8, one64.astype(">i8"), one64), ValueError, "prices has dtype >i8"),
        (
            lambda: l2.apply_top(one8, one64, one64, 2, np.zeros((1, 4, 3), np.int64)),
            ValueError,
            "out must be",
        ),
        (lambda: l2.apply_top(one8, one64, one64, 0), ValueError, "n is 0"),
        (lambda: l2.depth(-1), ValueError, "n is -1"),
        (lambda: l2.reader(0), ValueError, "n is 0"),
        (lambda: l2.levels(3), ValueError, "side is 3"),
        (lambda: l2.size_at(1, 0), ValueError, "price is 0"),
        (lambda: l2.volume_to(1, 2**31 - 1), ValueError, "price is 2147483647"),
        (lambda: l2.window(5, 0, 1), ValueError, "rows is 0"),
        (lambda: l2.window(5, 1, 0), ValueError, "ticks_per_row is 0"),
        (lambda: l3.add(-1, 1, 5, 1), ValueError, "order_id is -1"),
        (lambda: l3.delete(2**64), ValueError, "order_id is 18446744073709551616"),
        (lambda: l3.order("x"), TypeError, "order_id is a str"),  # type: ignore[arg-type]
        (
            lambda: l3.apply(one8, one64, one8, one64, one64),
            ValueError,
            "order_ids has dtype int64",
        ),
        (
            lambda: l3.apply(one8, ids64, one8, one64, int64([])),
            ValueError,
            "qtys has 0 elements",
        ),
    ]


@pytest.mark.parametrize("case", range(len(wrong_calls())))
def test_wrong_arguments_are_named(case: int) -> None:
    wrong, error, message = wrong_calls()[case]
    with pytest.raises(error, match=message):
        wrong()


def test_other_integers_are_read_as_what_they_are() -> None:
    book, orders = L2Book(), L3Book()
    book.set(np.int8(1), np.int64(2**31 - 2), np.uint64(MAX_QTY))  # type: ignore[arg-type]
    assert book.best() == (MAX_PRICE, MAX_QTY, 0, 0)
    book.apply(np.array([2], np.uint8), int64([7]), int64([1]))
    assert book.best()[2:] == (7, 1)
    for oid in (np.uint64(2**64 - 1), 2**63, 2**63 - 1, 2**30, True):
        assert orders.add(oid, 1, 5, 1) == mb.DONE  # type: ignore[arg-type]
    assert orders.queue(1, 5)[0].tolist() == [2**64 - 1, 2**63, 2**63 - 1, 2**30, 1]
    with pytest.raises(ValueError, match=r"sides\[0\] is -1"):
        book.apply(np.array([255], np.uint8), int64([7]), int64([1]))
