"""Filters by a column's value: chosen in a menu, shown as chips, taken off with a click."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from core.model.tables import Column
from widgets.blotter.cells import since_text
from widgets.menubutton import MenuButton

MOST_VALUES = 200
"""Most values of a column that a filter's menu lists."""


class ChipBar(QWidget):
    """The chips and the button that adds one.

    Args:
        columns: those that can be filtered by one of their values.
        time_column: the one that “since” filters look at; empty: none.
        values_of: the different texts of a column.

    Attributes:
        chosen: the text that is wanted in each column.

    Signals:
        changed(): `chosen` is another.
    """

    changed = Signal()

    def __init__(
        self,
        columns: Sequence[Column[Any]],
        time_column: str,
        values_of: Callable[[str], Sequence[str]],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.chosen: dict[str, str] = {}
        self._columns = columns
        self._time_column = time_column
        self._values_of = values_of
        self.row = QHBoxLayout()
        self.row.setSpacing(4)
        self.button = MenuButton(self)
        self.button.setText("&Filter")
        self.button.setAccessibleName("Filter by a column's value")
        self.menu = QMenu(self.button)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.button.setMenu(self.menu)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self.row)
        layout.addWidget(self.button)

    def set_chosen(self, chosen: Mapping[str, str]) -> None:
        """Filter by these texts of these columns, and by nothing else."""
        self.chosen = dict(chosen)
        self._show()

    def _fill_menu(self) -> None:
        for old in self.menu.findChildren(QMenu):
            old.deleteLater()
        self.menu.clear()
        for column in self._columns:
            sub = self.menu.addMenu(column.title)
            sub.setObjectName(column.id)
            sub.aboutToShow.connect(self._fill_values)
            sub.triggered.connect(self._on_chosen)
        if self._time_column:
            sub = self.menu.addMenu("Time")
            sub.setObjectName(self._time_column)
            now = time.time_ns() // 1_000_000_000
            for label, cut in (
                ("Last 5 minutes", now - 300),
                ("Last hour", now - 3_600),
                ("Today (UTC)", now - now % 86_400),
            ):
                sub.addAction(label).setData((self._time_column, since_text(cut * 1_000_000_000)))
            sub.triggered.connect(self._on_chosen)

    def _fill_values(self) -> None:
        menu = self.sender()
        if not isinstance(menu, QMenu) or menu.actions():
            return
        name = menu.objectName()
        texts = self._values_of(name)[:MOST_VALUES]
        for text in texts:
            menu.addAction(text).setData((name, text))
        if not texts:
            menu.addAction("No values yet").setEnabled(False)

    def _on_chosen(self, action: QAction) -> None:
        if action.data() is not None:
            name, text = action.data()
            self.chosen[name] = text
            self._show()
            self.changed.emit()

    def _show(self) -> None:
        while (item := self.row.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for name, text in self.chosen.items():
            chip = QToolButton(self)
            chip.setText(f"{text} ✕")
            chip.setAccessibleName(f"Remove the filter {name} {text}")
            chip.setProperty("column", name)
            chip.clicked.connect(self._on_removed)
            self.row.addWidget(chip)

    def _on_removed(self) -> None:
        chip = self.sender()
        if chip is not None:
            self.chosen.pop(str(chip.property("column")), None)
            QTimer.singleShot(0, self, self._show)
            self.changed.emit()
