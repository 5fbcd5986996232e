"""Bars and their decimation against slow references that are obviously right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.book.bars import BarBuilder

Trade = tuple[int, int, int, int]
NAMES = ["start_ts", "end_ts", "open", "high", "low", "close"]
NAMES += ["volume", "buy_volume", "sell_volume", "trades", "notional"]


class SlowBars:
    """The same bars from lists of (ts, price, qty, side) parts."""

    def __init__(self, kind: str, size: int, offset: int) -> None:
        self.kind, self.size, self.offset = kind, size, offset
        self.bars: list[list[Trade]] = []
        self.starts: list[int] = []
        self.forming = False
        self.latest = 0
        self.late = 0

    def on_time(self, ts: int) -> int:
        self.latest = max(self.latest, ts)
        if self.kind == "time" and self.forming and ts >= self.starts[-1] + self.size:
            self.forming = False
            return 1
        return 0

    def on_trade(self, ts: int, price: int, qty: int, side: int) -> int:
        closed = self.on_time(ts)
        parts = [qty]
        if self.kind == "volume":
            used = sum(part[2] for part in self.bars[-1]) if self.forming else 0
            parts = [min(qty, self.size - used)]
            while sum(parts) < qty:
                parts.append(min(self.size, qty - sum(parts)))
        for n, part in enumerate(parts):
            if not self.forming:
                self.bars.append([])
                since = (self.latest - self.offset) % self.size if self.kind == "time" else 0
                self.starts.append(self.latest - since)
                self.forming = True
            self.bars[-1].append((self.latest, price, part, side))
            if n == 0 and ts < self.starts[-1]:
                self.late += 1
            full = {
                "time": False,
                "tick": len(self.bars[-1]) == self.size,
                "volume": sum(p[2] for p in self.bars[-1]) == self.size,
            }
            if full[self.kind]:
                self.forming = False
                closed += 1
        return closed

    def rows(self) -> list[tuple[float, ...]]:
        return [self.row(bar, start) for bar, start in zip(self.bars, self.starts, strict=True)]

    def row(self, bar: list[Trade], start: int) -> tuple[float, ...]:
        prices = [p for _, p, _, _ in bar]
        return (
            start,
            start + self.size if self.kind == "time" else bar[-1][0],
            prices[0],
            max(prices),
            min(prices),
            prices[-1],
            sum(q for _, _, q, _ in bar),
            sum(q for _, _, q, s in bar if s == 1),
            sum(q for _, _, q, s in bar if s == 2),
            len(bar),
            float(sum(p * q for _, p, q, _ in bar)),
        )


def rows_of(columns: dict[str, Any]) -> list[tuple[float, ...]]:
    assert list(columns) == NAMES
    for name, values in columns.items():
        assert values.dtype == (np.float64 if name == "notional" else np.int64)
        assert values.flags.c_contiguous
    return list(zip(*(columns[name].tolist() for name in NAMES), strict=True))


def to_columns(trades: list[Trade]) -> tuple[Any, Any, Any, Any]:
    ts, price, qty, side = zip(*trades, strict=True) if trades else ((), (), (), ())
    return (
        np.array(ts, np.int64),
        np.array(price, np.int64),
        np.array(qty, np.int64),
        np.array(side, np.int8),
    )


trades = st.tuples(
    st.one_of(st.integers(0, 400), st.integers(0, 2**62)),
    st.one_of(st.integers(90, 110), st.integers(1, 2**31 - 2)),
    st.one_of(st.integers(1, 40), st.integers(1, 2**50)),
    st.integers(0, 2),
)
times = st.integers(0, 500)
kinds = st.one_of(
    st.tuples(st.just("time"), st.integers(1, 120), st.integers(0, 119)),
    st.tuples(st.just("tick"), st.integers(1, 5), st.just(0)),
    st.tuples(st.just("volume"), st.integers(1, 60), st.just(0)),
    st.tuples(st.just("volume"), st.integers(2**40, 2**50), st.just(0)),
)


@given(kinds, st.lists(st.one_of(trades, times), max_size=40), st.integers(0, 40))
@settings(max_examples=300, deadline=None)
def test_bars_equal_reference_after_every_event(
    kind: tuple[str, int, int], events: list[Any], cut: int
) -> None:
    name, size, offset = kind
    assume(offset < size or name != "time")
    if name == "volume" and size <= 60:
        events = [e if isinstance(e, int) else (e[0], e[1], e[2] % 300 + 1, e[3]) for e in events]
    bars, slow = BarBuilder(name, size, offset), SlowBars(name, size, offset)
    seen = 0
    pieces: list[tuple[float, ...]] = []
    for event in events:
        if isinstance(event, int):
            assert bars.on_time(event) == slow.on_time(event)
        else:
            assert bars.on_trade(*event) == slow.on_trade(*event)
        want = slow.rows()
        assert rows_of(bars.columns()) == want
        assert len(bars) == len(want)
        assert bars.forming is slow.forming
        assert bars.closed == len(want) - slow.forming
        assert bars.late == slow.late
        pieces = pieces[:seen] + rows_of(bars.since(seen))
        assert pieces == want
        seen = bars.closed

    only = [e for e in events if not isinstance(e, int)]
    one, two, slow = (
        BarBuilder(name, size, offset),
        BarBuilder(name, size, offset),
        SlowBars(name, size, offset),
    )
    closed = sum(slow.on_trade(*e) for e in only)
    assert one.apply(*to_columns(only)) == closed
    assert two.apply(*to_columns(only[:cut])) + two.apply(*to_columns(only[cut:])) == closed
    assert rows_of(one.columns()) == rows_of(two.columns()) == slow.rows()
    assert one.late == two.late == slow.late


@given(st.lists(trades, min_size=1, max_size=30))
@settings(deadline=None)
def test_nothing_is_lost(events: list[Trade]) -> None:
    for kind, size in (("time", 50), ("tick", 3), ("volume", 2**45)):
        bars = BarBuilder(kind, size)
        bars.apply(*to_columns(events))
        got = bars.columns()
        assert got["volume"].sum() == sum(e[2] for e in events)
        assert got["buy_volume"].sum() == sum(e[2] for e in events if e[3] == 1)
        assert (np.diff(got["start_ts"]) >= 0).all()
        assert (got["low"] <= got["open"]).all()
        assert (got["open"] <= got["high"]).all()


def test_half_a_million_bars() -> None:
    n = 500_000
    price = np.arange(1, n + 1)
    bars = BarBuilder("tick", 1)
    assert bars.apply(price * 10, price, price, np.ones(n, np.int8)) == n
    got = bars.columns()
    assert (got["close"] == price).all()
    assert (got["start_ts"] == price * 10).all()
    assert (got["notional"] == (price * price).astype(np.float64)).all()
    assert bars.since(n - 1)["open"].tolist() == [n]
    assert bars.since(n)["open"].size == 0
    assert bars.memory_bytes() < n * 88 * 2 + 1


def test_notional_beyond_64_bits_is_exact_until_rounded() -> None:
    bars = BarBuilder("time", 2**61)
    price, qty = 2**31 - 2, 2**60 - 1
    for _ in range(4):
        bars.on_trade(1, price, qty, 1)
    assert bars.columns()["notional"].tolist() == [float(4 * price * qty)]
    with pytest.raises(ValueError, match="takes the volume over 2\\^62"):
        bars.on_trade(1, price, 5, 1)
    with pytest.raises(ValueError, match=r"qty\[1\] is 4 and takes the volume over"):
        bars.apply(*to_columns([(1, 5, 1, 1), (1, 5, 4, 1)]))
    assert bars.columns()["trades"].tolist() == [4]


@pytest.mark.parametrize(
    ("trade", "message"),
    [
        ((-1, 10, 1, 1), "ts{} is -1;"),
        ((2**62 + 1, 10, 1, 1), "ts{} is 4611686018427387905;"),
        ((5, 0, 1, 1), "price{} is 0;"),
        ((5, 2**31 - 1, 1, 1), "price{} is 2147483647;"),
        ((5, 10, 0, 1), "qty{} is 0; it must be 1 to"),
        ((5, 10, 2**62 + 1, 1), "qty{} is 4611686018427387905;"),
        ((5, 10, 1_000_000, 1), "qty{} is 1000000, more than 100000 volume bars of 10"),
        ((5, 10, 1, 3), "side{} is 3;"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_taken(trade: Trade, message: str) -> None:
    bars = BarBuilder("volume", 10)
    with pytest.raises(ValueError, match="^" + message.format("")):
        bars.on_trade(*trade)
    with pytest.raises(ValueError, match="^" + message.format(r"\[1\]")):
        bars.apply(*to_columns([(5, 10, 1, 1), trade]))
    assert len(bars) == 0


def test_wrong_arguments_are_named() -> None:
    for kind, size, offset, message in (
        ("range", 5, 0, "kind is 'range'"),
        ("time", 0, 0, "size is 0"),
        ("time", 10, 10, "offset is 10; it must be 0 to 9"),
        ("tick", 10, 1, "offset is 1; it must be 0 to 0"),
    ):
        with pytest.raises(ValueError, match=message):
            BarBuilder(kind, size, offset)
    bars = BarBuilder("tick", 5)
    ts, price, qty, side = to_columns([(1, 2, 3, 1)])
    with pytest.raises(ValueError, match=f"^ts is {2**70};"):
        bars.on_trade(2**70, 1, 1, 1)
    with pytest.raises(TypeError, match="qty is a str"):
        bars.on_trade(1, 1, "1", 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="side has dtype int64"):
        bars.apply(ts, price, qty, side.astype(np.int64))
    with pytest.raises(ValueError, match="price has 0 elements and the first column 1"):
        bars.apply(ts, price[:0], qty, side)
    with pytest.raises(ValueError, match="index is 1; it must be 0 to 0"):
        bars.since(1)
    with pytest.raises(ValueError, match="ts is -1"):
        bars.on_time(-1)


@pytest.mark.parametrize("kind", ["tick", "volume"])
def test_a_cut_ends_the_forming_bar_as_it_is(kind: str) -> None:
    builder = BarBuilder(kind, 10)
    assert builder.cut() == 0
    for ts in range(13):
        builder.on_trade(ts, 100 + ts, 1, 1)
    assert (builder.cut(), builder.cut()) == (1, 0)
    builder.on_trade(50, 90, 1, 2)
    columns = builder.columns()
    assert columns["volume"].tolist() == [10, 3, 1]
    assert columns["close"].tolist() == [109, 112, 90]
    assert columns["end_ts"].tolist() == [9, 12, 50]


@given(count=st.integers(0, 40), first=st.integers(0, 40), most=st.integers(0, 50))
def test_a_part_of_the_bars_is_that_part_of_all(count: int, first: int, most: int) -> None:
    builder = BarBuilder("tick", 3)
    for ts in range(count):
        builder.on_trade(ts, 100 + ts % 7, 1 + ts % 4, 1)
    first = min(first, len(builder))
    for name, column in builder.since(first, most).items():
        assert column.tolist() == builder.columns()[name][first : first + most].tolist()
