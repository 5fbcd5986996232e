"""Starting is recovering: the newest snapshot, then every input recorded since."""

from __future__ import annotations

import gc
from time import monotonic
from typing import NamedTuple

from core.journal.errors import JournalError
from core.journal.journal import Journal
from core.journal.reader import Recorded
from core.kernel.kernel import Kernel
from core.kernel.state import Output
from core.model.enums import LinkState
from core.model.events import LinkUpdate
from core.model.inputs import Setup

SNAPSHOT_AFTER = 100_000
"""How many inputs a start may have to replay before it leaves a snapshot for the next one."""


class Recovered(NamedTuple):
    """A kernel as it was, and how it came about.

    `outputs` follow from what starting itself put on record (new settings, broken links);
    `notes` are sentences on what was damaged and mended.
    """

    kernel: Kernel
    outputs: list[Output]
    snapshot_seq: int
    replayed: int
    seconds: float
    notes: list[str]


def rebuild(journal: Journal) -> tuple[Kernel, int, int]:
    """The kernel that the journal's inputs lead to, the snapshot's number, and inputs replayed.

    Records nothing.

    Raises:
        JournalError: when the journal is damaged, or records are missing.
    """
    kernel = Kernel()
    start = 0
    snapshot = journal.newest_snapshot()
    if snapshot is not None:
        try:
            kernel = Kernel.load(snapshot.data)
            start = snapshot.seq
        except ValueError as error:
            journal.repairs.append(f"{journal.directory}: snapshot {snapshot.seq}: {error}")
    count = 0
    # A replay makes no cycles; looking for some in it would take a third of the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        for seq, ts, message in journal.replay(start + 1):
            if kernel.takes(message):
                kernel.apply(seq, ts, message)  # type: ignore[arg-type]
                count += 1
    finally:
        if collecting:
            gc.enable()
    return kernel, start, count


def recover(journal: Journal, setup: Setup, now: int) -> Recovered:
    """Bring the kernel back, then put on record what is new since: settings, broken links.

    Every venue counts as down until it says that it is up: orders whose answer the crash may have
    swallowed become UNKNOWN, and no order leaves before their venue has been heard.

    Raises:
        JournalError: when the journal is damaged, records are missing, or it cannot be written.
    """
    begun = monotonic()
    kernel, start, count = rebuild(journal)
    if count >= SNAPSHOT_AFTER:
        try:
            journal.write_snapshot(kernel.seq, kernel.ts, kernel.dump())
        except JournalError as error:
            journal.repairs.append(str(error))
    outputs: list[Output] = []
    news: list[Recorded] = [
        LinkUpdate(venue, now, LinkState.DOWN, "the engine has just started")
        for venue in kernel.venues_in_use()
    ]
    missing = kernel.wants(setup)
    if missing is not None:
        news.insert(0, missing)
    for message in news:
        outputs += kernel.apply(journal.append(now, message), now, message)  # type: ignore[arg-type]
    return Recovered(kernel, outputs, start, count, monotonic() - begun, list(journal.repairs))
