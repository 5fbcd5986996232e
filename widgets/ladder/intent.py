"""What a click in the ladder means as an order, or why it means none. No Qt."""

from __future__ import annotations

from typing import NamedTuple

from core.model.commands import NewOrder
from core.model.enums import OrdType, Side, Source, TimeInForce
from core.model.instruments import Instrument
from core.model.session import Ticker
from widgets.brackets import resting_tif
from widgets.kinds import stop_hint
from widgets.words import TIF_MEANINGS

_SECOND = 1_000_000_000


class Life(NamedTuple):
    """How long an order of the ladder lives. `seconds` belong to GTD."""

    name: str
    text: str
    tif: TimeInForce
    seconds: int = 0


LIVES = {
    life.name: life
    for life in (
        *(
            Life(tif.name, tif.name, tif)
            for tif in (TimeInForce.GTC, TimeInForce.DAY, TimeInForce.IOC, TimeInForce.FOK)
        ),
        Life("GTD-1m", "1 min", TimeInForce.GTD, 60),
        Life("GTD-10m", "10 min", TimeInForce.GTD, 600),
        Life("GTD-1h", "1 h", TimeInForce.GTD, 3_600),
    )
}
"""What the ladder offers, by the name under which it is saved."""


def life_meaning(life: Life) -> str:
    """What a life means, for its tooltip."""
    if life.seconds:
        return f"Good till date: the order expires {life.text} after the click"
    return TIF_MEANINGS[life.tif]


def stop_life(life: Life, instrument: Instrument) -> Life:
    """The life of a stop: one that would end at once is none, so it rests."""
    if life.tif in (TimeInForce.IOC, TimeInForce.FOK):
        return LIVES[resting_tif(instrument).name]
    return life


def order_for(
    instrument: Instrument,
    ticker: Ticker | None,
    account: str,
    side: Side,
    price: int,
    qty: int | None,
    stop: bool,
    life: Life,
    now: int,
) -> NewOrder | str:
    """The order of a click on `side` at `price`, still without id and time, or a sentence why not.

    A stop must lie beyond the market, or it would go off at once. `now` (UTC ns) is when a life
    that is counted in seconds begins.
    """
    if price <= 0:
        return "There is no price in this row."
    if not qty:
        return "Set a size first."
    if stop:
        life = stop_life(life, instrument)
        wrong = stop_hint(instrument, ticker, side, price)
        if wrong:
            return wrong
    return NewOrder(
        cl_ord_id="",
        account=account,
        instrument=instrument.id,
        side=side,
        ord_type=OrdType.STOP if stop else OrdType.LIMIT,
        qty=qty,
        price=0 if stop else price,
        stop_price=price if stop else 0,
        tif=life.tif,
        source=Source.USER,
        expire=now + life.seconds * _SECOND if life.seconds else 0,
    )
