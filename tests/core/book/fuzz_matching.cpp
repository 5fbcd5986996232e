// Coverage-guided fuzzing of the matching book: bytes become commands, which the book and a naive
// model carry out side by side. After every command the statuses, the trades, the self-trade
// cancels, both sides in priority order and the book's own invariants must agree.
//
// Build it with libFuzzer (see fuzz_matching.py), or with -DREPLAY to run files once each.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// Allocations fail when the countdown reaches 0, if the input asks for it.
static long allocations_left = -1;
static bool allocation_fails() { return allocations_left >= 0 && allocations_left-- == 0; }
static void *test_malloc(size_t n) { return allocation_fails() ? nullptr : std::malloc(n); }
static void *test_calloc(size_t n, size_t m) {
    return allocation_fails() ? nullptr : std::calloc(n, m);
}
static void *test_realloc(void *p, size_t n) {
    return allocation_fails() ? nullptr : std::realloc(p, n);
}
#define malloc test_malloc
#define calloc test_calloc
#define realloc test_realloc
#include "_matching_inspect.h"
#undef malloc
#undef calloc
#undef realloc

#define MUST(condition)                                                     \
    do {                                                                    \
        if (!(condition)) {                                                 \
            std::fprintf(stderr, "line %d: %s\n", __LINE__, #condition);    \
            std::abort();                                                   \
        }                                                                   \
    } while (0)

// The model: one vector of orders in order of arrival; the best maker is found by looking at all.
struct Model {
    struct Order {
        uint64_t id;
        bool sell;
        int64_t price, leaves;
        uint64_t owner;
    };
    int stp;
    std::vector<Order> orders;
    std::vector<mb_trade> trades;
    std::vector<mb_cancelled> cancels;

    long find(uint64_t id) const {
        for (size_t i = 0; i < orders.size(); ++i) {
            if (orders[i].id == id) return (long)i;
        }
        return -1;
    }
    // The order that `taker` meets first, or -1.
    static long first(const std::vector<Order> &in, const Order &taker) {
        long best = -1;
        for (size_t i = 0; i < in.size(); ++i) {
            const Order &o = in[i];
            if (o.sell == taker.sell) continue;
            if (taker.sell ? o.price < taker.price : o.price > taker.price) continue;
            if (best < 0 || (taker.sell ? o.price > in[best].price : o.price < in[best].price)) {
                best = (long)i;
            }
        }
        return best;
    }
    // Trades `taker` against `in`; returns whether prevention cancelled it.
    bool take(std::vector<Order> &in, Order &taker, std::vector<mb_trade> &made,
              std::vector<mb_cancelled> &gone) const {
        long at;
        while (taker.leaves > 0 && (at = first(in, taker)) >= 0) {
            Order &maker = in[at];
            if (stp != MB_STP_NONE && taker.owner && maker.owner == taker.owner) {
                if (stp != MB_STP_TAKER) {
                    gone.push_back({maker.id, maker.leaves});
                    in.erase(in.begin() + at);
                }
                if (stp != MB_STP_MAKER) {
                    gone.push_back({taker.id, taker.leaves});
                    return true;
                }
                continue;
            }
            const int64_t qty = maker.leaves < taker.leaves ? maker.leaves : taker.leaves;
            made.push_back({maker.id, taker.id, maker.price, qty});
            taker.leaves -= qty;
            maker.leaves -= qty;
            if (!maker.leaves) in.erase(in.begin() + at);
        }
        return false;
    }
    void enter(Order order, bool rests) {
        const bool cancelled = take(orders, order, trades, cancels);
        if (rests && !cancelled && order.leaves) orders.push_back(order);
    }
    int add(uint64_t id, bool sell, int64_t price, int64_t qty, int kind, uint64_t owner) {
        if (find(id) >= 0) return MB_DUPLICATE_ID;
        if (qty < 1 || qty > INT64_C(1099511627776)) return MB_BAD_QTY;
        if (kind == MB_MARKET) {
            price = sell ? 1 : 2147483646;
        } else if (price < 1 || price > 2147483646) {
            return MB_BAD_PRICE;
        }
        Order order = {id, sell, price, qty, owner};
        if (kind == MB_POST_ONLY && first(orders, order) >= 0) return MB_WOULD_CROSS;
        if (kind == MB_LIMIT_FOK) { // try it on a copy
            std::vector<Order> copy = orders;
            std::vector<mb_trade> made;
            std::vector<mb_cancelled> gone;
            Order trial = order;
            if (take(copy, trial, made, gone) || trial.leaves) return MB_FOK_KILLED;
        }
        enter(order, kind == MB_LIMIT_GTC || kind == MB_POST_ONLY);
        return MB_OK;
    }
    int cancel(uint64_t id) {
        const long at = find(id);
        if (at < 0) return MB_UNKNOWN_ID;
        orders.erase(orders.begin() + at);
        return MB_OK;
    }
    int replace(uint64_t id, int64_t price, int64_t qty) {
        const long at = find(id);
        if (at < 0) return MB_UNKNOWN_ID;
        if (qty < 1 || qty > INT64_C(1099511627776)) return MB_BAD_QTY;
        if (price < 1 || price > 2147483646) return MB_BAD_PRICE;
        Order order = orders[at];
        if (order.price == price && qty <= order.leaves) {
            orders[at].leaves = qty;
            return MB_OK;
        }
        orders.erase(orders.begin() + at);
        order.price = price;
        order.leaves = qty;
        enter(order, true);
        return MB_OK;
    }
    // One side, best first; orders at one price stay in order of arrival.
    std::vector<Order> side(bool sell) const {
        std::vector<Order> left = orders, sorted;
        Order anyone = {0, !sell, sell ? INT64_MAX : 0, 1, 0};
        for (long at; (at = first(left, anyone)) >= 0;) {
            sorted.push_back(left[at]);
            left.erase(left.begin() + at);
        }
        return sorted;
    }
};

static void compare(const mb_book &book, const Model &model) {
    const char *broken = mb_check(&book);
    if (broken) std::fprintf(stderr, "%s\n", broken);
    MUST(!broken);
    MUST(book.trade_count == model.trades.size());
    for (size_t i = 0; i < book.trade_count; ++i) {
        MUST(!std::memcmp(&book.trades[i], &model.trades[i], sizeof(mb_trade)));
    }
    MUST(book.cancel_count == model.cancels.size());
    for (size_t i = 0; i < book.cancel_count; ++i) {
        MUST(!std::memcmp(&book.cancels[i], &model.cancels[i], sizeof(mb_cancelled)));
    }
    for (uint32_t sell = 0; sell < 2; ++sell) {
        const std::vector<Model::Order> orders = model.side(sell != 0);
        size_t levels, n;
        mb_count(&book, sell, SIZE_MAX, &levels, &n);
        MUST(n == orders.size());
        std::vector<uint64_t> ids(n), owners(n);
        std::vector<int64_t> prices(n), leaves(n), at(levels), qtys(levels), counts(levels);
        mb_export(&book, sell, ids.data(), prices.data(), leaves.data(), owners.data());
        MUST(mb_depth(&book, sell, levels, at.data(), qtys.data(), counts.data()) == levels);
        MUST(mb_best(&book, sell) == (n ? orders[0].price : 0));
        size_t level = 0;
        int64_t ahead = 0, count = 0;
        for (size_t i = 0; i < n; ++i) {
            if (i && orders[i].price != orders[i - 1].price) {
                MUST(qtys[level] == ahead && counts[level] == count);
                ++level;
                ahead = count = 0;
            }
            MUST(ids[i] == orders[i].id && owners[i] == orders[i].owner);
            MUST(prices[i] == orders[i].price && leaves[i] == orders[i].leaves);
            MUST(at[level] == orders[i].price);
            MUST(mb_ahead(&book, mb_lookup(&book, ids[i])) == ahead);
            ahead += leaves[i];
            ++count;
        }
        MUST(levels == (n ? level + 1 : 0));
    }
}

struct Bytes {
    const uint8_t *at, *end;
    unsigned next() { return at < end ? *at++ : 0; }
};

static uint64_t some_id(unsigned byte) {
    static const uint64_t extremes[] = {0, 1, UINT64_C(1) << 63, UINT64_MAX, UINT64_MAX - 1};
    if (byte < 5) return extremes[byte];
    if (byte < 48) return byte;
    if (byte < 96) return (uint64_t)byte << 40; // upper half only
    if (byte < 144) return (uint64_t)byte << 12; // strides
    // The inverse of the hash's multiplier: these ids fall into neighbouring slots of any map.
    return (uint64_t)byte * UINT64_C(0xF1DE83E19937733D);
}

static int64_t some_price(unsigned where, unsigned offset) {
    static const int64_t bases[] = {1, 250, 524280, 1048576 - 8, 50000000, 2147483646 - 255, 65536};
    static const int64_t extremes[] = {0, -1, 2147483646, 2147483647, INT64_MAX, INT64_MIN, 1};
    if (where < 240) return bases[where % 7] + (where < 200 ? (int64_t)(offset & 7) : offset);
    if (where < 247) return extremes[where - 240];
    return (int64_t)offset << (where & 31) | 1; // far and sparse
}

static int64_t some_qty(unsigned byte) {
    static const int64_t extremes[] = {
        0, -1, INT64_C(1) << 40, (INT64_C(1) << 40) + 1, INT64_MAX, INT64_MIN};
    return byte < 6 ? extremes[byte] : byte - 5;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static mb_book book;
    Bytes in = {data, data + (size < 6000 ? size : 6000)};
    const unsigned mode = in.next();
    Model model;
    model.stp = (int)(mode & 3);
    std::memset(&book, 0, sizeof book);
    allocations_left = mode & 4 ? (long)in.next() : -1;
    if (!mb_init(&book, (mode >> 3) & 7, model.stp)) {
        allocations_left = -1;
        return 0;
    }
    while (in.at < in.end) {
        const unsigned what = in.next(), which = in.next();
        uint64_t id = some_id(which);
        int status, expected;
        // Cancels and replaces mostly name an order that rests.
        const Model::Order *resting = nullptr;
        if ((what & 7) >= 5 && !(what & 128) && !model.orders.empty()) {
            resting = &model.orders[which % model.orders.size()];
            id = resting->id;
        }
        if ((what & 7) < 5) {
            const unsigned where = in.next();
            const int64_t price = some_price(where, in.next()), qty = some_qty(in.next());
            const int kind = (int)((what >> 4) % 8 < 4 ? 0 : (what >> 4) % 8 - 3);
            const uint64_t owner = what & 128 ? in.next() % 4 : 0;
            status = mb_add(&book, id, what >> 3 & 1, price, qty, kind, owner);
            if (status == MB_NO_MEMORY) break;
            expected = model.add(id, what >> 3 & 1, price, qty, kind, owner);
        } else if ((what & 7) < 7) {
            status = mb_cancel(&book, id);
            expected = model.cancel(id);
        } else if (what == 255) {
            mb_clear(&book);
            model = Model();
            model.stp = (int)(mode & 3);
            status = expected = MB_OK;
        } else {
            const unsigned where = in.next();
            int64_t price = some_price(where, in.next()), qty = some_qty(in.next());
            if (resting && what & 64) price = resting->price;
            if (resting && what & 32) qty = resting->leaves;
            status = mb_replace(&book, id, price, qty);
            if (status == MB_NO_MEMORY) break;
            expected = model.replace(id, price, qty);
        }
        MUST(status == expected);
        compare(book, model);
    }
    allocations_left = -1;
    MUST(!mb_check(&book)); // also where memory ran short
    mb_destroy(&book);
    return 0;
}

#ifdef REPLAY
int main(int count, char **names) {
    for (int i = 1; i < count; ++i) {
        std::vector<uint8_t> bytes;
        FILE *file = std::fopen(names[i], "rb");
        if (!file) return 2;
        for (int c; (c = std::fgetc(file)) != EOF;) bytes.push_back((uint8_t)c);
        std::fclose(file);
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
    return 0;
}
#endif
