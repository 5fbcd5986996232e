"""Executions that a venue takes back (busts) or corrects.

Order, position, cash and fees are afterwards exactly as if the execution had never been, or had
been as it is now. For the cost of what is held the history of the position is reckoned anew from
the fills in memory. When they do not reach back to its beginning, the execution is undone by its
opposite at the same price: lots, cash and the sum of profit and cost are exact then, too; how they
divide into profit and cost is by the average then.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from core.kernel.more import WORKED_ON, Slice, Way
from core.kernel.orders import Live
from core.kernel.positions import Holding
from core.kernel.rates import rests
from core.kernel.state import State
from core.model.checks import MAX_TICKS, units_of
from core.model.enums import ExecType, OrdStatus, Severity, Side
from core.model.events import ExecutionReport
from core.model.numbers import EXACT, ZERO, plain
from core.model.orders import Fill, OrderUpdate

_MAX_LOTS = 1 << 40
_COUNTABLE = 1 << 62
_REVERSAL = ExecType.TRADE_CANCEL


def take_back(s: State, live: Live, r: ExecutionReport, piece: Slice | None = None) -> None:
    """Apply a TRADE_CANCEL or TRADE_CORRECT of an order, or of a slice of it; or say why not."""
    ref = r.exec_ref or r.exec_id
    seen = s.execs.setdefault(r.venue, {})
    if r.exec_id != ref and r.exec_id in seen:
        return
    old = _find(s, live, ref) if (r.venue, ref) in live.execs else None
    corrects = r.exec_type is ExecType.TRADE_CORRECT
    holding, part = live.holding, live.part
    assert holding is not None
    market = holding.market
    if old is None or _reversed(s, old):
        if old is not None and r.exec_id == ref:
            return
        own = r.venue == market.instrument.venue
        if own and not corrects and ref and ref not in seen:
            _overtakes(s, live, r, ref)
            return
        _not_applied(s, r, ref, "the execution is not (any more) in memory")
        return
    if corrects and not (
        0 < r.last_qty <= _MAX_LOTS
        and 0 < r.last_price <= MAX_TICKS
        and live.notional + abs(market.cost(r.last_price, r.last_qty)) < _COUNTABLE
    ):
        _not_applied(s, r, ref, f"{r.last_qty} lots at {r.last_price} ticks is not possible")
        return
    if part is None:
        part = s.part(holding, "")
    hand = live.hand or s.hand(holding, "")
    new_id = r.exec_id if r.exec_id and r.exec_id != ref else f"{ref}/{r.exec_type.name.lower()}"
    back = _record(s, old, new_id, old.side.opposite, old.price, old.qty, -old.fee, r, _REVERSAL)
    records = [back]
    if corrects:
        fee = r.fee or old.fee
        if not fee.is_finite():
            fee = old.fee
        records.append(
            _record(s, old, new_id, old.side, r.last_price, r.last_qty, fee, r, r.exec_type)
        )
    if new_id not in seen:
        seen[new_id] = None
        live.execs = (*live.execs, (r.venue, new_id))
    realised = holding.realised
    c = live.command
    whole = (holding, part, hand)
    parts = (*whole, *s.legs(live))
    wanted = (_Of(), _Of(strategy=c.strategy), _Of(trader=c.trader))
    histories = [
        *(_effective(s, each, of) for each, of in zip(whole, wanted, strict=True)),
        *(
            _effective(s, leg, of._replace(leg=leg.side))
            for leg, of in zip(parts[3:], wanted, strict=False)
        ),
    ]
    for each, history in zip(parts, histories, strict=True):
        at = next((i for i, fill in enumerate(history or ()) if fill is old), -1)
        if history is None or at < 0:
            for record in records:
                _undo(each, record)
        else:
            kept = [fill for fill in history if fill is not old]
            _rebuild(each, [*kept[:at], *records[1:], *kept[at:]])
    s.fills.extend(records)
    for record in records:
        _pay(live, parts, record)
    _day(holding, realised)
    lots = sum(f.qty for f in records[1:]) - old.qty
    value = sum(abs(market.cost(f.price, f.qty)) for f in records[1:])
    value -= abs(market.cost(old.price, old.qty))
    live.cum += lots
    live.told = 0
    live.notional += value
    if piece is not None:
        piece.cum += lots
        piece.notional += value
        _slice(live, piece, r)
    _status(s, live, r, piece)
    for each in whole:
        if each is holding or each.desk.strategy:  # what is nobody's is not reckoned by itself
            each.revalue()
    _tell(s, live, r, records)
    if s.groups:
        s.touch_holding(holding)
    s.touch(live)


def _find(s: State, live: Live, exec_id: str) -> Fill | None:
    name = live.command.cl_ord_id
    for fill in s.fills:
        if fill.cl_ord_id == name and fill.exec_id == exec_id and fill.kind is not _REVERSAL:
            return fill
    return None


def _reversed(s: State, old: Fill) -> bool:
    return any(
        f.kind is _REVERSAL and f.ref == old.exec_id and f.cl_ord_id == old.cl_ord_id
        for f in s.fills
    )


def _record(
    s: State,
    old: Fill,
    exec_id: str,
    side: Side,
    price: int,
    qty: int,
    fee: Decimal,
    r: ExecutionReport,
    kind: ExecType,
) -> Fill:
    return Fill(
        s.seq,
        s.ts,
        exec_id,
        old.cl_ord_id,
        old.account,
        old.instrument,
        side,
        price,
        qty,
        fee,
        old.currency,
        old.liquidity,
        old.strategy,
        old.trader,
        r.ts,
        0,
        kind,
        old.exec_id,
        old.leg,
    )


class _Of(NamedTuple):
    """Whose fills are meant (None: anybody's)."""

    strategy: str | None = None
    trader: str | None = None
    leg: str | None = None


def _effective(s: State, holding: Holding, of: _Of) -> list[Fill] | None:
    """The fills that a position came from, oldest first; None when some are forgotten."""
    account, instrument = holding.account.id, holding.market.instrument.id
    mine = [
        f
        for f in s.fills
        if f.account == account
        and f.instrument == instrument
        and of.strategy in (None, f.strategy)
        and of.trader in (None, f.trader)
        and of.leg in (None, f.leg)
    ]
    gone = {(f.cl_ord_id, f.ref) for f in mine if f.kind is _REVERSAL}
    kept = [f for f in mine if f.kind is not _REVERSAL and (f.cl_ord_id, f.exec_id) not in gone]
    # A corrected execution stands where the one stood that it took the place of.
    place: dict[tuple[str, str], int] = {}
    for index, fill in enumerate(mine):
        if fill.kind is not _REVERSAL:
            root = place.get((fill.cl_ord_id, fill.ref), index) if fill.ref else index
            place[(fill.cl_ord_id, fill.exec_id)] = root
    kept.sort(key=lambda f: place[(f.cl_ord_id, f.exec_id)])
    bought = sum(f.qty for f in kept if f.side is Side.BUY)
    sold = sum(f.qty for f in kept if f.side is Side.SELL)
    if (bought, sold, bought - sold) != (holding.bought, holding.sold, holding.qty):
        return None
    return kept


def _rebuild(holding: Holding, history: list[Fill]) -> None:
    """Make a position what these fills make it."""
    holding.qty = holding.cost = holding.realised = holding.bought = holding.sold = 0
    for fill in history:
        holding.fill(fill.side.sign, fill.price, fill.qty)


def _undo(holding: Holding, record: Fill) -> None:
    """Book one record on what is held, without what came before."""
    holding.fill(record.side.sign, record.price, record.qty)
    if record.kind is _REVERSAL:
        # What was taken back was never traded.
        holding.bought -= record.qty
        holding.sold -= record.qty


def _pay(live: Live, parts: tuple[Holding, ...], record: Fill) -> None:
    holding = parts[0]
    account, instrument = holding.account, holding.market.instrument
    cash, currency = account.cash, instrument.currency
    points = holding.market.cost(record.price, record.side.sign * record.qty)
    flow = EXACT.multiply(Decimal(-points), holding.market.point)
    cash[currency] = EXACT.add(cash.get(currency, ZERO), flow)
    fee = record.fee
    if fee:
        cash[record.currency] = EXACT.subtract(cash.get(record.currency, ZERO), fee)
        paid = account.fees
        paid[record.currency] = EXACT.add(paid.get(record.currency, ZERO), fee)
        if record.currency == currency:
            live.fees = EXACT.add(live.fees, fee)
            units = units_of(fee)
            for each in parts:
                each.pay(fee, units)


def _day(holding: Holding, before: int) -> None:
    """What was closed today changes with what was closed at all."""
    if holding.realised != before:
        account, currency = holding.account, holding.market.instrument.currency
        closed = EXACT.multiply(Decimal(holding.realised - before), holding.market.point)
        account.realised[currency] = EXACT.add(account.realised.get(currency, ZERO), closed)


def _slice(live: Live, piece: Slice, r: ExecutionReport) -> None:
    more = live.more
    assert more is not None
    if piece.cum >= piece.qty:
        return
    last = piece is more.slices[-1]
    if r.status.terminal:
        if not last or live.waits or live.dead:
            piece.qty = piece.cum
    elif last and live.waits:
        # Its venue works it on: the next one would come on top of it.
        more.waits, more.due = False, ""
        rests(live)


def _status(s: State, live: Live, r: ExecutionReport, piece: Slice | None) -> None:
    if not live.dead:
        live.unknown = live.unknown and live.doubtful
        if live.cum >= live.qty and live.cum >= live.most():
            s.end(live, OrdStatus.FILLED)
            return
        if live.base in (OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED):
            live.base = OrdStatus.PARTIALLY_FILLED if live.cum else OrdStatus.NEW
        s.recount(live)
    elif live.base is OrdStatus.FILLED and live.cum < live.qty:
        holding = live.holding
        assert holding is not None
        more = live.more
        sliced = more is not None and bool(more.slices)
        if r.status.terminal or (sliced and piece is None):
            live.base = OrdStatus.CANCELED
            return
        # Its venue works it on: it is alive again.
        live.dead = False
        live.base = OrdStatus.PARTIALLY_FILLED if live.cum else OrdStatus.NEW
        if more is not None and piece in more.left_behind:
            more.waits, more.due = True, WORKED_ON
        s.dead.remove(live.command.cl_ord_id)
        s.begin(live, holding, live.part, live.hand)
        rests(live)
        if more is not None and more.timed:
            s.timed[live.command.cl_ord_id] = live
        if more is not None and more.way in (Way.PEG, Way.SLICES):
            s.watch.setdefault(live.command.instrument, {})[live.command.cl_ord_id] = live
    elif live.base is OrdStatus.CANCELED and live.cum >= live.qty:
        live.base = OrdStatus.FILLED


def _tell(s: State, live: Live, r: ExecutionReport, records: list[Fill]) -> None:
    live.seq, live.updated = s.seq, s.ts
    holding = live.holding
    assert holding is not None
    last, old = records[-1], records[0]
    s.out.append(
        OrderUpdate(
            s.seq,
            s.ts,
            live.view(),
            r.exec_type,
            r.ts,
            last.exec_id,
            last.price,
            last.qty,
            r.text,
        )
    )
    s.out.extend(records)
    s.out.append(holding.view(s.seq, s.ts))
    s.out.extend(leg.view(s.seq, s.ts) for leg in s.legs(live)[:1])
    if live.part is not None:
        s.out.append(live.part.view(s.seq, s.ts, live.command.strategy))
    s.out.append(holding.account.view(s.seq, s.ts))
    if holding.purse.low():
        s.watch_loss(holding.account)
    instrument = holding.market.instrument
    text = (
        f"{r.venue} took back execution {old.ref}: {old.side.opposite.name.lower()}"
        f" {plain(instrument.quantity(old.qty))} {instrument.id} at"
        f" {plain(instrument.price(old.price))}"
    )
    if len(records) > 1:
        text += (
            f"; it is {plain(instrument.quantity(last.qty))} at"
            f" {plain(instrument.price(last.price))} now"
        )
    s.notice(Severity.CRITICAL, f"{text}. Position and cash are corrected.")


def _overtakes(s: State, live: Live, r: ExecutionReport, ref: str) -> None:
    """An execution is taken back that has not come yet: when it does, it counts no more."""
    seen = s.execs[r.venue]
    for name in dict.fromkeys((ref, r.exec_id or ref)):
        seen[name] = None
        live.execs = (*live.execs, (r.venue, name))
    s.notice(
        Severity.CRITICAL,
        f"{r.venue} took back execution {ref} of order {r.cl_ord_id}, which it has not told before;"
        " it is not in the books and will not be booked.",
    )


def _not_applied(s: State, r: ExecutionReport, ref: str, why: str) -> None:
    s.notice(
        Severity.CRITICAL,
        f"{r.venue} changed execution {ref} of order {r.cl_ord_id} ({r.exec_type.name}), but {why};"
        " the books still hold the first version. Compare position and cash with the venue.",
    )
