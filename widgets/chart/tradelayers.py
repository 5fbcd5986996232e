"""The chart's layers that show what is ours: orders, position, fills; and the last price."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem

from core.model.enums import Side
from widgets.chart.chips import Box, Chip, Room, place_chips
from widgets.chart.fills import Group
from widgets.chart.layers import Layer
from widgets.chart.marks import Mark, Stage
from widgets.chart.sheet import Sheet
from widgets.colors import mix


class Held(NamedTuple):
    """The position's line: average price in ticks, signed lots, and its words."""

    price: float
    qty: int
    text: str


class Drag(NamedTuple):
    """Orders being dragged: where they would drop and what that means."""

    mark: Mark
    price: int
    text: str


class OrderLayer(Layer):
    """Order lines with chips, the position's average, the last price.

    Attributes:
        marks: the working orders.
        chips: where their chips were last painted.
        drag: the orders being dragged.
        taken: where no label may stand, for the box with a bar's numbers is there.
    """

    def __init__(self, sheet: Sheet, parent: QGraphicsItem) -> None:
        super().__init__(sheet, parent, 36)
        self.marks: list[Mark] = []
        self.chips: list[Chip] = []
        self.drag: Drag | None = None
        self.held: Held | None = None
        self.last: tuple[int, QColor] | None = None
        self.hovered = ""
        self.taken: Box | None = None
        self._middle: float | None = None
        self._placed: tuple[object, ...] = ()

    def set_last(self, last: tuple[int, QColor]) -> None:
        """Show the last price in this colour; only the strips of both lines are repainted."""
        if last == self.last:
            return
        for known in (self.last, last):
            if known is not None:
                y = self.sheet.y(known[0])
                self.update(QRectF(0, y - 2, self._rect.width(), 4))
        self.last = last

    def keep_clear(self, box: QRectF) -> None:
        """Let no label stand here."""
        taken = Box(*box.getRect())
        if taken != self.taken:
            self.taken = taken
            before = self.chips
            self.place()
            if self.chips != before or self.held is not None:
                self.update()

    def place(self) -> None:
        """Work out where the chips stand, if anything moved."""
        sheet, look, rect = self.sheet, self.sheet.look, self._rect
        taken = [self.taken] if self.taken is not None else []
        held = self._held_box(taken)
        if held is not None:
            taken.append(held)
        own = [sheet.y(mark.price) for mark in self.marks]
        middle = sheet.y(self.last[0]) if self.last is not None else sum(own) / max(len(own), 1)
        if self._middle is None or abs(middle - self._middle) > look.tag:
            self._middle = middle  # labels do not follow each tick
        room = Room(rect.width() - 8, sheet.height, self._middle, tuple(taken))
        placed = (self.marks, room, sheet.low, sheet.high, look)
        if placed != self._placed:
            self._placed = placed
            self.chips = place_chips(self.marks, sheet.y, look.width, room, look.tag, look.pad)

    def paint_layer(self, painter: QPainter, exposed: QRectF) -> None:
        sheet, look, width = self.sheet, self.sheet.look, self._rect.width()
        painter.setFont(look.font)
        self.place()
        if self.last is not None:
            price, color = self.last
            self._line(painter, price, color, Qt.PenStyle.DotLine)
        if self.held is not None:
            color = look.up if self.held.qty > 0 else look.down
            self._line(painter, self.held.price, color, Qt.PenStyle.DashDotLine)
        for chip in self.chips:  # all lines first, so that none strikes out another's words
            self._paint_lines(painter, chip)
        if self.held is not None:
            self._paint_held(painter, self.held)
        for chip in self.chips:
            mark = chip.mark
            if mark.target and mark.target != mark.price:
                text = f"→ {sheet.text(mark.target)}"
                right = chip.x + chip.width
                self._plain_chip(painter, mark.target, text, self._color(mark), right)
        for chip in self.chips:
            if chip.width:
                self._paint_chip(painter, chip, self._color(chip.mark))
        if self.drag is not None:
            color = look.buy if self.drag.mark.side is Side.BUY else look.sell
            self._line(painter, self.drag.price, color, Qt.PenStyle.DashLine)
            self._plain_chip(painter, self.drag.price, self.drag.text, color, width - 8)

    def _color(self, mark: Mark) -> QColor:
        look = self.sheet.look
        if mark.stage is Stage.UNKNOWN:
            return look.warning
        return look.buy if mark.side is Side.BUY else look.sell

    def _paint_lines(self, painter: QPainter, chip: Chip) -> None:
        mark, color = chip.mark, self._color(chip.mark)
        steady = mark.stage is Stage.WORKING
        style = Qt.PenStyle.SolidLine if steady else Qt.PenStyle.DashLine
        self._line(painter, mark.price, color, style)
        if mark.target and mark.target != mark.price:
            self._line(painter, mark.target, color, Qt.PenStyle.DashLine)
        if chip.beside:
            x = round(chip.x + chip.width) - 0.5
            painter.setPen(QPen(color, 1))
            painter.drawLine(QPointF(x, chip.line), QPointF(x, chip.y + chip.height / 2))

    def _line(self, painter: QPainter, price: float, color: QColor, style: Qt.PenStyle) -> None:
        sheet = self.sheet
        y = (np.floor(sheet.y(price) * sheet.dpr) + 0.5) / sheet.dpr
        if not 0 <= y <= sheet.height:
            return
        pen = QPen(color, 1, style)
        pen.setCosmetic(True)
        painter.setPen(pen)
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

    def _held_box(self, taken: list[Box]) -> Box | None:
        """Where the position's words stand: at its line, below what is taken."""
        if self.held is None:
            return None
        look, y = self.sheet.look, self.sheet.y(self.held.price)
        if not 0 <= y <= self.sheet.height:
            return None
        top = y - look.tag / 2
        for box in taken:
            if top < box.y + box.height and box.x < 8 + look.width(self.held.text):
                top = box.y + box.height + 1
        return Box(8, round(top), round(look.width(self.held.text) + 2 * look.pad), look.tag)

    def _paint_held(self, painter: QPainter, held: Held) -> None:
        look = self.sheet.look
        place = self._held_box([self.taken] if self.taken is not None else [])
        if place is None:
            return
        color = look.up if held.qty > 0 else look.down
        box = QRectF(*place)
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
