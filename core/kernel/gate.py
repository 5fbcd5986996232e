"""The first risk gate: every control for one order, in one pass."""

from __future__ import annotations

from collections import deque

from core.kernel.limits import Rules
from core.kernel.positions import Account, Holding, Market
from core.kernel.state import State
from core.model.checks import (
    OrderLimits,
    Violation,
    check_count,
    check_exposure,
    check_order,
    check_position,
    not_tradable,
    reduces,
    worst_lots,
)
from core.model.commands import NewOrder
from core.model.enums import LinkState, TradingState

_SECOND = 1_000_000_000
# Looking a member up in its enumeration is slow enough to matter here.
_UP, _STALE = LinkState.UP, LinkState.STALE
_HALTED, _REDUCING = TradingState.HALTED, TradingState.REDUCING


def gate(
    s: State,
    order: NewOrder,
    holding: Holding,
    part: Holding | None,
    *,
    own: int = -1,
    closing: bool = False,
) -> list[Violation]:
    """What speaks against an order; an empty list lets it pass. Changes nothing.

    `own` is the open quantity of the order itself when it is being replaced, -1 when it is new;
    `closing` says that a flatten made it.
    """
    account, market = holding.account, holding.market
    if account.state is _HALTED:
        return [_halted(account)]
    unreachable = out_of_reach(s, market)
    if unreachable:
        return [not_tradable(market.instrument, unreachable)]
    new = own < 0
    mine = 0 if new else own
    rules = rules_of(s, holding, part)
    found = check_order(
        order,
        market.instrument,
        market,
        rules.order,
        holding,
        s.ts,
        own=mine,
        is_open=market.is_open(s.ts),
        only_reduce=only_reduce(holding, part, closing),
    )
    if found:
        return _named(account, found)
    value = _value(holding, order, mine)
    _check_desk(found, rules.account, holding, value, new, s.ts)
    if rules.instrument is not None:
        _check_instrument(found, rules.instrument, holding, value, new)
    if part is not None:
        _check_strategy(s, found, order, part, rules.own, mine, new)
    return found


def rules_of(s: State, holding: Holding, part: Holding | None) -> Rules:
    """The limits in force for a holding, or for a strategy's part of it."""
    at = holding if part is None else part
    rules = at.rules
    if rules is None or at.version != s.limits.version:
        strategy = "" if part is None else part.desk.strategy
        rules = s.limits.rules(holding.market.instrument, holding.account.id, strategy)
        at.rules = rules
        at.version = s.limits.version
    return rules


def count_sent(holding: Holding, part: Holding | None, ts: int) -> None:
    """An order or change has left: it counts in the rates."""
    for desk in (holding.desk,) if part is None else (holding.desk, part.desk):
        sent = desk.sent
        sent.append(ts)
        while not 0 <= ts - sent[0] < _SECOND:
            sent.popleft()


def out_of_reach(s: State, market: Market) -> str:
    """A sentence when the instrument's venue cannot take an order at all, else nothing."""
    if market.blocked:
        return market.blocked
    link = s.links.get(market.instrument.venue)
    if link is None or link[0] is _UP or link[0] is _STALE:
        return ""
    return f"{market.instrument.venue} is not connected ({link[1] or link[0].value})."


def only_reduce(holding: Holding, part: Holding | None, closing: bool) -> str:
    """Why an order must reduce what the account holds, or nothing."""
    account = holding.account
    if account.state is _REDUCING:
        return f"Account {account.id} is reduce-only: {_reason(account)}."
    if not closing and (holding.leg is not None or (part is not None and part.leg is not None)):
        return f"{holding.market.instrument.id} is being closed."
    return ""


def check_rate(limits: OrderLimits, sent: deque[int], ts: int) -> Violation | None:
    """Would one more order now be too many within a second?"""
    most = limits.rate
    if most is None or (most > 0 and (len(sent) < most or not 0 <= ts - sent[-most] < _SECOND)):
        return None
    return Violation(
        "RATE_LIMIT",
        f"Order {most + 1} within one second; {most} are the most.",
        "Wait a second; cancels are free.",
        str(most),
        str(most + 1),
        limits.scopes["max_order_rate"],
    )


def _check_desk(
    found: list[Violation],
    limits: OrderLimits,
    holding: Holding,
    value: int,
    new: bool,
    ts: int,
) -> None:
    desk = holding.desk
    if limits.max_exposure is not None:
        violation = check_exposure(
            holding.market.instrument, limits, holding.exposure, value, holding.purse.gross
        )
        if violation is not None:
            found.append(violation)
    if new and limits.max_orders is not None and desk.working >= limits.max_orders:
        violation = check_count(limits, desk.working)
        if violation is not None:
            found.append(violation)
    if limits.rate is not None:
        violation = check_rate(limits, desk.sent, ts)
        if violation is not None:
            found.append(violation)


def _check_instrument(
    found: list[Violation], limits: OrderLimits, holding: Holding, value: int, new: bool
) -> None:
    violation = check_exposure(
        holding.market.instrument, limits, holding.exposure, value, holding.exposure
    )
    if violation is not None:
        found.append(violation)
    violation = check_count(limits, len(holding.live)) if new else None
    if violation is not None:
        found.append(violation)


def _check_strategy(
    s: State,
    found: list[Violation],
    order: NewOrder,
    part: Holding,
    limits: OrderLimits | None,
    own: int,
    new: bool,
) -> None:
    if limits is not None:
        violation = check_position(order, part.market.instrument, limits, part, own)
        if violation is not None:
            found.append(violation)
        _check_desk(found, limits, part, _value(part, order, own), new, s.ts)
    lost = s.over_loss(part.desk)
    if lost and not reduces(part, order.side, order.qty, own):
        found.append(
            Violation(
                "DAILY_LOSS_LIMIT",
                lost,
                "The strategy may only close until the next session.",
                scope=f"strategy:{part.desk.strategy}",
            )
        )


def _value(holding: Holding, order: NewOrder, own: int) -> int:
    market = holding.market
    return worst_lots(holding, order.side, order.qty, own) * market.mark2 * market.half


def _halted(account: Account) -> Violation:
    return Violation(
        "TRADING_HALTED",
        f"Trading of {account.id} is halted: {_reason(account)}.",
        "Cancels still work; set the account active to trade again.",
        scope=f"account:{account.id}",
    )


def _reason(account: Account) -> str:
    """Why the account is not active, to end a sentence with."""
    return account.reason.rstrip(".") or "no reason was given"


def _named(account: Account, found: list[Violation]) -> list[Violation]:
    """A loss limit that made the account reduce-only speaks in its own name."""
    if account.code and account.state is _REDUCING:
        return [v._replace(code=account.code) if v.code == "REDUCE_ONLY_MODE" else v for v in found]
    return found
