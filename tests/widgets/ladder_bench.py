"""A shown ladder, what it asked for, and a hand on the mouse."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.model.commands import NewOrder
from core.model.enums import Mode
from core.model.ids import IdMaker
from tests.widgets.trading_world import BID, BTC, World
from widgets.ladder.panel import LadderPanel

LEFT, RIGHT, MIDDLE = (
    Qt.MouseButton.LeftButton,
    Qt.MouseButton.RightButton,
    Qt.MouseButton.MiddleButton,
)
SHIFT, CTRL, ALT = (
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
)
NONE = Qt.KeyboardModifier.NoModifier


class Bench:
    """A shown ladder, what it asked for, and a hand on the mouse."""

    def __init__(self, qtbot, mode=Mode.PAPER):
        self.qtbot = qtbot
        self.world = World(mode)
        self.panel = LadderPanel(self.world.stores, IdMaker("P"), clock=self.world.clock)
        self.asked, self.drafts, self.said = [], [], []
        self.panel.requested.connect(self.asked.append)
        self.panel.draft_offered.connect(self.drafts.append)
        self.panel.said.connect(self.said.append)
        qtbot.addWidget(self.panel)
        self.panel.set_account("PAPER")
        self.panel.resize(560, 700)
        self.panel.show()
        self.panel.activateWindow()
        self.panel.set_instrument(BTC.id)
        QApplication.processEvents()
        self.panel.flush()
        self.canvas = self.panel.canvas
        self.panel.top.first.set_steps(10)
        self.panel.top.second.set_steps(30)
        self.rest()

    def rest(self, seconds=1.0):
        """Let time pass with fresh prices."""
        ticker = self.world.stores.tickers.get(BTC.id)
        self.world.clock.forward(seconds)
        if ticker is None:
            self.world.quote()
        else:
            self.world.quote(ticker.bid, ticker.ask, ticker.last)
        self.panel.flush()
        QApplication.processEvents()

    def arm(self):
        self.qtbot.mouseClick(self.panel.top.padlock, LEFT)
        assert self.panel.lock.armed
        self.rest(0.5)

    def point(self, column, price, cross=False):
        """The middle of a cell, or its ×."""
        look, rows = self.canvas._look, self.canvas.rows
        span = next(s for s in self.canvas.spans if s.column == column)
        x = span.x + span.width // 2
        if cross:
            x = span.x + 4 if column == "my_buys" else span.x + span.width - 4
        y = look.header + rows.row_at(price) * look.row_height + look.row_height // 2
        return QPoint(x, y)

    def click(self, column, price, button=LEFT, modifiers=NONE, cross=False):
        self.qtbot.mouseClick(self.canvas, button, modifiers, self.point(column, price, cross))

    def press(self, column, price, modifiers=NONE):
        self.qtbot.mousePress(self.canvas, LEFT, modifiers, self.point(column, price))

    def move(self, column, price):
        """Move with the left button down."""
        point = self.point(column, price)
        QTest.mouseMove(self.canvas, point)
        QApplication.processEvents()

    def release(self, column, price):
        self.qtbot.mouseRelease(self.canvas, LEFT, NONE, self.point(column, price))

    def drag(self, column, start, end, modifiers=NONE):
        self.press(column, start, modifiers)
        self.move(column, (start + end) // 2)
        self.move(column, end)
        self.release(column, end)

    def key(self, key, modifiers=NONE):
        self.canvas.setFocus()
        self.qtbot.keyClick(self.canvas, key, modifiers)

    def wheel(self, notches, modifiers=NONE, price=BID):
        point = QPointF(self.point("price", price))
        event = QWheelEvent(
            point,
            QPointF(self.canvas.mapToGlobal(point.toPoint())),
            QPoint(),
            QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton,
            modifiers,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(self.canvas, event)

    @property
    def orders(self):
        return [c for c in self.asked if isinstance(c, NewOrder)]
