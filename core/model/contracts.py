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
    currency of the price and is settled in the other currency: its money is multiplier / price.
    """

    underlying: str = ""
    right: PutOrCall | None = None
    strike: Decimal = Decimal(0)
    expiry: int = 0
    style: ExerciseStyle = ExerciseStyle.AMERICAN
    inverse: bool = False
    cash_settled: bool = False
