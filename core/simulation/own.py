"""What a venue knows for certain: orders, executions, and what follows from them.

All of it is on its disk: it outlives the venue's program.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from core.model.enums import OrdStatus, Side
from core.model.events import ExecutionReport
from core.model.orders import Order, leg_of

CORRECTED = "-corrected"


class Execution(NamedTuple):
    """One execution."""

    id: str
    price: int
    qty: int
    fee: Decimal


class Foreign(NamedTuple):
    """A deal of an order that was placed on the account by other means; `qty` is signed."""

    account: str
    instrument: str
    qty: int
    price: int


class Own:
    """A member's order as the venue has it. `over`: it was filled beyond its quantity, on
    purpose."""

    __slots__ = ("book", "cum", "execs", "order", "over", "price", "qty", "status")

    def __init__(self, order: Order, book: int) -> None:
        self.order = order
        self.book = book
        self.qty = order.qty
        self.price = order.price
        self.cum = 0
        self.over = False
        self.status = OrdStatus.NEW
        self.execs: list[Execution] = []

    @property
    def working(self) -> bool:
        """May it still trade?"""
        return not self.status.terminal

    @property
    def correctable(self) -> bool:
        """May its newest execution be taken back or corrected? Once only, and after its end."""
        return not self.working and bool(self.execs) and not self.execs[-1].id.endswith(CORRECTED)

    def of(self, account: str, instrument: str, leg: str) -> bool:
        """Is it about this position, or this leg of it?"""
        order = self.order
        return (
            order.account == account
            and order.instrument == instrument
            and (not leg or leg_of(order.side, order.position_effect) == leg)
        )


class Truth:
    """What one venue knows.

    Attributes:
        orders: every order that was ever entered, by client order id.
        foreign: what was traded by other means, by order id.
        executed: every report of an execution, oldest first.
        wrong: sentences about what no member may do, such as an order that was sent twice.
    """

    def __init__(self) -> None:
        self.orders: dict[str, Own] = {}
        self.foreign: dict[str, Foreign] = {}
        self.executed: list[ExecutionReport] = []
        self.wrong: list[str] = []

    def working(self) -> Iterator[Own]:
        """The orders that may still trade."""
        return (own for own in self.orders.values() if own.working)

    def accounts(self) -> list[str]:
        """Whoever traded here."""
        found = {own.order.account for own in self.orders.values()}
        return sorted(found | {deal.account for deal in self.foreign.values()})

    def position(self, account: str, instrument: str, leg: str = "") -> int:
        """Signed lots that really were traded; those of other means are of no leg."""
        total = 0
        if not leg:
            total = sum(
                deal.qty for deal in self.foreign.values() if deal[:2] == (account, instrument)
            )
        for own in self.orders.values():
            if own.cum and own.of(account, instrument, leg):
                total += own.order.side.sign * own.cum
        return total

    def open_lots(self, account: str, instrument: str, side: Side, leg: str = "") -> int:
        """Lots that may still trade here."""
        return sum(
            own.qty - own.cum
            for own in self.orders.values()
            if own.working and own.order.side is side and own.of(account, instrument, leg)
        )
