"""Orders that were not sent from here, of which a venue tells."""

from __future__ import annotations

from core.kernel.commands import with_effect
from core.kernel.orders import Live
from core.kernel.rates import rests
from core.kernel.state import State
from core.model.checks import MAX_TICKS
from core.model.commands import NewOrder
from core.model.enums import OrdStatus, OrdType, Severity, Source
from core.model.events import ExecutionReport
from core.model.ids import ADJUSTMENT

_MAX_LOTS = 1 << 40


def adopt(s: State, r: ExecutionReport) -> Live | None:
    """Take in the order of an execution that nobody here knows, marked as external.

    None when it cannot be: it was ours and is forgotten (the execution may be booked already), its
    account or instrument is not known, or its numbers are impossible.
    """
    if (known := _known(s, r)) is not None:
        return known
    if not (0 < r.last_qty <= _MAX_LOTS and 0 < r.last_price <= MAX_TICKS):
        return None
    # What was filled before nobody told us; only this execution and what is left counts.
    left = 0 if r.status.terminal else r.qty - max(r.cum_qty, r.last_qty)
    live = _take(s, r, r.last_qty + max(left, 0))
    if live is not None and r.cl_ord_id.startswith(ADJUSTMENT):
        s.notice(
            Severity.WARNING,
            f"The position of {live.command.account} in {r.instrument} was changed by"
            f" {r.side.sign * r.last_qty} lots. {r.text}",
        )
    elif live is not None:
        s.notice(
            Severity.CRITICAL,
            f"{r.venue} reports an execution of order {live.command.cl_ord_id} in {r.instrument},"
            f" which was not sent from here. It is booked for account {live.command.account} and"
            " shown as external.",
        )
    return live


def adopt_working(s: State, r: ExecutionReport) -> Live | None:
    """Take in an order that its venue says works there, and that nobody here knows.

    One of which something is filled already is taken in with its executions only (see `adopt`).
    """
    if (known := _known(s, r)) is not None:
        return known
    if r.status.terminal or r.status is OrdStatus.UNKNOWN or r.cum_qty:
        return None
    live = _take(s, r, r.qty)
    if live is not None:
        s.notice(
            Severity.WARNING,
            f"{r.venue} lists order {live.command.cl_ord_id} in {r.instrument}, which was not sent"
            f" from here. It counts for account {live.command.account} and is shown as external.",
        )
    return live


def _name(r: ExecutionReport) -> str:
    return r.cl_ord_id or (f"{r.venue}:{r.order_id}" if r.order_id else "")


def _known(s: State, r: ExecutionReport) -> Live | None:
    """The order of a report that has no id of ours, when it was taken in before."""
    return None if r.cl_ord_id else s.orders.get(_name(r))


def _take(s: State, r: ExecutionReport, qty: int) -> Live | None:
    name = _name(r)
    if not name or name in s.ids or len(name) > 128:
        return None
    account = s.accounts.get(r.account)
    if account is None and not r.account and len(s.accounts) == 1:
        (account,) = s.accounts.values()
    market = s.markets.get(r.instrument)
    if account is None or market is None or market.instrument.venue != r.venue:
        return None
    if not (0 <= r.qty <= _MAX_LOTS and 0 <= r.price <= MAX_TICKS and 0 <= r.cum_qty <= _MAX_LOTS):
        return None
    if not (0 < qty <= _MAX_LOTS and 0 <= r.stop_price <= MAX_TICKS):
        return None
    s.ids.add(name)
    order = NewOrder(
        name,
        account.id,
        market.instrument.id,
        r.side,
        _TYPES[bool(r.price), bool(r.stop_price)],
        qty,
        r.price,
        r.stop_price,
        source=Source.EXTERNAL,
        ts=r.ts,
    )
    live = Live(with_effect(s, order), s.ts)
    live.base = OrdStatus.NEW
    live.order_id = r.order_id
    s.begin(live, s.hold(account, market), None)
    rests(live)
    return live


_TYPES = {
    (False, False): OrdType.MARKET,
    (True, False): OrdType.LIMIT,
    (False, True): OrdType.STOP,
    (True, True): OrdType.STOP_LIMIT,
}
