"""The sentences of denials: what is wrong, in the trader's units, and what to do about it."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from core.model.commands import NewOrder
from core.model.enums import Side
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
        return f"{self.code}: {', '.join(parts)}. {self.sentence} {self.remedy}"


def not_tradable(instrument: Instrument, why: str) -> Violation:
    """The market is shut; `why` is a word like ``halted`` or a sentence."""
    sentence = why if why.endswith(".") else f"{instrument.id} is {why or 'closed'} now."
    return Violation(
        "NOT_TRADABLE",
        sentence,
        "Wait until it trades again; cancels still work.",
        scope=f"instrument:{instrument.id}",
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


def outside_collar(
    order: NewOrder, instrument: Instrument, limits: OrderLimits, price: int, ref2: int
) -> Violation:
    """The price is too far from the market."""
    away = Decimal(abs(2 * price - ref2) * 100) / Decimal(ref2)
    shown = plain(away.quantize(Decimal("0.01")))
    word = "above" if order.side is Side.BUY else "below"
    limit = limits.shown["price_collar"]
    reference = plain(Decimal(ref2) * instrument.tick / 2)
    return Violation(
        "PRICE_COLLAR",
        f"Price {plain(instrument.price(price))} is {shown} % {word} the reference {reference}"
        f" (limit {limit} %).",
        "Bring the price nearer to the market.",
        f"{limit} %",
        f"{shown} %",
        limits.scopes["price_collar"],
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


def too_large(
    order: NewOrder, instrument: Instrument, limits: OrderLimits, worst: int
) -> Violation:
    """The position could pass its limit."""
    assert limits.max_position is not None
    side = "long" if order.side is Side.BUY else "short"
    value = plain(instrument.quantity(worst))
    limit = plain(instrument.quantity(limits.max_position))
    return Violation(
        "MAX_POSITION",
        f"With all open orders of its side the position could be {side} {value}; {limit} is the"
        " most.",
        "Make the order smaller or cancel open orders first.",
        limit,
        value,
        limits.scopes["max_position"],
    )


def too_valuable(instrument: Instrument, limits: OrderLimits, notional: int) -> Violation:
    """The order is worth more than it may be."""
    value = plain(money_of(notional))
    limit = limits.shown["max_order_notional"]
    return Violation(
        "MAX_ORDER_NOTIONAL",
        f"The order is worth {value} {instrument.currency}, more than {limit}"
        f" {instrument.currency}.",
        "Make the order smaller.",
        limit,
        value,
        limits.scopes["max_order_notional"],
    )
