"""A small window for the bracket behind Alt+click: named distances, on three levels."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QPushButton, QWidget

from core.model.instruments import Instrument
from widgets.brackets import Bracket, Unit, bracket_words
from widgets.entry import StepSpinBox
from widgets.expressions import Scope
from widgets.presets import EVERYTHING, STANDARD, BracketPresets, preset_levels

_CENT = Decimal("0.01")
_MOST = 10**12


class BracketPopup(QWidget):
    """Chooses, changes and names brackets. Nothing waits for it; Escape closes it.

    `tell` says what a bracket means at the market now: prices and money, or why it cannot be.

    Signals:
        changed(): another bracket is in use, or one has changed.
    """

    changed = Signal()

    def __init__(
        self,
        presets: BracketPresets,
        instrument: Instrument,
        tell: Callable[[Bracket], str],
        parent: QWidget,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Tool)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Bracket of Alt+click, {instrument.symbol}")
        self.setAccessibleName(self.windowTitle())
        self._presets = presets
        self._instrument = instrument
        self._tell = tell
        self._filling = False
        self.name, self.level, self.unit = QComboBox(self), QComboBox(self), QComboBox(self)
        self.stop = StepSpinBox("Stop distance", self)
        self.target = StepSpinBox("Target distance", self)
        self.note = QLabel("", self)
        self.note.setWordWrap(True)
        self.note.setAccessibleName("What the bracket means now")
        self.keep, self.drop = QPushButton("&Keep", self), QPushButton("&Forget", self)
        self._build()
        self._fill()
        self.name.activated.connect(self._chosen)
        self.unit.currentIndexChanged.connect(self._unit_changed)
        self.level.currentIndexChanged.connect(self._edited)
        self.name.editTextChanged.connect(self._edited)
        for spin in (self.stop, self.target):
            spin.changed.connect(self._edited)
        self.keep.clicked.connect(self._keep)
        self.drop.clicked.connect(self._drop)

    def _build(self) -> None:
        symbol, kind, everything = preset_levels(self._instrument)
        self.level.addItem("all instruments", everything)
        self.level.addItem(f"all of the kind {self._instrument.kind}", kind)
        self.level.addItem(f"{self._instrument.symbol} only", symbol)
        self.unit.addItem("ticks", Unit.TICKS)
        self.unit.addItem("% of the price", Unit.PERCENT)
        self.unit.addItem(f"{self._instrument.currency} on the whole order", Unit.MONEY)
        self.name.setEditable(True)
        self.name.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.keep.setToolTip("Keep it under this name, and use it for Alt+click from now on")
        self.drop.setToolTip("Forget the bracket of this name on this level")
        grid = QGridLayout(self)
        grid.setContentsMargins(10, 8, 10, 8)
        rows: tuple[tuple[str, QWidget], ...] = (
            ("&Name", self.name),
            ("&For", self.level),
            ("&In", self.unit),
            ("&Stop", self.stop),
            ("&Target", self.target),
        )
        for row, (text, field) in enumerate(rows):
            label = QLabel(text, self)
            label.setBuddy(field)
            field.setAccessibleName(field.accessibleName() or text.replace("&", ""))
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1, 1, 2)
        grid.addWidget(self.note, len(rows), 0, 1, 3)
        for column, button in enumerate((self.drop, self.keep), 1):
            button.setAutoDefault(False)
            grid.addWidget(button, len(rows) + 1, column)
        self.note.setMinimumHeight(self.note.fontMetrics().lineSpacing() * 2)
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * 42)

    # -- for the owner -----------------------------------------------------------------------

    def open_at(self, point: QPoint) -> None:
        """Show near a global point, inside its screen."""
        self.adjustSize()
        area = self.screen().availableGeometry()
        x = min(max(point.x(), area.left()), area.right() - self.width())
        y = min(max(point.y(), area.top()), area.bottom() - self.height())
        self.move(x, y)
        self.show()
        self.stop.setFocus()

    def bracket(self) -> Bracket | str:
        """What stands in the fields, or a sentence on what is missing."""
        name = self.name.currentText().strip()
        if not name:
            return "Give the bracket a name."
        for spin in (self.stop, self.target):
            if spin.error:
                return spin.error
        stop, target = self.stop.value or Decimal(0), self.target.value or Decimal(0)
        if not stop and not target:
            return "Enter a stop, a target, or both."
        return Bracket(name, self._unit(), stop, target)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    # -- inside ------------------------------------------------------------------------------

    def _unit(self) -> Unit:
        return Unit(self.unit.currentData())

    def _fill(self) -> None:
        """Show the bracket in use."""
        self._filling = True
        level, bracket = self._presets.current(self._instrument)
        self.name.clear()
        self.name.addItems(list(self._presets.offered(self._instrument)))
        self.name.setCurrentText(bracket.name)
        self.level.setCurrentIndex(max(self.level.findData(level), 0))
        self.unit.setCurrentIndex(list(Unit).index(bracket.unit))
        self._set_grid()
        step = Decimal(1) if bracket.unit is Unit.TICKS else _CENT
        for spin, value in ((self.stop, bracket.stop), (self.target, bracket.target)):
            spin.set_steps(int(value / step) or None)
        self._filling = False
        self._edited()

    def _set_grid(self) -> None:
        ticks = self._unit() is Unit.TICKS
        for spin in (self.stop, self.target):
            spin.set_grid(Decimal(1) if ticks else _CENT, _MOST)
            spin.scope_maker = self._scope

    def _scope(self) -> Scope:
        ticks = self._unit() is Unit.TICKS
        return Scope(Decimal(1) if ticks else _CENT, example="20" if ticks else "0.50")

    def _unit_changed(self) -> None:
        if not self._filling:
            self._set_grid()
            self._edited()

    def _chosen(self) -> None:
        """A name was picked from the list: that bracket is in use."""
        if self.name.currentText() in self._presets.offered(self._instrument):
            self._presets.chosen = self.name.currentText()
            self._fill()
            self.changed.emit()

    def _edited(self) -> None:
        if self._filling:
            return
        bracket = self.bracket()
        self.keep.setEnabled(not isinstance(bracket, str))
        name, level = self.name.currentText().strip(), self.level.currentData()
        known = self._presets.offered(self._instrument).get(name)
        standard = level == EVERYTHING and name == STANDARD.name
        self.drop.setEnabled(known is not None and known[0] == level and not standard)
        if isinstance(bracket, str):
            self.note.setText(bracket)
            return
        words = bracket_words(bracket, self._instrument.currency)
        self.note.setText(f"{words}: {self._tell(bracket)}")

    def _keep(self) -> None:
        bracket = self.bracket()
        if not isinstance(bracket, str):
            self._presets.keep(self.level.currentData(), bracket)
            self.changed.emit()
            self.close()

    def _drop(self) -> None:
        self._presets.drop(self.level.currentData(), self.name.currentText().strip())
        self._fill()
        self.changed.emit()
