/* What a job wrote, made and cost: logs, outputs, bills. */

#include "node/control/rpc_job.h"

#include "base/check.h"
#include "node/control/job_view.h"
#include "node/control/rpc_blob.h"
#include "node/control/rpc_call.h"
#include "node/control/rpc_help.h"
#include "node/shell/trade_shell.h"
#include "node/control/waiters.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TXS_MAX        32u /* of one contract */
#define TX_ARENA       (1024u * 1024)
#define RECEIPTS_WHOLE 256u /* with more tasks, receipts come one by one */

/* ---- job.logs ---- */

struct log_call {
    const struct buy_job *job;
    const struct buy_task *task;
    unsigned stream; /* 0 stdout, 1 stderr */
    uint64_t offset;
};

static bool log_params(struct node *node, struct control_call *call,
                       struct log_call *out)
{
    const char *stream = "stdout";
    uint32_t task = UINT32_MAX;
    struct log_call log = {.offset = 0};
    log.job = job_param(node, call);
    if (log.job == NULL || !job_task_param(call, log.job, &task) ||
        !param_text_if(call, "stream", &stream) ||
        !param_uint_if(call, "offset", INT64_MAX, &log.offset))
        return false;
    log.stream = strcmp(stream, "stderr") == 0 ? 1 : 0;
    if (log.stream == 0 && strcmp(stream, "stdout") != 0) {
        control_refuse(call, ERR_PARSE, "stdout or stderr",
                       "there is no stream \"%.40s\"", stream);
        return false;
    }
    log.task = &log.job->tasks[task == UINT32_MAX ? 0 : task];
    *out = log;
    return true;
}

/* Reads what is there from the offset on; *out_size is what there is in all. A
 * file that is not there yet is empty. */
static enum err read_log(struct node *node, const struct log_call *log,
                         struct buf *out, uint64_t *out_size)
{
    char path[1300];
    uint8_t piece[16384];
    struct stat st;
    enum err err = OK;
    int fd;
    *out_size = 0;
    shell_job_path(node, &log->task->contract,
                   log->stream == 0 ? "stdout" : "stderr", path);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? OK : ERR_IO;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        err = ERR_IO;
    else
        *out_size = (uint64_t)st.st_size;
    while (err == OK && out->len < RPC_DATA_MAX) {
        size_t room = RPC_DATA_MAX - out->len;
        ssize_t got = pread(fd, piece, room < sizeof(piece) ? room : 16384,
                            (off_t)(log->offset + out->len));
        if (got < 0)
            err = ERR_IO;
        if (got <= 0)
            break;
        buf_add(out, bytes_make(piece, (size_t)got));
    }
    close(fd);
    return err == OK ? out->err : err;
}

static void reply_log(struct control_call *call, const struct log_call *log,
                      const struct buf *data, uint64_t next, bool eof)
{
    control_reply(call, json_pack("{s:o, s:o, s:b, s:o, s:s}", "data",
                                  rpc_json_bytes(buf_bytes(data)), "next",
                                  json_u64(next), "eof", (int)eof, "attempt",
                                  json_u64(log->task->attempt), "state",
                                  buy_state_text(log->task->state)));
}

static bool answer_logs(struct node *node, struct control_call *call, bool last)
{
    struct log_call log;
    struct buf data;
    uint64_t size = 0;
    uint64_t next;
    enum err err;
    bool eof;
    bool answered = true;
    if (!log_params(node, call, &log))
        return true;
    buf_init(&data, RPC_DATA_MAX);
    err = read_log(node, &log, &data, &size);
    next = log.offset + data.len;
    eof = next >= size && buy_log_whole(log.task, log.stream, size);
    if (err != OK)
        control_refuse(call, err, "suan node status",
                       "the log kept on this node cannot be read");
    else if (log.offset > size && (size > 0 || !eof))
        reply_log(call, &log, &data, 0, false); /* another attempt's log */
    else if (data.len > 0 || eof || last)
        reply_log(call, &log, &data, next, eof);
    else
        answered = false;
    buf_done(&data);
    return answered;
}

