#include "tests/sim/consensus/world.h"

#include "base/check.h"
#include "ledger/sx/sx_room.h"

#include <stdlib.h>
#include <string.h>

/* After the trouble: what people and machines may take besides voting (wishes
 * that are handed in again, answers that are asked for again), and silence. */
#define PATIENCE_US (60 * SECOND)
#define QUIET_US    (40 * SECOND)

void *world_room(void *items, size_t size, size_t count, size_t *cap)
{
    if (count < *cap)
        return items;
    *cap = *cap == 0 ? 64 : 2 * *cap;
    void *more = realloc(items, *cap * size);
    CHECK(more != NULL);
    return more;
}

void world_trace(struct world *world, uint64_t what, uint64_t a, uint64_t b)
{
    uint64_t parts[4] = {world->now_us, what, a, b};
    for (size_t i = 0; i < 4; i++) {
        world->trace = (world->trace ^ parts[i]) * UINT64_C(0x9fb21c651e98df25);
        world->trace ^= world->trace >> 29;
    }
}

void world_add(struct world *world, uint64_t delay_us,
               const struct entry *entry)
{
    struct entry added = *entry;
    added.at_us = world->now_us + delay_us;
    calendar_add(&world->calendar, &added);
}

/* ---- the beginning ---- */

static void set_param(struct world *world, const char *name, uint64_t value)
{
    uint64_t old;
    /* A number this version of the ledger does not know stays away. */
    if (params_get(&world->genesis.params, name, &old) == OK)
        CHECK(params_set(&world->genesis.params, name, value) == OK);
}

static void make_genesis(struct world *world)
{
    struct genesis *genesis = &world->genesis;
    const struct plan *plan = &world->plan;
    genesis_init(genesis);
    strcpy(genesis->network, "sim");
    genesis->test = true;
    genesis->time_ms = WORLD_T0;
    set_param(world, "epoch_blocks", plan->epoch_blocks);
    set_param(world, "min_interval_ms", plan->interval_ms);
    set_param(world, "heartbeat_ms", plan->heartbeat_ms);
    set_param(world, "delay_ms", plan->delay_ms);
    set_param(world, "bond_min_micro", 1);
    for (uint32_t i = 0; i < plan->keys; i++)
        CHECK(validators_add(&genesis->validators, &world->keys[i].signer.key,
                             plan->weights[i]) == OK);
    people_genesis(world, genesis);
    CHECK(genesis_seal(genesis) == OK);
}

static void make_machines(struct world *world)
{
    const struct plan *plan = &world->plan;
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->keys; i++)
        machine_init(world, count++, i, &world->keys[i]);
    for (uint32_t i = 0; i < plan->followers; i++) {
        sim_key_init(&world->keys[count], plan->seed, 100 + i);
        machine_init(world, count, NOBODY, &world->keys[count]);
        count++;
    }
    world->first_newcomer = count;
    for (uint32_t i = 0; i < plan->newcomers; i++) {
        sim_key_init(&world->keys[count], plan->seed, 200 + i);
        machine_init(world, count, PLAN_KEYS_MAX + i, &world->keys[count]);
        count++;
    }
    for (uint32_t i = 0; i < plan->keys && count < MACHINES_MAX; i++)
        if ((plan->mischief[i] & ACT_TWINS) != 0)
            machine_init(world, count++, i, &world->keys[i]);
    if (plan->stranger != 0) {
        sim_key_init(&world->keys[count], plan->seed, 300);
        machine_init(world, count, NOBODY, &world->keys[count]);
        world->machines[count++].acts = plan->stranger;
    }
    world->machine_count = count;
}

static void start_machines(struct world *world)
{
    for (uint32_t i = 0; i < world->machine_count; i++) {
        struct entry entry = {.kind = ENTRY_START, .node = i};
        uint64_t delay_us = dice_below(&world->dice, 300 * MS);
        if (i < world->plan.late || (world->plan.late_us_min > 0 &&
                                     !machine_validates(&world->machines[i])))
            delay_us = world->plan.late_us_min +
                       dice_below(&world->dice, world->plan.chaos_us) %
                           (world->plan.chaos_us - world->plan.late_us_min);
        world->machines[i].starting = true;
        world_add(world, delay_us, &entry);
        if (world->machines[i].acts != 0) {
            entry.kind = ENTRY_ACT;
            world_add(world, dice_below(&world->dice, SECOND), &entry);
        }
    }
}

