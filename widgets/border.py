"""The line around a dialog: where no window manager draws one, it would melt into the window."""

from __future__ import annotations

from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from widgets.theme import tokens


def draw_border(widget: QWidget) -> None:
    """A line of one pixel along the edge; call it at the end of `paintEvent`."""
    painter = QPainter(widget)
    painter.setPen(tokens().line)
    painter.drawRect(widget.rect().adjusted(0, 0, -1, -1))
    painter.end()
