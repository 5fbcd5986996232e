"""Executions: counted once by venue and id, booked exactly in order, position, cash and fees."""

from __future__ import annotations

from decimal import Decimal

from core.kernel import stops
from core.kernel.groups import late
from core.kernel.leaving import after_fill
from core.kernel.markets import Market
from core.kernel.more import Slice
from core.kernel.orders import Live
from core.kernel.state import State
from core.model.checks import MAX_TICKS, UNIT_DIGITS
from core.model.enums import ExecType, OrdStatus, Severity, Side
from core.model.events import ExecutionReport
from core.model.numbers import EXACT, ZERO
from core.model.orders import Fill, OrderUpdate

MAX_LOTS = 1 << 40
"""The most lots that one message may speak of."""
_COUNTABLE = 1 << 63
_MAX_FEE = 10 ** (18 + UNIT_DIGITS)
# Looking a member up in its enumeration is slow enough to matter here.
_BUY = Side.BUY
_WORKS = (OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED)
_OUTRANK = (OrdStatus.DONE_FOR_DAY, OrdStatus.SUSPENDED)


def on_trade(s: State, live: Live, r: ExecutionReport, piece: Slice | None) -> None:
    """An execution of an order, or of a slice of it: booked once; slices and lists follow."""
    cum, notional = live.cum, live.notional
    _book(s, live, r)
    if live.cum != cum:
        if piece is not None:
            piece.cum += live.cum - cum
            piece.notional += live.notional - notional
        _filled(s, live, piece)


def _filled(s: State, live: Live, piece: Slice | None) -> None:
    """Executions were booked: slices, lists and what protects the position follow."""
    if live.more is not None:
        live.more.stuck = 0
    if piece is not None:
        after_fill(s, live, piece)
    if s.groups:
        s.touch_holding(live.holding)
    if live.more is not None:
        s.touch(live)
        late(s, live)


def acknowledge(live: Live, r: ExecutionReport) -> None:
    """Any word about an order shows that its venue has it."""
    if live.unknown:
        live.unknown = live.doubtful
    if r.order_id:
        live.order_id = r.order_id
    base = live.base
    if base is OrdStatus.PENDING_NEW or (
        # Done for the day or halted, until its venue says that it works again.
        (base is OrdStatus.DONE_FOR_DAY or base is OrdStatus.SUSPENDED) and r.status in _WORKS
    ):
        live.base = OrdStatus.PARTIALLY_FILLED if live.cum else OrdStatus.NEW


def _book(s: State, live: Live, r: ExecutionReport) -> None:
    exec_id = r.exec_id or (f"{r.cl_ord_id}@{r.cum_qty}" if r.cum_qty > 0 else "")
    seen = s.execs.get(r.venue)
    if seen is None:
        seen = s.execs[r.venue] = {}
    elif exec_id in seen:
        return
    units = _fee_units(r.fee) if r.fee else 0
    problem = _trade_problem(live, r, exec_id, units)
    if problem:
        s.notice(
            Severity.CRITICAL,
            f"Execution {r.exec_id} of order {r.cl_ord_id} from {r.venue} was not booked:"
            f" {problem}. Compare position and cash with the venue.",
        )
        return
    seen[exec_id] = None
    live.execs = (*live.execs, (r.venue, exec_id))
    first = not live.cum
    live.cum += r.last_qty
    live.notional += abs(_market(live).cost(r.last_price, r.last_qty))
    before = live.base
    late = live.dead
    fill = _settle(s, live, r, exec_id, units or 0)
    if late:
        if live.cum >= live.qty:
            live.base = OrdStatus.FILLED
    else:
        acknowledge(live, r)
        if live.cum >= live.qty and live.cum >= live.most():
            s.end(live, OrdStatus.FILLED, expose=False)
        else:
            live.base = r.status if r.status in _OUTRANK else OrdStatus.PARTIALLY_FILLED
            s.recount(live, expose=False)
    holding, part = live.holding, live.part
    assert holding is not None
    holding.revalue()
    for each in (part, live.hand):
        if each is not None:
            each.revalue()
    _tell_trade(s, live, r, fill)
    stops.on_trade(s, live, first)
    if late:
        s.notice(
            Severity.WARNING
            if before is OrdStatus.CANCELED or before is OrdStatus.EXPIRED
            else Severity.CRITICAL,
            f"Execution {exec_id} of order {r.cl_ord_id} came after the order was {before.name};"
            " it was booked.",
        )
    if live.cum > live.qty and live.dead:
        s.notice(
            Severity.CRITICAL,
            f"Order {r.cl_ord_id} was filled beyond its quantity ({live.cum} of {live.qty} lots);"
            " everything was booked. Ask the venue.",
        )


