#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/dice.h"
#include "sched/link/linkmap.h"

#define NODES 12u

static struct pubkey key_of(uint32_t n)
{
    struct pubkey key = {{0}};
    key.b[0] = (uint8_t)(n * 37);
    key.b[30] = (uint8_t)(n >> 8);
    key.b[31] = (uint8_t)n;
    return key;
}

static struct linkmap *map_of(uint32_t self, uint32_t origins, uint32_t rows)
{
    struct linkmap_config config = {
        .self = key_of(self), .origins_max = origins, .rows_max = rows};
    struct linkmap *map = NULL;
    assert_int_equal(linkmap_new(&config, &map), OK);
    return map;
}

static struct linkmap_row row_of(uint32_t peer, uint32_t rtt_us, uint64_t at_ms)
{
    struct linkmap_row row = {.peer = key_of(peer)};
    row.link.at_ms[LINK_TRIPS] = at_ms;
    row.link.samples[LINK_TRIPS] = 100;
    link_set(&row.link, LINK_RTT, rtt_us, METRIC_MEASURED);
    link_set(&row.link, LINK_SPREAD, 10, METRIC_MEASURED);
    link_set(&row.link, LINK_LOSS, 5, METRIC_MEASURED);
    link_set(&row.link, LINK_RISK, 7, METRIC_MEASURED);
    return row;
}

static struct linkmap_row with_volume(struct linkmap_row row, uint32_t out,
                                      uint32_t in)
{
    row.link.at_ms[LINK_VOLUME] = row.link.at_ms[LINK_TRIPS];
    row.link.samples[LINK_VOLUME] = 100;
    link_set(&row.link, LINK_OUT, out, METRIC_MEASURED);
    link_set(&row.link, LINK_IN, in, METRIC_MEASURED);
    return row;
}

static enum err put(struct linkmap *map, uint32_t origin, uint64_t version,
                    const struct linkmap_row *rows, uint32_t count,
                    uint64_t now_ms)
{
    struct linkmap_statement statement = {.origin = key_of(origin),
                                          .version = version,
                                          .life_ms = 60000,
                                          .rows = rows,
                                          .count = count};
    return linkmap_put(map, &statement, now_ms);
}

static bool get(struct linkmap *map, uint32_t a, uint32_t b, uint64_t now_ms,
                struct link *out)
{
    struct pubkey key_a = key_of(a);
    struct pubkey key_b = key_of(b);
    return linkmap_get(map, &key_a, &key_b, now_ms, out);
}

static void what_one_end_says_is_a_claim_until_the_other_says_it(void **state)
{
    struct linkmap *map = map_of(0, 8, 8);
    struct linkmap_row row = with_volume(row_of(2, 5000, 100), 800, 900);
    struct link link;
    (void)state;
    assert_false(get(map, 1, 2, 100, &link));
    assert_int_equal(put(map, 1, 1, &row, 1, 100), OK);
    assert_true(get(map, 1, 2, 100, &link));
    assert_int_equal(link.of[LINK_RTT].value, 5000);
    assert_int_equal(link.of[LINK_RTT].source, METRIC_ESTIMATION);
    row = with_volume(row_of(1, 6000, 100), 1000, 700);
    assert_int_equal(put(map, 2, 1, &row, 1, 100), OK);
    assert_true(get(map, 1, 2, 100, &link));
    assert_int_equal(link.of[LINK_RTT].value, 6000);
    assert_int_equal(link.of[LINK_RTT].source, METRIC_MEASURED);
    assert_int_equal(link.of[LINK_OUT].value, 700);
    assert_int_equal(link.of[LINK_IN].value, 900);
    assert_true(get(map, 2, 1, 100, &link));
    assert_int_equal(link.of[LINK_OUT].value, 900);
    assert_int_equal(link.of[LINK_IN].value, 700);
    linkmap_free(map);
}

