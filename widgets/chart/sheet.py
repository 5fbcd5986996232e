"""What the chart's layers read when they paint: one place, written once a frame."""

from __future__ import annotations

from enum import Enum

import numpy as np

from core.model.instruments import Instrument
from widgets.chart.look import Look
from widgets.chart.series import Series, Slice
from widgets.chart.ticks import TimeTick, price_ticks, time_ticks
from widgets.chart.window import Window
from widgets.words import format_price

_PRICES_KEPT = 5_000


class Kind(Enum):
    """How bars are drawn."""

    CANDLES = "candles"
    BARS = "bars"
    LINE = "line"


class Edge(Enum):
    """What is known of the time before the oldest bar; the value is what the trader reads."""

    UNKNOWN = ""
    WAITING = "waiting for bars…"
    LOADING = "loading older bars…"
    CUT_OFF = "older bars not loaded: no connection"
    END = "no older data"


class Sheet:
    """The chart's state as drawn.

    Attributes:
        low, high: prices in ticks at the bottom and the top of the price pane.
        auto: the price axis follows the bars in view.
        height: height of the price pane in pixels.
        dpr: device pixels of one logical pixel.
        grey: prices are not to be trusted (stale, disconnected): drawn without colour.
        edge: what is left of the oldest bar.
    """

    def __init__(self, look: Look) -> None:
        self.look = look
        self.series: Series | None = None
        self.window = Window()
        self.instrument: Instrument | None = None
        self.kind = Kind.CANDLES
        self.low, self.high = 0.0, 1.0
        self.auto = True
        self.height = 100.0
        self.dpr = 1.0
        self.grey = False
        self.edge = Edge.UNKNOWN
        self.top_volume = 1
        self.price_ticks: list[int] = []
        self.time_ticks: list[TimeTick] = []
        self._texts: dict[int, str] = {}

    # -- pixels ------------------------------------------------------------------------------

    def y(self, price: float) -> float:
        """Pixel of a price in ticks."""
        return (self.high - price) / (self.high - self.low) * self.height

    def price_at(self, y: float) -> int:
        """The nearest price in ticks under a pixel."""
        return round(self.high - y / self.height * (self.high - self.low))

    def slice(self) -> Slice | None:
        """The visible bars, at most one a device pixel."""
        if self.series is None:
            return None
        w = self.window
        return self.series.visible(w.left, w.right, max(int(w.width * self.dpr), 1))

    def text(self, ticks: int) -> str:
        """A price as text."""
        known = self._texts.get(ticks)
        if known is None:
            if self.instrument is None:
                return ""
            if len(self._texts) > _PRICES_KEPT:
                self._texts.clear()
            known = self._texts[ticks] = format_price(ticks, self.instrument)
        return known

    def nothing_at(self, x: float) -> str:
        """Why there is no bar at a place, in words; empty where that needs no words."""
        if self.series is None or not len(self.series):
            return ""
        if x < -0.5:
            return self.edge.value
        gap = self.series.gap_at(x)
        return gap.words() if gap is not None else ""

    def set_instrument(self, instrument: Instrument | None) -> None:
        """Prices are of this instrument from now on."""
        if instrument != self.instrument:
            self.instrument = instrument
            self._texts.clear()

    # -- once a frame ------------------------------------------------------------------------

    def fit(self) -> bool:
        """Fit the price axis to the visible bars; True when it changed."""
        rows = self.slice()
        if rows is None or not len(rows):
            return False
        self.top_volume = max(int(rows.volume.max()), 1)
        if not self.auto:
            return False
        low, high = int(rows.low.min()), int(rows.high.max())
        # room below, and above for the box with the bar's numbers
        inside = max(self.height - self.look.height * 2.6, self.height * 0.4)
        span = max(high - low, 2) / inside * self.height
        bottom = low - (span - max(high - low, 2)) * 0.3
        changed = (bottom, bottom + span) != (self.low, self.high)
        self.low, self.high = bottom, bottom + span
        return changed

    def scale(self, factor: float, y: float) -> None:
        """Stretch the price axis about a pixel; it no longer follows the bars."""
        anchor = self.high - y / self.height * (self.high - self.low)
        span = min(max((self.high - self.low) / factor, 2.0), 1e12)
        self.high = anchor + y / self.height * span
        self.low = self.high - span
        self.auto = False

    def shift(self, pixels: float) -> None:
        """Move the price axis down by so many pixels; it no longer follows the bars."""
        move = pixels / self.height * (self.high - self.low)
        self.low, self.high, self.auto = self.low + move, self.high + move, False

    def place_lines(self) -> None:
        """Work out where the lines of the grid stand."""
        look, instrument = self.look, self.instrument
        if instrument is None or self.series is None:
            self.price_ticks, self.time_ticks = [], []
            return
        room = look.height * 2.4
        self.price_ticks = price_ticks(self.low, self.high, self.height, room, instrument.tick)
        w = self.window
        room = look.width("00:00:00") * 1.7
        self.time_ticks = time_ticks(self.series, w.left, w.right, w.width / room)

    def device(self, value: np.ndarray) -> np.ndarray:
        """Logical pixels as whole device pixels."""
        return np.floor(value * self.dpr + 0.5)