def _trade_problem(live: Live, r: ExecutionReport, exec_id: str, fee: int | None) -> str:
    if not exec_id:
        return "it has neither an execution id nor a filled total, so it cannot be counted once"
    if not 0 < r.last_qty <= MAX_LOTS or not 0 < r.last_price <= MAX_TICKS:
        return f"{r.last_qty} lots at {r.last_price} ticks is not possible"
    if not _countable(live, abs(_market(live).cost(r.last_price, r.last_qty))):
        return "the sums of the order or its position would not fit into 63 bits"
    if r.instrument and (
        r.instrument != live.command.instrument or r.side is not live.command.side
    ):
        return f"the order is {live.command.side.name} {live.command.instrument}, not" + (
            f" {r.side.name} {r.instrument}"
        )
    if fee is None:
        return f"its fee {r.fee} is not an amount of money"
    return ""


def _fee_units(fee: Decimal) -> int | None:
    """A fee in 10^-24, or None when it is no amount of money."""
    try:
        scaled = EXACT.scaleb(fee, UNIT_DIGITS)
        units = int(scaled)
    except (ArithmeticError, ValueError):
        return None
    return units if units == scaled and -_MAX_FEE < units < _MAX_FEE else None


def _market(live: Live) -> Market:
    assert live.holding is not None
    return live.holding.market


def _countable(live: Live, value: int) -> bool:
    """Sums in points (ticks x lots, or quanta) travel as 64-bit numbers."""
    holding = live.holding
    assert holding is not None
    return (
        live.notional + value < _COUNTABLE
        and 2 * abs(holding.cost) + abs(holding.realised) + value < _COUNTABLE
        and all(
            2 * abs(leg.cost) + abs(leg.realised) + value < _COUNTABLE
            for leg in holding.legs.values()
        )
    )


def _settle(s: State, live: Live, r: ExecutionReport, exec_id: str, units: int) -> Fill:
    """Book position, cash and fee of one execution; the caller values it anew."""
    command, holding = live.command, live.holding
    assert holding is not None
    account, market = holding.account, holding.market
    instrument = market.instrument
    price, qty = r.last_price, r.last_qty
    sign = 1 if command.side is _BUY else -1
    part = live.part
    if part is None:
        part = holding.parts.get("") or s.part(holding, "")
    realised = holding.realised
    holding.fill(sign, price, qty)
    part.fill(sign, price, qty)
    hand = live.hand
    if hand is None:
        hand = holding.hands.get("") or s.hand(holding, "")
    hand.fill(sign, price, qty)
    legs = s.legs(live) if account.hedging else ()
    for leg in legs:
        leg.fill(sign, price, qty)
    currency = instrument.currency
    cash = account.cash
    flow = EXACT.multiply(Decimal(-market.cost(price, sign * qty)), market.point)
    cash[currency] = EXACT.add(cash.get(currency, ZERO), flow)
    if holding.realised != realised:
        closed = EXACT.multiply(Decimal(holding.realised - realised), market.point)
        account.realised[currency] = EXACT.add(account.realised.get(currency, ZERO), closed)
    fee = r.fee
    if fee:
        paid_in = r.currency or currency
        cash[paid_in] = EXACT.subtract(cash.get(paid_in, ZERO), fee)
        account.fees[paid_in] = EXACT.add(account.fees.get(paid_in, ZERO), fee)
        if paid_in == currency:
            live.fees = EXACT.add(live.fees, fee)
            holding.pay(fee, units)
            part.pay(fee, units)
            hand.pay(fee, units)
            for leg in legs:
                leg.pay(fee, units)
    if not market.mark2:
        market.last = price
        market.mark()
    fill = Fill(
        s.seq,
        s.ts,
        exec_id,
        command.cl_ord_id,
        command.account,
        command.instrument,
        command.side,
        price,
        qty,
        fee,
        r.currency or currency,
        r.liquidity,
        command.strategy,
        command.trader,
        r.ts,
        holding.qty,
        leg=legs[0].side if legs else "",
    )
    s.fills.append(fill)
    return fill


def _tell_trade(s: State, live: Live, r: ExecutionReport, fill: Fill) -> None:
    live.seq = s.seq
    live.updated = s.ts
    holding, out = live.holding, s.out
    assert holding is not None
    out.append(
        OrderUpdate(
            s.seq,
            s.ts,
            live.view(),
            ExecType.TRADE,
            r.ts,
            fill.exec_id,
            r.last_price,
            r.last_qty,
            r.text,
        )
    )
    out.append(fill)
    out.append(holding.view(s.seq, s.ts))
    if holding.account.hedging:
        out.append(s.legs(live)[0].view(s.seq, s.ts))
    if live.part is not None:
        out.append(live.part.view(s.seq, s.ts, live.command.strategy))
    out.append(holding.account.view(s.seq, s.ts))
    if holding.purse.low():
        s.watch_loss(holding.account)
