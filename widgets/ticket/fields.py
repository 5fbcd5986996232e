"""The ticket's head (instrument, quote, draft) and its fields."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QPalette, QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from core.client.stores import Stores
from core.model.commands import NewOrder
from core.model.enums import Mode, OrdType, TimeInForce
from core.model.instruments import Instrument
from core.model.orders import Position
from core.model.session import Ticker
from widgets.chip import Chip
from widgets.entry import StepSpinBox
from widgets.modeframe import ModeWord
from widgets.sizes import SizeButtons
from widgets.theme import tokens
from widgets.ticket.form import (
    PRICED,
    STOPPED,
    Form,
    post_only_obstacle,
    tif_obstacle,
    type_obstacle,
)
from widgets.words import (
    NOTHING,
    TIF_MEANINGS,
    TIF_WORDS,
    TYPE_WORDS,
    format_average,
    format_price,
    format_qty,
)


class Head(QWidget):
    """Instrument, mode, account, position and quote.

    Signals:
        price_chosen(object): the bid or ask was clicked (ticks).
        cleared(): the draft's × was clicked.
    """

    price_chosen = Signal(object)
    cleared = Signal()

    def __init__(self, mode: Mode | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.symbol = QLabel(NOTHING, self)
        self.symbol.setAccessibleName("Instrument")
        font = QFont(self.symbol.font())
        font.setBold(True)
        font.setPointSizeF(max(font.pointSizeF(), 1.0) * 1.15)
        self.symbol.setFont(font)
        self.word = ModeWord(mode, self)
        self.stale = QLabel("", self)
        self.stale.setAccessibleName("Age of the prices")
        self.account = QElidingLabel("", self)
        self.account.setAccessibleName("Account and position")
        self.badge = QToolButton(self)
        self.badge.setText("draft ×")
        self.badge.setToolTip("A draft: nothing has been sent. Click to clear it.")
        self.badge.setAccessibleName("Clear the draft")
        self.badge.clicked.connect(self.cleared)
        self.bid, self.ask = QPushButton(NOTHING, self), QPushButton(NOTHING, self)
        self._prices = {self.bid: 0, self.ask: 0}
        for button, name in ((self.bid, "Bid"), (self.ask, "Ask")):
            button.setAutoDefault(False)
            button.setToolTip(f"Put the {name.lower()} into the price")
            button.setAccessibleName(name)
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            button.clicked.connect(self._clicked)
        top, quote = QHBoxLayout(), QHBoxLayout()
        for widget in (self.symbol, self.word):
            top.addWidget(widget)
        top.addStretch(1)
        top.addWidget(self.badge)
        quote.addWidget(self.bid)
        quote.addWidget(self.ask)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addLayout(top)
        state = QHBoxLayout()
        state.addWidget(self.account, 1)
        state.addWidget(self.stale)
        box.addLayout(state)
        box.addLayout(quote)
        policy = self.badge.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.badge.setSizePolicy(policy)
        self.badge.hide()

    def show_market(
        self,
        stores: Stores,
        instrument: Instrument | None,
        account: str,
        ticker: Ticker | None,
        position: Position | None,
        stale: str,
    ) -> None:
        """Show what is traded, for whom, what is held, and the quote."""
        if self.word.mode is not stores.known_mode:
            self.word.set_mode(stores.known_mode)
        _set_text(self.symbol, instrument.symbol if instrument is not None else NOTHING)
        held = "flat"
        if position is not None and position.qty and instrument is not None:
            side = "long" if position.qty > 0 else "short"
            average = format_average(stores.average_price(position), instrument)
            held = f"{side} {format_qty(abs(position.qty), instrument)} ø {average}"
        _set_text(self.account, f"{account or 'no account'} · {held}")
        _set_text(self.stale, stale)
        self._show_prices(instrument, ticker, bool(stale))

    def show_draft(self, draft: NewOrder | None) -> None:
        """Is what stands in the fields a draft from elsewhere?"""
        if self.badge.isHidden() is not (draft is None):
            self.badge.setVisible(draft is not None)

    def _show_prices(
        self, instrument: Instrument | None, ticker: Ticker | None, stale: bool
    ) -> None:
        bid, ask = (ticker.bid, ticker.ask) if ticker is not None else (0, 0)
        for button, ticks, word in ((self.bid, bid, "bid"), (self.ask, ask, "ask")):
            known = instrument is not None and ticks > 0
            text = format_price(ticks, instrument) if instrument is not None and ticks else NOTHING
            self._prices[button] = ticks
            if button.text() != f"{text} {word}":
                button.setText(f"{text} {word}")
            if button.isEnabled() is not known:
                button.setEnabled(known)
            token = tokens().dim if stale else tokens().text
            if button.palette().color(QPalette.ColorRole.ButtonText) != token:
                palette = QPalette()
                palette.setColor(QPalette.ColorRole.ButtonText, token)
                button.setPalette(palette)
        if self.stale.palette().color(QPalette.ColorRole.WindowText) != tokens().warning:
            palette = QPalette()
            palette.setColor(QPalette.ColorRole.WindowText, tokens().warning)
            self.stale.setPalette(palette)

    def _clicked(self) -> None:
        button = self.bid if self.sender() is self.bid else self.ask
        if self._prices[button]:
            self.price_chosen.emit(self._prices[button])


class Fields(QWidget):
    """Type, time in force, quantity, prices, post-only and reduce-only.

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
        self.sizes = SizeButtons(parent=self)
        self.post_only = Chip("P&ost-only", self)
        self.reduce_only = Chip("&Reduce-only", self)
        self.reduce_only.setToolTip("Only reduces what is held; never opens or turns a position.")
        self._notes: dict[StepSpinBox, QElidingLabel] = {}
        self._labels: dict[StepSpinBox, QLabel] = {}
        self._instrument: Instrument | None = None
        self._build()
        self.choose_type(OrdType.LIMIT)
        self.choose_tif(TimeInForce.GTC)
        for combo in (self.kind, self.tif):
            combo.currentIndexChanged.connect(self._changed)
        for spin in (self.quantity, self.price, self.stop):
            spin.setEnabled(False)
            spin.changed.connect(self._changed)
        for box in (self.post_only, self.reduce_only):
            box.toggled.connect(self._changed)
        self.sizes.chosen.connect(self.quantity.set_steps)
        self.sizes.subtracted.connect(self._subtract)
        self.sizes.stored.connect(self._store)
        self._show_priced()

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
        for text, spin in (
            ("&Quantity", self.quantity),
            ("&Price", self.price),
            ("&Stop", self.stop),
        ):
            label = QLabel(text, self)
            label.setBuddy(spin)
            note = QElidingLabel("", self)
            small = QFont(note.font())
            small.setPointSizeF(max(small.pointSizeF() * 0.85, 6.0))
            note.setFont(small)
            note.setMinimumHeight(note.fontMetrics().height())
            note.setAccessibleName(f"Note on {spin.accessibleName().lower()}")
            spin.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            self._labels[spin], self._notes[spin] = label, note
            grid.addWidget(label, row, 0)
            grid.addWidget(spin, row, 1)
            grid.addWidget(note, row + 1, 1)
            row += 2
            if spin is self.quantity:
                grid.addWidget(self.sizes, row, 0, 1, 2)
                grid.setRowMinimumHeight(row + 1, 4)
                row += 2
        flags = QHBoxLayout()
        flags.setSpacing(12)
        flags.addWidget(self.post_only)
        flags.addWidget(self.reduce_only)
        flags.addStretch(1)
        grid.addLayout(flags, row, 0, 1, 2)
        grid.setColumnStretch(1, 1)

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
        )

    def error(self) -> str:
        """What is wrong with the first wrong field in use, or ''."""
        for spin in (self.quantity, self.stop, self.price):
            if spin.error and self._used(spin):
                return spin.error
        return ""

    def set_instrument(self, instrument: Instrument) -> None:
        """Set the grids; choices that it does not have are left for ones that it has."""
        self._instrument = instrument
        for spin in (self.quantity, self.price, self.stop):
            spin.setEnabled(True)
        self.quantity.set_grid(instrument.lot, instrument.max_qty)
        self.price.set_grid(instrument.tick, 2**31 - 2)
        self.stop.set_grid(instrument.tick, 2**31 - 2)
        if type_obstacle(self.form().ord_type, instrument) and instrument.order_types:
            self.choose_type(instrument.order_types[0])
        if tif_obstacle(self.form().tif, instrument) and instrument.tifs:
            self.choose_tif(instrument.tifs[0])
        self.show_choices(instrument)

    def show_choices(self, instrument: Instrument | None) -> None:
        """Grey what the venue and instrument do not have, with the reason in the tooltip."""
        if instrument is None:
            return
        for index, kind in enumerate(OrdType):
            _allow(self.kind, index, type_obstacle(kind, instrument), TYPE_WORDS[kind])
        for index, tif in enumerate(TimeInForce):
            _allow(self.tif, index, tif_obstacle(tif, instrument), TIF_MEANINGS[tif])
        why = post_only_obstacle(self.form(), instrument)
        self.post_only.setEnabled(not why)
        self.post_only.setToolTip(why or "Only rests; refused if it would trade at once.")

    def set_sizes(self, sizes: tuple[int, ...], instrument: Instrument) -> None:
        """Show presets, and put the first into an empty quantity."""
        self.sizes.set_sizes(sizes, instrument)
        if self.quantity.steps is None and self.quantity.settled:
            self.quantity.set_steps(sizes[0])

    def take(self, order: NewOrder) -> None:
        """Fill the fields from an order."""
        self.choose_type(order.ord_type)
        self.choose_tif(order.tif)
        self.quantity.set_steps(order.qty or None)
        self.price.set_steps(order.price or None)
        self.stop.set_steps(order.stop_price or None)
        self.post_only.setChecked(order.post_only)
        self.reduce_only.setChecked(order.reduce_only)

    def clear_prices(self) -> None:
        """Empty both prices."""
        self.price.set_steps(None)
        self.stop.set_steps(None)

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

    def _used(self, spin: StepSpinBox) -> bool:
        kind = self.form().ord_type
        if spin is self.price:
            return kind in PRICED
        return kind in STOPPED if spin is self.stop else True

    def _changed(self) -> None:
        self._show_priced()
        for spin, note in self._notes.items():
            text = spin.error or spin.note
            _set_text(note, text)
            note.setToolTip(text)
            color = tokens().danger if spin.error else tokens().dim
            if note.palette().color(QPalette.ColorRole.WindowText) != color:
                palette = QPalette()
                palette.setColor(QPalette.ColorRole.WindowText, color)
                note.setPalette(palette)
        self.changed.emit()

    def _show_priced(self) -> None:
        for spin in (self.price, self.stop):
            used = self._used(spin)
            for widget in (spin, self._labels[spin], self._notes[spin]):
                if widget.isHidden() is used:
                    widget.setVisible(used)

    def _subtract(self, lots: int) -> None:
        if self.quantity.steps is not None:
            self.quantity.set_steps(max(self.quantity.steps - lots, 1))

    def _store(self, index: int) -> None:
        if self._instrument is not None and self.quantity.steps and self.sizes.sizes:
            sizes = list(self.sizes.sizes)
            sizes[index] = self.quantity.steps
            self.sizes.set_sizes(sizes, self._instrument)
            self.stored.emit(tuple(sizes))


def _allow(combo: QComboBox, index: int, obstacle: str, meaning: str) -> None:
    model = combo.model()
    assert isinstance(model, QStandardItemModel)
    item = model.item(index)
    if item.isEnabled() is bool(obstacle):
        item.setEnabled(not obstacle)
    combo.setItemData(index, obstacle or meaning, Qt.ItemDataRole.ToolTipRole)


def _set_text(label: QLabel, text: str) -> None:
    if label.text() != text:
        label.setText(text)
