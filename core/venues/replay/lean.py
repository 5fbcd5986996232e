"""US equity tick files in the format of QuantConnect LEAN, zip, gzip or plain CSV.

Quotes: ``ms since midnight, bid, bid size, ask, ask size, exchange, condition, suspicious``;
trades: ``ms, price, size, exchange, conditions, suspicious``. Prices are dollars x 10,000, times
New York time of the day in the file's name; 0 means that the row does not quote that side.

Two kinds of quote files exist. In one a row is one exchange's quote: they are aggregated here,
and a quote that a newer one of another exchange crosses is taken for stale. In the other the
rows come in pairs, the national best bid and then the national best offer, each with the
exchange that sets it: there the rows are the best, and nothing behind them is known.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from core.model.instruments import WEEKDAYS_NEW_YORK, Instrument
from core.venues.replay.contents import Contents, changed, steps
from core.venues.replay.events import OFF_BOOK, Knowledge, Levels, LogBuilder
from core.venues.replay.exact import EARLIEST, LATEST, MAX_UNITS, SECOND
from core.venues.replay.ladder import ASK, BID
from core.venues.replay.order import in_order
from core.venues.replay.problems import Problems, RecordingError
from core.venues.replay.sources import ZIP, lines, member_name

SCALE = 4
VENUE = "US"
TRADE_REPORTING = "D"  # trades away from the exchanges, reported afterwards
OFFICIAL = 1 << 24 | 1 << 26  # an exchange's official opening or closing price: not a trade
# Conditions under which a trade was not made against the quotes of its moment: cash, next day,
# seller's option, derivatively priced, sold late, out of sequence, acquisition, bunched,
# stock-option, distribution, average price, cross, price variation, prior reference price.
NOT_THE_BOOK = sum(1 << bit for bit in (1, 2, 3, 9, 11, 14, 16, 17, 18, 19, 20, 21, 22, 25))
_DAY_MS = 86_400_000
_NEW_YORK = ZoneInfo("America/New_York")
_ZIP_NAME = re.compile(r"(\d{8})_(quote|trade)(?:\.\w+)*$", re.I)
_CSV_NAME = re.compile(r"(\d{8})_([\w.]+?)_(?:(quote|trade)_tick|tick_(quote|trade))\b", re.I)
_KIND = re.compile(r"quote|trade", re.I)


class _Place(NamedTuple):
    """What a file's name says of it."""

    path: Path
    day: date
    symbol: str
    kind: str


class _Quote(NamedTuple):
    bid: int
    bid_qty: int
    ask: int
    ask_qty: int
    exchange: str


class _Trade(NamedTuple):
    price: int
    qty: int
    off_book: bool


def recognise(path: Path, line: bytes) -> bool:
    """Do the name and the first line belong to such a file?"""
    fields = line.split(b",")
    numbers = len(fields) in (6, 7, 8) and all(field.isdigit() for field in fields[:3])
    return numbers and _place(path) is not None


def together(paths: list[Path]) -> list[Path]:
    """A single quote or trade file and its partner of the same day, where that lies beside it."""
    if len(paths) != 1:
        return paths
    path = paths[0]
    place = _place(path)
    assert place is not None
    partner = path.with_name(_KIND.sub(_other_kind, path.name))
    if partner != path and partner.is_file():
        found = _place(partner)
        if found is not None and found[1:3] == place[1:3]:
            return sorted([path, partner])
    return paths


def read(paths: list[Path], problems: Problems) -> Contents:
    """Read files of one or several days; see `recording.open_recording`."""
    places = []
    for path in paths:
        place = _place(path)
        if place is None:
            raise RecordingError(
                f"{path} is not named like a US equity tick file (20131007_quote.zip); name it so,"
                " for the day stands only in the name."
            )
        places.append(place)
    reader = _Reader(", ".join(path.name for path in paths), problems)
    # At the same millisecond trades come first: they are the cause of the quotes that follow.
    streams = (
        in_order(reader.rows(place), place.path.name, problems)
        for place in sorted(places, key=lambda place: (place.kind == "quote", place.day))
    )
    for number, at, row in heapq.merge(*streams, key=lambda row: row[1]):
        reader.take(number, at, row)
    return reader.contents()


