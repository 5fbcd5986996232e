"""One line for everything a trader must be able to trust: sources, ages, engine, frames.

Figures are written four times a second; words and colours say the same thing twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from html import escape

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
)
from PySide6.QtWidgets import QLabel, QPushButton, QSizePolicy, QStatusBar, QWidget

from core.client.stores import Stores
from core.model.enums import ExecType, LinkState, Mode, OrdStatus, Severity
from core.model.events import JOURNAL
from core.model.orders import OrderUpdate
from core.model.session import SourceView
from widgets.status.differences import standing
from widgets.theme import Tokens, tokens
from widgets.words import (
    NOTHING,
    SIDE_WORDS,
    STATUS_WORDS,
    format_price,
    format_qty,
    order_sentence,
    refusal_sentence,
)

WRITE_EVERY = 0.25
MESSAGE_ROOM = 240
"""Pixels that are kept for the newest message when the line gets tight."""
SHOWN_MS = {Severity.INFO: 6_000, Severity.WARNING: 12_000, Severity.ERROR: 30_000}

STATE_WORDS = {
    LinkState.CONNECTING: "connecting",
    LinkState.UP: "up",
    LinkState.STALE: "stale",
    LinkState.DOWN: "down",
    LinkState.ENDED: "ended",
}


def milliseconds(nanoseconds: float) -> str:
    """A latency for the screen: ``0.12 ms``, ``4.5 ms``, ``1.2 s``."""
    ms = nanoseconds / 1e6
    if ms >= 1_000:
        return f"{ms / 1_000:.1f} s"
    return f"{ms:.2f} ms" if ms < 1 else f"{ms:.1f} ms"


def state_colour(state: LinkState, t: Tokens) -> str:
    """The colour that goes with a state's word."""
    if state is LinkState.UP:
        return t.good.name()
    return t.danger.name() if state is LinkState.DOWN else t.warning.name()


class ElidedLabel(QLabel):
    """One line of plain text that takes what room there is; the tool tip has all of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def minimumSizeHint(self) -> QSize:
        """As narrow as need be."""
        return QSize(0, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """What fits, with dots where it was cut."""
        painter = QPainter(self)
        line = self.text().replace("\n", " ")
        text = self.fontMetrics().elidedText(line, Qt.TextElideMode.ElideRight, self.width() - 4)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        painter.drawText(self.rect().adjusted(4, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, text)
        painter.end()


class Sources(QLabel):
    """The venues and feeds; a click asks for what differs between them and us."""

    clicked = Signal()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click within it."""
        super().mouseReleaseEvent(event)
        within = self.rect().contains(event.position().toPoint())
        if within and event.button() is Qt.MouseButton.LeftButton:
            self.clicked.emit()


