"""Orders and lists in a dump of the kernel's memory."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from core.kernel.more import Group, More, Slice, Way
from core.kernel.orders import Live, Request
from core.kernel.state import State
from core.model.commands import NewOrder
from core.model.enums import Contingency, OrdStatus
from core.model.message import Part


class RequestDump(Part, frozen=True):
    """A cancel or replace in flight."""

    id: str
    number: int
    replace: bool
    qty: int
    price: int
    lost: bool
    stop: int = 0
    own: bool = False


class MoreDump(Part, frozen=True):
    """How the engine works an order; `slices` are id, quantity, filled, acknowledged, venue id, and
    `notionals` what was traded of each."""

    way: Way
    waits: bool
    suspended: bool
    started: bool
    timed: bool
    over: bool
    seen: bool
    count: int
    mark: int
    triggered: int
    tries: int
    size: int
    stuck: int
    due: str
    slices: list[tuple[str, int, int, bool, str]]
    notionals: list[int] = msgspec.field(default_factory=list)


class GroupDump(Part, frozen=True):
    """Orders that hang together."""

    id: str
    contingency: Contingency
    orders: list[str]
    said: bool
    live: bool


class OrderDump(Part, frozen=True):
    """An order; `sent` tells that it passed the gate."""

    command: NewOrder
    sent: bool
    qty: int
    price: int
    base: OrdStatus
    dead: bool
    unknown: bool
    created: int
    updated: int
    seq: int
    cum: int
    notional: int
    fees: Decimal
    order_id: str
    code: str
    text: str
    asked: int
    applied: int
    requests: list[RequestDump]
    answered: list[str]
    execs: list[tuple[str, str]]
    stop: int | None = None
    more: MoreDump | None = None
    told: int = 0


def dump_order(o: Live) -> OrderDump:
    """An order as it is."""
    return OrderDump(
        o.command,
        o.holding is not None,
        o.qty,
        o.price,
        o.base,
        o.dead,
        o.unknown,
        o.created,
        o.updated,
        o.seq,
        o.cum,
        o.notional,
        o.fees,
        o.order_id,
        o.code,
        o.text,
        o.asked,
        o.applied,
        [
            RequestDump(r.id, r.number, r.replace, r.qty, r.price, r.lost, r.stop, r.own)
            for r in o.requests
        ],
        list(o.answered),
        list(o.execs),
        o.stop,
        None if o.more is None else _dump_more(o.more),
        o.told,
    )


def _dump_more(m: More) -> MoreDump:
    return MoreDump(
        m.way,
        m.waits,
        m.suspended,
        m.started,
        m.timed,
        m.over,
        m.seen,
        m.count,
        m.mark,
        m.triggered,
        m.tries,
        m.size,
        m.stuck,
        m.due,
        [(p.id, p.qty, p.cum, p.acked, p.order_id) for p in m.slices],
        [p.notional for p in m.slices],
    )


def _load_more(order: OrderDump, d: MoreDump) -> More:
    m = More(d.way, d.timed, d.size)
    m.waits, m.suspended, m.started, m.over, m.seen = (
        d.waits,
        d.suspended,
        d.started,
        d.over,
        d.seen,
    )
    m.count, m.mark, m.triggered, m.tries = d.count, d.mark, d.triggered, d.tries
    m.stuck, m.due = d.stuck, d.due
    # Older dumps tell only what the whole order was traded for.
    notionals = d.notionals or [
        order.notional * piece[2] // max(order.cum, 1) for piece in d.slices
    ]
    for (name, qty, cum, acked, order_id), notional in zip(d.slices, notionals, strict=True):
        piece = Slice(name, qty)
        piece.cum, piece.notional, piece.acked, piece.order_id = cum, notional, acked, order_id
        m.slices.append(piece)
    return m


def dump_groups(s: State) -> tuple[GroupDump, ...]:
    """Lists that live, in their order, then those whose orders are all over but not forgotten."""
    found = dict(s.groups)
    for live in s.orders.values():
        if live.more is not None and live.more.group is not None:
            found.setdefault(live.more.group.id, live.more.group)
    return tuple(
        GroupDump(
            g.id,
            g.contingency,
            g.names,
            g.said,
            g.id in s.groups,
        )
        for g in found.values()
    )


def load_group(s: State, d: GroupDump) -> None:
    """Tie the orders of a list together again."""
    group = Group(d.id, d.contingency, d.orders)
    group.said = d.said
    group.lives = [s.orders[name] for name in d.orders if name in s.orders]
    for live in group.lives:
        assert live.more is not None
        live.more.group = group
    if d.live:
        s.groups[d.id] = group


def load_order(s: State, d: OrderDump) -> Live:
    """The order that was dumped, not yet counted anywhere."""
    o = Live(d.command, d.created)
    o.qty, o.price, o.base, o.dead, o.unknown = d.qty, d.price, d.base, d.dead, d.unknown
    o.updated, o.seq, o.cum, o.notional, o.fees = d.updated, d.seq, d.cum, d.notional, d.fees
    o.order_id, o.code, o.text = d.order_id, d.code, d.text
    o.asked, o.applied, o.told = d.asked, d.applied, d.told
    for r in d.requests:
        request = Request(r.id, r.number, r.replace, r.qty, r.price, r.stop, r.own)
        request.lost = r.lost
        o.requests = (*o.requests, request)
    o.answered, o.execs = tuple(d.answered), tuple(d.execs)
    o.stop = d.command.stop_price if d.stop is None else d.stop
    if d.more is not None:
        o.more = _load_more(d, d.more)
        for piece in o.more.slices:
            s.slices[piece.id] = d.command.cl_ord_id
    for venue, exec_id in o.execs:
        s.execs.setdefault(venue, {})[exec_id] = None
    if d.sent:
        holding = s.accounts[d.command.account].holdings[d.command.instrument]
        o.holding = holding
        o.part = holding.parts[d.command.strategy] if d.command.strategy else None
        trader = d.command.trader
        o.hand = s.hand(holding, trader) if trader else None
    return o
