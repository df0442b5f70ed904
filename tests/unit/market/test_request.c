/* A request asks, an approval says how much it may cost. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "market/message.h"
#include "tests/unit/market/world.h"

static enum err encoded(const struct request *request)
{
    struct buf out;
    enum err err;
    buf_init(&out, REQUEST_BYTES_MAX);
    err = request_encode(request, &out);
    if (err != OK)
        assert_int_equal(out.len, 0);
    buf_done(&out);
    return err;
}

static void refuses(struct request request)
{
    struct hash chain = world_chain();
    assert_int_equal(request_form(&request), ERR_RANGE);
    assert_int_equal(encoded(&request), ERR_RANGE);
    assert_int_equal(request_sign(&request, &chain, world_signer(BUYER)),
                     ERR_RANGE);
}

static void fields_have_their_range(void **state)
{
    struct request good = sample_request();
    struct request bad = good;
    (void)state;
    assert_int_equal(encoded(&good), OK);
    memset(&bad.agent, 0, sizeof(bad.agent));
    refuses(bad);
    bad = good;
    bad.expires_at_ms = bad.created_at_ms;
    refuses(bad);
    bad = good;
    bad.tasks = 0;
    refuses(bad);
    bad.tasks = LIMIT_TASKS + 1;
    refuses(bad);
    bad.tasks = LIMIT_TASKS;
    assert_int_equal(encoded(&bad), OK);
    bad = good;
    bad.attempts_max = 0;
    refuses(bad);
    bad.attempts_max = REQUEST_ATTEMPTS_MAX + 1;
    refuses(bad);
    bad = good;
    bad.resources.cpu_milli = 0;
    refuses(bad);
    bad = good;
    bad.resources.mem_mib = 0;
    refuses(bad);
    bad = good;
    bad.resources.disk_mib = 0;
    refuses(bad);
    bad = good;
    bad.time_ms_max = 0;
    refuses(bad);
    bad.time_ms_max = MESSAGE_TIME_MS_MAX + 1;
    refuses(bad);
    bad = good;
    bad.arch = (enum arch)(ARCH_RISCV64 + 1);
    refuses(bad);
    bad.arch = ARCH_ANY;
    assert_int_equal(encoded(&bad), OK);
    bad = good;
    bad.policy = (enum policy)0;
    refuses(bad);
    bad.policy = (enum policy)(POLICY_PACK + 1);
    refuses(bad);
    bad = good;
    bad.terms.least = 3;
    bad.terms.gang = false;
    refuses(bad);
    bad = good;
    bad.tasks = 3;
    bad.terms =
        (struct policy_terms){.divide = POLICY_DIVIDE_DUPLICATED, .copies = 2};
    refuses(bad);
    bad.tasks = 4;
    assert_int_equal(encoded(&bad), OK);
    bad = good;
    bad.constraint_count = LIMIT_CONSTRAINTS + 1;
    refuses(bad);
}

static void a_gang_has_no_patience(void **state)
{
    struct request request = sample_request();
    (void)state;
    assert_true(request.terms.gang);
    request.patience_ms = 1;
    refuses(request);
    request.terms.gang = false;
    request.terms.least = 0;
    assert_int_equal(encoded(&request), OK);
    request.patience_ms = REQUEST_PATIENCE_MS_MAX;
    assert_int_equal(encoded(&request), OK);
    request.patience_ms++;
    refuses(request);
}

static void constraints_are_well_formed(void **state)
{
    struct request good = sample_request();
    struct request bad = good;
    (void)state;
    bad.constraints[0].key[0] = 0;
    refuses(bad);
    bad = good;
    bad.constraints[0].op = CONSTRAINT_EXISTS;
    refuses(bad);
    bad.constraints[0].value[0] = 0;
    assert_int_equal(encoded(&bad), OK);
    bad.constraints[0].op = CONSTRAINT_ABSENT;
    assert_int_equal(encoded(&bad), OK);
    bad.constraints[0].op = CONSTRAINT_DIFFERS;
    assert_int_equal(encoded(&bad), OK);
    bad.constraints[0].op = (enum constraint_op)0;
    refuses(bad);
    bad.constraints[0].op = (enum constraint_op)5;
    refuses(bad);
    bad = good;
    bad.constraints[0].value[1] = 0x01;
    refuses(bad);
}

static struct request request_of_wishes(void)
{
    struct request request = sample_request();
    assert_int_equal(device_wish_parse("gpu:a100:2", &request.devices), OK);
    request.toleration_count = 1;
    request.tolerations[0] = (struct constraint){"lab", CONSTRAINT_EXISTS, ""};
    request.zone_count = 1;
    strcpy(request.zones[0], "eu");
    request.spread = (struct spread){1, 2, "rack"};
    request.affinity_count = 1;
    request.affinities[0].request = world_hash(9);
    return request;
}

static void wishes_are_well_formed(void **state)
{
    struct request good = request_of_wishes();
    struct request bad = good;
    (void)state;
    assert_int_equal(encoded(&good), OK);
    bad.devices.count = 17;
    refuses(bad);
    bad = good;
    bad.tolerations[0].op = CONSTRAINT_ABSENT;
    refuses(bad);
    bad = good;
    bad.toleration_count = LIMIT_TOLERATIONS + 1;
    refuses(bad);
    bad = good;
    bad.zones[0][0] = 0;
    refuses(bad);
    bad = good;
    bad.zones[0][1] = 0x7f;
    refuses(bad);
    bad = good;
    bad.zone_count = LIMIT_ZONES + 1;
    refuses(bad);
    bad = good;
    bad.spread.per_value = 0;
    refuses(bad);
    bad = good;
    bad.spread.key[1] = 0x1b;
    refuses(bad);
    bad = good;
    bad.affinities[0].request = (struct hash){{0}};
    refuses(bad);
    bad = good;
    bad.affinity_count = REQUEST_AFFINITY_MAX + 1;
    refuses(bad);
}

static void two_wish_the_same_only_if_all_of_it_is(void **state)
{
    struct request a = request_of_wishes();
    struct request b = a;
    (void)state;
    assert_true(request_wishes_same(&a, &b));
#define DIFFERS(change)                                                        \
    do {                                                                       \
        b = a;                                                                 \
        change;                                                                \
        assert_false(request_wishes_same(&a, &b));                             \
    } while (0)
    DIFFERS(b.devices.milli--);
    DIFFERS(b.devices.models[0][0] = 'b');
    DIFFERS(b.tolerations[0].op = CONSTRAINT_EQUAL);
    DIFFERS(b.toleration_count = 0);
    DIFFERS(b.zones[0][0] = 'x');
    DIFFERS(b.zone_count = 0);
    DIFFERS(b.spread.per_provider++);
    DIFFERS(b.spread.per_value++);
    DIFFERS(b.spread.key[0] = 'x');
    DIFFERS(b.affinities[0].apart = true);
    DIFFERS(b.affinities[0].request.b[0]++);
    DIFFERS(b.affinity_count = 0);
#undef DIFFERS
}

static void fill_wishes(struct request *request)
{
    request->devices = (struct device_wish){
        DEVICE_P4, 16, 999, UINT64_MAX, DEVICE_MODELS_MAX, {{0}}};
    for (unsigned i = 0; i < DEVICE_MODELS_MAX; i++) {
        memset(request->devices.models[i], 'm', LIMIT_NAME - 1);
        request->devices.models[i][0] = (char)('a' + i);
    }
    request->toleration_count = LIMIT_TOLERATIONS;
    for (unsigned i = 0; i < LIMIT_TOLERATIONS; i++) {
        memset(request->tolerations[i].key, 'k', LIMIT_NAME - 1);
        memset(request->tolerations[i].value, 'v', LIMIT_NAME - 1);
        request->tolerations[i].op = CONSTRAINT_EQUAL;
    }
    request->zone_count = LIMIT_ZONES;
    for (unsigned i = 0; i < LIMIT_ZONES; i++)
        memset(request->zones[i], 'z', LIMIT_NAME - 1);
    request->spread.per_provider = request->spread.per_value = LIMIT_TASKS;
    memset(request->spread.key, 's', LIMIT_NAME - 1);
    request->affinity_count = REQUEST_AFFINITY_MAX;
    for (unsigned i = 0; i < REQUEST_AFFINITY_MAX; i++)
        request->affinities[i].request = world_hash(7);
}

static void the_largest_request_fits_its_limit(void **state)
{
    struct request request = sample_request();
    struct request out;
    struct arena arena;
    struct buf bytes, again;
    (void)state;
    request.constraint_count = LIMIT_CONSTRAINTS;
    for (unsigned i = 0; i < LIMIT_CONSTRAINTS; i++) {
        memset(request.constraints[i].key, 'k', LIMIT_NAME - 1);
        memset(request.constraints[i].value, 'v', LIMIT_NAME - 1);
        request.constraints[i].op = CONSTRAINT_DIFFERS;
    }
    fill_wishes(&request);
    request.expires_at_ms = UINT64_MAX;
    request.price_max = amount_micro(UINT64_MAX);
    request.only_seller = world_pubkey(PROVIDER);
    arena_init(&arena, 1u << 20);
    buf_init(&bytes, REQUEST_BYTES_MAX);
    assert_int_equal(request_encode(&request, &bytes), OK);
    assert_int_equal(request_decode(buf_bytes(&bytes), &arena, &out), OK);
    assert_memory_equal(out.constraints, request.constraints,
                        sizeof(out.constraints));
    assert_true(out.price_max.micro == UINT64_MAX);
    buf_init(&again, REQUEST_BYTES_MAX);
    assert_int_equal(request_encode(&out, &again), OK);
    assert_true(bytes_equal(buf_bytes(&again), buf_bytes(&bytes)));
    buf_done(&again);
    buf_done(&bytes);
    arena_done(&arena);
}

static void a_salt_of_another_length_is_refused(void **state)
{
    struct request request = sample_request();
    struct request out;
    struct arena arena;
    struct buf bytes;
    (void)state;
    arena_init(&arena, 1u << 20);
    buf_init(&bytes, REQUEST_BYTES_MAX);
    assert_int_equal(request_encode(&request, &bytes), OK);
    /* array 16 head, kind, version, two keys: then the salt's head. */
    assert_int_equal(bytes.ptr[3 + 2 + 34 + 34 + 1], 16);
    bytes.ptr[3 + 2 + 34 + 34 + 1] = 15;
    memmove(bytes.ptr + 75 + 15, bytes.ptr + 75 + 16, bytes.len - 75 - 16);
    assert_int_equal(
        request_decode(bytes_make(bytes.ptr, bytes.len - 1), &arena, &out),
        ERR_RANGE);
    buf_done(&bytes);
    arena_done(&arena);
}

