/* Devices, taints and zones in the book: who is placed where, at what price,
 * and that no device is promised twice. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "market/book/book.h"
#include "market/book/book_device.h"
#include "tests/unit/market/book_sample.h"

/* Two cheap cards and two dear ones. */
static struct offer offer_with_cards(unsigned k)
{
    struct offer o = sample_offer(k, 1);
    o.devices = (struct devices){
        .group_count = 2,
        .groups =
            {{.kind = DEVICE_GPU, .model = "t4", .count = 2, .hour = {3000000}},
             {.kind = DEVICE_GPU,
              .model = "a100",
              .count = 2,
              .hour = {9000000}}},
    };
    devices_all_free(&o.devices);
    return o;
}

static struct request request_for(uint32_t tasks, const char *devices)
{
    struct request r = sample_request(tasks);
    r.resources = (struct resources){100, 16, 16, 0};
    assert_int_equal(device_wish_parse(devices, &r.devices), OK);
    return r;
}

static void only_who_has_the_device_is_asked(void **state)
{
    struct sample *s = *state;
    struct offer with = offer_with_cards(2);
    struct request r = request_for(1, "gpu:a100:1");
    const struct book_result *m;
    sample_put_k(s, 1, 1, 10);
    sample_put(s, &with, 10);
    sample_add(s, 1, &r, 10);
    m = sample_match(s, 1, 1, 20);
    assert_int_equal(m->placed, 1);
    assert_int_equal(sample_k(&m->placements[0].provider), 2);
    /* 0.1 core, 16 MiB twice, and the card at its group's price */
    assert_int_equal(m->placements[0].hour.micro, 100000 + 16 + 2 + 9000000);
    assert_int_equal(m->explain.first[REASON_DEVICE_KIND], 1);
}

static void cheap_devices_go_first_and_dear_ones_when_they_are_gone(
    void **state)
{
    struct sample *s = *state;
    struct offer with = offer_with_cards(1);
    struct request r = request_for(3, "gpu");
    const struct book_result *m;
    sample_put(s, &with, 10);
    sample_add(s, 1, &r, 10);
    m = sample_match(s, 1, 3, 20); /* two of the cheap group, for now */
    assert_int_equal(m->placed, 2);
    assert_int_equal(m->placements[0].hour.micro, 100018 + 3000000);
    m = sample_match(s, 1, 1, 21);
    assert_int_equal(m->placed, 1);
    assert_int_equal(m->placements[0].hour.micro, 100018 + 9000000);
}

static void shares_are_promised_per_device(void **state)
{
    struct sample *s = *state;
    struct offer with = offer_with_cards(1);
    struct request r = request_for(9, "gpu:t4:0.4");
    struct request whole = request_for(1, "gpu:t4:1");
    const struct book_result *m;
    with.slots_free = 20;
    sample_put(s, &with, 10);
    sample_add(s, 1, &r, 10);
    sample_add(s, 2, &whole, 10);
    m = sample_match(s, 1, 1, 20);
    assert_int_equal(m->placed, 1);
    m = sample_match(s, 1, 8, 21);
    assert_int_equal(m->placed, 3); /* two on each, not five on 2.0 */
    m = sample_match(s, 2, 1, 22);
    assert_int_equal(m->placed, 0);
    assert_int_equal(explain_top(&m->explain), REASON_DEVICE_FREE);
    struct pubkey one = sample_provider(1);
    struct hash id = sample_id(1);
    book_release(s->book, &id, &one, 1, 23);
    book_check(s->book);
    m = sample_match(s, 2, 1, 24); /* 1.4 of two: pieces */
    assert_int_equal(explain_top(&m->explain), REASON_DEVICE_FREE);
    book_release(s->book, &id, &one, 1, 25);
    m = sample_match(s, 2, 1, 26);
    assert_int_equal(m->placed, 0);
    assert_int_equal(explain_top(&m->explain), REASON_DEVICE_SPLIT);
    book_release(s->book, &id, &one, 2, 27);
    m = sample_match(s, 2, 1, 28);
    assert_int_equal(m->placed, 1);
}

static void a_provider_that_spoke_knows_its_devices(void **state)
{
    struct sample *s = *state;
    struct offer with = offer_with_cards(1);
    struct request r = request_for(4, "gpu:a100:1");
    const struct book_result *m;
    sample_put(s, &with, 10);
    sample_add(s, 1, &r, 10);
    m = sample_match(s, 1, 4, 20);
    assert_int_equal(m->placed, 2);
    with.version = 2;
    with.devices.free_milli[2] = 0; /* only one of ours is running */
    sample_put(s, &with, 30);
    m = sample_match(s, 1, 2, 31);
    assert_int_equal(m->placed, 1);
}

static void a_card_that_is_given_back_wakes_who_waits(void **state)
{
    struct sample *s = *state;
    struct offer with = offer_with_cards(1);
    struct request r = request_for(2, "gpu:a100:2");
    struct book_note notes[4];
    struct pubkey one = sample_provider(1);
    struct hash id = sample_id(1);
    sample_put(s, &with, 10);
    sample_add(s, 1, &r, 10);
    sample_add(s, 2, &r, 10);
    assert_int_equal(sample_match(s, 1, 1, 20)->placed, 1);
    assert_int_equal(sample_match(s, 2, 1, 20)->placed, 0);
    (void)book_tick(s->book, 21, notes, 4);
    book_release(s->book, &id, &one, 1, 22);
    assert_int_equal(book_tick(s->book, 23, notes, 4), 1);
    assert_int_equal(notes[0].kind, BOOK_WAKE);
    assert_int_equal(notes[0].id.b[0], 2);
}

