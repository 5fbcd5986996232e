"""A recording's events as columns: small in memory, sought in no time, messages made on demand."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.model.enums import MarketStatus
from core.model.market import BookUpdate, MarketData, Quote, StatusUpdate, Trade
from core.venues.replay.problems import Problems

QUOTE, TRADE, BOOK, STATUS = 1, 2, 3, 4
OFF_BOOK = 1 << 8
"""Added to a trade's aggressor: printed off the order book, so it fills nobody who rests there."""

MAX_TICKS = (1 << 31) - 2
MAX_LOTS = 1 << 50

Ints = NDArray[np.int64]
Levels = list[tuple[int, int, int]]
_STATUSES = list(MarketStatus)


class Knowledge(Enum):
    """What a recording tells of an instrument's book."""

    FULL = "full"
    """Every level: one that is not there is empty."""
    SEEN = "seen"
    """Every change but not the start: a level is known once it has changed."""
    TOP = "top"
    """The best levels at most: what lies behind them is never known."""


class Event(NamedTuple):
    """One event at its moment; `off_book` trades were printed away from the order book."""

    at: int
    instrument: int
    message: MarketData
    off_book: bool


class EventLog:
    """Events in order, prices in ticks and quantities in lots.

    `at` is when an event reached the recorder, never going back; `ts` the venue's own time.
    """

    def __init__(self, ids: Sequence[str], columns: dict[str, Any], texts: list[str]) -> None:
        self.ids = tuple(ids)
        self.at: Ints = columns["at"]
        self.ts: Ints = columns["ts"]
        self.kind: NDArray[np.uint8] = columns["kind"]
        self.owner: NDArray[np.uint16] = columns["owner"]
        self.values: tuple[Ints, Ints, Ints, Ints] = columns["values"]
        self.levels: tuple[NDArray[np.int8], Ints, Ints] = columns["levels"]
        self.texts = texts
        self._trades = [self._rows(TRADE, index) for index in range(len(self.ids))]
        self._quotes = [self._rows(QUOTE, index) for index in range(len(self.ids))]
        self._books = [self._rows(BOOK, index) for index in range(len(self.ids))]
        self._statuses = [self._rows(STATUS, index) for index in range(len(self.ids))]

    def __len__(self) -> int:
        return len(self.at)

    @property
    def nbytes(self) -> int:
        """Memory of the columns."""
        columns = (self.at, self.ts, self.kind, self.owner, *self.values, *self.levels)
        return sum(column.nbytes for column in columns)

    def events(self, start: int, stop: int) -> list[Event]:
        """Events `start` to `stop` (excluded) as messages."""
        first, second, third, fourth = (column[start:stop].tolist() for column in self.values)
        rows = zip(
            self.at[start:stop].tolist(),
            self.ts[start:stop].tolist(),
            self.kind[start:stop].tolist(),
            self.owner[start:stop].tolist(),
            first,
            second,
            third,
            fourth,
            strict=True,
        )
        return [self._event(*row) for row in rows]

    def index_at(self, ts: int) -> int:
        """How many events had happened by `ts`."""
        return int(np.searchsorted(self.at, ts, side="right"))

    def trades_before(self, instrument: int, index: int) -> tuple[Ints, Ints, Ints, Ints]:
        """Time, price, quantity and aggressor of an instrument's trades before event `index`."""
        rows = self._before(self._trades[instrument], index)
        price, qty, aggressor, _ = self.values
        return self.ts[rows], price[rows], qty[rows], aggressor[rows] & (OFF_BOOK - 1)

    def next_trade(self, index: int, instrument: str = "") -> int | None:
        """When the first trade of an instrument (empty: of any) at or after event `index` is."""
        found = []
        for name, rows in zip(self.ids, self._trades, strict=True):
            later = int(np.searchsorted(rows, index))
            if instrument in ("", name) and later < len(rows):
                found.append(int(self.at[rows[later]]))
        return min(found, default=None)

    def last_quote(self, instrument: int, index: int) -> Quote | None:
        """The newest quote before event `index`."""
        found = self._newest(self._quotes[instrument], index)
        return found if isinstance(found, Quote) else None

    def last_status(self, instrument: int, index: int) -> StatusUpdate | None:
        """The newest status before event `index`."""
        found = self._newest(self._statuses[instrument], index)
        return found if isinstance(found, StatusUpdate) else None

    def book_time(self, instrument: int, index: int) -> int:
        """The venue's time of the newest book change before event `index`; 0 when none was."""
        rows = self._before(self._books[instrument], index)
        return int(self.ts[rows[-1]]) if len(rows) else 0

    def book_changes(self, start: int, stop: int) -> Iterator[tuple[int, int, bool, Levels]]:
        """``(event, instrument, snapshot, levels)`` of the book changes in a range of events."""
        side, price, qty = self.levels
        begins, counts, snapshots, _ = self.values
        rows = np.flatnonzero(self.kind[start:stop] == BOOK) + start
        for row in rows.tolist():
            begin = int(begins[row])
            end = begin + int(counts[row])
            levels = list(
                zip(
                    side[begin:end].tolist(),
                    price[begin:end].tolist(),
                    qty[begin:end].tolist(),
                    strict=True,
                )
            )
            yield row, int(self.owner[row]), bool(snapshots[row]), levels

    def _event(
        self, at: int, ts: int, kind: int, owner: int, a: int, b: int, c: int, d: int
    ) -> Event:
        name = self.ids[owner]
        if kind == QUOTE:
            return Event(at, owner, Quote(name, ts, at, a, b, c, d), False)
        if kind == TRADE:
            text = "" if d == 0 else str(d) if d > 0 else self.texts[-d - 1]
            trade = Trade(name, ts, at, a, b, c & (OFF_BOOK - 1), text)
            return Event(at, owner, trade, c >= OFF_BOOK)
        if kind == BOOK:
            side, price, qty = (column[a : a + b].tolist() for column in self.levels)
            levels = list(zip(side, price, qty, strict=True))
            return Event(at, owner, BookUpdate(name, ts, at, levels, bool(c)), False)
        text = self.texts[-d - 1] if d else ""
        return Event(at, owner, StatusUpdate(name, ts, at, _STATUSES[a], text), False)

    def steady_books(self) -> None:
        """Where a book is put together from several streams, its time never goes back."""
        for rows in self._books:
            self.ts[rows] = np.maximum.accumulate(self.ts[rows])

    def _rows(self, kind: int, instrument: int) -> Ints:
        return np.flatnonzero((self.kind == kind) & (self.owner == instrument))

    def _before(self, rows: Ints, index: int) -> Ints:
        return rows[: int(np.searchsorted(rows, index))]

    def _newest(self, rows: Ints, index: int) -> MarketData | None:
        before = self._before(rows, index)
        if not len(before):
            return None
        row = int(before[-1])
        return self.events(row, row + 1)[0].message


