/* The single orders of a market-data book: who rests where, in which order.
 *
 * Orders are 32-byte records in one pool, linked into the queue of their level by 32-bit indices;
 * index 0 means none. An open-addressing map of 8-byte slots (upper hash bits, index) finds an
 * order by its unsigned 64-bit id; it is at most half full and erases by shifting back, so that a
 * day of adds and deletes leaves no tombstones.
 *
 * Every change first reserves what memory it needs, then cannot fail.
 */
#ifndef OUTCRY_MARKET_ORDERS_H
#define OUTCRY_MARKET_ORDERS_H

#include "_market_ladder.h"

#if defined(__GNUC__)
#define MO_PREFETCH(address) __builtin_prefetch(address)
#else
#define MO_PREFETCH(address) ((void)0)
#endif

/* Orders, and slots of the map as a power of two, of a book that holds its first order. */
#ifndef MO_FIRST_ORDERS
#define MO_FIRST_ORDERS 256
#define MO_FIRST_BITS 9
#endif

/* What became of a change; all but MO_DONE and MO_NO_MEMORY describe a fault of the feed. */
enum { MO_DONE, MO_UNKNOWN_ID, MO_DUPLICATE_ID, MO_OVERFILL, MO_LEVEL_FULL, MO_NO_MEMORY };

enum { MO_ADD, MO_MODIFY, MO_DELETE, MO_EXECUTE };

typedef struct {
    uint64_t id;
    int64_t qty;
    uint32_t key;  /* the ladder's key, the upper bit set for asks */
    uint32_t leaf; /* the ladder's leaf, which stays while an order is in it */
    uint32_t prev, next;
} mo_order;

typedef struct {
    uint32_t tag, index;
} mo_slot;

typedef struct {
    ml_side *side; /* bids, asks */
    mo_order *orders;
    mo_slot *map;
    uint32_t cap, used, free, live;
    uint32_t map_bits; /* the map has 1 << map_bits slots */
} mo_book;

static inline uint32_t mo_tag(uint64_t id) {
    id *= UINT64_C(0x9e3779b97f4a7c15);
    id ^= id >> 32;
    id *= UINT64_C(0xd6e8feb86659fd93);
    return (uint32_t)(id >> 32);
}
static inline uint32_t mo_home(const mo_book *b, uint32_t tag) { return tag >> (32 - b->map_bits); }
static inline uint32_t mo_mask(const mo_book *b) { return ((uint32_t)1 << b->map_bits) - 1; }

static inline ml_side *mo_side(const mo_book *b, const mo_order *o) {
    return &b->side[o->key >> 31];
}
static inline uint32_t mo_key(const mo_order *o) { return o->key & ML_MIRROR; }

static inline void mo_free(mo_book *b) {
    free(b->orders);
    free(b->map);
    memset(b, 0, sizeof *b);
}

static inline size_t mo_bytes(const mo_book *b) {
    return b->cap * sizeof(mo_order) + (b->map ? ((size_t)1 << b->map_bits) * sizeof(mo_slot) : 0);
}

static inline void mo_clear(mo_book *b) {
    ml_clear(&b->side[0]);
    ml_clear(&b->side[1]);
    if (b->map) memset(b->map, 0, ((size_t)1 << b->map_bits) * sizeof(mo_slot));
    b->used = b->cap ? 1 : 0;
    b->free = b->live = 0;
}

static inline void mo_map_put(mo_book *b, uint32_t tag, uint32_t index) {
    uint32_t at = mo_home(b, tag), mask = mo_mask(b);
    while (b->map[at].index) at = (at + 1) & mask;
    b->map[at].tag = tag;
    b->map[at].index = index;
}

