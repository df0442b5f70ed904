#include "node/chain_host.h"

#include "base/check.h"
#include "ledger/map.h"
#include "ledger/sx_msg.h"
#include "node/log.h"
#include "node/safety_log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAITING_MAX  8192 /* transactions and blocks before their check */
#define BATCH_MAX    256  /* transactions one worker checks in one go */
#define CHECKERS     2    /* batches of them being checked at the same time */
#define CHECKED_LEN  ((LIMIT_BLOCK_TXS + 7) / 8)
#define BLOCKS_MAX   64 /* messages with blocks before their check */
#define RETRY_DISK_S 1
#define LISTEN_MS    300u /* before a validator signs: is our key elsewhere? */
#define LARGE_BLOCK                                                            \
    8192u /* blocks from this size on are checked on workers                   \
           */

#define CONTAINER(ptr, type, member)                                           \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Something that waits for its signatures to be checked: a transaction, or a
 * message with a block of many that are new here. */
struct item {
    struct item *next;
    struct hash id; /* of a transaction */
    struct map_leaf by_id;
    bool is_again; /* it is here already, from another peer: not checked twice;
                      the core says so */
    bool is_checked; /* a block brought it meanwhile */
    bool is_started; /* a worker has it */
    bool is_message;
    uint64_t token; /* of a transaction */
    uint64_t peer;  /* of a message */
    uint8_t *bytes;
    size_t len;
    enum err err;
    /* Of a message with one block: which of its transactions were checked when
     * they came, a bit each; may be NULL. */
    uint8_t *checked;
};

/* Blocks do not wait behind transactions. */
enum { QUEUE_TXS, QUEUE_BLOCKS, QUEUE_COUNT };
struct queue {
    struct item *first;
    struct item *last;
    size_t count;
    uint64_t begun; /* batches */
    uint64_t passed;
};

/* One batch on a worker thread. */
struct checking {
    uv_work_t work; /* first */
    struct chain_host *host;
    struct item *items;
    struct item *last;
    struct queue *queue;
    uint64_t turn; /* batches of one queue are passed on as they began */
    bool busy;
    bool done; /* by the worker */
};

/* The storage thread's queue: batches in, heights out. */
struct disk {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct store_batch *queue[CHAIN_FLIGHT_MAX + 1];
    size_t count;
    uint64_t stored[CHAIN_FLIGHT_MAX + 1];
    size_t stored_count;
    enum err trouble; /* of the commit being tried again, OK otherwise */
    enum err failed;  /* not worth another try: the node must end */
    bool stop;
    bool running;
};

struct verifying {
    pthread_t thread;
    pthread_mutex_t lock;
    struct chain_host_verify now;
    atomic_bool stop;
    bool joinable;
};

struct chain_host {
    uv_loop_t *loop;
    struct store *store;
    struct chain *chain;
    struct sx *core;
    struct chain_host_events events;
    const struct genesis *genesis;
    struct kind_table kinds;
    char dir[1200];
    uv_async_t stored; /* the storage thread and the log have news */
    uv_timer_t timer;
    struct safety_log *log; /* NULL: nothing is signed here */
    unsigned open_handles;
    struct disk disk;
    struct queue queues[QUEUE_COUNT];
    struct checking checking[CHECKERS + 1]; /* the last one's are blocks */
    struct map checked; /* transactions that wait or are being checked, by id */
    struct verifying verifying;
    uint64_t logged;             /* what the core knows to be synced */
    bool stepping;               /* effects are being carried out */
    uint64_t gone[SX_PEERS_MAX]; /* links that broke meanwhile */
    size_t gone_count;
    bool closing;
    bool halted;
};

static uint64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t mono_ms(void)
{
    return uv_hrtime() / 1000000;
}

/* ---- the storage thread ---- */

