#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "node/executors/sandbox/cgroup.h"

#define HYBRID                                                                 \
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"      \
    "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"              \
    "33 31 0:30 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n"      \
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"        \
    "39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"            \
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"

static void separate_trees_are_found_with_our_place_in_each(void **state)
{
    struct cgroup home;
    char hybrid[DIR_PATH];

    (void)state;
    cg_find(HYBRID, "8:pids:/\n4:memory:/a/b\n2:cpuacct:/\n1:cpu:/c\n0::/x\n",
            &home, hybrid, sizeof(hybrid));
    assert_int_equal(home.version, 1);
    assert_string_equal(home.dir[CG_MEMORY], "/sys/fs/cgroup/memory/a/b");
    assert_string_equal(home.dir[CG_CPU], "/sys/fs/cgroup/cpu/c");
    assert_string_equal(home.dir[CG_PIDS], "/sys/fs/cgroup/pids");
    assert_string_equal(home.dir[CG_FREEZER], "");
    assert_string_equal(hybrid, "/sys/fs/cgroup/unified");
}

static void controllers_mounted_together_share_a_directory(void **state)
{
    struct cgroup home;

    (void)state;
    cg_find("1 1 0:1 / /cg/cpu,cpuacct rw shared:9 - cgroup cgroup "
            "rw,cpu,cpuacct\n",
            "3:cpu,cpuacct:/u\n", &home, NULL, 0);
    assert_string_equal(home.dir[CG_CPU], "/cg/cpu,cpuacct/u");
    assert_string_equal(home.dir[CG_CPUACCT], "/cg/cpu,cpuacct/u");
}

static void a_container_sees_only_its_part_of_the_tree(void **state)
{
    struct cgroup home;

    (void)state;
    cg_find("1 1 0:1 /docker/x /cg/memory rw - cgroup cgroup rw,memory\n",
            "3:memory:/docker/x/y\n", &home, NULL, 0);
    assert_string_equal(home.dir[CG_MEMORY], "/cg/memory/y");
    cg_find("1 1 0:1 /docker/x /cg/memory rw - cgroup cgroup rw,memory\n",
            "3:memory:/docker/xy\n", &home, NULL, 0);
    assert_string_equal(home.dir[CG_MEMORY], "/cg/memory");
    cg_find("1 1 0:1 / /cg/memory rw - cgroup cgroup rw,memory\n",
            "3:memory:/../../y\n", &home, NULL, 0);
    assert_string_equal(home.dir[CG_MEMORY], "/cg/memory");
}

static void one_tree_serves_all_controllers(void **state)
{
    struct cgroup home;
    char hybrid[DIR_PATH];

    (void)state;
    cg_find("1 1 0:1 / /sys/fs/c\\040g rw - cgroup2 cgroup2 rw,nsdelegate\n",
            "0::/system.slice/suan.service\n", &home, hybrid, sizeof(hybrid));
    assert_int_equal(home.version, 2);
    assert_string_equal(home.dir[CG_MEMORY],
                        "/sys/fs/c g/system.slice/suan.service");
    assert_string_equal(home.dir[CG_PIDS], home.dir[CG_MEMORY]);
    assert_string_equal(home.dir[CG_DEVICES], "");
    assert_string_equal(hybrid, "");
}

static void a_machine_without_groups_gives_an_empty_home(void **state)
{
    struct cgroup home;
    struct fail fail;

    (void)state;
    cg_find("", "", &home, NULL, 0);
    assert_string_equal(home.dir[CG_MEMORY], "");
    assert_int_equal(cg_check(&home, &fail), ERR_SANDBOX);
    assert_non_null(strstr(fail.why, "memory"));
}

static void a_group_is_recorded_and_read_back(void **state)
{
    struct cgroup home, child, again;
    struct fail fail;
    json_t *value;

    (void)state;
    cg_find(HYBRID, "8:pids:/\n4:memory:/a\n2:cpuacct:/\n1:cpu:/\n", &home,
            NULL, 0);
    assert_int_equal(cg_child(&home, "job", &child, &fail), OK);
    value = cg_encode(&child);
    assert_true(cg_decode(value, &again));
    assert_memory_equal(&child, &again, sizeof(child));
    json_object_set_new(json_object_get(value, "dirs"), "cpu",
                        json_string("relative"));
    assert_false(cg_decode(value, &again));
    json_decref(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(separate_trees_are_found_with_our_place_in_each),
        cmocka_unit_test(controllers_mounted_together_share_a_directory),
        cmocka_unit_test(a_container_sees_only_its_part_of_the_tree),
        cmocka_unit_test(one_tree_serves_all_controllers),
        cmocka_unit_test(a_machine_without_groups_gives_an_empty_home),
        cmocka_unit_test(a_group_is_recorded_and_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
