/* An offer is a promise to sell at a price. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "market/message.h"
#include "tests/unit/market/world.h"

static enum err encoded(const struct offer *offer)
{
    struct buf out;
    enum err err;
    buf_init(&out, OFFER_BYTES_MAX);
    err = offer_encode(offer, &out);
    if (err != OK)
        assert_int_equal(out.len, 0);
    buf_done(&out);
    return err;
}

static void refuses(struct offer offer)
{
    struct hash chain = world_chain();
    assert_int_equal(offer_form(&offer), ERR_RANGE);
    assert_int_equal(encoded(&offer), ERR_RANGE);
    assert_int_equal(offer_sign(&offer, &chain, world_signer(PROVIDER)),
                     ERR_RANGE);
}

static void fields_have_their_range(void **state)
{
    struct offer good = sample_offer();
    struct offer bad = good;
    (void)state;
    assert_int_equal(encoded(&good), OK);
    bad.ttl_ms = 0;
    refuses(bad);
    bad.ttl_ms = OFFER_TTL_MAX_MS + 1;
    refuses(bad);
    bad = good;
    bad.arch = ARCH_ANY;
    refuses(bad);
    bad.arch = (enum arch)(ARCH_RISCV64 + 1);
    refuses(bad);
    bad = good;
    bad.free.mem_mib = bad.total.mem_mib + 1;
    refuses(bad);
    bad = good;
    bad.time_ms_max = 0;
    refuses(bad);
    bad.time_ms_max = MESSAGE_TIME_MS_MAX + 1;
    refuses(bad);
    bad = good;
    bad.label_count = LIMIT_LABELS + 1;
    refuses(bad);
    bad = good;
    bad.queue = (struct offer_queue){1, 1, 9, 8};
    refuses(bad);
    bad.queue.clear_ms = MESSAGE_TIME_MS_MAX + 1;
    refuses(bad);
    bad.queue.clear_ms--;
    assert_int_equal(encoded(&bad), OK);
}

static void texts_are_terminated_and_harmless(void **state)
{
    struct offer good = sample_offer();
    struct offer bad = good;
    (void)state;
    memset(bad.name, 'x', sizeof(bad.name));
    refuses(bad);
    bad.name[sizeof(bad.name) - 1] = 0;
    assert_int_equal(encoded(&bad), OK);
    bad = good;
    bad.address[2] = '\n';
    refuses(bad);
    bad = good;
    bad.bulk_address[0] = 0x1b;
    refuses(bad);
    bad = good;
    bad.name[0] = 0x7f;
    refuses(bad);
    bad = good;
    memcpy(bad.name, "\xc2\x9b", 3); /* the C1 form of escape [ */
    refuses(bad);
    memcpy(bad.name, "\xc3\xa9\xc2", 4); /* e acute, a cut character */
    assert_int_equal(encoded(&bad), OK);
    bad = good;
    bad.labels[0].key[0] = 0;
    refuses(bad);
    bad = good;
    bad.labels[0].value[0] = '\t';
    refuses(bad);
    bad = good;
    bad.labels[0].value[0] = 0;
    assert_int_equal(encoded(&bad), OK);
}

static void devices_and_taints_are_well_formed(void **state)
{
    struct offer good = sample_offer();
    struct offer bad;
    (void)state;
    good.devices.group_count = 1;
    good.devices.groups[0] =
        (struct device_group){.kind = DEVICE_FPGA, .count = 2};
    devices_all_free(&good.devices);
    good.taint_count = 1;
    good.taints[0] = (struct taint){{"gpu", "only"}, TAINT_REFUSE};
    assert_int_equal(encoded(&good), OK);
    bad = good;
    bad.devices.free_milli[1] = 1001;
    refuses(bad);
    bad = good;
    bad.devices.groups[0].count = 17;
    refuses(bad);
    bad = good;
    bad.taint_count = LIMIT_TAINTS + 1;
    refuses(bad);
    bad = good;
    bad.taints[0].label.key[0] = 0;
    refuses(bad);
    bad = good;
    bad.taints[0].label.value[0] = 0x1b;
    refuses(bad);
    bad = good;
    bad.taints[0].effect = (enum taint_effect)2;
    refuses(bad);
}

