/* One side of a market-data book: price -> quantity, best price first.
 *
 * A 64-way radix trie over 31-bit keys: a root of 128 children, three inner levels and a leaf of
 * 64 neighbouring prices, each with a bitmap of what is occupied. Set, remove and "next best" are
 * a handful of dependent loads wherever the price lies, so a bid at 1 % and an ask at ten times
 * the mid cost memory for their own leaf only (about half a kilobyte) and no time.
 *
 * A key grows towards the touch: a bid's key is its price, an ask's is ML_MIRROR - price. The best
 * level of either side is then the greatest key, and one code serves both.
 *
 * Node 0 and leaf 0 are empty for ever: a walk through a missing child ends there and reads
 * quantity 0, without a branch on the way. Nothing here allocates except ml_reserve.
 */
#ifndef OUTCRY_MARKET_LADDER_H
#define OUTCRY_MARKET_LADDER_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(_MSC_VER)
#include <intrin.h>
#endif

#define ML_MAX_PRICE 0x7ffffffeu /* 2^31 - 2 */
#define ML_MIRROR 0x7fffffffu
#define ML_MAX_QTY ((int64_t)1 << 62)

/* Nodes and leaves of a side that holds its first level. */
#ifndef ML_FIRST
#define ML_FIRST 16
#endif

typedef struct {
    uint64_t bits;
    uint32_t child[64];
} ml_node;

typedef struct {
    uint64_t bits;
    int64_t qty[64];
} ml_leaf;

/* The queue of orders at a level, for books that know single orders. */
typedef struct {
    uint32_t head, tail, count;
} ml_queue;

typedef struct {
    ml_node *nodes;
    ml_leaf *leaves;
    ml_queue *queues; /* 64 a leaf, NULL in a book of price levels */
    uint32_t nodes_cap, nodes_used, nodes_free;
    uint32_t leaves_cap, leaves_used, leaves_free;
    uint32_t best;   /* greatest key, 0 when the side is empty */
    uint32_t levels; /* occupied prices */
    int mirrored;    /* asks */
    int queued;
    uint64_t root_bits[2];
    uint32_t root[128];
} ml_side;

/* Walks occupied keys downwards, that is from the touch into the book. */
typedef struct {
    uint64_t bits;
    uint32_t base, leaf;
} ml_cursor;

/* Index of the highest bit of a word that is not zero. */
static inline int ml_msb(uint64_t word) {
#if defined(__GNUC__)
    return 63 - __builtin_clzll(word);
#elif defined(_MSC_VER) && (defined(_M_X64) || defined(_M_ARM64))
    unsigned long index;
    _BitScanReverse64(&index, word);
    return (int)index;
#else
    int index = 0, step;
    for (step = 32; step; step >>= 1)
        if (word >> step) {
            word >>= step;
            index += step;
        }
    return index;
#endif
}

static inline uint64_t ml_below(uint32_t bit) { return ((uint64_t)1 << bit) - 1; }
static inline uint64_t ml_upto(uint32_t bit) { return ((uint64_t)2 << bit) - 1; }

static inline uint32_t ml_key(const ml_side *s, int64_t price) {
    return s->mirrored ? ML_MIRROR - (uint32_t)price : (uint32_t)price;
}
static inline int64_t ml_price(const ml_side *s, uint32_t key) {
    return (int64_t)(s->mirrored ? ML_MIRROR - key : key);
}
static inline int ml_price_ok(int64_t price) { return (uint64_t)price - 1 < ML_MAX_PRICE; }
static inline int ml_qty_ok(int64_t qty) { return (uint64_t)qty <= (uint64_t)ML_MAX_QTY; }

/* a + b for two sums of quantities, stopping at INT64_MAX instead of wrapping. */
static inline int64_t ml_add(int64_t a, int64_t b) {
    uint64_t sum = (uint64_t)a + (uint64_t)b;
    return sum > (uint64_t)INT64_MAX ? INT64_MAX : (int64_t)sum;
}

static inline void ml_init(ml_side *s, int mirrored, int queued) {
    memset(s, 0, sizeof *s);
    s->mirrored = mirrored;
    s->queued = queued;
}

