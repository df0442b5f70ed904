#include "tests/sim/consensus/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const fault_names[FAULT_COUNT] = {
    "crash", "crash-all",  "split",     "one-way",  "flap",       "clog",
    "pause", "slow",       "clock",     "wipe-log", "damage-log", "wipe-disk",
    "copy",  "wipe-store", "old-store", "full",     "rot"};

static const char *const mischief_names[ACT_COUNT] = {
    "twins",       "equivocate", "selective", "both-ends", "yes",     "silent",
    "late",        "bad-block",  "withhold",  "bad-cert",  "flood",   "lies",
    "unjustified", "repropose",  "poison",    "echo",      "garbage", "fork",
    "usurp",       "bad-vote",   "claim",     "bad-pages", "unheld",  "swamp",
    "decided",     "unasked"};

const char *plan_fault_name(unsigned bit)
{
    return bit < FAULT_COUNT ? fault_names[bit] : "?";
}

const char *plan_mischief_name(unsigned bit)
{
    return bit < ACT_COUNT ? mischief_names[bit] : "?";
}

static uint32_t draw_keys(struct dice *dice)
{
    uint64_t throw = dice_below(dice, 1000);
    if (throw < 12)
        return 31;
    if (throw < 60)
        return 10;
    if (throw < 110)
        return 1;
    if (throw < 200)
        return 2 + (uint32_t)dice_below(dice, 2);
    if (throw < 650)
        return 4;
    return 5 + (uint32_t)dice_below(dice, 3);
}

static void draw_weights(struct plan *plan, struct dice *dice)
{
    uint64_t most = dice_chance(dice, 500)   ? 1
                    : dice_chance(dice, 800) ? 10
                                             : 1000000;
    for (uint32_t i = 0; i < plan->keys; i++) {
        plan->weights[i] = dice_between(dice, 1, most);
        plan->weight += plan->weights[i];
    }
    plan->quorum = plan->weight * 2 / 3 + 1;
    plan->budget = (plan->weight - 1) / 3;
}

/* One to three kinds of mischief each. */
static uint32_t draw_acts(struct dice *dice)
{
    uint32_t acts = 0;
    uint64_t count = dice_between(dice, 1, 3);
    for (uint64_t i = 0; i < count; i++)
        acts |= 1u << dice_below(dice, ACT_MIXED);
    return acts;
}

static void draw_dishonest(struct plan *plan, struct dice *dice)
{
    uint32_t tries = plan->keys;
    if (dice_chance(dice, 300))
        return;
    plan->overload = plan->keys > 1 && dice_chance(dice, 30);
    while (tries-- > 0) {
        uint32_t i = (uint32_t)dice_below(dice, plan->keys);
        bool fits = plan->weights[i] <= plan->budget;
        if (plan->mischief[i] != 0 || !(fits || plan->overload))
            continue;
        plan->mischief[i] = draw_acts(dice);
        plan->budget -= fits ? plan->weights[i] : plan->budget;
        if (!fits || dice_chance(dice, 250))
            return;
    }
}

static void draw_network(struct plan *plan, struct dice *dice)
{
    static const uint64_t hops[] = {300, 2 * MS, 20 * MS, 100 * MS, 400 * MS};
    plan->hop_us_max = dice_between(dice, 200, hops[dice_below(dice, 5)]);
    plan->hop_us_min = dice_between(dice, 50, plan->hop_us_max);
    if (dice_chance(dice, 300))
        plan->tail_permille = (uint32_t)dice_below(dice, 100);
    if (dice_chance(dice, 400))
        plan->loss_permille = (uint32_t)dice_below(dice, 300);
    if (dice_chance(dice, 300))
        plan->copy_permille = (uint32_t)dice_below(dice, 200);
    if (dice_chance(dice, 300))
        plan->replay_permille = (uint32_t)dice_below(dice, 100);
    plan->in_order = dice_chance(dice, 500);
    if (dice_chance(dice, 300))
        plan->skew_us_max = dice_below(dice, 3 * SECOND);
}

