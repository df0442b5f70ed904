#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sched/cfn/flow.h"
#include "tests/unit/sched/cfn_sample.h"

#define AFFINITY_MS 10000u

static struct service_table services;
static struct flow_table flows;
static struct select_rules rules;
static struct dice dice;

static int begin(void **state)
{
    (void)state;
    sample_table(&services);
    select_rules_init(&rules, sample_key);
    dice_init(&dice, 1);
    return flow_table_init(&flows, 8, AFFINITY_MS, sample_key) == OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    flow_table_done(&flows);
    service_table_done(&services);
    return 0;
}

static struct flow_packet packet(uint32_t client, uint16_t port)
{
    struct flow_packet p = {.service = sample_service,
                            .client_port = port,
                            .service_port = 443,
                            .protocol = 6};
    u32le_put(p.client.b, client);
    return p;
}

static struct flow_way steer(const struct flow_packet *p, enum flow_scope scope,
                             uint64_t now_ms)
{
    struct flow_way way = {0};
    assert_int_equal(
        flow_steer(&flows, &services, &rules, p, scope, now_ms, &dice, &way),
        OK);
    assert_ptr_equal(service_get(&services, way.ref, now_ms), way.instance);
    return way;
}

static void withdraw(uint32_t n, uint64_t seq)
{
    struct service_update u = sample_update(n, seq);
    u.withdrawn = true;
    assert_int_equal(service_hear(&services, &u, 0), OK);
}

static void a_living_flow_stays_whatever_the_load(void **state)
{
    struct flow_packet p = packet(1, 1);
    uint32_t n;
    (void)state;
    sample_fill(&services, 4, 0);
    n = sample_number(steer(&p, FLOW_TUPLE, 0).instance);
    for (uint32_t i = 1; i < 100; i++) {
        struct service_update u = sample_update(n, 1 + i);
        struct flow_way way;
        u.metrics = sample_metrics(900000, 999, 1000);
        u.life_ms = SERVICE_LIFE_MAX_MS;
        assert_int_equal(service_hear(&services, &u, i * 500), OK);
        way = steer(&p, FLOW_TUPLE, i * 500);
        assert_int_equal(sample_number(way.instance), n);
        assert_false(way.fresh);
    }
    assert_int_equal(sample_instance(&services, n)->live, 1);
}

static void a_withdrawal_moves_flows_at_once(void **state)
{
    struct flow_packet p = packet(1, 1);
    struct flow_way way;
    uint32_t n;
    (void)state;
    sample_fill(&services, 4, 0);
    n = sample_number(steer(&p, FLOW_TUPLE, 0).instance);
    withdraw(n, 2);
    way = steer(&p, FLOW_TUPLE, 0);
    assert_true(way.moved && way.fresh);
    assert_int_not_equal(sample_number(way.instance), n);
    assert_false(steer(&p, FLOW_TUPLE, 1).moved);
}

static void an_instance_that_aged_out_loses_its_flows(void **state)
{
    struct flow_packet p = packet(1, 1);
    struct flow_way way;
    (void)state;
    sample_fill(&services, 1, 0);
    way = steer(&p, FLOW_TUPLE, 55000);
    struct service_update u = sample_update(1, 1);
    assert_int_equal(service_hear(&services, &u, 56000), OK);
    way = steer(&p, FLOW_TUPLE, 61000);
    assert_true(way.moved);
    assert_int_equal(sample_number(way.instance), 1);
}

static void a_silent_flow_is_a_new_one(void **state)
{
    struct flow_packet p = packet(1, 1);
    (void)state;
    sample_fill(&services, 4, 0);
    assert_true(steer(&p, FLOW_TUPLE, 0).fresh);
    assert_false(steer(&p, FLOW_TUPLE, AFFINITY_MS - 1).fresh);
    assert_false(steer(&p, FLOW_TUPLE, 2 * AFFINITY_MS - 2).fresh);
    struct flow_way way = steer(&p, FLOW_TUPLE, 3 * AFFINITY_MS - 2);
    assert_true(way.fresh);
    assert_false(way.moved);
    assert_int_equal(flows.count, 1);
    assert_int_equal(way.instance->live, 1);
}

