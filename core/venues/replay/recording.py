"""Open a recorded market, whatever its format, and look things up in it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np

from core.model.market import TradeHistory
from core.venues.replay import binance, framed, lean, table
from core.venues.replay.contents import Contents
from core.venues.replay.events import EventLog, Ints, Levels
from core.venues.replay.exact import shown
from core.venues.replay.ladder import ASK, BID
from core.venues.replay.problems import Problem, Problems, RecordingError
from core.venues.replay.sources import head

SILENCE = 60_000_000_000
"""A stretch of more ns than this, and of more than 100 times the average from one event to the
next, in which not one event of any instrument was recorded is a hole in the recording."""

CHECKPOINTS = 256
CHECKPOINT_EVENTS = 4096


class Recording:
    """A recorded market, read and checked.

    Attributes:
        file: name of the file.
        venue: name of the venue it comes from; ``REPLAY`` when it holds several.
        instruments: what is in it; their `venue` is `venue`.
        problems: what was wrong and left out, the first 200; `problem_count` counts all.
        notes: sentences about what the file is.
        start, end: UTC ns of the first and last event.
        log: the events.
    """

    def __init__(self, file: str, contents: Contents, problems: Problems) -> None:
        self.file = file
        venues = {instrument.venue for instrument in contents.instruments}
        self.venue = venues.pop() if len(venues) == 1 else "REPLAY"
        self.instruments = tuple(
            msgspec.structs.replace(instrument, venue=self.venue)
            for instrument in contents.instruments
        )
        self.knowledge = contents.knowledge
        self.log = contents.log
        self.problems: list[Problem] = problems.first
        self.problem_count = problems.count
        self.notes = contents.notes
        self.start = int(self.log.at[0])
        self.end = int(self.log.at[-1])
        self._history = contents.history
        silences = _silences(self.log.at)
        self._gaps = [
            tuple(sorted((*contents.gaps.get(owner, ()), *silences)))
            for owner in range(len(self.instruments))
        ]
        self._checkpoints = _Checkpoints(self.log)

    def __len__(self) -> int:
        return len(self.log)

    def summary(self) -> str:
        """A sentence: what, from when to when, how much, and how much was left out."""
        names = ", ".join(instrument.id for instrument in self.instruments[:4])
        more = "" if len(self.instruments) <= 4 else f" and {len(self.instruments) - 4} more"
        text = (
            f"{self.file}: {names}{more}, {shown(self.start)} to {shown(self.end)},"
            f" {len(self.log):,} events"
        )
        if self.problem_count:
            text += f"; {self.problem_count:,} problems, the first: {self.problems[0]}"
        return text + "."

    def books_at(self, index: int) -> list[Levels]:
        """All levels of each instrument's book as it stood before event `index`."""
        return self._checkpoints.books(index)

    def history_before(self, instrument: int, index: int) -> TradeHistory:
        """Every trade of an instrument before event `index`."""
        columns = self.log.trades_before(instrument, index)
        older = self._history.get(instrument)
        if older is not None:
            columns = tuple(  # type: ignore[assignment]
                np.concatenate(pair) for pair in zip(older, columns, strict=True)
            )
        ts, price, qty, aggressor = (column.astype("<i8").tobytes() for column in columns)
        gaps = self._gaps[instrument]
        return TradeHistory(self.instruments[instrument].id, ts, price, qty, aggressor, gaps)

    def has_history(self, instrument: int) -> bool:
        """Does the file hold trades from before its first event, or has it gaps to tell of?"""
        return instrument in self._history or bool(self._gaps[instrument])


def _silences(at: Ints) -> tuple[tuple[int, int], ...]:
    """Stretches in which nothing at all was recorded, far longer than usual: holes."""
    if len(at) < 2:
        return ()
    usual = (int(at[-1]) - int(at[0])) // (len(at) - 1)
    least = max(SILENCE, 100 * usual)
    return tuple((int(at[n]), int(at[n + 1])) for n in np.flatnonzero(np.diff(at) > least))


