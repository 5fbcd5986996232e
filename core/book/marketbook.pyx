# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: extra_compile_args = -O3
# distutils: depends = core/book/_market_ladder.h core/book/_market_orders.h
"""Market-data books: what a venue shows, as price levels (L2) or as single orders (L3).

The work is done in _market_ladder.h and _market_orders.h; here the arguments are checked and the
answers become numpy arrays. See marketbook.pyi for what each method means.
"""

from libc.stdint cimport int8_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

import numpy as np

from core.book.arguments cimport bounded, whole

from core.book.columns import column

cdef extern from "_market_ladder.h" nogil:
    uint32_t ML_MAX_PRICE
    uint32_t ML_MIRROR
    int64_t ML_MAX_QTY

    ctypedef struct ml_side:
        uint32_t best
        uint32_t levels

    ctypedef struct ml_cursor:
        uint32_t leaf

    void ml_init(ml_side *s, int mirrored, int queued) noexcept
    void ml_free(ml_side *s) noexcept
    size_t ml_bytes(const ml_side *s) noexcept
    void ml_clear(ml_side *s) noexcept
    uint32_t ml_key(const ml_side *s, int64_t price) noexcept
    int64_t ml_price(const ml_side *s, uint32_t key) noexcept
    int ml_price_ok(int64_t price) noexcept
    int ml_qty_ok(int64_t qty) noexcept
    int64_t ml_add(int64_t a, int64_t b) noexcept
    int64_t ml_qty(const ml_side *s, uint32_t key) noexcept
    int ml_set(ml_side *s, uint32_t key, int64_t qty) noexcept
    int64_t ml_depth(const ml_side *s, int64_t n, int64_t *px, int64_t *qty,
                     int64_t *count) noexcept
    void ml_depth_padded(const ml_side *s, int64_t n, int64_t *px, int64_t *qty) noexcept
    int64_t ml_volume_to(const ml_side *s, uint32_t key) noexcept
    void ml_window(const ml_side *s, int64_t top, int64_t rows, int64_t step,
                   int64_t *out) noexcept

cdef extern from "_market_orders.h" nogil:
    enum:
        MO_DONE
        MO_UNKNOWN_ID
        MO_DUPLICATE_ID
        MO_OVERFILL
        MO_LEVEL_FULL
        MO_NO_MEMORY
        MO_ADD
        MO_MODIFY
        MO_DELETE
        MO_EXECUTE

    ctypedef struct mo_order:
        int64_t qty
        uint32_t key

    ctypedef struct mo_book:
        ml_side *side
        uint32_t live

    void mo_free(mo_book *b) noexcept
    size_t mo_bytes(const mo_book *b) noexcept
    void mo_clear(mo_book *b) noexcept
    mo_order *mo_find(const mo_book *b, uint64_t id) noexcept
    ml_side *mo_side(const mo_book *b, const mo_order *o) noexcept
    uint32_t mo_key(const mo_order *o) noexcept
    int mo_add(mo_book *b, uint64_t id, int ask, int64_t price, int64_t qty) noexcept
    int mo_modify(mo_book *b, uint64_t id, int64_t price, int64_t qty) noexcept
    int mo_delete(mo_book *b, uint64_t id) noexcept
    int mo_execute(mo_book *b, uint64_t id, int64_t qty) noexcept
    int mo_change(mo_book *b, int action, uint64_t id, int ask, int64_t price,
                  int64_t qty) noexcept
    void mo_expect(const mo_book *b, uint64_t id) noexcept
    void mo_queue(const mo_book *b, const ml_side *s, uint32_t key, uint64_t *ids,
                  int64_t *qty) noexcept
    uint32_t mo_count(const ml_side *s, uint32_t key) noexcept
    int64_t mo_ahead(const mo_book *b, const mo_order *o) noexcept

MAX_PRICE = ML_MAX_PRICE
MAX_QTY = ML_MAX_QTY
ADD = MO_ADD
MODIFY = MO_MODIFY
DELETE = MO_DELETE
EXECUTE = MO_EXECUTE
DONE = MO_DONE
UNKNOWN_ID = MO_UNKNOWN_ID
DUPLICATE_ID = MO_DUPLICATE_ID
OVERFILL = MO_OVERFILL
LEVEL_FULL = MO_LEVEL_FULL

