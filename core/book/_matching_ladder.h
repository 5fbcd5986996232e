/* Price levels of the matching book: right at every price from 1 to 2^31 - 2.
 *
 * A price is split 12 | 11 | 8: root entry, page in a node, tick in a page of 256. Pages are made
 * when an order first rests in them and recycled when their last level empties, so memory follows
 * the prices in use (6 KB a page, 8.5 KB a node of 524,288 ticks), wherever they drift. One bitmap
 * a layer finds the next used price with a few bit scans. Bids and asks share the ladder: below
 * the best ask every used level is a bid.
 */
#ifndef OUTCRY_MATCHING_LADDER_H
#define OUTCRY_MATCHING_LADDER_H

#include "_matching_orders.h"

#define MB_MAX_PRICE 0x7FFFFFFEu
#define MB_NO_ASK 0x7FFFFFFFu /* stands for "no price above" */
#define MB_NO_BID 0u          /* stands for "no price below" */

#define MB_PAGE_BITS 8
#define MB_PAGE_TICKS 256u
#define MB_PAGE_WORDS 4
#define MB_NODE_PAGES 2048u
#define MB_NODE_WORDS 32
#define MB_ROOT_NODES 4096u
#define MB_ROOT_WORDS 64

typedef struct {
    int64_t qty;
    uint32_t head, tail;
    uint32_t orders, unused;
} mb_level;

typedef struct mb_node {
    uint64_t used[MB_NODE_WORDS];
    uint64_t words; /* bit w: used[w] is not 0 */
    uint32_t page[MB_NODE_PAGES];
    struct mb_node *next_free;
} mb_node;

typedef struct {
    mb_level *levels; /* page p has levels p * 256 ... p * 256 + 255; page 0 is no page */
    uint64_t *used;   /* a bit a level */
    uint32_t *chain;  /* free pages, chained */
    uint32_t pages, free_page;
    mb_node *free_node;
    uint64_t nodes;
    uint64_t root_used[MB_ROOT_WORDS];
    mb_node *root[MB_ROOT_NODES]; /* &mb_empty_node where nothing rests */
} mb_ladder;

/* Read by lookups, never written: saves them a branch. */
static mb_node mb_empty_node;

MB_INLINE mb_node *mb_ladder_node(const mb_ladder *l, uint32_t price) {
    return l->root[price >> 19];
}

/* The index of the level at `price`, or its tick number below 256 when it has no page yet. */
MB_INLINE uint32_t mb_ladder_find(const mb_ladder *l, uint32_t price) {
    const uint32_t page = mb_ladder_node(l, price)->page[(price >> MB_PAGE_BITS) & 2047];
    return page << MB_PAGE_BITS | (price & 255);
}

MB_UNUSED int mb_ladder_resize(mb_ladder *l, uint32_t pages) {
    const size_t ticks = (size_t)pages * MB_PAGE_TICKS, had = (size_t)l->pages * MB_PAGE_TICKS;
    mb_level *levels;
    uint64_t *used;
    uint32_t *chain, i;
    levels = (mb_level *)realloc(l->levels, ticks * sizeof(mb_level));
    if (!levels) return 0;
    l->levels = levels;
    used = (uint64_t *)realloc(l->used, ticks / 8);
    if (!used) return 0;
    l->used = used;
    chain = (uint32_t *)realloc(l->chain, pages * sizeof(uint32_t));
    if (!chain) return 0;
    l->chain = chain;
    memset(levels + had, 0, (ticks - had) * sizeof(mb_level));
    memset(used + had / 64, 0, (ticks - had) / 8);
    for (i = l->pages ? l->pages : 1; i < pages; ++i) {
        chain[i] = i + 1 < pages ? i + 1 : l->free_page;
    }
    l->free_page = l->pages ? l->pages : 1;
    l->pages = pages;
    return 1;
}