static void draw_trouble(struct plan *plan, struct dice *dice)
{
    if (dice_chance(dice, 150))
        return; /* a quiet world must work, too */
    for (unsigned i = 0; i < FAULT_COUNT_PLAIN; i++)
        if (dice_chance(dice, 350))
            plan->faults |= 1u << i;
    plan->trouble_us = dice_between(dice, 200 * MS, 8 * SECOND);
    plan->down_us_max = dice_between(
        dice, 50 * MS, dice_chance(dice, 300) ? 20 * SECOND : 3 * SECOND);
    if ((plan->faults & FAULT_CRASH) != 0)
        plan->crash_effects = (uint32_t)dice_between(dice, 50, 3000);
    if ((plan->faults & FAULT_CRASH) != 0 && dice_chance(dice, 500))
        plan->edge_permille = (uint32_t)dice_between(dice, 2, 60);
}

/* Dice of its own: the other seeds live in the worlds they always had. */
static void draw_store_trouble(struct plan *plan)
{
    struct dice dice;
    plan->fault_count = FAULT_COUNT_PLAIN;
    if (plan->seed % 7 != 2)
        return;
    dice_init(&dice, plan->seed * UINT64_C(0x9e3779b97f4a7c15) + 78);
    plan->fault_count = FAULT_COUNT;
    for (unsigned i = FAULT_COUNT_PLAIN; i < FAULT_COUNT; i++)
        if (dice_chance(&dice, 500))
            plan->faults |= 1u << i;
    if (plan->trouble_us == 0)
        plan->down_us_max = 3 * SECOND;
    if (plan->trouble_us == 0 || plan->trouble_us > 2 * SECOND)
        plan->trouble_us = dice_between(&dice, 200 * MS, 2 * SECOND);
}

static void draw_chain(struct plan *plan, struct dice *dice)
{
    static const uint64_t d0[] = {20, 60, 60, 400};
    plan->epoch_blocks = dice_chance(dice, 800) ? 10 : dice_between(dice, 1, 9);
    plan->interval_ms = dice_chance(dice, 500) ? 1 : dice_between(dice, 2, 300);
    plan->heartbeat_ms = dice_chance(dice, 300) ? 0 : 5000;
    plan->delay_ms = d0[dice_below(dice, 4)];
    plan->listen_ms = dice_chance(dice, 600) ? 6 * plan->delay_ms : 0;
    plan->link_keys = dice_chance(dice, 700);
    if ((plan->faults & FAULT_COPY) != 0)
        plan->link_keys = true; /* by them a copy is known */
    if ((plan->faults & FAULT_COPY) != 0 && plan->listen_ms == 0)
        plan->listen_ms = 6 * plan->delay_ms;
}

static void draw_people(struct plan *plan, struct dice *dice)
{
    plan->clients = (uint32_t)dice_between(dice, 2, 10);
    plan->client_us = dice_between(dice, 50 * MS, 3 * SECOND);
    if (dice_chance(dice, 250))
        plan->idle_us = dice_between(dice, 5 * SECOND, 30 * SECOND);
    if (dice_chance(dice, 300))
        plan->bad_permille = (uint32_t)dice_below(dice, 300);
    if (dice_chance(dice, 300))
        plan->short_permille = (uint32_t)dice_below(dice, 300);
}

void plan_act(struct plan *plan, uint32_t act)
{
    memset(plan->mischief, 0, sizeof(plan->mischief));
    plan->overload = false;
    plan->budget = (plan->weight - 1) / 3;
    for (uint32_t i = 0; i < plan->keys; i++) {
        if (plan->weights[i] > plan->budget)
            continue;
        plan->mischief[i] = act;
        plan->budget -= plan->weights[i];
        return;
    }
}

#define PAGES_EVERY 11u /* seeds */

