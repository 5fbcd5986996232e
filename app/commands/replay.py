"""Open the trading terminal on a recorded market and play it at any speed."""

from __future__ import annotations

import argparse

from app.commands import terminal, words

SUMMARY = "the terminal on a recorded market"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The recording, how it is played, and the terminal's own words."""
    parser.add_argument(
        "replay",
        type=words.existing_file,
        metavar="FILE",
        help="a raw Binance stream, a US equity tick file, a recording of this program, or CSV of"
        " trades or quotes; may be compressed with gzip",
    )
    words.add_playback(parser)
    terminal.add_window(parser)
    parser.set_defaults(seed=1, instruments=None, rate=None)


def run(options: argparse.Namespace) -> int:
    """Open the window on the recording; returns when it was closed."""
    return terminal.run(options)
