/* Looking at a matching book: depth, exports, a digest, memory, and a check of its invariants. */
#ifndef OUTCRY_MATCHING_INSPECT_H
#define OUTCRY_MATCHING_INSPECT_H

#include "_matching.h"

/* The best price of a side, or 0. */
MB_UNUSED int64_t mb_best(const mb_book *b, uint32_t sell) {
    return b->best[sell] == MB_NO_ASK ? 0 : (int64_t)b->best[sell];
}

/* The price after `price` on its side, away from the touch, or 0. */
MB_UNUSED int64_t mb_worse(const mb_book *b, uint32_t sell, int64_t price) {
    const uint32_t p = sell ? mb_ladder_above(&b->ladder, (uint32_t)price)
                            : mb_ladder_below(&b->ladder, (uint32_t)price);
    return p == MB_NO_ASK ? 0 : (int64_t)p;
}

/* The level at `price` if `sell` is its side, else NULL. */
MB_UNUSED const mb_level *mb_level_at(const mb_book *b, uint32_t sell, int64_t price) {
    uint32_t at;
    if (mb_bad_price(price)) return NULL;
    if (sell ? (uint32_t)price < b->best[1] : (uint32_t)price > b->best[0]) return NULL;
    at = mb_ladder_find(&b->ladder, (uint32_t)price);
    return b->ladder.levels[at].orders ? &b->ladder.levels[at] : NULL;
}

MB_UNUSED uint32_t mb_lookup(const mb_book *b, uint64_t id) {
    uint64_t slot;
    return mb_orders_find(&b->orders, id, &slot);
}

/* The open quantity in front of record `i` at its price. */
MB_UNUSED int64_t mb_ahead(const mb_book *b, uint32_t i) {
    int64_t qty = 0;
    while ((i = b->orders.pool[i].prev) != 0) qty += b->orders.pool[i].leaves;
    return qty;
}

/* The first `n` levels of a side into columns; returns how many there were. */
MB_UNUSED size_t mb_depth(
    const mb_book *b, uint32_t sell, size_t n, int64_t *prices, int64_t *qtys, int64_t *counts) {
    int64_t price = mb_best(b, sell);
    size_t k;
    for (k = 0; k < n && price; ++k) {
        const mb_level *level = &b->ladder.levels[mb_ladder_find(&b->ladder, (uint32_t)price)];
        prices[k] = price;
        qtys[k] = level->qty;
        counts[k] = level->orders;
        price = mb_worse(b, sell, price);
    }
    return k;
}

/* Counts the levels (at most `limit`) and orders of a side. */
MB_UNUSED void mb_count(
    const mb_book *b, uint32_t sell, size_t limit, size_t *levels, size_t *orders) {
    int64_t price = mb_best(b, sell);
    *levels = *orders = 0;
    for (; price && *levels < limit; price = mb_worse(b, sell, price)) {
        *orders += b->ladder.levels[mb_ladder_find(&b->ladder, (uint32_t)price)].orders;
        ++*levels;
    }
}

/* All orders of a side in priority order into columns (with room for mb_count's orders). */
MB_UNUSED void mb_export(const mb_book *b, uint32_t sell, uint64_t *ids, int64_t *prices,
                         int64_t *leaves, uint64_t *owners) {
    int64_t price = mb_best(b, sell);
    size_t k = 0;
    for (; price; price = mb_worse(b, sell, price)) {
        uint32_t i = b->ladder.levels[mb_ladder_find(&b->ladder, (uint32_t)price)].head;
        for (; i; i = b->orders.pool[i].next, ++k) {
            ids[k] = b->orders.pool[i].id;
            prices[k] = price;
            leaves[k] = b->orders.pool[i].leaves;
            owners[k] = b->orders.owners ? b->orders.owners[i] : 0;
        }
    }
}

MB_INLINE uint64_t mb_mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 32;
}

/* Folds the book (both sides in priority order), the trades and the cancels into 64 bits. */
MB_UNUSED uint64_t mb_digest(const mb_book *b) {
    uint64_t hash = 1;
    uint32_t sell;
    size_t k;
    for (sell = 0; sell < 2; ++sell) {
        int64_t price = mb_best(b, sell);
        for (; price; price = mb_worse(b, sell, price)) {
            uint32_t i = b->ladder.levels[mb_ladder_find(&b->ladder, (uint32_t)price)].head;
            for (; i; i = b->orders.pool[i].next) {
                hash = mb_mix(hash, b->orders.pool[i].id);
                hash = mb_mix(hash, (uint64_t)price << 1 | sell);
                hash = mb_mix(hash, (uint64_t)b->orders.pool[i].leaves);
                hash = mb_mix(hash, b->orders.owners ? b->orders.owners[i] : 0);
            }
        }
    }
    hash = mb_mix(hash, b->trade_count);
    for (k = 0; k < b->trade_count; ++k) {
        hash = mb_mix(hash, b->trades[k].maker);
        hash = mb_mix(hash, b->trades[k].taker);
        hash = mb_mix(hash, (uint64_t)b->trades[k].price);
        hash = mb_mix(hash, (uint64_t)b->trades[k].qty);
    }
    hash = mb_mix(hash, b->cancel_count);
    for (k = 0; k < b->cancel_count; ++k) {
        hash = mb_mix(hash, b->cancels[k].id);
        hash = mb_mix(hash, (uint64_t)b->cancels[k].qty);
    }
    return hash;
}

