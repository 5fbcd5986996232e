"""The ticket's head: instrument, mode, account, position, quote, draft."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QFont, QPalette
from PySide6.QtWidgets import (
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
from core.model.enums import Mode
from core.model.instruments import Instrument
from core.model.session import Ticker
from widgets.modeframe import ModeWord
from widgets.theme import tokens
from widgets.words import NOTHING, format_average, format_price, format_qty


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
        # as high as the words beside it: no field moves when it comes
        self.badge.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Ignored)
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
        quote.addWidget(self.bid)
        quote.addWidget(self.ask)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addLayout(top)
        state = QHBoxLayout()
        state.addWidget(self.account, 1)
        state.addWidget(self.stale)
        state.addWidget(self.badge)  # the account's words give way to it, the instrument never
        box.addLayout(state)
        box.addLayout(quote)
        self.badge.hide()

    def show_market(
        self,
        stores: Stores,
        instrument: Instrument | None,
        account: str,
        ticker: Ticker | None,
        stale: str,
    ) -> None:
        """Show what is traded, for whom, what is held, and the quote."""
        if self.word.mode is not stores.known_mode:
            self.word.set_mode(stores.known_mode)
        _set_text(self.symbol, instrument.symbol if instrument is not None else NOTHING)
        held = "flat"
        if instrument is not None:
            held = " · ".join(
                f"{'long' if p.qty > 0 else 'short'} {format_qty(abs(p.qty), instrument)}"
                f" ø {format_average(stores.average_price(p), instrument)}"
                for p in stores.held_in(account, instrument.id)
            )
            held = held or "flat"
        _set_text(self.account, f"{account or 'no account'} · {held}")
        _set_text(self.stale, stale)
        self._show_prices(instrument, ticker, bool(stale))

    def show_draft(self, drafted: bool) -> None:
        """Is what stands in the fields a draft from elsewhere?"""
        if self.badge.isHidden() is drafted:
            self.badge.setVisible(drafted)

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


def _set_text(label: QLabel, text: str) -> None:
    if label.text() != text:
        label.setText(text)
