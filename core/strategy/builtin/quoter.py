"""A two-sided quoter: one post-only order each side of the market, leaning against inventory.

The reservation price moves away from the mid with the position (Avellaneda and Stoikov 2008, in
its simplest linear form): `skew` ticks for a full inventory.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec

from core.model.enums import OrdStatus, Side
from core.model.orders import Order, OrderUpdate
from core.strategy.api import Params, Quote, Strategy, lots

_PAUSE = 250_000_000
"""Shortest time in ns between two changes on one side."""
_PAUSE_REJECTED = 2_000_000_000
"""How long a side rests after the engine or the venue said no."""

Ticks = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Skew = Annotated[int, msgspec.Meta(ge=0, le=10_000)]


class QuoterParams(Params, frozen=True):
    """`distance`, `skew` and `tolerance` in ticks; quantities in the trader's units."""

    distance: Ticks = 3
    skew: Skew = 4
    tolerance: Ticks = 2
    quantity: Decimal = Decimal(1)
    inventory: Decimal = Decimal(5)

    def __post_init__(self) -> None:
        if self.inventory < self.quantity:
            raise ValueError("inventory must not be below quantity")


class Quoter(Strategy):
    """Keeps one bid and one ask near the market, within an inventory."""

    Params = QuoterParams
    params: QuoterParams

    def on_start(self) -> None:
        """Check the quantities."""
        self._lots = lots(self.instrument, self.params.quantity)
        self._limit = lots(self.instrument, self.params.inventory)
        self._sides: dict[str, Side] = {}
        self._asked: dict[str, int] = {}
        self._next = dict.fromkeys(Side, 0)
        for order_id, order in self.working.items():
            if order is not None:  # of an earlier run: replaced by quotes of this one
                self._sides[order_id] = order.side
        self.cancel_all()
        self.timer_seconds = 0.5

    def on_quote(self, quote: Quote) -> None:
        """Quote both sides around the reservation price."""
        self._quote_both()

    def on_order(self, update: OrderUpdate) -> None:
        """Let a side rest on which an order was refused."""
        if update.order.status is OrdStatus.REJECTED:
            self._next[update.order.side] = self.now + _PAUSE_REJECTED

    def on_timer(self) -> None:
        """Look again: an order may have ended without a new quote."""
        self._quote_both()

    def on_stop(self) -> None:
        """Leave the market."""
        self.cancel_all()

    def wanted(self) -> dict[Side, int]:
        """The prices to quote at; a side is missing while inventory or market forbid it."""
        quote = self.quote
        if not quote.bid or not quote.ask:
            return {}
        lean = self.params.skew * self.position // self._limit
        wanted = {}
        if self.position + self._lots <= self._limit:
            wanted[Side.BUY] = max(1, min(quote.bid - self.params.distance - lean, quote.ask - 1))
        if self.position - self._lots >= -self._limit:
            wanted[Side.SELL] = max(quote.ask + self.params.distance - lean, quote.bid + 1)
        return wanted

    def _quote_both(self) -> None:
        self._sides = {k: side for k, side in self._sides.items() if k in self.working}
        self._asked = {k: price for k, price in self._asked.items() if k in self.working}
        wanted = self.wanted()
        quoted = set()
        for order_id, side in self._sides.items():
            order = self.working[order_id]
            quoted.add(side)
            if order is None or not _settled(order) or not self._may_change(side):
                continue
            if side not in wanted:
                self.cancel(order_id)
            else:
                price = self._apart(side, wanted[side])
                if abs(price - order.price) <= self.params.tolerance:
                    continue
                self.replace(order_id, order.qty, price)
                self._asked[order_id] = price
            self._next[side] = self.now + _PAUSE
        for side, price in wanted.items():
            if side not in quoted and self._may_change(side):
                self._next[side] = self.now + _PAUSE
                price = self._apart(side, price)
                if price > 0:
                    self._send_quote(side, price)

    def _send_quote(self, side: Side, price: int) -> None:
        send = self.buy if side is Side.BUY else self.sell
        why = f"quote {side.name.lower()} at {self.instrument.price(price)}"
        order_id = send(self._lots, price, why, post_only=True)
        self._sides[order_id] = side
        self._asked[order_id] = price

    def _apart(self, side: Side, price: int) -> int:
        """A price that cannot meet our own order on the other side, wherever that is just now."""
        for order_id, other in self._sides.items():
            if other is side:
                continue
            order = self.working[order_id]
            places = {self._asked.get(order_id, 0)}
            if order is not None:
                places |= {order.price, order.pending_price}
            places.discard(0)
            if places:
                price = (
                    min(price, min(places) - 1)
                    if side is Side.BUY
                    else (max(price, max(places) + 1))
                )
        return price

    def _may_change(self, side: Side) -> bool:
        return self.now >= self._next[side]


def _settled(order: Order) -> bool:
    return order.status in (OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED)