static void begin_sets(struct world *world)
{
    world->set_count = 3;
    world->sets = calloc(world->set_count, sizeof(*world->sets));
    CHECK(world->sets != NULL);
    world->sets[1] = world->sets[2] = world->genesis.validators;
    world->final_cap = 64;
    world->finals = calloc(world->final_cap, sizeof(*world->finals));
    CHECK(world->finals != NULL);
    world->finals[0].time_ms = WORLD_T0;
    world->final_count = 1;
}

void world_init(struct world *world, const struct plan *plan,
                struct telling telling)
{
    memset(world, 0, sizeof(*world));
    world->plan = *plan;
    world->telling = telling.keeps || telling.prints;
    world->verbose = telling.prints;
    dice_init(&world->dice, plan->seed);
    keys_init(plan->real_signatures);
    for (uint32_t i = 0; i < plan->keys; i++)
        sim_key_init(&world->keys[i], plan->seed, i);
    make_genesis(world);
    begin_sets(world);
    net_init(world);
    make_machines(world);
    people_init(world);
    start_machines(world);
    trouble_init(world);
}

void world_done(struct world *world)
{
    for (uint32_t i = 0; i < world->machine_count; i++)
        machine_done(&world->machines[i]);
    calendar_done(&world->calendar);
    net_done(world);
    people_done(world);
    votes_done(&world->votes);
    votes_done(&world->all_votes);
    genesis_done(&world->genesis);
    free(world->finals);
    free(world->punished);
    free(world->sets);
}

/* ---- life ---- */

static void start(struct world *world, const struct entry *entry)
{
    struct machine *machine = &world->machines[entry->node];
    if (machine->starting)
        machine_start(world, machine);
}

static void happen(struct world *world, struct entry *entry)
{
    switch (entry->kind) {
    case ENTRY_START:
        start(world, entry);
        return;
    case ENTRY_LINK:
        net_link(world, entry);
        return;
    case ENTRY_CLIENT:
    case ENTRY_RETRY:
        people_entry(world, entry);
        return;
    case ENTRY_TROUBLE:
    case ENTRY_MEND:
    case ENTRY_UNITE:
    case ENTRY_RESTORE:
    case ENTRY_GONE:
        trouble_entry(world, entry);
        return;
    case ENTRY_ACT:
        actor_entry(world, entry);
        return;
    case ENTRY_WAKE:
    case ENTRY_MESSAGE:
    case ENTRY_TX:
    case ENTRY_PEER:
    case ENTRY_UNLINK:
    case ENTRY_SYNCED:
    case ENTRY_COMMIT:
    case ENTRY_STORED:
    case ENTRY_KILL:
    case ENTRY_FREE:
        inbox_take(world, entry);
        return;
    }
    CHECK(false); /* an entry is one of these */
}

static void run_until(struct world *world, uint64_t until_us)
{
    uint64_t at_us;
    while (calendar_next(&world->calendar, &at_us) && at_us <= until_us) {
        struct entry entry = calendar_take(&world->calendar);
        CHECK(at_us >= world->now_us);
        world->now_us = at_us;
        happen(world, &entry);
    }
    world->now_us = until_us;
}

bool world_can_decide(const struct world *world)
{
    uint64_t weight = 0;
    for (uint32_t i = 0; i < world->machine_count; i++) {
        const struct machine *machine = &world->machines[i];
        if (machine->key_number < world->plan.keys && machine_honest(machine) &&
            !machine->wiped)
            weight += world->plan.weights[machine->key_number];
    }
    return weight >= world->plan.quorum && !world->plan.overload;
}

/* ---- the phases of a run ---- */

static bool views_reached(const struct world *world)
{
    return world->plan.views_max > 0 &&
           world->views_max_seen >= world->plan.views_max;
}

static void live_chaos(struct world *world)
{
    uint64_t end_us = world->plan.chaos_us;
    uint64_t idle_from_us = end_us / 2;
    uint64_t idle_to_us = idle_from_us + world->plan.idle_us;
    if (world->plan.idle_us > 0)
        end_us += world->plan.idle_us;
    while (world->now_us < end_us && !views_reached(world)) {
        world->hushed =
            world->now_us >= idle_from_us && world->now_us < idle_to_us;
        run_until(world, world->now_us + 250 * MS);
    }
    world->hushed = false;
}

