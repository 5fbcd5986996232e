"""The single orders at one price, in a small window that closes by itself."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QToolButton, QWidget

from core.model.enums import Side
from core.model.instruments import Instrument
from core.model.orders import Order
from widgets.kinds import level
from widgets.words import TIF_WORDS, format_duration, format_price, format_qty, state_words

_HEADS = ("Price", "Size", "TIF", "Age", "State")
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class OrdersPopup(QFrame):
    """Lists orders of one side at one price, oldest first.

    Attributes:
        side, price: where in the ladder it belongs.

    Signals:
        cancel_wished(str): cancel this order (its cl_ord_id).
        reduce_wished(str): make this order smaller by the ladder's size.
    """

    cancel_wished = Signal(str)
    reduce_wished = Signal(str)

    def __init__(self, side: Side, price: int, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.side, self.price = side, price
        self.setFrameShape(QFrame.Shape.Box)
        self.setAccessibleName(f"{'Buy' if side is Side.BUY else 'Sell'} orders at this price")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(8, 6, 8, 6)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(3)
        self._shown: list[tuple[str, ...]] = []
        self._ages: list[QLabel] = []
        self._orders: list[Order] = []

    def show_orders(self, orders: Sequence[Order], instrument: Instrument, now: int) -> None:
        """Show these orders as they are at `now` (UTC ns); closes when there are none."""
        if not orders:
            self.close()
            return
        lines: list[tuple[str, ...]] = [
            (
                order.cl_ord_id,
                format_price(level(order), instrument),
                format_qty(order.leaves, instrument),
                TIF_WORDS[order.tif],
                state_words(order),
            )
            for order in orders
        ]
        self._orders = list(orders)
        if lines != self._shown:
            self._shown = lines
            self._build()
        for label, order in zip(self._ages, orders, strict=True):
            label.setText(format_duration(now - order.created))

    def open_at(self, point: QPoint) -> None:
        """Show near a global point, inside its screen."""
        self.adjustSize()
        area = self.screen().availableGeometry()
        x = min(max(point.x(), area.left()), area.right() - self.width())
        y = min(max(point.y(), area.top()), area.bottom() - self.height())
        self.move(x, y)
        self.show()

    def _build(self) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._ages = []
        for column, head in enumerate(_HEADS):
            label = QLabel(head, self)
            label.setEnabled(False)
            label.setAlignment(_RIGHT)
            self._grid.addWidget(label, 0, column)
        for row, (name, price, size, tif, state) in enumerate(self._shown, 1):
            for column, text in enumerate((price, size, tif, "", state)):
                label = QLabel(text, self)
                label.setAlignment(_RIGHT)
                self._grid.addWidget(label, row, column)
                if column == 3:
                    self._ages.append(label)
            for column, sign, words, act in (
                (5, "−", f"Make the order of {size} smaller; it keeps its place", self._reduce),
                (6, "×", f"Cancel the order of {size}", self._cancel),
            ):
                button = QToolButton(self)
                button.setText(sign)
                button.setToolTip(words)
                button.setAccessibleName(words)
                button.setProperty("order", name)
                button.clicked.connect(act)
                self._grid.addWidget(button, row, column)
        self.adjustSize()

    def _cancel(self) -> None:
        self.cancel_wished.emit(self.sender().property("order"))

    def _reduce(self) -> None:
        self.reduce_wished.emit(self.sender().property("order"))
