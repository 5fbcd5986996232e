"""Every action of the program, once: menus, short cuts, the palette and the help read this list."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget


class ActionSpec(NamedTuple):
    """One action. `id` never changes; `menu` is where it stands; `keys` its short cuts."""

    id: str
    menu: str
    text: str
    keys: tuple[str, ...] = ()
    tip: str = ""


ACTIONS = (
    ActionSpec(
        "trade.kill",
        "Trade",
        "&Kill switch",
        ("Ctrl+Shift+K",),
        "Stops all strategies and blocks opening orders at once; cancelling and closing go on.",
    ),
    ActionSpec(
        "trade.cancel_all", "Trade", "&Cancel all orders", ("Ctrl+Shift+C",), "Everywhere, at once."
    ),
    ActionSpec(
        "trade.flatten_instrument",
        "Trade",
        "&Flatten this instrument",
        ("Ctrl+Shift+F",),
        "Cancels its orders, then closes its position.",
    ),
    ActionSpec("trade.flatten_all", "Trade", "Flatten &everything", ("Ctrl+Shift+X",)),
    ActionSpec("trade.ticket", "Trade", "Go to the &ticket", ("F9",)),
    ActionSpec(
        "trade.name", "Trade", "&Name on orders…", tip="The trader by whose limits orders go."
    ),
    ActionSpec("view.palette", "View", "Find an &action…", ("Ctrl+K",)),
    ActionSpec("view.search", "View", "Find a &symbol", ("Ctrl+L", "/")),
    ActionSpec("view.theme", "View", "&Dark or light", ("Ctrl+Shift+D",)),
    ActionSpec("view.theme_system", "View", "Theme of the s&ystem"),
    ActionSpec("view.larger", "View", "&Larger text", ("Ctrl++", "Ctrl+=")),
    ActionSpec("view.smaller", "View", "S&maller text", ("Ctrl+-",)),
    ActionSpec("view.reset_size", "View", "&Normal text", ("Ctrl+0",)),
    ActionSpec("view.next_panel", "View", "Ne&xt panel", ("F6",)),
    ActionSpec("view.previous_panel", "View", "P&revious panel", ("Shift+F6",)),
    ActionSpec(
        "view.next_trade",
        "View",
        "Next trade of the rec&ording",
        ("Ctrl+Shift+N",),
        "Skips the quiet time in a replay; working orders are cancelled by that.",
    ),
    ActionSpec("colours.green/red", "Colours", "Up &green, down red"),
    ActionSpec("colours.red/green", "Colours", "Up &red, down green"),
    ActionSpec("colours.blue/orange", "Colours", "Up &blue, down orange"),
    ActionSpec("layout.close_panel", "Layout", "&Close this panel", ("Ctrl+W",)),
    ActionSpec("layout.reset", "Layout", "&Default layout"),
    ActionSpec("layout.four_charts", "Layout", "&Four charts"),
    ActionSpec("workspace.duplicate", "Workspace", "&Duplicate this workspace"),
    ActionSpec("workspace.rename", "Workspace", "&Rename this workspace…"),
    ActionSpec(
        "workspace.delete",
        "Workspace",
        "D&elete this workspace",
        tip="Its file is kept, so that it can be brought back.",
    ),
    ActionSpec("workspace.bring_back", "Workspace", "&Bring back what was deleted last"),
    ActionSpec("workspace.import", "Workspace", "&Import a workspace…"),
    ActionSpec(
        "workspace.export",
        "Workspace",
        "E&xport this workspace…",
        tip="One readable file without accounts and without what belongs to this machine.",
    ),
    ActionSpec(
        "workspace.lock", "Workspace", "&Lock the layout", tip="Nothing can be moved or closed."
    ),
    ActionSpec("file.export_orders", "File", "Export &orders…", ("Ctrl+E",)),
    ActionSpec("file.export_fills", "File", "Export &fills…"),
    ActionSpec("file.export_positions", "File", "Export &positions…"),
    ActionSpec("file.export_balances", "File", "Export &balances…"),
    ActionSpec("file.picture", "File", "Save a pict&ure of the window…"),
    ActionSpec("file.quit", "File", "&Quit", ("Ctrl+Q",)),
    ActionSpec("help.keys", "Help", "&Keys", ("F1",)),
    ActionSpec("help.about", "Help", "&About Outcry"),
)


class Actions(QObject):
    """The list as `QAction`s on a window.

    A handler runs once per press: key repeat never triggers an action.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._actions: dict[str, QAction] = {}
        for spec in ACTIONS:
            action = QAction(spec.text, window)
            action.setObjectName(spec.id)
            action.setShortcuts([QKeySequence(k) for k in spec.keys])
            # also in the windows of panels that stand apart, and from a form that is open
            action.setShortcutContext(Qt.ShortcutContext.ApplicationShortcut)
            action.setAutoRepeat(False)
            if spec.tip:
                action.setToolTip(spec.tip)
                action.setStatusTip(spec.tip)
            window.addAction(action)
            self._actions[spec.id] = action

    def bind(self, action_id: str, handler: Callable[[], object]) -> None:
        """What an action does. Raises KeyError for an id that is not in the list."""
        self._actions[action_id].triggered.connect(lambda _checked=False: handler())

    def add(
        self, action_id: str, text: str, handler: Callable[[], object], keys: tuple[str, ...] = ()
    ) -> QAction:
        """One more action, made while running (open a panel of some kind)."""
        action = QAction(text, self.parent())
        action.setObjectName(action_id)
        action.setShortcuts([QKeySequence(k) for k in keys])
        action.setShortcutContext(Qt.ShortcutContext.ApplicationShortcut)
        action.setAutoRepeat(False)
        action.triggered.connect(lambda _checked=False: handler())
        self._window.addAction(action)
        self._actions[action_id] = action
        return action

    def remove(self, action_id: str) -> None:
        """Take away what was added."""
        action = self._actions.pop(action_id)
        for place in action.associatedObjects():
            place.removeAction(action)
        action.setShortcuts([])  # its keys are free at once, not when it is deleted
        action.deleteLater()

    def __getitem__(self, action_id: str) -> QAction:
        return self._actions[action_id]

    def __iter__(self) -> Iterator[QAction]:
        return iter(self._actions.values())

    def in_menu(self, menu: str) -> list[QAction]:
        """The actions that stand in one menu, in order."""
        return [self._actions[s.id] for s in ACTIONS if s.menu == menu]


def plain_text(action: QAction) -> str:
    """An action's text without its mnemonic mark."""
    return re.sub(r"&(.)", r"\1", action.text())
