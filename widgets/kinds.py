"""Which fields an order type has, where such an order stands on a price axis. No Qt."""

from __future__ import annotations

from core.model.enums import OrdType, TimeInForce
from core.model.instruments import Instrument
from core.model.orders import Order
from widgets.words import TIF_WORDS, TYPE_WORDS

PRICED = frozenset({OrdType.LIMIT, OrdType.STOP_LIMIT, OrdType.LIMIT_IF_TOUCHED})
"""Types that need a limit price."""

STOPS = frozenset({OrdType.STOP, OrdType.STOP_LIMIT})
"""Types that go off when the market runs away from them."""

TOUCHED = frozenset({OrdType.MARKET_IF_TOUCHED, OrdType.LIMIT_IF_TOUCHED})
"""Types that go off when the market comes to them."""

TRAILING = frozenset({OrdType.TRAILING_STOP, OrdType.TRAILING_STOP_LIMIT})
"""Types whose stop follows the market."""

_LIMITED = frozenset({OrdType.TRAILING_STOP_LIMIT, OrdType.PEGGED})

TRIGGERED = STOPS | TOUCHED
"""Types that need the price at which they go off."""

MOVABLE = frozenset({OrdType.LIMIT}) | TRIGGERED
"""Types that stand at a price of the trader's own and can be dragged."""

SIGNS = {
    OrdType.STOP: "S",
    OrdType.STOP_LIMIT: "SL",
    OrdType.MARKET_IF_TOUCHED: "IT",
    OrdType.LIMIT_IF_TOUCHED: "ITL",
    OrdType.TRAILING_STOP: "T",
    OrdType.TRAILING_STOP_LIMIT: "TL",
    OrdType.PEGGED: "P",
}
"""The letters before the size of an order that does not simply rest."""


def waits(order: Order) -> bool:
    """Does it wait for a price to be reached before it goes to the market?"""
    return not order.triggered and order.ord_type in TRIGGERED | TRAILING


def level(order: Order) -> int:
    """The price in ticks at which an order stands; 0 for none (a market order)."""
    return order.stop_price if waits(order) and order.stop_price else order.price


HELD_TIFS = frozenset(
    {
        TimeInForce.DAY,
        TimeInForce.GTD,
        TimeInForce.AT_THE_OPENING,
        TimeInForce.AT_THE_CLOSE,
    }
)
"""Times that the engine keeps by its own clock where the venue has none."""


def type_obstacle(kind: OrdType, instrument: Instrument) -> str:
    """Why neither venue nor engine can do an order type, or ''.

    The engine holds what its venue cannot, as long as that takes the order it becomes.
    """
    if kind in instrument.order_types:
        return ""
    if kind in SIGNS:
        becomes = OrdType.LIMIT if kind in PRICED or kind in _LIMITED else OrdType.MARKET
        if becomes in instrument.order_types:
            return ""
        return (
            f"{instrument.venue} takes no {TYPE_WORDS[becomes].lower()} orders in"
            f" {instrument.symbol}, which a {TYPE_WORDS[kind].lower()} becomes."
        )
    return f"{instrument.venue} takes no {TYPE_WORDS[kind].lower()} orders in {instrument.symbol}."


def tif_obstacle(tif: TimeInForce, instrument: Instrument) -> str:
    """Why neither venue nor engine can do a time in force, or ''."""
    if tif in instrument.tifs or tif in HELD_TIFS:
        return ""
    return f"{instrument.venue} takes no {TIF_WORDS[tif]} orders in {instrument.symbol}."


def held_here(kind: OrdType, tif: TimeInForce, instrument: Instrument) -> bool:
    """Does the engine work such an order in the venue's place?"""
    return kind not in instrument.order_types or tif not in instrument.tifs
