#include "sched/agents/agent.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum err agent_init(struct agent *a, const struct agent_config *config,
                    const struct commons *commons)
{
    const struct fleet *fleet = &commons->fleet;
    enum err err;
    memset(a, 0, sizeof(*a));
    if (config->spread == 0 || config->spread > PICKER_TOP_MAX ||
        config->attempts_max == 0)
        return ERR_RANGE;
    a->config = *config;
    a->state = AGENT_IDLE;
    dice_init(&a->dice, config->region);
    a->seen = calloc(fleet->count, sizeof(*a->seen));
    err = a->seen == NULL ? ERR_NOMEM : fleet_init(&a->view, fleet->count);
    for (uint32_t i = 0; err == OK && i < fleet->count; i++) {
        struct machine machine = fleet->machines[i];
        machine.free = machine.total;
        memset(machine.held, 0, sizeof(machine.held));
        for (uint32_t d = 0; d < machine.device_count; d++)
            machine.devices[d].free_milli = DEVICE_MILLI;
        err = fleet_add(&a->view, &machine);
    }
    if (err == OK)
        err = picker_new(config->policy, &a->view, config->frag, config->memory,
                         &a->picker);
    if (err == OK)
        agent_look(a, commons);
    else
        agent_done(a);
    return err;
}

void agent_done(struct agent *a)
{
    picker_free(a->picker);
    fleet_done(&a->view);
    free(a->seen);
    memset(a, 0, sizeof(*a));
}

void agent_begin(struct agent *a, const struct agent_job *job, uint32_t attempt)
{
    CHECK(a->state == AGENT_IDLE || a->state == AGENT_PLACED ||
          a->state == AGENT_NOWHERE);
    CHECK(job->parts > 0 && job->parts <= COMMONS_PARTS_MAX);
    a->job = *job;
    a->attempt = a->first_attempt = attempt;
    a->fresh = false;
    a->releasing = false;
    a->state = AGENT_CHOOSES;
    a->counts.begun++;
}

void agent_look(struct agent *a, const struct commons *commons)
{
    for (uint32_t i = 0; i < commons->fleet.count; i++) {
        enum err err;
        if (a->seen[i] == commons_version(commons, i))
            continue;
        err = fleet_show(&a->view, i, &commons->fleet.machines[i]);
        CHECK(err == OK);
        a->seen[i] = commons_version(commons, i);
    }
    a->fresh = true;
    if (a->state == AGENT_LOOKS)
        a->state = AGENT_CHOOSES;
}

void agent_crash(struct agent *a)
{
    a->state = AGENT_IDLE;
}

/* ---- choosing ---- */

/* A number that differs from job to job and from attempt to attempt. */
static uint64_t throw_for(const struct agent *a, uint32_t part)
{
    uint8_t data[8] = {(uint8_t)a->attempt,
                       (uint8_t)(a->attempt >> 8),
                       (uint8_t)(a->attempt >> 16),
                       (uint8_t)(a->attempt >> 24),
                       (uint8_t)part,
                       0,
                       0,
                       0};
    return short_hash(a->job.id.b, BYTES_OF(data));
}

static enum err choose_within(struct agent *a, uint32_t part,
                              const struct picker_within *within,
                              struct grant *out)
{
    const struct ask *ask = &a->job.asks[part];
    struct grant top[PICKER_TOP_MAX];
    uint32_t count = 0;
    if (a->attempt == a->first_attempt)
        return picker_pick(a->picker, ask, within, &a->dice, out);
    TRY(picker_top(a->picker, ask, within, a->config.spread, top, &count));
    *out = top[throw_for(a, part) % count];
    return OK;
}

/* Its own region first. */
static enum err choose_part(struct agent *a, uint32_t part, struct grant *out)
{
    struct picker_within own = {a->config.regions, a->config.region};
    enum err err = ERR_CAPACITY;
    if (a->config.regions != NULL)
        err = choose_within(a, part, &own, out);
    if (err == ERR_CAPACITY)
        err = choose_within(a, part, NULL, out);
    return err;
}

static int by_offer(const void *x, const void *y)
{
    const struct commons_message *a = x;
    const struct commons_message *b = y;
    if (a->grant.machine != b->grant.machine)
        return a->grant.machine < b->grant.machine ? -1 : 1;
    return (a->part > b->part) - (a->part < b->part);
}