/* Tries until the disk has room again or the node stops. */
static enum err commit_patiently(struct chain_host *host,
                                 struct store_batch *batch)
{
    struct disk *disk = &host->disk;
    for (;;) {
        enum err err = store_commit(host->store, batch);
        bool stop;
        pthread_mutex_lock(&disk->lock);
        disk->trouble = err;
        stop = disk->stop;
        pthread_mutex_unlock(&disk->lock);
        if (err == OK || (err != ERR_FULL && err != ERR_NOMEM) || stop)
            return err;
        log_odd("chain", "block %llu cannot be stored: %s; trying again",
                (unsigned long long)store_batch_height(batch), err_text(err));
        nanosleep(&(struct timespec){.tv_sec = RETRY_DISK_S}, NULL);
    }
}

static void *disk_main(void *arg)
{
    struct chain_host *host = arg;
    struct disk *disk = &host->disk;
    pthread_mutex_lock(&disk->lock);
    for (;;) {
        struct store_batch *batch;
        enum err err;
        while (disk->count == 0 && !disk->stop)
            pthread_cond_wait(&disk->more, &disk->lock);
        if (disk->count == 0 || disk->failed != OK)
            break;
        batch = disk->queue[0];
        pthread_mutex_unlock(&disk->lock);
        err = commit_patiently(host, batch);
        pthread_mutex_lock(&disk->lock);
        if (err != OK) {
            disk->failed = err;
        } else {
            disk->stored[disk->stored_count++] = store_batch_height(batch);
            disk->count--;
            memmove(disk->queue, disk->queue + 1,
                    disk->count * sizeof(disk->queue[0]));
            store_batch_free(batch);
        }
        uv_async_send(&host->stored);
    }
    pthread_mutex_unlock(&disk->lock);
    return NULL;
}

static void disk_push(struct chain_host *host, struct store_batch *batch)
{
    struct disk *disk = &host->disk;
    pthread_mutex_lock(&disk->lock);
    CHECK(disk->count <= CHAIN_FLIGHT_MAX);
    disk->queue[disk->count++] = batch;
    pthread_cond_signal(&disk->more);
    pthread_mutex_unlock(&disk->lock);
}

/* ---- the core ---- */

static void step(struct chain_host *host, struct sx_event *event);

static void on_timer(uv_timer_t *timer)
{
    struct chain_host *host = timer->data;
    struct sx_event event = {.kind = SX_EV_TIME};
    step(host, &event);
}

static void wake_at(struct chain_host *host, uint64_t at_ms)
{
    uint64_t now = mono_ms();
    uv_timer_start(&host->timer, on_timer, at_ms > now ? at_ms - now : 1, 0);
}

static void halt(struct chain_host *host, enum err err)
{
    if (host->halted)
        return;
    host->halted = true;
    host->events.on_halt(host->events.ctx, err);
}

static void carry_out(struct chain_host *host, const struct sx_effect *effect)
{
    const struct chain_host_events *to = &host->events;
    switch (effect->kind) {
    case SX_STORE:
        disk_push(host, effect->batch);
        break;
    case SX_LOG:
        safety_log_append(host->log, effect->seq, effect->log_type,
                          effect->bytes);
        break;
    case SX_LOG_TRIM:
        safety_log_trim(host->log, effect->seq);
        break;
    case SX_SEND:
        to->on_send(to->ctx, effect->peer, effect->bytes);
        break;
    case SX_NOTICE:
        to->on_notice(to->ctx, effect->notice, effect->index);
        break;
    case SX_FINAL:
        to->on_final(to->ctx, effect->candidate);
        break;
    case SX_TX_TAKEN:
    case SX_RELAY:
        to->on_relay(to->ctx, effect->token, effect->kind == SX_TX_TAKEN,
                     effect->bytes);
        break;
    case SX_TX_REFUSED:
        to->on_refused(to->ctx, &effect->id, effect->token, effect->err,
                       effect->height);
        break;
    case SX_PEER_BAD:
        to->on_peer_bad(to->ctx, effect->peer, effect->err);
        break;
    case SX_WAKE:
        wake_at(host, effect->at_ms);
        break;
    case SX_HALT:
        halt(host, effect->err);
        break;
    }
}

/* Effects are lent until the next step, and what they cause may ask for another
 * step; such are queued as items, never run from inside (see chain_host.h). */
