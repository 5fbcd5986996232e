"""Instruments and messages for the tests of market data."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from core.marketdata.cache import MarketCache
from core.marketdata.checks import Source
from core.model.instruments import Instrument
from core.model.market import MarketData, Quote, Trade, TradeHistory

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
NOW = 20_000 * DAY + 3600 * SECOND


def instrument(name: str) -> Instrument:
    symbol, _, venue = name.partition(".")
    return Instrument(name, symbol, venue, Decimal("0.01"), Decimal(1), "USD")


class Desk:
    """A cache with two instruments, and what it passed on."""

    def __init__(self) -> None:
        self.passed: list[MarketData] = []
        self.cache = MarketCache([instrument("A.X"), instrument("B.X")], self.passed.append)
        self.source = Source("X")
        self.take = self.cache.sink(self.source)
        self.a = self.cache.markets["A.X"]
        self.b = self.cache.markets["B.X"]


def quote(ts: int, bid: int = 100, ask: int = 101, name: str = "A.X", qty: int = 5) -> Quote:
    return Quote(name, NOW + ts, NOW + ts + 1000, bid, qty, ask, qty)


def trade(ts: int, price: int = 100, qty: int = 1, name: str = "A.X", trade_id: str = "") -> Trade:
    return Trade(name, NOW + ts, NOW + ts + 1000, price, qty, 1, trade_id)


def history(trades: list[tuple[int, int, int, int]], name: str = "A.X") -> TradeHistory:
    columns = np.array(trades or np.zeros((0, 4)), "<i8").T
    return TradeHistory(name, *(np.ascontiguousarray(c).tobytes() for c in columns))
