/* Placing jobs and following them: docs/control.md, "Jobs". */

#include "node/control/rpc_job.h"

#include "base/check.h"
#include "market/message.h"
#include "node/control/chosen_view.h"
#include "node/control/job_view.h"
#include "node/control/graph_view.h"
#include "node/control/rpc_call.h"
#include "node/control/rpc_graph.h"
#include "node/control/rpc_help.h"
#include "node/control/rpc_market.h"
#include "node/control/rpc_node.h"
#include "node/shell/trade_shell.h"
#include "node/control/waiters.h"

#include <stdio.h>
#include <string.h>

#define PREFIX_MIN     4u
#define CANDIDATES_MAX 4u
#define LIST_MAX       1200u
#define EXPLAIN_LINES  100u
#define QUOTES_LINES   50u
#define EXPLAIN_ARENA  (64u * 1024 * 1024)
#define SPEC_ARENA     (512u * 1024)

static uint64_t now_ms(struct node *node)
{
    return shell_now_ms(node->shell);
}

/* ---- which job ---- */

struct match {
    const char *prefix;
    size_t len;
    const struct buy_job *job; /* the first that fits */
    unsigned found;
    char names[CANDIDATES_MAX * 16 + 8]; /* "7f3a01c2, 7f3a9be0" */
};

static void match_one(struct match *match, const struct buy_job *job)
{
    char hex[HASH_TEXT_MAX];
    size_t used = strlen(match->names);
    hash_format(&job->id, hex);
    if (strncmp(hex, match->prefix, match->len) != 0)
        return;
    if (match->found++ == 0)
        match->job = job;
    if (match->found <= CANDIDATES_MAX)
        snprintf(match->names + used, sizeof(match->names) - used, "%s%.12s",
                 used > 0 ? ", " : "", hex);
}

static void refuse_ambiguous(struct control_call *call,
                             const struct match *match)
{
    struct rpc_error error;
    rpc_error_set(&error, ERR_AMBIGUOUS, "more digits: suan ps -a -o wide",
                  "\"%.64s\" fits %u jobs", match->prefix, match->found);
    error.exit = EXIT_USAGE;
    snprintf(error.why, sizeof(error.why), "%s%s", match->names,
             match->found > CANDIDATES_MAX ? ", ..." : "");
    control_fail(call, &error);
}

const struct buy_job *job_param(struct node *node, struct control_call *call)
{
    const char *text = NULL;
    const struct buy_job *job = NULL;
    struct match match = {.found = 0};
    if (!param_text(call, "id", &text))
        return NULL;
    match.prefix = text;
    match.len = strlen(text);
    if (match.len < PREFIX_MIN || match.len > 2u * HASH_LEN ||
        strspn(text, "0123456789abcdef") != match.len) {
        control_refuse(call, ERR_PARSE, "suan ps -a",
                       "a job's id is 64 hex digits, or the first few of them "
                       "(at least %u)",
                       PREFIX_MIN);
        return NULL;
    }
    while ((job = buy_job_next(node->buy, job)) != NULL)
        match_one(&match, job);
    if (match.found == 1)
        return match.job;
    if (match.found > 1)
        refuse_ambiguous(call, &match);
    else
        control_refuse(call, ERR_NOT_FOUND, "suan ps -a",
                       "this node knows no job \"%.64s\"", text);
    return NULL;
}

bool job_task_param(struct control_call *call, const struct buy_job *job,
                    uint32_t *out)
{
    uint64_t task = UINT32_MAX;
    if (!param_uint_if(call, "task", UINT32_MAX, &task))
        return false;
    if (task != UINT32_MAX && task >= job->task_count) {
        control_refuse(call, ERR_NOT_FOUND, "suan job show",
                       "the job has tasks 0 to %u, not %u", job->task_count - 1,
                       (unsigned)task);
        return false;
    }
    *out = (uint32_t)task;
    return true;
}

/* ---- job.submit ---- */

static const char *submit_next(enum err err)
{
    switch ((int)err) {
    case ERR_PARTY:
        return "suan node status: the request names another node as its agent";
    case ERR_CHAIN:
    case ERR_SIGNATURE:
        return "suan node status: is it the network that the wallet signed "
               "for?";
    case ERR_EXPIRED:
        return "a later --expires; is this machine's clock right?";
    case ERR_EXISTS:
        return "suan job show: this very request is here already";
    case ERR_BOOK_FULL:
        return "suan ps: wait until some of the jobs have ended";
    default:
        return "suan version, on both sides";
    }
}

