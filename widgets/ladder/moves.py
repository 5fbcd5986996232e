"""Moving, shrinking and cancelling the orders that stand at one price. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from core.model.enums import OrdStatus, Side
from core.model.instruments import Instrument
from core.model.orders import Order
from core.model.session import Ticker
from widgets.kinds import MOVABLE, STOPS, level, moved_to, stop_hint, waits
from widgets.words import TYPE_WORDS, format_price

_STEADY = frozenset({OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED, OrdStatus.SUSPENDED})


class Change(NamedTuple):
    """A change of one order: new total quantity and prices, or a cancel when `qty` is 0."""

    order: Order
    qty: int
    price: int
    stop_price: int = 0


def move(
    orders: Sequence[Order],
    price: int,
    instrument: Instrument,
    ticker: Ticker | None,
    flip: bool,
) -> list[Change] | str:
    """Move orders of one side to `price`, or a sentence why that is refused.

    A limit is not moved across the spread, where it would trade at once, and a stop not to where
    it would go off at once, unless `flip` is on. The limit of a stop limit keeps its distance.
    """
    if price <= 0:
        return "There is no price in this row."
    changes = []
    for order in orders:
        if order.status not in _STEADY:
            return "This order has a change under way; wait for the venue's answer."
        if order.ord_type not in MOVABLE:
            kind = TYPE_WORDS[order.ord_type].lower()
            return f"A {kind} order follows the market by itself; it cannot be moved."
        wrong = "" if flip else _hint(order, price, instrument, ticker)
        if wrong:
            return wrong
        if level(order) != price:
            changes.append(Change(order, order.qty, *moved_to(order, price)))
    return changes


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
        changes.append(Change(order, left, order.price))
        lots -= taken
    return changes


def cancellable(orders: Sequence[Order]) -> list[Order]:
    """Those that may still be cancelled: working, and no cancel of them is under way."""
    return [o for o in orders if o.working and o.status is not OrdStatus.PENDING_CANCEL]


def _hint(order: Order, price: int, instrument: Instrument, ticker: Ticker | None) -> str:
    """Why an order would not stay at `price`, or ''. One whose turn is to come stays anywhere."""
    if order.status is OrdStatus.SUSPENDED and order.parent:
        return ""
    if order.ord_type in STOPS and waits(order):
        wrong = stop_hint(instrument, ticker, order.side, price)
        return f"Not moved: it would go off at once. {wrong}" if wrong else ""
    if waits(order):
        return ""
    return _crossing_hint(order.side, price, instrument, ticker)


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
