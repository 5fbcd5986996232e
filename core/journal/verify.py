"""Looking a whole journal over: every checksum, number and link of the chain, in every file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec

from core.journal.errors import JournalError
from core.journal.files import journal_files, read_snapshot, snapshot_files
from core.journal.reader import NO_END, check_gap, held_nothing, open_header, read_file
from core.journal.records import NO_CHAIN, Header, Record, find_record, read_record
from core.model.wire import decode_recorded


class Problem(NamedTuple):
    """Something wrong: in which file, from which offset on, with which record, and what.

    `ts` is the time of the last good record before it (UTC ns), 0 when there is none. `torn` tells
    that it is just an end that was not written whole.
    """

    path: Path
    offset: int
    seq: int
    ts: int
    text: str
    torn: bool = False


@dataclass(slots=True)
class Report:
    """What was found.

    Attributes:
        files, records: how many there are; `first` and `last` number and time of the records.
        chain: the last record's chain, whose hexadecimal is the anchor.
        problems: what is wrong, in the journal's order.
        notes: what is right but worth knowing.
        snapshots: the good ones' numbers, newest first.
        found_anchor: whether the anchor that was asked for is in the journal.
    """

    files: int = 0
    records: int = 0
    first: int = 0
    last: int = 0
    first_ts: int = 0
    last_ts: int = 0
    chain: bytes = NO_CHAIN
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    snapshots: list[int] = field(default_factory=list)
    found_anchor: bool = False

    @property
    def anchor(self) -> str:
        """Number and chain of the last record; noted elsewhere, it shows what was cut off later."""
        return f"{self.last}:{self.chain.hex()}"


def verify(directory: Path, anchor: str = "") -> Report:
    """Check every record of a folder's journal, which another program may be writing meanwhile.

    `anchor` is one that was noted before, and is looked for.

    Raises:
        JournalError: when there is no journal, a file cannot be read, or one has a newer version.
    """
    files = journal_files(directory)
    if not files:
        raise JournalError(f"{directory}: there is no journal here. Choose another folder.")
    report = Report(files=len(files))
    chain: bytes | None = None
    journal = b""
    for path, following in zip(files, [*files[1:], None], strict=True):
        data = memoryview(read_file(path))
        first = int(path.stem)
        if following is None and held_nothing(path, data):
            text = "there is no header yet, so it holds nothing"
            report.problems.append(Problem(path, 0, first, report.last_ts, text, True))
            continue
        try:
            header = open_header(path, data)
        except JournalError as error:
            if "this program reads version" in str(error):
                raise
            text = "the header is damaged, and so the file cannot be read"
            report.problems.append(Problem(path, 0, first, report.last_ts, text))
            chain = None
            continue
        journal = journal or header.journal
        _check_start(directory, path, header, chain, report)
        until = NO_END if following is None else int(following.stem) - 1
        chain = _check_file(path, data, header, until, anchor, report)
    if chain is not None:
        report.chain = chain
    _check_snapshots(directory, journal, report)
    return report


def _check_start(
    directory: Path, path: Path, header: Header, chain: bytes | None, report: Report
) -> None:
    expected = report.last + 1
    if chain is None or (header.first == expected and header.chain == chain):
        return
    try:
        check_gap(directory, path, header, expected)
    except JournalError:
        text = f"it does not follow record {report.last}, the last one of the file before"
        report.problems.append(Problem(path, 0, header.first, report.last_ts, text))
    else:
        report.notes.append(
            f"The records {expected} to {header.first - 1} are lost; the snapshot at"
            f" {header.first - 1} stands for them."
        )


def _check_file(
    path: Path, data: memoryview, header: Header, until: int, anchor: str, report: Report
) -> bytes | None:
    """Check one file; returns the chain of the last record that counts, None after damage."""
    at, seq, version = header.size, header.first - 1, header.version
    chain: bytes | None = header.chain
    while at < len(data) and seq < until:
        found = read_record(data, at, chain or NO_CHAIN, version)
        if isinstance(found, str):
            on = find_record(data, at + 1, seq, version)
            torn = on < 0 and until == NO_END
            report.problems.append(Problem(path, at, seq + 1, report.last_ts, found, torn))
            if on < 0:
                return chain if torn else None
            at, chain = on, None
            continue
        text = _judge(found, seq, chain)
        if text:
            report.problems.append(Problem(path, at, found.seq, report.last_ts, text))
        _count(report, found, anchor)
        seq, chain, at = found.seq, found.chain, found.end
    if until != NO_END and seq < until:
        report.notes.append(f"{path}: it ends at record {seq}.")
    return chain


def _judge(found: Record, seq: int, chain: bytes | None) -> str:
    """What is wrong with a whole record after record `seq`; empty when nothing is."""
    if chain is not None and found.seq != seq + 1:
        return f"record {found.seq} stands where record {seq + 1} should"
    if chain is not None and not found.follows:
        return "it does not follow the record before it: one of the two was changed"
    try:
        decode_recorded(found.payload)
    except msgspec.DecodeError as error:
        return f"it is whole but not understood ({error}); a newer program wrote it"
    return ""


def _count(report: Report, found: Record, anchor: str) -> None:
    if not report.records:
        report.first, report.first_ts = found.seq, found.ts
    report.records += 1
    report.last, report.last_ts = found.seq, found.ts
    if anchor and f"{found.seq}:{found.chain.hex()}" == anchor:
        report.found_anchor = True


def _check_snapshots(directory: Path, journal: bytes, report: Report) -> None:
    for path in snapshot_files(directory):
        found = read_snapshot(path, journal)
        if not isinstance(found, str):
            report.snapshots.append(found.seq)
        elif path.exists():
            _, _, text = found.partition(": ")
            report.problems.append(Problem(path, 0, int(path.stem), 0, text.rstrip(".")))


def whole_after(path: Path, data: memoryview, at: int) -> Iterator[Record]:
    """The records after an offset that are whole by themselves, whatever stands between them.

    Raises:
        JournalError: when the file has no header that can be read.
    """
    header = open_header(path, data)
    seq = 0
    while (at := find_record(data, at, seq, header.version)) >= 0:
        found = read_record(data, at, NO_CHAIN, header.version)
        assert isinstance(found, Record)
        yield found
        at, seq = found.end, found.seq
