"""One instrument's matching book, and what the public sees of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.book.matching import (
    LIMIT_GTC,
    LIMIT_IOC,
    OK,
    POST_ONLY,
    SELF_TRADE_CANCEL_TAKER,
    Fill,
    MatchingBook,
)
from core.model.market import BookUpdate, MarketData, Quote, Trade

BUY = 1
SELL = 2

OWN = 0
NOISE = 1
TAKER = 2
MAKERS = 3
"""Order ids carry who sent them in their three lowest bits: MAKERS is the first maker."""
WHO = 7

_RESTING = (LIMIT_GTC, POST_ONLY)


class LiveBook:
    """A matching book that publishes its trades at once and its changed levels on `publish`.

    Everyone, agents and ourselves, trades through `enter`, `rest`, `take` and `cancel`, so that
    nothing changes the book unseen. `ts` and `received` are the stamps of what is published and
    are set by the owner before each action.
    """

    __slots__ = (
        "_dirty",
        "_next_id",
        "_next_trade",
        "_top",
        "agent_fill",
        "book",
        "emit",
        "instrument",
        "last",
        "own_fill",
        "quoted",
        "received",
        "reserves",
        "spent",
        "ts",
    )

    def __init__(
        self, instrument: str, capacity: int, emit: Callable[[MarketData], None], last: int
    ) -> None:
        self.instrument = instrument
        self.book = MatchingBook(capacity, SELF_TRADE_CANCEL_TAKER)
        self.emit = emit
        self.last = last
        """Price of the last trade (ticks)."""
        self.ts = 0
        self.received = 0
        self.quoted = 0
        """When the last quote was published."""
        self.own_fill: Callable[[int, Fill, bool], None] = _ignore_own
        """Called for each fill of an order of ours, with its id and whether it was the maker."""
        self.agent_fill: Callable[[Fill], None] = _ignore
        """Called for each fill of a market maker's resting order."""
        self.reserves = 0
        """How many orders of ours keep a part of themselves back."""
        self.spent: list[tuple[int, int, int, int, int]] = []
        """Parts of them that are to be shown next: id, side, price, lots and owner."""
        self._dirty: dict[int, None] = {}
        self._top = (0, 0, 0, 0)
        self._next_id = 0
        self._next_trade = 0

    def _order_id(self, who: int) -> int:
        self._next_id += 8
        return self._next_id + who

    def crosses(self, side: int, price: int) -> bool:
        """Would an order at `price` trade at once?"""
        if side == BUY:
            return 0 < self.book.best_ask() <= price
        return self.book.best_bid() >= price

    def rest(self, who: int, side: int, price: int, qty: int) -> int:
        """Rests an order that meets nothing on the other side; returns its id."""
        order_id = self._order_id(who)
        self.book.add(order_id, side, price, qty, LIMIT_GTC)
        self._dirty[price if side == BUY else -price] = None
        return order_id

    def take(self, who: int, side: int, price: int, qty: int, rest: bool = False) -> int:
        """Trades up to `qty` at `price` or better; what is left rests or is dropped."""
        order_id = self._order_id(who)
        if self.reserves:
            qty -= self._sweep(order_id, side, price, qty)
            if not qty or not rest:
                return order_id
        kind = LIMIT_GTC if rest else LIMIT_IOC
        fills = self.book.add_fills(order_id, side, price, qty, kind)
        if rest:
            self._dirty[price if side == BUY else -price] = None
        if fills:
            self.settle(fills, side)
        return order_id

    def _sweep(self, order_id: int, side: int, price: int, qty: int) -> int:
        """Trades price by price, so that at each what was kept back is met too; the lots traded."""
        book, done = self.book, 0
        while done < qty and self.crosses(side, price):
            best = book.best_ask() if side == BUY else book.best_bid()
            fills = book.add_fills(order_id, side, best, qty - done, LIMIT_IOC)
            if not fills:
                break
            done += sum(fill.qty for fill in fills)
            self.settle(fills, side)
        return done

    def enter(
        self, order_id: int, side: int, price: int, qty: int, kind: int, owner: int
    ) -> tuple[int, Sequence[Fill]]:
        """Enters an order of ours; its fills are the caller's to `settle`."""
        fills = self.book.add_fills(order_id, side, price, qty, kind, owner)
        if kind in _RESTING:
            self._dirty[price if side == BUY else -price] = None
        return self.book.status, fills

    def replace(
        self, order_id: int, side: int, old_price: int, price: int, leaves: int
    ) -> Sequence[Fill]:
        """Changes a resting order of ours; its fills are the caller's to `settle`."""
        for level in (old_price, price):
            self._dirty[level if side == BUY else -level] = None
        return self.book.replace_fills(order_id, price, leaves)

    def cancel(self, order_id: int, side: int, price: int) -> bool:
        """Takes a resting order out; False when it is not there any more."""
        if self.book.cancel(order_id) != OK:
            return False
        self._dirty[price if side == BUY else -price] = None
        return True

    def settle(self, fills: Sequence[Fill], side: int) -> None:
        """Publishes the trades of a taker of `side` and tells the parties."""
        emit = self.emit
        for fill in fills:
            price = fill.price
            self._next_trade += 1
            emit(
                Trade(
                    self.instrument,
                    self.ts,
                    self.received,
                    price,
                    fill.qty,
                    side,
                    str(self._next_trade),
                )
            )
            self._dirty[-price if side == BUY else price] = None
            self.last = price
            maker = fill.maker
            if maker & WHO >= MAKERS:
                self.agent_fill(fill)
            elif maker & WHO == OWN:
                self.own_fill(maker, fill, True)
            if fill.taker & WHO == OWN:
                self.own_fill(fill.taker, fill, False)
        while self.spent:
            order_id, mine, price, qty, owner = self.spent.pop(0)
            again = self.book.add_fills(order_id, mine, price, qty, LIMIT_GTC, owner)
            self._dirty[price if mine == BUY else -price] = None
            if again:
                self.settle(again, mine)

    def publish(self) -> None:
        """Publishes the levels that changed since the last time, and the quote if it did."""
        dirty = self._dirty
        if not dirty:
            return
        book = self.book
        level = book.level
        levels = [
            (BUY, key, level(BUY, key)[0]) if key > 0 else (SELL, -key, level(SELL, -key)[0])
            for key in dirty
        ]
        dirty.clear()
        self.emit(BookUpdate(self.instrument, self.ts, self.received, levels))
        bid = book.best_bid()
        ask = book.best_ask()
        top = (bid, level(BUY, bid)[0], ask, level(SELL, ask)[0])
        if top != self._top:
            self._top = top
            self.quote()

    def quote(self) -> None:
        """Publishes the best bid and offer as last known."""
        self.quoted = self.ts
        bid, bid_qty, ask, ask_qty = self._top
        self.emit(Quote(self.instrument, self.ts, self.received, bid, bid_qty, ask, ask_qty))

    def snapshot(self) -> None:
        """Publishes the whole book and its quote."""
        self._dirty.clear()
        levels: list[tuple[int, int, int]] = []
        best = []
        for side in (BUY, SELL):
            prices, qtys, _ = self.book.depth(side, 1 << 20)
            pairs = list(zip(prices.tolist(), qtys.tolist(), strict=True))
            levels.extend((side, price, qty) for price, qty in pairs)
            best.append(pairs[0] if pairs else (0, 0))
        self.emit(BookUpdate(self.instrument, self.ts, self.received, levels, snapshot=True))
        self._top = (*best[0], *best[1])
        self.quote()


def _ignore_own(order_id: int, fill: Fill, maker: bool) -> None:
    pass


def _ignore(fill: Fill) -> None:
    pass
