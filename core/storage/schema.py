"""The tables of the records, version by version, and opening their file.

Every row made by an input of the journal has the id ``input's number << 20 | place``, so that rows
are in the journal's order and doing the same input twice can never make two rows. Quantities,
prices and money are exact decimals as text, in the trader's units; times are UTC nanoseconds.
`data` is the whole object as MessagePack, as `core.model` defines it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from core.storage.errors import StorageError

if TYPE_CHECKING:
    from sqlite_utils import Database

RECORDS = "records"
"""The folder of the records within that of an engine."""

FILE = "records.db"

APPLICATION = 0x4F555452
"""SQLite's application id of these files."""

PLACES = 20
"""Bits of a row's id for its place among what one input made."""


def first_id(seq: int) -> int:
    """The lowest id of a row that the input `seq` can have made."""
    return seq << PLACES


def _begin(db: Database) -> None:
    text = {"account": str, "instrument": str, "strategy": str}
    _table(db, "meta", {"name": str, "value": str}, pk="name")
    _table(db, "checkpoints", {"seq": int, "ts": int, "mark": bytes, "kernel": bytes}, pk="seq")
    _table(db, "instruments", {"id": str, "seq": int, "data": bytes}, pk="id")
    _table(
        db,
        "orders",
        {
            "cl_ord_id": str, "event": int, "created": int, "updated": int, **text,
            "side": str, "ord_type": str, "tif": str, "qty": str, "price": str, "status": str,
            "cum_qty": str, "value": str, "fees": str, "source": str, "trader": str,
            "code": str, "text": str, "order_id": str, "data": bytes,
        },
        pk="cl_ord_id",
    )  # fmt: skip
    _table(
        db,
        "order_events",
        {
            "id": int, "ts": int, "venue_ts": int, "cl_ord_id": str, "exec_type": str,
            "status": str, "who": str, "text": str, "data": bytes,
        },
    )  # fmt: skip
    _table(
        db,
        "executions",
        {
            "id": int, "ts": int, "venue_ts": int, **text, "side": str, "qty": str, "price": str,
            "value": str, "fee": str, "currency": str, "trader": str, "exec_id": str,
            "cl_ord_id": str, "data": bytes,
        },
    )  # fmt: skip
    _table(
        db,
        "positions",
        {
            "id": int, "ts": int, "day": str, **text, "qty": str, "cost": str, "realised": str,
            "fees": str, "currency": str, "data": bytes,
        },
    )  # fmt: skip
    _table(
        db,
        "cash",
        {
            "id": int, "ts": int, "account": str, "currency": str, "kind": str, "amount": str,
            "balance": str, "instrument": str, "cl_ord_id": str, "exec_id": str, "data": bytes,
        },
    )  # fmt: skip
    _table(
        db,
        "risk_decisions",
        {
            "id": int, "ts": int, "cl_ord_id": str, **text, "trader": str, "action": str,
            "code": str, "limit_value": str, "value": str, "scope": str, "limit_version": int,
            "text": str,
        },
    )  # fmt: skip
    _table(
        db,
        "commands",
        {
            "id": int, "ts": int, "command": str, "kind": str, **text, "source": str,
            "trader": str, "why": str, "code": str, "text": str, "data": bytes,
        },
    )  # fmt: skip
    for table, *columns in (
        ("orders", "created"),
        ("orders", "updated"),
        ("order_events", "cl_ord_id", "id"),
        ("executions", "ts"),
        ("executions", "cl_ord_id"),
        ("positions", "ts"),
        ("positions", "account", "instrument", "strategy", "id"),
        ("cash", "ts"),
        ("risk_decisions", "ts"),
        ("commands", "ts"),
    ):
        db.table(table).create_index(columns)


def _taken_back(db: Database) -> None:
    """Executions that a venue takes back or corrects say so, and which one they are about."""
    db.execute("ALTER TABLE executions ADD COLUMN kind TEXT NOT NULL DEFAULT 'trade'")
    db.execute("ALTER TABLE executions ADD COLUMN ref TEXT NOT NULL DEFAULT ''")
    db.create_view(
        "positions_by_day",
        "SELECT day, account, instrument, strategy, qty, cost, realised, fees, currency, ts"
        " FROM positions WHERE id IN (SELECT max(id) FROM positions"
        " GROUP BY day, account, instrument, strategy)",
    )