void rpc_job_logs(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"id",     "task",    "stream",
                                        "offset", "wait_ms", NULL};
    if (param_only(call, names))
        waiters_add(node->waiters, call, answer_logs, param_wait(call));
}

/* ---- job.fetch ---- */

struct fetch_task {
    uint32_t task;
    uint32_t work;      /* which its directory is named by */
    struct hash result; /* zero: it left none */
};

struct job_fetch {
    struct call_work work; /* first */
    struct blob_store *blobs;
    char dir[PATH_MAX];
    bool bag;      /* a directory for each task */
    json_t *waits; /* tasks that have nothing to fetch */
    struct fetch_task *tasks;
    size_t count;
    struct file_list list;
    enum err err;
    uint32_t failed; /* the task at fault */
    struct blob_where where;
};

static enum err list_tree(struct job_fetch *fetch, const struct fetch_task *t)
{
    struct blob_tree tree;
    char path[BLOB_PATH_MAX + 32];
    TRY(blob_store_tree(fetch->blobs, &t->result, &tree));
    for (uint32_t i = 0; i < tree.count; i++) {
        if (fetch->bag)
            snprintf(path, sizeof(path), "task-%u/%s", t->work,
                     tree.files[i].path);
        else
            snprintf(path, sizeof(path), "%s", tree.files[i].path);
        file_list_add(&fetch->list, t->task, path, tree.files[i].bytes);
    }
    blob_tree_done(&tree);
    return OK;
}

static enum err write_task(struct job_fetch *fetch, const struct fetch_task *t)
{
    char dir[PATH_MAX + 32];
    if (hash_is_zero(&t->result))
        return OK;
    if (fetch->bag)
        snprintf(dir, sizeof(dir), "%s/task-%u", fetch->dir, t->work);
    else
        snprintf(dir, sizeof(dir), "%s", fetch->dir);
    TRY(blob_store_export_tree(fetch->blobs, &t->result, dir, &fetch->where));
    return list_tree(fetch, t);
}

static void write_outputs(struct call_work *work)
{
    struct job_fetch *fetch = (struct job_fetch *)work;
    snprintf(fetch->where.path, sizeof(fetch->where.path), "%.2000s",
             fetch->dir);
    if (fetch->bag && mkdir(fetch->dir, 0755) != 0 && errno != EEXIST) {
        fetch->err = errno == EACCES   ? ERR_PERM
                     : errno == ENOENT ? ERR_NOT_FOUND
                     : errno == ENOSPC ? ERR_FULL
                                       : ERR_IO;
        return;
    }
    for (size_t i = 0; i < fetch->count && fetch->err == OK; i++) {
        fetch->failed = fetch->tasks[i].task;
        fetch->err = write_task(fetch, &fetch->tasks[i]);
    }
}

static void fetch_free(struct job_fetch *fetch)
{
    json_decref(fetch->waits);
    json_decref(fetch->list.files);
    free(fetch->tasks);
    free(fetch);
}

static void refuse_fetch(struct control_call *call,
                         const struct job_fetch *fetch)
{
    if (fetch->err == ERR_BLOB)
        call_refuse(call, fetch->err, NULL,
                    "more disk and an earlier fetch next time: what is "
                    "damaged here was settled",
                    "the outputs of task %u are not whole any more (%.100s)",
                    fetch->failed, fetch->where.path);
    else
        call_refuse(call, fetch->err, NULL,
                    "a directory that the node's user can write, with room",
                    "%.200s cannot be written", fetch->where.path);
}

static void fetched(struct call_work *work, struct control_call *call)
{
    struct job_fetch *fetch = (struct job_fetch *)work;
    json_t *object;
    if (call != NULL && fetch->err != OK) {
        refuse_fetch(call, fetch);
    } else if (call != NULL) {
        object = json_pack("{s:O, s:O}", "files", fetch->list.files, "missing",
                           fetch->waits);
        if (fetch->list.left_out > 0)
            json_object_set_new(object, "left_out",
                                json_u64(fetch->list.left_out));
        control_reply(call, object);
    }
    fetch_free(fetch);
}

