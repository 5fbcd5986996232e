from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.book.bars import BarBuilder
from core.marketdata import trades as trades_module
from core.marketdata.trades import Chunk, Packed, TradeLog, thinned
from core.model.intervals import parse_interval
from core.model.market import Trade
from tests.core.marketdata.markets import NOW, SECOND, history

Row = tuple[int, int, int, int]


def rows(count: int, start: int = 0) -> list[Row]:
    return [(NOW + (start + i) * SECOND // 3, 100 + i % 7, 1 + i % 5, i % 3) for i in range(count)]


def feed(log: TradeLog, what: list[Row]) -> None:
    for ts, price, qty, side in what:
        log.append(Trade("A.X", ts, ts, price, qty, side))


def expected(what: list[Row], interval: str) -> dict[str, list[int]]:
    builder = BarBuilder(*parse_interval(interval))
    for row in what:
        builder.on_trade(*row)
    return {name: column.tolist() for name, column in builder.columns().items()}


def finished(log: TradeLog, interval: str) -> dict[str, list[int]]:
    series = log.hold(interval)
    while not series.advance():
        pass
    return {name: column.tolist() for name, column in series.builder.columns().items()}


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 60),
    st.sampled_from(["1s", "5s", "7t", "13v"]),
    st.integers(1, 20),
    st.integers(1, 20),
)
def test_bars_are_the_same_whenever_somebody_asked_for_them(
    past: int, before: int, after: int, interval: str, slice_size: int, move: int
) -> None:
    whole = rows(past + before + after)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trades_module, "SLICE", slice_size)
        patch.setattr(trades_module, "_MOVE", move)
        log = TradeLog()
        log.past(history(whole[:past]))
        feed(log, whole[past : past + before])
        series = log.hold(interval)
        for row in whole[past + before :]:
            feed(log, [row])  # arrives while the past is still being folded in
            series.advance()
        assert finished(log, interval) == expected(whole, interval)
        assert log.hold(interval) is series


def test_bars_are_whole_after_the_ring_has_wrapped() -> None:
    count = trades_module.RING + 10_000
    whole = rows(count)
    log = TradeLog()
    feed(log, whole)
    assert len(log.ring) == trades_module.RING
    assert finished(log, "1m") == expected(whole, "1m")


def test_of_a_long_past_the_oldest_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trades_module, "ARCHIVE", 100)
    monkeypatch.setattr(trades_module, "_MOVE", 10)
    log = TradeLog()
    whole = rows(1000)
    feed(log, whole)
    bars = finished(log, "1t")
    assert 90 <= len(bars["open"]) <= 110
    assert bars["open"][-1] == whole[-1][1]


def test_a_tape_begins_with_the_end_of_the_past() -> None:
    log = TradeLog()
    whole = rows(5_000)
    log.past(history(whole))
    columns, head, lost = log.ring.read(0)
    assert (head, lost) == (1_000, 0)
    assert columns["ts"].tolist() == [row[0] for row in whole[-1_000:]]
    # ... which are not counted twice in bars
    assert finished(log, "5s") == expected(whole, "5s")


def test_a_trade_too_large_for_its_bars_is_left_out_of_them_only() -> None:
    log = TradeLog()
    log.past(history([(NOW, 100, 5, 1), (NOW + 1, 100, 10_000_000, 1), (NOW + 2, 100, 5, 1)]))
    series = log.hold("1v")
    assert series.advance()
    assert series.skipped == 1
    assert len(series.builder) == 10
    feed(log, [(NOW + 3, 100, 10_000_000, 2), (NOW + 4, 101, 1, 2)])
    assert series.skipped == 2
    assert len(series.builder) == 11
    assert log.ring.head == 5


def test_a_wrong_interval_is_a_sentence() -> None:
    with pytest.raises(ValueError, match="not an interval"):
        TradeLog().hold("5x")


def test_columns_of_a_past_must_be_of_one_length() -> None:
    good = history(rows(3))
    bad = type(good)("A.X", good.ts, good.price, good.qty, np.zeros(2, "<i8").tobytes())
    with pytest.raises(ValueError, match="differ in length"):
        TradeLog().past(bad)


@pytest.mark.parametrize("interval", ["10t", "20v"])
@pytest.mark.parametrize("known_before", [True, False])
def test_a_bar_of_trades_or_volume_does_not_reach_over_a_gap(
    interval: str, known_before: bool
) -> None:
    before, behind = rows(25), rows(37, start=3_000)
    gap = (before[-1][0] + 1, behind[0][0] - 1)
    log = TradeLog()
    if known_before:  # a past with a hole
        log.past(history(before + behind))
        log.add_gaps((gap,))
        found = finished(log, interval)
    else:  # the link goes down and comes back
        log.past(history(before))
        series = log.hold(interval)
        while not series.advance():
            pass
        log.add_gaps((gap,))
        feed(log, behind)
        found = finished(log, interval)
    first, second = expected(before, interval), expected(behind, interval)
    for name, column in found.items():
        assert column == first[name] + second[name], name


def test_bars_of_time_are_the_same_with_a_gap() -> None:
    log = TradeLog()
    log.past(history(rows(50)))
    log.add_gaps(((NOW + 3 * SECOND, NOW + 5 * SECOND),))
    assert finished(log, "1s") == expected(rows(50), "1s")


