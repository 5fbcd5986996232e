"""Fields that only some orders have: trailing distance, peg, expiry, stop and target."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from PySide6.QtCore import QDateTime, QTimeZone, Signal
from PySide6.QtGui import QFont, QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QDateTimeEdit,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from core.model.enums import PegReference
from core.model.instruments import Instrument
from widgets.brackets import Bracket, Exits, Unit
from widgets.entry import StepSpinBox
from widgets.expressions import Scope
from widgets.theme import tokens
from widgets.words import PEG_WORDS

_ONE, _CENT = Decimal(1), Decimal("0.01")
_MOST_TICKS = 2**31 - 2
_MOST_PERCENT = 5_000
_MOST_MONEY = 10**14
_SECOND = 1_000_000_000


def _narrow(widget: QWidget, name: str) -> None:
    widget.setAccessibleName(name)
    widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)


class TrailField(QWidget):
    """How far a stop trails: ticks, or a percentage in hundredths.

    Signals:
        changed(): the distance may be another.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.away = StepSpinBox("Trailing distance", self)
        self.unit = QComboBox(self)
        self.unit.addItems(["ticks", "%"])
        self.unit.view().setAccessibleName("Unit of the trailing distance")
        for widget, name in (
            (self.away, "Trailing distance"),
            (self.unit, "Unit of the trailing distance"),
        ):
            _narrow(widget, name)
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addWidget(self.away, 3)
        box.addWidget(self.unit, 2)
        self.setFocusProxy(self.away)
        self._unit_chosen()
        self.away.changed.connect(self.changed)
        self.unit.currentIndexChanged.connect(self._unit_chosen)

    @property
    def ticks(self) -> int | None:
        """The distance in ticks, where it is given in them."""
        return self.away.steps if self.unit.currentIndex() == 0 else None

    @property
    def basis_points(self) -> int | None:
        """The distance in hundredths of a percent, where it is given in per cent."""
        return self.away.steps if self.unit.currentIndex() == 1 else None

    def take(self, ticks: int, basis_points: int) -> None:
        """Show a distance."""
        self.unit.setCurrentIndex(1 if basis_points else 0)
        self.away.set_steps(ticks or basis_points or None)

    def _unit_chosen(self) -> None:
        percent = self.unit.currentIndex() == 1
        self.away.set_grid(_CENT if percent else _ONE, _MOST_PERCENT if percent else _MOST_TICKS)
        self.changed.emit()