/* Some views have to go by until who has forgotten its votes may vote again. An
 * idle network without heartbeats goes through none: it needs wishes. */
static bool wishes_needed(const struct world *world)
{
    for (uint32_t i = 0; i < world->machine_count; i++) {
        const struct machine *machine = &world->machines[i];
        if (machine_honest(machine) && machine->before.amnesia)
            return world->plan.heartbeat_ms == 0;
    }
    return false;
}

/* Until a D that is too small has grown to a round trip: a doubling takes as
 * many views as hold an honest leader, and where nobody wishes anything any
 * more a heartbeat brings the next few. Who recalls needs some decisions; it
 * may begin anew for each, as in every epoch. */
#define RECALL_BLOCKS 3u
static uint64_t growth_us(const struct world *world,
                          const struct machine *machine)
{
    uint64_t trip_us = 2 * plan_way_us(&world->plan);
    uint64_t views_us = machine->core->honest_run * trip_us;
    uint64_t sum_us = 0;
    if (!machine->before.amnesia || world->plan.heartbeat_ms == 0)
        return 0;
    for (uint64_t us = sx_delay(machine->core) * MS; us < trip_us; us *= 2)
        sum_us += views_us + world->plan.heartbeat_ms * MS;
    return RECALL_BLOCKS * sum_us;
}

/* What the protocol promises (docs/consensus.md): among so many leaders in a
 * row one is honest and heard, three more views until all know it; 3D for each,
 * and D may grow once more before that. Validators that must recall need some
 * decisions for it, one after the other. */
static uint64_t bound_of(const struct world *world)
{
    /* D starts low in every epoch, and grows to a round trip. */
    uint64_t way_us = plan_way_us(&world->plan);
    uint64_t grown_us = 2 * way_us;
    uint64_t bound_us = 0;
    uint64_t block_us = 0;
    for (uint32_t i = 0; i < world->machine_count; i++) {
        const struct machine *machine = &world->machines[i];
        uint64_t views;
        uint64_t view_us;
        uint64_t all_us;
        if (!machine_honest(machine) || !machine->up)
            continue;
        views = machine->core->honest_run + 3;
        view_us = 6 * sx_delay(machine->core) * MS + way_us;
        all_us = views * view_us + growth_us(world, machine);
        if (all_us > bound_us)
            bound_us = all_us;
        if (views * (6 * grown_us + way_us) > block_us)
            block_us = views * (6 * grown_us + way_us);
    }
    if (block_us < bound_us)
        block_us = bound_us;
    return PATIENCE_US + bound_us + people_rounds_us(world, block_us);
}

/* Runs that overtake each other are asked for again: over links that keep no
 * order each answer brings one, at worst, and the next question waits a moment
 * for what may still be on its way (sx_sync.c: ASK_GAP_MS). */
#define ASK_GAP_US (200 * MS)
static uint64_t catch_up_us(const struct world *world, uint64_t from)
{
    uint64_t trip_us = 2 * plan_way_us(&world->plan) + ASK_GAP_US;
    return world->plan.in_order ? 0 : (world->final_count - from) * trip_us;
}

static uint64_t lowest_tip(const struct world *world)
{
    uint64_t lowest = UINT64_MAX;
    for (uint32_t i = 0; i < world->machine_count; i++) {
        const struct machine *machine = &world->machines[i];
        uint64_t height;
        if (!machine_honest(machine))
            continue;
        height = machine->up ? chain_tip(machine->chain).height : 0;
        if (height < lowest)
            lowest = height;
    }
    return lowest == UINT64_MAX ? 0 : lowest;
}

static void settle(struct world *world)
{
    uint64_t least_us = bound_of(world);
    uint64_t bound_us = least_us;
    uint64_t from = lowest_tip(world);
    uint64_t height = world->final_count - 1;
    uint64_t began_us = world->now_us;
    uint64_t rounds = 0;
    const char *why = "";
    while (!judge_settled(world, height, &why)) {
        bound_us = least_us + catch_up_us(world, from);
        if (world->now_us - began_us > bound_us)
            judge_fails(world, "no agreement %.0f s after the trouble: %s",
                        (double)bound_us / 1e6, why);
        if (rounds++ < 12 || wishes_needed(world))
            people_wish(world);
        run_until(world, world->now_us + SECOND);
    }
    tell(world, "all agree, %.1f s of %.1f s after the trouble",
         (double)(world->now_us - began_us) / 1e6, (double)bound_us / 1e6);
}

