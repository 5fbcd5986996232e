"""Things that are done again and again on the loop, each on its own schedule."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class SteadyClock:
    """UTC nanoseconds that never go back, when the computer's clock does."""

    def __init__(self) -> None:
        self._last = 0

    def __call__(self) -> int:
        """The time now; standing still while the computer's clock is behind what was told."""
        now = time.time_ns()
        if now > self._last:
            self._last = now
        return self._last


class Every:
    """Calls `work` every `seconds` until stopped. What it raises goes to `on_error`; it goes on.

    The schedule is fixed: a late call does not make later ones late, and calls that were missed
    are left out, never made up for.
    """

    def __init__(
        self,
        seconds: float,
        work: Callable[[], object],
        on_error: Callable[[str, Exception], None],
        what: str,
    ) -> None:
        self._seconds = seconds
        self._work = work
        self._on_error = on_error
        self._what = what
        self._handle: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._due = 0.0

    def start(self) -> None:
        """Begin, with the first call one interval from now."""
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time()
        self._arm(self._loop)

    def stop(self) -> None:
        """No more calls."""
        self._loop = None
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        self._due += self._seconds
        if self._due < now:
            self._due = now
        self._handle = loop.call_at(self._due, self._call)

    def _call(self) -> None:
        try:
            self._work()
        except Exception as error:
            self._on_error(f"{self._what} failed.", error)
        if self._loop is not None:
            self._arm(self._loop)
