"""Raw combined streams of Binance: ``<receive ns> {"stream":..,"data":..}``, one a line.

The depth stream tells changes only, and the recording starts without a snapshot: a level is known
once it has changed. The bookTicker stream tells the best bid and offer at once, the depth stream
ten times a second, so the ticker also proves levels gone that depth has not yet removed: they
are purged, and the book shown is never crossed by what is stale.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import msgspec
from msgspec import Struct

from core.model.instruments import Instrument
from core.venues.replay.contents import Contents, steps
from core.venues.replay.events import Knowledge, Levels, LogBuilder
from core.venues.replay.exact import EARLIEST, LATEST, SECOND, decimal, shown, units
from core.venues.replay.ladder import ASK, BID, Ladder
from core.venues.replay.order import in_order
from core.venues.replay.problems import Problems, RecordingError
from core.venues.replay.sources import head, lines

SCALE = 8
VENUE = "BINANCE"
_STRAY = 60 * SECOND
_STAMP = re.compile(rb'"E":(\d{13,16})\b')
_QUOTES = (
    *("USDT", "USDC", "FDUSD", "TUSD", "BUSD", "DAI", "BTC", "ETH", "BNB"),
    *("EUR", "TRY", "BRL", "JPY", "GBP", "AUD", "USD"),
)


class _Line(Struct):
    stream: str
    data: msgspec.Raw


class _Depth(Struct):
    s: str
    E: int
    U: int
    u: int
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]
    T: int = 0
    pu: int | None = None


class _Trade(Struct):
    s: str
    t: int
    p: str
    q: str
    T: int
    m: bool


class _Ticker(Struct):
    s: str
    u: int
    b: str
    B: str
    a: str
    A: str
    T: int = 0


_Message = _Depth | _Trade | _Ticker
_KINDS: dict[str, Callable[[msgspec.Raw], _Message]] = {
    "depth": msgspec.json.Decoder(_Depth).decode,
    "trade": msgspec.json.Decoder(_Trade).decode,
    "bookTicker": msgspec.json.Decoder(_Ticker).decode,
}


def recognise(line: bytes) -> bool:
    """Is this the first line of such a file?"""
    number, _, rest = line.partition(b" ")
    return number.isdigit() and rest.lstrip().startswith(b"{")


def _usual_lead(start: bytes) -> int:
    """The median of venue time - receive time of a file's first lines."""
    leads = []
    for line in start.splitlines():
        stamp, _, body = line.partition(b" ")
        found = _STAMP.search(body)
        if found and stamp.isdigit():
            leads.append(_nanoseconds(int(found[1])) - int(stamp))
    return int(median(leads)) if leads else 0


def _nanoseconds(stamp: int) -> int:
    """Binance sends milliseconds, and microseconds to who asks for them."""
    return stamp * (1_000 if stamp >= 10**14 else 1_000_000)


def read(path: Path, problems: Problems) -> Contents:
    """Read a file; see `recording.open_recording`."""
    reader = _Reader(path, problems)
    for number, at, message in in_order(reader.rows(), path.name, problems):
        reader.take(number, at, message)
    return reader.contents()


