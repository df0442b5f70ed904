#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/sell/accel.h"
#include "sched/taint.h"

static struct accel parsed(const char *text)
{
    struct accel accel;
    char fault[ACCEL_FAULT_MAX];
    enum err err = accel_parse(text, &accel, fault);
    if (err != OK)
        fail_msg("%s: %s", text, fault);
    return accel;
}

static void devices_are_read_as_they_are_written(void **state)
{
    struct accel a = parsed("gpu:A100:2@40G=/dev/nvidia0+/dev/nvidia1"
                            "=/dev/nvidiactl+/dev/nvidia-uvm, fpga=/dev/xdma0,"
                            "gpu:a100@512M=/dev/nvidia2");
    (void)state;
    assert_int_equal(a.devices.group_count, 3);
    assert_string_equal(a.devices.groups[0].model, "a100");
    assert_int_equal(a.devices.groups[0].count, 2);
    assert_int_equal(a.devices.groups[0].mem_mib, 40960);
    assert_int_equal(a.devices.groups[1].kind, DEVICE_FPGA);
    assert_string_equal(a.devices.groups[1].model, "");
    assert_int_equal(a.devices.groups[2].mem_mib, 512);
    assert_string_equal(a.paths[1], "/dev/nvidia1");
    assert_string_equal(a.paths[2], "/dev/xdma0");
    assert_int_equal(a.shared_count[0], 2);
    assert_string_equal(a.shared[0][1], "/dev/nvidia-uvm");
    assert_int_equal(a.shared_count[1], 0);
    assert_int_equal(a.devices.free_milli[3], 1000);
    assert_int_equal(a.devices.free_milli[4], 0);
    assert_int_equal(parsed("").devices.group_count, 0);
}

static void what_cannot_be_meant_is_refused_and_named(void **state)
{
    static const struct {
        const char *text;
        enum err err;
        const char *words;
    } bad[] = {
        {"gpu", ERR_PARSE, "names no device"},
        {"tpu=/dev/x", ERR_PARSE, "tpu"},
        {"gpu:a b=/dev/x", ERR_PARSE, "model"},
        {"gpu:a:1:1=/dev/x", ERR_PARSE, "model"},
        {"gpu@40=/dev/x", ERR_PARSE, "@40"},
        {"gpu:2=/dev/x", ERR_RANGE, "2 devices are said and 1"},
        {"gpu=/etc/passwd", ERR_PARSE, "/etc/passwd"},
        {"gpu=/dev/../etc/x", ERR_PARSE, "below /dev"},
        {"gpu=/dev/a+/dev/a", ERR_RANGE, "twice"},
        {"gpu=/dev/a,npu=/dev/a", ERR_RANGE, "twice"},
        {"gpu=/dev/a++/dev/b", ERR_TOO_LARGE, "path"},
        {"gpu=/dev/a=", ERR_TOO_LARGE, "shared"},
        {"gpu=/dev/a,gpu=/dev/b", ERR_RANGE, "one of them"},
        {"gpu=/dev/a+/dev/b+/dev/c+/dev/d+/dev/e+/dev/f+/dev/g+/dev/h,"
         "npu=/dev/i+/dev/j+/dev/k+/dev/l+/dev/m+/dev/n+/dev/o+/dev/p+/dev/q",
         ERR_TOO_LARGE, "16"},
    };
    struct accel accel = {.shared_count = {77}};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char fault[ACCEL_FAULT_MAX];
        assert_int_equal(accel_parse(bad[i].text, &accel, fault), bad[i].err);
        if (strstr(fault, bad[i].words) == NULL)
            fail_msg("%s: \"%s\" does not say %s", bad[i].text, fault,
                     bad[i].words);
        assert_int_equal(accel.shared_count[0], 77);
    }
}

static void the_most_exact_price_counts(void **state)
{
    struct accel a = parsed("gpu:a100=/dev/a,gpu:t4=/dev/b,fpga=/dev/c");
    char fault[ACCEL_FAULT_MAX];
    (void)state;
    assert_int_equal(accel_price("gpu:A100=2, 0.1, gpu=0.5", &a.devices, fault),
                     OK);
    assert_int_equal(a.devices.groups[0].hour.micro, 2000000);
    assert_int_equal(a.devices.groups[1].hour.micro, 500000);
    assert_int_equal(a.devices.groups[2].hour.micro, 100000);
}

