"""Mean reversion to VWAP: sells what is far above the volume-weighted average, buys far below.

The distance is measured in standard deviations of the closes around the average of the last
`window` bars (Berkowitz, Logue and Noser 1988 for VWAP as a fair price).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
import numpy as np

from core.strategy.api import Bar, Params, Strategy, lots

Length = Annotated[int, msgspec.Meta(ge=5, le=5_000)]
Deviations = Annotated[float, msgspec.Meta(gt=0, le=20)]


class ReversionParams(Params, frozen=True):
    """`entry` and `leave` are distances from VWAP in standard deviations."""

    interval: str = "5s"
    window: Length = 60
    entry: Deviations = 2.0
    leave: Deviations = 0.5
    quantity: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        if self.leave >= self.entry:
            raise ValueError("leave must be smaller than entry")


class VwapReversion(Strategy):
    """Holds one unit against the deviation until it has mostly gone."""

    Params = ReversionParams
    params: ReversionParams

    def on_start(self) -> None:
        """Check the quantity."""
        self._lots = lots(self.instrument, self.params.quantity)

    def on_bar(self, bar: Bar) -> None:
        """Enter far from the average, leave near it."""
        distance = self.distance()
        if distance is None:
            return
        if self.position == 0 and abs(distance) >= self.params.entry:
            side = -1 if distance > 0 else 1
            self.target(side * self._lots, f"{distance:+.1f} deviations from VWAP")
        elif self.position and (
            abs(distance) <= self.params.leave or (distance > 0) == (self.position > 0)
        ):
            self.target(0, f"back at {distance:+.1f} deviations from VWAP")

    def distance(self) -> float | None:
        """How many standard deviations the last close is from VWAP; None without enough bars."""
        n = self.params.window
        volume = self.bars["volume"][-n:]
        total = int(volume.sum())
        if len(volume) < n or total == 0:
            return None
        vwap = float(self.bars["notional"][-n:].sum()) / total
        closes = self.bars["close"][-n:].astype(np.float64)
        deviation = float(np.sqrt(np.mean((closes - vwap) ** 2)))
        return (float(closes[-1]) - vwap) / deviation if deviation > 0 else None
