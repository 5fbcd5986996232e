"""The table of limits: each a bar with what is used, the limit and what happens at it."""

from __future__ import annotations

from decimal import Decimal

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from core.client.stores import Stores, limit_key
from core.model.events import LimitUse
from core.model.limits import LIMIT_KINDS
from widgets.theme import tokens
from widgets.words import format_number

WARN_AT = Decimal("0.8")


def used_part(use: LimitUse) -> float:
    """How much of a limit is used, 0 to 1 (more when it is passed)."""
    return float(use.used / use.limit) if use.limit > 0 else (1.0 if use.used > 0 else 0.0)


def used_words(part: float) -> str:
    """The state of a limit: a word with each colour."""
    word = "REACHED: " if part >= 1 else "near: " if part >= float(WARN_AT) else ""
    return f"{word}{part * 100:.0f} % used"


def figure(value: Decimal, unit: str) -> str:
    """A limit's number with its unit."""
    places = 0 if value == value.to_integral_value() else 2
    text = format_number(value, places)
    return text if unit in ("money", "") else f"{text} {unit}"


def title(use: LimitUse) -> str:
    """What the trader calls this limit."""
    kind = LIMIT_KINDS.get(use.name)
    name = kind.title if kind is not None else use.name
    if use.scope == "account":
        return name
    return f"{name} · {use.scope_id or f'each {use.scope}'}"


GROUPS = ("loss", "position", "flow", "order")
"""In which order limits are shown: what hurts most comes first."""

_ORDER = {name: index for index, name in enumerate(LIMIT_KINDS)}


def place(use: LimitUse) -> tuple[int, int, str, str]:
    """Where a limit stands in the table."""
    kind = LIMIT_KINDS.get(use.name)
    group = GROUPS.index(kind.group) if kind is not None else len(GROUPS)
    scope = "" if use.scope == "account" else use.scope
    return group, _ORDER.get(use.name, 0), scope, use.scope_id


def plain_default(use: LimitUse) -> bool:
    """Is a limit on orders as the program sets it, with nothing used of it?"""
    kind = LIMIT_KINDS.get(use.name)
    return (
        kind is not None
        and kind.group in ("flow", "order")
        and use.scope == "account"
        and use.limit == kind.default
        and not use.used
        and not use.pending_at
        and use.base is None
    )


def tightened(use: LimitUse) -> str:
    """That the market made a limit smaller."""
    base = use.limit if use.base is None else use.base
    return f"tightened by the market from {figure(base, use.unit)}"


def row_words(use: LimitUse) -> str:
    """Everything about one limit."""
    kind = LIMIT_KINDS.get(use.name)
    lines = [
        f"{title(use)}: {figure(use.used, '')} of {figure(use.limit, use.unit)}, "
        f"{used_words(used_part(use))}",
        *([f"It is {tightened(use)}."] if use.base is not None else []),
        f"At 80 %: a warning. At 100 %: {use.action}.",
        *([kind.meaning] if kind is not None else []),
        "Double-click or Enter changes it; the context menu has more.",
    ]
    return "\n".join(lines)


