"""Orders over a wire that breaks at any byte: never lost without a word, never sent twice.

What is not known is shown as UNKNOWN and settled by asking the exchange, whose word is the truth.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.model.commands import CancelOrder
from core.model.enums import LinkState, OrdStatus, Severity, Side
from tests.faults.proxy import DOWN, UP, FaultProxy
from tests.faults.rig import LONG, Desk, Engine, Venue, agree, compare

SETTLED = (OrdStatus.NEW, OrdStatus.FILLED, OrdStatus.CANCELED, OrdStatus.REJECTED)


class Wire:
    """An exchange, a wire, an engine, and a desk."""

    def __init__(self, data: Path) -> None:
        self.venue = Venue()
        self.proxy = FaultProxy(self.venue.endpoint)
        self.engine = Engine(data, self.proxy.endpoint)
        self.desk = Desk(self.engine)
        self.engine.start()
        self.desk.ready()
        self.seen: dict[str, list[OrdStatus]] = {}
        self.links: list[LinkState] = []
        self.desk.client.on_event.append(self._note)

    def _note(self, event: object) -> None:
        order = getattr(event, "order", None)
        if order is not None and hasattr(order, "cl_ord_id"):
            self.seen.setdefault(order.cl_ord_id, []).append(order.status)
        if getattr(event, "source", None) == "X":
            self.links.append(event.state)  # type: ignore[attr-defined]

    def mended(self) -> None:
        """The wire is whole: wait until all is settled, and an order goes its usual way."""
        self.proxy.flow()
        self.proxy.refuse(False)
        self.desk.ready()
        agree(self.desk, self.venue)
        name = ""

        def accepted() -> bool:
            nonlocal name
            if not name or self.refused(name):
                name = self.desk.order(price=9_800)
            return self.desk.status(name) is OrdStatus.NEW

        self.desk.until(accepted, "an order that goes its usual way")
        self.desk.send(CancelOrder(self.desk.ids.next(), name))
        self.desk.until(lambda: self.desk.status(name) is OrdStatus.CANCELED, "its cancel")

    def refused(self, name: str) -> bool:
        """Was an order refused, because the exchange was being compared with?"""
        status = self.desk.status(name)
        return self.desk.stores.refusals.get(name) is not None or (
            status is not None and status.terminal
        )

    def close(self) -> None:
        self.desk.close()
        try:
            self.engine.stop()
        finally:
            self.proxy.close()
            self.venue.stop()


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    found = Wire(tmp_path_factory.mktemp("wire"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def size(wire: Wire) -> int:
    """How many bytes an order is on the wire."""
    before = wire.proxy.passed[UP]
    name = wire.desk.order(price=9_800)
    wire.desk.until(lambda: wire.desk.status(name) is OrdStatus.NEW, "an order")
    size = wire.proxy.passed[UP] - before
    assert 50 < size < 1_000
    return size


# A frame of ZeroMQ is two bytes and a message; so these are: nothing of it, within its head, the
# head alone, within the message, all but a byte, and all of it.
PLACES = ("nothing", "half its head", "its head", "a part", "a half", "all but a byte", "all")


def place(word: str, size: int) -> int:
    return {
        "nothing": 0,
        "half its head": 1,
        "its head": 2,
        "a part": 7,
        "a half": size // 2,
        "all but a byte": size - 1,
        "all": size,
    }[word]


@pytest.mark.parametrize("price", [9_800, 10_001], ids=["rests", "trades"])
@pytest.mark.parametrize("where", PLACES)
def test_cut_within_an_order(wire: Wire, size: int, where: str, price: int) -> None:
    """The connection is reset at some byte of an order on its way to the exchange."""
    desk = wire.desk
    wire.proxy.cut_after(UP, max(0, place(where, size)))
    name = desk.order(price=price)
    desk.until(lambda: wire.links and wire.links[-1] is LinkState.DOWN, "the break to be told")
    wire.mended()
    arrived = name in wire.venue.ask("truth")["arrived"]
    assert not arrived or where == "all"
    expected = (OrdStatus.NEW, OrdStatus.FILLED) if arrived else (OrdStatus.CANCELED,)
    assert desk.status(name) in expected
    if not arrived:
        assert OrdStatus.UNKNOWN in wire.seen[name], wire.seen[name]


@pytest.mark.parametrize("price", [9_800, 10_001], ids=["rests", "trades"])
@pytest.mark.parametrize("count", [0, 1, 2, 9, 60, 150])
def test_cut_within_the_answer(wire: Wire, count: int, price: int) -> None:
    """The order arrives; the connection breaks within the exchange's word on it."""
    desk = wire.desk
    wire.proxy.cut_after(DOWN, count)
    name = desk.order(price=price)
    desk.until(lambda: wire.links and wire.links[-1] is LinkState.DOWN, "the break to be told")
    wire.mended()
    if name in wire.venue.ask("truth")["arrived"]:
        assert desk.status(name) in (OrdStatus.NEW, OrdStatus.FILLED)
    else:  # a pulse of the exchange came first, and the break before the order left
        assert wire.refused(name)


