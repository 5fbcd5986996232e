"""Check the installation and this machine, and say what is missing and how to get it."""

from __future__ import annotations

import argparse

from app.commands import words

SUMMARY = "check the installation and say what is missing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How to print, and which data folder to look at."""
    words.add_data_dir(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")


def run(options: argparse.Namespace) -> int:
    """Print one line for each check; the exit code is 1 when one failed."""
    from app.doctor import run as check

    return check(options.data_dir, as_json=options.json)
