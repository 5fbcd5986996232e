"""Threads that take turns: one runs until it waits, then the loop goes on, in virtual time.

They are real threads, since the code that runs in them is the real one; but only ever one of them
or the loop runs, and when each goes on is the loop's virtual time alone.
"""

from __future__ import annotations

import threading
from asyncio import Handle
from collections.abc import Callable
from types import TracebackType
from typing import Any

from core.simulation.loop import CrashError, VirtualLoop


class SimThread:
    """What stands for `threading.Thread`."""

    def __init__(
        self, threads: Threads, target: Callable[..., object], args: tuple[object, ...]
    ) -> None:
        self._threads = threads
        self._target = target
        self._args = args
        self._go = threading.Semaphore(0)
        self._back = threading.Semaphore(0)
        self._real = threading.Thread(target=self._main, daemon=True)
        self._wake: Any = None
        self._killed = False
        self.done = False

    def start(self) -> None:
        """Begin with the loop's next turn."""
        self._threads.all.append(self)
        self._real.start()
        self._wake = self._threads.soon(self.run_on)

    def join(self) -> None:
        """Let it run to its end; the loop stands still meanwhile."""
        while not self.done:
            self.run_on()

    def run_on(self) -> None:
        """Let it run until it waits again; called on the loop."""
        if self.done:
            return
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        before, self._threads.current = self._threads.current, self
        self._go.release()
        self._back.acquire()
        self._threads.current = before

    def park(self, delay: float | None) -> None:
        """Wait `delay` seconds of virtual time, or until `wake`; called within it."""
        self._wake = None if delay is None else self._threads.soon(self.run_on, delay)
        self._back.release()
        self._go.acquire()
        if self._killed:
            raise CrashError

    def wake(self) -> None:
        """Let it go on with the loop's next turn."""
        if self._wake is not None:
            self._wake.cancel()
        self._wake = self._threads.soon(self.run_on)

    def kill(self) -> None:
        """End it where it waits."""
        self._killed = True
        while not self.done:
            self.run_on()
        self._real.join()

    def _main(self) -> None:
        self._go.acquire()
        try:
            if not self._killed:
                self._target(*self._args)
        except CrashError:
            pass
        except Exception as error:
            self._threads.loop.problems.append(f"A thread ended with {error!r}.")
        finally:
            self.done = True
            self._back.release()


class SimEvent:
    """What stands for `threading.Event`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._set = False
        self._waiting: SimThread | None = None

    def is_set(self) -> bool:
        """Was it set?"""
        return self._set

    def set(self) -> None:
        """Set it, and wake who waits."""
        self._set = True
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            waiting.wake()

    def clear(self) -> None:
        """Take it back."""
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, or for so long."""
        current = self._threads.current
        if not self._set and current is not None:
            self._waiting = current
            try:
                current.park(timeout)
            finally:
                self._waiting = None
        return self._set


class SimLock:
    """What stands for `threading.Lock`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._holder: SimThread | None = None
        self._held = False

    def __enter__(self) -> bool:
        while self._held:
            if self._holder is None or self._holder is self._threads.current:
                raise RuntimeError("A lock is taken twice by one thread; it would wait for ever.")
            self._holder.run_on()  # the loop waits, as it does for the disk
        self._held, self._holder = True, self._threads.current
        return True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._held, self._holder = False, None


class Threads:
    """What stands for the module `threading` in one program. `current` is None on the loop.

    The program that runs owns the threads, unless they have an `owner`.
    """

    def __init__(self, loop: VirtualLoop, owner: str = "") -> None:
        self.loop = loop
        self._owner = owner
        self.current: SimThread | None = None
        self.all: list[SimThread] = []

    def Thread(
        self,
        *,
        target: Callable[..., object],
        args: tuple[object, ...] = (),
        name: str = "",
        daemon: bool = False,
    ) -> SimThread:
        """A thread that is not started yet."""
        return SimThread(self, target, args)

    def Event(self) -> SimEvent:
        """An event that is not set."""
        return SimEvent(self)

    def Lock(self) -> SimLock:
        """A lock that is free."""
        return SimLock(self)

    def soon(self, callback: Callable[[], None], delay: float = 0.0) -> Handle:
        """Call back in the name of who owns the threads."""
        loop = self.loop
        before, loop.owner = loop.owner, self._owner or loop.owner
        try:
            return loop.call_later(delay, callback) if delay else loop.call_soon(callback)
        finally:
            loop.owner = before

    def kill(self) -> None:
        """All of them end at once."""
        for thread in self.all:
            thread.kill()
        self.all.clear()
