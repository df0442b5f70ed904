/* The market as a recorder asks for it: docs/control.md, "market.tape". */

#include "node/control/rpc_tape.h"

#include "node/control/job_view.h"
#include "node/control/rpc_help.h"
#include "node/control/rpc_market.h"
#include "node/shell/trade_shell.h"

#define OFFERS_A_CALL 100u
#define JOBS_A_CALL   200u

static json_t *offers_json(struct node *node, uint64_t now_ms, uint32_t *cursor)
{
    struct book_offer known;
    json_t *list = json_array();
    for (uint32_t i = 0; i < OFFERS_A_CALL; i++) {
        json_t *object;
        if (!book_offer_next(buy_book(node->buy), cursor, now_ms, &known)) {
            *cursor = 0;
            break;
        }
        object = offer_json(node, &known.offer);
        json_object_set_new(object, "rtt_us", json_u64(known.rtt_us));
        json_array_append_new(list, object);
    }
    return list;
}

/* How long its longest task ran; 0: none has. */
static uint64_t run_ms(const struct buy_job *job)
{
    uint64_t longest = 0;
    for (uint32_t i = 0; i < job->task_count; i++) {
        if (job->tasks[i].wall_ms > longest)
            longest = job->tasks[i].wall_ms;
    }
    return longest;
}

static json_t *jobs_json(struct node *node, uint64_t since_ms)
{
    const struct buy_job *job = NULL;
    json_t *list = json_array();
    while ((job = buy_job_next(node->buy, job)) != NULL &&
           json_array_size(list) < JOBS_A_CALL) {
        char salt[2 * DEMAND_SALT_LEN + 1];
        json_t *object;
        if (job->created_at_ms < since_ms)
            continue;
        hex_encode(BYTES_OF(job->request.salt), salt);
        object = request_json(node, &job->request);
        json_object_set_new(object, "id", json_hash(&job->id));
        json_object_set_new(object, "salt", json_string(salt));
        json_object_set_new(object, "name", json_text(job->name));
        json_object_set_new(object, "made_at_ms", json_u64(job->created_at_ms));
        json_object_set_new(object, "ended", json_boolean(job->ended_at_ms));
        json_object_set_new(object, "run_ms", json_u64(run_ms(job)));
        json_array_append_new(list, object);
    }
    return list;
}

void rpc_market_tape(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"cursor", "since_ms", NULL};
    uint64_t now_ms = shell_now_ms(node->shell);
    uint64_t cursor = 0;
    uint64_t since_ms = UINT64_MAX;
    uint32_t next;
    json_t *offers;
    if (!param_only(call, names) ||
        !param_uint_if(call, "cursor", UINT32_MAX, &cursor) ||
        !param_uint_if(call, "since_ms", INT64_MAX, &since_ms))
        return;
    next = (uint32_t)cursor;
    offers = offers_json(node, now_ms, &next);
    control_reply(call,
                  json_pack("{s:o, s:o, s:o, s:o}", "now_ms", json_u64(now_ms),
                            "offers", offers, "next", json_u64(next), "jobs",
                            jobs_json(node, since_ms)));
}
