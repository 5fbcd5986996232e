"""An engine in the test's own loop, a venue that does what it is told, and a client of both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.client.client import EngineClient
from core.model.commands import Command, NewOrder, VenueControl
from core.model.enums import (
    ExecType,
    LinkState,
    MarketStatus,
    Mode,
    OrdStatus,
    OrdType,
    Side,
    TimeInForce,
)
from core.model.events import ExecutionReport, LinkUpdate, VenueOrder
from core.model.ids import IdMaker
from core.model.instruments import Instrument
from core.model.market import Quote, StatusUpdate
from core.model.orders import Order
from core.model.requests import VenueCancel, VenueNew, VenueReplace, VenueRequest
from core.services.config import EngineConfig, load_config
from core.services.engine import Engine
from core.venues.venue import EventSink, MarketSink, Venue

IDS = IdMaker("T")


def instrument(symbol: str = "ABC", venue: str = "V") -> Instrument:
    return Instrument(f"{symbol}.{venue}", symbol, venue, Decimal("0.01"), Decimal(1), "USD")


class ScriptedVenue:
    """A venue that keeps what it is sent and says what the test tells it to say.

    `answers`: it acknowledges new orders and cancels by itself, from within `send`.
    """

    mode = Mode.PAPER

    def __init__(self, name: str = "V", answers: bool = True) -> None:
        self.name = name
        self.answers = answers
        self.sent: list[VenueRequest] = []
        self.resumed: list[Order] = []
        self.marks: dict[str, int] = {}
        self.listed: list[VenueOrder] = []
        self.fail_send: Exception | None = None
        self.fail_list: Exception | None = None
        self.fail_start: Exception | None = None
        self.starts_up = True
        self.before_send: Callable[[VenueRequest], None] | None = None
        self.controls: list[VenueControl] = []
        self.market: MarketSink
        self.events: EventSink

    def instruments(self) -> Sequence[Instrument]:
        return (instrument("ABC", self.name), instrument("DEF", self.name))

    def resume(self, working: Sequence[Order], marks: Mapping[str, int]) -> None:
        self.resumed = list(working)
        self.marks = dict(marks)

    async def start(self, market: MarketSink, events: EventSink) -> None:
        self.market, self.events = market, events
        if self.fail_start is not None:
            raise self.fail_start
        if self.starts_up:
            self.link(LinkState.UP)

    def link(self, state: LinkState, text: str = "") -> None:
        self.events(LinkUpdate(self.name, time.time_ns(), state, text))

    def quote(self, bid: int = 10_000, ask: int = 10_001, symbol: str = "ABC") -> None:
        now = time.time_ns()
        name = f"{symbol}.{self.name}"
        self.market(StatusUpdate(name, now, now, MarketStatus.OPEN))
        self.market(Quote(name, now, now, bid, 100, ask, 100))

    def send(self, request: VenueRequest) -> None:
        if self.fail_send is not None:
            raise self.fail_send
        if self.before_send is not None:
            self.before_send(request)
        self.sent.append(request)
        if not self.answers:
            return
        if isinstance(request, VenueNew):
            self.report(request.order, ExecType.NEW, OrdStatus.NEW)
        elif isinstance(request, VenueCancel):
            self.report(
                request.order, ExecType.CANCELED, OrdStatus.CANCELED, request=request.request
            )
        else:
            assert isinstance(request, VenueReplace)

    def report(
        self,
        order: Order,
        kind: ExecType,
        status: OrdStatus,
        *,
        request: str = "",
        last_qty: int = 0,
        last_price: int = 0,
        exec_id: str = "",
        cum_qty: int = 0,
    ) -> None:
        now = time.time_ns()
        self.events(
            ExecutionReport(
                self.name,
                now,
                now,
                order.cl_ord_id,
                kind,
                status,
                order_id=f"{self.name}-{order.cl_ord_id}",
                exec_id=exec_id or IDS.next(),
                request=request or order.cl_ord_id,
                instrument=order.instrument,
                side=order.side,
                qty=order.qty,
                price=order.price,
                cum_qty=cum_qty,
                last_qty=last_qty,
                last_price=last_price,
                currency="USD",
            )
        )

    def fill(self, order: Order, qty: int, price: int, cum: int) -> None:
        done = OrdStatus.FILLED if cum == order.qty else OrdStatus.PARTIALLY_FILLED
        self.report(order, ExecType.TRADE, done, last_qty=qty, last_price=price, cum_qty=cum)

    async def working_orders(self) -> Sequence[VenueOrder]:
        if self.fail_list is not None:
            raise self.fail_list
        return list(self.listed)

    def control(self, command: VenueControl) -> str:
        self.controls.append(command)
        return "" if command.action == "pause" else f"“{command.action}” is not possible."

    async def stop(self) -> None:
        pass


class Bench:
    """One engine on scripted venues and one client of it, on the running loop."""

    def __init__(self, home: Path, *venues: Venue, config: EngineConfig | None = None, **more: Any):
        self.venues = venues or (ScriptedVenue(),)
        self.engine = Engine(config or load_config(None, home), self.venues, home, **more)
        self.client: EngineClient

    @property
    def venue(self) -> ScriptedVenue:
        venue = self.venues[0]
        assert isinstance(venue, ScriptedVenue)
        return venue

    async def __aenter__(self) -> Bench:
        await self.engine.start()
        self.client = self.engine.client("tester")
        self.client.connect()
        assert await self.until(lambda: self.client.connected)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.client.close()
        await self.engine.stop()

    async def until(self, done: Callable[[], object], seconds: float = 5.0) -> bool:
        deadline = time.monotonic() + seconds
        while True:
            self.client.poll()
            if done():
                return True
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.002)

    def send(self, command: Command) -> None:
        assert self.client.send(command) == ""

    def status(self, name: str) -> OrdStatus | None:
        order = self.client.stores.orders.get(name)
        return None if order is None else order.status

    def notices(self) -> str:
        return "\n".join(n.text for n in self.client.stores.notices)


def order(
    side: Side = Side.BUY, qty: int = 10, price: int = 10_000, name: str = "", **more: Any
) -> NewOrder:
    return NewOrder(
        name or IDS.next(),
        "PAPER-1",
        more.pop("instrument", "ABC.V"),
        side,
        more.pop("ord_type", OrdType.LIMIT),
        qty,
        price,
        tif=more.pop("tif", TimeInForce.GTC),
        ts=time.time_ns(),
        **more,
    )
