"""What a strategy's process tells its engine beside the bus: one JSON object a line.

The words go over a pipe of their own (the process's first standard output); what a strategy
prints goes to its log instead.
"""

from __future__ import annotations

import msgspec


class Beat(msgspec.Struct, tag=True, frozen=True):
    """The strategy's loop is alive. `handled` counts events so far."""

    handled: int


class Loaded(msgspec.Struct, tag=True, frozen=True):
    """The strategy's class was found and takes these parameters (all of them, as text)."""

    params: dict[str, str]


class Started(msgspec.Struct, tag=True, frozen=True):
    """The strategy runs."""


class Signal(msgspec.Struct, tag=True, frozen=True):
    """What the strategy sees, for the trader."""

    text: str


class Failed(msgspec.Struct, tag=True, frozen=True):
    """The strategy cannot go on; a sentence. The process ends after it."""

    text: str


HostWord = Beat | Loaded | Started | Signal | Failed

_decode = msgspec.json.Decoder(HostWord).decode


def write_word(word: HostWord) -> bytes:
    """A word as a line."""
    return msgspec.json.encode(word) + b"\n"


def read_word(line: bytes) -> HostWord | None:
    """A line as a word; None for anything else."""
    try:
        word: HostWord = _decode(line)
        return word
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