class _Reader:
    def __init__(self, file: str, problems: Problems) -> None:
        self._problems = problems
        self._builder = LogBuilder(file, problems)
        self._markets: dict[str, _Market] = {}
        self._suspicious = 0
        self._official = 0

    def rows(self, place: _Place) -> Iterator[tuple[int, int, tuple[str, _Quote | _Trade]]]:
        """The file's rows with UTC times; what makes no sense is reported."""
        source = lines(place.path, self._problems)
        symbol = place.symbol
        parse = _quote if place.kind == "quote" else _trade
        if place.kind == "quote":
            sample = list(islice(source, 2000))
            market = self._markets.setdefault(symbol, _Market(symbol))
            market.paired = _in_pairs([line for _, line in sample])
            source = (row for part in (sample, source) for row in part)
        clock = _Clock(place.day)
        for number, line in source:
            try:
                fields = line.decode("ascii").split(",")
                if len(fields) < 6:
                    raise ValueError(f"the row has {len(fields)} of at least 6 fields")
                if fields[-1] != "0":
                    if fields[-1] != "1":
                        raise ValueError(f"the suspicious flag “{fields[-1]}” is not 0 or 1")
                    self._suspicious += 1
                    continue
                yield number, clock.utc(fields[0]), (symbol, parse(fields))
            except _OfficialPriceError:
                self._official += 1
            except ValueError as error:
                self._problems.add(place.path.name, number, f"{error}; the row is left out")

    def take(self, number: int, at: int, row: tuple[str, _Quote | _Trade]) -> None:
        """Add one row's events."""
        symbol, what = row
        builder = self._builder
        builder.line = number
        market = self._markets.setdefault(symbol, _Market(symbol))
        if isinstance(what, _Trade):
            self._flush(market)
            owner = builder.instrument(symbol)
            builder.trade(at, at, owner, what.price, what.qty, OFF_BOOK if what.off_book else 0)
            return
        if market.pending_at and (at != market.pending_at or market.repeats(what)):
            self._flush(market)
        market.apply(at, what)
        if not market.paired:
            self._flush(market)

    def contents(self) -> Contents:
        """Everything read, in ticks and lots."""
        for market in self._markets.values():
            self._flush(market)
        builder = self._builder
        instruments, divisors = [], []
        for owner, symbol in enumerate(builder.names):
            (tick, lot), by = steps(builder, owner, SCALE, 0)
            divisors.append(by)
            instruments.append(
                Instrument(
                    f"{symbol}.{VENUE}",
                    symbol,
                    VENUE,
                    tick,
                    lot,
                    "USD",
                    name=symbol,
                    kind="equity",
                    hours=WEEKDAYS_NEW_YORK,
                )
            )
        notes = []
        paired = [market.symbol for market in self._markets.values() if market.paired]
        if paired:
            notes.append(
                f"The quotes of {', '.join(paired)} are the national best bid and offer: nothing"
                " behind them is known."
            )
        crossed = sum(market.crossed for market in self._markets.values())
        if crossed:
            notes.append(f"{crossed:,} quotes were locked or crossed, and are shown so.")
        if self._suspicious:
            notes.append(f"{self._suspicious:,} rows flagged as suspicious are left out.")
        if self._official:
            notes.append(f"{self._official:,} official prices are left out: they are no trades.")
        log = builder.finish([i.id for i in instruments], divisors)
        knowledge = tuple(
            Knowledge.TOP if self._markets[symbol].paired else Knowledge.SEEN
            for symbol in builder.names
        )
        return Contents(tuple(instruments), knowledge, log, notes)

    def _flush(self, market: _Market) -> None:
        at = market.pending_at
        if not at:
            return
        owner = self._builder.instrument(market.symbol)
        changes, quote = market.flush()
        if changes:
            self._builder.book(at, at, owner, changes)
        self._builder.quote(at, at, owner, *quote)


