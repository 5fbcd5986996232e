"""Several workspaces: their files and names, and the window that goes from one to another."""

from __future__ import annotations

import gc
import json

import pytest
import shiboken6
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialogButtonBox,
    QFileDialog,
    QLineEdit,
    QMessageBox,
    QSplitter,
    QWidget,
)

from app.layouts import LAYOUTS
from app.name_dialog import NameDialog
from app.palette import Palette
from app.settings import SettingsFile
from app.workspace import SavedPanel, SavedWorkspace
from app.workspaces import Workspace, Workspaces
from core.model.session import Hello, Subscribe
from tests.widgets.trading_world import BTC, SHARE
from widgets.panel import Panel

CTRL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier
LEFT = Qt.MouseButton.LeftButton


def library(tmp_path) -> Workspaces:
    return Workspaces(tmp_path / "w", SettingsFile(tmp_path / "settings"), "paper")


def fill(workspace: Workspace, number: int = 1) -> None:
    panels = [SavedPanel("log-1", "log", {"n": number})]
    workspace.file.save(SavedWorkspace(name=workspace.name, panels=panels))


# -- files and names -------------------------------------------------------------------------
# -- the window ------------------------------------------------------------------------------


def names(t) -> list[str]:
    return [w.name for w in t.library]


def kinds(t) -> list[str]:
    return sorted(p.KIND for p in t.window.docks.panels.values())


def do(t, action_id: str) -> None:
    t.window.actions_by_id[action_id].trigger()


def file(t, workspace_id: str) -> dict:
    return json.loads((t.data / "workspaces" / f"{workspace_id}.json").read_text())


def test_a_new_one_from_each_template_opens_without_a_question(terminal, qtbot):
    t = terminal()
    t.connect()
    before = kinds(t)
    for key in LAYOUTS:
        do(t, f"workspace.new.{key}")
        assert not t.shown
        assert len(kinds(t)) > 4
    assert names(t) == ["Default", "Default 2", "Four charts", "Scalp", "Swing", "Strategy desk"]
    assert t.window.topbar.workspace.text() == "Strategy desk"
    QTest.keyClick(t.window, Qt.Key.Key_1, CTRL | ALT)
    assert t.window.topbar.workspace.text() == "Default"
    assert kinds(t) == before
    qtbot.waitUntil(lambda: (t.data / "workspaces" / "workspace-6.json").exists())


def test_keys_menu_and_palette_switch(terminal, qtbot):
    t = terminal()
    t.connect()
    do(t, "workspace.new.scalp")
    do(t, "workspace.new.swing")
    QTest.keyClick(t.window, Qt.Key.Key_2, CTRL | ALT)
    assert t.library.active.name == "Scalp"
    QTest.keyClick(t.window, Qt.Key.Key_9, CTRL | ALT)  # there are no nine
    assert t.library.active.name == "Scalp"
    qtbot.wait(20)
    QTest.keyClick(t.window, Qt.Key.Key_K, CTRL)
    palette = t.window.findChild(Palette)
    qtbot.waitUntil(palette.isActiveWindow)
    QTest.keyClicks(palette._query, "workspace: swing")
    QTest.keyClick(palette._query, Qt.Key.Key_Down)  # after “New workspace: Swing”
    QTest.keyClick(palette._query, Qt.Key.Key_Return)
    assert t.library.active.name == "Swing"
    button = t.window.topbar.workspace
    QTest.mouseClick(button, LEFT)
    menu = button.menu()
    qtbot.waitUntil(menu.isVisible)
    first = next(a for a in menu.actions() if a.text() == "Workspace: Default")
    QTest.mouseClick(menu, LEFT, pos=menu.actionGeometry(first).center())
    assert t.library.active.name == "Default"
    assert [a.text() for a in menu.actions() if a.isChecked()] == ["Workspace: Default"]


def test_each_keeps_its_own_panels_states_and_symbol(terminal, qtbot):
    t = terminal()
    t.connect()
    t.window.panel("orders").query.setText("btc")
    t.window.resize(1600, 950)  # room for the larger of the two
    qtbot.wait(50)
    arrangement = t.window.docks.save()
    do(t, "workspace.new.scalp")
    t.window.choose_instrument(SHARE.id)
    assert t.window.panel("orders").query.text() == ""
    t.window.panel("orders").query.setText("other")
    for _ in range(2):
        QTest.keyClick(t.window, Qt.Key.Key_1, CTRL | ALT)
        assert t.window.panel("orders").query.text() == "btc"
        assert t.window.instrument == BTC.id
        assert t.window.docks.save() == arrangement
        QTest.keyClick(t.window, Qt.Key.Key_2, CTRL | ALT)
        assert t.window.panel("orders").query.text() == "other"
        assert t.window.instrument == SHARE.id
        assert all(p.instrument == SHARE.id for p in t.window.docks.panels.values())