/* Bytes on the heap. */
MB_UNUSED size_t mb_heap_bytes(const mb_book *b) {
    const mb_orders *o = &b->orders;
    const mb_ladder *l = &b->ladder;
    const size_t ticks = (size_t)l->pages * MB_PAGE_TICKS;
    return o->size * (sizeof(mb_order) + (o->owners ? sizeof(uint64_t) : 0)) +
           ((size_t)o->mask + 1) * sizeof(uint64_t) + ticks * sizeof(mb_level) + ticks / 8 +
           l->pages * sizeof(uint32_t) + l->nodes * sizeof(mb_node) +
           b->trade_room * sizeof(mb_trade) + b->cancel_room * sizeof(mb_cancelled);
}

/* Empties the book, its trades and its cancels, and keeps the memory. */
MB_UNUSED void mb_clear(mb_book *b) {
    uint32_t sell;
    for (sell = 0; sell < 2; ++sell) {
        while (b->best[sell] != (sell ? MB_NO_ASK : MB_NO_BID)) {
            const uint32_t price = b->best[sell];
            const uint32_t at = mb_ladder_find(&b->ladder, price);
            memset(&b->ladder.levels[at], 0, sizeof(mb_level));
            mb_level_gone(b, at, price, sell);
        }
    }
    mb_orders_clear(&b->orders);
    b->trade_count = b->cancel_count = 0;
    b->short_of_memory = 0;
}

/* NULL when every invariant of the book holds, else a sentence about the first that does not.
 * Reads the whole book: for tests and diagnosis. */
MB_UNUSED const char *mb_check(const mb_book *b) {
    const mb_orders *o = &b->orders;
    const mb_ladder *l = &b->ladder;
    uint32_t sell, i, free_records = 0, free_pages = 0, pages = 0, used_levels = 0, r;
    uint64_t seen = 0, at, slots = 0;
    if (b->best[0] >= b->best[1]) return "the book is crossed";
    for (sell = 0; sell < 2; ++sell) {
        uint32_t price = b->best[sell];
        while (price != MB_NO_BID && price != MB_NO_ASK) {
            const uint32_t where = mb_ladder_find(l, price), next_price =
                sell ? mb_ladder_above(l, price) : mb_ladder_below(l, price);
            const mb_level *level = &l->levels[where];
            uint32_t count = 0, prev = 0;
            int64_t qty = 0;
            if (where < MB_PAGE_TICKS) return "a used level has no page";
            for (i = level->head; i; i = o->pool[i].next) {
                const mb_order *order = &o->pool[i];
                if (order->prev != prev) return "a queue's links disagree";
                if (order->level != where) return "an order names another level";
                if (order->key != (price << 1 | sell)) return "an order has another price or side";
                if (mb_bad_qty(order->leaves)) return "an order's open quantity is out of range";
                if (mb_orders_find(o, order->id, &at) != i) return "the id map misses an order";
                qty += order->leaves;
                prev = i;
                if (++count > o->live) return "a queue is a ring";
            }
            if (level->tail != prev) return "a level's tail is not its last order";
            if (level->qty != qty) return "a level's total is wrong";
            if (level->orders != count || !count) return "a level's count of orders is wrong";
            seen += count;
            ++used_levels;
            price = next_price;
        }
    }
    if (seen != o->live) return "an order rests nowhere";
    for (i = o->free; i; i = o->pool[i].next) {
        if (++free_records > o->size) return "the free records are a ring";
    }
    if (free_records + o->live + 1 != o->size) return "records are lost";
    for (at = 0; at <= o->mask; ++at) slots += o->slots[at] != 0;
    if (slots != o->live) return "the id map holds a dead id";
    for (i = l->free_page; i; i = l->chain[i]) {
        if (++free_pages > l->pages) return "the free pages are a ring";
    }
    for (r = 0; r < MB_ROOT_NODES; ++r) {
        const mb_node *node = l->root[r];
        const int used = (int)(l->root_used[r >> 6] >> (r & 63) & 1);
        if (used != (node != &mb_empty_node)) return "the root's bitmap is wrong";
        if (!used) continue;
        if (!node->words) return "an empty node was kept";
        for (i = 0; i < MB_NODE_PAGES; ++i) {
            const int has = node->page[i] != 0;
            const uint64_t *bits = &l->used[(size_t)node->page[i] * MB_PAGE_WORDS];
            uint32_t w;
            if ((int)(node->used[i >> 6] >> (i & 63) & 1) != has) return "a node's bitmap is wrong";
            if (has && !(node->words >> (i >> 6) & 1)) return "a node's summary is wrong";
            if (!has) continue;
            if (!(bits[0] | bits[1] | bits[2] | bits[3])) return "an empty page was kept";
            for (w = 0; w < MB_PAGE_TICKS; ++w) {
                const uint32_t where = node->page[i] * MB_PAGE_TICKS + w;
                const int used_level = (int)(l->used[where >> 6] >> (where & 63) & 1);
                if (used_level != (l->levels[where].orders != 0)) return "a page's bitmap is wrong";
                used_levels -= (uint32_t)used_level;
            }
            ++pages;
        }
    }
    if (used_levels) return "a level is out of reach of the touch";
    if (pages + free_pages + 1 != l->pages) return "pages are lost";
    return NULL;
}

#endif
