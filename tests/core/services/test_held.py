"""Orders that the engine holds, on the real engine: prices reach them, a restart keeps them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from core.model.commands import NewOrderList
from core.model.enums import Contingency, OrdStatus, OrdType, Side, TimeInForce
from core.model.market import Trade
from core.model.requests import VenueCancel, VenueNew
from core.model.session import Subscribe
from core.venues.simulated import default_market
from tests.core.services.helpers import IDS, Bench, ScriptedVenue, order


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def new_ids(venue: ScriptedVenue) -> list[str]:
    return [r.order.cl_ord_id for r in venue.sent if isinstance(r, VenueNew)]


def test_a_trade_triggers_a_held_stop(tmp_path: Path) -> None:
    async def test() -> None:
        async with Bench(tmp_path) as b:
            b.venue.quote()
            stop = order(Side.SELL, price=0, ord_type=OrdType.STOP, stop_price=9_950)
            b.send(stop)
            assert await b.until(lambda: b.status(stop.cl_ord_id) is OrdStatus.NEW)
            assert b.venue.sent == []
            assert b.client.stores.orders[stop.cl_ord_id].held
            assert await b.until(lambda: b.engine.feed.watching)
            now = time.time_ns()
            b.venue.market(Trade("ABC.V", now, now, 9_950, 1, 2))
            assert await b.until(lambda: b.venue.sent)
            (sent,) = b.venue.sent
            assert sent.order.ord_type is OrdType.MARKET
            assert sent.order.cl_ord_id == stop.cl_ord_id
            assert await b.until(lambda: not b.client.stores.orders[stop.cl_ord_id].held)

    run(test())


def test_a_restart_keeps_a_bracket_and_its_held_stop(tmp_path: Path) -> None:
    entry = order(qty=10)
    stop = order(Side.SELL, price=0, ord_type=OrdType.STOP, stop_price=9_950)
    target = order(Side.SELL, price=10_200)
    names = [o.cl_ord_id for o in (entry, stop, target)]

    async def test() -> None:
        async with Bench(tmp_path) as b:
            b.venue.quote()
            b.send(NewOrderList(IDS.next(), Contingency.BRACKET, (entry, stop, target)))
            assert await b.until(lambda: new_ids(b.venue) == names[:1])
            b.venue.fill(b.venue.sent[0].order, 10, 10_000, 10)
            assert await b.until(lambda: b.status(names[2]) is OrdStatus.NEW)
            assert new_ids(b.venue) == [names[0], names[2]]
            b.venue.listed = []
        again = ScriptedVenue()
        again.starts_up = False
        async with Bench(tmp_path, again) as c:
            assert [o.cl_ord_id for o in again.resumed] == [names[2]], "what is held is not there"
            held = c.client.stores.orders[names[1]]
            assert (held.status, held.held, held.qty) == (OrdStatus.NEW, True, 10)

    run(test())


def test_a_gap_after_a_restart_sends_the_stop_at_once(tmp_path: Path) -> None:
    stop = order(Side.SELL, price=0, ord_type=OrdType.STOP, stop_price=9_950)

    async def test() -> None:
        async with Bench(tmp_path) as b:
            b.venue.quote()
            b.send(stop)
            assert await b.until(lambda: b.status(stop.cl_ord_id) is OrdStatus.NEW)
        async with Bench(tmp_path) as c:
            assert c.venue.resumed == []
            c.venue.quote(9_000, 9_001)
            assert await c.until(lambda: new_ids(c.venue) == [stop.cl_ord_id])
            assert await c.until(lambda: "jumped over its price" in c.notices())
            assert not any(isinstance(r, VenueCancel) for r in c.venue.sent)

    run(test())


def test_what_the_venue_can_hold_it_holds_over_a_restart_too(tmp_path: Path) -> None:
    terms = {"instrument": "BTC-USD.ALPHA", "qty": 50, "display_qty": 10}

    async def test() -> None:
        async with Bench(tmp_path, *default_market(3, 2)) as b:
            tickers = b.client.stores.tickers
            b.client.subscribe(Subscribe(("*",)))
            assert await b.until(lambda: "BTC-USD.ALPHA" in tickers)
            price = tickers["BTC-USD.ALPHA"].bid - 200
            soon, late = (
                order(
                    price=price,
                    tif=TimeInForce.GTD,
                    expire=time.time_ns() + seconds * 1_000_000_000,
                    **terms,
                )
                for seconds in (1, 3600)
            )
            for each in (soon, late):
                b.send(each)
                assert await b.until(lambda n=each: b.status(n.cl_ord_id) is OrdStatus.NEW)
                assert not b.client.stores.orders[each.cl_ord_id].held
            venue = b.engine._venues[0]
            there = {o.cl_ord_id: o for o in await venue.working_orders()}
            assert [o.qty for o in there.values()] == [50, 50], "nothing is cut into slices"
            assert await b.until(lambda: b.status(soon.cl_ord_id) is OrdStatus.EXPIRED)
        async with Bench(tmp_path, *default_market(3, 2)) as c:
            assert await c.until(lambda: c.status(late.cl_ord_id) is OrdStatus.NEW)
            held = c.client.stores.orders[late.cl_ord_id]
            assert (held.held, held.display_qty, held.expire) == (False, 10, late.expire)
            venue = c.engine._venues[0]
            (there,) = await venue.working_orders()
            assert (there.cl_ord_id, there.qty) == (late.cl_ord_id, 50)
            assert c.status(soon.cl_ord_id) is OrdStatus.EXPIRED

    run(test())
