"""What a derivative is a contract on: right, strike, expiry, underlying, form."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum, IntEnum

from core.model.message import Part


class PutOrCall(IntEnum):
    """FIX PutOrCall (201)."""

    PUT = 0
    CALL = 1


class ExerciseStyle(Enum):
    """FIX ExerciseStyle (1194)."""

    EUROPEAN = "0"
    AMERICAN = "1"


class Contract(Part, frozen=True):
    """The terms of a derivative; one unit of it is the instrument's multiplier of `underlying`.

    `underlying` is an instrument's id, or the name of what several contracts share. An option has
    a `right` and a `strike` in the price of the underlying; a future or an option has an `expiry`
    in UTC nanoseconds, a perpetual has 0. An `inverse` contract is worth the multiplier in the
    currency of the price and is settled in the other currency, the instrument's: its money is
    multiplier / price, which each execution rounds to a whole number of `quantum`, half away from
    zero (a hundred-millionth of the coin, as venues settle, unless they tell otherwise).
    """

    underlying: str = ""
    right: PutOrCall | None = None
    strike: Decimal = Decimal(0)
    expiry: int = 0
    style: ExerciseStyle = ExerciseStyle.AMERICAN
    inverse: bool = False
    cash_settled: bool = False
    quantum: Decimal = Decimal("0.00000001")


def inverse_cost(face: int, price: int, lots: int) -> int:
    """What `lots` (signed) of an inverse contract cost at a price in ticks, in quanta.

    `face` is what one lot at a price of one tick is worth. Buying is a liability of the money that
    the contract stands for, so the cost of a purchase is negative and nearer to zero the higher
    the price: profit is what is got less what it cost, as with everything else. Rounded half away
    from zero, so that a purchase and a sale at one price cancel out.
    """
    whole = 2 * face * lots
    return -((whole + price) // (2 * price)) if lots > 0 else (price - whole) // (2 * price)
