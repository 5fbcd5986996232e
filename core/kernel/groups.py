"""Orders that hang together: OCO, OTO, BRACKET.

A list is brought up to date after everything that happens to one of its orders: each order is
compared with what it should be by now, and what is missing is asked for. Nothing is remembered
about what was done, so nothing can be done twice.

OCO: lots filled of one order are taken off the others. OTO: the others go out in proportion to what
is filled of the first. BRACKET: the exits are as large as what the entry has bought and no exit
sold, and never larger than the position; lists that protect the same position share it, the newest
first. When the position is gone, the rest of the entry and the exits go, too.
"""

from __future__ import annotations

from core.kernel.asking import as_sent, change, objections
from core.kernel.held import retry, start, suspend
from core.kernel.leaving import refuse, withdraw
from core.kernel.more import REFUSED, Group, Way
from core.kernel.orders import Live, Request
from core.kernel.positions import Holding
from core.kernel.state import State
from core.model.enums import Contingency, ExecType, OrdStatus, Severity, Side
from core.model.numbers import plain


def follow(s: State) -> None:
    """Bring every list up to date to whose orders something happened."""
    for _ in range(1_000):
        if not s.dirty:
            return
        name = next(iter(s.dirty))
        group = s.dirty.pop(name)
        if group.contingency is Contingency.OCO:
            _follow_oco(s, group)
        elif group.contingency is Contingency.OTO:
            _follow_oto(s, group)
        else:
            _follow_bracket(s, group)
        # An order that is over may have been in the way of one that waits, also of another list.
        for instrument in dict.fromkeys(live.command.instrument for live in group.lives):
            retry(s, s.markets[instrument])
        if all(live.dead for live in group.lives):
            s.groups.pop(name, None)


def follows(live: Live) -> bool:
    """Is the quantity of this order given by what happens to another one?"""
    more = live.more
    return (
        more is not None
        and more.group is not None
        and more.group.contingency is not Contingency.OCO
        and not more.group.first(live)
    )


def resized(live: Live) -> None:
    """A trader changed an order's quantity: fills of its siblings are taken off the new one."""
    more = live.more
    if more is not None and more.group is not None:
        others = sum(o.cum for o in more.group.siblings(live) if o is not live)
        more.size = live.qty + others


def late(s: State, live: Live) -> None:
    """An entry was filled when its exits were over already."""
    more = live.more
    group = None if more is None else more.group
    if group is None or group.contingency is not Contingency.BRACKET:
        return
    if group.first(live) and group.id not in s.groups:
        s.notice(
            Severity.CRITICAL,
            f"{_what(live)} was filled when the orders that protect it were over: the position is"
            " NOT protected. Send a stop or close it.",
        )


def rejected(s: State, live: Live) -> None:
    """A venue refused an order of a list: say so, since the others stay as they are."""
    more = live.more
    group = None if more is None else more.group
    if group is None:
        return
    others = [o for o in group.lives if o is not live and not o.dead]
    if others and follows(live):
        s.notice(
            Severity.CRITICAL,
            f"{_what(live)}, which belongs to an order of {len(group.lives)}, was refused:"
            f" {live.text} The others stay.",
        )


def _follow_oco(s: State, group: Group) -> None:
    total = sum(live.cum for live in group.lives)
    most = max(_size(live) for live in group.lives)
    if total > most and not group.said:
        group.said = True
        instrument = _holding(group.lives[0]).market.instrument
        s.notice(
            Severity.CRITICAL,
            f"Of orders of which one cancels the other, {plain(instrument.quantity(total))} were"
            f" filled instead of {plain(instrument.quantity(most))} in {instrument.id}: the second"
            " was filled before its cancel arrived. Check the position.",
        )
    for live in group.lives:
        if not live.dead and total > live.cum:
            left = _size(live) - total
            done = any(o.base is OrdStatus.FILLED for o in group.lives if o is not live)
            _bring(s, live, 0 if done else left)


