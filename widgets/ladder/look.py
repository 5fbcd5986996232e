"""The ladder's fonts and colours, worked out once from the theme and the font in force."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPen

from widgets.colors import mix, readable_on
from widgets.ladder.picture import Stage
from widgets.theme import tokens

_WIDTHS = 20_000
_NARROWEST = 0.65
"""Letters that are drawn narrower than this are hard to read."""


class Look:
    """What painting needs, ready made.

    Attributes:
        row_height: height of a row in logical pixels.
        header: height of the header.
        digit: width of one digit.
        condensed: are the letters drawn narrower, because the ladder is narrow?
        ascent: from the top of a row down to the baseline of its text.
    """

    def __init__(self, font: QFont, condensed: bool = False) -> None:
        self.font = QFont(font)
        if condensed:
            self.font.setStretch(QFont.Stretch.SemiCondensed)
        self.font.setFeature(QFont.Tag("tnum"), 1)
        self.bold = QFont(self.font)
        self.bold.setBold(True)
        self.small = QFont(self.font)
        self.condensed = condensed
        if font.pointSizeF() > 0:
            self.small.setPointSizeF(max(font.pointSizeF() * 0.85, 6.0))
        metrics = QFontMetricsF(self.font)
        self._small_metrics = QFontMetricsF(self.small)
        self._bold_metrics = QFontMetricsF(self.bold)
        self._metrics = metrics
        self._widths: dict[str, float] = {}
        self._bold_widths: dict[str, float] = {}
        self.digit = metrics.horizontalAdvance("0")
        self.row_height = round(metrics.height()) + 3
        self.header = round(QFontMetricsF(self.small).height()) + 6
        self.ascent = (self.row_height - metrics.height()) / 2 + metrics.ascent()
        self._colors()

    def width(self, text: str, bold: bool = False) -> float:
        """How wide a text is, measured once."""
        known = self._bold_widths if bold else self._widths
        value = known.get(text)
        if value is None:
            if len(known) > _WIDTHS:
                known.clear()
            metrics = self._bold_metrics if bold else self._metrics
            value = known[text] = metrics.horizontalAdvance(text)
        return value

    def fit(self, text: str, room: float) -> tuple[str, float, float]:
        """A text of own orders in the small font within `room`: its words, their width, and how
        much narrower to draw them.

        Digits are never cut off: where all of them do not fit, ``S 0.0041 ×2`` becomes ``S…×2``.
        """
        text = text.replace(" ", "")
        wide = self._small_metrics.horizontalAdvance(text)
        if wide * _NARROWEST > room:
            first = next((at for at, letter in enumerate(text) if letter.isdigit()), 0)
            size, cross, count = text.partition("×")
            text = f"{size[:first]}…{cross}{count}"
            wide = self._small_metrics.horizontalAdvance(text)
        return text, wide, min(1.0, max(room, 1.0) / wide)

    def _colors(self) -> None:
        t = tokens()
        strong, soft = (0.42, 0.07) if t.dark else (0.30, 0.06)
        self.panel, self.text, self.dim, self.accent = t.panel, t.text, t.dim, t.accent
        self.up, self.down, self.warning = t.up, t.down, t.warning
        self.head = t.raised
        self.line = mix(t.line, t.panel, 0.55)
        self.frame = t.line
        self.price = t.raised
        self.bid_side, self.ask_side = mix(t.bid, t.panel, soft), mix(t.ask, t.panel, soft)
        self.bid_bar, self.ask_bar = mix(t.bid, t.panel, strong), mix(t.ask, t.panel, strong)
        self.best_bid, self.best_ask = mix(t.bid, t.raised, 0.55), mix(t.ask, t.raised, 0.55)
        self.volume_bar = mix(t.dim, t.panel, 0.28)
        self.poc_bar = mix(t.warning, t.panel, 0.45)
        self.stale_bar = mix(t.dim, t.panel, 0.16)
        self.stale_text = mix(t.dim, t.panel, 0.75)
        self.cursor = mix(t.accent, t.panel, 0.9)
        self.flash = t.warning
        self.prints = {
            side: [mix(color, t.panel, 1.0 - 0.82 * step / 7) for step in range(8)]
            for side, color in ((0, t.dim), (1, t.up), (2, t.down))
        }
        self.own_fill = {
            side: {
                Stage.WORKING: mix(color, t.panel, 0.92),
                Stage.HELD: mix(color, t.panel, 0.62),
                Stage.WAITING: mix(color, t.panel, 0.22),
                Stage.PENDING_REPLACE: mix(color, t.panel, 0.45),
                Stage.PENDING_CANCEL: mix(color, t.panel, 0.25),
                Stage.UNKNOWN: t.warning,
            }
            for side, color in ((1, t.bid), (2, t.ask))
        }
        self.own_pen = {
            side: {
                Stage.WORKING: QPen(Qt.PenStyle.NoPen),
                Stage.HELD: _pen(color, Qt.PenStyle.SolidLine),
                Stage.WAITING: _pen(color, Qt.PenStyle.SolidLine),
                Stage.PENDING_REPLACE: _pen(color, Qt.PenStyle.DashLine),
                Stage.PENDING_CANCEL: _pen(color, Qt.PenStyle.DashLine),
                Stage.PENDING_NEW: _pen(color, Qt.PenStyle.DotLine),
                Stage.SENT: _pen(t.dim, Qt.PenStyle.DotLine),
                Stage.TARGET: _pen(color, Qt.PenStyle.DashLine),
                Stage.UNKNOWN: QPen(Qt.PenStyle.NoPen),
            }
            for side, color in ((1, t.bid), (2, t.ask))
        }
        self.links = {1: t.bid, 2: t.ask}
        white, black = QColor("white"), QColor("black")
        self.own_text = {
            side: {
                stage: readable_on(fills.get(stage, t.panel), t.text, white, black)
                for stage in Stage
            }
            for side, fills in self.own_fill.items()
        }
        self.best_bid_text = readable_on(self.best_bid, t.text, white, black)
        self.best_ask_text = readable_on(self.best_ask, t.text, white, black)
        self.flash_text = readable_on(t.warning, t.text, black, white)


def _pen(color: QColor, style: Qt.PenStyle) -> QPen:
    pen = QPen(color, 1.2, style)
    pen.setCosmetic(True)
    return pen
