"""Positions brought in line with a venue's word by a person, with a reason."""

from __future__ import annotations

from core.model.checks import MAX_TICKS
from core.model.commands import AdjustPosition
from core.model.enums import ExecType, OrdStatus, Side
from core.model.events import ExecutionReport
from core.model.ids import ADJUSTMENT
from core.services.audit import Audit


def adjustment(command: AdjustPosition, audit: Audit, ts: int) -> ExecutionReport | str:
    """The execution that books an adjustment, or a sentence that says why there is none."""
    if not command.reason.strip():
        return "An adjustment needs a reason."
    if not 0 < command.price <= MAX_TICKS:
        return f"A price of {command.price} ticks is not possible; it must be above 0."
    gap = audit.gap(command.account, command.instrument)
    if gap is None:
        return (
            f"{audit.name} does not say that the position of {command.account} in"
            f" {command.instrument} differs."
        )
    if gap != command.qty:
        return (
            f"{audit.name} and our books differ by {gap} lots now, not by {command.qty}; look at"
            " both figures again."
        )
    name = f"{ADJUSTMENT}{command.id}"
    who = command.trader or command.source.value
    return ExecutionReport(
        venue=audit.name,
        ts=ts,
        received=ts,
        cl_ord_id=name,
        exec_type=ExecType.TRADE,
        status=OrdStatus.FILLED,
        exec_id=name,
        request=name,
        instrument=command.instrument,
        side=Side.BUY if gap > 0 else Side.SELL,
        qty=abs(gap),
        cum_qty=abs(gap),
        last_price=command.price,
        last_qty=abs(gap),
        account=command.account,
        text=f"ADJUSTED by {who}: {command.reason.strip()}",
    )
