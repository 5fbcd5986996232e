"""Our orders against the venue's own list, after a start and after each reconnection.

Rules, by name:

    SAME            the venue lists it as we know it: nothing to do, or its word on price and size
    NEVER_ARRIVED   the venue never acknowledged it and does not list it: canceled
    GONE            the venue had it and lists it no more: canceled; executions that happened
                    meanwhile still count when their reports arrive
    MISSED_FILLS    the venue says that more is filled than our books hold: shown, not guessed
    NOT_OURS        the venue lists an order that was not sent from here: shown
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from core.model.enums import ExecType, OrdStatus, Severity
from core.model.events import ExecutionReport, Notice, VenueOrder
from core.model.orders import Order


def reconcile(
    venue: str,
    ours: Sequence[Order],
    theirs: Iterable[VenueOrder],
    ts: int,
    known: Callable[[str], bool],
) -> tuple[list[ExecutionReport], list[Notice]]:
    """Reports that bring our books in line with the venue, and what a person should know.

    `ours` are the working orders of this venue, `known` tells whether an order id was ever ours.
    Doing it twice changes nothing the second time.
    """
    listed = {order.cl_ord_id: order for order in theirs}
    reports: list[ExecutionReport] = []
    notices: list[Notice] = []

    def say(severity: Severity, text: str) -> None:
        notices.append(Notice(ts, severity, "reconcile", text))

    for order in ours:
        there = listed.pop(order.cl_ord_id, None)
        if there is None:
            never = order.status in (OrdStatus.PENDING_NEW, OrdStatus.UNKNOWN) and (
                not order.order_id
            )
            rule = "NEVER_ARRIVED" if never else "GONE"
            text = f"{rule}: {venue} does not list it."
            say(
                Severity.WARNING,
                f"Order {order.cl_ord_id} in {order.instrument} is not at {venue} ({rule}); it is"
                " taken as canceled.",
            )
            reports.append(
                _report(venue, order, ts, ExecType.CANCELED, OrdStatus.CANCELED, rule, text)
            )
            continue
        if there.cum_qty > order.cum_qty:
            say(
                Severity.ERROR,
                f"{venue} says {there.cum_qty} lots of order {order.cl_ord_id} are filled and our"
                f" books hold {order.cum_qty} (MISSED_FILLS). Compare the position with {venue}.",
            )
        if _differs(order, there):
            reports.append(
                _report(
                    venue,
                    order,
                    ts,
                    ExecType.ORDER_STATUS,
                    OrdStatus.PARTIALLY_FILLED if there.cum_qty else OrdStatus.NEW,
                    "SAME",
                    f"{venue} lists it.",
                    there,
                )
            )
    for stray in listed.values():
        if known(stray.cl_ord_id):
            text = "which ended in our books"
        else:
            text = "which was not sent from here"
        say(
            Severity.WARNING,
            f"{venue} lists order {stray.cl_ord_id or stray.order_id} in {stray.instrument},"
            f" {text} (NOT_OURS). Cancel it there if it is not wanted.",
        )
    return reports, notices


def _differs(order: Order, there: VenueOrder) -> bool:
    waits = (
        OrdStatus.PENDING_NEW,
        OrdStatus.UNKNOWN,
        OrdStatus.PENDING_CANCEL,
        OrdStatus.PENDING_REPLACE,
    )
    return (
        order.status in waits
        or order.order_id != there.order_id
        or (order.qty, order.price) != (there.qty, there.price)
    )


def _report(
    venue: str,
    order: Order,
    ts: int,
    what: ExecType,
    status: OrdStatus,
    rule: str,
    text: str,
    there: VenueOrder | None = None,
) -> ExecutionReport:
    return ExecutionReport(
        venue=venue,
        ts=ts,
        received=ts,
        cl_ord_id=order.cl_ord_id,
        exec_type=what,
        status=status,
        order_id=order.order_id if there is None else there.order_id,
        exec_id=f"reconcile-{rule}-{order.cl_ord_id}-{order.updated}",
        request=order.cl_ord_id,
        instrument=order.instrument,
        side=order.side,
        qty=order.qty if there is None else there.qty,
        price=order.price if there is None else there.price,
        cum_qty=order.cum_qty if there is None else there.cum_qty,
        text=text,
    )