class StatusBar(QStatusBar):
    """The window's bottom line.

    Signals:
        differences_asked(): show where our books and the venues' differ.
    """

    differences_asked = Signal()

    def __init__(self, stores: Stores, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stores = stores
        self._written = 0.0
        self.connection = self._label("Connection to the engine")
        self.sources = Sources(self)
        self._place(self.sources, "Sources of market data")
        self.sources.clicked.connect(self.differences_asked)
        self.differences = QPushButton(self)
        self.differences.setFlat(True)
        self.differences.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.differences.clicked.connect(self.differences_asked)
        self.addPermanentWidget(self.differences)
        self.differences.hide()
        self._differed = (-1, -1)
        self.engine = self._label("Engine and order latency")
        self.frames = self._label("Frames of this screen")
        self.message = ElidedLabel(self)
        self.message.setAccessibleName("Newest message")
        self.addWidget(self.message, 1)
        self._message_until = 0.0
        self._was_connected = False
        self._connected = False
        self._word = self._said = self._halted = ""
        self._severity = Severity.INFO
        self._show_word()
        self.setSizeGripEnabled(False)

    def _label(self, name: str) -> QLabel:
        label = QLabel(self)
        self._place(label, name)
        return label

    def _place(self, label: QLabel, name: str) -> None:
        label.setAccessibleName(name)
        label.setContentsMargins(6, 0, 6, 0)
        self.addPermanentWidget(label)

    def say(self, text: str, severity: Severity = Severity.INFO) -> None:
        """Show a sentence for a while; it is spoken to screen readers and never takes focus."""
        self._severity = severity
        self._colour_message()
        mark = {Severity.INFO: "", Severity.WARNING: "⚠ "}.get(severity, "✖ ")
        self.message.setText(f"{mark}{text}")
        self.message.setToolTip(text)
        self._message_until = time.monotonic() + SHOWN_MS.get(severity, 30_000) / 1e3
        if QAccessible.isActive():
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def _colour_message(self) -> None:
        t = tokens()
        colour = {Severity.INFO: t.text, Severity.WARNING: t.warning}.get(self._severity, t.danger)
        palette = self.message.palette()
        palette.setColor(QPalette.ColorRole.WindowText, colour)
        self.message.setPalette(palette)

    def say_order(self, update: OrderUpdate) -> None:
        """Say what a trader wants to hear of an order: fills, refusals, cancels."""
        order = update.order
        instrument = self._stores.instruments.get(order.instrument)
        if instrument is None:
            return
        side = SIDE_WORDS[order.side]
        if update.exec_type is ExecType.TRADE:
            quantity = format_qty(update.last_qty, instrument)
            price = format_price(update.last_price, instrument)
            word = STATUS_WORDS[order.status].lower()
            self.say(f"{side} {quantity} {instrument.symbol} @ {price} ({word})")
        elif update.exec_type in (ExecType.REJECTED, ExecType.DENIED):
            self.say(refusal_sentence(order), Severity.WARNING)
        elif update.exec_type is ExecType.CANCELED:
            self.say(f"Cancelled: {order_sentence(order, instrument)}")
        elif order.status is OrdStatus.UNKNOWN:
            self.say(
                f"Not known whether this order works: {order_sentence(order, instrument)}",
                Severity.ERROR,
            )

    def changeEvent(self, event: QEvent) -> None:
        """Say the same in the new colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_severity"):
            self._written = 0.0
            self._differed = (-1, -1)
            self._colour_message()
            self._show_word()

    def _show_word(self) -> None:
        t = tokens()
        colour = t.good if self._connected and not self._halted else t.danger
        away = "TRADING FROZEN" if self._was_connected else "Engine starting"
        here = "TRADING HALTED" if self._halted else "Engine up"
        word = self._word or (here if self._connected else away)
        self.connection.setText(f'<span style="color:{colour.name()}">● {word}</span>')
        self.connection.setToolTip(self._halted or self._said)

    def show_connection(self, connected: bool, text: str, word: str = "") -> None:
        """The engine answers, or trading is frozen and why; `word` overrides the usual one."""
        self._connected, self._word, self._said = connected, word, text
        self._show_word()
        if connected:
            self.message.clear()
        elif self._was_connected:
            self.say(text, Severity.ERROR)
        self._was_connected = self._was_connected or connected

    def flush(self, measure: Callable[[], tuple[float, float, float]]) -> None:
        """Write the figures, at most four times a second.

        Args:
            measure: tells frames a second, 99th percentile of their interval and median cost (ms).
        """
        now = time.monotonic()
        if now - self._written < WRITE_EVERY:
            return
        self._written = now
        if self._message_until and now > self._message_until:
            self.message.clear()
            self._message_until = 0.0
        t = tokens()
        self._show_halt()
        self._show_differences(t)
        self._show_sources(t)
        self.sources.setToolTip("\n".join(self._source_tip(s) for s in self._stores.sources))
        engine = self._stores.engine
        parts = [f"orders {milliseconds(engine.round_trip_p50)}"] if engine.round_trip_p50 else []
        events = f"{engine.events:,.0f}" if self._stores.connected else NOTHING
        parts.append(f"{events} ev/s")
        if engine.errors:
            parts.append(f"{engine.errors} errors")
        self.engine.setText(" · ".join(parts))
        behind = engine.records_behind
        self.engine.setToolTip(
            f"Order round trip p50 {milliseconds(engine.round_trip_p50)}, "
            f"p99 {milliseconds(engine.round_trip_p99)}\n"
            f"Decision in the engine p50 {milliseconds(engine.decide_p50)}, "
            f"p99 {milliseconds(engine.decide_p99)}\n"
            f"Journal {engine.journal_bytes / 1e6:,.1f} MB, memory {engine.rss / 1e6:,.0f} MB\n"
            f"Records behind by {behind if behind >= 0 else NOTHING} entries"
        )
        rate, p99, cost = measure()
        self.frames.setText(f"{rate:.0f} fps · p99 {p99:.0f} ms" if rate else NOTHING)
        self.frames.setToolTip(f"A frame costs {cost:.1f} ms at the median")

    def _show_halt(self) -> None:
        """An engine that cannot write its journal is up and trades nothing."""
        journal = self._stores.links.get(JOURNAL)
        down = journal is not None and journal.state is LinkState.DOWN
        halted = journal.text if journal is not None and down else ""
        if halted != self._halted:
            self._halted = halted
            self._show_word()

    def _show_differences(self, t: Tokens) -> None:
        """How many differences with venues stand; nothing while there were none at all."""
        board = self._stores.differences
        if self._differed == (board.epoch, board.version):
            return
        self._differed = (board.epoch, board.version)
        count = standing(self._stores)
        self.differences.setVisible(len(board) > 0)
        self.differences.setText(f"⚠ {count} differ" if count else f"≠ {len(board)} resolved")
        words = f"{count} differences with venues stand; {len(board)} were found. Click to see."
        self.differences.setToolTip(words)
        self.differences.setAccessibleName(words)
        palette = self.differences.palette()
        palette.setColor(QPalette.ColorRole.ButtonText, t.danger if count else t.text)
        self.differences.setPalette(palette)

    def _show_sources(self, t: Tokens) -> None:
        """As much of each source as there is room for: the rate goes first, then the age."""
        sources = list(self._stores.sources)
        others = (self.connection, self.engine, self.frames, self.differences)
        taken = sum(w.sizeHint().width() for w in others if not w.isHidden())
        room = self.width() - taken - MESSAGE_ROOM
        for detail in (2, 1, 0):
            texts = [self._source(s, t, detail) for s in sources]
            plain = "  ".join(f"● {text}" for _, text in texts)
            if self.fontMetrics().horizontalAdvance(plain) <= room:
                break
        shown = (f'<span style="color:{c}">●</span> {escape(text)}' for c, text in texts)
        self.sources.setText("&nbsp; ".join(shown))

    def _source(self, source: SourceView, t: Tokens, detail: int) -> tuple[str, str]:
        """Colour of the dot, and the words: state, then age, then events a second."""
        if not self._stores.connected:  # nobody tells us any more
            return t.dim.name(), f"{source.source} {NOTHING}"
        text = f"{source.source} {STATE_WORDS[source.state]}"
        if source.state is LinkState.UP:
            if detail > 0 and self._stores.mode is not Mode.REPLAY:
                text += f" {milliseconds(source.age_p50)}"
            if detail > 1:
                text += f" {source.rate:,.0f}/s"
        return state_colour(source.state, t), text

    def _source_tip(self, source: SourceView) -> str:
        return (
            f"{source.source}: {STATE_WORDS[source.state]}. {source.text} Data age p50 "
            f"{milliseconds(source.age_p50)}, p99 {milliseconds(source.age_p99)}; "
            f"{source.rate:,.0f} events/s"
        )