static void step(struct chain_host *host, struct sx_event *event)
{
    struct sx_effects effects;
    if (host->closing || host->halted)
        return;
    event->mono_ms = mono_ms();
    event->wall_ms = wall_ms();
    uv_timer_stop(&host->timer);
    sx_step(host->core, event, &effects);
    host->stepping = true;
    for (size_t i = 0; i < effects.count; i++)
        carry_out(host, &effects.items[i]);
    host->stepping = false;
    if (host->log != NULL)
        safety_log_sync(host->log);
    while (host->gone_count > 0)
        chain_host_unlink(host, host->gone[--host->gone_count]);
}

static void on_logged(struct chain_host *host)
{
    struct sx_event event = {.kind = SX_EV_LOGGED};
    enum err err;
    if (host->log == NULL)
        return;
    err = safety_log_synced(host->log, &event.seq);
    if (err != OK)
        halt(host, err);
    else if (event.seq > host->logged) {
        host->logged = event.seq;
        step(host, &event);
    }
}

static void on_stored(uv_async_t *async)
{
    struct chain_host *host = async->data;
    struct disk *disk = &host->disk;
    uint64_t heights[CHAIN_FLIGHT_MAX + 1];
    size_t count;
    enum err failed;
    pthread_mutex_lock(&disk->lock);
    count = disk->stored_count;
    memcpy(heights, disk->stored, count * sizeof(heights[0]));
    disk->stored_count = 0;
    failed = disk->failed;
    pthread_mutex_unlock(&disk->lock);
    on_logged(host);
    for (size_t i = 0; i < count; i++) {
        struct sx_event event = {.kind = SX_EV_STORED, .height = heights[i]};
        step(host, &event);
    }
    if (failed != OK && !host->closing)
        halt(host, failed);
}

/* ---- signature checks on the worker pool ---- */

static void check_tx(struct chain_host *host, struct item *item,
                     struct arena *arena)
{
    struct tx tx;
    item->err = tx_decode(bytes_make(item->bytes, item->len), arena, &tx);
    if (item->err == OK)
        item->err = tx_verify(&tx, &host->genesis->chain);
}

static bool is_checked(const uint8_t *checked, uint32_t i)
{
    return checked != NULL && (((unsigned)checked[i / 8] >> (i % 8)) & 1u) != 0;
}

/* checked: of transactions that need no check any more; may be NULL. */
static enum err check_block(struct chain_host *host, struct bytes bytes,
                            const uint8_t *checked, struct arena *arena)
{
    struct block block;
    TRY(block_decode(bytes, arena, &block));
    for (uint32_t i = 0; i < block.tx_count; i++) {
        if (!is_checked(checked, i))
            TRY(tx_verify(&block.txs[i], &host->genesis->chain));
    }
    return OK;
}

static void check_message(struct chain_host *host, struct item *item,
                          struct arena *arena)
{
    struct sx_msg msg;
    item->err = sx_msg_decode(bytes_make(item->bytes, item->len), &msg);
    if (item->err == OK && msg.block.len > 0)
        item->err = check_block(host, msg.block, item->checked, arena);
    for (uint32_t i = 0; i < msg.block_count && item->err == OK; i++)
        item->err = check_block(host, msg.blocks[i], NULL, arena);
}

static void on_check(uv_work_t *work)
{
    struct checking *checking = (struct checking *)work;
    struct arena arena;
    arena_init(&arena, 64u * 1024 * 1024);
    for (struct item *item = checking->items; item != NULL; item = item->next) {
        arena_reset(&arena);
        if (item->is_again || item->is_checked)
            continue;
        if (item->is_message)
            check_message(checking->host, item, &arena);
        else
            check_tx(checking->host, item, &arena);
    }
    arena_done(&arena);
}

static void item_free(struct chain_host *host, struct item *item)
{
    if (!item->is_message && !item->is_again)
        CHECK(map_remove(&host->checked, item->by_id.key) == &item->by_id);
    free(item->checked);
    free(item->bytes);
    free(item);
}

/* What waits for its check and is in a block that was checked needs no other.
 */
