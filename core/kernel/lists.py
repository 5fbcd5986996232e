"""Lists of orders as they come in: taken as a whole, or refused as a whole."""

from __future__ import annotations

import msgspec

from core.kernel.commands import deny, fresh, let_through, look, with_effect
from core.kernel.desks import Desk
from core.kernel.groups import follow
from core.kernel.held import start, take_in
from core.kernel.more import Group
from core.kernel.orders import Live
from core.kernel.positions import Holding
from core.kernel.state import State
from core.model.checks import Violation, check_form
from core.model.commands import NewOrder, NewOrderList
from core.model.enums import (
    Contingency,
    ExecType,
    OrdStatus,
    OrdType,
    PositionEffect,
    TimeInForce,
)

MOST_ORDERS = 10
"""The most orders in one list."""

_AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)


def new_list(s: State, command: NewOrderList) -> None:
    """Orders that hang together: all of them are taken, or none."""
    if not fresh(s, command.id):
        return
    bracket = command.contingency is Contingency.BRACKET
    command = msgspec.structs.replace(
        command,
        orders=tuple(with_effect(s, o, bracket and i > 0) for i, o in enumerate(command.orders)),
    )
    problem = _problem(s, command)
    if problem:
        s.refuse(command.id, "BAD_LIST", problem)
        return
    for order in command.orders:
        s.ids.add(order.cl_ord_id)
    lives = [Live(order, s.ts) for order in command.orders]
    places: list[tuple[Holding, Holding | None, Holding | None]] = []
    first = 1 if command.contingency is not Contingency.OCO else len(lives)
    for index, order in enumerate(command.orders):
        holding, part, hand, found = _look(s, order, len(lives) - 1)
        if index >= first and holding is not None:
            # Its turn has not come: whether it may be sent is seen then.
            wrong = check_form(order, holding.market.instrument)
            found = [] if wrong is None else [wrong]
        if found or holding is None:
            _deny_all(s, lives, index, found[0])
            return
        places.append((holding, part, hand))
    group = Group(command.id, command.contingency, [o.cl_ord_id for o in command.orders])
    s.groups[group.id] = group
    group.lives = lives
    for index, (live, place) in enumerate(zip(lives, places, strict=True)):
        live.holding, live.part, live.hand = place
        more = take_in(s, live)
        more.group = group
        more.suspended = more.waits = index >= first
    for live in lives:
        assert live.holding is not None
        let_through(s, live.command)
        s.begin(live, live.holding, live.part, live.hand)
    for live in lives:
        if live.more is not None and live.more.suspended:
            live.base = OrdStatus.SUSPENDED
            s.update(live, ExecType.SUSPENDED, "Held here until its turn in its list comes.")
    for live in lives[:first]:
        if not live.dead:
            start(s, live)
    follow(s)


def _look(
    s: State, order: NewOrder, others: int
) -> tuple[Holding | None, Holding | None, Holding | None, list[Violation]]:
    """What speaks against an order that comes with `others`: they count among the open orders."""
    account = s.accounts.get(order.account)
    desks: list[Desk | None] = [account]
    if account is not None:
        desks.append(account.strategies.get(order.strategy) if order.strategy else None)
        desks.append(account.traders.get(order.trader) if order.trader else None)
    for desk in desks:
        if desk is not None:
            desk.working += others
    try:
        return look(s, order)
    finally:
        for desk in desks:
            if desk is not None:
                desk.working -= others


def _problem(s: State, command: NewOrderList) -> str:
    orders = command.orders
    if not 2 <= len(orders) <= MOST_ORDERS:
        return f"A list has 2 to {MOST_ORDERS} orders, not {len(orders)}."
    names = [order.cl_ord_id for order in orders]
    for name in names:
        if not 0 < len(name) <= 128:
            return "The id of an order has 1 to 128 characters."
        if name in s.ids or names.count(name) > 1:
            return f"Id {name} was used before; make a new id for each order."
    if len({order.account for order in orders}) > 1:
        return "The orders of a list must be of one account."
    if command.contingency is Contingency.BRACKET:
        account = s.accounts.get(orders[0].account)
        return _bracket_problem(orders, account is not None and account.hedging)
    return ""


def _bracket_problem(orders: tuple[NewOrder, ...], hedging: bool) -> str:
    entry, exits = orders[0], orders[1:]
    if hedging and not (
        entry.position_effect is PositionEffect.OPEN
        and all(order.position_effect is PositionEffect.CLOSE for order in exits)
    ):
        return "The entry of a bracket must open and its exits must close."
    for order in exits:
        if (order.instrument, order.strategy) != (entry.instrument, entry.strategy):
            return "The exits of a bracket must be of its entry's instrument and strategy."
        if order.side is entry.side:
            return "The exits of a bracket must be on the other side than its entry."
        if order.qty != entry.qty:
            return "The exits of a bracket must have its entry's quantity; they follow its fills."
        if order.ord_type is OrdType.MARKET or order.tif in _AT_ONCE:
            return "The exits of a bracket must be orders that can wait for their price."
    return ""


def _deny_all(s: State, lives: list[Live], index: int, violation: Violation) -> None:
    bad = lives[index].command.cl_ord_id
    other = Violation(
        "LIST_REFUSED",
        f"Another order of its list was refused: {violation.sentence}",
        violation.remedy,
        scope=f"order:{bad}",
    )
    for number, live in enumerate(lives):
        deny(s, live, violation if number == index else other)
