"""The records' file: brought up to date from old versions, never damaged by what is not for it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal

import pytest
from sqlite_utils import Database

from core.model.enums import Liquidity, Side
from core.model.instruments import Instrument
from core.model.orders import Fill
from core.storage import schema
from core.storage.book import Book
from core.storage.errors import HeldError, StorageError
from core.storage.reading import Records, Span
from core.storage.rows import Rows
from core.storage.schema import APPLICATION, FILE, MIGRATIONS, open_for_reading, open_for_writing

ABC = Instrument("ABC.V", "ABC", "V", Decimal("0.25"), Decimal("0.001"), "EUR")
FILL = Fill(7, 8, "E1", "O1", "A", ABC.id, Side.BUY, 9, 10, Decimal("0.1"), "EUR",
            Liquidity.ADDED, "", "", 6)  # fmt: skip


def tables(path):
    with closing(sqlite3.connect(path)) as db, db:
        return db.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()


def old_file(path, version):
    """A file as the program of that version left it, with an execution in it."""
    connection = sqlite3.connect(path, isolation_level=None)
    db = Database(connection)
    for migrate in MIGRATIONS[:version]:
        migrate(db)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {version}")
    rows = Rows([ABC], [])
    rows.execution(7 << 20, FILL)
    (row,) = rows.tables["executions"]
    columns = len(connection.execute("PRAGMA table_info(executions)").fetchall())
    places = ", ".join("?" * columns)
    connection.execute(f"INSERT INTO executions VALUES ({places})", row[:columns])
    connection.close()


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_files_of_all_versions_are_brought_up_to_date(tmp_path, version):
    path = tmp_path / FILE
    old_file(path, version)
    if version < len(MIGRATIONS):
        with pytest.raises(StorageError, match=rf"version {version} and .* Start the engine"):
            open_for_reading(path)
    open_for_writing(path).conn.close()
    fresh = tmp_path / "fresh.db"
    open_for_writing(fresh).conn.close()
    assert [name for name, _ in tables(path)] == [name for name, _ in tables(fresh)]
    with closing(sqlite3.connect(path)) as db, db:
        kinds = db.execute("SELECT kind, ref, fee FROM executions").fetchall()
    assert kinds == [("trade", "", "0.1")]
    with Records(tmp_path) as records:
        assert list(records.fills(Span())) == [FILL]


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / FILE
    old_file(path, 1)
    before = tables(path)

    def fail(db):
        db.execute("ALTER TABLE executions ADD COLUMN more TEXT")
        raise sqlite3.OperationalError("the disk is full")

    monkeypatch.setattr(schema, "MIGRATIONS", (MIGRATIONS[0], fail))
    with pytest.raises(StorageError, match="the disk is full"):
        open_for_writing(path)
    assert tables(path) == before
    monkeypatch.undo()
    open_for_writing(path).conn.close()


def mark(path, application, version):
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE t (x)")
        db.execute(f"PRAGMA application_id = {application}")
        db.execute(f"PRAGMA user_version = {version}")
    db.close()


@pytest.mark.parametrize(
    ("application", "version", "said"),
    [
        (APPLICATION, 99, rf"version 99 .* up to {len(MIGRATIONS)}\. Nothing was changed"),
        (0, 0, "not a file of records"),
        (1234, 1, "not a file of records"),
    ],
)
def test_what_is_newer_or_another_s_is_refused_and_left_alone(tmp_path, application, version, said):
    path = tmp_path / FILE
    mark(path, application, version)
    before = path.read_bytes()
    for use in (lambda: Book(tmp_path), lambda: Records(tmp_path)):
        with pytest.raises(StorageError, match=said):
            use()
    assert path.read_bytes() == before
    path.unlink()
    Book(tmp_path).close()  # the lock was given back


def test_a_damaged_file_is_a_sentence(tmp_path):
    path = tmp_path / FILE
    path.write_bytes(b"this is not a database at all, but long enough to be looked at" * 9)
    for use in (lambda: Book(tmp_path), lambda: Records(tmp_path)):
        with pytest.raises(StorageError, match=r"records\.db: .*made anew"):
            use()
    assert path.read_bytes().startswith(b"this is not")


def test_none_yet_and_somebody_else_at_work_are_sentences(tmp_path):
    with pytest.raises(StorageError, match="no records here yet"):
        Records(tmp_path)
    book = Book(tmp_path)
    with pytest.raises(HeldError, match="writes the records"):
        Book(tmp_path)
    with Records(tmp_path) as records:
        assert records.seq() == 0
        assert records.days() == []
    book.close()


def test_a_reader_cannot_write(tmp_path):
    Book(tmp_path).close()
    connection = open_for_reading(tmp_path / FILE)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM executions")
    connection.close()


def test_rows_are_there_together_or_not_at_all(tmp_path):
    book = Book(tmp_path)
    rows = Rows([ABC], [])
    rows.know(1, ABC)
    rows.execution(1 << 20, FILL)
    book.write(rows, 1, b"one")
    rows.execution(2 << 20, FILL)
    rows.tables["cash"].append((1, 2))  # no such row: as if the write failed half way
    with pytest.raises(StorageError):
        book.write(rows, 2, b"two")
    assert (book.seq, book.mark) == (1, b"one")
    book.close()
    with Records(tmp_path) as records:
        assert records.seq() == 1
        assert len(list(records.fills(Span()))) == 1
        assert records.instruments() == {ABC.id: ABC}


def test_a_new_file_never_meets_the_log_of_the_old_one(tmp_path):
    book = Book(tmp_path)
    rows = Rows([ABC], [])
    rows.know(1, ABC)
    rows.execution(1 << 20, FILL)
    book.write(rows, 1, b"one")
    reader = Records(tmp_path)  # it keeps the log of the old file from being tidied away
    assert reader.seq() == 1
    aside = book.begin_anew()
    assert book.seq == 0
    with Records(tmp_path) as records:
        assert list(records.fills(Span())) == []
    assert reader.seq() == 1
    reader.close()
    book.close()
    aside.rename(tmp_path / FILE)
    for end in ("-wal", "-shm"):
        log = aside.with_name(aside.name + end)
        if log.exists():
            log.rename(tmp_path / (FILE + end))
    with Records(tmp_path) as records:
        assert list(records.fills(Span())) == [FILL]


def test_writing_the_same_input_twice_makes_no_second_row(tmp_path):
    book = Book(tmp_path)
    for _ in range(2):
        rows = Rows([ABC], [])
        rows.know(1, ABC)
        rows.execution(1 << 20, FILL)
        book.write(rows, 1, b"one")
    book.close()
    with Records(tmp_path) as records:
        assert list(records.fills(Span())) == [FILL]
