/* Which unpacked images go when they are too many: the pure part. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/blob/image_cache.h"

#include <stdio.h>

static struct cached_image image(unsigned name, uint64_t bytes, uint64_t used)
{
    struct cached_image made = {.bytes = bytes, .used_at_ms = used};
    snprintf(made.id, sizeof(made.id), "id-%u", name);
    snprintf(made.digest, sizeof(made.digest), "sha256:%u", name);
    return made;
}

static void nothing_goes_while_all_fits(void **state)
{
    struct cached_image list[] = {image(1, 50, 1), image(2, 50, 2)};
    size_t out[2];
    (void)state;
    assert_int_equal(image_cache_excess(list, 2, 100, out), 0);
    assert_int_equal(image_cache_excess(list, 0, 0, out), 0);
}

static void the_least_recently_used_go_first(void **state)
{
    struct cached_image list[] = {image(1, 40, 7), image(2, 40, 3),
                                  image(3, 40, 5)};
    size_t out[3];
    (void)state;
    assert_int_equal(image_cache_excess(list, 3, 119, out), 1);
    assert_int_equal(out[0], 1);
    assert_int_equal(image_cache_excess(list, 3, 79, out), 2);
    assert_int_equal(out[1], 2);
    assert_int_equal(image_cache_excess(list, 3, 0, out), 3);
}

static void nothing_in_use_ever_goes(void **state)
{
    struct cached_image list[] = {image(1, 900, 1), image(2, 900, 2),
                                  image(3, 900, 3)};
    size_t out[3];
    (void)state;
    list[0].busy = true;
    list[1].pinned = true;
    assert_int_equal(image_cache_excess(list, 3, 0, out), 1);
    assert_int_equal(out[0], 2);
    list[2].busy = true;
    assert_int_equal(image_cache_excess(list, 3, 0, out), 0);
}

/* The bound is for what is kept on speculation: what has to stay does not drive
 * the rest out. */
static void what_stays_is_not_counted(void **state)
{
    struct cached_image list[] = {image(1, 900, 1), image(2, 50, 2)};
    size_t out[2];
    (void)state;
    list[0].busy = true;
    assert_int_equal(image_cache_excess(list, 2, 50, out), 0);
}

static void an_image_of_two_names_takes_its_room_once(void **state)
{
    struct cached_image list[] = {image(1, 60, 1), image(2, 60, 9),
                                  image(3, 40, 5)};
    size_t out[3];
    (void)state;
    snprintf(list[1].digest, sizeof(list[1].digest), "%s", list[0].digest);
    assert_int_equal(image_cache_excess(list, 3, 100, out), 0);
    /* Its first name gains nothing, so the next oldest goes as well. */
    assert_int_equal(image_cache_excess(list, 3, 99, out), 2);
    assert_int_equal(out[0], 0);
    assert_int_equal(out[1], 2);
    list[1].busy = true; /* by its other name */
    assert_int_equal(image_cache_excess(list, 3, 40, out), 0);
}

static uint32_t seed = 7;

static unsigned any(unsigned below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

/* Whatever there is: only what may go goes, once each, and the rest fits. */
static void the_rest_always_fits(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        struct cached_image list[24];
        bool gone[24] = {false};
        size_t out[24];
        uint64_t bound = any(400);
        uint64_t left = 0;
        size_t count = any(24);
        size_t goes;
        for (size_t i = 0; i < count; i++) {
            list[i] = image((unsigned)i, any(100), any(9));
            list[i].busy = any(4) == 0;
            list[i].pinned = any(5) == 0;
        }
        goes = image_cache_excess(list, count, bound, out);
        for (size_t i = 0; i < goes; i++) {
            assert_true(out[i] < count && !gone[out[i]]);
            assert_false(list[out[i]].busy || list[out[i]].pinned);
            gone[out[i]] = true;
        }
        for (size_t i = 0; i < count; i++)
            left +=
                gone[i] || list[i].busy || list[i].pinned ? 0 : list[i].bytes;
        assert_true(left <= bound);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_goes_while_all_fits),
        cmocka_unit_test(the_least_recently_used_go_first),
        cmocka_unit_test(nothing_in_use_ever_goes),
        cmocka_unit_test(what_stays_is_not_counted),
        cmocka_unit_test(an_image_of_two_names_takes_its_room_once),
        cmocka_unit_test(the_rest_always_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
