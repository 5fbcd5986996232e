"""Ctrl+K: type a few letters of any action, Enter does it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QPaintEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.actions import plain_text
from widgets.border import draw_border


def matches(query: str, text: str) -> bool:
    """Do the letters of `query` stand in `text` in that order?"""
    rest = iter(text.casefold())
    return all(letter in rest for letter in query.casefold() if not letter.isspace())


class Palette(QDialog):
    """A list of actions that narrows while typing; never blocks the rest of the window."""

    def __init__(self, actions: list[QAction], parent: QWidget) -> None:
        # no popup: that would keep the kill switch's keys from the window
        super().__init__(parent, Qt.WindowType.Dialog | Qt.WindowType.FramelessWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Find an action")
        self._actions = [a for a in actions if a.isEnabled()]
        self._query = QLineEdit(self)
        self._query.setPlaceholderText("Type an action")
        self._query.setAccessibleName("Action to find")
        self._query.textChanged.connect(self._narrow)
        self._query.installEventFilter(self)
        self._list = QListWidget(self)
        self._list.setAccessibleName("Actions found")
        self._list.itemActivated.connect(self._do)
        self._list.itemClicked.connect(self._do)
        layout = QVBoxLayout(self)
        layout.addWidget(self._query)
        layout.addWidget(self._list)
        self.resize(520, 380)
        self._narrow("")
        self._query.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrow keys in the text move the choice; Enter does it."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                step = 1 if event.key() == Qt.Key.Key_Down else -1
                row = self._list.currentRow() + step
                self._list.setCurrentRow(max(0, min(self._list.count() - 1, row)))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                item = self._list.currentItem()
                if item is not None:
                    self._do(item)
                return True
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """With a line around it."""
        super().paintEvent(event)
        draw_border(self)

    def changeEvent(self, event: QEvent) -> None:
        """A click elsewhere closes it."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self.close()

    def _narrow(self, query: str) -> None:
        self._list.clear()
        for index, action in enumerate(self._actions):
            text = plain_text(action)
            if matches(query, text):
                keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
                item = QListWidgetItem(f"{text}    {keys}" if keys else text)
                item.setData(Qt.ItemDataRole.UserRole, index)
                self._list.addItem(item)
        self._list.setCurrentRow(0)

    def _do(self, item: QListWidgetItem) -> None:
        action = self._actions[item.data(Qt.ItemDataRole.UserRole)]
        self.close()
        action.trigger()