static void the_largest_offer_fits_its_limit(void **state)
{
    struct offer offer = sample_offer();
    struct offer out;
    struct arena arena;
    struct buf bytes, again;
    (void)state;
    memset(offer.name, 'x', LIMIT_NAME - 1);
    memset(offer.address, 'x', LIMIT_NAME - 1);
    memset(offer.bulk_address, 'x', LIMIT_NAME - 1);
    offer.label_count = LIMIT_LABELS;
    for (unsigned i = 0; i < LIMIT_LABELS; i++) {
        memset(offer.labels[i].key, 'k', LIMIT_NAME - 1);
        memset(offer.labels[i].value, 'v', LIMIT_NAME - 1);
    }
    offer.taint_count = LIMIT_TAINTS;
    for (unsigned i = 0; i < LIMIT_TAINTS; i++) {
        memset(offer.taints[i].label.key, 'k', LIMIT_NAME - 1);
        memset(offer.taints[i].label.value, 'v', LIMIT_NAME - 1);
        offer.taints[i].effect = TAINT_REFUSE;
    }
    offer.devices.group_count = DEVICE_GROUPS_MAX;
    for (unsigned i = 0; i < DEVICE_GROUPS_MAX; i++) {
        struct device_group *group = &offer.devices.groups[i];
        group->kind = DEVICE_GPU;
        memset(group->model, 'm', LIMIT_NAME - 1);
        group->count = 2;
        group->mem_mib = UINT64_MAX - i;
        group->hour = amount_micro(UINT64_MAX);
    }
    devices_all_free(&offer.devices);
    offer.version = UINT64_MAX;
    offer.issued_at_ms = UINT64_MAX;
    offer.total.mem_mib = UINT64_MAX;
    offer.price.cpu_hour = amount_micro(UINT64_MAX);
    arena_init(&arena, 1u << 20);
    buf_init(&bytes, OFFER_BYTES_MAX);
    assert_int_equal(offer_encode(&offer, &bytes), OK);
    assert_int_equal(offer_decode(buf_bytes(&bytes), &arena, &out), OK);
    assert_memory_equal(out.labels, offer.labels, sizeof(out.labels));
    assert_string_equal(out.name, offer.name);
    assert_true(out.total.mem_mib == UINT64_MAX);
    buf_init(&again, OFFER_BYTES_MAX);
    assert_int_equal(offer_encode(&out, &again), OK);
    assert_true(bytes_equal(buf_bytes(&again), buf_bytes(&bytes)));
    buf_done(&again);
    buf_done(&bytes);
    arena_done(&arena);
}

static void a_signature_is_bound_to_every_field_and_the_chain(void **state)
{
    struct hash chain = world_chain();
    struct hash other = world_hash(0x12);
    struct offer offer = sample_offer();
    struct offer changed;
    (void)state;
    memset(&offer.provider, 0, sizeof(offer.provider));
    assert_int_equal(offer_sign(&offer, &chain, world_signer(PROVIDER)), OK);
    assert_true(pubkey_equal(&offer.provider, &world_signer(PROVIDER)->key));
    assert_int_equal(offer_verify(&offer, &chain), OK);
    assert_int_equal(offer_verify(&offer, &other), ERR_SIGNATURE);
    changed = offer;
    changed.price.cpu_hour.micro++;
    assert_int_equal(offer_verify(&changed, &chain), ERR_SIGNATURE);
    changed = offer;
    changed.provider = world_pubkey(OTHER);
    assert_int_equal(offer_verify(&changed, &chain), ERR_SIGNATURE);
    changed = offer;
    changed.labels[0].value[0] = 'E';
    assert_int_equal(offer_verify(&changed, &chain), ERR_SIGNATURE);
}

static enum err unwilling(void *ctx, const char *tag, const struct hash *digest,
                          struct signature *out)
{
    (void)ctx;
    (void)digest;
    memset(out, 0xff, sizeof(*out));
    assert_string_equal(tag, HASH_TAG_OFFER);
    return ERR_LOCKED;
}

static void an_unwilling_signer_is_heard(void **state)
{
    struct hash chain = world_chain();
    struct offer offer = sample_offer();
    struct signer signer = {.sign = unwilling, .key = offer.provider};
    (void)state;
    assert_int_equal(offer_sign(&offer, &chain, &signer), ERR_LOCKED);
    assert_true(signature_is_zero(&offer.sig));
}

static void too_many_bytes_are_refused_unread(void **state)
{
    static uint8_t bytes[OFFER_BYTES_MAX + 1];
    struct offer out;
    struct arena arena;
    (void)state;
    arena_init(&arena, 0);
    assert_int_equal(offer_decode(BYTES_OF(bytes), &arena, &out),
                     ERR_TOO_LARGE);
    arena_done(&arena);
}

static void a_price_that_overflows_is_refused(void **state)
{
    struct price price = {{UINT64_MAX}, {0}, {0}};
    struct resources want = {.cpu_milli = 1001, .mem_mib = 1, .disk_mib = 1};
    struct amount out = {5};
    (void)state;
    assert_int_equal(price_per_hour(&price, &want, &out), ERR_OVERFLOW);
    want.cpu_milli = 1000;
    price.mem_hour = amount_micro(1);
    assert_int_equal(price_per_hour(&price, &want, &out), ERR_OVERFLOW);
    assert_int_equal(out.micro, 5);
    assert_int_equal(price_for_time(amount_micro(UINT64_MAX), 3600001, &out),
                     ERR_OVERFLOW);
    assert_int_equal(price_for_time(amount_micro(1), 1, &out), OK);
    assert_int_equal(out.micro, 1); /* rounded up */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_have_their_range),
        cmocka_unit_test(texts_are_terminated_and_harmless),
        cmocka_unit_test(devices_and_taints_are_well_formed),
        cmocka_unit_test(the_largest_offer_fits_its_limit),
        cmocka_unit_test(a_signature_is_bound_to_every_field_and_the_chain),
        cmocka_unit_test(an_unwilling_signer_is_heard),
        cmocka_unit_test(too_many_bytes_are_refused_unread),
        cmocka_unit_test(a_price_that_overflows_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
