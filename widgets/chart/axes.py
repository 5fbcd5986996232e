"""The price axis at the right and the time axis at the bottom, with the tags that stand on them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from widgets.chart.look import Look
from widgets.chart.sheet import Sheet
from widgets.chart.ticks import full_time


class Tag(NamedTuple):
    """A price on the axis: filled with a colour, or only framed with it."""

    price: int
    text: str
    color: QColor
    filled: bool = True


def place_tags(wanted: list[float], height: float) -> list[float]:
    """Where tags stand so that none hides another: the last one where it wants to be.

    The others are pushed away from it, those above upwards, those below downwards.
    """
    if not wanted:
        return []
    places = list(wanted)
    anchor = wanted[-1]
    others = range(len(wanted) - 1)
    edge = anchor
    for n in sorted((n for n in others if wanted[n] <= anchor), key=lambda n: -wanted[n]):
        edge = places[n] = min(wanted[n], edge - height)
    edge = anchor
    for n in sorted((n for n in others if wanted[n] > anchor), key=lambda n: wanted[n]):
        edge = places[n] = max(wanted[n], edge + height)
    return places


class PriceAxis(pg.GraphicsWidget):
    """Prices of the grid's lines; tags for the last price, the crosshair and own orders.

    Attributes:
        tags: drawn over the labels, the last one on top.
    """

    def __init__(self, sheet: Sheet) -> None:
        super().__init__()
        self.sheet = sheet
        self.tags: list[Tag] = []
        self._widest = 0.0
        self.setZValue(50)

    def forget_width(self) -> None:
        """Another instrument: the axis may become narrower again."""
        self._widest = 0.0

    def wanted_width(self) -> float:
        """Room for the widest price seen so far, so that the axis does not jump."""
        sheet = self.sheet
        texts = [sheet.text(round(sheet.low)), sheet.text(round(sheet.high)), "0000"]
        widest = max(sheet.look.bold_metrics.horizontalAdvance(text) for text in texts)
        self._widest = max(self._widest, widest)
        return float(np.ceil(self._widest + 2 * sheet.look.pad + 4))

    def set_tags(self, tags: list[Tag]) -> None:
        """Show these tags."""
        if tags != self.tags:
            self.tags = tags
            self.update()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        sheet, look = self.sheet, self.sheet.look
        size = self.size()
        unit = 1 / sheet.dpr
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(QRectF(0, 0, unit, size.height()), look.line)
        painter.setFont(look.font)
        painter.setPen(look.dim)
        lift = look.ascent - look.metrics.height() / 2
        placed = self.placed()
        for price in sheet.price_ticks:
            y = sheet.y(price)
            free = all(abs(y - place) >= look.tag * 0.9 for _, place in placed)
            if free and look.height * 0.6 < y < sheet.height - look.height * 0.6:
                painter.drawText(QPointF(look.pad + 3, y + lift), sheet.text(price))
        for tag, y in placed:
            self._paint_tag(painter, tag, y, lift)

    def placed(self) -> list[tuple[Tag, float]]:
        """The tags in view and where they stand; one that others push out is left away."""
        sheet, half = self.sheet, self.sheet.look.tag / 2
        low, high = half, sheet.height - half
        seen = [t for t in self.tags if -half < sheet.y(t.price) < sheet.height + half]
        wanted = [min(max(sheet.y(t.price), low), high) for t in seen]
        places = place_tags(wanted, sheet.look.tag)
        return [(t, y) for t, y in zip(seen, places, strict=True) if low <= y <= high]

    def _paint_tag(self, painter: QPainter, tag: Tag, y: float, lift: float) -> None:
        look = self.sheet.look
        box = QRectF(1, round(y - look.tag / 2), self.size().width() - 2, look.tag)
        if tag.filled:
            painter.fillRect(box.adjusted(0, 0, 0, -1), tag.color)  # a hair between neighbours
            painter.setPen(look.on(tag.color))
        else:
            painter.setPen(tag.color)
            painter.setBrush(look.panel)
            painter.drawRect(box.adjusted(0, 0, -1, -1))
            painter.setPen(look.text)
        painter.drawText(QPointF(look.pad + 3, box.center().y() + lift), tag.text)


class VolumeAxis(pg.GraphicsWidget):
    """One number: the highest volume in view."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__()
        self.sheet = sheet
        self.text = ""
        self.setZValue(50)

    def set_text(self, text: str) -> None:
        """Show this volume at the top."""
        if text != self.text:
            self.text = text
            self.update()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        look, size = self.sheet.look, self.size()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(QRectF(0, 0, 1 / self.sheet.dpr, size.height()), look.line)
        painter.setFont(look.font)
        painter.setPen(look.dim)
        painter.drawText(QPointF(look.pad + 3, look.ascent + 2), self.text)


class TimeAxis(pg.GraphicsWidget):
    """Times of the grid's lines, and the crosshair's time. All in UTC.

    Attributes:
        cross: bar index of the crosshair, or None.
    """

    def __init__(self, sheet: Sheet) -> None:
        super().__init__()
        self.sheet = sheet
        self.cross: float | None = None
        self.setZValue(60)

    def wanted_height(self) -> float:
        """Room for one line of text."""
        return float(self.sheet.look.height + 8)

    def set_cross(self, x: float | None) -> None:
        """Show the time at a bar index."""
        if x != self.cross:
            self.cross = x
            self.update()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        sheet, look, size = self.sheet, self.sheet.look, self.size()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(QRectF(0, 0, size.width(), 1 / sheet.dpr), look.line)
        base = 4 + look.ascent
        edge = sheet.window.width
        for tick in sheet.time_ticks:
            painter.setFont(look.bold if tick.strong else look.font)
            painter.setPen(look.text if tick.strong else look.dim)
            width = (
                look.bold_metrics.horizontalAdvance(tick.text)
                if tick.strong
                else (look.width(tick.text))
            )
            x = sheet.window.x(tick.x) - width / 2
            if x >= 2 and x + width <= edge:
                painter.drawText(QPointF(x, base), tick.text)
        painter.setFont(look.font)
        painter.setPen(look.dim)
        zone = "UTC"
        painter.drawText(
            QRectF(edge, 0, size.width() - edge, size.height()), Qt.AlignmentFlag.AlignCenter, zone
        )
        if self.cross is not None and sheet.series is not None and len(sheet.series):
            self._paint_cross(painter, sheet, look, self.cross, base)

    def _paint_cross(
        self, painter: QPainter, sheet: Sheet, look: Look, cross: float, base: float
    ) -> None:
        assert sheet.series is not None
        # a bar is called by the time at which it begins
        ts = sheet.series.time_at(round(cross) - 0.5)
        text = full_time(ts, sheet.series.step < 60_000_000_000)
        width = look.width(text) + 2 * look.pad
        x = min(max(sheet.window.x(cross) - width / 2, 0), max(sheet.window.width - width, 0))
        painter.fillRect(QRectF(round(x), 1, round(width), look.tag + 2), look.cross_tag)
        painter.setPen(look.on(look.cross_tag))
        painter.drawText(QPointF(x + look.pad, base), text)
