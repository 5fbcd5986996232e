"""One row of the watchlist: what stands in its cells, and by what it sorts. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from core.model.enums import MarketStatus
from core.model.instruments import Instrument
from core.model.session import Ticker
from widgets.words import NOTHING, format_duration, format_number, format_price

FLASH = 300_000_000
"""How long a changed cell flashes, in ns."""

_SECOND = 1_000_000_000


class Column(NamedTuple):
    """One column: stable id, title, meaning, what it sorts by, and does it flash."""

    id: str
    title: str
    meaning: str
    key: Callable[[Quote], Any]
    flashes: bool = False
    sample: str = "00,000.00"


class Quote:
    """The newest state of one instrument for the list.

    `texts` are made when a row is looked at, once for each version of its ticker; `age` is
    refreshed once a second at most.
    """

    __slots__ = (
        "changed",
        "flashes",
        "instrument",
        "limit",
        "made",
        "move",
        "seen",
        "texts",
        "ticker",
    )

    def __init__(self, instrument: Instrument, limit: int) -> None:
        self.instrument = instrument
        self.limit = limit
        self.ticker: Ticker | None = None
        self.seen = 0
        self.made = False
        self.changed = False
        self.move = 0
        self.texts: list[str] = [instrument.symbol, *[""] * (len(COLUMNS) - 1)]
        self.flashes: dict[int, tuple[int, int]] = {}

    def take(self, ticker: Ticker, seen: int, flash: bool, now: int) -> None:
        """A newer ticker; cells whose price changed flash until a while after `now`."""
        before, self.ticker, self.seen = self.ticker, ticker, seen
        self.made, self.changed = False, True
        if before is None:
            return
        if ticker.last != before.last:
            self.move = _sign(ticker.last - before.last)
        if flash:
            for number, old, new in (
                (LAST, before.last, ticker.last),
                (BID, before.bid, ticker.bid),
                (ASK, before.ask, ticker.ask),
            ):
                if old != new and old and new:
                    self.flashes[number] = (now + FLASH, _sign(new - old))

    def price(self, ticks: int) -> Decimal | None:
        """A price, or None when there is none."""
        return self.instrument.price(ticks) if ticks else None

    @property
    def change(self) -> Decimal | None:
        """Change of the day in per cent."""
        t = self.ticker
        if t is None or not t.last or not t.reference:
            return None
        return Decimal(t.last - t.reference) * 100 / t.reference

    @property
    def spread(self) -> Decimal | None:
        """Ask less bid."""
        t = self.ticker
        return self.instrument.price(t.ask - t.bid) if t is not None and t.bid and t.ask else None

    def stale(self, now: int) -> bool:
        """Is the price too old to trade on?"""
        return self.ticker is None or now - self.seen > self.limit

    def status(self, now: int) -> str:
        """Halted, closed, or how old the price is."""
        t = self.ticker
        if t is None:
            return NOTHING
        if t.status is MarketStatus.HALTED:
            return "HALTED"
        if t.status is MarketStatus.CLOSED:
            return "closed"
        age = now - self.seen
        if age < _SECOND:
            return "now"
        text = format_duration(age // _SECOND * _SECOND).replace(".0 s", " s")
        return f"stale {text}" if age > self.limit else text

    def make(self, now: int) -> None:
        """Make the texts of this version."""
        if self.made:
            return
        self.made = True
        t, i = self.ticker, self.instrument
        if t is None:
            self.texts[LAST:] = [NOTHING] * (len(COLUMNS) - 1)
            return
        change, spread = self.change, self.spread
        self.texts[LAST:] = [
            _price(t.last, i),
            _change(change),
            _price(t.bid, i),
            _price(t.ask, i),
            NOTHING if spread is None else format_price(t.ask - t.bid, i),
            _volume(i.quantity(t.volume)),
            self.status(now),
        ]


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)


def _price(ticks: int, instrument: Instrument) -> str:
    return format_price(ticks, instrument) if ticks else NOTHING


def _change(change: Decimal | None) -> str:
    if change is None:
        return NOTHING
    text = format_number(change, 2, signed=True)
    sign = "▲" if text.startswith("+") else "▼" if text.startswith("-") else "■"
    return f"{sign} {text} %"


def _volume(quantity: Decimal) -> str:
    for size, letter in ((Decimal(10**9), "B"), (Decimal(10**6), "M"), (Decimal(10**4), "k")):
        if quantity >= size:
            unit = Decimal(1_000) if letter == "k" else size
            return format_number(quantity / unit, 1) + letter
    return format_number(quantity, 0 if quantity >= 100 else 2)


def _ticker(quote: Quote, name: str) -> Decimal | None:
    return quote.price(getattr(quote.ticker, name)) if quote.ticker is not None else None


COLUMNS: tuple[Column, ...] = (
    Column(
        "symbol", "Symbol", "Symbol and venue", lambda q: q.instrument.id, False, "BTC-USD ALPHA"
    ),
    Column("last", "Last", "Price of the last trade", lambda q: _ticker(q, "last"), True),
    Column(
        "change",
        "Chg %",
        "Change of the day in per cent",
        lambda q: q.change,
        False,
        "▲ +00.00 %",
    ),
    Column("bid", "Bid", "Highest price bid", lambda q: _ticker(q, "bid"), True),
    Column("ask", "Ask", "Lowest price asked", lambda q: _ticker(q, "ask"), True),
    Column("spread", "Spread", "Ask less bid", lambda q: q.spread, False, "0.0000"),
    Column(
        "volume",
        "Volume",
        "Quantity traded today",
        lambda q: q.instrument.quantity(q.ticker.volume) if q.ticker is not None else None,
        False,
        "000.0k",
    ),
    Column(
        "age",
        "Age",
        "Time since the last update, or why there is none",
        lambda q: -q.seen if q.ticker is not None else None,
        False,
        "stale 00 s",
    ),
)
SYMBOL, LAST, CHANGE, BID, ASK, SPREAD, VOLUME, AGE = range(len(COLUMNS))


def ordered(quotes: list[Quote], column: int, descending: bool) -> list[Quote]:
    """Quotes sorted by the value of a column; those without one come last either way."""
    key = COLUMNS[column].key
    valued = [(key(quote), quote) for quote in quotes]
    known = [pair for pair in valued if pair[0] is not None]
    known.sort(key=lambda pair: pair[0], reverse=descending)
    return [quote for _, quote in known] + [quote for value, quote in valued if value is None]
