"""What a hand on the ladder wishes for, and how soon after another it is believed. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

from core.model.enums import Side, Source
from widgets.ladder.columns import Hit

SHIFT_GUARD = 300_000_000
"""A press this soon (ns) after the rows shifted only flashes."""

REPEAT_GUARD = 250_000_000
"""This soon (ns) after a key or press that placed an order, the next one is taken for a bounce."""

SIDES = {"bids": Side.BUY, "my_buys": Side.BUY, "asks": Side.SELL, "my_sells": Side.SELL}


@dataclass(frozen=True, slots=True)
class Wish:
    """An order or a draft that the trader asked for, with the id made when the intent arose.

    `bracket`: with a stop and a target behind it. `at` is when the intent arose (monotonic ns).
    """

    id: str
    side: Side
    price: int
    stop: bool
    second: bool
    source: Source
    bracket: bool = False
    at: int = 0


@dataclass(slots=True)
class Press:
    """A mouse button that is down. `told`: its wish was told at mouse-down already."""

    hit: Hit
    price: int
    wish: Wish | None
    last_only: bool
    dragging: bool = False
    told: bool = False
