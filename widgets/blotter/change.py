"""A small form to change a working order's price and quantity."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QLabel,
    QLineEdit,
    QWidget,
)

from core.model.commands import ReplaceOrder
from core.model.ids import IdMaker
from core.model.instruments import Instrument
from core.model.numbers import NotExactError, parse_decimal, plain
from core.model.orders import Order
from widgets.answers import answers
from widgets.border import draw_border
from widgets.words import order_sentence


class ChangeOrder(QDialog):
    """Asks for new terms; never blocks the window.

    Signals:
        requested(object): the `ReplaceOrder` command.
    """

    requested = Signal(object)

    def __init__(self, order: Order, instrument: Instrument, ids: IdMaker, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Change an order")
        self._order = order
        self._instrument = instrument
        self._id = ids.next()
        self._terms = (order.qty, order.price)
        self.price = QLineEdit(plain(instrument.price(order.price)), self)
        self.price.setAccessibleName("New price")
        self.quantity = QLineEdit(plain(instrument.quantity(order.qty)), self)
        self.quantity.setAccessibleName("New quantity, the filled part included")
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        self.note.setAccessibleName("What is wrong")
        buttons, self.ok = answers(self, "Change", self._send)
        layout = QFormLayout(self)
        layout.addRow(QLabel(order_sentence(order, instrument), self))
        layout.addRow("&Price", self.price)
        layout.addRow("&Quantity", self.quantity)
        layout.addRow(self.note)
        layout.addRow(buttons)
        self.price.textChanged.connect(self._check)
        self.quantity.textChanged.connect(self._check)
        self._check()

    def paintEvent(self, event: QPaintEvent) -> None:
        """With a line around it."""
        super().paintEvent(event)
        draw_border(self)

    def _check(self) -> None:
        problem = ""
        try:
            price = self._instrument.ticks(parse_decimal(self.price.text()))
            quantity = self._instrument.lots(parse_decimal(self.quantity.text()))
        except NotExactError as error:
            problem = f"{error} {self._instrument.symbol} has steps of that size."
        except ValueError as error:
            problem = str(error)
        else:
            self._terms = (quantity, price)
            if quantity <= self._order.cum_qty:
                filled = plain(self._instrument.quantity(self._order.cum_qty))
                problem = f"The quantity must be above the {filled} already filled."
            elif (quantity, price) == (self._order.qty, self._order.price):
                problem = "Nothing is changed yet."
        self.note.setText(problem)
        self.ok.setEnabled(not problem)

    def _send(self) -> None:
        quantity, price = self._terms
        self.requested.emit(
            ReplaceOrder(self._id, self._order.cl_ord_id, quantity, price, ts=time.time_ns())
        )
        self.accept()