# How far ahead a batch asks the memory for the slot of an id.
cdef enum:
    LOOK_AHEAD = 8

# A ladder window far larger than any screen; it keeps rows x ticks far from overflow.
cdef int64_t MAX_ROWS = 1 << 20
cdef int64_t MAX_STEP = <int64_t>1 << 31
cdef int64_t FAR = <int64_t>1 << 40

cdef enum Fault:
    FINE
    BAD_SIDE
    BAD_PRICE
    BAD_QTY
    BAD_ACTION
    OUT_OF_MEMORY

cdef object empty = np.empty
cdef object INT64 = np.dtype(np.int64)


cdef inline Fault level_fault(int64_t side, int64_t price, int64_t qty) noexcept nogil:
    if side != 1 and side != 2:
        return BAD_SIDE
    if not ml_price_ok(price):
        return BAD_PRICE
    return FINE if ml_qty_ok(qty) else BAD_QTY


cdef inline Fault change_fault(int action, int64_t side, int64_t price,
                               int64_t qty) noexcept nogil:
    if action == MO_DELETE:
        return FINE
    if action == MO_ADD:
        if qty == 0:
            return BAD_QTY
        return level_fault(side, price, qty)
    if action == MO_EXECUTE:
        return FINE if qty > 0 and ml_qty_ok(qty) else BAD_QTY
    if action != MO_MODIFY:
        return BAD_ACTION
    if price != 0 and not ml_price_ok(price):
        return BAD_PRICE
    return FINE if ml_qty_ok(qty) else BAD_QTY


cdef complain(Fault fault, str where, side, price, qty, action=None):
    """Raise for a fault; `where` is "" for a single call, "[i]" for element i of a batch."""
    s = "s" if where else ""
    if fault == OUT_OF_MEMORY:
        raise MemoryError(f"no memory for the book{' at element ' + where if where else ''}")
    if fault == BAD_SIDE:
        raise ValueError(f"side{s}{where} is {side}; it must be 1 (BUY) or 2 (SELL).")
    if fault == BAD_PRICE:
        raise ValueError(f"price{s}{where} is {price}; it must be 1 to {MAX_PRICE} ticks.")
    if fault == BAD_ACTION:
        raise ValueError(
            f"action{s}{where} is {action}; it must be 0 ADD, 1 MODIFY, 2 DELETE or 3 EXECUTE."
        )
    least = 1 if action in (MO_ADD, MO_EXECUTE) else 0
    raise ValueError(f"qty{s}{where} is {qty}; it must be {least} to 2^62 lots.")


cdef inline uint64_t order_number(value) except? 0:
    cdef int64_t number = whole(value, "order_id")
    # whole reads what is below 2^63 fastest, and leaves the upper half to the slow conversion.
    return <uint64_t>number if number >= 0 else large_number(value)


cdef uint64_t large_number(value) except? 0:
    try:
        return value.__index__()
    except OverflowError:
        raise ValueError(f"order_id is {value}; it must be 0 to 2^64-1.") from None


