/* links: ledger */
/* The ledger of one validator, end to end: transactions go into sx_step,
 * batches through a storage thread into LMDB with full sync, votes through a
 * second one into the safety log, and come back as final.
 *
 *   bench_ledger [TSV]
 *
 * Prints rows "name value unit goal anchor" and writes them to TSV. The anchor
 * of the throughput is the rate of plain ed25519 verification in the same run:
 * whatever the machine, no ledger that checks signatures on one core can be
 * faster than that. */

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "base/check.h"
#include "ledger/sx/sx.h"
#include "ledger/transfer.h"
#include "ledger/disk/wal.h"

#define ACCOUNTS     10000u
#define TXS          40000u
#define SUBMIT_BATCH 128u
#define LATENCY_RUNS 400u
#define VERIFIES     4000u

static double now_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static uint64_t mono_ms(void)
{
    return (uint64_t)(now_s() * 1e3);
}

static uint64_t wall_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void must(enum err err, const char *what)
{
    if (err == OK)
        return;
    fprintf(stderr, "bench_ledger: %s: %s\n", what, err_text(err));
    exit(1);
}

/* ---- keys ---- */

struct key {
    struct signer signer;
    uint8_t secret[64];
    uint64_t nonce;
};

static enum err key_sign(void *ctx, const char *tag, const struct hash *digest,
                         struct signature *out)
{
    struct key *key = ctx;
    (void)tag;
    crypto_sign_detached(out->b, NULL, digest->b, HASH_LEN, key->secret);
    return OK;
}

static void key_init(struct key *key, uint64_t number)
{
    uint8_t seed[32] = {0};
    u64le_put(seed, number + 1);
    memset(key, 0, sizeof(*key));
    crypto_sign_seed_keypair(key->signer.key.b, key->secret, seed);
    key->signer.sign = key_sign;
    key->signer.ctx = key;
}

/* ---- the storage thread and the log's ---- */

struct log_entry {
    uint64_t seq;
    uint8_t type;
    struct buf body;
};

struct disk {
    struct store *store;
    pthread_t store_thread;
    pthread_t log_thread;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    struct store_batch *queue[8];
    unsigned queued;
    uint64_t done[8];
    unsigned done_count;
    struct wal *wal; /* the log's thread's */
    struct log_entry *entries;
    size_t entry_count;
    size_t entry_cap;
    uint64_t trim;
    uint64_t synced;
    uint64_t synced_told;
    bool stop;
    double busy_s; /* in store_commit, which is mostly the sync */
};

/* What the threads have finished. */
struct news {
    uint64_t height; /* 0: none */
    uint64_t synced; /* 0: none */
};

static void disk_write(struct disk *disk, struct store_batch *batch)
{
    pthread_mutex_unlock(&disk->mutex);
    double start = now_s();
    must(store_commit(disk->store, batch), "commit");
    double spent = now_s() - start;
    pthread_mutex_lock(&disk->mutex);
    disk->busy_s += spent;
    disk->done[disk->done_count++] = store_batch_height(batch);
    store_batch_free(batch);
    pthread_cond_broadcast(&disk->cond);
}

static void *store_main(void *arg)
{
    struct disk *disk = arg;
    pthread_mutex_lock(&disk->mutex);
    while (!disk->stop || disk->queued > 0) {
        if (disk->queued == 0) {
            pthread_cond_wait(&disk->cond, &disk->mutex);
            continue;
        }
        struct store_batch *batch = disk->queue[0];
        disk->queued--;
        memmove(&disk->queue[0], &disk->queue[1],
                disk->queued * sizeof(disk->queue[0]));
        disk_write(disk, batch);
    }
    pthread_mutex_unlock(&disk->mutex);
    return NULL;
}

