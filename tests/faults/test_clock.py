"""The computer's clock is moved while the engine runs: no wait ends early, late or never.

The engine's process is made to see a wrong clock (`tests.faults.engine.move_clock`); that of the
exchange and of the desk stay right.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from decimal import Decimal

import pytest

from core.journal.reader import NO_END, replay
from core.model.commands import NewOrder, SetLimit
from core.model.enums import OrdStatus, OrdType, Side, TimeInForce
from core.model.session import Subscribe
from tests.faults.rig import ACCOUNT, LONG, Desk, Engine, Venue, agree, session

HOUR = 3_600.0
DAY = 24 * HOUR


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Venue, Engine, Desk]]:
    with session(tmp_path_factory.mktemp("clock")) as found:
        found[2].client.subscribe(Subscribe(quotes=("*",)))
        yield found


@pytest.mark.parametrize("jump", [HOUR, -DAY, *((-HOUR, DAY) if LONG else ())])
def test_the_clock_jumps(running: tuple[Venue, Engine, Desk], jump: float) -> None:
    venue, engine, desk = running
    desk.send(SetLimit(desk.ids.next(), "max_order_qty", Decimal(50), reason="tighter"))
    later = desk.ids.next()
    expires = time.time_ns() + 3_000_000_000
    desk.send(
        NewOrder(
            later, ACCOUNT, "E1.X", Side.BUY, OrdType.LIMIT, 5, 9_700, tif=TimeInForce.GTD,
            expire=expires, ts=time.time_ns(),
        )
    )  # fmt: skip
    desk.until(lambda: desk.status(later) is OrdStatus.NEW, "an order until a time")
    loosened = desk.ids.next()
    desk.send(SetLimit(loosened, "max_order_qty", Decimal(500), reason="looser"))

    def pending() -> bool:
        return any(
            use.name == "max_order_qty" and use.pending == 500 and use.limit == 50
            for use in desk.stores.limits
        )

    desk.until(pending, "a looser limit to wait")
    before = time.monotonic()
    reconnects = desk.client.reconnects
    engine.move_clock(jump)
    desk.until(
        lambda: any("clock was moved" in text for text in desk.notices()), "the jump to be told"
    )
    assert pending(), "the wait of 30 s ended with the jump"
    if time.time_ns() < expires - 1_000_000_000:
        assert desk.status(later) is OrdStatus.NEW, "it expired early"
    venue.ask("quote")
    for _ in range(3):
        name = desk.order(price=9_800)
        desk.until(lambda name=name: desk.status(name) is OrdStatus.NEW, "an order as usual")
    traded = desk.order(price=10_001)
    desk.until(lambda: desk.status(traded) is OrdStatus.FILLED, "a fill as usual")
    desk.until(lambda: desk.status(later) is OrdStatus.EXPIRED, "it to expire in time")
    assert time.monotonic() - before > 1, "much too early"
    seen = desk.stores.engine.ts
    desk.until(lambda: desk.stores.engine.ts > seen, "the engine's own time to go on")
    assert abs(desk.stores.engine.ts - time.time_ns()) < 30e9
    assert desk.stores.engine.round_trip_p50 >= 0
    for source in desk.stores.sources:
        assert source.age_p50 < 30e9, "fresh data that are said to be old"
    assert desk.client.reconnects == reconnects, "the connection was thought dead"
    agree(desk, venue)
    engine.move_clock(0)
    desk.until(
        lambda: [n.text for n in desk.stores.notices if "clock" in n.text][-1].endswith("again."),
        "both clocks to agree",
    )
    desk.stores.notices.clear()


def test_a_smeared_second(running: tuple[Venue, Engine, Desk]) -> None:
    """A leap second in small steps, thousands of times faster than it is done: nobody notices."""
    _, engine, desk = running
    for step in range(20):
        engine.move_clock(-step / 20)
        name = desk.order(price=9_800)
        desk.until(lambda name=name: desk.status(name) is OrdStatus.NEW, "an order as usual")
    assert not any("clock" in text for text in desk.notices())
    engine.move_clock(0)


def test_restarted_with_another_clock(running: tuple[Venue, Engine, Desk]) -> None:
    """The engine is killed, the clock a day behind at its new start: the order of its records is
    what counts, and orders go their usual way."""
    venue, engine, desk = running
    engine.kill()
    desk.until(lambda: not desk.stores.connected, "the end to be noticed")
    engine.move_clock(-DAY)
    engine.start()
    desk.ready()
    agree(desk, venue)
    venue.ask("quote")
    for _ in range(5):
        name = desk.order(price=10_001)
        desk.until(lambda name=name: desk.status(name) is OrdStatus.FILLED, "a fill as usual")
    agree(desk, venue)


def test_what_is_on_record_goes_forward(running: tuple[Venue, Engine, Desk]) -> None:
    """Within one run of the engine no record is older than the one before it."""
    _, engine, _ = running
    times = [ts for _, ts, _ in replay(engine.home / "journal", 1, NO_END)]
    backward = [b - a for a, b in itertools.pairwise(times) if b < a]
    assert len(times) > 100
    assert len(backward) == 1, "only the restart a day earlier goes back"
