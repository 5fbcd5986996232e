"""Past days and past orders for the panels, read from the records beside the window."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QTimer
from shiboken6 import isValid

from core.model.instruments import Instrument
from core.storage.errors import StorageError
from core.storage.reading import Records
from widgets.blotter.daybar import PAGE, DayPage
from widgets.panel import Panel

T = TypeVar("T")

TRIES = 30
AGAIN_MS = 1_000

ELSEWHERE = "The records are on the computer of the engine: only what was told since is known here."


class DayRows:
    """All rows of a past day, read piece by piece each time it is iterated."""

    def __init__(
        self, directory: Path, kind: str, day: int, instruments: dict[str, Instrument]
    ) -> None:
        self._directory = directory
        self._kind = kind
        self._day = day
        self.instruments = instruments

    def __iter__(self) -> Iterator[Any]:
        with Records(self._directory) as records:
            yield from records.day(self._kind, self._day)


class History(QObject):
    """Answers what panels want to know of the past; never on the screen's own time.

    Args:
        directory: where the records are; None when they are not on this computer.
        say: tells the trader a sentence.
    """

    def __init__(
        self, directory: Path | None, say: Callable[[str], None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._directory = directory
        self._say = say
        self._tasks: set[asyncio.Task[None]] = set()

    def attach(self, panel: Panel) -> None:
        """Answer this panel, if it ever asks."""
        wanted: Any
        if (wanted := getattr(panel, "past_wanted", None)) is not None:
            wanted.connect(lambda order: self._story(panel, order))
        if (wanted := getattr(panel, "days_wanted", None)) is not None:
            wanted.connect(lambda: self._days(panel))
        if (wanted := getattr(panel, "page_wanted", None)) is not None:
            wanted.connect(lambda kind, day, page: self._page(panel, kind, day, page))

    async def finish(self) -> None:
        """Wait for what was begun."""
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _story(self, panel: Any, order: str, tries: int = TRIES) -> None:
        def read(records: Records) -> tuple[Any, Instrument | None]:
            steps = records.story(order)
            known = records.instruments() if steps else {}
            return steps, known.get(steps[0].order.instrument) if steps else None

        def again(_why: str = "") -> None:
            # just after a start the records of the session before may still be written; that
            # there are none is no news here: what is known is shown all the same
            if self._directory is not None and tries and panel.order == order:
                QTimer.singleShot(AGAIN_MS, panel, lambda: self._story(panel, order, tries - 1))

        def take(found: tuple[Any, Instrument | None]) -> None:
            steps, instrument = found
            if instrument is not None:
                panel.take_past(order, steps, instrument)
            else:
                again()

        self._ask(panel, read, take, again)

    def _days(self, panel: Any) -> None:
        self._ask(panel, lambda records: records.days(), panel.take_days, self._say)

    def _page(self, panel: Any, kind: str, day: int, page: int) -> None:
        directory = self._directory

        def read(records: Records) -> DayPage:
            assert directory is not None
            rows, total = records.page(kind, day, page * PAGE, PAGE)
            instruments = records.instruments()
            everything = DayRows(directory, kind, day, instruments)
            return DayPage(day, page, rows, total, instruments, everything)

        self._ask(panel, read, panel.take_page, panel.past_failed)

    def _ask(
        self,
        panel: Panel,
        read: Callable[[Records], T],
        take: Callable[[T], None],
        failed: Callable[[str], None],
    ) -> None:
        if self._directory is None:
            failed(ELSEWHERE)
            return
        task = asyncio.get_event_loop().create_task(self._answer(panel, read, take, failed))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(
        self,
        panel: Panel,
        read: Callable[[Records], T],
        take: Callable[[T], None],
        failed: Callable[[str], None],
    ) -> None:
        directory = self._directory

        def work() -> T:
            assert directory is not None
            with Records(directory) as records:
                return read(records)

        try:
            found = await asyncio.to_thread(work)
        except StorageError as error:
            if isValid(panel):
                failed(str(error))
        else:
            if isValid(panel):  # it may have been closed meanwhile
                take(found)
