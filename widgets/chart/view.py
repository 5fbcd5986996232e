"""The chart under mouse and keys: pan, zoom, crosshair, and wishes about orders.

It sends nothing. What the trader asks for leaves as a signal.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from core.model.enums import Side
from core.model.ids import IdMaker
from widgets.chart.chips import Chip, chip_at
from widgets.chart.fills import Group, group_at, group_words
from widgets.chart.marks import mark_words, movable
from widgets.chart.plot import ChartPlot
from widgets.chart.tradelayers import Drag

_WHEEL = 1.15
_KEY_STEP = 0.1
_KEY_ZOOM = 1.3


@dataclass(slots=True)
class Press:
    """A mouse button that is down: what was under it, and the ids if it becomes commands.

    `orders` are pairs of a command's id and the order that it is about.
    """

    part: str
    at: QPointF
    chip: Chip | None = None
    orders: tuple[tuple[str, str], ...] = ()
    moved: bool = False


class ChartView(ChartPlot):
    """A `ChartPlot` that the trader can move and ask things of.

    Attributes:
        homing: the trader asked for the oldest bars and has not moved the chart since.
        cross: place of a bar and price in ticks under the pointer, or None; the price is 0 outside
            the price pane.

    Signals:
        moved(): the window or the price scale changed.
        pointed(): the crosshair moved.
        move_wished(object, int): pairs of command id and order, and the price in ticks they were
            dropped at.
        cancel_wished(object): pairs of command id and order whose × was clicked.
        draft_wished(object, int): side (None: whichever rests there) and price in ticks.
        menu_wished(object, int): global point and price in ticks.
        typed(str): a digit, the beginning of an interval.
        hinted(str): a sentence for the trader.
        fills_pointed(object): the fills of the triangle under the pointer; empty when it left.
    """

    moved = Signal()
    pointed = Signal()
    move_wished = Signal(object, object)
    cancel_wished = Signal(object)
    draft_wished = Signal(object, object)
    menu_wished = Signal(object, object)
    typed = Signal(str)
    hinted = Signal(str)
    fills_pointed = Signal(object)

    def __init__(self, ids: IdMaker, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ids = ids
        self._press: Press | None = None
        self._at: QPointF | None = None
        self._explained = ""
        self.homing = False
        self.cross: tuple[float, int] | None = None
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.DefaultContextMenu)

    # -- what is where -----------------------------------------------------------------------

    def part_at(self, at: QPointF) -> str:
        """``plot``, ``volume``, ``price axis`` or ``time axis``."""
        sheet = self.sheet
        if at.y() >= self.time_axis.y():
            return "time axis"
        if at.x() >= sheet.window.width:
            return "price axis"
        return "plot" if at.y() < sheet.height else "volume"

    # -- moving ------------------------------------------------------------------------------

    def pan(self, pixels: float) -> None:
        """Move the bars to the right."""
        self.sheet.window.pan(pixels)
        self._changed()

    def zoom(self, factor: float, x: float | None = None) -> None:
        """Make the bars wider, about a pixel or the right edge."""
        self.sheet.window.zoom(factor, x)
        self._changed()

    def go_now(self) -> None:
        """Show the newest bar and follow it."""
        self.sheet.window.go_now()
        self._changed()

    def go_home(self) -> None:
        """Show the oldest bars."""
        self.sheet.window.go_home()
        self._changed()
        self.homing = True

    def reset_prices(self) -> None:
        """The price axis follows the bars in view again."""
        self.sheet.auto = True
        self._changed()

    def _changed(self) -> None:
        self.homing = False
        self.redraw()
        self.moved.emit()

    def redraw(self) -> None:
        super().redraw()
        if hasattr(self, "_at"):
            self._point(self._at)  # another bar may lie under the resting pointer now

    # -- mouse -------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()
        if self._press is not None:
            self.stop_drag()
            return
        if event.button() is Qt.MouseButton.MiddleButton:
            self.go_now()
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        at = event.position()
        part = self.part_at(at)
        self._press = Press(part, at)
        if part != "plot":
            return
        found = chip_at(self.orders.chips, at.x(), at.y())
        if found is None:
            return
        chip, close = found
        orders = chip.mark.orders
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and not close:
            orders = orders[-1:]
        pairs = tuple((self._ids.next(), order.cl_ord_id) for order in orders)
        self._press = Press("close" if close else "order", at, chip, pairs)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        event.accept()
        at = event.position()
        press = self._press
        if press is None:
            self._hover(at, event.globalPosition().toPoint())
            self._point(at)
            return
        step = at - press.at
        if not press.moved and step.manhattanLength() < QApplication.startDragDistance() / 2:
            return
        press.moved = True
        if press.part == "order":
            self._drag(press, at)
        elif press.part == "price axis":
            self.sheet.scale(0.99 ** step.y(), self.sheet.height / 2)
            press.at = at
            self._changed()
        elif press.part == "time axis":
            press.at = at
            self.zoom(1.01 ** step.x())
        elif press.part in ("plot", "volume"):
            press.at = at
            if not self.sheet.auto:
                self.sheet.shift(step.y())
            self.pan(step.x())
        self._point(at)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        press, self._press = self._press, None
        drag, self.orders.drag = self.orders.drag, None
        if press is None or press.chip is None:
            return
        if press.part == "close":
            found = chip_at(self.orders.chips, event.position().x(), event.position().y())
            pressed = {order for _, order in press.orders}
            if found is not None and found[1]:
                under = {o.cl_ord_id for o in found[0].mark.orders}
                if pressed & under:
                    self.cancel_wished.emit(press.orders)
        elif drag is not None:
            self.orders.update()
            if drag.price != press.chip.mark.price:
                self.move_wished.emit(press.orders, drag.price)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.accept()
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        at = event.position()
        part = self.part_at(at)
        if part == "price axis":
            self.reset_prices()
        elif part == "time axis":
            self.sheet.window.reset()
            self._changed()
        elif part == "plot" and chip_at(self.orders.chips, at.x(), at.y()) is None:
            self.draft_wished.emit(None, self.sheet.price_at(at.y()))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        event.accept()
        self.stop_drag()
        at = event.pos()
        if event.reason() is QContextMenuEvent.Reason.Keyboard:
            at = QPoint(round(self.sheet.window.width / 2), round(self.sheet.height / 2))
        price = self.sheet.price_at(at.y()) if self.part_at(QPointF(at)) == "plot" else 0
        self.menu_wished.emit(self.mapToGlobal(at), price)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.accept()
        delta = event.angleDelta()
        at = event.position()
        mods = event.modifiers()
        if mods & Qt.KeyboardModifier.ControlModifier or self.part_at(at) == "price axis":
            self.sheet.scale(_WHEEL ** (delta.y() / 120), min(at.y(), self.sheet.height))
            self._changed()
        elif mods & Qt.KeyboardModifier.ShiftModifier or abs(delta.x()) > abs(delta.y()):
            self.pan((delta.y() or delta.x()) / 2)
        elif delta.y():
            self.zoom(_WHEEL ** (delta.y() / 120), at.x())
        self._point(at)

    def leaveEvent(self, event: QEvent) -> None:
        self._point(None)
        self._hover(None, QPoint())

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.stop_drag()

    def hideEvent(self, event: QEvent) -> None:
        self.stop_drag()
        self._point(None)
        self._hover(None, QPoint())

    # -- keys --------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, mods = event.key(), event.modifiers()
        event.accept()
        plain = (
            mods & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
            == Qt.KeyboardModifier.NoModifier
        )
        width = self.sheet.window.width
        if key == Qt.Key.Key_Escape and self._press is not None:
            self.stop_drag()
        elif not plain:
            event.ignore()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            sign = 1 if key == Qt.Key.Key_Left else -1
            self.pan(sign * width * _KEY_STEP)
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            self.pan((1 if key == Qt.Key.Key_PageUp else -1) * width * 0.9)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Up):
            self.zoom(_KEY_ZOOM)
        elif key in (Qt.Key.Key_Minus, Qt.Key.Key_Down):
            self.zoom(1 / _KEY_ZOOM)
        elif key == Qt.Key.Key_Home:
            self.go_home()
        elif key == Qt.Key.Key_End:
            self.go_now()
        elif event.isAutoRepeat():
            event.ignore()
        elif key in (Qt.Key.Key_B, Qt.Key.Key_S) and self.sheet.series is not None:
            side = Side.BUY if key == Qt.Key.Key_B else Side.SELL
            price = self.cross[1] if self.cross is not None else 0
            if not price and len(self.sheet.series):
                price = int(self.sheet.series.close[-1])
            self.draft_wished.emit(side, price)
        elif event.text().isdigit():
            self.typed.emit(event.text())
        else:
            event.ignore()

    # -- inside ------------------------------------------------------------------------------

    def stop_drag(self) -> None:
        """Forget a press; an order that was being dragged stays where it is."""
        self._press = None
        if self.orders.drag is not None:
            self.orders.drag = None
            self.orders.update()
            self.hinted.emit("")

    def _drag(self, press: Press, at: QPointF) -> None:
        chip = press.chip
        assert chip is not None
        wrong = next((why for o in chip.mark.orders if (why := movable(o))), "")
        if wrong:
            self._press = None
            self.hinted.emit(wrong)
            return
        price = max(self.sheet.price_at(at.y()), 1)
        ticks = price - chip.mark.price
        several = f"{len(press.orders)} orders  " if len(chip.mark.orders) > 1 else ""
        several = "newest only  " if several and len(press.orders) == 1 else several
        text = f"{several}{self.sheet.text(price)}  {ticks:+d} ticks"
        drag = Drag(chip.mark, price, text)
        if drag != self.orders.drag:
            self.orders.drag = drag
            self.orders.update()

    def _point(self, at: QPointF | None) -> None:
        sheet = self.sheet
        self._at = at
        part = self.part_at(at) if at is not None else ""
        if at is None or part not in ("plot", "volume") or sheet.series is None:
            cross = None
            x = y = None
        else:
            index = min(sheet.window.index(at.x()), sheet.series.span + 1e6)
            x = sheet.window.x(round(index))
            y = at.y()
            cross = (float(round(index)), sheet.price_at(y) if part == "plot" else 0)
        upper, lower = self.crosses
        upper.move(x, y if part == "plot" else None)
        lower.move(x, y - sheet.height if y is not None and part == "volume" else None)
        if cross != self.cross:
            self.cross = cross
            self.time_axis.set_cross(cross[0] if cross is not None else None)
            self.pointed.emit()

    def _hover(self, at: QPointF | None, point: QPoint) -> None:
        found = chip_at(self.orders.chips, at.x(), at.y()) if at is not None else None
        name = found[0].mark.order.cl_ord_id if found is not None else ""
        if name != self.orders.hovered:
            self.orders.hovered = name
            self.orders.update()
        shape = Qt.CursorShape.CrossCursor
        if found is not None:
            close = found[1]
            shape = Qt.CursorShape.PointingHandCursor if close else Qt.CursorShape.SizeVerCursor
        elif at is not None and self.part_at(at) == "price axis":
            shape = Qt.CursorShape.SizeVerCursor
        elif at is not None and self.part_at(at) == "time axis":
            shape = Qt.CursorShape.SizeHorCursor
        if self.viewport().cursor().shape() is not shape:
            self.viewport().setCursor(shape)
        fills = self.fill_layer
        group = group_at(fills.groups, at.x(), at.y(), fills.reach) if at is not None else None
        if group is not fills.hovered:
            fills.hovered = group
            fills.update()
            self.fills_pointed.emit(() if group is None else group.fills)
        self._explain(point, found, group)

    def _explain(self, point: QPoint, found: tuple[Chip, bool] | None, group: Group | None) -> None:
        """Say in a tool tip what is under the pointer."""
        words, instrument = "", self.sheet.instrument
        if instrument is not None and group is not None:
            words = group_words(group, instrument)
        elif instrument is not None and found is not None:
            words = mark_words(found[0].mark, found[1], instrument)
            if not found[0].width:  # its label found no room
                words = "\n".join(filter(None, (found[0].mark.text, words)))
        if words != self._explained:
            self._explained = words
            if words:
                QToolTip.showText(point, words, self)
            else:
                QToolTip.hideText()
