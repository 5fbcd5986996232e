"""What the engine does for orders that a venue cannot hold, and what such orders must look like.

A venue lists what it takes in `Instrument.order_types`, `tifs` and `display`. The engine adds:

    STOP, STOP_LIMIT, TRAILING_STOP, TRAILING_STOP_LIMIT, MARKET_IF_TOUCHED, LIMIT_IF_TOUCHED
        wait in the engine for their price, then go out as MARKET or LIMIT
    PEGGED, display quantities
        are LIMIT orders that the engine moves, or sends slice by slice
    DAY, GTD
        are good till canceled at the venue; the engine cancels them in time
    AT_THE_OPENING, AT_THE_CLOSE
        wait for the opening, or for a moment before the close, of an instrument with hours
"""

from __future__ import annotations

from core.model.commands import NewOrder
from core.model.denials import Violation
from core.model.enums import OrdType, TimeInForce
from core.model.instruments import Instrument
from core.model.numbers import plain

_MARKET, _LIMIT = OrdType.MARKET, OrdType.LIMIT
_GTD = TimeInForce.GTD
_TRAILING = (OrdType.TRAILING_STOP, OrdType.TRAILING_STOP_LIMIT)
_MOST_BP = 5_000
_MOST_TICKS = 2**31 - 2

BECOMES = {
    OrdType.STOP: _MARKET,
    OrdType.STOP_LIMIT: _LIMIT,
    OrdType.TRAILING_STOP: _MARKET,
    OrdType.TRAILING_STOP_LIMIT: _LIMIT,
    OrdType.MARKET_IF_TOUCHED: _MARKET,
    OrdType.LIMIT_IF_TOUCHED: _LIMIT,
    OrdType.PEGGED: _LIMIT,
}
"""What a type is for a venue once the engine sends it."""

TRIGGERED = tuple(kind for kind in BECOMES if kind is not OrdType.PEGGED)
"""Types that wait for a price."""

TIMED = (
    TimeInForce.DAY,
    TimeInForce.GTD,
    TimeInForce.AT_THE_OPENING,
    TimeInForce.AT_THE_CLOSE,
)
"""Times in force that the engine can keep."""

_AUCTIONS = (TimeInForce.AT_THE_OPENING, TimeInForce.AT_THE_CLOSE)
_AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)
WANTS_PRICE = (_LIMIT, OrdType.STOP_LIMIT, OrdType.LIMIT_IF_TOUCHED)
"""Types that cannot be without a price."""
WANTS_STOP = (
    OrdType.STOP,
    OrdType.STOP_LIMIT,
    OrdType.MARKET_IF_TOUCHED,
    OrdType.LIMIT_IF_TOUCHED,
)
"""Types that cannot be without a stop price (for the touched ones: the price that is touched)."""
MAY_PRICE = (OrdType.PEGGED,)
"""Types whose price may be empty."""
MAY_STOP = _TRAILING
"""Types whose stop price may be empty."""


def plain_order(order: NewOrder, instrument: Instrument) -> bool:
    """Can the venue do all that the order asks for?"""
    return (
        order.ord_type in instrument.order_types
        and order.tif in instrument.tifs
        and (not order.display_qty or instrument.display)
    )


def special(order: NewOrder, instrument: Instrument) -> bool:
    """Does the order have anything that most orders do not have, so that it needs a look?"""
    kind = order.ord_type
    return bool(
        (kind is not _LIMIT and kind is not _MARKET)
        or order.tif not in instrument.tifs
        or kind not in instrument.order_types
        or order.tif is _GTD
        or order.display_qty
        or order.expire
        or order.trail
        or order.trail_bp
        or order.limit_offset
        or order.peg_offset
        or order.peg is not None
    )


def wire_type(kind: OrdType, instrument: Instrument) -> OrdType:
    """The type under which an order goes to its venue."""
    return kind if kind in instrument.order_types else BECOMES.get(kind, kind)


def wire_tif(tif: TimeInForce, instrument: Instrument) -> TimeInForce:
    """The time in force under which an order goes to its venue."""
    tifs = instrument.tifs
    if tif in tifs:
        return tif
    first = TimeInForce.IOC if tif in _AUCTIONS else TimeInForce.GTC
    return first if first in tifs else tifs[0]


