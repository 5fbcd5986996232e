"""A strategy on recorded data: bars, quotes and fills by hand, and what it sends."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from msgspec.structs import replace

from core.model.commands import NewOrder
from core.model.enums import ExecType, OrdStatus, Side
from core.model.instruments import Instrument
from core.model.orders import Order, OrderUpdate, Position
from core.strategy.api import Bar, Quote, Strategy, StrategyCommand, make_params, no_bars
from core.strategy.runner import Runner

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
ABC = Instrument("ABC.V", "ABC", "V", Decimal("0.01"), Decimal("0.1"), "USD")


class Recorded:
    """Runs one strategy; it is its port.

    Attributes:
        sent: every command, oldest first.
        said: every signal.
        live: orders as their venue has them.
    """

    def __init__(self, kind: type[Strategy], **params: str) -> None:
        self.strategy = kind("mine", "P", ABC, make_params(kind, params))
        self.strategy.attach(self)
        self.runner = Runner(self.strategy)
        self.sent: list[StrategyCommand] = []
        self.said: list[str] = []
        self.live: dict[str, Order] = {}
        self.now = START
        self._ids = 0
        self._position = 0
        self._columns: dict[str, list[int]] = {name: [] for name in Bar._fields}

    # the port

    def new_id(self) -> str:
        self._ids += 1
        return f"S-{self._ids}"

    def send(self, command: StrategyCommand) -> None:
        self.sent.append(command)

    def signal(self, text: str) -> None:
        self.said.append(text)

    # what is recorded

    def start(self, closes: Sequence[int] = (), position: int = 0) -> None:
        for close in closes:
            self._add(close, 10)
        self._position = position
        self.runner.start(self.now, position, self.columns())

    def columns(self) -> dict[str, Any]:
        if not self._columns["ts"]:
            return no_bars()
        return {name: np.array(column, np.int64) for name, column in self._columns.items()}

    def _add(self, close: int, volume: int) -> Bar:
        self.now += 5 * SECOND
        bar = Bar(self.now, close, close, close, close, volume, close * volume)
        for name, value in bar._asdict().items():
            self._columns[name].append(value)
        return bar

    def bar(self, close: int, volume: int = 10) -> list[NewOrder]:
        """A bar; returns the orders that it made the strategy send."""
        before = len(self.sent)
        bar = self._add(close, volume)
        self.runner.bar(self.now, bar, self.columns())
        return [c for c in self.sent[before:] if isinstance(c, NewOrder)]

    def quote(self, bid: int, ask: int, seconds: float = 1.0) -> list[StrategyCommand]:
        """A quote; returns what it made the strategy send."""
        before = len(self.sent)
        self.now += int(seconds * SECOND)
        self.runner.quote(self.now, Quote(self.now, bid, 5 if bid else 0, ask, 5 if ask else 0, 0))
        return self.sent[before:]

    # the venue's side

    def accept(self, order: NewOrder) -> None:
        """The order rests."""
        live = Order(
            order.cl_ord_id, order.account, order.instrument, order.side, order.ord_type, order.qty,
            order.price, 0, order.tif, order.post_only, order.reduce_only, order.source, "",
            order.strategy, OrdStatus.NEW, self.now, self.now,
        )  # fmt: skip
        self.tell(live, ExecType.NEW)

    def fill(self, name: str, qty: int) -> None:
        """Some of an order trades."""
        order = self.live[name]
        cum = order.cum_qty + qty
        status = OrdStatus.FILLED if cum == order.qty else OrdStatus.PARTIALLY_FILLED
        self._position += qty if order.side is Side.BUY else -qty
        self.runner.position(
            Position(1, self.now, "P", ABC.id, self._position, 0, 0, Decimal(0), "mine")
        )
        self.tell(replace(order, cum_qty=cum, status=status), ExecType.TRADE)

    def end(self, name: str, status: OrdStatus = OrdStatus.CANCELED) -> None:
        """An order is over without another fill."""
        self.tell(replace(self.live[name], status=status), ExecType.CANCELED)

    def moved(self, name: str, qty: int, price: int) -> None:
        """A change of an order took effect."""
        self.tell(replace(self.live[name], qty=qty, price=price), ExecType.REPLACED)

    def tell(self, order: Order, kind: ExecType) -> None:
        if order.working:
            self.live[order.cl_ord_id] = order
        else:
            self.live.pop(order.cl_ord_id, None)
        self.runner.order(OrderUpdate(1, self.now, order, kind))

    def done(self, orders: Sequence[NewOrder]) -> None:
        """Orders trade at once and whole."""
        for order in orders:
            self.accept(order)
            self.fill(order.cl_ord_id, order.qty)

    @property
    def position(self) -> int:
        """Lots held."""
        return self._position
