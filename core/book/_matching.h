/* The price-time matching book. Plain C: no Python, no input or output, no clock, no randomness.
 *
 * A call returns a status and changes nothing when the status is not MB_OK. Executions go to
 * `trades` at the maker's price in match order; orders taken out to prevent a self-trade go to
 * `cancels`. The book is never crossed.
 */
#ifndef OUTCRY_MATCHING_H
#define OUTCRY_MATCHING_H

#include "_matching_ladder.h"

#define MB_BUY 1 /* FIX 54 Side */
#define MB_SELL 2
#define MB_MAX_QTY ((int64_t)1 << 40)

enum { MB_LIMIT_GTC, MB_LIMIT_IOC, MB_LIMIT_FOK, MB_POST_ONLY, MB_MARKET, MB_KINDS };
enum { MB_STP_NONE, MB_STP_TAKER, MB_STP_MAKER, MB_STP_BOTH, MB_STP_MODES };
enum { MB_OP_ADD, MB_OP_CANCEL, MB_OP_REPLACE, MB_OPS };
enum {
    MB_OK,
    MB_UNKNOWN_ID,
    MB_DUPLICATE_ID,
    MB_BAD_QTY,
    MB_BAD_PRICE,
    MB_WOULD_CROSS,
    MB_FOK_KILLED,
    MB_NO_MEMORY /* not for the caller's eyes: the wrapper raises */
};

typedef struct {
    uint64_t maker, taker;
    int64_t price, qty;
} mb_trade;

typedef struct {
    uint64_t id;
    int64_t qty;
} mb_cancelled;

typedef struct {
    mb_orders orders;
    uint32_t best[2]; /* bid, ask: indexed by "is sell" */
    int stp;
    int short_of_memory; /* a taker was cut off because its trades could not be recorded */
    mb_trade *trades;
    size_t trade_count, trade_room;
    mb_cancelled *cancels;
    size_t cancel_count, cancel_room;
    mb_ladder ladder;
} mb_book;

MB_UNUSED void mb_destroy(mb_book *b) {
    mb_orders_destroy(&b->orders);
    mb_ladder_destroy(&b->ladder);
    free(b->trades);
    free(b->cancels);
    b->trades = NULL;
    b->cancels = NULL;
}

/* An empty book with room for `capacity` orders; 0 when memory is short. `*b` must be zeroed. */
MB_UNUSED int mb_init(mb_book *b, uint32_t capacity, int stp) {
    b->best[0] = MB_NO_BID;
    b->best[1] = MB_NO_ASK;
    b->stp = stp;
    b->trade_room = 256;
    b->trades = (mb_trade *)malloc(b->trade_room * sizeof(mb_trade));
    if (capacity < MB_MIN_ORDERS) capacity = MB_MIN_ORDERS;
    if (b->trades && mb_ladder_init(&b->ladder) && mb_orders_resize(&b->orders, capacity)) {
        return 1;
    }
    mb_destroy(b);
    return 0;
}

MB_NOINLINE int mb_more_trades(mb_book *b) {
    const size_t room = b->trade_room * 2;
    mb_trade *trades = (mb_trade *)realloc(b->trades, room * sizeof(mb_trade));
    if (!trades) return 0;
    b->trades = trades;
    b->trade_room = room;
    return 1;
}

/* Room for `count` more self-trade cancels. */
MB_NOINLINE int mb_room_to_cancel(mb_book *b, size_t count) {
    size_t room = b->cancel_room ? b->cancel_room : 16;
    mb_cancelled *cancels;
    if (b->cancel_count + count <= b->cancel_room) return 1;
    while (room < b->cancel_count + count) room *= 2;
    cancels = (mb_cancelled *)realloc(b->cancels, room * sizeof(mb_cancelled));
    if (!cancels) return 0;
    b->cancels = cancels;
    b->cancel_room = room;
    return 1;
}

