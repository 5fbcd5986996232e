"""Orders, changes and cancels as they come in: accepted, or refused with a sentence."""

from __future__ import annotations

from core.kernel import riskstate
from core.kernel.closing_state import Job
from core.kernel.exposure import crosses
from core.kernel.gate import gate
from core.kernel.limits import problem_with
from core.kernel.orders import Live
from core.kernel.positions import Holding
from core.kernel.rates import count_changed, count_message, count_sent
from core.kernel.riskstate import decided
from core.kernel.state import State
from core.kernel.uses import limit_use
from core.model.checks import Violation, reduces
from core.model.commands import (
    CancelAll,
    CancelOrder,
    HandOver,
    NewOrder,
    Override,
    ReplaceOrder,
    SetLimit,
    SetRestriction,
)
from core.model.enums import ExecType, OrdStatus, OrdType, Severity, Side
from core.model.requests import VenueCancel, VenueNew, VenueReplace

MAX_ID = 128
"""The longest id of a command, in characters."""


def fresh(s: State, name: str) -> bool:
    """Is this the first command with this id? If not, it is refused and does nothing."""
    if not 0 < len(name) <= MAX_ID:
        s.refuse(name[:MAX_ID], "INVALID_ID", f"An id has 1 to {MAX_ID} characters.")
        return False
    if s.ids.add(name):
        return True
    s.refuse(
        name,
        "DUPLICATE_CLIENT_ID",
        f"Id {name} was used before; nothing was done again. Make a new id for a new command.",
    )
    return False


def new_order(s: State, command: NewOrder) -> None:
    """A new order: checked by the gate, then on its way to its venue."""
    if fresh(s, command.cl_ord_id):
        enter(s, command)


def enter(s: State, command: NewOrder, closing: bool = False) -> Live:
    """Take an order whose id is fresh. `closing`: made by a flatten, sizes do not bind it."""
    live = Live(command, s.ts)
    holding, part, hand, found = look(s, command, closing)
    if found and closing and holding is not None and _may_close(holding, command, found):
        found = []
    if found or holding is None:
        _deny(s, live, found[0])
        return live
    if s.risk.policy.cancel_own:
        _cancel_own(s, command, holding)
    _let_through(s, command)
    s.begin(live, holding, part, hand)
    count_sent(live, s.ts)
    count_message(holding.market.meter, s.ts)
    s.out.append(VenueNew(s.update(live, ExecType.PENDING_NEW)))
    return live


def look(
    s: State, command: NewOrder, closing: bool = False
) -> tuple[Holding | None, Holding | None, Holding | None, list[Violation]]:
    """What an order would meet: where it counts, and what speaks against it."""
    account = s.accounts.get(command.account)
    if account is None:
        known = ", ".join(sorted(s.accounts)) or "none"
        return (
            None,
            None,
            None,
            [
                Violation(
                    "UNKNOWN_ACCOUNT",
                    f"There is no account “{command.account}”.",
                    f"Use one of: {known}.",
                    scope=f"account:{command.account}",
                )
            ],
        )
    market = s.markets.get(command.instrument)
    if market is None:
        return (
            None,
            None,
            None,
            [
                Violation(
                    "UNKNOWN_INSTRUMENT",
                    f"There is no instrument “{command.instrument}”.",
                    "Choose one that a connected venue lists, written SYMBOL.VENUE.",
                    scope=f"instrument:{command.instrument}",
                )
            ],
        )
    holding = s.hold(account, market)
    part = s.part(holding, command.strategy) if command.strategy else None
    hand = s.hand(holding, command.trader) if command.trader else None
    return holding, part, hand, gate(s, command, holding, part, hand, closing=closing)


_ALSO_FOR_CLOSING = frozenset(
    {
        "BAD_ORD_TYPE",
        "BAD_POST_ONLY",
        "BAD_TIF",
        "INVALID_PRICE",
        "INVALID_QTY",
        "NOT_TRADABLE",
        "REDUCE_ONLY_MODE",
        "TRADING_HALTED",
    }
)


def _may_close(holding: Holding, command: NewOrder, found: list[Violation]) -> bool:
    """A closing order that provably reduces is held up only by what makes it impossible."""
    return reduces(holding, command.side, command.qty) and not any(
        v.code in _ALSO_FOR_CLOSING for v in found
    )


