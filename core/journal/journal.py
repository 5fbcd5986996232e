"""The journal's one writer: what `append` returns from is on record, whatever dies afterwards."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal

from core.journal.errors import JournalError
from core.journal.files import (
    FLAGS,
    JOURNAL,
    Snapshot,
    file_name,
    journal_files,
    read_snapshot,
    snapshot_files,
    sync_directory,
    write_again,
    write_all,
    write_snapshot,
    write_whole,
)
from core.journal.keeping import prune_snapshots
from core.journal.lock import WriterLock
from core.journal.opening import find_end
from core.journal.reader import Recorded, replay
from core.journal.records import MAX_PAYLOAD, NO_CHAIN, Header, chain_of, make_record
from core.journal.syncing import SyncThread
from core.model.wire import encode

Durability = Literal["power", "process"]

FILE_SIZE = 64 << 20
MOST_BEHIND = 64 << 20
"""Bytes that may wait for the disk's word; they are kept in memory until it comes."""

_DAY = 86_400_000_000_000
_sync_data = getattr(os, "fdatasync", os.fsync)


class Journal:
    """An append-only log of inputs, in files of a folder, with snapshots beside them.

    `append` writes straight to the system, so that what it returned from outlives a crash of
    this process at once. A thread asks the disk to confirm it, one `fdatasync` for all that was
    written by then; what it confirmed, up to `synced_seq`, outlives a loss of power as well. With
    ``durability="power"`` it does so as soon as it is asked (`ask`) and whoever acts waits for it
    (`watch` tells); with ``"process"`` it does so every `sync_every` seconds.

    A disk that did not confirm may have lost any of it and will not say so twice: then all that
    was not confirmed is written anew into a new file, from memory, and `append` refuses until that
    file is confirmed. Nothing needs a restart.

    A new file is also begun when one is full, and with the first record of a new day (UTC). It
    begins after the last confirmed record, with those that follow it copied, so that what a loss
    of power leaves of the older file is whole up to there.

    All methods but `sync` and `write_snapshot` belong to one thread. `repairs` are sentences about
    what opening had to mend.
    """

    def __init__(
        self, directory: Path, durability: Durability, max_bytes: int, sync_every: float
    ) -> None:
        self.directory = directory
        self.durability = durability
        self.last_seq = 0
        self.synced_seq = 0
        self._power = durability == "power"
        self._max = max_bytes
        self._fd = -1
        self._uses = 0  # files that were taken into use
        self._asking = -1, 0  # for the disk's word: a descriptor, and of which of them
        self._path = directory
        self._size = self._head = 0
        self._fresh = False  # the present file's name may not be on the disk yet
        self._older = 0
        self._day_end = 0
        self._unclean = False
        self._failed = ""
        self._chain = self._synced_chain = NO_CHAIN
        self._waiting: deque[bytes] = deque()  # records after `synced_seq`
        self._written = self._confirmed = 0  # bytes
        self._mended: tuple[Path, int, int] | None = None  # path, size, last number
        self._state = threading.Lock()  # held for moments: what belongs together changes together
        self._syncing = threading.Lock()  # held while the disk works; one thread at a time
        self._wake: Callable[[], object] | None = None
        self._lock = WriterLock(directory)
        try:
            self._begin_at_end()
        except BaseException:
            if self._fd >= 0:
                os.close(self._fd)
            self._lock.release()
            raise
        self._thread = SyncThread(self._work, sync_every) if sync_every > 0 else None

    @classmethod
    def open(
        cls,
        directory: Path | str,
        *,
        durability: Durability = "process",
        max_bytes: int = FILE_SIZE,
        sync_every: float = 1.0,
    ) -> Journal:
        """Open a folder's journal for writing, or begin one.

        A torn end is cut back to the last whole record and told in `repairs`. With `sync_every` 0
        there is no thread: `sync` and `commit` are all that asks the disk.

        Raises:
            JournalError: when another program writes it, when it is damaged in the middle or of
                another version (nothing is changed then), or when the disk fails.
        """
        if durability not in ("power", "process"):
            raise ValueError(f"durability “{durability}” is not “power” or “process”.")
        path = Path(directory)
        try:
            path.mkdir(parents=True, exist_ok=True)
            return cls(path, durability, max_bytes, sync_every)
        except OSError as error:
            raise JournalError(
                f"{error.filename or path}: the journal cannot be opened ({error.strerror}). Free"
                " some space or choose another folder."
            ) from None

    @property
    def path(self) -> Path:
        """The file that is written now."""
        return self._path

    @property
    def size(self) -> int:
        """Bytes of all the journal's files, snapshots not counted."""
        return self._older + self._size

    @property
    def anchor(self) -> str:
        """The last record's chain: with it noted elsewhere, a shortened journal shows."""
        return self._chain.hex()

    @property
    def failed(self) -> str:
        """Why the disk's word cannot be had, as a sentence; empty while it can."""
        return self._failed

    def append(self, ts: int, message: Recorded) -> int:
        """Put one input on record and return its number.

        Raises:
            JournalError: when it could not be written. Nothing was recorded then, and trying
                again later is safe.
        """
        payload = encode(message)
        seq = self.last_seq + 1
        record, chain = make_record(seq, ts, payload, self._chain, seq - 1 - self.synced_seq)
        length = len(record)
        if length > MAX_PAYLOAD:
            raise JournalError(f"{self.directory}: record {seq} of {length} bytes is too long.")
        if (
            self._size + length > self._max
            or ts >= self._day_end
            or self._unclean
            or self._failed
            or self._written - self._confirmed > MOST_BEHIND
        ):
            self._prepare(seq, ts, length)
        try:
            written = os.write(self._fd, record)
            if written != length:
                write_all(self._fd, record[written:])
        except OSError as error:
            self._unclean = True
            self._clean(quiet=True)
            raise JournalError(
                f"{self._path}: record {seq} could not be written ({error.strerror}). Nothing was"
                " sent. Free some space or repair the disk; it goes on by itself then."
            ) from None
        self._size += length
        self._written += length
        self._chain = chain
        self._waiting.append(record)
        self.last_seq = seq
        if self._failed:  # only just now: it was written into a file that may not count any more
            self._take_mended()
        return seq

    # -- the disk's word -----------------------------------------------------------------------

    def watch(self, wake: Callable[[], object]) -> None:
        """Have `wake` called, from the thread, when the disk confirmed more, failed or came back.

        Whoever is woken calls `resume`.
        """
        self._wake = wake

    def ask(self) -> None:
        """Have the thread ask the disk soon; together with all that is appended until it does."""
        if self._thread is not None:
            self._thread.ask()

    def commit(self) -> None:
        """Wait until everything appended is as durable as `durability` asks for.

        Raises:
            JournalError: when the disk failed.
        """
        if self._power and self.synced_seq != self.last_seq:
            self.sync()

    def sync(self) -> None:
        """Wait until everything appended outlives a loss of power. From any thread.

        Raises:
            JournalError: when the disk failed; what was written before may not be on it.
        """
        with self._syncing:
            while self._sync_once():
                pass

    def resume(self) -> bool:
        """Go on after a failure of the disk, if it is over; False while it is not."""
        if self._failed and self._thread is None:
            self._mend()
        if self._mended is not None:
            self._take_mended()
        return not self._failed

    def _sync_once(self) -> bool:
        """True when a new file was begun meanwhile and must be confirmed as well."""
        with self._state:
            if self._failed:
                raise JournalError(self._failed)
            seq, written = self.last_seq, self._written
            if self._fd < 0 or seq == self.synced_seq:
                return False
            path, fresh = self._path, self._fresh
            fd = self._sync_descriptor()
        problem: OSError | None = None
        try:
            (os.fsync if fresh else _sync_data)(fd)
            if fresh:
                sync_directory(self.directory)
        except OSError as error:
            problem = error
        with self._state:
            if self._path != path:
                return True  # what counts now is the new file
            if problem is not None:
                self._failed = (
                    f"{path}: the disk did not confirm what was written ({problem.strerror})."
                    " Nothing more is recorded or sent. Free some space or repair the disk; it"
                    " goes on by itself then."
                )
                raise JournalError(self._failed)
            self._fresh = False
            self._confirm(seq)
            self._confirmed = max(self._confirmed, written)
        return False

    def _sync_descriptor(self) -> int:
        """A descriptor of the present file that whoever appends does not close meanwhile."""
        fd, used = self._asking
        if used != self._uses:
            self._asking = os.dup(self._fd), self._uses
            if fd >= 0:
                os.close(fd)
        return self._asking[0]

    def _confirm(self, seq: int) -> None:
        for _ in range(seq - self.synced_seq):
            record = self._waiting.popleft()
        if seq > self.synced_seq:
            self._synced_chain = chain_of(record)
        self.synced_seq = seq

    def _work(self) -> bool:
        """On the thread: ask the disk, or mend what it failed at. False while it fails."""
        before = self.synced_seq, self._failed, self._mended
        try:
            if not self._failed:
                self.sync()
            else:
                self._mend()
        except JournalError:
            pass  # kept in `failed`, for whoever is woken
        if self._wake is not None and before != (self.synced_seq, self._failed, self._mended):
            self._wake()
        return not self._failed

    # -- a new file ----------------------------------------------------------------------------

    def _prepare(self, seq: int, ts: int, length: int) -> None:
        """The rare things before an append: a closed, failed, unclean or full file, a new day."""
        if self._fd < 0:
            raise JournalError(f"{self.directory}: the journal is closed.")
        if self._failed and not self.resume():
            raise JournalError(self._failed)
        if self._unclean:
            self._clean(quiet=False)
        if self._written - self._confirmed > MOST_BEHIND:
            if self._thread is not None:
                self.ask()
                raise JournalError(
                    f"{self._path}: the disk is {MOST_BEHIND >> 20} MB behind. Nothing more is"
                    " recorded until it has caught up; it goes on by itself then."
                )
            self.sync()
        day_end = ts - ts % _DAY + _DAY
        if self._size == self._head:
            self._day_end = day_end
        elif self._size + length > self._max or ts >= self._day_end:
            self._rotate()
            self._day_end = max(day_end, self._day_end)

    def _rotate(self) -> None:
        """Begin the next file, after the last confirmed record, without waiting for the disk."""
        if self.synced_seq < int(self._path.stem):
            self.sync()  # it would have the name of the present one
        try:
            with self._state:
                first, records = self.synced_seq + 1, b"".join(self._waiting)
                header = Header(self._id, first, self._synced_chain).pack()
                path = file_name(self.directory, first, JOURNAL)
                write_whole(path, header + records, durable=False)
                self._use(path, len(header) + len(records), fresh=True)
        except OSError as error:
            raise JournalError(
                f"{self.directory}: a new file could not be begun ({error.strerror}). Free"
                " some space; it goes on by itself then."
            ) from None

    def _mend(self) -> None:
        """Write all that the disk has not confirmed into a new file, and have that confirmed."""
        with self._syncing:
            if not self._failed or self._mended is not None:
                return  # it is done, or even in use
            first, waiting = self.synced_seq + 1, list(self._waiting)
            header = Header(self._id, first, self._synced_chain).pack()
            path = file_name(self.directory, first, JOURNAL)
            data = header + b"".join(waiting)
            try:
                write_whole(path, data)
            except OSError as error:
                self._failed = (
                    f"{path}: what the disk did not confirm cannot be written anew"
                    f" ({error.strerror}). Nothing more is recorded or sent. Free some space or"
                    " repair the disk; it goes on by itself then."
                )
                return
            self._mended = path, len(data), first + len(waiting) - 1

    def _take_mended(self) -> None:
        """Take the mended file into use, if there is one; on the thread that appends."""
        with self._syncing, self._state:
            if self._mended is None:
                return
            path, size, last = self._mended
            self._mended = None  # when anything goes wrong here, another is made
            try:
                self._use(path, size, fresh=False)
                self._confirm(last)
                self._confirmed = self._written
                self._unclean = False
                # A record may have been on its way into the old file when the disk failed.
                rest = b"".join(self._waiting)
                write_all(self._fd, rest)
            except OSError as error:
                self._unclean = True
                self._failed = (
                    f"{path}: it cannot be written ({error.strerror}). Nothing more is recorded or"
                    " sent. Free some space or repair the disk; it goes on by itself then."
                )
                return
            self._size += len(rest)
            self._failed = ""

    def _use(self, path: Path, size: int, *, fresh: bool) -> None:
        fd = os.open(path, FLAGS)
        os.lseek(fd, size, os.SEEK_SET)
        if self._fd >= 0:
            os.close(self._fd)
            if path != self._path:
                self._older += self._size
        self._fd, self._path, self._size, self._fresh = fd, path, size, fresh
        self._uses += 1

    def _clean(self, *, quiet: bool) -> None:
        """Take back a partly written record."""
        try:
            os.ftruncate(self._fd, self._size)
            os.lseek(self._fd, self._size, os.SEEK_SET)
        except OSError as error:
            if quiet:
                return
            raise JournalError(
                f"{self._path}: a partly written record cannot be taken back"
                f" ({error.strerror}). Repair the disk; it goes on by itself then."
            ) from None
        self._unclean = False

    def _begin_at_end(self) -> None:
        """Find the end of what was written, mend a torn one, and go on there."""
        end = find_end(self.directory)
        self.repairs = end.repairs
        self._id = end.header.journal
        self._head = len(end.header.pack())
        self.last_seq = self.synced_seq = end.last_seq
        self._chain = self._synced_chain = end.chain
        path, size = end.path, end.size
        if path is None:
            path = file_name(self.directory, end.header.first, JOURNAL)
            write_whole(path, end.header.pack())
            size = self._head
        else:
            # What a crash left behind is read and acted on, and gone on with where it is only a
            # name and a header: the disk must have it from now on.
            write_again(path, end.sure, size)
            if end.first_ts:
                self._day_end = end.first_ts - end.first_ts % _DAY + _DAY
        self._older = sum(p.stat().st_size for p in journal_files(self.directory) if p != path)
        self._use(path, size, fresh=False)

    # -- reading, snapshots --------------------------------------------------------------------

    def replay(self, from_seq: int = 1) -> Iterator[tuple[int, int, Recorded]]:
        """Every ``(seq, ts, message)`` from a number on.

        Raises:
            JournalError: when something is missing, damaged or of a newer version.
        """
        return replay(self.directory, from_seq, self.last_seq)

    def write_snapshot(self, seq: int, ts: int, data: bytes) -> Path:
        """Keep a kernel's memory after input `seq`; older snapshots but one are removed.

        From any thread; it waits for the disk.

        Raises:
            JournalError: when the disk does not take it.
        """
        if seq > self.last_seq:
            raise ValueError(f"There is no record {seq} yet; the last is {self.last_seq}.")
        self.sync()
        path = write_snapshot(self.directory, self._id, Snapshot(seq, ts, data))
        prune_snapshots(self.directory)
        return path

    def newest_snapshot(self) -> Snapshot | None:
        """The newest whole snapshot; damaged ones are told in `repairs` and passed over."""
        for path in snapshot_files(self.directory):
            found = read_snapshot(path, self._id)
            if not isinstance(found, str):
                return found
            text = f"{found} An older one or the journal itself is used."
            if text not in self.repairs:
                self.repairs.append(text)
        return None

    def close(self) -> None:
        """Sync, close and let others write."""
        if self._fd < 0:
            return
        if self._thread is not None:
            self._thread.close()
            self._thread = None
        try:
            self.resume()
            self.sync()
        finally:
            os.close(self._fd)
            if self._asking[0] >= 0:
                os.close(self._asking[0])
            self._fd = -1
            self._max = 0  # the next append looks closer, and finds it closed
            self._lock.release()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
