"""Index and time, and at most one bar a pixel column."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.client.series import BAR_COLUMNS, Bars
from widgets.chart.series import Series, decimate

SECOND = 1_000_000_000


def make(gaps, seed=0, interval="1s"):
    """Bars whose starts are so many seconds apart."""
    rng = np.random.default_rng(seed)
    ts = 1_700_000_000 * SECOND + np.cumsum([0, *gaps]) * SECOND
    count = len(ts)
    close = 1_000 + np.cumsum(rng.integers(-9, 10, count))
    opened = close + rng.integers(-5, 6, count)
    columns = dict.fromkeys(BAR_COLUMNS, np.zeros(count, np.int64)) | {
        "ts": ts,
        "open": opened,
        "high": np.maximum(opened, close) + rng.integers(0, 7, count),
        "low": np.minimum(opened, close) - rng.integers(0, 7, count),
        "close": close,
        "volume": rng.integers(0, 99, count),
    }
    bars = Bars()
    bars.write(0, columns)
    series = Series(interval)
    assert series.take(bars)
    return series


@given(
    count=st.integers(1, 300),
    seed=st.integers(0, 99),
    first=st.integers(-20, 320),
    width=st.integers(0, 400),
    columns=st.integers(1, 120),
)
def test_decimation_is_the_naive_one(count, seed, first, width, columns):
    series = make([1] * (count - 1), seed)
    rows = decimate(series, first, first + width, columns)
    begin, end = max(first, 0), min(first + width, count)
    if end <= begin:
        assert len(rows) == 0
        return
    assert len(rows) <= columns + 1
    covered = []
    for n in range(len(rows)):
        low = begin // rows.step * rows.step + n * rows.step
        bucket = range(low, min(low + rows.step, count))
        covered += bucket
        assert rows.open[n] == series.open[bucket[0]]
        assert rows.close[n] == series.close[bucket[-1]]
        assert rows.high[n] == max(series.high[i] for i in bucket)
        assert rows.low[n] == min(series.low[i] for i in bucket)
        assert rows.volume[n] == sum(series.volume[i] for i in bucket)
        assert rows.x[n] == pytest.approx((bucket[0] + bucket[-1]) / 2)
    assert set(range(begin, end)) <= set(covered)
    assert len(covered) == len(set(covered))


@given(
    first=st.integers(0, 4_000),
    columns=st.integers(50, 500),
    shift=st.integers(1, 50),
)
def test_buckets_do_not_shimmer_when_panned(first, columns, shift):
    series = make([1] * 5_000)
    one = decimate(series, first, first + 900, columns)
    other = decimate(series, first + shift, first + 900 + shift, columns)
    assert one.step == other.step
    both = np.intersect1d(one.x[1:-1], other.x[1:-1])
    assert list(one.high[np.isin(one.x, both)]) == list(other.high[np.isin(other.x, both)])


@given(
    gaps=st.lists(st.integers(1, 90_000), min_size=0, max_size=40),
    place=st.floats(-10, 60, allow_nan=False),
)
def test_time_of_an_index_leads_back_to_it(gaps, place):
    series = make(gaps)
    assert series.index_at(series.time_at(place)) == pytest.approx(place, abs=1e-6)


@given(gaps=st.lists(st.integers(1, 500), min_size=1, max_size=40), data=st.data())
def test_time_never_goes_back_along_the_axis(gaps, data):
    series = make(gaps)
    one = data.draw(st.floats(-5, 45))
    other = data.draw(st.floats(-5, 45))
    low, high = sorted((one, other))
    assert series.time_at(low) <= series.time_at(high)


def test_a_bar_begins_at_its_left_edge():
    series = make([60, 60, 3_600])
    assert [series.index_at(int(ts)) for ts in series.ts] == [-0.5, 0.5, 1.5, 2.5]


def test_equal_starts_of_tick_bars_do_no_harm():
    series = make([1, 0, 0, 2], interval="100t")
    assert series.index_at(int(series.ts[2])) == 2.5
    assert series.bar_at(series.index_at(int(series.ts[-1]))) == 4


def test_no_bars_is_no_error():
    series = Series("1m")
    assert series.time_at(3.0) == 0
    assert series.index_at(5) == 0.0
    assert series.bar_at(0) is None
    assert len(series.visible(0, 10, 100)) == 0
