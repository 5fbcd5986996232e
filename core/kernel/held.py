"""Orders that the engine works because their venues cannot: see `core.model.held`.

A price is reached from below by a trade or a bid at or above it, from above by a trade or an offer
at or below it: a wide quote alone triggers nothing. What the market passed while nobody looked (a
gap over night, a restart) has been reached, too: such an order goes out at once, with a notice.
An order that is triggered passes the gate again. What cannot be sent now (no link, market shut, no
fresh price) waits until it can; what may not be sent is refused, loudly.
"""

from __future__ import annotations

import msgspec

from core.kernel.asking import (
    LATER,
    as_sent,
    cancel,
    change,
    may_close,
    objections,
    obstacle,
    of_parts,
    send,
    shut,
)
from core.kernel.gate import out_of_reach
from core.kernel.markets import Market
from core.kernel.more import REFUSED, WORKED_ON, More, Slice, Way
from core.kernel.orders import Live
from core.kernel.rates import count_changed, count_sent
from core.kernel.state import State
from core.model.checks import MAX_TICKS, Violation
from core.model.commands import NewOrder
from core.model.enums import (
    ExecType,
    OrdStatus,
    OrdType,
    PegReference,
    Severity,
    Side,
    TimeInForce,
)
from core.model.held import TIMED, TRIGGERED
from core.model.numbers import plain

BEFORE_CLOSE = 15_000_000_000
"""How long before the close an order for the close goes out, in ns."""
MOST_TRIES = 5
"""How often the cancel of an order whose time is over is asked for."""

_BUY = Side.BUY
_STOPS = (
    OrdType.STOP,
    OrdType.STOP_LIMIT,
    OrdType.TRAILING_STOP,
    OrdType.TRAILING_STOP_LIMIT,
)
_TRAILING = (OrdType.TRAILING_STOP, OrdType.TRAILING_STOP_LIMIT)
_AUCTIONS = {
    TimeInForce.AT_THE_OPENING: Way.OPENING,
    TimeInForce.AT_THE_CLOSE: Way.CLOSING,
}
_GAP_BP = 50
"""A market so far beyond a stop (basis points) has jumped over it."""


def take_in(s: State, live: Live) -> More:
    """Work out what the engine has to do for an order that has begun."""
    c = live.command
    assert live.holding is not None
    instrument = live.holding.market.instrument
    way = Way.SENT
    if c.ord_type in TRIGGERED and c.ord_type not in instrument.order_types:
        way = Way.TRIGGER
    elif c.ord_type is OrdType.PEGGED and c.ord_type not in instrument.order_types:
        way = Way.PEG
    elif c.display_qty and not instrument.display:
        way = Way.SLICES
    elif c.tif in _AUCTIONS and c.tif not in instrument.tifs:
        way = _AUCTIONS[c.tif]
    listed = c.tif in instrument.tifs
    timed = c.tif in TIMED and c.tif not in _AUCTIONS and not listed
    more = live.more = More(way, timed, c.qty)
    if timed or way is Way.OPENING or way is Way.CLOSING:
        s.timed[c.cl_ord_id] = live
    return more


def start(s: State, live: Live) -> None:
    """An order that passed the gate begins: it goes out, or waits here."""
    more, holding = live.more, live.holding
    assert more is not None
    assert holding is not None
    more.started, more.suspended = True, False
    if more.way is Way.SENT:
        if more.group is not None and more.group.went_off(live):
            s.end(live, OrdStatus.CANCELED)
            s.update(live, ExecType.CANCELED, "The order beside it went out first.")
            return
        more.waits = False
        live.base = OrdStatus.PENDING_NEW
        s.recount(live)
        count_sent(live, s.ts)
        send(s, live)
        return
    more.waits = True
    live.base = OrdStatus.NEW
    s.recount(live)
    if more.way is Way.OPENING or more.way is Way.CLOSING:
        s.update(live, ExecType.NEW, "Held here until its time comes.")
        return
    s.watch.setdefault(live.command.instrument, {})[live.command.cl_ord_id] = live
    if more.way is Way.SLICES:
        _out(s, live, "")
        if more.waits and not live.dead:
            s.update(live, ExecType.NEW, "Held here.")
        return
    s.update(live, ExecType.NEW, "Held here.")
    market = holding.market
    if not shut(s, market) and not market.bid > market.ask > 0:
        _look(s, live, market, market.bid, market.ask)


