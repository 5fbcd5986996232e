"""Controls 11 to 13, and the tiers: sizes, what a person may confirm, what is overridden.

Each class fails when its control is taken away. The order just inside a limit passes and the
next one does not: limits are inclusive.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.kernel.riskstate import LONGEST
from core.model.commands import (
    NewOrder,
    Override,
    ReplaceOrder,
)
from core.model.enums import (
    OrdType,
    Source,
)
from core.model.events import RiskDecision
from core.model.inputs import (
    Facts,
)
from tests.core.kernel.controls import limit, refused, with_policy
from tests.core.kernel.driver import AAPL, BTC, BUY, FUT, SECOND, SELL, Driver


class Test11MaxOrderQty:
    @pytest.mark.parametrize(
        ("scope", "scope_id"),
        [
            ("account", "P"),
            ("trader", "bob"),
            ("strategy", "S"),
            ("instrument", AAPL.id),
            ("class", "spot"),
        ],
    )
    def test_every_scope(self, scope, scope_id):
        d = Driver(limit("max_order_qty", 5000, scope, scope_id))
        name = d.new(BUY, 5001, 100, trader="bob", strategy="S")
        denied = refused(d, "MAX_ORDER_QTY")
        assert denied.text == (
            f"MAX_ORDER_QTY: limit=5000, value=5001, scope={scope}:{scope_id}, order={name}."
            " 5001 is more than the largest order of 5000. Make the order smaller."
        )
        d.new(BUY, 5000, 100, trader="bob", strategy="S")
        d.accepted()


class Test12MaxOrderNotional:
    def test_price_and_multiplier(self):
        d = Driver()
        d.new(BUY, 4, 20_001, FUT)
        refused(d, "MAX_ORDER_NOTIONAL", "limit=1000000, value=1000050")
        d.new(BUY, 4, 20_000, FUT)
        d.accepted()

    def test_in_the_currency_of_the_books(self):
        d = with_policy(Driver(), currency="USD", rates={"EUR": Decimal("1.25")})
        # 60,000 EUR a coin are 75,000 USD: 13 are 975,000.
        d.new(BUY, 13_000, 600_000, BTC)
        d.accepted()
        d.new(BUY, 13_334, 600_000, BTC)
        refused(d, "MAX_ORDER_NOTIONAL", "value=1000050", "1000050 USD, more than 1000000 USD")


class Test13MaxAdv:
    def test_order_open_and_traded_today(self):
        d = Driver(limit("max_adv", 10))
        d.apply(Facts(d.now, volumes={AAPL.id: 1000}))
        d.held(40)
        d.new(BUY, 30)
        d.accepted()
        d.new(BUY, 31)
        refused(d, "MAX_ADV_PARTICIPATION", "limit=10 %, value=10.10 %")
        d.new(BUY, 30)
        d.accepted()
        d.tick(1, "Wednesday")
        d.new(BUY, 40)
        d.accepted()

    def test_unknown_volume_refuses_unless_it_reduces(self):
        d = Driver()
        d.held(10)
        d.set_limit("max_adv", 10)
        d.new(BUY, 1)
        refused(d, "MAX_ADV_PARTICIPATION", "not known")
        d.new(SELL, 10)
        d.accepted()


class TestTiers:
    def test_a_soft_limit_asks_a_person_and_stops_everyone_else(self):
        d = Driver(limit("confirm_order_notional", 10_000), limit("max_order_notional", 20_000))
        d.new(BUY, 51)
        refused(d, "MAX_ORDER_NOTIONAL", "limit=10000, value=10200", "Confirm it")
        d.new(BUY, 50)
        d.accepted()
        d.new(BUY, 51, confirmed=("MAX_ORDER_NOTIONAL",))
        d.accepted()
        d.new(BUY, 101, confirmed=("MAX_ORDER_NOTIONAL",))
        denied = refused(d, "MAX_ORDER_NOTIONAL", "limit=20000")
        assert "Make the order smaller" in denied.text
        d.new(BUY, 51, source=Source.STRATEGY, confirmed=("MAX_ORDER_NOTIONAL",))
        refused(d, "MAX_ORDER_NOTIONAL")

    def test_soft_collar(self):
        for side, edge in ((BUY, 20_200), (SELL, 19_800)):
            d = Driver(limit("confirm_price_collar", 1))
            d.new(side, 1, edge)
            d.accepted()
            d.new(side, 1, edge + side.sign)
            refused(d, "PRICE_COLLAR", "limit=1 %", "Confirm it")
        d = Driver(limit("confirm_price_collar", 1))
        d.new(BUY, 1, 20_201)
        refused(d, "PRICE_COLLAR", "limit=1 %", "Confirm it")
        d.new(BUY, 1, 20_201, confirmed=("PRICE_COLLAR",))
        d.accepted()
        d.new(BUY, 1, 21_001, confirmed=("PRICE_COLLAR",))
        refused(d, "PRICE_COLLAR", "limit=5 %")

    def test_what_cannot_be_confirmed_is_said_first(self):
        d = Driver(limit("max_duplicates", 1), limit("max_open_orders", 1))
        d.new(BUY, 1)
        d.new(BUY, 1)
        refused(d, "MAX_OPEN_ORDERS")

    def test_preview_tells_them_apart(self):
        d = Driver(limit("confirm_order_notional", 10_000))
        found = d.kernel.preview(NewOrder("X", "P", AAPL.id, BUY, OrdType.LIMIT, 51, 20_000), d.now)
        assert [(v.code, v.hard) for v in found] == [("MAX_ORDER_NOTIONAL", False)]

    def test_a_change_may_be_confirmed_too(self):
        d = Driver(limit("confirm_order_notional", 10_000))
        name = d.working(BUY, 10)
        d.replace(name, 60, 20_000)
        assert d.refusal().code == "MAX_ORDER_NOTIONAL"
        d.apply(ReplaceOrder(d.name(), name, 60, 20_000, confirmed=("MAX_ORDER_NOTIONAL",)))
        assert d.replaces()


class TestOverride:
    def grant(self, d, order="BIG", codes=("MAX_ORDER_QTY",), seconds=60, **more):
        more.setdefault("reason", "client block")
        more.setdefault("again", more["reason"])
        d.apply(
            Override(
                d.name(), order, tuple(codes), d.now + int(seconds * SECOND), trader="ann", **more
            )
        )

    def test_one_order_until_it_expires(self):
        d = Driver(limit("max_order_qty", 5))
        self.grant(d)
        assert "by ann: client block" in d.notices()[0].text
        d.new(BUY, 6)
        refused(d, "MAX_ORDER_QTY")
        d.new(BUY, 6, id="BIG", confirmed=())
        d.accepted()
        (told,) = d.of(RiskDecision)
        assert (told.action, told.code, told.order) == ("overridden", "MAX_ORDER_QTY", "BIG")
        d.new(BUY, 6)
        refused(d, "MAX_ORDER_QTY")
        self.grant(d, "LAST", seconds=1)
        d.wait(1)
        d.new(BUY, 6, id="LAST")
        d.accepted()
        self.grant(d, "LATE", seconds=1)
        d.wait(1.1)
        d.new(BUY, 6, id="LATE")
        refused(d, "MAX_ORDER_QTY")

    def test_only_what_is_named(self):
        d = Driver(limit("max_order_qty", 5), limit("max_position", 5))
        self.grant(d)
        d.new(BUY, 6, id="BIG")
        refused(d, "MAX_POSITION")

    @pytest.mark.parametrize(
        "more",
        [
            {"codes": ("TRADING_HALTED",)},
            {"codes": ("DAILY_LOSS_LIMIT",)},
            {"codes": ()},
            {"seconds": 0},
            {"seconds": LONGEST / SECOND + 1},
            {"reason": " "},
            {"reason": "block", "again": "blocks"},
            {"second": "ann"},
            {"order": ""},
        ],
    )
    def test_what_cannot_be(self, more):
        d = Driver()
        self.grant(d, **more)
        assert d.refusal().code == "BAD_OVERRIDE"
        assert d.refusal().text.endswith(".")

    def test_two_persons_need_no_second_typing(self):
        d = Driver(limit("max_order_qty", 5))
        self.grant(d, again="", second="sue")
        assert "ann and sue" in d.notices()[0].text
        d.new(BUY, 6, id="BIG")
        d.accepted()
