"""Controls 14 to 20: rates, messages, orders alike, repeats, own orders, open orders.

Each class fails when its control is taken away. The order just inside a limit passes and the
next one does not: limits are inclusive.
"""

from __future__ import annotations

import pytest

from core.model.commands import NewOrder
from core.model.enums import (
    OrdType,
    PegReference,
    Source,
    TradingState,
)
from core.model.events import RiskDecision
from core.model.requests import VenueCancel, VenueNew
from tests.core.kernel.controls import limit, refused, state_of, with_policy
from tests.core.kernel.driver import AAPL, BTC, BUY, FUT, SELL, Driver


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

    @pytest.mark.parametrize("name", ["max_order_rate", "max_change_rate"])
    def test_a_venue_counts_what_all_accounts_send(self, name):
        d = Driver(limit(name, 2, "venue", "SIM"))
        for account in "PQ":
            order = d.working(BUY, 2, account=account)
            if name == "max_change_rate":
                d.replace(order, 1, 20_000)
        if name == "max_order_rate":
            d.new(BUY, 1)
            refused(d, "RATE_LIMIT", "limit=2, value=3", "scope=venue:SIM")
        else:
            d.replace(order, 1, 19_990)
            assert d.refusal().code == "RATE_LIMIT"
            assert "scope=venue:SIM" in d.refusal().text

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

    def test_a_change_is_a_message_too(self):
        d = Driver(limit("max_messages", 2, "venue", "SIM"))
        name = d.working()
        d.replace(name, 9, 20_000)
        d.replace(name, 8, 20_000)
        assert d.refusal().code == "MESSAGE_BUDGET"
        assert not d.replaces()

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

    def test_messages_for_each_trade_just_inside(self):
        d = Driver(limit("max_order_trade_ratio", 51, "venue", "SIM"), limit("max_order_rate", 999))
        d.held(1)
        d.held(1)
        for _ in range(49):
            d.cancel(d.working())
            d.canceled(d.kernel.working()[-1].cl_ord_id)
        for _ in range(2):  # 101 and 102 messages for 2 trades
            d.new()
            d.accepted()
        d.new()
        refused(d, "MESSAGE_BUDGET", "103 messages to SIM for 2 trades", "limit=51, value=51")


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
            if other.get("side") is SELL:
                again = NewOrder("?", "P", AAPL.id, SELL, OrdType.LIMIT, 10, 20_000)
                assert [v.code for v in d.kernel.preview(again, d.now)] == ["SELF_TRADE"]
            else:
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
        d.tick(61, session="tomorrow")
        d.quote()
        d.new(BUY, 1, strategy="S")
        refused(d, "REPEATED_EXECUTION_THROTTLE")
        state_of(d, TradingState.ACTIVE, "strategy", "S", reason="")
        assert d.refusal().code == "REASON_NEEDED"
        state_of(d, TradingState.ACTIVE, "strategy", "S", reason="looked at it")
        d.new(BUY, 1, strategy="S")
        d.accepted()

    def test_within_a_minute(self):
        d = Driver(limit("max_repeats", 2, "strategy", "S"))
        d.held(1, strategy="S")
        d.tick(60)
        d.quote()
        d.held(1, strategy="S")
        d.new(BUY, 1, strategy="S")
        d.accepted()
        d.fill(d.kernel.working()[-1].cl_ord_id, 1)
        d.new(BUY, 1, strategy="S")
        refused(d, "REPEATED_EXECUTION_THROTTLE", "2 of its orders")

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

    @pytest.mark.parametrize(
        ("kind", "stop"), [(OrdType.STOP_LIMIT, 19_990), (OrdType.LIMIT_IF_TOUCHED, 20_011)]
    )
    def test_one_that_was_triggered_stands_in_the_book(self, kind, stop):
        d = Driver()
        d.quote(bid=20_000, ask=20_020)
        name = d.new(SELL, 5, 20_005, kind=kind, stop_price=stop)
        d.new(BUY, 1, 20_005, confirmed=())
        d.accepted()  # nothing of it is at the venue yet
        d.canceled(d.kernel.working()[-1].cl_ord_id)
        d.trade(AAPL, stop)
        assert [r.order.cl_ord_id for r in d.sent()] == [name]
        d.new(BUY, 1, 20_005, confirmed=())
        refused(d, "SELF_TRADE", "your own sell of 5 at 200.05")
        d.restart()
        d.new(BUY, 1, 20_005, confirmed=())
        refused(d, "SELF_TRADE")
        d.canceled(name)
        d.new(BUY, 1, 20_005, confirmed=())
        d.accepted()

    def test_one_that_follows_the_market_stands_where_it_was_moved_to(self):
        d = Driver()
        name = d.new(SELL, 5, 0, kind=OrdType.PEGGED, peg=PegReference.PRIMARY)
        d.ack(name)
        d.new(BUY, 1, 20_010, confirmed=())
        refused(d, "SELF_TRADE", "your own sell of 5 at 200.10")
        d.quote(ask=20_008)
        (asked,) = d.replaces()
        d.new(BUY, 1, 20_008, confirmed=())
        refused(d, "SELF_TRADE", "at 200.08")
        d.replaced(name, asked.request)
        d.new(BUY, 1, 20_007, confirmed=())
        d.accepted()

    def test_cancel_one_that_was_triggered_instead(self):
        d = with_policy(Driver(), cancel_own=True)
        old = d.new(SELL, 5, 20_005, kind=OrdType.STOP_LIMIT, stop_price=19_900)
        d.new(BUY, 1, 20_008, confirmed=())
        assert not d.cancels()
        d.trade(AAPL, 19_900)
        d.new(BUY, 1, 20_008, confirmed=())
        assert [c.order.cl_ord_id for c in d.cancels()] == [old]

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
