#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "node/executors/sandbox/dir.h"
#include "node/executors/sandbox/idrange.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void the_first_whole_range_of_the_user_counts(void **state)
{
    uint32_t first = 7, count = 7;

    (void)state;
    assert_true(idpool_read_subid("root:1:65536\nann:5000:10\n"
                                  "ann:100000:131072\nann:900000:65536\n",
                                  "ann", 1000, &first, &count));
    assert_int_equal(first, 100000);
    assert_int_equal(count, 2);
    assert_true(
        idpool_read_subid("1000:200000:65536", "ann", 1000, &first, &count));
    assert_int_equal(first, 200000);
}

static void lines_without_sense_are_passed_over(void **state)
{
    uint32_t first = 7, count = 7;

    (void)state;
    assert_false(idpool_read_subid("", "ann", 1000, &first, &count));
    assert_false(idpool_read_subid("ann:x:y\nann\n:::\nbob:1:65536\n", "ann",
                                   1000, &first, &count));
    assert_false(idpool_read_subid("ann:4294967000:65536\n", "ann", 1000,
                                   &first, &count));
    assert_int_equal(first, 7);
}

static void two_jobs_never_have_the_same_ids(void **state)
{
    struct idpool pool = {.privileged = true,
                          .uid_first = 1000000,
                          .gid_first = 1000000,
                          .count = 3};
    struct cgroup none = {.version = 1};
    struct idrange mine, theirs;
    struct fail fail;
    int status = -1;
    pid_t pid;

    (void)state;
    strcpy(pool.locks, "/tmp/test-idrange-XXXXXX");
    assert_non_null(mkdtemp(pool.locks));
    assert_int_equal(idrange_take(&pool, &none, &mine, &fail), OK);
    assert_true(mine.index == 1 || mine.index == 2);
    assert_int_equal(mine.uid, 1000000 + mine.index * IDRANGE_SIZE);
    pid = fork();
    if (pid == 0) { /* locks are between processes */
        struct idrange other;
        if (idrange_take(&pool, &none, &theirs, &fail) != OK ||
            theirs.index == mine.index)
            _exit(1);
        _exit(idrange_take(&pool, &none, &other, &fail) == ERR_CAPACITY ? 0
              : other.index == theirs.index                             ? 0
                                                                        : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    idrange_drop(&mine);
    assert_int_equal(mine.lock_fd, -1);
    assert_int_equal(dir_remove(AT_FDCWD, pool.locks), 0);
}

static void a_pool_is_recorded_and_read_back(void **state)
{
    struct idpool pool = {.privileged = true,
                          .uid_first = 0x70000000,
                          .gid_first = 5,
                          .count = 9,
                          .locks = "/run/x"};
    struct idpool again;
    json_t *value = idpool_encode(&pool);

    (void)state;
    assert_true(idpool_decode(value, &again));
    assert_memory_equal(&pool, &again, sizeof(pool));
    json_object_del(value, "locks");
    assert_false(idpool_decode(value, &again));
    json_decref(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_whole_range_of_the_user_counts),
        cmocka_unit_test(lines_without_sense_are_passed_over),
        cmocka_unit_test(two_jobs_never_have_the_same_ids),
        cmocka_unit_test(a_pool_is_recorded_and_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
