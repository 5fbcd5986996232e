"""Reading on in a journal while another part or another program writes it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from core.journal.errors import JournalError
from core.journal.files import journal_files
from core.journal.reader import Recorded, check_gap, not_understood, open_header
from core.journal.records import HEADER_SIZE, Header, read_header, read_record
from core.model.wire import decode_recorded

_PIECE = 4 << 20


class Follower:
    """Hands out every record of a journal once, in order, over all its files, as they are written.

    It takes no lock and keeps no file open. A record that is being written shows once it is whole.

    Args:
        directory: the journal's folder.
        from_seq: the first record wanted; it may not be there yet.
    """

    def __init__(self, directory: Path, from_seq: int = 1) -> None:
        self._directory = directory
        self._next = from_seq
        self._path: Path | None = None
        self._header: Header | None = None
        self._at = 0
        self._seq = 0
        self._chain = b""

    @property
    def next_seq(self) -> int:
        """The number of the record that comes next."""
        return self._next

    def poll(self, limit: int = 10_000) -> list[tuple[int, int, Recorded]]:
        """Every ``(seq, ts, message)`` that is new since, at most about `limit`; often none.

        Raises:
            JournalError: when records are missing, of a newer version, or the files cannot be read.
        """
        found: list[tuple[int, int, Recorded]] = []
        while len(found) < limit:
            before = len(found)
            if self._path is not None and not self._take(found, limit):
                continue
            if len(found) == before and not self._turn():
                break
        return found

    def _take(self, found: list[tuple[int, int, Recorded]], limit: int) -> bool:
        """Read on in the present file; False when another piece of it is to be read at once."""
        assert self._path is not None
        assert self._header is not None
        data = memoryview(self._read())
        at = 0
        while len(found) < limit:
            record = read_record(data, at, self._chain, self._header.version)
            if isinstance(record, str) or record.seq != self._seq + 1 or not record.follows:
                break
            if record.seq >= self._next:
                try:
                    message: Recorded = decode_recorded(record.payload)
                except msgspec.DecodeError as error:
                    raise not_understood(self._path, record, error) from None
                found.append((record.seq, record.ts, message))
                self._next = record.seq + 1
            self._seq, self._chain, at = record.seq, record.chain, record.end
        self._at += at
        return at == 0 or len(data) < _PIECE

    def _turn(self) -> bool:
        """Go to the newest file that may hold what is wanted next; False: there is no other."""
        wanted = None
        later = None
        for path in journal_files(self._directory):
            if int(path.stem) <= self._next:
                wanted = path
            elif later is None:
                later = path
        if wanted is not None and (self._path is None or wanted.stem > self._path.stem):
            return self._use(wanted)
        if later is not None and (self._path is None or later.stem > self._path.stem):
            if self._path is not None and self._grown():
                return True
            self._skip(later)
            return self._use(later)
        return False

    def _grown(self) -> bool:
        """Was more written to the present file since it was read, before the later one began?"""
        assert self._header is not None
        data = memoryview(self._read())
        record = read_record(data, 0, self._chain, self._header.version)
        return not isinstance(record, str) and record.seq == self._seq + 1 and record.follows

    def _skip(self, later: Path) -> None:
        """Records are missing before a file: right only where a snapshot stands for them."""
        data = self._read_at(later, 0, HEADER_SIZE)
        check_gap(self._directory, later, open_header(later, data), self._next)
        self._next = int(later.stem)

    def _use(self, path: Path) -> bool:
        data = self._read_at(path, 0, HEADER_SIZE)
        if read_header(data) == "the header is cut off":
            return False
        self._header = open_header(path, data)
        self._path, self._at = path, self._header.size
        self._seq, self._chain = self._header.first - 1, self._header.chain
        return True

    def _read(self) -> bytes:
        assert self._path is not None
        size = _PIECE
        while True:
            data = self._read_at(self._path, self._at, size)
            # A record longer than a piece: read more of it, if there is more.
            if len(data) < size or self._whole(data):
                return data
            size *= 4

    def _whole(self, data: bytes) -> bool:
        assert self._header is not None
        found = read_record(memoryview(data), 0, self._chain, self._header.version)
        return found != "the record is cut off"

    @staticmethod
    def _read_at(path: Path, at: int, size: int) -> bytes:
        try:
            with path.open("rb", buffering=0) as file:
                file.seek(at, os.SEEK_SET)
                return file.read(size) or b""
        except OSError as error:
            raise JournalError(f"{path}: it cannot be read ({error.strerror}).") from None
