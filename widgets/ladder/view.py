"""The painted rows of the ladder: layout, dirty-row repaints, badges, and what is read aloud."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleValueChangeEvent,
    QHelpEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from core.model.enums import Side
from widgets.clock import Clock
from widgets.ladder.columns import COLUMNS, DEFAULT_ORDER, Hit, Span, hit, lay_out
from widgets.ladder.look import Look
from widgets.ladder.paint import RowPainter, paint_badge, paint_header
from widgets.ladder.picture import RowPicture, spoken
from widgets.ladder.rows import Rows

GLYPH = 18
"""Room beside a price for its mark, in logical pixels."""

_BLINK = 500_000_000


class LadderView(QWidget):
    """Shows row pictures; knows nothing of orders or input.

    Attributes:
        rows: which prices stand where; changed through `show_rows` only.
        pictures: what stands in each row.
        order, hidden: the columns, through `set_columns`.
        away: rows to the market while the ladder is held away from it.
        cursor_at: price and side of the keyboard's row, or None.
        shifted: when the rows last moved, by `clock`.
        stale: why prices must not be trusted now; empty while they are good.
        status: ``halted`` or ``closed`` while the market is; empty while it trades.
        notes: what a column's tooltip says beyond its meaning.
        question: price of a row, what is asked there, and whether about a buy; (0, '', _) while
            nothing is.

    Signals:
        looks_changed(): something local changed; compose and show again.
    """

    looks_changed = Signal()

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.clock = clock
        self.rows = Rows(1, 1)
        self.pictures: list[RowPicture] = [RowPicture()]
        self.order: tuple[str, ...] = DEFAULT_ORDER
        self.hidden: set[str] = set()
        self.away = 0
        self.cursor_at: tuple[int, Side] | None = None
        self.shifted = clock.monotonic()
        self.stale = ""
        self.notes: dict[str, str] = {}
        self.question = (0, "", True)
        self.accessible: Any = None
        self._blink = False
        self._badge = False
        self.status = ""
        self._titles: dict[str, str] = {}
        self._longest = ""
        self._look = Look(self.font())
        self._spans: list[Span] = []
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    # -- for the panel -----------------------------------------------------------------------

    @property
    def spans(self) -> Sequence[Span]:
        """Where the columns are."""
        return self._spans

    def visible_rows(self) -> int:
        """How many whole rows there is room for."""
        return max(1, (self.height() - self._look.header) // self._look.row_height)

    def show_rows(self, rows: Rows, pictures: list[RowPicture]) -> None:
        """Show these rows; only those that differ from before are repainted."""
        if rows.group != self.rows.group or rows.top != self.rows.top:
            self.note_shift()
            old, self.pictures = [], pictures
        else:
            old, self.pictures = self.pictures, pictures
        self.rows = rows
        width, high, head = self.width(), self._look.row_height, self._look.header
        if len(old) != len(pictures):
            self.update()
            return
        first = -1
        for row, (was, now) in enumerate(zip(old, pictures, strict=True)):
            if was != now:
                if first < 0:
                    first = row
            elif first >= 0:
                self.update(0, head + first * high, width, (row - first) * high)
                first = -1
        if first >= 0:
            self.update(0, head + first * high, width, (len(pictures) - first) * high)

    def set_titles(self, titles: dict[str, str], free: bool) -> None:
        """Titles that differ from the columns' own, and whether the badge “free” is shown."""
        if titles != self._titles or free is not self._badge:
            self._badge = free
            self._titles = titles
            self.update(0, 0, self.width(), self._look.header)

    def set_longest_price(self, text: str) -> None:
        """The longest price to make room for."""
        if len(text) != len(self._longest):
            self._longest = text
            self.lay_out()

    def set_stale(self, why: str) -> None:
        """Grey everything while prices must not be trusted, and say why: ``stale 3.2 s``."""
        if bool(why) is not bool(self.stale):
            self.update()
        elif why != self.stale:
            self.update(0, 0, self.width(), self._look.header)
        self.stale = why

    def set_status(self, word: str) -> None:
        """Say in the header that the market is ``halted`` or ``closed``; '' while it trades."""
        if word != self.status:
            self.status = word
            self.update(0, 0, self.width(), self._look.header)

    def set_away(self, away: int) -> None:
        """How far the market is from the middle when the ladder is held; 0 hides the arrow."""
        blink = bool(away) and self.clock.monotonic() // _BLINK % 2 == 0
        if away != self.away or blink is not self._blink:
            self.away, self._blink = away, blink
            self.update(self._badge_box(True))
            self.update(self._badge_box(False))

    def set_question(self, price: int, text: str, buy: bool) -> None:
        """Ask something in the row of `price` (ticks); 0: nothing is asked."""
        if (price, text, buy) != self.question:
            self.question = price, text, buy
            self.update()

    def set_columns(self, order: Sequence[str], hidden: set[str]) -> None:
        """Which columns to show in which order."""
        self.order, self.hidden = tuple(order), set(hidden)
        self.lay_out()

    def note_shift(self) -> None:
        """The rows under the pointer may not be those that the trader last saw."""
        self.shifted = self.clock.monotonic()

    def cursor_words(self) -> str:
        """The keyboard's row in words."""
        if self.cursor_at is None:
            return "no row chosen"
        price, side = self.cursor_at
        row = self.rows.row_at(price)
        if not self.rows.visible(row) or row >= len(self.pictures):
            return "row out of view"
        return f"{'buy' if side is Side.BUY else 'sell'} side, {spoken(self.pictures[row])}"

    def lay_out(self) -> None:
        """Place the columns anew."""
        for condensed in (False, True):
            if self._look.condensed is not condensed:
                self._look = Look(self.font(), condensed)
            look = self._look
            price = round(look.width(self._longest, True)) + GLYPH
            self._spans, short = lay_out(self.order, self.hidden, self.width(), look.digit, price)
            if not short:
                break
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(380, self._look.header + 40 * self._look.row_height)

    def minimumSizeHint(self) -> QSize:
        return QSize(240, self._look.header + 5 * self._look.row_height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.lay_out()
        self.looks_changed.emit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.PaletteChange):
            self._look = Look(self.font(), self._look.condensed)
            self.lay_out()
            self.looks_changed.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        look, width = self._look, self.width()
        painter = QPainter(self)
        wanted: set[int] = set()
        for area in cast(Iterable[QRect], event.region()):
            painter.fillRect(area, look.panel)
            if area.top() < look.header:
                paint_header(painter, look, self._spans, self._titles, width)
                self._paint_state(painter)
            first = max(0, area.top() - look.header) // look.row_height
            last = (area.bottom() - look.header) // look.row_height
            wanted.update(range(first, min(last + 1, len(self.pictures))))
        RowPainter(painter, look, self._spans, bool(self.stale)).rows(
            self.pictures, sorted(wanted), width
        )
        self._paint_question(painter)
        if self.away:
            arrow = "▲" if self.away > 0 else "▼"
            color = look.accent if self._blink else look.dim
            box = self._badge_box(self.away > 0)
            paint_badge(painter, look, box, f"{arrow} {abs(self.away)} rows", color)
        painter.end()

    def _paint_question(self, painter: QPainter) -> None:
        """An amber badge in the row that is asked about, beside the cell that was clicked."""
        price, text, buy = self.question
        row = self.rows.row_at(price) if price else -1
        if not self.rows.visible(row):
            return
        look = self._look
        width = min(round(look.width(text, True)) + 12, self.width())
        top = look.header + row * look.row_height
        box = QRect(self.width() - width if buy else 0, top, width, look.row_height)
        paint_badge(painter, look, box, text, look.warning)

    def _paint_state(self, painter: QPainter) -> None:
        """A word over the header while prices are old, nothing trades, or the ladder is free."""
        look = self._look
        text = self.stale or self.status or ("free" if self._badge else "")
        if text:
            _, x, width = next(span for span in self._spans if span.column == "price")
            wide = max(width - 4, min(round(look.width(text, True)) + 12, self.width()))
            left = min(max(x + (width - wide) // 2, 0), self.width() - wide)
            color = look.warning if self.stale or self.status else look.accent
            paint_badge(painter, look, QRect(left, 1, wide, look.header - 3), text, color)

    # -- Qt ----------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            found = self._hit(event.pos())
            words = "" if found is None else self._tip(found)
            if words:
                QToolTip.showText(event.globalPos(), words, self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    # -- inside ------------------------------------------------------------------------------

    def _tip(self, found: Hit) -> str:
        """The meaning of a column, or the orders in a cell."""
        if found.part == "header":
            return f"{COLUMNS[found.column].meaning}{self.notes.get(found.column, '')}"
        picture = self.pictures[found.row]
        mine = {"my_buys": picture.buys, "my_sells": picture.sells}.get(found.column)
        return mine.tip if mine is not None else ""

    def _hit(self, point: QPoint) -> Hit | None:
        look = self._look
        count = len(self.pictures)
        return hit(point.x(), point.y(), self._spans, look.header, look.row_height, count)

    def _row_at(self, y: float) -> int:
        row = int(y - self._look.header) // self._look.row_height
        return min(max(row, 0), self.rows.count - 1)

    def _tell_value(self) -> None:
        if QAccessible.isActive():
            QAccessible.updateAccessibility(QAccessibleValueChangeEvent(self, self.cursor_words()))

    def _badge_box(self, top: bool) -> QRect:
        look = self._look
        width = round(look.width("▲ 9,999 rows", True)) + 12
        y = look.header + 2 if top else self.height() - look.row_height - 2
        return QRect((self.width() - width) // 2, y, width, look.row_height)
