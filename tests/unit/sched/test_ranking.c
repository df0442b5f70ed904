#include "sched/ranking.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sample.h"
#include "sched/division.h"

#define MANY 40u

static const struct label watt_labels[] = {
    {"watts-idle", "60"},   {"watts-full", "200"}, {"zone", "eu"},
    {"watts-idle", "20"},   {"watts-full", "300"}, {"zone", "us"},
    {"watts-idle", "many"}, {"watts-full", "100"}, {"zone", "eu"},
};

/* A market: candidates that all fit. */
struct market {
    struct demand demand;
    struct policy_terms terms;
    struct candidate c[MANY];
    uint32_t room[MANY];
    uint32_t count;
    struct ranking ranking;
    struct balance_load loads[MANY];
    struct rank ranks[MANY];
};

static void market_random(struct market *m, uint64_t *seed, enum policy policy)
{
    memset(m, 0, sizeof(*m));
    m->demand = sample_demand();
    m->demand.policy = policy;
    m->demand.terms = &m->terms;
    m->demand.want.cpu_milli = 1000;
    m->demand.want.mem_mib = 512;
    m->count = 1 + (uint32_t)sample_below(seed, MANY);
    for (uint32_t i = 0; i < m->count; i++) {
        struct candidate *c = &m->c[i];
        sample_random_candidate(seed, c);
        c->total =
            (struct resources){2000 + 1000 * (uint32_t)sample_below(seed, 7),
                               1024 + 512 * sample_below(seed, 7), 4096, 0};
        c->free = c->total;
        if (sample_below(seed, 3) > 0) {
            c->free.cpu_milli -= 500 * (uint32_t)sample_below(seed, 3);
            c->free.mem_mib -= 256 * sample_below(seed, 3);
        }
        c->hour = amount_micro(1 + sample_below(seed, 900));
        c->rtt_age_ms = 0;
        c->label_count = sample_below(seed, 4) == 0 ? 1 : 3;
        c->labels = &watt_labels[3 * sample_below(seed, 3)];
        m->room[i] = 1 + (uint32_t)sample_below(seed, 5);
    }
}

static void market_rank(struct market *m)
{
    bool loads = ranking_keeps_loads(&m->demand);
    ranking_init(&m->ranking, &m->demand, loads ? m->loads : NULL,
                 loads ? MANY : 0);
    if (ranking_looks_first(&m->ranking)) {
        for (uint32_t i = 0; i < m->count; i++)
            ranking_look(&m->ranking, &m->c[i]);
        ranking_ready(&m->ranking);
    }
    for (uint32_t i = 0; i < m->count; i++)
        ranking_rank(&m->ranking, &m->c[i], m->room[i], i, &m->ranks[i]);
}

/* ---- against plain arithmetic ---- */

static double load_of(const struct candidate *c, const struct resources *want)
{
    double cpu = 1 - ((double)c->free.cpu_milli - want->cpu_milli) /
                         (double)c->total.cpu_milli;
    double mem = 1 - ((double)c->free.mem_mib - (double)want->mem_mib) /
                         (double)c->total.mem_mib;
    double disk = 1 - ((double)c->free.disk_mib - (double)want->disk_mib) /
                          (double)c->total.disk_mib;
    double most = cpu > mem ? cpu : mem;
    most = most > disk ? most : disk;
    return floor(most * 1e6 + 1e-6) / 1e6;
}

static double log_speed(const struct grade *g)
{
    return (2 * log2((double)g->int_ops) + 2 * log2((double)g->float_ops) +
            log2((double)g->mem_bps)) /
           5;
}

static bool speed_known(const struct candidate *c)
{
    return c->grade.int_ops > 0 && c->grade.float_ops > 0;
}

