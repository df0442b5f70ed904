#include "fixture.h"

#include "golden.h"

static void four(struct validators *set)
{
    static const uint64_t weights[] = {10, 20, 30, 1};
    memset(set, 0, sizeof(*set));
    for (unsigned i = 0; i < 4; i++) {
        struct test_key key;
        test_key_init(&key, i);
        assert_int_equal(validators_add(set, &key.signer.key, weights[i]), OK);
    }
}

static void a_set_has_one_spelling_and_it_is_golden(void **state)
{
    struct validators set;
    struct validators again;
    struct hash hash;
    struct buf buf;
    (void)state;
    four(&set);
    buf_init(&buf, VALIDATORS_BYTES_MAX);
    validators_encode(&set, &buf);
    assert_golden("set", buf_bytes(&buf));
    validators_hash(&set, &hash);
    assert_golden_hash("set-hash", &hash);
    assert_int_equal(validators_decode(buf_bytes(&buf), &again), OK);
    assert_memory_equal(&set, &again, sizeof(set));
    buf_done(&buf);
}

static void a_quorum_is_more_than_two_thirds(void **state)
{
    static const uint64_t want[][2] = {{1, 1}, {2, 2}, {3, 3}, {4, 3},
                                       {5, 4}, {6, 5}, {7, 5}, {100, 67}};
    struct validators set = {0};
    (void)state;
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        set.weight = want[i][0];
        assert_int_equal(validators_quorum(&set), want[i][1]);
    }
    set.weight = VALIDATORS_WEIGHT_MAX;
    assert_true(validators_quorum(&set) > VALIDATORS_WEIGHT_MAX / 3 * 2);
    assert_true(validators_quorum(&set) <= VALIDATORS_WEIGHT_MAX);
}

static void a_set_refuses_doubles_zero_and_too_much(void **state)
{
    struct validators set;
    struct test_key key;
    (void)state;
    four(&set);
    test_key_init(&key, 2);
    assert_int_equal(validators_add(&set, &key.signer.key, 5), ERR_EXISTS);
    test_key_init(&key, 50);
    assert_int_equal(validators_add(&set, &key.signer.key, 0), ERR_RANGE);
    assert_int_equal(
        validators_add(&set, &key.signer.key, VALIDATORS_WEIGHT_MAX - 60),
        ERR_RANGE);
    assert_int_equal(
        validators_add(&set, &key.signer.key, VALIDATORS_WEIGHT_MAX - 61), OK);
    assert_int_equal(validators_find(&set, &key.signer.key) >= 0, 1);
    test_key_init(&key, 51);
    assert_int_equal(validators_find(&set, &key.signer.key), -1);
}

static void a_hundred_and_first_validator_is_one_too_many(void **state)
{
    struct validators set = {0};
    struct pubkey key = {{0}};
    (void)state;
    for (unsigned i = 0; i < LIMIT_VALIDATORS; i++) {
        key.b[0] = (uint8_t)(i + 1);
        assert_int_equal(validators_add(&set, &key, 1), OK);
    }
    key.b[1] = 1;
    assert_int_equal(validators_add(&set, &key, 1), ERR_RANGE);
    assert_int_equal(validators_quorum(&set), 67);
}

static void decode_refuses_every_other_spelling(void **state)
{
    struct validators set;
    struct validators got;
    struct buf buf;
    uint8_t swap[40];
    (void)state;
    four(&set);
    buf_init(&buf, VALIDATORS_BYTES_MAX + 1);
    validators_encode(&set, &buf);
    for (size_t len = 0; len < buf.len; len++)
        assert_int_not_equal(validators_decode(bytes_make(buf.ptr, len), &got),
                             OK);
    memcpy(swap, buf.ptr + 2, 40);
    memcpy(buf.ptr + 2, buf.ptr + 42, 40);
    memcpy(buf.ptr + 42, swap, 40);
    assert_int_equal(validators_decode(buf_bytes(&buf), &got),
                     ERR_NOT_CANONICAL);
    memcpy(buf.ptr + 2, buf.ptr + 42, 40); /* the same key twice */
    assert_int_equal(validators_decode(buf_bytes(&buf), &got),
                     ERR_NOT_CANONICAL);
    buf_add_u8(&buf, 0);
    memcpy(buf.ptr + 42, buf.ptr + 2, 0);
    buf.ptr[0] = 0;
    assert_int_equal(validators_decode(buf_bytes(&buf), &got), ERR_RANGE);
    buf_done(&buf);
}

static void leaders_are_golden_and_everyone_gets_a_turn(void **state)
{
    struct validators set;
    struct leaders leaders;
    struct hash root = {{0}};
    struct buf buf;
    unsigned turns[4] = {0};
    (void)state;
    four(&set);
    root.b[31] = 7;
    leaders_init(&leaders, &set, &root);
    buf_init(&buf, 1024);
    for (uint32_t v = 1; v <= leaders.slot_count; v++) {
        buf_add_u16le(&buf, leaders_at(&leaders, v));
        turns[leaders_at(&leaders, v)]++;
        assert_int_equal(leaders_at(&leaders, v),
                         leaders_at(&leaders, v + leaders.slot_count));
    }
    assert_golden("leaders", buf_bytes(&buf));
    for (unsigned i = 0; i < 4; i++)
        assert_true(turns[i] >= 1);
    buf_done(&buf);
}

static void slots_follow_weight_and_stay_bounded(void **state)
{
    struct validators set = {0};
    struct leaders leaders;
    struct hash root = {{3}};
    unsigned heavy = 0;
    (void)state;
    for (unsigned i = 0; i < LIMIT_VALIDATORS; i++) {
        struct pubkey key = {{0}};
        key.b[0] = (uint8_t)(i + 1);
        assert_int_equal(
            validators_add(&set, &key, i == 0 ? UINT64_C(1) << 60 : 1), OK);
    }
    leaders_init(&leaders, &set, &root);
    for (uint32_t i = 0; i < leaders.slot_count; i++)
        heavy += leaders.slots[i] == 0;
    assert_int_equal(heavy, 200);
    assert_int_equal(leaders.slot_count, 299);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_has_one_spelling_and_it_is_golden),
        cmocka_unit_test(a_quorum_is_more_than_two_thirds),
        cmocka_unit_test(a_set_refuses_doubles_zero_and_too_much),
        cmocka_unit_test(a_hundred_and_first_validator_is_one_too_many),
        cmocka_unit_test(decode_refuses_every_other_spelling),
        cmocka_unit_test(leaders_are_golden_and_everyone_gets_a_turn),
        cmocka_unit_test(slots_follow_weight_and_stay_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
