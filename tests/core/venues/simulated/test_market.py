"""The simulated market itself: believable, consistent, alive, and the same for the same seed."""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.model.enums import MarketStatus, Side
from core.model.instruments import Session, TradingHours
from core.model.market import BookUpdate, Quote, StatusUpdate, Trade, TradeHistory
from core.venues.simulated import default_market

T0 = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
ACME = "ACME.TEST"


def columns(history: TradeHistory) -> list[np.ndarray[Any, Any]]:
    return [
        np.frombuffer(column, "<i8")
        for column in (history.ts, history.price, history.qty, history.aggressor)
    ]


def test_the_public_book_is_the_matching_book_and_is_never_crossed(
    make_rig: Callable[..., Any],
) -> None:
    rig = make_rig(rate=200.0).open()
    for _ in range(60):
        rig.run(1.0)
        book = rig.venue._floor.market(ACME).live.book
        book.check()
        for side in (1, 2):
            prices, qtys, _ = book.depth(side, 10_000)
            assert (
                dict(zip(prices.tolist(), qtys.tolist(), strict=True))
                == rig.books[ACME].sides[side]
            )
        quote = rig.books[ACME].quote
        assert (quote.bid, quote.bid_qty, quote.ask, quote.ask_qty) == rig.top()


def test_first_comes_the_past_then_the_status_the_book_and_the_price(
    make_rig: Callable[..., Any],
) -> None:
    rig = make_rig(rate=50.0).open()
    kinds = [type(message) for message in rig.market]
    assert kinds == [TradeHistory, StatusUpdate, BookUpdate, Quote]
    assert rig.market[2].snapshot
    ts, price, qty, aggressor = columns(rig.market[0])
    assert len(ts) > 100
    assert (np.diff(ts) >= 0).all()
    assert ts[0] >= T0 - 600 * SECOND
    assert ts[-1] < T0
    assert abs(price[-1] - 10_000) < 20
    assert (price > 0).all()
    assert (qty > 0).all()
    assert set(aggressor.tolist()) == {1, 2}


