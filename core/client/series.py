"""Columns that grow: bars, trades, depth, as numpy arrays ready for drawing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.model.session import BarsView, DepthView, TapeView

Ints = NDArray[np.int64]

BAR_COLUMNS = ("ts", "open", "high", "low", "close", "volume", "buy_volume", "notional")
TAPE_COLUMNS = ("ts", "price", "qty", "aggressor")


class Columns:
    """Named numpy columns of one length that grow by doubling, at both ends.

    Attributes:
        version: grows with each change.
        length: number of rows.
    """

    def __init__(self, names: tuple[str, ...], capacity: int = 1024) -> None:
        self.names = names
        self.length = 0
        self.version = 0
        self._begin = 0  # free rows before the first one
        self._data = {name: np.zeros(capacity, np.int64) for name in names}

    def write(self, start: int, columns: Mapping[str, NDArray[Any]]) -> None:
        """Put rows from index `start` on; rows that stood from there are replaced.

        Raises:
            ValueError: when `start` would leave a hole.
        """
        if not 0 <= start <= self.length:
            raise ValueError(f"row {start} does not follow the {self.length} rows known")
        count = len(columns[self.names[0]])
        self._reserve(start + count)
        begin = self._begin + start
        for name in self.names:
            self._data[name][begin : begin + count] = columns[name]
        self.length = start + count
        self.version += 1

    def prepend(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Put rows before the first one."""
        count = len(columns[self.names[0]])
        if count > self._begin:
            free = max(count, self.length)
            capacity = free + len(self._data[self.names[0]]) - self._begin
            self._move(capacity, free)
        self._begin -= count
        for name in self.names:
            self._data[name][self._begin : self._begin + count] = columns[name]
        self.length += count
        self.version += 1

    def keep_last(self, rows: int) -> None:
        """Forget all but the last `rows` rows."""
        if self.length > rows:
            last = self._begin + self.length
            for name in self.names:
                self._data[name][:rows] = self._data[name][last - rows : last]
            self._begin = 0
            self.length = rows
            self.version += 1

    def clear(self) -> None:
        """Forget all rows."""
        self.length = 0
        self.version += 1

    def __getitem__(self, name: str) -> Ints:
        """A view (not a copy) of one column; valid until the next write."""
        return self._data[name][self._begin : self._begin + self.length]

    def __len__(self) -> int:
        return self.length

    def _reserve(self, rows: int) -> None:
        capacity = len(self._data[self.names[0]])
        if self._begin + rows > capacity:
            self._move(max(self._begin + rows, capacity * 2), self._begin)

    def _move(self, capacity: int, begin: int) -> None:
        """Into larger arrays, with so many free rows before the first one."""
        for name in self.names:
            grown = np.empty(capacity, np.int64)
            grown[begin : begin + self.length] = self[name]
            self._data[name] = grown
        self._begin = begin


class Bars(Columns):
    """Bars of one instrument and interval in ticks and lots; the last one is still forming.

    `ts` is each bar's start in UTC nanoseconds; `notional` the sum of price x quantity. Columns:
    `BAR_COLUMNS`.

    Attributes:
        first: the engine's number of row 0: so many older bars the engine has for whoever asks
            (`core.model.session.OlderBars`).
        epoch: grows when all that was known was replaced, so that numbers mean other bars.
        gaps: stretches (UTC ns, ascending) of which the engine knows nothing although the market
            was open; a bar that a gap lies within tells of the rest of its time.
    """

    def __init__(self) -> None:
        super().__init__(BAR_COLUMNS)
        self.first = 0
        self.epoch = 0
        self.gaps: tuple[tuple[int, int], ...] = ()

    def take(self, view: BarsView) -> None:
        """Apply what the engine sent.

        Raises:
            ValueError: when it would leave a hole.
        """
        columns = {n: np.frombuffer(getattr(view, n), "<i8") for n in BAR_COLUMNS}
        if view.fresh:
            self.clear()
            self.first = view.start
            self.epoch += 1
        if view.gaps is not None:
            self.gaps = view.gaps
        if view.start >= self.first:
            self.write(view.start - self.first, columns)
            return
        end = view.start + len(columns["ts"])
        if end != self.first:
            raise ValueError(f"bars {view.start} to {end} do not lead up to bar {self.first}")
        self.prepend(columns)
        self.first = view.start


class Tape(Columns):
    """The last trades of one instrument. `first` numbers row 0 since the engine began; `lost`
    counts trades that this client was too slow to be sent. Columns: `TAPE_COLUMNS`.
    """

    KEEP = 20_000

    def __init__(self) -> None:
        super().__init__(TAPE_COLUMNS)
        self.first = 0
        self.lost = 0

    def take(self, view: TapeView) -> None:
        """Apply what the engine sent."""
        columns: dict[str, NDArray[Any]] = {
            n: np.frombuffer(getattr(view, n), "<i8") for n in TAPE_COLUMNS[:3]
        }
        columns["aggressor"] = np.frombuffer(view.aggressor, np.int8)
        self.lost += view.lost
        known = max(0, self.first + self.length - view.first)  # rows that are sent once more
        self.write(max(0, self.length - known), columns)
        if self.length > 2 * self.KEEP:
            self.keep_last(self.KEEP)
        self.first = view.first + len(columns["ts"]) - self.length


class Depth:
    """The newest price levels of one instrument, best first, in ticks and lots."""

    __slots__ = ("ask_price", "ask_qty", "bid_price", "bid_qty", "ts", "version")

    def __init__(self) -> None:
        empty = np.zeros(0, np.int64)
        self.bid_price: Ints = empty
        self.bid_qty: Ints = empty
        self.ask_price: Ints = empty
        self.ask_qty: Ints = empty
        self.ts = 0
        self.version = 0

    def take(self, view: DepthView) -> None:
        """Apply what the engine sent."""
        self.bid_price = np.frombuffer(view.bid_price, "<i8")
        self.bid_qty = np.frombuffer(view.bid_qty, "<i8")
        self.ask_price = np.frombuffer(view.ask_price, "<i8")
        self.ask_qty = np.frombuffer(view.ask_qty, "<i8")
        self.ts = view.ts
        self.version += 1
