"""The scenarios of FIX 4.4 volume 4, appendix D, seen from the side that sends the order.

Each test bears the number of its scenario. Differences by intent: an order that is filled is shown
as FILLED at once, not as pending until its cancel is rejected; a filled order is not reopened by a
replace, which is refused here. What is about the seller's side only (D.1.b, D.2.c: rejects before
and telescoping of requests are the same messages here), text of a floor (E.1.a, F.1.c, G.1.b,
L.1.a) and quantities of cash (L.1.b) has no counterpart.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.model.enums import ExecType, LinkState, OrdStatus, TimeInForce
from tests.core.kernel.driver import AAPL, BUY, Driver

NEW, PART, FILLED = OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED, OrdStatus.FILLED
CANCELED, P_CANCEL, P_REPLACE = (
    OrdStatus.CANCELED,
    OrdStatus.PENDING_CANCEL,
    OrdStatus.PENDING_REPLACE,
)
LOTS = 10_000
WIDE = (("max_order_notional", Decimal(10**9)), ("max_exposure", Decimal(10**9)))


class Story(Driver):
    """One order of 10,000 lots and what is told of it."""

    def __init__(self, *, acked=True, **terms):
        super().__init__(*WIDE)
        self.id = self.new(BUY, LOTS, **terms)
        if acked:
            self.ack(self.id)

    def state(self):
        order = self.order(self.id)
        return order.status, order.qty, order.cum_qty, order.leaves

    def traded(self, lots, price=20_000, **more):
        self.fill(self.id, lots, price, **more)

    def is_replaced(self, request, qty, status=NEW):
        self.report(self.id, ExecType.REPLACED, status, request=request, qty=qty, price=20_000)


def test_a_1_a_filled_order():
    d = Story(acked=False)
    assert d.state() == (OrdStatus.PENDING_NEW, LOTS, 0, LOTS)
    d.ack(d.id)
    assert d.state() == (NEW, LOTS, 0, LOTS)
    d.traded(2_000)
    assert d.state() == (PART, LOTS, 2_000, 8_000)
    d.traded(1_000)
    d.traded(7_000)
    assert d.state() == (FILLED, LOTS, LOTS, 0)


def test_a_1_b_part_filled_day_order_done_for_day():
    d = Story(tif=TimeInForce.DAY)
    d.traded(2_000)
    d.traded(1_000)
    d.report(d.id, ExecType.DONE_FOR_DAY, OrdStatus.DONE_FOR_DAY, cum_qty=3_000)
    assert d.state() == (OrdStatus.DONE_FOR_DAY, LOTS, 3_000, 7_000)
    d.report(d.id, ExecType.EXPIRED, OrdStatus.EXPIRED)
    assert d.state() == (OrdStatus.EXPIRED, LOTS, 3_000, 0)


def test_b_1_a_cancel_of_an_unfilled_order():
    d = Story()
    request = d.cancel(d.id)
    assert d.state()[0] is P_CANCEL
    d.report(d.id, ExecType.PENDING_CANCEL, P_CANCEL, request=request)
    assert d.state()[0] is P_CANCEL
    d.canceled(d.id, request=request)
    assert d.state() == (CANCELED, LOTS, 0, 0)


def test_b_1_b_executions_while_the_cancel_is_active():
    d = Story()
    d.traded(2_000)
    request = d.cancel(d.id)
    d.traded(3_000)
    assert d.state() == (P_CANCEL, LOTS, 5_000, 5_000)
    d.report(d.id, ExecType.PENDING_CANCEL, P_CANCEL, request=request)
    d.canceled(d.id, request=request)
    assert d.state() == (CANCELED, LOTS, 5_000, 0)


def test_b_1_c_filled_before_the_cancel_is_accepted():
    d = Story()
    request = d.cancel(d.id)
    d.traded(LOTS)
    d.cancel_reject(d.id, request, FILLED)
    assert d.refusal().code == "TOO_LATE"
    assert d.state() == (FILLED, LOTS, LOTS, 0)


def test_b_1_d_cancel_of_an_order_that_is_not_acknowledged():
    d = Story(acked=False)
    request = d.cancel(d.id)
    d.canceled(d.id, request=request)
    assert d.state() == (CANCELED, LOTS, 0, 0)


def test_b_1_e_acknowledgement_and_cancel_cross():
    d = Story(acked=False)
    request = d.cancel(d.id)
    d.ack(d.id)
    assert d.state()[0] is P_CANCEL
    d.canceled(d.id, request=request)
    assert d.state()[0] is CANCELED


def test_b_1_f_cancel_of_an_unknown_order():
    d = Story()
    d.cancel("who")
    assert d.refusal().code == "UNKNOWN_ORDER"
    request = d.cancel(d.id)
    d.cancel_reject(d.id, request, OrdStatus.REJECTED, text="unknown order")
    assert d.state()[0] is OrdStatus.REJECTED
    d.cancel_reject("who", "T-99")
    assert "not known here" in d.notices()[0].text


def test_c_1_a_increase_of_an_unfilled_order():
    d = Story()
    request = d.replace(d.id, 11_000, 20_000)
    assert d.state()[0] is P_REPLACE
    d.is_replaced(request, 11_000)
    assert d.state() == (NEW, 11_000, 0, 11_000)
    d.traded(1_000)
    d.traded(2_000)
    assert d.state() == (PART, 11_000, 3_000, 8_000)


def test_c_1_b_increase_with_an_execution_while_it_is_pending():
    d = Story()
    d.traded(1_000)
    request = d.replace(d.id, 12_000, 20_000)
    d.traded(100)
    assert d.state() == (P_REPLACE, LOTS, 1_100, 8_900)
    d.is_replaced(request, 12_000, PART)
    assert d.state() == (PART, 12_000, 1_100, 10_900)
    d.traded(10_900)
    assert d.state() == (FILLED, 12_000, 12_000, 0)


def test_c_1_c_increase_of_a_filled_order():
    d = Story()
    request = d.replace(d.id, 12_000, 20_000)
    d.traded(LOTS)
    assert d.state() == (P_REPLACE, LOTS, LOTS, 0)
    d.is_replaced(request, 12_000, PART)
    assert d.state() == (PART, 12_000, LOTS, 2_000)
    d.traded(2_000)
    d.replace(d.id, 13_000, 20_000)
    assert d.refusal().code == "TOO_LATE"


def test_c_2_a_replace_rejected_since_a_fill_has_occurred():
    d = Story()
    request = d.replace(d.id, LOTS, 20_005)
    d.traded(1_000)
    d.cancel_reject(d.id, request, PART, replace=True)
    assert d.state() == (PART, LOTS, 1_000, 9_000)
    assert d.order(d.id).price == 20_000
    assert d.refusal().code == "REPLACE_REJECTED"


def test_c_3_a_decrease_above_what_is_filled():
    d = Story()
    request = d.replace(d.id, 8_000, 20_000)
    d.traded(1_000)
    d.traded(500)
    d.is_replaced(request, 8_000, PART)
    assert d.state() == (PART, 8_000, 1_500, 6_500)
    d.traded(6_500)
    assert d.state() == (FILLED, 8_000, 8_000, 0)


def test_c_3_b_decrease_to_what_is_filled():
    d = Story()
    request = d.replace(d.id, 8_000, 20_000)
    d.traded(8_000)
    d.is_replaced(request, 8_000, FILLED)
    assert d.state() == (FILLED, 8_000, 8_000, 0)


def test_c_3_c_decrease_below_what_is_filled():
    d = Story()
    request = d.replace(d.id, 7_000, 20_000)
    d.traded(8_000)
    d.is_replaced(request, 8_000, FILLED)
    assert d.state() == (FILLED, 8_000, 8_000, 0)


def test_d_1_a_two_replaces_one_after_the_other():
    d = Story()
    d.traded(1_000)
    first = d.replace(d.id, 9_000, 20_000)
    d.is_replaced(first, 9_000, PART)
    second = d.replace(d.id, 7_000, 20_000)
    d.is_replaced(second, 7_000, PART)
    assert d.state() == (PART, 7_000, 1_000, 6_000)


@pytest.mark.parametrize("pending_first", [False, True])
def test_d_1_b_and_c_a_replace_rejected_then_one_accepted(pending_first):
    d = Story()
    first = d.replace(d.id, 9_000, 20_000)
    if pending_first:
        d.report(d.id, ExecType.PENDING_REPLACE, P_REPLACE, request=first)
    d.traded(500)
    d.cancel_reject(d.id, first, PART, replace=True)
    second = d.replace(d.id, 7_000, 20_000)
    d.is_replaced(second, 7_000, PART)
    assert d.state() == (PART, 7_000, 500, 6_500)


def test_d_2_a_replaces_in_flight_answered_in_order():
    d = Story()
    first = d.replace(d.id, 8_000, 20_000)
    second = d.replace(d.id, 6_000, 20_000)
    assert d.order(d.id).pending_qty == 6_000
    d.is_replaced(first, 8_000)
    assert d.state() == (P_REPLACE, 8_000, 0, 8_000)
    d.traded(1_000)
    d.is_replaced(second, 6_000, PART)
    assert d.state() == (PART, 6_000, 1_000, 5_000)


def test_d_2_b_pending_replaces_before_replaces():
    d = Story()
    first = d.replace(d.id, 8_000, 20_000)
    second = d.replace(d.id, 6_000, 20_000)
    for request in (first, second):
        d.report(d.id, ExecType.PENDING_REPLACE, P_REPLACE, request=request)
    d.is_replaced(first, 8_000)
    d.cancel_reject(d.id, second, NEW, replace=True)
    assert d.state() == (NEW, 8_000, 0, 8_000)


def test_e_1_b_unsolicited_cancel_of_a_part_filled_order():
    d = Story()
    d.traded(2_000)
    d.canceled(d.id, text="the broker")
    assert d.state() == (CANCELED, LOTS, 2_000, 0)
    assert d.order(d.id).text == "the broker"


def test_e_1_c_unsolicited_replacement_of_a_part_filled_order():
    d = Story()
    d.traded(2_000)
    d.report(d.id, ExecType.RESTATED, PART, qty=LOTS, price=20_010, cum_qty=2_000)
    assert d.state() == (PART, LOTS, 2_000, 8_000)
    assert d.order(d.id).price == 20_010


def test_e_1_d_unsolicited_reduction():
    d = Story()
    d.report(d.id, ExecType.RESTATED, NEW, qty=9_000)
    assert d.state() == (NEW, 9_000, 0, 9_000)
    d.traded(9_000)
    assert d.state() == (FILLED, 9_000, 9_000, 0)


@pytest.mark.parametrize("qty", [2_000, 500])
def test_restated_to_what_is_filled_or_less(qty):
    d = Story()
    d.traded(2_000)
    d.report(d.id, ExecType.RESTATED, PART, qty=qty)
    assert d.state() == (FILLED, 2_000, 2_000, 0)


def test_f_1_a_and_b_duplicate_id_and_possible_resend():
    d = Story()
    d.new(BUY, LOTS, id=d.id)
    assert d.refusal().code == "DUPLICATE_CLIENT_ID"
    assert not d.sent()
    d.report(d.id, ExecType.ORDER_STATUS, NEW, qty=LOTS, text="This order is known already.")
    assert d.state() == (NEW, LOTS, 0, LOTS)


def test_f_rejected():
    d = Story(acked=False)
    d.reject(d.id, "too large")
    assert d.state() == (OrdStatus.REJECTED, LOTS, 0, 0)


def test_g_1_a_status_of_an_order_that_the_venue_does_not_know():
    d = Story(acked=False)
    d.down()
    assert d.state()[0] is OrdStatus.UNKNOWN
    d.report(d.id, ExecType.ORDER_STATUS, OrdStatus.REJECTED, text="unknown order")
    assert d.state()[0] is OrdStatus.REJECTED


def test_g_1_c_status_requests_through_the_life_of_an_order():
    d = Story(acked=False)

    def status(word, cum=0):
        d.report(d.id, ExecType.ORDER_STATUS, word, qty=LOTS, cum_qty=cum)

    status(OrdStatus.PENDING_NEW)
    assert d.state()[0] is OrdStatus.PENDING_NEW
    status(NEW)
    assert d.state()[0] is NEW
    d.traded(2_000)
    status(PART, 2_000)
    assert d.state() == (PART, LOTS, 2_000, 8_000)
    request = d.cancel(d.id)
    status(P_CANCEL, 2_000)
    assert d.state()[0] is P_CANCEL
    d.canceled(d.id, request=request)
    status(CANCELED, 2_000)
    assert d.state() == (CANCELED, LOTS, 2_000, 0)


def next_day(d):
    d.report(d.id, ExecType.DONE_FOR_DAY, OrdStatus.DONE_FOR_DAY)
    d.tick(3600, session="tomorrow")
    assert d.order(d.id).working
    d.quote(AAPL)


def test_h_1_a_good_till_canceled_over_days():
    d = Story()
    d.traded(2_000)
    next_day(d)
    d.report(d.id, ExecType.RESTATED, PART, qty=LOTS, price=20_000, cum_qty=2_000)
    assert d.state() == (PART, LOTS, 2_000, 8_000)
    d.traded(3_000)
    next_day(d)
    d.report(d.id, ExecType.RESTATED, PART, qty=LOTS, price=20_000)
    d.traded(5_000)
    assert d.state() == (FILLED, LOTS, LOTS, 0)


def test_h_1_b_good_till_canceled_over_a_split():
    d = Story()
    d.traded(5_000)
    next_day(d)
    d.report(d.id, ExecType.RESTATED, PART, qty=20_000, price=10_000)
    assert d.order(d.id).price == 10_000
    assert d.state() == (PART, 20_000, 5_000, 15_000)


def test_h_1_c_good_till_canceled_canceled_on_the_next_day():
    d = Story()
    d.traded(2_000)
    next_day(d)
    d.report(d.id, ExecType.RESTATED, PART, qty=LOTS)
    request = d.cancel(d.id)
    d.canceled(d.id, request=request)
    assert d.state() == (CANCELED, LOTS, 2_000, 0)


def test_h_1_d_good_till_canceled_increased_on_the_next_day():
    d = Story()
    d.traded(2_000)
    next_day(d)
    d.report(d.id, ExecType.RESTATED, PART, qty=LOTS)
    request = d.replace(d.id, 15_000, 20_000)
    assert d.state()[0] is P_REPLACE
    d.is_replaced(request, 15_000, PART)
    assert d.state() == (PART, 15_000, 2_000, 13_000)


def test_i_1_a_fill_or_kill_that_cannot_be_filled():
    d = Story(tif=TimeInForce.FOK)
    d.canceled(d.id, text="not enough on the other side")
    assert d.state() == (CANCELED, LOTS, 0, 0)


def test_i_1_b_immediate_or_cancel_hit_in_part():
    d = Story(tif=TimeInForce.IOC)
    d.traded(1_000)
    d.canceled(d.id, cum_qty=1_000)
    assert d.state() == (CANCELED, LOTS, 1_000, 0)


def corrected(d, ref, lots, price, status):
    d.report(
        d.id,
        ExecType.TRADE_CORRECT if lots else ExecType.TRADE_CANCEL,
        status,
        exec_id=f"k{d.seq}",
        exec_ref=ref,
        last_qty=lots,
        last_price=price,
    )


def test_j_1_a_filled_order_with_correction_and_bust():
    d = Story()
    d.traded(1_000, exec_id="a")
    d.traded(9_000, 20_010, exec_id="b")
    assert d.state()[0] is FILLED
    corrected(d, "b", 9_000, 20_005, FILLED)
    assert d.state() == (FILLED, LOTS, LOTS, 0)
    assert d.order(d.id).notional == 1_000 * 20_000 + 9_000 * 20_005
    corrected(d, "a", 0, 0, PART)
    assert d.state() == (PART, LOTS, 9_000, 1_000)
    assert d.position().qty == 9_000


def test_j_1_b_canceled_order_with_correction_and_bust():
    d = Story()
    d.traded(5_000, exec_id="a")
    d.traded(1_000, exec_id="b")
    d.canceled(d.id)
    corrected(d, "a", 4_000, 20_000, CANCELED)
    assert d.state() == (CANCELED, LOTS, 5_000, 0)
    corrected(d, "b", 0, 0, CANCELED)
    assert d.state() == (CANCELED, LOTS, 4_000, 0)


def test_j_1_c_corrections_over_days():
    d = Story()
    d.traded(2_000, exec_id="a")
    next_day(d)
    corrected(d, "a", 1_500, 20_000, PART)
    d.report(d.id, ExecType.RESTATED, PART, qty=LOTS)
    d.traded(3_000, exec_id="b")
    corrected(d, "b", 2_500, 20_000, PART)
    assert d.state() == (PART, LOTS, 4_000, 6_000)


def test_k_1_a_trading_halt_and_reinstatement():
    d = Story()
    d.traded(2_000)
    d.report(d.id, ExecType.SUSPENDED, OrdStatus.SUSPENDED)
    assert d.state() == (OrdStatus.SUSPENDED, LOTS, 2_000, 8_000)
    d.report(d.id, ExecType.RESTATED, PART, qty=LOTS)
    assert d.state() == (PART, LOTS, 2_000, 8_000)


def test_k_1_b_trading_halt_and_cancel():
    d = Story()
    d.report(d.id, ExecType.SUSPENDED, OrdStatus.SUSPENDED)
    d.canceled(d.id, text="halted for the day")
    assert d.state() == (CANCELED, LOTS, 0, 0)


# What the standard says outside of its scenarios.


def test_pending_cancel_outranks_pending_replace():
    d = Story()
    replace = d.replace(d.id, 9_000, 20_000)
    cancel = d.cancel(d.id)
    assert d.state()[0] is P_CANCEL
    d.is_replaced(replace, 9_000)
    assert d.state() == (P_CANCEL, 9_000, 0, 9_000)
    d.cancel_reject(d.id, cancel)
    assert d.state() == (NEW, 9_000, 0, 9_000)


def test_an_order_filled_while_its_cancel_is_pending_is_over_whatever_its_venue_says_or_not():
    """By intent, not by the table: there pending cancel stays until the cancel is rejected."""
    d = Story()
    request = d.cancel(d.id)
    d.traded(LOTS)
    assert d.state() == (FILLED, LOTS, LOTS, 0)
    assert not d.kernel.working(), "it counts in no limit, and no flatten waits for it"
    d.report(d.id, ExecType.PENDING_CANCEL, P_CANCEL, request=request, cum_qty=LOTS)
    assert d.state()[0] is FILLED
    d.canceled(d.id, request=request)
    assert d.state()[0] is FILLED
    assert "after it was FILLED" in d.notices()[0].text
    d.down()
    assert d.state()[0] is FILLED, "nothing is asked of its venue any more"
    d.replayed()


@pytest.mark.parametrize("qty", [9_000, LOTS])
def test_a_replace_to_no_more_than_is_filled_does_not_keep_an_order_alive(qty):
    d = Story()
    d.replace(d.id, qty, 20_001)
    d.traded(LOTS)
    assert d.state()[0] is FILLED
    assert not d.kernel.working()


@pytest.mark.parametrize(
    ("kind", "rest"),
    [
        (ExecType.DONE_FOR_DAY, OrdStatus.DONE_FOR_DAY),
        (ExecType.SUSPENDED, OrdStatus.SUSPENDED),
    ],
)
def test_done_for_day_and_suspended_outrank_part_filled(kind, rest):
    d = Story()
    d.report(d.id, kind, rest)
    fill = {"exec_id": "late", "last_qty": 2_000, "last_price": 20_000}
    d.report(d.id, ExecType.TRADE, rest, **fill)
    assert d.state() == (rest, LOTS, 2_000, 8_000)
    d.traded(1_000)
    assert d.state() == (PART, LOTS, 3_000, 7_000)
    request = d.cancel(d.id)
    d.report(d.id, kind, rest)
    assert d.state()[0] is P_CANCEL, "pending cancel outranks all"
    d.cancel_reject(d.id, request)
    assert d.state()[0] is rest
    d.traded(7_000)
    assert d.state()[0] is FILLED
    d.report(d.id, kind, rest)
    assert d.state()[0] is FILLED


def test_executions_are_counted_once_however_often_and_late_they_come():
    d = Story(acked=False)
    d.traded(2_000, exec_id="a")
    d.ack(d.id)
    d.traded(2_000, exec_id="a")
    d.canceled(d.id)
    d.traded(2_000, exec_id="a")
    d.traded(1_000, exec_id="b")
    assert d.state() == (CANCELED, LOTS, 3_000, 0)
    assert d.position().qty == 3_000
    d.link(LinkState.UP)
    d.replayed()


@pytest.mark.parametrize(
    ("kind", "status"),
    [(ExecType.REPLACED, NEW), (ExecType.RESTATED, NEW), (ExecType.ORDER_STATUS, NEW)],
)
def test_an_order_that_is_over_stays_so_and_what_is_said_of_it_is_told(kind, status):
    d = Story()
    d.canceled(d.id)
    d.report(d.id, kind, status, qty=9_000, price=20_001)
    assert d.state() == (CANCELED, LOTS, 0, 0)
    assert d.order(d.id).price == 20_000
    assert "after it was CANCELED" in d.notices()[0].text
    assert not d.kernel.working()
