"""The painted list of trades, newest on top."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFont, QFontMetricsF, QKeyEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from widgets.colors import mix, readable_on
from widgets.tape.prints import Print, Prints
from widgets.theme import tokens

_WHEEL_ROWS = 3
_BAR_SHARE = 0.34
SIDES = {1: "▲", 2: "▼"}
WORDS = {1: "bought at the ask", 2: "sold at the bid", 0: "side unknown"}


class TapeCanvas(QWidget):
    """Rows of trades. While it is scrolled the rows stand still and new trades are counted.

    Attributes:
        back: how many trades before the newest one the top row is; 0 is live.
        large: lots from which a trade is large.

    Signals:
        scrolled(int): the trader wants the top row to be so many trades before the newest.
    """

    scrolled = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Time and sales")
        self.prints: Prints | None = None
        self.back = 0
        self.large = 0
        self.message = ""
        self._wheel = 0.0
        self._measure()

    def show_trades(self, prints: Prints | None, back: int, large: int, message: str = "") -> None:
        """Show these trades from `back` on, or a sentence why there are none."""
        self.prints, self.back, self.large, self.message = prints, back, large, message
        self.update()

    def rows(self) -> int:
        """How many whole rows fit."""
        return max((self.height() - self._header) // self._row, 1)

    def set_font_and_theme(self) -> None:
        """Measure and colour again."""
        self._measure()
        self.update()

    def row_words(self, row: int) -> str:
        """A row in words, for a screen reader."""
        found = self.prints.row(self.back + row) if self.prints is not None else None
        if found is None:
            return ""
        return f"{found.time}, {found.qty_text} at {found.price_text}, {WORDS[found.side]}"

    # -- Qt ----------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.accept()
        self._wheel -= event.angleDelta().y() / 120 * _WHEEL_ROWS
        rows = int(self._wheel)
        self._wheel -= rows
        if rows:
            self.scrolled.emit(self.back + rows)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageDown: self.rows() - 1,
            Qt.Key.Key_PageUp: 1 - self.rows(),
        }
        key = Qt.Key(event.key())
        if key in steps:
            self.scrolled.emit(self.back + steps[key])
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_Escape):
            self.scrolled.emit(0)
        elif key == Qt.Key.Key_End:
            self.scrolled.emit(len(self.prints) if self.prints is not None else 0)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        t = tokens()
        width = self.width()
        painter.fillRect(self.rect(), t.panel)
        self._paint_header(painter, width)
        if self.message or self.prints is None:
            painter.setPen(t.dim)
            area = self.rect().adjusted(12, self._header, -12, 0)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(area, flags, self.message)
        else:
            painter.setFont(self._font)
            y = self._header
            for row in range(self.rows() + 1):
                found = self.prints.row(self.back + row)
                if found is None:
                    break
                self._paint_row(painter, found, y, width)
                y += self._row
        if self.hasFocus():
            painter.setPen(t.accent)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    # -- inside ------------------------------------------------------------------------------

    def _measure(self) -> None:
        self._font = QFont(self.font())
        self._font.setFeature(QFont.Tag("tnum"), 1)
        self._bold = QFont(self._font)
        self._bold.setBold(True)
        metrics = QFontMetricsF(self._font)
        self._bold_metrics = QFontMetricsF(self._bold)
        self._metrics = metrics
        self._row = round(metrics.height()) + 2
        self._header = round(metrics.height()) + 6
        self._ascent = 1 + metrics.ascent()
        self._pad = round(metrics.horizontalAdvance("0") * 0.8)
        self._time_width = metrics.horizontalAdvance("00:00:00.000") + self._pad
        self._short_time = metrics.horizontalAdvance("00:00:00") + self._pad
        self._colors = self._make_colors()

    def _make_colors(self) -> dict[int, tuple[object, ...]]:
        t = tokens()
        made: dict[int, tuple[object, ...]] = {}
        for side, color in ((0, t.dim), (1, t.up), (2, t.down)):
            bar = mix(color, t.panel, 0.2)
            strong = mix(color, t.panel, 0.62 if t.dark else 0.85)
            ink = readable_on(strong, t.text, t.panel, t.window)
            made[side] = (color, bar, strong, ink)
        return made

    def _columns(self, width: int) -> tuple[float, float, bool]:
        """Right ends of price and size; and whether the whole time fits."""
        sample = self.prints.row(0) if self.prints is not None else None
        price = self._bold_metrics.horizontalAdvance(sample.price_text if sample else "00,000.0")
        size = self._bold_metrics.horizontalAdvance("00,000")
        arrow, pad = self._metrics.height(), self._pad
        whole = pad + self._time_width + price + arrow + size + pad < width
        time = self._time_width if whole else self._short_time
        room = width - 2 * pad - time - arrow - price - size
        return pad + time + arrow + price + max(room * 0.5, 0), width - pad, whole

    def _paint_header(self, painter: QPainter, width: int) -> None:
        t = tokens()
        painter.fillRect(0, 0, width, self._header, t.raised)
        painter.fillRect(0, self._header - 1, width, 1, t.line)
        painter.setFont(self._font)
        painter.setPen(t.dim)
        second, third, whole = self._columns(width)
        base = (self._header - self._metrics.height()) / 2 + self._metrics.ascent()
        painter.drawText(QPointF(self._pad, base), "Time UTC" if whole else "UTC")
        for text, right in (("Price", second), ("Size", third)):
            painter.drawText(QPointF(right - self._metrics.horizontalAdvance(text), base), text)

    def _paint_row(self, painter: QPainter, row: Print, y: int, width: int) -> None:
        t = tokens()
        second, third, whole = self._columns(width)
        color, bar, strong, ink = self._colors[row.side if row.side in (1, 2) else 0]
        large = bool(self.large) and row.qty >= self.large
        base = y + self._ascent
        if large:
            painter.fillRect(QRectF(0, y, width, self._row), strong)
            painter.setFont(self._bold)
        elif self.large:
            share = float(np.sqrt(row.qty / self.large)) * _BAR_SHARE
            painter.fillRect(QRectF(width * (1 - share), y, width * share, self._row - 1), bar)
        metrics = self._bold_metrics if large else self._metrics
        painter.setPen(ink if large else t.dim)
        painter.drawText(QPointF(self._pad, base), row.time if whole else row.time[:8])
        painter.setPen(ink if large else color)
        price = row.price_text
        left = second - metrics.horizontalAdvance(price)
        painter.drawText(QPointF(left, base), price)
        sign = SIDES.get(row.side, "·")
        painter.drawText(QPointF(left - self._metrics.height(), base), sign)
        painter.setPen(ink if large else t.text)
        size = row.qty_text
        painter.drawText(QPointF(third - metrics.horizontalAdvance(size), base), size)
        if large:
            painter.setFont(self._font)
