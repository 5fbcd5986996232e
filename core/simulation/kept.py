"""What of a long run is done, in a file: ended at any moment, it is gone on with from there."""

from __future__ import annotations

import os
from collections import Counter
from hashlib import blake2b
from pathlib import Path

import msgspec

import core
from core.simulation.world import Outcome


class Totals(msgspec.Struct):
    """What several seeds came to. `failed` are those that broke something, in their order."""

    seeds: int = 0
    steps: int = 0
    turns: int = 0
    seconds: float = 0.0
    faults: dict[str, int] = msgspec.field(default_factory=Counter)
    covered: dict[str, int] = msgspec.field(default_factory=Counter)
    failed: list[Outcome] = msgspec.field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count one."""
        self.seeds += 1
        self.steps += outcome.steps
        self.turns += outcome.turns
        self.seconds += outcome.seconds
        for counts, more in ((self.faults, outcome.faults), (self.covered, outcome.covered)):
            for what, times in more.items():
                counts[what] = counts.get(what, 0) + times
        if outcome.broken:
            self.failed.append(outcome)
            self.failed.sort(key=lambda found: found.seed)


class _Kept(msgspec.Struct):
    code: str
    steps: int
    done: list[tuple[int, int]]
    totals: Totals


class Kept:
    """One run and its file.

    Args:
        path: the file; None: nothing is kept.
        steps: steps of each seed.

    Attributes:
        totals: what all seeds that were done came to.

    Raises:
        ValueError: with a sentence, when the file is of another program or other steps.
    """

    def __init__(self, path: Path | None, steps: int) -> None:
        self._path = path
        self._kept = _Kept(_code() if path is not None else "", steps, [], Totals())
        if path is not None and path.exists():
            self._kept = self._read(path)
        self._done = {seed for first, end in self._kept.done for seed in range(first, end)}

    @property
    def totals(self) -> Totals:
        """What all seeds that were done came to."""
        return self._kept.totals

    def left(self, first: int, end: int, size: int) -> list[range]:
        """The seeds of a stretch that are still to be done, in pieces."""
        pieces = (range(at, min(at + size, end)) for at in range(first, end, size))
        return [piece for piece in pieces if not self._done.issuperset(piece)]

    def add(self, outcomes: list[Outcome]) -> None:
        """A piece is done."""
        for outcome in outcomes:
            if outcome.seed not in self._done:
                self._done.add(outcome.seed)
                self.totals.add(outcome)

    def save(self) -> None:
        """Write the file; it is there whole or as it was."""
        if self._path is None:
            return
        self._kept.done = _stretches(sorted(self._done))
        beside = self._path.with_name(f"{self._path.name}.new")
        beside.write_bytes(msgspec.json.encode(self._kept))
        os.replace(beside, self._path)

    def _read(self, path: Path) -> _Kept:
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
        except msgspec.MsgspecError as error:
            raise ValueError(
                f"{path} is no file of a simulation ({error}). Name another."
            ) from None
        now = self._kept
        if (kept.code, kept.steps) != (now.code, now.steps):
            raise ValueError(
                f"{path} is about another state of the program or other steps: what was found then"
                " does not count now. Remove it or name another file."
            )
        return kept


def _stretches(seeds: list[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for seed in seeds:
        if found and found[-1][1] == seed:
            found[-1] = (found[-1][0], seed + 1)
        else:
            found.append((seed, seed + 1))
    return found


def _code() -> str:
    """Tells the engine's sources from any others."""
    root = Path(core.__file__).parent
    digest = blake2b(digest_size=16)
    for path in sorted(root.rglob("*.py*")):
        if path.suffix in (".py", ".pyx"):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
