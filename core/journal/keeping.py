"""What of a journal is kept: the newest snapshots, and all records unless the settings say less."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from core.journal.files import journal_files, read_snapshot, snapshot_files, sync_directory
from core.journal.records import HEADER_SIZE, read_header, read_record

KEPT_SNAPSHOTS = 2
_DAY = 86_400_000_000_000
_PIECE = 1 << 16


def prune_snapshots(directory: Path) -> None:
    """Remove all snapshots but the newest two, and one from which what is kept of old records can
    still be understood."""
    files = journal_files(directory)
    first = int(files[0].stem) if files else 1
    snapshots = snapshot_files(directory)
    base = None
    if first > 1:
        base = min((p for p in snapshots if int(p.stem) >= first - 1), default=None)
    for path in snapshots[KEPT_SNAPSHOTS:]:
        if path != base:
            path.unlink(missing_ok=True)


def prune_records(directory: Path, days: int, now: int) -> list[Path]:
    """Remove the files whose records are all older than `days` and covered by two good snapshots.

    The newest file always stays. Without two good snapshots nothing is removed; 0 days remove
    nothing. Returns what was removed.
    """
    files = journal_files(directory)
    if days <= 0 or len(files) < 2:
        return []
    good: list[int] = []
    for path in snapshot_files(directory):
        found = read_snapshot(path)
        if not isinstance(found, str):
            good.append(found.seq)
        if len(good) == KEPT_SNAPSHOTS:
            break
    if len(good) < KEPT_SNAPSHOTS:
        return []
    removed = []
    for path, following in pairwise(files):
        newer = _first_time(following)
        if int(following.stem) - 1 > good[-1] or newer is None or newer > now - days * _DAY:
            break
        path.unlink()
        sync_directory(directory)  # one by one: a loss of power must not leave an older one
        removed.append(path)
    return removed


def _first_time(path: Path) -> int | None:
    """The time of a file's first record; None when it has none or cannot be read."""
    try:
        with path.open("rb") as file:
            data = memoryview(file.read(HEADER_SIZE + _PIECE))
    except OSError:
        return None
    header = read_header(data)
    if isinstance(header, str):
        return None
    found = read_record(data, header.size, header.chain, header.version)
    return None if isinstance(found, str) else found.ts
