#include "node/control/job_view.h"

#include "base/check.h"
#include "node/chain/chain_watch.h"
#include "node/control/chosen_view.h"
#include "node/control/rpc_help.h"
#include "node/control/rpc_reckon.h"
#include "sched/policy.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EXIT_TIME_LIMIT    124
#define EXIT_MARKET_FAILED 125
#define EXIT_INTERRUPTED   130
#define EXIT_MEMORY_LIMIT  137
#define SPEC_ARENA         (512u * 1024)
#define TEXT_SHOWN_MAX     SPEC_TEXT_MAX
#define STATES             16u

/* ---- how it ended, as a number ---- */

/* It never came to a contract, or its end is not known by a reason. */
static int code_without_end(const struct buy_task *task)
{
    switch (task->state) {
    case BUY_CANCELLED:
        return EXIT_INTERRUPTED;
    case BUY_EXPIRED:
        return EXIT_NO_OFFER;
    case BUY_FAILED:
        return task->err == ERR_FUNDS ? EXIT_FUNDS : EXIT_MARKET_FAILED;
    case BUY_WAITING:
    case BUY_HOLDING:
    case BUY_QUOTED:
    case BUY_OPENING:
    case BUY_STAGING:
    case BUY_RUNNING:
    case BUY_PUBLISHING:
    case BUY_DELIVERED:
    case BUY_SETTLING:
    case BUY_EXPIRING:
    case BUY_CANCELLING:
    case BUY_DONE:
        break;
    }
    return 0;
}

int task_exit_code(const struct buy_task *task)
{
    if (!buy_state_ended(task->state))
        return 0;
    switch (task->end) {
    case END_DONE:
        return 0;
    case END_JOB_FAILED:
    case END_OUTPUT_LIMIT:
        return task->exit_code != 0 ? (int)(task->exit_code & 0xff) : 1;
    case END_TIME_LIMIT:
        return EXIT_TIME_LIMIT;
    case END_MEMORY_LIMIT:
        return EXIT_MEMORY_LIMIT;
    case END_BUYER_CANCELLED:
        return EXIT_INTERRUPTED;
    case END_PROVIDER_REFUSED:
    case END_PROVIDER_LOST:
    case END_STAGING_FAILED:
    case END_EXECUTOR_FAILED:
    case END_RESULT_MISSING:
    case END_PROVIDER_DRAIN:
    case END_BUYER_LOST:
    case END_NOT_STARTED:
    case END_GIVEN_UP:
        return task->state == BUY_CANCELLED ? EXIT_INTERRUPTED
                                            : EXIT_MARKET_FAILED;
    case END_NONE:
        break;
    }
    return code_without_end(task);
}

bool task_has_contract(const struct buy_task *task)
{
    return task->state >= BUY_OPENING && task->at_ms[BUY_OPENING] != 0 &&
           !hash_is_zero(&task->contract);
}

int job_exit_code(const struct buy_job *job)
{
    if (job->state == BUY_DONE)
        return 0; /* of copies one was enough */
    for (uint32_t i = 0; i < job->task_count; i++) {
        int code = task_exit_code(&job->tasks[i]);
        if (code != 0)
            return code;
    }
    return 0;
}

/* Does it go on with the next block, and not before? */
static bool waits_for_block(enum buy_state state)
{
    return state == BUY_OPENING || state == BUY_PUBLISHING ||
           state == BUY_DELIVERED || state == BUY_SETTLING ||
           state == BUY_EXPIRING || state == BUY_CANCELLING;
}

/* Its own reason, or the chain's. */
static json_t *reason_of(struct node *node, enum buy_state state,
                         const char *own)
{
    char text[CHAIN_WATCH_TEXT];
    if (own[0] == '\0' && waits_for_block(state) && chain_watch_why(node, text))
        return json_text(text);
    return json_text(own);
}

/* "17:48:10Z", with the day if it is not today. */
static void moment_text(uint64_t at_ms, char out[32])
{
    time_t at = (time_t)(at_ms / 1000);
    time_t now = (time_t)(node_wall_ms() / 1000);
    struct tm tm;
    bool today = at / 86400 == now / 86400;
    if (gmtime_r(&at, &tm) == NULL ||
        strftime(out, 32, today ? "%H:%M:%SZ" : "%Y-%m-%d %H:%M:%SZ", &tm) == 0)
        snprintf(out, 32, "?");
}

