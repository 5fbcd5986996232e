"""Orders, changes and cancels as they come in: accepted, or refused with a sentence."""

from __future__ import annotations

import msgspec

from core.kernel import riskstate
from core.kernel.asking import LATER, cancel, may_close
from core.kernel.closing_state import Job
from core.kernel.exposure import crosses
from core.kernel.gate import by_limits, gate
from core.kernel.held import start, take_in
from core.kernel.limits import problem_with
from core.kernel.orders import Live
from core.kernel.positions import Holding
from core.kernel.rates import count_message, count_sent
from core.kernel.riskstate import decided
from core.kernel.state import State
from core.kernel.uses import limit_use
from core.model.checks import Violation
from core.model.commands import (
    CancelAll,
    CancelOrder,
    HandOver,
    NewOrder,
    Override,
    SetLimit,
    SetRestriction,
)
from core.model.enums import ExecType, OrdStatus, PositionEffect, Severity, Side, TimeInForce
from core.model.held import plain_order
from core.model.requests import VenueNew

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
        enter(s, with_effect(s, command))


def with_effect(s: State, command: NewOrder, closes: bool = False) -> NewOrder:
    """An order of a hedging account that says whether it opens or closes, if need be by itself.

    `closes`: one whose sender did not say so closes. In other accounts it does not matter.
    """
    account = s.accounts.get(command.account)
    if account is None or not account.hedging or command.position_effect is not None:
        return command
    effect = _CLOSE if closes or command.reduce_only else _OPEN
    return msgspec.structs.replace(command, position_effect=effect)


_OPEN, _CLOSE = PositionEffect.OPEN, PositionEffect.CLOSE


def enter(s: State, command: NewOrder, closing: bool = False) -> Live:
    """Take an order whose id is fresh. `closing`: made by a flatten, sizes do not bind it."""
    live = Live(command, s.ts)
    holding, part, hand, found = look(s, command, closing)
    if found or holding is None:
        deny(s, live, found[0])
        return live
    if s.risk.policy.cancel_own:
        _cancel_own(s, command, holding)
    let_through(s, command)
    s.begin(live, holding, part, hand)
    if plain_order(command, holding.market.instrument):
        count_sent(live, s.ts)
        count_message(holding.market.meter, s.ts)
        s.out.append(VenueNew(s.update(live, ExecType.PENDING_NEW)))
    else:
        take_in(s, live)
        start(s, live)
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
    found = gate(s, command, holding, part, hand, closing=closing)
    if found and closing and may_close(holding, command, found):
        found = []
    if found and command.tif is _OPENING and command.tif not in market.instrument.tifs:
        # It waits here for the opening; whether it may be sent is seen then. The gate may have
        # come no further than to what is in its way now.
        hard = [v for v in found if v.code not in LATER]
        found = hard or by_limits(s, command, holding, part, hand)
        found = [v for v in found if v.code not in LATER]
    return holding, part, hand, found


_OPENING = TimeInForce.AT_THE_OPENING


def let_through(s: State, command: NewOrder) -> None:
    """Put on record by whose word an order passed that would have been denied otherwise."""
    grant = s.risk.grants.pop(command.cl_ord_id, None)
    if grant is not None:
        for code in grant.codes:
            record(s, command, "overridden", Violation(code, grant.text, ""))
    for code in command.confirmed:
        who = command.trader or "the trader"
        record(s, command, "confirmed", Violation(code, f"Confirmed by {who}.", ""))


def _cancel_own(s: State, command: NewOrder, holding: Holding) -> None:
    """Cancel own orders that this one would trade with."""
    buys = command.side is not Side.BUY
    job = Job(command.cl_ord_id, command.trader, close=False)
    for live in list(holding.live.values()):
        if (
            (live.command.side is Side.BUY) is buys
            and crosses(command, live, holding.market)
            and not live.canceling
        ):
            cancel(s, live, s.next_id(job))


def record(s: State, c: NewOrder, action: str, violation: Violation) -> None:
    """Put a decision of the gate on record."""
    decided(s, c.cl_ord_id, action, violation, c.account, c.instrument, c.trader, c.strategy)


def deny(s: State, live: Live, violation: Violation) -> None:
    """An order that may not be sent: told, and kept among the dead ones."""
    live.base = OrdStatus.REJECTED
    live.dead = True
    live.code = violation.code
    live.text = violation.line(live.command.cl_ord_id)
    record(s, live.command, "denied", violation)
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


def hand_over(s: State, command: HandOver) -> None:
    """Make a strategy's position the trader's own: lots and their cost; the rest stays."""
    if not fresh(s, command.id):
        return
    account = s.accounts.get(command.account)
    holding = account.holdings.get(command.instrument) if account is not None else None
    part = holding.parts.get(command.strategy) if holding is not None else None
    legs = () if part is None else tuple(part.legs.values())
    held = part is not None and any(each.qty for each in (part, *legs))
    if holding is None or part is None or not command.strategy or not held:
        s.refuse(
            command.id,
            "NO_POSITION",
            f"“{command.strategy}” holds nothing of {command.instrument} in {command.account}.",
        )
        return
    closing = (holding, part, *holding.legs.values(), *legs)
    if any(each.closing is not None for each in closing):
        text = f"The position of {command.strategy} is being closed; wait until that is over."
        s.refuse(command.id, "CLOSING", text)
        return
    if part.live:
        text = f"{command.strategy} has open orders of {command.instrument}; cancel them first."
        s.refuse(command.id, "OPEN_ORDERS", text)
        return
    to = s.part(holding, "")
    for each, taker in ((part, to), *((leg, to.leg(leg.side)) for leg in legs)):
        taker.receive(each.qty, each.cost)
        each.qty = each.cost = 0
    part.revalue()
    s.touch_holding(holding)
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
