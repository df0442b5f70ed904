#include "node/chain/chain_host_inner.h"

#include "base/check.h"
#include "node/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RETRY_DISK_S 1
/* A database as large as this is executed again on the disk. */
#define VERIFY_MEMORY_BYTES (UINT64_C(256) << 20)
#define LISTEN_MS           300u /* before a validator signs: is our key elsewhere? */

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

/* Tries until the disk has room again or the node stops. The log may lie on the
 * very disk that is full: it is told less and less often. */
static enum err commit_patiently(struct chain_host *host,
                                 struct store_batch *batch)
{
    struct disk *disk = &host->disk;
    for (uint64_t tries = 1;; tries++) {
        enum err err = store_commit(host->store, batch);
        bool stop;
        pthread_mutex_lock(&disk->lock);
        disk->trouble = err;
        stop = disk->stop;
        pthread_mutex_unlock(&disk->lock);
        if (err == OK || (err != ERR_FULL && err != ERR_NOMEM) || stop)
            return err;
        if (log_tells(tries))
            log_odd("chain", "block %llu cannot be stored: %s; trying again",
                    (unsigned long long)store_batch_height(batch),
                    err_text(err));
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

static void on_timer(uv_timer_t *timer)
{
    struct chain_host *host = timer->data;
    struct sx_event event = {.kind = SX_EV_TIME};
    chain_host_step(host, &event);
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
void chain_host_step(struct chain_host *host, struct sx_event *event)
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
    if (host->events.on_told != NULL)
        host->events.on_told(host->events.ctx);
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
        chain_host_step(host, &event);
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
        chain_host_step(host, &event);
    }
    if (failed != OK && !host->closing)
        halt(host, failed);
}

void chain_host_vouch(struct chain_host *host)
{
    struct sx_event event = {.kind = SX_EV_VOUCH};
    CHECK(!host->stepping);
    chain_host_step(host, &event);
}

void chain_host_link(struct chain_host *host, uint64_t peer,
                     const struct pubkey *key)
{
    struct sx_event event = {.kind = SX_EV_LINK, .peer = peer, .key = *key};
    CHECK(!host->stepping);
    chain_host_step(host, &event);
}

void chain_host_unlink(struct chain_host *host, uint64_t peer)
{
    struct sx_event event = {.kind = SX_EV_UNLINK, .peer = peer};
    checks_gone(host->checks, peer);
    if (!host->stepping) {
        chain_host_step(host, &event);
        return;
    }
    /* Sending found the link broken: the core hears of it after this step. */
    CHECK(host->gone_count < SX_PEERS_MAX);
    host->gone[host->gone_count++] = peer;
}

/* ---- what has to be checked first ---- */

static bool is_known(void *ctx, const struct hash *id)
{
    const struct chain_host *host = ctx;
    return pool_find(sx_pool(host->core), id) != NULL;
}

static enum sx_use use_of(void *ctx, uint64_t peer, const struct sx_msg *msg)
{
    const struct chain_host *host = ctx;
    return sx_use_of(host->core, peer, msg);
}

static int index_of(void *ctx, uint64_t peer)
{
    const struct chain_host *host = ctx;
    return sx_peer_index(host->core, peer);
}

static void on_txs(void *ctx, const struct sx_tx *txs, size_t count)
{
    struct sx_event event = {
        .kind = SX_EV_SUBMIT, .txs = txs, .tx_count = count};
    chain_host_step(ctx, &event);
}

static void on_tx_bad(void *ctx, uint64_t token, enum err err)
{
    const struct chain_host *host = ctx;
    struct hash none = {{0}};
    host->events.on_refused(host->events.ctx, &none, token, err, 0);
}

static void message_step(struct chain_host *host, uint64_t peer,
                         struct bytes message, bool verified,
                         const struct hash *ids)
{
    struct sx_event event = {.kind = SX_EV_MESSAGE,
                             .peer = peer,
                             .bytes = message,
                             .txs_verified = verified,
                             .tx_ids = ids};
    chain_host_step(host, &event);
}

/* What the machine could not do is nobody's fault: the core asks again. */
static void message_bad(struct chain_host *host, uint64_t peer, enum err err)
{
    if (!err_is_fault(err))
        host->events.on_peer_bad(host->events.ctx, peer, err);
}

static void on_message(void *ctx, uint64_t peer, struct bytes message,
                       const struct hash *ids, enum err err)
{
    if (err == OK)
        message_step(ctx, peer, message, true, ids);
    else
        message_bad(ctx, peer, err);
}

enum err chain_host_submit(struct chain_host *host, struct bytes tx,
                           uint64_t token)
{
    return checks_tx(host->checks, tx, token);
}

enum err chain_host_message(struct chain_host *host, uint64_t peer,
                            struct bytes message, bool *out_useful)
{
    enum checks_verdict verdict;
    const struct hash *ids;
    enum err err;
    CHECK(!host->stepping);
    err = checks_message(host->checks, peer, message, &verdict, &ids);
    if (err == ERR_RATE || err_is_fault(err))
        return err;
    *out_useful =
        err == OK && (verdict == CHECKS_GOOD || verdict == CHECKS_WAIT);
    if (err != OK)
        message_bad(host, peer, err);
    else if (verdict == CHECKS_PLAIN || verdict == CHECKS_GOOD)
        message_step(host, peer, message, verdict == CHECKS_GOOD, ids);
    return OK;
}

/* ---- verification ---- */

enum err chain_host_verify_start(struct chain_host *host)
{
    return verifier_start(host->verifier);
}

void chain_host_verify_get(struct chain_host *host, struct verifier_now *out)
{
    verifier_get(host->verifier, out);
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

/* Nothing more can be done with the store, not even closing it. */
static void on_damage(const char *dir)
{
    log_broken("chain",
               "the chain's database is damaged: %s. Try: move that directory "
               "away and start again: the chain is fetched from the others",
               dir);
    _exit(EXIT_FAILURE);
}

static enum err open_core(struct chain_host *host,
                          const struct chain_host_options *options)
{
    struct store_options store_options = {.on_damage = on_damage};
    struct sx_options core_options = {.signer = options->signer,
                                      .link_key = options->link_key,
                                      .mono_ms = mono_ms(),
                                      .seed = uv_hrtime(),
                                      .listen_ms = LISTEN_MS,
                                      .sync_epochs = options->sync_epochs};
    struct checks_events checks_events = {.ctx = host,
                                          .is_known = is_known,
                                          .use_of = use_of,
                                          .index_of = index_of,
                                          .on_txs = on_txs,
                                          .on_tx_bad = on_tx_bad,
                                          .on_message = on_message};
    struct verifier_options verifier_options = {.genesis = host->genesis,
                                                .kinds = &host->kinds,
                                                .memory_bytes =
                                                    VERIFY_MEMORY_BYTES};
    TRY(store_lmdb_open(options->dir, &store_options, &host->store));
    verifier_options.store = host->store;
    TRY(chain_open(host->store, options->genesis, options->kinds,
                   &host->chain));
    TRY(sx_new(host->chain, &core_options, &host->core));
    TRY(checks_new(host->loop, &options->genesis->chain, &checks_events,
                   &host->checks));
    snprintf(verifier_options.scratch_dir, sizeof(verifier_options.scratch_dir),
             "%s/verify", options->dir);
    TRY(verifier_new(&verifier_options, &host->verifier));
    return options->signer == NULL ? OK : open_log(host, options);
}

static void close_core(struct chain_host *host)
{
    verifier_free(host->verifier);
    checks_free(host->checks);
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
    pthread_mutex_init(&host->disk.lock, NULL);
    pthread_cond_init(&host->disk.more, NULL);
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
    checks_stop(host->checks);
    if (host->log != NULL)
        safety_log_stop(host->log);
    stop_disk(host);
    uv_close((uv_handle_t *)&host->stored, on_handle_closed);
    uv_close((uv_handle_t *)&host->timer, on_handle_closed);
    while (host->open_handles > 0 || checks_busy(host->checks))
        uv_run(host->loop, UV_RUN_ONCE);
    close_core(host);
    pthread_mutex_destroy(&host->disk.lock);
    pthread_cond_destroy(&host->disk.more);
    free(host);
}
