"""Measure this machine and print each figure beside its budget."""

from __future__ import annotations

import argparse
import importlib.util

from app.commands import words
from app.errors import UserError

SUMMARY = "measure, and print each figure beside its budget"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which figures to measure, how thoroughly, and where to keep them."""
    parser.add_argument(
        "--json", type=words.file_to_write, metavar="FILE", help="write the figures there too"
    )
    parser.add_argument(
        "--only",
        metavar="PATTERN",
        help="only benches whose name contains this, or else only rows whose name does",
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")


def run(options: argparse.Namespace) -> int:
    """Measure and print; the exit code is 1 when a bench could not run."""
    if importlib.util.find_spec("tests") is None or importlib.util.find_spec("tests.bench") is None:
        raise UserError("the benches are part of the source tree: run this from a checkout of it")
    from tests.bench.runner import main

    return main(json_file=options.json, only=options.only, quick=options.quick)