static void an_id_names_one_request_on_one_chain(void **state)
{
    struct hash chain = world_chain();
    struct hash other_chain = world_hash(0x12);
    struct request request = sample_request();
    struct hash id, same, other;
    (void)state;
    assert_int_equal(request_id(&request, &chain, &id), OK);
    assert_int_equal(request_sign(&request, &chain, world_signer(BUYER)), OK);
    assert_int_equal(request_id(&request, &chain, &same), OK);
    assert_true(hash_equal(&id, &same)); /* the signature is not in it */
    assert_int_equal(request_id(&request, &other_chain, &other), OK);
    assert_false(hash_equal(&id, &other));
    request.salt[0] ^= 1;
    assert_int_equal(request_id(&request, &chain, &other), OK);
    assert_false(hash_equal(&id, &other));
}

static void a_request_is_verified_by_its_buyers_key(void **state)
{
    struct hash chain = world_chain();
    struct hash other = world_hash(0x12);
    struct request request = sample_request();
    (void)state;
    assert_int_equal(request_sign(&request, &chain, world_signer(OTHER)), OK);
    assert_true(pubkey_equal(&request.buyer, &world_signer(OTHER)->key));
    assert_int_equal(request_verify(&request, &chain), OK);
    assert_int_equal(request_verify(&request, &other), ERR_SIGNATURE);
    request.tasks++;
    assert_int_equal(request_verify(&request, &chain), ERR_SIGNATURE);
}

