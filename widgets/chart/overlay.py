"""What lies on top of the chart: the crosshair, and the box with the numbers of one bar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QGraphicsItem

from widgets.chart.layers import Layer
from widgets.chart.sheet import Sheet

Words = Sequence[tuple[str, QColor]]


class CrossLayer(Layer):
    """A vertical line through all panes and a horizontal one through the pane under the pointer."""

    def __init__(self, sheet: Sheet, parent: QGraphicsItem) -> None:
        super().__init__(sheet, parent, 40)
        self._x: float | None = None
        self._y: float | None = None

    def move(self, x: float | None, y: float | None) -> None:
        """Stand at a point; only the strips that change are painted."""
        if (x, y) == (self._x, self._y):
            return
        for at_x, at_y in ((self._x, self._y), (x, y)):
            if at_x is not None:
                self.update(QRectF(at_x - 2, 0, 4, self._rect.height()))
            if at_y is not None:
                self.update(QRectF(0, at_y - 2, self._rect.width(), 4))
        self._x, self._y = x, y

    def paint_layer(self, painter: QPainter, exposed: QRectF) -> None:
        painter.setPen(self.sheet.look.cross)
        half = 0.5 / self.sheet.dpr
        if self._x is not None:
            x = np.floor(self._x) + half
            painter.drawLine(QPointF(x, 0), QPointF(x, self._rect.height()))
        if self._y is not None:
            y = np.floor(self._y) + half
            painter.drawLine(QPointF(0, y), QPointF(self._rect.width(), y))


class LegendLayer(Layer):
    """The numbers of the bar under the crosshair, or of the newest; or why there are none."""

    def __init__(self, sheet: Sheet, parent: QGraphicsItem) -> None:
        super().__init__(sheet, parent, 37)
        self.words: Words = ()
        self.message = ""
        self._box = QRectF()

    @property
    def box(self) -> QRectF:
        """Where the numbers stand."""
        return QRectF(self._box)

    def show_words(self, words: Words) -> None:
        """Show these pieces of text, each in its colour."""
        if words != self.words:
            self.words = words
            self._update_box()

    def show_message(self, message: str) -> None:
        """Show a sentence in the middle of the pane instead of bars."""
        if message != self.message:
            self.message = message
            self.update()

    def set_size(self, width: float, height: float) -> None:
        """Fill a pane of this size; the words may need more lines in it."""
        super().set_size(width, height)
        self._update_box()

    def _update_box(self) -> None:
        old = self._box
        lines = self._lines()
        look = self.sheet.look
        width = max((sum(w for _, _, w in line) for line in lines), default=0.0)
        self._box = QRectF(0, 0, width + 2 * look.pad + 8, len(lines) * (look.height + 1) + 8)
        self.update(old.united(self._box))

    def _lines(self) -> list[list[tuple[str, QColor, float]]]:
        look, room = self.sheet.look, self._rect.width() - 2 * self.sheet.look.pad
        lines: list[list[tuple[str, QColor, float]]] = [[]]
        used = 0.0
        for text, color in self.words:
            width = look.width(text) + look.pad
            if used + width > room and used:
                lines.append([])
                used = 0.0
            lines[-1].append((text, color, width))
            used += width
        return lines if lines[0] else []

    def paint_layer(self, painter: QPainter, exposed: QRectF) -> None:
        look = self.sheet.look
        if self.message:
            painter.setFont(look.large)
            painter.setPen(look.dim)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self._rect.adjusted(16, 16, -16, -16), flags, self.message)
            return
        painter.setFont(look.font)
        veil = QColor(look.panel)
        veil.setAlphaF(0.78)
        y = 4.0
        for line in self._lines():
            width = sum(w for _, _, w in line)
            painter.fillRect(QRectF(4, y, width + look.pad, look.height + 1), veil)
            x = 4.0 + look.pad
            for text, color, wide in line:
                painter.setPen(color)
                painter.drawText(QPointF(x, y + look.ascent), text)
                x += wide
            y += look.height + 1
