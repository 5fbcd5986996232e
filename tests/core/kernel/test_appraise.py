"""What an order would cost and need, asked before it is sent."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from core.model.commands import NewOrder
from core.model.enums import OrdType
from core.model.inputs import MarginSetup, Setup
from tests.core.kernel.controls import limit, with_policy
from tests.core.kernel.driver import AAPL, BTC, BUY, SELL, Driver

WIDE = (limit("max_order_notional", 10**9), limit("max_exposure", 10**9))


def asked(d, side=BUY, qty=10, price=20_000, instrument=AAPL, kind=OrdType.LIMIT, **more):
    order = NewOrder("", "P", instrument.id, side, kind, qty, price, **more)
    digest = d.kernel.digest()
    found = d.kernel.appraise(order, d.now)
    assert d.kernel.digest() == digest, "a question changes nothing"
    return found


def test_value_fee_and_margin():
    d = with_policy(Driver(*WIDE), margins=(MarginSetup("P", "reg_t"),))
    d.held(100)
    found = asked(d, qty=50)
    assert not found.violations
    assert (found.unit, found.rate) == ("USD", 1)
    assert (found.value, found.fee) == (10_000, 0)
    assert found.equity == 999_990, "what is held at the bid"
    assert (found.margin, found.margin_after) == (10_000, 15_000)
    d.new(BUY, 50)
    assert (asked(d, qty=50).margin, asked(d, qty=50).margin_after) == (15_000, 20_000)
    # What a sale gives back, and what is not margined at all.
    assert asked(d, SELL, 100).margin_after == 15_000
    assert asked(Driver(*WIDE)).margin is None


def test_it_says_what_the_gate_would():
    d = with_policy(Driver(*WIDE), margins=(MarginSetup("P", "cash"),))
    found = asked(d, qty=5001)
    assert [v.code for v in found.violations] == ["INSUFFICIENT_BUYING_POWER"]
    assert found.margin_after == Decimal(1_000_200)
    assert not asked(d, qty=5000).violations


def test_fees_of_makers_and_takers_and_other_currencies():
    d = Driver(*WIDE)
    paid = replace(BTC, maker_fee=Decimal("0.001"), taker_fee=Decimal("0.002"))
    d.apply(Setup((paid,)))
    with_policy(d, currency="USD", rates={"EUR": Decimal("1.25")})
    found = asked(d, qty=1000, price=600_000, instrument=BTC)  # 60,000 EUR
    assert (found.unit, found.rate) == ("USD", Decimal("1.25"))
    assert (found.value, found.fee) == (75_000, 150)
    found = asked(d, qty=1000, price=600_000, instrument=BTC, post_only=True)
    assert found.fee == 75
    found = asked(d, qty=1000, price=0, instrument=BTC, kind=OrdType.MARKET)
    assert found.value == Decimal("75001.25"), "at the ask"


def test_what_is_not_known_is_not_zero():
    d = Driver(*WIDE, quoted=False)
    with_policy(d, currency="USD", margins=(MarginSetup("P", "reg_t"),))
    found = asked(d, price=0, kind=OrdType.MARKET)
    assert (found.value, found.fee, found.margin_after) == (None, None, None)
    found = asked(d, price=600_000, instrument=BTC)
    assert (found.rate, found.value, found.margin) == (None, None, None)
    assert "NO_FX_RATE" in [v.code for v in asked_quoted(d).violations]
    nowhere = NewOrder("", "P", "X.Y", BUY, OrdType.LIMIT, 1, 1)
    assert d.kernel.appraise(nowhere, d.now).violations[0].code == "UNKNOWN_INSTRUMENT"


def asked_quoted(d):
    d.quote(BTC, 599_990, 600_010)
    return asked(d, price=600_000, instrument=BTC)