static void note_checked(struct chain_host *host, const struct item *block)
{
    struct bytes slices[LIMIT_BLOCK_TXS];
    struct sx_msg msg;
    uint32_t count = 0;
    if (host->checked.count == 0 ||
        sx_msg_decode(bytes_make(block->bytes, block->len), &msg) != OK ||
        msg.block.len == 0 || block_slices(msg.block, slices, &count) != OK)
        return;
    for (uint32_t i = 0; i < count; i++) {
        struct hash id;
        if (is_checked(block->checked, i))
            continue;
        hash_bytes(HASH_TAG_TX, slices[i], &id);
        struct map_leaf *leaf = map_find(&host->checked, hash_as_bytes(&id));
        if (leaf == NULL)
            continue;
        struct item *item = CONTAINER(leaf, struct item, by_id);
        if (!item->is_started)
            item->is_checked = true;
    }
}

static void pass_message(struct chain_host *host, const struct item *item)
{
    struct sx_event event = {
        .kind = SX_EV_MESSAGE,
        .peer = item->peer,
        .bytes = {item->bytes, item->len},
        .txs_verified = true,
    };
    if (item->err != OK)
        host->events.on_peer_bad(host->events.ctx, item->peer, item->err);
    else {
        note_checked(host, item);
        step(host, &event);
    }
}

/* Hands the good transactions of a run to the core in one step. */
static void pass_txs(struct chain_host *host, const struct item *first,
                     const struct item *end)
{
    struct sx_tx txs[BATCH_MAX];
    struct sx_event event = {.kind = SX_EV_SUBMIT, .txs = txs};
    for (const struct item *item = first; item != end; item = item->next) {
        struct hash none = {{0}};
        if (item->err != OK) {
            host->events.on_refused(host->events.ctx, &none, item->token,
                                    item->err, 0);
            continue;
        }
        txs[event.tx_count++] = (struct sx_tx){
            .bytes = {item->bytes, item->len},
            .verified = !item->is_again,
            .token = item->token,
        };
    }
    if (event.tx_count > 0)
        step(host, &event);
}

static void start_checks(struct chain_host *host);

/* Hands on what a batch had. */
static void pass_batch(struct chain_host *host, struct checking *checking)
{
    struct item *item = checking->items;
    while (item != NULL) {
        struct item *end = item->next;
        if (item->is_message) {
            pass_message(host, item);
        } else {
            while (end != NULL && !end->is_message)
                end = end->next;
            pass_txs(host, item, end);
        }
        while (item != end) {
            struct item *next = item->next;
            item_free(host, item);
            item = next;
        }
    }
    checking->items = NULL;
    checking->busy = false;
    checking->done = false;
    checking->queue->passed++;
}

/* The batch of this queue whose turn it is, if it is done. */
static struct checking *next_batch(struct chain_host *host,
                                   const struct queue *queue)
{
    for (int i = 0; i < CHECKERS + 1; i++) {
        struct checking *checking = &host->checking[i];
        if (checking->done && checking->queue == queue &&
            checking->turn == queue->passed)
            return checking;
    }
    return NULL;
}

/* A sender's transactions come in the order of their nonces; one that overtakes
 * the others would be refused. */
static void on_checked(uv_work_t *work, int status)
{
    struct checking *checking = (struct checking *)work;
    struct chain_host *host = checking->host;
    const struct queue *queue = checking->queue;
    (void)status;
    checking->done = true;
    while ((checking = next_batch(host, queue)) != NULL)
        pass_batch(host, checking);
    if (!host->closing)
        start_checks(host);
}

static void start_check(struct chain_host *host, struct checking *checking)
{
    struct queue *queue = checking->queue;
    size_t count = 0;
    checking->host = host;
    checking->items = queue->first;
    checking->last = NULL;
    while (queue->first != NULL && count < BATCH_MAX) {
        checking->last = queue->first;
        checking->last->is_started = true;
        queue->first = queue->first->next;
        count++;
    }
    CHECK(checking->last != NULL);
    checking->last->next = NULL;
    if (queue->first == NULL)
        queue->last = NULL;
    queue->count -= count;
    checking->turn = queue->begun++;
    checking->busy = true;
    CHECK(uv_queue_work(host->loop, &checking->work, on_check, on_checked) ==
          0);
}

