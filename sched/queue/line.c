#include "sched/queue/line.h"

#include <string.h>

#include "base/check.h"

static const char *const rule_names[] = {"off", "easy", "conservative"};

const char *line_rule_text(enum line_rule rule)
{
    CHECK(rule <= LINE_CONSERVATIVE);
    return rule_names[rule];
}

enum err line_rule_parse(const char *text, enum line_rule *out)
{
    for (unsigned i = 0; i <= LINE_CONSERVATIVE; i++) {
        if (strcmp(text, rule_names[i]) != 0)
            continue;
        *out = (enum line_rule)i;
        return OK;
    }
    return ERR_PARSE;
}

/* ---- one job in the room ---- */

static uint64_t later_by(uint64_t at_ms, uint64_t duration_ms)
{
    return duration_ms > LINE_NEVER - 1 - at_ms ? LINE_NEVER - 1
                                                : at_ms + duration_ms;
}

static uint64_t end_ms(const struct line_job *job, uint64_t begin_ms)
{
    uint64_t runs_ms =
        begin_ms > job->not_ready_ms ? begin_ms : job->not_ready_ms;
    return later_by(runs_ms, job->lasts_ms);
}

static bool is_placed(const struct line_job *job)
{
    return job->planned_ms != LINE_NEVER;
}

static enum err take(struct room *room, const struct line_job *job)
{
    return room_take(room, &job->want, job->devices, job->planned_ms,
                     end_ms(job, job->planned_ms));
}

static enum err give(struct room *room, const struct line_job *job)
{
    if (!is_placed(job))
        return OK;
    return room_give(room, &job->want, job->devices, job->planned_ms,
                     end_ms(job, job->planned_ms));
}

/* The first moment from from_ms on; who is not ready soon needs room for longer
 * the earlier it begins, so both are tried. */
static enum err find(const struct room *room, const struct line_job *job,
                     uint64_t from_ms, uint64_t *out_ms, uint32_t *out_devices)
{
    uint64_t then_ms;
    uint32_t then_devices;
    enum err err = room_find(room, &job->want, end_ms(job, from_ms) - from_ms,
                             from_ms, out_ms, out_devices);
    if (err != OK || job->not_ready_ms <= from_ms ||
        *out_ms <= job->not_ready_ms)
        return err;
    TRY(room_find(room, &job->want, job->lasts_ms, job->not_ready_ms, &then_ms,
                  &then_devices));
    if (then_ms < *out_ms) {
        *out_ms = then_ms;
        *out_devices = then_devices;
    }
    return OK;
}

/* Finds and takes; without room it is planned never. Faults. */
static enum err put(struct room *room, struct line_job *job, uint64_t from_ms)
{
    enum err err = find(room, job, from_ms, &job->planned_ms, &job->devices);
    if (err == ERR_CAPACITY) {
        job->planned_ms = LINE_NEVER;
        job->devices = 0;
        return OK;
    }
    TRY(err);
    return take(room, job);
}

/* ---- the last plan, once more ---- */

/* On the devices it had, or on others. ERR_CAPACITY: not at that moment. */
static enum err put_at(struct room *room, struct line_job *job, uint64_t at_ms)
{
    uint64_t found_ms;
    job->planned_ms = at_ms;
    if ((uint32_t)__builtin_popcount(job->devices) == job->want.devices &&
        (job->devices & ~job->want.among) == 0 &&
        job->devices >> room->device_count == 0) {
        enum err err = take(room, job);
        if (err != ERR_CAPACITY)
            return err;
    }
    TRY(find(room, job, at_ms, &found_ms, &job->devices));
    if (found_ms != at_ms)
        return ERR_CAPACITY;
    return take(room, job);
}

/* All where they were, or now if that has passed; else nobody is placed and
 * *out_holds is false. */
static enum err put_all(struct room *room, struct line_job *jobs,
                        uint32_t count, uint64_t now_ms, bool *out_holds)
{
    *out_holds = true;
    for (uint32_t i = 0; i < count; i++) {
        struct line_job *job = &jobs[i];
        uint64_t at_ms = job->planned_ms > now_ms ? job->planned_ms : now_ms;
        enum err err = is_placed(job) ? put_at(room, job, at_ms) : ERR_CAPACITY;
        if (err == OK)
            continue;
        if (err != ERR_CAPACITY)
            return err;
        for (uint32_t k = 0; k < i; k++)
            TRY(give(room, &jobs[k]));
        *out_holds = false;
        return OK;
    }
    return OK;
}

static uint64_t earliest(const struct line_job *job, uint64_t now_ms)
{
    uint64_t own_ms = job->promised_ms > now_ms ? job->promised_ms : now_ms;
    return job->drawn ? now_ms : own_ms;
}

/* Something went on for longer than it said: in order of arrival, as early as
 * each can. */
static enum err put_anew(struct room *room, struct line_job *jobs,
                         uint32_t count, uint64_t now_ms)
{
    for (uint32_t i = 0; i < count; i++)
        TRY(put(room, &jobs[i], earliest(&jobs[i], now_ms)));
    return OK;
}

/* ---- forward ---- */

/* As far as it moves nobody: to now, or back to what was promised. */
static enum err draw(struct room *room, struct line_job *job, uint64_t now_ms)
{
    uint64_t to_ms = earliest(job, now_ms);
    if (!is_placed(job) || job->planned_ms <= to_ms)
        return OK;
    TRY(give(room, job));
    return put(room, job, to_ms);
}