def test_closed_without_a_reset(wire: Wire, size: int) -> None:
    wire.proxy.cut_after(UP, size // 2, reset=False)
    name = wire.desk.order(price=9_800)
    wire.desk.until(lambda: wire.desk.status(name) is OrdStatus.UNKNOWN, "an unknown fate")
    wire.mended()
    assert wire.desk.status(name) is OrdStatus.CANCELED


def test_late_answers(wire: Wire) -> None:
    """Answers that come late, but come, are no reason to ask, cancel or send again."""
    wire.proxy.delay(DOWN, 0.4)
    names = [wire.desk.order(price=price) for price in (9_800, 10_001)]
    wire.desk.until(lambda: wire.desk.status(names[1]) is OrdStatus.FILLED, "the fill")
    assert wire.desk.status(names[0]) is OrdStatus.NEW
    assert OrdStatus.UNKNOWN not in wire.seen[names[0]]
    wire.mended()


@pytest.mark.parametrize("ways", [(DOWN,), (UP, DOWN)], ids=["answers", "all"])
def test_silence(wire: Wire, ways: tuple[int, ...]) -> None:
    """Nothing passes and nobody says so: noticed, said, asked about; the old connection's bytes do
    no harm when they come after all."""
    desk = wire.desk
    wire.proxy.stall(*ways)
    name = desk.order(Side.SELL, price=10_200)
    desk.until(lambda: desk.status(name) is OrdStatus.UNKNOWN, "an unknown fate")
    said = [text for text in desk.notices() if "silent" in text] + [
        link.text for link in desk.stores.links if "silent" in link.text
    ]
    assert said
    wire.mended()
    assert desk.status(name) in (OrdStatus.NEW, OrdStatus.CANCELED)


def test_half_open(wire: Wire) -> None:
    """The exchange's end believes that the old connection stands; the engine comes over a new
    one and must be let in."""
    desk = wire.desk
    wire.proxy.half_open()
    name = desk.order(price=9_800)
    desk.until(lambda: desk.status(name) is OrdStatus.UNKNOWN, "an unknown fate")
    wire.mended()
    assert desk.status(name) is OrdStatus.CANCELED


def test_answers_after_the_wire_was_given_up(wire: Wire) -> None:
    """An order that the exchange has, of which it says nothing, on a wire that then breaks."""
    desk = wire.desk
    wire.venue.ask("mute", True)
    name = desk.order(price=9_800)
    desk.until(lambda: name in wire.venue.ask("truth")["arrived"], "its arrival")
    wire.proxy.cut()
    desk.until(lambda: desk.status(name) is OrdStatus.UNKNOWN, "an unknown fate")
    wire.venue.ask("mute", False)
    wire.mended()
    assert desk.status(name) is OrdStatus.NEW


def test_no_exchange_for_a_while(wire: Wire) -> None:
    """Told, and orders are refused at once with a sentence; all is well when it is back."""
    desk = wire.desk
    wire.proxy.refuse(True)
    wire.proxy.cut()
    desk.until(lambda: desk.link("X") is LinkState.DOWN, "the break to be told")
    refused = desk.order(price=9_800)
    desk.until(lambda: wire.refused(refused), "a refusal")
    wire.mended()
    assert refused not in wire.venue.ask("truth")["arrived"]


@pytest.mark.timeout(900 if LONG else 120)
def test_faults_at_random_under_load(wire: Wire) -> None:
    """Cuts, delays and stalls of all kinds while orders, changes, cancels and fills pass."""
    desk, proxy, rng = wire.desk, wire.proxy, wire.desk.rng
    wire.venue.ask("rate", 200)
    for _ in range(200 if LONG else 8):
        way = rng.choice((UP, DOWN))
        kind = rng.randrange(5)
        if kind < 3:
            proxy.cut_after(way, rng.randrange(4_000), reset=rng.random() < 0.7)
        elif kind == 3:
            proxy.delay(way, rng.random() / 5)
        else:
            proxy.half_open() if rng.random() < 0.3 else proxy.stall(way)
        end = time.monotonic() + rng.random()
        while time.monotonic() < end:
            desk.trade()
            time.sleep(0.004)
        proxy.flow()
    wire.venue.ask("rate", 0)
    proxy.cut()
    wire.mended()
    assert compare(desk, wire.venue) == ""
    critical = [n.text for n in desk.stores.notices if n.severity is Severity.CRITICAL]
    assert critical == []
