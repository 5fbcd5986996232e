"""An event loop on virtual time: no sockets, no threads, no waiting; the same order every time.

Whatever is scheduled belongs to an *owner*, the simulated program that scheduled it. A program that
dies takes everything with it that it had still to do.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any


class CrashError(BaseException):
    """A simulated program dies here; nothing of it may go on."""


class VirtualLoop(asyncio.AbstractEventLoop):
    """Runs callbacks in the order of their time, and of their scheduling within one time.

    Attributes:
        now: seconds since the simulation began.
        owner: whose callback runs.
        turns: callbacks run so far.
        problems: sentences about exceptions that nobody caught.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.owner = "world"
        self.turns = 0
        self.problems: list[str] = []
        self._ready: deque[tuple[asyncio.Handle, str]] = deque()
        self._timers: list[tuple[float, int, asyncio.Handle, str]] = []
        self._number = 0
        self._dead: set[str] = set()
        self._tasks: list[asyncio.Task[Any]] = []
        self._readers: dict[int, tuple[Callable[..., object], str]] = {}

    # -- the simulation's side ---------------------------------------------------------------

    def turn(self, until: float) -> bool:
        """Run the next callback that is due by `until`; False when there is none, and it is then
        `until`."""
        while self._ready or (self._timers and self._timers[0][0] <= until):
            if self._ready:
                handle, owner = self._ready.popleft()
            else:
                when, _, handle, owner = heapq.heappop(self._timers)
                if when > self.now:
                    self.now = when
            if handle.cancelled() or owner in self._dead:
                continue
            self.owner = owner
            self.turns += 1
            handle._run()
            self.owner = "world"
            return True
        self.now = max(self.now, until)
        return False

    def kill(self, owner: str) -> None:
        """Nothing of this owner runs any more."""
        self._dead.add(owner)

    def later(self, owner: str, delay: float, callback: Callable[..., object], *args: Any) -> None:
        """Call back `delay` seconds from now, in the name of another owner."""
        before, self.owner = self.owner, owner
        try:
            self.call_later(delay, callback, *args)
        finally:
            self.owner = before

    def announce(self, fd: int) -> None:
        """There is something to read at a descriptor that somebody may watch."""
        if fd in self._readers:
            callback, owner = self._readers[fd]
            self.later(owner, 0.0, callback)

    def end(self) -> None:
        """Throw away what is left of all tasks, so that nothing runs when the memory is freed."""
        for task in self._tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                coroutine = task.get_coro()
                if coroutine is not None:
                    try:
                        coroutine.close()
                    except BaseException as error:
                        if not isinstance(error, CrashError | RuntimeError):
                            raise
        self._tasks.clear()
        self._ready.clear()
        self._timers.clear()

    # -- what asyncio asks of a loop ---------------------------------------------------------

    def time(self) -> float:
        return self.now

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append((handle, self.owner))
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self.now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._number += 1
        heapq.heappush(self._timers, (when, self._number, handle, self.owner))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are passed over when their time has come."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self,
        coro: Coroutine[Any, Any, Any],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name, context=context)
        self._tasks.append(task)
        return task

    def run_in_executor(  # type: ignore[override]
        self, executor: object, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Work beside the loop: it is done a moment later, all at once."""
        future = self.create_future()

        def work() -> None:
            if future.cancelled():
                return
            try:
                result = func(*args)
            except Exception as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        self.call_later(0.01, work)
        return future

    def add_reader(  # type: ignore[override]
        self, fd: int, callback: Callable[..., object], *args: Any
    ) -> None:
        self._readers[fd] = (callback, self.owner)

    def remove_reader(self, fd: Any) -> bool:
        return self._readers.pop(fd, None) is not None

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def get_debug(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, CrashError):
            self.problems.append(f"{context.get('message')}: {error!r}")
