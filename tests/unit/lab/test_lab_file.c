#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sched/lab/lab_file.h"

/* gzip of "cpu\n1\n" */
static const uint8_t packed[] = {0x1f, 0x8b, 0x08, 0,    0,    0,    0,
                                 0,    0,    0x03, 0x4b, 0x2e, 0x28, 0xe5,
                                 0x32, 0xe4, 0x02, 0x00, 0x4c, 0x07, 0x8e,
                                 0xb1, 0x06, 0x00, 0x00, 0x00};

static void write_file(char path[32], const void *bytes, size_t len)
{
    FILE *file;
    int fd;
    snprintf(path, 32, "/tmp/suan-lab-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    file = fdopen(fd, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void expect(const void *bytes, size_t len, size_t max, enum err err,
                   const char *content)
{
    char error[LAB_ERROR_MAX] = "";
    char path[32];
    struct buf buf = {0};
    write_file(path, bytes, len);
    assert_int_equal(lab_file_read(path, max, &buf, error), err);
    if (err == OK) {
        assert_string_equal(buf_cstr(&buf), content);
        assert_string_equal(error, "");
    } else {
        assert_non_null(strstr(error, path));
        assert_null(buf.ptr);
    }
    buf_done(&buf);
    unlink(path);
}

static void plain_and_packed_files_read_alike(void **state)
{
    (void)state;
    expect("cpu\n1\n", 6, 100, OK, "cpu\n1\n");
    expect(packed, sizeof(packed), 100, OK, "cpu\n1\n");
    expect("", 0, 100, OK, "");
}

static void a_file_is_bounded_by_what_is_in_it(void **state)
{
    (void)state;
    expect("cpu\n1\n", 6, 5, ERR_TOO_LARGE, NULL);
    expect(packed, sizeof(packed), 5, ERR_TOO_LARGE, NULL);
    expect(packed, sizeof(packed), 6, OK, "cpu\n1\n");
}

/* And not called a fault of the disk. */
static void damaged_packing_is_refused(void **state)
{
    (void)state;
    for (size_t cut = 1; cut <= 12; cut++) {
        char error[LAB_ERROR_MAX] = "";
        char path[32];
        struct buf buf = {0};
        write_file(path, packed, sizeof(packed) - cut);
        assert_int_equal(lab_file_read(path, 100, &buf, error), ERR_IO);
        assert_true(strstr(error, "truncated gzip input") != NULL ||
                    strstr(error, "it is damaged, or not all there") != NULL);
        unlink(path);
    }
}

static void a_missing_file_is_named(void **state)
{
    char error[LAB_ERROR_MAX];
    struct buf buf;
    (void)state;
    assert_int_equal(lab_file_read("/nowhere/x.csv", 9, &buf, error),
                     ERR_NOT_FOUND);
    assert_string_equal(error, "/nowhere/x.csv cannot be read: not found");
    assert_int_equal(lab_file_read("/", 9, &buf, error), ERR_IO);
    assert_string_equal(error, "/ cannot be read: it is a directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_and_packed_files_read_alike),
        cmocka_unit_test(a_file_is_bounded_by_what_is_in_it),
        cmocka_unit_test(damaged_packing_is_refused),
        cmocka_unit_test(a_missing_file_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
