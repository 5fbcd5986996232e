"""Where our books and the venues' differed, what was done about it, and what still stands."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from core.client.stores import Stores
from core.model.commands import AdjustPosition
from core.model.events import Difference
from core.model.ids import IdMaker
from core.model.numbers import parse_decimal, plain, to_steps
from widgets.border import draw_border
from widgets.theme import tokens

Index = QModelIndex | QPersistentModelIndex
ROOT = QModelIndex()
HEADERS = ("Time (UTC)", "Venue", "Rule", "What", "Here", "At the venue", "Done")
_WIDTHS = (90, 60, 170, 140, 130, 220)


def standing(stores: Stores) -> int:
    """How many differences are not resolved."""
    return sum(1 for d in stores.differences if d.stands)


def cells(d: Difference) -> tuple[str, ...]:
    """A whole line, column by column."""
    time = datetime.fromtimestamp(d.ts // 10**9, UTC).strftime("%H:%M:%S")
    mark = "⚠ " if d.stands else ""
    return time, d.venue, f"{mark}{d.rule}", d.subject, d.ours, d.theirs, d.done


class DifferencesModel(QAbstractTableModel):
    """Differences: those that stand first, then the newest."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: list[Difference] = []

    def show(self, rows: list[Difference]) -> None:
        """Take the place of all rows."""
        self.beginResetModel()
        self.rows = sorted(rows, key=lambda d: (not d.stands, -d.ts, d.key))
        self.endResetModel()

    def rowCount(self, parent: Index = ROOT) -> int:
        """Qt asks how many."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = ROOT) -> int:
        """Qt asks how many."""
        return 0 if parent.isValid() else len(HEADERS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Column titles."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return HEADERS[section]
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        """One cell."""
        d = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return cells(d)[index.column()]
        if role == Qt.ItemDataRole.ForegroundRole:
            return tokens().danger if d.stands else tokens().text
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{d.rule} {d.subject}\nHere: {d.ours}\nAt {d.venue}: {d.theirs}\n{d.done}"
        return None


class Differences(QDialog):
    """The list, and the way to bring a position in line. Not modal: trading goes on beside it.

    Signals:
        requested(object): an `AdjustPosition` command.
    """

    requested = Signal(object)

    def __init__(self, stores: Stores, ids: IdMaker, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Differences with venues")
        self._stores = stores
        self._ids = ids
        self._cursor = (-1, -1)
        self._model = DifferencesModel(self)
        self.head = QLabel(self)
        self.head.setWordWrap(True)
        self.view = QTableView(self)
        self.view.setAccessibleName("Differences with venues")
        self.view.setModel(self._model)
        lines = self.view.verticalHeader()
        lines.hide()
        lines.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)  # no sentence is cut
        lines.setMinimumSectionSize(self.fontMetrics().height() + 6)
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setShowGrid(False)
        self.view.setWordWrap(True)
        self.view.setTabKeyNavigation(False)
        header = self.view.horizontalHeader()
        header.setStretchLastSection(True)
        for column, width in enumerate(_WIDTHS):
            header.resizeSection(column, width)
        self.view.selectionModel().selectionChanged.connect(self._chosen)
        self.price = QLineEdit(self)
        self.price.setAccessibleName("Price of the adjustment")
        self.reason = QLineEdit(self)
        self.reason.setAccessibleName("Reason for the adjustment")
        self.reason.setPlaceholderText("Why the venue is right; it is kept on record")
        self.adjust = QPushButton("&Adjust", self)
        self.adjust.setAutoDefault(False)
        self.adjust.clicked.connect(self._adjust)
        for entry in (self.price, self.reason):
            entry.textChanged.connect(self._ready)
        self._price_label = QLabel("Book at &price", self)
        self._price_label.setBuddy(self.price)
        bottom = QHBoxLayout()
        bottom.addWidget(self._price_label)
        bottom.addWidget(self.price)
        bottom.addWidget(self.reason, 1)
        bottom.addWidget(self.adjust)
        layout = QVBoxLayout(self)
        layout.addWidget(self.head)
        layout.addWidget(self.view)
        layout.addLayout(bottom)
        self.resize(1_060, 320)
        self.flush()

    def paintEvent(self, event: QPaintEvent) -> None:
        """With a line around it."""
        super().paintEvent(event)
        draw_border(self)

    def flush(self) -> None:
        """Show what changed since it was shown last."""
        board = self._stores.differences
        if self._cursor == (board.epoch, board.version):
            return
        self._cursor = (board.epoch, board.version)
        chosen = self._selected()
        self._model.show(list(board))
        count = standing(self._stores)
        self.head.setText(
            f"{count} of {len(self._model.rows)} stand: look at both figures and decide."
            if count
            else "All differences that were found are resolved."
            if self._model.rows
            else "No differences were found."
        )
        for row, d in enumerate(self._model.rows):
            if chosen is not None and d.key == chosen.key:
                flags = QItemSelectionModel.SelectionFlag
                self.view.selectionModel().select(
                    self._model.index(row, 0), flags.ClearAndSelect | flags.Rows
                )
        self._chosen()

    def _selected(self) -> Difference | None:
        rows = self.view.selectionModel().selectedRows()
        return self._model.rows[rows[0].row()] if rows else None

    def _chosen(self) -> None:
        """Only a position that differs can be adjusted."""
        d = self._selected()
        found = self._wanted(d)
        for widget in (self._price_label, self.price, self.reason, self.adjust):
            widget.setVisible(found is not None)
        if d is not None and found is not None:
            _, name, _ = found
            instrument, ticker = self._stores.instruments[name], self._stores.tickers.get(name)
            if ticker is not None and ticker.last and not self.price.text():
                self.price.setText(plain(instrument.price(ticker.last)))
            self.adjust.setText(f"&Adjust from {d.ours} to {d.theirs}")
        self._ready()

    def _wanted(self, d: Difference | None) -> tuple[str, str, int] | None:
        """Account, instrument and lots by which a position is to be adjusted."""
        if d is None or d.rule != "POSITION_DIFFERS" or not d.stands:
            return None
        account, _, name = d.subject.rpartition(" ")
        instrument = self._stores.instruments.get(name)
        accounts = list(self._stores.accounts.keys())
        if not account and len(accounts) == 1:
            account = accounts[0]
        if instrument is None or account not in accounts:
            return None
        lots = to_steps(Decimal(d.theirs) - Decimal(d.ours), instrument.lot)
        return account, name, lots

    def _command(self) -> AdjustPosition | None:
        found, reason = self._wanted(self._selected()), self.reason.text().strip()
        if found is None or not reason:
            return None
        account, name, lots = found
        try:
            price = parse_decimal(self.price.text())
            ticks = to_steps(price, self._stores.instruments[name].tick)
        except ValueError:
            return None
        if not lots or ticks <= 0:
            return None
        return AdjustPosition(self._ids.next(), account, name, lots, ticks, reason)

    def _ready(self) -> None:
        self.adjust.setEnabled(self._command() is not None)

    def _adjust(self) -> None:
        command = self._command()
        if command is not None:
            self.requested.emit(command)
            self.reason.clear()
            self.price.clear()