def test_the_one_shown_last_is_shown_first(terminal):
    t = terminal()
    t.connect()
    do(t, "workspace.new.swing")
    panels = kinds(t)
    t.window.close_now()
    t = terminal()
    t.connect()
    assert t.window.topbar.workspace.text() == "Swing"
    assert kinds(t) == panels


def test_switching_sends_no_command_and_keeps_the_line(terminal, qtbot):
    t = terminal()
    t.orders = (t.order("O1"),)
    t.connect()
    t.quote()
    lines = len(t.lines)
    for key in LAYOUTS:
        do(t, f"workspace.new.{key}")
        t.quote()
    assert t.commands == []
    assert len(t.lines) == lines
    assert sum(isinstance(m, Hello) for m in t.line.said) == 1
    assert t.window.topbar.cancel.text() == "Cancel 1 order"
    do(t, "workspace.new.default")
    assert t.window.panel("orders").model.rowCount() == 1
    # what the new panels want was asked, and only that

    def asked() -> list[Subscribe]:
        return [m for m in t.line.said if isinstance(m, Subscribe) and m.depth]

    qtbot.waitUntil(lambda: bool(asked()))
    assert asked()[-1].depth == (BTC.id,)


def test_a_copy_leaves_the_original_as_it_is(terminal):
    t = terminal()
    t.connect()
    do(t, "workspace.duplicate")
    assert t.window.topbar.workspace.text() == "Default 2"
    t.window.panel("orders").query.setText("copy")
    t.window.close_now()
    states = {p["id"]: p["state"] for p in file(t, "default")["panels"]}
    assert states["orders-1"]["query"] == ""
    states = {p["id"]: p["state"] for p in file(t, "workspace-2")["panels"]}
    assert states["orders-1"]["query"] == "copy"


def test_a_name_is_asked_for_and_checked_while_it_is_typed(terminal, qtbot):
    t = terminal()
    t.connect()
    do(t, "workspace.new.scalp")
    do(t, "workspace.rename")
    dialog = t.window.findChild(NameDialog)
    qtbot.waitUntil(dialog.isActiveWindow)
    assert QApplication.activeModalWidget() is None
    assert dialog.name.selectedText() == "Scalp"
    ok = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
    QTest.keyClicks(dialog.name, "default")
    assert "There is a workspace “default” already" in dialog.problem.text()
    assert not ok.isEnabled()
    QTest.keyClick(dialog.name, Qt.Key.Key_Return)
    assert dialog.isVisible()
    QTest.keyClicks(dialog.name, " & more")
    assert dialog.problem.text() == ""
    QTest.keyClick(dialog.name, Qt.Key.Key_Return)
    assert names(t) == ["Default", "default & more"]
    assert t.window.topbar.workspace.text() == "default && more"
    t.window.close_now()
    assert file(t, "workspace-2")["name"] == "default & more"


def test_a_name_asked_for_one_is_not_given_to_another(terminal):
    t = terminal()
    t.connect()
    do(t, "workspace.new.scalp")
    do(t, "workspace.rename")
    dialog = t.window.findChild(NameDialog)
    t.window.workbench.switch(next(iter(t.library)))
    dialog.name.setText("Mine")
    dialog.accept()
    assert names(t) == ["Default", "Scalp"]


def test_the_last_one_stays(terminal):
    t = terminal()
    t.connect()
    do(t, "workspace.delete")
    (box,) = t.window.findChildren(QMessageBox, "workspace_refused")
    assert "only workspace" in box.text()
    assert not box.isModal()
    box.close()
    assert names(t) == ["Default"]