static double composite_by_hand(const struct market *m, uint32_t i)
{
    double price = INFINITY;
    double rtt = INFINITY;
    double speed = -INFINITY;
    double load = INFINITY;
    const struct candidate *c = &m->c[i];
    const uint32_t *w = m->terms.weights;
    double sum = 0;
    for (uint32_t k = 0; k < m->count; k++) {
        price = fmin(price, (double)amount_figure(m->c[k].hour));
        load = fmin(load, load_of(&m->c[k], &m->demand.want));
        if (m->c[k].rtt_us > 0)
            rtt = fmin(rtt, (double)m->c[k].rtt_us);
        if (speed_known(&m->c[k]))
            speed = fmax(speed, log_speed(&m->c[k].grade));
    }
    sum += w[PART_PRICE] * price / (double)amount_figure(c->hour);
    sum += w[PART_LOAD] * load / load_of(c, &m->demand.want);
    if (c->rtt_us > 0)
        sum += w[PART_RTT] * rtt / (double)c->rtt_us;
    if (speed_known(c))
        sum += w[PART_SPEED] * exp2(log_speed(&c->grade) - speed);
    return 1000 * sum /
           (w[PART_PRICE] + w[PART_RTT] + w[PART_SPEED] + w[PART_LOAD]);
}

static void composite_is_the_weighted_sum_of_best_over_own(void **state)
{
    uint64_t seed = 11;
    struct market m;
    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        market_random(&m, &seed, POLICY_COMPOSITE);
        m.terms.weights[PART_PRICE] = 1 + (uint32_t)sample_below(&seed, 5);
        m.terms.weights[PART_RTT] = (uint32_t)sample_below(&seed, 5);
        m.terms.weights[PART_SPEED] = (uint32_t)sample_below(&seed, 5);
        m.terms.weights[PART_LOAD] = (uint32_t)sample_below(&seed, 5);
        market_rank(&m);
        for (uint32_t i = 0; i < m.count; i++) {
            double want = composite_by_hand(&m, i);
            double got = 1000.0 - (double)m.ranks[i].key[1];
            assert_true(fabs(got - want) < 1.2);
            assert_true(got <= want + 0.3);
        }
    }
}

/* c0 is a little dearer and much faster than c1; c2 is absurdly dear. By
 * proportion c0 stays ahead of c1 whether c2 is there or not. Min-max would
 * let c2 stretch the scale of prices, and so turn the two round. */
static void a_third_offer_does_not_turn_two_round(void **state)
{
    struct market m = {.count = 3};
    uint64_t prices[3] = {110, 100, 100000};
    uint64_t speeds[3] = {1300, 1000, 1310};
    (void)state;
    m.demand = sample_demand();
    m.demand.policy = POLICY_COMPOSITE;
    m.demand.terms = &m.terms;
    m.terms.speed = SPEED_LOGIC;
    m.terms.weights[PART_PRICE] = 1;
    m.terms.weights[PART_SPEED] = 1;
    for (uint32_t i = 0; i < 3; i++) {
        m.c[i] = sample_candidate();
        m.c[i].provider.b[0] = (uint8_t)(1 + i);
        m.c[i].hour = amount_micro(prices[i]);
        m.c[i].grade.int_ops = speeds[i];
        m.c[i].grade.sha256_bps = speeds[i];
        m.room[i] = 1;
    }
    for (uint32_t count = 2; count <= 3; count++) {
        m.count = count;
        market_rank(&m);
        assert_true(rank_compare(&m.ranks[0], &m.ranks[1]) < 0);
    }
    /* Now nearly as fast, but by min-max over two it is all or nothing. */
    m.c[0].grade.int_ops = m.c[0].grade.sha256_bps = 1001;
    m.count = 2;
    market_rank(&m);
    assert_true(rank_compare(&m.ranks[1], &m.ranks[0]) < 0);
    m.count = 3;
    market_rank(&m);
    assert_true(rank_compare(&m.ranks[1], &m.ranks[0]) < 0);
}

