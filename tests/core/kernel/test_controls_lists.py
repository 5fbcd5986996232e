"""Control 24 for lists: their orders count together, and exits that only reduce need nothing."""

from __future__ import annotations

import pytest

from core.model.enums import Contingency, ExecType, OrdStatus, OrdType
from core.model.events import OrderUpdate
from core.model.inputs import MarginSetup
from tests.core.kernel.controls import limit, with_policy
from tests.core.kernel.driver import AAPL, BTC, BUY, FUT, SELL, Driver

OCO, OTO = Contingency.OCO, Contingency.OTO
WIDE = (limit("max_order_notional", 10**9), limit("max_exposure", 10**9))


def codes(d):
    return [u.order.code for u in d.of(OrderUpdate) if u.order.code]


def account(*limits, model="cash"):
    return with_policy(Driver(*WIDE, *limits), margins=(MarginSetup("P", model),))


@pytest.mark.parametrize(("qty", "denied"), [(2500, []), (2501, ["INSUFFICIENT_BUYING_POWER"])])
def test_there_is_money_for_the_whole_list(qty, denied):
    # 500,000 for the first, and the second goes out when that is filled.
    d = account()
    d.order_list(OTO, {"qty": 2500, "price": 20_000}, {"qty": qty, "price": 20_000})
    assert [c for c in codes(d) if c != "LIST_REFUSED"] == denied
    assert len(d.sent()) == (0 if denied else 1)
    assert d.kernel._state.accounts["P"].holdings[AAPL.id].open_buy == (0 if denied else 2500)


def test_what_reduces_needs_no_money():
    d = account()
    d.order_list(
        OTO,
        {"qty": 5000, "price": 20_000},
        {"qty": 5000, "side": SELL, "ord_type": OrdType.STOP, "stop_price": 19_000},
    )
    assert not codes(d)
    d = account()
    d.bracket(qty=5000)
    assert not codes(d)
    d = account()
    d.order_list(
        OTO,
        {"qty": 5000, "price": 20_000},
        {"qty": 5001, "side": SELL, "ord_type": OrdType.STOP, "stop_price": 19_000},
    )
    assert "INSUFFICIENT_BUYING_POWER" in codes(d), "one more than will be held"


def test_orders_of_which_one_is_filled_count_once():
    d = account()
    d.order_list(OCO, {"qty": 5000, "price": 20_000}, {"qty": 5000, "price": 19_900})
    assert not codes(d)
    # In two instruments both may be filled for a moment.
    d = account()
    d.order_list(
        OCO,
        {"qty": 2500, "price": 20_000},
        {"qty": 3, "price": 20_000, "instrument": FUT.id},  # 250,000 each
    )
    assert codes(d) == ["LIST_REFUSED", "INSUFFICIENT_BUYING_POWER"]
    d.order_list(
        OCO,
        {"qty": 2500, "price": 20_000},
        {"qty": 2, "price": 20_000, "instrument": FUT.id},
    )
    assert not codes(d)


def test_other_limits_count_them_together():
    d = Driver(limit("max_exposure", 900_000))
    both = ({"qty": 2500, "price": 20_000}, {"qty": 2, "price": 20_000, "instrument": FUT.id})
    d.order_list(OCO, *both)
    assert codes(d) == ["LIST_REFUSED", "MAX_GROSS_EXPOSURE"]
    digest = d.kernel.digest()
    d.restart()
    assert d.kernel.digest() == digest
    d.new(BUY, 4500)
    d.accepted()


def test_what_grows_with_the_order_before_it_passes_the_limits_again():
    d = Driver(limit("max_position", 3, "instrument", BTC.id))
    first, second = d.order_list(
        OTO, {"price": 20_000}, {"qty": 5, "price": 599_000, "instrument": BTC.id}
    )
    d.ack(first)
    d.fill(first, 4)
    assert [r.order.qty for r in d.sent()] == [2]
    d.report(second, ExecType.NEW, OrdStatus.NEW, venue="XCH")
    d.fill(first, 2)
    (asked,) = d.replaces()
    assert asked.qty == 3
    terms = {"request": asked.request, "qty": 3, "price": 599_000}
    d.report(second, ExecType.REPLACED, OrdStatus.NEW, venue="XCH", **terms)
    d.fill(first, 4)
    assert not d.replaces()
    assert d.order(second).qty == 3
    (notice,) = d.notices()
    assert "not made larger" in notice.text
    assert "0.003 is the most" in notice.text
