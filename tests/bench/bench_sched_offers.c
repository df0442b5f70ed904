/* links: market */
/* The order book with as many offers as it holds: how long a match, an
 * explanation and a renewal take. Decisions only: no sockets, no signatures.
 *
 *   bench_sched_offers [TSV [NODES.csv TASKS.csv]]
 *
 * Prints rows "name value unit goal anchor" and writes them to TSV. The files
 * give shapes of machines (name,cpu_milli,memory_mib,...) and of tasks (the
 * same columns); without them shapes are drawn from a seed. The anchor of a
 * match is the plain way, in the same run: look at every offer, keep the best.
 */

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "market/book/book.h"

#define OFFERS     LIMIT_OFFERS
#define MEASURED   128u /* providers whose distance is known: the peers */
#define RUNS       4000u
#define SCANS      100u
#define RESTING    1000u
#define SHAPES_MAX 16384u

struct shape {
    uint32_t cpu_milli;
    uint64_t mem_mib;
};

struct bench {
    struct book *book;
    struct arena arena;
    FILE *tsv;
    uint64_t seed;
    uint64_t now_ms;
    uint64_t version;
    struct shape nodes[SHAPES_MAX];
    uint32_t node_count;
    struct shape tasks[SHAPES_MAX];
    uint32_t task_count;
    double us[LIMIT_OFFERS];
};

static uint64_t draw(struct bench *b, uint64_t bound)
{
    uint64_t z = b->seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % bound;
}

static double now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec * 1e-3;
}

static void must(enum err err, const char *what)
{
    if (err == OK)
        return;
    fprintf(stderr, "bench_sched_offers: %s: %s\n", what, err_text(err));
    exit(1);
}

/* ---- rows ---- */

