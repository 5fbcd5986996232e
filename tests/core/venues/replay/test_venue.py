from __future__ import annotations

import asyncio
import contextlib
import math
import time
from decimal import Decimal
from itertools import pairwise

import msgspec
import numpy as np
import pytest

from core.model.commands import VenueControl
from core.model.enums import (
    ExecType,
    LinkState,
    MarketStatus,
    Mode,
    OrdStatus,
    OrdType,
    Side,
    Source,
    TimeInForce,
)
from core.model.events import CancelReject, ExecutionReport, LinkUpdate
from core.model.instruments import Instrument
from core.model.market import BookUpdate, Quote, StatusUpdate, Trade, TradeHistory
from core.model.orders import Order
from core.model.requests import VenueCancel, VenueNew
from core.venues.replay.framed import Recorder
from core.venues.replay.recording import open_recording
from core.venues.replay.venue import AS_FAST_AS_POSSIBLE, ReplayVenue
from core.venues.venue import Venue

T0 = 1_723_161_600_000_000_000
MS = 1_000_000
SECOND = 1_000 * MS
ABC = Instrument("ABC.X", "ABC", "X", Decimal("0.01"), Decimal(1), "USD")


def market(count=100, step=100 * MS):
    """A book that moves up by a tick with each trade, one every `step`."""
    yield BookUpdate(ABC.id, T0, T0, [(1, 1000, 10), (2, 1002, 10)], True)
    yield Quote(ABC.id, T0, T0, 1000, 10, 1002, 10)
    for n in range(1, count):
        at = T0 + n * step
        yield Trade(ABC.id, at, at, 1001 + n, 3, 1, str(n))
        levels = [(2, 1001 + n, 0), (2, 1002 + n, 10), (1, 1000 + n, 10), (1, 999 + n, 0)]
        yield BookUpdate(ABC.id, at, at, levels)
        yield Quote(ABC.id, at, at, 1000 + n, 10, 1002 + n, 10)


@pytest.fixture
def recording(tmp_path):
    recorder = Recorder(tmp_path / "day.rec", [ABC])
    for message in market():
        recorder.write(message)
    recorder.close()
    return open_recording(tmp_path / "day.rec")


class Seat:
    """Someone who watches a venue and trades there."""

    def __init__(self, venue):
        self.venue = venue
        self.market = []
        self.times = []
        self.events = []

    def saw(self, message):
        self.market.append(message)
        self.times.append(self.venue.now())

    @property
    def reports(self):
        return [e for e in self.events if isinstance(e, ExecutionReport | CancelReject)]

    @property
    def states(self):
        return [e.state for e in self.events if isinstance(e, LinkUpdate)]

    def of(self, kind):
        return [message for message in self.market if isinstance(message, kind)]

    async def until(self, done):
        deadline = time.monotonic() + 20
        while not done():
            assert time.monotonic() < deadline, self.events[-3:]
            await asyncio.sleep(0.001)

    def control(self, action, value=0.0):
        return self.venue.control(VenueControl("c", self.venue.name, action, value))

    async def seek(self, at):
        """Seek, and return what was said of the new place."""
        count = len(self.market)
        assert self.control("seek", float(at)) == ""
        await self.until(lambda: any(isinstance(m, Quote) for m in self.market[count:]))
        return self.market[count:]


@contextlib.asynccontextmanager
async def seated(recording, **options):
    venue = ReplayVenue(recording, **options)
    seat = Seat(venue)
    await venue.start(seat.saw, seat.events.append)
    try:
        yield seat
    finally:
        await venue.stop()


def new(name="a", side=Side.BUY, qty=5, price=1000, kind=OrdType.LIMIT):
    return VenueNew(
        Order(
            cl_ord_id=name,
            account="main",
            instrument=ABC.id,
            side=side,
            ord_type=kind,
            qty=qty,
            price=price,
            stop_price=0,
            tif=TimeInForce.GTC,
            post_only=False,
            reduce_only=False,
            source=Source.USER,
            trader="",
            strategy="",
            status=OrdStatus.PENDING_NEW,
            created=0,
            updated=0,
        )
    )


