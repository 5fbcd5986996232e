"""An order goes off here while the one beside it is still at its venue: both may be filled."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.model.enums import Contingency, OrdStatus, OrdType, Side
from tests.core.kernel.driver import AAPL, SELL, Driver

LIMIT = ("max_position", Decimal(12), "account", "P")


def names(requests):
    return [request.order.cl_ord_id for request in requests]


def two(d, **high):
    """One buys lower, the other higher, of which one cancels the other; nothing is held yet."""
    low, high = d.order_list(
        Contingency.OCO,
        {"price": 19_900},
        {"ord_type": OrdType.STOP, "stop_price": 20_100, **high},
        qty=4,
    )
    d.ack(low)
    return low, high


def up(d):
    d.quote(AAPL, 20_100, 20_110)


def test_it_waits_for_the_cancel_where_both_would_pass_a_limit():
    d = Driver(LIMIT)
    low, high = two(d)
    d.held(6)
    up(d)
    assert names(d.cancels()) == [low]
    assert not d.sent()
    assert any("once the order beside it is canceled" in n.text for n in d.notices())
    up(d)
    assert [*d.cancels(), *d.sent(), *d.notices()] == [], "it is asked and said once"
    d.canceled(low)
    assert names(d.sent()) == [high]
    d.fill(high, 4, 20_110)
    assert d.position().qty == 10
    d.restart()


def test_filled_after_all_the_other_does_not_go_out():
    d = Driver(LIMIT)
    low, high = two(d)
    d.held(6)
    up(d)
    d.fill(low, 4, 19_900)
    assert d.status_of(high) is OrdStatus.CANCELED
    assert not d.sent()
    d.restart()


def test_a_venue_that_does_not_cancel_is_asked_once_and_the_other_stays_here():
    d = Driver(LIMIT)
    low, high = two(d)
    d.held(6)
    up(d)
    (request,) = d.cancels()
    d.cancel_reject(low, request.request)
    up(d)
    assert [*d.cancels(), *d.sent()] == []
    assert d.order(high).held
    d.canceled(low)
    assert names(d.sent()) == [high]


def test_both_count_until_one_is_over():
    d = Driver(LIMIT)
    low, high = two(d)
    d.held(2)
    up(d)
    assert (names(d.cancels()), names(d.sent())) == ([low], [high])
    d.restart()
    d.new(qty=3)
    assert d.denial().code == "MAX_POSITION"
    d.new(qty=2)
    assert d.sent()
    d.canceled(low)
    d.new(qty=4)
    assert d.sent()


def test_changing_the_one_that_went_off_leaves_the_other_counted():
    d = Driver(LIMIT)
    low, high = two(d, ord_type=OrdType.STOP_LIMIT, price=20_150)
    d.held(2)
    up(d)
    d.ack(high)
    d.replace(high, 7, 20_150)
    assert d.refusal().code == "MAX_POSITION"
    d.canceled(low)
    d.replace(high, 7, 20_150)
    assert d.replaces()


@pytest.mark.parametrize("bracket", [True, False])
def test_what_protects_a_position_waits_for_nothing(bracket):
    d = Driver(LIMIT)
    if bracket:
        entry, stop, target = d.bracket(qty=10)
        d.fill(entry, 10)
    else:
        d.held(10)
        target, stop = d.order_list(
            Contingency.OCO,
            {"price": 20_200},
            {"ord_type": OrdType.STOP, "stop_price": 19_900},
            side=SELL,
        )
    d.ack(target)
    d.set_limit("max_position", 1)
    d.quote(AAPL, 19_880, 19_890)
    assert (names(d.cancels()), names(d.sent())) == ([target], [stop])


def test_the_other_side_is_not_beside_it():
    d = Driver(LIMIT)
    low, high = d.order_list(
        Contingency.OCO,
        {"side": Side.SELL, "price": 20_200},
        {"ord_type": OrdType.STOP, "stop_price": 20_100},
        qty=12,
    )
    d.ack(low)
    up(d)
    assert names(d.sent()) == [high]


def test_an_exit_does_not_grow_past_a_limit():
    d = Driver(LIMIT)
    entry, _, target = d.bracket(qty=2)
    d.fill(entry, 2)
    d.ack(target)
    d.fill(d.working(SELL, 1, 20_050), 1, 20_050)
    (smaller,) = d.replaces()
    d.replaced(target, smaller.request, qty=1, price=20_200)
    large = d.working(SELL, 12, 20_100)
    first, second = d.order_list(
        Contingency.OTO, {"price": 20_000}, {"side": SELL, "price": 20_150}, qty=1
    )
    d.fill(first, 1)
    assert names(d.sent()) == [second]
    assert d.replaces() == []
    assert any("NOT protected" in n.text and "could be short 13" in n.text for n in d.notices())
    d.restart()
    d.ack(second)
    assert [*d.replaces(), *d.notices()] == [], "it is said once"
    d.canceled(large)
    d.held(1)
    (larger,) = d.replaces()
    assert (larger.order.cl_ord_id, larger.qty) == (target, 2)
