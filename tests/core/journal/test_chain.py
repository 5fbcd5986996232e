"""Whoever edits a journal is found out; older formats open; newer ones are left alone."""

from __future__ import annotations

import shutil
import struct
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from zlib import crc32

import pytest

from core.journal.errors import JournalError
from core.journal.files import journal_files
from core.journal.journal import Journal
from core.journal.records import HEADER_SIZE, RECORD_SIZE, Header, read_header
from core.journal.verify import verify
from core.model.commands import CancelOrder, SetLimit
from core.model.inputs import Tick
from core.model.market import Quote
from tests.core.journal.journals import fill, numbers, whole

VERSION1 = Path(__file__).parent / "version1"
T0 = 1_700_000_000_000_000_000


def pieces(directory: Path, count: int = 8) -> tuple[Path, list[bytes]]:
    """A confirmed journal of one file: its path, header and records."""
    with Journal.open(directory, sync_every=0) as journal:
        ends = [0, HEADER_SIZE]
        for n in range(count - 1):
            fill(journal, 1, n)
            ends.append(journal.path.stat().st_size)
        journal.sync()
        fill(journal, 1, count - 1)
        path = journal.path
    data = path.read_bytes()
    ends.append(len(data))
    return path, [data[a:b] for a, b in pairwise(ends)]


def edited(record: bytes, payload: bytes) -> bytes:
    """A record with another payload and a checksum that is right."""
    body = record[4:RECORD_SIZE] + payload
    return struct.pack("<I", crc32(body)) + body


def test_an_edited_record_is_found_though_its_checksum_is_right(tmp_path: Path) -> None:
    path, (head, *rest) = pieces(tmp_path)
    for index, record in enumerate(rest):
        payload = record[RECORD_SIZE:].replace(b"\xa2c", b"\xa2d", 1)
        changed = [*rest[:index], edited(record, payload), *rest[index + 1 :]]
        path.write_bytes(head + b"".join(changed))
        with pytest.raises(JournalError, match="does not follow"):
            Journal.open(tmp_path)
        (problem,) = verify(tmp_path).problems
        assert problem.seq == index + 1
        assert problem.offset == len(head) + sum(map(len, rest[:index]))
        assert "changed" in problem.text
        # So is one whose own chain was worked out anew: the next one does not follow it.
        whole_record, _ = remade(rest, index, payload)
        changed[index] = whole_record
        path.write_bytes(head + b"".join(changed))
        if index + 1 < len(rest):
            (problem,) = verify(tmp_path).problems
            assert problem.seq == index + 2


def remade(records: list[bytes], index: int, payload: bytes) -> tuple[bytes, bytes]:
    from core.journal.records import NO_CHAIN, chain_of, make_record

    before = chain_of(records[index - 1]) if index else NO_CHAIN
    return make_record(index + 1, 1000 + index, payload, before)


def test_an_end_cut_off_shows_against_an_anchor(tmp_path: Path) -> None:
    path, (head, *rest) = pieces(tmp_path)
    anchor = verify(tmp_path).anchor
    assert anchor.startswith("8:")
    assert verify(tmp_path, anchor).found_anchor
    with Journal.open(tmp_path, sync_every=0) as journal:
        assert journal.anchor == anchor.partition(":")[2]
        fill(journal, 3, 8)
    assert verify(tmp_path, anchor).found_anchor
    path.write_bytes(head + b"".join(rest[:6]))
    report = verify(tmp_path, anchor)
    assert report.problems == []
    assert not report.found_anchor


@pytest.mark.parametrize("change", ["drop", "swap", "double"])
def test_every_record_missing_moved_or_doubled(tmp_path: Path, change: str) -> None:
    path, (head, *rest) = pieces(tmp_path)
    for n in range(len(rest) - 1):
        before, this, after, tail = rest[:n], rest[n], rest[n + 1], rest[n + 2 :]
        middle = {"drop": [after], "swap": [after, this], "double": [this, this, after]}[change]
        path.write_bytes(head + b"".join([*before, *middle, *tail]))
        with pytest.raises(JournalError, match="does not follow the record before it"):
            Journal.open(tmp_path)
        assert verify(tmp_path).problems


def test_a_file_of_another_day_in_between(tmp_path: Path) -> None:
    with Journal.open(tmp_path, sync_every=0, max_bytes=500) as journal:
        fill(journal, 30)
    files = journal_files(tmp_path)
    data = [path.read_bytes() for path in files]
    assert verify(tmp_path).problems == []
    files[1].write_bytes(data[2])
    assert {p.path for p in verify(tmp_path).problems} >= {files[1]}
    files[1].write_bytes(data[1])
    files[2].unlink()
    assert [p.path for p in verify(tmp_path).problems] == [files[3]]
    with pytest.raises(JournalError, match="does not follow record"):
        numbers(tmp_path)


