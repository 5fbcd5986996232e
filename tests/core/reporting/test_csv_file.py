"""What is exported reads back as the same numbers, and a spreadsheet runs none of it."""

from __future__ import annotations

import csv
import errno
import io
import os
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.instruments import Instrument
from core.model.tables import TABLES, Column, Instant
from core.reporting import csv_file
from core.reporting.csv_file import FORMULA, as_text, cell, iso_time, read_rows, write_file

ABC = Instrument("ABC.V", "ABC", "V", Decimal("0.01"), Decimal(1), "USD")
KNOWN = {ABC.id: ABC}
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40) | st.sampled_from(
    (
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r\n=1",
        "'",
        "''",
        '"',
        '","',
        "a\r\nb",
        "a\rb",
        "\0",
    )
)
ROWS = st.lists(
    st.tuples(
        TEXTS,
        st.none() | st.decimals(allow_nan=False, allow_infinity=False),
        st.integers(-(2**80), 2**80),
        st.booleans(),
        st.integers(1, 2**63 - 1),
    ),
    max_size=8,
)


class Row:
    instrument = ABC.id

    def __init__(self, cells: tuple) -> None:
        self.cells = cells


COLUMNS = tuple(
    Column(name, name, lambda row, i, n=n: Instant(row.cells[n]) if n == 4 else row.cells[n])
    for n, name in enumerate(("text", "number", "count", "flag", "ts"))
)


def nanoseconds(text: str) -> int:
    """An exact reader of ISO 8601 of its own."""
    from datetime import datetime

    assert text.endswith("+00:00")
    second, _, fraction = text.removesuffix("+00:00").partition(".")
    assert len(fraction) == 9
    since = datetime.fromisoformat(f"{second}+00:00") - datetime.fromisoformat(
        "1970-01-01T00:00:00+00:00"
    )
    return (since.days * 86_400 + since.seconds) * 10**9 + int(fraction)


