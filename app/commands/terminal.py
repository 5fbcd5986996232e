"""Open the trading terminal on the built-in simulated market."""

from __future__ import annotations

import argparse

from app.commands import words

SUMMARY = "the trading terminal on the built-in simulated market"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The terminal's words; `options.replay` is None, for `replay` sets it."""
    words.add_market(parser)
    add_window(parser)
    parser.set_defaults(replay=None, speed=1.0, start=None)


def add_window(parser: argparse.ArgumentParser) -> None:
    """Words of whatever opens a terminal's window."""
    words.add_data_dir(parser)
    parser.add_argument(
        "--theme", choices=("dark", "light"), help="colours (default: as last time)"
    )
    parser.add_argument(
        "--placement",
        choices=("embedded", "inline", "remote"),
        default="embedded",
        help="where the engine runs: in a process that this terminal starts and watches, in this"
        " process (simplest, but they hold each other up), or elsewhere at --endpoint, whose"
        " secret is in OUTCRY_TOKEN (default embedded)",
    )
    parser.add_argument(
        "--endpoint",
        type=words.address,
        metavar="ADDRESS",
        help="of a running engine, e.g. tcp://127.0.0.1:5555; needs --placement remote",
    )
    parser.add_argument(
        "--screenshot",
        type=words.file_to_write,
        metavar="FILE",
        help="write a picture of the window to this PNG file once it shows prices, and go on",
    )
    parser.add_argument(
        "--exit-after",
        type=words.positive_number,
        metavar="SECONDS",
        help="end by itself after this time",
    )
    parser.add_argument(
        "--offscreen", action="store_true", help="run without a display; the window is drawn unseen"
    )


def run(options: argparse.Namespace) -> int:
    """Open the window; returns when it was closed."""
    check_endpoint(options)
    from app.terminal import run as open_terminal

    return open_terminal(options)


def check_endpoint(options: argparse.Namespace) -> None:
    """An address and a remote placement come together or not at all. Raises UserError."""
    from app.errors import UserError

    if (options.placement == "remote") != (options.endpoint is not None):
        raise UserError("--placement remote and --endpoint ADDRESS need each other: give both")