/* What a provider will fetch from here has to be here. */
bool job_blobs_here(struct node *node, struct control_call *call,
                    struct bytes encoded)
{
    struct blob_info info;
    struct arena arena;
    struct spec spec;
    enum err image = OK;
    enum err inputs = OK;
    arena_init(&arena, SPEC_ARENA);
    if (spec_decode(encoded, &arena, &spec) == OK) { /* else buy_submit says */
        image = blob_store_info(node->blobs, &spec.image, &info);
        if (image == OK && !info.complete)
            image = ERR_BLOB;
        if (!hash_is_zero(&spec.inputs))
            inputs = blob_store_info(node->blobs, &spec.inputs, &info);
    }
    arena_done(&arena);
    if (image != OK)
        control_refuse(call, ERR_IMAGE,
                       "suan image ls, suan image import FILE --name NAME",
                       "the image is not on this node");
    else if (inputs != OK)
        control_refuse(call, ERR_BLOB, "the command once more",
                       "the inputs are not on this node any more");
    return image == OK && inputs == OK;
}

static void submit(struct node *node, struct control_call *call,
                   struct bytes request, struct bytes spec, const char *name,
                   bool draft)
{
    struct hash id;
    enum err err;
    if (strlen(name) >= LIMIT_NAME ||
        !message_text_ok(name, strlen(name) + 1)) {
        control_refuse(call, ERR_PARSE, "a name of up to 63 plain characters",
                       "the job cannot have this name");
        return;
    }
    if (!job_blobs_here(node, call, spec))
        return;
    err = buy_submit(node->buy, request, spec, name, draft, now_ms(node),
                     shell_buy_effects(node->shell), &id);
    shell_carry_out_buy(node->shell);
    if (err != OK)
        control_refuse(call, err, submit_next(err), "the job is not taken");
    else
        shell_reply(node->shell, call,
                    json_pack("{s:o}", "id", json_hash(&id)));
}

void rpc_job_submit(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"spec", "request", "name", "draft",
                                        NULL};
    const char *name = "";
    bool draft = false;
    struct buf spec;
    struct buf request;
    buf_init(&spec, SPEC_BYTES_MAX);
    buf_init(&request, REQUEST_BYTES_MAX);
    if (param_only(call, names) && param_bytes(call, "spec", &spec) &&
        param_bytes(call, "request", &request) &&
        param_text_if(call, "name", &name) &&
        param_bool_if(call, "draft", &draft))
        submit(node, call, buf_bytes(&request), buf_bytes(&spec), name, draft);
    buf_done(&spec);
    buf_done(&request);
}

/* ---- job.explain ---- */

static uint32_t tasks_waiting(const struct buy_job *job)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < job->task_count; i++)
        count += job->tasks[i].state == BUY_WAITING ? 1 : 0;
    return count;
}

/* What the market says of the job now: in its place in the book, with the
 * providers that are left alone for it, or, when nothing of it waits, as if it
 * were asked again. NULL: no memory. */
static json_t *explain(struct node *node, const struct buy_job *job,
                       uint32_t lines)
{
    struct book *book = buy_book(node->buy);
    uint64_t now = now_ms(node);
    struct book_explanation x;
    struct arena arena;
    json_t *object = NULL;
    enum err err;
    arena_init(&arena, EXPLAIN_ARENA);
    err = book_explain(book, &job->id, lines, now, &arena, &x);
    if (err == ERR_NOT_FOUND)
        err = book_explain_request(book, &job->request, lines, now, &arena, &x);
    if (err == OK) {
        object = explanation_json(node, &job->request, &x, now);
        chosen_mark(node, job, json_object_get(object, "offers"));
        json_object_set_new(object, "waiting", json_u64(tasks_waiting(job)));
        json_object_set_new(object, "placed",
                            json_u64(job->task_count - tasks_waiting(job)));
        json_object_set_new(object, "waiting_for", job_reason(node, job));
    }
    arena_done(&arena);
    return object;
}

void rpc_job_explain(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"id", NULL};
    const struct buy_job *job;
    json_t *object;
    if (!param_only(call, names))
        return;
    job = job_param(node, call);
    if (job == NULL)
        return;
    object = explain(node, job, EXPLAIN_LINES);
    if (object == NULL)
        control_refuse(call, ERR_NOMEM, "suan job explain, once more",
                       "there is no memory to look at every offer");
    else
        control_reply(call, object);
}

/* ---- job.quotes ---- */

static json_t *quotes_json(struct node *node, const struct buy_job *job)
{
    json_t *list = json_array();
    struct buf bytes;
    buf_init(&bytes, QUOTE_BYTES_MAX);
    for (uint32_t i = 0; i < job->task_count; i++) {
        const struct buy_task *task = &job->tasks[i];
        char name[LIMIT_NAME];
        buf_clear(&bytes);
        if (!task->has_quote || quote_encode(&task->quote, &bytes) != OK)
            continue;
        provider_name(node, &task->quote.provider, name);
        json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "task",
                                              json_u64(task->task), "quote",
                                              rpc_json_bytes(buf_bytes(&bytes)),
                                              "name", json_text(name)));
    }
    buf_done(&bytes);
    return list;
}

