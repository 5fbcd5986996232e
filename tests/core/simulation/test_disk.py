"""The simulated disk forgets what a real one may forget, and nothing else."""

from __future__ import annotations

import os

import pytest

from core.simulation.disk import Disk, folder_of
from core.simulation.plan import Draws


def make(seed: int = 1) -> tuple[Disk, list[str]]:
    hits: list[str] = []
    return Disk(lambda word: None, lambda seconds: None, Draws(seed), hits.append), hits


def written(disk: Disk, name: str, data: bytes, sync: bool = False) -> int:
    fd = disk.open(name, os.O_RDWR | os.O_CREAT)
    assert disk.write(fd, data) == len(data)
    if sync:
        disk.fsync(fd)
        folder = disk.open(name.rpartition("/")[0], os.O_RDONLY)
        disk.fsync(folder)
        disk.close(folder)
    return fd


def test_what_was_written_outlives_the_program() -> None:
    disk, _ = make()
    written(disk, "/a/x", b"abc")
    disk.close_all()
    assert folder_of(disk)("/a/x").read_bytes() == b"abc"


def test_what_was_confirmed_outlives_a_loss_of_power() -> None:
    for seed in range(30):
        disk, _ = make(seed)
        fd = written(disk, "/a/x", b"a" * 2000, sync=True)
        disk.write(fd, b"b" * 3000)
        disk.lose_power()
        left = folder_of(disk)("/a/x").read_bytes()
        assert left[:2000] == b"a" * 2000
        assert set(left[2000:]) <= {0, ord("b")}


def test_some_of_what_was_not_confirmed_is_lost_in_any_order() -> None:
    sizes = set()
    holes = False
    for seed in range(60):
        disk, _ = make(seed)
        fd = written(disk, "/a/x", b"a", sync=True)
        disk.write(fd, b"b" * 5000)
        disk.lose_power()
        left = folder_of(disk)("/a/x").read_bytes()
        sizes.add(len(left))
        holes |= b"\0b" in left
    assert len(sizes) > 5
    assert holes


def test_a_failed_confirmation_is_not_said_twice_and_what_it_was_about_is_gone() -> None:
    disk, hits = make()
    fd = written(disk, "/a/x", b"safe", sync=True)
    disk.write(fd, b"dropped")
    disk.failing.add("sync")
    with pytest.raises(OSError, match="Input/output"):
        disk.fsync(fd)
    disk.heal()
    disk.fsync(fd)
    disk.lose_power()
    assert folder_of(disk)("/a/x").read_bytes().rstrip(b"\0") == b"safe"
    assert "fsync failed" in hits


def test_what_is_written_again_after_a_failed_confirmation_is_safe() -> None:
    disk, _ = make()
    fd = written(disk, "/a/x", b"safe", sync=True)
    disk.write(fd, b"again")
    disk.failing.add("sync")
    with pytest.raises(OSError, match="Input/output"):
        disk.fsync(fd)
    disk.heal()
    disk.lseek(fd, 4, os.SEEK_SET)
    disk.write(fd, b"again")
    disk.fsync(fd)
    disk.lose_power()
    assert folder_of(disk)("/a/x").read_bytes() == b"safeagain"


def test_only_what_is_written_again_is_safe() -> None:
    disk, _ = make()
    fd = written(disk, "/a/x", b"safe", sync=True)
    disk.write(fd, b"one two")
    for _ in range(2):
        disk.failing.add("sync")
        with pytest.raises(OSError, match="Input/output"):
            disk.fsync(fd)
        disk.heal()
        disk.fsync(fd)
        disk.lseek(fd, 8, os.SEEK_SET)
        disk.write(fd, b"two")
    disk.fsync(fd)
    disk.lose_power()
    assert folder_of(disk)("/a/x").read_bytes() == b"safe\0\0\0\0two"


def test_a_full_disk_takes_what_fits() -> None:
    disk, hits = make()
    fd = disk.open("/a/x", os.O_RDWR | os.O_CREAT)
    disk.space = 3
    assert disk.write(fd, b"abcdef") == 3
    with pytest.raises(OSError, match="No space"):
        disk.write(fd, b"def")
    assert hits == ["disk full"]
    disk.heal()
    assert disk.write(fd, b"def") == 3


def test_names_that_were_not_confirmed_may_be_lost() -> None:
    there = set()
    for seed in range(20):
        disk, _ = make(seed)
        written(disk, "/a/x", b"abc")
        disk.lose_power()
        there.add(folder_of(disk)("/a/x").exists())
    assert there == {True, False}
