"""Margin, liquidation and bankruptcy price of crypto perpetuals, linear and inverse.

Maintenance margin rises by brackets of the position's value: ``value x rate - amount``, where the
amount of a bracket makes the requirement continuous (Binance, "Leverage and Margin of USDⓈ-M
Futures": amount of level n = floor of n x (rate n - rate n-1) + amount of level n-1; Bybit calls
it the maintenance margin deduction). Initial margin is value / leverage. A linear contract is
worth ``qty x price`` in the currency of the price; an inverse one ``qty x face / price`` in the
other currency. Funding and fees are not part of it unless given.

Prices come out as `Decimal`, rounded against the trader: a long position's liquidation price up
to the tick, a short one's down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from core.model.instruments import Instrument
from core.model.measures import UNIT_DIGITS, money_units
from core.model.numbers import from_steps
from core.risk.margin.base import WHOLE, Line, LineModel, no_price, parts, slip, whole


class Bracket(NamedTuple):
    """From a position value of `floor` on: maintenance rate and the highest leverage."""

    floor: Decimal
    rate: Decimal
    leverage: Decimal


class _Level(NamedTuple):
    floor: int
    rate: int
    amount: int
    initial: int


@dataclass(frozen=True, slots=True)
class PerpetualTerms:
    """How one perpetual is margined.

    `brackets` begin at a floor of 0 and rise. `leverage` is the trader's choice; where a bracket
    allows less, the bracket's holds. `isolated`: the position has money of its own.

    Raises:
        ValueError: when the brackets are not in order, or a rate would fall.
    """

    brackets: tuple[Bracket, ...]
    leverage: Decimal = Decimal(1)
    isolated: bool = False

    def __post_init__(self) -> None:
        if not self.brackets or self.brackets[0].floor != 0:
            raise ValueError("The first bracket must begin at 0.")
        for low, high in zip(self.brackets, self.brackets[1:], strict=False):
            if not (high.floor > low.floor and high.rate >= low.rate):
                raise ValueError(
                    f"The bracket from {high.floor} must be above {low.floor}, its rate no lower."
                )
        if not all(b.leverage >= 1 and b.rate < 1 for b in self.brackets) or self.leverage < 1:
            raise ValueError("Leverage must be 1 or more and a maintenance rate below 1.")

    def amounts(self) -> list[Decimal]:
        """The maintenance amount ("cum") of each bracket."""
        found = [Decimal(0)]
        for low, high in zip(self.brackets, self.brackets[1:], strict=False):
            found.append(found[-1] + high.floor * (high.rate - low.rate))
        return found

    def maintenance(self, value: Decimal) -> Decimal:
        """Maintenance margin of a position worth `value`."""
        at = max(i for i, b in enumerate(self.brackets) if b.floor <= value)
        return value * self.brackets[at].rate - self.amounts()[at]


class PerpetualMargin(LineModel):
    """Perpetuals of one settlement currency, each cross or isolated.

    In cross mode equity is wallet plus open profit of all and every requirement counts against
    it. An isolated position keeps `Line.margin` (or what its leverage asks at the mark) apart: its
    profit is nobody else's and its loss stops there, so its requirement is that margin plus
    `Line.pnl`, which takes its open profit out of the equity again.
    """

    def __init__(self, terms: Mapping[str, PerpetualTerms]) -> None:
        super().__init__()
        self._terms = dict(terms)
        self._levels: dict[str, list[_Level]] = {}
        self._units: dict[str, tuple[int, bool]] = {}

    def add(self, line: Line) -> None:
        instrument = line.instrument
        name = instrument.id
        terms = self._terms.get(name)
        if terms is None:
            raise ValueError(f"{name} has no margin brackets; add them to the margin settings.")
        self._levels[name] = [
            _Level(
                whole(bracket.floor, "floor"),
                parts(bracket.rate, "rate"),
                whole(amount, "maintenance amount"),
                int(-(-WHOLE // min(terms.leverage, bracket.leverage))),
            )
            for bracket, amount in zip(terms.brackets, terms.amounts(), strict=True)
        ][::-1]
        contract = instrument.contract
        if contract is not None and contract.inverse:
            self._units[name] = (_face(instrument), True)
        else:
            self._units[name] = (money_units(instrument), False)
        super().add(line)

    def value(self, line: Line, lots: int) -> int:
        """What `lots` are worth at the mark, in 10^-24 of the settlement currency, rounded up."""
        units, inverse = self._units[line.instrument.id]
        if inverse:
            return -(-2 * lots * units // line.mark2)
        return -(-lots * line.mark2 * units // 2)

    def _need(
        self, line: Line, buys: int, sells: int, buy2: int, sell2: int
    ) -> tuple[int, int, int, int, str]:
        held, mark2 = line.qty, line.mark2
        if not (held or buys or sells):
            return 0, 0, 0, 0, ""
        if mark2 <= 0:
            return 0, 0, 0, 0, no_price(line)
        name = line.instrument.id
        long, short = held + buys, sells - held
        lots = long if long > short else short
        value = self.value(line, lots)
        for level in self._levels[name]:
            if value >= level.floor:
                break
        initial = -(-value * level.initial // WHOLE)
        keep = -(-value * level.rate // WHOLE) - level.amount
        if initial < keep:
            initial = keep
        if self._terms[name].isolated and held:
            # What more orders need is at the leverage; what is held has its own.
            own = line.margin
            if own:
                initial += max(0, own - self._leverage_of(line, abs(held), level.initial))
                keep = own
            else:
                keep = self._leverage_of(line, abs(held), level.initial)
            initial += line.pnl
            keep += line.pnl
        if buy2 or sell2:
            initial += self._slip(line, buys, sells, buy2, sell2)
        return initial, keep, 0, 0, ""

    def _leverage_of(self, line: Line, lots: int, rate: int) -> int:
        return -(-self.value(line, lots) * rate // WHOLE)

    def _slip(self, line: Line, buys: int, sells: int, buy2: int, sell2: int) -> int:
        mark2 = line.mark2
        units, inverse = self._units[line.instrument.id]
        lost2 = slip(buys, sells, buy2, sell2, mark2)
        if not inverse:
            return -(-lost2 * units // 2)
        # F/mark - F/price = F (price - mark) / (mark price), at most F (price - mark) / mark^2
        # for a buy; a sale below the mark divides by its own average price.
        lost = 0
        if lost2:
            low2 = mark2 if not sells or not sell2 else min(mark2, max(1, sell2 // sells))
            lost = -(-2 * lost2 * units // (mark2 * low2))
        return lost


def _face(instrument: Instrument) -> int:
    """What one lot at a price of one tick is worth in the settlement currency, in 10^-24."""
    value = Fraction(instrument.lot) * Fraction(instrument.multiplier) / Fraction(instrument.tick)
    value *= Fraction(10**UNIT_DIGITS)
    return -(-value.numerator // value.denominator)


class Held(NamedTuple):
    """A position whose liquidation is asked for: signed `qty`, average `entry` price.

    `face` is the multiplier: what one unit of quantity is of the underlying (linear), or of the
    currency of the price (inverse). `tick` is the step of the answer.
    """

    qty: Decimal
    entry: Decimal
    face: Decimal = Decimal(1)
    inverse: bool = False
    tick: Decimal = Decimal("0.01")


def liquidation_price(
    held: Held,
    wallet: Decimal,
    brackets: Sequence[Bracket],
    other_maintenance: Decimal = Decimal(0),
    other_pnl: Decimal = Decimal(0),
) -> Decimal | None:
    """The mark price at which what is left equals the maintenance margin; None: there is none.

    `wallet` is the wallet balance (cross) or the position's own margin (isolated); the others are
    the maintenance margin and open profit of the other positions in cross mode, 0 if isolated.
    With s the sign, q the size, E the entry, m and a the rate and amount of the bracket *at the
    liquidation price* (Binance, "How to Calculate Liquidation Price of USDⓈ-M Futures Contracts"
    and the same for COIN-M):

        linear   (wallet - other maintenance + other profit + a - s q E) / (q m - s q)
        inverse  q (m + s) / (wallet - other maintenance + other profit + a + s q / E)
    """
    if held.qty == 0:
        return None
    sign = 1 if held.qty > 0 else -1
    size = abs(Fraction(held.qty)) * Fraction(held.face)
    entry = Fraction(held.entry)
    free = Fraction(wallet) - Fraction(other_maintenance) + Fraction(other_pnl)
    terms = PerpetualTerms(tuple(brackets))
    amounts = terms.amounts()
    for at, (bracket, amount) in enumerate(zip(terms.brackets, amounts, strict=True)):
        rate, cushion = Fraction(bracket.rate), free + Fraction(amount)
        if held.inverse:
            below = cushion + sign * size / entry
            if below <= 0 if sign > 0 else below >= 0:
                continue
            price = size * (rate + sign) / below
            value = size / price if price > 0 else Fraction(-1)
        else:
            price = (cushion - sign * size * entry) / (size * rate - sign * size)
            value = size * price
        top = terms.brackets[at + 1].floor if at + 1 < len(terms.brackets) else None
        if price > 0 and value >= bracket.floor and (top is None or value <= Fraction(top)):
            return _stepped(price, held.tick, sign)
    return None


def liquidation_at_entry(held: Held, margin: Decimal, maintenance: Decimal) -> Decimal | None:
    """Liquidation price with the maintenance margin fixed at what the entry value asks.

    Bybit, "Liquidation Price (USDT Contract)" and "... under Isolated Mode": for a long position
    linear ``E - (margin - maintenance) / q``, inverse ``q / (q / E + (margin - maintenance))``,
    for a short one with the other sign. None: no price liquidates it.
    """
    return _priced(held, Fraction(margin) - Fraction(maintenance), Fraction(0))


def bankruptcy_price(held: Held, margin: Decimal, fee: Decimal = Decimal(0)) -> Decimal | None:
    """The price at which all of `margin` is lost, with the `fee` rate of closing there.

    Bybit, "Bankruptcy Price": linear long ``E (1 - 1 / leverage)`` without fee; inverse cross
    long ``(1 + fee) q / (q / E + balance)``. None: no price loses it all.
    """
    return _priced(held, Fraction(margin), Fraction(fee))


def _priced(held: Held, lost: Fraction, fee: Fraction) -> Decimal | None:
    """The price at which a position has lost this much, the fee of closing included."""
    if held.qty == 0:
        return None
    sign = 1 if held.qty > 0 else -1
    size = abs(Fraction(held.qty)) * Fraction(held.face)
    entry = Fraction(held.entry)
    if held.inverse:
        below = sign * size / entry + lost
        if below == 0 or (below > 0) != (sign > 0):
            return None
        price = size * (sign + fee) / below
    else:
        price = (sign * size * entry - lost) / (size * (sign - fee))
    return _stepped(price, held.tick, sign) if price > 0 else None


def _stepped(price: Fraction, tick: Decimal, sign: int) -> Decimal:
    """A price on the grid: up for a long position, down for a short one."""
    steps = price / Fraction(tick)
    count = steps.numerator // steps.denominator
    if sign > 0 and steps.denominator != 1:
        count += 1
    return from_steps(count, tick)
