"""Orders that the engine works piece by piece: pegged ones and icebergs."""

from __future__ import annotations

import msgspec
import pytest

from core.kernel.kernel import Kernel
from core.model.enums import (
    ExecType,
    LinkState,
    OrdStatus,
    OrdType,
    PegReference,
    Severity,
)
from tests.core.kernel.driver import AAPL, BUY, SELL, Driver


def sent_order(d):
    (request,) = d.sent()
    return request.order


def pegged(d, side=BUY, peg=PegReference.PRIMARY, **more):
    return d.new(side, kind=OrdType.PEGGED, price=more.pop("price", 0), peg=peg, **more)


@pytest.mark.parametrize(
    ("side", "peg", "offset", "cap", "price"),
    [
        (BUY, PegReference.PRIMARY, 0, 0, 19_990),
        (SELL, PegReference.PRIMARY, 0, 0, 20_010),
        (BUY, PegReference.PRIMARY, 2, 0, 19_992),
        (SELL, PegReference.PRIMARY, 2, 0, 20_008),
        (BUY, PegReference.MARKET, -3, 0, 20_007),
        (SELL, PegReference.MARKET, -3, 0, 19_993),
        (BUY, PegReference.MID, 0, 0, 20_000),
        (BUY, PegReference.MID, 0, 19_995, 19_995),
        (SELL, PegReference.MID, 0, 20_005, 20_005),
    ],
)
def test_a_pegged_order_stands_at_its_reference(side, peg, offset, cap, price):
    d = Driver()
    name = pegged(d, side, peg, peg_offset=offset, price=cap)
    order = sent_order(d)
    assert (order.ord_type, order.price, order.peg) == (OrdType.LIMIT, price, None)
    assert d.order(name).held


def test_a_pegged_order_follows_one_change_at_a_time():
    d = Driver()
    name = pegged(d, SELL)
    d.quote(AAPL, 19_980, 20_000)
    assert not d.replaces(), "its venue has not taken it yet"
    d.ack(name)
    d.quote(AAPL, 19_970, 19_995)
    (change,) = d.replaces()
    assert (change.price, change.qty) == (19_995, 10)
    d.quote(AAPL, 19_970, 19_992)
    assert not d.replaces(), "one at a time"
    d.replaced(name, change.request, price=19_995, qty=10)
    d.quote(AAPL, 19_970, 19_991)
    (change,) = d.replaces()
    d.cancel_reject(name, change.request, replace=True)
    assert not d.notices()
    d.replayed()


def test_a_pegged_order_does_not_follow_itself():
    d = Driver()
    name = pegged(d, BUY, peg_offset=1)
    assert sent_order(d).price == 19_991
    d.ack(name)
    d.quote(AAPL, 19_991, 20_010)
    assert not d.replaces()
    d.quote(AAPL, 19_993, 20_010)
    assert d.replaces()[0].price == 19_994


def test_a_pegged_order_waits_for_a_price():
    d = Driver(quoted=False)
    d.trade(AAPL, 20_000)
    name = pegged(d)
    assert not d.sent()
    assert d.order(name).held
    d.quote(AAPL)
    assert sent_order(d).price == 19_990


def iceberg(d, qty=10, shown=4, **more):
    return d.new(BUY, qty, display_qty=shown, **more)


def test_an_iceberg_sends_slice_after_slice():
    d = Driver()
    name = iceberg(d)
    first = sent_order(d)
    assert (first.cl_ord_id, first.qty, first.display_qty) == (f"{name}/1", 4, 0)
    d.report(first.cl_ord_id, ExecType.NEW, OrdStatus.NEW, order_id="v1", qty=4)
    assert d.status_of(name) is OrdStatus.NEW
    d.fill(first.cl_ord_id, 3)
    assert not d.sent()
    assert [f.cl_ord_id for f in d.fills()] == [name]
    d.restart()
    d.fill(first.cl_ord_id, 1)
    second = sent_order(d)
    assert (second.cl_ord_id, second.qty) == (f"{name}/2", 4)
    d.fill(second.cl_ord_id, 4)
    third = sent_order(d)
    assert third.qty == 2
    d.fill(third.cl_ord_id, 2)
    order = d.order(name)
    assert (order.status, order.cum_qty, order.order_id) == (OrdStatus.FILLED, 10, "v1")
    assert d.position().qty == 10
    assert not d.kernel.working()
    d.fill(first.cl_ord_id, 4, exec_id="late")
    assert d.order(name).cum_qty == 14
    assert any("beyond its quantity" in n.text for n in d.notices())
    d.replayed()


