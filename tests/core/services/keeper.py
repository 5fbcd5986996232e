"""A venue that keeps the truth, and whose messages to and fro can be lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from core.model.enums import ExecType, LinkState, OrdStatus, Side
from core.model.events import (
    CancelReject,
    ExecutionReport,
    VenueBalance,
    VenueOrder,
    VenuePosition,
    VenueStatement,
)
from core.model.instruments import Instrument
from core.model.requests import VenueCancel, VenueNew, VenueReplace, VenueRequest
from tests.core.services.helpers import ScriptedVenue

ALL = frozenset({"asked", "executions", "positions", "time"})
_replace = msgspec.structs.replace


class Keeper(ScriptedVenue):
    """Takes orders into its own book and tells of them.

    Attributes:
        mute: what it says gets lost; deaf: what it is sent gets lost.
        offers: what its statements tell beside working orders.
        listing: its first instrument, where that is not the usual one.
        statements: how often it was asked.
    """

    def __init__(self, name: str = "V", offers: frozenset[str] = ALL) -> None:
        super().__init__(name)
        self.offers = offers
        self.orders: dict[str, VenueOrder] = {}
        self.executions: list[ExecutionReport] = []
        self.held: dict[tuple[str, str], int] = {}
        self.balances: list[VenueBalance] = []
        self.listing: Instrument | None = None
        self.mute = self.deaf = False
        self.statements = 0
        self.since: list[int] = []
        self.clock: Callable[[], int] = time.time_ns

    def instruments(self) -> Sequence[Instrument]:
        first, *rest = super().instruments()
        return (self.listing or first, *rest)

    # -- what it is sent ---------------------------------------------------------------------

    def send(self, request: VenueRequest) -> None:
        if self.before_send is not None:
            self.before_send(request)
        self.sent.append(request)
        if self.deaf:
            return
        name = request.order.cl_ord_id
        if isinstance(request, VenueNew):
            o = request.order
            if name in self.orders:
                self.tell(name, ExecType.ORDER_STATUS)
                return
            self.enter(name, o.side, o.qty, o.price, o.account, o.instrument)
            self.tell(name, ExecType.NEW)
            return
        there = self.orders.get(name)
        late = isinstance(request, VenueReplace) and there and request.qty <= there.cum_qty
        if there is None or there.status.terminal or late:
            status = OrdStatus.REJECTED if there is None else there.status
            now = time.time_ns()
            replace = isinstance(request, VenueReplace)
            self.say(CancelReject(self.name, now, now, name, request.request, status, replace))
        elif isinstance(request, VenueCancel):
            self.change(name, status=OrdStatus.CANCELED)
            self.tell(name, ExecType.CANCELED, request.request)
        else:
            self.change(name, qty=request.qty, price=request.price)
            self.tell(name, ExecType.REPLACED, request.request)

    # -- what happens there ------------------------------------------------------------------

    def enter(
        self,
        name: str,
        side: Side = Side.BUY,
        qty: int = 10,
        price: int = 10_000,
        account: str = "PAPER-1",
        instrument: str = "ABC.V",
        order_id: str = "",
    ) -> None:
        number = order_id or f"{self.name}{len(self.orders) + 1}"
        self.orders[name or f"{self.name}:{number}"] = VenueOrder(
            name, number, instrument, side, qty, price, 0, account=account
        )

    def change(self, name: str, **fields: Any) -> None:
        self.orders[name] = _replace(self.orders[name], **fields)

    def trade(self, name: str, qty: int, price: int, exec_id: str = "") -> ExecutionReport:
        """An execution happens there, and is told of."""
        o = self.orders[name]
        cum = o.cum_qty + qty
        status = OrdStatus.FILLED if cum >= o.qty else OrdStatus.PARTIALLY_FILLED
        if o.status.terminal:
            status = o.status
        self.change(name, cum_qty=cum, notional=o.notional + qty * price, status=status)
        key = (o.account, o.instrument)
        self.held[key] = self.held.get(key, 0) + o.side.sign * qty
        number = exec_id or f"{self.name}e{len(self.executions) + 1}"
        told = self.report_of(name, ExecType.TRADE, "", number, qty, price)
        self.executions.append(told)
        self.say(told)
        return told

    def forget(self) -> None:
        """It restarts and has lost its orders."""
        self.orders.clear()

    def cut(self) -> None:
        """The link breaks; what it says meanwhile is lost."""
        self.mute = self.deaf = True
        self.link(LinkState.DOWN, "Cable cut.")

    def mend(self) -> None:
        self.mute = self.deaf = False
        self.link(LinkState.UP, "Back.")

    # -- what it says ------------------------------------------------------------------------

    def say(self, event: ExecutionReport | CancelReject) -> None:
        if not self.mute:
            self.events(event)

    def tell(self, name: str, kind: ExecType, request: str = "") -> None:
        self.say(self.report_of(name, kind, request))

    def report_of(
        self,
        name: str,
        kind: ExecType,
        request: str = "",
        exec_id: str = "",
        qty: int = 0,
        price: int = 0,
    ) -> ExecutionReport:
        o, now = self.orders[name], self.clock()
        return ExecutionReport(
            self.name, now, now, o.cl_ord_id, kind, o.status, o.order_id, exec_id,
            request or o.cl_ord_id, o.instrument, o.side, o.qty, o.price, o.cum_qty,
            price, qty, Decimal("0.25") if qty else Decimal(0), "USD", account=o.account,
        )  # fmt: skip

    async def working_orders(self) -> Sequence[VenueOrder]:
        return [o for o in self.orders.values() if not o.status.terminal]

    async def statement(self, since: int, orders: Sequence[str]) -> VenueStatement:
        self.statements += 1
        self.since.append(since)
        if self.fail_list is not None:
            raise self.fail_list
        offers = self.offers
        asked = tuple(self.orders[name] for name in orders if name in self.orders)
        return VenueStatement(
            tuple(await self.working_orders()),
            asked if "asked" in offers else None,
            tuple(e for e in self.executions if e.ts >= since) if "executions" in offers else None,
            tuple(VenuePosition(i, qty, a) for (a, i), qty in self.held.items())
            if "positions" in offers
            else None,
            tuple(self.balances) if "balances" in offers else None,
            ts=self.clock() if "time" in offers else 0,
        )
