"""Drives one strategy from a stream of events; the same for live trading and recorded data.

The runner keeps what the strategy may look at (quote, bars, position, working orders) up to date
before it calls a handler. A handler's exception goes to the caller: a strategy that raises is not
trusted with the next event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core.model.events import Draft
from core.model.orders import OrderUpdate, Position
from core.strategy.api import Bar, Ints, Quote, Strategy, Trade


class Runner:
    """One strategy under way."""

    def __init__(self, strategy: Strategy) -> None:
        self.strategy = strategy
        self._started = False
        self._next_timer = 0

    def start(self, now: int, position: int, bars: Mapping[str, Ints]) -> None:
        """History and position are known: begin."""
        s = self.strategy
        s.now, s.position, s.bars = now, position, bars
        s.on_start()
        self._started = True
        self._next_timer = now + int(s.timer_seconds * 1e9)

    def quote(self, now: int, quote: Quote) -> None:
        """The best prices changed."""
        s = self.strategy
        s.now, s.quote = now, quote
        if self._started:
            s.on_quote(quote)

    def trades(self, now: int, trades: Iterable[Trade]) -> None:
        """The market traded."""
        self.strategy.now = now
        for trade in trades:
            self.strategy.on_trade(trade)

    def bar(self, now: int, bar: Bar, bars: Mapping[str, Ints]) -> None:
        """A bar is finished; it is the last one of `bars`."""
        s = self.strategy
        s.now, s.bars = now, bars
        s.on_bar(bar)

    def position(self, position: Position) -> None:
        """What the strategy holds changed."""
        if position.strategy == self.strategy.name:
            self.strategy.position = position.qty

    def order(self, update: OrderUpdate) -> None:
        """Something happened to an order of this strategy."""
        s = self.strategy
        s.now = update.ts
        s.heard_of(update.order.cl_ord_id)
        if update.order.working:
            s.working[update.order.cl_ord_id] = update.order
        else:
            s.working.pop(update.order.cl_ord_id, None)
        s.on_order(update)

    def draft(self, draft: Draft) -> None:
        """A draft was answered; one that is not sent is no longer open."""
        if draft.answer and draft.answer != "accepted":
            self.strategy.drop(draft.draft)

    def lost(self, order_id: str) -> None:
        """An order, or a list of them, could not be handed to the engine at all."""
        self.strategy.drop(order_id)

    def tick(self, now: int) -> None:
        """Time passed; calls the timer when it is due."""
        s = self.strategy
        if s.timer_seconds > 0 and self._started and now >= self._next_timer:
            s.now = now
            self._next_timer = now + int(s.timer_seconds * 1e9)
            s.on_timer()

    def stop(self, now: int) -> None:
        """The switch is off."""
        if self._started:
            self._started = False
            self.strategy.now = now
            self.strategy.on_stop()
