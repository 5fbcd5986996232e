"""Many seeds on several processors, and what came of them."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from typing import NamedTuple

from core.simulation.plan import STEPS, make_plan
from core.simulation.shrink import shrink
from core.simulation.world import Outcome, simulate

_AT_A_TIME = 10


class Totals:
    """What several seeds came to. `failed` are those that broke something, in their order."""

    def __init__(self) -> None:
        self.seeds = self.steps = self.turns = 0
        self.seconds = 0.0
        self.faults: Counter[str] = Counter()
        self.covered: Counter[str] = Counter()
        self.failed: list[Outcome] = []

    def add(self, outcome: Outcome) -> None:
        """Count one."""
        self.seeds += 1
        self.steps += outcome.steps
        self.turns += outcome.turns
        self.seconds += outcome.seconds
        self.faults.update(outcome.faults)
        self.covered.update(outcome.covered)
        if outcome.broken:
            self.failed.append(outcome)
            self.failed.sort(key=lambda found: found.seed)


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
) -> Totals:
    """Run `count` seeds from `first` on; end early after so many failures."""
    totals = Totals()
    for outcome in _outcomes(first, count, steps, jobs or os.cpu_count() or 1):
        totals.add(outcome)
        if progress is not None:
            progress(totals)
        if len(totals.failed) >= most_failures:
            break
    return totals


def _outcomes(first: int, count: int, steps: int, jobs: int) -> Iterator[Outcome]:
    if jobs == 1:
        for seed in range(first, first + count):
            yield run_seed(seed, steps)
        return
    context = get_context("fork" if sys.platform == "linux" else "spawn")
    pieces = iter(range(first, first + count, _AT_A_TIME))
    with ProcessPoolExecutor(jobs, context) as pool:
        running: set[Future[list[Outcome]]] = set()
        try:
            while True:
                for start in pieces:
                    end = min(start + _AT_A_TIME, first + count)
                    running.add(pool.submit(_piece, start, end, steps))
                    if len(running) >= 2 * jobs:
                        break
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield from future.result()
        finally:
            for future in running:
                future.cancel()


def _piece(start: int, end: int, steps: int) -> list[Outcome]:
    return [run_seed(seed, steps) for seed in range(start, end)]


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
