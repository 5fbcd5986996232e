"""Write orders, fills or positions of the journal as CSV; a terminal may be running or not."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app.commands import words
from app.errors import UserError

if TYPE_CHECKING:
    from core.services.history import History

SUMMARY = "orders, fills or positions as CSV"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to write, of which engine, time and account, and where to."""
    parser.add_argument("what", choices=("orders", "fills", "positions"), help="what to write")
    words.add_data_dir(parser)
    parser.add_argument(
        "--engine",
        metavar="NAME",
        default="paper",
        help="whose journal: a folder of DIR/engines (default: paper, the simulated market)",
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="the file to write (default: standard output)"
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
    parser.add_argument("--format", choices=("csv",), default="csv", help="default csv")


def run(options: argparse.Namespace) -> int:
    """Write the table. Raises UserError when the journal or the file cannot be used."""
    from core.journal.errors import JournalError
    from core.model.tables import TABLES
    from core.reporting.csv_file import as_text, write_file
    from core.services.history import read_history
    from core.services.options import default_data_dir

    engines = (options.data_dir or default_data_dir()) / "engines"
    directory = engines / options.engine / "journal"
    if not directory.is_dir():
        found = sorted(path.parent.name for path in engines.glob("*/journal"))
        others = f"; there are: {', '.join(found)}" if found else ""
        raise UserError(
            f"{directory} does not exist, so no engine called {options.engine!r} has run"
            f" here{others}. Choose one with --engine and --data-dir."
        )
    try:
        history = read_history(directory, options.to_ts)
        rows = _rows(history, options)
        columns = TABLES[options.what].columns
        if options.output is None:
            text = as_text(columns, rows, history.instruments)
            sys.stdout.buffer.write(text.encode())
            sys.stdout.buffer.flush()
        else:
            count = write_file(options.output, columns, rows, history.instruments)
            print(f"{count} {options.what} written to {options.output}", file=sys.stderr)
    except (JournalError, ValueError) as error:
        raise UserError(str(error)) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UserError(
            f"{options.output or 'standard output'} cannot be written ({error.strerror});"
            " choose another file with --output."
        ) from error
    return 0


def _rows(history: History, options: argparse.Namespace) -> list[object]:
    rows: list[object] = []
    since = options.from_ts if options.from_ts is not None else -(2**63)
    if options.what == "orders":
        rows += [order for order in history.orders.values() if order.updated >= since]
    elif options.what == "fills":
        rows += [fill for fill in history.fills if fill.ts >= since]
    else:
        rows += [position for position in history.positions if position.ts >= since]
    if options.account is not None:
        rows = [row for row in rows if getattr(row, "account", None) == options.account]
    return rows
