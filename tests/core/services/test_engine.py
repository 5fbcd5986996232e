"""The engine whole: orders there and back, restarts, what is told of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest

from core.model.commands import (
    CancelAll,
    CancelOrder,
    Flatten,
    Kill,
    NewOrder,
    SetStrategyMode,
    VenueControl,
)
from core.model.enums import (
    LinkState,
    MarketStatus,
    OrdStatus,
    OrdType,
    Side,
    StrategyMode,
    TimeInForce,
    TradingState,
)
from core.model.events import LinkUpdate, VenueOrder
from core.model.instruments import Instrument
from core.model.market import Quote, StatusUpdate
from core.model.requests import VenueCancel, VenueNew, VenueRequest
from core.model.session import Subscribe
from core.venues.simulated.universe import default_market
from tests.core.services.helpers import IDS, Bench, ScriptedVenue, order


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


class _SmallVenue(ScriptedVenue):
    """Lists only one of its instruments."""

    def instruments(self) -> Sequence[Instrument]:
        return super().instruments()[:1]


@pytest.mark.parametrize(
    ("venue", "words"), [(_SmallVenue, "1 instrument."), (ScriptedVenue, "2 instruments.")]
)
def test_it_says_how_many_instruments_there_are(
    tmp_path: Path, venue: type[ScriptedVenue], words: str
) -> None:
    async def test() -> None:
        async with Bench(tmp_path, venue()) as b:
            assert f"The engine is ready: {words}" in b.notices().splitlines()

    run(test())


def test_an_order_goes_all_the_way_and_back(tmp_path: Path) -> None:
    async def test() -> None:
        async with Bench(tmp_path) as b:
            b.venue.quote()
            new = order(qty=10)
            b.send(new)
            assert await b.until(lambda: b.status(new.cl_ord_id) is OrdStatus.NEW)
            (sent,) = b.venue.sent
            assert isinstance(sent, VenueNew)
            b.venue.fill(sent.order, 4, 9_999, 4)
            b.venue.fill(sent.order, 6, 10_000, 10)
            assert await b.until(lambda: b.status(new.cl_ord_id) is OrdStatus.FILLED)
            stores = b.client.stores
            position = stores.position("PAPER-1", "ABC.V")
            assert position is not None
            assert (position.qty, position.cost) == (10, 4 * 9_999 + 6 * 10_000)
            assert len(stores.fills) == 2
            story = [u.exec_type.name for u in stores.stories[new.cl_ord_id]]
            assert story == ["PENDING_NEW", "NEW", "TRADE", "TRADE"]

    run(test())


def test_what_is_sent_is_in_the_journal_before(tmp_path: Path) -> None:
    async def test() -> None:
        b = Bench(tmp_path)
        seen: list[bool] = []

        def look(request: VenueRequest) -> None:
            recorded = [m for _, _, m in b.engine.journal.replay()]
            name = request.order.cl_ord_id
            seen.append(any(isinstance(m, NewOrder) and m.cl_ord_id == name for m in recorded))

        b.venue.before_send = look
        async with b:
            b.venue.quote()
            b.send(order())
            assert await b.until(lambda: b.venue.sent)
        assert seen == [True]

    run(test())


def test_the_quote_that_an_order_was_decided_on_is_in_the_journal(tmp_path: Path) -> None:
    async def test() -> None:
        async with Bench(tmp_path) as b:
            for i in range(50):
                b.venue.quote(10_000 + i, 10_001 + i)
            b.send(order(price=10_020))
            assert await b.until(lambda: b.venue.sent)
            b.send(order(price=10_020))
            assert await b.until(lambda: len(b.venue.sent) == 2)
            recorded = [m for _, _, m in b.engine.journal.replay()]
            quotes = [m for m in recorded if isinstance(m, Quote)]
            assert [q.bid for q in quotes] == [10_049]
            assert recorded.index(quotes[0]) < next(
                i for i, m in enumerate(recorded) if isinstance(m, NewOrder)
            )

    run(test())


def test_a_restart_brings_everything_back(tmp_path: Path) -> None:
    async def test() -> None:
        async with Bench(tmp_path) as b:
            b.venue.quote()
            resting, filled = order(qty=7), order(qty=5, price=10_001)
            b.send(resting)
            b.send(filled)
            assert await b.until(lambda: len(b.venue.sent) == 2)
            b.venue.fill(b.venue.sent[1].order, 5, 10_001, 5)
            assert await b.until(lambda: b.status(filled.cl_ord_id) is OrdStatus.FILLED)
            digest = b.engine.kernel.digest()
            orders = {o.cl_ord_id: o for o in b.client.stores.orders}
            positions = {p.instrument: p.qty for p in b.client.stores.positions}
            cash = next(iter(b.client.stores.accounts)).cash
        again = ScriptedVenue()
        there = b.venue.sent[0].order
        again.listed = [
            VenueOrder(
                there.cl_ord_id,
                f"V-{there.cl_ord_id}",
                there.instrument,
                there.side,
                there.qty,
                there.price,
                0,
            )
        ]
        async with Bench(tmp_path, again) as c:
            assert [o.cl_ord_id for o in again.resumed] == [resting.cl_ord_id]
            assert again.marks == {"ABC.V": 10_000}
            back = {o.cl_ord_id: o for o in c.client.stores.orders}
            assert back == orders
            assert {p.instrument: p.qty for p in c.client.stores.positions} == positions
            assert next(iter(c.client.stores.accounts)).cash == cash
            assert again.sent == []  # nothing is sent twice
            assert digest  # the state before was dumped without error
            c.send(CancelOrder(IDS.next(), resting.cl_ord_id))
            assert await c.until(lambda: c.status(resting.cl_ord_id) is OrdStatus.CANCELED)
            c.send(resting)
            assert await c.until(lambda: len(c.client.stores.refusals) == 1)
            assert len(again.sent) == 1

    run(test())


def test_a_handler_that_raises_is_reported_and_nobody_else_notices(tmp_path: Path) -> None:
    async def test() -> None:
        async with Bench(tmp_path) as b:
            seen: list[Quote] = []

            def broken(quote: Quote) -> None:
                raise RuntimeError("broken handler")

            b.engine.bus.subscribe(Quote, broken)
            b.engine.bus.subscribe(Quote, seen.append, "ABC.V")
            b.venue.quote()
            new = order()
            b.send(new)
            assert await b.until(lambda: b.status(new.cl_ord_id) is OrdStatus.NEW)
            assert len(seen) == 1
            assert await b.until(lambda: "broken handler" in b.notices())
            assert await b.until(lambda: b.client.stores.engine.errors > 0)

    run(test())


def test_many_errors_are_counted_and_not_all_shown(tmp_path: Path) -> None:
    async def test() -> None:
        async with Bench(tmp_path) as b:
            b.engine.bus.subscribe(Quote, lambda q: 1 / 0)
            for i in range(200):
                b.venue.quote(10_000 + i)
            assert await b.until(lambda: b.client.stores.engine.errors >= 200)
            assert b.notices().count("division by zero") <= 40

    run(test())


def test_flatten_uses_the_newest_price_and_kill_takes_orders_back(tmp_path: Path) -> None:
    async def test() -> None:
        async with Bench(tmp_path) as b:
            venue = b.venue
            venue.quote()
            new, rest = order(qty=10, price=10_001), order(qty=3, price=9_990)
            b.send(new)
            b.send(rest)
            assert await b.until(lambda: len(venue.sent) == 2)
            venue.fill(venue.sent[0].order, 10, 10_001, 10)
            venue.quote(10_500, 10_502)
            b.send(Flatten(IDS.next(), "PAPER-1"))
            assert await b.until(lambda: len(venue.sent) >= 4)
            assert isinstance(venue.sent[2], VenueCancel)
            closing = venue.sent[3].order
            assert (closing.side, closing.qty) == (Side.SELL, 10)
            venue.fill(closing, 10, 10_500, 10)
            assert await b.until(
                lambda: (p := b.client.stores.position("PAPER-1", "ABC.V")) and p.qty == 0
            )
            b.send(Kill(IDS.next(), 2, reason="test"))
            assert await b.until(
                lambda: next(iter(b.client.stores.accounts)).state is TradingState.REDUCING
            )

    run(test())


def test_a_venue_that_halts_a_market_stops_orders_in_it(tmp_path: Path) -> None:
    async def test() -> None:
        async with Bench(tmp_path) as b:
            venue, now = b.venue, time.time_ns()
            venue.quote()
            venue.market(StatusUpdate("ABC.V", now, now, MarketStatus.HALTED, "News."))
            new = order()
            b.send(new)
            assert await b.until(lambda: b.status(new.cl_ord_id) is OrdStatus.REJECTED)
            assert b.client.stores.orders[new.cl_ord_id].code == "NOT_TRADABLE"
            assert venue.sent == []

    run(test())


def test_what_is_held_is_marked_anew_and_a_close_has_the_price_of_this_moment(
    tmp_path: Path,
) -> None:
    async def test() -> None:
        async with Bench(tmp_path) as b:
            venue = b.venue
            venue.quote()
            b.send(order(qty=10, price=10_001))
            assert await b.until(lambda: venue.sent)
            venue.fill(venue.sent[0].order, 10, 10_001, 10)
            venue.quote(10_500, 10_502)
            assert await b.until(lambda: b.engine.kernel.marks()["ABC.V"] == 10_501)
            venue.quote(10_600, 10_602)
            b.engine.submit(Flatten(IDS.next(), "PAPER-1"))
            assert b.engine.kernel.marks()["ABC.V"] == 10_601

    run(test())


def test_cancel_all(tmp_path: Path) -> None:
    async def test() -> None:
        async with Bench(tmp_path) as b:
            b.venue.quote()
            names = [order(price=9_990 + i) for i in range(20)]
            for new in names:
                b.send(new)
            assert await b.until(lambda: len(b.venue.sent) == 20)
            b.send(CancelAll(IDS.next(), "PAPER-1"))
            assert await b.until(
                lambda: all(b.status(n.cl_ord_id) is OrdStatus.CANCELED for n in names)
            )

    run(test())


def test_commands_for_others_are_recorded_and_answered(tmp_path: Path) -> None:
    async def test() -> None:
        async with Bench(tmp_path) as b:
            turn = SetStrategyMode(IDS.next(), "nobody", StrategyMode.AUTO)
            b.send(turn)
            assert await b.until(lambda: b.client.stores.refusals.get(turn.id))
            pause = VenueControl(IDS.next(), "V", "pause")
            seek = VenueControl(IDS.next(), "V", "seek", 5.0)
            nowhere = VenueControl(IDS.next(), "W", "pause")
            for command in (pause, seek, nowhere):
                b.send(command)
            assert await b.until(lambda: b.client.stores.refusals.get(nowhere.id))
            assert b.client.stores.refusals.get(pause.id) is None
            assert "“seek” is not possible" in b.client.stores.refusals[seek.id].text
            assert b.venue.controls == [pause, seek]
            recorded = [m for _, _, m in b.engine.journal.replay()]
            assert turn in recorded
            assert pause in recorded

    run(test())


def test_limits_in_use_are_told_when_they_change(tmp_path: Path) -> None:
    async def test() -> None:
        async with Bench(tmp_path) as b:
            b.venue.quote()
            b.send(order())
            key = "account|PAPER-1|max_open_orders"
            assert await b.until(
                lambda: (u := b.client.stores.limits.get(key)) is not None and u.used == 1
            )
            taken = b.client.stores.events_taken
            await asyncio.sleep(0.6)
            b.client.poll()
            assert b.client.stores.events_taken == taken  # nothing changed, nothing told

    run(test())


def test_the_first_state_of_a_long_day_comes_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.services.records.AT_ONCE", 10)
    monkeypatch.setattr("core.services.records.PIECE", 7)

    async def test() -> None:
        async with Bench(tmp_path) as b:
            b.venue.quote()
            for n in range(30):
                new = order(qty=1, price=10_001 + n % 5)
                b.send(new)
                assert await b.until(lambda n=new: b.status(n.cl_ord_id) is OrdStatus.NEW)
                b.venue.fill(b.venue.sent[-1].order, 1, 10_001, 1)
            working = order(price=9_990)
            b.send(working)
            assert await b.until(lambda: b.status(working.cl_ord_id) is OrdStatus.NEW)
            other = b.engine.client("second")
            other.connect()

            def whole() -> bool:
                other.poll()
                return len(other.stores.fills) == 30 and len(other.stores.orders) == 31

            assert await b.until(whole)
            assert list(other.stores.fills) == list(b.client.stores.fills)
            assert {o.cl_ord_id: o for o in other.stores.orders} == {
                o.cl_ord_id: o for o in b.client.stores.orders
            }
            other.close()

    run(test())


def test_on_the_simulated_market_every_fill_is_in_the_books_exactly(tmp_path: Path) -> None:
    async def test() -> None:
        venues = default_market(3)
        async with Bench(tmp_path, *venues) as b:
            stores = b.client.stores
            opening = dict(next(iter(stores.accounts)).cash)
            b.client.subscribe(
                Subscribe(
                    quotes=("*",),
                    depth=("BTC-USD.ALPHA",),
                    trades=("BTC-USD.ALPHA",),
                    bars=(("BTC-USD.ALPHA", "1m"),),
                )
            )
            assert await b.until(lambda: len(stores.tickers) == 12)
            assert await b.until(lambda: len(stores.bars.get(("BTC-USD.ALPHA", "1m"), ())) > 10)
            assert await b.until(lambda: "BTC-USD.ALPHA" in stores.tapes)
            assert len(stores.depth["BTC-USD.ALPHA"].bid_price) > 5
            for side in (Side.BUY, Side.SELL, Side.BUY):
                new = order(
                    side,
                    100,
                    0,
                    instrument="BTC-USD.ALPHA",
                    ord_type=OrdType.MARKET,
                    tif=TimeInForce.IOC,
                )
                b.send(new)
                assert await b.until(lambda n=new: b.status(n.cl_ord_id) is OrdStatus.FILLED)
            position = stores.position("PAPER-1", "BTC-USD.ALPHA")
            assert position is not None
            assert position.qty == 100
            instrument = stores.instruments["BTC-USD.ALPHA"]
            flow = sum(-f.side.sign * f.price * f.qty for f in stores.fills)
            fees = sum(f.fee for f in stores.fills)
            assert position.realised - position.cost == flow
            cash = next(iter(stores.accounts)).cash["USD"]
            assert cash == opening["USD"] + instrument.money(flow) - fees
            assert stores.engine.round_trip_p50 > 0 or await b.until(
                lambda: stores.engine.round_trip_p50 > 0
            )

    run(test())


def test_a_link_update_of_the_journal_is_named(tmp_path: Path) -> None:
    async def test() -> None:
        async with Bench(tmp_path) as b:
            b.venue.events(LinkUpdate("something else", 1, LinkState.STALE, "odd"))
            assert await b.until(
                lambda: (x := b.client.stores.links.get("V")) and x.state is LinkState.STALE
            )

    run(test())
