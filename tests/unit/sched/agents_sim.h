#ifndef TESTS_UNIT_SCHED_AGENTS_SIM_H
#define TESTS_UNIT_SCHED_AGENTS_SIM_H

/* Agents on one commons in a random order of everything: messages overtake,
 * come twice or not at all, answers are lost, agents fall silent between
 * reservation and confirmation and come back, time passes. Beside it a ledger
 * of its own, which believes the answers alone: what agents were promised. */

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sched/agents/agent.h"
#include "tests/unit/sched/fleet_sample.h"

#define SIM_AGENTS   4u
#define SIM_OFFERS   3u
#define SIM_JOBS     8u
#define SIM_WIRE_MAX 64u
#define SIM_TTL_MS   100u

struct promise {
    uint32_t offer;
    uint32_t cpu_milli;
};

/* What a job was promised, as its agents heard it. */
struct sim_job {
    struct agent_job job;
    uint32_t lives;
    bool taken;  /* an agent has it in hand */
    bool placed; /* promised for good */
    bool over;
    uint32_t attempt;
    uint64_t until_ms;
    uint32_t count;
    struct promise promises[COMMONS_PARTS_MAX];
};

struct sim {
    struct commons commons;
    struct agent agents[SIM_AGENTS];
    uint32_t in_hand[SIM_AGENTS]; /* job, or SIM_JOBS */
    struct commons_message wire[SIM_WIRE_MAX];
    uint32_t wire_from[SIM_WIRE_MAX];
    uint32_t wire_count;
    struct commons_answer answers[SIM_WIRE_MAX];
    uint32_t answer_to[SIM_WIRE_MAX];
    uint32_t answer_count;
    struct sim_job jobs[SIM_JOBS];
    uint32_t cap[SIM_OFFERS];
    uint64_t now_ms;
    struct dice dice;
    uint64_t over_allocations; /* must stay 0 */
    uint64_t twice;            /* jobs placed twice: must stay 0 */
    uint64_t partial; /* placed without all parts, or by an attempt that did
                         not reserve them: must stay 0 */
    uint64_t placed;
    uint64_t crashes_holding; /* between reservation and confirmation */
};

/* ---- the ledger ---- */

static inline void ledger_drop(struct sim_job *job)
{
    job->count = 0;
}

static inline void ledger_lapse(struct sim *sim)
{
    for (uint32_t i = 0; i < SIM_JOBS; i++) {
        struct sim_job *job = &sim->jobs[i];
        if (job->count > 0 && !job->placed && job->until_ms <= sim->now_ms)
            ledger_drop(job);
    }
}

static inline struct sim_job *ledger_job(struct sim *sim,
                                         const struct job_id *id)
{
    return &sim->jobs[id->b[0]];
}

static inline void ledger_hear(struct sim *sim, const struct commons_message *m,
                               enum err answer)
{
    struct sim_job *job = ledger_job(sim, &m->job);
    bool takes = m->say == COMMONS_COMMIT || m->say == COMMONS_RESERVE;
    bool newer = takes && m->part == 0 && !job->placed &&
                 m->attempt > job->attempt && answer != ERR_RANGE;
    ledger_lapse(sim);
    if (newer) { /* its agent let the older attempt go */
        ledger_drop(job);
    }
    if (takes && answer == OK) {
        if (job->placed)
            sim->twice++;
        if (job->count == 0)
            job->until_ms = sim->now_ms + SIM_TTL_MS;
        job->attempt = m->attempt;
        job->promises[job->count++] =
            (struct promise){m->grant.machine, m->ask.want.cpu_milli};
    }
    if (m->say == COMMONS_RELEASE && !job->placed && job->attempt <= m->attempt)
        ledger_drop(job);
    if (answer == OK &&
        (m->say == COMMONS_COMMIT || m->say == COMMONS_CONFIRM)) {
        sim->partial +=
            job->count != job->job.parts || job->attempt != m->attempt;
        job->placed = true;
        sim->placed++;
    }
    if (answer == OK && m->say == COMMONS_END) {
        job->placed = false;
        job->over = true;
        ledger_drop(job);
    }
}

static inline void ledger_look(struct sim *sim)
{
    uint64_t used[SIM_OFFERS] = {0};
    for (uint32_t i = 0; i < SIM_JOBS; i++) {
        for (uint32_t p = 0; p < sim->jobs[i].count; p++)
            used[sim->jobs[i].promises[p].offer] +=
                sim->jobs[i].promises[p].cpu_milli;
    }
    for (uint32_t o = 0; o < SIM_OFFERS; o++)
        sim->over_allocations += used[o] > sim->cap[o];
}

