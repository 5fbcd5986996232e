"""The orders table: working ones on top, cancel and change from the row."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from PySide6.QtCore import QModelIndex
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QWidget

from core.client.board import Board
from core.client.stores import Stores
from core.model.commands import CancelOrder
from core.model.enums import OrdStatus, Side
from core.model.ids import IdMaker
from core.model.orders import Order
from core.model.tables import ORDERS, Value
from widgets.blotter.change import ChangeOrder
from widgets.blotter.model import BlotterModel
from widgets.blotter.panel import BlotterPanel
from widgets.theme import tokens


class OrdersPanel(BlotterPanel[Order]):
    """Every order of the session and those still working from before."""

    KIND: ClassVar[str] = "orders"
    TITLE: ClassVar[str] = "Orders"
    CHIPS = ("side", "status", "instrument", "strategy", "account", "source")
    TIME = "created"
    HIDDEN = (
        "updated",
        "value",
        "currency",
        "trader",
        "post_only",
        "reduce_only",
        "order_id",
        "cl_ord_id",
        "position_effect",
    )
    FIRST = (
        "created",
        "instrument",
        "side",
        "qty",
        "price",
        "status",
        "stop_price",
        "cum_qty",
        "avg_price",
        "text",
    )

    def __init__(self, stores: Stores, ids: IdMaker, parent: QWidget | None = None) -> None:
        super().__init__(stores, ids, parent)

    PAST = True

    def live_board(self) -> Board[Order]:
        """Today's."""
        return self.stores.orders

    def make_model(self) -> BlotterModel[Order]:
        """Orders, newest first, working ones above."""
        return BlotterModel(
            self.stores,
            self.stores.orders,
            ORDERS.columns,
            ("created", True),
            lambda order: 0 if order.working else 1,
            colour,
            self,
            by_birth,
        )

    def make_actions(self) -> None:
        """Cancel, change, story, chart, copy."""
        self.add_row_action("&Cancel", self.cancel, "Del", live=True)
        self.add_row_action("C&hange…", self.change, "F2", live=True)
        story = self.add_row_action("Order s&tory", self.show_story)
        story.setShortcuts([QKeySequence("Return"), QKeySequence("Enter")])
        self.add_row_action("&Show instrument", self.show_instrument, "Ctrl+I")
        self.add_row_action("C&opy", self.view.copy_rows, "Ctrl+C")

    def show_story(self) -> None:
        """Tell the first selected order's story."""
        for order in self.selected()[:1]:
            self.story_requested.emit(order.cl_ord_id)

    def _on_double_click(self, index: QModelIndex) -> None:
        self.story_requested.emit(self.model.row_at(index.row()).cl_ord_id)

    def cancel(self) -> None:
        """Ask to cancel the selected orders that still work."""
        for order in self.selected():
            if order.working:
                self.requested.emit(
                    CancelOrder(self.ids.next(), order.cl_ord_id, ts=time.time_ns())
                )

    def change(self) -> None:
        """Open a form with the first selected working order's price and quantity."""
        order = next((o for o in self.selected() if o.working), None)
        instrument = self.stores.instruments.get(order.instrument) if order is not None else None
        if order is None or instrument is None:
            self.said.emit("Select a working order to change it.")
            return
        dialog = ChangeOrder(order, instrument, self.ids, self)
        dialog.requested.connect(self.requested)
        dialog.show()  # not modal: the kill switch stays within reach


def by_birth(name: str, order: Order) -> int:
    """Orders of the same moment (of one list, say) in the order of their ids, which count up.

    So it is the same after a restart, when they come from the engine all at once.
    """
    return (order.created << 512) + int.from_bytes(name.encode()[:64])


def colour(order: Order, column: str, value: Value) -> Any:
    """Sides in their colours while working; what is over is dim; refusals stand out."""
    t = tokens()
    if order.status is OrdStatus.REJECTED and column in ("status", "code", "text"):
        return t.danger
    if order.status is OrdStatus.UNKNOWN:
        return t.warning
    if not order.working:
        return t.dim
    if column == "side":
        return t.bid if order.side is Side.BUY else t.ask
    return None
