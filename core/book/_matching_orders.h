/* Resting orders of the matching book: one pool of 32-byte records, and the map from id to record.
 *
 * Records are named by 32-bit index, never by pointer, so the pool may move when it grows.
 * Index 0 is no order; its record takes the writes that unlinking aims at a missing neighbour.
 * The map is open addressing over 8-byte slots: the upper half holds the top 32 bits of the
 * hashed id, the lower half the record's index. The slot of an id is the top bits of its hash, so
 * a slot alone tells where it would like to be: erasing shifts followers back, rehashing reads no
 * record, and a lookup reads a record only when 32 bits of hash agree.
 */
#ifndef OUTCRY_MATCHING_ORDERS_H
#define OUTCRY_MATCHING_ORDERS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* MB_PORTABLE chooses the plain fallbacks where the compiler's own would do (tests use it). */
#if (defined(__GNUC__) || defined(__clang__)) && !defined(MB_PORTABLE)
#define MB_INLINE static inline __attribute__((always_inline, unused))
#define MB_NOINLINE static __attribute__((noinline, unused))
#define MB_UNUSED static __attribute__((unused))
#define MB_LIKELY(x) __builtin_expect(!!(x), 1)
#define MB_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define MB_PREFETCH(p) __builtin_prefetch(p)
#define mb_lowest(word) ((unsigned)__builtin_ctzll(word))
#define mb_highest(word) (63u - (unsigned)__builtin_clzll(word))
#else
#if defined(_MSC_VER)
#define MB_INLINE static __forceinline
#define MB_NOINLINE static __declspec(noinline)
#else
#define MB_INLINE static inline
#define MB_NOINLINE static inline
#endif
#define MB_UNUSED static inline
#define MB_LIKELY(x) (x)
#define MB_UNLIKELY(x) (x)
#if defined(_MSC_VER) && (defined(_M_X64) || defined(_M_ARM64))
#include <intrin.h>
#if defined(_M_X64)
#define MB_PREFETCH(p) _mm_prefetch((const char *)(p), _MM_HINT_T0)
#else
#define MB_PREFETCH(p) __prefetch(p)
#endif
MB_INLINE unsigned mb_lowest(uint64_t word) {
    unsigned long at;
    _BitScanForward64(&at, word);
    return (unsigned)at;
}
MB_INLINE unsigned mb_highest(uint64_t word) {
    unsigned long at;
    _BitScanReverse64(&at, word);
    return (unsigned)at;
}
#else
#define MB_PREFETCH(p) ((void)(p))
MB_INLINE unsigned mb_lowest(uint64_t word) {
    unsigned at = 0;
    for (; !(word & 1); word >>= 1) ++at;
    return at;
}
MB_INLINE unsigned mb_highest(uint64_t word) {
    unsigned at = 0;
    for (; word >>= 1;) ++at;
    return at;
}
#endif
#endif

/* 2^23 - 1 resting orders of at most 2^40 each keep every sum of quantities below 2^63. */
#define MB_MAX_ORDERS ((1u << 23) - 1)
#define MB_MIN_ORDERS 16u
#define MB_SMALL 16384u /* orders whose map fits the cache of one core */

typedef struct {
    uint64_t id;
    int64_t leaves;
    uint32_t next, prev; /* neighbours in the level's queue; next also chains free records */
    uint32_t level;      /* index into the ladder's levels */
    uint32_t key;        /* price << 1 | is sell */
} mb_order;

typedef struct {
    mb_order *pool;
    uint64_t *owners; /* beside the pool; absent until an order has an owner */
    uint64_t *slots;
    uint64_t mask;
    unsigned shift;
    uint32_t size; /* records in the pool, the dummy included */
    uint32_t free; /* last freed record first: it is the one still in cache */
    uint32_t live;
} mb_orders;

#define MB_HASH(id) ((id) * UINT64_C(0x9E3779B97F4A7C15))

/* Makes room for `count` orders; 0 when memory is short, and then nothing has changed. A map that
 * fits the cache is kept at most a quarter full, for the shortest chains; a larger one at most half
 * full, since there a miss costs more than a step along a chain (eight slots share a line). */
