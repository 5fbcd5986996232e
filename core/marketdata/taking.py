"""What an order would take out of the book at once, as far as the book is shown."""

from __future__ import annotations

from core.marketdata.cache import Market
from core.model.commands import NewOrder
from core.model.enums import OrdType, Side, TimeInForce
from core.model.market import Taking

_AT_ONCE = (OrdType.MARKET, OrdType.LIMIT)
_AUCTIONS = (TimeInForce.AT_THE_OPENING, TimeInForce.AT_THE_CLOSE)
_FIRST = 32
"""So many levels are looked at first; few orders need more."""


def taking(order: NewOrder, market: Market) -> Taking | None:
    """What an order would trade with if it came now.

    None: that is not known, since the order waits for a price or a time, or nothing is shown of
    the side that it would trade with.
    """
    if order.ord_type not in _AT_ONCE or order.tif in _AUCTIONS or order.qty <= 0:
        return None
    if order.post_only:
        return Taking((), False)
    buy = order.side is Side.BUY
    side = Side.SELL if buy else Side.BUY
    fills: list[tuple[int, int]] = []
    left, count = order.qty, _FIRST
    while True:
        levels = _levels(market, side, count)
        if not levels:
            return None
        for price, qty in levels[len(fills) :]:
            if order.price and (price > order.price if buy else price < order.price):
                return Taking(tuple(fills), False)
            fills.append((price, min(qty, left)))
            left -= fills[-1][1]
            if not left:
                return Taking(tuple(fills), False)
        if len(levels) < count:
            return Taking(tuple(fills), True)
        count *= 4


def _levels(market: Market, side: Side, count: int) -> list[tuple[int, int]]:
    """Price and quantity of the best levels of a side; without a book those of the quote."""
    book, quote = market.book, market.quote
    if book.levels(int(side)):
        prices, sums = (column.tolist() for column in book.cumulative(int(side), count))
        return [
            (price, total - before)
            for price, total, before in zip(prices, sums, [0, *sums[:-1]], strict=True)
        ]
    touch = (quote.bid, quote.bid_qty) if side is Side.BUY else (quote.ask, quote.ask_qty)
    return [touch] if touch[0] > 0 and touch[1] > 0 else []
