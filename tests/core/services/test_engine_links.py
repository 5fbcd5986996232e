"""Venues that break, raise or stay silent, and a disk that is full."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from core.journal.journal import Journal
from core.model.enums import (
    LinkState,
    OrdStatus,
    Side,
    Source,
)
from core.model.events import VenueOrder
from core.model.requests import VenueRequest
from tests.core.services.helpers import Bench, ScriptedVenue, order


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def test_an_order_that_the_venue_does_not_know_any_more_is_canceled_by_rule(tmp_path: Path) -> None:
    async def test() -> None:
        async with Bench(tmp_path) as b:
            b.venue.quote()
            known, lost = order(), order()
            b.send(known)
            assert await b.until(lambda: b.status(known.cl_ord_id) is OrdStatus.NEW)
            b.venue.answers = False
            b.send(lost)
            assert await b.until(lambda: len(b.venue.sent) == 2)
        async with Bench(tmp_path, ScriptedVenue()) as c:
            assert c.status(known.cl_ord_id) is OrdStatus.CANCELED
            assert c.status(lost.cl_ord_id) is OrdStatus.CANCELED
            assert "LOST_ORDER" in c.notices()
            assert "NEVER_ARRIVED" in c.notices()
        async with Bench(tmp_path, ScriptedVenue()) as d:
            assert "LOST_ORDER" not in d.notices()  # done twice it changes nothing

    run(test())


def test_an_order_that_arrived_after_all_is_found_again(tmp_path: Path) -> None:
    async def test() -> None:
        silent = ScriptedVenue(answers=False)
        async with Bench(tmp_path, silent) as b:
            silent.quote()
            new = order()
            b.send(new)
            assert await b.until(lambda: silent.sent)
            assert b.status(new.cl_ord_id) is OrdStatus.PENDING_NEW
        again = ScriptedVenue()
        again.listed = [VenueOrder(new.cl_ord_id, "V-9", "ABC.V", Side.BUY, 10, 10_000, 0)]
        async with Bench(tmp_path, again) as c:
            assert c.status(new.cl_ord_id) is OrdStatus.NEW
            assert c.client.stores.orders[new.cl_ord_id].order_id == "V-9"
            assert again.sent == []

    run(test())


def test_orders_placed_elsewhere_are_shown(tmp_path: Path) -> None:
    async def test() -> None:
        venue = ScriptedVenue()
        venue.listed = [VenueOrder("", "V-77", "ABC.V", Side.BUY, 10, 10_000, 0)]
        async with Bench(tmp_path, venue) as b:
            assert "V-77" in b.notices()
            assert "EXTERNAL_ORDER" in b.notices()
            adopted = b.client.stores.orders["V:V-77"]
            assert adopted.source is Source.EXTERNAL
            assert b.engine.kernel.order("V:V-77") == adopted

    run(test())


def test_no_order_leaves_before_books_agree(tmp_path: Path) -> None:
    async def test() -> None:
        venue = ScriptedVenue()
        venue.starts_up = False
        async with Bench(tmp_path, venue) as b:
            venue.quote()
            new = order()
            b.send(new)
            assert await b.until(lambda: b.status(new.cl_ord_id) is OrdStatus.REJECTED)
            assert b.client.stores.orders[new.cl_ord_id].code == "STREAM_RECONCILING"
            assert venue.sent == []
            venue.link(LinkState.UP)
            assert await b.until(lambda: b.engine.links["V"].settled)
            new = order()
            b.send(new)
            assert await b.until(lambda: b.status(new.cl_ord_id) is OrdStatus.NEW)

    run(test())


def test_a_venue_that_does_not_list_its_orders_is_asked_until_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.services.link._RETRY", 0.02)
    monkeypatch.setattr("core.services.link._START_SECONDS", 0.05)

    async def test() -> None:
        venue = ScriptedVenue()
        venue.fail_list = ConnectionError("not now")
        async with Bench(tmp_path, venue) as b:
            assert not b.engine.links["V"].settled
            assert "could not be compared with our books" in b.notices()
            venue.fail_list = None
            assert await b.until(lambda: b.engine.links["V"].settled)

    run(test())


def test_a_link_that_breaks_leaves_orders_unknown_until_it_is_back(tmp_path: Path) -> None:
    async def test() -> None:
        async with Bench(tmp_path) as b:
            venue = b.venue
            venue.quote()
            venue.answers = False
            new = order()
            b.send(new)
            assert await b.until(lambda: venue.sent)
            venue.link(LinkState.DOWN, "Cable cut.")
            assert await b.until(lambda: b.status(new.cl_ord_id) is OrdStatus.UNKNOWN)
            assert [link.text for link in b.client.stores.down_links()] == ["Cable cut."]
            venue.listed = [VenueOrder(new.cl_ord_id, "V-1", "ABC.V", Side.BUY, 10, 10_000, 0)]
            venue.link(LinkState.UP, "Back.")
            assert await b.until(lambda: b.status(new.cl_ord_id) is OrdStatus.NEW)
            assert b.client.stores.down_links() == []
            assert len(venue.sent) == 1

    run(test())


def test_a_venue_that_raises_on_an_order_makes_it_unknown_and_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.services.link._RETRY", 0.02)

    async def test() -> None:
        async with Bench(tmp_path) as b:
            venue = b.venue
            venue.quote()
            venue.fail_send = RuntimeError("boom")
            new = order()
            b.send(new)
            assert await b.until(lambda: b.status(new.cl_ord_id) is OrdStatus.CANCELED)
            steps = [u.order.status for u in b.client.stores.stories[new.cl_ord_id]]
            assert steps == [OrdStatus.PENDING_NEW, OrdStatus.UNKNOWN, OrdStatus.CANCELED]
            assert "boom" in b.notices()
            assert b.engine.statistics.errors == 1
            venue.fail_send = None
            new = order()
            b.send(new)
            assert await b.until(lambda: b.status(new.cl_ord_id) is OrdStatus.NEW)

    run(test())


def test_a_venue_that_raised_and_then_says_that_it_is_down_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.services.link._RETRY", 0.02)

    async def test() -> None:
        async with Bench(tmp_path) as b:
            venue = b.venue
            venue.quote()

            def send(_: VenueRequest) -> None:
                asyncio.get_running_loop().call_soon(venue.link, LinkState.DOWN, "cable cut")
                raise RuntimeError("boom")

            monkeypatch.setattr(venue, "send", send)
            new = order()
            b.send(new)
            assert await b.until(lambda: "cable cut" in b.client.stores.links["V"].text)
            await asyncio.sleep(0.1)
            assert await b.until(lambda: b.status(new.cl_ord_id) is OrdStatus.UNKNOWN)
            assert not b.engine.links["V"].settled
            assert "cable cut" in b.client.stores.links["V"].text

    run(test())


def test_a_venue_that_cannot_start_does_not_keep_the_others_from_it(tmp_path: Path) -> None:
    async def test() -> None:
        bad, good = ScriptedVenue("BAD"), ScriptedVenue("V")
        bad.fail_start = ConnectionError("no route")
        async with Bench(tmp_path, bad, good) as b:
            good.quote()
            new = order()
            b.send(new)
            assert await b.until(lambda: b.status(new.cl_ord_id) is OrdStatus.NEW)
            assert [(x.source, x.state) for x in b.client.stores.down_links()] == [
                ("BAD", LinkState.DOWN)
            ]
            assert "no route" in b.notices()

    run(test())


def test_a_full_disk_halts_trading_and_space_lets_it_go_on(tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")

    async def test() -> None:
        async with Bench(tmp_path) as b:
            b.venue.quote()
            first = order(qty=10)
            b.send(first)
            assert await b.until(lambda: b.status(first.cl_ord_id) is OrdStatus.NEW)
            journal: Journal = b.engine.journal
            disk, journal._fd = journal._fd, os.open("/dev/full", os.O_RDWR)
            refused = order()
            b.send(refused)
            assert await b.until(lambda: b.client.stores.refusals.get(refused.cl_ord_id))
            assert b.client.stores.refusals[refused.cl_ord_id].code == "JOURNAL_FAILED"
            assert "No space left" in b.notices()
            assert [x.source for x in b.client.stores.down_links()] == ["journal"]
            assert len(b.venue.sent) == 1
            # A fill meanwhile is neither lost nor told before it is written down.
            b.venue.fill(b.venue.sent[0].order, 10, 10_000, 10)
            assert not await b.until(lambda: len(b.client.stores.fills), 0.3)
            full, journal._fd = journal._fd, disk
            os.close(full)
            assert await b.until(lambda: b.status(first.cl_ord_id) is OrdStatus.FILLED)
            assert b.client.stores.down_links() == []
            assert await b.until(lambda: b.status(refused.cl_ord_id) is OrdStatus.REJECTED)
            again = order(price=9_999)
            b.send(again)
            assert await b.until(lambda: b.status(again.cl_ord_id) is OrdStatus.NEW)
        async with Bench(tmp_path, ScriptedVenue()) as c:
            assert c.status(first.cl_ord_id) is OrdStatus.FILLED
            assert c.status(refused.cl_ord_id) is OrdStatus.REJECTED
            assert c.client.stores.orders[refused.cl_ord_id].code == "JOURNAL_FAILED"
            assert "No space left" in c.client.stores.orders[refused.cl_ord_id].text

    run(test())
