"""One line for everything a trader must be able to trust: sources, ages, engine, frames.

Figures are written four times a second; words and colours say the same thing twice.
"""

from __future__ import annotations

import time

from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QStatusBar, QWidget

from core.client.stores import Stores
from core.model.enums import ExecType, LinkState, Mode, OrdStatus, Severity
from core.model.orders import OrderUpdate
from core.model.session import SourceView
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


class StatusBar(QStatusBar):
    """The window's bottom line."""

    def __init__(self, stores: Stores, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stores = stores
        self._written = 0.0
        self.connection = self._label("Connection to the engine")
        self.sources = self._label("Sources of market data")
        self.engine = self._label("Engine and order latency")
        self.frames = self._label("Frames of this screen")
        self.message = QLabel(self)
        self.message.setAccessibleName("Newest message")
        # a long sentence is cut at the window's edge; it never makes the window wider
        self.message.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.addWidget(self.message, 1)
        self._message_until = 0.0
        self._was_connected = False
        self.setSizeGripEnabled(False)

    def _label(self, name: str) -> QLabel:
        label = QLabel(self)
        label.setAccessibleName(name)
        label.setContentsMargins(6, 0, 6, 0)
        self.addPermanentWidget(label)
        return label

    def say(self, text: str, severity: Severity = Severity.INFO) -> None:
        """Show a sentence for a while; it is spoken to screen readers and never takes focus."""
        t = tokens()
        colour = {Severity.INFO: t.text, Severity.WARNING: t.warning}.get(severity, t.danger)
        mark = {Severity.INFO: "", Severity.WARNING: "⚠ "}.get(severity, "✖ ")
        shown = text if len(text) <= 160 else f"{text[:157]}…"
        self.message.setText(f"{mark}{shown}")
        self.message.setToolTip(text)
        self.message.setStyleSheet(f"color:{colour.name()}")
        self._message_until = time.monotonic() + SHOWN_MS.get(severity, 30_000) / 1e3
        if QAccessible.isActive():
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

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

    def show_connection(self, connected: bool, text: str, word: str = "") -> None:
        """The engine answers, or trading is frozen and why; `word` overrides the usual one."""
        t = tokens()
        colour = t.good if connected else t.danger
        away = "TRADING FROZEN" if self._was_connected else "Engine starting"
        word = word or ("Engine up" if connected else away)
        self.connection.setText(f'<span style="color:{colour.name()}">● {word}</span>')
        self.connection.setToolTip(text)
        if connected:
            self.message.clear()
        elif self._was_connected:
            self.say(text, Severity.ERROR)
        self._was_connected = self._was_connected or connected

    def flush(self, frames: tuple[float, float, float]) -> None:
        """Write the figures, at most four times a second.

        Args:
            frames: frames a second, 99th percentile of their interval (ms), median cost (ms).
        """
        now = time.monotonic()
        if now - self._written < WRITE_EVERY:
            return
        self._written = now
        if self._message_until and now > self._message_until:
            self.message.clear()
            self._message_until = 0.0
        t = tokens()
        self.sources.setText("&nbsp;&nbsp;".join(self._source(s, t) for s in self._stores.sources))
        self.sources.setToolTip("\n".join(self._source_tip(s) for s in self._stores.sources))
        engine = self._stores.engine
        parts = [f"orders {milliseconds(engine.round_trip_p50)}"] if engine.round_trip_p50 else []
        events = f"{engine.events:,.0f}" if self._stores.connected else NOTHING
        parts.append(f"{events} ev/s")
        if engine.errors:
            parts.append(f"{engine.errors} errors")
        self.engine.setText(" · ".join(parts))
        self.engine.setToolTip(
            f"Order round trip p50 {milliseconds(engine.round_trip_p50)}, "
            f"p99 {milliseconds(engine.round_trip_p99)}\n"
            f"Decision in the engine p50 {milliseconds(engine.decide_p50)}, "
            f"p99 {milliseconds(engine.decide_p99)}\n"
            f"Journal {engine.journal_bytes / 1e6:,.1f} MB, memory {engine.rss / 1e6:,.0f} MB"
        )
        rate, p99, cost = frames
        self.frames.setText(f"{rate:.0f} fps · p99 {p99:.0f} ms")
        self.frames.setToolTip(f"A frame costs {cost:.1f} ms at the median")

    def _source(self, source: SourceView, t: Tokens) -> str:
        if not self._stores.connected:  # nobody tells us any more
            return f'<span style="color:{t.dim.name()}">● {source.source} {NOTHING}</span>'
        colour = state_colour(source.state, t)
        age = "" if self._stores.mode is Mode.REPLAY else f" {milliseconds(source.age_p50)}"
        return (
            f'<span style="color:{colour}">●</span> {source.source} '
            f"{STATE_WORDS[source.state]}{age if source.state is LinkState.UP else ''}"
        )

    def _source_tip(self, source: SourceView) -> str:
        return (
            f"{source.source}: {STATE_WORDS[source.state]}. {source.text} Data age p50 "
            f"{milliseconds(source.age_p50)}, p99 {milliseconds(source.age_p99)}; "
            f"{source.rate:,.0f} events/s"
        )