/* Room for one more order in pool and map. */
static inline int mo_reserve(mo_book *b) {
    if (!b->free && b->used == b->cap) {
        uint32_t cap = b->cap ? b->cap * 2 : MO_FIRST_ORDERS;
        mo_order *orders;
        if (cap < b->cap) return 0;
        orders = (mo_order *)realloc(b->orders, (size_t)cap * sizeof(mo_order));
        if (!orders) return 0;
        b->orders = orders;
        b->cap = cap;
        if (!b->used) b->used = 1;
    }
    if (!b->map || b->live >= (uint32_t)1 << (b->map_bits - 1)) {
        mo_slot *old = b->map;
        size_t i, size = old ? (size_t)1 << b->map_bits : 0;
        uint32_t bits = old ? b->map_bits + 1 : MO_FIRST_BITS;
        mo_slot *map = bits < 32 ? (mo_slot *)calloc((size_t)1 << bits, sizeof(mo_slot)) : NULL;
        if (!map) return 0;
        b->map = map;
        b->map_bits = bits;
        for (i = 0; i < size; i++)
            if (old[i].index) mo_map_put(b, old[i].tag, old[i].index);
        free(old);
    }
    return 1;
}

/* The map slot of an id, -1 when no such order rests. */
static inline int64_t mo_find_slot(const mo_book *b, uint64_t id) {
    uint32_t tag = mo_tag(id), at, mask;
    if (!b->live) return -1;
    mask = mo_mask(b);
    for (at = mo_home(b, tag); b->map[at].index; at = (at + 1) & mask)
        if (b->map[at].tag == tag && b->orders[b->map[at].index].id == id) return at;
    return -1;
}

static inline mo_order *mo_find(const mo_book *b, uint64_t id) {
    int64_t at = mo_find_slot(b, id);
    return at < 0 ? NULL : &b->orders[b->map[at].index];
}

static inline void mo_map_erase(mo_book *b, uint32_t hole) {
    uint32_t mask = mo_mask(b), at = hole;
    for (;;) {
        at = (at + 1) & mask;
        if (!b->map[at].index) break;
        if (((at - mo_home(b, b->map[at].tag)) & mask) >= ((at - hole) & mask)) {
            b->map[hole] = b->map[at];
            hole = at;
        }
    }
    b->map[hole].index = 0;
}

/* Puts an order at the back of its level. ml_reserve must have been called. */
static inline void mo_link(mo_book *b, uint32_t index) {
    mo_order *o = &b->orders[index];
    ml_side *s = mo_side(b, o);
    uint32_t key = mo_key(o), slot = key & 63;
    ml_queue *q;
    ml_leaf *leaf;
    o->leaf = ml_leaf_of(s, key);
    if (!o->leaf) o->leaf = ml_make_leaf(s, key);
    leaf = &s->leaves[o->leaf];
    q = &s->queues[(size_t)o->leaf * 64 + slot];
    o->prev = q->tail;
    o->next = 0;
    if (q->tail)
        b->orders[q->tail].next = index;
    else
        q->head = index;
    q->tail = index;
    leaf->qty[slot] += o->qty;
    if (!q->count++) ml_occupy(s, key, leaf);
}

static inline void mo_unlink(mo_book *b, uint32_t index) {
    mo_order *o = &b->orders[index];
    ml_side *s = mo_side(b, o);
    uint32_t key = mo_key(o), slot = key & 63;
    ml_leaf *leaf = &s->leaves[o->leaf];
    ml_queue *q = &s->queues[(size_t)o->leaf * 64 + slot];
    if (o->prev)
        b->orders[o->prev].next = o->next;
    else
        q->head = o->next;
    if (o->next)
        b->orders[o->next].prev = o->prev;
    else
        q->tail = o->prev;
    leaf->qty[slot] -= o->qty;
    if (!--q->count) ml_vacate(s, key, leaf);
}

static inline void mo_remove(mo_book *b, uint32_t slot) {
    uint32_t index = b->map[slot].index;
    mo_unlink(b, index);
    mo_map_erase(b, slot);
    b->orders[index].next = b->free;
    b->free = index;
    b->live--;
}

/* The arguments of all changes have been checked: ids are free, prices and quantities in range. */
static inline int mo_add(mo_book *b, uint64_t id, int ask, int64_t price, int64_t qty) {
    ml_side *s = &b->side[ask];
    uint32_t key = ml_key(s, price), index;
    mo_order *o;
    if (mo_find_slot(b, id) >= 0) return MO_DUPLICATE_ID;
    if (ml_qty(s, key) > ML_MAX_QTY - qty) return MO_LEVEL_FULL;
    if (!mo_reserve(b) || !ml_reserve(s)) return MO_NO_MEMORY;
    index = b->free;
    if (index)
        b->free = b->orders[index].next;
    else
        index = b->used++;
    o = &b->orders[index];
    o->id = id;
    o->qty = qty;
    o->key = key | (uint32_t)ask << 31;
    mo_link(b, index);
    mo_map_put(b, mo_tag(id), index);
    b->live++;
    return MO_DONE;
}

