"""Painting the ladder's rows: fills first, then lines, then all texts of one colour together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from widgets.colors import readable_on
from widgets.ladder.columns import CANCEL_WIDTH, COLUMNS, Span
from widgets.ladder.look import Look
from widgets.ladder.picture import Link, Mark, Mine, RowPicture, Stage

_PAD = 4
_UP, _DOWN = "▴", "▾"


class RowPainter:
    """Paints rows of one look; made for each paint event."""

    def __init__(self, painter: QPainter, look: Look, spans: Sequence[Span], stale: bool) -> None:
        self._p = painter
        self._look = look
        self._spans = spans
        self._stale = stale
        self._texts: dict[tuple[int, bool], list[tuple[float, float, str]]] = {}
        self._pens: dict[int, QColor] = {}
        self._lines: list[QLineF] = []

    def rows(self, pictures: Sequence[RowPicture], wanted: Iterable[int], width: int) -> None:
        """Paint the rows `wanted`, whole, on a ground that is painted already."""
        look, p = self._look, self._p
        numbers = list(wanted)
        for row in numbers:
            y = look.header + row * look.row_height
            self._row(pictures[row], y)
            self._lines.append(QLineF(0, y + look.row_height - 1, width, y + look.row_height - 1))
        p.setPen(look.line)
        p.drawLines(self._lines)
        for row in numbers:
            self._outlines(pictures[row], look.header + row * look.row_height, width)
        self._write()

    # -- one row -----------------------------------------------------------------------------

    def _row(self, picture: RowPicture, y: int) -> None:
        marks = picture.marks
        for column, x, width in self._spans:
            if column == "price":
                self._price(picture, x, y, width)
            elif column == "bids":
                shade = self._look.bid_side if marks & Mark.BID_SIDE else None
                self._size(picture.bid, picture.bid_share, 1, shade, (x, y, width))
            elif column == "asks":
                shade = self._look.ask_side if marks & Mark.ASK_SIDE else None
                self._size(picture.ask, picture.ask_share, 2, shade, (x, y, width))
            elif column == "my_buys":
                if picture.buys is not None:
                    self._mine(picture.buys, 1, x, y, width)
                if picture.buys_link:
                    self._link(picture.buys_link, 1, x + width - 1.0, y)
            elif column == "my_sells":
                if picture.sells is not None:
                    self._mine(picture.sells, 2, x, y, width)
                if picture.sells_link:
                    self._link(picture.sells_link, 2, x + 1.0, y)
            elif column == "profile":
                self._volume(picture, x, y, width)
            elif picture.trade:
                self._print(picture, x, y, width)

    def _price(self, picture: RowPicture, x: int, y: int, width: int) -> None:
        look, marks = self._look, picture.marks
        fill, color = look.price, look.text
        if marks & Mark.FLASH:
            fill, color = look.flash, look.flash_text
        elif self._stale:
            color = look.stale_text
        elif marks & Mark.BEST_BID:
            fill, color = look.best_bid, look.best_bid_text
        elif marks & Mark.BEST_ASK:
            fill, color = look.best_ask, look.best_ask_text
        elif not marks & (Mark.BID_SIDE | Mark.ASK_SIDE):
            color = look.dim
        self._p.fillRect(x, y, width, look.row_height, fill)
        bold = bool(marks & (Mark.LAST | Mark.BEST_BID | Mark.BEST_ASK))
        self._right(picture.price, x, y, width - 2, color, bold)
        if marks & Mark.LAST and not self._stale:
            arrow = _UP if marks & Mark.LAST_UP else _DOWN if marks & Mark.LAST_DOWN else "•"
            self._text(x + 3, y + look.ascent, arrow, color, False)
        elif marks & Mark.AVERAGE:
            self._text(x + 3, y + look.ascent, "ø", color, False)

    def _size(
        self,
        text: str,
        share: int,
        side: int,
        shade: QColor | None,
        box: tuple[int, int, int],
    ) -> None:
        look, p = self._look, self._p
        x, y, width = box
        if shade is not None and not self._stale:
            p.fillRect(x, y, width, look.row_height, shade)
        if share:
            long = max(2, (width - 2) * share // 100)
            bar = look.stale_bar if self._stale else look.bid_bar if side == 1 else look.ask_bar
            left = x + width - long if side == 1 else x
            p.fillRect(left, y + 1, long, look.row_height - 2, bar)
        if text:
            self._right(text, x, y, width, look.stale_text if self._stale else look.text, False)

    def _volume(self, picture: RowPicture, x: int, y: int, width: int) -> None:
        look = self._look
        if picture.volume_share:
            long = max(2, (width - 4) * picture.volume_share // 100)
            bar = look.poc_bar if picture.poc else look.volume_bar
            self._p.fillRect(x + 2, y + 1, long, look.row_height - 2, bar)
        if picture.volume:
            color = look.text if picture.poc else look.dim
            self._right(picture.volume, x, y, width, color, picture.poc)

    def _print(self, picture: RowPicture, x: int, y: int, width: int) -> None:
        look = self._look
        color = look.prints[picture.trade_side][picture.trade_age]
        self._right(picture.trade, x, y, width, color, False)
        if picture.trade_side:
            arrow = _UP if picture.trade_side == 1 else _DOWN
            self._text(x + 1, y + look.ascent, arrow, color, False)

    def _mine(self, mine: Mine, side: int, x: int, y: int, width: int) -> None:
        look, p = self._look, self._p
        fill = look.own_fill[side].get(mine.stage)
        box = QRectF(x + 1.5, y + 1.5, width - 3, look.row_height - 4)
        p.setPen(look.own_pen[side][mine.stage])
        p.setBrush(fill if fill is not None else Qt.BrushStyle.NoBrush)
        p.drawRoundedRect(box, 2, 2)
        p.setBrush(Qt.BrushStyle.NoBrush)
        color = look.own_text[side][mine.stage]
        if mine.filled:
            long = (width - 5) * mine.filled / 100
            p.fillRect(QRectF(x + 2.5, y + look.row_height - 4, long, 2), color)
        text = f"? {mine.text}" if mine.stage is Stage.UNKNOWN else mine.text
        left = x + CANCEL_WIDTH if side == 1 else x + 2
        room = width - CANCEL_WIDTH - 2
        self._own_size(text, left, y, room - 2, color)
        if mine.cancel:
            cross = x + 4 if side == 1 else x + width - CANCEL_WIDTH + 2
            self._text(cross, y + look.ascent, "×", color, True)
        if mine.stage is Stage.PENDING_CANCEL:
            middle = y + look.row_height / 2
            p.setPen(color)
            p.drawLine(QLineF(left, middle, left + room, middle))

    def _own_size(self, text: str, left: float, y: int, room: float, color: QColor) -> None:
        """At the right of its room: smaller, then narrower, at last only how many orders."""
        look, p = self._look, self._p
        wide = look.width(text)
        if wide <= room:
            self._text(left + room - wide, y + look.ascent, text, color, False)
            return
        text, wide, squeeze = look.fit(text, room)
        p.save()
        p.setPen(color)
        p.setFont(look.small)
        p.translate(left + room - wide * squeeze, y + look.ascent)
        p.scale(squeeze, 1.0)
        p.drawText(QPointF(0.0, 0.0), text)
        p.restore()

    def _link(self, bits: int, side: int, x: float, y: int) -> None:
        """A piece of the line that joins orders of one list, along the edge towards the prices."""
        high = self._look.row_height
        top = y if bits & Link.UP else y + high / 2
        bottom = y + high if bits & Link.DOWN else y + high / 2
        self._p.setPen(QPen(self._look.links[side], 2))
        self._p.drawLine(QLineF(x, top, x, bottom))

    def _outlines(self, picture: RowPicture, y: int, width: int) -> None:
        """The bold outlines of the last price and the average, and the keyboard's row."""
        marks = picture.marks
        if not marks & (Mark.LAST | Mark.AVERAGE | Mark.CURSOR_BUY | Mark.CURSOR_SELL):
            return
        look, p = self._look, self._p
        high = look.row_height - 2
        if marks & (Mark.CURSOR_BUY | Mark.CURSOR_SELL):
            p.setPen(QPen(look.cursor, 1))
            p.drawRect(QRectF(0.5, y + 0.5, width - 1, high))
        for column, x, wide in self._spans:
            if column == "price":
                inset = 1.0
                if marks & Mark.AVERAGE:
                    p.setPen(QPen(look.warning, 2))
                    p.drawRect(QRectF(x + 1, y + 1, wide - 2, high - 1))
                    inset = 3.0 if marks & Mark.LAST else 1.0
                if marks & Mark.LAST and not self._stale:
                    p.setPen(QPen(look.text, 2))
                    p.drawRect(QRectF(x + inset, y + inset, wide - 2 * inset, high + 1 - 2 * inset))
            elif (column == "bids" and marks & Mark.CURSOR_BUY) or (
                column == "asks" and marks & Mark.CURSOR_SELL
            ):
                p.setPen(QPen(look.cursor, 2))
                p.drawRect(QRectF(x + 1, y + 1, wide - 2, high - 1))

    # -- texts -------------------------------------------------------------------------------

    def _right(self, text: str, x: int, y: int, width: int, color: QColor, bold: bool) -> None:
        at = x + width - _PAD - self._look.width(text, bold)
        self._text(at, y + self._look.ascent, text, color, bold)

    def _text(self, x: float, y: float, text: str, color: QColor, bold: bool) -> None:
        key = color.rgb()
        self._pens[key] = color
        self._texts.setdefault((key, bold), []).append((x, y, text))

    def _write(self) -> None:
        p, look = self._p, self._look
        for bold in (False, True):
            p.setFont(look.bold if bold else look.font)
            for (key, heavy), texts in self._texts.items():
                if heavy is bold:
                    p.setPen(self._pens[key])
                    for x, y, text in texts:
                        p.drawText(QPointF(x, y), text)


def paint_header(
    painter: QPainter, look: Look, spans: Sequence[Span], titles: dict[str, str], width: int
) -> None:
    """The titles of the columns; `titles` replaces some of them."""
    painter.fillRect(0, 0, width, look.header, look.head)
    painter.setFont(look.small)
    painter.setPen(look.dim)
    flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    for column, x, wide in spans:
        text = titles.get(column, COLUMNS[column].title)
        painter.drawText(QRectF(x, 0, wide - _PAD, look.header - 1), flags, text)
    painter.setPen(look.frame)
    painter.drawLine(QLineF(0, look.header - 0.5, width, look.header - 0.5))


def paint_badge(painter: QPainter, look: Look, box: QRect, text: str, color: QColor) -> None:
    """A word on a coloured pill."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawRoundedRect(QRectF(box), 3, 3)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setFont(look.bold)
    painter.setPen(readable_on(color, look.panel, look.text))
    painter.drawText(QRectF(box), Qt.AlignmentFlag.AlignCenter, text)
