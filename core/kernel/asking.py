"""What the engine asks of venues for an order, and what speaks against asking it."""

from __future__ import annotations

import msgspec

from core.kernel.gate import gate, out_of_reach
from core.kernel.markets import Market
from core.kernel.more import Slice, Way
from core.kernel.orders import Live
from core.kernel.positions import Holding
from core.kernel.rates import count_message
from core.kernel.state import State
from core.model.checks import Violation, reduces
from core.model.commands import NewOrder
from core.model.enums import ExecType, MarketStatus, OrdStatus, OrdType
from core.model.held import wire_tif, wire_type
from core.model.orders import Order
from core.model.requests import VenueCancel, VenueNew, VenueReplace

_replace = msgspec.structs.replace

_ALSO_FOR_CLOSING = frozenset(
    {
        "BAD_ORD_TYPE",
        "BAD_POST_ONLY",
        "BAD_TIF",
        "EXPIRE_TIME_IN_PAST",
        "INVALID_PRICE",
        "INVALID_QTY",
        "NOT_TRADABLE",
        "REDUCE_ONLY_MODE",
        "TRADING_HALTED",
    }
)

LATER = frozenset(
    {
        "NOT_TRADABLE",
        "NO_REFERENCE_PRICE",
        "STALE_MARKET_DATA",
        "NO_FX_RATE",
        "RATE_LIMIT",
        "MESSAGE_BUDGET",
        "STREAM_RECONCILING",
        "RISK_UNAVAILABLE",
    }
)
"""What speaks against an order now, but will not for ever."""


def may_close(holding: Holding, command: NewOrder, found: list[Violation], own: int = 0) -> bool:
    """A closing order that provably reduces is held up only by what makes it impossible."""
    return reduces(holding.at(command), command.side, command.qty, own) and not any(
        v.code in _ALSO_FOR_CLOSING for v in found
    )


def objections(s: State, live: Live, command: NewOrder, own: int, closing: bool) -> list[Violation]:
    """What speaks against sending an order that the engine has held; `own` are the open lots that
    count for it already (-1: none do). One meant to close is held up only by what makes it
    impossible."""
    holding = live.holding
    assert holding is not None
    found = gate(s, command, holding, live.part, live.hand, own=own)
    if found and closing and may_close(holding, command, found, max(own, 0)):
        return of_parts(live, command, found, max(own, 0))
    return found


def of_parts(live: Live, command: NewOrder, found: list[Violation], own: int) -> list[Violation]:
    """What of `found` holds up even an order that only closes what its account holds: the size
    that a strategy or trader may hold for whom it does not close."""
    opening = [
        f"{part.desk.scope}:{part.desk.strategy}"
        for part in (live.part, live.hand)
        if part is not None and not reduces(part.at(command), command.side, command.qty, own)
    ]
    return [v for v in found if v.code == "MAX_POSITION" and v.scope in opening]


def obstacle(s: State, market: Market) -> str:
    """A sentence when nothing can be sent to an instrument's market now, else nothing."""
    return out_of_reach(s, market) or shut(s, market)


def shut(s: State, market: Market) -> str:
    """A sentence when an instrument's market does not trade now, else nothing."""
    if market.status is MarketStatus.HALTED or market.status is MarketStatus.CLOSED:
        return f"The market of {market.instrument.id} is {market.status.value}."
    if not market.is_open(s.ts):
        return f"{market.instrument.id} is outside its trading hours."
    return ""


def as_sent(live: Live, qty: int, price: int) -> NewOrder:
    """The order that the venue is (to be) sent, with `qty` lots of it at `price`."""
    c = live.command
    assert live.holding is not None
    instrument = live.holding.market.instrument
    kind, tif = wire_type(c.ord_type, instrument), wire_tif(c.tif, instrument)
    if kind is c.ord_type and tif is c.tif and not c.display_qty:
        return _replace(c, qty=qty, price=price, stop_price=live.stop)
    own = kind is not c.ord_type
    sliced = live.more is not None and live.more.way is Way.SLICES
    return _replace(
        c,
        qty=qty,
        ord_type=kind,
        tif=tif,
        price=0 if kind is OrdType.MARKET else price,
        stop_price=0 if own else live.stop,
        # One that is held from before its venue could show a part goes on slice by slice.
        display_qty=min(c.display_qty, qty) if instrument.display and not sliced else 0,
        expire=c.expire if tif is c.tif else 0,
        trail=0 if own else c.trail,
        trail_bp=0 if own else c.trail_bp,
        limit_offset=0 if own else c.limit_offset,
        peg=None if own else c.peg,
        peg_offset=0 if own else c.peg_offset,
    )


