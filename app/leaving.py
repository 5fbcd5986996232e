"""Closing the window with orders or positions left: say what remains and ask once."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from core.client.stores import Stores
from widgets.border import draw_border

LOOK_MS = 100
PATIENCE_MS = 15_000
"""How long cancels and closes may take before the question is asked again."""


def count_remaining(stores: Stores) -> tuple[int, int]:
    """How many orders work and how many positions are held."""
    working = sum(len(orders) for orders in stores.working.values())
    return working, len(stores.held())


def remaining(stores: Stores, positions: bool = True) -> str:
    """A sentence about what is still working or held; empty when nothing is."""
    working, held = count_remaining(stores)
    held = held if positions else 0
    parts = []
    if working:
        parts.append(f"{working} working order{'s' if working > 1 else ''}")
    if held:
        parts.append(f"{held} open position{'s' if held > 1 else ''}")
    return f"There {'is' if working + held == 1 else 'are'} {' and '.join(parts)}." if parts else ""


class LeaveDialog(QDialog):
    """What should become of orders and positions? Not modal: the kill switch stays in reach.

    Signals:
        answered(str): ``leave``, ``cancel``, ``flatten`` or ``stay``.
    """

    answered = Signal(str)

    CHOICES = (
        ("stay", "&Stay"),
        ("leave", "&Leave them"),
        ("cancel", "&Cancel orders"),
        ("flatten", "Cancel and &flatten"),
    )

    def __init__(self, stores: Stores, parent: QWidget) -> None:
        super().__init__(parent)
        connected = stores.connected
        working, held = count_remaining(stores)
        pointless = {"cancel"} if not working else {"flatten"} if not held else set()
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Close Outcry")
        self._answer = "stay"
        rest = "They stay as they are unless you choose otherwise."
        if not connected:
            rest = "The engine is not connected, so nothing can be cancelled or closed now."
        text = QLabel(f"{remaining(stores)} {rest}", self)
        text.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        for answer, words in self.CHOICES:
            if answer in pointless:
                continue
            label = words if working or answer != "flatten" else "&Flatten"
            button = QPushButton(label, self)
            button.setObjectName(f"leave.{answer}")
            button.setProperty("answer", answer)
            button.clicked.connect(self._on_click)
            button.setDefault(answer == "stay")
            button.setEnabled(connected or answer in ("stay", "leave"))
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addWidget(text)
        layout.addLayout(buttons)
        self.finished.connect(self._on_finished)

    def paintEvent(self, event: QPaintEvent) -> None:
        """With a line around it."""
        super().paintEvent(event)
        draw_border(self)

    def _on_click(self) -> None:
        button = self.sender()
        if button is not None:
            self._answer = str(button.property("answer"))
        self.close()

    def _on_finished(self, _result: int) -> None:
        self.answered.emit(self._answer)


class Leaving(QObject):
    """The way out: asks, cancels or flattens, waits until that is done, asks again if it is not.

    Args:
        act: called with ``cancel`` or ``flatten``.

    Signals:
        done(): nothing holds the window open any more.
    """

    done = Signal()

    def __init__(self, stores: Stores, act: Callable[[str], None], window: QWidget) -> None:
        super().__init__(window)
        self._stores = stores
        self._act = act
        self._window = window
        self._dialog: LeaveDialog | None = None
        self._answer = ""
        self._waited = 0
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)

    def ask(self) -> bool:
        """Ask if anything remains; True when the window may close at once."""
        if self._timer.isActive():
            return False
        left = remaining(self._stores)
        if left and self._dialog is None:
            self._dialog = LeaveDialog(self._stores, self._window)
            self._dialog.answered.connect(self._on_answer)
            self._dialog.show()
        if self._dialog is not None:
            self._dialog.raise_()
            self._dialog.activateWindow()
        return not left

    def stop(self) -> None:
        """The window closes anyhow."""
        self._timer.stop()
        if self._dialog is not None:
            self._dialog.answered.disconnect(self._on_answer)
            self._dialog.close()
            self._dialog = None

    def _on_answer(self, answer: str) -> None:
        self._dialog = None
        if answer == "leave":
            self.done.emit()
        elif answer != "stay":
            self._answer = answer
            self._waited = 0
            self._act(answer)
            self._timer.start()

    def _look(self) -> None:
        self._waited += LOOK_MS
        if not remaining(self._stores, positions=self._answer == "flatten"):
            self._timer.stop()
            self.done.emit()
        elif self._waited >= PATIENCE_MS:
            self._timer.stop()
            self.ask()
