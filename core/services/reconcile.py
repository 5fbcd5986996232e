"""Our books against a venue's statement: what differs, and what the rules make of it.

Nothing is changed here. `of_executions` comes first, since what was missed changes orders; then
`of_orders`, then `of_money`. Each gives findings; the reports among them go the way of everything
that a venue says, so that they are on record and a replay makes the same of them. Once they are
taken in, the same statement gives no findings any more but those that stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

import msgspec

from core.model.checks import MAX_TICKS
from core.model.enums import ExecType, OrdStatus, Source
from core.model.events import ExecutionReport, VenueOrder, VenueStatement
from core.model.instruments import Instrument
from core.model.numbers import EXACT, ZERO, plain
from core.model.orders import Fill, Order
from core.services.looks import (
    Finding,
    Look,
    deal,
    name_at,
    named,
    quantity_words,
    terms,
    their_words,
    unit_of,
    words,
)
from core.services.synthetic import SYNTHETIC, synthetic_range

_IN_FLIGHT = (OrdStatus.PENDING_NEW, OrdStatus.PENDING_CANCEL, OrdStatus.PENDING_REPLACE)
_TAKES_BACK = (ExecType.TRADE_CANCEL, ExecType.TRADE_CORRECT)
_ENDS = {
    OrdStatus.CANCELED: ExecType.CANCELED,
    OrdStatus.EXPIRED: ExecType.EXPIRED,
    OrdStatus.REJECTED: ExecType.REJECTED,
}
_WORKS = (OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED)
_WAITS = {
    OrdStatus.SUSPENDED: ExecType.SUSPENDED,
    OrdStatus.DONE_FOR_DAY: ExecType.DONE_FOR_DAY,
}


# -- executions ------------------------------------------------------------------------------


def of_executions(look: Look, statement: VenueStatement) -> list[Finding]:
    """Executions that the venue lists and that are not in our books, or are there otherwise."""
    if not statement.executions:
        return []
    known, venue = look.known, look.venue
    listed = {name_at(venue, o.cl_ord_id, o.order_id): o for o in _all(statement)}
    booked: dict[str, Fill] | None = None
    found: list[Finding] = []
    seen: set[str] = set()
    for told in statement.executions:
        report = named(venue, told)
        name = report.cl_ord_id
        if exec_id_of(report) in seen:
            continue
        seen.add(exec_id_of(report))
        if known.counted(venue, exec_id_of(report)):
            if booked is None:
                booked = {f.exec_id: f for f in known.fills() if f.kind is ExecType.TRADE}
            fill = booked.get(report.exec_id)
            if fill is not None and report.exec_type is ExecType.TRADE and _other(fill, report):
                where = fill.instrument
                ours = deal(look, where, fill.side, fill.qty, fill.price)
                theirs = deal(look, where, report.side, report.last_qty, report.last_price)
                found.append(Finding("EXECUTION_DIFFERS", report.exec_id, ours, theirs))
            continue
        rule = "EXTERNAL_EXECUTION" if known.order(name) is None else "MISSED_FILL"
        order = listed.get(name)
        told_of = deal(look, report.instrument, report.side, report.last_qty, report.last_price)
        what = f"{told_of}, order {name}"
        text = f"{rule}: {report.text}" if report.text else f"{rule}: told by {venue} when asked."
        report = msgspec.structs.replace(
            report,
            venue=venue,
            received=look.ts,
            text=text,
            qty=report.qty or (0 if order is None else order.qty),
            price=report.price or (0 if order is None else order.price),
        )
        found.append(Finding(rule, report.exec_id, "not booked", what, (report,)))
    return _plausible(look, found, listed)


def _plausible(look: Look, found: list[Finding], listed: dict[str, VenueOrder]) -> list[Finding]:
    """Executions that, beside those in our books, are more than the order's total at its venue may
    be known under other ids already: unknown is not booked.

    Where executions were taken back, or made here until the real ones come, totals tell nothing.
    """
    names: dict[str, int] = {}
    for (report,) in (f.reports for f in found if f.reports):
        traded = report.exec_type is ExecType.TRADE
        names[report.cl_ord_id] = names.get(report.cl_ord_id, 0) + report.last_qty * traded
        if not traded:
            listed = {name: o for name, o in listed.items() if name != report.cl_ord_id}
    twice: set[str] = set()
    for name, lots in names.items():
        ours, there = look.known.at_venue(name), listed.get(name)
        if ours is not None and there is not None and ours.cum_qty + lots > there.cum_qty:
            twice.add(name)
    if not twice:
        return found
    for fill in look.known.fills():
        made = synthetic_range(fill.exec_id)
        if made is not None:
            twice.discard(made[0])
    return [
        f._replace(rule="TOLD_TWICE", reports=())
        if f.reports and f.reports[0].cl_ord_id in twice
        else f
        for f in found
    ]


def _all(statement: VenueStatement) -> Iterator[VenueOrder]:
    yield from statement.asked or ()
    yield from statement.orders


def exec_id_of(report: ExecutionReport) -> str:
    """The id under which the kernel counts a report."""
    if report.exec_type in _TAKES_BACK and report.exec_id in ("", report.exec_ref):
        return f"{report.exec_ref or report.exec_id}/{report.exec_type.name.lower()}"
    return report.exec_id


def _other(fill: Fill, report: ExecutionReport) -> bool:
    return (fill.qty, fill.price, fill.side) != (report.last_qty, report.last_price, report.side)


# -- orders ----------------------------------------------------------------------------------


def of_orders(look: Look, statement: VenueStatement) -> list[Finding]:
    """Orders that are not the same on both sides."""
    venue, found = look.venue, list[Finding]()
    listed: dict[str, VenueOrder] = {}
    for order in statement.orders:
        name = name_at(venue, order.cl_ord_id, order.order_id)
        if name in listed:
            theirs = f"venue ids {listed[name].order_id} and {order.order_id}"
            found.append(Finding("DUPLICATE_ID", name, "one order", theirs))
        else:
            listed[name] = order
    asked = {name_at(venue, o.cl_ord_id, o.order_id): o for o in statement.asked or ()}
    for ours in look.working():
        name = ours.cl_ord_id
        there = listed.pop(name, None) or asked.get(name)
        if there is not None:
            found += _compare(look, ours, there)
        elif look.settling or ours.status not in _IN_FLIGHT:
            found.append(_gone(look, ours))
    for ours in look.left_behind():
        name = ours.cl_ord_id
        found += _left_behind(look, ours, listed.pop(name, None) or asked.get(name))
    compared = {o.cl_ord_id for o in (*look.working(), *look.left_behind())}
    for name, there in asked.items():
        known = look.known.at_venue(name) if name not in compared else None
        if known is not None and there.cum_qty > known.cum_qty:
            found.append(_missed(look, known, there))
    for name, there in listed.items():
        found += _stray(look, name, there)
    return found


def _gone(look: Look, ours: Order) -> Finding:
    waits = ours.status in (OrdStatus.PENDING_NEW, OrdStatus.UNKNOWN)
    rule = "NEVER_ARRIVED" if waits and not ours.order_id and not ours.cum_qty else "LOST_ORDER"
    text = f"{rule}: {look.venue} does not know it."
    report = _report(look, ours, ExecType.CANCELED, OrdStatus.CANCELED, rule, text)
    return Finding(rule, ours.cl_ord_id, words(look, ours), "not known", (report,))


def _compare(look: Look, ours: Order, there: VenueOrder) -> list[Finding]:
    if not look.settling and ours.status in _IN_FLIGHT:
        return []  # its answer is on the way
    name, found = ours.cl_ord_id, list[Finding]()
    theirs = their_words(look, there)
    if there.cum_qty > ours.cum_qty:
        found.append(_missed(look, ours, there))
    elif there.cum_qty < ours.cum_qty:
        found.append(Finding("FILLS_DIFFER", name, words(look, ours), theirs))
    if there.status.terminal:
        if there.status is not OrdStatus.FILLED:
            rule, text = "STATE_DIFFERS", there.text or f"STATE_DIFFERS: {look.venue} says so."
            kind = _ENDS[there.status]
            report = _report(look, ours, kind, there.status, rule, text, there)
            found.append(Finding(rule, name, words(look, ours), theirs, (report,)))
        elif there.qty <= there.cum_qty == ours.cum_qty:  # ours may wait for a lost change
            found.append(_restated(look, "RESTATED", ours, there))
    elif ours.status is OrdStatus.UNKNOWN or ours.status is OrdStatus.PENDING_NEW:
        found.append(_restated(look, "ARRIVED", ours, there))
    elif there.status in _WAITS and there.status is not ours.status:
        rule, kind = "STATE_DIFFERS", _WAITS[there.status]
        report = _report(look, ours, kind, there.status, rule, there.text, there)
        found.append(Finding(rule, name, words(look, ours), theirs, (report,)))
    elif ours.status in _WAITS and there.status in _WORKS:
        found.append(_restated(look, "STATE_DIFFERS", ours, there))
    elif ours.status not in _IN_FLIGHT and _differs(ours, there):
        found.append(_restated(look, "RESTATED", ours, there))
    if not there.status.terminal and ours.source is not Source.EXTERNAL:
        here, other = terms(look, ours, there)
        if here:
            found.append(Finding("TERMS_DIFFER", name, here, other))
    return found


def _left_behind(look: Look, ours: Order, there: VenueOrder | None) -> list[Finding]:
    """A slice that others followed: an execution of it was taken back, and it may trade again."""
    if there is None:
        return [_gone(look, ours)]
    found = [_missed(look, ours, there)] if there.cum_qty > ours.cum_qty else []
    if not there.status.terminal:
        found += _stray(look, ours.cl_ord_id, there)
    elif there.cum_qty < ours.qty:
        text = f"STATE_DIFFERS: {look.venue} says so."
        kind = _ENDS.get(there.status, ExecType.CANCELED)
        report = _report(look, ours, kind, there.status, "STATE_DIFFERS", text, there)
        both = words(look, ours), their_words(look, there)
        found.append(Finding("STATE_DIFFERS", ours.cl_ord_id, *both, (report,)))
    return found


def _missed(look: Look, ours: Order, there: VenueOrder) -> Finding:
    reports = tuple(_synthetic(look, ours, there))
    both = words(look, ours), their_words(look, there)
    return Finding("MISSED_FILL_SYNTHETIC", ours.cl_ord_id, *both, reports)


def _restated(look: Look, rule: str, ours: Order, there: VenueOrder) -> Finding:
    status = OrdStatus.PARTIALLY_FILLED if there.cum_qty else OrdStatus.NEW
    text = f"{rule}: {look.venue} lists it."
    report = _report(look, ours, ExecType.ORDER_STATUS, status, rule, text, there)
    return Finding(rule, ours.cl_ord_id, words(look, ours), their_words(look, there), (report,))


def _differs(ours: Order, there: VenueOrder) -> bool:
    return (
        (there.order_id != ours.order_id and bool(there.order_id))
        or (there.qty != ours.qty and there.qty >= max(ours.cum_qty, 1))
        or (there.price != ours.price and there.price > 0)
        or (there.stop_price != ours.stop_price and there.stop_price > 0 < ours.stop_price)
    )


def _stray(look: Look, name: str, there: VenueOrder) -> list[Finding]:
    """An order that works there and, as far as we know, nothing of ours does."""
    known = look.known.order(name) if name else None
    if there.status.terminal:
        return []
    if known is not None:
        ours = words(look, known)
        if known.working:
            # It is a slice that its order has left behind, or was never sent.
            ours = f"nothing under this id of an order that is {ours}"
        return [Finding("WORKS_THERE", name, ours, their_words(look, there))]
    if there.cum_qty:
        reports = tuple(_synthetic(look, None, there))
    else:
        reports = (_external(look, name, there),)
    subject = name or f"{there.instrument} {there.side.name} {there.qty}"
    return [Finding("EXTERNAL_ORDER", subject, "not known", their_words(look, there), reports)]


def _external(look: Look, name: str, there: VenueOrder) -> ExecutionReport:
    return ExecutionReport(
        venue=look.venue,
        ts=look.ts,
        received=look.ts,
        cl_ord_id=name,
        exec_type=ExecType.ORDER_STATUS,
        status=OrdStatus.NEW,
        order_id=there.order_id,
        exec_id=f"{SYNTHETIC}EXTERNAL_ORDER/{name}",
        request=name,
        instrument=there.instrument,
        side=there.side,
        qty=there.qty,
        price=there.price,
        stop_price=there.stop_price,
        account=there.account,
        text=f"EXTERNAL_ORDER: {look.venue} lists it.",
    )


def _report(
    look: Look,
    ours: Order,
    kind: ExecType,
    status: OrdStatus,
    rule: str,
    text: str,
    there: VenueOrder | None = None,
) -> ExecutionReport:
    return ExecutionReport(
        venue=look.venue,
        ts=look.ts,
        received=look.ts,
        cl_ord_id=ours.cl_ord_id,
        exec_type=kind,
        status=status,
        order_id=(there and there.order_id) or ours.order_id,
        exec_id=f"{SYNTHETIC}{rule}/{ours.cl_ord_id}",
        request=ours.cl_ord_id,
        instrument=ours.instrument,
        side=ours.side,
        qty=ours.qty if there is None else there.qty,
        price=ours.price if there is None else there.price,
        cum_qty=ours.cum_qty if there is None else there.cum_qty,
        stop_price=ours.stop_price if there is None else there.stop_price,
        text=text,
    )


# -- executions made here --------------------------------------------------------------------


def _synthetic(look: Look, ours: Order | None, there: VenueOrder) -> Iterator[ExecutionReport]:
    """Executions for what is filled there and not here; none when no price is known.

    Their ids follow from the order and the filled totals before and after, so that the same
    lots are never booked twice. Two of neighbouring prices make the venue's average exact.
    """
    name = name_at(look.venue, there.cl_ord_id, there.order_id)
    before = 0 if ours is None else ours.cum_qty
    for qty, price in _priced(look, ours, there, there.cum_qty - before):
        after = before + qty
        done = there.status.terminal or (after == there.cum_qty == there.qty)
        yield ExecutionReport(
            venue=look.venue,
            ts=look.ts,
            received=look.ts,
            cl_ord_id=name,
            exec_type=ExecType.TRADE,
            status=OrdStatus.FILLED if done else OrdStatus.PARTIALLY_FILLED,
            order_id=there.order_id,
            exec_id=f"{SYNTHETIC}{name}/{before}-{after}",
            request=name,
            instrument=there.instrument,
            side=there.side,
            qty=there.qty,
            price=there.price,
            cum_qty=after,
            last_price=price,
            last_qty=qty,
            account=there.account,
            stop_price=there.stop_price,
            text=(
                f"MISSED_FILL_SYNTHETIC: {look.venue} says that {there.cum_qty} are filled and"
                " lists no execution; the fee is not known."
            ),
        )
        before = after


def _priced(look: Look, ours: Order | None, there: VenueOrder, qty: int) -> list[tuple[int, int]]:
    """Quantities and prices that make up `qty` lots, as near to the venue's word as it goes."""
    value = 0
    if there.notional:
        value = there.notional - (0 if ours is None else ours.notional)
    unit = unit_of(look, there.instrument)
    price, rest = _average(unit, value, qty)
    if 0 < price < MAX_TICKS:
        pieces = [(qty - rest, price), (rest, price + 1)]
        return [piece for piece in pieces if piece[0]]
    mark = there.price or (ours.price if ours is not None else 0)
    mark = mark or look.known.marks().get(there.instrument, 0)
    return [(qty, mark)] if mark > 0 else []


