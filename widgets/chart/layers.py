"""The chart's layers that show the market: grid, bars, volume, curves.

Each paints in the pixels of its pane, from whole device pixels, so that candles are crisp at any
scale; only what lies in the exposed strip is drawn.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from widgets.chart.prims import draw_lines, draw_rects
from widgets.chart.series import Slice
from widgets.chart.sheet import Kind, Sheet

SMOOTH = 3_000
"""Most points of a curve that is drawn smooth; above, it is drawn plain."""


class Layer(QGraphicsItem):
    """One layer of a pane: draws itself in `paint_layer`, in the pane's pixels."""

    def __init__(self, sheet: Sheet, parent: QGraphicsItem, z: float) -> None:
        super().__init__(parent)
        self.sheet = sheet
        self._rect = QRectF()
        self.setZValue(z)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def set_size(self, width: float, height: float) -> None:
        """Fill a pane of this size."""
        self.prepareGeometryChange()
        self._rect = QRectF(0, 0, width, height)

    def boundingRect(self) -> QRectF:
        return self._rect

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self.paint_layer(painter, option.exposedRect)

    def paint_layer(self, painter: QPainter, exposed: QRectF) -> None:
        """Draw what lies in `exposed`."""
        raise TypeError(f"{type(self).__name__} draws nothing")


class GridLayer(Layer):
    """Lines at round prices and times; days are stronger."""

    def __init__(self, sheet: Sheet, parent: QGraphicsItem, prices: bool) -> None:
        super().__init__(sheet, parent, 0)
        self._prices = prices

    def paint_layer(self, painter: QPainter, exposed: QRectF) -> None:
        sheet, rect = self.sheet, self._rect
        unit = 1 / sheet.dpr
        if self._prices:
            for price in sheet.price_ticks:
                y = np.floor(sheet.y(price) * sheet.dpr) * unit
                painter.fillRect(QRectF(0, y, rect.width(), unit), sheet.look.grid)
        for tick in sheet.time_ticks:
            x = np.floor(sheet.window.x(tick.x) * sheet.dpr) * unit
            color = sheet.look.strong_grid if tick.strong else sheet.look.grid
            painter.fillRect(QRectF(x, 0, unit, rect.height()), color)


