/* One blob on its way here. */

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/net/bulk_impl.h"

#define MANIFEST_CREDIT (BULK_WINDOW / BULK_PULLS_MAX)

/* A job on the whole blob: see what is here, or store its manifest first. */
struct open_job {
    struct bulk_job job;
    struct pull *pull;
    struct hash id;
    char owner[BLOB_OWNER_MAX];
    uint64_t bytes_max;
    uint8_t *manifest; /* NULL: none came */
    size_t manifest_len;
    uint32_t credit;
    /* results */
    enum err err;
    struct blob_info info;
    uint32_t *missing;
    uint32_t missing_count;
};

struct put_job {
    struct bulk_job job;
    struct pull *pull;
    struct hash id;
    uint32_t index;
    uint8_t *content;
    size_t len;
    uint32_t credit;
    enum err err;
};

/* ---- the end ---- */

void pull_kill(struct pull *pull)
{
    if (pull->dead)
        return;
    pull->dead = true;
    pull->fetch->pull_count--;
    source_forget(pull->fetch->source, pull);
}

/* ---- what is here, what is missing ---- */

static enum err list_missing(struct open_job *open, struct blob_store *store)
{
    TRY(blob_store_info(store, &open->id, &open->info));
    if (open->info.bytes > open->bytes_max)
        return ERR_TOO_LARGE;
    if (open->info.chunk_count == 0)
        return OK;
    open->missing = calloc(open->info.chunk_count, sizeof *open->missing);
    if (open->missing == NULL)
        return ERR_NOMEM;
    return blob_store_missing(store, &open->id, 0, open->missing,
                              open->info.chunk_count, &open->missing_count);
}

static void open_run(struct bulk_job *job)
{
    struct open_job *open = (struct open_job *)job;
    struct blob_store *store = job->bulk->config.store;

    if (open->manifest != NULL)
        open->err = blob_store_add_manifest(
            store, &open->id, bytes_make(open->manifest, open->manifest_len),
            open->bytes_max, open->owner);
    else if (!blob_store_is_pinned(store, &open->id, open->owner))
        open->err = blob_store_pin(store, &open->id, open->owner);
    if (open->err == OK)
        open->err = list_missing(open, store);
}

static void open_free(struct open_job *open)
{
    free(open->manifest);
    free(open->missing);
    free(open);
}

static uint64_t missing_bytes(const struct open_job *open)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < open->missing_count; i++)
        sum += blob_chunk_len(open->info.bytes, open->missing[i]);
    return sum;
}

static void opened(struct pull *pull, struct open_job *open)
{
    pull->phase = PULL_CHUNKS;
    pull->bytes = open->info.bytes;
    pull->have = pull->bytes - missing_bytes(open);
    free(pull->missing);
    pull->missing = open->missing;
    pull->missing_count = open->missing_count;
    pull->missing_next = 0;
    open->missing = NULL;
    fetch_progress(pull->fetch);
}

static void on_opened(struct pull *pull, struct open_job *open)
{
    struct bulk_fetch *fetch = pull->fetch;
    enum err err = open->err;

    if (err == ERR_NOT_FOUND && open->manifest == NULL) {
        pull->phase = PULL_ASK;
    } else if (err != OK) {
        if (err == ERR_BLOB && open->manifest != NULL)
            source_blame(fetch->source, ERR_BLOB, "sent a wrong manifest");
        fetch_fail(fetch, err);
    } else if (pull->exact && open->info.bytes != pull->bytes_max) {
        fetch_fail(fetch, ERR_BLOB); /* the tree lies about its file */
    } else {
        opened(pull, open);
    }
}

static void open_after(struct bulk_job *job)
{
    struct open_job *open = (struct open_job *)job;
    struct pull *pull = open->pull;
    struct bulk_fetch *fetch = pull->fetch;

    pull->busy = false;
    source_credit(fetch->source, open->credit, open->err == OK);
    if (!pull->dead)
        on_opened(pull, open);
    open_free(open);
    source_pump(fetch->source);
}

/* Takes the manifest, which may be NULL. */
static void open_start(struct pull *pull, uint8_t *manifest, size_t len,
                       uint32_t credit)
{
    struct bulk_fetch *fetch = pull->fetch;
    struct open_job *open = calloc(1, sizeof *open);

    if (open == NULL) {
        free(manifest);
        source_credit(fetch->source, credit, false);
        fetch_fail(fetch, ERR_NOMEM);
        return;
    }
    open->pull = pull;
    open->id = pull->id;
    open->bytes_max = pull->bytes_max;
    open->manifest = manifest;
    open->manifest_len = len;
    open->credit = credit;
    memcpy(open->owner, fetch->owner, sizeof open->owner);
    pull->busy = true;
    if (bulk_job_start(fetch->bulk, &open->job, open_run, open_after) == OK)
        return;
    pull->busy = false;
    open_free(open);
    source_credit(fetch->source, credit, false);
    fetch_fail(fetch, ERR_NOMEM);
}

/* ---- storing ---- */

static void put_run(struct bulk_job *job)
{
    struct put_job *put = (struct put_job *)job;

    put->err =
        blob_store_put_chunk(job->bulk->config.store, &put->id, put->index,
                             bytes_make(put->content, put->len));
}

static void put_free(struct put_job *put)
{
    free(put->content);
    free(put);
}

