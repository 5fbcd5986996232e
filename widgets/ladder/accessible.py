"""What a screen reader is told of the ladder: its name, and the keyboard's row as its value."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QAccessibleWidget

from widgets.ladder.canvas import LadderCanvas

_installed = False


class LadderInterface(QAccessibleWidget):
    """The ladder as a table whose value is the keyboard's row in words."""

    def __init__(self, canvas: LadderCanvas) -> None:
        super().__init__(canvas, QAccessible.Role.Table)
        self._canvas = canvas

    def text(self, kind: QAccessible.Text) -> str:
        if kind is QAccessible.Text.Value:
            return self._canvas.cursor_words()
        if kind is QAccessible.Text.Name:
            return self._canvas.accessibleName()
        if kind is QAccessible.Text.Description:
            return self._canvas.accessibleDescription()
        return super().text(kind)


def install() -> None:
    """Make Qt ask us for the interface of ladders; once for a program."""
    global _installed
    if not _installed:
        _installed = True
        QAccessible.installFactory(_make)


def _make(key: str, thing: QObject) -> LadderInterface | None:
    if not isinstance(thing, LadderCanvas):
        return None
    # Qt's cache owns the interface; the canvas keeps the Python part alive with it.
    told = LadderInterface(thing)
    thing.accessible = told
    return told
