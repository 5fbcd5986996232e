"""What the engine did not see, and older bars, through a real engine and its client."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import numpy as np

from core.marketdata.frames import FIRST_BARS
from core.model.enums import LinkState
from core.model.market import Trade, TradeHistory
from core.model.session import OlderBars, Subscribe
from core.services.past import Past, with_gap
from tests.core.services.helpers import Bench, ScriptedVenue

SECOND = 1_000_000_000
KEY = ("ABC.V", "1s")


def past_of(count: int, end: int) -> TradeHistory:
    ts = end - SECOND * np.arange(count, 0, -1)
    columns = (ts, np.full(count, 100), np.ones(count), np.ones(count))
    ts_, price, qty, side = (c.astype("<i8").tobytes() for c in columns)
    return TradeHistory("ABC.V", ts_, price, qty, side)


def trade(venue: ScriptedVenue, price: int = 100) -> None:
    now = time.time_ns()
    venue.market(Trade("ABC.V", now, now, price, 1, 1))


def test_older_bars_come_in_pieces_on_demand(tmp_path: Path) -> None:
    async def script() -> None:
        async with Bench(tmp_path) as bench:
            bench.venue.market(past_of(20_000, time.time_ns()))
            client = bench.client
            client.subscribe(Subscribe(bars=(KEY,)))
            bars = client.stores.bars
            assert await bench.until(lambda: KEY in bars and len(bars[KEY]))
            # twenty thousand seconds, and one or two of them begun late or not yet over
            assert len(bars[KEY]) == FIRST_BARS
            first = bars[KEY].first
            newest = bars[KEY]["ts"].copy()
            assert client.ask(OlderBars(*KEY, 0))
            sizes = set()

            def all_there() -> bool:
                sizes.add(len(bars[KEY]))
                return bars[KEY].first == 0

            assert await bench.until(all_there)
            assert len(sizes) > 3, "not all at once"
            assert bars[KEY]["ts"][first : first + FIRST_BARS].tolist() == newest.tolist()
            assert set(np.diff(bars[KEY]["ts"])) == {SECOND}

    asyncio.run(script())


def test_a_link_that_was_down_leaves_a_gap_and_a_quiet_one_none(tmp_path: Path) -> None:
    async def script() -> None:
        async with Bench(tmp_path) as bench:
            venue, stores = bench.venue, bench.client.stores
            bench.client.subscribe(Subscribe(bars=(KEY,)))
            trade(venue)
            assert await bench.until(lambda: KEY in stores.bars and len(stores.bars[KEY]))
            before = time.time_ns()
            venue.link(LinkState.UP, "still here")
            trade(venue)
            venue.link(LinkState.DOWN, "gone")
            venue.link(LinkState.CONNECTING, "again")
            await asyncio.sleep(0.05)
            venue.link(LinkState.UP, "back")
            trade(venue)
            assert await bench.until(lambda: stores.bars[KEY].gaps)
            ((begin, end),) = stores.bars[KEY].gaps
            assert before <= begin < end <= time.time_ns()
            assert end - begin >= 50_000_000
            # a venue that tells its past anew leaves nothing unknown
            venue.link(LinkState.DOWN, "gone")
            venue.market(past_of(100, time.time_ns()))
            venue.link(LinkState.UP, "back")
            assert await bench.until(lambda: len(stores.bars[KEY]) >= 100)
            assert stores.bars[KEY].gaps == ()

    asyncio.run(script())


async def _gap_after(bench: Bench, heard: int, *states: LinkState) -> tuple[int, int]:
    """The gap that is shown when a link went through these states and came up again. The last
    trade before was heard at `heard`; one more comes after the first of them."""
    venue, stores = bench.venue, bench.client.stores
    bench.client.subscribe(Subscribe(bars=(KEY,)))
    venue.market(Trade("ABC.V", heard, heard, 100, 1, 1))
    assert await bench.until(lambda: KEY in stores.bars and len(stores.bars[KEY]))
    for number, state in enumerate(states):
        venue.link(state)
        if not number:
            trade(venue, 101)
    venue.link(LinkState.UP, "back")
    assert await bench.until(lambda: stores.bars[KEY].gaps)
    (gap,) = stores.bars[KEY].gaps
    return gap


def test_a_gap_begins_with_the_last_word_and_not_when_the_silence_is_noticed(
    tmp_path: Path,
) -> None:
    """A dead link is noticed late: what was traded meanwhile was not seen either."""

    async def script() -> None:
        async with Bench(tmp_path) as bench:
            noticed = time.time_ns()
            begin, end = await _gap_after(bench, noticed - 40 * SECOND, LinkState.DOWN)
            assert begin == noticed - 40 * SECOND
            assert noticed < end <= time.time_ns()

    asyncio.run(script())


def test_a_word_on_a_broken_link_does_not_make_its_gap_shorter(tmp_path: Path) -> None:
    """What one trade that still comes through tells is not what came before it."""

    async def script() -> None:
        async with Bench(tmp_path) as bench:
            heard = time.time_ns() - 40 * SECOND
            states = (LinkState.CONNECTING, LinkState.DOWN, LinkState.CONNECTING)
            begin, _ = await _gap_after(bench, heard, *states)
            assert begin == heard

    asyncio.run(script())


def test_the_time_in_which_the_program_was_closed_is_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "past"

    async def live(first: bool) -> tuple[tuple[int, int], ...]:
        venue = ScriptedVenue()
        async with Bench(tmp_path, venue, past=Past(path)) as bench:
            venue.market(past_of(50, time.time_ns()))
            trade(venue)
            bench.client.subscribe(Subscribe(bars=(KEY,)))
            bars = bench.client.stores.bars
            assert await bench.until(lambda: KEY in bars and len(bars[KEY]))
            assert bool(bars[KEY].gaps) != first
            return bars[KEY].gaps

    assert asyncio.run(live(True)) == ()
    closed = time.time_ns()
    time.sleep(0.05)
    opened = time.time_ns()
    ((begin, end),) = asyncio.run(live(False))
    assert begin <= closed
    assert opened <= end <= time.time_ns()
    # the next life knows of both
    two = asyncio.run(live(False))
    assert two[0] == (begin, end)
    assert len(two) == 2


def test_a_past_of_an_earlier_version_ends_with_its_last_trade(tmp_path: Path) -> None:
    old = past_of(3, 1_700_000_000 * SECOND)
    path = tmp_path / "past"
    # the file as it was written before the time of putting away was known
    Past(path).save([old])
    (kept,) = Past(path).load().values()
    assert with_gap(kept, 1_700_000_100 * SECOND).gaps == (
        (1_699_999_999 * SECOND, 1_700_000_100 * SECOND),
    )
