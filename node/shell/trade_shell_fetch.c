/* Blobs that contracts need: fetched from the other side, kept, and, where they
 * are a job's log, laid out where `job.logs` reads them. */

#include "node/shell/trade_shell_inner.h"

#include "base/check.h"
#include "node/log.h"
#include "node/control/rpc_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FETCH_BYTES_MAX  (UINT64_C(64) * 1024 * 1024 * 1024)
#define FETCH_TIMEOUT_MS 600000u
#define PROGRESS_MS      200u

struct fetching {
    uv_work_t work; /* first */
    struct fetching *next;
    struct shell *shell;
    struct hash id;
    struct hash subject;
    bool tree;
    uint64_t timeout_ms;
    bool keep; /* we bought it: it stays when the contract is over */
    uint64_t told_ms;
    char dir[1300];
    enum err err;
};

static void unlink_fetch(struct fetching *fetch)
{
    struct fetching **at = &fetch->shell->fetches;
    while (*at != fetch)
        at = &(*at)->next;
    *at = fetch->next;
}

static void finish(struct fetching *fetch)
{
    struct trade_event event = {.kind = TRADE_FETCHED,
                                .id = fetch->id,
                                .subject = fetch->subject,
                                .err = fetch->err};
    struct shell *shell = fetch->shell;
    unlink_fetch(fetch);
    free(fetch);
    shell_event(shell, &event);
}

/* The streams of a log tree, beside what came live: the same bytes, verified.
 */
static enum err lay_out_log(struct fetching *fetch)
{
    struct blob_store *blobs = fetch->shell->node->blobs;
    struct blob_tree tree;
    enum err err = OK;
    TRY(blob_store_tree(blobs, &fetch->id, &tree));
    for (uint32_t i = 0; err == OK && i < tree.count; i++) {
        char path[1400];
        if (strcmp(tree.files[i].path, "stdout") != 0 &&
            strcmp(tree.files[i].path, "stderr") != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", fetch->dir, tree.files[i].path);
        err = blob_store_export_file(blobs, &tree.files[i].id, path, 0600);
    }
    blob_tree_done(&tree);
    return err;
}

static void on_keep(uv_work_t *work)
{
    struct fetching *fetch = (struct fetching *)work;
    char owner[80];
    shell_owner_kept(&fetch->subject, owner);
    fetch->err =
        blob_store_pin_tree(fetch->shell->node->blobs, &fetch->id, owner);
    if (fetch->err == OK && fetch->dir[0] != '\0') {
        mkdir(fetch->dir, 0700);
        fetch->err = lay_out_log(fetch);
    }
}

static void on_kept(uv_work_t *work, int status)
{
    struct fetching *fetch = (struct fetching *)work;
    (void)status;
    fetch->shell->works--;
    finish(fetch);
}

static void keep(struct fetching *fetch)
{
    fetch->shell->works++;
    CHECK(uv_queue_work(fetch->shell->node->loop, &fetch->work, on_keep,
                        on_kept) == 0);
}

static void on_fetched(void *ctx, enum err err)
{
    struct fetching *fetch = ctx;
    fetch->err = err;
    if (err != OK)
        log_info("trade", "a blob could not be fetched: %s", err_text(err));
    if (err != OK || !fetch->keep)
        finish(fetch);
    else
        keep(fetch);
}

static void on_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct fetching *fetch = ctx;
    uint64_t now = uv_now(fetch->shell->node->loop);
    struct trade_event event = {.kind = TRADE_FETCHING,
                                .id = fetch->id,
                                .subject = fetch->subject,
                                .done = done,
                                .total = total};
    if (now - fetch->told_ms < PROGRESS_MS)
        return;
    fetch->told_ms = now;
    shell_event(fetch->shell, &event);
}