static void composite_does_not_care_for_units(void **state)
{
    uint64_t seed = 5;
    struct market a;
    struct market b;
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        uint64_t times = 1 + sample_below(&seed, 5000);
        market_random(&a, &seed, POLICY_COMPOSITE);
        a.terms.weights[PART_PRICE] = 3;
        a.terms.weights[PART_RTT] = 2;
        a.terms.weights[PART_SPEED] = 1;
        a.terms.speed = SPEED_PARALLEL;
        b = a;
        b.demand.terms = &b.terms;
        for (uint32_t i = 0; i < b.count; i++) {
            b.c[i].hour = amount_micro(amount_figure(a.c[i].hour) * times);
            b.c[i].rtt_us *= times;
            b.c[i].grade.float_ops *= UINT64_C(1) << (times % 8);
            b.c[i].grade.fp32_ops *= UINT64_C(1) << (times % 8);
        }
        market_rank(&a);
        market_rank(&b);
        for (uint32_t i = 0; i < a.count; i++)
            assert_int_equal(a.ranks[i].key[1], b.ranks[i].key[1]);
    }
}

/* The two losses of decision 013, computed anew with the task on each. */
static double balance_by_hand(const struct market *m, uint32_t on)
{
    static const struct resources none;
    double mean = 0;
    double deviation = 0;
    double added = 0;
    double full = 0;
    double worst = 0;
    for (uint32_t i = 0; i < m->count; i++)
        mean += load_of(&m->c[i], i == on ? &m->demand.want : &none);
    mean /= m->count;
    for (uint32_t i = 0; i < m->count; i++) {
        uint64_t mw;
        uint64_t full_mw;
        deviation +=
            fabs(load_of(&m->c[i], i == on ? &m->demand.want : &none) - mean);
        if (!figure_energy(&m->c[i], &m->demand.want, &mw, &full_mw))
            continue;
        full += (double)full_mw;
        worst = fmax(worst, (double)full_mw);
    }
    added = worst;
    uint64_t mw;
    uint64_t full_mw;
    if (figure_energy(&m->c[on], &m->demand.want, &mw, &full_mw))
        added = (double)mw;
    return deviation / m->count + (full > 0 ? added / full : 0);
}

static void balanced_is_the_objective_with_the_task_there(void **state)
{
    uint64_t seed = 21;
    struct market m;
    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        market_random(&m, &seed, POLICY_BALANCED);
        market_rank(&m);
        for (uint32_t i = 0; i < m.count; i++) {
            double want = balance_by_hand(&m, i) * m.count * 1e6;
            double got = (double)m.ranks[i].key[1];
            assert_true(fabs(got - want) <= 3.0 + m.count);
        }
    }
}

static void power_that_is_not_told_is_never_good(void **state)
{
    struct market m = {.count = 2, .room = {1, 1}};
    (void)state;
    m.demand = sample_demand();
    m.demand.policy = POLICY_BALANCED;
    m.demand.terms = &m.terms;
    m.terms.weights[PART_ENERGY] = 1;
    for (uint32_t i = 0; i < 2; i++) {
        m.c[i] = sample_candidate();
        m.c[i].provider.b[0] = (uint8_t)(1 + i);
        m.c[i].labels = watt_labels;
    }
    m.c[0].label_count = 3;
    m.c[0].hour = amount_micro(9000);
    market_rank(&m);
    assert_true(rank_compare(&m.ranks[0], &m.ranks[1]) < 0);
}

static void fastest_goes_by_the_kernel_that_is_named(void **state)
{
    uint64_t seed = 3;
    struct market m;
    (void)state;
    for (unsigned round = 0; round < 100; round++) {
        market_random(&m, &seed, POLICY_FASTEST);
        m.terms.speed = SPEED_PARALLEL;
        market_rank(&m);
        policy_sort(m.ranks, m.count);
        for (uint32_t i = 1; i < m.count; i++) {
            const struct candidate *a = &m.c[m.ranks[i - 1].index];
            const struct candidate *b = &m.c[m.ranks[i].index];
            assert_true(a->grade.float_ops >= b->grade.float_ops ||
                        log2((double)b->grade.float_ops) -
                                log2((double)a->grade.float_ops) <
                            1.0 / 16);
        }
    }
    m.terms.speed = SPEED_NEURAL;
    market_rank(&m);
    for (uint32_t i = 0; i < m.count; i++)
        assert_int_equal(m.ranks[i].key[0], 1);
}

