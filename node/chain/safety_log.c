#include "node/chain/safety_log.h"

#include "base/check.h"
#include "node/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RETRY_DISK_S 1

/* One record on its way, or with type 0 a wish to trim. */
struct entry {
    struct entry *next;
    uint64_t seq;
    uint8_t type;
    size_t len;
    uint8_t bytes[];
};

struct safety_log {
    struct wal *wal; /* the thread's while it runs */
    void (*wake)(void *ctx);
    void *ctx;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct entry *first; /* waiting, oldest first */
    struct entry *last;
    uint64_t synced;
    enum err failed;
    bool due; /* the loop wants it on the disk */
    bool stop;
    bool running;
};

/* ---- making and reading ---- */

static enum err replay(void *ctx, uint64_t seq, uint8_t type, struct bytes body)
{
    return sx_replay(ctx, seq, type, body);
}

static enum err open_wal(const struct safety_log_options *options,
                         struct safety_log *log)
{
    struct wal_report report;
    struct wal_report again;
    TRY(wal_open(options->dir, &options->owner, replay, options->core, &report,
                 &log->wal));
    if (report.found == WAL_MISSING) {
        /* The core's first record will be that its past is lost. */
        TRY(wal_create(options->dir, &options->owner));
        TRY(wal_open(options->dir, &options->owner, replay, options->core,
                     &again, &log->wal));
    }
    sx_replayed(options->core, &report, wal_last(log->wal));
    log->synced = wal_last(log->wal);
    return OK;
}

enum err safety_log_open(const struct safety_log_options *options,
                         struct safety_log **out)
{
    struct safety_log *log = calloc(1, sizeof(*log));
    if (log == NULL)
        return ERR_NOMEM;
    log->wake = options->wake;
    log->ctx = options->ctx;
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->more, NULL);
    enum err err = open_wal(options, log);
    if (err != OK) {
        safety_log_close(log);
        return err;
    }
    *out = log;
    return OK;
}

uint64_t safety_log_last(const struct safety_log *log)
{
    return log->synced;
}

void safety_log_close(struct safety_log *log)
{
    if (log == NULL)
        return;
    CHECK(!log->running);
    while (log->first != NULL) {
        struct entry *next = log->first->next;
        free(log->first);
        log->first = next;
    }
    wal_close(log->wal);
    pthread_cond_destroy(&log->more);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

/* ---- the thread ---- */

static bool must_stop(struct safety_log *log)
{
    pthread_mutex_lock(&log->lock);
    bool stop = log->stop;
    pthread_mutex_unlock(&log->lock);
    return stop;
}

/* Nothing has been appended when the disk is full: waits until it is not. */
static enum err append_patiently(struct safety_log *log,
                                 const struct entry *entry)
{
    uint64_t seq = 0;
    for (uint64_t tries = 1;; tries++) {
        enum err err = wal_append(log->wal, entry->type,
                                  bytes_make(entry->bytes, entry->len), &seq);
        CHECK(err != OK || seq == entry->seq);
        if ((err != ERR_FULL && err != ERR_NOMEM) || must_stop(log))
            return err;
        if (log_tells(tries))
            log_odd("chain", "the safety log cannot grow: %s; trying again",
                    err_text(err));
        nanosleep(&(struct timespec){.tv_sec = RETRY_DISK_S}, NULL);
    }
}

static enum err write_all(struct safety_log *log, struct entry *entries,
                          bool sync)
{
    enum err err = OK;
    while (entries != NULL) {
        struct entry *next = entries->next;
        if (err == OK && entries->type == 0)
            wal_trim(log->wal, entries->seq);
        else if (err == OK)
            err = append_patiently(log, entries);
        free(entries);
        entries = next;
    }
    return err == OK && sync ? wal_sync(log->wal) : err;
}

static void *log_main(void *arg)
{
    struct safety_log *log = arg;
    pthread_mutex_lock(&log->lock);
    for (;;) {
        while (!log->due && !log->stop)
            pthread_cond_wait(&log->more, &log->lock);
        if ((log->stop && log->first == NULL) || log->failed != OK)
            break;
        struct entry *entries = log->first;
        log->first = log->last = NULL;
        log->due = false;
        pthread_mutex_unlock(&log->lock);
        enum err err = write_all(log, entries, true);
        pthread_mutex_lock(&log->lock);
        log->failed = err;
        if (err == OK)
            log->synced = wal_synced(log->wal);
        log->wake(log->ctx);
    }
    pthread_mutex_unlock(&log->lock);
    return NULL;
}

enum err safety_log_start(struct safety_log *log)
{
    if (pthread_create(&log->thread, NULL, log_main, log) != 0)
        return ERR_NOMEM;
    log->running = true;
    return OK;
}

void safety_log_stop(struct safety_log *log)
{
    if (!log->running)
        return;
    pthread_mutex_lock(&log->lock);
    log->stop = true;
    pthread_cond_signal(&log->more);
    pthread_mutex_unlock(&log->lock);
    pthread_join(log->thread, NULL);
    log->running = false;
}

/* ---- from the loop ---- */

static void push(struct safety_log *log, uint64_t seq, uint8_t type,
                 struct bytes body)
{
    struct entry *entry = malloc(sizeof(*entry) + body.len);
    CHECK(entry != NULL); /* what was signed must not be forgotten */
    entry->next = NULL;
    entry->seq = seq;
    entry->type = type;
    entry->len = body.len;
    if (body.len > 0)
        memcpy(entry->bytes, body.ptr, body.len);
    pthread_mutex_lock(&log->lock);
    if (log->last != NULL)
        log->last->next = entry;
    else
        log->first = entry;
    log->last = entry;
    pthread_mutex_unlock(&log->lock);
}

void safety_log_append(struct safety_log *log, uint64_t seq, uint8_t type,
                       struct bytes body)
{
    CHECK(type != 0);
    push(log, seq, type, body);
}

void safety_log_trim(struct safety_log *log, uint64_t seq)
{
    push(log, seq, 0, bytes_make(NULL, 0));
}

static bool has_record(const struct entry *entry)
{
    while (entry != NULL && entry->type == 0)
        entry = entry->next;
    return entry != NULL;
}

void safety_log_sync(struct safety_log *log)
{
    pthread_mutex_lock(&log->lock);
    if (has_record(log->first)) {
        log->due = true;
        pthread_cond_signal(&log->more);
    }
    pthread_mutex_unlock(&log->lock);
}

enum err safety_log_synced(struct safety_log *log, uint64_t *out_seq)
{
    pthread_mutex_lock(&log->lock);
    enum err err = log->failed;
    *out_seq = log->synced;
    pthread_mutex_unlock(&log->lock);
    return err;
}
