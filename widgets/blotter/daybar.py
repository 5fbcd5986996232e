"""Which day a table shows: today, live, or a past day out of the records, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QToolButton, QWidget

from core.model.instruments import Instrument
from widgets.menubutton import MenuButton

PAGE = 2_000
"""Rows of a past day that are shown at a time, so that a day of a million is as light as any."""

NEAR = 14
"""So many days stand in the menu itself, older ones by month."""


class DayPage(NamedTuple):
    """A page of a past day. `rows` are its newest ones first, `total` all of that day.

    `everything` is all rows of the day, read when it is iterated.
    """

    day: int
    page: int
    rows: Sequence[Any]
    total: int
    instruments: dict[str, Instrument]
    everything: Any


class DayBar(QWidget):
    """A button with the days there are, and ways to newer and older pages.

    Signals:
        opened(): the menu opens; `take_days` may fill it then.
        chosen(object): a day (its first UTC ns), or None for today.
        turned(int): the page that is wanted.
    """

    opened = Signal()
    chosen = Signal(object)
    turned = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.page = 0
        self.button = MenuButton(self)
        self.button.setText("&Today")
        self.button.setAccessibleName("Day shown")
        self.button.setToolTip("Today as it happens, or a past day out of the records")
        self.menu = QMenu(self.button)
        self.menu.aboutToShow.connect(self.opened)
        self.menu.triggered.connect(self._on_chosen)
        self.button.setMenu(self.menu)
        self.newer = self._turner("‹", "Newer rows of this day", -1)
        self.older = self._turner("›", "Older rows of this day", 1)
        self.where = QLabel(self)
        self.where.setAccessibleName("Page shown")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for widget in (self.button, self.newer, self.where, self.older):
            layout.addWidget(widget)
        self.take_days([])
        self.show_today()

    def take_days(self, days: Sequence[int]) -> None:
        """The past days that can be chosen, newest first."""
        self.menu.clear()
        for old in self.menu.findChildren(QMenu):
            old.deleteLater()
        self._entry(self.menu, "Today (live)", None)
        self.menu.addSeparator()
        months: dict[str, QMenu] = {}
        for number, day in enumerate(days):
            text = day_text(day)
            menu = self.menu
            if number >= NEAR:
                month = text[:7]
                if month not in months:
                    months[month] = self.menu.addMenu(month)
                menu = months[month]
            self._entry(menu, text, day)
        if not days:
            self.menu.addAction("No past days in the records").setEnabled(False)

    def show_today(self) -> None:
        """The table is live."""
        self.page = 0
        self.button.setText("&Today")
        for widget in (self.newer, self.where, self.older):
            widget.hide()

    def show_page(self, day: int, page: int, total: int) -> None:
        """The table shows this page of a day with `total` rows."""
        self.page = page
        pages = max(1, -(-total // PAGE))
        self.button.setText(day_text(day))
        self.where.setText(f"page {page + 1:,} of {pages:,} · {total:,} rows")
        self.where.setToolTip("Filter and sorting are of the page that is shown.")
        self.newer.setEnabled(page > 0)
        self.older.setEnabled(page + 1 < pages)
        for widget in (self.newer, self.where, self.older):
            widget.setVisible(pages > 1)

    def show_loading(self, day: int) -> None:
        """A page is on its way."""
        self.button.setText(f"{day_text(day)} …")
        self.newer.setEnabled(False)
        self.older.setEnabled(False)

    def _entry(self, menu: QMenu, text: str, day: int | None) -> None:
        # as text: Qt's own whole numbers are too small for nanoseconds on some systems
        menu.addAction(text).setData("today" if day is None else str(day))

    def _on_chosen(self, action: QAction) -> None:
        data = action.data()
        if data is not None:
            self.chosen.emit(None if data == "today" else int(data))

    def _turner(self, text: str, name: str, step: int) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setAccessibleName(name)
        button.setToolTip(name)
        button.clicked.connect(lambda: self.turned.emit(self.page + step))
        return button


def day_text(day: int) -> str:
    """``2026-11-05`` (UTC)."""
    return datetime.fromtimestamp(day // 1_000_000_000, UTC).date().isoformat()