static void start_checks(struct chain_host *host)
{
    for (int i = 0; i < CHECKERS + 1; i++) {
        struct checking *checking = &host->checking[i];
        checking->queue =
            &host->queues[i < CHECKERS ? QUEUE_TXS : QUEUE_BLOCKS];
        if (!checking->busy && checking->queue->first != NULL)
            start_check(host, checking);
    }
}

static enum err enqueue(struct chain_host *host, int which, struct item **out,
                        struct bytes bytes)
{
    struct queue *queue = &host->queues[which];
    struct item *item;
    if (queue->count >= (which == QUEUE_TXS ? WAITING_MAX : BLOCKS_MAX) ||
        host->closing)
        return ERR_RATE;
    item = calloc(1, sizeof(*item));
    if (item == NULL)
        return ERR_NOMEM;
    item->bytes = malloc(bytes.len + 1);
    if (item->bytes == NULL) {
        free(item);
        return ERR_NOMEM;
    }
    memcpy(item->bytes, bytes.ptr, bytes.len);
    item->len = bytes.len;
    if (queue->last != NULL)
        queue->last->next = item;
    else
        queue->first = item;
    queue->last = item;
    queue->count++;
    *out = item;
    return OK;
}

enum err chain_host_submit(struct chain_host *host, struct bytes tx,
                           uint64_t token)
{
    struct item *item;
    if (tx.len == 0 || tx.len > LIMIT_TX_BYTES)
        return ERR_TOO_LARGE;
    TRY(enqueue(host, QUEUE_TXS, &item, tx));
    item->token = token;
    hash_bytes(HASH_TAG_TX, tx, &item->id);
    item->by_id.key = hash_as_bytes(&item->id);
    item->is_again = pool_find(sx_pool(host->core), &item->id) != NULL ||
                     map_insert(&host->checked, &item->by_id) != NULL;
    start_checks(host);
    return OK;
}

void chain_host_vouch(struct chain_host *host)
{
    struct sx_event event = {.kind = SX_EV_VOUCH};
    CHECK(!host->stepping);
    step(host, &event);
}

void chain_host_link(struct chain_host *host, uint64_t peer,
                     const struct pubkey *key)
{
    struct sx_event event = {.kind = SX_EV_LINK, .peer = peer, .key = *key};
    CHECK(!host->stepping);
    step(host, &event);
}

void chain_host_unlink(struct chain_host *host, uint64_t peer)
{
    struct sx_event event = {.kind = SX_EV_UNLINK, .peer = peer};
    if (!host->stepping) {
        step(host, &event);
        return;
    }
    /* Sending found the link broken: the core hears of it after this step. */
    CHECK(host->gone_count < SX_PEERS_MAX);
    host->gone[host->gone_count++] = peer;
}

/* Does it bring so many transactions that their signatures are work? */
static bool is_work(struct bytes message)
{
    return message.len >= LARGE_BLOCK &&
           (message.ptr[0] == SX_MSG_PROPOSE ||
            message.ptr[0] == SX_MSG_BLOCK || message.ptr[0] == SX_MSG_FINALS);
}

/* Marks those of the block's transactions that wait in the pool: they were
 * checked when they came. How many were not; UINT32_MAX: not one block. */
static uint32_t new_here(struct chain_host *host, struct bytes message,
                         uint8_t *checked)
{
    struct bytes slices[LIMIT_BLOCK_TXS];
    struct sx_msg msg;
    uint32_t count = 0;
    uint32_t fresh = 0;
    if (sx_msg_decode(message, &msg) != OK || msg.block.len == 0 ||
        block_slices(msg.block, slices, &count) != OK)
        return UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        struct hash id;
        hash_bytes(HASH_TAG_TX, slices[i], &id);
        if (pool_find(sx_pool(host->core), &id) != NULL)
            checked[i / 8] = (uint8_t)(checked[i / 8] | (1u << (i % 8)));
        else
            fresh++;
    }
    return fresh;
}

