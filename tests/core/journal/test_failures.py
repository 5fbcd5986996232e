"""Disks that are full, fail or lose power: nothing confirmed is lost, and all goes on by itself."""

from __future__ import annotations

import errno
import itertools
import os
import random
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.journal import journal as module
from core.journal.errors import JournalError
from core.journal.files import journal_files
from core.journal.journal import Journal
from core.journal.reader import read
from core.journal.verify import verify
from core.model.commands import CancelOrder
from tests.core.journal.journals import DAY, eventually, fill, numbers, whole

CALLS = ("write", "fsync", "fdatasync", "open", "replace", "ftruncate")


class FaultyOs:
    """The system's calls, of which chosen ones fail, in the order in which they are made."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.fails: Callable[[int, str], int] = lambda number, name: 0
        for name in CALLS:
            patch.setattr(os, name, self._wrapped(name, getattr(os, name)))
        patch.setattr(module, "_sync_data", os.fdatasync)

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            self.count += 1
            number = self.fails(self.count, name)
            if number:
                if name == "write" and len(arguments[1]) > 3:
                    real(arguments[0], bytes(arguments[1][: len(arguments[1]) // 2]))
                raise OSError(number, os.strerror(number))
            return real(*arguments, **more)

        return call


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> FaultyOs:
    return FaultyOs(monkeypatch)


def work(journal: Journal, rounds: int, said: list[str]) -> list[tuple[int, CancelOrder]]:
    """Append and commit, whatever fails; returns what was taken."""
    taken = []
    for n in range(rounds):
        message = CancelOrder(f"c{n}", "o" * (n % 40))
        try:
            taken.append((journal.append(n, message), message))
            journal.commit()
        except JournalError as error:
            said.append(str(error))
    return taken


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_every_call_fails_once(tmp_path: Path, system: FaultyOs, number: int) -> None:
    """Whichever call of the system fails: what was taken is there once, in order, and the rest
    goes on without a new start."""
    with Journal.open(tmp_path / "all", durability="power", max_bytes=400, sync_every=0) as journal:
        system.count = 0
        work(journal, 30, [])
        calls = system.count
    assert calls > 60
    failures = 0
    for index in range(1, calls + 1):
        directory = tmp_path / str(index)
        said: list[str] = []
        journal = Journal.open(directory, durability="power", max_bytes=400, sync_every=0)
        system.count, broken = 0, []

        def fails(count: int, name: str, index: int = index, broken: list[str] = broken) -> int:
            if count != index or broken:
                return 0
            broken.append(name)
            return number

        system.fails = fails
        taken = work(journal, 30, said)
        system.fails = lambda number, name: 0
        seq = journal.append(99, CancelOrder("last", "x"))
        journal.commit()
        journal.close()
        failures += bool(said)
        read_back, repairs = whole(directory)
        assert [(s, m) for s, _, m in read_back] == [*taken, (seq, CancelOrder("last", "x"))], (
            broken
        )
        assert repairs == []
        assert verify(directory).problems == []
        shutil.rmtree(directory)
    assert failures > 30


@pytest.mark.parametrize("seed", range(30))
def test_many_calls_fail(tmp_path: Path, system: FaultyOs, seed: int) -> None:
    rng = random.Random(seed)
    journal = Journal.open(tmp_path, durability="power", max_bytes=600, sync_every=0)
    system.fails = lambda count, name: rng.choice((errno.ENOSPC, errno.EIO)) * (rng.random() < 0.15)
    said: list[str] = []
    taken = work(journal, 120, said)
    assert said
    system.fails = lambda count, name: 0
    seq = journal.append(99, CancelOrder("last", "x"))
    journal.commit()
    journal.close()
    assert [(s, m) for s, _, m in whole(tmp_path)[0]] == [*taken, (seq, CancelOrder("last", "x"))]
    assert verify(tmp_path).problems == []


def test_what_a_failed_sync_may_have_lost_is_written_anew(tmp_path: Path, system: FaultyOs) -> None:
    """A second sync that succeeds proves nothing: the old file's unconfirmed part does not count
    any more, whatever became of it."""
    journal = Journal.open(tmp_path, durability="power", sync_every=0)
    fill(journal, 5)
    journal.commit()
    fill(journal, 5, 5)
    old, end = journal.path, journal.path.stat().st_size
    system.fails = lambda count, name: errno.EIO * (name == "fdatasync")
    with pytest.raises(JournalError, match=r"did not confirm.*goes on by itself"):
        journal.commit()
    assert journal.synced_seq == 5
    assert "did not confirm" in journal.failed
    system.fails = lambda count, name: 0
    fill(journal, 1, 10)
    assert journal.synced_seq == 10
    assert journal.failed == ""
    journal.close()
    assert [int(p.stem) for p in journal_files(tmp_path)] == [1, 6]
    # The system had thrown away the pages that it could not write.
    data = old.read_bytes()
    kept = next(f.end for _, f in read(tmp_path, 5, 5))
    old.write_bytes(data[:kept] + bytes(end - kept))
    assert numbers(tmp_path) == list(range(1, 12))
    assert verify(tmp_path).problems == []


def test_nothing_was_confirmed_yet(tmp_path: Path, system: FaultyOs) -> None:
    journal = Journal.open(tmp_path, durability="power", sync_every=0)
    fill(journal, 3)
    system.fails = lambda count, name: errno.EIO * (name == "fdatasync")
    with pytest.raises(JournalError):
        journal.commit()
    system.fails = lambda count, name: 0
    fill(journal, 2, 3)
    journal.close()
    assert len(journal_files(tmp_path)) == 1
    assert numbers(tmp_path) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("durability", ["power", "process"])
def test_the_thread_mends_by_itself(tmp_path: Path, system: FaultyOs, durability: str) -> None:
    woken = threading.Event()
    with Journal.open(tmp_path, durability=durability, sync_every=0.01) as journal:
        journal.watch(woken.set)
        fill(journal, 5)
        journal.ask()
        eventually(lambda: journal.synced_seq == 5)
        woken.clear()
        system.fails = lambda count, name: errno.ENOSPC * (name in ("fdatasync", "fsync"))
        fill(journal, 3, 5)
        journal.ask()
        assert woken.wait(10)
        with pytest.raises(JournalError, match="No space left"):
            fill(journal, 1)
        system.fails = lambda count, name: 0
        eventually(journal.resume)
        assert journal.synced_seq == 8
        fill(journal, 2, 8)
    assert numbers(tmp_path) == list(range(1, 11))


def test_a_disk_that_falls_behind_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for the disk is kept in memory, but not without an end."""
    answers = threading.Event()
    monkeypatch.setattr(module, "MOST_BEHIND", 10_000)
    with Journal.open(tmp_path, sync_every=0.01) as journal:
        monkeypatch.setattr(module, "_sync_data", lambda fd: answers.wait())
        with pytest.raises(JournalError, match="MB behind"):
            _until_refused(journal)
        refused = journal.last_seq + 1
        answers.set()
        eventually(lambda: journal.synced_seq == refused - 1)
        fill(journal, 3)
    assert numbers(tmp_path) == list(range(1, refused + 3))