static void simple_policies_rank_as_they_did(void **state)
{
    uint64_t seed = 8;
    struct market m;
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        market_random(&m, &seed, (enum policy)(1 + sample_below(&seed, 3)));
        market_rank(&m);
        for (uint32_t i = 0; i < m.count; i++) {
            struct rank want;
            policy_rank(&m.demand, &m.c[i], i, &want);
            assert_memory_equal(want.key, m.ranks[i].key, sizeof(want.key));
            assert_int_equal(rank_compare(&want, &m.ranks[i]), 0);
        }
    }
}

static void spread_and_pack_are_opposite_about_load(void **state)
{
    uint64_t seed = 13;
    struct market m;
    (void)state;
    for (unsigned round = 0; round < 100; round++) {
        market_random(&m, &seed, POLICY_SPREAD);
        market_rank(&m);
        policy_sort(m.ranks, m.count);
        for (uint32_t i = 1; i < m.count; i++)
            assert_true(load_of(&m.c[m.ranks[i - 1].index], &m.demand.want) <=
                        load_of(&m.c[m.ranks[i].index], &m.demand.want));
        m.demand.policy = POLICY_PACK;
        market_rank(&m);
        policy_sort(m.ranks, m.count);
        for (uint32_t i = 1; i < m.count; i++) {
            const struct candidate *a = &m.c[m.ranks[i - 1].index];
            const struct candidate *b = &m.c[m.ranks[i].index];
            assert_true(figure_idle(a) <= figure_idle(b));
            if (figure_idle(a) == figure_idle(b))
                assert_true(load_of(a, &m.demand.want) >=
                            load_of(b, &m.demand.want));
        }
    }
}

static void fragmentation_leaves_the_least_over(void **state)
{
    uint64_t seed = 17;
    struct market m;
    (void)state;
    for (unsigned round = 0; round < 100; round++) {
        uint64_t last = 0;
        market_random(&m, &seed, POLICY_FRAGMENTATION);
        market_rank(&m);
        policy_sort(m.ranks, m.count);
        for (uint32_t i = 0; i < m.count; i++) {
            const struct candidate *c = &m.c[m.ranks[i].index];
            uint64_t left = (c->free.cpu_milli - 1000) * 1000u / 1000 +
                            (c->free.mem_mib - 512) * 1000 / 512;
            assert_true(left >= last);
            last = left;
        }
    }
}

/* ---- floors and early ends ---- */

static uint64_t order_figure(const struct candidate *c, enum policy order,
                             enum figure *known)
{
    uint32_t step = 0;
    *known = FIGURE_KNOWN;
    if (order == POLICY_CHEAPEST)
        return amount_figure(c->hour);
    if (order == POLICY_NEAREST) {
        *known = candidate_rtt_known(c) ? FIGURE_KNOWN : FIGURE_UNKNOWN;
        return c->rtt_us;
    }
    *known = grade_step(&c->grade, &step) ? FIGURE_KNOWN : FIGURE_UNKNOWN;
    return step;
}

static void no_rank_is_better_than_its_floor(void **state)
{
    uint64_t seed = 29;
    struct market m;
    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        enum policy order;
        market_random(&m, &seed,
                      round % 4 == 0 ? POLICY_FASTEST : POLICY_COMPOSITE);
        if (m.demand.policy == POLICY_COMPOSITE) {
            for (unsigned i = 0; i < 3; i++)
                m.terms.weights[i] = (uint32_t)sample_below(&seed, 4);
            m.terms.weights[round % 3]++;
        }
        market_rank(&m);
        order = ranking_order(&m.ranking);
        assert_true(order != 0);
        for (uint32_t i = 0; i < m.count; i++) {
            struct rank floor;
            enum figure known;
            uint64_t value = order_figure(&m.c[i], order, &known);
            ranking_floor(&m.ranking, order, known, value, &floor);
            floor.tie = 0;
            assert_true(floor.key[0] <= m.ranks[i].key[0]);
            if (floor.key[0] == m.ranks[i].key[0])
                assert_true(floor.key[1] <= m.ranks[i].key[1]);
        }
    }
}

