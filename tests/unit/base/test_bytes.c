#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

/* Some tests ask for more than any machine has; the sanitizer shall answer as
 * malloc does. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* ---- ranges ---- */

static void a_literal_has_no_terminating_zero(void **state)
{
    static const uint8_t raw[3] = {'a', 'b', 'c'};
    (void)state;
    assert_int_equal(BYTES_LIT("abc").len, 3);
    assert_true(bytes_equal(BYTES_LIT("abc"), BYTES_OF(raw)));
    assert_true(bytes_equal(bytes_str("abc"), bytes_make(raw, 3)));
    assert_int_equal(bytes_str(NULL).len, 0);
}

static void order_is_by_bytes_then_by_length(void **state)
{
    (void)state;
    assert_true(bytes_compare(BYTES_LIT("ab"), BYTES_LIT("abc")) < 0);
    assert_true(bytes_compare(BYTES_LIT("abc"), BYTES_LIT("ab")) > 0);
    assert_true(bytes_compare(BYTES_LIT("b"), BYTES_LIT("abc")) > 0);
    assert_true(bytes_compare(BYTES_LIT("\xff"), BYTES_LIT("a")) > 0);
    assert_int_equal(bytes_compare(BYTES_LIT("ab"), BYTES_LIT("ab")), 0);
    assert_int_equal(bytes_compare(bytes_str(NULL), BYTES_LIT("")), 0);
    assert_true(bytes_compare(bytes_str(NULL), BYTES_LIT("a")) < 0);
    assert_false(bytes_equal(BYTES_LIT("ab"), BYTES_LIT("ac")));
    assert_false(bytes_equal(BYTES_LIT("ab"), BYTES_LIT("abc")));
}

/* ---- buffers ---- */

static void a_buffer_keeps_what_is_added(void **state)
{
    static const uint8_t want[] = {1,  3,  2,  7,  6,  5, 4, 15,
                                   14, 13, 12, 11, 10, 9, 8, 'x'};
    struct buf buf;
    (void)state;
    buf_init(&buf, 100);
    buf_add_u8(&buf, 1);
    buf_add_u16le(&buf, 0x0203);
    buf_add_u32le(&buf, 0x04050607);
    buf_add_u64le(&buf, 0x08090a0b0c0d0e0f);
    buf_add(&buf, BYTES_LIT("x"));
    buf_add(&buf, bytes_str(NULL));
    assert_int_equal(buf.err, OK);
    assert_true(bytes_equal(buf_bytes(&buf), BYTES_OF(want)));
    buf_done(&buf);
}

static void a_buffer_grows_over_many_appends(void **state)
{
    struct buf buf;
    (void)state;
    buf_init(&buf, 100000);
    for (unsigned i = 0; i < 100000; i++)
        buf_add_u8(&buf, (uint8_t)i);
    assert_int_equal(buf.err, OK);
    assert_int_equal(buf.len, 100000);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(buf.ptr[i], (uint8_t)i);
    buf_done(&buf);
}

static void a_buffer_never_outgrows_its_bound(void **state)
{
    for (size_t cap_max = 0; cap_max < 300; cap_max++) {
        struct buf buf;
        buf_init(&buf, cap_max);
        for (size_t i = 0; i < cap_max; i++)
            buf_add_u8(&buf, 7);
        assert_int_equal(buf.err, OK);
        assert_true(buf.cap <= cap_max);
        buf_add_u8(&buf, 8);
        assert_int_equal(buf.err, ERR_TOO_LARGE);
        assert_int_equal(buf.len, cap_max);
        buf_done(&buf);
    }
    (void)state;
}

static void a_refused_append_sticks_and_adds_nothing(void **state)
{
    struct buf buf;
    (void)state;
    buf_init(&buf, 4);
    buf_add(&buf, BYTES_LIT("ab"));
    buf_add(&buf, BYTES_LIT("cde"));
    assert_int_equal(buf.err, ERR_TOO_LARGE);
    buf_add(&buf, BYTES_LIT("f"));
    buf_addf(&buf, "%d", 1);
    assert_true(bytes_equal(buf_bytes(&buf), BYTES_LIT("ab")));
    assert_string_equal(buf_cstr(&buf), "");
    buf_clear(&buf);
    assert_int_equal(buf.err, OK);
    buf_add(&buf, BYTES_LIT("wxyz"));
    assert_string_equal(buf_cstr(&buf), "wxyz");
    buf_done(&buf);
}

