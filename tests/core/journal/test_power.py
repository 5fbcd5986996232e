"""The power is cut at every touch of the disk: what was confirmed is there, and all goes on."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from core.journal.keeping import prune_records
from core.model.commands import CancelOrder
from tests.core.journal.journals import DAY
from tests.core.journal.power import NEW, Computer, cut_everywhere, install


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
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_the_power_is_cut(story: Callable[[], Computer]) -> None:
    life = story()
    assert len(life.moments) > 8
    cut_everywhere([*life.moments, life.now()], seed=1)