def test_everything_is_played_in_order_and_then_it_ends(recording):
    async def run():
        async with seated(recording, speed=AS_FAST_AS_POSSIBLE) as seat:
            await seat.until(lambda: seat.venue.ended)
            return seat

    seat = asyncio.run(run())
    status, *rest = seat.market
    assert (status.instrument, status.status) == (ABC.id, MarketStatus.OPEN)
    assert rest == list(market())
    assert seat.states == [LinkState.UP, LinkState.ENDED]
    assert [m.received for m in rest] == seat.times[1:]  # the clock is that of the recording
    venue: Venue = seat.venue
    assert venue.mode is Mode.REPLAY
    assert [i.id for i in venue.instruments()] == [ABC.id]


def test_the_pace_is_the_recorded_one_times_the_speed(recording):
    async def run():
        async with seated(recording, speed=20.0) as seat:
            begin = time.monotonic()
            await seat.until(lambda: len(seat.of(Trade)) >= 60)  # six recorded seconds
            return time.monotonic() - begin, seat

    took, seat = asyncio.run(run())
    assert took > 0.29  # 6 s / 20, and never early; how late depends on the machine
    for message, now in zip(seat.market[1:], seat.times[1:], strict=True):
        assert message.received <= now


def test_the_clock_waits_for_who_is_slow(recording):
    async def run():
        async with seated(recording, speed=1000.0) as seat:
            watch = seat.saw

            def slow(message):
                time.sleep(0.002)
                watch(message)

            seat.venue._market = slow
            await seat.until(lambda: seat.venue.ended)
            return seat

    seat = asyncio.run(run())
    assert [m for m in seat.market if not isinstance(m, StatusUpdate)] == list(market())
    for message, now in zip(seat.market[1:], seat.times[1:], strict=True):
        assert now == message.received  # recorded time never ran ahead of what had happened


def test_the_loop_is_never_held_up_for_long(recording):
    async def run():
        async with seated(recording, speed=AS_FAST_AS_POSSIBLE) as seat:
            watch = seat.saw

            def slow(message):
                time.sleep(0.0005)
                watch(message)

            seat.venue._market = slow
            turns = []
            while not seat.venue.ended:
                turns.append(len(seat.market))
                await asyncio.sleep(0)
            return turns

    turns = asyncio.run(run())
    # Between two turns of the loop there are as many messages as fit into a millisecond or so.
    assert max(later - sooner for sooner, later in pairwise(turns)) <= 8


def test_pause_play_and_speed(recording):
    async def run():
        async with seated(recording, speed=20.0) as seat:
            await seat.until(lambda: len(seat.of(Trade)) > 3)
            assert seat.control("pause") == ""
            assert seat.venue.paused
            now, count = seat.venue.now(), len(seat.market)
            for _ in range(20):
                await asyncio.sleep(0.005)
            assert (seat.venue.now(), len(seat.market)) == (now, count)
            assert seat.control("speed", math.inf) == ""
            assert seat.control("play") == ""
            await seat.until(lambda: seat.venue.ended)
            assert "ended" in seat.control("play")
            return seat

    seat = asyncio.run(run())
    assert seat.market[1:] == list(market())


@pytest.mark.parametrize(
    ("action", "value", "said"),
    [
        ("speed", 0.0, "speed of 0 is not possible"),
        ("speed", -1.0, "not possible"),
        ("speed", 5000.0, "not possible"),
        ("speed", math.nan, "not possible"),
        ("seek", 0.0, "is not in the recording"),
        ("seek", math.nan, "nan is not in the recording"),
        ("seek", float(T0 + 3600 * SECOND), "2024-08-09 00:00:00.000 UTC to"),
        ("rewind", 0.0, "is not pause, play, speed, seek or next"),
    ],
)
def test_wrong_controls_are_sentences_and_change_nothing(recording, action, value, said):
    venue = ReplayVenue(recording, speed=2.0)
    assert said in venue.control(VenueControl("c", "X", action, value))
    assert venue.speed == 2.0


