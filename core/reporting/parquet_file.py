"""Parquet files of the blotter's tables: the same columns as the CSV files, typed.

Times are ``TIMESTAMP`` in UTC with nanoseconds, yes and no ``BOOLEAN``, everything else text:
decimals are written digit for digit, since no fixed number of decimals holds all prices, fees and
sums exactly (``CAST(price AS DECIMAL(38, 8))`` where some suffice). Compressed with zstd.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

from core.model.instruments import Instrument
from core.model.numbers import plain
from core.model.tables import Column, Instant, Value
from core.reporting.csv_file import instrument_of

_NULL = "\\N"
_NUMBERS = itertools.count()
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": "1",
    "memory_limit": "128MB",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


def write_parquet(
    path: Path,
    columns: Sequence[Column[Any]],
    rows: Iterable[Any],
    instruments: Mapping[str, Instrument],
) -> int:
    """Write a Parquet file as a whole; what stood there before stays if anything fails.

    However many rows there are, they are never all in memory: they go through a file beside `path`
    that is gone afterwards. Returns how many there were.

    Raises:
        OSError, ValueError: as `core.reporting.csv_file.write_file`; `path` is untouched then.
    """
    mark = f"{os.getpid()}-{next(_NUMBERS)}"
    plain_file = path.with_name(f".{path.name}.{mark}.rows")
    temporary = path.with_name(f".{path.name}.{mark}.part")
    try:
        with plain_file.open("x", encoding="utf-8", newline="") as file:
            count, kinds = _write_plain(file, columns, rows, instruments)
        _convert(plain_file, temporary, columns, kinds)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        plain_file.unlink(missing_ok=True)
    return count


def _write_plain(
    file: TextIO,
    columns: Sequence[Column[Any]],
    rows: Iterable[Any],
    instruments: Mapping[str, Instrument],
) -> tuple[int, list[type]]:
    """Rows as text, one a line; and what kind of value each column has."""
    kinds: list[type] = [str] * len(columns)
    count = 0
    for row in rows:
        instrument = instrument_of(row, count, instruments)
        values = [column.value(row, instrument) for column in columns]
        if not count:
            kinds = [type(value) for value in values]
        file.write(",".join(map(_text, values)))
        file.write("\n")
        count += 1
    return count, kinds


def _text(value: Value) -> str:
    match value:
        case None:
            return _NULL
        case bool():
            return "true" if value else "false"
        case Instant():
            return str(int(value)) if value else _NULL
        case Decimal():
            return plain(value)
        case int():
            return str(value)
        case str():
            return '"' + value.replace('"', '""') + '"'


def _convert(
    source: Path, target: Path, columns: Sequence[Column[Any]], kinds: Sequence[type]
) -> None:
    # imported here: it takes a moment, and no other command needs it
    import duckdb

    types = {Instant: "make_timestamp_ns({}::BIGINT)", bool: "{}::BOOLEAN"}
    chosen = ", ".join(
        f"{types.get(kind, '{}').format(_name(column.id))} AS {_name(column.id)}"
        for column, kind in zip(columns, kinds, strict=True)
    )
    fields = ", ".join(f"{_literal(column.id)}: 'VARCHAR'" for column in columns)
    reading = (
        f"read_csv({_literal(str(source))}, columns = {{{fields}}}, header = false,"
        " auto_detect = false, delim = ',', quote = '\"', escape = '\"', new_line = '\\n',"
        f" nullstr = {_literal(_NULL)}, allow_quoted_nulls = false, parallel = false)"
    )
    writing = f"{_literal(str(target))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 30000)"
    try:
        with duckdb.connect(":memory:", config=_SETTINGS) as db:
            # our own column names, and paths as quoted literals
            db.execute(f"COPY (SELECT {chosen} FROM {reading}) TO {writing}")  # noqa: S608
    except duckdb.Error as error:
        raise ValueError(
            f"{target.parent}: the file could not be written ({error}). Free some space or choose"
            " another folder."
        ) from None


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
