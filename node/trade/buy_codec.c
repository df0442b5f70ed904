/* The buyer's records of a job and of its tasks, as they stand on the disk, and
 * how they are taken up again at a start. */

#include "node/trade/buy_item.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOB_RECORD  210
#define TASK_RECORD 211
#define JOB_FIELDS  6u
#define TASK_FIELDS 32u

void buy_job_encode(const struct buy_item *item, struct buf *out)
{
    mp_put_message(out, JOB_RECORD, 1, JOB_FIELDS);
    mp_put_bin(out, buf_bytes(&item->request));
    mp_put_bin(out, buf_bytes(&item->spec));
    mp_put_bin(out, buf_bytes(&item->approval));
    mp_put_str(out, item->face.name);
    mp_put_uint(out, item->face.created_at_ms);
    mp_put_uint(out, item->face.ended_at_ms);
}

enum err buy_job_decode(struct bytes bytes, struct arena *arena,
                        struct buy_saved_job *out)
{
    struct mp_reader reader;
    struct buy_saved_job job;
    TRY(mp_open_message(&reader, bytes, arena, JOB_RECORD, 1, JOB_FIELDS));
    job.request = mp_get_bin(&reader, REQUEST_BYTES_MAX);
    job.spec = mp_get_bin(&reader, SPEC_BYTES_MAX);
    job.approval = mp_get_bin(&reader, APPROVAL_BYTES_MAX);
    mp_get_text(&reader, job.name, sizeof(job.name));
    job.created_at_ms = mp_get_uint(&reader);
    job.ended_at_ms = mp_get_uint(&reader);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    *out = job;
    return OK;
}

static void put_noun(struct buf *out, struct buf *body, enum err err)
{
    if (err != OK && out->err == OK)
        out->err = err;
    mp_put_bin(out, buf_bytes(body));
    buf_done(body);
}

static void put_quote(struct buf *out, const struct buy_task *t)
{
    struct buf body;
    buf_init(&body, QUOTE_BYTES_MAX);
    put_noun(out, &body, t->has_quote ? quote_encode(&t->quote, &body) : OK);
}

static void put_receipt(struct buf *out, const struct buy_task *t)
{
    struct buf body;
    buf_init(&body, RECEIPT_BYTES_MAX);
    put_noun(out, &body,
             t->receipt.seq > 0 ? receipt_encode(&t->receipt, &body) : OK);
}

void buy_task_encode(const struct buy_item *item, uint32_t task,
                     struct buf *out)
{
    const struct buy_task *t = &item->tasks[task];
    const struct buy_work *work = &item->works[task];
    mp_put_message(out, TASK_RECORD, 1, TASK_FIELDS);
    mp_put_uint(out, t->task);
    mp_put_uint(out, t->attempt);
    mp_put_uint(out, (uint64_t)t->state);
    mp_put_str(out, t->reason);
    mp_put_uint(out, t->since_ms);
    mp_put_pubkey(out, &t->provider);
    mp_put_hash(out, &t->contract);
    put_quote(out, t);
    put_receipt(out, t);
    mp_put_uint(out, t->wall_ms);
    mp_put_uint(out, t->cpu_ms);
    mp_put_uint(out, (uint64_t)t->end);
    mp_put_uint(out, t->exit_code);
    mp_put_hash(out, &t->result);
    mp_put_hash(out, &t->log);
    mp_put_bool(out, t->fetched);
    mp_put_amount(out, t->due);
    mp_put_amount(out, t->paid);
    mp_put_amount(out, t->refunded);
    mp_put_amount(out, t->slashed);
    mp_put_array(out, 4);
    mp_put_uint(out, t->log_len[0]);
    mp_put_uint(out, t->log_len[1]);
    mp_put_bool(out, t->log_eof[0]);
    mp_put_bool(out, t->log_eof[1]);
    mp_put_array(out, 16);
    for (unsigned i = 0; i < 16; i++)
        mp_put_uint(out, t->at_ms[i]);
    mp_put_str(out, work->address);
    mp_put_uint(out, work->until_ms);
    mp_put_bool(out, work->cancel);
    mp_put_amount(out, t->paid_before);
    mp_put_amount(out, t->slashed_before);
    mp_put_uint(out, work->fetch_until_ms);
    mp_put_pubkey(out, &work->avoid);
    mp_put_bool(out, work->settled);
    mp_put_str(out, t->why);
    mp_put_uint(out, t->has_score ? t->score + UINT64_C(1) : 0);
}

