"""The bars that a chart shows: index and time, the visible slice, one bar a pixel column. No Qt.

A bar's place on the x axis is its index: bar `i` is drawn from ``i - 0.5`` to ``i + 0.5``, and
its start time lies at ``i - 0.5``. So nights and week-ends take no room.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.client.series import Bars
from core.model.intervals import parse_interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_EMPTY = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Slice:
    """Bars ready to draw: `x` is the middle of each in bar indices, `step` how many it stands for.

    `first` is the index of the first bar of the first row.
    """

    first: int
    step: int
    x: Floats
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints

    def __len__(self) -> int:
        return len(self.x)


def decimate(series: Series, first: int, last: int, columns: int) -> Slice:
    """Bars `first` to `last` (exclusive) as at most about `columns` rows.

    Each row stands for the same number of bars, counted from bar 0, so that rows do not shimmer
    while the chart is panned: first open, highest high, lowest low, last close, sum of volume.
    """
    first, last = max(first, 0), min(last, len(series))
    if last <= first:
        return Slice(first, 1, np.zeros(0), _EMPTY, _EMPTY, _EMPTY, _EMPTY, _EMPTY)
    step = -(-(last - first) // max(columns, 1))
    if step == 1:
        part = slice(first, last)
        x = np.arange(first, last, dtype=np.float64)
        columns_ = (series.open, series.high, series.low, series.close, series.volume)
        return Slice(first, 1, x, *(c[part] for c in columns_))
    first -= first % step
    last = min(last + -last % step, len(series))
    starts = np.arange(0, last - first, step)
    ends = np.minimum(starts + step, last - first) - 1
    part = slice(first, last)
    return Slice(
        first,
        step,
        first + (starts + ends) / 2,
        series.open[part][starts],
        np.maximum.reduceat(series.high[part], starts),
        np.minimum.reduceat(series.low[part], starts),
        series.close[part][ends],
        np.add.reduceat(series.volume[part], starts),
    )


class Series:
    """The columns of one `Bars` store in ticks and lots, and the map between index and time.

    Attributes:
        version: the store's version that was taken in.
        step: usual length of a bar in ns, for times beyond the bars known.
    """

    def __init__(self, interval: str) -> None:
        self.interval = interval
        kind, size = parse_interval(interval)
        self._fixed = size if kind == "time" else 0
        self.step = max(self._fixed, 1)
        self.version = -1
        self.ts = self.open = self.high = self.low = self.close = self.volume = _EMPTY
        self.notional = _EMPTY
        self._cache: tuple[tuple[int, ...], Slice] | None = None

    def take(self, bars: Bars) -> bool:
        """Take in the store's newest columns; True when anything changed."""
        if bars.version == self.version and len(bars) == len(self.ts):
            return False
        self.version = bars.version
        for name in ("ts", "open", "high", "low", "close", "volume", "notional"):
            setattr(self, name, bars[name])
        count = len(self.ts)
        if not self._fixed and count > 1:
            tail = self.ts[-200:]
            self.step = max(int((tail[-1] - tail[0]) // (len(tail) - 1)), 1)
        return True

    def __len__(self) -> int:
        return len(self.ts)

    def time_at(self, x: float) -> int:
        """The UTC nanoseconds at a place on the x axis; beyond the bars it goes on evenly."""
        count = len(self.ts)
        if not count:
            return 0
        bar = int(np.floor(x + 0.5))
        if bar < 0:
            return int(self.ts[0] + (x + 0.5) * self.step)
        if bar >= count - 1:
            return int(self.ts[-1]) + int((x + 0.5 - (count - 1)) * self.step)
        here, following = int(self.ts[bar]), int(self.ts[bar + 1])
        return here + int((x + 0.5 - bar) * (following - here))

    def index_at(self, ts: int) -> float:
        """The place on the x axis of a time; what `time_at` undoes."""
        count = len(self.ts)
        if not count:
            return 0.0
        bar = int(np.searchsorted(self.ts, ts, "right")) - 1
        if bar < 0:
            return -0.5 + (ts - int(self.ts[0])) / self.step
        if bar == count - 1:
            return bar - 0.5 + (ts - int(self.ts[-1])) / self.step
        here, following = int(self.ts[bar]), int(self.ts[bar + 1])
        return bar - 0.5 + (ts - here) / (following - here)

    def bar_at(self, x: float) -> int | None:
        """The index of the bar drawn at a place, or None beyond the bars."""
        bar = int(np.floor(x + 0.5))
        return bar if 0 <= bar < len(self.ts) else None

    def visible(self, left: float, right: float, columns: int) -> Slice:
        """The bars between two places as at most about `columns` rows."""
        first = max(int(np.floor(left + 0.5)), 0)
        last = min(int(np.floor(right + 0.5)) + 1, len(self.ts))
        key = (self.version, len(self.ts), first, last, columns)
        if self._cache is None or self._cache[0] != key:
            self._cache = (key, decimate(self, first, last, columns))
        return self._cache[1]
