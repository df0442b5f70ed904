#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sched/link/goodput.h"

#define NOW   20000000u
#define SELLS 1u
#define FRESH 100u

static struct pubkey key_of(uint32_t n)
{
    struct pubkey key = {{0}};
    key.b[0] = (uint8_t)(n * 37);
    key.b[31] = (uint8_t)n;
    return key;
}

static struct linkmap *map_of(uint32_t self)
{
    struct linkmap_config config = {
        .self = key_of(self), .origins_max = 64, .rows_max = 64};
    struct linkmap *map = NULL;
    assert_int_equal(linkmap_new(&config, &map), OK);
    return map;
}

static struct linkmap_row row_of(uint32_t peer, uint32_t out, uint32_t in,
                                 uint64_t age_ms)
{
    struct linkmap_row row = {.peer = key_of(peer)};
    row.link.at_ms[LINK_TRIPS] = NOW;
    row.link.samples[LINK_TRIPS] = 100;
    link_set(&row.link, LINK_RTT, 1000 * peer, METRIC_MEASURED);
    row.link.at_ms[LINK_VOLUME] = NOW - age_ms;
    row.link.samples[LINK_VOLUME] = 1;
    if (out > 0)
        link_set(&row.link, LINK_OUT, out, METRIC_MEASURED);
    if (in > 0)
        link_set(&row.link, LINK_IN, in, METRIC_MEASURED);
    return row;
}

static void put(struct linkmap *map, uint32_t origin,
                const struct linkmap_row *rows, uint32_t count)
{
    static uint64_t version;
    struct linkmap_statement statement = {.origin = key_of(origin),
                                          .version = ++version,
                                          .life_ms = 60000,
                                          .rows = rows,
                                          .count = count};
    assert_int_equal(linkmap_put(map, &statement, NOW), OK);
}

/* Peer 2 + i received in[i]; the seller says that it sent out[i]. */
static void state_all(struct linkmap *map, const uint32_t *out,
                      const uint32_t *in, uint32_t count, uint64_t age_ms)
{
    struct linkmap_row rows[16];
    for (uint32_t i = 0; i < count; i++) {
        struct linkmap_row theirs = row_of(SELLS, 0, in[i], age_ms);
        rows[i] = row_of(2 + i, out[i], 0, age_ms);
        if (in[i] > 0)
            put(map, 2 + i, &theirs, 1);
    }
    put(map, SELLS, rows, count);
}

static struct goodput of(const struct linkmap *map)
{
    struct pubkey key = key_of(SELLS);
    struct goodput goodput;
    goodput_of(map, &key, NOW, &goodput);
    return goodput;
}

static void without_links_it_is_not_known(void **state)
{
    struct linkmap *map = map_of(0);
    struct goodput goodput = of(map);
    (void)state;
    assert_int_equal(goodput.kbps, 0);
    assert_int_equal(goodput.peers, 0);
    assert_int_equal(goodput_bound(&goodput, 125000000), 0);
    linkmap_free(map);
}

static void a_boast_that_nobody_confirms_counts_for_nothing(void **state)
{
    static const uint32_t out[3] = {4000000, 4000000, 4000000};
    static const uint32_t in[3] = {0, 0, 0};
    struct linkmap *map = map_of(0);
    struct goodput goodput;
    (void)state;
    state_all(map, out, in, 3, FRESH);
    goodput = of(map);
    assert_int_equal(goodput.kbps, 0);
    assert_int_equal(goodput.peers, 0);
    assert_int_equal(goodput.doubtful, 3);
    assert_int_equal(goodput_bound(&goodput, 500000000), 0);
    linkmap_free(map);
}

static void the_sellers_own_word_is_no_more_to_itself(void **state)
{
    static const uint32_t out[3] = {4000000, 4000000, 4000000};
    static const uint32_t in[3] = {0, 0, 0};
    struct linkmap *map = map_of(SELLS);
    (void)state;
    state_all(map, out, in, 3, FRESH);
    assert_int_equal(of(map).kbps, 0);
    linkmap_free(map);
}

static void of_what_both_ends_say_the_worse_counts(void **state)
{
    static const uint32_t out[3] = {4000000, 300, 4000000};
    static const uint32_t in[3] = {200, 4000000, 100};
    struct linkmap *map = map_of(0);
    struct goodput goodput;
    (void)state;
    state_all(map, out, in, 3, FRESH);
    goodput = of(map);
    assert_int_equal(goodput.peers, 3);
    assert_int_equal(goodput.kbps, 200);
    assert_int_equal(goodput.rtt_us, 3000); /* of 2000, 3000, 4000 */
    linkmap_free(map);
}

static void one_accomplice_moves_nothing_above_what_an_honest_peer_got(
    void **state)
{
    static const uint32_t out[2] = {4000000000u, 5000};
    static const uint32_t in[2] = {4000000000u, 5000};
    struct linkmap *map = map_of(0);
    (void)state;
    state_all(map, out, in, 1, FRESH);
    assert_int_equal(of(map).kbps, 0);
    assert_int_equal(of(map).peers, 1);
    state_all(map, out, in, 2, FRESH);
    assert_int_equal(of(map).kbps, 5000);
    linkmap_free(map);
}

static void what_is_too_long_ago_does_not_count(void **state)
{
    static const uint32_t both[3] = {5000, 6000, 7000};
    struct linkmap *map = map_of(0);
    struct goodput goodput;
    (void)state;
    state_all(map, both, both, 3, LINK_VOLUME_AGE_MAX_MS / 4);
    goodput = of(map);
    assert_int_equal(goodput.kbps, 6000);
    assert_int_equal(goodput.at_ms, NOW - LINK_VOLUME_AGE_MAX_MS / 4);
    state_all(map, both, both, 3, LINK_VOLUME_AGE_MAX_MS / 4 + 60000);
    goodput = of(map);
    assert_int_equal(goodput.kbps, 0);
    assert_int_equal(goodput.doubtful, 3);
    linkmap_free(map);
}

static void a_declared_rate_counts_as_far_as_the_links_bear_it_out(void **state)
{
    struct goodput goodput = {.kbps = 1000};
    (void)state;
    assert_int_equal(goodput_bps(&goodput), 125000);
    assert_int_equal(goodput_bound(&goodput, 200000), 125000);
    assert_int_equal(goodput_bound(&goodput, 100000), 100000);
    assert_int_equal(goodput_bound(&goodput, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_links_it_is_not_known),
        cmocka_unit_test(a_boast_that_nobody_confirms_counts_for_nothing),
        cmocka_unit_test(the_sellers_own_word_is_no_more_to_itself),
        cmocka_unit_test(of_what_both_ends_say_the_worse_counts),
        cmocka_unit_test(
            one_accomplice_moves_nothing_above_what_an_honest_peer_got),
        cmocka_unit_test(what_is_too_long_ago_does_not_count),
        cmocka_unit_test(
            a_declared_rate_counts_as_far_as_the_links_bear_it_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
