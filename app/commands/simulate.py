"""Run the whole engine on virtual time, seed after seed, with faults, and check that it holds.

Each seed chooses a market, orders and faults: messages late, twice and lost, connections that break
at any byte, crashes and losses of power at any moment, disks that fail, clocks that jump. After
every step the books are checked against themselves, the journal and the venues' own truth.

A long run may be ended at any time and gone on with:

    python main.py simulate --seeds 100000 --jobs 8 --resume seeds.json
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from app.commands import words
from app.errors import UserError

if TYPE_CHECKING:
    from core.simulation.kept import Totals

_FAULTS = "what went wrong on purpose, and how often:"
_COVERED = "what else happened, and how often:"
_LOGGED_SECONDS = 30.0  # between lines of progress where no screen shows them

SUMMARY = "the engine on virtual time, with faults, by seeds"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many seeds, or which one."""
    count, seed = words.whole_number(1, 10**9), words.whole_number(0, 2**63 - 1)
    parser.add_argument("--seeds", type=count, default=2_000, metavar="N", help="how many")
    parser.add_argument(
        "--from", type=seed, default=0, dest="first", metavar="K", help="first seed"
    )
    parser.add_argument("--seed", type=seed, metavar="K", help="only this one, shrunk if it fails")
    parser.add_argument(
        "--only", type=_numbers, metavar="STEPS", help="with --seed: only these steps, as 3,17,42"
    )
    parser.add_argument("--trace", action="store_true", help="with --seed: tell all that happens")
    parser.add_argument("--steps", type=count, metavar="N", help="steps of each seed")
    parser.add_argument("--jobs", type=count, default=0, metavar="N", help="processes")
    parser.add_argument(
        "--failures", type=count, default=1, metavar="N", help="end after so many failing seeds"
    )
    parser.add_argument(
        "--resume", type=Path, metavar="FILE", help="keep what is done there; go on from there"
    )
    parser.add_argument("--verbose", action="store_true", help="count all else that happened, too")


def run(options: argparse.Namespace) -> int:
    """Simulate; the exit code is 1 when anything was wrong.

    Raises UserError when its words do not fit together.
    """
    from core.simulation.plan import STEPS

    steps = options.steps or STEPS
    if options.seed is None and (options.only is not None or options.trace):
        raise UserError("--only and --trace are about one seed: name it with --seed K")
    if options.only is not None and max(options.only) >= steps:
        raise UserError(f"--only: there is no step {max(options.only)}; they are 0 to {steps - 1}")
    if options.seed is not None:
        return _one(options, steps)
    return _many(options, steps)


def _one(options: argparse.Namespace, steps: int) -> int:
    from core.simulation.seeds import replay

    outcome = replay(options.seed, steps, options.only, print if options.trace else None)
    print(
        f"seed {outcome.seed}: {outcome.steps} steps, {outcome.turns:,} turns of the loop,"
        f" {outcome.seconds:.1f} virtual seconds, trace {outcome.trace}"
    )
    _print_counts(_FAULTS, outcome.faults)
    if options.verbose:
        _print_counts(_COVERED, outcome.covered)
    if not outcome.broken:
        print("all is well")
        return 0
    print(f"WRONG: {outcome.broken}")
    if options.only is None:
        _print_shrunk(outcome, steps)
    return 1


def _many(options: argparse.Namespace, steps: int) -> int:
    from core.simulation.seeds import run_seeds

    began = told = time.monotonic()
    before = 0  # seeds of an earlier run that is gone on with
    screen = sys.stderr.isatty()
    known: set[int] = set()

    def progress(totals: Totals) -> None:
        nonlocal told, before
        now = time.monotonic()
        for outcome in totals.failed:
            if outcome.seed not in known:
                known.add(outcome.seed)
                text = f"seed {outcome.seed} FAILED: {outcome.broken}"
                print(f"\r{text:<78}" if screen else text, file=sys.stderr, flush=True)
        if told == began:
            told, before = now, totals.seeds
        if now - told >= (0.5 if screen else _LOGGED_SECONDS):
            told = now
            line = _line(totals, before, now - began, options.seeds)
            line = f"\r{line:<78}" if screen else f"{line}\n"
            print(line, end="", file=sys.stderr, flush=True)

    # Ended by either signal, what is done is kept.
    handler = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        totals = run_seeds(
            options.first,
            options.seeds,
            steps,
            options.jobs,
            progress,
            options.failures,
            options.resume,
        )
    except ValueError as error:
        raise UserError(str(error)) from None
    except KeyboardInterrupt:
        where = "" if options.resume is None else f" What was done is kept in {options.resume}."
        print(f"\nInterrupted.{where}", file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGTERM, handler)
    if screen:
        print(f"\r{'':<78}\r", end="", file=sys.stderr, flush=True)
    print(_line(totals, before, time.monotonic() - began, options.seeds))
    _print_counts(_FAULTS, totals.faults)
    if options.verbose:
        _print_counts(_COVERED, totals.covered)
    for outcome in totals.failed:
        print(f"\nseed {outcome.seed} FAILED: {outcome.broken}")
        _print_shrunk(outcome, steps)
    return 1 if totals.failed else 0


def _line(totals: Totals, before: int, seconds: float, wanted: int) -> str:
    rate = (totals.seeds - before) / max(seconds, 1e-3)
    return (
        f"{totals.seeds:,} of {wanted:,} seeds, {rate:.1f}/s,"
        f" {totals.steps:,} steps, {totals.seconds:,.0f} virtual seconds,"
        f" {len(totals.failed)} failed"
    )


def _print_counts(title: str, counts: dict[str, int]) -> None:
    print(title)
    for name in sorted(counts, key=lambda name: (-counts[name], name)):
        print(f"  {counts[name]:>9,}  {name}")


def _print_shrunk(outcome: object, steps: int) -> None:
    from core.simulation.plan import STEPS
    from core.simulation.seeds import shorten
    from core.simulation.world import Outcome

    assert isinstance(outcome, Outcome)
    shrunk = shorten(outcome, steps)
    more = "" if steps == STEPS else f" --steps {steps}"
    numbers = ",".join(map(str, shrunk.numbers))
    print(f"it takes {len(shrunk.numbers)} of its {outcome.steps} steps: {shrunk.outcome.broken}")
    print("\n".join(shrunk.lines))
    seed = f"python main.py simulate --seed {outcome.seed}{more}"
    print(f"again:   {seed}\nshorter: {seed} --only {numbers} --trace")


def _numbers(text: str) -> list[int]:
    """Numbers of steps, as 3,17,42."""
    one = words.whole_number(0, 10**9)
    return [one(word) for word in text.split(",")]
