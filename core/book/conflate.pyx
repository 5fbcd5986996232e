# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: extra_compile_args = -O3
"""What a slow reader needs: which instruments changed, and the trades it has not seen yet.

See conflate.pyi for what each method means.
"""

from libc.stdint cimport int8_t, int64_t, uint8_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memset

import numpy as np

from core.book.arguments cimport bounded, whole

from core.book.columns import column

cdef int64_t MAX_PRICE = 0x7ffffffe
cdef int64_t MAX_QTY = <int64_t>1 << 62
cdef int64_t MAX_SLOTS = <int64_t>1 << 31

cdef object INT64 = np.dtype(np.int64)
cdef object INT8 = np.dtype(np.int8)


cdef class Conflator:
    cdef readonly int64_t keys
    cdef int64_t count
    cdef uint8_t *dirty
    cdef int64_t *order

    def __cinit__(self, keys):
        self.keys = bounded(keys, "keys", 1, MAX_SLOTS)
        self.dirty = <uint8_t *>calloc(<size_t>self.keys, 1)
        self.order = <int64_t *>malloc(<size_t>self.keys * sizeof(int64_t))
        if self.dirty == NULL or self.order == NULL:
            raise MemoryError(f"no memory for {keys} keys")

    def __dealloc__(self):
        free(self.dirty)
        free(self.order)

    def __len__(self):
        return self.count

    def grow(self, keys):
        cdef int64_t wanted = bounded(keys, "keys", self.keys, MAX_SLOTS)
        cdef void *dirty = realloc(self.dirty, <size_t>wanted)
        cdef void *order = NULL
        if dirty != NULL:
            self.dirty = <uint8_t *>dirty
            order = realloc(self.order, <size_t>wanted * sizeof(int64_t))
        if order == NULL:
            raise MemoryError(f"no memory for {keys} keys")
        self.order = <int64_t *>order
        memset(self.dirty + self.keys, 0, <size_t>(wanted - self.keys))
        self.keys = wanted

    cdef inline bint touch(self, int64_t key) noexcept nogil:
        if self.dirty[key]:
            return False
        self.dirty[key] = 1
        self.order[self.count] = key
        self.count += 1
        return True

    def mark(self, key):
        return self.touch(bounded(key, "key", 0, self.keys - 1))

    def mark_many(self, keys):
        cdef const int64_t[::1] k = column("keys", keys, INT64)
        cdef int64_t before = self.count, key
        cdef Py_ssize_t n = k.shape[0], i
        cdef bint bad = False
        with nogil:
            for i in range(n):
                bad = k[i] < 0 or k[i] >= self.keys
                if bad:
                    break
            if not bad:
                for i in range(n):
                    # Read once and checked where used: another thread may write to the array.
                    key = k[i]
                    if 0 <= key < self.keys:
                        self.touch(key)
        if bad:
            raise ValueError(f"keys[{i}] is {k[i]}; it must be 0 to {self.keys - 1}.")
        return self.count - before

    def drain(self):
        cdef int64_t i, n = self.count
        cdef int64_t[::1] view
        out = np.empty(n, INT64)
        if n:
            view = out
            memcpy(&view[0], self.order, <size_t>n * sizeof(int64_t))
            for i in range(n):
                self.dirty[self.order[i]] = 0
            self.count = 0
        return out


cdef inline bint trade_ok(int64_t ts, int64_t price, int64_t qty, int64_t side) noexcept nogil:
    return (ts >= 0 and 1 <= price <= MAX_PRICE and 1 <= qty <= MAX_QTY and 0 <= side <= 2)


cdef complain(str where, ts, price, qty, side):
    if ts < 0:
        raise ValueError(f"ts{where} is {ts}; it must be 0 to 2^63-1 ns.")
    if not 1 <= price <= MAX_PRICE:
        raise ValueError(f"price{where} is {price}; it must be 1 to {MAX_PRICE} ticks.")
    if not 1 <= qty <= MAX_QTY:
        raise ValueError(f"qty{where} is {qty}; it must be 1 to 2^62 lots.")
    if not 0 <= side <= 2:
        raise ValueError(f"side{where} is {side}; it must be 1 (BUY), 2 (SELL) or 0 (unknown).")
    raise ValueError(f"ts{where} is {ts}; it must be 0 to 2^63-1 ns.")


