#include "cli/sched/crew.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT 1000u

static atomic_uint done[COUNT];

static void work(void *arg, uint32_t i)
{
    atomic_uint *all = arg;
    atomic_fetch_add(&done[i], 1);
    atomic_fetch_add(all, 1);
}

static void every_number_is_done_once(void **state)
{
    const uint32_t threads[] = {1, 2, 5, 200};
    (void)state;
    for (size_t t = 0; t < sizeof(threads) / sizeof(threads[0]); t++) {
        atomic_uint all = 0;
        for (uint32_t i = 0; i < COUNT; i++)
            atomic_store(&done[i], 0);
        crew_each(threads[t], COUNT, work, &all);
        assert_int_equal(atomic_load(&all), COUNT);
        for (uint32_t i = 0; i < COUNT; i++)
            assert_int_equal(atomic_load(&done[i]), 1);
    }
}

static void nothing_to_do_is_done_at_once(void **state)
{
    atomic_uint all = 0;
    (void)state;
    crew_each(4, 0, work, &all);
    assert_int_equal(atomic_load(&all), 0);
    assert_in_range(crew_size(), 1, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_is_done_once),
        cmocka_unit_test(nothing_to_do_is_done_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
