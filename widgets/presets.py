"""Presets: sizes that make sense before the trader has chosen any, and named brackets. No Qt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from core.model.instruments import Instrument
from core.model.numbers import NotExactError, parse_decimal, plain
from widgets.brackets import Bracket, Unit, read_bracket, write_bracket

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
        # An inverse contract stands for money of the price's currency, whatever the price.
        face = instrument.lot * instrument.multiplier
        worth = face if instrument.inverse else instrument.money(price)
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


EVERYTHING = ""
"""The level of presets that holds for all instruments."""

STANDARD = Bracket("Standard", Unit.TICKS, Decimal(20), Decimal(40))
"""The bracket before the trader has named any."""


def preset_levels(instrument: Instrument) -> tuple[str, str, str]:
    """Where presets are looked for, the nearest first: symbol, class of instrument, everything."""
    return instrument.id, f"kind:{instrument.kind}", EVERYTHING


class BracketPresets:
    """Named brackets on three levels; the nearest one of a name is the one that counts.

    Attributes:
        chosen: the name in use.
    """

    def __init__(self) -> None:
        self.chosen = STANDARD.name
        self._levels: dict[str, dict[str, Bracket]] = {EVERYTHING: {STANDARD.name: STANDARD}}

    def offered(self, instrument: Instrument) -> dict[str, tuple[str, Bracket]]:
        """Level and bracket of each name that holds for an instrument, sorted by name."""
        found: dict[str, tuple[str, Bracket]] = {}
        for level in reversed(preset_levels(instrument)):
            for name, bracket in self._levels.get(level, {}).items():
                found[name] = (level, bracket)
        return dict(sorted(found.items()))

    def current(self, instrument: Instrument) -> tuple[str, Bracket]:
        """Level and bracket in use for an instrument."""
        offered = self.offered(instrument)
        if self.chosen in offered:
            return offered[self.chosen]
        return next(iter(offered.values()), (EVERYTHING, STANDARD))

    def keep(self, level: str, bracket: Bracket) -> None:
        """Remember a bracket on a level, and use it."""
        self._levels.setdefault(level, {})[bracket.name] = bracket
        self.chosen = bracket.name

    def drop(self, level: str, name: str) -> None:
        """Forget a bracket of a level; one of the same name on a wider level then counts."""
        self._levels.get(level, {}).pop(name, None)

    def save_state(self) -> dict[str, object]:
        """All levels, for a workspace."""
        levels = {
            level: [write_bracket(bracket) for bracket in brackets.values()]
            for level, brackets in self._levels.items()
            if brackets
        }
        return {"chosen": self.chosen, "levels": levels}

    def restore_state(self, saved: object) -> None:
        """Take back what is still understood; nothing understood leaves the standard one."""
        state = saved if isinstance(saved, Mapping) else {}
        levels = state.get("levels")
        found: dict[str, dict[str, Bracket]] = {}
        for level, brackets in levels.items() if isinstance(levels, Mapping) else ():
            for one in brackets if isinstance(brackets, list) else ():
                bracket = read_bracket(one)
                if bracket is not None:
                    found.setdefault(str(level), {})[bracket.name] = bracket
        self._levels = found or {EVERYTHING: {STANDARD.name: STANDARD}}
        self.chosen = str(state.get("chosen", STANDARD.name))
