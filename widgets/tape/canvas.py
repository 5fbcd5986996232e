"""The painted list of trades, newest on top."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

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
        self._total = 0
        self._measure()

    def show_trades(self, prints: Prints | None, back: int, large: int, message: str = "") -> None:
        """Show these trades from `back` on, or a sentence why there are none."""
        total = prints.total if prints is not None else 0
        same = (prints, back, large, message) == (self.prints, self.back, self.large, self.message)
        fresh = total - self._total
        self.prints, self.back, self.large, self.message = prints, back, large, message
        self._total = total
        if same and not back and not message and 0 < fresh < self.rows():
            # what is painted already moves down; only the new rows on top are painted
            area = QRect(1, self._header, self.width() - 2, self.height() - self._header - 1)
            self.scroll(0, fresh * self._row, area)
        else:
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

    def event(self, event: QEvent) -> bool:
        """Tell a whole row where there is no room for it."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            row = (event.pos().y() - self._header) // self._row
            QToolTip.showText(event.globalPos(), self.row_words(row) if row >= 0 else "", self)
            return True
        return super().event(event)

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
        painter.fillRect(event.rect(), t.panel)
        if event.rect().top() < self._header:
            self._paint_header(painter, width)
        if self.message or self.prints is None:
            painter.setPen(t.dim)
            area = self.rect().adjusted(12, self._header, -12, 0)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(area, flags, self.message)
        else:
            painter.setFont(self._font)
            columns = self._columns(width)
            area = event.rect()
            first = max((area.top() - self._header) // self._row, 0)
            last = (area.bottom() - self._header) // self._row
            for row in range(first, last + 1):
                found = self.prints.row(self.back + row)
                if found is None:
                    break
                self._paint_row(painter, found, self._header + row * self._row, width, columns)
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
        self._dim, self._text = tokens().dim, tokens().text
        self._widths: dict[tuple[str, bool], float] = {}

    def _make_colors(self) -> dict[int, tuple[QColor, QColor, QColor, QColor]]:
        t = tokens()
        made: dict[int, tuple[QColor, QColor, QColor, QColor]] = {}
        for side, color in ((0, t.dim), (1, t.up), (2, t.down)):
            bar = mix(color, t.panel, 0.2)
            strong = mix(color, t.panel, 0.62 if t.dark else 0.85)
            ink = readable_on(strong, t.text, t.panel, t.window)
            made[side] = (color, bar, strong, ink)
        return made

    def _columns(self, width: int) -> tuple[float, float, int]:
        """Right ends of price and size; and how many letters of the time fit: 12, 8 or none."""
        sample = self.prints.row(0) if self.prints is not None else None
        price = self._bold_metrics.horizontalAdvance(sample.price_text if sample else "00,000.0")
        size = self._bold_metrics.horizontalAdvance("00,000")
        arrow, pad = self._metrics.height(), self._pad
        room = width - 2 * pad - arrow - price - size
        time, letters = 0.0, 0
        for wanted, count in ((self._time_width, 12), (self._short_time, 8)):
            if wanted <= room:
                time, letters = wanted, count
                break
        return pad + time + arrow + price + max((room - time) * 0.5, 0), width - pad, letters

    def _paint_header(self, painter: QPainter, width: int) -> None:
        t = tokens()
        painter.fillRect(0, 0, width, self._header, t.raised)
        painter.fillRect(0, self._header - 1, width, 1, t.line)
        painter.setFont(self._font)
        painter.setPen(t.dim)
        second, third, letters = self._columns(width)
        base = (self._header - self._metrics.height()) / 2 + self._metrics.ascent()
        painter.drawText(QPointF(self._pad, base), {12: "Time UTC", 8: "UTC"}.get(letters, ""))
        for text, right in (("Price", second), ("Size", third)):
            painter.drawText(QPointF(right - self._metrics.horizontalAdvance(text), base), text)

    def _paint_row(
        self, painter: QPainter, row: Print, y: int, width: int, columns: tuple[float, float, int]
    ) -> None:
        second, third, letters = columns
        color, bar, strong, ink = self._colors[row.side if row.side in (1, 2) else 0]
        large = bool(self.large) and row.qty >= self.large
        base = y + self._ascent
        if large:
            painter.fillRect(QRectF(1, y, width - 2, self._row), strong)
            painter.setFont(self._bold)
        elif self.large:
            share = float((row.qty / self.large) ** 0.5) * _BAR_SHARE * (width - 2)
            painter.fillRect(QRectF(width - 1 - share, y, share, self._row - 1), bar)
        painter.setPen(ink if large else self._dim)
        painter.drawText(QPointF(self._pad, base), row.time[:letters])
        painter.setPen(ink if large else color)
        left = second - self._width(row.price_text, large)
        painter.drawText(QPointF(left, base), row.price_text)
        painter.drawText(QPointF(left - self._metrics.height(), base), SIDES.get(row.side, "·"))
        painter.setPen(ink if large else self._text)
        left = third - self._width(row.qty_text, large)
        painter.drawText(QPointF(left, base), row.qty_text)
        if large:
            painter.setFont(self._font)

    def _width(self, text: str, bold: bool) -> float:
        """How wide a text is, measured once."""
        known = self._widths.get((text, bold))
        if known is None:
            if len(self._widths) > 5_000:
                self._widths.clear()
            metrics = self._bold_metrics if bold else self._metrics
            known = self._widths[(text, bold)] = metrics.horizontalAdvance(text)
        return known
