"""The kernel's whole memory as bytes and back.

Everything that decides what the kernel will do is in it, in the order in which it came about, so
that a loaded kernel goes on exactly as the dumped one would have. Sums that follow from the rest
are worked out anew.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal

import msgspec

from core.kernel import risk_dump
from core.kernel.closing_state import Job, Leg
from core.kernel.desks import Desk
from core.kernel.duplicates import Terms
from core.kernel.limits import Waiting
from core.kernel.markets import Market
from core.kernel.order_dump import (
    GroupDump,
    OrderDump,
    dump_groups,
    dump_order,
    load_group,
    load_order,
)
from core.kernel.orders import Live
from core.kernel.positions import Account, Holding
from core.kernel.resting import prices
from core.kernel.state import State
from core.model.checks import money_units, units_of
from core.model.enums import LinkState, MarketStatus, TradingState
from core.model.instruments import Instrument
from core.model.message import Part
from core.model.orders import Fill

FORMAT = 1
_NOT_YET = "inverse contracts are not supported yet"
"""How programs that could not reckon with inverse contracts said that one cannot be traded."""


class MarketDump(Part, frozen=True):
    """An instrument and what is known of its market; `unused` held a text that nobody read."""

    instrument: Instrument
    bid: int
    bid_qty: int
    ask: int
    ask_qty: int
    last: int
    mark2: int
    ts: int
    received: int
    status: MarketStatus
    unused: str
    blocked: str
    accounts: list[str]
    risk: risk_dump.MarketDump = risk_dump.MarketDump()


class LegDump(Part, frozen=True):
    """A holding being closed."""

    job: str
    order: str
    before: int
    tries: int
    said: str


class HoldingDump(Part, frozen=True):
    """A position; `name` is its instrument, or for a part its strategy, for a leg its side."""

    name: str
    qty: int
    cost: int
    realised: int
    fees: Decimal
    bought: int
    sold: int
    leg: LegDump | None
    parts: list[HoldingDump]
    hands: list[HoldingDump] = msgspec.field(default_factory=list)
    day: int = 0
    recent: list[tuple[int, Terms]] = msgspec.field(default_factory=list)
    legs: list[HoldingDump] = msgspec.field(default_factory=list)


class DeskDump(Part, frozen=True):
    """Where the day's profit began by currency, and the times of the newest orders."""

    strategy: str
    purses: list[tuple[str, Decimal]]  # whole numbers beyond 64 bits
    sent: list[int]
    risk: risk_dump.DeskDump = risk_dump.DeskDump()


class AccountDump(Part, frozen=True):
    """An account; the first of `desks` is its own, the others its strategies'."""

    id: str
    cash: list[tuple[str, Decimal]]
    state: TradingState
    reason: str
    code: str
    desks: list[DeskDump]
    holdings: list[HoldingDump]
    opening: dict[str, Decimal] | None = None
    realised: dict[str, Decimal] = msgspec.field(default_factory=dict)
    fees: dict[str, Decimal] = msgspec.field(default_factory=dict)
    traders: list[DeskDump] = msgspec.field(default_factory=list)
    hedging: bool = False


class JobDump(Part, frozen=True):
    """A kill or flatten in progress."""

    id: str
    trader: str
    close: bool
    count: int
    failed: int


class Dump(Part, frozen=True):
    """A kernel's memory. `format` says how to read the rest, `build` which sources came to it."""

    format: int
    keep: int
    seq: int
    ts: int
    session: str
    markets: list[MarketDump]
    accounts: list[AccountDump]
    orders: list[OrderDump]
    working: list[str]
    dead: list[str]
    fills: list[Fill]
    id_runs: list[tuple[str, list[int]]]
    ids: list[str]
    delay: int
    settings: list[tuple[str, str, str, Decimal]]
    limits: list[tuple[str, str, str, Decimal]]
    waiting: list[tuple[str, str, str, Decimal | None, int]]
    links: list[tuple[str, LinkState, str]]
    jobs: list[JobDump]
    closing: list[tuple[str, ...]]
    risk: risk_dump.RiskDump = risk_dump.RiskDump()
    groups: tuple[GroupDump, ...] = ()
    watch: tuple[tuple[str, list[str]], ...] = ()
    timed: tuple[str, ...] = ()
    agreed: tuple[tuple[str, int], ...] = ()
    build: str = ""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Dump).decode


