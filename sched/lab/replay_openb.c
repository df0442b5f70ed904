#include "sched/lab/replay_openb.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define LOAD_PERMILLE_MAX 100000u

struct replay {
    const struct openb *openb;
    const struct replay_openb_config *config;
    struct fleet fleet;
    struct frag *frag;
    struct picker *picker;
    uint32_t *order; /* of the trace's tasks, until all have arrived */
    uint32_t next;
    struct dice arrivals; /* which task comes: the same for every policy */
    struct dice choices;
    bool is_full; /* 100 % have arrived */
    struct replay_openb_result result;
};

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

static enum err fill_fleet(struct replay *replay)
{
    const struct openb *openb = replay->openb;
    TRY(fleet_init(&replay->fleet, openb->machine_count));
    for (uint32_t i = 0; i < openb->machine_count; i++)
        TRY(fleet_add(&replay->fleet, &openb->machines[i]));
    return OK;
}

static enum err check_devices(const struct replay *replay)
{
    uint64_t asked = 0;
    for (uint32_t i = 0; i < replay->openb->ask_count; i++)
        asked += ask_milli(&replay->openb->asks[i]);
    return asked == 0 || replay->fleet.total_milli == 0 ? ERR_RANGE : OK;
}

static enum err replay_init(struct replay *replay)
{
    const struct openb *openb = replay->openb;
    const struct replay_openb_config *config = replay->config;
    if (config->load_permille == 0 || config->load_permille > LOAD_PERMILLE_MAX)
        return ERR_RANGE;
    TRY(fill_fleet(replay));
    TRY(check_devices(replay));
    TRY(frag_new(openb->asks, openb->ask_count, config->typical_permille,
                 &replay->frag));
    TRY(picker_new(config->policy, &replay->fleet, replay->frag, config->memory,
                   &replay->picker));
    replay->order = calloc(openb->ask_count, sizeof(*replay->order));
    if (replay->order == NULL)
        return ERR_NOMEM;
    dice_init(&replay->arrivals, config->seed);
    shuffle(replay->order, openb->ask_count, &replay->arrivals);
    dice_init(&replay->choices, dice_next(&replay->arrivals));
    return OK;
}

static void replay_done(struct replay *replay)
{
    free(replay->order);
    picker_free(replay->picker);
    frag_free(replay->frag);
    fleet_done(&replay->fleet);
}

/* The next to arrive; NULL when it would be too much. */
static const struct ask *next_arrival(struct replay *replay)
{
    const struct openb *openb = replay->openb;
    uint64_t most =
        replay->fleet.total_milli * replay->config->load_permille / 1000;
    const struct ask *ask;
    uint32_t i;
    if (replay->next < openb->ask_count)
        i = replay->order[replay->next++];
    else
        i = (uint32_t)dice_below(&replay->arrivals, openb->ask_count);
    ask = &openb->asks[i];
    return replay->result.arrived_milli + ask_milli(ask) > most ? NULL : ask;
}

static uint32_t parts(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (uint32_t)(part * REPLAY_PARTS / whole);
}

static uint32_t allocated(const struct replay *replay)
{
    const struct fleet *fleet = &replay->fleet;
    return parts(fleet->total_milli - fleet->idle_milli, fleet->total_milli);
}

/* Expected waste over what is idle. */
static uint32_t fragmented(const struct replay *replay)
{
    const struct fleet *fleet = &replay->fleet;
    double waste = 0;
    for (uint32_t i = 0; i < fleet->count; i++)
        waste += (double)frag_of(replay->frag, &fleet->machines[i]);
    waste /= (double)frag_weight(replay->frag);
    if (fleet->idle_milli == 0)
        return 0;
    return (uint32_t)(waste / (double)fleet->idle_milli * REPLAY_PARTS + 0.5);
}

static void look_at_100(struct replay *replay)
{
    struct replay_openb_result *result = &replay->result;
    result->allocated_at_100 = allocated(replay);
    result->fragmented_at_100 = fragmented(replay);
    for (uint32_t i = 0; i < replay->fleet.count; i++)
        result->machines_at_100 += !machine_empty(&replay->fleet.machines[i]);
    replay->is_full = true;
}

static enum err decide(struct replay *replay, const struct ask *ask,
                       struct grant *out)
{
    uint64_t (*clock_ns)(void) = replay->config->clock_ns;
    uint64_t began = clock_ns == NULL ? 0 : clock_ns();
    enum err err =
        picker_pick(replay->picker, ask, NULL, &replay->choices, out);
    uint64_t took = clock_ns == NULL ? 0 : clock_ns() - began;
    replay->result.decision_ns += took;
    if (took > replay->result.slowest_ns)
        replay->result.slowest_ns = took;
    return err;
}

static void arrive(struct replay *replay, const struct ask *ask)
{
    struct replay_openb_result *result = &replay->result;
    uint32_t alone[MISS_COUNT];
    struct grant grant;
    enum err err = decide(replay, ask, &grant);
    result->decisions++;
    result->arrived_milli += ask_milli(ask);
    if (err == OK) {
        err = fleet_take(&replay->fleet, ask, &grant);
        CHECK(err == OK); /* what is picked fits */
    } else {
        enum miss miss = fleet_explain(&replay->fleet, ask, alone);
        CHECK(err == ERR_CAPACITY && alone[MISS_NONE] == 0);
        result->failed++;
        result->failed_by[miss == MISS_COUNT ? MISS_NONE : miss]++;
    }
    if (!replay->is_full && result->arrived_milli >= replay->fleet.total_milli)
        look_at_100(replay);
}

enum err replay_openb(const struct openb *openb,
                      const struct replay_openb_config *config,
                      struct replay_openb_result *out)
{
    struct replay replay = {.openb = openb, .config = config};
    enum err err = replay_init(&replay);
    if (err == OK) {
        const struct ask *ask;
        while ((ask = next_arrival(&replay)) != NULL)
            arrive(&replay, ask);
        if (!replay.is_full)
            look_at_100(&replay);
        replay.result.total_milli = replay.fleet.total_milli;
        replay.result.allocated_at_end = allocated(&replay);
        replay.result.fragmented_at_end = fragmented(&replay);
        *out = replay.result;
    }
    replay_done(&replay);
    return err;
}
