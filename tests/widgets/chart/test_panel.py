"""The chart under a real mouse and real keys."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit

from core.model.commands import CancelOrder, NewOrder, ReplaceOrder
from core.model.enums import Liquidity, OrdStatus, OrdType, Side
from core.model.ids import IdMaker
from core.model.orders import Fill
from core.model.session import BarsView, Frame
from tests.widgets.trading_world import ASK, BID, BTC, SECOND, SHARE, START, World
from widgets.chart.panel import ChartPanel
from widgets.chart.sheet import Kind
from widgets.theme import apply_theme

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier


def give_bars(world, count=400, interval="1m", step=60, first=0, close=None):
    """Bars that end at the world's time, from index `first` on."""
    end = START // (3_600 * SECOND) * 3_600 * SECOND
    ts = end - (count - 1 - np.arange(first, count)) * step * SECOND
    wave = BID + np.round(40 * np.sin(np.arange(first, count) / 9)).astype(np.int64)
    if close is not None:
        wave[-1] = close
    columns = [ts, wave - 3, wave + 8, wave - 9, wave, *[np.full(len(ts), 500)] * 2, wave * 500]
    parts = [np.asarray(c).astype("<i8").tobytes() for c in columns]
    world.stores.take_frame(Frame(1, 0, bars=(BarsView(BTC.id, interval, first, *parts),)))


@pytest.fixture
def world(qapp):
    apply_theme(qapp, "dark")
    made = World()
    give_bars(made)
    return made


@pytest.fixture
def panel(qtbot, world):
    made = ChartPanel(world.stores, IdMaker("P"), clock=world.clock)
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.set_account("PAPER")
    made.set_instrument(BTC.id)
    made.show()
    settle(made)
    made.asked = []
    made.drafts = []
    made.words = []
    made.requested.connect(made.asked.append)
    made.draft_offered.connect(made.drafts.append)
    made.said.connect(made.words.append)
    return made


def settle(panel):
    QApplication.processEvents()
    panel.flush()
    QApplication.processEvents()


def drag(panel, begin, end, release=True):
    port = panel.view.viewport()
    QTest.mousePress(port, LEFT, NONE, begin)
    for share in (0.3, 0.6, 1.0):
        at = QPointF(begin) + (QPointF(end) - QPointF(begin)) * share
        QTest.mouseMove(port, at.toPoint())
        QApplication.processEvents()
    if release:
        QTest.mouseRelease(port, LEFT, NONE, end)


def line_of(panel, name):
    chip = next(c for c in panel.view.orders.chips if c.mark.order.cl_ord_id == name)
    return QPoint(60, round(chip.y + chip.height / 2))


def y_of(panel, price):
    return round(panel.view.sheet.y(price))


def test_it_wants_bars_and_quotes_of_its_interval(panel):
    assert panel.wants() == {"bars": {(BTC.id, "1m")}, "quotes": {BTC.id}}
    panel.restore_state({"interval": "5s"})
    assert panel.wants()["bars"] == {(BTC.id, "5s")}
    assert "Waiting for bars of BTC-USD 5s" in panel.view.legend.message


def test_without_an_instrument_it_asks_for_one(qtbot, world):
    chart = ChartPanel(world.stores, IdMaker("P"), clock=world.clock)
    qtbot.addWidget(chart)
    chart.flush()
    assert chart.view.legend.message == "Choose a symbol"


def test_a_wrong_interval_gets_a_sentence_and_changes_nothing(panel):
    line = panel.toolbar.entry.lineEdit()
    assert isinstance(line, QLineEdit)
    line.selectAll()
    QTest.keyClicks(line, "7x")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert panel.interval == "1m"
    assert panel.toolbar.entry.currentText() == "1m"
    assert any("“7x” is not an interval" in words for words in panel.words)


