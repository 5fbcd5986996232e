"""What outlives a venue's program and what does not, and the same of the records' writer."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.kernel.kernel import Kernel
from core.model.enums import OrdStatus, StrategyMode
from core.services.bookkeeper import Bookkeeper
from core.simulation.plan import Step
from core.simulation.records import Store
from core.simulation.world import World

DAY, QUIET = 5, 9  # see `asking.order`: a DAY order, at a price at which nobody trades
STEPS = [
    Step(400, 0, "order", 0, 1, QUIET + 8, DAY),
    Step(500, 1, "venue restart", 0, 200, 0, 0),
    Step(2500, 2, "trade", 0, 1, 0, 0),
]


def after(drops_day: bool) -> tuple[World, Kernel]:
    world = World(1)
    world.exchanges["ALPHA"].drops_day = drops_day
    world.computer.wanted = dict.fromkeys(world.computer.wanted, StrategyMode.OFF)
    outcome = world.run(STEPS)
    assert not outcome.broken
    assert outcome.faults["venue restarted"] == 1
    assert world.engine is not None
    return world, world.engine.kernel


def test_a_venue_that_drops_day_orders_tells_so_only_when_it_is_asked() -> None:
    world, kernel = after(drops_day=True)
    assert world.exchanges["ALPHA"].truth.orders["O0"].status is OrdStatus.EXPIRED
    order = kernel.order("O0")
    assert order is not None
    assert order.status is OrdStatus.EXPIRED
    assert world.covered["rule STATE_DIFFERS"] == 1


def test_a_venue_that_keeps_day_orders_has_them_still() -> None:
    world, kernel = after(drops_day=False)
    assert world.exchanges["ALPHA"].truth.orders["O0"].status is OrdStatus.NEW
    assert [order.cl_ord_id for order in kernel.working()] == ["O0"]
    assert not world.covered["rule STATE_DIFFERS"]


def test_each_start_of_a_venue_is_another_incarnation() -> None:
    world, _ = after(drops_day=False)
    program = world.venues["ALPHA"]
    assert program.owner == "ALPHA-2"
    assert world.venues["BETA"].owner == "BETA-1"


def test_the_newest_records_may_be_lost_with_the_power() -> None:
    store = Store()
    for number in range(3):
        store.connection.execute("INSERT INTO meta VALUES (?, ?)", (f"n{number}", "x"))
        store.keep()
    store.lose_power(2)
    assert [
        n for (n,) in store.connection.execute("SELECT name FROM meta WHERE name LIKE 'n%'")
    ] == [
        "n0",
        "n1",
    ]


def test_only_one_writes_the_records(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    book = store.book(Path("/home/records"))
    assert book.seq == 0
    monkeypatch.setattr("core.services.bookkeeper.Book", store.book)
    with pytest.raises(Exception, match="another program writes"):
        Bookkeeper(Path("/home"))
    book.close()
    assert store.book(Path("/home/records")).seq == 0
