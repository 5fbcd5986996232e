"""Reading exact numbers and times from recorded text."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, InvalidOperation
from math import gcd

SECOND = 1_000_000_000
EARLIEST = 631_152_000 * SECOND  # 1990-01-01
LATEST = 4_102_444_800 * SECOND  # 2100-01-01
MAX_DECIMALS = 12
MAX_UNITS = 1 << 62

_ISO = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?"
    r"\s*(Z|UTC|[+-]\d\d:?\d\d)?"
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def decimal(text: str, what: str) -> Decimal:
    """A plain number of at least 0.

    Raises:
        ValueError: with a sentence that names `what`, when it is anything else.
    """
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{what} “{text}” is not a number") from None
    if not value.is_finite():
        raise ValueError(f"{what} “{text}” is not a finite number")
    if value < 0:
        raise ValueError(f"{what} {text} is negative")
    if value and (not -MAX_DECIMALS <= value.adjusted() < 15 or _decimals(value) > MAX_DECIMALS):
        raise ValueError(f"{what} {text} is absurd: more than {MAX_DECIMALS} decimals or 15 digits")
    return value


def _decimals(value: Decimal) -> int:
    """How many digits after the point a number of usual size needs."""
    exact = Context(prec=len(value.as_tuple().digits)).normalize(value).as_tuple().exponent
    assert isinstance(exact, int)
    return -exact


def units(value: Decimal, scale: int, what: str) -> int:
    """`value` in units of 10^-scale, exactly.

    Raises:
        ValueError: when it has more decimals, or is too large for an exact 64-bit number.
    """
    scaled = value.scaleb(scale)
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{what} {value} has more than {scale} decimals")
    if whole >= MAX_UNITS:
        raise ValueError(f"{what} {value} is absurdly large")
    return whole


def step(common: int, scale: int) -> Decimal:
    """The step of numbers whose greatest common divisor is `common` units of 10^-scale.

    Never more than 1, and 1 is a whole number of steps: three quotes at 100, 101 and 103 do not
    make 100 a tick, nor 0.03 and 0.06 make it 0.03.
    """
    return Decimal(gcd(common, 10**scale)).scaleb(-scale).normalize() + Decimal(0)


def epoch(text: str) -> int:
    """UTC nanoseconds of a time since 1970 in seconds, ms, us or ns; its size tells which.

    Raises:
        ValueError: when it is no number or not between 1990 and 2100.
    """
    value = Decimal(text)
    for factor in (SECOND, 1_000_000, 1_000, 1):
        scaled = value * factor
        if EARLIEST <= scaled < LATEST:
            return int(scaled)
    raise ValueError(f"time {text} is not between 1990 and 2100 in s, ms, us or ns")


def time(text: str) -> int:
    """UTC nanoseconds of an ISO-8601 time (UTC unless it says otherwise) or a time since 1970.

    Raises:
        ValueError: with a sentence, when it is neither.
    """
    cleaned = text.strip()
    if _NUMBER.fullmatch(cleaned):
        return epoch(cleaned)
    match = _ISO.fullmatch(cleaned)
    if match is None:
        raise ValueError(f"“{text}” is not a time; write 2024-08-09T00:00:01.5Z or 1723161601500")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second or 0), tzinfo=UTC
        )
    except ValueError as error:
        raise ValueError(f"“{text}” is not a time: {error}") from None
    if zone and zone[0] in "+-":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        moment -= offset if zone[0] == "+" else -offset
    whole = int(moment.timestamp()) * SECOND + int((fraction or "").ljust(9, "0"))
    if not EARLIEST <= whole < LATEST:
        raise ValueError(f"“{text}” is not between 1990 and 2100")
    return whole


def shown(ts: int) -> str:
    """A time as a sentence names it."""
    try:
        moment = datetime.fromtimestamp(ts // SECOND, UTC)
    except (OverflowError, OSError, ValueError):
        return f"{ts} ns"
    return f"{moment:%Y-%m-%d %H:%M:%S}.{ts % SECOND // 1_000_000:03d} UTC"
