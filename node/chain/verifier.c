#include "node/chain/verifier.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

struct verifier {
    struct store *store;
    const struct genesis *genesis;
    const struct kind_table *kinds;
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

static void *thread_main(void *arg)
{
    struct verifier *verifier = arg;
    struct verify_report report;
    struct store *store = NULL;
    memset(&report, 0, sizeof(report));
    enum err err = store_reader(verifier->store, &store);
    if (err == OK)
        err = chain_verify(store, verifier->genesis, verifier->kinds, NULL,
                           on_progress, verifier, &report);
    store_close(store);
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

enum err verifier_new(struct store *store, const struct genesis *genesis,
                      const struct kind_table *kinds, struct verifier **out)
{
    struct verifier *verifier = calloc(1, sizeof(*verifier));
    if (verifier == NULL)
        return ERR_NOMEM;
    verifier->store = store;
    verifier->genesis = genesis;
    verifier->kinds = kinds;
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
