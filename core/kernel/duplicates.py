"""Orders that are alike: how many of the last second had the same terms."""

from __future__ import annotations

from collections import deque
from typing import Final

from core.model.commands import NewOrder
from core.model.enums import Side

SECOND: Final = 1_000_000_000
_BUY: Final = Side.BUY

Terms = tuple[bool, str, int, int, int]
"""What makes two orders of one account and instrument alike: side, type, quantity, prices."""


def terms(order: NewOrder) -> Terms:
    """The terms of an order."""
    return (
        order.side is _BUY,
        order.ord_type._value_,
        order.qty,
        order.price,
        order.stop_price,
    )


class Recent:
    """The terms of the orders of the last second."""

    __slots__ = ("counts", "times")

    def __init__(self) -> None:
        self.times: deque[tuple[int, Terms]] = deque()
        self.counts: dict[Terms, int] = {}

    def add(self, ts: int, of: Terms) -> None:
        """An order left at `ts`."""
        self.forget(ts)
        self.times.append((ts, of))
        self.counts[of] = self.counts.get(of, 0) + 1

    def forget(self, ts: int) -> None:
        """Drop what is older than a second, or in the future of a clock that went back."""
        times = self.times
        while times and not 0 <= ts - times[0][0] < SECOND:
            old = times.popleft()[1]
            left = self.counts[old] - 1
            if left:
                self.counts[old] = left
            else:
                del self.counts[old]
