"""Cash accounts and Regulation T: published examples, and that changes equal a full count."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.risk.margin.base import Line, LineModel, parts, reckoned
from core.risk.margin.cash import CashMargin
from core.risk.margin.regt import RegTMargin, SpecialMemorandum, StockTerms, figures
from tests.core.risk.margin.examples import line, money, stock, ticks2


def regt(qty: int, price: str, **terms: Decimal) -> RegTMargin:
    model = RegTMargin({"ACME.X": StockTerms(**terms)}, minimum=Decimal(0))
    model.add(line(stock(), qty, price))
    return model


def test_a_cash_account_pays_in_full() -> None:
    model = CashMargin()
    acme = line(stock(), 100, "50.00")
    model.add(acme)
    assert model.requirement() == (money(5000), money(5000), 0, "")
    # A buy above the mark needs its own price: 10 more at 51.
    assert model.after(acme, 1, 10, 2 * 5100).initial == money(5510)
    assert model.after(acme, -1, 100, 2 * 4900).problem == ""
    assert "cannot sell more than it holds" in model.after(acme, -1, 101, 2 * 5000).problem
    # Two sales together are too many as well.
    acme.put(100, 2 * 5000, open_sell=60)
    model.touch(acme)
    assert model.requirement().problem == ""
    assert model.after(acme, -1, 41, 2 * 5000).problem
    assert not model.after(acme, -1, 100, 2 * 5000, own=60, own2=60 * 10000).problem


def test_an_order_that_the_market_has_left_needs_the_mark() -> None:
    # Reckoned at 50 and 40; now at 60, the buy below it loses nothing and gains nothing.
    model = CashMargin()
    acme = line(stock(), 100, "60.00", open_buy=10, buy2=10 * 10_000)
    model.add(acme)
    assert model.requirement().initial == money(6600)
    assert model.after(acme, 1, 10, 2 * 4000).initial == money(7200)
    # Nor does a sale above the mark pay for one below it.
    assert model.after(acme, -1, 50, 2 * 7000).initial == money(6600)
    acme.put(100, 12_000, open_sell=50, sell2=50 * 11_000)
    model.touch(acme)
    assert model.requirement().initial == money(6250)
    assert model.after(acme, -1, 50, 2 * 7000).initial == money(6250)


def test_a_sale_below_the_mark_needs_what_it_loses() -> None:
    model = CashMargin()
    acme = line(stock(), 100, "50.00")
    model.add(acme)
    assert model.after(acme, -1, 100, 2 * 4900).initial == money(5100)


@pytest.mark.parametrize(
    ("qty", "price", "initial", "maintenance"),
    [
        # SEC, "Understanding Margin Accounts": 16,000 of stock with 8,000 down; 25 % of 12,000.
        (100, "160.00", "8000", "4000"),
        (100, "120.00", "6000", "3000"),
        # Series 7 texts: 1,000 shares at 40 need 20,000, at 50 they need 25,000.
        (1000, "40.00", "20000", "10000"),
        (1000, "50.00", "25000", "12500"),
        # "Margin on short sales of common stock - basic rules" (Silicon Investor 14932738/50),
        # examples A-D of the maintenance and A, B of the initial requirement.
        (-1000, "50.00", "25000", "15000"),
        (-10_000, "5.00", "50000", "50000"),
        (-10_000, "4.50", "45000", "45000"),
        (-50_000, "1.00", "125000", "125000"),
        (-500, "40.00", "10000", "6000"),
        (-10_000, "2.00", "25000", "25000"),
    ],
)
def test_regulation_t_and_rule_4210(qty: int, price: str, initial: str, maintenance: str) -> None:
    need = regt(qty, price).requirement()
    assert need[:2] == (money(initial), money(maintenance))
    # 150 % of a short sale is the requirement and its proceeds.
    assert need.credit == (money(Decimal(-qty) * Decimal(price)) if qty < 0 else 0)


def test_the_requirement_with_its_proceeds_is_150_per_cent() -> None:
    need = regt(-1000, "50.00").requirement()
    assert need.initial + need.credit == money(75_000)


@pytest.mark.parametrize(
    ("shares", "price", "deposit"),
    [(100, "15.00", "1500"), (100, "30.00", "2000"), (100, "50.00", "2500")],
)
def test_the_least_equity_is_2000_or_the_cost(shares: int, price: str, deposit: str) -> None:
    # Series 7: first purchases of 1,500, 3,000 and 5,000 (Rule 4210(b)).
    model = RegTMargin()
    model.add(line(stock(), shares, price))
    assert model.requirement().initial == money(deposit)


def test_a_house_may_ask_for_more_but_not_for_less() -> None:
    # SEC: a house of 40 % asks 4,800 of 12,000.
    need = regt(100, "120.00", maintenance_long=Decimal("0.4")).requirement()
    assert need.maintenance == money(4800)
    assert figures(money(4000), need).maintenance_call == money(800)
    assert regt(100, "10.00", initial_long=Decimal(1)).requirement().initial == money(1000)
    with pytest.raises(ValueError, match="the rules ask"):
        StockTerms(maintenance_long=Decimal("0.2"))


def test_excess_and_buying_power() -> None:
    # 1,000 shares bought at 40 with 20,000, now at 50: excess equity 5,000 buys 10,000.
    got = figures(money(30_000), regt(1000, "50.00").requirement(), close_excess=money(17_500))
    assert got.excess == money(5000)
    assert got.buying_power == money(10_000)
    assert got.initial_call == got.maintenance_call == 0
    assert got.day_trading == money(70_000)
    # Investopedia: market value 7,000, debit 4,000: 500 below Regulation T, restricted.
    got = figures(money(3000), regt(700, "10.00").requirement())
    assert (got.excess, got.initial_call, got.buying_power) == (money(-500), money(500), 0)


def test_a_memorandum_never_falls_by_the_market_but_maintenance_bounds_it() -> None:
    # Bought 1,000 at 40 for 20,000; to 50 (excess 5,000), back to 40.
    sma = SpecialMemorandum()
    sma.mark(money(5000))
    sma.mark(0)
    assert sma.balance == money(5000)
    need = regt(1000, "40.00").requirement()
    assert figures(money(20_000), need, sma.balance).buying_power == money(10_000)
    # A fall to 27: equity 7,000 is 250 above the maintenance of 6,750, which buys 1,000.
    need = regt(1000, "27.00").requirement()
    assert figures(money(7000), need, sma.balance).buying_power == money(1000)
    sma.opened(money(3000))
    sma.closed(money(2000))
    sma.cash(money(-500))
    assert sma.balance == money(2500)


def test_no_price_no_requirement() -> None:
    model = RegTMargin()
    acme, other = Line(stock()).put(5, 0), line(stock("B"), 1, "10.00")
    model.add(acme)
    model.add(other)
    assert "ACME.X has no price" in model.requirement().problem
    assert "ACME.X has no price" in model.after(other, 1, 1, 2000).problem
    acme.put(5, 2000)
    model.touch(acme)
    assert model.requirement().problem == ""
    with pytest.raises(ValueError, match="already"):
        model.add(acme)
    with pytest.raises(ValueError, match="at most 9 decimals"):
        parts(Decimal("0.12345678901"))


LOTS = st.integers(-500, 500)
OPEN = st.integers(0, 300)
PRICE = st.integers(1, 20_000)


@given(
    st.lists(st.tuples(st.integers(0, 2), LOTS, PRICE, OPEN, OPEN, PRICE, PRICE), max_size=12),
    st.booleans(),
)
def test_changes_add_up_to_a_full_count(
    steps: list[tuple[int, int, int, int, int, int, int]], cash: bool
) -> None:
    def made() -> LineModel:
        return CashMargin() if cash else RegTMargin()

    model = made()
    lines = [Line(stock(name)).put(0, 2000) for name in "ABC"]
    for one in lines:
        model.add(one)
    for at, qty, price, buys, sells, buy, sell in steps:
        lines[at].put(qty, price, buys, sells, buys * buy, sells * sell)
        model.touch(lines[at])
    fresh = made()
    for one in lines:
        fresh.add(
            Line(one.instrument).put(
                one.qty, one.mark2, one.open_buy, one.open_sell, one.buy2, one.sell2
            )
        )
    assert model.requirement()[:3] == fresh.requirement()[:3]
    assert bool(model.requirement().problem) == bool(fresh.requirement().problem)


@given(LOTS, PRICE, OPEN, OPEN, st.sampled_from([1, -1]), st.integers(1, 300), PRICE)
def test_after_an_order_is_what_touch_makes_of_it(
    qty: int, price2: int, buys: int, sells: int, sign: int, more: int, limit: int
) -> None:
    model = RegTMargin()
    acme = Line(stock()).put(qty, price2, buys, sells, buys * price2, sells * price2)
    model.add(acme)
    said = model.after(acme, sign, more, 2 * limit)
    if sign > 0:
        acme.open_buy += more
        acme.buy2 += more * reckoned(1, 2 * limit, price2)
    else:
        acme.open_sell += more
        acme.sell2 += more * reckoned(-1, 2 * limit, price2)
    model.touch(acme)
    assert model.requirement() == said


@given(st.integers(-300, 300), PRICE, OPEN, OPEN, st.integers(0, 300), st.integers(0, 300))
def test_no_fill_of_working_orders_needs_more_than_was_reserved(
    qty: int, price2: int, buys: int, sells: int, bought: int, sold: int
) -> None:
    bought, sold = min(bought, buys), min(sold, sells)
    model = RegTMargin()
    acme = Line(stock()).put(qty, price2, buys, sells, buys * price2, sells * price2)
    model.add(acme)
    reserved = model.requirement()
    acme.put(qty + bought - sold, price2, buys - bought, sells - sold)
    model.touch(acme)
    now = model.requirement()
    assert now.initial <= reserved.initial
    assert now.maintenance <= reserved.maintenance


def test_ticks2_is_twice_the_price() -> None:
    assert ticks2(stock(), "1.25") == 250