cdef class MarketBook:
    cdef ml_side side[2]

    def __cinit__(self):
        ml_init(&self.side[0], 0, 0)
        ml_init(&self.side[1], 1, 0)

    def __dealloc__(self):
        ml_free(&self.side[0])
        ml_free(&self.side[1])

    cdef ml_side *of(self, side) except NULL:
        cdef int64_t number = whole(side, "side")
        if number != 1 and number != 2:
            complain(BAD_SIDE, "", side, None, None)
        return &self.side[number - 1]

    cdef uint32_t key(self, const ml_side *s, price) except? 0:
        cdef int64_t number = whole(price, "price")
        if not ml_price_ok(number):
            complain(BAD_PRICE, "", None, price, None)
        return ml_key(s, number)

    cdef inline int64_t best_price(self, int ask) noexcept:
        cdef ml_side *s = &self.side[ask]
        return ml_price(s, s.best) if s.levels else 0

    def best(self):
        cdef ml_side *bids = &self.side[0]
        cdef ml_side *asks = &self.side[1]
        return (
            self.best_price(0), ml_qty(bids, bids.best) if bids.levels else 0,
            self.best_price(1), ml_qty(asks, asks.best) if asks.levels else 0,
        )

    def crossed(self):
        return self.side[1].levels != 0 and self.best_price(0) > self.best_price(1)

    def locked(self):
        return self.side[1].levels != 0 and self.best_price(0) == self.best_price(1)

    def levels(self, side):
        return self.of(side).levels

    def size_at(self, side, price):
        cdef ml_side *s = self.of(side)
        return ml_qty(s, self.key(s, price))

    def volume_to(self, side, price):
        cdef ml_side *s = self.of(side)
        return ml_volume_to(s, self.key(s, price))

    def depth(self, n):
        cdef int64_t limit = bounded(n, "n", 0, MAX_ROWS)
        cdef int64_t bids = min(limit, <int64_t>self.side[0].levels)
        cdef int64_t asks = min(limit, <int64_t>self.side[1].levels)
        cdef int64_t[:, ::1] out
        table = empty((4, max(bids, asks)), INT64)
        if table.size:
            out = table
            ml_depth(&self.side[0], bids, &out[0, 0], &out[1, 0], NULL)
            ml_depth(&self.side[1], asks, &out[2, 0], &out[3, 0], NULL)
        return table[0, :bids], table[1, :bids], table[2, :asks], table[3, :asks]

    def cumulative(self, side, n):
        cdef ml_side *s = self.of(side)
        cdef int64_t limit = min(bounded(n, "n", 0, MAX_ROWS), <int64_t>s.levels)
        cdef int64_t i
        cdef int64_t[:, ::1] out
        table = empty((2, limit), INT64)
        if limit:
            out = table
            ml_depth(s, limit, &out[0, 0], &out[1, 0], NULL)
            for i in range(1, limit):
                out[1, i] = ml_add(out[1, i - 1], out[1, i])
        return table[0], table[1]

    def window(self, top_price, rows, ticks_per_row):
        cdef int64_t top = bounded(top_price, "top_price", -FAR, FAR)
        cdef int64_t n = bounded(rows, "rows", 1, MAX_ROWS)
        cdef int64_t step = bounded(ticks_per_row, "ticks_per_row", 1, MAX_STEP)
        table = empty((2, n), INT64)
        cdef int64_t[:, ::1] out = table
        with nogil:
            ml_window(&self.side[0], top, n, step, &out[0, 0])
            ml_window(&self.side[1], top, n, step, &out[1, 0])
        return table[0], table[1]

    def reader(self, n):
        return DepthReader(self, n)

    def clear(self):
        ml_clear(&self.side[0])
        ml_clear(&self.side[1])

    def memory_bytes(self):
        return ml_bytes(&self.side[0]) + ml_bytes(&self.side[1])


cdef class DepthReader:
    cdef MarketBook book
    cdef int64_t n
    cdef int64_t[:, ::1] out
    cdef readonly object values

    def __cinit__(self, MarketBook book not None, n):
        self.n = bounded(n, "n", 1, MAX_ROWS)
        self.book = book
        self.values = np.zeros((4, self.n), INT64)
        self.out = self.values

    def read(self):
        cdef int64_t *to = &self.out[0, 0]
        ml_depth_padded(&self.book.side[0], self.n, to, to + self.n)
        ml_depth_padded(&self.book.side[1], self.n, to + 2 * self.n, to + 3 * self.n)
        return self.values


