/* The disk's reserve, as the executor keeps it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/executors/sandbox/room.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int root_fd(void)
{
    int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static void what_fits_beside_the_reserve_may_be_taken(void **state)
{
    int fd = root_fd();
    uint64_t all = room_left(fd, 0);
    struct fail fail;

    (void)state;
    assert_true(all > 0 && all < UINT64_MAX);
    assert_int_equal(room_check(fd, 0, 1, "x", &fail), OK);
    assert_int_equal(room_check(fd, 0, 0, "x", &fail), OK);
    assert_int_equal(room_check(fd, UINT64_MAX / 2, 0, "x", &fail), ERR_FULL);
    assert_int_equal(room_check(fd, 0, UINT64_MAX / 2, "x", &fail), ERR_FULL);
    assert_int_equal(room_check(fd, UINT64_MAX, UINT64_MAX, "x", &fail),
                     ERR_FULL);
    close(fd);
}

static void a_reserve_above_what_is_free_leaves_nothing(void **state)
{
    int fd = root_fd();

    (void)state;
    assert_int_equal(room_left(fd, UINT64_MAX / 2), 0);
    close(fd);
}

static void a_refusal_says_that_the_disk_is_short(void **state)
{
    int fd = root_fd();
    struct fail fail;

    (void)state;
    assert_int_equal(
        room_check(fd, 0, UINT64_MAX / 2, "the disk cannot be made", &fail),
        ERR_FULL);
    assert_string_equal(fail.what, "the disk cannot be made");
    assert_non_null(strstr(fail.why, "disk short"));
    close(fd);
}

/* A figure that cannot be had refuses nothing: the write itself will. */
static void a_disk_that_cannot_be_asked_is_not_in_the_way(void **state)
{
    struct fail fail;

    (void)state;
    assert_true(room_left(-1, 1) == UINT64_MAX);
    assert_int_equal(room_check(-1, 1, 1, "x", &fail), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_beside_the_reserve_may_be_taken),
        cmocka_unit_test(a_reserve_above_what_is_free_leaves_nothing),
        cmocka_unit_test(a_refusal_says_that_the_disk_is_short),
        cmocka_unit_test(a_disk_that_cannot_be_asked_is_not_in_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
