"""The command line: `main` finds the command, parses its words and runs it.

A command is a module of `app.commands` with

    SUMMARY                      one line for the list of commands
    add_arguments(parser)        its words, with help
    run(options) -> int          what it does; the exit code

Only `run` may import what takes time, so that `--help` answers at once. A `UserError` raised by
a command is the user's to mend: its sentence is printed without a traceback.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from app.errors import UserError

COMMANDS = (
    "terminal",
    "replay",
    "engine",
    "export",
    "journal",
    "simulate",
    "bench",
    "doctor",
)
DEFAULT = "terminal"

_EPILOG = "Each command has its own --help. Without a command the terminal opens."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 on success, 1 when it failed, 2 when its words are wrong."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
        words.insert(0, DEFAULT)
    options = build_parser(words[0]).parse_args(words)
    try:
        return int(options.run(options))
    except UserError as error:
        print(f"outcry: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # Whoever read our output has enough; what is still buffered must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13


def build_parser(chosen: str = "") -> argparse.ArgumentParser:
    """The parser of all commands; when one is `chosen`, only that one learns its words."""
    parser = argparse.ArgumentParser(
        prog="outcry",
        description="A desktop trading terminal on an embedded, event-driven engine.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"outcry {_version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"app.commands.{name}")
        summary = module.SUMMARY + (" (default)" if name == DEFAULT else "")
        command = commands.add_parser(name, help=summary, description=module.__doc__)
        if chosen in ("", name):
            module.add_arguments(command)
            command.set_defaults(run=module.run, command=name)
    return parser


def _version() -> str:
    try:
        return version("outcry")
    except PackageNotFoundError:
        return "(not installed)"