def wire(live: Live, order: Order | None = None, piece: Slice | None = None) -> Order:
    """An order as its venue knows it; `order` is its view, where that is at hand, `piece` a slice
    that others followed."""
    order = order or live.view()
    more = live.more
    if more is None:
        return order
    sent = as_sent(live, live.qty, live.price)
    status = order.status
    if piece is not None:
        status = OrdStatus.PARTIALLY_FILLED if piece.cum else OrdStatus.NEW
    elif more.slices:
        piece = more.slices[-1]
    if piece is not None and not piece.acked and not live.unknown and not live.requests:
        status = OrdStatus.PENDING_NEW
    return _replace(
        order,
        cl_ord_id=order.cl_ord_id if piece is None else piece.id,
        order_id=order.order_id if piece is None else piece.order_id,
        qty=order.qty if piece is None else piece.qty,
        cum_qty=order.cum_qty if piece is None else piece.cum,
        notional=order.notional if piece is None else piece.notional,
        status=status,
        ord_type=sent.ord_type,
        tif=sent.tif,
        price=sent.price,
        stop_price=sent.stop_price,
        display_qty=sent.display_qty,
        expire=sent.expire,
        trail=sent.trail,
        trail_bp=sent.trail_bp,
        limit_offset=sent.limit_offset,
        peg=sent.peg,
        peg_offset=sent.peg_offset,
        held=False,
    )


def send(s: State, live: Live, text: str = "") -> None:
    """Send an order, or its newest slice, to its venue."""
    assert live.holding is not None
    count_message(live.holding.market.meter, s.ts)
    order = s.update(live, ExecType.PENDING_NEW, text)
    s.out.append(VenueNew(wire(live, order)))


def cancel(s: State, live: Live, request: str, own: bool = False) -> None:
    """Cancel an order: ask its venue, or end it where the engine waits with it.

    An earlier request that got lost is given up.
    """
    for piece in live.more.left_behind if live.more is not None else ():
        if live.holding is not None:
            count_message(live.holding.market.meter, s.ts)
        s.out.append(VenueCancel(wire(live, None, piece), s.next_own(live)))
    if live.waits:
        s.end(live, OrdStatus.CANCELED)
        s.update(live, ExecType.CANCELED)
        return
    live.requests = tuple(r for r in live.requests if r.replace or not r.lost)
    live.ask(request, replace=False, own=own)
    if live.holding is not None:
        count_message(live.holding.market.meter, s.ts)
    order = s.update(live, ExecType.PENDING_CANCEL)
    s.out.append(VenueCancel(wire(live, order), request))


def change(
    s: State, live: Live, request: str, qty: int, price: int, stop: int = 0, own: bool = False
) -> None:
    """Ask the venue to change an order to a total of `qty` lots, price and stop (0: as it is)."""
    more = live.more
    asked = qty
    if more is not None and more.way is Way.SLICES and more.slices:
        piece = more.slices[-1]
        beside = sum(old.qty - old.cum for old in more.left_behind)
        asked = min(piece.qty, piece.cum + qty - live.cum - beside)
        if (asked, price) == (piece.qty, live.price):
            # What is shown stays as it is: its venue need not know.
            live.qty = qty
            s.recount(live)
            s.update(live, ExecType.REPLACED)
            return
    live.ask(request, True, qty, price, stop, own)
    s.recount(live)
    if live.holding is not None:
        count_message(live.holding.market.meter, s.ts)
        live.holding.resting.add(live, price, live.holding.live)
    order = s.update(live, ExecType.PENDING_REPLACE)
    s.out.append(VenueReplace(wire(live, order), request, asked, price, stop))
