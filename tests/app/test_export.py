from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from app import cli
from core.journal.journal import Journal
from core.model.commands import CancelAll
from core.reporting.csv_file import iso_time, read_rows
from tests.core.kernel.driver import AAPL, BTC, BUY, SELL, START, Driver

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def data_dir(tmp_path):
    """A data folder with the journal of an engine on which two accounts have traded."""
    driver = Driver()
    driver.fill(driver.working(BUY, 30, 20_000), 10, 19_999)
    driver.wait(60)
    driver.quote(AAPL)
    driver.fill(driver.working(SELL, 4, 20_001), 4, 20_003)
    driver.wait(60)
    driver.quote(BTC, 599_990, 600_010)
    name = driver.new(BUY, 7, 600_000, BTC, account="Q")
    driver.fill(name, 7, 600_000, venue="XCH")
    directory = tmp_path / "data" / "engines" / "paper" / "journal"
    with Journal.open(directory, sync_every=0) as journal:
        for _, ts, message in driver.inputs:
            if message is driver.inputs[-1][2]:
                journal.sync()  # the last record says that those before it were on the disk
            journal.append(ts, message)
    return tmp_path / "data"


def export(data_dir, *arguments):
    output = data_dir.parent / "out.csv"
    words = ["export", *arguments, "--data-dir", str(data_dir), "--output", str(output)]
    assert cli.main(words) == 0
    return list(read_rows(output))


def test_positions_equal_the_sum_of_the_fills(data_dir):
    fills = export(data_dir, "fills")
    assert [Decimal(fill["price"]) for fill in fills[:2]] == [Decimal("199.99"), Decimal("200.03")]
    sums = {}
    for fill in fills:
        key = fill["account"], fill["instrument"]
        sign = 1 if fill["side"] == "BUY" else -1
        sums[key] = sums.get(key, 0) + sign * Decimal(fill["qty"])
    positions = export(data_dir, "positions")
    assert sums == {(p["account"], p["instrument"]): Decimal(p["qty"]) for p in positions}
    assert sums == {("P", AAPL.id): 6, ("Q", BTC.id): Decimal("0.007")}


def test_orders_tell_their_state(data_dir):
    orders = export(data_dir, "orders")
    assert [order["status"] for order in orders] == ["partially_filled", "filled", "filled"]
    assert [Decimal(order["leaves_qty"]) for order in orders] == [20, 0, 0]


def test_only_of_one_account_and_time(data_dir):
    assert [fill["account"] for fill in export(data_dir, "fills", "--account", "Q")] == ["Q"]
    since = "2023-11-14T22:14:20"  # START and 60 s
    assert len(export(data_dir, "fills", "--from", since)) == 2
    assert len(export(data_dir, "fills", "--to", since)) == 1
    (position,) = export(data_dir, "positions", "--to", since)
    assert Decimal(position["qty"]) == 10
    assert START == 1_700_000_000_000_000_000