static void row(struct bench *b, const char *name, double value,
                const char *unit, const char *goal, const char *anchor)
{
    printf("%-32s %12.3f %-6s %-8s %s\n", name, value, unit, goal, anchor);
    if (b->tsv != NULL)
        fprintf(b->tsv, "%s\t%.3f\t%s\t%s\t%s\n", name, value, unit, goal,
                anchor);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void rows(struct bench *b, const char *name, uint32_t count,
                 const char *goal_p50, const char *goal_p99, double plain_us)
{
    char label[64];
    char anchor[64] = "-";
    qsort(b->us, count, sizeof(b->us[0]), compare);
    double p50 = b->us[count / 2];
    double p99 = b->us[count - 1 - count / 100];
    if (plain_us > 0)
        (void)snprintf(anchor, sizeof(anchor), "plain scan %.0f us: %.1fx",
                       plain_us, plain_us / p50);
    (void)snprintf(label, sizeof(label), "book.%s.p50", name);
    row(b, label, p50, "us", goal_p50, anchor);
    (void)snprintf(label, sizeof(label), "book.%s.p99", name);
    row(b, label, p99, "us", goal_p99, "-");
}

/* ---- shapes ---- */

static uint32_t shapes_read(const char *path, struct shape *out)
{
    char line[512];
    uint32_t count = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    while (count < SHAPES_MAX && fgets(line, sizeof(line), file) != NULL) {
        unsigned cpu;
        unsigned long mem;
        if (sscanf(line, "%*[^,],%u,%lu", &cpu, &mem) == 2 && cpu > 0 &&
            mem > 0)
            out[count++] = (struct shape){cpu, mem};
    }
    CHECK(fclose(file) == 0);
    CHECK(count > 0);
    return count;
}

static void shapes_draw(struct bench *b)
{
    for (uint32_t i = 0; i < SHAPES_MAX; i++) {
        uint32_t cores = 1u << draw(b, 8);
        b->nodes[i] = (struct shape){cores * 1000, cores * 4096u};
        cores = 1u << draw(b, 5);
        b->tasks[i] = (struct shape){cores * 500, cores * (512 << draw(b, 4))};
    }
    b->node_count = SHAPES_MAX;
    b->task_count = SHAPES_MAX;
}

static struct pubkey provider_of(uint32_t k)
{
    struct pubkey key = {{0}};
    u32le_put(key.b, k + 1);
    return key;
}

static uint64_t spread(struct bench *b, uint64_t value)
{
    return value * (75 + draw(b, 51)) / 100;
}

/* A machine nine tenths in use: most have little left. */
static void offer_draw(struct bench *b, uint32_t k, struct offer *o)
{
    struct shape shape = b->nodes[k % b->node_count];
    uint64_t level = 50000 + draw(b, 950000);
    *o = (struct offer){
        .provider = provider_of(k),
        .version = ++b->version,
        .issued_at_ms = b->now_ms,
        .ttl_ms = OFFER_TTL_MAX_MS,
        .address = "198.51.100.7:7000",
        .bulk_address = "198.51.100.7:7001",
        .arch = draw(b, 4) == 0 ? ARCH_AARCH64 : ARCH_X86_64,
        .total = {shape.cpu_milli, shape.mem_mib, 1u << 20},
        .slots_free = 8,
        .time_ms_max = 3600000,
        .grade = {1u << 30, spread(b, 1u << 30), spread(b, 1u << 30), 1, 1},
        .label_count = 2,
        .labels = {{"zone", "eu"}, {"tier", "gold"}},
    };
    (void)snprintf(o->labels[0].value, LIMIT_NAME, "z%u",
                   (unsigned)draw(b, 20));
    uint64_t left = draw(b, 10) == 0 ? draw(b, 101) : draw(b, 20);
    o->free = (struct resources){(uint32_t)(shape.cpu_milli * left / 100),
                                 shape.mem_mib * left / 100, 1u << 19, 0};
    o->price.cpu_hour = amount_micro(spread(b, level));
    o->price.mem_hour = amount_micro(spread(b, level / 8));
    o->price.disk_hour = amount_micro(spread(b, level / 500));
}

static struct request request_draw(struct bench *b, enum policy policy)
{
    struct shape shape = b->tasks[draw(b, b->task_count)];
    struct request r = {
        .buyer = {{1, 1, 1, 1, 1}},
        .agent = {{2, 2, 2, 2, 2}},
        .created_at_ms = 1,
        .expires_at_ms = 2,
        .tasks = 64,
        .attempts_max = 1,
        .resources = {shape.cpu_milli, shape.mem_mib, 1024},
        .time_ms_max = 60000,
        .arch = ARCH_X86_64,
        .policy = policy,
    };
    for (size_t i = 0; i < sizeof(r.salt); i++)
        r.salt[i] = (uint8_t)draw(b, 256);
    return r;
}

/* ---- what is measured ---- */

static void fill(struct bench *b)
{
    struct offer o;
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (uint32_t k = 0; k < OFFERS; k++) {
        offer_draw(b, k, &o);
        double start = now_us();
        must(book_offer_put(b->book, &o, b->now_ms, 0), "put");
        b->us[k] = now_us() - start;
    }
    size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
    rows(b, "put.first", OFFERS, "-", "-", 0);
    row(b, "book.bytes_per_offer", (double)(after - before) / OFFERS, "bytes",
        "-", "-");
    for (uint32_t k = 0; k < MEASURED; k++) {
        struct pubkey provider = provider_of((uint32_t)draw(b, OFFERS));
        must(book_rtt_set(b->book, &provider, 100 + draw(b, 100000), b->now_ms),
             "rtt");
    }
}

static void renew(struct bench *b, const char *name)
{
    struct offer o;
    for (uint32_t i = 0; i < RUNS; i++) {
        offer_draw(b, (uint32_t)draw(b, OFFERS), &o);
        double start = now_us();
        must(book_offer_put(b->book, &o, b->now_ms, 0), "renew");
        b->us[i] = now_us() - start;
    }
    rows(b, name, RUNS, "-", "-", 0);
}

/* The anchor: every offer looked at, as an explanation without lines does. */
static double plain_scan(struct bench *b)
{
    struct book_explanation x;
    for (uint32_t i = 0; i < SCANS; i++) {
        struct request r = request_draw(b, POLICY_CHEAPEST);
        arena_reset(&b->arena);
        double start = now_us();
        must(book_explain_request(b->book, &r, 0, b->now_ms, &b->arena, &x),
             "explain");
        b->us[i] = now_us() - start;
    }
    qsort(b->us, SCANS, sizeof(b->us[0]), compare);
    double p50 = b->us[SCANS / 2];
    rows(b, "explain", SCANS, "-", "-", 0);
    return p50;
}

static void previews(struct bench *b, const char *name, enum policy policy,
                     uint32_t tasks, uint32_t runs, double plain_us)
{
    struct book_result result;
    uint64_t seen = 0;
    uint64_t full = 0;
    char label[64];
    for (uint32_t i = 0; i < runs; i++) {
        struct request r = request_draw(b, policy);
        arena_reset(&b->arena);
        double start = now_us();
        must(book_preview(b->book, &r, tasks, 1, b->now_ms, &b->arena, &result),
             "preview");
        b->us[i] = now_us() - start;
        seen += result.explain.offers;
        full += result.complete;
    }
    rows(b, name, runs, "-", "-", plain_us);
    (void)snprintf(label, sizeof(label), "book.%s.seen", name);
    row(b, label, (double)seen / runs, "offers", "-", "-");
    (void)snprintf(label, sizeof(label), "book.%s.full_walks", name);
    row(b, label, (double)full / runs, "share", "-", "-");
}

/* A demand nobody can meet: every offer is looked at, and says why. */
static void infeasible(struct bench *b)
{
    struct book_result result;
    for (uint32_t i = 0; i < SCANS; i++) {
        struct request r = request_draw(b, POLICY_CHEAPEST);
        r.resources.cpu_milli = 1u << 31;
        arena_reset(&b->arena);
        double start = now_us();
        must(book_preview(b->book, &r, 1, 1, b->now_ms, &b->arena, &result),
             "preview");
        b->us[i] = now_us() - start;
        CHECK(result.complete && result.explain.offers == OFFERS);
    }
    rows(b, "match.none", SCANS, "-", "-", 0);
}

static void placements(struct bench *b)
{
    struct book_result result;
    uint32_t placed = 0;
    double start = now_us();
    for (uint32_t i = 0; i < RUNS; i++) {
        struct request r = request_draw(b, POLICY_CHEAPEST);
        struct hash id = {{0}};
        u32le_put(id.b, i);
        arena_reset(&b->arena);
        must(book_request_add(b->book, &id, &r, 1, 1000, b->now_ms), "add");
        must(book_match(b->book, &id, 1, 0, b->now_ms, &b->arena, &result),
             "match");
        placed += result.placed;
        CHECK(book_request_remove(b->book, &id, b->now_ms));
    }
    row(b, "book.place", RUNS / (now_us() - start) * 1e6, "1/s", "-",
        "add, match, release");
    CHECK(placed > RUNS / 2);
}

/* Renewals while many requests rest that nothing can serve. */
static void wakes(struct bench *b)
{
    struct book_note notes[64];
    for (uint32_t i = 0; i < RESTING; i++) {
        struct request r = request_draw(b, POLICY_CHEAPEST);
        struct hash id = {{0, 0, 0, 0, 1}};
        u32le_put(id.b, i);
        r.price_max = amount_micro(1);
        must(book_request_add(b->book, &id, &r, 1, 1000000, b->now_ms), "add");
    }
    while (book_tick(b->book, b->now_ms, notes, 64) == 64) {
    }
    renew(b, "put.with_1000_resting");
    CHECK(book_tick(b->book, b->now_ms, notes, 64) == 0);
}

int main(int argc, char **argv)
{
    static struct bench b;
    const struct book_config config = {.key = {1, 2, 3}};
    b.seed = 20;
    b.now_ms = 1000000;
    if (argc > 1 && (b.tsv = fopen(argv[1], "w")) == NULL) {
        perror(argv[1]);
        return 1;
    }
    if (b.tsv != NULL)
        fprintf(b.tsv, "name\tvalue\tunit\tgoal\tanchor\n");
    shapes_draw(&b);
    if (argc > 3) {
        b.node_count = shapes_read(argv[2], b.nodes);
        b.task_count = shapes_read(argv[3], b.tasks);
    }
    arena_init(&b.arena, 64u << 20);
    must(book_new(&config, &b.book), "book");
    fill(&b);
    renew(&b, "put.renewal");
    double plain_us = plain_scan(&b);
    previews(&b, "match.cheapest", POLICY_CHEAPEST, 1, RUNS, plain_us);
    previews(&b, "match.cheapest_bag64", POLICY_CHEAPEST, 64, RUNS / 4,
             plain_us);
    previews(&b, "match.nearest", POLICY_NEAREST, 1, RUNS / 4, plain_us);
    previews(&b, "match.fastest", POLICY_FASTEST, 1, RUNS, plain_us);
    infeasible(&b);
    placements(&b);
    wakes(&b);
    book_free(b.book);
    arena_done(&b.arena);
    if (b.tsv != NULL && fclose(b.tsv) != 0) {
        perror(argv[1]);
        return 1;
    }
    return 0;
}
