"""The risk panel: what the account may do, how much of each limit is used, re-arming."""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal
from html import escape
from typing import ClassVar

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from core.client.stores import Stores
from core.model.commands import CancelAll, Flatten, SetTradingState
from core.model.enums import TradingState
from core.model.ids import IdMaker
from widgets.panel import Panel, show_through
from widgets.risk.change import ChangeLimit
from widgets.risk.checklist import Checklist
from widgets.risk.limits import LimitTable
from widgets.risk.menu import RiskMenu
from widgets.theme import tokens
from widgets.words import format_money

MOST_LINES = 8
"""Lines of the list after a kill; failures come first."""

WORDS = {
    TradingState.ACTIVE: "ACTIVE",
    TradingState.REDUCING: "REDUCE ONLY",
    TradingState.HALTED: "HALTED",
}


def denied_words(denials: Mapping[str, int]) -> str:
    """How many orders and changes were denied, by control, the most frequent first."""
    most = sorted(denials.items(), key=lambda item: (-item[1], item[0]))
    parts = ", ".join(f"{count:,} {code}" for code, count in most)
    return f"Denied so far, in all accounts: {sum(denials.values()):,} ({parts})"


class RiskPanel(Panel):
    """The engine enforces; this panel shows, and asks for changes."""

    KIND: ClassVar[str] = "risk"
    TITLE: ClassVar[str] = "Risk"

    def __init__(self, stores: Stores, ids: IdMaker, parent: QWidget | None = None) -> None:
        super().__init__(stores, parent)
        self._ids = ids
        self._version = -1
        self._profit_versions = (-1, -1)
        self.state = QLabel(self)
        self.state.setAccessibleName("Trading state")
        self.state.setWordWrap(True)
        self.profit = QLabel(self)
        self.profit.setAccessibleName("Profit and cash")
        self.profit.setWordWrap(True)
        self.confirm = QLineEdit(self)
        self.confirm.setAccessibleName("Account name to re-arm")
        self.confirm.textChanged.connect(self._on_confirm)
        self.rearm = QPushButton("&Re-arm", self)
        self.rearm.setAccessibleName("Re-arm trading")
        self.rearm.clicked.connect(self._on_rearm)
        self.confirm.returnPressed.connect(self._on_enter)
        self._armed_row = QWidget(self)
        row = QHBoxLayout(self._armed_row)
        row.setContentsMargins(8, 0, 8, 4)
        row.addWidget(self.confirm, 1)
        row.addWidget(self.rearm)
        self.mistake = QLabel(self)
        self.mistake.setAccessibleName("What is wrong with the account name")
        self.mistake.setTextFormat(Qt.TextFormat.PlainText)
        self.mistake.setWordWrap(True)
        self.mistake.setContentsMargins(8, 0, 8, 4)
        self.mistake.hide()
        self._checklist = Checklist()
        self._check_versions = (-1, -1, -1, -1)
        self.denials = QLabel(self)
        self.denials.setAccessibleName("Orders that were denied, by control")
        self.denials.setTextFormat(Qt.TextFormat.PlainText)
        self.denials.setWordWrap(True)
        self.denials.setContentsMargins(8, 0, 8, 4)
        self.denials.hide()
        self._denied: dict[str, int] = {}
        self._check_box = QWidget(self)
        self.checks = QLabel(self._check_box)
        self.checks.setAccessibleName("What is left after the kill")
        self.checks.setWordWrap(True)
        self.checks.setTextFormat(Qt.TextFormat.RichText)
        self.retry_cancel = QPushButton(self._check_box)
        self.retry_cancel.setAccessibleName("Cancel the orders that are left")
        self.retry_cancel.clicked.connect(self._on_retry_cancel)
        self.retry_flatten = QPushButton(self._check_box)
        self.retry_flatten.setAccessibleName("Close the positions that are left")
        self.retry_flatten.clicked.connect(self._on_retry_flatten)
        box = QVBoxLayout(self._check_box)
        box.setContentsMargins(8, 0, 8, 4)
        box.addWidget(self.retry_cancel)
        box.addWidget(self.retry_flatten)
        box.addWidget(self.checks)
        self._check_box.hide()
        self.limits = LimitTable(stores, self)
        self.limits.change_asked.connect(self._on_change)
        self.menu = RiskMenu(
            self.limits,
            stores,
            ids,
            self.requested.emit,
            self.limits.ask_change,
            lambda: self.instrument,
        )
        self.limits.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.limits.customContextMenuRequested.connect(self.menu.open)
        # in a low panel everything below the state can be scrolled, nothing is cut
        inside = QWidget(self)
        below = QVBoxLayout(inside)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(4)
        below.addWidget(self._check_box)
        below.addWidget(self.profit)
        below.addWidget(self.limits)
        below.addWidget(self.denials)
        below.addStretch(1)
        scroll = QScrollArea(self)
        scroll.setWidget(inside)
        show_through(scroll)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll = scroll
        self.limits.row_chosen.connect(self._on_row_chosen)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.state)
        layout.addWidget(self._armed_row)
        layout.addWidget(self.mistake)
        layout.addWidget(scroll, 1)
        self._show_state()

    def set_account(self, account: str) -> None:
        """Show this account."""
        super().set_account(account)
        self.limits.account = account
        self.confirm.clear()
        self._version = -1
        self._check_versions = (-1, -1, -1, -1)
        self._profit_versions = (-1, -1)

    def wants(self) -> dict[str, set[str]]:
        """Quotes of everything held, to value it."""
        return {"quotes": {p.instrument for p in self.stores.positions if p.qty}}

    def flush(self) -> None:
        """Take in states, limits and profits."""
        self.limits.refresh()
        if self.stores.accounts.version != self._version:
            self._version = self.stores.accounts.version
            self._show_state()
        self._look_after_kill()
        if self.stores.engine.denials != self._denied:
            self._denied = self.stores.engine.denials
            self.denials.setText(denied_words(self._denied))
            self.denials.setVisible(bool(self._denied))
        versions = (self.stores.positions.version, self.stores.tickers.version)
        if versions != self._profit_versions:
            if versions[0] != self._profit_versions[0]:
                self.subscription_changed.emit()
            self._profit_versions = versions
            self._show_profit()

    def changeEvent(self, event: QEvent) -> None:
        """Show in the new colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "state"):
            self._show_state()
            self._show_profit()
            self._check_versions = (-1, -1, -1, -1)

    def _show_state(self) -> None:
        t = tokens()
        state = self.stores.accounts.get(self.account)
        if state is None:
            self.state.setText("No account yet.")
            self._armed_row.hide()
            self.mistake.hide()
            return
        active = state.state is TradingState.ACTIVE
        colour = t.good if active else t.warning
        if state.state is TradingState.HALTED:
            colour = t.danger
        reason = f" — {state.reason}" if state.reason and not active else ""
        self.state.setText(
            f'<b style="color:{colour.name()}">{WORDS[state.state]}</b> '
            f"{escape(self.account)}{escape(reason)}"
        )
        self.state.setContentsMargins(8, 0, 8, 0)
        self.profit.setContentsMargins(8, 0, 8, 4)
        self.confirm.setPlaceholderText(f"Type {self.account} to re-arm")
        self._armed_row.setVisible(not active)
        if active:
            self.confirm.clear()  # what was half typed is not for the next kill
        self._on_confirm()

    def _look_after_kill(self) -> None:
        s = self.stores
        versions = (s.orders.version, s.positions.version, s.accounts.version, s.notice_count)
        if versions == self._check_versions:
            return
        self._check_versions = versions
        there = self._checklist.look(s, self.account)
        self._check_box.setVisible(there)
        if there:
            self._show_checklist()

    def _show_checklist(self) -> None:
        t = tokens()
        items = self._checklist.items(self.stores)
        lines = []
        for item in items[:MOST_LINES]:
            mark = "✓" if item.done else "✖" if item.failed else "…"
            colour = t.dim if item.done else t.danger if item.failed else t.text
            lines.append(f'<span style="color:{colour.name()}">{mark} {escape(item.text)}</span>')
        if len(items) > MOST_LINES:
            lines.append(f"… and {len(items) - MOST_LINES} more")
        self.checks.setText("<br>".join(lines))
        working, held = self._checklist.working(self.stores), self._checklist.held(self.stores)
        level = self._checklist.level
        self.retry_cancel.setVisible(working > 0)
        self.retry_flatten.setVisible(held > 0)
        orders = f"{working} order{'' if working == 1 else 's'}"
        self.retry_cancel.setText(f"{'Retry: cancel' if level > 1 else 'Cancel'} {orders}")
        positions = f"{held} position{'' if held == 1 else 's'}"
        self.retry_flatten.setText(f"{'Retry: flatten' if level > 2 else 'Flatten'} {positions}")

    def _on_retry_cancel(self) -> None:
        self.requested.emit(CancelAll(self._ids.next(), self.account, ts=time.time_ns()))

    def _on_retry_flatten(self) -> None:
        self.requested.emit(Flatten(self._ids.next(), self.account, ts=time.time_ns()))

    def _on_row_chosen(self, top: int) -> None:
        top += self.limits.y()
        self._scroll.ensureVisible(0, top + self.limits.row_height() // 2, 0, 40)

    def _show_profit(self) -> None:
        t = tokens()
        state = self.stores.accounts.get(self.account)
        lines = []
        for currency, (realised, opened, unknown) in sorted(self._by_currency().items()):
            total = realised + opened
            colour = (t.up if total >= 0 else t.down).name()
            mark = " (some prices unknown)" if unknown else ""
            lines.append(
                f'P&amp;L <b style="color:{colour}">{format_money(total, currency)}</b> '
                f"(closed {format_money(realised)}, open {format_money(opened)}){mark}"
            )
        if state is not None:
            cash = ", ".join(
                format_money(amount, currency, signed=False)
                for currency, amount in sorted(state.cash.items())
            )
            lines.append(f"Cash {cash}")
        self.profit.setText("<br>".join(lines))

    def _by_currency(self) -> dict[str, tuple[Decimal, Decimal, bool]]:
        sums: dict[str, tuple[Decimal, Decimal, bool]] = {}
        for position in self.stores.positions:
            if position.account != self.account or not position.whole:
                continue
            instrument = self.stores.instruments.get(position.instrument)
            realised = self.stores.realised_profit(position)
            if instrument is None or realised is None:
                continue
            opened = self.stores.open_profit(position)
            before = sums.get(instrument.currency, (Decimal(0), Decimal(0), False))
            sums[instrument.currency] = (
                before[0] + realised,
                before[1] + (opened or Decimal(0)),
                before[2] or opened is None,
            )
        return sums

    def _on_confirm(self) -> None:
        typed = self.confirm.text().strip()
        self.rearm.setEnabled(bool(self.account) and typed == self.account)
        self._tell_mistake(not self.account.startswith(typed))

    def _on_enter(self) -> None:
        if self.rearm.isEnabled():
            self.rearm.click()
        else:
            self._tell_mistake(True)

    def _tell_mistake(self, wrong: bool) -> None:
        """Say why the button stays shut; not while what is typed may still become the name."""
        typed = self.confirm.text().strip()
        begun = f"“{typed}” is not the account's name" if typed else "No name is typed"
        wrong = wrong and not self._armed_row.isHidden()
        self.mistake.setStyleSheet(f"color:{tokens().danger.name()}")
        self.mistake.setText(
            f"{begun}. To re-arm type {self.account}, exactly so." if wrong else ""
        )
        self.mistake.setVisible(wrong)

    def _on_rearm(self) -> None:
        self.requested.emit(
            SetTradingState(
                self._ids.next(),
                self.account,
                TradingState.ACTIVE,
                "re-armed by the trader",
                ts=time.time_ns(),
            )
        )
        self.confirm.clear()

    def _on_change(self, key: str) -> None:
        use = self.stores.limits.get(key)
        if use is not None:
            dialog = ChangeLimit(use, self._ids, self)
            dialog.requested.connect(self.requested)
            dialog.show()  # not modal: the kill switch stays within reach
