#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/resources.h"

static const struct resources small = {1000, 10, 100, 8};
static const struct resources large = {2000, 10, 100, 8};

static bool same(const struct resources *a, const struct resources *b)
{
    return a->cpu_milli == b->cpu_milli && a->mem_mib == b->mem_mib &&
           a->disk_mib == b->disk_mib && a->nic_kbit == b->nic_kbit;
}

static void cover_means_enough_of_everything(void **state)
{
    struct resources odd = {2000, 9, 100, 8};
    (void)state;
    assert_true(resources_cover(&large, &small));
    assert_true(resources_cover(&small, &small));
    assert_false(resources_cover(&small, &large));
    assert_false(resources_cover(&odd, &small));
    odd = (struct resources){2000, 10, 99, 8};
    assert_false(resources_cover(&odd, &small));
    odd = (struct resources){2000, 10, 100, 7};
    assert_false(resources_cover(&odd, &small));
}

static void what_is_added_can_be_taken_away(void **state)
{
    struct resources out;
    (void)state;
    assert_int_equal(resources_add(&small, &large, &out), OK);
    assert_int_equal(out.cpu_milli, 3000);
    assert_int_equal(out.mem_mib, 20);
    assert_int_equal(out.disk_mib, 200);
    assert_int_equal(out.nic_kbit, 16);
    assert_int_equal(resources_sub(&out, &small, &out), OK);
    assert_true(same(&out, &large));
}

static void free_capacity_never_wraps(void **state)
{
    struct resources out = {7, 7, 7, 7};
    const struct resources wants[] = {{1001, 0, 0, 0},
                                      {0, 11, 0, 0},
                                      {0, 0, 101, 0},
                                      {0, 0, 0, 9},
                                      {1001, 11, 101, 9}};
    (void)state;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(resources_sub(&small, &wants[i], &out), ERR_UNDERFLOW);
    assert_int_equal(out.cpu_milli, 7);
}

static void sums_overflow_loudly_in_every_dimension(void **state)
{
    struct resources out = {7, 7, 7, 7};
    const struct resources full = {UINT32_MAX, UINT64_MAX, UINT64_MAX,
                                   UINT64_MAX};
    const struct resources ones[] = {
        {1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}};
    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(resources_add(&full, &ones[i], &out), ERR_OVERFLOW);
    assert_int_equal(out.mem_mib, 7);
}

static void n_times_is_n_times_in_every_dimension(void **state)
{
    struct resources out = {7, 7, 7, 7};
    const struct resources wide[] = {{UINT32_MAX / 2 + 1, 0, 0, 0},
                                     {0, UINT64_MAX / 2 + 1, 0, 0},
                                     {0, 0, UINT64_MAX / 2 + 1, 0},
                                     {0, 0, 0, UINT64_MAX / 2 + 1}};
    const struct resources three = {3000, 30, 300, 24};
    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(resources_mul(&wide[i], 2, &out), ERR_OVERFLOW);
    assert_int_equal(out.disk_mib, 7);
    assert_int_equal(resources_mul(&small, 3, &out), OK);
    assert_true(same(&out, &three));
}

static void resources_come_back_from_their_bytes(void **state)
{
    const struct resources r = {UINT32_MAX, UINT64_MAX, 0, 1u << 20};
    struct resources out;
    struct mp_reader reader;
    struct arena arena;
    struct buf buf;
    (void)state;
    arena_init(&arena, 4096);
    buf_init(&buf, 64);
    resources_encode(&r, &buf);
    assert_int_equal(buf.err, OK);
    assert_int_equal(mp_open(&reader, buf_bytes(&buf), &arena), OK);
    resources_decode(&reader, &out);
    assert_int_equal(mp_close(&reader), OK);
    assert_true(same(&out, &r));
    buf_done(&buf);
    arena_done(&arena);
}

static void more_millicores_than_fit_are_refused(void **state)
{
    struct resources out = {7, 7, 7, 7};
    struct mp_reader reader;
    struct arena arena;
    struct buf buf;
    (void)state;
    arena_init(&arena, 4096);
    buf_init(&buf, 64);
    mp_put_array(&buf, 4);
    mp_put_uint(&buf, (uint64_t)UINT32_MAX + 1);
    mp_put_uint(&buf, 1);
    mp_put_uint(&buf, 1);
    mp_put_uint(&buf, 1);
    assert_int_equal(mp_open(&reader, buf_bytes(&buf), &arena), OK);
    resources_decode(&reader, &out);
    assert_int_equal(mp_close(&reader), ERR_RANGE);
    assert_int_equal(out.cpu_milli, 7);
    buf_done(&buf);
    arena_done(&arena);
}

static void architectures_read_as_they_print(void **state)
{
    enum arch out = ARCH_ANY;
    (void)state;
    for (int i = ARCH_ANY; i <= ARCH_RISCV64; i++) {
        assert_int_equal(arch_parse(arch_text((enum arch)i), &out), OK);
        assert_int_equal(out, i);
    }
    assert_int_equal(arch_parse("sparc", &out), ERR_PARSE);
    assert_int_equal(out, ARCH_RISCV64);
    assert_string_equal(arch_text((enum arch)99), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cover_means_enough_of_everything),
        cmocka_unit_test(what_is_added_can_be_taken_away),
        cmocka_unit_test(free_capacity_never_wraps),
        cmocka_unit_test(sums_overflow_loudly_in_every_dimension),
        cmocka_unit_test(n_times_is_n_times_in_every_dimension),
        cmocka_unit_test(resources_come_back_from_their_bytes),
        cmocka_unit_test(more_millicores_than_fit_are_refused),
        cmocka_unit_test(architectures_read_as_they_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
