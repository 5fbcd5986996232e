# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: extra_compile_args = -O3
"""Bars from trades, by time, number of trades or volume.

See bars.pyi for what each method means.
"""

from libc.stdint cimport INT64_MAX, UINT32_MAX, int8_t, int64_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

import numpy as np

from core.book.arguments cimport bounded, whole

from core.book.columns import column

cdef enum:
    TIME
    TICK
    VOLUME
    COLUMNS = 10  # int64 columns; notional is a double beside them

cdef enum Fault:
    FINE
    BAD_TS
    BAD_PRICE
    BAD_QTY
    BAD_SIDE
    BAD_SPLIT
    BAD_SUM
    OUT_OF_MEMORY

KINDS = {"time": TIME, "tick": TICK, "volume": VOLUME}
NAMES = ("start_ts", "end_ts", "open", "high", "low", "close", "volume", "buy_volume",
         "sell_volume", "trades")

cdef int64_t MAX_PRICE = 0x7ffffffe
cdef int64_t MAX_QTY = <int64_t>1 << 62
cdef int64_t MAX_TS = <int64_t>1 << 62
cdef int64_t MAX_SIZE = <int64_t>1 << 61
cdef int64_t MAX_SPLIT = 100_000

cdef object INT64 = np.dtype(np.int64)
cdef object FLOAT64 = np.dtype(np.float64)


cdef struct Bar:
    # The first ten stand in the order of NAMES.
    int64_t start_ts
    int64_t end_ts
    int64_t open
    int64_t high
    int64_t low
    int64_t close
    int64_t volume
    int64_t buy_volume
    int64_t sell_volume
    int64_t trades
    # The sum of price x quantity, exact: high x 2^32 + low.
    uint64_t notional_high
    uint64_t notional_low


cdef double notional(const Bar *bar) noexcept nogil:
    return <double>bar.notional_high * 4294967296.0 + <double>bar.notional_low


cdef complain(Fault fault, str where, ts, price, qty, side, size):
    """Raise for a fault; `where` is "" for a single call, "[i]" for element i of a batch."""
    if fault == OUT_OF_MEMORY:
        raise MemoryError("no memory for more bars")
    if fault == BAD_TS:
        raise ValueError(f"ts{where} is {ts}; it must be 0 to 2^62 ns.")
    if fault == BAD_PRICE:
        raise ValueError(f"price{where} is {price}; it must be 1 to {MAX_PRICE} ticks.")
    if fault == BAD_SIDE:
        raise ValueError(f"side{where} is {side}; it must be 1 (BUY), 2 (SELL) or 0 (unknown).")
    if fault == BAD_SPLIT:
        raise ValueError(
            f"qty{where} is {qty}, more than {MAX_SPLIT} volume bars of {size}; use larger bars."
        )
    if fault == BAD_SUM:
        raise ValueError(f"qty{where} is {qty} and takes the volume over 2^62 lots.")
    raise ValueError(f"qty{where} is {qty}; it must be 1 to 2^62 lots.")


