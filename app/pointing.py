"""Fills under the pointer of one panel are marked in the others."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.docks import Docks
from widgets.panel import Panel


class Pointing(QObject):
    """Passes on what a chart's pointer rests on to every panel that can show it."""

    def __init__(self, docks: Docks, parent: QObject) -> None:
        super().__init__(parent)
        self._docks = docks

    def attach(self, panel: Panel) -> None:
        """Pass on what this panel's pointer rests on, if it ever tells."""
        pointed = getattr(panel, "fills_pointed", None)
        if pointed is not None:
            pointed.connect(self._on_fills)

    def _on_fills(self, keys: object) -> None:
        for panel in self._docks.panels.values():
            mark = getattr(panel, "mark_fills", None)
            if mark is not None:
                mark(keys)
