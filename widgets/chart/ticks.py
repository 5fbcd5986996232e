"""Where the lines of the grid stand and what they are called. No Qt."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from widgets.chart.series import Series

_SECOND = 1_000_000_000
_MINUTE, _HOUR, _DAY = 60 * _SECOND, 3_600 * _SECOND, 86_400 * _SECOND
TIME_STEPS = (
    *(_SECOND * n for n in (1, 2, 5, 10, 15, 30)),
    *(_MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * n for n in (1, 2, 3, 6, 12)),
    *(_DAY * n for n in (1, 2, 7, 14, 28, 91, 182, 365, 730, 1825)),
)
_MOST = 5_000


class TimeTick(NamedTuple):
    """A line at bar index `x`; `strong` begins a new day."""

    x: float
    text: str
    strong: bool


def price_steps(tick: Decimal) -> Iterator[int]:
    """Round distances between price lines in ticks, ascending: 1, 2, 2.5, 5 times powers of ten."""
    exponent = tick.adjusted()
    while True:
        for factor in ("1", "2", "2.5", "5"):
            steps = Decimal(factor).scaleb(exponent) / tick
            if steps >= 1 and steps == steps.to_integral_value():
                yield int(steps)
        exponent += 1


def price_ticks(low: float, high: float, height: float, room: float, tick: Decimal) -> list[int]:
    """Prices in ticks of the horizontal lines, at least `room` of `height` pixels apart."""
    span = high - low
    if span <= 0 or height <= 0:
        return []
    step = next(s for s in price_steps(tick) if s / span * height >= room)
    first = -(-int(np.ceil(low)) // step) * step
    return list(range(first, int(np.floor(high)) + 1, step))


def time_ticks(series: Series, left: float, right: float, lines: float) -> list[TimeTick]:
    """Vertical lines between two places on the x axis, at most about `lines` of them.

    Lines stand at the first bar of a round time; days and their first bars are strong.
    """
    count = len(series)
    if count == 0 or lines <= 0 or right <= left:
        return []
    first, last = series.bars_between(left, right)
    last = max(last - 1, 0)
    begin, end = series.time_at(left), series.time_at(right)
    # nights and week-ends take no room: what counts is how much time the bars themselves take
    shown = (right - left) * _usual(series, first, last) if last > first else end - begin
    step = _step(max(shown, 1) / lines, end - begin)
    gap = (right - left) / max(lines, 1) * 0.6
    ticks: list[TimeTick] = []
    previous = begin
    for ts in range(-(-begin // step) * step, end + 1, step):
        x = series.index_at(ts)
        x = float(np.ceil(x + 0.5 - 1e-6))  # the first bar that begins then or later
        if x > right + 1:
            break  # that bar is not in view
        day = ts // _DAY != previous // _DAY
        tick = TimeTick(x, label(ts, step, day), day or (step >= _DAY and _first_of_month(ts)))
        if ticks and x - ticks[-1].x < gap:
            if tick.strong and not ticks[-1].strong:
                ticks[-1] = tick
                previous = ts
            continue
        ticks.append(tick)
        previous = ts
    return ticks


@lru_cache(4_096)
def label(ts: int, step: int, day: bool) -> str:
    """What a line is called: a time, or the date where a new day begins."""
    when = datetime.fromtimestamp(ts // _SECOND, UTC)
    if step >= 28 * _DAY:
        return f"{when:%b %Y}"
    if day or step >= _DAY:
        return f"{when.day} {when:%b}"
    return f"{when:%H:%M:%S}" if step < _MINUTE else f"{when:%H:%M}"


def full_time(ts: int, seconds: bool) -> str:
    """A time with its date, for the crosshair."""
    when = datetime.fromtimestamp(ts // _SECOND, UTC)
    return (
        f"{when:%a} {when.day} {when:%b} {when:%H:%M:%S}"
        if seconds
        else (f"{when:%a} {when.day} {when:%b} {when:%H:%M}")
    )


def _usual(series: Series, first: int, last: int) -> float:
    """Usual length of the bars shown, in ns."""
    if last - first > 400:
        sample = np.linspace(first, last - 1, 200).astype(np.int64)
        return float(np.median(series.ts[sample + 1] - series.ts[sample]))
    return float(np.median(np.diff(series.ts[first : last + 1])))


def _step(wanted: float, span: int) -> int:
    for step in TIME_STEPS:
        if step >= wanted and span // step < _MOST:
            return step
    return max(TIME_STEPS[-1], span // _MOST)


def _first_of_month(ts: int) -> bool:
    return datetime.fromtimestamp(ts // _SECOND, UTC).day <= 7
