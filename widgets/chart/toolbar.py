"""The row over the chart: instrument, interval, kind of bars, studies, pin, and how fresh it is.

Where the chart is narrow, what is needed least goes into a menu at the end of the row.
"""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLayout,
    QLineEdit,
    QMenu,
    QSizePolicy,
    QToolButton,
    QWidget,
)
from superqt import QElidingLabel

from core.model.intervals import parse_interval
from widgets.chart.sheet import Kind
from widgets.menubutton import MenuButton
from widgets.theme import tokens

INTERVALS = ("1s", "5s", "15s", "1m", "5m", "15m", "1h", "100t")
_SPACING = 4
_MARGIN = 6
_KINDS = {Kind.CANDLES: "Candles", Kind.BARS: "Bars", Kind.LINE: "Line"}


class Toolbar(QWidget):
    """Choices of one chart.

    Attributes:
        interval: the interval in force.
        kind: how bars are drawn.

    Signals:
        interval_chosen(str): another interval.
        kind_chosen(object): a `Kind`.
        curves_changed(): a study was turned on or off.
        pin_toggled(bool): the chart keeps its instrument, or follows again.
        hinted(str): a sentence for the trader.
        left(): the trader is done with the row; the chart may have the keys again.
    """

    interval_chosen = Signal(str)
    kind_chosen = Signal(object)
    curves_changed = Signal()
    pin_toggled = Signal(bool)
    hinted = Signal(str)
    left = Signal()

    def __init__(self, interval: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.interval = interval
        self.kind = Kind.CANDLES
        self.name = QElidingLabel("", self)
        self.name.setAccessibleName("Instrument")
        self.entry = QComboBox(self)
        self.entry.setEditable(True)
        self.entry.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.entry.addItems(INTERVALS)
        self.entry.setCurrentText(interval)
        self.entry.setCompleter(None)
        self.entry.setAccessibleName("Interval")
        self.entry.setToolTip(
            "Interval of the bars: 5s, 1m, 4h, 1d, or trades in a bar: 100t.\n"
            "Type a number on the chart to come here."
        )
        self.entry.textActivated.connect(self._interval)
        line = self.entry.lineEdit()
        assert isinstance(line, QLineEdit)
        line.returnPressed.connect(self._entered)
        line.editingFinished.connect(self._left_entry)
        line.installEventFilter(self)
        self.kinds = QComboBox(self)
        for kind, word in _KINDS.items():
            self.kinds.addItem(word, kind.value)
        self.kinds.setAccessibleName("Kind of chart")
        self.kinds.setToolTip("How bars are drawn. Rising candles are hollow, falling ones filled.")
        self.kinds.activated.connect(self._kind)
        self.vwap = self._button("VWAP", "Average price of the day by volume, from midnight UTC.")
        self.sma = self._button("SMA", "Average close of the last 20 bars.")
        self.pin = self._button("Pin", "Keep this instrument when another is chosen elsewhere.")
        self.vwap.toggled.connect(self.curves_changed)
        self.sma.toggled.connect(self.curves_changed)
        self.pin.toggled.connect(self.pin_toggled)
        self.state = QElidingLabel("", self)
        self.state.setAccessibleName("Freshness")
        self.state.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.state.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.more = MenuButton(self, arrow=False)
        self.more.setText("»")
        self.more.setAutoRaise(True)
        self.more.setAccessibleName("More choices of this chart")
        self.more.setToolTip("What has no room in this row.")
        self.more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.more.setMenu(QMenu(self.more))
        self.more.menu().aboutToShow.connect(self._fill_more)
        box = QHBoxLayout(self)
        box.setContentsMargins(_MARGIN, 2, _MARGIN, 2)
        box.setSpacing(_SPACING)
        box.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        for widget in (self.name, self.entry, self.kinds, self.vwap, self.sma):
            box.addWidget(widget)
        box.addWidget(self.state, 1)
        box.addWidget(self.pin)
        box.addWidget(self.more)
        self._least = (self.sma, self.vwap, self.kinds, self.pin)
        self._measure()

    def show_instrument(self, symbol: str, name: str) -> None:
        """Name what the chart shows."""
        if symbol != self.name.text():
            self.name.setText(symbol)
            self.name.setToolTip(f"{symbol}: {name}" if name else "")
            self._fit()

    def show_state(self, why: str) -> None:
        """Say why prices are not to be trusted; empty when they are."""
        if why != self.state.text():
            appeared = bool(why) != bool(self.state.text())
            self.state.setText(why)
            self.state.setToolTip(why)
            if appeared:
                self._fit()

    def set_interval(self, interval: str) -> None:
        """Show this interval as the one in force."""
        self.interval = interval
        self.entry.setCurrentText(interval)

    def set_kind(self, kind: Kind) -> None:
        """Show this kind as the one in force."""
        self.kind = kind
        self.kinds.setCurrentIndex(list(_KINDS).index(kind))

    def begin_interval(self, text: str) -> None:
        """The trader began to type an interval on the chart."""
        self.entry.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.entry.setEditText(text)

    # -- Qt ----------------------------------------------------------------------------------

    def minimumSizeHint(self) -> QSize:
        """Narrow: what has no room goes into the menu."""
        width = self.entry.width() + self.more.sizeHint().width() + 2 * (_MARGIN + _SPACING)
        return QSize(width, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.PaletteChange) and (
            hasattr(self, "state")
        ):
            self._measure()

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        escape = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
        if escape and event.type() == QEvent.Type.KeyPress:
            self.entry.setEditText(self.interval)
            self.left.emit()
            return True
        return False

    # -- inside ------------------------------------------------------------------------------

    def _button(self, word: str, meaning: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(word)
        button.setCheckable(True)
        button.setAutoRaise(True)
        button.setAccessibleName(word)
        button.setToolTip(meaning)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _measure(self) -> None:
        bold = QFont(self.font())
        bold.setBold(True)
        self.name.setFont(bold)
        metrics = self.fontMetrics()
        arrow = metrics.height() * 2
        self.entry.setFixedWidth(metrics.horizontalAdvance("00000t") + arrow)
        self.kinds.setFixedWidth(metrics.horizontalAdvance("Candles") + arrow)
        palette = self.palette()
        palette.setColor(self.state.foregroundRole(), tokens().warning)
        self.state.setPalette(palette)
        self._fit()

    def _fit(self) -> None:
        """Move what is needed least into the menu until the rest has room."""
        symbol = self.name.fontMetrics().horizontalAdvance(self.name.text()) + 8
        stale = self.fontMetrics().horizontalAdvance("stale 00.0 s") if self.state.text() else 0
        gap, more = _SPACING, self.more.sizeHint().width()
        room = self.width() - 2 * _MARGIN - symbol - self.entry.width() - gap - stale - gap
        widths = {w: w.sizeHint().width() + gap for w in self._least}
        widths[self.kinds] = self.kinds.width() + gap
        shown = list(self._least)
        while shown and sum(widths[w] for w in shown) > room - (
            more + gap if len(shown) < len(self._least) else 0
        ):
            shown.pop(0)
        for widget in self._least:
            widget.setVisible(widget in shown)
        full = len(shown) == len(self._least)
        self.more.setVisible(not full)
        left = room + symbol - sum(widths[w] for w in shown) - (0 if full else more + gap)
        self.name.setFixedWidth(max(min(symbol, left), 0))

    def _fill_more(self) -> None:
        menu = self.more.menu()
        menu.clear()
        if self.kinds.isHidden():
            for kind, word in _KINDS.items():
                action = menu.addAction(word)
                action.setCheckable(True)
                action.setChecked(kind is self.kind)
                action.triggered.connect(partial(self._choose_kind, kind))
            menu.addSeparator()
        for button in (self.vwap, self.sma, self.pin):
            if button.isHidden():
                action = menu.addAction(button.text())
                action.setCheckable(True)
                action.setChecked(button.isChecked())
                action.setToolTip(button.toolTip())
                action.toggled.connect(button.setChecked)

    def _choose_kind(self, kind: Kind, _checked: bool = False) -> None:
        self.kinds.setCurrentIndex(list(_KINDS).index(kind))
        self._kind(list(_KINDS).index(kind))

    def _entered(self) -> None:
        self._interval(self.entry.currentText())
        self.left.emit()

    def _left_entry(self) -> None:
        if not self.entry.view().isVisible():
            self._interval(self.entry.currentText())

    def _interval(self, text: str) -> None:
        text = text.strip().lower()
        try:
            parse_interval(text)
        except ValueError as error:
            self.hinted.emit(str(error))
            self.entry.setEditText(self.interval)
            return
        self.entry.setEditText(text)
        if text != self.interval:
            self.interval = text
            self.interval_chosen.emit(text)

    def _kind(self, row: int) -> None:
        kind = list(_KINDS)[row]
        if kind is not self.kind:
            self.kind = kind
            self.kind_chosen.emit(kind)
