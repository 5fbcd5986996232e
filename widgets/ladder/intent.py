"""What a click in the ladder means as an order, or why it means none. No Qt."""

from __future__ import annotations

from core.model.commands import NewOrder
from core.model.enums import OrdType, Side, Source, TimeInForce
from core.model.instruments import Instrument
from core.model.session import Ticker
from widgets.words import TYPE_WORDS, format_price

_TIFS = (TimeInForce.GTC, TimeInForce.DAY, TimeInForce.IOC, TimeInForce.FOK)


def resting_tif(instrument: Instrument) -> TimeInForce:
    """The time in force of an order that should rest: GTC where there is one, else DAY."""
    return next((tif for tif in _TIFS if tif in instrument.tifs), TimeInForce.GTC)


def order_for(
    instrument: Instrument,
    ticker: Ticker | None,
    account: str,
    side: Side,
    price: int,
    qty: int | None,
    stop: bool,
) -> NewOrder | str:
    """The order of a click on `side` at `price`, still without id and time, or a sentence why not.

    A stop must lie beyond the market, or it would go off at once.
    """
    if price <= 0:
        return "There is no price in this row."
    if not qty:
        return "Set a size first."
    kind = OrdType.STOP if stop else OrdType.LIMIT
    if kind not in instrument.order_types:
        return (
            f"{instrument.venue} takes no {TYPE_WORDS[kind].lower()} orders in {instrument.symbol}."
        )
    if stop:
        wrong = _stop_hint(instrument, ticker, side, price)
        if wrong:
            return wrong
    return NewOrder(
        cl_ord_id="",
        account=account,
        instrument=instrument.id,
        side=side,
        ord_type=kind,
        qty=qty,
        price=0 if stop else price,
        stop_price=price if stop else 0,
        tif=resting_tif(instrument),
        source=Source.USER,
    )


def _stop_hint(instrument: Instrument, ticker: Ticker | None, side: Side, price: int) -> str:
    market = 0 if ticker is None else ticker.ask if side is Side.BUY else ticker.bid
    if not market:
        return "There is no market to place a stop against."
    shown = format_price(market, instrument)
    if side is Side.BUY and price <= market:
        return f"A buy stop must lie above the ask, {shown}."
    if side is Side.SELL and price >= market:
        return f"A sell stop must lie below the bid, {shown}."
    return ""