/* Is exactly what the ledger knows taken of each offer? */
static inline bool ledger_agrees(const struct sim *sim)
{
    uint64_t used[SIM_OFFERS] = {0};
    bool agrees = true;
    for (uint32_t i = 0; i < SIM_JOBS; i++) {
        for (uint32_t p = 0; p < sim->jobs[i].count; p++)
            used[sim->jobs[i].promises[p].offer] +=
                sim->jobs[i].promises[p].cpu_milli;
    }
    for (uint32_t o = 0; o < SIM_OFFERS; o++)
        agrees = agrees &&
                 sim->cap[o] - sim->commons.fleet.machines[o].free.cpu_milli ==
                     used[o];
    return agrees;
}

/* ---- the world ---- */

static inline void sim_init(struct sim *sim, enum commons_rule rule)
{
    static const enum fleet_policy policies[SIM_AGENTS] = {
        FLEET_BESTFIT, FLEET_BESTFIT, FLEET_SPREAD, FLEET_RANDOM};
    static const uint32_t regions[SIM_OFFERS] = {0, 1, 2};
    struct machine machines[SIM_OFFERS];
    struct commons_config config = {machines,       SIM_OFFERS, SIM_JOBS + 2,
                                    SIM_JOBS * 4,   rule,       SIM_TTL_MS,
                                    {1, 2, 3, 4, 5}};
    memset(sim, 0, sizeof(*sim));
    for (uint32_t o = 0; o < SIM_OFFERS; o++) {
        machines[o] = sample_machine(4 + o, 0, 0);
        sim->cap[o] = machines[o].total.cpu_milli;
    }
    CHECK(commons_init(&sim->commons, &config) == OK);
    for (uint32_t a = 0; a < SIM_AGENTS; a++) {
        struct agent_config own = {
            policies[a], NULL, 8, a % 2 == 0 ? regions : NULL, a, 2, 6};
        CHECK(agent_init(&sim->agents[a], &own, &sim->commons) == OK);
    }
}

static inline void sim_done(struct sim *sim)
{
    for (uint32_t a = 0; a < SIM_AGENTS; a++)
        agent_done(&sim->agents[a]);
    commons_done(&sim->commons);
}

static inline void sim_draw_job(struct sim *sim, uint32_t i)
{
    struct sim_job *job = &sim->jobs[i];
    memset(job, 0, sizeof(*job));
    dice_fill(&sim->dice, job->job.id.b, sizeof(job->job.id.b));
    job->job.id.b[0] = (uint8_t)i;
    job->job.parts = dice_chance(&sim->dice, 500)
                         ? 1
                         : (uint32_t)dice_between(&sim->dice, 2, 3);
    for (uint32_t p = 0; p < job->job.parts; p++)
        job->job.asks[p] =
            sample_whole((uint32_t)dice_between(&sim->dice, 1, 3), 0);
}

/* As after sim_init, with other jobs. */
static inline void sim_begin(struct sim *sim, uint64_t seed)
{
    dice_init(&sim->dice, seed);
    commons_clear(&sim->commons);
    sim->now_ms = 0;
    sim->wire_count = sim->answer_count = 0;
    for (uint32_t a = 0; a < SIM_AGENTS; a++) {
        agent_crash(&sim->agents[a]);
        agent_look(&sim->agents[a], &sim->commons);
        sim->in_hand[a] = SIM_JOBS;
    }
    for (uint32_t i = 0; i < SIM_JOBS; i++)
        sim_draw_job(sim, i);
}

/* ---- what may happen ---- */

static inline void sim_take_job(struct sim *sim, uint32_t a)
{
    uint32_t i = (uint32_t)dice_below(&sim->dice, SIM_JOBS);
    struct sim_job *job = &sim->jobs[i];
    if (job->taken || job->over)
        return;
    job->taken = true;
    sim->in_hand[a] = i;
    agent_begin(&sim->agents[a], &job->job, ++job->lives * 256);
}

/* The wire is full of what nobody will deliver: it forgets one. */
static inline void sim_send(struct sim *sim, uint32_t a,
                            const struct commons_message *m)
{
    uint32_t at = sim->wire_count;
    if (at == SIM_WIRE_MAX)
        at = (uint32_t)dice_below(&sim->dice, SIM_WIRE_MAX);
    else
        sim->wire_count++;
    sim->wire[at] = *m;
    sim->wire_from[at] = a;
}

