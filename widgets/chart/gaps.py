"""Where nothing is known: gaps between bars and how much room they take on the x axis. No Qt.

A gap takes as many bar slots as bars of time are missing in it, at most `MOST_SLOTS`, so that a
night without the program does not push the bars out of the window; between bars of trades or
volume it takes `LEAST_SLOTS`. A gap within a bar of time, or over minutes that others show as
quiet, leaves no bar out and so has no room of its own. What lies after the newest bar is not
drawn until a bar comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

MOST_SLOTS = 30
LEAST_SLOTS = 6

_SECOND = 1_000_000_000
_LONG = 600 * _SECOND  # from here on seconds do not matter


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch without data before bar `bar`: `slots` wide, from `begin` to `end` (UTC ns)."""

    bar: int
    slots: int
    begin: int
    end: int

    def words(self) -> str:
        """What the trader reads."""
        return f"no data {clock_time(self.begin, self.end)}"


def find_gaps(ts: Ints, known: Sequence[tuple[int, int]], size: int) -> list[Gap]:
    """The gaps between bars that begin at `ts`, each once and in order.

    `known` are the stretches that nothing is known of, ascending; `size` is the length of a bar of
    time in ns, 0 for bars of trades or volume. Several stretches between the same two bars are
    one gap.
    """
    count = len(ts)
    found: list[Gap] = []
    if count < 2 or not known:
        return found
    for begin, end in known:
        if end <= ts[0] or begin >= ts[-1]:
            continue
        if size:
            gap = _missing_bars(ts, begin, end, size)
        else:
            bar = int(np.searchsorted(ts, end))
            gap = Gap(bar, LEAST_SLOTS, begin, end) if 0 < bar < count else None
        if gap is None:
            continue
        if found and found[-1].bar == gap.bar:
            old = found.pop()
            slots = min(old.slots + gap.slots, MOST_SLOTS) if size else LEAST_SLOTS
            gap = Gap(gap.bar, slots, old.begin, gap.end)
        found.append(gap)
    return found


def _missing_bars(ts: Ints, begin: int, end: int, size: int) -> Gap | None:
    """The longest run of bars of time that are missing within a stretch."""
    phase = int(ts[0]) % size
    first = (begin - phase) // size * size + phase  # the bar that the stretch begins in
    low, high = int(np.searchsorted(ts, first)), int(np.searchsorted(ts, end))
    # A bar that is there tells that something was known; what lies between such bars is missing.
    edges = [first - size, *ts[low:high].tolist(), -(-(end - phase) // size) * size + phase]
    widest = max(range(len(edges) - 1), key=lambda n: edges[n + 1] - edges[n])
    slots = (edges[widest + 1] - edges[widest]) // size - 1
    bar = low + widest
    if slots <= 0 or not 0 < bar < len(ts):
        return None
    # Where the bar beside it holds a part of the stretch, the stretch's own end is told.
    since = begin if edges[widest] <= first else edges[widest] + size
    until = end if edges[widest + 1] >= end - size else edges[widest + 1]
    return Gap(bar, min(slots, MOST_SLOTS), since, until)


def clock_time(begin: int, end: int) -> str:
    """A stretch of time: seconds where they matter, days where there are several."""
    since, until = (datetime.fromtimestamp(ts // _SECOND, UTC) for ts in (begin, end))
    form = "%H:%M" if end - begin >= _LONG else "%H:%M:%S"
    if since.date() == until.date():
        return f"{since:{form}}–{until:{form}}"
    return f"{since.day} {since:%b} {since:{form}} – {until.day} {until:%b} {until:{form}}"
