/* links: market */
/* What a placement costs under each policy: a preview of four tasks in an order
 * book of synthetic offers, in processor time. Those of one figure and
 * composite walk an index and stop early; spread, pack and fragmentation look
 * at the columns of all that fit, balanced at all that fit.
 *
 *   bench_sched_policy [TSV [OFFERS]]
 *
 * Prints rows "name value unit goal anchor" and writes them to TSV. The anchor
 * is cheapest in the same run. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/dice.h"
#include "market/book/book.h"

#define RUNS   300u
#define OFFERS 20000u

static FILE *tsv;
static struct dice dice;

static uint64_t processor_ns(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void row(const char *name, double value, const char *unit,
                const char *anchor)
{
    printf("%-36s %12.3f %-6s %-10s %s\n", name, value, unit, "-", anchor);
    fflush(stdout);
    if (tsv != NULL)
        fprintf(tsv, "%s\t%.3f\t%s\t-\t%s\n", name, value, unit, anchor);
}

static void must(enum err err)
{
    if (err == OK)
        return;
    fprintf(stderr, "bench_sched_policy: %s\n", err_text(err));
    exit(1);
}

static uint64_t draw(uint64_t bound)
{
    return dice_below(&dice, bound);
}

static void label(struct offer *o, const char *key, const char *value)
{
    struct label *l = &o->labels[o->label_count++];
    (void)snprintf(l->key, sizeof(l->key), "%s", key);
    (void)snprintf(l->value, sizeof(l->value), "%s", value);
}

static void put_offer(struct book *book, uint32_t k)
{
    struct offer o = {
        .provider = {{(uint8_t)k, (uint8_t)(k >> 8), (uint8_t)(k >> 16), 1}},
        .version = 1,
        .issued_at_ms = 1,
        .ttl_ms = OFFER_TTL_MAX_MS,
        .address = "198.51.100.7:7000",
        .bulk_address = "198.51.100.7:7001",
        .arch = ARCH_X86_64,
        .slots_free = 1 + (uint32_t)draw(8),
        .time_ms_max = 3600000,
    };
    o.total.cpu_milli = 4000 << draw(5);
    o.total.mem_mib = UINT64_C(8192) << draw(5);
    o.total.disk_mib = 1u << 20;
    o.free = o.total;
    o.free.cpu_milli -= (uint32_t)draw(o.total.cpu_milli);
    o.free.mem_mib -= draw(o.total.mem_mib);
    o.grade.int_ops = (1u << 28) + draw(1u << 30);
    o.grade.float_ops = (1u << 28) + draw(1u << 30);
    o.grade.mem_bps = (1u << 28) + draw(1u << 30);
    o.grade.fp32_ops = o.grade.float_ops * 2;
    o.price.cpu_hour = amount_micro(20000 + draw(80000));
    o.price.mem_hour = amount_micro(2000 + draw(8000));
    o.price.disk_hour = amount_micro(100);
    label(&o, "zone", draw(2) == 0 ? "eu" : "us");
    label(&o, "watts-idle", "60");
    label(&o, "watts-full", draw(2) == 0 ? "200" : "400");
    must(book_offer_put(book, &o, 10, 0));
    must(book_rtt_set(book, &o.provider, 500 + draw(200000), 10));
}

/* How some contracts of each provider ended. */
static void put_past(struct standings *standings, uint32_t k)
{
    struct contract c = {
        .state = CONTRACT_SETTLED,
        .buyer = {{9}},
        .agent = {{8}},
        .provider = {{(uint8_t)k, (uint8_t)(k >> 8), (uint8_t)(k >> 16), 1}},
        .time_ms_max = 60000,
    };
    for (uint32_t i = 0; i < k % 64; i++) {
        c.reason = k % 7 == 0 && i % 20 == 0 ? END_PROVIDER_LOST : END_DONE;
        must(standings_note(standings, &c));
    }
}

