"""The ticket's order whole: the entry with its stop and target, in words and in money. No Qt."""

from __future__ import annotations

from typing import NamedTuple

from core.model.checks import Violation
from core.model.commands import NewOrder, NewOrderList
from core.model.enums import OrdStatus, OrdType, Side
from core.model.instruments import Instrument
from core.model.orders import Order
from core.model.session import Ticker
from widgets.brackets import (
    Bracket,
    Exits,
    Unit,
    bracket_list,
    bracket_words,
    exits_of,
    exits_words,
    risk_reward,
    risk_words,
)
from widgets.kinds import held_here
from widgets.ticket.form import Form, order_of
from widgets.words import (
    SIDE_WORDS,
    STATUS_WORDS,
    format_qty,
    order_sentence,
    refusal_sentence,
    terms_words,
)

_MOVING = frozenset({OrdType.MARKET, OrdType.PEGGED})
_HELD = "only while the engine runs, and again once it is restarted."


class Whole(NamedTuple):
    """One side of the ticket. `wrong`: why stop or target cannot be; `exits`: where they would."""

    order: NewOrder | NewOrderList | None = None
    entry: NewOrder | None = None
    words: tuple[str, str] = ("", "")
    wrong: str = ""
    exits: Exits = Exits()


def whole_of(
    form: Form, side: Side, account: str, instrument: Instrument, ticker: Ticker | None
) -> Whole:
    """What the form means on one side, still without ids and time."""
    entry = order_of(form, side, account, instrument)
    if entry is None:
        return Whole()
    title = f"{SIDE_WORDS[side]} {format_qty(entry.qty, instrument)}"
    terms = f"{instrument.symbol} {terms_words(entry, instrument)}"
    if form.exits is None:
        return Whole(entry, entry, (title, terms))
    exits = exits_of(entry, form.exits, instrument, ticker)
    if isinstance(exits, str):
        return Whole(entry, entry, (title, terms), exits)
    terms += f", {_bracket_words(entry, exits, form.exits, instrument)}"
    orders = bracket_list(entry, exits, instrument, str)
    return Whole(orders, entry, (title, terms), "", exits)


def _bracket_words(entry: NewOrder, exits: Exits, bracket: Bracket, instrument: Instrument) -> str:
    """Prices of the exits; distances where the entry's own price moves with the market."""
    if entry.ord_type in _MOVING and bracket.unit is not Unit.PRICE:
        return f"bracket {bracket_words(bracket, instrument.currency)}"
    return exits_words(exits, instrument)


def misplaced_exits(whole: Whole) -> list[Violation]:
    """What is wrong with stop and target, as a hard rule."""
    return (
        [Violation("BRACKET", whole.wrong, "Change it, or take the other side.")]
        if whole.wrong
        else []
    )


def exits_note(
    sides: dict[Side, Whole], instrument: Instrument, ticker: Ticker | None
) -> tuple[str, bool]:
    """What stop and target come out at, and whether that is an error (on both sides)."""
    lines, wrong, risk = [], "", ""
    for side, whole in sides.items():
        if whole.entry is None:
            continue
        if whole.wrong:
            wrong = whole.wrong
            continue
        lines.append(f"{SIDE_WORDS[side].title()}: {exits_words(whole.exits, instrument)}")
        loss, gain = risk_reward(whole.entry, whole.exits, instrument, ticker)
        risk = risk_words(loss, gain, instrument.currency)
    if not lines:
        return wrong, bool(wrong)
    return "\n".join((*lines, risk)), False


def held_note(whole: Whole, instrument: Instrument) -> str:
    """Which part of an order the engine holds, and what that means; '' where it holds none."""
    if whole.entry is None:
        return ""
    if held_here(whole.entry, instrument):
        return f"Held here: it works {_HELD}"
    if isinstance(whole.order, NewOrderList):
        return f"Stop and target are held here until the entry fills: they work {_HELD}"
    return ""


def outcome(order: Order, instrument: Instrument | None) -> tuple[str, str]:
    """What became of an order, and how to say it: ``danger``, ``warning`` or ``dim``."""
    what = order.cl_ord_id if instrument is None else order_sentence(order, instrument)
    if order.status is OrdStatus.REJECTED:
        return f"Refused: {what}. {refusal_sentence(order)}", "danger"
    if order.status in (OrdStatus.CANCELED, OrdStatus.EXPIRED):
        ended = f"{STATUS_WORDS[order.status]}: {what}"
        if order.cum_qty and instrument is not None:
            ended += f", {format_qty(order.cum_qty, instrument)} of it filled"
        return f"{ended}. {order.text}".rstrip(), "warning"
    return f"Taken: {what}", "dim"