def _follow_oto(s: State, group: Group) -> None:
    first = group.lives[0]
    for live in group.lives[1:]:
        if live.dead:
            continue
        if first.dead and not first.cum:
            _end(s, live, "The order that it waits for was not filled.")
            continue
        whole = max(first.qty, 1)
        _bring(s, live, min(_size(live) * first.cum // whole, _size(live)) - live.cum)
        if first.dead and not live.dead and live.more is not None and live.more.suspended:
            _end(s, live, "Too little of the order that it waits for was filled.")


def _follow_bracket(s: State, group: Group) -> None:
    entry, exits = group.lives[0], group.lives[1:]
    sold = sum(live.cum for live in exits)
    if sold > entry.cum and not group.said:
        group.said = True
        instrument = _holding(entry).market.instrument
        s.notice(
            Severity.CRITICAL,
            f"The exits of a bracket in {instrument.id} were filled with"
            f" {plain(instrument.quantity(sold))}, its entry with"
            f" {plain(instrument.quantity(entry.cum))}: the second exit was filled before its"
            " cancel arrived. Check the position.",
        )
    share = _share(s, group)
    if share <= 0:
        begun = any(live.more is not None and live.more.started for live in exits)
        gone = begun and (sold > 0 or entry.cum > sold)
        if gone and not entry.dead:
            withdraw(s, entry)
        for live in exits:
            if live.dead:
                continue
            if entry.dead or (begun and not live.waits):
                _end(s, live, "There is nothing left that it protects.")
            elif live.more is not None and not live.more.suspended:
                # More of the entry may be filled yet.
                suspend(s, live)
        return
    for live in exits:
        if not live.dead:
            _bring(s, live, share)
    alive = any(not live.dead for live in exits)
    if not alive and not group.said and not _holding(entry).at(entry.command).closing:
        group.said = True
        s.notice(
            Severity.WARNING,
            f"The orders that protect {plain(_holding(entry).market.instrument.quantity(share))}"
            f" {entry.command.instrument} are over and the position is NOT protected. Send a stop"
            " or close it.",
        )


def _share(s: State, group: Group) -> int:
    """How many lots the exits of a bracket may be: what it has to protect, of what is held."""
    entry = group.lives[0]
    holding = _holding(entry)
    held = (entry.part or holding.parts.get("") or holding).at(entry.command)
    left = held.qty if entry.command.side is Side.BUY else -held.qty
    for other in reversed(list(s.groups.values())):
        first = other.lives[0]
        if (
            other.contingency is not Contingency.BRACKET
            or first.holding is not holding
            or first.part is not entry.part
            or first.command.side is not entry.command.side
        ):
            continue
        share = min(first.cum - sum(live.cum for live in other.lives[1:]), left)
        if other is group:
            return share
        left -= max(share, 0)
    return 0


def _bring(s: State, live: Live, leaves: int) -> None:
    """Bring an order to `leaves` open lots."""
    more = live.more
    assert more is not None
    if leaves <= 0:
        if more.started or more.group is None or more.group.contingency is Contingency.OCO:
            _end(s, live, "Another order of its list was filled.")
        return
    qty = live.cum + leaves
    if more.suspended:
        live.qty = qty
        _activate(s, live)
        return
    if qty == live.qty or live.canceling:
        return
    if more.waits:
        live.qty = qty
        s.recount(live)
        s.update(live, ExecType.RESTATED, "It follows its list.")
        return
    if live.requests or live.unknown or live.base is OrdStatus.PENDING_NEW:
        return
    if more.stuck in (qty, REFUSED):
        return  # a venue that would not cancel it is not asked again and again
    why = _growth_problem(s, live, leaves) if qty > live.qty else ""
    if why:
        if more.due != why:
            more.due = why
            bracket = more.group is not None and more.group.contingency is Contingency.BRACKET
            s.notice(Severity.CRITICAL if bracket else Severity.WARNING, why)
        return
    more.due = ""
    change(s, live, s.next_own(live), qty, live.price, own=True)


def _growth_problem(s: State, live: Live, leaves: int) -> str:
    """Why an order cannot be made larger: what does not just close passes the gate, as a change by
    hand does."""
    assert live.more is not None
    group = live.more.group
    assert group is not None
    bracket = group.contingency is Contingency.BRACKET
    wanted = as_sent(live, leaves, live.price)
    found = objections(s, live, wanted, own=group.shared(live), closing=bracket)
    if not found:
        return ""
    text = f"{_what(live)} is not made larger, as its list would have it. {found[0].text}"
    return f"{text} A part of the position is NOT protected by it." if bracket else text


def stuck(s: State, live: Live, asked: Request) -> None:
    """The venue would not do with an order what its list needs."""
    more = live.more
    if more is None or more.group is None or live.dead:
        return
    if not asked.replace:
        more.stuck = REFUSED
        s.notice(
            Severity.CRITICAL,
            f"{_what(live)} should be over by its list, but its venue would not cancel it. Cancel"
            " it there.",
        )
        return
    qty = more.stuck = asked.qty
    if qty < live.qty:
        s.notice(
            Severity.CRITICAL,
            f"{_what(live)} is too large now and its venue would not make it smaller: it is"
            " canceled. What it protects is NOT protected by it any more.",
        )
        withdraw(s, live)
    else:
        s.notice(
            Severity.CRITICAL,
            f"{_what(live)} is too small now and its venue would not make it larger: a part of the"
            " position is NOT protected by it.",
        )


def _activate(s: State, live: Live) -> None:
    """An order's turn in its list has come: it passes the gate and begins."""
    more = live.more
    assert more is not None
    assert more.group is not None
    bracket = more.group.contingency is Contingency.BRACKET
    own = more.group.shared(live) if bracket else -1
    if more.way is Way.SENT:
        wanted = as_sent(live, live.qty, live.price)
        found = objections(s, live, wanted, own, closing=bracket)
        if found:
            refuse(s, live, found[0])
            return
    start(s, live)


def _end(s: State, live: Live, text: str) -> None:
    if live.waits:
        s.end(live, OrdStatus.CANCELED)
        s.update(live, ExecType.CANCELED, text)
    else:
        withdraw(s, live)


def _size(live: Live) -> int:
    return live.command.qty if live.more is None else live.more.size


def _holding(live: Live) -> Holding:
    assert live.holding is not None
    return live.holding


def _what(live: Live) -> str:
    c, instrument = live.command, _holding(live).market.instrument
    size = plain(instrument.quantity(max(live.qty - live.cum, 0)))
    kind = c.ord_type.name.replace("_", " ").lower()
    return f"The {kind} order to {c.side.name.lower()} {size} {instrument.id}"
