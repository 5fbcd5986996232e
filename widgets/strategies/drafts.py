"""Orders that strategies propose: a card each with a countdown, Accept and Skip."""

from __future__ import annotations

import time
from html import escape

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from core.client.stores import Stores
from core.model.enums import Contingency, Side
from core.model.events import Draft
from core.model.instruments import Instrument
from widgets.strategies.texts import breakable
from widgets.theme import tokens
from widgets.words import format_price, order_sentence

_LONGEST = 160

BOUNCE_SECONDS = 0.25
"""A second Enter sooner than this belonged to the card before."""


def exits_words(draft: Draft, instrument: Instrument) -> str:
    """What comes with the first order of a draft: ``Stop 63,900.0 · Target 64,800.0``; empty when
    it comes alone."""
    if draft.whole is None:
        return ""
    others = draft.whole.orders[1:]
    if draft.whole.contingency is not Contingency.BRACKET:
        return " · ".join(order_sentence(order, instrument) for order in others)
    return " · ".join(
        f"{'Stop' if order.stop_price else 'Target'}"
        f" {format_price(order.stop_price or order.price, instrument)}"
        for order in others
    )


class DraftCard(QFrame):
    """One proposed order. Enter accepts, Esc skips while the card has the focus.

    Attributes:
        done: it was answered here; what the engine makes of that follows.

    Signals:
        answered(str, bool): the draft's id and whether it was accepted.
    """

    answered = Signal(str, bool)

    def __init__(self, draft: Draft, stores: Stores, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.draft = draft
        self.done = False
        self._since = 0.0
        self.setObjectName(f"draft.{draft.draft}")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        instrument = stores.instruments.get(draft.order.instrument)
        sentence = order_sentence(draft.order, instrument) if instrument is not None else "?"
        rest = exits_words(draft, instrument) if instrument is not None else ""
        self.setAccessibleName(
            ", ".join(filter(None, (f"{draft.strategy} proposes {sentence}", rest)))
        )
        shown = f"<b>{escape(sentence)}</b>"
        self.sentence = QLabel(f"{shown}<br>{escape(rest)}" if rest else shown, self)
        self.sentence.setWordWrap(True)  # a narrow panel must never push the buttons out of view
        why = f"{draft.strategy}: {draft.why}".removesuffix(": ")
        self.why = QLabel(breakable(why if len(why) <= _LONGEST else why[:_LONGEST] + "…"), self)
        self.why.setToolTip(why)
        self.why.setTextFormat(Qt.TextFormat.PlainText)
        self.why.setWordWrap(True)
        self.left = QLabel(self)
        self.left.setAccessibleName("Time left")
        self.accept = QPushButton("&Accept", self)
        self.accept.setAccessibleName(f"Accept {sentence}")
        what = "these orders" if draft.whole is not None else "this order"
        self.accept.setToolTip(f"Send {what} (Enter)")
        self.accept.clicked.connect(self._on_accept)
        self.skip = QPushButton("&Skip", self)
        self.skip.setAccessibleName(f"Skip {sentence}")
        self.skip.setToolTip("Do not send it (Esc)")
        self.skip.clicked.connect(self._on_skip)
        for label in (self.sentence, self.why):
            label.setMinimumWidth(40)
        layout = QGridLayout(self)
        layout.setContentsMargins(12, 6, 8, 6)
        layout.setVerticalSpacing(4)
        layout.addWidget(self.sentence, 0, 0, 1, 2)
        layout.addWidget(self.left, 0, 2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.why, 1, 0, 1, 3)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        buttons.addStretch(1)
        for button in (self.accept, self.skip):
            buttons.addWidget(button)
            # the style's own least width would push them out of a narrow panel
            button.setMinimumWidth(self.fontMetrics().horizontalAdvance(button.text()) + 8)
        layout.addLayout(buttons, 2, 0, 1, 3)
        layout.setColumnStretch(0, 1)
        self.count_down()

    def take_over(self) -> None:
        """Have the keys after the card before was answered."""
        self._since = time.monotonic()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    @property
    def has_keys(self) -> bool:
        """Is the focus on the card or one of its buttons?"""
        focus = self.window().focusWidget()
        return focus is not None and (focus is self or self.isAncestorOf(focus))

    def count_down(self) -> None:
        """Write the seconds left; the card can no longer be accepted at zero."""
        left = (self.draft.expires - time.time_ns()) / 1e9
        text = f"{max(0.0, left):.0f} s"
        if self.left.text() != text:
            self.left.setText(text)
            self.update()
        if left <= 0:
            self.accept.setEnabled(False)

    def changeEvent(self, event: QEvent) -> None:
        """Repaint in the new colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A raised card with the side's colour at its edge."""
        t = tokens()
        painter = QPainter(self)
        painter.fillRect(self.rect(), t.raised)
        edge = QColor(t.bid if self.draft.order.side is Side.BUY else t.ask)
        painter.fillRect(0, 0, 4, self.height(), edge)
        if self.hasFocus():
            painter.setPen(t.accent)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter accepts, Esc skips; a held key does nothing more."""
        if event.isAutoRepeat():
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if time.monotonic() - self._since > BOUNCE_SECONDS:
                self._on_accept()
        elif event.key() == Qt.Key.Key_Escape:
            self._on_skip()
        else:
            super().keyPressEvent(event)

    def _on_accept(self) -> None:
        if self.accept.isEnabled():
            self._answer(True)

    def _on_skip(self) -> None:
        self._answer(False)

    def _answer(self, accept: bool) -> None:
        if self.done:
            return
        self.done = True
        self.accept.setEnabled(False)
        self.skip.setEnabled(False)
        self.answered.emit(self.draft.draft, accept)
