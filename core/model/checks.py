"""Checks of one order against its instrument, market, limits and what is held: pure functions.

The engine's gate decides with them and the ticket shows with them beforehand, so that both say
the same. Limits are inclusive. A check that lacks what it needs (no price, an old price) refuses,
unless the order provably reduces what is held.

Codes: UNKNOWN_ACCOUNT, UNKNOWN_INSTRUMENT, NOT_TRADABLE, INVALID_QTY, INVALID_PRICE,
BAD_ORD_TYPE, BAD_TIF, BAD_POST_ONLY, EXPIRE_TIME_IN_PAST, REDUCE_ONLY_MODE, NO_REFERENCE_PRICE,
STALE_MARKET_DATA, PRICE_COLLAR, MAX_ORDER_QTY, MAX_ORDER_NOTIONAL, MAX_ADV_PARTICIPATION,
MAX_POSITION, SHORT_NOT_ALLOWED, NO_LOCATE, and for what needs other orders MAX_GROSS_EXPOSURE and
MAX_OPEN_ORDERS. The rest are the gate's own (`core.kernel.gate`).
"""

from __future__ import annotations

from typing import Final

from core.model.commands import NewOrder
from core.model.denials import (
    Violation,
    expired,
    locked,
    no_reference,
    not_reducing,
    not_tradable,
    outside_collar,
    stale,
    too_large,
    too_many,
    too_much_of_the_volume,
    too_short,
    too_valuable,
    uncountable,
)
from core.model.enums import MarketStatus, OrdType, Side, TimeInForce
from core.model.held import (
    MAY_PRICE,
    MAY_STOP,
    WANTS_PRICE,
    WANTS_STOP,
    check_terms,
    special,
)
from core.model.instruments import Instrument
from core.model.measures import (
    UNIT_DIGITS,
    Held,
    Holding,
    Known,
    OrderLimits,
    Reference,
    money_of,
    money_units,
    reference2,
    units_of,
)
from core.model.numbers import plain

__all__ = [
    "MAX_TICKS",
    "MAX_VALUE",
    "UNIT_DIGITS",
    "Held",
    "Holding",
    "Known",
    "OrderLimits",
    "Reference",
    "Violation",
    "check_count",
    "check_exposure",
    "check_form",
    "check_order",
    "money_of",
    "money_units",
    "not_tradable",
    "order_price2",
    "reduces",
    "reference2",
    "units_of",
    "worst_lots",
]

MAX_TICKS: Final = 2**31 - 2
"""The highest price there is, in ticks."""

MAX_VALUE: Final = 1 << 60
"""The most a position may be worth in ticks x lots, so that sums fit into 64 bits."""

NOTHING_KNOWN: Final = Known()