class _Reader:
    def __init__(self, path: Path, problems: Problems) -> None:
        self._path = path
        self._file = path.name
        self._problems = problems
        self._builder = LogBuilder(path.name, problems)
        self._books: dict[str, _Book] = {}
        self._units: dict[str, int] = {}
        self._unused: dict[str, int] = {}
        start = head(path)
        self._ticker = b"bookTicker" in start
        self._usual_lead = _usual_lead(start)
        self._lead = 0  # how far receive times lie before the venue's own, at most

    def rows(self) -> Iterator[tuple[int, int, _Message]]:
        """Decoded lines; what does not decode is reported."""
        decode = msgspec.json.Decoder(_Line).decode
        for number, text in lines(self._path, self._problems):
            try:
                stamp, _, body = text.partition(b" ")
                received = int(stamp)
                if not EARLIEST <= received < LATEST:
                    raise ValueError(f"receive time {received} is not between 1990 and 2100 in ns")
                line = decode(body)
                kind = line.stream.split("@")[1] if "@" in line.stream else line.stream
                decoder = _KINDS.get(kind)
                if decoder is None:
                    self._unused[kind] = self._unused.get(kind, 0) + 1
                    continue
                yield number, received, decoder(line.data)
            except (msgspec.MsgspecError, ValueError) as error:
                self._problems.add(self._file, number, f"{error}; the line is left out")

    def take(self, number: int, at: int, message: _Message) -> None:
        """Apply one message and add the events that follow from it."""
        builder = self._builder
        builder.line = number
        try:
            if isinstance(message, _Ticker):
                self._take_ticker(at, message)
            elif isinstance(message, _Trade):
                ts = self._venue_time(at, message.T)
                price, qty = self._positive(message.p, "price"), self._positive(message.q, "size")
                owner = builder.instrument(message.s)
                builder.trade(at, ts, owner, price, qty, 2 if message.m else 1, message.t)
            else:
                self._take_depth(at, message, number)
        except ValueError as error:
            self._problems.add(self._file, number, f"{error}; the line is left out")

    def contents(self) -> Contents:
        """Everything read, in ticks and lots."""
        builder = self._builder
        if not len(builder):
            raise RecordingError(
                f"{self._path} holds no depth, trade or bookTicker message of a combined stream."
                + (f" First problem: {self._problems.first[0]}." if self._problems.first else "")
            )
        instruments, divisors = [], []
        for owner, symbol in enumerate(builder.names):
            (tick, lot), by = steps(builder, owner, SCALE, SCALE)
            divisors.append(by)
            currency = next(
                (q for q in _QUOTES if symbol.endswith(q) and len(symbol) > len(q)), "XXX"
            )
            instruments.append(
                Instrument(f"{symbol}.{VENUE}", symbol, VENUE, tick, lot, currency, name=symbol)
            )
        notes = ["The book starts without a snapshot: a level is known once it has changed."]
        if self._lead:
            notes.append(
                f"The recorder's clock was {self._lead / SECOND:.3f} s behind the venue's;"
                " receive times are shifted by that."
            )
        notes += [
            f"{count:,} messages of the stream “{kind}” are not used."
            for kind, count in self._unused.items()
        ]
        log = builder.finish([i.id for i in instruments], divisors, self._lead)
        log.steady_books()
        if builder.rounded:
            notes.append(
                f"{builder.rounded:,} sizes of levels are no whole lots and are rounded down."
            )
        return Contents(tuple(instruments), (Knowledge.SEEN,) * len(instruments), log, notes)

    def _take_ticker(self, at: int, message: _Ticker) -> None:
        bid, bid_qty = self._number(message.b, "bid"), self._number(message.B, "bid size")
        ask, ask_qty = self._number(message.a, "ask"), self._number(message.A, "ask size")
        bid, bid_qty = (bid, bid_qty) if bid and bid_qty else (0, 0)
        ask, ask_qty = (ask, ask_qty) if ask and ask_qty else (0, 0)
        if bid and ask and bid >= ask:
            raise ValueError(f"bid {message.b} is not below ask {message.a}")
        ts = self._venue_time(at, message.T) if message.T else 0
        book = self._book(message.s)
        if message.u < book.ticker:
            raise ValueError(f"bookTicker {message.u} comes after {book.ticker}")
        changes = book.top(message.u, bid, bid_qty, ask, ask_qty)
        if changes:
            self._builder.book(at, ts, book.owner, changes)
        self._builder.quote(at, ts, book.owner, bid, bid_qty, ask, ask_qty)

    def _take_depth(self, at: int, message: _Depth, number: int) -> None:
        ts = self._venue_time(at, message.T or message.E)
        levels = [
            (side, self._positive(price, "price"), self._number(size, "size"))
            for side, rows in ((BID, message.b), (ASK, message.a))
            for price, size in rows
        ]
        book = self._book(message.s)
        last = book.depth
        if last and message.u <= last:
            raise ValueError(f"depth update {message.U}-{message.u} comes after {last}")
        gap = last and (last + 1 < message.U if message.pu is None else message.pu != last)
        if gap:
            self._problems.add(
                self._file,
                number,
                f"depth updates {last + 1} to {message.U - 1} are missing; the book is forgotten"
                " and built up again from here",
            )
            self._builder.book(at, ts, book.owner, book.forget(), snapshot=True)
        changes = book.change(message.u, levels)
        if changes:
            self._builder.book(at, ts, book.owner, changes)
        if not self._ticker and changes:
            bid, ask = book.bids.best, book.asks.best
            quote = (bid, book.bids.sizes.get(bid, 0), ask, book.asks.sizes.get(ask, 0))
            if quote != book.quoted:
                book.quoted = quote
                self._builder.quote(at, ts, book.owner, *quote)

    def _book(self, symbol: str) -> _Book:
        book = self._books.get(symbol)
        if book is None:
            book = self._books[symbol] = _Book(self._builder.instrument(symbol))
        return book

    def _venue_time(self, at: int, stamp: int) -> int:
        ts = _nanoseconds(stamp)
        if abs(ts - at - self._usual_lead) > _STRAY:
            raise ValueError(f"the venue's time {shown(ts)} does not fit the receive time")
        self._lead = max(self._lead, ts - at)
        return ts

    def _number(self, text: str, what: str) -> int:
        found = self._units.get(text)
        if found is None:
            found = units(decimal(text, what), SCALE, what)
            if len(self._units) > 1_000_000:
                self._units.clear()
            self._units[text] = found
        return found

    def _positive(self, text: str, what: str) -> int:
        found = self._number(text, what)
        if not found:
            raise ValueError(f"{what} {text} is not above 0")
        return found