def _let_through(s: State, command: NewOrder) -> None:
    """Put on record by whose word an order passed that would have been denied otherwise."""
    grant = s.risk.grants.pop(command.cl_ord_id, None)
    if grant is not None:
        for code in grant.codes:
            _record(s, command, "overridden", Violation(code, grant.text, ""))
    for code in command.confirmed:
        who = command.trader or "the trader"
        _record(s, command, "confirmed", Violation(code, f"Confirmed by {who}.", ""))


def _cancel_own(s: State, command: NewOrder, holding: Holding) -> None:
    """Cancel own orders that this one would trade with."""
    buys = command.side is not Side.BUY
    job = Job(command.cl_ord_id, command.trader, close=False)
    for live in list(holding.live.values()):
        if (
            (live.command.side is Side.BUY) is buys
            and crosses(command, live)
            and not live.canceling
        ):
            cancel(s, live, s.next_id(job))


def _record(s: State, c: NewOrder, action: str, violation: Violation) -> None:
    decided(s, c.cl_ord_id, action, violation, c.account, c.instrument, c.trader, c.strategy)


def _deny(s: State, live: Live, violation: Violation) -> None:
    live.base = OrdStatus.REJECTED
    live.dead = True
    live.code = violation.code
    live.text = violation.line(live.command.cl_ord_id)
    _record(s, live.command, "denied", violation)
    s.update(live, ExecType.DENIED, live.text)
    s.bury(live)


def cancel_order(s: State, command: CancelOrder) -> None:
    """Cancel one order. Cancels pass no gate."""
    if not fresh(s, command.id):
        return
    live = find(s, command.id, command.order)
    if live is None:
        return
    if live.canceling:
        text = f"Order {command.order} is being canceled already; its venue has not answered yet."
        s.refuse(command.id, "ALREADY_PENDING", text)
        return
    cancel(s, live, command.id)


def cancel(s: State, live: Live, request: str) -> None:
    """Ask the venue to cancel; an earlier request that got lost is given up."""
    live.requests = tuple(r for r in live.requests if r.replace or not r.lost)
    live.ask(request, replace=False)
    if live.holding is not None:
        count_message(live.holding.market.meter, s.ts)
    s.out.append(VenueCancel(s.update(live, ExecType.PENDING_CANCEL), request))


def cancel_all(s: State, command: CancelAll) -> None:
    """Cancel everything that matches."""
    if not fresh(s, command.id):
        return
    job = Job(command.id, command.trader, close=False)
    for live in list(s.working.values()):
        c = live.command
        if (
            (command.account in ("", c.account))
            and (command.instrument in ("", c.instrument))
            and (command.strategy in ("", c.strategy))
            and (command.side in (0, c.side))
            and not live.canceling
        ):
            cancel(s, live, s.next_id(job))
    if not job.count:
        s.notice(Severity.INFO, "Cancel all: there was no order to cancel.")


def replace_order(s: State, command: ReplaceOrder) -> None:
    """Change an order; its new remainder passes the gate like a new order."""
    if not fresh(s, command.id):
        return
    live = find(s, command.id, command.order)
    if live is None:
        return
    code, text = _replace_problem(live, command)
    if not code:
        violation = _replace_violation(s, live, command)
        if violation is not None:
            code, text = violation.code, violation.line(command.order)
            _record(s, live.command, "denied", violation)
    if code:
        s.refuse(command.id, code, text)
        return
    assert live.holding is not None
    live.ask(command.id, True, command.qty, command.price)
    s.recount(live)
    count_changed(live, command.price, s.ts)
    count_message(live.holding.market.meter, s.ts)
    order = s.update(live, ExecType.PENDING_REPLACE)
    s.out.append(VenueReplace(order, command.id, command.qty, command.price))


def hand_over(s: State, command: HandOver) -> None:
    """Make a strategy's position the trader's own: lots and their cost; the rest stays."""
    if not fresh(s, command.id):
        return
    account = s.accounts.get(command.account)
    holding = account.holdings.get(command.instrument) if account is not None else None
    part = holding.parts.get(command.strategy) if holding is not None else None
    if holding is None or part is None or not command.strategy or not part.qty:
        s.refuse(
            command.id,
            "NO_POSITION",
            f"“{command.strategy}” holds nothing of {command.instrument} in {command.account}.",
        )
        return
    if part.leg is not None or holding.leg is not None:
        text = f"The position of {command.strategy} is being closed; wait until that is over."
        s.refuse(command.id, "CLOSING", text)
        return
    s.part(holding, "").receive(part.qty, part.cost)
    part.qty = part.cost = 0
    part.revalue()
    s.out.append(holding.view(s.seq, s.ts))
    s.out.append(part.view(s.seq, s.ts, command.strategy))


