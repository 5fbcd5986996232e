"""The field in which a symbol is typed, with the best matches under it."""

from __future__ import annotations

from PySide6.QtCore import QStringListModel, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCompleter, QLineEdit, QWidget

from core.client.stores import Stores
from widgets.watchlist.symbols import search


class SymbolEntry(QLineEdit):
    """Finds instruments while the trader types.

    Signals:
        found(str): the id of the instrument to add.
        missed(str): a sentence, when nothing matches.
        left(): Esc was pressed.
    """

    found = Signal(str)
    missed = Signal(str)
    left = Signal()

    def __init__(self, stores: Stores, parent: QWidget) -> None:
        super().__init__(parent)
        self._stores = stores
        self._names = QStringListModel(self)
        self._completer = QCompleter(self._names, self)
        self._completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self._completer.setMaxVisibleItems(12)
        self._completer.activated[str].connect(self._picked)
        self.setCompleter(self._completer)
        self.setPlaceholderText("Add symbol")
        self.setAccessibleName("Add symbol")
        self.setToolTip(
            "Type part of a symbol; Enter adds the best match.\n"
            "Letters typed on the list come here too."
        )
        self.setClearButtonEnabled(True)
        self.textEdited.connect(self._search)

    def begin(self, text: str) -> None:
        """Letters were typed on the list."""
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.setText(text)
        self._search(text)
        self._completer.complete()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
            self.left.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._take_best()
        else:
            super().keyPressEvent(event)

    def _search(self, text: str) -> None:
        matches = search(text, self._stores.instruments) if text.strip() else []
        self._names.setStringList([instrument.id for instrument in matches])

    def _take_best(self) -> None:
        text = self.text().strip()
        if not text:
            return
        matches = search(text, self._stores.instruments, 1)
        if matches:
            self._picked(matches[0].id)
        else:
            self.missed.emit(f"No instrument is called anything like “{text}”.")

    def _picked(self, name: str) -> None:
        if name in self._stores.instruments:
            self._completer.popup().hide()
            self.clear()
            self.found.emit(name)