def test_a_full_device(tmp_path: Path) -> None:
    if not Path("/dev/full").is_char_device():
        pytest.skip("there is no /dev/full here")
    journal = Journal.open(tmp_path, sync_every=0)
    fill(journal, 2)
    kept = os.dup(journal._fd)
    full = os.open("/dev/full", os.O_RDWR)
    os.dup2(full, journal._fd)
    with pytest.raises(JournalError, match="No space left on device"):
        fill(journal, 1)
    os.dup2(kept, journal._fd)
    os.close(full)
    os.close(kept)
    fill(journal, 2, 2)
    journal.close()
    assert numbers(tmp_path) == [1, 2, 3, 4]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)],
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a file system cannot be mounted here ({error})")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True, capture_output=True)


@pytest.mark.parametrize("sync_every", [0, 0.01])
def test_a_full_disk_of_one_megabyte(small_disk: Path, sync_every: float) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(700_000))
    journal = Journal.open(
        small_disk / "j", durability="power", max_bytes=50_000, sync_every=sync_every
    )
    with pytest.raises(JournalError, match=r"No space left on device.*goes on by itself"):
        _until_refused(journal)
    taken = journal.last_seq
    for _ in range(20):
        with pytest.raises(JournalError, match="No space left"):
            journal.append(taken, CancelOrder("x", "o" * 5000))
    ballast.unlink()
    for _ in range(20):
        journal.append(taken, CancelOrder(f"c{taken}", "o" * 300))
        taken += 1
    journal.commit()
    journal.close()
    assert numbers(small_disk / "j") == list(range(1, taken + 1))


