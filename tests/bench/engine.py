"""The engine: publishing inside it, an order's way through it, and from tick to wire."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import uvloop

from core.bus.endpoint import TOKEN_VARIABLE, new_token
from core.bus.local import LocalBus
from core.journal.journal import Durability
from core.model.commands import CancelOrder, NewOrder
from core.model.enums import ExecType, OrdType, Side, TimeInForce
from core.model.ids import IdMaker
from core.model.market import Quote
from core.model.orders import OrderUpdate
from core.model.requests import VenueNew, VenueRequest
from core.services.config import parse_config
from core.services.engine import Engine
from core.venues.simulated.universe import default_market
from core.venues.simulated.venue import SimulatedVenue
from tests.bench.machine import machine_rows
from tests.bench.table import Row

RUNS = 5
DURABILITIES: tuple[Durability, ...] = ("process", "power")
WORDS = {"process": "not waiting for the disk", "power": "once it is on the disk"}
P999_MS = {"process": 1.0, "power": 5.0}

_CONFIG = """
durability = "%s"
[[accounts]]
id = "BENCH"
cash = { USD = 1000000 }
[[limits]]
name = "max_order_rate"
value = 10000000
[[limits]]
name = "max_open_orders"
value = 1000000
[[limits]]
name = "stale_after"
value = 600
[[limits]]
name = "price_collar"
value = 90
"""


def rows(quick: bool = False) -> Iterator[Row]:
    """All figures; `quick` takes fewer orders and shorter runs."""
    runs = 3 if quick else RUNS
    rates = [_publish_rate(200_000 if quick else 1_000_000) for _ in range(runs)]
    yield _row("publish inside a process, one handler", rates, "M/s", 3.0, 3.0, higher=True)
    count = 2_000 if quick else 20_000
    accepted = [uvloop.run(_accepted(count, "process")) for _ in range(runs)]
    for index, (name, goal, must) in enumerate(
        (("p50", 20.0, None), ("p99", 100.0, None), ("p99.9", 500.0, None))
    ):
        values = [run[index] for run in accepted]
        yield _row(f"submit -> accepted in the engine, {name}", values, "us", goal, must)
    yield from _submit_rows(min(count, 5_000), runs)
    yield from machine_rows(2.0 if quick else 4.0, runs)
    for durability in DURABILITIES:
        with TickToWire(durability) as wire:
            wire.measure(1.0)
            measured = [wire.measure(2.0 if quick else 4.0) for _ in range(runs)]
        yield from wire_rows(
            f"tick -> order on the wire at 5,000 ticks/s, {WORDS[durability]}", measured, durability
        )


def _submit_rows(count: int, runs: int) -> Iterator[Row]:
    """From an order's arrival in the engine until its venue has it, one order after the other."""
    for durability in DURABILITIES:
        wired = [uvloop.run(_wired(count, durability)) for _ in range(runs)]
        limit = P999_MS[durability]
        for index, name in enumerate(("p50", "p99", "p99.9")):
            values = [run[index] for run in wired]
            yield _row(
                f"submit -> on the wire, {WORDS[durability]}, {name}",
                values,
                "ms",
                limit if name == "p99.9" else None,
                None,
            )


def wire_rows(
    name: str, measured: list[dict[str, float]], durability: Durability = "power"
) -> Iterator[Row]:
    """Rows of several `TickToWire.measure`, in ms."""
    limit = P999_MS[durability]
    for key, goal, must in (
        ("p50", None, None),
        ("p99", None, None),
        ("p99.9", limit, 5.0 * limit),
        ("max", None, None),
    ):
        yield _row(f"{name}, {key}", [m[key] for m in measured], "ms", goal, must)


class TickToWire:
    """An exchange process and an engine process that answers its ticks; see `tests.bench.wire`.

    Attributes:
        endpoint, token: of the engine, for a terminal that is to look on meanwhile.
    """

    def __init__(self, durability: Durability = "power") -> None:
        self._durability = durability

    def __enter__(self) -> TickToWire:
        self.token = new_token()
        self._folder = tempfile.TemporaryDirectory()
        self._exchange = self._start("exchange")
        where = _line(self._exchange)
        self._engine = self._start("engine", where, self._durability)
        self.endpoint = _line(self._engine)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in (self._engine, self._exchange):
            process.communicate(timeout=20)
        self._folder.cleanup()

    def measure(self, seconds: float) -> dict[str, float]:
        """Run the ticks for a while: ``p50 p99 p99.9 max`` in ms and ``orders``, their number."""
        assert self._exchange.stdin is not None
        self._exchange.stdin.write(f"run {seconds}\n")
        self._exchange.stdin.flush()
        taken = np.array(json.loads(_line(self._exchange))) / 1e6
        if len(taken) < 10:
            raise RuntimeError(f"only {len(taken)} ticks were answered")
        p50, p99, p999 = (float(x) for x in np.percentile(taken, [50, 99, 99.9]))
        return {
            "p50": p50, "p99": p99, "p99.9": p999, "max": float(taken.max()), "orders": len(taken),
        }  # fmt: skip

    def _start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.bench.wire", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, TOKEN_VARIABLE: self.token},
            text=True,
        )


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line:
        raise RuntimeError("a process of the bench ended; its errors stand above")
    return line


