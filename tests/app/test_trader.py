"""The name on orders: where it stands, how it is changed, what is wrong with some."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialogButtonBox

from app.name_dialog import NameDialog
from app.settings import SettingsFile
from app.trader import problem_of
from core.model.session import Appraise
from tests.widgets.trading_world import BID

OK = QDialogButtonBox.StandardButton.Ok
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def t(terminal):
    t = terminal()
    t.connect()
    return t


def opened(t):
    """The dialog, reached by a click on the account's name."""
    QTest.mouseClick(t.window.topbar.account, LEFT)
    dialog = t.window.findChild(NameDialog)
    assert dialog is not None
    return dialog


def test_a_click_and_a_name_and_it_signs_what_follows_and_is_kept(t):
    dialog = opened(t)
    assert not dialog.isModal(), "the kill switch stays within reach"
    assert dialog.name.text() == dialog.name.selectedText() == "trader"
    QTest.keyClicks(dialog.name, "Ann O.")
    QTest.keyClick(dialog.name, Qt.Key.Key_Return)
    assert not dialog.isVisible()
    assert t.window.topbar.account.text().endswith(" · Ann O.")
    assert "“Ann O.”" in t.window.topbar.account.toolTip()
    t.window.flatten_all()
    assert t.commands[-1].trader == "Ann O."
    assert SettingsFile(t.data / "settings").values.trader == "Ann O."
    assert any("not “trader”" in n.text for n in t.stores.notices), "who signs is on record"


def test_what_the_engine_said_in_the_other_name_is_asked_anew(t):
    t.quote()
    ticket = t.window.panel("ticket")
    ticket.fields.use_price(BID)
    ticket.flush()

    def asked():
        return {m.order.trader for m in t.line.said if isinstance(m, Appraise)}

    assert asked() == {"trader"}
    t.window.trader.choose("ann")
    assert asked() == {"trader", "ann"}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "at least one character"),
        ("   ", "at least one character"),
        (" ann", "neither begins nor ends with a space"),
        ("ann\t", "neither begins nor ends with a space"),
        ("a\nb", "“character 0xa” cannot be in a name"),
        ("a|b", "“|” cannot be in a name"),
        ("a\u202eb", "“character 0x202e” cannot be"),
        ("x" * 65, "at most 64 characters, this one 65"),
    ],
)
def test_what_cannot_be_a_name_is_said_and_changes_nothing(t, name, says):
    assert says in problem_of(name)
    assert says in t.window.trader.choose(name)
    assert t.window.trader.name == "trader"
    assert not (t.data / "settings" / "settings.json").exists()


def test_while_it_is_typed(t):
    dialog = opened(t)
    QTest.keyClicks(dialog.name, "a|")
    assert "cannot be in a name" in dialog.problem.text()
    assert not dialog.buttons.button(OK).isEnabled()
    QTest.keyClick(dialog.name, Qt.Key.Key_Return)
    assert dialog.isVisible()
    QTest.keyClick(dialog.name, Qt.Key.Key_Backspace)
    assert dialog.problem.text() == ""
    dialog.buttons.button(OK).click()
    assert t.window.trader.name == "a"


@pytest.mark.parametrize("name", ["ann", "Ann O'Neil", "Zoë", "desk-7 / late", "王", "x" * 64])
def test_names_of_all_kinds(name):
    assert problem_of(name) == ""


def test_escape_leaves_it_and_no_name_is_no_change(t):
    dialog = opened(t)
    QTest.keyClicks(dialog.name, "bob")
    QTest.keyClick(dialog.name, Qt.Key.Key_Escape)
    assert t.window.trader.name == "trader"
    assert t.window.trader.choose("trader") == ""
    assert not any("from now on" in n.text for n in t.stores.notices)


def test_when_it_cannot_be_saved_it_holds_and_that_is_said(t, monkeypatch):
    def full() -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(t.settings, "save", full)
    assert t.window.trader.choose("ann") == ""
    assert t.window.trader.name == "ann"
    text = t.stores.notices[-1].text
    assert "could not be saved: No space left on device" in text