MB_UNUSED int mb_ladder_init(mb_ladder *l) {
    unsigned i;
    memset(l, 0, sizeof *l);
    for (i = 0; i < MB_ROOT_NODES; ++i) l->root[i] = &mb_empty_node;
    return mb_ladder_resize(l, 8);
}

MB_UNUSED void mb_ladder_destroy(mb_ladder *l) {
    unsigned i;
    mb_node *node;
    for (i = 0; i < MB_ROOT_NODES; ++i) {
        if (l->root[i] && l->root[i] != &mb_empty_node) free(l->root[i]);
    }
    while ((node = l->free_node) != NULL) {
        l->free_node = node->next_free;
        free(node);
    }
    free(l->levels);
    free(l->used);
    free(l->chain);
    memset(l, 0, sizeof *l);
}

/* Makes sure that a page and a node are at hand, so that mb_ladder_open cannot fail. */
MB_NOINLINE int mb_ladder_reserve(mb_ladder *l) {
    if (!l->free_node) {
        mb_node *node = (mb_node *)calloc(1, sizeof(mb_node));
        if (!node) return 0;
        l->free_node = node;
        ++l->nodes;
    }
    return l->free_page || mb_ladder_resize(l, l->pages * 2);
}

/* Gives `price` a page (after mb_ladder_reserve) and returns its level's index. The page must get
 * an order at once: a page in use has at least one used level. */
MB_NOINLINE uint32_t mb_ladder_open(mb_ladder *l, uint32_t price) {
    const uint32_t r = price >> 19, p = (price >> MB_PAGE_BITS) & 2047, page = l->free_page;
    mb_node *node = l->root[r];
    if (node == &mb_empty_node) {
        node = l->free_node;
        l->free_node = node->next_free;
        l->root[r] = node;
        l->root_used[r >> 6] |= (uint64_t)1 << (r & 63);
    }
    l->free_page = l->chain[page];
    node->page[p] = page;
    node->used[p >> 6] |= (uint64_t)1 << (p & 63);
    node->words |= (uint64_t)1 << (p >> 6);
    return page << MB_PAGE_BITS | (price & 255);
}

/* Takes back the page of `price`, which has no used level left, and its node when that is empty. */
MB_NOINLINE void mb_ladder_close(mb_ladder *l, uint32_t price) {
    const uint32_t r = price >> 19, p = (price >> MB_PAGE_BITS) & 2047;
    mb_node *node = l->root[r];
    l->chain[node->page[p]] = l->free_page;
    l->free_page = node->page[p];
    node->page[p] = 0;
    node->used[p >> 6] &= ~((uint64_t)1 << (p & 63));
    if (node->used[p >> 6]) return;
    node->words &= ~((uint64_t)1 << (p >> 6));
    if (node->words) return;
    node->next_free = l->free_node;
    l->free_node = node;
    l->root[r] = &mb_empty_node;
    l->root_used[r >> 6] &= ~((uint64_t)1 << (r & 63));
}

MB_INLINE void mb_ladder_mark(mb_ladder *l, uint32_t level) {
    l->used[level >> 6] |= (uint64_t)1 << (level & 63);
}

/* Marks a level as empty and closes its page when it was the last one there. */
MB_INLINE void mb_ladder_unmark(mb_ladder *l, uint32_t level, uint32_t price) {
    const uint64_t *page = &l->used[(level >> MB_PAGE_BITS) * MB_PAGE_WORDS];
    l->used[level >> 6] &= ~((uint64_t)1 << (level & 63));
    if (MB_UNLIKELY(!(page[0] | page[1] | page[2] | page[3]))) mb_ladder_close(l, price);
}

/* The lowest set bit at or above `from` in `count` words, or -1. */
MB_INLINE int32_t mb_scan_up(const uint64_t *words, uint32_t count, uint32_t from) {
    uint32_t w = from >> 6;
    uint64_t word;
    if (w >= count) return -1;
    word = words[w] & (~(uint64_t)0 << (from & 63));
    while (!word) {
        if (++w == count) return -1;
        word = words[w];
    }
    return (int32_t)(w << 6 | mb_lowest(word));
}

