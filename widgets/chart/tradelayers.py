"""The chart's layers that show what is ours: orders, position, fills; and the last price."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem

from core.model.enums import Side
from widgets.chart.fills import Group
from widgets.chart.layers import Layer
from widgets.chart.marks import Chip, Mark, Stage, place_chips
from widgets.chart.sheet import Sheet
from widgets.colors import mix


class Held(NamedTuple):
    """The position's line: average price in ticks, signed lots, and its words."""

    price: float
    qty: int
    text: str


class Drag(NamedTuple):
    """An order being dragged: where it would drop and what that means."""

    mark: Mark
    price: int
    text: str


class OrderLayer(Layer):
    """Order lines with chips, the position's average, the last price.

    Attributes:
        marks: the working orders.
        chips: where their chips were last painted.
        drag: the order being dragged.
    """

    def __init__(self, sheet: Sheet, parent: QGraphicsItem) -> None:
        super().__init__(sheet, parent, 36)
        self.marks: list[Mark] = []
        self.chips: list[Chip] = []
        self.drag: Drag | None = None
        self.held: Held | None = None
        self.last: tuple[int, QColor] | None = None
        self.hovered = ""

    def set_last(self, last: tuple[int, QColor]) -> None:
        """Show the last price in this colour; only the strips of both lines are repainted."""
        if last == self.last:
            return
        for known in (self.last, last):
            if known is not None:
                y = self.sheet.y(known[0])
                self.update(QRectF(0, y - 2, self._rect.width(), 4))
        self.last = last

    def place(self) -> None:
        """Work out where the chips stand."""
        look = self.sheet.look
        self.chips = place_chips(
            self.marks, self.sheet.y, look.width, self._rect.width() - 8, look.tag, look.pad
        )

    def paint_layer(self, painter: QPainter, exposed: QRectF) -> None:
        sheet, look, width = self.sheet, self.sheet.look, self._rect.width()
        painter.setFont(look.font)
        if self.last is not None:
            price, color = self.last
            self._line(painter, price, color, Qt.PenStyle.DotLine)
        if self.held is not None:
            self._paint_held(painter, self.held)
        self.place()
        for chip in self.chips:
            mark = chip.mark
            color = look.buy if mark.order.side is Side.BUY else look.sell
            if mark.stage is Stage.UNKNOWN:
                color = look.warning
            steady = mark.stage is Stage.WORKING
            style = Qt.PenStyle.SolidLine if steady else Qt.PenStyle.DashLine
            self._line(painter, mark.price, color, style, chip.x, chip.x + chip.width)
            if mark.target and mark.target != mark.price:
                self._line(painter, mark.target, color, Qt.PenStyle.DashLine)
                text = f"→ {sheet.text(mark.target)}"
                self._plain_chip(painter, mark.target, text, color, chip.x + chip.width)
            self._paint_chip(painter, chip, color)
        if self.drag is not None:
            color = look.buy if self.drag.mark.order.side is Side.BUY else look.sell
            self._line(painter, self.drag.price, color, Qt.PenStyle.DashLine)
            self._plain_chip(painter, self.drag.price, self.drag.text, color, width - 8)

    def _line(
        self,
        painter: QPainter,
        price: float,
        color: QColor,
        style: Qt.PenStyle,
        gap_from: float = 0.0,
        gap_to: float = 0.0,
    ) -> None:
        sheet = self.sheet
        y = (np.floor(sheet.y(price) * sheet.dpr) + 0.5) / sheet.dpr
        if not 0 <= y <= sheet.height:
            return
        pen = QPen(color, 1, style)
        pen.setCosmetic(True)
        painter.setPen(pen)
        if gap_to > gap_from:
            painter.drawLine(QPointF(0, y), QPointF(gap_from, y))
            painter.drawLine(QPointF(gap_to, y), QPointF(self._rect.width(), y))
        else:
            painter.drawLine(QPointF(0, y), QPointF(self._rect.width(), y))

    def _paint_chip(self, painter: QPainter, chip: Chip, color: QColor) -> None:
        look, mark = self.sheet.look, chip.mark
        box = QRectF(round(chip.x), round(chip.y), round(chip.width), chip.height)
        steady = mark.stage is Stage.WORKING
        fill = color if steady else mix(color, look.panel, 0.2)
        if steady and self.hovered == mark.order.cl_ord_id:
            fill = mix(look.text, color, 0.15)
        pen = QPen(color, 1, Qt.PenStyle.SolidLine if steady else Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(fill)
        painter.drawRect(box.adjusted(0, 0, -1, -1))
        ink = look.on(fill) if steady else look.text
        painter.setPen(ink)
        base = box.center().y() + look.ascent - look.metrics.height() / 2
        painter.drawText(QPointF(box.left() + look.pad, base), mark.text)
        if chip.close < chip.x + chip.width:
            middle = QPointF(chip.close + (box.right() - chip.close) / 2 - 0.5, box.center().y())
            arm = look.height * 0.2
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(ink, 1.4))
            for sign in (1, -1):
                painter.drawLine(
                    middle + QPointF(-arm, -arm * sign), middle + QPointF(arm, arm * sign)
                )
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _plain_chip(
        self, painter: QPainter, price: float, text: str, color: QColor, right: float
    ) -> None:
        look = self.sheet.look
        width = round(look.width(text) + 2 * look.pad)
        box = QRectF(
            round(right - width), round(self.sheet.y(price) - look.tag / 2), width, look.tag
        )
        painter.setPen(QPen(color, 1, Qt.PenStyle.DashLine))
        painter.setBrush(mix(color, look.panel, 0.2))
        painter.drawRect(box.adjusted(0, 0, -1, -1))
        painter.setPen(look.text)
        base = box.center().y() + look.ascent - look.metrics.height() / 2
        painter.drawText(QPointF(box.left() + look.pad, base), text)

    def _paint_held(self, painter: QPainter, held: Held) -> None:
        look = self.sheet.look
        color = look.up if held.qty > 0 else look.down
        self._line(painter, held.price, color, Qt.PenStyle.DashDotLine)
        y = self.sheet.y(held.price)
        width = look.width(held.text) + 2 * look.pad
        box = QRectF(8, round(y - look.tag / 2), round(width), look.tag)
        painter.fillRect(box, mix(color, look.panel, 0.22))
        painter.setPen(look.text)
        base = box.center().y() + look.ascent - look.metrics.height() / 2
        painter.drawText(QPointF(box.left() + look.pad, base), held.text)


