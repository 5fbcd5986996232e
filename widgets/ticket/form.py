"""The ticket's fields as an order, and what may stand in them. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from core.client.stores import Stores
from core.model.commands import NewOrder
from core.model.enums import OrdType, PegReference, Side, Source, TimeInForce
from core.model.instruments import Instrument
from core.model.numbers import plain
from core.model.session import Ticker
from widgets.brackets import Bracket
from widgets.expressions import ExpressionError, Scope
from widgets.kinds import AT_ONCE, AUCTIONS, PRICED, STOPS, TOUCHED, TRAILING, TRIGGERED
from widgets.words import format_money, format_price, format_qty


@dataclass(frozen=True, slots=True)
class Form:
    """What stands in the fields. Prices in ticks, quantity in lots; None: empty or wrong.

    `expire` is UTC ns (0: not used); `exits` are the distances or prices of a stop and a target
    (None: none are wanted). `trail` and `trail_bp` are ticks and basis points, one of them in use.
    """

    ord_type: OrdType
    tif: TimeInForce
    qty: int | None
    price: int | None
    stop_price: int | None
    post_only: bool
    reduce_only: bool
    trail: int | None = None
    trail_bp: int | None = None
    limit_offset: int | None = None
    peg: PegReference = PegReference.PRIMARY
    peg_offset: int = 0
    iceberg: bool = False
    display_qty: int | None = None
    expire: int = 0
    exits: Bracket | None = None


def missing(form: Form) -> str:
    """The first thing that the form still needs, as a sentence; empty when it is complete."""
    kind = form.ord_type
    if form.qty is None:
        return "Enter a quantity."
    if kind in STOPS and form.stop_price is None:
        return "Enter a stop price."
    if kind in TOUCHED and form.stop_price is None:
        return "Enter the price that is to be touched."
    if kind in TRAILING and not (form.trail or form.trail_bp):
        return "Enter how far behind the market the stop trails."
    if kind in PRICED and form.price is None:
        return "Enter a price, or click the bid or the ask."
    if shows_part(form) and not form.display_qty:
        return "Enter how much of the quantity is shown at a time."
    if form.exits is not None and not (form.exits.stop or form.exits.target):
        return "Enter a stop, a target, or both."
    return ""


def shows_part(form: Form) -> bool:
    """Is only a part of the quantity to be shown at a time?"""
    return form.iceberg and not iceberg_obstacle(form)


def order_of(form: Form, side: Side, account: str, instrument: Instrument) -> NewOrder | None:
    """The order of a complete form, still without id and time; None while something is missing."""
    if missing(form) or form.qty is None:
        return None
    kind = form.ord_type
    trails, pegged = kind in TRAILING, kind is OrdType.PEGGED
    limited = kind is OrdType.TRAILING_STOP_LIMIT
    return NewOrder(
        cl_ord_id="",
        account=account,
        instrument=instrument.id,
        side=side,
        ord_type=kind,
        qty=form.qty,
        price=form.price or 0 if kind in PRICED or pegged else 0,
        stop_price=form.stop_price or 0 if kind in TRIGGERED or trails else 0,
        tif=form.tif,
        post_only=form.post_only and not post_only_obstacle(form, instrument),
        reduce_only=form.reduce_only,
        source=Source.USER,
        display_qty=form.display_qty or 0 if shows_part(form) else 0,
        expire=form.expire if form.tif is TimeInForce.GTD else 0,
        trail=form.trail or 0 if trails else 0,
        trail_bp=form.trail_bp or 0 if trails else 0,
        limit_offset=form.limit_offset or 0 if limited else 0,
        peg=form.peg if pegged else None,
        peg_offset=form.peg_offset if pegged else 0,
    )


def post_only_obstacle(form: Form, instrument: Instrument) -> str:
    """Why post-only cannot be chosen, or ''."""
    if not instrument.post_only:
        return f"{instrument.venue} takes no post-only orders in {instrument.symbol}."
    if form.ord_type is not OrdType.LIMIT:
        return "Post-only needs a limit order."
    if form.tif in AT_ONCE | AUCTIONS:
        return "Post-only needs an order that may rest: GTC, DAY or GTD."
    return ""


def iceberg_obstacle(form: Form) -> str:
    """Why a part of the quantity cannot be hidden, or ''."""
    if form.ord_type is not OrdType.LIMIT:
        return "Only a limit order can show a part of its quantity."
    if form.tif in AT_ONCE | AUCTIONS:
        return "Only an order that may rest can show a part: GTC, DAY or GTD."
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
        if instrument.inverse:
            one = instrument.multiplier / instrument.price(ticks)
        money = format_money(cash, instrument.currency, signed=False)
        return cash * number / 100 / one, f"{money} at {format_price(ticks, instrument)}"

    return Scope(instrument.lot, None, percent, f"{plain(instrument.lot)}, 1.5k or 25%")


def _example(instrument: Instrument, ticker: Ticker | None) -> str:
    ticks = (ticker.bid or ticker.last) if ticker is not None else 0
    return format_price(ticks, instrument) if ticks else format_price(1_000, instrument)
