"""Bars from trades, by time, number of trades or volume.

Prices are ticks (1 to 2^31-2), quantities lots (1 to 2^62), times UTC nanoseconds (0 to 2^62).
Wrong input raises `ValueError` (`TypeError` for what is no int at all) naming the argument and, in
a batch, the element; nothing has changed then. Batches run without the GIL: use a builder from one
thread at a time.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

_Int64 = npt.NDArray[np.int64]
_Int8 = npt.NDArray[np.int8]

class BarBuilder:
    """Builds the bars of one instrument and interval, trade by trade.

    `kind` and `size` are those of `core.model.intervals.Interval`:

    * ``time``: `size` ns from a start that is `offset` ns after a multiple of `size` since the
      UTC epoch (``offset < size``). A stretch without trades makes no bar.
    * ``tick``: `size` trades.
    * ``volume``: `size` lots. A trade larger than the rest of its bar goes on in the next bars
      and counts as one trade in each; one of 100,000 bars or more is refused.

    Time never runs backwards and a closed bar never changes: a trade stamped earlier than the
    latest time seen counts as of that time. It so goes into the forming bar, and `late` counts it
    if its own time lies before that bar's start (the first bar's, if it is split).

    Attributes:
        closed: number of closed bars; they stand before the forming one.
        forming: whether there is a forming bar. There is none before the first trade, nor between
            a bar's close and the next trade.
        late: trades that came too late for the bar of their own time.
    """

    kind: str
    size: int
    offset: int
    closed: int
    forming: bool
    late: int

    def __init__(self, kind: str, size: int, offset: int = 0) -> None: ...
    def __len__(self) -> int:
        """Closed bars and the forming one."""

    def on_trade(self, ts: int, price: int, qty: int, side: int) -> int:
        """Add a trade; `side` is the aggressor, 1 buy, 2 sell, 0 unknown.

        Returns how many bars this closed: for time bars the one before the trade, for the others
        those that the trade filled.
        """

    def on_time(self, ts: int) -> int:
        """Tell the time without a trade; returns 1 if that closed the forming time bar.

        Trades stamped before `ts` that are still under way will count as of `ts`: a caller that
        knows of such a delay passes the time less the delay.
        """

    def cut(self) -> int:
        """End the forming bar as it is, so that the next trade begins another; returns 1 if there
        was one. For bars of trades or volume: a time bar may so begin twice.
        """

    def apply(self, ts: _Int64, price: _Int64, qty: _Int64, side: _Int8) -> int:
        """Add many trades in order; returns how many bars closed.

        Raises:
            ValueError: also if for time or tick bars all quantities together and the forming
                bar's volume exceed 2^62.
        """

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """All bars, the forming one last, as contiguous copies.

        int64: ``start_ts``, ``end_ts``, ``open``, ``high``, ``low``, ``close``, ``volume``,
        ``buy_volume``, ``sell_volume`` (by aggressor; the rest is unknown), ``trades``. float64:
        ``notional``, the sum of price x quantity in ticks x lots, summed exactly and rounded
        once; VWAP is notional / volume.

        A time bar runs from ``start_ts`` to before ``end_ts``; the others from their first trade
        to their last.
        """

    def since(self, index: int, count: int | None = None) -> dict[str, npt.NDArray[Any]]:
        """`columns` from bar `index` on, at most `count` bars: with the `closed` of the last
        reading, what is new.
        """

    def memory_bytes(self) -> int:
        """Memory held for closed bars."""
