"""The real engine on one loop, given whatever bytes and messages there may be."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
import typing
from collections.abc import Callable
from pathlib import Path
from random import Random

from core.bus.server import Peer, Sent
from core.model.commands import SetTradingState
from core.model.enums import LinkState, MarketStatus, OrdStatus, Severity, Side, TradingState
from core.model.events import VenueEvent
from core.model.market import MarketData, Quote, StatusUpdate
from core.model.session import Hello, Ready, Submit, ToEngine
from core.model.wire import encode
from core.services.config import parse_config
from core.services.recovery import check_replay
from tests.core.services.helpers import Bench, ScriptedVenue, order
from tests.faults.inputs import INSTRUMENTS, T0, Maker, damage, over_the_wire

CONFIG = parse_config(
    'durability = "process"\n[[accounts]]\nid = "A1"\ncash = { USD = 1000000 }\n'
    '[[accounts]]\nid = "PAPER-1"\ncash = { USD = 1000000 }\n',
    "fuzz",
)
_UNWANTED = ("could not be worked off", "failed on", "was not carried out", "failed.")


class FaultError(AssertionError):
    """Something that an engine must bear was too much for it."""


def venue_and_clients(rng: Random, count: int) -> None:
    """`count` messages to an engine, of its venue and of a client; afterwards it must still do its
    work, its state must be one that can be kept, and a new start must come to the same.

    Raises:
        FaultError: with the engine's own words.
    """
    with tempfile.TemporaryDirectory() as home:
        asyncio.run(_messages(rng, count, Path(home)))
        asyncio.run(_again(Path(home)))


async def _messages(rng: Random, count: int, home: Path) -> None:
    venue = ScriptedVenue("X")
    async with Bench(home, venue, config=CONFIG, clock=_clock()) as bench:
        engine = bench.engine
        said: list[bytes] = []

        def write(data: bytes) -> Sent:
            said.append(data)
            return Sent.OK

        peer = Peer(write, "fuzz")
        hello = encode(Hello("fuzz", "terminal", engine.token))
        engine.server.receive(peer, [hello])
        _quote(venue)
        maker = Maker(rng)
        for number in range(count):
            kind = rng.randrange(4)
            if kind == 0:
                message = over_the_wire(maker.any(MarketData), MarketData)
                if message is not None:
                    venue.market(message)
            elif kind == 1:
                message = over_the_wire(maker.any(VenueEvent), VenueEvent)
                if message is not None:
                    venue.events(message)
            else:
                engine.server.receive(peer, [_bytes(maker, rng)])
                if not peer.admitted:
                    engine.server.receive(peer, [hello])
            if number % 8 == 0:
                engine.server.receive(peer, [encode(Ready(0))])
                await asyncio.sleep(0)
        failures = engine.server.failures
        if failures:
            raise FaultError(f"{failures} messages of a client made the engine raise")
        _check(bench)
        await _still_works(bench, venue)


def _bytes(maker: Maker, rng: Random) -> bytes:
    """What a client may send: a command, something else, or what once was that."""
    kind = Submit if rng.random() < 0.7 else rng.choice(typing.get_args(ToEngine))
    try:
        data = encode(maker.struct(kind))
    except (OverflowError, UnicodeEncodeError):
        return b"\xc1"
    return damage(data, rng) if rng.random() < 0.3 else data


def _check(bench: Bench) -> None:
    bad = [
        n.text
        for n in bench.engine.records.notices
        if n.severity >= Severity.ERROR and any(word in n.text for word in _UNWANTED)
    ]
    if bad:
        raise FaultError("; ".join(bad[:3]))


async def _still_works(bench: Bench, venue: ScriptedVenue) -> None:
    """Whatever was said and done: an account that is on its feet again can trade."""
    venue.link(LinkState.UP)
    link = bench.engine.links["X"]
    if not await bench.until(lambda: link.settled, 10):
        raise FaultError("the venue is never agreed with")
    now = time.time_ns()
    for scope, name in (("", ""), ("venue", "X"), ("trader", "anna")):
        bench.send(
            SetTradingState(f"S-{now}-{name}", "PAPER-1" if not scope else "",
                            TradingState.ACTIVE, "fuzz", scope=scope, scope_id=name)
        )  # fmt: skip
    _quote(venue)
    name = f"W-{now}"
    bench.send(order(Side.BUY, 1, 9_999, name=name, instrument=INSTRUMENTS[0]))
    if not await bench.until(
        lambda: bench.status(name) is not None or name in bench.client.stores.refusals, 10
    ):
        raise FaultError(f"an order is not answered any more: {bench.notices()[-500:]}")
    if bench.status(name) not in (OrdStatus.NEW, OrdStatus.REJECTED, OrdStatus.PENDING_NEW, None):
        raise FaultError(f"an order became {bench.status(name)}")
    _check(bench)


def _quote(venue: ScriptedVenue) -> None:
    for name in INSTRUMENTS:
        venue.market(StatusUpdate(name, T0, T0, MarketStatus.OPEN))
        venue.market(Quote(name, T0, T0, 9_999, 100, 10_001, 100))


def _clock() -> Callable[[], int]:
    """A millisecond passes with each look."""
    return itertools.count(T0, 1_000_000).__next__


async def _again(home: Path) -> None:
    found = check_replay(home / "journal", check=True)
    if not found.compared or not all(same for _, same in found.compared):
        raise FaultError(f"a replay comes to another state: {found.compared}")
    async with Bench(home, ScriptedVenue("X"), config=CONFIG, clock=_clock()) as bench:
        _check(bench)


def main(seconds: float, first: int) -> None:
    """Look for faults with one seed after the other."""
    end = time.monotonic() + seconds
    seed, found = first, {}
    while time.monotonic() < end:
        seed += 1
        try:
            venue_and_clients(Random(seed), 60)
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            if found.setdefault(text[:90], seed) == seed:
                print(seed, text[:600], flush=True)
    print(f"{seed - first} seeds, {len(found)} kinds of faults")


if __name__ == "__main__":
    import sys

    main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
