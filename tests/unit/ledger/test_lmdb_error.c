/* What LMDB and the system say, in our words. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "ledger/disk/lmdb_error.h"

/* LMDB's own numbers, as its manual has them: its header has its home. */
enum {
    LMDB_NOTFOUND = -30798,
    LMDB_CORRUPTED = -30796,
    LMDB_VERSION_MISMATCH = -30794,
    LMDB_MAP_FULL = -30792,
    LMDB_READERS_FULL = -30790,
};

static void every_number_has_its_word(void **state)
{
    static const struct {
        int rc;
        enum err err;
    } words[] = {
        {0, OK},
        {LMDB_NOTFOUND, ERR_NOT_FOUND},
        {ENOENT, ERR_NOT_FOUND},
        {LMDB_MAP_FULL, ERR_MAP_FULL},
        {ENOSPC, ERR_FULL},
        {EDQUOT, ERR_FULL},
        {EFBIG, ERR_FULL},
        {LMDB_CORRUPTED, ERR_CORRUPT},
        {LMDB_VERSION_MISMATCH, ERR_VERSION},
        {ENOMEM, ERR_NOMEM},
        {EACCES, ERR_PERM},
        {EROFS, ERR_PERM},
        {EAGAIN, ERR_BUSY},
        {LMDB_READERS_FULL, ERR_BUSY},
        {EIO, ERR_IO},
        {-1, ERR_IO},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_int_equal(lmdb_error(words[i].rc), words[i].err);
        /* Where there is room a write's word is the same. */
        assert_int_equal(lmdb_write_error("/", words[i].rc), words[i].err);
    }
}

/* A file system without a free block: a short write was a full disk. */
static void a_short_write_where_there_is_no_room_is_a_full_disk(void **state)
{
    (void)state;
    if (access("/proc/self", F_OK) != 0)
        skip();
    assert_int_equal(lmdb_write_error("/proc", EIO), ERR_FULL);
    assert_int_equal(lmdb_write_error("/nowhere/at/all", EIO), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_has_its_word),
        cmocka_unit_test(a_short_write_where_there_is_no_room_is_a_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
