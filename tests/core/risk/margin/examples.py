"""Instruments and amounts for the tests of margin."""

from __future__ import annotations

from decimal import Decimal

from core.model.contracts import Contract, ExerciseStyle, PutOrCall
from core.model.instruments import Instrument
from core.model.measures import UNIT_DIGITS
from core.risk.margin.base import Line

CALL, PUT = PutOrCall.CALL, PutOrCall.PUT
DAY = 86_400_000_000_000


def money(amount: str | int | Decimal) -> int:
    """An amount in 10^-24."""
    return int(Decimal(amount).scaleb(UNIT_DIGITS))


def stock(name: str = "ACME", tick: str = "0.01") -> Instrument:
    return Instrument(f"{name}.X", name, "X", Decimal(tick), Decimal(1), "USD")


def option(
    right: PutOrCall,
    strike: str | int,
    expiry: int = 30,
    underlying: str = "ACME.X",
    multiplier: int = 100,
) -> Instrument:
    """An option that expires on a day; `underlying` is an instrument's id."""
    letter = "C" if right is CALL else "P"
    symbol = f"{underlying.split('.')[0]} {expiry} {strike} {letter}"
    return Instrument(
        f"{symbol}.X",
        symbol,
        "X",
        Decimal("0.01"),
        Decimal(1),
        "USD",
        Decimal(multiplier),
        kind="option",
        contract=Contract(underlying, right, Decimal(strike), expiry * DAY),
    )


def future(name: str = "SP", multiplier: int = 500, expiry: int = 90) -> Instrument:
    return Instrument(
        f"{name}{expiry}.X",
        name,
        "X",
        Decimal("0.01"),
        Decimal(1),
        "USD",
        Decimal(multiplier),
        kind="future",
        contract=Contract(name, expiry=expiry * DAY, style=ExerciseStyle.EUROPEAN),
    )


def ticks2(instrument: Instrument, price: str | Decimal) -> int:
    """Twice a price in ticks."""
    return 2 * instrument.ticks(Decimal(price))


def line(instrument: Instrument, qty: int, price: str | Decimal, **orders: int) -> Line:
    """A line at a price."""
    return Line(instrument).put(qty, ticks2(instrument, price), **orders)