cdef class L2Book(MarketBook):
    def set(self, side, price, qty):
        cdef int64_t s = whole(side, "side"), p = whole(price, "price"), q = whole(qty, "qty")
        cdef Fault fault = level_fault(s, p, q)
        if fault == FINE and not ml_set(&self.side[s - 1], ml_key(&self.side[s - 1], p), q):
            fault = OUT_OF_MEMORY
        if fault != FINE:
            complain(fault, "", side, price, qty)

    def update(self, list levels not None, bint snapshot=False):
        cdef int64_t[:, ::1] rows
        cdef Py_ssize_t i
        if not levels:
            if snapshot:
                self.clear()
            return
        table = empty((len(levels), 3), INT64)
        rows = table
        for i, level in enumerate(levels):
            try:
                side, price, qty = level
            except (TypeError, ValueError):
                raise ValueError(f"levels[{i}] is {level!r}; give (side, price, qty).") from None
            rows[i, 0] = whole(side, "side")
            rows[i, 1] = whole(price, "price")
            rows[i, 2] = whole(qty, "qty")
            fault = level_fault(rows[i, 0], rows[i, 1], rows[i, 2])
            if fault != FINE:
                complain(fault, f" of levels[{i}]", side, price, qty)
        if snapshot:
            self.clear()
        for i in range(rows.shape[0]):
            if not ml_set(&self.side[rows[i, 0] - 1],
                          ml_key(&self.side[rows[i, 0] - 1], rows[i, 1]), rows[i, 2]):
                complain(OUT_OF_MEMORY, f"[{i}]", None, None, None)

    def apply(self, sides, prices, qtys):
        cdef const int8_t[::1] s = column("sides", sides, np.int8)
        cdef Py_ssize_t n = s.shape[0], i
        cdef const int64_t[::1] p = column("prices", prices, INT64, n)
        cdef const int64_t[::1] q = column("qtys", qtys, INT64, n)
        cdef Fault fault
        with nogil:
            i = self.check(s, p, q, &fault)
            if fault == FINE:
                i = self.run(s, p, q, 0, NULL, &fault)
        if fault != FINE:
            complain(fault, f"[{i}]", s[i], p[i], q[i])

    def apply_top(self, sides, prices, qtys, n, out=None):
        cdef const int8_t[::1] s = column("sides", sides, np.int8)
        cdef Py_ssize_t count = s.shape[0], i
        cdef const int64_t[::1] p = column("prices", prices, INT64, count)
        cdef const int64_t[::1] q = column("qtys", qtys, INT64, count)
        cdef int64_t depth = bounded(n, "n", 1, MAX_ROWS)
        cdef int64_t[:, :, ::1] to
        cdef Fault fault
        shape = (count, 4, depth)
        if out is None:
            out = empty(shape, INT64)
        elif (not isinstance(out, np.ndarray) or out.shape != shape or out.dtype != INT64
              or not out.flags.c_contiguous or not out.flags.writeable):
            raise ValueError(f"out must be a writable C-contiguous int64 array of shape {shape}.")
        if count:
            to = out
            with nogil:
                i = self.check(s, p, q, &fault)
                if fault == FINE:
                    i = self.run(s, p, q, depth, &to[0, 0, 0], &fault)
            if fault != FINE:
                complain(fault, f"[{i}]", s[i], p[i], q[i])
        return out

    cdef Py_ssize_t check(self, const int8_t[::1] s, const int64_t[::1] p, const int64_t[::1] q,
                          Fault *fault) noexcept nogil:
        """The index of the first element that is wrong."""
        cdef Py_ssize_t i
        for i in range(s.shape[0]):
            fault[0] = level_fault(s[i], p[i], q[i])
            if fault[0] != FINE:
                return i
        fault[0] = FINE
        return 0

    cdef Py_ssize_t run(self, const int8_t[::1] s, const int64_t[::1] p, const int64_t[::1] q,
                        int64_t depth, int64_t *top, Fault *fault) noexcept nogil:
        """Apply checked columns; with `top`, write the best `depth` levels after each element.

        Each element is checked once more where it is used: another thread may have written to
        the caller's arrays in between, and a price out of range would write outside the book.
        """
        cdef Py_ssize_t i
        cdef ml_side *side
        cdef int64_t *mine
        cdef int64_t *other
        for i in range(s.shape[0]):
            fault[0] = level_fault(s[i], p[i], q[i])
            if fault[0] != FINE:
                return i
            side = &self.side[s[i] - 1]
            if not ml_set(side, ml_key(side, p[i]), q[i]):
                fault[0] = OUT_OF_MEMORY
                return i
            if top != NULL:
                mine = top + (s[i] - 1) * 2 * depth
                ml_depth_padded(side, depth, mine, mine + depth)
                other = top + (2 - s[i]) * 2 * depth
                if i:
                    memcpy(other, other - 4 * depth, 2 * depth * sizeof(int64_t))
                else:
                    ml_depth_padded(&self.side[2 - s[i]], depth, other, other + depth)
                top += 4 * depth
        return 0

    def apply_snapshot(self, bid_px, bid_qty, ask_px, ask_qty):
        cdef L2Book fresh = L2Book()
        cdef ml_side old
        cdef int i
        fresh.fill(0, "bid", bid_px, bid_qty)
        fresh.fill(1, "ask", ask_px, ask_qty)
        for i in range(2):
            old = self.side[i]
            self.side[i] = fresh.side[i]
            fresh.side[i] = old

    cdef fill(self, int ask, str name, prices, qtys):
        """Put one side of a snapshot into this empty book."""
        cdef const int64_t[::1] px = column(f"{name}_px", prices, INT64)
        cdef const int64_t[::1] qty = column(f"{name}_qty", qtys, INT64, px.shape[0])
        cdef ml_side *side = &self.side[ask]
        cdef Py_ssize_t i
        cdef uint32_t key
        for i in range(px.shape[0]):
            if not ml_price_ok(px[i]):
                raise ValueError(f"{name}_px[{i}] is {px[i]}; it must be 1 to {MAX_PRICE} ticks.")
            if not ml_qty_ok(qty[i]):
                raise ValueError(f"{name}_qty[{i}] is {qty[i]}; it must be 0 to 2^62 lots.")
            key = ml_key(side, px[i])
            if ml_qty(side, key):
                raise ValueError(f"{name}_px[{i}] repeats the price {px[i]}.")
            if not ml_set(side, key, qty[i]):
                complain(OUT_OF_MEMORY, f"{name}_px[{i}]", None, None, None)


