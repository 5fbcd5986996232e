/* Fuzz target: the market-data book's C core against lists that are searched from end to end.
 *
 * An input is a mode byte and then five bytes a change. After every change the structure is walked
 * whole (bitmaps, children, queues, free lists) and every answer compared.
 */
#include <stdio.h>

#include "_market_orders.h"

#define CHECK(what)                                                    \
    do {                                                               \
        if (!(what)) {                                                 \
            fprintf(stderr, "line %d: not true: %s\n", __LINE__, #what); \
            abort();                                                   \
        }                                                              \
    } while (0)

#define MOST 256

/* An order, or in a book of levels a level; the list is in order of arrival. */
typedef struct {
    uint64_t id;
    int ask;
    int64_t price, qty;
} item;

static item list[MOST];
static int items;
static ml_side side[2];
static mo_book book;

static void drop(int at) {
    items--;
    memmove(&list[at], &list[at + 1], (size_t)(items - at) * sizeof(item));
}

static int find_id(uint64_t id) {
    int i;
    for (i = 0; i < items; i++)
        if (list[i].id == id) return i;
    return -1;
}

static int64_t sum_at(int ask, int64_t price) {
    uint64_t sum = 0;
    int i;
    for (i = 0; i < items; i++)
        if (list[i].ask == ask && list[i].price == price) sum += (uint64_t)list[i].qty;
    CHECK(sum <= (uint64_t)ML_MAX_QTY);
    return (int64_t)sum;
}

static void put_back(item it) { list[items++] = it; }

/* The rules of a change in plain words; returns the status. */
static int slow_change(int action, uint64_t id, int ask, int64_t price, int64_t qty) {
    int at = find_id(id);
    item it;
    if (action == MO_ADD) {
        item fresh = {id, ask, price, qty};
        if (at >= 0) return MO_DUPLICATE_ID;
        if (sum_at(ask, price) > ML_MAX_QTY - qty) return MO_LEVEL_FULL;
        put_back(fresh);
        return MO_DONE;
    }
    if (at < 0) return MO_UNKNOWN_ID;
    it = list[at];
    if (action == MO_EXECUTE) {
        if (qty > it.qty) return MO_OVERFILL;
        qty = it.qty - qty;
        price = 0;
    }
    if (action == MO_DELETE || !qty) {
        drop(at);
        return MO_DONE;
    }
    if (!price) price = it.price;
    if (price == it.price && qty <= it.qty) {
        list[at].qty = qty;
        return MO_DONE;
    }
    drop(at);
    if (sum_at(it.ask, price) > ML_MAX_QTY - qty) {
        memmove(&list[at + 1], &list[at], (size_t)(items - at) * sizeof(item));
        list[at] = it;
        items++;
        return MO_LEVEL_FULL;
    }
    it.price = price;
    it.qty = qty;
#ifdef PLANTED_FAULT /* proves that the fuzzer finds a rule that is off by a little */
    memmove(&list[at + 1], &list[at], (size_t)(items - at) * sizeof(item));
    list[at] = it;
    items++;
#else
    put_back(it);
#endif
    return MO_DONE;
}

static void slow_set(int ask, int64_t price, int64_t qty) {
    int i;
    item fresh = {0, ask, price, qty};
    for (i = 0; i < items; i++)
        if (list[i].ask == ask && list[i].price == price) drop(i--);
    if (qty) put_back(fresh);
}

/* Walks a subtree; adds up its nodes, leaves and levels, and checks that no branch is dead. */
static void walk(const ml_side *s, uint32_t node, int depth, uint32_t key, uint32_t *nodes,
                 uint32_t *leaves, uint32_t *levels) {
    uint32_t i;
    CHECK(node);
    if (depth == 3) {
        const ml_leaf *leaf = &s->leaves[node];
        ++*leaves;
        CHECK(leaf->bits);
        for (i = 0; i < 64; i++) {
            int on = leaf->bits >> i & 1;
            CHECK(on == (leaf->qty[i] != 0));
            *levels += (uint32_t)on;
            if (s->queued) {
                const ml_queue *q = &s->queues[(size_t)node * 64 + i];
                uint32_t at, last = 0, count = 0;
                int64_t sum = 0;
                for (at = q->head; at; last = at, at = book.orders[at].next) {
                    const mo_order *o = &book.orders[at];
                    CHECK(o->prev == last && o->leaf == node && mo_key(o) == (key | i));
                    CHECK(mo_side(&book, o) == s);
                    sum += o->qty;
                    count++;
                    CHECK(count <= book.live);
                }
                CHECK(q->tail == last && q->count == count && leaf->qty[i] == sum);
            }
        }
        return;
    }
    ++*nodes;
    CHECK(s->nodes[node].bits);
    for (i = 0; i < 64; i++) {
        uint32_t child = s->nodes[node].child[i];
        CHECK((s->nodes[node].bits >> i & 1) == (child != 0));
        if (child)
            walk(s, child, depth + 1, key | i << (18 - 6 * depth), nodes, leaves, levels);
    }
}

static void check_structure(const ml_side *s) {
    uint32_t nodes = 1, leaves = 1, levels = 0, i, at;
    for (i = 0; i < 128; i++) {
        CHECK((s->root_bits[i >> 6] >> (i & 63) & 1) == (s->root[i] != 0));
        if (s->root[i]) walk(s, s->root[i], 0, i << 24, &nodes, &leaves, &levels);
    }
    CHECK(levels == s->levels);
    if (!s->nodes_used) return;
    for (at = s->nodes_free; at; at = s->nodes[at].child[0]) {
        nodes++;
        CHECK(!s->nodes[at].bits && nodes <= s->nodes_used);
        for (i = 1; i < 64; i++) CHECK(!s->nodes[at].child[i]);
    }
    for (at = s->leaves_free; at; at = (uint32_t)s->leaves[at].qty[0]) {
        leaves++;
        CHECK(!s->leaves[at].bits && leaves <= s->leaves_used);
        for (i = 1; i < 64; i++) CHECK(!s->leaves[at].qty[i]);
    }
    CHECK(nodes == s->nodes_used && leaves == s->leaves_used);
    CHECK(!s->nodes[0].bits && !s->leaves[0].bits);
    for (i = 0; i < 64; i++) CHECK(!s->nodes[0].child[i] && !s->leaves[0].qty[i]);
}

static int64_t capped(int64_t sum, int64_t qty) {
    return sum > INT64_MAX - qty ? INT64_MAX : sum + qty;
}

static void check_answers(int ask, int64_t probe, int64_t step) {
    const ml_side *s = &side[ask];
    int64_t px[MOST], qty[MOST], count[MOST], rows[7], want[7], last = 0, within = 0;
    int64_t n = ml_depth(s, MOST, px, qty, s->queued ? count : NULL), i, k;
    int distinct = 0;
    CHECK(n == s->levels);
    CHECK(n ? ml_price(s, s->best) == px[0] : s->best == 0);
    for (i = 0; i < n; i++) {
        CHECK(!i || (ask ? px[i] > last : px[i] < last));
        last = px[i];
        CHECK(qty[i] == sum_at(ask, px[i]));
        if (ask ? px[i] <= probe : px[i] >= probe) within = capped(within, qty[i]);
    }
    for (i = 0; i < items; i++) {
        int first = list[i].ask == ask;
        for (k = 0; k < i; k++)
            if (list[k].ask == ask && list[k].price == list[i].price) first = 0;
        distinct += first;
    }
    CHECK(distinct == n);
    CHECK(ml_qty(s, ml_key(s, probe)) == sum_at(ask, probe));
    CHECK(ml_volume_to(s, ml_key(s, probe)) == within);
    memset(want, 0, sizeof want);
    for (i = 0; i < n; i++)
        for (k = 0; k < 7; k++) {
            int64_t label = probe + 2 * step - k * step;
            if (ask ? px[i] > label - step && px[i] <= label
                    : px[i] >= label && px[i] < label + step)
                want[k] = capped(want[k], qty[i]);
        }
    ml_window(s, probe + 2 * step, 7, step, rows);
    CHECK(!memcmp(rows, want, sizeof want));
    if (s->queued)
        for (i = 0; i < n; i++) {
            uint64_t ids[MOST];
            int64_t each[MOST], ahead = 0, at = 0;
            CHECK(count[i] == mo_count(s, ml_key(s, px[i])));
            mo_queue(&book, s, ml_key(s, px[i]), ids, each);
            for (k = 0; k < items; k++)
                if (list[k].ask == ask && list[k].price == px[i]) {
                    CHECK(ids[at] == list[k].id && each[at] == list[k].qty);
                    CHECK(mo_ahead(&book, mo_find(&book, list[k].id)) == ahead);
                    ahead += each[at++];
                }
            CHECK(at == count[i]);
        }
}

static int64_t a_price(uint8_t a, uint8_t b) {
    static const int64_t base[8] = {0, 64, 4096, 1 << 18, 1 << 24, 1 << 30, 0x7fffffff, 1000};
    int64_t price = base[a & 7] + (int64_t)(a >> 3) * 61 + (int8_t)b;
    if (price < 1) price = 1;
    return price > (int64_t)ML_MAX_PRICE ? (int64_t)ML_MAX_PRICE : price;
}

static int64_t a_qty(uint8_t q) { return q < 240 ? q : ML_MAX_QTY - (q - 240) * 3; }

/* Few ids, some alike in their lower or upper bits. */
static uint64_t an_id(uint8_t b) {
    uint64_t n = b & 31;
    switch (b >> 5 & 3) {
        case 0: return n;
        case 1: return n << 32;
        case 2: return ~n;
        default: return n << 12 | n << 44;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int orders, i;
    if (size < 1) return 0;
    orders = data[0] & 1;
    items = 0;
    for (i = 0; i < 2; i++) ml_init(&side[i], i, orders);
    memset(&book, 0, sizeof book);
    book.side = side;
    for (data++, size--; size >= 5 && items < MOST - 1; data += 5, size -= 5) {
        int op = data[0] % 33, ask = data[0] >> 7;
        int64_t price = a_price(data[2], data[3]), qty = a_qty(data[4]);
        if (op == 32) {
            items = 0;
            if (orders)
                mo_clear(&book);
            else
                for (i = 0; i < 2; i++) ml_clear(&side[i]);
        } else if (orders) {
            int action = op < 12 ? MO_ADD : op % 3 + 1;
            uint64_t id = an_id(data[1]);
            if (!qty && (action == MO_ADD || action == MO_EXECUTE)) qty = 1;
            if (action == MO_MODIFY && data[1] & 128) price = 0;
            mo_expect(&book, id);
            CHECK(mo_change(&book, action, id, ask, price, qty) ==
                  slow_change(action, id, ask, price, qty));
            CHECK((int)book.live == items);
            for (i = 0; i < items; i++) CHECK(mo_find(&book, list[i].id)->qty == list[i].qty);
            CHECK((mo_find(&book, id) != NULL) == (find_id(id) >= 0));
        } else {
            if (op & 1) qty = 0;
            CHECK(ml_set(&side[ask], ml_key(&side[ask], price), qty));
            slow_set(ask, price, qty);
        }
        for (i = 0; i < 2; i++) {
            check_structure(&side[i]);
            check_answers(i, price, data[1] & 64 ? 1 : 1 + (int64_t)data[1] * data[4] * 97);
        }
    }
    for (i = 0; i < 2; i++) ml_free(&side[i]);
    mo_free(&book);
    return 0;
}
