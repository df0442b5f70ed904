/* links: ledger */
/* How fast a newcomer takes a state, without the network: pages read from one
 * LMDB store with their records, checked, put into another with full sync, and
 * swept, all on one thread.
 *
 *   bench_sync [TSV]
 *
 * Prints rows "name value unit goal anchor" and writes them to TSV. The anchor
 * is the same batches committed to a third store by somebody who checks nothing
 * and looks at nothing: the disk's part, which nobody can avoid. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "base/check.h"
#include "ledger/state/overlay.h"
#include "ledger/state/smt_page.h"
#include "ledger/chain/sync.h"

#define RECORDS UINT32_C(200000)
#define CHUNK   UINT32_C(5000)
#define VALUE   24u
/* Answers that come while the disk works are one batch. */
#define BATCH_BYTES (2u * 1024 * 1024)

static const struct hash chain = {{9}};

static double now_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void must(enum err err, const char *what)
{
    if (err == OK)
        return;
    fprintf(stderr, "bench_sync: %s: %s\n", what, err_text(err));
    exit(1);
}

struct side {
    char dir[256];
    struct store *store;
};

static void side_open(struct side *side)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(side->dir, sizeof(side->dir), "%s/suan-bench-XXXXXX",
             tmp != NULL ? tmp : "/tmp");
    CHECK(mkdtemp(side->dir) != NULL);
    must(store_lmdb_open(side->dir, NULL, &side->store), "open store");
}

static void side_close(struct side *side)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "store.lock"};
    char path[300];
    store_close(side->store);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", side->dir, names[i]);
        unlink(path);
    }
    rmdir(side->dir);
}

static void fill(struct side *side, struct hash *out_root)
{
    struct state *ground;
    must(state_ground(side->store, &chain, &ground), "state");
    for (uint32_t from = 0; from < RECORDS; from += CHUNK) {
        struct state *state;
        struct store_batch *batch = store_batch_new(0);
        must(state_fork(ground, &state), "fork");
        for (uint32_t i = from; i < from + CHUNK; i++) {
            uint8_t key[32] = {0};
            uint8_t value[VALUE] = {0};
            u32be_put(key, i * UINT32_C(2654435761));
            u32be_put(value, i);
            must(state_put(state, STATE_CONTRACT, BYTES_OF(key),
                           BYTES_OF(value)),
                 "put");
        }
        must(state_seal(state, amount_micro(0), out_root), "seal");
        state_to_batch(state, batch);
        must(store_commit(side->store, batch), "commit");
        store_batch_free(batch);
        state_free(state);
    }
    state_free(ground);
}

static struct bytes give(struct side *side, struct bytes key,
                         struct arena *arena)
{
    struct sx_page_item item = {0};
    struct smt_page page;
    struct hash path = {{0}};
    struct buf buf;
    struct bytes copy = {NULL, 0};
    memcpy(path.b, key.ptr + 1, key.len - 1);
    must(store_get(side->store, STORE_PAGE, key, arena, &item.page), "page");
    must(smt_page_decode(item.page, &path, 4u * key.ptr[0], &page), "page");
    for (unsigned i = 0; i < SMT_SLOTS; i++) {
        if (page.slots[i].kind != SMT_LEAF)
            continue;
        struct bytes *record = &item.keys[item.count];
        must(store_get(side->store, STORE_PATH,
                       hash_as_bytes(&page.slots[i].hash), arena, record),
             "path");
        must(store_get(side->store, STORE_STATE, *record, arena,
                       &item.values[item.count++]),
             "record");
    }
    buf_init(&buf, SX_SYNC_BYTES);
    sx_page_item_encode(&item, &buf);
    must(buf.err, "encode");
    must(arena_copy(arena, buf_bytes(&buf), &copy), "copy");
    buf_done(&buf);
    return copy;
}

struct run {
    struct side from, to, plain;
    struct sync *sync;
    struct arena arena;
    uint32_t number;
    double give_s, take_s, commit_s, plain_s, sweep_s;
    uint64_t bytes;
    struct store_batch *batch;
};

