"""A blotter's table on the screen: its columns, their order and width, sorting, copying."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QAbstractItemView, QMenu, QTableView, QWidget

from widgets.blotter.model import BlotterModel

_SAMPLES = {
    "created": "00:00:00",
    "updated": "00:00:00",
    "side": "SELL",
    "ts": "00:00:00.000",
    "venue_ts": "00:00:00.000",
    "instrument": "BTC-USD.ALPHA",
    "price": "000,000.00",
    "avg_price": "00,000.000",
    "value": "0,000,000.00",
    "cash": "00,000,000.00",
    "opening": "00,000,000.00",
    "settled": "00,000,000.00",
    "exposure": "00,000,000.00",
    "text": "A reason of a few more words than most",
    "status": "partially filled",
    "strategy": "strategy name",
}


class BlotterTable(QTableView):
    """The rows of a model in columns that the trader arranges.

    Args:
        hidden: columns that are hidden until the trader wants them.
        first: columns that come first, before the others in the model's order.

    Signals:
        columns_chosen(): a column was shown or hidden.
        arranged(): columns were moved or resized, or the rows sorted, by hand.
    """

    columns_chosen = Signal()
    arranged = Signal()

    def __init__(
        self,
        model: BlotterModel[Any],
        hidden: Sequence[str],
        first: Sequence[str],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._rows = model
        self.setModel(model)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.verticalHeader().hide()
        self._set_row_height()
        header = self.horizontalHeader()
        header.setSectionsMovable(True)
        header.setHighlightSections(False)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._on_header_menu)
        header.setSectionsClickable(True)
        header.sectionClicked.connect(self._on_header_click)
        names = [column.id for column in model.columns]
        for place, name in enumerate(first):
            header.moveSection(header.visualIndex(names.index(name)), place)
        for number, column in enumerate(model.columns):
            width = self.fontMetrics().horizontalAdvance(column.title) + 24
            header.resizeSection(number, max(width, self._usual_width(column.id)))
            self.setColumnHidden(number, column.id in hidden)
        header.sectionMoved.connect(self._on_arranged)
        header.sectionResized.connect(self._on_arranged)
        self._show_sort()

    def selected(self) -> list[int]:
        """The numbers of the selected rows, from the top."""
        return sorted({index.row() for index in self.selectionModel().selectedIndexes()})

    def visible_columns(self) -> list[int]:
        """The model's numbers of the columns that are shown, from the left."""
        header = self.horizontalHeader()
        order = [header.logicalIndex(n) for n in range(header.count())]
        return [n for n in order if not self.isColumnHidden(n)]

    def copy_rows(self) -> None:
        """Put the selected rows on the clipboard as tab separated text with a header."""
        columns = self.visible_columns()
        lines = ["\t".join(self._rows.columns[c].title for c in columns)]
        lines += [
            "\t".join(str(self._rows.index(r, c).data() or "") for c in columns)
            for r in self.selected()
        ]
        QGuiApplication.clipboard().setText("\n".join(lines))

    def save_state(self) -> dict[str, Any]:
        """Sort, and columns by name: order, which are hidden, widths."""
        header = self.horizontalHeader()
        columns = self._rows.columns
        return {
            "sort": [list(s) for s in self._rows.sorts],
            "order": [columns[header.logicalIndex(n)].id for n in range(len(columns))],
            "hidden": [c.id for n, c in enumerate(columns) if self.isColumnHidden(n)],
            "widths": {
                c.id: header.sectionSize(n)
                for n, c in enumerate(columns)
                if not self.isColumnHidden(n)
            },
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        """Sort and columns; unknown columns are passed over."""
        numbers = {column.id: n for n, column in enumerate(self._rows.columns)}
        header = self.horizontalHeader()
        if "hidden" in state:
            for name, number in numbers.items():
                self.setColumnHidden(number, name in state["hidden"])
        for name, width in state.get("widths", {}).items():
            if name in numbers:
                header.resizeSection(numbers[name], int(width))
        places = [numbers[name] for name in state.get("order", []) if name in numbers]
        for place, number in enumerate(places):
            header.moveSection(header.visualIndex(number), place)
        self._rows.set_sorts([(str(n), bool(d)) for n, d in state.get("sort", [])])
        self._show_sort()

    def changeEvent(self, event: QEvent) -> None:
        """Rows follow the font's size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._set_row_height()

    # -- inside ------------------------------------------------------------------------------

    def _set_row_height(self) -> None:
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)

    def _usual_width(self, column: str) -> int:
        return self.fontMetrics().horizontalAdvance(_SAMPLES.get(column, "00,000.0")) + 16

    def _on_header_click(self, section: int) -> None:
        name = self._rows.columns[section].id
        first, down = self._rows.sorts[0]
        self._rows.sort_by(name, not down if first == name else False)
        self._show_sort()
        self.arranged.emit()

    def _show_sort(self) -> None:
        name, down = self._rows.sorts[0]
        number = [column.id for column in self._rows.columns].index(name)
        order = Qt.SortOrder.DescendingOrder if down else Qt.SortOrder.AscendingOrder
        self.horizontalHeader().setSortIndicatorShown(True)
        self.horizontalHeader().setSortIndicator(number, order)

    def _on_header_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for number, column in enumerate(self._rows.columns):
            action = menu.addAction(column.title)
            action.setCheckable(True)
            action.setChecked(not self.isColumnHidden(number))
            action.setData(number)
        menu.triggered.connect(self._on_column_toggled)
        menu.popup(self.horizontalHeader().mapToGlobal(at))

    def _on_column_toggled(self, action: QAction) -> None:
        self.setColumnHidden(int(action.data()), not action.isChecked())
        self.columns_chosen.emit()

    def _on_arranged(self, *_: int) -> None:
        self.arranged.emit()
