/* How evenly nodes and ways are used, and who that makes the best. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/dice.h"
#include "sched/balance.h"
#include "sched/ranking.h"
#include "tests/unit/sched/sample.h"

#define MANY 12u

static double deviation_by_hand(const uint32_t *loads, uint32_t count)
{
    double mean = 0;
    double sum = 0;
    for (uint32_t i = 0; i < count; i++)
        mean += (double)loads[i] / count;
    for (uint32_t i = 0; i < count; i++)
        sum += fabs(loads[i] - mean);
    return sum / count;
}

static void it_is_the_mean_deviation_with_one_load_changed(void **state)
{
    struct dice dice;
    (void)state;
    dice_init(&dice, 31);
    for (unsigned round = 0; round < 2000; round++) {
        uint32_t count = (uint32_t)dice_between(&dice, 1, MANY);
        struct balance_load room[MANY];
        uint32_t loads[MANY];
        struct balance balance;
        uint32_t on = (uint32_t)dice_below(&dice, count);
        uint32_t before;
        double want;
        balance_init(&balance, room, MANY);
        for (uint32_t i = 0; i < count; i++) {
            loads[i] = (uint32_t)dice_below(&dice, 1000001);
            balance_add(&balance, loads[i]);
        }
        balance_ready(&balance);
        before = loads[on];
        loads[on] = (uint32_t)dice_below(&dice, 1000001);
        want = deviation_by_hand(loads, count) * count;
        assert_true(fabs((double)balance_moved(&balance, before, loads[on]) -
                         want) <= 1.001);
    }
}

/* ---- ways, in the ranking ---- */

struct town {
    struct demand demand;
    struct policy_terms terms;
    uint32_t count;
    struct candidate c[MANY];
    uint32_t other; /* millionths of a way between others; UINT32_MAX: none */
    struct balance_load nodes[MANY];
    struct balance_load ways[MANY + 1];
    struct ranking ranking;
    struct rank ranks[MANY];
};

static void begin(struct town *t, uint32_t count, uint64_t nic_kbit)
{
    *t = (struct town){.count = count, .other = UINT32_MAX};
    t->demand = sample_demand();
    t->demand.policy = POLICY_BALANCED;
    t->demand.want.nic_kbit = nic_kbit;
    t->demand.terms = &t->terms;
    for (uint32_t i = 0; i < count; i++) {
        t->c[i] = sample_candidate();
        t->c[i].provider.b[0] = (uint8_t)(1 + i);
        t->c[i].total.nic_kbit = t->c[i].free.nic_kbit = 1000000;
    }
}

static void rank(struct town *t)
{
    bool ways = ranking_keeps_ways(&t->demand);
    ranking_init(&t->ranking, &t->demand, t->nodes, MANY);
    if (ways)
        ranking_ways(&t->ranking, t->ways, MANY + 1);
    for (uint32_t i = 0; i < t->count; i++)
        ranking_look(&t->ranking, &t->c[i]);
    if (ways && t->other != UINT32_MAX)
        ranking_look_way(&t->ranking, t->other);
    ranking_ready(&t->ranking);
    for (uint32_t i = 0; i < t->count; i++)
        ranking_rank(&t->ranking, &t->c[i], 1, i, &t->ranks[i]);
}

static void way(struct candidate *c, uint64_t kbps, uint64_t used)
{
    c->way_kbps = kbps;
    c->way_used_kbps = used;
}

static void the_way_that_is_used_less_comes_first(void **state)
{
    struct town t;
    (void)state;
    begin(&t, 2, 1000);
    t.c[0].hour = amount_micro(1); /* the cheaper way is the fuller */
    way(&t.c[0], 10000, 5000);
    way(&t.c[1], 10000, 1000);
    rank(&t);
    assert_true(rank_compare(&t.ranks[1], &t.ranks[0]) < 0);
    way(&t.c[1], 1500, 1000); /* as much, of a way that carries little */
    rank(&t);
    assert_true(rank_compare(&t.ranks[0], &t.ranks[1]) < 0);
}

