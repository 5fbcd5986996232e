"""Two curves over the bars: a simple moving average and the day's VWAP. No Qt.

Running sums are kept for all bars; when the last bar changes, only its own are made again.
"""

from __future__ import annotations

import numpy as np

from widgets.chart.series import Floats, Series

_DAY = 86_400_000_000_000
SMA_BARS = 20


class Studies:
    """Running sums of one series.

    Attributes:
        period: bars of the moving average.
    """

    def __init__(self, period: int = SMA_BARS) -> None:
        self.period = period
        self._series: Series | None = None
        self._first = self._count = 0
        self._begin = 0  # free places before the sums
        self._room = [np.zeros(1) for _ in range(3)]
        self._closes, self._value, self._volume = self._room

    def take(self, series: Series) -> None:
        """Take in the bars from the last one known on, and those that came before the first."""
        count = len(series)
        older = self._first - series.first
        if series is not self._series or older < 0 or count < self._count + older:
            self._begin = older = self._count = 0
        known = self._count
        self._make_room(older, count)
        self._series, self._first, self._count = series, series.first, count
        start = max(known - 1, 0) + older
        columns = (series.close, series.notional, series.volume)
        for room, column in zip(self._room, columns, strict=True):
            sums = room[self._begin :]
            if not known:
                sums[0] = 0.0
            elif older:
                # Only differences of sums count: those before go down from where these begin.
                np.cumsum(column[older - 1 :: -1], out=sums[older - 1 :: -1], dtype=np.float64)
                np.subtract(sums[older], sums[:older], out=sums[:older])
            np.cumsum(column[start:], out=sums[start + 1 : count + 1], dtype=np.float64)
            sums[start + 1 : count + 1] += sums[start]
        self._closes, self._value, self._volume = (room[self._begin :] for room in self._room)

    def _make_room(self, older: int, count: int) -> None:
        """For `count` bars in all, `older` of them before those known."""
        size, rows = len(self._room[0]), self._count + 1
        front, back = older > self._begin, self._begin + count - older + 1 > size
        if front or back:
            begin = older + count if front else self._begin
            for n, old in enumerate(self._room):
                self._room[n] = np.empty(begin + 2 * count + 1_024)
                self._room[n][begin : begin + rows] = old[self._begin : self._begin + rows]
            self._begin = begin
        self._begin -= older

    def sma(self, first: int, last: int) -> Floats:
        """The average close of the last `period` bars, for bars `first` to `last` (exclusive).

        There is none where those bars are not known: they would reach over a gap.
        """
        end = np.arange(first, last) + 1
        begin = end - self.period
        since = np.zeros(len(end), np.int64)
        if self._series is not None and len(self._series.gap_bars):
            starts = np.concatenate(([0], self._series.gap_bars))
            since = starts[np.searchsorted(self._series.gap_bars, end - 1, "right")]
        good = begin >= since
        value = np.full(last - first, np.nan)
        value[good] = (self._closes[end[good]] - self._closes[begin[good]]) / self.period
        return value

    def vwap(self, first: int, last: int) -> Floats:
        """The day's average price by volume so far, for bars `first` to `last` (exclusive).

        There is none as long as older bars of that day are not loaded.
        """
        if self._series is None or last <= first:
            return np.zeros(0)
        ts = self._series.ts
        days = ts[first:last] // _DAY
        shown, which = np.unique(days, return_inverse=True)
        begin = np.searchsorted(ts[: self._count], shown * _DAY)[which]
        end = np.arange(first, last) + 1
        volume = self._volume[end] - self._volume[begin]
        value = self._value[end] - self._value[begin]
        known = volume > 0
        if self._series.first and len(ts):
            known &= days * _DAY >= ts[0]
        return np.divide(value, volume, out=np.full(last - first, np.nan), where=known)