/* Where it waits, and what it was promised: in moments, so that it is the same
 * as long as nothing changes. */
static void queued_text(struct node *node, const struct buy_task *task,
                        char out[sizeof(task->reason) + 128])
{
    const char *says = strstr(task->reason, "queued");
    char name[LIMIT_NAME];
    char by[32];
    char plan[32] = "never";
    provider_name(node, &task->provider, name);
    moment_text(task->quote.start_by_ms, by);
    if (task->begin_ms != LINE_NEVER)
        moment_text(task->begin_ms, plan);
    snprintf(out, sizeof(task->reason) + 128,
             "%.100s, at %s; starts by %s, by the plan at %s",
             says != NULL ? says : "queued", name, by, plan);
}

static json_t *task_reason(struct node *node, const struct buy_task *task)
{
    char text[sizeof(task->reason) + 128];
    if (task->begin_ms == 0 || task->state != BUY_STAGING)
        return reason_of(node, task->state, task->reason);
    queued_text(node, task, text);
    return json_text(text);
}

json_t *job_reason(struct node *node, const struct buy_job *job)
{
    for (uint32_t i = 0; i < job->task_count; i++) {
        const struct buy_task *task = &job->tasks[i];
        if (task->state == job->state && task->reason[0] != '\0')
            return task_reason(node, task);
    }
    return reason_of(node, job->state, "");
}

/* ---- small shapes ---- */

void provider_name(struct node *node, const struct pubkey *provider,
                   char out[LIMIT_NAME])
{
    struct book_offer offer;
    char hex[9];
    out[0] = '\0';
    if (pubkey_is_zero(provider))
        return;
    if (node->buy != NULL &&
        book_offer_get(buy_book(node->buy), provider, node_wall_ms(), &offer) &&
        offer.offer.name[0] != '\0') {
        memcpy(out, offer.offer.name, LIMIT_NAME);
        return;
    }
    hex_encode(bytes_make(provider->b, 4), hex);
    snprintf(out, LIMIT_NAME, "provider %s", hex);
}

/* Bytes of a spec: text, as a rule. */
static json_t *json_bytes_text(struct bytes bytes)
{
    char text[TEXT_SHOWN_MAX + 1];
    json_t *value = json_stringn((const char *)bytes.ptr, bytes.len);
    if (value != NULL)
        return value;
    CHECK(bytes.len <= TEXT_SHOWN_MAX);
    for (size_t i = 0; i < bytes.len; i++)
        text[i] =
            (char)(bytes.ptr[i] < 0x20 || bytes.ptr[i] > 0x7e ? '?'
                                                              : bytes.ptr[i]);
    return json_stringn(text, bytes.len);
}

static json_t *json_texts(const struct bytes *list, uint32_t count)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(array, json_bytes_text(list[i]));
    return array;
}

static json_t *env_json(const struct spec *spec)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < spec->env_count; i++)
        json_array_append_new(
            array,
            json_pack("{s:o, s:o}", "name", json_bytes_text(spec->env[i].name),
                      "value", json_bytes_text(spec->env[i].value)));
    return array;
}

static void put_resources(json_t *object, const struct resources *r)
{
    json_object_set_new(object, "cpu_milli", json_u64(r->cpu_milli));
    json_object_set_new(object, "mem_mib", json_u64(r->mem_mib));
    json_object_set_new(object, "disk_mib", json_u64(r->disk_mib));
    json_object_set_new(object, "nic_kbit", json_u64(r->nic_kbit));
}

static void put_wish(json_t *object, const struct device_wish *wish)
{
    struct buf text;
    buf_init(&text, 512);
    device_wish_format(wish, &text);
    json_object_set_new(object, "devices",
                        wish->count == 0 ? json_null()
                                         : json_text(buf_cstr(&text)));
    json_object_set_new(object, "device_mem_mib", json_u64(wish->mem_mib));
    buf_done(&text);
}