static void our_own_measurement_needs_no_second_word(void **state)
{
    struct linkmap *map = map_of(0, 8, 8);
    struct linkmap_row row = row_of(3, 5000, 100);
    struct link link;
    (void)state;
    assert_int_equal(put(map, 0, 1, &row, 1, 100), OK);
    assert_true(get(map, 0, 3, 100, &link));
    assert_true(link_measured(&link, LINK_RTT));
    assert_true(get(map, 3, 0, 100, &link));
    assert_true(link_measured(&link, LINK_RTT));
    linkmap_free(map);
}

static void a_later_statement_takes_the_place_of_all_before(void **state)
{
    struct linkmap *map = map_of(0, 8, 8);
    struct linkmap_row rows[2] = {row_of(2, 1, 0), row_of(3, 2, 0)};
    struct pubkey one = key_of(1);
    struct link link;
    (void)state;
    assert_false(linkmap_heard(map, &one, 5));
    assert_int_equal(put(map, 1, 5, rows, 2, 0), OK);
    assert_true(linkmap_heard(map, &one, 5));
    assert_true(linkmap_heard(map, &one, 4));
    assert_false(linkmap_heard(map, &one, 6));
    assert_int_equal(put(map, 1, 5, rows, 1, 0), ERR_EXISTS);
    assert_int_equal(put(map, 1, 4, rows, 1, 0), ERR_EXISTS);
    assert_true(get(map, 1, 3, 0, &link));
    assert_int_equal(put(map, 1, 6, rows, 1, 0), OK);
    assert_false(get(map, 1, 3, 0, &link));
    assert_true(get(map, 1, 2, 0, &link));
    assert_int_equal(put(map, 1, 7, NULL, 0, 0), OK);
    assert_false(get(map, 1, 2, 0, &link));
    linkmap_free(map);
}

static void a_statement_lapses_and_its_copies_do_not_bring_it_back(void **state)
{
    struct linkmap *map = map_of(0, 8, 8);
    struct linkmap_row row = row_of(2, 1, 0);
    struct link link;
    (void)state;
    assert_int_equal(put(map, 1, 5, &row, 1, 0), OK);
    assert_int_equal(linkmap_origins(map, 59999), 1);
    assert_true(get(map, 1, 2, 59999, &link));
    assert_false(get(map, 1, 2, 60000, &link));
    assert_int_equal(linkmap_sweep(map, 60000), 1);
    assert_int_equal(linkmap_sweep(map, 60000), 0);
    assert_int_equal(put(map, 1, 5, &row, 1, 60000), ERR_EXISTS);
    assert_int_equal(linkmap_sweep(map, 60000 + LINKMAP_LIFE_MAX_MS - 1), 0);
    assert_int_equal(put(map, 1, 5, &row, 1, 60000), ERR_EXISTS);
    (void)linkmap_sweep(map, 60000 + LINKMAP_LIFE_MAX_MS);
    assert_int_equal(put(map, 1, 5, &row, 1, 60000 + LINKMAP_LIFE_MAX_MS), OK);
    linkmap_free(map);
}

static void a_row_ages_though_it_is_said_again_and_again(void **state)
{
    struct linkmap *map = map_of(0, 8, 8);
    struct linkmap_row row = row_of(1, 9, 0);
    struct link link;
    uint64_t late_ms = LINK_TRIPS_AGE_MAX_MS;
    (void)state;
    assert_int_equal(put(map, 0, 1, &row, 1, late_ms), OK);
    assert_true(get(map, 0, 1, late_ms, &link));
    assert_int_equal(put(map, 0, 2, &row, 1, late_ms + 1), OK);
    assert_false(get(map, 0, 1, late_ms + 1, &link));
    linkmap_free(map);
}