static struct request ask(enum policy policy)
{
    struct request r = {
        .buyer = {{9}},
        .agent = {{8}},
        .created_at_ms = 1,
        .expires_at_ms = 2,
        .tasks = 4,
        .attempts_max = 1,
        .resources = {.cpu_milli = 500u << draw(5),
                      .mem_mib = UINT64_C(512) << draw(5),
                      .disk_mib = 1024},
        .time_ms_max = 60000,
        .policy = policy,
    };
    for (size_t i = 0; i < sizeof(r.salt); i++)
        r.salt[i] = (uint8_t)draw(256);
    return r;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median; how many walks ended early is told beside it. */
static double previews(struct book *book, struct arena *arena, const char *name,
                       enum policy policy, const struct policy_terms *terms,
                       double cheapest_us)
{
    static double us[RUNS];
    struct book_result result;
    uint32_t early = 0;
    char text[64];
    char anchor[64] = "-";
    for (uint32_t i = 0; i < RUNS; i++) {
        struct request r = ask(policy);
        r.terms = *terms;
        arena_reset(arena);
        uint64_t start = processor_ns();
        must(book_preview(book, &r, r.tasks, 1, 20, arena, &result));
        us[i] = (double)(processor_ns() - start) / 1000;
        early += !result.complete;
    }
    qsort(us, RUNS, sizeof(us[0]), ascending);
    if (cheapest_us > 0)
        (void)snprintf(anchor, sizeof(anchor), "cheapest %.0f us", cheapest_us);
    (void)snprintf(text, sizeof(text), "policy.%s.p50", name);
    row(text, us[RUNS / 2], "us", anchor);
    (void)snprintf(text, sizeof(text), "policy.%s.early", name);
    row(text, (double)early / RUNS, "share", "-");
    return us[RUNS / 2];
}

static void all(struct book *book, struct arena *arena)
{
    const struct policy_terms none = {.speed = SPEED_MEAN};
    const struct policy_terms two = {.weights = {2, 1}};
    const struct policy_terms three = {.weights = {2, 1, 1}};
    const struct policy_terms load = {.weights = {2, 1, 0, 1}};
    const struct policy_terms sure = {
        .divide = POLICY_DIVIDE_DUPLICATED, .copies = 2, .down_ppb = 2000000};
    const struct policy_terms class_ = {.speed = SPEED_PARALLEL};
    enum policy policy;
    double cheapest = 0;
    for (size_t i = 0; (policy = policy_nth(i)) != (enum policy)0; i++) {
        double us;
        if (policy == POLICY_COMPOSITE)
            continue;
        us =
            previews(book, arena, policy_text(policy), policy, &none, cheapest);
        if (policy == POLICY_CHEAPEST)
            cheapest = us;
    }
    (void)previews(book, arena, "composite.price_rtt", POLICY_COMPOSITE, &two,
                   cheapest);
    (void)previews(book, arena, "composite.price_rtt_speed", POLICY_COMPOSITE,
                   &three, cheapest);
    (void)previews(book, arena, "composite.with_load", POLICY_COMPOSITE, &load,
                   cheapest);
    (void)previews(book, arena, "fastest.class", POLICY_FASTEST, &class_,
                   cheapest);
    (void)previews(book, arena, "cheapest.availability", POLICY_CHEAPEST, &sure,
                   cheapest);
}

int main(int argc, char **argv)
{
    const struct book_config config = {.key = {4, 2}};
    const struct standings_config past = {
        .self = {{8}}, .max = STANDINGS_MAX, .key = {5}};
    struct standings *standings;
    uint32_t offers = OFFERS;
    struct arena arena;
    struct book *book;
    if (argc > 2)
        offers = (uint32_t)strtoul(argv[2], NULL, 10);
    if (offers == 0 || offers > LIMIT_OFFERS) {
        fprintf(stderr, "bench_sched_policy: OFFERS is 1 to %u\n",
                LIMIT_OFFERS);
        return 2;
    }
    if (argc > 1 && strcmp(argv[1], "-") != 0) {
        tsv = fopen(argv[1], "we");
        if (tsv == NULL) {
            perror(argv[1]);
            return 1;
        }
    }
    dice_init(&dice, 11);
    arena_init(&arena, 512u << 20);
    must(book_new(&config, &book));
    must(standings_new(&past, &standings));
    book_lend(book, standings, NULL);
    for (uint32_t k = 0; k < offers; k++) {
        put_offer(book, k);
        put_past(standings, k);
    }
    all(book, &arena);
    book_free(book);
    standings_free(standings);
    arena_done(&arena);
    return tsv != NULL && fclose(tsv) != 0;
}
