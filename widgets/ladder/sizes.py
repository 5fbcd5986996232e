"""Sizes short enough for a column: one unit and one number of decimals for all rows. No Qt."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context
from typing import NamedTuple

from core.model.instruments import Instrument
from core.model.numbers import decimals
from widgets.words import format_number

MOST_PLACES = 3
"""Decimals of the market's sizes; own sizes always show every digit that counts."""

_CACHE = 20_000
_SCREEN = Context(prec=40, rounding=ROUND_HALF_EVEN)


class _Level(NamedTuple):
    places: int
    exponent: int
    below: int
    unit: str


_LARGE = (
    _Level(1, 3, 10**7, "k"),
    _Level(1, 6, 10**10, "M"),
    _Level(1, 9, 10**40, "G"),
)


class SizeFormat:
    """Writes lots of one instrument in at most seven characters.

    Attributes:
        unit: ``k``, ``M``, ``G`` or nothing; the same for all sizes of a column.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.unit = ""
        self._instrument = instrument
        finest = min(decimals(instrument.lot), MOST_PLACES)
        self._levels = (
            *(_Level(p, 0, 10 ** (5 - p), "") for p in range(finest, -1, -1)),
            *_LARGE,
        )
        self._at = 0
        self._finest = finest
        self._cache: dict[int, str] = {}

    def fit(self, most: int) -> None:
        """Choose decimals and unit for sizes up to `most` lots.

        They grow coarser at once and finer only when sizes are eight times smaller, so that the
        column does not flicker.
        """
        whole = int(self._instrument.quantity(most))
        if whole >= self._levels[self._at].below or (
            self._at and whole * 8 < self._levels[self._at - 1].below
        ):
            self._at = next(i for i, step in enumerate(self._levels) if whole < step.below)
            self.unit = self._levels[self._at].unit
            self._cache.clear()

    def text(self, lots: int) -> str:
        """A size as others see it; empty for 0."""
        if not lots:
            return ""
        known = self._cache.get(lots)
        if known is None:
            if len(self._cache) > _CACHE:
                self._cache.clear()
            step = self._levels[self._at]
            value = self._instrument.quantity(lots).scaleb(-step.exponent, _SCREEN)
            known = self._cache[lots] = format_number(value, step.places)
        return known

    def own(self, lots: int) -> str:
        """An own size with every digit that counts."""
        value = self._instrument.quantity(lots)
        return format_number(value, max(decimals(value) if value else 0, min(self._finest, 2)))


def bar_scale(most: int) -> int:
    """A round number at or above `most` that bars are drawn against.

    It has three significant bits, so that bars do not all move at every change of the largest.
    """
    if most < 8:
        return max(most, 1)
    shift = most.bit_length() - 3
    return -(-most >> shift) << shift


def share(lots: int, scale: int) -> int:
    """How much of a bar `lots` fill, in hundredths; at least 2 for anything above 0."""
    return 0 if lots <= 0 else min(max(lots * 100 // scale, 2), 100)
