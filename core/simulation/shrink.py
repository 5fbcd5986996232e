"""The fewest steps that still break something: whatever is not needed for it is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.simulation.plan import Step
from core.simulation.world import Outcome

MOST_RUNS = 400


def shrink(
    plan: Sequence[Step], first: Outcome, run: Callable[[Sequence[Step]], Outcome]
) -> tuple[list[Step], Outcome]:
    """Steps of `plan` from which nothing more can be left out, and what they lead to.

    What breaks may change its words on the way (another order, another number), not its kind.
    """
    wanted = kind_of(first.broken)
    kept, outcome, runs = list(plan), first, 0
    if first.step >= 0:
        kept = [step for step in kept if step.number <= first.step]
    size = max(1, len(kept) // 2)
    while size and runs < MOST_RUNS:
        start, left_out = 0, False
        while start < len(kept) and runs < MOST_RUNS:
            fewer = kept[:start] + kept[start + size :]
            runs += 1
            found = run(fewer)
            if kind_of(found.broken) == wanted:
                kept, outcome, left_out = fewer, found, True
            else:
                start += size
        if not left_out or size > len(kept):
            size //= 2
    return kept, outcome


def kind_of(broken: str) -> str:
    """What a sentence is about, without the names and numbers in it."""
    return " ".join(word for word in broken.split() if word.isalpha() or word.startswith("("))
