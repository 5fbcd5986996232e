"""Reading a journal: every record checked for damage, order and completeness.

The records of a file count up to the one with which the next file begins: a writer whose disk did
not confirm what it wrote writes that anew into a new file, and what the old one has of it is
passed over. So each record is read once.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import msgspec

from core.journal.errors import JournalError
from core.journal.files import journal_files, snapshot_files
from core.journal.records import (
    HASHED_AT,
    NO_CHAIN,
    RECORD_SIZE,
    VERSION,
    Header,
    Record,
    find_record,
    read_header,
    read_record,
    unpack_record,
)
from core.model.commands import Command
from core.model.events import Difference, VenueEvent
from core.model.inputs import KernelInput
from core.model.market import MarketData
from core.model.wire import decode_recorded

Recorded = Command | VenueEvent | MarketData | KernelInput | Difference
"""Whatever a journal may hold."""

NO_END = 2**63 - 1


class Tail(NamedTuple):
    """How a file ends: after the record `last` at `end`; `torn` says why there is more, if so."""

    last: int
    chain: bytes
    end: int
    torn: str


def open_header(path: Path, data: bytes | memoryview) -> Header:
    """The header of a file that must have one.

    Raises:
        JournalError: when it has none, or one of another version.
    """
    header = read_header(data)
    if isinstance(header, str):
        raise JournalError(
            f"{path}: {header}. Nothing was changed. Put the file back from a backup, or move it"
            " out of the folder to go on without what it holds."
        )
    if header.version > VERSION:
        raise JournalError(
            f"{path}: it has version {header.version} and this program reads version {VERSION} and"
            " older. Nothing was changed. Start the program that wrote it."
        )
    return header


class Place(NamedTuple):
    """Between two records of a file: an offset, the number and the chain of the one before."""

    at: int
    seq: int
    chain: bytes


def records(
    path: Path,
    data: memoryview,
    header: Header,
    *,
    last: bool,
    until: int = NO_END,
    start: Place | None = None,
) -> Iterator[Record | Tail]:
    """Every record of a file up to the number `until`, then its `Tail`; all, or from `start` on.

    Raises:
        JournalError: for damage that is not just a torn end, or a torn end where `last` is False.
    """
    at, seq, chain = start or Place(header.size, header.first - 1, header.chain)
    size, version = len(data), header.version
    while at < size and seq < until:
        found = read_record(data, at, chain, version)
        if isinstance(found, str):
            if not last or _was_confirmed(data, at, seq + 1, version):
                raise _damage(path, at, seq + 1, found)
            yield Tail(seq, chain, at, found)
            return
        if found.seq != seq + 1 or not found.follows:
            raise _damage(path, at, seq + 1, "it does not follow the record before it")
        seq, chain, at = found.seq, found.chain, found.end
        yield found
    yield Tail(seq, chain, at, "")


def _was_confirmed(data: memoryview, at: int, seq: int, version: int) -> bool:
    """Does any record after a damaged one say that the disk had confirmed it?"""
    after, place = seq - 1, at + 1
    while (place := find_record(data, place, after, version)) >= 0:
        found = read_record(data, place, b"", version)
        assert isinstance(found, Record)
        if found.seq - 1 - found.unconfirmed >= seq:
            return True
        after, place = found.seq, found.end
    return False


def replay(directory: Path, from_seq: int, to_seq: int) -> Iterator[tuple[int, int, Recorded]]:
    """Every ``(seq, ts, message)`` from one number to another, both included.

    Raises:
        JournalError: when something is missing, damaged or of a newer version.
    """
    if from_seq > to_seq:
        return
    expected, chain = 0, NO_CHAIN
    for path, data, header, last, until in _opened(directory, from_seq):
        if expected and (header.first != expected or header.chain != chain):
            check_gap(directory, path, header, expected)
        place = Place(header.size, header.first - 1, header.chain)
        if header.version == VERSION:
            place = yield from _quickly(data, place, from_seq, min(until, to_seq))
            if place.seq == to_seq:
                return
        for found in records(path, memoryview(data), header, last=last, until=until, start=place):
            if isinstance(found, Tail):
                expected, chain = found.last + 1, found.chain
            elif found.seq >= from_seq:
                if found.seq > to_seq:
                    return
                yield found.seq, found.ts, _decoded(path, found)


def whole(
    data: bytes, start: Place, until: int, after: int = 0
) -> Iterator[tuple[int, int, int, int, int, bytes]]:
    """Number, time, count of unconfirmed ones, both ends of the payload and chain of the records
    of a file, for as long as all is well with them. Up to the number `after` they are only stepped
    over.

    What `records` and `read_record` do, without the words: a start reads a million of them.
    """
    at, seq, chain = start
    size, unpack = len(data), unpack_record
    try:
        while seq < until:
            crc, own, unconfirmed, length, number, ts = unpack(data, at)
            end = at + RECORD_SIZE + length
            if end > size or number != seq + 1:
                return
            if number > after:
                body = data[at + 4 : end]
                hashed = chain + body[HASHED_AT - 4 :]
                if crc32(body) != crc or blake2b(hashed, digest_size=16).digest() != own:
                    return
            yield number, ts, unconfirmed, end - length, end, own
            at, seq, chain = end, number, own
    except struct.error:
        pass  # the end, or something that is worth a closer look


def _quickly(
    data: bytes, place: Place, from_seq: int, until: int
) -> Generator[tuple[int, int, Recorded], None, Place]:
    """The records of a file for as long as all is well with them, and where that ends."""
    at, seq, chain = place
    decode = decode_recorded
    try:
        for number, ts, _, start, end, own in whole(data, place, until, from_seq - 1):
            if number >= from_seq:
                yield number, ts, decode(data[start:end])
            at, seq, chain = end, number, own
    except msgspec.DecodeError:
        pass  # worth a closer look
    return Place(at, seq, chain)


def _decoded(path: Path, found: Record) -> Recorded:
    try:
        message: Recorded = decode_recorded(found.payload)
    except msgspec.DecodeError as error:
        raise not_understood(path, found, error) from None
    return message


def read(directory: Path, from_seq: int, to_seq: int = NO_END) -> Iterator[tuple[Path, Record]]:
    """The same, each record as it stands in its file.

    Raises:
        JournalError: when something is missing or damaged.
    """
    if from_seq > to_seq:
        return
    expected, chain = 0, NO_CHAIN
    for path, data, header, last, until in _opened(directory, from_seq):
        if expected and (header.first != expected or header.chain != chain):
            check_gap(directory, path, header, expected)
        for found in records(path, memoryview(data), header, last=last, until=until):
            if isinstance(found, Tail):
                expected, chain = found.last + 1, found.chain
            elif found.seq >= from_seq:
                if found.seq > to_seq:
                    return
                yield path, found


def _opened(directory: Path, from_seq: int) -> Iterator[tuple[Path, bytes, Header, bool, int]]:
    """Every file from the one that holds a record on: with its header, whether it is the last,
    and the number of the last record that counts in it."""
    files = journal_files(directory)
    while len(files) > 1 and int(files[1].stem) <= from_seq:
        files.pop(0)
    if not files or int(files[0].stem) > from_seq:
        begins = f"begins at {int(files[0].stem)}" if files else "has no file"
        raise JournalError(
            f"{directory}: record {from_seq} is wanted and the journal {begins}. Put the missing"
            " files back from a backup."
        )
    for path, following in zip(files, [*files[1:], None], strict=True):
        data = read_file(path)
        if following is None and held_nothing(path, memoryview(data)):
            return  # its writer is just beginning it, or a loss of power took it
        until = NO_END if following is None else int(following.stem) - 1
        yield path, data, open_header(path, data), following is None, until


def held_nothing(path: Path, data: memoryview) -> bool:
    """Is there no header, nor any word in the newest file that the disk ever confirmed one?

    So it is when its writer is just beginning it, and when a loss of power took its beginning.
    """
    if not isinstance(read_header(data), str):
        return False
    first = int(path.stem)
    # The header was confirmed with the first record.
    return find_record(data, 0, first - 1, 1) < 0 and not _was_confirmed(data, 0, first, VERSION)


def check_gap(directory: Path, path: Path, header: Header, expected: int) -> None:
    """Records may be missing between two files only where a snapshot stands for them.

    Raises:
        JournalError: when none does.
    """
    snapshots = {int(p.stem) for p in snapshot_files(directory)}
    if header.first > expected and header.chain == NO_CHAIN and header.first - 1 in snapshots:
        return
    raise JournalError(
        f"{path}: it begins at record {header.first} and does not follow record {expected - 1} of"
        " the file before. Nothing was changed. Put the missing file back from a backup."
    )


def not_understood(path: Path, found: Record, error: Exception) -> JournalError:
    """What to say of a whole record that cannot be decoded."""
    return JournalError(
        f"{path}: record {found.seq}, which ends at offset {found.end}, is whole but not"
        f" understood ({error}); a newer program wrote it. Start that one."
    )


def read_file(path: Path) -> bytes:
    """All bytes of a file.

    Raises:
        JournalError: when it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise JournalError(f"{path}: it cannot be read ({error.strerror}).") from None


def _damage(path: Path, at: int, seq: int, why: str) -> JournalError:
    return JournalError(
        f"{path}: damaged at offset {at}, where record {seq} should be: {why}, and there is more"
        " after it. Nothing was changed. Put the file back from a backup; if there is none, see"
        " “journal verify” and “journal repair”."
    )
