"""The power is cut at every touch of the disk: what was confirmed is there, and all goes on."""

from __future__ import annotations

import random
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from core.journal.files import Snapshot, write_snapshot, write_whole
from core.journal.journal import Journal
from core.journal.keeping import prune_records
from core.journal.reader import NO_END, replay
from core.journal.records import Header, read_header
from core.journal.repair import repair
from core.journal.verify import verify
from tests.core.journal.journals import DAY, eventually
from tests.core.journal.power import (
    HOME,
    NEW,
    SIZE,
    Computer,
    Folder,
    HarshDisk,
    Moment,
    cut_everywhere,
    install,
    touched,
)

TRIES = 20


@pytest.fixture(autouse=True)
def _disk(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)


def begin() -> Computer:
    return Computer(NEW, random.Random(1), power=False)


def a_new_journal() -> Computer:
    life = begin()
    life.append(2, commit=True)
    life.append(2)
    return life


def full_files() -> Computer:
    life = begin()
    for count in (1, 3, 6, 1, 2):
        life.append(count)
        life.append(1, commit=True)
    life.append(7)
    return life


def new_days() -> Computer:
    life = begin()
    for _ in range(4):
        life.ts += DAY
        life.append(2)
        life.append(1, size=20, commit=True)
    return life


def snapshots() -> Computer:
    life = begin()
    for count in (3, 2, 4, 2):
        life.append(count)
        assert life.snapshot()
    return life


def a_sync_fails() -> Computer:
    life = begin()
    life.append(2, commit=True)
    life.append(2)
    life.disk.failing.add("sync")
    assert not life.commit()
    assert not life.append()
    life.disk.heal()
    assert life.append(2, commit=True)
    return life


def the_first_sync_of_a_file_fails() -> Computer:
    life = begin()
    life.append(3, commit=True)
    life.append(6)
    life.disk.failing.add("sync")
    assert not life.commit()
    life.disk.heal()
    assert life.append(1, commit=True)
    return life


def a_sync_fails_and_the_program_dies() -> Computer:
    """The system then holds the bytes as if they were on the disk, and says so to the next one."""
    life = begin()
    life.append(1, commit=True)
    life.append(2)
    life.disk.failing.add("sync")
    assert not life.commit()
    life = life.killed()
    life.append(1, commit=True)
    return life


def a_sync_of_a_new_file_fails_and_the_program_dies() -> Computer:
    life = begin()
    life.append(3, commit=True)
    life.append(6)
    life.disk.failing.add("sync")
    assert not life.commit()
    life = life.killed()
    life.append(1, commit=True)
    return life


def the_program_dies_before_a_sync() -> Computer:
    life = begin()
    life.append(1, commit=True)
    for count in (3, 7, 2):
        life.append(count)
        life = life.killed()
    return life


def the_disk_is_full() -> Computer:
    life = begin()
    life.append(2, commit=True)
    for space in (0, 100, 700, 900, 2000):
        life.disk.space = space
        while life.append():
            pass
        assert not life.append()
        life.disk.heal()
        assert life.append(2, commit=space > 500)
    return life


def the_disk_is_full_after_a_new_file_was_begun() -> Computer:
    """The file is there, and nothing in it."""
    life = begin()
    life.append(4, commit=True)
    life.disk.space = 64
    assert not life.append(2)
    life = life.killed()
    life.disk.heal()
    assert life.append(2, commit=True)
    return life


def a_start_fails_after_the_program_died() -> Computer:
    life = begin()
    life.append(1, commit=True)
    life.append(2)
    life = life.killed(in_vain=True)
    life.append(1, commit=True)
    return life


def writes_are_short() -> Computer:
    life = begin()
    life.disk.short = True
    for _ in range(3):
        life.append(3, commit=True)
    life.snapshot()
    return life


