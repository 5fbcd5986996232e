"""Painting must not eat references to None: a binding that does kills the program in hours."""

import sys

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from core.model.enums import OrdStatus, Side
from core.model.ids import IdMaker
from tests.widgets.trading_world import ASK, BID, BTC, World
from widgets.ladder.panel import LadderPanel
from widgets.ticket.panel import TicketPanel

PAINTS = 1_000

pytestmark = pytest.mark.skipif(
    sys.version_info >= (3, 12),
    reason="None is immortal from Python 3.12 on; its count says nothing",
)


@pytest.mark.parametrize("kind", [LadderPanel, TicketPanel])
def test_the_count_of_none_is_stable_over_a_thousand_paints(qtbot, kind):
    world = World()
    world.order("a", Side.BUY, BID - 3)
    world.order("b", Side.SELL, ASK + 3, status=OrdStatus.PENDING_NEW)
    world.hold(5, BID - 6)
    world.trade((BID, 5, 2), (ASK, 5, 1))
    panel = kind(world.stores, IdMaker("P"), clock=world.clock)
    qtbot.addWidget(panel)
    panel.set_account("PAPER")
    panel.resize(420, 320)
    panel.show()
    panel.set_instrument(BTC.id)
    QApplication.processEvents()
    image = QImage(panel.size(), QImage.Format.Format_RGB32)
    for _ in range(10):
        panel.render(image)
    before = sys.getrefcount(None)
    for _ in range(PAINTS):
        panel.render(image)
    drift = sys.getrefcount(None) - before
    assert abs(drift) < PAINTS // 10
