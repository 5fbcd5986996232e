"""Sends what the ladder decided, once each, and tells what was refused."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from core.client.stores import Stores
from core.model.commands import CancelAll, CancelOrder, NewOrder, NewOrderList, ReplaceOrder
from core.model.enums import OrdStatus
from core.model.ids import IdMaker
from core.model.orders import Order
from widgets.brackets import stamped
from widgets.clock import Clock
from widgets.ladder.moves import Change, cancellable, move, reduce
from widgets.sent import Answer, Sent, Tracked
from widgets.words import order_sentence, refusal_sentence


class Desk(QObject):
    """Makes commands of decisions. No change of an order goes out while one is unanswered.

    Attributes:
        sent: commands without an answer.

    Signals:
        asked(object): a command to request.
        hinted(str): a sentence for the trader.
        doubted(object): the `Answer` to an order that was refused here.
    """

    asked = Signal(object)
    hinted = Signal(str)
    doubted = Signal(object)

    def __init__(self, stores: Stores, ids: IdMaker, clock: Clock) -> None:
        super().__init__()
        self.sent = Sent()
        self._stores = stores
        self._ids = ids
        self._clock = clock

    def send(self, order: NewOrder | NewOrderList) -> None:
        """Ask for a new order, or for some that hang together; ids were made with the intent."""
        orders = stamped(order, self._clock.wall())
        if isinstance(orders, NewOrder):
            self._ask(orders)
            return
        self.sent.add_list(orders, self._stores, self._clock.monotonic())
        self.asked.emit(orders)

    def cancel(self, orders: Sequence[Order]) -> None:
        """Cancel these orders, except those that are being cancelled already."""
        for order in cancellable(orders):
            if not isinstance(self.sent.change_of(order.cl_ord_id), CancelOrder):
                self._ask(CancelOrder(self._ids.next(), order.cl_ord_id, ts=self._clock.wall()))

    def cancel_all(self, account: str, instrument: str) -> None:
        """Cancel everything of the account in the instrument, if there is anything."""
        if self._stores.working_orders(instrument, account):
            self.asked.emit(
                CancelAll(
                    self._ids.next(),
                    account=account,
                    instrument=instrument,
                    ts=self._clock.wall(),
                )
            )

    def move(self, orders: Sequence[Order], price: int, flip: bool) -> None:
        """Move orders of one side to `price` (ticks); `flip`: also across the spread."""
        instrument = self._stores.instruments.get(orders[0].instrument) if orders else None
        if instrument is not None:
            ticker = self._stores.tickers.get(instrument.id)
            self._apply(move(orders, price, instrument, ticker, flip))

    def reduce(self, orders: Sequence[Order], lots: int | None) -> None:
        """Take `lots` off the orders, the newest first."""
        if lots:
            self._apply(reduce(orders, lots))
        else:
            self.hinted.emit("Set a size first: an order is made smaller by it.")

    def settle(self) -> None:
        """See what was answered, and say what was not done; of a list, the first that was not."""
        told: set[str] = set()
        for answer in self.sent.settle(self._stores):
            order = answer.order
            if order is not None and order.status is OrdStatus.REJECTED and not answer.refusal:
                self.doubted.emit(answer)
            sentence = self._failure(answer)
            if sentence and answer.list_id not in told:
                self.hinted.emit(sentence)
                told |= {answer.list_id} - {""}

    def _apply(self, changes: list[Change] | str) -> None:
        if isinstance(changes, str):
            self.hinted.emit(changes)
            return
        for order, qty, price, stop in changes:
            if self.sent.change_of(order.cl_ord_id) is not None:
                self.hinted.emit("A change of this order has not been answered yet.")
            elif qty:
                name, now = order.cl_ord_id, self._clock.wall()
                self._ask(ReplaceOrder(self._ids.next(), name, qty, price, ts=now, stop_price=stop))
            else:
                self.cancel([order])

    def _ask(self, command: Tracked) -> None:
        self.sent.add(command, self._stores, self._clock.monotonic())
        self.asked.emit(command)

    def _failure(self, answer: Answer) -> str:
        order = answer.order
        if answer.lost:
            return "The engine was restarted and knows nothing of an order or change from here."
        if answer.refusal:
            return answer.refusal
        if order is None or order.status is not OrdStatus.REJECTED:
            return ""
        instrument = self._stores.instruments.get(order.instrument)
        what = order.cl_ord_id if instrument is None else order_sentence(order, instrument)
        return f"Refused: {what}. {refusal_sentence(order)}"