def old_records_are_removed() -> Computer:
    life = begin()
    for _ in range(5):
        life.ts += DAY
        life.append(2, commit=True)
        life.snapshot()
    assert len(prune_records(Folder(HOME), 1, life.ts + DAY)) == 4
    life.append(1, commit=True)
    return life


def a_new_file_is_begun_while_the_disk_works() -> Computer:
    """What was asked for before is confirmed in the new file: it holds a copy."""
    life = begin()
    life.append(3, commit=True)
    life.append(2)

    def begun(word: str) -> None:
        if word == "sync":
            life.hook = lambda word: None
            life.append(2)

    life.hook = begun
    assert life.commit()
    return life


STORIES = (
    a_new_journal,
    full_files,
    new_days,
    snapshots,
    a_sync_fails,
    the_first_sync_of_a_file_fails,
    a_sync_fails_and_the_program_dies,
    a_sync_of_a_new_file_fails_and_the_program_dies,
    the_program_dies_before_a_sync,
    the_disk_is_full,
    the_disk_is_full_after_a_new_file_was_begun,
    a_start_fails_after_the_program_died,
    writes_are_short,
    old_records_are_removed,
    a_new_file_is_begun_while_the_disk_works,
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_the_power_is_cut(story: Callable[[], Computer]) -> None:
    life = story()
    assert len(life.moments) > 8
    cut_everywhere([*life.moments, life.now()], seed=1)


@pytest.mark.parametrize("seed", range(12))
def test_the_power_is_cut_in_any_story(seed: int) -> None:
    rng = random.Random(seed)
    life = Computer(NEW, random.Random(seed), power=False, size=rng.randrange(400, 2000))
    for _ in range(15):
        what = rng.randrange(8)
        life.disk.short = rng.random() < 0.2
        if what == 0:
            life.disk.failing.add(rng.choice(("sync", "write", "open", "rename")))
        elif what == 1:
            life.disk.space = rng.randrange(1000)
        elif what == 2:
            life = life.killed()
        elif what == 3:
            life.ts += DAY
        elif what == 4:
            life.snapshot()
        life.append(rng.randrange(5), rng.randrange(300), commit=rng.random() < 0.5)
        life.disk.heal()
    cut_everywhere([*rng.sample(life.moments, 25), life.now()], seed)


def test_a_record_is_on_its_way_when_the_disk_fails() -> None:
    """The thread mends what it knows of; the record that is just being written is not lost."""
    life = Computer(NEW, random.Random(1), power=False, sync_every=60)
    journal = life.journal
    assert journal is not None
    woken = threading.Event()
    journal.watch(woken.set)
    life.append(2, commit=True)
    life.append(2)

    def fail(word: str) -> None:
        """While the record is written: the disk fails, and the thread mends all before it."""
        life.hook = heal
        life.disk.failing.add("sync")
        journal.ask()
        assert woken.wait(10)
        assert journal.failed
        woken.clear()
        assert woken.wait(10)

    def heal(word: str) -> None:
        if word == "open":  # the new file
            life.disk.heal()
            life.hook = try_again

    def try_again(word: str) -> None:
        """While the new file is taken into use: the thread is about to make another."""
        if threading.current_thread() is threading.main_thread() and word == "open":
            life.hook = lambda word: None
            eventually(mending)

    def mending() -> bool:
        """Is the thread making a new file, or waiting to?"""
        (thread,) = (t.ident for t in threading.enumerate() if t.name == "journal-sync")
        frames = traceback.walk_stack(sys._current_frames()[thread or 0])
        return any(frame.f_code.co_name == "_mend" for frame, _ in frames)

    life.hook = fail
    assert life.append()
    eventually(lambda: not mending())
    assert not journal.failed
    life.moments.append(life.now("mended"))
    life.append(1, commit=True)
    journal.close()
    cut_everywhere([*life.moments, life.now()], seed=1)


@pytest.mark.parametrize("old", [b"", b"old" * 300])
@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_written_whole_or_not_at_all(old: bytes, durable: bool) -> None:
    disk, path, new = NEW.disk.copy(random.Random(1).randrange), Folder(f"{HOME}/file"), b"n" * 2000
    if old:
        touched(disk, lambda: write_whole(path, old))
    states = touched(disk, lambda: write_whole(path, new, durable=durable))
    assert len(states) > 3
    for state in states:
        for seed in range(TRIES):
            Folder.disk = left = state.copy(random.Random(seed).randrange)
            if durable:
                left.lose_power()
            content = path.read_bytes() if path.exists() else b""
            assert content == new or (content == old and state is not disk)


def _lost(state: HarshDisk, seed: int) -> dict[str, bytes]:
    """The files that a loss of power leaves."""
    Folder.disk = left = state.copy(random.Random(seed).randrange)
    left.lose_power()
    return {path.name: path.read_bytes() for path in Folder(HOME).glob("*")}


def _damaged(keep: int) -> tuple[HarshDisk, Folder, bytes]:
    """A confirmed journal file of five records, the third of which is damaged."""
    life = begin()
    life.append(5, commit=True)
    assert life.journal
    path = Folder(str(life.journal.path))
    inode = life.disk.inode(str(path))
    assert inode
    start = life.journal._head + 2 * (life.journal.size - life.journal._head) // 5
    inode.data[start + 60] ^= 1
    del inode.data[start + keep :]
    inode.durable = bytes(inode.data)
    return life.disk, path, inode.durable


def test_what_is_cut_off_by_hand_is_kept() -> None:
    disk, path, before = _damaged(SIZE)
    states = touched(disk, lambda: repair(Folder(HOME), cut=3))
    (after,) = {path.read_bytes()}
    assert before.startswith(after)
    for state in states:
        for seed in range(TRIES):
            left = _lost(state, seed)
            assert before in left.values()
            assert before.startswith(left[path.name])
            assert left[path.name].startswith(after)
            assert state is not disk or left[path.name] == after


def test_a_torn_end_is_kept() -> None:
    disk, path, before = _damaged(100)
    states = touched(disk, lambda: Journal.open(HOME, sync_every=0))
    after = path.read_bytes()
    assert before.startswith(after)
    for state in states:
        for seed in range(TRIES):
            left = _lost(state, seed)
            assert left[path.name] == before or before[len(after) :] in left.values()
            assert state is not disk or left[path.name] == after


def test_a_torn_end_behind_which_a_snapshot_stands_does_not_come_back() -> None:
    """A disk that lied: the records end before the snapshot. They are not written to any more."""
    disk, path, before = _damaged(100)
    header = read_header(before)
    assert isinstance(header, Header)
    touched(disk, lambda: write_snapshot(path.parent, header.journal, Snapshot(5, 5, b"state 5")))
    touched(disk, lambda: Journal.open(HOME, sync_every=0))
    for seed in range(TRIES):
        _lost(disk, seed)
        assert verify(Folder(HOME)).problems == []
        assert Journal.open(HOME, sync_every=0).last_seq == 5


def test_a_journal_of_version_1_is_on_the_disk_before_it_is_gone_on_with() -> None:
    """The program of before died and left records that the disk had not confirmed."""
    disk = NEW.disk.copy(random.Random(1).randrange)
    Folder.disk = disk
    *older, last_file = sorted((Path(__file__).parent / "version1").glob("*.journal"))
    for file in older:
        write_whole(Folder(f"{HOME}/{file.name}"), file.read_bytes())
    Folder(f"{HOME}/{last_file.name}").write_bytes(last_file.read_bytes())
    tried = {seq: (message,) for seq, _, message in replay(Folder(HOME), 1, NO_END)}
    last = max(tried)
    life = Computer(Moment("version 1", disk, last, 0, tried, 0), random.Random(1), power=False)
    opened = len(life.moments)
    life.append(2, commit=True)
    cut_everywhere([*life.moments[opened:], life.now()], seed=1)
