"""Paper, replay or live: a coloured frame and the word, the same in every trading panel."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from core.model.enums import Mode
from widgets.colors import readable_on
from widgets.theme import tokens
from widgets.words import NOTHING

THIN = 2
"""Width of the frame in logical pixels."""

THICK = 5
"""Width of the frame while clicks send orders."""


def mode_color(mode: Mode | None) -> QColor:
    """The colour of a mode in the theme in force; of one not known yet, that of no mode."""
    t = tokens()
    return {Mode.PAPER: t.paper, Mode.REPLAY: t.replay, Mode.LIVE: t.live, None: t.faint}[mode]


def mode_word(mode: Mode | None) -> str:
    """PAPER, REPLAY or LIVE; a dash while the engine has not said it."""
    return NOTHING if mode is None else mode.value.upper()


class ModeFrame(QWidget):
    """A box around a panel's contents with a border in the mode's colour.

    The border is always there; it is thick while `armed`. Lay the contents out in `body`.
    """

    def __init__(self, mode: Mode | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.mode = mode
        self.armed = False
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(THICK + 1, THICK + 1, THICK + 1, THICK + 1)
        self.body.setSpacing(4)

    def set_mode(self, mode: Mode | None) -> None:
        """What the money is."""
        if mode is not self.mode:
            self.mode = mode
            self.update()

    def set_armed(self, armed: bool) -> None:
        """Do clicks send orders?"""
        if armed is not self.armed:
            self.armed = armed
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        width = THICK if self.armed else THIN
        color = mode_color(self.mode)
        w, h = self.width(), self.height()
        for x, y, wide, high in (
            (0, 0, w, width),
            (0, h - width, w, width),
            (0, 0, width, h),
            (w - width, 0, width, h),
        ):
            painter.fillRect(x, y, wide, high, color)
        painter.end()


class ModeWord(QWidget):
    """The mode as a word on its colour: PAPER, REPLAY, LIVE."""

    def __init__(self, mode: Mode | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.mode = mode
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.set_mode(mode)

    def set_mode(self, mode: Mode | None) -> None:
        """What the money is."""
        self.mode = mode
        self.setAccessibleName(f"Mode {mode_word(mode)}")
        self.setToolTip(
            {
                Mode.PAPER: "Paper: simulated money on a simulated market.",
                Mode.REPLAY: "Replay: simulated money on a recorded market.",
                Mode.LIVE: "Live: real money.",
                None: "The engine has not said yet what money this is.",
            }[mode]
        )
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """The word with a little room."""
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance("REPLAY") + 20, metrics.height() + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = mode_color(self.mode)
        box = QRectF(self.rect())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawRoundedRect(box, 3, 3)
        font = QFont(self.font())
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(readable_on(color, QColor("white"), QColor("black")))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, mode_word(self.mode))
        painter.end()
