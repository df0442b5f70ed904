#include "sched/policy_terms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/address.h"
#include "sched/policy.h"
#include "sched/target.h"

static const struct policy_share eu = {.weight = 3, .key = "zone"};

static void refuses(enum policy policy, struct policy_terms terms)
{
    assert_int_equal(policy_terms_check(policy, &terms), ERR_RANGE);
}

static void every_policy_but_composite_stands_by_itself(void **state)
{
    const struct policy_terms none = {.speed = SPEED_MEAN};
    (void)state;
    for (size_t i = 0; policy_nth(i) != 0; i++) {
        enum policy policy = policy_nth(i);
        assert_int_equal(policy_terms_check(policy, &none),
                         policy == POLICY_COMPOSITE ? ERR_RANGE : OK);
        assert_int_equal(policy_copies(&none), 1);
        assert_int_equal(policy_least(&none, 7), 0);
    }
}

static void terms_that_mean_nothing_are_refused(void **state)
{
    (void)state;
    refuses((enum policy)0, (struct policy_terms){.gang = true});
    refuses((enum policy)9, (struct policy_terms){.gang = true});
    refuses(POLICY_CHEAPEST, (struct policy_terms){.weights = {1}});
    refuses(POLICY_BALANCED, (struct policy_terms){.weights = {1}});
    refuses(POLICY_COMPOSITE,
            (struct policy_terms){.weights = {1, 0, 0, 0, 1}});
    refuses(POLICY_COMPOSITE, (struct policy_terms){.weights = {1001}});
    refuses(POLICY_CHEAPEST, (struct policy_terms){.speed = SPEED_LOGIC});
    refuses(POLICY_FASTEST, (struct policy_terms){.speed = SPEED_CLASSES});
    refuses(POLICY_CHEAPEST, (struct policy_terms){.near = {{1}}});
    refuses(POLICY_CHEAPEST,
            (struct policy_terms){.divide = POLICY_DIVIDE_STATIC});
    refuses(POLICY_CHEAPEST,
            (struct policy_terms){.share_count = 1, .shares = {eu}});
    refuses(POLICY_CHEAPEST, (struct policy_terms){.copies = 2});
    refuses(
        POLICY_CHEAPEST,
        (struct policy_terms){.divide = POLICY_DIVIDE_DUPLICATED, .copies = 9});
    refuses(POLICY_CHEAPEST, (struct policy_terms){.least = 2});
    refuses(POLICY_CHEAPEST, (struct policy_terms){.down_ppb = TARGET_ONE});
    refuses(POLICY_CHEAPEST,
            (struct policy_terms){.divide = POLICY_DIVIDE_EVEN, .down_ppb = 1});
    refuses(POLICY_CHEAPEST,
            (struct policy_terms){.gang = true, .least = LIMIT_TASKS + 1});
    refuses(POLICY_CHEAPEST,
            (struct policy_terms){.divide = POLICY_DIVIDE_STATIC,
                                  .share_count = 1,
                                  .shares = {{.weight = 0, .key = "zone"}}});
    refuses(POLICY_CHEAPEST,
            (struct policy_terms){.divide = POLICY_DIVIDE_STATIC,
                                  .share_count = 1,
                                  .shares = {{.weight = 1}}});
    refuses(POLICY_CHEAPEST,
            (struct policy_terms){
                .divide = POLICY_DIVIDE_STATIC,
                .share_count = 1,
                .shares = {{.weight = 1, .provider = {{1}}, .key = "zone"}}});
}

static enum err again(const struct policy_terms *terms,
                      struct policy_terms *out)
{
    struct mp_reader reader;
    struct arena arena;
    struct buf bytes;
    enum err err;
    buf_init(&bytes, POLICY_TERMS_BYTES_MAX);
    arena_init(&arena, 65536);
    policy_terms_encode(terms, &bytes);
    err = bytes.err;
    if (err == OK)
        err = mp_open(&reader, buf_bytes(&bytes), &arena);
    if (err == OK) {
        policy_terms_decode(&reader, out);
        err = mp_close(&reader);
    }
    arena_done(&arena);
    buf_done(&bytes);
    return err;
}

static void the_largest_terms_come_back_as_they_were(void **state)
{
    struct policy_terms terms = {.speed = SPEED_NETWORK,
                                 .divide = POLICY_DIVIDE_STATIC,
                                 .gang = true,
                                 .least = LIMIT_TASKS,
                                 .share_count = POLICY_SHARES_MAX};
    struct policy_terms out;
    (void)state;
    memset(&terms.near, 7, sizeof(terms.near));
    for (unsigned i = 0; i < PART_COUNT; i++)
        terms.weights[i] = i == PART_LINK ? 0 : POLICY_WEIGHT_MAX;
    for (unsigned i = 0; i < POLICY_SHARES_MAX; i++) {
        struct policy_share *share = &terms.shares[i];
        share->weight = POLICY_WEIGHT_MAX;
        memset(share->key, 'k', sizeof(share->key) - 1);
        memset(share->value, 'v', sizeof(share->value) - 1);
    }
    assert_int_equal(policy_terms_check(POLICY_COMPOSITE, &terms), OK);
    assert_int_equal(again(&terms, &out), OK);
    assert_true(policy_terms_same(&terms, &out));
    terms.shares[3].value[0] = 'x';
    assert_false(policy_terms_same(&terms, &out));
}

