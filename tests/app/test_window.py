"""The main window: what it does when the engine goes, when it is closed, when a panel fails."""

from __future__ import annotations

from decimal import Decimal

import pytest
import shiboken6
from msgspec.structs import replace
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox

from app.leaving import LeaveDialog
from app.palette import Palette
from core.bus.channel import NOBODY
from core.model.commands import (
    CancelAll,
    Flatten,
    Kill,
    NewOrder,
    NewOrderList,
    VenueControl,
)
from core.model.enums import Contingency, Mode, OrdStatus, OrdType, Severity, Side, Source
from core.model.events import CommandRefused
from core.model.orders import Position
from core.model.session import Subscribe
from core.services.process import ProcessState
from tests.app.conftest import ACCOUNT, Terminal
from tests.widgets.trading_world import BID, BTC, SHARE, START
from widgets.theme import tokens

LEFT = Qt.MouseButton.LeftButton
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def held(lots: int = 10) -> Position:
    return Position(1, START, ACCOUNT, BTC.id, lots, lots * BID, 0, Decimal(0))


# -- the engine comes and goes ---------------------------------------------------------------


def test_it_starts_saying_so_and_shows_the_snapshot(terminal):
    t: Terminal = terminal()
    assert "Engine starting" in t.window.status.connection.text()
    t.orders = (t.order("O1"),)
    t.connect()
    assert "Engine up" in t.window.status.connection.text()
    assert t.window.instrument == BTC.id
    assert t.window.account == ACCOUNT
    assert t.window.topbar.cancel.text() == "Cancel 1 order"
    assert t.window.panel("orders").model.rowCount() == 1


def test_without_the_engine_trading_is_frozen_and_commands_are_refused(terminal):
    t = terminal()
    t.connect()
    before = len(t.commands)
    t.reach = False
    t.line.down = "The engine closed the connection or died."
    t.frame()
    assert "TRADING FROZEN" in t.window.status.connection.text()
    t.window.cancel_all()
    assert len(t.commands) == before
    assert "Not sent" in t.window.status.message.text()
    assert t.stores.notices[-1].severity is Severity.ERROR
    assert "Not sent" in t.stores.notices[-1].text
    (refusal,) = t.stores.refusals
    assert refusal.code == "NOT_CONNECTED"


def test_the_engine_back_shows_what_it_says_now(terminal):
    t = terminal()
    t.orders = (t.order("O1"),)
    t.connect()
    t.orders = (t.order("O1", status=OrdStatus.CANCELED), t.order("O2"))
    t.line.down = "gone"
    t.frame()
    assert not t.stores.connected
    t.until(lambda: t.stores.connected)
    assert "Engine up" in t.window.status.connection.text()
    orders = t.window.panel("orders")
    assert sorted(o.cl_ord_id for o in orders.model.rows()) == ["O1", "O2"]
    # what panels want was asked again
    t.until(lambda: any(isinstance(m, Subscribe) and m.quotes for m in t.line.said))


def test_while_it_is_started_again_no_address_is_shown(terminal):
    t = terminal()
    t.connect()
    died = "The engine was killed (signal 9). It is being started again."
    t.desk.process = _Process([died])
    t.line.down = "The engine closed the connection or died."
    t.desk._look()
    assert t.stores.connection_text == died
    t.stores.connection_text = f"{NOBODY} ipc:///run/some.sock."
    t.desk._look()
    assert t.stores.connection_text == died
    t.stores.connection_text = "The client speaks protocol 2 and the engine 3."
    t.desk._look()
    assert t.stores.connection_text == "The client speaks protocol 2 and the engine 3."
    t.desk.process = None


class _Process:
    """What is told of a child, look by look; then it runs."""

    state = ProcessState.RUNNING

    def __init__(self, told: list[str]) -> None:
        self._told = told

    def poll(self) -> str:
        return self._told.pop(0) if self._told else ""


