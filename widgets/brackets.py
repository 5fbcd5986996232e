"""Stop and target behind an order: how far away they are, which prices that means. No Qt.

A distance is given in ticks, in per cent of the entry's price, or in money on the whole quantity.
What does not come out in whole ticks is rounded down, so that a stop never risks more than said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from enum import Enum

from msgspec.structs import replace

from core.model.commands import NewOrder, NewOrderList
from core.model.enums import Contingency, OrdType, Side, TimeInForce
from core.model.instruments import Instrument
from core.model.numbers import parse_decimal, plain
from core.model.session import Ticker
from widgets.kinds import PRICED
from widgets.words import format_money, format_price


class Unit(Enum):
    """What a distance is counted in. PRICE: it is no distance but the exit's price itself."""

    TICKS = "ticks"
    PERCENT = "%"
    MONEY = "money"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class Bracket:
    """A named pair of distances from the entry's price; 0 leaves that exit away."""

    name: str
    unit: Unit
    stop: Decimal
    target: Decimal


@dataclass(frozen=True, slots=True)
class Exits:
    """Prices in ticks at which a position is closed; 0: no such exit."""

    stop: int = 0
    target: int = 0


def bracket_words(bracket: Bracket, currency: str) -> str:
    """The distances, short: ``−20 / +40 t``."""
    signs = ("", "") if bracket.unit is Unit.PRICE else ("−", "+")
    unit = {Unit.TICKS: "t", Unit.PERCENT: "%"}.get(bracket.unit, currency or "money")
    stop = f"{signs[0]}{plain(bracket.stop)}" if bracket.stop else ""
    target = f"{signs[1]}{plain(bracket.target)}" if bracket.target else ""
    return f"{' / '.join(filter(None, (stop, target)))} {unit}"


def ticks_of(value: Decimal, unit: Unit, instrument: Instrument, price: int, lots: int) -> int:
    """A distance in whole ticks, rounded down; `price` is the entry's in ticks.

    0 when it is less than a tick, or when what it depends on is not known.
    """
    if unit is Unit.TICKS:
        ticks = value
    elif unit is Unit.PERCENT:
        ticks = value * price / 100
    else:
        ticks = _ticks_for(value / instrument.point, instrument.face * lots, price, lots)
    return int(ticks.to_integral_value(ROUND_FLOOR))


def _ticks_for(points: Decimal, face: int, price: int, lots: int) -> Decimal:
    """How far away an exit is on which so many points are at stake.

    An inverse contract, worth `face` at one tick, loses them the sooner the lower the price; the
    nearer of both sides is taken, so that no stop risks more than was meant.
    """
    if lots <= 0:
        return Decimal(0)
    return points * price * price / (face + points * price) if face else points / lots


def entry_price(order: NewOrder, ticker: Ticker | None) -> int:
    """The price in ticks from which distances count; 0 while it is not known.

    A market order's is the far side of the market now.
    """
    if order.ord_type in PRICED and order.price:
        return order.price
    if order.stop_price:
        return order.stop_price
    if ticker is None:
        return 0
    return ticker.ask if order.side is Side.BUY else ticker.bid


def exits_of(
    order: NewOrder, bracket: Bracket, instrument: Instrument, ticker: Ticker | None
) -> Exits | str:
    """The prices of a bracket's exits, or a sentence why there are none."""
    price = entry_price(order, ticker)
    if not price:
        return "There is no price to count the bracket's distances from."
    if bracket.unit is Unit.PRICE:
        exits = Exits(*(instrument.ticks(value) for value in (bracket.stop, bracket.target)))
        return misplaced(order, exits, instrument, ticker) or exits
    away = []
    for value, what in ((bracket.stop, "stop"), (bracket.target, "target")):
        ticks = ticks_of(value, bracket.unit, instrument, price, order.qty)
        if value and ticks < 1:
            return f"The bracket's {what} would be less than a tick away; make it wider."
        away.append(ticks)
    if not any(away):
        return "The bracket has neither a stop nor a target; click it to set one."
    sign = order.side.sign
    stop = price - sign * away[0] if away[0] else 0
    target = price + sign * away[1] if away[1] else 0
    if (away[0] and stop <= 0) or (away[1] and target <= 0):
        return "The bracket reaches below a price of zero; make it narrower."
    return Exits(stop, target)


def resting_tif(instrument: Instrument) -> TimeInForce:
    """The time in force of an order that should rest: GTC where there is one, else DAY."""
    resting = (TimeInForce.GTC, TimeInForce.DAY)
    return next((tif for tif in resting if tif in instrument.tifs), TimeInForce.GTC)


