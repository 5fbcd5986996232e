"""The bars that a chart shows: index and time, the visible slice, one bar a pixel column. No Qt.

A bar's place on the x axis is its index plus the room of the gaps before it (`widgets.chart.gaps`):
a bar at `x` is drawn from ``x - 0.5`` to ``x + 0.5``, and its start time lies at ``x - 0.5``. So
nights and week-ends take no room, and what is not known does. Bar 0 lies at 0: when older bars
come, all places move to the right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.client.series import Bars
from core.model.intervals import parse_interval
from widgets.chart.gaps import Gap, find_gaps

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_EMPTY = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Slice:
    """Bars ready to draw: `x` is the middle of each row, `step` how many bars it stands for.

    A row never reaches over a gap; there it stands for fewer bars. `bar` is the index of each
    row's first bar, `part` counts the gaps before it: what joins two rows joins those of one part.
    """

    step: int
    x: Floats
    bar: Ints
    part: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints

    def __len__(self) -> int:
        return len(self.x)

    def rows(self, first: int, last: int) -> Slice:
        """Some of the rows."""
        cut = slice(first, last)
        columns = (self.open, self.high, self.low, self.close, self.volume)
        return Slice(
            self.step, self.x[cut], self.bar[cut], self.part[cut], *(c[cut] for c in columns)
        )


def decimate(series: Series, first: int, last: int, columns: int) -> Slice:
    """Bars `first` to `last` (exclusive) as at most about `columns` rows, and one for each gap.

    Each row stands for the same number of bars, counted from the oldest bar that the engine has,
    so that rows do not shimmer while the chart is panned and older bars come: first open, highest
    high, lowest low, last close, sum of volume.
    """
    first, last = max(first, 0), min(last, len(series))
    if last <= first:
        none = _EMPTY
        return Slice(1, np.zeros(0), none, none, none, none, none, none, none)
    step = -(-(last - first) // max(columns, 1))
    if step == 1:
        part = slice(first, last)
        bar = np.arange(first, last)
        parts, x = series.places(bar)
        columns_ = (series.open, series.high, series.low, series.close, series.volume)
        return Slice(1, x, bar, parts, *(c[part] for c in columns_))
    first = max(first - (first + series.first) % step, 0)
    last = min(last + -(last + series.first) % step, len(series))
    bar = np.arange(first - (first + series.first) % step, last, step)
    bar[0] = first
    inside = series.gap_bars[(series.gap_bars > first) & (series.gap_bars < last)]
    if len(inside):
        bar = np.union1d(bar, inside)
    starts = bar - first
    ends = np.append(starts[1:], last - first) - 1
    part = slice(first, last)
    parts, x = series.places(bar)
    return Slice(
        step,
        x + (ends - starts) / 2,
        bar,
        parts,
        series.open[part][starts],
        np.maximum.reduceat(series.high[part], starts),
        np.minimum.reduceat(series.low[part], starts),
        series.close[part][ends],
        np.add.reduceat(series.volume[part], starts),
    )


class Series:
    """The columns of one `Bars` store in ticks and lots, and the map between place and time.

    Attributes:
        version: the store's version that was taken in.
        step: usual length of a bar in ns, for times beyond the bars known.
        first: the engine's number of bar 0; above 0 there are older bars than these.
        gaps: stretches without data between bars; `gap_bars` are the bars behind them.
    """

    def __init__(self, interval: str) -> None:
        self.interval = interval
        kind, size = parse_interval(interval)
        self._fixed = size if kind == "time" else 0
        self.step = max(self._fixed, 1)
        self.version = -1
        self.first = 0
        self.ts = self.open = self.high = self.low = self.close = self.volume = _EMPTY
        self.notional = _EMPTY
        self.gaps: list[Gap] = []
        self.gap_bars = _EMPTY
        self._room = np.zeros(1, np.int64)  # slots of the first n gaps
        self._gaps_key: tuple[object, ...] = ()
        self._cache: tuple[tuple[int, ...], Slice] | None = None

    def take(self, bars: Bars) -> bool:
        """Take in the store's newest columns; True when anything changed."""
        if bars.version == self.version and len(bars) == len(self.ts):
            return False
        self.version = bars.version
        self.first = bars.first
        for name in ("ts", "open", "high", "low", "close", "volume", "notional"):
            setattr(self, name, bars[name])
        count = len(self.ts)
        if not self._fixed and count > 1:
            tail = self.ts[-200:]
            self.step = max(int((tail[-1] - tail[0]) // (len(tail) - 1)), 1)
        self._take_gaps(bars)
        return True

    def _take_gaps(self, bars: Bars) -> None:
        count = len(self.ts)
        # what ends before the newest bar stays as it is, however many bars come
        coming = bool(count and bars.gaps) and bars.gaps[-1][1] + 2 * self._fixed > self.ts[-1]
        key = (bars.epoch, bars.first, bars.gaps, coming, count if coming else 0)
        if key == self._gaps_key:
            return
        self._gaps_key = key
        self.gaps = find_gaps(self.ts, bars.gaps, self._fixed)
        self.gap_bars = np.array([gap.bar for gap in self.gaps], np.int64)
        self._room = np.cumsum([0, *(gap.slots for gap in self.gaps)], dtype=np.int64)

    def __len__(self) -> int:
        return len(self.ts)

    # -- places ------------------------------------------------------------------------------

    @property
    def span(self) -> int:
        """How many slots bars and gaps take together; the newest bar is in the last one."""
        return len(self.ts) + int(self._room[-1])

    def places(self, bars: Ints) -> tuple[Ints, Floats]:
        """How many gaps lie before each bar, and its place on the x axis."""
        parts = np.searchsorted(self.gap_bars, bars, "right")
        return parts, (bars + self._room[parts]).astype(np.float64)

    def x_of(self, bar: int) -> int:
        """The place of a bar."""
        return bar + int(self._room[np.searchsorted(self.gap_bars, bar, "right")])

    def _slot(self, x: float) -> tuple[int, int]:
        """At a place: the gaps that lie wholly before it, and the bar there or behind the gap."""
        slot = int(np.floor(x + 0.5))
        ends = self.gap_bars + self._room[1:]  # the slots of the bars behind the gaps
        part = int(np.searchsorted(ends, slot, "right"))
        bar = slot - int(self._room[part])
        if part < len(self.gaps):
            bar = min(bar, self.gaps[part].bar)
        return part, bar

    def bar_at(self, x: float) -> int | None:
        """The index of the bar drawn at a place, or None beyond the bars and in a gap."""
        bar = self._slot(x)[1]
        known = 0 <= bar < len(self.ts) and self.gap_at(x) is None
        return bar if known else None

    def gap_at(self, x: float) -> Gap | None:
        """The gap drawn at a place."""
        part, bar = self._slot(x)
        if part < len(self.gaps) and self.gaps[part].bar == bar:
            return self.gaps[part]
        return None

    def gaps_between(self, left: float, right: float) -> list[tuple[Gap, float, float]]:
        """The gaps in view, each with the places where it begins and ends."""
        found = []
        for n in range(self._slot(left)[0], len(self.gaps)):
            end = self.gaps[n].bar + int(self._room[n + 1]) - 0.5
            begin = end - self.gaps[n].slots
            if begin > right:
                break
            found.append((self.gaps[n], begin, end))
        return found

    def bars_between(self, left: float, right: float) -> tuple[int, int]:
        """The bars drawn between two places, the last one exclusive."""
        first = max(self._slot(left)[1], 0)
        last = self._slot(right)[1] + (self.gap_at(right) is None)
        return first, min(last, len(self.ts))

    def time_at(self, x: float) -> int:
        """The UTC nanoseconds at a place on the x axis; beyond the bars it goes on evenly."""
        count = len(self.ts)
        if not count:
            return 0
        part, bar = self._slot(x)
        place = x + 0.5
        if bar < 0:
            return int(self.ts[0] + place * self.step)
        if bar >= count - 1 and self.gap_at(x) is None:
            return int(self.ts[-1]) + int((place - (self.span - 1)) * self.step)
        if part < len(self.gaps) and self.gaps[part].bar == bar:
            begin, end = self._times(part)
            slots = self.gaps[part].slots
            share = (place - (bar + int(self._room[part]))) / slots
            return begin + int(share * (end - begin))
        here, following = int(self.ts[bar]), self._next(part, bar)
        return here + int((place - bar - int(self._room[part])) * (following - here))

    def index_at(self, ts: int) -> float:
        """The place on the x axis of a time; what `time_at` undoes."""
        count = len(self.ts)
        if not count:
            return 0.0
        bar = int(np.searchsorted(self.ts, ts, "right")) - 1
        if bar < 0:
            return -0.5 + (ts - int(self.ts[0])) / self.step
        if bar == count - 1:
            return self.span - 1.5 + (ts - int(self.ts[-1])) / self.step
        part = int(np.searchsorted(self.gap_bars, bar, "right"))
        left = bar + int(self._room[part]) - 0.5
        here, following = int(self.ts[bar]), self._next(part, bar)
        if ts < following:
            return left + (ts - here) / (following - here)
        begin, end = self._times(part)
        return left + 1 + (ts - begin) / max(end - begin, 1) * self.gaps[part].slots

    def _next(self, part: int, bar: int) -> int:
        """When what is drawn behind a bar begins."""
        if part < len(self.gaps) and self.gaps[part].bar == bar + 1:
            return self._times(part)[0]
        return int(self.ts[bar + 1])

    def _times(self, part: int) -> tuple[int, int]:
        """When a gap's room begins and ends.

        A bar of trades before it lasts at least its share of the time: one whose first trade was
        the last before the link broke would be a nanosecond long, and no time would lie in it.
        """
        gap = self.gaps[part]
        before, behind = int(self.ts[gap.bar - 1]), int(self.ts[gap.bar])
        lasts = self._fixed or (behind - before) // (gap.slots + 1)
        return min(max(gap.begin, before + lasts), behind), behind

    def visible(self, left: float, right: float, columns: int) -> Slice:
        """The bars between two places as at most about `columns` rows, and one for each gap."""
        first, last = self.bars_between(left, right)
        key = (self.version, len(self.ts), first, last, columns)
        if self._cache is None or self._cache[0] != key:
            self._cache = (key, decimate(self, first, last, columns))
        return self._cache[1]
