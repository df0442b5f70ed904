#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "node/executors/sandbox/spec.h"

static json_t *usual(void)
{
    return json_pack("{s:s, s:s, s:[s, s], s:{s:s}, s:i, s:i, s:i, s:i, s:i}",
                     "id", "j1", "image", "sha256:ab", "argv", "sh", "-c",
                     "env", "NAME", "text", "cpu_milli", 1000, "mem_mib", 64,
                     "disk_mib", 32, "pids_max", 16, "wall_ms", 5000);
}

static enum err decode(json_t *params, struct spec *out)
{
    struct fail fail;
    enum err err;

    memset(&fail, 0, sizeof(fail));
    err = spec_decode(params, out, &fail);
    if (err != OK) {
        assert_int_equal(fail.err, err);
        assert_true(fail.why[0] != '\0' && fail.fix[0] != '\0');
        assert_null(out->argv);
    }
    json_decref(params);
    return err;
}

/* The usual job with one field changed; value is taken, NULL removes it. */
static enum err with(const char *field, json_t *value)
{
    json_t *params = usual();
    struct spec spec;
    enum err err;

    if (value != NULL)
        json_object_set_new(params, field, value);
    else
        json_object_del(params, field);
    err = decode(params, &spec);
    if (err == OK)
        spec_done(&spec);
    return err;
}

static void a_whole_description_is_read_and_defaults_filled_in(void **state)
{
    struct spec spec;

    (void)state;
    assert_int_equal(decode(usual(), &spec), OK);
    assert_string_equal(spec.id, "j1");
    assert_int_equal(spec.argc, 2);
    assert_null(spec.argv[2]);
    assert_string_equal(spec.env[0], "NAME=text");
    assert_int_equal(spec.grace_ms, 2000);
    assert_int_equal(spec.stdout_max, 1 << 20);
    assert_false(spec.output_kill);
    spec_done(&spec);
}

static void every_limit_is_required(void **state)
{
    static const char *const limits[] = {"cpu_milli", "mem_mib", "disk_mib",
                                         "pids_max", "wall_ms"};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(with(limits[i], NULL), ERR_TYPE);
        assert_int_equal(with(limits[i], json_integer(0)), ERR_RANGE);
        assert_int_equal(with(limits[i], json_integer(-1)), ERR_RANGE);
        assert_int_equal(with(limits[i], json_integer(INT64_MAX)), ERR_RANGE);
        assert_int_equal(with(limits[i], json_string("1")), ERR_TYPE);
    }
}

static void a_misspelt_field_is_refused(void **state)
{
    (void)state;
    assert_int_equal(with("memory_mib", json_integer(1)), ERR_KIND);
}

static void names_cannot_leave_their_directory(void **state)
{
    (void)state;
    assert_int_equal(with("id", json_string("../x")), ERR_RANGE);
    assert_int_equal(with("id", json_string(".hidden")), ERR_RANGE);
    assert_int_equal(with("id", json_string("")), ERR_RANGE);
    assert_int_equal(with("id", json_string("a:b")), ERR_RANGE);
    assert_int_equal(with("image", json_string("a/b")), ERR_RANGE);
    assert_int_equal(with("image", json_string("..")), ERR_RANGE);
    assert_true(spec_image_fits("sha256:00ff"));
}

static json_t *one_input(const char *path, const char *dest)
{
    return json_pack("[{s:s, s:s}]", "path", path, "dest", dest);
}

static void inputs_land_below_job_in(void **state)
{
    (void)state;
    assert_int_equal(with("inputs", one_input("/a", "b/c")), OK);
    assert_int_equal(with("inputs", one_input("a", "b")), ERR_RANGE);
    assert_int_equal(with("inputs", one_input("/a", "/b")), ERR_RANGE);
    assert_int_equal(with("inputs", one_input("/a", "../b")), ERR_RANGE);
    assert_int_equal(with("inputs", one_input("/a", "b//c")), ERR_RANGE);
    assert_int_equal(with("inputs", one_input("/a", "b/./c")), ERR_RANGE);
    assert_int_equal(with("inputs", one_input("/a", "b/")), ERR_RANGE);
    assert_int_equal(with("inputs", one_input("/a", "b\n")), ERR_RANGE);
}

static void devices_are_below_dev_and_not_every_containers_own(void **state)
{
    static const char *const bad[] = {
        "/etc/passwd", "/dev/../etc/passwd", "/dev/",     "dev/x",
        "/dev//x",     "/dev/null",          "/dev/zero", "/dev/shm/x",
        "/dev/pts/0",  "/dev/init",          "/dev/shm",  "/dev/a\nb"};
    (void)state;
    assert_int_equal(with("devices", json_pack("[s, s]", "/dev/nvidia0",
                                               "/dev/dri/renderD128")),
                     OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(with("devices", json_pack("[s]", bad[i])), ERR_TYPE);
    assert_int_equal(with("devices", json_string("/dev/nvidia0")), ERR_TYPE);
    assert_int_equal(with("devices", json_pack("[i]", 3)), ERR_TYPE);
    assert_int_equal(with("devices", json_pack("[s, s]", "/dev/a", "/dev/a")),
                     ERR_EXISTS);
}

static void inputs_do_not_overlap(void **state)
{
    (void)state;
    assert_int_equal(
        with("inputs", json_pack("[{s:s,s:s},{s:s,s:s}]", "path", "/a", "dest",
                                 "x", "path", "/b", "dest", "x/y")),
        ERR_EXISTS);
    assert_int_equal(
        with("inputs", json_pack("[{s:s,s:s},{s:s,s:s}]", "path", "/a", "dest",
                                 "x", "path", "/b", "dest", "xy")),
        OK);
}

static void variables_have_names(void **state)
{
    (void)state;
    assert_int_equal(with("env", json_pack("{s:s}", "A=B", "c")), ERR_TYPE);
    assert_int_equal(with("env", json_pack("{s:s}", "", "c")), ERR_TYPE);
    assert_int_equal(with("env", json_pack("{s:i}", "A", 1)), ERR_TYPE);
}

static void too_many_words_are_refused(void **state)
{
    json_t *list = json_array();

    (void)state;
    for (int i = 0; i < 2000; i++)
        json_array_append_new(list, json_string("w"));
    assert_int_equal(with("argv", list), ERR_TOO_LARGE);
}

static void what_is_written_reads_back_the_same(void **state)
{
    struct spec spec, again;
    struct fail fail;
    json_t *params = usual(), *one, *two;

    (void)state;
    json_object_set_new(params, "inputs", one_input("/a", "b"));
    json_object_set_new(params, "devices", json_pack("[s]", "/dev/nvidia0"));
    json_object_set_new(params, "output_policy", json_string("kill"));
    assert_int_equal(decode(params, &spec), OK);
    one = spec_encode(&spec);
    assert_int_equal(spec_decode(one, &again, &fail), OK);
    two = spec_encode(&again);
    assert_true(json_equal(one, two));
    assert_true(again.output_kill);
    json_decref(one);
    json_decref(two);
    spec_done(&spec);
    spec_done(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_description_is_read_and_defaults_filled_in),
        cmocka_unit_test(every_limit_is_required),
        cmocka_unit_test(a_misspelt_field_is_refused),
        cmocka_unit_test(names_cannot_leave_their_directory),
        cmocka_unit_test(inputs_land_below_job_in),
        cmocka_unit_test(devices_are_below_dev_and_not_every_containers_own),
        cmocka_unit_test(inputs_do_not_overlap),
        cmocka_unit_test(variables_have_names),
        cmocka_unit_test(too_many_words_are_refused),
        cmocka_unit_test(what_is_written_reads_back_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