static void read_why(struct mp_reader *reader, struct buy_task *t)
{
    uint32_t score;
    mp_get_text(reader, t->why, sizeof(t->why));
    score = (uint32_t)mp_get_uint_max(reader, 1001);
    t->has_score = score > 0;
    t->score = score > 0 ? score - 1 : 0;
}

static void decoded(struct mp_reader *reader, enum err err)
{
    if (err != OK)
        mp_fail(reader, err);
}

static void read_place(struct mp_reader *reader, struct arena *arena,
                       struct buy_task *t)
{
    struct bytes body;
    t->task = (uint32_t)mp_get_uint_max(reader, LIMIT_TASKS - 1);
    t->attempt = (uint32_t)mp_get_uint_max(reader, 255);
    t->state = (enum buy_state)mp_get_uint_max(reader, BUY_EXPIRED);
    if (t->state < BUY_WAITING)
        mp_fail(reader, ERR_RANGE);
    mp_get_text(reader, t->reason, sizeof(t->reason));
    t->since_ms = mp_get_uint(reader);
    mp_get_pubkey(reader, &t->provider);
    mp_get_hash(reader, &t->contract);
    body = mp_get_bin(reader, QUOTE_BYTES_MAX);
    t->has_quote = body.len > 0;
    if (reader->err == OK && t->has_quote)
        decoded(reader, quote_decode(body, arena, &t->quote));
    body = mp_get_bin(reader, RECEIPT_BYTES_MAX);
    if (reader->err == OK && body.len > 0)
        decoded(reader, receipt_decode(body, arena, &t->receipt));
}

static void read_outcome(struct mp_reader *reader, struct buy_task *t)
{
    t->wall_ms = mp_get_uint(reader);
    t->cpu_ms = mp_get_uint(reader);
    t->end = (enum end_reason)mp_get_uint_max(reader, 255);
    t->exit_code = (uint32_t)mp_get_uint_max(reader, 255);
    mp_get_hash(reader, &t->result);
    mp_get_hash(reader, &t->log);
    t->fetched = mp_get_bool(reader);
    t->due = mp_get_amount(reader);
    t->paid = mp_get_amount(reader);
    t->refunded = mp_get_amount(reader);
    t->slashed = mp_get_amount(reader);
    mp_enter_exact(reader, 4);
    t->log_len[0] = mp_get_uint(reader);
    t->log_len[1] = mp_get_uint(reader);
    t->log_eof[0] = mp_get_bool(reader);
    t->log_eof[1] = mp_get_bool(reader);
    mp_leave(reader);
    mp_enter_exact(reader, 16);
    for (unsigned i = 0; i < 16; i++)
        t->at_ms[i] = mp_get_uint(reader);
    mp_leave(reader);
}

enum err buy_task_decode(struct bytes bytes, struct arena *arena,
                         struct buy_task *out_task, struct buy_work *out_work)
{
    struct mp_reader reader;
    struct buy_task task;
    struct buy_work work;
    memset(&task, 0, sizeof(task));
    memset(&work, 0, sizeof(work));
    TRY(mp_open_message(&reader, bytes, arena, TASK_RECORD, 1, TASK_FIELDS));
    read_place(&reader, arena, &task);
    read_outcome(&reader, &task);
    mp_get_text(&reader, work.address, sizeof(work.address));
    work.until_ms = mp_get_uint(&reader);
    work.cancel = mp_get_bool(&reader);
    task.paid_before = mp_get_amount(&reader);
    task.slashed_before = mp_get_amount(&reader);
    work.fetch_until_ms = mp_get_uint(&reader);
    mp_get_pubkey(&reader, &work.avoid);
    work.settled = mp_get_bool(&reader);
    read_why(&reader, &task);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    work.result_here = task.fetched || hash_is_zero(&task.result);
    work.log_here = task.fetched || hash_is_zero(&task.log);
    work.recorded = task.state;
    *out_task = task;
    *out_work = work;
    return OK;
}

