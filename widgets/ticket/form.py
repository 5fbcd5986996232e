"""The ticket's fields as an order, and what may stand in them. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from core.client.stores import Stores
from core.model.commands import NewOrder
from core.model.enums import OrdType, Side, Source, TimeInForce
from core.model.instruments import Instrument
from core.model.numbers import plain
from core.model.session import Ticker
from widgets.expressions import ExpressionError, Scope
from widgets.words import TIF_WORDS, TYPE_WORDS, format_money, format_price, format_qty

PRICED = frozenset({OrdType.LIMIT, OrdType.STOP_LIMIT})
"""Types with a limit price."""

STOPPED = frozenset({OrdType.STOP, OrdType.STOP_LIMIT})
"""Types with a stop price."""


@dataclass(frozen=True, slots=True)
class Form:
    """What stands in the fields. Prices in ticks, quantity in lots; None: empty or wrong."""

    ord_type: OrdType
    tif: TimeInForce
    qty: int | None
    price: int | None
    stop_price: int | None
    post_only: bool
    reduce_only: bool


def missing(form: Form) -> str:
    """The first thing that the form still needs, as a sentence; empty when it is complete."""
    if form.qty is None:
        return "Enter a quantity."
    if form.ord_type in STOPPED and form.stop_price is None:
        return "Enter a stop price."
    if form.ord_type in PRICED and form.price is None:
        return "Enter a price, or click the bid or the ask."
    return ""


def order_of(form: Form, side: Side, account: str, instrument: Instrument) -> NewOrder | None:
    """The order of a complete form, still without id and time; None while something is missing."""
    if missing(form) or form.qty is None:
        return None
    post_only = form.post_only and not post_only_obstacle(form, instrument)
    return NewOrder(
        cl_ord_id="",
        account=account,
        instrument=instrument.id,
        side=side,
        ord_type=form.ord_type,
        qty=form.qty,
        price=form.price or 0 if form.ord_type in PRICED else 0,
        stop_price=form.stop_price or 0 if form.ord_type in STOPPED else 0,
        tif=form.tif,
        post_only=post_only,
        reduce_only=form.reduce_only,
        source=Source.USER,
    )


def type_obstacle(kind: OrdType, instrument: Instrument) -> str:
    """Why an order type cannot be chosen, or ''."""
    if kind in instrument.order_types:
        return ""
    return f"{instrument.venue} takes no {TYPE_WORDS[kind].lower()} orders in {instrument.symbol}."


def tif_obstacle(tif: TimeInForce, instrument: Instrument) -> str:
    """Why a time in force cannot be chosen, or ''."""
    if tif in instrument.tifs:
        return ""
    return f"{instrument.venue} takes no {TIF_WORDS[tif]} orders in {instrument.symbol}."


def post_only_obstacle(form: Form, instrument: Instrument) -> str:
    """Why post-only cannot be chosen, or ''."""
    if not instrument.post_only:
        return f"{instrument.venue} takes no post-only orders in {instrument.symbol}."
    if form.ord_type is not OrdType.LIMIT:
        return "Post-only needs a limit order."
    if form.tif in (TimeInForce.IOC, TimeInForce.FOK):
        return "Post-only needs an order that may rest: GTC or DAY."
    return ""


def price_scope(instrument: Instrument, ticker: Ticker | None, average: Decimal | None) -> Scope:
    """What a price field understands now."""
    names: dict[str, Decimal] = {}
    if ticker is not None:
        for name, ticks in (("bid", ticker.bid), ("ask", ticker.ask), ("last", ticker.last)):
            if ticks:
                names[name] = instrument.price(ticks)
        if ticker.bid and ticker.ask:
            names["mid"] = instrument.price(ticker.bid + ticker.ask) / 2
    if average is not None:
        names["avg"] = average
    return Scope(instrument.tick, names, None, f"{_example(instrument, ticker)}, bid+2t or mid")


def quantity_scope(
    instrument: Instrument, stores: Stores, account: str, price: Callable[[], int]
) -> Scope:
    """What a quantity field understands: also ``1.5k`` and ``25%``.

    A percentage is of the position if there is one, else of the cash in the instrument's
    currency at `price` (ticks; 0: not known).
    """

    def percent(number: Decimal) -> tuple[Decimal, str]:
        position = stores.position(account, instrument.id)
        if position is not None and position.qty:
            held = abs(position.qty)
            words = f"the position of {format_qty(held, instrument)}"
            return instrument.quantity(held) * number / 100, words
        state = stores.accounts.get(account)
        cash = state.cash.get(instrument.currency) if state is not None else None
        ticks = price()
        if cash is None or not ticks:
            what = "price" if cash is not None else f"cash in {instrument.currency}"
            raise ExpressionError(f"{number} % of what? There is no position and no {what}.")
        one = instrument.price(ticks) * instrument.multiplier
        money = format_money(cash, instrument.currency, signed=False)
        return cash * number / 100 / one, f"{money} at {format_price(ticks, instrument)}"

    return Scope(instrument.lot, None, percent, f"{plain(instrument.lot)}, 1.5k or 25%")


def _example(instrument: Instrument, ticker: Ticker | None) -> str:
    ticks = (ticker.bid or ticker.last) if ticker is not None else 0
    return format_price(ticks, instrument) if ticks else format_price(1_000, instrument)
