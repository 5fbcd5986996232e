"""The painted ladder: shows row pictures, and turns mouse and keys into wishes.

It decides nothing about orders. A wish to place one is made at mouse-down with its id, and is
told at mouse-up in the same cell with the same price; anything in between drops it. With
`at_press` it is told at mouse-down. In both cases a press right after the rows shifted, or right
after one that was told, only flashes.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import (
    QContextMenuEvent,
    QEnterEvent,
    QFocusEvent,
    QMouseEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QWidget

from core.model.enums import Side, Source
from core.model.ids import IdMaker
from widgets.clock import Clock
from widgets.ladder.keyboard import KeyLadder
from widgets.ladder.picture import RowPicture
from widgets.ladder.rows import Rows
from widgets.ladder.wish import REPEAT_GUARD, SHIFT_GUARD, SIDES, Press, Wish

WHEEL_ROWS = 3


class LadderCanvas(KeyLadder):
    """The rows, with mouse and keys.

    Attributes:
        held: the ladder must not recentre: the pointer is inside, a button is down, or free.
        free: the trader scrolled away from the market.
        drag: side, price and words of the place where a drag would drop.
        flash: price of the row that flashes.
        at_press: a wish is told at mouse-down, not at mouse-up.
    """

    def __init__(self, ids: IdMaker, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(ids, clock, parent)
        self.at_press = False
        self.free = False
        self.inside = False
        self.drag: tuple[Side, int, str] | None = None
        self.flash = 0
        self._press: Press | None = None
        self._flash_until = 0
        self._told_at = clock.monotonic() - REPEAT_GUARD
        self._told_for: tuple[str, int] = ("", 0)
        self._wheel = 0
        self.setMouseTracking(True)

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
        side = SIDES.get(found.column)
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
            if self._is_bounce(found.column, price):
                self.flash_row(price)
                return
            wish = self._wish(event, side, price)
        elif not mine or button is not Qt.MouseButton.LeftButton:
            return
        last_only = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        self._press = Press(found, price, wish, last_only)
        if wish is not None and self.at_press:
            self._press.told = True
            self._tell(found.column, wish)

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
            if not press.told:
                self._tell(press.hit.column, press.wish)
        elif press.hit.part == "cancel":
            self.cancel_wished.emit(SIDES[press.hit.column], press.price)

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

    # -- inside -------------------------------------------------------------------------------

    def _wish(self, event: QMouseEvent, side: Side, price: int) -> Wish:
        keys = event.modifiers()
        left = event.button() is Qt.MouseButton.LeftButton
        return Wish(
            self._ids.next(),
            side,
            price,
            bool(keys & Qt.KeyboardModifier.ShiftModifier),
            not left,
            Source.USER,
            left and bool(keys & Qt.KeyboardModifier.AltModifier),
            self.clock.monotonic(),
        )

    def _tell(self, column: str, wish: Wish) -> None:
        self._told_at, self._told_for = self.clock.monotonic(), (column, wish.price)
        self.wished.emit(wish)

    def _is_bounce(self, column: str, price: int) -> bool:
        """Is a press too soon after one that was told? At mouse-down, in whatever cell it is."""
        soon = self.clock.monotonic() - self._told_at < REPEAT_GUARD
        return soon and (self.at_press or self._told_for == (column, price))

    def drop_press(self) -> bool:
        """Forget a mouse button that is down; True if there was one."""
        was = self._press is not None
        self._drop_press()
        return was

    def _drop_press(self) -> None:
        self._press = None
        if self.drag is not None:
            self.drag = None
            self.looks_changed.emit()

    def _drag_to(self, row: int, press: Press) -> None:
        side = SIDES[press.hit.column]
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
