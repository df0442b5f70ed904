/* How many copies an availability takes, and who would have them. */

#include "node/control/rpc_reckon.h"

#include "base/check.h"
#include "node/control/job_view.h"
#include "node/control/rpc_help.h"
#include "node/shell/trade_shell.h"
#include "sched/target.h"

#define ARENA_MAX     (64u * 1024 * 1024)
#define REQUEST_ARENA (512u * 1024)

/* "99.97%", of what is missing to it. */
static json_t *share_json(uint32_t down_ppb)
{
    struct buf text;
    json_t *json;
    buf_init(&text, 64);
    target_format_short(down_ppb, &text);
    json = json_text(buf_cstr(&text));
    buf_done(&text);
    return json;
}

static json_t *account_json(const struct reliability_account *account)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:b}", "availability",
        share_json(account->down_ppb), "down_ppb", json_u64(account->down_ppb),
        "served", json_u64(account->served), "failed",
        json_u64(account->failed), "by_link", (int)account->by_link);
}

/* ---- market.reckon ---- */

static json_t *member_json(struct node *node, const struct book_member *member)
{
    json_t *object = account_json(&member->account);
    json_object_set_new(object, "provider",
                        json_address(node, &member->provider));
    json_object_set_new(object, "name", json_text(member->name));
    json_object_set_new(object, "bill_micro", json_amount(member->bill));
    return object;
}

static json_t *crew_json(struct node *node, const struct request *request,
                         const struct book_crew *crew)
{
    json_t *members = json_array();
    struct buf text;
    json_t *object;
    buf_init(&text, 400);
    book_crew_format(crew, &text);
    for (uint32_t i = 0; i < crew->count; i++)
        json_array_append_new(members, member_json(node, &crew->members[i]));
    object = json_pack(
        "{s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "target",
        share_json(request->terms.down_ppb), "target_ppb",
        json_u64(request->terms.down_ppb), "reached", (int)crew->reached,
        "copies", json_u64(crew->count), "availability",
        share_json(crew->down_ppb), "down_ppb", json_u64(crew->down_ppb),
        "fits", json_u64(crew->fits), "known", json_u64(crew->known),
        "bill_micro", json_amount(crew->bill), "providers", members, "text",
        json_text(buf_cstr(&text)));
    buf_done(&text);
    return object;
}

static void reckon(struct node *node, struct control_call *call,
                   const struct request *request)
{
    struct book_crew crew;
    struct arena arena;
    enum err err;
    arena_init(&arena, ARENA_MAX);
    err = book_reckon(buy_book(node->buy), request, shell_now_ms(node->shell),
                      &arena, &crew);
    if (err != OK)
        control_refuse(call, err,
                       err == ERR_RANGE ? "--availability 99.9%" : NULL,
                       "the availability cannot be reckoned");
    else
        control_reply(call, crew_json(node, request, &crew));
    arena_done(&arena);
}

void rpc_market_reckon(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"request", NULL};
    struct request request;
    struct arena arena;
    struct buf bytes;
    enum err err;
    buf_init(&bytes, REQUEST_BYTES_MAX);
    arena_init(&arena, REQUEST_ARENA);
    if (param_only(call, names) && param_bytes(call, "request", &bytes)) {
        err = request_decode(buf_bytes(&bytes), &arena, &request);
        if (err != OK)
            control_refuse(call, err, "suan version, on both sides",
                           "this is no request");
        else
            reckon(node, call, &request);
    }
    arena_done(&arena);
    buf_done(&bytes);
}

/* ---- of a job ---- */

/* One work's copies, where they are now; parts of 10^9. A copy that has no
 * place, or is at somebody of whom nothing is known, does not help. */
static uint64_t work_down(struct node *node, const struct buy_job *job,
                          uint32_t work, uint32_t apart)
{
    const struct request *request = &job->request;
    uint64_t down = TARGET_ONE;
    for (uint32_t i = work; i < job->task_count; i += apart) {
        struct reliability_account account;
        const struct buy_task *task = &job->tasks[i];
        if (task->state == BUY_DONE)
            return 0;
        if (buy_state_ended(task->state) || pubkey_is_zero(&task->provider) ||
            !book_reliability(buy_book(node->buy), &task->provider,
                              request->time_ms_max, &account))
            continue;
        down = (down * account.down_ppb + TARGET_ONE - 1) / TARGET_ONE;
    }
    return down;
}

