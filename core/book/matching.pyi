"""Types of the compiled matching book; the words are in ``matching.pyx``."""

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

BUY: int
SELL: int

LIMIT_GTC: int
LIMIT_IOC: int
LIMIT_FOK: int
POST_ONLY: int
MARKET: int

OK: int
UNKNOWN_ID: int
DUPLICATE_ID: int
BAD_QTY: int
BAD_PRICE: int
WOULD_CROSS: int
FOK_KILLED: int
STATUS_NAMES: tuple[str, ...]

SELF_TRADE_NONE: int
SELF_TRADE_CANCEL_TAKER: int
SELF_TRADE_CANCEL_MAKER: int
SELF_TRADE_CANCEL_BOTH: int

OP_ADD: int
OP_CANCEL: int
OP_REPLACE: int

MAX_PRICE: int
MAX_QTY: int
MAX_ORDERS: int

TRADE_DTYPE: np.dtype[np.void]
CANCEL_DTYPE: np.dtype[np.void]

@final
class Fill:
    @property
    def maker(self) -> int: ...
    @property
    def taker(self) -> int: ...
    @property
    def price(self) -> int: ...
    @property
    def qty(self) -> int: ...

@final
class MatchingBook:
    def __init__(self, capacity: int = 1024, self_trade: int = 0) -> None: ...
    @property
    def status(self) -> int: ...
    @property
    def trade_count(self) -> int: ...
    @property
    def cancel_count(self) -> int: ...
    def add(
        self, order_id: int, side: int, price: int, qty: int, kind: int = 0, owner: int = 0
    ) -> int: ...
    def add_fills(
        self, order_id: int, side: int, price: int, qty: int, kind: int = 0, owner: int = 0
    ) -> tuple[Fill, ...]: ...
    def cancel(self, order_id: int) -> int: ...
    def replace(self, order_id: int, price: int, qty: int) -> int: ...
    def replace_fills(self, order_id: int, price: int, qty: int) -> tuple[Fill, ...]: ...
    def apply(
        self,
        ops: NDArray[np.uint8],
        ids: NDArray[np.uint64],
        sides: NDArray[np.uint8],
        prices: NDArray[np.int64],
        qtys: NDArray[np.int64],
        kinds: NDArray[np.uint8],
        owners: NDArray[np.uint64] | None = None,
    ) -> NDArray[np.uint8]: ...
    def best_bid(self) -> int: ...
    def best_ask(self) -> int: ...
    def order(self, order_id: int) -> tuple[int, int, int, int] | None: ...
    def queue_ahead(self, order_id: int) -> int | None: ...
    def level(self, side: int, price: int) -> tuple[int, int]: ...
    def depth(
        self, side: int, n: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]: ...
    def orders(
        self, side: int
    ) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]]: ...
    def __len__(self) -> int: ...
    def trades(self) -> NDArray[Any]: ...
    def cancels(self) -> NDArray[Any]: ...
    def clear_trades(self) -> None: ...
    def clear(self) -> None: ...
    def digest(self) -> int: ...
    def memory_bytes(self) -> int: ...
    def check(self) -> None: ...
