/* A fetch: one blob, or a tree with all its files. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/net/bulk_impl.h"

/* Reading the tree's document, or pinning all for good. */
struct fetch_job {
    struct bulk_job job;
    struct bulk_fetch *fetch;
    struct hash id;
    char owner[BLOB_OWNER_MAX];
    bool is_tree, finish;
    struct blob_tree tree;
    enum err err;
};

/* ---- the end ---- */

static void kill_pulls(struct bulk_fetch *fetch)
{
    for (struct pull *p = fetch->pulls; p != NULL; p = p->next)
        pull_kill(p);
}

static void end(struct bulk_fetch *fetch, enum err err)
{
    fetch->ended = true;
    kill_pulls(fetch);
    fetch->config.on_done(fetch->config.ctx, err);
}

static void reap_pulls(struct bulk_fetch *fetch)
{
    struct pull **at = &fetch->pulls;

    while (*at != NULL) {
        struct pull *pull = *at;

        if (!pull->dead || pull->busy || pull->puts > 0) {
            at = &pull->next;
            continue;
        }
        *at = pull->next;
        free(pull->missing);
        free(pull);
    }
}

void fetch_reap(struct bulk *bulk)
{
    for (struct bulk_fetch *f = bulk->fetches, *next; f != NULL; f = next) {
        next = f->next;
        reap_pulls(f);
        if (!f->ended || f->busy || f->pulls != NULL)
            continue;
        *f->at = f->next;
        if (f->next != NULL)
            f->next->at = f->at;
        bulk->fetch_count--;
        source_leave(f->source);
        blob_tree_done(&f->tree);
        free(f);
    }
}

void fetch_fail(struct bulk_fetch *fetch, enum err err)
{
    CHECK(err != OK);
    if (!fetch->ended)
        end(fetch, err);
}

void bulk_cancel(struct bulk_fetch *fetch)
{
    if (fetch == NULL || fetch->ended)
        return;
    fetch->ended = true;
    kill_pulls(fetch);
}

/* ---- progress ---- */

static uint64_t bytes_here(const struct bulk_fetch *fetch)
{
    uint64_t sum = fetch->done_bytes;

    for (struct pull *p = fetch->pulls; p != NULL; p = p->next)
        if (!p->dead)
            sum += p->have;
    return sum;
}

void fetch_progress(struct bulk_fetch *fetch)
{
    if (fetch->ended)
        return;
    if (!fetch->config.tree && fetch->pulls != NULL)
        fetch->total = fetch->pulls->bytes;
    if (fetch->config.on_progress != NULL)
        fetch->config.on_progress(fetch->config.ctx, bytes_here(fetch),
                                  fetch->total);
}

/* ---- the tree ---- */

static void job_run(struct bulk_job *job)
{
    struct fetch_job *fj = (struct fetch_job *)job;
    struct blob_store *store = job->bulk->config.store;

    if (!fj->finish)
        fj->err = blob_store_tree(store, &fj->id, &fj->tree);
    else if (fj->is_tree)
        fj->err = blob_store_pin_tree(store, &fj->id, fj->owner);
    else
        fj->err = blob_store_pin(store, &fj->id, fj->owner);
}

static void start_files(struct bulk_fetch *fetch)
{
    enum err err = OK;

    while (err == OK && fetch->pull_count < BULK_PULLS_MAX &&
           fetch->next_file < fetch->tree.count) {
        const struct blob_file *file = &fetch->tree.files[fetch->next_file++];

        err = pull_new(fetch, &file->id, file->bytes, true);
    }
    if (err != OK)
        fetch_fail(fetch, err);
}

static void on_tree(struct bulk_fetch *fetch, struct fetch_job *fj)
{
    uint64_t sum;

    if (fj->err != OK) {
        fetch_fail(fetch, err_is_fault(fj->err) ? fj->err : ERR_BLOB);
        return;
    }
    fetch->tree = fj->tree;
    blob_tree_init(&fj->tree);
    fetch->has_tree = true;
    sum = blob_tree_bytes(&fetch->tree);
    if (__builtin_add_overflow(sum, fetch->done_bytes, &fetch->total) ||
        (fetch->config.bytes_max > 0 &&
         fetch->total > fetch->config.bytes_max)) {
        fetch_fail(fetch, ERR_TOO_LARGE);
        return;
    }
    start_files(fetch);
}

static void go_on(struct bulk_fetch *fetch);

