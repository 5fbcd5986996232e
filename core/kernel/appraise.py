"""What an order would cost and need, before it is sent: the gate's own answer in figures."""

from __future__ import annotations

from decimal import Decimal

from core.kernel import commands, options
from core.kernel.desks import Desk
from core.kernel.exposure import equity_units
from core.kernel.gate import gate, rules_of
from core.kernel.portfolio import unpriced
from core.kernel.positions import RATE, Account, Holding, Market
from core.kernel.state import State
from core.model.checks import money_of, order_price2, reference2, units_of
from core.model.commands import NewOrder
from core.model.denials import Violation
from core.model.enums import Side
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


def appraise(s: State, order: NewOrder, ts: int) -> Appraisal:
    """The figures of an order at `ts`, and what speaks against it; changes nothing.

    What is not known is None. Money is in the currency of the books.
    """
    found = preview(s, order, ts)
    account, market = s.accounts.get(order.account), s.markets.get(order.instrument)
    if account is None or market is None:
        return Appraisal(0, ts, tuple(found))
    holding = _holding(s, account, market)
    limits = rules_of(s, holding, None, None).order
    ref2 = reference2(market, limits.by_last)
    value = fee = None
    price2 = _price2(order, market.ask if order.side is Side.BUY else market.bid, ref2)
    if price2 > 0 and market.rate:
        rate = market.instrument.maker_fee if order.post_only else market.instrument.taker_fee
        units = order.qty * price2 * market.half
        value, fee = money_of(units), money_of(-units_of(money_of(-units) * rate))
    equity = equity_units(s, holding)
    needs = None
    if market.rate and price2 > 0:
        worst2 = order_price2(order, market, limits, ref2)
        needs = _margin(s, account, holding, order, worst2, ts)
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
    )


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