def suspend(s: State, live: Live) -> None:
    """An order that waits here waits for its list again."""
    more = live.more
    assert more is not None
    more.suspended, more.due, more.triggered = True, "", 0
    live.base = OrdStatus.SUSPENDED
    s.unwatch(live)
    s.recount(live)
    s.update(live, ExecType.SUSPENDED, "Held here until its turn in its list comes.")


def on_market(s: State, market: Market, up: int, down: int) -> None:
    """The market was seen to go up to `up` and down to `down` ticks (0: nothing was seen)."""
    watched = s.watch.get(market.instrument.id)
    if watched is None or up > down > 0 or shut(s, market):
        return
    for live in list(watched.values()):
        if not live.dead:
            _look(s, live, market, up, down)


def retry(s: State, market: Market | None = None) -> None:
    """Something changed: whatever should be out already is tried again."""
    for name in [market.instrument.id] if market is not None else list(s.watch):
        for live in list(s.watch.get(name, {}).values()):
            more = live.more
            if more is not None and more.waits and more.due and not live.dead:
                _out(s, live, "")


def on_time(s: State, new_session: bool) -> None:
    """Time has passed: orders end, openings and closes come."""
    for live in list(s.timed.values()):
        more, holding = live.more, live.holding
        assert more is not None
        assert holding is not None
        c = live.command
        if more.way is Way.OPENING or more.way is Way.CLOSING:
            if more.waits and not more.suspended:
                _auction(s, live, more, holding.market)
        elif more.over or (new_session if c.tif is TimeInForce.DAY else s.ts >= c.expire):
            more.over = True
            _expire(s, live, more)
    if s.watch:
        retry(s)


def _expire(s: State, live: Live, more: More) -> None:
    if more.waits:
        s.end(live, OrdStatus.EXPIRED)
        s.update(live, ExecType.EXPIRED, "Its time is over.")
    elif live.canceling or (live.holding is not None and out_of_reach(s, live.holding.market)):
        return  # asked for, or nobody is there to be asked: looked at again with the next tick
    elif more.tries <= MOST_TRIES:
        more.tries += 1
        if more.tries <= MOST_TRIES:
            cancel(s, live, s.next_own(live), own=True)
        else:
            s.notice(
                Severity.CRITICAL,
                f"{_what(live)} should be over, but its venue does not cancel it. Cancel it there.",
            )


def _auction(s: State, live: Live, more: More, market: Market) -> None:
    open_now = not obstacle(s, market)
    if more.way is Way.OPENING:
        if not open_now:
            more.seen = True
        elif more.seen:
            _out(s, live, "The market opens.")
        return
    venue_now = s.ts + market.ts - market.received if market.ts else s.ts
    if open_now:
        more.seen = True
        if not market.instrument.hours.is_open(venue_now + BEFORE_CLOSE):
            _out(s, live, "The market closes soon.")
    elif more.seen and not market.is_open(s.ts):
        s.end(live, OrdStatus.EXPIRED)
        s.update(live, ExecType.EXPIRED, "The close has passed.")


def _look(s: State, live: Live, market: Market, up: int, down: int) -> None:
    more = live.more
    assert more is not None
    if more.suspended:
        return
    if more.way is Way.PEG:
        _follow(s, live, more, market)
        return
    if more.way is Way.SLICES:
        if more.waits and more.due:
            _out(s, live, "")
        return
    if more.triggered:
        _out(s, live, "")
        return
    c = live.command
    if c.ord_type in _TRAILING:
        _trail(s, live, more, up, down)
    stop = live.stop
    rising = (c.side is _BUY) == (c.ord_type in _STOPS)
    reached = 0 < stop <= up if rising else 0 < down <= stop
    if not reached:
        return
    more.triggered = s.ts
    seen = up if rising else down
    instrument = market.instrument
    text = (
        f"Triggered: the market reached {plain(instrument.price(seen))}, its price is"
        f" {plain(instrument.price(stop))}."
    )
    if abs(seen - stop) * 10_000 > stop * _GAP_BP:
        s.notice(
            Severity.WARNING,
            f"{_what(live)}: the market jumped over its price {plain(instrument.price(stop))} to"
            f" {plain(instrument.price(seen))}; it goes out now.",
        )
    if c.ord_type is OrdType.TRAILING_STOP_LIMIT:
        offset = c.limit_offset if c.side is _BUY else -c.limit_offset
        live.price = min(max(stop + offset, 1), MAX_TICKS)
    _out(s, live, text)
    if more.waits and not live.dead:
        s.update(live, ExecType.RESTATED, text)


