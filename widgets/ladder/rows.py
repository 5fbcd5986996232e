"""Which price stands in which row, and when the ladder moves by itself. No Qt.

Row 0 is at the top and prices fall downwards. Several ticks may share a row: a *bucket*. Buys
round down and sells round up to their bucket, so that a bid never seems to cross an ask, and the
bucket's own price, which is the one written in the row, is the price of an order placed there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

EDGE = 3
"""Rows at the top and bottom which the best prices must not reach before the ladder recentres."""

GROUPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)
"""Ticks in a row, as Ctrl with the wheel steps through them."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The mapping between rows and prices.

    Attributes:
        top: bucket of row 0.
        count: rows that are visible, whole or in part.
        group: ticks in a bucket.
    """

    top: int
    count: int
    group: int = 1

    def price(self, row: int) -> int:
        """The price in ticks that is written in `row`; not above 0 where no price can be."""
        return (self.top - row) * self.group

    def row_of_buy(self, ticks: int) -> int:
        """The row where a bid at `ticks` stands; may lie outside the view."""
        return self.top - ticks // self.group

    def row_of_sell(self, ticks: int) -> int:
        """The row where an offer at `ticks` stands; may lie outside the view."""
        return self.top + -ticks // self.group

    def row_at(self, ticks: int) -> int:
        """The row of a bucket's own price, or of the bucket below."""
        return self.row_of_buy(ticks)

    def visible(self, row: int) -> bool:
        """Is `row` in view?"""
        return 0 <= row < self.count

    def scrolled(self, rows: int) -> Rows:
        """The view `rows` further up (negative: down), never past the lowest price."""
        return replace(self, top=max(self.top + rows, 1))

    def centred(self, row: int) -> Rows:
        """The view moved by whole rows so that `row` comes to the middle."""
        return self.scrolled(self.count // 2 - row)

    def regrouped(self, group: int, row: int) -> Rows:
        """The view with `group` ticks a row; the price of `row` stays in its row."""
        return replace(self, top=max(self.price(row) // group + row, 1), group=group)

    def resized(self, count: int) -> Rows:
        """The view with another number of rows; the middle stays in the middle."""
        return replace(self, top=max(self.top - (self.count - count) // 2, 1), count=max(count, 1))


@dataclass(frozen=True, slots=True)
class Follow:
    """What the ladder does about the market's place.

    Attributes:
        rows: the view to show now.
        away: rows from the middle to the market when the ladder should have moved but was held:
            above 0 the market is further up, below 0 further down, 0 nothing to say.
    """

    rows: Rows
    away: int = 0


def market_row(rows: Rows, bid: int, ask: int) -> int | None:
    """The row of the middle of the market; one side is enough, none is None (0: side empty)."""
    if bid and ask:
        return (rows.row_of_buy(bid) + rows.row_of_sell(ask)) // 2
    if bid:
        return rows.row_of_buy(bid)
    return rows.row_of_sell(ask) if ask else None


def follow(rows: Rows, bid: int, ask: int, held: bool) -> Follow:
    """Recentre when the best prices come within `EDGE` rows of the edge, unless `held`.

    A spread too wide for the view counts by its middle, so that it cannot move the ladder at
    every look.
    """
    middle = market_row(rows, bid, ask)
    if middle is None:
        return Follow(rows)
    high = rows.row_of_sell(ask) if ask else middle
    low = rows.row_of_buy(bid) if bid else middle
    edge = min(EDGE, (rows.count - 1) // 2)
    if low - high >= rows.count - 2 * edge:
        high = low = middle
    if high >= edge and low <= rows.count - 1 - edge:
        return Follow(rows)
    if held:
        return Follow(rows, rows.count // 2 - middle)
    return Follow(rows.centred(middle))


def next_group(group: int, steps: int) -> int:
    """The grouping `steps` further in `GROUPS`."""
    index = GROUPS.index(group) if group in GROUPS else 0
    return GROUPS[min(max(index + steps, 0), len(GROUPS) - 1)]
