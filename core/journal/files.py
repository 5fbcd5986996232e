"""The files of a journal's folder: names, safe replacement, snapshots."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from core.journal.errors import JournalError

JOURNAL = ".journal"
SNAPSHOT = ".snapshot"
TORN = ".torn"
NEW = ".new"
FLAGS = os.O_RDWR | getattr(os, "O_BINARY", 0)
_MAGIC = b"OUTCRYS1"
_HEAD = struct.Struct("<8s16sQqI")
_CRC = struct.Struct("<I")


class Snapshot(NamedTuple):
    """A kernel's memory after input `seq`."""

    seq: int
    ts: int
    data: bytes
    journal: bytes = b""


def journal_files(directory: Path) -> list[Path]:
    """The journal's files, oldest first."""
    return sorted(directory.glob(f"[0-9]*{JOURNAL}"))


def snapshot_files(directory: Path) -> list[Path]:
    """The snapshots, newest first."""
    return sorted(directory.glob(f"[0-9]*{SNAPSHOT}"), reverse=True)


def file_name(directory: Path, seq: int, kind: str) -> Path:
    """The file of a kind that begins with a sequence number; names sort like numbers."""
    return directory / f"{seq:020d}{kind}"


def write_whole(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a file so that it is there whole or not at all, even after a loss of power.

    Not `durable`, it is so only after a crash of this process.
    """
    temporary = path.with_suffix(path.suffix + NEW)
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0))
    try:
        try:
            write_all(fd, data)
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)
        os.replace(temporary, path)
    except OSError:
        # Where space is short, a half-written file must not keep what is left of it.
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    if durable:
        sync_directory(path.parent)


def write_all(fd: int, data: bytes) -> None:
    """Write every byte, however many calls that takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def write_again(path: Path, start: int, end: int) -> None:
    """Write what a file holds between two offsets once more, and have the disk confirm it.

    A disk that once failed to write it says nothing of that to a new program.
    """
    with path.open("rb") as file:
        file.seek(start)
        data = file.read(end - start)
    fd = os.open(path, FLAGS)
    try:
        os.lseek(fd, start, os.SEEK_SET)
        write_all(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make names durable (a no-op where folders cannot be opened)."""
    if sys.platform == "win32":
        return
    fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_snapshot(directory: Path, journal: bytes, snapshot: Snapshot) -> Path:
    """Put a snapshot on disk, durably.

    Raises:
        JournalError: when the disk does not take it.
    """
    path = file_name(directory, snapshot.seq, SNAPSHOT)
    head = _HEAD.pack(_MAGIC, journal, snapshot.seq, snapshot.ts, len(snapshot.data))
    crc = _CRC.pack(crc32(snapshot.data, crc32(head)))
    try:
        write_whole(path, head + crc + snapshot.data)
    except OSError as error:
        raise JournalError(
            f"{path}: the snapshot could not be written ({error.strerror}). Trading goes on; free"
            " some space, or starting will take longer."
        ) from None
    return path


def read_snapshot(path: Path, journal: bytes = b"") -> Snapshot | str:
    """A snapshot (of one journal, or of any), or a sentence on what is wrong with it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return f"{path}: it cannot be read ({error.strerror})."
    start = _HEAD.size + _CRC.size
    if len(data) < start:
        return f"{path}: the snapshot is cut off."
    magic, owner, seq, ts, length = _HEAD.unpack_from(data)
    if magic != _MAGIC:
        return f"{path}: this is not a snapshot that this version reads."
    body = data[start:]
    crc = _CRC.unpack_from(data, _HEAD.size)[0]
    if len(body) != length or crc32(body, crc32(data[: _HEAD.size])) != crc:
        return f"{path}: the snapshot is damaged."
    if journal and owner != journal:
        return f"{path}: the snapshot belongs to another journal."
    return Snapshot(seq, ts, body, owner)
