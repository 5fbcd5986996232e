"""Things that are done again and again on the loop, each on its own schedule."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import TypeVar

from core.model.enums import Severity

_SLEW = 20
"""The steady clock follows a computer's clock that was moved by at most one part in so many."""

_CLOCK_OFF = 2_000_000_000
"""Nanoseconds by which the computer's clock may differ from the engine's unsaid."""

_BATCH = 20
"""Markets looked at in one turn of the loop: 0.1 to 0.2 ms."""

T = TypeVar("T")


def batched(things: Sequence[T]) -> Iterator[Sequence[T]]:
    """So many of them at a time as the loop can do without."""
    return (things[start : start + _BATCH] for start in range(0, len(things), _BATCH))


class SteadyClock:
    """UTC nanoseconds that pass evenly, whatever is done to the computer's clock.

    They begin with what the computer's clock says and pass as its processor counts, the time
    asleep included. Where the computer's clock goes on to say something else, this one follows by
    5 % faster or slower and never jumps: so no wait ends early or late because the clock was put
    right, or wrong, and no time is told before one that was told already.

    Attributes:
        off: nanoseconds by which the computer's clock is ahead of this one.
    """

    def __init__(self) -> None:
        number = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
        self._count: Callable[[], int] = (
            time.monotonic_ns if number is None else partial(time.clock_gettime_ns, number)
        )
        self._counted = self._count()
        self._last = time.time_ns()
        self.off = 0

    def __call__(self) -> int:
        """The time now."""
        counted = self._count()
        passed = counted - self._counted
        self._counted = counted
        now = self._last + passed
        off = time.time_ns() - now
        if off:
            most = passed // _SLEW
            step = most if off > most else -most if off < -most else off
            off -= step
            now += step
        self.off = off
        self._last = now
        return now


class ClockWatch:
    """Says when the computer's clock was moved, and when it and the engine's agree again."""

    def __init__(self, clock: Callable[[], int], say: Callable[[Severity, str], None]) -> None:
        self._clock = clock
        self._say = say
        self._wrong = False

    def look(self) -> None:
        """Compare the two. A replay's clock is its own, and is never wrong."""
        off = self._clock.off if isinstance(self._clock, SteadyClock) else 0
        wrong = abs(off) > _CLOCK_OFF
        if wrong == self._wrong:
            return
        self._wrong = wrong
        if wrong:
            word = "ahead of" if off > 0 else "behind"
            text = (
                f"The computer's clock was moved: it is {abs(off) / 1e9:,.0f} s {word} the engine,"
                " which follows slowly, so that no wait ends early or late. Restart the engine if"
                " the computer is right."
            )
            self._say(Severity.WARNING, text)
        else:
            self._say(Severity.INFO, "The computer's clock and the engine's agree again.")


class Every:
    """Calls `work` every `seconds` until stopped. What it raises goes to `on_error`; it goes on.

    The schedule is fixed: a late call does not make later ones late, and calls that were missed
    are left out, never made up for.

    Long work is a generator: between two of its steps the loop does what else is due, orders first
    among it. What it left undone when it is stopped stays undone.
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
            steps = self._work()
        except Exception as error:
            self._on_error(f"{self._what} failed.", error)
            steps = None
        if isinstance(steps, Generator):
            self._step(steps)
        elif self._loop is not None:
            self._arm(self._loop)

    def _step(self, steps: Generator[None, None, None]) -> None:
        loop = self._loop
        if loop is None:
            steps.close()
            return
        try:
            next(steps)
        except StopIteration:
            self._arm(loop)
        except Exception as error:
            self._on_error(f"{self._what} failed.", error)
            self._arm(loop)
        else:
            loop.call_soon(self._step, steps)
