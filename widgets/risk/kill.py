"""The kill switch: press stops opening orders and strategies, hold 1 s cancels, 2 s flattens."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QWidget

from core.client.stores import Stores
from core.model.commands import Kill
from core.model.enums import Source, TradingState
from core.model.ids import IdMaker
from widgets.colors import readable_on
from widgets.theme import tokens

HOLD_CANCEL = 1.0
HOLD_FLATTEN = 2.0
LABELS = {0: "KILL", 1: "KILLED…", 2: "CANCELLING…", 3: "FLATTENING…"}
STATES = {
    TradingState.ACTIVE: "KILL",
    TradingState.REDUCING: "KILLED",
    TradingState.HALTED: "HALTED",
}

WHITE, BLACK = QColor("#ffffff"), QColor("#16090b")
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class KillButton(QPushButton):
    """Always visible, never disabled.

    The first level goes out at mouse-down, so that nothing is lost by letting go. Enter or Space
    do the same; a key that repeats itself counts once. While the account is stopped the button
    says so and still works.

    Signals:
        requested(object): `Kill` commands, one for each level reached.
    """

    requested = Signal(object)

    def __init__(self, stores: Stores, ids: IdMaker, parent: QWidget | None = None) -> None:
        super().__init__("KILL", parent)
        self._stores = stores
        self._ids = ids
        self._account = ""
        self._level = 0
        self._since = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(30)
        self._timer.timeout.connect(self._hold)
        self.setObjectName("kill")
        self.setAccessibleName("Kill switch")
        self.setToolTip(
            "Press: stop all strategies and block opening orders (Ctrl+Shift+K).\n"
            "Hold 1 s: also cancel all orders. Hold 2 s: also flatten all positions."
        )
        self.setMinimumWidth(96)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.pressed.connect(self._press)
        self.released.connect(self._release)

    def set_account(self, account: str) -> None:
        """The account that the switch works on; empty means all."""
        self._account = account

    def trading_state(self) -> TradingState:
        """What the account may do; of all accounts the worst when none is set."""
        if self._account:
            state = self._stores.accounts.get(self._account)
            return state.state if state is not None else TradingState.ACTIVE
        states = {account.state for account in self._stores.accounts}
        for worst in (TradingState.HALTED, TradingState.REDUCING):
            if worst in states:
                return worst
        return TradingState.ACTIVE

    def refresh(self) -> None:
        """Show the account's state; called once a frame."""
        if self._level:
            return
        word = STATES[self.trading_state()]
        if word != self.text():
            self.setText(word)
            self.setAccessibleDescription(
                "" if word == STATES[TradingState.ACTIVE] else f"The account is {word.lower()}."
            )
            self.update()

    def _press(self) -> None:
        if self._timer.isActive():
            return
        self._since = time.monotonic()
        self._level = 0
        self._reach(1)
        self._timer.start()

    def _hold(self) -> None:
        held = time.monotonic() - self._since
        if held >= HOLD_FLATTEN and self._level < 3:
            self._reach(3)
            self._timer.stop()
        elif held >= HOLD_CANCEL and self._level < 2:
            self._reach(2)
        self.update()

    def _release(self) -> None:
        self._timer.stop()
        self._level = 0
        self.refresh()
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter is held like Space and the mouse button."""
        if event.key() not in _ENTER:
            super().keyPressEvent(event)
        elif not event.isAutoRepeat() and not self.isDown():
            self.setDown(True)
            self._press()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Let go."""
        if event.key() not in _ENTER:
            super().keyReleaseEvent(event)
        elif not event.isAutoRepeat() and self.isDown():
            self.setDown(False)
            self._release()

    def _reach(self, level: int) -> None:
        self._level = level
        self.setText(LABELS[level])
        self.requested.emit(
            Kill(
                self._ids.next(),
                level,
                self._account,
                Source.USER,
                reason="kill switch",
                ts=time.time_ns(),
            )
        )

    def changeEvent(self, event: QEvent) -> None:
        """Repaint in the new colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A red button; the held time fills it."""
        t = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        stopped = self.text() not in (LABELS[0], *LABELS.values())
        base = t.danger.darker(120) if self.isDown() or stopped else t.danger
        ink = readable_on(base, WHITE, BLACK)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(base)
        painter.drawRoundedRect(area, 4, 4)
        if self._timer.isActive():
            part = min(1.0, (time.monotonic() - self._since) / HOLD_FLATTEN)
            painter.setBrush(base.darker(150) if ink == WHITE else base.lighter(125))
            painter.drawRoundedRect(
                QRectF(area.x(), area.y(), area.width() * part, area.height()), 4, 4
            )
        font = self.font()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(ink)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, self.text())
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(t.text)
            painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), 3, 3)

    def sizeHint(self) -> QSize:
        """Wide enough for its longest label, so that nothing jumps while it is held."""
        hint = super().sizeHint()
        font = self.font()
        font.setBold(True)
        metrics = QFontMetrics(font)
        words = (*LABELS.values(), *STATES.values())
        widest = max(metrics.horizontalAdvance(f"  {word}  ") for word in words)
        hint.setWidth(max(96, widest))
        return hint
