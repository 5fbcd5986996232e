"""Bar intervals as people write them: ``5s 1m 4h 1d`` time, ``100t`` trades, ``1000v`` lots."""

from __future__ import annotations

import re
from typing import NamedTuple

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PATTERN = re.compile(r"([1-9][0-9]{0,8})([smhdtv])")


class Interval(NamedTuple):
    """`kind` is ``time`` (size in ns), ``tick`` (size in trades) or ``volume`` (size in lots)."""

    kind: str
    size: int


def parse_interval(text: str) -> Interval:
    """Read an interval.

    Raises:
        ValueError: with a sentence that shows the right form.
    """
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"“{text}” is not an interval; write 5s, 1m, 4h, 1d, 100t or 1000v.")
    count, unit = int(match[1]), match[2]
    if unit == "t":
        return Interval("tick", count)
    if unit == "v":
        return Interval("volume", count)
    return Interval("time", count * _SECONDS[unit] * 1_000_000_000)