class _Checkpoints:
    """Whole books at regular places in the log, so that any place is few changes away."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._every = max(CHECKPOINT_EVENTS, len(log) // CHECKPOINTS)
        self._saved: list[list[tuple[Ints, Ints]]] = []
        state: list[dict[int, int]] = [{} for _ in log.ids]
        for place in range(0, len(log), self._every):
            self._saved.append([_packed(book) for book in state])
            self._apply(state, place, min(place + self._every, len(log)))

    def books(self, index: int) -> list[Levels]:
        which = min(index // self._every, len(self._saved) - 1)
        state = [
            dict(zip(keys.tolist(), sizes.tolist(), strict=True))
            for keys, sizes in self._saved[which]
        ]
        self._apply(state, which * self._every, index)
        return [[(*_level(key), size) for key, size in book.items()] for book in state]

    def _apply(self, state: list[dict[int, int]], start: int, stop: int) -> None:
        for _, owner, snapshot, levels in self._log.book_changes(start, stop):
            book = state[owner]
            if snapshot:
                book.clear()
            for side, price, size in levels:
                key = price if side == BID else -price
                if size:
                    book[key] = size
                else:
                    book.pop(key, None)


def _packed(book: dict[int, int]) -> tuple[Ints, Ints]:
    return np.array(list(book), np.int64), np.array(list(book.values()), np.int64)


def _level(key: int) -> tuple[int, int]:
    return (BID, key) if key > 0 else (ASK, -key)


def open_recording(
    path: str | Path | Iterable[str | Path],
    *,
    tick: Decimal | None = None,
    lot: Decimal | None = None,
    currency: str = "",
    venue: str = "",
) -> Recording:
    """Read a recording; its first bytes tell the format.

    Raw Binance streams, US equity tick files (the trade file is found beside the quote file and
    the other way round), the terminal's own recordings, and CSV of trades or quotes, each plain
    or gzip, the equity files also zip. `tick`, `lot`, `currency` and `venue` say for CSV what it
    cannot say itself. It takes a while for a large file: call it in a thread.

    Raises:
        RecordingError: when nothing in it can be played; the text says why and what to do.
    """
    paths = [Path(path)] if isinstance(path, str | Path) else [Path(one) for one in path]
    if not paths:
        raise RecordingError("No file was named; give the recording to play.")
    first = paths[0]
    if first.is_dir():
        raise RecordingError(f"{first} is a folder; name a recorded file in it.")
    if not first.exists():
        raise RecordingError(f"{first} does not exist; check the name.")
    problems = Problems()
    start = head(first)
    line = next((text.strip() for text in start.splitlines() if text.strip()), b"")
    if start.startswith(framed.MAGIC):
        contents = framed.read(_only(paths), problems)
    elif binance.recognise(line):
        contents = binance.read(_only(paths), problems)
    elif lean.recognise(first, line):
        paths = lean.together(paths)
        contents = lean.read(paths, problems)
    elif table.recognise(line):
        contents = table.read(_only(paths), problems, table.Given(tick, lot, currency, venue))
    else:
        raise RecordingError(
            f"{first} is none of the formats that replay knows: raw Binance stream lines, US"
            " equity tick files, this program's own recordings, CSV of trades or quotes with a"
            " header row such as “time,price,qty” or “time,bid,bid_qty,ask,ask_qty”."
        )
    if not len(contents.log):
        first_problem = f" First problem: {problems.first[0]}." if problems.first else ""
        raise RecordingError(f"{first} holds no event that can be played.{first_problem}")
    return Recording(" + ".join(path.name for path in paths), contents, problems)


def _only(paths: list[Path]) -> Path:
    if len(paths) > 1:
        raise RecordingError(
            f"{paths[0]} is played alone; only US equity tick files are joined. Name one file."
        )
    return paths[0]
