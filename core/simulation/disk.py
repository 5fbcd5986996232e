"""A disk in memory that fails and forgets like a real one.

What a program wrote outlives the program. What `fsync` confirmed outlives a loss of power; of the
rest some sectors may be there, in any order, and of the names in a folder that were not confirmed
some first ones.
"""

from __future__ import annotations

import errno
import fnmatch
import io
import os
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO, NamedTuple

SECTOR = 512


class Inode:
    """A file's bytes: as they are read now, and as the disk has them for certain."""

    __slots__ = ("data", "durable", "lost")

    def __init__(self) -> None:
        self.data = bytearray()
        self.durable = b""
        self.lost: list[tuple[int, int]] = []


class _Open:
    __slots__ = ("at", "folder", "inode")

    def __init__(self, inode: Inode, folder: bool) -> None:
        self.inode = inode
        self.folder = folder
        self.at = 0


class Stat(NamedTuple):
    """The one thing of a file's state that is asked for."""

    st_size: int


class Disk:
    """The files of one simulated computer, all in folders that always exist.

    Args:
        point: called before everything that touches the disk, with a word for it; may raise.
        rest: lets virtual time pass while the disk confirms something.
        draw: an int below its argument, from the simulation's seed.

    Attributes:
        space: bytes that are free; None: as many as one likes.
        failing: words of what fails now: ``write``, ``sync``, ``open``, ``rename``, ``truncate``.
        short: writes take only a part of what they are given.
        latency: seconds that a confirmation takes.
        hit: faults that really happened, counted by kind.
    """

    def __init__(
        self,
        point: Callable[[str], None],
        rest: Callable[[float], None],
        draw: Callable[[int], int],
        hit: Callable[[str], None],
    ) -> None:
        self._point = point
        self._rest = rest
        self._draw = draw
        self.hit = hit
        self.space: int | None = None
        self.failing: set[str] = set()
        self.short = False
        self.latency = 0.001
        self._names: dict[str, Inode] = {}
        self._durable: dict[str, Inode] = {}
        self._changes: list[tuple[str, Inode | None]] = []
        self._open: dict[int, _Open] = {}
        self._next = 100

    # -- faults ------------------------------------------------------------------------------

    def heal(self) -> None:
        """All faults are over."""
        self.space = None
        self.failing.clear()
        self.short = False
        self.latency = 0.001

    def close_all(self) -> None:
        """The program that had files open died."""
        self._open.clear()

    def lose_power(self) -> None:
        """Only what was confirmed is certain; of the rest chance decides."""
        self._open.clear()
        kept = self._draw(len(self._changes) + 1)
        for name, inode in self._changes[:kept]:
            _change(self._durable, name, inode)
        self._changes.clear()
        self._names = dict(self._durable)
        for inode in {id(i): i for i in self._names.values()}.values():
            left = self._survives(inode)
            if left != inode.data:
                self.hit("unsynced bytes lost")
            inode.data = bytearray(left)
            inode.durable = bytes(left)
            inode.lost.clear()

    def _survives(self, inode: Inode) -> bytes:
        new, old = bytes(inode.data), inode.durable
        if new == old:
            return old
        how = self._draw(4)
        if how == 0 and not inode.lost:
            return new
        if how == 1:
            return old
        low, high = sorted((len(old), len(new)))
        size = low + self._draw(high - low + 1)
        first = _first_difference(new, old)
        left = bytearray(old[:size].ljust(size, b"\0"))
        torn = False
        for start in range(first - first % SECTOR, size, SECTOR):
            end = min(start + SECTOR, size)
            if any(a < end and start < b for a, b in inode.lost):
                continue
            if how == 2 or self._draw(3):
                if torn:
                    self.hit("sectors reordered")
                part = new[start:end]
                left[start : start + len(part)] = part
            else:
                torn = True
        return bytes(left)

    # -- what stands for `os` ----------------------------------------------------------------

    def open(self, path: Any, flags: int, mode: int = 0o777) -> int:
        self._point("open")
        name = str(path)
        inode = self._names.get(name)
        folder = inode is None and not flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR)
        if inode is None and not folder:
            if not flags & os.O_CREAT:
                raise FileNotFoundError(errno.ENOENT, "No such file", name)
            self._may("open", errno.EIO, name)
            if self.space is not None and self.space <= 0:
                self._fail("disk full", errno.ENOSPC, name)
            inode = Inode()
            self._link(name, inode)
        if inode is not None and flags & os.O_TRUNC:
            del inode.data[:]
        self._next += 1
        self._open[self._next] = _Open(inode or Inode(), folder)
        return self._next

    def close(self, fd: int) -> None:
        self._open.pop(fd, None)

    def dup(self, fd: int) -> int:
        self._next += 1
        self._open[self._next] = self._open[fd]
        return self._next

    def write(self, fd: int, data: bytes | memoryview) -> int:
        self._point("write")
        file = self._open[fd]
        count = len(data)
        if self.space is not None:
            if self.space <= 0:
                self._fail("disk full", errno.ENOSPC)
            count = min(count, self.space)
            self.space -= count
        if self.short and count > 1:
            count = 1 + self._draw(count - 1)
            self.hit("short write")
        if "write" in self.failing:
            if self._draw(2):
                self._put(file, bytes(data[: self._draw(count + 1)]))
            self._fail("write failed", errno.EIO)
        self._put(file, bytes(data[:count]))
        return count

    def _put(self, file: _Open, data: bytes) -> None:
        inode, at = file.inode, file.at
        if len(inode.data) < at:
            inode.data.extend(bytes(at - len(inode.data)))
        inode.data[at : at + len(data)] = data
        file.at += len(data)
        rest = [piece for a, b in inode.lost for piece in ((a, min(b, at)), (max(a, file.at), b))]
        inode.lost = [(a, b) for a, b in rest if a < b]

    def fsync(self, fd: int) -> None:
        self._point("sync")
        file = self._open[fd]
        asked, names = bytes(file.inode.data), dict(self._names)
        changes = len(self._changes)
        self._rest(self.latency)
        self._point("synced")
        inode = file.inode
        if "sync" in self.failing:
            if not file.folder and asked != inode.durable:
                # What could not be written is dropped, and no later call says so again.
                inode.lost.append((_first_difference(asked, inode.durable), len(asked)))
            self._fail("fsync failed", errno.EIO)
        if file.folder:
            self._durable = names
            del self._changes[:changes]
            return
        left = bytearray(asked)
        for start, end in inode.lost:
            old = inode.durable[start:end]
            left[start:end] = old.ljust(min(end, len(left)) - start, b"\0")
        inode.durable = bytes(left)

    fdatasync = fsync

    def replace(self, old: Any, new: Any) -> None:
        self._point("rename")
        self._may("rename", errno.EIO, str(new))
        inode = self._names[str(old)]
        self._link(str(new), inode)
        self._link(str(old), None)

    def ftruncate(self, fd: int, size: int) -> None:
        self._point("truncate")
        self._may("truncate", errno.EIO)
        inode = self._open[fd].inode
        del inode.data[size:]
        inode.lost = [(a, min(b, size)) for a, b in inode.lost if a < size]

    def lseek(self, fd: int, at: int, whence: int) -> int:
        self._open[fd].at = at
        return at

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("O_", "SEEK_")):
            return getattr(os, name)
        raise AttributeError(name)

    # -- names and whole files ---------------------------------------------------------------

    def names(self, folder: str) -> Iterator[str]:
        """The files of a folder."""
        return iter(sorted(n for n in self._names if n.rpartition("/")[0] == folder))

    def inode(self, name: str) -> Inode | None:
        """A file by its name."""
        return self._names.get(name)

    def unlink(self, name: str) -> None:
        """Remove a name."""
        self._point("unlink")
        self._link(name, None)

    def _link(self, name: str, inode: Inode | None) -> None:
        _change(self._names, name, inode)
        self._changes.append((name, inode))

    def _may(self, word: str, number: int, name: str = "") -> None:
        if word in self.failing:
            self._fail(f"{word} failed", number, name)

    def _fail(self, what: str, number: int, name: str = "") -> None:
        self.hit(what)
        raise OSError(number, os.strerror(number), name or None)