def _publish_rate(count: int) -> float:
    """Million publishes a second to one handler."""
    seen = 0

    def handler(quote: Quote) -> None:
        nonlocal seen
        seen += 1

    bus = LocalBus(lambda handler, message, error: None)
    bus.subscribe(Quote, handler)
    quote = Quote("A.X", 1, 2, 3, 4, 5, 6)
    publish = bus.publish
    began = time.perf_counter()
    for _ in range(count):
        publish(quote)
    elapsed = time.perf_counter() - began
    if seen != count:
        raise RuntimeError(f"{seen} of {count} messages arrived")
    return count / elapsed / 1e6


async def _accepted(count: int, durability: Durability) -> list[float]:
    """p50, p99, p99.9 in us from submitting an order until the simulated venue's acceptance was
    journaled, applied and published; each order is cancelled before the next."""
    listings = default_market(7, 2)[0].listings
    venue = SimulatedVenue("ALPHA", listings, seed=7, latency=0, halts_a_day=0.0)
    with tempfile.TemporaryDirectory() as home:
        engine = Engine(parse_config(_CONFIG % durability, "bench"), (venue,), Path(home))
        await engine.start()
        thresholds = gc.get_threshold()
        try:
            return await _submit(engine, listings[0].instrument.id, count)
        finally:
            gc.set_threshold(*thresholds)
            await engine.stop()
            gc.unfreeze()


async def _submit(engine: Engine, instrument: str, count: int) -> list[float]:
    began: dict[str, int] = {}
    taken: list[int] = []
    done = asyncio.Event()

    def on_update(update: OrderUpdate) -> None:
        if update.exec_type is ExecType.NEW:
            taken.append(time.perf_counter_ns() - began[update.order.cl_ord_id])
        elif update.order.status.terminal:
            done.set()

    engine.bus.subscribe(OrderUpdate, on_update)
    ids = IdMaker("B")
    while engine.cache.markets[instrument].quote.bid == 0:
        await asyncio.sleep(0.01)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # as `core.services.engine_main` does
    for number in range(count):
        price = engine.cache.markets[instrument].quote.bid - 500 - number % 50
        name = ids.next()
        order = NewOrder(
            name, "BENCH", instrument, Side.BUY, OrdType.LIMIT, 1 + number % 9, price,
            tif=TimeInForce.GTC,
        )  # fmt: skip
        began[name] = time.perf_counter_ns()
        engine.submit(order)
        while len(taken) <= number:
            await asyncio.sleep(0)
        done.clear()
        engine.submit(CancelOrder(ids.next(), name))
        await done.wait()
    return [float(x) / 1e3 for x in np.percentile(np.array(taken), [50, 99, 99.9])]


async def _wired(count: int, durability: Durability) -> list[float]:
    """p50, p99, p99.9 in ms from submitting an order until it is handed to its venue, which it is
    once its record is as durable as the setting asks for."""
    listings = default_market(7, 2)[0].listings
    venue = SimulatedVenue("ALPHA", listings, seed=7, latency=0, halts_a_day=0.0)
    instrument = listings[0].instrument.id
    taken: list[int] = []
    began = 0
    wire = asyncio.Event()
    send = venue.send

    def timed(request: VenueRequest) -> None:
        if isinstance(request, VenueNew):
            taken.append(time.perf_counter_ns() - began)
            wire.set()
        send(request)

    venue.send = timed  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as home:
        engine = Engine(parse_config(_CONFIG % durability, "bench"), (venue,), Path(home))
        await engine.start()
        try:
            ids = IdMaker("W")
            while engine.cache.markets[instrument].quote.bid == 0:
                await asyncio.sleep(0.01)
            gc.collect()
            gc.freeze()
            for _ in range(count):
                price = engine.cache.markets[instrument].quote.bid - 500
                order = NewOrder(
                    ids.next(), "BENCH", instrument, Side.BUY, OrdType.LIMIT, 1, price,
                    tif=TimeInForce.IOC,
                )  # fmt: skip
                wire.clear()
                began = time.perf_counter_ns()
                engine.submit(order)
                await wire.wait()
                await asyncio.sleep(0)
        finally:
            await engine.stop()
            gc.unfreeze()
    return [float(x) / 1e6 for x in np.percentile(np.array(taken), [50, 99, 99.9])]


def _row(
    name: str,
    values: list[float],
    unit: str,
    goal: float | None,
    must: float | None,
    higher: bool = False,
) -> Row:
    made: dict[str, Any] = {
        "name": name,
        "value": statistics.median(values),
        "spread": (min(values), max(values)),
        "unit": unit,
        "goal": goal,
        "must": must,
        "better": "higher" if higher else "lower",
    }
    return Row(**made)
