#include "node/chain/verifier.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

struct verifier {
    struct verifier_options options;
    pthread_t thread;
    pthread_mutex_t lock; /* of `now` */
    struct verifier_now now;
    atomic_bool stop;
    bool joinable;
};

static uint64_t mono_ms(void)
{
    return uv_hrtime() / 1000000;
}

static enum err on_progress(void *ctx, const struct verify_report *report)
{
    struct verifier *verifier = ctx;
    pthread_mutex_lock(&verifier->lock);
    verifier->now.report = *report;
    pthread_mutex_unlock(&verifier->lock);
    return atomic_load(&verifier->stop) ? ERR_CANCELLED : OK;
}

/* ---- where the chain is executed again ---- */

static void remove_scratch(const struct verifier *verifier)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "store.lock"};
    const char *dir = verifier->options.scratch_dir;
    char path[VERIFIER_DIR_MAX + 16];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

/* *out NULL: in memory, which takes more than the chain does on the disk. */
static enum err open_scratch(const struct verifier *verifier,
                             struct store *store, struct store **out)
{
    struct store_stat stat;
    *out = NULL;
    TRY(store_stat(store, &stat));
    if (stat.used_bytes <= verifier->options.memory_bytes)
        return OK;
    return store_lmdb_open(verifier->options.scratch_dir, NULL, out);
}

static enum err verify(struct verifier *verifier, struct verify_report *report)
{
    const struct verifier_options *options = &verifier->options;
    struct store *store = NULL;
    struct store *scratch = NULL;
    enum err err = store_reader(options->store, &store);
    if (err == OK)
        err = open_scratch(verifier, store, &scratch);
    if (err == OK)
        err = chain_verify(store, options->genesis, options->kinds, scratch,
                           on_progress, verifier, report);
    store_close(scratch);
    remove_scratch(verifier);
    store_close(store);
    return err;
}

static void *thread_main(void *arg)
{
    struct verifier *verifier = arg;
    struct verify_report report;
    memset(&report, 0, sizeof(report));
    enum err err = verify(verifier, &report);
    pthread_mutex_lock(&verifier->lock);
    verifier->now.report = report;
    verifier->now.err = err;
    verifier->now.done = true;
    verifier->now.ended_ms = mono_ms();
    pthread_mutex_unlock(&verifier->lock);
    return NULL;
}

static void join(struct verifier *verifier)
{
    if (verifier->joinable)
        pthread_join(verifier->thread, NULL);
    verifier->joinable = false;
}

enum err verifier_new(const struct verifier_options *options,
                      struct verifier **out)
{
    struct verifier *verifier = calloc(1, sizeof(*verifier));
    if (verifier == NULL)
        return ERR_NOMEM;
    verifier->options = *options;
    remove_scratch(verifier); /* of one that was killed */
    pthread_mutex_init(&verifier->lock, NULL);
    *out = verifier;
    return OK;
}

void verifier_free(struct verifier *verifier)
{
    if (verifier == NULL)
        return;
    atomic_store(&verifier->stop, true);
    join(verifier);
    pthread_mutex_destroy(&verifier->lock);
    free(verifier);
}

enum err verifier_start(struct verifier *verifier)
{
    struct verifier_now now;
    verifier_get(verifier, &now);
    if (now.started && !now.done)
        return ERR_BUSY;
    join(verifier);
    now = (struct verifier_now){.started = true, .started_ms = mono_ms()};
    verifier->now = now;
    if (pthread_create(&verifier->thread, NULL, thread_main, verifier) != 0) {
        verifier->now.started = false;
        return ERR_NOMEM;
    }
    verifier->joinable = true;
    return OK;
}

void verifier_get(struct verifier *verifier, struct verifier_now *out)
{
    pthread_mutex_lock(&verifier->lock);
    *out = verifier->now;
    pthread_mutex_unlock(&verifier->lock);
}