def dump(s: State, build: str = "") -> bytes:
    """The memory as bytes (MessagePack), with a word on who wrote it."""
    return _encode(
        Dump(
            FORMAT,
            s.keep,
            s.seq,
            s.ts,
            s.session,
            [_dump_market(m) for m in s.markets.values()],
            [_dump_account(a) for a in s.accounts.values()],
            [dump_order(live) for live in s.orders.values()],
            list(s.working),
            list(s.dead),
            list(s.fills),
            *s.ids.dump(),
            s.limits.delay,
            [(*key, value) for key, value in s.limits.settings.items()],
            [(*key, value) for key, value in s.limits.values.items()],
            [(*key, w.value, w.at) for key, w in s.limits.waiting.items()],
            [(source, state, text) for source, (state, text) in s.links.items()],
            [JobDump(j.id, j.trader, j.close, j.count, j.failed) for j in s.jobs.values()],
            list(s.closing),
            risk_dump.dump(s),
            dump_groups(s),
            tuple((name, list(orders)) for name, orders in s.watch.items()),
            tuple(s.timed),
            tuple(s.agreed.items()),
            build,
        )
    )


def digest(s: State) -> str:
    """A hash of the memory: equal states, equal digests, on every machine and run."""
    return hashlib.blake2b(dump(s), digest_size=16).hexdigest()


def build_of(data: bytes) -> str:
    """Which build dumped a memory; empty when it did not say so.

    Raises:
        ValueError: when the bytes are not a dump that this version understands.
    """
    try:
        return _decode(data).build
    except msgspec.DecodeError as error:
        raise ValueError(f"This is not a kernel's snapshot: {error}.") from None


def load(data: bytes) -> State:
    """The memory that `dump` wrote.

    Raises:
        ValueError: when the bytes are not a dump of this format.
    """
    try:
        d = _decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(f"This is not a kernel's snapshot: {error}.") from None
    if d.format != FORMAT:
        raise ValueError(
            f"The snapshot has format {d.format}; this program reads format {FORMAT}. Start the"
            " program that wrote it, or move the snapshot away to replay the journal instead."
        )
    s = State(d.keep, d.delay)
    s.seq, s.ts, s.session = d.seq, d.ts, d.session
    risk_dump.load(s, d.risk)
    for market in d.markets:
        s.markets[market.instrument.id] = _load_market(s, market)
    risk_dump.load_following(s, d.risk)
    for job in d.jobs:
        s.jobs[job.id] = made = Job(job.id, job.trader, job.close)
        made.count, made.failed = job.count, job.failed
    for account in d.accounts:
        s.accounts[account.id] = _load_account(s, account)
    for market in d.markets:
        s.markets[market.instrument.id].holdings = [
            s.accounts[name].holdings[market.instrument.id] for name in market.accounts
        ]
    s.ids.load(d.id_runs, d.ids)
    for order in d.orders:
        s.orders[order.command.cl_ord_id] = load_order(s, order)
    for group in d.groups:
        load_group(s, group)
    for name in d.working:
        _link(s, s.orders[name])
    for tied in s.groups.values():
        s.recount(tied.lives[0])
    s.watch = {name: {order: s.orders[order] for order in orders} for name, orders in d.watch}
    s.timed = {name: s.orders[name] for name in d.timed}
    s.dead.extend(d.dead)
    s.fills.extend(d.fills)
    s.limits.settings = {(n, sc, i): value for n, sc, i, value in d.settings}
    s.limits.values = {(n, sc, i): value for n, sc, i, value in d.limits}
    s.limits.waiting = {(n, sc, i): Waiting(value, at) for n, sc, i, value, at in d.waiting}
    s.limits.find_due()
    s.links = {source: (state, text) for source, state, text in d.links}
    s.agreed = dict(d.agreed)
    for key in d.closing:
        owner, instrument, strategy, side = (*key, "")[:4]
        whole = s.accounts[owner].holdings[instrument]
        closing = whole.parts[strategy] if strategy else whole
        s.closing[owner, instrument, strategy, side] = closing.leg(side) if side else closing
    for loaded in s.markets.values():
        if _as_linear(loaded):
            loaded.blocked = ""
        loaded.reckon()
    for each in d.accounts:
        again = s.accounts[each.id]
        desks = [again, *again.strategies.values(), *again.traders.values()]
        risk_dump.load_highs(desks, [desk.risk for desk in (*each.desks, *each.traders)])
    s.floors()
    return s


def _dump_market(m: Market) -> MarketDump:
    return MarketDump(
        m.instrument,
        m.bid,
        m.bid_qty,
        m.ask,
        m.ask_qty,
        m.last,
        m.mark2,
        m.ts,
        m.received,
        m.status,
        "",
        m.blocked,
        [h.account.id for h in m.holdings],
        risk_dump.dump_market(m),
    )


def _load_market(s: State, d: MarketDump) -> Market:
    m = s.market(d.instrument, money_units(d.instrument))
    risk_dump.load_market(m, d.risk)
    m.bid, m.bid_qty, m.ask, m.ask_qty = d.bid, d.bid_qty, d.ask, d.ask_qty
    m.last, m.mark2, m.ts, m.received = d.last, d.mark2, d.ts, d.received
    m.status, m.blocked = d.status, d.blocked or m.blocked
    m.weigh()
    return m


