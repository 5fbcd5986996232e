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


def place_chips(
    marks: Sequence[Mark],
    y: Callable[[float], float],
    text_width: Callable[[str], float],
    right: float,
    bottom: float,
    height: float,
    pad: float,
    taken: Sequence[Box] = (),
) -> list[Chip]:
    """Put chips on their lines from the right edge so that none covers another or what is `taken`.

    Those in each other's way move to the left, and where there is no room either, up or down.
    Marks whose price is out of view get none.
    """
    chips: list[Chip] = []
    filled = list(taken)
    for mark in sorted(marks, key=lambda m: (-m.price, m.order.created)):
        line = y(mark.price)
        if not 0 <= line <= bottom:
            continue
        close = height if mark.stage in (Stage.WORKING, Stage.UNKNOWN) else 0.0
        width = text_width(mark.text) + 2 * pad + close
        for top in _tops(line - height / 2, height, bottom, filled):
            x = _free(filled, top, width, height, right)
            if x is not None:
                chips.append(Chip(mark, x, top, width, height, x + width - close, line))
                filled.append(Box(x, top, width, height))
                break
        else:
            chips.append(Chip(mark, right, line - height / 2, 0.0, height, right, line))
    return chips


def _tops(wanted: float, height: float, bottom: float, filled: Sequence[Box]) -> list[float]:
    """Places for a chip's top, the nearest to its line first: there, or next to another box."""
    last = max(bottom - height, 0.0)
    beside = [b.y - height - 1 for b in filled] + [b.y + b.height + 1 for b in filled]
    tops = [min(max(wanted, 0.0), last), *(top for top in beside if 0 <= top <= last)]
    return sorted(tops, key=lambda top: abs(top - wanted))


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