class _Market:
    """The quotes of one symbol, by exchange or as the national best."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.paired = True
        self.pending_at = 0
        self.crossed = 0
        self._sides_pending: set[int] = set()
        self._quotes: dict[tuple[int, str], tuple[int, int]] = {}
        self._levels: dict[tuple[int, int], int] = {}

    def repeats(self, row: _Quote) -> bool:
        """Does the row state a side that the pair in hand has stated already?"""
        return (BID if row.bid else ASK) in self._sides_pending

    def apply(self, at: int, row: _Quote) -> None:
        """One row: the new quote of its exchange, or the new best."""
        self.pending_at = at
        for side, price, size in ((BID, row.bid, row.bid_qty), (ASK, row.ask, row.ask_qty)):
            if not price:
                continue
            self._sides_pending.add(side)
            if self.paired:
                self._quotes[side, ""] = (price, size)
                continue
            self._quotes[side, row.exchange] = (price, size)
            sign = 1 if side == BID else -1
            crossed = [
                key
                for key, (other, _) in self._quotes.items()
                if key[0] != side and (price - other) * sign > 0
            ]
            for key in crossed:
                del self._quotes[key]

    def flush(self) -> tuple[Levels, tuple[int, int, int, int]]:
        """The levels that changed since the last flush, and the best bid and offer."""
        self.pending_at = 0
        self._sides_pending.clear()
        levels: dict[tuple[int, int], int] = {}
        for (side, _), (price, size) in self._quotes.items():
            levels[side, price] = levels.get((side, price), 0) + size
        levels = {key: size for key, size in levels.items() if size}
        changes = changed(self._levels, levels)
        self._levels = levels
        bid = max((price for side, price in levels if side == BID), default=0)
        ask = min((price for side, price in levels if side == ASK), default=0)
        quote = (bid, levels.get((BID, bid), 0), ask, levels.get((ASK, ask), 0))
        self.crossed += bool(bid and ask and bid >= ask)
        return changes, quote


class _Clock:
    """UTC nanoseconds of New York wall-clock milliseconds of one day."""

    def __init__(self, day: date) -> None:
        self._midnight = datetime(day.year, day.month, day.day, tzinfo=_NEW_YORK)
        self._hours: dict[int, int] = {}

    def utc(self, text: str) -> int:
        """Raises ValueError when `text` is no millisecond of a day."""
        if not text.isdigit() or int(text) >= _DAY_MS:
            raise ValueError(f"“{text}” is not a number of milliseconds since midnight")
        hour, rest = divmod(int(text), 3_600_000)
        begin = self._hours.get(hour)
        if begin is None:
            # Wall-clock arithmetic: an hour of the clock, whatever daylight saving does that day.
            wall = self._midnight + timedelta(hours=hour)
            begin = self._hours[hour] = int(wall.timestamp()) * SECOND
        ts = begin + rest * 1_000_000
        if not EARLIEST <= ts < LATEST:
            raise ValueError("the day in the file's name is not between 1990 and 2100")
        return ts


class _OfficialPriceError(Exception):
    """The row is an exchange's official price, not a trade."""


def _other_kind(found: re.Match[str]) -> str:
    word = found[0]
    other = "trade" if word.lower() == "quote" else "quote"
    return other.upper() if word.isupper() else other.title() if word[0].isupper() else other


def _whole(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) >= MAX_UNITS:
        raise ValueError(f"{what} “{text}” is not a whole number of at least 0")
    return int(text)


def _quote(fields: list[str]) -> _Quote:
    if len(fields) < 7:
        raise ValueError(f"the row has {len(fields)} fields; a quote has 8")
    row = _Quote(
        _whole(fields[1], "bid"),
        _whole(fields[2], "bid size"),
        _whole(fields[3], "ask"),
        _whole(fields[4], "ask size"),
        fields[5],
    )
    if not row.bid and not row.ask:
        raise ValueError("the row quotes neither side")
    return row


def _trade(fields: list[str]) -> _Trade:
    price, qty = _whole(fields[1], "price"), _whole(fields[2], "size")
    if not price or not qty:
        raise ValueError(f"price {price} and size {qty} must be above 0")
    try:
        conditions = int(fields[4] or "0", 16)
    except ValueError:
        raise ValueError(f"the conditions “{fields[4]}” are not a hexadecimal number") from None
    if conditions & OFFICIAL:
        raise _OfficialPriceError
    return _Trade(price, qty, fields[3] == TRADE_REPORTING or bool(conditions & NOT_THE_BOOK))


def _in_pairs(sample: list[bytes]) -> bool:
    """Are these rows pairs of national best bid and offer, not quotes of single exchanges?

    Rows of one side that alternate at equal times, often from two exchanges: one exchange's
    quote would have both sides from the same.
    """
    rows = [line.split(b",") for line in sample]
    rows = [row for row in rows if len(row) > 6]
    pairs = foreign = 0
    for bid, ask in pairwise(rows):
        one_sided = bid[3] == b"0" and ask[1] == b"0" and bid[1] != b"0" and ask[3] != b"0"
        if one_sided and bid[0] == ask[0]:
            pairs += 1
            foreign += bid[5] != ask[5]
    return pairs >= 2 and pairs * 2 >= 0.9 * len(rows) and foreign >= 0.05 * pairs


def _place(path: Path) -> _Place | None:
    """The day, symbol and kind of a file, from its name and, in a zip, from that of its member."""
    inner = path.name
    try:
        with path.open("rb") as stream:
            if stream.read(4) == ZIP:
                inner = member_name(path)
    except OSError:
        return None
    named, plain = _CSV_NAME.search(inner), _ZIP_NAME.search(path.stem)
    if named is not None:
        day, symbol, kind = named[1], named[2].upper(), (named[3] or named[4]).lower()
    elif plain is not None:
        # data/equity/usa/tick/ibm/20131007_quote.zip: the folder is the symbol.
        day, symbol, kind = plain[1], path.resolve().parent.name.upper(), plain[2].lower()
    else:
        return None
    try:
        return _Place(path, date(int(day[:4]), int(day[4:6]), int(day[6:])), symbol, kind)
    except ValueError:
        return None