struct in_order {
    uint64_t figure;
    enum figure known;
    uint32_t index;
};

static enum policy sorting;
static int by_figure(const void *a, const void *b)
{
    const struct in_order *x = a;
    const struct in_order *y = b;
    if (x->known != y->known)
        return x->known == FIGURE_KNOWN ? -1 : 1;
    if (x->figure == y->figure)
        return 0;
    if (sorting == POLICY_FASTEST)
        return x->figure > y->figure ? -1 : 1;
    return x->figure < y->figure ? -1 : 1;
}

static void walks_in_order_see_the_same_bests(void **state)
{
    uint64_t seed = 31;
    struct market m;
    uint32_t met = 0;
    uint32_t all = 0;
    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        struct ranking whole;
        market_random(&m, &seed, POLICY_COMPOSITE);
        for (unsigned i = 0; i < 3; i++)
            m.terms.weights[i] = 1;
        market_rank(&m);
        whole = m.ranking;
        ranking_init(&m.ranking, &m.demand, NULL, 0);
        assert_true(ranking_looks_in_order(&m.ranking));
        for (size_t n = 0; (sorting = ranking_look_order(&m.ranking, n)) != 0;
             n++) {
            struct in_order list[MANY];
            for (uint32_t i = 0; i < m.count; i++) {
                list[i].index = i;
                list[i].figure = order_figure(&m.c[i], sorting, &list[i].known);
            }
            qsort(list, m.count, sizeof(list[0]), by_figure);
            for (uint32_t i = 0; i < m.count; i++) {
                if (list[i].known == FIGURE_UNKNOWN ||
                    ranking_looked(&m.ranking, sorting, list[i].figure))
                    break;
                ranking_look(&m.ranking, &m.c[list[i].index]);
                met++;
            }
            all += m.count;
        }
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(m.ranking.known[i], whole.known[i]);
            assert_int_equal(m.ranking.best[i], whole.best[i]);
        }
    }
    assert_true(met < all / 3);
}

/* ---- divisions through a whole place ---- */

static uint32_t place_all(struct market *m, struct place *place,
                          struct place_entry *entries, uint32_t tasks)
{
    enum policy_divide divide = policy_divides(m->demand.policy, &m->terms);
    uint32_t copies = policy_copies(&m->terms);
    uint32_t rooms[64];
    uint32_t unplaced = 0;
    place_init(place, tasks, 2, entries);
    for (uint32_t i = 0; i < m->count; i++) {
        uint32_t room = ranking_room(&m->ranking, &m->c[i], m->room[i]);
        (void)place_consider(place, &m->ranks[i],
                             division_room(divide, tasks, copies, room), 0);
    }
    for (uint32_t i = 0; i < place->count; i++)
        rooms[i] = m->room[place->entries[i].rank.index];
    assert_int_equal(division_hand_out(place, divide, copies, rooms, &unplaced),
                     OK);
    return unplaced;
}

