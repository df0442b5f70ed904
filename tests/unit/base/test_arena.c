#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

/* Some tests ask for more than any machine has; the sanitizer shall answer as
 * malloc does. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void memory_is_zeroed_and_aligned_also_after_reset(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    for (unsigned round = 0; round < 3; round++) {
        for (size_t len = 0; len < 3000; len += 37) {
            uint8_t *ptr = arena_alloc(&arena, len);
            assert_non_null(ptr);
            assert_int_equal((uintptr_t)ptr % alignof(max_align_t), 0);
            for (size_t i = 0; i < len; i++)
                assert_int_equal(ptr[i], 0);
            memset(ptr, 0xee, len);
        }
        arena_reset(&arena);
        assert_int_equal(arena.used, 0);
    }
    arena_done(&arena);
}

static void pieces_do_not_overlap(void **state)
{
    enum { COUNT = 200 };
    struct arena arena;
    uint8_t *piece[COUNT];
    (void)state;
    arena_init(&arena, 1 << 20);
    for (unsigned i = 0; i < COUNT; i++) {
        piece[i] = arena_alloc(&arena, i);
        assert_non_null(piece[i]);
        memset(piece[i], (int)i, i);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        for (unsigned j = 0; j < i; j++)
            assert_int_equal(piece[i][j], i);
    }
    arena_done(&arena);
}

static void the_bound_holds_and_reset_frees_it(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1024);
    assert_non_null(arena_alloc(&arena, 1000));
    assert_null(arena_alloc(&arena, 17));
    assert_non_null(arena_alloc(&arena, 16));
    assert_null(arena_alloc(&arena, 1));
    assert_null(arena_alloc(&arena, 0));
    arena_reset(&arena);
    assert_non_null(arena_alloc(&arena, 1024));
    assert_null(arena_alloc(&arena, 1));
    arena_done(&arena);
}

static void an_odd_bound_can_be_used_up(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 100);
    assert_non_null(arena_alloc(&arena, 100));
    assert_null(arena_alloc(&arena, 13));
    arena_done(&arena);
}

static void nothing_costs_memory_too(void **state)
{
    struct arena arena;
    unsigned count = 0;
    (void)state;
    arena_init(&arena, 4096);
    while (arena_alloc(&arena, 0) != NULL && count < 10000)
        count++;
    assert_int_equal(count, 4096 / alignof(max_align_t));
    arena_done(&arena);
}

static void counts_that_overflow_are_refused(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, SIZE_MAX / 2);
    assert_null(arena_calloc(&arena, SIZE_MAX / 2, 3));
    assert_null(arena_calloc(&arena, SIZE_MAX, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX / 2 - 64)); /* the machine's no */
    assert_int_equal(arena.used, 0);
    assert_non_null(arena_calloc(&arena, 3, 5));
    assert_non_null(arena_calloc(&arena, 0, 5));
    arena_done(&arena);
}

static void copies_are_independent_of_their_source(void **state)
{
    struct arena arena;
    char source[] = "abc";
    struct bytes copy = {NULL, 0};
    char *text;
    (void)state;
    arena_init(&arena, 1024);
    assert_int_equal(arena_copy(&arena, bytes_str(source), &copy), OK);
    text = arena_strdup(&arena, bytes_str(source));
    source[0] = 'x';
    assert_true(bytes_equal(copy, BYTES_LIT("abc")));
    assert_string_equal(text, "abc");
    assert_int_equal(arena_copy(&arena, bytes_str(NULL), &copy), OK);
    assert_int_equal(copy.len, 0);
    assert_non_null(copy.ptr);
    assert_string_equal(arena_strdup(&arena, bytes_str(NULL)), "");
    arena_done(&arena);
}

static void a_copy_beyond_the_bound_changes_nothing(void **state)
{
    struct arena arena;
    struct bytes copy = {NULL, 99};
    uint8_t large[100] = {0};
    (void)state;
    arena_init(&arena, 64);
    assert_int_equal(arena_copy(&arena, BYTES_OF(large), &copy), ERR_NOMEM);
    assert_int_equal(copy.len, 99);
    assert_null(arena_strdup(&arena, BYTES_OF(large)));
    assert_null(arena_strdup(&arena, (struct bytes){large, SIZE_MAX}));
    assert_int_equal(arena.used, 0);
    arena_done(&arena);
}

static void one_large_piece_among_small_ones(void **state)
{
    struct arena arena;
    uint8_t *small;
    uint8_t *large;
    (void)state;
    arena_init(&arena, 1 << 20);
    small = arena_alloc(&arena, 10);
    large = arena_alloc(&arena, 300000);
    assert_non_null(small);
    assert_non_null(large);
    memset(large, 1, 300000);
    assert_int_equal(small[9], 0);
    arena_reset(&arena);
    assert_non_null(arena_alloc(&arena, 10));
    arena_reset(&arena);
    arena_done(&arena);
    arena_done(&arena); /* again, on what is zero now */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_aligned_also_after_reset),
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(the_bound_holds_and_reset_frees_it),
        cmocka_unit_test(an_odd_bound_can_be_used_up),
        cmocka_unit_test(nothing_costs_memory_too),
        cmocka_unit_test(counts_that_overflow_are_refused),
        cmocka_unit_test(copies_are_independent_of_their_source),
        cmocka_unit_test(a_copy_beyond_the_bound_changes_nothing),
        cmocka_unit_test(one_large_piece_among_small_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
