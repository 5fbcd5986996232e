"""The kill switch: press stops opening orders and strategies, hold 1 s cancels, 2 s flattens."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QWidget

from core.client.stores import Stores
from core.model.commands import Kill
from core.model.enums import Source, TradingState
from core.model.ids import IdMaker
from widgets.theme import tokens

HOLD_CANCEL = 1.0
HOLD_FLATTEN = 2.0
LABELS = {0: "KILL", 1: "KILLED…", 2: "CANCELLED…", 3: "FLATTENING"}


class KillButton(QPushButton):
    """Always visible, never disabled.

    The first level goes out at mouse-down, so that nothing is lost by letting go. Enter or Space
    do the first level too.

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

    def killed(self) -> bool:
        """Is the account not free to open positions?"""
        state = self._stores.accounts.get(self._account)
        return state is not None and state.state is not TradingState.ACTIVE

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
        self.setText(LABELS[0])
        self.update()

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
        base = t.danger if not self.isDown() else t.danger.darker(120)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(base)
        painter.drawRoundedRect(area, 4, 4)
        if self._timer.isActive():
            part = min(1.0, (time.monotonic() - self._since) / HOLD_FLATTEN)
            painter.setBrush(t.danger.darker(160))
            painter.drawRoundedRect(
                QRectF(area.x(), area.y(), area.width() * part, area.height()), 4, 4
            )
        font = self.font()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor("#16090b") if t.dark else QColor("#ffffff"))
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, self.text())
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(t.text)
            painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), 3, 3)

    def sizeHint(self) -> QSize:
        """Wide enough for its longest label, so that nothing jumps while it is held."""
        hint = super().sizeHint()
        widest = max(self.fontMetrics().horizontalAdvance(f"  {x}  ") for x in LABELS.values())
        hint.setWidth(max(96, widest))
        return hint
