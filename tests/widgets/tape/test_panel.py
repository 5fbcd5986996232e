"""Time and sales: order, filter, pause, loss."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QHelpEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QToolTip

from core.client.series import Tape
from core.model.ids import IdMaker
from core.model.session import TapeView
from tests.widgets.trading_world import BID, BTC, START, World
from widgets.tape.panel import TapePanel
from widgets.tape.prints import KEPT, Prints
from widgets.theme import apply_theme


@pytest.fixture
def world():
    return World()


@pytest.fixture
def panel(qtbot, qapp, world):
    apply_theme(qapp, "dark")
    made = TapePanel(world.stores, IdMaker("T"))
    qtbot.addWidget(made)
    made.resize(280, 400)
    made.set_instrument(BTC.id)
    made.show()
    made.words = []
    made.said.connect(made.words.append)
    QApplication.processEvents()
    return made


def shown(panel):
    """Prices of the rows in view, from the top."""
    prints, canvas = panel.canvas.prints, panel.canvas
    rows = [prints.row(canvas.back + n) for n in range(canvas.rows())]
    return [row.price for row in rows if row is not None]


def trade(world, *prices, qty=5, side=1):
    world.trade(*((price, qty, side) for price in prices))


def test_it_wants_trades_and_waits_in_words(panel):
    assert panel.wants() == {"trades": {BTC.id}}
    assert panel.canvas.message == "Waiting for trades of BTC-USD"


def test_the_newest_is_on_top(panel, world):
    trade(world, BID, BID + 1)
    trade(world, BID + 2)
    panel.flush()
    assert shown(panel) == [BID + 2, BID + 1, BID]
    assert panel.canvas.row_words(0).endswith(
        f"0.05 at {BTC.price(BID + 2):,} , bought at the ask".replace(" ,", ",")
    )


def test_scrolling_holds_rows_still_and_counts_what_comes(panel, world):
    trade(world, *range(BID, BID + 60))
    panel.flush()
    event = QWheelEvent(
        QPointF(50, 50), QPointF(50, 50), QPoint(), QPoint(0, -240), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(panel.canvas, event)
    before = shown(panel)
    assert before[0] == BID + 53
    trade(world, 1, 2, 3)
    panel.flush()
    assert shown(panel) == before
    assert "3 new" in panel.badge.text()
    assert panel.badge.isVisible()
    QTest.mouseClick(panel.badge, Qt.MouseButton.LeftButton)
    assert shown(panel)[0] == 3
    assert not panel.badge.isVisible()


def test_keys_scroll(panel, world):
    trade(world, *range(BID, BID + 100))
    panel.flush()
    QTest.keyClick(panel.canvas, Qt.Key.Key_End)
    assert shown(panel)[-1] == BID
    QTest.keyClick(panel.canvas, Qt.Key.Key_Home)
    assert shown(panel)[0] == BID + 99


def test_small_trades_can_be_left_out(panel, world):
    world.trade((BID, 5, 1), (BID + 1, 300, 2), (BID + 2, 7, 1), (BID + 3, 100, 0))
    panel.flush()
    QTest.keyClicks(panel.least, "1")
    QTest.keyClick(panel.least, Qt.Key.Key_Return)
    panel.flush()
    assert shown(panel) == [BID + 3, BID + 1]
    panel.least.clear()
    QTest.keyClick(panel.least, Qt.Key.Key_Return)
    panel.flush()
    assert len(shown(panel)) == 4


def test_a_wrong_size_gets_a_sentence_and_is_taken_out(panel):
    QTest.keyClicks(panel.large, "big")
    QTest.keyClick(panel.large, Qt.Key.Key_Return)
    assert panel.large.text() == ""
    assert "“big” is not a number" in panel.words[0]


def test_large_trades_are_those_from_the_chosen_size(panel, world):
    world.trade(*((BID, 10, 1) for _ in range(20)))
    panel.flush()
    assert panel.canvas.large == 80
    QTest.keyClicks(panel.large, "0.25")
    QTest.keyClick(panel.large, Qt.Key.Key_Return)
    panel.flush()
    assert panel.canvas.large == 25


def test_lost_trades_are_said_loud(panel, world):
    trade(world, BID)
    panel.flush()
    assert not panel.lost.isVisible()
    world.stores.tapes[BTC.id].lost = 12
    panel.flush()
    assert panel.lost.isVisible()
    assert panel.lost.text() == "12 TRADES LOST"


def test_a_new_snapshot_begins_anew(panel, world):
    trade(world, *range(BID, BID + 50))
    panel.flush()
    world.connect()
    panel.flush()
    assert panel.canvas.message.startswith("Waiting")
    trade(world, 77)
    panel.flush()
    assert shown(panel) == [77]


def test_state_comes_back(panel, qtbot, world):
    panel.restore_state({"least": "0.5", "large": 3})
    assert panel.save_state() == {"least": "0.5", "large": ""}
    trade(world, BID)
    panel.flush()
    assert panel.canvas.message == "No trade of this size yet"


def test_every_control_has_a_name(panel):
    for kind in (QAbstractButton, QLineEdit):
        assert all(widget.accessibleName() for widget in panel.findChildren(kind))


@pytest.mark.parametrize("size", [(120, 100), (280, 400), (900, 900)])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_paints_at_any_size_in_both_themes(panel, qapp, world, size, theme):
    trade(world, *range(BID, BID + 60), side=2)
    apply_theme(qapp, theme)
    panel.resize(*size)
    panel.flush()
    QApplication.processEvents()
    picture = panel.canvas.grab().toImage()
    across, down = range(0, picture.width(), 3), range(picture.height())
    colours = {picture.pixel(x, y) for x in across for y in down}
    assert len(colours) > 3
    apply_theme(qapp, "dark")


@given(
    batches=st.lists(st.lists(st.integers(1, 50), max_size=30), max_size=12),
    least=st.integers(0, 40),
)
def test_what_is_shown_is_what_passes_newest_first(batches, least):
    tape, prints = Tape(), Prints(BTC)
    prints.set_least(least)
    first, expected = 0, []
    for sizes in batches:
        count = len(sizes)
        columns = [np.full(count, START), np.full(count, BID), np.array(sizes)]
        parts = [np.asarray(c).astype("<i8").tobytes() for c in columns]
        tape.take(TapeView(BTC.id, first, 0, *parts, bytes([1] * count)))
        first += count
        passed = [size for size in sizes if size >= least]
        assert prints.take(tape) == len(passed)
        expected += passed
    got = [row.qty for n in range(len(prints)) if (row := prints.row(n)) is not None]
    assert got == expected[::-1]
    assert prints.total == len(expected) <= KEPT


def test_moving_the_rows_down_shows_what_painting_all_shows(panel, world):
    trade(world, *range(BID, BID + 60))
    panel.flush()
    QApplication.processEvents()
    for n in range(5):
        world.trade(*((BID + n + k, 10 + 40 * n, 1 + k % 2) for k in range(n + 1)))
        panel.flush()
        QApplication.processEvents()
        moved = panel.screen().grabWindow(panel.winId()).toImage()
        assert moved.size() == panel.size()
        panel.canvas.repaint()
        assert moved == panel.screen().grabWindow(panel.winId()).toImage()
        assert shown(panel)[0] == BID + 2 * n


def test_a_row_without_room_for_its_time_tells_it(panel, world):
    panel.resize(160, 400)
    trade(world, BID)
    panel.flush()
    canvas = panel.canvas
    at = QPoint(20, canvas._header + 4)
    QApplication.sendEvent(canvas, QHelpEvent(QEvent.Type.ToolTip, at, canvas.mapToGlobal(at)))
    assert QToolTip.text() == canvas.row_words(0)
    assert canvas.prints.row(0).time in QToolTip.text()
    QToolTip.hideText()
