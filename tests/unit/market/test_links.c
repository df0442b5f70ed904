/* What a node states of its links is a claim, signed and bounded. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "market/links.h"
#include "tests/unit/market/links_sample.h"

static void refuses(struct links links)
{
    struct hash chain = world_chain();
    struct buf out;
    assert_int_equal(links_form(&links), ERR_RANGE);
    buf_init(&out, LINKS_BYTES_MAX);
    assert_int_equal(links_encode(&links, &out), ERR_RANGE);
    assert_int_equal(out.len, 0);
    buf_done(&out);
    assert_int_equal(links_sign(&links, &chain, world_signer(PROVIDER)),
                     ERR_RANGE);
}

static void fields_have_their_range(void **state)
{
    struct links good = sample_links();
    struct links bad = good;
    (void)state;
    assert_int_equal(links_form(&good), OK);
    bad.version = 0;
    refuses(bad);
    bad = good;
    bad.ttl_ms = 0;
    refuses(bad);
    bad.ttl_ms = LINKS_TTL_MAX_MS + 1;
    refuses(bad);
    bad = good;
    bad.count = LINKS_ROWS_MAX + 1;
    refuses(bad);
    bad = good;
    bad.rows[1].peer = bad.rows[0].peer;
    refuses(bad);
    bad = good;
    bad.rows[0] = good.rows[1];
    bad.rows[1] = good.rows[0];
    refuses(bad);
    bad = good;
    bad.origin = world_pubkey(PROVIDER);
    bad.rows[0].peer = bad.origin; /* of itself */
    bad.count = 1;
    refuses(bad);
}

static void a_row_says_what_was_measured_and_when(void **state)
{
    struct links good = sample_links();
    struct links bad = good;
    (void)state;
    bad.rows[0].link.of[LINK_RTT].source = METRIC_NOMINAL;
    refuses(bad);
    bad = good;
    bad.rows[0].link.of[LINK_RTT].value = 0;
    refuses(bad);
    bad = good;
    bad.rows[0].link.at_ms[LINK_TRIPS] = LINK_TRIPS_AGE_MAX_MS + 1;
    refuses(bad);
    bad = good;
    bad.rows[0].link.samples[LINK_TRIPS] = 0;
    refuses(bad);
    bad = good;
    link_forget(&bad.rows[0].link, LINK_TRIPS);
    link_forget(&bad.rows[0].link, LINK_VOLUME);
    refuses(bad); /* says nothing */
    bad = good;
    link_forget(&bad.rows[1].link, LINK_VOLUME);
    bad.rows[1].link.samples[LINK_VOLUME] = 1;
    refuses(bad); /* samples of nothing */
}

static void rows_come_in_their_order_with_their_ages(void **state)
{
    struct links links = {.version = 1, .ttl_ms = 1000};
    struct link link = {.at_ms = {5000, 5000}, .samples = {1, 1}};
    struct pubkey peer = world_pubkey(BUYER);
    (void)state;
    assert_int_equal(links_add(&links, &peer, &link, 6000), ERR_NOT_FOUND);
    link_set(&link, LINK_RTT, 7, METRIC_ESTIMATION);
    assert_int_equal(links_add(&links, &peer, &link, 6000), ERR_NOT_FOUND);
    link_set(&link, LINK_RTT, 7, METRIC_MEASURED);
    assert_int_equal(
        links_add(&links, &peer, &link, 5001 + LINK_TRIPS_AGE_MAX_MS),
        ERR_NOT_FOUND);
    assert_int_equal(links_add(&links, &peer, &link, 6000), OK);
    assert_int_equal(links_add(&links, &peer, &link, 6000), ERR_EXISTS);
    assert_int_equal(links.rows[0].link.at_ms[LINK_TRIPS], 1000);
    assert_int_equal(links.rows[0].link.samples[LINK_VOLUME], 0);
    for (uint32_t n = 1; n < LINKS_ROWS_MAX; n++) {
        memset(peer.b, (int)(n * 97 % 251), sizeof(peer.b));
        assert_int_equal(links_add(&links, &peer, &link, 6000), OK);
        assert_int_equal(links_form(&links), OK);
    }
    memset(peer.b, 0xfe, sizeof(peer.b));
    assert_int_equal(links_add(&links, &peer, &link, 6000), ERR_TOO_LARGE);
}

