"""What an order would cost and need, before it is sent: the gate's own answer in figures."""

from __future__ import annotations

from decimal import Decimal

from core.kernel import commands, options
from core.kernel.desks import Desk
from core.kernel.exposure import equity_units
from core.kernel.gate import gate, rules_of
from core.kernel.markets import RATE, Market
from core.kernel.outlook import Fills, Reach, fills_of, reach, received, slippage
from core.kernel.portfolio import unpriced
from core.kernel.positions import Account, Holding
from core.kernel.state import State
from core.model.checks import money_of, order_price2, reference2, units_of
from core.model.commands import NewOrder
from core.model.denials import Violation
from core.model.enums import Side
from core.model.market import Taking
from core.model.session import Appraisal
from core.risk.margin.base import Line


def preview(s: State, order: NewOrder, ts: int) -> list[Violation]:
    """What would speak against an order at `ts`; changes nothing."""
    order = commands.with_effect(s, order)
    account, market = s.accounts.get(order.account), s.markets.get(order.instrument)
    if account is None or market is None:
        return commands.look(s, order)[3]
    holding = _holding(s, account, market)
    part = holding.parts.get(order.strategy) if order.strategy else None
    if part is None and order.strategy:
        desk = account.strategies.get(order.strategy) or Desk(order.strategy)
        part = Holding(holding.account, desk.copy(), market)
    hand = holding.hands.get(order.trader) if order.trader else None
    if hand is None and order.trader:
        desk = account.traders.get(order.trader) or Desk(order.trader, "trader")
        hand = Holding(holding.account, desk.copy(), market)
    now, s.ts = s.ts, ts
    try:
        return gate(s, order, holding, part, hand)
    finally:
        s.ts = now


def _holding(s: State, account: Account, market: Market) -> Holding:
    """What the account holds of an instrument, or something empty in its place."""
    found = account.holdings.get(market.instrument.id)
    if found is not None:
        return found
    if not market.holdings:
        options.price(s, market)
    return account.copy().holding(market, listed=False)


def appraise(s: State, order: NewOrder, ts: int, taking: Taking | None = None) -> Appraisal:
    """The figures of an order at `ts`, and what speaks against it; changes nothing.

    `taking` is what it would find in the book. What is not known is None. Money is in the
    currency of the books.
    """
    found = preview(s, order, ts)
    account, market = s.accounts.get(order.account), s.markets.get(order.instrument)
    if account is None or market is None:
        return Appraisal(0, ts, tuple(found))
    order = commands.with_effect(s, order)
    holding = _holding(s, account, market)
    limits = rules_of(s, holding, None, None).order
    ref2 = reference2(market, limits.by_last)
    if any(violation.code in _NO_MARKET for violation in found):
        taking = None
    fills = fills_of(order, market, taking) if order.qty > 0 else None
    price2 = _price2(order, market.ask if order.side is Side.BUY else market.bid, ref2)
    whole = ((price2, order.qty),) if fills is None else tuple((2 * p, lots) for p, lots in fills)
    value = fee = None
    if price2 > 0 and market.rate:
        rate = market.instrument.maker_fee if order.post_only else market.instrument.taker_fee
        units = sum(market.value(lots, each2) for each2, lots in whole)
        value, fee = money_of(units), money_of(-units_of(money_of(-units) * rate))
    equity = equity_units(s, holding)
    needs = None
    if market.rate and price2 > 0:
        worst2 = order_price2(order, market, limits, ref2)
        needs = _margin(s, account, holding, order, worst2, ts)
    lost = slippage(order, market, taking) if market.rate else None
    position = average = far = None
    if fills is not None:
        position, cost = received(account, holding.at(order), order.side.sign, fills)
        average = market.instrument.average(cost, position)
        far = _reach(s, account, holding, order, fills, equity)
    return Appraisal(
        0,
        ts,
        tuple(found),
        market.unit,
        Decimal(market.rate) / RATE if market.rate else None,
        value,
        fee,
        money_of(equity),
        None if needs is None else money_of(needs[0]),
        None if needs is None else money_of(needs[1]),
        slippage=None if lost is None else money_of(lost * market.worth),
        taken=None if taking is None else sum(lots for _, lots in taking.fills),
        thin=taking is not None and taking.thin,
        position=position,
        average=average,
        liquidation=market.instrument.price(far.price) if far is not None and far.price else None,
        distance=far.far if far is not None and far.price else None,
        safe=far is not None and not far.price,
    )


_NO_MARKET = frozenset({"STALE_MARKET_DATA", "NO_REFERENCE_PRICE", "NOT_TRADABLE"})
"""With these there is no book to trade with."""


def _price2(order: NewOrder, far: int, ref2: int) -> int:
    """Twice the price at which an order would trade, as far as one can say; 0: not known."""
    return 2 * (order.price or order.stop_price or far) or ref2


def _margin(
    s: State, account: Account, holding: Holding, order: NewOrder, price2: int, ts: int
) -> tuple[int, int] | None:
    """What must be there now and with the order; None: there is no margin, or it is not known."""
    model = s.risk.margin(account.id)
    if model is None or unpriced(s, holding.market.instrument, ts):
        return None
    line = model.line(account, holding)
    if not isinstance(line, Line):
        return None
    now = model.refresh(account)
    then = model.after(line, order.side.sign, order.qty, price2, 0, 0)
    if now.problem or then.problem:
        return None
    return now.initial, then.initial


def _reach(
    s: State, account: Account, holding: Holding, order: NewOrder, fills: Fills, equity: int
) -> Reach | None:
    """How far the price may go; None: there is no margin, or it is not known."""
    model = s.risk.margin(account.id)
    line = None if model is None else model.line(account, holding)
    if model is None or not isinstance(line, Line) or not holding.market.rate:
        return None
    return reach(model, line, holding, equity, order, fills)
