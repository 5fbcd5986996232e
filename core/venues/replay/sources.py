"""Lines and bytes of a recorded file, plain, gzip or zip, as far as it is whole."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from core.venues.replay.problems import Problems, RecordingError

CHUNK = 1 << 16
LONGEST_LINE = 1 << 22
GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_CUT = (
    "the file is cut off here; what came before is kept. Copy or download it again to get the rest"
)


def head(path: Path, size: int = 1 << 16) -> bytes:
    """The first bytes of the contents, decompressed.

    Raises:
        RecordingError: when there are none.
    """
    problems = Problems()
    found = b""
    for chunk in contents(path, problems):
        found += chunk
        if len(found) >= size:
            break
    if not found:
        why = problems.first[0].text if problems.first else "it is empty"
        raise RecordingError(f"{path} cannot be read: {why}.")
    return found[:size]


def contents(path: Path, problems: Problems) -> Iterator[bytes]:
    """The contents in chunks, decompressed. A damaged end is a problem, not an error.

    Raises:
        RecordingError: when the file cannot be opened.
    """
    try:
        with path.open("rb") as stream:
            magic = stream.read(4)
        if magic == ZIP:
            yield from _zip(path, problems)
        elif magic[:2] == GZIP:
            yield from _inflated(path, 0, 31, problems)
        else:
            yield from _raw(path, 0)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RecordingError(f"{path} cannot be read: {reason}.") from error


def lines(path: Path, problems: Problems) -> Iterator[tuple[int, bytes]]:
    """Numbered lines (the first is 1) without their ends; blank lines are left out.

    A last line that lacks its end comes too: whether it is whole, its reader sees.
    """
    number = 0
    rest = b""
    for chunk in contents(path, problems):
        parts = (rest + chunk).split(b"\n")
        rest = parts.pop()
        for part in parts:
            number += 1
            line = part.strip()
            if line:
                yield number, line
        if len(rest) > LONGEST_LINE:
            problems.add(path.name, number + 1, "this line has no end; the rest is not text")
            return
    if rest.strip():
        yield number + 1, rest.strip()


def member_name(path: Path) -> str:
    """The name of the first file in a zip, read from its front, so that a cut one tells it too."""
    with path.open("rb") as stream:
        header = _LOCAL_HEADER.unpack(stream.read(_LOCAL_HEADER.size))
        return stream.read(header[9]).decode("utf-8", "replace")


def _raw(path: Path, offset: int) -> Iterator[bytes]:
    with path.open("rb") as stream:
        stream.seek(offset)
        while chunk := stream.read(CHUNK):
            yield chunk


def _inflated(path: Path, offset: int, bits: int, problems: Problems) -> Iterator[bytes]:
    """Inflate by hand: the standard readers throw away what stands before a cut."""
    machine = zlib.decompressobj(bits)
    out = 0
    for data in _raw(path, offset):
        while data:
            before = machine.copy()
            try:
                piece = machine.decompress(data)
            except zlib.error as error:
                piece = _up_to_damage(before, data)
                out += len(piece)
                yield piece
                problems.add(
                    path.name, 0, f"the compressed data is damaged after {out:,} bytes ({error})"
                )
                return
            out += len(piece)
            if piece:
                yield piece
            data = machine.unused_data if machine.eof else b""
            if machine.eof:
                if bits != 31 or not data.startswith(GZIP):
                    return
                machine = zlib.decompressobj(bits)
    if not machine.eof:
        problems.add(path.name, 0, _CUT)


def _up_to_damage(machine: zlib._Decompress, data: bytes) -> bytes:
    """What can be inflated of `data` before the place where it is damaged."""
    whole = bytearray()
    with suppress(zlib.error):
        for place in range(len(data)):
            whole += machine.decompress(data[place : place + 1])
    return bytes(whole)


def _zip(path: Path, problems: Problems) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(names) > 1:
                others = ", ".join(names[1:4])
                problems.add(path.name, 0, f"only {names[0]} is read; {others} stand beside it")
            try:
                with archive.open(names[0]) as stream:
                    while chunk := stream.read(CHUNK):
                        yield chunk
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                problems.add(path.name, 0, f"the compressed data is damaged ({error})")
            return
    except (zipfile.BadZipFile, IndexError, NotImplementedError, RuntimeError):
        pass
    # The directory stands at the end of a zip; when that is cut off, the first file still reads.
    with path.open("rb") as stream:
        header = stream.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size:
        raise RecordingError(f"{path} is cut off in its first bytes; copy or download it again.")
    fields = _LOCAL_HEADER.unpack(header)
    method, offset = fields[3], _LOCAL_HEADER.size + fields[9] + fields[10]
    if method != 8:
        raise RecordingError(f"{path} is a damaged zip; copy or download it again.")
    known = problems.count
    yield from _inflated(path, offset, -15, problems)
    if problems.count == known:
        problems.add(path.name, 0, "the zip's directory is cut off; its first file is whole")