def test_an_engine_that_will_not_start_again_is_told_in_a_box_that_blocks_nothing(terminal, capsys):
    t = terminal()
    t.desk.failed.emit("The engine failed: the journal is damaged.")
    (box,) = t.window.findChildren(QMessageBox)
    assert box.text() == "The engine failed: the journal is damaged."
    assert not box.isModal()
    box.close()
    assert "Engine failed" in t.window.status.connection.text()
    t.desk.connection_changed.emit(False, "No more.")
    assert "Engine failed" in t.window.status.connection.text()
    assert capsys.readouterr().err == "outcry: The engine failed: the journal is damaged.\n"


def test_a_refusal_is_a_sentence_on_the_screen(terminal):
    t = terminal()
    t.connect()
    t.say(CommandRefused(START, "X", "STARTING", "The engine is reconciling; try again."))
    assert t.window.status.message.text() == "⚠ The engine is reconciling; try again."


def test_the_same_wants_are_asked_once(terminal, qtbot):
    t = terminal()
    t.connect()
    qtbot.wait(20)
    asked = sum(isinstance(m, Subscribe) for m in t.line.said)
    for _ in range(3):
        t.window._subscribe()
    assert sum(isinstance(m, Subscribe) for m in t.line.said) == asked


# -- one part fails --------------------------------------------------------------------------


def test_a_panel_that_fails_is_reported_once_and_the_others_go_on(terminal, monkeypatch, capsys):
    t = terminal()
    t.connect()
    orders, risk = t.window.panel("orders"), t.window.panel("strategies")
    seen: list[str] = []

    def fail() -> None:
        raise RuntimeError("a broken panel")

    monkeypatch.setattr(orders, "flush", fail)
    monkeypatch.setattr(risk, "flush", lambda: seen.append("flushed"))
    for _ in range(5):
        t.frame()
    assert [n.text for n in t.shown] == ["The panel orders-1 could not be drawn: a broken panel"]
    assert len(seen) == 5
    assert "a broken panel" in capsys.readouterr().err
    # healed and broken again: said again
    monkeypatch.undo()
    t.frame()
    monkeypatch.setattr(orders, "flush", fail)
    t.frame()
    assert len(t.shown) == 2


def test_a_panel_that_cannot_be_made_leaves_a_note_in_its_place(terminal, monkeypatch):
    from app import window

    real = window.make_panel

    def refuse(kind, stores, ids):
        if kind == "log":
            raise ImportError("no such module")
        return real(kind, stores, ids)

    monkeypatch.setattr(window, "make_panel", refuse)
    t = terminal()
    t.connect()
    assert list(t.window.docks.missing) == ["log-1"]
    assert "could not be opened" in t.shown[0].text
    assert t.window.panel("orders") is not None


# -- kill, cancel, flatten -------------------------------------------------------------------


def test_the_kill_key_works_from_anywhere(terminal, qtbot):
    t = terminal()
    t.connect()
    t.window.tools.search()
    QTest.keyClick(t.window.topbar.search, Qt.Key.Key_K, CTRL | SHIFT)
    t.window.tools.open_palette()
    palette = t.window.tools.palette
    qtbot.waitUntil(palette.isActiveWindow)
    QTest.keyClick(palette._query, Qt.Key.Key_K, CTRL | SHIFT)
    palette.close()
    t.window.actions_by_id["help.about"].trigger()
    box = t.window.findChild(QMessageBox)
    qtbot.waitUntil(box.isActiveWindow)
    QTest.keyClick(box, Qt.Key.Key_K, CTRL | SHIFT)
    box.close()
    assert [(type(c), c.level, c.account, c.source) for c in t.commands] == [
        (Kill, 1, ACCOUNT, Source.HOTKEY)
    ] * 3