def _trail(s: State, live: Live, more: More, up: int, down: int) -> None:
    c, stop = live.command, live.stop
    best = down if c.side is _BUY else up
    if best <= 0:
        return
    if c.side is _BUY:
        mark = more.mark = min(more.mark, best) if more.mark else best
        new = mark + (c.trail or max(1, mark * c.trail_bp // 10_000))
        moved = not stop or new < stop
    else:
        mark = more.mark = max(more.mark, best)
        new = max(1, mark - (c.trail or max(1, mark * c.trail_bp // 10_000)))
        moved = new > stop
    if moved and new <= MAX_TICKS:
        live.stop = new
        s.update(live, ExecType.RESTATED, "Its stop follows the market.")


def _follow(s: State, live: Live, more: More, market: Market) -> None:
    """Keep a pegged order at its price."""
    price = _peg_price(live, more, market)
    if not price:
        return
    if more.waits:
        live.price = price
        _out(s, live, "")
        return
    pending = live.requests or live.unknown or live.base is OrdStatus.PENDING_NEW
    if price == live.price or pending or obstacle(s, market):
        return
    wanted = as_sent(live, live.qty - live.cum, price)
    own = live.exposed if more.group is None else more.group.shared(live)
    found = objections(s, live, wanted, own, closing=False)
    if found:
        _say(s, live, more, found[0].text)
        return
    more.due = ""
    change(s, live, s.next_own(live), live.qty, price, own=True)


def _peg_price(live: Live, more: More, market: Market) -> int:
    """Where a pegged order should stand; 0 when that cannot be told."""
    c = live.command
    buy = c.side is _BUY
    near, far = (market.bid, market.ask) if buy else (market.ask, market.bid)
    if not more.waits and near == live.price and more.mark:
        # That is the order itself, or as good as it: it must not follow itself.
        near = more.mark
    more.mark = near
    if c.peg is PegReference.MID:
        both = near + far if near and far else 0
        price = both // 2 if buy else -(-both // 2)
    else:
        price = near if c.peg is PegReference.PRIMARY else far
    if not price:
        return 0
    price += c.peg_offset if buy else -c.peg_offset
    if c.price:
        price = min(price, c.price) if buy else max(price, c.price)
    return min(max(price, 1), MAX_TICKS)


def _out(s: State, live: Live, text: str) -> None:
    """Send what was waited with, unless something speaks against it."""
    more, holding = live.more, live.holding
    assert more is not None
    assert holding is not None
    why = obstacle(s, holding.market)
    if why:
        _say(s, live, more, why)
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
            _say(s, live, more, "The order beside it went out and is not over.")
            return
    shown = live.qty - live.cum - sum(p.qty - p.cum for p in more.left_behind)
    if more.left_behind and shown <= 0:
        _say(s, live, more, WORKED_ON)
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
            _say(s, live, more, found[0].text)
        elif closing and _is_crowded_out(s, live, wanted):
            _say(s, live, more, f"It goes out once others of its side are over: {found[0].text}")
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
            _say(
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
    s.notice(Severity.CRITICAL, f"{_what(live)} was held here and is NOT sent. {violation.text}")


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
    _out(s, live, "")


def slice_over(s: State, live: Live, piece: Slice) -> None:
    """A slice that others followed does not work at its venue any more: what is left of it is for
    those to come."""
    more = live.more
    assert more is not None
    if piece.cum < piece.qty:
        piece.qty = piece.cum
        if more.waits and more.due:
            _out(s, live, "")


def _say(s: State, live: Live, more: More, why: str) -> None:
    if more.due != why:
        more.due = why
        s.notice(Severity.WARNING, f"{_what(live)} waits. {why}")


def _what(live: Live) -> str:
    assert live.holding is not None
    c, instrument = live.command, live.holding.market.instrument
    size = plain(instrument.quantity(max(live.qty - live.cum, 0)))
    kind = c.ord_type.name.replace("_", " ").lower()
    return f"The {kind} order to {c.side.name.lower()} {size} {instrument.id}"
