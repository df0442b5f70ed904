#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "market/goodputs.h"
#include "tests/unit/market/book_sample.h"

#define NOW 100000u

static struct linkmap *map_new(void)
{
    struct linkmap_config config = {
        .self = sample_provider(99), .origins_max = 16, .rows_max = 16};
    struct linkmap *map = NULL;
    assert_int_equal(linkmap_new(&config, &map), OK);
    return map;
}

static struct linkmap_row row_of(unsigned peer, enum link_figure figure,
                                 uint64_t kbps)
{
    struct linkmap_row row = {.peer = sample_provider(peer)};
    row.link.at_ms[LINK_VOLUME] = NOW;
    row.link.samples[LINK_VOLUME] = 4;
    link_set(&row.link, figure, kbps, METRIC_MEASURED);
    return row;
}

static void put(struct linkmap *map, unsigned origin,
                const struct linkmap_row *rows, uint32_t count, uint64_t now_ms)
{
    static uint64_t version;
    struct linkmap_statement statement = {.origin = sample_provider(origin),
                                          .version = ++version,
                                          .life_ms = 60000,
                                          .rows = rows,
                                          .count = count};
    assert_int_equal(linkmap_put(map, &statement, now_ms), OK);
}

/* Seller 1 states what it sends to 2 and 3. */
static void boast(struct linkmap *map, uint64_t kbps, uint64_t now_ms)
{
    struct linkmap_row rows[2] = {row_of(2, LINK_OUT, kbps),
                                  row_of(3, LINK_OUT, kbps)};
    put(map, 1, rows, 2, now_ms);
}

static void confirm(struct linkmap *map, unsigned peer, uint64_t kbps,
                    uint64_t now_ms)
{
    struct linkmap_row row = row_of(1, LINK_IN, kbps);
    put(map, peer, &row, 1, now_ms);
}

static void sell(struct sample *s, uint64_t net_bps)
{
    static uint64_t version;
    struct offer o = sample_offer(1, ++version);
    o.grade.net_bps = net_bps;
    sample_put(s, &o, NOW);
}

static uint64_t counts(struct sample *s)
{
    struct pubkey one = sample_provider(1);
    struct book_offer offer;
    assert_true(book_offer_get(s->book, &one, NOW, &offer));
    return offer.net_bps;
}

static void what_an_offer_declares_counts_as_far_as_links_bear_it_out(
    void **state)
{
    struct sample *s = *state;
    struct goodputs g = {0};
    struct linkmap *map = map_new();
    sell(s, 125000000);
    assert_int_equal(counts(s), 0);
    boast(map, 1000000, NOW);
    assert_int_equal(goodputs_tick(&g, map, s->book, NOW), OK);
    assert_int_equal(counts(s), 0);
    confirm(map, 2, 80000, NOW);
    confirm(map, 3, 90000, NOW);
    assert_int_equal(goodputs_tick(&g, map, s->book, NOW + 1), OK);
    assert_int_equal(counts(s), 0); /* not before its time */
    assert_int_equal(goodputs_tick(&g, map, s->book, NOW + GOODPUTS_EVERY_MS),
                     OK);
    assert_int_equal(counts(s), UINT64_C(80000) * 125);
    sell(s, 5000); /* later offers, too, and never more than is declared */
    assert_int_equal(counts(s), 5000);
    sell(s, 0);
    assert_int_equal(counts(s), 0);
    goodputs_done(&g);
    linkmap_free(map);
}

static void what_is_not_borne_out_any_longer_counts_for_nothing(void **state)
{
    struct sample *s = *state;
    struct goodputs g = {0};
    struct linkmap *map = map_new();
    sell(s, 125000000);
    boast(map, 1000000, NOW);
    confirm(map, 2, 80000, NOW);
    confirm(map, 3, 90000, NOW);
    assert_int_equal(goodputs_tick(&g, map, s->book, NOW), OK);
    assert_int_equal(counts(s), UINT64_C(80000) * 125);
    /* the statements lapse, all of them, and nobody says anything new */
    assert_int_equal(goodputs_tick(&g, map, s->book, NOW + 60001), OK);
    assert_int_equal(counts(s), 0);
    goodputs_done(&g);
    linkmap_free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            what_an_offer_declares_counts_as_far_as_links_bear_it_out,
            sample_setup, sample_teardown),
        cmocka_unit_test_setup_teardown(
            what_is_not_borne_out_any_longer_counts_for_nothing, sample_setup,
            sample_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
