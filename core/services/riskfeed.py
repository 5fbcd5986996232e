"""What the kernel is told of the world for its limits: volatility, liquidity, covariance, prices.

Everything goes through the journal, so that a replay decides the same. Only what some limit asks
for is told.
"""

from __future__ import annotations

from collections.abc import Generator
from decimal import Decimal
from math import log

from core.marketdata.cache import Market, MarketCache
from core.model.contracts import PutOrCall
from core.model.inputs import Covariance, Facts
from core.model.instruments import Instrument
from core.risk.dynamic import Liquidity, Volatility
from core.risk.margin.base import WHOLE
from core.risk.margin.black import implied76
from core.risk.margin.scenarios import YEAR
from core.risk.var import Returns, ewma_covariance
from core.services.feed import KernelFeed
from core.services.orderpath import OrderPath
from core.services.timers import batched

SECONDS = 15.0
"""How often the markets are looked at."""

PRICE_SECONDS = 1.0
"""How often prices of underlyings and volatilities of options are told."""

MOST_VOLS = 25
"""Options whose volatility is worked out at a time: those that are held, then others in turn."""

MOST = 100
"""Instruments that a covariance is reckoned of at most; those that are held come first."""

_MINUTE = 60_000_000_000
_OLD = _MINUTE  # a quote that is older says nothing of an underlying
_AGAIN = _MINUTE // 2  # a price is told again after this, though it has not changed
_SAME = WHOLE // 1000  # a volatility that changed by less is the same
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
        self._count = 0
        self._options: list[Instrument] = []
        self._futures: dict[str, list[Instrument]] = {}
        self._told: dict[str, tuple[Decimal, int]] = {}
        self._vols: dict[str, int] = {}
        self._turn = 0

    def look(self) -> None:
        """Take in how the markets stand and tell what has changed."""
        for _ in self.steps():
            pass

    def steps(self) -> Generator[None, None, None]:
        """`look` piece by piece, some markets in each."""
        now = self._path.clock()
        if self._path.halted:
            return
        kernel = self._path.kernel
        minute = now // _MINUTE
        new_minute, self._minute = minute != self._minute, minute
        markets = list(self._cache.markets.items())
        for some in batched(markets):
            for name, market in some:
                self._measure(name, market, now)
            yield
        if kernel.follows():
            self._tell(now)
        if new_minute:
            # The price of minutes ago is part of what an order is judged by.
            for some in batched(markets):
                self._feed.feed_all(name for name, _ in some)
                yield
            if kernel.reckons_risk():
                self._covariance(now)

    def price(self) -> None:
        """Tell what options are margined and counted by: prices of underlyings, volatilities."""
        if self._path.halted:
            return
        self._know()
        if not self._options:
            return
        now = self._path.clock()
        prices = {}
        for name in {i.contract.underlying for i in self._options if i.contract is not None}:
            price = self._underlying(name, now)
            if price is not None:
                prices[name] = price
        vols = self._implied(prices, now)
        news = {n: p for n, p in prices.items() if self._is_news(n, p, now)}
        if news or vols:
            for name, price in news.items():
                self._told[name] = price, now
            self._path.take(Facts(now, underlyings=news, vols=vols))

    def _know(self) -> None:
        """Which instruments are options, and which futures share what they are on."""
        instruments = self._path.kernel.instruments()
        if len(instruments) == self._count:
            return
        self._count = len(instruments)
        self._options, self._futures = [], {}
        for instrument in instruments:
            contract = instrument.contract
            if contract is None or contract.inverse:
                continue
            if contract.right is not None:
                self._options.append(instrument)
            else:
                self._futures.setdefault(contract.underlying, []).append(instrument)
        for futures in self._futures.values():
            futures.sort(key=_expiry)

    def _underlying(self, name: str, now: int) -> Decimal | None:
        """The price of an instrument, or else of the next future on what it names."""
        own = self._cache.markets.get(name)
        if own is not None:
            return _price(own, now)
        for instrument in self._futures.get(name, ()):
            if not 0 < _expiry(instrument) <= now:
                price = _price(self._cache.markets.get(instrument.id), now)
                if price is not None:
                    return price
        return None

    def _is_news(self, name: str, price: Decimal, now: int) -> bool:
        told = self._told.get(name)
        return told is None or told[0] != price or not 0 <= now - told[1] < _AGAIN

    def _implied(self, prices: dict[str, Decimal], now: int) -> dict[str, int]:
        """Volatilities that are new, of some options."""
        held = set(self._path.kernel.watched())
        first = [i for i in self._options if i.id in held]
        rest = [i for i in self._options if i.id not in held]
        start, self._turn = self._turn, (self._turn + MOST_VOLS) % max(1, len(rest))
        found: dict[str, int] = {}
        for instrument in (first + rest[start:] + rest[:start])[:MOST_VOLS]:
            contract = instrument.contract
            market = self._cache.markets.get(instrument.id)
            assert contract is not None
            forward, own = prices.get(contract.underlying), _price(market, now)
            if forward is None or own is None:
                continue
            before = self._vols.get(instrument.id, 0)
            vol = implied76(
                contract.right is PutOrCall.CALL,
                float(own),
                float(forward),
                float(contract.strike),
                (contract.expiry - now) / YEAR,
                guess=before / WHOLE,
            )
            value = 0 if vol is None else round(vol * WHOLE)
            if abs(value - before) >= _SAME:
                found[instrument.id] = self._vols[instrument.id] = value
        return found

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


def _price(market: Market | None, now: int) -> Decimal | None:
    """The price of a market, unless it is old."""
    if market is None:
        return None
    received = market.quote.received
    if market.last is not None:
        received = max(received, market.last.received)
    if now - received > _OLD:
        return None
    return market.instrument.tick * _mark2(market) / 2 or None


def _expiry(instrument: Instrument) -> int:
    return 0 if instrument.contract is None else instrument.contract.expiry
