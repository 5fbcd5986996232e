"""The context menu of the limits."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QInputDialog, QLineEdit

from core.client.stores import Stores
from core.model.commands import ReloadSettings, SetRestriction, SetTradingState
from core.model.enums import StrategyMode, TradingState
from core.model.events import CommandRefused, LimitUse, StrategyState
from core.model.ids import IdMaker
from tests.core.kernel.driver import AAPL, Driver
from tests.widgets.trading_world import World
from widgets.risk.change import ChangeLimit
from widgets.risk.panel import RiskPanel


@pytest.fixture
def panel(qtbot):
    world = World()
    world.stores.take_event(
        StrategyState(1, "quoter", "quoter", "BTC-USD.SIM", "PAPER", StrategyMode.AUTO)
    )
    world.stores.take_event(
        LimitUse(
            1, "max_exposure", "account", "PAPER", Decimal(1), Decimal(9), "money", "reduce only"
        )
    )
    made = RiskPanel(world.stores, IdMaker("T"))
    qtbot.addWidget(made)
    made.set_account("PAPER")
    made.commands = []
    made.requested.connect(made.commands.append)
    return made


def action(panel, words):
    return next(a for a in panel.menu.build().actions() if words in a.text().replace("&", ""))


def answer(panel, text=None, key=Qt.Key.Key_Return):
    """Answer the question that stands open; nothing waits for it meanwhile."""
    dialog = next(d for d in panel.findChildren(QInputDialog, "ask") if d.isVisible())
    assert not dialog.isModal(), "the kill switch stays within reach"
    if text is not None:
        dialog.findChild(QLineEdit).setText(text)
    QTest.keyClick(dialog, key)


def test_settings_are_read_anew_with_a_reason(panel):
    panel.show()
    action(panel, "Read the").trigger()
    assert panel.commands == []
    answer(panel, " new limits ")
    (command,) = panel.commands
    assert isinstance(command, ReloadSettings)
    assert command.reason == "new limits"


def test_a_stopped_strategy_goes_on(panel):
    panel.show()
    action(panel, "Let a stopped").trigger()
    answer(panel)
    answer(panel, "looked at it")
    (command,) = panel.commands
    assert isinstance(command, SetTradingState)
    assert (command.scope, command.scope_id) == ("strategy", "quoter")
    assert (command.state, command.reason) == (TradingState.ACTIVE, "looked at it")


@pytest.mark.parametrize(("words", "restricted"), [("Restrict an", True), ("Take an", False)])
def test_an_instrument_is_restricted_or_opened_with_a_reason(panel, words, restricted):
    panel.show()
    action(panel, words).trigger()
    answer(panel)
    assert panel.commands == []
    answer(panel, "research comes out")
    (command,) = panel.commands
    assert isinstance(command, SetRestriction)
    assert (command.instrument, command.restricted) == ("ACME.SIM", restricted)
    assert command.reason == "research comes out"


@pytest.mark.parametrize("words", ["Restrict an", "Take an"])
def test_the_instrument_that_is_looked_at_is_meant_first(panel, words):
    panel.set_instrument("BTC-USD.SIM")
    panel.show()
    action(panel, words).trigger()
    answer(panel)
    answer(panel, "research comes out")
    (command,) = panel.commands
    assert command.instrument == "BTC-USD.SIM"


def test_without_instruments_none_can_be_named(qtbot):
    empty = RiskPanel(Stores(), IdMaker("T"))
    qtbot.addWidget(empty)
    assert not action(empty, "Restrict an").isEnabled()
    assert not action(empty, "Take an").isEnabled()


def test_escape_asks_for_nothing(panel):
    panel.show()
    for words in ("Read the", "Restrict an", "Let a stopped"):
        action(panel, words).trigger()
        if words != "Read the":
            answer(panel)
        answer(panel, "why", Qt.Key.Key_Escape)
    assert panel.commands == []


def test_the_engine_says_that_it_wants_a_reason(panel):
    panel.show()
    action(panel, "Restrict an").trigger()
    answer(panel)
    answer(panel, "  ")
    (command,) = panel.commands
    (refused,) = Driver().apply(replace(command, instrument=AAPL.id))
    assert isinstance(refused, CommandRefused)
    assert refused.code == "REASON_NEEDED"


def test_the_limit_that_was_clicked_is_changed(panel):
    panel.menu.build()
    asked = []
    panel.limits.change_asked.connect(asked.append)
    action(panel, "Change this").trigger()
    assert asked == [], "none is chosen"
    panel.show()
    panel.flush()
    assert panel.limits._keys
    QTest.mouseClick(panel.limits, Qt.MouseButton.RightButton, pos=QPoint(20, 5))
    action(panel, "Change this").trigger()
    assert asked == [panel.limits._keys[0]]
    panel.findChild(ChangeLimit).close()


def test_enter_in_the_field_arms_again_and_only_with_the_right_name(panel):
    known = panel.stores.accounts[panel.account]
    panel.stores.take_event(replace(known, state=TradingState.REDUCING, reason="kill switch"))
    panel.show()
    panel.flush()
    panel.confirm.setText("paper")
    QTest.keyClick(panel.confirm, Qt.Key.Key_Return)
    assert panel.commands == []
    panel.confirm.setText(panel.account)
    QTest.keyClick(panel.confirm, Qt.Key.Key_Return)
    (command,) = panel.commands
    assert isinstance(command, SetTradingState)
    assert command.state is TradingState.ACTIVE
