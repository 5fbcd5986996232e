"""What a slow reader needs: which instruments changed, and the trades it has not seen yet.

State is conflated (a reader gets the newest, never a queue), trades are not: a ring keeps the last
ones, and a reader that was too slow for it is told how many it lost.

Wrong input raises `ValueError` (`TypeError` for what is no int at all) naming the argument and,
in a batch, the element; nothing has changed then. Batches run without the GIL: use an object from
one thread at a time.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

_Int64 = npt.NDArray[np.int64]
_Int8 = npt.NDArray[np.int8]

class Conflator:
    """The keys whose state changed since its one consumer last looked; `len` is how many.

    Keys are small ints, such as the slots of instruments. Several consumers have one each.

    Attributes:
        keys: keys are 0 to ``keys - 1``; memory is 9 bytes a key and never more.
    """

    keys: int

    def __init__(self, keys: int) -> None: ...
    def __len__(self) -> int: ...
    def grow(self, keys: int) -> None:
        """Allow more keys; marks stay."""

    def mark(self, key: int) -> bool:
        """Note that a key changed; False if that was noted already."""

    def mark_many(self, keys: _Int64) -> int:
        """`mark` each in order; returns how many were new."""

    def drain(self) -> _Int64:
        """The changed keys, first marked first; forgets them."""

class TradeRing:
    """The last trades of one instrument, for any number of readers; `len` is how many.

    Trades are numbered from 0 as they are appended. A reader keeps a cursor, the number of the
    next trade it wants: 0 for all that are left, `head` for only those to come.

    Attributes:
        capacity: how many trades are kept.
        head: the number of the next trade to be appended.
    """

    capacity: int
    head: int

    def __init__(self, capacity: int) -> None: ...
    def __len__(self) -> int: ...
    def append(self, ts: int, price: int, qty: int, side: int) -> int:
        """Append a trade (UTC ns, ticks, lots, aggressor 1 buy, 2 sell, 0 unknown).

        Returns its number.
        """

    def append_batch(self, ts: _Int64, price: _Int64, qty: _Int64, side: _Int8) -> int:
        """Append many in order; returns the number of the first.

        More than `capacity` at once is allowed: the oldest of them are lost as if read too late.
        """

    def read(self, cursor: int) -> tuple[dict[str, npt.NDArray[Any]], int, int]:
        """The trades from `cursor` on, the next cursor, and how many were lost before them.

        The columns are copies: ``seq``, ``ts``, ``price``, ``qty`` (int64), ``side`` (int8).

        Raises:
            ValueError: if `cursor` is none that this ring can have given.
        """

    def memory_bytes(self) -> int:
        """Memory held for trades."""
