#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "node/executors/sandbox/bundle.h"
#include "node/executors/sandbox/idrange.h"
#include "node/executors/sandbox/seccomp.h"

static json_t *config;

static int make_config(void **state)
{
    json_t *params = json_pack(
        "{s:s, s:s, s:[s], s:i, s:i, s:i, s:i, s:i, s:[{s:s, s:s}], s:[s]}",
        "id", "j", "image", "i", "argv", "true", "cpu_milli", 100, "mem_mib",
        64, "disk_mib", 32, "pids_max", 16, "wall_ms", 1000, "inputs", "path",
        "/x", "dest", "a/b", "devices", "/dev/dri/renderD128");
    struct bundle bundle = {.stage = "/mnt",
                            .uid = 0x70010000,
                            .gid = 0x70010000,
                            .nofile_max = 512};
    struct spec spec;
    struct fail fail;

    (void)state;
    assert_int_equal(spec_decode(params, &spec, &fail), OK);
    bundle.spec = &spec;
    config = bundle_config(&bundle);
    assert_non_null(config);
    spec_done(&spec);
    json_decref(params);
    return 0;
}

static int drop_config(void **state)
{
    (void)state;
    json_decref(config);
    return 0;
}

static json_t *at(const char *first, const char *second)
{
    return json_object_get(json_object_get(config, first), second);
}

static bool has_option(const json_t *mount, const char *option)
{
    json_t *list = json_object_get(mount, "options"), *value;
    size_t i;

    json_array_foreach(list, i, value)
    {
        if (strcmp(json_string_value(value), option) == 0)
            return true;
    }
    return false;
}

static void a_job_has_no_capability_and_gains_none(void **state)
{
    static const char *const sets[] = {"bounding", "effective", "permitted",
                                       "inheritable", "ambient"};
    json_t *caps = at("process", "capabilities");

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        assert_true(json_is_array(json_object_get(caps, sets[i])));
        assert_int_equal(json_array_size(json_object_get(caps, sets[i])), 0);
    }
    assert_true(json_is_true(at("process", "noNewPrivileges")));
    assert_int_equal(
        json_integer_value(json_object_get(at("process", "user"), "uid")),
        1000);
}

static void all_seven_namespaces_are_its_own(void **state)
{
    (void)state;
    assert_int_equal(json_array_size(at("linux", "namespaces")), 7);
}

static void its_ids_are_mapped_to_a_range_nobody_has(void **state)
{
    json_t *map = json_array_get(at("linux", "uidMappings"), 0);

    (void)state;
    assert_int_equal(json_integer_value(json_object_get(map, "hostID")),
                     0x70010000);
    assert_int_equal(json_integer_value(json_object_get(map, "size")),
                     IDRANGE_SIZE);
}

static void the_root_is_read_only_and_no_mount_obeys_setuid(void **state)
{
    json_t *mount;
    size_t i;

    (void)state;
    assert_true(json_is_true(at("root", "readonly")));
    json_array_foreach(json_object_get(config, "mounts"), i, mount)
    {
        assert_true(has_option(mount, "nosuid"));
    }
}

static void inputs_are_read_only(void **state)
{
    json_t *mount;
    size_t i, found = 0;

    (void)state;
    json_array_foreach(json_object_get(config, "mounts"), i, mount)
    {
        const char *to =
            json_string_value(json_object_get(mount, "destination"));
        if (strncmp(to, "/job/in", 7) != 0)
            continue;
        found++;
        assert_true(has_option(mount, "ro"));
    }
    assert_int_equal(found, 2);
}

static void only_the_assigned_devices_are_bound(void **state)
{
    json_t *mount;
    size_t i, found = 0;

    (void)state;
    json_array_foreach(json_object_get(config, "mounts"), i, mount)
    {
        const char *from = json_string_value(json_object_get(mount, "source"));
        if (strncmp(from, "/dev/", 5) != 0)
            continue;
        found++;
        assert_string_equal(from, "/dev/dri/renderD128");
        assert_string_equal(
            json_string_value(json_object_get(mount, "destination")), from);
        assert_true(has_option(mount, "bind") && has_option(mount, "noexec"));
    }
    assert_int_equal(found, 1);
}

static void limits_never_exceed_our_own(void **state)
{
    json_t *limit;
    size_t i;

    (void)state;
    json_array_foreach(at("process", "rlimits"), i, limit)
    {
        const char *type = json_string_value(json_object_get(limit, "type"));
        json_int_t hard = json_integer_value(json_object_get(limit, "hard"));
        if (strcmp(type, "RLIMIT_NOFILE") == 0)
            assert_int_equal(hard, 512);
        if (strcmp(type, "RLIMIT_CORE") == 0)
            assert_int_equal(hard, 0);
    }
}

static void the_first_process_is_the_init(void **state)
{
    (void)state;
    assert_string_equal(
        json_string_value(json_array_get(at("process", "args"), 0)),
        "/dev/init");
}

static bool mentions(const char *syscall, const char *action)
{
    json_t *rules = json_object_get(at("linux", "seccomp"), "syscalls"), *rule;
    size_t i, k;
    json_t *name;

    json_array_foreach(rules, i, rule)
    {
        if (strcmp(json_string_value(json_object_get(rule, "action")),
                   action) != 0)
            continue;
        json_array_foreach(json_object_get(rule, "names"), k, name)
        {
            if (strcmp(json_string_value(name), syscall) == 0 &&
                json_object_get(rule, "args") == NULL)
                return true;
        }
    }
    return false;
}

static void doors_to_the_kernel_are_shut(void **state)
{
    static const char *const shut[] = {
        "unshare", "setns",  "mount",          "ptrace",     "bpf",
        "keyctl",  "chroot", "io_uring_setup", "reboot",     "clone",
        "clone3",  "socket", "ioctl",          "personality"};

    (void)state;
    for (size_t i = 0; i < sizeof(shut) / sizeof(shut[0]); i++)
        assert_false(mentions(shut[i], "SCMP_ACT_ALLOW"));
    assert_true(mentions("read", "SCMP_ACT_ALLOW"));
    assert_true(mentions("mount", "SCMP_ACT_ERRNO"));
}

static void the_filter_is_known_to_the_library(void **state)
{
    struct fail fail;
    enum err err;

    (void)state;
    memset(&fail, 0, sizeof(fail));
    err = seccomp_check(&fail);
    if (err != OK)
        print_error("%s\n", fail.why);
    assert_int_equal(err, OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_has_no_capability_and_gains_none),
        cmocka_unit_test(all_seven_namespaces_are_its_own),
        cmocka_unit_test(its_ids_are_mapped_to_a_range_nobody_has),
        cmocka_unit_test(the_root_is_read_only_and_no_mount_obeys_setuid),
        cmocka_unit_test(inputs_are_read_only),
        cmocka_unit_test(only_the_assigned_devices_are_bound),
        cmocka_unit_test(limits_never_exceed_our_own),
        cmocka_unit_test(the_first_process_is_the_init),
        cmocka_unit_test(doors_to_the_kernel_are_shut),
        cmocka_unit_test(the_filter_is_known_to_the_library),
    };
    return cmocka_run_group_tests(tests, make_config, drop_config);
}
