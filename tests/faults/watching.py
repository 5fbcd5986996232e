"""The processes of a soak, measured window by window, and what grew."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil

from tests.faults import census, trend

MOST_MEMORY = 0.05
MOST_SLOWER = 0.20
MOST_BUSY = 0.75
"""A processor's share beyond which answers wait for the load itself, and their times say nothing
of growth."""

SPARE = 2
"""Descriptors, threads, tasks and Qt objects that may come and go: a file that is being written."""

SPARE_OBJECTS = 20
SAMPLE_SECONDS = 0.5
MB = 1 << 20


class Row(NamedTuple):
    """One process in one window: memory in bytes, and of its time the share it was at work."""

    rss: float
    descriptors: int
    threads: int
    tasks: int
    objects: int
    busy: float


class Watched:
    """A process by the name that the table gives it.

    Attributes:
        ended: it is gone; what was measured before stays.
    """

    def __init__(self, name: str, pid: int, folder: Path, speaks: bool = False) -> None:
        self.name = name
        self.rows: list[Row] = []
        self.ended = False
        self._process = psutil.Process(pid)
        self._folder = folder
        self._speaks = speaks
        self._sizes: list[int] = []
        self.begin()

    def begin(self) -> None:
        """The first window begins now."""
        self._sizes.clear()
        self._worked, self._since = self._time(), time.monotonic()

    def sample(self) -> None:
        """Look at its memory; a few times a window."""
        try:
            self._sizes.append(self._process.memory_info().rss)
        except psutil.Error:
            self.ended = True

    def close_window(self) -> None:
        """Keep what was measured since the last time."""
        self.sample()
        if not self.ended:
            with contextlib.suppress(psutil.Error):
                self.rows.append(self._row())
        self.begin()

    def _row(self) -> Row:
        process = self._process
        told = census.ask(self._folder, process.pid) if self._speaks else {}
        worked, now = self._time(), time.monotonic()
        return Row(
            median(self._sizes),
            process.num_fds() if hasattr(process, "num_fds") else process.num_handles(),
            process.num_threads(),
            told.get("tasks", 0),
            told.get("qobjects", 0),
            (worked - self._worked) / (now - self._since),
        )

    def _time(self) -> float:
        try:
            times = self._process.cpu_times()
        except psutil.Error:
            self.ended = True
            return 0.0
        return float(times.user + times.system)

    def problems(self, warm: int) -> list[str]:
        """What grew after the first `warm` windows, as sentences."""
        rows = self.rows[warm:]
        if self.ended or len(rows) < 2:
            return [f"{self.name}: it ended"]
        found = []
        sizes = [row.rss for row in rows]
        grown = trend.growth(sizes)
        if grown > MOST_MEMORY and trend.certain(sizes):
            found.append(f"{self.name}: memory grew by {grown:.1%}")
        for word in ("descriptors", "threads", "tasks", "objects"):
            counts = [getattr(row, word) for row in rows]
            third = max(1, len(counts) // 3)
            before, after = median(counts[:third]), median(counts[-third:])
            spare = SPARE_OBJECTS if word == "objects" else SPARE
            if after > before + spare and trend.certain(counts):
                found.append(f"{self.name}: {word} grew from {before:g} to {after:g}")
        return found

    def line(self, warm: int) -> str:
        """The row of the last table: first and last window after the warm-up, and the trend."""
        rows = self.rows[warm:]
        if not rows:
            return f"{self.name:<12} it ended"
        first, last = rows[0], rows[-1]

        def pair(word: str) -> str:
            return f"{getattr(first, word)} -> {getattr(last, word)}"

        memory = f"{first.rss / MB:.1f} -> {last.rss / MB:.1f} MB"
        grown = f"{trend.growth([row.rss for row in rows]):+.1%}"
        counts = "  ".join(f"{pair(w):>12}" for w in ("descriptors", "threads", "tasks", "objects"))
        busy = median(row.busy for row in rows)
        return f"{self.name:<12} {memory:>20} {grown:>7}  {counts} {busy:>6.0%}"


HEAD = (
    f"{'process':<12} {'memory':>20} {'trend':>7}  {'descriptors':>12}  {'threads':>12}"
    f"  {'tasks':>12}  {'Qt objects':>12} {'busy':>6}"
)


class Times(NamedTuple):
    """How long orders took to be answered in one window (ms), and how many were timed."""

    count: int
    p50: float
    p99: float

    @classmethod
    def of(cls, taken: Sequence[float]) -> Times:
        """Of the times of single orders."""
        ordered = sorted(taken)
        if not ordered:
            return cls(0, 0.0, 0.0)
        return cls(len(ordered), ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100])


def slower(windows: Sequence[Times], busiest: float) -> list[str]:
    """Did answers take longer and longer? `busiest`: the engine's busiest window."""
    if busiest > MOST_BUSY:
        return [
            f"the engine was at work for {busiest:.0%} of a window: the load was too much for this"
            " machine, and the times say nothing; run it where nothing else runs"
        ]
    found = []
    for word in ("p50", "p99"):
        values = [getattr(window, word) for window in windows]
        grown = trend.growth(values)
        if grown > MOST_SLOWER and trend.certain(values):
            found.append(f"answers took longer: {word} {values[0]:.2f} -> {values[-1]:.2f} ms")
    return found
