"""The market on a running loop: paced by the clock, skipping what it missed, never blocking."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from core.model.enums import ExecType, LinkState, OrdStatus, Side
from core.model.events import ExecutionReport, LinkUpdate
from core.model.market import BookUpdate, Quote, Trade
from core.venues.simulated.timeline import Timeline

SECOND = 1_000_000_000


async def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        await asyncio.sleep(0.002)


def test_it_keeps_up_with_the_clock_and_answers_orders(make_rig: Callable[..., Any]) -> None:
    async def session() -> None:
        rig = make_rig(rate=500.0, latency=300_000)
        before = time.time_ns()
        await rig.venue.start(rig._take, rig.events.append)
        assert rig.events[0].state is LinkState.UP
        await until(lambda: len(rig.trades()) > 20, "trades")
        for message in rig.market[1:]:
            assert before <= message.ts <= message.received <= time.time_ns()
        order = rig.new(Side.BUY, 10, rig.top()[0] - 20)
        await until(lambda: rig.story(order), "the acknowledgement")
        report = rig.story(order)[0]
        assert report.exec_type is ExecType.NEW
        assert before < report.ts < report.received
        rig.cancel(order)
        await until(lambda: len(rig.story(order)) == 2, "the cancel")
        assert rig.story(order)[-1].status is OrdStatus.CANCELED
        rig.check_stories()
        await rig.venue.stop()
        said = len(rig.market)
        await asyncio.sleep(0.05)
        assert len(rig.market) == said

    asyncio.run(session())


def test_an_order_is_answered_while_the_market_sleeps(make_rig: Callable[..., Any]) -> None:
    async def session() -> None:
        rig = make_rig(latency=0)
        await rig.venue.start(rig._take, rig.events.append)
        order = rig.new(Side.BUY, 10, 5_000)
        assert not rig.story(order), "a venue never answers from inside send"
        await until(lambda: rig.story(order), "the acknowledgement")
        await rig.venue.stop()

    asyncio.run(session())


def test_what_was_missed_is_skipped(make_rig: Callable[..., Any]) -> None:
    ahead = [0]

    async def session() -> None:
        rig = make_rig(rate=1000.0, clock=lambda: time.time_ns() + ahead[0])
        await rig.venue.start(rig.market.append, rig.events.append)
        await until(lambda: len(rig.market) > 100, "life")
        resting = rig.new(Side.BUY, 10, 9_000)
        await until(lambda: rig.story(resting), "the acknowledgement")
        happened = rig.venue.happened
        ahead[0] = 3600 * SECOND
        leap = rig.venue.now + 3000 * SECOND
        await until(lambda: rig.venue.now > leap, "the leap")
        after = [m for m in rig.market if isinstance(m, Trade | BookUpdate) and m.ts > leap]
        assert rig.venue.happened - happened < 100_000
        await until(lambda: len(rig.market) > 100 + len(after), "life after the leap")
        quote = next(m for m in reversed(rig.market) if isinstance(m, Quote))
        assert quote.bid_qty
        assert quote.ask_qty
        ahead[0] = 0
        set_back = rig.venue.now
        trades = len(rig.trades())
        await until(lambda: len(rig.trades()) > trades + 10, "life after the clock was set back")
        assert rig.trades()[-1].ts > set_back
        await rig.venue.stop()

    asyncio.run(session())


def test_an_error_in_the_market_is_told(make_rig: Callable[..., Any]) -> None:
    async def session() -> None:
        rig = make_rig(rate=1000.0)
        broken = [False]

        def sink(message: Any) -> None:
            if broken[0]:
                raise RuntimeError("no room")

        await rig.venue.start(sink, rig.events.append)
        broken[0] = True
        await until(lambda: len(rig.events) > 1, "the link's end")
        last = rig.events[-1]
        assert isinstance(last, LinkUpdate)
        assert last.state is LinkState.DOWN
        assert "no room" in last.text
        await rig.venue.stop()

    asyncio.run(session())


def test_sending_too_early_and_starting_twice_are_errors(make_rig: Callable[..., Any]) -> None:
    rig = make_rig()
    assert list(asyncio.run(rig.venue.working_orders())) == []
    with pytest.raises(RuntimeError, match="has not been started"):
        rig.new(Side.BUY, 1, 1)
    rig.open()
    with pytest.raises(RuntimeError, match="started already"):
        rig.open()


def test_the_timeline_keeps_order_and_promises() -> None:
    seen: list[tuple[int, str]] = []
    timeline = Timeline()

    def happen(ts: int, whom: str) -> int:
        seen.append((ts, whom))
        return ts + 10 if whom == "again" else 0

    timeline.at(5, happen, "b")
    timeline.at(5, happen, "c")
    timeline.at(3, happen, "again")
    timeline.promise(5, happen, "d")
    assert timeline.promised == 5
    assert timeline.run(14)
    assert seen == [(3, "again"), (5, "b"), (5, "c"), (5, "d"), (13, "again")]
    assert timeline.promised == 0
    timeline.promise(20, happen, "kept")
    timeline.skip(100)
    seen.clear()
    assert timeline.run(110)
    assert seen == [(20, "kept"), (109, "again")]
    assert timeline.now == 110


def test_a_step_has_a_budget() -> None:
    timeline = Timeline()
    timeline.at(1, lambda ts, whom: ts + 1, None)
    assert not timeline.run(10**12, budget=1_000_000)
    assert 0 < timeline.now < 10**12


def test_reports_are_stamped_by_the_clock(make_rig: Callable[..., Any]) -> None:
    rig = make_rig().open()
    order = rig.new(Side.SELL, 1, 30_000)
    rig.run(0)
    (report,) = rig.story(order)
    assert isinstance(report, ExecutionReport)
    assert report.ts == report.received == rig.venue.now