/* All that waits, with one sync. */
static void log_write(struct disk *disk)
{
    struct log_entry *entries = disk->entries;
    size_t count = disk->entry_count;
    uint64_t trim = disk->trim;
    disk->entries = NULL;
    disk->entry_count = disk->entry_cap = 0;
    pthread_mutex_unlock(&disk->mutex);
    for (size_t i = 0; i < count; i++) {
        uint64_t seq = 0;
        must(wal_append(disk->wal, entries[i].type, buf_bytes(&entries[i].body),
                        &seq),
             "append");
        CHECK(seq == entries[i].seq);
        buf_done(&entries[i].body);
    }
    free(entries);
    must(wal_sync(disk->wal), "sync");
    wal_trim(disk->wal, trim);
    pthread_mutex_lock(&disk->mutex);
    disk->synced = wal_synced(disk->wal);
    pthread_cond_broadcast(&disk->cond);
}

static void *log_main(void *arg)
{
    struct disk *disk = arg;
    pthread_mutex_lock(&disk->mutex);
    while (!disk->stop || disk->entry_count > 0) {
        if (disk->entry_count == 0)
            pthread_cond_wait(&disk->cond, &disk->mutex);
        else
            log_write(disk);
    }
    pthread_mutex_unlock(&disk->mutex);
    return NULL;
}

static void disk_start(struct disk *disk, struct store *store, struct wal *wal)
{
    memset(disk, 0, sizeof(*disk));
    disk->store = store;
    disk->wal = wal;
    disk->synced = disk->synced_told = wal_synced(wal);
    pthread_mutex_init(&disk->mutex, NULL);
    pthread_cond_init(&disk->cond, NULL);
    CHECK(pthread_create(&disk->store_thread, NULL, store_main, disk) == 0);
    CHECK(pthread_create(&disk->log_thread, NULL, log_main, disk) == 0);
}

static void disk_stop(struct disk *disk)
{
    pthread_mutex_lock(&disk->mutex);
    disk->stop = true;
    pthread_cond_broadcast(&disk->cond);
    pthread_mutex_unlock(&disk->mutex);
    pthread_join(disk->store_thread, NULL);
    pthread_join(disk->log_thread, NULL);
}

static void disk_push(struct disk *disk, struct store_batch *batch)
{
    pthread_mutex_lock(&disk->mutex);
    CHECK(disk->queued < 8);
    disk->queue[disk->queued++] = batch;
    pthread_cond_broadcast(&disk->cond);
    pthread_mutex_unlock(&disk->mutex);
}

static void disk_log(struct disk *disk, const struct sx_effect *effect)
{
    pthread_mutex_lock(&disk->mutex);
    if (disk->entry_count == disk->entry_cap) {
        disk->entry_cap = disk->entry_cap == 0 ? 16 : 2 * disk->entry_cap;
        disk->entries =
            realloc(disk->entries, disk->entry_cap * sizeof(*disk->entries));
        CHECK(disk->entries != NULL);
    }
    struct log_entry *entry = &disk->entries[disk->entry_count++];
    *entry = (struct log_entry){.seq = effect->seq, .type = effect->log_type};
    buf_init(&entry->body, WAL_BYTES_MAX);
    buf_add(&entry->body, effect->bytes);
    must(entry->body.err, "record");
    pthread_cond_broadcast(&disk->cond);
    pthread_mutex_unlock(&disk->mutex);
}

static void disk_trim(struct disk *disk, uint64_t seq)
{
    pthread_mutex_lock(&disk->mutex);
    disk->trim = seq;
    pthread_mutex_unlock(&disk->mutex);
}

/* False when there are no news; waits for some when `wait`. */
static bool disk_news(struct disk *disk, bool wait, struct news *out)
{
    *out = (struct news){0};
    pthread_mutex_lock(&disk->mutex);
    while (wait && disk->done_count == 0 && disk->synced == disk->synced_told)
        pthread_cond_wait(&disk->cond, &disk->mutex);
    if (disk->synced > disk->synced_told)
        out->synced = disk->synced_told = disk->synced;
    if (disk->done_count > 0) {
        out->height = disk->done[0];
        disk->done_count--;
        memmove(&disk->done[0], &disk->done[1],
                disk->done_count * sizeof(disk->done[0]));
    }
    pthread_mutex_unlock(&disk->mutex);
    return out->height != 0 || out->synced != 0;
}