def test_gaps_that_touch_are_one_and_the_number_is_bounded() -> None:
    log = TradeLog()
    log.add_gaps(((5, 9), (1, 3), (3, 4), (8, 12), (7, 7)))
    assert log.gaps == ((1, 4), (5, 12))
    log.add_gaps(tuple((n * 10, n * 10 + 1) for n in range(5_000)))
    assert len(log.gaps) == trades_module.GAPS
    assert log.gaps[-1] == (49_990, 49_991)


INT64 = st.integers(-(2**63), 2**63 - 1)


@given(
    st.lists(
        st.tuples(
            st.one_of(INT64, st.integers(10**18, 10**18 + 10**9)),
            st.one_of(INT64, st.integers(-200, 200)),
            st.one_of(INT64, st.integers(0, 70_000)),
            st.sampled_from((-1, 0, 1)),
        ),
        min_size=1,
    )
)
def test_trades_are_unpacked_as_they_were(rows):
    columns = [np.array(column, np.int64) for column in zip(*rows, strict=True)]
    chunk = Chunk(columns[0], columns[1], columns[2], columns[3].astype(np.int8))
    back = Packed.of(chunk).chunk()
    assert [c.tolist() for c in back] == [c.tolist() for c in chunk]
    assert [c.dtype for c in back] == [c.dtype for c in chunk]


def test_an_ordinary_trade_is_packed_into_ten_bytes():
    rng = np.random.default_rng(1)
    ts = np.cumsum(rng.exponential(5e7, 8_192).astype(np.int64)) + 10**18
    chunk = Chunk(
        ts, rng.integers(9_900, 10_100, 8_192), rng.integers(1, 500, 8_192), np.ones(8_192, np.int8)
    )
    packed = Packed.of(chunk)
    assert sum(column.nbytes for column in packed[1:]) <= 10 * 8_192


def bars(chunk: Chunk, seconds: int) -> dict[str, list[int]]:
    builder = BarBuilder("time", seconds * SECOND)
    builder.apply(*chunk)
    return {name: column.tolist() for name, column in builder.since(0, 1 << 30).items()}


@settings(deadline=None)
@given(st.data(), st.sampled_from([1, 40, 400, 3000]), st.integers(1, 40))
def test_thinned_out_the_bars_are_the_same(data: st.DataObject, count: int, swing: int) -> None:
    draw = np.random.default_rng(data.draw(st.integers(0, 1 << 32)))
    span = data.draw(st.integers(1, 200)) * SECOND
    chunk = Chunk(
        np.sort(draw.integers(NOW, NOW + span, count)),
        1000 + draw.integers(0, swing, count),
        draw.integers(1, data.draw(st.sampled_from([2, 10**6])), count),
        draw.integers(0, 3, count).astype(np.int8),
    )
    thin = thinned(chunk)
    assert (np.diff(thin.ts) >= 0).all()
    spans = len(np.unique(chunk.ts // trades_module.THIN))
    assert len(thin.ts) <= max(7 * spans, 16 * spans if len(thin.ts) == count else 0)
    for seconds in (5, 10, 60):
        one, other = bars(chunk, seconds), bars(thin, seconds)
        for name in ("start_ts", "open", "high", "low", "close"):
            assert one[name] == other[name]
        for name in ("volume", "buy_volume", "sell_volume"):
            assert one[name] == other[name]
        for whole, near, volume in zip(
            one["notional"], other["notional"], one["volume"], strict=True
        ):
            assert abs(whole - near) <= 0.5 * volume, "the mean price is kept to half a tick"


def test_what_cannot_be_added_up_is_left_as_it_is() -> None:
    ts = np.arange(100) + NOW
    ones = np.ones(100, np.int64)
    for qty, side in ((ones << 52, ones), (ones, ones * 7), (ones, -ones)):
        chunk = Chunk(ts, ones, qty, side.astype(np.int8))
        assert thinned(chunk) is chunk


def test_the_newest_are_whole_and_older_ones_thinned_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trades_module, "SLICE", 1000)
    monkeypatch.setattr(trades_module, "ARCHIVE", 8000)
    log = TradeLog()
    what = [(NOW + i * SECOND // 30, 100 + i % 7, 1 + i % 5, i % 3) for i in range(9500)]
    log.past(history(what))
    before = log.newest(500, 1 << 30)
    assert 7000 < len(before.ts) <= 8000, "nothing is thinned out yet, the oldest are forgotten"
    while log.thin_out():
        pass
    assert not log.thin_out()
    after = log.newest(500, 1 << 30)
    assert 500 <= len(after.ts) < 1500
    assert [c[-500:].tolist() for c in after] == [c[-500:].tolist() for c in before]
    for name in ("open", "high", "low", "close", "volume"):
        assert bars(after, 60)[name] == bars(before, 60)[name]
    assert len(log.newest(500, 600).ts) == 600
    more = [(NOW + i * SECOND // 30, 100, 1, 1) for i in range(9500, 30_000)]
    feed(log, more)
    log.hold("1m")
    while log.thin_out():
        pass
    assert len(log._thin) == len(log._archive)
    assert log.newest(500, 1 << 30).ts[0] >= what[9000][0]