static void an_availability_stands_alone_or_with_copies(void **state)
{
    struct policy_terms t = {.speed = SPEED_MEAN};
    struct policy_terms out;
    struct buf text;
    (void)state;
    assert_int_equal(policy_terms_set(&t, "availability", "99.95%"), OK);
    assert_int_equal(t.down_ppb, 500000);
    assert_int_equal(policy_terms_check(POLICY_NEAREST, &t), OK);
    assert_int_equal(policy_copies(&t), 1);
    assert_int_equal(policy_terms_set(&t, "divide", "duplicated"), OK);
    assert_int_equal(policy_terms_set(&t, "copies", "3"), OK);
    assert_int_equal(policy_terms_check(POLICY_CHEAPEST, &t), OK);
    assert_int_equal(policy_terms_set(&t, "availability", "100%"), ERR_RANGE);
    assert_int_equal(policy_terms_set(&t, "availability", "much"), ERR_PARSE);
    assert_int_equal(again(&t, &out), OK);
    assert_true(policy_terms_same(&t, &out));
    out.down_ppb++;
    assert_false(policy_terms_same(&t, &out));
    buf_init(&text, 400);
    policy_terms_format(&t, ADDRESS_PREFIX_TEST, &text);
    assert_string_equal(buf_cstr(&text),
                        "divide duplicated; copies 3; availability 99.95%");
    buf_done(&text);
}

static void fields_are_set_from_words(void **state)
{
    struct policy_terms t = {.speed = SPEED_MEAN};
    struct buf text;
    (void)state;
    assert_int_equal(policy_terms_set(&t, "weight", "price=2,rtt=1"), OK);
    assert_int_equal(policy_terms_set(&t, "speed", "logic"), OK);
    assert_int_equal(policy_terms_set(&t, "divide", "static"), OK);
    assert_int_equal(policy_terms_set(&t, "share", "zone=eu:3"), OK);
    assert_int_equal(policy_terms_set(&t, "share", "gpu:1"), OK);
    assert_int_equal(policy_terms_set(&t, "gang", "yes"), OK);
    assert_int_equal(policy_terms_set(&t, "least", "4"), OK);
    assert_int_equal(policy_terms_check(POLICY_COMPOSITE, &t), OK);
    buf_init(&text, 400);
    policy_terms_format(&t, ADDRESS_PREFIX_TEST, &text);
    assert_string_equal(buf_cstr(&text),
                        "weight price=2,rtt=1; speed logic; divide static; "
                        "gang yes; least 4; share zone=eu:3; share gpu:1");
    buf_done(&text);
}

static void words_that_mean_nothing_change_nothing(void **state)
{
    static const char *const bad[][2] = {
        {"weight", "price"},    {"weight", "price=1001"}, {"weight", "cost=1"},
        {"weight", "price=1,"}, {"weight", "price=-1"},   {"speed", "warp"},
        {"near", "here"},       {"divide", "half"},       {"copies", "9"},
        {"copies", ""},         {"gang", "maybe"},        {"least", "1025"},
        {"share", "zone=eu"},   {"share", "zone=eu:0"},   {"share", ":3"},
        {"share", "zone=:3"},   {"share", "zone=e\nu:3"},
    };
    struct policy_terms t = {.speed = SPEED_MEAN};
    const struct policy_terms before = t;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_not_equal(policy_terms_set(&t, bad[i][0], bad[i][1]), OK);
        assert_memory_equal(&t, &before, sizeof(t));
        assert_non_null(policy_terms_shape(bad[i][0]));
    }
    assert_int_equal(policy_terms_set(&t, "colour", "red"), ERR_NOT_FOUND);
    assert_null(policy_terms_shape("colour"));
}

static void the_first_share_that_means_an_offer_weighs_it(void **state)
{
    const struct label labels[] = {{"zone", "eu"}, {"disk", "ssd"}};
    const struct pubkey other = {{9}};
    struct policy_terms t = {
        .share_count = 3,
        .shares = {{.weight = 7, .provider = {{1}}},
                   {.weight = 5, .key = "zone", .value = "us"},
                   {.weight = 2, .key = "disk"}}};
    (void)state;
    assert_int_equal(policy_share_of(&t, &t.shares[0].provider, labels, 2), 7);
    assert_int_equal(policy_share_of(&t, &other, labels, 2), 2);
    assert_int_equal(policy_share_of(&t, &other, labels, 1), 0);
    assert_int_equal(policy_share_of(NULL, &other, labels, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_policy_but_composite_stands_by_itself),
        cmocka_unit_test(terms_that_mean_nothing_are_refused),
        cmocka_unit_test(the_largest_terms_come_back_as_they_were),
        cmocka_unit_test(an_availability_stands_alone_or_with_copies),
        cmocka_unit_test(fields_are_set_from_words),
        cmocka_unit_test(words_that_mean_nothing_change_nothing),
        cmocka_unit_test(the_first_share_that_means_an_offer_weighs_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
