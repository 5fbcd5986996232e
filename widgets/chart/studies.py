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
        self._first_ts = 0
        self._count = 0
        self._closes = np.zeros(1)
        self._value = np.zeros(1)
        self._volume = np.zeros(1)

    def take(self, series: Series) -> None:
        """Take in the bars from the last one known on."""
        count = len(series)
        first_ts = int(series.ts[0]) if count else 0
        same = series is self._series and first_ts == self._first_ts and count >= self._count
        start = max(self._count - 1, 0) if same else 0
        self._series, self._first_ts, self._count = series, first_ts, count
        if len(self._closes) < count + 1:
            for name in ("_closes", "_value", "_volume"):
                grown = np.zeros(max(2 * count, 1024))
                old = getattr(self, name)
                grown[: len(old)] = old
                setattr(self, name, grown)
        part = slice(start, count)
        into = slice(start + 1, count + 1)
        for sums, column in (
            (self._closes, series.close),
            (self._value, series.notional),
            (self._volume, series.volume),
        ):
            np.cumsum(column[part], out=sums[into], dtype=np.float64)
            sums[into] += sums[start]

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
