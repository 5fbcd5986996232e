"""The steps of an order's story as texts, for the table and for the clipboard. No Qt in here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from core.model.enums import ExecType
from core.model.instruments import Instrument
from core.model.numbers import plain
from core.model.orders import OrderUpdate
from widgets.words import STATUS_WORDS, format_price, format_qty, order_sentence

COLUMNS = (
    ("State", "of the order after this step"),
    ("What", "FIX ExecType; “denied” is the engine's own refusal, before any venue saw the order"),
    ("Venue time", "UTC, by the venue's clock; empty when no venue spoke"),
    ("Local time", "UTC, when the engine took it in"),
    ("Δ ms", "local time less venue time: the way here, and what the clocks differ by"),
    ("Step ms", "since the step before, by the local time"),
    ("Quantity", "of this execution, else of the whole order"),
    ("Price", "of this execution, else of the order; empty at market"),
    ("Filled", "in all, after this step"),
    ("Who", "who asked for it, or who said so"),
    ("Text", "as it came, unchanged"),
)
NUMBERS = frozenset({4, 5, 6, 7, 8})
"""Columns that stand to the right."""


def merged(recorded: Sequence[OrderUpdate], live: Sequence[OrderUpdate]) -> list[OrderUpdate]:
    """One story of the part that was read from the records and the part that came since.

    A terminal that joins late hears of an order's state without its past; where the records have
    that past, this first word says nothing new.
    """
    if not recorded:
        return list(live)
    return [*recorded, *(step for step in live if step.seq > recorded[-1].seq)]


def cells(
    step: OrderUpdate, before: OrderUpdate | None, instrument: Instrument, exact: bool = False
) -> tuple[str, ...]:
    """One text for each of `COLUMNS`; `exact` writes times to the nanosecond with their date."""
    order = step.order
    traded = bool(step.last_qty)
    qty, price = (step.last_qty, step.last_price) if traded else (order.qty, order.price)
    when = _exact_time if exact else _time
    return (
        STATUS_WORDS[order.status],
        step.exec_type.name.lower().replace("_", " "),
        when(step.venue_ts),
        when(step.ts),
        _milliseconds(step.ts - step.venue_ts) if step.venue_ts else "",
        _milliseconds(step.ts - before.ts) if before is not None else "",
        plain(instrument.quantity(qty)) if exact else format_qty(qty, instrument),
        _price(price, instrument, exact),
        plain(instrument.quantity(order.cum_qty))
        if exact
        else format_qty(order.cum_qty, instrument),
        who(step, instrument),
        step.text or order.text,
    )


def who(step: OrderUpdate, instrument: Instrument) -> str:
    """Who asked for a step, or who told of it."""
    if step.by:
        return step.by
    if step.exec_type in (ExecType.PENDING_NEW, ExecType.DENIED):
        # an engine of an older version did not say
        order = step.order
        return " ".join(filter(None, (order.source.value, order.strategy or order.trader)))
    return instrument.venue if step.venue_ts else "engine"


def as_block(story: Sequence[OrderUpdate], instrument: Instrument) -> str:
    """The whole story as one text: the order, its ids, then a table with tabs between cells."""
    order = story[-1].order
    about = [
        ("order", order.cl_ord_id),
        ("venue id", order.order_id),
        ("account", order.account),
        ("instrument", order.instrument),
        ("strategy", order.strategy),
        ("source", order.source.value),
        ("trader", order.trader),
        ("code", order.code),
    ]
    lines = [order_sentence(order, instrument)]
    lines.append(", ".join(f"{name} {value}" for name, value in about if value))
    lines.append("\t".join(title for title, _ in COLUMNS))
    before: OrderUpdate | None = None
    for step in story:
        lines.append("\t".join(cells(step, before, instrument, exact=True)))
        before = step
    return "\n".join(lines) + "\n"


def _price(ticks: int, instrument: Instrument, exact: bool) -> str:
    if not ticks:
        return ""
    return plain(instrument.price(ticks)) if exact else format_price(ticks, instrument)


def _milliseconds(nanoseconds: int) -> str:
    return f"{Decimal(nanoseconds).scaleb(-6):,.3f}"


def _time(ts: int) -> str:
    if not ts:
        return ""
    when = datetime.fromtimestamp(ts // 1_000_000_000, UTC)
    return f"{when:%H:%M:%S}.{ts // 1_000 % 1_000_000:06d}"


def _exact_time(ts: int) -> str:
    if not ts:
        return ""
    when = datetime.fromtimestamp(ts // 1_000_000_000, UTC)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{ts % 1_000_000_000:09d}+00:00"
