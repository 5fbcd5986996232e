"""The bytes of a journal file: a header, then records, each checked and chained to the one before.

Header (44 bytes, little endian)::

    8s magic "OUTCRYJ1"   16s journal id   u64 first sequence number   u32 crc of the record before
    u32 version           u32 crc of these 40 bytes

Record (28 bytes and the payload)::

    u32 payload length    u32 crc          u32 crc of the record before
    u64 sequence number   i64 time (UTC ns)    payload

The crc is CRC-32 over everything of the record but itself. Since each record carries the crc of
the one before, a record that is missing, doubled or moved shows, and so does damage; it is no
protection against someone who rewrites the file on purpose.
"""

from __future__ import annotations

import struct
from typing import NamedTuple
from zlib import crc32

import numpy as np

MAGIC = b"OUTCRYJ1"
VERSION = 1
MAX_PAYLOAD = 16 << 20

_HEADER = struct.Struct("<8s16sQII")
_CRC = struct.Struct("<I")
_RECORD = struct.Struct("<IIIQq")
_CHECKED = struct.Struct("<IIQq")

HEADER_SIZE = _HEADER.size + _CRC.size
RECORD_SIZE = _RECORD.size

pack_record = _RECORD.pack
pack_checked = _CHECKED.pack


class Header(NamedTuple):
    """What a file begins with. `chain` is the crc of the last record of the file before."""

    journal: bytes
    first: int
    chain: int
    version: int = VERSION

    def pack(self) -> bytes:
        """The header's bytes."""
        head = _HEADER.pack(MAGIC, self.journal, self.first, self.chain, self.version)
        return head + _CRC.pack(crc32(head))


def read_header(data: bytes) -> Header | str:
    """The header at the start of `data`, or a few words on why there is none."""
    if len(data) < HEADER_SIZE:
        return "the header is cut off"
    magic, journal, first, chain, version = _HEADER.unpack_from(data)
    if magic != MAGIC:
        return "it does not begin like a journal"
    if _CRC.unpack_from(data, _HEADER.size)[0] != crc32(data[: _HEADER.size]):
        return "the header is damaged"
    return Header(journal, first, chain, version)


def make_record(seq: int, ts: int, payload: bytes, chain: int) -> tuple[bytes, int]:
    """A record's bytes and its crc, which the next one is chained to."""
    length = len(payload)
    crc = crc32(payload, crc32(pack_checked(length, chain, seq, ts)))
    return pack_record(length, crc, chain, seq, ts) + payload, crc


class Record(NamedTuple):
    """One whole record: `end` is the offset after it."""

    seq: int
    ts: int
    payload: bytes
    crc: int
    chain: int
    end: int


def read_record(data: bytes | memoryview, at: int) -> Record | str:
    """The record at an offset, or a few words on what is wrong with it.

    The chain is not looked at: that is for the caller, who knows what came before.
    """
    start = at + RECORD_SIZE
    if start > len(data):
        return "the record is cut off"
    length, crc, chain, seq, ts = _RECORD.unpack_from(data, at)
    if length > MAX_PAYLOAD:
        return f"it claims {length} bytes, which no record has"
    end = start + length
    if end > len(data):
        return "the record is cut off"
    payload = bytes(data[start:end])
    if crc32(payload, crc32(pack_checked(length, chain, seq, ts))) != crc:
        return "its checksum is wrong"
    return Record(seq, ts, payload, crc, chain, end)


def find_record(data: bytes, at: int, after: int) -> int:
    """The offset, from `at` on, of the first whole record with a number above `after`; -1: none.

    Tells a torn end, after which there is nothing, from damage in the middle.
    """
    most = after + (len(data) - at) // RECORD_SIZE + 2
    best = -1
    for shift in range(8):
        start = at + shift
        count = (len(data) - start - RECORD_SIZE) // 8 + 1
        if count <= 0:
            continue
        # The sequence number stands 12 bytes into a record.
        numbers = np.frombuffer(data, "<u8", min(count, (len(data) - start - 12) // 8), start + 12)
        for index in np.flatnonzero((numbers > after) & (numbers <= most)):
            offset = start + 8 * int(index)
            if best >= 0 and offset >= best:
                break
            if not isinstance(read_record(data, offset), str):
                best = offset
                break
    return best
