"""A switch that shows its state by a tick in a box as well as by colour."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from widgets.colors import mix, readable_on
from widgets.theme import tokens

_GAP = 5


class Chip(QAbstractButton):
    """A checkable word. Reads well in both themes, and takes little room."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(text)
        self.setCheckable(True)
        self.setAccessibleName(_plain(text))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        width = metrics.horizontalAdvance(_plain(self.text()))
        return QSize(width + metrics.height() + 2 * _GAP, metrics.height() + 6)

    def paintEvent(self, event: QPaintEvent) -> None:
        t, live = tokens(), self.isEnabled()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = round(self.fontMetrics().height() * 0.8)
        box = QRectF(1.5, (self.height() - side) / 2 + 0.5, side, side)
        on = self.isChecked() and live
        fill = t.accent if on else t.panel
        if live and self.underMouse():
            fill = mix(t.text, fill, 0.15)
        edge = t.accent if on or self.hasFocus() else mix(t.dim, t.panel, 0.8 if live else 0.4)
        painter.setPen(QPen(edge, 1))
        painter.setBrush(fill)
        painter.drawRoundedRect(box, 2, 2)
        if self.isChecked():
            painter.setPen(QPen(readable_on(fill, t.panel, t.text), 1.8))
            left, top = box.left(), box.top()
            tick = ((0.22, 0.52), (0.43, 0.73), (0.8, 0.28))
            points = [QPointF(left + x * side, top + y * side) for x, y in tick]
            painter.drawPolyline(QPolygonF(points))
        painter.setPen(t.text if live else mix(t.dim, t.panel, 0.75))
        area = QRectF(self.rect()).adjusted(side + _GAP, 0, 0, 0)
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextShowMnemonic
        painter.drawText(area, flags, self.text())
        if self.hasFocus():
            painter.setPen(QPen(t.accent, 1, Qt.PenStyle.DotLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(area.adjusted(-2, 1, -1, -1))
        painter.end()


def _plain(text: str) -> str:
    """The words as they are seen: without the mnemonic's mark, and with one & for two."""
    return "&".join(part.replace("&", "") for part in text.split("&&"))
