"""Normalised market data: what every connector says, whatever its vendor said.

Prices are ticks, quantities lots, times UTC nanoseconds: `ts` is the venue's time of the event,
`received` ours.
"""

from __future__ import annotations

from typing import NamedTuple

from core.model.enums import MarketStatus
from core.model.message import Message


class Quote(Message, frozen=True):
    """Best bid and offer. A quantity of 0 means that side is empty."""

    instrument: str
    ts: int
    received: int
    bid: int
    bid_qty: int
    ask: int
    ask_qty: int


class Trade(Message, frozen=True):
    """One execution on the market. `aggressor` is 1 buy, 2 sell, 0 unknown."""

    instrument: str
    ts: int
    received: int
    price: int
    qty: int
    aggressor: int
    trade_id: str = ""


class BookUpdate(Message, frozen=True):
    """Changed price levels ``(side, price, qty)``; qty 0 removes the level.

    `snapshot` means: forget what was known, these are all levels there are.
    """

    instrument: str
    ts: int
    received: int
    levels: list[tuple[int, int, int]]
    snapshot: bool = False


class StatusUpdate(Message, frozen=True):
    """The market of one instrument opened, halted or closed."""

    instrument: str
    ts: int
    received: int
    status: MarketStatus
    text: str = ""


class TradeHistory(Message, frozen=True):
    """Past trades as little-endian int64 columns, oldest first; sent before live data.

    `gaps` are stretches ``(from, to)`` (UTC ns, ascending) of which nothing is known, although
    there may have been trades: the link was down, the program was closed. A replay names those
    to come as well. `until` is when the past was put away, 0 if it reaches up to now.
    """

    instrument: str
    ts: bytes
    price: bytes
    qty: bytes
    aggressor: bytes
    gaps: tuple[tuple[int, int], ...] = ()
    until: int = 0


MarketData = Quote | Trade | BookUpdate | StatusUpdate | TradeHistory


class Taking(NamedTuple):
    """What an order would trade with at once: ``(price, lots)``, the best price first.

    `thin`: the book that is shown ends before the order is filled, or its limit reached.
    """

    fills: tuple[tuple[int, int], ...]
    thin: bool
