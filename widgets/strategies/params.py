"""A strategy's parameters: shown, changed while it is off, refused in place."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from widgets.strategies.texts import breakable
from widgets.theme import tokens

WAITING = "Asked, waiting for the engine."
TAKEN = "Taken; it holds from the next start on."
RUNS = "Switch it off to change these."


class ParamsForm(QFrame):
    """The parameters by name. Enter applies, Esc closes.

    Signals:
        changed(str, dict): the strategy and those parameters that were typed anew.
        closed(): the trader is done.
    """

    changed = Signal(str, dict)
    closed = Signal()

    def __init__(self, strategy: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.strategy = strategy
        self.setAccessibleName(f"{strategy}: parameters")
        self.fields: dict[str, QLineEdit] = {}
        self._shown: dict[str, str] = {}
        self._off = True
        self._waiting = False
        self._form = QFormLayout()
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setVerticalSpacing(2)
        self._form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self.message = QLabel(self)
        self.message.setWordWrap(True)
        self.message.setMinimumWidth(40)
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setAccessibleName(f"{strategy}: answer to changed parameters")
        self.apply = QPushButton("A&pply", self)
        self.apply.setToolTip("Have the engine take these (Enter)")
        self.apply.clicked.connect(self._on_apply)
        close = QPushButton("&Close", self)
        close.setToolTip("Hide the parameters (Esc)")
        close.clicked.connect(self.closed)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.apply)
        buttons.addWidget(close)
        for button in (self.apply, close):
            # the style's own least width would push them out of a narrow panel
            button.setMinimumWidth(self.fontMetrics().horizontalAdvance(button.text()) + 8)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 0, 4)
        layout.setSpacing(4)
        layout.addLayout(self._form)
        layout.addWidget(self.message)
        layout.addLayout(buttons)

    def show_params(self, params: Mapping[str, str], off: bool) -> None:
        """Show what holds now; what is being typed is left alone."""
        if list(params) != list(self.fields):
            self._make_fields(params)
        for name, text in params.items():
            # the same text anew would take away what is selected and move the cursor
            if self._shown.get(name) != text:
                self.fields[name].setText(text)
        self._shown = dict(params)
        self._off = off
        self._enable()

    def taken(self) -> None:
        """The engine took what was asked."""
        self._waiting = False
        for name, field in self.fields.items():
            field.setText(self._shown[name])
        self._say(TAKEN, wrong=False)
        self._enable()

    def refused(self, text: str) -> None:
        """The engine did not take it; what was typed stays, to be mended."""
        self._waiting = False
        self._say(text, wrong=True)
        self._enable()

    @property
    def waiting(self) -> bool:
        """Was something asked that has no answer yet?"""
        return self._waiting

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter applies, Esc closes; a held key does nothing more."""
        if event.isAutoRepeat():
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._on_apply()
        elif event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def _make_fields(self, params: Mapping[str, str]) -> None:
        while self._form.rowCount():
            self._form.removeRow(0)
        self.fields.clear()
        for name in params:
            field = QLineEdit(self)
            field.setAccessibleName(f"{self.strategy}: {name}")
            field.setMinimumWidth(48)
            self._form.addRow(name.replace("_", " "), field)
            self.fields[name] = field
        self._shown = {}

    def _enable(self) -> None:
        free = self._off and not self._waiting
        self.apply.setEnabled(free and bool(self.fields))
        for field in self.fields.values():
            field.setReadOnly(not free)
        if not self._off:
            self._say(RUNS, wrong=False)
        elif not self.fields:
            self._say("It has no parameters.", wrong=False)
        elif self.message.text() == RUNS:
            self._say("", wrong=False)

    def _say(self, text: str, wrong: bool) -> None:
        t = tokens()
        self.message.setStyleSheet(f"color:{(t.danger if wrong else t.dim).name()}")
        self.message.setText(breakable(text))
        self.message.setVisible(bool(text))

    def _on_apply(self) -> None:
        if not self.apply.isEnabled():
            return
        typed = {name: field.text().strip() for name, field in self.fields.items()}
        new = {name: text for name, text in typed.items() if text != self._shown[name]}
        if not new:
            self._say("Nothing was changed.", wrong=False)
            return
        self._waiting = True
        self._say(WAITING, wrong=False)
        self._enable()
        self.changed.emit(self.strategy, new)
