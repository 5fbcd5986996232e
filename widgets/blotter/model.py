"""The blotter's table model: typed values, strings made once a change, filter and stable sort.

Rows live in a `Board`; the model keeps for each the values and texts of all columns and the order
in which they are shown. `take` applies what changed since the last frame: changed rows repaint,
new ones are put where they belong, and a resort happens only when `settle` is called, so that
rows never jump under a click.
"""

from __future__ import annotations

import bisect
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from core.client.board import Board
from core.client.stores import Stores
from core.model.instruments import Instrument
from core.model.tables import Column, Instant, Value
from widgets.blotter.cells import SortKey, display, full_text

Index = QModelIndex | QPersistentModelIndex
ROOT = QModelIndex()
R = TypeVar("R")
ALIGN_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
ALIGN_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


class Line(Generic[R]):
    """One row: the object, its typed values, and its texts."""

    __slots__ = ("key", "order", "row", "texts", "values")

    def __init__(self, key: str, row: R, values: list[Value], texts: list[str]) -> None:
        self.key = key
        self.row = row
        self.values = values
        self.texts = texts
        self.order: tuple[Any, ...] = ()


class BlotterModel(QAbstractTableModel, Generic[R]):
    """Rows of one board.

    Args:
        group: rows of a lower group number stay above those of a higher one.
        colour: a cell's or row's colour by meaning, or None for the usual one.
    """

    def __init__(
        self,
        stores: Stores,
        board: Board[R],
        columns: Sequence[Column[R]],
        default_sort: tuple[str, bool],
        group: Callable[[R], int],
        colour: Callable[[R, str, Value], Any],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._stores = stores
        self._board = board
        self.columns = tuple(columns)
        self._number = {column.id: n for n, column in enumerate(self.columns)}
        self._sorts: list[tuple[str, bool]] = [default_sort]
        self._group = group
        self._colour = colour
        self._cursor = 0
        self._epoch = board.epoch
        self._lines: dict[str, Line[R]] = {}
        self._shown: list[Line[R]] = []
        self._orders: list[tuple[Any, ...]] = []
        self._query = ""
        self._chips: dict[str, str] = {}
        self._visible: list[int] = list(range(len(self.columns)))
        self.unsettled = False

    # -- taking in ---------------------------------------------------------------------------

    def take(self, also: Sequence[str] = ()) -> bool:
        """Apply changes of the board (and refresh the rows `also`); True when anything changed."""
        if self._board.epoch != self._epoch:
            self._epoch = self._board.epoch
            self._cursor = 0
            self._lines.clear()
            self.rebuild()
        changed = self._board.changed_since(self._cursor)
        self._cursor = self._board.version
        if not changed and not also:
            return False
        now = time.time_ns()
        touched: set[str] = set()
        for key in dict.fromkeys((*changed, *also)):
            row = self._board.get(key)
            if row is None:
                self._remove(key)
                continue
            instrument = self._stores.instruments.get(row.instrument)  # type: ignore[attr-defined]
            if instrument is None:
                continue
            line = self._lines.get(key)
            if line is None:
                line = self._lines[key] = self._make(key, row, instrument, now)
                if self._passes(line):
                    self._insert(line)
            else:
                self._update(line, row, instrument, now)
                touched.add(key)
        self._repaint(touched)
        return True

    def _make(self, key: str, row: R, instrument: Instrument, now: int) -> Line[R]:
        values = [column.value(row, instrument) for column in self.columns]
        texts = [
            display(value, column.id, instrument, now)
            for value, column in zip(values, self.columns, strict=True)
        ]
        line = Line(key, row, values, texts)
        line.order = self._order(line)
        return line

    def _update(self, line: Line[R], row: R, instrument: Instrument, now: int) -> None:
        made = self._make(line.key, row, instrument, now)
        line.row, line.values, line.texts = made.row, made.values, made.texts
        if made.order != line.order or self._query or self._chips:
            self.unsettled = True

    def _insert(self, line: Line[R]) -> None:
        at = bisect.bisect_left(self._orders, line.order)
        self.beginInsertRows(ROOT, at, at)
        self._shown.insert(at, line)
        self._orders.insert(at, line.order)
        self.endInsertRows()

    def _remove(self, key: str) -> None:
        line = self._lines.pop(key, None)
        if line is not None and line in self._shown:
            at = self._shown.index(line)
            self.beginRemoveRows(ROOT, at, at)
            del self._shown[at], self._orders[at]
            self.endRemoveRows()

    def _repaint(self, touched: set[str]) -> None:
        if not touched:
            return
        rows = [n for n, line in enumerate(self._shown) if line.key in touched]
        if rows:
            self.dataChanged.emit(
                self.index(rows[0], 0), self.index(rows[-1], len(self.columns) - 1)
            )

    # -- order and filter --------------------------------------------------------------------

    def settle(self) -> None:
        """Sort and filter again if anything moved; call it when no pointer rests on the rows."""
        if self.unsettled:
            self.rebuild()

    def rebuild(self) -> None:
        """Filter and sort all rows; selections follow their rows."""
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        keys = [self._shown[i.row()].key if i.row() < len(self._shown) else "" for i in before]
        for line in self._lines.values():
            line.order = self._order(line)
        self._shown = sorted(
            (line for line in self._lines.values() if self._passes(line)), key=lambda x: x.order
        )
        self._orders = [line.order for line in self._shown]
        if before:
            place = {line.key: n for n, line in enumerate(self._shown)}
            after = [
                self.index(place[key], i.column()) if key in place else QModelIndex()
                for key, i in zip(keys, before, strict=True)
            ]
            self.changePersistentIndexList(before, after)
        self.unsettled = False
        self.layoutChanged.emit()

    def _order(self, line: Line[R]) -> tuple[Any, ...]:
        return (
            self._group(line.row),
            *(SortKey(line.values[self._number[name]], down) for name, down in self._sorts),
        )

    def _passes(self, line: Line[R]) -> bool:
        for name, wanted in self._chips.items():
            if line.texts[self._number[name]] != wanted:
                return False
        if not self._query:
            return True
        words = self._query.casefold().split()
        text = " ".join(line.texts[n] for n in self._visible).casefold()
        return all(word in text for word in words)

    def sort_by(self, column: str, descending: bool) -> None:
        """Sort by this column first, and by the ones chosen before after it."""
        kept = [s for s in self._sorts if s[0] != column]
        self._sorts = [(column, descending), *kept][:3]
        self.rebuild()

    @property
    def sorts(self) -> list[tuple[str, bool]]:
        """Sort columns, most important first, with True for descending."""
        return list(self._sorts)

    def set_sorts(self, sorts: Sequence[tuple[str, bool]]) -> None:
        """Take back what `sorts` gave; unknown columns are passed over."""
        known = [(name, down) for name, down in sorts if name in self._number]
        if known:
            self._sorts = known[:3]
            self.rebuild()

    def set_filter(self, query: str, chips: dict[str, str], visible: Sequence[int]) -> None:
        """Show only rows that have all words of `query` and these texts in these columns."""
        self._query = query
        self._chips = {name: text for name, text in chips.items() if name in self._number}
        self._visible = list(visible)
        self.rebuild()

    def total(self) -> int:
        """All rows, filtered out ones too."""
        return len(self._lines)

    def distinct(self, column: str) -> list[str]:
        """The different texts of a column, sorted."""
        number = self._number[column]
        return sorted({line.texts[number] for line in self._lines.values()} - {""})

    # -- reading -----------------------------------------------------------------------------

    def row_at(self, row: int) -> R:
        """The object shown in a row."""
        return self._shown[row].row

    def rows(self, shown_only: bool = True) -> list[R]:
        """The objects in the order shown, or all of them in the order they came."""
        return [line.row for line in (self._shown if shown_only else self._lines.values())]

    def find(self, key: str) -> int:
        """The row in which a key is shown, or -1."""
        return next((n for n, line in enumerate(self._shown) if line.key == key), -1)

    def rowCount(self, parent: Index = ROOT) -> int:
        """Rows that pass the filter."""
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = ROOT) -> int:
        """Columns, hidden ones too."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Titles, and what they mean."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section].title
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.columns[section].meaning or None
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        """A cell's text, colour, alignment or exact value."""
        if role == Qt.ItemDataRole.DisplayRole:
            return self._shown[index.row()].texts[index.column()]
        if role == Qt.ItemDataRole.ForegroundRole:
            line = self._shown[index.row()]
            column = index.column()
            return self._colour(line.row, self.columns[column].id, line.values[column])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            value = self._shown[index.row()].values[index.column()]
            left = isinstance(value, str | bool | Instant) or value is None
            return ALIGN_LEFT if left else ALIGN_RIGHT
        if role == Qt.ItemDataRole.ToolTipRole:
            return full_text(self._shown[index.row()].values[index.column()]) or None
        return None