MB_INLINE void mb_cancelled_add(mb_book *b, uint64_t id, int64_t qty) {
    b->cancels[b->cancel_count].id = id;
    b->cancels[b->cancel_count].qty = qty;
    ++b->cancel_count;
}

/* The level at `price` is empty: unmark it and, if it was the touch, find the next one. */
MB_INLINE void mb_level_gone(mb_book *b, uint32_t level, uint32_t price, uint32_t sell) {
    mb_ladder_unmark(&b->ladder, level, price);
    if (price == b->best[sell]) {
        b->best[sell] =
            sell ? mb_ladder_above(&b->ladder, price) : mb_ladder_below(&b->ladder, price);
    }
}

/* Takes record `i` out of its level's queue. */
MB_INLINE void mb_unlink(mb_book *b, uint32_t i) {
    mb_order *const pool = b->orders.pool;
    const mb_order *const order = &pool[i];
    const uint32_t prev = order->prev, next = order->next, at = order->level;
    mb_level *const level = &b->ladder.levels[at];
    pool[prev].next = next;
    pool[next].prev = prev;
    level->head = prev ? level->head : next;
    level->tail = next ? level->tail : prev;
    level->qty -= order->leaves;
    if (!--level->orders) mb_level_gone(b, at, order->key >> 1, order->key & 1);
}

/* Puts record `i` (id, leaves, key set) at the back of level `at` and moves the touch. */
MB_INLINE void mb_link(mb_book *b, uint32_t i, uint32_t at) {
    mb_order *const pool = b->orders.pool;
    mb_order *const order = &pool[i];
    mb_level *const level = &b->ladder.levels[at];
    const uint32_t price = order->key >> 1, sell = order->key & 1, flip = 0u - sell;
    const uint32_t tail = level->tail, best = b->best[sell];
    order->prev = tail;
    order->next = 0;
    order->level = at;
    pool[tail].next = i;
    level->tail = i;
    level->head = tail ? level->head : i;
    level->qty += order->leaves;
    ++level->orders;
    mb_ladder_mark(&b->ladder, at);
    b->best[sell] = (int32_t)(price ^ flip) > (int32_t)(best ^ flip) ? price : best;
}

/* Does an order at `price` meet the other side? */
MB_INLINE int mb_crosses(const mb_book *b, uint32_t price, uint32_t sell) {
    const uint32_t flip = 0u - sell;
    return (int32_t)(price ^ flip) >= (int32_t)(b->best[sell ^ 1] ^ flip);
}

/* Can `qty` be filled at once down to `limit`? Orders of the taker's own owner do not count, and
 * where meeting one would cancel the taker, neither does anything behind it. */
MB_NOINLINE int mb_fillable(
    const mb_book *b, uint32_t sell, uint32_t limit, int64_t qty, uint64_t owner) {
    const mb_ladder *const ladder = &b->ladder;
    const int own = owner && b->stp != MB_STP_NONE && b->orders.owners;
    uint32_t price = b->best[sell ^ 1];
    while (sell ? price >= limit && price != MB_NO_BID : price <= limit && price != MB_NO_ASK) {
        const mb_level *level = &ladder->levels[mb_ladder_find(ladder, price)];
        if (!own) {
            qty -= level->qty;
        } else {
            uint32_t i = level->head;
            for (; i && qty > 0; i = b->orders.pool[i].next) {
                if (b->orders.owners[i] != owner) {
                    qty -= b->orders.pool[i].leaves;
                } else if (b->stp != MB_STP_MAKER) {
                    return 0;
                }
            }
        }
        if (qty <= 0) return 1;
        price = sell ? mb_ladder_below(ladder, price) : mb_ladder_above(ladder, price);
    }
    return 0;
}

/* Takes maker `i`, the head of its level, out of the book (its level is updated by the caller). */
MB_INLINE uint32_t mb_drop_head(mb_book *b, uint32_t i) {
    mb_orders *const o = &b->orders;
    const uint32_t next = o->pool[i].next;
    mb_orders_unmap(o, mb_orders_slot(o, o->pool[i].id, i));
    mb_orders_release(o, i);
    return next;
}

