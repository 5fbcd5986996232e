"""From a price to a strategy's order: engine, strategy's process, engine, risk gate, venue."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import uvloop

from core.model.enums import ExecType, OrdStatus
from core.model.requests import VenueNew, VenueRequest
from core.services.config import LimitConfig
from core.services.strategy_running import Bounds
from tests.bench.table import Row
from tests.core.services.strategy_rig import AUTO, Rig, on_quote

RUNS = 5
# One order for each price; the venue rejects it, so that nothing builds up.
SOURCE = on_quote("self.buy(1, quote.bid - 10)")


def rows(quick: bool = False) -> Iterator[Row]:
    """A price change until the order that a strategy in Auto makes of it leaves the engine."""
    prices = 100 if quick else 500
    with tempfile.TemporaryDirectory() as home:
        runs = uvloop.run(_measure(Path(home), prices))
    for name, share, goal, must in (("p50", 0.5, 0.5, 2.0), ("p99", 0.99, 1.0, 5.0)):
        found = sorted(run[int(share * (len(run) - 1))] for run in runs)
        yield {
            "name": f"price to order through a strategy's process: {name}",
            "value": found[len(found) // 2],
            "spread": (found[0], found[-1]),
            "unit": "ms",
            "goal": goal,
            "must": must,
            "better": "lower",
        }


async def _measure(home: Path, prices: int) -> list[list[float]]:
    limits = (LimitConfig("max_order_rate", Decimal(100_000)),)
    rig = Rig(home, {"mine": SOURCE}, bounds=Bounds(commands=100_000), limits=limits)
    came = asyncio.Event()
    at = 0.0

    def taken(request: VenueRequest) -> None:
        nonlocal at
        at = time.perf_counter()
        came.set()

    runs: list[list[float]] = []
    async with rig as r:
        await r.run("mine", AUTO)
        r.venue.answers = False
        r.venue.before_send = taken
        for _ in range(RUNS):
            times: list[float] = []
            for n in range(prices):
                came.clear()
                began = time.perf_counter()
                r.venue.quote(10_000 + n % 2, 10_002 + n % 2)
                await asyncio.wait_for(came.wait(), 5.0)
                times.append((at - began) * 1e3)
                request = r.venue.sent.pop()
                if isinstance(request, VenueNew):
                    r.venue.report(request.order, ExecType.REJECTED, OrdStatus.REJECTED)
                await asyncio.sleep(0.002)
            runs.append(sorted(times))
    return runs
