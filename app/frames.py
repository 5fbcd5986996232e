"""The frame clock: once a frame, take in what the engine sent and let visible panels repaint.

It also measures itself: frame intervals and what one frame costs, over the last minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer

KEPT = 3_600

WARM_UP = 1.0
"""Seconds after a start in which nothing is measured: windows open, caches fill."""


class FrameClock(QObject):
    """Calls `work` once a frame.

    Attributes:
        frames: how many frames there have been.
    """

    def __init__(self, work: Callable[[], None], parent: QObject, interval_ms: int = 16) -> None:
        super().__init__(parent)
        self._work = work
        self._intervals = np.zeros(KEPT)
        self._costs = np.zeros(KEPT)
        self._count = 0
        self._last = 0.0
        self._measure_from = 0.0
        self._usual = interval_ms
        self.frames = 0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(interval_ms)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._frame)

    def start(self) -> None:
        """Begin, or go on after `stop`."""
        self._last = 0.0
        self._measure_from = time.perf_counter() + WARM_UP
        self._timer.start()

    def stop(self) -> None:
        """No more frames until `start`."""
        self._timer.stop()

    def slow_down(self, interval_ms: int) -> None:
        """Change the interval (nothing to see while minimised); only the usual one is measured."""
        self._timer.setInterval(interval_ms)
        usual = interval_ms == self._usual
        self._measure_from = time.perf_counter() + WARM_UP if usual else float("inf")

    def _frame(self) -> None:
        # begun anew each time: a repeating timer that is late by little skips a whole interval
        self._timer.start()
        began = time.perf_counter()
        slot = self._count % KEPT
        measured = self._last >= self._measure_from
        interval = began - self._last
        self._last = began
        self.frames += 1
        self._work()
        if measured:
            self._intervals[slot] = interval
            self._costs[slot] = time.perf_counter() - began
            self._count += 1

    def intervals_ms(self) -> np.ndarray:
        """Times between frames of the last minute, in milliseconds."""
        return self._intervals[: min(self._count, KEPT)] * 1e3

    def summary(self) -> tuple[float, float, float]:
        """Frames a second, 99th percentile of the interval in ms, median cost of a frame in ms."""
        intervals = self.intervals_ms()
        if not len(intervals):
            return 0.0, 0.0, 0.0
        costs = self._costs[: min(self._count, KEPT)] * 1e3
        return (
            1e3 / float(np.mean(intervals)),
            float(np.percentile(intervals, 99)),
            float(np.median(costs)),
        )

    def forget(self) -> None:
        """Throw the measurements away (start of a benchmark's window)."""
        self._count = 0
        self._measure_from = time.perf_counter()
        self.frames = 0
