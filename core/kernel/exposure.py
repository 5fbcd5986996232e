"""Controls of positions: size, gross and net value, concentration, open orders, own orders."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from core.kernel.markets import RATE, Market
from core.kernel.orders import Live
from core.kernel.positions import Holding
from core.kernel.resting import prices, stands
from core.kernel.rules import Bound, Case
from core.model.checks import money_of, units_of
from core.model.commands import NewOrder
from core.model.denials import Violation, self_trade, too_large
from core.model.enums import OrdType, Side, TimeInForce
from core.model.numbers import plain

if TYPE_CHECKING:
    from core.kernel.state import State

_GROSS = {
    "sector": "MAX_SECTOR_EXPOSURE",
    "currency": "MAX_CURRENCY_EXPOSURE",
}
_SMALLER = "Close or cancel something first, or make the order smaller."
_MARKET: Final = OrdType.MARKET
_LIMIT: Final = OrdType.LIMIT
_BUY: Final = Side.BUY


def position(case: Case, bound: Bound) -> Violation | None:
    """Could a strategy's or trader's position pass its limit if all its orders were filled?"""
    at = bound.at.at(case.order)
    if case.buy:
        worst = at.qty + at.open_buy - case.own + case.qty
    else:
        worst = at.open_sell - case.own + case.qty - at.qty
    if worst <= bound.limit:
        return None
    return too_large(case.order, case.market.instrument, bound.limit, worst, bound.scope)


def gross(case: Case, bound: Bound) -> Violation | None:
    """Would the gross value of positions and open orders pass its limit by this order?"""
    at, group = bound.at, bound.group
    value = case.worst(at) * case.mark
    before = at.exposure
    if value <= before:
        return None
    if group is None:
        total = at.purse.gross
    else:
        total = 0
        for holding in group:
            total += holding.exposure
    after = total - before + value
    if after <= bound.limit:
        return None
    shown = plain(money_of(after))
    return Violation(
        _GROSS.get(bound.scope.partition(":")[0], bound.code),
        f"Gross {shown} {bound.unit} would be more than {bound.shown} {bound.unit}.",
        _SMALLER,
        bound.shown,
        shown,
        bound.scope,
    )


def net(case: Case, bound: Bound) -> Violation | None:
    """Would the net value pass its limit if all open orders of this side were filled?"""
    purse = bound.at.purse
    long = case.buy is not case.market.falls
    before = purse.long if long else purse.short
    after = before + (case.qty - case.own) * case.mark
    if after <= bound.limit or after <= before:
        return None
    shown = plain(money_of(after))
    return Violation(
        bound.code,
        f"Net {'long' if long else 'short'} {shown} {bound.unit} would be more than"
        f" {bound.shown} {bound.unit}.",
        _SMALLER,
        bound.shown,
        shown,
        bound.scope,
    )


def concentration(case: Case, bound: Bound) -> Violation | None:
    """Would one instrument be too large a share of the account's equity?"""
    if case.reduces():
        return None
    value = case.worst(case.holding) * case.mark
    equity = equity_of(case)
    if value <= case.holding.exposure or value * 100_000_000 <= bound.limit * equity:
        return None
    share = "more than all" if equity <= 0 else f"{plain(_percent(value, equity))} %"
    return Violation(
        bound.code,
        f"{case.market.instrument.id} would be {share} of the equity"
        f" {plain(money_of(equity))} {bound.unit} (limit {bound.shown} %).",
        _SMALLER,
        f"{bound.shown} %",
        share,
        bound.scope,
    )


def equity_of(case: Case) -> int:
    """`equity_units` of the account that an order is of."""
    if case.equity is None:
        case.equity = equity_units(case.s, case.holding)
    return case.equity


def equity_units(s: State, holding: Holding) -> int:
    """Cash and what is held of an account, in the unit of one of its holdings, in 10^-24.

    Money in currencies without an exchange rate does not count.
    """
    account, unit = holding.account, holding.market.unit
    total, known = holding.purse.value, account.cash_units
    for currency, cash in account.cash.items():
        if s.risk.unit(currency) == unit:
            units = known.get(currency)
            if units is None or units[0] is not cash:
                units = known[currency] = (cash, units_of(cash))
            total += units[1] * s.risk.rate(currency) // RATE
    return total


def _percent(value: int, of: int) -> Decimal:
    return (Decimal(100 * value) / of).quantize(Decimal("0.01"))


def open_orders(case: Case, bound: Bound) -> Violation | None:
    """Would one order more than those that work be too many?"""
    if bound.group is None:
        working = bound.at.desk.working
    else:
        working = 0
        for holding in bound.group:
            working += len(holding.live)
    if working >= bound.limit and case.order.cl_ord_id in case.holding.live:
        working -= 1  # it waited for its turn in its list, and counts itself
    if working < bound.limit:
        return None
    return Violation(
        bound.code,
        f"{working} orders work already; {bound.limit} are the most.",
        "Cancel one first.",
        bound.shown,
        str(working + 1),
        bound.scope,
    )


def own_order(case: Case) -> Violation | None:
    """Would the order trade with one of the account's own that rests on the other side?"""
    holding, order = case.holding, case.order
    if not (holding.open_sell if case.buy else holding.open_buy) or not _takes(order):
        return None
    best = holding.resting.best(not case.buy, holding.live)
    if best is None or not _reaches(order, best[0], case.market):
        return None
    price, live = best
    return self_trade(case.market.instrument, live.command.side, live.qty - live.cum, price)


def crosses(order: NewOrder, live: Live, market: Market) -> bool:
    """Could the order trade with an own one of the other side?"""
    return (
        _takes(order)
        and stands(live)
        and any(_reaches(order, price, market) for price in prices(live))
    )


def _takes(order: NewOrder) -> bool:
    """Can the order trade as soon as it comes to its venue?"""
    kind = order.ord_type
    return (kind is _LIMIT and not order.post_only) or (kind is _MARKET and order.tif not in _LATER)


def _reaches(order: NewOrder, price: int, market: Market) -> bool:
    if order.ord_type is _MARKET:
        # What stands before our own order takes it first, as far as the quote shows.
        best, before = (
            (market.ask, market.ask_qty) if order.side is _BUY else (-market.bid, market.bid_qty)
        )
        ours = price if order.side is _BUY else -price
        return not (best and best < ours and order.qty <= before)
    return order.price >= price if order.side is _BUY else order.price <= price


_LATER = frozenset({TimeInForce.AT_THE_OPENING, TimeInForce.AT_THE_CLOSE})
