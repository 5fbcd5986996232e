"""Which fields an order type has, where such an order stands on a price axis. No Qt."""

from __future__ import annotations

from core.model.commands import NewOrder
from core.model.enums import OrdType, Side, TimeInForce
from core.model.held import BECOMES, TIMED, plain_order, wire_type
from core.model.instruments import Instrument
from core.model.orders import Order
from core.model.session import Ticker
from widgets.words import TIF_WORDS, TYPE_WORDS, format_price

PRICED = frozenset({OrdType.LIMIT, OrdType.STOP_LIMIT, OrdType.LIMIT_IF_TOUCHED})
"""Types that need a limit price."""

STOPS = frozenset({OrdType.STOP, OrdType.STOP_LIMIT})
"""Types that go off when the market runs away from them."""

TOUCHED = frozenset({OrdType.MARKET_IF_TOUCHED, OrdType.LIMIT_IF_TOUCHED})
"""Types that go off when the market comes to them."""

TRAILING = frozenset({OrdType.TRAILING_STOP, OrdType.TRAILING_STOP_LIMIT})
"""Types whose stop follows the market."""

TRIGGERED = STOPS | TOUCHED
"""Types that need the price at which they go off."""

MOVABLE = frozenset({OrdType.LIMIT}) | TRIGGERED
"""Types that stand at a price of the trader's own and can be dragged."""

AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
"""Times of an order that never rests."""

AUCTIONS = frozenset({TimeInForce.AT_THE_OPENING, TimeInForce.AT_THE_CLOSE})
"""Times of an order that waits for the opening or the close."""

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


def type_obstacle(kind: OrdType, instrument: Instrument) -> str:
    """Why neither venue nor engine can do an order type, or ''.

    The engine holds what its venue cannot, as long as that takes the order it becomes.
    """
    becomes = wire_type(kind, instrument)
    if becomes in instrument.order_types:
        return ""
    words = f"{instrument.venue} takes no {TYPE_WORDS[becomes].lower()} orders"
    if becomes is kind:
        return f"{words} in {instrument.symbol}."
    return f"{words} in {instrument.symbol}, which a {TYPE_WORDS[kind].lower()} order becomes."


def tif_obstacle(tif: TimeInForce, instrument: Instrument, kind: OrdType = OrdType.LIMIT) -> str:
    """Why neither venue nor engine can do a time in force for such an order, or ''."""
    if tif in AT_ONCE and kind in BECOMES and kind not in instrument.order_types:
        words = TYPE_WORDS[kind].lower()
        return f"A {words} order waits for its price in the engine: GTC, DAY or GTD."
    if tif in instrument.tifs:
        return ""
    if tif in AUCTIONS and not instrument.hours.sessions:
        return f"{instrument.symbol} trades around the clock: there is no opening and no close."
    if tif in AUCTIONS and kind in BECOMES:
        words = TYPE_WORDS[kind].lower()
        return f"A {words} order waits for its price: GTC, DAY or GTD."
    if tif in TIMED and (tif in AUCTIONS or TimeInForce.GTC in instrument.tifs):
        return ""
    return f"{instrument.venue} takes no {TIF_WORDS[tif]} orders in {instrument.symbol}."


def held_here(order: NewOrder, instrument: Instrument) -> bool:
    """Does the engine work such an order in the venue's place?"""
    return not plain_order(order, instrument)


def moved_to(order: Order, price: int) -> tuple[int, int]:
    """Limit and stop price of an order dragged to `price`; a stop of 0 leaves it where it is.

    The limit of an order that still waits keeps its distance from the stop.
    """
    if not waits(order):
        return price, 0
    return (max(order.price + price - order.stop_price, 1) if order.price else 0), price


def stop_hint(instrument: Instrument, ticker: Ticker | None, side: Side, price: int) -> str:
    """Why a stop at `price` would go off at once, or ''."""
    market = 0 if ticker is None else ticker.ask if side is Side.BUY else ticker.bid
    if not market:
        return "There is no market to place a stop against."
    shown = format_price(market, instrument)
    if side is Side.BUY and price <= market:
        return f"A buy stop must lie above the ask, {shown}."
    if side is Side.SELL and price >= market:
        return f"A sell stop must lie below the bid, {shown}."
    return ""
