"""What the host of a venue remembers, so that an engine that comes late or back misses nothing."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Collection, Iterator

from core.model.events import ExecutionReport, LinkUpdate, VenueEvent
from core.model.market import (
    BookUpdate,
    MarketData,
    Quote,
    StatusUpdate,
    Trade,
    TradeHistory,
)

MOST_EVENTS = 200_000
MOST_TRADES = 100_000
_AT_A_TIME = 16


class _Market:
    """The newest state of one instrument, and its trades."""

    __slots__ = ("book", "past", "quote", "stamps", "status", "trades")

    def __init__(self) -> None:
        self.past: TradeHistory | None = None
        self.trades = tuple(array("q") for _ in range(4))
        self.status: StatusUpdate | None = None
        self.book: dict[tuple[int, int], int] = {}
        self.stamps = (0, 0)
        self.quote: Quote | None = None

    def take(self, message: MarketData) -> None:
        if isinstance(message, BookUpdate):
            book = self.book
            if message.snapshot:
                book.clear()
            for side, price, qty in message.levels:
                if qty:
                    book[side, price] = qty
                else:
                    book.pop((side, price), None)
            self.stamps = (message.ts, message.received)
        elif isinstance(message, Quote):
            self.quote = message
        elif isinstance(message, Trade):
            for column, value in zip(
                self.trades,
                (message.ts, message.price, message.qty, message.aggressor),
                strict=True,
            ):
                column.append(value)
            if len(self.trades[0]) > MOST_TRADES:
                self.past = None
                for column in self.trades:
                    del column[: MOST_TRADES // 2]
        elif isinstance(message, StatusUpdate):
            self.status = message
        else:
            self.past = message

    def snapshot(self, instrument: str) -> list[MarketData]:
        said: list[MarketData] = []
        live = [column.tobytes() for column in self.trades]
        past = self.past or TradeHistory(instrument, b"", b"", b"", b"")
        columns = (past.ts, past.price, past.qty, past.aggressor)
        if self.past is not None or live[0]:
            ts, price, qty, side = (old + new for old, new in zip(columns, live, strict=True))
            said.append(TradeHistory(instrument, ts, price, qty, side, past.gaps))
        if self.status is not None:
            said.append(self.status)
        levels = [(side, price, qty) for (side, price), qty in self.book.items()]
        said.append(BookUpdate(instrument, *self.stamps, levels, snapshot=True))
        if self.quote is not None:
            said.append(self.quote)
        return said


class Memory:
    """All markets' newest state, the trades, and the order events of the venue's life.

    Of a long life the last 200,000 events and 100,000 trades an instrument are kept.
    """

    def __init__(self) -> None:
        self.seen = 0
        """The number of the last event."""
        self.link: LinkUpdate | None = None
        """What the venue last said about its own link."""
        self._markets: dict[str, _Market] = {}
        self._events: deque[VenueEvent] = deque(maxlen=MOST_EVENTS)

    def market(self, message: MarketData) -> None:
        """Remembers market data."""
        market = self._markets.get(message.instrument)
        if market is None:
            market = self._markets[message.instrument] = _Market()
        market.take(message)

    def event(self, event: VenueEvent) -> None:
        """Remembers an event."""
        if isinstance(event, LinkUpdate):
            self.link = event
            return
        self.seen += 1
        self._events.append(event)

    def events_after(self, seen: int) -> list[VenueEvent]:
        """The events after number `seen`, as far as they are remembered."""
        count = min(self.seen - seen, len(self._events))
        return list(self._events)[len(self._events) - count :] if count > 0 else []

    def reports_of(self, orders: Collection[str]) -> list[VenueEvent]:
        """All execution reports of these orders, as far as they are remembered."""
        return [
            event
            for event in self._events
            if isinstance(event, ExecutionReport) and event.cl_ord_id in orders
        ]

    def snapshots(self) -> Iterator[list[MarketData]]:
        """What stands now, as a venue says it when it starts, some instruments at a time."""
        names = list(self._markets)
        for first in range(0, len(names), _AT_A_TIME):
            said: list[MarketData] = []
            for name in names[first : first + _AT_A_TIME]:
                said += self._markets[name].snapshot(name)
            yield said
