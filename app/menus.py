"""The menu bar of the window."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from app.actions import Actions
from app.panels import PANEL_KINDS
from app.workbench import Workbench
from app.workspace_menu import WorkspaceMenu


class MenuBar(QMenuBar):
    """All actions in their menus.

    Attributes:
        workspaces: the menu of workspaces, for others to show as well.
    """

    def __init__(
        self,
        actions: Actions,
        workbench: Workbench,
        open_panel: Callable[[str], str],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._actions = actions
        self._add("File")
        self._add("Trade")
        panels = self.addMenu("&Panels")
        for kind in PANEL_KINDS.values():
            panels.addAction(
                actions.add(f"panel.{kind.kind}", kind.title, partial(open_panel, kind.kind))
            )
        self._add("View").addMenu("&Colours").addActions(actions.in_menu("Colours"))
        self._add("Layout")
        self.workspaces = WorkspaceMenu(workbench, actions, self)
        self.addMenu(self.workspaces)
        self._add("Help")

    def _add(self, title: str) -> QMenu:
        menu = self.addMenu(f"&{title}")
        menu.addActions(self._actions.in_menu(title))
        return menu
