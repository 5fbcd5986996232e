"""Moving, shrinking and cancelling the orders that stand at one price. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from core.model.enums import OrdStatus, OrdType, Side
from core.model.instruments import Instrument
from core.model.orders import Order
from core.model.session import Ticker
from widgets.words import format_price

_STEADY = frozenset({OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED})


class Change(NamedTuple):
    """A change of one order: new total quantity and price, or a cancel when `qty` is 0."""

    order: Order
    qty: int
    price: int


def level(order: Order) -> int:
    """The price in ticks at which an order stands in the ladder; 0 for none (a market order)."""
    return order.stop_price if order.ord_type is OrdType.STOP else order.price


def move(
    orders: Sequence[Order],
    price: int,
    instrument: Instrument,
    ticker: Ticker | None,
    flip: bool,
) -> list[Change] | str:
    """Move orders of one side to `price`, or a sentence why that is refused.

    A limit is not moved across the spread, where it would trade at once, unless `flip` is on.
    """
    if price <= 0:
        return "There is no price in this row."
    for order in orders:
        if order.status not in _STEADY:
            return "This order has a change under way; wait for the venue's answer."
        if order.ord_type is not OrdType.LIMIT:
            return "Only limit orders can be moved; cancel this one and place it anew."
        if not flip:
            wrong = _crossing_hint(order.side, price, instrument, ticker)
            if wrong:
                return wrong
    return [Change(o, o.qty, price) for o in orders if o.price != price]


def reduce(orders: Sequence[Order], lots: int) -> list[Change] | str:
    """Take `lots` off the orders at one price without giving up the place in the queue.

    The newest go first, whole; the last one touched is amended to less.
    """
    changes = []
    for order in sorted(orders, key=lambda o: o.created, reverse=True):
        if lots <= 0:
            break
        if order.status not in _STEADY:
            return "This order has a change under way; wait for the venue's answer."
        taken = min(lots, order.leaves)
        left = 0 if taken == order.leaves else order.qty - taken
        if left and order.ord_type is not OrdType.LIMIT:
            return "Only limit orders can be made smaller; cancel this one and place it anew."
        changes.append(Change(order, left, order.price))
        lots -= taken
    return changes


def cancellable(orders: Sequence[Order]) -> list[Order]:
    """Those that may still be cancelled: working, and no cancel of them is under way."""
    return [o for o in orders if o.working and o.status is not OrdStatus.PENDING_CANCEL]


def _crossing_hint(side: Side, price: int, instrument: Instrument, ticker: Ticker | None) -> str:
    if ticker is None:
        return "There is no market to move an order in."
    if side is Side.BUY and ticker.ask and price >= ticker.ask:
        other = f"the ask, {format_price(ticker.ask, instrument)}"
    elif side is Side.SELL and ticker.bid and price <= ticker.bid:
        other = f"the bid, {format_price(ticker.bid, instrument)}"
    else:
        return ""
    return f"Not moved: it would trade at once at {other}. Turn on “Flip” to allow that."
