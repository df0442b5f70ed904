#include "node/shell/policies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct pubkey nobody;
static const struct pubkey alice = {{1}};
static const struct pubkey bob = {{2}};

static struct policy_object named(const char *name, enum policy policy)
{
    struct policy_object object = {.enabled = true, .policy = policy};
    snprintf(object.name, sizeof(object.name), "%s", name);
    return object;
}

static void add(struct policies *p, const char *name, enum policy policy)
{
    struct policy_object object = named(name, policy);
    assert_int_equal(policies_set(p, &object), OK);
}

static enum err bind(struct policies *p, const char *name,
                     enum policy_binding_kind kind, const char *pattern,
                     const struct pubkey *account)
{
    struct policy_binding b = {.kind = kind, .account = *account};
    snprintf(b.pattern, sizeof(b.pattern), "%s", pattern);
    snprintf(b.policy, sizeof(b.policy), "%s", name);
    return policies_bind(p, &b);
}

static int setup(void **state)
{
    struct policies *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return -1;
    *state = p;
    add(p, "even", POLICY_SPREAD);
    add(p, "near", POLICY_NEAREST);
    add(p, "tight", POLICY_PACK);
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static struct policy_choice chosen(const struct policies *p, const char *named_,
                                   const char *job,
                                   const struct pubkey *account)
{
    struct policy_choice choice;
    assert_int_equal(policies_choose(p, named_, job, account, &choice), OK);
    return choice;
}

static void is(const struct policies *p, const char *named_, const char *job,
               const struct pubkey *account, const char *wanted,
               enum policy_source source)
{
    struct policy_choice choice = chosen(p, named_, job, account);
    assert_string_equal(choice.object.name, wanted);
    assert_int_equal(choice.source, source);
}

static void the_job_goes_before_its_name_and_its_account(void **state)
{
    struct policies *p = *state;
    is(p, "", "render-1", &alice, "cheapest", POLICY_BY_NOTHING);
    assert_int_equal(bind(p, "fastest", BIND_DEFAULT, "", &nobody), OK);
    is(p, "", "render-1", &alice, "fastest", POLICY_BY_DEFAULT);
    assert_int_equal(bind(p, "even", BIND_ACCOUNT, "", &alice), OK);
    is(p, "", "render-1", &alice, "even", POLICY_BY_ACCOUNT);
    is(p, "", "render-1", &bob, "fastest", POLICY_BY_DEFAULT);
    assert_int_equal(bind(p, "near", BIND_JOB, "render-*", &nobody), OK);
    is(p, "", "render-1", &alice, "near", POLICY_BY_PATTERN);
    is(p, "", "compile", &alice, "even", POLICY_BY_ACCOUNT);
    is(p, "tight", "render-1", &alice, "tight", POLICY_BY_JOB);
    is(p, "cheapest", "render-1", &alice, "cheapest", POLICY_BY_JOB);
}

static void of_patterns_the_longest_holds(void **state)
{
    struct policies *p = *state;
    assert_int_equal(bind(p, "even", BIND_JOB, "*", &nobody), OK);
    assert_int_equal(bind(p, "near", BIND_JOB, "render-*", &nobody), OK);
    assert_int_equal(bind(p, "tight", BIND_JOB, "render-big*", &nobody), OK);
    is(p, "", "render-big-1", &bob, "tight", POLICY_BY_PATTERN);
    is(p, "", "render-1", &bob, "near", POLICY_BY_PATTERN);
    is(p, "", "x", &bob, "even", POLICY_BY_PATTERN);
    is(p, "", "", &bob, "cheapest", POLICY_BY_NOTHING);
    assert_int_equal(policies_enable(p, "tight", false), OK);
    is(p, "", "render-big-1", &bob, "near", POLICY_BY_PATTERN);
}

static void what_is_switched_off_is_never_used_and_told(void **state)
{
    struct policies *p = *state;
    struct policy_choice choice;
    assert_int_equal(bind(p, "even", BIND_ACCOUNT, "", &alice), OK);
    assert_int_equal(bind(p, "near", BIND_DEFAULT, "", &nobody), OK);
    assert_int_equal(policies_enable(p, "even", false), OK);
    assert_int_equal(policies_enable(p, "tight", false), OK);
    choice = chosen(p, "tight", "x", &alice);
    assert_string_equal(choice.object.name, "near");
    assert_int_equal(choice.skipped_count, 2);
    assert_string_equal(choice.skipped[0], "tight");
    assert_string_equal(choice.skipped[1], "even");
    assert_int_equal(policies_enable(p, "even", true), OK);
    is(p, "", "x", &alice, "even", POLICY_BY_ACCOUNT);
}

static void a_name_that_is_none_is_refused(void **state)
{
    struct policies *p = *state;
    struct policy_choice choice;
    struct policy_object object = named("cheapest", POLICY_PACK);
    assert_int_equal(policies_choose(p, "far", "", &alice, &choice),
                     ERR_NOT_FOUND);
    assert_int_equal(policies_choose(p, "composite", "", &alice, &choice),
                     ERR_RANGE);
    assert_int_equal(policies_set(p, &object), ERR_RANGE);
    object = named("a b", POLICY_PACK);
    assert_int_equal(policies_set(p, &object), ERR_RANGE);
    object = named("weightless", POLICY_COMPOSITE);
    assert_int_equal(policies_set(p, &object), ERR_RANGE);
    assert_int_equal(bind(p, "far", BIND_DEFAULT, "", &nobody), ERR_NOT_FOUND);
    assert_int_equal(bind(p, "even", BIND_JOB, "", &nobody), ERR_RANGE);
    assert_int_equal(bind(p, "even", BIND_ACCOUNT, "", &nobody), ERR_RANGE);
    assert_int_equal(bind(p, "even", BIND_DEFAULT, "x", &nobody), ERR_RANGE);
}

static void what_is_bound_is_not_removed(void **state)
{
    struct policies *p = *state;
    struct policy_binding b = {.kind = BIND_DEFAULT};
    assert_int_equal(bind(p, "even", BIND_DEFAULT, "", &nobody), OK);
    assert_int_equal(policies_remove(p, "even"), ERR_STATE);
    assert_int_equal(policies_unbind(p, &b), OK);
    assert_int_equal(policies_unbind(p, &b), ERR_NOT_FOUND);
    assert_int_equal(policies_remove(p, "even"), OK);
    assert_int_equal(policies_remove(p, "even"), ERR_NOT_FOUND);
    assert_null(policies_find(p, "even"));
    assert_non_null(policies_find(p, "tight"));
}

static void there_is_room_for_so_many(void **state)
{
    struct policies *p = *state;
    struct policy_object object;
    for (unsigned i = p->count; i < POLICIES_MAX; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%u", i);
        add(p, name, POLICY_NEAREST);
    }
    object = named("one-more", POLICY_NEAREST);
    assert_int_equal(policies_set(p, &object), ERR_TOO_LARGE);
    object = named("p10", POLICY_PACK);
    assert_int_equal(policies_set(p, &object), OK);
    for (unsigned i = 0; i < POLICY_BINDINGS_MAX; i++) {
        char pattern[16];
        snprintf(pattern, sizeof(pattern), "job%u", i);
        assert_int_equal(bind(p, "p10", BIND_JOB, pattern, &nobody), OK);
    }
    assert_int_equal(bind(p, "p10", BIND_JOB, "more", &nobody), ERR_TOO_LARGE);
    assert_int_equal(bind(p, "even", BIND_JOB, "job7", &nobody), OK);
}

static void what_is_kept_comes_back(void **state)
{
    struct policies *p = *state;
    struct policies *back = calloc(1, sizeof(*back));
    struct arena arena;
    struct buf bytes;
    assert_non_null(back);
    there_is_room_for_so_many(state);
    assert_int_equal(policies_enable(p, "p10", false), OK);
    buf_init(&bytes, POLICIES_BYTES_MAX);
    arena_init(&arena, POLICIES_ARENA_BYTES);
    policies_encode(p, &bytes);
    assert_int_equal(bytes.err, OK);
    assert_int_equal(policies_decode(buf_bytes(&bytes), &arena, back), OK);
    assert_int_equal(back->count, p->count);
    for (uint32_t i = 0; i < p->count; i++) {
        assert_string_equal(back->objects[i].name, p->objects[i].name);
        assert_int_equal(back->objects[i].enabled, p->objects[i].enabled);
    }
    assert_int_equal(back->binding_count, p->binding_count);
    assert_memory_equal(back->bindings, p->bindings, sizeof(p->bindings));
    bytes.len--;
    assert_int_not_equal(policies_decode(buf_bytes(&bytes), &arena, back), OK);
    arena_done(&arena);
    buf_done(&bytes);
    free(back);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_job_goes_before_its_name_and_its_account),
        T(of_patterns_the_longest_holds),
        T(what_is_switched_off_is_never_used_and_told),
        T(a_name_that_is_none_is_refused),
        T(what_is_bound_is_not_removed),
        T(there_is_room_for_so_many),
        T(what_is_kept_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