/* Tasks that have neither a quote nor a reason why not. */
static uint32_t tasks_open(const struct buy_job *job, uint32_t *out_unplaced)
{
    uint32_t open = 0;
    uint32_t unplaced = 0;
    for (uint32_t i = 0; i < job->task_count; i++) {
        const struct buy_task *task = &job->tasks[i];
        bool ended = buy_state_ended(task->state);
        if (task->has_quote && !ended)
            continue;
        if (ended || (task->state == BUY_WAITING && task->reason[0] != '\0'))
            unplaced++;
        else
            open++;
    }
    *out_unplaced = unplaced;
    return open;
}

static bool answer_quotes(struct node *node, struct control_call *call,
                          bool last)
{
    const struct buy_job *job = job_param(node, call);
    uint32_t unplaced = 0;
    uint32_t open;
    bool all = false;
    json_t *object;
    if (job == NULL || !param_bool_if(call, "all", &all))
        return true; /* answered */
    open = tasks_open(job, &unplaced);
    if (!last && (open > 0 || (all && unplaced > 0)) && job->ended_at_ms == 0)
        return false;
    object =
        json_pack("{s:s, s:o, s:o, s:o}", "state", buy_state_text(job->state),
                  "quotes", quotes_json(node, job), "unplaced",
                  json_u64(unplaced), "waiting_for", job_reason(node, job));
    if (unplaced > 0) {
        json_t *why = explain(node, job, QUOTES_LINES);
        json_object_set_new(object, "explain",
                            why != NULL ? why : json_object());
    }
    control_reply(call, object);
    return true;
}

void rpc_job_quotes(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"id", "wait_ms", "all", NULL};
    if (param_only(call, names))
        waiters_add(node->waiters, call, answer_quotes, param_wait(call));
}

/* ---- job.approve, drop, cancel ---- */

static void approve(struct node *node, struct control_call *call,
                    const struct buy_job *job, struct bytes approval)
{
    struct hash id = job->id;
    enum err err = buy_approve(node->buy, &id, approval, now_ms(node),
                               shell_buy_effects(node->shell));
    shell_carry_out_buy(node->shell);
    if (err != OK)
        control_refuse(call, err,
                       err == ERR_STATE ? "suan job show"
                                        : "the command once more",
                       "the approval is not taken");
    else
        shell_reply(node->shell, call, json_object());
}

void rpc_job_approve(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"id", "approval", NULL};
    const struct buy_job *job;
    struct buf approval;
    if (!param_only(call, names))
        return;
    job = job_param(node, call);
    if (job == NULL)
        return;
    buf_init(&approval, APPROVAL_BYTES_MAX);
    if (param_bytes(call, "approval", &approval))
        approve(node, call, job, buf_bytes(&approval));
    buf_done(&approval);
}

void rpc_job_drop(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"id", NULL};
    const struct buy_job *job;
    struct hash id;
    enum err err;
    if (!param_only(call, names))
        return;
    job = job_param(node, call);
    if (job == NULL)
        return;
    id = job->id;
    err =
        buy_drop(node->buy, &id, now_ms(node), shell_buy_effects(node->shell));
    shell_carry_out_buy(node->shell);
    if (err != OK)
        call_refuse(call, err,
                    err == ERR_STATE ? "its bill was approved" : NULL,
                    "suan cancel", "the job cannot be dropped");
    else
        shell_reply(node->shell, call, json_object());
}

void rpc_job_forget(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"id", NULL};
    const struct buy_job *job;
    struct hash id;
    enum err err;
    if (!param_only(call, names))
        return;
    if (graph_forgotten(node, call))
        return;
    job = job_param(node, call);
    if (job == NULL)
        return;
    id = job->id;
    err =
        buy_erase(node->buy, &id, now_ms(node), shell_buy_effects(node->shell));
    shell_carry_out_buy(node->shell);
    if (err != OK)
        call_refuse(call, err, err == ERR_STATE ? "it has not ended" : NULL,
                    "suan wait, or suan cancel, first",
                    "the job cannot be forgotten");
    else
        shell_reply(node->shell, call, json_object());
}

