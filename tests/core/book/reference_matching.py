"""The matching book again: slow, plain, and written to be obviously right.

Two dicts from price to a list of orders, oldest first. The best price is ``max`` or ``min`` of the
keys. Nothing is cached, so nothing can be out of date.
"""

from __future__ import annotations

from dataclasses import dataclass

BUY, SELL = 1, 2
GTC, IOC, FOK, POST_ONLY, MARKET = range(5)
OK, UNKNOWN_ID, DUPLICATE_ID, BAD_QTY, BAD_PRICE, WOULD_CROSS, FOK_KILLED = range(7)
NONE, CANCEL_TAKER, CANCEL_MAKER, CANCEL_BOTH = range(4)
MAX_PRICE = 2**31 - 2
MAX_QTY = 2**40


@dataclass(eq=False)
class Order:
    id: int
    side: int
    price: int
    leaves: int
    owner: int


class ReferenceBook:
    def __init__(self, self_trade: int = NONE) -> None:
        self.self_trade = self_trade
        self.queues: dict[int, dict[int, list[Order]]] = {BUY: {}, SELL: {}}
        self.by_id: dict[int, Order] = {}
        self.trades: list[tuple[int, int, int, int]] = []  # maker, taker, price, qty
        self.cancels: list[tuple[int, int]] = []  # id, qty

    # -- commands

    def add(
        self, order_id: int, side: int, price: int, qty: int, kind: int = GTC, owner: int = 0
    ) -> int:
        if order_id in self.by_id:
            return DUPLICATE_ID
        if not 1 <= qty <= MAX_QTY:
            return BAD_QTY
        if kind == MARKET:
            price = MAX_PRICE if side == BUY else 1
        if not 1 <= price <= MAX_PRICE:
            return BAD_PRICE
        taker = Order(order_id, side, price, qty, owner)
        if kind == POST_ONLY and self.opposite(taker):
            return WOULD_CROSS
        if kind == FOK and not self.fillable(taker):
            return FOK_KILLED
        self.match(taker)
        if taker.leaves and kind in (GTC, POST_ONLY):
            self.rest(taker)
        return OK

    def cancel(self, order_id: int) -> int:
        if order_id not in self.by_id:
            return UNKNOWN_ID
        self.remove(self.by_id[order_id])
        return OK

    def replace(self, order_id: int, price: int, qty: int) -> int:
        if order_id not in self.by_id:
            return UNKNOWN_ID
        if not 1 <= qty <= MAX_QTY:
            return BAD_QTY
        if not 1 <= price <= MAX_PRICE:
            return BAD_PRICE
        order = self.by_id[order_id]
        if price == order.price and qty <= order.leaves:
            order.leaves = qty
            return OK
        self.remove(order)
        self.add(order_id, order.side, price, qty, GTC, order.owner)
        return OK

    # -- how they work

    def opposite(self, taker: Order) -> list[Order]:
        """Every order that ``taker`` could trade with, in priority order."""
        if taker.side == BUY:
            queues = self.queues[SELL]
            prices = sorted(p for p in queues if p <= taker.price)
        else:
            queues = self.queues[BUY]
            prices = sorted((p for p in queues if p >= taker.price), reverse=True)
        return [order for price in prices for order in queues[price]]

    def own(self, maker: Order, taker: Order) -> bool:
        return self.self_trade != NONE and taker.owner != 0 and maker.owner == taker.owner

    def fillable(self, taker: Order) -> bool:
        available = 0
        for maker in self.opposite(taker):
            if self.own(maker, taker):
                if self.self_trade != CANCEL_MAKER:
                    break
            else:
                available += maker.leaves
        return available >= taker.leaves

    def match(self, taker: Order) -> None:
        for maker in self.opposite(taker):
            if taker.leaves == 0:
                return
            if self.own(maker, taker):
                if self.self_trade in (CANCEL_MAKER, CANCEL_BOTH):
                    self.cancels.append((maker.id, maker.leaves))
                    self.remove(maker)
                if self.self_trade in (CANCEL_TAKER, CANCEL_BOTH):
                    self.cancels.append((taker.id, taker.leaves))
                    taker.leaves = 0
                continue
            qty = min(maker.leaves, taker.leaves)
            self.trades.append((maker.id, taker.id, maker.price, qty))
            maker.leaves -= qty
            taker.leaves -= qty
            if maker.leaves == 0:
                self.remove(maker)

    def rest(self, order: Order) -> None:
        self.queues[order.side].setdefault(order.price, []).append(order)
        self.by_id[order.id] = order

    def remove(self, order: Order) -> None:
        queue = self.queues[order.side][order.price]
        queue.remove(order)
        if not queue:
            del self.queues[order.side][order.price]
        del self.by_id[order.id]

    # -- questions

    def best(self, side: int) -> int:
        queues = self.queues[side]
        if not queues:
            return 0
        return max(queues) if side == BUY else min(queues)

    def orders(self, side: int) -> list[Order]:
        queues = self.queues[side]
        return [o for price in sorted(queues, reverse=side == BUY) for o in queues[price]]

    def depth(self, side: int, n: int) -> list[tuple[int, int, int]]:
        """(price, quantity, orders) of the best ``n`` levels."""
        prices = sorted(self.queues[side], reverse=side == BUY)[:n]
        return [
            (price, sum(o.leaves for o in queue), len(queue))
            for price in prices
            for queue in [self.queues[side][price]]
        ]

    def queue_ahead(self, order_id: int) -> int:
        order = self.by_id[order_id]
        queue = self.queues[order.side][order.price]
        return sum(o.leaves for o in queue[: queue.index(order)])

    def digest(self) -> int:
        words = []
        for side in (BUY, SELL):
            for o in self.orders(side):
                words += [o.id, o.price << 1 | (side == SELL), o.leaves, o.owner]
        words.append(len(self.trades))
        for trade in self.trades:
            words += trade
        words.append(len(self.cancels))
        for cancel in self.cancels:
            words += cancel
        state = 1
        for word in words:
            state = (state ^ word) * 0x9E3779B97F4A7C15 % 2**64
            state ^= state >> 32
        return state