def test_no_dialog_takes_the_kill_button_away(terminal, qtbot):
    t = terminal()
    t.orders = (t.order("O1"),)
    t.connect()
    t.window.close()
    t.window.actions_by_id["help.keys"].trigger()
    t.window.actions_by_id["file.picture"].trigger()
    t.window._export_all("orders")
    assert QApplication.activeModalWidget() is None
    QTest.mousePress(t.window.kill_button, LEFT)
    QTest.mouseRelease(t.window.kill_button, LEFT)
    assert [c.level for c in t.commands] == [1]
    for dialog in QApplication.topLevelWidgets():
        if dialog is not t.window and dialog.isVisible():
            dialog.close()


def test_scopes_stand_on_the_buttons(terminal):
    t = terminal()
    t.orders = (t.order("O1"), t.order("O2"))
    t.positions = (held(),)
    t.connect()
    bar = t.window.topbar
    assert bar.cancel.text() == "Cancel 2 orders"
    assert bar.flatten.text() == "Flatten 1 position"
    QTest.mouseClick(bar.cancel, LEFT)
    QTest.mouseClick(bar.flatten, LEFT)
    cancel, flatten = t.commands
    assert isinstance(cancel, CancelAll)
    assert isinstance(flatten, Flatten)
    assert flatten.instrument == ""
    t.window.flatten_instrument()
    assert t.commands[-1].instrument == BTC.id


# -- names, symbols, modes -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "word"), [(Mode.PAPER, "Paper"), (Mode.REPLAY, "Replay"), (Mode.LIVE, "LIVE")]
)
def test_the_title_says_what_the_money_is(terminal, mode, word):
    t = terminal(mode)
    t.frame()
    assert t.window.windowTitle() == "Outcry"
    assert t.window.topbar.mode.text() == "—", "nobody said what the money is"
    assert t.window.panel("ladder").top.word.accessibleName() == "Mode —"
    t.connect()
    t.frame()
    assert t.window.panel("ladder").top.word.accessibleName() == f"Mode {mode.value.upper()}"
    assert t.window.windowTitle() == f"{BTC.id} — {word} — Outcry"
    assert t.window.topbar.mode.text() == mode.value.upper()


def test_a_symbol_is_found_by_a_few_letters(terminal, qtbot):
    t = terminal()
    t.connect()
    t.quote()
    QTest.keyClick(t.window, Qt.Key.Key_L, CTRL)
    search = t.window.topbar.search
    qtbot.waitUntil(search.hasFocus)
    QTest.keyClicks(search, "acm")
    QTest.keyClick(search, Qt.Key.Key_Return)
    assert t.window.instrument == SHARE.id
    assert all(p.instrument == SHARE.id for p in t.window.docks.panels.values() if not p.pinned)


def test_f6_goes_round_the_panels(terminal, qtbot):
    t = terminal()
    t.connect()
    visible = [p for p in t.window.docks.panels.values() if p.isVisible()]

    def here() -> object:
        focus = QApplication.focusWidget()
        return next((p for p in visible if p is focus or p.isAncestorOf(focus)), None)

    seen = []
    for _ in visible:
        QTest.keyClick(t.window, Qt.Key.Key_F6)
        seen.append(here())
    assert seen == visible
    QTest.keyClick(t.window, Qt.Key.Key_F6)
    assert here() is visible[0]
    QTest.keyClick(t.window, Qt.Key.Key_F6, SHIFT)
    assert here() is visible[-1]


def test_f9_goes_to_the_quantity_ready_to_type(terminal, qtbot):
    t = terminal()
    t.connect()
    t.quote()
    quantity = t.window.panel("ticket").fields.quantity
    QTest.keyClick(t.window, Qt.Key.Key_F9)
    qtbot.waitUntil(quantity.hasFocus)
    assert quantity.lineEdit().selectedText() == quantity.lineEdit().text()


def test_dialogs_have_a_line_around_them(terminal):
    t = terminal()
    t.positions = (held(),)
    t.connect()
    t.window.close()
    t.window.actions_by_id["help.about"].trigger()
    t.window.tools.open_palette()
    for kind in (LeaveDialog, QMessageBox, Palette):
        picture = t.window.findChild(kind).grab().toImage()
        for x, y in ((0, 0), (picture.width() - 1, picture.height() - 1), (5, 0), (0, 5)):
            assert picture.pixelColor(x, y) == tokens().line, kind
        t.window.findChild(kind).close()


