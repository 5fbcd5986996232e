"""What the kernel is told of the world for its limits: volatility, liquidity, covariance, prices.

Everything goes through the journal, so that a replay decides the same. Only what some limit asks
for is told.
"""

from __future__ import annotations

from math import log

from core.marketdata.cache import Market, MarketCache
from core.model.inputs import Covariance, Facts
from core.risk.dynamic import Liquidity, Volatility
from core.risk.var import Returns, ewma_covariance
from core.services.feed import KernelFeed
from core.services.orderpath import OrderPath

SECONDS = 15.0
"""How often the markets are looked at."""

MOST = 100
"""Instruments that a covariance is reckoned of at most; those that are held come first."""

_MINUTE = 60_000_000_000
_LEAST = 20  # minutes of returns before a covariance says anything
_DAY = 1440  # minutes; the horizon of value at risk


class RiskFeed:
    """Looks at the markets now and then and tells the kernel (`look`)."""

    def __init__(self, cache: MarketCache, feed: KernelFeed, path: OrderPath) -> None:
        self._cache = cache
        self._feed = feed
        self._path = path
        self._volatility: dict[str, Volatility] = {}
        self._liquidity: dict[str, Liquidity] = {}
        self._volumes: dict[str, int] = {}
        self._returns: Returns | None = None
        self._prices: dict[str, int] = {}
        self._minute = -1

    def look(self) -> None:
        """Take in how the markets stand and tell what has changed."""
        now = self._path.clock()
        if self._path.halted:
            return
        kernel = self._path.kernel
        minute = now // _MINUTE
        new_minute, self._minute = minute != self._minute, minute
        for name, market in self._cache.markets.items():
            self._measure(name, market, now)
        if kernel.follows():
            self._tell(now)
        if new_minute:
            # The price of minutes ago is part of what an order is judged by.
            self._feed.feed_all(self._cache.markets)
            if kernel.reckons_risk():
                self._covariance(now)

    def _measure(self, name: str, market: Market, now: int) -> None:
        volatility = self._volatility.get(name)
        if volatility is None:
            volatility = self._volatility[name] = Volatility()
            self._liquidity[name] = Liquidity()
        volatility.mark(now, _mark2(market))
        before, volume = self._volumes.get(name), market.volume
        if before is not None and volume != before:
            self._liquidity[name].trade(now, volume - before if volume > before else volume)
        self._volumes[name] = volume

    def _tell(self, now: int) -> None:
        sigmas = {name: v.sigma() for name, v in self._volatility.items()}
        hours = {name: v.volume(now) for name, v in self._liquidity.items()}
        # Told again though nothing changed: a looser market must hold for a while.
        self._path.take(
            Facts(
                now,
                volatilities={name: sigma for name, sigma in sigmas.items() if sigma > 0},
                hours={name: lots for name, lots in hours.items() if lots >= 0},
            )
        )

    def _covariance(self, now: int) -> None:
        names = self._names()
        if self._returns is None or self._returns.names != names:
            self._returns, self._prices = Returns(names), {}
        prices = {name: _mark2(self._cache.markets[name]) for name in names}
        if self._prices and all(prices.values()):
            self._returns.add(log(prices[n] / self._prices[n]) for n in names)
        if all(prices.values()):
            self._prices = prices
        if len(self._returns) >= _LEAST:
            matrix = ewma_covariance(self._returns.matrix())
            values = tuple(float(x) for x in matrix.ravel())
            self._path.take(Covariance(now, names, values, _DAY))

    def _names(self) -> tuple[str, ...]:
        """The instruments of the covariance: those with a price, what is held first."""
        markets = self._cache.markets
        held = [name for name in self._path.kernel.watched() if name in markets]
        rest = [name for name in markets if name not in held]
        return tuple(sorted([n for n in (*held, *rest) if _mark2(markets[n])][:MOST]))


def _mark2(market: Market) -> int:
    """Twice the mid, or the last price; 0: neither is known."""
    quote = market.quote
    if quote.bid_qty > 0 and quote.ask_qty > 0 and quote.bid <= quote.ask:
        return quote.bid + quote.ask
    return 0 if market.last is None else 2 * market.last.price
