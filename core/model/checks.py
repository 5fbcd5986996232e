"""Checks of one order against its instrument, market, limits and what is held: pure functions.

The engine's gate decides with them and the ticket shows with them beforehand, so that both say
the same. Limits are inclusive. A check that lacks what it needs (no price, an old price) refuses,
unless the order provably reduces what is held.

Codes: UNKNOWN_ACCOUNT, UNKNOWN_INSTRUMENT, NOT_TRADABLE, INVALID_QTY, INVALID_PRICE,
BAD_ORD_TYPE, BAD_TIF, BAD_POST_ONLY, TRADING_HALTED, REDUCE_ONLY_MODE, NO_REFERENCE_PRICE,
STALE_MARKET_DATA, PRICE_COLLAR, MAX_ORDER_QTY, MAX_ORDER_NOTIONAL, MAX_POSITION,
MAX_GROSS_EXPOSURE, MAX_OPEN_ORDERS, RATE_LIMIT, DAILY_LOSS_LIMIT.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple, Protocol

from core.model.commands import NewOrder
from core.model.enums import MarketStatus, OrdType, Side, TimeInForce
from core.model.instruments import Instrument
from core.model.numbers import EXACT, plain

MAX_TICKS = 2**31 - 2
"""The highest price there is, in ticks."""

MAX_VALUE = 1 << 60
"""The most a position may be worth in ticks x lots, so that sums fit into 64 bits."""

# Looking a member up in its enumeration is slow enough to matter here.
_BUY = Side.BUY
_LIMIT = OrdType.LIMIT
_HALTED, _CLOSED = MarketStatus.HALTED, MarketStatus.CLOSED

UNIT_DIGITS = 24
"""Money is compared as integers of 10 to the minus this."""


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


class Reference(Protocol):
    """What is known of a market; `core.model.session.Ticker` is one. Prices ticks, 0: unknown."""

    @property
    def bid(self) -> int: ...
    @property
    def bid_qty(self) -> int: ...
    @property
    def ask(self) -> int: ...
    @property
    def ask_qty(self) -> int: ...
    @property
    def last(self) -> int: ...
    @property
    def received(self) -> int: ...
    @property
    def status(self) -> MarketStatus: ...


class Held(Protocol):
    """What an account (or a strategy) holds of one instrument, in lots.

    `open_buy` and `open_sell` are all that its working orders may still trade.
    """

    @property
    def qty(self) -> int: ...
    @property
    def open_buy(self) -> int: ...
    @property
    def open_sell(self) -> int: ...


class Holding(NamedTuple):
    """A plain `Held`, for callers that have the numbers only."""

    qty: int = 0
    open_buy: int = 0
    open_sell: int = 0


class OrderLimits:
    """The limits that hold for one order, turned into integers of its instrument.

    `values` maps a name of `core.model.limits` to its value and the words for its scope, for
    example ``{"max_order_qty": (Decimal(500), "account:PAPER")}``; what is missing is not limited.
    """

    __slots__ = (
        "collar",
        "max_exposure",
        "max_notional",
        "max_orders",
        "max_position",
        "max_qty",
        "rate",
        "scopes",
        "shown",
        "stale",
        "units",
    )

    def __init__(self, instrument: Instrument, values: Mapping[str, tuple[Decimal, str]]) -> None:
        self.units = money_units(instrument)
        self.scopes = {name: scope for name, (_, scope) in values.items()}
        self.shown = {name: plain(value) for name, (value, _) in values.items()}
        self.max_qty = _whole(values, "max_order_qty")
        self.max_position = _whole(values, "max_position")
        self.max_orders = _whole(values, "max_open_orders")
        self.rate = _whole(values, "max_order_rate")
        self.max_notional = _units(values, "max_order_notional")
        self.max_exposure = _units(values, "max_exposure")
        stale = values.get("stale_after")
        self.stale = None if stale is None else int(stale[0] * 1_000_000_000)
        collar = values.get("price_collar")
        self.collar: tuple[int, int, int] | None = None
        if collar is not None:
            above, below = collar[0].as_integer_ratio()
            self.collar = (100 * below + above, 100 * below - above, 100 * below)


def money_units(instrument: Instrument) -> int:
    """One tick on one lot, as an integer of 10^-24 of the currency.

    Raises:
        ValueError: when that is not a whole number.
    """
    count = EXACT.scaleb(instrument.point, UNIT_DIGITS)
    if count != count.to_integral_value():
        raise ValueError(
            f"{instrument.id}: tick x lot x multiplier is {plain(instrument.point)}, finer than"
            f" {UNIT_DIGITS} decimal places; use a coarser tick or lot."
        )
    return int(count)


def units_of(money: Decimal) -> int:
    """Money as an integer of 10^-24, cut off below that."""
    return int(EXACT.scaleb(money, UNIT_DIGITS))


def money_of(units: int) -> Decimal:
    """The money of an integer of 10^-24, to the 12th decimal place and without idle zeros."""
    value = EXACT.normalize(EXACT.scaleb(Decimal(units // 10 ** (UNIT_DIGITS - 12)), -12))
    return EXACT.quantize(value, Decimal(1)) if value == value.to_integral_value() else value


def reference2(market: Reference) -> int:
    """Twice the reference price in ticks (so that a mid price stays whole); 0: there is none.

    The mid of bid and ask; where a side is empty the last trade, or else the side there is. A
    crossed quote is no reference.
    """
    bid = market.bid if market.bid_qty > 0 else 0
    ask = market.ask if market.ask_qty > 0 else 0
    if bid > 0 and ask > 0:
        return bid + ask if bid <= ask else 0
    if market.last > 0:
        return 2 * market.last
    return 2 * (bid if bid > 0 else ask)


def reduces(held: Held, side: Side, qty: int, own: int = 0) -> bool:
    """True when `qty` more lots of `side` can only bring what is held nearer to zero.

    All working orders of that side count, except `own` lots of the order that is being changed.
    """
    if side is _BUY:
        return held.qty < 0 and held.open_buy - own + qty <= -held.qty
    return held.qty > 0 and held.open_sell - own + qty <= held.qty


def worst_lots(held: Held, side: Side, qty: int, own: int = 0) -> int:
    """Gross lots if all working orders of the worse side and this one were filled."""
    buys, sells = held.open_buy, held.open_sell
    if side is _BUY:
        buys += qty - own
    else:
        sells += qty - own
    long, short = held.qty + buys, sells - held.qty
    return long if long > short else short


def check_form(order: NewOrder, instrument: Instrument) -> Violation | None:
    """Is the order well formed for its instrument? The first rule it breaks."""
    kind = order.ord_type
    if kind not in instrument.order_types:
        names = ", ".join(t.name for t in instrument.order_types)
        return Violation(
            "BAD_ORD_TYPE",
            f"{instrument.id} does not take {kind.name} orders.",
            f"Use {names}.",
            value=kind.name,
            scope=f"instrument:{instrument.id}",
        )
    if order.tif not in instrument.tifs:
        names = ", ".join(t.name for t in instrument.tifs)
        return Violation(
            "BAD_TIF",
            f"{instrument.id} does not take time in force {order.tif.name}.",
            f"Use {names}.",
            value=order.tif.name,
            scope=f"instrument:{instrument.id}",
        )
    if not 0 < order.qty <= instrument.max_qty:
        return Violation(
            "INVALID_QTY",
            f"Quantity {plain(instrument.quantity(order.qty))} is not valid.",
            f"Enter {plain(instrument.lot)} to {plain(instrument.quantity(instrument.max_qty))}.",
            limit=plain(instrument.quantity(instrument.max_qty)),
            value=plain(instrument.quantity(order.qty)),
            scope=f"instrument:{instrument.id}",
        )
    if kind is not _LIMIT or not 0 < order.price <= MAX_TICKS or order.stop_price:
        wrong = _check_price_form(order, instrument)
        if wrong is not None:
            return wrong
    return _check_post_only(order, instrument) if order.post_only else None


def _check_price_form(order: NewOrder, instrument: Instrument) -> Violation | None:
    kind = order.ord_type
    wants_price = kind is OrdType.LIMIT or kind is OrdType.STOP_LIMIT
    wants_stop = kind is OrdType.STOP or kind is OrdType.STOP_LIMIT
    for wanted, price, what in (
        (wants_price, order.price, "price"),
        (wants_stop, order.stop_price, "stop price"),
    ):
        if wanted and not 0 < price <= MAX_TICKS:
            return Violation(
                "INVALID_PRICE",
                f"The {what} {plain(instrument.price(price))} is not valid.",
                f"Enter {plain(instrument.tick)} to {plain(instrument.price(MAX_TICKS))}.",
                value=plain(instrument.price(price)),
                scope=f"instrument:{instrument.id}",
            )
        if not wanted and price != 0:
            return Violation(
                "INVALID_PRICE",
                f"A {kind.name} order has no {what}.",
                "Leave it empty.",
                value=plain(instrument.price(price)),
                scope=f"instrument:{instrument.id}",
            )
    return None


def _check_post_only(order: NewOrder, instrument: Instrument) -> Violation | None:
    scope = f"instrument:{instrument.id}"
    if not instrument.post_only:
        return Violation(
            "BAD_POST_ONLY",
            f"{instrument.id} does not take post-only orders.",
            "Send it without post-only.",
            scope=scope,
        )
    if order.ord_type is not OrdType.LIMIT or order.tif in (TimeInForce.IOC, TimeInForce.FOK):
        return Violation(
            "BAD_POST_ONLY",
            "Post-only needs a LIMIT order that may rest.",
            "Use a limit with DAY or GTC, or send it without post-only.",
            value=f"{order.ord_type.name} {order.tif.name}",
            scope=scope,
        )
    return None


def check_order(
    order: NewOrder,
    instrument: Instrument,
    market: Reference,
    limits: OrderLimits,
    held: Held,
    ts: int,
    *,
    own: int = 0,
    is_open: bool = True,
    only_reduce: str = "",
) -> list[Violation]:
    """Everything about one order that needs no other order: form, market, price, size, position.

    `ts` is now (UTC ns, the clock of `market.received`). `own` is how many lots of `held`'s open
    quantity belong to the order itself, when it is being changed. `only_reduce` is the reason why
    the order must reduce (empty: it need not).
    """
    found: list[Violation] = []
    form = check_form(order, instrument)
    if form is not None:
        found.append(form)
        return found
    side, qty, price = order.side, order.qty, order.price
    buy = side is _BUY
    # What is held and what could come, seen from the order's side.
    position = held.qty if buy else -held.qty
    opened = (held.open_buy if buy else held.open_sell) - own + qty
    closing = position < 0 and opened <= -position
    if not closing and (only_reduce or order.reduce_only):
        found.append(_not_reducing(order, instrument, held, own, only_reduce))
    status = market.status
    if status is _HALTED or status is _CLOSED or not is_open:
        found.append(not_tradable(instrument, "halted" if status is _HALTED else ""))
    ref2 = reference2(market)
    age = ts - market.received
    if ref2 <= 0:
        if not closing:
            found.append(_no_reference(instrument, market))
    elif limits.stale is not None and not -limits.stale <= age <= limits.stale:
        ref2 = 0
        if not closing:
            found.append(_stale(instrument, limits, abs(age)))
    collar = limits.collar
    if ref2 > 0 and collar is not None:
        high, low, whole = collar
        limit, around2 = price or order.stop_price, ref2
        if price > 0 and order.stop_price > 0:
            around2 = 2 * order.stop_price
        if limit > 0 and (
            2 * limit * whole > around2 * high if buy else 2 * limit * whole < around2 * low
        ):
            found.append(_outside_collar(order, instrument, limits, limit, around2))
    if price > 0 and (buy or 2 * price >= ref2):
        price2 = 2 * price
    else:
        price2 = order_price2(order, market, limits, ref2)
    if (position + opened if position + opened > opened else opened) * price2 >= 2 * MAX_VALUE:
        found.append(_uncountable(instrument, qty))
    if limits.max_qty is not None and qty > limits.max_qty:
        found.append(_too_many(instrument, limits, qty))
    if limits.max_notional is not None:
        notional = qty * price2 * limits.units
        if notional > 2 * limits.max_notional:
            found.append(_too_valuable(instrument, limits, notional // 2))
    if limits.max_position is not None and position + opened > limits.max_position:
        found.append(_too_large(order, instrument, limits, position + opened))
    return found


def order_price2(order: NewOrder, market: Reference, limits: OrderLimits, ref2: int) -> int:
    """Twice the price that an order's value is reckoned at.

    A limit's own price, for a sale at least the reference; a market order's far side plus the
    collar.
    """
    if order.price > 0:
        price2 = 2 * order.price
        return ref2 if order.side is Side.SELL and ref2 > price2 else price2
    far = market.ask if order.side is Side.BUY else market.bid
    far2 = 2 * far if 2 * far > ref2 else ref2
    if order.stop_price > 0 and 2 * order.stop_price > far2:
        far2 = 2 * order.stop_price
    if limits.collar is None:
        return far2
    high, _, whole = limits.collar
    return -(-far2 * high // whole)


def check_position(
    order: NewOrder, instrument: Instrument, limits: OrderLimits, held: Held, own: int = 0
) -> Violation | None:
    """Could the position pass its limit if all open orders of the order's side were filled?"""
    if limits.max_position is None:
        return None
    if order.side is _BUY:
        worst = held.qty + held.open_buy - own + order.qty
    else:
        worst = held.open_sell - own + order.qty - held.qty
    return _too_large(order, instrument, limits, worst) if worst > limits.max_position else None


