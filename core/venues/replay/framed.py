"""The terminal's own recordings: normalised market data as it arrived.

A file is the line ``OUTCRYREC1``, then records: length and CRC-32 of the payload (two
little-endian 32-bit numbers), then the payload in MessagePack. The first record is a `Header`,
every other one a `MarketData` message. It may be compressed with gzip once it is finished.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from core.model.instruments import Instrument
from core.model.market import BookUpdate, MarketData, Quote, StatusUpdate, Trade, TradeHistory
from core.model.message import Message
from core.model.wire import decode_market, encode
from core.venues.replay.contents import Contents, Gaps, History, changed
from core.venues.replay.events import Knowledge, LogBuilder
from core.venues.replay.exact import EARLIEST, LATEST
from core.venues.replay.ladder import ASK, BID
from core.venues.replay.order import in_order
from core.venues.replay.problems import Problems, RecordingError
from core.venues.replay.sources import contents as chunks_of

MAGIC = b"OUTCRYREC1\n"
LONGEST = 1 << 28
_NEAR = 1 << 20  # longest record looked for behind a damaged place
BUFFER = 1 << 16
_FRAME = struct.Struct("<II")


class Header(Message, frozen=True):
    """First record of a recording: what is recorded."""

    instruments: tuple[Instrument, ...]
    version: int = 1


_decode_header = msgspec.msgpack.Decoder(Header).decode


class Recorder:
    """Writes market data to a new file as it arrives.

    `write` gathers in memory and writes to the file every 64 KiB, so that it costs the engine's
    loop microseconds.
    """

    def __init__(self, path: str | Path, instruments: Sequence[Instrument]) -> None:
        """Begin a recording.

        Raises:
            RecordingError: when the file exists already or cannot be written.
        """
        self.path = Path(path)
        self.count = 0
        self._file: BinaryIO | None = None
        self._gathered = bytearray(MAGIC)
        self._append(encode(Header(tuple(instruments))))
        try:
            self._file = self.path.open("xb")
        except FileExistsError:
            raise RecordingError(
                f"{self.path} exists already; give the recording another name."
            ) from None
        except OSError as error:
            raise RecordingError(f"{self.path} cannot be written: {error.strerror}.") from error
        self.flush()

    def write(self, message: MarketData) -> None:
        """Record one message; nothing after `close` or a failure.

        Raises:
            RecordingError: once, when the disk refuses; the recording ends there.
        """
        if self._file is None:
            return
        self._append(encode(message))
        self.count += 1
        if len(self._gathered) >= BUFFER:
            self.flush()

    def flush(self) -> None:
        """Hand what was gathered to the operating system.

        Raises:
            RecordingError: as `write`.
        """
        if self._file is None:
            return
        try:
            self._file.write(self._gathered)
            self._file.flush()
        except OSError as error:
            file, self._file = self._file, None
            with suppress(OSError):
                file.close()
            raise RecordingError(
                f"The recording {self.path} ended after {self.count:,} messages: {error.strerror}."
                " Free some space and start a new one."
            ) from error
        finally:
            self._gathered.clear()

    def close(self) -> None:
        """Write the rest and end the recording.

        Raises:
            RecordingError: as `write`.
        """
        self.flush()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _append(self, payload: bytes) -> None:
        self._gathered += _FRAME.pack(len(payload), zlib.crc32(payload))
        self._gathered += payload


def read(path: Path, problems: Problems) -> Contents:
    """Read a recording; see `recording.open_recording`."""
    records = iter(_Records(path, problems))
    header = _header(path, records)
    by_id = {instrument.id: index for index, instrument in enumerate(header.instruments)}
    reader = _Reader(path.name, header.instruments, problems)

    def rows() -> Iterator[tuple[int, int, MarketData]]:
        newest = EARLIEST
        for number, payload in records:
            try:
                message = decode_market(payload)
                if message.instrument not in by_id:
                    raise ValueError(f"“{message.instrument}” is not in the file's header")
                if not isinstance(message, TradeHistory):
                    newest = message.received
                    if not EARLIEST <= newest < LATEST:
                        raise ValueError(f"time {newest} is not between 1990 and 2100")
                yield number, newest, message
            except (msgspec.MsgspecError, ValueError) as error:
                problems.add(path.name, number, f"{error}; the record is left out")

    for number, at, message in in_order(rows(), path.name, problems):
        reader.take(number, at, by_id[message.instrument], message)
    return reader.contents()


def _header(path: Path, records: Iterator[tuple[int, bytes]]) -> Header:
    number, payload = next(records, (0, b""))
    try:
        header = _decode_header(payload)
    except msgspec.MsgspecError:
        header = None
    if number != 1 or header is None or not header.instruments:
        raise RecordingError(
            f"{path} lacks its first record, which names the instruments; it cannot be played."
        )
    for instrument in header.instruments:
        if instrument.tick <= 0 or instrument.lot <= 0:
            raise RecordingError(f"{path}: {instrument.id} has no positive tick and lot.")
    if len({instrument.id for instrument in header.instruments}) < len(header.instruments):
        raise RecordingError(f"{path} names an instrument twice in its first record.")
    return header


class _Records:
    """Numbered whole records (the first is 1); after a damaged one, from the next whole one on."""

    def __init__(self, path: Path, problems: Problems) -> None:
        self._file = path.name
        self._problems = problems
        self._source = chunks_of(path, problems)
        self._data = b""
        self._place = 0

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        self._have(len(MAGIC))
        self._place = len(MAGIC)
        number = 1
        while self._have(1):
            payload = self._whole(LONGEST)
            if payload is None:
                if not self._skip_damage(number):
                    return
            else:
                yield number, payload
            number += 1

    def _have(self, size: int) -> bool:
        """Read until `size` bytes lie ahead; False at the end of the file."""
        while len(self._data) - self._place < size:
            chunk = next(self._source, None)
            if chunk is None:
                return False
            self._data = self._data[self._place :] + chunk
            self._place = 0
        return True

    def _whole(self, longest: int) -> bytes | None:
        """The record that begins here, and go on behind it; None when none does."""
        if not self._have(_FRAME.size):
            return None
        length, crc = _FRAME.unpack_from(self._data, self._place)
        if not 0 < length <= longest or not self._have(_FRAME.size + length):
            return None
        begin = self._place + _FRAME.size
        payload = self._data[begin : begin + length]
        if zlib.crc32(payload) != crc:
            return None
        self._place = begin + length
        return payload

    def _skip_damage(self, number: int) -> bool:
        """Go to the next whole record; False when there is none."""
        skipped = 0
        while self._have(_FRAME.size + 1):
            self._place += 1
            skipped += 1
            here = self._place
            if self._whole(_NEAR) is not None:
                self._place = here
                text = f"{skipped:,} bytes are damaged and were skipped"
                self._problems.add(self._file, number, text)
                return True
        self._problems.add(
            self._file, number, "the file ends within this record; what came before is kept"
        )
        return False


class _Reader:
    """Puts messages into the log, and completes what a recording leaves out."""

    def __init__(self, file: str, instruments: Sequence[Instrument], problems: Problems) -> None:
        self._file = file
        self._problems = problems
        self._instruments = tuple(instruments)
        self._builder = LogBuilder(file, problems)
        for instrument in instruments:
            self._builder.instrument(instrument.id)
        count = len(instruments)
        self._knowledge: list[Knowledge | None] = [None] * count
        self._tops: list[dict[tuple[int, int], int]] = [{} for _ in range(count)]
        self._traded: set[int] = set()
        self._history: dict[int, History] = {}
        self._gaps: dict[int, Gaps] = {}

    def take(self, number: int, at: int, owner: int, message: MarketData) -> None:
        """Add one message; one that makes no sense is reported and left out."""
        builder = self._builder
        builder.line = number
        try:
            if isinstance(message, Quote):
                self._quote(at, owner, message)
            elif isinstance(message, Trade):
                if message.price <= 0 or message.qty <= 0 or message.aggressor not in (0, 1, 2):
                    raise ValueError("a trade needs a price and quantity above 0 and a side 0 to 2")
                ident = message.trade_id
                numeric = ident.isascii() and ident.isdigit() and str(int(ident)) == ident
                short = numeric and ident != "0" and len(ident) < 19
                code = int(ident) if short else builder.text(ident) if ident else 0
                self._traded.add(owner)
                builder.trade(
                    at, message.ts, owner, message.price, message.qty, message.aggressor, code
                )
            elif isinstance(message, BookUpdate):
                self._book(at, owner, message)
            elif isinstance(message, StatusUpdate):
                builder.status(at, message.ts, owner, message.status, message.text)
            else:
                self._past(owner, message)
        except ValueError as error:
            self._problems.add(self._file, number, f"{error}; the record is left out")

    def contents(self) -> Contents:
        """Everything read."""
        ids = [instrument.id for instrument in self._instruments]
        log = self._builder.finish(ids, [(1, 1)] * len(ids))
        knowledge = tuple(known or Knowledge.TOP for known in self._knowledge)
        return Contents(self._instruments, knowledge, log, [], self._history, self._gaps)

    def _quote(self, at: int, owner: int, quote: Quote) -> None:
        if min(quote.bid, quote.bid_qty, quote.ask, quote.ask_qty) < 0:
            raise ValueError("a quote has a negative price or quantity")
        if self._knowledge[owner] in (None, Knowledge.TOP):
            self._knowledge[owner] = Knowledge.TOP
            new: dict[tuple[int, int], int] = {}
            if quote.bid and quote.bid_qty:
                new[BID, quote.bid] = quote.bid_qty
            if quote.ask and quote.ask_qty:
                new[ASK, quote.ask] = quote.ask_qty
            changes = changed(self._tops[owner], new)
            self._tops[owner] = new
            if changes:
                self._builder.book(at, quote.ts, owner, changes)
        self._builder.quote(at, quote.ts, owner, quote.bid, quote.bid_qty, quote.ask, quote.ask_qty)

    def _book(self, at: int, owner: int, update: BookUpdate) -> None:
        for side, price, qty in update.levels:
            if side not in (BID, ASK) or price <= 0 or qty < 0:
                raise ValueError(f"level {(side, price, qty)} is not a side, price and quantity")
        snapshot = update.snapshot
        if self._knowledge[owner] in (None, Knowledge.TOP):
            known = Knowledge.FULL if snapshot else Knowledge.SEEN
            snapshot = snapshot or bool(self._tops[owner])  # the quotes' levels are not known now
            self._knowledge[owner] = known
        self._builder.book(at, update.ts, owner, update.levels, snapshot)

    def _past(self, owner: int, history: TradeHistory) -> None:
        if owner in self._traded or owner in self._history:
            raise ValueError("a history of trades stands behind trades it should precede")
        columns = (history.ts, history.price, history.qty, history.aggressor)
        if len({len(column) for column in columns}) != 1 or len(history.ts) % 8:
            raise ValueError("the columns of a history of trades differ in length")
        ts, price, qty, side = (np.frombuffer(column, "<i8").astype(np.int64) for column in columns)
        if len(ts) and (price.min() <= 0 or qty.min() <= 0):
            raise ValueError("a history of trades has prices or quantities that are not above 0")
        self._history[owner] = (ts, price, qty, side)
        self._gaps[owner] = history.gaps