def _differences(db: Database) -> None:
    """Where a venue and our books differed, and what was done about it."""
    words = {"venue": str, "rule": str, "subject": str, "ours": str, "theirs": str, "done": str}
    _table(db, "differences", {"id": int, "ts": int, **words, "severity": str, "stands": int})
    db.table("differences").create_index(("ts",))


def _legs(db: Database) -> None:
    """Positions of hedging accounts have a long and a short leg."""
    db.execute("ALTER TABLE positions ADD COLUMN leg TEXT NOT NULL DEFAULT ''")
    db.execute("DROP INDEX idx_positions_account_instrument_strategy_id")
    db.table("positions").create_index(("account", "instrument", "strategy", "leg", "id"))
    db.create_view(
        "positions_by_day",
        "SELECT day, account, instrument, strategy, leg, qty, cost, realised, fees, currency, ts"
        " FROM positions WHERE id IN (SELECT max(id) FROM positions"
        " GROUP BY day, account, instrument, strategy, leg)",
        replace=True,
    )


def _table(db: Database, name: str, columns: dict[str, type], pk: str = "id") -> None:
    db.table(name).create(columns, pk=pk, not_null=set(columns) - {pk})


MIGRATIONS: tuple[Callable[[Database], None], ...] = (_begin, _taken_back, _differences, _legs)
"""What makes each version of the file from the one before; the first from an empty file."""

ROWS = (
    "order_events",
    "executions",
    "positions",
    "cash",
    "risk_decisions",
    "commands",
    "differences",
)
"""The tables whose rows have ids made of the input's number."""


def open_for_writing(path: Path) -> Database:
    """The file, made or brought to the newest version in one step that happens whole or not at all.

    The caller holds the writer's lock. Readers in other programs go on reading meanwhile.

    Raises:
        StorageError: when the file is another program's, newer or damaged; nothing is changed then.
    """
    # imported here: it takes as long as all the rest, and readers have no use for it
    from sqlite_utils import Database

    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db = Database(connection)
    try:
        version = check(path, connection)
        connection.execute("PRAGMA journal_mode = WAL")
        # The records follow from the journal: a loss of power may cost their newest rows, which
        # are then made again, and never leaves the file damaged.
        connection.execute("PRAGMA synchronous = NORMAL")
        if version < len(MIGRATIONS):
            connection.execute("BEGIN IMMEDIATE")
            for migrate in MIGRATIONS[version:]:
                migrate(db)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
            connection.execute("COMMIT")
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise unusable(path, error) from None
        raise
    return db


def open_for_reading(path: Path) -> sqlite3.Connection:
    """The file, read only; usable from any one thread at a time.

    Raises:
        StorageError: when there is none, or it is not of this version.
    """
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.Error as error:
        raise unusable(path, error) from None
    try:
        version = check(path, connection)
        if version < len(MIGRATIONS):
            raise StorageError(
                f"{path}: the records have version {version} and this program reads version"
                f" {len(MIGRATIONS)}. Start the engine once, which brings them up to date."
            )
    except sqlite3.Error as error:
        connection.close()
        raise unusable(path, error) from None
    except BaseException:
        connection.close()
        raise
    return connection


def check(path: Path, connection: sqlite3.Connection) -> int:
    """The version of an opened file; 0 for an empty one. Changes nothing.

    Raises:
        StorageError: when it is another program's, or newer.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if (tables or version) and application != APPLICATION:
        raise StorageError(
            f"{path}: this is not a file of records. Nothing was changed. Move it out of the"
            " folder; the records are then made anew from the journal."
        )
    if version > len(MIGRATIONS):
        raise StorageError(
            f"{path}: the records have version {version} and this program knows versions up to"
            f" {len(MIGRATIONS)}. Nothing was changed. Start the newer program, or move the file"
            " out of the folder; the records are then made anew from the journal."
        )
    return int(version)


def unusable(path: Path, error: sqlite3.Error) -> StorageError:
    """A sentence for what SQLite says."""
    return StorageError(
        f"{path}: the records cannot be used ({error}). The journal has everything: free some space"
        " or move the file out of the folder; the records are then made anew."
    )
