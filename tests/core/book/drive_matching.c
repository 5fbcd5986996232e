/* Plays columns from a file into the matching book: `drive FILE EVENTS` prints the digest.
 *
 * The file holds two parts, setup and events; each is the number of rows as 8 bytes and then the
 * columns ops, ids, sides, prices, qtys, kinds in the byte order of the machine. Only the first
 * EVENTS events are played. Run under callgrind with two numbers of events, the difference is what
 * the events in between cost.
 */
#include <stdio.h>

#include "_matching_inspect.h"

static void *column(FILE *file, size_t bytes) {
    void *data = malloc(bytes);
    if (!data || fread(data, 1, bytes, file) != bytes) exit(2);
    return data;
}

static void play(mb_book *book, FILE *file, size_t most) {
    uint64_t *rows = (uint64_t *)column(file, 8);
    const size_t n = (size_t)*rows, first = n < most ? n : most;
    uint8_t *ops = (uint8_t *)column(file, n);
    uint64_t *ids = (uint64_t *)column(file, n * 8);
    uint8_t *sides = (uint8_t *)column(file, n);
    int64_t *prices = (int64_t *)column(file, n * 8);
    int64_t *qtys = (int64_t *)column(file, n * 8);
    uint8_t *kinds = (uint8_t *)column(file, n);
    uint8_t *statuses = (uint8_t *)malloc(n);
    if (!statuses) exit(2);
    if (mb_apply(book, first, ops, ids, sides, prices, qtys, kinds, NULL, statuses) != first) {
        exit(3);
    }
    free(rows);
    free(ops);
    free(ids);
    free(sides);
    free(prices);
    free(qtys);
    free(kinds);
    free(statuses);
}

int main(int count, char **arguments) {
    static mb_book book;
    FILE *file = count == 3 ? fopen(arguments[1], "rb") : NULL;
    if (!file || !mb_init(&book, 8192, MB_STP_NONE)) return 1;
    play(&book, file, SIZE_MAX);
    play(&book, file, (size_t)strtoull(arguments[2], NULL, 10));
    printf("%llu\n", (unsigned long long)mb_digest(&book));
    mb_destroy(&book);
    fclose(file);
    return 0;
}
