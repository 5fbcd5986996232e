"""Time and sales of one instrument."""

from __future__ import annotations

from decimal import ROUND_CEILING
from typing import Any

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollBar,
    QVBoxLayout,
    QWidget,
)

from core.client.stores import Stores
from core.model.ids import IdMaker
from core.model.instruments import Instrument
from core.model.numbers import parse_decimal
from widgets.colors import readable_on
from widgets.panel import Panel
from widgets.tape.canvas import TapeCanvas
from widgets.tape.prints import Prints
from widgets.theme import tokens
from widgets.words import format_qty

_ASK_LARGE_EVERY = 120
"""Frames between two looks at what is usual, for the automatic threshold."""


class TapePanel(Panel):
    """Every trade of an instrument, newest on top.

    Scrolling holds the list still and counts what comes meanwhile. `ids` is not needed: this
    panel asks for nothing.
    """

    KIND = "tape"
    EVERY = 2
    TITLE = "Time and sales"

    def __init__(self, stores: Stores, ids: IdMaker, parent: QWidget | None = None) -> None:
        super().__init__(stores, parent)
        self._prints: Prints | None = None
        self._known: Instrument | None = None
        self._top = 0
        self._missed = 0
        self._frames = 0
        self._lost = 0
        self._automatic = 0
        self._shown: tuple[object, ...] = ()
        self.canvas = TapeCanvas(self)
        self.least = self._entry("Smallest size shown", "all")
        self.large = self._entry("Size from which a trade is large", "auto")
        self.bar = QScrollBar(Qt.Orientation.Vertical, self)
        self.bar.setAccessibleName("Position in the list")
        self.lost = QLabel("", self)
        self.lost.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.lost.setAutoFillBackground(True)
        self.lost.hide()
        self.badge = QPushButton("", self.canvas)
        self.badge.setAccessibleName("Show the newest trades")
        self.badge.hide()
        self._build()
        self.setFocusProxy(self.canvas)
        self.canvas.scrolled.connect(self._scroll)
        self.bar.valueChanged.connect(self._on_bar)
        self.badge.clicked.connect(self.go_live)
        self.least.editingFinished.connect(self._on_least)
        self.large.editingFinished.connect(self._on_large)

    def _build(self) -> None:
        top = QHBoxLayout()
        top.setContentsMargins(6, 3, 6, 3)
        top.setSpacing(4)
        for text, entry in (("&Min", self.least), ("&Large", self.large)):
            label = QLabel(text, self)
            label.setBuddy(entry)
            top.addWidget(label)
            top.addWidget(entry, 1)
        rows = QHBoxLayout()
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.canvas, 1)
        rows.addWidget(self.bar)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addLayout(top)
        box.addWidget(self.lost)
        box.addLayout(rows, 1)
        self._colour()

    # -- what the window calls ---------------------------------------------------------------

    def set_instrument(self, instrument: str) -> None:
        """Show another instrument's trades."""
        if instrument == self.instrument:
            return
        super().set_instrument(instrument)
        self._prints = self._known = None
        self._top = self._missed = 0
        self._shown = ()
        self.subscription_changed.emit()
        self.flush()

    def wants(self) -> dict[str, set[Any]]:
        """Trades of the instrument shown."""
        return {"trades": {self.instrument}} if self.instrument else {}

    def save_state(self) -> dict[str, Any]:
        """Both sizes, as typed."""
        return {"least": self.least.text(), "large": self.large.text()}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take back what is still understood of a saved state."""
        for entry, name in ((self.least, "least"), (self.large, "large")):
            text = state.get(name)
            if isinstance(text, str):
                entry.setText(text)
        self._apply_sizes()

    def flush(self) -> None:
        """Take in new trades; nothing is done when there are none."""
        instrument = self.stores.instruments.get(self.instrument)
        tape = self.stores.tapes.get(self.instrument)
        if instrument != self._known:
            self._known = instrument
            self._prints = Prints(instrument) if instrument is not None else None
            self._apply_sizes()
        prints = self._prints
        if prints is None or tape is None or instrument is None:
            if prints is not None and len(prints):  # a new snapshot threw the trades away
                self._prints, self._known = None, None
            name = instrument.symbol if instrument is not None else "an instrument"
            self._show(None, 0, f"Waiting for trades of {name}")
            return
        before = prints.total
        added = prints.take(tape)
        if prints.total != before + added:  # it began anew
            self._top = self._missed = 0
        elif self._top:
            self._top = min(self._top + added, len(prints))
            self._missed += added
        self._frames += 1
        if self._frames % _ASK_LARGE_EVERY == 1 or not self._automatic:
            self._automatic = prints.large()
            shown = format_qty(self._automatic, instrument)
            self.large.setPlaceholderText(f"auto {shown}")
        self._say_lost(tape.lost)
        self._show(prints, prints.total, "" if len(prints) else "No trade of this size yet")

    def go_live(self) -> None:
        """Show the newest trades again."""
        self._scroll(0)

    # -- Qt ----------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._shown = ()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.flush()

    def changeEvent(self, event: QEvent) -> None:
        """Recolour with the theme, measure again with the font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange) and (
            hasattr(self, "badge")
        ):
            self._colour()
            self.canvas.set_font_and_theme()

    # -- inside ------------------------------------------------------------------------------

    def _entry(self, name: str, hint: str) -> QLineEdit:
        entry = QLineEdit(self)
        entry.setAccessibleName(name)
        entry.setToolTip(f"{name}. Empty: {hint}.")
        entry.setPlaceholderText(hint)
        entry.setMinimumWidth(40)
        return entry

    def _show(self, prints: Prints | None, total: int, message: str) -> None:
        large = self._large_lots()
        count = len(prints) if prints is not None else 0
        key = (id(prints), total, count, self._top, large, message, self.canvas.size())
        if key == self._shown:
            return
        self._shown = key
        rows = self.canvas.rows()
        self.bar.blockSignals(True)
        self.bar.setRange(0, max(count - rows, 0))
        self.bar.setPageStep(rows)
        self.bar.setValue(self._top)
        self.bar.blockSignals(False)
        self.canvas.show_trades(prints, self._top, large, message)
        self._show_badge()

    def _show_badge(self) -> None:
        if self._top:
            self.badge.setText(f"Paused · {self._missed:,} new · &Go live")
            size = self.badge.sizeHint()
            left = max((self.canvas.width() - size.width()) // 2, 0)
            top = self.canvas.height() - size.height() - 8
            self.badge.setGeometry(left, top, min(size.width(), self.canvas.width()), size.height())
        self.badge.setVisible(self._top > 0)

    def _say_lost(self, lost: int) -> None:
        if lost != self._lost:
            self._lost = lost
            self.lost.setVisible(lost > 0)
            self.lost.setText(f"{lost:,} TRADES LOST")
            self.lost.setToolTip("The terminal was too slow for these trades; they are not shown.")

    def _scroll(self, back: int) -> None:
        count = len(self._prints) if self._prints is not None else 0
        top = min(max(back, 0), max(count - self.canvas.rows(), 0))
        if top == 0:
            self._missed = 0
        self._top = top
        self._shown = ()
        self.flush()

    def _on_bar(self, value: int) -> None:
        self._scroll(value)

    def _on_least(self) -> None:
        self._check(self.least, "smallest size")
        self._apply_sizes()
        self.state_changed.emit()

    def _on_large(self) -> None:
        self._check(self.large, "size of large trades")
        self._apply_sizes()
        self.state_changed.emit()

    def _check(self, entry: QLineEdit, what: str) -> None:
        """Say what is wrong with a typed size, and take it out."""
        text = entry.text().strip()
        if not text:
            return
        try:
            good = parse_decimal(text) > 0
            why = f"The {what} must be above 0."
        except ValueError as error:
            good, why = False, f"The {what}: {error}"
        if not good:
            entry.clear()
            self.said.emit(why)

    def _apply_sizes(self) -> None:
        if self._prints is not None and self._known is not None:
            least = _lots(self.least.text(), self._known)
            if least != self._prints.least:
                self._prints.set_least(least)
                self._top = self._missed = 0
        self._shown = ()
        self.canvas.update()

    def _large_lots(self) -> int:
        if self._known is None:
            return 0
        return _lots(self.large.text(), self._known) or self._automatic

    def _colour(self) -> None:
        t = tokens()
        palette = self.lost.palette()
        palette.setColor(self.lost.backgroundRole(), t.danger)
        palette.setColor(self.lost.foregroundRole(), readable_on(t.danger, t.panel, t.window))
        self.lost.setPalette(palette)


def _lots(text: str, instrument: Instrument) -> int:
    """A typed size in lots, rounded up; 0 when nothing usable is typed."""
    try:
        value = parse_decimal(text)
    except ValueError:
        return 0
    if value <= 0:
        return 0
    return int((value / instrument.lot).to_integral_value(ROUND_CEILING))
