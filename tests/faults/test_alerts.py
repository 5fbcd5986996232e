"""Each fault is told to whoever looks on, in a sentence and in the state of its source, and taken
back when it is over. (Full disks, cut wires and moved clocks: in the files of their own.)"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.journal.files import journal_files
from core.model.enums import LinkState, OrdStatus
from core.model.session import Subscribe
from tests.faults.proxy import FaultProxy
from tests.faults.rig import Desk, Engine, Venue, agree


class World:
    """An exchange, a wire, an engine and a desk that hears all."""

    def __init__(self, data: Path) -> None:
        self.venue = Venue()
        self.proxy = FaultProxy(self.venue.endpoint)
        self.engine = Engine(data, self.proxy.endpoint)
        self.desk = Desk(self.engine)
        self.states: list[LinkState] = []
        self.desk.client.on_event.append(self._note)
        self.desk.client.subscribe(Subscribe(quotes=("*",)))
        self.engine.start()
        self.desk.ready()

    def _note(self, event: object) -> None:
        if getattr(event, "source", None) == "X":
            self.states.append(event.state)  # type: ignore[attr-defined]

    def health(self) -> str:
        found = self.desk.stores.sources.get("X")
        return "" if found is None else found.text

    def close(self) -> None:
        self.desk.close()
        try:
            self.engine.stop()
        finally:
            self.proxy.close()
            self.venue.stop()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = World(tmp_path_factory.mktemp("alerts"))
    yield found
    found.close()


def test_a_feed_that_falls_silent(world: World) -> None:
    """Stale data is told within seconds, and fresh data too."""
    desk, venue = world.desk, world.venue
    venue.ask("quote")
    desk.until(lambda: desk.link("X") is LinkState.STALE, "silence to be told")
    assert "No message for" in desk.stores.links["X"].text
    venue.ask("rate", 50)
    desk.until(lambda: desk.link("X") is LinkState.UP, "fresh data to be told")
    venue.ask("rate", 0)


def test_prices_that_cannot_be(world: World) -> None:
    """Crossed quotes, quotes out of order, from the far future, beyond all numbers: counted, shown
    with the source, and the last good price stands."""
    desk, venue = world.desk, world.venue
    asked = time.time_ns()
    venue.ask("quote")

    def told() -> bool:
        newest = desk.stores.tickers.get("E0.X")
        return newest is not None and newest.ts >= asked

    desk.until(told, "the newest price")
    before = desk.stores.tickers["E0.X"]
    hour = 3_600 * 10**9
    venue.ask(
        "nonsense", [[1 << 62, 1 << 62, 0], [9_999, 10_001, 10_000 * hour], [-5, -(1 << 60), 0]]
    )
    desk.until(lambda: "3 malformed" in world.health(), "what was wrong to be told")
    venue.ask("nonsense", [[9_999, 10_001, -hour]])
    desk.until(lambda: "1 out of order" in world.health(), "the old quote to be told")
    after = desk.stores.tickers["E0.X"]
    assert (after.bid, after.ask) == (before.bid, before.ask)
    venue.ask("nonsense", [[10_005, 10_001, 0]])
    desk.until(lambda: "1 crossed" in world.health(), "the crossed quote to be told")
    venue.ask("quote")

    def whole() -> bool:
        ticker = desk.stores.tickers["E0.X"]
        return ticker.bid < ticker.ask

    desk.until(whole, "a whole market")
    name = desk.order(price=9_800)
    desk.until(lambda: desk.status(name) is OrdStatus.NEW, "an order as usual")


def test_a_link_that_breaks_and_an_order_in_doubt(world: World) -> None:
    desk, venue = world.desk, world.venue
    venue.ask("mute", True)
    name = desk.order(price=9_700)
    desk.until(lambda: name in venue.ask("truth")["arrived"], "its arrival")
    world.states.clear()
    world.proxy.refuse(True)
    world.proxy.cut()
    desk.until(lambda: desk.status(name) is OrdStatus.UNKNOWN, "an unknown fate to be shown")
    assert desk.link("X") is LinkState.DOWN
    assert "No link to X" in desk.stores.links["X"].text
    venue.ask("mute", False)
    world.proxy.refuse(False)
    desk.until(lambda: desk.link("X") is LinkState.UP, "the mended link to be told")
    desk.until(lambda: not desk.stores.unknown_orders(), "the doubt to be settled")
    agree(desk, venue)


def test_an_order_that_vanished(world: World) -> None:
    """The exchange lost an order without a word, while the link was down: told by its rule."""
    desk, venue = world.desk, world.venue
    name = desk.order(price=9_600)
    desk.until(lambda: desk.status(name) is OrdStatus.NEW, "an order at rest")
    world.proxy.refuse(True)
    world.proxy.cut()
    desk.until(lambda: desk.link("X") is LinkState.DOWN, "the break to be told")
    venue.ask("forget", name)
    world.proxy.refuse(False)
    desk.until(lambda: desk.status(name) is OrdStatus.CANCELED, "its end")
    assert any(name in text for text in desk.notices()), desk.notices()


def test_a_kill_and_a_torn_journal(world: World) -> None:
    """What a crash left half written is mended at the next start, and said."""
    desk, engine = world.desk, world.engine
    engine.kill()
    desk.until(lambda: not desk.stores.connected, "the end to be noticed")
    assert desk.stores.connection_text
    with open(journal_files(engine.home / "journal")[-1], "ab") as file:
        file.write(b"\x07\x00\x00\x00half a record")
    engine.start()
    desk.ready()
    assert any("Recovered" in n.text for n in desk.stores.notices)
    assert any("journal" in text for text in desk.notices()), desk.notices()
    agree(desk, world.venue)
