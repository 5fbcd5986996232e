"""The newest state of every market: quote, depth, day so far, trades and bars.

Every message passes `MarketCache.take` once. It checks, keeps and counts; nothing is built for
the screen here (that is `core.marketdata.frames`' work, when a client asks).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import numpy as np

from core.book.marketbook import L2Book
from core.marketdata.checks import Source
from core.marketdata.trades import Gaps, TradeLog
from core.model.checks import MAX_TICKS
from core.model.enums import MarketStatus
from core.model.instruments import Instrument
from core.model.market import (
    BookUpdate,
    MarketData,
    Quote,
    StatusUpdate,
    Trade,
    TradeHistory,
)
from core.model.session import Ticker

_DAY = 86_400 * 1_000_000_000
_AHEAD = 2 * _DAY
"""How far the time of a message may be ahead of ours. What is older than the newest is dropped, so
that one message from the far future would make all others late for ever."""
_MOST_LOTS = 1 << 53
_NO_QUOTE = Quote("", 0, 0, 0, 0, 0, 0)


class Market:
    """What is known of one instrument.

    Attributes:
        quote: best bid and offer, from the source's quotes or else from its book.
        version, depth_version: the cache's version when the ticker or the depth last changed.
        last: the newest trade by its time; one that comes late counts in the day and in the bars,
            and is no last price.
        log: its trades and bars.
    """

    __slots__ = (
        "_day",
        "book",
        "book_ts",
        "depth_version",
        "high",
        "instrument",
        "last",
        "log",
        "low",
        "open",
        "quote",
        "quoted",
        "reference",
        "status",
        "status_text",
        "trade_id",
        "trades",
        "version",
        "volume",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.quote = _NO_QUOTE
        self.quoted = False
        self.last: Trade | None = None
        self.trade_id = ""
        self.status = MarketStatus.UNKNOWN
        self.status_text = ""
        self.book = L2Book()
        self.book_ts = 0
        self.log = TradeLog()
        self.version = self.depth_version = 0
        self.open = self.high = self.low = self.reference = self.volume = self.trades = 0
        self._day = 0

    def ticker(self) -> Ticker:
        """The newest state and the day so far (days are those of UTC)."""
        quote, last = self.quote, self.last
        ts, received = quote.ts, quote.received
        if last is not None and last.received >= received:
            ts, received = last.ts, last.received
        return Ticker(
            self.instrument.id,
            ts,
            received,
            quote.bid,
            quote.bid_qty,
            quote.ask,
            quote.ask_qty,
            0 if last is None else last.price,
            0 if last is None else last.qty,
            0 if last is None else last.aggressor,
            self.open,
            self.high,
            self.low,
            self.reference,
            self.volume,
            self.trades,
            self.status,
        )

    def count(self, ts: int, price: int, qty: int) -> None:
        """Add a trade to the day's statistics."""
        day = ts // _DAY
        if day > self._day:
            if self._day and self.last is not None:
                self.reference = self.last.price
            self._day = day
            self.open = self.high = self.low = price
            self.volume = self.trades = 0
            self.reference = self.reference or price
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.volume += qty
        self.trades += 1

    def missed(self, begin: int, end: int) -> None:
        """Between these times (UTC ns) its source could not tell what happened. The time in which
        the market was closed, and that before the first trade known, is no gap."""
        if self.log.ring.head:
            self.log.add_gaps(self._open(((begin, end),)))

    def _open(self, gaps: Gaps) -> Gaps:
        within = self.instrument.hours.open_within
        return tuple(part for begin, end in gaps for part in within(begin, end))

    def begin_again(self, history: TradeHistory) -> None:
        """Forget prices, book and trades and begin from these past trades (a replay moved, a feed
        started over). Series of bars are made anew by whoever still wants them.

        Raises:
            ValueError: with the column at fault; nothing has changed then.
        """
        log = TradeLog()
        ts, price, qty, aggressor = log.past(history)
        log.add_gaps(self._open(history.gaps))
        self.log = log
        self.quote = _NO_QUOTE
        self.quoted = False
        self.last = None
        self.trade_id = ""
        self.book.clear()
        self.book_ts = self._day = 0
        self.open = self.high = self.low = self.reference = self.volume = self.trades = 0
        if not len(ts):
            return
        self._day = int(ts[-1]) // _DAY
        first = int(np.searchsorted(ts, self._day * _DAY))
        today = price[first:]
        self.open, self.high, self.low = int(today[0]), int(today.max()), int(today.min())
        self.volume, self.trades = int(qty[first:].sum()), len(today)
        self.reference = int(price[first - 1]) if first else self.open
        self.last = Trade(
            self.instrument.id, int(ts[-1]), 0, int(price[-1]), int(qty[-1]), int(aggressor[-1])
        )