static void divisions_give_all_or_what_there_is_room_for(void **state)
{
    uint64_t seed = 41;
    struct market m;
    (void)state;
    for (unsigned round = 0; round < 600; round++) {
        struct place_entry entries[64 + 4];
        struct place place;
        uint32_t tasks = 1 + (uint32_t)sample_below(&seed, 60);
        uint32_t room = 0;
        uint32_t given = 0;
        market_random(&m, &seed, POLICY_CHEAPEST);
        m.terms.divide = (enum policy_divide)(1 + round % 6);
        if (m.terms.divide == POLICY_DIVIDE_STATIC) {
            m.terms.share_count = 1;
            m.terms.shares[0] = (struct policy_share){
                .weight = 3, .key = "zone", .value = "eu"};
        }
        if (m.terms.divide == POLICY_DIVIDE_DUPLICATED) {
            m.terms.copies = 2;
            tasks += tasks % 2;
        }
        market_rank(&m);
        uint32_t unplaced = place_all(&m, &place, entries, tasks);
        for (uint32_t i = 0; i < m.count; i++) {
            uint32_t r = ranking_room(&m.ranking, &m.c[i], m.room[i]);
            uint32_t most = tasks / policy_copies(&m.terms);
            room += r < most ? r : most;
        }
        for (uint32_t i = 0; i < place.count; i++) {
            assert_true(entries[i].tasks <= entries[i].room);
            assert_true(entries[i].tasks <= tasks / policy_copies(&m.terms));
            if (i > 0 && entries[i].tasks > 0)
                assert_true(entries[i - 1].tasks > 0);
            given += entries[i].tasks;
        }
        assert_int_equal(given + unplaced, tasks);
        assert_int_equal(given, room < tasks ? room : tasks);
    }
}

static void aggregated_takes_the_fewest_providers(void **state)
{
    uint64_t seed = 43;
    struct market m;
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        struct place_entry entries[64 + 4];
        struct place place;
        uint32_t tasks = 1 + (uint32_t)sample_below(&seed, 40);
        uint32_t by_room[6] = {0};
        uint32_t used = 0;
        uint32_t fewest = 0;
        market_random(&m, &seed, POLICY_CHEAPEST);
        m.terms.divide = POLICY_DIVIDE_AGGREGATED;
        market_rank(&m);
        uint32_t left = tasks - place_all(&m, &place, entries, tasks);
        for (uint32_t i = 0; i < place.count; i++)
            used += entries[i].tasks > 0;
        for (uint32_t i = 0; i < m.count; i++)
            by_room[m.room[i]]++;
        for (uint32_t r = 5; r > 0 && left > 0; r--) {
            for (; by_room[r] > 0 && left > 0; by_room[r]--) {
                left -= left < r ? left : r;
                fewest++;
            }
        }
        assert_int_equal(used, fewest);
    }
}

static void even_gives_none_a_second_before_all_have_one(void **state)
{
    uint64_t seed = 47;
    struct market m;
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        struct place_entry entries[64 + 4];
        struct place place;
        uint32_t tasks = 1 + (uint32_t)sample_below(&seed, 40);
        uint32_t most = 0;
        market_random(&m, &seed, POLICY_SPREAD);
        market_rank(&m);
        (void)place_all(&m, &place, entries, tasks);
        for (uint32_t i = 0; i < place.count; i++)
            most = entries[i].tasks > most ? entries[i].tasks : most;
        if (tasks <= m.count)
            assert_int_equal(most, 1);
        for (uint32_t i = 0; i < place.count && tasks > m.count; i++)
            assert_true(entries[i].tasks + 1 >= most ||
                        entries[i].tasks == entries[i].room);
    }
}

/* Dealt in order, the k-th contract is a copy of task k mod n: no entry meets a
 * task twice. */
static void copies_of_a_task_go_to_different_providers(void **state)
{
    uint64_t seed = 53;
    struct market m;
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        struct place_entry entries[64 + 4];
        struct place place;
        uint32_t tasks = 1 + (uint32_t)sample_below(&seed, 20);
        uint32_t copies = 2 + (uint32_t)sample_below(&seed, 2);
        uint32_t k = 0;
        market_random(&m, &seed, POLICY_CHEAPEST);
        m.terms.divide = POLICY_DIVIDE_DUPLICATED;
        m.terms.copies = copies;
        market_rank(&m);
        (void)place_all(&m, &place, entries, tasks * copies);
        for (uint32_t i = 0; i < place.count; i++) {
            bool met[32] = {false};
            for (uint32_t n = 0; n < entries[i].tasks; n++, k++) {
                assert_false(met[k % tasks]);
                met[k % tasks] = true;
            }
        }
    }
}