static void what_cannot_be_is_refused(void **state)
{
    struct linkmap *map = map_of(0, 8, 2);
    struct linkmap_row rows[3] = {row_of(2, 1, 0), row_of(3, 1, 0),
                                  row_of(4, 1, 0)};
    struct linkmap_statement s = {
        .origin = key_of(1), .version = 1, .life_ms = 1, .rows = rows};
    struct linkmap_config config = {.origins_max = 0, .rows_max = 1};
    struct linkmap *other = NULL;
    (void)state;
    assert_int_equal(linkmap_new(&config, &other), ERR_RANGE);
    config.origins_max = LINKMAP_ORIGINS_MAX + 1;
    assert_int_equal(linkmap_new(&config, &other), ERR_RANGE);
    assert_null(other);
    assert_int_equal(put(map, 1, 0, rows, 1, 0), ERR_RANGE);
    assert_int_equal(put(map, 1, 1, rows, 3, 0), ERR_RANGE);
    assert_int_equal(put(map, 2, 1, rows, 1, 0), ERR_RANGE); /* of itself */
    rows[1] = rows[0];
    assert_int_equal(put(map, 1, 1, rows, 2, 0), ERR_RANGE); /* one twice */
    rows[0].link.of[LINK_RTT].value = 0;
    assert_int_equal(put(map, 1, 1, rows, 1, 0), ERR_RANGE);
    s.life_ms = LINKMAP_LIFE_MAX_MS + 1;
    assert_int_equal(linkmap_put(map, &s, 0), ERR_RANGE);
    s.life_ms = 0;
    assert_int_equal(linkmap_put(map, &s, 0), ERR_RANGE);
    assert_int_equal(linkmap_origins(map, 0), 0);
    linkmap_free(map);
}

static void strangers_do_not_crowd_out_anybody(void **state)
{
    struct linkmap *map = map_of(0, 4, 8);
    struct linkmap_row row = row_of(99, 1, 0);
    struct linkmap_statement known = {.origin = key_of(50),
                                      .version = 1,
                                      .life_ms = 60000,
                                      .standing = LINKMAP_KNOWN,
                                      .rows = &row,
                                      .count = 1};
    struct link link;
    (void)state;
    for (uint32_t n = 1; n <= 4; n++)
        assert_int_equal(put(map, n, 1, &row, 1, n), OK);
    assert_int_equal(put(map, 5, 1, &row, 1, 10), ERR_CAPACITY);
    assert_int_equal(put(map, 4, 2, &row, 1, 10), OK);
    assert_int_equal(put(map, 0, 1, &row, 1, 10), OK); /* ours has its place */
    assert_int_equal(linkmap_put(map, &known, 10), OK);
    assert_false(get(map, 1, 99, 10, &link)); /* first to lapse, gave way */
    assert_true(get(map, 2, 99, 10, &link));
    for (uint32_t n = 51; n <= 53; n++) {
        known.origin = key_of(n);
        assert_int_equal(linkmap_put(map, &known, 10), OK);
    }
    known.origin = key_of(54);
    assert_int_equal(linkmap_put(map, &known, 10), ERR_CAPACITY);
    assert_int_equal(put(map, 5, 1, &row, 1, 60009), ERR_CAPACITY);
    assert_int_equal(put(map, 5, 1, &row, 1, 60010), OK); /* they lapsed */
    linkmap_free(map);
}

/* ---- against a table of all that was said ---- */

struct said {
    uint64_t version;
    uint64_t until_ms;
    bool has[NODES];
    struct link link[NODES];
};

static void model_get(const struct said *said, uint32_t a, uint32_t b,
                      uint64_t now_ms, bool *out_any, struct link *out)
{
    struct link ours = {0};
    struct link theirs = {0};
    bool any = false;
    if (said[a].has[b] && now_ms < said[a].until_ms) {
        ours = said[a].link[b];
        any = link_fresh(&ours, now_ms);
    }
    if (said[b].has[a] && now_ms < said[b].until_ms) {
        theirs = said[b].link[a];
        any = link_fresh(&theirs, now_ms) || any;
    }
    link_turn(&theirs);
    link_join(&ours, a == 0, &theirs, b == 0, out);
    *out_any = any;
}