/* All parts, each with those before it taken in the view alone. */
static enum err choose(struct agent *a)
{
    uint32_t chosen = 0;
    enum err err = OK;
    while (err == OK && chosen < a->job.parts) {
        struct commons_message *m = &a->parts[chosen];
        *m = (struct commons_message){
            .say = a->job.parts == 1 ? COMMONS_COMMIT : COMMONS_RESERVE,
            .job = a->job.id,
            .attempt = a->attempt,
            .parts = a->job.parts,
            .part = chosen,
            .ask = a->job.asks[chosen]};
        err = choose_part(a, chosen, &m->grant);
        if (err == OK)
            err = fleet_take(&a->view, &m->ask, &m->grant);
        chosen += err == OK;
    }
    for (uint32_t i = 0; i < chosen; i++) {
        enum err back =
            fleet_give(&a->view, &a->parts[i].ask, &a->parts[i].grant);
        CHECK(back == OK);
    }
    if (err != OK)
        return err;
    qsort(a->parts, chosen, sizeof(a->parts[0]), by_offer);
    for (uint32_t i = 0; i < chosen; i++) {
        a->parts[i].part = i;
        a->parts[i].version = a->seen[a->parts[i].grant.machine];
    }
    return OK;
}

/* ---- speaking ---- */

static void settle(struct agent *a, enum agent_state state, uint64_t *count)
{
    a->state = state;
    ++*count;
}

static void say_short(const struct agent *a, enum commons_say say,
                      struct commons_message *out)
{
    *out = (struct commons_message){.say = say,
                                    .job = a->job.id,
                                    .attempt = a->attempt,
                                    .parts = a->job.parts};
}

bool agent_speak(struct agent *a, struct commons_message *out)
{
    if (a->state == AGENT_CHOOSES) {
        enum err err = choose(a);
        if (err != OK && a->fresh) {
            settle(a, AGENT_NOWHERE, &a->counts.nowhere);
            return false;
        }
        a->state = err == OK ? AGENT_SPEAKS : AGENT_LOOKS;
        a->next = 0;
    }
    if (a->state != AGENT_SPEAKS)
        return false;
    a->state = AGENT_WAITS;
    if (a->releasing) {
        say_short(a, COMMONS_RELEASE, out);
    } else if (a->next == a->job.parts) {
        say_short(a, COMMONS_CONFIRM, out);
    } else {
        *out = a->parts[a->next];
        a->counts.said++;
    }
    return true;
}

/* ---- hearing ---- */

static void try_again(struct agent *a)
{
    a->fresh = false;
    if (a->attempt - a->first_attempt + 1 >= a->config.attempts_max) {
        settle(a, AGENT_NOWHERE, &a->counts.gave_up);
        return;
    }
    a->attempt++;
    a->counts.retries++;
    a->state = AGENT_LOOKS;
}

/* The version after one change. */
static uint32_t next_version(uint32_t version)
{
    return version == UINT32_MAX ? 1 : version + 1;
}

/* A part is ours: the view knows it before the next look. Where more changed
 * than that, the view of the offer stays old, and the next look sees it. */
static void note_part(struct agent *a, const struct commons_answer *answer)
{
    const struct commons_message *m = &a->parts[a->next];
    uint32_t offer = m->grant.machine;
    if (fleet_take(&a->view, &m->ask, &m->grant) == OK &&
        a->seen[offer] == m->version &&
        answer->version == next_version(m->version))
        a->seen[offer] = answer->version;
    for (uint32_t i = a->next + 1; i < a->job.parts; i++) {
        if (a->parts[i].grant.machine == offer)
            a->parts[i].version = answer->version;
    }
}

static void lose(struct agent *a, enum err err)
{
    a->counts.conflicts += err == ERR_OFFER_OLD || err == ERR_CAPACITY;
    a->counts.lapsed += err == ERR_EXPIRED;
    if (a->next > 0) { /* what it has so far goes back first */
        a->releasing = true;
        a->state = AGENT_SPEAKS;
        return;
    }
    try_again(a);
}

static bool is_last_said(const struct agent *a,
                         const struct commons_answer *answer)
{
    enum commons_say said = a->releasing              ? COMMONS_RELEASE
                            : a->next == a->job.parts ? COMMONS_CONFIRM
                                                      : a->parts[a->next].say;
    return a->state == AGENT_WAITS &&
           memcmp(answer->job.b, a->job.id.b, sizeof(a->job.id.b)) == 0 &&
           answer->attempt == a->attempt && answer->to == said &&
           (said != COMMONS_RESERVE || answer->part == a->next);
}

void agent_hear(struct agent *a, const struct commons_answer *answer)
{
    if (!is_last_said(a, answer))
        return;
    if (a->releasing) {
        a->releasing = false;
        try_again(a);
    } else if (answer->err == ERR_EXISTS) {
        /* An earlier life, or an answer that was lost, had placed it. */
        settle(a, AGENT_PLACED, &a->counts.placed);
    } else if (answer->err != OK) {
        lose(a, answer->err);
    } else if (answer->to == COMMONS_CONFIRM) {
        settle(a, AGENT_PLACED, &a->counts.placed);
    } else {
        note_part(a, answer);
        a->next++;
        if (answer->to == COMMONS_COMMIT)
            settle(a, AGENT_PLACED, &a->counts.placed);
        else
            a->state = AGENT_SPEAKS;
    }
}
