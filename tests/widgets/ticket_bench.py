"""A shown ticket and what it asked for."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from core.model.enums import Mode, Side
from core.model.ids import IdMaker
from tests.widgets.trading_world import BTC, World
from widgets.ticket.panel import TicketPanel
from widgets.words import SIDE_WORDS

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier


class Bench:
    """A shown ticket and what it asked for."""

    def __init__(self, qtbot, mode=Mode.PAPER, width=300):
        self.qtbot = qtbot
        self.world = World(mode)
        self.panel = TicketPanel(self.world.stores, IdMaker("P"), clock=self.world.clock)
        self.asked, self.said = [], []
        self.panel.requested.connect(self.asked.append)
        self.panel.said.connect(self.said.append)
        qtbot.addWidget(self.panel)
        self.panel.set_account("PAPER")
        self.panel.resize(width, 520)
        self.panel.show()
        self.panel.activateWindow()
        self.panel.set_instrument(BTC.id)
        QApplication.processEvents()
        self.fields, self.buttons = self.panel.fields, self.panel.buttons
        self.buy, self.sell = self.buttons[Side.BUY], self.buttons[Side.SELL]
        self.rest()

    def rest(self, seconds=1.0):
        """Let time pass with fresh prices."""
        self.world.clock.forward(seconds)
        self.world.quote()
        self.panel.flush()
        QApplication.processEvents()

    def type(self, spin, text):
        spin.setFocus()
        spin.lineEdit().selectAll()
        self.qtbot.keyClicks(spin, text)
        self.rest(0.5)

    def click(self, button):
        self.qtbot.mouseClick(button, LEFT)

    def reason(self, side):
        """What is said against one side, without the word for it."""
        for label in self.panel.notes.reasons.values():
            who, _, why = label.text().partition(": ")
            if SIDE_WORDS[side] in who.split(" and "):
                return why
        return ""