def _average(unit: Instrument | None, value: int, qty: int) -> tuple[int, int]:
    """A price and how many of the lots traded one tick above it, so that they were worth `value`.

    Of an inverse contract, which is worth less at a higher price, that is met as near as may be.
    """
    if unit is None or not unit.inverse:
        return divmod(value, qty)
    price = unit.face * qty // value if value > 0 else 0
    if price <= 0:
        return 0, 0
    dear, cheap = (abs(unit.cost(p, qty)) for p in (price, price + 1))
    return price, qty * (dear - value) // (dear - cheap) if dear > cheap else 0


# -- positions and balances ------------------------------------------------------------------


def of_money(look: Look, statement: VenueStatement, alone: Iterable[str] = ()) -> list[Finding]:
    """Positions and cash that are not what the venue says. Accounts `alone` trade only there."""
    return [*_of_positions(look, statement), *_of_balances(look, statement, alone)]


def _of_positions(look: Look, statement: VenueStatement) -> Iterator[Finding]:
    if statement.positions is None:
        return
    instruments = {i.id: i for i in look.known.instruments()}
    suffix = f".{look.venue}"
    ours: dict[tuple[str, str], int] = {}
    apart = any(p.account for p in statement.positions)
    for p in look.known.positions():
        if p.whole and p.instrument.endswith(suffix):
            key = (p.account if apart else "", p.instrument)
            ours[key] = ours.get(key, 0) + p.qty
    theirs: dict[tuple[str, str], int] = {}
    for q in statement.positions:
        key = (q.account, q.instrument)
        theirs[key] = theirs.get(key, 0) + q.qty
    for key in sorted({*ours, *theirs}):
        here, there = ours.get(key, 0), theirs.get(key, 0)
        if here != there:
            instrument = instruments.get(key[1])
            yield Finding(
                "POSITION_DIFFERS",
                " ".join(filter(None, key)),
                quantity_words(instrument, here),
                quantity_words(instrument, there),
            )


def _of_balances(look: Look, statement: VenueStatement, alone: Iterable[str]) -> Iterator[Finding]:
    if statement.balances is None:
        return
    accounts = {a.account: a.cash for a in look.known.accounts()}
    mine = set(alone)
    for balance in statement.balances:
        names = [balance.account] if balance.account else list(accounts)
        if not mine.issuperset(names):
            continue
        here = ZERO
        for name in names:
            here = EXACT.add(here, accounts.get(name, {}).get(balance.currency, Decimal(0)))
        if here != balance.cash:
            subject = " ".join(filter(None, (balance.account, balance.currency)))
            yield Finding("BALANCE_DIFFERS", subject, plain(here), plain(balance.cash))
