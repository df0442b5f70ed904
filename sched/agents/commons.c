#include "sched/agents/commons.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define NONE UINT32_MAX

struct commons_job {
    struct job_id id;
    uint64_t until_ms; /* of its first reservation */
    uint32_t attempt;
    uint32_t parts;
    uint32_t held;  /* parts that are held */
    uint32_t holds; /* list, the last first */
    uint32_t older, younger;
    bool used;
    bool placed;
};

struct commons_hold {
    struct ask ask;
    struct grant grant;
    uint32_t next;
    bool used;
};

/* ---- life ---- */

static void link_free(struct commons *c)
{
    for (uint32_t i = 0; i < c->jobs_max; i++)
        c->jobs[i] = (struct commons_job){.older = i + 1};
    for (uint32_t i = 0; i < c->holds_max; i++)
        c->holds[i] = (struct commons_hold){.next = i + 1};
    c->jobs[c->jobs_max - 1].older = NONE;
    c->holds[c->holds_max - 1].next = NONE;
    c->free_job = c->free_hold = 0;
    c->oldest = c->youngest = NONE;
    c->now_ms = 0;
}

static enum err fill(struct commons *c, const struct commons_config *config)
{
    TRY(fleet_init(&c->fleet, config->machine_count));
    for (uint32_t i = 0; i < config->machine_count; i++)
        TRY(fleet_add(&c->fleet, &config->machines[i]));
    TRY(keymap_init(&c->by_id, config->jobs_max, config->secret));
    c->jobs = calloc(config->jobs_max, sizeof(*c->jobs));
    c->holds = calloc(config->holds_max, sizeof(*c->holds));
    return c->jobs == NULL || c->holds == NULL ? ERR_NOMEM : OK;
}

enum err commons_init(struct commons *c, const struct commons_config *config)
{
    enum err err;
    memset(c, 0, sizeof(*c));
    if (config->machine_count == 0 || config->jobs_max == 0 ||
        config->holds_max == 0 || config->jobs_max > COMMONS_JOBS_MAX ||
        config->holds_max > COMMONS_JOBS_MAX)
        return ERR_RANGE;
    c->rule = config->rule;
    c->ttl_ms = config->ttl_ms;
    c->jobs_max = config->jobs_max;
    c->holds_max = config->holds_max;
    err = fill(c, config);
    if (err != OK)
        commons_done(c);
    else
        link_free(c);
    return err;
}

void commons_done(struct commons *c)
{
    fleet_done(&c->fleet);
    keymap_done(&c->by_id);
    free(c->jobs);
    free(c->holds);
    memset(c, 0, sizeof(*c));
}

void commons_clear(struct commons *c)
{
    for (uint32_t i = 0; i < c->jobs_max; i++) {
        if (c->jobs[i].used)
            keymap_remove(&c->by_id, c->jobs[i].id.b);
    }
    fleet_clear(&c->fleet);
    link_free(c);
}

/* ---- jobs and holds ---- */

static struct commons_job *find(const struct commons *c,
                                const struct job_id *id)
{
    uint32_t i = 0;
    return keymap_find(&c->by_id, id->b, &i) ? &c->jobs[i] : NULL;
}

/* Out of the row of those that may lapse. */
static void unqueue(struct commons *c, const struct commons_job *job)
{
    if (job->older == NONE)
        c->oldest = job->younger;
    else
        c->jobs[job->older].younger = job->younger;
    if (job->younger == NONE)
        c->youngest = job->older;
    else
        c->jobs[job->younger].older = job->older;
}

/* Everything it holds goes back, and it is forgotten. */
static void drop(struct commons *c, struct commons_job *job)
{
    uint32_t i = (uint32_t)(job - c->jobs);
    uint32_t h = job->holds;
    while (h != NONE) {
        struct commons_hold *hold = &c->holds[h];
        uint32_t next = hold->next;
        enum err err = fleet_give(&c->fleet, &hold->ask, &hold->grant);
        CHECK(err == OK);
        *hold = (struct commons_hold){.next = c->free_hold};
        c->free_hold = h;
        h = next;
    }
    if (!job->placed)
        unqueue(c, job);
    keymap_remove(&c->by_id, job->id.b);
    *job = (struct commons_job){.older = c->free_job};
    c->free_job = i;
}

static struct commons_job *open_job(struct commons *c,
                                    const struct commons_message *m)
{
    uint32_t i = c->free_job;
    struct commons_job *job = &c->jobs[i];
    CHECK(i != NONE);
    c->free_job = job->older;
    *job = (struct commons_job){.id = m->job,
                                .until_ms = c->now_ms + c->ttl_ms,
                                .attempt = m->attempt,
                                .parts = m->parts,
                                .holds = NONE,
                                .older = c->youngest,
                                .younger = NONE,
                                .used = true};
    if (c->youngest == NONE)
        c->oldest = i;
    else
        c->jobs[c->youngest].younger = i;
    c->youngest = i;
    keymap_add(&c->by_id, m->job.b, i);
    return job;
}

static void lapse(struct commons *c)
{
    while (c->oldest != NONE && c->jobs[c->oldest].until_ms <= c->now_ms)
        drop(c, &c->jobs[c->oldest]);
}

/* ---- taking ---- */

static enum err check_form(const struct commons *c,
                           const struct commons_message *m)
{
    bool commit = m->say == COMMONS_COMMIT;
    if (m->parts == 0 || m->parts > (commit ? 1u : COMMONS_PARTS_MAX) ||
        m->part >= m->parts || m->grant.machine >= c->fleet.count)
        return ERR_RANGE;
    return ask_check(&m->ask);
}

