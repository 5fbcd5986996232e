"""Scenarios: the arrays of McMillan's book, Black's model as published, and exact worst cases."""

from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.risk.margin.base import Line, reckoned
from core.risk.margin.black import black76, delta76, implied76
from core.risk.margin.scan import ScanMargin, is_scanned
from core.risk.margin.scenarios import ScanTerms, scenario_words
from tests.core.risk.margin.examples import CALL, DAY, PUT, future, money, option, stock

# McMillan, "Options as a Strategic Investment", chapter 34: S&P 500 futures at 500 a point with
# a range of 20 points, an extreme move of 14 points (twice the range at 35 %), and the array of
# the Dec 410 call as the exchange published it; here as losses.
FUTURE = [0, 0, -3330, -3330, 3330, 3330, -6670, -6670, 6670, 6670, -10_000, -10_000]
FUTURE += [10_000, 10_000, -7000, 7000]
CALL_410 = [-460, 610, -2640, -1730, 1270, 2340, -5210, -4540, 2540, 3430, -8060, -7640]
CALL_410 += [3380, 3990, -3130, 1500]
TERMS = ScanTerms(Decimal(20), Decimal("0.02"), extreme=Decimal(2), cover=Decimal("0.35"))


def book(terms: ScanTerms = TERMS) -> tuple[ScanMargin, Line, Line]:
    model = ScanMargin({"SP": terms})
    model.mark("SP", Decimal(405), 0)
    sp = Line(future()).put(0, 2 * 40_500)
    call = Line(option(CALL, 410, 90, "SP", 500)).put(0, 2 * 500)
    model.add(sp)
    model.add(call)
    return model, sp, call


def hold(model: ScanMargin, line: Line, qty: int, **orders: int) -> None:
    line.put(qty, line.mark2, **orders)
    model.touch(line)


def test_a_futures_array_is_as_published() -> None:
    model, sp, _ = book()
    array = model.array(sp)
    for loss, published in zip(array, FUTURE, strict=True):
        assert abs(loss - money(published)) <= money("3.34")
    assert array[12] == money(10_000)
    assert array[15] == money(7000)
    hold(model, sp, 1)
    assert model.requirement()[:2] == (money(10_000), money(10_000))
    assert scenario_words(12) == "price -3/3, volatility up"
    assert scenario_words(1) == "price unchanged, volatility down"
    assert scenario_words(15) == "extreme move down"


def test_the_covered_write_of_the_book() -> None:
    model, sp, call = book()
    model.set_array(sp, [money(x) for x in FUTURE])
    model.set_array(call, [money(x) for x in CALL_410])
    # "the SPAN requirement would be $3,990 (futures down three-thirds; volatility down)"
    hold(model, call, 1)
    assert model.requirement().maintenance == money(3990)
    # The covered write's worst is 6,620, down three-thirds with volatility up.
    hold(model, sp, 1)
    hold(model, call, -1)
    assert model.requirement().maintenance == money(6620)
    # Alone, the short call would need 8,060.
    hold(model, sp, 0)
    assert model.requirement().maintenance == money(8060)


@pytest.mark.parametrize(
    ("call", "forward", "strike", "years", "volatility", "rate", "price", "digits"),
    [
        # Hull: put on crude oil futures, 20 and 20, 4 months at 25 %, 9 %: 1.12.
        (False, 20.0, 20.0, 4 / 12, 0.25, 0.09, 1.12, 2),
        # Haug, "The Complete Guide to Option Pricing Formulas": 19 and 19, 9 months, 28 %, 10 %.
        (True, 19.0, 19.0, 0.75, 0.28, 0.10, 1.7011, 4),
        (False, 19.0, 19.0, 0.75, 0.28, 0.10, 1.7011, 4),
        # Hull: call on gold futures, 620 and 600, 6 months, 20 %, 5 %: 44.19.
        (True, 620.0, 600.0, 0.5, 0.20, 0.05, 44.19, 2),
        (True, 110.0, 100.0, 0.0, 0.2, 0.1, 10.0, 9),
        (False, -5.0, 100.0, 1.0, 0.2, 0.0, 105.0, 9),
        (True, 90.0, 100.0, 1.0, 0.0, 0.1, 0.0, 9),
    ],
)
def test_blacks_model(
    call: bool,
    forward: float,
    strike: float,
    years: float,
    volatility: float,
    rate: float,
    price: float,
    digits: int,
) -> None:
    assert round(black76(call, forward, strike, years, volatility, rate), digits) == price