static void the_scope_says_what_a_flow_is(void **state)
{
    struct flow_packet a = packet(1, 1);
    struct flow_packet b = packet(1, 2);
    struct flow_packet c = packet(1, 2);
    (void)state;
    c.service_port = 80;
    sample_fill(&services, 4, 0);
    assert_true(steer(&a, FLOW_TUPLE, 0).fresh);
    assert_true(steer(&b, FLOW_TUPLE, 0).fresh);
    assert_true(steer(&a, FLOW_PORT, 0).fresh);
    assert_false(steer(&b, FLOW_PORT, 0).fresh);
    assert_true(steer(&c, FLOW_PORT, 0).fresh);
    assert_true(steer(&a, FLOW_CLIENT, 0).fresh);
    assert_false(steer(&c, FLOW_CLIENT, 0).fresh);
    c.service.b[0] ^= 1;
    struct flow_way way;
    assert_int_equal(
        flow_steer(&flows, &services, &rules, &c, FLOW_CLIENT, 0, &dice, &way),
        ERR_NOT_FOUND);
    assert_int_equal(flows.count, 5);
}

static void an_ended_flow_leaves_nothing(void **state)
{
    struct flow_packet p = packet(1, 1);
    struct flow_way way;
    (void)state;
    sample_fill(&services, 2, 0);
    way = steer(&p, FLOW_TUPLE, 0);
    flow_end(&flows, &services, &p, FLOW_TUPLE);
    assert_int_equal(way.instance->live, 0);
    flow_end(&flows, &services, &p, FLOW_TUPLE);
    assert_int_equal(flows.count, 0);
}

static void a_sweep_ends_the_silent_ones(void **state)
{
    (void)state;
    sample_fill(&services, 1, 0);
    for (uint32_t i = 0; i < 6; i++) {
        struct flow_packet p = packet(i, 1);
        (void)steer(&p, FLOW_TUPLE, i * 1000);
    }
    assert_int_equal(sample_instance(&services, 0)->live, 6);
    assert_int_equal(flow_sweep(&flows, &services, AFFINITY_MS + 2000), 3);
    assert_int_equal(sample_instance(&services, 0)->live, 3);
}

static void a_full_table_gives_up_the_silent_only(void **state)
{
    uint32_t went[12];
    (void)state;
    sample_fill(&services, 4, 0);
    for (uint32_t i = 0; i < 12; i++) {
        struct flow_packet p = packet(i, 1);
        struct flow_way way = steer(&p, FLOW_TUPLE, 0);
        assert_int_equal(way.unkept, i >= 8);
        went[i] = sample_number(way.instance);
    }
    for (uint32_t i = 0; i < 12; i++) { /* all stick, kept or not */
        struct flow_packet p = packet(i, 1);
        struct flow_way way = steer(&p, FLOW_TUPLE, 5000);
        assert_int_equal(sample_number(way.instance), went[i]);
        assert_int_equal(way.unkept, i >= 8);
    }
    struct flow_packet p = packet(3, 1);
    (void)steer(&p, FLOW_TUPLE, 9000);
    p = packet(50, 1);
    assert_false(steer(&p, FLOW_TUPLE, 15000).unkept);
    p = packet(3, 1);
    assert_false(steer(&p, FLOW_TUPLE, 15000).fresh);
    assert_int_equal(flows.count, 8);
}

/* One that was not kept goes on where it went when room is found for it, though
 * another instance is better by then. */
static void a_flow_stays_when_it_comes_to_be_kept(void **state)
{
    uint32_t moved = 0;
    (void)state;
    sample_fill(&services, 4, 0);
    for (uint32_t i = 0; i < 40; i++) {
        struct flow_packet p = packet(i, 1);
        (void)steer(&p, FLOW_TUPLE, 0);
    }
    for (uint32_t i = 8; i < 40; i++) {
        struct flow_packet p = packet(i, 1);
        struct flow_packet other = packet(i - 8, 1);
        uint32_t n = sample_number(steer(&p, FLOW_TUPLE, 9).instance);
        if (i < 16)
            flow_end(&flows, &services, &other, FLOW_TUPLE);
        moved += sample_number(steer(&p, FLOW_TUPLE, 9).instance) != n;
    }
    assert_int_equal(moved, 0);
}

