"""How numbers and orders are written for people: one place, so that all panels say the same.

Numbers on the screen have as many decimals as their step needs, always the same number of them,
and thousands separators. Nothing here is for files or messages: those take `Decimal` as it is.
No Qt in here.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal

from core.model.commands import NewOrder
from core.model.enums import (
    OrdStatus,
    OrdType,
    PegReference,
    PositionEffect,
    Side,
    TimeInForce,
)
from core.model.instruments import Instrument
from core.model.numbers import decimals
from core.model.orders import Order

NOTHING = "—"
"""What stands where a value is not known. Never 0."""

SIDE_WORDS = {Side.BUY: "BUY", Side.SELL: "SELL"}
TYPE_WORDS = {
    OrdType.MARKET: "Market",
    OrdType.LIMIT: "Limit",
    OrdType.STOP: "Stop",
    OrdType.STOP_LIMIT: "Stop limit",
    OrdType.MARKET_IF_TOUCHED: "Market if touched",
    OrdType.LIMIT_IF_TOUCHED: "Limit if touched",
    OrdType.TRAILING_STOP: "Trailing stop",
    OrdType.TRAILING_STOP_LIMIT: "Trailing stop limit",
    OrdType.PEGGED: "Pegged",
}
PEG_WORDS = {
    PegReference.PRIMARY: "own best",
    PegReference.MID: "mid",
    PegReference.MARKET: "other side",
}
TIF_WORDS = {
    TimeInForce.DAY: "DAY",
    TimeInForce.GTC: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.GTD: "GTD",
    TimeInForce.AT_THE_OPENING: "OPG",
    TimeInForce.AT_THE_CLOSE: "CLS",
}
TIF_MEANINGS = {
    TimeInForce.DAY: "Good for the day",
    TimeInForce.GTC: "Good till cancelled",
    TimeInForce.IOC: "Immediate or cancel",
    TimeInForce.FOK: "Fill or kill",
    TimeInForce.GTD: "Good till date",
    TimeInForce.AT_THE_OPENING: "At the opening",
    TimeInForce.AT_THE_CLOSE: "At the close",
}
STATUS_WORDS = {
    OrdStatus.NEW: "Working",
    OrdStatus.PARTIALLY_FILLED: "Partly filled",
    OrdStatus.FILLED: "Filled",
    OrdStatus.DONE_FOR_DAY: "Done for day",
    OrdStatus.CANCELED: "Cancelled",
    OrdStatus.PENDING_CANCEL: "Pending cancel",
    OrdStatus.REJECTED: "Rejected",
    OrdStatus.SUSPENDED: "Suspended",
    OrdStatus.PENDING_NEW: "Pending new",
    OrdStatus.EXPIRED: "Expired",
    OrdStatus.PENDING_REPLACE: "Pending replace",
    OrdStatus.UNKNOWN: "Unknown",
}

_SCREEN = Context(prec=60, rounding=ROUND_HALF_EVEN)


def format_number(
    value: Decimal, places: int, *, grouped: bool = True, signed: bool = False
) -> str:
    """A number with exactly `places` decimals: ``64,210.50``; `signed` puts ``+`` before gains."""
    rounded = value.quantize(Decimal(1).scaleb(-places), context=_SCREEN)
    if rounded == 0:
        rounded = abs(rounded)
    sign = "+" if signed and rounded > 0 else ""
    return sign + format(rounded, f"{',' if grouped else ''}.{places}f")


def format_price(ticks: int, instrument: Instrument, *, grouped: bool = True) -> str:
    """A price in ticks as it stands on the screen: ``64,210.5``."""
    return format_number(instrument.price(ticks), decimals(instrument.tick), grouped=grouped)


def format_qty(
    lots: int, instrument: Instrument, *, grouped: bool = True, signed: bool = False
) -> str:
    """A quantity in lots as it stands on the screen: ``0.50``."""
    value = instrument.quantity(lots)
    return format_number(value, decimals(instrument.lot), grouped=grouped, signed=signed)


def format_money(value: Decimal | None, currency: str = "", *, signed: bool = True) -> str:
    """Money to the cent with its sign: ``+1,250.00 USD``; None is a dash, never 0."""
    if value is None:
        return NOTHING
    text = format_number(value, 2, signed=signed)
    return f"{text} {currency}" if currency else text


def format_average(value: Decimal | None, instrument: Instrument) -> str:
    """An average price with one decimal more than the instrument's prices."""
    return NOTHING if value is None else format_number(value, decimals(instrument.tick) + 1)


def format_duration(nanoseconds: int) -> str:
    """A span of time in at most two parts: ``3.2 s``, ``4 m 05 s``, ``2 h 10 m``, ``3 d 4 h``."""
    seconds = max(0, nanoseconds) // 1_000_000_000
    if seconds < 60:
        tenths = max(0, nanoseconds) // 100_000_000
        return f"{tenths // 10}.{tenths % 10} s"
    if seconds < 3_600:
        return f"{seconds // 60} m {seconds % 60:02d} s"
    if seconds < 86_400:
        return f"{seconds // 3_600} h {seconds % 3_600 // 60:02d} m"
    return f"{seconds // 86_400} d {seconds % 86_400 // 3_600} h"