@given(st.booleans(), st.floats(10, 500), st.floats(10, 500), st.floats(0, 2), st.floats(0, 1))
def test_parity_bounds_and_delta(
    call: bool, forward: float, strike: float, years: float, volatility: float
) -> None:
    price = black76(call, forward, strike, years, volatility, 0.05)
    other = black76(not call, forward, strike, years, volatility, 0.05)
    gap = (forward - strike if call else strike - forward) * black76(True, 2.0, 1.0, years, 0, 0.05)
    assert price - other == pytest.approx(gap, abs=1e-9)
    assert price >= -1e-12
    delta = delta76(call, forward, strike, years, volatility, 0.05)
    assert 0 <= (delta if call else -delta) <= 1


def test_an_options_array_is_blacks() -> None:
    model, _, call = book()
    array = model.array(call)
    years = 90 / 365
    now = black76(True, 405.0, 410.0, years, 0.2)
    up = black76(True, 425.0, 410.0, years, 0.22)
    far = black76(True, 365.0, 410.0, years, 0.2)
    assert array[10] == pytest.approx(money(Decimal(500) * Decimal(now - up)), rel=1e-8)
    assert array[15] == pytest.approx(money(Decimal(175) * Decimal(now - far)), rel=1e-8)
    model.volatility(call, Decimal("0.4"))
    model.mark("SP", Decimal(300), 80 * DAY)
    model.reprice("SP")
    assert model.array(call) != array
    # Ten days from the end and 110 away there is next to nothing to lose.
    assert 0 <= max(model.array(call)) < money(1)


def test_charges_minimum_and_initial() -> None:
    terms = ScanTerms(
        Decimal(20),
        spread_charge=Decimal(200),
        short_option=Decimal(75),
        initial=Decimal("1.1"),
    )
    model = ScanMargin({"SP": terms})
    near, far = Line(future()).put(3, 81_000), Line(future(expiry=180)).put(-2, 81_000)
    model.add(near)
    model.add(far)
    # One net future of 10,000 (three ranges at 33 % are 9,900), and two spreads.
    assert model.requirement()[:2] == (money(11_440), money(10_400))
    model.mark("SP", Decimal(405), 0)
    deep = Line(option(PUT, 100, 30, "SP", 500)).put(-40, 2)
    model.add(deep)
    near.put(0, 81_000)
    far.put(0, 81_000)
    model.touch(near)
    model.touch(far)
    # Forty short options that never lose much need the least there is for each.
    assert model.requirement()[:2] == (money(3300), money(3000))
    assert model.requirement().credit == money(40 * 5)


def test_long_options_may_be_no_collateral() -> None:
    terms = ScanTerms(Decimal(20), net_option_value=False)
    model, _, call = book(terms)
    call.mark2 = 2 * 2000
    hold(model, call, 2)
    assert model.requirement().initial == money(20_000)
    terms = ScanTerms(Decimal(20))
    model, _, call = book(terms)
    call.mark2 = 2 * 2000
    hold(model, call, 2)
    assert model.requirement().initial < money(20_000)
    assert book()[0].requirement().initial == 0