/* ---- the network of one ---- */

struct bench {
    struct key validator;
    struct key *users;
    struct genesis genesis;
    struct store *store;
    struct chain *chain;
    struct sx *core;
    struct disk disk;
    struct wal *wal;
    char dir[256];
    char log_dir[300];
    uint64_t final_txs;
    uint64_t blocks;
    unsigned flying;
    bool wake;
    struct buf *txs; /* signed transactions */
};

static enum err replay(void *ctx, uint64_t seq, uint8_t type, struct bytes body)
{
    return sx_replay(ctx, seq, type, body);
}

static void open_log(struct bench *b)
{
    struct wal_owner owner = {.key = b->validator.signer.key,
                              .chain = *chain_id(b->chain)};
    struct wal_report report;
    snprintf(b->log_dir, sizeof(b->log_dir), "%s/log", b->dir);
    must(sx_make_log(b->log_dir, &owner), "make the log");
    must(wal_open(b->log_dir, &owner, replay, b->core, &report, &b->wal),
         "open the log");
    sx_replayed(b->core, &report, wal_last(b->wal));
}

static void remove_log(const char *dir)
{
    DIR *entries = opendir(dir);
    CHECK(entries != NULL);
    for (struct dirent *e = readdir(entries); e != NULL; e = readdir(entries))
        (void)unlinkat(dirfd(entries), e->d_name, 0); /* not the dots */
    closedir(entries);
    rmdir(dir);
}

static void bench_open(struct bench *b)
{
    struct sx_options options = {.mono_ms = mono_ms()};
    const char *tmp = getenv("TMPDIR");
    snprintf(b->dir, sizeof(b->dir), "%s/suan-bench-XXXXXX",
             tmp != NULL ? tmp : "/tmp");
    CHECK(mkdtemp(b->dir) != NULL);
    key_init(&b->validator, 1u << 20);
    b->users = calloc(ACCOUNTS, sizeof(*b->users));
    CHECK(b->users != NULL);
    genesis_init(&b->genesis);
    memcpy(b->genesis.network, "bench", 6);
    b->genesis.time_ms = wall_ms();
    must(genesis_add_validator(&b->genesis, &b->validator.signer.key,
                               amount_micro(1000000), NULL),
         "validator");
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        key_init(&b->users[i], i);
        must(genesis_add_account(&b->genesis, &b->users[i].signer.key,
                                 amount_micro(UINT64_C(1000000000))),
             "account");
    }
    must(genesis_seal(&b->genesis), "genesis");
    must(store_lmdb_open(b->dir, NULL, &b->store), "open store");
    must(chain_open(b->store, &b->genesis, NULL, &b->chain), "open chain");
    options.signer = &b->validator.signer;
    must(sx_new(b->chain, &options, &b->core), "core");
    open_log(b);
    disk_start(&b->disk, b->store, b->wal);
}

static void bench_close(struct bench *b)
{
    char path[512];
    static const char *const names[] = {"data.mdb", "lock.mdb", "store.lock"};
    disk_stop(&b->disk);
    wal_close(b->wal);
    remove_log(b->log_dir);
    sx_free(b->core);
    chain_close(b->chain);
    store_close(b->store);
    genesis_done(&b->genesis);
    free(b->users);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", b->dir, names[i]);
        unlink(path);
    }
    rmdir(b->dir);
}