/* Trades an incoming order against the other side, best price and oldest first; returns what is
 * left of it, 0 also when self-trade prevention took the rest. */
MB_NOINLINE int64_t mb_match(
    mb_book *b, uint64_t taker, uint32_t sell, uint32_t limit, int64_t qty, uint64_t owner) {
    const uint32_t other = sell ^ 1;
    const uint64_t *const owners = owner && b->stp != MB_STP_NONE ? b->orders.owners : NULL;
    mb_order *const pool = b->orders.pool;
    b->short_of_memory = 0;
    do {
        const uint32_t price = b->best[other];
        const uint32_t at = mb_ladder_find(&b->ladder, price);
        mb_level *const level = &b->ladder.levels[at];
        uint32_t i = level->head;
        do {
            mb_order *const maker = &pool[i];
            int64_t fill = maker->leaves;
            mb_trade *trade;
            if (MB_UNLIKELY(owners != NULL) && owners[i] == owner) {
                if (!mb_room_to_cancel(b, 2)) {
                    b->short_of_memory = 1;
                    qty = 0;
                    break;
                }
                if (b->stp != MB_STP_TAKER) {
                    mb_cancelled_add(b, maker->id, fill);
                    level->qty -= fill;
                    --level->orders;
                    i = mb_drop_head(b, i);
                }
                if (b->stp != MB_STP_MAKER) {
                    mb_cancelled_add(b, taker, qty);
                    qty = 0;
                }
                continue;
            }
            if (MB_UNLIKELY(b->trade_count == b->trade_room) && !mb_more_trades(b)) {
                b->short_of_memory = 1;
                qty = 0;
                break;
            }
            MB_PREFETCH(&pool[maker->next]);
            trade = &b->trades[b->trade_count++];
            trade->maker = maker->id;
            trade->taker = taker;
            trade->price = (int64_t)price;
            if (fill > qty) {
                trade->qty = qty;
                maker->leaves = fill - qty;
                level->qty -= qty;
                qty = 0;
                break;
            }
            trade->qty = fill;
            qty -= fill;
            level->qty -= fill;
            --level->orders;
            i = mb_drop_head(b, i);
        } while (i && qty);
        level->head = i;
        pool[i].prev = 0;
        if (!i) {
            level->tail = 0;
            mb_level_gone(b, at, price, other);
        }
    } while (qty && mb_crosses(b, limit, sell));
    return qty;
}

MB_INLINE int mb_bad_qty(int64_t qty) { return (uint64_t)qty - 1 >= (uint64_t)MB_MAX_QTY; }

MB_INLINE int mb_bad_price(int64_t price) { return (uint64_t)price - 1 >= MB_MAX_PRICE; }

/* Everything about an incoming order but the plain case of mb_add: it takes, or a price without a
 * page, a full pool, a first owner. */
