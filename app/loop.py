"""The one place that knows qasync: asyncio tasks on the Qt thread, errors to one reporter.

Only slow things of the program itself run here (exports, shutting down); market data and orders
never become tasks on this loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import qasync
from PySide6.QtWidgets import QApplication

Reporter = Callable[[str, BaseException], None]


class Loop:
    """The Qt event loop that also runs asyncio tasks."""

    def __init__(self, app: QApplication, report: Reporter) -> None:
        self._loop = qasync.QEventLoop(app)
        asyncio.set_event_loop(self._loop)
        self._report = report
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop.set_exception_handler(self._on_error)

    def start(self, coroutine: Coroutine[Any, Any, Any], what: str) -> asyncio.Task[Any]:
        """Run a coroutine in the background; a failure is reported as “`what` failed”."""
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)

        def done(finished: asyncio.Task[Any]) -> None:
            self._tasks.discard(finished)
            if not finished.cancelled() and (error := finished.exception()) is not None:
                self._report(f"{what} failed", error)

        task.add_done_callback(done)
        return task

    def run(self, main: Coroutine[Any, Any, int]) -> int:
        """Run until `main` returns; then cancel and await what is still running."""
        with self._loop:
            try:
                return self._loop.run_until_complete(main)
            finally:
                for task in self._tasks:
                    task.cancel()
                if self._tasks:
                    self._loop.run_until_complete(
                        asyncio.gather(*self._tasks, return_exceptions=True)
                    )
                asyncio.set_event_loop(None)

    def _on_error(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception") or RuntimeError(str(context.get("message", "")))
        self._report(str(context.get("message", "A background task failed")), error)
