"""Starting is recovering: the newest snapshot, then every input recorded since."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from core.journal.errors import JournalError
from core.journal.files import journal_files, read_snapshot, snapshot_files
from core.journal.journal import Journal
from core.journal.reader import NO_END, Recorded, open_header, read_file, replay
from core.kernel.dump import build_of
from core.kernel.kernel import Kernel
from core.kernel.state import Output
from core.model.enums import LinkState
from core.model.events import LinkUpdate
from core.model.inputs import Setup
from core.native import BUILD

SNAPSHOT_AFTER = 100_000
"""How many inputs a start may have to replay before it leaves a snapshot for the next one itself,
which costs it a tenth of what it has spent; see also `core.services.snapshots.SOON`."""


class Recovered(NamedTuple):
    """A kernel as it was, and how it came about.

    `snapshot_seq` is the number up to which there is a snapshot now, `replayed` how many inputs
    were worked off, `seconds` what that took. `outputs` follow from what starting itself put on
    record (new settings, broken links); no request to a venue is among them. `notes` are sentences
    on what was damaged and mended.
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
    return kernel, start, apply_all(kernel, journal.replay(start + 1))


class State(NamedTuple):
    """A kernel as it was after some record, the id of its journal, and where its replay began."""

    kernel: Kernel
    journal: bytes
    start: int


def state_at(directory: Path, seq: int = NO_END) -> State:
    """The state after record `seq` of a folder's journal (by default the last), which another
    program may be writing: from the newest good snapshot before, else from the first record.

    Raises:
        JournalError: when the journal is damaged, or records are missing.
    """
    files = journal_files(directory)
    if not files:
        raise JournalError(f"{directory}: there is no journal here. Choose another folder.")
    journal = open_header(files[0], read_file(files[0])).journal
    kernel, start = Kernel(), 0
    for path in snapshot_files(directory):
        found = read_snapshot(path, journal)
        if isinstance(found, str) or found.seq > seq:
            continue
        try:
            kernel, start = Kernel.load(found.data), found.seq
            break
        except ValueError:
            continue  # of another version: the records tell the same
    apply_all(kernel, replay(directory, start + 1, seq))
    return State(kernel, journal, start)


class Replayed(NamedTuple):
    """A replay that was made to be looked at.

    `start` is the record it began after, `last` the last one there was, `digest` the state's hash,
    `compared` every snapshot on the way and whether it is the same, `foreign` those of them that
    another build of this program wrote: one of these may differ with nothing being wrong.
    """

    start: int
    last: int
    replayed: int
    digest: str
    compared: list[tuple[int, bool]]
    foreign: frozenset[int] = frozenset()


def check_replay(
    directory: Path, until: int = NO_END, from_snapshot: bool = False, check: bool = False
) -> Replayed:
    """Work a folder's journal off anew, up to record `until`.

    It begins with the first record, or with the oldest snapshot where the first ones are gone, or
    with the newest one that is `from_snapshot`. With `check` those on the way are compared.

    Raises:
        JournalError: when the journal is damaged, or records are missing.
    """
    files = journal_files(directory)
    if not files:
        raise JournalError(f"{directory}: there is no journal here. Choose another folder.")
    journal = open_header(files[0], read_file(files[0])).journal
    snapshots: dict[int, bytes] = {}
    for path in reversed(snapshot_files(directory)):
        found = read_snapshot(path, journal)
        if isinstance(found, str):
            raise JournalError(found)
        if found.seq <= until:
            snapshots[found.seq] = found.data
    kernel, start, first = Kernel(), 0, int(files[0].stem)
    if snapshots and (from_snapshot or first > 1):
        start = max(snapshots) if from_snapshot else min(s for s in snapshots if s >= first - 1)
        kernel = _load(directory, start, snapshots[start])
    due = [seq for seq in snapshots if check and seq > start]
    compared: list[tuple[int, bool]] = []
    foreign: set[int] = set()
    last, count = start, 0
    # In pieces that end where a snapshot is to be compared or stands for records that are lost.
    inputs = replay(directory, start + 1, until)
    ahead = next(inputs, None)

    def piece() -> Iterator[tuple[int, int, Recorded]]:
        nonlocal ahead, last
        while ahead is not None and ahead[0] == last + 1 and not (due and last >= due[0]):
            yield ahead
            last, ahead = ahead[0], next(inputs, None)

    while ahead is not None:
        if ahead[0] != last + 1:
            last = ahead[0] - 1
            kernel = _load(directory, last, snapshots.get(last, b""))
            due = [seq for seq in due if seq > last]
        count += apply_all(kernel, piece())
        if due and last == due[0]:
            data = snapshots[due.pop(0)]
            if _foreign(data):
                foreign.add(last)
            compared.append((last, _same(data, kernel)))
    return Replayed(start, last, count, kernel.digest(), compared, frozenset(foreign))


def _foreign(snapshot: bytes) -> bool:
    try:
        return build_of(snapshot) != BUILD
    except ValueError:
        return True  # it is whole, so whoever wrote it understands it


def _same(snapshot: bytes, kernel: Kernel) -> bool:
    try:
        return Kernel.load(snapshot).digest() == kernel.digest()
    except ValueError:
        return False


def _load(directory: Path, seq: int, data: bytes) -> Kernel:
    try:
        return Kernel.load(data)
    except ValueError as error:
        raise JournalError(f"{directory}: snapshot {seq}: {error}") from None


def apply_all(kernel: Kernel, inputs: Iterable[tuple[int, int, Recorded]]) -> int:
    """Work off recorded inputs; returns how many were the kernel's."""
    takes, apply = kernel.takes, kernel.apply
    count = 0
    # A replay makes no cycles; looking for some in it would take a third of the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        for seq, ts, message in inputs:
            if takes(message):
                apply(seq, ts, message)  # type: ignore[arg-type]
                count += 1
    finally:
        if collecting:
            gc.enable()
    return count


def recover(journal: Journal, setup: Setup, now: int) -> Recovered:
    """Bring the kernel back, then put on record what is new since: settings, broken links.

    Every venue counts as down until it says that it is up: orders whose answer the crash may have
    swallowed become UNKNOWN, and no order leaves before their venue has been heard.

    With durability "power" all of it is confirmed by the disk when this returns.

    Raises:
        JournalError: when the journal is damaged, records are missing, or it cannot be written.
    """
    begun = monotonic()
    kernel, start, count = rebuild(journal)
    if count >= SNAPSHOT_AFTER:
        try:
            journal.write_snapshot(kernel.seq, kernel.ts, kernel.dump())
            start = kernel.seq
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
    journal.commit()
    return Recovered(kernel, outputs, start, count, monotonic() - begun, list(journal.repairs))
