from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from app import cli
from core.journal.journal import Journal
from core.reporting.csv_file import read_rows
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
    output = data_dir / "engines" / "paper" / "journal"
    words = ["export", "fills", "--data-dir", str(data_dir), "--output", str(output)]
    assert cli.main(words) == 1
    assert "choose another file" in capsys.readouterr().err


def test_a_damaged_journal_is_a_sentence(data_dir, capsys):
    (file,) = (data_dir / "engines" / "paper" / "journal").glob("*.journal")
    data = bytearray(file.read_bytes())
    data[300:310] = bytes(10)
    file.write_bytes(data)
    assert cli.main(["export", "fills", "--data-dir", str(data_dir)]) == 1
    assert "damaged at offset" in capsys.readouterr().err
