"""Exact numbers: integers of a step inside, `Decimal` at the edges.

A price is a whole number of ticks and a quantity a whole number of lots of its instrument.
Money is a `Decimal` with as many digits as it needs. Nothing here ever rounds silently.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal, Inexact, InvalidOperation

EXACT = Context(prec=60, traps=[Inexact, InvalidOperation])
"""Decimal arithmetic that raises `decimal.Inexact` instead of rounding."""

ZERO = Decimal(0)

_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:[,_ ][0-9]{3})+(?:\.[0-9]*)?")


class NotExactError(ValueError):
    """A number that cannot be represented exactly where it was to be stored."""


def parse_decimal(text: str) -> Decimal:
    """Read a finite decimal number as people type it: ``1_000.50``, ``1,000.50``, ``-3``.

    Raises:
        ValueError: with a sentence that names the text, when it is not a finite number.
    """
    cleaned = text.strip()
    if _THOUSANDS.fullmatch(cleaned):
        cleaned = re.sub("[,_ ]", "", cleaned)
    elif re.search("[,_]", cleaned):
        raise ValueError(
            f"“{text}” is not a number: commas part thousands, as in 1,000.5, and decimals stand"
            " behind a point; write it like 1234.5."
        )
    try:
        value = Decimal(cleaned)
    except InvalidOperation:
        raise ValueError(f"“{text}” is not a number; write it like 1234.5.") from None
    if not value.is_finite():
        raise ValueError(f"“{text}” is not a finite number; write it like 1234.5.")
    return value


def to_steps(value: Decimal, step: Decimal) -> int:
    """How many whole `step`s `value` is: a price in ticks, a quantity in lots.

    Raises:
        NotExactError: when `value` is not finite or not a multiple of `step`.
    """
    if not value.is_finite():
        raise NotExactError(f"{value} is not a finite number.")
    count = value / step
    whole = int(count.to_integral_value())
    if whole * step != value:
        raise NotExactError(f"{plain(value)} is not a multiple of {plain(step)}.")
    return whole


def from_steps(steps: int, step: Decimal) -> Decimal:
    """The exact `Decimal` value of a whole number of steps."""
    return EXACT.multiply(Decimal(steps), step)


def plain(value: Decimal) -> str:
    """Digits without exponent and without losing or adding precision: ``0.00001``, ``1500``."""
    return format(value, "f")


def decimals(step: Decimal) -> int:
    """How many digits after the point a number of this step needs on the screen."""
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
