"""Keeps the records up to date with the journal: reads on in it, works it off, writes rows.

A process of its own does that beside the engine (`core.services.bookkeeping`), so that nothing of
it is on the order path; `catch_up` does the same within a command.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from core.journal.errors import JournalError
from core.journal.files import SNAPSHOT, file_name, journal_files, read_snapshot, snapshot_files
from core.journal.follow import Follower
from core.journal.reader import Recorded, read
from core.kernel.kernel import Kernel
from core.model.wire import encode
from core.storage.book import Book, Checkpoint
from core.storage.errors import HeldError, StorageError
from core.storage.reading import Records
from core.storage.rows import Rows
from core.storage.schema import RECORDS

BATCH = 5_000
"""Inputs worked off in one transaction."""

CHECKPOINT = 50_000
"""Inputs between two kernels kept for the next start."""

POLL_SECONDS = 0.5
PATIENCE = 60.0
"""Seconds that a writer of the records may take for its next batch while somebody waits for it."""

JOURNAL = "journal"


class Bookkeeper:
    """Follows one journal.

    Attributes:
        notes: sentences on what had to be mended.
    """

    def __init__(self, home: Path) -> None:
        """Open the records of an engine's folder, and find where in its journal they stand.

        Raises:
            HeldError: when another program writes them.
            StorageError, JournalError: when records or journal cannot be used.
        """
        self.notes: list[str] = []
        self._journal = home / JOURNAL
        self._book = Book(home / RECORDS)
        self._kernel = Kernel()
        self._rows = Rows((), ())
        self._next = 1
        self._checkpoint = 0
        try:
            self._resume()
        except BaseException:
            self._book.close()
            raise
        self._follower = Follower(self._journal, self._next)

    @property
    def seq(self) -> int:
        """The last input that is recorded."""
        return self._book.seq

    @property
    def next_seq(self) -> int:
        """The input that comes next."""
        return self._next

    def close(self) -> None:
        """Let others write."""
        self._book.close()

    def step(self) -> int:
        """Record what is new, at most a batch; returns how many inputs that were.

        Raises:
            JournalError: when records are missing or of a newer version.
            StorageError: when the disk does not take it. After an error nothing more can be done
                here but `close`; a new keeper goes on where this one stood.
        """
        found = self._follower.poll(BATCH)
        if not found:
            return 0
        for seq, ts, message in found:
            if seq != self._next:
                self._leap(seq - 1, self._kernel_at(seq - 1))
            self._next = seq + 1
            takes = self._kernel.takes(message)
            outputs = self._kernel.apply(seq, ts, message) if takes else ()  # type: ignore[arg-type]
            self._rows.take(seq, ts, message, outputs)
        seq, ts, message = found[-1]
        mark = _mark(seq, ts, message)
        checkpoint = None
        if seq - self._checkpoint >= CHECKPOINT:
            checkpoint = Checkpoint(seq, ts, mark, self._kernel.dump())
            self._checkpoint = seq
        self._book.write(self._rows, seq, mark, checkpoint)
        return len(found)

    # -- where to begin ----------------------------------------------------------------------

    def _resume(self) -> None:
        """Begin after the last input recorded, if the journal still is the one it was then."""
        book = self._book
        if not journal_files(self._journal):
            raise JournalError(f"{self._journal}: there is no journal here. Choose another folder.")
        seq = self._agreed()
        if seq < book.seq:
            self._forget(seq)
        self._checkpoint = seq
        kernel = self._kernel_after(seq)
        if kernel is None:
            self._rows = Rows(book.instruments(), ())
            self._leap(*self._base(seq))
            return
        known = [*book.instruments(), *kernel.instruments()]
        self._rows = Rows(known, kernel.accounts())
        self._kernel, self._next = kernel, seq + 1

    def _agreed(self) -> int:
        """The last input recorded that is in the journal as it was recorded; 0: none is."""
        book = self._book
        for seq, mark in ((book.seq, book.mark), *((c.seq, c.mark) for c in book.checkpoints())):
            if seq and self._same(seq, mark):
                return int(seq)
        return 0

    def _forget(self, seq: int) -> None:
        book = self._book
        if seq:
            mark = next(c.mark for c in book.checkpoints() if c.seq == seq)
            book.go_back(seq, mark)
            self.notes.append(
                f"{book.path}: the journal has other records after {seq}; what followed from them"
                " was made anew."
            )
        else:
            aside = book.begin_anew()
            self.notes.append(
                f"{book.path}: it does not belong to this journal and is made anew; what was there"
                f" is kept in {aside.name}."
            )

    def _same(self, seq: int, mark: bytes) -> bool:
        """Is the journal's input `seq` the one that was recorded, or gone with its whole file?"""
        if int(journal_files(self._journal)[0].stem) > seq:
            return True
        return self._mark_at(seq) == mark

    def _mark_at(self, seq: int) -> bytes:
        found = Follower(self._journal, seq).poll(1)
        return _mark(*found[0]) if found and found[0][0] == seq else b""

    def _kernel_after(self, seq: int) -> Kernel | None:
        """A kernel as it was after an input; None where the journal begins too late for that."""
        first = int(journal_files(self._journal)[0].stem)
        begin, kernel = 0, Kernel()
        kept = [(c.seq, c.kernel) for c in self._book.checkpoints()]
        for path in snapshot_files(self._journal):
            snapshot = read_snapshot(path)
            if not isinstance(snapshot, str):
                kept.append((snapshot.seq, snapshot.data))
        for number, data in sorted(kept, reverse=True):
            if first - 1 <= number <= seq:
                try:
                    begin, kernel = number, Kernel.load(data)
                    break
                except ValueError:
                    continue  # of another version of the kernel: the journal tells it again
        if begin + 1 < first:
            return None
        follower = Follower(self._journal, begin + 1)
        while begin < seq:
            found = follower.poll(min(BATCH, seq - begin))
            if not found:
                return None
            for number, ts, message in found:
                if number > seq:
                    return None
                if number != begin + 1:
                    kernel = self._kernel_at(number - 1)
                if kernel.takes(message):
                    kernel.apply(number, ts, message)  # type: ignore[arg-type]
                begin = number
        return kernel

    def _base(self, seq: int) -> tuple[int, Kernel]:
        """The oldest snapshot from which the rest of the journal can be understood."""
        first = int(journal_files(self._journal)[0].stem)
        for path in reversed(snapshot_files(self._journal)):
            if int(path.stem) >= max(first - 1, seq):
                return int(path.stem), self._kernel_at(int(path.stem))
        raise JournalError(
            f"{self._journal}: it begins at record {first} and no snapshot tells what was before."
            " Put the missing files back from a backup."
        )

    def _leap(self, seq: int, kernel: Kernel) -> None:
        """The records up to `seq` are gone; what a snapshot remembers of them is recorded."""
        book, rows = self._book, self._rows
        for instrument in kernel.instruments():
            rows.know(seq, instrument)
        rows.recall(
            seq,
            [u for u in kernel.order_updates() if u.order != book.order(u.order.cl_ord_id)],
            [f for f in kernel.fills() if not book.has_execution(f.cl_ord_id, f.exec_id)],
            kernel.positions(),
            kernel.accounts(),
        )
        book.write(rows, seq, self._mark_at(seq))
        self._kernel, self._next = kernel, seq + 1

    def _kernel_at(self, seq: int) -> Kernel:
        path = file_name(self._journal, seq, SNAPSHOT)
        snapshot = read_snapshot(path)
        if isinstance(snapshot, str):
            raise JournalError(f"{snapshot} The records before it are gone: restore them or it.")
        try:
            return Kernel.load(snapshot.data)
        except ValueError as error:
            raise JournalError(f"{path}: {error}") from None


