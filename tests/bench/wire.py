"""Processes for the tick-to-wire bench: an exchange that measures, and an engine that answers.

Run as ``python -m tests.bench.wire exchange`` or ``... engine ENDPOINT DURABILITY``;
`tests.bench.engine`
starts both. Latency is taken at the exchange alone, with one clock: from handing a tick to its
socket until the order that answers it has come out of its socket.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import uvloop
import zmq

from core.bus.endpoint import TOKEN_VARIABLE, default_endpoint
from core.model.commands import NewOrder, VenueControl
from core.model.enums import ExecType, LinkState, Mode, OrdStatus, OrdType, Side, TimeInForce
from core.model.events import ExecutionReport, LinkUpdate, VenueOrder
from core.model.ids import IdMaker
from core.model.instruments import Instrument
from core.model.market import BookUpdate, Quote, Trade
from core.model.orders import Order
from core.model.requests import VenueNew, VenueRequest
from core.services import affinity
from core.services.config import parse_config
from core.services.engine import Engine
from core.venues.remote import RemoteVenue, find
from core.venues.remote.host import VenueHost
from core.venues.venue import EventSink, MarketSink

INSTRUMENTS = 500
HOT = 4  # instruments that get most of the ticks: the charts
RATE = 5_000
MIDDLE = 100_000

CONFIG = """
durability = "%s"
[[accounts]]
id = "BENCH"
cash = { USD = 1000000 }
[[limits]]
name = "max_order_rate"
value = 1000000
[[limits]]
name = "max_open_orders"
value = 1000000
[[limits]]
name = "stale_after"
value = 60
"""


def instruments() -> list[Instrument]:
    """What the exchange lists."""
    return [
        Instrument(f"S{i:03d}.X", f"S{i:03d}", "X", Decimal("0.01"), Decimal(1), "USD")
        for i in range(INSTRUMENTS)
    ]


class Exchange:
    """Sends `RATE` ticks a second, one at a time, and times the orders that answer quotes.

    The price of a quote's bid is its number, so that an order's price says what it answers.
    """

    name = "X"
    mode = Mode.PAPER

    def __init__(self) -> None:
        self._names = [i.id for i in instruments()]
        self._rng = random.Random(5)
        self._sent: dict[int, int] = {}
        self._number = 0
        self.latencies: list[int] = []
        self.ticks = 0
        self.loop: asyncio.AbstractEventLoop
        self.market: MarketSink
        self.events: EventSink

    def instruments(self) -> Sequence[Instrument]:
        return instruments()

    def resume(self, working: Sequence[Order], marks: Mapping[str, int]) -> None:
        """Nothing is kept."""

    async def start(self, market: MarketSink, events: EventSink) -> None:
        self.market, self.events = market, events
        self.loop = asyncio.get_running_loop()
        events(LinkUpdate("X", time.time_ns(), LinkState.UP, "Bench exchange."))
        for number, name in enumerate(self._names):
            self._quote(name, MIDDLE - 1 - number % 7)

    def send(self, request: VenueRequest) -> None:
        arrived = time.perf_counter_ns()
        order = request.order
        if not isinstance(request, VenueNew):
            return
        began = self._sent.pop(order.price, None)
        if began is not None:
            self.latencies.append(arrived - began)
        self._say(order, ExecType.NEW, OrdStatus.NEW)
        self._say(order, ExecType.CANCELED, OrdStatus.CANCELED)

    async def working_orders(self) -> Sequence[VenueOrder]:
        return ()

    def control(self, command: VenueControl) -> str:
        return "This exchange cannot be steered."

    async def stop(self) -> None:
        """Nothing runs."""

    def tick(self) -> None:
        """The next message: of ten, six quotes, three trades, one change of depth."""
        rng = self._rng
        hot = rng.random() < 0.6
        name = self._names[rng.randrange(HOT) if hot else rng.randrange(INSTRUMENTS)]
        self.ticks += 1
        now = time.time_ns()
        kind = self.ticks % 10
        if kind < 6:
            self._number = (self._number + 1) % 4_000
            price = MIDDLE + self._number
            if name == self._names[0]:
                self._sent[price] = time.perf_counter_ns()
            self._quote(name, price)
        elif kind < 9:
            price = MIDDLE + rng.randrange(-50, 50)
            self.market(Trade(name, now, now, price, rng.randrange(1, 50), rng.randrange(1, 3)))
        else:
            levels = [
                (side, MIDDLE + (1 if side == 2 else -1) * rng.randrange(1, 60), rng.randrange(90))
                for side in (1, 2, 1, 2)
            ]
            self.market(BookUpdate(name, now, now, levels))

    def _quote(self, name: str, bid: int) -> None:
        now = time.time_ns()
        self.market(Quote(name, now, now, bid, 50, bid + 5, 50))

    def _say(self, order: Order, kind: ExecType, status: OrdStatus) -> None:
        now = time.time_ns()
        self.events(
            ExecutionReport(
                "X", now, now, order.cl_ord_id, kind, status, order.cl_ord_id,
                f"{order.cl_ord_id}{kind.value}", order.cl_ord_id, order.instrument, order.side,
                order.qty, order.price,
            )
        )  # fmt: skip


async def exchange() -> None:
    """Host the exchange; commands come as lines: ``run SECONDS`` answers with JSON, end of input
    ends."""
    venue = Exchange()
    with tempfile.TemporaryDirectory() as folder:
        host = VenueHost(venue, default_endpoint(Path(folder)), os.environ[TOKEN_VARIABLE])
        await host.start()
        print(host.endpoint, flush=True)
        gc.freeze()
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            seconds = float(line.split()[1])
            venue.latencies.clear()
            await _ticks(venue, seconds)
            print(json.dumps(venue.latencies), flush=True)
        await host.stop()


async def _ticks(venue: Exchange, seconds: float) -> None:
    """Ticks one by one at an even pace; a thread sleeps, since the loop's timers are too coarse."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def pace() -> None:
        due = time.perf_counter()
        end = due + seconds
        while due < end:
            due += 1 / RATE
            wait = due - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
            loop.call_soon_threadsafe(venue.tick)
        loop.call_soon_threadsafe(done.set)

    threading.Thread(target=pace, daemon=True).start()
    await done.wait()
    await asyncio.sleep(0.2)  # the last answers