static void on_put(struct pull *pull, const struct put_job *put)
{
    struct bulk_fetch *fetch = pull->fetch;

    if (put->err == OK) {
        pull->have += put->len;
        fetch_progress(fetch);
        return;
    }
    if (put->err == ERR_BLOB)
        source_blame(fetch->source, ERR_BLOB, "sent a wrong chunk");
    fetch_fail(fetch, put->err);
}

static void put_after(struct bulk_job *job)
{
    struct put_job *put = (struct put_job *)job;
    struct pull *pull = put->pull;
    struct bulk_fetch *fetch = pull->fetch;

    pull->puts--;
    source_credit(fetch->source, put->credit, put->err == OK);
    if (put->err == OK) {
        fetch->bulk->stats.fetched_chunks++;
        fetch->bulk->stats.fetched_bytes += put->len;
    }
    if (!pull->dead)
        on_put(pull, put);
    put_free(put);
    source_pump(fetch->source);
}

static uint8_t *copy_of(struct bytes bytes)
{
    uint8_t *copy = malloc(bytes.len > 0 ? bytes.len : 1);

    if (copy != NULL && bytes.len > 0)
        memcpy(copy, bytes.ptr, bytes.len);
    return copy;
}

void pull_on_chunk(struct pull *pull, uint32_t index, struct bytes content,
                   uint32_t credit)
{
    struct bulk_fetch *fetch = pull->fetch;
    struct put_job *put = calloc(1, sizeof *put);

    pull->asked--;
    if (put != NULL)
        put->content = copy_of(content);
    if (put == NULL || put->content == NULL)
        goto out;
    put->pull = pull;
    put->id = pull->id;
    put->index = index;
    put->len = content.len;
    put->credit = credit;
    pull->puts++;
    if (bulk_job_start(fetch->bulk, &put->job, put_run, put_after) == OK)
        return;
    pull->puts--;
out:
    if (put != NULL)
        put_free(put);
    source_credit(fetch->source, credit, false);
    fetch_fail(fetch, ERR_NOMEM);
}

void pull_on_manifest(struct pull *pull, struct bytes manifest, uint32_t credit)
{
    uint8_t *copy = copy_of(manifest);

    pull->asked--;
    if (copy == NULL) {
        source_credit(pull->fetch->source, credit, false);
        fetch_fail(pull->fetch, ERR_NOMEM);
        return;
    }
    open_start(pull, copy, manifest.len, credit);
}

void pull_on_refused(struct pull *pull, enum err err)
{
    pull->asked--;
    /* A fault of the peer's machine is not one of ours. */
    fetch_fail(pull->fetch,
               err_is_fault(err) && err != ERR_PERM ? ERR_BLOB : err);
}

void pull_on_lost(struct pull *pull)
{
    pull->asked--;
    pull->lost = true;
}

/* ---- going on ---- */

static bool ask_chunk(struct pull *pull)
{
    struct bulk *bulk = pull->fetch->bulk;
    struct source *source = pull->fetch->source;
    uint32_t index, len;

    while (pull->missing_next < pull->missing_count) {
        index = pull->missing[pull->missing_next];
        len = blob_chunk_len(pull->bytes, index);
        if (!source_has_room(source, len))
            return false;
        pull->missing_next++;
        /* An equal chunk may have come meanwhile. */
        if (blob_store_has_chunk(bulk->config.store, &pull->id, index)) {
            pull->have += len;
            continue;
        }
        pull->asked++;
        source_ask(source, pull, index, len);
        return true;
    }
    return false;
}

static bool step_chunks(struct pull *pull)
{
    struct blob_info info;

    if (ask_chunk(pull))
        return true;
    if (pull->missing_next < pull->missing_count || pull->asked > 0 ||
        pull->puts > 0)
        return false;
    if (blob_store_info(pull->fetch->bulk->config.store, &pull->id, &info) !=
            OK ||
        !info.complete) {
        pull->lost = true; /* something was dropped: look again */
        return false;
    }
    pull->phase = PULL_DONE;
    fetch_pull_done(pull->fetch, pull);
    return false;
}

bool pull_step(struct pull *pull)
{
    struct source *source = pull->fetch->source;

    if (pull->dead || pull->busy)
        return false;
    if (pull->lost) {
        if (pull->asked > 0 || pull->puts > 0)
            return false;
        pull->lost = false;
        pull->phase = PULL_OPEN;
    }
    switch (pull->phase) {
    case PULL_OPEN:
        open_start(pull, NULL, 0, 0);
        return false;
    case PULL_ASK:
        if (pull->asked > 0 || !source_has_room(source, MANIFEST_CREDIT))
            return false;
        pull->asked++;
        source_ask(source, pull, BULK_WHOLE, MANIFEST_CREDIT);
        return true;
    case PULL_CHUNKS:
        return step_chunks(pull);
    case PULL_DONE:
        break;
    }
    return false;
}

enum err pull_new(struct bulk_fetch *fetch, const struct hash *id,
                  uint64_t bytes_max, bool exact)
{
    struct pull *pull = calloc(1, sizeof *pull);

    if (pull == NULL)
        return ERR_NOMEM;
    pull->fetch = fetch;
    pull->id = *id;
    pull->bytes_max = bytes_max;
    pull->exact = exact;
    pull->next = fetch->pulls;
    fetch->pulls = pull;
    fetch->pull_count++;
    return OK;
}