MB_NOINLINE int mb_add_slow(mb_book *b, uint64_t id, uint32_t sell, uint32_t price, int64_t qty,
                            int kind, uint64_t owner) {
    mb_orders *const o = &b->orders;
    const uint32_t limit = kind != MB_MARKET ? price : sell ? 1 : MB_MAX_PRICE;
    const int crosses = mb_crosses(b, limit, sell);
    const int rests = kind == MB_LIMIT_GTC || kind == MB_POST_ONLY;
    uint64_t slot;
    uint32_t i, at;
    if (crosses && kind == MB_POST_ONLY) return MB_WOULD_CROSS;
    if (kind == MB_LIMIT_FOK && !(crosses && mb_fillable(b, sell, limit, qty, owner))) {
        return MB_FOK_KILLED;
    }
    if (rests) {
        if (!o->free && !mb_orders_grow(o)) return MB_NO_MEMORY;
        if (owner && !o->owners && !mb_orders_keep_owners(o)) return MB_NO_MEMORY;
        if (mb_ladder_find(&b->ladder, price) < MB_PAGE_TICKS && !mb_ladder_reserve(&b->ladder)) {
            return MB_NO_MEMORY;
        }
    }
    if (crosses) qty = mb_match(b, id, sell, limit, qty, owner);
    if (crosses && b->short_of_memory) return MB_NO_MEMORY;
    if (!rests || !qty) return MB_OK;
    at = mb_ladder_find(&b->ladder, price);
    if (at < MB_PAGE_TICKS) at = mb_ladder_open(&b->ladder, price);
    mb_orders_find(o, id, &slot);
    i = o->free;
    o->free = o->pool[i].next;
    ++o->live;
    mb_orders_map(o, slot, id, i);
    o->pool[i].id = id;
    o->pool[i].leaves = qty;
    o->pool[i].key = price << 1 | sell;
    if (o->owners) o->owners[i] = owner;
    mb_link(b, i, at);
    return MB_OK;
}

/* An incoming order. `price` is ignored for MB_MARKET; owner 0 is nobody. */
MB_INLINE int mb_add(mb_book *b, uint64_t id, uint32_t sell, int64_t price64, int64_t qty, int kind,
                     uint64_t owner) {
    mb_orders *const o = &b->orders;
    const uint32_t price = (uint32_t)price64;
    uint64_t slot;
    uint32_t i, at;
    mb_order *order;
    if (MB_UNLIKELY(mb_orders_find(o, id, &slot))) return MB_DUPLICATE_ID;
    if (MB_UNLIKELY(mb_bad_qty(qty))) return MB_BAD_QTY;
    if (MB_UNLIKELY(mb_bad_price(price64))) {
        if (kind != MB_MARKET) return MB_BAD_PRICE;
        return mb_add_slow(b, id, sell, 1, qty, kind, owner);
    }
    at = mb_ladder_find(&b->ladder, price);
    i = o->free;
    if (MB_UNLIKELY((kind != MB_LIMIT_GTC && kind != MB_POST_ONLY) | mb_crosses(b, price, sell) |
                    (at < MB_PAGE_TICKS) | !i | (owner && !o->owners))) {
        return mb_add_slow(b, id, sell, price, qty, kind, owner);
    }
    order = &o->pool[i];
    o->free = order->next;
    ++o->live;
    mb_orders_map(o, slot, id, i);
    order->id = id;
    order->leaves = qty;
    order->key = price << 1 | sell;
    if (o->owners) o->owners[i] = owner;
    mb_link(b, i, at);
    return MB_OK;
}

MB_INLINE int mb_cancel(mb_book *b, uint64_t id) {
    uint64_t slot;
    const uint32_t i = mb_orders_find(&b->orders, id, &slot);
    if (MB_UNLIKELY(!i)) return MB_UNKNOWN_ID;
    mb_unlink(b, i);
    mb_orders_unmap(&b->orders, slot);
    mb_orders_release(&b->orders, i);
    return MB_OK;
}

/* Re-enters record `i` at `price` for `qty`, as a new limit order would. */
MB_NOINLINE int mb_reenter(mb_book *b, uint32_t i, uint32_t price, int64_t qty) {
    mb_orders *const o = &b->orders;
    mb_order *const order = &o->pool[i];
    const uint32_t sell = order->key & 1;
    uint32_t at;
    if (mb_ladder_find(&b->ladder, price) < MB_PAGE_TICKS && !mb_ladder_reserve(&b->ladder)) {
        return MB_NO_MEMORY;
    }
    mb_unlink(b, i);
    if (mb_crosses(b, price, sell)) {
        qty = mb_match(b, order->id, sell, price, qty, o->owners ? o->owners[i] : 0);
        if (!qty) {
            mb_orders_unmap(o, mb_orders_slot(o, order->id, i));
            mb_orders_release(o, i);
            return b->short_of_memory ? MB_NO_MEMORY : MB_OK;
        }
    }
    at = mb_ladder_find(&b->ladder, price);
    if (at < MB_PAGE_TICKS) at = mb_ladder_open(&b->ladder, price);
    order->leaves = qty;
    order->key = price << 1 | sell;
    mb_link(b, i, at);
    return MB_OK;
}

