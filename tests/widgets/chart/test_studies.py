"""Running sums of bars that come at both ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.client.series import BAR_COLUMNS, Bars
from widgets.chart.series import Series
from widgets.chart.studies import Studies

MINUTE = 60_000_000_000
NOON = 1_750_000_000_000_000_000 // MINUTE * MINUTE


@given(
    pieces=st.lists(
        st.tuples(st.sampled_from(["older", "newer", "tick"]), st.integers(1, 900)), max_size=8
    )
)
def test_sums_are_the_same_in_whatever_order_bars_come(pieces):
    rng = np.random.default_rng(3)
    price, volume = rng.integers(1, 900, 20_000), rng.integers(0, 90, 20_000)
    low = high = 9_000
    bars, series, studies = Bars(), Series("1m"), Studies(7)
    bars.first = low
    for what, count in [("newer", 5), *pieces]:
        first, last = {
            "older": (low - count, low),
            "newer": (high, high + count),
            "tick": (high - 1, high),
        }[what]
        if what == "tick":
            price[first] += 1
        ts = NOON + np.arange(first, last) * MINUTE
        columns = dict.fromkeys(BAR_COLUMNS, price[first:last]) | {"ts": ts}
        columns["volume"] = volume[first:last]
        columns["notional"] = price[first:last] * volume[first:last]
        if what == "older":
            bars.prepend(columns)
            low = bars.first = first
        else:
            bars.write(first - low, columns)
            high = last
        series.take(bars)
        studies.take(series)
    anew = Studies(7)
    anew.take(series)
    for one, other in ((studies.sma, anew.sma), (studies.vwap, anew.vwap)):
        shown, wanted = one(0, len(series)), other(0, len(series))
        assert shown == pytest.approx(wanted, nan_ok=True)
    closes = price[low:high]
    if len(closes) >= 7:
        assert studies.sma(len(closes) - 1, len(closes))[0] == pytest.approx(closes[-7:].mean())
