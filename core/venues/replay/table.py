"""CSV of trades or quotes with a header row; columns are found by name, numbers read exactly.

Times: `ts`, `time` or `timestamp`, as ISO-8601 or s, ms, us or ns since 1970. Trades: `price` and
`qty` (or `size`, `quantity`, `amount`), perhaps `side` or `aggressor`. Quotes: `bid`, `bid_qty`,
`ask`, `ask_qty`; an empty or zero side is not quoted. Perhaps `symbol`. A file may hold both.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from core.model.instruments import Instrument
from core.model.numbers import decimals, plain
from core.venues.replay.contents import Contents, changed, steps
from core.venues.replay.events import Knowledge, LogBuilder
from core.venues.replay.exact import decimal, time, units
from core.venues.replay.ladder import ASK, BID
from core.venues.replay.order import TOLERANCE, in_order
from core.venues.replay.problems import Problems, RecordingError
from core.venues.replay.sources import lines

VENUE = "FILE"
NO_CURRENCY = "XXX"  # ISO 4217: no currency is involved
_NAMES = {
    "time": ("ts", "time", "timestamp"),
    "price": ("price",),
    "qty": ("qty", "size", "quantity", "amount"),
    "side": ("side", "aggressor"),
    "symbol": ("symbol",),
    "bid": ("bid",),
    "bid_qty": ("bid_qty",),
    "ask": ("ask",),
    "ask_qty": ("ask_qty",),
}
_SIDES = {"": 0, "0": 0, "unknown": 0, "buy": 1, "b": 1, "1": 1, "sell": 2, "s": 2, "2": 2}
_TRADE = ("price", "qty")
_QUOTE = ("bid", "bid_qty", "ask", "ask_qty")


class Given(NamedTuple):
    """What the caller says and the file cannot."""

    tick: Decimal | None = None
    lot: Decimal | None = None
    currency: str = ""
    venue: str = ""


class _Row(NamedTuple):
    """A trade ``(price,) (qty,)``, a quote ``(bid, ask) (bid_qty, ask_qty)``, or one behind the
    other when the row holds both; `side` is None when there is no trade.
    """

    symbol: str
    prices: tuple[Decimal, ...]
    sizes: tuple[Decimal, ...]
    side: int | None


def recognise(line: bytes) -> bool:
    """Is this a header row of ours: a time and something with a price?"""
    names = _header(line.decode("utf-8-sig", "replace"), _delimiter(line))
    return "time" in names and ("price" in names or "bid" in names or "ask" in names)


def read(path: Path, problems: Problems, given: Given) -> Contents:
    """Read a file; see `recording.open_recording`."""
    for what, value in (("tick", given.tick), ("lot", given.lot)):
        if value is not None and not (value.is_finite() and value > 0):
            raise RecordingError(f"A {what} of {value} makes no sense; give one above 0.")
    notes: list[str] = []
    rows = _rows(path, problems)
    newest_first = all(a[1] >= b[1] for a, b in pairwise(rows))
    if newest_first and rows and rows[0][1] > rows[-1][1] + TOLERANCE:
        notes.append("The file has its newest row first; it is played from the oldest.")
        rows.reverse()
    # One scale for the file; the greatest common divisor then finds each instrument's steps.
    price_scale = _scale(given.tick, (price for _, _, row in rows for price in row.prices))
    qty_scale = _scale(given.lot, (size for _, _, row in rows for size in row.sizes))
    builder = LogBuilder(path.name, problems)
    tops: dict[int, dict[tuple[int, int], int]] = {}
    for number, at, row in in_order(rows, path.name, problems):
        builder.line = number
        try:
            prices = [_units(value, price_scale, given.tick, "price") for value in row.prices]
            sizes = [_units(value, qty_scale, given.lot, "quantity") for value in row.sizes]
        except ValueError as error:
            problems.add(path.name, number, f"{error}; the row is left out")
            continue
        owner = builder.instrument(row.symbol)
        if len(prices) > 1:
            (bid, ask), (bid_qty, ask_qty) = prices[-2:], sizes[-2:]
            bid, bid_qty = (bid, bid_qty) if bid and bid_qty else (0, 0)
            ask, ask_qty = (ask, ask_qty) if ask and ask_qty else (0, 0)
            levels = {(BID, bid): bid_qty, (ASK, ask): ask_qty}
            levels = {key: size for key, size in levels.items() if size}
            changes = changed(tops.get(owner, {}), levels)
            tops[owner] = levels
            if changes:
                builder.book(at, at, owner, changes)
            builder.quote(at, at, owner, bid, bid_qty, ask, ask_qty)
        if row.side is not None:
            builder.trade(at, at, owner, prices[0], sizes[0], row.side)
    return _contents(builder, given, price_scale, qty_scale, notes)


def _contents(
    builder: LogBuilder, given: Given, price_scale: int, qty_scale: int, notes: list[str]
) -> Contents:
    venue = given.venue.upper() or VENUE
    instruments, divisors = [], []
    for owner, symbol in enumerate(builder.names):
        (tick, lot), (by_price, by_qty) = steps(builder, owner, price_scale, qty_scale)
        if given.tick is not None:
            tick, by_price = given.tick, int(given.tick.scaleb(price_scale))
        if given.lot is not None:
            lot, by_qty = given.lot, int(given.lot.scaleb(qty_scale))
        divisors.append((by_price, by_qty))
        currency = given.currency or NO_CURRENCY
        instruments.append(
            Instrument(f"{symbol}.{venue}", symbol, venue, tick, lot, currency, name=symbol)
        )
    if given.tick is None and instruments:
        found = ", ".join(f"{i.symbol} {plain(i.tick)}/{plain(i.lot)}" for i in instruments[:4])
        notes.append(f"Tick and lot are taken from the numbers in the file: {found}.")
    log = builder.finish([i.id for i in instruments], divisors)
    return Contents(tuple(instruments), (Knowledge.TOP,) * len(instruments), log, notes)


def _rows(path: Path, problems: Problems) -> list[tuple[int, int, _Row]]:
    source = lines(path, problems)
    number, line = next(source)
    delimiter = _delimiter(line)
    names = _header(line.decode("utf-8-sig", "replace"), delimiter)
    width = line.count(delimiter.encode()) + 1
    trades, quotes = "price" in names, "bid" in names or "ask" in names
    wanted = ["time", *(_TRADE if trades else ()), *(_QUOTE if quotes else ())]
    missing = [name for name in wanted if name not in names]
    if missing:
        raise RecordingError(
            f"{path}, line {number}: the header row lacks {', '.join(missing)}. Trades need time,"
            " price, qty; quotes need time, bid, bid_qty, ask, ask_qty."
        )
    default = path.name.split(".")[0].upper() or "FILE"
    found = []
    for number, line in source:
        try:
            text = line.decode("utf-8")
            fields = next(csv.reader([text], delimiter=delimiter))
            if len(fields) < width:
                raise ValueError(f"the row has {len(fields)} fields and the header {width}")
            at = time(fields[names["time"]])
            found.append((number, at, _row(fields, names, trades, quotes, default)))
        except (ValueError, csv.Error) as error:
            problems.add(path.name, number, f"{error}; the row is left out")
    return found


def _row(
    fields: list[str], names: dict[str, int], trades: bool, quotes: bool, default: str
) -> _Row:
    texts = {name: fields[place].strip() for name, place in names.items()}
    prices: tuple[Decimal, ...] = ()
    sizes: tuple[Decimal, ...] = ()
    side = None
    if trades and (texts["price"] or texts["qty"] or not quotes):
        prices = (decimal(texts["price"], "price"),)
        sizes = (decimal(texts["qty"], "quantity"),)
        if not prices[0] or not sizes[0]:
            raise ValueError(f"price {prices[0]} and quantity {sizes[0]} must be above 0")
        word = texts.get("side", "").lower()
        if word not in _SIDES:
            raise ValueError(f"side “{word}” is not buy or sell")
        side = _SIDES[word]
    if quotes and (any(texts[name] for name in _QUOTE) or not trades):
        bid, bid_qty, ask, ask_qty = (decimal(texts[name] or "0", name) for name in _QUOTE)
        prices += (bid, ask)
        sizes += (bid_qty, ask_qty)
    if not prices:
        raise ValueError("the row holds neither a trade nor a quote")
    return _Row(texts.get("symbol", "").upper() or default, prices, sizes, side)


def _units(value: Decimal, scale: int, given: Decimal | None, what: str) -> int:
    if given is not None and value % given:
        raise ValueError(f"{what} {value} is not a multiple of {plain(given)}")
    return units(value, scale, what)


def _scale(given: Decimal | None, values: Iterable[Decimal]) -> int:
    """Most decimals that any of the numbers has."""
    found = decimals(given) if given is not None else 0
    return max(found, max((decimals(value) for value in values), default=0))


def _delimiter(line: bytes) -> str:
    return max(",;\t|", key=lambda sign: line.count(sign.encode()))


def _header(text: str, delimiter: str) -> dict[str, int]:
    """Where each known column stands."""
    fields = [field.strip().strip('"').lower() for field in text.split(delimiter)]
    found = {}
    for name, spellings in _NAMES.items():
        place = next((i for i, field in enumerate(fields) if field in spellings), None)
        if place is not None:
            found[name] = place
    return found
