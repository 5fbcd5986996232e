"""A margin account of stocks and options: Regulation T with FINRA's option strategies.

Stocks as in `core.risk.margin.regt`, short options as in `core.risk.margin.pairing`, long options
paid in full. Stock that protects: with a long put (or a short sale with a long call) the
maintenance is at most 10 % of the strike plus what the option is out of the money
(4210(f)(2)(H)(v)) as long as nothing is sold short on that underlying; collars and conversions
are covered calls with the stock's usual maintenance, never less than the rule's.

Requirements are against equity (`core.risk.margin.base`), so the value of the short options is
taken off: a naked call sold for 8.40 needs 34.10 a share by the rule, 25.70 of the account's own.

Working orders: the requirement is the greatest of all ways in which the stock's buys or sales
and each of two orders in options may be filled or not; one that sells more than is held may also
be filled up to there. Buying to close counts, since a short option's value stands against the
requirement. With more than two such orders all sales are taken as filled, but for nothing, and all
closing ones as paid for; that is never less. Option buys that open need their price. Option lots
cover stock by their own size; where contracts of different sizes share an underlying, its stock
counts for the smallest size only.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from core.model.measures import UNIT_DIGITS
from core.risk.margin.base import (
    Line,
    Requirement,
    no_price,
    reckoned,
    slip,
    whole,
    with_order,
)
from core.risk.margin.legs import Leg, OptionTerms
from core.risk.margin.options import KEPT, Fill, OptionSize
from core.risk.margin.regt import StockRates, StockTerms

_Rough = tuple[int, int, int, int]
"""At most what a group needs: initial, credit, cost; and 1 where that cannot be said, else 0."""

_UNCLEAR: _Rough = (0, 0, 0, 1)


class _Group:
    """Everything on one underlying."""

    __slots__ = (
        "dirty",
        "need",
        "problem",
        "rates",
        "relieved",
        "rough",
        "sizes",
        "spot",
        "stale",
        "stock",
        "stocks",
    )

    def __init__(self) -> None:
        self.stock: Line | None = None
        self.rates: StockRates | None = None
        # What so many lots of the stock need at its price: initial and maintenance.
        self.stocks: dict[int, tuple[int, int]] = {}
        self.sizes: dict[Decimal, OptionSize] = {}
        self.spot = Decimal(0)
        self.dirty = self.stale = False
        self.need = (0, 0, 0, 0)
        self.rough: _Rough = (0, 0, 0, 0)
        self.problem = ""
        self.relieved = False


class StrategyMargin:
    """Stocks and options of one account; a change costs the pairing of one underlying.

    `stocks` and `options` are terms by instrument id and by underlying. `at` gives the time for
    the nine months of a long-term option, `mark` the price of an underlying that has no line.
    """

    def __init__(
        self,
        stocks: Mapping[str, StockTerms] | None = None,
        options: Mapping[str, OptionTerms] | None = None,
        minimum: Decimal = Decimal(2000),
    ) -> None:
        self._stocks = dict(stocks or {})
        self._options = dict(options or {})
        self._minimum = whole(minimum, "minimum equity")
        self._groups: dict[str, _Group] = {}
        self._of: dict[str, tuple[_Group, OptionSize | None, int]] = {}
        self._dirty: list[_Group] = []
        self._stale: list[_Group] = []
        self._initial = self._maintenance = self._credit = self._cost = 0
        self._rough_initial = self._rough_credit = self._rough_cost = self._unclear = 0
        self._long_terms = any(t.long_term < 1 for t in self._options.values())
        self._now = 0

    def add(self, line: Line) -> None:
        """Take a stock or an option in, once.

        Raises:
            ValueError: when it is neither, or in already.
        """
        instrument = line.instrument
        name = instrument.id
        if name in self._of:
            raise ValueError(f"{name} is in this margin account already.")
        contract = instrument.contract
        if contract is None:
            group = self._group(name)
            group.stock = line
            group.rates = StockRates(instrument, self._stocks.get(name, StockTerms()))
            self._of[name] = group, None, 0
        else:
            terms = self._options.get(contract.underlying, OptionTerms())
            leg = Leg(instrument, terms)
            group = self._group(contract.underlying)
            size = group.sizes.get(leg.size)
            if size is None:
                size = OptionSize(leg.size, terms)
                group.sizes[leg.size] = size
                group.sizes = dict(sorted(group.sizes.items()))
            self._of[name] = group, size, len(size.legs)
            size.add(leg, line)
        self._cover(group)
        self.touch(line)

    def at(self, now: int) -> None:
        """The time, in UTC nanoseconds."""
        self._now = now
        if self._long_terms:
            for group in self._groups.values():
                self._soil(group)

    def line(self, name: str) -> Line:
        """The line of an instrument; raises `KeyError` when there is none."""
        group, size, at = self._of[name]
        line = group.stock if size is None else size.lines[at]
        assert line is not None
        return line

    def mark(self, underlying: str, price: Decimal) -> None:
        """The price of an underlying, where it is no line of this account."""
        group = self._group(underlying)
        if group.stock is None and price != group.spot:
            group.spot = price
            self._spots(group)
            self._soil(group)

    def touch(self, line: Line) -> None:
        """The numbers of a line have changed."""
        group, size, at = self._of[line.instrument.id]
        if size is None:
            self._spots(group)
        else:
            size.mark(at)
        self._soil(group)

    def requirement(self) -> Requirement:
        """What is needed now, with the worse side of all working orders filled."""
        self._clean()
        return self._all(
            self._initial, self._maintenance, self._credit, self._cost, self._problem()
        )

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
        """What would be needed with one more order; see `MarginModel.after`.

        Whether there is `enough` can mostly be seen without a search for the best pairing. Whatever
        was asked before, the same account is given the same answer to that: either bound is of
        what it holds alone, and both are tried before the search.
        """
        if enough is not None:
            bounds = (self._rough_after, self._bound)
            for bound in bounds if self._dirty else reversed(bounds):
                quick = bound(line, sign, qty, price2, own, own2)
                if quick is not None and quick.initial <= enough:
                    return quick
        self._clean()
        group = self._of[line.instrument.id][0]
        kept, relieved = (line.open_buy, line.open_sell, line.buy2, line.sell2), group.relieved
        line.open_buy, line.open_sell, line.buy2, line.sell2 = with_order(
            line, sign, qty, price2, own, own2
        )
        try:
            need, problem = self._need(group)
        finally:
            line.open_buy, line.open_sell, line.buy2, line.sell2 = kept
            group.relieved = relieved
        return self._all(
            self._initial + need[0] - group.need[0],
            self._maintenance + need[1] - group.need[1],
            self._credit + need[2] - group.need[2],
            self._cost + need[3] - group.need[3],
            problem or self._problem(group),
        )

    def _rough_after(
        self, line: Line, sign: int, qty: int, price2: int, own: int, own2: int
    ) -> Requirement | None:
        """Never less than the requirement, by pairings that need no search; None: unknown."""
        own_group = self._of[line.instrument.id][0]
        left: list[_Group] = []
        for group in self._stale:
            if group is own_group:
                left.append(group)  # the order makes it another one
                continue
            old, new = group.rough, self._rough(group)
            self._rough_initial += new[0] - old[0]
            self._rough_credit += new[1] - old[1]
            self._rough_cost += new[2] - old[2]
            self._unclear += new[3] - old[3]
            group.rough, group.stale = new, False
        self._stale = left
        have = own_group.rough
        if self._unclear > have[3]:
            return None
        kept = line.open_buy, line.open_sell, line.buy2, line.sell2
        line.open_buy, line.open_sell, line.buy2, line.sell2 = with_order(
            line, sign, qty, price2, own, own2
        )
        try:
            then = self._rough(own_group)
        finally:
            line.open_buy, line.open_sell, line.buy2, line.sell2 = kept
        if then[3]:
            return None
        initial = self._rough_initial + then[0] - have[0]
        return self._all(
            initial,
            initial,
            self._rough_credit + then[1] - have[1],
            self._rough_cost + then[2] - have[2],
            "",
        )

    def _rough(self, group: _Group) -> _Rough:
        """No less than `_need` of a group, for its initial requirement."""
        initial, credit, cost, shares, problem = self._stock_orders(group)
        if problem:
            return _UNCLEAR
        for size in group.sizes.values():
            opens, problem = size.opens(self._now)
            if problem:
                return _UNCLEAR
            initial += opens
            credit += size.credit()
        most = 0
        for nth, count in enumerate(shares):
            total = self._stock(group, count)[0]
            for at, size in enumerate(group.sizes.values()):
                total += size.rough(0 if at else count)
            if nth == 0 or total > most:
                most = total
        return initial + most, credit, cost, 0

    def _bound(
        self, line: Line, sign: int, qty: int, price2: int, own: int, own2: int
    ) -> Requirement | None:
        """Never less than the requirement: what there is, and this order alone; None: unknown.

        Pairing never needs more than its parts; only selling what covers a short one can do that.
        """
        if own:
            return None
        self._clean()
        group, size, at = self._of[line.instrument.id]
        if size is None or group.problem or line.mark2 <= 0:
            return None
        leg = size.legs[at]
        premium = leg.premium(line.mark2)
        price2 = reckoned(sign, price2, line.mark2)
        if sign > 0:
            cost = qty * leg.premium(price2)
            alone = 0
        else:
            if line.qty > 0 or self._long_terms or group.relieved:
                return None
            alone = qty * leg.alone(size.spot)
            cost = alone + qty * (premium - price2 * leg.units // 2)
        return self._all(
            self._initial + cost,
            self._maintenance + cost,
            self._credit + (qty * premium if sign < 0 else 0),
            self._cost,
            self._problem(group),
        )

    def _group(self, underlying: str) -> _Group:
        group = self._groups.get(underlying)
        if group is None:
            group = self._groups[underlying] = _Group()
        return group

    def _soil(self, group: _Group) -> None:
        if not group.dirty:
            group.dirty = True
            self._dirty.append(group)
        if not group.stale:
            group.stale = True
            self._stale.append(group)

    def _clean(self) -> None:
        for group in self._dirty:
            need, group.problem = self._need(group)
            self._initial += need[0] - group.need[0]
            self._maintenance += need[1] - group.need[1]
            self._credit += need[2] - group.need[2]
            self._cost += need[3] - group.need[3]
            group.need = need
            group.dirty = False
        self._dirty.clear()

    def _cover(self, group: _Group) -> None:
        """How many lots of stock one lot of each option stands for."""
        for at, size in enumerate(group.sizes.values()):
            covers = 0
            if at == 0 and group.stock is not None:
                stock = group.stock.instrument
                per = Fraction(size.size) / (Fraction(stock.lot) * Fraction(stock.multiplier))
                covers = per.numerator if per.denominator == 1 else 0
            size.cover(covers)
            if group.stock is not None:
                half = Fraction(group.stock.instrument.tick) * Fraction(size.size) / 2
                size.each = (half * 10**UNIT_DIGITS).as_integer_ratio()
        self._spots(group)

    def _spots(self, group: _Group) -> None:
        """Bring what the underlying of one lot is worth up to date."""
        stock = group.stock
        group.stocks.clear()
        for size in group.sizes.values():
            if stock is not None:
                top, bottom = size.each
                size.underlying(stock.mark2 * top // bottom)
            else:
                value = Fraction(group.spot) * Fraction(size.size) * 10**UNIT_DIGITS
                size.underlying(value.numerator // value.denominator)

    def _need(self, group: _Group) -> tuple[tuple[int, int, int, int], str]:
        """Initial, maintenance, credit, cost of a group, working orders and all; a problem."""
        initial, credit, cost, shares, problem = self._stock_orders(group)
        if problem:
            return (0, 0, 0, 0), problem
        keep = initial
        stock, rates = group.stock, group.rates
        if not group.sizes:
            found = [self._stock(group, count) for count in shares]
            initial += max(f[0] for f in found)
            return (initial, keep + max(f[1] for f in found), credit, cost), ""
        states: list[list[Fill]] = []
        for size in group.sizes.values():
            opens, problem = size.opens(self._now)
            if problem:
                return (0, 0, 0, 0), problem
            initial += opens
            keep += opens
            choices, paid = size.fills()
            states.append(choices)
            initial += paid
            keep += paid
            credit += size.credit()
        most = hold = 0
        first = True
        group.relieved = False
        for count in shares:
            total = after = 0
            own = self._stock(group, count)
            for at, (size, fills) in enumerate(zip(group.sizes.values(), states, strict=True)):
                cover = count if at == 0 else 0
                each = [size.need(cover, fill, stock, rates) for fill in fills]
                total += max(e[0] for e in each)
                after += max(e[1] for e in each)
                if any(e[0] != e[1] for e in each):
                    group.relieved = True
            total += own[0]
            after += own[1]
            if first or total > most:
                most = total
            if first or after > hold:
                hold = after
            first = False
        return (initial + most, keep + hold, credit, cost), ""

    @staticmethod
    def _stock_orders(group: _Group) -> tuple[int, int, int, list[int], str]:
        """Of a group's stock: what its orders need for their prices; credit; cost; the lots that
        there may be; a problem."""
        stock, rates = group.stock, group.rates
        if stock is None or rates is None:
            return 0, 0, 0, [0], ""
        held, buys, sells, mark2 = stock.qty, stock.open_buy, stock.open_sell, stock.mark2
        lost = credit = cost = 0
        if held or buys or sells:
            if mark2 <= 0:
                return 0, 0, 0, [0], no_price(stock)
            lost = -(-slip(buys, sells, stock.buy2, stock.sell2, mark2) * rates.units // 2)
            if sells > held:
                credit = rates.value(sells - held, mark2)
            if held + buys > 0:
                cost = rates.value(held + buys, mark2)
        return lost, credit, cost, sorted({held, held + buys, held - sells}), ""

    @staticmethod
    def _stock(group: _Group, count: int) -> tuple[int, int]:
        stock, rates = group.stock, group.rates
        if not count or stock is None or rates is None:
            return 0, 0
        known = group.stocks.get(count)
        if known is None:
            mark2 = stock.mark2
            known = rates.long(count, mark2) if count > 0 else rates.short(-count, mark2)
            if len(group.stocks) >= KEPT:
                group.stocks.clear()
            group.stocks[count] = known
        return known

    def _all(
        self, initial: int, maintenance: int, credit: int, cost: int, problem: str
    ) -> Requirement:
        least = self._minimum if credit else min(self._minimum, cost)
        return Requirement(max(initial, least), maintenance, credit, problem)

    def _problem(self, but: _Group | None = None) -> str:
        for group in self._groups.values():
            if group.problem and group is not but:
                return group.problem
        return ""