class _Book:
    """What is known of one symbol's book, and the changes that each message makes to it."""

    def __init__(self, owner: int) -> None:
        self.owner = owner
        self.bids = Ladder(BID)
        self.asks = Ladder(ASK)
        self.depth = 0  # last update id of the depth stream
        self.ticker = 0  # and of the bookTicker
        self.quoted = (0, 0, 0, 0)
        self._best = (0, 0)
        # Levels that the ticker told of: update id. An older depth message knows them worse.
        self._told: dict[tuple[int, int], int] = {}

    def top(self, update: int, bid: int, bid_qty: int, ask: int, ask_qty: int) -> Levels:
        """The ticker says what is best: all better levels are gone, and any that cross."""
        changes: Levels = []
        self.ticker = update
        self._best = (bid, ask)
        for side, ladder, price, size in (
            (BID, self.bids, bid, bid_qty),
            (ASK, self.asks, ask, ask_qty),
        ):
            if not price:
                gone = [level for level, _ in ladder.best_first()]
            else:
                gone = ladder.beyond(price)
            for level in gone:
                ladder.set(level, 0)
                changes.append((side, level, 0))
                self._told[side, level] = update
            if price and ladder.set(price, size) != size:
                changes.append((side, price, size))
            if price:
                self._told[side, price] = update
        return changes

    def change(self, update: int, levels: Levels) -> Levels:
        """A depth message: levels in its own words, but for those the ticker knows better."""
        self.depth = update
        changes: Levels = []
        told = self._told
        older = update < self.ticker
        bid, ask = self._best
        for side, price, size in levels:
            if told.get((side, price), 0) > update:
                continue
            if older and size and ((bid and price > bid) if side == BID else (ask and price < ask)):
                continue
            ladder = self.bids if side == BID else self.asks
            if ladder.set(price, size) != size:
                changes.append((side, price, size))
        changes += self._uncross(levels)
        if told and not older:
            told.clear()
        elif len(told) > 256:
            self._told = {level: at for level, at in told.items() if at > update}
        return changes

    def forget(self) -> Levels:
        """After a gap only the ticker's best levels are known; returns them."""
        bid, ask = self._best
        kept = [(BID, bid, self.bids.sizes.get(bid, 0)), (ASK, ask, self.asks.sizes.get(ask, 0))]
        self.bids.clear()
        self.asks.clear()
        self._told.clear()
        kept = [level for level in kept if level[2]]
        for side, price, size in kept:
            (self.bids if side == BID else self.asks).set(price, size)
        return kept

    def _uncross(self, levels: Levels) -> Levels:
        """Levels this message did not speak of and that cross one it set, are stale."""
        bid, ask = self.bids.best, self.asks.best
        if not bid or not ask or bid < ask:
            return []
        spoken = {(side, price) for side, price, size in levels if size}
        changes: Levels = []
        while self.bids.best and self.asks.best and self.bids.best >= self.asks.best:
            bid, ask = self.bids.best, self.asks.best
            side, price, ladder = (
                (BID, bid, self.bids) if (BID, bid) not in spoken else (ASK, ask, self.asks)
            )
            ladder.set(price, 0)
            changes.append((side, price, 0))
        return changes
