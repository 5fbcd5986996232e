"""Orders of several lists beside each other: none gets lost, and none passes a limit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.model.enums import Contingency, OrdStatus, OrdType, PegReference, TimeInForce
from core.model.orders import OrderUpdate
from tests.core.kernel.driver import AAPL, BUY, SECOND, SELL, Driver
from tests.core.kernel.test_held import MONDAY, with_hours

LIMIT = ("max_position", Decimal(12), "account", "P")


def names(requests):
    return [request.order.cl_ord_id for request in requests]


def protected(d, qty=5, **every):
    """A bracket whose entry is filled and whose target works; ids of its stop and target."""
    entry, stop, target = d.bracket(qty=qty, **every)
    d.ack(entry)
    d.fill(entry, qty)
    d.ack(target)
    return stop, target


def down(d):
    d.quote(AAPL, 19_880, 19_890)


# -- exits -----------------------------------------------------------------------------------


@pytest.mark.parametrize("hedging", [False, True])
def test_every_stop_goes_out_where_orders_may_only_reduce(hedging):
    d = Driver(LIMIT, hedging=hedging)
    lists = [protected(d, 4) for _ in range(3)]
    if not hedging:
        d.kill(1, "P")
    down(d)
    assert names(d.sent()) == [stop for stop, _ in lists]
    assert names(d.cancels()) == [target for _, target in lists]
    assert d.notices() == []
    d.restart()


def test_a_stop_that_others_leave_no_room_for_waits_for_it():
    d = Driver(LIMIT)
    stop, target = protected(d)
    other = d.working(SELL, 3, 20_300)
    d.kill(1, "P")
    down(d)
    assert not d.sent()
    assert any("once others of its side are over" in n.text for n in d.notices())
    assert d.order(stop).held
    d.restart()
    d.canceled(other)
    down(d)
    assert names(d.sent()) == [stop]
    assert names(d.cancels()) == [target]


def test_a_list_of_which_nothing_went_off_leaves_no_room_either():
    d = Driver(LIMIT)
    stop, _ = protected(d)
    d.order_list(
        Contingency.OCO,
        {"price": 20_300},
        {"ord_type": OrdType.STOP, "stop_price": 19_800},
        side=SELL,
        qty=5,
    )
    d.kill(1, "P")
    down(d)
    assert not d.sent()
    assert d.order(stop).held


def test_an_opening_one_does_not_wait_until_it_has_room():
    d = Driver(LIMIT)
    d.working(BUY, 6, 19_900)
    high = d.new(qty=4, price=0, kind=OrdType.STOP, stop_price=20_100)
    d.set_limit("max_position", 8)
    d.quote(AAPL, 20_100, 20_110)
    assert d.status_of(high) is OrdStatus.REJECTED


def test_a_stop_of_another_strategys_position_waits_for_the_first_ones_target():
    d = Driver(LIMIT)
    first = protected(d, strategy="S")
    second = protected(d, strategy="T")
    d.kill(1, "P")
    down(d)
    assert names(d.sent()) == [first[0]]
    assert d.order(second[0]).held
    d.canceled(first[1])
    assert names(d.sent()) == [second[0]], "at once, not with the next quote"


def test_what_is_left_of_the_entry_is_not_in_its_stops_way():
    d = Driver(LIMIT)
    entry, stop, _ = d.bracket(qty=4)
    d.ack(entry)
    d.fill(entry, 2)
    other = d.working(SELL, 1, 20_300)
    d.kill(1, "P")
    down(d)
    assert names(d.cancels()) == [entry]
    assert d.order(stop).triggered, "and everyone is told"
    assert any(u.order.triggered for u in d.of(OrderUpdate) if u.order.cl_ord_id == stop)
    down(d)
    assert [*d.cancels(), *d.of(OrderUpdate), *d.notices()] == [], "it is asked and said once"
    d.canceled(entry)
    d.canceled(other)
    assert names(d.sent()) == []
    down(d)
    assert names(d.sent()) == [stop]


def test_a_target_does_not_go_out_after_its_stop():
    """The market was beyond the stop when the entry's fill was told."""
    d = Driver(LIMIT)
    d.working(SELL, 12, 20_150)
    entry, stop, target = d.bracket(qty=12)
    d.ack(entry)
    down(d)
    d.fill(entry, 12)
    assert names(d.sent()) == [stop]
    assert d.status_of(target) is OrdStatus.CANCELED
    d.restart()


