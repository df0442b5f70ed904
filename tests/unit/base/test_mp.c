#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mp.h"
#include "tests/unit/base/mp_echo.h"
#include "tests/unit/base/vectors.h"

/* A place to write to and one to read from, for each test. */
static struct buf out;
static struct arena arena;
static struct mp_reader reader;

static int set_up(void **state)
{
    (void)state;
    buf_init(&out, 1 << 20);
    arena_init(&arena, 1 << 22);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_done(&out);
    arena_done(&arena);
    return 0;
}

static void open_what_was_written(void)
{
    assert_int_equal(out.err, OK);
    assert_int_equal(mp_open(&reader, buf_bytes(&out), &arena), OK);
}

/* ---- golden bytes ---- */

static void value_put(const char *kind, uint64_t n)
{
    if (strcmp(kind, "uint") == 0) {
        mp_put_uint(&out, n);
    } else if (strcmp(kind, "bool") == 0) {
        mp_put_bool(&out, n != 0);
    } else if (strcmp(kind, "array") == 0) {
        mp_put_array(&out, (uint32_t)n);
    } else {
        char *text = malloc(n + 1);
        assert_non_null(text);
        memset(text, 'x', n);
        text[n] = 0;
        if (strcmp(kind, "str") == 0)
            mp_put_str(&out, text);
        else if (strcmp(kind, "bin") == 0)
            mp_put_bin(&out, bytes_make(text, n));
        else
            fail_msg("unknown kind %s", kind);
        free(text);
    }
}

static void vector_is_written(const struct vector *vector)
{
    char kind[16];
    const char *colon = strchr(vector->name, ':');
    uint64_t n;
    assert_non_null(colon);
    snprintf(kind, sizeof(kind), "%.*s", (int)(colon - vector->name),
             vector->name);
    n = strtoull(colon + 1, NULL, 10);
    buf_clear(&out);
    value_put(kind, n);
    assert_int_equal(out.err, OK);
    assert_true(out.len >= vector->bytes.len);
    assert_true(
        bytes_equal(bytes_make(out.ptr, vector->bytes.len), vector->bytes));
    if (strcmp(kind, "array") == 0) {
        for (uint64_t i = 0; i < n; i++)
            mp_put_uint(&out, 0);
    } else if (strcmp(kind, "str") == 0 || strcmp(kind, "bin") == 0) {
        assert_int_equal(out.len, vector->bytes.len + n);
    } else {
        assert_int_equal(out.len, vector->bytes.len);
    }
    assert_int_equal(mp_gate(buf_bytes(&out)), OK);
    assert_true(mp_echoes(buf_bytes(&out)));
}

static void golden_values_are_written_shortest(void **state)
{
    (void)state;
    vectors_each("mp.hex", vector_is_written);
}

static void vector_is_refused(const struct vector *vector)
{
    size_t name_len = strcspn(vector->name, ":");
    const char *got = err_name(mp_gate(vector->bytes));
    if (strlen(got) != name_len || strncmp(got, vector->name, name_len) != 0)
        fail_msg("%s: got %s", vector->name, got);
    assert_int_equal(mp_open(&reader, vector->bytes, &arena),
                     mp_gate(vector->bytes));
    assert_int_equal(arena.used, 0);
}

static void golden_refusals_have_their_reason(void **state)
{
    (void)state;
    vectors_each("mp_refused.hex", vector_is_refused);
}

/* ---- the gate ---- */

/* What passes has one spelling, and passes the unpacker too. */
static unsigned short_inputs_echo(size_t len, uint32_t step)
{
    unsigned passed = 0;
    for (uint32_t n = 0; n < 1u << 8 * len; n += step) {
        uint8_t raw[3] = {(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16)};
        struct bytes in = bytes_make(raw, len);
        if (mp_gate(in) != OK)
            continue;
        assert_true(mp_echoes(in));
        passed++;
    }
    return passed;
}

static void short_inputs_are_refused_or_echo(void **state)
{
    (void)state;
    /* 128 uints, two bools, an empty str, an empty array. */
    assert_int_equal(short_inputs_echo(1, 1), 132);
    assert_true(short_inputs_echo(2, 1) > 500);
    assert_true(short_inputs_echo(3, 251) > 500);
}