static void job_after(struct bulk_job *job)
{
    struct fetch_job *fj = (struct fetch_job *)job;
    struct bulk_fetch *fetch = fj->fetch;

    fetch->busy = false;
    if (!fetch->ended && !fj->finish)
        on_tree(fetch, fj);
    else if (!fetch->ended)
        end(fetch, fj->err);
    blob_tree_done(&fj->tree);
    free(fj);
    if (!fetch->ended)
        go_on(fetch);
}

static void job_start(struct bulk_fetch *fetch, bool finish)
{
    struct fetch_job *fj = calloc(1, sizeof *fj);

    if (fj == NULL) {
        fetch_fail(fetch, ERR_NOMEM);
        return;
    }
    fj->fetch = fetch;
    fj->id = fetch->config.id;
    fj->is_tree = fetch->config.tree;
    fj->finish = finish;
    memcpy(fj->owner, fetch->owner, sizeof fj->owner);
    fetch->busy = true;
    if (bulk_job_start(fetch->bulk, &fj->job, job_run, job_after) == OK)
        return;
    fetch->busy = false;
    free(fj);
    fetch_fail(fetch, ERR_NOMEM);
}

/* All pulls are done, or new ones wait. */
static void go_on(struct bulk_fetch *fetch)
{
    bool more = fetch->config.tree &&
                (!fetch->has_tree || fetch->next_file < fetch->tree.count);

    if (fetch->pull_count > 0)
        source_pump(fetch->source);
    else if (!more) {
        fetch->finished = true;
        job_start(fetch, true);
    }
}

void fetch_pull_done(struct bulk_fetch *fetch, struct pull *pull)
{
    bool was_document = fetch->config.tree && !fetch->has_tree;

    fetch->done_bytes += pull->bytes;
    pull->have = 0;
    pull_kill(pull);
    if (was_document) {
        job_start(fetch, false);
        return;
    }
    start_files(fetch);
    if (!fetch->ended && fetch->pull_count == 0)
        go_on(fetch);
}

/* ---- the beginning ---- */

static enum err check_config(const struct bulk *bulk,
                             const struct bulk_fetch_config *config)
{
    struct addr_parts parts;

    CHECK(config->on_done != NULL && !bulk->closing);
    if (addr_parse(config->addr, &parts) != OK || parts.port == 0)
        return ERR_PARSE;
    TRY(blob_owner_check(config->owner));
    return bulk->fetch_count >= BULK_FETCHES_MAX ? ERR_RATE : OK;
}

static uint64_t first_max(const struct bulk_fetch_config *config)
{
    uint64_t max = config->bytes_max > 0 ? config->bytes_max : BLOB_BYTES_MAX;

    if (config->tree && max > BLOB_TREE_DOC_MAX)
        max = BLOB_TREE_DOC_MAX;
    return max < BLOB_BYTES_MAX ? max : BLOB_BYTES_MAX;
}

enum err bulk_fetch(struct bulk *bulk, const struct bulk_fetch_config *config,
                    struct bulk_fetch **out)
{
    struct bulk_fetch *fetch;
    enum err err;

    TRY(check_config(bulk, config));
    fetch = calloc(1, sizeof *fetch);
    if (fetch == NULL)
        return ERR_NOMEM;
    fetch->bulk = bulk;
    fetch->config = *config;
    fetch->config.addr = fetch->config.owner = NULL; /* the caller's */
    snprintf(fetch->owner, sizeof fetch->owner, "%s", config->owner);
    if (config->timeout_ms > 0)
        fetch->deadline_us = bulk_now_us() + config->timeout_ms * 1000;
    err = source_get(bulk, config->addr, &config->peer, &fetch->source);
    if (err == OK)
        err = pull_new(fetch, &config->id, first_max(config), false);
    if (err != OK) {
        if (fetch->source != NULL)
            source_leave(fetch->source);
        free(fetch);
        return err;
    }
    fetch->next = bulk->fetches;
    fetch->at = &bulk->fetches;
    if (fetch->next != NULL)
        fetch->next->at = &fetch->next;
    bulk->fetches = fetch;
    bulk->fetch_count++;
    bulk_tick_now(bulk); /* connects, or asks on the lane that is there */
    if (out != NULL)
        *out = fetch;
    return OK;
}

void fetch_tick_all(struct bulk *bulk, uint64_t now_us)
{
    for (struct bulk_fetch *f = bulk->fetches, *next; f != NULL; f = next) {
        next = f->next;
        if (f->ended)
            continue;
        if (f->deadline_us > 0 && now_us >= f->deadline_us)
            fetch_fail(f, ERR_TIMEOUT);
        else
            source_pump(f->source);
    }
}
