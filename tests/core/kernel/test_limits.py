"""Limits changed at run time: tighter at once, looser with a reason and after a delay."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec import structs

from core.model.enums import TradingState
from core.model.events import LimitUse
from core.model.inputs import LimitValue, Setup
from tests.core.kernel.driver import AAPL, BUY, FUT, SECOND, SELL, Driver


def use(d, name, scope="account", scope_id="P"):
    (found,) = [
        u
        for u in d.kernel.limit_uses(d.now)
        if (u.name, u.scope, u.scope_id) == (name, scope, scope_id)
    ]
    return found


def test_tighter_at_once():
    d = Driver()
    d.set_limit("max_order_qty", 5)
    (told,) = d.of(LimitUse)
    assert (told.limit, told.pending) == (Decimal(5), None)
    d.new(BUY, 6)
    assert d.denial().code == "MAX_ORDER_QTY"


def test_looser_needs_a_reason_and_waits():
    d = Driver(("max_order_qty", Decimal(5), "account", "P"))
    d.set_limit("max_order_qty", 10)
    assert d.refusal().code == "REASON_NEEDED"
    d.set_limit("max_order_qty", 10, reason="  ")
    assert d.refusal().code == "REASON_NEEDED"
    d.set_limit("max_order_qty", 10, reason="larger clips today")
    assert "in 30 s by ann: larger clips today" in d.notices()[0].text
    due = d.now + 30 * 10**9
    (told,) = d.of(LimitUse)
    assert (told.limit, told.pending, told.pending_at) == (Decimal(5), Decimal(10), due)
    d.tick(29.9)
    d.quote()
    d.new(BUY, 6)
    assert d.denial().code == "MAX_ORDER_QTY"
    d.wait(0.1)
    d.quote()
    assert "is 10 now" in d.notices()[0].text, "any later input puts it in force"
    d.new(BUY, 10)
    d.accepted()
    assert use(d, "max_order_qty").pending is None


def test_tightening_forgets_what_waits():
    d = Driver(("max_order_qty", Decimal(5), "account", "P"))
    d.set_limit("max_order_qty", 10, reason="x")
    d.set_limit("max_order_qty", 5)
    d.tick(31)
    assert use(d, "max_order_qty").limit == 5


def test_loosening_beyond_the_default_waits_too():
    d = Driver()
    d.set_limit("max_order_notional", 2_000_000, reason="x")
    assert use(d, "max_order_notional").limit == 1_000_000
    d.tick(30)
    assert use(d, "max_order_notional").limit == 2_000_000
    assert use(d, "max_order_notional", scope_id="Q").limit == 1_000_000


def test_default_of_all_accounts():
    d = Driver()
    d.set_limit("max_order_qty", 7, scope_id="")
    assert use(d, "max_order_qty").limit == 7
    assert use(d, "max_order_qty", scope_id="Q").limit == 7
    d.set_limit("max_order_qty", 9, scope_id="", reason="x")
    assert use(d, "max_order_qty").pending == 9


@pytest.mark.parametrize(
    ("name", "value", "scope", "scope_id"),
    [
        ("no_such", "1", "account", "P"),
        ("max_order_qty", "1", "galaxy", "P"),
        ("max_order_qty", "1.5", "account", "P"),
        ("max_order_qty", "-1", "account", "P"),
        ("max_order_qty", "NaN", "account", "P"),
        ("max_exposure", "Infinity", "account", "P"),
        ("max_exposure", "1E+40", "account", "P"),
        ("price_collar", "1E-40", "account", "P"),
        ("max_order_rate", "1", "instrument", AAPL.id),
        ("daily_loss", "1", "instrument", AAPL.id),
        ("max_order_qty", "1", "account", "nobody"),
        ("max_order_qty", "1", "instrument", "nothing"),
    ],
)
def test_wrong_limit_is_refused_with_a_sentence(name, value, scope, scope_id):
    d = Driver()
    before = d.kernel.limit_uses(d.now)
    d.set_limit(name, value, scope, scope_id)
    refused = d.refusal()
    assert refused.code == "BAD_LIMIT"
    assert refused.text.endswith(".")
    assert d.kernel.limit_uses(d.now) == before


def test_zero_blocks_everything():
    d = Driver()
    d.set_limit("max_open_orders", 0)
    d.new()
    assert d.denial().code == "MAX_OPEN_ORDERS"
    d = Driver()
    d.set_limit("max_order_rate", 0)
    d.new()
    assert d.denial().code == "RATE_LIMIT"
    d = Driver()
    d.set_limit("daily_loss", 0)
    assert d.account().state is TradingState.ACTIVE
    d.held(1, 20_010)
    assert d.account().state is TradingState.REDUCING


def test_tightened_daily_loss_works_at_once():
    d = Driver()
    d.held(100)
    d.quote(bid=19_900, ask=20_010)
    d.set_limit("daily_loss", 100)
    assert d.account().state is TradingState.REDUCING


def test_uses():
    d = Driver(
        ("max_position", Decimal(50), "account", "P"),
        ("max_open_orders", Decimal(9), "strategy", "S"),
        ("max_exposure", Decimal(90_000), "instrument", AAPL.id),
    )
    d.held(10)
    d.working(SELL, 25, strategy="S")
    d.working(BUY, 2, 19_000)
    d.quote(bid=19_900, ask=20_100)
    assert use(d, "max_position").used == 15
    assert use(d, "max_open_orders").used == 2
    assert use(d, "max_open_orders", "strategy", "S").used == 1
    assert use(d, "max_order_rate").used == 3
    assert use(d, "daily_loss").used == 10
    assert use(d, "daily_loss").unit == "USD"
    assert use(d, "max_exposure").used == 15 * 200
    assert use(d, "max_exposure", "instrument", AAPL.id).used == 15 * 200
    assert use(d, "price_collar").used == 0
    assert "reduce-only" in use(d, "daily_loss").action
    d.working(BUY, 1, 20_000, FUT)
    assert use(d, "max_exposure").used == 15 * 200 + 250_000
    d.wait(1)
    assert use(d, "max_order_rate").used == 0


def given(d, *limits, reason=""):
    """The settings as they are now, read anew."""
    setup = Setup(limits=tuple(LimitValue(*each) for each in limits), loosen_delay=30 * 10**9)
    news = d.kernel.wants(setup)
    assert news is not None
    d.apply(structs.replace(news, reason=reason))


class TestTakenOutOfTheSettings:
    SIZE = ("max_order_qty", Decimal(5), "account", "P")

    def test_it_is_lifted_after_the_delay(self):
        d = Driver(self.SIZE)
        given(d, reason="no need for it")
        assert use(d, "max_order_qty").limit == 5
        assert use(d, "max_order_qty").pending is None
        assert use(d, "max_order_qty").pending_at == d.now + 30 * 10**9
        d.restart()
        d.tick(29)
        d.quote()
        d.new(BUY, 6)
        assert d.denial().code == "MAX_ORDER_QTY"
        d.tick(2)
        assert d.notices()[0].text == "Order size limit of account P is lifted."
        d.quote()
        d.new(BUY, 6)
        d.accepted()
        assert not [u for u in d.kernel.limit_uses(d.now) if u.name == "max_order_qty"]

    def test_what_is_set_for_all_holds_again(self):
        d = Driver(self.SIZE, ("max_order_qty", Decimal(7), "account", ""))
        given(d, ("max_order_qty", Decimal(7), "account", ""), reason="as all others")
        d.tick(31)
        assert "is lifted; 7 holds now" in d.notices()[0].text
        d.quote()
        d.new(BUY, 8)
        assert d.denial().code == "MAX_ORDER_QTY"

    def test_what_is_tighter_for_all_holds_at_once(self):
        d = Driver(self.SIZE, ("max_order_qty", Decimal(3), "account", ""))
        given(d, ("max_order_qty", Decimal(3), "account", ""), reason="as all others")
        d.new(BUY, 4)
        assert d.denial().code == "MAX_ORDER_QTY"

    def test_put_back_before_it_is_lifted_it_stays(self):
        d = Driver(self.SIZE)
        given(d, reason="no need for it")
        given(d, self.SIZE, reason="a slip")
        d.tick(31)
        assert use(d, "max_order_qty").limit == 5
        assert use(d, "max_order_qty").pending_at == 0


def test_settings_that_were_read_anew_loosen_after_the_delay_too():
    d = Driver(("max_order_qty", Decimal(5), "account", "P"))
    looser = (LimitValue("max_order_qty", Decimal(9), "account", "P"),)
    d.apply(Setup(limits=looser, loosen_delay=30 * SECOND, reason="read anew"))
    d.new(BUY, 6)
    assert d.denial().code == "MAX_ORDER_QTY"
    d.tick(30)
    d.quote()
    d.new(BUY, 9)
    d.accepted()