def _mark(seq: int, ts: int, message: Recorded) -> bytes:
    """Tells an input from any other of the same number."""
    return hashlib.blake2b(encode((seq, ts, message)), digest_size=16).digest()


def catch_up(home: Path) -> None:
    """Bring an engine's records to the end of its journal, or wait until its own keeper has.

    Raises:
        JournalError: when the journal is damaged or missing.
        StorageError: when the records cannot be written, or their writer does not get on.
    """
    journal = home / JOURNAL
    end, reached, deadline = -1, -1, 0.0
    while True:
        try:
            keeper = Bookkeeper(home)
        except HeldError:
            if end < 0:
                end = _end(journal)
            recorded = _recorded(home)
            if recorded >= end:
                return
            if recorded > reached:
                reached, deadline = recorded, time.monotonic() + PATIENCE
            elif time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)
            continue
        try:
            while keeper.step() or any(True for _ in read(journal, keeper.next_seq)):
                pass
        finally:
            keeper.close()
        return


def _end(journal: Path) -> int:
    files = journal_files(journal)
    last = int(files[-1].stem) - 1
    for _, record in read(journal, last + 1):
        last = record.seq
    return last


def _recorded(home: Path) -> int:
    try:
        with Records(home / RECORDS) as records:
            return records.seq()
    except StorageError:
        return 0  # just being made
