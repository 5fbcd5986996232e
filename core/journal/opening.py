"""Finding the end of a journal that is to be gone on with, and mending a torn one."""

from __future__ import annotations

import os
import secrets
from collections import deque
from pathlib import Path
from typing import NamedTuple

from core.journal.files import (
    FLAGS,
    JOURNAL,
    NEW,
    SNAPSHOT,
    TORN,
    Snapshot,
    journal_files,
    read_snapshot,
    snapshot_files,
    write_again,
    write_whole,
)
from core.journal.reader import (
    NO_END,
    Place,
    Tail,
    held_nothing,
    open_header,
    read_file,
    records,
    whole,
)
from core.journal.records import NO_CHAIN, VERSION, Header


class End(NamedTuple):
    """Where to go on.

    `path` is the file whose `size` bytes are good, or None when `header` is that of a new one. The
    records tell that the disk had confirmed the first `sure` bytes of it.
    `first_ts` is the time of that file's first record, 0 when it has none. `repairs` are sentences
    about what was mended.
    """

    path: Path | None
    size: int
    header: Header
    last_seq: int
    chain: bytes
    first_ts: int
    repairs: list[str]
    sure: int = 0


def find_end(directory: Path) -> End:
    """The end of a folder's journal. The caller holds the writer's lock.

    A torn end is cut back to the last whole record, and what was cut is kept beside it.

    Raises:
        JournalError: when it is damaged otherwise or of another version; nothing is changed then.
        OSError: when the disk fails.
    """
    _tidy(directory)
    repairs: list[str] = []
    end = _last_file(directory, repairs)
    newest = _newest_snapshot(directory)
    if end is None:
        journal = newest.journal if newest else secrets.token_bytes(16)
        last = newest.seq if newest else 0
        return End(None, 0, Header(journal, last + 1, NO_CHAIN), last, NO_CHAIN, 0, repairs)
    if newest and newest.journal == end.header.journal and newest.seq > end.last_seq:
        end.repairs.append(
            f"{directory}: the records {end.last_seq + 1} to {newest.seq} are lost; the snapshot"
            f" at {newest.seq} holds what followed from them."
        )
        header = Header(end.header.journal, newest.seq + 1, NO_CHAIN)
        return End(None, 0, header, newest.seq, NO_CHAIN, 0, end.repairs)
    if end.path is not None and end.header.version < VERSION:
        write_again(end.path, 0, end.size)  # it is not gone on with: this is its last chance
        header = Header(end.header.journal, end.last_seq + 1, end.chain)
        return End(None, 0, header, end.last_seq, end.chain, 0, end.repairs)
    return end


def cut(path: Path, data: bytes | memoryview, offset: int) -> Path:
    """Cut a file back to `offset`; returns where the bytes that were cut off are kept."""
    kept = _set_aside(path, bytes(data[offset:]), offset)
    fd = os.open(path, FLAGS)
    try:
        os.ftruncate(fd, offset)
        os.fsync(fd)
    finally:
        os.close(fd)
    return kept


def _tidy(directory: Path) -> None:
    """Remove what a program that died left half written; it never came to count."""
    for kind in (JOURNAL, SNAPSHOT, TORN):
        for path in directory.glob(f"[0-9]*{kind}{NEW}"):
            path.unlink(missing_ok=True)


def _last_file(directory: Path, repairs: list[str]) -> End | None:
    files = journal_files(directory)
    while files:
        path = files.pop()
        data = read_file(path)
        if not held_nothing(path, memoryview(data)):
            return _end_of(path, data, repairs)
        kept = _set_aside(path, data, 0)
        path.unlink()
        repairs.append(
            f"{path}: its {len(data)} bytes have no header, and the disk had confirmed nothing of"
            f" them; they are kept in {kept.name}."
        )
    return None


def _end_of(path: Path, data: bytes, repairs: list[str]) -> End:
    header = open_header(path, data)
    place = Place(header.size, header.first - 1, header.chain)
    first_ts = sure = 0  # the header was confirmed with the first record
    if header.version == VERSION:
        unsure: deque[int] = deque()  # offsets behind the newest records
        behind: tuple[int, int, bytes] = place
        for number, ts, unconfirmed, _, end, own in whole(data, place, NO_END):
            first_ts = first_ts or ts
            unsure.append(end)
            while len(unsure) > unconfirmed + 1:
                sure = unsure.popleft()
            behind = end, number, own
        place = Place(*behind)
    tail = Tail(place.seq, place.chain, place.at, "")
    for found in records(path, memoryview(data), header, last=True, start=place):
        if isinstance(found, Tail):
            tail = found
        else:
            first_ts = first_ts or found.ts
    if tail.torn:
        kept = cut(path, data, tail.end)
        repairs.append(
            f"{path}: cut back to offset {tail.end}, the end of record {tail.last}: after it"
            f" {tail.torn}. The {len(data) - tail.end} bytes dropped are kept in {kept.name}."
        )
    return End(path, tail.end, header, tail.last, tail.chain, first_ts, repairs, sure)


def _newest_snapshot(directory: Path) -> Snapshot | None:
    for path in snapshot_files(directory):
        found = read_snapshot(path)
        if not isinstance(found, str):
            return found
    return None


def _set_aside(path: Path, data: bytes, offset: int) -> Path:
    """Keep bytes that are dropped; never over others kept before."""
    number = 0
    while True:
        kept = path.with_name(f"{path.stem}-{offset}-{number}{TORN}")
        if not kept.exists():
            break
        number += 1
    write_whole(kept, data)
    return kept