static void a_buffer_that_the_machine_refuses_says_nomem(void **state)
{
    static const uint8_t byte = 1;
    struct buf buf;
    (void)state;
    buf_init(&buf, SIZE_MAX - 1);
    buf_add_u8(&buf, 1);
    /* Never read: the length alone cannot be had. */
    buf_add(&buf, (struct bytes){&byte, SIZE_MAX / 2});
    assert_int_equal(buf.err, ERR_NOMEM);
    assert_true(bytes_equal(buf_bytes(&buf), bytes_make(&byte, 1)));
    buf_done(&buf);
}

static void printed_text_is_appended_without_its_zero(void **state)
{
    struct buf buf;
    char longer[200];
    (void)state;
    memset(longer, 'y', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = 0;
    buf_init(&buf, 1000);
    buf_addf(&buf, "%s-%d", "a", 12);
    buf_addf(&buf, "%s", "");
    buf_addf(&buf, "|%s", longer);
    assert_int_equal(buf.len, 5 + sizeof(longer) - 1);
    assert_memory_equal(buf.ptr, "a-12|yyy", 8);
    assert_string_equal(buf_cstr(&buf) + 5, longer);
    buf_done(&buf);
}

static void printed_text_fits_exactly_or_not_at_all(void **state)
{
    struct buf buf;
    (void)state;
    buf_init(&buf, 5);
    buf_addf(&buf, "%d", 12345);
    assert_string_equal(buf_cstr(&buf), "12345");
    buf_clear(&buf);
    buf_addf(&buf, "%d", 123456);
    assert_int_equal(buf.err, ERR_TOO_LARGE);
    assert_int_equal(buf.len, 0);
    buf_done(&buf);
}

static void an_empty_buffer_is_an_empty_string(void **state)
{
    struct buf buf;
    struct buf zero = {0};
    (void)state;
    buf_init(&buf, 5);
    assert_string_equal(buf_cstr(&buf), "");
    assert_int_equal(buf_bytes(&buf).len, 0);
    buf_done(&buf);
    buf_done(&zero);
}

/* ---- cursors ---- */

static void a_cursor_reads_what_a_buffer_wrote(void **state)
{
    struct buf buf;
    struct cursor cursor;
    uint8_t copy[2];
    (void)state;
    buf_init(&buf, 100);
    buf_add_u8(&buf, 0xfe);
    buf_add_u16le(&buf, 0xfedc);
    buf_add_u32le(&buf, 0xfedcba98);
    buf_add_u64le(&buf, 0xfedcba9876543210);
    buf_add(&buf, BYTES_LIT("abcd"));
    cursor_init(&cursor, buf_bytes(&buf));
    assert_int_equal(cursor_u8(&cursor), 0xfe);
    assert_int_equal(cursor_u16le(&cursor), 0xfedc);
    assert_int_equal(cursor_u32le(&cursor), 0xfedcba98);
    assert_true(cursor_u64le(&cursor) == 0xfedcba9876543210);
    assert_int_equal(cursor_finish(&cursor), ERR_TRAILING);
    cursor_copy(&cursor, copy, 2);
    assert_memory_equal(copy, "ab", 2);
    assert_true(bytes_equal(cursor_take(&cursor, 2), BYTES_LIT("cd")));
    assert_int_equal(cursor_finish(&cursor), OK);
    buf_done(&buf);
}

static void reading_past_the_end_yields_zero_and_sticks(void **state)
{
    struct cursor cursor;
    uint8_t copy[2] = {9, 9};
    (void)state;
    cursor_init(&cursor, BYTES_LIT("\1\2\3"));
    assert_int_equal(cursor_u32le(&cursor), 0);
    assert_int_equal(cursor_u8(&cursor), 0); /* though a byte is there */
    cursor_copy(&cursor, copy, 2);
    assert_int_equal(copy[0] + copy[1], 0);
    assert_int_equal(cursor_take(&cursor, 1).len, 0);
    assert_int_equal(cursor_take(&cursor, SIZE_MAX).len, 0);
    assert_int_equal(cursor_finish(&cursor), ERR_TRUNCATED);
}

static void an_empty_cursor_is_finished(void **state)
{
    struct cursor cursor;
    (void)state;
    cursor_init(&cursor, bytes_str(NULL));
    assert_int_equal(cursor_take(&cursor, 0).len, 0);
    assert_int_equal(cursor_finish(&cursor), OK);
    assert_int_equal(cursor_u8(&cursor), 0);
    assert_int_equal(cursor_finish(&cursor), ERR_TRUNCATED);
}

/* ---- integers and hex ---- */

static void integers_have_the_byte_order_of_their_name(void **state)
{
    uint8_t raw[8];
    (void)state;
    u32le_put(raw, 0x01020304);
    assert_memory_equal(raw, "\4\3\2\1", 4);
    assert_int_equal(u32le_get(raw), 0x01020304);
    u32be_put(raw, 0xf1020304);
    assert_memory_equal(raw, "\xf1\2\3\4", 4);
    assert_int_equal(u32be_get(raw), 0xf1020304);
    u64le_put(raw, 0xf102030405060708);
    assert_memory_equal(raw, "\10\7\6\5\4\3\2\xf1", 8);
    assert_true(u64le_get(raw) == 0xf102030405060708);
    u64be_put(raw, 0xf102030405060708);
    assert_memory_equal(raw, "\xf1\2\3\4\5\6\7\10", 8);
    assert_true(u64be_get(raw) == 0xf102030405060708);
}

static void hex_goes_there_and_back(void **state)
{
    uint8_t all[256];
    uint8_t back[256];
    char text[513];
    (void)state;
    for (unsigned i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    hex_encode(BYTES_OF(all), text);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text, "000102", 6);
    assert_string_equal(text + 506, "fdfeff");
    assert_int_equal(hex_decode(text, back, sizeof(back)), OK);
    assert_memory_equal(all, back, sizeof(all));
    hex_encode(bytes_str(NULL), text);
    assert_string_equal(text, "");
}

static void hex_of_either_case_is_read_and_nothing_else(void **state)
{
    static const char *const refused[] = {
        "abc",  "abcdef", "",     "ag12", "ab 1", "0xab", "ab1",
        "-abc", "ab1\n",  "/012", "0:12", "@a12", "GABC", "abcg"};
    uint8_t out[2] = {7, 7};
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(hex_decode(refused[i], out, 2), ERR_PARSE);
        assert_int_equal(out[0] + out[1], 14);
    }
    assert_int_equal(hex_decode("aBCd", out, 2), OK);
    assert_memory_equal(out, "\xab\xcd", 2);
    assert_int_equal(hex_decode("", out, 0), OK);
    assert_int_equal(hex_decode("00", out, SIZE_MAX / 2 + 2), ERR_PARSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_literal_has_no_terminating_zero),
        cmocka_unit_test(order_is_by_bytes_then_by_length),
        cmocka_unit_test(a_buffer_keeps_what_is_added),
        cmocka_unit_test(a_buffer_grows_over_many_appends),
        cmocka_unit_test(a_buffer_never_outgrows_its_bound),
        cmocka_unit_test(a_refused_append_sticks_and_adds_nothing),
        cmocka_unit_test(a_buffer_that_the_machine_refuses_says_nomem),
        cmocka_unit_test(printed_text_is_appended_without_its_zero),
        cmocka_unit_test(printed_text_fits_exactly_or_not_at_all),
        cmocka_unit_test(an_empty_buffer_is_an_empty_string),
        cmocka_unit_test(a_cursor_reads_what_a_buffer_wrote),
        cmocka_unit_test(reading_past_the_end_yields_zero_and_sticks),
        cmocka_unit_test(an_empty_cursor_is_finished),
        cmocka_unit_test(integers_have_the_byte_order_of_their_name),
        cmocka_unit_test(hex_goes_there_and_back),
        cmocka_unit_test(hex_of_either_case_is_read_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
