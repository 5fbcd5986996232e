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
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, floor

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
from core.risk.margin.black import black76, delta76

_YEAR = 365 * 86_400_000_000_000
_FINE = 1_000_000_000
"""A model price is cut to this part of the unit of the price before it becomes money."""

THIRDS = (0, 0, 1, 1, -1, -1, 2, 2, -2, -2, 3, 3, -3, -3)
"""The moves of the first 14 scenarios in thirds of the range, volatility up first."""


@dataclass(frozen=True, slots=True)
class ScanTerms:
    """The parameters of one product; money is per contract (lot) in its currency.

    `price_scan` is in the price of the underlying, `vol_scan` in volatility (0.05: five points) or,
    when `vol_relative`, a part of the volatility. `volatility` is used for options that were given
    none. `initial` is what the initial requirement is of the maintenance requirement.

    Raises:
        ValueError: when a range is not above 0 or another parameter is negative.
    """

    price_scan: Decimal
    vol_scan: Decimal = Decimal(0)
    vol_relative: bool = False
    volatility: Decimal = Decimal("0.2")
    rate: Decimal = Decimal(0)
    extreme: Decimal = Decimal(3)
    cover: Decimal = Decimal("0.33")
    spread_charge: Decimal = Decimal(0)
    short_option: Decimal = Decimal(0)
    initial: Decimal = Decimal(1)
    net_option_value: bool = True

    def __post_init__(self) -> None:
        for name in ("vol_scan", "volatility", "extreme", "cover", "spread_charge", "short_option"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; use 0 or more.")
        if not self.price_scan > 0:
            raise ValueError(f"price_scan is {self.price_scan}; use a range above 0.")
        if not self.initial >= 1:
            raise ValueError(f"initial is {self.initial}; use 1 or more.")


class _Entry:
    """A line with its risk array: what one lot bought (sold) loses at most in each scenario."""

    __slots__ = (
        "buy",
        "delta",
        "down",
        "expiry",
        "line",
        "loss",
        "option",
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


class _Product:
    """All contracts on one underlying and the sum of their arrays."""

    __slots__ = ("charge", "entries", "losses", "minimum", "need", "price", "scale", "terms")

    def __init__(self, terms: ScanTerms) -> None:
        self.terms = terms
        self.entries: list[_Entry] = []
        self.losses = [0] * 16
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
        return list(self._entries[line.instrument.id].up)

    def set_array(self, line: Line, losses: Sequence[int], delta: Decimal = Decimal(1)) -> None:
        """Use an exchange's own array (and delta) for one lot, until `reprice` of the product."""
        if len(losses) != 16:
            raise ValueError(f"{line.instrument.id}: a risk array has 16 values.")
        entry = self._entries[line.instrument.id]
        entry.delta = int(delta * WHOLE)
        self._use(entry, list(losses), list(losses))
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
        losses = [have + more * each for have, each in zip(product.losses, array, strict=True)]
        kept = line.open_buy, line.open_sell, line.buy2, line.sell2
        line.open_buy, line.open_sell, line.buy2, line.sell2 = with_order(
            line, sign, qty, price2, own, own2
        )
        try:
            need = self._need(product, losses)
        finally:
            line.open_buy, line.open_sell, line.buy2, line.sell2 = kept
        old = product.need
        return Requirement(
            self._initial + need[0] - old[0],
            self._maintenance + need[1] - old[1],
            self._credit + need[2] - old[2],
            no_price(line) if line.mark2 <= 0 else self._problem(),
        )

    def _array(self, entry: _Entry) -> None:
        terms = entry.product.terms
        scan = terms.price_scan
        moves = [scan * thirds / 3 for thirds in THIRDS]
        moves += [scan * terms.extreme, -scan * terms.extreme]
        if entry.option is None:
            exact = [-move * _FINE for move in moves]
            exact[14:] = [loss * terms.cover for loss in exact[14:]]
            self._use(entry, [ceil(x) for x in exact], [floor(x) for x in exact], entry.size)
            return
        price, strike = entry.product.price, entry.strike
        if price <= 0.0:
            self._unpriced[entry.line.instrument.id] = (
                f"{entry.line.instrument.id}: the price of its underlying is unknown, so its"
                " margin is too; wait for a quote."
            )
            self._use(entry, [0] * 16, [0] * 16)
            return
        self._unpriced.pop(entry.line.instrument.id, None)
        call = entry.option is PutOrCall.CALL
        rate = float(terms.rate)
        years = max(0, entry.expiry - self._now) / _YEAR
        vol = entry.volatility or float(terms.volatility)
        shift = float(terms.vol_scan) * (vol if terms.vol_relative else 1.0)
        high, low = vol + shift, max(0.0, vol - shift)
        now = black76(call, price, strike, years, vol, rate)
        losses = [
            now - black76(call, price + float(move), strike, years, low if at % 2 else high, rate)
            for at, move in enumerate(moves[:14])
        ]
        cover = float(terms.cover)
        losses += [
            (now - black76(call, price + float(move), strike, years, vol, rate)) * cover
            for move in moves[14:]
        ]
        entry.delta = round(delta76(call, price, strike, years, vol, rate) * WHOLE)
        self._use(
            entry,
            [ceil(loss * _FINE) for loss in losses],
            [floor(loss * _FINE) for loss in losses],
            entry.size,
        )

    @staticmethod
    def _use(entry: _Entry, up: list[int], down: list[int], size: int = 1) -> None:
        entry.up = [loss * size for loss in up]
        entry.down = [loss * size for loss in down]
        entry.buy = [loss if loss > 0 else 0 for loss in entry.up]
        entry.sell = [-loss if loss < 0 else 0 for loss in entry.down]

    @staticmethod
    def _count(entry: _Entry) -> None:
        """Bring an entry's part of its product's losses up to date."""
        line, losses = entry.line, entry.product.losses
        qty, buys, sells = line.qty, line.open_buy, line.open_sell
        held = entry.up if qty > 0 else entry.down
        old = entry.loss
        new = entry.loss = [
            qty * h + buys * b + sells * s
            for h, b, s in zip(held, entry.buy, entry.sell, strict=True)
        ]
        for at in range(16):
            losses[at] += new[at] - old[at]

    def _sum(self, product: _Product) -> None:
        need = self._need(product, product.losses)
        old = product.need
        self._initial += need[0] - old[0]
        self._maintenance += need[1] - old[1]
        self._credit += need[2] - old[2]
        product.need = need

    @staticmethod
    def _need(product: _Product, losses: list[int]) -> tuple[int, int, int]:
        """Initial, maintenance and credit of a product whose arrays sum up to `losses`."""
        risk = max(losses)
        if risk < 0:
            risk = 0
        lost = shorts = value = credit = 0
        long = short = 0
        months: dict[int, tuple[int, int]] = {}
        charged = product.charge > 0
        for entry in product.entries:
            line = entry.line
            qty, buys, sells = line.qty, line.open_buy, line.open_sell
            if not (qty or buys or sells):
                continue
            if line.buy2 or line.sell2:
                lost += -(-slip(buys, sells, line.buy2, line.sell2, line.mark2) * entry.units // 2)
            if charged:
                delta = entry.delta
                high, low = months.get(entry.expiry, (0, 0))
                most, least = (qty + buys) * delta, (qty - sells) * delta
                if most < least:
                    most, least = least, most
                months[entry.expiry] = high + most, low + least
            if entry.option is not None:
                sold = sells - qty
                if sold > 0:
                    shorts += sold
                    credit += -(-sold * line.mark2 * entry.units // 2)
                value += (qty + buys) * line.mark2 * entry.units // 2
        if charged:
            for high, low in months.values():
                long += max(high, 0)
                short += max(-low, 0)
            # One spread for every delta that is long in one month and short in another.
            risk += -(-min(long, short) // WHOLE) * product.charge
        least = shorts * product.minimum
        if risk < least:
            risk = least
        initial = -(-risk * product.scale // WHOLE)
        if not product.terms.net_option_value and value > 0:
            risk = max(risk, value)
            initial = max(initial, value)
        return initial + lost, risk + lost, credit

    def _problem(self) -> str:
        if not (self._problems or self._unpriced):
            return ""
        return next(iter((*self._problems.values(), *self._unpriced.values())))


def scenario_words(at: int) -> str:
    """What a scenario is, for people: "price -2/3, volatility up"."""
    if at >= 14:
        return f"extreme move {'up' if at == 14 else 'down'}"
    thirds = THIRDS[at]
    price = "unchanged" if thirds == 0 else f"{thirds:+d}/3"
    return f"price {price}, volatility {'down' if at % 2 else 'up'}"


def is_scanned(instrument: Instrument) -> bool:
    """Is it a future or an option that `ScanMargin` can reckon?"""
    contract = instrument.contract
    return contract is not None and contract.expiry > 0 and not contract.inverse
