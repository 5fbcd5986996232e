"""Command-line words that several commands share, and what their texts are allowed to be."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

MAX_INSTRUMENTS = 5_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FRACTION = re.compile(r"\.(\d{1,9})")
_ADDRESS = re.compile(r"tcp://[^/\s]+:\d{1,5}|ipc://\S+")


def add_market(parser: argparse.ArgumentParser) -> None:
    """`--seed`, `--instruments` and `--rate`: the simulated market."""
    parser.add_argument(
        "--seed",
        type=whole_number(0, 2**63 - 1),
        default=1,
        metavar="N",
        help="seed of the simulated market; the same seed makes the same market (default 1)",
    )
    parser.add_argument(
        "--instruments",
        type=whole_number(2, MAX_INSTRUMENTS),
        default=None,
        metavar="N",
        help="how many instruments the simulated market has, at least 2 (default: a small set)",
    )
    parser.add_argument(
        "--rate",
        type=positive_number,
        default=None,
        metavar="N",
        help="how often a second somebody acts on the simulated market (default 1500)",
    )


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """`--data-dir`: where journal, settings and records are."""
    parser.add_argument(
        "--data-dir",
        type=folder,
        default=None,
        metavar="DIR",
        help="where the journal, workspaces and records are kept (default: the user's data folder)",
    )


def add_playback(parser: argparse.ArgumentParser) -> None:
    """`--speed` and `--start`: how a recording is played."""
    parser.add_argument(
        "--speed",
        type=positive_number,
        default=1.0,
        metavar="FACTOR",
        help="1 is as it was recorded, 10 ten times as fast (default 1)",
    )
    parser.add_argument(
        "--start",
        type=utc_nanoseconds,
        default=None,
        metavar="TIME",
        help="play from this UTC time on, e.g. 2024-08-09T13:30:00 (default: the beginning)",
    )


def whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """A parser of whole numbers from `lowest` to `highest`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = lowest - 1
        if not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number from {lowest} to {highest}"
            )
        return value

    return parse


def positive_number(text: str) -> float:
    """A finite number above zero."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def utc_nanoseconds(text: str) -> int:
    """UTC nanoseconds of an ISO 8601 date or time; without an offset it is taken as UTC."""
    fraction = _FRACTION.search(text)
    whole = _FRACTION.sub("", text, count=1)
    try:
        when = datetime.fromisoformat(whole)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an ISO 8601 time such as 2024-08-09 or 2024-08-09T13:30:00.25"
        ) from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    elapsed = when - _EPOCH
    nanoseconds = (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000_000
    nanoseconds += int(fraction[1].ljust(9, "0")) if fraction else 0
    if not -(2**63) <= nanoseconds < 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is not in the years 1678 to 2261")
    return nanoseconds


def address(text: str) -> str:
    """Where an engine listens."""
    if not _ADDRESS.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no address; one looks like tcp://127.0.0.1:5555 or"
            " ipc:///run/user/1000/outcry/engine.sock"
        )
    return text


def existing_file(text: str) -> Path:
    """A path to a file that is there and may be read."""
    path = os.path.expanduser(text)
    if not os.path.isfile(path):
        what = "a folder, not a file" if os.path.isdir(path) else "not there"
        raise argparse.ArgumentTypeError(f"{text!r} is {what}")
    if not os.access(path, os.R_OK):
        raise argparse.ArgumentTypeError(f"{text!r} may not be read; change its rights")
    return Path(path)


def folder(text: str) -> Path:
    """A path to a folder, which may not be there yet."""
    path = os.path.expanduser(text)
    if os.path.exists(path) and not os.path.isdir(path):
        raise argparse.ArgumentTypeError(f"{text!r} is a file, not a folder")
    return Path(path)


def file_to_write(text: str) -> Path:
    """A path to a file that may be there, in a folder that is: a name mistyped makes no folders."""
    path = os.path.expanduser(text)
    if os.path.isdir(path):
        raise argparse.ArgumentTypeError(f"{text!r} is a folder; name a file in it")
    parent = os.path.dirname(path)
    if parent and not os.path.isdir(parent):
        raise argparse.ArgumentTypeError(
            f"the folder {parent!r} is not there; make it, or choose another"
        )
    return Path(path)
