"""The ladder under the keyboard: a row and a side are chosen, and keys act there."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QWidget

from core.model.enums import Side, Source
from core.model.ids import IdMaker
from widgets.clock import Clock
from widgets.ladder.columns import Hit
from widgets.ladder.picture import Stage
from widgets.ladder.rows import next_group
from widgets.ladder.view import LadderView
from widgets.ladder.wish import REPEAT_GUARD, SIDES, Wish


class KeyLadder(LadderView):
    """The rows, with keys.

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
        self._ids = ids
        self._key_used = clock.monotonic() - REPEAT_GUARD
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Price ladder")
        self.setAccessibleDescription(
            "Arrow keys choose a row and a side, Enter acts as a click, B buys, S sells, Shift with"
            " them makes it a stop, Alt with Enter adds the bracket, X cancels, L lists the orders,"
            " minus makes them smaller, Alt with up or down moves them, Ctrl with up or down"
            " groups prices, Space recentres."
        )

    def drop_press(self) -> bool:
        """Forget a mouse button that is down; True if there was one."""
        return False

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if self.cursor_at is None:
            self._set_cursor(self.rows.count // 2, None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, mods = event.key(), event.modifiers()
        ctrl = bool(mods & Qt.KeyboardModifier.ControlModifier)
        alt = bool(mods & Qt.KeyboardModifier.AltModifier)
        stop = bool(mods & Qt.KeyboardModifier.ShiftModifier)
        up_down = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}.get(Qt.Key(key), 0)
        page = {Qt.Key.Key_PageUp: 1, Qt.Key.Key_PageDown: -1}.get(Qt.Key(key), 0)
        event.accept()
        if key == Qt.Key.Key_Escape and self.drop_press():
            return
        if up_down and ctrl:
            self._group(-up_down, self._cursor_row())
        elif up_down and alt:
            if not event.isAutoRepeat():
                self._nudge(up_down)
        elif up_down or page:
            self._step_cursor(up_down + page * (self.rows.count - 1))
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and not (ctrl or alt):
            side = Side.BUY if key == Qt.Key.Key_Left else Side.SELL
            self._set_cursor(self._cursor_row(), side)
        elif alt and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat():
            self._key_wish(None, stop, bracket=True)
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
        return self._holds(SIDES[found.column], found.row) if "my_" in found.column else False

    def _holds(self, side: Side, row: int) -> bool:
        picture = self.pictures[row]
        mine = picture.buys if side is Side.BUY else picture.sells
        return mine is not None and mine.stage not in (Stage.SENT, Stage.TARGET)

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

    def _key_wish(self, side: Side | None, stop: bool, bracket: bool = False) -> None:
        at, now = self._at_row(), self.clock.monotonic()
        if at is None:
            self.hinted.emit("The chosen row is out of view; choose one with the arrow keys.")
            self._set_cursor(self.rows.count // 2, None)
            return
        price = at[0]
        if now - self._key_used < REPEAT_GUARD:
            return
        self._key_used = now
        wish = Wish(
            self._ids.next(), side or at[1], price, stop, False, Source.HOTKEY, bracket, now
        )
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
