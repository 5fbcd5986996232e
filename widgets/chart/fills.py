"""Own fills as triangles at the exact price and bar, grouped where they stand close. No Qt."""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from core.client.stores import Stores
from core.model.enums import Side
from core.model.instruments import Instrument
from core.model.orders import Fill
from widgets.chart.sheet import Sheet
from widgets.words import format_price, format_qty

CLOSE = 6.0
"""Fills of one side nearer than this many pixels become one triangle."""

_MOST_LINES = 8
_SECOND = 1_000_000_000


class Group(NamedTuple):
    """One triangle: its tip in pixels and the fills it stands for."""

    x: float
    y: float
    side: Side
    fills: tuple[Fill, ...]


class FillBook:
    """The fills of one account and instrument, oldest first.

    Attributes:
        fills: what there is.
    """

    def __init__(self) -> None:
        self.fills: list[Fill] = []
        self._known: dict[str, Fill] = {}
        self._key: tuple[object, ...] = ()
        self._cursor = 0

    def take(self, stores: Stores, account: str, instrument: str) -> bool:
        """Take in new fills; True when there were any, or when all are other ones."""
        board = stores.fills
        key = (board.epoch, account, instrument)
        fresh = key != self._key
        if fresh:
            self._key, self._cursor, self.fills, self._known = key, 0, [], {}
        if board.version == self._cursor:
            return fresh
        before = len(self._known)
        if self._cursor < board.forgotten:
            self._known = {name: fill for name, fill in self._known.items() if name in board}
        new = []
        for name in board.changed_since(self._cursor):
            fill = board.get(name)
            if fill is None:
                self._known.pop(name, None)
            elif fill.instrument == instrument and fill.account == account:
                new.append(fill)
                self._known[name] = fill
        self._cursor = board.version
        if len(self._known) == before + len(new):
            self.fills.extend(new)
        else:
            self.fills = list(self._known.values())
        self.fills.sort(key=when)
        return fresh or bool(new) or len(self._known) != before


def when(fill: Fill) -> int:
    """The venue's time of a fill, or ours where the venue told none."""
    return fill.venue_ts or fill.ts


def group_fills(fills: list[Fill], sheet: Sheet) -> list[Group]:
    """The triangles in view."""
    series, window = sheet.series, sheet.window
    if series is None or not len(series):
        return []
    groups: list[Group] = []
    newest = series.span - 1

    def place(fill: Fill) -> int:
        return min(int(series.index_at(when(fill)) + 0.5), newest)

    # The fills are in the order of time, so those in view are found without looking at all.
    first = bisect_left(fills, -CLOSE, key=lambda fill: window.x(place(fill)))
    for fill in fills[first:]:
        x, y = window.x(place(fill)), sheet.y(fill.price)
        if x >= window.width + CLOSE:
            break
        if place(fill) < 0 or not (x > -CLOSE and -CLOSE < y < sheet.height + CLOSE):
            continue
        for n in range(len(groups) - 1, max(len(groups) - 12, -1), -1):
            other = groups[n]
            if other.side is fill.side and abs(other.x - x) < CLOSE and abs(other.y - y) < CLOSE:
                groups[n] = other._replace(fills=(*other.fills, fill))
                break
        else:
            groups.append(Group(x, y, fill.side, (fill,)))
    return groups


def group_at(groups: list[Group], x: float, y: float, reach: float) -> Group | None:
    """The triangle under a point: its body lies below the tip of a buy, above that of a sell."""
    for group in reversed(groups):
        down = (y - group.y) * group.side.sign
        if abs(group.x - x) <= reach and -2 <= down <= 2 * reach:
            return group
    return None


def group_words(group: Group, instrument: Instrument) -> str:
    """What a triangle stands for, a line for each fill."""
    lines = []
    for fill in group.fills[-_MOST_LINES:]:
        seconds, rest = divmod(when(fill), _SECOND)
        clock = f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        word = "Bought" if fill.side is Side.BUY else "Sold"
        lines.append(
            f"{word} {format_qty(fill.qty, instrument)} @ {format_price(fill.price, instrument)}"
            f"  {clock}.{rest // 1_000_000:03d} UTC"
        )
    hidden = len(group.fills) - len(lines)
    if hidden:
        lines.insert(0, f"{hidden} earlier fills")
    if len(group.fills) > 1:
        total = format_qty(sum(f.qty for f in group.fills), instrument)
        lines.append(f"{len(group.fills)} fills, {total} together")
    return "\n".join(lines)
