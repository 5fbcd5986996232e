"""What is scrolled in a panel lies on the panel's own ground, in one piece."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from core.model.ids import IdMaker
from tests.widgets.trading_world import World
from widgets.risk.panel import RiskPanel
from widgets.strategies.panel import StrategiesPanel
from widgets.ticket.fitting import Fitting
from widgets.ticket.notes import Notes

GROUND = QColor("#ff00ff")


def fitting(host: QWidget) -> QWidget:
    inside = QWidget()
    inside.setMinimumHeight(200)
    return Fitting(inside, host)


@pytest.mark.parametrize(
    "make",
    [
        fitting,
        Notes,
        lambda host: StrategiesPanel(World().stores, IdMaker("T"), host),
        lambda host: RiskPanel(World().stores, IdMaker("T"), host),
    ],
    ids=["fitting", "notes", "strategies", "risk"],
)
def test_the_ground_is_seen_behind_what_is_scrolled(qtbot, make):
    host = QWidget()
    qtbot.addWidget(host)
    host.setObjectName("ground")
    host.setStyleSheet(f"#ground {{ background: {GROUND.name()}; }}")
    layout = QVBoxLayout(host)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(make(host))
    host.resize(300, 400)
    host.show()
    QApplication.processEvents()
    picture = host.grab().toImage()
    assert picture.pixelColor(10, host.height() - 6) == GROUND
