/* What only a disk can do. */

#define _GNU_SOURCE /* unshare */

#include "fixture.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shop.h"

static void what_was_committed_is_there_after_reopening(void **state)
{
    struct shop s;
    (void)state;
    shop_open(&s, true);
    put(s.store, "a", "1");
    store_close(s.store);
    shop_open_dir(&s);
    assert_value(&s, "a", "1");
    shop_close(&s);
}

static void one_directory_is_opened_for_writing_once(void **state)
{
    struct store_options look = {.read_only = true, .map_bytes = 64u << 20};
    struct shop s;
    struct store *second = NULL;
    struct store *reader = NULL;
    (void)state;
    shop_open(&s, true);
    assert_int_equal(store_lmdb_open(s.dir, NULL, &second), ERR_BUSY);
    assert_null(second);
    put(s.store, "a", "1");
    pid_t child = fork();
    if (child == 0) {
        /* Another process may look, beside the writer. */
        struct bytes got;
        struct arena arena;
        arena_init(&arena, 1024);
        if (store_lmdb_open(s.dir, NULL, &second) != ERR_BUSY ||
            store_lmdb_open(s.dir, &look, &reader) != OK ||
            store_get(reader, STORE_STATE, BYTES_LIT("a"), &arena, &got) != OK)
            _exit(1);
        store_close(reader);
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    shop_close(&s);
}

static void a_reader_of_nothing_finds_nothing(void **state)
{
    struct store_options look = {.read_only = true};
    struct store *store = NULL;
    char dir[64];
    (void)state;
    temp_dir(dir);
    assert_int_equal(store_lmdb_open(dir, &look, &store), ERR_NOT_FOUND);
    remove_dir(dir);
    assert_int_equal(store_lmdb_open("/tmp/no/such/dir", NULL, &store),
                     ERR_NOT_FOUND);
}

static void overwrite(const char *dir, long at, const void *data, size_t len)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/data.mdb", dir);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fwrite(data, 1, len, file), len);
    fclose(file);
}

static void a_database_of_another_layout_is_called_that(void **state)
{
    struct store_options reads = {.read_only = true};
    struct shop s;
    struct store *other;
    uint8_t layout[4] = {2};
    (void)state;
    shop_open(&s, true);
    struct store_batch *batch = store_batch_new(1);
    store_batch_put(batch, STORE_META, BYTES_LIT("layout"), BYTES_OF(layout));
    assert_int_equal(store_commit(s.store, batch), OK);
    store_batch_free(batch);
    store_close(s.store);
    assert_int_equal(store_lmdb_open(s.dir, NULL, &other), ERR_VERSION);
    assert_int_equal(store_lmdb_open(s.dir, &reads, &other), ERR_VERSION);
    s.store = NULL;
    shop_close(&s);
}

static void a_file_that_is_no_database_is_called_corrupt(void **state)
{
    static const char junk[8192] = "not a database";
    struct shop s;
    (void)state;
    shop_open(&s, true);
    store_close(s.store);
    overwrite(s.dir, 0, junk, sizeof(junk));
    assert_int_equal(store_lmdb_open(s.dir, NULL, &s.store), ERR_CORRUPT);
    remove_dir(s.dir);
    arena_done(&s.arena);
}

static void a_file_cut_short_is_called_corrupt(void **state)
{
    char path[128];
    struct stat stat_buf;
    struct shop s;
    char key[16];
    (void)state;
    shop_open(&s, true);
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        put(s.store, key, "some value that takes a little room");
    }
    store_close(s.store);
    snprintf(path, sizeof(path), "%s/data.mdb", s.dir);
    assert_int_equal(stat(path, &stat_buf), 0);
    assert_int_equal(truncate(path, stat_buf.st_size - 8192), 0);
    assert_int_equal(store_lmdb_open(s.dir, NULL, &s.store), ERR_CORRUPT);
    remove_dir(s.dir);
    arena_done(&s.arena);
}

static void end_at_once(const char *dir)
{
    (void)dir;
    _exit(7);
}

static enum err look_at(void *ctx, struct bytes key, struct bytes value)
{
    (void)ctx;
    (void)key;
    (void)value;
    return OK;
}