def set_limit(s: State, command: SetLimit) -> None:
    """Change a limit: tighter at once, looser with a reason and a delay."""
    if not fresh(s, command.id):
        return
    name, scope, scope_id = key = (command.name, command.scope, command.scope_id)
    problem = problem_with(name, scope, scope_id, command.value)
    if not problem and scope_id:
        if scope == "account" and scope_id not in s.accounts:
            problem = f"There is no account “{scope_id}”."
        elif scope == "instrument" and scope_id not in s.markets:
            problem = f"There is no instrument “{scope_id}”."
    code, text = ("BAD_LIMIT", problem) if problem else s.limits.set(command, s.ts)
    if code:
        s.refuse(command.id, code, text)
        return
    s.notice(Severity.INFO, text)
    s.out.append(limit_use(s, s.ts, key))
    s.floors()
    for account in s.accounts.values():
        s.watch_loss(account)


def set_restriction(s: State, command: SetRestriction) -> None:
    """Put an instrument on the restricted list, or take it off."""
    if fresh(s, command.id):
        riskstate.set_restriction(s, command)


def override(s: State, command: Override) -> None:
    """Let one order pass limits that are named."""
    if fresh(s, command.id):
        riskstate.override(s, command)


def find(s: State, command: str, order: str) -> Live | None:
    """The working order that a command means; otherwise the command is refused."""
    live = s.working.get(order)
    if live is not None:
        return live
    dead = s.orders.get(order)
    if dead is not None:
        word = dead.base.name.replace("_", " ").lower()
        s.refuse(command, "TOO_LATE", f"Order {order} is {word} already; nothing can change it.")
    elif order in s.ids:
        s.refuse(command, "TOO_LATE", f"Order {order} was over long ago.")
    else:
        s.refuse(command, "UNKNOWN_ORDER", f"There is no order {order} here.")
    return None


def _replace_problem(live: Live, command: ReplaceOrder) -> tuple[str, str]:
    order = command.order
    if live.unknown:
        return "ORDER_UNKNOWN", (
            f"What became of order {order} is not known; cancel it or wait for its venue."
        )
    if live.canceling:
        return "ALREADY_PENDING", f"Order {order} is being canceled; it cannot be changed now."
    if live.command.ord_type is OrdType.MARKET:
        return "BAD_ORD_TYPE", f"Order {order} is a MARKET order; there is no price to change."
    if command.qty <= live.cum:
        return "INVALID_QTY", (
            f"Order {order} is filled beyond the new total quantity; cancel the rest instead."
        )
    last = next((r for r in reversed(live.requests) if r.replace), None)
    now = (live.qty, live.price) if last is None else (last.qty, last.price)
    if now == (command.qty, command.price):
        return "NO_CHANGE", f"Order {order} has that price and quantity already."
    return "", ""


def _replace_violation(s: State, live: Live, command: ReplaceOrder) -> Violation | None:
    holding = live.holding
    assert holding is not None
    c = live.command
    changed = NewOrder(
        c.cl_ord_id,
        c.account,
        c.instrument,
        c.side,
        c.ord_type,
        command.qty - live.cum,
        command.price,
        c.stop_price,
        c.tif,
        c.post_only,
        c.reduce_only,
        c.source,
        c.trader,
        c.strategy,
    )
    found = gate(s, changed, holding, live.part, live.hand, own=live.exposed)
    if command.price == live.price and command.qty <= live.qty and not live.requests:
        # Less of the same can only lower every sum: what cannot be evaluated does not stop it.
        found = [v for v in found if v.code not in _PASS_WHEN_SMALLER]
    return found[0] if found else None


_PASS_WHEN_SMALLER = frozenset(
    {
        "NO_REFERENCE_PRICE",
        "STALE_MARKET_DATA",
        "PRICE_COLLAR",
        "MAX_ORDER_QTY",
        "MAX_ORDER_NOTIONAL",
        "MAX_POSITION",
        "REDUCE_ONLY_MODE",
        "DAILY_LOSS_LIMIT",
    }
)