/* How many works a job is: its tasks, but for copies that are there for the
 * sake of an availability. */
static uint32_t works_of(const struct buy_job *job)
{
    const struct policy_terms *terms = &job->request.terms;
    return terms->down_ppb == 0 ? job->task_count
                                : job->task_count / policy_copies(terms);
}

/* Of such copies one that is done stands for all. */
static bool has_stand_in(const struct buy_job *job, uint32_t task)
{
    uint32_t apart = works_of(job);
    for (uint32_t i = task % apart; i < job->task_count; i += apart) {
        const struct buy_task *t = &job->tasks[i];
        if (i != task && t->fetched && t->state == BUY_DONE &&
            (i < task || job->tasks[task].state != BUY_DONE))
            return true;
    }
    return false;
}

/* Which of the wanted tasks have their outputs here, verified. */
static void choose_tasks(struct job_fetch *fetch, const struct buy_job *job,
                         uint32_t task)
{
    for (uint32_t i = 0; i < job->task_count; i++) {
        const struct buy_task *t = &job->tasks[i];
        if (task != UINT32_MAX ? task != i : has_stand_in(job, i))
            continue;
        if (t->fetched)
            fetch->tasks[fetch->count++] = (struct fetch_task){
                i, task == UINT32_MAX ? i % works_of(job) : i, t->result};
        else
            json_array_append_new(
                fetch->waits, json_pack("{s:o, s:s, s:o}", "task", json_u64(i),
                                        "state", buy_state_text(t->state),
                                        "reason", json_text(t->reason)));
    }
}

static void refuse_early(struct control_call *call, const struct buy_job *job)
{
    struct rpc_error error;
    rpc_error_set(&error, ERR_STATE, "suan job wait, then suan job fetch",
                  "there are no outputs yet");
    error.exit = EXIT_FAILED;
    snprintf(error.why, sizeof(error.why), "the job is %s",
             buy_state_text(job->state));
    control_fail(call, &error);
}

void rpc_job_fetch(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"id", "task", "dir", NULL};
    const struct buy_job *job;
    const char *dir = NULL;
    uint32_t task = UINT32_MAX;
    struct job_fetch *fetch;
    if (!param_only(call, names))
        return;
    job = job_param(node, call);
    if (job == NULL || !job_task_param(call, job, &task) ||
        !param_absolute(call, "dir", &dir))
        return;
    fetch = call_work_new(call, sizeof(*fetch));
    if (fetch == NULL)
        return;
    fetch->blobs = node->blobs;
    fetch->bag = works_of(job) > 1;
    fetch->waits = json_array();
    fetch->list = (struct file_list){json_array(), RPC_BYTES_MAX / 2, 0};
    fetch->tasks = calloc(job->task_count, sizeof(*fetch->tasks));
    snprintf(fetch->dir, sizeof(fetch->dir), "%s", dir);
    if (fetch->tasks != NULL)
        choose_tasks(fetch, job, task);
    if (fetch->tasks == NULL)
        control_refuse(call, ERR_NOMEM, NULL, "the outputs cannot be listed");
    else if (fetch->count == 0 && job->ended_at_ms == 0)
        refuse_early(call, job);
    else
        call_work_start(node, call, &fetch->work, write_outputs, fetched);
    if (fetch->tasks == NULL || (fetch->count == 0 && job->ended_at_ms == 0))
        fetch_free(fetch);
}

/* ---- job.receipt ---- */

static const char *tx_name(uint32_t kind)
{
    switch (kind) {
    case TX_CONTRACT_OPEN:
        return "open";
    case TX_CONTRACT_DELIVER:
        return "deliver";
    case TX_CONTRACT_REFUSE:
        return "refuse";
    case TX_CONTRACT_EXPIRE:
        return "expire";
    case TX_CONTRACT_CLAIM:
        return "claim";
    case TX_CONTRACT_SETTLE:
        return "settle";
    default:
        return NULL;
    }
}

