"""Which trades the tape shows: those of at least a size, live or held still. No Qt."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from core.client.series import Tape
from core.model.instruments import Instrument
from widgets.words import format_price, format_qty

KEPT = 20_000
"""Most trades kept in the list."""

_SAMPLE = 500
_TIMES_USUAL = 8


class Print(NamedTuple):
    """One trade as shown. `move` is +1 or -1 when its price differs from the trade before it."""

    number: int
    price: int
    qty: int
    side: int
    move: int
    time: str
    price_text: str
    qty_text: str


class Prints:
    """The trades of one tape that pass the filter, oldest first.

    Attributes:
        least: smallest quantity shown, in lots.
        total: trades that passed since the beginning; only the last `KEPT` are kept.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.least = 0
        self.total = 0
        self._numbers: list[int] = []
        self._next = 0
        self._tape: Tape | None = None
        self._version = -1
        self._made: dict[int, Print] = {}
        self._texts: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def take(self, tape: Tape) -> int:
        """Take in new trades; returns how many of them passed the filter."""
        if tape is not self._tape:
            self._tape, self._version = tape, -1
            self._next = tape.first
            self._numbers, self._made, self.total = [], {}, 0
        if tape.version == self._version:
            return 0
        self._version = tape.version
        begin = max(self._next, tape.first)
        passed = self._passing(tape, begin)
        self._next = tape.first + len(tape)
        self._numbers.extend(passed)
        self.total += len(passed)
        if len(self._numbers) > KEPT + 1_000:
            del self._numbers[:-KEPT]
        return len(passed)

    def set_least(self, lots: int) -> None:
        """Show only trades of at least this size; what is kept is filtered anew."""
        self.least = lots
        tape = self._tape
        if tape is None:
            return
        self._numbers = self._passing(tape, tape.first)[-KEPT:]
        self.total = len(self._numbers)
        self._made.clear()

    def row(self, back: int) -> Print | None:
        """The trade so many places before the newest one."""
        if not 0 <= back < len(self._numbers) or self._tape is None:
            return None
        number = self._numbers[-1 - back]
        made = self._made.get(number)
        if made is None:
            if len(self._made) > 4_000:
                self._made.clear()
            made = self._made[number] = self._make(number, back)
        return made

    def large(self) -> int:
        """Size in lots from which a trade counts as large: several times the usual one."""
        tape = self._tape
        if tape is None or not len(tape):
            return 0
        usual = float(np.median(tape["qty"][-_SAMPLE:]))
        return max(int(usual * _TIMES_USUAL), 2)

    def _passing(self, tape: Tape, begin: int) -> list[int]:
        sizes = tape["qty"][begin - tape.first :]
        found = np.flatnonzero(sizes >= self.least) if self.least > 1 else np.arange(len(sizes))
        numbers: list[int] = (found + begin).tolist()
        return numbers

    def _make(self, number: int, back: int) -> Print:
        tape = self._tape
        assert tape is not None
        at = max(number - tape.first, 0)
        price, qty = int(tape["price"][at]), int(tape["qty"][at])
        before = price
        if back + 1 < len(self._numbers):
            earlier = self._numbers[-2 - back] - tape.first
            before = int(tape["price"][earlier]) if earlier >= 0 else price
        ts = int(tape["ts"][at])
        seconds = ts // 1_000_000_000
        clock = (
            f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
            f".{ts // 1_000_000 % 1000:03d}"
        )
        if len(self._texts) > 4_000:
            self._texts.clear()
        text = self._texts.get(price)
        if text is None:
            text = self._texts[price] = format_price(price, self.instrument)
        return Print(
            number,
            price,
            qty,
            int(tape["aggressor"][at]),
            (price > before) - (price < before),
            clock,
            text,
            format_qty(qty, self.instrument),
        )
