"""The ladder's columns: what there is, how wide each is, and what lies under a point. No Qt."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple


class Column(NamedTuple):
    """One kind of column.

    Attributes:
        chars: digits it must have room for; 0 means the room of a price.
        weight: its share of the room that is left over.
        spare: the order in which columns give way when the room is short; 0 never does.
    """

    id: str
    title: str
    meaning: str
    chars: int
    weight: int
    spare: int


_SIGNS = (
    "S is a stop, T a trailing one, IT if touched, P pegged. Pale with a border: held here, by the"
    " engine. Faint with a border: waits for its entry. A line joins orders of which one cancels"
    " the other"
)

COLUMNS: dict[str, Column] = {
    column.id: column
    for column in (
        Column("my_buys", "Buys", f"Your working buy orders. {_SIGNS}", 5, 3, 0),
        Column("bids", "Bids", "Size bid at each price; click to buy", 5, 4, 0),
        Column("price", "Price", "Price", 0, 1, 0),
        Column("asks", "Asks", "Size offered at each price; click to sell", 5, 4, 0),
        Column("my_sells", "Sells", f"Your working sell orders. {_SIGNS}", 5, 3, 0),
        Column("profile", "Volume", "Volume traded at each price in this session", 5, 5, 2),
        Column("trades", "Trades", "The last trades at each price, fading", 5, 1, 1),
    )
}
DEFAULT_ORDER = tuple(COLUMNS)
ALWAYS = frozenset({"price", "bids", "asks"})
"""Columns without which it is no ladder; they cannot be hidden."""

PADDING = 8
"""Room around a column's digits, in logical pixels."""

CANCEL_WIDTH = 13
"""Width of the × in a cell with own orders."""


class Span(NamedTuple):
    """A column's place, in logical pixels."""

    column: str
    x: int
    width: int


class Hit(NamedTuple):
    """What lies under a point. `part` is ``header``, ``cell`` or ``cancel``; row -1 is no row."""

    column: str
    row: int
    part: str


def clean_order(order: Sequence[object]) -> tuple[str, ...]:
    """A saved order of columns made whole: unknown ones dropped, missing ones at the end."""
    known = [c for c in dict.fromkeys(order) if isinstance(c, str) and c in COLUMNS]
    return (*known, *(c for c in DEFAULT_ORDER if c not in known))


def lay_out(
    order: Sequence[str], hidden: Collection[str], width: int, digit: float, price: int
) -> tuple[list[Span], bool]:
    """Spread the columns over `width`, which they fill exactly; True when the room was short.

    Then columns that can be spared give way first, and after that all shrink alike.
    `digit` is the width of one digit, `price` the room that a price needs.
    """
    shown = [c for c in order if c not in hidden or c in ALWAYS]

    def least(column: str) -> int:
        kind = COLUMNS[column]
        room = CANCEL_WIDTH if column in ("my_buys", "my_sells") else 0
        return round(kind.chars * digit) + PADDING + room if kind.chars else price

    short = sum(map(least, shown)) > width
    while sum(map(least, shown)) > width:
        spare = [c for c in shown if COLUMNS[c].spare]
        if not spare:
            break
        shown.remove(min(spare, key=lambda c: COLUMNS[c].spare))
    widths = {c: least(c) for c in shown}
    total = sum(widths.values())
    if total > width:
        widths = {c: widths[c] * width // total for c in shown}
    else:
        weights = sum(COLUMNS[c].weight for c in shown)
        widths = {c: widths[c] + (width - total) * COLUMNS[c].weight // weights for c in shown}
    widths[shown[-1]] += width - sum(widths.values())
    spans, x = [], 0
    for column in shown:
        spans.append(Span(column, x, widths[column]))
        x += widths[column]
    return spans, short


def hit(
    x: float, y: float, spans: Sequence[Span], header: int, row_height: int, count: int
) -> Hit | None:
    """What lies at (x, y); None outside. The × of own buys is at the left, of sells at the right.

    Whether there is an order to cancel is for the caller to know.
    """
    span = next((s for s in spans if s.x <= x < s.x + s.width), None)
    if span is None or y < 0:
        return None
    if y < header:
        return Hit(span.column, -1, "header")
    row = int((y - header) // row_height)
    if row >= count:
        return None
    on_cross = (span.column == "my_buys" and x < span.x + CANCEL_WIDTH) or (
        span.column == "my_sells" and x >= span.x + span.width - CANCEL_WIDTH
    )
    return Hit(span.column, row, "cancel" if on_cross else "cell")


def moved(order: Sequence[str], column: str, by: int) -> tuple[str, ...]:
    """The order of columns with `column` moved `by` places to the right (negative: left)."""
    rest = [c for c in order if c != column]
    at = min(max(list(order).index(column) + by, 0), len(rest))
    return (*rest[:at], column, *rest[at:])
