"""The sentences of denials: what is wrong, in the trader's units, and what to do about it."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from core.model.commands import NewOrder
from core.model.enums import Side
from core.model.inputs import Restriction
from core.model.instruments import Instrument
from core.model.measures import Held, OrderLimits, Reference, money_of
from core.model.numbers import plain


class Violation(NamedTuple):
    """One rule that an order breaks. `hard` rules cannot be confirmed away.

    `limit` and `value` are in the trader's units, `scope` says whose limit it is.
    """

    code: str
    sentence: str
    remedy: str
    limit: str = ""
    value: str = ""
    scope: str = ""
    hard: bool = True

    @property
    def text(self) -> str:
        """What is wrong and what to do, for a person."""
        return f"{self.sentence} {self.remedy}"

    def line(self, order: str) -> str:
        """The whole denial as it is journaled and shown in the blotter."""
        parts = [f"limit={self.limit}"] if self.limit else []
        if self.value:
            parts.append(f"value={self.value}")
        if self.scope:
            parts.append(f"scope={self.scope}")
        parts.append(f"order={order}")
        return f"{self.code}: {', '.join(parts)}. {self.sentence} {self.remedy}".rstrip()


LIST_REFUSED = "LIST_REFUSED"
"""The code of orders that are refused because another one of their list is."""

CONFIRM = "Confirm it to send it all the same."
"""What a person may do about a denial by soft rules only."""


def may_confirm(code: str, text: str) -> bool:
    """Is this the code and text of an order that a person may confirm?"""
    return code not in ("", LIST_REFUSED) and text.endswith(CONFIRM)


def not_tradable(instrument: Instrument, why: str) -> Violation:
    """The market is shut; `why` is a word like ``halted`` or a sentence."""
    sentence = why if why.endswith(".") else f"{instrument.id} is {why or 'closed'} now."
    return Violation(
        "NOT_TRADABLE",
        sentence,
        "Wait until it trades again; cancels still work.",
        scope=f"instrument:{instrument.id}",
    )


def expired(order: NewOrder) -> Violation:
    """Good till a moment that has passed."""
    return Violation(
        "EXPIRE_TIME_IN_PAST",
        "The order would expire before now.",
        "Choose a later time.",
        value=str(order.expire),
        scope=f"account:{order.account}",
    )


def uncountable(instrument: Instrument, qty: int) -> Violation:
    """The position could not be counted in 64 bits any more."""
    value = plain(instrument.quantity(qty))
    return Violation(
        "INVALID_QTY",
        f"With {value} the position could be worth more than can be counted exactly.",
        "Make the order smaller.",
        value=value,
        scope=f"instrument:{instrument.id}",
    )


def not_reducing(
    order: NewOrder, instrument: Instrument, held: Held, own: int, why: str
) -> Violation:
    """Only reducing is allowed, and the order does not; `why` says who wants that."""
    sells = order.side is Side.SELL
    sign, opened = (-1, held.open_sell) if sells else (1, held.open_buy)
    after = held.qty + sign * (opened - own + order.qty)
    before_text = plain(instrument.quantity(held.qty))
    after_text = plain(instrument.quantity(after))
    return Violation(
        "REDUCE_ONLY_MODE",
        f"{why or 'The order is reduce-only.'} With all open orders of its side it could take the"
        f" position from {before_text} to {after_text}.",
        "Send an order that closes no more than is held, or cancel others first.",
        before_text,
        after_text,
        f"account:{order.account}",
    )


def no_reference(instrument: Instrument, market: Reference) -> Violation:
    """There is no price to judge the order by."""
    crossed = market.bid > market.ask > 0
    return Violation(
        "NO_REFERENCE_PRICE",
        f"The quote of {instrument.id} is crossed: bid {plain(instrument.price(market.bid))} above"
        f" ask {plain(instrument.price(market.ask))}."
        if crossed
        else f"There is no price for {instrument.id} yet.",
        "Wait for a good quote; orders that reduce a position still pass.",
        scope=f"instrument:{instrument.id}",
    )


def stale(instrument: Instrument, limits: OrderLimits, age: int) -> Violation:
    """The newest price is too old."""
    seconds = plain((Decimal(age) / 1_000_000_000).quantize(Decimal("0.1")))
    limit = limits.shown["stale_after"]
    return Violation(
        "STALE_MARKET_DATA",
        f"The last quote for {instrument.id} is {seconds} s old (limit {limit} s).",
        "Wait for a fresh quote; orders that reduce a position still pass.",
        limit,
        seconds,
        limits.scopes["stale_after"],
    )


def locked(instrument: Instrument, limits: OrderLimits, age: int) -> Violation:
    """Bid and ask have been equal for too long."""
    seconds = plain((Decimal(age) / 1_000_000_000).quantize(Decimal("0.1")))
    limit = limits.shown["locked_after"]
    return Violation(
        "STALE_MARKET_DATA",
        f"Bid and ask of {instrument.id} have been equal for {seconds} s (limit {limit} s).",
        "Wait for a good quote; orders that reduce a position still pass.",
        limit,
        seconds,
        limits.scopes["locked_after"],
    )


def outside_collar(
    order: NewOrder,
    instrument: Instrument,
    limits: OrderLimits,
    price: int,
    ref2: int,
    name: str = "price_collar",
) -> Violation:
    """The price is too far from the market; `name` is the limit's."""
    away = Decimal(abs(2 * price - ref2) * 100) / Decimal(ref2)
    shown = plain(away.quantize(Decimal("0.01")))
    word = "above" if order.side is Side.BUY else "below"
    limit = limits.shown[name]
    reference = plain(Decimal(ref2) * instrument.tick / 2)
    what = "price of five minutes ago," if name == "window_collar" else "reference"
    hard = name != "confirm_price_collar"
    return Violation(
        "PRICE_COLLAR",
        f"Price {plain(instrument.price(price))} is {shown} % {word} the {what} {reference}"
        f" (limit {limit} %).",
        "Bring the price nearer to the market." if hard else "Confirm it to send it all the same.",
        f"{limit} %",
        f"{shown} %",
        limits.scopes[name],
        hard,
    )