def test_cancel_of_an_iceberg_cancels_its_slice():
    d = Driver()
    name = iceberg(d)
    d.report(f"{name}/1", ExecType.NEW, OrdStatus.NEW, order_id="v1")
    request = d.cancel(name)
    (asked,) = d.cancels()
    assert asked.order.cl_ord_id == f"{name}/1"
    d.canceled(f"{name}/1", request=request)
    assert d.status_of(name) is OrdStatus.CANCELED
    other = iceberg(d)
    piece = sent_order(d).cl_ord_id
    d.cancel(other)
    d.fill(piece, 4)
    assert not d.sent()
    assert d.status_of(other) is OrdStatus.CANCELED


def test_change_of_an_iceberg():
    d = Driver()
    name = iceberg(d)
    piece = f"{name}/1"
    d.report(piece, ExecType.NEW, OrdStatus.NEW)
    d.replace(name, 20, 20_000)
    assert not d.replaces(), "what is shown stays as it is"
    assert d.order(name).qty == 20
    request = d.replace(name, 20, 19_995)
    (change,) = d.replaces()
    assert (change.order.cl_ord_id, change.qty, change.price) == (piece, 4, 19_995)
    d.replaced(piece, request, qty=4, price=19_995)
    order = d.order(name)
    assert (order.qty, order.price) == (20, 19_995)
    d.fill(piece, 4, 19_995)
    assert sent_order(d).price == 19_995
    request = d.replace(name, 6, 19_995)
    (change,) = d.replaces()
    assert change.qty == 2
    d.replaced(change.order.cl_ord_id, request, qty=2, price=19_995)
    d.fill(change.order.cl_ord_id, 2, 19_995)
    assert d.status_of(name) is OrdStatus.FILLED


def test_a_refused_slice_ends_the_iceberg():
    d = Driver()
    name = iceberg(d)
    d.fill(f"{name}/1", 4)
    d.reject(f"{name}/2")
    assert d.status_of(name) is OrdStatus.CANCELED
    assert d.order(name).cum_qty == 4


def test_no_slice_leaves_a_halted_account():
    d = Driver()
    name = iceberg(d)
    d.halt()
    d.fill(f"{name}/1", 4)
    assert not d.sent()
    order = d.order(name)
    assert (order.status, order.code) == (OrdStatus.CANCELED, "TRADING_HALTED")
    assert d.notices()[-1].severity is Severity.CRITICAL