def _first_difference(one: bytes, other: bytes) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


def _change(names: dict[str, Inode], name: str, inode: Inode | None) -> None:
    if inode is None:
        names.pop(name, None)
    else:
        names[name] = inode


class DiskPath(PurePosixPath):
    """A path on the simulated disk; what the journal needs of `pathlib.Path`."""

    __slots__ = ()
    disk: Disk

    def glob(self, pattern: str) -> Iterator[DiskPath]:
        """The files of this folder whose names fit."""
        for name in list(self.disk.names(str(self))):
            if fnmatch.fnmatchcase(name.rpartition("/")[2], pattern):
                yield type(self)(name)

    def exists(self) -> bool:
        """Is there a file?"""
        return self.disk.inode(str(self)) is not None

    def mkdir(self, parents: bool = False, exist_ok: bool = False) -> None:
        """Folders are always there."""

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove the file."""
        if self.exists():
            self.disk.unlink(str(self))
        elif not missing_ok:
            raise FileNotFoundError(errno.ENOENT, "No such file", str(self))

    def read_bytes(self) -> bytes:
        """All of the file."""
        inode = self.disk.inode(str(self))
        if inode is None:
            raise FileNotFoundError(errno.ENOENT, "No such file", str(self))
        return bytes(inode.data)

    def stat(self) -> Stat:
        """Its size."""
        return Stat(len(self.read_bytes()))

    def open(self, mode: str = "rb", buffering: int = -1) -> BinaryIO:
        """Its bytes, to read."""
        assert mode == "rb"
        return io.BytesIO(self.read_bytes())


def folder_of(disk: Disk) -> type[DiskPath]:
    """The class of paths on this disk."""
    return type("FolderPath", (DiskPath,), {"__slots__": (), "disk": disk})