static void a_way_that_is_not_measured_is_never_good(void **state)
{
    struct town t;
    (void)state;
    begin(&t, 2, 1000);
    t.c[0].hour = amount_micro(1);
    way(&t.c[1], 10000, 9000);
    rank(&t);
    assert_true(rank_compare(&t.ranks[1], &t.ranks[0]) < 0);
    way(&t.c[1], 0, 0); /* no way is known: the price decides */
    rank(&t);
    assert_true(rank_compare(&t.ranks[0], &t.ranks[1]) < 0);
}

static void a_task_without_bandwidth_finds_all_ways_alike(void **state)
{
    struct town t;
    (void)state;
    begin(&t, 2, 0);
    assert_false(ranking_keeps_ways(&t.demand));
    t.c[0].hour = amount_micro(1);
    way(&t.c[0], 10000, 9000);
    way(&t.c[1], 10000, 0);
    rank(&t);
    assert_true(rank_compare(&t.ranks[0], &t.ranks[1]) < 0);
}

static void who_weighs_no_links_does_not_look_at_them(void **state)
{
    struct town t;
    (void)state;
    begin(&t, 2, 1000);
    t.terms.weights[PART_LOAD] = 1;
    assert_false(ranking_keeps_ways(&t.demand));
    t.c[0].hour = amount_micro(1);
    way(&t.c[0], 10000, 9000);
    way(&t.c[1], 10000, 0);
    rank(&t);
    assert_true(rank_compare(&t.ranks[0], &t.ranks[1]) < 0);
}

static double use_of(const struct candidate *c, uint64_t more)
{
    double use = (double)(c->way_used_kbps + more) / (double)c->way_kbps;
    return floor((use < 1 ? use : 1) * 1e6 + 1e-9);
}

/* Weight 1 for links alone: n x 10^6 times the deviation with the task there.
 */
static double cost_by_hand(const struct town *t, uint32_t on)
{
    uint32_t loads[MANY + 1];
    uint32_t count = 0;
    if (t->c[on].way_kbps == 0)
        return t->count * 1e6 / 2;
    for (uint32_t i = 0; i < t->count; i++)
        if (t->c[i].way_kbps > 0)
            loads[count++] = (uint32_t)use_of(
                &t->c[i], i == on ? t->demand.want.nic_kbit : 0);
    if (t->other != UINT32_MAX)
        loads[count++] = t->other;
    return deviation_by_hand(loads, count) * t->count;
}

static void it_is_the_objective_with_the_task_there(void **state)
{
    struct dice dice;
    (void)state;
    dice_init(&dice, 32);
    for (unsigned round = 0; round < 500; round++) {
        struct town t;
        begin(&t, (uint32_t)dice_between(&dice, 1, MANY),
              dice_between(&dice, 1, 5000));
        t.terms.weights[PART_LINK] = 1;
        if (dice_below(&dice, 2) == 0)
            t.other = (uint32_t)dice_below(&dice, 1000001);
        for (uint32_t i = 0; i < t.count; i++)
            if (dice_below(&dice, 4) > 0)
                way(&t.c[i], dice_between(&dice, 1, 20000),
                    dice_below(&dice, 20000));
        rank(&t);
        for (uint32_t i = 0; i < t.count; i++)
            assert_true(fabs((double)t.ranks[i].key[1] - cost_by_hand(&t, i)) <=
                        2.0 + t.count);
    }
}

static void the_account_tells_the_use_of_the_way(void **state)
{
    struct town t;
    struct ranking_account account;
    struct buf text;
    (void)state;
    begin(&t, 1, 1000);
    way(&t.c[0], 10000, 1500);
    rank(&t);
    ranking_account(&t.ranking, &t.c[0], &account);
    buf_init(&text, 256);
    ranking_account_format(&account, &text);
    assert_non_null(strstr(buf_cstr(&text), "link 25.0 %"));
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_mean_deviation_with_one_load_changed),
        cmocka_unit_test(the_way_that_is_used_less_comes_first),
        cmocka_unit_test(a_way_that_is_not_measured_is_never_good),
        cmocka_unit_test(a_task_without_bandwidth_finds_all_ways_alike),
        cmocka_unit_test(who_weighs_no_links_does_not_look_at_them),
        cmocka_unit_test(it_is_the_objective_with_the_task_there),
        cmocka_unit_test(the_account_tells_the_use_of_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
