"""The blotter's table model: what changed since the last frame, applied at the cost of the change.

Rows live in a `Board`. `take` repaints changed rows in their place and puts new ones where they
belong; a row that now belongs elsewhere moves only when `settle` is called, so that rows never
jump under a click. While `held`, even new rows wait at the end of the table.
"""

from __future__ import annotations

import bisect
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from core.client.board import Board
from core.client.stores import Stores
from core.model.instruments import Instrument
from core.model.tables import NO_INSTRUMENT, Column, Instant, Value
from widgets.blotter.cells import display, full_text
from widgets.blotter.rows import Filter, Line, Sorting

Index = QModelIndex | QPersistentModelIndex
ROOT = QModelIndex()
R = TypeVar("R")
ALIGN_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
ALIGN_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

SLICE_SECONDS = 0.004
"""Longest that one `take` works on a backlog or a long search; the rest waits a frame."""

AT_ONCE = 4_000
"""Up to so many rows are filtered at once; more in slices."""

ONE_BY_ONE = 100
"""Up to so many rows find new places one by one; beyond that everything is sorted again."""


class BlotterModel(QAbstractTableModel, Generic[R]):
    """Rows of one board.

    Args:
        group: rows of a lower group number stay above those of a higher one.
        colour: a cell's or row's colour by meaning, or None for the usual one.
        number: a key's and row's place among equal ones; by default that in which they came.

    Attributes:
        board: the rows, newest states.
        held: True while the pointer rests on the rows: nothing above the end of the table moves.
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
        number: Callable[[str, R], int] | None = None,
    ) -> None:
        super().__init__(parent)
        self._stores = stores
        self._number = number
        self.board = board
        self.columns = tuple(columns)
        self._colour = colour
        self._sorting: Sorting[R] = Sorting(self.columns, group, default_sort)
        self._filter: Filter[R] = Filter(self.columns)
        self._more: Mapping[str, Instrument] = {}
        self._day: int | None = None
        self._cursor = 0
        self._epoch = board.epoch
        self._lines: dict[str, Line[R]] = {}
        self._count = 0
        self._pending: dict[str, None] = {}
        self._homeless: set[str] = set()
        self._instruments = (-1, -1)
        self._shown: list[Line[R]] = []
        self._collected: list[Line[R]] = []
        self._placed = 0  # how many of the shown are in order; the rest wait at the end
        self._moved: dict[str, Line[R]] = {}
        self._search: Iterator[Line[R]] | None = None
        self.held = False

    # -- taking in ---------------------------------------------------------------------------

    def take(self, also: Sequence[str] = ()) -> bool:
        """Apply changes of the board and refresh the rows `also`; True when anything changed.

        A large backlog is taken in slices; call it once a frame.
        """
        self._look()
        for key in also:
            if key in self._lines:
                self._pending[key] = None
        if not self._pending and self._search is None:
            return False
        until = time.perf_counter() + SLICE_SECONDS
        new: list[Line[R]] = []
        touched: list[Line[R]] = []
        for number, key in enumerate(list(self._pending)):
            del self._pending[key]
            self._take_row(key, new, touched)
            if number % 64 == 63 and time.perf_counter() > until:
                break
        self._repaint(touched)
        self._add(new)
        self._go_on(until + SLICE_SECONDS)
        return True

    def _look(self) -> None:
        board, instruments = self.board, self._stores.instruments
        if board.epoch != self._epoch:
            self._epoch = board.epoch
            self._forget()
        if board.version != self._cursor:
            for key in board.changed_since(self._cursor):
                self._pending[key] = None
            if self._cursor < board.forgotten:
                self._pending.update((key, None) for key in self._lines if key not in board)
            self._cursor = board.version
        version = (instruments.epoch, instruments.version)
        if version != self._instruments:
            self._instruments = version
            self._pending.update(dict.fromkeys(self._homeless))
            self._homeless.clear()

    def use(self, board: Board[R], more: Mapping[str, Instrument], day: int | None) -> None:
        """Show another board from now on; `more` are instruments that the stores may not know.

        Times of the `day` (its first UTC ns) are shown without their date, None: of today.
        """
        self.board, self._more, self._day = board, more, day
        self._epoch = board.epoch
        self._forget()

    def _forget(self) -> None:
        self._cursor = 0
        self._pending.clear()
        self._homeless.clear()
        self._lines.clear()
        self.rebuild()

    def _take_row(self, key: str, new: list[Line[R]], touched: list[Line[R]]) -> None:
        row = self.board.get(key)
        if row is None:
            self._remove(key)
            return
        name = row.instrument  # type: ignore[attr-defined]
        instrument = self._stores.instruments.get(name) if name else NO_INSTRUMENT
        instrument = instrument or self._more.get(name)
        line = self._lines.get(key)
        if instrument is None:
            self._homeless.add(key)
        elif line is None:
            self._count += 1
            number = self._count if self._number is None else self._number(key, row)
            line = self._lines[key] = Line(key, row, instrument, number)
            if self._filter.passes(line):
                new.append(line)
        else:
            before = self._sorting.order_of(line)
            line.put(row, instrument)
            touched.append(line)
            if self._sorting.order_now(line) != before or self._filter.active:
                self._moved[key] = line

    def _add(self, new: list[Line[R]]) -> None:
        new = [*(x for x in self._collected if self._lines.get(x.key) is x), *new]
        self._collected = []
        if not new:
            return
        if self.held or self._search is not None:
            self._insert(len(self._shown), new, placed=False)
            return
        new.sort(key=self._sorting.order_of)
        places = [self._place(line) for line in new]
        if len(set(places)) > ONE_BY_ONE:
            if self._pending:
                self._collected = new  # the rest of the backlog comes first, then one sort
            else:
                moved = dict(self._moved)
                self._show([*self._shown, *new])
                self._moved = moved  # who passes the filter only now is not among these
            return
        # from the end on, so that places found before stay right
        end = len(new)
        while end:
            start = end - 1
            while start and places[start - 1] == places[start]:
                start -= 1
            self._insert(places[start], new[start:end], placed=True)
            end = start

    def _insert(self, at: int, lines: list[Line[R]], placed: bool) -> None:
        self.beginInsertRows(ROOT, at, at + len(lines) - 1)
        self._shown[at:at] = lines
        self._placed += len(lines) if placed else 0
        for line in lines:
            line.shown = True
        self.endInsertRows()

    def _remove(self, key: str) -> None:
        self._homeless.discard(key)
        self._moved.pop(key, None)
        line = self._lines.get(key)
        if line is not None:
            self._hide(line)
            del self._lines[key]

    def _hide(self, line: Line[R]) -> None:
        at = self._row_of(line)
        if at >= 0:
            self.beginRemoveRows(ROOT, at, at)
            del self._shown[at]
            self._placed -= at < self._placed
            line.shown = False
            self.endRemoveRows()

    def _place(self, line: Line[R]) -> int:
        order = self._sorting.order_of
        return bisect.bisect_left(self._shown, order(line), hi=self._placed, key=order)

    def _row_of(self, line: Line[R]) -> int:
        """The row in which a line is shown, or -1."""
        if not line.shown:
            return -1
        at = self._place(line)
        if at < self._placed and self._shown[at] is line:
            return at
        for at in range(len(self._shown) - 1, self._placed - 1, -1):
            if self._shown[at] is line:
                return at
        # values of the moment may have made its remembered place wrong
        return next((n for n, shown in enumerate(self._shown) if shown is line), -1)

    def _repaint(self, touched: list[Line[R]]) -> None:
        rows = [row for line in touched if (row := self._row_of(line)) >= 0]
        if rows:
            last = len(self.columns) - 1
            self.dataChanged.emit(self.index(min(rows), 0), self.index(max(rows), last))

    # -- order and filter --------------------------------------------------------------------

    @property
    def unsettled(self) -> bool:
        """Does any row stand where it no longer belongs?"""
        return bool(self._moved) or (self._search is None and self._placed < len(self._shown))

    @property
    def searching(self) -> bool:
        """Is the filter still at work on the rows?"""
        return self._search is not None

    def settle(self) -> None:
        """Put every row where it belongs; call it when no pointer rests on the rows."""
        if self._collected:
            return
        waiting = self._shown[self._placed :] if self._search is None else []
        moved = [line for line in self._moved.values() if self._out_of_place(line)] + waiting
        self._moved = {}
        if len(moved) > ONE_BY_ONE:
            self.rebuild()
            return
        for line in dict.fromkeys(moved):
            self._settle(line)

    def _out_of_place(self, line: Line[R]) -> bool:
        passes = self._filter.passes(line)
        if not (passes and line.shown):
            return passes is not line.shown
        return self._sorting.order_now(line) != self._sorting.order_of(line)

    def _settle(self, line: Line[R]) -> None:
        at = self._row_of(line)
        if not self._filter.passes(line):
            if at >= 0:
                self._hide(line)
            line.order = None
            return
        was_placed = 0 <= at < self._placed
        if was_placed:
            # its neighbours decide, without itself among them
            line.order = self._sorting.order_now(line)
            order = self._sorting.order_of
            above = at == 0 or order(self._shown[at - 1]) < line.order
            below = at + 1 >= self._placed or line.order < order(self._shown[at + 1])
            if above and below:
                return
            self._placed -= 1
            del self._shown[at]
            to = self._place(line)
            self._shown.insert(at, line)
            self._placed += 1
        else:
            line.order = None
            to = self._place(line)
            if at < 0:
                self._insert(to, [line], placed=True)
                return
            self._placed += 1
        if to != at:
            self.beginMoveRows(ROOT, at, at, ROOT, to + 1 if to > at else to)
            del self._shown[at]
            self._shown.insert(to, line)
            self.endMoveRows()

    def rebuild(self) -> None:
        """Filter and sort all rows; selections follow their rows."""
        self._collected = []
        lines = self._lines.values()
        if not self._filter.active or len(lines) <= AT_ONCE:
            self._search = None
            self._show([line for line in lines if self._filter.passes(line)])
            return
        self._show([])
        self._search = iter(self._sorting.arrange(lines))
        self._go_on(time.perf_counter() + 4 * SLICE_SECONDS)

    def _show(self, lines: list[Line[R]]) -> None:
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        keys = [self._shown[i.row()].key if i.row() < len(self._shown) else "" for i in before]
        for line in self._shown:
            line.shown = False
        self._shown = self._sorting.arrange(lines)
        for line in self._shown:
            line.shown = True
        self._placed = len(self._shown)
        self._moved.clear()
        if before:
            place = {line.key: n for n, line in enumerate(self._shown)}
            after = [
                self.index(place[key], i.column()) if key in place else QModelIndex()
                for key, i in zip(keys, before, strict=True)
            ]
            self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _go_on(self, until: float) -> None:
        """Search on for rows that pass the filter, as long as the time lasts."""
        if self._search is None:
            return
        found: list[Line[R]] = []
        for number, line in enumerate(self._search):
            if self._lines.get(line.key) is line and self._filter.passes(line):
                found.append(line)
            if number % 16 == 15 and time.perf_counter() > until:
                break
        else:
            self._search = None
        if found:
            self._insert(self._placed, found, placed=True)

    def sort_by(self, column: str, descending: bool) -> None:
        """Sort by this column first, and by the ones chosen before after it."""
        self._sorting.put_first(column, descending)
        self.rebuild()

    @property
    def sorts(self) -> list[tuple[str, bool]]:
        """Sort columns, most important first, with True for descending."""
        return list(self._sorting.sorts)

    def set_sorts(self, sorts: Sequence[tuple[str, bool]]) -> None:
        """Take back what `sorts` gave; unknown columns are passed over."""
        names = {column.id for column in self.columns}
        known = [(name, down) for name, down in sorts if name in names]
        if known:
            self._sorting.sorts = known[:3]
            self.rebuild()

    def set_filter(self, query: str, chips: dict[str, str], visible: Sequence[int]) -> None:
        """Show only rows that have all words of `query` and these texts in these columns."""
        was = self._filter.active
        self._filter.set(query, chips, [self.columns[n] for n in visible])
        if was or self._filter.active:
            self.rebuild()

    def total(self) -> int:
        """All rows, filtered out ones too."""
        return len(self._lines)

    def waiting(self) -> int:
        """Rows that wait at the end for the pointer to leave."""
        return 0 if self._search is not None else len(self._shown) - self._placed

    def distinct(self, column: str) -> list[str]:
        """The different texts of a column, sorted."""
        chosen = next(c for c in self.columns if c.id == column)
        found: dict[Value, Line[R]] = {}
        for line in self._lines.values():
            found.setdefault(chosen.value(line.row, line.instrument), line)
        texts = {display(value, column, line.instrument) for value, line in found.items()}
        return sorted(texts - {""})

    # -- reading -----------------------------------------------------------------------------

    def row_at(self, row: int) -> R:
        """The object shown in a row."""
        return self._shown[row].row

    def line_at(self, row: int) -> Line[R]:
        """A row with its place and cells."""
        return self._shown[row]

    def rows(self, shown_only: bool = True) -> list[R]:
        """The objects in the order shown, or all of them in the order they came."""
        return [line.row for line in (self._shown if shown_only else self._lines.values())]

    def find(self, key: str) -> int:
        """The row in which a key is shown, or -1."""
        line = self._lines.get(key)
        return -1 if line is None else self._row_of(line)

    def rowCount(self, parent: Index = ROOT) -> int:
        """Rows that pass the filter."""
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = ROOT) -> int:
        """Columns, hidden ones too."""
        return 0 if parent.isValid() else len(self.columns)

    def _now(self) -> int:
        """The engine's time (UTC ns): the day of a replay is that of its recording."""
        return self._day or self._stores.engine.replay_ts or time.time_ns()

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
        if role not in _ROLES or not index.isValid():
            return None
        line = self._shown[index.row()]
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return line.texts(self.columns, self._now())[column]
        value = line.values(self.columns)[column]
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._colour(line.row, self.columns[column].id, value)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            left = isinstance(value, str | bool | Instant) or value is None
            return ALIGN_LEFT if left else ALIGN_RIGHT
        return full_text(value) or None


_ROLES = frozenset(
    {
        int(Qt.ItemDataRole.DisplayRole),
        int(Qt.ItemDataRole.ForegroundRole),
        int(Qt.ItemDataRole.TextAlignmentRole),
        int(Qt.ItemDataRole.ToolTipRole),
    }
)
