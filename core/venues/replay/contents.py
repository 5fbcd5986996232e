"""What a reader hands over when it has read a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from math import gcd

from core.model.instruments import Instrument
from core.venues.replay.events import EventLog, Ints, Knowledge, Levels, LogBuilder
from core.venues.replay.exact import step

History = tuple[Ints, Ints, Ints, Ints]
"""Columns of trades from before the recording: time, price, quantity, aggressor."""

Gaps = tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Contents:
    """Instruments and events of a recording; `knowledge` is one for each instrument.

    `notes` are sentences about what the file is and what was decided about it, none of them a
    fault. `gaps` are stretches (UTC ns) that the recorder itself knew nothing of.
    """

    instruments: tuple[Instrument, ...]
    knowledge: tuple[Knowledge, ...]
    log: EventLog
    notes: list[str] = field(default_factory=list)
    history: dict[int, History] = field(default_factory=dict)
    gaps: dict[int, Gaps] = field(default_factory=dict)


def steps(
    builder: LogBuilder, owner: int, price_scale: int, qty_scale: int
) -> tuple[tuple[Decimal, Decimal], tuple[int, int]]:
    """Tick and lot of one instrument of the builder, and the divisors that make steps of units."""
    price, qty = builder.common(owner)
    divisors = gcd(price, 10**price_scale), gcd(qty, 10**qty_scale)
    return (step(price, price_scale), step(qty, qty_scale)), divisors


def changed(old: dict[tuple[int, int], int], new: dict[tuple[int, int], int]) -> Levels:
    """The level changes that lead from one small book to another."""
    gone = [(side, price, 0) for side, price in old if (side, price) not in new]
    return gone + [(*key, size) for key, size in new.items() if old.get(key) != size]
