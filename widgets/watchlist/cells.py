"""How a watchlist cell is painted: straight from the row's texts, without style options."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QTableView

from widgets.colors import mix
from widgets.theme import tokens
from widgets.watchlist.model import WatchlistModel
from widgets.watchlist.quotes import AGE, CHANGE, LAST, SYMBOL

_PAD = 6
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class CellDelegate(QStyledItemDelegate):
    """Paints cells.

    Attributes:
        chosen: the instrument that the other panels show; its row is marked.
    """

    def __init__(self, model: WatchlistModel, parent: QTableView) -> None:
        super().__init__(parent)
        self._view = parent
        self._model = model
        self.chosen = ""
        self.set_theme(parent.font())

    def set_theme(self, font: QFont) -> None:
        """Work out colours and fonts again."""
        t = tokens()
        self._text, self._dim, self._accent = t.text, t.dim, t.accent
        self._up, self._down, self._warning, self._danger = t.up, t.down, t.warning, t.danger
        self._panel = t.panel
        self._stripe = mix(t.raised, t.panel, 0.55)
        self._marked = mix(t.accent, t.panel, 0.14)
        self._selected = mix(t.accent, t.panel, 0.3)
        self._flash = {1: mix(t.up, t.panel, 0.34), -1: mix(t.down, t.panel, 0.34)}
        self._font = QFont(font)
        self._font.setFeature(QFont.Tag("tnum"), 1)
        self._bold = QFont(self._font)
        self._bold.setBold(True)
        self._bold_metrics = QFontMetrics(self._bold)
        self._metrics = QFontMetrics(self._font)
        self._cut: dict[tuple[str, int, bool], tuple[str, int]] = {}

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return QSize(self._metrics.horizontalAdvance("00,000.00"), self._metrics.height() + 6)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        row, column = index.row(), index.column()
        quote = self._model.quote_at(row)
        now = self._model.now()
        if not quote.made:
            quote.make(now)
        rect = option.rect  # type: ignore[attr-defined]
        chosen = quote.instrument.id == self.chosen
        ground = self._stripe if row % 2 else self._panel
        if chosen:
            ground = self._marked
        if self._view.selectionModel().isSelected(index):
            ground = self._selected
        flash = quote.flashes.get(column)
        if flash is not None and flash[0] > now:
            ground = self._flash.get(flash[1], ground)
        painter.fillRect(rect, ground)
        area = rect.adjusted(_PAD, 0, -_PAD, 0)
        if column == SYMBOL:
            self._paint_symbol(painter, area, rect, row, chosen)
            return
        painter.setFont(self._font)
        painter.setPen(self._color(column, row, now))
        text = quote.texts[column]
        if column == LAST and quote.move:
            text = ("▲ " if quote.move > 0 else "▼ ") + text
        painter.drawText(area, _RIGHT, text)

    def _paint_symbol(
        self, painter: QPainter, area: QRect, rect: QRect, row: int, chosen: bool
    ) -> None:
        instrument = self._model.quote_at(row).instrument
        if chosen:
            painter.fillRect(rect.left(), rect.top(), 3, rect.height(), self._accent)
        painter.setFont(self._bold)
        painter.setPen(self._text)
        symbol, used = self._elided(instrument.symbol, area.width(), True)
        painter.drawText(area, _LEFT, symbol)
        room = area.width() - used - _PAD
        if room > self._metrics.height():
            painter.setFont(self._font)
            painter.setPen(self._dim)
            venue, _ = self._elided(instrument.venue, room, False)
            painter.drawText(area.adjusted(used + _PAD, 0, 0, 0), _LEFT, venue)

    def _elided(self, text: str, room: int, bold: bool) -> tuple[str, int]:
        """A text cut to `room` pixels and its width; worked out once."""
        key = (text, room, bold)
        known = self._cut.get(key)
        if known is None:
            if len(self._cut) > 5_000:
                self._cut.clear()
            metrics = self._bold_metrics if bold else self._metrics
            cut = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
            known = self._cut[key] = (cut, metrics.horizontalAdvance(cut))
        return known

    def _color(self, column: int, row: int, now: int) -> QColor:
        quote = self._model.quote_at(row)
        if column == AGE:
            text = quote.texts[AGE]
            if text == "HALTED":
                return self._danger
            return self._warning if text.startswith("stale") else self._dim
        if quote.stale(now) or not self._model.live:
            return self._dim
        if column == LAST and quote.move:
            return self._up if quote.move > 0 else self._down
        if column == CHANGE:
            change = quote.change
            if change:
                return self._up if change > 0 else self._down
        return self._text
