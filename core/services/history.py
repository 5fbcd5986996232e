"""All orders and fills that a journal tells of, and the positions they led to.

A running kernel remembers only so many finished orders and fills; the journal has them all. It
is read without its lock, so that an engine may go on writing it meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from core.journal.errors import JournalError
from core.journal.files import SNAPSHOT, file_name, journal_files, read_snapshot
from core.journal.reader import replay
from core.kernel.kernel import Kernel
from core.model.instruments import Instrument
from core.model.orders import Fill, Order, OrderUpdate, Position

_NO_END = 2**63 - 1


@dataclass(slots=True)
class History:
    """Orders by the time of their making, fills in their order, each once; positions at the end."""

    orders: dict[str, Order] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    instruments: dict[str, Instrument] = field(default_factory=dict)


def read_history(directory: Path, before: int | None = None) -> History:
    """What the journal in `directory` says, up to but not including the time `before` (UTC ns).

    Raises:
        JournalError: when there is no journal, or it is damaged or incomplete.
    """
    files = journal_files(directory)
    if not files:
        raise JournalError(f"{directory}: there is no journal here. Choose another folder.")
    history = History()
    kernel = Kernel()
    expected = 1
    for seq, ts, message in replay(directory, int(files[0].stem), _NO_END):
        if before is not None and ts >= before:
            break
        if seq != expected:
            # What was before is known only from the snapshot that stands in its place.
            kernel = _kernel_at(directory, seq - 1)
            history.orders |= {u.order.cl_ord_id: u.order for u in kernel.order_updates()}
            known = {_key(fill) for fill in history.fills}
            history.fills += [fill for fill in kernel.fills() if _key(fill) not in known]
        expected = seq + 1
        if kernel.takes(message):
            for output in kernel.apply(seq, ts, message):  # type: ignore[arg-type]
                if isinstance(output, Fill):
                    history.fills.append(output)
                elif isinstance(output, OrderUpdate):
                    history.orders[output.order.cl_ord_id] = output.order
    history.positions = kernel.positions()
    history.instruments = {i.id: i for i in kernel.instruments()}
    return history


def _key(fill: Fill) -> tuple[str, str]:
    return fill.cl_ord_id, fill.exec_id


def _kernel_at(directory: Path, seq: int) -> Kernel:
    path = file_name(directory, seq, SNAPSHOT)
    snapshot = read_snapshot(path)
    if isinstance(snapshot, str):
        raise JournalError(f"{snapshot} The records before it are gone: restore them or it.")
    try:
        return Kernel.load(snapshot.data)
    except ValueError as error:
        raise JournalError(f"{path}: {error}") from None
