/* Roots made fit for jobs. */

#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/executors/sandbox/dir.h"
#include "node/executors/sandbox/rootfs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];
static int at;

static int make_root(void **state)
{
    (void)state;
    strcpy(root, "/tmp/test-rootfs-XXXXXX");
    assert_non_null(mkdtemp(root));
    at = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return at < 0;
}

static int drop_root(void **state)
{
    (void)state;
    close(at);
    return dir_remove(AT_FDCWD, root);
}

static enum err clean(void)
{
    const struct oci_limits limits = {.entries_max = 100,
                                      .bytes_max = 1u << 20};
    struct rootfs_size size;
    struct fail fail;

    return rootfs_clean(root, &limits, &size, &fail);
}

static void make_file(const char *name)
{
    int fd = openat(at, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    close(fd);
}

static void what_is_mounted_on_is_made_or_there(void **state)
{
    struct stat st;

    (void)state;
    assert_int_equal(mkdirat(at, "proc", 0755), 0);
    assert_int_equal(mkdirat(at, "var", 0755), 0);
    assert_int_equal(mkdirat(at, "var/tmp", 0755), 0);
    assert_int_equal(symlinkat("/var/tmp", at, "tmp"), 0);
    assert_int_equal(clean(), OK);
    assert_int_equal(fstatat(at, "job", &st, 0), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(clean(), OK);
}

static void an_image_that_nothing_can_be_mounted_on_is_none(void **state)
{
    static const char *const names[] = {"proc", "sys", "dev", "tmp", "job"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
            (void)unlinkat(at, names[k], AT_REMOVEDIR);
        make_file(names[i]);
        assert_int_equal(clean(), ERR_IMAGE);
        assert_int_equal(unlinkat(at, names[i], 0), 0);
        assert_int_equal(symlinkat("/nowhere", at, names[i]), 0);
        assert_int_equal(clean(), ERR_IMAGE);
        assert_int_equal(unlinkat(at, names[i], 0), 0);
    }
    assert_int_equal(mkdirat(at, "other", 0755), 0);
    (void)unlinkat(at, "proc", AT_REMOVEDIR);
    assert_int_equal(symlinkat("other", at, "proc"), 0);
    assert_int_equal(clean(), ERR_IMAGE);
}

#define T(name) cmocka_unit_test_setup_teardown(name, make_root, drop_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_mounted_on_is_made_or_there),
        T(an_image_that_nothing_can_be_mounted_on_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
