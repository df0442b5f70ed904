#include "sched/lab/replay_agents.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define LOAD_PERMILLE_MAX 100000u
#define ATTEMPTS_MAX      64u
#define TTL_MS            1000u
#define PARTS_MOST        4u

struct replay {
    const struct openb *openb;
    const struct replay_agents_config *config;
    struct commons commons;
    struct frag *frag;
    struct agent agents[REPLAY_AGENTS_MAX];
    uint32_t *regions;
    uint32_t *arrivals; /* tasks in the order in which they come */
    uint32_t arrival_count;
    uint32_t next;
    struct dice dice; /* parts of jobs, and who arrives first */
    bool is_full;
    struct replay_agents_result result;
};

/* ---- who comes ---- */

static void shuffle(uint32_t *order, uint32_t count, struct dice *dice)
{
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = (uint32_t)dice_below(dice, i);
        uint32_t swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
}

static enum err add_arrival(struct replay *r, uint32_t *room, uint32_t task)
{
    if (r->arrival_count == *room) {
        uint32_t more = *room + *room / 2 + 1024;
        uint32_t *grown = more > COMMONS_JOBS_MAX + 1024
                              ? NULL
                              : realloc(r->arrivals, more * sizeof(*grown));
        if (grown == NULL)
            return more > COMMONS_JOBS_MAX + 1024 ? ERR_TOO_LARGE : ERR_NOMEM;
        r->arrivals = grown;
        *room = more;
    }
    r->arrivals[r->arrival_count++] = task;
    return OK;
}

/* The same tasks in the same order as replay_openb draws with this seed. */
static enum err draw_arrivals(struct replay *r, uint64_t total_milli)
{
    const struct openb *openb = r->openb;
    uint64_t most = total_milli * r->config->load_permille / 1000;
    uint64_t sum = 0;
    uint32_t room = openb->ask_count;
    struct dice dice;
    dice_init(&dice, r->config->seed);
    r->arrivals = malloc(((size_t)room + 1) * sizeof(*r->arrivals));
    if (r->arrivals == NULL)
        return ERR_NOMEM;
    shuffle(r->arrivals, openb->ask_count, &dice);
    dice_init(&r->dice, dice_next(&dice));
    while (r->arrival_count < openb->ask_count) {
        uint32_t task = r->arrivals[r->arrival_count];
        if (sum + ask_milli(&openb->asks[task]) > most)
            return OK;
        sum += ask_milli(&openb->asks[task]);
        r->arrival_count++;
    }
    for (;;) {
        uint32_t task = (uint32_t)dice_below(&dice, openb->ask_count);
        if (sum + ask_milli(&openb->asks[task]) > most)
            return OK;
        sum += ask_milli(&openb->asks[task]);
        TRY(add_arrival(r, &room, task));
    }
}

/* ---- life ---- */

static enum err check_config(const struct openb *openb,
                             const struct replay_agents_config *config)
{
    uint64_t asked = 0;
    uint64_t total = 0;
    for (uint32_t i = 0; i < openb->ask_count; i++)
        asked += ask_milli(&openb->asks[i]);
    for (uint32_t i = 0; i < openb->machine_count; i++)
        total += machine_total_milli(&openb->machines[i]);
    if (config->load_permille == 0 ||
        config->load_permille > LOAD_PERMILLE_MAX || config->agents == 0 ||
        config->agents > REPLAY_AGENTS_MAX || config->stale == 0 ||
        config->spread == 0 || config->spread > PICKER_TOP_MAX || asked == 0 ||
        total == 0)
        return ERR_RANGE;
    return OK;
}

static enum err open_agents(struct replay *r)
{
    for (uint32_t a = 0; a < r->config->agents; a++) {
        struct agent_config own = {
            .policy = r->config->policy,
            .frag = r->frag,
            .memory = r->config->memory,
            .regions =
                r->config->regions && r->config->agents > 1 ? r->regions : NULL,
            .region = a,
            .spread = r->config->spread,
            .attempts_max = ATTEMPTS_MAX};
        TRY(agent_init(&r->agents[a], &own, &r->commons));
    }
    /* One agent throws what replay_openb does. */
    r->agents[0].dice = r->dice;
    return OK;
}

static enum err open_replay(struct replay *r)
{
    const struct openb *openb = r->openb;
    struct commons_config config = {.machines = openb->machines,
                                    .machine_count = openb->machine_count,
                                    .rule = r->config->rule,
                                    .ttl_ms = TTL_MS,
                                    .secret = {1}};
    uint64_t total = 0;
    TRY(check_config(openb, r->config));
    for (uint32_t i = 0; i < openb->machine_count; i++)
        total += machine_total_milli(&openb->machines[i]);
    TRY(draw_arrivals(r, total));
    if (r->arrival_count > COMMONS_JOBS_MAX)
        return ERR_TOO_LARGE;
    config.jobs_max = config.holds_max = r->arrival_count + 1;
    TRY(commons_init(&r->commons, &config));
    TRY(frag_new(openb->asks, openb->ask_count, r->config->typical_permille,
                 &r->frag));
    r->regions = calloc(openb->machine_count, sizeof(*r->regions));
    if (r->regions == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < openb->machine_count; i++)
        r->regions[i] = i % r->config->agents;
    return open_agents(r);
}

static void close_replay(struct replay *r)
{
    for (uint32_t a = 0; a < REPLAY_AGENTS_MAX; a++)
        agent_done(&r->agents[a]);
    frag_free(r->frag);
    commons_done(&r->commons);
    free(r->regions);
    free(r->arrivals);
}