static double commit(struct side *side, const struct store_batch *batch)
{
    double began = now_s();
    must(store_commit(side->store, batch), "commit");
    return now_s() - began;
}

static void flush(struct run *r)
{
    r->commit_s += commit(&r->to, r->batch);
    r->plain_s += commit(&r->plain, r->batch);
    store_batch_free(r->batch);
    r->batch = NULL;
}

static bool talk(struct run *r)
{
    struct bytes keys[SX_PAGES_MAX];
    struct bytes items[SX_PAGES_MAX];
    double began = now_s();
    uint32_t count = sync_want(r->sync, ++r->number, SX_PAGES_MAX, keys);
    r->take_s += now_s() - began;
    if (count == 0)
        return false;
    if (r->batch == NULL)
        r->batch = store_batch_new(0);
    arena_reset(&r->arena);
    began = now_s();
    must(store_hold(r->from.store), "hold");
    for (uint32_t i = 0; i < count; i++) {
        items[i] = give(&r->from, keys[i], &r->arena);
        r->bytes += items[i].len;
    }
    store_release(r->from.store);
    r->give_s += now_s() - began;
    began = now_s();
    must(sync_take(r->sync, r->number, items, count, r->batch), "take");
    r->take_s += now_s() - began;
    if (store_batch_bytes(r->batch) >= BATCH_BYTES)
        flush(r);
    return true;
}

static void sweep(struct run *r)
{
    double began = now_s();
    bool done = false;
    bool again = false;
    while (!done) {
        struct store_batch *batch = store_batch_new(0);
        must(sync_sweep(r->sync, batch, &done, &again), "sweep");
        CHECK(store_batch_bytes(batch) == 0);
        store_batch_free(batch);
    }
    CHECK(!again);
    r->sweep_s = now_s() - began;
}

static void row(FILE *tsv, const char *name, double value, const char *unit,
                const char *anchor)
{
    printf("%-32s %12.2f %-6s %-8s %s\n", name, value, unit, "-", anchor);
    if (tsv != NULL)
        fprintf(tsv, "%s\t%.3f\t%s\t-\t%s\n", name, value, unit, anchor);
}

static void report(const struct run *r, FILE *tsv)
{
    double n = RECORDS;
    double ours = r->take_s + r->commit_s + r->sweep_s;
    char anchor[64];
    row(tsv, "give", r->give_s / n * 1e6, "us", "a record, at the server");
    row(tsv, "check and put", r->take_s / n * 1e6, "us", "a record");
    row(tsv, "commit", r->commit_s / n * 1e6, "us", "a record, full sync");
    row(tsv, "sweep", r->sweep_s / n * 1e6, "us", "a record");
    snprintf(anchor, sizeof(anchor), "%.2f of the disk alone, %.0f/s",
             r->plain_s / ours, n / r->plain_s);
    row(tsv, "newcomer", n / ours, "rec/s", anchor);
    snprintf(anchor, sizeof(anchor), "%.0f bytes a record on the wire",
             (double)r->bytes / n);
    row(tsv, "newcomer", (double)r->bytes / ours / 1e6, "MB/s", anchor);
}

int main(int argc, char **argv)
{
    struct run r = {0};
    struct hash root;
    FILE *tsv = argc > 1 ? fopen(argv[1], "w") : NULL;
    CHECK(sodium_init() >= 0);
    side_open(&r.from);
    side_open(&r.to);
    side_open(&r.plain);
    arena_init(&r.arena, 16u << 20);
    fill(&r.from, &root);
    must(sync_new(r.to.store, &chain, &r.sync), "sync");
    must(sync_start(r.sync, &root), "start");
    while (talk(&r))
        ;
    CHECK(sync_walked(r.sync));
    if (r.batch != NULL)
        flush(&r);
    sweep(&r);
    report(&r, tsv);
    sync_free(r.sync);
    arena_done(&r.arena);
    side_close(&r.from);
    side_close(&r.to);
    side_close(&r.plain);
    return tsv != NULL && fclose(tsv) != 0;
}
