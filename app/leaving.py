"""Closing the window with orders or positions left: say what remains and ask once."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from core.client.stores import Stores


def remaining(stores: Stores, positions: bool = True) -> str:
    """A sentence about what is still working or held; empty when nothing is."""
    working = sum(len(orders) for orders in stores.working.values())
    held = sum(1 for p in stores.positions if p.qty and not p.strategy) if positions else 0
    parts = []
    if working:
        parts.append(f"{working} working order{'s' if working > 1 else ''}")
    if held:
        parts.append(f"{held} open position{'s' if held > 1 else ''}")
    return f"There {'is' if working + held == 1 else 'are'} {' and '.join(parts)}." if parts else ""


class LeaveDialog(QDialog):
    """What should become of orders and positions?

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

    def __init__(self, what: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Close Outcry")
        self._answer = "stay"
        text = QLabel(f"{what} They stay as they are unless you choose otherwise.", self)
        text.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        for answer, label in self.CHOICES:
            button = QPushButton(label, self)
            button.setObjectName(f"leave.{answer}")
            button.setProperty("answer", answer)
            button.clicked.connect(self._on_click)
            button.setDefault(answer == "stay")
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addWidget(text)
        layout.addLayout(buttons)
        self.finished.connect(self._on_finished)

    def _on_click(self) -> None:
        button = self.sender()
        if button is not None:
            self._answer = str(button.property("answer"))
        self.close()

    def _on_finished(self, _result: int) -> None:
        self.answered.emit(self._answer)
