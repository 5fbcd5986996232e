"""What all margin models have in common: lines in, a requirement out, all in whole numbers.

Money is an integer of 10^-24 of the account's currency (`core.model.measures.UNIT_DIGITS`) and
every rounding is against the trader. A model belongs to one account in one currency.

A requirement is what the *equity* must be at least, equity being cash plus what the positions
are worth now (short ones negative). So one comparison serves every model: the account may open
as long as ``equity >= initial`` and must act once ``equity < maintenance``. Rule books state
requirements of short sales with the proceeds in them (150 % of a short stock, premium + 20 % for
an option): that figure is ``initial + credit``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from decimal import Decimal
from typing import Final, NamedTuple, Protocol

from core.model.instruments import Instrument
from core.model.measures import UNIT_DIGITS
from core.model.numbers import EXACT, plain

WHOLE: Final = 1_000_000_000
"""A rate of 100 % is this many parts."""


class Requirement(NamedTuple):
    """What an account must have; money as integers of 10^-24.

    `credit` is what the short positions were sold for, marked to the market. `problem` is a
    sentence when the requirement cannot be reckoned or the account may not hold this at all;
    nothing may be opened then.
    """

    initial: int
    maintenance: int
    credit: int = 0
    problem: str = ""


class Line:
    """One instrument of an account, as the kernel knows it; change it and `touch` the model.

    `qty` is signed lots; `open_buy` and `open_sell` are the lots that working orders may still
    trade, `buy2` and `sell2` the same lots times twice the price (ticks) each is `reckoned` at, 0
    for at the mark. `mark2` is twice the reference price in ticks, 0: unknown. `pnl` and `margin`
    are for isolated positions: open profit, and the money set aside (0: what the leverage asks).
    """

    __slots__ = (
        "buy2",
        "cost",
        "credit",
        "initial",
        "instrument",
        "maintenance",
        "margin",
        "mark2",
        "open_buy",
        "open_sell",
        "pnl",
        "qty",
        "sell2",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.qty = self.open_buy = self.open_sell = self.buy2 = self.sell2 = self.mark2 = 0
        self.pnl = self.margin = 0
        self.initial = self.maintenance = self.credit = self.cost = 0

    def put(
        self,
        qty: int,
        mark2: int,
        open_buy: int = 0,
        open_sell: int = 0,
        buy2: int = 0,
        sell2: int = 0,
    ) -> Line:
        """Set the numbers that change; returns the line itself."""
        self.qty, self.mark2 = qty, mark2
        self.open_buy, self.open_sell = open_buy, open_sell
        self.buy2, self.sell2 = buy2, sell2
        return self


class MarginModel(Protocol):
    """How much money a set of lines needs."""

    def add(self, line: Line) -> None:
        """Take a line in, once.

        Raises:
            ValueError: a sentence, when the model cannot reckon the instrument.
        """

    def touch(self, line: Line) -> None:
        """The numbers of a line have changed."""

    def requirement(self) -> Requirement:
        """What is needed now, with all working orders of the worse side filled."""

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
        """What would be needed with one more order: `sign` +1 for a buy, -1 for a sale.

        `price2` is twice its price in ticks (0: the mark). For an order that is replaced, `own` is
        its open quantity and `own2` that times what its price was `reckoned` at.
        Where `enough` is given the answer may be any upper bound whose `initial` is at most
        `enough`, when that is cheaper to find.
        """


def parts(rate: Decimal, what: str = "rate") -> int:
    """A rate (0.5 for 50 %) in parts of `WHOLE`.

    Raises:
        ValueError: when it is negative, not finite or finer than 10^-9.
    """
    count = rate * WHOLE if rate.is_finite() else Decimal(-1)
    if count < 0 or count != count.to_integral_value():
        raise ValueError(f"{what}: {rate} is not a rate; use 0 or more with at most 9 decimals.")
    return int(count)


def whole(value: Decimal, what: str) -> int:
    """Money as an integer of 10^-24.

    Raises:
        ValueError: when it has more than 24 decimals.
    """
    count = EXACT.scaleb(value, UNIT_DIGITS)
    if count != count.to_integral_value():
        raise ValueError(f"{what} is {plain(value)}, finer than {UNIT_DIGITS} decimals.")
    return int(count)


def up(value: int, rate: int) -> int:
    """A rate in parts of `value`, rounded up."""
    return -(-value * rate // WHOLE)


def slip(open_buy: int, open_sell: int, buy2: int, sell2: int, mark2: int) -> int:
    """Twice the ticks x lots that working orders lose against the mark when they are filled."""
    lost = buy2 - open_buy * mark2 if buy2 else 0
    if lost < 0:
        lost = 0
    if sell2:
        under = open_sell * mark2 - sell2
        if under > 0:
            lost += under
    return lost


class LineModel(ABC):
    """A model whose lines stand alone, so that a change costs one line and a sum."""

    def __init__(self) -> None:
        self._initial = self._maintenance = self._credit = self._cost = 0
        self._problems: dict[str, str] = {}
        self._lines: dict[str, Line] = {}

    def add(self, line: Line) -> None:
        name = line.instrument.id
        if name in self._lines:
            raise ValueError(f"{name} is in this margin account already.")
        self._lines[name] = line
        self.touch(line)

    def touch(self, line: Line) -> None:
        initial, maintenance, credit, cost, problem = self._need(
            line, line.open_buy, line.open_sell, line.buy2, line.sell2
        )
        self._initial += initial - line.initial
        self._maintenance += maintenance - line.maintenance
        self._credit += credit - line.credit
        self._cost += cost - line.cost
        line.initial, line.maintenance, line.credit, line.cost = initial, maintenance, credit, cost
        if problem:
            self._problems[line.instrument.id] = problem
        elif self._problems:
            self._problems.pop(line.instrument.id, None)

    def requirement(self) -> Requirement:
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
        buys, sells, buy2, sell2 = with_order(line, sign, qty, price2, own, own2)
        initial, maintenance, credit, cost, problem = self._need(line, buys, sells, buy2, sell2)
        if self._problems and not problem:
            problem = self._problem(line.instrument.id)
        return self._all(
            self._initial + initial - line.initial,
            self._maintenance + maintenance - line.maintenance,
            self._credit + credit - line.credit,
            self._cost + cost - line.cost,
            problem,
        )

    @abstractmethod
    def _need(
        self, line: Line, buys: int, sells: int, buy2: int, sell2: int
    ) -> tuple[int, int, int, int, str]:
        """Initial, maintenance, credit and cost of one line with these orders; a problem."""

    def _all(
        self, initial: int, maintenance: int, credit: int, cost: int, problem: str
    ) -> Requirement:
        """The requirement of sums; `cost` is what the lines that are bought are worth."""
        return Requirement(initial, maintenance, credit, problem)

    def _problem(self, but: str = "") -> str:
        if not self._problems:
            return ""
        return next((text for name, text in self._problems.items() if name != but), "")


def with_order(
    line: Line, sign: int, qty: int, price2: int, own: int, own2: int
) -> tuple[int, int, int, int]:
    """`open_buy`, `open_sell`, `buy2` and `sell2` of a line with one more order."""
    buys, sells = line.open_buy, line.open_sell
    buy2, sell2 = line.buy2, line.sell2
    price2 = reckoned(sign, price2, line.mark2)
    if sign > 0:
        if not buy2:
            buy2 = buys * line.mark2
        buys += qty - own
        buy2 += qty * price2 - own2
    else:
        if not sell2:
            sell2 = sells * line.mark2
        sells += qty - own
        sell2 += qty * price2 - own2
    return buys, sells, buy2, sell2


def reckoned(sign: int, price2: int, mark2: int) -> int:
    """Twice the price that an order is reckoned at: its own, or the mark where that is worse.

    So an order that rests away from the market never makes up for one that crosses it.
    """
    if price2 <= 0:
        return mark2
    return max(price2, mark2) if sign > 0 else min(price2, mark2)


def no_price(line: Line) -> str:
    """The sentence for a line without a price."""
    return f"{line.instrument.id} has no price, so its margin is unknown; wait for a quote."
