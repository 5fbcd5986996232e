"""Labels of own orders: one for those alike, and none in the way of another."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip

from core.model.commands import CancelOrder, ReplaceOrder
from core.model.enums import OrdStatus, OrdType, Side
from core.model.ids import IdMaker
from tests.widgets.chart.test_panel import drag, give_bars, settle, y_of
from tests.widgets.trading_world import ASK, BID, BTC, World
from widgets.chart.chips import Box, Room, chip_at, place_chips
from widgets.chart.marks import make_marks, mark_words
from widgets.chart.panel import ChartPanel
from widgets.sent import Sent
from widgets.theme import apply_theme

LEFT = Qt.MouseButton.LeftButton
HEIGHT, RIGHT, BOTTOM = 20.0, 400.0, 300.0


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
    made.asked, made.words = [], []
    made.requested.connect(made.asked.append)
    made.said.connect(made.words.append)
    return made


def marks_of(world):
    return make_marks(world.stores.working_orders(BTC.id, "PAPER"), Sent(), BTC)


def four_sells(world):
    for name in "ABCD":
        world.order(name, Side.SELL, ASK + 20, 1)
        world.clock.forward(1)


def overlap(a, b):
    return (
        a.x < b.x + b.width
        and b.x < a.x + a.width
        and a.y < b.y + b.height
        and b.y < a.y + a.height
    )


def test_orders_alike_at_one_price_are_one_mark_with_their_sum(world):
    four_sells(world)
    (mark,) = marks_of(world)
    assert mark.text == "SELL 0.04 ×4 @ 64,221.0"
    assert [o.cl_ord_id for o in mark.orders] == ["A", "B", "C", "D"]


def test_what_would_be_treated_otherwise_is_another_mark(world):
    four_sells(world)
    world.order("S", Side.BUY, 0, ord_type=OrdType.STOP, stop_price=ASK + 20)
    world.order("P", Side.SELL, ASK + 20, 1, status=OrdStatus.PENDING_CANCEL)
    texts = sorted(mark.text for mark in marks_of(world))
    assert texts == [
        "BUY STOP 0.50 @ 64,221.0",
        "SELL 0.01 @ 64,221.0 cancelling",
        "SELL 0.04 ×4 @ 64,221.0",
    ]


def test_the_words_of_a_group_tell_what_drag_and_cross_do(world):
    four_sells(world)
    (mark,) = marks_of(world)
    words = mark_words(mark, False, BTC)
    assert words.startswith("4 orders at 64,221.0, oldest first:\n0.01   ")
    assert "Drag moves all of them, Ctrl+drag the newest" in words
    assert mark_words(mark, True, BTC) == "Cancel all 4 orders at 64,221.0."


def test_a_group_has_one_tag_on_the_axis(panel, world):
    four_sells(world)
    settle(panel)
    assert [t.text for t in panel.view.price_axis.tags].count("64,221.0") == 1


def test_the_cross_of_a_group_cancels_all_of_it_once(panel, world):
    four_sells(world)
    settle(panel)
    chip = panel.view.orders.chips[0]
    at = QPoint(round(chip.close + 4), round(chip.y + chip.height / 2))
    QTest.mouseClick(panel.view.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, at)
    QTest.mouseClick(panel.view.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, at)
    assert [(type(c), c.order) for c in panel.asked] == [(CancelOrder, n) for n in "ABCD"]
    assert len({c.id for c in panel.asked}) == 4


def test_a_drag_moves_the_whole_group(panel, world):
    four_sells(world)
    settle(panel)
    end = QPoint(90, y_of(panel, ASK + 35))
    wanted = panel.view.sheet.price_at(end.y())
    drag(panel, QPoint(60, y_of(panel, ASK + 20)), end)
    assert [(type(c), c.order, c.price) for c in panel.asked] == [
        (ReplaceOrder, n, wanted) for n in "ABCD"
    ]
    (mark,) = panel.view.orders.marks
    assert (mark.target, len(mark.orders)) == (wanted, 4)


def test_ctrl_drag_moves_the_newest_only(panel, world):
    four_sells(world)
    settle(panel)
    port, ctrl = panel.view.viewport(), Qt.KeyboardModifier.ControlModifier
    end = QPoint(90, y_of(panel, ASK + 35))
    QTest.mousePress(port, LEFT, ctrl, QPoint(60, y_of(panel, ASK + 20)))
    for at in (QPoint(70, end.y() + 20), end):
        QTest.mouseMove(port, at)
        QApplication.processEvents()
    assert "newest only" in panel.view.orders.drag.text
    QTest.mouseRelease(port, LEFT, ctrl, end)
    assert [c.order for c in panel.asked] == ["D"]


def test_a_group_that_would_cross_the_spread_stays_whole(panel, world):
    four_sells(world)
    settle(panel)
    drag(panel, QPoint(60, y_of(panel, ASK + 20)), QPoint(90, y_of(panel, BID - 15)))
    assert panel.asked == []
    assert "trade at once at the bid" in panel.words[-1]


def test_one_filled_during_the_drag_leaves_the_others_moving(panel, world):
    four_sells(world)
    settle(panel)
    end = QPoint(90, y_of(panel, ASK + 35))
    drag(panel, QPoint(60, y_of(panel, ASK + 20)), end, release=False)
    world.order("B", Side.SELL, ASK + 20, 1, status=OrdStatus.FILLED, cum_qty=1)
    settle(panel)
    QTest.mouseRelease(panel.view.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, end)
    assert [c.order for c in panel.asked] == ["A", "C", "D"]
    assert panel.words == []


def test_pointing_at_a_group_explains_it(panel, world):
    four_sells(world)
    settle(panel)
    chip = panel.view.orders.chips[0]
    at = QPoint(round(chip.x + 5), round(chip.y + chip.height / 2))
    QTest.mouseMove(panel.view.viewport(), at)
    QApplication.processEvents()
    assert QToolTip.text().startswith("4 orders at")
    QToolTip.hideText()


def test_a_line_whose_label_found_no_room_tells_it_under_the_pointer(panel, world):
    panel.resize(200, 170)
    for n in range(12):
        world.order(f"T{n}", Side.BUY, BID - 3 * n, 1)
    settle(panel)
    panel.view.grab()
    chips = panel.view.orders.chips
    bare = next(c for c in chips if not c.width and chip_at(chips, 2, round(c.line)) == (c, False))
    QTest.mouseMove(panel.view.viewport(), QPoint(2, round(bare.line)))
    QApplication.processEvents()
    assert QToolTip.text() == bare.mark.text
    QToolTip.hideText()


def test_no_label_stands_on_the_box_with_the_numbers(panel, world):
    panel.resize(300, 300)
    settle(panel)
    sheet = panel.view.sheet
    for n in range(6):
        world.order(f"T{n}", Side.SELL, round(sheet.high) - 3 - n, 1)
    world.hold(5, round(sheet.high) - 2)
    settle(panel)
    panel.view.grab()
    orders, box = panel.view.orders, Box(*panel.view.legend.box.getRect())
    assert box.width > 100
    labels = [c for c in orders.chips if c.width]
    assert labels
    assert not any(overlap(c, box) for c in labels)
    assert not any(overlap(a, b) for a, b in combinations(labels, 2))


def test_a_label_beside_its_line_is_still_taken_by_its_line(world):
    for n in range(3):
        world.order(f"T{n}", Side.SELL, ASK + 20 + n, 1)
    room = Room(RIGHT, BOTTOM, 200.0)
    chips = place_chips(
        marks_of(world), lambda p: 100 - (p - ASK), lambda t: 300.0, room, HEIGHT, 4
    )
    assert [chip.beside for chip in chips] == [True, True, False]
    for chip in chips:
        found = chip_at(chips, 5, chip.line)
        assert found is not None
        assert found == (chip, False)


@given(
    prices=st.lists(st.integers(1, 300), max_size=25),
    width=st.floats(20, 500),
    middle=st.integers(0, 300),
    taken=st.booleans(),
)
def test_labels_never_cover_each_other_nor_what_is_taken(prices, width, middle, taken):
    world = World()
    for n, price in enumerate(prices):
        world.order(f"T{n}", Side.BUY, price, 1)
    boxes = [Box(0, 0, 250, 40)] if taken else []
    marks = marks_of(world)
    room = Room(RIGHT, BOTTOM, middle, tuple(boxes))
    chips = place_chips(marks, lambda p: 300.0 - p, lambda t: width, room, HEIGHT, 4)
    assert len(chips) == len(set(prices))
    seen = [c for c in chips if c.width]
    assert seen or not prices
    assert not any(overlap(a, b) for a, b in combinations([*seen, *boxes], 2))
    assert all(c.y >= 0 and c.y + c.height <= BOTTOM for c in seen)
    assert all(c.x >= 0 for c in seen)


def test_out_of_view_there_is_no_label(world):
    world.order("A", Side.BUY, 10)
    room = Room(RIGHT, BOTTOM, 100.0)
    assert place_chips(marks_of(world), lambda p: -50.0, len, room, HEIGHT, 4) == []


@pytest.mark.parametrize("first", [2, 80, 150, 290])
@pytest.mark.parametrize("middle", [0, 100, 300])
def test_labels_of_near_prices_stand_in_the_order_of_prices(first, middle):
    """At the pane's edges too, where they can only make way to one side."""
    world = World()
    for n in range(4):
        world.order(f"T{n}", Side.BUY, first + n, 1)
    room = Room(RIGHT, BOTTOM, middle)
    chips = place_chips(marks_of(world), lambda p: 300.0 - p, lambda t: 300.0, room, HEIGHT, 4)
    assert all(c.width for c in chips)
    inside = [c.y for c in chips if (c.line < middle) is (first < middle)]
    assert inside == sorted(inside)


def test_tags_at_the_edges_of_the_axis_never_cover_each_other(panel, world):
    sheet = panel.view.sheet
    top, low = round(sheet.high), round(sheet.low)
    for n in range(8):
        world.order(f"H{n}", Side.SELL, top - n, 1)
        world.order(f"L{n}", Side.BUY, low + n, 1)
    give_bars(world, 400, first=399, close=top - 3)
    settle(panel)
    placed = panel.view.price_axis.placed()
    tag = sheet.look.tag
    assert len(placed) >= 8
    assert panel.view.price_axis.tags[-1] in [t for t, _ in placed]  # the last price always
    assert all(tag / 2 <= y <= sheet.height - tag / 2 for _, y in placed)
    for (_, one), (_, two) in combinations(placed, 2):
        assert abs(one - two) >= tag - 1e-9
