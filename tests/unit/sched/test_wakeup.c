#include "tests/unit/sched/graph_sample.h"

#include "sched/graph/wakeup.h"

#define JOBS 120u

struct waiting {
    bool here;
    uint64_t since;
    struct job_graph job;
};

static bool node_helps(const struct waiting *w, const struct stock *left)
{
    for (uint32_t c = 0; c < w->job.component_count; c++)
        if (!w->job.components[c].data &&
            stock_fits(&w->job.components[c].want, left))
            return true;
    return false;
}

static bool link_helps(const struct waiting *w, uint64_t kbps)
{
    for (uint32_t i = 0; i < w->job.link_count; i++)
        if (w->job.links[i].kbps <= kbps)
            return true;
    return false;
}

/* The ids that a walk over all would wake, oldest first. */
static uint32_t by_hand(const struct waiting *all, const struct stock *left,
                        uint64_t kbps, uint64_t *out, uint32_t cap)
{
    uint32_t count = 0;
    uint64_t after = 0;
    while (count < cap) {
        uint32_t best = JOBS;
        for (uint32_t i = 0; i < JOBS; i++)
            if (all[i].here && all[i].since > after &&
                (left != NULL ? node_helps(&all[i], left)
                              : link_helps(&all[i], kbps)) &&
                (best == JOBS || all[i].since < all[best].since))
                best = i;
        if (best == JOBS)
            break;
        after = all[best].since;
        out[count++] = best;
    }
    return count;
}

static void draw(struct job_graph *job, struct dice *dice)
{
    uint32_t count = (uint32_t)dice_between(dice, 1, 5);
    job_graph_init(job);
    for (uint32_t c = 0; c < count; c++) {
        struct job_component *x = job_graph_add(job);
        x->want.of[RES_CPU] = (uint32_t)dice_below(dice, 9) * 500;
        x->want.of[RES_MEM] = (uint32_t)dice_below(dice, 5) * 256;
        if (dice_chance(dice, 200))
            x->want.of[RES_ACCEL] = 1000;
        if (c > 0)
            (void)job_graph_join(job, (uint8_t)(c - 1), (uint8_t)c,
                                 dice_below(dice, 2000));
    }
}

static void it_wakes_whom_a_walk_over_all_would(void **state)
{
    static struct waiting all[JOBS];
    struct wakeup *wakeup = NULL;
    struct dice dice;
    uint32_t woken = 0;
    (void)state;
    dice_init(&dice, 6);
    assert_int_equal(wakeup_new(80, &wakeup), OK);
    for (uint64_t step = 1; step < 6000; step++) {
        uint32_t n = (uint32_t)dice_below(&dice, JOBS);
        uint32_t cap = dice_chance(&dice, 500) ? 5 : JOBS;
        struct stock left = {{0}};
        uint64_t kbps = dice_below(&dice, 2500);
        uint64_t got[JOBS];
        uint64_t want[JOBS];
        uint32_t count;
        if (dice_chance(&dice, 400)) {
            assert_int_equal(wakeup_remove(wakeup, n), all[n].here);
            all[n].here = false;
        } else {
            struct job_graph job;
            bool full = wakeup_count(wakeup) == 80;
            enum err err;
            draw(&job, &dice);
            err = wakeup_add(wakeup, n, &job);
            assert_int_equal(err, all[n].here ? ERR_EXISTS
                                  : full      ? ERR_CAPACITY
                                              : OK);
            if (err == OK)
                all[n] = (struct waiting){true, step, job};
        }
        left.of[RES_CPU] = (uint32_t)dice_below(&dice, 5000);
        left.of[RES_MEM] = (uint32_t)dice_below(&dice, 1300);
        left.of[RES_ACCEL] = dice_chance(&dice, 300) ? 1000 : 0;
        count = by_hand(all, &left, 0, want, cap);
        assert_int_equal(wakeup_node(wakeup, &left, got, cap), count);
        assert_memory_equal(got, want, count * sizeof(got[0]));
        woken += count;
        count = by_hand(all, NULL, kbps, want, cap);
        assert_int_equal(wakeup_link(wakeup, kbps, got, cap), count);
        assert_memory_equal(got, want, count * sizeof(got[0]));
    }
    assert_true(woken > 1000);
    wakeup_free(wakeup);
}

static void it_holds_so_many_and_no_more(void **state)
{
    struct wakeup *wakeup = NULL;
    struct job_graph job;
    (void)state;
    job_graph_init(&job);
    job_graph_add(&job)->want.of[RES_CPU] = 1;
    assert_int_equal(wakeup_new(3, &wakeup), OK);
    for (uint64_t id = 0; id < 3; id++)
        assert_int_equal(wakeup_add(wakeup, id << 40, &job), OK);
    assert_int_equal(wakeup_add(wakeup, 9, &job), ERR_CAPACITY);
    assert_int_equal(wakeup_add(wakeup, 0, &job), ERR_EXISTS);
    assert_true(wakeup_remove(wakeup, UINT64_C(1) << 40));
    assert_false(wakeup_remove(wakeup, UINT64_C(1) << 40));
    assert_int_equal(wakeup_add(wakeup, 9, &job), OK);
    assert_int_equal(wakeup_count(wakeup), 3);
    wakeup_free(wakeup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_wakes_whom_a_walk_over_all_would),
        cmocka_unit_test(it_holds_so_many_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
