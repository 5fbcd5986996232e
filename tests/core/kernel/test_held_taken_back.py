"""Slices of which an execution is taken back, or of which nobody knows what became."""

from __future__ import annotations

import pytest

from core.model.enums import ExecType, LinkState, OrdStatus, TimeInForce
from tests.core.kernel.driver import BUY, SECOND, START, Driver

PART, CANCELED, UNKNOWN = OrdStatus.PARTIALLY_FILLED, OrdStatus.CANCELED, OrdStatus.UNKNOWN


def iceberg(d, qty=10, shown=4, **more):
    name = d.new(BUY, qty, display_qty=shown, **more)
    d.report(f"{name}/1", ExecType.NEW, OrdStatus.NEW, order_id="v1", qty=shown)
    return name


def bust(d, piece, ref, status=PART):
    d.report(piece, ExecType.TRADE_CANCEL, status, exec_id=f"{ref}-back", exec_ref=ref)


def there(d):
    """What may still trade at the venue, by slice."""
    slices = [*d.kernel.at_venues(), *d.kernel.left_behind()]
    return {o.cl_ord_id: o.qty - o.cum_qty for o in slices}


def between(d, qty=10):
    """An iceberg whose first slice is filled, and whose next one waits for the link."""
    name = iceberg(d, qty)
    d.fill(f"{name}/1", 1)
    d.down()
    d.fill(f"{name}/1", 3, exec_id="e")
    assert d.order(name).held
    assert not there(d)
    return name


def test_no_slice_follows_one_that_works_again():
    """Both would trade, and more than is to be shown."""
    d = Driver()
    name = between(d)
    bust(d, f"{name}/1", "e")
    assert there(d) == {f"{name}/1": 3}
    d.restart()
    d.link(LinkState.UP)
    assert not d.sent()
    d.fill(f"{name}/1", 2)
    assert not d.sent()
    d.fill(f"{name}/1", 1)
    assert [r.order.cl_ord_id for r in d.sent()] == [f"{name}/2"]
    assert there(d) == {f"{name}/2": 4}
    d.replayed()


def test_one_that_works_again_between_two_slices_is_canceled_there():
    d = Driver()
    name = between(d)
    bust(d, f"{name}/1", "e")
    d.link(LinkState.UP)
    d.cancel(name)
    assert [r.order.cl_ord_id for r in d.cancels()] == [f"{name}/1"]
    d.canceled(f"{name}/1")
    assert d.status_of(name) is CANCELED


def test_a_slice_follows_one_that_does_not_come_back():
    d = Driver()
    name = between(d, qty=5)
    bust(d, f"{name}/1", "e", CANCELED)
    assert not there(d)
    d.link(LinkState.UP)
    assert there(d) == {f"{name}/2": 4}
    assert d.order(name).cum_qty == 1


def beside(d):
    """An iceberg of 8 whose first slice works again, with 3 lots, beside the second one of 4."""
    name = iceberg(d, 8)
    d.fill(f"{name}/1", 1)
    d.fill(f"{name}/1", 3, exec_id="e")
    d.report(f"{name}/2", ExecType.NEW, OrdStatus.NEW, order_id="v2", qty=4)
    bust(d, f"{name}/1", "e")
    assert there(d) == {f"{name}/1": 3, f"{name}/2": 4}
    return name


def test_slices_beside_each_other_buy_no_more_than_was_ordered():
    d = Driver()
    name = beside(d)
    d.fill(f"{name}/2", 4)
    assert not d.sent()
    assert there(d) == {f"{name}/1": 3}
    d.restart()
    d.fill(f"{name}/1", 3)
    order = d.order(name)
    assert (order.status, order.cum_qty, d.position().qty) == (OrdStatus.FILLED, 8, 8)
    assert not there(d)
    d.replayed()


@pytest.mark.parametrize(
    ("kind", "status"),
    [(ExecType.CANCELED, CANCELED), (ExecType.ORDER_STATUS, OrdStatus.EXPIRED)],
)
def test_what_a_slice_left_that_is_over_now_is_sent_anew(kind, status):
    d = Driver()
    name = beside(d)
    d.fill(f"{name}/2", 4)
    d.report(f"{name}/1", kind, status)
    assert there(d) == {f"{name}/3": 3}
    d.fill(f"{name}/3", 3)
    assert d.status_of(name) is OrdStatus.FILLED


def test_a_change_counts_what_works_beside_a_slice():
    d = Driver()
    name = beside(d)
    d.replace(name, 6, 20_000)
    (change,) = d.replaces()
    assert (change.order.cl_ord_id, change.qty) == (f"{name}/2", 2), "3 + 2 + what is filled"


def test_a_cancel_reaches_every_slice():
    d = Driver()
    name = beside(d)
    request = d.cancel(name)
    asked = {r.order.cl_ord_id: r for r in d.cancels()}
    assert set(asked) == {f"{name}/1", f"{name}/2"}
    d.cancel_reject(f"{name}/1", asked[f"{name}/1"].request)
    assert d.status_of(name) is OrdStatus.PENDING_CANCEL, "that was about the other slice"
    d.canceled(f"{name}/2", request=request)
    assert d.status_of(name) is CANCELED
    assert there(d) == {f"{name}/1": 3}, "it is looked after until it is over"
    d.canceled(f"{name}/1")
    assert not there(d)
    assert not d.sent()


