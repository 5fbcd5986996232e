"""The painted ladder: shows row pictures, and turns mouse and keys into wishes.

It decides nothing about orders. A wish to place one is made at mouse-down with its id, and is
told at mouse-up in the same cell with the same price; anything in between drops it.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QEnterEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QWidget

from core.model.enums import Side, Source
from core.model.ids import IdMaker
from widgets.clock import Clock
from widgets.ladder.columns import Hit
from widgets.ladder.picture import RowPicture, Stage
from widgets.ladder.rows import Rows, next_group
from widgets.ladder.view import LadderView

SHIFT_GUARD = 300_000_000
"""A press this soon (ns) after the rows shifted only flashes."""

KEY_GUARD = 250_000_000
"""A key that places an order is deaf for this long (ns) after it did."""

WHEEL_ROWS = 3
_SIDES = {"bids": Side.BUY, "my_buys": Side.BUY, "asks": Side.SELL, "my_sells": Side.SELL}


@dataclass(frozen=True, slots=True)
class Wish:
    """An order or a draft that the trader asked for, with the id made when the intent arose."""

    id: str
    side: Side
    price: int
    stop: bool
    second: bool
    source: Source


@dataclass(slots=True)
class Press:
    """A mouse button that is down."""

    hit: Hit
    price: int
    wish: Wish | None
    last_only: bool
    dragging: bool = False


class LadderCanvas(LadderView):
    """The rows, with mouse and keys.

    Attributes:
        held: the ladder must not recentre: the pointer is inside, a button is down, or free.
        free: the trader scrolled away from the market.
        drag: side, price and words of the place where a drag would drop.
        flash: price of the row that flashes.

    Signals:
        wished(object): a `Wish`, complete.
        cancel_wished(object, int): side and price in ticks of the row whose orders to cancel.
        move_wished(object, int, int, bool): side, from, to (ticks), the newest only.
        reduce_wished(object, int): side and price whose orders to make smaller.
        list_wished(object, int, object): side, price and global point for the single orders.
        scroll_wished(object): the `Rows` that the trader wants to see.
        recentre_wished(): bring the market to the middle.
        columns_menu_wished(str, object): column and global point of a right click in the header.
        hinted(str): a sentence for the trader.
    """

    wished = Signal(object)
    cancel_wished = Signal(object, int)
    move_wished = Signal(object, int, int, bool)
    reduce_wished = Signal(object, int)
    list_wished = Signal(object, int, object)
    scroll_wished = Signal(object)
    recentre_wished = Signal()
    columns_menu_wished = Signal(str, object)
    hinted = Signal(str)

    def __init__(self, ids: IdMaker, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(clock, parent)
        self.free = False
        self.inside = False
        self.drag: tuple[Side, int, str] | None = None
        self.flash = 0
        self._ids = ids
        self._press: Press | None = None
        self._flash_until = 0
        self._key_used = clock.monotonic() - KEY_GUARD
        self._wheel = 0
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Price ladder")
        self.setAccessibleDescription(
            "Arrow keys choose a row and a side, Enter acts as a click, B buys, S sells, X cancels,"
            " L lists the orders, minus makes them smaller, Alt with up or down moves them,"
            " Ctrl with up or down groups prices, Space recentres."
        )

    # -- for the panel -----------------------------------------------------------------------

    @property
    def held(self) -> bool:
        """Must the rows stay where they are?"""
        return self.inside or self._press is not None or self.free

    def reset(self) -> None:
        """Another instrument: nothing of the one before stays on the screen or under the hand."""
        self._press = self.drag = self.cursor_at = None
        self.free, self.flash = False, 0
        count = self.visible_rows()
        self.show_rows(Rows(0, count), [RowPicture()] * count)
        self.shifted = self.clock.monotonic()

    def flash_row(self, price: int) -> None:
        """Flash the row of `price` amber: the click was not taken."""
        self.flash, self._flash_until = price, self.clock.monotonic() + SHIFT_GUARD
        self.looks_changed.emit()

    def settle(self) -> None:
        """Let what flashes fade; called once a frame."""
        if self.flash and self.clock.monotonic() >= self._flash_until:
            self.flash = 0

    # -- Qt ----------------------------------------------------------------------------------

    def enterEvent(self, event: QEnterEvent) -> None:
        self.inside = True

    def leaveEvent(self, event: QEvent) -> None:
        self.inside = False

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if self.cursor_at is None:
            self._set_cursor(self.rows.count // 2, None)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._drop_press()

    def hideEvent(self, event: QEvent) -> None:
        self.inside = False
        self._drop_press()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        event.accept()

    # -- mouse -------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = self._hit(event.position().toPoint())
        if self._press is not None:
            self._drop_press()
            return
        if found is None:
            return
        point = event.globalPosition().toPoint()
        button = event.button()
        if found.part == "header":
            if button is Qt.MouseButton.RightButton:
                self.columns_menu_wished.emit(found.column, point)
            elif found.column == "price" and self.free:
                self.recentre_wished.emit()
            return
        price = self.rows.price(found.row)
        side = _SIDES.get(found.column)
        mine = self._mine(found)
        if button is Qt.MouseButton.MiddleButton:
            if mine and side is not None:
                self.list_wished.emit(side, price, point)
            else:
                self.recentre_wished.emit()
            return
        if button not in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
            return
        self._set_cursor(found.row, side)
        if self.clock.monotonic() - self.shifted < SHIFT_GUARD:
            if side is not None and price > 0:
                self.flash_row(price)
            return
        wish = None
        if found.column in ("bids", "asks") and side is not None:
            stop = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            second = button is Qt.MouseButton.RightButton
            wish = Wish(self._ids.next(), side, price, stop, second, Source.USER)
        elif not mine or button is not Qt.MouseButton.LeftButton:
            return
        last_only = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        self._press = Press(found, price, wish, last_only)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.inside = self.rect().contains(event.position().toPoint())
        press = self._press
        if press is None or press.wish is not None or press.hit.part != "cell":
            return
        if not press.dragging:
            head, high = self._look.header, self._look.row_height
            top = head + press.hit.row * high
            slack = QApplication.startDragDistance() // 2
            press.dragging = not top - slack <= event.position().y() < top + high + slack
        if press.dragging:
            self._drag_to(self._row_at(event.position().y()), press)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        press, self._press = self._press, None
        drag, self.drag = self.drag, None
        if press is None:
            return
        if press.dragging:
            self._drop(press, drag)
            return
        found = self._hit(event.position().toPoint())
        same = (
            found is not None and found == press.hit and self.rows.price(found.row) == press.price
        )
        if not same:
            return
        if press.wish is not None:
            self.wished.emit(press.wish)
        elif press.hit.part == "cancel":
            self.cancel_wished.emit(_SIDES[press.hit.column], press.price)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """The second click of a double click is nobody's intent to send twice."""
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._wheel += event.angleDelta().y()
        notches = int(self._wheel / 120)
        self._wheel -= notches * 120
        event.accept()
        if not notches:
            return
        if self._press is not None and not self._press.dragging:
            self._drop_press()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._group(notches, self._row_at(event.position().y()))
        else:
            self.scroll_wished.emit(self.rows.scrolled(notches * WHEEL_ROWS))

    # -- keys --------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, mods = event.key(), event.modifiers()
        ctrl = bool(mods & Qt.KeyboardModifier.ControlModifier)
        alt = bool(mods & Qt.KeyboardModifier.AltModifier)
        stop = bool(mods & Qt.KeyboardModifier.ShiftModifier)
        up_down = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}.get(Qt.Key(key), 0)
        page = {Qt.Key.Key_PageUp: 1, Qt.Key.Key_PageDown: -1}.get(Qt.Key(key), 0)
        event.accept()
        if key == Qt.Key.Key_Escape and self._press is not None:
            self._drop_press()
        elif up_down and ctrl:
            self._group(-up_down, self._cursor_row())
        elif up_down and alt:
            if not event.isAutoRepeat():
                self._nudge(up_down)
        elif up_down or page:
            self._step_cursor(up_down + page * (self.rows.count - 1))
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and not (ctrl or alt):
            side = Side.BUY if key == Qt.Key.Key_Left else Side.SELL
            self._set_cursor(self._cursor_row(), side)
        elif event.isAutoRepeat() or ctrl or alt:
            event.ignore()
        elif key == Qt.Key.Key_Space:
            self.recentre_wished.emit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._key_wish(None, stop)
        elif key == Qt.Key.Key_B:
            self._key_wish(Side.BUY, stop)
        elif key == Qt.Key.Key_S:
            self._key_wish(Side.SELL, stop)
        elif key == Qt.Key.Key_X:
            self._key_cancel()
        elif key in (Qt.Key.Key_Minus, Qt.Key.Key_L) and self._at_row() is not None:
            self._key_orders(key == Qt.Key.Key_L)
        else:
            event.ignore()

    # -- inside ------------------------------------------------------------------------------

    def _mine(self, found: Hit) -> bool:
        """Does the cell hold own orders that can be acted on?"""
        return self._holds(_SIDES[found.column], found.row) if "my_" in found.column else False

    def _holds(self, side: Side, row: int) -> bool:
        picture = self.pictures[row]
        mine = picture.buys if side is Side.BUY else picture.sells
        return mine is not None and mine.stage not in (Stage.SENT, Stage.TARGET)

    def _drop_press(self) -> None:
        self._press = None
        if self.drag is not None:
            self.drag = None
            self.looks_changed.emit()

    def _drag_to(self, row: int, press: Press) -> None:
        side = _SIDES[press.hit.column]
        origin = self.rows.row_at(press.price)
        mine = None
        if self.rows.visible(origin):
            picture = self.pictures[origin]
            mine = picture.buys if side is Side.BUY else picture.sells
        price = self.rows.price(row)
        ticks = price - press.price
        words = f"{ticks:+d}t" if ticks else mine.text if mine else ""
        drag = (side, price, words)
        if drag != self.drag:
            self.drag = drag
            self.looks_changed.emit()

    def _drop(self, press: Press, drag: tuple[Side, int, str] | None) -> None:
        self.looks_changed.emit()
        if drag is None:
            return
        side, price, _ = drag
        if price == press.price:
            return
        if self.clock.monotonic() - self.shifted < SHIFT_GUARD:
            self.flash_row(price)
            return
        self.move_wished.emit(side, press.price, price, press.last_only)

    def _group(self, steps: int, row: int) -> None:
        group = next_group(self.rows.group, steps)
        if group != self.rows.group:
            self.scroll_wished.emit(self.rows.regrouped(group, row))

    def _set_cursor(self, row: int, side: Side | None) -> None:
        price = self.rows.price(row)
        if price <= 0:
            return
        if side is None:
            side = self.cursor_at[1] if self.cursor_at is not None else Side.BUY
        self.cursor_at = (price, side)
        self.looks_changed.emit()
        self._tell_value()

    def _cursor_row(self) -> int:
        """The keyboard's row, or the middle one when it is out of view."""
        if self.cursor_at is not None:
            row = self.rows.row_at(self.cursor_at[0])
            if self.rows.visible(row):
                return row
        return self.rows.count // 2

    def _step_cursor(self, up: int) -> None:
        row = self._cursor_row() - up
        if not self.rows.visible(row):
            over = -row if row < 0 else self.rows.count - 1 - row
            self.scroll_wished.emit(self.rows.scrolled(over))
            row = min(max(row, 0), self.rows.count - 1)
        self._set_cursor(row, None)

    def _at_row(self) -> tuple[int, Side] | None:
        """Price and side of the keyboard's row if it is in view."""
        if self.cursor_at is None or not self.rows.visible(self.rows.row_at(self.cursor_at[0])):
            return None
        price, side = self.cursor_at
        return self.rows.price(self.rows.row_at(price)), side

    def _key_wish(self, side: Side | None, stop: bool) -> None:
        at, now = self._at_row(), self.clock.monotonic()
        if at is None:
            self.hinted.emit("The chosen row is out of view; choose one with the arrow keys.")
            self._set_cursor(self.rows.count // 2, None)
            return
        price = at[0]
        if now - self._key_used < KEY_GUARD:
            return
        self._key_used = now
        wish = Wish(self._ids.next(), side or at[1], price, stop, False, Source.HOTKEY)
        self.wished.emit(wish)

    def _key_cancel(self) -> None:
        at = self._at_row()
        if at is not None:
            row = self.rows.row_at(at[0])
            for side in Side:
                if self._holds(side, row):
                    self.cancel_wished.emit(side, at[0])

    def _key_orders(self, listing: bool) -> None:
        at = self._at_row()
        if at is None or not self._holds(at[1], self.rows.row_at(at[0])):
            self.hinted.emit("No order of yours stands in this row on this side.")
        elif listing:
            y = self._look.header + (self.rows.row_at(at[0]) + 1) * self._look.row_height
            self.list_wished.emit(at[1], at[0], self.mapToGlobal(QPoint(0, y)))
        else:
            self.reduce_wished.emit(at[1], at[0])

    def _nudge(self, up: int) -> None:
        at = self._at_row()
        if at is None or not self._holds(at[1], self.rows.row_at(at[0])):
            self.hinted.emit("No order of yours stands in this row on this side.")
            return
        target = at[0] + up * self.rows.group
        self.move_wished.emit(at[1], at[0], target, False)
        self._step_cursor(up)
