"""Futures and options on them: the worst of 16 scenarios of price and volatility.

As CME describes SPAN ("Risk Array Values" and "Scan Risk" of the SPAN methodology; McMillan,
"Options as a Strategic Investment", chapter 34 has worked arrays): the price of the underlying
moves by 0, 1/3, 2/3 and 3/3 of the price scan range up and down, each with volatility up and
down by the volatility scan range, and twice by a multiple of the range of which only a part of
the loss is covered. What one contract loses in each is its risk array; the arrays of all
contracts on one underlying are added and the greatest loss is the scan risk. To it comes a charge
for spreads between months; it is at least the short option minimum. Expiries of one product move
together by the same amount.

Working orders: in each scenario every order that would lose by its fill is filled and no other,
which is exactly the worst set of fills, and stays a sum.

Equity has the value of the options in it. Where the house does not lend on it
(`net_option_value` False), the requirement is at least the net value of the options.

Arrays are worked out when a line is added and by `reprice`; a fill, an order or a mark uses the
arrays there are, so that an order costs 16 sums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import gcd
from typing import Final

from core.model.contracts import PutOrCall
from core.model.instruments import Instrument
from core.model.measures import money_units
from core.model.numbers import EXACT
from core.risk.margin.base import (
    WHOLE,
    Line,
    Requirement,
    no_price,
    parts,
    slip,
    whole,
    with_order,
)
from core.risk.margin.scenarios import YEAR, ScanTerms, futures_array, option_array

_Part = tuple[int, int, int, int, int, int]
"""What a line adds to its product beside its losses: money lost against the mark by its orders,
lots of options short at worst and their credit, the value of options where the house does not lend
on it, and the deltas at most and at least (in parts of `WHOLE`)."""

_NOTHING: _Part = (0, 0, 0, 0, 0, 0)
_OTHER: Final = (0, -1, -1)
"""Lots that there never are: what was lost must be reckoned anew."""


class _Entry:
    """A line with its risk array: what one lot bought (sold) loses at most in each scenario.

    Losses are counted in the unit of the product.
    """

    __slots__ = (
        "buy",
        "delta",
        "down",
        "expiry",
        "filled",
        "line",
        "loss",
        "option",
        "part",
        "product",
        "sell",
        "size",
        "strike",
        "units",
        "up",
        "volatility",
    )

    def __init__(self, line: Line, product: _Product) -> None:
        instrument = line.instrument
        contract = instrument.contract
        assert contract is not None
        self.line = line
        self.product = product
        self.option = contract.right
        self.strike = float(contract.strike)
        self.expiry = contract.expiry
        self.units = money_units(instrument)
        size = EXACT.multiply(instrument.lot, instrument.multiplier)
        # Money of the smallest model price that is told apart.
        self.size = whole(EXACT.multiply(size, Decimal(1).scaleb(-9)), f"{instrument.id}: size")
        self.volatility = 0.0
        self.delta = WHOLE
        self.up: list[int] = []
        self.down: list[int] = []
        self.buy: list[int] = []
        self.sell: list[int] = []
        self.loss = [0] * 16
        self.filled = (0, 0, 0)
        self.part = _NOTHING


class _Product:
    """All contracts on one underlying and the sum of their arrays.

    `unit` is the greatest money that every loss is a whole number of, so that the numbers that are
    added for each order are small; `worst` is the greatest of `losses`, at least 0.
    """

    __slots__ = (
        "charge",
        "entries",
        "lends",
        "long",
        "losses",
        "minimum",
        "months",
        "need",
        "part",
        "price",
        "scale",
        "short",
        "terms",
        "unit",
        "worst",
    )

    def __init__(self, terms: ScanTerms) -> None:
        self.terms = terms
        self.lends = terms.net_option_value
        self.entries: list[_Entry] = []
        self.losses = [0] * 16
        self.unit = self.worst = 0
        self.part = _NOTHING
        self.months: dict[int, tuple[int, int]] = {}
        self.long = self.short = 0
        self.price = 0.0
        self.charge = whole(terms.spread_charge, "spread_charge")
        self.minimum = whole(terms.short_option, "short_option")
        self.scale = parts(terms.initial, "initial")
        self.need = (0, 0, 0)


class ScanMargin:
    """Futures and options by scenarios; `terms` by the underlying that contracts name."""

    def __init__(self, terms: Mapping[str, ScanTerms]) -> None:
        self._products = {name: _Product(each) for name, each in terms.items()}
        self._entries: dict[str, _Entry] = {}
        self._problems: dict[str, str] = {}
        self._unpriced: dict[str, str] = {}
        self._initial = self._maintenance = self._credit = 0
        self._now = 0

    def add(self, line: Line) -> None:
        """Take a future or an option in, once.

        Raises:
            ValueError: when it is neither, its product has no terms, or it is in already.
        """
        name = line.instrument.id
        contract = line.instrument.contract
        product = None if contract is None else self._products.get(contract.underlying)
        if product is None:
            raise ValueError(f"{name} has no scan ranges; add its product to the margin settings.")
        if line.instrument.inverse:
            raise ValueError(f"{name} is an inverse contract; use the margin model “perpetual”.")
        if name in self._entries:
            raise ValueError(f"{name} is in this margin account already.")
        entry = self._entries[name] = _Entry(line, product)
        product.entries.append(entry)
        self._array(entry)
        self.touch(line)

    def mark(self, underlying: str, price: Decimal, now: int) -> None:
        """The price of a product's underlying and the time (UTC ns); `reprice` makes use of it."""
        self._products[underlying].price = float(price)
        self._now = now

    def volatility(self, line: Line, value: Decimal) -> None:
        """The implied volatility of an option (0.2 for 20 % a year); `reprice` makes use of it."""
        self._entries[line.instrument.id].volatility = float(value)

    def reprice(self, underlying: str) -> None:
        """Work the arrays of a product out anew."""
        product = self._products[underlying]
        for entry in product.entries:
            if entry.option is not None:
                self._array(entry)
                self._count(entry)
        self._sum(product)

    def array(self, line: Line) -> list[int]:
        """What one lot of a line loses in each of the 16 scenarios, gains negative."""
        entry = self._entries[line.instrument.id]
        return [loss * entry.product.unit for loss in entry.up]

    def set_array(self, line: Line, losses: Sequence[int], delta: Decimal = Decimal(1)) -> None:
        """Use an exchange's own array (and delta) for one lot, until `reprice` of the product."""
        if len(losses) != 16:
            raise ValueError(f"{line.instrument.id}: a risk array has 16 values.")
        entry = self._entries[line.instrument.id]
        entry.delta = int(delta * WHOLE)
        self._use(entry, list(losses), list(losses), 1)
        self.touch(line)

    def touch(self, line: Line) -> None:
        """The numbers of a line have changed."""
        entry = self._entries[line.instrument.id]
        self._count(entry)
        if line.mark2 <= 0 and (line.qty or line.open_buy or line.open_sell):
            self._problems[line.instrument.id] = no_price(line)
        elif self._problems:
            self._problems.pop(line.instrument.id, None)
        self._sum(entry.product)

    def requirement(self) -> Requirement:
        """What is needed now, with the worst of all working orders filled."""
        return Requirement(self._initial, self._maintenance, self._credit, self._problem())

    def after(
        self,
        line: Line,
        sign: int,
        qty: int,
        price2: int,
        own: int = 0,
        own2: int = 0,
        enough: int | None = None,
    ) -> Requirement:
        """What would be needed with one more order; see `MarginModel.after`."""
        entry = self._entries[line.instrument.id]
        product = entry.product
        array = entry.buy if sign > 0 else entry.sell
        more = qty - own
        losses = product.losses
        worst = 0
        for at in range(16):
            loss = losses[at] + more * array[at]
            if loss > worst:
                worst = loss
        part = self._part(entry, *with_order(line, sign, qty, price2, own, own2))
        long, short, _ = self._months(entry, part)
        need = self._need(product, worst, self._swap(product, entry.part, part), long, short)
        old = product.need
        return Requirement(
            self._initial + need[0] - old[0],
            self._maintenance + need[1] - old[1],
            self._credit + need[2] - old[2],
            no_price(line) if line.mark2 <= 0 else self._problem(line),
        )

    def _array(self, entry: _Entry) -> None:
        product = entry.product
        name = entry.line.instrument.id
        if entry.option is None:
            self._use(entry, *futures_array(product.terms), entry.size)
        elif product.price <= 0.0:
            self._unpriced[name] = (
                f"{name}: the price of its underlying is unknown, so its margin is too;"
                " wait for a quote."
            )
            self._use(entry, [0] * 16, [0] * 16, entry.size)
        else:
            self._unpriced.pop(name, None)
            up, down, entry.delta = option_array(
                product.terms,
                entry.option is PutOrCall.CALL,
                product.price,
                entry.strike,
                max(0, entry.expiry - self._now) / YEAR,
                entry.volatility or float(product.terms.volatility),
            )
            self._use(entry, up, down, entry.size)

    @classmethod
    def _use(cls, entry: _Entry, up: list[int], down: list[int], size: int) -> None:
        """Use an array whose numbers are so much money each."""
        unit = gcd(entry.product.unit, size)
        cls._refine(entry.product, unit)
        each = size // unit
        entry.up = [loss * each for loss in up]
        entry.down = [loss * each for loss in down]
        entry.buy = [loss if loss > 0 else 0 for loss in entry.up]
        entry.sell = [-loss if loss < 0 else 0 for loss in entry.down]
        entry.filled = _OTHER

    @staticmethod
    def _refine(product: _Product, unit: int) -> None:
        """Count the losses in this unit, of which the old one is a multiple."""
        if unit == product.unit:
            return
        times = product.unit // unit
        product.unit = unit
        product.worst *= times
        product.losses = [loss * times for loss in product.losses]
        for entry in product.entries:
            entry.up = [loss * times for loss in entry.up]
            entry.down = [loss * times for loss in entry.down]
            entry.buy = [loss * times for loss in entry.buy]
            entry.sell = [loss * times for loss in entry.sell]
            entry.loss = [loss * times for loss in entry.loss]

    @classmethod
    def _count(cls, entry: _Entry) -> None:
        """Bring what an entry adds to its product up to date."""
        line, product = entry.line, entry.product
        qty, buys, sells = line.qty, line.open_buy, line.open_sell
        lots = (qty, buys, sells)
        if lots != entry.filled:
            # Neither the price of an option nor that of a future changes what scenarios lose.
            entry.filled = lots
            held = entry.up if qty > 0 else entry.down
            old = entry.loss
            new = entry.loss = [
                qty * h + buys * b + sells * s
                for h, b, s in zip(held, entry.buy, entry.sell, strict=True)
            ]
            product.losses = [
                have + now - before
                for have, now, before in zip(product.losses, new, old, strict=True)
            ]
            product.worst = max(0, *product.losses)
        part = cls._part(entry, buys, sells, line.buy2, line.sell2)
        product.long, product.short, product.months[entry.expiry] = cls._months(entry, part)
        product.part = cls._swap(product, entry.part, part)
        entry.part = part

    def _sum(self, product: _Product) -> None:
        need = self._need(product, product.worst, product.part, product.long, product.short)
        old = product.need
        self._initial += need[0] - old[0]
        self._maintenance += need[1] - old[1]
        self._credit += need[2] - old[2]
        product.need = need

    @staticmethod
    def _part(entry: _Entry, buys: int, sells: int, buy2: int, sell2: int) -> _Part:
        """What a line with these orders adds to its product."""
        line, units = entry.line, entry.units
        qty, mark2 = line.qty, line.mark2
        lost = sold = credit = value = 0
        if buy2 or sell2:
            lost = -(-slip(buys, sells, buy2, sell2, mark2) * units // 2)
        if entry.option is not None:
            sold = sells - qty if sells > qty else 0
            credit = -(-sold * mark2 * units // 2)
            if not entry.product.lends:
                value = (qty + buys) * mark2 * units // 2
        if not entry.product.charge:
            return lost, sold, credit, value, 0, 0
        high, low = (qty + buys) * entry.delta, (qty - sells) * entry.delta
        if high < low:
            high, low = low, high
        return lost, sold, credit, value, high, low

    @staticmethod
    def _swap(product: _Product, old: _Part, new: _Part) -> _Part:
        """The product's sums with one line's part in place of another."""
        lost, sold, credit, value, _, _ = product.part
        return (
            lost + new[0] - old[0],
            sold + new[1] - old[1],
            credit + new[2] - old[2],
            value + new[3] - old[3],
            0,
            0,
        )

    @staticmethod
    def _months(entry: _Entry, part: _Part) -> tuple[int, int, tuple[int, int]]:
        """Deltas that may be long and short over all months with this part, and its month's."""
        product = entry.product
        if not product.charge:
            return 0, 0, (0, 0)
        high, low = product.months.get(entry.expiry, (0, 0))
        old = entry.part
        most, least = high + part[4] - old[4], low + part[5] - old[5]
        long = product.long + max(most, 0) - max(high, 0)
        short = product.short + max(-least, 0) - max(-low, 0)
        return long, short, (most, least)

    @staticmethod
    def _need(
        product: _Product, worst: int, part: _Part, long: int, short: int
    ) -> tuple[int, int, int]:
        """Initial, maintenance and credit of a product with these sums and this worst scenario."""
        lost, sold, credit, value, _, _ = part
        risk = worst * product.unit
        if long and short:
            # One spread for every delta that is long in one month and short in another.
            risk += -(-min(long, short) // WHOLE) * product.charge
        least = sold * product.minimum
        if risk < least:
            risk = least
        initial = risk if product.scale == WHOLE else -(-risk * product.scale // WHOLE)
        if value > 0:
            risk = max(risk, value)
            initial = max(initial, value)
        return initial + lost, risk + lost, credit

    def _problem(self, asked: Line | None = None) -> str:
        for text in self._problems.values():
            return text
        for name, text in self._unpriced.items():
            line = self._entries[name].line
            if line is asked or line.qty or line.open_buy or line.open_sell:
                return text
        return ""


def is_scanned(instrument: Instrument) -> bool:
    """Is it a future or an option that `ScanMargin` can reckon?"""
    contract = instrument.contract
    return contract is not None and contract.expiry > 0 and not contract.inverse