def test_typing_a_number_on_the_chart_begins_an_interval(panel):
    panel.view.setFocus()
    QTest.keyClick(panel.view, Qt.Key.Key_5)
    line = panel.toolbar.entry.lineEdit()
    assert line.text() == "5"
    QTest.keyClicks(line, "m")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert panel.interval == "5m"


@pytest.mark.parametrize(("interval", "step", "count"), [("5m", 300, 200), ("15s", 15, 2_000)])
def test_another_interval_keeps_the_time_under_the_right_edge(panel, world, interval, step, count):
    panel.view.pan(500)
    sheet = panel.view.sheet
    before = sheet.series.time_at(sheet.window.right)
    panel.set_interval(interval)
    give_bars(world, count, interval, step)
    settle(panel)
    after = sheet.series.time_at(sheet.window.right)
    pixel = step * SECOND / sheet.window.pitch
    assert abs(after - before) <= pixel


def test_another_interval_keeps_the_newest_bar_at_its_pixel_while_following(panel, world):
    sheet = panel.view.sheet
    before = sheet.window.x(len(sheet.series) - 1)
    panel.set_interval("5m")
    give_bars(world, 90, "5m", 300)
    settle(panel)
    assert sheet.window.x(len(sheet.series) - 1) == pytest.approx(before)


def test_another_kind_moves_nothing(panel):
    panel.view.pan(333)
    window = panel.view.sheet.window
    before = (window.right, window.pitch, panel.view.sheet.low, panel.view.sheet.high)
    for kind in (Kind.LINE, Kind.BARS, Kind.CANDLES):
        panel.set_kind(kind)
        settle(panel)
        sheet = panel.view.sheet
        assert (window.right, window.pitch, sheet.low, sheet.high) == before


def test_each_kind_looks_different(panel):
    pictures = []
    for kind in Kind:
        panel.set_kind(kind)
        settle(panel)
        pictures.append(panel.view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32))
    assert pictures[0] != pictures[1] != pictures[2] != pictures[0]


def test_dragging_the_bars_scrolls_back_and_the_button_returns(panel):
    assert not panel.now_button.isVisible()
    drag(panel, QPoint(300, 300), QPoint(700, 300))
    assert not panel.view.sheet.window.following
    assert panel.now_button.isVisible()
    QTest.mouseClick(panel.now_button, LEFT)
    assert panel.view.sheet.window.following
    assert not panel.now_button.isVisible()


def test_keys_pan_zoom_and_jump(panel):
    window, view = panel.view.sheet.window, panel.view
    before = window.right
    QTest.keyClick(view, Qt.Key.Key_Left)
    assert window.right < before
    pitch = window.pitch
    QTest.keyClick(view, Qt.Key.Key_Plus)
    assert window.pitch > pitch
    QTest.keyClick(view, Qt.Key.Key_Minus)
    assert window.pitch == pytest.approx(pitch)
    QTest.keyClick(view, Qt.Key.Key_Home)
    assert window.left <= 0
    QTest.keyClick(view, Qt.Key.Key_End)
    assert window.following


def test_prices_fit_the_bars_in_view_until_scaled_by_hand(panel):
    sheet = panel.view.sheet
    rows = sheet.slice()
    assert sheet.low < rows.low.min()
    assert sheet.high > rows.high.max()
    axis = QPoint(panel.view.viewport().width() - 10, 200)
    drag(panel, axis, axis + QPoint(0, 80))
    assert not sheet.auto
    QTest.mouseDClick(panel.view.viewport(), LEFT, NONE, axis)
    assert sheet.auto


def test_the_forming_bar_moves_and_a_new_bar_comes(panel, world):
    sheet = panel.view.sheet
    give_bars(world, 400, first=399, close=BID + 5)
    settle(panel)
    assert sheet.series.close[-1] == BID + 5
    assert panel.view.price_axis.tags[-1].text == "64,213.0"
    give_bars(world, 401, first=399)
    settle(panel)
    assert len(sheet.series) == 401
    assert sheet.window.count == 401


