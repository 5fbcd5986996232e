"""Commands that left this panel and have no answer yet. Nothing is taken for done. No Qt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.client.stores import Stores
from core.model.commands import CancelOrder, NewOrder, NewOrderList, ReplaceOrder
from core.model.orders import Order

Tracked = NewOrder | CancelOrder | ReplaceOrder


@dataclass(frozen=True, slots=True)
class Waiting:
    """One command without an answer.

    Attributes:
        command: what was asked.
        since: when, by the owner's clock in ns.
        before: the order as it was when a change or cancel of it was asked.
        epoch: which of the engine's snapshots was in force.
        list_id: the list that it was sent in; empty for none.
    """

    command: Tracked
    since: int
    before: Order | None
    epoch: int
    list_id: str = ""

    @property
    def id(self) -> str:
        """The command's own id."""
        return self.command.cl_ord_id if isinstance(self.command, NewOrder) else self.command.id


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command. `lost`: the engine came back and knows nothing of it.

    `list_id` is that of the list it was sent in.
    """

    command: Tracked
    order: Order | None
    refusal: str = ""
    lost: bool = False
    list_id: str = ""


class Sent:
    """The waiting commands of one panel, by id, oldest first.

    Attributes:
        version: grows with each change.
    """

    def __init__(self) -> None:
        self.version = 0
        self._waiting: dict[str, Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Waiting]:
        return iter(self._waiting.values())

    def add_list(self, orders: NewOrderList, stores: Stores, now: int) -> None:
        """These orders are being sent now as one list."""
        for order in orders.orders:
            self.add(order, stores, now, orders.id)

    def add(self, command: Tracked, stores: Stores, now: int, list_id: str = "") -> None:
        """`command` is being sent now."""
        before = None if isinstance(command, NewOrder) else stores.orders.get(command.order)
        waiting = Waiting(command, now, before, stores.orders.epoch, list_id)
        self._waiting[waiting.id] = waiting
        self.version += 1

    def change_of(self, order: str) -> CancelOrder | ReplaceOrder | None:
        """The newest change or cancel of this order that has no answer yet."""
        found = None
        for waiting in self:
            command = waiting.command
            if not isinstance(command, NewOrder) and command.order == order:
                found = command
        return found

    def settle(self, stores: Stores) -> list[Answer]:
        """Take out and return the commands that the stores now answer, oldest first."""
        if not self._waiting:
            return []
        answers = [answer for waiting in self if (answer := _answer(waiting, stores)) is not None]
        for answer in answers:
            command = answer.command
            key = command.cl_ord_id if isinstance(command, NewOrder) else command.id
            del self._waiting[key]
        self.version += bool(answers)
        return answers


def _answer(waiting: Waiting, stores: Stores) -> Answer | None:
    command, list_id = waiting.command, waiting.list_id
    refusal = stores.refusals.get(waiting.id)
    if refusal is None and list_id:
        refusal = stores.refusals.get(list_id)
    key = command.cl_ord_id if isinstance(command, NewOrder) else command.order
    order = stores.orders.get(key)
    if refusal is not None:
        return Answer(command, order, refusal.text, list_id=list_id)
    if order is not waiting.before and order is not None:
        return Answer(command, order, list_id=list_id)
    if stores.connected and stores.orders.epoch != waiting.epoch:
        return Answer(command, order, lost=True, list_id=list_id)
    return None
