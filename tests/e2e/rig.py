"""A trader at the real window: real mouse and key events, the real engine process.

The script of a test is a coroutine that runs on the terminal's own loop, so that everything in
between happens as it does in the program.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.loop import Loop
from app.reporter import Reporter
from app.terminal import engine_arguments, make_window
from app.window import MainWindow
from core.client.stores import Stores
from core.model.enums import Side
from core.model.events import Notice
from core.services.process import EngineProcess

LEFT = Qt.MouseButton.LeftButton
NO_KEYS = Qt.KeyboardModifier.NoModifier


def options(**changes: object) -> argparse.Namespace:
    """The words of the command line, all at their defaults."""
    usual: dict[str, object] = {
        "seed": 1,
        "instruments": None,
        "rate": None,
        "replay": None,
        "speed": 1.0,
        "start": None,
        "theme": "dark",
        "placement": "embedded",
        "endpoint": None,
    }
    return argparse.Namespace(**(usual | changes))


class Trader:
    """Hands and eyes."""

    def __init__(self, window: MainWindow, process: EngineProcess) -> None:
        self.window = window
        self.stores = window.stores
        self.process = process

    async def until(self, true: Callable[[], object], what: str, seconds: float = 20.0) -> None:
        """Wait until something is true on the screen; fail with `what` otherwise."""
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                notices = "; ".join(n.text for n in self.stores.notices[-5:])
                orders = "; ".join(
                    f"{o.cl_ord_id} {o.side.name} {o.cum_qty}/{o.qty} {o.status.name} {o.text}"
                    for o in list(self.stores.orders)[-5:]
                )
                refused = "; ".join(f"{r.code} {r.text}" for r in list(self.stores.refusals)[-3:])
                raise AssertionError(
                    f"waited {seconds:g} s in vain for: {what} ({notices}) (orders: {orders})"
                    f" (refused: {refused})"
                )
            await asyncio.sleep(0.01)

    async def engine(self) -> None:
        """Wait until there is an engine that takes orders."""
        await self.until(lambda: self.stores.connected, "the engine")
        said = self.stores.notices
        await self.until(
            lambda: any("The engine is ready" in n.text for n in said), "it to take orders"
        )

    def panel(self, kind: str) -> QWidget:
        """The first panel of a kind, in front."""
        window = self.window
        panel_id = next(k for k, p in window.docks.panels.items() if kind == p.KIND)
        window.docks.show(panel_id)
        return window.docks.panels[panel_id]

    def click(self, widget: QWidget, at: QPoint | None = None) -> None:
        """Press and let go of the left button."""
        point = at if at is not None else widget.rect().center()
        QTest.mouseMove(widget, point)
        QTest.mouseClick(widget, LEFT, NO_KEYS, point)

    async def drag(self, widget: QWidget, start: QPoint, end: QPoint) -> None:
        """Press, move in steps, let go."""
        QTest.mouseMove(widget, start)
        QTest.mousePress(widget, LEFT, NO_KEYS, start)
        for step in range(1, 6):
            QTest.mouseMove(widget, start + (end - start) * (step / 5))
            await asyncio.sleep(0.01)
        QTest.mouseRelease(widget, LEFT, NO_KEYS, end)

    # -- the ladder --------------------------------------------------------------------------

    def ladder_point(self, side: Side, ticks: int, column: str = "") -> QPoint:
        """Where the cell of a price is on the ladder's canvas."""
        canvas = self.panel("ladder").canvas
        column = column or ("bids" if side is Side.BUY else "asks")
        span = next(s for s in canvas.spans if s.column == column)
        row = canvas.rows.row_at(ticks)
        assert canvas.rows.visible(row), f"{ticks} is not in view"
        for y in range(canvas.height()):
            found = canvas._hit(QPoint(int(span.x + span.width * 0.7), y))
            if found is not None and found.part != "header" and found.row == row:
                return QPoint(int(span.x + span.width * 0.7), y + 4)
        raise AssertionError(f"no cell for {ticks}")

    async def settled_ladder(self, ticks: int = 0) -> None:
        """Scroll to a price and wait until no row has moved for a moment, as a trader does."""
        canvas = self.panel("ladder").canvas
        for _ in range(100):
            row = canvas.rows.row_at(ticks)
            if not ticks or 2 < row < canvas.rows.count - 2:
                break
            turn(canvas, up=row <= 2)
            await asyncio.sleep(0.02)
        await self.until(lambda: canvas.clock.monotonic() - canvas.shifted > 0.5, "a quiet ladder")


def turn(widget: QWidget, up: bool) -> None:
    """One notch of the mouse wheel over the middle of a widget."""
    middle = QPointF(widget.rect().center())
    event = QWheelEvent(
        middle,
        QPointF(widget.mapToGlobal(widget.rect().center())),
        QPoint(),
        QPoint(0, 120 if up else -120),
        Qt.MouseButton.NoButton,
        NO_KEYS,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def trade(
    app: QApplication,
    data: Path,
    script: Callable[[Trader], Awaitable[None]],
    **changes: object,
) -> None:
    """Open the terminal on `data`, run the trader's script, close it."""
    words = options(**changes)
    process = EngineProcess(data, engine_arguments(words))
    process.start()
    stores = Stores()
    errors: list[Notice] = []

    def show(notice: Notice) -> None:
        errors.append(notice)
        stores.add_notice(notice)

    reporter = Reporter(show)
    loop = Loop(app, reporter.report)
    window = make_window(words, data, process, stores, reporter)
    window.show()
    window.activateWindow()
    window.desk.start()
    window.frames.start()

    async def day() -> int:
        try:
            await script(Trader(window, process))
        finally:
            await window.history.finish()
            window.close_now()
            window.desk.stop()
            window.docks.clear()
            window.deleteLater()
        return 0

    try:
        loop.run(day())
    except AssertionError as error:
        if errors:  # what went wrong in the window says more than what did not come
            error.add_note(f"the window reported: {errors}")
        raise
    assert not errors, errors
