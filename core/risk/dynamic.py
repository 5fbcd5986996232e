"""Limits that follow the market: tighter at once, looser only after a while, never above base.

    limit = base x clip(sigma_ref / sigma, floor, 1) x min(1, ADV / ADV_ref)
                 x min(1, margin_ref / margin)

Volatility is a whole number of 10^-9 (a return of 1 % a step is 10,000,000), volume is in lots
and margin in any unit, as long as the reference is in the same; so the limit is exact and never
rounded up. What is unknown (0) leaves its factor out of a loosening but not of a tightening: the
last limit stays. Time comes with the events, in UTC nanoseconds; a clock that goes back delays a
loosening and never hastens one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from math import log, sqrt

from core.risk.margin.base import WHOLE, parts

NANO = 1_000_000_000
"""A volatility of 100 % is this many parts."""


@dataclass(frozen=True, slots=True)
class DynamicTerms:
    """How a limit follows the market; a reference of 0 leaves its factor out.

    `floor` is the least that volatility makes of the base. A looser limit must hold for `dwell`
    nanoseconds and be above the one in force by `band` (0.1: a tenth) before it is put in force,
    and then it is the lowest of that time.

    Raises:
        ValueError: when a parameter is out of its range.
    """

    sigma_ref: int = 0
    volume_ref: int = 0
    margin_ref: int = 0
    floor: Decimal = Decimal("0.2")
    band: Decimal = Decimal("0.1")
    dwell: int = 300_000_000_000

    def __post_init__(self) -> None:
        for name in ("sigma_ref", "volume_ref", "margin_ref", "dwell", "band"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; use 0 or more.")
        if not 0 <= self.floor <= 1:
            raise ValueError(f"floor is {self.floor}; use 0 to 1.")


class DynamicLimit:
    """One limit. `value` is the limit in force, an integer in the unit of `base`."""

    __slots__ = ("_band", "_floor", "_lowest", "_since", "base", "raw", "terms", "value")

    def __init__(self, base: int, terms: DynamicTerms) -> None:
        if base < 0:
            raise ValueError(f"A limit of {base} is below 0.")
        self.base = self.value = self.raw = base
        self.terms = terms
        self._floor = parts(terms.floor, "floor")
        self._band = parts(terms.band, "band")
        self._since = self._lowest = -1

    def update(self, ts: int, sigma: int = 0, volume: int = -1, margin: int = 0) -> int:
        """The market has changed; returns the limit in force.

        `sigma` 0, `volume` -1 and `margin` 0 mean unknown: the limit can then fall but not rise.
        """
        terms = self.terms
        top, bottom = self.base, 1
        known = True
        if terms.sigma_ref:
            if sigma <= 0:
                known = False
            elif sigma > terms.sigma_ref:
                if terms.sigma_ref * WHOLE > self._floor * sigma:
                    top, bottom = top * terms.sigma_ref, bottom * sigma
                else:
                    top, bottom = top * self._floor, bottom * WHOLE
        if terms.volume_ref:
            if volume < 0:
                known = False
            elif volume < terms.volume_ref:
                top, bottom = top * volume, bottom * terms.volume_ref
        if terms.margin_ref:
            if margin <= 0:
                known = False
            elif margin > terms.margin_ref:
                top, bottom = top * terms.margin_ref, bottom * margin
        raw = top // bottom
        if raw < self.value:
            self.raw = self.value = raw
            self._since = -1
        elif known:
            self.raw = raw
            self._loosen(ts, raw)
        else:
            self._since = -1
        return self.value

    def rebase(self, base: int) -> None:
        """Another base: a lower one holds at once, a higher one is come to like a looser market.

        Raises:
            ValueError: when it is below 0.
        """
        if base < 0:
            raise ValueError(f"A limit of {base} is below 0.")
        self.base = base
        if base < self.value:
            self.value = base
        self._since = -1

    def dump(self) -> tuple[int, int, int, int, int]:
        """What the limit remembers, for a snapshot."""
        return self.base, self.value, self.raw, self._since, self._lowest

    def load(self, state: tuple[int, int, int, int, int]) -> None:
        """Take up what `dump` gave."""
        self.base, self.value, self.raw, self._since, self._lowest = state

    def _loosen(self, ts: int, raw: int) -> None:
        value = self.value
        wanted = -(-value * (WHOLE + self._band) // WHOLE)
        if raw <= value or (raw < wanted and raw < self.base):
            self._since = -1
            return
        if self._since < 0 or ts < self._since:
            self._since, self._lowest = ts, raw
        elif raw < self._lowest:
            self._lowest = raw
        if ts - self._since >= self.terms.dwell:
            self.value = self._lowest
            self._since = -1


class Volatility:
    """Realised volatility of the marks: an EWMA of squared log returns on fixed clock steps.

    RiskMetrics Technical Document (4th edition, 1996), section 5.2: ``variance = decay x variance
    + (1 - decay) x return^2``. The price of a step is the last mark before its end; a step without
    a mark has a return of 0. The first return is the first variance. Binary floating point in a
    fixed order, handed out rounded up to 10^-9.
    """

    __slots__ = ("_decay", "_last", "_price", "_slot", "_step", "variance")

    def __init__(self, step: int = 60_000_000_000, decay: float = 0.94) -> None:
        if step <= 0 or not 0.0 < decay < 1.0:
            raise ValueError("The step must be above 0 and the decay between 0 and 1.")
        self._step, self._decay = step, decay
        self._slot = -1
        self._price = self._last = 0
        self.variance = -1.0

    def mark(self, ts: int, price: int) -> None:
        """A mark; prices of 0 or less and times that go back are left out."""
        if price <= 0:
            return
        slot = ts // self._step
        if slot > self._slot >= 0:
            self._close(slot - self._slot)
        elif slot < self._slot:
            return
        self._slot = slot
        self._price = price

    def _close(self, steps: int) -> None:
        """The step that was open, and those after it without a mark, are over."""
        if self._last:
            change = log(self._price / self._last)
            square = change * change
            if self.variance < 0.0:
                self.variance = square
            else:
                self.variance = self._decay * self.variance + (1.0 - self._decay) * square
        if self.variance > 0.0 and steps > 1:
            self.variance *= self._decay ** (steps - 1)
        self._last = self._price

    def sigma(self) -> int:
        """The volatility of a step in 10^-9, at least 1; 0: not known yet."""
        if self.variance < 0.0:
            return 0
        return int(sqrt(self.variance) * NANO) + 1

    def dump(self) -> tuple[int, int, int, float]:
        """What it remembers, for a snapshot."""
        return self._slot, self._price, self._last, self.variance

    def load(self, state: tuple[int, int, int, float]) -> None:
        """Take up what `dump` gave."""
        self._slot, self._price, self._last, self.variance = state


class Liquidity:
    """Traded volume of a rolling window, in whole slots of time."""

    __slots__ = ("_begin", "_slot", "_slots", "_volumes", "total")

    def __init__(self, slot: int = 60_000_000_000, slots: int = 60) -> None:
        if slot <= 0 or slots <= 0:
            raise ValueError("A window has at least one slot of some length.")
        self._slot, self._slots = slot, slots
        self._begin = -1
        self._volumes: deque[tuple[int, int]] = deque()
        self.total = 0

    def trade(self, ts: int, lots: int) -> None:
        """A trade of the market; one older than the last counts in the last one's slot."""
        at = ts // self._slot
        volumes = self._volumes
        if self._begin < 0:
            self._begin = at
        if volumes and volumes[-1][0] >= at:
            at, before = volumes.pop()
            volumes.append((at, before + lots))
        else:
            volumes.append((at, lots))
        self.total += lots
        self._forget(at)

    def volume(self, ts: int) -> int:
        """Lots traded in the window that ends at `ts`; -1 while it is not full yet."""
        at = ts // self._slot
        self._forget(at)
        return self.total if 0 <= self._begin <= at - self._slots + 1 else -1

    def _forget(self, at: int) -> None:
        volumes = self._volumes
        while volumes and volumes[0][0] <= at - self._slots:
            self.total -= volumes.popleft()[1]

    def dump(self) -> tuple[int, list[tuple[int, int]]]:
        """What it remembers, for a snapshot."""
        return self._begin, list(self._volumes)

    def load(self, state: tuple[int, list[tuple[int, int]]]) -> None:
        """Take up what `dump` gave."""
        self._begin = state[0]
        self._volumes = deque((at, lots) for at, lots in state[1])
        self.total = sum(lots for _, lots in self._volumes)
