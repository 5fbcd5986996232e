"""How an order that the engine held goes to its venue: past the gate, its siblings and slices."""

from __future__ import annotations

import msgspec

from core.kernel.asking import (
    LATER,
    as_sent,
    cancel,
    may_close,
    objections,
    obstacle,
    of_parts,
    send,
)
from core.kernel.more import REFUSED, WORKED_ON, More, Slice, Way
from core.kernel.orders import Live
from core.kernel.rates import count_changed, count_sent
from core.kernel.state import State
from core.model.checks import Violation
from core.model.commands import NewOrder
from core.model.enums import ExecType, OrdStatus, Severity, Side
from core.model.numbers import plain

_BUY = Side.BUY


def go_out(s: State, live: Live, text: str) -> None:
    """Send what was waited with, unless something speaks against it."""
    more, holding = live.more, live.holding
    assert more is not None
    assert holding is not None
    why = obstacle(s, holding.market)
    if why:
        say_why(s, live, more, why)
        return
    group = more.group
    own = live.exposed
    others: list[Live] = []
    if group is not None:
        own = group.shared(live)
        if more.goes_off:
            siblings = group.siblings(live)
            others = [o for o in siblings if o is not live]
            if more.way is Way.TRIGGER and group.lives[0] not in siblings:
                # The market turned against the entry: no more of it.
                others.append(group.lives[0])
        elif group.went_off(live):
            say_why(s, live, more, "The order beside it went out and is not over.")
            return
    shown = live.qty - live.cum - sum(p.qty - p.cum for p in more.left_behind)
    if more.left_behind and shown <= 0:
        say_why(s, live, more, WORKED_ON)
        return
    shown = min(live.command.display_qty, shown)
    wanted = as_sent(live, live.qty - live.cum, live.price)
    closing = more.way is Way.TRIGGER or (group is not None and not group.first(live))
    spare = own + _leaving(live) if closing else own
    if spare > own and may_close(holding, wanted, [], spare):
        own = spare
    found = objections(s, live, wanted, own, closing)
    if found:
        if all(v.code in LATER for v in found):
            say_why(s, live, more, found[0].text)
        elif closing and _is_crowded_out(s, live, wanted):
            say_why(s, live, more, f"It goes out once others of its side are over: {found[0].text}")
            for other in others:
                if not (other.dead or other.waits) and other.command.side is not wanted.side:
                    withdraw(s, other)  # the entry
        else:
            refuse(s, live, found[0])
        return
    there = [o for o in others if not o.dead and not o.waits]
    for other in there:
        withdraw(s, other)
    crowd = sum(o.most() - o.cum for o in there if group.shares(o, live)) if group else 0
    if crowd:
        # Until its sibling's cancel is confirmed both may be filled.
        both = msgspec.structs.replace(wanted, qty=max(wanted.qty, crowd))
        found = objections(s, live, both, max(wanted.qty - crowd, 0), closing=False)
        if may_close(holding, wanted, [], own):
            found = of_parts(live, wanted, found, own)
        if found:
            say_why(
                s, live, more, f"It goes out once the order beside it is canceled: {found[0].text}"
            )
            return
    more.waits = False
    more.due = ""
    if more.way is Way.SLICES:
        piece = Slice(s.next_own(live), shown)
        more.slices.append(piece)
        s.slices[piece.id] = live.command.cl_ord_id
    if more.way is Way.TRIGGER:
        s.unwatch(live)
    if not live.cum:
        live.base = OrdStatus.PENDING_NEW
    s.recount(live)
    if len(more.slices) > 1:
        count_changed(live, live.price, s.ts)
    else:
        count_sent(live, s.ts)
    send(s, live, text)


def _leaving(live: Live) -> int:
    """Open lots of other lists, where an order acts, that are canceled since one beside them went
    off: a stop that takes the place of its target leaves the place of the next one free."""
    holding = live.holding
    assert holding is not None
    own = live.more.group if live.more is not None else None
    found = 0
    for other in holding.live.values():
        group = None if other.more is None else other.more.group
        if group not in (None, own) and other.place == live.place and group.beside(other):
            found += other.exposed
    return found


def _is_crowded_out(s: State, live: Live, wanted: NewOrder) -> bool:
    """Would an order only close, and may it be sent, were there no others of its side?"""
    holding = live.holding
    assert holding is not None
    at = holding.at(wanted)
    crowd = at.open_buy if wanted.side is _BUY else at.open_sell
    found = objections(s, live, wanted, crowd, closing=True)
    return may_close(holding, wanted, [], crowd) and all(v.code in LATER for v in found)


def withdraw(s: State, live: Live) -> None:
    """Ask the venue to cancel an order, unless it has said that it does not."""
    refused = live.more is not None and live.more.stuck == REFUSED
    if not (live.canceling or live.unknown or refused):
        cancel(s, live, s.next_own(live), own=True)


def refuse(s: State, live: Live, violation: Violation) -> None:
    """An order that was held may not be sent: it is over, and everyone is told."""
    live.code = violation.code
    live.text = violation.line(live.command.cl_ord_id)
    status = OrdStatus.CANCELED if live.cum else OrdStatus.REJECTED
    s.end(live, status)
    s.update(live, ExecType.DENIED, live.text)
    s.notice(Severity.CRITICAL, f"{words_of(live)} was held here and is NOT sent. {violation.text}")


def piece_of(s: State, name: str) -> tuple[Live, Slice] | None:
    """The order and its slice that a venue knows under an id of the engine's."""
    live = s.orders.get(s.slices.get(name, ""))
    if live is None or live.more is None:
        return None
    return next((live, piece) for piece in live.more.slices if piece.id == name)


def after_fill(s: State, live: Live, piece: Slice) -> None:
    """A slice was filled, wholly or in part: when it is gone, the next one follows."""
    more = live.more
    assert more is not None
    if live.dead or piece.cum < piece.qty or piece is not more.slices[-1]:
        return
    more.waits = True
    if live.canceling or more.over:
        live.requests = ()
        status = OrdStatus.EXPIRED if more.over else OrdStatus.CANCELED
        s.end(live, status)
        s.update(live, ExecType.EXPIRED if more.over else ExecType.CANCELED)
        return
    # A change of the slice that is gone cannot be answered well; what it asked for holds here.
    for request in live.requests:
        live.qty, live.price = max(request.qty, live.cum), request.price
        live.answered = (*live.answered, request.id)
    live.requests = ()
    if live.cum >= live.qty:
        s.end(live, OrdStatus.FILLED)
        s.update(live, ExecType.ORDER_STATUS)
        return
    s.recount(live)
    go_out(s, live, "")


def slice_over(s: State, live: Live, piece: Slice) -> None:
    """A slice that others followed does not work at its venue any more: what is left of it is for
    those to come."""
    more = live.more
    assert more is not None
    if piece.cum < piece.qty:
        piece.qty = piece.cum
        if more.waits and more.due:
            go_out(s, live, "")


def say_why(s: State, live: Live, more: More, why: str) -> None:
    """Tell why an order that should be out waits, once."""
    if more.due != why:
        more.due = why
        s.notice(Severity.WARNING, f"{words_of(live)} waits. {why}")


def words_of(live: Live) -> str:
    """What an order is, as a sentence begins."""
    assert live.holding is not None
    c, instrument = live.command, live.holding.market.instrument
    size = plain(instrument.quantity(max(live.qty - live.cum, 0)))
    kind = c.ord_type.name.replace("_", " ").lower()
    return f"The {kind} order to {c.side.name.lower()} {size} {instrument.id}"