def test_what_is_unknown_is_said() -> None:
    model = ScanMargin({"SP": TERMS})
    call = Line(option(CALL, 410, 90, "SP", 500)).put(1, 0)
    model.add(call)
    assert "has no price" in model.after(call, 1, 1, 0).problem
    hold(model, call.put(1, 200), 1)
    assert "the price of its underlying is unknown" in model.requirement().problem
    model.mark("SP", Decimal(400), 0)
    model.reprice("SP")
    assert model.requirement().problem == ""
    with pytest.raises(ValueError, match="already"):
        model.add(call)
    with pytest.raises(ValueError, match="no scan ranges"):
        model.add(Line(future("ES")))
    with pytest.raises(ValueError, match="16 values"):
        model.set_array(call, [1])
    with pytest.raises(ValueError, match="above 0"):
        ScanTerms(Decimal(0))
    with pytest.raises(ValueError, match="cover"):
        ScanTerms(Decimal(1), cover=Decimal(-1))
    with pytest.raises(ValueError, match="initial"):
        ScanTerms(Decimal(1), initial=Decimal("0.9"))
    assert is_scanned(future())
    assert not is_scanned(stock())


LOTS = st.integers(-3, 3)
OPEN = st.integers(0, 2)


@given(st.tuples(LOTS, OPEN, OPEN), st.tuples(LOTS, OPEN, OPEN))
@settings(max_examples=60)
def test_working_orders_are_the_worst_set_of_fills(
    first: tuple[int, int, int], second: tuple[int, int, int]
) -> None:
    model, sp, call = book()
    arrays = model.array(sp), model.array(call)
    for line, (qty, buys, sells) in ((sp, first), (call, second)):
        hold(model, line, qty, open_buy=buys, open_sell=sells)
    worst = 0
    for lots in product(*(range(q - sells, q + buys + 1) for q, buys, sells in (first, second))):
        worst = max(worst, *(lots[0] * a + lots[1] * b for a, b in zip(*arrays, strict=True)))
    # A lot that is sold is rounded its own way: one part in 10^9 of a point.
    assert 0 <= model.requirement().maintenance - worst <= money("0.00001")


@given(
    st.lists(
        st.tuples(st.booleans(), LOTS, OPEN, OPEN, st.integers(1, 90_000)), min_size=1, max_size=8
    ),
    st.sampled_from([1, -1]),
    st.integers(1, 5),
    st.integers(1, 90_000),
)
@settings(max_examples=60)
def test_changes_add_up_and_after_is_what_touch_makes_of_it(
    steps: list[tuple[bool, int, int, int, int]], sign: int, qty: int, price2: int
) -> None:
    terms = ScanTerms(Decimal(20), Decimal("0.02"), spread_charge=Decimal(100))
    model, sp, call = book(terms)
    for future_one, held, buys, sells, mark2 in steps:
        line = sp if future_one else call
        line.put(held, mark2, buys, sells, buys * mark2, sells * mark2)
        model.touch(line)
    said = model.after(line, sign, qty, price2)
    if sign > 0:
        line.open_buy += qty
        line.buy2 += qty * reckoned(1, price2, line.mark2)
    else:
        line.open_sell += qty
        line.sell2 += qty * reckoned(-1, price2, line.mark2)
    model.touch(line)
    assert model.requirement() == said
    fresh, *lines = book(terms)
    for old, new in zip((sp, call), lines, strict=True):
        new.put(old.qty, old.mark2, old.open_buy, old.open_sell, old.buy2, old.sell2)
        fresh.touch(new)
    assert fresh.requirement() == said


@given(
    st.booleans(),
    st.floats(50, 150),
    st.floats(0.02, 3.0),
    st.floats(0.05, 1.5),
    st.floats(0.01, 5.0),
)
@example(True, 52.0, 2.75, 0.05, 1.0)
def test_the_implied_volatility_gives_the_price(call, strike, years, vol, guess) -> None:
    price = black76(call, 100.0, strike, years, vol)
    found = implied76(call, price, 100.0, strike, years, guess=guess)
    assert found is not None
    assert black76(call, 100.0, strike, years, found) == pytest.approx(price, abs=1e-6)


def test_a_price_that_no_volatility_gives() -> None:
    assert implied76(True, 4.9, 105.0, 100.0, 1.0) is None
    assert implied76(True, 106.0, 105.0, 100.0, 1.0) is None
    assert implied76(True, 9.0, 105.0, 100.0, 0.0) is None