static uint32_t works_done(const struct buy_job *job, uint32_t apart)
{
    uint32_t count = 0;
    for (uint32_t work = 0; work < apart; work++) {
        bool done = false;
        for (uint32_t i = work; i < job->task_count; i += apart)
            done = done || job->tasks[i].state == BUY_DONE;
        count += done;
    }
    return count;
}

/* Who has copies of it, each once. */
static json_t *holders_json(struct node *node, const struct buy_job *job)
{
    json_t *list = json_array();
    const struct request *request = &job->request;
    for (uint32_t i = 0; i < job->task_count; i++) {
        const struct buy_task *task = &job->tasks[i];
        struct reliability_account account = {.down_ppb = TARGET_ONE};
        char name[LIMIT_NAME];
        json_t *object;
        bool seen = pubkey_is_zero(&task->provider);
        for (uint32_t k = 0; k < i && !seen; k++)
            seen = pubkey_equal(&job->tasks[k].provider, &task->provider);
        if (seen || json_array_size(list) >= 64)
            continue;
        (void)book_reliability(buy_book(node->buy), &task->provider,
                               request->time_ms_max, &account);
        provider_name(node, &task->provider, name);
        object = account_json(&account);
        json_object_set_new(object, "provider",
                            json_address(node, &task->provider));
        json_object_set_new(object, "name", json_text(name));
        json_array_append_new(list, object);
    }
    return list;
}

/* "99.9% asked; with 2 copies now 99.97%: north 97.1%, south 99%". */
static json_t *told_json(const struct buy_job *job, uint32_t done,
                         uint32_t apart, uint32_t worst, const json_t *holders)
{
    const struct policy_terms *terms = &job->request.terms;
    uint32_t copies = policy_copies(terms);
    struct buf text;
    json_t *holder;
    json_t *json;
    size_t i;
    buf_init(&text, 16384);
    target_format(terms->down_ppb, &text);
    if (job->ended_at_ms != 0) {
        buf_addf(&text, " asked, %u cop%s; %u of %u tasks done", copies,
                 copies == 1 ? "y" : "ies", done, apart);
    } else {
        buf_addf(&text, " asked; with %u cop%s now ", copies,
                 copies == 1 ? "y" : "ies");
        target_format_short(worst, &text);
    }
    json_array_foreach(holders, i, holder)
    {
        buf_addf(&text, "%s%s %s", i == 0 ? ": " : ", ",
                 json_string_value(json_object_get(holder, "name")),
                 json_string_value(json_object_get(holder, "availability")));
    }
    json = json_text(buf_cstr(&text));
    buf_done(&text);
    return json;
}

json_t *availability_json(struct node *node, const struct buy_job *job)
{
    const struct policy_terms *terms = &job->request.terms;
    uint32_t apart = job->task_count / policy_copies(terms);
    bool ended = job->ended_at_ms != 0;
    uint32_t worst = 1;
    uint32_t done;
    json_t *holders;
    json_t *text;
    if (terms->down_ppb == 0 || node->buy == NULL)
        return json_null();
    CHECK(apart > 0);
    for (uint32_t work = 0; work < apart; work++) {
        uint64_t down = work_down(node, job, work, apart);
        worst = down > worst ? (uint32_t)down : worst;
    }
    done = works_done(job, apart);
    holders = holders_json(node, job);
    text = told_json(job, done, apart, worst, holders);
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "target",
                     share_json(terms->down_ppb), "target_ppb",
                     json_u64(terms->down_ppb), "copies",
                     json_u64(policy_copies(terms)), "tasks", json_u64(apart),
                     "done", json_u64(done), "availability",
                     ended ? json_null() : share_json(worst), "down_ppb",
                     ended ? json_null() : json_u64(worst), "providers",
                     holders, "text", text);
}
