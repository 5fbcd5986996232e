"""What a client is told when it joins: the newest word on everything, kept as it was said."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from core.kernel.kernel import Kernel
from core.model.enums import Mode
from core.model.events import Difference, Event, LimitUse, LinkUpdate, Notice
from core.model.orders import AccountState, Fill, OrderUpdate, Position
from core.model.session import Snapshot
from core.services.desk import StrategyDesk

AT_ONCE = 2_000
"""Most orders and fills within one snapshot; when there are more, the finished ones follow it."""

PIECE = 500
"""Orders or fills in one piece of what follows."""

_NOTICES = 1_000
_DIFFERENCES = 500


class Records:
    """The newest state of everything, from the events that said it.

    Args:
        keep: how many finished orders and how many fills are remembered.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self.orders: dict[str, OrderUpdate] = {}
        self.fills: deque[Fill] = deque(maxlen=keep)
        self.positions: dict[tuple[str, str, str, str], Position] = {}
        self.accounts: dict[str, AccountState] = {}
        self.limits: dict[tuple[str, str, str], LimitUse] = {}
        self.links: dict[str, LinkUpdate] = {}
        self.notices: deque[Notice] = deque(maxlen=_NOTICES)
        self.differences: dict[str, Difference] = {}
        self._finished: set[str] = set()
        self._ended: deque[str] = deque()
        self._takers: dict[type, Callable[[Any], None]] = {
            OrderUpdate: self._order,
            Fill: self.fills.append,
            Position: self._position,
            AccountState: self._account,
            LimitUse: self._limit,
            LinkUpdate: self._link,
            Notice: self.notices.append,
            Difference: self._difference,
        }

    def load(self, kernel: Kernel) -> None:
        """Begin with what a recovered kernel knows."""
        self.take(kernel.order_updates())
        self.take(kernel.fills())
        self.take(kernel.positions())
        self.take(kernel.accounts())

    def take(self, events: Iterable[Event]) -> None:
        """Remember what was said."""
        takers = self._takers
        for event in events:
            taker = takers.get(type(event))
            if taker is not None:
                taker(event)

    def limits_changed(self, uses: Sequence[LimitUse]) -> list[LimitUse]:
        """Those of `uses` that say something new (their time apart), and what was lifted."""
        changed = []
        for use in uses:
            old = self.limits.get((use.name, use.scope, use.scope_id))
            if old is None or (old.used, old.limit, old.pending, old.pending_at, old.unit) != (
                use.used,
                use.limit,
                use.pending,
                use.pending_at,
                use.unit,
            ):
                changed.append(use)
        now = {(use.name, use.scope, use.scope_id) for use in uses}
        gone = [use for key, use in self.limits.items() if key not in now]
        return changed + [replace(use, lifted=True) for use in gone]

    def at_once(self) -> tuple[tuple[OrderUpdate, ...], tuple[Fill, ...], Iterator[Any]]:
        """Orders and fills for a snapshot, and pieces of the rest to be sent after it.

        The pieces hold the state of the moment in which each is taken.
        """
        if len(self.orders) <= AT_ONCE and len(self.fills) <= AT_ONCE:
            return tuple(self.orders.values()), tuple(self.fills), iter(())
        finished = self._finished
        working = tuple(u for name, u in self.orders.items() if name not in finished)
        return working, (), self._pieces()

    def snapshot(
        self, name: str, mode: Mode, now: int, kernel: Kernel, strategies: StrategyDesk
    ) -> tuple[Snapshot, Iterator[tuple[Event, ...]]]:
        """The whole state of the engine of this name at `now`, for a client that joins, and
        pieces of the rest of it."""
        orders, fills, rest = self.at_once()
        return (
            Snapshot(
                name,
                mode,
                now,
                kernel.seq,
                tuple(kernel.instruments()),
                tuple(self.accounts.values()),
                orders,
                fills,
                tuple(self.positions.values()),
                tuple(self.limits.values()),
                tuple(strategies.states()),
                tuple(strategies.drafts()),
                tuple(self.links.values()),
                tuple(self.notices),
                os.getpid(),
                tuple(self.differences.values()),
            ),
            rest,
        )

    def _pieces(self) -> Iterator[tuple[Event, ...]]:
        names = list(self._ended)
        for start in range(0, len(names), PIECE):
            found = (self.orders.get(name) for name in names[start : start + PIECE])
            yield tuple(update for update in found if update is not None)
        fills = list(self.fills)
        for start in range(0, len(fills), PIECE):
            yield tuple(fills[start : start + PIECE])

    def _order(self, update: OrderUpdate) -> None:
        name = update.order.cl_ord_id
        self.orders[name] = update
        if not update.order.status.terminal:
            self._finished.discard(name)  # it works again when an execution was taken back
        elif name not in self._finished:
            self._finished.add(name)
            self._ended.append(name)
            if len(self._ended) > self._keep:
                oldest = self._ended.popleft()
                if oldest in self._finished:
                    self._finished.discard(oldest)
                    del self.orders[oldest]

    def _position(self, position: Position) -> None:
        p = position
        self.positions[p.account, p.instrument, p.strategy, p.leg] = p

    def _account(self, account: AccountState) -> None:
        self.accounts[account.account] = account

    def _limit(self, use: LimitUse) -> None:
        if use.lifted:
            self.limits.pop((use.name, use.scope, use.scope_id), None)
        else:
            self.limits[use.name, use.scope, use.scope_id] = use

    def _difference(self, difference: Difference) -> None:
        """The newest last; of too many the oldest that is resolved goes first."""
        known = self.differences
        known.pop(difference.key, None)
        known[difference.key] = difference
        if len(known) > _DIFFERENCES:
            done = (key for key, each in known.items() if not each.stands)
            del known[next(done, next(iter(known)))]

    def _link(self, link: LinkUpdate) -> None:
        self.links[link.source] = link
