"""What venues say of orders: their states after FIX 4.4."""

from __future__ import annotations

import msgspec

from core.kernel.corrections import take_back
from core.kernel.executions import MAX_LOTS, acknowledge, on_trade
from core.kernel.external import adopt, adopt_working
from core.kernel.groups import rejected, resized, stuck
from core.kernel.held import retry
from core.kernel.leaving import piece_of, slice_over
from core.kernel.more import Slice, Way
from core.kernel.orders import Live
from core.kernel.rates import rests
from core.kernel.state import State
from core.model.checks import MAX_TICKS
from core.model.enums import ExecType, LinkState, OrdStatus, Severity
from core.model.events import CancelReject, ExecutionReport, LinkUpdate

# Looking a member up in its enumeration is slow enough to matter here.
_TRADE, _NEW = ExecType.TRADE, ExecType.NEW
_MONEY = (_TRADE, ExecType.TRADE_CANCEL, ExecType.TRADE_CORRECT)
_ENDED = {
    ExecType.CANCELED: OrdStatus.CANCELED,
    ExecType.EXPIRED: OrdStatus.EXPIRED,
    ExecType.REJECTED: OrdStatus.REJECTED,
}


def on_report(s: State, r: ExecutionReport) -> None:
    """Apply an execution report, or say why it cannot be."""
    live = s.orders.get(r.cl_ord_id)
    piece = None
    if live is None and s.slices:
        found = piece_of(s, r.cl_ord_id)
        if found is not None:
            live, piece = found
            r = _of_the_whole(live, piece, r)
            if r.exec_type not in _MONEY and piece is not live.more.slices[-1]:  # type: ignore[union-attr]
                if r.exec_type in _ENDED or r.status.terminal:
                    slice_over(s, live, piece)
                return
    if live is None and r.exec_type is _TRADE:
        live = adopt(s, r)
    elif live is None and r.exec_type is ExecType.ORDER_STATUS:
        live = adopt_working(s, r)
    if live is None or (live.dead and live.holding is None):
        _unknown_order(s, r, live)
        return
    kind = r.exec_type
    if kind is _TRADE:
        on_trade(s, live, r, piece)
        return
    if kind is ExecType.TRADE_CANCEL or kind is ExecType.TRADE_CORRECT:
        take_back(s, live, r, piece)
    elif live.waits:
        _while_it_waits(s, live, r)
    elif kind is _NEW:
        _on_new(s, live, r)
    elif kind is ExecType.REPLACED or kind is ExecType.RESTATED:
        _on_replaced(s, live, r)
    elif kind in _ENDED:
        _on_end(s, live, r, _ENDED[kind])
    elif kind is ExecType.DONE_FOR_DAY:
        _on_done_for_day(s, live, r)
    elif kind is ExecType.ORDER_STATUS:
        _on_status(s, live, r)
    elif kind is ExecType.SUSPENDED:
        _on_suspended(s, live, r)
    elif kind is ExecType.DENIED:
        s.notice(Severity.ERROR, f"{r.venue} used the word DENIED for order {r.cl_ord_id}.")
    if live.more is not None:
        s.touch(live)


def _of_the_whole(live: Live, piece: Slice, r: ExecutionReport) -> ExecutionReport:
    """What a venue says of a slice, as if it were said of the whole order."""
    if r.status is not OrdStatus.UNKNOWN:
        piece.acked = True
    piece.order_id = r.order_id or piece.order_id
    if r.exec_type is ExecType.REPLACED and r.qty > 0:
        piece.qty = max(r.qty, piece.cum)
    exec_id = r.exec_id
    if not exec_id and r.cum_qty:
        exec_id = f"{piece.id}@{r.cum_qty}"
    return msgspec.structs.replace(
        r,
        cl_ord_id=live.command.cl_ord_id,
        exec_id=exec_id,
        request=live.command.cl_ord_id if r.request == piece.id else r.request,
        qty=0,
        cum_qty=live.cum - piece.cum + r.cum_qty if r.cum_qty else 0,
    )


def _while_it_waits(s: State, live: Live, r: ExecutionReport) -> None:
    s.notice(
        Severity.WARNING,
        f"{r.venue} reports {r.exec_type.name} of order {r.cl_ord_id}, of which nothing"
        " is there; the order was not changed.",
    )


def _unknown_order(s: State, r: ExecutionReport, live: Live | None) -> None:
    money = r.exec_type is ExecType.TRADE
    if live is not None:
        why = "that was denied and never sent"
    elif r.cl_ord_id in s.ids:
        why = "that ended long ago"
    else:
        why = "that is not known here"
    s.notice(
        Severity.CRITICAL if money or live is not None else Severity.WARNING,
        f"{r.venue} reports {r.exec_type.name} of order {r.cl_ord_id}, {why}; nothing was changed."
        + (f" Execution {r.exec_id} is not in the books: check the position." if money else ""),
    )


