"""Changes of orders as they come in: asked of the venue, made here, or refused with a sentence."""

from __future__ import annotations

import msgspec

from core.kernel.asking import as_sent, change
from core.kernel.commands import deny, find, fresh, record, with_effect
from core.kernel.gate import gate
from core.kernel.groups import follows, resized
from core.kernel.lists import turn_list_away
from core.kernel.orders import Live
from core.kernel.rates import count_changed
from core.kernel.state import State
from core.model.checks import Violation, check_form
from core.model.commands import NewOrder, NewOrderList, ReplaceOrder
from core.model.enums import ExecType, OrdType
from core.model.held import WANTS_STOP, wire_type
from core.model.inputs import TurnedAway


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
            record(s, live.command, "denied", violation)
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
    count_changed(live, command.price, s.ts)
    change(s, live, command.id, command.qty, command.price, stop)


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


def turn_away(s: State, message: TurnedAway) -> None:
    """Refuse what the engine could not even put before the gate; on record like its denials.

    New orders are in the books from then on, rejected, and their ids are used.
    """
    command = message.command
    violation = Violation(message.code, message.text, "", "", message.value, message.scope)
    if isinstance(command, NewOrder):
        if fresh(s, command.cl_ord_id):
            deny(s, Live(with_effect(s, command), s.ts), violation)
    elif isinstance(command, NewOrderList):
        turn_list_away(s, command, violation)
    else:
        live = s.working.get(command.order)
        if live is not None:
            record(s, live.command, "denied", violation)
        s.refuse(command.id, message.code, message.text)


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
    terms = msgspec.structs.replace(terms, confirmed=command.confirmed, source=command.source)
    own = live.exposed
    group = None if live.more is None else live.more.group
    if group is not None:
        if live.more is not None and live.more.suspended:
            # Its turn has not come: whether it may be sent is seen then.
            return check_form(terms, holding.market.instrument)
        own = group.shared(live)
    found = gate(s, terms, holding, live.part, live.hand, own=own)
    same_price = command.price == live.price and command.stop_price in (0, live.stop)
    if same_price and command.qty <= live.qty and not live.requests:
        # Less of the same can only lower every sum: what cannot be evaluated does not stop it.
        found = [v for v in found if v.code not in _PASS_WHEN_SMALLER]
    return found[0] if found else None


_PASS_WHEN_SMALLER = frozenset(
    {
        "CONCENTRATION",
        "INSUFFICIENT_BUYING_POWER",
        "INSUFFICIENT_MARGIN",
        "MAX_ADV_PARTICIPATION",
        "MAX_DRAWDOWN",
        "NO_FX_RATE",
        "NO_LOCATE",
        "RISK_UNAVAILABLE",
        "SHORT_NOT_ALLOWED",
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