def check_exposure(
    instrument: Instrument, limits: OrderLimits, before: int, value: int, gross: int
) -> Violation | None:
    """Would the gross value (all in units of 10^-24) pass its limit by this order?

    `before` and `value` are this instrument's worst-case value without and with the order,
    `gross` the scope's whole, `before` included.
    """
    if limits.max_exposure is None or value <= before:
        return None
    after = gross - before + value
    if after <= limits.max_exposure:
        return None
    shown = plain(money_of(after))
    return Violation(
        "MAX_GROSS_EXPOSURE",
        f"Gross {shown} {instrument.currency} would be more than"
        f" {limits.shown['max_exposure']} {instrument.currency}.",
        "Close or cancel something first, or make the order smaller.",
        limits.shown["max_exposure"],
        shown,
        limits.scopes["max_exposure"],
    )


def check_count(limits: OrderLimits, working: int) -> Violation | None:
    """Would one order more than the `working` ones be too many?"""
    if limits.max_orders is None or working < limits.max_orders:
        return None
    return Violation(
        "MAX_OPEN_ORDERS",
        f"{working} orders work already; {limits.max_orders} are the most.",
        "Cancel one first.",
        str(limits.max_orders),
        str(working + 1),
        limits.scopes["max_open_orders"],
    )


def not_tradable(instrument: Instrument, why: str) -> Violation:
    """The market is shut; `why` is a word like ``halted`` or a sentence."""
    sentence = why if why.endswith(".") else f"{instrument.id} is {why or 'closed'} now."
    return Violation(
        "NOT_TRADABLE",
        sentence,
        "Wait until it trades again; cancels still work.",
        scope=f"instrument:{instrument.id}",
    )