static inline void ml_free(ml_side *s) {
    free(s->nodes);
    free(s->leaves);
    free(s->queues);
    ml_init(s, s->mirrored, s->queued);
}

static inline size_t ml_bytes(const ml_side *s) {
    return s->nodes_cap * sizeof(ml_node) +
           s->leaves_cap * (sizeof(ml_leaf) + (s->queued ? 64 * sizeof(ml_queue) : 0));
}

/* Room for one more path from root to leaf; 0 when there is no memory, and nothing has changed. */
static inline int ml_reserve(ml_side *s) {
    if (s->nodes_cap - s->nodes_used < 3) {
        uint32_t cap = s->nodes_cap ? s->nodes_cap * 2 : ML_FIRST;
        ml_node *nodes = (ml_node *)realloc(s->nodes, cap * sizeof(ml_node));
        if (!nodes) return 0;
        memset(nodes + s->nodes_cap, 0, (cap - s->nodes_cap) * sizeof(ml_node));
        s->nodes = nodes;
        s->nodes_cap = cap;
        if (!s->nodes_used) s->nodes_used = 1;
    }
    if (s->leaves_cap - s->leaves_used < 1 || !s->leaves_used) {
        uint32_t cap = s->leaves_cap ? s->leaves_cap * 2 : ML_FIRST;
        ml_leaf *leaves = (ml_leaf *)realloc(s->leaves, cap * sizeof(ml_leaf));
        if (!leaves) return 0;
        s->leaves = leaves;
        if (s->queued) {
            ml_queue *queues = (ml_queue *)realloc(s->queues, (size_t)cap * 64 * sizeof(ml_queue));
            if (!queues) return 0;
            s->queues = queues;
            memset(queues + (size_t)s->leaves_cap * 64, 0,
                   (size_t)(cap - s->leaves_cap) * 64 * sizeof(ml_queue));
        }
        memset(leaves + s->leaves_cap, 0, (cap - s->leaves_cap) * sizeof(ml_leaf));
        s->leaves_cap = cap;
        if (!s->leaves_used) s->leaves_used = 1;
    }
    return 1;
}

/* Free lists run through child[0] and qty[0]; what is handed out is all zero again. */
static inline uint32_t ml_new_node(ml_side *s) {
    uint32_t node = s->nodes_free;
    if (!node) return s->nodes_used++;
    s->nodes_free = s->nodes[node].child[0];
    s->nodes[node].child[0] = 0;
    return node;
}
static inline uint32_t ml_new_leaf(ml_side *s) {
    uint32_t leaf = s->leaves_free;
    if (!leaf) return s->leaves_used++;
    s->leaves_free = (uint32_t)s->leaves[leaf].qty[0];
    s->leaves[leaf].qty[0] = 0;
    return leaf;
}

/* The leaf of a key, 0 when there is none. The side must have reserved once. */
static inline uint32_t ml_leaf_of(const ml_side *s, uint32_t key) {
    uint32_t node = s->root[key >> 24];
    node = s->nodes[node].child[(key >> 18) & 63];
    node = s->nodes[node].child[(key >> 12) & 63];
    return s->nodes[node].child[(key >> 6) & 63];
}

/* The leaf of a key, made where it is missing. Call ml_reserve first. */
static inline uint32_t ml_make_leaf(ml_side *s, uint32_t key) {
    uint32_t node, child, slot = key >> 24;
    int shift;
    node = s->root[slot];
    if (!node) {
        node = ml_new_node(s);
        s->root[slot] = node;
        s->root_bits[slot >> 6] |= (uint64_t)1 << (slot & 63);
    }
    for (shift = 18; shift >= 6; shift -= 6) {
        slot = (key >> shift) & 63;
        child = s->nodes[node].child[slot];
        if (!child) {
            child = shift == 6 ? ml_new_leaf(s) : ml_new_node(s);
            s->nodes[node].child[slot] = child;
            s->nodes[node].bits |= (uint64_t)1 << slot;
        }
        node = child;
    }
    return node;
}

