"""Run the engine alone: market data, orders, risk and journal, for terminals elsewhere."""

from __future__ import annotations

import argparse

from app.commands import words
from app.errors import UserError

SUMMARY = "the engine alone, for terminals that attach to it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the engine listens, keeps its journal, and which market it is on."""
    words.add_data_dir(parser)
    words.add_market(parser)
    parser.add_argument(
        "--endpoint",
        type=words.address,
        metavar="ADDRESS",
        help="where to listen, e.g. tcp://127.0.0.1:5555 (default: a local socket in the data"
        " folder)",
    )
    parser.add_argument(
        "--config", type=words.existing_file, metavar="FILE", help="settings of the engine"
    )
    parser.add_argument(
        "--replay",
        type=words.existing_file,
        metavar="FILE",
        help="a recorded market instead of the simulated one",
    )
    words.add_playback(parser)


def run(options: argparse.Namespace) -> int:
    """Run until told to stop. Raises UserError when its words do not fit together."""
    if options.replay is None and (options.speed != 1.0 or options.start is not None):
        raise UserError("--speed and --start are about a recording: name it with --replay FILE")
    from core.services.engine_main import main

    return main(options)