def test_a_filled_iceberg_whose_last_slice_works_again_is_alive():
    d = Driver()
    name = iceberg(d, 4)
    d.fill(f"{name}/1", 4, exec_id="e")
    assert d.status_of(name) is OrdStatus.FILLED
    bust(d, f"{name}/1", "e")
    assert d.status_of(name) is OrdStatus.NEW
    assert there(d) == {f"{name}/1": 4}
    d.restart()
    d.cancel(name)
    assert [r.order.cl_ord_id for r in d.cancels()] == [f"{name}/1"]
    d.replayed()


def test_an_order_that_is_alive_again_ends_in_time():
    d = Driver()
    until = START + 60 * SECOND
    name = d.new(BUY, 4, tif=TimeInForce.GTD, expire=until)
    d.ack(name)
    d.fill(name, 4, exec_id="e")
    bust(d, name, "e")
    assert d.status_of(name) is OrdStatus.NEW
    d.tick(61)
    assert [r.order.cl_ord_id for r in d.cancels()] == [name]


# -- what is not known -----------------------------------------------------------------------


def unanswered(d):
    """An iceberg of whose second slice nothing was heard until the link broke."""
    name = iceberg(d)
    d.fill(f"{name}/1", 4, exec_id="e")
    assert there(d) == {f"{name}/2": 4}
    return name


def test_a_slice_without_an_answer_is_in_doubt():
    d = Driver()
    name = unanswered(d)
    d.report(f"{name}/2", ExecType.ORDER_STATUS, UNKNOWN, order_id="")
    assert d.status_of(name) is UNKNOWN
    d.replace(name, 12, 20_000)
    assert not d.replaces()
    d.report(f"{name}/2", ExecType.NEW, OrdStatus.NEW, order_id="v2")
    assert d.status_of(name) is PART


@pytest.mark.parametrize("what", ["trade", "bust", "correction"])
def test_a_word_on_an_older_slice_does_not_tell_what_became_of_the_last(what):
    d = Driver()
    name = unanswered(d)
    d.down()
    assert d.status_of(name) is UNKNOWN
    piece = f"{name}/1"
    if what == "trade":
        d.fill(piece, 1)
    elif what == "bust":
        bust(d, piece, "e", CANCELED)
    else:
        kind = ExecType.TRADE_CORRECT
        d.report(piece, kind, PART, exec_id="c", exec_ref="e", last_qty=4, last_price=19_999)
    assert d.status_of(name) is UNKNOWN
    d.restart()
    d.fill(f"{name}/2", 1)
    assert d.status_of(name) is PART
    d.replayed()


def test_a_correction_does_not_tell_what_became_of_a_change():
    d = Driver()
    name = d.new(BUY, 10)
    d.ack(name)
    d.fill(name, 2, exec_id="e")
    d.replace(name, 12, 20_000)
    d.down()
    kind = ExecType.TRADE_CORRECT
    d.report(name, kind, PART, exec_id="c", exec_ref="e", last_qty=2, last_price=19_999)
    assert d.status_of(name) is UNKNOWN


def test_a_venue_that_cannot_cancel_a_slice_may_have_it_still_to_come():
    """As with an order of which nothing was heard yet: a cancel may overtake it."""
    d = Driver()
    name = unanswered(d)
    request = d.cancel(name)
    d.cancel_reject(f"{name}/2", request, OrdStatus.REJECTED)
    assert d.status_of(name) is PART
    assert there(d) == {f"{name}/2": 4}


def test_an_order_with_executions_that_its_venue_does_not_know_was_not_rejected():
    d = Driver()
    name = d.new(BUY, 10)
    d.ack(name)
    d.fill(name, 2)
    d.cancel_reject(name, d.cancel(name), OrdStatus.REJECTED)
    assert d.status_of(name) is CANCELED


def test_a_filled_iceberg_of_which_an_older_slice_works_again_waits_for_it():
    d = Driver()
    name = iceberg(d, 8)
    d.fill(f"{name}/1", 4, exec_id="e")
    d.fill(f"{name}/2", 4)
    bust(d, f"{name}/1", "e")
    assert (d.status_of(name), there(d)) == (PART, {f"{name}/1": 4})
    d.restart()
    d.tick()
    d.quote()
    assert not d.sent()
    d.fill(f"{name}/1", 1)
    d.canceled(f"{name}/1")
    assert there(d) == {f"{name}/3": 3}, "the rest of it goes out anew"
    d.fill(f"{name}/3", 3)
    assert (d.status_of(name), d.position().qty) == (OrdStatus.FILLED, 8)
    d.replayed()


def test_such_an_iceberg_is_canceled_there():
    d = Driver()
    name = iceberg(d, 8)
    d.fill(f"{name}/1", 4, exec_id="e")
    d.fill(f"{name}/2", 4)
    bust(d, f"{name}/1", "e")
    d.cancel(name)
    assert [r.order.cl_ord_id for r in d.cancels()] == [f"{name}/1"]
    assert d.status_of(name) is CANCELED
