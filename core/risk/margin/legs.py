"""Options of one underlying as legs, and what a short one needs alone.

FINRA Rule 4210(f)(2) (the Cboe's Rule 10.3, formerly 12.3, is the same): a short option needs its
premium plus 20 % of the underlying (15 % for a broad-based index) less what it is out of the
money, at least its premium plus 10 % of the underlying for a call and of the strike for a put.
All amounts are for one lot of the option, in integers of 10^-24.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from core.model.contracts import PutOrCall
from core.model.instruments import Instrument
from core.model.measures import money_units
from core.model.numbers import EXACT
from core.risk.margin.base import parts, up, whole

CALL = PutOrCall.CALL


@dataclass(frozen=True, slots=True)
class OptionTerms:
    """How the options of one underlying are margined; a leveraged fund's rates are multiplied.

    `rate` of the underlying's value, at least `minimum` of it (of the strike, for a put).
    `long_term` is the requirement of a long option that has more than nine months to run, 1 to
    have every one paid in full; Regulation T, 12 CFR 220.12(f), and 4210(f)(2)(F) allow 0.75.

    Raises:
        ValueError: when `long_term` is below 0.75 or above 1.
    """

    rate: Decimal = Decimal("0.2")
    minimum: Decimal = Decimal("0.1")
    long_term: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        if not Decimal("0.75") <= self.long_term <= 1:
            raise ValueError(f"long_term is {self.long_term}; it must be 0.75 to 1.")


BROAD_INDEX = OptionTerms(rate=Decimal("0.15"))


class Leg:
    """The part of an option that does not change, and its prices."""

    __slots__ = ("_least", "_minimum", "_rate", "call", "expiry", "name", "size", "strike", "units")

    def __init__(self, instrument: Instrument, terms: OptionTerms) -> None:
        contract = instrument.contract
        if contract is None or contract.right is None or contract.strike <= 0:
            raise ValueError(f"{instrument.id} is no option with a strike.")
        self.name = instrument.id
        self.call = contract.right is CALL
        self.expiry = contract.expiry
        self.size = EXACT.multiply(instrument.lot, instrument.multiplier)
        self.strike = whole(EXACT.multiply(contract.strike, self.size), f"{self.name}: strike")
        self.units = money_units(instrument)
        self._rate = parts(terms.rate, "rate")
        self._minimum = parts(terms.minimum, "minimum")
        self._least = up(self.strike, self._minimum)

    def premium(self, mark2: int) -> int:
        """What one lot is worth, rounded up."""
        return -(-mark2 * self.units // 2)

    def alone(self, spot: int) -> int:
        """What one short lot needs beyond its premium; `spot` is what its underlying is worth."""
        return self.beyond(spot, up(spot, self._rate), up(spot, self._minimum))

    def beyond(self, spot: int, need: int, least: int) -> int:
        """The same, where the rate and the minimum of the underlying's worth are known."""
        if self.call:
            away = self.strike - spot
        else:
            away, least = spot - self.strike, self._least
        if away > 0:
            need -= away
        return need if need > least else least


class Short(NamedTuple):
    """So many lots of a short option: what each needs `alone`, premium and all."""

    leg: Leg
    qty: int
    premium: int
    alone: int


class Long(NamedTuple):
    """So many lots of a long option."""

    leg: Leg
    qty: int
