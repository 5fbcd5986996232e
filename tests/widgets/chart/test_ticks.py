"""Lines of the grid."""

from __future__ import annotations

from decimal import Decimal
from itertools import islice, pairwise

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from core.client.series import BAR_COLUMNS, Bars
from widgets.chart.axes import place_tags
from widgets.chart.series import Series
from widgets.chart.ticks import price_steps, price_ticks, time_ticks

SECOND = 1_000_000_000
DAY = 86_400 * SECOND


@given(
    low=st.floats(-1e6, 1e9),
    span=st.floats(0.5, 1e8),
    height=st.floats(20, 2_000),
    tick=st.sampled_from([Decimal(t) for t in ("0.01", "0.25", "0.5", "1", "0.00001", "5")]),
)
def test_price_lines_are_apart_in_range_and_round(low, span, height, tick):
    lines = price_ticks(low, low + span, height, 30.0, tick)
    assert all(low - 1e-6 <= line <= low + span + 1e-6 for line in lines)
    steps = {b - a for a, b in pairwise(lines)}
    assert len(steps) <= 1
    for step in steps:
        assert step / span * height >= 30 - 1e-6
        assert all(line % step == 0 for line in lines)


def test_steps_of_a_quarter_tick_are_round_prices():
    steps = [Decimal(s) * Decimal("0.25") for s in islice(price_steps(Decimal("0.25")), 6)]
    assert steps == [Decimal(s) for s in ("0.25", "0.5", "1", "2", "2.5", "5")]


def make(count, step, start=1_750_000_000 * SECOND):
    bars = Bars()
    ts = start // step * step + np.arange(count) * step
    bars.write(0, dict.fromkeys(BAR_COLUMNS, np.ones(count, np.int64)) | {"ts": ts})
    series = Series("1m")
    series.take(bars)
    return series


@given(
    count=st.integers(1, 2_000),
    step=st.sampled_from([1, 5, 60, 300, 3_600, 86_400]),
    left=st.floats(-100, 1_500),
    width=st.floats(5, 1_500),
    lines=st.floats(1, 12),
)
@example(count=3, step=1, left=1.25, width=5.5, lines=3.0)
def test_time_lines_ascend_in_view_and_are_few(count, step, left, width, lines):
    series = make(count, step * SECOND)
    ticks = time_ticks(series, left, left + width, lines)
    places = [tick.x for tick in ticks]
    assert places == sorted(places)
    assert len(set(places)) == len(places)
    assert len(ticks) <= 2 * lines + 3
    assert all(left - 1 <= x <= left + width + 1 for x in places)
    assert all(tick.text for tick in ticks)


def test_minutes_get_round_times_and_midnight_its_date():
    series = make(2_000, 60 * SECOND, start=1_750_000_000 * SECOND // DAY * DAY - 600 * 60 * SECOND)
    ticks = time_ticks(series, 500, 700, 6)
    texts = {tick.text: tick.strong for tick in ticks}
    assert texts["15 Jun"] is True
    assert "23:30" in texts or "23:00" in texts
    at = next(tick.x for tick in ticks if tick.strong)
    assert series.ts[int(at)] % DAY == 0


@given(wanted=st.lists(st.floats(0, 600), min_size=1, max_size=12), height=st.floats(5, 30))
def test_tags_never_hide_each_other_and_the_last_stays(wanted, height):
    places = place_tags(wanted, height)
    assert places[-1] == wanted[-1]
    for one, other in pairwise(sorted(places)):
        assert other - one >= height - 1e-6
