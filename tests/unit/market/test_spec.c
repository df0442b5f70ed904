/* A spec says what to run. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "market/message.h"
#include "tests/unit/market/world.h"

static void expands_to(const char *text, uint32_t task, uint32_t tasks,
                       const char *wanted)
{
    struct buf out;
    buf_init(&out, 256);
    assert_int_equal(spec_expand(bytes_str(text), task, tasks, &out), OK);
    assert_string_equal(buf_cstr(&out), wanted);
    buf_done(&out);
}

static void placeholders_are_filled_in(void **state)
{
    (void)state;
    expands_to("", 0, 1, "");
    expands_to("plain", 0, 1, "plain");
    expands_to("%t", 0, 1, "0");
    expands_to("tile-%t-of-%n.png", 1023, 1024, "tile-1023-of-1024.png");
    expands_to("%%t is %t", 7, 9, "%t is 7");
    expands_to("%t%t%n%%", 1, 2, "112%");
}

static void any_other_percent_stands_for_itself(void **state)
{
    (void)state;
    expands_to("%", 0, 1, "%");
    expands_to("100%", 0, 1, "100%");
    expands_to("date +%s %Y-%m", 3, 4, "date +%s %Y-%m");
    expands_to("%%%", 0, 1, "%%");
    expands_to("%T%N", 0, 1, "%T%N");
}

static void a_zero_byte_after_a_percent_is_copied(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, 16);
    assert_int_equal(spec_expand(bytes_make("%\0t", 3), 0, 1, &out), OK);
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.ptr, "%\0t", 3);
    buf_done(&out);
}

static void expansion_stops_at_the_buffers_bound(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, 3);
    assert_int_equal(spec_expand(bytes_str("%n%n"), 0, 1024, &out),
                     ERR_TOO_LARGE);
    buf_done(&out);
}

/* ---- form ---- */

static enum err encoded(const struct spec *spec)
{
    struct buf out;
    enum err err;
    buf_init(&out, SPEC_BYTES_MAX);
    err = spec_encode(spec, &out);
    if (err != OK)
        assert_int_equal(out.len, 0);
    buf_done(&out);
    return err;
}

static void refuses(const struct spec *spec)
{
    assert_int_equal(spec_form(spec), ERR_RANGE);
    assert_int_equal(encoded(spec), ERR_RANGE);
}

static void counts_and_numbers_have_their_range(void **state)
{
    struct spec spec = sample_spec();
    struct spec bad = spec;
    (void)state;
    assert_int_equal(encoded(&spec), OK);
    bad.arg_count = 0;
    refuses(&bad);
    bad.arg_count = SPEC_ARGS_MAX + 1;
    refuses(&bad);
    bad = spec;
    bad.env_count = SPEC_ENV_MAX + 1;
    refuses(&bad);
    bad = spec;
    bad.output_count = SPEC_OUTPUTS_MAX + 1;
    refuses(&bad);
    bad = spec;
    memset(&bad.image, 0, sizeof(bad.image));
    refuses(&bad);
    bad = spec;
    bad.resources.cpu_milli = 0;
    refuses(&bad);
    bad = spec;
    bad.resources.mem_mib = 0;
    refuses(&bad);
    bad = spec;
    bad.resources.disk_mib = 0;
    refuses(&bad);
    bad = spec;
    bad.pids_max = 0;
    refuses(&bad);
    bad = spec;
    bad.time_ms_max = 0;
    refuses(&bad);
    bad.time_ms_max = MESSAGE_TIME_MS_MAX + 1;
    refuses(&bad);
    bad.time_ms_max = MESSAGE_TIME_MS_MAX;
    assert_int_equal(encoded(&bad), OK);
}

static void a_spec_without_inputs_environment_or_outputs_is_fine(void **state)
{
    struct spec spec = sample_spec();
    (void)state;
    memset(&spec.inputs, 0, sizeof(spec.inputs));
    spec.env_count = 0;
    spec.output_count = 0;
    spec.log_bytes_max = 0;
    assert_int_equal(encoded(&spec), OK);
}

