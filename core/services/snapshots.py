"""Snapshots while the engine runs, made by a process of their own.

The kernel is deterministic: the newest snapshot and the records since lead any process to the same
state. So the engine's loop neither dumps its memory nor waits for the disk; it only starts
``python -m core.services.snapshots FOLDER SEQ KEEP_DAYS``, which runs beside it at low priority and
outlives it. The snapshot it writes is there whole or not at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from core.journal.errors import JournalError
from core.journal.files import Snapshot, write_snapshot
from core.journal.journal import Journal
from core.journal.keeping import prune_records, prune_snapshots
from core.journal.lock import FileHeldError, FileLock
from core.kernel.kernel import Kernel
from core.services import affinity
from core.services.recovery import state_at

SOON = 20_000
"""How many inputs a start may have replayed until the next snapshot is made at once, so that an
engine that dies again and again does not read more each time."""

_MOST_SECONDS = 600.0


class Snapshots:
    """Has snapshots made, one at a time.

    Args:
        directory: the journal's folder.
        keep_days: journal files older than this many days and covered by two snapshots are
            removed; 0 keeps all.
        seq: the number up to which there is a snapshot already.
        on_error: told with a sentence when one could not be made. Nothing is lost then: the
            journal holds everything, and only the next start takes longer.

    Attributes:
        seq: the number up to which the last one was asked for.
    """

    def __init__(
        self,
        directory: Path,
        keep_days: int,
        seq: int,
        on_error: Callable[[str, Exception | None], None],
    ) -> None:
        self.seq = seq
        self._directory = directory
        self._keep_days = keep_days
        self._on_error = on_error
        self._task: asyncio.Task[None] | None = None

    def take(self, seq: int) -> None:
        """Have one made of the state after record `seq`, unless one is being made."""
        if self._task is None or self._task.done():
            self.seq = seq
            self._task = asyncio.get_running_loop().create_task(self._make(seq))

    def keep_up(self, seq: int, every: int) -> None:
        """Have one made of the state after record `seq` when it is so many after the last one."""
        if seq - self.seq >= every:
            self.take(seq)

    def leave(self, journal: Journal, kernel: Kernel) -> None:
        """Write one here and now, for a quick start, when nobody waits for this loop any more."""
        if kernel.seq <= self.seq:
            return
        try:
            journal.write_snapshot(kernel.seq, kernel.ts, kernel.dump())
        except Exception as error:
            # Not fatal: the journal holds everything, only the next start takes longer.
            self._on_error("No snapshot of the engine's state could be kept.", error)

    async def finish(self) -> None:
        """Wait for the one that is being made."""
        if self._task is not None:
            await self._task

    async def _make(self, seq: int) -> None:
        words = [sys.executable, "-m", "core.services.snapshots"]
        words += [str(self._directory), str(seq), str(self._keep_days)]
        try:
            code, said = await asyncio.to_thread(_run, words)
        except (OSError, subprocess.SubprocessError) as error:
            self._on_error("No snapshot of the engine's state could be made.", error)
            return
        if code:
            self._on_error(f"No snapshot of the engine's state could be made. {said}", None)


def _run(words: list[str]) -> tuple[int, str]:
    """The exit code of a process that gives way to others, and the last line of what it said."""
    with subprocess.Popen(words, stderr=subprocess.PIPE) as process:
        affinity.give_way(process.pid)
        try:
            _, said = process.communicate(timeout=_MOST_SECONDS)
        except BaseException:
            process.kill()
            raise
    return process.returncode, said.decode(errors="replace").strip().rpartition("\n")[2]


def make(directory: Path, seq: int, keep_days: int, now: int) -> Path | None:
    """Write the snapshot of the state after record `seq` and remove what need not be kept.

    None: another process is making one just now, perhaps for an engine that is no more.

    Raises:
        JournalError: when the journal is damaged, or the disk does not take it.
    """
    try:
        lock = FileLock(directory / "snapshot.lock")
    except FileHeldError:
        return None
    except OSError as error:
        raise JournalError(f"{directory}: it cannot be written ({error.strerror}).") from None
    try:
        found = state_at(directory, seq)
        kernel = found.kernel
        path = write_snapshot(directory, found.journal, Snapshot(seq, kernel.ts, kernel.dump()))
        prune_records(directory, keep_days, now)
        prune_snapshots(directory)
    finally:
        lock.release()
    return path


def main(words: list[str]) -> int:
    """See the module."""
    with contextlib.suppress(OSError, AttributeError, ValueError):
        # The engine may be pinned to a processor, which is its own.
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        make(Path(words[0]), int(words[1]), int(words[2]), time.time_ns())
    except JournalError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