def test_the_next_slice_waits_for_the_link():
    d = Driver()
    name = iceberg(d)
    d.fill(f"{name}/1", 3)
    d.down()
    d.fill(f"{name}/1", 1)
    assert not d.sent()
    d.link(LinkState.UP)
    assert sent_order(d).cl_ord_id == f"{name}/2"
    d.down()
    assert d.status_of(name) is OrdStatus.UNKNOWN, "nobody knows whether the slice arrived"
    (there,) = d.kernel.at_venues()
    assert (there.cl_ord_id, there.qty, there.cum_qty) == (f"{name}/2", 4, 0)
    d.canceled(f"{name}/2")
    assert d.status_of(name) is OrdStatus.CANCELED


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (ExecType.CANCELED, OrdStatus.CANCELED),
        (ExecType.REJECTED, OrdStatus.REJECTED),
        (ExecType.ORDER_STATUS, OrdStatus.EXPIRED),
        (ExecType.RESTATED, OrdStatus.NEW),
        (ExecType.DONE_FOR_DAY, OrdStatus.DONE_FOR_DAY),
    ],
)
def test_what_is_said_of_a_slice_that_is_over_does_not_touch_the_order(kind, status):
    """The next slice works at the venue: it must count, be seen, and be cancelled."""
    d = Driver()
    name = iceberg(d)
    d.report(f"{name}/1", ExecType.NEW, OrdStatus.NEW, order_id="v1")
    d.fill(f"{name}/1", 4)
    d.report(f"{name}/2", ExecType.NEW, OrdStatus.NEW, order_id="v2")
    before = d.order(name)
    d.restart()
    d.report(f"{name}/1", kind, status, qty=4, price=19_000, cum_qty=4)
    assert d.order(name) == before
    assert [o.cl_ord_id for o in d.kernel.at_venues()] == [f"{name}/2"]
    d.cancel(name)
    assert [asked.order.cl_ord_id for asked in d.cancels()] == [f"{name}/2"]
    d.fill(f"{name}/1", 1)
    assert d.order(name).cum_qty == 5, "its executions count, however late"


@pytest.mark.parametrize("corrected", [0, 2])
def test_a_slice_of_which_an_execution_is_taken_back_works_on(corrected):
    """The next one would come on top of it, and more be bought than was ordered."""
    d = Driver()
    name = iceberg(d)
    piece = f"{name}/1"
    d.report(piece, ExecType.NEW, OrdStatus.NEW, order_id="v1")
    d.fill(piece, 3, 19_990, exec_id="e1")
    kind = ExecType.TRADE_CORRECT if corrected else ExecType.TRADE_CANCEL
    terms = {"last_qty": corrected, "last_price": 19_980} if corrected else {}
    d.report(piece, kind, OrdStatus.PARTIALLY_FILLED, exec_id="e2", exec_ref="e1", **terms)
    (there,) = d.kernel.at_venues()
    assert (there.cum_qty, there.notional) == (corrected, corrected * 19_980)
    d.restart()
    d.fill(piece, 3 - corrected)
    assert not d.sent()
    d.fill(piece, 1)
    assert sent_order(d).cl_ord_id == f"{name}/2"
    assert d.order(name).cum_qty == 4
    assert d.position().qty == 4
    d.replayed()


def test_a_slice_knows_what_was_paid_for_it():
    """What its venue says it was filled for is compared with that."""
    d = Driver()
    name = iceberg(d)
    d.fill(f"{name}/1", 4, 19_990)
    d.fill(f"{name}/2", 1, 20_000)
    d.fill(f"{name}/1", 1, 19_000)
    d.restart()
    (there,) = d.kernel.at_venues()
    assert (there.cl_ord_id, there.cum_qty, there.notional) == (f"{name}/2", 1, 20_000)
    assert d.order(name).notional == 4 * 19_990 + 20_000 + 19_000


def test_what_was_paid_for_a_slice_is_reckoned_from_a_snapshot_of_before():
    d = Driver()
    name = iceberg(d)
    d.fill(f"{name}/1", 4, 19_990)
    d.fill(f"{name}/2", 2, 19_990)
    memory = msgspec.msgpack.decode(d.kernel.dump())
    for order in memory[7]:
        if order[-2] is not None:
            assert order[-2].pop() == [4 * 19_990, 2 * 19_990]
    (there,) = Kernel.load(msgspec.msgpack.encode(memory)).at_venues()
    assert (there.cl_ord_id, there.cum_qty, there.notional) == (f"{name}/2", 2, 2 * 19_990)


def test_an_iceberg_between_two_slices_goes_on_whatever_is_said_of_the_last():
    d = Driver()
    name = iceberg(d)
    d.down()
    d.fill(f"{name}/1", 4)
    d.canceled(f"{name}/1")
    assert d.order(name).held
    (notice,) = d.notices()
    assert "of which nothing is there" in notice.text
    d.link(LinkState.UP)
    assert sent_order(d).cl_ord_id == f"{name}/2"
