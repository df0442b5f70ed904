#include "tests/sim/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)

static void draw_network(struct sim_plan *plan, struct dice *dice)
{
    plan->delay_ms_max = dice_between(dice, 2, 400);
    plan->in_order = dice_chance(dice, 600);
    if (!plan->in_order) {
        plan->delay_ms_max = dice_between(dice, 50, 3000);
        plan->copy_permille = (uint32_t)dice_below(dice, 200);
    }
    if (dice_chance(dice, 400))
        plan->loss_permille = (uint32_t)dice_below(dice, 150);
    plan->skew_ms_max = dice_chance(dice, 500) ? dice_below(dice, 4000) : 0;
}

static void draw_trouble(struct sim_plan *plan, struct dice *dice)
{
    if (dice_chance(dice, 150))
        return; /* a quiet world must work, too */
    plan->mischief_ms = dice_between(dice, 5 * SECOND, 2 * MINUTE);
    plan->down_ms_max = dice_chance(dice, 300)
                            ? dice_between(dice, MINUTE, 10 * MINUTE)
                            : dice_between(dice, SECOND, 30 * SECOND);
    if (dice_chance(dice, 800))
        plan->crash_effects = (uint32_t)dice_between(dice, 40, 1500);
    if (dice_chance(dice, 400))
        plan->vanish_permille = (uint32_t)dice_between(dice, 100, 600);
    plan->buyer_vanishes = dice_chance(dice, 60);
    if (dice_chance(dice, 100))
        plan->wipe_permille = (uint32_t)dice_between(dice, 50, 300);
    if (dice_chance(dice, 300))
        plan->meddle_permille = (uint32_t)dice_below(dice, 200);
}

static void draw_jobs(struct sim_plan *plan, struct dice *dice)
{
    plan->jobs = (uint32_t)dice_between(dice, 2, 8);
    plan->run_ms_max = dice_between(dice, 2 * SECOND, 90 * SECOND);
    if (dice_chance(dice, 700)) {
        plan->fail_permille = (uint32_t)dice_below(dice, 300);
        plan->start_permille = (uint32_t)dice_below(dice, 150);
        plan->lost_permille = (uint32_t)dice_below(dice, 150);
        plan->fetch_permille = (uint32_t)dice_below(dice, 300);
    }
}

/* Of its own dice, so that worlds without queues are what they were. */
static void draw_queues(struct sim_plan *plan, uint64_t seed)
{
    struct dice dice;
    dice_init(&dice, seed * UINT64_C(0x9e3779b97f4a7c15) + 24);
    if (!dice_chance(&dice, 400))
        return;
    plan->queue = dice_chance(&dice, 500) ? LINE_EASY : LINE_CONSERVATIVE;
    plan->patience_ms_max = dice_between(&dice, MINUTE, 60 * MINUTE);
}

void plan_draw(struct sim_plan *plan, uint64_t seed)
{
    struct dice dice;
    dice_init(&dice, seed * UINT64_C(0x2545f4914f6cdd1d) + 1);
    memset(plan, 0, sizeof(*plan));
    plan->seed = seed;
    plan->buyers = dice_chance(&dice, 250) ? 2 : 1;
    plan->providers = (uint32_t)dice_between(&dice, 1, 4);
    plan->seller_buys = dice_chance(&dice, 200);
    plan->chaos_ms = dice_between(&dice, 2 * MINUTE, 8 * MINUTE);
    draw_network(plan, &dice);
    draw_trouble(plan, &dice);
    draw_jobs(plan, &dice);
    draw_queues(plan, seed);
    plan->interval_ms = dice_between(&dice, 1, 800);
    plan->claim_ms = dice_between(&dice, 5 * SECOND, 60 * SECOND);
    plan->review_ms = dice_between(&dice, 20 * SECOND, 5 * MINUTE);
    plan->start_by_ms = dice_between(&dice, 125 * SECOND, 200 * SECOND);
    plan->receipt_ms = dice_between(&dice, 2 * SECOND, 30 * SECOND);
    plan->retention_ms = dice_between(&dice, 30 * SECOND, 3 * MINUTE);
    plan->lost_ms = dice_between(&dice, 20 * SECOND, 3 * MINUTE);
}

void plan_print(const struct sim_plan *plan)
{
    printf("seed %" PRIu64 ": %u+%u nodes%s, %u jobs of up to %.1f s, trouble "
           "for %.0f s%s\n",
           plan->seed, plan->buyers, plan->providers,
           plan->seller_buys ? " (a seller buys)" : "", plan->jobs,
           (double)plan->run_ms_max / 1000, (double)plan->chaos_ms / 1000,
           plan->real_signatures ? ", real signatures" : "");
    printf("  network: up to %" PRIu64 " ms%s, lost %u, twice %u of 1000, "
           "clocks +-%" PRIu64 " ms\n",
           plan->delay_ms_max, plan->in_order ? " in order" : "",
           plan->loss_permille, plan->copy_permille, plan->skew_ms_max);
    printf("  trouble: every %.0f s for up to %.0f s, killed every %u effects, "
           "leave for good %u of 1000%s, disks lost %u, meddled with %u\n",
           (double)plan->mischief_ms / 1000, (double)plan->down_ms_max / 1000,
           plan->crash_effects, plan->vanish_permille,
           plan->buyer_vanishes ? ", so does a buyer" : "", plan->wipe_permille,
           plan->meddle_permille);
    printf("  jobs: fail %u, do not start %u, are lost %u, transfers break %u "
           "of 1000\n",
           plan->fail_permille, plan->start_permille, plan->lost_permille,
           plan->fetch_permille);
    printf("  chain: %" PRIu64 " ms between blocks, claims %.0f s, review "
           "%.0f s; start by %.0f s, receipts every %.0f s, kept %.0f s, lost "
           "after %.0f s; queues %s, patience up to %.0f s\n",
           plan->interval_ms, (double)plan->claim_ms / 1000,
           (double)plan->review_ms / 1000, (double)plan->start_by_ms / 1000,
           (double)plan->receipt_ms / 1000, (double)plan->retention_ms / 1000,
           (double)plan->lost_ms / 1000, line_rule_text(plan->queue),
           (double)plan->patience_ms_max / 1000);
}
