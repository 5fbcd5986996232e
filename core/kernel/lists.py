"""Lists of orders as they come in: taken as a whole, or refused as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec

from core.kernel import portfolio
from core.kernel.commands import deny, fresh, let_through, look, with_effect
from core.kernel.gate import by_limits, rules_of
from core.kernel.groups import follow
from core.kernel.held import start, take_in
from core.kernel.more import Group
from core.kernel.orders import Live
from core.kernel.positions import Holding
from core.kernel.rules import Case
from core.kernel.state import State
from core.model.checks import Holding as Held
from core.model.checks import Violation, check_form, reduces
from core.model.commands import NewOrder, NewOrderList
from core.model.denials import LIST_REFUSED
from core.model.enums import (
    Contingency,
    ExecType,
    OrdStatus,
    OrdType,
    PositionEffect,
    Side,
    TimeInForce,
)
from core.model.orders import leg_of

MOST_ORDERS = 10
"""The most orders in one list."""

_AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)


def new_list(s: State, command: NewOrderList) -> None:
    """Orders that hang together: all of them are taken, or none."""
    known = _well_formed(s, command)
    if known is None:
        return
    command = known
    lives = [Live(order, s.ts) for order in command.orders]
    places: list[_Place] = []
    first = 1 if command.contingency is not Contingency.OCO else len(lives)
    for index, order in enumerate(command.orders):
        beside = _beside(command, lives[:index], places)
        with _laid(beside):
            holding, part, hand, found = look(s, order)
            if index >= first and holding is not None:
                # Its turn has not come: whether it may be sent is seen then, but not whether there
                # is the money for all of the list. Exits of a bracket only reduce.
                wrong = check_form(order, holding.market.instrument)
                if wrong is None and command.contingency is Contingency.OTO:
                    wrong = _unaffordable(s, order, holding, part, hand, beside)
                found = [] if wrong is None else [wrong]
        if found or holding is None:
            _deny_all(s, lives, index, found[0])
            return
        places.append((holding, part, hand))
    with _begun(lives, places):
        for index, order in enumerate(command.orders):
            found = by_limits(s, order, *places[index], "max_open_orders")
            if found:
                _deny_all(s, lives, index, found[0])
                return
    group = Group(command.id, command.contingency, [o.cl_ord_id for o in command.orders])
    s.groups[group.id] = group
    group.lives = lives
    for index, (live, place) in enumerate(zip(lives, places, strict=True)):
        live.holding, live.part, live.hand = place
        more = take_in(s, live)
        more.group = group
        more.suspended = index >= first
        more.waits = True  # nothing of it is at its venue yet
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


def turn_list_away(s: State, command: NewOrderList, violation: Violation) -> None:
    """Refuse each order of a list that did not come so far as the gate."""
    known = _well_formed(s, command)
    if known is not None:
        for order in known.orders:
            deny(s, Live(order, s.ts), violation)


def _well_formed(s: State, command: NewOrderList) -> NewOrderList | None:
    """The list with the effects of its orders, whose ids are used now; None: it was refused."""
    if not fresh(s, command.id):
        return None
    bracket = command.contingency is Contingency.BRACKET
    command = msgspec.structs.replace(
        command,
        orders=tuple(with_effect(s, o, bracket and i > 0) for i, o in enumerate(command.orders)),
    )
    problem = _problem(s, command)
    if problem:
        s.refuse(command.id, "BAD_LIST", problem)
        return None
    for order in command.orders:
        s.ids.add(order.cl_ord_id)
    return command


_Place = tuple[Holding, Holding | None, Holding | None]


_Key = tuple[str, Side, PositionEffect | None, str, str]


def _key(c: NewOrder) -> _Key:
    return c.instrument, c.side, c.position_effect, c.strategy, c.trader


def _beside(
    command: NewOrderList, lives: Sequence[Live], places: Sequence[_Place]
) -> list[tuple[Live, _Place]]:
    """The orders of a list that came before one and count beside it.

    Of an OCO's orders at one place (`Live.place`) only one may be filled: each is looked at by
    itself, and beside others the largest counts.
    """
    if command.contingency is not Contingency.OCO:
        return list(zip(lives, places, strict=True))
    order = command.orders[len(lives)]
    largest: dict[_Key, tuple[Live, _Place]] = {}
    for live, place in zip(lives, places, strict=True):
        key = _key(live.command)
        if key != _key(order) and (key not in largest or live.qty > largest[key][0].qty):
            largest[key] = live, place
    return list(largest.values())


@contextmanager
def _begun(lives: Sequence[Live], places: Sequence[_Place]) -> Iterator[None]:
    """Let orders count among the open ones, for as long as they are looked at."""
    for live, place in zip(lives, places, strict=True):
        for each in place:
            if each is not None:
                each.live[live.command.cl_ord_id] = live
                each.desk.working += 1
    try:
        yield
    finally:
        for live, place in zip(lives, places, strict=True):
            for each in place:
                if each is not None:
                    each.live.pop(live.command.cl_ord_id)
                    each.desk.working -= 1


@contextmanager
def _laid(beside: Sequence[tuple[Live, _Place]]) -> Iterator[None]:
    """Let orders that do not work yet count as if they did, for as long as another is looked at."""
    for live, place in beside:
        _lay(live, place, live.qty)
    try:
        yield
    finally:
        for live, place in beside:
            _lay(live, place, -live.qty)


def _lay(live: Live, place: _Place, lots: int) -> None:
    live.exposed += lots
    name = live.command.cl_ord_id
    for each in place:
        if each is None:
            continue
        if live.exposed:
            each.live[name] = live
        else:
            each.live.pop(name)
        both = [each]
        if each.account.hedging:
            both.append(each.leg(leg_of(live.command.side, live.command.position_effect)))
        for at in both:
            if live.command.side is Side.BUY:
                at.open_buy += lots
            else:
                at.open_sell += lots
        each.expose()


def _unaffordable(
    s: State,
    order: NewOrder,
    holding: Holding,
    part: Holding | None,
    hand: Holding | None,
    beside: Sequence[tuple[Live, _Place]],
) -> Violation | None:
    """Would there be too little money for an order that comes when those before it are filled?"""
    if not s.risk.policy.margins:
        return None
    held, buys, sells = holding.qty, holding.open_buy, holding.open_sell
    for live, place in beside:
        if place[0] is holding:
            if live.command.side is Side.BUY:
                held, buys = held + live.qty, buys - live.qty
            else:
                held, sells = held - live.qty, sells - live.qty
    if reduces(Held(held, buys, sells), order.side, order.qty):
        return None
    return portfolio.margin(
        Case(s, order, holding, part, hand, -1, rules_of(s, holding, part, hand))
    )


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
        LIST_REFUSED,
        f"Another order of its list was refused: {violation.sentence}",
        violation.remedy,
        scope=f"order:{bad}",
    )
    for number, live in enumerate(lives):
        deny(s, live, violation if number == index else other)
