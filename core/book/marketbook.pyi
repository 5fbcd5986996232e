"""Market-data books: what a venue shows, as price levels (L2) or as single orders (L3).

Prices are integer ticks from 1 to `MAX_PRICE` (2^31-2), as sparse and as far apart as the venue
likes; quantities are integer lots from 0 to `MAX_QTY` (2^62). Sides are FIX: 1 BUY (bids), 2 SELL
(asks). Sums of quantities stop at 2^63-1 instead of wrapping. A book shows what it was told: bids
at or above asks are kept, `crossed` and `locked` tell. Where a side is empty, price and quantity
read 0.

Wrong input raises `ValueError` (`TypeError` for what is no int at all) naming the argument and,
in a batch, the element; the book is then as before. Batches are checked whole before the first
element is applied, and run without the GIL: use a book from one thread at a time.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

_Int64 = npt.NDArray[np.int64]
_Int8 = npt.NDArray[np.int8]
_Ids = npt.NDArray[np.uint64]

MAX_PRICE: Final[int]
MAX_QTY: Final[int]

# What an element of a batch of order changes does; 0 to 2 as FIX MDUpdateAction (279).
ADD: Final[int]
MODIFY: Final[int]
DELETE: Final[int]
EXECUTE: Final[int]

# What became of an order change; every word but DONE is a fault of the feed and changes nothing.
DONE: Final[int]
UNKNOWN_ID: Final[int]
DUPLICATE_ID: Final[int]  # an order with this id rests
OVERFILL: Final[int]  # more was executed than the order had left
LEVEL_FULL: Final[int]  # the level would hold more than MAX_QTY

class MarketBook:
    """What both kinds of book can tell. Make an `L2Book` or an `L3Book`."""

    def best(self) -> tuple[int, int, int, int]:
        """Best bid price, its quantity, best ask price, its quantity."""

    def crossed(self) -> bool:
        """True when the best bid is above the best ask."""

    def locked(self) -> bool:
        """True when the best bid is the best ask."""

    def levels(self, side: int) -> int:
        """How many prices of a side hold quantity."""

    def size_at(self, side: int, price: int) -> int:
        """Quantity at a price, 0 when there is none."""

    def volume_to(self, side: int, price: int) -> int:
        """All quantity of a side from the touch to a limit price, the limit included."""

    def depth(self, n: int) -> tuple[_Int64, _Int64, _Int64, _Int64]:
        """Bid prices, bid quantities, ask prices, ask quantities of the best `n` levels.

        Best first; the arrays of a side end with its last level. They are copies.
        """

    def cumulative(self, side: int, n: int) -> tuple[_Int64, _Int64]:
        """Prices of the best `n` levels and the quantity from the touch to each."""

    def window(self, top_price: int, rows: int, ticks_per_row: int) -> tuple[_Int64, _Int64]:
        """Bid and ask quantities for the rows of a price ladder, the highest price first.

        Row ``r`` stands for the price ``top_price - r * ticks_per_row``. Bids are rounded down to
        a row and asks up, so that grouping never shows a better price than there is. Rows may lie
        outside the range of prices; they read 0.
        """

    def reader(self, n: int) -> DepthReader:
        """A reader of the best `n` levels that makes no new arrays; see `DepthReader`."""

    def clear(self) -> None:
        """Forget everything; the memory is kept for what comes next."""

    def memory_bytes(self) -> int:
        """Memory held for levels and orders."""

class DepthReader:
    """The best levels of a book in one array, rewritten at each `read`: for the per-tick path.

    Attributes:
        values: int64 (4, n): bid prices, bid quantities, ask prices, ask quantities; best first,
            zeros behind the last level.
    """

    values: _Int64

    def __init__(self, book: MarketBook, n: int) -> None: ...
    def read(self) -> _Int64:
        """Bring `values` up to date and return it."""

class L2Book(MarketBook):
    """A book of price levels, fed with snapshots and deltas."""

    def __init__(self) -> None: ...
    def set(self, side: int, price: int, qty: int) -> None:
        """Put `qty` at a level; 0 removes it, which is no error when there is none."""

    def update(self, levels: list[tuple[int, int, int]], snapshot: bool = False) -> None:
        """Apply ``(side, price, qty)`` in order, as `core.model.market.BookUpdate` carries them.

        With `snapshot`, what was there before is forgotten first. All or nothing.
        """

    def apply(self, sides: _Int8, prices: _Int64, qtys: _Int64) -> None:
        """Apply many levels in order, from columns of one length."""

    def apply_top(
        self, sides: _Int8, prices: _Int64, qtys: _Int64, n: int, out: _Int64 | None = None
    ) -> _Int64:
        """`apply`, and record the best `n` levels after each element.

        Returns int64 (elements, 4, n): bid prices, bid quantities, ask prices, ask quantities,
        zeros behind the last level; `out` itself when one of this shape is given.
        """

    def apply_snapshot(
        self, bid_px: _Int64, bid_qty: _Int64, ask_px: _Int64, ask_qty: _Int64
    ) -> None:
        """Replace the book; order does not matter, quantity 0 means no such level.

        Raises:
            ValueError: also when a side names a price twice.
        """

class L3Book(MarketBook):
    """A book of single orders by unsigned 64-bit id; `len` is how many rest.

    Changes return `DONE` or what is wrong with the feed: `UNKNOWN_ID`, `DUPLICATE_ID`,
    `OVERFILL`, `LEVEL_FULL`; they then have changed nothing.
    """

    def __init__(self) -> None: ...
    def __len__(self) -> int: ...
    def add(self, order_id: int, side: int, price: int, qty: int) -> int:
        """A new order at the back of its level; `qty` from 1. Ids may be reused once dead."""

    def modify(self, order_id: int, qty: int, price: int = 0) -> int:
        """Give an order what is left of it, and a new price unless `price` is 0; qty 0 removes it.

        The same price and not more quantity keep the place in the queue, anything else goes to
        the back.
        """

    def delete(self, order_id: int) -> int:
        """Remove an order."""

    def execute(self, order_id: int, qty: int) -> int:
        """Take `qty` (from 1) off an order, which keeps its place; the last lot removes it."""

    def apply(
        self, actions: _Int8, order_ids: _Ids, sides: _Int8, prices: _Int64, qtys: _Int64
    ) -> _Int8:
        """Apply many changes in order; returns what each call would have returned.

        Of each element only the columns that its action needs are looked at; the price of a
        MODIFY is 0 to keep it.
        """

    def apply_top(
        self, actions: _Int8, order_ids: _Ids, sides: _Int8, prices: _Int64, qtys: _Int64, n: int
    ) -> tuple[_Int8, _Int64]:
        """`apply`, and the best `n` levels after each element as `L2Book.apply_top` has them."""

    def order(self, order_id: int) -> tuple[int, int, int] | None:
        """Side, price and quantity of a resting order."""

    def ahead(self, order_id: int) -> int | None:
        """Quantity before a resting order at its price; walks the queue."""

    def queue(self, side: int, price: int) -> tuple[_Ids, _Int64]:
        """Ids and quantities of the orders at a price, first in the queue first."""

    def depth_counts(self, n: int) -> tuple[_Int64, _Int64, _Int64, _Int64, _Int64, _Int64]:
        """Price, quantity and number of orders of the best `n` bids, and of the best asks."""
