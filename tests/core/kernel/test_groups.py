"""Orders that hang together: OCO, OTO, brackets."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from core.model.enums import Contingency, ExecType, LinkState, OrdStatus, OrdType, Severity
from core.model.orders import OrderUpdate
from tests.core.kernel.driver import AAPL, BTC, BUY, FUT, SELL, Driver

OCO, OTO, BRACKET = Contingency.OCO, Contingency.OTO, Contingency.BRACKET
STOP = {"side": SELL, "ord_type": OrdType.STOP, "stop_price": 19_900}
TARGET = {"side": SELL, "price": 20_200}
NATIVE = msgspec.structs.replace(
    AAPL, id="NATIVE.SIM", order_types=(OrdType.LIMIT, OrdType.MARKET, OrdType.STOP)
)


def names(requests):
    return [request.order.cl_ord_id for request in requests]


def loud(d):
    return [n.text for n in d.notices() if n.severity is Severity.CRITICAL]


def opened(d, lots=10, **terms):
    """A bracket whose entry was filled with `lots`: entry, stop (held here), target (sent)."""
    entry, stop, target = d.bracket(**terms)
    d.ack(entry)
    d.fill(entry, lots)
    d.ack(target)
    return entry, stop, target


def test_exits_follow_the_fills_of_the_entry():
    d = Driver()
    entry, stop, target = d.bracket()
    assert names(d.sent()) == [entry]
    for name in (stop, target):
        order = d.order(name)
        assert (order.status, order.held, order.parent) == (OrdStatus.SUSPENDED, True, entry)
        assert order.contingency is BRACKET
    assert d.order(entry).parent == ""
    assert d.order(entry).list_id == d.order(stop).list_id != ""
    d.ack(entry)
    d.fill(entry, 4)
    assert names(d.sent()) == [target]
    assert d.sent()[0].order.qty == 4
    assert (d.order(stop).qty, d.order(stop).status) == (4, OrdStatus.NEW)
    d.restart()
    d.ack(target)
    d.fill(entry, 6)
    (change,) = d.replaces()
    assert (change.order.cl_ord_id, change.qty, change.price) == (target, 10, 20_200)
    assert d.order(stop).qty == 10
    d.replaced(target, change.request, qty=10, price=20_200)
    assert d.order(target).qty == 10
    d.replayed()


def test_entry_filled_again_before_the_exit_is_acknowledged():
    d = Driver()
    entry, stop, target = d.bracket()
    d.fill(entry, 4)
    d.fill(entry, 3)
    assert not d.replaces(), "one thing at a time"
    d.ack(target)
    (change,) = d.replaces()
    assert change.qty == 7
    d.fill(entry, 3)
    assert not d.replaces()
    d.replaced(target, change.request, qty=7, price=20_200)
    assert d.replaces()[0].qty == 10
    assert d.order(stop).qty == 10


def test_target_filled_takes_the_stop_away():
    d = Driver()
    entry, stop, target = opened(d)
    d.fill(target, 3, 20_200)
    assert (d.order(stop).qty, d.order(stop).status) == (7, OrdStatus.NEW)
    d.fill(target, 7, 20_200)
    assert d.status_of(stop) is OrdStatus.CANCELED
    assert d.position().qty == 0
    assert not d.kernel.working()
    assert d.order(entry).status is OrdStatus.FILLED
    assert not loud(d)


def test_stop_reached_cancels_the_target_first():
    d = Driver()
    _entry, stop, target = opened(d)
    d.quote(AAPL, 19_880, 19_890)
    kinds = [type(o).__name__ for o in d.out if type(o).__name__.startswith("Venue")]
    assert kinds == ["VenueCancel", "VenueNew"]
    assert names(d.cancels()) == [target]
    (request,) = d.sent()
    assert (request.order.cl_ord_id, request.order.qty) == (stop, 10)
    d.canceled(target)
    d.fill(stop, 10, 19_880)
    assert d.position().qty == 0
    assert not d.kernel.working()
    assert not loud(d)
    assert d.account().cash["USD"] == 1_000_000 - Decimal("12")


def test_both_exits_fill_in_a_race():
    d = Driver()
    _, stop, target = opened(d)
    d.quote(AAPL, 19_880, 19_890)
    d.fill(target, 10, 20_200)
    assert names(d.cancels()) == [stop]
    d.fill(stop, 10, 19_880)
    assert any("second exit was filled" in text for text in loud(d))
    assert d.position().qty == -10


def test_exits_at_a_venue_that_takes_stops():
    d = Driver()
    d.kernel.add_instruments([NATIVE])
    d.quote(NATIVE)
    entry, stop, target = d.bracket(instrument=NATIVE)
    d.ack(entry)
    d.fill(entry, 10)
    assert names(d.sent()) == [stop, target]
    d.ack(stop)
    d.ack(target)
    holding = {u.name: u.used for u in d.kernel.limit_uses(d.now) if u.scope_id == "P"}
    assert holding["max_exposure"] == 10 * 200, "one of both can be filled, not both"
    d.fill(target, 4, 20_200)
    (change,) = d.replaces()
    assert (change.order.cl_ord_id, change.qty) == (stop, 6)
    d.replaced(stop, change.request, qty=6)
    d.fill(target, 6, 20_200)
    assert names(d.cancels()) == [stop]
    d.canceled(stop)
    assert not d.kernel.working()


def test_a_venue_that_does_not_make_the_stop_smaller_loses_it():
    d = Driver()
    d.kernel.add_instruments([NATIVE])
    d.quote(NATIVE)
    entry, stop, target = d.bracket(instrument=NATIVE)
    d.fill(entry, 10)
    d.ack(stop)
    d.ack(target)
    d.fill(target, 4, 20_200)
    (change,) = d.replaces()
    d.cancel_reject(stop, change.request, replace=True)
    assert names(d.cancels()) == [stop]
    assert loud(d)
    d.canceled(stop)
    assert d.order(target).leaves == 6


def test_an_entry_canceled_unfilled_takes_its_exits_along():
    d = Driver()
    entry, stop, target = d.bracket()
    d.ack(entry)
    request = d.cancel(entry)
    d.canceled(entry, request=request)
    assert {d.status_of(n) for n in (entry, stop, target)} == {OrdStatus.CANCELED}
    assert not d.kernel.working()


@pytest.mark.parametrize("how", ["rejected", "expired"])
def test_an_entry_that_ends_otherwise_takes_its_exits_along(how):
    d = Driver()
    entry, stop, target = d.bracket()
    if how == "rejected":
        d.reject(entry)
    else:
        d.report(entry, ExecType.EXPIRED, OrdStatus.EXPIRED)
    assert {d.status_of(n) for n in (stop, target)} == {OrdStatus.CANCELED}


def test_an_entry_canceled_after_a_part_keeps_the_exits_of_that_part():
    d = Driver()
    entry, stop, target = opened(d, 4)
    d.canceled(entry)
    assert (d.order(stop).leaves, d.order(target).leaves) == (4, 4)
    d.fill(target, 4, 20_200)
    assert not d.kernel.working()


def test_target_filled_while_the_entry_works_ends_the_entry():
    d = Driver()
    entry, stop, target = opened(d, 4)
    d.fill(target, 4, 20_200)
    assert names(d.cancels()) == [entry]
    assert d.order(stop).working, "more of the entry may have been filled by now"
    d.fill(entry, 2)
    assert d.order(stop).leaves == 2
    d.canceled(entry)
    d.quote(AAPL, 19_880, 19_890)
    d.fill(stop, 2, 19_880)
    assert d.position().qty == 0
    assert not d.kernel.working()


def test_a_late_fill_of_an_entry_whose_exits_are_over_is_loud():
    d = Driver()
    entry, _, _ = d.bracket()
    d.canceled(entry)
    d.fill(entry, 4)
    assert any("NOT protected" in text for text in loud(d))


def test_exits_never_exceed_the_position():
    d = Driver()
    _, stop, target = opened(d)
    other = d.working(SELL, 6, 20_005)
    d.fill(other, 6, 20_005)
    assert d.replaces()[0].qty == 4
    assert d.order(stop).qty == 4
    d.replaced(target, d.replaces()[0].request, qty=4, price=20_200)
    last = d.working(SELL, 4, 20_005)
    d.fill(last, 4, 20_005)
    assert names(d.cancels()) == [target]
    assert d.status_of(stop) is OrdStatus.CANCELED


def test_brackets_share_a_position_the_newest_first():
    d = Driver()
    _, first, first_target = opened(d)
    _, second, second_target = opened(d)
    closing = d.working(SELL, 12, 20_005)
    d.fill(closing, 12, 20_005)
    assert d.position().qty == 8
    assert d.order(second).qty == 8
    assert d.status_of(first) is OrdStatus.CANCELED
    assert names(d.cancels()) == [first_target]
    assert names(d.replaces()) == [second_target]


def test_an_entry_that_closes_a_short_protects_what_is_beyond():
    d = Driver()
    d.held(-6)
    entry, stop, target = d.bracket()
    d.ack(entry)
    d.fill(entry, 6)
    assert not d.sent()
    assert d.status_of(stop) is OrdStatus.SUSPENDED
    d.fill(entry, 4)
    assert d.sent()[0].order.qty == 4
    assert d.order(stop).qty == 4
    assert d.order(target).qty == 4


def test_a_short_bracket():
    d = Driver()
    _, stop, target = opened(d, side=SELL, stop=20_100, target=19_800)
    assert d.order(target).side is BUY
    d.quote(AAPL, 20_100, 20_110)
    assert names(d.sent()) == [stop]


def test_a_refused_exit_is_loud_and_the_other_stays():
    d = Driver()
    entry, stop, target = d.bracket()
    d.fill(entry, 10)
    d.reject(target)
    assert any("The others stay" in text for text in loud(d))
    assert d.order(stop).leaves == 10


def test_flatten_and_kill_take_held_exits_along():
    d = Driver()
    _, stop, target = opened(d)
    d.flatten()
    assert d.status_of(stop) is OrdStatus.CANCELED
    assert names(d.cancels()) == [target]
    d.canceled(target)
    (closing,) = d.sent()
    assert (closing.order.side, closing.order.qty) == (SELL, 10)
    d.fill(closing.order.cl_ord_id, 10, 19_900)
    assert d.position().qty == 0
    assert not d.kernel.working()


def test_exits_work_while_the_account_may_only_reduce():
    d = Driver()
    _, stop, _ = opened(d)
    d.kill(1)
    d.quote(AAPL, 19_880, 19_890)
    assert names(d.sent()) == [stop]


def test_the_quantity_of_an_exit_is_not_changed_by_hand():
    d = Driver()
    _entry, stop, target = opened(d)
    d.replace(target, 5, 20_200)
    assert d.refusal().code == "FOLLOWS_LIST"
    request = d.replace(target, 10, 20_300)
    d.replaced(target, request, qty=10, price=20_300)
    d.replace(stop, 10, 0, stop=19_950)
    assert d.order(stop).stop_price == 19_950


def test_price_of_an_exit_whose_turn_has_not_come():
    d = Driver()
    entry, _, target = d.bracket()
    d.replace(target, 10, 20_500)
    assert d.order(target).price == 20_500
    d.fill(entry, 10)
    assert d.sent()[0].order.price == 20_500


def test_the_entrys_new_quantity():
    d = Driver()
    entry, stop, _ = opened(d, 4)
    request = d.replace(entry, 20, 20_000)
    d.replaced(entry, request, qty=20, price=20_000)
    d.fill(entry, 16)
    assert d.order(stop).qty == 20


def test_oco_of_two_resting_orders():
    d = Driver()
    d.held(10)
    target, stop = d.order_list(OCO, TARGET, STOP)
    assert names(d.sent()) == [target]
    assert d.order(stop).held
    assert d.order(stop).parent == ""
    d.ack(target)
    d.fill(target, 4, 20_200)
    assert d.order(stop).qty == 6
    d.fill(target, 6, 20_200)
    assert d.status_of(stop) is OrdStatus.CANCELED
    assert not d.kernel.working()


def test_oco_counts_once():
    d = Driver()
    d.held(10)
    target, _ = d.order_list(OCO, {**TARGET, "reduce_only": True}, {**STOP, "reduce_only": True})
    d.ack(target)
    d.replace(target, 10, 20_300)
    assert len(d.replaces()) == 1, "its sibling does not count against it"
    d.restart()
    d.quote(AAPL, 19_880, 19_890)
    assert len(d.sent()) == 1


def test_oco_breakout_overfilled_in_a_race():
    d = Driver()
    high, low = d.order_list(
        OCO,
        {"ord_type": OrdType.STOP, "stop_price": 20_100},
        {"side": SELL, "ord_type": OrdType.STOP, "stop_price": 19_900},
    )
    d.quote(AAPL, 20_100, 20_110)
    assert names(d.sent()) == [high]
    assert d.order(low).working
    d.quote(AAPL, 19_880, 19_890)
    assert names(d.cancels()) == [high]
    assert names(d.sent()) == [low]
    d.fill(high, 10, 20_110)
    assert names(d.cancels()) == [low]
    d.fill(low, 10, 19_880)
    assert any("second was filled before its cancel" in text for text in loud(d))


def test_oco_sibling_canceled_by_hand_leaves_the_other():
    d = Driver()
    d.held(10)
    target, stop = d.order_list(OCO, TARGET, STOP)
    d.ack(target)
    d.cancel(stop)
    assert d.status_of(stop) is OrdStatus.CANCELED
    assert d.order(target).working


def test_oco_with_a_changed_quantity():
    d = Driver()
    d.held(10)
    target, stop = d.order_list(OCO, TARGET, STOP)
    d.ack(target)
    d.fill(target, 2, 20_200)
    d.replace(stop, 5, 0)
    assert d.order(stop).qty == 5
    d.fill(target, 2, 20_200)
    assert d.order(stop).qty == 3


def test_oto_sends_in_proportion():
    d = Driver()
    first, second = d.order_list(
        OTO, {"price": 20_000}, {"qty": 5, "price": 599_000, "instrument": BTC.id}
    )
    assert names(d.sent()) == [first]
    d.ack(first)
    d.fill(first, 4)
    assert [(r.order.cl_ord_id, r.order.qty) for r in d.sent()] == [(second, 2)]
    d.report(second, ExecType.NEW, OrdStatus.NEW, venue="XCH")
    d.fill(first, 6)
    assert d.replaces()[0].qty == 5


def test_oto_ends_with_its_first():
    d = Driver()
    first, second = d.order_list(OTO, {"price": 20_000}, {"qty": 5, "price": 19_000})
    d.reject(first)
    assert d.status_of(second) is OrdStatus.CANCELED
    assert not d.kernel.working()


@pytest.mark.parametrize(
    "orders",
    [
        [{}],
        [{"price": 5}] * 11,
        [{"id": "same", "price": 5}, {"id": "same", "price": 5}],
        [{"price": 20_000}, {"side": SELL, "price": 5, "account": "Q"}],
        [{"price": 20_000}, {"price": 20_100}],
        [{"price": 20_000}, {"side": SELL, "price": 20_100, "qty": 9}],
        [{"price": 20_000}, {"side": SELL, "ord_type": OrdType.MARKET}],
        [{"price": 20_000}, {"side": SELL, "price": 20_100, "instrument": BTC.id}],
    ],
)
def test_a_list_that_makes_no_sense_is_refused(orders):
    d = Driver()
    d.order_list(BRACKET, *orders)
    assert d.refusal().code == "BAD_LIST"
    assert not d.sent()
    assert not d.kernel.working()


def test_one_order_that_may_not_be_sent_refuses_the_list():
    d = Driver()
    ids = d.order_list(BRACKET, {"price": 20_000}, {"side": SELL, "ord_type": OrdType.STOP})
    updates = d.of(OrderUpdate)
    assert [u.order.cl_ord_id for u in updates] == ids
    assert [u.order.code for u in updates] == ["LIST_REFUSED", "INVALID_PRICE"]
    assert not d.sent()
    d.bracket(qty=0)
    assert {u.order.code for u in d.of(OrderUpdate)} == {"INVALID_QTY", "LIST_REFUSED"}
    d.halt()
    d.bracket()
    assert d.of(OrderUpdate)[0].order.code == "TRADING_HALTED"


def test_the_same_list_twice_does_nothing_twice():
    d = Driver()
    ids = d.order_list(OCO, {"price": 19_000}, {"price": 18_900}, id="list")
    d.order_list(OCO, {"price": 19_000}, {"price": 18_900}, id="list")
    assert d.refusal().code == "DUPLICATE_CLIENT_ID"
    d.order_list(OCO, {"price": 19_000, "id": ids[0]}, {"price": 18_900})
    assert d.refusal().code == "BAD_LIST"


def test_a_bracket_over_a_lost_link():
    d = Driver()
    entry, stop, target = opened(d, 4)
    d.fill(entry, 2)
    (_change,) = d.replaces()
    d.down()
    d.restart()
    assert d.status_of(target) is OrdStatus.UNKNOWN
    assert d.status_of(stop) is OrdStatus.NEW
    d.fill(entry, 2)
    d.link(LinkState.UP)
    d.report(target, ExecType.ORDER_STATUS, OrdStatus.NEW, qty=6, price=20_200)
    assert d.replaces()[0].qty == 8
    d.replayed()


def test_old_orders_of_a_list_that_lives_are_kept():
    d = Driver(keep=2)
    entry, stop, target = opened(d)
    for _ in range(6):
        d.canceled(d.working(BUY, 1, 19_500))
    d.restart()
    assert d.order(entry) is not None
    d.fill(target, 10, 20_200)
    assert d.status_of(stop) is OrdStatus.CANCELED
    for _ in range(6):
        d.canceled(d.working(BUY, 1, 19_500))
    assert d.order(entry) is None
    d.restart()


def test_a_bracket_of_a_strategy_protects_its_part():
    d = Driver()
    d.held(-10)
    _, stop, _ = opened(d, strategy="S")
    assert d.position().qty == 0
    assert d.position(strategy="S").qty == 10
    assert d.order(stop).leaves == 10


def test_a_change_does_not_count_on_a_sibling_of_another_instrument():
    d = Driver(
        ("max_position", Decimal(10), "account", "P"),
        ("max_order_notional", Decimal(10**9), "account", "P"),
    )
    here, there = d.order_list(
        Contingency.OCO,
        {"side": BUY, "price": 20_000, "instrument": AAPL.id},
        {"side": BUY, "price": 20_000, "instrument": FUT.id},
    )
    d.ack(here)
    d.ack(there)
    d.replace(here, 20, 20_000)
    assert d.refusal().code == "MAX_POSITION"