/* Takes an empty leaf out of the trie, and every node that it leaves empty. */
static inline void ml_drop_leaf(ml_side *s, uint32_t key) {
    uint32_t path[3], slot, child;
    int level;
    path[0] = s->root[key >> 24];
    path[1] = s->nodes[path[0]].child[(key >> 18) & 63];
    path[2] = s->nodes[path[1]].child[(key >> 12) & 63];
    slot = (key >> 6) & 63;
    child = s->nodes[path[2]].child[slot];
    s->leaves[child].qty[0] = s->leaves_free;
    s->leaves_free = child;
    for (level = 2; level >= 0; level--) {
        ml_node *node = &s->nodes[path[level]];
        node->child[slot] = 0;
        node->bits &= ~((uint64_t)1 << slot);
        if (node->bits) return;
        node->child[0] = s->nodes_free;
        s->nodes_free = path[level];
        slot = level ? (key >> (24 - 6 * level)) & 63 : key >> 24;
    }
    s->root[slot] = 0;
    s->root_bits[slot >> 6] &= ~((uint64_t)1 << (slot & 63));
}

/* Moves the cursor to the nearest leaf below its own; 0 when there is none. */
static inline int ml_leaf_below(const ml_side *s, ml_cursor *c) {
    uint32_t key = c->base, slot = key >> 24, node[3];
    uint64_t bits;
    int level, shift;
    node[0] = s->root[slot];
    node[1] = s->nodes[node[0]].child[(key >> 18) & 63];
    node[2] = s->nodes[node[1]].child[(key >> 12) & 63];
    for (level = 2, shift = 6; level >= 0; level--, shift += 6) {
        bits = s->nodes[node[level]].bits & ml_below((key >> shift) & 63);
        if (bits) {
            slot = (uint32_t)ml_msb(bits);
            key = (key >> (shift + 6) << (shift + 6)) | slot << shift;
            slot = s->nodes[node[level]].child[slot];
            goto descend;
        }
    }
    bits = slot >= 64 ? s->root_bits[1] & ml_below(slot & 63) : 0;
    if (bits) {
        slot = 64 + (uint32_t)ml_msb(bits);
    } else {
        bits = s->root_bits[0] & (slot >= 64 ? ~(uint64_t)0 : ml_below(slot));
        if (!bits) return 0;
        slot = (uint32_t)ml_msb(bits);
    }
    key = slot << 24;
    slot = s->root[slot];
    shift = 24;
descend:
    while (shift > 6) {
        uint32_t child = (uint32_t)ml_msb(s->nodes[slot].bits);
        slot = s->nodes[slot].child[child];
        shift -= 6;
        key |= child << shift;
    }
    c->base = key;
    c->leaf = slot;
    c->bits = s->leaves[slot].bits;
    return 1;
}

/* Sets the cursor so that ml_next gives the greatest occupied key <= key. */
static inline void ml_seek(const ml_side *s, uint32_t key, ml_cursor *c) {
    c->base = key & ~(uint32_t)63;
    c->leaf = 0;
    c->bits = 0;
    if (!s->levels) return;
    c->leaf = ml_leaf_of(s, key);
    c->bits = s->leaves[c->leaf].bits & ml_upto(key & 63);
}

/* The next occupied key downwards, 0 at the end; its leaf is c->leaf, its slot key & 63. */
static inline uint32_t ml_next(const ml_side *s, ml_cursor *c) {
    uint32_t slot;
    if (!c->bits && (!s->levels || !ml_leaf_below(s, c))) return 0;
    slot = (uint32_t)ml_msb(c->bits);
    c->bits &= ~((uint64_t)1 << slot);
    return c->base | slot;
}

static inline void ml_occupy(ml_side *s, uint32_t key, ml_leaf *leaf) {
    leaf->bits |= (uint64_t)1 << (key & 63);
    s->levels++;
    if (key > s->best) s->best = key;
}

static inline void ml_vacate(ml_side *s, uint32_t key, ml_leaf *leaf) {
    leaf->bits &= ~((uint64_t)1 << (key & 63));
    leaf->qty[key & 63] = 0;
    s->levels--;
    if (key == s->best) {
        ml_cursor c;
        c.base = key & ~(uint32_t)63;
        c.bits = leaf->bits;
        s->best = ml_next(s, &c);
    }
    if (!leaf->bits) ml_drop_leaf(s, key);
}

static inline int64_t ml_qty(const ml_side *s, uint32_t key) {
    return s->levels ? s->leaves[ml_leaf_of(s, key)].qty[key & 63] : 0;
}

