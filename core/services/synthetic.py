"""Executions that reconciliation made, and what becomes of them when the real ones arrive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from core.model.enums import ExecType, OrdStatus
from core.model.events import ExecutionReport
from core.model.orders import Fill

SYNTHETIC = "reconcile/"
"""How the ids of executions begin that reconciliation made."""


class Range(NamedTuple):
    """Lots of an order, by its filled total before and after, that were booked under `exec_id`."""

    exec_id: str
    before: int
    after: int


def synthetic_ranges(fills: Iterable[Fill]) -> dict[str, list[Range]]:
    """The executions made here that still count, by the id that their order has at its venue."""
    fills = list(fills)
    gone = {f.ref for f in fills if f.ref}
    found: dict[str, list[Range]] = {}
    for fill in fills:
        made = synthetic_range(fill.exec_id)
        if made is not None and fill.exec_id not in gone and fill.kind is ExecType.TRADE:
            found.setdefault(made[0], []).append(made[1])
    return found


def synthetic_range(exec_id: str) -> tuple[str, Range] | None:
    """The order and the lots that an execution made here stands for; None for any other."""
    if not exec_id.startswith(SYNTHETIC):
        return None
    name, _, lots = exec_id.removeprefix(SYNTHETIC).rpartition("/")
    before, _, after = lots.partition("-")
    if not (name and before.isdigit() and after.isdigit()):
        return None
    return name, Range(exec_id, int(before), int(after))


def in_place_of(
    made: Sequence[Range], report: ExecutionReport
) -> tuple[list[ExecutionReport], list[Range]]:
    """What a late execution means for an order some of whose executions were made here.

    Returns the reports to take in instead of it, and the made ones that it does away with. One
    that stands for exactly the same lots is corrected to be it; otherwise those that overlap are
    taken back, it is booked, and what is missing then is found by the next look at the venue.
    """
    after = report.cum_qty
    before = after - report.last_qty
    replace = msgspec.structs.replace
    for each in made:
        if after and (each.before, each.after) == (before, after):
            text = f"LATE_EXECUTION: in place of {each.exec_id}."
            corrected = replace(
                report, exec_type=ExecType.TRADE_CORRECT, exec_ref=each.exec_id, text=text
            )
            return [corrected], [each]
    over = [r for r in made if not after or (r.before < after and before < r.after)]
    backs = [
        replace(
            report,
            exec_type=ExecType.TRADE_CANCEL,
            exec_id=f"{each.exec_id}/back",
            exec_ref=each.exec_id,
            status=OrdStatus.PARTIALLY_FILLED,
            text=f"LATE_EXECUTION: {report.exec_id} has come.",
        )
        for each in over
    ]
    return [*backs, report], over
