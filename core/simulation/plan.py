"""What is to happen, as a list: one seed makes it, and leaving things out of it is shrinking."""

from __future__ import annotations

from hashlib import blake2b
from random import Random
from typing import NamedTuple

STEPS = 80
"""Steps of a plan unless somebody says otherwise."""

_ORDERS = {
    "order": 22,
    "list": 4,
    "held": 6,
    "hedge": 6,
    "reverse": 1,
    "again": 3,
    "cancel": 8,
    "replace": 10,
    "cancel all": 1,
    "flatten": 2,
    "kill": 1,
    "state": 4,
    "limit": 2,
    "restriction": 0.5,
    "override": 0.5,
    "reload": 1,
    "adjust": 0.3,
    "switch": 2,
    "answer": 2,
    "params": 0.5,
    "hand over": 0.5,
}
_MARKET = {"trade": 22, "rest": 9, "refill": 4}
_FAULTS = {
    "report late": 4,
    "report twice": 4,
    "report very late": 1,
    "refuse": 2,
    "unasked": 2,
    "overfill": 1,
    "bust": 1,
    "correct": 1,
    "elsewhere": 1,
    "halt": 2,
    "venue restart": 2,
    "cut": 4,
    "cut later": 2,
    "stall": 2,
    "slow engine": 1,
    "crash": 2,
    "crash inside": 4,
    "power": 2,
    "power inside": 4,
    "slow disk": 2,
    "stuck disk": 1,
    "full disk": 2,
    "bad writes": 2,
    "bad syncs": 3,
    "bad files": 1,
    "short writes": 2,
    "clock": 2,
    "clock and crash": 2,
    "slow client": 2,
    "client gone": 1,
    "strategy fails": 2,
    "wait": 2,
}

FAULTS = tuple(_FAULTS)
"""Everything that goes wrong, by name."""


class Step(NamedTuple):
    """Something that happens `at` so many milliseconds. `number` is its name for ever; what `a`,
    `b`, `c` and `d` mean depends on the kind."""

    at: int
    number: int
    kind: str
    a: int
    b: int
    c: int
    d: int


def make_plan(seed: int, steps: int = STEPS) -> list[Step]:
    """The plan of a seed. About half of the faults take part, so that plans differ in character."""
    random = Random(f"plan {seed}")
    faults = {name: weight for name, weight in _FAULTS.items() if random.random() < 0.5}
    scale = random.choice((0, 1, 1, 2))
    weights = _ORDERS | _MARKET | {name: weight * scale for name, weight in faults.items()}
    kinds = random.choices(list(weights), list(weights.values()), k=steps)
    pace = random.choice((5, 20, 20, 60))
    together = random.choice((0.0, 0.2, 0.5))  # steps with no time between them
    crowded = random.choice((0.0, 0.7))  # orders for one account and instrument
    at = 300
    plan = []
    for number, kind in enumerate(kinds):
        if random.random() >= together:
            at += 1 + int(random.expovariate(1 / pace))
        if kind == "wait":
            at += random.randrange(200, 2500)
        numbers = [random.randrange(1 << 30) for _ in range(4)]
        if kind == "order" and random.random() < crowded:
            numbers[0] = 0
        plan.append(Step(at, number, kind, *numbers))
    return plan


class Draws:
    """Small decisions that the plan does not list: drawn one after the other, from the seed."""

    def __init__(self, seed: int) -> None:
        self._seed = f"draw {seed} ".encode()
        self._count = 0

    def __call__(self, below: int) -> int:
        self._count += 1
        data = blake2b(self._seed + self._count.to_bytes(8, "little"), digest_size=8).digest()
        return int.from_bytes(data, "little") % below
