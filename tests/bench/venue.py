"""The simulated exchange: what its market costs, and how soon it shows a price."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from core.model.enums import OrdStatus, OrdType, Side, Source, TimeInForce
from core.model.market import Quote
from core.model.orders import Order
from core.model.requests import VenueCancel, VenueNew
from core.venues.simulated import SimulatedVenue, default_market
from tests.bench.table import Row

T0 = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
RUNS = 5


def rows(quick: bool = False) -> Iterator[Row]:
    """Market events on virtual time, start-up, and an order's way through the venue."""
    seconds = 2 if quick else 10
    costs = [_run(12, 1_500.0, seconds) for _ in range(RUNS)]
    yield _row("simulated market, 12 instruments: an event", costs, "us", 10, 20)
    busy = [_run(12, 50_000.0, max(1, seconds // 10)) for _ in range(RUNS)]
    yield _row("simulated market at 50,000/s: an event", busy, "us", 10, 20)
    rates = [1e6 / cost for cost in busy]
    yield _row("simulated market, one core", rates, "events/s", 100_000, 50_000, higher=True)
    for count in (12, 500):
        starts = [_first_price(count) for _ in range(RUNS)]
        yield _row(f"start to all first prices, {count} instruments", starts, "ms", 400, 1_000)
    trips = [_round_trip(200 if quick else 2_000) for _ in range(RUNS)]
    yield _row("order and cancel through the venue, no latency: both", trips, "us", 30, 60)


def _run(instruments: int, rate: float, seconds: int) -> float:
    """Microseconds of work for an event of the market, publishing included."""
    venues = default_market(7, instruments, rate=rate)
    _open(venues, _nothing)
    before = sum(venue.happened for venue in venues)
    began = time.perf_counter()
    for venue in venues:
        venue.advance(T0 + seconds * SECOND)
    elapsed = time.perf_counter() - began
    return elapsed * 1e6 / (sum(venue.happened for venue in venues) - before)


def _first_price(instruments: int) -> float:
    """Milliseconds from nothing to the first quote of every instrument, past trades included."""
    quoted: set[str] = set()

    def take(message: Any) -> None:
        if isinstance(message, Quote):
            quoted.add(message.instrument)

    began = time.perf_counter()
    _open(default_market(7, instruments), take)
    elapsed = time.perf_counter() - began
    if len(quoted) != instruments:
        raise RuntimeError(f"{len(quoted)} of {instruments} instruments were quoted")
    return elapsed * 1e3


def _round_trip(count: int) -> float:
    """Microseconds for an order to be entered and reported, cancelled and reported."""
    reports: list[Any] = []
    venue = default_market(7, 2)[0]
    venue = SimulatedVenue("ALPHA", venue.listings, seed=7, latency=0)
    venue.open(_nothing, reports.append, T0)
    reports.clear()
    instrument = venue.listings[0].instrument.id
    orders = [
        Order(
            f"B-{n}", "A", instrument, Side.BUY, OrdType.LIMIT, 5, 100_000 + n % 50, 0,
            TimeInForce.GTC, False, False, Source.API, "", "", OrdStatus.PENDING_NEW, 0, 0,
        )
        for n in range(count)
    ]  # fmt: skip
    began = time.perf_counter()
    for order in orders:
        venue.send(VenueNew(order))
        venue.advance(venue.now)
        venue.send(VenueCancel(order, "C"))
        venue.advance(venue.now)
    elapsed = time.perf_counter() - began
    if len(reports) != 2 * count:
        raise RuntimeError(f"{count} orders and cancels had {len(reports)} answers")
    return elapsed * 1e6 / count


def _open(venues: list[SimulatedVenue], sink: Callable[[Any], None]) -> None:
    for venue in venues:
        venue.open(sink, _nothing, T0)


def _nothing(_: Any) -> None:
    pass


def _row(
    name: str, runs: list[float], unit: str, goal: float, must: float, *, higher: bool = False
) -> Row:
    return {
        "name": name,
        "value": statistics.median(runs),
        "spread": (min(runs), max(runs)),
        "unit": unit,
        "goal": goal,
        "must": must,
        "better": "higher" if higher else "lower",
    }
