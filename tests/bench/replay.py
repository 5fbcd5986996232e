"""Replay: opening a recorded day of a busy market, playing it flat out, and moving in it."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from core.model.enums import OrdStatus, OrdType, Side, Source, TimeInForce
from core.model.market import MarketData, Quote
from core.model.orders import Order
from core.model.requests import VenueNew
from core.venues.replay.recording import Recording, open_recording
from core.venues.replay.venue import AS_FAST_AS_POSSIBLE, ReplayVenue
from tests.bench.table import Row

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
BINANCE = DATA / "binance" / "spot_btcusdt_20240809.gz"
EQUITY = DATA / "us_equity_ticks" / "20131007_quote.zip"


def rows(quick: bool = False) -> Iterable[Row]:
    """The figures; none where the recorded files are not here."""
    if not BINANCE.is_file() or not EQUITY.is_file():
        print(f"replay: the recorded files are not here: {BINANCE}", file=sys.stderr)
        return
    runs = 3 if quick else 5
    yield row("replay: open 58,325 raw lines", [opened(BINANCE) for _ in range(runs)], "s", 1.5, 3)
    yield row("replay: open 133,360 equity rows", [opened(EQUITY) for _ in range(runs)], "s", 2, 3)
    recording = open_recording(BINANCE)
    yield row("replay: first price after opening", first_prices(recording, runs), "ms", 10, 50)
    yield row("replay: seek", seeks(recording, 20), "ms", 100, 200)
    for orders, goal in ((0, 50_000), (100, 20_000)):
        name = f"replay: play flat out, {orders} orders resting"
        rates = [asyncio.run(played(recording, orders)) for _ in range(runs)]
        yield row(name, rates, "messages/s", goal, 10_000, "higher")


def row(name: str, values: list[float], unit: str, goal: float, must: float, better="lower") -> Row:
    return {
        "name": name,
        "value": statistics.median(values),
        "spread": (min(values), max(values)),
        "unit": unit,
        "goal": goal,
        "must": must,
        "better": better,
    }


def opened(path: Path) -> float:
    begin = time.perf_counter()
    open_recording(path)
    return time.perf_counter() - begin


def first_prices(recording: Recording, runs: int) -> list[float]:
    async def one() -> float:
        seen = asyncio.Event()

        def market(message: MarketData) -> None:
            if isinstance(message, Quote):
                seen.set()

        begin = time.perf_counter()
        venue = ReplayVenue(recording)
        await venue.start(market, lambda event: None)
        await seen.wait()
        took = time.perf_counter() - begin
        await venue.stop()
        return took * 1000

    return [asyncio.run(one()) for _ in range(runs)]


def seeks(recording: Recording, count: int) -> list[float]:
    """What a seek holds up the loop for: looking up the book, the trades and the last quote."""
    found = []
    for number in range(count):
        at = recording.start + (recording.end - recording.start) * number // count
        begin = time.perf_counter()
        index = recording.log.index_at(at)
        recording.books_at(index)
        recording.history_before(0, index)
        recording.log.last_quote(0, index)
        found.append((time.perf_counter() - begin) * 1000)
    return found


async def played(recording: Recording, orders: int) -> float:
    """Messages a second, with orders at as many prices around the market."""
    count = 0

    def market(message: MarketData) -> None:
        nonlocal count
        count += 1

    venue = ReplayVenue(recording, speed=AS_FAST_AS_POSSIBLE, start=recording.start + 10**9)
    quote = recording.log.last_quote(0, recording.log.index_at(recording.start + 10**9))
    assert quote is not None
    begin = time.perf_counter()
    await venue.start(market, lambda event: None)
    for number in range(orders):
        side = Side.BUY if number % 2 else Side.SELL
        away = 20_000 + number * 10
        price = quote.bid - away if side is Side.BUY else quote.ask + away
        venue.send(VenueNew(order(f"o{number}", recording, side, price)))
    while not venue.ended:
        await asyncio.sleep(0)
    took = time.perf_counter() - begin
    await venue.stop()
    return count / took


def order(name: str, recording: Recording, side: Side, price: int) -> Order:
    return Order(
        cl_ord_id=name,
        account="bench",
        instrument=recording.instruments[0].id,
        side=side,
        ord_type=OrdType.LIMIT,
        qty=1000,
        price=price,
        stop_price=0,
        tif=TimeInForce.GTC,
        post_only=False,
        reduce_only=False,
        source=Source.API,
        trader="",
        strategy="",
        status=OrdStatus.PENDING_NEW,
        created=0,
        updated=0,
    )