def test_the_default_market_is_believable() -> None:
    messages: dict[str, list[Any]] = {}
    levels: dict[str, list[int]] = {}
    venues = default_market(seed=5)
    for venue in venues:
        venue.open(lambda m: messages.setdefault(m.instrument, []).append(m), print, T0)
    for second in range(1, 61):
        for venue in venues:
            venue.advance(T0 + second * SECOND)
            for instrument in venue.instruments():
                book = venue._floor.market(instrument.id).live.book
                count = min(len(book.depth(1, 500)[0]), len(book.depth(2, 500)[0]))
                levels.setdefault(instrument.id, []).append(count)
    assert len(messages) == 12
    for instrument, said in messages.items():
        quotes = [m for m in said if isinstance(m, Quote)]
        assert all(q.bid_qty and q.ask_qty for q in quotes), instrument
        assert 1 <= statistics.median(q.ask - q.bid for q in quotes) <= 4, instrument
        assert 15 <= statistics.median(levels[instrument]) <= 60, instrument
        trades = [m for m in said if isinstance(m, Trade)]
        assert len(trades) > 60, instrument
        sizes = sorted(trade.qty for trade in trades)
        assert sizes[-1] >= 5 * sizes[len(sizes) // 2], instrument
    last = {name: next(m for m in reversed(messages[f"BTC-USD.{name}"]) if isinstance(m, Quote))
            for name in ("ALPHA", "BETA")}  # fmt: skip
    assert abs(last["ALPHA"].bid - last["BETA"].bid) < 0.001 * last["ALPHA"].bid


def test_a_day_passes_and_the_market_is_alive(make_rig: Callable[..., Any]) -> None:
    rig = make_rig(rate=1.5, halts_a_day=10.0)
    seen: list[Quote] = []
    trades = [0]

    def take(message: Any) -> None:
        if isinstance(message, Quote):
            seen.append(message)
        elif isinstance(message, Trade):
            trades[0] += 1

    rig.venue.open(take, rig.events.append, T0)
    for hour in range(24):
        before = trades[0]
        rig.venue.advance(T0 + (hour + 1) * 3600 * SECOND)
        assert trades[0] > before + 50
    assert all(quote.bid_qty and quote.ask_qty for quote in seen)
    assert all(8_000 < quote.bid < 12_500 for quote in seen)
    assert statistics.median(quote.ask - quote.bid for quote in seen) <= 5


def test_bursts_and_quiet_times(make_rig: Callable[..., Any]) -> None:
    rig = make_rig(rate=30.0).open()
    rig.run(900)
    per_second = np.bincount([(m.ts - T0) // SECOND for m in rig.market[4:]])
    assert per_second.max() > 5 * np.median(per_second)


def test_a_quiet_market_repeats_its_quote(still: Any) -> None:
    still.run(10)
    quotes = [m for m in still.market if isinstance(m, Quote)]
    assert len(quotes) >= 9
    assert len({(q.bid, q.bid_qty, q.ask, q.ask_qty) for q in quotes}) == 1
    assert max(b.ts - a.ts for a, b in itertools.pairwise(quotes)) <= 2 * SECOND


def test_a_halt_stops_trading_and_ends(make_rig: Callable[..., Any]) -> None:
    rig = make_rig(rate=100.0).open()
    rig.run(5)
    bid = rig.top()[0]
    resting = rig.new(Side.BUY, 10, bid - 30)
    rig.run(0)
    rig.venue.halt(ACME, 20, "Test pause.")
    halted_at = len(rig.market)
    refused = rig.new(Side.BUY, 10, bid - 30)
    rig.replace(resting, 5, bid - 31)
    rig.run(1)
    assert rig.kinds(refused) == ["REJECTED"]
    assert "Test pause." in rig.story(refused)[0].text
    assert rig.kinds(resting) == ["NEW", "REFUSED"]
    rig.cancel(resting)
    rig.run(18.9)
    assert rig.kinds(resting)[-1] == "CANCELED"
    assert not any(isinstance(m, Trade) for m in rig.market[halted_at:])
    rig.run(5)
    assert [s.status for s in rig.statuses()] == [
        MarketStatus.OPEN, MarketStatus.HALTED, MarketStatus.OPEN
    ]  # fmt: skip
    assert any(isinstance(m, Trade) for m in rig.market[halted_at:])
    rig.check_stories()


def test_halts_happen_by_themselves(make_rig: Callable[..., Any]) -> None:
    rig = make_rig(rate=2.0, halts_a_day=300.0).open()
    rig.run(3600)
    states = [s.status for s in rig.statuses()]
    assert MarketStatus.HALTED in states
    for before, after in itertools.pairwise(states):
        assert before is not after


def test_sessions_open_close_and_end_day_orders(make_rig: Callable[..., Any]) -> None:
    from core.model.enums import TimeInForce

    weekday, minute = 1, 22 * 60 + 13  # T0 is a Tuesday, 22:13:20 UTC
    hours = TradingHours("UTC", (Session(weekday, minute, minute + 3),))
    rig = make_rig(rate=20.0, hours=hours).open()
    bid = rig.top()[0]
    day = rig.new(Side.BUY, 10, bid - 50, tif=TimeInForce.DAY)
    good = rig.new(Side.BUY, 10, bid - 50)
    rig.run(300)
    assert rig.kinds(day) == ["NEW", "EXPIRED"]
    assert rig.kinds(good) == ["NEW"]
    late = rig.new(Side.BUY, 10, bid - 50)
    rig.run(1)
    assert rig.kinds(late) == ["REJECTED"]
    assert [s.status for s in rig.statuses()] == [MarketStatus.OPEN, MarketStatus.CLOSED]
    closed_at = rig.statuses()[-1].ts
    assert closed_at == T0 - T0 % (60 * SECOND) + 3 * 60 * SECOND
    assert not any(m.ts > closed_at for m in rig.trades())
    closed = make_rig(rate=20.0, hours=hours).open(T0 + 3600 * SECOND)
    assert [s.status for s in closed.statuses()] == [MarketStatus.CLOSED]


def test_two_venues_with_one_seed_and_two_with_another(make_rig: Callable[..., Any]) -> None:
    def stream(seed: int) -> list[Any]:
        rig = make_rig(rate=100.0, seed=seed).open()
        rig.run(10)
        return rig.market

    assert stream(1) == stream(1)
    assert stream(1) != stream(2)


_DIGEST = """
import hashlib
from core.model.enums import OrdStatus, OrdType, Side, Source, TimeInForce
from core.model.orders import Order
from core.model.requests import VenueCancel, VenueNew
from core.model.wire import encode
from core.venues.simulated import default_market

digest = hashlib.sha256()
def take(message):
    digest.update(encode(message))
T0 = 1_700_000_000_000_000_000
for venue in default_market(seed=3, instruments=16):
    venue.open(take, take, T0)
    for n in range(40):
        instrument = venue.instruments()[n % len(venue.instruments())]
        order = Order(
            f"P-{n}", f"A{n % 3}", instrument.id, Side(1 + n % 2), OrdType.MARKET, 5, 0, 0,
            TimeInForce.GTC, False, False, Source.USER, "", "", OrdStatus.PENDING_NEW, 0, 0,
        )
        venue.send(VenueNew(order))
        venue.send(VenueCancel(order, f"C-{n}"))
        venue.advance(venue.now + 100_000_000)
print(digest.hexdigest())
"""


def test_the_stream_does_not_depend_on_the_process() -> None:
    root = Path(__file__).resolve().parents[4]
    digests = set()
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", _DIGEST],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(done.stdout)
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 64


def test_many_instruments_are_all_quoted() -> None:
    quoted: set[str] = set()
    venues = default_market(seed=1, instruments=500, rate=500.0)
    listed = [instrument.id for venue in venues for instrument in venue.instruments()]
    assert len(listed) == len(set(listed)) == 500
    for venue in venues:
        venue.open(lambda m: quoted.add(m.instrument) if isinstance(m, Quote) else None, print, T0)
    assert quoted == set(listed)


@pytest.mark.parametrize("arguments", [{"instruments": 1}, {"rate": 0.0}])
def test_an_impossible_market_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="at least 2 instruments"):
        default_market(**arguments)


def test_sessions_can_be_switched_on() -> None:
    for hours in (False, True):
        listed = [i for v in default_market(hours=hours) for i in v.instruments()]
        assert any(i.hours.sessions for i in listed) is hours
        assert all(i.hours.sessions == () for i in listed if i.kind != "stock")
