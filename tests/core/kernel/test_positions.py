"""Positions and cash against an independent reckoning with fractions."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from core.kernel.markets import Market
from core.kernel.positions import Account
from core.model.checks import money_units
from tests.core.kernel.driver import AAPL, BTC, BUY, FUT, SELL, Driver

fills = st.lists(
    st.tuples(st.sampled_from([1, -1]), st.integers(1, 10**6), st.integers(1, 10**4)), max_size=60
)


def holding():
    return Account("P", {}).holding(Market(AAPL, money_units(AAPL)))


@given(fills)
def test_cash_flow_identity_for_ever_and_cost_zero_when_flat(stream):
    h = holding()
    flow = qty = 0
    for sign, price, lots in stream:
        h.fill(sign, price, lots)
        flow -= sign * price * lots
        qty += sign * lots
        assert h.qty == qty == h.bought - h.sold
        assert h.realised - h.cost == flow
        assert h.cost == 0 or h.qty != 0
        assert h.cost * h.qty >= 0


@given(fills)
def test_average_cost_within_one_tick_lot_for_each_reduction(stream):
    h = holding()
    cost, qty, reductions = Fraction(0), 0, 0
    for sign, price, lots in stream:
        h.fill(sign, price, lots)
        if qty * sign >= 0:
            cost += sign * price * lots
        elif lots < abs(qty):
            cost -= cost * lots / abs(qty)
            reductions += 1
        else:
            cost = Fraction(sign * (lots - abs(qty)) * price)
            reductions = 0
        qty += sign * lots
        # Rounded up each time, so never more expensive to have closed than it was.
        assert 0 <= cost - h.cost <= reductions


def test_average_cost_by_hand():
    d = Driver()
    d.held(10, 20_000)
    d.held(10, 20_100)
    p = d.position()
    assert (p.qty, p.cost, p.realised) == (20, 401_000, 0)
    d.held(-5, 20_200)
    p = d.position()
    assert (p.qty, p.cost, p.realised) == (15, 300_750, 750)
    d.held(-20, 20_000)
    p = d.position()
    assert (p.qty, p.cost, p.realised) == (-5, -100_000, 0)
    assert (p.bought, p.sold) == (20, 25)
    d.held(5, 19_000)
    p = d.position()
    assert (p.qty, p.cost, p.realised) == (0, 0, 5_000)


def test_cash_with_fees_lot_and_multiplier():
    d = Driver()
    name = d.working(BUY, 3, 600_000, BTC)
    d.fill(name, 3, 600_001, fee=Decimal("0.0000125"), currency="BNB", venue="XCH")
    # 60,000.1 x 0.003
    assert d.account().cash == {
        "USD": Decimal(1_000_000),
        "EUR": Decimal("-180.0003"),
        "BNB": Decimal("-0.0000125"),
    }
    assert d.position(BTC).fees == 0, "a fee in other money is cash, not the instrument's"
    name = d.working(SELL, 1, 20_000, FUT)
    d.fill(name, 1, 20_000, fee=Decimal("-0.25"))
    assert d.account().cash["USD"] == Decimal(1_000_000) + 250_000 + Decimal("0.25")
    assert d.position(FUT).fees == Decimal("-0.25")


def test_fees_larger_than_any_float_are_exact():
    d = Driver()
    name = d.working(BUY, 2)
    fee = Decimal("123456789012345678.000000000000000000000001")
    d.fill(name, 1, fee=fee)
    d.fill(name, 1, fee=fee.copy_negate())
    assert d.account().cash["USD"] == Decimal("999600")
    assert d.order(name).fees == 0


def test_strategies_add_up_to_the_account():
    d = Driver()
    d.held(10, 20_000, strategy="S")
    d.held(-4, 20_050, strategy="R")
    d.held(-9, 20_010)
    d.held(2, 19_990, strategy="S")
    whole = d.position()
    parts = [d.position(strategy=name) for name in ("S", "R")]
    assert [p.qty for p in parts] == [12, -4]
    by_hand = [f for f in d.kernel.fills() if not f.strategy]
    assert whole.qty == sum(p.qty for p in parts) + sum(-f.qty for f in by_hand)
    manual_flow = sum(f.price * f.qty for f in by_hand)
    assert whole.realised - whole.cost == manual_flow + sum(p.realised - p.cost for p in parts)


def test_events_of_a_fill():
    d = Driver()
    name = d.working(strategy="S", trader="ann")
    d.fill(name, 4, 19_999, fee=Decimal("0.1"))
    kinds = [type(o).__name__ for o in d.out]
    assert kinds == ["OrderUpdate", "Fill", "Position", "Position", "AccountState"]
    update, fill, whole, part, account = d.out
    assert (update.last_qty, update.last_price, update.exec_id) == (4, 19_999, fill.exec_id)
    assert (fill.strategy, fill.trader, fill.position) == ("S", "ann", 4)
    assert (whole.strategy, part.strategy) == ("", "S")
    assert account.cash["USD"] == Decimal(1_000_000) - Decimal("799.96") - Decimal("0.1")