def expected() -> list[tuple[int, int, object]]:
    """What the files of version 1 hold."""
    found: list[tuple[int, int, object]] = []
    for n in range(1, 25):
        ts = T0 + n * 1_000_000
        message = (
            Tick(ts, "2023-11-14"),
            CancelOrder(f"c{n}", f"o{n}"),
            Quote("A.SIM", ts, ts, 100 + n, 5, 101 + n, 6),
            SetLimit(f"s{n}", "max_order_qty", Decimal(n)),
        )[n % 4]
        found.append((n, ts, message))
    return found


def test_a_journal_of_version_1_opens_and_goes_on(tmp_path: Path) -> None:
    old = tmp_path / "j"
    shutil.copytree(VERSION1, old)
    before = {p.name: p.read_bytes() for p in old.iterdir()}
    with Journal.open(old, sync_every=0) as journal:
        assert journal.last_seq == 24
        assert list(journal.replay()) == expected()
        assert journal.newest_snapshot().data == b"the state after twelve"  # type: ignore[union-attr]
        assert journal.repairs == []
        fill(journal, 3)
    assert numbers(old) == list(range(1, 28))
    assert verify(old).problems == []
    assert {n: (old / n).read_bytes() for n in before} == before, "the old files are as they were"
    versions = [read_header(p.read_bytes()).version for p in journal_files(old)]  # type: ignore[union-attr]
    assert versions == [1, 1, 1, 2]


def test_a_torn_journal_of_version_1(tmp_path: Path) -> None:
    names = sorted(p.name for p in VERSION1.glob("*.journal"))
    data = (VERSION1 / names[-1]).read_bytes()
    for size in range(44, len(data), 7):
        old = tmp_path / str(size)
        shutil.copytree(VERSION1, old)
        (old / names[-1]).write_bytes(data[:size])
        with Journal.open(old, sync_every=0) as journal:
            found = list(journal.replay())
            assert found == expected()[: len(found)]
            assert len(found) >= 20
            last = fill(journal, 1)
        assert last is None
        assert verify(old).problems == []
        shutil.rmtree(old)


def test_damage_in_a_journal_of_version_1(tmp_path: Path) -> None:
    old = tmp_path / "j"
    shutil.copytree(VERSION1, old)
    path = journal_files(old)[-1]
    data = path.read_bytes()
    for at in range(0, len(data) - 80, 5):
        path.write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
        with pytest.raises(JournalError, match=path.name):
            Journal.open(old)
        assert verify_or_refuse(old)


def verify_or_refuse(directory: Path) -> bool:
    try:
        return bool(verify(directory).problems)
    except JournalError:
        return True


def test_a_newer_version_is_refused_undamaged(tmp_path: Path) -> None:
    path, (head, *rest) = pieces(tmp_path)
    header = read_header(head)
    assert isinstance(header, Header)
    newer = Header(header.journal, header.first, header.chain, 3).pack()
    for tail in (b"".join(rest), b"", b"quite another format"):
        path.write_bytes(newer + tail)
        for look in (Journal.open, verify):
            with pytest.raises(JournalError, match=r"version 3.*Nothing was changed"):
                look(tmp_path)
        assert path.read_bytes() == newer + tail


def test_the_program_of_version_1_would_refuse_it(tmp_path: Path) -> None:
    """The first 44 bytes are laid out as that program reads them: it sees another version."""
    _, (head, *_) = pieces(tmp_path)
    magic, _, first, _, version, crc = struct.unpack("<8s16sQIII", head[:44])
    assert (magic, first, version) == (b"OUTCRYJ1", 1, 2)
    assert crc == crc32(head[:40])


def test_torn_bytes_are_kept_and_never_written_over(tmp_path: Path) -> None:
    for n in range(3):
        with Journal.open(tmp_path, sync_every=0) as journal:
            fill(journal, 2, n * 2)
            path = journal.path
        path.write_bytes(path.read_bytes() + b"torn%d" % n)
    read, repairs = whole(tmp_path)
    assert len(read) == 6
    assert len(repairs) == 1
    assert sorted(p.read_bytes() for p in tmp_path.glob("*.torn")) == [b"torn0", b"torn1", b"torn2"]