/* Puts qty at a level, 0 removes it; 0 when there is no memory, and nothing has changed. */
static inline int ml_set(ml_side *s, uint32_t key, int64_t qty) {
    uint32_t index = s->levels ? ml_leaf_of(s, key) : 0;
    uint64_t bit = (uint64_t)1 << (key & 63);
    ml_leaf *leaf;
    if (!qty) {
        if (index && (s->leaves[index].bits & bit)) ml_vacate(s, key, &s->leaves[index]);
        return 1;
    }
    if (!index) {
        if (!ml_reserve(s)) return 0;
        index = ml_make_leaf(s, key);
    }
    leaf = &s->leaves[index];
    leaf->qty[key & 63] = qty;
    if (!(leaf->bits & bit)) ml_occupy(s, key, leaf);
    return 1;
}

/* Forgets every level and keeps the memory. */
static inline void ml_clear(ml_side *s) {
    if (s->nodes_used) {
        memset(s->nodes, 0, s->nodes_used * sizeof(ml_node));
        memset(s->leaves, 0, s->leaves_used * sizeof(ml_leaf));
        if (s->queued) memset(s->queues, 0, (size_t)s->leaves_used * 64 * sizeof(ml_queue));
        s->nodes_used = s->leaves_used = 1;
    }
    s->nodes_free = s->leaves_free = 0;
    s->best = s->levels = 0;
    memset(s->root_bits, 0, sizeof s->root_bits);
    memset(s->root, 0, sizeof s->root);
}

/* The best n levels into px and qty (and their order counts); how many there were. */
static inline int64_t ml_depth(const ml_side *s, int64_t n, int64_t *px, int64_t *qty,
                               int64_t *count) {
    ml_cursor c;
    int64_t i;
    ml_seek(s, s->best, &c);
    for (i = 0; i < n; i++) {
        uint32_t key = ml_next(s, &c);
        if (!key) break;
        px[i] = ml_price(s, key);
        qty[i] = s->leaves[c.leaf].qty[key & 63];
        if (count) count[i] = s->queues[(size_t)c.leaf * 64 + (key & 63)].count;
    }
    return i;
}

/* The best n levels, zeros behind the last. */
static inline void ml_depth_padded(const ml_side *s, int64_t n, int64_t *px, int64_t *qty) {
    int64_t got = ml_depth(s, n, px, qty, NULL);
    if (got < n) {
        memset(px + got, 0, (size_t)(n - got) * sizeof *px);
        memset(qty + got, 0, (size_t)(n - got) * sizeof *qty);
    }
}

/* The sum of all quantity from the touch to the key, both included. */
static inline int64_t ml_volume_to(const ml_side *s, uint32_t key) {
    ml_cursor c;
    uint32_t at;
    int64_t sum = 0;
    ml_seek(s, s->best, &c);
    while ((at = ml_next(s, &c)) >= key && at) sum = ml_add(sum, s->leaves[c.leaf].qty[at & 63]);
    return sum;
}

/* Sums the levels into rows of a price ladder: row r stands for the price top - r * step, takes
 * bids from there up to the next row's price and asks down to it, so that neither side looks
 * better than it is. rows and step are at least 1 and rows * step stays below 2^62. */
static inline void ml_window(const ml_side *s, int64_t top, int64_t rows, int64_t step,
                             int64_t *out) {
    int64_t lowest = top - (rows - 1) * step, highest = top, price;
    ml_cursor c;
    uint32_t key;
    memset(out, 0, (size_t)rows * sizeof *out);
    if (s->mirrored)
        lowest -= step - 1;
    else
        highest += step - 1;
    if (lowest < 1) lowest = 1;
    if (highest > (int64_t)ML_MAX_PRICE) highest = ML_MAX_PRICE;
    if (lowest > highest) return;
    ml_seek(s, ml_key(s, s->mirrored ? lowest : highest), &c);
    while ((key = ml_next(s, &c)) != 0) {
        int64_t row;
        price = ml_price(s, key);
        if (price < lowest || price > highest) break;
        row = (s->mirrored ? top - price : top - price + step - 1) / step;
        out[row] = ml_add(out[row], s->leaves[c.leaf].qty[key & 63]);
    }
}

#endif