def test_without_a_file_it_goes_to_standard_output(data_dir):
    command = [sys.executable, ROOT / "main.py", "export", "fills", "--data-dir", data_dir]
    result = subprocess.run(command, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.split(b"\r\n")
    assert lines[0].startswith(b"ts,venue_ts,account,instrument,side,qty,price")
    assert len(lines) == 5
    assert lines[-1] == b""


def test_an_engine_that_never_ran_is_a_sentence_that_names_those_that_did(data_dir, capsys):
    words = ["export", "fills", "--data-dir", str(data_dir), "--engine", "live"]
    assert cli.main(words) == 1
    assert "there are: paper" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_a_sentence(data_dir, capsys):
    words = ["export", "fills", "--data-dir", str(data_dir), "--output"]
    long = data_dir / ("x" * 300)
    assert cli.main([*words, str(long)]) == 1
    assert "choose another file" in capsys.readouterr().err
    for wrong, says in (
        (data_dir / "engines", "is a folder; name a file in it"),
        (data_dir / "mistyped" / "fills.csv", "mistyped' is not there; make it, or choose another"),
        (data_dir / "file" / "fills.csv", "file' is not there"),
    ):
        (data_dir / "file").write_text("")
        with pytest.raises(SystemExit):
            cli.main([*words, str(wrong)])
        assert says in capsys.readouterr().err
    assert not (data_dir / "mistyped").exists()


@pytest.mark.parametrize("what", ["orders", "fills", "positions", "cash"])
def test_an_account_that_is_not_known_is_a_sentence_that_names_those_that_are(
    data_dir, capsys, what
):
    output = data_dir / "out.csv"
    output.write_text("as before")
    words = ["export", what, "--data-dir", str(data_dir), "--output", str(output)]
    for name in ("R", "", "p"):
        assert cli.main([*words, "--account", name]) == 1
        said = capsys.readouterr().err
        assert f"there is no account called {name!r}; there are: P, Q" in said
    assert output.read_text() == "as before"


def test_a_damaged_journal_is_a_sentence(data_dir, capsys):
    (file,) = (data_dir / "engines" / "paper" / "journal").glob("*.journal")
    data = bytearray(file.read_bytes())
    data[300:310] = bytes(10)
    file.write_bytes(data)
    assert cli.main(["export", "fills", "--data-dir", str(data_dir)]) == 1
    assert "damaged at offset" in capsys.readouterr().err


def test_cash_adds_up_to_the_balances(data_dir):
    sums = {}
    for move in export(data_dir, "cash"):
        key = move["account"], move["currency"]
        sums[key] = sums.get(key, Decimal(0)) + Decimal(move["amount"])
        assert sums[key] == Decimal(move["balance"])
    driver = Driver()  # opens with the same cash
    opened = {(a.account, c): v for a in driver.kernel.accounts() for c, v in a.cash.items()}
    flows = {key: sums[key] - opened[key] for key in sums}
    assert flows["P", "USD"] == -10 * Decimal("199.99") + 4 * Decimal("200.03")
    assert flows["Q", "EUR"] == -Decimal("0.007") * 60_000
    assert {key for key, flow in flows.items() if flow} == {("P", "USD"), ("Q", "EUR")}
    (first,) = export(data_dir, "cash", "--account", "P", "--to", "2023-11-14T22:13:20.000000001")[
        :1
    ]
    assert (first["kind"], first["amount"]) == ("opening", "1000000")


@pytest.mark.parametrize("what", ["orders", "fills", "positions", "cash"])
def test_parquet_says_what_csv_says(data_dir, what):
    rows = export(data_dir, what)
    output = data_dir.parent / "it's out.parquet"
    words = ["export", what, "--data-dir", str(data_dir), "--output", str(output)]
    assert cli.main([*words, "--format", "parquet"]) == 0
    names, read = read_parquet(output)
    assert names == list(rows[0])
    assert [as_csv(row) for row in read] == [tuple(row.values()) for row in rows]
    assert not list(output.parent.glob(".*"))


def read_parquet(path):
    import duckdb

    with duckdb.connect() as db:
        quoted = str(path).replace("'", "''")
        found = db.sql(f"SELECT * FROM '{quoted}'")
        times = [
            f"epoch_ns({name}) AS {name}" if "TIMESTAMP" in str(kind) else f'"{name}"'
            for name, kind in zip(found.columns, found.types, strict=True)
        ]
        return found.columns, db.sql(f"SELECT {', '.join(times)} FROM '{quoted}'").fetchall()


def as_csv(row):
    return tuple(
        iso_time(v)
        if isinstance(v, int) and not isinstance(v, bool)
        else {None: "", True: "true", False: "false"}.get(v, v)
        for v in row
    )


def test_parquet_needs_a_file(data_dir, capsys):
    assert cli.main(["export", "fills", "--data-dir", str(data_dir), "--format", "parquet"]) == 1
    assert "--output" in capsys.readouterr().err


def test_times_that_leave_nothing_between_are_a_sentence(data_dir, capsys):
    words = ["export", "fills", "--data-dir", str(data_dir)]
    assert cli.main([*words, "--from", "2026-11-06", "--to", "2026-11-05"]) == 1
    assert "--from is not before --to" in capsys.readouterr().err


def test_asked_again_it_knows_what_came_since(data_dir):
    before = export(data_dir, "orders")
    assert export(data_dir, "orders") == before
    directory = data_dir / "engines" / "paper" / "journal"
    with Journal.open(directory, sync_every=0) as journal:
        journal.append(START, CancelAll("C1"))
        # the engine that writes may be at work meanwhile
        assert [o["status"] for o in export(data_dir, "orders")] == [
            "pending_cancel", "filled", "filled",
        ]  # fmt: skip


def test_records_of_a_newer_program_are_left_alone(data_dir, capsys):
    export(data_dir, "fills")
    path = data_dir / "engines" / "paper" / "records" / "records.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    before = path.read_bytes()
    assert cli.main(["export", "fills", "--data-dir", str(data_dir)]) == 1
    assert "version 99" in capsys.readouterr().err
    assert path.read_bytes() == before
