"""Controls of the whole account: buying power, margin, value at risk with the order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.kernel.exposure import equity_units
from core.kernel.orders import Live
from core.kernel.positions import Account, Holding
from core.kernel.resting import prices
from core.kernel.rules import Bound, Case
from core.model.checks import money_of, order_price2, reference2
from core.model.denials import Violation
from core.model.enums import Severity, Side
from core.model.inputs import Covariance, MarginSetup
from core.model.numbers import plain
from core.risk.margin.base import Line, LineModel
from core.risk.margin.cash import CashMargin
from core.risk.margin.perpetual import Bracket, PerpetualMargin, PerpetualTerms
from core.risk.margin.regt import RegTMargin
from core.risk.var import P95, P99, ParametricVar

if TYPE_CHECKING:
    from core.kernel.state import State

MODELS = ("cash", "reg_t", "perpetual")
MOST_INSTRUMENTS = 500
"""Instruments that value at risk is reckoned of."""

_SECOND = 1_000_000_000
_BUY = Side.BUY


class Margin:
    """The margin model of one account, kept up with what it holds whenever it is asked."""

    def __init__(self, setup: MarginSetup) -> None:
        self.name = setup.model
        self._lines: dict[str, Line | str] = {}
        self._seen = -2
        self._unable: dict[str, str] = {}
        self._model: LineModel
        if setup.model == "cash":
            self._model = CashMargin()
        elif setup.model == "reg_t":
            self._model = RegTMargin()
        else:
            self._model = PerpetualMargin(
                {
                    p.instrument: PerpetualTerms(
                        tuple(Bracket(b.floor, b.rate, b.leverage) for b in p.brackets),
                        p.leverage,
                        p.isolated,
                    )
                    for p in setup.perpetuals
                }
            )

    def line(self, holding: Holding) -> Line | str:
        """The line of one holding, or a sentence why there is none."""
        account = holding.account
        if self._seen != account.stamp:
            self._seen = account.stamp
            for each in account.holdings.values():
                self._line(each)
        for name, problem in self._unable.items():
            other = account.holdings.get(name)
            if other is not None and (other.qty or other.live):
                return problem
        return self._line(holding)

    def after(
        self, line: Line, sign: int, qty: int, price2: int, own: int, own2: int, enough: int
    ) -> tuple[int, int, str]:
        """What must be there with one more order, what must be now, and a problem."""
        now = self._model.requirement()
        then = self._model.after(line, sign, qty, price2, own, own2, enough)
        return then.initial, now.initial, then.problem

    def _line(self, holding: Holding) -> Line | str:
        market = holding.market
        name = market.instrument.id
        line = self._lines.get(name)
        if line is None:
            line = self._lines[name] = self._new(holding)
            if isinstance(line, str):
                self._unable[name] = line
        if isinstance(line, str):
            return line
        opened = (holding.open_buy, holding.open_sell, *reserved(holding))
        now = (holding.qty, market.mark2, *opened)
        if now != (
            line.qty,
            line.mark2,
            line.open_buy,
            line.open_sell,
            line.buy2,
            line.sell2,
        ):
            line.put(*now)
            line.pnl = holding.pnl
            self._model.touch(line)
        return line

    def _new(self, holding: Holding) -> Line | str:
        market = holding.market
        if market.unit != market.instrument.currency:
            return (
                f"{market.instrument.id} is not in {market.unit}; the margin model"
                f" “{self.name}” reckons in that only."
            )
        line = Line(market.instrument)
        try:
            self._model.add(line)
        except ValueError as error:
            return str(error)
        return line


def reserved(holding: Holding) -> tuple[int, int]:
    """What open buys and open sales may trade at worst, in lots times twice the price."""
    buys = sells = 0
    for live in holding.live.values():
        worth = live.exposed * worst_price2(live, holding.market.mark2)
        if live.command.side is _BUY:
            buys += worth
        else:
            sells += worth
    return buys, sells


def worst_price2(live: Live, mark2: int) -> int:
    """Twice the worst price (ticks) at which an order may trade; `mark2` where it has none."""
    found = prices(live)
    price = (max(found) if live.command.side is _BUY else min(found)) or live.command.stop_price
    return 2 * price or mark2


def margin(case: Case) -> Violation | None:
    """Is there enough money for the order, beside what is reserved for the open ones?"""
    holding = case.holding
    model = case.s.risk.margin(holding.account.id)
    if model is None or case.reduces():
        return None
    code = "INSUFFICIENT_BUYING_POWER" if model.name == "cash" else "INSUFFICIENT_MARGIN"
    scope = f"account:{holding.account.id}"
    line = model.line(holding)
    if isinstance(line, str):
        return Violation(code, line, "Trade it on another account.", scope=scope)
    market = case.market
    limits = case.rules.order
    price2 = order_price2(case.order, market, limits, reference2(market, limits.by_last))
    equity = equity_units(case.s, holding)
    own = holding.live.get(case.order.cl_ord_id)
    own2 = 0 if own is None or case.new else case.own * worst_price2(own, market.mark2)
    then, now, problem = model.after(
        line, 1 if case.buy else -1, case.qty, price2, case.own, own2, equity
    )
    if problem:
        return Violation(code, problem, "Orders that reduce a position still pass.", scope=scope)
    if then <= equity or then <= now:
        return None
    needs, free = plain(money_of(then - now)), plain(money_of(equity - now))
    return Violation(
        code,
        f"The order needs {needs} {market.unit}, free are {free} {market.unit}.",
        "Make the order smaller, or cancel or close something first.",
        free,
        needs,
        scope,
    )


class Portfolio:
    """Value at risk of one account by the newest covariance."""

    __slots__ = ("_at", "_known", "_model", "_seen", "ts")

    def __init__(self, covariance: Covariance) -> None:
        count = len(covariance.instruments)
        matrix = np.array(covariance.values, dtype=np.float64).reshape(count, count)
        self.ts = covariance.ts
        self._seen = -2
        self._known = True
        self._at = {name: index for index, name in enumerate(covariance.instruments)}
        self._model = ParametricVar(matrix, covariance.steps)

    def after(self, case: Case, value: int, at: int) -> int | None:
        """VaR at 95 % (`at` 0) or ES at 99 % (1) after an order worth `value`; None: unknown."""
        account = case.holding.account
        if self._seen != account.stamp:
            self._seen = account.stamp
            self._take(account)
        index = self._at.get(case.market.instrument.id)
        if index is None or not self._known:
            return None
        return self._model.after(index, value, P99 if at else P95)[at]

    def _take(self, account: Account) -> None:
        self._known = True
        exposures = self._model.exposures
        for name, each in account.holdings.items():
            index = self._at.get(name)
            if index is None:
                self._known = self._known and not each.qty
            elif exposures[index] != each.value:
                self._model.hold(index, each.value)

    def now(self) -> tuple[int, int]:
        """VaR (95 %) and ES (99 %) without the order."""
        return self._model.var(P95), self._model.es(P99)


def take_covariance(s: State, covariance: Covariance) -> None:
    """Take up new knowledge of how returns hang together."""
    try:
        if not 0 < len(covariance.instruments) <= MOST_INSTRUMENTS or covariance.steps < 1:
            raise ValueError("it is of no instruments, too many, or of no time")
        Portfolio(covariance)
    except ValueError as error:
        s.notice(Severity.ERROR, f"A covariance of returns cannot be used: {error}.")
        return
    s.risk.take_covariance(covariance)


def value_at_risk(case: Case, bound: Bound) -> Violation | None:
    """Would value at risk, or the expected shortfall, pass its limit by this order?"""
    if case.reduces():
        return None
    s, holding = case.s, case.holding
    model = s.risk.portfolio(holding.account.id)
    age = -1 if model is None else case.ts - model.ts
    after = None
    at = 0 if bound.name == "max_var" else 1
    if model is not None and 0 <= age <= s.risk.policy.stale_risk * _SECOND:
        # Every open order of this side counts, so that many small ones are as one large one.
        opened = holding.open_buy if case.buy else holding.open_sell
        lots = opened - case.own + case.qty
        value = (lots if case.buy else -lots) * case.mark
        after = model.after(case, value, at)
    if after is None or model is None:
        return Violation(
            "RISK_UNAVAILABLE",
            f"The risk of {case.market.instrument.id} is not known"
            + (f", the last word is {age // _SECOND} s old." if age >= 0 else " yet."),
            "Wait for it; orders that reduce a position still pass.",
            bound.shown,
            scope=bound.scope,
        )
    if after <= bound.limit or after <= model.now()[at]:
        return None
    what = "Value at risk" if at == 0 else "Expected shortfall"
    shown = plain(money_of(after))
    return Violation(
        bound.code,
        f"{what} would be {shown} {bound.unit}, more than {bound.shown} {bound.unit}.",
        "Make the order smaller or close something first.",
        bound.shown,
        shown,
        bound.scope,
    )