enum err chain_host_message(struct chain_host *host, uint64_t peer,
                            struct bytes message)
{
    struct sx_event event = {
        .kind = SX_EV_MESSAGE, .peer = peer, .bytes = message};
    struct item *item;
    uint8_t checked[CHECKED_LEN] = {0};
    CHECK(!host->stepping);
    if (!is_work(message) || new_here(host, message, checked) == 0) {
        step(host, &event);
        return OK;
    }
    TRY(enqueue(host, QUEUE_BLOCKS, &item, message));
    item->checked = malloc(CHECKED_LEN); /* without: all are checked */
    if (item->checked != NULL)
        memcpy(item->checked, checked, CHECKED_LEN);
    item->is_message = true;
    item->peer = peer;
    start_checks(host);
    return OK;
}

/* ---- verification ---- */

static enum err on_verify(void *ctx, const struct verify_report *report)
{
    struct chain_host *host = ctx;
    pthread_mutex_lock(&host->verifying.lock);
    host->verifying.now.report = *report;
    pthread_mutex_unlock(&host->verifying.lock);
    return atomic_load(&host->verifying.stop) ? ERR_CANCELLED : OK;
}

static void *verify_main(void *arg)
{
    struct chain_host *host = arg;
    struct verify_report report;
    struct store *store = NULL;
    enum err err;
    memset(&report, 0, sizeof(report));
    err = store_reader(host->store, &store);
    if (err == OK)
        err = chain_verify(store, host->genesis, &host->kinds, NULL, on_verify,
                           host, &report);
    store_close(store);
    pthread_mutex_lock(&host->verifying.lock);
    host->verifying.now.report = report;
    host->verifying.now.err = err;
    host->verifying.now.done = true;
    host->verifying.now.ended_ms = mono_ms();
    pthread_mutex_unlock(&host->verifying.lock);
    return NULL;
}

static void verify_join(struct chain_host *host)
{
    if (host->verifying.joinable)
        pthread_join(host->verifying.thread, NULL);
    host->verifying.joinable = false;
}

enum err chain_host_verify_start(struct chain_host *host)
{
    struct chain_host_verify now;
    chain_host_verify_get(host, &now);
    if (now.started && !now.done)
        return ERR_BUSY;
    verify_join(host);
    memset(&host->verifying.now, 0, sizeof(host->verifying.now));
    host->verifying.now.started = true;
    host->verifying.now.started_ms = mono_ms();
    if (pthread_create(&host->verifying.thread, NULL, verify_main, host) != 0) {
        host->verifying.now.started = false;
        return ERR_NOMEM;
    }
    host->verifying.joinable = true;
    return OK;
}

void chain_host_verify_get(struct chain_host *host,
                           struct chain_host_verify *out)
{
    pthread_mutex_lock(&host->verifying.lock);
    *out = host->verifying.now;
    pthread_mutex_unlock(&host->verifying.lock);
}

/* ---- life ---- */

struct chain *chain_host_chain(struct chain_host *host)
{
    return host->chain;
}

struct sx *chain_host_core(struct chain_host *host)
{
    return host->core;
}

const char *chain_host_trouble(const struct chain_host *host)
{
    enum err err;
    struct disk *disk = (struct disk *)(uintptr_t)&host->disk;
    pthread_mutex_lock(&disk->lock);
    err = disk->trouble;
    pthread_mutex_unlock(&disk->lock);
    return err == OK ? NULL : err_text(err);
}

static void wake_loop(void *ctx)
{
    uv_async_t *stored = ctx;
    uv_async_send(stored);
}

static enum err open_log(struct chain_host *host,
                         const struct chain_host_options *options)
{
    struct safety_log_options log = {
        .dir = options->log_dir,
        .owner = {.key = options->signer->key,
                  .chain = options->genesis->chain},
        .core = host->core,
        .wake = wake_loop,
        .ctx = &host->stored,
    };
    TRY(sx_noted_seq(host->chain, &log.owner.synced));
    return safety_log_open(&log, &host->log);
}

