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
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NoReturn

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
    parser = build_parser(words[0])
    if words[0] not in COMMANDS and not words[0].startswith("-"):
        parser.error(f"there is no command {words[0]!r}.{_meant(words[0], COMMANDS)}")
    options = parser.parse_args(words)
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


class Parser(argparse.ArgumentParser):
    """A parser whose complaints come with the usage of the very command that they are about."""

    def __init__(self, **words: Any) -> None:
        super().__init__(allow_abbrev=False, **words)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As ever, but what is not known is a mistake already here, not in the parser above."""
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(self._not_known(unknown[0]))
        return options, unknown

    def error(self, message: str) -> NoReturn:
        """End with usage and sentence."""
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {message}\nAll its words: {self.prog} --help\n")

    def _not_known(self, word: str) -> str:
        name = word.partition("=")[0]
        if not name.startswith("-"):
            return f"{word!r} is one word too many."
        known = [option for action in self._actions for option in action.option_strings]
        return f"there is no option {name}.{_meant(name, known)}"


def _meant(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, 1)
    return f" Did you mean {close[0]}?" if close else ""


def build_parser(chosen: str = "") -> Parser:
    """The parser of all commands; when one is `chosen`, only that one learns its words."""
    parser = Parser(
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
