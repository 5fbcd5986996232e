"""Rows in the order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from core.venues.replay.exact import SECOND, shown
from core.venues.replay.problems import Problems

TOLERANCE = SECOND
"""Rows that come up to this much late keep their place in the file; later ones are left out."""
T = TypeVar("T")
Row = tuple[int, int, T]
"""Line, time, and what stands there."""


def in_order(rows: Iterable[Row[T]], file: str, problems: Problems) -> Iterator[Row[T]]:
    """The rows with times that never go back.

    A row at most `TOLERANCE` late is given the time of the row before it. A later one is left
    out and reported; but when two rows agree against the one before them, that one is wrong:
    one row from the future must not make all others late.
    """
    held: Row[T] | None = None
    late: Row[T] | None = None  # earlier than `held`; the next row decides which one is wrong
    last = 0
    for row in rows:
        if held is None:
            held = row
        elif row[1] >= held[1] - TOLERANCE:
            if late is not None:
                _report_late(late, held, file, problems)
                late = None
            last = max(last, held[1])
            yield held[0], last, held[2]
            held = row
        elif row[1] < last - TOLERANCE:
            _report_late(row, held, file, problems)
        elif late is None:
            late = row
        elif row[1] >= late[1] - TOLERANCE:
            _report(held, "leaps ahead of the rows after it", file, problems)
            last = max(last, late[1])
            yield late[0], last, late[2]
            held, late = row, None
        else:
            _report_late(late, held, file, problems)
            late = row
    if held is not None:
        if late is not None:
            _report_late(late, held, file, problems)
        yield held[0], max(last, held[1]), held[2]


def _report_late(row: Row[T], before: Row[T], file: str, problems: Problems) -> None:
    _report(row, f"is earlier than the row before it ({shown(before[1])})", file, problems)


def _report(row: Row[T], why: str, file: str, problems: Problems) -> None:
    problems.add(file, row[0], f"its time {shown(row[1])} {why}; the row is left out")
