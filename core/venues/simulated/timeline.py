"""Virtual time: a heap of what is going to happen, worked off in order."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from typing import Any

Happening = Callable[[int, Any], int]
"""Called with the time and its argument; returns when it happens again, or 0 for never."""


class Timeline:
    """What happens when, to the nanosecond; at the same nanosecond, first come first served.

    Two heaps: the market's own life, which may be put off when the computer cannot keep up
    (`skip`), and promises made to us, orders and reports on their way, which may not.
    """

    __slots__ = ("_count", "_life", "_promises", "events", "now")

    def __init__(self) -> None:
        self.now = 0
        """The virtual time, UTC ns."""
        self.events = 0
        """How many things have happened."""
        self._count = 0
        self._life: list[tuple[int, int, Happening, Any]] = []
        self._promises: list[tuple[int, int, Happening, Any]] = []

    def at(self, ts: int, what: Happening, whom: Any) -> None:
        """Something of the market's life happens at `ts`."""
        self._count += 1
        heapq.heappush(self._life, (ts, self._count, what, whom))

    def promise(self, ts: int, what: Happening, whom: Any) -> None:
        """Something that must not be put off happens at `ts`, once."""
        self._count += 1
        heapq.heappush(self._promises, (ts, self._count, what, whom))

    @property
    def promised(self) -> int:
        """When the next promise is due; 0 when there is none."""
        return self._promises[0][0] if self._promises else 0

    def run(self, to: int, budget: int = 0) -> bool:
        """Lets everything happen up to `to`, for at most about `budget` ns of work (0: all).

        Returns whether `to` was reached.
        """
        life = self._life
        promises = self._promises
        pop, push = heapq.heappop, heapq.heappush
        deadline = time.perf_counter_ns() + budget if budget else 0
        while True:
            heap = promises if promises and (not life or promises[0] < life[0]) else life
            if not heap or heap[0][0] > to:
                self.now = max(self.now, to)
                return True
            ts, _, what, whom = pop(heap)
            self.now = ts
            self.events += 1
            again = what(ts, whom)
            if again:
                self._count += 1
                push(life, (again, self._count, what, whom))
            if deadline and self.events & 1 and time.perf_counter_ns() > deadline:
                return False

    def skip(self, to: int) -> None:
        """Puts the market's life off, so that what was due now is due at `to`."""
        lag = to - self.now
        if lag > 0:
            self._life = [(ts + lag, count, what, whom) for ts, count, what, whom in self._life]
            self.now = to

    def clear(self) -> None:
        """Nothing is going to happen any more."""
        self._life.clear()
        self._promises.clear()
