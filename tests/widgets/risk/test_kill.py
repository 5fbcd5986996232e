"""The kill switch: at mouse-down, by key, held; whatever else happens."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.model.commands import Kill
from core.model.enums import TradingState
from core.model.ids import IdMaker
from tests.widgets.trading_world import World
from widgets.risk import kill
from widgets.risk.kill import KillButton

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def pressed(qtbot, world, monkeypatch):
    """The button and the levels it asks for, as they come; holding takes tenths of the time."""
    monkeypatch.setattr(kill, "HOLD_CANCEL", 0.1)
    monkeypatch.setattr(kill, "HOLD_FLATTEN", 0.2)
    button = KillButton(world.stores, IdMaker("T"))
    button.set_account("PAPER")
    qtbot.addWidget(button)
    button.show()
    button.activateWindow()
    qtbot.waitUntil(button.isActiveWindow)
    commands: list[Kill] = []
    button.requested.connect(commands.append)
    return button, commands


def levels(commands: list[Kill]) -> list[int]:
    assert all(c.account == "PAPER" for c in commands)
    assert len({c.id for c in commands}) == len(commands)
    return [c.level for c in commands]


def key(button: KillButton, kind: QEvent.Type, which: Qt.Key, repeat: bool = False) -> None:
    event = QKeyEvent(kind, which, Qt.KeyboardModifier.NoModifier, "", repeat)
    QApplication.sendEvent(button, event)


def test_it_kills_at_mouse_down(pressed):
    button, commands = pressed
    QTest.mousePress(button, LEFT)
    assert levels(commands) == [1]
    QTest.mouseRelease(button, LEFT)
    assert levels(commands) == [1]
    assert button.text() == "KILL"


def test_letting_go_outside_takes_nothing_back(pressed):
    button, commands = pressed
    QTest.mousePress(button, LEFT)
    QTest.mouseMove(button, QPoint(500, 500))
    QTest.mouseRelease(button, LEFT, pos=QPoint(500, 500))
    assert levels(commands)[0] == 1


def test_holding_cancels_then_flattens_and_no_more(qtbot, pressed):
    button, commands = pressed
    QTest.mousePress(button, LEFT)
    qtbot.waitUntil(lambda: len(commands) >= 2)
    assert button.text() == "CANCELLING…"
    qtbot.waitUntil(lambda: len(commands) == 3)
    assert button.text() == "FLATTENING…"
    qtbot.wait(100)
    QTest.mouseRelease(button, LEFT)
    assert levels(commands) == [1, 2, 3]


@pytest.mark.parametrize("which", [Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_keys_press_and_hold_alike_and_repeats_do_not_count(qtbot, pressed, which):
    button, commands = pressed
    button.setFocus()
    key(button, QEvent.Type.KeyPress, which)
    assert levels(commands) == [1]
    for _ in range(5):
        key(button, QEvent.Type.KeyRelease, which, repeat=True)
        key(button, QEvent.Type.KeyPress, which, repeat=True)
    assert levels(commands) == [1]
    qtbot.waitUntil(lambda: len(commands) == 3)
    key(button, QEvent.Type.KeyRelease, which)
    assert levels(commands) == [1, 2, 3]
    assert not button.isDown()


def test_a_held_key_is_let_go_with_the_focus(qtbot, pressed):
    button, commands = pressed
    button.setFocus()
    key(button, QEvent.Type.KeyPress, Qt.Key.Key_Return)
    button.clearFocus()
    qtbot.wait(250)
    assert levels(commands) == [1]
    assert not button.isDown()


def stop(world: World, state: TradingState) -> None:
    account = world.stores.accounts["PAPER"]
    world.stores.take_event(replace(account, state=state))


def test_it_says_that_the_account_is_stopped_and_still_works(pressed, world):
    button, commands = pressed
    for state, word in ((TradingState.REDUCING, "KILLED"), (TradingState.HALTED, "HALTED")):
        stop(world, state)
        button.refresh()
        assert button.text() == word
        assert word.lower() in button.accessibleDescription()
        assert button.isEnabled()
    QTest.mouseClick(button, LEFT)
    assert levels(commands) == [1]
    assert button.text() == "HALTED"
    stop(world, TradingState.ACTIVE)
    button.refresh()
    assert button.text() == "KILL"
    assert button.accessibleDescription() == ""


@pytest.mark.parametrize("level", [1, 2, 3])
def test_armed_again_it_says_kill_again(qtbot, pressed, world, level):
    button, commands = pressed
    QTest.mousePress(button, LEFT)
    qtbot.waitUntil(lambda: len(commands) >= level)
    stop(world, TradingState.REDUCING)
    button.refresh()
    assert button.text() in list(kill.LABELS.values())[1:], "what it does stands there while held"
    QTest.mouseRelease(button, LEFT)
    assert button.text() == "KILLED"
    stop(world, TradingState.ACTIVE)
    button.refresh()
    assert button.text() == "KILL"


def test_without_an_account_the_worst_state_of_all_counts(pressed, world):
    button, _ = pressed
    button.set_account("")
    account = world.stores.accounts["PAPER"]
    world.stores.take_event(replace(account, account="B", state=TradingState.REDUCING))
    button.refresh()
    assert button.text() == "KILLED"


def test_no_word_is_cut(pressed):
    button, _ = pressed
    font = button.font()
    font.setBold(True)
    from PySide6.QtGui import QFontMetrics

    metrics = QFontMetrics(font)
    for word in (*kill.LABELS.values(), *kill.STATES.values()):
        assert metrics.horizontalAdvance(word) < button.sizeHint().width()
