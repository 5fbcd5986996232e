"""Words beneath the ticket's buttons, which never move the buttons."""

from __future__ import annotations

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget


class Leftover(QWidget):
    """Takes what room is left, however much its words need: no button moves because of them."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)

    def hasHeightForWidth(self) -> bool:
        return False


def write(label: QLabel, text: str, color: QColor) -> None:
    """Show a text in a colour; its tooltip has it whole."""
    if label.text() != text:
        label.setText(text)
        label.setToolTip(text)  # a small panel may not show all of it
    if label.palette().color(QPalette.ColorRole.WindowText) != color:
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.WindowText, color)
        label.setPalette(palette)
