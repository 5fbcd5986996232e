"""The one writer of the records' file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from core.journal.lock import FileHeldError, FileLock
from core.model.instruments import Instrument
from core.model.orders import Order, OrderUpdate
from core.storage.errors import HeldError, StorageError
from core.storage.rows import Row, Rows
from core.storage.schema import FILE, ROWS, first_id, open_for_writing, unusable

KEPT_CHECKPOINTS = 2

_update = msgspec.msgpack.Decoder(OrderUpdate).decode
_order = msgspec.msgpack.Decoder(Order).decode
_instrument = msgspec.msgpack.Decoder(Instrument).decode


class Checkpoint(NamedTuple):
    """A kernel's memory after input `seq`; `mark` tells that input from another of its number."""

    seq: int
    ts: int
    mark: bytes
    kernel: bytes


class Book:
    """Writes rows; each `write` happens whole or not at all, whenever the program dies.

    Attributes:
        path: the file.
        seq: the last input of the journal whose rows are written; 0: none.
        mark: tells that input from another of the same number.
    """

    def __init__(self, directory: Path) -> None:
        """Open or begin the records of a folder. Nobody else may write there until `close`.

        Raises:
            HeldError: when another program writes them.
            StorageError: when the file cannot be used.
        """
        self.path = directory / FILE
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(directory / "records.lock")
        except FileHeldError as held:
            raise HeldError(f"{directory}: {held} writes the records.") from None
        except OSError as error:
            raise StorageError(
                f"{directory}: the records cannot be written ({error.strerror}). Free some space"
                " or choose another folder."
            ) from None
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise

    def close(self) -> None:
        """Close the file and let others write."""
        self._connection.close()
        self._lock.release()

    def instruments(self) -> list[Instrument]:
        """All instruments that rows are about."""
        found = self._connection.execute("SELECT data FROM instruments")
        return [_instrument(data) for (data,) in found]

    def write(
        self, rows: Rows, seq: int, mark: bytes, checkpoint: Checkpoint | None = None
    ) -> None:
        """Write what was collected, up to and including the input `seq`, and forget it.

        Raises:
            StorageError: when the disk does not take it; nothing was written then.
        """

        def work() -> None:
            for table, found in rows.tables.items():
                self._insert(table, found)
            self._insert("orders", rows.orders.values())
            self._insert("instruments", rows.instruments.values())
            if checkpoint is not None:
                self._insert("checkpoints", [tuple(checkpoint)])
                self._connection.execute(
                    "DELETE FROM checkpoints WHERE seq NOT IN"
                    " (SELECT seq FROM checkpoints ORDER BY seq DESC LIMIT ?)",
                    (KEPT_CHECKPOINTS,),
                )
            self._reach(seq, mark)

        self._whole(work)
        rows.clear()

    def checkpoints(self) -> list[Checkpoint]:
        """Kernels that were kept, newest first."""
        found = self._connection.execute(
            "SELECT seq, ts, mark, kernel FROM checkpoints ORDER BY seq DESC"
        )
        return [Checkpoint(*row) for row in found]

    def order(self, cl_ord_id: str) -> Order | None:
        """An order as it was last recorded."""
        found = self._connection.execute(
            "SELECT data FROM orders WHERE cl_ord_id = ?", (cl_ord_id,)
        ).fetchone()
        return None if found is None else _order(found[0])

    def has_execution(self, cl_ord_id: str, exec_id: str) -> bool:
        """Is this execution of this order written?"""
        found = self._connection.execute(
            "SELECT 1 FROM executions WHERE cl_ord_id = ? AND exec_id = ?", (cl_ord_id, exec_id)
        )
        return found.fetchone() is not None

    def go_back(self, seq: int, mark: bytes) -> None:
        """Forget all rows made by inputs after `seq`, and bring the orders to what they were.

        Raises:
            StorageError: when the disk does not take it; nothing is changed then.
        """
        run = self._connection.execute

        def work() -> None:
            beyond = (first_id(seq + 1),)
            changed = run(
                "SELECT DISTINCT cl_ord_id FROM order_events WHERE id >= ?", beyond
            ).fetchall()
            for table in ROWS:
                run(f"DELETE FROM {table} WHERE id >= ?", beyond)  # noqa: S608 - our own names
            run("DELETE FROM checkpoints WHERE seq > ?", (seq,))
            rows = Rows(self.instruments(), ())
            for name in changed:
                run("DELETE FROM orders WHERE cl_ord_id = ?", name)
                last = run(
                    "SELECT id, data FROM order_events WHERE cl_ord_id = ? ORDER BY id DESC"
                    " LIMIT 1",
                    name,
                ).fetchone()
                if last is not None:
                    rows.order(last[0], _update(last[1]))
            self._insert("orders", rows.orders.values())
            self._reach(seq, mark)

        self._whole(work)

    def begin_anew(self) -> Path:
        """Set the file aside and begin an empty one; returns where the old one is.

        Raises:
            StorageError: when it cannot be set aside.
        """
        self._connection.close()
        number = 1
        while (aside := self.path.with_name(f"records.{number}.old.db")).exists():
            number += 1
        try:
            # The log of a file must never be found beside another one: it goes first.
            for end in ("-wal", "-shm", ""):
                part = self.path.with_name(self.path.name + end)
                if part.exists():
                    os.replace(part, aside.with_name(aside.name + end))
        except OSError as error:
            raise StorageError(
                f"{self.path}: it cannot be renamed ({error.strerror}). Close what reads it."
            ) from None
        self._open()
        return aside

    def _open(self) -> None:
        self._connection = open_for_writing(self.path).conn
        try:
            found = dict(self._connection.execute("SELECT name, value FROM meta"))
        except sqlite3.Error as error:
            self._connection.close()
            raise unusable(self.path, error) from None
        self.seq = int(found.get("seq", "0"))
        self.mark = bytes.fromhex(found.get("mark", ""))

    def _whole(self, work: Callable[[], None]) -> None:
        """Do all of it in one transaction."""
        before = self.seq, self.mark
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            work()
            self._connection.execute("COMMIT")
        except BaseException as error:
            self.seq, self.mark = before
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise unusable(self.path, error) from None
            raise

    def _reach(self, seq: int, mark: bytes) -> None:
        self.seq, self.mark = seq, mark
        self._insert("meta", [("seq", str(seq)), ("mark", mark.hex())])

    def _insert(self, table: str, rows: Iterable[Row]) -> None:
        """Write rows; one that is there under its key is replaced, so none can be there twice."""
        found = list(rows)
        if found:
            places = ", ".join("?" * len(found[0]))
            self._connection.executemany(
                f"INSERT OR REPLACE INTO {table} VALUES ({places})",  # noqa: S608 - our own names
                found,
            )
