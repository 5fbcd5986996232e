"""Changing one limit: tighter at once, looser only with a typed reason and after a delay."""

from __future__ import annotations

import time
from decimal import Decimal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QLabel,
    QLineEdit,
    QWidget,
)

from core.model.commands import SetLimit
from core.model.events import LimitUse
from core.model.ids import IdMaker
from core.model.limits import LIMIT_KINDS
from core.model.numbers import parse_decimal, plain
from widgets.answers import answers
from widgets.risk.limits import title

MOST = Decimal(10) ** 15
"""Beyond this a limit limits nothing."""


class ChangeLimit(QDialog):
    """Asks for a new value; never blocks the window.

    Signals:
        requested(object): the `SetLimit` command.
    """

    requested = Signal(object)

    def __init__(self, use: LimitUse, ids: IdMaker, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Change: {title(use)}")
        self._use = use
        self._ids = ids
        kind = LIMIT_KINDS.get(use.name)
        meaning = QLabel(kind.meaning if kind is not None else "", self)
        meaning.setWordWrap(True)
        self.value = QLineEdit(plain(use.limit), self)
        self.value.setAccessibleName("New limit")
        self.reason = QLineEdit(self)
        self.reason.setAccessibleName("Reason for loosening")
        self.reason.setPlaceholderText("Needed to loosen")
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        self.note.setAccessibleName("What will happen")
        buttons, self.ok = answers(self, "Change", self._send)
        layout = QFormLayout(self)
        layout.addRow(meaning)
        layout.addRow(f"&New limit ({use.unit})", self.value)
        layout.addRow("&Reason", self.reason)
        layout.addRow(self.note)
        layout.addRow(buttons)
        self.value.textChanged.connect(self._check)
        self.reason.textChanged.connect(self._check)
        self.resize(420, self.sizeHint().height())
        self._check()

    def _check(self) -> None:
        problem = ""
        text = ""
        try:
            value = parse_decimal(self.value.text())
        except ValueError as error:
            problem = str(error)
        else:
            if value < 0:
                problem = "A limit is not below zero."
            elif value > MOST:
                problem = f"A limit is at most {plain(MOST)}."
            elif value == self._use.limit:
                problem = "This is the limit in force."
            elif value < self._use.limit:
                text = "Tighter: in force at once."
            elif not self.reason.text().strip():
                problem = "Looser: type the reason; it is kept in the journal."
            else:
                text = "Looser: in force after a delay, with your reason in the journal."
        self.note.setText(problem or text)
        self.ok.setEnabled(not problem)

    def _send(self) -> None:
        use = self._use
        self.requested.emit(
            SetLimit(
                self._ids.next(),
                use.name,
                parse_decimal(self.value.text()),
                use.scope,
                use.scope_id,
                self.reason.text().strip(),
                ts=time.time_ns(),
            )
        )
        self.accept()