/* Where its tasks may be. */
static void put_places(json_t *object, const struct request *request)
{
    json_t *zones = json_array();
    json_t *tolerate = json_array();
    json_t *with = json_array();
    json_t *apart = json_array();
    struct buf spread;
    for (uint32_t i = 0; i < request->zone_count; i++)
        json_array_append_new(zones, json_text(request->zones[i]));
    for (uint32_t i = 0; i < request->toleration_count; i++) {
        char text[CONSTRAINT_TEXT_MAX];
        constraint_format(&request->tolerations[i], text);
        json_array_append_new(tolerate, json_text(text));
    }
    for (uint32_t i = 0; i < request->affinity_count; i++)
        json_array_append_new(request->affinities[i].apart ? apart : with,
                              json_hash(&request->affinities[i].request));
    buf_init(&spread, 256);
    spread_format(&request->spread, &spread);
    json_object_set_new(object, "zones", zones);
    json_object_set_new(object, "tolerate", tolerate);
    json_object_set_new(object, "with", with);
    json_object_set_new(object, "apart", apart);
    json_object_set_new(object, "spread",
                        spread.len > 0 ? json_text(buf_cstr(&spread))
                                       : json_null());
    buf_done(&spread);
}

json_t *spec_json(struct bytes encoded)
{
    struct arena arena;
    struct spec spec;
    json_t *object = NULL;
    arena_init(&arena, SPEC_ARENA);
    if (spec_decode(encoded, &arena, &spec) == OK) {
        object = json_pack(
            "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "image",
            json_hash(&spec.image), "args",
            json_texts(spec.args, spec.arg_count), "env", env_json(&spec),
            "inputs", json_hash(&spec.inputs), "outputs",
            json_texts(spec.outputs, spec.output_count), "pids_max",
            json_u64(spec.pids_max), "time_ms_max", json_u64(spec.time_ms_max),
            "log_bytes_max", json_u64(spec.log_bytes_max));
        put_resources(object, &spec.resources);
        put_wish(object, &spec.devices);
    }
    arena_done(&arena);
    return object != NULL ? object : json_null();
}

json_t *request_json(struct node *node, const struct request *request)
{
    json_t *constraints = json_array();
    json_t *object;
    struct buf terms;
    for (uint32_t i = 0; i < request->constraint_count; i++) {
        char text[CONSTRAINT_TEXT_MAX];
        constraint_format(&request->constraints[i], text);
        json_array_append_new(constraints, json_text(text));
    }
    object = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o}",
        "buyer", json_address(node, &request->buyer), "agent",
        json_address(node, &request->agent), "created_at_ms",
        json_u64(request->created_at_ms), "expires_at_ms",
        json_u64(request->expires_at_ms), "spec", json_hash(&request->spec),
        "tasks", json_u64(request->tasks), "attempts_max",
        json_u64(request->attempts_max), "time_ms_max",
        json_u64(request->time_ms_max), "arch", arch_text(request->arch),
        "policy", policy_text(request->policy), "price_max_micro",
        json_amount(request->price_max), "only_seller",
        json_address(node, &request->only_seller), "constraints", constraints);
    json_object_set_new(object, "patience_ms", json_u64(request->patience_ms));
    put_resources(object, &request->resources);
    put_wish(object, &request->devices);
    put_places(object, request);
    buf_init(&terms, 2048);
    policy_terms_format(&request->terms, node->prefix, &terms);
    json_object_set_new(object, "policy_terms", json_text(buf_cstr(&terms)));
    buf_done(&terms);
    return object;
}

/* ---- tasks ---- */

/* "OPENING" -> "opening_at_ms": {} holds what was reached. */
static json_t *times_json(const struct buy_task *task)
{
    json_t *times = json_object();
    for (unsigned i = 1; i < STATES; i++) {
        const char *name = buy_state_text((enum buy_state)i);
        char key[32];
        size_t len = 0;
        if (task->at_ms[i] == 0)
            continue;
        for (; len < 20 && name[len] != '\0'; len++)
            key[len] = (char)tolower((unsigned char)name[len]);
        snprintf(key + len, sizeof(key) - len, "_at_ms");
        json_object_set_new(times, key, json_u64(task->at_ms[i]));
    }
    return times;
}

static struct amount due_of(const struct buy_task *task)
{
    return amount_is_zero(task->due) ? task->receipt.due : task->due;
}

