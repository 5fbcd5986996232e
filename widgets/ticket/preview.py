"""The engine's word on the ticket's orders before they are sent: asked, kept, worded. No Qt."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import count
from typing import NamedTuple

from core.client.stores import Stores
from core.model.checks import Violation
from core.model.commands import NewOrder
from core.model.enums import Side
from core.model.instruments import Instrument
from core.model.numbers import EXACT
from core.model.session import Appraisal, Appraise
from widgets.kinds import AT_ONCE
from widgets.words import (
    NOTHING,
    decimals,
    format_average,
    format_money,
    format_number,
    format_qty,
)

AGAIN = 250_000_000
"""How soon (ns) the same order is asked about again when something else has changed."""

LOST = 1_000_000_000
"""After this long (ns) without an answer the question is asked anew."""

_numbers = count(1)  # of all tickets of this program: answers are told apart by it


class _Question(NamedTuple):
    number: int
    order: NewOrder
    at: int
    state: object


class Previews:
    """One question at a time for each side, about the newest order only.

    Attributes:
        version: grows with each answer.
    """

    def __init__(self) -> None:
        self.version = 0
        self._asked: dict[Side, _Question] = {}
        self._known: dict[Side, tuple[_Question, Appraisal]] = {}

    def forget(self) -> None:
        """Nothing that was answered holds any more."""
        if self._asked or self._known:
            self._asked.clear()
            self._known.clear()
            self.version += 1

    def take(self, stores: Stores) -> None:
        """Take in what was answered."""
        for side, question in list(self._asked.items()):
            answer = stores.appraisals.pop(question.number, None)
            if answer is not None:
                del self._asked[side]
                self._known[side] = question, answer
                self.version += 1

    def question(
        self, side: Side, order: NewOrder | None, state: object, now: int
    ) -> Appraise | None:
        """What to ask now about `order`; None: nothing.

        `state` is whatever the answer hangs on beside the order: when it has changed, the same
        order is asked about again, though not at once.
        """
        if order is None:
            self._known.pop(side, None)
            return None
        asked = self._asked.get(side)
        if asked is not None and now - asked.at < LOST:
            return None
        known = self._known.get(side)
        if known is not None and known[0].order == order:
            passing = any(violation.code in _PASSING for violation in known[1].violations)
            if now - known[0].at < AGAIN or (known[0].state == state and not passing):
                return None
        question = self._asked[side] = _Question(next(_numbers), order, now, state)
        return Appraise(question.number, order)

    def of(self, side: Side, order: NewOrder | None) -> Appraisal | None:
        """The newest answer about just this order."""
        known = self._known.get(side)
        return known[1] if known is not None and known[0].order == order else None


def agreed(
    found: Iterable[Violation], told: Appraisal | None, instrument: Instrument, unit: str
) -> list[Violation]:
    """What speaks against an order by the panel's own checks and by the engine's answer.

    About money the engine's word counts alone as soon as there is one; until then the panel
    knows it only where the books are in the instrument's own currency.
    """
    foreign = bool(unit) and unit != instrument.currency
    own = [v for v in found if v.code not in _MONEY or (told is None and not foreign)]
    codes = {v.code for v in own}
    if told is not None:
        own += [v for v in told.violations if v.code not in codes]
    return sorted(own, key=lambda violation: not violation.hard)


_PASSING = frozenset({"STARTING"})
"""Answers that change though nothing else does."""

_MONEY = frozenset({"MAX_ORDER_NOTIONAL", "MAX_GROSS_EXPOSURE"})


def preview_words(
    order: NewOrder | None,
    told: Appraisal | None,
    instrument: Instrument,
    held: int,
    loss: Decimal | None,
    leg: str = "",
) -> str:
    """What an order costs and needs, line by line; what is not known is a dash, never 0.

    `held` is what there is of the instrument in lots, or of the leg (``long`` or ``short``) that
    the order opens or closes. `loss` is what is lost at the stop behind it, in the instrument's
    currency.
    """
    if order is None:
        return ""
    unit = "" if told is None else told.unit
    value, fee, free, after = (None,) * 4
    before = None
    worst = None
    if told is not None:
        value, fee, before, after = told.value, told.fee, told.margin, told.margin_after
        if told.equity is not None and after is not None:
            free = told.equity - after
        if loss is not None and told.rate is not None and fee is not None:
            worst = EXACT.multiply(loss, told.rate) + fee
    then = held + order.side.sign * order.qty
    cost = None if value is None or fee is None else value + fee
    average = None if told is None else told.average
    return "\n".join(
        (
            f"Cost {_money(cost, unit)}, fee {_money(fee)}",
            f"Slippage {_slippage(order, told, instrument)}",
            f"Margin {_money(before)} → {_money(after, unit)}",
            f"Free then {_money(free, unit)}",
            f"Loss at stop {_money(worst, unit)}",
            f"{leg.title() or 'Position'} {format_qty(held, instrument)}"
            f" → {format_qty(then, instrument)}",
            f"Average then {format_average(average, instrument)}",
            f"Liquidation {_liquidation(told, instrument)}",
        )
    )


def _slippage(order: NewOrder, told: Appraisal | None, instrument: Instrument) -> str:
    """What is lost against the best price, and why that is not known or nothing."""
    if told is None or told.taken is None:
        return NOTHING
    part = f"{format_qty(told.taken, instrument)} of {format_qty(order.qty, instrument)}"
    if told.thin:
        return f"{NOTHING}, the book shows {part}"
    if not told.taken:
        return "none, " + ("nothing to take" if order.tif in AT_ONCE else "it rests")
    words = _money(told.slippage, told.unit)
    return words if told.taken == order.qty else f"{words}, {part} at once"


def _liquidation(told: Appraisal | None, instrument: Instrument) -> str:
    """At which price of the instrument the margin is used up, and how far that is."""
    if told is None or told.liquidation is None or told.distance is None:
        return "none" if told is not None and told.safe else NOTHING
    price = format_number(told.liquidation, decimals(instrument.tick))
    if not told.distance:
        return f"at once, by {price}"
    return f"at {price}, {format_number(100 * told.distance, 1)} % away"


def _money(value: Decimal | None, unit: str = "") -> str:
    return format_money(value, unit if value is not None else "", signed=False)