/* Gives a resting order a new price and a new open quantity. */
MB_INLINE int mb_replace(mb_book *b, uint64_t id, int64_t price, int64_t qty) {
    uint64_t slot;
    const uint32_t i = mb_orders_find(&b->orders, id, &slot);
    mb_order *order;
    if (MB_UNLIKELY(!i)) return MB_UNKNOWN_ID;
    if (MB_UNLIKELY(mb_bad_qty(qty))) return MB_BAD_QTY;
    if (MB_UNLIKELY(mb_bad_price(price))) return MB_BAD_PRICE;
    order = &b->orders.pool[i];
    if ((uint32_t)price == order->key >> 1 && qty <= order->leaves) {
        b->ladder.levels[order->level].qty -= order->leaves - qty;
        order->leaves = qty;
        return MB_OK;
    }
    return mb_reenter(b, i, (uint32_t)price, qty);
}

/* The first row with an op, side or kind that does not exist, or `n`. */
MB_UNUSED size_t mb_bad_row(
    size_t n, const uint8_t *ops, const uint8_t *sides, const uint8_t *kinds) {
    size_t from, i;
    for (from = 0; from < n; from += 256) {
        const size_t to = n - from < 256 ? n : from + 256;
        uint8_t bad = 0;
        for (i = from; i < to; ++i) { /* no branch: the compiler makes it a vector loop */
            const uint8_t add = ops[i] == MB_OP_ADD;
            const uint8_t side = (uint8_t)(sides[i] - 1) > 1, kind = kinds[i] >= MB_KINDS;
            bad |= (uint8_t)((ops[i] >= MB_OPS) | (add & (side | kind)));
        }
        for (i = from; bad && i < to; ++i) {
            const int side = sides[i] == MB_BUY || sides[i] == MB_SELL;
            if (ops[i] >= MB_OPS || (ops[i] == MB_OP_ADD && (!side || kinds[i] >= MB_KINDS))) {
                return i;
            }
        }
    }
    return n;
}

/* Applies rows of columns; returns the rows done, fewer than `n` only when memory is short (the
 * last status is then MB_NO_MEMORY). `owners` may be NULL. The map slot and the records that an
 * event will touch are fetched some events ahead. */
MB_UNUSED size_t mb_apply(
    mb_book *b, size_t n, const uint8_t *ops, const uint64_t *ids, const uint8_t *sides,
    const int64_t *prices, const int64_t *qtys, const uint8_t *kinds, const uint64_t *owners,
    uint8_t *statuses) {
    mb_orders *const o = &b->orders;
    size_t i;
    for (i = 0; i < n; ++i) {
        const size_t far = i + 12 < n ? i + 12 : i, near = i + 6 < n ? i + 6 : i;
        int status;
        MB_PREFETCH(&o->slots[MB_HASH(ids[far]) >> o->shift]);
        MB_PREFETCH(&o->pool[(uint32_t)o->slots[MB_HASH(ids[near]) >> o->shift]]);
        if (ops[i] == MB_OP_ADD) {
            status = mb_add(b, ids[i], sides[i] == MB_SELL, prices[i], qtys[i], kinds[i],
                            owners ? owners[i] : 0);
        } else if (ops[i] == MB_OP_CANCEL) {
            status = mb_cancel(b, ids[i]);
        } else {
            status = mb_replace(b, ids[i], prices[i], qtys[i]);
        }
        statuses[i] = (uint8_t)status;
        if (MB_UNLIKELY(status == MB_NO_MEMORY)) return i + 1;
    }
    return n;
}

#endif