static void speak(struct linkmap *map, struct said *said, struct dice *dice,
                  uint64_t now_ms)
{
    struct linkmap_row rows[NODES];
    uint32_t count = 0;
    uint32_t who = (uint32_t)dice_below(dice, NODES);
    uint64_t version = said[who].version + dice_below(dice, 3);
    struct said next = {.version = version, .until_ms = now_ms + 60000};
    for (uint32_t peer = 0; peer < NODES; peer++) {
        if (peer == who || !dice_chance(dice, 600))
            continue;
        rows[count] = row_of(
            peer, (uint32_t)dice_between(dice, 1, 90000),
            now_ms - dice_below(dice, now_ms < 700000 ? now_ms + 1 : 700000));
        if (dice_chance(dice, 500))
            rows[count] =
                with_volume(rows[count], (uint32_t)dice_between(dice, 1, 900),
                            (uint32_t)dice_between(dice, 1, 900));
        next.has[peer] = true;
        next.link[peer] = rows[count].link;
        count++;
    }
    if (version == 0 || version <= said[who].version) {
        assert_int_not_equal(put(map, who, version, rows, count, now_ms), OK);
        return;
    }
    assert_int_equal(put(map, who, version, rows, count, now_ms), OK);
    said[who] = next;
}

static void it_agrees_with_a_table_of_all_that_was_said(void **state)
{
    struct linkmap *map = map_of(0, NODES, NODES);
    static struct said said[NODES];
    struct dice dice;
    uint64_t now_ms = 0;
    (void)state;
    dice_init(&dice, 11);
    for (unsigned step = 0; step < 3000; step++) {
        uint64_t cursor = 0;
        uint32_t pairs = 0;
        uint32_t shown = 0;
        struct pubkey a;
        struct pubkey b;
        struct link link;
        now_ms += dice_below(&dice, 9000);
        speak(map, said, &dice, now_ms);
        if (dice_chance(&dice, 50))
            (void)linkmap_sweep(map, now_ms);
        for (uint32_t i = 0; i < NODES; i++) {
            for (uint32_t j = 0; j < NODES; j++) {
                struct link want;
                bool any = false;
                if (i != j)
                    model_get(said, i, j, now_ms, &any, &want);
                assert_int_equal(get(map, i, j, now_ms, &link), any);
                if (any)
                    assert_memory_equal(&link, &want, sizeof(link));
                pairs += any && i < j;
            }
        }
        while (linkmap_next(map, &cursor, now_ms, &a, &b, &link))
            shown++;
        assert_int_equal(shown, pairs);
    }
    linkmap_free(map);
}

static void the_table_holds_at_every_degree_of_fullness(void **state)
{
    struct linkmap *map = map_of(999, 200, 1);
    bool in[300] = {false};
    struct dice dice;
    uint64_t version = 0;
    (void)state;
    dice_init(&dice, 3);
    for (uint64_t now_ms = 0; now_ms < 2000000; now_ms += 500) {
        uint32_t n = (uint32_t)dice_below(&dice, 300);
        struct linkmap_row row = row_of(999, 1 + n, now_ms);
        struct link link;
        enum err err = put(map, n, ++version, &row, 1, now_ms);
        in[n] = err == OK;
        assert_true(err == OK || err == ERR_CAPACITY);
        assert_int_equal(get(map, n, 999, now_ms, &link), in[n]);
        if (in[n])
            assert_int_equal(link.of[LINK_RTT].value, 1 + n);
        if (dice_chance(&dice, 100))
            (void)linkmap_sweep(map, now_ms);
        assert_true(linkmap_origins(map, now_ms) <= 200);
    }
    linkmap_free(map);
}

/* ---- estimates ---- */

