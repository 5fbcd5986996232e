"""Leaving the program while something is open."""

from __future__ import annotations

from decimal import Decimal

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from app import leaving
from app.leaving import LeaveDialog
from core.model.commands import (
    CancelAll,
    Flatten,
)
from core.model.enums import OrdStatus
from core.model.orders import Position
from tests.app.conftest import ACCOUNT, Terminal
from tests.widgets.trading_world import BID, BTC, START

LEFT = Qt.MouseButton.LeftButton


def held(lots: int = 10) -> Position:
    return Position(1, START, ACCOUNT, BTC.id, lots, lots * BID, 0, Decimal(0))


def asked(t: Terminal) -> LeaveDialog:
    dialog = t.window.findChild(LeaveDialog)
    assert dialog is not None
    return dialog


def answer(t: Terminal, name: str) -> None:
    QTest.mouseClick(asked(t).findChild(QPushButton, f"leave.{name}"), LEFT)


def test_with_nothing_left_it_closes_at_once(terminal):
    t = terminal()
    t.connect()
    closed: list[None] = []
    t.window.closed.connect(lambda: closed.append(None))
    t.window.close()
    assert closed
    assert not t.window.isVisible()


@pytest.mark.parametrize("how", ["button", "escape", "close"])
def test_stay_stays(terminal, how):
    t = terminal()
    t.orders = (t.order("O1"),)
    t.positions = (held(),)
    t.connect()
    t.window.close()
    assert t.window.isVisible()
    dialog = asked(t)
    t.window.close()  # asking twice shows the same question
    assert len(t.window.findChildren(LeaveDialog)) == 1
    if how == "button":
        answer(t, "stay")
    elif how == "escape":
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
    else:
        dialog.close()
    assert t.window.isVisible()
    assert t.commands == []


def test_leave_leaves_them(terminal):
    t = terminal()
    t.orders = (t.order("O1"),)
    t.connect()
    t.window.close()
    answer(t, "leave")
    assert not t.window.isVisible()
    assert t.commands == []


def test_cancel_waits_for_the_cancels(terminal, qtbot):
    t = terminal()
    t.orders = (t.order("O1"),)
    t.positions = (held(),)
    t.connect()
    t.window.close()
    answer(t, "cancel")
    (command,) = t.commands
    assert isinstance(command, CancelAll)
    assert t.window.isVisible()
    t.say(t.order("O1", status=OrdStatus.CANCELED))
    qtbot.waitUntil(lambda: not t.window.isVisible())


@pytest.mark.parametrize(
    ("orders", "positions", "offered"),
    [
        (1, 0, {"stay": "&Stay", "leave": "&Leave them", "cancel": "&Cancel orders"}),
        (0, 1, {"stay": "&Stay", "leave": "&Leave them", "flatten": "&Flatten"}),
    ],
)
def test_only_what_makes_sense_is_offered(terminal, orders, positions, offered):
    t = terminal()
    t.orders = (t.order("O1"),) * orders
    t.positions = (held(),) * positions
    t.connect()
    t.window.close()
    buttons = asked(t).findChildren(QPushButton)
    assert {b.objectName().removeprefix("leave."): b.text() for b in buttons} == offered


def test_flatten_waits_until_flat(terminal, qtbot):
    t = terminal()
    t.positions = (held(),)
    t.connect()
    t.window.close()
    answer(t, "flatten")
    assert isinstance(t.commands[0], Flatten)
    qtbot.wait(3 * leaving.LOOK_MS)
    assert t.window.isVisible()
    t.say(held(0))
    qtbot.waitUntil(lambda: not t.window.isVisible())


def test_what_does_not_end_is_asked_again(terminal, qtbot, monkeypatch):
    monkeypatch.setattr(leaving, "PATIENCE_MS", 200)
    t = terminal()
    t.positions = (held(),)
    t.connect()
    t.window.close()
    answer(t, "flatten")
    qtbot.waitUntil(lambda: any(d.isVisible() for d in t.window.findChildren(LeaveDialog)))
    assert t.window.isVisible()


def test_without_the_engine_nothing_can_be_cancelled(terminal):
    t = terminal()
    t.orders = (t.order("O1"),)
    t.positions = (held(),)
    t.connect()
    t.reach = False
    t.line.down = "gone"
    t.frame()
    t.window.close()
    enabled = {
        name: asked(t).findChild(QPushButton, f"leave.{name}").isEnabled()
        for name, _ in LeaveDialog.CHOICES
    }
    assert enabled == {"stay": True, "leave": True, "cancel": False, "flatten": False}
    answer(t, "leave")
    assert not t.window.isVisible()
