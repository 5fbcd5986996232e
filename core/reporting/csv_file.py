"""CSV files of the blotter, written whole and read back exactly.

The form: UTF-8, RFC 4180 quoting and line ends, machine names in row 1, times as ISO 8601 in UTC
with offset and nanoseconds, decimals unrounded with a point. A text that a spreadsheet would take
for a formula (it begins with ``= + - @``, a tab or a line end) gets an apostrophe in front, as
OWASP's advice on CSV injection says; numbers are never changed.
"""

from __future__ import annotations

import csv
import io
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

from core.model.instruments import Instrument
from core.model.numbers import plain
from core.model.tables import NO_INSTRUMENT, Column, Instant, Value

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBERS = itertools.count()


def iso_time(ts: int) -> str:
    """UTC nanoseconds as ``2026-11-05T14:30:00.123456789+00:00``."""
    when = _EPOCH + timedelta(seconds=ts // 1_000_000_000)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{ts % 1_000_000_000:09d}+00:00"


def cell(value: Value) -> str:
    """A value as it stands in a file."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Instant():
            return iso_time(value) if value else ""
        case Decimal():
            return plain(value)
        case int():
            return str(value)
        case str():
            return f"'{value}" if value.startswith(FORMULA) else value


def write_rows(
    file: TextIO,
    columns: Sequence[Column[Any]],
    rows: Iterable[Any],
    instruments: Mapping[str, Instrument],
) -> int:
    """Write a header and rows; returns how many rows.

    Args:
        file: opened with ``newline=""``.
        columns: what is written of each row, in order.
        rows: model objects with an ``instrument``, which may be empty.
        instruments: what the rows' instruments are, by id.

    Raises:
        ValueError: for a row whose instrument is not known; the sentence names it.
    """
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([column.id for column in columns])
    count = 0
    for row in rows:
        instrument = instrument_of(row, count, instruments)
        writer.writerow([cell(column.value(row, instrument)) for column in columns])
        count += 1
    return count


def instrument_of(row: Any, number: int, instruments: Mapping[str, Instrument]) -> Instrument:
    """What a row (the one after `number` others) is of.

    Raises:
        ValueError: when its instrument is not known.
    """
    instrument = instruments.get(row.instrument) if row.instrument else NO_INSTRUMENT
    if instrument is None:
        raise ValueError(
            f"Row {number + 1} is of {row.instrument}, which is not known; nothing was written."
        )
    return instrument


def write_file(
    path: Path,
    columns: Sequence[Column[Any]],
    rows: Iterable[Any],
    instruments: Mapping[str, Instrument],
) -> int:
    """Write a CSV file as a whole; what stood there before stays if anything fails.

    Its folder must be there.

    Raises:
        OSError, ValueError: as `write_rows`; `path` is untouched then.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{next(_NUMBERS)}.part")
    try:
        with temporary.open("x", encoding="utf-8", newline="") as file:
            count = write_rows(file, columns, rows, instruments)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return count


def as_text(
    columns: Sequence[Column[Any]],
    rows: Iterable[Any],
    instruments: Mapping[str, Instrument],
) -> str:
    """The same as a text, for the clipboard and standard output."""
    file = io.StringIO(newline="")
    write_rows(file, columns, rows, instruments)
    return file.getvalue()


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a file that `write_file` made, formula guards taken off again.

    Raises:
        ValueError: naming file and line, when a row does not have the header's cells or the
            file is not UTF-8.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            header = next(reader, None)
            if header is None:
                raise ValueError(f"{path}: the file is empty; export it again.")
            for row in reader:
                if len(row) != len(header):
                    raise ValueError(
                        f"{path}, line {reader.line_num}: {len(row)} cells instead of "
                        f"{len(header)}; the file was changed or cut, export it again."
                    )
                yield {
                    name: text[1:] if text.startswith("'") else text
                    for name, text in zip(header, row, strict=True)
                }
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(
                f"{path}, line {reader.line_num + 1}: {error}; export it again."
            ) from error
