"""Stretches without data: found, given room, hatched; and older bars that come when looked at."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.client.series import BAR_COLUMNS, Bars
from core.marketdata.cache import MarketCache
from core.marketdata.checks import Source
from core.marketdata.frames import ClientView
from core.model.enums import Mode
from core.model.ids import IdMaker
from core.model.market import TradeHistory
from core.model.session import BarsView, Frame, Subscribe
from tests.widgets.trading_world import BID, BTC, SECOND, START, World
from widgets.chart.gaps import LEAST_SLOTS, MOST_SLOTS, find_gaps
from widgets.chart.panel import ChartPanel
from widgets.chart.series import Series
from widgets.chart.sheet import Edge, Kind
from widgets.chart.studies import Studies
from widgets.theme import apply_theme

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier
MINUTE = 60 * SECOND
NOON = START // (3_600 * SECOND) * 3_600 * SECOND


def minutes(*which: float) -> np.ndarray:
    return NOON + (np.array(which) * MINUTE).astype(np.int64)


def found(bars, *known, size=MINUTE):
    """Gaps as (bar, slots, begin, end), times in minutes."""
    stretches = [tuple(minutes(*k).tolist()) for k in known]
    gaps = find_gaps(minutes(*bars), stretches, size)
    return [(g.bar, g.slots, (g.begin - NOON) / MINUTE, (g.end - NOON) / MINUTE) for g in gaps]


def test_what_bars_are_missing_is_the_room_of_a_gap():
    assert found([0, 1, 2, 3, 11, 12], (3.5, 11.2)) == [(4, 7, 3.5, 11.2)]
    # a minute that was quiet before the link went down is not missing
    assert found([0, 1, 2, 9, 10], (6, 9)) == [(3, 3, 6, 9)]


def test_a_quiet_market_has_no_gap_and_a_gap_within_a_bar_takes_no_room():
    assert found([0, 1, 2, 40, 41]) == []
    assert found([0, 1, 2, 3], (1.2, 1.9)) == []
    assert found([0, 1, 2, 3], (1.2, 2.1)) == []


def test_what_lies_before_the_oldest_or_behind_the_newest_bar_is_not_between_bars():
    assert found([10, 11, 12], (1, 9), (12.5, 20)) == []


def test_a_long_gap_takes_only_so_much_room():
    assert found([0, 1, 901, 902], (1.5, 900.5)) == [(2, MOST_SLOTS, 1.5, 900.5)]


def test_two_stretches_between_the_same_bars_are_one_gap():
    assert found([0, 1, 30, 31], (2, 6), (20, 25)) == [(2, 9, 2, 25)]


def test_bars_of_trades_have_a_gap_of_fixed_room():
    assert found([0, 1, 1, 7, 9], (2, 6), size=0) == [(3, LEAST_SLOTS, 2, 6)]


def test_a_gap_is_told_in_words():
    (gap,) = find_gaps(minutes(0, 3, 11, 12), [tuple(minutes(3, 11).tolist())], MINUTE)
    assert gap.words() == "no data 15:03:00–15:11:00"
    (gap,) = find_gaps(minutes(0, 1, 900, 901), [tuple(minutes(2, 900).tolist())], MINUTE)
    assert gap.words() == "no data 15 Jun 15:02 – 16 Jun 06:00"


stretches = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 60)), max_size=6)


def series_of(steps, known, interval="1m"):
    ts = minutes(*np.cumsum([0, *steps]))
    close = 1_000 + np.arange(len(ts)) % 17
    columns = dict.fromkeys(BAR_COLUMNS, close) | {"ts": ts, "volume": close * 0 + 5}
    bars = Bars()
    bars.write(0, columns)
    begin = 0
    gaps = []
    for rest, length in known:
        begin += rest
        gaps.append((NOON + begin * MINUTE + 1, NOON + (begin + length) * MINUTE))
        begin += length + 1
    bars.gaps = tuple(gaps)
    series = Series(interval)
    series.take(bars)
    return series


@given(
    steps=st.lists(st.integers(1, 40), min_size=1, max_size=30),
    known=stretches,
    interval=st.sampled_from(["1m", "5t"]),
    place=st.floats(-10, 400),
)
@example(steps=[1], known=[(0, 1)], interval="5t", place=0.0)
def test_time_and_place_lead_to_each_other_over_gaps(steps, known, interval, place):
    series = series_of(steps, known, interval)
    assert series.index_at(series.time_at(place)) == pytest.approx(place, abs=1e-6)
    taken = []
    for x in range(series.span):
        bar, gap = series.bar_at(x), series.gap_at(x)
        assert (bar is None) != (gap is None)
        if bar is not None:
            taken.append(bar)
            assert series.x_of(bar) == x
    assert taken == list(range(len(series)))
    assert series.span == len(series) + sum(gap.slots for gap in series.gaps)


@given(
    steps=st.lists(st.integers(1, 40), min_size=20, max_size=200),
    known=stretches,
    columns=st.integers(3, 60),
)
def test_no_row_reaches_over_a_gap(steps, known, columns):
    series = series_of(steps, known)
    rows = series.visible(-1, series.span + 1, columns)
    ends = [*rows.bar[1:], len(series)]
    covered = []
    for bar, end in zip(rows.bar, ends, strict=True):
        covered += range(bar, end)
        assert not [b for b in series.gap_bars if bar < b < end]
    assert covered == list(range(len(series)))


def test_an_average_has_no_value_over_a_gap_and_a_day_not_all_loaded_no_vwap():
    series = series_of([1] * 30 + [20] + [1] * 30, [(31, 19)])
    assert len(series.gaps) == 1
    studies = Studies(5)
    studies.take(series)
    value = studies.sma(0, len(series))
    behind = series.gaps[0].bar
    assert np.isfinite(value[4:behind]).all()
    assert np.isnan(value[behind : behind + 4]).all()
    assert np.isfinite(value[behind + 4 :]).all()
    assert np.isfinite(studies.vwap(0, len(series))).all()
    series.first = 7
    assert np.isnan(studies.vwap(0, len(series))).all()


# -- on the screen -----------------------------------------------------------------------------


class Engine:
    """The engine's side of one client's bars, over real messages."""

    def __init__(self, world, history):
        self.world = world
        self.cache = MarketCache([BTC], lambda message: None)
        self.cache.sink(Source("SIM"))(history)
        self.view = ClientView(self.cache)
        self.asked = []
        self.frames = 0

    def subscribe(self, interval):
        self.view.subscribe(Subscribe(bars=((BTC.id, interval),)))

    def hear(self, older):
        self.asked.append(older)
        self.view.older(older)

    def frame(self):
        """One frame; True while there is more."""
        while self.view.unfinished:
            if self.view.unfinished[0].advance():
                self.view.unfinished.pop()
        self.frames += 1
        making = self.view.make(self.frames, 0)
        frame = None
        while making is not None:
            try:
                next(making)
            except StopIteration as made:
                frame, making = made.value, None
        if frame is not None:
            self.world.stores.take_frame(frame)
        return frame is not None


def trades(count=30_000, holes=()):
    """One trade a minute up to noon, but none within the holes (in minutes before noon)."""
    before = np.arange(count, 0, -1)
    keep = np.ones(count, bool)
    for first, last in holes:
        keep &= (before > first) | (before < last)
    ts = NOON - before[keep] * MINUTE
    price = BID + np.round(60 * np.sin(before[keep] / 40) + 9 * np.sin(before[keep] * 2.3))
    side, qty = 1 + before[keep] % 2, 400 + 300 * np.cos(before[keep] / 3)
    columns = [c.astype("<i8").tobytes() for c in (ts, price, np.maximum(qty, 1), side)]
    gaps = tuple((NOON - first * MINUTE, NOON - last * MINUTE) for first, last in holes)
    return TradeHistory(BTC.id, *columns, gaps=gaps)


def open_chart(qtbot, world, history, interval="1m"):
    chart = ChartPanel(world.stores, IdMaker("P"), clock=world.clock)
    qtbot.addWidget(chart)
    chart.resize(900, 600)
    chart.set_account("PAPER")
    chart.set_instrument(BTC.id)
    chart.set_interval(interval)
    engine = Engine(world, history)
    chart.older_wished.connect(engine.hear)
    chart.show()
    settle(chart)
    engine.subscribe(interval)
    engine.frame()
    settle(chart)
    return chart, engine


def settle(chart):
    QApplication.processEvents()
    chart.flush()
    QApplication.processEvents()


@pytest.fixture(params=["dark", "light"])
def world(qapp, request):
    apply_theme(qapp, request.param)
    yield World()
    apply_theme(qapp, "dark")


def test_a_drag_to_the_left_edge_brings_older_bars_and_moves_nothing(qtbot, world):
    chart, engine = open_chart(qtbot, world, trades())
    sheet, port = chart.view.sheet, chart.view.viewport()
    series, window = sheet.series, sheet.window
    assert (series.first, len(series), sheet.edge) == (26_000, 4_000, Edge.LOADING)
    assert engine.asked == [], "a screen is full: nothing is asked for"
    chart.view.zoom(0.25)
    at = QPoint(100, 250)
    for _ in range(12):
        if engine.asked:
            break
        QTest.mousePress(port, LEFT, NONE, at)
        for x in (300, 560, 820):
            QTest.mouseMove(port, QPoint(x, 250))
            QApplication.processEvents()
        if window.left < 100:
            break
        QTest.mouseRelease(port, LEFT, NONE, QPoint(820, 250))
        settle(chart)
    QTest.mouseMove(port, QPoint(820, 250))
    settle(chart)
    assert len(engine.asked) == 1
    assert engine.asked[0].start < series.first
    # the button is still down while they come
    index = window.index(410.0)
    cursor, edge = series.time_at(index), series.time_at(window.right)
    shown = chart.view.grab().toImage()
    before = len(series)
    while engine.frame():
        settle(chart)
    assert len(series) > before
    assert series.time_at(window.index(410.0)) == pytest.approx(cursor, abs=MINUTE / 1_000)
    assert series.time_at(window.right) == pytest.approx(edge, abs=MINUTE / 1_000)
    half = shown.width() // 2
    after = chart.view.grab().toImage()
    part = (half, 40, 250, 250)
    if window.left > 0:
        assert shown.copy(*part) == after.copy(*part), "what was in view looks as before"
    QTest.mouseMove(port, QPoint(830, 250))
    QTest.mouseRelease(port, LEFT, NONE, QPoint(830, 250))


def test_what_is_not_loaded_is_hatched_and_the_end_is_marked(qtbot, world):
    chart, engine = open_chart(qtbot, world, trades(5_000))
    sheet = chart.view.sheet
    QTest.keyClick(chart.view, Qt.Key.Key_Home)
    chart.view.pan(300)
    settle(chart)
    assert sheet.edge is Edge.LOADING
    edge = round(sheet.window.x(-0.5))
    assert edge > 200
    assert hatched(chart, 40, edge - 40)
    assert sheet.nothing_at(sheet.window.index(100.0)) == "loading older bars…"
    while engine.frame():
        settle(chart)
    assert sheet.series.first == 0
    assert not hatched(chart, 40, edge - 40)
    QTest.keyClick(chart.view, Qt.Key.Key_Home)
    chart.view.pan(300)
    settle(chart)
    assert sheet.edge is Edge.END
    assert not hatched(chart, 20, 60)
    point(chart, 100)
    assert chart.view.legend.words[0][0] == "no older data"


def test_home_goes_to_the_oldest_bar_there_is(qtbot, world):
    chart, engine = open_chart(qtbot, world, trades(30_000))
    QTest.keyClick(chart.view, Qt.Key.Key_Home)
    settle(chart)
    assert engine.asked[-1].start == 0
    while engine.frame():
        settle(chart)
    series, window = chart.view.sheet.series, chart.view.sheet.window
    assert len(series) == 30_000
    assert -2 < window.left <= 0


def test_a_gap_is_hatched_and_nothing_crosses_it(qtbot, world):
    chart, _ = open_chart(qtbot, world, trades(2_000, holes=[(60, 40)]))
    chart.toolbar.sma.setChecked(True)
    chart.view.orders.setVisible(False)  # the line of the last price goes through the whole pane
    sheet = chart.view.sheet
    series, window = sheet.series, sheet.window
    (gap,) = series.gaps
    left = window.x(series.x_of(gap.bar) - 0.5 - gap.slots)
    right = window.x(series.x_of(gap.bar) - 0.5)
    assert right - left == pytest.approx(gap.slots * window.pitch)
    assert gap.slots >= 19
    for kind in Kind:
        chart.set_kind(kind)
        settle(chart)
        assert hatched(chart, left + 2, right - 2), kind
        assert foreign(chart, left + 2, right - 2) == 0, kind
        assert foreign(chart, right + 2, right + 80) > 20, "bars have other colours"
    point(chart, (left + right) / 2)
    assert chart.view.legend.words[0][0].startswith("no data ")
    point(chart, right + 40)
    assert chart.view.legend.words[0][0].startswith("O ")


@pytest.mark.parametrize("pitch", [0.2, 0.02])
def test_a_gap_is_clear_when_many_bars_are_in_view(qtbot, world, pitch):
    chart, _ = open_chart(qtbot, world, trades(4_000, holes=[(900, 400)]))
    chart.view.sheet.window.set_pitch(pitch)
    chart.set_kind(Kind.LINE)
    settle(chart)
    sheet = chart.view.sheet
    (gap,) = sheet.series.gaps
    rows = sheet.slice()
    assert gap.bar in rows.bar
    x = sheet.window.x(sheet.series.x_of(gap.bar) - 0.5 - gap.slots / 2)
    image = chart.view.grab().toImage()
    ratio = image.devicePixelRatio()
    marks = {image.pixelColor(int(x * ratio), y).name() for y in range(5, int(sheet.height) - 5)}
    assert sheet.look.panel.name() not in marks or sheet.look.hatch.name() in marks


def test_a_quotes_only_recording_says_that_there_are_no_bars(qtbot, qapp):
    world = World(mode=Mode.REPLAY)
    chart = ChartPanel(world.stores, IdMaker("P"), clock=world.clock)
    qtbot.addWidget(chart)
    chart.resize(600, 400)
    chart.set_instrument(BTC.id)
    settle(chart)
    assert chart.view.legend.message == "Waiting for bars of BTC-USD 1m"
    assert chart.view.sheet.edge is Edge.WAITING
    empty = BarsView(BTC.id, "1m", 0, *[b""] * len(BAR_COLUMNS), fresh=True, gaps=())
    world.stores.take_frame(Frame(1, 0, bars=(empty,)))
    settle(chart)
    assert "No trades of BTC-USD in this recording" in chart.view.legend.message
    assert chart.view.sheet.edge is Edge.UNKNOWN


def point(chart, x):
    for y in (190, 200):  # a pointer that stands there already would not move
        QTest.mouseMove(chart.view.viewport(), QPointF(x, y).toPoint())
        QApplication.processEvents()
    settle(chart)


def colours(chart, left, right):
    """How often each colour stands between two pixels, below the box with the bar's numbers."""
    image = chart.view.grab().toImage()
    ratio = image.devicePixelRatio()
    counts: dict[str, int] = {}
    for x in range(int(left * ratio), int(right * ratio)):
        for y in range(int(60 * ratio), int((chart.view.sheet.height - 4) * ratio)):
            name = image.pixelColor(x, y).name()
            counts[name] = counts.get(name, 0) + 1
    return counts


def hatched(chart, left, right):
    """Is a good part of the stretch the hatching's lines?"""
    counts = colours(chart, left, right)
    lines = counts.get(chart.view.sheet.look.hatch.name(), 0)
    return lines > 0.07 * sum(counts.values())


def foreign(chart, left, right):
    """How many pixels have a colour of bars or curves."""
    look = chart.view.sheet.look
    own = {c.name() for c in (look.up, look.down, look.up_body, look.curve, look.sma, look.vwap)}
    return sum(n for name, n in colours(chart, left, right).items() if name in own)