static void make_tx(struct bench *b, uint32_t from, uint32_t to,
                    struct buf *out)
{
    struct transfer transfer = {.to = b->users[to].signer.key,
                                .amount = amount_micro(1)};
    struct tx tx = {.kind = TX_TRANSFER, .expiry_height = UINT32_MAX};
    struct buf payload;
    buf_init(&payload, 1024);
    transfer_encode(&transfer, &payload);
    tx.chain = *chain_id(b->chain);
    tx.nonce = b->users[from].nonce++;
    tx.payload = buf_bytes(&payload);
    tx.fee = fee_for_payload(payload.len);
    must(tx_sign(&tx, &b->users[from].signer), "sign");
    buf_init(out, LIMIT_TX_BYTES);
    tx_encode(&tx, out);
    must(out->err, "encode");
    buf_done(&payload);
}

static void make_txs(struct bench *b, uint32_t count)
{
    b->txs = calloc(count, sizeof(*b->txs));
    CHECK(b->txs != NULL);
    for (uint32_t i = 0; i < count; i++)
        make_tx(b, i % ACCOUNTS, (i * 7 + 13) % ACCOUNTS, &b->txs[i]);
}

static void free_txs(struct bench *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        buf_done(&b->txs[i]);
    free(b->txs);
}

static void step(struct bench *b, struct sx_event *event)
{
    struct sx_effects effects;
    event->mono_ms = mono_ms();
    event->wall_ms = wall_ms();
    sx_step(b->core, event, &effects);
    b->wake = false;
    for (size_t i = 0; i < effects.count; i++) {
        const struct sx_effect *effect = &effects.items[i];
        if (effect->kind == SX_STORE) {
            b->flying++;
            disk_push(&b->disk, effect->batch);
        } else if (effect->kind == SX_LOG) {
            disk_log(&b->disk, effect);
        } else if (effect->kind == SX_LOG_TRIM) {
            disk_trim(&b->disk, effect->seq);
        } else if (effect->kind == SX_FINAL) {
            b->final_txs += candidate_block(effect->candidate)->tx_count;
            b->blocks++;
        } else if (effect->kind == SX_WAKE) {
            b->wake = true;
        } else if (effect->kind == SX_TX_REFUSED) {
            must(effect->err, "refused");
        } else if (effect->kind == SX_HALT) {
            must(effect->err, "halted");
        }
    }
}

/* Tells the core what is on the disk now; waits for something when `wait`. */
static void drain(struct bench *b, bool wait)
{
    struct news news;
    while (b->flying > 0 && disk_news(&b->disk, wait, &news)) {
        struct sx_event logged = {.kind = SX_EV_LOGGED, .seq = news.synced};
        struct sx_event stored = {.kind = SX_EV_STORED, .height = news.height};
        if (news.synced != 0)
            step(b, &logged);
        if (news.height != 0) {
            b->flying--;
            step(b, &stored);
        }
        wait = false;
    }
}

static void submit(struct bench *b, uint32_t first, uint32_t count,
                   bool verified)
{
    struct sx_tx txs[SUBMIT_BATCH];
    struct sx_event event = {.kind = SX_EV_SUBMIT, .txs = txs};
    CHECK(count <= SUBMIT_BATCH);
    for (uint32_t i = 0; i < count; i++)
        txs[i] = (struct sx_tx){.bytes = buf_bytes(&b->txs[first + i]),
                                .verified = verified,
                                .token = i};
    event.tx_count = count;
    step(b, &event);
}

/* ---- what is measured ---- */

static double verify_rate(struct bench *b, uint32_t count)
{
    struct arena arena;
    struct tx tx;
    arena_init(&arena, 1u << 20);
    double start = now_s();
    for (uint32_t i = 0; i < count; i++) {
        struct hash digest = {{0}};
        arena_reset(&arena);
        must(tx_decode(buf_bytes(&b->txs[i]), &arena, &tx), "decode");
        digest = tx.id;
        /* Fails, and costs what a good one costs. */
        if (sign_verify(&tx.sender, &digest, &tx.sig) == OK)
            exit(1);
    }
    double spent = now_s() - start;
    arena_done(&arena);
    return count / spent;
}