static void put_usage(json_t *object, const struct buy_task *task)
{
    json_object_set_new(object, "wall_ms", json_u64(task->wall_ms));
    json_object_set_new(object, "cpu_ms", json_u64(task->cpu_ms));
    json_object_set_new(object, "due_micro", json_amount(due_of(task)));
    json_object_set_new(object, "cap_micro",
                        task->has_quote ? json_amount(task->quote.cap)
                                        : json_u64(0));
    json_object_set_new(object, "exit_code",
                        buy_state_ended(task->state)
                            ? json_integer(task_exit_code(task))
                            : json_null());
    json_object_set_new(object, "end_reason",
                        task->end == END_NONE
                            ? json_null()
                            : json_string(end_reason_text(task->end)));
}

static void put_rest(json_t *object, struct node *node,
                     const struct buy_task *task)
{
    json_object_set_new(object, "provider",
                        json_address(node, &task->provider));
    json_object_set_new(
        object, "phase",
        json_string(task->phase != 0 ? job_phase_text(task->phase) : ""));
    json_object_set_new(
        object, "begins_at_ms",
        json_u64(task->state == BUY_STAGING ? task->begin_ms : 0));
    json_object_set_new(
        object, "start_by_ms",
        json_u64(task_has_contract(task) ? task->quote.start_by_ms : 0));
    json_object_set_new(object, "staged_bytes", json_u64(task->staged));
    json_object_set_new(object, "staged_total", json_u64(task->staged_total));
    json_object_set_new(object, "mem_peak_mib", json_u64(task->mem_peak_mib));
    json_object_set_new(object, "paid_micro", json_amount(task->paid));
    json_object_set_new(object, "refunded_micro", json_amount(task->refunded));
    json_object_set_new(object, "slashed_micro", json_amount(task->slashed));
    json_object_set_new(object, "paid_before_micro",
                        json_amount(task->paid_before));
    json_object_set_new(object, "slashed_before_micro",
                        json_amount(task->slashed_before));
    json_object_set_new(object, "result", json_hash(&task->result));
    json_object_set_new(object, "log", json_hash(&task->log));
    json_object_set_new(object, "fetched", json_boolean(task->fetched));
    json_object_set_new(object, "stdout_bytes", json_u64(task->log_len[0]));
    json_object_set_new(object, "stderr_bytes", json_u64(task->log_len[1]));
    json_object_set_new(object, "since_at_ms", json_u64(task->since_ms));
    json_object_set_new(object, "retry_at_ms",
                        task->retry_at_ms == BOOK_FOREVER
                            ? json_u64(0)
                            : json_u64(task->retry_at_ms));
    json_object_set_new(object, "times", times_json(task));
}

json_t *task_json(struct node *node, const struct buy_job *job,
                  const struct buy_task *task, bool full)
{
    char name[LIMIT_NAME];
    json_t *object;
    CHECK(task >= job->tasks && task < job->tasks + job->task_count);
    provider_name(node, &task->provider, name);
    object = json_pack(
        "{s:o, s:o, s:s, s:o, s:o, s:o}", "task", json_u64(task->task),
        "attempt", json_u64(task->attempt), "state",
        buy_state_text(task->state), "reason", task_reason(node, task),
        "provider_name", json_text(name), "contract",
        task_has_contract(task) ? json_hash(&task->contract) : json_null());
    put_usage(object, task);
    if (full)
        put_rest(object, node, task);
    return object;
}

/* ---- jobs ---- */

static json_t *by_state_json(const struct buy_job *job)
{
    uint32_t counts[STATES] = {0};
    json_t *object = json_object();
    for (uint32_t i = 0; i < job->task_count; i++) {
        CHECK((unsigned)job->tasks[i].state < STATES);
        counts[job->tasks[i].state]++;
    }
    for (unsigned i = 1; i < STATES; i++) {
        if (counts[i] > 0)
            json_object_set_new(object, buy_state_text((enum buy_state)i),
                                json_u64(counts[i]));
    }
    return object;
}

/* The most it may cost: as approved, or as quoted so far. */
static struct amount cap_of(const struct buy_job *job)
{
    struct amount sum = {0};
    if (job->approved) {
        if (amount_mul(job->task_cap, job->task_count, &sum) != OK)
            sum = amount_micro(UINT64_MAX);
        return sum;
    }
    for (uint32_t i = 0; i < job->task_count; i++) {
        const struct buy_task *task = &job->tasks[i];
        if (task->has_quote && amount_add(sum, task->quote.cap, &sum) != OK)
            return amount_micro(UINT64_MAX);
    }
    return sum;
}

