"""What stands above and below the ladder: instrument, padlock, sizes; position and cancel."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from core.client.stores import Stores
from core.model.enums import Mode
from core.model.instruments import Instrument
from widgets.chip import Chip
from widgets.entry import StepSpinBox
from widgets.expressions import Scope
from widgets.ladder.padlock import Padlock
from widgets.modeframe import ModeWord
from widgets.presets import default_sizes, read_sizes, saved_texts, write_sizes
from widgets.sizes import SizeButtons
from widgets.theme import tokens
from widgets.words import format_average, format_money, format_qty

HINT_TIME = 6_000_000_000
"""How long (ns) a hint stands in place of the position."""


class TopBar(QWidget):
    """Instrument, mode, padlock, the two sizes and their presets.

    Sizes and presets are remembered for each instrument.

    Signals:
        changed(): something that is saved has changed.
    """

    changed = Signal()

    def __init__(self, mode: Mode | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.symbol = QLabel("—", self)
        self.symbol.setAccessibleName("Instrument")
        self.word = ModeWord(mode, self)
        self.padlock = Padlock(mode, self)
        self.first = StepSpinBox("Size", self)
        self.second = StepSpinBox("Second size, for the right button", self)
        self.flip = Chip("&Flip", self)
        self.flip.setAccessibleName("Flip: orders may be dragged across the spread")
        self.flip.setToolTip(
            "Flip: while one-click is on, an order may be dragged across the spread,"
            " where it trades at once."
        )
        self.buttons = SizeButtons(parent=self)
        self._instrument: Instrument | None = None
        self._sizes: dict[str, list[str]] = {}
        self._presets: dict[str, list[str]] = {}
        self._offered = False
        self._build()
        self.first.changed.connect(self._sizes_changed)
        self.second.changed.connect(self._sizes_changed)
        self.buttons.chosen.connect(self.first.set_steps)
        self.buttons.subtracted.connect(self._subtract)
        self.buttons.stored.connect(self._store)

    def _build(self) -> None:
        font = QFont(self.symbol.font())
        font.setBold(True)
        font.setPointSizeF(max(font.pointSizeF(), 1.0) * 1.15)
        self.symbol.setFont(font)
        first = QHBoxLayout()
        first.setSpacing(6)
        for widget in (self.symbol, self.word):
            first.addWidget(widget)
        first.addStretch(1)
        first.addWidget(self.padlock)
        second = QGridLayout()
        second.setSpacing(4)
        size, other = QLabel("Si&ze", self), QLabel("&2nd", self)
        size.setBuddy(self.first)
        other.setBuddy(self.second)
        fields: tuple[QWidget, ...] = (size, self.first, other, self.second, self.flip)
        for column, field in enumerate(fields):
            second.addWidget(field, 0, column)
        second.setColumnStretch(1, 1)
        second.setColumnStretch(3, 1)
        for spin in (self.first, self.second):
            spin.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            spin.scope_maker = self._scope
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addLayout(first)
        box.addLayout(second)
        box.addWidget(self.buttons)

    # -- shown -------------------------------------------------------------------------------

    def show_state(
        self, mode: Mode | None, instrument: Instrument | None, account: str, armed: bool
    ) -> None:
        """Show instrument, mode and lock."""
        text = instrument.symbol if instrument is not None else "—"
        if self.symbol.text() != text:
            self.symbol.setText(text)
        tip = f"{instrument.id}, {instrument.name}, account {account}" if instrument else ""
        if self.symbol.toolTip() != tip:
            self.symbol.setToolTip(tip)
        if self.word.mode is not mode:
            self.word.set_mode(mode)
            self.padlock.mode = mode
            self.padlock.update()
        if self.padlock.isChecked() is not armed:
            self.padlock.set_armed(armed)

    # -- sizes -------------------------------------------------------------------------------

    def size_of(self, second: bool) -> int | None:
        """The first or second size in lots; None while it is empty or wrong."""
        spin = self.second if second else self.first
        spin.settle()
        return spin.steps

    def offer_sizes(self, instrument: Instrument, price: int) -> None:
        """Fill sizes and presets for an instrument once its price (ticks) is known."""
        if instrument is not self._instrument:
            self._instrument, self._offered = None, False
            for spin in (self.first, self.second):
                spin.set_grid(instrument.lot, instrument.max_qty)
                spin.set_steps(None)
            self._instrument = instrument
        if self._offered:
            return
        key = instrument.id
        presets = read_sizes(self._presets.get(key), instrument)
        if presets is None and not price:
            return
        self._offered = True
        sizes = presets or default_sizes(instrument, price)
        self.buttons.set_sizes(sizes, instrument)
        chosen = read_sizes(self._sizes.get(key), instrument, 2) or sizes[:2]
        self.first.set_steps(chosen[0])
        self.second.set_steps(chosen[1])

    def save_state(self) -> dict[str, Any]:
        """Sizes and presets of each instrument, as exact quantities."""
        return {"sizes": dict(self._sizes), "presets": dict(self._presets)}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take back sizes and presets."""
        self._sizes = saved_texts(state, "sizes")
        self._presets = saved_texts(state, "presets")
        self._instrument = None

    def _scope(self) -> Scope:
        assert self._instrument is not None
        return Scope(self._instrument.lot, example="0.5 or 1.5k")

    def _sizes_changed(self) -> None:
        instrument = self._instrument
        if instrument is None or not self._offered:
            return
        if self.first.steps and self.second.steps:
            chosen = write_sizes((self.first.steps, self.second.steps), instrument)
            if chosen != self._sizes.get(instrument.id):
                self._sizes[instrument.id] = chosen
                self.changed.emit()

    def _subtract(self, lots: int) -> None:
        if self.first.steps is not None:
            self.first.set_steps(max(self.first.steps - lots, 1))

    def _store(self, index: int) -> None:
        if self._instrument is None or self.first.steps is None or not self.buttons.sizes:
            return
        sizes = list(self.buttons.sizes)
        sizes[index] = self.first.steps
        self.buttons.set_sizes(sizes, self._instrument)
        self._presets[self._instrument.id] = write_sizes(sizes, self._instrument)
        self.changed.emit()


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
        _write(self.words, sentence, tokens().warning)
        _write(self.profit, "", tokens().dim)

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
        position = stores.position(account, instrument.id)
        if position is None or position.qty == 0:
            _write(self.words, "Flat", tokens().dim)
            _write(self.profit, "", tokens().dim)
            return
        profit = stores.open_profit(position)
        side = "Long" if position.qty > 0 else "Short"
        average = format_average(stores.average_price(position), instrument)
        money = format_money(profit, instrument.currency)
        gains = tokens().text if not profit else tokens().up if profit > 0 else tokens().down
        held = f"{side} {format_qty(abs(position.qty), instrument)} ø {average}"
        _write(self.words, held, tokens().text)
        _write(self.profit, money, gains)


def _write(label: QElidingLabel, text: str, color: QColor) -> None:
    if label.text() != text:
        label.setText(text)
        label.setToolTip(text)
    if label.palette().color(QPalette.ColorRole.WindowText) != color:
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.WindowText, color)
        label.setPalette(palette)
