from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.client.stores import Stores
from core.marketdata import frames as frames_module
from core.marketdata.frames import ClientView
from core.model.market import BookUpdate, TradeHistory
from core.model.session import EngineView, Frame, OlderBars, Subscribe
from core.model.wire import decode_from_engine, encode
from tests.core.marketdata.markets import NOW, SECOND, Desk, history, quote, trade


def whole(making):
    """A frame, made slice by slice."""
    while True:
        try:
            next(making)
        except StopIteration as made:
            return made.value


class Reader:
    """A client: takes frames over the wire into stores."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.view = ClientView(desk.cache)
        self.stores = Stores()
        self.count = 0

    def subscribe(self, wanted: Subscribe) -> list[str]:
        problems = self.view.subscribe(wanted)
        self.finish()
        return problems

    def finish(self) -> None:
        while self.view.unfinished:
            if self.view.unfinished[0].advance():
                self.view.unfinished.pop(0)

    def read(self) -> Frame | None:
        frame = whole(self.view.make(self.count + 1, NOW))
        self.finish()
        if frame is not None:
            self.count += 1
            again = decode_from_engine(encode(frame))
            assert again == frame
            self.stores.take_frame(frame)
        return frame


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def reader(desk: Desk) -> Reader:
    return Reader(desk)


def test_nothing_wanted_nothing_sent(desk: Desk, reader: Reader) -> None:
    desk.take(quote(1))
    assert reader.read() is None


def test_the_first_frame_has_everything_wanted_and_the_next_only_changes(
    desk: Desk, reader: Reader
) -> None:
    desk.take(quote(1, name="A.X"))
    desk.take(quote(1, name="B.X"))
    reader.subscribe(Subscribe(quotes=("*",)))
    first = reader.read()
    assert first is not None
    assert [t.instrument for t in first.tickers] == ["A.X", "B.X"]
    assert reader.read() is None
    desk.take(quote(2, name="B.X"))
    assert reader.view.changed()
    second = reader.read()
    assert second is not None
    assert [t.instrument for t in second.tickers] == ["B.X"]
    assert not reader.view.changed()


def test_a_slow_reader_gets_the_newest_state_once(desk: Desk, reader: Reader) -> None:
    reader.subscribe(Subscribe(quotes=("A.X",), depth=("A.X",)))
    for i in range(1, 1000):
        desk.take(quote(i, bid=1000 + i, ask=2000 + i))
        desk.take(BookUpdate("A.X", NOW + i, NOW + i, [(1, 1000 + i, i)]))
    frame = reader.read()
    assert frame is not None
    assert len(frame.tickers) == len(frame.depth) == 1
    assert reader.stores.tickers["A.X"].bid == 1999
    assert reader.stores.depth["A.X"].bid_price[0] == 1999
    assert len(encode(frame)) < 20_000
    assert reader.read() is None


def test_depth_is_best_first_and_bounded(desk: Desk, reader: Reader) -> None:
    levels = [(1, 1000 - i, i + 1) for i in range(400)] + [(2, 2000 + i, i + 1) for i in range(400)]
    desk.take(BookUpdate("A.X", NOW, NOW, levels, True))
    reader.subscribe(Subscribe(depth=("A.X",)))
    reader.read()
    depth = reader.stores.depth["A.X"]
    assert depth.bid_price.tolist() == list(range(1000, 1000 - frames_module.DEPTH, -1))
    assert depth.ask_price.tolist() == list(range(2000, 2000 + frames_module.DEPTH))
    assert depth.ask_qty.tolist() == list(range(1, frames_module.DEPTH + 1))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 40), max_size=12), st.integers(1, 8))
def test_bars_in_pieces_are_the_whole(bursts: list[int], most: int) -> None:
    desk = Desk()
    reader = Reader(desk)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames_module, "BARS", most)
        reader.subscribe(Subscribe(bars=(("A.X", "1s"), ("A.X", "3t"))))
        at = 0
        for burst in bursts:
            for _ in range(burst):
                at += SECOND // 4
                desk.take(trade(at, 100 + at % 13, 1 + at % 3))
            reader.read()
        for _ in range(sum(bursts) + 2):
            if reader.read() is None:
                break
        assert not reader.view.changed()
        for interval in ("1s", "3t"):
            whole = desk.a.log.hold(interval).builder.columns()
            if not len(whole["open"]):
                continue
            bars = reader.stores.bars["A.X", interval]
            for name in ("open", "high", "low", "close", "volume", "buy_volume"):
                assert bars[name].tolist() == whole[name].tolist()
            assert bars["ts"].tolist() == whole["start_ts"].tolist()
            assert bars["notional"].tolist() == [int(n) for n in whole["notional"]]


def long(count: int = 25_000) -> TradeHistory:
    return history([(NOW + i * SECOND, 100 + i % 50, 1, 1) for i in range(count)])


def test_a_chart_begins_with_the_newest_bars_and_gets_older_ones_on_demand(
    desk: Desk, reader: Reader
) -> None:
    desk.take(long())
    key = ("A.X", "1s")
    reader.subscribe(Subscribe(bars=(key,)))
    frames = []
    while (frame := reader.read()) is not None:
        frames.append(frame)
    bars = reader.stores.bars[key]
    newest = 25_000 - frames_module.FIRST_BARS
    assert (len(frames), len(bars), bars.first) == (1, frames_module.FIRST_BARS, newest)
    reader.view.older(OlderBars(*key, 9_000))
    assert reader.view.changed()
    frames = []
    while (frame := reader.read()) is not None:
        frames.append(frame)
        if len(frames) < 3:
            desk.take(trade(25_000 * SECOND + len(frames), 7))  # life goes on meanwhile
    assert bars.first == 9_000
    assert len(frames) >= 3
    assert max(len(v.ts) // 8 for f in frames for v in f.bars) <= frames_module.OLDER_BARS
    reader.view.older(OlderBars(*key, -5))
    while reader.read() is not None:
        pass
    assert bars.first == 0
    whole = desk.a.log.hold("1s").builder.columns()
    for name in ("open", "high", "low", "close", "volume", "buy_volume"):
        assert bars[name].tolist() == whole[name].tolist()
    assert not reader.view.changed()


def test_older_bars_of_what_is_not_wanted_are_no_harm(desk: Desk, reader: Reader) -> None:
    reader.view.older(OlderBars("A.X", "1s", 0))
    reader.view.older(OlderBars("NONE.X", "nonsense", -7))
    assert not reader.view.changed()


def test_a_strategy_gets_all_the_bars_at_once(desk: Desk) -> None:
    desk.take(long())
    reader = Reader(desk)
    reader.view = ClientView(desk.cache, 1 << 62)
    reader.subscribe(Subscribe(bars=(("A.X", "1s"),)))
    sizes = []
    while (frame := reader.read()) is not None:
        sizes.append(len(encode(frame)))
    assert len(sizes) == 3
    assert max(sizes) < 1_000_000
    bars = reader.stores.bars["A.X", "1s"]
    assert (len(bars), bars.first) == (25_000, 0)


def test_a_series_that_begins_anew_replaces_the_old_one(desk: Desk, reader: Reader) -> None:
    desk.take(long())
    reader.subscribe(Subscribe(bars=(("A.X", "1s"),)))
    reader.read()
    bars = reader.stores.bars["A.X", "1s"]
    epoch = bars.epoch
    desk.take(long(10))
    reader.read()  # the new bars are being made
    reader.read()
    assert (len(bars), bars.first) == (10, 0)
    assert bars.epoch == epoch + 1


def test_gaps_reach_the_client_once_and_when_they_change(desk: Desk, reader: Reader) -> None:
    rows = [(NOW + i * SECOND, 100, 1, 1) for i in (0, 1, 2, 50, 51)]
    known = (NOW + 2 * SECOND + 1, NOW + 50 * SECOND - 1)
    desk.take(msgspec.structs.replace(history(rows), gaps=(known,)))
    reader.subscribe(Subscribe(bars=(("A.X", "1s"),)))
    reader.read()
    bars = reader.stores.bars["A.X", "1s"]
    assert bars.gaps == (known,)
    desk.take(trade(52 * SECOND))
    frame = reader.read()
    assert frame is not None
    assert frame.bars[0].gaps is None
    desk.a.missed(NOW + 53 * SECOND, NOW + 60 * SECOND)
    reader.read()
    assert bars.gaps == (known, (NOW + 53 * SECOND, NOW + 60 * SECOND))
    assert len(bars) == 6


def test_trades_are_all_there_unless_the_reader_was_too_slow_and_then_it_is_told(
    desk: Desk, reader: Reader
) -> None:
    reader.subscribe(Subscribe(trades=("A.X",)))
    for i in range(10):
        desk.take(trade(i, price=100 + i))
    reader.read()
    tape = reader.stores.tapes["A.X"]
    assert tape["price"].tolist() == list(range(100, 110))
    assert (tape.first, tape.lost) == (0, 0)
    ring = desk.a.log.ring.capacity
    for i in range(10, ring + 20):
        desk.take(trade(i, price=100 + i))
    reader.read()
    assert tape.lost == 10
    assert tape["price"][-1] == 100 + ring + 19


def test_wanting_trades_again_shows_none_twice(desk: Desk, reader: Reader) -> None:
    wanted = Subscribe(trades=("A.X",))
    reader.subscribe(wanted)
    for i in range(5):
        desk.take(trade(i, price=100 + i))
    reader.read()
    reader.subscribe(Subscribe())
    desk.take(trade(5, price=105))
    reader.subscribe(wanted)
    reader.read()
    assert reader.stores.tapes["A.X"]["price"].tolist() == [100, 101, 102, 103, 104, 105]


def test_when_a_market_begins_again_so_do_tape_and_bars(desk: Desk, reader: Reader) -> None:
    reader.subscribe(Subscribe(quotes=("A.X",), trades=("A.X",), bars=(("A.X", "1s"),)))
    for i in range(2000):
        desk.take(trade(i * SECOND, price=100 + i))
    reader.read()
    assert len(reader.stores.bars["A.X", "1s"]) == 2000
    desk.take(history([(NOW, 50, 1, 1), (NOW + SECOND, 51, 1, 1)]))
    while reader.read() is not None:
        pass
    assert reader.stores.bars["A.X", "1s"]["open"].tolist() == [50, 51]
    assert reader.stores.tapes["A.X"]["price"].tolist() == [50, 51]
    assert reader.stores.tickers["A.X"].last == 51


def test_bars_that_nobody_wants_any_more_are_no_longer_made(desk: Desk, reader: Reader) -> None:
    other = Reader(desk)
    both = Subscribe(bars=(("A.X", "1s"), ("A.X", "1m")))
    reader.subscribe(both)
    other.subscribe(both)
    reader.subscribe(Subscribe(bars=(("A.X", "1s"),)))
    assert sorted(desk.a.log.series) == ["1m", "1s"]
    other.view.close()
    assert sorted(desk.a.log.series) == ["1s"]
    desk.take(history([(NOW, 50, 1, 1)]))
    reader.read()
    assert sorted(desk.a.log.series) == ["1s"]
    reader.view.close()
    assert desk.a.log.series == {}


def test_one_client_cannot_want_bars_without_end(desk: Desk, reader: Reader) -> None:
    wanted = tuple(("A.X", f"{n}s") for n in range(1, frames_module.CHARTS + 3))
    problems = reader.subscribe(Subscribe(bars=wanted))
    assert len(problems) == 2
    assert "close a chart" in problems[0]
    assert len(desk.a.log.series) == frames_module.CHARTS


def test_what_there_is_not_is_said(reader: Reader) -> None:
    problems = reader.subscribe(
        Subscribe(("C.X",), ("D.X",), ("E.X",), (("F.X", "1m"), ("A.X", "7q")))
    )
    assert len(problems) == 5
    assert "“C.X”" in problems[0]
    assert "7q" in problems[4]


def test_health_comes_once(reader: Reader) -> None:
    reader.view.engine = EngineView(ts=5)
    assert reader.view.changed()
    frame = reader.read()
    assert frame is not None
    assert frame.engine == EngineView(ts=5)
    assert reader.read() is None
