"""The padlock of one-click trading: says in colour, shape and words whether clicks send orders."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from core.model.enums import Mode
from widgets.colors import mix, readable_on
from widgets.modeframe import mode_color
from widgets.theme import tokens

_OFF, _ON, _DOWN = "1-click off", "1-click ON", "1-click ON ↓"


class Padlock(QAbstractButton):
    """A checkable button; checked means armed. The owner decides whether it may be."""

    def __init__(self, mode: Mode | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.mode = mode
        self._at_press = False
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("One-click trading")
        self.set_armed(False)

    def set_armed(self, armed: bool) -> None:
        """Show the state of the lock."""
        self.setChecked(armed)
        self.setToolTip(self._words(armed))
        self.setAccessibleDescription("on" if armed else "off")
        self.update()

    def set_at_press(self, at_press: bool) -> None:
        """Does a click send when the button goes down, or when it is let go?"""
        self._at_press = at_press
        self.setToolTip(self._words(self.isChecked()))
        self.update()

    def _words(self, armed: bool) -> str:
        if not armed:
            return "One-click is off: a click only fills the ticket. Click to turn on."
        when = (
            "as soon as the button is pressed (mouse-down): it cannot be taken back"
            if self._at_press
            else "when the button is let go in the same cell"
        )
        return (
            f"One-click is ON: a click in the bid or ask column sends an order {when}."
            " Click to turn off."
        )

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        width = max(metrics.horizontalAdvance(text) for text in (_OFF, _ON, _DOWN))
        return QSize(width + metrics.height() + 16, metrics.height() + 8)

    def _text(self, armed: bool) -> str:
        return (_DOWN if self._at_press else _ON) if armed else _OFF

    def paintEvent(self, event: QPaintEvent) -> None:
        t, armed = tokens(), self.isChecked()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        fill = mode_color(self.mode) if armed else t.raised
        if self.isDown() or self.underMouse():
            fill = mix(t.text, fill, 0.12)
        color = readable_on(fill, QColor("white"), QColor("black")) if armed else t.text
        edge = t.accent if self.hasFocus() else fill if armed else t.line
        painter.setPen(QPen(edge, 2 if self.hasFocus() else 1))
        painter.setBrush(fill)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        high = self.fontMetrics().height() * 0.8
        _draw_lock(painter, QPointF(7, (self.height() - high) / 2), high, color, armed)
        painter.setPen(color)
        area = QRectF(self.rect()).adjusted(high + 8, 0, -4, 0)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, self._text(armed))
        painter.end()


def _draw_lock(painter: QPainter, at: QPointF, high: float, color: QColor, is_open: bool) -> None:
    wide = high * 0.78
    body = QRectF(at.x(), at.y() + high * 0.45, wide, high * 0.55)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawRoundedRect(body, 1.5, 1.5)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(color, max(1.2, high * 0.13)))
    left = at.x() + wide * (0.2 if not is_open else 0.55)
    ring = QRectF(left, at.y() + high * 0.08, wide * 0.6, high * 0.6)
    shackle = QPainterPath()
    shackle.moveTo(ring.left(), body.top())
    shackle.lineTo(ring.left(), ring.center().y())
    shackle.arcTo(ring, 180, -180)
    if not is_open:
        shackle.lineTo(ring.right(), body.top())
    painter.drawPath(shackle)