static void a_device_without_a_price_is_not_given_away(void **state)
{
    struct accel a = parsed("gpu:a100=/dev/a,fpga=/dev/c");
    char fault[ACCEL_FAULT_MAX];
    (void)state;
    assert_int_equal(accel_price("gpu=1", &a.devices, fault), ERR_RANGE);
    assert_non_null(strstr(fault, "fpga has no price"));
    assert_int_equal(a.devices.groups[0].hour.micro, 0); /* untouched */
    assert_int_equal(accel_price("x", &a.devices, fault), ERR_PARSE);
    assert_int_equal(accel_price("-1", &a.devices, fault), ERR_PARSE);
    a.devices.group_count = 0;
    assert_int_equal(accel_price("", &a.devices, fault), OK);
}

static void only_character_devices_anyone_can_open_are_sold(void **state)
{
    struct accel a = parsed("fpga=/dev/zero+/dev/full=/dev/null");
    char fault[ACCEL_FAULT_MAX];
    (void)state;
    assert_int_equal(accel_check(&a, fault), OK);
    a = parsed("fpga=/dev/zero=/dev/not-there");
    assert_int_equal(accel_check(&a, fault), ERR_NOT_FOUND);
    assert_non_null(strstr(fault, "/dev/not-there"));
    a = parsed("fpga=/dev/fd");
    assert_int_equal(accel_check(&a, fault), ERR_TYPE);
}

static void make(const char *dir, const char *name)
{
    char path[300];
    FILE *file;
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    file = fopen(path, "we");
    assert_non_null(file);
    fclose(file);
}

static void remove_one(const char *dir, const char *name)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_int_equal(remove(path), 0);
}

static void remove_all(const char *dir, const char *const *names, size_t count)
{
    static const char *const rest[] = {"dri/card0", "dri/renderD128", "dri"};
    for (size_t i = 0; i < count; i++)
        remove_one(dir, names[i]);
    for (size_t i = 0; i < 3; i++)
        remove_one(dir, rest[i]);
    assert_int_equal(remove(dir), 0);
}

static void accelerators_are_known_by_their_names(void **state)
{
    static const char *const names[] = {"nvidia1",  "nvidia0",  "nvidiactl",
                                        "nvidia10", "davinci0", "null"};
    char dir[] = "/tmp/suan-accel-XXXXXX";
    char path[300];
    char expected[600];
    struct buf found;
    (void)state;
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < 6; i++)
        make(dir, names[i]);
    snprintf(path, sizeof(path), "%s/dri", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    make(path, "card0");
    make(path, "renderD128");
    buf_init(&found, 4096);
    accel_sense(dir, &found);
    snprintf(expected, sizeof(expected),
             "%s/davinci0, %s/nvidia0, %s/nvidia1, %s/nvidia10, "
             "%s/dri/renderD128",
             dir, dir, dir, dir, dir);
    assert_string_equal(buf_cstr(&found), expected);
    buf_done(&found);
    remove_all(dir, names, 6);
}

static void taints_are_a_list(void **state)
{
    struct taint taints[LIMIT_TAINTS];
    uint32_t count = 77;
    (void)state;
    assert_int_equal(accel_taints_parse("gpu=only, lab", taints, &count), OK);
    assert_int_equal(count, 2);
    assert_string_equal(taints[1].label.key, "lab");
    assert_int_equal(accel_taints_parse("", taints, &count), OK);
    assert_int_equal(count, 0);
    assert_int_equal(accel_taints_parse("a!=b", taints, &count), ERR_PARSE);
    assert_int_equal(accel_taints_parse("a,b,c,d,e,f,g,h,i", taints, &count),
                     ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_are_read_as_they_are_written),
        cmocka_unit_test(what_cannot_be_meant_is_refused_and_named),
        cmocka_unit_test(the_most_exact_price_counts),
        cmocka_unit_test(a_device_without_a_price_is_not_given_away),
        cmocka_unit_test(only_character_devices_anyone_can_open_are_sold),
        cmocka_unit_test(accelerators_are_known_by_their_names),
        cmocka_unit_test(taints_are_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
