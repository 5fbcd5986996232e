"""What the pointer rests on in one panel is marked in another; what vanishes leaves a line."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip

from core.model.commands import NewOrder
from core.model.enums import Liquidity, OrdType, Side, Source
from core.model.events import Draft
from core.model.orders import Fill
from core.model.session import BarsView, Frame
from core.model.wire import encode
from tests.app.conftest import ACCOUNT
from tests.widgets.trading_world import BID, BTC, SECOND, START
from widgets.theme import tokens

BACK = Qt.ItemDataRole.BackgroundRole


def fill(name, side, ts, price=BID):
    return Fill(
        1, ts, name, "A", ACCOUNT, BTC.id, side, price, 5, Decimal(0), "USD",
        Liquidity.ADDED, "", "", ts,
    )  # fmt: skip


@pytest.fixture
def desk(terminal):
    """A terminal with bars, and three fills: two close together, one far away."""
    t = terminal()
    t.connect()
    count, end = 60, START // (60 * SECOND) * 60 * SECOND
    ts = end - (count - 1 - np.arange(count)) * 60 * SECOND
    level = np.full(count, BID)
    columns = [ts, level - 3, level + 60, level - 60, level, *[np.full(count, 500)] * 3]
    parts = [np.asarray(c).astype("<i8").tobytes() for c in columns]
    t.line.inbox.append(encode(Frame(1, 0, bars=(BarsView(BTC.id, "1m", 0, *parts),))))
    t.window.resize(1500, 900)
    old, new = int(ts[-30]), int(ts[-10])
    t.say(
        fill("1", Side.BUY, old),
        fill("2", Side.BUY, old + SECOND),
        fill("3", Side.SELL, new, BID + 30),
    )
    t.fills = t.window.panel("fills")
    t.window.docks.show(t.fills.objectName())
    t.chart = t.window.panel("chart")
    t.until(lambda: len(t.chart.view.fill_layer.groups) == 2 and t.fills.model.rowCount() == 3)
    yield t
    QToolTip.hideText()
    QCursor.setPos(t.window.screen().geometry().bottomRight())  # in no other test's way


def marked(panel):
    rows = range(panel.model.rowCount())
    return {panel.model.row_at(n).exec_id for n in rows if panel.model.index(n, 0).data(BACK)}


def point_at(chart, group):
    port = chart.view.viewport()
    at = QPoint(round(group.x), round(group.y + 4 * group.side.sign))
    QTest.mouseMove(port, at)
    QApplication.processEvents()


def test_a_triangle_under_the_pointer_marks_its_fills_in_the_table(desk):
    both = next(g for g in desk.chart.view.fill_layer.groups if len(g.fills) == 2)
    point_at(desk.chart, both)
    assert marked(desk.fills) == {"1", "2"}
    colour = desk.fills.model.index(0, 0).data(BACK)
    assert colour is None or colour != tokens().panel
    other = next(g for g in desk.chart.view.fill_layer.groups if len(g.fills) == 1)
    point_at(desk.chart, other)
    assert marked(desk.fills) == {"3"}
    QApplication.sendEvent(desk.chart.view, QEvent(QEvent.Type.Leave))
    assert marked(desk.fills) == set()


def test_marks_do_not_move_the_selection(desk):
    desk.fills.view.selectRow(0)
    chosen = [f.exec_id for f in desk.fills.selected()]
    point_at(desk.chart, desk.chart.view.fill_layer.groups[0])
    assert [f.exec_id for f in desk.fills.selected()] == chosen


def test_a_draft_that_nobody_answered_leaves_a_line_in_the_log(desk):
    order = NewOrder(
        "D", ACCOUNT, BTC.id, Side.BUY, OrdType.LIMIT, 5, BID,
        source=Source.STRATEGY, strategy="crossover",
    )  # fmt: skip
    draft = (1, "D-1", "crossover", order, "why", 1_750_000_000 * SECOND)
    desk.say(Draft(*draft))
    desk.say(Draft(*draft, answer="expired"))
    expected = "crossover: signal expired 15:06:40 UTC, unanswered: BUY 0.05 BTC-USD @ 64,210.5 GTC"
    assert [n.text for n in desk.stores.notices][-1] == expected
    desk.say(Draft(*draft[:1], "D-2", *draft[2:], answer="skipped"))
    assert [n.text for n in desk.stores.notices][-1] == expected
