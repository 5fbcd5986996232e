"""Everything has a name and can be reached without a mouse."""

from __future__ import annotations

from collections import Counter

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAction
from PySide6.QtWidgets import QAbstractButton, QComboBox, QFrame, QLineEdit, QMenu, QWidget

from app.actions import ACTIONS, plain_text
from app.panels import PANEL_KINDS


def name_of(widget: QWidget) -> str:
    """What a screen reader says of a widget."""
    interface = QAccessible.queryAccessibleInterface(widget)
    if interface is not None and interface.isValid():
        name = interface.text(QAccessible.Text.Name)
        if name:
            return name
    return widget.accessibleName() or getattr(widget, "text", lambda: "")()


def unnamed(root: QWidget) -> list[str]:
    found = []
    for widget in [root, *root.findChildren(QWidget)]:
        keyboard = widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        # parts of Qt's own controls: the list of a combo box, the cross in a line
        within = widget.parentWidget()
        combo = isinstance(within, QFrame) and isinstance(within.parentWidget(), QComboBox)
        inner = widget.objectName().startswith("qt_") or combo or isinstance(within, QLineEdit)
        if (keyboard or isinstance(widget, QAbstractButton)) and not inner:
            if widget.focusProxy() is not None or name_of(widget):
                continue
            found.append(f"{type(widget).__name__} {widget.objectName()!r} in {place(widget)}")
    return found


def place(widget: QWidget) -> str:
    parent = widget.parentWidget()
    return "" if parent is None else f"{type(parent).__name__} < {place(parent)}"


def test_every_control_of_the_window_has_a_name(terminal):
    t = terminal()
    for kind in PANEL_KINDS:
        t.window.open_panel(kind)
    t.orders = (t.order("O1"),)
    t.connect()
    t.quote()
    t.frame()
    found = unnamed(t.window)
    # panels behind other tabs are no children of the window just now
    for panel in t.window.docks.panels.values():
        found += unnamed(panel)
    assert found == []


def test_every_action_has_a_text_and_most_a_home_in_a_menu(terminal):
    t = terminal()
    in_menus: set[QAction] = set()
    for menu in t.window.menu_bar.findChildren(QMenu):
        in_menus.update(menu.actions())
    for action in t.window.actions_by_id:
        assert plain_text(action).strip(), action.objectName()
        assert action in in_menus, action.objectName()
    for action in in_menus:
        assert action.isSeparator() or plain_text(action).strip()
    for panel in t.window.docks.panels.values():
        for action in panel.findChildren(QAction):
            # the cross in a line and what a menu is to its button are Qt's own
            own = isinstance(action.parent(), QLineEdit) or action.menu() is not None
            assert own or action.isSeparator() or plain_text(action).strip(), panel.KIND


def test_no_key_means_two_things(terminal):
    t = terminal()
    keys = Counter(k.toString() for a in t.window.actions_by_id for k in a.shortcuts())
    assert [k for k, count in keys.items() if count > 1] == []
    assert len({spec.id for spec in ACTIONS}) == len(ACTIONS)


def test_menus_have_mnemonics_of_their_own(terminal):
    t = terminal()
    menus = [m for m in t.window.menu_bar.findChildren(QMenu) if m.title()]
    for menu in menus:
        letters = [
            text[text.index("&") + 1].casefold()
            for text in (a.text() for a in menu.actions())
            if "&" in text
        ]
        assert len(set(letters)) == len(letters), (menu.title(), letters)


def test_keys_that_repeat_themselves_do_nothing(terminal):
    t = terminal()
    assert not any(a.autoRepeat() for a in t.window.actions_by_id if a.shortcuts())
