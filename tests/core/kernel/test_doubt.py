"""Orders in doubt: what is late, lost, unknown or too much."""

from __future__ import annotations

import pytest

from core.model.enums import ExecType, LinkState, OrdStatus, Severity
from core.model.orders import OrderUpdate
from tests.core.kernel.driver import BTC, Driver


def test_late_execution_after_a_cancel_is_booked_and_told():
    d = Driver()
    name = d.working()
    d.canceled(name)
    d.fill(name, 4)
    order = d.order(name)
    assert (order.status, order.cum_qty) == (OrdStatus.CANCELED, 4)
    assert d.position().qty == 4
    assert d.notices()[0].severity is Severity.WARNING
    d.fill(name, 6)
    assert d.status_of(name) is OrdStatus.FILLED
    assert d.position().qty == 10
    d.new()
    assert d.accepted(), "nothing of it is left in the open quantity"


def test_overfill_is_booked_and_shouted():
    d = Driver()
    name = d.working()
    d.fill(name, 12)
    order = d.order(name)
    assert (order.status, order.cum_qty, order.leaves) == (OrdStatus.FILLED, 12, 0)
    assert d.position().qty == 12
    assert d.notices()[0].severity is Severity.CRITICAL


def test_execution_of_an_unknown_order():
    d = Driver()
    d.fill("who", 5)
    (notice,) = d.out
    assert notice.severity is Severity.CRITICAL
    assert d.position() is None
    d.report("who", ExecType.NEW, OrdStatus.NEW)
    assert d.notices()[0].severity is Severity.WARNING


def test_report_on_an_order_that_was_denied():
    d = Driver()
    name = d.new(qty=0)
    d.report(name, ExecType.NEW, OrdStatus.NEW)
    (notice,) = d.out
    assert notice.severity is Severity.CRITICAL
    assert "never sent" in notice.text


def test_rejected_after_a_fill_ends_the_rest():
    d = Driver()
    name = d.working()
    d.fill(name, 4)
    d.report(name, ExecType.REJECTED, OrdStatus.REJECTED, text="?")
    assert d.status_of(name) is OrdStatus.CANCELED
    assert d.notices()[0].severity is Severity.ERROR


def test_cancel_report_that_knows_more_fills_than_we():
    d = Driver()
    name = d.working()
    d.canceled(name, cum_qty=4)
    assert "late or lost" in d.notices()[0].text
    d.fill(name, 4)
    assert d.position().qty == 4


def test_link_loss_makes_unanswered_orders_unknown():
    d = Driver()
    sent, resting, elsewhere = d.new(), d.working(), d.new(instrument=BTC, price=600_000)
    d.down()
    assert d.status_of(sent) is OrdStatus.UNKNOWN
    assert d.status_of(resting) is OrdStatus.NEW
    assert d.status_of(elsewhere) is OrdStatus.PENDING_NEW
    (update,) = d.of(OrderUpdate)
    assert "unknown" in update.text
    d.down()
    assert d.out == []
    d.replace(sent, 5, 20_000)
    assert d.refusal().code == "ORDER_UNKNOWN"
    d.cancel(sent)
    assert len(d.cancels()) == 1


@pytest.mark.parametrize(
    ("answer", "after"),
    [
        (OrdStatus.NEW, OrdStatus.NEW),
        (OrdStatus.REJECTED, OrdStatus.REJECTED),
        (OrdStatus.CANCELED, OrdStatus.CANCELED),
        (OrdStatus.UNKNOWN, OrdStatus.UNKNOWN),
        (OrdStatus.FILLED, OrdStatus.UNKNOWN),
        (OrdStatus.PENDING_NEW, OrdStatus.PENDING_NEW),
    ],
)
def test_the_venues_word_resolves_an_unknown_order(answer, after):
    d = Driver()
    name = d.new()
    d.down()
    d.report(name, ExecType.ORDER_STATUS, answer, cum_qty=10 if answer is OrdStatus.FILLED else 0)
    assert d.status_of(name) is after


def test_a_fill_or_acknowledgement_resolves_an_unknown_order():
    d = Driver()
    first, second = d.new(), d.new()
    d.down()
    d.fill(first, 1)
    assert d.status_of(first) is OrdStatus.PARTIALLY_FILLED
    d.report(second, ExecType.NEW, OrdStatus.NEW)
    assert d.status_of(second) is OrdStatus.NEW


def test_lost_requests_are_resolved_by_the_venues_list():
    d = Driver()
    name = d.working()
    d.replace(name, 20, 20_000)
    d.down()
    assert d.status_of(name) is OrdStatus.UNKNOWN
    d.link(LinkState.UP)
    d.report(name, ExecType.ORDER_STATUS, OrdStatus.NEW, qty=20, price=20_000)
    order = d.order(name)
    assert (order.status, order.qty, order.pending_qty) == (OrdStatus.NEW, 20, 0)


def test_an_answer_after_all_to_the_only_lost_request_ends_the_doubt():
    d = Driver()
    name = d.working()
    request = d.cancel(name)
    d.down()
    assert d.status_of(name) is OrdStatus.UNKNOWN
    d.cancel_reject(name, request)
    assert d.status_of(name) is OrdStatus.NEW


def test_a_lost_cancel_may_be_asked_again():
    d = Driver()
    name = d.working()
    d.cancel(name)
    d.down()
    again = d.cancel(name)
    d.cancel_reject(name, again, OrdStatus.CANCELED)
    assert d.status_of(name) is OrdStatus.CANCELED


def test_a_request_for_an_unknown_order_is_lost_when_the_link_breaks_again():
    d = Driver()
    name = d.new()
    d.down()
    d.link(LinkState.UP)
    d.cancel(name)
    d.down()
    d.link(LinkState.UP)
    d.report(name, ExecType.ORDER_STATUS, OrdStatus.NEW)
    assert d.status_of(name) is OrdStatus.NEW


def test_what_a_venue_says_again_does_not_tell_what_became_of_a_lost_request():
    d = Driver()
    name = d.working()
    d.cancel(name)
    d.down()
    d.link(LinkState.UP)
    d.report(name, ExecType.NEW, OrdStatus.NEW)
    assert d.status_of(name) is OrdStatus.UNKNOWN
    d.report(name, ExecType.ORDER_STATUS, OrdStatus.NEW)
    assert d.status_of(name) is OrdStatus.NEW