def test_a_panel_is_closed_by_key(terminal, qtbot):
    t = terminal()
    t.connect()
    t.window.navigation.focus("strategies")
    qtbot.waitUntil(lambda: t.window.panel("strategies").isVisible())
    QTest.keyClick(t.window, Qt.Key.Key_F6)
    before = set(t.window.docks.panels)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_W, CTRL)
    assert len(before - set(t.window.docks.panels)) == 1


def test_the_palette_lists_every_action_and_does_it(terminal, qtbot):
    t = terminal()
    t.connect()
    QTest.keyClick(t.window, Qt.Key.Key_K, CTRL)
    palette = t.window.findChild(Palette)
    qtbot.waitUntil(palette.isActiveWindow)
    listed = [palette._list.item(n).text() for n in range(palette._list.count())]
    for action in t.window.actions_by_id:
        text = action.text().replace("&", "")
        assert any(line.startswith(text) for line in listed), text
        if action.shortcuts():
            assert any(action.shortcut().toString() in line for line in listed)
    QTest.keyClicks(palette._query, "four ch")
    QTest.keyClick(palette._query, Qt.Key.Key_Return)
    kinds = [p.KIND for p in t.window.docks.panels.values()]
    assert kinds.count("chart") == 4


def test_the_palette_closes_when_something_else_is_clicked(terminal, qtbot):
    t = terminal()
    t.window.tools.open_palette()
    palette = t.window.tools.palette
    qtbot.waitUntil(palette.isActiveWindow)
    t.window.activateWindow()
    qtbot.waitUntil(lambda: not shiboken6.isValid(palette))


def test_a_minimised_window_draws_nothing_and_measures_nothing(terminal, monkeypatch):
    t = terminal()
    t.connect()
    drawn: list[None] = []
    monkeypatch.setattr(t.window.panel("orders"), "flush", lambda: drawn.append(None))
    t.window.showMinimized()
    t.frame()
    assert drawn == []
    t.window.showNormal()
    t.frame()
    assert drawn == [None]


def test_the_window_takes_no_orders_from_a_click_on_nothing(terminal):
    t = terminal()
    t.connect()
    QTest.mouseClick(t.window, LEFT, pos=QPoint(5, 300))
    assert t.commands == []


def test_every_command_carries_the_traders_name(terminal):
    t = terminal()
    t.connect()
    assert t.window.topbar.account.text() == f"{ACCOUNT} · trader"
    t.window.flatten_all()
    assert [c.trader for c in t.commands] == ["trader"]
    t.settings.values.trader = "ann"
    order = NewOrder("A", ACCOUNT, BTC.id, Side.BUY, OrdType.LIMIT, 1, 100)
    other = replace(order, cl_ord_id="B", trader="bob")
    t.window._send(NewOrderList("L", Contingency.OCO, (order, other)))
    sent = t.commands[-1]
    assert (sent.trader, [o.trader for o in sent.orders]) == ("ann", ["ann", "bob"])
    t.window._send(VenueControl("V", "REPLAY", "pause"))
    assert t.commands[-1].venue == "REPLAY", "a command without a name stays as it is"


def test_the_keys_work_in_a_panel_that_stands_in_a_window_of_its_own(terminal, qtbot):
    t = terminal()
    t.orders = (t.order("O1"),)
    t.connect()
    t.window.show_story("O1")
    (name,) = (n for n, p in t.window.docks.panels.items() if p.KIND == "story")
    story = t.window.docks.panels[name]
    assert story.window() is not t.window
    story.window().activateWindow()
    story.view.setFocus()
    qtbot.waitUntil(story.view.hasFocus)
    QTest.keyClick(story.view, Qt.Key.Key_W, CTRL)
    assert name not in t.window.docks.panels
