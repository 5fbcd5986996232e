"""Agreement with a venue in another process, over real sockets that break and engines that die."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import msgspec
import pytest

from core.bus.endpoint import TOKEN_VARIABLE
from core.model.commands import CancelOrder
from core.model.enums import LinkState, OrdStatus, Side
from core.model.requests import VenueNew
from core.services.config import load_config
from core.services.engine import Engine
from core.services.recovery import check_replay
from core.venues.remote import RemoteVenue, find
from core.venues.remote.messages import Description
from core.venues.simulated import SimulatedVenue, default_market
from tests.core.services.dying_engine import BTC, DOOMED
from tests.core.services.helpers import IDS, Bench, order
from tests.core.venues.remote.test_remote import TOKEN, Cable, hosted, make_order

ROOT = Path(__file__).resolve().parents[3]


def held(engine: Engine, account: str = "PAPER-1") -> dict[str, int]:
    return {
        p.instrument: p.qty
        for p in engine.kernel.positions()
        if p.account == account and not p.strategy and p.qty
    }


def test_fills_during_a_cut_are_in_the_books_before_anybody_may_trade(tmp_path: Path) -> None:
    async def session() -> None:
        async with hosted() as host:
            there = host.venue
            assert isinstance(there, SimulatedVenue)
            cable = Cable(host.endpoint)
            endpoint = await cable.mend()
            venue = RemoteVenue(await find(endpoint, TOKEN), endpoint, TOKEN)
            async with Bench(tmp_path, venue) as b:
                link = b.engine.links["ALPHA"]
                market = b.engine.cache.markets[BTC]
                assert await b.until(lambda: link.settled and market.quote and market.quote.bid)
                assert market.quote is not None
                price = market.quote.bid - 40
                mine = order(qty=10, price=price, instrument=BTC)
                b.send(mine)
                assert await b.until(lambda: b.status(mine.cl_ord_id) is OrdStatus.NEW)
                await cable.cut()
                assert await b.until(lambda: b.client.stores.down_links())
                assert not link.settled
                there.send(VenueNew(make_order("X", Side.SELL, 10**6, price, account="A2")))
                assert await b.until(lambda: not [
                    o for o in there._desk.working() if o.cl_ord_id == mine.cl_ord_id
                ])  # fmt: skip
                began = time.monotonic()
                await cable.mend()
                assert await b.until(lambda: link.settled, 10.0)
                assert time.monotonic() - began < 10.0
                assert b.engine.kernel.order(mine.cl_ord_id).status is OrdStatus.FILLED  # type: ignore[union-attr]
                assert held(b.engine) == {BTC: 10}
                told = [e for e in there._desk.executions(0) if e.cl_ord_id == mine.cl_ord_id]
                ours = [f for f in b.engine.kernel.fills() if f.cl_ord_id == mine.cl_ord_id]
                assert [e.exec_id for e in told] == [f.exec_id for f in ours]
                last = b.client.stores.links["ALPHA"]
                assert await b.until(lambda: b.client.stores.links["ALPHA"].state is LinkState.UP)
                assert last is not None
                shown = {(d.rule, d.subject) for d in b.engine.records.differences.values()}
                assert ("NOT_ADOPTED", "X") in shown, "an order of an account that is not ours"
            await cable.cut()

    asyncio.run(session())


@contextmanager
def exchange() -> Iterator[tuple[str, str]]:
    """A venue's process; its endpoint and token."""
    words = [sys.executable, "-m", "core.venues.remote.host", "--rate", "300", "--instruments", "4"]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        yield ready["endpoint"], ready["token"]
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


