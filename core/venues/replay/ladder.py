"""One side of a price ladder: sizes by price, the best price at hand."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

BID = 1
ASK = 2


class Ladder:
    """Sizes by price of one side (`BID`: the highest price is best; `ASK`: the lowest)."""

    __slots__ = ("_keys", "sign", "sizes")

    def __init__(self, side: int) -> None:
        self.sign = 1 if side == BID else -1
        self.sizes: dict[int, int] = {}
        self._keys: list[int] = []  # sign x price, ascending: the best is the last

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def best(self) -> int:
        """The best price; 0 when the side is empty."""
        return self._keys[-1] * self.sign if self._keys else 0

    def set(self, price: int, size: int) -> int:
        """Make the level `size`, 0 removes it. Returns what it was before."""
        sizes = self.sizes
        old = sizes.get(price, 0)
        if size:
            sizes[price] = size
            if not old:
                insort(self._keys, price * self.sign)
        elif old:
            del sizes[price]
            key = price * self.sign
            if self._keys[-1] == key:
                self._keys.pop()
            else:
                del self._keys[bisect_left(self._keys, key)]
        return old

    def beyond(self, price: int) -> list[int]:
        """Prices strictly better than `price`, best first."""
        limit = price * self.sign
        found = []
        for key in reversed(self._keys):
            if key <= limit:
                break
            found.append(key * self.sign)
        return found

    def best_first(self) -> Iterator[tuple[int, int]]:
        """``(price, size)`` from the best price on."""
        for key in reversed(self._keys):
            price = key * self.sign
            yield price, self.sizes[price]

    def clear(self) -> None:
        """Forget every level."""
        self.sizes.clear()
        self._keys.clear()
