"""The clock of a replay: recorded time that runs at any speed and waits for who is slow."""

from __future__ import annotations

import math
import time

SLOWEST, FASTEST = 0.1, 1000.0
AS_FAST_AS_POSSIBLE = math.inf
DEBT = 100_000_000
"""Real ns that play may lag and catch up again; beyond it the clock gives way."""


class ReplayClock:
    """Recorded time now, in UTC nanoseconds.

    It stands still while paused. It never passes `barrier`, the time of the next thing that has
    not happened yet: when the engine is too slow for the speed, recorded time slows down and
    nothing is left out.
    """

    def __init__(self, at: int, speed: float) -> None:
        self.speed = speed
        self.barrier = at
        self._at = at
        self._since: int | None = None  # monotonic ns when it was `_at`; None: standing still

    @property
    def running(self) -> bool:
        """Is it going on?"""
        return self._since is not None

    def now(self) -> int:
        """Recorded time now."""
        return max(self._at, min(self._wanted(), self.barrier))

    def due(self) -> int:
        """Everything up to this time should have happened by now."""
        if self._since is not None and self.speed == AS_FAST_AS_POSSIBLE:
            return self.barrier
        return self._wanted()

    def delay(self) -> float:
        """Seconds until the barrier is due."""
        return max(0.0, (self.barrier - self._wanted()) / (self.speed * 1e9))

    def reached(self, at: int) -> None:
        """What was at `at` happens now."""
        if self._since is None or self.speed == AS_FAST_AS_POSSIBLE:
            self._at = max(self._at, at)
        elif (self._wanted() - at) / self.speed > DEBT:
            self._at, self._since = at, time.monotonic_ns()

    def run(self) -> None:
        """Go on."""
        if self._since is None:
            self._since = time.monotonic_ns()

    def hold(self) -> None:
        """Stand still."""
        self._at, self._since = self.now(), None

    def jump(self, at: int) -> None:
        """Be at another time, running on or standing still as before."""
        self._at = self.barrier = at
        if self._since is not None:
            self._since = time.monotonic_ns()

    def change_speed(self, speed: float) -> None:
        """Run at another speed from now on."""
        running = self.running
        self.hold()
        self.speed = speed
        if running:
            self.run()

    def _wanted(self) -> int:
        if self._since is None:
            return self._at
        if self.speed == AS_FAST_AS_POSSIBLE:
            return self._at
        return self._at + int((time.monotonic_ns() - self._since) * self.speed)
