"""What a simulated market lists: the instrument and how its market behaves."""

from __future__ import annotations

from dataclasses import dataclass

from core.model.instruments import Instrument


@dataclass(frozen=True, slots=True)
class Listing:
    """An instrument of a simulated venue.

    `start` is its first price in ticks when nothing better is known, `annual_vol` its volatility
    (0.5: 50 % a year), `rate` the actions a second of its traders in usual times, `size` a
    typical order in lots, `round_lot` what people round their orders to, `resting` how many
    passive orders stand in its book. Its past is `history_seconds` long with `history_rate` trades
    a second.
    """

    instrument: Instrument
    start: int
    annual_vol: float
    rate: float
    size: float
    round_lot: int = 1
    resting: int = 220
    history_rate: float = 0.8
    history_seconds: int = 8 * 3600

    @property
    def fair_steps_a_second(self) -> int:
        """How finely its value moves. By size, not by rate, alike on all venues of a symbol."""
        return 50 if self.resting > 100 else 4

    @property
    def ticks_a_second(self) -> float:
        """The usual move in one second, in ticks."""
        return float(self.start * self.annual_vol / 5615.7)
