"""The bytes of a journal file: a header, then records, each checked and chained to the one before.

Header (64 bytes, little endian)::

    8s magic "OUTCRYJ1"   16s journal id   u64 first sequence number   u32 zero
    u32 version           u32 crc of these 40 bytes
    16s chain of the record before         u32 crc of these 60 bytes

The first 44 bytes stay as they are in every version, so that each program knows which one it has
before it. Record (44 bytes and the payload)::

    u32 crc               16s chain        u32 how many records before this one had not been
    u32 payload length    u64 sequence     confirmed by the disk when it was written
    i64 time (UTC ns)     payload

The crc is CRC-32 over everything of the record behind it and tells a torn write. The chain is
BLAKE2b-128 over the chain of the record before and everything from the payload's length on: whoever
changes, removes or moves a record changes the chain of all that follow, up to the last, the
journal's *anchor*. An anchor that was noted elsewhere also shows an end that was cut off or a
journal that was written anew as a whole.

The count of unconfirmed records tells an end that a loss of power left with holes, of which nothing
had been acted on, from damage to what the disk had confirmed.

Version 1 had 44-byte headers with a u32 crc where the zero is, and 28-byte records
(u32 length, u32 crc, u32 crc of the record before, u64 sequence, i64 time) without a chain of
hashes; it is read, and a journal of it goes on in a file of version 2.
"""

from __future__ import annotations

import struct
from hashlib import blake2b
from typing import NamedTuple
from zlib import crc32

MAGIC = b"OUTCRYJ1"
VERSION = 2
MAX_PAYLOAD = 16 << 20
NO_CHAIN = bytes(16)
"""The chain before the first record, and of a file that goes on after a snapshot alone."""

_OLD_HEADER = struct.Struct("<8s16sQII")
_CRC = struct.Struct("<I")
_RECORD = struct.Struct("<I16sIIQq")
_HASHED = struct.Struct("<IQq")
_OLD_RECORD = struct.Struct("<IIIQq")
_OLD_CHECKED = struct.Struct("<IIQq")

_OLD_HEADER_SIZE = _OLD_HEADER.size + _CRC.size
HEADER_SIZE = _OLD_HEADER_SIZE + 16 + _CRC.size
RECORD_SIZE = _RECORD.size
HASHED_AT = RECORD_SIZE - _HASHED.size

_pack_hashed = _HASHED.pack
_pack_crc = _CRC.pack
unpack_record = _RECORD.unpack_from


class Header(NamedTuple):
    """What a file begins with. `chain` is that of the last record before `first`."""

    journal: bytes
    first: int
    chain: bytes
    version: int = VERSION

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return HEADER_SIZE if self.version > 1 else _OLD_HEADER_SIZE

    def pack(self) -> bytes:
        """The header's bytes."""
        head = _OLD_HEADER.pack(MAGIC, self.journal, self.first, 0, self.version)
        head += _pack_crc(crc32(head)) + self.chain
        return head + _pack_crc(crc32(head))


def read_header(data: bytes | memoryview) -> Header | str:
    """The header at the start of `data`, or a few words on why there is none.

    Of a version that is not known here only the version is right.
    """
    if len(data) < _OLD_HEADER_SIZE:
        return "the header is cut off"
    magic, journal, first, chain, version = _OLD_HEADER.unpack_from(data)
    if magic != MAGIC:
        return "it does not begin like a journal"
    if _CRC.unpack_from(data, _OLD_HEADER.size)[0] != crc32(data[: _OLD_HEADER.size]):
        return "the header is damaged"
    if version == 1:
        return Header(journal, first, _widened(chain), 1)
    if version != VERSION:
        return Header(journal, first, NO_CHAIN, version)
    if len(data) < HEADER_SIZE:
        return "the header is cut off"
    end = HEADER_SIZE - _CRC.size
    if _CRC.unpack_from(data, end)[0] != crc32(data[:end]):
        return "the header is damaged"
    return Header(journal, first, bytes(data[_OLD_HEADER_SIZE:end]), version)


def _widened(crc: int) -> bytes:
    """A crc of version 1 where a chain is wanted."""
    return crc.to_bytes(16, "little")


def make_record(
    seq: int, ts: int, payload: bytes, chain: bytes, unconfirmed: int = 0
) -> tuple[bytes, bytes]:
    """A record's bytes and its chain; `chain` is that of the record before."""
    body = _pack_hashed(len(payload), seq, ts) + payload
    chain = blake2b(chain + body, digest_size=16).digest()
    body = chain + _pack_crc(unconfirmed) + body
    return _pack_crc(crc32(body)) + body, chain


def chain_of(record: bytes) -> bytes:
    """The chain in a record's bytes."""
    return record[4:20]


class Record(NamedTuple):
    """One whole record: `end` is the offset after it, `before` what its chain is hashed with.

    `follows` tells whether it follows the record whose chain was given when it was read.
    """

    seq: int
    ts: int
    payload: memoryview
    chain: bytes
    unconfirmed: int
    end: int
    follows: bool


def read_record(data: memoryview, at: int, before: bytes, version: int = VERSION) -> Record | str:
    """The record at an offset, or a few words on what is wrong with it.

    `before` is the chain of the record before. Whether it follows that one is told, not judged.
    """
    if version == 1:
        return _read_old(data, at, before)
    start = at + RECORD_SIZE
    if start > len(data):
        return "the record is cut off"
    crc, chain, unconfirmed, length, seq, ts = unpack_record(data, at)
    if length > MAX_PAYLOAD:
        return f"it claims {length} bytes, which no record has"
    end = start + length
    if end > len(data):
        return "the record is cut off"
    if crc32(data[at + 4 : end]) != crc:
        return "its checksum is wrong"
    follows = blake2b(before + data[at + HASHED_AT : end], digest_size=16).digest() == chain
    return Record(seq, ts, data[start:end], chain, unconfirmed, end, follows)


def _read_old(data: memoryview, at: int, before: bytes) -> Record | str:
    start = at + _OLD_RECORD.size
    if start > len(data):
        return "the record is cut off"
    length, crc, chain, seq, ts = _OLD_RECORD.unpack_from(data, at)
    if length > MAX_PAYLOAD:
        return f"it claims {length} bytes, which no record has"
    end = start + length
    if end > len(data):
        return "the record is cut off"
    payload = data[start:end]
    if crc32(payload, crc32(_OLD_CHECKED.pack(length, chain, seq, ts))) != crc:
        return "its checksum is wrong"
    return Record(seq, ts, payload, _widened(crc), 0, end, _widened(chain) == before)


def find_record(data: memoryview, at: int, after: int, version: int = VERSION) -> int:
    """The offset, from `at` on, of the first whole record with a number above `after`; -1: none.

    Tells a torn end, after which there is nothing, from damage in the middle.
    """
    # Only damage leads here: an engine that starts on a whole journal needs no arrays.
    import numpy as np

    size = RECORD_SIZE if version > 1 else _OLD_RECORD.size
    place = size - 16  # where a record's sequence number stands
    most = after + (len(data) - at) // size + 2
    best = -1
    for shift in range(8):
        start = at + shift
        count = (len(data) - start - size) // 8 + 1
        if count <= 0:
            continue
        rest = (len(data) - start - place) // 8
        numbers = np.frombuffer(data, "<u8", min(count, rest), start + place)
        for index in np.flatnonzero((numbers > after) & (numbers <= most)):
            offset = start + 8 * int(index)
            if best >= 0 and offset >= best:
                break
            if not isinstance(read_record(data, offset, b"", version), str):
                best = offset
                break
    return best
