"""The Buy and the Sell button: the whole order as a sentence, sent once by a deliberate press.

The order is taken, and its id made, at mouse-down; it is sent at mouse-up on the same button if
it is still the same order. A press right after the sentence changed only flashes. Where a soft
rule speaks against the order, the button must be held.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from core.model.commands import NewOrder, NewOrderList
from core.model.enums import Side
from core.model.ids import IdMaker
from widgets.brackets import entry_of, named
from widgets.clock import Clock
from widgets.colors import mix, readable_on
from widgets.theme import tokens
from widgets.words import SIDE_WORDS

CHANGE_GUARD = 300_000_000
"""A press this soon (ns) after the sentence changed only flashes."""

HOLD_TIME = 800_000_000
"""How long (ns) the button is held where a soft rule speaks against the order."""

_FRAME_MS = 25


class SendButton(QAbstractButton):
    """Sends one side of the ticket's order.

    Attributes:
        side: what the button does.
        order: the order it would send, or None.
        hold: must the press last `HOLD_TIME`?

    Signals:
        wished(object): the order, or list of orders, to send, with ids.
    """

    wished = Signal(object)

    def __init__(
        self, side: Side, ids: IdMaker, clock: Clock, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.side = side
        self.order: NewOrder | NewOrderList | None = None
        self.hold = False
        self.drafted = False
        self.flashing = False
        self._ids = ids
        self._clock = clock
        self._title = SIDE_WORDS[side]
        self._terms = ""
        self._changed = clock.monotonic()
        self._pressed: NewOrder | NewOrderList | None = None
        self._since = 0
        self._flash_until = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_FRAME_MS)
        self._timer.timeout.connect(self._holding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self._title)
        self.setEnabled(False)

    # -- for the ticket ----------------------------------------------------------------------

    def show_order(
        self,
        order: NewOrder | NewOrderList | None,
        words: tuple[str, str],
        allowed: bool,
        hold: bool,
    ) -> None:
        """Show this order; `allowed` says whether it may be sent, `hold` how.

        `words` are the sentence, side with quantity and the rest. A press counts for the order as
        it is then: one whose sentence stays the same may change meanwhile, as the stop behind a
        market order does with each price.
        """
        same = self.order is not None and order is not None
        same = same and entry_of(self.order) == entry_of(order)
        self.order = order
        if order is None:
            words = (SIDE_WORDS[self.side], "")
        if words != (self._title, self._terms) or (order is not None and not same):
            self._title, self._terms = words
            self._changed = self._clock.monotonic()
            self._drop()
            self.setAccessibleName(self.sentence)
            self.update()
        if hold is not self.hold:
            self.hold = hold
            self._drop()
        may = allowed and order is not None
        if may is not self.isEnabled():
            self._drop()
            self.setEnabled(may)

    def set_drafted(self, drafted: bool) -> None:
        """Is this the side of a draft?"""
        if drafted is not self.drafted:
            self.drafted = drafted
            self.update()

    def settle(self) -> None:
        """Let a flash fade; called once a frame."""
        if self.flashing and self._clock.monotonic() >= self._flash_until:
            self.flashing = False
            self.update()

    @property
    def sentence(self) -> str:
        """What stands on the button."""
        return f"{self._title} {self._terms}".strip()

    # -- Qt ----------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        lines = self.fontMetrics().lineSpacing()
        return QSize(130, round(lines * 4.2) + 10)

    def minimumSizeHint(self) -> QSize:
        return QSize(90, self.sizeHint().height())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()
        if event.button() is Qt.MouseButton.LeftButton:
            self._begin()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()
        if event.button() is Qt.MouseButton.LeftButton:
            self._end(self.rect().contains(event.position().toPoint()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """The second click of a double click is nobody's intent to send twice."""
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not self.rect().contains(event.position().toPoint()):
            self._drop()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if not event.isAutoRepeat():
                self._begin()
            event.accept()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if not event.isAutoRepeat():
                self._end(True)
            event.accept()
        else:
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._drop()
        super().focusOutEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._drop()
        super().hideEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        t = tokens()
        color = t.bid if self.side is Side.BUY else t.ask
        live = self.isEnabled()
        fill = color if live else mix(color, t.panel, 0.10)
        if live and self.isDown():
            fill = mix(QColor("black"), fill, 0.22)
        elif live and self.underMouse():
            fill = mix(QColor("white"), fill, 0.10)
        if self.flashing:
            fill = t.warning
        text = readable_on(fill, QColor("white"), QColor("black")) if live else t.dim
        if self.flashing:
            text = readable_on(fill, QColor("black"), QColor("white"))
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        edge = QPen(t.accent if self.hasFocus() else mix(color, t.panel, 0.6), 1)
        if self.hasFocus():
            edge.setWidth(2)
        if self.drafted:
            edge = QPen(t.text, 2, Qt.PenStyle.DashLine)
        painter.setPen(edge)
        painter.setBrush(fill)
        painter.drawRoundedRect(box, 4, 4)
        if self._timer.isActive():
            done = min((self._clock.monotonic() - self._since) / HOLD_TIME, 1.0)
            bar = QRectF(box.left() + 2, box.bottom() - 6, (box.width() - 4) * done, 4)
            painter.fillRect(bar, text)
        self._write(painter, box.adjusted(5, 3, -5, -3), text)
        painter.end()

    def _write(self, painter: QPainter, box: QRectF, color: QColor) -> None:
        font = QFont(self.font())
        font.setBold(True)
        font.setPointSizeF(max(font.pointSizeF(), 1.0) * 1.1)
        while (
            font.pointSizeF() > 6.5
            and QFontMetricsF(font).horizontalAdvance(self._title) > box.width()
        ):
            font.setPointSizeF(font.pointSizeF() - 0.5)  # a quantity is never cut
        painter.setPen(color)
        painter.setFont(font)
        high = painter.fontMetrics().lineSpacing()
        flags = Qt.AlignmentFlag.AlignHCenter
        if not self._terms:
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._title)
            return
        painter.drawText(QRectF(box.left(), box.top(), box.width(), high), flags, self._title)
        terms = "Hold: " + self._terms if self.hold and self.isEnabled() else self._terms
        terms = terms.replace("@ ", "@\u00a0")
        rest = QRectF(box.left(), box.top() + high, box.width(), box.height() - high)
        wrap = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
        plain = QFont(self.font())
        size = plain.pointSizeF()
        while size > 6.5:
            plain.setPointSizeF(size)
            painter.setFont(plain)
            if painter.boundingRect(rest, wrap, terms).height() <= rest.height():
                break
            size -= 0.5
        painter.drawText(rest, wrap, terms)

    # -- pressing ----------------------------------------------------------------------------

    def _begin(self) -> None:
        now = self._clock.monotonic()
        if self.order is None or self._pressed is not None:
            return
        if now - self._changed < CHANGE_GUARD:
            self.flashing, self._flash_until = True, now + CHANGE_GUARD
            self.update()
            return
        self._pressed = named(self.order, self._ids.next)
        self._since = now
        self.setDown(True)
        if self.hold:
            self._timer.start()

    def _end(self, inside: bool) -> None:
        pressed, hold = self._pressed, self.hold
        self._drop()
        if pressed is not None and inside and not hold:
            self.wished.emit(pressed)

    def _holding(self) -> None:
        self.update()
        pressed = self._pressed
        if pressed is not None and self._clock.monotonic() - self._since >= HOLD_TIME:
            self._drop()
            self.wished.emit(pressed)

    def _drop(self) -> None:
        """Forget a press; nothing is sent."""
        self._pressed = None
        if self._timer.isActive():
            self._timer.stop()
        if self.isDown():
            self.setDown(False)
        self.update()