def format_instant(ts: int) -> str:
    """A moment to the second at most, in UTC and saying so: ``22 Nov 14:00 UTC``."""
    moment = datetime.fromtimestamp(ts // 1_000_000_000, UTC)
    seconds = f":{moment:%S}" if moment.second else ""
    return f"{moment:%d %b %H:%M}{seconds} UTC"


def _ticks(count: int) -> str:
    return f"{count:,} tick{'' if abs(count) == 1 else 's'}"


def price_words(order: NewOrder | Order, instrument: Instrument) -> str:
    """At what price: ``@ 64,210.5``, ``stop 64,200.0 limit 64,199.0``, ``trailing 20 ticks``.

    Of a placed order that follows the market it is said where it stands now.
    """
    kind, placed = order.ord_type, isinstance(order, Order)
    stop = format_price(order.stop_price, instrument)
    price = format_price(order.price, instrument)
    if kind is OrdType.LIMIT:
        return f"@ {price}"
    if kind in (OrdType.STOP, OrdType.STOP_LIMIT):
        return f"stop {stop}" + (f" limit {price}" if kind is OrdType.STOP_LIMIT else "")
    if kind in (OrdType.MARKET_IF_TOUCHED, OrdType.LIMIT_IF_TOUCHED):
        limit = f" limit {price}" if kind is OrdType.LIMIT_IF_TOUCHED else ""
        return f"if touched {stop}{limit}"
    if kind in (OrdType.TRAILING_STOP, OrdType.TRAILING_STOP_LIMIT):
        away = f"{Decimal(order.trail_bp) / 100:f} %" if order.trail_bp else _ticks(order.trail)
        begin = f" {'now' if placed else 'from'} {stop}" if order.stop_price else ""
        limited = kind is OrdType.TRAILING_STOP_LIMIT
        offset = order.limit_offset
        beyond = f" limit {_ticks(offset)} beyond" if offset else " limit at the stop"
        beyond = beyond if limited else ""
        return f"trailing {away}{begin}{beyond}"
    if kind is OrdType.PEGGED:
        peg = PEG_WORDS[order.peg] if order.peg is not None else NOTHING
        offset = f" {order.peg_offset:+d}t" if order.peg_offset else ""
        most = "now @" if placed else "at most" if order.side is Side.BUY else "at least"
        return f"pegged to {peg}{offset}" + (f" {most} {price}" if order.price else "")
    return "at market"


def terms_words(order: NewOrder | Order, instrument: Instrument) -> str:
    """At what price and how long: ``@ 64,210.5 GTC post-only``."""
    words = [price_words(order, instrument), TIF_WORDS[order.tif]]
    if order.tif is TimeInForce.GTD and order.expire:
        words.append(format_instant(order.expire))
    if order.display_qty:
        words.append(f"showing {format_qty(order.display_qty, instrument)}")
    if order.post_only:
        words.append("post-only")
    if order.reduce_only:
        words.append("reduce-only")
    return " ".join(words)


def order_sentence(order: NewOrder | Order, instrument: Instrument) -> str:
    """The whole order in one line: ``BUY 0.50 BTC-USD @ 64,210.5 GTC``."""
    quantity = format_qty(order.qty, instrument)
    terms = terms_words(order, instrument)
    closes = " to close" if order.position_effect is PositionEffect.CLOSE else ""
    return f"{SIDE_WORDS[order.side]} {quantity} {instrument.symbol} {terms}{closes}"


def state_words(order: Order) -> str:
    """How an order stands, and who holds it: ``Working, held here``."""
    if order.status is OrdStatus.SUSPENDED and order.parent:
        return "Waits for its entry, held here"
    words = STATUS_WORDS[order.status]
    return f"{words}, held here" if order.held and order.working else words


_FIGURES = re.compile(r"([A-Z][A-Z_]*): (?:\w+=\S+, )*\w+=\S+\. (?=\S)")
"""``CODE: limit=1, value=2, scope=account:A, order=7.`` before a sentence."""


_AT_ONCE = re.compile(r"would (?:have )?(?:trade|cross|take)", re.IGNORECASE)
"""How venues say that a post-only order cannot rest."""


def refusal_sentence(order: Order) -> str:
    """Why an order was denied or rejected, as far as anyone said: the sentence for people first.

    The figures for machines that stand before it are left to the blotter's column. Where a
    post-only order would have traded, the remedy is added.
    """
    text = order.text or "No reason was given."
    if order.post_only and _AT_ONCE.search(text):
        remedy = "Send it without post-only, or one tick or more further away."
        text = f"{text.rstrip()} {remedy}"
    figures = _FIGURES.match(text)
    if figures is not None:
        return f"{text[figures.end() :]} ({figures[1]})"
    told = order.code in ("", OrdStatus.REJECTED.name) or order.code in text
    return text if told else f"{order.code}: {text}"