class BarsLayer(Layer):
    """Candles (rising ones hollow), OHLC bars, or the line of closes."""

    def __init__(self, sheet: Sheet, parent: QGraphicsItem) -> None:
        super().__init__(sheet, parent, 10)

    def paint_layer(self, painter: QPainter, exposed: QRectF) -> None:
        rows = _exposed(self.sheet, exposed)
        if rows is None:
            return
        if self.sheet.kind is Kind.LINE:
            self._paint_line(painter, rows)
            return
        sheet = self.sheet
        unit = 1 / sheet.dpr
        slot = sheet.window.pitch * rows.step * sheet.dpr
        middle = _device_x(sheet, rows)
        top, bottom = _device_y(sheet, rows.high), _device_y(sheet, rows.low)
        wick = max(1.0, round(slot / 14))
        wicks = np.column_stack(
            (middle - wick // 2, top, np.full(len(middle), wick), bottom - top + 1)
        )
        rising = rows.close >= rows.open
        up, down, hollow = self._colors()
        bodies = fills = None
        if sheet.kind is Kind.BARS and slot >= 4:
            reach = max(1.0, np.floor(slot * 0.36))
            left = np.column_stack(
                (
                    middle - reach,
                    _device_y(sheet, rows.open),
                    np.full(len(middle), reach),
                    wicks[:, 2],
                )
            )
            right = left.copy()
            right[:, 0] = middle
            right[:, 1] = _device_y(sheet, rows.close)
            right[:, 2] += 1
            wicks = np.concatenate((wicks, left, right))
            rising = np.concatenate((rising, rising, rising))
        elif sheet.kind is Kind.CANDLES and slot >= 2.5:
            bodies, fills = _bodies(sheet, rows, middle, slot)
        painter.setPen(Qt.PenStyle.NoPen)
        for color, which in ((up, rising), (down, ~rising)):
            painter.setBrush(color)
            draw_rects(painter, wicks[which] * unit)
            if bodies is not None:
                draw_rects(painter, bodies[which] * unit)
        if fills is not None:
            painter.setBrush(hollow)
            draw_rects(painter, fills[rising[: len(fills)]] * unit)

    def _colors(self) -> tuple[QColor, QColor, QColor]:
        look = self.sheet.look
        if self.sheet.grey:
            return look.grey, look.grey, look.grey_body
        return look.up, look.down, look.up_body

    def _paint_line(self, painter: QPainter, rows: Slice) -> None:
        sheet = self.sheet
        if rows.step == 1:
            x, value, part = rows.x, rows.close.astype(np.float64), rows.part
        else:  # a column of several bars is drawn from where it opens to where it closes
            x, part = np.repeat(rows.x, 4), np.repeat(rows.part, 4)
            value = np.column_stack((rows.open, rows.high, rows.low, rows.close)).ravel()
        color = sheet.look.grey if sheet.grey else sheet.look.curve
        draw_curve(painter, sheet, x, value, part, color)


class VolumeLayer(Layer):
    """Volume of each bar from the bottom of its own pane."""

    def __init__(self, sheet: Sheet, parent: QGraphicsItem) -> None:
        super().__init__(sheet, parent, 10)

    def paint_layer(self, painter: QPainter, exposed: QRectF) -> None:
        rows = _exposed(self.sheet, exposed)
        if rows is None:
            return
        sheet, look = self.sheet, self.sheet.look
        unit = 1 / sheet.dpr
        slot = sheet.window.pitch * rows.step * sheet.dpr
        body = _body(slot)
        floor = np.floor(self._rect.height() * sheet.dpr)
        tall = np.ceil(rows.volume / sheet.top_volume * (floor - look.height * 0.5 * sheet.dpr))
        left = _device_x(sheet, rows) - body // 2
        bars = np.column_stack((left, floor - tall, np.full(len(left), body), tall)) * unit
        rising = rows.close >= rows.open
        painter.setPen(Qt.PenStyle.NoPen)
        up = look.volume_grey if sheet.grey else look.volume_up
        down = look.volume_grey if sheet.grey else look.volume_down
        for color, which in ((up, rising), (down, ~rising)):
            painter.setBrush(color)
            draw_rects(painter, bars[which])


class CurveLayer(Layer):
    """One study's line over the bars; `values` gives it for bars from one index to another."""

    def __init__(
        self,
        sheet: Sheet,
        parent: QGraphicsItem,
        values: Callable[[int, int], np.ndarray],
        color: Callable[[], QColor],
    ) -> None:
        super().__init__(sheet, parent, 20)
        self._values = values
        self._color = color

    def paint_layer(self, painter: QPainter, exposed: QRectF) -> None:
        rows = _exposed(self.sheet, exposed)
        if rows is None or not len(rows):
            return
        first = int(rows.bar[0])
        value = self._values(first, int(rows.bar[-1]) + 1)[rows.bar - first]
        good = np.isfinite(value)
        x, value, part = rows.x[good], value[good], rows.part[good]
        draw_curve(painter, self.sheet, x, value, part, self._color())


def draw_curve(
    painter: QPainter,
    sheet: Sheet,
    x: np.ndarray,
    value: np.ndarray,
    part: np.ndarray,
    color: QColor,
) -> None:
    """A line through points at places and prices in ticks; points of two parts are not joined."""
    if len(x) < 2:
        return
    px = sheet.window.width - (sheet.window.right - x) * sheet.window.pitch
    py = (sheet.high - value) / (sheet.high - sheet.low) * sheet.height
    smooth = len(x) <= SMOOTH
    pen = QPen(color, 1.5 if smooth else 1)
    pen.setCosmetic(True)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, smooth)
    painter.setPen(pen)
    lines = np.column_stack((px[:-1], py[:-1], px[1:], py[1:]))
    if part[0] != part[-1]:
        lines = lines[part[:-1] == part[1:]]
    draw_lines(painter, lines)


def _exposed(sheet: Sheet, exposed: QRectF) -> Slice | None:
    """The visible rows that touch a strip, with one more at each side."""
    rows = sheet.slice()
    if rows is None or not len(rows):
        return None
    window = sheet.window
    first = int(np.searchsorted(rows.x, window.index(exposed.left()) - rows.step, "left")) - 1
    last = int(np.searchsorted(rows.x, window.index(exposed.right()) + rows.step, "right")) + 1
    first = max(first, 0)
    if first == 0 and last >= len(rows):
        return rows
    return rows.rows(first, last)


def _device_x(sheet: Sheet, rows: Slice) -> np.ndarray:
    w = sheet.window
    return np.floor((w.width - (w.right - rows.x) * w.pitch) * sheet.dpr)


def _device_y(sheet: Sheet, price: np.ndarray) -> np.ndarray:
    scale = sheet.height / (sheet.high - sheet.low) * sheet.dpr
    return np.floor((sheet.high - price) * scale)


def _body(slot: float) -> float:
    """Width of a body in device pixels: odd, so that the wick stands in its middle."""
    width = float(np.floor(slot * 0.74)) if slot >= 2.5 else 1.0
    return max(width - 1 if width % 2 == 0 else width, 1.0)


def _bodies(
    sheet: Sheet, rows: Slice, middle: np.ndarray, slot: float
) -> tuple[np.ndarray, np.ndarray | None]:
    """Bodies of the candles, and the inside of those wide enough to be hollow."""
    width = _body(slot)
    top = _device_y(sheet, np.maximum(rows.open, rows.close))
    bottom = _device_y(sheet, np.minimum(rows.open, rows.close))
    bodies = np.column_stack(
        (middle - width // 2, top, np.full(len(middle), width), bottom - top + 1)
    )
    if width < 3:
        return bodies, None
    edge = max(1.0, round(slot / 14))
    inner = bodies + np.array([edge, edge, -2 * edge, -2 * edge])
    inner[:, 3] = np.maximum(inner[:, 3], 0)
    return bodies, inner
