"""The blotter's rows: values and texts made when they are first needed, order and filter. No Qt.

A table of a hundred thousand rows shows forty of them: what is not looked at costs nothing but
its place.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from core.model.instruments import Instrument
from core.model.tables import Column, Instant, Value
from widgets.blotter.cells import DAY, SortKey, display, since_cut

R = TypeVar("R")
Order = tuple[Any, ...]


class Line(Generic[R]):
    """One row: the object and what is known of its cells.

    Attributes:
        number: decides between equal ones; grows with each row that comes, as a rule.
        order: where it was put; None while nobody asked.
        shown: does it stand in the table?
    """

    __slots__ = (
        "_hay",
        "_texts",
        "_values",
        "instrument",
        "key",
        "number",
        "order",
        "row",
        "shown",
    )

    def __init__(self, key: str, row: R, instrument: Instrument, number: int) -> None:
        self.key = key
        self.number = number
        self.order: Order | None = None
        self.shown = False
        self.put(row, instrument)

    def put(self, row: R, instrument: Instrument) -> None:
        """The row has a new state; texts and values are made again when asked for."""
        self.row = row
        self.instrument = instrument
        self._values: list[Value] | None = None
        self._texts: tuple[int, list[str]] | None = None
        self._hay: tuple[int, str] | None = None

    def values(self, columns: Sequence[Column[R]]) -> list[Value]:
        """All typed values."""
        if self._values is None:
            self._values = [column.value(self.row, self.instrument) for column in columns]
        return self._values

    def texts(self, columns: Sequence[Column[R]], now: int) -> list[str]:
        """All texts as they are shown; times of another day than `now` (UTC ns) with their date."""
        day = now // DAY
        if self._texts is None or self._texts[0] != day:
            texts = [
                display(value, column.id, self.instrument, now)
                for value, column in zip(self.values(columns), columns, strict=True)
            ]
            self._texts = (day, texts)
        return self._texts[1]

    def haystack(self, columns: Sequence[Column[R]], version: int) -> str:
        """The texts of these columns, casefolded; `version` tells which columns they are."""
        if self._hay is None or self._hay[0] != version:
            now = time.time_ns()
            row, instrument = self.row, self.instrument
            words = [display(c.value(row, instrument), c.id, instrument, now) for c in columns]
            self._hay = (version, " ".join(words).casefold())
        return self._hay[1]


class Sorting(Generic[R]):
    """By which columns rows are sorted; rows of a lower `group` stay above all others.

    `order_of` and `arrange` agree: one places a single row among sorted ones, the other sorts
    many at the speed of plain values.
    """

    def __init__(
        self, columns: Sequence[Column[R]], group: Callable[[R], int], first: tuple[str, bool]
    ) -> None:
        self._columns = {column.id: column for column in columns}
        self._group = group
        self.sorts: list[tuple[str, bool]] = [first]

    def put_first(self, column: str, descending: bool) -> None:
        """Sort by this column, and by the two chosen before where it is equal."""
        kept = [s for s in self.sorts if s[0] != column]
        self.sorts = [(column, descending), *kept][:3]

    def order_of(self, line: Line[R]) -> Order:
        """A line's place, remembered until `arrange` or `forget`."""
        if line.order is None:
            line.order = self.order_now(line)
        return line.order

    def order_now(self, line: Line[R]) -> Order:
        """The place that the line's values of this moment ask for."""
        row, instrument = line.row, line.instrument
        return (
            self._group(row),
            *(SortKey(self._columns[n].value(row, instrument), down) for n, down in self.sorts),
            -line.number if self.sorts[0][1] else line.number,
        )

    def arrange(self, lines: Iterable[Line[R]]) -> list[Line[R]]:
        """The lines in order."""
        newest_first = self.sorts[0][1]
        found = sorted(lines, key=lambda line: line.number, reverse=newest_first)
        for line in found:
            line.order = None
        for name, down in reversed(self.sorts):
            value = self._columns[name].value
            some: list[tuple[Any, Line[R]]] = []
            none: list[Line[R]] = []
            for line in found:
                cell = value(line.row, line.instrument)
                if cell is None:
                    none.append(line)
                else:
                    some.append((cell.casefold() if isinstance(cell, str) else cell, line))
            some.sort(key=_first, reverse=down)
            found = [line for _, line in some] + none
        found.sort(key=lambda line: self._group(line.row))
        return found


class Filter(Generic[R]):
    """Which rows are shown: all words anywhere in the visible columns, and each chip."""

    def __init__(self, columns: Sequence[Column[R]]) -> None:
        self._all = {column.id: column for column in columns}
        self._columns: tuple[Column[R], ...] = tuple(columns)
        self._version = 0
        self._words: list[str] = []
        self._chips: list[tuple[Column[R], str, int | None]] = []

    def set(self, query: str, chips: Mapping[str, str], visible: Sequence[Column[R]]) -> None:
        """Words, texts by column, and the columns in which words are looked for."""
        self._words = query.casefold().split()
        self._chips = [
            (self._all[name], text, since_cut(text))
            for name, text in chips.items()
            if name in self._all
        ]
        if tuple(visible) != self._columns:
            self._columns = tuple(visible)
            self._version += 1

    @property
    def active(self) -> bool:
        """Is anything left out?"""
        return bool(self._words or self._chips)

    def passes(self, line: Line[R]) -> bool:
        """Is this row shown?"""
        for column, text, cut in self._chips:
            value = column.value(line.row, line.instrument)
            if cut is not None and isinstance(value, Instant):
                if value < cut:
                    return False
            elif display(value, column.id, line.instrument) != text:
                return False
        if not self._words:
            return True
        hay = line.haystack(self._columns, self._version)
        return all(word in hay for word in self._words)


def _first(pair: tuple[Any, Any]) -> Any:
    return pair[0]