/* The highest set bit below `below`, or -1. */
MB_INLINE int32_t mb_scan_down(const uint64_t *words, uint32_t below) {
    uint32_t w;
    uint64_t word;
    if (!below) return -1;
    w = (below - 1) >> 6;
    word = words[w] & (~(uint64_t)0 >> (63 - ((below - 1) & 63)));
    while (!word) {
        if (!w--) return -1;
        word = words[w];
    }
    return (int32_t)(w << 6 | mb_highest(word));
}

/* The lowest used page of the ladder at or above page number `from`, or -1. */
MB_NOINLINE int32_t mb_ladder_page_up(const mb_ladder *l, uint32_t from) {
    uint32_t r = from >> 11;
    int32_t at;
    const mb_node *node;
    if (r >= MB_ROOT_NODES) return -1;
    at = mb_scan_up(l->root[r]->used, MB_NODE_WORDS, from & 2047);
    if (at >= 0) return (int32_t)(r << 11) | at;
    at = mb_scan_up(l->root_used, MB_ROOT_WORDS, r + 1);
    if (at < 0) return -1;
    node = l->root[at];
    r = mb_lowest(node->words);
    return at << 11 | (int32_t)(r << 6 | mb_lowest(node->used[r]));
}

/* The highest used page of the ladder below page number `below`, or -1. */
MB_NOINLINE int32_t mb_ladder_page_down(const mb_ladder *l, uint32_t below) {
    uint32_t r = below >> 11;
    int32_t at = mb_scan_down(l->root[r]->used, below & 2047);
    const mb_node *node;
    if (at >= 0) return (int32_t)(r << 11) | at;
    at = mb_scan_down(l->root_used, r);
    if (at < 0) return -1;
    node = l->root[at];
    r = mb_highest(node->words);
    return at << 11 | (int32_t)(r << 6 | mb_highest(node->used[r]));
}

MB_INLINE const uint64_t *mb_ladder_words(const mb_ladder *l, uint32_t page_number) {
    const mb_node *node = l->root[page_number >> 11];
    return &l->used[(size_t)node->page[page_number & 2047] * MB_PAGE_WORDS];
}

/* The lowest used price above `price`, or MB_NO_ASK. Page 0 of the levels has no used bit, so a
 * price without a page needs no special case. */
MB_INLINE uint32_t mb_ladder_above(const mb_ladder *l, uint32_t price) {
    const uint32_t number = price >> MB_PAGE_BITS;
    int32_t page, at = mb_scan_up(mb_ladder_words(l, number), MB_PAGE_WORDS, (price & 255) + 1);
    if (MB_LIKELY(at >= 0)) return number << MB_PAGE_BITS | (uint32_t)at;
    page = mb_ladder_page_up(l, number + 1);
    if (page < 0) return MB_NO_ASK;
    at = mb_scan_up(mb_ladder_words(l, (uint32_t)page), MB_PAGE_WORDS, 0);
    return (uint32_t)page << MB_PAGE_BITS | (uint32_t)at;
}

/* The highest used price below `price`, or MB_NO_BID. */
MB_INLINE uint32_t mb_ladder_below(const mb_ladder *l, uint32_t price) {
    const uint32_t number = price >> MB_PAGE_BITS;
    int32_t page, at = mb_scan_down(mb_ladder_words(l, number), price & 255);
    if (MB_LIKELY(at >= 0)) return number << MB_PAGE_BITS | (uint32_t)at;
    page = mb_ladder_page_down(l, number);
    if (page < 0) return MB_NO_BID;
    at = mb_scan_down(mb_ladder_words(l, (uint32_t)page), MB_PAGE_TICKS);
    return (uint32_t)page << MB_PAGE_BITS | (uint32_t)at;
}

#endif