static enum err open_core(struct chain_host *host,
                          const struct chain_host_options *options)
{
    struct store_options store_options = {0};
    struct sx_options core_options = {.signer = options->signer,
                                      .link_key = options->link_key,
                                      .mono_ms = mono_ms(),
                                      .seed = uv_hrtime(),
                                      .listen_ms = LISTEN_MS};
    TRY(store_lmdb_open(options->dir, &store_options, &host->store));
    TRY(chain_open(host->store, options->genesis, options->kinds,
                   &host->chain));
    TRY(sx_new(host->chain, &core_options, &host->core));
    return options->signer == NULL ? OK : open_log(host, options);
}

static void close_core(struct chain_host *host)
{
    safety_log_close(host->log);
    sx_free(host->core);
    chain_close(host->chain);
    store_close(host->store);
}

static enum err start_disk(struct chain_host *host)
{
    if (pthread_create(&host->disk.thread, NULL, disk_main, host) != 0)
        return ERR_NOMEM;
    host->disk.running = true;
    return OK;
}

enum err chain_host_open(const struct chain_host_options *options,
                         struct chain_host **out)
{
    struct chain_host *host = calloc(1, sizeof(*host));
    enum err err;
    if (host == NULL)
        return ERR_NOMEM;
    host->loop = options->loop;
    host->events = options->events;
    host->genesis = options->genesis;
    host->kinds = *options->kinds;
    snprintf(host->dir, sizeof(host->dir), "%s", options->dir);
    pthread_mutex_init(&host->disk.lock, NULL);
    pthread_cond_init(&host->disk.more, NULL);
    pthread_mutex_init(&host->verifying.lock, NULL);
    err = open_core(host, options);
    if (err != OK) {
        close_core(host);
        free(host);
        return err;
    }
    CHECK(uv_async_init(host->loop, &host->stored, on_stored) == 0);
    CHECK(uv_timer_init(host->loop, &host->timer) == 0);
    host->stored.data = host;
    host->timer.data = host;
    host->open_handles = 2;
    err = start_disk(host);
    if (err == OK && host->log != NULL) {
        host->logged = safety_log_last(host->log);
        err = safety_log_start(host->log);
    }
    if (err != OK) {
        chain_host_close(host);
        return err;
    }
    *out = host;
    return OK;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct chain_host *host = handle->data;
    host->open_handles--;
}

static bool checks_busy(const struct chain_host *host)
{
    for (int i = 0; i < CHECKERS + 1; i++) {
        if (host->checking[i].busy)
            return true;
    }
    return false;
}

static void stop_disk(struct chain_host *host)
{
    struct disk *disk = &host->disk;
    if (!disk->running)
        return;
    pthread_mutex_lock(&disk->lock);
    disk->stop = true;
    pthread_cond_signal(&disk->more);
    pthread_mutex_unlock(&disk->lock);
    pthread_join(disk->thread, NULL);
    for (size_t i = 0; i < disk->count; i++)
        store_batch_free(disk->queue[i]);
}

void chain_host_close(struct chain_host *host)
{
    host->closing = true;
    atomic_store(&host->verifying.stop, true);
    verify_join(host);
    if (host->log != NULL)
        safety_log_stop(host->log);
    stop_disk(host);
    uv_close((uv_handle_t *)&host->stored, on_handle_closed);
    uv_close((uv_handle_t *)&host->timer, on_handle_closed);
    while (host->open_handles > 0 || checks_busy(host))
        uv_run(host->loop, UV_RUN_ONCE);
    for (int i = 0; i < QUEUE_COUNT; i++) {
        while (host->queues[i].first != NULL) {
            struct item *next = host->queues[i].first->next;
            item_free(host, host->queues[i].first);
            host->queues[i].first = next;
        }
    }
    close_core(host);
    pthread_mutex_destroy(&host->disk.lock);
    pthread_cond_destroy(&host->disk.more);
    pthread_mutex_destroy(&host->verifying.lock);
    free(host);
}