class LimitTable(QWidget):
    """All limits, one painted row each; keyboard and mouse choose one to change.

    Those that the program sets by itself and of which nothing is used wait behind a last row that
    shows them.

    Signals:
        change_asked(str): the key of the limit that the trader wants to change.
        row_chosen(int): another row is current now; its top in pixels.
    """

    change_asked = Signal(str)
    row_chosen = Signal(int)

    def __init__(self, stores: Stores, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stores = stores
        self._keys: list[str] = []
        self._current = 0
        self._version = -1
        self._hidden = 0
        self._all = False
        self.account = ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Limits and their use")

    def refresh(self) -> bool:
        """Take in changed limits; True when something was repainted."""
        board = self._stores.limits
        if board.version == self._version:
            return False
        self._version = board.version
        uses = [u for u in board if u.scope != "account" or u.scope_id in ("", self.account)]
        shown = [use for use in uses if self._all or not plain_default(use)]
        hidden = sum(plain_default(use) for use in uses)
        keys = [limit_key(use) for use in sorted(shown, key=place)]
        if keys != self._keys or hidden != self._hidden:
            self._keys, self._hidden = keys, hidden
            self._current = min(self._current, max(0, self._rows() - 1))
            self.updateGeometry()
            self.setMinimumHeight(self.row_height() * self._rows())
        self._describe()
        self.update()
        return True

    def row_height(self) -> int:
        """Height of a row in pixels."""
        return QFontMetrics(self.font()).height() * 2 + 12

    def sizeHint(self) -> QSize:
        """All rows."""
        return QSize(240, self.row_height() * max(1, self._rows()))

    def _rows(self) -> int:
        return len(self._keys) + bool(self._hidden)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows."""
        painter = QPainter(self)
        height = self.row_height()
        for index, key in enumerate(self._keys):
            use = self._stores.limits.get(key)
            if use is not None:
                area = QRect(0, index * height, self.width(), height)
                self._paint_row(painter, area, use, index == self._current)
        if self._hidden:
            self._paint_more(painter, len(self._keys) * height)

    def _paint_more(self, painter: QPainter, top: int) -> None:
        t = tokens()
        area = QRect(0, top, self.width(), self.row_height())
        if self._current == len(self._keys) and self.hasFocus():
            painter.fillRect(area, t.raised)
        painter.setPen(t.dim)
        painter.drawText(area.adjusted(8, 4, -8, -4), Qt.AlignmentFlag.AlignLeft, self._more())

    def _more(self) -> str:
        limits = "limit" if self._hidden == 1 else "limits"
        if self._all:
            return f"▾ Hide {self._hidden} unused {limits} as set by the program"
        return f"▸ {self._hidden} more {limits}, unused and as set by the program"

    def _paint_row(self, painter: QPainter, area: QRect, use: LimitUse, current: bool) -> None:
        t = tokens()
        part = used_part(use)
        kind = LIMIT_KINDS.get(use.name)
        colour = t.danger if part >= 1 else t.warning if part >= float(WARN_AT) else t.accent
        if current and self.hasFocus():
            painter.fillRect(area, t.raised)
        inner = area.adjusted(8, 4, -8, -4)
        line = painter.fontMetrics().height()
        top = QRect(inner.x(), inner.y(), inner.width(), line)
        painter.setPen(t.text)
        metrics = painter.fontMetrics()
        figures = f"{figure(use.used, '')} / {figure(use.limit, use.unit)}"
        room = inner.width() - metrics.horizontalAdvance(figures) - 12
        beside = metrics.horizontalAdvance(title(use)) <= room
        name_room = room if beside else inner.width()
        name = metrics.elidedText(title(use), Qt.TextElideMode.ElideRight, name_room)
        painter.drawText(top, Qt.AlignmentFlag.AlignLeft, name)
        if beside:
            painter.drawText(top, Qt.AlignmentFlag.AlignRight, figures)
        bar = QRect(inner.x(), inner.y() + line + 2, inner.width(), 5)
        alone = kind is not None and kind.group == "order"
        if not alone:  # nothing is ever used of it between two orders
            painter.fillRect(bar, t.raised)
        filled = QRect(bar)
        filled.setWidth(int(bar.width() * min(1.0, max(0.0, part))))
        painter.fillRect(filled, colour)
        mark = bar.x() + int(bar.width() * float(WARN_AT))
        if not alone:
            painter.fillRect(QRect(mark, bar.y(), 1, bar.height()), t.dim)
        below = QRect(inner.x(), bar.bottom() + 2, inner.width(), line)
        if alone and kind is not None:
            text = kind.meaning
        else:
            text = f"{used_words(part)} · at 100 %: {use.action}"
        if use.base is not None:
            text = f"{tightened(use)} · {text}"
        if use.pending is not None:
            text = f"becomes {figure(use.pending, use.unit)} shortly · {text}"
        elif use.pending_at:
            text = f"is lifted shortly · {text}"
        if not beside:  # too narrow for both on one line: the figures matter more than the words
            text = figures
        elif metrics.horizontalAdvance(text) > inner.width() and not alone and not use.pending_at:
            text = used_words(part)
        painter.setPen(colour if part >= float(WARN_AT) else t.dim)
        elided = metrics.elidedText(text, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, elided)

    def event(self, event: QEvent) -> bool:
        """The tool tip of a row has all of its words."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            row = int(event.pos().y()) // self.row_height()
            use = self._stores.limits.get(self._keys[row]) if row < len(self._keys) else None
            QToolTip.showText(event.globalPos(), row_words(use) if use is not None else "", self)
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a row; the last one shows or hides more."""
        row = int(event.position().y()) // self.row_height()
        self._choose(row)
        if row == len(self._keys) and self._hidden and event.button() is Qt.MouseButton.LeftButton:
            self._ask()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Change the limit under the pointer."""
        self._choose(int(event.position().y()) // self.row_height())
        if self._current < len(self._keys):
            self._ask()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up, Down and Enter."""
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if step is not None:
            self._choose(self._current + step)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._ask()
        else:
            super().keyPressEvent(event)

    def _choose(self, row: int) -> None:
        if 0 <= row < self._rows():
            self._current = row
            self._describe()
            self.update()
            self.row_chosen.emit(row * self.row_height())

    def ask_change(self) -> None:
        """Ask to change the chosen limit, if there is one."""
        if 0 <= self._current < len(self._keys):
            self.change_asked.emit(self._keys[self._current])

    def _ask(self) -> None:
        if self._current == len(self._keys) and self._hidden:
            self._all = not self._all
            self._version = -1
            self.refresh()
        else:
            self.ask_change()

    def _describe(self) -> None:
        if self._current == len(self._keys) and self._hidden:
            self.setAccessibleDescription(self._more())
            return
        if not 0 <= self._current < len(self._keys):
            return
        use = self._stores.limits.get(self._keys[self._current])
        if use is not None:
            self.setAccessibleDescription(
                f"{title(use)}: {figure(use.used, use.unit)} of {figure(use.limit, use.unit)}, "
                f"{used_words(used_part(use))}"
            )
