"""New files by size and day; what is kept of old ones."""

from __future__ import annotations

from pathlib import Path

from core.journal.files import journal_files, snapshot_files
from core.journal.journal import Journal
from core.journal.keeping import prune_records
from core.journal.reader import read
from core.model.commands import CancelOrder
from tests.core.journal.journals import DAY, numbers


def days(directory: Path, count: int, snapshots: tuple[int, ...] = ()) -> list[Path]:
    """Ten records a day; each day of `snapshots` ends with one."""
    with Journal.open(directory, sync_every=0) as journal:
        for day in range(count):
            for n in range(10):
                journal.append(day * DAY + n, CancelOrder(f"c{day}-{n}", "o"))
            if day in snapshots:
                journal.write_snapshot(journal.last_seq, day * DAY + 9, b"%d" % day)
    return journal_files(directory)


def test_a_file_for_each_day_and_none_for_a_clock_that_goes_back(tmp_path: Path) -> None:
    assert [int(p.stem) for p in days(tmp_path, 4)] == [1, 11, 21, 31]
    with Journal.open(tmp_path, sync_every=0) as journal:
        journal.append(3 * DAY + 50, CancelOrder("same", "day"))
        journal.append(2 * DAY, CancelOrder("the clock", "went back"))
        journal.append(3 * DAY + 60, CancelOrder("and", "on"))
        assert int(journal.path.stem) == 31
        journal.sync()
        journal.append(4 * DAY, CancelOrder("next", "day"))
        assert int(journal.path.stem) == 44
    assert numbers(tmp_path) == list(range(1, 45))


def test_a_new_file_does_not_wait_for_the_disk(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """It repeats what was not confirmed, so that the older one need not be whole."""
    with Journal.open(tmp_path, sync_every=0) as journal:
        for n in range(4):
            journal.append(n, CancelOrder(f"c{n}", "o"))
        journal.sync()
        for n in range(4, 8):
            journal.append(n, CancelOrder(f"c{n}", "o"))
        monkeypatch.setattr(Journal, "sync", lambda self: 1 / 0)
        monkeypatch.setattr("os.fsync", lambda fd: 1 / 0)
        journal.append(DAY, CancelOrder("c8", "o"))
        monkeypatch.undo()
        assert int(journal.path.stem) == 5
    assert numbers(tmp_path) == list(range(1, 10))
    assert [found.seq for _, found in read(tmp_path, 1)] == list(range(1, 10)), "each once"


def test_nothing_is_removed_unless_asked_for(tmp_path: Path) -> None:
    files = days(tmp_path, 6, (2, 4))
    assert prune_records(tmp_path, 0, 100 * DAY) == []
    assert journal_files(tmp_path) == files


def test_only_what_is_old_and_covered_twice_is_removed(tmp_path: Path) -> None:
    files = days(tmp_path, 8, (3, 5))
    # Day 3's snapshot is the older of the two: files of days 0 to 3 are covered by both.
    assert prune_records(tmp_path, 6, 8 * DAY) == files[:2]
    assert prune_records(tmp_path, 1, 8 * DAY) == files[2:4]
    assert prune_records(tmp_path, 1, 8 * DAY) == []
    assert [f.seq for _, f in read(tmp_path, 41)] == list(range(41, 81))
    with Journal.open(tmp_path, sync_every=0) as journal:
        assert journal.newest_snapshot().seq == 60  # type: ignore[union-attr]
        assert journal.last_seq == 80


def test_never_by_one_good_snapshot(tmp_path: Path) -> None:
    files = days(tmp_path, 6, (2, 4))
    newest = snapshot_files(tmp_path)[0]
    newest.write_bytes(newest.read_bytes()[:-1])
    assert prune_records(tmp_path, 1, 100 * DAY) == []
    newest.unlink()
    assert prune_records(tmp_path, 1, 100 * DAY) == []
    assert journal_files(tmp_path) == files


def test_the_snapshot_at_the_beginning_of_what_is_left_stays(tmp_path: Path) -> None:
    days(tmp_path, 8, (3, 5))
    prune_records(tmp_path, 1, 8 * DAY)
    with Journal.open(tmp_path, sync_every=0) as journal:
        for n in range(3):
            seq = journal.append(8 * DAY + n, CancelOrder(f"x{n}", "o"))
            journal.write_snapshot(seq, 8 * DAY + n, b"later")
    assert sorted(int(p.stem) for p in snapshot_files(tmp_path)) == [40, 82, 83]
