"""Fuzzing guided by coverage: ``python -m tests.faults.fuzz [TARGET ...] [--seconds 60]``.

Inputs that reach lines of the program which none before has reached are kept and changed further.
What breaks a target is made smaller, written into ``tests/faults/findings`` as ``TARGET-HASH`` and
taken by the tests from then on; the exit code is 1 then. Memory that keeps growing is a fault too.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import logging
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path
from random import Random
from types import CodeType, FrameType
from typing import Any

import psutil

from tests.faults.inputs import damage
from tests.faults.targets import TARGETS, take

FINDINGS = Path(__file__).parent / "findings"
ROOT = Path(__file__).resolve().parents[2]
OURS = tuple(str(ROOT / part) + os.sep for part in ("core", "app"))
MOST_GROWTH = 50 << 20


class Coverage:
    """Which lines of the program were reached, and whether the last input reached new ones."""

    def __init__(self) -> None:
        self.lines: set[tuple[CodeType, int]] = set()
        self._ours: dict[CodeType, bool] = {}

    def __enter__(self) -> Coverage:
        sys.settrace(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _call(self, frame: FrameType, event: str, arg: Any) -> Any:
        code = frame.f_code
        ours = self._ours.get(code)
        if ours is None:
            ours = self._ours[code] = code.co_filename.startswith(OURS)
        return self._line if ours else None

    def _line(self, frame: FrameType, event: str, arg: Any) -> Any:
        self.lines.add((frame.f_code, frame.f_lineno))
        return self._line


def broken(name: str, data: bytes, folder: Path) -> str:
    """What went wrong, in a line; empty when nothing did."""
    try:
        take(name, data, folder)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno}: {error}"[:400]
    return ""


def smaller(name: str, data: bytes, folder: Path, rounds: int = 300) -> bytes:
    """A part of the input that still breaks the target in the same place."""
    place = broken(name, data, folder).split(": ")[0]
    size = len(data) // 2
    while size and rounds:
        at = 0
        while at < len(data) and rounds:
            rounds -= 1
            less = data[:at] + data[at + size :]
            if broken(name, less, folder).split(": ")[0] == place:
                data = less
            else:
                at += size
        size //= 2
    return data


def fuzz(
    name: str, seconds: float, seed: int, findings: Path = FINDINGS, most: int = 1 << 62
) -> list[str]:
    """Fuzz one target, with `most` inputs; returns a line for each new way to break it."""
    rng = Random(seed)
    corpus = list(TARGETS[name].seeds())
    coverage, found = Coverage(), {}
    process = psutil.Process()
    count = grown = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for data in corpus:
            assert not broken(name, data, folder), broken(name, data, folder)
        end = time.monotonic() + seconds
        memory = 0
        while time.monotonic() < end and count < most:
            data = damage(rng.choice(corpus), rng) if count else corpus[0]
            if len(corpus) > 1 and rng.random() < 0.1:
                other = rng.choice(corpus)
                data = data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]
            before = len(coverage.lines)
            with coverage:
                problem = broken(name, data[:100_000], folder)
            count += 1
            if problem and problem.split(": ")[0] not in found:
                found[problem.split(": ")[0]] = problem
                findings.mkdir(exist_ok=True)
                least = smaller(name, data, folder)
                mark = hashlib.sha256(least).hexdigest()[:8]
                (findings / f"{name.replace(' ', '_')}-{mark}").write_bytes(least)
            elif len(coverage.lines) > before:
                corpus.append(data)
                grown += 1
            if count == 300:  # everything is imported and cached by now
                gc.collect()
                memory = process.memory_info().rss
    gc.collect()
    growth = process.memory_info().rss - memory if memory else 0
    print(
        f"{name}: {count:,} inputs, {len(coverage.lines):,} lines, {grown} kept,"
        f" {growth / (1 << 20):+.1f} MB, {len(found)} faults",
        flush=True,
    )
    if growth > MOST_GROWTH:
        found["memory"] = f"memory grew by {growth >> 20} MB"
    return [f"{name}: {problem}" for problem in found.values()]


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    logging.disable()
    if unknown := set(given.targets) - TARGETS.keys():
        parser.error(f"there is no target {', '.join(unknown)}; choose of {', '.join(TARGETS)}")
    problems = []
    for name in given.targets or TARGETS:
        problems += fuzz(name, given.seconds, given.seed)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
