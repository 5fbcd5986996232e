"""What stands below the ladder: position and profit, for a while a hint; the cancel button."""

from __future__ import annotations

from decimal import Decimal

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget
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

    def show_hint(self, sentence: str, now: int) -> None:
        """Show a sentence for a few seconds from `now` (ns)."""
        self._hint_until = now + HINT_TIME
        first, rest = self._two_lines(sentence)
        for label, text in ((self.words, first), (self.profit, rest)):
            _write(label, text, tokens().warning)
            label.setToolTip(sentence)

    def _two_lines(self, sentence: str) -> tuple[str, str]:
        """A sentence on both lines: as many words as there is room for on the first."""
        metrics, room = self.words.fontMetrics(), self.words.width() - 4
        words = sentence.split(" ")
        for count in range(len(words), 0, -1):
            first = " ".join(words[:count])
            if metrics.horizontalAdvance(first) <= room:
                return first, " ".join(words[count:])
        return sentence, ""

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
        if now < self._hint_until:
            return
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


def _write(label: QElidingLabel, text: str, color: QColor) -> None:
    if label.text() != text:
        label.setText(text)
    if label.toolTip() != text:
        label.setToolTip(text)
    if label.palette().color(QPalette.ColorRole.WindowText) != color:
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.WindowText, color)
        label.setPalette(palette)
