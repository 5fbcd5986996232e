"""Orders through the whole engine: by decile of many, at once, without a pause, and all killed.

The venue answers at once and from within `send`, so that all the time measured is the engine's.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import uvloop

from core.journal.journal import Durability
from core.model.commands import CancelOrder, Kill, NewOrder, SetTradingState, VenueControl
from core.model.enums import (
    ExecType,
    LinkState,
    MarketStatus,
    Mode,
    OrdStatus,
    OrdType,
    Side,
    TimeInForce,
    TradingState,
)
from core.model.events import ExecutionReport, LinkUpdate, VenueOrder
from core.model.instruments import Instrument
from core.model.market import Quote, StatusUpdate
from core.model.orders import Order, OrderUpdate
from core.model.requests import VenueCancel, VenueNew, VenueRequest
from core.services.config import parse_config
from core.services.engine import Engine
from core.venues.venue import EventSink, MarketSink
from tests.bench.table import Row

RUNS = 5
DURABILITIES: tuple[Durability, ...] = ("process", "power")
WORDS = {"process": "not waiting for the disk", "power": "once it is on the disk"}
BURST = 500
RESTING = 200
UNDER_WAY = 200

CONFIG = """
durability = "%s"
snapshot_every = 100000000
[[accounts]]
id = "BENCH"
cash = { USD = 1000000000 }
[[limits]]
name = "max_order_rate"
value = 100000000
[[limits]]
name = "max_change_rate"
value = 100000000
[[limits]]
name = "max_duplicates"
value = 100000000
[[limits]]
name = "max_open_orders"
value = 1000000
[[limits]]
name = "stale_after"
value = 3600
"""


class AtOnce:
    """A venue of one instrument. Orders at 10,001 and above are filled, those below rest.

    Attributes:
        new, canceled: when orders and cancels came, by order (`perf_counter_ns`).
    """

    name = "X"
    mode = Mode.PAPER

    def __init__(self) -> None:
        self.new: dict[str, int] = {}
        self.canceled: dict[str, int] = {}
        self._count = 0
        self._resting: dict[str, Order] = {}
        self._events: EventSink
        self._market: MarketSink

    def instruments(self) -> Sequence[Instrument]:
        return (Instrument("B.X", "B", "X", Decimal("0.01"), Decimal(1), "USD"),)

    def resume(self, working: Sequence[Order], marks: Mapping[str, int]) -> None:
        """Nothing is kept."""

    async def start(self, market: MarketSink, events: EventSink) -> None:
        self._market, self._events = market, events
        events(LinkUpdate("X", time.time_ns(), LinkState.UP, "Bench."))
        now = time.time_ns()
        market(StatusUpdate("B.X", now, now, MarketStatus.OPEN))
        market(Quote("B.X", now, now, 9_999, 10_000, 10_001, 10_000))

    def send(self, request: VenueRequest) -> None:
        order = request.order
        if isinstance(request, VenueNew):
            self.new[order.cl_ord_id] = time.perf_counter_ns()
            self._say(order, ExecType.NEW, OrdStatus.NEW)
            if order.side is Side.BUY and order.price < 10_001:
                self._resting[order.cl_ord_id] = order
            else:
                self._say(order, ExecType.TRADE, OrdStatus.FILLED, qty=order.qty)
        elif isinstance(request, VenueCancel):
            self.canceled[order.cl_ord_id] = time.perf_counter_ns()
            self._resting.pop(order.cl_ord_id, None)
            self._say(order, ExecType.CANCELED, OrdStatus.CANCELED, request.request)

    async def working_orders(self) -> Sequence[VenueOrder]:
        return ()

    def control(self, command: VenueControl) -> str:
        return "This venue cannot be steered."

    async def stop(self) -> None:
        """Nothing runs."""

    def _say(
        self, order: Order, kind: ExecType, status: OrdStatus, request: str = "", qty: int = 0
    ) -> None:
        self._count += 1
        now = time.time_ns()
        self._events(
            ExecutionReport(
                "X", now, now, order.cl_ord_id, kind, status, order.cl_ord_id, f"x{self._count}",
                request or order.cl_ord_id, order.instrument, order.side, order.qty, order.price,
                qty, 10_000 if qty else 0, qty, currency="USD",
            )
        )  # fmt: skip


def rows(quick: bool = False) -> Iterator[Row]:
    """All figures; `quick` takes fewer orders."""
    count = 6_000 if quick else 100_000
    yield from _decile_rows(uvloop.run(_deciles(count)), count)
    runs = 3 if quick else RUNS
    for durability in DURABILITIES:
        word = WORDS[durability]
        total = 3_000 if quick else 20_000
        rates = [uvloop.run(_sustained(total, durability)) for _ in range(runs)]
        yield _row(f"orders sustained, {word}", rates, "orders/s", 5_000, None, higher=True)
        bursts = uvloop.run(_bursts(10 if quick else 100, durability))
        name = f"{BURST} orders at once until the last is at its venue, {word}"
        yield _row(f"{name}, p50", [statistics.median(bursts)], "ms", 50, 250)
        yield _row(f"{name}, p99", [_quantile(bursts, 0.99)], "ms", 100, 250)
        kills = uvloop.run(_kills(5 if quick else 30, durability))
        name = f"kill with {RESTING} orders at rest until the last cancel is sent, {word}"
        yield _row(f"{name}, p50", [statistics.median(kills)], "ms", 25, 250)
        yield _row(f"{name}, p99", [_quantile(kills, 0.99)], "ms", 50, 250)


def _decile_rows(found: dict[str, list[list[float]]], count: int) -> Iterator[Row]:
    for what, deciles in found.items():
        middles = [statistics.median(decile) for decile in deciles]
        name = f"{what} in the engine, {count:,} orders"
        yield _row(f"{name}: deciles' medians", middles, "us", 100, 200)
        late = [value for decile in deciles for value in decile]
        yield _row(f"{name}: p99", [_quantile(late, 0.99)], "us", 300, None)
        yield _row(
            f"{name}: last decile beside the first", [middles[-1] / middles[0]], "x", 1.1, 1.3
        )


@contextlib.asynccontextmanager
async def _engine(durability: Durability) -> AsyncIterator[tuple[Engine, AtOnce]]:
    venue = AtOnce()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)  # as `core.services.engine_main` does, and the collector too
    with tempfile.TemporaryDirectory(dir=".") as home:
        engine = Engine(parse_config(CONFIG % durability, "bench"), (venue,), Path(home))
        await engine.start()
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        try:
            yield engine, venue
        finally:
            gc.unfreeze()
            sys.setswitchinterval(interval)
            await engine.stop()


def _order(name: str, number: int, price: int = 0) -> NewOrder:
    """Round trips and flips: long, flat, short, long, by sizes that do not match."""
    side = Side.BUY if price or (number // 3) % 2 == 0 else Side.SELL
    return NewOrder(
        name, "BENCH", "B.X", side, OrdType.LIMIT, 1 + number % 5,
        price or (10_001 if side is Side.BUY else 9_999), tif=TimeInForce.GTC,
        confirmed=("SELF_TRADE",),
    )  # fmt: skip


async def _deciles(count: int) -> dict[str, list[list[float]]]:
    """Microseconds by decile: each order one at a time; of three, two trade, one is canceled."""
    done: dict[str, dict[str, int]] = {"accepted": {}, "filled": {}, "canceled": {}}
    words = {ExecType.NEW: "accepted", ExecType.TRADE: "filled", ExecType.CANCELED: "canceled"}
    clock = time.perf_counter_ns

    def on_update(update: OrderUpdate) -> None:
        word = words.get(update.exec_type)
        if word is not None:
            done[word][update.order.cl_ord_id] = clock()

    taken: dict[str, list[list[float]]] = {
        name: [[] for _ in range(10)]
        for name in ("submit -> accepted", "submit -> filled", "cancel -> canceled")
    }
    async with _engine("process") as (engine, venue):
        engine.bus.subscribe(OrderUpdate, on_update)
        for number in range(count):
            name = f"D-{number}"
            decile = number * 10 // count
            rests = number % 3 == 2
            began = clock()
            engine.submit(_order(name, number, 9_000 if rests else 0))
            taken["submit -> accepted"][decile].append((done["accepted"].pop(name) - began) / 1e3)
            if rests:
                began = clock()
                engine.submit(CancelOrder(f"C-{number}", name))
                ended = done["canceled"].pop(name)
                taken["cancel -> canceled"][decile].append((ended - began) / 1e3)
            else:
                taken["submit -> filled"][decile].append((done["filled"].pop(name) - began) / 1e3)
            if number % 20 == 0:
                await asyncio.sleep(0)
            venue.new.clear()
            venue.canceled.clear()
    return taken


async def _sustained(count: int, durability: Durability) -> float:
    """Orders a second, each on the wire and filled, with not more than some under way."""
    async with _engine(durability) as (engine, venue):
        began = time.perf_counter()
        for number in range(count):
            engine.submit(_order(f"S-{number}", number))
            if number % 10 == 0:
                await asyncio.sleep(0)
                await _until(lambda sent=number: sent - len(venue.new) < UNDER_WAY)
        await _until(lambda: len(venue.new) == count)
        return count / (time.perf_counter() - began)


async def _bursts(count: int, durability: Durability) -> list[float]:
    """Milliseconds from the first of many orders to the last being handed to its venue."""
    taken = []
    async with _engine(durability) as (engine, venue):
        for burst in range(count):
            orders = [_order(f"B-{burst}-{n}", n) for n in range(BURST)]
            venue.new.clear()
            began = time.perf_counter_ns()
            for order in orders:
                engine.submit(order)
            await _until(lambda: len(venue.new) == BURST)
            taken.append((max(venue.new.values()) - began) / 1e6)
            await asyncio.sleep(0.005)
    return taken


async def _kills(count: int, durability: Durability) -> list[float]:
    """Milliseconds from the kill to the last cancel being handed to its venue."""
    taken = []
    async with _engine(durability) as (engine, venue):
        for kill in range(count):
            venue.new.clear()
            venue.canceled.clear()
            for n in range(RESTING):
                engine.submit(_order(f"K-{kill}-{n}", n, 9_000))
            await _until(lambda: len(venue.new) == RESTING)
            await asyncio.sleep(0.02)  # the answers are on record too
            began = time.perf_counter_ns()
            engine.submit(Kill(f"K-{kill}", 2, reason="bench"))
            await _until(lambda: len(venue.canceled) == RESTING)
            taken.append((max(venue.canceled.values()) - began) / 1e6)
            engine.submit(
                SetTradingState(f"A-{kill}", "BENCH", TradingState.ACTIVE, "the bench goes on")
            )
            await asyncio.sleep(0.01)
    return taken


async def _until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not true():
        if time.monotonic() > end:
            raise RuntimeError("waited a minute in vain")
        await asyncio.sleep(0)


def _quantile(values: Sequence[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def _row(
    name: str,
    values: Sequence[float],
    unit: str,
    goal: float | None,
    must: float | None,
    *,
    higher: bool = False,
) -> Row:
    return {
        "name": name,
        "value": statistics.median(values),
        "spread": (min(values), max(values)) if len(values) > 1 else None,
        "unit": unit,
        "goal": goal,
        "must": must,
        "better": "higher" if higher else "lower",
    }