static inline void sim_agent(struct sim *sim, uint32_t a)
{
    struct agent *agent = &sim->agents[a];
    struct commons_message m;
    switch (agent->state) {
    case AGENT_IDLE:
        sim_take_job(sim, a);
        return;
    case AGENT_PLACED:
    case AGENT_NOWHERE:
        if (agent->state == AGENT_NOWHERE && sim->in_hand[a] < SIM_JOBS)
            sim->jobs[sim->in_hand[a]].taken = false;
        sim->in_hand[a] = SIM_JOBS;
        sim_take_job(sim, a);
        return;
    case AGENT_LOOKS:
        agent_look(agent, &sim->commons);
        return;
    case AGENT_CHOOSES:
    case AGENT_SPEAKS:
        if (agent_speak(agent, &m))
            sim_send(sim, a, &m);
        return;
    case AGENT_WAITS:
        return;
    }
}

/* Any message, whoever spoke first; one in twenty comes again later. */
static inline void sim_deliver(struct sim *sim)
{
    struct commons_message m;
    struct commons_answer answer;
    uint32_t from;
    uint32_t at;
    if (sim->wire_count == 0)
        return;
    at = (uint32_t)dice_below(&sim->dice, sim->wire_count);
    m = sim->wire[at];
    from = sim->wire_from[at];
    if (!dice_chance(&sim->dice, 50)) {
        sim->wire_count--;
        sim->wire[at] = sim->wire[sim->wire_count];
        sim->wire_from[at] = sim->wire_from[sim->wire_count];
    }
    commons_hear(&sim->commons, &m, sim->now_ms, &answer);
    ledger_hear(sim, &m, answer.err);
    ledger_look(sim);
    if (sim->answer_count < SIM_WIRE_MAX && !dice_chance(&sim->dice, 30)) {
        sim->answers[sim->answer_count] = answer;
        sim->answer_to[sim->answer_count++] = from;
    }
}

static inline void sim_answer(struct sim *sim)
{
    uint32_t at;
    if (sim->answer_count == 0)
        return;
    at = (uint32_t)dice_below(&sim->dice, sim->answer_count);
    if (sim->answer_to[at] < SIM_AGENTS)
        agent_hear(&sim->agents[sim->answer_to[at]], &sim->answers[at]);
    sim->answers[at] = sim->answers[--sim->answer_count];
    sim->answer_to[at] = sim->answer_to[sim->answer_count];
}

static inline void sim_crash(struct sim *sim, uint32_t a)
{
    uint32_t i = sim->in_hand[a];
    if (i == SIM_JOBS)
        return;
    sim->crashes_holding += sim->jobs[i].count > 0 && !sim->jobs[i].placed;
    agent_crash(&sim->agents[a]);
    sim->jobs[i].taken = false; /* somebody takes it up again */
    sim->in_hand[a] = SIM_JOBS;
}

static inline void sim_end_job(struct sim *sim)
{
    uint32_t i = (uint32_t)dice_below(&sim->dice, SIM_JOBS);
    struct commons_message m = {.say = COMMONS_END, .job = sim->jobs[i].job.id};
    bool late = false;
    /* A job is over when nothing of it is on its way: the chain's business. */
    for (uint32_t k = 0; k < sim->wire_count; k++)
        late = late || sim->wire[k].job.b[0] == i;
    for (uint32_t a = 0; a < SIM_AGENTS; a++)
        late = late ||
               (sim->in_hand[a] == i && sim->agents[a].state != AGENT_PLACED);
    if (sim->jobs[i].placed && !late) {
        sim->jobs[i].taken = true;
        sim_send(sim, SIM_AGENTS, &m);
    }
}

static inline void sim_step(struct sim *sim)
{
    uint64_t what = dice_below(&sim->dice, 100);
    uint32_t a = (uint32_t)dice_below(&sim->dice, SIM_AGENTS);
    if (what < 40)
        sim_agent(sim, a);
    else if (what < 65)
        sim_deliver(sim);
    else if (what < 85)
        sim_answer(sim);
    else if (what < 88)
        agent_look(&sim->agents[a], &sim->commons);
    else if (what < 91)
        sim_crash(sim, a);
    else if (what < 94)
        sim_end_job(sim);
    else
        sim->now_ms += dice_below(&sim->dice, SIM_TTL_MS / 4);
}

/* One interleaving. False where the books do not agree in the end. */
static inline bool sim_run(struct sim *sim, uint64_t seed, uint32_t steps)
{
    sim_begin(sim, seed);
    for (uint32_t i = 0; i < steps; i++)
        sim_step(sim);
    ledger_lapse(sim);
    /* The commons lets lapse when it hears something. */
    {
        struct commons_message m = {.say = COMMONS_END};
        struct commons_answer answer;
        memset(m.job.b, 0xff, sizeof(m.job.b));
        commons_hear(&sim->commons, &m, sim->now_ms, &answer);
    }
    return ledger_agrees(sim);
}

#endif
