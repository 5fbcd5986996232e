"""What is said beneath the ticket's buttons, which it never moves."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QSizePolicy, QWidget

from core.model.checks import Violation
from core.model.enums import Side
from widgets.panel import show_through
from widgets.theme import tokens
from widgets.ticket.override import OverrideButton
from widgets.words import SIDE_WORDS

BOTH = " and ".join(SIDE_WORDS[side] for side in Side)


class Notes(QScrollArea):
    """Takes what room is left, however much its words need: no button moves because of them.

    What does not fit is scrolled to; no line is cut or covers another.

    Attributes:
        reasons: why each side is not possible, or must be held.
        override: offers to let the order pass nevertheless.
        previews: what each side costs and needs.
        missing: what the order still needs.
        message: what became of the last order.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        inside = QWidget(self)
        notes = QGridLayout(inside)
        notes.setContentsMargins(0, 0, 0, 0)
        notes.setHorizontalSpacing(6)
        notes.setVerticalSpacing(3)
        self.reasons = {
            side: _label(f"Why {side.name.lower()} is not possible", inside) for side in Side
        }
        self.override = OverrideButton(inside)
        self.previews = {
            side: _label(f"What the {side.name.lower()} order costs and needs", inside)
            for side in Side
        }
        self.missing = _label("What the order still needs", inside)
        self.message = _label("What became of the last order", inside)
        for column, side in enumerate(Side):
            notes.addWidget(self.reasons[side], column, 0, 1, 2)
            notes.addWidget(self.previews[side], 3, column, Qt.AlignmentFlag.AlignTop)
            notes.setColumnStretch(column, 1)
        notes.addWidget(self.override, 2, 0, 1, 2)
        notes.addWidget(self.missing, 4, 0, 1, 2)
        notes.addWidget(self.message, 5, 0, 1, 2)
        notes.setRowStretch(6, 1)
        for label in (*self.reasons.values(), *self.previews.values()):
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
            label.setFont(small(label.font()))
        for label in (*self.reasons.values(), self.missing, self.message):
            label.hide()  # until it says something
        self.setWidget(inside)
        show_through(self)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        # why an order is not possible is never out of sight
        self.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)

    def explain(self, against: Mapping[Side, list[Violation]]) -> None:
        """The first rule that speaks against each order; what speaks against both is said once."""
        firsts = {side: next(iter(found), None) for side, found in against.items()}
        both = firsts[Side.BUY] is not None and firsts[Side.BUY] == firsts[Side.SELL]
        for side, first in firsts.items():
            if first is None or (both and side is Side.SELL):
                write(self.reasons[side], "", tokens().dim)
                continue
            color = tokens().danger if first.hard else tokens().warning
            who = BOTH if both else SIDE_WORDS[side]
            write(self.reasons[side], f"{who}: {first.code}: {first.text}", color)


def small(font: QFont) -> QFont:
    """The font of what need not be read at each glance."""
    smaller = QFont(font)
    smaller.setPointSizeF(max(smaller.pointSizeF() * 0.85, 6.0))
    return smaller


def write(label: QLabel, text: str, color: QColor) -> None:
    """Show a text in a colour; its tooltip has it whole."""
    if label.text() != text:
        label.setText(text)
        label.setToolTip(text)  # a small panel may not show all of it
        label.setVisible(bool(text))  # an empty line would take the room of one
    if label.palette().color(QPalette.ColorRole.WindowText) != color:
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.WindowText, color)
        label.setPalette(palette)


def _label(name: str, parent: QWidget) -> QLabel:
    label = QLabel("", parent)
    label.setWordWrap(True)
    label.setAccessibleName(name)
    return label
