"""Sizes that make sense for an instrument before the trader has chosen any. No Qt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from core.model.instruments import Instrument
from core.model.numbers import NotExactError, parse_decimal, plain

STEPS = (1, 2, 5, 10, 25)
"""The presets, in units of the smallest."""

_SMALL_VALUE = Decimal(500)
"""Value, in the instrument's currency, that the smallest preset should not be far below."""


def default_sizes(instrument: Instrument, price: int) -> tuple[int, ...]:
    """Five sizes in lots; the smallest a power of ten of lots worth about 500 or more.

    `price` is in ticks; 0 when it is not known, then one lot is the smallest.
    """
    base = 1
    if price > 0:
        worth = instrument.money(price)
        while base * worth < _SMALL_VALUE and base < instrument.max_qty // STEPS[-1] // 10:
            base *= 10
    return tuple(base * step for step in STEPS)


def read_sizes(
    saved: object, instrument: Instrument, count: int = len(STEPS)
) -> tuple[int, ...] | None:
    """Sizes in lots from a saved workspace; None when they are not `count` valid quantities."""
    if isinstance(saved, str) or not isinstance(saved, Sequence) or len(saved) != count:
        return None
    sizes = []
    for text in saved:
        try:
            lots = instrument.lots(parse_decimal(str(text)))
        except (NotExactError, ValueError):
            return None
        if not 0 < lots <= instrument.max_qty:
            return None
        sizes.append(lots)
    return tuple(sizes)


def write_sizes(sizes: Sequence[int], instrument: Instrument) -> list[str]:
    """Sizes as a workspace keeps them: exact quantities."""
    return [plain(instrument.quantity(lots)) for lots in sizes]


def saved_texts(state: Mapping[str, object], key: str) -> dict[str, list[str]]:
    """A mapping of instrument to texts out of a saved workspace, whatever stands there."""
    found = state.get(key)
    if not isinstance(found, Mapping):
        return {}
    return {
        str(name): [str(text) for text in texts]
        for name, texts in found.items()
        if isinstance(texts, Sequence) and not isinstance(texts, str)
    }
