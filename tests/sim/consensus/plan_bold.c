/* Three kinds of worlds that came later, in seeds of their own: long epochs
 * with a machine that is away for a while, the bolder kinds of mischief, and
 * disks that lose one thing after the other. Their dice are their own, too, so
 * that all other seeds live where they always did. */

#include "tests/sim/consensus/plan.h"

#include <string.h>

#define LONG_EVERY 58u /* seeds */
#define BOLD_EVERY 29u
#ifndef LOSSY_EVERY /* 1: all but those of the other two kinds */
#define LOSSY_EVERY 37u
#endif

bool plan_is_long(uint64_t seed)
{
    return seed % LONG_EVERY == 11;
}

bool plan_is_bold(uint64_t seed)
{
    return seed % BOLD_EVERY == 12;
}

bool plan_is_lossy(uint64_t seed)
{
    return seed % LOSSY_EVERY == 24 % LOSSY_EVERY && !plan_is_long(seed) &&
           !plan_is_bold(seed);
}

uint64_t plan_way_us(const struct plan *plan)
{
    return plan->hop_us_max + plan->far_us;
}

/* Links that lose nothing, machines that nothing happens to. */
static void calm(struct plan *plan)
{
    plan->tail_permille = plan->loss_permille = 0;
    plan->copy_permille = plan->replay_permille = 0;
    plan->skew_us_max = 0;
    plan->faults = 0;
    plan->trouble_us = 0;
    plan->crash_effects = plan->edge_permille = 0;
    plan->followers = plan->newcomers = plan->late = 0;
    plan->idle_us = 0;
}

static void all_honest(struct plan *plan)
{
    memset(plan->mischief, 0, sizeof(plan->mischief));
    plan->overload = false;
    plan->budget = (plan->weight - 1) / 3;
}

static void all_equal(struct plan *plan)
{
    for (uint32_t i = 0; i < plan->keys; i++)
        plan->weights[i] = 1;
    plan->weight = plan->keys;
    plan->quorum = plan->weight * 2 / 3 + 1;
    all_honest(plan);
}

/* ---- long epochs ---- */

/* One without whom the others decide, else a follower. */
static void choose_far(struct plan *plan, struct dice *dice)
{
    uint32_t first = (uint32_t)dice_below(dice, plan->keys);
    plan->far = plan->keys;
    for (uint32_t i = 0; i < plan->keys; i++) {
        uint32_t who = (first + i) % plan->keys;
        if (plan->far == plan->keys && plan->weights[who] <= plan->budget)
            plan->far = who;
    }
    if (plan->far == plan->keys || dice_chance(dice, 200)) {
        plan->followers = 1;
        plan->far = plan->keys;
    }
}

void plan_long(struct plan *plan)
{
    struct dice dice;
    dice_init(&dice, plan->seed * UINT64_C(0x9e3779b97f4a7c15) + 79);
    calm(plan);
    all_honest(plan);
    choose_far(plan, &dice);
    plan->epoch_blocks = dice_between(&dice, 100, 600);
    plan->interval_ms = 1;
    plan->delay_ms = dice_chance(&dice, 500) ? 60 : 20;
    plan->hop_us_max = dice_between(&dice, 200, 6 * MS);
    plan->hop_us_min = dice_between(&dice, 50, plan->hop_us_max);
    plan->store_us_max = dice_between(&dice, 100, 10 * MS);
    /* A stranger who is told of it helps in its way where nothing is far. */
    if (dice_chance(&dice, 400))
        plan->stranger = ACT_DECIDED;
    if (plan->stranger == 0 || dice_chance(&dice, 300))
        plan->far_us = dice_between(&dice, 40 * MS, 130 * MS);
    plan->clients = (uint32_t)dice_between(&dice, 6, 10);
    plan->client_us = dice_between(&dice, 200, 450) * MS;
    plan->gone_at_us = dice_between(&dice, 500 * MS, 2 * SECOND);
    plan->gone_us = dice_between(&dice, 3 * SECOND, 8 * SECOND);
    plan->chaos_us = plan->gone_at_us + plan->gone_us +
                     dice_between(&dice, 2 * SECOND, 6 * SECOND);
    plan->views_max = 0;
    plan->pool_txs = 0;
}

/* ---- the bolder mischief ---- */

/* Seven of equal weight: one may lie, and another forget. */
static void forgetful(struct plan *plan, struct dice *dice)
{
    all_equal(plan);
    plan->faults |= FAULT_WIPE_LOG | FAULT_WIPE_DISK;
    plan->trouble_us = dice_between(dice, 200 * MS, 600 * MS);
    /* Soon back, it hears the liar before the others have gone on. */
    plan->down_us_max = dice_chance(dice, 500) ? 20 * MS : SECOND;
    plan->epoch_blocks = dice_between(dice, 10, 300);
    plan->pool_txs = 0;
}

void plan_bold(struct plan *plan)
{
    static const uint32_t acts[] = {ACT_UNHELD, ACT_SWAMP, ACT_UNHELD,
                                    ACT_SWAMP, ACT_UNASKED};
    uint32_t act = acts[plan->seed / BOLD_EVERY % 5];
    struct dice dice;
    dice_init(&dice, plan->seed * UINT64_C(0x9e3779b97f4a7c15) + 80);
    calm(plan);
    if (act == ACT_UNHELD && plan->keys >= 4)
        forgetful(plan, &dice);
    plan_act(plan, act);
    if (act == ACT_UNASKED)
        plan->stranger = act;
    plan->client_us = dice_between(&dice, 100 * MS, 600 * MS);
    plan->chaos_us = dice_between(&dice, 4 * SECOND, 15 * SECOND);
    plan->views_max = 250;
}

/* ---- disks ---- */

/* Log, store, both, or what they were a while ago: who has just recalled loses
 * the next thing, while the others go on. */
void plan_lossy(struct plan *plan)
{
    struct dice dice;
    dice_init(&dice, plan->seed * UINT64_C(0x9e3779b97f4a7c15) + 81);
    calm(plan);
    all_equal(plan);
    plan->faults = FAULT_CRASH | FAULT_WIPE_LOG | FAULT_DAMAGE_LOG |
                   FAULT_WIPE_DISK | FAULT_WIPE_STORE | FAULT_OLD_STORE;
    plan->fault_count = FAULT_COUNT;
    plan->trouble_us = dice_between(&dice, 100 * MS, 900 * MS);
    plan->down_us_max = dice_chance(&dice, 500) ? 30 * MS : 600 * MS;
    plan->epoch_blocks = dice_chance(&dice, 500) ? dice_between(&dice, 1, 10)
                                                 : dice_between(&dice, 11, 300);
    plan->interval_ms = 1;
    plan->heartbeat_ms = 5000;
    plan->delay_ms = dice_chance(&dice, 500) ? 60 : 20;
    plan->listen_ms = dice_chance(&dice, 300) ? 6 * plan->delay_ms : 0;
    plan->hop_us_max = dice_between(&dice, 200, 3 * MS);
    plan->hop_us_min = dice_between(&dice, 50, plan->hop_us_max);
    plan->followers = dice_chance(&dice, 300) ? 1 : 0;
    plan->clients = (uint32_t)dice_between(&dice, 4, 8);
    plan->client_us = dice_between(&dice, 150 * MS, 800 * MS);
    plan->chaos_us = dice_between(&dice, 8 * SECOND, 25 * SECOND);
    plan->views_max = 400;
    plan->pool_txs = 0;
}
