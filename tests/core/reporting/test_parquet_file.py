"""Parquet files hold what was put in, digit for digit."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.model.cash import CashMove
from core.model.tables import CASH
from core.reporting.parquet_file import write_parquet

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
moves = st.builds(
    CashMove,
    ts=st.integers(0, 2**62),
    account=st.one_of(st.sampled_from(["\\N", "", '"', "=1+1", "a,b", "x\r\ny", "'"]), texts),
    currency=texts,
    kind=st.just("trade"),
    amount=st.decimals(allow_nan=False, allow_infinity=False, places=24, max_value=10**20),
    balance=st.decimals(allow_nan=False, allow_infinity=False),
)


def read(path):
    with duckdb.connect() as db:
        times = f"epoch_ns(ts), * EXCLUDE (ts) FROM '{path}'"
        return db.sql(f"SELECT {times}").fetchall()


@settings(max_examples=25, deadline=None)
@given(st.lists(moves, min_size=1, max_size=8))
def test_everything_comes_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("p") / "cash.parquet"
    assert write_parquet(path, CASH.columns, rows, {}) == len(rows)
    found = read(path)
    for move, row in zip(rows, found, strict=True):
        assert row[:4] == (move.ts or None, move.account, move.currency, "trade")
        assert (Decimal(row[4]), Decimal(row[5])) == (move.amount, move.balance)
        assert row[4] == format(move.amount, "f")
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_times_are_timestamps_and_no_rows_are_a_file_too(tmp_path):
    path = tmp_path / "cash.parquet"
    ts = 1_700_000_000_123_456_789
    move = CashMove(ts, "A", "USD", "fee", Decimal("-0.1"), Decimal(1))
    write_parquet(path, CASH.columns, [move], {})
    with duckdb.connect() as db:
        kinds = {d[0]: d[1] for d in db.sql(f"DESCRIBE SELECT * FROM '{path}'").fetchall()}
    assert kinds["ts"] == "TIMESTAMP_NS"
    assert kinds["amount"] == "VARCHAR"
    assert read(path)[0][0] == ts
    assert write_parquet(path, CASH.columns, [], {}) == 0
    with duckdb.connect() as db:
        assert db.sql(f"SELECT count(*) FROM '{path}'").fetchall() == [(0,)]


def test_what_stood_there_stays_when_anything_fails(tmp_path):
    path = tmp_path / "cash.parquet"
    path.write_bytes(b"before")

    def rows():
        yield CashMove(1, "A", "USD", "fee", Decimal(1), Decimal(1))
        raise ValueError("the records end here")

    with pytest.raises(ValueError, match="end here"):
        write_parquet(path, CASH.columns, rows(), {})
    strange = CashMove(1, "A", "USD", "fee", Decimal(1), Decimal(1), "GONE.X")
    with pytest.raises(ValueError, match=r"GONE\.X, which is not known"):
        write_parquet(path, CASH.columns, [strange], {})
    assert path.read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
