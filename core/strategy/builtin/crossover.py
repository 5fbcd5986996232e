"""Moving-average crossover on bars: long while the fast average is above the slow one."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec

from core.strategy.api import Bar, Params, Strategy, lots

Length = Annotated[int, msgspec.Meta(ge=1, le=5_000)]


class CrossoverParams(Params, frozen=True):
    """`fast` and `slow` in bars; `quantity` in the trader's units; `short` sells short too."""

    interval: str = "5s"
    fast: Length = 10
    slow: Length = 30
    quantity: Decimal = Decimal(1)
    short: bool = True

    def __post_init__(self) -> None:
        if self.fast >= self.slow:
            raise ValueError("fast must be shorter than slow")


class Crossover(Strategy):
    """Turns on the bar whose close takes one average across the other."""

    Params = CrossoverParams
    params: CrossoverParams

    def on_start(self) -> None:
        """Check the quantity and note which average is above."""
        self._lots = lots(self.instrument, self.params.quantity)
        self._above: bool | None = None
        self._above = self._is_above()

    def on_bar(self, bar: Bar) -> None:
        """Trade a crossing."""
        above = self._is_above()
        if above is None or above == self._above:
            return
        before, self._above = self._above, above
        if before is None:
            return
        word = "above" if above else "below"
        why = f"SMA {self.params.fast} crossed {word} SMA {self.params.slow}"
        if above:
            self.target(self._lots, why)
        else:
            self.target(-self._lots if self.params.short else 0, why)

    def _is_above(self) -> bool | None:
        closes = self.bars["close"]
        if len(closes) < self.params.slow:
            return None
        # integer comparison of the two means, free of rounding
        fast = int(closes[-self.params.fast :].sum()) * self.params.slow
        slow = int(closes[-self.params.slow :].sum()) * self.params.fast
        return fast > slow if fast != slow else self._above
