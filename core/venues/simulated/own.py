"""Our orders as a simulated venue knows them, and what it refuses."""

from __future__ import annotations

from core.book.matching import LIMIT_FOK, LIMIT_GTC, LIMIT_IOC, MARKET, MAX_PRICE, POST_ONLY
from core.model.enums import MarketStatus, OrdStatus, OrdType, TimeInForce
from core.model.instruments import Instrument
from core.model.orders import Order
from core.venues.simulated.livebook import BUY, LiveBook

_STOPS = (OrdType.STOP, OrdType.STOP_LIMIT)
_LIMITS = (OrdType.LIMIT, OrdType.STOP_LIMIT)
_RESTING = (TimeInForce.GTC, TimeInForce.DAY, TimeInForce.GTD)


class OwnOrder:
    """An order of ours at the venue. `armed`: a stop that waits for its price `stop`.

    `shown` is what of it stands in the book, of a reserve order (`reserve`, once it rests) a part.
    """

    __slots__ = (
        "armed",
        "book_id",
        "cum",
        "notional",
        "order",
        "order_id",
        "price",
        "qty",
        "reserve",
        "shown",
        "side",
        "status",
        "stop",
    )

    def __init__(self, order: Order, order_id: str, book_id: int) -> None:
        self.order = order
        self.order_id = order_id
        self.book_id = book_id
        self.side = int(order.side)
        self.price = order.price
        self.stop = order.stop_price
        self.qty = order.qty
        self.cum = order.cum_qty
        self.notional = order.notional
        self.status = OrdStatus.PARTIALLY_FILLED if order.cum_qty else OrdStatus.NEW
        self.armed = order.ord_type in _STOPS
        self.shown = 0
        self.reserve = False


class Market:
    """One instrument's trading: its book, whether it is open and why not, our stops."""

    __slots__ = ("instrument", "live", "status", "stops", "why")

    def __init__(self, instrument: Instrument, live: LiveBook) -> None:
        self.instrument = instrument
        self.live = live
        self.status = MarketStatus.OPEN
        self.why = ""
        self.stops: list[OwnOrder] = []


def can_rest(order: Order) -> bool:
    """May the order stay at the venue after it has arrived?"""
    return order.tif in _RESTING and order.ord_type is not OrdType.MARKET


def book_kind(order: Order) -> tuple[int, int]:
    """The matching book's kind and limit of an order (a stop: once it is triggered)."""
    if order.ord_type in (OrdType.MARKET, OrdType.STOP):
        if order.tif is TimeInForce.FOK:
            return LIMIT_FOK, MAX_PRICE if order.side == BUY else 1
        return MARKET, 1
    if order.post_only:
        return POST_ONLY, order.price
    if order.tif is TimeInForce.IOC:
        return LIMIT_IOC, order.price
    if order.tif is TimeInForce.FOK:
        return LIMIT_FOK, order.price
    return LIMIT_GTC, order.price


def refusal(venue: str, market: Market | None, order: Order) -> str:
    """Why a new order cannot be taken on; empty when it can."""
    if market is None:
        return f"{venue} does not list {order.instrument}."
    instrument = market.instrument
    if market.status is not MarketStatus.OPEN:
        return f"{order.instrument} is {market.status.value}: {market.why}"
    if order.ord_type not in instrument.order_types:
        return f"{order.instrument} does not take {order.ord_type.name} orders."
    if order.tif not in instrument.tifs:
        return f"{order.instrument} does not take {order.tif.name} orders."
    if not 0 < order.qty <= instrument.max_qty:
        return f"Quantity {order.qty} lots is outside 1 to {instrument.max_qty}."
    if order.ord_type in _LIMITS and not 0 < order.price <= MAX_PRICE:
        return f"Price {order.price} ticks is outside 1 to {MAX_PRICE}."
    if order.ord_type in _STOPS:
        if not 0 < order.stop_price <= MAX_PRICE:
            return f"Stop price {order.stop_price} ticks is outside 1 to {MAX_PRICE}."
        if order.tif not in _RESTING:
            return "A stop order must be good till cancelled, till a date or for the day."
    if order.display_qty:
        if not instrument.display:
            return f"{order.instrument} takes no orders that show a part of their quantity."
        if not 0 < order.display_qty <= order.qty:
            return f"{order.display_qty} of {order.qty} lots cannot be shown."
        if order.ord_type is not OrdType.LIMIT or order.tif not in _RESTING:
            return "To show a part of its quantity an order must be a limit order that may rest."
    if order.post_only:
        if not instrument.post_only:
            return f"{order.instrument} does not take post-only orders."
        if order.ord_type is not OrdType.LIMIT or order.tif not in _RESTING:
            return "Post-only needs a limit order that may rest."
    return ""


def replace_refusal(market: Market, own: OwnOrder, qty: int, price: int, stop: int) -> str:
    """Why an order cannot be changed to `qty`, `price` and `stop` (0: as it is); empty when it can.

    A stop that was triggered has no stop price any more.
    """
    if market.status is not MarketStatus.OPEN:
        return f"{market.instrument.id} is {market.status.value}: {market.why}"
    if not own.cum < qty <= market.instrument.max_qty:
        return (
            f"The new quantity {qty} lots must be more than the {own.cum} filled "
            f"and at most {market.instrument.max_qty}."
        )
    if stop and not own.armed:
        return "Its stop price was reached; it cannot be changed any more."
    if not 0 <= stop <= MAX_PRICE:
        return f"Stop price {stop} ticks is outside 1 to {MAX_PRICE}."
    if own.order.ord_type is OrdType.STOP:
        return "" if own.armed else "The stop was triggered and trades at the market."
    if not 0 < price <= MAX_PRICE:
        return f"Price {price} ticks is outside 1 to {MAX_PRICE}."
    if own.order.post_only and market.live.crosses(own.side, price):
        return "Post-only: the order would trade at once at that price."
    return ""