class PegField(QWidget):
    """What a pegged order follows, and how many ticks better than that it stands.

    Signals:
        changed(): the peg may be another.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.reference, self.offset = QComboBox(self), QSpinBox(self)
        for peg in PegReference:
            self.reference.addItem(PEG_WORDS[peg], peg)
        self.reference.view().setAccessibleName("Price to follow")
        self.offset.setRange(-100_000, 100_000)
        self.offset.setSuffix(" t")
        self.offset.setToolTip("Ticks better than that price; below zero, worse")
        _narrow(self.reference, "Price to follow")
        _narrow(self.offset, "Ticks better than the price followed")
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addWidget(self.reference, 3)
        box.addWidget(self.offset, 2)
        self.setFocusProxy(self.reference)
        self.take(PegReference.PRIMARY, 0)
        self.reference.currentIndexChanged.connect(self.changed)
        self.offset.valueChanged.connect(self.changed)

    def peg(self) -> PegReference:
        """The price that is followed."""
        return PegReference(self.reference.currentData())

    def take(self, peg: PegReference | None, offset: int) -> None:
        """Show a peg."""
        self.reference.setCurrentIndex(list(PegReference).index(peg or PegReference.PRIMARY))
        self.offset.setValue(offset)


class ExpiryField(QDateTimeEdit):
    """When a GTD order expires, in UTC and saying so."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTimeZone(QTimeZone.utc())
        self.setDisplayFormat("yyyy-MM-dd HH:mm 'UTC'")
        self.setCalendarPopup(True)
        _narrow(self, "Expiry, in UTC")
        self.calendarWidget().setAccessibleName("Day of the expiry")
        for child in self.calendarWidget().findChildren(QWidget):
            child.setAccessibleName(child.accessibleName() or "Day of the expiry")

    def instant(self) -> int:
        """The moment chosen, UTC ns."""
        return int(self.dateTime().toSecsSinceEpoch()) * _SECOND

    def take(self, instant: int) -> None:
        """Show a moment (UTC ns)."""
        moment = QDateTime.fromSecsSinceEpoch(instant // _SECOND, QTimeZone.utc())
        self.setDateTime(moment)

    def offer(self, now: int) -> None:
        """Show the next full hour but one, if what is shown has passed by `now` (UTC ns)."""
        if self.instant() <= now:
            moment = datetime.fromtimestamp(now // _SECOND, UTC) + timedelta(hours=2)
            moment = moment.replace(minute=0, second=0, microsecond=0)
            self.take(int(moment.timestamp()) * _SECOND)


class ExitFields(QWidget):
    """Stop and target in ticks, price, per cent or money, and what they come out at.

    Signals:
        changed(): one of them may be another.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.unit = QComboBox(self)
        for unit, text in (
            (Unit.TICKS, "ticks"),
            (Unit.PRICE, "price"),
            (Unit.PERCENT, "%"),
            (Unit.MONEY, "money"),
        ):
            self.unit.addItem(text, unit)
        self.unit.view().setAccessibleName("Unit of stop and target")
        self.stop, self.target = StepSpinBox("Stop", self), StepSpinBox("Target", self)
        self.note = QLabel("", self)
        self.note.setWordWrap(True)
        self.note.setAccessibleName("What stop and target come out at")
        small = QFont(self.note.font())
        small.setPointSizeF(max(small.pointSizeF() * 0.85, 6.0))
        self.note.setFont(small)
        self._tick = _ONE
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        columns: tuple[tuple[str, QWidget, str], ...] = (
            ("In", self.unit, "Unit of stop and target"),
            ("St&op at", self.stop, "Stop of the bracket"),
            ("Tar&get at", self.target, "Target of the bracket"),
        )
        for column, (text, field, name) in enumerate(columns):
            label = QLabel(text, self)
            label.setBuddy(field)
            label.setFont(small)
            _narrow(field, name)
            grid.addWidget(label, 0, column)
            grid.addWidget(field, 1, column)
            grid.setColumnStretch(column, 2 if column == 0 else 3)
        grid.addWidget(self.note, 2, 0, 1, 3)
        self.note.setMinimumHeight(self.note.fontMetrics().lineSpacing() * 3)
        self._unit_chosen()
        for spin in (self.stop, self.target):
            spin.changed.connect(self.changed)
        self.unit.currentIndexChanged.connect(self._unit_chosen)

    def chosen(self) -> Unit:
        """What the numbers are."""
        return Unit(self.unit.currentData())

    def bracket(self) -> Bracket:
        """What stands in the fields; 0 for an empty one."""
        stop, target = (spin.value or Decimal(0) for spin in (self.stop, self.target))
        return Bracket("", self.chosen(), stop, target)

    def error(self) -> str:
        """What is wrong with the first wrong field, or ''."""
        return self.stop.error or self.target.error

    def set_instrument(self, instrument: Instrument) -> None:
        """Set the grid of prices and the currency; prices of another instrument go."""
        self._tick = instrument.tick
        self.unit.setItemText(self.unit.findData(Unit.MONEY), instrument.currency)
        if self.chosen() is Unit.PRICE:
            self._unit_chosen()

    def take(self, exits: Exits) -> None:
        """Show the prices of a draft."""
        self.unit.setCurrentIndex(self.unit.findData(Unit.PRICE))
        self.stop.set_steps(exits.stop or None)
        self.target.set_steps(exits.target or None)

    def clear(self) -> None:
        """Empty both."""
        for spin in (self.stop, self.target):
            spin.set_steps(None)

    def clear_prices(self) -> None:
        """Empty both if they are prices; distances may stay for the next instrument."""
        if self.chosen() is Unit.PRICE:
            self.clear()

    def show_note(self, text: str, wrong: bool) -> None:
        """Say what stop and target come out at, or what is wrong with them."""
        if self.note.text() != text:
            self.note.setText(text)
        color = tokens().danger if wrong else tokens().dim
        if self.note.palette().color(QPalette.ColorRole.WindowText) != color:
            palette = QPalette()
            palette.setColor(QPalette.ColorRole.WindowText, color)
            self.note.setPalette(palette)

    def _unit_chosen(self) -> None:
        unit = self.chosen()
        step, most = {
            Unit.TICKS: (_ONE, _MOST_TICKS),
            Unit.PRICE: (self._tick, _MOST_TICKS),
            Unit.PERCENT: (_CENT, 10 * _MOST_PERCENT),
            Unit.MONEY: (_CENT, _MOST_MONEY),
        }[unit]
        example = {Unit.TICKS: "20", Unit.PERCENT: "0.5", Unit.MONEY: "100"}.get(unit, "1234.5")
        for spin in (self.stop, self.target):
            spin.set_grid(step, most)
            spin.set_steps(None)
            spin.scope_maker = lambda step=step, example=example: Scope(step, example=example)
        self.changed.emit()
