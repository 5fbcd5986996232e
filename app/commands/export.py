"""Write orders, fills, positions or cash as CSV or Parquet; a terminal may be running or not.

The rows come from the records, which are brought to the journal's end before.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from app.commands import words
from app.errors import UserError

if TYPE_CHECKING:
    from core.storage.reading import Records

SUMMARY = "orders, fills, positions or cash as CSV or Parquet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to write, of which engine, time and account, in which form, and where to."""
    parser.add_argument(
        "what", choices=("orders", "fills", "positions", "cash"), help="what to write"
    )
    words.add_data_dir(parser)
    parser.add_argument(
        "--engine",
        metavar="NAME",
        default="paper",
        help="whose journal: a folder of DIR/engines (default: paper, the simulated market)",
    )
    parser.add_argument(
        "--output",
        type=words.file_to_write,
        metavar="FILE",
        help="the file to write, in a folder that is there (default: standard output)",
    )
    parser.add_argument(
        "--from",
        dest="from_ts",
        type=words.utc_nanoseconds,
        metavar="TIME",
        help="leave out what last changed before, e.g. 2026-11-05 or 2026-11-05T14:30:00 (UTC)",
    )
    parser.add_argument(
        "--to",
        dest="to_ts",
        type=words.utc_nanoseconds,
        metavar="TIME",
        help="everything as it was just before this time (UTC; default: as it is now)",
    )
    parser.add_argument("--account", metavar="NAME", help="of this account only")
    parser.add_argument(
        "--format",
        choices=("csv", "parquet"),
        default="csv",
        help="default csv; parquet needs --output",
    )


def run(options: argparse.Namespace) -> int:
    """Write the table. Raises UserError when journal, records or file cannot be used."""
    from core.journal.errors import JournalError
    from core.services.bookkeeper import catch_up
    from core.services.options import default_data_dir
    from core.storage.errors import StorageError
    from core.storage.reading import Records
    from core.storage.schema import RECORDS

    if options.format == "parquet" and options.output is None:
        raise UserError("a Parquet file cannot go to standard output; name a file with --output")
    since, until = options.from_ts, options.to_ts
    if since is not None and until is not None and since >= until:
        raise UserError("--from is not before --to, so there is nothing between; swap them")
    engines = (options.data_dir or default_data_dir()) / "engines"
    home = engines / options.engine
    if not (home / "journal").is_dir():
        found = sorted(path.parent.name for path in engines.glob("*/journal"))
        others = f"; there are: {', '.join(found)}" if found else ""
        raise UserError(
            f"{home / 'journal'} does not exist, so no engine called {options.engine!r} has run"
            f" here{others}. Choose one with --engine and --data-dir."
        )
    try:
        catch_up(home)
        with Records(home / RECORDS) as records:
            _check_account(records, options.account)
            _write(records, options)
    except (JournalError, StorageError, ValueError) as error:
        raise UserError(str(error)) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UserError(
            f"{options.output or 'standard output'} cannot be written ({error.strerror});"
            " choose another file with --output."
        ) from error
    return 0


def _check_account(records: Records, account: str | None) -> None:
    """An empty table of an account that never was would look like one that never traded."""
    known = records.accounts()
    if account is not None and account not in known:
        raise UserError(
            f"there is no account called {account!r}; there are: {', '.join(known)}. Choose one"
            " with --account."
        )


def _write(records: Records, options: argparse.Namespace) -> None:
    from core.model.tables import TABLES
    from core.reporting.csv_file import write_file, write_rows
    from core.reporting.parquet_file import write_parquet
    from core.storage.reading import Span

    read: Callable[[Span], Iterator[Any]] = getattr(records, options.what)
    rows = read(Span(options.from_ts, options.to_ts, options.account))
    columns, instruments = TABLES[options.what].columns, records.instruments()
    if options.output is None:
        text = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="")
        try:
            write_rows(text, columns, rows, instruments)
            text.flush()
        finally:
            text.detach()
        return
    write = write_parquet if options.format == "parquet" else write_file
    count = write(options.output, columns, rows, instruments)
    print(f"{count} {options.what} written to {options.output}", file=sys.stderr)
