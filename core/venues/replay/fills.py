"""Which of our orders would have traded in a recorded market: by queue and volume, never by hope.

The recording knows nothing of our orders, so a fill needs proof in it:

* An order that rests joins behind everything displayed at its price. Only trades against its
  side at that price shorten what is ahead of it, and it fills with what is left of a trade once
  nothing is ahead. Where the level's size is not known, what is ahead is not known either, and
  only a trade through the price fills.
* A trade through its price must have gone through everything at its price: it fills at its own
  limit, up to the volume traded beyond.
* Cancellations are presumed to be behind us, until so little is displayed that some were ahead:
  never more is ahead than is displayed. A display that shrinks before its trade is reported is
  not counted again when the trade comes.
* An order that crosses takes displayed sizes at their prices. What we took stays taken: only an
  increase of the level brings new size. The same holds when the market moves onto a resting
  order: it fills at its limit with what is displayed there.
* Of an order that shows a part of itself only that part is in the queue. When it is gone the next
  part joins the end; only a market that goes through the price, or moves onto it, fills the rest
  too.
* One recorded trade never fills us for more than its quantity, all our orders together.

Our own orders never trade with one another. Everything is integers of ticks and lots, and the
same calls give the same answers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from core.venues.replay.events import Knowledge, Levels
from core.venues.replay.ladder import ASK, BID, Ladder

GRACE = 250_000_000
"""For so long (ns) a trade may follow the shrinking of the level that it caused."""
UNKNOWN = 1 << 62
"""Lots ahead of an order in a queue that the recording does not show."""


class Execution(NamedTuple):
    """One fill. `maker`: the order rested and was hit; otherwise it took."""

    id: str
    price: int
    qty: int
    maker: bool


class _Resting:
    """One of our orders in a level's queue, `ahead` lots of others before it.

    `leaves` is what is in the queue, `hidden` what is kept back beside; `display` at most is shown
    at once (0: all).
    """

    __slots__ = ("ahead", "display", "hidden", "id", "leaves", "price", "side", "unpaired")

    def __init__(self, id: str, side: int, price: int, leaves: int, ahead: int) -> None:
        self.display = self.hidden = 0
        self.id = id
        self.side = side
        self.price = price
        self.leaves = leaves
        self.ahead = ahead
        # What the display took from `ahead`, and when: a trade that comes late pairs with it.
        self.unpaired: deque[tuple[int, int]] = deque()

    def clamp(self, displayed: int, now: int) -> None:
        """No more can be ahead than is displayed."""
        if self.ahead > displayed:
            if self.ahead < UNKNOWN:
                self.unpaired.append((now, self.ahead - displayed))
            self.ahead = displayed

    def pass_by(self, qty: int, now: int) -> int:
        """`qty` traded in this queue; returns how much of it reached our order."""
        if self.ahead == UNKNOWN:
            return 0
        while self.unpaired and self.unpaired[0][0] < now - GRACE:
            self.unpaired.popleft()
        while self.unpaired and qty:
            when, known = self.unpaired.popleft()
            used = min(known, qty)
            qty -= used
            if used < known:
                self.unpaired.appendleft((when, known - used))
        gone = min(self.ahead, qty)
        self.ahead -= gone
        return qty - gone


class QueueModel:
    """One instrument's recorded book and our orders in it."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._whole = False  # with full knowledge: has the first snapshot come?
        self._books = {BID: Ladder(BID), ASK: Ladder(ASK)}
        # What is left for us of levels we took from: (side of the level, price) -> lots.
        self._left: dict[tuple[int, int], int] = {}
        self._queues: dict[int, dict[int, list[_Resting]]] = {BID: {}, ASK: {}}
        self._orders: dict[str, _Resting] = {}

    def best(self, side: int) -> int:
        """The best displayed price of a side; 0 when there is none."""
        return self._books[side].best

    def levels(self) -> Levels:
        """The whole displayed book."""
        return [
            (side, price, size)
            for side, ladder in self._books.items()
            for price, size in ladder.best_first()
        ]

    def ahead(self, id: str) -> int:
        """Lots before a resting order; `UNKNOWN` when the recording does not tell."""
        return self._orders[id].ahead

    def forget(self) -> None:
        """The recording is continued at another place: no book is known and no order rests."""
        for ladder in self._books.values():
            ladder.clear()
        for queues in self._queues.values():
            queues.clear()
        self._left.clear()
        self._orders.clear()
        self._whole = False

    # -- the recorded market --

    def book(self, levels: Levels, snapshot: bool, now: int) -> list[Execution]:
        """Levels changed; returns the fills of resting orders that the market moved onto."""
        if snapshot:
            named = {(side, price) for side, price, _ in levels}
            levels = levels + [
                (side, price, 0)
                for side, ladder in self._books.items()
                for price in ladder.sizes
                if (side, price) not in named
            ]
        for side, price, size in levels:
            old = self._books[side].set(price, size)
            if self._left:
                self._refresh(side, price, old, size)
        self._whole |= snapshot and self._knowledge is Knowledge.FULL
        if not self._orders:
            return []
        if snapshot and self._whole:
            for order in self._orders.values():
                order.clamp(self._books[order.side].sizes.get(order.price, 0), now)
        removal_tells = self._whole or (self._knowledge is Knowledge.SEEN and not snapshot)
        for side, price, size in levels:
            queue = self._queues[side].get(price)
            if queue and (size or removal_tells):
                for order in queue:
                    order.clamp(size, now)
        if self._knowledge is Knowledge.TOP:
            self._clear_way(now)
        return self._met()

    def trade(self, price: int, qty: int, aggressor: int, now: int) -> list[Execution]:
        """A trade on the book was reported; returns the fills it proves."""
        fills: list[Execution] = []
        if not self._orders:
            return fills
        left = qty
        for side in (BID, ASK):
            if aggressor == side:  # buyers do not hit bids, nor sellers lift offers
                continue
            hit = bool(aggressor) or self._hit(side, price)
            sign = 1 if side == BID else -1
            for order in self._best_first(side):
                beyond = (order.price - price) * sign
                if beyond < 0 or not left:
                    break
                whole = bool(beyond)
                if not beyond:
                    reached = order.pass_by(left, now) if hit else 0
                elif hit or self._unquoted(side, price):
                    order.ahead = 0
                    order.unpaired.clear()
                    reached = left
                else:
                    reached = 0
                if reached:
                    left -= self._fill(order, reached, fills, whole)
        return fills

    # -- our orders --

    def available(self, side: int, limit: int) -> int:
        """Lots that an order of `side` could take now at `limit` (0: any price) or better."""
        return sum(size for _, size in self._takeable(side, limit))

    def crosses(self, side: int, price: int) -> bool:
        """Would an order at `price` meet the displayed other side?"""
        best = self.best(ASK if side == BID else BID)
        return bool(best) and (price - best) * (1 if side == BID else -1) >= 0

    def take(self, id: str, side: int, qty: int, limit: int) -> list[Execution]:
        """Take displayed lots for an order, best first, up to `qty` and `limit` (0: any price)."""
        fills = []
        other = ASK if side == BID else BID
        for price, size in list(self._takeable(side, limit)):
            if not qty:
                break
            taken = min(size, qty)
            qty -= taken
            self._left[other, price] = size - taken
            fills.append(Execution(id, price, taken, False))
        return fills

    def rest(self, id: str, side: int, price: int, qty: int, display: int = 0) -> None:
        """Put an order at the end of the queue at its price; `display` lots of it (0: all)."""
        if id in self._orders:
            raise ValueError(f"order {id} rests already")
        shown = min(display or qty, qty)
        order = _Resting(id, side, price, shown, self._ahead_of_new(side, price))
        order.display, order.hidden = display, qty - shown
        self._orders[id] = order
        self._queues[side].setdefault(price, []).append(order)

    def reduce(self, id: str, leaves: int) -> None:
        """Another quantity of a resting order may still trade; it keeps its place.

        Not more than before, unless it shows a part of itself only.
        """
        order = self._orders[id]
        order.leaves = min(order.leaves, leaves) if order.display else leaves
        order.hidden = leaves - order.leaves

    def remove(self, id: str) -> None:
        """Take an order out of its queue; nothing when it rests in none."""
        order = self._orders.pop(id, None)
        if order is None:
            return
        queues = self._queues[order.side]
        queues[order.price].remove(order)
        if not queues[order.price]:
            del queues[order.price]

    # -- inside --

    def _fill(
        self, order: _Resting, reached: int, fills: list[Execution], whole: bool = False
    ) -> int:
        """Fill an order with up to `reached` lots; `whole`: also with what it keeps back."""
        qty = min(order.leaves + (order.hidden if whole else 0), reached)
        shown = min(qty, order.leaves)
        order.leaves -= shown
        order.hidden -= qty - shown
        fills.append(Execution(order.id, order.price, qty, True))
        if not order.leaves:
            self.remove(order.id)
            if order.hidden:
                self.rest(order.id, order.side, order.price, order.hidden, order.display)
        return qty

    def _best_first(self, side: int) -> Iterable[_Resting]:
        """Our orders of one side by price, then time; safe while orders are removed."""
        queues = self._queues[side]
        return [order for price in sorted(queues, reverse=side == BID) for order in queues[price]]

    def _ahead_of_new(self, side: int, price: int) -> int:
        ladder = self._books[side]
        displayed = ladder.sizes.get(price, 0)
        if displayed or self._whole:
            return displayed
        better = len(ladder) and (price - ladder.best) * ladder.sign > 0
        return 0 if better else UNKNOWN

    def _clear_way(self, now: int) -> None:
        """Where only the best is displayed: before our orders at better prices is nobody."""
        for side, queues in self._queues.items():
            ladder = self._books[side]
            if len(ladder):
                for price, queue in queues.items():
                    if (price - ladder.best) * ladder.sign > 0:
                        for order in queue:
                            order.clamp(0, now)

    def _refresh(self, side: int, price: int, old: int, size: int) -> None:
        left = self._left.get((side, price))
        if left is None:
            return
        if size:
            self._left[side, price] = min(left + max(0, size - old), size)
        else:
            del self._left[side, price]

    def _takeable(self, side: int, limit: int) -> Iterator[tuple[int, int]]:
        other = ASK if side == BID else BID
        sign = 1 if side == BID else -1
        for price, size in self._books[other].best_first():
            if limit and (price - limit) * sign > 0:
                return
            size = self._left.get((other, price), size)
            if size:
                yield price, size

    def _met(self) -> list[Execution]:
        """Fill resting orders at prices where the other side is displayed now."""
        fills: list[Execution] = []
        for side, queues in self._queues.items():
            other = ASK if side == BID else BID
            best = self._books[other].best
            sign = 1 if side == BID else -1
            if not best or not any((price - best) * sign >= 0 for price in queues):
                continue
            for order in self._best_first(side):
                if (order.price - best) * sign < 0:
                    break
                for price, size in list(self._takeable(side, order.price)):
                    leaves = order.leaves + order.hidden
                    if not leaves:
                        break
                    qty = min(size, leaves)
                    self._left[other, price] = size - qty
                    self._fill(order, qty, fills, True)
                    order = self._orders.get(order.id, order)
        return fills

    def _hit(self, side: int, price: int) -> bool:
        """Was an unsigned trade at `price` made by someone who hit this side's quotes?"""
        best = self._books[side].best
        return bool(best) and (price - best) * (1 if side == BID else -1) <= 0

    def _unquoted(self, side: int, price: int) -> bool:
        """Was an unsigned trade not made on the other side's quotes either?"""
        other = self._books[ASK if side == BID else BID]
        return not len(other) or (price - other.best) * other.sign > 0