def too_many(instrument: Instrument, limits: OrderLimits, qty: int) -> Violation:
    """More than the largest order."""
    assert limits.max_qty is not None
    value = plain(instrument.quantity(qty))
    limit = plain(instrument.quantity(limits.max_qty))
    return Violation(
        "MAX_ORDER_QTY",
        f"{value} is more than the largest order of {limit}.",
        "Make the order smaller.",
        limit,
        value,
        limits.scopes["max_order_qty"],
    )


def restricted(instrument: Instrument, restriction: Restriction) -> Violation:
    """Nobody may trade it."""
    since = f" since {restriction.since}" if restriction.since else ""
    return Violation(
        "RESTRICTED_INSTRUMENT",
        f"{instrument.id} is restricted{since}: {restriction.reason.rstrip('.')}.",
        "Trade something else; cancels still work.",
        scope=f"instrument:{instrument.id}",
    )


def not_permitted(order: NewOrder) -> Violation:
    """Whoever sends it has no permission for that."""
    who = f"Strategy {order.strategy}" if order.strategy else order.trader or "Nobody named"
    scope = f"strategy:{order.strategy}" if order.strategy else f"trader:{order.trader}"
    return Violation(
        "NOT_PERMITTED",
        f"{who} may not trade {order.instrument} on {order.account} with a"
        f" {order.ord_type.name} order.",
        "Ask for a permission in the settings of the engine.",
        value=order.ord_type.name,
        scope=scope,
    )


def too_large(
    order: NewOrder, instrument: Instrument, limit: int, worst: int, scope: str
) -> Violation:
    """The position could pass its limit."""
    side = "long" if order.side is Side.BUY else "short"
    value = plain(instrument.quantity(worst))
    most = plain(instrument.quantity(limit))
    return Violation(
        "MAX_POSITION",
        f"With all open orders of its side the position could be {side} {value}; {most} is the"
        " most.",
        "Make the order smaller or cancel open orders first.",
        most,
        value,
        scope,
    )


def no_rate(instrument: Instrument, currency: str) -> Violation:
    """The books are reckoned in a currency to which there is no exchange rate."""
    return Violation(
        "NO_FX_RATE",
        f"There is no exchange rate from {instrument.currency} to {currency}.",
        "Enter one in the settings; orders that reduce a position still pass.",
        scope=f"instrument:{instrument.id}",
    )


def self_trade(instrument: Instrument, side: Side, leaves: int, price: int) -> Violation:
    """The order would trade with an own one."""
    what = f"{side.name.lower()} of {plain(instrument.quantity(leaves))}"
    shown = plain(instrument.price(price))
    return Violation(
        "SELF_TRADE",
        f"It could trade with your own {what} at {shown}.",
        "Cancel that order first.",
        value=shown,
        scope=f"instrument:{instrument.id}",
    )


def too_short(instrument: Instrument, limits: OrderLimits, worst: int) -> Violation:
    """More would be sold than is held and was borrowed."""
    limit = limits.shown["max_short"]
    value = plain(instrument.quantity(worst))
    if limits.max_short:
        limit = plain(instrument.quantity(limits.max_short))
        what = f"With all open sales {value} could be sold short; {limit} were borrowed."
    else:
        what = f"With all open sales {value} could be sold short; short sales are not allowed."
    return Violation(
        "NO_LOCATE" if limits.max_short else "SHORT_NOT_ALLOWED",
        what,
        "Sell no more than is held.",
        limit,
        value,
        limits.scopes["max_short"],
    )


def too_much_of_the_volume(
    instrument: Instrument, limits: OrderLimits, lots: int, volume: int
) -> Violation:
    """The order, what is open and what was traded today are too much of a day's volume."""
    limit, scope = limits.shown["max_adv"], limits.scopes["max_adv"]
    if not volume:
        return Violation(
            "MAX_ADV_PARTICIPATION",
            f"The average daily volume of {instrument.id} is not known.",
            "Enter it, or lift the limit; orders that reduce a position still pass.",
            f"{limit} %",
            "",
            scope,
        )
    share = plain((Decimal(100 * lots) / volume).quantize(Decimal("0.01")))
    return Violation(
        "MAX_ADV_PARTICIPATION",
        f"{plain(instrument.quantity(lots))}, traded today and open, is {share} % of the average"
        f" daily volume {plain(instrument.quantity(volume))} (limit {limit} %).",
        "Make the order smaller or spread it over days.",
        f"{limit} %",
        f"{share} %",
        scope,
    )


def too_valuable(limits: OrderLimits, notional: int, name: str = "max_order_notional") -> Violation:
    """The order is worth more than it may be; `name` is the limit's."""
    value = plain(money_of(notional))
    limit, hard = limits.shown[name], name == "max_order_notional"
    return Violation(
        "MAX_ORDER_NOTIONAL",
        f"The order is worth {value} {limits.currency}, more than {limit} {limits.currency}.",
        "Make the order smaller." if hard else "Confirm it to send it all the same.",
        limit,
        value,
        limits.scopes[name],
        hard,
    )
