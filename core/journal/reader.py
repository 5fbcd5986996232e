"""Reading a journal: every record checked for damage, order and completeness."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from core.journal.errors import JournalError
from core.journal.files import journal_files, snapshot_files
from core.journal.records import (
    HEADER_SIZE,
    VERSION,
    Header,
    Record,
    find_record,
    read_header,
    read_record,
)
from core.model.commands import Command
from core.model.events import VenueEvent
from core.model.inputs import KernelInput
from core.model.market import MarketData
from core.model.wire import decode_recorded

Recorded = Command | VenueEvent | MarketData | KernelInput
"""Whatever a journal may hold."""


class Tail(NamedTuple):
    """How a file ends: after the record `last` at `end`; `torn` says why there is more, if so."""

    last: int
    chain: int
    end: int
    torn: str


def open_header(path: Path, data: bytes) -> Header:
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
    if header.version != VERSION:
        raise JournalError(
            f"{path}: it has version {header.version} and this program reads version {VERSION}."
            " Nothing was changed. Start the program that wrote it."
        )
    return header


def records(path: Path, data: bytes, header: Header, *, last: bool) -> Iterator[Record | Tail]:
    """Every record of a file, then its `Tail`.

    Raises:
        JournalError: for damage that is not just a torn end, or a torn end where `last` is False.
    """
    at, seq, chain = HEADER_SIZE, header.first - 1, header.chain
    size = len(data)
    while at < size:
        found = read_record(data, at)
        if isinstance(found, str):
            if not last or find_record(data, at + 1, seq) >= 0:
                raise _damage(path, at, seq + 1, found)
            yield Tail(seq, chain, at, found)
            return
        if found.seq != seq + 1 or found.chain != chain:
            raise _damage(path, at, seq + 1, "it does not follow the record before it")
        seq, chain, at = found.seq, found.crc, found.end
        yield found
    yield Tail(seq, chain, at, "")


def replay(directory: Path, from_seq: int, to_seq: int) -> Iterator[tuple[int, int, Recorded]]:
    """Every ``(seq, ts, message)`` from one number to another, both included.

    Raises:
        JournalError: when something is missing, damaged or of a newer version.
    """
    if from_seq > to_seq:
        return
    files = journal_files(directory)
    while len(files) > 1 and int(files[1].stem) <= from_seq:
        files.pop(0)
    if not files or int(files[0].stem) > from_seq:
        begins = f"begins at {int(files[0].stem)}" if files else "has no file"
        raise JournalError(
            f"{directory}: record {from_seq} is wanted and the journal {begins}. Put the missing"
            " files back from a backup."
        )
    expected, chain = 0, 0
    for path in files:
        data = _read(path)
        header = open_header(path, data)
        if expected and (header.first != expected or header.chain != chain):
            _check_gap(directory, path, header, expected)
        for found in records(path, data, header, last=path == files[-1]):
            if isinstance(found, Tail):
                expected, chain = found.last + 1, found.chain
            elif found.seq >= from_seq:
                yield found.seq, found.ts, _decode(path, found)
                if found.seq == to_seq:
                    return


def _check_gap(directory: Path, path: Path, header: Header, expected: int) -> None:
    """Records may be missing between two files only where a snapshot stands for them."""
    snapshots = {int(p.stem) for p in snapshot_files(directory)}
    if header.first > expected and header.chain == 0 and header.first - 1 in snapshots:
        return
    raise JournalError(
        f"{path}: it begins at record {header.first} and does not follow record {expected - 1} of"
        " the file before. Nothing was changed. Put the missing file back from a backup."
    )


def _decode(path: Path, found: Record) -> Recorded:
    try:
        message: Recorded = decode_recorded(found.payload)
    except msgspec.DecodeError as error:
        raise JournalError(
            f"{path}: record {found.seq}, which ends at offset {found.end}, is whole but not"
            f" understood ({error}); a newer program wrote it. Start that one."
        ) from None
    return message


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise JournalError(f"{path}: it cannot be read ({error.strerror}).") from None


def _damage(path: Path, at: int, seq: int, why: str) -> JournalError:
    return JournalError(
        f"{path}: damaged at offset {at}, where record {seq} should be: {why}, and there is more"
        " after it. Nothing was changed. Put the file back from a backup; if there is none, move"
        " it and all later files out of the folder to go on with what came before."
    )