static enum err draw_all(struct room *room, struct line_job *jobs,
                         uint32_t count, uint64_t now_ms)
{
    for (uint32_t i = 0; i < count; i++)
        TRY(draw(room, &jobs[i], now_ms));
    return OK;
}

/* ---- EASY: past others ---- */

struct easy {
    struct room *room;
    struct line_job *jobs;
    uint32_t count;
    uint32_t head; /* nobody before it waits any more */
    uint64_t now_ms;
};

/* Those that can be moved: behind the head, not beginning now. */
static bool can_move(const struct easy *easy, uint32_t i)
{
    const struct line_job *job = &easy->jobs[i];
    return i > easy->head && is_placed(job) && job->planned_ms != easy->now_ms;
}

/* Those that can be moved have no room now: so there is none for it, either,
 * whoever is moved, unless it is there already. */
static bool has_room_now(const struct easy *easy, uint32_t i)
{
    uint64_t at_ms;
    uint32_t devices;
    return room_find(easy->room, &easy->jobs[i].want, 1, easy->now_ms, &at_ms,
                     &devices) == OK &&
           at_ms == easy->now_ms;
}

/* In the order of what was promised; returns how many. */
static uint32_t movable(const struct easy *easy, uint32_t out[LINE_JOBS_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < easy->count; i++) {
        uint32_t at = count;
        if (!can_move(easy, i))
            continue;
        for (; at > 0 &&
               easy->jobs[out[at - 1]].promised_ms > easy->jobs[i].promised_ms;
             at--)
            out[at] = out[at - 1];
        out[at] = i;
        count++;
    }
    return count;
}

/* Everybody that moves, the candidate first and now. False: somebody would
 * begin too late; who was placed by then is in the first *out_placed. */
static enum err try_now(struct easy *easy, const uint32_t *list, uint32_t count,
                        uint32_t candidate, uint32_t *out_placed, bool *out_ok)
{
    *out_placed = 0;
    *out_ok = false;
    for (uint32_t k = 0; k < count; k++) {
        struct line_job *job = &easy->jobs[list[k]];
        bool first = list[k] == candidate;
        uint64_t latest_ms = first ? easy->now_ms : job->promised_ms;
        uint64_t from_ms = first || job->drawn ? easy->now_ms : job->planned_ms;
        TRY(put(easy->room, job, from_ms));
        if (!is_placed(job))
            return OK;
        *out_placed = k + 1;
        if (job->planned_ms > latest_ms)
            return OK;
    }
    *out_ok = true;
    return OK;
}

static void to_front(uint32_t *list, uint32_t count, uint32_t candidate)
{
    uint32_t at = 0;
    while (at < count && list[at] != candidate)
        at++;
    CHECK(at < count);
    for (; at > 0; at--)
        list[at] = list[at - 1];
    list[0] = candidate;
}

/* Lets the candidate begin now if all others still keep to what they were
 * promised; else all is as it was. */
static enum err overtake(struct easy *easy, uint32_t candidate)
{
    struct line_job before[LINE_JOBS_MAX];
    uint32_t list[LINE_JOBS_MAX];
    uint32_t count = movable(easy, list);
    uint32_t placed;
    bool ok;
    to_front(list, count, candidate);
    for (uint32_t k = 0; k < count; k++) {
        before[k] = easy->jobs[list[k]];
        TRY(give(easy->room, &easy->jobs[list[k]]));
    }
    TRY(try_now(easy, list, count, candidate, &placed, &ok));
    if (ok)
        return OK;
    for (uint32_t k = 0; k < placed; k++)
        TRY(give(easy->room, &easy->jobs[list[k]]));
    for (uint32_t k = 0; k < count; k++) {
        easy->jobs[list[k]] = before[k];
        TRY(take(easy->room, &before[k]));
    }
    return OK;
}

static enum err overtake_all(struct easy *easy)
{
    while (easy->head < easy->count) {
        struct line_job *head = &easy->jobs[easy->head];
        TRY(draw(easy->room, head, easy->now_ms));
        if (is_placed(head) && head->planned_ms != easy->now_ms)
            break;
        easy->head++;
    }
    for (uint32_t i = easy->head + 1; i < easy->count; i++) {
        TRY(draw(easy->room, &easy->jobs[i], easy->now_ms));
        if (easy->jobs[i].drawn && can_move(easy, i) && has_room_now(easy, i))
            TRY(overtake(easy, i));
    }
    return OK;
}

/* ---- the plan ---- */

enum err line_plan(enum line_rule rule, struct room *room,
                   struct line_job *jobs, uint32_t count, uint64_t now_ms)
{
    struct easy easy = {room, jobs, count, 0, now_ms};
    bool holds;
    CHECK(rule == LINE_EASY || rule == LINE_CONSERVATIVE);
    CHECK(count <= LINE_JOBS_MAX);
    TRY(put_all(room, jobs, count, now_ms, &holds));
    if (!holds)
        TRY(put_anew(room, jobs, count, now_ms));
    if (rule == LINE_EASY)
        TRY(overtake_all(&easy));
    TRY(draw_all(room, jobs, count, now_ms));
    for (uint32_t i = 0; i < count; i++)
        jobs[i].late = jobs[i].planned_ms > jobs[i].promised_ms;
    return OK;
}

enum err line_promise(const struct room *room, struct line_job *job,
                      uint64_t now_ms)
{
    TRY(find(room, job, now_ms, &job->planned_ms, &job->devices));
    job->promised_ms = job->planned_ms;
    job->late = false;
    return OK;
}
