"""The prices at which own orders rest, best first, so that a trade with oneself shows at once."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from core.model.enums import OrdType, Side
from core.model.held import BECOMES

if TYPE_CHECKING:
    from core.kernel.orders import Live

_BUY, _LIMIT = Side.BUY, OrdType.LIMIT
_SPARE = 64


def stands(live: Live) -> bool:
    """Does the order stand at its price in the book? One that the engine waits with for its price,
    or moves with the market, does as a limit order when it was sent. Of one that its venue waits
    with nobody knows when."""
    kind = live.command.ord_type
    if kind is _LIMIT:
        return True
    if BECOMES.get(kind) is not _LIMIT or live.waits or live.holding is None:
        return False
    return kind not in live.holding.market.instrument.order_types


class Resting:
    """The orders of one holding that stand in the book, by price: a heap for each side, cleaned
    when it is looked at.

    An order has one entry for each price at which it may rest, those asked for by replaces in
    flight too. What is over, or has another price by now, is thrown out when it comes to the top.
    `changes` counts whatever happened to any order of the holding.
    """

    __slots__ = ("_asks", "_bids", "changes")

    def __init__(self) -> None:
        self._asks: list[tuple[int, str]] = []
        self._bids: list[tuple[int, str]] = []
        self.changes = 0

    def add(self, live: Live, price: int, orders: Mapping[str, Live]) -> None:
        """An order may rest at this price from now on; `orders` are all that work."""
        if not stands(live):
            return
        buy = live.command.side is _BUY
        heap = self._bids if buy else self._asks
        if len(heap) > 2 * len(orders) + _SPARE:
            heap[:] = {
                (-p if buy else p, name)
                for name, o in orders.items()
                if stands(o) and (o.command.side is _BUY) is buy
                for p in prices(o)
            }
            heapify(heap)
        heappush(heap, (-price if buy else price, live.command.cl_ord_id))

    def best(self, buys: bool, orders: Mapping[str, Live]) -> tuple[int, Live] | None:
        """The highest own bid, or the lowest own offer: its price and the order."""
        heap = self._bids if buys else self._asks
        while heap:
            key, name = heap[0]
            price = -key if buys else key
            live = orders.get(name)
            if live is not None and price in prices(live):
                return price, live
            heappop(heap)
        return None


def prices(live: Live) -> tuple[int, ...]:
    """Every price at which an order may stand in the book now."""
    if not live.requests:
        return (live.price,)
    return (live.price, *[request.price for request in live.requests if request.replace])