def _as_linear(m: Market) -> bool:
    """Was it valued as a linear contract where it is an inverse one?"""
    return bool(m.face) and m.blocked.startswith(_NOT_YET)


def _dump_account(a: Account) -> AccountDump:
    return AccountDump(
        a.id,
        list(a.cash.items()),
        a.state,
        a.reason,
        a.code,
        [_dump_desk(desk) for desk in (a, *a.strategies.values())],
        [_dump_holding(name, h) for name, h in a.holdings.items()],
        a.opening,
        a.realised,
        a.fees,
        [_dump_desk(desk) for desk in a.traders.values()],
        a.hedging,
    )


def _dump_desk(desk: Desk) -> DeskDump:
    purses = [(currency, Decimal(purse.base)) for currency, purse in desk.purses.items()]
    return DeskDump(desk.strategy, purses, list(desk.sent), risk_dump.dump_desk(desk))


def _dump_holding(name: str, h: Holding) -> HoldingDump:
    closing = h.closing
    return HoldingDump(
        name,
        h.qty,
        h.cost,
        h.realised,
        h.fees,
        h.bought,
        h.sold,
        None
        if closing is None
        else LegDump(closing.job, closing.order, closing.before, closing.tries, closing.said),
        [_dump_holding(strategy, part) for strategy, part in h.parts.items()],
        [_dump_holding(trader, hand) for trader, hand in h.hands.items()],
        h.day,
        risk_dump.dump_recent(h.recent),
        [_dump_holding(side, leg) for side, leg in h.legs.items()],
    )


def _load_account(s: State, d: AccountDump) -> Account:
    account = Account(d.id, dict(d.cash))
    account.hedging = d.hedging
    account.opening, account.realised, account.fees = d.opening, d.realised, d.fees
    for index, each in enumerate(d.desks):
        desk: Desk = account
        if index:
            desk = account.strategies[each.strategy] = Desk(each.strategy)
        _fill_desk(desk, each)
    for each in d.traders:
        desk = account.traders[each.strategy] = Desk(each.strategy, "trader")
        _fill_desk(desk, each)
    account.state, account.reason, account.code = d.state, d.reason, d.code
    for held in d.holdings:
        market = s.markets[held.name]
        holding = account.holdings[held.name] = Holding(account, account, market)
        _fill_holding(s, holding, held)
        for part in held.parts:
            made = Holding(account, account.strategies[part.name], market)
            holding.parts[part.name] = made
            _fill_holding(s, made, part)
        for hand in held.hands:
            made = Holding(account, account.traders[hand.name], market)
            holding.hands[hand.name] = made
            _fill_holding(s, made, hand)
        if not held.hands and (held.bought or held.sold):
            # Of before traders were told apart: what is held was nobody's.
            whole = msgspec.structs.replace(held, leg=None)
            _fill_holding(s, account.hand(holding, ""), whole)
    return account


def _fill_desk(desk: Desk, d: DeskDump) -> None:
    for currency, base in d.purses:
        desk.purse(currency).base = int(base)
    desk.sent.extend(d.sent)
    risk_dump.load_desk(desk, d.risk)


def _fill_holding(s: State, h: Holding, d: HoldingDump) -> None:
    if _as_linear(h.market) and (d.bought or d.sold):
        raise ValueError(
            f"The snapshot values the inverse contract {h.market.instrument.id} as a linear one, as"
            " older programs did. Replay the journal from its first record."
        )
    h.qty, h.cost, h.realised = d.qty, d.cost, d.realised
    h.bought, h.sold = d.bought, d.sold
    h.fees = d.fees
    h.fee_units = units_of(d.fees)
    h.day = d.day
    risk_dump.load_recent(h.recent, d.recent)
    if d.leg is not None:
        h.closing = leg = Leg(d.leg.job)
        leg.order, leg.before = d.leg.order, d.leg.before
        leg.tries, leg.said = d.leg.tries, d.leg.said
        s.jobs[leg.job].legs += 1
    for each in d.legs:
        _fill_holding(s, h.leg(each.name), each)


def _link(s: State, o: Live) -> None:
    name = o.command.cl_ord_id
    s.working[name] = o
    for holding in (o.holding, o.part, o.hand):
        if holding is not None:
            holding.live[name] = o
            holding.desk.working += 1
    for side in s.legs(o):
        side.live[name] = o
    s.recount(o, expose=False)
    if o.holding is not None and (not o.waits or (o.more is not None and o.more.slices)):
        for price in prices(o):
            o.holding.resting.add(o, price, o.holding.live)
