"""The chart's fonts, colours and measures, worked out once from the theme and font in force."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPen

from widgets.colors import mix, readable_on
from widgets.theme import tokens


class Look:
    """What painting needs, ready made. Sizes are logical pixels."""

    def __init__(self, font: QFont) -> None:
        self.font = QFont(font)
        self.font.setFeature(QFont.Tag("tnum"), 1)
        if font.pointSizeF() > 0:
            self.font.setPointSizeF(max(font.pointSizeF() * 0.92, 6.0))
        self.bold = QFont(self.font)
        self.bold.setBold(True)
        self.large = QFont(font)
        if font.pointSizeF() > 0:
            self.large.setPointSizeF(font.pointSizeF() * 1.25)
        self.metrics = QFontMetricsF(self.font)
        self.bold_metrics = QFontMetricsF(self.bold)
        self.height = round(self.metrics.height())
        self.ascent = self.metrics.ascent()
        self.tag = self.height + 4
        self.pad = round(self.metrics.horizontalAdvance("0") * 0.8)
        self._colors()

    def width(self, text: str) -> float:
        """How wide a text is."""
        return self.metrics.horizontalAdvance(text)

    def _colors(self) -> None:
        t = tokens()
        self.panel, self.text, self.dim, self.accent = t.panel, t.text, t.dim, t.accent
        self.raised, self.line, self.faint, self.warning = t.raised, t.line, t.faint, t.warning
        self.up, self.down = t.up, t.down
        self.grid = mix(t.line, t.panel, 0.5 if t.dark else 0.55)
        self.strong_grid = mix(t.line, t.panel, 1.0)
        self.up_body = mix(t.up, t.panel, 0.16)
        self.volume_up = mix(t.up, t.panel, 0.42)
        self.volume_down = mix(t.down, t.panel, 0.42)
        self.grey = mix(t.dim, t.panel, 0.75)
        self.grey_body = mix(t.dim, t.panel, 0.12)
        self.volume_grey = mix(t.dim, t.panel, 0.3)
        self.hatch = mix(t.dim, t.panel, 0.42 if t.dark else 0.5)
        self.hatch_floor = mix(t.dim, t.panel, 0.07)
        self.curve = t.accent
        self.vwap = t.replay
        self.sma = t.warning
        self.buy, self.sell = t.bid, t.ask
        self.cross = QPen(mix(t.dim, t.panel, 0.8), 1, Qt.PenStyle.DashLine)
        self.cross.setCosmetic(True)
        self.cross_tag = mix(t.text, t.panel, 0.22)

    def on(self, background: QColor) -> QColor:
        """A text colour that reads on `background`."""
        return readable_on(background, QColor("white"), QColor("black"))
