"""Icons in the colours of the theme, from qtawesome's fonts: what a button shows does not depend
on which signs the fonts of the system have."""

from __future__ import annotations

import qtawesome
from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QAbstractButton

from widgets.theme import tokens


def program_icon() -> QIcon:
    """What the window shows in task bars and switchers; readable on dark and light ones."""
    return qtawesome.icon("mdi6.bullhorn", color=tokens().accent)


def set_icon(button: QAbstractButton, name: str) -> None:
    """Give a button one of Material Design's icons in the colour of text, in every theme."""
    _Keeper(button, name)


class _Keeper(QObject):
    """Makes a button's icon anew when the colours change."""

    def __init__(self, button: QAbstractButton, name: str) -> None:
        super().__init__(button)
        self._button = button
        self._name = f"mdi6.{name}"
        self._paint()
        button.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Qt asks for each event."""
        if event.type() == QEvent.Type.PaletteChange and watched is self._button:
            self._paint()
        return False

    def _paint(self) -> None:
        t = tokens()
        self._button.setIcon(qtawesome.icon(self._name, color=t.text, color_disabled=t.faint))