def test_wrong_options_are_sentences(recording):
    for options in ({"speed": 0.0}, {"start": 5}, {"latency": -1}):
        with pytest.raises(ValueError, match=r"not|cannot"):
            ReplayVenue(recording, **options)


def test_next_goes_from_trade_to_trade_until_there_is_none(tmp_path):
    """Two quiet hours, a trade of another instrument, two of this one."""
    other = msgspec.structs.replace(ABC, id="XYZ.X", symbol="XYZ")
    recorder = Recorder(tmp_path / "quiet.rec", [ABC, other])
    recorder.write(Quote(ABC.id, T0, T0, 1000, 10, 1002, 10))
    times = [T0 + hours * 3_600 * SECOND for hours in (2, 3, 4)]
    for name, at in zip((other.id, ABC.id, ABC.id), times, strict=True):
        recorder.write(Trade(name, at, at, 1001, 3, 1, str(at)))
    recorder.close()

    async def run():
        async with seated(open_recording(tmp_path / "quiet.rec"), paused=True) as seat:

            def ask(instrument):
                return seat.venue.control(VenueControl("c", "X", "next", 0.0, 0, instrument))

            places = []
            for instrument in ("", ABC.id, ABC.id):
                count = len(seat.of(TradeHistory))
                assert ask(instrument) == ""
                await seat.until(lambda count=count: len(seat.of(TradeHistory)) >= count + 2)
                places.append(seat.venue.now())
            assert len(seat.of(TradeHistory)[-2].price) == 2 * 8  # the trade gone to is there
            return places, ask(ABC.id)

    places, said = asyncio.run(run())
    assert places == times
    assert said == "There is no later trade of ABC.X in the recording."


@pytest.mark.parametrize("step", [0, 1, 37, 99])
def test_a_seek_tells_the_whole_state_of_that_time(recording, step):
    async def run():
        async with seated(recording, speed=AS_FAST_AS_POSSIBLE) as seat:
            await seat.until(lambda: seat.venue.ended)
            seat.control("pause")
            told = await seat.seek(T0 + step * 100 * MS)
            assert step == 99 or not seat.venue.ended
            return told, seat

    told, seat = asyncio.run(run())
    status, history, book, quote = told
    assert isinstance(status, StatusUpdate)
    assert isinstance(history, TradeHistory)
    prices = np.frombuffer(history.price, "<i8").tolist()
    assert prices == [1001 + n for n in range(1, step + 1)]
    assert book.snapshot
    assert set(book.levels) == {(1, 1000 + step, 10), (2, 1002 + step, 10)}
    assert (quote.bid, quote.ask, quote.received) == (
        1000 + step,
        1002 + step,
        T0 + step * 100 * MS,
    )
    assert seat.states == [LinkState.UP, LinkState.ENDED, LinkState.ENDED, LinkState.UP]


def test_after_a_seek_it_plays_on_from_there(recording):
    async def run():
        async with seated(recording, speed=AS_FAST_AS_POSSIBLE) as seat:
            await seat.until(lambda: seat.venue.ended)
            count = len(seat.market)
            seat.control("seek", float(T0 + 90 * 100 * MS))
            await seat.until(lambda: seat.states.count(LinkState.ENDED) == 2)
            return seat.market[count + 4 :]

    assert asyncio.run(run()) == list(market())[2 + 90 * 3 :]


def test_starting_in_the_middle_and_paused(recording):
    async def run():
        async with seated(recording, start=T0 + 5 * SECOND + 1, paused=True) as seat:
            assert seat.venue.now() == T0 + 5 * SECOND + 1
            return seat.market

    _, history, _, quote = asyncio.run(run())
    assert len(history.price) == 8 * 50
    assert quote.bid == 1050