async def found(endpoint: str, token: str) -> Description:
    """What is hosted there; a busy computer may need more than one try."""
    deadline = time.monotonic() + 20.0
    while True:
        try:
            return await find(endpoint, token)
        except ConnectionError:
            if time.monotonic() > deadline:
                raise


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
@pytest.mark.parametrize("place", ["journaled", "sent", "answered", "booked"])
def test_an_engine_that_dies_on_an_orders_way_finds_out_what_became_of_it(
    tmp_path: Path, place: str
) -> None:
    with exchange() as (endpoint, token):
        words = [sys.executable, "-m", "tests.core.services.dying_engine"]
        dead = subprocess.run(
            [*words, str(tmp_path), endpoint, place],
            cwd=ROOT,
            env={**os.environ, TOKEN_VARIABLE: token},
            timeout=60,
            capture_output=True,
            text=True,
            check=False,
        )
        assert dead.returncode == -signal.SIGKILL, dead.stderr

        async def again() -> None:
            venue = RemoteVenue(await found(endpoint, token), endpoint, token)
            engine = Engine(load_config(None, tmp_path), [venue], tmp_path)
            began = time.monotonic()
            await engine.start()
            try:
                link = engine.links["ALPHA"]
                while not link.settled:
                    assert time.monotonic() - began < 10.0
                    await asyncio.sleep(0.01)
                told = await venue.statement(0, [DOOMED])
                ours = engine.kernel.order(DOOMED)
                assert ours is not None
                assert told.asked is not None
                if place == "journaled":
                    assert told.asked == ()
                    assert ours.status is OrdStatus.CANCELED
                    assert ours.text.startswith("NEVER_ARRIVED")
                else:
                    [there] = told.asked
                    assert there.status is OrdStatus.FILLED
                    assert (ours.status, ours.cum_qty) == (OrdStatus.FILLED, 7)
                    assert ours.notional == there.notional
                assert told.positions is not None
                assert held(engine) == {p.instrument: p.qty for p in told.positions if p.qty}
                assert [o.cl_ord_id for o in told.orders] == [
                    o.cl_ord_id for o in engine.kernel.working()
                ]
                assert not [d for d in engine.records.differences.values() if d.stands]
                digest = engine.kernel.digest()
                await link.audit.agree(settling=True)
                assert engine.kernel.digest() == digest
            finally:
                await engine.stop()
            assert check_replay(tmp_path / "journal").digest == engine.kernel.digest()

        asyncio.run(again())


@pytest.mark.parametrize("latency", [0, 20_000_000])
def test_a_busy_venue_that_agrees_is_never_said_to_differ(tmp_path: Path, latency: int) -> None:
    """Orders and reports cross on their way all the time; none of that is a difference."""

    async def session() -> None:
        simulated = default_market(7, 4, rate=400.0)[0]
        simulated._half_latency = latency / 2
        config = msgspec.structs.replace(
            load_config(None, tmp_path), reconcile_seconds=0.02, lost_seconds=0.5
        )
        random = Random(5)
        async with Bench(tmp_path, simulated, config=config) as b:
            link = b.engine.links["ALPHA"]
            asked = link.audit.agree
            count = 0

            async def counting(settling: bool) -> None:
                nonlocal count
                await asked(settling)
                count += 1

            link.audit.agree = counting  # type: ignore[method-assign]
            link._timer._seconds = 0.02
            market = b.engine.cache.markets[BTC]
            assert await b.until(lambda: link.settled and market.quote and market.quote.ask)
            alive: list[str] = []
            end = time.monotonic() + 3.0
            while time.monotonic() < end or count < 5:
                quote = market.quote
                assert quote is not None
                side = random.choice([Side.BUY, Side.SELL])
                touch = quote.bid if side is Side.BUY else quote.ask
                new = order(
                    side, random.randint(1, 9), touch + random.randint(-3, 3), instrument=BTC
                )
                b.send(new)
                alive.append(new.cl_ord_id)
                if len(alive) > 5:
                    b.send(CancelOrder(IDS.next(), alive.pop(random.randrange(len(alive)))))
                await asyncio.sleep(0.004)
                b.client.poll()
            found = list(b.engine.records.differences.values())
            assert not found, found[:3]
            assert b.engine.kernel.fills()
            told = await simulated.statement(0, [])
            assert told.executions is not None
            assert {f.exec_id for f in b.engine.kernel.fills()} >= {
                e.exec_id for e in told.executions[:-50]
            }

    asyncio.run(session())