# -- siblings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "terms",
    [
        {"price": 19_950, "display_qty": 2},
        {"ord_type": OrdType.PEGGED, "peg": PegReference.PRIMARY},
    ],
)
def test_what_rests_leaves_its_sibling_in_peace(terms):
    d = Driver(LIMIT)
    first, _ = d.order_list(Contingency.OCO, {"price": 19_900}, terms, qty=4)
    assert len(d.sent()) == 2
    assert d.cancels() == []
    d.ack(first)
    d.fill(first, 4)
    assert len(d.cancels()) == 1


def test_what_rests_does_not_join_one_that_went_off():
    d = Driver(LIMIT)
    d.quote(AAPL, 0, 20_010)
    high, peg = d.order_list(
        Contingency.OCO,
        {"ord_type": OrdType.STOP, "stop_price": 20_100},
        {"ord_type": OrdType.PEGGED, "peg": PegReference.PRIMARY},
        qty=4,
    )
    assert not d.sent()
    d.trade(AAPL, 20_100)
    assert names(d.sent()) == [high]
    d.quote(AAPL, 20_100, 20_110)
    assert not d.sent()
    assert d.order(peg).held
    d.restart()
    d.reject(high)
    assert names(d.sent()) == [peg]


def test_one_for_the_close_and_its_sibling_both_count_until_that_is_canceled():
    d, listed = with_hours()
    d.set_limit("max_position", 12)
    d.now = MONDAY + 16 * 3600 * SECOND
    d.quote(listed)
    d.held(2, instrument=listed)
    low, close = d.order_list(
        Contingency.OCO,
        {"price": 19_900},
        {"price": 20_000, "tif": TimeInForce.AT_THE_CLOSE},
        qty=4,
        instrument=listed,
    )
    d.ack(low)
    d.now = MONDAY + 17 * 3600 * SECOND - 10 * SECOND
    d.quote(listed)
    d.tick()
    assert (names(d.cancels()), names(d.sent())) == ([low], [close])
    d.new(qty=3, instrument=listed)
    assert d.denial().code == "MAX_POSITION"
    d.new(qty=2, instrument=listed)
    assert d.sent()


def test_one_that_goes_off_at_once_leaves_nothing_for_its_sibling():
    d = Driver(LIMIT)
    d.quote(AAPL, 20_040, 20_050)
    high, low = d.order_list(
        Contingency.OCO,
        {"ord_type": OrdType.STOP, "stop_price": 20_005},
        {"price": 19_900},
        qty=4,
    )
    assert (names(d.sent()), d.cancels()) == ([high], [])
    assert d.status_of(low) is OrdStatus.CANCELED
    d.restart()


def test_a_peg_that_its_venue_does_not_cancel_is_asked_once():
    d = Driver(LIMIT)
    peg, high = d.order_list(
        Contingency.OCO,
        {"ord_type": OrdType.PEGGED, "peg": PegReference.PRIMARY},
        {"ord_type": OrdType.STOP, "stop_price": 20_100},
        qty=4,
    )
    d.ack(peg)
    d.held(6)
    d.trade(AAPL, 20_100)
    (request,) = d.cancels()
    d.cancel_reject(peg, request.request)
    assert [*d.cancels(), *d.sent()] == []
    assert d.order(high).held


@pytest.mark.parametrize("whose", ["strategy", "trader"])
def test_siblings_of_two_strategies_count_for_both(whose):
    d = Driver(("max_position", Decimal(12), whose, "T"))
    d.order_list(
        Contingency.OCO, {"price": 19_900, whose: "S"}, {"price": 19_950, whose: "T"}, qty=10
    )
    d.new(qty=3, **{whose: "T"})
    assert d.denial().code == "MAX_POSITION"
    d.new(qty=2, **{whose: "T"})
    assert d.sent()
    d.restart()