/* Views that were gone through at some honest machine, over epochs. */
static uint64_t view_of_first(const struct world *world)
{
    for (uint32_t i = 0; i < world->machine_count; i++)
        if (machine_honest(&world->machines[i]))
            return world->machines[i].views;
    return 0;
}

static uint64_t sent_by_all(const struct world *world)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < world->machine_count; i++)
        bytes += world->machines[i].sent_bytes;
    return bytes;
}

/* A status with its certificate and a claim, each second on each link; and a
 * heartbeat's block. */
static uint64_t quiet_bytes(const struct world *world)
{
    uint64_t links = (uint64_t)world->machine_count * world->machine_count;
    return links * (600 + 64 * world->plan.keys) * 3 + 2000;
}

static const struct machine *waits_longer(const struct world *world)
{
    for (uint32_t i = 0; i < world->machine_count; i++) {
        const struct machine *machine = &world->machines[i];
        if (machine_honest(machine) &&
            machine->before.delay_ms > world->plan.delay_ms)
            return machine;
    }
    return NULL;
}

/* All is well: nobody waits longer than at first. But who joins learns late
 * that its first epoch has begun, and views there are given up: each heartbeat
 * then takes one doubling back, of six at most. */
static void check_delay(struct world *world)
{
    const struct machine *machine;
    uint64_t until = world->now_us + 7 * world->plan.heartbeat_ms * MS;
    while ((machine = waits_longer(world)) != NULL && world->now_us < until)
        run_until(world, world->now_us + SECOND);
    if (machine != NULL)
        judge_fails(world, "machine %u still waits for %llu ms",
                    (unsigned)(machine - world->machines),
                    (unsigned long long)machine->before.delay_ms);
}

/* Nobody wishes anything: nothing but heartbeats may happen. */
static void be_quiet(struct world *world)
{
    uint64_t beat_us = world->plan.heartbeat_ms * MS;
    uint64_t before;
    uint64_t blocks;
    uint64_t view;
    uint64_t bytes;
    /* A block's way takes less than the protocol allows for it. */
    bool fast = plan_way_us(&world->plan) + world->plan.sync_us_max +
                    50 * world->plan.step_us <
                world->plan.delay_ms * MS / 2;
    run_until(world, world->now_us + 5 * SECOND);
    before = world->final_count;
    view = view_of_first(world);
    bytes = sent_by_all(world);
    run_until(world, world->now_us + QUIET_US);
    blocks = world->final_count - before;
    view = view_of_first(world) - view;
    /* A view for a block, and one more for the end of an epoch; and those of a
     * block that is not counted yet. */
    if (fast && view > 2 * blocks + 2)
        judge_fails(world, "an idle network went through %llu views",
                    (unsigned long long)view);
    bytes = (sent_by_all(world) - bytes) / (QUIET_US / SECOND);
    if (fast && bytes > quiet_bytes(world))
        judge_fails(world, "an idle network says %llu bytes a second",
                    (unsigned long long)bytes);
    if (fast)
        check_delay(world);
    if (blocks > (beat_us == 0 ? 0 : QUIET_US / beat_us) + 1)
        judge_fails(world, "an idle network made %llu blocks in %.0f s",
                    (unsigned long long)blocks, (double)QUIET_US / 1e6);
}

static bool dishonest_left(const struct world *world)
{
    for (uint32_t i = 0; i < world->machine_count; i++)
        if (!machine_honest(&world->machines[i]))
            return true;
    return false;
}

void world_run(struct world *world)
{
    live_chaos(world);
    tell(world, "the trouble is over");
    world->healed = true;
    world->hushed = true;
    trouble_heal(world);
    if (!world_can_decide(world)) {
        run_until(world, world->now_us + 20 * SECOND);
        judge_end(world);
        return;
    }
    settle(world);
    if (!dishonest_left(world))
        be_quiet(world);
    people_wish(world);
    settle(world);
    judge_end(world);
}
