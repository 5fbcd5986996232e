"""What may be typed into a price or quantity field: ``64,210.5  bid+2t  mid  25%  1.5k``.

Numbers that were typed must lie on the grid; they are never rounded silently. What is computed
(``mid``, ``avg``, a percentage) is rounded down to a whole step and the note says so. No Qt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from core.model.numbers import ZERO, NotExactError, decimals, plain, to_steps
from widgets.words import format_number

NAMES = ("bid", "ask", "mid", "last", "avg")
"""Names of prices that an expression may use."""

_COMPUTED = frozenset({"mid", "avg"})
_FACTORS = {"": Decimal(1), "k": Decimal(1_000), "m": Decimal(1_000_000)}
_TERM = re.compile(
    r"\s*(?:(?P<name>[a-z]+)|(?P<number>[0-9][0-9,_]*\.?[0-9]*|\.[0-9]+)\s*(?P<unit>[tkm%]?))\s*"
)
_GROUPED = re.compile(r"(?:[0-9]+|[0-9]{1,3}(?:[,_][0-9]{3})+)?(?:\.[0-9]*)?")
_MOST_DIGITS = 40


class ExpressionError(ValueError):
    """A text that is not an amount here; the message is a sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may refer to.

    Attributes:
        step: the grid, in the unit that is typed (price of a tick, quantity of a lot).
        names: prices known now; a name in `NAMES` that is missing has no value at present.
            None: no names here.
        percent: gives a percentage its meaning: the amount, and what it was a percentage of;
            raises `ExpressionError` when that is not known. None: no percentages here.
        example: shown to who typed something else.
    """

    step: Decimal
    names: Mapping[str, Decimal] | None = None
    percent: Callable[[Decimal], tuple[Decimal, str]] | None = None
    example: str = "1234.5"


@dataclass(frozen=True, slots=True)
class Amount:
    """A result in whole steps, and a note when it was computed rather than typed."""

    steps: int
    note: str = ""


def evaluate(text: str, scope: Scope) -> Amount:
    """The amount that `text` means in `scope`.

    Raises:
        ExpressionError: with a sentence that names the text and the remedy.
    """
    total = ZERO
    notes: list[str] = []
    computed = False
    for sign, name, number, unit in _terms(text, scope):
        if name:
            value = _named(name, scope)
            computed = computed or name in _COMPUTED
        elif unit == "%":
            if scope.percent is None:
                raise ExpressionError(f"“{text}”: a percentage has no meaning in this field.")
            value, base = scope.percent(number)
            computed = True
            notes.append(f"{plain(number)} % of {base}")
        elif unit == "t":
            value = number * scope.step
        else:
            value = number * _FACTORS[unit]
        total += sign * value
    if computed:
        steps = int((total / scope.step).to_integral_value(ROUND_FLOOR))
        if steps * scope.step != total:
            shown = format_number(steps * scope.step, decimals(scope.step))
            notes.append(f"rounded down to {shown}")
    else:
        try:
            steps = to_steps(total, scope.step)
        except NotExactError as error:
            raise ExpressionError(f"“{text.strip()}”: {error}") from None
    if steps <= 0:
        raise ExpressionError(f"“{text.strip()}” is not above zero; write {scope.example}.")
    return Amount(steps, ", ".join(notes))


def _terms(text: str, scope: Scope) -> list[tuple[int, str, Decimal, str]]:
    source = text.strip().lower()
    if not source:
        raise ExpressionError(f"Empty; write {scope.example}.")
    wrong = ExpressionError(f"“{text.strip()}” is not an amount; write {scope.example}.")
    found: list[tuple[int, str, Decimal, str]] = []
    at, sign = 0, 1
    if source[0] in "+-":
        sign, at = (-1 if source[0] == "-" else 1), 1
    while True:
        match = _TERM.match(source, at)
        if match is None:
            raise wrong
        number = match["number"] or "0"
        if not _GROUPED.fullmatch(number):
            raise ExpressionError(
                f"“{text.strip()}”: a comma or _ parts thousands, as in 1,000.5; write decimals"
                f" behind a point: {scope.example}."
            )
        digits = number.replace(",", "").replace("_", "")
        if len(digits) > _MOST_DIGITS:
            raise ExpressionError(f"“{text.strip()}” has too many digits; write {scope.example}.")
        found.append((sign, match["name"] or "", Decimal(digits), match["unit"] or ""))
        at = match.end()
        if at == len(source):
            return found
        if source[at] not in "+-":
            raise wrong
        sign, at = (-1 if source[at] == "-" else 1), at + 1


def _named(name: str, scope: Scope) -> Decimal:
    if scope.names is None or name not in NAMES:
        raise ExpressionError(f"“{name}” is not known here; write {scope.example}.")
    value = scope.names.get(name)
    if value is None:
        raise ExpressionError(f"There is no {name} price now; type the price itself.")
    return value