static void depth_eight_passes_and_nine_does_not(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MP_DEPTH_MAX; i++)
        mp_put_array(&out, 1);
    mp_put_uint(&out, 5);
    open_what_was_written();
    for (unsigned i = 0; i < MP_DEPTH_MAX; i++)
        mp_enter_exact(&reader, 1);
    assert_int_equal(mp_get_uint(&reader), 5);
    for (unsigned i = 0; i < MP_DEPTH_MAX; i++)
        mp_leave(&reader);
    assert_int_equal(mp_close(&reader), OK);
    buf_clear(&out);
    for (unsigned i = 0; i <= MP_DEPTH_MAX; i++)
        mp_put_array(&out, 1);
    mp_put_uint(&out, 5);
    assert_int_equal(mp_gate(buf_bytes(&out)), ERR_DEPTH);
}

static void every_cut_is_truncated_and_every_tail_trailing(void **state)
{
    struct bytes whole;
    (void)state;
    mp_put_message(&out, 300, 1, 3);
    mp_put_str(&out, "a text that is longer than thirty-one bytes");
    mp_put_array(&out, 2);
    mp_put_bool(&out, true);
    mp_put_bin(&out, BYTES_LIT("bytes"));
    mp_put_uint(&out, UINT64_MAX);
    whole = buf_bytes(&out);
    assert_int_equal(mp_gate(whole), OK);
    for (size_t len = 0; len < whole.len; len++)
        assert_int_equal(mp_gate(bytes_make(whole.ptr, len)), ERR_TRUNCATED);
    buf_add_u8(&out, 0);
    assert_int_equal(mp_gate(buf_bytes(&out)), ERR_TRAILING);
}

static void the_arena_bounds_what_a_message_can_cost(void **state)
{
    struct arena small;
    (void)state;
    mp_put_array(&out, 10000);
    for (unsigned i = 0; i < 10000; i++)
        mp_put_array(&out, 0);
    arena_init(&small, 10000);
    assert_int_equal(mp_open(&reader, buf_bytes(&out), &small), ERR_NOMEM);
    assert_int_equal(mp_get_uint(&reader), 0);
    assert_int_equal(mp_close(&reader), ERR_NOMEM);
    assert_int_equal(small.used, 0);
    arena_done(&small);
    arena_init(&small, 10001 * 24 + 16);
    assert_int_equal(mp_open(&reader, buf_bytes(&out), &small), OK);
    arena_done(&small);
}

/* ---- reading ---- */

static void everything_written_is_read_back(void **state)
{
    struct hash hash = {{1, 2}};
    struct pubkey key = {{3, 4}};
    struct signature sig = {{5, 6}};
    struct hash hash_back;
    struct pubkey key_back;
    struct signature sig_back;
    char text[8];
    (void)state;
    mp_put_array(&out, 8);
    mp_put_hash(&out, &hash);
    mp_put_pubkey(&out, &key);
    mp_put_signature(&out, &sig);
    mp_put_amount(&out, amount_micro(77));
    mp_put_bool(&out, true);
    mp_put_bool(&out, false);
    mp_put_str(&out, "sieben!");
    mp_put_str(&out, NULL);
    open_what_was_written();
    mp_enter_exact(&reader, 8);
    mp_get_hash(&reader, &hash_back);
    mp_get_pubkey(&reader, &key_back);
    mp_get_signature(&reader, &sig_back);
    assert_true(mp_get_amount(&reader).micro == 77);
    assert_true(mp_get_bool(&reader));
    assert_false(mp_get_bool(&reader));
    mp_get_text(&reader, text, sizeof(text));
    assert_string_equal(text, "sieben!");
    mp_get_text(&reader, text, sizeof(text));
    assert_memory_equal(text, "\0\0\0\0\0\0\0", 8);
    mp_leave(&reader);
    assert_int_equal(mp_close(&reader), OK);
    assert_true(hash_equal(&hash, &hash_back));
    assert_true(pubkey_equal(&key, &key_back));
    assert_memory_equal(sig.b, sig_back.b, sizeof(sig.b));
}