cdef inline int outcome(int result) except -1:
    if result == MO_NO_MEMORY:
        complain(OUT_OF_MEMORY, "", None, None, None)
    return result


cdef class L3Book(MarketBook):
    cdef mo_book orders

    def __cinit__(self):
        ml_init(&self.side[0], 0, 1)
        ml_init(&self.side[1], 1, 1)
        self.orders.side = self.side

    def __dealloc__(self):
        mo_free(&self.orders)

    def __len__(self):
        return self.orders.live

    def add(self, order_id, side, price, qty):
        cdef uint64_t number = order_number(order_id)
        cdef int64_t s = whole(side, "side"), p = whole(price, "price"), q = whole(qty, "qty")
        cdef Fault fault = change_fault(MO_ADD, s, p, q)
        if fault != FINE:
            complain(fault, "", side, price, qty, MO_ADD)
        return outcome(mo_add(&self.orders, number, s == 2, p, q))

    def modify(self, order_id, qty, price=0):
        cdef uint64_t number = order_number(order_id)
        cdef int64_t p = whole(price, "price"), q = whole(qty, "qty")
        cdef Fault fault = change_fault(MO_MODIFY, 0, p, q)
        if fault != FINE:
            complain(fault, "", None, price, qty, MO_MODIFY)
        return outcome(mo_modify(&self.orders, number, p, q))

    def delete(self, order_id):
        return mo_delete(&self.orders, order_number(order_id))

    def execute(self, order_id, qty):
        cdef uint64_t number = order_number(order_id)
        cdef int64_t q = whole(qty, "qty")
        if change_fault(MO_EXECUTE, 0, 0, q) != FINE:
            complain(BAD_QTY, "", None, None, qty, MO_EXECUTE)
        return mo_execute(&self.orders, number, q)

    def apply(self, actions, order_ids, sides, prices, qtys):
        return self.batch(actions, order_ids, sides, prices, qtys, 0, None)

    def apply_top(self, actions, order_ids, sides, prices, qtys, n):
        cdef int64_t depth = bounded(n, "n", 1, MAX_ROWS)
        count = len(actions) if isinstance(actions, np.ndarray) and actions.ndim == 1 else 0
        top = empty((count, 4, depth), INT64)
        return self.batch(actions, order_ids, sides, prices, qtys, depth, top), top

    cdef batch(self, actions, order_ids, sides, prices, qtys, int64_t depth, top):
        cdef const int8_t[::1] a = column("actions", actions, np.int8)
        cdef Py_ssize_t n = a.shape[0], i = 0
        cdef const uint64_t[::1] ids = column("order_ids", order_ids, np.uint64, n)
        cdef const int8_t[::1] s = column("sides", sides, np.int8, n)
        cdef const int64_t[::1] p = column("prices", prices, INT64, n)
        cdef const int64_t[::1] q = column("qtys", qtys, INT64, n)
        cdef int64_t[:, :, ::1] to
        cdef int64_t *at = NULL
        cdef Fault fault = FINE
        cdef mo_book *book = &self.orders
        cdef int result
        statuses = empty(n, np.int8)
        cdef int8_t[::1] status = statuses
        if depth and n:
            to = top
            at = &to[0, 0, 0]
        with nogil:
            for i in range(n):
                fault = change_fault(a[i], s[i], p[i], q[i])
                if fault != FINE:
                    break
            if fault == FINE:
                for i in range(n):
                    if i + LOOK_AHEAD < n:
                        mo_expect(book, ids[i + LOOK_AHEAD])
                    # Once more: see L2Book.run.
                    fault = change_fault(a[i], s[i], p[i], q[i])
                    if fault != FINE:
                        break
                    result = mo_change(book, a[i], ids[i], s[i] == 2, p[i], q[i])
                    if result == MO_NO_MEMORY:
                        fault = OUT_OF_MEMORY
                        break
                    status[i] = <int8_t>result
                    if at != NULL:
                        ml_depth_padded(&self.side[0], depth, at, at + depth)
                        ml_depth_padded(&self.side[1], depth, at + 2 * depth, at + 3 * depth)
                        at += 4 * depth
        if fault != FINE:
            complain(fault, f"[{i}]", s[i], p[i], q[i], a[i])
        return statuses

    def order(self, order_id):
        cdef mo_order *o = mo_find(&self.orders, order_number(order_id))
        cdef ml_side *s
        if o == NULL:
            return None
        s = mo_side(&self.orders, o)
        return (2 if s == &self.side[1] else 1), ml_price(s, mo_key(o)), o.qty

    def ahead(self, order_id):
        cdef mo_order *o = mo_find(&self.orders, order_number(order_id))
        return None if o == NULL else mo_ahead(&self.orders, o)

    def queue(self, side, price):
        cdef ml_side *s = self.of(side)
        cdef uint32_t key = self.key(s, price), n = mo_count(s, key)
        cdef uint64_t[::1] ids
        cdef int64_t[::1] qty
        order_ids, qtys = empty(n, np.uint64), empty(n, INT64)
        if n:
            ids, qty = order_ids, qtys
            mo_queue(&self.orders, s, key, &ids[0], &qty[0])
        return order_ids, qtys

    def depth_counts(self, n):
        cdef int64_t limit = bounded(n, "n", 0, MAX_ROWS)
        cdef int64_t bids = min(limit, <int64_t>self.side[0].levels)
        cdef int64_t asks = min(limit, <int64_t>self.side[1].levels)
        cdef int64_t[:, ::1] out
        table = empty((6, max(bids, asks)), INT64)
        if table.size:
            out = table
            ml_depth(&self.side[0], bids, &out[0, 0], &out[1, 0], &out[2, 0])
            ml_depth(&self.side[1], asks, &out[3, 0], &out[4, 0], &out[5, 0])
        return (table[0, :bids], table[1, :bids], table[2, :bids],
                table[3, :asks], table[4, :asks], table[5, :asks])

    def clear(self):
        mo_clear(&self.orders)

    def memory_bytes(self):
        return MarketBook.memory_bytes(self) + mo_bytes(&self.orders)