static struct amount paid_of(const struct buy_job *job)
{
    struct amount sum = {0};
    for (uint32_t i = 0; i < job->task_count; i++) {
        if (amount_add(sum, job->tasks[i].paid_before, &sum) != OK ||
            amount_add(sum, job->tasks[i].paid, &sum) != OK)
            return amount_micro(UINT64_MAX);
    }
    return sum;
}

static json_t *seller_json(struct node *node, const struct buy_job *job)
{
    if (!pubkey_is_zero(&job->request.only_seller))
        return json_address(node, &job->request.only_seller);
    return job->task_count == 1 ? json_address(node, &job->tasks[0].provider)
                                : json_null();
}

json_t *job_line_json(struct node *node, const struct buy_job *job)
{
    return json_pack(
        "{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
        json_hash(&job->id), "name", json_text(job->name), "state",
        buy_state_text(job->state), "reason", job_reason(node, job), "tasks",
        json_u64(job->task_count), "tasks_by_state", by_state_json(job),
        "created_at_ms", json_u64(job->created_at_ms), "ended_at_ms",
        json_u64(job->ended_at_ms), "paid_micro", json_amount(paid_of(job)),
        "cap_micro", json_amount(cap_of(job)), "seller",
        seller_json(node, job));
}

struct moment {
    uint64_t at_ms;
    uint32_t task;
    uint32_t state; /* 0: the job was made */
};

static int compare_moments(const void *left, const void *right)
{
    const struct moment *a = left;
    const struct moment *b = right;
    if (a->at_ms != b->at_ms)
        return a->at_ms < b->at_ms ? -1 : 1;
    if (a->task != b->task)
        return a->task < b->task ? -1 : 1;
    return a->state < b->state ? -1 : a->state > b->state;
}

static json_t *moment_json(const struct buy_job *job, const struct moment *m)
{
    const char *state = buy_state_text((enum buy_state)m->state);
    char what[64];
    if (m->state == 0)
        snprintf(what, sizeof(what), "submitted");
    else if (job->task_count == 1)
        snprintf(what, sizeof(what), "%s", state);
    else
        snprintf(what, sizeof(what), "task %u: %s", m->task, state);
    return json_pack("{s:o, s:s}", "at_ms", json_u64(m->at_ms), "what", what);
}

json_t *timeline_json(const struct buy_job *job)
{
    json_t *array = json_array();
    size_t count = 0;
    size_t first;
    struct moment *list =
        calloc((size_t)job->task_count * STATES + 1, sizeof(*list));
    if (list == NULL)
        return array;
    list[count++] = (struct moment){job->created_at_ms, 0, 0};
    for (uint32_t i = 0; i < job->task_count; i++) {
        for (uint32_t s = BUY_HOLDING; s < STATES; s++) {
            if (job->tasks[i].at_ms[s] != 0)
                list[count++] = (struct moment){job->tasks[i].at_ms[s], i, s};
        }
    }
    qsort(list, count, sizeof(*list), compare_moments);
    first = count > JOB_VIEW_TIMELINE ? count - JOB_VIEW_TIMELINE : 0;
    for (size_t i = first; i < count; i++)
        json_array_append_new(array, moment_json(job, &list[i]));
    free(list);
    return array;
}

json_t *job_show_json(struct node *node, const struct buy_job *job,
                      uint32_t task)
{
    json_t *object = job_line_json(node, job);
    json_t *tasks = json_array();
    bool full = job->task_count <= JOB_VIEW_FULL_TASKS || task != UINT32_MAX;
    for (uint32_t i = 0; i < job->task_count; i++) {
        if (task == UINT32_MAX || task == i)
            json_array_append_new(tasks,
                                  task_json(node, job, &job->tasks[i], full));
    }
    json_object_set_new(object, "task_count", json_u64(job->task_count));
    json_object_set_new(object, "draft", json_boolean(job->draft));
    json_object_set_new(object, "approved", json_boolean(job->approved));
    json_object_set_new(object, "tasks", tasks);
    json_object_set_new(object, "spec", spec_json(job->spec_bytes));
    json_object_set_new(object, "request", request_json(node, &job->request));
    json_object_set_new(object, "availability", availability_json(node, job));
    json_object_set_new(object, "chosen", chosen_json(node, job));
    json_object_set_new(object, "timeline", timeline_json(job));
    return object;
}