def _on_new(s: State, live: Live, r: ExecutionReport) -> None:
    if live.dead:
        if live.base is not OrdStatus.FILLED:
            _after_the_end(s, live, r)
        return
    if live.base is not OrdStatus.PENDING_NEW and not live.unknown and live.order_id:
        return
    acknowledge(live, r)
    s.update(live, ExecType.NEW, r.text, r.ts)


def _after_the_end(s: State, live: Live, r: ExecutionReport) -> None:
    s.notice(
        Severity.CRITICAL if live.base is OrdStatus.REJECTED else Severity.WARNING,
        f"{r.venue} reports {r.exec_type.name} of order {r.cl_ord_id} after it was"
        f" {live.base.name}; the order was not changed. Check it at the venue.",
    )


def _on_replaced(s: State, live: Live, r: ExecutionReport) -> None:
    if r.exec_type is ExecType.REPLACED and r.request and r.request in live.answered:
        return
    if live.dead:
        _after_the_end(s, live, r)
        return
    if not 0 <= r.qty <= MAX_LOTS or not 0 <= r.price <= MAX_TICKS:
        s.notice(
            Severity.CRITICAL,
            f"{r.venue} says that order {r.cl_ord_id} is now {r.qty} lots at {r.price} ticks, which"
            " is not possible; it was not changed. Check it at the venue.",
        )
        return
    asked = live.take(r.request) if r.exec_type is ExecType.REPLACED else None
    acknowledge(live, r)
    qty, price = r.qty or live.qty, r.price or live.price
    if asked is not None:
        qty, price = r.qty or asked.qty, r.price or asked.price
        if asked.number < live.applied:
            qty, price = live.qty, live.price
        live.applied = max(live.applied, asked.number)
    else:
        s.notice(
            Severity.WARNING,
            f"{r.venue} changed order {r.cl_ord_id} to {qty} lots at {price} ticks unasked.",
        )
    stop = r.stop_price if 0 < r.stop_price <= MAX_TICKS else 0
    if asked is None or asked.number >= live.applied:
        live.stop = stop or (asked.stop if asked is not None else 0) or live.stop
    live.price = price
    rests(live)
    _resize(s, live, qty)
    s.update(live, r.exec_type, r.text, r.ts)
    if asked is not None and not asked.own:
        resized(live)


def _resize(s: State, live: Live, qty: int) -> None:
    """A new total quantity; never less than what is filled."""
    live.qty = max(qty, live.cum)
    if live.cum >= live.qty and live.cum >= live.most():
        s.end(live, OrdStatus.FILLED)
    else:
        s.recount(live)


def _on_end(s: State, live: Live, r: ExecutionReport, status: OrdStatus) -> None:
    if live.dead:
        if live.base is not status:
            _after_the_end(s, live, r)
        return
    _check_total(s, live, r)
    if r.order_id:
        live.order_id = r.order_id
    over = live.more is not None and live.more.over
    if over and status is OrdStatus.CANCELED:
        status = OrdStatus.EXPIRED
    if status is OrdStatus.REJECTED:
        live.code = "REJECTED"
        live.text = r.text or f"{r.venue} gave no reason."
        if live.cum:
            s.notice(
                Severity.ERROR,
                f"{r.venue} rejected order {r.cl_ord_id} after a part was filled; the rest is"
                " taken as canceled.",
            )
            status = OrdStatus.CANCELED
    elif r.text:
        live.text = r.text
    s.end(live, OrdStatus.FILLED if live.cum >= live.qty else status)
    kind = ExecType.EXPIRED if live.base is OrdStatus.EXPIRED else r.exec_type
    s.update(live, kind, r.text, r.ts)
    if live.more is not None and r.exec_type is ExecType.REJECTED:
        rejected(s, live)


def _check_total(s: State, live: Live, r: ExecutionReport) -> None:
    if r.cum_qty > live.cum:
        live.told = min(r.cum_qty, MAX_LOTS)
        s.notice(
            Severity.WARNING,
            f"{r.venue} says {r.cum_qty} lots of order {r.cl_ord_id} are filled, {live.cum} are in"
            " the books: an execution is late or lost.",
        )


def _on_done_for_day(s: State, live: Live, r: ExecutionReport) -> None:
    if live.dead:
        _after_the_end(s, live, r)
        return
    acknowledge(live, r)
    live.base = OrdStatus.DONE_FOR_DAY
    s.update(live, r.exec_type, r.text, r.ts)


def _on_suspended(s: State, live: Live, r: ExecutionReport) -> None:
    """A halted market: the order waits at its venue."""
    if live.dead:
        _after_the_end(s, live, r)
        return
    acknowledge(live, r)
    live.base = OrdStatus.SUSPENDED
    s.update(live, r.exec_type, r.text, r.ts)


