"""The last 64 kB cut at every byte and with single bits turned over: never silently wrong.

What a reader does with a record depends on its offset, number and the chain before it alone, so
that each cut and each flip can be looked at from the record that it hits.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.journal.errors import JournalError
from core.journal.journal import Journal
from core.journal.reader import Tail, records, replay
from core.journal.records import HEADER_SIZE, Header, Record
from core.journal.verify import verify
from core.model.commands import CancelOrder
from tests.core.journal.journals import whole

WINDOW = 64 << 10


class Written:
    """A journal of more than the window, confirmed now and then, and where its records begin."""

    def __init__(self, directory: Path) -> None:
        with Journal.open(directory, sync_every=0) as journal:
            self.starts = [HEADER_SIZE]
            self.confirmed = 0
            n = 0
            while self.starts[-1] < WINDOW + 2000:
                journal.append(n, CancelOrder(f"c{n}", "o" * (n % 90)))
                n += 1
                self.starts.append(journal.path.stat().st_size)
                if n % 9 == 0:
                    journal.sync()
            self.path = journal.path
        self.data = self.path.read_bytes()
        header = Header(bytes(16), 1, bytes(16))
        found = records(self.path, memoryview(self.data), header, last=True)
        self.records = [r for r in found if isinstance(r, Record)]
        assert len(self.records) == n

    def from_record(self, index: int, data: bytes) -> tuple[Header, memoryview]:
        """A file that begins with a record, of which `data` is what is left, bit by bit."""
        chain = self.records[index - 1].chain if index else bytes(16)
        header = Header(bytes(16), index + 1, chain)
        return header, memoryview(header.pack() + data)

    def read(self, index: int, data: bytes) -> tuple[list[Record], Tail]:
        header, view = self.from_record(index, data)
        *found, tail = records(self.path, view, header, last=True)
        assert isinstance(tail, Tail)
        return [r for r in found if isinstance(r, Record)], tail


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return Written(tmp_path_factory.mktemp("journal"))


def _or_error(act: Callable[[], Any]) -> Any:
    """What it gives, or what it says when it refuses."""
    try:
        return act()
    except JournalError as error:
        return str(error)


def test_cut_at_every_byte_of_the_last_64_kb(written: Written) -> None:
    index = 0
    for cut in range(len(written.data) - WINDOW, len(written.data)):
        while written.starts[index + 1] <= cut:
            index += 1
        start = written.starts[index]
        found, tail = written.read(index, written.data[start:cut])
        assert found == []
        assert tail.last == index
        assert tail.end == HEADER_SIZE
        assert bool(tail.torn) == (cut > start), "told, unless it is the end of a record"


def test_bits_turned_over_all_through_the_last_64_kb(written: Written) -> None:
    rng = random.Random(1)
    index, refused, torn = 0, 0, 0
    last = len(written.records)
    safe = max(r.seq - 1 - r.unconfirmed for r in written.records)
    for at in range(len(written.data) - WINDOW, len(written.data), 5):
        while written.starts[index + 1] <= at:
            index += 1
        start = written.starts[index]
        # What follows within a few records decides; the whole rest would only take longer.
        end = written.starts[min(index + 10, last)]
        data = bytearray(written.data[start:end])
        data[at - start] ^= 1 << rng.randrange(8)
        result = _or_error(lambda data=data, index=index: written.read(index, bytes(data)))
        if isinstance(result, str):
            refused += 1
            assert f"record {index + 1} should be" in result
            continue
        found, tail = result
        assert found == []
        assert tail.last == index
        assert tail.torn
        assert index >= safe, "the disk had confirmed it: that is damage, not a torn end"
        torn += 1
    assert refused > WINDOW * 0.18
    assert torn > 15


def test_a_sample_through_the_whole_start(written: Written, tmp_path: Path) -> None:
    rng = random.Random(2)
    good = [(r.seq, r.ts) for r in written.records]
    path = tmp_path / written.path.name
    for _ in range(40):
        cut = rng.randrange(len(written.data) - WINDOW, len(written.data))
        path.write_bytes(written.data[:cut])
        report = verify(tmp_path)
        read, repairs = whole(tmp_path)
        assert [(seq, ts) for seq, ts, _ in read] == good[: len(read)]
        assert len(read) == sum(start <= cut for start in written.starts[1:])
        assert len(repairs) == len(report.problems) == (cut not in written.starts)
    for _ in range(40):
        at = rng.randrange(len(written.data) - WINDOW, len(written.data))
        data = bytearray(written.data)
        data[at] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        report = verify(tmp_path)
        hit = sum(start <= at for start in written.starts)
        assert report.problems[0].seq == hit
        assert report.problems[0].offset == written.starts[hit - 1]
        result = _or_error(lambda: whole(tmp_path))
        if isinstance(result, str):
            assert f"record {hit} should be" in result
            assert path.read_bytes() == data
        else:
            assert len(result[0]) == hit - 1
            assert len(result[1]) == 1


def test_a_replay_from_the_middle_steps_over_what_a_snapshot_covers(
    written: Written, tmp_path: Path
) -> None:
    """Damage before its beginning changes nothing of what it tells: that, or it is refused."""
    good = list(replay(written.path.parent, 41, 60))
    assert [seq for seq, _, _ in good] == list(range(41, 61))
    path = tmp_path / written.path.name
    told = refused = 0
    for at in range(written.starts[28], written.starts[40]):
        data = bytearray(written.data)
        data[at] ^= 4
        path.write_bytes(data)
        found = _or_error(lambda: list(replay(tmp_path, 41, 60)))
        if isinstance(found, str):
            assert "damaged at offset" in found
            refused += 1
        else:
            assert found == good
            told += 1
    assert told > 5 * refused > 0, "a length or a number must be right to be stepped over"