static void bytes_are_lent_from_the_input(void **state)
{
    struct bytes in;
    struct bytes bin;
    struct bytes str;
    (void)state;
    mp_put_array(&out, 2);
    mp_put_bin(&out, BYTES_LIT("binary"));
    mp_put_str(&out, "string");
    open_what_was_written();
    in = buf_bytes(&out);
    mp_enter_exact(&reader, 2);
    bin = mp_get_bin(&reader, 100);
    str = mp_get_str(&reader, 100);
    assert_ptr_equal(bin.ptr, in.ptr + 3);
    assert_ptr_equal(str.ptr, in.ptr + 3 + 6 + 1);
    assert_true(bytes_equal(bin, BYTES_LIT("binary")));
    assert_true(bytes_equal(str, BYTES_LIT("string")));
}

static void arrays_nest_and_end(void **state)
{
    (void)state;
    mp_put_array(&out, 3);
    mp_put_array(&out, 0);
    mp_put_array(&out, 2);
    mp_put_uint(&out, 1);
    mp_put_array(&out, 1);
    mp_put_uint(&out, 2);
    mp_put_uint(&out, 3);
    open_what_was_written();
    assert_int_equal(mp_enter(&reader), 3);
    assert_int_equal(mp_enter(&reader), 0);
    mp_leave(&reader);
    assert_int_equal(mp_enter(&reader), 2);
    assert_int_equal(mp_get_uint(&reader), 1);
    assert_int_equal(mp_enter(&reader), 1);
    assert_int_equal(mp_get_uint(&reader), 2);
    mp_leave(&reader);
    mp_leave(&reader);
    assert_int_equal(mp_get_uint(&reader), 3);
    mp_leave(&reader);
    assert_int_equal(mp_close(&reader), OK);
}

static void an_array_left_early_is_trailing(void **state)
{
    (void)state;
    mp_put_array(&out, 2);
    mp_put_uint(&out, 1);
    mp_put_uint(&out, 2);
    open_what_was_written();
    mp_enter_exact(&reader, 2);
    (void)mp_get_uint(&reader);
    mp_leave(&reader);
    assert_int_equal(mp_close(&reader), ERR_TRAILING);
    open_what_was_written();
    assert_int_equal(mp_close(&reader), ERR_TRAILING); /* nothing read */
    open_what_was_written();
    mp_enter_exact(&reader, 2);
    (void)mp_get_uint(&reader);
    (void)mp_get_uint(&reader);
    assert_int_equal(mp_close(&reader), ERR_TRAILING); /* never left */
}

static void reading_past_an_array_is_truncated(void **state)
{
    (void)state;
    mp_put_array(&out, 2);
    mp_put_array(&out, 1);
    mp_put_uint(&out, 1);
    mp_put_uint(&out, 2);
    open_what_was_written();
    mp_enter_exact(&reader, 2);
    mp_enter_exact(&reader, 1);
    assert_int_equal(mp_get_uint(&reader), 1);
    assert_int_equal(mp_get_uint(&reader), 0);
    assert_int_equal(mp_close(&reader), ERR_TRUNCATED);
}

static void the_first_error_sticks_and_later_getters_yield_zero(void **state)
{
    struct hash hash = {{9}};
    char text[4] = "abc";
    (void)state;
    mp_put_array(&out, 3);
    mp_put_uint(&out, 1);
    mp_put_uint(&out, 2);
    mp_put_bool(&out, true);
    open_what_was_written();
    mp_enter_exact(&reader, 3);
    assert_false(mp_get_bool(&reader)); /* a uint is there */
    assert_int_equal(mp_get_uint(&reader), 0);
    assert_int_equal(mp_get_uint_max(&reader, 0), 0);
    assert_int_equal(mp_enter(&reader), 0);
    assert_int_equal(mp_get_bin(&reader, 10).len, 0);
    assert_int_equal(mp_get_str(&reader, 10).len, 0);
    assert_true(amount_is_zero(mp_get_amount(&reader)));
    mp_get_hash(&reader, &hash);
    assert_true(hash_is_zero(&hash));
    mp_get_text(&reader, text, sizeof(text));
    assert_string_equal(text, "");
    mp_leave(&reader);
    mp_fail(&reader, ERR_FUNDS);
    assert_int_equal(mp_close(&reader), ERR_TYPE);
}