class LogBuilder:
    """Collects events while a file is read, in the file's own units of price and quantity.

    Set `line` before adding: it names the place of an event that proves unusable at the end.
    """

    def __init__(self, file: str, problems: Problems) -> None:
        self.file = file
        self.line = 0
        self.rounded = 0
        self.names: list[str] = []
        self._problems = problems
        self._index: dict[str, int] = {}
        self._lines = array("q")
        self._at = array("q")
        self._ts = array("q")
        self._kind = array("B")
        self._owner = array("H")
        self._values = (array("q"), array("q"), array("q"), array("q"))
        self._levels = (array("b"), array("q"), array("q"))
        self._texts: list[str] = []

    def __len__(self) -> int:
        return len(self._at)

    def instrument(self, name: str) -> int:
        """The number of an instrument, made when it is new."""
        found = self._index.get(name)
        if found is None:
            found = self._index[name] = len(self.names)
            self.names.append(name)
        return found

    def quote(
        self, at: int, ts: int, owner: int, bid: int, bid_qty: int, ask: int, ask_qty: int
    ) -> None:
        """Add a quote."""
        self._add(at, ts, QUOTE, owner, bid, bid_qty, ask, ask_qty)

    def trade(
        self, at: int, ts: int, owner: int, price: int, qty: int, aggressor: int, number: int = 0
    ) -> None:
        """Add a trade; `number` is its id (0: none, negative: a text put aside by `text`)."""
        self._add(at, ts, TRADE, owner, price, qty, aggressor, number)

    def book(self, at: int, ts: int, owner: int, levels: Levels, snapshot: bool = False) -> None:
        """Add changed levels."""
        sides, prices, sizes = self._levels
        begin = len(sides)
        for side, price, qty in levels:
            sides.append(side)
            prices.append(price)
            sizes.append(qty)
        self._add(at, ts, BOOK, owner, begin, len(levels), int(snapshot), 0)

    def status(self, at: int, ts: int, owner: int, status: MarketStatus, text: str = "") -> None:
        """Add a change of an instrument's status."""
        number = self.text(text) if text else 0
        self._add(at, ts, STATUS, owner, _STATUSES.index(status), 0, 0, number)

    def text(self, text: str) -> int:
        """Put a text aside; returns the negative number that stands for it."""
        self._texts.append(text)
        return -len(self._texts)

    def common(self, owner: int) -> tuple[int, int]:
        """Greatest common divisors of an instrument's prices and quantities (0: there are none).

        Odd remainders of a few old resting orders do not make the lot: when all but one in a
        thousand of the levels fit the lot of the trades and quotes, that is it.
        """
        kind, values, levels = self._numpy()
        mine = np.array(self._owner, np.uint16) == owner
        quotes, trades = (mine & (kind == what) for what in (QUOTE, TRADE))
        of_levels = np.repeat(mine[kind == BOOK], values[1][kind == BOOK])
        prices = [values[0][quotes], values[2][quotes], values[0][trades], levels[1][of_levels]]
        sizes = [values[1][quotes], values[3][quotes], values[1][trades]]
        resting = levels[2][of_levels]
        price = int(np.gcd.reduce(np.concatenate(prices)))
        lot = int(np.gcd.reduce(np.concatenate(sizes)))
        if not lot or np.count_nonzero(resting % lot) * 1000 > len(resting):
            lot = int(np.gcd.reduce(np.append(resting, lot)))
        return price, lot

    def finish(
        self, ids: Sequence[str], divisors: Sequence[tuple[int, int]], shift: int = 0
    ) -> EventLog:
        """The log: prices and quantities of each instrument divided by its two divisors.

        `shift` is added to all arrival times. A venue time of 0 becomes the arrival time. Events
        whose numbers are too large for a tick or lot count are left out and reported. Sizes of
        levels are rounded down to whole lots; `rounded` counts those that were not.
        """
        kind, values, levels = self._numpy()
        owners = np.array(self._owner, np.uint16)
        of = np.array(divisors, np.int64).reshape(-1, 2)
        by_price, by_qty = (of[owners.astype(np.intp), column] for column in (0, 1))
        is_quote, is_trade, is_book = (kind == what for what in (QUOTE, TRADE, BOOK))
        for column, step in zip(values, (by_price, by_qty, by_price, by_qty), strict=True):
            column[is_quote] //= step[is_quote]
        values[0][is_trade] //= by_price[is_trade]
        values[1][is_trade] //= by_qty[is_trade]
        counts = values[1][is_book]
        side, price, qty = levels
        price //= np.repeat(by_price[is_book], counts)
        lots = np.repeat(by_qty[is_book], counts)
        self.rounded = int(np.count_nonzero(qty % lots))
        qty //= lots

        good = np.ones(len(kind), bool)
        for index, limit in enumerate((MAX_TICKS, MAX_LOTS, MAX_TICKS, MAX_LOTS)):
            good &= ~(is_quote & (values[index] > limit))
        good &= ~(is_trade & ((values[0] > MAX_TICKS) | (values[1] > MAX_LOTS)))
        wrong = (price > MAX_TICKS) | (qty > MAX_LOTS)
        if wrong.any():
            good[np.repeat(np.flatnonzero(is_book), counts)[wrong]] = False
        for row in np.flatnonzero(~good).tolist():
            self._problems.add(
                self.file,
                self._lines[row],
                "a price or quantity is absurdly large beside the others; the line is left out",
            )
        at = np.array(self._at, np.int64) + shift
        ts = np.array(self._ts, np.int64)
        ts = np.where(ts == 0, at, ts)
        columns = {
            "at": at[good],
            "ts": ts[good],
            "kind": kind[good],
            "owner": owners[good],
            "values": tuple(column[good] for column in values),
            "levels": (side, price, qty),
        }
        return EventLog(ids, columns, self._texts)

    def _add(self, at: int, ts: int, kind: int, owner: int, a: int, b: int, c: int, d: int) -> None:
        self._lines.append(self.line)
        self._at.append(at)
        self._ts.append(ts)
        self._kind.append(kind)
        self._owner.append(owner)
        first, second, third, fourth = self._values
        first.append(a)
        second.append(b)
        third.append(c)
        fourth.append(d)

    def _numpy(self) -> tuple[NDArray[np.uint8], tuple[Ints, ...], tuple[Any, Ints, Ints]]:
        sides, prices, sizes = self._levels
        return (
            np.array(self._kind, np.uint8),
            tuple(np.array(column, np.int64) for column in self._values),
            (np.array(sides, np.int8), np.array(prices, np.int64), np.array(sizes, np.int64)),
        )
