#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/amount.h"
#include "tests/unit/base/vectors.h"

#define MAX amount_micro(UINT64_MAX)

static void sums_are_exact_up_to_the_last_micro(void **state)
{
    struct amount out = {7};
    (void)state;
    assert_int_equal(amount_add(amount_micro(2), amount_micro(3), &out), OK);
    assert_true(out.micro == 5);
    assert_int_equal(amount_add(MAX, amount_micro(0), &out), OK);
    assert_true(out.micro == UINT64_MAX);
    out.micro = 7;
    assert_int_equal(amount_add(MAX, amount_micro(1), &out), ERR_OVERFLOW);
    assert_true(out.micro == 7);
}

static void nobody_goes_below_zero(void **state)
{
    struct amount out = {7};
    (void)state;
    assert_int_equal(amount_sub(amount_micro(3), amount_micro(3), &out), OK);
    assert_true(amount_is_zero(out));
    out.micro = 7;
    assert_int_equal(amount_sub(amount_micro(3), amount_micro(4), &out),
                     ERR_UNDERFLOW);
    assert_true(out.micro == 7);
}

static void products_overflow_loudly(void **state)
{
    struct amount out = {7};
    (void)state;
    assert_int_equal(amount_mul(amount_micro(1ull << 32), 1ull << 32, &out),
                     ERR_OVERFLOW);
    assert_true(out.micro == 7);
    assert_int_equal(
        amount_mul(amount_micro(1ull << 32), (1ull << 32) - 1, &out), OK);
    assert_true(out.micro == 0xffffffff00000000);
    assert_int_equal(amount_mul(MAX, 0, &out), OK);
    assert_true(amount_is_zero(out));
}

static void the_result_may_alias_an_operand(void **state)
{
    struct amount a = {5};
    (void)state;
    assert_int_equal(amount_add(a, a, &a), OK);
    assert_int_equal(amount_sub(a, amount_micro(1), &a), OK);
    assert_int_equal(amount_mul(a, 10, &a), OK);
    assert_int_equal(amount_scale_up(a, 1, 9, &a), OK);
    assert_true(a.micro == 10);
}

static void scaling_rounds_up_in_the_sellers_favour(void **state)
{
    struct amount out = {7};
    (void)state;
    assert_int_equal(amount_scale_up(amount_micro(10), 1, 3, &out), OK);
    assert_true(out.micro == 4);
    assert_int_equal(amount_scale_up(amount_micro(9), 1, 3, &out), OK);
    assert_true(out.micro == 3);
    assert_int_equal(amount_scale_up(amount_micro(0), 5, 3, &out), OK);
    assert_true(out.micro == 0);
    assert_int_equal(amount_scale_up(amount_micro(1), 1, UINT64_MAX, &out), OK);
    assert_true(out.micro == 1);
}

static void scaling_has_a_product_of_128_bits(void **state)
{
    struct amount out = {7};
    (void)state;
    assert_int_equal(amount_scale_up(MAX, UINT64_MAX, UINT64_MAX, &out), OK);
    assert_true(out.micro == UINT64_MAX);
    assert_int_equal(amount_scale_up(MAX, UINT64_MAX - 1, UINT64_MAX, &out),
                     OK);
    assert_true(out.micro == UINT64_MAX - 1);
    out.micro = 7;
    assert_int_equal(amount_scale_up(MAX, 2, 1, &out), ERR_OVERFLOW);
    assert_int_equal(amount_scale_up(MAX, UINT64_MAX, UINT64_MAX - 1, &out),
                     ERR_OVERFLOW);
    assert_true(out.micro == 7);
}

static void amounts_have_an_order(void **state)
{
    (void)state;
    assert_true(amount_cmp(amount_micro(1), amount_micro(2)) < 0);
    assert_true(amount_cmp(MAX, amount_micro(0)) > 0);
    assert_int_equal(amount_cmp(MAX, MAX), 0);
    assert_true(amount_min(MAX, amount_micro(2)).micro == 2);
    assert_true(amount_min(amount_micro(1), MAX).micro == 1);
}

static void vector_prints_and_reads(const struct vector *vector)
{
    uint64_t micro = u64be_get(vector->raw);
    char text[AMOUNT_TEXT_MAX];
    struct amount out = {~micro};
    assert_int_equal(vector->bytes.len, 8);
    amount_format(amount_micro(micro), text);
    assert_string_equal(text, vector->name);
    assert_int_equal(amount_parse(vector->name, &out), OK);
    assert_true(out.micro == micro);
}

static void golden_texts_print_and_read(void **state)
{
    (void)state;
    vectors_each("amount.hex", vector_prints_and_reads);
}

static void shorter_and_longer_texts_are_read_too(void **state)
{
    static const struct {
        const char *text;
        uint64_t micro;
    } read[] = {{"12", 12000000},   {"12.5", 12500000},
                {"0.000001", 1},    {"0", 0},
                {"0.0", 0},         {"3.100000", 3100000},
                {"007.5", 7500000}, {"18446744073709.551615", UINT64_MAX}};
    (void)state;
    for (size_t i = 0; i < sizeof(read) / sizeof(read[0]); i++) {
        struct amount out = {7};
        assert_int_equal(amount_parse(read[i].text, &out), OK);
        assert_true(out.micro == read[i].micro);
    }
}

static void what_is_not_an_amount_is_refused(void **state)
{
    static const char *const refused[] = {"",
                                          ".",
                                          ".5",
                                          "1.",
                                          "-1",
                                          "+1",
                                          "1e3",
                                          " 1",
                                          "1 ",
                                          "1,5",
                                          "1.5.5",
                                          "0x10",
                                          "1.0000001",
                                          "1.0000000",
                                          "NaN",
                                          "1\n",
                                          "--",
                                          "1.-5",
                                          "1._",
                                          "99999999999999999999x",
                                          "99999999999999999999.1234567"};
    struct amount out = {7};
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_int_equal(amount_parse(refused[i], &out), ERR_PARSE);
    assert_true(out.micro == 7);
}

static void an_amount_beyond_u64_is_an_overflow(void **state)
{
    static const char *const refused[] = {
        "18446744073709.551616", "18446744073710", "99999999999999999999",
        "18446744073709551615", "340282366920938463463374607431768211456"};
    struct amount out = {7};
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_int_equal(amount_parse(refused[i], &out), ERR_OVERFLOW);
    assert_true(out.micro == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_exact_up_to_the_last_micro),
        cmocka_unit_test(nobody_goes_below_zero),
        cmocka_unit_test(products_overflow_loudly),
        cmocka_unit_test(the_result_may_alias_an_operand),
        cmocka_unit_test(scaling_rounds_up_in_the_sellers_favour),
        cmocka_unit_test(scaling_has_a_product_of_128_bits),
        cmocka_unit_test(amounts_have_an_order),
        cmocka_unit_test(golden_texts_print_and_read),
        cmocka_unit_test(shorter_and_longer_texts_are_read_too),
        cmocka_unit_test(what_is_not_an_amount_is_refused),
        cmocka_unit_test(an_amount_beyond_u64_is_an_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