def test_deleting_shows_the_neighbour_and_can_be_undone(terminal, qtbot):
    t = terminal()
    t.connect()
    do(t, "workspace.new.scalp")
    t.window.panel("orders").query.setText("btc")
    do(t, "workspace.delete")
    assert names(t) == ["Default"]
    assert t.window.topbar.workspace.text() == "Default"
    assert "“Scalp” deleted" in t.window.status.message.text()
    t.window.workbench.save()
    t.window.workbench._saver.finish()
    assert not (t.data / "workspaces" / "workspace-2.json").exists()
    do(t, "workspace.bring_back")
    assert names(t) == ["Default", "Scalp"]
    assert t.window.panel("orders").query.text() == "btc"
    do(t, "workspace.bring_back")
    assert t.window.status.message.text() == "No workspace was deleted."


def test_an_unreadable_one_is_set_aside_and_the_others_stay(terminal):
    t = terminal()
    t.connect()
    do(t, "workspace.new.scalp")
    t.window.close_now()
    path = t.data / "workspaces" / "default.json"
    for kept in path.parent.glob("default.*.json"):
        kept.unlink()
    path.write_text('{"panels": [')
    t = terminal()
    t.connect()
    QTest.keyClick(t.window, Qt.Key.Key_1, CTRL | ALT)
    assert any("default.json was not understood" in n.text for n in t.stores.notices)
    (aside,) = path.parent.glob("default.json.unreadable-*")
    assert aside.read_text() == '{"panels": ['
    assert len(kinds(t)) > 5
    QTest.keyClick(t.window, Qt.Key.Key_2, CTRL | ALT)
    assert t.window.topbar.workspace.text() == "Scalp"


def test_thirty_switches_leave_nothing_behind(terminal):
    t = terminal()
    t.connect()
    do(t, "workspace.new.four_charts")

    def count() -> tuple[int, int, int]:
        for _ in range(3):
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            QApplication.processEvents()
        gc.collect()
        panels = [o for o in gc.get_objects() if isinstance(o, Panel) and shiboken6.isValid(o)]
        tops = QApplication.topLevelWidgets()
        return len(t.window.findChildren(QObject)), len(panels), len(tops)

    def round_trip() -> None:
        for key in (Qt.Key.Key_1, Qt.Key.Key_2):
            QTest.keyClick(t.window, key, CTRL | ALT)
            t.frame()
            QApplication.processEvents()

    trips = 15
    round_trip()
    before = count()
    for _ in range(trips):
        round_trip()
    # what each trip left would be there as often; a timer more or less is nobody's
    after = count()
    assert all(now - then < trips for now, then in zip(after, before, strict=True)), (before, after)


def test_a_floating_panel_goes_with_its_workspace_and_comes_back_in_sight(terminal, qtbot):
    t = terminal()
    t.connect()
    dock = t.window.docks._docks["log-1"]
    dock.setFloating()
    floating = dock.floatingDockContainer()
    floating.setGeometry(30, 40, 500, 300)
    do(t, "workspace.new.scalp")

    def afloat() -> list[QWidget]:
        return [w for w in t.window.docks._manager.floatingWidgets() if w.isVisible()]

    qtbot.waitUntil(lambda: afloat() == [])
    floating_at = 9_000  # the screen it stood on is gone
    QTest.keyClick(t.window, Qt.Key.Key_1, CTRL | ALT)
    (one,) = afloat()
    one.move(floating_at, floating_at)
    QTest.keyClick(t.window, Qt.Key.Key_2, CTRL | ALT)
    QTest.keyClick(t.window, Qt.Key.Key_1, CTRL | ALT)
    (one,) = afloat()
    room = QGuiApplication.primaryScreen().availableGeometry()
    assert one.frameGeometry().intersects(room)


# -- the lock --------------------------------------------------------------------------------


