"""The risk gate: every control for one order, in one pass and in the order in which they stand.

First whether anything may be traded at all and by whom, then the order by itself
(`core.model.checks.check_order`), then what needs other orders, positions and money. A control
that cannot be evaluated refuses, unless the order provably reduces. Cancels never come here; a
change of an order comes with its new remainder.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from core.kernel import exposure, losses, portfolio, rates
from core.kernel.desks import Desk, Meter
from core.kernel.markets import Market
from core.kernel.positions import Account, Holding
from core.kernel.rules import Bound, Case, Rules, make_rules
from core.kernel.state import State
from core.model.checks import Known, Violation, check_order, not_tradable, reduces
from core.model.commands import NewOrder
from core.model.denials import CONFIRM, no_rate, not_permitted, restricted
from core.model.enums import LinkState, PositionEffect, Source, TradingState

Control = Callable[[Case, Bound], Violation | None]

NEW, CHANGE, BOTH = (True, False), (False, True), (True, True)
"""What a control is for: new orders, changes of orders, or both."""

CONTROLS: tuple[tuple[str, Control, tuple[bool, bool]], ...] = (
    # What flows: orders, changes, messages, orders alike.
    ("max_order_rate", rates.order_rate, NEW),
    ("max_change_rate", rates.change_rate, CHANGE),
    ("max_messages", rates.messages, BOTH),
    ("max_messages_day", rates.messages_today, BOTH),
    ("max_order_trade_ratio", rates.order_to_trade, BOTH),
    ("max_duplicates", rates.duplicates, NEW),
    # What is open and held, in the worst case.
    ("max_open_orders", exposure.open_orders, NEW),
    ("max_position", exposure.position, BOTH),
    ("max_exposure", exposure.gross, BOTH),
    ("max_net_exposure", exposure.net, BOTH),
    ("max_concentration", exposure.concentration, BOTH),
    ("max_var", portfolio.value_at_risk, BOTH),
    ("max_shortfall", portfolio.value_at_risk, BOTH),
    # What was lost.
    ("daily_loss", losses.lost, BOTH),
    ("daily_loss_halt", losses.lost, BOTH),
    ("max_drawdown", losses.lost, BOTH),
)
"""The controls that need a limit, and which one: those that are set are carried out in this order.

Limits that are not here bear on the order by itself (`core.model.checks`) or on a strategy's
executions (`core.kernel.stops`).
"""

# Looking a member up in its enumeration is slow enough to matter here.
_UP: Final = LinkState.UP
_STALE: Final = LinkState.STALE
_ACTIVE: Final = TradingState.ACTIVE
_HALTED: Final = TradingState.HALTED
_REDUCING: Final = TradingState.REDUCING
_CLOSE: Final = PositionEffect.CLOSE
_PERSONS: Final = frozenset({Source.USER, Source.HOTKEY})


def gate(
    s: State,
    order: NewOrder,
    holding: Holding,
    part: Holding | None,
    hand: Holding | None = None,
    *,
    own: int = -1,
    closing: bool = False,
) -> list[Violation]:
    """What speaks against an order; an empty list lets it pass. Changes nothing.

    `part` and `hand` are the strategy's and the trader's parts of the holding. `own` is the open
    quantity of the order itself when it is being replaced, -1 when it is new; `closing` says that
    a flatten made it.
    """
    account, market = holding.account, holding.market
    rules = rules_of(s, holding, part, hand)
    case = Case(s, order, holding, part, hand, own, rules)
    stop = _stopped(case, closing)
    if stop is not None:
        return [stop]
    if rules.restricted is not None:
        return _settled(case, [restricted(market.instrument, rules.restricted)])
    if rules.permitted is not None and order.ord_type not in rules.permitted:
        return _settled(case, [not_permitted(order)])
    unreachable = out_of_reach(s, market)
    if unreachable:
        return [not_tradable(market.instrument, unreachable)]
    contract = market.instrument.contract
    if contract is not None and 0 < contract.expiry <= case.ts:
        return [not_tradable(market.instrument, "expired")]
    held = holding.at(order)
    known = market.known(case.ts)
    if rules.order.adv is not None:
        today = holding.bought + holding.sold - holding.day
        known = Known(known.before2, known.locked, known.volume, today)
    found = check_order(
        order,
        market.instrument,
        market,
        rules.order,
        held,
        case.ts,
        own=case.own,
        is_open=market.is_open(case.ts),
        only_reduce=only_reduce(order, held, part, closing),
        known=known,
    )
    if found:
        found = _settled(case, _named(account, found))
        if found:
            return found
    if not market.rate and not case.reduces():
        found.append(no_rate(market.instrument, market.unit))
    if not s.risk.policy.cancel_own:
        violation = exposure.own_order(case)
        if violation is not None:
            found.append(violation)
    if s.risk.policy.margins:
        violation = portfolio.margin(case)
        if violation is not None:
            found.append(violation)
    for control, bound in rules.for_new if case.new else rules.for_changes:
        violation = control(case, bound)
        if violation is not None:
            found.append(violation)
    return _settled(case, found) if found else found


def by_limits(
    s: State,
    order: NewOrder,
    holding: Holding,
    part: Holding | None,
    hand: Holding | None,
    name: str = "",
) -> list[Violation]:
    """What the limits on new orders (one of them, by its name) say to one that waits here."""
    rules = rules_of(s, holding, part, hand)
    case = Case(s, order, holding, part, hand, -1, rules)
    found = []
    for control, bound in rules.for_new:
        if name in ("", bound.name):
            violation = control(case, bound)
            if violation is not None:
                found.append(violation)
    return _settled(case, found)


def rules_of(
    s: State, holding: Holding, part: Holding | None, hand: Holding | None = None
) -> Rules:
    """The limits in force for a holding and a strategy's and a trader's part of it."""
    key = (
        "" if part is None else part.desk.strategy,
        "" if hand is None else hand.desk.strategy,
    )
    rules = holding.rules.get(key)
    if rules is None or rules.version != s.limits.version:
        rules = holding.rules[key] = make_rules(s, holding, part, hand, CONTROLS)
    return rules


def out_of_reach(s: State, market: Market) -> str:
    """A sentence when the instrument's venue cannot take an order at all, else nothing."""
    if market.blocked:
        return market.blocked
    link = s.links.get(market.instrument.venue)
    if link is None or link[0] is _UP or link[0] is _STALE:
        return ""
    return f"{market.instrument.venue} is not connected ({link[1] or link[0].value})."


