"""The chart's view: panes, axes and layers in place, repainted no more than needed."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont, QResizeEvent
from PySide6.QtWidgets import QWidget

from widgets.chart.axes import PriceAxis, TimeAxis, VolumeAxis
from widgets.chart.gaplayer import GapLayer
from widgets.chart.layers import BarsLayer, CurveLayer, GridLayer, Layer, VolumeLayer
from widgets.chart.look import Look
from widgets.chart.overlay import CrossLayer, LegendLayer
from widgets.chart.sheet import Sheet
from widgets.chart.studies import Studies
from widgets.chart.tradelayers import FillLayer, OrderLayer

_VOLUME_SHARE = 0.2
_LEAST_FOR_VOLUME = 11
"""A chart lower than this many lines of text shows no volume."""


class Pane(pg.ViewBox):
    """A clipped area that knows the range it shows, so that pyqtgraph items can be put on it."""

    def __init__(self) -> None:
        super().__init__(enableMouse=False, enableMenu=False, border=None)
        self.disableAutoRange()
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)


class ChartPlot(pg.GraphicsView):
    """Price pane over volume pane, the price axis right, the time axis below.

    Attributes:
        sheet: what is shown; change it, then call `redraw`.
        studies: running sums behind the curves.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, useOpenGL=False)
        self.setAntialiasing(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(160, 110)
        self.sheet = sheet = Sheet(Look(self.font()))
        self.studies = Studies()
        self.price_pane, self.volume_pane = Pane(), Pane()
        self.price_axis, self.volume_axis = PriceAxis(sheet), VolumeAxis(sheet)
        self.time_axis = TimeAxis(sheet)
        for item in (
            self.price_pane,
            self.volume_pane,
            self.price_axis,
            self.volume_axis,
            self.time_axis,
        ):
            self.scene().addItem(item)
        pane = self.price_pane
        self.grids = (GridLayer(sheet, pane, True), GridLayer(sheet, self.volume_pane, False))
        self.gaps = (GapLayer(sheet, pane, True), GapLayer(sheet, self.volume_pane, False))
        self.bars = BarsLayer(sheet, pane)
        self.volume = VolumeLayer(sheet, self.volume_pane)
        self.vwap = CurveLayer(sheet, pane, self.studies.vwap, lambda: self.sheet.look.vwap)
        self.sma = CurveLayer(sheet, pane, self.studies.sma, lambda: self.sheet.look.sma)
        self.fill_layer = FillLayer(sheet, pane)
        self.orders = OrderLayer(sheet, pane)
        self.legend = LegendLayer(sheet, pane)
        self.crosses = (CrossLayer(sheet, pane), CrossLayer(sheet, self.volume_pane))
        for curve in (self.vwap, self.sma):
            curve.setVisible(False)
        self.setBackground(sheet.look.panel)

    # -- for the panel -----------------------------------------------------------------------

    def redraw(self) -> None:
        """Everything may have moved: fit the prices, place the lines, repaint all."""
        sheet = self.sheet
        sheet.fit()
        if self.price_axis.wanted_width() != self.price_axis.size().width():
            self._arrange()
            sheet.fit()
        sheet.place_lines()
        window = sheet.window
        for pane, low, high in (
            (self.price_pane, sheet.low, sheet.high),
            (self.volume_pane, 0, sheet.top_volume),
        ):
            pane.setRange(
                xRange=(window.left, window.right), yRange=(low, high), padding=0, update=False
            )
        self.viewport().update()

    def redraw_last(self) -> None:
        """Only the forming bar changed: repaint its strip, or all when the prices must refit."""
        sheet = self.sheet
        top = sheet.top_volume
        if sheet.fit() or sheet.top_volume != top or sheet.series is None:
            self.redraw()
            return
        window = sheet.window
        rows = sheet.slice()
        step = rows.step if rows is not None else 1
        x = window.x(sheet.series.span - 1)
        reach = window.pitch * (step + 1) + 2
        strip = QRectF(x - reach, 0, 2 * reach, max(sheet.height, self.height()))
        for layer in (self.bars, self.volume, self.vwap, self.sma):
            if layer.isVisible():
                layer.update(strip)

    def set_look(self, font: QFont) -> None:
        """The theme or the font changed."""
        self.sheet.look = Look(font)
        self.price_axis.forget_width()
        self.setBackground(self.sheet.look.panel)
        self._arrange()
        self.redraw()

    # -- places ------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if event is not None and hasattr(self, "crosses"):
            self._arrange()
            self.redraw()

    def _arrange(self) -> None:
        sheet = self.sheet
        sheet.dpr = self.devicePixelRatioF()
        width, height = self.viewport().width(), self.viewport().height()
        axis, foot = self.price_axis.wanted_width(), self.time_axis.wanted_height()
        plot = max(width - axis, 20)
        inside = max(height - foot, 20)
        low = inside < _LEAST_FOR_VOLUME * sheet.look.height
        volume = 0 if low else round(inside * _VOLUME_SHARE)
        sheet.height = inside - volume
        sheet.window.set_width(plot)
        self.price_pane.setGeometry(QRectF(0, 0, plot, sheet.height))
        self.price_axis.setGeometry(QRectF(plot, 0, axis, sheet.height))
        self.volume_pane.setGeometry(QRectF(0, sheet.height, plot, volume))
        self.volume_axis.setGeometry(QRectF(plot, sheet.height, axis, volume))
        self.time_axis.setGeometry(QRectF(0, inside, width, foot))
        self.volume_pane.setVisible(volume > 0)
        self.volume_axis.setVisible(volume > 0)
        for layer in self._price_layers():
            layer.set_size(plot, sheet.height)
        for layer in (self.grids[1], self.gaps[1], self.volume, self.crosses[1]):
            layer.set_size(plot, volume)

    def _price_layers(self) -> tuple[Layer, ...]:
        return (
            self.grids[0],
            self.gaps[0],
            self.bars,
            self.vwap,
            self.sma,
            self.fill_layer,
            self.orders,
            self.legend,
            self.crosses[0],
        )