def _on_status(s: State, live: Live, r: ExecutionReport) -> None:
    """The answer to a query, or what a venue lists after a reconnection."""
    status = r.status
    if status.terminal:
        if live.dead:
            return
        if status is not OrdStatus.FILLED:
            _on_end(s, live, r, status)
            return
        _check_total(s, live, r)
        if live.cum >= live.qty:
            s.end(live, status)
            s.update(live, r.exec_type, r.text, r.ts)
        return
    if status is OrdStatus.UNKNOWN:
        _lose(s, live, r.text)
        return
    if live.dead:
        _after_the_end(s, live, r)
        return
    _check_total(s, live, r)
    live.unknown = False
    live.requests = tuple(request for request in live.requests if not request.lost)
    if status is not OrdStatus.PENDING_NEW:
        acknowledge(live, r)
    if 0 < r.price <= MAX_TICKS:
        live.price = r.price
        rests(live)
    if live.stop and 0 < r.stop_price <= MAX_TICKS:
        live.stop = r.stop_price
    _resize(s, live, r.qty if 0 < r.qty <= MAX_LOTS else live.qty)
    s.update(live, r.exec_type, r.text, r.ts)


def on_cancel_reject(s: State, r: CancelReject) -> None:
    """A venue refused a cancel or replace: the order is again what it was."""
    live = s.orders.get(r.cl_ord_id)
    piece = None
    if live is None and s.slices:
        found = piece_of(s, r.cl_ord_id)
        if found is not None:
            live, piece = found
    what = "replace" if r.replace else "cancel"
    if live is None or live.holding is None:
        s.notice(
            Severity.WARNING,
            f"{r.venue} refused a {what} of order {r.cl_ord_id}, which is not known here.",
        )
        return
    if r.request in live.answered:
        return
    why = r.text.rstrip(".") or "no reason was given"
    text = f"{r.venue} refused the {what}: {why}."
    more = live.more
    if piece is not None and more is not None and piece in more.slices[:-1]:
        s.notice(Severity.WARNING, f"Slice {piece.id}, which others followed: {text}")
        if r.status.terminal:
            slice_over(s, live, piece)
        return
    if live.dead:
        s.refuse(r.request, "TOO_LATE", text)
        return
    asked = live.take(r.request)
    if asked is None:
        s.notice(
            Severity.WARNING,
            f"{r.venue} refused a {what} of order {r.cl_ord_id} that was not asked for.",
        )
        return
    new = live.base is OrdStatus.PENDING_NEW or (more is not None and more.unanswered)
    if live.unknown and not any(request.lost for request in live.requests):
        live.unknown = new
    gone = r.status.terminal and r.status is not OrdStatus.FILLED
    if gone and not new:
        s.notice(Severity.WARNING, f"{text} It says that order {r.cl_ord_id} is {r.status.name}.")
        status = OrdStatus.CANCELED if live.cum and r.status is OrdStatus.REJECTED else r.status
        s.end(live, status if live.cum < live.qty else OrdStatus.FILLED)
    else:
        _resize(s, live, live.qty)
    s.update(live, ExecType.ORDER_STATUS, text, r.ts)
    if not asked.own:
        s.refuse(r.request, "REPLACE_REJECTED" if r.replace else "CANCEL_REJECTED", text)
    elif more is not None and not more.over and not (asked.replace and more.way is Way.PEG):
        stuck(s, live, asked)
    if live.more is not None:
        s.touch(live)


def on_link(s: State, link: LinkUpdate) -> None:
    """A venue's link changed: when it breaks, what was on its way becomes unknown."""
    s.links[link.source] = (link.state, link.text)
    if link.agreed:
        s.agreed[link.source] = link.agreed
    if link.state is LinkState.DOWN or link.state is LinkState.ENDED:
        for live in list(s.working.values()):
            holding = live.holding
            assert holding is not None
            if holding.market.instrument.venue == link.source:
                text = f"{link.source} is {link.state.value}; what became of the order is unknown."
                _lose(s, live, text)
    elif link.state is LinkState.UP:
        for market in s.markets.values():
            if market.instrument.venue == link.source:
                s.wake(market)
                retry(s, market)


def _lose(s: State, live: Live, text: str) -> None:
    """Nobody knows what became of what was asked of a venue for an order, if anything was."""
    if live.dead or live.waits:
        return
    if live.unknown:
        for request in live.requests:  # also what was asked for since it became unknown
            request.lost = True
        return
    unanswered = live.more is not None and live.more.unanswered
    if live.base is OrdStatus.PENDING_NEW or live.requests or unanswered:
        live.unknown = True
        for request in live.requests:
            request.lost = True
        s.update(live, ExecType.ORDER_STATUS, text)
