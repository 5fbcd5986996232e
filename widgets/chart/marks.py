"""Own working orders as marks on the chart, and what may be done to them. No Qt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from core.model.commands import CancelOrder, ReplaceOrder
from core.model.enums import OrdStatus, OrdType, Side
from core.model.instruments import Instrument
from core.model.orders import Order
from core.model.session import Ticker
from widgets.kinds import MOVABLE, SIGNS, STOPS, level, stop_hint, waits
from widgets.sent import Sent
from widgets.words import SIDE_WORDS, TYPE_WORDS, format_price, format_qty

_MOST_LINES = 8
_SECOND = 1_000_000_000

_STEADY = frozenset({OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED, OrdStatus.SUSPENDED})


class Stage(Enum):
    """How far an order is."""

    WORKING = "working"
    PENDING = "pending"
    CANCELLING = "cancelling"
    UNKNOWN = "unknown"


class Mark(NamedTuple):
    """Working orders of one kind at one price on the chart, oldest first.

    `target` is the price that a change under way asks for (0: none).
    """

    orders: tuple[Order, ...]
    price: int
    target: int
    stage: Stage
    text: str

    @property
    def order(self) -> Order:
        """The oldest."""
        return self.orders[0]

    @property
    def side(self) -> Side:
        """Bought or sold, all of them."""
        return self.orders[0].side


def make_marks(orders: Iterable[Order], sent: Sent, instrument: Instrument) -> list[Mark]:
    """The orders that have a price, with what was asked of them and is not answered yet.

    Orders that a drag or a cancel would treat alike are one mark.
    """
    alike: dict[tuple[int, int, Stage, Side, OrdType, bool, bool], list[Order]] = {}
    for order in sorted(orders, key=lambda o: o.created):
        price = level(order)
        if price <= 0:
            continue
        stage, target = _stage(order, sent)
        waiting = order.status is OrdStatus.SUSPENDED
        key = (price, target, stage, order.side, order.ord_type, order.held, waiting)
        alike.setdefault(key, []).append(order)
    marks = []
    for (price, target, stage, *_), group in alike.items():
        text = _words(group, price, stage, instrument)
        marks.append(Mark(tuple(group), price, target, stage, text))
    return marks


def _stage(order: Order, sent: Sent) -> tuple[Stage, int]:
    """How far an order is, and the price that was asked for it."""
    asked = sent.change_of(order.cl_ord_id)
    if order.status is OrdStatus.UNKNOWN:
        return Stage.UNKNOWN, 0
    if order.status is OrdStatus.PENDING_CANCEL or isinstance(asked, CancelOrder):
        return Stage.CANCELLING, 0
    if isinstance(asked, ReplaceOrder):
        return Stage.PENDING, asked.stop_price or asked.price
    if order.status is OrdStatus.PENDING_REPLACE:
        return Stage.PENDING, order.pending_stop if waits(order) else order.pending_price
    return (Stage.WORKING if order.status in _STEADY else Stage.PENDING), 0


def mark_words(mark: Mark, close: bool, instrument: Instrument) -> str:
    """What the pointer over a mark, or over its ×, would do; a line for each of several orders."""
    count, price = len(mark.orders), format_price(mark.price, instrument)
    if count == 1:
        return "Cancel this order." if close else ""
    if close:
        return f"Cancel all {count} orders at {price}."
    shown = mark.orders[:_MOST_LINES]
    lines = [f"{format_qty(o.leaves, instrument)}   {_clock(o.created)}" for o in shown]
    if count > len(shown):
        lines.append(f"and {count - len(shown)} newer")
    how = "Drag moves all of them, Ctrl+drag the newest; × cancels all."
    return "\n".join([f"{count} orders at {price}, oldest first:", *lines, how])


def movable(order: Order) -> str:
    """Why an order cannot be dragged now; empty when it can."""
    if order.status not in _STEADY:
        return "This order has a change under way; wait for the venue's answer."
    if order.ord_type not in MOVABLE:
        kind = TYPE_WORDS[order.ord_type].lower()
        return f"A {kind} order follows the market by itself; it cannot be moved."
    return ""


def refusal(order: Order, price: int, instrument: Instrument, ticker: Ticker | None) -> str:
    """Why an order must not be dropped at a price; empty when it may.

    A limit dragged across the spread would trade at once, and a stop beyond the market go off,
    which a drag does not mean. An exit whose entry has yet to fill may stand anywhere.
    """
    if price <= 0:
        return "Not moved: there is no such price."
    if ticker is None:
        return "Not moved: there is no market to move an order in."
    if order.status is OrdStatus.SUSPENDED and order.parent:
        return ""
    if waits(order):
        wrong = stop_hint(instrument, ticker, order.side, price) if order.ord_type in STOPS else ""
        return f"Not moved: it would go off at once. {wrong}" if wrong else ""
    if order.side is Side.BUY and ticker.ask and price >= ticker.ask:
        other = f"the ask, {format_price(ticker.ask, instrument)}"
    elif order.side is Side.SELL and ticker.bid and price <= ticker.bid:
        other = f"the bid, {format_price(ticker.bid, instrument)}"
    else:
        return ""
    return f"Not moved: it would trade at once at {other}."


def _words(orders: Sequence[Order], price: int, stage: Stage, instrument: Instrument) -> str:
    first = orders[0]
    stop = f" {TYPE_WORDS[first.ord_type].upper()}" if first.ord_type in SIGNS else ""
    quantity = format_qty(sum(o.leaves for o in orders), instrument)
    times = f" ×{len(orders)}" if len(orders) > 1 else ""
    at = format_price(price, instrument)
    text = f"{SIDE_WORDS[first.side]}{stop} {quantity}{times} @ {at}"
    more = {Stage.PENDING: " …", Stage.CANCELLING: " cancelling", Stage.UNKNOWN: " unknown"}
    held = " held" if first.held else ""
    return text + more.get(stage, held)


def _clock(ts: int) -> str:
    seconds = ts // _SECOND
    return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d} UTC"
