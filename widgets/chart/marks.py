"""Own working orders as lines with chips, and what lies under the pointer. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from core.model.commands import CancelOrder, ReplaceOrder
from core.model.enums import OrdStatus, Side
from core.model.instruments import Instrument
from core.model.orders import Order
from core.model.session import Ticker
from widgets.kinds import MOVABLE, SIGNS, STOPS, level, stop_hint, waits
from widgets.sent import Sent
from widgets.words import SIDE_WORDS, TYPE_WORDS, format_price, format_qty

GRIP = 4.0
"""Pixels above and below an order's line in which it can be taken."""

_STEADY = frozenset({OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED, OrdStatus.SUSPENDED})


class Stage(Enum):
    """How far an order is."""

    WORKING = "working"
    PENDING = "pending"
    CANCELLING = "cancelling"
    UNKNOWN = "unknown"


class Mark(NamedTuple):
    """A working order on the chart. `target` is the price a change under way asks for (0: none)."""

    order: Order
    price: int
    target: int
    stage: Stage
    text: str


class Chip(NamedTuple):
    """Where a mark's chip stands: pixels of its box, and from where on its × begins."""

    mark: Mark
    x: float
    y: float
    width: float
    height: float
    close: float


def make_marks(orders: Iterable[Order], sent: Sent, instrument: Instrument) -> list[Mark]:
    """The orders that have a price, with what was asked of them and is not answered yet."""
    marks = []
    for order in orders:
        price = level(order)
        if price <= 0:
            continue
        asked = sent.change_of(order.cl_ord_id)
        target, stage = 0, Stage.WORKING
        if order.status is OrdStatus.UNKNOWN:
            stage = Stage.UNKNOWN
        elif order.status is OrdStatus.PENDING_CANCEL or isinstance(asked, CancelOrder):
            stage = Stage.CANCELLING
        elif isinstance(asked, ReplaceOrder):
            stage, target = Stage.PENDING, asked.stop_price or asked.price
        elif order.status is OrdStatus.PENDING_REPLACE:
            stage = Stage.PENDING
            target = order.pending_stop if waits(order) else order.pending_price
        elif order.status not in _STEADY:
            stage = Stage.PENDING
        marks.append(Mark(order, price, target, stage, _words(order, price, stage, instrument)))
    return marks


def place_chips(
    marks: Sequence[Mark],
    y: Callable[[float], float],
    text_width: Callable[[str], float],
    right: float,
    height: float,
    pad: float,
) -> list[Chip]:
    """Put chips on their lines from the right edge; those in each other's way move to the left."""
    chips: list[Chip] = []
    for mark in sorted(marks, key=lambda m: (-m.price, m.order.created)):
        close = height if mark.stage in (Stage.WORKING, Stage.UNKNOWN) else 0.0
        width = text_width(mark.text) + 2 * pad + close
        top, edge = y(mark.price) - height / 2, right
        for other in chips:
            if abs(other.y - top) < height + 2:
                edge = min(edge, other.x - 4)
        x = max(edge - width, 0.0)
        chips.append(Chip(mark, x, top, width, height, x + width - close))
    return chips


def chip_at(chips: Sequence[Chip], x: float, y: float) -> tuple[Chip, bool] | None:
    """The chip or line at a point; True with it when the point is on the chip's ×."""
    for chip in reversed(chips):
        if chip.x <= x < chip.x + chip.width and chip.y <= y < chip.y + chip.height:
            return chip, x >= chip.close
    near = [c for c in chips if abs(c.y + c.height / 2 - y) <= GRIP]
    if not near:
        return None
    return min(near, key=lambda c: abs(c.y + c.height / 2 - y)), False


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


def _words(order: Order, price: int, stage: Stage, instrument: Instrument) -> str:
    stop = f" {TYPE_WORDS[order.ord_type].upper()}" if order.ord_type in SIGNS else ""
    quantity = format_qty(order.leaves, instrument)
    text = f"{SIDE_WORDS[order.side]}{stop} {quantity} @ {format_price(price, instrument)}"
    more = {Stage.PENDING: " …", Stage.CANCELLING: " cancelling", Stage.UNKNOWN: " unknown"}
    held = " held" if order.held else ""
    return text + more.get(stage, held)
