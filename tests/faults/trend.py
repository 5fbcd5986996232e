"""Does a figure grow? Judged by its trend over all windows, so that one odd window decides nothing.

The slope is Theil and Sen's (the median of the slopes between all pairs of windows), and it counts
only where Mann and Kendall's test says that it is no accident (99 %).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from statistics import median

_CERTAIN = 2.58


def growth(values: Sequence[float]) -> float:
    """By how much a figure grew from the first value to the last, as a share of its middle."""
    pairs = itertools.combinations(enumerate(values), 2)
    slopes = [(y - x) / (j - i) for (i, x), (j, y) in pairs]
    middle = median(values) if values else 0.0
    return median(slopes) * (len(values) - 1) / middle if slopes and middle else 0.0


def certain(values: Sequence[float]) -> bool:
    """Is there a trend at all?"""
    n = len(values)
    score = sum(math.copysign(1, y - x) for x, y in itertools.combinations(values, 2) if x != y)
    spread = math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    return n > 3 and abs(score) - 1 > _CERTAIN * spread
