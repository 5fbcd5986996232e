"""Limits that follow the market: never above base, tighter at once, looser with delay."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.risk.dynamic import NANO, DynamicLimit, DynamicTerms, Liquidity, Volatility

SECOND = 1_000_000_000
TERMS = DynamicTerms(
    sigma_ref=1_000_000,
    volume_ref=10_000,
    margin_ref=500,
    floor=Decimal("0.25"),
    band=Decimal("0.1"),
    dwell=60 * SECOND,
)
CALM = (1_000_000, 10_000, 500)


def test_the_formula() -> None:
    limit = DynamicLimit(1000, TERMS)
    assert limit.update(0, *CALM) == 1000
    # Half as calm, four fifths as liquid, margin a quarter higher: 0.5 x 0.8 x 0.8.
    assert limit.update(0, 2_000_000, 8000, 625) == 320
    # Volatility alone never makes less than a quarter of it.
    assert DynamicLimit(1000, TERMS).update(0, 10**12, 10_000, 500) == 250
    # 1000 x 1/3 is cut off, not rounded.
    assert DynamicLimit(1000, TERMS).update(0, 3_000_000, 10_000, 500) == 333
    assert DynamicLimit(1000, TERMS).update(0, 1_000_000, 0, 500) == 0


MARKET = st.tuples(
    st.integers(0, 200 * SECOND),
    st.integers(0, 8_000_000),
    st.integers(-1, 20_000),
    st.integers(0, 2000),
)


def wanted(base: int, sigma: int, volume: int, margin: int) -> int:
    """The formula in fractions; what is unknown is left out."""
    factor = Fraction(1)
    if sigma:
        factor *= min(Fraction(1), max(Fraction(1, 4), Fraction(1_000_000, sigma)))
    if volume >= 0:
        factor *= min(Fraction(1), Fraction(volume, 10_000))
    if margin:
        factor *= min(Fraction(1), Fraction(500, margin))
    return int(base * factor)


@given(st.integers(0, 10**9), st.lists(MARKET, max_size=30))
def test_never_above_base_or_the_formula_and_tighter_at_once(
    base: int, steps: list[tuple[int, int, int, int]]
) -> None:
    limit = DynamicLimit(base, TERMS)
    ts = 0
    rises: list[int] = []
    for wait, *market in steps:
        ts += wait
        before = limit.value
        now = limit.update(ts, *market)
        raw = wanted(base, *market)
        assert now <= raw
        assert now <= base
        if raw <= before:
            assert now == raw
        else:
            assert before <= now
        if now > before:
            rises.append(ts)
            # Above the band, or all the way back.
            assert now >= before * 1.1 or now == base
            assert market[0] > 0
            assert market[1] >= 0
            assert market[2] > 0
    assert all(b - a >= TERMS.dwell for a, b in pairwise(rises))


def test_looser_only_after_a_while_and_to_the_lowest_of_it() -> None:
    limit = DynamicLimit(1000, TERMS)
    assert limit.update(0, 4_000_000, 10_000, 500) == 250
    assert limit.update(1 * SECOND, *CALM) == 250
    assert limit.update(30 * SECOND, 2_000_000, 10_000, 500) == 250
    assert limit.update(60 * SECOND, *CALM) == 250
    assert limit.update(61 * SECOND, *CALM) == 500
    # The next step waits anew.
    assert limit.update(62 * SECOND, *CALM) == 500
    assert limit.update(121 * SECOND, *CALM) == 500
    assert limit.update(122 * SECOND, *CALM) == 1000


def test_a_moment_of_danger_begins_the_wait_anew() -> None:
    limit = DynamicLimit(1000, TERMS)
    limit.update(0, 2_000_000, 10_000, 500)
    limit.update(1 * SECOND, *CALM)
    assert limit.update(50 * SECOND, 2_000_000, 10_000, 500) == 500
    assert limit.update(61 * SECOND, *CALM) == 500
    assert limit.update(121 * SECOND, *CALM) == 1000


@given(st.lists(st.integers(950_000, 1_040_000), min_size=2, max_size=60))
def test_no_oscillation_within_the_band(sigmas: list[int]) -> None:
    limit = DynamicLimit(10_000, TERMS)
    limit.update(0, 2_000_000, 10_000, 500)
    seen = [
        limit.update((at + 1) * 100 * SECOND, 2 * sigma, 10_000, 500)
        for at, sigma in enumerate(sigmas)
    ]
    # It goes down with the market by less than the band and does not come up again.
    assert seen == sorted(seen, reverse=True)


def test_the_unknown_and_a_clock_that_goes_back_loosen_nothing() -> None:
    limit = DynamicLimit(1000, TERMS)
    limit.update(0, 4_000_000, 10_000, 500)
    for market in ((0, 10_000, 500), (1_000_000, -1, 500), (1_000_000, 10_000, 0)):
        assert limit.update(10**15, *market) == 250
        assert limit.update(2 * 10**15, *market) == 250
    assert limit.update(100 * SECOND, *CALM) == 250
    assert limit.update(10 * SECOND, *CALM) == 250
    assert limit.update(69 * SECOND, *CALM) == 250
    assert limit.update(70 * SECOND, *CALM) == 1000
    # But what is known tightens.
    assert limit.update(71 * SECOND, 0, 5000, 0) == 500


def test_the_unknown_begins_the_wait_anew() -> None:
    limit = DynamicLimit(1000, TERMS)
    limit.update(0, 2_000_000, 10_000, 500)
    limit.update(1 * SECOND, *CALM)
    limit.update(30 * SECOND)
    assert limit.update(70 * SECOND, *CALM) == 500
    assert limit.update(130 * SECOND, *CALM) == 1000


def test_a_new_base() -> None:
    limit = DynamicLimit(1000, TERMS)
    limit.rebase(800)
    assert limit.value == 800
    limit.rebase(1200)
    assert limit.update(0, *CALM) == 800
    assert limit.update(60 * SECOND, *CALM) == 1200
    with pytest.raises(ValueError, match="below 0"):
        limit.rebase(-1)
    with pytest.raises(ValueError, match="below 0"):
        DynamicLimit(-1, TERMS)
    with pytest.raises(ValueError, match="floor"):
        DynamicTerms(floor=Decimal(2))
    with pytest.raises(ValueError, match="dwell"):
        DynamicTerms(dwell=-1)


def test_realised_volatility_by_hand() -> None:
    vol = Volatility(step=60 * SECOND, decay=0.94)
    assert vol.sigma() == 0
    for at, price in ((0, 9000), (30, 10_000), (61, 10_050), (119, 10_100), (130, 10_200)):
        vol.mark(at * SECOND, price)
    first = log(10_100 / 10_000)
    assert vol.sigma() == int(sqrt(first**2) * NANO) + 1
    vol.mark(180 * SECOND, 10_150)
    second = log(10_200 / 10_100)
    variance = 0.94 * first**2 + (1 - 0.94) * second**2
    assert vol.sigma() == pytest.approx(sqrt(variance) * NANO, abs=2)
    # Three steps without a mark have a return of 0 each; the next one closes the last price.
    vol.mark(420 * SECOND, 10_150)
    third = log(10_150 / 10_200)
    variance = (0.94 * variance + (1 - 0.94) * third**2) * 0.94**3
    assert vol.sigma() == pytest.approx(sqrt(variance) * NANO, abs=2)
    before = vol.dump()
    vol.mark(0, 5)
    vol.mark(500 * SECOND, 0)
    assert vol.dump() == before
    with pytest.raises(ValueError, match="decay"):
        Volatility(decay=1.0)


def test_rolling_volume() -> None:
    flow = Liquidity(slot=10 * SECOND, slots=3)
    assert flow.volume(0) == -1
    flow.trade(5 * SECOND, 100)
    flow.trade(12 * SECOND, 20)
    assert flow.volume(15 * SECOND) == -1
    flow.trade(25 * SECOND, 3)
    assert flow.volume(29 * SECOND) == 123
    assert flow.volume(30 * SECOND) == 23
    flow.trade(11 * SECOND, 7)  # late: in the newest slot
    assert flow.volume(45 * SECOND) == 10
    assert flow.volume(1000 * SECOND) == 0
    with pytest.raises(ValueError, match="slot"):
        Liquidity(slots=0)


EVENTS = st.lists(st.tuples(st.integers(0, 100 * SECOND), st.integers(1, 10**6)), max_size=30)


@given(EVENTS, EVENTS)
def test_a_snapshot_goes_on_as_if_nothing_had_happened(
    before: list[tuple[int, int]], after: list[tuple[int, int]]
) -> None:
    def feed(
        parts: tuple[Volatility, Liquidity, DynamicLimit], ts: int, events: list[tuple[int, int]]
    ) -> tuple[int, list[int]]:
        vol, flow, limit = parts
        seen = []
        for wait, number in events:
            ts += wait
            vol.mark(ts, number)
            flow.trade(ts, number)
            seen += [vol.sigma(), flow.volume(ts)]
            seen.append(limit.update(ts, vol.sigma(), flow.volume(ts), number))
        return ts, seen

    def made() -> tuple[Volatility, Liquidity, DynamicLimit]:
        terms = DynamicTerms(300_000_000, 10**6, 500_000)
        return Volatility(), Liquidity(10 * SECOND, 5), DynamicLimit(10**6, terms)

    one, two = made(), made()
    ts, _ = feed(one, 0, before)
    two[0].load(one[0].dump())
    two[1].load(one[1].dump())
    two[2].load(one[2].dump())
    assert feed(one, ts, after) == feed(two, ts, after)
    assert [a.dump() for a in one] == [b.dump() for b in two]
