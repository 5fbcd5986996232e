"""The watchlist's table model: cheap for rows that nobody looks at.

`take` marks what changed, `show` makes the texts of the rows in view and tells the view about
them in one signal. Sorting happens in `sort_now`, which the panel calls on a timer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QByteArray,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

from core.client.stores import Stores
from core.model.enums import Mode
from widgets.clock import Clock
from widgets.freshness import stale_after
from widgets.watchlist.quotes import AGE, COLUMNS, SYMBOL, Quote, ordered

Index = QModelIndex | QPersistentModelIndex
ROOT = QModelIndex()
MIME = "application/x-outcry-watchlist-rows"
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_ROW_FLAGS = (
    Qt.ItemFlag.ItemIsEnabled
    | Qt.ItemFlag.ItemIsSelectable
    | Qt.ItemFlag.ItemIsDragEnabled
    | Qt.ItemFlag.ItemNeverHasChildren
)
_AGE_EVERY = 1_000_000_000


class WatchlistModel(QAbstractTableModel):
    """Quotes of the ids of one list.

    Attributes:
        sort: column and whether descending, or None for the trader's own order.
        unsettled: rows would stand elsewhere if they were sorted now.
        flash: do changed cells flash?

    Signals:
        reordered(): the trader put rows in another order.
    """

    reordered = Signal()

    def __init__(self, stores: Stores, clock: Clock, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stores = stores
        self._clock = clock
        self._quotes: dict[str, Quote] = {}
        self._ids: list[str] = []
        self._shown: list[Quote] = []
        self._rows: dict[str, int] = {}
        self._cursor = 0
        self._epoch = -1
        self._limits = -1
        self._aged = 0
        self._account = ""
        self.sort: tuple[int, bool] | None = None
        self.unsettled = False
        self.flash = True

    # -- what is listed ----------------------------------------------------------------------

    @property
    def ids(self) -> list[str]:
        """The list in the trader's own order, unknown instruments included."""
        return list(self._ids)

    def set_ids(self, ids: Sequence[str]) -> None:
        """List these instruments."""
        self._ids = list(dict.fromkeys(ids))
        self._rebuild()

    def set_account(self, account: str) -> None:
        """Staleness is judged by this account's limits."""
        self._account = account
        self._limits = -1

    def _rebuild(self) -> None:
        self.beginResetModel()
        known = self._stores.instruments
        quotes: dict[str, Quote] = {}
        for key in self._ids:
            instrument = known.get(key)
            if instrument is None:
                continue
            quote = self._quotes.get(key)
            if quote is None or quote.instrument != instrument:
                limit = stale_after(self._stores, self._account, key)
                quote = Quote(instrument, limit)
                ticker = self._stores.tickers.get(key)
                if ticker is not None:
                    quote.take(ticker, self._seen(ticker.received), False, 0)
            quotes[key] = quote
        self._quotes = quotes
        self._shown = list(quotes.values())
        if self.sort is not None:
            self._shown = ordered(self._shown, *self.sort)
        self._number()
        self.endResetModel()

    def _seen(self, received: int) -> int:
        """When a ticker that was there before us was new, on the monotonic clock."""
        now = self._clock.monotonic()
        if self._stores.mode is Mode.REPLAY:
            return now
        return now - max(0, self._clock.wall() - received)

    def _number(self) -> None:
        self._rows = {quote.instrument.id: n for n, quote in enumerate(self._shown)}

    # -- once a frame ------------------------------------------------------------------------

    def take(self) -> None:
        """Mark what changed in the stores; no text is made yet."""
        tickers = self._stores.tickers
        if self._epoch != self._stores.instruments.epoch:
            self._epoch = self._stores.instruments.epoch
            self._cursor = tickers.version
            self._quotes.clear()
            self._rebuild()
        if self._limits != self._stores.limits.version:
            self._limits = self._stores.limits.version
            for key, quote in self._quotes.items():
                quote.limit = stale_after(self._stores, self._account, key)
        if tickers.version == self._cursor:
            return
        now = self._clock.monotonic()
        for key in tickers.changed_since(self._cursor):
            quote, ticker = self._quotes.get(key), tickers.get(key)
            if quote is not None and ticker is not None:
                seen = now if quote.ticker is not None else self._seen(ticker.received)
                quote.take(ticker, seen, self.flash, now)
        self._cursor = tickers.version
        self.unsettled = self.sort is not None

    def show(self, first: int, last: int) -> None:
        """Make the texts of rows `first` to `last` and tell the view which of them changed."""
        now = self._clock.monotonic()
        age = now - self._aged >= _AGE_EVERY
        if age:
            self._aged = now
        top = bottom = -1
        for row in range(max(first, 0), min(last + 1, len(self._shown))):
            quote = self._shown[row]
            changed = quote.changed
            quote.changed = False
            if quote.flashes:
                for number in [n for n, (until, _) in quote.flashes.items() if until <= now]:
                    del quote.flashes[number]
                    changed = True
            if changed:
                quote.make(now)
            if age or changed:
                text = quote.status(now)
                if text != quote.texts[AGE]:
                    quote.texts[AGE] = text
                    changed = True
            if changed:
                top = row if top < 0 else top
                bottom = row
        if top >= 0:
            self.dataChanged.emit(
                self.index(top, 0),
                self.index(bottom, len(COLUMNS) - 1),
                [Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.BackgroundRole],
            )

    # -- order -------------------------------------------------------------------------------

    def sort_by(self, column: int | None, descending: bool = False) -> None:
        """Sort by a column from now on; None is the trader's own order."""
        self.sort = None if column is None else (column, descending)
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(COLUMNS) - 1)
        self.sort_now()

    def sort_now(self) -> None:
        """Put rows where they belong."""
        self.unsettled = False
        quotes = [self._quotes[key] for key in self._ids if key in self._quotes]
        shown = quotes if self.sort is None else ordered(quotes, *self.sort)
        if shown == self._shown:
            return
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        keys = [self._shown[index.row()].instrument.id for index in before]
        self._shown = shown
        self._number()
        after = [
            self.index(self._rows[key], index.column())
            for key, index in zip(keys, before, strict=True)
        ]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def move(self, keys: Sequence[str], to: int) -> None:
        """Put these rows before row `to`; the order shown becomes the trader's own."""
        shown = [quote.instrument.id for quote in self._shown]
        moving = [key for key in shown if key in set(keys)]
        head = [key for key in shown[:to] if key not in set(moving)]
        tail = [key for key in shown[to:] if key not in set(moving)]
        unknown = [key for key in self._ids if key not in self._quotes]
        self._ids = [*head, *moving, *tail, *unknown]
        self.sort_by(None)
        self.reordered.emit()

    # -- reading -----------------------------------------------------------------------------

    def quote_at(self, row: int) -> Quote:
        """The quote of a row."""
        return self._shown[row]

    def key_at(self, row: int) -> str:
        """The instrument of a row."""
        return self._shown[row].instrument.id

    def row_of(self, key: str) -> int:
        """The row of an instrument, or -1."""
        return self._rows.get(key, -1)

    @property
    def live(self) -> bool:
        """Does the engine answer? Without it every price is one of the past."""
        return self._stores.connected

    def now(self) -> int:
        """The clock that flashes and ages go by."""
        return self._clock.monotonic()

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            if self.sort is not None and self.sort[0] == section:
                return f"{'▼' if self.sort[1] else '▲'} {COLUMNS[section].title}"
            return COLUMNS[section].title
        if role == Qt.ItemDataRole.ToolTipRole:
            return COLUMNS[section].meaning
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _LEFT if section == SYMBOL else _RIGHT
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            quote = self._shown[index.row()]
            if not quote.made:
                quote.make(self._clock.monotonic())
            return quote.texts[index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _LEFT if index.column() == SYMBOL else _RIGHT
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == SYMBOL:
            instrument = self._shown[index.row()].instrument
            return f"{instrument.id}\n{instrument.name}" if instrument.name else instrument.id
        return None

    # -- dragging ----------------------------------------------------------------------------

    def flags(self, index: Index) -> Qt.ItemFlag:
        return _ROW_FLAGS if index.isValid() else Qt.ItemFlag.ItemIsDropEnabled

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        return [MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        keys = [self.key_at(row) for row in sorted({index.row() for index in indexes})]
        data = QMimeData()
        data.setData(MIME, QByteArray("\n".join(keys).encode()))
        data.setText("\n".join(keys))
        return data

    def dropMimeData(
        self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index
    ) -> bool:
        if not data.hasFormat(MIME):
            return False
        keys = bytes(data.data(MIME).data()).decode().split("\n")
        if row < 0:
            row = parent.row() if parent.isValid() else len(self._shown)
        self.move([key for key in keys if key in self._rows], row)
        return True

    def moveRows(self, source: Index, row: int, count: int, target: Index, before: int) -> bool:
        self.move([self.key_at(n) for n in range(row, row + count)], before)
        return True