MB_NOINLINE int mb_orders_resize(mb_orders *o, uint32_t count) {
    const uint32_t size = count + 1;
    unsigned bits = 4;
    uint64_t *slots = NULL;
    uint64_t at;
    mb_order *pool;
    uint32_t i;
    const uint64_t slots_each = count <= MB_SMALL ? 4 : 2;
    while (((uint64_t)1 << bits) < count * slots_each) ++bits;
    if (!o->slots || (uint64_t)1 << bits > o->mask + 1) {
        slots = (uint64_t *)calloc((size_t)1 << bits, sizeof(uint64_t));
        if (!slots) return 0;
    }
    pool = (mb_order *)realloc(o->pool, (size_t)size * sizeof(mb_order));
    if (!pool) {
        free(slots);
        return 0;
    }
    o->pool = pool;
    if (o->owners) {
        uint64_t *owners = (uint64_t *)realloc(o->owners, (size_t)size * sizeof(uint64_t));
        if (!owners) {
            free(slots);
            return 0;
        }
        o->owners = owners;
    }
    if (!o->size) {
        memset(pool, 0, sizeof(mb_order));
        o->size = 1;
    }
    /* Every new record is written here, so that no order pays for the first touch of a page. */
    for (i = o->size; i < size; ++i) {
        memset(&pool[i], 0, sizeof(mb_order));
        pool[i].next = i + 1 < size ? i + 1 : 0;
    }
    if (size > o->size) o->free = o->size;
    o->size = size;
    if (slots) {
        const uint64_t mask = ((uint64_t)1 << bits) - 1;
        const unsigned shift = 64 - bits;
        memset(slots, 0, ((size_t)mask + 1) * sizeof(uint64_t));
        for (at = 0; o->slots && at <= o->mask; ++at) {
            const uint64_t slot = o->slots[at];
            uint64_t to = slot >> shift;
            if (!slot) continue;
            while (slots[to]) to = (to + 1) & mask;
            slots[to] = slot;
        }
        free(o->slots);
        o->slots = slots;
        o->mask = mask;
        o->shift = shift;
    }
    return 1;
}

MB_NOINLINE int mb_orders_grow(mb_orders *o) {
    const uint32_t count = o->size - 1;
    if (count >= MB_MAX_ORDERS) return 0;
    return mb_orders_resize(o, count > MB_MAX_ORDERS / 2 ? MB_MAX_ORDERS : count * 2);
}

MB_NOINLINE int mb_orders_keep_owners(mb_orders *o) {
    o->owners = (uint64_t *)calloc(o->size, sizeof(uint64_t));
    return o->owners != NULL;
}

/* Forgets every order and keeps the memory. */
MB_UNUSED void mb_orders_clear(mb_orders *o) {
    uint32_t i;
    memset(o->slots, 0, ((size_t)o->mask + 1) * sizeof(uint64_t));
    for (i = 1; i < o->size; ++i) o->pool[i].next = i + 1 < o->size ? i + 1 : 0;
    o->free = o->size > 1;
    o->live = 0;
}

MB_UNUSED void mb_orders_destroy(mb_orders *o) {
    free(o->pool);
    free(o->owners);
    free(o->slots);
    memset(o, 0, sizeof *o);
}

/* The index of the order `id`, or 0; `*at` becomes its slot, or the free slot where it belongs. */
MB_INLINE uint32_t mb_orders_find(const mb_orders *o, uint64_t id, uint64_t *at) {
    const uint64_t hash = MB_HASH(id);
    uint64_t i = hash >> o->shift, slot;
    while ((slot = o->slots[i]) != 0) {
        if ((slot ^ hash) >> 32 == 0 && o->pool[(uint32_t)slot].id == id) {
            *at = i;
            return (uint32_t)slot;
        }
        i = (i + 1) & o->mask;
    }
    *at = i;
    return 0;
}

MB_INLINE void mb_orders_map(mb_orders *o, uint64_t at, uint64_t id, uint32_t index) {
    o->slots[at] = (MB_HASH(id) & ~(uint64_t)0xFFFFFFFF) | index;
}

/* Empties the slot `at` and moves followers back, so that no chain is ever broken. */
MB_INLINE void mb_orders_unmap(mb_orders *o, uint64_t at) {
    const uint64_t mask = o->mask;
    uint64_t *const slots = o->slots;
    uint64_t next = at, slot;
    for (;;) {
        next = (next + 1) & mask;
        slot = slots[next];
        if (MB_LIKELY(!slot)) break;
        if (((next - (slot >> o->shift)) & mask) >= ((next - at) & mask)) {
            slots[at] = slot;
            at = next;
        }
    }
    slots[at] = 0;
}

/* The slot that holds record `index`, whose id is `id`. */
MB_INLINE uint64_t mb_orders_slot(const mb_orders *o, uint64_t id, uint32_t index) {
    uint64_t at = MB_HASH(id) >> o->shift;
    while ((uint32_t)o->slots[at] != index) at = (at + 1) & o->mask;
    return at;
}

MB_INLINE void mb_orders_release(mb_orders *o, uint32_t index) {
    o->pool[index].next = o->free;
    o->free = index;
    --o->live;
}

#endif
