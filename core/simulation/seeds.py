"""Many seeds on several processors, and what came of them."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from core.simulation.kept import Kept, Totals
from core.simulation.plan import STEPS, make_plan
from core.simulation.shrink import shrink
from core.simulation.world import Outcome, simulate

_AT_A_TIME = 10
_SAVE_SECONDS = 5.0


def run_seed(seed: int, steps: int = STEPS) -> Outcome:
    """One seed, with its own plan. A fault of the simulation itself is told as a failure, too."""
    try:
        return simulate(seed, make_plan(seed, steps))
    except Exception as error:
        text = f"the simulation itself failed: {error!r}"
        return Outcome(seed, text, -1, steps, 0, 0.0, {}, "", {})


def run_seeds(
    first: int,
    count: int,
    steps: int = STEPS,
    jobs: int = 0,
    progress: Callable[[Totals], None] | None = None,
    most_failures: int = 1,
    file: Path | None = None,
) -> Totals:
    """Run `count` seeds from `first` on; end early after so many failures.

    `progress` is told at the beginning and after each piece of work.
    With a `file` what is done is kept there now and then; what it says is done already is not done
    again, and counted.

    Raises:
        ValueError: with a sentence, when that file is of another program or other steps.
    """
    kept = Kept(file, steps)
    saved = time.monotonic()
    pieces = kept.left(first, first + count, _AT_A_TIME)
    if progress is not None:
        progress(kept.totals)
    try:
        for outcomes in _outcomes(pieces, steps, jobs or os.cpu_count() or 1):
            kept.add(outcomes)
            if progress is not None:
                progress(kept.totals)
            if len(kept.totals.failed) >= most_failures:
                break
            if time.monotonic() - saved > _SAVE_SECONDS:
                kept.save()
                saved = time.monotonic()
    finally:
        kept.save()
    return kept.totals


def _outcomes(pieces: Sequence[range], steps: int, jobs: int) -> Iterator[list[Outcome]]:
    if jobs == 1:
        for piece in pieces:
            for seed in piece:
                yield [run_seed(seed, steps)]
        return
    context = get_context("fork" if sys.platform == "linux" else "spawn")
    left = iter(pieces)
    with ProcessPoolExecutor(jobs, context, _follow, (os.getpid(),)) as pool:
        running: set[Future[list[Outcome]]] = set()
        try:
            while True:
                for piece in left:
                    running.add(pool.submit(_piece, piece, steps))
                    if len(running) >= 2 * jobs:
                        break
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            for future in running:
                future.cancel()


def _follow(parent: int) -> None:
    """A worker ends with the program that it works for, however that ends."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _piece(seeds: range, steps: int) -> list[Outcome]:
    return [run_seed(seed, steps) for seed in seeds]


class Shrunk(NamedTuple):
    """A failure in its shortest form: the numbers of the steps that are left, and what they do."""

    outcome: Outcome
    numbers: list[int]
    lines: list[str]


def shorten(outcome: Outcome, steps: int = STEPS) -> Shrunk:
    """Leave out of a failing seed's plan all that is not needed."""

    plan = make_plan(outcome.seed, steps)
    kept, found = shrink(plan, outcome, lambda fewer: simulate(outcome.seed, fewer))
    lines = [f"{step.at / 1e3:7.3f} s  {step.number:>4}  {step.kind}" for step in kept]
    return Shrunk(found, [step.number for step in kept], lines)


def replay(
    seed: int,
    steps: int = STEPS,
    only: list[int] | None = None,
    say: Callable[[str], None] | None = None,
) -> Outcome:
    """One seed again, perhaps only some of its steps, with every line of what happens."""
    plan = [step for step in make_plan(seed, steps) if only is None or step.number in only]
    return simulate(seed, plan, say)