/* Chance in everything but the flows: none that lives changes its instance
 * while that stands, and counts of flows agree. */
static void no_flow_changes_its_instance_while_it_lives(void **state)
{
    struct {
        uint64_t last_ms;
        uint32_t instance;
        uint32_t generation;
        bool lives;
    } truth[64] = {0};
    uint64_t seq[6] = {1, 1, 1, 1, 1, 1};
    uint64_t now = 0;
    uint32_t stuck = 0;
    uint32_t moved = 0;
    (void)state;
    flow_table_done(&flows);
    assert_int_equal(flow_table_init(&flows, 64, AFFINITY_MS, sample_key), OK);
    sample_fill(&services, 6, 0);
    for (uint32_t step = 0; step < 50000; step++) {
        uint32_t n = (uint32_t)dice_below(&dice, 6);
        uint32_t f = (uint32_t)dice_below(&dice, 64);
        struct service_update u = sample_update(n, ++seq[n]);
        struct flow_packet p = packet(f, 1);
        struct flow_way way;
        now += dice_below(&dice, 500);
        u.withdrawn = n > 0 && dice_chance(&dice, 20);
        u.life_ms = SERVICE_LIFE_MAX_MS;
        u.metrics = sample_metrics(1 + (uint32_t)dice_below(&dice, 5000),
                                   (uint32_t)dice_below(&dice, 1001),
                                   (uint32_t)dice_below(&dice, 9));
        assert_int_equal(service_hear(&services, &u, now), OK);
        way = steer(&p, FLOW_TUPLE, now);
        if (truth[f].lives && now < truth[f].last_ms + AFFINITY_MS) {
            struct service_ref ref = {truth[f].instance, truth[f].generation};
            bool stood = service_get(&services, ref, now) != NULL;
            bool same = way.ref.index == ref.index &&
                        way.ref.generation == ref.generation;
            assert_int_equal(same, stood);
            assert_int_equal(way.moved, !stood);
            stuck += stood;
            moved += !stood;
        }
        truth[f].last_ms = now;
        truth[f].instance = way.ref.index;
        truth[f].generation = way.ref.generation;
        truth[f].lives = true;
        if (dice_chance(&dice, 50)) {
            flow_end(&flows, &services, &p, FLOW_TUPLE);
            truth[f].lives = false;
        }
    }
    assert_true(stuck > 5000 && moved > 100);
    uint32_t live = 0;
    uint32_t gone = 0;
    for (uint32_t n = 0; n < 6; n++)
        live += sample_instance(&services, n)->live;
    for (uint32_t f = 0; f < 64; f++) {
        struct service_ref ref = {truth[f].instance, truth[f].generation};
        gone += truth[f].lives && service_get(&services, ref, now) == NULL;
    }
    assert_true(live <= flows.count && flows.count <= live + gone);
    (void)flow_sweep(&flows, &services, now + AFFINITY_MS);
    for (uint32_t n = 0; n < 6; n++)
        assert_int_equal(sample_instance(&services, n)->live, 0);
}

static void impossible_tables_are_refused(void **state)
{
    struct flow_table t;
    (void)state;
    assert_int_equal(flow_table_init(&t, 0, 1, sample_key), ERR_RANGE);
    assert_int_equal(flow_table_init(&t, 1, 0, sample_key), ERR_RANGE);
    assert_int_equal(flow_table_init(&t, FLOW_COUNT_MAX + 1, 1, sample_key),
                     ERR_RANGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_living_flow_stays_whatever_the_load),
        TEST(a_withdrawal_moves_flows_at_once),
        TEST(an_instance_that_aged_out_loses_its_flows),
        TEST(a_silent_flow_is_a_new_one),
        TEST(the_scope_says_what_a_flow_is),
        TEST(an_ended_flow_leaves_nothing),
        TEST(a_sweep_ends_the_silent_ones),
        TEST(a_full_table_gives_up_the_silent_only),
        TEST(a_flow_stays_when_it_comes_to_be_kept),
        TEST(no_flow_changes_its_instance_while_it_lives),
        TEST(impossible_tables_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
