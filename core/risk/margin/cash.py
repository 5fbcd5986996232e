"""A cash account: what is bought is paid in full and nothing is sold that is not held.

Regulation T, 12 CFR 220.8(a): a purchase in the cash account needs full cash payment. Proceeds
count at once; they are not told apart by settlement date.
"""

from __future__ import annotations

from core.model.measures import money_units
from core.risk.margin.base import Line, LineModel, no_price, slip


class CashMargin(LineModel):
    """Full cash payment, no short positions."""

    def __init__(self) -> None:
        super().__init__()
        self._units: dict[str, int] = {}

    def add(self, line: Line) -> None:
        if line.instrument.inverse:
            raise ValueError(
                f"{line.instrument.id} is an inverse contract, which cannot be paid in full; use"
                " the margin model “perpetual”."
            )
        self._units[line.instrument.id] = money_units(line.instrument)
        super().add(line)

    def _need(
        self, line: Line, buys: int, sells: int, buy2: int, sell2: int
    ) -> tuple[int, int, int, int, str]:
        held, mark2 = line.qty, line.mark2
        if not (held or buys or sells):
            return 0, 0, 0, 0, ""
        if sells > held:
            return (
                0,
                0,
                0,
                0,
                (
                    f"{line.instrument.id}: a cash account cannot sell more than it holds;"
                    " make the order smaller or cancel another sale."
                ),
            )
        if mark2 <= 0:
            return 0, 0, 0, 0, no_price(line)
        units = self._units[line.instrument.id]
        value2 = (held + buys) * mark2 + slip(buys, sells, buy2, sell2, mark2)
        need = -(-value2 * units // 2)
        return need, need, 0, 0, ""