static double throughput(struct bench *b, bool verified)
{
    uint64_t before = b->final_txs;
    make_txs(b, TXS);
    double start = now_s();
    for (uint32_t i = 0; i < TXS; i += SUBMIT_BATCH) {
        uint32_t count = TXS - i < SUBMIT_BATCH ? TXS - i : SUBMIT_BATCH;
        while (pool_count(sx_pool(b->core)) + count > POOL_TXS_MAX / 2)
            drain(b, true);
        submit(b, i, count, verified);
        drain(b, false);
    }
    while (b->final_txs - before < TXS) {
        if (b->flying == 0) {
            struct sx_event event = {.kind = SX_EV_TIME};
            step(b, &event);
        }
        drain(b, true);
    }
    double spent = now_s() - start;
    free_txs(b, TXS);
    return TXS / spent;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare_doubles);
    return values[count / 2];
}

static void latency(struct bench *b, double *out_total_ms, double *out_disk_ms)
{
    static double total[LATENCY_RUNS];
    static double disk[LATENCY_RUNS];
    const struct timespec pause = {.tv_nsec = 2000000};
    make_txs(b, LATENCY_RUNS);
    for (uint32_t i = 0; i < LATENCY_RUNS; i++) {
        uint64_t before = b->final_txs;
        nanosleep(&pause, NULL);
        b->disk.busy_s = 0;
        double start = now_s();
        submit(b, i, 1, false);
        while (b->final_txs == before)
            drain(b, true);
        total[i] = (now_s() - start) * 1e3;
        disk[i] = b->disk.busy_s * 1e3;
    }
    free_txs(b, LATENCY_RUNS);
    *out_total_ms = median(total, LATENCY_RUNS);
    *out_disk_ms = median(disk, LATENCY_RUNS);
}

static void row(FILE *tsv, const char *name, double value, const char *unit,
                const char *goal, const char *anchor)
{
    printf("%-32s %12.3f %-6s %-8s %s\n", name, value, unit, goal, anchor);
    if (tsv != NULL)
        fprintf(tsv, "%s\t%.3f\t%s\t%s\t%s\n", name, value, unit, goal, anchor);
}

int main(int argc, char **argv)
{
    static struct bench b;
    double total_ms;
    double disk_ms;
    FILE *tsv = NULL;
    if (argc > 1 && (tsv = fopen(argv[1], "w")) == NULL) {
        perror(argv[1]);
        return 1;
    }
    CHECK(sodium_init() >= 0);
    bench_open(&b);
    if (tsv != NULL)
        fprintf(tsv, "name\tvalue\tunit\tgoal\tanchor\n");
    make_txs(&b, VERIFIES);
    double raw = verify_rate(&b, VERIFIES);
    free_txs(&b, VERIFIES);
    for (uint32_t i = 0; i < ACCOUNTS; i++)
        b.users[i].nonce = 0;
    double cold = throughput(&b, false);
    double warm = throughput(&b, true);
    uint64_t blocks = b.blocks;
    latency(&b, &total_ms, &disk_ms);
    row(tsv, "ed25519_verify", raw, "1/s", "-", "libsodium, one core");
    row(tsv, "ledger_tx", cold, "1/s", "2000",
        "one validator: signatures, state, synced");
    row(tsv, "ledger_tx_ratio", cold / raw, "1", "0.40", "ed25519_verify");
    row(tsv, "ledger_tx_verified", warm, "1/s", "2000",
        "signatures checked by other threads");
    row(tsv, "ledger_tx_per_block", 2.0 * TXS / (double)blocks, "tx", "-", "-");
    row(tsv, "submit_to_final_median", total_ms, "ms", "2.0",
        "one validator; the sync is part of it");
    row(tsv, "submit_to_final_sync", disk_ms, "ms", "-",
        "of it in the synced commit");
    row(tsv, "submit_to_final_core", total_ms - disk_ms, "ms", "0.5",
        "of it elsewhere");
    bench_close(&b);
    if (tsv != NULL)
        fclose(tsv);
    return 0;
}
