"""Our orders as a replay knows them: those that work, what became of the others, and what it
refuses."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from core.model.enums import OrdStatus, OrdType, TimeInForce
from core.model.events import ExecutionReport, VenueOrder, VenueStatement
from core.model.orders import Order
from core.venues.replay.events import MAX_TICKS

_REMEMBERED = 20_000  # orders that are over
_EXECUTIONS = 20_000
_TIFS = (TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)


class OwnOrder:
    """An order at the desk. `qty` is its total, `cum` what has traded.

    `closes` is when its session ends in recorded time; 0 when it is not for a session only.
    """

    __slots__ = ("closes", "cum", "notional", "order", "price", "qty")

    def __init__(self, order: Order) -> None:
        self.order = order
        self.qty = order.qty
        self.price = order.price
        self.cum = order.cum_qty
        self.notional = order.notional
        self.closes = 0

    @property
    def leaves(self) -> int:
        """What may still trade."""
        return self.qty - self.cum

    @property
    def status(self) -> OrdStatus:
        """Where it stands while it works."""
        if not self.leaves:
            return OrdStatus.FILLED
        return OrdStatus.PARTIALLY_FILLED if self.cum else OrdStatus.NEW


class Finished(NamedTuple):
    """What is remembered of an order that can never trade again."""

    status: OrdStatus
    qty: int
    price: int
    cum: int
    listed: VenueOrder


class OwnOrders:
    """All of them, by their ids, and their executions; of what is over the newest 20,000 each.

    Attributes:
        working: those that may still trade, oldest first.
    """

    def __init__(self) -> None:
        self.working: dict[str, OwnOrder] = {}
        self._finished: dict[str, Finished] = {}
        self._ended: deque[str] = deque()
        self._executions: deque[ExecutionReport] = deque(maxlen=_EXECUTIONS)

    def __contains__(self, name: object) -> bool:
        return name in self.working or name in self._finished

    def __iter__(self) -> Iterator[OwnOrder]:
        """Those that work now, whatever becomes of them meanwhile."""
        return iter(list(self.working.values()))

    def add(self, order: Order) -> OwnOrder:
        """An order begins to work."""
        made = self.working[order.cl_ord_id] = OwnOrder(order)
        return made

    def finished(self, name: str) -> Finished | None:
        """What became of an order that is over."""
        return self._finished.get(name)

    def finish(self, own: OwnOrder, status: OrdStatus) -> None:
        """An order that worked can never trade again."""
        del self.working[own.order.cl_ord_id]
        self.remember(own, status)

    def remember(self, own: OwnOrder, status: OrdStatus) -> None:
        """Keep how an order ended, also one that never worked."""
        name = own.order.cl_ord_id
        there = msgspec.structs.replace(_as_it_is(own), status=status)
        self._finished[name] = Finished(status, own.qty, own.price, own.cum, there)
        self._ended.append(name)
        if len(self._ended) > _REMEMBERED:
            del self._finished[self._ended.popleft()]

    def executed(self, report: ExecutionReport) -> None:
        """Remember an execution."""
        self._executions.append(report)

    def listed(self) -> list[VenueOrder]:
        """Every order that may still trade, as the market lists it."""
        return [_as_it_is(own) for own in self.working.values()]

    def statement(self, since: int, orders: Sequence[str]) -> VenueStatement:
        """Orders, what became of those asked for, and the newest executions."""
        working, finished = self.working, self._finished
        asked = [
            _as_it_is(working[name]) if name in working else finished[name].listed
            for name in orders
            if name in self
        ]
        executions = tuple(report for report in self._executions if report.ts >= since)
        return VenueStatement(tuple(self.listed()), tuple(asked), executions)


def listed(order: Order) -> VenueOrder:
    """How the market lists an order as it was sent."""
    name = order.cl_ord_id
    return VenueOrder(
        name,
        f"R-{name}",
        order.instrument,
        order.side,
        order.qty,
        order.price,
        order.cum_qty,
        account=order.account,
        ord_type=order.ord_type,
        tif=order.tif,
        display_qty=order.display_qty,
    )


def _as_it_is(own: OwnOrder) -> VenueOrder:
    return msgspec.structs.replace(
        listed(own.order),
        qty=own.qty,
        price=own.price,
        cum_qty=own.cum,
        status=own.status,
        notional=own.notional,
    )


def refusal(order: Order) -> str:
    """Why no replay takes an order like this, whatever its market; empty when it does."""
    if order.ord_type not in (OrdType.LIMIT, OrdType.MARKET):
        return "A replay takes limit and market orders only."
    if order.tif not in _TIFS:
        return "A replay takes DAY, GTC, IOC and FOK orders only."
    if order.qty <= 0:
        return "The quantity must be above 0."
    shown, resting = order.display_qty, order.tif in (TimeInForce.DAY, TimeInForce.GTC)
    if shown and not (0 < shown <= order.qty and order.ord_type is OrdType.LIMIT and resting):
        return "Only a limit order that may rest can show a part of its quantity."
    if order.ord_type is OrdType.LIMIT and not 0 < order.price <= MAX_TICKS:
        return "A limit order needs a price above 0."
    if order.post_only and order.ord_type is OrdType.MARKET:
        return "A market order cannot be post only."
    return ""
