"""After a kill: what was open then, and what has become of each order and position. No Qt."""

from __future__ import annotations

import re
from typing import NamedTuple

from core.client.stores import Stores, position_key
from core.model.enums import ExecType, OrdStatus, Severity, TradingState
from core.model.orders import Order, Position
from widgets.words import STATUS_WORDS, format_qty, order_sentence

LOOK_BACK = 500
"""Lines of the log in which the reason is looked for."""

_LEVEL = re.compile(r"killed \(level ([123])\)")


class Item(NamedTuple):
    """One order or position: `done` (nothing is left of it), `failed` (and why), or under way."""

    done: bool
    failed: bool
    text: str


def kill_level(reason: str) -> int:
    """How far a kill went, from the account's reason; 0 when it was something else."""
    found = _LEVEL.search(reason)
    return int(found[1]) if found else 0


class Checklist:
    """What remained when the account was stopped, and everything that came up since.

    Attributes:
        level: what the kill asked for: 2 cancels orders, 3 also closes positions.
    """

    def __init__(self) -> None:
        self.level = 0
        self._account = ""
        self._orders: dict[str, None] = {}
        self._positions: dict[str, None] = {}
        self._since = 0
        self._active = False

    def look(self, stores: Stores, account: str) -> bool:
        """Take in the account's state; True while it is stopped and there is a list to show."""
        state = stores.accounts.get(account)
        stopped = state is not None and state.state is not TradingState.ACTIVE
        if not stopped or account != self._account:
            self._orders.clear()
            self._positions.clear()
            self._active = False
            self._account = account
        if state is None or not stopped:
            return False
        level = kill_level(state.reason)
        if not self._active or level != self.level:
            self._since = state.ts
        self._active, self.level = True, level
        for orders in stores.working.values():
            self._orders.update((o.cl_ord_id, None) for o in orders.values() if self._mine(o))
        for p in stores.held():
            if p.account == account:
                self._positions[position_key(account, p.instrument, "", p.leg)] = None
        return bool(self._orders or self._positions)

    def items(self, stores: Stores) -> list[Item]:
        """Failures first, then what is under way, then what is done."""
        found = [self._order(stores, key) for key in self._orders]
        found += [self._position(stores, key) for key in self._positions]
        return sorted(
            (item for item in found if item is not None), key=lambda i: (i.done, not i.failed)
        )

    def working(self, stores: Stores) -> int:
        """Orders that may still trade."""
        return sum(bool((o := stores.orders.get(k)) and o.working) for k in self._orders)

    def held(self, stores: Stores) -> int:
        """Positions that are not flat."""
        return sum(bool((p := stores.positions.get(k)) and p.qty) for k in self._positions)

    def _mine(self, order: Order) -> bool:
        return order.account == self._account

    def _order(self, stores: Stores, key: str) -> Item | None:
        order = stores.orders.get(key)
        instrument = stores.instruments.get(order.instrument) if order is not None else None
        if order is None or instrument is None:
            return None
        words = order_sentence(order, instrument)
        if not order.working:
            return Item(True, False, f"{words}: {STATUS_WORDS[order.status].lower()}")
        if order.status is OrdStatus.UNKNOWN:
            return Item(False, True, f"{words}: not known whether it works; ask the venue")
        refused = self._refusal(stores, order)
        if refused:
            return Item(False, True, f"{words}: {refused}")
        under_way = self.level > 1 or order.status is OrdStatus.PENDING_CANCEL
        return Item(False, False, f"{words}: {'being cancelled' if under_way else 'still working'}")

    def _refusal(self, stores: Stores, order: Order) -> str:
        for update in reversed(stores.stories.get(order.cl_ord_id, [])):
            if update.ts < self._since or update.exec_type is ExecType.PENDING_CANCEL:
                break
            if update.exec_type is ExecType.ORDER_STATUS and update.text:
                return update.text
        return ""

    def _position(self, stores: Stores, key: str) -> Item | None:
        position = stores.positions.get(key)
        instrument = stores.instruments.get(position.instrument) if position is not None else None
        if position is None or instrument is None:
            return None
        name = f"{instrument.symbol} {position.leg}".rstrip()
        words = f"{format_qty(position.qty, instrument, signed=True)} {name}"
        if not position.qty:
            return Item(True, False, f"{name}: flat")
        trouble = self._trouble(stores, position)
        if trouble:
            return Item(False, True, f"{words}: {trouble}")
        return Item(False, False, f"{words}: {'being closed' if self.level > 2 else 'still held'}")

    def _trouble(self, stores: Stores, position: Position) -> str:
        """The newest loud line of the log since the kill that names this position."""
        name = f"{position.account} {position.instrument} {position.leg}".rstrip()
        for notice in reversed(stores.notices[-LOOK_BACK:]):
            if notice.ts < self._since:
                break
            loud = notice.severity >= Severity.WARNING
            if loud and (f"{name} is" in notice.text or f"{name}:" in notice.text):
                return notice.text
        return ""