def test_a_locked_layout_stays_locked_in_its_workspace(terminal, qtbot):
    t = terminal()
    t.connect()
    do(t, "workspace.lock")
    assert t.window.topbar.workspace.text() == "Default · locked"

    def movable() -> set[bool]:
        docks = t.window.docks._docks.values()
        return {bool(d.features() & d.DockWidgetFeature.DockWidgetMovable) for d in docks}

    def handles() -> set[bool]:
        found: set[bool] = set()
        for splitter in t.window.docks._manager.findChildren(QSplitter):
            if splitter.metaObject().className().startswith("ads::"):
                found |= {splitter.handle(n).isEnabled() for n in range(1, splitter.count())}
        return found

    assert movable() == {False}
    assert handles() == {False}
    panels = list(t.window.docks.panels)
    t.window.navigation.focus("strategies")
    QTest.keyClick(t.window, Qt.Key.Key_W, CTRL)
    assert list(t.window.docks.panels) == panels
    assert "locked" in t.window.status.message.text()
    crosses = [
        b
        for b in t.window.findChildren(QAbstractButton)
        if b.objectName() in ("tabCloseButton", "detachGroupButton") and b.isVisible()
    ]
    assert [b for b in crosses if b.isEnabled()] == []
    do(t, "workspace.new.scalp")
    assert movable() == {True}
    assert handles() == {True}
    assert not t.window.actions_by_id["workspace.lock"].isChecked()
    QTest.keyClick(t.window, Qt.Key.Key_1, CTRL | ALT)
    assert movable() == {False}
    t.window.close_now()
    t = terminal()
    t.connect()
    qtbot.waitUntil(lambda: t.window.docks.locked)
    assert movable() == {False}
    assert handles() == {False}
    assert t.window.actions_by_id["workspace.lock"].isChecked()
    do(t, "workspace.lock")
    assert movable() == {True}


# -- to and from files -----------------------------------------------------------------------


def chosen(t, path) -> None:
    """Type a file name into the dialog that is open, and press Enter."""
    found = t.window.findChildren(QFileDialog, "workspace_file")
    (dialog,) = (d for d in found if d.isVisible())
    assert QApplication.activeModalWidget() is None
    edit = dialog.findChild(QLineEdit, "fileNameEdit")
    edit.setText(str(path))
    QTest.keyClick(edit, Qt.Key.Key_Return)


def test_what_is_exported_is_imported_under_a_name_of_its_own(terminal, tmp_path):
    t = terminal()
    t.connect()
    do(t, "workspace.new.scalp")
    t.window.panel("orders").query.setText("btc")
    path = tmp_path / "shared.json"
    do(t, "workspace.export")
    chosen(t, path)
    given = json.loads(path.read_text())
    assert given["name"] == "Scalp"
    assert (given["account"], given["geometry"], given["screen"]) == ("", "", "")
    assert "\n" in path.read_text().strip()
    arrangement = t.window.docks.save()
    do(t, "workspace.import")
    chosen(t, path)
    assert names(t) == ["Default", "Scalp", "Scalp 2"]
    assert t.window.status.message.text() == (
        "Imported as “Scalp 2”, for there is another “Scalp”."
    )
    assert t.window.panel("orders").query.text() == "btc"
    assert t.window.docks.save() == arrangement
    t.window.close_now()
    assert file(t, "workspace-3")["name"] == "Scalp 2"


@pytest.mark.parametrize(("button", "replaced"), [("replace", True), ("", False)])
def test_a_file_that_is_there_is_not_replaced_without_a_question(
    terminal, tmp_path, button, replaced
):
    t = terminal()
    t.connect()
    path = tmp_path / "shared.json"
    path.write_text("mine")
    do(t, "workspace.export")
    chosen(t, path)
    assert path.read_text() == "mine"
    assert QApplication.activeModalWidget() is None
    (box,) = (b for b in t.window.findChildren(QMessageBox) if b.isVisible())
    if button:
        QTest.mouseClick(box.findChild(QAbstractButton, button), LEFT)
    else:
        QTest.keyClick(box, Qt.Key.Key_Escape)
    assert (path.read_text() != "mine") is replaced


def test_a_wrong_file_is_refused_with_a_sentence_and_changes_nothing(terminal, tmp_path):
    t = terminal()
    t.connect()
    path = tmp_path / "wrong.json"
    path.write_text('{"panels": [\n{"id": 1, "kind": "log"}]}')
    panels = list(t.window.docks.panels.values())
    do(t, "workspace.import")
    chosen(t, path)
    (box,) = t.window.findChildren(QMessageBox, "workspace_refused")
    assert str(path) in box.text()
    assert "$.panels[0].id" in box.text()
    assert "nothing was changed" in box.text()
    box.close()
    assert list(t.window.docks.panels.values()) == panels
    assert names(t) == ["Default"]


def test_a_folder_that_cannot_be_written_is_said(terminal, tmp_path):
    t = terminal()
    t.connect()
    (tmp_path / "taken").write_text("")
    t.window.workbench.export_to(str(tmp_path / "taken" / "shared.json"))
    (box,) = t.window.findChildren(QMessageBox, "workspace_refused")
    assert "was not written" in box.text()
    box.close()
