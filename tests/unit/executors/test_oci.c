#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "node/executors/sandbox/dir.h"
#include "node/executors/sandbox/oci_layer.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void a_digest_has_one_spelling(void **state)
{
    char digest[] = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef"
                    "0123456789abcdef";

    (void)state;
    assert_true(oci_digest_fits(digest));
    digest[10] = 'A';
    assert_false(oci_digest_fits(digest));
    assert_false(oci_digest_fits("sha256:12"));
    assert_false(oci_digest_fits("sha512:"));
    assert_false(oci_digest_fits("../x"));
}

static void climbing_is_seen_wherever_it_is(void **state)
{
    (void)state;
    assert_true(oci_climbs(".."));
    assert_true(oci_climbs("a/../b"));
    assert_true(oci_climbs("/../b"));
    assert_true(oci_climbs("a//.."));
    assert_false(oci_climbs("a..b/..c/d.."));
    assert_false(oci_climbs(""));
}

/* A tar of one entry. */
static void write_tar(const char *path, const char *name, unsigned type,
                      const char *hardlink, const char *text)
{
    struct archive *a = archive_write_new();
    struct archive_entry *entry = archive_entry_new();

    archive_write_set_format_pax_restricted(a);
    assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)strlen(text));
    if (hardlink != NULL)
        archive_entry_set_hardlink(entry, hardlink);
    assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
    if (*text != '\0')
        assert_true(archive_write_data(a, text, strlen(text)) > 0);
    archive_entry_free(entry);
    archive_write_close(a);
    archive_write_free(a);
}

static char tar[64];

static enum err check(const char *name, unsigned type, const char *hardlink,
                      const char *text)
{
    struct oci_limits limits = {.bytes_max = 10, .entries_max = 3};
    uint64_t entries = 2, bytes = 0;
    struct fail fail;

    write_tar(tar, name, type, hardlink, text);
    return oci_layer_check(tar, &limits, &entries, &bytes, &fail);
}

static void a_layer_is_looked_through(void **state)
{
    (void)state;
    assert_int_equal(check("usr/a", AE_IFREG, NULL, "12345"), OK);
    assert_int_equal(check("dev/sda", AE_IFBLK, NULL, ""), ERR_IMAGE);
    assert_int_equal(check("dev/mem", AE_IFCHR, NULL, ""), ERR_IMAGE);
    assert_int_equal(check("../x", AE_IFREG, NULL, "1"), ERR_IMAGE);
    assert_int_equal(check("x", AE_IFREG, "../../etc/passwd", ""), ERR_IMAGE);
    assert_int_equal(check("x", AE_IFREG, NULL, "12345678901"), ERR_TOO_LARGE);
}

static void entries_are_counted_over_all_layers(void **state)
{
    struct oci_limits limits = {.bytes_max = 100, .entries_max = 3};
    uint64_t entries = 0, bytes = 0;
    struct fail fail;

    (void)state;
    write_tar(tar, "a", AE_IFREG, NULL, "12345");
    for (int i = 0; i < 3; i++)
        assert_int_equal(oci_layer_check(tar, &limits, &entries, &bytes, &fail),
                         OK);
    assert_int_equal(bytes, 15);
    assert_int_equal(oci_layer_check(tar, &limits, &entries, &bytes, &fail),
                     ERR_TOO_LARGE);
}

static void what_is_no_tar_is_refused(void **state)
{
    struct oci_limits limits = {.bytes_max = 100, .entries_max = 3};
    uint64_t entries = 0, bytes = 0;
    struct fail fail;
    int fd = open(tar, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    (void)state;
    assert_true(write(fd, "nonsense, and more of it", 24) == 24);
    close(fd);
    assert_int_equal(oci_layer_check(tar, &limits, &entries, &bytes, &fail),
                     ERR_IMAGE);
}

static int make_name(void **state)
{
    (void)state;
    snprintf(tar, sizeof(tar), "/tmp/test-oci-%ld.tar", (long)getpid());
    return 0;
}

static int drop_name(void **state)
{
    (void)state;
    return unlink(tar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digest_has_one_spelling),
        cmocka_unit_test(climbing_is_seen_wherever_it_is),
        cmocka_unit_test(a_layer_is_looked_through),
        cmocka_unit_test(entries_are_counted_over_all_layers),
        cmocka_unit_test(what_is_no_tar_is_refused),
    };
    return cmocka_run_group_tests(tests, make_name, drop_name);
}