cdef class BarBuilder:
    cdef readonly str kind
    cdef readonly int64_t size
    cdef readonly int64_t offset
    cdef readonly int64_t closed
    cdef readonly int64_t late
    cdef readonly bint forming
    cdef int how
    cdef int64_t capacity
    cdef int64_t latest
    cdef int64_t *column[COLUMNS]
    cdef double *notional
    cdef Bar now

    def __cinit__(self, kind, size, offset=0):
        if kind not in KINDS:
            raise ValueError(f"kind is {kind!r}; it must be 'time', 'tick' or 'volume'.")
        self.kind = kind
        self.how = KINDS[kind]
        self.size = bounded(size, "size", 1, MAX_SIZE)
        self.offset = bounded(offset, "offset", 0, self.size - 1 if self.how == TIME else 0)

    def __dealloc__(self):
        cdef int i
        for i in range(COLUMNS):
            free(self.column[i])
        free(self.notional)

    def __len__(self):
        return self.closed + self.forming

    def on_trade(self, ts, price, qty, side):
        cdef int64_t t = whole(ts, "ts"), p = whole(price, "price")
        cdef int64_t q = whole(qty, "qty"), s = whole(side, "side")
        cdef int64_t before = self.closed
        cdef Fault fault = self.fault_of(t, p, q, s)
        if fault == FINE:
            fault = self.add(t, p, q, s)
        if fault != FINE:
            complain(fault, "", ts, price, qty, side, self.size)
        return self.closed - before

    def on_time(self, ts):
        cdef int64_t t = whole(ts, "ts")
        if t < 0 or t > MAX_TS:
            complain(BAD_TS, "", ts, None, None, None, None)
        if t > self.latest:
            self.latest = t
        if self.how != TIME or not self.forming or t < self.now.end_ts:
            return 0
        if not self.reserve(1):
            complain(OUT_OF_MEMORY, "", None, None, None, None, None)
        self.close()
        return 1

    def cut(self):
        if not self.forming:
            return 0
        if not self.reserve(1):
            complain(OUT_OF_MEMORY, "", None, None, None, None, None)
        self.close()
        return 1

    def apply(self, ts, price, qty, side):
        cdef const int64_t[::1] t = column("ts", ts, INT64)
        cdef Py_ssize_t n = t.shape[0], i
        cdef const int64_t[::1] p = column("price", price, INT64, n)
        cdef const int64_t[::1] q = column("qty", qty, INT64, n)
        cdef const int8_t[::1] s = column("side", side, np.int8, n)
        cdef int64_t before = self.closed
        cdef uint64_t total = self.now.volume if self.forming else 0
        cdef Fault fault = FINE
        with nogil:
            for i in range(n):
                fault = self.fault_of(t[i], p[i], q[i], s[i])
                if fault == FINE and self.how != VOLUME:
                    total += <uint64_t>q[i]
                    if total > <uint64_t>MAX_QTY:
                        fault = BAD_SUM
                if fault != FINE:
                    break
            if fault == FINE:
                for i in range(n):
                    # Once more: another thread may have written to the caller's arrays.
                    fault = self.fault_of(t[i], p[i], q[i], s[i])
                    if fault == FINE:
                        fault = self.add(t[i], p[i], q[i], s[i])
                    if fault != FINE:
                        break
        if fault != FINE:
            complain(fault, f"[{i}]", t[i], p[i], q[i], s[i], self.size)
        return self.closed - before

    cdef Fault fault_of(self, int64_t ts, int64_t price, int64_t qty, int64_t side) noexcept nogil:
        if ts < 0 or ts > MAX_TS:
            return BAD_TS
        if price < 1 or price > MAX_PRICE:
            return BAD_PRICE
        if qty < 1 or qty > MAX_QTY:
            return BAD_QTY
        if side < 0 or side > 2:
            return BAD_SIDE
        if self.how == VOLUME and qty // self.size >= MAX_SPLIT:
            return BAD_SPLIT
        return FINE

    cdef Fault add(self, int64_t ts, int64_t price, int64_t qty, int64_t side) noexcept nogil:
        """Add one trade; what it needs is made sure of before anything changes."""
        cdef bint over = self.how == TIME and self.forming and ts >= self.now.end_ts
        cdef int64_t part, count = 1
        if self.how == VOLUME:
            count = qty // self.size + 1
        elif self.forming and not over and self.now.volume > MAX_QTY - qty:
            return BAD_SUM
        if not self.reserve(count):
            return OUT_OF_MEMORY
        if over:
            self.close()
        if ts > self.latest:
            self.latest = ts
        while qty > 0:
            if not self.forming:
                self.start(price)
            if ts < self.now.start_ts:
                self.late += 1
            ts = INT64_MAX  # only the first bar of a split trade tells whether it is late
            part = qty
            if self.how == VOLUME and part > self.size - self.now.volume:
                part = self.size - self.now.volume
            self.fold(price, part, side)
            if (self.how == TICK and self.now.trades == self.size
                    or self.how == VOLUME and self.now.volume == self.size):
                self.close()
            qty -= part
        return FINE

    cdef void start(self, int64_t price) noexcept nogil:
        cdef int64_t since
        self.now = Bar(
            start_ts=self.latest, end_ts=self.latest, open=price, high=price, low=price,
            close=price, volume=0, buy_volume=0, sell_volume=0, trades=0,
            notional_high=0, notional_low=0,
        )
        self.forming = True
        if self.how == TIME:
            since = (self.latest - self.offset) % self.size
            if since < 0:
                since += self.size
            self.now.start_ts -= since
            self.now.end_ts = self.now.start_ts + self.size

    cdef void fold(self, int64_t price, int64_t qty, int64_t side) noexcept nogil:
        cdef Bar *now = &self.now
        if price > now.high:
            now.high = price
        if price < now.low:
            now.low = price
        now.close = price
        now.volume += qty
        if side == 1:
            now.buy_volume += qty
        elif side == 2:
            now.sell_volume += qty
        now.trades += 1
        now.notional_low += <uint64_t>price * (<uint64_t>qty & UINT32_MAX)
        now.notional_high += <uint64_t>price * (<uint64_t>qty >> 32) + (now.notional_low >> 32)
        now.notional_low &= UINT32_MAX
        if self.how != TIME:
            now.end_ts = self.latest

    cdef void close(self) noexcept nogil:
        """Write the forming bar behind the closed ones; there must be room."""
        cdef const int64_t *values = &self.now.start_ts
        cdef int i
        for i in range(COLUMNS):
            self.column[i][self.closed] = values[i]
        self.notional[self.closed] = notional(&self.now)
        self.closed += 1
        self.forming = False

    cdef bint reserve(self, int64_t count) noexcept nogil:
        cdef int64_t capacity = self.capacity
        cdef void *grown
        cdef int i
        if capacity - self.closed >= count:
            return True
        while capacity - self.closed < count:
            capacity = capacity * 2 if capacity else 256
        for i in range(COLUMNS):
            grown = realloc(self.column[i], <size_t>capacity * sizeof(int64_t))
            if grown == NULL:
                return False
            self.column[i] = <int64_t *>grown
        grown = realloc(self.notional, <size_t>capacity * sizeof(double))
        if grown == NULL:
            return False
        self.notional = <double *>grown
        self.capacity = capacity
        return True

    def columns(self):
        return self.since(0)

    def since(self, index, count=None):
        cdef int64_t total = self.closed + self.forming
        cdef int64_t first = bounded(index, "index", 0, total)
        cdef int64_t rows = total - first
        if count is not None:
            rows = min(rows, bounded(count, "count", 0, MAX_SIZE))
        cdef int64_t done = min(max(self.closed - first, 0), rows)
        cdef const int64_t *values = &self.now.start_ts
        cdef int64_t[::1] out
        cdef double[::1] sums
        cdef int i
        result = {}
        for i in range(COLUMNS):
            array = np.empty(rows, INT64)
            result[NAMES[i]] = array
            out = array
            if done:
                memcpy(&out[0], self.column[i] + first, <size_t>done * sizeof(int64_t))
            if rows > done:
                out[done] = values[i]
        array = np.empty(rows, FLOAT64)
        result["notional"] = array
        sums = array
        if done:
            memcpy(&sums[0], self.notional + first, <size_t>done * sizeof(double))
        if rows > done:
            sums[done] = notional(&self.now)
        return result

    def memory_bytes(self):
        return self.capacity * (COLUMNS * sizeof(int64_t) + sizeof(double))