static void put_tx(struct chain *chain, const struct tx_ref *ref,
                   struct arena *arena, json_t *txs)
{
    struct bytes bytes;
    struct result result;
    struct tx tx;
    const char *name;
    arena_reset(arena);
    if (chain_tx_at(chain, ref->place, arena, &bytes, &result) != OK ||
        tx_decode(bytes, arena, &tx) != OK)
        return;
    name = tx_name(tx.kind);
    if (name != NULL && json_object_get(txs, name) == NULL)
        json_object_set_new(txs, name, json_hash(&ref->id));
}

/* The contract's transactions, the newest of each kind. */
static json_t *txs_json(struct node *node, const struct hash *contract)
{
    struct chain *chain = chain_host_chain(node->host);
    struct tx_ref refs[TXS_MAX];
    struct tx_place newest = {0, 0};
    struct arena arena;
    json_t *txs = json_object();
    size_t count = 0;
    arena_init(&arena, TX_ARENA);
    if (chain_subject_txs(chain, contract, newest, refs, TXS_MAX, &count) != OK)
        count = 0;
    for (size_t i = 0; i < count; i++)
        put_tx(chain, &refs[i], &arena, txs);
    arena_done(&arena);
    return txs;
}

static json_t *receipt_bytes(const struct receipt *receipt)
{
    struct buf bytes;
    json_t *value = NULL;
    if (receipt->seq == 0)
        return json_null();
    buf_init(&bytes, RECEIPT_BYTES_MAX);
    if (receipt_encode(receipt, &bytes) == OK)
        value = rpc_json_bytes(buf_bytes(&bytes));
    buf_done(&bytes);
    return value != NULL ? value : json_null();
}

/* Each attempt that came to a contract took the fee: the chain opens an attempt
 * only after the one before it. */
static json_t *fees_json(const struct node *node, const struct buy_task *task,
                         const json_t *txs)
{
    uint32_t opened =
        task->attempt + (json_object_get(txs, "open") != NULL ? 1 : 0);
    struct amount fees = rpc_open_fee(node);
    if (amount_mul(fees, opened, &fees) != OK)
        return json_null();
    return json_amount(fees);
}

static json_t *bill_json(struct node *node, const struct buy_task *task,
                         bool whole)
{
    struct amount due =
        amount_is_zero(task->due) ? task->receipt.due : task->due;
    json_t *object = json_pack(
        "{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "task",
        json_u64(task->task), "attempt", json_u64(task->attempt), "contract",
        json_hash(&task->contract), "state", buy_state_text(task->state),
        "wall_ms", json_u64(task->wall_ms), "cpu_ms", json_u64(task->cpu_ms),
        "due_micro", json_amount(due), "cosigned",
        task->receipt.seq > 0 && amount_cmp(task->receipt.due, due) >= 0,
        "paid_micro", json_amount(task->paid), "refunded_micro",
        json_amount(task->refunded), "slashed_micro",
        json_amount(task->slashed), "txs", txs_json(node, &task->contract));
    json_object_set_new(object, "fee_micro",
                        fees_json(node, task, json_object_get(object, "txs")));
    json_object_set_new(object, "paid_before_micro",
                        json_amount(task->paid_before));
    json_object_set_new(object, "slashed_before_micro",
                        json_amount(task->slashed_before));
    if (whole)
        json_object_set_new(object, "receipt", receipt_bytes(&task->receipt));
    return object;
}

void rpc_job_receipt(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"id", "task", NULL};
    const struct buy_job *job;
    json_t *list;
    uint32_t task = UINT32_MAX;
    bool whole;
    if (!param_only(call, names))
        return;
    job = job_param(node, call);
    if (job == NULL || !job_task_param(call, job, &task))
        return;
    whole = job->task_count <= RECEIPTS_WHOLE || task != UINT32_MAX;
    list = json_array();
    for (uint32_t i = 0; i < job->task_count; i++) {
        const struct buy_task *t = &job->tasks[i];
        if ((task == UINT32_MAX || task == i) && task_has_contract(t))
            json_array_append_new(list, bill_json(node, t, whole));
    }
    control_reply(call, json_pack("{s:o}", "receipts", list));
}
