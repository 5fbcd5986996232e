"""Hatching where nothing is known: gaps between bars, and what is not loaded before the oldest."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter
from PySide6.QtWidgets import QGraphicsItem

from widgets.chart.layers import Layer
from widgets.chart.sheet import Edge, Sheet

_LEAST_WIDTH = 3.0
"""A gap is at least so many pixels wide, however many bars are in view."""

_HATCHED = (Edge.LOADING, Edge.CUT_OFF)


class GapLayer(Layer):
    """The gaps of one pane, with words in the one that shows prices."""

    def __init__(self, sheet: Sheet, parent: QGraphicsItem, words: bool) -> None:
        super().__init__(sheet, parent, 5)
        self._words = words

    def paint_layer(self, painter: QPainter, exposed: QRectF) -> None:
        sheet, series = self.sheet, self.sheet.series
        if series is None or not len(series):
            if sheet.edge is Edge.WAITING:
                self._hatch(painter, 0.0, self._rect.width(), "")
            return
        window = sheet.window
        for gap, begin, end in series.gaps_between(window.left, window.right):
            self._hatch(painter, window.x(begin), window.x(end), gap.words())
        oldest = window.x(-0.5)
        if oldest > 0 and sheet.edge in _HATCHED:
            self._hatch(painter, min(oldest - window.width, 0.0), oldest, sheet.edge.value)
        elif oldest > 0 and sheet.edge is Edge.END:
            self._end(painter, oldest)

    def _hatch(self, painter: QPainter, left: float, right: float, words: str) -> None:
        look, height = self.sheet.look, self._rect.height()
        if right - left < _LEAST_WIDTH:
            left = (left + right - _LEAST_WIDTH) / 2
            right = left + _LEAST_WIDTH
        left, right = round(left), round(right)
        band = QRectF(left, 0, right - left, height)
        painter.fillRect(band, look.hatch_floor)
        # the lines belong to the time that they cover: they move with it
        painter.setBrushOrigin(QPointF(right, 0))
        painter.fillRect(band, QBrush(look.hatch, Qt.BrushStyle.BDiagPattern))
        unit = 1 / self.sheet.dpr
        for x in (left, right - unit):
            painter.fillRect(QRectF(x, 0, unit, height), look.hatch)
        if self._words and words:
            self._say(painter, band.intersected(self._rect), words, look.text)

    def _end(self, painter: QPainter, x: float) -> None:
        """Here begins all there is."""
        look = self.sheet.look
        painter.fillRect(QRectF(np.floor(x), 0, 1, self._rect.height()), look.hatch)
        if self._words:
            space = QRectF(0, 0, x - look.pad, self._rect.height())
            self._say(painter, space, Edge.END.value, look.dim, right=True)

    def _say(
        self, painter: QPainter, space: QRectF, words: str, color: QColor, right: bool = False
    ) -> None:
        """Words in the middle of a space, on one line or two, or not at all."""
        look = self.sheet.look
        head, _, tail = words.partition(" data ")
        lines = [f"{head} data", tail] if tail else [words]
        if look.width(words) + 4 * look.pad <= space.width():
            lines = [words]
        width = max(look.width(line) for line in lines)
        if width + 2 * look.pad > space.width():
            return
        height = look.height * len(lines)
        x = space.right() - width if right else space.center().x() - width / 2
        y = space.center().y() - height / 2
        if not right:
            veil = QRectF(x - look.pad, y - 3, width + 2 * look.pad, height + 6)
            painter.fillRect(veil, look.panel)
        painter.setFont(look.font)
        painter.setPen(color)
        for n, line in enumerate(lines):
            start = x + (width - look.width(line)) / 2
            painter.drawText(QPointF(start, y + n * look.height + look.ascent), line)
