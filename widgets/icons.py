"""Icons in the colours of the theme, from qtawesome's fonts: what a button shows does not depend
on which signs the fonts of the system have."""

from __future__ import annotations

import qtawesome
from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QAbstractButton

from widgets.theme import tokens

SIZES = (16, 20, 24, 32, 48, 64)
"""Edges in pixels that icons are painted in."""


def program_icon() -> QIcon:
    """What the window shows in task bars and switchers; readable on dark and light ones."""
    return _painted("bullhorn", color=tokens().accent)


def set_icon(button: QAbstractButton, name: str) -> None:
    """Give a button one of Material Design's icons in the colour of text, in every theme."""
    _Keeper(button, name)


class _Keeper(QObject):
    """Makes a button's icon anew when the colours change."""

    def __init__(self, button: QAbstractButton, name: str) -> None:
        super().__init__(button)
        self._button = button
        self._name = name
        self._paint()
        button.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Qt asks for each event."""
        if event.type() == QEvent.Type.PaletteChange and watched is self._button:
            self._paint()
        return False

    def _paint(self) -> None:
        t = tokens()
        self._button.setIcon(_painted(self._name, color=t.text))


def _painted(name: str, color: QColor) -> QIcon:
    """An icon of finished pictures: qtawesome's own are painted by Python code each time, and
    PySide 6.11 miscounts what that returns (tests/widgets/test_none_refcount.py)."""
    drawn = qtawesome.icon(f"mdi6.{name}", color=color)
    icon = QIcon()
    for size in SIZES:
        icon.addPixmap(drawn.pixmap(size, size))
    return icon
