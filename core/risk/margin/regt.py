"""Regulation T stock margin with FINRA's maintenance requirements.

Initial: 50 % of a long position, 150 % of a short one of which the sale's proceeds are 100 %
(Regulation T, 12 CFR 220.12(a) and (c)). Maintenance (FINRA Rule 4210(c)): 25 % long; short,
at $5.00 or more a share the greater of $5.00 a share and 30 %, below $5.00 the greater of $2.50
a share and 100 %. The initial requirement is never below the maintenance requirement, and with
any position the equity must be $2,000 (4210(b)), though never more than the cost of what is
bought. A house may ask for more for an instrument, never for less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from core.model.instruments import Instrument
from core.model.measures import money_units
from core.model.numbers import EXACT
from core.risk.margin.base import (
    WHOLE,
    Line,
    LineModel,
    Requirement,
    no_price,
    parts,
    slip,
    up,
    whole,
)

FIVE = Decimal(5)


@dataclass(frozen=True, slots=True)
class StockTerms:
    """Rates of one stock; the defaults are the rules' own. 1 for `initial_long`: not marginable.

    Raises:
        ValueError: when a rate is below what the rules ask.
    """

    initial_long: Decimal = Decimal("0.5")
    initial_short: Decimal = Decimal("0.5")
    maintenance_long: Decimal = Decimal("0.25")
    maintenance_short: Decimal = Decimal("0.3")

    def __post_init__(self) -> None:
        for name, least in (
            ("initial_long", "0.5"),
            ("initial_short", "0.5"),
            ("maintenance_long", "0.25"),
            ("maintenance_short", "0.3"),
        ):
            if not getattr(self, name) >= Decimal(least):
                raise ValueError(f"{name} is {getattr(self, name)}; the rules ask {least}.")


class StockRates:
    """The requirement of any number of lots of one stock, in integers."""

    __slots__ = ("_five2", "_initial", "_initial_short", "_keep", "_keep_short", "_share", "units")

    def __init__(self, instrument: Instrument, terms: StockTerms) -> None:
        self.units = money_units(instrument)
        self._initial = parts(terms.initial_long, "initial_long")
        self._initial_short = parts(terms.initial_short, "initial_short")
        self._keep = parts(terms.maintenance_long, "maintenance_long")
        self._keep_short = parts(terms.maintenance_short, "maintenance_short")
        shares = EXACT.multiply(instrument.lot, instrument.multiplier)
        self._share = whole(shares, f"{instrument.id}: lot x multiplier")
        # Twice the ticks of $5.00, rounded up: a mark at or above it is not below $5.00.
        self._five2 = int(-(-2 * FIVE // instrument.tick))

    def value(self, lots: int, mark2: int) -> int:
        """What `lots` (not negative) are worth, rounded up."""
        return -(-lots * mark2 * self.units // 2)

    def long(self, lots: int, mark2: int) -> tuple[int, int]:
        """Initial and maintenance requirement of `lots` held long."""
        value = -(-lots * mark2 * self.units // 2)
        initial, keep = up(value, self._initial), up(value, self._keep)
        return (initial if initial > keep else keep), keep

    def short(self, lots: int, mark2: int) -> tuple[int, int]:
        """Initial and maintenance requirement of `lots` (positive) sold short, proceeds apart."""
        value = -(-lots * mark2 * self.units // 2)
        if mark2 >= self._five2:
            keep, least = up(value, self._keep_short), 5 * lots * self._share
        else:
            keep = value if self._keep_short < WHOLE else up(value, self._keep_short)
            least = -(-5 * lots * self._share // 2)
        if keep < least:
            keep = least
        initial = up(value, self._initial_short)
        return (initial if initial > keep else keep), keep


class RegTMargin(LineModel):
    """Stocks on margin. `terms` are a house's own by instrument id; others have the rules' rates.

    `minimum` is the least equity for any position (4210(b)), 0 to leave it out.
    """

    def __init__(
        self,
        terms: Mapping[str, StockTerms] | None = None,
        minimum: Decimal = Decimal(2000),
    ) -> None:
        super().__init__()
        self._terms = dict(terms or {})
        self._minimum = whole(minimum, "minimum equity")
        self._rates: dict[str, StockRates] = {}

    def add(self, line: Line) -> None:
        name = line.instrument.id
        self._rates[name] = StockRates(line.instrument, self._terms.get(name, StockTerms()))
        super().add(line)

    def _need(
        self, line: Line, buys: int, sells: int, buy2: int, sell2: int
    ) -> tuple[int, int, int, int, str]:
        held, mark2 = line.qty, line.mark2
        if not (held or buys or sells):
            return 0, 0, 0, 0, ""
        if mark2 <= 0:
            return 0, 0, 0, 0, no_price(line)
        rates = self._rates[line.instrument.id]
        long, short = held + buys, sells - held
        initial = keep = credit = cost = 0
        if long > 0:
            initial, keep = rates.long(long, mark2)
            cost = rates.value(long, mark2)
        if short > 0:
            start, hold = rates.short(short, mark2)
            initial, keep = max(initial, start), max(keep, hold)
            credit = rates.value(short, mark2)
        if buy2 or sell2:
            lost2 = slip(buys, sells, buy2, sell2, mark2)
            if lost2:
                lost = -(-lost2 * rates.units // 2)
                initial += lost
                keep += lost
        return initial, keep, credit, cost, ""

    def _all(
        self, initial: int, maintenance: int, credit: int, cost: int, problem: str
    ) -> Requirement:
        least = self._minimum
        if not credit and cost < least:
            least = cost
        return Requirement(initial if initial > least else least, maintenance, credit, problem)


class RegTFigures(NamedTuple):
    """What a margin account's screen shows; money as integers of 10^-24, rounded down.

    `excess` is equity above the initial requirement (negative: the account is restricted),
    `initial_call` and `maintenance_call` what must be brought in, `buying_power` the value of
    stock at 50 % that could be bought, `day_trading` the same within the day.
    """

    excess: int
    initial_call: int
    maintenance_call: int
    buying_power: int
    day_trading: int


def figures(
    equity: int, need: Requirement, sma: int = 0, close_excess: int | None = None
) -> RegTFigures:
    """Excess equity, calls and buying power.

    Buying power is twice the greater of excess equity and `sma`, as long as the maintenance
    requirement is met after it. `close_excess` is the equity above the maintenance requirement at
    the last close of a pattern day trader: four times that is the day-trading buying power
    (FINRA Rule 4210(f)(8)(B)).
    """
    excess = equity - need.initial
    call = need.maintenance - equity
    power = 2 * max(excess, sma)
    # Buying for x at 25 % maintenance leaves equity - maintenance - x/4.
    power = max(0, min(power, -4 * call))
    day = 0 if close_excess is None else max(0, 4 * close_excess)
    return RegTFigures(excess, max(0, -excess), max(0, call), power, day)


class SpecialMemorandum:
    """The special memorandum account: a line of credit that rising prices add to and keep.

    Regulation T, 12 CFR 220.5. Deposits, dividends and interest add their full amount, sales half
    of their proceeds, purchases and short sales take their initial requirement, withdrawals all;
    marking to the market raises it to the excess equity and never lowers it.
    """

    __slots__ = ("balance",)

    def __init__(self, balance: int = 0) -> None:
        self.balance = balance

    def cash(self, amount: int) -> None:
        """A deposit, dividend or interest; a withdrawal when negative."""
        self.balance += amount

    def opened(self, initial: int) -> None:
        """A position was opened that needs `initial`."""
        self.balance -= initial

    def closed(self, proceeds: int) -> None:
        """A position was closed for `proceeds`: half is released."""
        self.balance += proceeds // 2

    def mark(self, excess: int) -> None:
        """The account was marked to the market."""
        if excess > self.balance:
            self.balance = excess