def _uncountable(instrument: Instrument, qty: int) -> Violation:
    value = plain(instrument.quantity(qty))
    return Violation(
        "INVALID_QTY",
        f"With {value} the position could be worth more than can be counted exactly.",
        "Make the order smaller.",
        value=value,
        scope=f"instrument:{instrument.id}",
    )


def _not_reducing(
    order: NewOrder, instrument: Instrument, held: Held, own: int, why: str
) -> Violation:
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


def _no_reference(instrument: Instrument, market: Reference) -> Violation:
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


def _stale(instrument: Instrument, limits: OrderLimits, age: int) -> Violation:
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


def _outside_collar(
    order: NewOrder, instrument: Instrument, limits: OrderLimits, price: int, ref2: int
) -> Violation:
    away = Decimal(abs(2 * price - ref2) * 100) / Decimal(ref2)
    shown = plain(away.quantize(Decimal("0.01")))
    word = "above" if order.side is _BUY else "below"
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


def _too_many(instrument: Instrument, limits: OrderLimits, qty: int) -> Violation:
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


def _too_large(
    order: NewOrder, instrument: Instrument, limits: OrderLimits, worst: int
) -> Violation:
    assert limits.max_position is not None
    side = "long" if order.side is _BUY else "short"
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


def _too_valuable(instrument: Instrument, limits: OrderLimits, notional: int) -> Violation:
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


def _whole(values: Mapping[str, tuple[Decimal, str]], name: str) -> int | None:
    entry = values.get(name)
    return None if entry is None else int(entry[0])


def _units(values: Mapping[str, tuple[Decimal, str]], name: str) -> int | None:
    entry = values.get(name)
    return None if entry is None else units_of(entry[0])