def only_reduce(order: NewOrder, held: Holding, part: Holding | None, closing: bool) -> str:
    """Why an order must reduce what the account holds, or nothing; `held` is what it acts on."""
    account, meter = held.account, held.market.meter
    if account.state is _REDUCING:
        return f"Account {account.id} is reduce-only: {_reason(account)}."
    if meter.state is _REDUCING:
        return f"Venue {meter.name} is reduce-only: {_reason(meter)}."
    if not closing and (
        held.closing is not None or (part is not None and part.at(order).closing is not None)
    ):
        return f"{held.market.instrument.id} is being closed."
    if account.hedging and order.position_effect is _CLOSE:
        return "The order closes."
    return ""


def _stopped(case: Case, closing: bool) -> Violation | None:
    """Is account, venue, strategy or trader halted, or one of the latter reduce-only?"""
    account, meter = case.holding.account, case.market.meter
    if account.state is _HALTED:
        return _halted("account", account.id, account)
    if meter.state is _HALTED:
        return _halted("venue", meter.name, meter)
    for part in (case.part, case.hand):
        if part is None or part.desk.state is _ACTIVE or closing:
            continue
        desk = part.desk
        if desk.state is _HALTED:
            return _halted(desk.scope, desk.strategy, desk)
        if not reduces(part.at(case.order), case.order.side, case.qty, case.own):
            return Violation(
                "REDUCE_ONLY_MODE",
                f"{desk.scope.capitalize()} {desk.strategy} is reduce-only: {_reason(desk)}.",
                "Send an order that closes no more than it holds.",
                scope=f"{desk.scope}:{desk.strategy}",
            )
    return None


def _halted(scope: str, name: str, desk: Desk | Meter) -> Violation:
    what = name if scope == "account" else f"{scope} {name}"
    return Violation(
        desk.code if desk.code in _OWN_NAME else "TRADING_HALTED",
        f"Trading of {what} is halted: {_reason(desk)}.",
        f"Cancels still work; set the {scope} active to trade again.",
        scope=f"{scope}:{name}",
    )


_OWN_NAME = frozenset({"REPEATED_EXECUTION_THROTTLE", "DAILY_LOSS_LIMIT", "MAX_DRAWDOWN"})


def _reason(desk: Desk | Meter) -> str:
    """Why it is not active, to end a sentence with."""
    return desk.reason.rstrip(".") or "no reason was given"


def _named(account: Account, found: list[Violation]) -> list[Violation]:
    """A loss limit that made the account reduce-only speaks in its own name."""
    if account.code and account.state is _REDUCING:
        return [v._replace(code=account.code) if v.code == "REDUCE_ONLY_MODE" else v for v in found]
    return found


def _settled(case: Case, found: list[Violation]) -> list[Violation]:
    """What is left when the trader's confirmations and an override are counted; hard ones first.

    Only a person can confirm: for everybody else a soft rule is as hard as any.
    """
    s, order = case.s, case.order
    person = order.source in _PERSONS
    soft, grant = s.risk.policy.soft, s.risk.grants.get(order.cl_ord_id)
    left = []
    for violation in found:
        code = violation.code
        asks = person and (not violation.hard or code in soft)
        if asks and code in order.confirmed:
            continue
        if grant is not None and case.ts <= grant.expires and code in grant.codes:
            continue
        left.append(violation._replace(hard=False, remedy=CONFIRM) if asks else violation)
    left.sort(key=lambda v: not v.hard)
    return left
