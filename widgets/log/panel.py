"""The log panel: newest lines first, filtered by loudness."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from core.client.stores import NOTICE_LIMIT, Stores
from core.model.enums import Severity
from core.model.events import Notice
from core.model.ids import IdMaker
from widgets.panel import Panel
from widgets.theme import tokens

Index = QModelIndex | QPersistentModelIndex
ROOT = QModelIndex()
MOST_ROWS = 2 * NOTICE_LIMIT
"""Lines kept on the screen; older ones are in the engine's and the terminal's log files."""

HEADERS = ("Time (UTC)", "Level", "Part", "Text")
TIME, LEVEL, PART, TEXT = range(len(HEADERS))
SIGNS = {Severity.INFO: "", Severity.WARNING: "⚠ "}
"""What stands before the text where its level has no column; louder ones have a cross."""

WIDE = 46
"""Letters that the panel must be wide to show all columns."""


class LogModel(QAbstractTableModel):
    """Notices, newest on top.

    Attributes:
        narrow: only a short time and the text are shown.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: list[Notice] = []
        self.narrow = False

    def set_narrow(self, narrow: bool) -> None:
        """Have room for all columns, or not."""
        self.narrow = narrow
        if self.rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, TEXT))
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, TIME, TIME)

    def show(self, rows: list[Notice]) -> None:
        """Replace all rows (the filter changed)."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def prepend(self, rows: list[Notice]) -> None:
        """Put new rows on top."""
        if rows:
            self.beginInsertRows(ROOT, 0, len(rows) - 1)
            self.rows[:0] = rows
            self.endInsertRows()
        if len(self.rows) > MOST_ROWS:
            self.beginRemoveRows(ROOT, MOST_ROWS, len(self.rows) - 1)
            del self.rows[MOST_ROWS:]
            self.endRemoveRows()

    def rowCount(self, parent: Index = ROOT) -> int:
        """Qt asks how many."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = ROOT) -> int:
        """Qt asks how many."""
        return 0 if parent.isValid() else len(HEADERS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Column titles."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return "UTC" if self.narrow and section == TIME else HEADERS[section]
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        """One cell."""
        if role == Qt.ItemDataRole.DisplayRole:
            notice = self.rows[index.row()]
            if self.narrow and index.column() == TIME:
                return clock(notice.ts)[:8]
            if self.narrow and index.column() == TEXT:
                return SIGNS.get(notice.severity, "✖ ") + notice.text
            return cells(notice)[index.column()]
        if role == Qt.ItemDataRole.ForegroundRole:
            severity = self.rows[index.row()].severity
            t = tokens()
            return {Severity.INFO: t.text, Severity.WARNING: t.warning}.get(severity, t.danger)
        if role == Qt.ItemDataRole.ToolTipRole:
            notice = self.rows[index.row()]
            time, level, part, text = cells(notice)
            return f"{time} UTC  {level}  {part}\n{text}" if self.narrow else text
        return None


def cells(notice: Notice) -> tuple[str, str, str, str]:
    """A whole line, column by column."""
    return clock(notice.ts), notice.severity.name.lower(), notice.part, notice.text


def clock(ts: int) -> str:
    """Time of day with milliseconds, UTC."""
    return datetime.fromtimestamp(ts // 10**9, UTC).strftime("%H:%M:%S") + (
        f".{ts // 10**6 % 1000:03d}"
    )


class LogPanel(Panel):
    """Everything that was said, copyable."""

    KIND: ClassVar[str] = "log"
    TITLE: ClassVar[str] = "Log"

    def __init__(self, stores: Stores, _ids: IdMaker, parent: QWidget | None = None) -> None:
        super().__init__(stores, parent)
        self._seen = 0
        self._model = LogModel(self)
        self.level = QComboBox(self)
        self.level.setAccessibleName("Least loudness shown")
        for severity in Severity:
            self.level.addItem(severity.name.capitalize(), severity)
        self.level.currentIndexChanged.connect(self._on_level)
        label = QLabel("&Show from", self)
        label.setBuddy(self.level)
        self.view = QTableView(self)
        self.view.setAccessibleName("Log")
        self.view.setModel(self._model)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setShowGrid(False)
        self.view.setWordWrap(False)
        self.view.setTabKeyNavigation(False)
        header = self.view.horizontalHeader()
        header.setStretchLastSection(True)
        header.sectionResized.connect(self._on_resized)
        self._widths = {TIME: 100, LEVEL: 70, PART: 90}
        for column, width in self._widths.items():
            header.resizeSection(column, width)
        copy = QAction("&Copy", self.view)
        copy.setShortcut(QKeySequence.StandardKey.Copy)
        copy.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        copy.triggered.connect(self._copy)
        self.view.addAction(copy)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        top = QHBoxLayout()
        top.setContentsMargins(6, 4, 6, 0)
        top.addWidget(label)
        top.addWidget(self.level)
        top.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addWidget(self.view)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow panel the text comes first."""
        super().resizeEvent(event)
        letter = self.fontMetrics().averageCharWidth()
        narrow = self.width() < WIDE * letter
        if narrow != self._model.narrow:
            for column in (LEVEL, PART):
                self.view.setColumnHidden(column, narrow)
            self._model.set_narrow(narrow)
            short = self.fontMetrics().horizontalAdvance("00:00:00") + 2 * letter
            self.view.setColumnWidth(TIME, short if narrow else self._widths[TIME])

    def flush(self) -> None:
        """Take in new notices."""
        new = min(self.stores.notice_count - self._seen, len(self.stores.notices))
        if new <= 0:
            return
        self._seen = self.stores.notice_count
        fresh = self.stores.notices[-new:]
        self._model.prepend([n for n in reversed(fresh) if n.severity >= self._least()])

    def save_state(self) -> dict[str, Any]:
        """The filter."""
        return {"level": int(self._least())}

    def restore_state(self, state: dict[str, Any]) -> None:
        """The filter."""
        known = [int(severity) for severity in Severity]
        level = state.get("level")
        self.level.setCurrentIndex(known.index(level) if level in known else 0)

    def _least(self) -> Severity:
        return Severity(self.level.currentData() or Severity.INFO)

    def _on_level(self) -> None:
        least = self._least()
        self._model.show([n for n in reversed(self.stores.notices) if n.severity >= least])
        self._seen = self.stores.notice_count
        self.state_changed.emit()

    def _on_resized(self, column: int, _before: int, width: int) -> None:
        if not self._model.narrow and width:
            self._widths[column] = width

    def _copy(self) -> None:
        rows = sorted({i.row() for i in self.view.selectedIndexes()})
        lines = ["\t".join(cells(self._model.rows[r])) for r in rows]
        QGuiApplication.clipboard().setText("\n".join(lines))
