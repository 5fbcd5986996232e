"""The ticket's fields: all of one order, each shown only where the order's type needs it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QFont, QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QWidget,
)
from superqt import QElidingLabel

from core.model.commands import NewOrder, NewOrderList
from core.model.enums import OrdType, TimeInForce
from core.model.instruments import Instrument
from widgets.brackets import entry_of, exits_in
from widgets.chip import Chip
from widgets.entry import StepSpinBox
from widgets.kinds import PRICED, TOUCHED, TRAILING, TRIGGERED, tif_obstacle, type_obstacle
from widgets.sizes import SizeButtons
from widgets.theme import tokens
from widgets.ticket.choices import allow
from widgets.ticket.form import Form, iceberg_obstacle, post_only_obstacle, shows_part
from widgets.ticket.terms import ExitFields, ExpiryField, PegField, TrailField
from widgets.words import TIF_MEANINGS, TIF_WORDS, TYPE_WORDS

_MOST_TICKS = 2**31 - 2


class Fields(QWidget):
    """Type, time in force, quantity, prices, what else the type needs; stop and target.

    Signals:
        changed(): the form may be another.
        stored(object): the presets in lots, after one was replaced.
    """

    changed = Signal()
    stored = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind, self.tif = QComboBox(self), QComboBox(self)
        for combo, name in ((self.kind, "Order type"), (self.tif, "Time in force")):
            combo.setAccessibleName(name)
            combo.view().setAccessibleName(name)
            combo.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        for kind in OrdType:
            self.kind.addItem(TYPE_WORDS[kind], kind)
        for tif in TimeInForce:
            self.tif.addItem(TIF_WORDS[tif], tif)
        self.quantity = StepSpinBox("Quantity", self)
        self.price = StepSpinBox("Price", self)
        self.stop = StepSpinBox("Stop price", self)
        self.offset = StepSpinBox("Ticks from the stop to the limit", self)
        self.display = StepSpinBox("Quantity shown at a time", self)
        self.trail, self.peg, self.expiry = TrailField(self), PegField(self), ExpiryField(self)
        self.exits = ExitFields(self)
        self.sizes = SizeButtons(parent=self)
        self.post_only = Chip("P&ost-only", self)
        self.reduce_only = Chip("&Reduce-only", self)
        self.reduce_only.setToolTip("Only reduces what is held; never opens or turns a position.")
        self.iceberg = Chip("&Iceberg", self)
        self.bracket = Chip("Stop && t&arget", self)
        self.bracket.setAccessibleName("Stop and target")
        self.bracket.setToolTip(
            "Sends a stop and a target with the order: they follow its fills, and the one that"
            " fills cancels the other."
        )
        self._notes: dict[StepSpinBox, QElidingLabel] = {}
        self._labels: dict[QWidget, QLabel] = {}
        self._instrument: Instrument | None = None
        self._build()
        self.choose_type(OrdType.LIMIT)
        self.choose_tif(TimeInForce.GTC)
        for combo in (self.kind, self.tif):
            combo.currentIndexChanged.connect(self._changed)
        for spin in self._spins():
            spin.setEnabled(False)
            spin.changed.connect(self._changed)
        for box in (self.post_only, self.reduce_only, self.iceberg, self.bracket):
            box.toggled.connect(self._changed)
        for field in (self.trail, self.peg, self.exits):
            field.changed.connect(self._changed)
        self.expiry.dateTimeChanged.connect(self._changed)
        self.sizes.chosen.connect(self.quantity.set_steps)
        self.sizes.subtracted.connect(self._subtract)
        self.sizes.stored.connect(self._store)
        self._show_used()

    def _build(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        choices = QHBoxLayout()
        choices.setSpacing(6)
        choices.addWidget(self.kind, 3)
        choices.addWidget(self.tif, 2)
        label = QLabel("&Type", self)
        label.setBuddy(self.kind)
        grid.addWidget(label, 0, 0)
        grid.addLayout(choices, 0, 1)
        grid.setRowMinimumHeight(1, 2)
        row = 2
        rows: tuple[tuple[str, QWidget], ...] = (
            ("&Quantity", self.quantity),
            ("&Price", self.price),
            ("&Stop", self.stop),
            ("&Trail", self.trail),
            ("&Limit off", self.offset),
            ("&Follow", self.peg),
            ("S&how", self.display),
            ("&Expires", self.expiry),
        )
        for text, field in rows:
            label = QLabel(text, self)
            label.setBuddy(field)
            field.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            self._labels[field] = label
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
            row += 1
            if isinstance(field, StepSpinBox):
                self._notes[field] = self._note(field)
                grid.addWidget(self._notes[field], row, 1)
                row += 1
            if field is self.quantity:
                grid.addWidget(self.sizes, row, 0, 1, 2)
                grid.setRowMinimumHeight(row + 1, 4)
                row += 2
        for chips in ((self.post_only, self.reduce_only), (self.iceberg, self.bracket)):
            flags = QHBoxLayout()
            flags.setSpacing(12)
            for chip in chips:
                flags.addWidget(chip)
            flags.addStretch(1)
            grid.addLayout(flags, row, 0, 1, 2)
            row += 1
        grid.addWidget(self.exits, row, 0, 1, 2)
        grid.setColumnStretch(1, 1)

    def _note(self, spin: StepSpinBox) -> QElidingLabel:
        note = QElidingLabel("", self)
        small = QFont(note.font())
        small.setPointSizeF(max(small.pointSizeF() * 0.85, 6.0))
        note.setFont(small)
        note.setMinimumHeight(note.fontMetrics().height())
        note.setAccessibleName(f"Note on {spin.accessibleName().lower()}")
        return note

    # -- for the ticket ----------------------------------------------------------------------

    def form(self) -> Form:
        """What stands in the fields."""
        return Form(
            OrdType(self.kind.currentData()),
            TimeInForce(self.tif.currentData()),
            self.quantity.steps,
            self.price.steps,
            self.stop.steps,
            self.post_only.isChecked(),
            self.reduce_only.isChecked(),
            self.trail.ticks,
            self.trail.basis_points,
            self.offset.steps,
            self.peg.peg(),
            self.peg.offset.value(),
            self.iceberg.isChecked(),
            self.display.steps,
            self.expiry.instant(),
            self.exits.bracket() if self.bracket.isChecked() else None,
        )

    def error(self) -> str:
        """What is wrong with the first wrong field in use, or ''."""
        for spin in (self.quantity, self.stop, self.price, self.offset, self.display):
            if spin.error and self._used(spin):
                return spin.error
        if self._used(self.trail) and self.trail.away.error:
            return self.trail.away.error
        return self.exits.error() if self._used(self.exits) else ""

    def set_instrument(self, instrument: Instrument) -> None:
        """Set the grids; choices that it does not have are left for ones that it has."""
        self._instrument = instrument
        for spin in self._spins():
            spin.setEnabled(True)
        self.quantity.set_grid(instrument.lot, instrument.max_qty)
        self.display.set_grid(instrument.lot, instrument.max_qty)
        self.price.set_grid(instrument.tick, _MOST_TICKS)
        self.stop.set_grid(instrument.tick, _MOST_TICKS)
        self.exits.set_instrument(instrument)
        form = self.form()
        if type_obstacle(form.ord_type, instrument) and instrument.order_types:
            self.choose_type(instrument.order_types[0])
        if tif_obstacle(form.tif, instrument) and instrument.tifs:
            self.choose_tif(instrument.tifs[0])
        self.show_choices(instrument)

    def show_choices(self, instrument: Instrument | None) -> None:
        """Grey what neither venue nor engine can do, with the reason in the tooltip."""
        if instrument is None:
            return
        form = self.form()
        for index, kind in enumerate(OrdType):
            meaning = TYPE_WORDS[kind]
            if kind not in instrument.order_types:
                meaning += ", held here: it works only while the engine runs"
            allow(self.kind, index, type_obstacle(kind, instrument), meaning)
        for index, tif in enumerate(TimeInForce):
            meaning = TIF_MEANINGS[tif]
            if tif not in instrument.tifs:
                meaning += ", kept here: only while the engine runs"
            allow(self.tif, index, tif_obstacle(tif, instrument, form.ord_type), meaning)
        for chip, why, meaning in (
            (
                self.post_only,
                post_only_obstacle(form, instrument),
                "Only rests; refused if it would trade at once.",
            ),
            (
                self.iceberg,
                iceberg_obstacle(form),
                "Shows a part of the quantity at a time; held here, sent slice by slice.",
            ),
        ):
            chip.setEnabled(not why)
            chip.setToolTip(why or meaning)

    def set_sizes(self, sizes: tuple[int, ...], instrument: Instrument) -> None:
        """Show presets, and put the first into an empty quantity."""
        self.sizes.set_sizes(sizes, instrument)
        if self.quantity.steps is None and self.quantity.settled:
            self.quantity.set_steps(sizes[0])

    def take(self, draft: NewOrder | NewOrderList) -> None:
        """Fill the fields from an order, or from a bracket."""
        order = entry_of(draft)
        self.choose_type(order.ord_type)
        self.choose_tif(order.tif)
        self.quantity.set_steps(order.qty or None)
        self.price.set_steps(order.price or None)
        self.stop.set_steps(order.stop_price or None)
        self.trail.take(order.trail, order.trail_bp)
        self.offset.set_steps(order.limit_offset or None)
        self.peg.take(order.peg, order.peg_offset)
        self.display.set_steps(order.display_qty or None)
        self.iceberg.setChecked(bool(order.display_qty))
        if order.expire:
            self.expiry.take(order.expire)
        self.post_only.setChecked(order.post_only)
        self.reduce_only.setChecked(order.reduce_only)
        self.bracket.setChecked(isinstance(draft, NewOrderList))
        if isinstance(draft, NewOrderList):
            self.exits.take(exits_in(draft))

    def clear_prices(self) -> None:
        """Empty all prices."""
        for spin in (self.price, self.stop):
            spin.set_steps(None)
        self.exits.clear_prices()

    def forget(self) -> None:
        """Another instrument: no price, quantity or distance of the one before stays."""
        self.clear_prices()
        for spin in (self.quantity, self.offset, self.display, self.trail.away):
            spin.set_steps(None)
        self.iceberg.setChecked(False)
        self.bracket.setChecked(False)
        self.exits.clear()

    def use_price(self, ticks: int) -> None:
        """Put a price into the field that the order type has."""
        spin = self.price if self.form().ord_type in PRICED else self.stop
        if self._used(spin):
            spin.set_steps(ticks)

    def choose_type(self, kind: OrdType) -> None:
        """Select an order type."""
        self.kind.setCurrentIndex(list(OrdType).index(kind))

    def choose_tif(self, tif: TimeInForce) -> None:
        """Select a time in force."""
        self.tif.setCurrentIndex(list(TimeInForce).index(tif))

    # -- inside ------------------------------------------------------------------------------

    def _spins(self) -> tuple[StepSpinBox, ...]:
        return (self.quantity, self.price, self.stop, self.offset, self.display)

    def _used(self, field: QWidget) -> bool:
        form = self.form()
        kind = form.ord_type
        return {
            self.price: kind in PRICED or kind is OrdType.PEGGED,
            self.stop: kind in TRIGGERED or kind in TRAILING,
            self.trail: kind in TRAILING,
            self.offset: kind is OrdType.TRAILING_STOP_LIMIT,
            self.peg: kind is OrdType.PEGGED,
            self.display: shows_part(form),
            self.expiry: form.tif is TimeInForce.GTD,
            self.exits: self.bracket.isChecked(),
        }.get(field, True)

    def _changed(self) -> None:
        self._show_used()
        for spin, note in self._notes.items():
            text = spin.error or spin.note
            if note.text() != text:
                note.setText(text)
            note.setToolTip(text)
            color = tokens().danger if spin.error else tokens().dim
            if note.palette().color(QPalette.ColorRole.WindowText) != color:
                palette = QPalette()
                palette.setColor(QPalette.ColorRole.WindowText, color)
                note.setPalette(palette)
        self.changed.emit()

    def _show_used(self) -> None:
        """Show the fields that the order has, under the names that they have in it."""
        kind = self.form().ord_type
        self._labels[self.price].setText("At &most" if kind is OrdType.PEGGED else "&Price")
        stop = "&Touch" if kind in TOUCHED else "&Start" if kind in TRAILING else "&Stop"
        self._labels[self.stop].setText(stop)
        optional = "from the market" if kind in TRAILING else ""
        self.stop.lineEdit().setPlaceholderText(optional)
        self.price.lineEdit().setPlaceholderText("any" if kind is OrdType.PEGGED else "")
        self.offset.lineEdit().setPlaceholderText("ticks; empty: at the stop")
        for field, label in self._labels.items():
            self._set_shown(self._used(field), field, label)
            if isinstance(field, StepSpinBox):
                self._set_shown(self._used(field), self._notes[field])
        self._set_shown(self._used(self.exits), self.exits)

    def _set_shown(self, shown: bool, *widgets: QWidget) -> None:
        for widget in widgets:
            if widget.isHidden() is shown:
                widget.setVisible(shown)

    def _subtract(self, lots: int) -> None:
        if self.quantity.steps is not None:
            self.quantity.set_steps(max(self.quantity.steps - lots, 1))

    def _store(self, index: int) -> None:
        if self._instrument is not None and self.quantity.steps and self.sizes.sizes:
            sizes = list(self.sizes.sizes)
            sizes[index] = self.quantity.steps
            self.sizes.set_sizes(sizes, self._instrument)
            self.stored.emit(tuple(sizes))