static void third_nodes_bound_what_was_not_measured(void **state)
{
    struct linkmap *map = map_of(0, 8, 8);
    struct linkmap_row own[2] = {row_of(1, 30000, 50), row_of(2, 50000, 60)};
    struct linkmap_row one[2] = {row_of(0, 1, 0), row_of(3, 10000, 40)};
    struct linkmap_row two[2] = {row_of(0, 1, 0), row_of(3, 52000, 70)};
    struct linkmap_row three[2] = {row_of(1, 11000, 40), row_of(2, 52000, 70)};
    struct pubkey a = key_of(1);
    struct pubkey b = key_of(2);
    struct linkmap_bounds bounds;
    struct link link;
    (void)state;
    assert_false(linkmap_estimate(map, &a, &b, 100, &bounds));
    assert_int_equal(put(map, 0, 1, own, 2, 100), OK);
    assert_true(linkmap_estimate(map, &a, &b, 100, &bounds));
    assert_int_equal(bounds.lower_us, 20000);
    assert_int_equal(bounds.upper_us, 80000);
    assert_int_equal(bounds.rtt_us, 50000);
    assert_int_equal(bounds.landmarks, 1);
    assert_int_equal(bounds.at_ms, 50);
    /* What node 3 alone says of its legs moves nothing. */
    assert_int_equal(put(map, 3, 1, three, 2, 100), OK);
    assert_true(linkmap_estimate(map, &a, &b, 100, &bounds));
    assert_int_equal(bounds.landmarks, 1);
    assert_int_equal(put(map, 1, 1, one, 2, 100), OK);
    assert_int_equal(put(map, 2, 1, two, 2, 100), OK);
    assert_true(linkmap_estimate(map, &a, &b, 100, &bounds));
    assert_int_equal(bounds.landmarks, 2);
    assert_int_equal(bounds.lower_us, 41000);
    assert_int_equal(bounds.upper_us, 63000);
    assert_int_equal(bounds.at_ms, 40);
    assert_true(linkmap_look(map, &a, &b, 100, &link));
    assert_int_equal(link.of[LINK_RTT].value, 52000);
    assert_int_equal(link.of[LINK_RTT].source, METRIC_ESTIMATION);
    assert_int_equal(link.of[LINK_SPREAD].value, 11000);
    assert_false(link_has(&link, LINK_LOSS));
    assert_int_equal(link_form(&link), OK);
    assert_false(linkmap_get(map, &a, &b, 100, &link));
    linkmap_free(map);
}

static void in_a_plane_the_truth_lies_between_the_bounds(void **state)
{
    struct dice dice;
    (void)state;
    dice_init(&dice, 8);
    for (unsigned round = 0; round < 500; round++) {
        struct linkmap_bounds bounds = {0};
        uint32_t at[6];
        uint32_t truth;
        for (unsigned i = 0; i < 6; i++)
            at[i] = (uint32_t)dice_below(&dice, 100000); /* on a line */
        truth = at[0] > at[1] ? at[0] - at[1] : at[1] - at[0];
        for (unsigned c = 2; c < 6; c++) {
            uint32_t to_a = at[0] > at[c] ? at[0] - at[c] : at[c] - at[0];
            uint32_t to_b = at[1] > at[c] ? at[1] - at[c] : at[c] - at[1];
            linkmap_bounds_add(&bounds, to_a, to_b, 0);
            assert_true(bounds.lower_us <= truth && truth <= bounds.upper_us);
        }
        assert_true(bounds.rtt_us >= bounds.lower_us &&
                    bounds.rtt_us <= bounds.upper_us);
    }
}

/* ---- for the solvers ---- */

static void fill_three(struct linkmap *map)
{
    struct linkmap_row one[2] = {with_volume(row_of(2, 4001, 100), 500, 600),
                                 row_of(3, 9000, 100)};
    struct linkmap_row two[2] = {with_volume(row_of(1, 4000, 100), 700, 550),
                                 row_of(3, 7, 100)};
    assert_int_equal(put(map, 1, 1, one, 2, 100), OK);
    assert_int_equal(put(map, 2, 1, two, 2, 100), OK);
    /* 3 says nothing: its links are claims of others. */
}