/* ---- rounds ---- */

static uint32_t allocated(const struct replay *r)
{
    const struct fleet *fleet = &r->commons.fleet;
    return (uint32_t)((fleet->total_milli - fleet->idle_milli) * REPLAY_PARTS /
                      fleet->total_milli);
}

/* Is as much handed out as there is? Then no more until all of it is decided.
 */
static bool at_100(const struct replay *r)
{
    return !r->is_full &&
           r->result.of.arrived_milli >= r->commons.fleet.total_milli;
}

static uint32_t draw_parts(struct replay *r)
{
    uint32_t parts = 1;
    uint32_t left = r->arrival_count - r->next;
    if (r->config->joint_permille > 0 &&
        dice_chance(&r->dice, r->config->joint_permille))
        parts = (uint32_t)dice_between(&r->dice, 2, PARTS_MOST);
    return parts < left ? parts : left;
}

static void hand_out(struct replay *r, struct agent *agent)
{
    struct agent_job job = {.parts = draw_parts(r)};
    uint32_t id = r->next;
    for (uint32_t i = 0; i < 4; i++)
        job.id.b[i] = (uint8_t)(id >> 8 * i);
    for (uint32_t p = 0; p < job.parts; p++) {
        job.asks[p] = r->openb->asks[r->arrivals[r->next++]];
        r->result.of.arrived_milli += ask_milli(&job.asks[p]);
    }
    agent_begin(agent, &job, 1);
    r->result.of.decisions++;
}

static bool has_ended(const struct agent *agent)
{
    return agent->state == AGENT_IDLE || agent->state == AGENT_PLACED ||
           agent->state == AGENT_NOWHERE;
}

/* What it says in this round, if anything. */
static bool turn(struct replay *r, struct agent *agent,
                 struct commons_message *out)
{
    uint64_t (*clock_ns)(void) = r->config->clock_ns;
    uint64_t began;
    uint64_t took;
    bool spoke;
    if (has_ended(agent)) {
        if (r->next == r->arrival_count || at_100(r))
            return false;
        hand_out(r, agent);
    }
    if (agent->state == AGENT_LOOKS)
        agent_look(agent, &r->commons);
    began = clock_ns == NULL ? 0 : clock_ns();
    spoke = agent_speak(agent, out);
    if (!spoke && agent->state == AGENT_LOOKS) { /* its view was too old */
        agent_look(agent, &r->commons);
        spoke = agent_speak(agent, out);
    }
    took = clock_ns == NULL ? 0 : clock_ns() - began;
    r->result.of.decision_ns += took;
    if (took > r->result.of.slowest_ns)
        r->result.of.slowest_ns = took;
    return spoke;
}

static void one_round(struct replay *r)
{
    struct commons_message said[REPLAY_AGENTS_MAX];
    uint32_t from[REPLAY_AGENTS_MAX];
    uint32_t count = 0;
    for (uint32_t a = 0; a < r->config->agents; a++) {
        struct agent *agent = &r->agents[a];
        if (r->result.rounds % r->config->stale == 0)
            agent_look(agent, &r->commons);
        if (turn(r, agent, &said[count]))
            from[count++] = a;
    }
    for (uint32_t i = count; i-- > 0;) {
        struct commons_answer answer;
        uint32_t at = i == 0 ? 0 : (uint32_t)dice_below(&r->dice, i + 1);
        commons_hear(&r->commons, &said[at], 0, &answer);
        agent_hear(&r->agents[from[at]], &answer);
        said[at] = said[i];
        from[at] = from[i];
    }
    r->result.rounds++;
}

static bool all_ended(const struct replay *r)
{
    bool ended = true;
    for (uint32_t a = 0; a < r->config->agents; a++)
        ended = ended && has_ended(&r->agents[a]);
    return ended;
}

static void add_counts(struct agent_counts *sum, const struct agent_counts *own)
{
    sum->begun += own->begun;
    sum->placed += own->placed;
    sum->nowhere += own->nowhere;
    sum->gave_up += own->gave_up;
    sum->said += own->said;
    sum->conflicts += own->conflicts;
    sum->retries += own->retries;
    sum->lapsed += own->lapsed;
}

static void run(struct replay *r)
{
    struct replay_openb_result *of = &r->result.of;
    while (r->next < r->arrival_count || !all_ended(r)) {
        one_round(r);
        if (at_100(r) && all_ended(r)) {
            of->allocated_at_100 = allocated(r);
            r->is_full = true;
        }
    }
    of->allocated_at_end = allocated(r);
    if (!r->is_full)
        of->allocated_at_100 = of->allocated_at_end;
    of->total_milli = r->commons.fleet.total_milli;
    for (uint32_t a = 0; a < r->config->agents; a++)
        add_counts(&r->result.counts, &r->agents[a].counts);
    of->failed =
        (uint32_t)(r->result.counts.nowhere + r->result.counts.gave_up);
    r->result.holds_up = commons_holds_up(&r->commons);
}

enum err replay_agents(const struct openb *openb,
                       const struct replay_agents_config *config,
                       struct replay_agents_result *out)
{
    struct replay *r = calloc(1, sizeof(*r));
    enum err err;
    if (r == NULL)
        return ERR_NOMEM;
    r->openb = openb;
    r->config = config;
    err = open_replay(r);
    if (err == OK) {
        run(r);
        *out = r->result;
    }
    close_replay(r);
    free(r);
    return err;
}
