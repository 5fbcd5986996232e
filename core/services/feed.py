"""What the kernel is told of markets: only what an order needs, and no more often than that."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from core.marketdata.cache import MarketCache
from core.model.market import Quote, Trade
from core.services.orderpath import OrderPath


class KernelFeed:
    """Hands the kernel the newest price of an instrument, through the journal.

    Every quote of every market in the journal would be of no use; the one on which an order was
    decided is. A trade is a price only where there is no whole quote.
    """

    def __init__(self, cache: MarketCache, path: OrderPath) -> None:
        self._cache = cache
        self._path = path
        self._quotes: dict[str, Quote] = {}
        self._trades: dict[str, Trade] = {}
        self._watched: set[str] = set()

    def feed(self, instrument: str) -> None:
        """Bring the kernel's view of one market up to date, unless it is."""
        market = self._cache.markets.get(instrument)
        if market is None:
            return
        quote, trade = market.quote, market.last
        whole = quote.bid_qty > 0 and quote.ask_qty > 0
        # Trades of the past carry no time of arrival; they are no price to trade on.
        usable = not whole and trade is not None and trade.received > 0
        if usable and trade is not None and self._trades.get(instrument) is not trade:
            self._trades[instrument] = trade
            self._path.take(trade)
        if quote.instrument and self._quotes.get(instrument) is not quote:
            self._quotes[instrument] = quote
            self._path.take(quote)

    @property
    def watching(self) -> bool:
        """Were there orders waiting for a price when it was last looked?"""
        return bool(self._watched)

    def feed_triggers(self, instruments: Collection[str]) -> None:
        """Bring the kernel up to date on markets for whose price orders wait there, trades too.

        Of what happened between two calls the newest counts. A trade of before the first order
        waited is not told: it triggers nothing.
        """
        if not instruments:
            self._watched.clear()
            return
        for name in list(instruments):
            market = self._cache.markets.get(name)
            trade = None if market is None else market.last
            new = trade is not None and self._trades.get(name) is not trade
            if trade is not None and new and trade.received > 0:
                self._trades[name] = trade
                if name in self._watched:
                    self._path.take(trade)
            self._watched.add(name)
            self.feed(name)
        self._watched.intersection_update(instruments)

    def feed_all(self, instruments: Iterable[str]) -> None:
        """The same for several."""
        for instrument in instruments:
            self.feed(instrument)
