"""An exchange in a process of its own that keeps the truth: what came in, what was filled.

Run as ``python -m tests.faults.exchange``; it prints its endpoint, then answers each line of JSON
on its input with one on its output (see `Exchange.asked`), and ends with its input. The token is
in the environment. `tests.faults.rig.Venue` starts and asks it.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import uvloop

from core.bus.endpoint import TOKEN_VARIABLE
from core.model.commands import VenueControl
from core.model.enums import (
    ExecType,
    LinkState,
    Liquidity,
    MarketStatus,
    Mode,
    OrdStatus,
    OrdType,
    Side,
    TimeInForce,
)
from core.model.events import CancelReject, ExecutionReport, LinkUpdate, VenueOrder
from core.model.instruments import Instrument
from core.model.market import Quote, StatusUpdate, Trade
from core.model.orders import Order
from core.model.requests import VenueCancel, VenueNew, VenueReplace, VenueRequest
from core.venues.remote.host import VenueHost
from core.venues.venue import EventSink, MarketSink

NAME = "X"
MIDDLE = 10_000
FEE = Decimal("0.01")  # a lot


def instruments() -> list[Instrument]:
    """What it lists."""
    return [
        Instrument(f"E{n}.{NAME}", f"E{n}", NAME, Decimal("0.01"), Decimal(1), "USD")
        for n in range(4)
    ]


class Own:
    """An order that was taken in."""

    def __init__(self, order: Order, order_id: str) -> None:
        self.order = order
        self.order_id = order_id
        self.qty, self.price = order.qty, order.price
        self.cum = 0
        self.status = OrdStatus.NEW


class Exchange:
    """Orders that cross the market are filled in pieces, others rest until it comes to them.

    It takes each client order id once and counts how often each came.
    """

    name = NAME
    mode = Mode.PAPER

    def __init__(self, seed: int = 1) -> None:
        self._rng = random.Random(seed)
        self._mids = {i.id: MIDDLE for i in instruments()}
        self._steps = {i.id: i.tick * i.lot for i in instruments()}
        self._rate = 0.0
        self._fills = True
        self._mute = False
        self._count = 0
        self.arrivals: Counter[str] = Counter()
        self.orders: dict[str, Own] = {}
        self.working: dict[str, Own] = {}
        self.executions: dict[str, tuple[str, int, int, int]] = {}
        self.positions: Counter[str] = Counter()
        self.cash: dict[str, Decimal] = {}
        self.market: MarketSink
        self.events: EventSink

    # -- what the engine's side asks ----------------------------------------------------------

    def instruments(self) -> Sequence[Instrument]:
        return instruments()

    def resume(self, working: Sequence[Order], marks: Mapping[str, int]) -> None:
        """It keeps its own state."""

    async def start(self, market: MarketSink, events: EventSink) -> None:
        self.market, self.events = market, events
        events(LinkUpdate(NAME, time.time_ns(), LinkState.UP, "The exchange is open."))
        now = time.time_ns()
        for name in self._mids:
            market(StatusUpdate(name, now, now, MarketStatus.OPEN))
            self._quote(name)
        self._walker = asyncio.create_task(self._walk())

    async def stop(self) -> None:
        self._walker.cancel()

    def control(self, command: VenueControl) -> str:
        return "This exchange cannot be steered."

    async def working_orders(self) -> Sequence[VenueOrder]:
        return [
            VenueOrder(
                name, own.order_id, own.order.instrument, own.order.side, own.qty, own.price,
                own.cum,
            )
            for name, own in self.orders.items()
            if not own.status.terminal
        ]  # fmt: skip

    def send(self, request: VenueRequest) -> None:
        if isinstance(request, VenueNew):
            self.arrivals[request.order.cl_ord_id] += 1
            if request.order.cl_ord_id not in self.orders:
                self._new(request.order)
        elif isinstance(request, VenueCancel):
            self._cancel(request)
        else:
            self._replace(request)

    # -- orders -------------------------------------------------------------------------------

    def _new(self, order: Order) -> None:
        self._count += 1
        own = Own(order, f"o{self._count}")
        self.orders[order.cl_ord_id] = self.working[order.cl_ord_id] = own
        self._say(own, ExecType.NEW)
        self._match(own, arriving=True)
        if not own.status.terminal and (
            order.ord_type is OrdType.MARKET or order.tif in (TimeInForce.IOC, TimeInForce.FOK)
        ):
            self._end(own, order.cl_ord_id)

    def _cancel(self, request: VenueCancel) -> None:
        own = self.orders.get(request.order.cl_ord_id)
        if own is None or own.status.terminal:
            self._refuse(request, own)
        else:
            self._end(own, request.request)

    def _replace(self, request: VenueReplace) -> None:
        own = self.orders.get(request.order.cl_ord_id)
        if own is None or own.status.terminal or request.qty <= own.cum:
            self._refuse(request, own)
            return
        own.qty, own.price = request.qty, request.price
        self._say(own, ExecType.REPLACED, request.request)
        self._match(own)

    def _end(self, own: Own, request: str) -> None:
        own.status = OrdStatus.CANCELED
        self.working.pop(own.order.cl_ord_id, None)
        self._say(own, ExecType.CANCELED, request)

    def _refuse(self, request: VenueCancel | VenueReplace, own: Own | None) -> None:
        now = time.time_ns()
        status = OrdStatus.REJECTED if own is None else own.status
        self.events(
            CancelReject(
                NAME, now, now, request.order.cl_ord_id, request.request, status,
                isinstance(request, VenueReplace), "Too late.",
            )
        )  # fmt: skip

    def _match(self, own: Own, arriving: bool = False) -> None:
        """Fill what crosses the market: an arriving order in one or two pieces, others in some."""
        order = own.order
        mid = self._mids[order.instrument]
        market = mid + 1 if order.side is Side.BUY else mid - 1
        price = market if order.ord_type is OrdType.MARKET else own.price
        if not self._fills or (market - price) * order.side.sign > 0:
            return
        leaves = own.qty - own.cum
        if arriving and leaves > 1:
            first = self._rng.randint(1, leaves)
            pieces = [first, leaves - first]
        else:
            pieces = [leaves if arriving else self._rng.randint(1, leaves)]
        for piece in pieces:
            if piece:
                self._fill(own, piece, market if arriving else price)

    def _fill(self, own: Own, qty: int, price: int) -> None:
        order = own.order
        sign = order.side.sign
        own.cum += qty
        own.status = OrdStatus.FILLED if own.cum == own.qty else OrdStatus.PARTIALLY_FILLED
        if own.status.terminal:
            self.working.pop(order.cl_ord_id, None)
        exec_id = f"f-{len(self.executions) + 1}"
        self.executions[exec_id] = (order.cl_ord_id, sign, qty, price)
        fee = FEE * qty
        self.positions[f"{order.account} {order.instrument}"] += sign * qty
        paid = self._steps[order.instrument] * sign * qty * price + fee
        self.cash[order.account] = self.cash.get(order.account, Decimal(0)) - paid
        self._say(own, ExecType.TRADE, exec_id=exec_id, qty=qty, price=price, fee=fee)

    def _say(
        self,
        own: Own,
        kind: ExecType,
        request: str = "",
        exec_id: str = "",
        qty: int = 0,
        price: int = 0,
        fee: Decimal = Decimal(0),
    ) -> None:
        if self._mute:
            return
        now = time.time_ns()
        order = own.order
        self._count += 1
        self.events(
            ExecutionReport(
                NAME, now, now, order.cl_ord_id, kind, own.status, own.order_id,
                exec_id or f"e-{self._count}", request or order.cl_ord_id, order.instrument,
                order.side, own.qty, own.price, own.cum, price, qty, fee, "USD",
                Liquidity.REMOVED if qty else Liquidity.UNKNOWN, account=order.account,
            )
        )  # fmt: skip

    # -- the market ---------------------------------------------------------------------------

    async def _walk(self) -> None:
        """Prices go at random `_rate` times a second, in bursts where the loop is late."""
        due = time.monotonic()
        while True:
            await asyncio.sleep(0.005)
            now = time.monotonic()
            if self._rate <= 0 or now - due > 1:
                due = now
            while self._rate > 0 and due < now:
                due += 1 / self._rate
                self.step()

    def step(self) -> None:
        """One quote or trade, and what rests there may be filled."""
        name = self._rng.choice(list(self._mids))
        self._mids[name] += self._rng.choice((-1, 0, 1)) - (self._mids[name] - MIDDLE) // 20
        self._quote(name)
        if self._rng.random() < 0.3:
            now = time.time_ns()
            price = self._mids[name] + self._rng.choice((-1, 1))
            self.market(Trade(name, now, now, price, self._rng.randint(1, 20), 1))
        for own in list(self.working.values())[-300:]:
            if own.order.instrument == name:
                self._match(own)

    def _quote(self, name: str) -> None:
        now = time.time_ns()
        mid = self._mids[name]
        self.market(Quote(name, now, now, mid - 1, 100, mid + 1, 100))

    # -- what a test asks ---------------------------------------------------------------------

    def asked(self, word: str, value: Any) -> Any:
        """``truth``: all of it. ``rate``: steps of the market a second. ``quote``: say all quotes.

        ``fills``: does anything trade? ``mute``: orders are taken in and nothing is said of them.
        ``forget``: cancel an order without a word. ``market``: hand this list of messages on.
        """
        if word == "truth":
            return {
                "twice": [name for name, count in self.arrivals.items() if count > 1],
                "arrived": list(self.arrivals),
                "executions": self.executions,
                "positions": {k: v for k, v in self.positions.items() if v},
                "cash": {k: str(v) for k, v in self.cash.items()},
                "orders": {
                    name: [own.status.name, own.qty, own.price, own.cum]
                    for name, own in self.orders.items()
                },
            }
        if word == "rate":
            self._rate = float(value)
        elif word == "quote":
            for name in self._mids:
                self._quote(name)
        elif word == "fills":
            self._fills = bool(value)
        elif word == "mute":
            self._mute = bool(value)
        elif word == "forget":
            self.orders[value].status = OrdStatus.CANCELED
            self.working.pop(value, None)
        elif word == "nonsense":
            for bid, ask, ts in value:
                now = time.time_ns()
                self.market(Quote(f"E0.{NAME}", now + ts, now, bid, 100, ask, 100))
        else:
            raise ValueError(f"nobody knows what “{word}” is")
        return "done"


async def main() -> None:
    """See the module."""
    venue = Exchange()
    host = VenueHost(venue, "tcp://127.0.0.1:*", os.environ[TOKEN_VARIABLE])
    await host.start()
    print(json.dumps(host.endpoint), flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        word, value = json.loads(line)
        print(json.dumps(venue.asked(word, value)), flush=True)
    await host.stop()


if __name__ == "__main__":
    uvloop.run(main())