static void texts_hold_no_zero_byte_and_are_not_too_long(void **state)
{
    static char longest[SPEC_TEXT_MAX + 1];
    struct spec spec = sample_spec();
    (void)state;
    spec.args[1] = bytes_make("a\0b", 3);
    refuses(&spec);
    memset(longest, 'x', sizeof(longest));
    spec.args[1] = bytes_make(longest, sizeof(longest));
    refuses(&spec);
    spec.args[1] = bytes_make(longest, sizeof(longest) - 1);
    assert_int_equal(encoded(&spec), OK);
    spec.args[1] = bytes_str("");
    assert_int_equal(encoded(&spec), OK);
    spec.args[0] = bytes_str("");
    refuses(&spec);
}

static void environment_names_are_names(void **state)
{
    static const char *const bad[] = {"", "A=B", "=", "SUAN_TASK", "SUAN_"};
    static const char *const good[] = {"A", "SUAN", "suan_task", "XSUAN_TASK"};
    struct spec spec = sample_spec();
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        spec.env[0].name = bytes_str(bad[i]);
        refuses(&spec);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        spec.env[0].name = bytes_str(good[i]);
        assert_int_equal(encoded(&spec), OK);
    }
    spec.env[0].value = bytes_make("\0", 1);
    refuses(&spec);
}

static void outputs_stay_below_their_directory(void **state)
{
    static const char *const bad[] = {"",       "/etc/passwd", "..",    "../x",
                                      "a/../b", "a/..",        "a//..", "./.."};
    static const char *const good[] = {"*",   "a/b/*.png", "..a",
                                       "a..", "...",       "a/..b/c"};
    struct spec spec = sample_spec();
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        spec.outputs[0] = bytes_str(bad[i]);
        refuses(&spec);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        spec.outputs[0] = bytes_str(good[i]);
        assert_int_equal(encoded(&spec), OK);
    }
}

static void results_come_to_places_below_the_inputs(void **state)
{
    static const char *const bad[] = {"",   "/a",   "a/",   "a//b",  ".",
                                      "..", "a/..", "../a", "a/./b", "./a"};
    static const char *const good[] = {"a", "a/b/c", "...", ".a", "a.."};
    struct spec spec = sample_spec();
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        spec.uses[0].dest = bytes_str(bad[i]);
        refuses(&spec);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        spec.uses[0].dest = bytes_str(good[i]);
        assert_int_equal(encoded(&spec), OK);
    }
    spec.uses[0].dest = bytes_make("a\0b", 3);
    refuses(&spec);
}

static void uses_have_their_bounds(void **state)
{
    static char longest[SPEC_DEST_MAX + 1];
    struct spec_use uses[SPEC_USES_MAX + 1];
    char names[SPEC_USES_MAX + 1][8];
    struct spec spec = sample_spec();
    (void)state;
    for (uint32_t i = 0; i <= SPEC_USES_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "u%u", i);
        uses[i] = (struct spec_use){world_hash(0x24), 1, bytes_str(names[i])};
    }
    spec.uses = uses;
    spec.use_count = SPEC_USES_MAX;
    assert_int_equal(encoded(&spec), OK);
    assert_int_equal(spec_result_count(&spec), SPEC_USES_MAX);
    spec.use_count = SPEC_USES_MAX + 1;
    refuses(&spec);
    spec.use_count = 2;
    uses[1].dest = uses[0].dest;
    refuses(&spec);
    uses[1].dest = bytes_str("other");
    uses[0].tasks = SPEC_RESULTS_MAX - 1;
    assert_int_equal(encoded(&spec), OK);
    uses[0].tasks = SPEC_RESULTS_MAX;
    refuses(&spec);
    uses[0].tasks = 0;
    refuses(&spec);
    uses[0].tasks = 1;
    memset(&uses[0].request, 0, sizeof(uses[0].request));
    refuses(&spec);
    uses[0].request = world_hash(0x24);
    memset(longest, 'x', sizeof(longest));
    uses[0].dest = bytes_make(longest, SPEC_DEST_MAX);
    assert_int_equal(encoded(&spec), OK);
    uses[0].dest = bytes_make(longest, SPEC_DEST_MAX + 1);
    refuses(&spec);
}