static void each_getter_takes_its_own_type_only(void **state)
{
    enum { UINT, BOOL, BIN, STR, ARRAY, KINDS };
    (void)state;
    for (unsigned wrote = 0; wrote < KINDS; wrote++) {
        for (unsigned reads = 0; reads < KINDS; reads++) {
            buf_clear(&out);
            if (wrote == UINT)
                mp_put_uint(&out, 1);
            else if (wrote == BOOL)
                mp_put_bool(&out, true);
            else if (wrote == BIN)
                mp_put_bin(&out, BYTES_LIT("b"));
            else if (wrote == STR)
                mp_put_str(&out, "s");
            else
                mp_put_array(&out, 0);
            open_what_was_written();
            if (reads == UINT)
                (void)mp_get_uint(&reader);
            else if (reads == BOOL)
                (void)mp_get_bool(&reader);
            else if (reads == BIN)
                (void)mp_get_bin(&reader, 1);
            else if (reads == STR)
                (void)mp_get_str(&reader, 1);
            else
                (void)mp_enter(&reader);
            assert_int_equal(reader.err, wrote == reads ? OK : ERR_TYPE);
        }
    }
}

static void a_decoder_may_fail_the_reader(void **state)
{
    (void)state;
    mp_put_uint(&out, 1);
    open_what_was_written();
    mp_fail(&reader, ERR_PRICE);
    assert_int_equal(mp_get_uint(&reader), 0);
    assert_int_equal(mp_close(&reader), ERR_PRICE);
}

static void limits_are_inclusive(void **state)
{
    (void)state;
    mp_put_array(&out, 3);
    mp_put_uint(&out, 100);
    mp_put_bin(&out, BYTES_LIT("1234"));
    mp_put_str(&out, "1234");
    open_what_was_written();
    mp_enter_exact(&reader, 3);
    assert_int_equal(mp_get_uint_max(&reader, 100), 100);
    assert_int_equal(mp_get_bin(&reader, 4).len, 4);
    assert_int_equal(mp_get_str(&reader, 4).len, 4);
    mp_leave(&reader);
    assert_int_equal(mp_close(&reader), OK);
    open_what_was_written();
    mp_enter_exact(&reader, 3);
    assert_int_equal(mp_get_uint_max(&reader, 99), 0);
    assert_int_equal(mp_close(&reader), ERR_RANGE);
    open_what_was_written();
    mp_enter_exact(&reader, 3);
    (void)mp_get_uint(&reader);
    assert_int_equal(mp_get_bin(&reader, 3).len, 0);
    assert_int_equal(mp_close(&reader), ERR_TOO_LARGE);
}

static void fixed_fields_have_their_exact_length(void **state)
{
    static const uint8_t zeros[65];
    (void)state;
    for (size_t len = 0; len <= 65; len++) {
        struct hash hash;
        struct pubkey key;
        struct signature sig;
        buf_clear(&out);
        mp_put_bin(&out, bytes_make(zeros, len));
        open_what_was_written();
        mp_get_hash(&reader, &hash);
        assert_int_equal(mp_close(&reader), len == 32 ? OK : ERR_RANGE);
        open_what_was_written();
        mp_get_pubkey(&reader, &key);
        assert_int_equal(mp_close(&reader), len == 32 ? OK : ERR_RANGE);
        open_what_was_written();
        mp_get_signature(&reader, &sig);
        assert_int_equal(mp_close(&reader), len == 64 ? OK : ERR_RANGE);
    }
}

static enum err text_read_as(const char *str, size_t size)
{
    char text[64];
    memset(text, 'z', sizeof(text));
    buf_clear(&out);
    mp_put_str(&out, str);
    open_what_was_written();
    mp_get_text(&reader, text, size);
    assert_string_equal(text, reader.err == OK ? str : "");
    return mp_close(&reader);
}

static void a_text_cannot_command_a_terminal(void **state)
{
    (void)state;
    assert_int_equal(text_read_as("plain text", 64), OK);
    assert_int_equal(text_read_as("\xe7\xae\x97 caf\xc3\xa9 \xc2\xa0", 64), OK);
    assert_int_equal(text_read_as("a\x1b[2J", 64), ERR_RANGE);
    assert_int_equal(text_read_as("a\nb", 64), ERR_RANGE);
    assert_int_equal(text_read_as("a\x7f", 64), ERR_RANGE);
    assert_int_equal(text_read_as("a\xc2\x9b"
                                  "2J",
                                  64),
                     ERR_RANGE);
    assert_int_equal(mp_open(&reader,
                             BYTES_LIT("\xa3"
                                       "a\0b"),
                             &arena),
                     OK);
    char text[8];
    mp_get_text(&reader, text, sizeof(text));
    assert_int_equal(mp_close(&reader), ERR_RANGE);
}

