"""Where the labels of order lines stand, and what of them lies under the pointer. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from widgets.chart.marks import Mark, Stage

GRIP = 4.0
"""Pixels above and below an order's line in which it can be taken."""

_SPACE = 4.0
"""Pixels left free between chips of one line."""


class Box(NamedTuple):
    """A rectangle in pixels."""

    x: float
    y: float
    width: float
    height: float


class Chip(NamedTuple):
    """Where a mark's chip stands: pixels of its box, and from where on its × begins.

    `line` is the pixel of its price: beside it where another label was in the way. A chip without
    a width found no room; its line alone is there.
    """

    mark: Mark
    x: float
    y: float
    width: float
    height: float
    close: float
    line: float

    @property
    def beside(self) -> bool:
        """Does it stand above or below its own line?"""
        return self.width > 0 and abs(self.y + self.height / 2 - self.line) >= 1


class Room(NamedTuple):
    """Where chips may stand: the right edge and the bottom of the pane, and what is taken.

    Chips of prices above the pixel `middle` make way upwards, the others downwards.
    """

    right: float
    bottom: float
    middle: float
    taken: tuple[Box, ...] = ()


def place_chips(
    marks: Sequence[Mark],
    y: Callable[[float], float],
    text_width: Callable[[str], float],
    room: Room,
    height: float,
    pad: float,
) -> list[Chip]:
    """Put chips on their lines from the right edge so that none covers another or what is taken.

    Those in each other's way move to the left, and where there is no room either, up or down in
    the order of their prices. Marks whose price is out of view get none.
    """
    wishes = []
    for mark in sorted(marks, key=lambda m: (-m.price, m.order.created)):
        line = y(mark.price)
        if 0 <= line <= room.bottom:
            close = height if mark.stage in (Stage.WORKING, Stage.UNKNOWN) else 0.0
            width = text_width(mark.text) + 2 * pad + close
            wishes.append(Chip(mark, room.right, line, width, height, close, line))
    above = [wish for wish in wishes if wish.line < room.middle]
    below = [wish for wish in wishes if wish.line >= room.middle]
    chips: list[Chip] = []
    for group, up in ((above[::-1], True), (below, False)):
        filled = [*room.taken, *(Box(c.x, c.y, c.width, c.height) for c in chips)]
        placed = _place(group, filled, room, up)
        if not all(chip.width for chip in placed):  # at the pane's edge: the other way
            other = _place(group[::-1], filled, room, not up)
            placed = max(placed, other, key=lambda found: sum(c.width > 0 for c in found))
        chips += placed
    return sorted(chips, key=lambda chip: chip.line)


def _place(wishes: Sequence[Chip], filled: Sequence[Box], room: Room, up: bool) -> list[Chip]:
    """Chips one after the other, each on its line or, in one direction, next to another box."""
    filled, chips = list(filled), []
    for wish in wishes:
        height, line = wish.height, wish.line
        last = max(room.bottom - height, 0.0)
        wanted = min(max(line - height / 2, 0.0), last)
        edges = [b.y - height - 1 if up else b.y + b.height + 1 for b in filled]
        beside = [t for t in edges if 0 <= t <= last and (t < wanted if up else t > wanted)]
        for top in (wanted, *sorted(beside, reverse=up)):
            x = _free(filled, top, wish.width, height, room.right)
            if x is not None:
                close = x + wish.width - wish.close
                chips.append(Chip(wish.mark, x, top, wish.width, height, close, line))
                filled.append(Box(x, top, wish.width, height))
                break
        else:
            chips.append(
                Chip(wish.mark, room.right, line - height / 2, 0.0, height, room.right, line)
            )
    return chips


def _free(
    filled: Sequence[Box], top: float, width: float, height: float, right: float
) -> float | None:
    """The rightmost place at this height for a box, or None."""
    near = [b for b in filled if b.y - height - 1 < top < b.y + b.height + 1]
    edge = right
    for box in sorted(near, key=lambda b: -(b.x + b.width)):
        if box.x + box.width + _SPACE > edge - width and box.x < edge + _SPACE:
            edge = min(edge, box.x - _SPACE)
    # a pane narrower than its chips shows the beginning of their words
    return edge - width if edge >= width else 0.0 if edge == right else None


def chip_at(chips: Sequence[Chip], x: float, y: float) -> tuple[Chip, bool] | None:
    """The chip or line at a point; True with it when the point is on the chip's ×."""
    for chip in reversed(chips):
        if chip.x <= x < chip.x + chip.width and chip.y <= y < chip.y + chip.height:
            return chip, x >= chip.close
    near = [c for c in chips if abs(c.line - y) <= GRIP]
    if not near:
        return None
    return min(near, key=lambda c: abs(c.line - y)), False