static void an_approval_is_verified_by_the_key_given(void **state)
{
    struct hash chain = world_chain();
    struct hash other = world_hash(0x12);
    struct request request = sample_request();
    struct approval approval = sample_approval(&request);
    struct pubkey buyer = world_pubkey(BUYER);
    struct pubkey agent = world_pubkey(AGENT);
    (void)state;
    assert_int_equal(approval_sign(&approval, &chain, world_signer(BUYER)), OK);
    assert_int_equal(approval_verify(&approval, &buyer, &chain), OK);
    assert_int_equal(approval_verify(&approval, &agent, &chain), ERR_SIGNATURE);
    assert_int_equal(approval_verify(&approval, &buyer, &other), ERR_SIGNATURE);
    approval.task_cap.micro++;
    assert_int_equal(approval_verify(&approval, &buyer, &chain), ERR_SIGNATURE);
}

/* The same 32 bytes must not pass for an answer to another question. */
static void a_signature_of_one_kind_is_none_of_another(void **state)
{
    struct hash chain = world_chain();
    struct request request = sample_request();
    struct approval approval = sample_approval(&request);
    (void)state;
    assert_int_equal(approval_sign(&approval, &chain, world_signer(BUYER)), OK);
    request.sig = approval.sig;
    assert_int_equal(request_verify(&request, &chain), ERR_SIGNATURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_have_their_range),
        cmocka_unit_test(a_gang_has_no_patience),
        cmocka_unit_test(constraints_are_well_formed),
        cmocka_unit_test(wishes_are_well_formed),
        cmocka_unit_test(two_wish_the_same_only_if_all_of_it_is),
        cmocka_unit_test(the_largest_request_fits_its_limit),
        cmocka_unit_test(a_salt_of_another_length_is_refused),
        cmocka_unit_test(an_id_names_one_request_on_one_chain),
        cmocka_unit_test(a_request_is_verified_by_its_buyers_key),
        cmocka_unit_test(an_approval_is_verified_by_the_key_given),
        cmocka_unit_test(a_signature_of_one_kind_is_none_of_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
