"""Controls of the whole account: buying power, margin, value at risk with the order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from core.kernel.exposure import equity_of
from core.kernel.margins import worst_price2
from core.kernel.options import is_old
from core.kernel.positions import Account
from core.kernel.rules import Bound, Case
from core.model.checks import money_of, order_price2, reference2
from core.model.denials import Violation
from core.model.enums import Severity
from core.model.inputs import Covariance
from core.model.instruments import Instrument
from core.model.numbers import plain
from core.risk.var import P95, P99, ParametricVar

if TYPE_CHECKING:
    from core.kernel.state import State

MOST_INSTRUMENTS = 500
"""Instruments that value at risk is reckoned of."""

_SECOND: Final = 1_000_000_000


def margin(case: Case) -> Violation | None:
    """Is there enough money for the order, beside what is reserved for the open ones?"""
    holding = case.holding
    model = case.s.risk.margin(holding.account.id)
    if model is None or case.reduces():
        return None
    code = "INSUFFICIENT_BUYING_POWER" if model.name == "cash" else "INSUFFICIENT_MARGIN"
    account = case.s.accounts[holding.account.id]
    scope = f"account:{account.id}"
    market = case.market
    unknown = unpriced(case.s, market.instrument, case.ts) if model.prices_options else ""
    if unknown:
        remedy = "Wait for it; orders that reduce a position still pass."
        return Violation("RISK_UNAVAILABLE", unknown, remedy, scope=scope)
    line = model.line(account, holding)
    if isinstance(line, str):
        return Violation(code, line, "Trade it on another account.", scope=scope)
    limits = case.rules.order
    price2 = order_price2(case.order, market, limits, reference2(market, limits.by_last))
    equity = equity_of(case)
    own = holding.live.get(case.order.cl_ord_id)
    own2 = 0 if own is None or case.new else case.own * worst_price2(own, market.mark2)
    sign = 1 if case.buy else -1
    then = model.after(line, sign, case.qty, price2, case.own, own2, equity)
    if then.problem:
        remedy = "Orders that reduce a position still pass."
        return Violation(code, then.problem, remedy, scope=scope)
    if then.initial <= equity:
        return None
    now = model.now().initial
    if then.initial <= now:
        return None
    needs, free = plain(money_of(then.initial - now)), plain(money_of(equity - now))
    return Violation(
        code,
        f"The order needs {needs} {market.unit}, free are {free} {market.unit}.",
        "Make the order smaller, or cancel or close something first.",
        free,
        needs,
        scope,
    )


def unpriced(s: State, instrument: Instrument, ts: int) -> str:
    """That the price of an option's underlying is not known, or old; else nothing."""
    contract = instrument.contract
    if contract is None or contract.right is None:
        return ""
    known = s.risk.underlyings.get(contract.underlying)
    if known is None:
        return f"The price of {contract.underlying} is not known, so the margin is not either."
    if is_old(s, known, ts):
        age = (ts - known.ts) // _SECOND
        return f"The price of {contract.underlying}, which the margin hangs on, is {age} s old."
    return ""


UNKNOWN: Final = (-1, -1)
"""Value at risk and shortfall that nobody knows."""


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

    def after(self, case: Case, value: int) -> tuple[int, int]:
        """VaR (95 %) and ES (99 %) with an order worth `value`, or `UNKNOWN`."""
        account = case.holding.account
        if self._seen != account.stamp:
            self._seen = account.stamp
            self._take(account)
        index = self._at.get(case.market.instrument.id)
        if index is None or not self._known:
            return UNKNOWN
        deviation = self._model.deviation(index, value)
        return P95.var_of(deviation), P99.es_of(deviation)

    def _take(self, account: Account) -> None:
        self._known = True
        exposures = self._model.exposures
        for name, each in account.holdings.items():
            index = self._at.get(name)
            if index is None:
                self._known = self._known and not each.qty
                continue
            # Held inverse contracts are a liability that shrinks when the price rises.
            value = -each.value if each.market.face else each.value
            if exposures[index] != value:
                self._model.hold(index, value)

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


def _risk(case: Case) -> tuple[int, int]:
    """Value at risk and expected shortfall with an order, or `UNKNOWN`."""
    s, holding, market = case.s, case.holding, case.market
    model = s.risk.portfolio(holding.account.id)
    if model is None or not 0 <= case.ts - model.ts <= s.risk.policy.stale_risk * _SECOND:
        return UNKNOWN
    # Every open order of this side counts, so that many small ones are as one large one.
    opened = holding.open_buy if case.buy else holding.open_sell
    value = market.value(opened - case.own + case.qty, market.mark2)
    return model.after(case, value if case.buy else -value)


def value_at_risk(case: Case, bound: Bound) -> Violation | None:
    """Would value at risk, or the expected shortfall, pass its limit by this order?"""
    if case.reduces():
        return None
    if case.risk is None:
        case.risk = _risk(case)
    at = 0 if bound.name == "max_var" else 1
    after = case.risk[at]
    if after <= bound.limit and after >= 0:
        return None
    model = case.s.risk.portfolio(case.holding.account.id)
    if after < 0 or model is None:
        age = -1 if model is None else case.ts - model.ts
        return Violation(
            "RISK_UNAVAILABLE",
            f"The risk of {case.market.instrument.id} is not known"
            + (f", the last word is {age // _SECOND} s old." if age >= 0 else " yet."),
            "Wait for it; orders that reduce a position still pass.",
            bound.shown,
            scope=bound.scope,
        )
    if after <= model.now()[at]:
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
