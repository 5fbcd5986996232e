"""Rows in the order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from core.venues.replay.exact import SECOND, shown
from core.venues.replay.problems import Problems

TOLERANCE = SECOND
"""Rows that come up to this much late keep their place in the file; later ones are left out."""
LEAP = 60 * SECOND
"""A row further ahead than this, whose successor contradicts it, is the wrong one of the two."""

T = TypeVar("T")
Row = tuple[int, int, T]
"""Line, time, and what stands there."""


def in_order(rows: Iterable[Row[T]], file: str, problems: Problems) -> Iterator[Row[T]]:
    """The rows with times that never go back.

    A row at most `TOLERANCE` late is given the time of the row before it. A later one is left
    out and reported, and so is a single row that leaps ahead and would make all others late.
    """
    held: Row[T] | None = None
    last = 0
    for row in rows:
        if held is None:
            held = row
            continue
        if row[1] < held[1] - TOLERANCE:
            before = last or row[1]
            if held[1] - before > LEAP and row[1] >= before - TOLERANCE:
                _report(held, "leaps ahead of the rows after it", file, problems)
                held = row
            else:
                _report(
                    row, f"is earlier than the row before it ({shown(held[1])})", file, problems
                )
            continue
        last = max(last, held[1])
        yield held[0], last, held[2]
        held = row
    if held is not None:
        yield held[0], max(last, held[1]), held[2]


def _report(row: Row[T], why: str, file: str, problems: Problems) -> None:
    problems.add(file, row[0], f"its time {shown(row[1])} {why}; the row is left out")
