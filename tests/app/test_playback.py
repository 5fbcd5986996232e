"""The bar of a replay: past the quiet time with one press."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from core.model.commands import VenueControl
from core.model.enums import Mode
from core.model.session import EngineView, Frame
from core.model.wire import encode
from tests.widgets.trading_world import BTC, SHARE, START

CTRL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def replay(terminal):
    t = terminal(Mode.REPLAY)
    t.connect()
    engine = EngineView(
        START, replay_ts=START, replay_speed=1.0, replay_start=START, replay_end=START + 9
    )
    t.line.inbox.append(encode(Frame(1, START, engine=engine)))
    t.until(lambda: t.window.playback.isVisible())
    return t


def asked(t):
    return [(c.action, c.instrument, c.venue) for c in t.commands if isinstance(c, VenueControl)]


def test_next_trade_is_that_of_the_chosen_instrument(replay):
    QTest.mouseClick(replay.window.playback.next, Qt.MouseButton.LeftButton)
    replay.window.choose_instrument(SHARE.id)
    QTest.keyClick(replay.window, Qt.Key.Key_N, CTRL_SHIFT)
    assert asked(replay) == [("next", BTC.id, "SIM"), ("next", SHARE.id, "SIM")]


def test_elsewhere_the_key_says_that_there_is_nothing_to_skip(terminal):
    t = terminal()
    t.connect()
    assert not t.window.playback.isVisible()
    QTest.keyClick(t.window, Qt.Key.Key_N, CTRL_SHIFT)
    assert asked(t) == []
    assert t.window.status.message.text() == "Only a recording has a next trade to go to."