/* Opens it, reads all there is, adds one: in a process of its own. */
static int use_in_child(const char *dir)
{
    struct store_options options = {.on_damage = end_at_once};
    struct store_range all = {.table = STORE_STATE};
    struct store *store;
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        if (store_lmdb_open(dir, &options, &store) != OK)
            _exit(1);
        if (store_each(store, &all, look_at, NULL) != OK)
            _exit(2);
        put(store, "one more", "value");
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* Whatever page is not what it was: the process ends with a word, or says that
 * it is corrupt, or does not need it. */
static void a_damaged_page_aborts_nothing(void **state)
{
    static const char zeros[4096];
    static char was[4096];
    char path[128];
    struct stat stat_buf;
    struct shop s;
    char key[16];
    unsigned told = 0;
    (void)state;
    shop_open(&s, true);
    for (int i = 0; i < 400; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        put(s.store, key, "some value that takes a little room");
    }
    store_close(s.store);
    snprintf(path, sizeof(path), "%s/data.mdb", s.dir);
    assert_int_equal(stat(path, &stat_buf), 0);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    for (long at = 2 * 4096; at + 4096 <= stat_buf.st_size; at += 4096) {
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        assert_int_equal(fread(was, 1, sizeof(was), file), sizeof(was));
        overwrite(s.dir, at, zeros, sizeof(zeros));
        int status = use_in_child(s.dir);
        assert_true(WIFEXITED(status));
        told += WEXITSTATUS(status) == 7;
        overwrite(s.dir, at, was, sizeof(was));
    }
    assert_true(told > 0);
    fclose(file);
    remove_dir(s.dir);
    arena_done(&s.arena);
}

/* What one commit takes at the end of the file and gives back is never written.
 */
static void pages_that_nobody_wrote_are_no_damage(void **state)
{
    char path[128];
    uint8_t key[8];
    uint8_t value[200] = {1};
    struct stat file;
    struct store_stat stat_buf;
    struct shop s;
    (void)state;
    shop_open(&s, true);
    for (unsigned round = 0; round < 4; round++) {
        struct store_batch *batch = store_batch_new(1);
        assert_non_null(batch);
        for (uint64_t i = 0; i < 500; i++) {
            u64be_put(key, i);
            store_batch_put(batch, STORE_STATE, BYTES_OF(key), BYTES_OF(value));
        }
        for (uint64_t i = 500; i-- > 5;) {
            u64be_put(key, i);
            store_batch_delete(batch, STORE_STATE, BYTES_OF(key));
        }
        assert_int_equal(store_commit(s.store, batch), OK);
        store_batch_free(batch);
    }
    assert_int_equal(store_stat(s.store, &stat_buf), OK);
    store_close(s.store);
    snprintf(path, sizeof(path), "%s/data.mdb", s.dir);
    assert_int_equal(stat(path, &file), 0);
    assert_true((uint64_t)file.st_size < stat_buf.used_bytes);
    shop_open_dir(&s);
    assert_int_equal(store_stat(s.store, &stat_buf), OK);
    assert_int_equal(stat_buf.entries[STORE_STATE], 5);
    put(s.store, "key", "value");
    assert_value(&s, "key", "value");
    shop_close(&s);
}

static void a_full_map_is_full_and_loses_nothing(void **state)
{
    static uint8_t big[64 * 1024];
    struct store_options small = {.map_bytes = 512 * 1024};
    struct shop s;
    struct store_batch *batch = NULL;
    unsigned kept = 0;
    enum err err = OK;
    (void)state;
    memset(&s, 0, sizeof(s));
    arena_init(&s.arena, 1u << 20);
    temp_dir(s.dir);
    assert_int_equal(store_lmdb_open(s.dir, &small, &s.store), OK);
    for (; err == OK; kept++) {
        uint8_t key = (uint8_t)kept;
        store_batch_free(batch);
        batch = store_batch_new(kept);
        store_batch_put(batch, STORE_BLOCK, bytes_make(&key, 1), BYTES_OF(big));
        err = store_commit(s.store, batch);
        assert_true(kept < 100);
    }
    assert_int_equal(err, ERR_MAP_FULL); /* not the disk's fault */
    assert_int_equal(store_commit(s.store, batch), ERR_MAP_FULL);
    store_close(s.store);
    shop_open_dir(&s); /* with more room the same batch goes in */
    for (unsigned i = 0; i + 1 < kept; i++) {
        uint8_t key = (uint8_t)i;
        struct bytes got;
        arena_reset(&s.arena);
        assert_int_equal(store_get(s.store, STORE_BLOCK, bytes_make(&key, 1),
                                   &s.arena, &got),
                         OK);
        assert_int_equal(got.len, sizeof(big));
    }
    assert_int_equal(store_commit(s.store, batch), OK);
    store_batch_free(batch);
    shop_close(&s);
}

/* The first up to four bytes of a value as a number. */
static uint32_t read_counter(struct store *store, const char *key)
{
    uint8_t raw[4] = {0};
    size_t len;
    assert_int_equal(
        store_read(store, STORE_STATE, bytes_str(key), raw, sizeof(raw), &len),
        OK);
    return u32le_get(raw);
}

/* ---- addresses ---- */

static uint64_t map_of(const char *dir)
{
    struct store *store = NULL;
    struct store_stat stat;
    if (store_lmdb_open(dir, NULL, &store) != OK)
        return 0;
    assert_int_equal(store_stat(store, &stat), OK);
    store_close(store);
    return stat.map_bytes;
}

static void a_large_database_reserves_more_than_a_small_one(void **state)
{
    char dir[64];
    char path[96];
    (void)state;
    temp_dir(dir);
    uint64_t small = map_of(dir);
    assert_true(small >= UINT64_C(1) << 30);
    snprintf(path, sizeof(path), "%s/data.mdb", dir);
    if (small == UINT64_C(1) << 40 && truncate(path, (off_t)300 << 30) == 0)
        assert_true(map_of(dir) >= (uint64_t)2 << 40);
    remove_dir(dir);
}

static void a_machine_with_few_addresses_reserves_what_there_is(void **state)
{
#ifdef __SANITIZE_ADDRESS__
    (void)state;
    skip(); /* it takes addresses itself, for every byte */
#else
    char dir[64];
    int status = 0;
    (void)state;
    temp_dir(dir);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit few = {(rlim_t)20 << 30, (rlim_t)20 << 30};
        if (setrlimit(RLIMIT_AS, &few) != 0)
            _exit(1);
        uint64_t map = map_of(dir);
        _exit(map >= UINT64_C(1) << 30 && map < (uint64_t)20 << 30 ? 0 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    remove_dir(dir);
#endif
}

/* ---- disks ---- */

/* A disk of one megabyte, in a child that has its own view of mounts. 77: this
 * machine lets us make none. */
static int run_out_of_disk(const char *dir)
{
    static uint8_t big[256 * 1024];
    char filler[96];
    struct shop s;
    struct store_batch *batch = store_batch_new(1);
    enum err err = OK;
    int flags = CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER);
    if (unshare(flags) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", dir, "tmpfs", 0, "size=1m") != 0)
        return 77;
    memset(&s, 0, sizeof(s));
    snprintf(s.dir, sizeof(s.dir), "%s", dir);
    shop_open_dir(&s);
    put(s.store, "kept", "1");
    snprintf(filler, sizeof(filler), "%s/filler", dir);
    FILE *file = fopen(filler, "wb");
    if (file == NULL || fwrite(big, 1, sizeof(big), file) != sizeof(big) ||
        fwrite(big, 1, sizeof(big), file) != sizeof(big))
        return 1;
    fclose(file);
    for (uint8_t i = 0; i < 2; i++)
        store_batch_put(batch, STORE_BLOCK, bytes_make(&i, 1), BYTES_OF(big));
    for (int i = 0; i < 3; i++) {
        if ((err = store_commit(s.store, batch)) != ERR_FULL)
            return 2;
    }
    /* Reading goes on, and with room again so does writing. */
    if (read_counter(s.store, "kept") != '1' || unlink(filler) != 0 ||
        store_commit(s.store, batch) != OK)
        return 3;
    store_batch_free(batch);
    store_close(s.store);
    shop_open_dir(&s);
    if (read_counter(s.store, "kept") != '1')
        return 4;
    store_close(s.store);
    return 0;
}

static void a_full_disk_is_full_and_the_batch_can_be_tried_again(void **state)
{
    char dir[64];
    int status = -1;
    (void)state;
    temp_dir(dir);
    pid_t child = fork();
    if (child == 0)
        _exit(run_out_of_disk(dir));
    assert_int_equal(waitpid(child, &status, 0), child);
    remove_dir(dir);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

struct writer {
    struct store *store;
    unsigned commits;
    enum err err;
};

static void *write_counters(void *arg)
{
    struct writer *writer = arg;
    for (unsigned i = 1; i <= writer->commits && writer->err == OK; i++) {
        struct store_batch *batch = store_batch_new(i);
        uint8_t raw[4];
        u32le_put(raw, i);
        store_batch_put(batch, STORE_STATE, BYTES_LIT("x"), BYTES_OF(raw));
        store_batch_put(batch, STORE_STATE, BYTES_LIT("y"), BYTES_OF(raw));
        writer->err = store_commit(writer->store, batch);
        store_batch_free(batch);
    }
    return NULL;
}

static void one_thread_reads_one_moment_while_another_commits(void **state)
{
    struct writer writer = {.commits = 300};
    struct shop s;
    pthread_t thread;
    uint32_t last = 0;
    (void)state;
    shop_open(&s, true);
    put(s.store, "x", "\1\0\0\0");
    writer.store = s.store;
    writer.commits = 1;
    write_counters(&writer);
    writer.commits = 300;
    assert_int_equal(pthread_create(&thread, NULL, write_counters, &writer), 0);
    while (last < 300) {
        assert_int_equal(store_hold(s.store), OK);
        uint32_t x = read_counter(s.store, "x");
        assert_int_equal(read_counter(s.store, "y"), x);
        assert_int_equal(read_counter(s.store, "x"), x);
        store_release(s.store);
        assert_true(x >= last);
        last = x;
    }
    pthread_join(thread, NULL);
    assert_int_equal(writer.err, OK);
    shop_close(&s);
}

/* The row of commit i in an index, in some slice of its keys. */
static struct bytes row_of(uint32_t i, uint8_t raw[5])
{
    raw[0] = (uint8_t)(i * 37);
    u32be_put(raw + 1, i);
    return bytes_make(raw, 5);
}

/* Each of 1 to `last` is there, and no other. */
static void assert_rows(struct store *store, uint32_t last)
{
    struct store_stat stat;
    assert_int_equal(store_stat(store, &stat), OK);
    assert_int_equal(stat.entries[STORE_TX], last);
    for (uint32_t i = 1; i <= last; i++) {
        uint8_t key[5];
        uint8_t raw[4];
        size_t len;
        assert_int_equal(
            store_read(store, STORE_TX, row_of(i, key), raw, sizeof(raw), &len),
            OK);
        assert_int_equal(u32le_get(raw), i);
    }
}

/* A child commits numbered pairs as fast as it can, with a row of an index for
 * each, and is killed at a random moment. Whatever the moment: both of a pair
 * and its row are there or none, and all that it said was committed is. */
static void commit_until_killed(const char *dir, int said)
{
    struct store *store;
    if (store_lmdb_open(dir, NULL, &store) != OK)
        _exit(1);
    for (uint32_t i = 1;; i++) {
        struct store_batch *batch = store_batch_new(i);
        uint8_t raw[4];
        u32le_put(raw, i);
        store_batch_put(batch, STORE_STATE, BYTES_LIT("x"), BYTES_OF(raw));
        store_batch_put(batch, STORE_PAGE, BYTES_LIT("y"), BYTES_OF(raw));
        uint8_t key[5];
        store_batch_put(batch, STORE_TX, row_of(i, key), BYTES_OF(raw));
        if (store_commit(store, batch) != OK)
            _exit(1);
        store_batch_free(batch);
        if (write(said, raw, sizeof(raw)) != sizeof(raw))
            _exit(1);
    }
}

static uint32_t last_said(int fd)
{
    uint8_t raw[4];
    uint32_t last = 0;
    while (read(fd, raw, sizeof(raw)) == sizeof(raw))
        last = u32le_get(raw);
    return last;
}

static void a_killed_writer_leaves_whole_commits(void **state)
{
    uint64_t seed = 5;
    (void)state;
    for (int round = 0; round < 8; round++) {
        struct shop s;
        int ends[2];
        uint8_t x[4];
        uint8_t y[4];
        size_t len;
        memset(&s, 0, sizeof(s));
        temp_dir(s.dir);
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0)
            commit_until_killed(s.dir, ends[1]);
        close(ends[1]);
        /* The first commit, then a few milliseconds more. */
        assert_int_equal(read(ends[0], x, sizeof(x)), sizeof(x));
        usleep((useconds_t)(test_random(&seed) % 20000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        uint32_t said = last_said(ends[0]);
        close(ends[0]);
        shop_open_dir(&s);
        assert_int_equal(store_read(s.store, STORE_STATE, BYTES_LIT("x"), x,
                                    sizeof(x), &len),
                         OK);
        assert_int_equal(
            store_read(s.store, STORE_PAGE, BYTES_LIT("y"), y, sizeof(y), &len),
            OK);
        assert_memory_equal(x, y, sizeof(x));
        assert_true(u32le_get(x) >= said);
        assert_rows(s.store, u32le_get(x));
        shop_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_committed_is_there_after_reopening),
        cmocka_unit_test(one_directory_is_opened_for_writing_once),
        cmocka_unit_test(a_reader_of_nothing_finds_nothing),
        cmocka_unit_test(a_database_of_another_layout_is_called_that),
        cmocka_unit_test(a_file_that_is_no_database_is_called_corrupt),
        cmocka_unit_test(a_file_cut_short_is_called_corrupt),
        cmocka_unit_test(a_damaged_page_aborts_nothing),
        cmocka_unit_test(pages_that_nobody_wrote_are_no_damage),
        cmocka_unit_test(a_full_map_is_full_and_loses_nothing),
        cmocka_unit_test(a_large_database_reserves_more_than_a_small_one),
        cmocka_unit_test(a_machine_with_few_addresses_reserves_what_there_is),
        cmocka_unit_test(a_full_disk_is_full_and_the_batch_can_be_tried_again),
        cmocka_unit_test(one_thread_reads_one_moment_while_another_commits),
        cmocka_unit_test(a_killed_writer_leaves_whole_commits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
