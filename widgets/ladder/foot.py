"""What stands below the ladder: position and profit, for a while a hint; the cancel button."""

from __future__ import annotations

from decimal import Decimal

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPalette, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget
from superqt import QElidingLabel

from core.client.stores import Stores
from core.model.instruments import Instrument
from widgets.theme import tokens
from widgets.words import format_average, format_money, format_qty

HINT_TIME = 6_000_000_000
"""How long (ns) a hint stands in place of the position."""


class FootBar(QWidget):
    """The position, beneath it its profit, for a while a hint instead; the button that cancels."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = QElidingLabel("", self)
        self.words.setAccessibleName("Position")
        self.profit = QElidingLabel("", self)
        self.profit.setAccessibleName("Open profit")
        self.cancel = QPushButton("Cancel 0", self)
        self.cancel.setAutoDefault(False)
        self.cancel.setEnabled(False)
        self.cancel.setAccessibleName("Cancel all orders here")
        self.hint = QLabel("", self)
        self.hint.setAccessibleName("Hint")
        self.hint.setTextFormat(Qt.TextFormat.PlainText)
        self.hint.setWordWrap(True)
        self.hint.setAutoFillBackground(True)
        self.hint.hide()
        self._sentence = ""
        self._hint_until = 0
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        lines = QVBoxLayout()
        lines.setSpacing(0)
        lines.addWidget(self.words)
        lines.addWidget(self.profit)
        box.addLayout(lines, 1)
        box.addWidget(self.cancel)
        self.hint.raise_()

    def show_hint(self, sentence: str, now: int) -> None:
        """Show a sentence for a few seconds from `now` (ns)."""
        self._hint_until = now + HINT_TIME
        self._sentence = sentence
        self._place_hint()
        self.hint.show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The hint is set anew in the other room."""
        super().resizeEvent(event)
        if not self.hint.isHidden():
            self._place_hint()

    def _place_hint(self) -> None:
        """Over the position and, when nothing works, over the button that has nothing to cancel."""
        room = QRect(self.rect())
        if self.cancel.isEnabled():
            room.setRight(self.cancel.x() - 6)
        self.hint.setGeometry(room)
        palette = QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.WindowText, tokens().warning)
        self.hint.setPalette(palette)
        self.hint.setToolTip(self._sentence)
        font, text = _fitted(self._sentence, self.font(), room)
        self.hint.setFont(font)
        self.hint.setText(text)

    def show_position(self, stores: Stores, account: str, instrument: Instrument, now: int) -> None:
        """Show what is held and how many orders work, unless a hint stands there."""
        working = len(stores.working_orders(instrument.id, account))
        text = f"Cancel {working}"
        if self.cancel.text() != text:
            self.cancel.setText(text)
            self.cancel.setEnabled(working > 0)
            plural = "" if working == 1 else "s"
            words = f"Cancel {working} order{plural} of {account} in {instrument.symbol}"
            self.cancel.setAccessibleName(words)
            self.cancel.setToolTip(words)
            if not self.hint.isHidden():
                self._place_hint()
        if now >= self._hint_until:
            self.hint.hide()
        held_now = stores.held_in(account, instrument.id)
        if not held_now:
            _write(self.words, "Flat", tokens().dim)
            _write(self.profit, "", tokens().dim)
            return
        profits = [stores.open_profit(p) for p in held_now]
        profit = None if None in profits else sum(filter(None, profits), Decimal(0))
        money = format_money(profit, instrument.currency)
        none = not profit or money.startswith("0.00")
        gains = tokens().text if none else tokens().up if profit > 0 else tokens().down
        held = " · ".join(
            f"{'Long' if p.qty > 0 else 'Short'} {format_qty(abs(p.qty), instrument)}"
            f" ø {format_average(stores.average_price(p), instrument)}"
            for p in held_now
        )
        _write(self.words, held, tokens().text)
        _write(self.profit, money, gains)


def _fitted(sentence: str, font: QFont, room: QRect) -> tuple[QFont, str]:
    """The font and the text of a sentence within `room`: smaller before it is cut."""
    small = QFont(font)
    words = sentence.split(" ")
    for count in range(len(words), 0, -1):
        text = sentence if count == len(words) else " ".join(words[:count]) + "…"
        for scale in (1.0, 0.9, 0.8):
            small.setPointSizeF(max(font.pointSizeF(), 1.0) * scale)
            if room.contains(
                QFontMetrics(small).boundingRect(room, Qt.TextFlag.TextWordWrap, text)
            ):
                return small, text
    return small, sentence


def _write(label: QElidingLabel, text: str, color: QColor) -> None:
    if label.text() != text:
        label.setText(text)
    if label.toolTip() != text:
        label.setToolTip(text)
    if label.palette().color(QPalette.ColorRole.WindowText) != color:
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.WindowText, color)
        label.setPalette(palette)
