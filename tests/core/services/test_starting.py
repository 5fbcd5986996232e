"""What a trader asks of an engine that is still starting."""

from __future__ import annotations

import time

import msgspec

from core.model.commands import CancelAll, Kill
from core.model.enums import OrdStatus, Side, TradingState
from core.model.events import VenueOrder
from core.model.requests import VenueCancel
from tests.core.services.helpers import IDS, Bench, ScriptedVenue, order


class SlowVenue(ScriptedVenue):
    """While it connects, a trader's commands arrive."""

    bench: Bench
    asked: tuple[object, ...] = ()

    async def start(self, market, events):
        for command in self.asked:
            self.bench.engine.dispatch.command(command, self.bench.engine.ready)
        await super().start(market, events)


async def test_the_kill_switch_works_from_the_first_moment(tmp_path):
    venue = SlowVenue()
    bench = venue.bench = Bench(tmp_path, venue)
    opening = order(name="early")
    venue.asked = (Kill(IDS.next(), 1, "PAPER-1", reason="early", ts=time.time_ns()), opening)
    async with bench:
        accounts = bench.client.stores.accounts
        assert await bench.until(lambda: accounts["PAPER-1"].state is TradingState.REDUCING)
        assert bench.status("early") is OrdStatus.REJECTED, "never kept for later"
        assert not venue.sent


async def test_orders_are_cancelled_as_soon_as_they_can_be(tmp_path):
    async with Bench(tmp_path) as bench:
        bench.venue.quote()
        bench.send(order(name="rests", price=9_990))
        assert await bench.until(lambda: bench.status("rests") is OrdStatus.NEW)
    venue = SlowVenue()
    venue.listed = [VenueOrder("rests", "V-rests", "ABC.V", Side.BUY, 10, 9_990, 0)]
    again = venue.bench = Bench(tmp_path, venue)
    venue.asked = (CancelAll(IDS.next(), "PAPER-1", ts=time.time_ns()),)
    async with again:
        assert await again.until(lambda: again.status("rests") is OrdStatus.CANCELED)
    assert [type(request) for request in venue.sent] == [VenueCancel]


async def test_what_one_venue_leads_to_at_another_waits_until_that_one_was_started(tmp_path):
    async with Bench(tmp_path, ScriptedVenue("V"), ScriptedVenue("W")) as bench:
        bench.venues[1].quote()
        resting = msgspec.structs.replace(order(name="rests", price=9_990), instrument="ABC.W")
        bench.send(resting)
        assert await bench.until(lambda: bench.status("rests") is OrdStatus.NEW)
        resting = bench.engine.kernel.order("rests")

    class Early(ScriptedVenue):
        async def start(self, market, events):
            again.engine.links["W"].send(VenueCancel(resting, "sibling"))
            assert not later.sent
            await super().start(market, events)

    later = ScriptedVenue("W")
    later.listed = [VenueOrder("rests", "W-rests", "ABC.W", Side.BUY, 10, 9_990, 0)]
    again = Bench(tmp_path, Early("V"), later)
    async with again:
        assert await again.until(lambda: again.status("rests") is OrdStatus.CANCELED)
        assert [request.request for request in later.sent] == ["sibling"]
        assert "failed to take" not in again.notices()