def test_a_new_snapshot_throws_bars_away_and_they_come_back(panel, world):
    world.connect()
    world.quote()
    settle(panel)
    assert panel.view.legend.message.startswith("Waiting for bars")
    give_bars(world)
    settle(panel)
    assert panel.view.legend.message == ""
    assert len(panel.view.sheet.series) == 400


def test_one_drop_is_one_change_at_the_tick_under_the_pointer(panel, world):
    world.order("A", Side.BUY, BID - 20)
    settle(panel)
    begin = line_of(panel, "A")
    end = QPoint(90, y_of(panel, BID - 35))
    wanted = panel.view.sheet.price_at(end.y())
    drag(panel, begin, end)
    assert [(type(c), c.order, c.price, c.qty) for c in panel.asked] == [
        (ReplaceOrder, "A", wanted, 50)
    ]
    mark = panel.view.orders.marks[0]
    assert (mark.price, mark.target) == (BID - 20, wanted)
    settle(panel)
    drag(panel, line_of(panel, "A"), QPoint(90, y_of(panel, BID - 10)))
    assert len(panel.asked) == 1
    assert "under way" in panel.words[-1]


def test_a_stop_is_moved_by_its_stop_price_and_not_to_where_it_goes_off(panel, world):
    world.order("A", Side.SELL, BID - 24, ord_type=OrdType.STOP_LIMIT, stop_price=BID - 20)
    settle(panel)
    assert panel.view.orders.marks[0].price == BID - 20
    assert "STOP LIMIT" in panel.view.orders.marks[0].text
    drag(panel, line_of(panel, "A"), QPoint(90, y_of(panel, ASK + 15)))
    assert panel.asked == []
    assert "go off at once" in panel.words[-1]
    end = QPoint(90, y_of(panel, BID - 35))
    wanted = panel.view.sheet.price_at(end.y())
    drag(panel, line_of(panel, "A"), end)
    (change,) = panel.asked
    assert (change.stop_price, change.price, change.qty) == (wanted, wanted - 4, 50)
    assert panel.view.orders.marks[0].target == wanted


def test_what_follows_the_market_is_not_dragged(panel, world):
    world.order("A", Side.SELL, 0, ord_type=OrdType.TRAILING_STOP, stop_price=BID - 20, trail=20)
    settle(panel)
    drag(panel, line_of(panel, "A"), QPoint(90, y_of(panel, BID - 35)))
    assert panel.asked == []


def test_escape_during_a_drag_sends_nothing(panel, world):
    world.order("A", Side.BUY, BID - 20)
    settle(panel)
    end = QPoint(90, y_of(panel, BID - 35))
    drag(panel, line_of(panel, "A"), end, release=False)
    assert panel.view.orders.drag is not None
    QTest.keyClick(panel.view, Qt.Key.Key_Escape)
    QTest.mouseRelease(panel.view.viewport(), LEFT, NONE, end)
    assert panel.asked == []
    assert panel.view.orders.drag is None


def test_a_drop_across_the_spread_is_refused(panel, world):
    world.order("A", Side.BUY, BID - 20)
    settle(panel)
    drag(panel, line_of(panel, "A"), QPoint(90, y_of(panel, ASK + 15)))
    assert panel.asked == []
    assert "trade at once at the ask" in panel.words[-1]


def test_the_cross_on_a_chip_cancels_once(panel, world):
    world.order("A", Side.SELL, ASK + 20)
    settle(panel)
    chip = panel.view.orders.chips[0]
    at = QPoint(round(chip.close + 4), round(chip.y + chip.height / 2))
    QTest.mouseClick(panel.view.viewport(), LEFT, NONE, at)
    QTest.mouseClick(panel.view.viewport(), LEFT, NONE, at)
    assert [(type(c), c.order) for c in panel.asked] == [(CancelOrder, "A")]


def test_pending_replace_shows_old_and_new(panel, world):
    world.order("A", Side.BUY, BID - 20, status=OrdStatus.PENDING_REPLACE, pending_price=BID - 30)
    settle(panel)
    mark = panel.view.orders.marks[0]
    assert (mark.price, mark.target, mark.stage.value) == (BID - 20, BID - 30, "pending")