@pytest.mark.parametrize("whose", ["strategy", "trader"])
def test_siblings_that_open_one_leg_for_two_strategies_count_both(whose):
    d = Driver(LIMIT, hedging=True)
    orders = {"price": 19_900, whose: "S"}, {"price": 19_950, whose: "T"}
    names_ = d.order_list(Contingency.OCO, *orders, qty=10)
    assert {d.order(name).code for name in names_} == {"MAX_POSITION", "LIST_REFUSED"}
    assert not d.sent()
    d.order_list(Contingency.OCO, *orders, qty=6)
    assert len(d.sent()) == 2
    d.new(qty=1)
    assert d.denial().code == "MAX_POSITION"


def test_a_peg_follows_its_price_beside_its_sibling():
    d = Driver(LIMIT)
    _, peg = d.order_list(
        Contingency.OCO,
        {"price": 19_900},
        {"ord_type": OrdType.PEGGED, "peg": PegReference.PRIMARY},
        qty=10,
    )
    d.ack(peg)
    d.quote(AAPL, 19_995, 20_010)
    assert [(r.order.cl_ord_id, r.price) for r in d.replaces()] == [(peg, 19_995)]


def test_what_closes_for_the_account_and_opens_for_its_strategy_waits_for_the_cancel():
    d = Driver(("max_position", Decimal(12), "strategy", "S"))
    d.held(30)
    high, low = d.order_list(
        Contingency.OCO,
        {"price": 20_200},
        {"ord_type": OrdType.STOP, "stop_price": 19_900},
        side=SELL,
        qty=8,
        strategy="S",
    )
    d.ack(high)
    down(d)
    assert (names(d.cancels()), d.sent()) == ([high], [])
    d.restart()
    d.canceled(high)
    assert names(d.sent()) == [low]


# -- open orders -----------------------------------------------------------------------------


@pytest.mark.parametrize("scope", [("account", "P"), ("instrument", AAPL.id), ("strategy", "S")])
@pytest.mark.parametrize("kind", list(Contingency))
def test_all_of_a_list_count_among_the_open_orders(scope, kind):
    d = Driver(("max_open_orders", Decimal(3), *scope))
    d.working(BUY, 1, 19_000, strategy="S")

    def send():
        exits = {"side": SELL, "strategy": "S"}
        return d.order_list(
            kind,
            {"price": 20_000, "strategy": "S"},
            {"ord_type": OrdType.STOP, "stop_price": 19_900, **exits},
            {"price": 20_200, **exits},
        )

    assert {d.order(name).code for name in send()} == {"MAX_OPEN_ORDERS", "LIST_REFUSED"}
    assert not d.sent()
    assert len(d.kernel.working()) == 1
    d.set_limit("max_open_orders", 4, *scope, reason="more")
    d.tick(40)
    d.quote(AAPL)
    send()
    assert len(d.kernel.working()) == 4
    d.new(qty=1, strategy="S")
    assert d.denial().code == "MAX_OPEN_ORDERS"


def test_only_the_second_orders_strategy_has_no_room_for_it():
    d = Driver(("max_open_orders", Decimal(1), "strategy", "T"))
    d.working(BUY, 1, 19_000, strategy="T")
    d.order_list(
        Contingency.OTO, {"price": 20_000}, {"side": SELL, "price": 20_200, "strategy": "T"}
    )
    assert not d.sent()


def test_an_order_whose_turn_comes_is_not_in_its_own_way():
    d = Driver(("max_open_orders", Decimal(3), "account", "P"))
    first, *others = d.order_list(
        Contingency.OTO,
        {"price": 20_000},
        {"side": SELL, "price": 20_200},
        {"side": SELL, "price": 20_300},
    )
    d.ack(first)
    d.fill(first, 5)
    assert names(d.sent()) == others


def test_orders_for_the_opening_are_counted_while_nothing_can_be_sent():
    d = Driver(("max_open_orders", Decimal(2), "account", "P"), LIMIT)
    d.down()
    for _ in range(2):
        d.new(qty=1, tif=TimeInForce.AT_THE_OPENING)
        assert len(d.kernel.working()) == d.count
    d.new(qty=1, tif=TimeInForce.AT_THE_OPENING)
    assert d.denial().code == "MAX_OPEN_ORDERS"