def bracket_list(
    entry: NewOrder, exits: Exits, instrument: Instrument, next_id: Callable[[], str]
) -> NewOrderList:
    """The entry with its exits behind it, as one command; `next_id` names list and exits.

    An entry without an id makes a draft: nothing in it has one.
    """
    ids = next_id if entry.cl_ord_id else str
    orders = [entry]
    for kind, price in ((OrdType.STOP, exits.stop), (OrdType.LIMIT, exits.target)):
        if price:
            orders.append(
                NewOrder(
                    cl_ord_id=ids(),
                    account=entry.account,
                    instrument=entry.instrument,
                    side=entry.side.opposite,
                    ord_type=kind,
                    qty=entry.qty,
                    price=0 if kind is OrdType.STOP else price,
                    stop_price=price if kind is OrdType.STOP else 0,
                    tif=resting_tif(instrument),
                    source=entry.source,
                    ts=entry.ts,
                )
            )
    return NewOrderList(
        ids(), Contingency.BRACKET, tuple(orders), entry.source, entry.trader, entry.ts
    )


def exits_in(orders: NewOrderList) -> Exits:
    """The exits of a bracket."""
    stop = next((o.stop_price for o in orders.orders[1:] if o.stop_price), 0)
    target = next((o.price for o in orders.orders[1:] if not o.stop_price), 0)
    return Exits(stop, target)


def misplaced(order: NewOrder, exits: Exits, instrument: Instrument, ticker: Ticker | None) -> str:
    """Why these exits cannot stand behind this entry, as a sentence; '' when they can."""
    price, buy = entry_price(order, ticker), order.side is Side.BUY
    if not price:
        return "There is no price to place stop and target around."
    shown = format_price(price, instrument)
    if exits.stop and (exits.stop >= price if buy else exits.stop <= price):
        return f"The stop must lie {'below' if buy else 'above'} the entry, {shown}."
    if exits.target and (exits.target <= price if buy else exits.target >= price):
        return f"The target must lie {'above' if buy else 'below'} the entry, {shown}."
    return ""


def risk_reward(
    order: NewOrder, exits: Exits, instrument: Instrument, ticker: Ticker | None
) -> tuple[Decimal | None, Decimal | None]:
    """Money lost at the stop and won at the target, before fees; None where there is no exit."""
    price = entry_price(order, ticker)
    lots = order.qty * order.side.sign
    paid, cost = instrument.cost(price, lots), instrument.cost
    loss = instrument.money(paid - cost(exits.stop, lots)) if exits.stop else None
    gain = instrument.money(cost(exits.target, lots) - paid) if exits.target else None
    return loss, gain


def named(order: NewOrder | NewOrderList, next_id: Callable[[], str]) -> NewOrder | NewOrderList:
    """The same order, or list of orders, with ids."""
    if isinstance(order, NewOrder):
        return replace(order, cl_ord_id=next_id())
    orders = tuple(replace(one, cl_ord_id=next_id()) for one in order.orders)
    return replace(order, id=next_id(), orders=orders)


def stamped(order: NewOrder | NewOrderList, ts: int) -> NewOrder | NewOrderList:
    """The same order, or list of orders, made at `ts` (UTC ns)."""
    if isinstance(order, NewOrder):
        return replace(order, ts=ts)
    return replace(order, ts=ts, orders=tuple(replace(one, ts=ts) for one in order.orders))


def entry_of(order: NewOrder | NewOrderList) -> NewOrder:
    """The order itself, or the entry of a bracket."""
    return order if isinstance(order, NewOrder) else order.orders[0]


def exits_words(exits: Exits, instrument: Instrument) -> str:
    """The exits as they stand in a sentence: ``stop 64,200.0 target 64,240.0``."""
    words = []
    if exits.stop:
        words.append(f"stop {format_price(exits.stop, instrument)}")
    if exits.target:
        words.append(f"target {format_price(exits.target, instrument)}")
    return " ".join(words)


def risk_words(loss: Decimal | None, gain: Decimal | None, currency: str) -> str:
    """Risk and reward: ``−100.00 / +200.00 USD, 1 : 2.0``."""
    parts = []
    if loss is not None:
        parts.append(format_money(-loss))
    if gain is not None:
        parts.append(format_money(gain))
    text = f"{' / '.join(parts)} {currency}".strip()
    if loss and gain and loss > 0:
        ratio = (gain / loss).quantize(Decimal("0.1"))
        text += f", 1 : {ratio}"
    return text.replace("-", "−")


def read_bracket(saved: object) -> Bracket | None:
    """A bracket out of a saved workspace; None where it is not one."""
    if not isinstance(saved, Mapping):
        return None
    try:
        unit = Unit(saved.get("unit"))
        stop, target = (parse_decimal(str(saved.get(key, "0"))) for key in ("stop", "target"))
    except ValueError:
        return None
    name = str(saved.get("name", "")).strip()
    if not name or unit is Unit.PRICE or stop < 0 or target < 0 or not (stop or target):
        return None
    return Bracket(name, unit, stop, target)


def write_bracket(bracket: Bracket) -> dict[str, str]:
    """A bracket as a workspace keeps it."""
    return {
        "name": bracket.name,
        "unit": bracket.unit.value,
        "stop": plain(bracket.stop),
        "target": plain(bracket.target),
    }
