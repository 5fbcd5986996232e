"""What speaks against an order before it is sent: the engine's own checks, fed from the stores.

The engine decides; this says the same beforehand. Rules that only a person can weigh (the same
order twice within seconds, an order against one's own) are soft: they ask for a longer press.
No Qt.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from core.client.stores import Stores, position_key
from core.model.checks import (
    Holding,
    OrderLimits,
    Violation,
    check_count,
    check_exposure,
    check_order,
    reference2,
    units_of,
    worst_lots,
)
from core.model.commands import NewOrder, NewOrderList
from core.model.enums import OrdType, PositionEffect, Side, TradingState
from core.model.instruments import Instrument
from core.model.orders import Order, leg_of
from core.model.session import Ticker
from widgets.kinds import STOPS, TOUCHED
from widgets.limits import limit_values
from widgets.words import SIDE_WORDS, format_price, format_qty

DUPLICATE_WINDOW = 10_000_000_000
"""Nanoseconds within which the same order again is taken for a slip."""

_NO_MARKET = Ticker("", 0, 0)


def holding_of(stores: Stores, account: str, instrument: str, leg: str = "") -> Holding:
    """What is held and what works, in lots, of a position or its leg."""
    position = stores.positions.get(position_key(account, instrument, "", leg))
    buys = sells = 0
    for order in stores.working_orders(instrument, account):
        if leg and leg_of(order.side, order.position_effect) != leg:
            continue
        if order.side is Side.BUY:
            buys += order.leaves
        else:
            sells += order.leaves
    return Holding(position.qty if position is not None else 0, buys, sells)


def wanted_leg(order: NewOrder, hedging: bool) -> str:
    """The leg that an order of a hedging account opens or closes; '' in other accounts."""
    if not hedging:
        return ""
    effect = order.position_effect
    if effect is None:
        effect = PositionEffect.CLOSE if order.reduce_only else PositionEffect.OPEN
    return leg_of(order.side, effect)


def violations(
    order: NewOrder, instrument: Instrument, stores: Stores, age: int, recent: Iterable[NewOrder]
) -> list[Violation]:
    """Every rule that `order` breaks now, hard ones first.

    `age` is how old the newest quote is, in ns; `recent` are orders sent in the last seconds.
    """
    account = stores.accounts.get(order.account)
    if not stores.connected:
        return [Violation("NOT_CONNECTED", stores.connection_text, "Wait for the engine.")]
    if account is None:
        return [
            Violation(
                "UNKNOWN_ACCOUNT",
                f"The engine does not know the account “{order.account}”.",
                "Choose one of its accounts.",
            )
        ]
    if account.state is TradingState.HALTED:
        why = account.reason or "no reason was given"
        return [
            Violation(
                "TRADING_HALTED",
                f"Trading of {order.account} is halted: {why.rstrip('.')}.",
                "Cancels still work; set the account active to trade again.",
                scope=f"account:{order.account}",
            )
        ]
    only_reduce = ""
    if account.state is TradingState.REDUCING:
        why = account.reason or "no reason was given"
        only_reduce = f"Account {order.account} is reduce-only: {why.rstrip('.')}."
    ticker = stores.tickers.get(instrument.id) or _NO_MARKET
    now = ticker.received + age
    held = whole = holding_of(stores, order.account, instrument.id)
    leg = wanted_leg(order, account.hedging)
    if leg:
        if leg != leg_of(order.side, PositionEffect.OPEN):
            only_reduce = only_reduce or "The order closes."
        held = holding_of(stores, order.account, instrument.id, leg)
    limits = OrderLimits(instrument, limit_values(stores, order.account, instrument.id))
    found = check_order(
        order,
        instrument,
        ticker,
        limits,
        held,
        now,
        is_open=instrument.hours.is_open(now),
        only_reduce=only_reduce,
    )
    found += _account_wide(order, instrument, stores, limits, whole, ticker)
    found += at_once(order, instrument, ticker)
    found += soft_rules(order, instrument, stores.working_orders(instrument.id), recent)
    return sorted(found, key=lambda violation: not violation.hard)


def at_once(order: NewOrder, instrument: Instrument, ticker: Ticker) -> list[Violation]:
    """Would an order that should wait for a price go off as soon as it is sent?"""
    kind, stop = order.ord_type, order.stop_price
    buy = order.side is Side.BUY
    market = ticker.ask if buy else ticker.bid
    if not market or not stop or kind not in STOPS | TOUCHED:
        return []
    reached = stop <= market if (kind in STOPS) is buy else stop >= market
    if not reached:
        return []
    shown = format_price(market, instrument)
    return [
        Violation(
            "TRIGGERED_AT_ONCE",
            f"It would go off at once: the {'ask' if buy else 'bid'} is {shown}.",
            "Hold to send.",
            hard=False,
        )
    ]


def confirming(
    order: NewOrder | NewOrderList, found: Iterable[Violation]
) -> NewOrder | NewOrderList:
    """The order as it is sent when the trader confirms every soft rule that speaks against it."""
    codes = tuple(dict.fromkeys(v.code for v in found if not v.hard))
    if not codes:
        return order
    if isinstance(order, NewOrderList):
        orders = tuple(replace(each, confirmed=codes) for each in order.orders)
        return replace(order, orders=orders)
    return replace(order, confirmed=codes)


def soft_rules(
    order: NewOrder, instrument: Instrument, working: Iterable[Order], recent: Iterable[NewOrder]
) -> list[Violation]:
    """What is allowed and yet unlikely to be meant."""
    found = []
    if any(_same(order, other) for other in recent):
        found.append(
            Violation(
                "DUPLICATE_ORDER",
                "The same order was sent less than 10 s ago.",
                "Hold to send it again.",
                hard=False,
            )
        )
    for other in working:
        if other.account == order.account and _crosses(order, other):
            quantity = format_qty(other.leaves, instrument)
            price = format_price(other.price, instrument)
            found.append(
                Violation(
                    "SELF_TRADE",
                    f"It could trade with your own {SIDE_WORDS[other.side]} {quantity} @ {price}.",
                    "Cancel that first, or hold to send.",
                    hard=False,
                )
            )
            break
    return found


def _account_wide(
    order: NewOrder,
    instrument: Instrument,
    stores: Stores,
    limits: OrderLimits,
    held: Holding,
    ticker: Ticker,
) -> list[Violation]:
    """Exposure and number of orders of the whole account, as far as the stores know them."""
    found = []
    use = stores.limits.get(f"account|{order.account}|max_exposure")
    if use is not None:
        lots = max(worst_lots(held, side, 0) for side in Side)
        ref2 = reference2(ticker)
        before, value = (
            limits.points2(count, ref2, ref2) * limits.units // 2
            for count in (lots, worst_lots(held, order.side, order.qty))
        )
        found.append(check_exposure(limits, before, value, units_of(use.used)))
    working = sum(
        other.account == order.account
        for orders in stores.working.values()
        for other in orders.values()
    )
    found.append(check_count(limits, working))
    return [violation for violation in found if violation is not None]


def _same(one: NewOrder, other: NewOrder) -> bool:
    return (
        one.account == other.account
        and one.instrument == other.instrument
        and one.side is other.side
        and one.ord_type is other.ord_type
        and one.qty == other.qty
        and one.price == other.price
        and one.stop_price == other.stop_price
    )


def _crosses(order: NewOrder, other: Order) -> bool:
    """Could a new order trade with one that rests? Stops do not rest in the book before they are
    triggered, nor without a limit."""
    rests = other.ord_type in (OrdType.LIMIT, OrdType.PEGGED) or other.triggered
    if other.side is order.side or not rests or not other.price:
        return False
    if order.ord_type is OrdType.MARKET:
        return True
    if order.ord_type is not OrdType.LIMIT:
        return False
    return order.price >= other.price if order.side is Side.BUY else order.price <= other.price
