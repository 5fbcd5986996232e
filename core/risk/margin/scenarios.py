"""The 16 scenarios of price and volatility, and what one contract loses in each.

Arrays are pairs of lists of whole numbers of 10^-9 of the unit of the price: what one lot bought
loses, rounded up, and the same rounded down, which is what one lot sold gains at least.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import ceil, floor

from core.risk.margin.base import WHOLE
from core.risk.margin.black import black76, delta76

YEAR = 365 * 86_400_000_000_000
FINE = 1_000_000_000
"""A model price is cut to this part of the unit of the price before it becomes money."""

THIRDS = (0, 0, 1, 1, -1, -1, 2, 2, -2, -2, 3, 3, -3, -3)
"""The moves of the first 14 scenarios in thirds of the range, volatility up first."""


@dataclass(frozen=True, slots=True)
class ScanTerms:
    """The parameters of one product; money is per contract (lot) in its currency.

    `price_scan` is in the price of the underlying, `vol_scan` in volatility (0.05: five points) or,
    when `vol_relative`, a part of the volatility. `volatility` is used for options that were given
    none. `initial` is what the initial requirement is of the maintenance requirement.

    Raises:
        ValueError: when a range is not above 0 or another parameter is negative.
    """

    price_scan: Decimal
    vol_scan: Decimal = Decimal(0)
    vol_relative: bool = False
    volatility: Decimal = Decimal("0.2")
    rate: Decimal = Decimal(0)
    extreme: Decimal = Decimal(3)
    cover: Decimal = Decimal("0.33")
    spread_charge: Decimal = Decimal(0)
    short_option: Decimal = Decimal(0)
    initial: Decimal = Decimal(1)
    net_option_value: bool = True

    def __post_init__(self) -> None:
        for name in ("vol_scan", "volatility", "extreme", "cover", "spread_charge", "short_option"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; use 0 or more.")
        if not self.price_scan > 0:
            raise ValueError(f"price_scan is {self.price_scan}; use a range above 0.")
        if not self.initial >= 1:
            raise ValueError(f"initial is {self.initial}; use 1 or more.")


def futures_array(terms: ScanTerms) -> tuple[list[int], list[int]]:
    """The array of a future: it loses what its price moves."""
    exact = [-move * FINE for move in _moves(terms)]
    exact[14:] = [loss * terms.cover for loss in exact[14:]]
    return [ceil(x) for x in exact], [floor(x) for x in exact]


def option_array(
    terms: ScanTerms, call: bool, price: float, strike: float, years: float, volatility: float
) -> tuple[list[int], list[int], int]:
    """The array of an option by Black's model, and its delta in parts of 10^-9."""
    moves = [float(move) for move in _moves(terms)]
    rate, cover = float(terms.rate), float(terms.cover)
    shift = float(terms.vol_scan) * (volatility if terms.vol_relative else 1.0)
    high, low = volatility + shift, max(0.0, volatility - shift)
    now = black76(call, price, strike, years, volatility, rate)
    losses = [
        now - black76(call, price + move, strike, years, low if at % 2 else high, rate)
        for at, move in enumerate(moves[:14])
    ]
    losses += [
        (now - black76(call, price + move, strike, years, volatility, rate)) * cover
        for move in moves[14:]
    ]
    delta = round(delta76(call, price, strike, years, volatility, rate) * WHOLE)
    return [ceil(x * FINE) for x in losses], [floor(x * FINE) for x in losses], delta


def _moves(terms: ScanTerms) -> list[Decimal]:
    far = terms.price_scan * terms.extreme
    return [*(terms.price_scan * thirds / 3 for thirds in THIRDS), far, -far]


def scenario_words(at: int) -> str:
    """What a scenario is, for people: "price -2/3, volatility up"."""
    if at >= 14:
        return f"extreme move {'up' if at == 14 else 'down'}"
    thirds = THIRDS[at]
    price = "unchanged" if thirds == 0 else f"{thirds:+d}/3"
    return f"price {price}, volatility {'down' if at % 2 else 'up'}"