/* ---- at a start ---- */

static enum err load_job(struct buy *buy, struct bytes record)
{
    struct buy_saved_job saved;
    struct request request;
    struct approval approval;
    struct spec spec;
    struct hash id;
    struct buy_item *item;
    TRY(buy_job_decode(record, &buy->arena, &saved));
    TRY(request_decode(saved.request, &buy->arena, &request));
    TRY(spec_decode(saved.spec, &buy->arena, &spec));
    TRY(request_id(&request, &buy->config.chain, &id));
    if (buy_find(buy, &id) != NULL)
        return ERR_EXISTS;
    if (saved.approval.len > 0)
        TRY(approval_decode(saved.approval, &buy->arena, &approval));
    item = buy_item_new(buy, request.tasks, saved.created_at_ms);
    if (item == NULL)
        return ERR_NOMEM;
    buf_add(&item->request, saved.request);
    buf_add(&item->spec, saved.spec);
    buf_add(&item->approval, saved.approval);
    if (item->request.err != OK || item->spec.err != OK ||
        item->approval.err != OK) {
        buy_item_free(buy, item);
        return ERR_NOMEM;
    }
    if (buy_item_fill(item, &request, &id, &spec) != OK) {
        buy_item_free(buy, item);
        return ERR_NOMEM;
    }
    memcpy(item->face.name, saved.name, sizeof(item->face.name));
    if (saved.approval.len > 0) {
        item->face.approved = true;
        item->face.task_cap = approval.task_cap;
        item->approval_expires_ms = approval.expires_at_ms;
    }
    item->face.ended_at_ms = saved.ended_at_ms;
    if (saved.ended_at_ms != 0) {
        buy->live--;
        buy->ended++;
    }
    return OK;
}

/* "buy/<hex>/t<n>" comes after "buy/<hex>/job": record order is name order. */
static enum err load_task(struct buy *buy, const char *key, struct bytes record)
{
    struct hash id;
    char hex[HASH_TEXT_MAX];
    struct buy_task task;
    struct buy_work work;
    struct buy_item *item;
    snprintf(hex, sizeof(hex), "%.64s", key + 4);
    TRY(hash_parse(hex, &id));
    item = buy_find(buy, &id);
    if (item == NULL)
        return ERR_NOT_FOUND;
    TRY(buy_task_decode(record, &buy->arena, &task, &work));
    if (task.task >= item->face.task_count)
        return ERR_RANGE;
    item->tasks[task.task] = task;
    item->works[task.task] = work;
    item->face.state = buy_state_of_job(item);
    return OK;
}

static enum err load_draft(struct buy *buy, const char *key)
{
    struct hash *orphans =
        realloc(buy->orphans, (buy->orphan_count + 1) * sizeof(*buy->orphans));
    struct hash id;
    char hex[HASH_TEXT_MAX];
    if (orphans == NULL)
        return ERR_NOMEM;
    buy->orphans = orphans;
    snprintf(hex, sizeof(hex), "%.64s", key + 4);
    TRY(hash_parse(hex, &id));
    orphans[buy->orphan_count++] = id;
    return OK;
}

/* Its jobs are found once all records are read: buy_graphs_bind. */
static enum err load_graph(struct buy *buy, struct bytes record)
{
    struct buy_graph_item *graph = calloc(1, sizeof(*graph));
    enum err err;
    if (graph == NULL)
        return ERR_NOMEM;
    err = buy_graph_decode(record, &buy->arena, graph);
    if (err != OK) {
        free(graph);
        return err;
    }
    graph->next = buy->graphs;
    buy->graphs = graph;
    buy->graph_count++;
    return OK;
}

enum err buy_load(struct buy *buy, const char *key, struct bytes record)
{
    const char *leaf = strrchr(key, '/');
    arena_reset(&buy->arena);
    if (leaf == NULL || strlen(key) < 70)
        return ERR_PARSE;
    if (strcmp(leaf, "/draft") == 0)
        return load_draft(buy, key);
    if (strcmp(leaf, "/graph") == 0)
        return load_graph(buy, record);
    return strcmp(leaf, "/job") == 0 ? load_job(buy, record)
                                     : load_task(buy, key, record);
}
