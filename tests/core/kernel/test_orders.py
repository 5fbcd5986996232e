"""The lives of orders after FIX 4.4, and all that can go wrong in them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.model.enums import ExecType, OrdStatus, OrdType, Severity
from tests.core.kernel.driver import AAPL, BTC, BUY, SELL, Driver


def test_new_partial_filled():
    d = Driver()
    name = d.new()
    assert d.status_of(name) is OrdStatus.PENDING_NEW
    d.report(name, ExecType.NEW, OrdStatus.NEW, order_id="v1")
    assert d.status_of(name) is OrdStatus.NEW
    d.fill(name, 4, 20_000, fee=Decimal("0.02"))
    order = d.order(name)
    assert (order.status, order.cum_qty, order.leaves) == (OrdStatus.PARTIALLY_FILLED, 4, 6)
    d.fill(name, 6, 19_999)
    order = d.order(name)
    assert (order.status, order.cum_qty, order.leaves) == (OrdStatus.FILLED, 10, 0)
    assert order.notional == 4 * 20_000 + 6 * 19_999
    assert (order.fees, order.order_id) == (Decimal("0.02"), "v1")
    assert d.kernel.working() == []


def test_rejected_by_the_venue():
    d = Driver()
    name = d.new()
    d.report(name, ExecType.REJECTED, OrdStatus.REJECTED, text="no such symbol")
    order = d.order(name)
    assert (order.status, order.code, order.text) == (
        OrdStatus.REJECTED,
        "REJECTED",
        "no such symbol",
    )


def test_fill_before_the_acknowledgement():
    d = Driver()
    name = d.new()
    d.fill(name, 3)
    assert d.status_of(name) is OrdStatus.PARTIALLY_FILLED
    d.report(name, ExecType.NEW, OrdStatus.NEW, order_id="v1")
    assert d.status_of(name) is OrdStatus.PARTIALLY_FILLED
    assert d.order(name).order_id == "v1"


def test_acknowledgement_after_the_order_is_over():
    d = Driver()
    name = d.new()
    d.fill(name, 10)
    d.report(name, ExecType.NEW, OrdStatus.NEW)
    assert d.out == [], "late, harmless"
    other = d.new()
    d.report(other, ExecType.REJECTED, OrdStatus.REJECTED)
    d.report(other, ExecType.NEW, OrdStatus.NEW)
    assert d.notices()[0].severity is Severity.CRITICAL
    assert d.status_of(other) is OrdStatus.REJECTED


def test_executions_count_once_by_venue_and_id():
    d = Driver()
    name = d.working()
    d.fill(name, 3, exec_id="7")
    d.fill(name, 3, exec_id="7")
    assert d.out == []
    d.fill(name, 3, exec_id="7", venue="XCH")
    assert d.order(name).cum_qty == 6
    d.fill(name, 4, exec_id="8")
    d.fill(name, 4, exec_id="8")
    assert d.out == []
    assert d.position().qty == 10


def test_execution_without_id_counts_by_the_filled_total():
    d = Driver()
    name = d.working()
    d.fill(name, 3, exec_id="", cum_qty=3)
    d.fill(name, 3, exec_id="", cum_qty=3)
    assert d.order(name).cum_qty == 3
    d.fill(name, 3, exec_id="")
    assert d.notices()[0].severity is Severity.CRITICAL
    assert d.order(name).cum_qty == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"qty": 0},
        {"qty": -1},
        {"price": 0},
        {"price": 2**31},
        {"qty": 2**41},
        {"instrument": BTC.id},
        {"instrument": AAPL.id, "side": SELL},
        {"fee": Decimal("NaN")},
        {"fee": Decimal("Infinity")},
        {"fee": Decimal("1E-30")},
        {"fee": Decimal("1E+30")},
    ],
)
def test_impossible_execution_is_not_booked_but_shouted(wrong):
    d = Driver()
    name = d.working()
    before = d.kernel.positions(), d.kernel.accounts()[0].cash, d.order(name)
    d.fill(name, wrong.pop("qty", 1), wrong.pop("price", 20_000), **wrong)
    (notice,) = d.out
    assert notice.severity is Severity.CRITICAL
    assert "was not booked" in notice.text
    assert (d.kernel.positions(), d.kernel.accounts()[0].cash, d.order(name)) == before


def test_executions_whose_sum_would_not_fit_into_64_bits():
    d = Driver()
    name = d.working()
    for n in range(2):
        d.fill(name, 2**40, 2**21, exec_id=f"huge{n}")
        assert d.fills()
    d.fill(name, 2**40, 2**21, exec_id="last")
    assert "would not fit" in d.notices()[0].text


def test_cancel():
    d = Driver()
    name = d.working()
    request = d.cancel(name)
    assert d.status_of(name) is OrdStatus.PENDING_CANCEL
    (sent,) = d.cancels()
    assert (sent.order.cl_ord_id, sent.request) == (name, request)
    d.canceled(name, request=request)
    assert d.status_of(name) is OrdStatus.CANCELED


def test_cancel_before_the_acknowledgement():
    d = Driver()
    name = d.new()
    d.cancel(name)
    assert len(d.cancels()) == 1
    d.report(name, ExecType.NEW, OrdStatus.NEW)
    assert d.status_of(name) is OrdStatus.PENDING_CANCEL
    d.canceled(name)
    assert d.status_of(name) is OrdStatus.CANCELED


def test_partial_fill_while_a_cancel_is_pending():
    d = Driver()
    name = d.working()
    d.cancel(name)
    d.fill(name, 4)
    assert d.status_of(name) is OrdStatus.PENDING_CANCEL
    assert d.order(name).leaves == 6
    d.canceled(name, cum_qty=4)
    assert d.status_of(name) is OrdStatus.CANCELED
    assert d.order(name).cum_qty == 4


def test_fill_wins_against_a_cancel():
    d = Driver()
    name = d.working()
    request = d.cancel(name)
    d.fill(name, 10)
    assert d.status_of(name) is OrdStatus.FILLED
    d.cancel_reject(name, request, OrdStatus.FILLED)
    assert d.refusal().code == "TOO_LATE"
    assert d.status_of(name) is OrdStatus.FILLED


def test_cancel_reject_restores_the_state():
    d = Driver()
    name = d.working()
    d.fill(name, 4)
    request = d.cancel(name)
    d.cancel_reject(name, request)
    assert d.status_of(name) is OrdStatus.PARTIALLY_FILLED
    assert d.refusal().id == request
    assert d.refusal().code == "CANCEL_REJECTED"
    assert "too late" in d.refusal().text
    d.cancel_reject(name, request)
    assert d.out == [], "the same answer twice"
    d.cancel(name)
    assert d.status_of(name) is OrdStatus.PENDING_CANCEL


def test_second_cancel_while_one_is_pending():
    d = Driver()
    name = d.working()
    d.cancel(name)
    d.cancel(name)
    assert d.refusal().code == "ALREADY_PENDING"
    d.replace(name, 5, 20_000)
    assert d.refusal().code == "ALREADY_PENDING"


def test_unsolicited_cancel_expiry_and_done_for_day():
    d = Driver()
    name = d.working()
    d.canceled(name, text="market maker protection")
    assert d.order(name).text == "market maker protection"
    other = d.working()
    d.report(other, ExecType.DONE_FOR_DAY, OrdStatus.DONE_FOR_DAY)
    assert d.status_of(other) is OrdStatus.DONE_FOR_DAY
    assert d.order(other).working
    d.report(other, ExecType.EXPIRED, OrdStatus.EXPIRED)
    assert d.status_of(other) is OrdStatus.EXPIRED
    d.report(other, ExecType.EXPIRED, OrdStatus.EXPIRED)
    assert d.out == []


def test_command_for_an_order_that_is_over_or_unknown():
    d = Driver()
    name = d.working()
    d.canceled(name)
    d.cancel(name)
    assert d.refusal().code == "TOO_LATE"
    assert "canceled already" in d.refusal().text
    d.replace("T-999", 1, 1)
    assert d.refusal().code == "UNKNOWN_ORDER"


def test_replace():
    d = Driver()
    name = d.working()
    request = d.replace(name, 15, 19_900)
    order = d.order(name)
    assert (order.status, order.qty, order.price) == (OrdStatus.PENDING_REPLACE, 10, 20_000)
    assert (order.pending_qty, order.pending_price) == (15, 19_900)
    (sent,) = d.replaces()
    assert (sent.request, sent.qty, sent.price) == (request, 15, 19_900)
    d.report(name, ExecType.REPLACED, OrdStatus.NEW, request=request, qty=15, price=19_900)
    order = d.order(name)
    assert (order.status, order.qty, order.price) == (OrdStatus.NEW, 15, 19_900)
    assert (order.pending_qty, order.pending_price) == (0, 0)


def test_replace_rejected_restores_the_state():
    d = Driver()
    name = d.working()
    request = d.replace(name, 15, 19_900)
    d.cancel_reject(name, request, replace=True)
    order = d.order(name)
    assert (order.status, order.qty, order.price) == (OrdStatus.NEW, 10, 20_000)
    assert d.refusal().code == "REPLACE_REJECTED"


def test_fill_while_a_replace_is_pending():
    d = Driver()
    name = d.working()
    request = d.replace(name, 15, 20_000)
    d.fill(name, 4)
    assert d.status_of(name) is OrdStatus.PENDING_REPLACE
    d.report(name, ExecType.REPLACED, OrdStatus.PARTIALLY_FILLED, request=request, qty=15)
    assert d.status_of(name) is OrdStatus.PARTIALLY_FILLED
    assert d.order(name).leaves == 11


def test_filled_while_a_replace_up_is_pending():
    d = Driver()
    name = d.working()
    request = d.replace(name, 15, 20_000)
    d.fill(name, 10)
    assert d.status_of(name) is OrdStatus.PENDING_REPLACE, "five more may still come"
    d.cancel_reject(name, request, OrdStatus.FILLED, replace=True)
    assert d.status_of(name) is OrdStatus.FILLED
    second = d.working()
    request = d.replace(second, 15, 20_000)
    d.fill(second, 10)
    d.report(second, ExecType.REPLACED, OrdStatus.PARTIALLY_FILLED, request=request, qty=15)
    assert d.order(second).leaves == 5
    third = d.working()
    d.replace(third, 15, 20_000)
    d.fill(third, 12)
    assert not d.notices(), "the replace took effect before we heard of it"


def test_filled_while_a_replace_down_is_pending():
    d = Driver()
    name = d.working()
    request = d.replace(name, 6, 20_000)
    d.fill(name, 8)
    d.report(name, ExecType.REPLACED, OrdStatus.FILLED, request=request, qty=6)
    order = d.order(name)
    assert (order.status, order.qty, order.cum_qty) == (OrdStatus.FILLED, 8, 8)


def test_chain_of_replaces_answered_out_of_order():
    d = Driver()
    name = d.working()
    first = d.replace(name, 11, 20_000)
    second = d.replace(name, 12, 19_999)
    d.report(name, ExecType.REPLACED, OrdStatus.NEW, request=second, qty=12, price=19_999)
    assert d.status_of(name) is OrdStatus.PENDING_REPLACE
    d.report(name, ExecType.REPLACED, OrdStatus.NEW, request=first, qty=11, price=20_000)
    order = d.order(name)
    assert (order.status, order.qty, order.price) == (OrdStatus.NEW, 12, 19_999)
    d.report(name, ExecType.REPLACED, OrdStatus.NEW, request=first, qty=11, price=20_000)
    assert d.out == [], "the same answer twice"


def test_replace_that_makes_no_sense():
    d = Driver()
    name = d.working()
    d.fill(name, 4)
    d.replace(name, 4, 20_000)
    assert d.refusal().code == "INVALID_QTY"
    d.replace(name, 10, 20_000)
    assert d.refusal().code == "NO_CHANGE"
    d.replace(name, 10, 0)
    assert d.refusal().code == "INVALID_PRICE"
    market = d.working(price=0, kind=OrdType.MARKET)
    d.replace(market, 5, 20_000)
    assert d.refusal().code == "BAD_ORD_TYPE"


def test_restated_by_the_venue():
    d = Driver()
    name = d.working()
    d.report(name, ExecType.RESTATED, OrdStatus.NEW, qty=7, price=19_950)
    order = d.order(name)
    assert (order.qty, order.price) == (7, 19_950)
    assert "unasked" in d.notices()[0].text
    d.report(name, ExecType.RESTATED, OrdStatus.NEW, qty=-7, price=19_950)
    assert d.notices()[0].severity is Severity.CRITICAL
    assert d.order(name).qty == 7


def test_same_id_twice_does_nothing_twice():
    d = Driver()
    name = d.working()
    d.new(id=name)
    assert d.refusal().code == "DUPLICATE_CLIENT_ID"
    assert not d.sent()
    request = d.cancel(name)
    d.canceled(name)
    d.new(id=name)
    assert d.refusal().code == "DUPLICATE_CLIENT_ID", "the id of a dead order is used for ever"
    d.cancel(name, id=request)
    assert d.refusal().code == "DUPLICATE_CLIENT_ID"
    d.new(id=request)
    assert d.refusal().code == "DUPLICATE_CLIENT_ID"
    denied = d.new(qty=0)
    d.new(id=denied)
    assert d.refusal().code == "DUPLICATE_CLIENT_ID"
    d.new(id="x" * 129)
    assert d.refusal().code == "INVALID_ID"


def test_forgotten_orders_keep_their_ids():
    d = Driver(keep=2)
    names = [d.working() for _ in range(4)]
    for name in names:
        d.canceled(name)
    assert d.order(names[0]) is None
    assert d.order(names[3]) is not None
    d.new(id=names[0])
    assert d.refusal().code == "DUPLICATE_CLIENT_ID"
    d.fill(names[0], 1)
    assert d.notices()[0].severity is Severity.CRITICAL
    d.cancel(names[0])
    assert d.refusal().code == "TOO_LATE"


def test_cancel_all_by_scope():
    d = Driver()
    a = d.working(BUY)
    b = d.working(SELL, strategy="S")
    c = d.working(instrument=BTC, price=600_000)
    e = d.working(account="Q", qty=1)
    d.cancel_all(side=2)
    assert [r.order.cl_ord_id for r in d.cancels()] == [b]
    d.cancel_all(instrument=BTC.id)
    assert [r.order.cl_ord_id for r in d.cancels()] == [c]
    d.cancel_all(account="P")
    assert [r.order.cl_ord_id for r in d.cancels()] == [a], "the others are on their way"
    d.cancel_all()
    assert [r.order.cl_ord_id for r in d.cancels()] == [e]
    d.cancel_all()
    assert not d.cancels()
    assert "no order to cancel" in d.notices()[0].text


def test_bust_is_shouted():
    d = Driver()
    name = d.working()
    d.fill(name, 3, exec_id="7")
    d.report(name, ExecType.TRADE_CANCEL, OrdStatus.NEW, exec_id="7")
    assert d.notices()[0].severity is Severity.CRITICAL


def test_what_the_kernel_does_not_take_and_what_breaks_it():
    d = Driver()
    d.apply("nonsense")
    assert d.notices()[0].severity is Severity.ERROR
    d.new(qty="ten")
    assert "failed on NewOrder" in d.notices()[0].text
    assert {a.state.value for a in d.kernel.accounts()} == {"halted"}


def test_views():
    d = Driver()
    name = d.working()
    d.fill(name, 4)
    assert [o.cl_ord_id for o in d.kernel.working()] == [name]
    (update,) = d.kernel.order_updates()
    assert (update.order, update.seq) == (d.order(name), d.seq)
    (fill,) = d.kernel.fills()
    assert (fill.qty, fill.position, fill.seq) == (4, 4, d.seq)
    assert d.kernel.watched() == [AAPL.id]
    assert d.kernel.marks()[AAPL.id] == 20_000
    assert {i.id for i in d.kernel.instruments()} == {"AAPL.SIM", "BTC.XCH", "FUT.SIM"}
