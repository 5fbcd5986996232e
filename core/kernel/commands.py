"""Orders, changes and cancels as they come in: accepted, or refused with a sentence."""

from __future__ import annotations

import msgspec

from core.kernel.asking import LATER, as_sent, cancel, change, objections
from core.kernel.closing_state import Job
from core.kernel.gate import count_sent, gate
from core.kernel.groups import follows, resized
from core.kernel.held import start, take_in
from core.kernel.limits import problem_with
from core.kernel.orders import Live
from core.kernel.positions import Holding
from core.kernel.state import State
from core.kernel.uses import limit_use
from core.model.checks import Violation, check_form
from core.model.commands import (
    CancelAll,
    CancelOrder,
    HandOver,
    NewOrder,
    ReplaceOrder,
    SetLimit,
)
from core.model.enums import ExecType, OrdStatus, OrdType, Severity, TimeInForce
from core.model.held import WANTS_STOP, plain_order, wire_type
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
        enter(s, command)


def enter(s: State, command: NewOrder, closing: bool = False) -> Live:
    """Take an order whose id is fresh. `closing`: made by a flatten, sizes do not bind it."""
    live = Live(command, s.ts)
    holding, part, found = look(s, command, closing)
    if found or holding is None:
        deny(s, live, found[0])
        return live
    s.begin(live, holding, part)
    if plain_order(command, holding.market.instrument):
        count_sent(holding, part, s.ts)
        s.out.append(VenueNew(s.update(live, ExecType.PENDING_NEW)))
    else:
        take_in(s, live)
        start(s, live)
    return live


def look(
    s: State, command: NewOrder, closing: bool = False
) -> tuple[Holding | None, Holding | None, list[Violation]]:
    """What an order would meet: where it counts, and what speaks against it."""
    account = s.accounts.get(command.account)
    if account is None:
        known = ", ".join(sorted(s.accounts)) or "none"
        return (
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
    found = objections(s, command, holding, part, closing=closing)
    if found and command.tif is _OPENING and command.tif not in market.instrument.tifs:
        # It waits here for the opening; whether it may be sent is seen then.
        found = [v for v in found if v.code not in LATER]
    return holding, part, found


_OPENING = TimeInForce.AT_THE_OPENING


def deny(s: State, live: Live, violation: Violation) -> None:
    """An order that may not be sent: told, and kept among the dead ones."""
    live.base = OrdStatus.REJECTED
    live.dead = True
    live.code = violation.code
    live.text = violation.line(live.command.cl_ord_id)
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
    if code:
        s.refuse(command.id, code, text)
        return
    assert live.holding is not None
    stop = command.stop_price
    if live.waits:
        live.qty, live.price, live.stop = command.qty, command.price, stop or live.stop
        s.recount(live)
        s.update(live, ExecType.REPLACED)
        resized(live)
        s.touch(live)
        return
    if live.more is not None:
        live.more.stuck = 0
    count_sent(live.holding, live.part, s.ts)
    change(s, live, command.id, command.qty, command.price, stop)


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
    assert live.holding is not None
    kind = live.command.ord_type
    if not live.waits:
        kind = wire_type(kind, live.holding.market.instrument)
    if kind is OrdType.MARKET:
        return "BAD_ORD_TYPE", f"Order {order} is a MARKET order; there is no price to change."
    if kind in _MOVING and (
        command.price != live.price or command.stop_price not in (0, live.stop)
    ):
        return "FOLLOWS_MARKET", f"Order {order} follows the market; only its quantity can change."
    if command.stop_price and (kind not in WANTS_STOP and kind not in _MOVING):
        return "INVALID_PRICE", f"Order {order} has no stop price; leave it empty."
    if follows(live) and command.qty != live.qty:
        return "FOLLOWS_LIST", (
            f"Order {order} follows the fills of another order of its list; change that one's"
            " quantity, or cancel this one."
        )
    if command.qty <= live.cum:
        return "INVALID_QTY", (
            f"Order {order} is filled beyond the new total quantity; cancel the rest instead."
        )
    last = next((r for r in reversed(live.requests) if r.replace), None)
    now = (live.qty, live.price, live.stop)
    if last is not None:
        now = (last.qty, last.price, last.stop or live.stop)
    if now == (command.qty, command.price, command.stop_price or now[2]):
        return "NO_CHANGE", f"Order {order} has that price and quantity already."
    return "", ""


_MOVING = (OrdType.PEGGED, OrdType.TRAILING_STOP, OrdType.TRAILING_STOP_LIMIT)


def _replace_violation(s: State, live: Live, command: ReplaceOrder) -> Violation | None:
    holding = live.holding
    assert holding is not None
    qty = command.qty - live.cum
    if live.waits:
        terms = msgspec.structs.replace(live.command, price=command.price)
        terms = msgspec.structs.replace(
            terms,
            qty=qty,
            display_qty=min(terms.display_qty, qty),
            stop_price=command.stop_price or live.stop,
        )
    else:
        terms = as_sent(live, qty, command.price)
        if command.stop_price:
            terms = msgspec.structs.replace(terms, stop_price=command.stop_price)
    own = live.exposed
    group = None if live.more is None else live.more.group
    if group is not None:
        if live.more is not None and live.more.suspended:
            # Its turn has not come: whether it may be sent is seen then.
            return check_form(terms, holding.market.instrument)
        own = sum(o.exposed for o in group.siblings(live) if o.command.side is live.command.side)
    found = gate(s, terms, holding, live.part, own=own)
    same_price = command.price == live.price and command.stop_price in (0, live.stop)
    if same_price and command.qty <= live.qty and not live.requests:
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
