"""The strategies panel: a row each with its switch, and above them what they propose."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from core.client.stores import Stores
from core.model.commands import AnswerDraft, SetStrategyMode, SetStrategyParams
from core.model.enums import StrategyMode
from core.model.ids import IdMaker
from widgets.panel import Panel, show_through
from widgets.strategies.drafts import DraftCard
from widgets.strategies.row import StrategyRow


class _Seen(NamedTuple):
    """Versions of the boards that the panel shows."""

    strategies: int = -1
    drafts: int = -1
    positions: int = -1
    orders: int = -1
    tickers: int = -1
    refusals: int = -1
    connected: bool = False


_NOTHING_SEEN = _Seen()


class StrategiesPanel(Panel):
    """Switches and drafts; the engine decides, the panel shows."""

    KIND: ClassVar[str] = "strategies"
    TITLE: ClassVar[str] = "Strategies"

    def __init__(self, stores: Stores, ids: IdMaker, parent: QWidget | None = None) -> None:
        super().__init__(stores, parent)
        self._ids = ids
        self._seen = _NOTHING_SEEN
        self._epochs = (-1, -1)
        self._asked: dict[str, Callable[[str], None]] = {}
        self.rows: dict[str, StrategyRow] = {}
        self.cards: dict[str, DraftCard] = {}
        self._drafts = QVBoxLayout()
        self._drafts.setSpacing(4)
        self._list = QVBoxLayout()
        self._list.setSpacing(0)
        self._empty = QLabel("No strategies yet.", self)
        self._empty.setContentsMargins(8, 8, 8, 8)
        inside = QWidget(self)
        column = QVBoxLayout(inside)
        column.setContentsMargins(4, 4, 4, 4)
        column.addLayout(self._drafts)
        column.addWidget(self._empty)
        column.addLayout(self._list)
        column.addStretch(1)
        scroll = QScrollArea(self)
        scroll.setWidget(inside)
        show_through(scroll)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)

    def wants(self) -> dict[str, set[Any]]:
        """Quotes of the strategies' instruments, to value what they hold."""
        return {"quotes": {s.instrument for s in self.stores.strategies if s.instrument}}

    def flush(self) -> None:
        """Take in strategies, drafts, positions."""
        s = self.stores
        epochs = (s.strategies.epoch, s.drafts.epoch)
        if epochs != self._epochs:
            self._epochs = epochs
            self._forget()
        before = self._seen
        seen = self._seen = _Seen(
            s.strategies.version,
            s.drafts.version,
            s.positions.version,
            s.orders.version,
            s.tickers.version,
            s.refusals.version,
            s.connected,
        )
        if seen.strategies != before.strategies:
            self._take_rows()
        if seen.drafts != before.drafts:
            self._take_drafts(before.drafts)
        if seen._replace(drafts=0, refusals=0) != before._replace(drafts=0, refusals=0):
            for row in self.rows.values():
                row.refresh()
        if seen.refusals != before.refusals:
            self._take_refusals()
        for card in self.cards.values():
            card.setEnabled(s.connected)  # nobody is there to take an answer
            card.count_down()

    def _forget(self) -> None:
        for widget in (*self.rows.values(), *self.cards.values()):
            widget.hide()
            widget.deleteLater()
        self.rows.clear()
        self._asked.clear()
        self.cards.clear()
        self._seen = _NOTHING_SEEN

    def _take_rows(self) -> None:
        for state in self.stores.strategies:
            if state.strategy not in self.rows:
                row = StrategyRow(state.strategy, self.stores, self)
                row.mode_asked.connect(self._on_mode)
                row.params_asked.connect(self._on_params)
                self.rows[state.strategy] = row
                self._list.addWidget(row)
                self.subscription_changed.emit()
        self._empty.setVisible(not self.rows)

    def _take_drafts(self, since: int) -> None:
        drafts = self.stores.drafts
        for draft in [drafts[name] for name in drafts.changed_since(since)]:
            card = self.cards.get(draft.draft)
            if draft.answer:
                if card is not None:
                    del self.cards[draft.draft]
                    if card.has_keys:
                        # not to another card: an Enter meant for this one would send that order
                        self._focus_row(draft.strategy)
                    card.hide()
                    card.deleteLater()
                if draft.answer == "expired" and draft.strategy in self.rows:
                    self.rows[draft.strategy].expired(draft.expires)
            elif card is None:
                if draft.strategy in self.rows:
                    self.rows[draft.strategy].expired(0)
                card = DraftCard(draft, self.stores, self)
                card.answered.connect(self._on_answer)
                self.cards[draft.draft] = card
                self._drafts.addWidget(card)

    def _take_refusals(self) -> None:
        for name in [n for n in self._asked if n in self.stores.refusals]:
            self._asked.pop(name)(self.stores.refusals[name].text)

    def _on_mode(self, strategy: str, mode: StrategyMode, on_position: str) -> None:
        name = self._ids.next()
        self._asked[name] = self.rows[strategy].refused
        self.requested.emit(SetStrategyMode(name, strategy, mode, on_position, ts=time.time_ns()))

    def _on_params(self, strategy: str, params: dict[str, str]) -> None:
        form = self.rows[strategy].form
        if form is None:
            return
        name = self._ids.next()
        self._asked[name] = form.refused
        self.requested.emit(SetStrategyParams(name, strategy, params, ts=time.time_ns()))

    def _focus_row(self, strategy: str) -> None:
        row = self.rows.get(strategy)
        if row is not None:
            row.focus_switch()

    def _on_answer(self, draft: str, accept: bool) -> None:
        answered = self.cards.get(draft)
        if answered is not None:
            cards = list(self.cards.values())
            place = cards.index(answered)
            waiting = [c for c in (*cards[place:], *cards[:place]) if not c.done]
            if waiting:
                waiting[0].take_over()
            else:
                self._focus_row(answered.draft.strategy)
        self.requested.emit(AnswerDraft(self._ids.next(), draft, accept, ts=time.time_ns()))
