#include "node/control/chosen_view.h"

#include "node/control/job_view.h"
#include "node/control/rpc_help.h"

#include <string.h>

static const char *grade_of(const struct node *node,
                            const struct buy_task *task)
{
    const struct tier *tier =
        task->has_quote ? tier_of(&node->tiers, &task->quote.grade) : NULL;
    return tier != NULL ? tier->name : NULL;
}

static json_t *text_of(const char *name, const char *grade,
                       const struct buy_task *task)
{
    struct buf text;
    json_t *json;
    buf_init(&text, 512);
    buf_addf(&text, "%s", name);
    if (grade != NULL)
        buf_addf(&text, ", grade %s", grade);
    if (task->has_score)
        buf_addf(&text, ", score %u", task->score);
    if (task->why[0] != '\0')
        buf_addf(&text, ": %s", task->why);
    json = json_text(buf_cstr(&text));
    buf_done(&text);
    return json;
}

static json_t *one_json(struct node *node, const struct buy_job *job,
                        const struct buy_task *task)
{
    const char *grade = grade_of(node, task);
    char name[LIMIT_NAME];
    bool by_speed = job->request.policy == POLICY_FASTEST ||
                    job->request.terms.weights[PART_SPEED] > 0;
    provider_name(node, &task->provider, name);
    return json_pack(
        "{s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o}", "provider",
        json_address(node, &task->provider), "name", json_text(name), "tasks",
        1, "score", task->has_score ? json_u64(task->score) : json_null(),
        "rank_text", json_text(task->why), "grade",
        grade != NULL ? json_text(grade) : json_null(), "class",
        by_speed ? json_string(speed_class_text(job->request.terms.speed))
                 : json_null(),
        "text", text_of(name, grade, task));
}

/* The row of a provider; NULL when it has none. */
static json_t *row_of(json_t *rows, const json_t *address)
{
    json_t *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        if (json_equal(json_object_get(row, "provider"), address))
            return row;
    }
    return NULL;
}

json_t *chosen_json(struct node *node, const struct buy_job *job)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; i < job->task_count; i++) {
        const struct buy_task *task = &job->tasks[i];
        json_t *address;
        json_t *row;
        if (pubkey_is_zero(&task->provider))
            continue;
        address = json_address(node, &task->provider);
        row = row_of(rows, address);
        json_decref(address);
        if (row != NULL)
            json_object_set_new(
                row, "tasks",
                json_integer(json_integer_value(json_object_get(row, "tasks")) +
                             1));
        else if (json_array_size(rows) < CHOSEN_SHOWN)
            json_array_append_new(rows, one_json(node, job, task));
    }
    return rows;
}

/* What was true of it when it was chosen, where it does not fit any more. */
static void put_figures(json_t *offer, const json_t *row)
{
    const json_t *text = json_object_get(offer, "rank_text");
    json_object_set(offer, "chosen", json_object_get(row, "tasks"));
    if (json_string_length(text) > 0)
        return;
    json_object_set(offer, "score", json_object_get(row, "score"));
    json_object_set(offer, "rank_text", json_object_get(row, "rank_text"));
}

void chosen_mark(struct node *node, const struct buy_job *job, json_t *offers)
{
    json_t *rows = chosen_json(node, job);
    json_t *offer;
    size_t first = 0;
    size_t i;
    json_array_foreach(offers, i, offer)
    {
        const json_t *row = row_of(rows, json_object_get(offer, "provider"));
        json_object_set_new(offer, "chosen", json_integer(0));
        if (row == NULL)
            continue;
        put_figures(offer, row);
        json_incref(offer);
        (void)json_array_remove(offers, i);
        (void)json_array_insert_new(offers, first++, offer);
    }
    json_decref(rows);
}
