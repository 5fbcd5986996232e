"""What is wrong with a recording, told by line, and how much of it."""

from __future__ import annotations

from typing import NamedTuple

KEPT = 200
"""Problems that are kept word for word; the rest are only counted."""


class RecordingError(Exception):
    """The file cannot be played at all; the text is a sentence with the remedy."""


class Problem(NamedTuple):
    """One thing wrong at `line` of `file` (the first is 1; for the terminal's own recordings the
    number of the record; 0 for the file as a whole). What it names was left out.
    """

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{where}: {self.text}"


class Problems:
    """Collects what was wrong while a recording is read; bounded, with a true count."""

    def __init__(self) -> None:
        self.first: list[Problem] = []
        self.count = 0

    def add(self, file: str, line: int, text: str) -> None:
        """Note one problem."""
        self.count += 1
        if len(self.first) < KEPT:
            self.first.append(Problem(file, line, text))
