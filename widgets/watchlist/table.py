"""The watchlist's table view: fixed rows, keys, typing anywhere, drag to reorder."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from widgets.watchlist.cells import CellDelegate
from widgets.watchlist.model import WatchlistModel
from widgets.watchlist.quotes import COLUMNS, LAST, SYMBOL


class WatchlistTable(QTableView):
    """Rows of quotes.

    Attributes:
        symbol_width: how wide the trader wants symbols; where the last price would be cut they are
            narrower.

    Signals:
        chosen(str): the trader picked an instrument (click or Enter).
        typed(str): letters typed on the table, the beginning of a symbol.
        removal_wished(): Del was pressed on the selected rows.
        pasted(): the clipboard should be taken in.
        move_wished(int): move the selected rows up (-1) or down (1).
    """

    chosen = Signal(str)
    typed = Signal(str)
    removal_wished = Signal()
    pasted = Signal()
    move_wished = Signal(int)

    def __init__(self, model: WatchlistModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        self.setModel(model)
        self.cells = CellDelegate(model, self)
        self.setItemDelegate(self.cells)
        self.setAccessibleName("Watchlist")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDragDropOverwriteMode(False)
        self.setDropIndicatorShown(True)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.setSectionsMovable(True)
        header.setSectionsClickable(True)
        header.setHighlightSections(False)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.symbol_width = 0
        self._fitting = False
        header.sectionResized.connect(self._on_resized)
        self.measure()
        self.clicked.connect(self._on_clicked)

    def measure(self) -> None:
        """Row height, widths and colours from the font and theme in force."""
        self.cells.set_theme(self.font())
        metrics = self.fontMetrics()
        self._digits = self._width_of_digits()
        self.verticalHeader().setDefaultSectionSize(metrics.height() + 6)
        self.horizontalHeader().setMinimumSectionSize(metrics.horizontalAdvance("0000"))
        bold = QFont(self.font())
        bold.setBold(True)
        for number, column in enumerate(COLUMNS):
            words = QFontMetrics(bold) if number == SYMBOL else metrics
            sample = max(
                words.horizontalAdvance(column.sample),
                metrics.horizontalAdvance("▲ " + column.title) + 4,
            )
            if column.id == "last":
                sample = metrics.horizontalAdvance("▲ " + column.sample)
            self.setColumnWidth(number, sample + 14)

    def visible_rows(self) -> tuple[int, int]:
        """First and last row in view; an empty range when there are none."""
        count = self._model.rowCount()
        first = self.rowAt(0)
        if first < 0 or not count:
            return 0, -1
        last = self.rowAt(self.viewport().height() - 1)
        return first, count - 1 if last < 0 else last

    def selected_keys(self) -> list[str]:
        """Instruments of the selected rows, from the top."""
        rows = sorted({index.row() for index in self.selectionModel().selectedIndexes()})
        return [self._model.key_at(row) for row in rows]

    # -- Qt ----------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, mods = event.key(), event.modifiers()
        alt = mods == Qt.KeyboardModifier.AltModifier
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.currentIndex().isValid() and not event.isAutoRepeat():
                self.chosen.emit(self._model.key_at(self.currentIndex().row()))
        elif event.matches(QKeySequence.StandardKey.Paste):
            self.pasted.emit()
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            if not event.isAutoRepeat():
                self.removal_wished.emit()
        elif alt and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.move_wished.emit(-1 if key == Qt.Key.Key_Up else 1)
        elif self._begins_symbol(event):
            self.typed.emit(event.text())
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_symbol()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.PaletteChange) and (
            hasattr(self, "cells")
        ):
            self.cells.set_theme(self.font())
            self._rescale()
            self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
            self.viewport().update()

    # -- inside ------------------------------------------------------------------------------

    def _rescale(self) -> None:
        """Widths, the trader's own too, follow the font's size."""
        before, self._digits = self._digits, self._width_of_digits()
        if self._digits != before:
            header = self.horizontalHeader()
            header.setMinimumSectionSize(self.fontMetrics().horizontalAdvance("0000"))
            for number in range(header.count()):
                width = self.symbol_width if number == SYMBOL else header.sectionSize(number)
                if width:
                    header.resizeSection(number, round(width * self._digits / before))
            self._fit_symbol()

    def _on_resized(self, number: int, _before: int, width: int) -> None:
        if number == SYMBOL and not self._fitting:
            self.symbol_width = width

    def _fit_symbol(self) -> None:
        """In a narrow panel the last price is whole, and symbols are cut instead."""
        header = self.horizontalHeader()
        if self.isColumnHidden(LAST) or (
            header.visualIndex(LAST) != header.visualIndex(SYMBOL) + 1
        ):
            return
        room = self.viewport().width() - header.sectionSize(LAST)
        least = self.fontMetrics().horizontalAdvance("000000")
        self._fitting = True
        header.resizeSection(SYMBOL, min(self.symbol_width, max(room, least)))
        self._fitting = False

    def _width_of_digits(self) -> int:
        return self.fontMetrics().horizontalAdvance("0" * 20)

    def _begins_symbol(self, event: QKeyEvent) -> bool:
        text = event.text()
        shift = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
        plain = event.modifiers() & ~shift == Qt.KeyboardModifier.NoModifier
        return plain and len(text) == 1 and text.isalnum()

    def _on_clicked(self, index: object) -> None:
        self.chosen.emit(self._model.key_at(index.row()))  # type: ignore[attr-defined]