# Looking a member up in its enumeration is slow enough to matter here, as is a global that could
# change.
_BUY: Final = Side.BUY
_GTD: Final = TimeInForce.GTD
_LIMIT: Final = OrdType.LIMIT
_HALTED: Final = MarketStatus.HALTED
_CLOSED: Final = MarketStatus.CLOSED


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
    if special(order, instrument):
        wrong = check_terms(order, instrument)
        if wrong is not None:
            return wrong
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
    for wanted, price, what in (
        (kind in WANTS_PRICE or (kind in MAY_PRICE and order.price), order.price, "price"),
        (
            kind in WANTS_STOP or (kind in MAY_STOP and order.stop_price),
            order.stop_price,
            "stop price",
        ),
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
    known: Known = NOTHING_KNOWN,
) -> list[Violation]:
    """Everything about one order that needs no other order: form, market, price, size, position.

    `ts` is now (UTC ns, the clock of `market.received`). `own` is how many lots of `held`'s open
    quantity belong to the order itself, when it is being changed. `only_reduce` is the reason why
    the order must reduce (empty: it need not). `known` is what an engine knows beside prices.
    """
    found: list[Violation] = []
    form = check_form(order, instrument)
    if form is not None:
        found.append(form)
        return found
    if order.tif is _GTD and order.expire <= ts:
        found.append(expired(order))
        return found
    side, qty, price = order.side, order.qty, order.price
    buy = side is _BUY
    # What is held and what could come, seen from the order's side.
    position = held.qty if buy else -held.qty
    opened = (held.open_buy if buy else held.open_sell) - own + qty
    closing = position < 0 and opened <= -position
    if not closing and (only_reduce or order.reduce_only):
        found.append(not_reducing(order, instrument, held, own, only_reduce))
    status = market.status
    if status is _HALTED or status is _CLOSED or not is_open:
        found.append(not_tradable(instrument, "halted" if status is _HALTED else ""))
    ref2 = reference2(market, limits.by_last)
    age = ts - market.received
    if ref2 <= 0:
        if not closing:
            found.append(no_reference(instrument, market))
    elif limits.stale is not None and not -limits.stale <= age <= limits.stale:
        ref2 = 0
        if not closing:
            found.append(stale(instrument, limits, abs(age)))
    elif known.locked and limits.locked is not None and ts - known.locked > limits.locked:
        ref2 = 0
        if not closing:
            found.append(locked(instrument, limits, ts - known.locked))
    collar = limits.collar
    if ref2 > 0 and collar is not None:
        high, low, whole = collar
        limit, around2 = price or order.stop_price, ref2
        if price > 0 and order.stop_price > 0:
            around2 = 2 * order.stop_price
        if limit > 0 and (
            2 * limit * whole > around2 * high if buy else 2 * limit * whole < around2 * low
        ):
            found.append(outside_collar(order, instrument, limits, limit, around2))
        # A trigger is a price of its own, whatever limit goes with it.
        stop, around2 = order.stop_price, ref2
        if (price > 0 and stop > 0) and (
            2 * stop * whole > around2 * high if buy else 2 * stop * whole < around2 * low
        ):
            found.append(outside_collar(order, instrument, limits, stop, around2))
    if known.before2 > 0 and limits.window is not None:
        high, low, whole = limits.window
        limit, around2 = price or order.stop_price, known.before2
        if limit > 0 and (
            2 * limit * whole > around2 * high if buy else 2 * limit * whole < around2 * low
        ):
            found.append(outside_collar(order, instrument, limits, limit, around2, "window_collar"))
    if price > 0 and (buy or 2 * price >= ref2):
        price2 = 2 * price
    else:
        price2 = order_price2(order, market, limits, ref2)
    worst = position + opened if position > 0 else opened
    if limits.points2(worst, price2, ref2) >= 2 * MAX_VALUE:
        found.append(uncountable(instrument, qty))
    if limits.max_qty is not None and qty > limits.max_qty:
        found.append(too_many(instrument, limits, qty))
    if limits.max_notional is not None:
        notional = limits.points2(qty, price2, ref2) * limits.units
        if notional > 2 * limits.max_notional:
            found.append(too_valuable(limits, notional // 2))
    if limits.max_position is not None and position + opened > limits.max_position:
        scope = limits.scopes["max_position"]
        found.append(too_large(order, instrument, limits.max_position, position + opened, scope))
    if limits.special:
        _check_special(found, order, instrument, limits, known, position, opened, price2, ref2)
    return found


def _check_special(
    found: list[Violation],
    order: NewOrder,
    instrument: Instrument,
    limits: OrderLimits,
    known: Known,
    position: int,
    opened: int,
    price2: int,
    ref2: int,
) -> None:
    """Limits that few accounts have: share of the volume, short sales, what is to be confirmed.

    `position` and `opened` are what is held and could come, seen from the order's side.
    """
    buy, closing = order.side is _BUY, position < 0 and opened <= -position
    if limits.adv is not None and not closing:
        lots = opened + known.today
        above, below = limits.adv
        if not known.volume or lots * 100 * below > above * known.volume:
            found.append(too_much_of_the_volume(instrument, limits, lots, known.volume))
    if limits.max_short is not None and not buy and position + opened > limits.max_short:
        found.append(too_short(instrument, limits, position + opened))
    if limits.confirm_notional is not None:
        notional = limits.points2(order.qty, price2, ref2) * limits.units
        if notional > 2 * limits.confirm_notional:
            found.append(too_valuable(limits, notional // 2, "confirm_order_notional"))
    price = order.price or order.stop_price
    if limits.confirm_collar is not None and ref2 > 0 and price > 0:
        high, low, whole = limits.confirm_collar
        if 2 * price * whole > ref2 * high if buy else 2 * price * whole < ref2 * low:
            found.append(
                outside_collar(order, instrument, limits, price, ref2, "confirm_price_collar")
            )


def order_price2(order: NewOrder, market: Reference, limits: OrderLimits, ref2: int) -> int:
    """Twice the price that an order's value is reckoned at.

    A limit's own price, for a sale at least the reference; a market order's far side plus the
    collar.
    """
    if order.price > 0:
        price2 = 2 * order.price
        return ref2 if order.side is not _BUY and ref2 > price2 else price2
    far = market.ask if order.side is _BUY else market.bid
    far2 = 2 * far if 2 * far > ref2 else ref2
    if order.stop_price > 0 and 2 * order.stop_price > far2:
        far2 = 2 * order.stop_price
    if limits.collar is None:
        return far2
    high, _, whole = limits.collar
    return -(-far2 * high // whole)


def check_exposure(limits: OrderLimits, before: int, value: int, gross: int) -> Violation | None:
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
        f"Gross {shown} {limits.currency} would be more than"
        f" {limits.shown['max_exposure']} {limits.currency}.",
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