@given(rows=ROWS)
def test_read_back_gives_the_same_values(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "out.csv"
    assert write_file(path, COLUMNS, map(Row, rows), KNOWN) == len(rows)
    back = list(read_rows(path))
    assert len(back) == len(rows)
    for row, read in zip(rows, back, strict=True):
        text, number, count, flag, ts = row
        assert read["text"] == text
        assert (read["number"] == "") == (number is None)
        if number is not None:
            assert Decimal(read["number"]) == number
            assert "E" not in read["number"]
        assert int(read["count"]) == count
        assert read["flag"] == ("true" if flag else "false")
        assert nanoseconds(read["ts"]) == ts


@given(rows=ROWS)
def test_the_form_is_rfc_4180(rows):
    text = as_text(COLUMNS, map(Row, rows), KNOWN)
    assert text.endswith("\r\n")
    # a reader that knows nothing but the RFC finds the same cells
    records = list(parse(text))
    assert records == list(csv.reader(io.StringIO(text, newline="")))
    assert records[0] == [c.id for c in COLUMNS]
    assert {len(r) for r in records} == {len(COLUMNS)}


def parse(text: str):
    """RFC 4180, as it is written there."""
    record, field, quoted, at = [], "", False, 0
    while at < len(text):
        c = text[at]
        if quoted:
            if c == '"' and text[at + 1 : at + 2] == '"':
                field += '"'
                at += 1
            elif c == '"':
                quoted = False
            else:
                field += c
        elif c == '"':
            assert field == ""
            quoted = True
        elif c == ",":
            record, field = [*record, field], ""
        elif text[at : at + 2] == "\r\n":
            yield [*record, field]
            record, field = [], ""
            at += 1
        else:
            assert c not in "\r\n"
            field += c
        at += 1
    assert not quoted
    assert (record, field) == ([], "")


@given(TEXTS)
def test_no_text_begins_like_a_formula(text):
    written = cell(text)
    assert not written.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert written == (f"'{text}" if text.startswith(FORMULA) else text)


def test_numbers_are_not_guarded_and_times_are_exact():
    assert cell(Decimal("-1.50")) == "-1.50"
    assert cell(Decimal("1E+3")) == "1000"
    assert cell(Decimal("0.000000001")) == "0.000000001"
    assert cell(None) == ""
    assert cell(Instant(0)) == ""
    assert iso_time(1_750_000_000_123_456_789) == "2025-06-15T15:06:40.123456789+00:00"


def test_an_unknown_instrument_writes_nothing(tmp_path):
    class Stranger:
        instrument = "NO.SUCH"

    path = tmp_path / "out.csv"
    path.write_text("old")
    with pytest.raises(ValueError, match=r"Row 2 is of NO\.SUCH"):
        write_file(path, (), [Row(()), Stranger()], KNOWN)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("when", ["write", "sync", "rename"])
def test_a_disk_that_refuses_leaves_the_old_file(tmp_path, monkeypatch, when):
    path = tmp_path / "out.csv"
    path.write_text("old")
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def refuse(*_args):
        raise full

    if when == "sync":
        monkeypatch.setattr(csv_file.os, "fsync", refuse)
    elif when == "rename":
        monkeypatch.setattr(Path, "replace", refuse)

    def rows():
        yield Row(("a", None, 1, True, 1))
        if when == "write":
            refuse()

    with pytest.raises(OSError, match="No space left") as caught:
        write_file(path, COLUMNS, rows(), KNOWN)
    assert caught.value is full
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_really_full_disk(tmp_path, monkeypatch):
    path = tmp_path / "out.csv"
    path.write_text("old")
    real = Path.open

    def on_full_disk(self, *args, **kwargs):
        return real(Path("/dev/full"), "w", **{k: v for k, v in kwargs.items() if k != "mode"})

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", on_full_disk)
        with pytest.raises(OSError, match="No space left"):
            write_file(path, COLUMNS, [Row(("a", None, 1, True, 1))], KNOWN)
    assert path.read_text() == "old"


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_folder_that_refuses(tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    with pytest.raises(PermissionError):
        write_file(folder / "out.csv", COLUMNS, [], KNOWN)
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "folder").write_text("")
    with pytest.raises(OSError, match="folder"):
        write_file(tmp_path / "folder" / "out.csv", COLUMNS, [], KNOWN)


def test_two_at_once_to_one_name_do_not_mix(tmp_path):
    path = tmp_path / "out.csv"

    def rows():
        yield Row(("first", None, 1, True, 1))
        write_file(path, COLUMNS, [Row(("second", None, 2, True, 1))] * 3, KNOWN)
        yield Row(("first", None, 1, True, 1))

    assert write_file(path, COLUMNS, rows(), KNOWN) == 2
    assert [row["text"] for row in read_rows(path)] == ["first", "first"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"a,b\r\n1\r\n", "line 2: 1 cells instead of 2"),
        (b"a,b\r\n1,2\r\n1,2,3\r\n", "line 3: 3 cells instead of 2"),
        (b'a,b\r\n1,"2\r\n', "line"),
        (b"a,b\r\n1,\xff\r\n", "export it again"),
    ],
)
def test_files_that_were_changed_are_named(tmp_path, content, says):
    path = tmp_path / "in.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=says) as caught:
        list(read_rows(path))
    assert str(path) in str(caught.value)


def test_a_byte_order_mark_is_passed_over(tmp_path):
    path = tmp_path / "in.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\r\n1,2\r\n")
    assert list(read_rows(path)) == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize("kind", TABLES)
def test_the_readme_lists_the_columns_of_every_file(kind):
    readme = (Path(__file__).resolve().parents[3] / "README.md").read_text(encoding="utf-8")
    columns = ", ".join(column.id for column in TABLES[kind].columns)
    assert f"| {kind} | {columns} |" in readme