class MarketCache:
    """All markets by instrument id.

    Attributes:
        version: grows by one with each change of any market.
        on_change: called with each message that was taken in (late, repeated and malformed ones
            were not), and each quote that was derived from a book.
    """

    def __init__(
        self, instruments: Iterable[Instrument], on_change: Callable[[MarketData], None]
    ) -> None:
        self.markets = {i.id: Market(i) for i in instruments}
        self.version = 0
        self.on_change = on_change
        self._takers: dict[type, Callable[[Source, Market, object], bool]] = {
            Quote: self._quote,  # type: ignore[dict-item]
            Trade: self._trade,  # type: ignore[dict-item]
            BookUpdate: self._book,  # type: ignore[dict-item]
            StatusUpdate: self._status,  # type: ignore[dict-item]
            TradeHistory: self._history,  # type: ignore[dict-item]
        }

    def sink(self, source: Source) -> Callable[[MarketData], None]:
        """Where a venue puts its messages. Never raises for what is in a message."""
        return partial(self.take, source)

    def take(self, source: Source, message: MarketData) -> None:
        """Check one message and keep what it says."""
        source.messages += 1
        market = self.markets.get(message.instrument)
        if market is None:
            source.unknown += 1
            return
        try:
            if self._takers[type(message)](source, market, message):
                self.on_change(message)
        except (ValueError, OverflowError):
            source.malformed += 1

    def _touch(self, source: Source, market: Market, ts: int, received: int) -> None:
        self.version += 1
        market.version = self.version
        source.last = received
        source.ages.add(received - ts)

    def _quote(self, source: Source, market: Market, quote: Quote) -> bool:
        before = market.quote
        bid, ask = quote.bid, quote.ask
        if not (
            -MAX_TICKS <= bid <= MAX_TICKS
            and -MAX_TICKS <= ask <= MAX_TICKS
            and 0 <= quote.bid_qty <= _MOST_LOTS
            and 0 <= quote.ask_qty <= _MOST_LOTS
            and 0 <= quote.ts <= quote.received + _AHEAD
        ):
            raise ValueError(f"{quote.instrument}: a number of this quote cannot be: {quote}")
        if quote.ts < before.ts:
            source.late += 1
            return False
        if quote.ts == before.ts and quote == before:
            if market.quoted:  # else it says what was derived from the book before
                source.repeated += 1
            market.quoted = True
            return False
        if bid > ask and quote.bid_qty > 0 and quote.ask_qty > 0:
            source.crossed += 1
        market.quote = quote
        market.quoted = market.quoted or quote.bid_qty > 0 or quote.ask_qty > 0
        self._touch(source, market, quote.ts, quote.received)
        return True

    def _trade(self, source: Source, market: Market, trade: Trade) -> bool:
        before = market.last
        if not (
            -MAX_TICKS <= trade.price <= MAX_TICKS
            and 0 <= trade.qty <= _MOST_LOTS
            and 0 <= trade.ts <= trade.received + _AHEAD
        ):
            raise ValueError(f"{trade.instrument}: a number of this trade cannot be: {trade}")
        if trade.trade_id and trade.trade_id == market.trade_id:
            source.repeated += 1
            return False
        late = before is not None and trade.ts < before.ts
        market.log.append(trade)
        market.count(trade.ts, trade.price, trade.qty)
        market.trade_id = trade.trade_id
        if late:
            source.late += 1
        else:
            market.last = trade
        self._touch(source, market, trade.ts, trade.received)
        return True

    def _book(self, source: Source, market: Market, update: BookUpdate) -> bool:
        if not 0 <= update.ts <= update.received + _AHEAD:
            raise ValueError(f"{update.instrument}: the time of a book cannot be: {update.ts}")
        if update.ts < market.book_ts and not update.snapshot:
            source.late += 1  # kept all the same: leaving a change out would spoil the book
        market.book.update(update.levels, update.snapshot)
        market.book_ts = update.ts
        self.version += 1
        market.depth_version = self.version
        source.last = update.received
        source.ages.add(update.received - update.ts)
        if not market.quoted:
            self._derive(source, market, update)
        return True

    def _derive(self, source: Source, market: Market, update: BookUpdate) -> None:
        bid, bid_qty, ask, ask_qty = market.book.best()
        old = market.quote
        if (old.bid, old.bid_qty, old.ask, old.ask_qty) == (bid, bid_qty, ask, ask_qty):
            return
        if bid > ask > 0:
            source.crossed += 1
        name = market.instrument.id
        quote = Quote(name, update.ts, update.received, bid, bid_qty, ask, ask_qty)
        market.quote = quote
        market.version = self.version
        self.on_change(quote)

    def _status(self, source: Source, market: Market, status: StatusUpdate) -> bool:
        market.status = status.status
        market.status_text = status.text
        self.version += 1
        market.version = self.version
        source.last = status.received
        return True

    def _history(self, source: Source, market: Market, history: TradeHistory) -> bool:
        market.begin_again(history)
        self.version += 1
        market.version = market.depth_version = self.version
        return True
