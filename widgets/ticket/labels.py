"""Words beneath the ticket's buttons, which never move the buttons."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QFrame, QLabel, QLayout, QScrollArea, QSizePolicy, QWidget

from widgets.panel import show_through


class Leftover(QScrollArea):
    """Takes what room is left, however much its words need: no button moves because of them.

    What does not fit is scrolled to; no line is cut or covers another.
    """

    def __init__(self, layout: QLayout, parent: QWidget) -> None:
        super().__init__(parent)
        inside = QWidget(self)
        inside.setLayout(layout)
        self.setWidget(inside)
        show_through(self)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        # why an order is not possible is never out of sight
        self.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)


def write(label: QLabel, text: str, color: QColor) -> None:
    """Show a text in a colour; its tooltip has it whole."""
    if label.text() != text:
        label.setText(text)
        label.setToolTip(text)  # a small panel may not show all of it
        label.setVisible(bool(text))  # an empty line would take the room of one
    if label.palette().color(QPalette.ColorRole.WindowText) != color:
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.WindowText, color)
        label.setPalette(palette)