class FillLayer(Layer):
    """All fills as triangles whose tips are at the price: buys from below, sells from above."""

    def __init__(self, sheet: Sheet, parent: QGraphicsItem) -> None:
        super().__init__(sheet, parent, 25)
        self.groups: list[Group] = []
        self.hovered: Group | None = None

    @property
    def reach(self) -> float:
        """Half the width of a triangle."""
        return max(4.0, self.sheet.look.height * 0.4)

    def paint_layer(self, painter: QPainter, exposed: QRectF) -> None:
        look, reach = self.sheet.look, self.reach
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(look.font)
        for group in self.groups:
            color = look.buy if group.side is Side.BUY else look.sell
            down = reach * 1.5 * group.side.sign
            tip = QPointF(group.x + 0.5 / self.sheet.dpr, group.y)
            edge = look.text if group is self.hovered else look.panel
            painter.setPen(QPen(edge, 1))
            painter.setBrush(color)
            painter.drawPolygon(
                QPolygonF([tip, tip + QPointF(reach, down), tip + QPointF(-reach, down)])
            )
            if len(group.fills) > 1:
                text = str(len(group.fills))
                y = tip.y() + down + (look.ascent if down > 0 else -3)
                painter.setPen(look.text)
                painter.drawText(QPointF(tip.x() - look.width(text) / 2, y), text)