static void a_text_leaves_room_for_its_zero(void **state)
{
    (void)state;
    assert_int_equal(text_read_as("1234567", 8), OK);
    assert_int_equal(text_read_as("12345678", 8), ERR_TOO_LARGE);
    assert_int_equal(text_read_as("", 1), OK);
    assert_int_equal(text_read_as("1", 1), ERR_TOO_LARGE);
}

/* ---- messages ---- */

static enum err message_open(uint64_t kind, uint64_t version, uint32_t fields)
{
    return mp_open_message(&reader, buf_bytes(&out), &arena, kind, version,
                           fields);
}

static void a_message_opens_by_kind_version_and_count(void **state)
{
    (void)state;
    mp_put_message(&out, 7, 1, 1);
    mp_put_uint(&out, 42);
    assert_int_equal(message_open(7, 1, 1), OK);
    assert_int_equal(mp_get_uint(&reader), 42);
    mp_leave(&reader);
    assert_int_equal(mp_close(&reader), OK);
    assert_int_equal(message_open(8, 2, 2), ERR_KIND);
    assert_int_equal(message_open(7, 2, 2), ERR_VERSION);
    assert_int_equal(message_open(7, 1, 2), ERR_RANGE);
    assert_int_equal(message_open(7, 1, 0), ERR_RANGE);
    assert_int_equal(mp_close(&reader), ERR_RANGE);
}

static void what_is_no_message_is_refused(void **state)
{
    (void)state;
    mp_put_uint(&out, 7);
    assert_int_equal(message_open(7, 1, 0), ERR_TYPE);
    buf_clear(&out);
    mp_put_array(&out, 0);
    assert_int_equal(message_open(0, 0, 0), ERR_TRUNCATED);
    buf_clear(&out);
    mp_put_array(&out, 1);
    mp_put_uint(&out, 7);
    assert_int_equal(message_open(7, 0, 0), ERR_TRUNCATED);
    buf_clear(&out);
    mp_put_array(&out, 2);
    mp_put_str(&out, "7");
    mp_put_uint(&out, 1);
    assert_int_equal(message_open(7, 1, 0), ERR_TYPE);
    buf_clear(&out);
    assert_int_equal(message_open(7, 1, 0), ERR_TRUNCATED);
}

static void writing_stops_at_the_bound_of_the_buffer(void **state)
{
    struct buf small;
    (void)state;
    buf_init(&small, 10);
    mp_put_bin(&small, BYTES_LIT("12345678"));
    assert_int_equal(small.err, OK);
    mp_put_uint(&small, 1);
    assert_int_equal(small.err, ERR_TOO_LARGE);
    mp_put_bool(&small, true);
    assert_int_equal(small.len, 10);
    buf_done(&small);
    buf_init(&small, 10);
    mp_put_bin(&small, (struct bytes){out.ptr, 1ull << 32});
    assert_int_equal(small.err, ERR_TOO_LARGE);
    assert_int_equal(small.len, 0);
    buf_done(&small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(golden_values_are_written_shortest),
        TEST(golden_refusals_have_their_reason),
        TEST(short_inputs_are_refused_or_echo),
        TEST(depth_eight_passes_and_nine_does_not),
        TEST(every_cut_is_truncated_and_every_tail_trailing),
        TEST(the_arena_bounds_what_a_message_can_cost),
        TEST(everything_written_is_read_back),
        TEST(bytes_are_lent_from_the_input),
        TEST(arrays_nest_and_end),
        TEST(an_array_left_early_is_trailing),
        TEST(reading_past_an_array_is_truncated),
        TEST(the_first_error_sticks_and_later_getters_yield_zero),
        TEST(each_getter_takes_its_own_type_only),
        TEST(a_decoder_may_fail_the_reader),
        TEST(limits_are_inclusive),
        TEST(fixed_fields_have_their_exact_length),
        TEST(a_text_cannot_command_a_terminal),
        TEST(a_text_leaves_room_for_its_zero),
        TEST(a_message_opens_by_kind_version_and_count),
        TEST(what_is_no_message_is_refused),
        TEST(writing_stops_at_the_bound_of_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
