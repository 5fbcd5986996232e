"""Controls 1 to 10: who may trade at all, and the order by itself.

Each class fails when its control is taken away. The order just inside a limit passes and the
next one does not: limits are inclusive.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from core.model.commands import (
    SetRestriction,
)
from core.model.contracts import Contract
from core.model.enums import (
    MarketStatus,
    OrdType,
    TimeInForce,
    TradingState,
)
from core.model.inputs import (
    Permission,
    Restriction,
    Setup,
)
from tests.core.kernel.controls import limit, refused, state_of, with_policy
from tests.core.kernel.driver import AAPL, BTC, BUY, FUT, SECOND, SELL, START, Driver


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
        d.new(SELL, 6)
        d.accepted()
        d.new(SELL, 5)  # what is open already would close 6 of the 10
        refused(d, "REDUCE_ONLY_MODE", "limit=10, value=-1")
        d.new(SELL, 4)
        d.accepted()

    @pytest.mark.parametrize(("scope", "more"), [("strategy", "S"), ("trader", "bob")])
    def test_open_orders_of_a_strategy_or_trader_count_for_what_it_may_close(self, scope, more):
        d = Driver()
        d.held(10)
        d.held(4, **{scope: more})
        d.new(SELL, 3, price=20_100, **{scope: more})
        state_of(d, TradingState.REDUCING, scope, more)
        d.new(SELL, 2, **{scope: more})
        refused(d, "REDUCE_ONLY_MODE", f"scope={scope}:{more}")
        d.new(SELL, 1, **{scope: more})
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

    def test_of_one_kind_of_instruments_only(self):
        kind = msgspec.structs.replace(AAPL, id="OPT.SIM", kind="option")
        d = with_policy(Driver(), permissions=(Permission("ann", kind="spot"),))
        d.apply(Setup((kind,), loosen_delay=30 * SECOND))
        d.quote(kind)
        d.new(trader="ann", instrument=kind)
        refused(d, "NOT_PERMITTED")
        d.new(trader="ann")
        d.accepted()

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
        d.apply(SetRestriction(d.name(), AAPL.id, True, "inside information.", "sue"))
        assert d.notices()[0].text.endswith("by sue: inside information.")
        d.new(SELL, 5)
        refused(d, "RESTRICTED_INSTRUMENT", "inside information")
        d.flatten()
        assert len(d.sent()) == 1, "an emergency close goes on"
        d.apply(SetRestriction(d.name(), AAPL.id, False, "published.", "sue"))
        assert d.notices()[0].text.endswith("by sue: published.")
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

    def test_window_of_a_stop_without_a_limit(self):
        d = Driver(limit("price_collar", 50), limit("window_collar", 10))
        every = msgspec.structs.replace(AAPL, id="EVERY.SIM", order_types=tuple(OrdType))
        d.apply(Setup((every,), loosen_delay=30 * SECOND))
        d.quote(every)
        d.wait(60)
        d.quote(every, bid=21_490, ask=21_510)
        d.new(BUY, 1, 0, every, kind=OrdType.STOP, stop_price=22_001)
        refused(d, "PRICE_COLLAR", "price of five minutes ago, 200.00")
        d.new(BUY, 1, 0, every, kind=OrdType.STOP, stop_price=22_000)
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
