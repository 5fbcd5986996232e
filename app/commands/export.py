"""Write orders, fills or positions of the journal as CSV, without a running terminal."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.commands import words

SUMMARY = "orders, fills or positions as CSV"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to write, of which time and account, and where to."""
    parser.add_argument("what", choices=("orders", "fills", "positions"), help="what to write")
    words.add_data_dir(parser)
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="the file to write (default: standard output)"
    )
    parser.add_argument(
        "--from",
        dest="from_ts",
        type=words.utc_nanoseconds,
        metavar="TIME",
        help="leave out what is older, e.g. 2026-11-05 or 2026-11-05T14:30:00 (UTC)",
    )
    parser.add_argument(
        "--to",
        dest="to_ts",
        type=words.utc_nanoseconds,
        metavar="TIME",
        help="leave out this time and what is newer (UTC)",
    )
    parser.add_argument("--account", metavar="NAME", help="of this account only")
    parser.add_argument("--format", choices=("csv",), default="csv", help="default csv")


def run(options: argparse.Namespace) -> int:
    """Write the file; the exit code is 1 when the journal cannot be read."""
    from core.reporting.export import main

    return main(options)