def test_an_order_fills_against_the_replay(recording):
    async def run():
        async with seated(recording, speed=AS_FAST_AS_POSSIBLE, paused=True) as seat:
            seat.venue.send(new("rest", Side.SELL, qty=5, price=1010))
            seat.venue.send(new("take", Side.BUY, qty=4, price=1002))
            await seat.until(lambda: len(seat.reports) == 3)
            seat.control("play")
            await seat.until(lambda: seat.venue.ended)
            return seat.reports

    reports = asyncio.run(run())
    assert [(r.cl_ord_id, r.exec_type, r.last_price, r.last_qty) for r in reports] == [
        ("rest", ExecType.NEW, 0, 0),
        ("take", ExecType.NEW, 0, 0),
        ("take", ExecType.TRADE, 1002, 4),
        # It came to an empty level, so the first trade there fills it, and one through it.
        ("rest", ExecType.TRADE, 1010, 3),
        ("rest", ExecType.TRADE, 1010, 2),
    ]
    assert [report.ts for report in reports[3:]] == [T0 + 900 * MS, T0 + 1000 * MS]
    assert reports[-1].status is OrdStatus.FILLED


def test_orders_arrive_after_their_latency(recording):
    async def run():
        options = {"speed": AS_FAST_AS_POSSIBLE, "latency": 250 * MS}
        async with seated(recording, **options) as seat:
            watch = seat.saw

            def trader(message):
                watch(message)
                if isinstance(message, Trade) and message.trade_id == "10":
                    seat.venue.send(new("a", price=900))
                    seat.listed = asyncio.ensure_future(seat.venue.working_orders())

            seat.venue._market = trader
            await seat.until(lambda: seat.venue.ended)
            return seat, await seat.listed

    seat, listed = asyncio.run(run())
    assert seat.reports[0].ts == T0 + 1_000 * MS + 250 * MS
    assert [order.cl_ord_id for order in listed] == ["a"]  # on its way is not lost
    assert seat.reports[-1].text == "The recording has ended."


def test_a_seek_cancels_orders_and_refuses_those_on_their_way(recording):
    async def run():
        async with seated(recording, speed=0.1, latency=3600 * SECOND) as seat:
            seat.control("pause")
            seat.venue.send(new("resting", price=900))
            await seat.until(lambda: seat.reports)
            seat.control("play")
            seat.venue.send(new("under way"))
            seat.venue.send(VenueCancel(new("resting").order, "c1"))
            await seat.seek(T0 + SECOND)
            return seat

    seat = asyncio.run(run())
    assert [(r.cl_ord_id, r.status) for r in seat.reports] == [
        ("resting", OrdStatus.NEW),
        ("resting", OrdStatus.CANCELED),
        ("under way", OrdStatus.REJECTED),
        ("resting", OrdStatus.CANCELED),
    ]
    assert isinstance(seat.reports[-1], CancelReject)
    assert all("replay moved to 2024-08-09 00:00:01" in r.text for r in seat.reports[1:])


def test_after_the_end_orders_are_refused_in_words(recording):
    async def run():
        async with seated(recording, speed=AS_FAST_AS_POSSIBLE) as seat:
            await seat.until(lambda: seat.venue.ended)
            seat.venue.send(new("late"))
            await seat.until(lambda: seat.reports)
            return seat.reports

    (report,) = asyncio.run(run())
    assert report.status is OrdStatus.REJECTED
    assert "has ended" in report.text


def test_working_orders_come_back_after_a_restart(recording):
    async def run():
        venue = ReplayVenue(recording, paused=True)
        seat = Seat(venue)
        venue.resume([new("old", price=900).order], {ABC.id: 1000})
        await venue.start(seat.saw, seat.events.append)
        listed = await venue.working_orders()
        await venue.stop()
        return listed, seat.reports

    listed, reports = asyncio.run(run())
    assert [order.cl_ord_id for order in listed] == ["old"]
    assert [report.exec_type for report in reports] == [ExecType.NEW]


