"""Streams of random numbers, drawn from numpy in blocks and handed out one by one.

One `numpy` call for each number costs microseconds; the next element of a list costs 40 ns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Draw = Callable[[int], npt.NDArray[Any]]
"""Draws that many numbers at once."""


def generator(seed: int, *names: str) -> np.random.Generator:
    """A random generator of its own for the thing that `names` name, the same in every run."""
    digest = hashlib.blake2b("\0".join(names).encode(), digest_size=16).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return np.random.Generator(np.random.PCG64([seed & 0xFFFF_FFFF, seed >> 32, *words]))


def _values(draw: Draw, block: int) -> Iterator[Any]:
    while True:
        yield from draw(block).tolist()


def floats(draw: Draw, block: int) -> Callable[[], float]:
    """A function that returns the next number of the stream."""
    return _values(draw, block).__next__


def integers(draw: Draw, block: int) -> Callable[[], int]:
    """A function that returns the next integer of the stream."""
    return _values(lambda n: draw(n).astype(np.int64), block).__next__


def sizes(rng: np.random.Generator, n: int, typical: float, round_lot: int) -> npt.NDArray[Any]:
    """Order sizes in lots: heavy-tailed around `typical`, more than half of them round."""
    lots = np.minimum(typical * (0.15 + rng.pareto(1.7, n)), typical * 150.0)
    lots = np.maximum(lots, 1.0).astype(np.int64)
    if round_lot > 1:
        rounded = (lots + round_lot - 1) // round_lot * round_lot
        lots = np.where(rng.random(n) < 0.6, rounded, lots)
    return lots


def distances(rng: np.random.Generator, n: int) -> npt.NDArray[Any]:
    """How many ticks behind the touch passive orders are placed: a hump, and a long tail."""
    near = rng.gamma(1.7, 13.0, n)
    far = 2.0 + 12.0 * rng.pareto(1.5, n)
    return np.minimum(np.where(rng.random(n) < 0.75, near, far), 120.0).astype(np.int64)