static inline int mo_delete(mo_book *b, uint64_t id) {
    int64_t slot = mo_find_slot(b, id);
    if (slot < 0) return MO_UNKNOWN_ID;
    mo_remove(b, (uint32_t)slot);
    return MO_DONE;
}

static inline int mo_execute(mo_book *b, uint64_t id, int64_t qty) {
    int64_t slot = mo_find_slot(b, id);
    mo_order *o;
    if (slot < 0) return MO_UNKNOWN_ID;
    o = &b->orders[b->map[slot].index];
    if (qty > o->qty) return MO_OVERFILL;
    if (qty == o->qty) {
        mo_remove(b, (uint32_t)slot);
    } else {
        o->qty -= qty;
        mo_side(b, o)->leaves[o->leaf].qty[mo_key(o) & 63] -= qty;
    }
    return MO_DONE;
}

/* Price 0 keeps the price, qty 0 removes the order. The same price and not more quantity keep the
 * place in the queue, anything else goes to the back. */
static inline int mo_modify(mo_book *b, uint64_t id, int64_t price, int64_t qty) {
    int64_t slot = mo_find_slot(b, id), there;
    uint32_t index, key;
    mo_order *o;
    ml_side *s;
    if (slot < 0) return MO_UNKNOWN_ID;
    if (!qty) {
        mo_remove(b, (uint32_t)slot);
        return MO_DONE;
    }
    index = b->map[slot].index;
    o = &b->orders[index];
    s = mo_side(b, o);
    key = price ? ml_key(s, price) : mo_key(o);
    if (key == mo_key(o) && qty <= o->qty) {
        s->leaves[o->leaf].qty[key & 63] -= o->qty - qty;
        o->qty = qty;
        return MO_DONE;
    }
    there = ml_qty(s, key) - (key == mo_key(o) ? o->qty : 0);
    if (there > ML_MAX_QTY - qty) return MO_LEVEL_FULL;
    if (!ml_reserve(s)) return MO_NO_MEMORY;
    mo_unlink(b, index);
    o->qty = qty;
    o->key = key | (o->key & ~ML_MIRROR);
    mo_link(b, index);
    return MO_DONE;
}

static inline int mo_change(mo_book *b, int action, uint64_t id, int ask, int64_t price,
                            int64_t qty) {
    switch (action) {
        case MO_ADD: return mo_add(b, id, ask, price, qty);
        case MO_MODIFY: return mo_modify(b, id, price, qty);
        case MO_DELETE: return mo_delete(b, id);
        default: return mo_execute(b, id, qty);
    }
}

/* Asks the memory for the map slot of an id that is due in a moment. */
static inline void mo_expect(const mo_book *b, uint64_t id) {
    if (b->map) MO_PREFETCH(&b->map[mo_home(b, mo_tag(id))]);
}

/* The ids and quantities of the orders at a level, first in the queue first; room for count. */
static inline void mo_queue(const mo_book *b, const ml_side *s, uint32_t key, uint64_t *ids,
                            int64_t *qty) {
    uint32_t at = s->queues[(size_t)ml_leaf_of(s, key) * 64 + (key & 63)].head;
    for (; at; at = b->orders[at].next) {
        *ids++ = b->orders[at].id;
        *qty++ = b->orders[at].qty;
    }
}

static inline uint32_t mo_count(const ml_side *s, uint32_t key) {
    return s->levels ? s->queues[(size_t)ml_leaf_of(s, key) * 64 + (key & 63)].count : 0;
}

/* The quantity that stands before an order at its own price. */
static inline int64_t mo_ahead(const mo_book *b, const mo_order *o) {
    int64_t sum = 0;
    uint32_t at;
    for (at = o->prev; at; at = b->orders[at].prev) sum += b->orders[at].qty;
    return sum;
}

#endif
