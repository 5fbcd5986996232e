"""The thread that asks the disk: whenever it is asked to, and every so often by itself."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import Any

_RETRY = 0.25  # seconds until a disk that failed is tried again


class SyncThread:
    """Works from when it is made until it is closed, as urgently as who made it.

    Args:
        work: asks the disk once; False: the disk failed, and is to be tried again soon.
        every: seconds until that is done though nobody asked.
    """

    def __init__(self, work: Callable[[], bool], every: float) -> None:
        self._work = work
        self._asked = threading.Event()
        self._closing = threading.Event()
        urgency: tuple[Any, ...] = ()
        if hasattr(os, "sched_getscheduler"):
            urgency = os.sched_getscheduler(0), os.sched_getparam(0)
        self._thread = threading.Thread(
            target=self._run, args=(every, urgency), name="journal-sync", daemon=True
        )
        self._thread.start()

    def ask(self) -> None:
        """Have it work soon; once, for all who ask until it does."""
        if not self._asked.is_set():
            self._asked.set()

    def close(self) -> None:
        """End it, after what it is at."""
        self._closing.set()
        self._asked.set()
        self._thread.join()

    def _run(self, every: float, urgency: tuple[Any, ...]) -> None:
        with contextlib.suppress(AttributeError, OSError):
            # The program may be kept on one processor: this must not wait until that is idle.
            os.sched_setaffinity(0, range(os.cpu_count() or 1))
            if urgency:
                os.sched_setscheduler(0, *urgency)
        while True:
            self._asked.wait(every)
            self._asked.clear()
            if self._closing.is_set():
                return
            while not self._work():
                if self._closing.wait(_RETRY):
                    return