/* May this be the next part of the job, or the first of a newer attempt? */
static enum err check_turn(const struct commons *c,
                           const struct commons_message *m,
                           struct commons_job *job)
{
    if (job != NULL && job->placed)
        return ERR_EXISTS;
    if (job != NULL && job->attempt > m->attempt)
        return ERR_TOO_LATE;
    if (job == NULL || job->attempt < m->attempt)
        return m->part == 0 ? OK : ERR_EXPIRED;
    if (m->part != job->held || m->parts != job->parts)
        return ERR_STATE;
    return m->grant.machine < c->holds[job->holds].grant.machine ? ERR_STATE
                                                                 : OK;
}

static enum err take(struct commons *c, const struct commons_message *m)
{
    struct commons_job *job = find(c, &m->job);
    uint32_t h;
    TRY(check_form(c, m));
    TRY(check_turn(c, m, job));
    if (job != NULL && job->attempt < m->attempt) {
        drop(c, job);
        job = NULL;
    }
    if (c->rule == COMMONS_BY_VERSION &&
        m->version != commons_version(c, m->grant.machine))
        return ERR_OFFER_OLD;
    if (c->free_hold == NONE || (job == NULL && c->free_job == NONE))
        return ERR_BUSY;
    TRY(fleet_take(&c->fleet, &m->ask, &m->grant));
    if (job == NULL)
        job = open_job(c, m);
    h = c->free_hold;
    c->free_hold = c->holds[h].next;
    c->holds[h] = (struct commons_hold){m->ask, m->grant, job->holds, true};
    job->holds = h;
    job->held++;
    return OK;
}

static void place(struct commons *c, struct commons_job *job)
{
    unqueue(c, job);
    job->placed = true;
}

static enum err confirm(struct commons *c, const struct commons_message *m)
{
    struct commons_job *job = find(c, &m->job);
    if (job != NULL && job->placed)
        return ERR_EXISTS;
    if (job == NULL || job->attempt != m->attempt || job->held < job->parts)
        return ERR_EXPIRED;
    place(c, job);
    return OK;
}

static enum err release(struct commons *c, const struct commons_message *m)
{
    struct commons_job *job = find(c, &m->job);
    if (job != NULL && !job->placed && job->attempt <= m->attempt)
        drop(c, job);
    return OK;
}

static enum err end(struct commons *c, const struct commons_message *m)
{
    struct commons_job *job = find(c, &m->job);
    if (job == NULL || !job->placed)
        return ERR_NOT_FOUND;
    drop(c, job);
    return OK;
}

static enum err hear(struct commons *c, const struct commons_message *m)
{
    switch (m->say) {
    case COMMONS_COMMIT:
        TRY(take(c, m));
        return confirm(c, m);
    case COMMONS_RESERVE:
        return take(c, m);
    case COMMONS_CONFIRM:
        return confirm(c, m);
    case COMMONS_RELEASE:
        return release(c, m);
    case COMMONS_END:
        return end(c, m);
    }
    return ERR_RANGE;
}

void commons_hear(struct commons *c, const struct commons_message *m,
                  uint64_t now_ms, struct commons_answer *out)
{
    bool offer = m->say == COMMONS_COMMIT || m->say == COMMONS_RESERVE;
    CHECK(now_ms >= c->now_ms);
    c->now_ms = now_ms;
    lapse(c);
    *out = (struct commons_answer){m->job, m->attempt, m->part, 0, m->say, OK};
    out->err = hear(c, m);
    if (offer && m->grant.machine < c->fleet.count)
        out->version = commons_version(c, m->grant.machine);
}

/* ---- looking ---- */

bool commons_holds_up(const struct commons *c)
{
    struct fleet anew;
    bool same = true;
    if (fleet_init(&anew, c->fleet.count) != OK)
        return false;
    for (uint32_t i = 0; i < c->fleet.count; i++) {
        struct machine machine = c->fleet.machines[i];
        machine.free = machine.total;
        memset(machine.held, 0, sizeof(machine.held));
        for (uint32_t d = 0; d < machine.device_count; d++)
            machine.devices[d].free_milli = DEVICE_MILLI;
        same = same && fleet_add(&anew, &machine) == OK;
    }
    for (uint32_t h = 0; same && h < c->holds_max; h++) {
        if (c->holds[h].used)
            same =
                fleet_take(&anew, &c->holds[h].ask, &c->holds[h].grant) == OK;
    }
    for (uint32_t i = 0; same && i < c->fleet.count; i++) {
        const struct machine *a = &c->fleet.machines[i];
        const struct machine *b = &anew.machines[i];
        same = resources_cover(&a->free, &b->free) &&
               resources_cover(&b->free, &a->free) &&
               memcmp(a->held, b->held, sizeof(a->held)) == 0;
        for (uint32_t d = 0; same && d < a->device_count; d++)
            same = a->devices[d].free_milli == b->devices[d].free_milli;
    }
    fleet_done(&anew);
    return same;
}

void commons_count(const struct commons *c, uint32_t *out_placed,
                   uint32_t *out_reserved)
{
    uint32_t placed = 0;
    uint32_t reserved = 0;
    for (uint32_t i = 0; i < c->jobs_max; i++) {
        placed += c->jobs[i].used && c->jobs[i].placed;
        reserved += c->jobs[i].used && !c->jobs[i].placed;
    }
    *out_placed = placed;
    *out_reserved = reserved;
}
