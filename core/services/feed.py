"""What the kernel is told of markets: only what an order needs, and no more often than that."""

from __future__ import annotations

from collections.abc import Iterable

from core.marketdata.cache import MarketCache
from core.model.market import Quote, Trade
from core.services.orderpath import OrderPath


class KernelFeed:
    """Hands the kernel the newest quote and trade of an instrument, through the journal.

    Every quote of every market in the journal would be of no use; the one on which an order was
    decided is.
    """

    def __init__(self, cache: MarketCache, path: OrderPath) -> None:
        self._cache = cache
        self._path = path
        self._fed: dict[str, tuple[Quote, Trade | None]] = {}

    def feed(self, instrument: str) -> None:
        """Bring the kernel's view of one market up to date, unless it is."""
        market = self._cache.markets.get(instrument)
        if market is None:
            return
        quote, trade = market.quote, market.last
        old = self._fed.get(instrument)
        if old is not None and old[0] is quote and old[1] is trade:
            return
        self._fed[instrument] = (quote, trade)
        # Trades of the past carry no time of arrival; they are no price to trade on.
        if trade is not None and trade.received and (old is None or old[1] is not trade):
            self._path.take(trade)
        if quote.instrument and (old is None or old[0] is not quote):
            self._path.take(quote)

    def feed_all(self, instruments: Iterable[str]) -> None:
        """The same for several."""
        for instrument in instruments:
            self.feed(instrument)
