#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "node/executors/sandbox/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[64];
static int at;

static int make_root(void **state)
{
    (void)state;
    strcpy(root, "/tmp/test-dir-XXXXXX");
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

static void a_file_is_replaced_whole(void **state)
{
    char text[16];

    (void)state;
    assert_int_equal(dir_write(at, "f", "long text", 9), 0);
    assert_int_equal(dir_write(at, "f", "ab", 2), 0);
    assert_int_equal(dir_read(at, "f", text, sizeof(text)), 2);
    assert_string_equal(text, "ab");
}

static void a_file_beyond_the_limit_is_not_read(void **state)
{
    size_t len;

    (void)state;
    assert_int_equal(dir_write(at, "f", "12345", 5), 0);
    assert_null(dir_slurp(at, "f", 4, &len));
    assert_int_equal(errno, EFBIG);
}

static void records_are_not_read_through_links(void **state)
{
    (void)state;
    assert_int_equal(dir_write(at, "r", "{}", 2), 0);
    assert_int_equal(symlinkat("r", at, "link"), 0);
    assert_null(dir_read_json(at, "link"));
}

static void removing_a_tree_leaves_what_links_point_to(void **state)
{
    (void)state;
    assert_int_equal(mkdirat(at, "keep", 0700), 0);
    assert_int_equal(dir_write(at, "keep/f", "x", 1), 0);
    assert_int_equal(mkdirat(at, "tree", 0700), 0);
    assert_int_equal(mkdirat(at, "tree/deep", 0000), 0);
    assert_int_equal(symlinkat("../keep", at, "tree/link"), 0);
    assert_int_equal(dir_remove(at, "tree"), 0);
    assert_int_equal(faccessat(at, "tree", F_OK, 0), -1);
    assert_int_equal(faccessat(at, "keep/f", F_OK, 0), 0);
    assert_int_equal(dir_remove(at, "never-was"), 0);
}

static void a_lock_ends_with_its_process(void **state)
{
    int fd = openat(at, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int ready[2];
    char byte;
    pid_t pid;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        int own = openat(at, "lock", O_RDWR);
        if (dir_lock(own) != 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(dir_lock_holder(fd), pid);
    assert_int_equal(dir_lock(fd), -1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(dir_lock_holder(fd), 0);
    assert_int_equal(dir_lock(fd), 0);
    close(fd);
    close(ready[0]);
    close(ready[1]);
}

static void long_texts_are_refused_not_cut(void **state)
{
    char out[4];

    (void)state;
    assert_true(dir_text(out, sizeof(out), "%s", "abc"));
    assert_false(dir_text(out, sizeof(out), "%s", "abcd"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_replaced_whole),
        cmocka_unit_test(a_file_beyond_the_limit_is_not_read),
        cmocka_unit_test(records_are_not_read_through_links),
        cmocka_unit_test(removing_a_tree_leaves_what_links_point_to),
        cmocka_unit_test(a_lock_ends_with_its_process),
        cmocka_unit_test(long_texts_are_refused_not_cut),
    };
    return cmocka_run_group_tests(tests, make_root, drop_root);
}
