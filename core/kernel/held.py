"""Orders that the engine works because their venues cannot: see `core.model.held`.

A price is reached from below by a trade or a bid at or above it, from above by a trade or an offer
at or below it: a wide quote alone triggers nothing. What the market passed while nobody looked (a
gap over night, a restart) has been reached, too: such an order goes out at once, with a notice.
An order that is triggered passes the gate again. What cannot be sent now (no link, market shut, no
fresh price) waits until it can; what may not be sent is refused, loudly.
"""

from __future__ import annotations

from core.kernel.asking import (
    as_sent,
    cancel,
    change,
    objections,
    obstacle,
    send,
    shut,
)
from core.kernel.gate import out_of_reach
from core.kernel.leaving import go_out, say_why, words_of
from core.kernel.markets import Market
from core.kernel.more import More, Way
from core.kernel.orders import Live
from core.kernel.rates import count_sent
from core.kernel.state import State
from core.model.checks import MAX_TICKS
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
        go_out(s, live, "")
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
                go_out(s, live, "")


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
                f"{words_of(live)} should be over, but its venue does not cancel it. Cancel it"
                " there.",
            )


def _auction(s: State, live: Live, more: More, market: Market) -> None:
    open_now = not obstacle(s, market)
    if more.way is Way.OPENING:
        if not open_now:
            more.seen = True
        elif more.seen:
            go_out(s, live, "The market opens.")
        return
    venue_now = s.ts + market.ts - market.received if market.ts else s.ts
    if open_now:
        more.seen = True
        if not market.instrument.hours.is_open(venue_now + BEFORE_CLOSE):
            go_out(s, live, "The market closes soon.")
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
            go_out(s, live, "")
        return
    if more.triggered:
        go_out(s, live, "")
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
            f"{words_of(live)}: the market jumped over its price {plain(instrument.price(stop))} to"
            f" {plain(instrument.price(seen))}; it goes out now.",
        )
    if c.ord_type is OrdType.TRAILING_STOP_LIMIT:
        offset = c.limit_offset if c.side is _BUY else -c.limit_offset
        live.price = min(max(stop + offset, 1), MAX_TICKS)
    go_out(s, live, text)
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
        go_out(s, live, "")
        return
    pending = live.requests or live.unknown or live.base is OrdStatus.PENDING_NEW
    if price == live.price or pending or obstacle(s, market):
        return
    wanted = as_sent(live, live.qty - live.cum, price)
    own = live.exposed if more.group is None else more.group.shared(live)
    found = objections(s, live, wanted, own, closing=False)
    if found:
        say_why(s, live, more, found[0].text)
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