void rpc_job_cancel(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"id", "task", NULL};
    const struct buy_job *job;
    uint32_t task = UINT32_MAX;
    struct hash id;
    enum err err;
    if (!param_only(call, names))
        return;
    if (graph_cancelled(node, call))
        return;
    job = job_param(node, call);
    if (job == NULL || !job_task_param(call, job, &task))
        return;
    id = job->id;
    err = buy_cancel(node->buy, &id, task, now_ms(node),
                     shell_buy_effects(node->shell));
    shell_carry_out_buy(node->shell);
    if (err != OK)
        call_refuse(call, err,
                    err == ERR_STATE ? "it has ended, or its outputs are being "
                                       "fetched"
                                     : NULL,
                    "suan job show", "there is nothing left to cancel");
    else
        shell_reply(node->shell, call, json_object());
}

/* ---- looking ---- */

/* A graph is one line, in the place of its first part. */
static bool listed(struct node *node, const struct buy_job *job, bool all,
                   const char *state)
{
    uint32_t part = 0;
    const struct buy_graph *graph = buy_graph_of(node->buy, job, &part);
    if (job->draft || part > 0)
        return false; /* a question, not a job yet */
    if (graph != NULL && state != NULL)
        return strcmp(buy_state_text(graph->state), state) == 0;
    if (graph != NULL)
        return all || graph->ended_at_ms == 0;
    if (state != NULL)
        return strcmp(buy_state_text(job->state), state) == 0;
    return all || job->ended_at_ms == 0;
}

static json_t *line(struct node *node, const struct buy_job *job)
{
    uint32_t part = 0;
    const struct buy_graph *graph = buy_graph_of(node->buy, job, &part);
    return graph != NULL ? graph_line_json(node, graph)
                         : job_line_json(node, job);
}

/* Newest first; an answer has an end: the oldest are left out. */
static json_t *list_json(struct node *node, bool all, const char *state)
{
    const struct buy_job *newest[LIST_MAX];
    const struct buy_job *job = NULL;
    json_t *list = json_array();
    size_t count = 0;
    json_t *object;
    while ((job = buy_job_next(node->buy, job)) != NULL) {
        if (listed(node, job, all, state))
            newest[count++ % LIST_MAX] = job;
    }
    for (size_t i = count; i > 0 && count - i < LIST_MAX; i--)
        json_array_append_new(list, line(node, newest[(i - 1) % LIST_MAX]));
    object = json_pack("{s:o}", "jobs", list);
    if (count > LIST_MAX)
        json_object_set_new(object, "left_out", json_u64(count - LIST_MAX));
    return object;
}

static bool state_known(const char *state)
{
    for (unsigned i = BUY_WAITING; i <= BUY_EXPIRED; i++) {
        if (strcmp(buy_state_text((enum buy_state)i), state) == 0)
            return true;
    }
    return false;
}

void rpc_job_list(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"all", "state", NULL};
    const char *state = NULL;
    bool all = false;
    if (!param_only(call, names) || !param_bool_if(call, "all", &all) ||
        !param_text_if(call, "state", &state))
        return;
    if (state != NULL && !state_known(state)) {
        control_refuse(call, ERR_PARSE,
                       "WAITING, HELD, QUOTED, OPENING, STAGING, RUNNING, "
                       "PUBLISHING, FETCHING, SETTLING, EXPIRING, DONE, "
                       "FAILED, CANCELLED or EXPIRED",
                       "there is no state \"%.40s\"", state);
        return;
    }
    control_reply(call, list_json(node, all, state));
}

void rpc_job_show(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"id", "task", NULL};
    const struct buy_job *job;
    uint32_t task = UINT32_MAX;
    if (!param_only(call, names))
        return;
    if (graph_shown(node, call))
        return;
    job = job_param(node, call);
    if (job != NULL && job_task_param(call, job, &task))
        control_reply(call, job_show_json(node, job, task));
}

void rpc_job_events(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"id", NULL};
    struct feed_filter filter = {.kinds = 0};
    const struct buy_job *job;
    if (!param_only(call, names))
        return;
    job = job_param(node, call);
    if (job == NULL)
        return;
    filter.job = job->id;
    control_reply(call, feed_json(&node->feed, &filter, 0, NULL));
}

static bool answer_wait(struct node *node, struct control_call *call, bool last)
{
    const struct buy_job *job;
    bool done = true;
    if (graph_waited(node, call, last, &done))
        return done;
    job = job_param(node, call);
    if (job == NULL)
        return true; /* answered */
    done = job->ended_at_ms != 0 || job->state == BUY_DONE;
    if (!done && !last)
        return false;
    control_reply(call, json_pack("{s:s, s:b, s:i, s:o}", "state",
                                  buy_state_text(job->state), "done", (int)done,
                                  "exit_code", done ? job_exit_code(job) : 0,
                                  "reason", job_reason(node, job)));
    return true;
}

void rpc_job_wait(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"id", "wait_ms", NULL};
    if (param_only(call, names))
        waiters_add(node->waiters, call, answer_wait, param_wait(call));
}