async def engine(venue_endpoint: str, home: Path, durability: str) -> None:
    """An engine on that exchange that answers each quote of its first instrument with an order.

    It prints its own endpoint, for a terminal that looks on, and ends with its input."""
    sys.setswitchinterval(0.0005)  # as `core.services.engine_main` does
    token = os.environ[TOKEN_VARIABLE]
    description = await find(venue_endpoint, token)
    venue = RemoteVenue(description, venue_endpoint, token)
    it = Engine(parse_config(CONFIG % durability, "bench"), (venue,), home, token=token)
    it.listen(default_endpoint(home))
    ids = IdMaker("B")

    def answer(quote: Quote) -> None:
        it.submit(
            NewOrder(
                ids.next(), "BENCH", quote.instrument, Side.BUY, OrdType.LIMIT, 1, quote.bid,
                tif=TimeInForce.IOC, ts=quote.ts,
            )
        )  # fmt: skip

    def ready() -> None:
        it.bus.subscribe(Quote, answer, instruments()[0].id)
        print(it.endpoint, flush=True)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)

    async def end() -> None:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        it.request_stop("the bench is over")

    task = asyncio.ensure_future(end())
    await it.run(ready)
    await task


def main() -> None:
    """See the module."""
    if sys.argv[1] == "exchange":
        uvloop.run(exchange())
        return
    if (core := affinity.plan().engine) >= 0:
        # as in `core.services.engine_main`: ZeroMQ's own thread may run elsewhere
        zmq.Context.instance().socket(zmq.PAIR).close()
        affinity.pin((core,))
        affinity.urgent()
    with tempfile.TemporaryDirectory() as folder:
        uvloop.run(engine(sys.argv[2], Path(folder), sys.argv[3]))


if __name__ == "__main__":
    main()