static void the_largest_statement_fits(void **state)
{
    struct hash chain = world_chain();
    struct links links = {.version = UINT64_MAX,
                          .issued_at_ms = UINT64_MAX,
                          .ttl_ms = LINKS_TTL_MAX_MS,
                          .count = LINKS_ROWS_MAX};
    struct links back;
    struct arena arena;
    struct buf out;
    (void)state;
    for (uint32_t i = 0; i < LINKS_ROWS_MAX; i++) {
        struct links_row *row = &links.rows[i];
        memset(row->peer.b, (int)i + 1, sizeof(row->peer.b));
        for (unsigned f = 0; f < LINK_FIGURES; f++)
            link_set(&row->link, (enum link_figure)f, UINT64_MAX,
                     METRIC_MEASURED);
        for (unsigned k = 0; k < LINK_KINDS; k++) {
            row->link.at_ms[k] = link_age_max_ms((enum link_kind)k);
            row->link.samples[k] = UINT32_MAX;
        }
    }
    assert_int_equal(links_sign(&links, &chain, world_signer(PROVIDER)), OK);
    buf_init(&out, LINKS_BYTES_MAX);
    arena_init(&arena, 1u << 20);
    assert_int_equal(links_encode(&links, &out), OK);
    assert_int_equal(links_decode(buf_bytes(&out), &arena, &back), OK);
    assert_memory_equal(&links, &back, sizeof(links));
    assert_int_equal(links_verify(&back, &chain), OK);
    back.rows[9].link.of[LINK_RTT].value--;
    assert_int_equal(links_verify(&back, &chain), ERR_SIGNATURE);
    buf_done(&out);
    arena_done(&arena);
}

static void it_counts_from_its_arrival(void **state)
{
    struct linkmap_config config = {
        .self = world_pubkey(OTHER), .origins_max = 4, .rows_max = 64};
    struct links links = sample_links();
    struct pubkey peer = links.rows[0].peer;
    struct linkmap *map = NULL;
    struct link link;
    (void)state;
    links.origin = world_pubkey(PROVIDER);
    assert_int_equal(linkmap_new(&config, &map), OK);
    assert_int_equal(links_put(&links, LINKMAP_KNOWN, T0, 777000, map), OK);
    assert_true(linkmap_get(map, &links.origin, &peer, 777000, &link));
    assert_int_equal(link.at_ms[LINK_TRIPS],
                     777000 - links.rows[0].link.at_ms[LINK_TRIPS]);
    assert_int_equal(links_put(&links, LINKMAP_KNOWN, T0, 777000, map),
                     ERR_EXISTS);
    assert_false(
        linkmap_get(map, &links.origin, &peer, 777000 + links.ttl_ms, &link));
    linkmap_free(map);
}

static void copies_kept_for_later_are_refused_by_their_own_clock(void **state)
{
    struct linkmap_config config = {
        .self = world_pubkey(OTHER), .origins_max = 4, .rows_max = 64};
    struct links links = sample_links();
    struct linkmap *map = NULL;
    (void)state;
    links.origin = world_pubkey(PROVIDER);
    assert_int_equal(linkmap_new(&config, &map), OK);
    assert_int_equal(links_put(&links, LINKMAP_KNOWN,
                               T0 + links.ttl_ms + LINKS_SKEW_MAX_MS + 1, 1,
                               map),
                     ERR_EXPIRED);
    assert_int_equal(
        links_put(&links, LINKMAP_KNOWN, T0 - LINKS_SKEW_MAX_MS - 1, 1, map),
        ERR_EXPIRED);
    assert_int_equal(linkmap_origins(map, 1), 0);
    assert_int_equal(links_put(&links, LINKMAP_KNOWN,
                               T0 + links.ttl_ms + LINKS_SKEW_MAX_MS, 1, map),
                     OK);
    linkmap_free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_have_their_range),
        cmocka_unit_test(a_row_says_what_was_measured_and_when),
        cmocka_unit_test(rows_come_in_their_order_with_their_ages),
        cmocka_unit_test(the_largest_statement_fits),
        cmocka_unit_test(it_counts_from_its_arrival),
        cmocka_unit_test(copies_kept_for_later_are_refused_by_their_own_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