def test_fees_of_ones_own(recording):
    venue = ReplayVenue(recording, maker_fee=Decimal("0.001"), taker_fee=Decimal("0.002"))
    instrument = venue.instruments()[0]
    assert (instrument.maker_fee, instrument.taker_fee) == (Decimal("0.001"), Decimal("0.002"))


def test_two_runs_with_the_same_orders_report_the_same(recording):
    def one():
        async def run():
            async with seated(recording, speed=AS_FAST_AS_POSSIBLE) as seat:
                watch = seat.saw

                def trader(message):
                    watch(message)
                    if isinstance(message, Quote) and message.bid % 7 == 0:
                        number = len(seat.reports)
                        seat.venue.send(new(f"b{message.bid}-{number}", price=message.bid + 2))
                        seat.venue.send(
                            new(f"s{message.bid}-{number}", Side.SELL, price=message.ask + 1)
                        )

                seat.venue._market = trader
                await seat.until(lambda: seat.venue.ended)
                return seat.events

        return asyncio.run(run())

    first = one()
    assert first == one()
    assert sum(getattr(event, "last_qty", 0) for event in first) > 20


def test_a_sink_that_fails_ends_the_replay_with_a_word(recording):
    async def run():
        venue = ReplayVenue(recording, speed=AS_FAST_AS_POSSIBLE)
        seat = Seat(venue)

        def broken(message):
            if isinstance(message, Trade):
                raise RuntimeError("broken")

        await venue.start(broken, seat.events.append)
        await seat.until(lambda: LinkState.DOWN in seat.states)
        await venue.stop()
        return seat.events[-1].text

    assert "broken" in asyncio.run(run())


def test_the_recorded_market_at_full_speed(recorded):
    recording = open_recording(recorded("binance/spot_btcusdt_20240809.gz"))

    async def run():
        async with seated(recording, speed=AS_FAST_AS_POSSIBLE) as seat:
            await seat.until(lambda: seat.venue.ended)
            played = seat.market
            middle = (recording.start + recording.end) // 2
            seat.control("pause")
            return played, await seat.seek(middle), middle

    played, told, middle = asyncio.run(run())
    trades = [m for m in played if isinstance(m, Trade) and m.received <= middle]
    _, history, book, quote = (m for m in told if not isinstance(m, Trade))
    assert np.frombuffer(history.price, "<i8").tolist() == [m.price for m in trades]
    bids = [price for side, price, _ in book.levels if side == 1]
    assert max(bids) == quote.bid


def test_a_statement_tells_what_became_of_orders_and_lists_executions(recording):
    async def run():
        async with seated(recording, speed=0.1, start=T0 + SECOND) as seat:
            seat.control("pause")
            seat.venue.send(new("resting", price=900))
            seat.venue.send(new("bought", price=10_000, qty=1))
            seat.venue.send(new("over", price=900))
            seat.venue.send(VenueCancel(new("over").order, "c1"))
            await seat.until(lambda: [r for r in seat.reports if r.status is OrdStatus.CANCELED])
            return seat, await seat.venue.statement(0, ["bought", "over", "resting", "nobody"])

    seat, told = asyncio.run(run())
    fills = [r for r in seat.reports if getattr(r, "last_qty", 0)]
    assert fills
    assert list(told.executions) == fills
    assert [o.cl_ord_id for o in told.orders] == ["resting"]
    became = {o.cl_ord_id: (o.status, o.cum_qty, o.notional) for o in told.asked}
    assert became == {
        "bought": (OrdStatus.FILLED, 1, sum(r.last_price * r.last_qty for r in fills)),
        "over": (OrdStatus.CANCELED, 0, 0),
        "resting": (OrdStatus.NEW, 0, 0),
    }
    assert told.positions is None
    assert told.balances is None