def check_terms(order: NewOrder, instrument: Instrument) -> Violation | None:
    """The first rule that the order's type, time in force or special terms break."""
    kind, tif = order.ord_type, order.tif
    becomes = wire_type(kind, instrument)
    if becomes not in instrument.order_types:
        names = ", ".join(t.name for t in instrument.order_types)
        return _bad(
            instrument,
            "BAD_ORD_TYPE",
            f"{instrument.id} does not take {becomes.name} orders.",
            f"Use {names}.",
            kind.name,
        )
    held = becomes is not kind
    if tif not in instrument.tifs and (tif not in TIMED or not _can_keep(tif, instrument)):
        names = ", ".join(t.name for t in instrument.tifs)
        return _bad(
            instrument,
            "BAD_TIF",
            f"{instrument.id} does not take time in force {tif.name}.",
            f"Use {names}.",
            tif.name,
        )
    if held and (tif in _AT_ONCE or tif in _AUCTIONS):
        return _bad(
            instrument,
            "BAD_TIF",
            f"A {kind.name} order waits for its price; it cannot be {tif.name}.",
            "Use DAY, GTC or GTD.",
            tif.name,
        )
    if (tif is TimeInForce.GTD) != (order.expire > 0) or order.expire < 0:
        return _bad(
            instrument,
            "BAD_TIF",
            "A GTD order needs the time when it expires, and only a GTD order has one.",
            "Use GTD with a time to come.",
            tif.name,
        )
    return _check_display(order, instrument) or _check_moving(order, instrument)


def _can_keep(tif: TimeInForce, instrument: Instrument) -> bool:
    if tif in _AUCTIONS:
        return bool(instrument.hours.sessions)
    return TimeInForce.GTC in instrument.tifs


def _check_display(order: NewOrder, instrument: Instrument) -> Violation | None:
    shown = order.display_qty
    if not shown:
        return None
    if order.ord_type is not _LIMIT or order.tif in _AT_ONCE or order.tif in _AUCTIONS:
        return _bad(
            instrument,
            "BAD_DISPLAY_QTY",
            "Only a LIMIT order that may rest can show a part of its quantity.",
            "Leave the shown quantity empty.",
            plain(instrument.quantity(shown)),
        )
    if not 0 < shown <= order.qty:
        return _bad(
            instrument,
            "BAD_DISPLAY_QTY",
            f"{plain(instrument.quantity(shown))} cannot be shown of"
            f" {plain(instrument.quantity(order.qty))}.",
            "Show at least one lot and at most the whole quantity.",
            plain(instrument.quantity(shown)),
        )
    return None


def _check_moving(order: NewOrder, instrument: Instrument) -> Violation | None:
    kind = order.ord_type
    trailing = kind in _TRAILING
    if trailing:
        one = (order.trail > 0) != (order.trail_bp > 0)
        if not one or not 0 <= order.trail <= _MOST_TICKS or not 0 <= order.trail_bp <= _MOST_BP:
            return _bad(
                instrument,
                "INVALID_PRICE",
                f"A {kind.name} order trails by a number of ticks or by 1 to {_MOST_BP} basis"
                " points.",
                "Give one of both.",
            )
    elif order.trail or order.trail_bp:
        return _bad(
            instrument, "INVALID_PRICE", f"A {kind.name} order does not trail.", "Leave it empty."
        )
    offset = order.limit_offset
    if offset and (kind is not OrdType.TRAILING_STOP_LIMIT or not 0 < offset <= _MOST_TICKS):
        return _bad(
            instrument,
            "INVALID_PRICE",
            "Only a TRAILING_STOP_LIMIT order has a limit offset, of 0 ticks or more.",
            "Leave it empty.",
        )
    pegged = kind is OrdType.PEGGED
    if pegged != (order.peg is not None) or (order.peg_offset and not pegged):
        return _bad(
            instrument,
            "BAD_PEG",
            "A PEGGED order needs a price to follow, and only a PEGGED order has one.",
            "Choose PRIMARY, MARKET or MID.",
        )
    if abs(order.peg_offset) > _MOST_TICKS:
        return _bad(instrument, "BAD_PEG", "The peg's offset is too large.", "Make it smaller.")
    return None


def _bad(
    instrument: Instrument, code: str, sentence: str, remedy: str, value: str = ""
) -> Violation:
    return Violation(code, sentence, remedy, value=value, scope=f"instrument:{instrument.id}")