/* Bulk is closed by now: none of them is told any more. */
void shell_fetches_done(struct shell *shell)
{
    while (shell->fetches != NULL) {
        struct fetching *fetch = shell->fetches;
        shell->fetches = fetch->next;
        free(fetch);
    }
}

static bool where_from(struct shell *shell, const struct trade_effect *effect,
                       char out[CHANNEL_ADDR_MAX])
{
    struct net_peer *peer = net_find(shell->node->net, &effect->peer);
    struct book_offer offer;
    out[0] = '\0';
    if (effect->text[0] != '\0')
        snprintf(out, CHANNEL_ADDR_MAX, "%.127s", effect->text);
    else if (peer != NULL)
        net_peer_bulk(peer, out);
    if (out[0] == '\0' && shell->node->buy != NULL &&
        book_offer_get(buy_book(shell->node->buy), &effect->peer,
                       shell_now_ms(shell), &offer))
        snprintf(out, CHANNEL_ADDR_MAX, "%s", offer.offer.bulk_address);
    return out[0] != '\0';
}

/* A log tree is the buyer's `log` of a delivered task. */
static void mark_bought(struct fetching *fetch)
{
    struct buy *buy = fetch->shell->node->buy;
    const struct buy_job *job;
    for (size_t i = 0; buy != NULL && (job = buy_job_at(buy, i)) != NULL; i++) {
        for (uint32_t k = 0; k < job->task_count; k++) {
            if (!hash_equal(&job->tasks[k].contract, &fetch->subject))
                continue;
            fetch->keep = true;
            if (hash_equal(&job->tasks[k].log, &fetch->id))
                shell_job_path(fetch->shell->node, &fetch->subject, "",
                               fetch->dir);
            return;
        }
    }
}

static enum err start(struct fetching *fetch, const char *address,
                      const struct pubkey *peer)
{
    struct bulk_fetch_config config = {
        .addr = address,
        .peer = *peer,
        .id = fetch->id,
        .tree = fetch->tree,
        .bytes_max = FETCH_BYTES_MAX,
        .timeout_ms = fetch->timeout_ms,
        .on_progress = on_progress,
        .on_done = on_fetched,
        .ctx = fetch,
    };
    char owner[80];
    struct bulk_fetch *handle;
    shell_owner(&fetch->subject, owner);
    config.owner = owner;
    return bulk_fetch(fetch->shell->node->bulk, &config, &handle);
}

/* What this very node made is not fetched from anybody. */
static bool here_already(struct fetching *fetch,
                         const struct trade_effect *effect)
{
    struct node *node = fetch->shell->node;
    char owner[80];
    if (!pubkey_equal(&effect->peer, &node->self))
        return false;
    shell_owner(&fetch->subject, owner);
    fetch->err = blob_store_pin_again(node->blobs, &fetch->id, owner);
    return true;
}

void shell_fetch(struct shell *shell, const struct trade_effect *effect)
{
    char address[CHANNEL_ADDR_MAX];
    struct fetching *fetch;
    for (fetch = shell->fetches; fetch != NULL; fetch = fetch->next) {
        if (hash_equal(&fetch->id, &effect->id) &&
            hash_equal(&fetch->subject, &effect->subject))
            return; /* on its way */
    }
    fetch = calloc(1, sizeof(*fetch));
    CHECK(fetch != NULL);
    fetch->shell = shell;
    fetch->id = effect->id;
    fetch->subject = effect->subject;
    fetch->tree = effect->code == 1;
    fetch->next = shell->fetches;
    shell->fetches = fetch;
    fetch->timeout_ms = effect->at_ms > 0 ? effect->at_ms : FETCH_TIMEOUT_MS;
    mark_bought(fetch);
    if (here_already(fetch, effect)) {
        finish(fetch);
        return;
    }
    fetch->err = where_from(shell, effect, address)
                     ? start(fetch, address, &effect->peer)
                     : ERR_NET;
    if (fetch->err != OK)
        finish(fetch); /* queued: effects are being carried out */
}