bool plan_has_pages(uint64_t seed)
{
    return seed % PAGES_EVERY == 2 && !plan_is_long(seed) &&
           !plan_is_bold(seed) && !plan_is_lossy(seed);
}

/* Somebody who is dishonest anyway, or one more that can be borne; who comes
 * late is honest, and comes when there is something to fetch. */
static void add_bad_pages(struct plan *plan, struct dice *dice)
{
    static const uint32_t most[] = {30, 300, 3000, 5000};
    uint32_t who = plan->keys;
    plan->accounts = 1 + (uint32_t)dice_below(dice, most[dice_below(dice, 4)]);
    plan->late_us_min = plan->chaos_us / 2;
    if (dice_chance(dice, 500)) /* and goes on when all else is calm */
        plan->late_us_min = plan->chaos_us - 200 * MS;
    plan->followers = plan->keys <= 10 ? 5 : 1;
    plan->mischief[0] = 0;
    for (uint32_t i = plan->keys; i-- > 1;)
        if (plan->mischief[i] != 0 ||
            (who == plan->keys && plan->weights[i] <= plan->budget))
            who = i;
    if (who == plan->keys)
        return;
    if (plan->mischief[who] == 0)
        plan->budget -= plan->weights[who];
    plan->mischief[who] |= ACT_BAD_PAGES;
}

/* Drawn apart, so that the rest of the seed stays what it is. */
void plan_pages(struct plan *plan)
{
    struct dice dice;
    dice_init(&dice, plan->seed * UINT64_C(0x9e3779b97f4a7c15) + 12);
    plan->sync_epochs = dice_between(&dice, 2, 4);
    plan->late = 1;
    if (dice_chance(&dice, 500))
        plan->epoch_blocks = dice_between(&dice, 2, 6);
    if (plan->seed / PAGES_EVERY % 2 == 1)
        add_bad_pages(plan, &dice);
}

void plan_draw(struct plan *plan, uint64_t seed, uint32_t keys)
{
    struct dice dice;
    dice_init(&dice, seed * UINT64_C(0x9e3779b97f4a7c15) + 77);
    memset(plan, 0, sizeof(*plan));
    plan->seed = seed;
    plan->keys = draw_keys(&dice);
    /* So many that others decide without one of them, or while one lies. */
    if ((plan_is_long(seed) || plan_is_lossy(seed)) &&
        (plan->keys < 4 || plan->keys > 7))
        plan->keys = 4;
    if (plan_is_bold(seed))
        plan->keys = 7;
    if (keys > 0)
        plan->keys = keys;
    draw_weights(plan, &dice);
    draw_dishonest(plan, &dice);
    draw_network(plan, &dice);
    draw_trouble(plan, &dice);
    draw_store_trouble(plan);
    draw_chain(plan, &dice);
    draw_people(plan, &dice);
    plan->followers = dice_chance(&dice, 300) ? 1 : 0;
    plan->newcomers = dice_chance(&dice, 300) && plan->keys < 10
                          ? 1 + (uint32_t)dice_below(&dice, 2)
                          : 0;
    plan->late = dice_chance(&dice, 200) ? 1 : 0;
    plan->sync_us_max =
        dice_chance(&dice, 300) ? 0 : dice_below(&dice, 12 * MS);
    plan->store_us_max = dice_between(&dice, 100, 20 * MS);
    plan->step_us = dice_chance(&dice, 700) ? 0 : dice_below(&dice, 100);
    plan->chaos_us = dice_between(&dice, 4 * SECOND, 40 * SECOND);
    /* Each kind of mischief has seeds of its own; the later kinds have others,
     * so that the worlds of the earlier ones stay what they were. */
    if (seed % 4 == 3 && plan->keys >= 4)
        plan_act(plan, 1u << (seed / 4 % ACT_MIXED));
    if (seed % 64 == 21 && plan->keys >= 4)
        plan_act(plan, 1u << (ACT_MIXED + seed / 64 % (ACT_DRAWN - ACT_MIXED)));
    plan->views_max = plan->keys > 10 ? 40 : plan->keys > 7 ? 120 : 400;
    if (seed % 8 == 5)
        plan->pool_txs = 4 + (uint32_t)(seed / 8 % 23);
    if (plan_is_long(seed))
        plan_long(plan);
    else if (plan_is_bold(seed))
        plan_bold(plan);
    else if (plan_is_lossy(seed))
        plan_lossy(plan);
}