static void a_topology_knows_what_is_measured_and_nothing_else(void **state)
{
    struct linkmap *map = map_of(0, 8, 8);
    struct pubkey keys[3] = {key_of(1), key_of(2), key_of(3)};
    struct topo_node nodes[3] = {{.speed = 1000}, {.speed = 1}, {.speed = 2}};
    struct topology t;
    struct linkmap_ask ask = {.now_ms = 100};
    struct linkmap_ask strict = {.confidence_min = 999, .now_ms = 100};
    (void)state;
    fill_three(map);
    assert_int_equal(linkmap_topology(map, keys, nodes, 3, &ask, &t), OK);
    assert_int_equal(t.node_count, 3);
    assert_int_equal(t.link_count, 3);
    assert_int_equal(t.links[0].delay_us, 2001 + 10);
    assert_int_equal(t.links[0].cap_kbps, 500);
    assert_int_equal(t.links[0].risk_nn, 7);
    assert_int_equal(t.links[0].loss_ppm, 5);
    for (uint32_t i = 1; i < 3; i++) {
        assert_int_equal(t.links[i].delay_us, LINK_UNKNOWN);
        assert_int_equal(t.links[i].risk_nn, LINK_UNKNOWN);
        assert_int_equal(t.links[i].loss_ppm, LINK_UNKNOWN);
        assert_int_equal(t.links[i].cap_kbps, 0);
    }
    topology_done(&t);
    /* Little confidence is as good as none. */
    assert_int_equal(linkmap_topology(map, keys, nodes, 3, &strict, &t), OK);
    assert_int_equal(t.links[0].delay_us, LINK_UNKNOWN);
    assert_int_equal(t.links[0].cap_kbps, 0);
    topology_done(&t);
    keys[2] = keys[0];
    assert_int_equal(linkmap_topology(map, keys, nodes, 3, &ask, &t),
                     ERR_RANGE);
    assert_int_equal(
        linkmap_topology(map, keys, nodes, LINKMAP_NODES_MAX + 1, &ask, &t),
        ERR_TOO_LARGE);
    linkmap_free(map);
}

static void an_offerset_uses_only_links_measured_both_ways(void **state)
{
    struct linkmap *map = map_of(0, 8, 8);
    struct pubkey keys[3] = {key_of(1), key_of(2), key_of(3)};
    struct offerset_offer offers[3];
    uint64_t egress[3] = {11, 22, 33};
    struct offerset set;
    struct linkmap_ask ask = {.now_ms = 100};
    (void)state;
    for (uint32_t i = 0; i < 3; i++)
        offers[i] = (struct offerset_offer){
            .price_micro = 1, .speed_permille = 1000, .cores = 1, .site = 77};
    fill_three(map);
    assert_int_equal(linkmap_offerset(map, keys, offers, 3, egress, &ask, &set),
                     OK);
    assert_int_equal(set.count, 3);
    assert_int_equal(set.offers[2].site, 2);
    assert_int_equal(offerset_between(&set, 0, 1)->rtt_us, 4001);
    assert_int_equal(offerset_between(&set, 0, 1)->kbps, 500);
    assert_int_equal(offerset_between(&set, 1, 0)->kbps, 600);
    assert_int_equal(offerset_between(&set, 1, 0)->egress_micro, 22);
    assert_int_equal(offerset_between(&set, 0, 2)->kbps, 0);
    assert_int_equal(offerset_between(&set, 2, 1)->kbps, 0);
    assert_int_equal(offerset_between(&set, 1, 1)->kbps, 0);
    offerset_done(&set);
    offers[1].cores = 0;
    assert_int_equal(linkmap_offerset(map, keys, offers, 3, NULL, &ask, &set),
                     ERR_RANGE);
    assert_int_equal(linkmap_offerset(map, keys, offers, 0, NULL, &ask, &set),
                     ERR_TOO_LARGE);
    linkmap_free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_end_says_is_a_claim_until_the_other_says_it),
        cmocka_unit_test(our_own_measurement_needs_no_second_word),
        cmocka_unit_test(a_later_statement_takes_the_place_of_all_before),
        cmocka_unit_test(
            a_statement_lapses_and_its_copies_do_not_bring_it_back),
        cmocka_unit_test(a_row_ages_though_it_is_said_again_and_again),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(strangers_do_not_crowd_out_anybody),
        cmocka_unit_test(it_agrees_with_a_table_of_all_that_was_said),
        cmocka_unit_test(the_table_holds_at_every_degree_of_fullness),
        cmocka_unit_test(third_nodes_bound_what_was_not_measured),
        cmocka_unit_test(in_a_plane_the_truth_lies_between_the_bounds),
        cmocka_unit_test(a_topology_knows_what_is_measured_and_nothing_else),
        cmocka_unit_test(an_offerset_uses_only_links_measured_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