static void the_price_cap_counts_the_device(void **state)
{
    struct sample *s = *state;
    struct offer with = offer_with_cards(1);
    struct request r = request_for(1, "gpu:a100:1");
    const struct book_result *m;
    r.price_max = amount_micro(100000); /* a minute of 0.1 credit */
    sample_put(s, &with, 10);
    sample_add(s, 1, &r, 10);
    m = sample_match(s, 1, 1, 20);
    assert_int_equal(m->placed, 0);
    assert_int_equal(explain_top(&m->explain), REASON_PRICE);
    assert_true(m->explain.relax_to[REASON_PRICE] == (9100018 + 59) / 60);
}

static void taints_keep_out_who_does_not_tolerate_them(void **state)
{
    struct sample *s = *state;
    struct offer kept = sample_offer(1, 1);
    struct request r = sample_request(1);
    const struct book_result *m;
    kept.taint_count = 1;
    kept.taints[0] = (struct taint){{"gpu", "only"}, TAINT_REFUSE};
    sample_put(s, &kept, 10);
    sample_add(s, 1, &r, 10);
    m = sample_match(s, 1, 1, 20);
    assert_int_equal(m->placed, 0);
    assert_int_equal(explain_top(&m->explain), REASON_TAINT);
    assert_string_equal(m->explain.nearest.taint.key, "gpu");
    r.toleration_count = 1;
    r.tolerations[0] = (struct constraint){"gpu", CONSTRAINT_EQUAL, "only"};
    sample_add(s, 2, &r, 10);
    assert_int_equal(sample_match(s, 2, 1, 20)->placed, 1);
}

static void work_stays_in_its_zones(void **state)
{
    struct sample *s = *state;
    struct offer north = sample_offer(1, 1);
    struct offer both = sample_offer(2, 1);
    struct offer nowhere = sample_offer(3, 1);
    struct request r = sample_request(9);
    const struct book_result *m;
    sample_label(&north, "zone", "eu/north");
    sample_label(&both, "zone", "eu");
    sample_label(&both, "zone", "us");
    sample_put(s, &north, 10);
    sample_put(s, &both, 10);
    sample_put(s, &nowhere, 10);
    r.zone_count = 1;
    strcpy(r.zones[0], "eu");
    sample_add(s, 1, &r, 10);
    m = sample_match(s, 1, 9, 20);
    assert_int_equal(m->count, 1);
    assert_int_equal(sample_k(&m->placements[0].provider), 1);
    assert_int_equal(m->explain.first[REASON_ZONE], 2);
}

static void the_network_is_shared_out_like_memory(void **state)
{
    struct sample *s = *state;
    struct offer wide = sample_offer(1, 1);
    struct request r = sample_request(3);
    const struct book_result *m;
    sample_put_k(s, 2, 1, 10); /* states none */
    wide.total.nic_kbit = wide.free.nic_kbit = 1000;
    sample_put(s, &wide, 10);
    r.resources.nic_kbit = 400;
    sample_add(s, 1, &r, 10);
    m = sample_match(s, 1, 3, 20);
    assert_int_equal(m->placed, 2);
    assert_int_equal(sample_k(&m->placements[0].provider), 1);
    assert_int_equal(m->explain.first[REASON_NIC_TOTAL], 1);
}

static void an_offer_comes_out_of_the_book_as_it_went_in(void **state)
{
    struct sample *s = *state;
    struct offer with = offer_with_cards(1);
    struct pubkey one = sample_provider(1);
    struct book_offer out;
    with.taint_count = 1;
    with.taints[0] = (struct taint){{"gpu", "only"}, TAINT_REFUSE};
    with.devices.free_milli[3] = 250;
    sample_put(s, &with, 10);
    assert_true(book_offer_get(s->book, &one, 11, &out));
    assert_true(devices_same(&out.offer.devices, &with.devices));
    assert_memory_equal(out.offer.devices.free_milli, with.devices.free_milli,
                        sizeof(with.devices.free_milli));
    assert_int_equal(out.offer.taint_count, 1);
    assert_memory_equal(out.offer.taints, with.taints, sizeof(with.taints));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_BOOK(test)                                                        \
    cmocka_unit_test_setup_teardown(test, sample_setup, sample_teardown)
        WITH_BOOK(only_who_has_the_device_is_asked),
        WITH_BOOK(cheap_devices_go_first_and_dear_ones_when_they_are_gone),
        WITH_BOOK(shares_are_promised_per_device),
        WITH_BOOK(a_provider_that_spoke_knows_its_devices),
        WITH_BOOK(a_card_that_is_given_back_wakes_who_waits),
        WITH_BOOK(the_price_cap_counts_the_device),
        WITH_BOOK(taints_keep_out_who_does_not_tolerate_them),
        WITH_BOOK(work_stays_in_its_zones),
        WITH_BOOK(the_network_is_shared_out_like_memory),
        WITH_BOOK(an_offer_comes_out_of_the_book_as_it_went_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
