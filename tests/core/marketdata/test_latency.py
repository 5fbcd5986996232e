from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.marketdata.latency import Histogram, Rolling

DURATIONS = st.integers(0, 2**62)


@given(st.lists(DURATIONS, min_size=1, max_size=200), st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_is_never_below_the_true_one_and_at_most_an_eighth_above(
    durations: list[int], share: float
) -> None:
    rolling = Rolling()
    for duration in durations:
        rolling.add(duration)
    rank = max(1, round(share * len(durations)))
    true = sorted(durations)[rank - 1]
    (found,) = rolling.quantiles(share)
    assert true <= found <= true + true // 8 + 1
    assert rolling.total == len(durations)


def test_a_clock_that_is_behind_counts_as_no_age() -> None:
    rolling = Rolling()
    rolling.add(-5_000_000)
    assert rolling.quantiles(0.5) == (0,)


def test_nothing_known_is_zero() -> None:
    assert Rolling().quantiles(0.5, 0.99) == (0, 0)


def test_a_minute_later_the_old_is_forgotten() -> None:
    rolling = Rolling()
    rolling.add(1_000_000)
    for _ in range(5):
        rolling.turn()
        rolling.add(10)
    assert rolling.total == 6
    assert rolling.quantiles(1.0)[0] >= 1_000_000
    rolling.turn()
    assert rolling.total == 5
    assert rolling.quantiles(1.0)[0] <= 12


def test_clear() -> None:
    histogram = Histogram()
    histogram.add(7)
    histogram.clear()
    assert histogram.total == 0
    assert sum(histogram.counts) == 0
