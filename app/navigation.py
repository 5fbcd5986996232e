"""The keyboard's way through the panels."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QMainWindow

from app.actions import Actions
from app.docks import Docks
from app.messages import focus_first


class Navigation(QObject):
    """Binds the actions that move the keyboard from panel to panel or close one.

    Args:
        open_panel: opens a panel of a kind, or finds the only one; returns its id.
        say: takes a sentence for the trader.
    """

    def __init__(
        self,
        docks: Docks,
        actions: Actions,
        open_panel: Callable[[str], str],
        say: Callable[[str], None],
        parent: QMainWindow,
    ) -> None:
        super().__init__(parent)
        self._docks = docks
        self._open_panel = open_panel
        self._say = say
        actions.bind("trade.ticket", lambda: self.focus("ticket"))
        actions.bind("view.next_panel", lambda: self.step(1))
        actions.bind("view.previous_panel", lambda: self.step(-1))
        actions.bind("layout.close_panel", self.close_panel)

    def focus(self, kind: str) -> None:
        """Bring a panel of a kind to the front and give it the keyboard."""
        panel_id = self._open_panel(kind)
        self._docks.show(panel_id)
        if panel_id in self._docks.panels:
            focus_first(self._docks.panels[panel_id])

    def step(self, step: int) -> None:
        """Give the keyboard to the next (1) or previous (-1) panel in sight."""
        panels = [p for p in self._docks.panels.values() if p.isVisible()]
        if not panels:
            return
        focus = QApplication.focusWidget()
        outside = -1 if step > 0 else 0
        inside = (
            i for i, p in enumerate(panels) if focus and (p is focus or p.isAncestorOf(focus))
        )
        focus_first(panels[(next(inside, outside) + step) % len(panels)])

    def close_panel(self) -> None:
        """Close the panel that has the keyboard."""
        if self._docks.locked:
            self._say("The layout is locked; Workspace → Lock the layout frees it.")
            return
        focus = QApplication.focusWidget()
        for panel_id, panel in self._docks.panels.items():
            if focus is not None and (panel is focus or panel.isAncestorOf(focus)):
                self._docks.close(panel_id)
                return
        self._say("No panel has the keyboard; F6 goes round them.")
