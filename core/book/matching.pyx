# distutils: extra_compile_args = -O3
# distutils: depends = core/book/_matching.h core/book/_matching_orders.h core/book/_matching_ladder.h core/book/_matching_inspect.h
# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: cdivision=True, nonecheck=False, binding=False, auto_pickle=False
"""A price-time matching book: limit (GTC, IOC, FOK, POST_ONLY) and market orders, cancel, replace.

Prices are integer ticks from 1 to 2^31 - 2, quantities integers from 1 to 2^40, order ids and
owners unsigned 64-bit. Sides are FIX 54 (1 buy, 2 sell). A trade happens at the maker's price; the
best price goes first, and at one price the oldest order.

Every command answers with a status. The rejects, tested in this order, change nothing:
``UNKNOWN_ID`` (cancel, replace), ``DUPLICATE_ID`` (the id rests in the book; a dead id may be used
again), ``BAD_QTY``, ``BAD_PRICE``, ``WOULD_CROSS`` (POST_ONLY that would take), ``FOK_KILLED`` (FOK
that cannot be filled at once in full).

**Self-trade prevention** applies where taker and maker have the same owner other than 0.
``SELF_TRADE_NONE``: they trade. ``CANCEL_TAKER``: what is left of the taker is cancelled when it
meets its owner's order. ``CANCEL_MAKER``: the resting order is cancelled whole and the taker goes
on. ``CANCEL_BOTH``: both. What was traded before stays traded. A FOK looks before it leaps, with
prevention in mind: quantity of its own owner never counts, and under CANCEL_TAKER and CANCEL_BOTH
neither does anything behind the first order of its owner, since meeting that order would cancel
the FOK; it is then FOK_KILLED and no order is touched. Under CANCEL_MAKER a FOK that others can
fill in full executes and cancels its owner's orders on its way. POST_ONLY is rejected by any
order it would meet, its owner's too.

A book belongs to one thread at a time.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_New, PyTuple_SET_ITEM
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
cimport cython

import operator

import numpy as np

cdef extern from *:
    """
    /* The value of a Python integer; beyond 64 bits `*overflow` is set and the value is -1. One
     * digit, which most prices and quantities are, needs no call. */
    static CYTHON_INLINE int64_t mb_integer(PyObject *value, int *overflow) {
    #if CYTHON_COMPILING_IN_CPYTHON && PY_VERSION_HEX >= 0x030C0000
        if (PyLong_CheckExact(value) && PyUnstable_Long_IsCompact((PyLongObject *)value))
            return (int64_t)PyUnstable_Long_CompactValue((PyLongObject *)value);
    #elif CYTHON_COMPILING_IN_CPYTHON
        if (PyLong_CheckExact(value) && (size_t)(Py_SIZE(value) + 1) <= 2)
            return (int64_t)Py_SIZE(value) * ((PyLongObject *)value)->ob_digit[0];
    #endif
        return (int64_t)PyLong_AsLongLongAndOverflow(value, overflow);
    }
    """
    int64_t mb_integer(object value, int *overflow) except? -1

cdef extern from "_matching_inspect.h" nogil:
    enum:
        MB_MAX_ORDERS
        MB_NO_MEMORY
        MB_KINDS
        MB_STP_MODES
    ctypedef struct mb_order:
        uint64_t id
        int64_t leaves
        uint32_t key
    ctypedef struct mb_orders:
        mb_order *pool
        uint64_t *owners
        uint32_t live
    ctypedef struct mb_level:
        int64_t qty
        uint32_t orders
    ctypedef struct mb_trade:
        uint64_t maker
        uint64_t taker
        int64_t price
        int64_t qty
    ctypedef struct mb_cancelled:
        uint64_t id
        int64_t qty
    ctypedef struct mb_book:
        mb_orders orders
        int stp
        mb_trade *trades
        size_t trade_count
        mb_cancelled *cancels
        size_t cancel_count
    bint mb_init(mb_book *b, uint32_t capacity, int stp)
    void mb_destroy(mb_book *b)
    void mb_clear(mb_book *b)
    int mb_add(mb_book *b, uint64_t id, uint32_t sell, int64_t price, int64_t qty, int kind,
               uint64_t owner)
    int mb_cancel(mb_book *b, uint64_t id)
    int mb_replace(mb_book *b, uint64_t id, int64_t price, int64_t qty)
    size_t mb_bad_row(size_t n, const uint8_t *ops, const uint8_t *sides, const uint8_t *kinds)
    size_t mb_apply(mb_book *b, size_t n, const uint8_t *ops, const uint64_t *ids,
                    const uint8_t *sides, const int64_t *prices, const int64_t *qtys,
                    const uint8_t *kinds, const uint64_t *owners, uint8_t *statuses)
    int64_t mb_best(const mb_book *b, uint32_t sell)
    const mb_level *mb_level_at(const mb_book *b, uint32_t sell, int64_t price)
    uint32_t mb_lookup(const mb_book *b, uint64_t id)
    int64_t mb_ahead(const mb_book *b, uint32_t i)
    size_t mb_depth(const mb_book *b, uint32_t sell, size_t n, int64_t *prices, int64_t *qtys,
                    int64_t *counts)
    void mb_count(const mb_book *b, uint32_t sell, size_t limit, size_t *levels, size_t *orders)
    void mb_export(const mb_book *b, uint32_t sell, uint64_t *ids, int64_t *prices,
                   int64_t *leaves, uint64_t *owners)
    uint64_t mb_digest(const mb_book *b)
    size_t mb_heap_bytes(const mb_book *b)
    const char *mb_check(const mb_book *b)

BUY = 1
SELL = 2

LIMIT_GTC = 0
LIMIT_IOC = 1
LIMIT_FOK = 2
POST_ONLY = 3
MARKET = 4

OK = 0
UNKNOWN_ID = 1
DUPLICATE_ID = 2
BAD_QTY = 3
BAD_PRICE = 4
WOULD_CROSS = 5
FOK_KILLED = 6
STATUS_NAMES = (
    "OK", "UNKNOWN_ID", "DUPLICATE_ID", "BAD_QTY", "BAD_PRICE", "WOULD_CROSS", "FOK_KILLED"
)

SELF_TRADE_NONE = 0
SELF_TRADE_CANCEL_TAKER = 1
SELF_TRADE_CANCEL_MAKER = 2
SELF_TRADE_CANCEL_BOTH = 3

OP_ADD = 0
OP_CANCEL = 1
OP_REPLACE = 2

MAX_PRICE = 2**31 - 2
MAX_QTY = 2**40
MAX_ORDERS = MB_MAX_ORDERS

TRADE_DTYPE = np.dtype(
    [("maker", np.uint64), ("taker", np.uint64), ("price", np.int64), ("qty", np.int64)]
)
CANCEL_DTYPE = np.dtype([("id", np.uint64), ("qty", np.int64)])


@cython.final
@cython.freelist(256)
@cython.no_gc
cdef class Fill:
    """One execution: ``taker`` traded ``qty`` with the resting ``maker`` at ``price`` ticks."""

    cdef readonly uint64_t maker
    cdef readonly uint64_t taker
    cdef readonly int64_t price
    cdef readonly int64_t qty

    def __repr__(self):
        return (
            f"Fill(maker={self.maker}, taker={self.taker}, price={self.price}, qty={self.qty})"
        )


cdef inline int64_t _number(object value) except? -2:
    """A price or quantity; one beyond 64 bits becomes -1, which every range check rejects."""
    cdef int overflow = 0
    cdef int64_t number = mb_integer(value, &overflow)
    return -1 if overflow else number


cdef uint64_t _wide_id(object value) except? 0xFEDCBA9876543210:
    index = operator.index(value)
    if not 0 <= index < 2**64:
        raise OverflowError(f"an order id or owner must be in 0 .. 2^64 - 1, not {index}")
    return index


cdef inline uint64_t _id(object value) except? 0xFEDCBA9876543210:
    cdef int overflow = 0
    cdef int64_t number = mb_integer(value, &overflow)
    return <uint64_t>number if number >= 0 else _wide_id(value)


cdef int _bad_side(object side) except -1:
    raise ValueError(f"side must be 1 (buy) or 2 (sell), not {side!r}")


cdef int _bad_kind(object kind) except -1:
    raise ValueError(f"kind must be an order kind from 0 to {MB_KINDS - 1}, not {kind!r}")


cdef const void *_column(object array, str name, object dtype, Py_ssize_t rows,
                         Py_buffer *view) except NULL:
    """Opens a column for reading; it must have exactly this dtype and length."""
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != 1:
        found = f"{array.dtype} array of {array.ndim} dimensions" if isinstance(
            array, np.ndarray) else type(array).__name__
        raise TypeError(f"column {name!r} must be a one-dimensional {dtype} array, not {found}")
    if len(array) != rows:
        raise ValueError(f"column {name!r} has {len(array)} rows where 'ops' has {rows}")
    if not array.flags.c_contiguous:
        raise ValueError(f"column {name!r} must be contiguous; pass a copy of it")
    PyObject_GetBuffer(array, view, PyBUF_SIMPLE)
    return view.buf if view.buf != NULL else <void *>view


@cython.final
@cython.no_gc
cdef class MatchingBook:
    """A price-time matching book for one instrument.

    ``capacity`` is the number of resting orders to make room for up front; the book grows beyond
    it by doubling. Ask for what you expect: an id map far too big for its orders costs cache
    misses. ``self_trade`` is one of the ``SELF_TRADE_*`` modes.

    Ids and owners outside 0 .. 2^64 - 1 raise ``OverflowError``, values that are not integers
    ``TypeError``, an unknown side or kind ``ValueError``. A price or quantity out of its range, of
    whatever size, is rejected with ``BAD_PRICE`` or ``BAD_QTY``. ``MemoryError`` is raised when
    memory (or the limit of ``MAX_ORDERS`` resting orders) runs out: the command was not carried
    out, or, if it was trading, the rest of the incoming order was dropped; the book stays whole.
    """

    cdef mb_book book
    cdef bint busy
    cdef readonly int status
    """The status of the last ``add_fills`` or ``replace_fills``."""

    def __cinit__(self, capacity=1024, self_trade=SELF_TRADE_NONE):
        capacity = operator.index(capacity)
        if not 0 <= capacity <= MB_MAX_ORDERS:
            raise ValueError(f"capacity must be in 0 .. {MB_MAX_ORDERS}, not {capacity}")
        if self_trade not in range(MB_STP_MODES):
            raise ValueError(f"self_trade must be one of the SELF_TRADE modes, not {self_trade!r}")
        if not mb_init(&self.book, capacity, self_trade):
            raise MemoryError(f"no memory for a book of {capacity} orders")

    def __dealloc__(self):
        mb_destroy(&self.book)

    cdef int _free(self) except -1:
        """The guard of every call: ``apply`` releases the GIL while it changes the book."""
        if self.busy:
            raise RuntimeError("another thread is inside apply() of this book; wait for it")
        return 0

    cdef int _add(self, object order_id, object side, object price, object qty, object kind,
                  object owner) except -1:
        cdef uint64_t id_ = _id(order_id)
        cdef int64_t side_ = _number(side)
        cdef int64_t price_ = _number(price)
        cdef int64_t qty_ = _number(qty)
        cdef int64_t kind_ = _number(kind)
        cdef uint64_t owner_ = _id(owner)
        cdef int status
        if side_ != 1 and side_ != 2:
            _bad_side(side)
        if kind_ < 0 or kind_ >= MB_KINDS:
            _bad_kind(kind)
        self._free()
        status = mb_add(&self.book, id_, side_ == 2, price_, qty_, <int>kind_, owner_)
        if status == MB_NO_MEMORY:
            raise MemoryError(f"no memory to carry out order {order_id}")
        return status

    cdef int _replace(self, object order_id, object price, object qty) except -1:
        cdef uint64_t id_ = _id(order_id)
        cdef int64_t price_ = _number(price)
        cdef int64_t qty_ = _number(qty)
        cdef int status
        self._free()
        status = mb_replace(&self.book, id_, price_, qty_)
        if status == MB_NO_MEMORY:
            raise MemoryError(f"no memory to carry out the replacement of order {order_id}")
        return status

    cdef tuple _fills(self, size_t since):
        """The trades from number ``since`` on as objects; they leave the trade buffer."""
        cdef size_t n = self.book.trade_count - since, k
        cdef tuple fills
        cdef Fill fill
        if n == 0:
            return ()
        fills = PyTuple_New(n)
        for k in range(n):
            fill = Fill.__new__(Fill)
            fill.maker = self.book.trades[since + k].maker
            fill.taker = self.book.trades[since + k].taker
            fill.price = self.book.trades[since + k].price
            fill.qty = self.book.trades[since + k].qty
            Py_INCREF(fill)
            PyTuple_SET_ITEM(fills, k, fill)
        self.book.trade_count = since
        return fills

    def add(self, order_id, side, price, qty, kind=LIMIT_GTC, owner=0):
        """Enters an order and returns its status; its trades go to ``trades()``.

        ``price`` is the limit in ticks (ignored for MARKET). What IOC and MARKET cannot fill at
        once is dropped; GTC and POST_ONLY rest. ``owner`` 0 is nobody's.
        """
        return self._add(order_id, side, price, qty, kind, owner)

    def add_fills(self, order_id, side, price, qty, kind=LIMIT_GTC, owner=0):
        """Like ``add``, but returns the order's fills as a tuple of ``Fill``, empty when it did
        not trade; these trades do not go to ``trades()``. The status is then in ``status``."""
        cdef size_t since = self.book.trade_count
        self.status = self._add(order_id, side, price, qty, kind, owner)
        return self._fills(since)

    def cancel(self, order_id):
        """Takes a resting order out of the book: OK or UNKNOWN_ID."""
        cdef uint64_t id_ = _id(order_id)
        self._free()
        return mb_cancel(&self.book, id_)

    def replace(self, order_id, price, qty):
        """Gives a resting order a new price and a new open quantity (what is left to fill).

        The same price and not more quantity keeps the order's place in the queue. Anything else
        enters it anew as LIMIT GTC, at the back of its price; it may trade as taker, and
        self-trade prevention applies.
        """
        return self._replace(order_id, price, qty)

    def replace_fills(self, order_id, price, qty):
        """Like ``replace``, with its fills returned as in ``add_fills``."""
        cdef size_t since = self.book.trade_count
        self.status = self._replace(order_id, price, qty)
        return self._fills(since)

    def apply(self, ops, ids, sides, prices, qtys, kinds, owners=None):
        """Carries out one command a row and returns the statuses as a uint8 array.

        Columns: ``ops`` (OP_ADD, OP_CANCEL, OP_REPLACE), ``sides`` and ``kinds`` are uint8,
        ``ids`` and ``owners`` (may be None) uint64, ``prices`` and ``qtys`` int64, all
        contiguous and of one length; a command ignores the columns it has no use for. A row with
        an op, side or kind that does not exist raises ``ValueError`` before any row is carried
        out. Trades are added to ``trades()``, self-trade cancels to ``cancels()``: call
        ``clear_trades()`` first to use their memory again. The GIL is released meanwhile.
        """
        cdef Py_buffer views[8]
        cdef const void *columns[8]
        cdef Py_ssize_t rows = len(ops)
        cdef size_t done
        cdef int opened = 0
        statuses = np.zeros(rows, np.uint8)
        named = (
            ("ops", ops, np.uint8), ("ids", ids, np.uint64), ("sides", sides, np.uint8),
            ("prices", prices, np.int64), ("qtys", qtys, np.int64), ("kinds", kinds, np.uint8),
            ("owners", owners, np.uint64),
        )
        self._free()
        try:
            for name, array, dtype in named:
                if name == "owners" and array is None:
                    columns[opened] = NULL
                    continue
                columns[opened] = _column(array, name, np.dtype(dtype), rows, &views[opened])
                opened += 1
            if rows == 0:
                return statuses
            done = mb_bad_row(rows, <const uint8_t *>columns[0], <const uint8_t *>columns[2],
                              <const uint8_t *>columns[5])
            if done < <size_t>rows:
                raise ValueError(
                    f"row {done} has op {ops[done]}, side {sides[done]}, kind {kinds[done]};"
                    " there is no such command")
            PyObject_GetBuffer(statuses, &views[7], PyBUF_SIMPLE | PyBUF_WRITABLE)
            self.busy = True
            try:
                with nogil:
                    done = mb_apply(
                        &self.book, rows, <const uint8_t *>columns[0],
                        <const uint64_t *>columns[1], <const uint8_t *>columns[2],
                        <const int64_t *>columns[3], <const int64_t *>columns[4],
                        <const uint8_t *>columns[5], <const uint64_t *>columns[6],
                        <uint8_t *>views[7].buf)
            finally:
                self.busy = False
                PyBuffer_Release(&views[7])
            if statuses[done - 1] == MB_NO_MEMORY:
                raise MemoryError(
                    f"no memory to carry out row {done - 1}; the rows before it were carried out")
        finally:
            while opened:
                opened -= 1
                PyBuffer_Release(&views[opened])
        return statuses

    def best_bid(self):
        """The highest bid in ticks, 0 when there is none."""
        self._free()
        return mb_best(&self.book, 0)

    def best_ask(self):
        """The lowest ask in ticks, 0 when there is none."""
        self._free()
        return mb_best(&self.book, 1)

    def order(self, order_id):
        """``(side, price, leaves, owner)`` of a resting order, or None."""
        cdef uint64_t id_ = _id(order_id)
        cdef uint32_t i
        cdef mb_order *order
        self._free()
        i = mb_lookup(&self.book, id_)
        if i == 0:
            return None
        order = &self.book.orders.pool[i]
        owner = self.book.orders.owners[i] if self.book.orders.owners != NULL else 0
        return 1 + (order.key & 1), order.key >> 1, order.leaves, owner

    def queue_ahead(self, order_id):
        """The open quantity in front of a resting order at its price, or None when the id does
        not rest. Walks the orders in front."""
        cdef uint64_t id_ = _id(order_id)
        cdef uint32_t i
        self._free()
        i = mb_lookup(&self.book, id_)
        return mb_ahead(&self.book, i) if i else None

    def level(self, side, price):
        """``(quantity, orders)`` resting at a price, ``(0, 0)`` when there are none."""
        cdef int64_t side_ = _number(side)
        cdef int64_t price_ = _number(price)
        cdef const mb_level *level
        if side_ != 1 and side_ != 2:
            _bad_side(side)
        self._free()
        level = mb_level_at(&self.book, side_ == 2, price_)
        if level == NULL:
            return 0, 0
        return level.qty, level.orders

    def depth(self, side, n):
        """The best ``n`` levels as int64 arrays ``(prices, quantities, order counts)``."""
        cdef int64_t side_ = _number(side)
        cdef size_t levels, orders
        cdef Py_buffer view
        cdef int64_t *at
        if side_ != 1 and side_ != 2:
            _bad_side(side)
        n = operator.index(n)
        if n < 0:
            raise ValueError(f"the number of levels must not be negative, got {n}")
        self._free()
        mb_count(&self.book, side_ == 2, min(n, 2**31), &levels, &orders)
        columns = np.empty((3, levels), np.int64)
        if levels:
            PyObject_GetBuffer(columns, &view, PyBUF_SIMPLE | PyBUF_WRITABLE)
            at = <int64_t *>view.buf
            mb_depth(&self.book, side_ == 2, levels, at, at + levels, at + 2 * levels)
            PyBuffer_Release(&view)
        return columns[0], columns[1], columns[2]

    def orders(self, side):
        """All resting orders of a side in priority order, as arrays
        ``(ids uint64, prices int64, leaves int64, owners uint64)``."""
        cdef int64_t side_ = _number(side)
        cdef size_t levels, orders
        cdef Py_buffer view
        cdef uint64_t *at
        if side_ != 1 and side_ != 2:
            _bad_side(side)
        self._free()
        mb_count(&self.book, side_ == 2, 2**31, &levels, &orders)
        columns = np.empty((4, orders), np.uint64)
        if orders:
            PyObject_GetBuffer(columns, &view, PyBUF_SIMPLE | PyBUF_WRITABLE)
            at = <uint64_t *>view.buf
            mb_export(&self.book, side_ == 2, at, <int64_t *>(at + orders),
                      <int64_t *>(at + 2 * orders), at + 3 * orders)
            PyBuffer_Release(&view)
        return columns[0], columns[1].view(np.int64), columns[2].view(np.int64), columns[3]

    def __len__(self):
        return self.book.orders.live

    @property
    def trade_count(self):
        """How many trades ``trades()`` holds."""
        return self.book.trade_count

    @property
    def cancel_count(self):
        """How many cancels ``cancels()`` holds."""
        return self.book.cancel_count

    def trades(self):
        """A copy of the trades since the last ``clear_trades()``, in match order, as a structured
        array with the fields ``maker``, ``taker``, ``price``, ``qty``."""
        self._free()
        return _copy(self.book.trades, self.book.trade_count, sizeof(mb_trade), TRADE_DTYPE)

    def clear_trades(self):
        """Forgets the trades and the cancels, and keeps their memory for the next ones."""
        self._free()
        self.book.trade_count = 0
        self.book.cancel_count = 0

    def cancels(self):
        """A copy of what self-trade prevention cancelled since the last ``clear_trades()``, in
        order, as a structured array with the fields ``id`` and ``qty`` (the quantity cancelled).
        With CANCEL_BOTH the maker comes first."""
        self._free()
        return _copy(self.book.cancels, self.book.cancel_count, sizeof(mb_cancelled), CANCEL_DTYPE)

    def clear(self):
        """Empties the book, its trades and its cancels, and keeps the memory."""
        self._free()
        mb_clear(&self.book)

    def digest(self):
        """64 bits over the resting orders in priority order (bids, then asks), the trades and the
        cancels: equal for equal books, whatever way they took."""
        self._free()
        return mb_digest(&self.book)

    def memory_bytes(self):
        """Bytes that the book occupies, its buffers included."""
        self._free()
        return sizeof(mb_book) + mb_heap_bytes(&self.book)

    def check(self):
        """Tests every invariant of the book and raises ``AssertionError`` with a sentence when
        one does not hold. Reads the whole book: for tests and diagnosis."""
        cdef const char *broken
        self._free()
        broken = mb_check(&self.book)
        if broken != NULL:
            raise AssertionError(broken.decode("ascii"))


cdef object _copy(const void *records, size_t count, size_t size, object dtype):
    cdef Py_buffer view
    array = np.empty(count, dtype)
    if count:
        PyObject_GetBuffer(array, &view, PyBUF_SIMPLE | PyBUF_WRITABLE)
        memcpy(view.buf, records, count * size)
        PyBuffer_Release(&view)
    return array