cdef class TradeRing:
    cdef readonly int64_t capacity
    cdef readonly int64_t head
    cdef int64_t *ts
    cdef int64_t *price
    cdef int64_t *qty
    cdef int8_t *side

    def __cinit__(self, capacity):
        self.capacity = bounded(capacity, "capacity", 1, MAX_SLOTS)
        self.ts = <int64_t *>calloc(<size_t>self.capacity, sizeof(int64_t))
        self.price = <int64_t *>calloc(<size_t>self.capacity, sizeof(int64_t))
        self.qty = <int64_t *>calloc(<size_t>self.capacity, sizeof(int64_t))
        self.side = <int8_t *>calloc(<size_t>self.capacity, 1)
        if self.ts == NULL or self.price == NULL or self.qty == NULL or self.side == NULL:
            raise MemoryError(f"no memory for {capacity} trades")

    def __dealloc__(self):
        free(self.ts)
        free(self.price)
        free(self.qty)
        free(self.side)

    def __len__(self):
        return min(self.head, self.capacity)

    cdef inline void put(self, int64_t at, int64_t ts, int64_t price, int64_t qty,
                         int64_t side) noexcept nogil:
        self.ts[at] = ts
        self.price[at] = price
        self.qty[at] = qty
        self.side[at] = <int8_t>side

    def append(self, ts, price, qty, side):
        cdef int64_t t = whole(ts, "ts"), p = whole(price, "price")
        cdef int64_t q = whole(qty, "qty"), s = whole(side, "side")
        if not trade_ok(t, p, q, s):
            complain("", ts, price, qty, side)
        self.put(self.head % self.capacity, t, p, q, s)
        self.head += 1
        return self.head - 1

    def append_batch(self, ts, price, qty, side):
        cdef const int64_t[::1] t = column("ts", ts, INT64)
        cdef int64_t n = t.shape[0], i, at
        cdef const int64_t[::1] p = column("price", price, INT64, n)
        cdef const int64_t[::1] q = column("qty", qty, INT64, n)
        cdef const int8_t[::1] s = column("side", side, INT8, n)
        cdef int64_t first = self.head
        cdef bint good = True
        with nogil:
            for i in range(n):
                good = trade_ok(t[i], p[i], q[i], s[i])
                if not good:
                    break
            if good:
                # Of more than fit, only the last stay; the others count as appended and lost.
                i = n - self.capacity if n > self.capacity else 0
                at = (first + i) % self.capacity
                while i < n:
                    self.put(at, t[i], p[i], q[i], s[i])
                    at += 1
                    if at == self.capacity:
                        at = 0
                    i += 1
                self.head += n
        if not good:
            complain(f"[{i}]", t[i], p[i], q[i], s[i])
        return first

    def read(self, cursor):
        cdef int64_t asked = bounded(cursor, "cursor", 0, self.head)
        cdef int64_t start = max(asked, self.head - self.capacity)
        cdef int64_t n = self.head - start, at = start % self.capacity
        cdef int64_t straight = min(n, self.capacity - at)
        sides = np.empty(n, INT8)
        cdef int8_t[::1] out = sides
        if n:
            memcpy(&out[0], self.side + at, <size_t>straight)
        if n > straight:
            memcpy(&out[straight], self.side, <size_t>(n - straight))
        columns = {
            "seq": np.arange(start, self.head, dtype=INT64),
            "ts": self.copy(self.ts, at, straight, n),
            "price": self.copy(self.price, at, straight, n),
            "qty": self.copy(self.qty, at, straight, n),
            "side": sides,
        }
        return columns, self.head, start - asked

    cdef copy(self, const int64_t *source, int64_t at, int64_t straight, int64_t n):
        """n elements from `at`, the first `straight` of them before the ring's seam."""
        array = np.empty(n, INT64)
        cdef int64_t[::1] out = array
        if n:
            memcpy(&out[0], source + at, <size_t>straight * sizeof(int64_t))
        if n > straight:
            memcpy(&out[straight], source, <size_t>(n - straight) * sizeof(int64_t))
        return array

    def memory_bytes(self):
        return self.capacity * (3 * sizeof(int64_t) + sizeof(int8_t))
