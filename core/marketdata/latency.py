"""How old data is when it arrives: quantiles over the last minute, cheap enough for every tick."""

from __future__ import annotations

from array import array

import numpy as np

_STEPS = 8  # buckets for each doubling: quantiles are right to 12 %
_BUCKETS = 64 * _STEPS
_SLICES = 6


class Histogram:
    """Durations in nanoseconds, counted in buckets that double every eight.

    Negative durations (a clock that is behind) count as zero.
    """

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = array("q", bytes(8 * _BUCKETS))
        self.total = 0

    def add(self, duration: int) -> None:
        """Count one duration."""
        bits = duration.bit_length()
        if duration <= 0:
            bucket = 0
        elif bits > 3:
            bucket = ((bits - 3) << 3) + (duration >> (bits - 4)) - _STEPS
        else:
            bucket = duration
        self.counts[bucket if bucket < _BUCKETS else -1] += 1
        self.total += 1

    def clear(self) -> None:
        """Forget everything."""
        self.counts = array("q", bytes(8 * _BUCKETS))
        self.total = 0


class Rolling:
    """Quantiles and rate of what was added within about the last minute."""

    __slots__ = ("_at", "_slices", "add", "current")

    def __init__(self) -> None:
        self._slices = [Histogram() for _ in range(_SLICES)]
        self._at = 0
        self.current = self._slices[0]
        self.add = self.current.add

    def turn(self) -> None:
        """Ten seconds have passed: the oldest sixth is forgotten."""
        self._at = (self._at + 1) % _SLICES
        self.current = self._slices[self._at]
        self.current.clear()
        self.add = self.current.add

    @property
    def total(self) -> int:
        """How many were added."""
        return sum(part.total for part in self._slices)

    def quantiles(self, *wanted: float) -> tuple[int, ...]:
        """Durations that these shares (0 to 1) of what was added do not exceed; 0 when empty."""
        total = self.total
        if total == 0:
            return tuple(0 for _ in wanted)
        sums = np.cumsum(sum(np.frombuffer(part.counts, np.int64) for part in self._slices))
        ranks = [max(1, round(share * total)) for share in wanted]
        return tuple(_upper(int(bucket)) for bucket in np.searchsorted(sums, ranks))


def _upper(bucket: int) -> int:
    """The largest duration of a bucket."""
    if bucket < _STEPS:
        return bucket
    octave, step = divmod(bucket, _STEPS)
    return ((_STEPS + step + 1) << (octave - 1)) - 1