static void static_shares_are_kept(void **state)
{
    struct market m = {.count = 4, .room = {30, 30, 30, 30}};
    struct place_entry entries[64 + 4];
    struct place place;
    uint32_t eu = 0;
    (void)state;
    m.demand = sample_demand();
    m.demand.terms = &m.terms;
    m.terms.divide = POLICY_DIVIDE_STATIC;
    m.terms.share_count = 2;
    m.terms.shares[0] = (struct policy_share){.weight = 3, .provider = {{1}}};
    m.terms.shares[1] =
        (struct policy_share){.weight = 1, .key = "zone", .value = "eu"};
    for (uint32_t i = 0; i < 4; i++) {
        m.c[i] = sample_candidate();
        m.c[i].provider.b[0] = (uint8_t)(1 + i);
        m.c[i].labels = &watt_labels[i == 3 ? 5 : 2];
        m.c[i].label_count = 1;
    }
    market_rank(&m);
    assert_int_equal(place_all(&m, &place, entries, 20), 0);
    for (uint32_t i = 0; i < place.count; i++) {
        uint8_t who = entries[i].rank.provider.b[0];
        assert_int_not_equal(who, 4);
        assert_int_equal(entries[i].tasks, who == 1 ? 12 : 4);
        eu += entries[i].tasks;
    }
    assert_int_equal(eu, 20);
}

static void an_account_adds_up_to_the_score(void **state)
{
    uint64_t seed = 61;
    struct market m;
    struct buf text;
    (void)state;
    buf_init(&text, 1024);
    for (unsigned round = 0; round < 50; round++) {
        market_random(&m, &seed, POLICY_COMPOSITE);
        for (unsigned i = 0; i < 4; i++)
            m.terms.weights[i] = 1 + (uint32_t)sample_below(&seed, 3);
        market_rank(&m);
        for (uint32_t i = 0; i < m.count; i++) {
            struct ranking_account account;
            uint32_t sum = 0;
            ranking_account(&m.ranking, &m.c[i], &account);
            assert_int_equal(account.count, 4);
            for (uint32_t k = 0; k < account.count; k++)
                sum += account.parts[k].points;
            assert_true(sum <= account.score && sum + 4 > account.score);
            assert_int_equal(account.score, 1000 - m.ranks[i].key[1]);
            buf_clear(&text);
            ranking_account_format(&account, &text);
            assert_true(text.len > 10);
        }
    }
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(composite_is_the_weighted_sum_of_best_over_own),
        cmocka_unit_test(a_third_offer_does_not_turn_two_round),
        cmocka_unit_test(composite_does_not_care_for_units),
        cmocka_unit_test(balanced_is_the_objective_with_the_task_there),
        cmocka_unit_test(power_that_is_not_told_is_never_good),
        cmocka_unit_test(fastest_goes_by_the_kernel_that_is_named),
        cmocka_unit_test(simple_policies_rank_as_they_did),
        cmocka_unit_test(spread_and_pack_are_opposite_about_load),
        cmocka_unit_test(fragmentation_leaves_the_least_over),
        cmocka_unit_test(no_rank_is_better_than_its_floor),
        cmocka_unit_test(walks_in_order_see_the_same_bests),
        cmocka_unit_test(divisions_give_all_or_what_there_is_room_for),
        cmocka_unit_test(aggregated_takes_the_fewest_providers),
        cmocka_unit_test(even_gives_none_a_second_before_all_have_one),
        cmocka_unit_test(copies_of_a_task_go_to_different_providers),
        cmocka_unit_test(static_shares_are_kept),
        cmocka_unit_test(an_account_adds_up_to_the_score),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
