#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/meter/answer.h"

static struct answer sample(uint8_t *c)
{
    static const uint8_t link[HASH_LEN] = {1, 2, 3};
    struct answer answer = {.nonce = {{5}}, .count = 2};
    answer.parts[0] = (struct answer_part){.kernel = METER_SHA256,
                                           .n = 64,
                                           .cores = 1,
                                           .took_us = 1000,
                                           .result = BYTES_OF(link)};
    answer.parts[1] = (struct answer_part){.kernel = METER_FP32,
                                           .n = 16,
                                           .index = 7,
                                           .cores = 2,
                                           .took_us = 2,
                                           .result = bytes_make(c, 1024)};
    return answer;
}

static void what_is_written_is_read_again(void **state)
{
    uint8_t c[1024];
    struct answer answer = sample(c);
    struct answer back;
    struct buf bytes;
    (void)state;
    memset(c, 3, sizeof(c));
    buf_init(&bytes, ANSWER_BYTES_MAX);
    assert_int_equal(answer_encode(&answer, &bytes), OK);
    assert_int_equal(answer_decode(buf_bytes(&bytes), &back), OK);
    assert_int_equal(back.count, 2);
    assert_true(hash_equal(&back.nonce, &answer.nonce));
    assert_int_equal(back.parts[1].index, 7);
    assert_int_equal(back.parts[1].cores, 2);
    assert_true(bytes_equal(back.parts[1].result, answer.parts[1].result));
    for (size_t cut = 0; cut < bytes.len; cut++) /* every cut is refused */
        assert_int_not_equal(answer_decode(bytes_make(bytes.ptr, cut), &back),
                             OK);
    buf_add_u8(&bytes, 0);
    assert_int_equal(answer_decode(buf_bytes(&bytes), &back), ERR_TRAILING);
    buf_done(&bytes);
}

static void rates_are_work_over_time(void **state)
{
    uint8_t c[1024] = {0};
    struct answer answer = sample(c);
    (void)state;
    assert_int_equal(answer_work(&answer.parts[0]), 65536);
    assert_int_equal(answer_rate(&answer.parts[0]), 65536000);
    assert_int_equal(answer_work(&answer.parts[1]), 2 * 16 * 16 * 16);
    assert_int_equal(answer_rate(&answer.parts[1]), 4096000000);
    answer.parts[1].took_us = 0;
    assert_int_equal(answer_rate(&answer.parts[1]), 0);
}

static void only_checkable_results_have_a_length(void **state)
{
    (void)state;
    assert_int_equal(answer_result_bytes(METER_SHA256, 1), 32);
    assert_int_equal(answer_result_bytes(METER_SHA256, 0), 0);
    assert_int_equal(answer_result_bytes(METER_SHA256, ANSWER_LINKS_MAX + 1),
                     0);
    assert_int_equal(answer_result_bytes(METER_FP64, 32), 8192);
    assert_int_equal(answer_result_bytes(METER_INT8, 33), 0);
    assert_int_equal(answer_result_bytes(METER_TRIAD, 32), 0);
}

/* Made by a program that shares no code with this one: what this one checks,
 * others can answer. */
static void an_answer_made_elsewhere_is_right(void **state)
{
    uint8_t bytes[4096];
    struct answer answer;
    struct product product;
    size_t len;
    FILE *file =
        fopen(SUAN_SOURCE_DIR "/tests/fuzz/corpus/meter_answer/good", "rb");
    (void)state;
    assert_non_null(file);
    len = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    assert_int_equal(answer_decode(bytes_make(bytes, len), &answer), OK);
    product = (struct product){answer.parts[0].kernel, answer.parts[0].n, 0};
    assert_int_equal(
        product_verify(&product, &answer.nonce, answer.parts[0].result, 77),
        OK);
    bytes[len - 1] ^= 1;
    assert_int_equal(
        product_verify(&product, &answer.nonce, answer.parts[0].result, 77),
        ERR_PROOF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(rates_are_work_over_time),
        cmocka_unit_test(only_checkable_results_have_a_length),
        cmocka_unit_test(an_answer_made_elsewhere_is_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