/* ---- bytes ---- */

static void a_spec_too_large_as_a_whole_is_refused_both_ways(void **state)
{
    static char longest[SPEC_TEXT_MAX];
    static uint8_t bytes[SPEC_BYTES_MAX + 1];
    struct bytes args[SPEC_ARGS_MAX];
    struct spec spec = sample_spec();
    struct spec out = {.arg_count = 99};
    struct arena arena;
    (void)state;
    memset(longest, 'x', sizeof(longest));
    for (unsigned i = 0; i < SPEC_ARGS_MAX; i++)
        args[i] = bytes_make(longest, sizeof(longest));
    spec.args = args;
    spec.arg_count = 15;
    assert_int_equal(encoded(&spec), OK);
    spec.arg_count = 16;
    assert_int_equal(encoded(&spec), ERR_TOO_LARGE);
    arena_init(&arena, 1u << 20);
    assert_int_equal(spec_decode(BYTES_OF(bytes), &arena, &out), ERR_TOO_LARGE);
    assert_int_equal(out.arg_count, 99);
    arena_done(&arena);
}

static void what_is_decoded_outlives_its_input(void **state)
{
    struct spec spec = sample_spec();
    struct spec out;
    struct arena arena;
    struct buf bytes;
    (void)state;
    arena_init(&arena, 1u << 20);
    buf_init(&bytes, SPEC_BYTES_MAX);
    assert_int_equal(spec_encode(&spec, &bytes), OK);
    assert_int_equal(spec_decode(buf_bytes(&bytes), &arena, &out), OK);
    memset(bytes.ptr, 0xee, bytes.len);
    buf_done(&bytes);
    assert_int_equal(out.arg_count, 2);
    assert_true(bytes_equal(out.args[0], BYTES_LIT("render")));
    assert_true(bytes_equal(out.args[1], BYTES_LIT("%t/%n")));
    assert_true(bytes_equal(out.env[0].name, BYTES_LIT("LANG")));
    assert_true(bytes_equal(out.env[0].value, BYTES_LIT("C")));
    assert_true(bytes_equal(out.outputs[0], BYTES_LIT("*.png")));
    arena_done(&arena);
}

static void a_small_arena_is_a_fault_not_a_crash(void **state)
{
    struct spec spec = sample_spec();
    struct spec out;
    struct buf bytes;
    bool fitted = false;
    (void)state;
    buf_init(&bytes, SPEC_BYTES_MAX);
    assert_int_equal(spec_encode(&spec, &bytes), OK);
    for (size_t cap = 0; cap < 8192 && !fitted; cap += 16) {
        struct arena arena;
        enum err err;
        arena_init(&arena, cap);
        err = spec_decode(buf_bytes(&bytes), &arena, &out);
        fitted = err == OK;
        if (!fitted)
            assert_int_equal(err, ERR_NOMEM);
        arena_done(&arena);
    }
    assert_true(fitted);
    buf_done(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placeholders_are_filled_in),
        cmocka_unit_test(any_other_percent_stands_for_itself),
        cmocka_unit_test(a_zero_byte_after_a_percent_is_copied),
        cmocka_unit_test(expansion_stops_at_the_buffers_bound),
        cmocka_unit_test(counts_and_numbers_have_their_range),
        cmocka_unit_test(a_spec_without_inputs_environment_or_outputs_is_fine),
        cmocka_unit_test(texts_hold_no_zero_byte_and_are_not_too_long),
        cmocka_unit_test(environment_names_are_names),
        cmocka_unit_test(outputs_stay_below_their_directory),
        cmocka_unit_test(results_come_to_places_below_the_inputs),
        cmocka_unit_test(uses_have_their_bounds),
        cmocka_unit_test(a_spec_too_large_as_a_whole_is_refused_both_ways),
        cmocka_unit_test(what_is_decoded_outlives_its_input),
        cmocka_unit_test(a_small_arena_is_a_fault_not_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
