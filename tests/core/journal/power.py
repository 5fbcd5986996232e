"""A computer whose power may be cut whenever its disk is touched.

A *story* is played once on a disk that fails and forgets like a real one. Each touch of that disk
is a *moment*, of which the disk's state is kept: what it has for certain, and what it may have of
the rest. Then, from every moment, the power is cut (or just the program dies), a journal is opened
on what is left, goes on, and loses its power again at moments of its own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from core.journal import files, opening, repair
from core.journal import journal as module
from core.journal.errors import JournalError
from core.journal.journal import Journal
from core.journal.verify import verify
from core.model.commands import CancelOrder
from core.simulation.disk import Disk, DiskPath, Inode

HOME = "/journal"
SIZE = 1500  # bytes of a file: some records, so that there are several files


class HarshDisk(Disk):
    """Of the names that were not confirmed any may be lost, not only the last ones."""

    def lose_power(self) -> None:
        self._changes = [change for change in self._changes if self._draw(3)]
        super().lose_power()

    def copy(self, draw: Callable[[int], int]) -> HarshDisk:
        """Another disk in the same state, on which nothing is open and nothing fails."""
        copies: dict[int, Inode] = {}

        def copied(inode: Inode) -> Inode:
            if id(inode) not in copies:
                other = copies[id(inode)] = Inode()
                other.data, other.durable = bytearray(inode.data), inode.durable
                other.lost = list(inode.lost)
            return copies[id(inode)]

        disk = HarshDisk(_nothing, _nothing, draw, _nothing)
        disk._names = {name: copied(inode) for name, inode in self._names.items()}
        disk._durable = {name: copied(inode) for name, inode in self._durable.items()}
        disk._changes = [(name, inode and copied(inode)) for name, inode in self._changes]
        return disk


class Folder(DiskPath):
    """A path on the disk of the computer that runs now."""

    __slots__ = ()

    def write_bytes(self, data: bytes) -> int:
        """Write over what is there, without care."""
        fd = self.disk.open(self, module.os.O_WRONLY | module.os.O_CREAT | module.os.O_TRUNC)
        files.write_all(fd, data)
        self.disk.close(fd)
        return len(data)


class _System:
    """What stands for `os`: the calls of the disk of the computer that runs now."""

    def __getattr__(self, name: str) -> Any:
        return getattr(Folder.disk, name)


class _Lock:
    """Nobody else is there."""

    def __init__(self, directory: object) -> None:
        pass

    def release(self) -> None:
        pass


def _nothing(about: object) -> None:
    pass


def _copy(path: Folder, to: Folder) -> None:
    to.write_bytes(path.read_bytes())


def install(patch: pytest.MonkeyPatch) -> None:
    """Have the journal use the disk of the computer that runs now."""
    for used in (module, files, opening, repair):
        patch.setattr(used, "os", _System())
    patch.setattr(module, "_sync_data", lambda fd: Folder.disk.fdatasync(fd))
    patch.setattr(module, "Path", Folder)
    patch.setattr(module, "WriterLock", _Lock)
    patch.setattr(repair, "WriterLock", _Lock)
    patch.setattr(repair, "shutil", SimpleNamespace(copy2=_copy))


class Moment(NamedTuple):
    """The computer when its disk was touched.

    `recorded` is the last number that `append` returned, `confirmed` the last one that was told
    to be on the disk, `tried` what may stand under each number; `snapshot` is that of the newest
    snapshot that was told to be there, and `what` is how all that came to be.
    """

    what: str
    disk: HarshDisk
    recorded: int
    confirmed: int
    tried: dict[int, tuple[CancelOrder, ...]]
    snapshot: int


NEW = Moment("", HarshDisk(_nothing, _nothing, _nothing, _nothing), 0, 0, {}, 0)


class Computer:
    """One life of a computer, from what the one before left; `moments` are those of this life."""

    def __init__(
        self,
        before: Moment,
        rng: random.Random,
        power: bool,
        size: int = SIZE,
        sync_every: float = 0,
    ) -> None:
        self.disk = before.disk.copy(rng.randrange)
        if power:
            self.disk.lose_power()
        self.what = f"{before.what}, {'power cut' if power else 'killed'}" if before.what else ""
        self.moments: list[Moment] = []
        self.journal: Journal | None = None
        self.folder = Folder(HOME)
        self.size = size
        self.ts = 0
        self._recorded = before.confirmed if power else before.recorded
        self._confirmed = before.confirmed
        self._tried = dict(before.tried)
        self._snapshot = before.snapshot
        self.hook: Callable[[str], None] = _nothing
        self.disk._point = self._touch
        Folder.disk = self.disk
        self._open(sync_every)

    def _touch(self, word: str) -> None:
        self.moments.append(self.now(word))
        self.hook(word)

    def now(self, word: str = "end") -> Moment:
        """This moment."""
        confirmed = self.journal.synced_seq if self.journal else self._confirmed
        what = f"{self.what} {len(self.moments)}:{word}"
        kept = self.disk.copy(_nothing)  # type: ignore[arg-type]
        return Moment(what, kept, self._recorded, confirmed, dict(self._tried), self._snapshot)

    def _open(self, sync_every: float) -> None:
        """Open the journal, and see that it holds what it must, and nothing else."""
        try:
            journal = Journal.open(
                HOME, durability="power", max_bytes=self.size, sync_every=sync_every
            )
            newest = journal.newest_snapshot()
            covered = newest.seq if newest else 0
            first = min((int(p.stem) for p in files.journal_files(self.folder)), default=1)
            found = [(seq, message) for seq, _, message in journal.replay(first)]
            problems = verify(self.folder).problems
        except JournalError as error:
            raise AssertionError(f"{self.what}: {error}") from None
        assert problems == [], self.what
        assert not [text for text in journal.repairs if "are lost" in text], self.what
        assert first <= covered + 1, self.what
        assert [seq for seq, _ in found] == list(range(first, journal.last_seq + 1)), self.what
        assert self._recorded <= journal.last_seq == journal.synced_seq, self.what
        assert covered >= self._snapshot, self.what
        if newest:
            assert newest.data == b"state %d" % covered, self.what
        for seq, message in found:
            assert message in self._tried[seq], f"{self.what}: record {seq}"
        self._tried.update((seq, (message,)) for seq, message in found)
        for seq in [seq for seq in self._tried if seq > journal.last_seq]:
            del self._tried[seq]
        self._recorded = journal.last_seq
        self.journal = journal

    # -- what a story is made of ---------------------------------------------------------------

    def append(self, count: int = 1, size: int = 200, commit: bool = False) -> bool:
        """Append so many records, all different; False when one was refused."""
        assert self.journal is not None
        for _ in range(count):
            seq, self.ts = self.journal.last_seq + 1, self.ts + 1
            message = CancelOrder(f"{self.what}{self.ts}", "o" * size)
            self._tried[seq] = (*self._tried.get(seq, ()), message)
            try:
                self._recorded = self.journal.append(self.ts, message)
            except JournalError:
                return False
            assert self._recorded == seq
        return self.commit() if commit else True

    def commit(self) -> bool:
        """Wait for the disk; False when it failed."""
        assert self.journal is not None
        seq = self.journal.last_seq
        try:
            self.journal.commit()
        except JournalError:
            return False
        assert self.journal.synced_seq >= seq
        return True

    def snapshot(self) -> bool:
        """Keep the state after the last record; False when that failed."""
        assert self.journal is not None
        seq = self.journal.last_seq
        try:
            self.journal.write_snapshot(seq, self.ts, b"state %d" % seq)
        except JournalError:
            return False
        self._snapshot = seq
        return True

    def killed(self, in_vain: bool = False) -> Computer:
        """The program died and was started again, `in_vain` first; the computer stayed on."""
        if in_vain:
            self.disk.failing.add("sync")
            with pytest.raises(JournalError):
                Journal.open(HOME, durability="power", sync_every=0)
        life = Computer(self.now(), random.Random(1), power=False, size=self.size)
        life.moments[:0] = self.moments
        return life


def cut_everywhere(moments: Iterable[Moment], seed: int, tries: int = 2, deep: int = 2) -> None:
    """From each moment: cut the power or kill the program, start again, go on, `deep` times."""
    rng = random.Random(seed)
    for moment in moments:
        for attempt in range(tries):
            life = Computer(moment, rng, power=attempt > 0 or rng.random() < 0.5)
            life.append(rng.randrange(4), commit=True)
            if rng.random() < 0.3:
                life.snapshot()
            life.append()
            if deep > 1:
                again = [life.now(), rng.choice(life.moments)]
                cut_everywhere(again, rng.randrange(1 << 30), 1, deep - 1)


def touched(disk: HarshDisk, act: Callable[[], object]) -> list[HarshDisk]:
    """The disk's states each time that something touches it, and in the end."""
    states: list[HarshDisk] = []
    disk._point = lambda word: states.append(disk.copy(_nothing))  # type: ignore[arg-type]
    Folder.disk = disk
    act()
    return [*states, disk]
