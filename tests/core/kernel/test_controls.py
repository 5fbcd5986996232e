"""The controls by their numbers: each class fails when its control is taken away.

The order just inside a limit passes and the next one does not: limits are inclusive.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from core.kernel.riskstate import LONGEST
from core.model.commands import (
    Kill,
    NewOrder,
    Override,
    ReplaceOrder,
    SetRestriction,
    SetTradingState,
)
from core.model.contracts import Contract
from core.model.enums import (
    MarketStatus,
    OrdStatus,
    OrdType,
    Side,
    Source,
    TimeInForce,
    TradingState,
)
from core.model.events import RiskDecision
from core.model.inputs import (
    AccountSetup,
    Covariance,
    Facts,
    Following,
    MarginSetup,
    Permission,
    Policy,
    Restriction,
    Setup,
)
from core.model.limits import LIMIT_KINDS, SCOPES
from core.model.requests import VenueCancel, VenueNew
from tests.core.kernel.driver import AAPL, BTC, BUY, FUT, SECOND, SELL, START, Driver


def limit(name, value, scope="account", scope_id="P"):
    return (name, Decimal(value), scope, scope_id)


def with_policy(d, **more):
    d.apply(Setup(loosen_delay=30 * SECOND, policy=Policy(**more)))
    assert not d.notices(), d.notices()
    return d


def refused(d, code, *words):
    denied = d.denial()
    assert denied.code == code, denied.text
    assert denied.text.startswith(f"{code}: ")
    assert f"order={denied.cl_ord_id}. " in denied.text
    for word in words:
        assert word in denied.text
    return denied


def state_of(d, state, scope, scope_id, account="", reason="test"):
    name = d.name()
    d.apply(
        SetTradingState(name, account, state, reason, trader="sue", scope=scope, scope_id=scope_id)
    )
    return name


class Test01TradingHalted:
    def test_account(self):
        d = Driver()
        name = d.working()
        d.halt()
        d.new()
        refused(d, "TRADING_HALTED", "scope=account:P", "by ann: test", "Cancels still work")
        d.replace(name, 5, 19_000)
        assert d.refusal().code == "TRADING_HALTED"
        d.cancel(name)
        assert len(d.cancels()) == 1

    @pytest.mark.parametrize(
        ("scope", "scope_id"), [("strategy", "S"), ("trader", "bob"), ("venue", "SIM")]
    )
    def test_strategy_trader_and_venue(self, scope, scope_id):
        d = Driver()
        name = d.working(strategy="S", trader="bob")
        state_of(d, TradingState.HALTED, scope, scope_id)
        d.new(strategy="S", trader="bob")
        refused(d, "TRADING_HALTED", f"scope={scope}:{scope_id}", "by sue: test")
        d.cancel(name)
        assert len(d.cancels()) == 1
        if scope == "venue":
            d.new(instrument=BTC, price=600_000, strategy="S", trader="bob")
        else:
            d.new(strategy="R", trader="eve")
        d.accepted()
        state_of(d, TradingState.ACTIVE, scope, scope_id)
        d.new(strategy="S", trader="bob")
        d.accepted()


class Test02ReduceOnly:
    def test_account_must_reduce_and_not_cross_zero(self):
        d = Driver()
        d.held(10)
        d.set_state(TradingState.REDUCING)
        d.new(SELL, 11)
        refused(d, "REDUCE_ONLY_MODE", "limit=10, value=-1")
        d.new(BUY, 1)
        refused(d, "REDUCE_ONLY_MODE")
        d.new(SELL, 10)
        d.accepted()

    @pytest.mark.parametrize(("scope", "more"), [("strategy", "S"), ("trader", "bob")])
    def test_strategy_and_trader_reduce_what_they_hold_themselves(self, scope, more):
        d = Driver()
        d.held(10)
        d.held(4, **{scope: more})
        state_of(d, TradingState.REDUCING, scope, more)
        d.new(SELL, 5, **{scope: more})
        refused(d, "REDUCE_ONLY_MODE", f"scope={scope}:{more}")
        d.new(SELL, 4, **{scope: more})
        d.accepted()
        d.new(BUY, 1)
        d.accepted()

    def test_venue(self):
        d = Driver()
        state_of(d, TradingState.REDUCING, "venue", "SIM")
        d.new()
        refused(d, "REDUCE_ONLY_MODE", "Venue SIM")


class Test03NotPermitted:
    def test_one_permission_must_fit(self):
        d = with_policy(
            Driver(),
            permissions=(
                Permission("ann", "", "P", AAPL.id, "", (OrdType.LIMIT,)),
                Permission("", "S", "P", "", "spot"),
            ),
        )
        d.new(trader="ann")
        d.accepted()
        d.new(trader="ann", price=0)
        refused(d, "NOT_PERMITTED", "ann may not trade AAPL.SIM on P", "MARKET", "scope=trader:ann")
        d.new(trader="ann", instrument=FUT, qty=1)
        refused(d, "NOT_PERMITTED")
        d.new(trader="ann", account="Q")
        refused(d, "NOT_PERMITTED")
        d.new(trader="bob")
        refused(d, "NOT_PERMITTED")
        d.new(trader="", strategy="S", price=0)
        d.accepted()
        d.new(strategy="R")
        refused(d, "NOT_PERMITTED", "scope=strategy:R")

    def test_an_empty_table_permits_all(self):
        d = with_policy(Driver())
        d.new(trader="bob")
        d.accepted()


class Test04Restricted:
    def test_list_of_the_settings(self):
        d = with_policy(
            Driver(), restricted=(Restriction(AAPL.id, "research tomorrow", "2026-11-20"),)
        )
        d.new()
        refused(
            d,
            "RESTRICTED_INSTRUMENT",
            "since 2026-11-20: research tomorrow",
            f"instrument:{AAPL.id}",
        )
        d.new(instrument=FUT, qty=1)
        d.accepted()
        with_policy(d)
        d.new()
        d.accepted()

    def test_put_on_and_taken_off_at_run_time(self):
        d = Driver()
        d.held(5)
        d.apply(SetRestriction(d.name(), AAPL.id, True, "", "sue"))
        assert d.refusal().code == "REASON_NEEDED"
        d.apply(SetRestriction(d.name(), AAPL.id, True, "inside information", "sue"))
        assert "by sue: inside information" in d.notices()[0].text
        d.new(SELL, 5)
        refused(d, "RESTRICTED_INSTRUMENT", "inside information")
        d.flatten()
        assert len(d.sent()) == 1, "an emergency close goes on"
        d.apply(SetRestriction(d.name(), AAPL.id, False, "published", "sue"))
        d.canceled(d.kernel.working()[-1].cl_ord_id)
        d.new(BUY, 1, account="Q")
        d.accepted()
        d.apply(SetRestriction(d.name(), AAPL.id, False, "again", "sue"))
        assert d.refusal().code == "NOT_RESTRICTED"


class Test05UnknownOrNotTradable:
    def test_unknown(self):
        d = Driver()
        d.new(instrument=msgspec.structs.replace(AAPL, id="NO.SIM"))
        refused(d, "UNKNOWN_INSTRUMENT")

    @pytest.mark.parametrize("status", [MarketStatus.HALTED, MarketStatus.CLOSED])
    def test_status(self, status):
        d = Driver()
        d.status(status)
        d.new()
        refused(d, "NOT_TRADABLE", status.value)

    def test_expired(self):
        d = Driver()
        gone = msgspec.structs.replace(
            FUT, id="GONE.SIM", contract=Contract("FUT", expiry=START + 10 * SECOND)
        )
        d.apply(Setup((gone,), loosen_delay=30 * SECOND))
        d.quote(gone, 19_999, 20_001)
        d.new(instrument=gone, qty=1)
        d.accepted()
        d.wait(10)
        d.quote(gone, 19_999, 20_001)
        d.new(instrument=gone, qty=1)
        refused(d, "NOT_TRADABLE", "GONE.SIM is expired now")


class Test06InvalidQtyOrPrice:
    @pytest.mark.parametrize("qty", [0, -1, 1_000_001])
    def test_quantity(self, qty):
        d = Driver()
        d.new(qty=qty)
        refused(d, "INVALID_QTY")

    @pytest.mark.parametrize("price", [-5, 2**31 - 1])
    def test_price(self, price):
        d = Driver()
        d.new(price=price)
        refused(d, "INVALID_PRICE")


class Test07PriceTickAndQtyStep:
    def test_off_the_grid_cannot_even_be_said(self):
        """Prices and quantities are whole ticks and lots; decimals are turned into them exactly."""
        from core.model.numbers import NotExactError

        with pytest.raises(NotExactError, match=r"200\.005 is not a multiple of 0\.01"):
            AAPL.ticks(Decimal("200.005"))
        with pytest.raises(NotExactError, match=r"0\.0005 is not a multiple of 0\.001"):
            BTC.lots(Decimal("0.0005"))


class Test08ExpireTimeAndTif:
    GOOD = msgspec.structs.replace(AAPL, id="GTD.SIM", tifs=(TimeInForce.GTD, TimeInForce.GTC))

    def test_past(self):
        d = Driver()
        d.apply(Setup((self.GOOD,), loosen_delay=30 * SECOND))
        d.quote(self.GOOD)
        more = {"instrument": self.GOOD, "tif": TimeInForce.GTD}
        d.new(expire=d.now, **more)
        refused(d, "EXPIRE_TIME_IN_PAST", "before now")
        d.new(expire=0, **more)
        refused(d, "BAD_TIF")
        d.new(expire=d.now + 1, **more)
        d.accepted()


class Test09StaleCrossedLocked:
    def test_no_price(self):
        d = Driver(quoted=False)
        d.new()
        refused(d, "NO_REFERENCE_PRICE")

    def test_old(self):
        d = Driver()
        d.wait(5)
        d.new()
        d.accepted()
        d.wait(0.1)
        d.new()
        refused(d, "STALE_MARKET_DATA", "limit=5, value=5.1", "5.1 s old (limit 5 s)")

    def test_crossed(self):
        d = Driver()
        d.quote(bid=20_010, ask=19_990)
        d.new()
        refused(d, "NO_REFERENCE_PRICE", "crossed")

    def test_locked_for_too_long(self):
        d = Driver()
        d.held(5)
        d.quote(bid=20_000, ask=20_000)
        d.wait(5)
        d.quote(bid=20_000, ask=20_000)
        d.new()
        d.accepted()
        d.wait(0.5)
        d.quote(bid=20_000, ask=20_000)
        d.new()
        refused(d, "STALE_MARKET_DATA", "equal for 5.5 s (limit 5 s)")
        d.new(SELL, 5)
        d.accepted()
        d.quote(bid=19_990, ask=20_010)
        d.new()
        d.accepted()


class Test10PriceCollar:
    def test_both_sides(self):
        d = Driver()
        d.new(BUY, 1, 21_001)
        refused(d, "PRICE_COLLAR", "limit=5 %, value=5.00 %", "scope=account:P")
        d.new(BUY, 1, 21_000)
        d.accepted()
        d.new(SELL, 1, 18_999)
        refused(d, "PRICE_COLLAR")
        d.new(SELL, 1, 19_000)
        d.accepted()

    def test_reference_is_the_mid_or_the_last(self):
        d = Driver(limit("window_collar", 1000))
        d.trade(AAPL, 21_000)
        d.new(BUY, 1, 21_500)
        refused(d, "PRICE_COLLAR", "reference 200.00")
        with_policy(d, by_last=True)
        d.new(BUY, 1, 22_050)
        d.accepted()
        d.new(BUY, 1, 22_051)
        refused(d, "PRICE_COLLAR", "reference 210.00")

    def test_window(self):
        d = Driver(limit("price_collar", 50), limit("window_collar", 10))
        d.wait(60)
        d.quote(bid=21_990, ask=22_010)
        d.new(BUY, 1, 22_001)
        refused(d, "PRICE_COLLAR", "limit=10 %", "price of five minutes ago, 200.00")
        d.new(BUY, 1, 22_000)
        d.accepted()
        d.wait(299)
        d.quote(bid=21_990, ask=22_010)
        d.new(SELL, 1, 17_999)
        refused(d, "PRICE_COLLAR")
        d.wait(2)
        d.quote(bid=21_990, ask=22_010)
        d.new(BUY, 1, 24_200)
        d.accepted()

    def test_trigger_and_limit_of_stops(self):
        d = Driver()
        every = msgspec.structs.replace(AAPL, id="EVERY.SIM", order_types=tuple(OrdType))
        d.apply(Setup((every,), loosen_delay=30 * SECOND))
        d.quote(every)
        more = {"instrument": every, "qty": 1, "side": BUY}
        d.new(kind=OrdType.STOP, price=0, stop_price=21_001, **more)
        refused(d, "PRICE_COLLAR")
        d.new(kind=OrdType.STOP_LIMIT, price=21_100, stop_price=21_001, **more)
        refused(d, "PRICE_COLLAR", "Price 210.01")
        d.new(kind=OrdType.STOP_LIMIT, price=21_900, stop_price=20_500, **more)
        refused(d, "PRICE_COLLAR", "Price 219.00")
        d.new(kind=OrdType.STOP_LIMIT, price=20_600, stop_price=20_500, **more)
        d.accepted()


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


class Test14RateLimit:
    @pytest.mark.parametrize(
        ("scope", "scope_id"),
        [("account", "P"), ("trader", "bob"), ("strategy", "S"), ("venue", "SIM")],
    )
    def test_orders_in_a_sliding_second(self, scope, scope_id):
        d = Driver(limit("max_order_rate", 5, scope, scope_id))
        more = {"trader": "bob", "strategy": "S"}
        for _ in range(5):
            d.new(**more)
            d.accepted()
            d.wait(0.1)
        d.new(**more)
        refused(d, "RATE_LIMIT", "limit=5, value=6", f"scope={scope}:{scope_id}", "Order 6")
        d.wait(0.5)
        d.new(**more)
        d.accepted()

    def test_changes_have_their_own_and_cancels_none(self):
        d = Driver(limit("max_change_rate", 2, "venue", "SIM"))
        name = d.working(BUY, 10)
        d.replace(name, 9, 20_000)
        d.replace(name, 8, 20_000)
        assert d.replaces()
        d.replace(name, 7, 20_000)
        assert d.refusal().code == "RATE_LIMIT"
        assert "Change 3" in d.refusal().text
        d.new()
        d.accepted()
        d.cancel(name)
        assert d.cancels()


class Test15MessageBudget:
    def test_a_second(self):
        d = Driver(limit("max_messages", 3, "venue", "SIM"))
        name = d.working()
        d.replace(name, 5, 20_000)
        d.cancel(name)
        assert d.cancels()
        d.new()
        refused(d, "MESSAGE_BUDGET", "limit=3, value=4", "scope=venue:SIM")
        d.new(instrument=BTC, price=600_000)
        d.accepted()
        d.wait(1)
        d.new()
        d.accepted()

    def test_cancels_count_and_are_never_refused(self):
        d = Driver(limit("max_messages", 2, "venue", "SIM"))
        one, two = d.working(), d.working()
        d.cancel(one)
        assert d.cancels()
        d.cancel(two)
        assert d.cancels()

    def test_a_day(self):
        d = Driver(limit("max_messages_day", 2, "venue", "SIM"))
        d.tick(0, "Tuesday")
        d.new()
        d.wait(5)
        d.new()
        d.accepted()
        d.new()
        refused(d, "MESSAGE_BUDGET", "2 messages went to SIM today")
        d.tick(0, "Wednesday")
        d.new()
        d.accepted()

    def test_messages_for_each_trade(self):
        d = Driver(limit("max_order_trade_ratio", 50, "venue", "SIM"), limit("max_order_rate", 999))
        for _ in range(50):
            d.cancel(d.working())
            d.canceled(d.kernel.working()[-1].cl_ord_id)
        d.new()
        refused(d, "MESSAGE_BUDGET", "101 messages to SIM for 0 trades", "limit=50")
        d.set_limit("max_order_trade_ratio", 200, "venue", "SIM", reason="a quiet day")
        d.tick(30)
        d.quote()
        d.held(1)
        d.set_limit("max_order_trade_ratio", 50, "venue", "SIM")
        d.new()
        refused(d, "MESSAGE_BUDGET", "102 messages to SIM for 1 trades")


class Test16Duplicates:
    def test_the_third_alike_within_a_second(self):
        d = Driver(limit("max_duplicates", 2))
        d.new(source=Source.API)
        d.new(source=Source.API)
        d.accepted()
        d.new(source=Source.API)
        refused(d, "DUPLICATE_ORDER", "limit=2, value=3", "order 3 of its kind")
        for other in (
            {"qty": 11},
            {"price": 20_001},
            {"side": SELL},
            {"instrument": FUT, "qty": 1},
        ):
            d.new(source=Source.API, **other)
            if other.get("side") is not SELL:
                d.accepted()
        d.wait(1)
        d.new(source=Source.API)
        d.accepted()

    def test_a_person_may_confirm_it_and_that_is_on_record(self):
        d = Driver(limit("max_duplicates", 1))
        d.new(confirmed=())
        d.accepted()
        d.new(confirmed=())
        refused(d, "DUPLICATE_ORDER", "Confirm it")
        d.new(confirmed=("DUPLICATE_ORDER",), trader="ann")
        d.accepted()
        (told,) = d.of(RiskDecision)
        assert (told.action, told.code, told.trader) == ("confirmed", "DUPLICATE_ORDER", "ann")

    def test_a_strategy_may_not(self):
        d = Driver(limit("max_duplicates", 1))
        for _ in range(2):
            d.new(confirmed=("DUPLICATE_ORDER",), source=Source.STRATEGY, strategy="S")
        refused(d, "DUPLICATE_ORDER")


class Test17DuplicateClientId:
    def test_never_again(self):
        d = Driver(keep=1)
        name = d.working(id="X-1")
        d.canceled(name)
        for _ in range(5):
            d.canceled(d.working())
        assert d.order("X-1") is None
        d.new(id="X-1")
        assert d.refusal().code == "DUPLICATE_CLIENT_ID"
        assert not d.sent()


class Test18RepeatedExecution:
    def test_latches_the_strategy_off_until_a_person_lets_it_go_on(self):
        d = Driver(limit("max_repeats", 3, "strategy", "S"))
        waiting = d.working(BUY, 1, 19_000, strategy="S")
        for _ in range(2):
            d.held(1, strategy="S")
            d.wait(1)
            d.quote()
        d.new(BUY, 1, strategy="S")
        d.accepted()
        d.fill(d.kernel.working()[-1].cl_ord_id, 1)
        assert [c.order.cl_ord_id for c in d.cancels()] == [waiting]
        assert any("Strategy S is stopped" in n.text for n in d.notices())
        d.wait(3600)
        d.quote()
        d.new(BUY, 1, strategy="S")
        refused(d, "REPEATED_EXECUTION_THROTTLE", "scope=strategy:S", "3 of its orders traded")
        d.new(BUY, 1)
        d.accepted()
        state_of(d, TradingState.ACTIVE, "strategy", "S", reason="")
        assert d.refusal().code == "REASON_NEEDED"
        state_of(d, TradingState.ACTIVE, "strategy", "S", reason="looked at it")
        d.new(BUY, 1, strategy="S")
        d.accepted()

    def test_several_fills_of_one_order_are_one(self):
        d = Driver(limit("max_repeats", 2, "strategy", "S"))
        name = d.working(BUY, 5, strategy="S")
        for _ in range(4):
            d.fill(name, 1)
        d.new(BUY, 1, strategy="S")
        d.accepted()


class Test19SelfTrade:
    def test_any_strategy_of_the_account(self):
        d = Driver()
        d.working(SELL, 5, 20_000, strategy="S")
        d.new(BUY, 1, 20_000, confirmed=())
        refused(d, "SELF_TRADE", "your own sell of 5 at 200.00")
        d.new(BUY, 1, 0, confirmed=())
        refused(d, "SELF_TRADE")
        d.new(BUY, 1, 19_999, confirmed=())
        d.accepted()
        d.new(BUY, 1, 20_000, confirmed=(), post_only=True)
        d.accepted()
        d.new(BUY, 1, 20_000, confirmed=(), account="Q")
        d.accepted()

    def test_a_market_order_meets_ours_only_behind_what_stands_before_it(self):
        d = Driver()
        d.working(SELL, 5, 20_020)
        d.quote(ask=20_010, qty=100)
        d.new(BUY, 100, 0, confirmed=())
        d.accepted()
        d.new(BUY, 101, 0, confirmed=())
        refused(d, "SELF_TRADE", "your own sell of 5 at 200.20")
        d.quote(bid=19_990, ask=0)
        d.new(BUY, 1, 0, confirmed=())
        refused(d, "SELF_TRADE")
        d.working(BUY, 5, 19_980)
        d.quote()
        d.new(SELL, 100, 0, confirmed=())
        d.accepted()
        d.new(SELL, 101, 0, confirmed=())
        refused(d, "SELF_TRADE", "your own buy of 5 at 199.80")

    def test_the_best_of_many_and_where_a_change_may_have_put_it(self):
        d = Driver()
        names = [d.working(SELL, 1, 20_000 + n, confirmed=()) for n in (5, 1, 9)]
        d.new(BUY, 1, 20_001, confirmed=())
        refused(d, "SELF_TRADE", "at 200.01")
        d.canceled(names[1])
        d.new(BUY, 1, 20_004, confirmed=())
        d.accepted()
        d.canceled(d.kernel.working()[-1].cl_ord_id)
        d.replace(names[2], 1, 20_002)
        d.new(BUY, 1, 20_002, confirmed=())
        refused(d, "SELF_TRADE", "at 200.02")

    def test_cancel_the_old_one_instead(self):
        d = with_policy(Driver(), cancel_own=True)
        old = d.working(SELL, 5, 20_000)
        d.working(SELL, 5, 20_100)
        d.new(BUY, 1, 20_050, confirmed=())
        kinds = [type(o) for o in d.out if isinstance(o, VenueNew | VenueCancel)]
        assert kinds == [VenueCancel, VenueNew]
        assert [c.order.cl_ord_id for c in d.cancels()] == [old]


class Test20MaxOpenOrders:
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
        d = Driver(limit("max_open_orders", 2, scope, scope_id))
        more = {"trader": "bob", "strategy": "S"}
        first = d.working(**more)
        d.working(**more)
        d.new(**more)
        refused(d, "MAX_OPEN_ORDERS", "limit=2, value=3", f"scope={scope}:{scope_id}")
        d.canceled(first)
        d.new(**more)
        d.accepted()


class Test21MaxPosition:
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
    def test_worst_case_of_each_side(self, scope, scope_id):
        d = Driver(limit("max_position", 100, scope, scope_id))
        more = {"trader": "bob", "strategy": "S"}
        d.held(40, **more)
        d.new(BUY, 50, **more)
        d.accepted()
        d.new(BUY, 11, **more)
        refused(d, "MAX_POSITION", "limit=100, value=101", f"scope={scope}:{scope_id}")
        d.new(SELL, 141, **more)
        refused(d, "MAX_POSITION", "short 101")
        d.new(SELL, 140, **more)
        d.accepted()
        d.new(BUY, 10, **more)
        d.accepted()


class Test22Exposure:
    @pytest.mark.parametrize(
        ("scope", "scope_id"),
        [
            ("account", "P"),
            ("trader", "bob"),
            ("strategy", "S"),
            ("instrument", AAPL.id),
            ("class", "spot"),
            ("sector", "tech"),
            ("currency", "USD"),
        ],
    )
    def test_gross(self, scope, scope_id):
        d = Driver(limit("max_exposure", 10_000, scope, scope_id))
        with_policy(d, sectors={AAPL.id: "tech"})
        more = {"trader": "bob", "strategy": "S"}
        d.held(20, **more)
        d.new(BUY, 30, **more)
        d.accepted()
        code = {"sector": "MAX_SECTOR_EXPOSURE", "currency": "MAX_CURRENCY_EXPOSURE"}.get(
            scope, "MAX_GROSS_EXPOSURE"
        )
        d.new(BUY, 1, **more)
        refused(d, code, "limit=10000, value=10200", f"scope={scope}:{scope_id}")
        d.new(SELL, 20, **more)
        d.accepted()

    def test_groups_add_up_over_instruments(self):
        d = Driver(
            limit("max_exposure", 800_000, "sector", "all"),
            limit("max_open_orders", 1, "class", "x"),
        )
        with_policy(d, sectors={AAPL.id: "all", FUT.id: "all"})
        d.held(2500)  # 500,000
        d.new(BUY, 2, 20_000, FUT)  # 500,000
        refused(d, "MAX_SECTOR_EXPOSURE", "value=1000000")
        d.new(BUY, 1, 20_000, FUT)
        d.accepted()
        d.new(BUY, 1, 20_000, AAPL)
        d.accepted()

    @pytest.mark.parametrize(
        ("scope", "scope_id"), [("account", "P"), ("trader", "bob"), ("strategy", "S")]
    )
    def test_net(self, scope, scope_id):
        d = Driver()
        more = {"trader": "bob", "strategy": "S"}
        d.held(-1000, **more)
        d.set_limit("max_net_exposure", 100_000, scope, scope_id)
        d.new(BUY, 1, 20_000, FUT, **more)  # 250,000 against 200,000 short
        d.accepted()
        d.new(BUY, 251, **more)
        refused(d, "MAX_NET_EXPOSURE", "Net long 100200 USD", f"scope={scope}:{scope_id}")
        d.new(BUY, 250, **more)
        d.accepted()

    def test_all_currencies_in_that_of_the_books(self):
        d = Driver(limit("max_exposure", 100_000))
        with_policy(d, currency="USD", rates={"EUR": Decimal("1.25")})
        d.held(250)  # 50,000 USD
        d.new(BUY, 667, 600_000, BTC)  # 40,020 EUR are 50,025 USD
        refused(d, "MAX_GROSS_EXPOSURE", "Gross 100025 USD")
        d.new(BUY, 666, 600_000, BTC)
        d.accepted()
        d.apply(Facts(d.now, rates={"EUR": Decimal("1.30")}))
        d.new(BUY, 1)
        refused(d, "MAX_GROSS_EXPOSURE", "Gross 102148 USD")

    def test_a_currency_without_a_rate_fails_closed_unless_reducing(self):
        other = Driver()
        with_policy(other, currency="USD")
        other.new(BUY, 1, 600_000, BTC)
        refused(other, "NO_FX_RATE", "from EUR to USD")
        with_policy(other, currency="USD", rates={"EUR": Decimal("1.1")})
        other.held(10, 600_000, BTC)
        other.kernel._state.risk.rates.clear()
        other.kernel._state.markets[BTC.id].set_rate(0)
        other.new(SELL, 11, 600_000, BTC)
        refused(other, "NO_FX_RATE")
        other.new(SELL, 10, 600_000, BTC)
        other.accepted()


class Test23Concentration:
    def test_share_of_the_equity(self):
        d = Driver(limit("max_concentration", 25))
        # 1,000,000 USD, less what the bid is below the price that was paid.
        d.held(1250)
        d.new(BUY, 1)
        refused(d, "CONCENTRATION", "limit=25 %", "AAPL.SIM would be 25.02 % of the equity 999875")
        d.new(SELL, 1250)
        d.accepted()
        d.new(BUY, 1, 20_000, FUT)
        refused(d, "CONCENTRATION", "FUT.SIM would be 25.00 %")
        d.quote(bid=20_000, ask=20_000)
        d.new(BUY, 1, 20_000, FUT)
        d.accepted()


class Test24BuyingPowerAndMargin:
    def test_cash_account(self):
        d = Driver(limit("max_order_notional", 10**9), limit("max_exposure", 10**9))
        with_policy(d, margins=(MarginSetup("P", "cash"),))
        d.new(BUY, 3000)
        d.accepted()
        d.new(BUY, 2001)
        refused(
            d,
            "INSUFFICIENT_BUYING_POWER",
            "limit=400000, value=400200",
            "needs 400200 USD, free are 400000 USD",
        )
        d.new(BUY, 2000)
        d.accepted()
        d.new(SELL, 1)
        refused(d, "INSUFFICIENT_BUYING_POWER", "cannot sell more than it holds")
        d.new(BUY, 1, account="Q")
        d.accepted()

    def test_reg_t(self):
        d = Driver(limit("max_order_notional", 10**9), limit("max_exposure", 10**9))
        with_policy(d, margins=(MarginSetup("P", "reg_t"),))
        # One half of 200 a share: 1,000,000 is enough for 10,000.
        d.new(BUY, 10_001)
        refused(d, "INSUFFICIENT_MARGIN", "needs 1000100 USD, free are 1000000 USD")
        d.new(BUY, 10_000)
        d.accepted()
        d.new(BUY, 1)
        refused(d, "INSUFFICIENT_MARGIN")

    def test_a_change_counts_its_own_reserve_once(self):
        d = Driver(limit("max_order_notional", 10**9), limit("max_exposure", 10**9))
        with_policy(d, margins=(MarginSetup("P", "cash"),))
        name = d.working(BUY, 5000)
        d.replace(name, 5001, 20_000)
        assert d.refusal().code == "INSUFFICIENT_BUYING_POWER"
        d.replace(name, 4999, 20_001)
        assert d.replaces()


class Test25Shorts:
    def test_not_allowed(self):
        d = Driver(limit("max_short", 0, "instrument", AAPL.id))
        d.held(10)
        d.new(SELL, 11)
        refused(d, "SHORT_NOT_ALLOWED", "limit=0, value=1")
        d.new(SELL, 10)
        d.accepted()
        d.new(SELL, 1)
        refused(d, "SHORT_NOT_ALLOWED")

    def test_borrowed(self):
        d = Driver(limit("max_short", 5, "instrument", AAPL.id))
        d.new(SELL, 6)
        refused(d, "NO_LOCATE", "limit=5, value=6", "5 were borrowed")
        d.new(SELL, 5)
        d.accepted()
        d.new(SELL, 1, instrument=FUT)
        d.accepted()


class Test26DailyLoss:
    def test_two_levels(self):
        d = Driver(limit("daily_loss", 1000), limit("daily_loss_halt", 2000))
        d.held(100)
        d.quote(bid=19_001, ask=19_100)
        assert d.account().state is TradingState.ACTIVE
        d.quote(bid=19_000, ask=19_100)
        assert d.account().state is TradingState.REDUCING
        d.new(BUY, 1, 19_050)
        refused(d, "DAILY_LOSS_LIMIT", "Today -1000 USD")
        d.new(SELL, 1, 19_050)
        d.accepted()
        d.quote(bid=18_000, ask=18_100)
        assert d.account().state is TradingState.HALTED
        d.new(SELL, 1, 18_050)
        refused(d, "DAILY_LOSS_LIMIT", "Cancels still work")

    @pytest.mark.parametrize(("scope", "name"), [("strategy", "S"), ("trader", "bob")])
    def test_strategies_and_traders(self, scope, name):
        d = Driver(
            limit("daily_loss", 100, scope, name),
            limit("daily_loss_halt", 200, scope, name),
            limit("window_collar", 50),
        )
        d.held(10, **{scope: name})
        d.quote(bid=18_990, ask=19_100)
        d.new(BUY, 1, 19_050, **{scope: name})
        refused(d, "DAILY_LOSS_LIMIT", f"scope={scope}:{name}", "limit=-100, value=-101")
        d.new(BUY, 1, 19_050)
        d.accepted()
        d.new(SELL, 10, 19_050, **{scope: name})
        d.accepted()
        d.quote(bid=17_900, ask=18_000)
        d.new(SELL, 1, 17_950, **{scope: name})
        assert d.denial().code == "DAILY_LOSS_LIMIT"


class Test27Drawdown:
    def test_from_the_highest_over_sessions(self):
        d = Driver(limit("max_drawdown", 1000), limit("daily_loss", 10**6))
        d.tick(0, "Tuesday")
        d.held(100)
        d.quote(bid=20_500, ask=20_600)
        d.tick(0, "Wednesday")
        d.quote(bid=19_501, ask=19_600)
        assert d.account().state is TradingState.ACTIVE
        d.quote(bid=19_500, ask=19_600)
        assert d.account().state is TradingState.REDUCING
        d.new(BUY, 1, 19_550)
        refused(d, "MAX_DRAWDOWN", "1000 USD below its highest")
        d.new(SELL, 100, 19_550)
        d.accepted()

    def test_of_a_strategy(self):
        d = Driver(limit("max_drawdown", 100, "strategy", "S"))
        d.held(10, strategy="S")
        d.quote(bid=20_100, ask=20_200)
        d.quote(bid=19_100, ask=19_200)
        d.new(BUY, 1, 19_150, strategy="S")
        refused(d, "MAX_DRAWDOWN", "scope=strategy:S")
        d.new(BUY, 1, 19_150)
        d.accepted()


SIGMA = 0.01


def told_covariance(d, instruments=(AAPL.id, FUT.id), correlation=1.0):
    own, both = SIGMA**2, correlation * SIGMA**2
    d.apply(Covariance(d.now, instruments, (own, both, both, own)))
    assert not d.notices()


class Test28ValueAtRisk:
    def test_with_the_order_and_only_when_it_adds_risk(self):
        # 1.644854 x 1 % of 199,900 at the bid, and 2,000 more.
        d = Driver(limit("max_var", 3300), limit("max_exposure", 10**9))
        told_covariance(d)
        d.held(1000)
        d.new(BUY, 10)
        refused(d, "VAR_LIMIT", "limit=3300", "Value at risk would be 3320.9")
        d.new(BUY, 3)
        d.accepted()
        d.new(SELL, 1, 20_000, FUT)
        d.accepted()
        d.set_limit("max_var", 1)
        d.new(SELL, 1000)
        d.accepted()

    def test_expected_shortfall(self):
        # 2.665214 x 1 % of 200,000 are 5,330.43.
        d = Driver(limit("max_shortfall", 5330), limit("max_exposure", 10**9))
        told_covariance(d)
        d.new(BUY, 1000)
        refused(d, "VAR_LIMIT", "Expected shortfall would be 5330.4")
        d.new(BUY, 999)
        d.accepted()


class Test29RiskUnavailable:
    def test_unknown_or_old_portfolio_risk(self):
        d = Driver(limit("max_var", 10**6))
        d.new(BUY, 1)
        refused(d, "RISK_UNAVAILABLE", "not known yet")
        told_covariance(d)
        d.held(5)
        d.wait(120)
        d.quote()
        d.new(BUY, 1)
        d.accepted()
        d.wait(1)
        d.quote()
        d.new(BUY, 1)
        refused(d, "RISK_UNAVAILABLE", "121 s old")
        d.new(SELL, 5)
        d.accepted()
        d.new(BUY, 1, account="Q")
        d.accepted()

    def test_an_instrument_outside(self):
        d = Driver(limit("max_var", 10**6))
        told_covariance(d)
        d.new(BUY, 1, 600_000, BTC)
        refused(d, "RISK_UNAVAILABLE", BTC.id)


# 30 STREAM_RECONCILING is a matter of the engine: tests/core/services/test_risk.py.


class Test31Modify:
    def test_a_change_passes_every_control_with_its_new_remainder(self):
        d = Driver(
            limit("max_order_qty", 100),
            limit("max_position", 100),
            limit("max_exposure", 20_000),
        )
        name = d.working(BUY, 60)
        d.fill(name, 20)
        for qty, price, code in (
            (121, 20_000, "MAX_ORDER_QTY"),
            (101, 20_000, "MAX_POSITION"),
            (60, 21_100, "PRICE_COLLAR"),
        ):
            d.replace(name, qty, price)
            assert d.refusal().code == code
            assert f"order={name}" in d.refusal().text
            (told,) = d.of(RiskDecision)
            assert (told.action, told.code, told.order) == ("denied", code, name)
        d.replace(name, 100, 20_000)
        assert d.replaces()
        d.new(BUY, 1)
        refused(d, "MAX_POSITION")

    def test_permission_restriction_and_states_hold_for_changes(self):
        d = Driver()
        name = d.working(BUY, 10, trader="ann")
        with_policy(d, permissions=(Permission("bob"),))
        d.replace(name, 11, 20_000)
        assert d.refusal().code == "NOT_PERMITTED"
        with_policy(d, restricted=(Restriction(AAPL.id, "x"),))
        d.replace(name, 11, 20_000)
        assert d.refusal().code == "RESTRICTED_INSTRUMENT"
        with_policy(d)
        state_of(d, TradingState.HALTED, "trader", "ann")
        d.replace(name, 11, 20_000)
        assert d.refusal().code == "TRADING_HALTED"

    def test_gone_and_pending(self):
        d = Driver()
        d.replace("never", 1, 20_000)
        assert d.refusal().code == "UNKNOWN_ORDER"
        name = d.working()
        d.cancel(name)
        d.replace(name, 5, 20_000)
        assert d.refusal().code == "ALREADY_PENDING"
        d.canceled(name)
        d.replace(name, 5, 20_000)
        assert d.refusal().code == "TOO_LATE"


class TestTiers:
    def test_a_soft_limit_asks_a_person_and_stops_everyone_else(self):
        d = Driver(limit("confirm_order_notional", 10_000), limit("max_order_notional", 20_000))
        d.new(BUY, 51)
        refused(d, "MAX_ORDER_NOTIONAL", "limit=10000, value=10200", "Confirm it")
        d.new(BUY, 51, confirmed=("MAX_ORDER_NOTIONAL",))
        d.accepted()
        d.new(BUY, 101, confirmed=("MAX_ORDER_NOTIONAL",))
        denied = refused(d, "MAX_ORDER_NOTIONAL", "limit=20000")
        assert "Make the order smaller" in denied.text
        d.new(BUY, 51, source=Source.STRATEGY, confirmed=("MAX_ORDER_NOTIONAL",))
        refused(d, "MAX_ORDER_NOTIONAL")

    def test_soft_collar(self):
        d = Driver(limit("confirm_price_collar", 1))
        d.new(BUY, 1, 20_201)
        refused(d, "PRICE_COLLAR", "limit=1 %", "Confirm it")
        d.new(BUY, 1, 20_201, confirmed=("PRICE_COLLAR",))
        d.accepted()
        d.new(BUY, 1, 21_001, confirmed=("PRICE_COLLAR",))
        refused(d, "PRICE_COLLAR", "limit=5 %")

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


class TestKill:
    @pytest.mark.parametrize(
        ("scope", "scope_id"), [("strategy", "S"), ("trader", "bob"), ("venue", "SIM")]
    )
    def test_every_level_cancels_its_own_and_lets_nothing_follow(self, scope, scope_id):
        d = Driver()
        mine = [d.working(strategy="S", trader="bob") for _ in range(3)]
        other = d.working(BUY, 1, 600_000, BTC, strategy="R", trader="eve")
        d.apply(Kill(d.name(), 2, trader="sue", reason="mad", scope=scope, scope_id=scope_id))
        assert [c.order.cl_ord_id for c in d.cancels()] == mine
        assert d.status_of(other) is OrdStatus.NEW
        d.new(strategy="S", trader="bob")
        refused(d, "TRADING_HALTED", "killed (level 2) by sue: mad")

    def test_level_3_of_a_scope_says_what_to_do(self):
        d = Driver()
        d.apply(Kill(d.name(), 3, scope="strategy", scope_id="S"))
        assert d.refusal().code == "BAD_LEVEL"
        assert "flatten" in d.refusal().text

    def test_unknown_scope(self):
        d = Driver()
        d.apply(Kill(d.name(), 1, scope="planet", scope_id="S"))
        assert d.refusal().code == "BAD_SCOPE"
        d.apply(Kill(d.name(), 1, scope="venue", scope_id="MOON"))
        assert d.refusal().code == "UNKNOWN_VENUE"


class TestFollowing:
    RULE = Following("max_order_qty", AAPL.id, volatility=Decimal("0.05"), dwell=60)

    def test_tighter_at_once_looser_after_a_while_never_above(self):
        d = with_policy(
            Driver(limit("max_order_qty", 1000, "instrument", AAPL.id)), following=(self.RULE,)
        )
        d.new(BUY, 1000, 100)
        d.accepted()
        d.apply(Facts(d.now, volatilities={AAPL.id: 1_000_000}))
        assert "50.0 %" in d.notices()[0].text
        d.new(BUY, 501, 100)
        refused(d, "MAX_ORDER_QTY", "limit=500, value=501", f"instrument:{AAPL.id}")
        d.new(BUY, 500, 100)
        d.accepted()
        (told,) = [
            u
            for u in d.kernel.limit_uses(d.now)
            if (u.name, u.scope) == ("max_order_qty", "instrument")
        ]
        assert (told.limit, told.base) == (Decimal(500), Decimal(1000))
        for _ in range(7):
            d.wait(10)
            d.apply(Facts(d.now, volatilities={AAPL.id: 100_000}))
        d.quote()
        d.new(BUY, 1000, 100)
        d.accepted()
        d.new(BUY, 1001, 100)
        refused(d, "MAX_ORDER_QTY", "limit=1000")

    def test_a_loosened_base_still_waits_and_a_load_goes_on_the_same(self):
        d = with_policy(
            Driver(limit("max_order_qty", 1000, "instrument", AAPL.id)), following=(self.RULE,)
        )
        d.apply(Facts(d.now, volatilities={AAPL.id: 1_000_000}))
        other = d.kernel.load(d.kernel.dump())
        assert other.digest() == d.kernel.digest()
        assert other.limit_uses(d.now) == d.kernel.limit_uses(d.now)


class TestOnRecord:
    def test_denials_are_told_with_the_version_and_counted(self):
        d = Driver(limit("max_order_qty", 5))
        name = d.new(BUY, 6, trader="ann", strategy="S")
        (told,) = d.of(RiskDecision)
        version = told.version
        assert told == RiskDecision(
            d.seq,
            d.now,
            name,
            "denied",
            "MAX_ORDER_QTY",
            "account:P",
            "5",
            "6",
            version,
            "P",
            AAPL.id,
            "ann",
            "S",
            "6 is more than the largest order of 5.",
        )
        d.set_limit("max_order_qty", 4)
        d.new(BUY, 6)
        (told,) = d.of(RiskDecision)
        assert told.version == version + 1
        assert d.kernel.denials() == {("MAX_ORDER_QTY", "account:P"): 2}
        assert d.kernel.load(d.kernel.dump()).denials() == d.kernel.denials()
        d.replayed()


def test_every_kind_of_limit_is_data_that_can_be_used():
    for name, kind in LIMIT_KINDS.items():
        assert kind.name == name
        assert kind.title
        assert kind.meaning.endswith(".")
        assert kind.code.isupper()
        assert set(kind.scopes) <= set(SCOPES)
        assert kind.group in ("order", "flow", "position", "loss")


def test_every_limit_can_be_set_shown_and_survives_a_snapshot():
    d = Driver()
    ids = {
        "account": "P",
        "trader": "bob",
        "strategy": "S",
        "instrument": AAPL.id,
        "class": "spot",
        "venue": "SIM",
        "sector": "tech",
        "currency": "USD",
    }
    for name, kind in LIMIT_KINDS.items():
        for scope in kind.scopes:
            d.set_limit(name, 1, scope, ids[scope])
            assert not [o for o in d.out if type(o).__name__ == "CommandRefused"], (name, scope)
    shown = {(u.name, u.scope) for u in d.kernel.limit_uses(d.now)}
    assert shown >= {(n, s) for n, k in LIMIT_KINDS.items() for s in k.scopes}
    other = d.kernel.load(d.kernel.dump())
    assert other.limit_uses(d.now) == d.kernel.limit_uses(d.now)
    assert other.digest() == d.kernel.digest()


def test_a_dump_holds_the_whole_flow():
    d = Driver(
        limit("max_order_rate", 3, "venue", "SIM"),
        limit("max_duplicates", 2),
        limit("max_repeats", 9, "strategy", "S"),
    )
    with_policy(d, currency="USD", rates={"EUR": Decimal("1.1")})
    d.held(3, trader="bob", strategy="S")
    d.working(SELL, 1, 20_100, trader="bob")
    state_of(d, TradingState.REDUCING, "trader", "eve")
    d.apply(SetRestriction(d.name(), FUT.id, True, "x"))
    d.apply(Override(d.name(), "B", ("MAX_ORDER_QTY",), d.now + SECOND, "y", "y"))
    d.apply(Facts(d.now, volumes={AAPL.id: 7}))
    told_covariance(d)
    other = d.kernel.load(d.kernel.dump())
    assert other.digest() == d.kernel.digest()
    for order in (
        NewOrder("n1", "P", AAPL.id, Side.BUY, OrdType.LIMIT, 1, 20_100),
        NewOrder("n2", "P", AAPL.id, Side.SELL, OrdType.LIMIT, 1, 20_100),
        NewOrder("n3", "P", FUT.id, Side.BUY, OrdType.LIMIT, 1, 20_000),
        NewOrder("n4", "P", AAPL.id, Side.BUY, OrdType.LIMIT, 1, 19_000, trader="eve"),
        NewOrder("n5", "P", BTC.id, Side.BUY, OrdType.LIMIT, 1, 600_000),
    ):
        assert other.preview(order, d.now) == d.kernel.preview(order, d.now)
    assert other.apply(d.seq + 1, d.now, order) == d.kernel.apply(d.seq + 1, d.now, order)


def test_an_account_of_the_settings_alone_is_enough():
    d = Driver()
    d.apply(Setup(accounts=(AccountSetup("R", {"USD": Decimal(1)}),), loosen_delay=30 * SECOND))
    d.new(account="R", qty=1)
    d.accepted()
