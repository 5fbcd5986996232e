"""The records' writer beside a simulated engine: the real one, its file in memory.

It reads the journal as the engine writes it, so it may have recorded what a loss of power takes
away again; and its own newest rows may be lost then, too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import msgspec

from core.journal.errors import JournalError
from core.kernel.kernel import Kernel
from core.model.orders import Position
from core.services import bookkeeper_main
from core.services.bookkeeper import Bookkeeper
from core.simulation.threads import SimEvent, SimThread, Threads
from core.storage.book import Book
from core.storage.errors import HeldError, StorageError
from core.storage.schema import FILE, open_for_writing

_MOST_KEPT = 6
_position = msgspec.msgpack.Decoder(Position).decode


class Store:
    """The file of the records, which outlives the programs that write it.

    Attributes:
        held: somebody writes it.
        kept: its bytes as they were at some times, oldest first.
    """

    def __init__(self) -> None:
        self.held = False
        self.kept: list[bytes] = []
        self.connection = _opened(_empty())

    def __del__(self) -> None:
        self.connection.close()  # nobody else knows when a world is over

    def keep(self) -> None:
        """Note what is in it now."""
        self.kept = [*self.kept, self.connection.serialize()][-_MOST_KEPT:]

    def lose_power(self, back: int) -> None:
        """Its newest rows may be gone: as much as was noted `back` times ago is there."""
        self.held = False
        if 0 < back <= len(self.kept):
            del self.kept[len(self.kept) - back + 1 :]
            self.connection.close()
            self.connection = _opened(self.kept[-1])
        elif self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def book(self, directory: Path) -> Book:
        """Open it, as `Book` opens a file."""
        return _Book(self, directory)


class _Book(Book):
    def __init__(self, store: Store, directory: Path) -> None:
        if store.held:
            raise HeldError(f"{directory}: another program writes the records.")
        self.path = directory / FILE
        self._store = store
        self._open()
        store.held = True

    def close(self) -> None:
        self._store.held = False

    def begin_anew(self) -> Path:
        self._store.connection.close()
        self._store.connection = _opened(_empty())
        self._store.kept.clear()
        self._open()
        return self.path

    def _open(self) -> None:
        self._connection = self._store.connection
        found = dict(self._connection.execute("SELECT name, value FROM meta"))
        self.seq = int(found.get("seq", "0"))
        self.mark = bytes.fromhex(found.get("mark", ""))


@lru_cache(1)
def _empty() -> bytes:
    connection = open_for_writing(Path(":memory:")).conn
    data = connection.serialize()
    connection.close()
    return bytes(data)


def _opened(data: bytes) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.deserialize(data)
    return connection


class Writer:
    """What stands for `core.services.bookkeeping.Bookkeeping`: starts and ends the program.

    Attributes:
        seq: the last input that is recorded, as far as it said so.
        troubles: sentences on why it could not go on.
    """

    def __init__(self, home: Path, threads: Threads, store: Store) -> None:
        self.seq = -1
        self.troubles: list[str] = []
        self._home = home
        self._threads = threads
        self._store = store
        self._ended = SimEvent(threads)
        self._thread: SimThread | None = None

    def start(self) -> None:
        """Begin to record."""
        self._thread = self._threads.Thread(target=self._run)
        self._thread.start()

    def look(self) -> list[str]:
        """Nothing to say to the log."""
        return []

    def end(self) -> None:
        """Read to the journal's end and leave."""
        self._ended.set()

    @property
    def gone(self) -> bool:
        """Has it left?"""
        return self._thread is None or self._thread.done

    def _run(self) -> None:
        bookkeeper_main._keep(self._home, self._ended)  # type: ignore[arg-type]

    def said(self, word: str, text: str) -> None:
        """What it tells its engine."""
        if word == "at":
            self.seq = int(text)
            self._store.keep()
        elif word == "trouble" and text:
            self.troubles.append(text)


def differs(home: Path, kernel: Kernel, fail: Callable[[str], None]) -> None:
    """Bring the records to the journal's end and compare them with what the engine has."""
    try:
        keeper = Bookkeeper(home)
        try:
            while keeper.step():
                pass
            _compare(keeper, kernel, fail)
        finally:
            keeper.close()
    except (JournalError, StorageError) as error:
        fail(f"the records cannot be brought up to date: {error}")


def _compare(keeper: Bookkeeper, kernel: Kernel, fail: Callable[[str], None]) -> None:
    book = keeper._book
    if keeper.seq < kernel.seq:  # beyond it there are records which are not the kernel's
        fail(f"the records end with input {keeper.seq}, and the engine took {kernel.seq}.")
    for update in kernel.order_updates():
        name = update.order.cl_ord_id
        if book.order(name) != update.order:
            fail(f"the records have order {name} otherwise than the engine has it.")
    for fill in kernel.fills():
        if not book.has_execution(fill.cl_ord_id, fill.exec_id):
            fail(f"the records lack execution {fill.exec_id} of order {fill.cl_ord_id}.")
    run = book._connection.execute
    count = run("SELECT count(*) FROM executions").fetchone()[0]
    if count != len(kernel.fills()):
        fail(f"the records have {count} executions, and the engine has {len(kernel.fills())}.")
    for p in kernel.positions():
        row = run(
            "SELECT data FROM positions WHERE account = ? AND instrument = ?"
            " AND strategy = ? AND leg = ? ORDER BY id DESC LIMIT 1",
            (p.account, p.instrument, p.strategy, p.leg),
        ).fetchone()
        told = (0, 0, 0) if row is None else _figures(_position(row[0]))
        if told != _figures(p):
            place = f"{p.account} {p.instrument} {p.strategy} {p.leg}".strip()
            fail(f"the records show {told} for {place}, and the engine has {_figures(p)}.")


def _figures(position: Position) -> tuple[int, int, int]:
    return position.qty, position.cost, position.realised
