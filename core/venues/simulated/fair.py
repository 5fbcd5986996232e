"""What a symbol is worth as time goes by: one path, the same on every venue where it trades."""

from __future__ import annotations

import math

import numpy as np

from core.venues.simulated.draws import generator

SECOND = 1_000_000_000
YEAR_SECONDS = 365 * 86_400

_EPOCHS = 64
"""Seconds drawn at once."""
_MOST_BLOCKS = 40
"""Blocks drawn to catch up; a longer gap (the computer slept) is stepped over without a move."""
_MEAN_REVERSION = math.log(2) / (2 * 86_400)
"""A second; half of a deviation from the starting price is gone in two days."""


class FairPath:
    """The value of a symbol relative to its starting price (1.0), as a function of elapsed time.

    Volatility clusters (a slow autoregressive log-volatility), returns are heavy-tailed, and now
    and then a burst of one to five seconds doubles the volatility and multiplies the activity by
    ten. The path depends on seed and symbol alone, so two venues that list a symbol agree on
    its worth without knowing of each other.
    """

    __slots__ = (
        "_activity",
        "_burst",
        "_calm",
        "_end",
        "_first",
        "_heat",
        "_level",
        "_rng",
        "_sigma",
        "_step",
        "_steps",
        "_values",
        "activity",
        "heat",
    )

    def __init__(self, seed: int, symbol: str, annual_vol: float, steps_a_second: int) -> None:
        self._rng = generator(seed, "fair", symbol)
        self._steps = steps_a_second
        self._step = SECOND // steps_a_second
        self._sigma = annual_vol / math.sqrt(YEAR_SECONDS * steps_a_second)
        self._level = 0.0
        self._calm = 0.0
        self._burst = 0
        self._first = 0
        self._end = 0
        self._values: list[float] = []
        self._activity: list[float] = []
        self._heat: list[float] = []
        self.activity = 1.0
        """How busy the market is now; 1.0 is usual."""
        self.heat = 1.0
        """Volatility now, in multiples of the usual one."""

    def at(self, elapsed: int) -> float:
        """The value at `elapsed` nanoseconds after the start; never ask backwards in time."""
        index = elapsed // self._step
        if index >= self._end:
            self._extend(index)
        offset = index - self._first
        second = offset // self._steps
        self.activity = self._activity[second]
        self.heat = self._heat[second]
        return self._values[offset]

    def _extend(self, index: int) -> None:
        block = _EPOCHS * self._steps
        if index >= self._end + block * _MOST_BLOCKS:
            self._end = index // block * block
        while index >= self._end:
            self._draw_block()

    def _draw_block(self) -> None:
        rng = self._rng
        shocks = rng.standard_normal(_EPOCHS).tolist()
        chances = rng.random(_EPOCHS).tolist()
        heats = []
        activities = []
        for shock, chance in zip(shocks, chances, strict=True):
            self._calm = 0.995 * self._calm + 0.045 * shock
            if self._burst > 0:
                self._burst -= 1
            elif chance < 1 / 240:
                self._burst = 1 + int(chance * 240 * 5)
            bursting = self._burst > 0
            heats.append(math.exp(self._calm - 0.1) * (2.0 if bursting else 1.0))
            activities.append(math.exp(0.6 * self._calm - 0.04) * (10.0 if bursting else 0.85))
        count = _EPOCHS * self._steps
        moves = rng.standard_t(4, count) * (self._sigma / math.sqrt(2.0))
        moves *= np.repeat(heats, self._steps)
        moves -= _MEAN_REVERSION / self._steps * self._level
        levels = self._level + np.cumsum(moves)
        self._level = float(levels[-1])
        self._values = np.exp(levels).tolist()
        self._activity = activities
        self._heat = heats
        self._first = self._end
        self._end += count