static void print_bits(const char *what, uint32_t bits, unsigned count,
                       const char *(*name)(unsigned))
{
    printf(" %s", what);
    for (unsigned i = 0; i < count; i++)
        if ((bits >> i & 1u) != 0)
            printf(" %s", name(i));
    printf("\n");
}

static double seconds(uint64_t us)
{
    return (double)us / 1e6;
}

static void print_world(const struct plan *plan)
{
    printf(" chain: epochs of %" PRIu64 ", interval %" PRIu64
           " ms, heartbeat %" PRIu64 " ms, D %" PRIu64 " ms, listens %" PRIu64
           " ms%s\n",
           plan->epoch_blocks, plan->interval_ms, plan->heartbeat_ms,
           plan->delay_ms, plan->listen_ms,
           plan->link_keys ? ", link keys" : "");
    if (plan->sync_epochs > 0)
        printf(" newcomers fetch the state once %" PRIu64
               " epochs have ended; %u accounts more\n",
               plan->sync_epochs, plan->accounts);
    printf(" network: %.2f..%.2f ms, %u/1000 ten times that, %u lost, %u "
           "twice, %u again later, %s; clocks apart by %.3f s\n",
           (double)plan->hop_us_min / 1e3, (double)plan->hop_us_max / 1e3,
           plan->tail_permille, plan->loss_permille, plan->copy_permille,
           plan->replay_permille, plan->in_order ? "in order" : "in any order",
           seconds(plan->skew_us_max));
    printf(" machines: sync up to %.2f ms, store up to %.2f ms, event %" PRIu64
           " us\n",
           (double)plan->sync_us_max / 1e3, (double)plan->store_us_max / 1e3,
           plan->step_us);
    if (plan->pool_txs > 0)
        printf(" pools have room for %u transactions\n", plan->pool_txs);
    if (plan->gone_us > 0)
        printf(" machine %u is %.1f ms further, and away from %.1f s on for "
               "%.1f s\n",
               plan->far, (double)plan->far_us / 1e3, seconds(plan->gone_at_us),
               seconds(plan->gone_us));
    printf(" people: %u clients, a transaction each %.2f s, idle for %.0f s\n",
           plan->clients, seconds(plan->client_us), seconds(plan->idle_us));
    printf(" trouble each %.2f s, down up to %.2f s, crash each %u effects, "
           "%u/1000 at edges\n",
           seconds(plan->trouble_us), seconds(plan->down_us_max),
           plan->crash_effects, plan->edge_permille);
}

void plan_print(const struct plan *plan)
{
    printf("seed %" PRIu64 ": %u validators, %u followers, %u newcomers, "
           "%u late, trouble for %.1f s%s\n",
           plan->seed, plan->keys, plan->followers, plan->newcomers, plan->late,
           seconds(plan->chaos_us),
           plan->overload ? ", MORE DISHONEST THAN CAN BE BORNE" : "");
    for (uint32_t i = 0; i < plan->keys; i++)
        if (plan->mischief[i] != 0) {
            printf(" validator %u (weight %" PRIu64 " of %" PRIu64 ") is", i,
                   plan->weights[i], plan->weight);
            print_bits("", plan->mischief[i], ACT_COUNT, plan_mischief_name);
        }
    if (plan->stranger != 0)
        print_bits("a stranger is", plan->stranger, ACT_COUNT,
                   plan_mischief_name);
    print_bits("faults:", plan->faults, FAULT_COUNT, plan_fault_name);
    print_world(plan);
}
