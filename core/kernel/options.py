"""What options count for in exposures: their deltas, worked out whenever prices are told.

The delta is that of Black's model at the option's implied volatility. Where price or volatility is
not known, or the price is old, a lot counts for the most that the model gives for any: with K the
strike and C the price of a call, delta times the price of the underlying is at most C + K for a
call and at most K for a put.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from core.kernel.margins import Underlying
from core.kernel.markets import Gearing, Market
from core.model.contracts import PutOrCall
from core.model.inputs import Facts
from core.risk.margin.base import WHOLE
from core.risk.margin.black import delta76
from core.risk.margin.scenarios import YEAR

if TYPE_CHECKING:
    from core.kernel.state import State

_SECOND = 1_000_000_000
_MOST_PRICE = 10**15
_MOST_VOLATILITY = 100 * WHOLE


def take(s: State, facts: Facts) -> None:
    """Prices of underlyings and volatilities were told: whatever hangs on them is priced anew."""
    risk = s.risk
    for name, price in facts.underlyings.items():
        if price.is_finite() and 0 < price < _MOST_PRICE:
            risk.underlyings[name] = Underlying(price, s.ts)
    for name, vol in facts.vols.items():
        if 0 < vol <= _MOST_VOLATILITY and name in s.markets:
            risk.vols[name] = vol
        elif vol == 0:
            risk.vols.pop(name, None)
    risk.priced = s.ts
    price_all(s)
    risk.price_margins()


def price_all(s: State) -> None:
    """Price every option that somebody has, or had, something of."""
    for market in s.markets.values():
        if market.gearing is not None and market.holdings:
            price(s, market)
            market.revalue()


def price(s: State, market: Market) -> None:
    """Work out what one lot of an option counts for; of other instruments nothing changes."""
    gearing, contract = market.gearing, market.instrument.contract
    if gearing is None or contract is None:
        return
    known = s.risk.underlyings.get(contract.underlying)
    vol = s.risk.vols.get(market.instrument.id)
    gearing.weight2 = -1
    if known is not None and vol and not is_old(s, known, s.risk.priced):
        delta = delta76(
            not gearing.put,
            float(known.price),
            float(contract.strike),
            max(0, contract.expiry - s.risk.priced) / YEAR,
            vol / WHOLE,
        )
        parts = round(abs(delta) * WHOLE)
        gearing.weight2 = ceil(2 * known.price * parts / (market.instrument.tick * WHOLE))
    market.weigh()


def is_old(s: State, known: Underlying, now: int) -> bool:
    """Is a price too old to reckon with at `now`?"""
    return now - known.ts > s.risk.policy.stale_risk * _SECOND


def gearing_of(market: Market) -> Gearing | None:
    """How an instrument hangs on its underlying; None: it is no option."""
    contract = market.instrument.contract
    if contract is None or contract.right is None:
        return None
    strike2 = ceil(2 * contract.strike / market.instrument.tick)
    return Gearing(contract.right is PutOrCall.PUT, strike2)
