"""The journal's one writer: what `append` returns from is on record, whatever dies afterwards."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal

from core.journal.errors import JournalError
from core.journal.files import (
    JOURNAL,
    TORN,
    Snapshot,
    file_name,
    journal_files,
    read_snapshot,
    snapshot_files,
    sync_directory,
    write_all,
    write_snapshot,
    write_whole,
)
from core.journal.lock import WriterLock
from core.journal.reader import Recorded, Tail, open_header, records, replay
from core.journal.records import HEADER_SIZE, MAX_PAYLOAD, Header, make_record
from core.model.wire import encode

Durability = Literal["power", "process"]

FILE_SIZE = 64 << 20
KEPT_SNAPSHOTS = 2
_sync_data = getattr(os, "fdatasync", os.fsync)
_FLAGS = os.O_RDWR | getattr(os, "O_BINARY", 0)


class Journal:
    """An append-only log of inputs, in files of a folder, with snapshots beside them.

    `append` writes straight to the system, so that what it returned from outlives a crash of
    this process at once. With ``durability="power"`` call `commit` (one `fdatasync` for any
    number of appends) before acting, and it outlives a loss of power as well; with ``"process"``
    a thread syncs every `sync_every` seconds, so that a loss of power costs no more than that.

    `repairs` are sentences about what opening had to mend.
    """

    def __init__(
        self, directory: Path, durability: Durability, max_bytes: int, sync_every: float
    ) -> None:
        self.directory = directory
        self.durability = durability
        self.repairs: list[str] = []
        self.last_seq = 0
        self.synced_seq = 0
        self._max = max_bytes
        self._fd = -1
        self._size = 0
        self._older = 0
        self._chain = 0
        self._unclean = False
        self._failed = ""
        self._syncing = threading.Lock()
        self._closing = threading.Event()
        self._lock = WriterLock(directory)
        try:
            self._recover()
        except BaseException:
            if self._fd >= 0:
                os.close(self._fd)
            self._lock.release()
            raise
        self._thread: threading.Thread | None = None
        if durability == "process" and sync_every > 0:
            self._thread = threading.Thread(
                target=self._sync_often, args=(sync_every,), name="journal-sync", daemon=True
            )
            self._thread.start()

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

        A torn end is cut back to the last whole record and told in `repairs`.

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

    def append(self, ts: int, message: Recorded) -> int:
        """Put one input on record and return its number.

        Raises:
            JournalError: when it could not be written. Nothing was recorded then, and trying
                again later is safe.
        """
        payload = encode(message)
        seq = self.last_seq + 1
        record, crc = make_record(seq, ts, payload, self._chain)
        length = len(record)
        if length > MAX_PAYLOAD:
            raise JournalError(f"{self.directory}: record {seq} of {length} bytes is too long.")
        if self._size + length > self._max or self._unclean or self._failed or self._fd < 0:
            self._prepare(seq, length)
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
        self._chain = crc
        self.last_seq = seq
        return seq

    def commit(self) -> None:
        """Make everything appended as durable as `durability` asks for, before acting on it."""
        if self.durability == "power" and self.synced_seq != self.last_seq:
            self.sync()

    def sync(self) -> None:
        """Make everything appended outlive a loss of power. May be called from any thread.

        Raises:
            JournalError: when the disk failed; nothing can be appended any more then, since what
                was written before may not be on the disk.
        """
        with self._syncing:
            seq = self.last_seq
            if self._fd < 0 or seq == self.synced_seq:
                return
            try:
                _sync_data(self._fd)
            except OSError as error:
                self._failed = (
                    f"{self._path}: the disk did not confirm what was written ({error.strerror})."
                    " Nothing more is recorded or sent. Repair the disk and start again."
                )
                raise JournalError(self._failed) from None
            self.synced_seq = seq

    def replay(self, from_seq: int = 1) -> Iterator[tuple[int, int, Recorded]]:
        """Every ``(seq, ts, message)`` from a number on.

        Raises:
            JournalError: when something is missing, damaged or of a newer version.
        """
        return replay(self.directory, from_seq, self.last_seq)

    def write_snapshot(self, seq: int, ts: int, data: bytes) -> Path:
        """Keep a kernel's memory after input `seq`; older snapshots but one are removed.

        Raises:
            JournalError: when the disk does not take it.
        """
        if seq > self.last_seq:
            raise ValueError(f"There is no record {seq} yet; the last is {self.last_seq}.")
        self.sync()
        path = write_snapshot(self.directory, self._id, Snapshot(seq, ts, data))
        for old in snapshot_files(self.directory)[KEPT_SNAPSHOTS:]:
            old.unlink(missing_ok=True)
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
        self._closing.set()
        if self._thread is not None:
            self._thread.join()
        try:
            if not self._failed:
                self.sync()
        finally:
            os.close(self._fd)
            self._fd = -1
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

    def _sync_often(self, every: float) -> None:
        while not self._closing.wait(every):
            try:
                self.sync()
            except JournalError:
                # Kept in `_failed`: the next append says it to whoever must know.
                return

    def _prepare(self, seq: int, length: int) -> None:
        """The rare things before an append: a closed, failed, unclean or full file."""
        if self._fd < 0:
            raise JournalError(f"{self.directory}: the journal is closed.")
        if self._failed:
            raise JournalError(self._failed)
        if self._unclean:
            self._clean(quiet=False)
        if self._size + length > self._max and self._size > HEADER_SIZE:
            self.sync()
            try:
                self._begin(Header(self._id, seq, self._chain))
            except OSError as error:
                raise JournalError(
                    f"{self.directory}: a new file could not be begun ({error.strerror}). Free"
                    " some space; it goes on by itself then."
                ) from None

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

    def _begin(self, header: Header) -> None:
        """Start a new file."""
        path = file_name(self.directory, header.first, JOURNAL)
        write_whole(path, header.pack())
        self._use(path, HEADER_SIZE, header.first - 1, header.chain)

    def _use(self, path: Path, size: int, last: int, chain: int) -> None:
        fd = os.open(path, _FLAGS)
        os.lseek(fd, size, os.SEEK_SET)
        with self._syncing:
            if self._fd >= 0:
                os.close(self._fd)
                self._older += self._size
            self._fd, self._path, self._size = fd, path, size
            self.last_seq = self.synced_seq = last
            self._chain = chain

    def _recover(self) -> None:
        """Find the end of what was written, mend a torn one, and go on there."""
        files = journal_files(self.directory)
        while files:
            path = files[-1]
            data = path.read_bytes()
            if len(data) >= HEADER_SIZE:
                self._resume(path, data)
                self._older = sum(p.stat().st_size for p in files[:-1])
                break
            kept = self._set_aside(path, data, 0)
            path.unlink()
            sync_directory(self.directory)
            self.repairs.append(
                f"{path}: only {len(data)} bytes of its header were there, so it held nothing;"
                f" they are kept in {kept.name}."
            )
            files.pop()
        newest = next(
            (
                found
                for found in map(read_snapshot, snapshot_files(self.directory))
                if not isinstance(found, str)
            ),
            None,
        )
        if self._fd < 0:
            self._id = newest.journal if newest else secrets.token_bytes(16)
            self._begin(Header(self._id, newest.seq + 1 if newest else 1, 0))
        elif newest and newest.journal == self._id and newest.seq > self.last_seq:
            self.repairs.append(
                f"{self.directory}: the records {self.last_seq + 1} to {newest.seq} are lost; the"
                f" snapshot at {newest.seq} holds what followed from them."
            )
            self._begin(Header(self._id, newest.seq + 1, 0))

    def _resume(self, path: Path, data: bytes) -> None:
        header = open_header(path, data)
        self._id = header.journal
        tail = Tail(header.first - 1, header.chain, HEADER_SIZE, "")
        for found in records(path, data, header, last=True):
            if isinstance(found, Tail):
                tail = found
        if tail.torn:
            dropped = data[tail.end :]
            kept = self._set_aside(path, dropped, tail.end)
            fd = os.open(path, _FLAGS)
            try:
                os.ftruncate(fd, tail.end)
                os.fsync(fd)
            finally:
                os.close(fd)
            self.repairs.append(
                f"{path}: cut back to offset {tail.end}, the end of record {tail.last}: after it"
                f" {tail.torn}. The {len(dropped)} bytes dropped are kept in {kept.name}."
            )
        self._use(path, tail.end, tail.last, tail.chain)

    def _set_aside(self, path: Path, data: bytes, offset: int) -> Path:
        """Keep bytes that are dropped; never over others kept before."""
        number = 0
        while True:
            kept = path.with_name(f"{path.stem}-{offset}-{number}{TORN}")
            if not kept.exists():
                break
            number += 1
        write_whole(kept, data)
        return kept