def _until_refused(journal: Journal) -> None:
    for n in itertools.count():
        journal.append(n, CancelOrder(f"c{n}", "o" * 300))


class Power:
    """What a disk holds after a loss of power: all that was confirmed, and any blocks of the rest.

    A file that was confirmed under a name that was not is under neither or either.
    """

    def __init__(self, patch: pytest.MonkeyPatch, directory: Path) -> None:
        self.directory = directory
        self.files: dict[int, bytes] = {}  # by inode, what was confirmed
        self.names: dict[str, int] = {}
        fsync = os.fsync

        def confirm(fd: int) -> None:
            fsync(fd)
            about = os.fstat(fd)
            if os.path.isdir(f"/proc/self/fd/{fd}"):
                self.names = {p.name: p.stat().st_ino for p in directory.iterdir()}
                return
            self.files[about.st_ino] = Path(f"/proc/self/fd/{fd}").read_bytes()

        patch.setattr(os, "fsync", confirm)
        patch.setattr(module, "_sync_data", confirm)

    def lose(self, rng: random.Random, into: Path) -> None:
        """Write into a folder what may be left."""
        into.mkdir()
        now = {p.name: p for p in self.directory.iterdir() if p.suffix == ".journal"}
        names = dict(self.names)
        for name, path in now.items():
            if names.get(name) != path.stat().st_ino and rng.random() < 0.5:
                names[name] = path.stat().st_ino
        for name, inode in names.items():
            path = now.get(name)
            if not name.endswith(".journal") or path is None or path.stat().st_ino != inode:
                continue
            data = bytearray(path.read_bytes())
            confirmed = self.files.get(inode, b"")
            for at in range(0, len(data), 64):
                if rng.random() < 0.4:
                    data[at : at + 64] = bytes(len(data[at : at + 64]))
            if rng.random() < 0.5:
                del data[max(len(confirmed), rng.randrange(len(data) + 1)) :]
            data[: len(confirmed)] = confirmed
            (into / name).write_bytes(data)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to see files by number")
@pytest.mark.parametrize("seed", range(60))
def test_power_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Whatever blocks of the unconfirmed part are left: a start needs no help, all that was
    confirmed is read, and nothing that was never written."""
    rng = random.Random(seed)
    directory = tmp_path / "j"
    directory.mkdir()
    power = Power(monkeypatch, directory)
    journal = Journal.open(directory, durability="power", max_bytes=900, sync_every=0)
    written: dict[int, Any] = {}
    ts = 0
    for n in range(rng.randrange(5, 120)):
        ts += DAY if rng.random() < 0.02 else 1
        message = CancelOrder(f"c{n}", "o" * rng.randrange(40))
        written[journal.append(ts, message)] = message
        if rng.random() < 0.15:
            journal.commit()
    confirmed = journal.synced_seq
    power.lose(rng, tmp_path / "left")
    monkeypatch.undo()
    journal.close()
    with Journal.open(tmp_path / "left", durability="power", sync_every=0) as after:
        found = {seq: message for seq, _, message in after.replay()}
        assert sorted(found) == list(range(1, len(found) + 1))
        assert len(found) >= confirmed
        assert all(written[seq] == message for seq, message in found.items())
        assert after.append(ts, CancelOrder("next", "")) == len(found) + 1
    assert verify(tmp_path / "left").problems == []
