"""Orders that were not sent from here, of which a venue reports executions."""

from __future__ import annotations

from core.kernel.orders import Live
from core.kernel.state import State
from core.model.checks import MAX_TICKS
from core.model.commands import NewOrder
from core.model.enums import OrdStatus, OrdType, Severity, Source
from core.model.events import ExecutionReport

_MAX_LOTS = 1 << 40


def adopt(s: State, r: ExecutionReport) -> Live | None:
    """Take in the order of an execution that nobody here knows, marked as external.

    None when it cannot be: it was ours and is forgotten (the execution may be booked already), its
    account or instrument is not known, or its numbers are impossible.
    """
    name = r.cl_ord_id or (f"{r.venue}:{r.order_id}" if r.order_id else "")
    known = s.orders.get(name)
    if known is not None and not r.cl_ord_id:
        return known
    if not name or name in s.ids or len(name) > 128:
        return None
    account = s.accounts.get(r.account)
    if account is None and not r.account and len(s.accounts) == 1:
        (account,) = s.accounts.values()
    market = s.markets.get(r.instrument)
    if account is None or market is None or market.instrument.venue != r.venue:
        return None
    if not (0 < r.last_qty <= _MAX_LOTS and 0 < r.last_price <= MAX_TICKS):
        return None
    if not (0 <= r.qty <= _MAX_LOTS and 0 <= r.price <= MAX_TICKS and 0 <= r.cum_qty <= _MAX_LOTS):
        return None
    # What was filled before nobody told us; only this execution and what is left counts.
    left = 0 if r.status.terminal else r.qty - max(r.cum_qty, r.last_qty)
    qty = r.last_qty + max(left, 0)
    s.ids.add(name)
    order = NewOrder(
        name,
        account.id,
        market.instrument.id,
        r.side,
        OrdType.LIMIT if r.price else OrdType.MARKET,
        qty,
        r.price,
        source=Source.EXTERNAL,
        ts=r.ts,
    )
    live = Live(order, s.ts)
    live.base = OrdStatus.NEW
    live.order_id = r.order_id
    s.begin(live, s.hold(account, market), None)
    s.notice(
        Severity.CRITICAL,
        f"{r.venue} reports an execution of order {name} in {market.instrument.id}, which was not"
        f" sent from here. It is booked for account {account.id} and shown as external.",
    )
    return live
