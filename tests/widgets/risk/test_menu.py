"""The context menu of the limits."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QInputDialog

from core.model.commands import ReloadSettings, SetTradingState
from core.model.enums import StrategyMode, TradingState
from core.model.events import StrategyState
from core.model.ids import IdMaker
from tests.widgets.trading_world import World
from widgets.risk.panel import RiskPanel


@pytest.fixture
def panel(qtbot):
    world = World()
    world.stores.take_event(
        StrategyState(1, "quoter", "quoter", "BTC-USD.SIM", "PAPER", StrategyMode.AUTO)
    )
    made = RiskPanel(world.stores, IdMaker("T"))
    qtbot.addWidget(made)
    made.commands = []
    made.requested.connect(made.commands.append)
    return made


def answers(monkeypatch, text, chosen=True):
    monkeypatch.setattr(QInputDialog, "getText", lambda *a: (text, chosen))
    monkeypatch.setattr(QInputDialog, "getItem", lambda *a: (a[3][0], chosen))


def test_settings_are_read_anew_with_a_reason(panel, monkeypatch):
    answers(monkeypatch, " new limits ")
    panel.menu.build().actions()[0].trigger()
    (command,) = panel.commands
    assert isinstance(command, ReloadSettings)
    assert command.reason == "new limits"


def test_a_stopped_strategy_goes_on(panel, monkeypatch):
    answers(monkeypatch, "looked at it")
    panel.menu.build().actions()[1].trigger()
    (command,) = panel.commands
    assert isinstance(command, SetTradingState)
    assert (command.scope, command.scope_id) == ("strategy", "quoter")
    assert (command.state, command.reason) == (TradingState.ACTIVE, "looked at it")


@pytest.mark.parametrize(("text", "chosen"), [("", True), ("  ", True), ("why", False)])
def test_nothing_without_a_reason(panel, monkeypatch, text, chosen):
    answers(monkeypatch, text, chosen)
    for action in panel.menu.build().actions():
        action.trigger()
    assert panel.commands == []
