"""What stands above the ladder: instrument, padlock, sizes, how long orders live, the bracket."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.model.enums import Mode
from core.model.instruments import Instrument
from widgets.chip import Chip
from widgets.entry import StepSpinBox
from widgets.expressions import Scope
from widgets.icons import set_icon
from widgets.kinds import tif_obstacle
from widgets.ladder.intent import LIVES, Life, life_meaning
from widgets.ladder.padlock import Padlock
from widgets.modeframe import ModeWord
from widgets.presets import default_sizes, read_sizes, saved_texts, write_sizes
from widgets.sizes import SizeButtons


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
        self.life = QComboBox(self)
        self.life.setAccessibleName("How long orders of the ladder live")
        self.life.view().setAccessibleName("How long orders of the ladder live")
        for life in LIVES.values():
            self.life.addItem(life.text, life.name)
        self.bracket = QToolButton(self)
        self.bracket.setAccessibleName("Bracket of Alt+click")
        self.gear = QToolButton(self)
        set_icon(self.gear, "cog")
        self.gear.setToolTip("When a click sends, the bracket, the columns")
        self.gear.setAccessibleName("Settings of the ladder")
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
        self.life.currentIndexChanged.connect(self.changed)

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
        fields: tuple[QWidget, ...] = (size, self.first, other, self.second)
        for column, field in enumerate(fields):
            second.addWidget(field, 0, column)
        second.setColumnStretch(1, 1)
        second.setColumnStretch(3, 1)
        third = QHBoxLayout()
        third.setSpacing(4)
        for field in (self.life, self.bracket, self.flip, self.gear):
            third.addWidget(field)
        ignored = QSizePolicy.Policy.Ignored
        self.bracket.setSizePolicy(ignored, QSizePolicy.Policy.Fixed)
        third.setStretch(1, 1)
        for spin in (self.first, self.second):
            spin.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            spin.scope_maker = self._scope
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addLayout(first)
        box.addLayout(second)
        box.addWidget(self.buttons)
        box.addLayout(third)

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

    def show_bracket(self, words: str, meaning: str) -> None:
        """Show the bracket of Alt+click: short, and whole in the tooltip."""
        if self.bracket.text() != words:
            self.bracket.setText(words)
        if self.bracket.toolTip() != meaning:
            self.bracket.setToolTip(meaning)
            self.bracket.setAccessibleDescription(meaning)

    def chosen_life(self) -> Life:
        """How long the next order lives."""
        return LIVES[self.life.currentData()]

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
            self._offer_lives(instrument)
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
        """Sizes and presets of each instrument, as exact quantities; how long orders live."""
        return {
            "sizes": dict(self._sizes),
            "presets": dict(self._presets),
            "life": self.life.currentData(),
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take back sizes and presets."""
        self._sizes = saved_texts(state, "sizes")
        self._presets = saved_texts(state, "presets")
        life = state.get("life")
        if isinstance(life, str) and life in LIVES:
            self.life.setCurrentIndex(self.life.findData(life))
        self._instrument = None

    def _offer_lives(self, instrument: Instrument) -> None:
        """Grey what the instrument does not take; a choice that it has not gives way."""
        model = self.life.model()
        assert isinstance(model, QStandardItemModel)
        first = -1
        for row, life in enumerate(LIVES.values()):
            wrong = tif_obstacle(life.tif, instrument)
            model.item(row).setEnabled(not wrong)
            tip = wrong or life_meaning(life)
            self.life.setItemData(row, tip, Qt.ItemDataRole.ToolTipRole)
            first = row if first < 0 and not wrong else first
        if tif_obstacle(self.chosen_life().tif, instrument) and first >= 0:
            self.life.setCurrentIndex(first)

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