def test_a_double_click_offers_a_draft_on_the_side_that_rests(panel):
    port = panel.view.viewport()
    for price, side in ((BID - 30, Side.BUY), (ASK + 35, Side.SELL)):
        at = QPoint(200, y_of(panel, price))
        QTest.mouseDClick(port, LEFT, NONE, at)
        draft = panel.drafts[-1]
        assert isinstance(draft, NewOrder)
        assert (draft.side, draft.price, draft.ord_type) == (
            side,
            panel.view.sheet.price_at(at.y()),
            OrdType.LIMIT,
        )
    assert panel.asked == []


def test_b_and_s_draft_at_the_crosshair(panel):
    QTest.mouseMove(panel.view.viewport(), QPoint(200, 150))
    QApplication.processEvents()
    price = panel.view.sheet.price_at(150)
    QTest.keyClick(panel.view, Qt.Key.Key_S)
    assert (panel.drafts[-1].side, panel.drafts[-1].price) == (Side.SELL, price)


def test_fills_close_together_are_one_triangle(panel, world):
    ts = int(panel.view.sheet.series.ts[-20])
    price = int(panel.view.sheet.series.close[-20])
    for name, side in (("1", Side.BUY), ("2", Side.BUY), ("3", Side.SELL)):
        world.stores.take_event(
            Fill(
                1, ts, name, "A", "PAPER", BTC.id, side, price, 5, Decimal(0), "USD",
                Liquidity.ADDED, "", "", ts + SECOND,
            )
        )  # fmt: skip
    settle(panel)
    groups = panel.view.fill_layer.groups
    assert sorted((g.side, len(g.fills)) for g in groups) == [(Side.BUY, 2), (Side.SELL, 1)]
    assert groups[0].y == pytest.approx(panel.view.sheet.y(price))
    assert panel.view.sheet.window.index(groups[0].x) == pytest.approx(380)


def test_a_pinned_chart_says_so_and_comes_back_with_its_instrument(panel, qtbot, world):
    QTest.mouseClick(panel.toolbar.pin, LEFT)
    assert panel.pinned
    state = panel.save_state()
    other = ChartPanel(world.stores, IdMaker("P"), clock=world.clock)
    qtbot.addWidget(other)
    other.set_instrument(SHARE.id)
    other.restore_state(state)
    assert other.pinned
    assert other.instrument == BTC.id


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"interval": 5, "kind": "pie", "vwap": "yes", "pitch": "wide", "pinned": 3},
        {"interval": "soon", "pitch": -4},
        {"interval": "5m", "unknown": []},
    ],
)
def test_damaged_state_is_survived(panel, state):
    panel.restore_state(state)
    settle(panel)
    assert panel.interval in ("1m", "5m")


def test_stale_prices_are_grey_and_say_so(panel, world):
    world.stores.connected = False
    settle(panel)
    assert panel.view.sheet.grey
    assert panel.toolbar.state.text() == "engine not connected"


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [(420, 300), (160, 120), (1_600, 900)])
def test_any_size_and_theme_paints_and_nothing_overlaps_the_axis(panel, qapp, theme, size):
    apply_theme(qapp, theme)
    panel.resize(*size)
    settle(panel)
    view = panel.view
    assert view.sheet.window.width + view.price_axis.size().width() == view.viewport().width()
    picture = view.grab().toImage()
    background = picture.pixelColor(1, picture.height() - 3)
    assert (background.lightness() < 128) == (theme == "dark")
    apply_theme(qapp, "dark")


def test_every_control_has_a_name_and_the_chart_speaks(panel):
    for kind in (QAbstractButton, QComboBox):
        assert all(widget.accessibleName() for widget in panel.findChildren(kind))
    assert panel.view.accessibleName()
    assert "Newest: open" in panel.view.accessibleDescription()
