/* A coverage-guided fuzzer for compilers without libFuzzer: links with LLVMFuzzerTestOneInput.
 *
 * The target is compiled with -fsanitize-coverage=trace-pc, which calls __sanitizer_cov_trace_pc
 * on every edge; this file is not. An input that reaches a new edge, or an edge a new order of
 * magnitude of times, joins the corpus; new inputs are mutations of the corpus.
 *
 *   driver RUNS SEED [FILE]   with FILE, replays that one input
 *
 * Prints "runs=... corpus=... edges=..."; on a crash, the input as hex on stderr.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAP 65536
#define LONGEST 1024
#define MOST 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t hits[MAP], seen[MAP];
static uintptr_t before;

void __sanitizer_cov_trace_pc(void) {
    uintptr_t here = (uintptr_t)__builtin_return_address(0);
    uint8_t *hit = &hits[(here ^ before) % MAP];
    before = here >> 1;
    if (*hit < 255) ++*hit;
}

static uint64_t state;
static uint32_t roll(uint32_t below) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((state >> 33) % below);
}

static struct {
    uint8_t *data;
    size_t size;
} corpus[MOST];
static unsigned kept;
static uint8_t input[LONGEST];
static size_t length;

static void tell(int signal_number) {
    size_t i;
    fprintf(stderr, "crash (signal %d) on input ", signal_number);
    for (i = 0; i < length; i++) fprintf(stderr, "%02x", input[i]);
    fprintf(stderr, "\n");
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static int run(void) {
    int i, news = 0;
    memset(hits, 0, sizeof hits);
    before = 0;
    LLVMFuzzerTestOneInput(input, length);
    for (i = 0; i < MAP; i++)
        if (hits[i]) {
            uint8_t bucket = 1;
            while (hits[i] >> 1 >= bucket && bucket < 128) bucket <<= 1;
            if (!(seen[i] & bucket)) {
                seen[i] |= bucket;
                news = 1;
            }
        }
    return news;
}

static void keep(void) {
    unsigned at = kept < MOST ? kept++ : roll(MOST);
    free(corpus[at].data);
    corpus[at].data = (uint8_t *)malloc(length + 1);
    if (!corpus[at].data) exit(2);
    memcpy(corpus[at].data, input, length);
    corpus[at].size = length;
}

static void mutate(void) {
    unsigned from = roll(kept), times = 1 + roll(6);
    length = corpus[from].size;
    memcpy(input, corpus[from].data, length);
    while (times--) {
        size_t at = length ? roll((uint32_t)length) : 0, n;
        switch (roll(6)) {
            case 0: /* another byte */
                if (length) input[at] = (uint8_t)roll(256);
                break;
            case 1: /* a byte a little off */
                if (length) input[at] += (uint8_t)(roll(9) - 4);
                break;
            case 2: /* take some out */
                n = roll(24);
                if (at + n > length) n = length - at;
                memmove(input + at, input + at + n, length - at - n);
                length -= n;
                break;
            case 3: /* put random bytes in */
                n = 1 + roll(24);
                if (length + n > LONGEST) n = LONGEST - length;
                memmove(input + at + n, input + at, length - at);
                length += n;
                while (n--) input[at + n] = (uint8_t)roll(256);
                break;
            case 4: /* go on with the tail of another */
                from = roll(kept);
                n = corpus[from].size ? roll((uint32_t)corpus[from].size) : 0;
                length = at;
                while (n < corpus[from].size && length < LONGEST)
                    input[length++] = corpus[from].data[n++];
                break;
            default: /* repeat a piece */
                n = 1 + roll(40);
                if (at + n > length) n = length - at;
                if (length + n > LONGEST) n = LONGEST - length;
                memcpy(input + length, input + at, n);
                length += n;
        }
    }
}

int main(int argc, char **argv) {
    long runs = argc > 1 ? atol(argv[1]) : 0, i;
    int edges = 0;
    state = argc > 2 ? (uint64_t)atol(argv[2]) : 1;
    signal(SIGABRT, tell);
    if (argc > 3) {
        FILE *file = fopen(argv[3], "rb");
        if (!file) return 2;
        length = fread(input, 1, sizeof input, file);
        fclose(file);
        run();
        return 0;
    }
    for (i = 0; i < 8; i++) {
        for (length = 0; length < 64u * (size_t)i; length++) input[length] = (uint8_t)roll(256);
        run();
        keep();
    }
    for (i = 0; i < runs; i++) {
        mutate();
        if (run()) keep();
    }
    for (i = 0; i < MAP; i++) edges += seen[i] != 0;
    printf("runs=%ld corpus=%u edges=%d\n", runs, kept, edges);
    for (i = 0; i < (long)kept; i++) free(corpus[i].data);
    return 0;
}
