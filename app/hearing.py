"""What of the engine's events the trader is told in words, on the status bar and in the log."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.desk import Desk
from core.model.enums import Severity
from core.model.events import CommandRefused, Draft, Notice
from core.model.orders import OrderUpdate
from widgets.status.bar import StatusBar
from widgets.strategies.texts import clock
from widgets.words import order_sentence


class Hearing(QObject):
    """Listens to the desk."""

    def __init__(self, desk: Desk, status: StatusBar, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk
        self._status = status
        desk.event_arrived.connect(self._on_event)

    def _on_event(self, event: object) -> None:
        if isinstance(event, Notice) and event.severity >= Severity.WARNING:
            self._status.say(event.text, event.severity)
        elif isinstance(event, CommandRefused):
            self._status.say(event.text, Severity.WARNING)
        elif isinstance(event, OrderUpdate):
            self._status.say_order(event)
        elif isinstance(event, Draft) and event.answer == "expired":
            self._expired(event)

    def _expired(self, draft: Draft) -> None:
        """A card that vanishes by itself leaves a line."""
        instrument = self._desk.stores.instruments.get(draft.order.instrument)
        what = order_sentence(draft.order, instrument) if instrument is not None else "an order"
        text = f"{draft.strategy}: signal expired {clock(draft.expires)}, unanswered: {what}"
        self._desk.say(Severity.INFO, text)
        self._status.say(text, Severity.INFO)
