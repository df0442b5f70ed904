/* One suite for both back ends, then what only a disk can do. */

#define _GNU_SOURCE /* unshare */

#include "fixture.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"

struct shop {
    struct store *store;
    struct arena arena;
    char dir[64]; /* "": memory */
};

static void shop_open_dir(struct shop *s)
{
    struct store_options options = {.map_bytes = 64u << 20};
    assert_int_equal(store_lmdb_open(s->dir, &options, &s->store), OK);
}

static void shop_open(struct shop *s, bool on_disk)
{
    memset(s, 0, sizeof(*s));
    arena_init(&s->arena, 1u << 20);
    if (on_disk) {
        temp_dir(s->dir);
        shop_open_dir(s);
    } else {
        assert_int_equal(store_mem_new(&s->store), OK);
    }
}

static void shop_close(struct shop *s)
{
    store_close(s->store);
    arena_done(&s->arena);
    if (s->dir[0] != 0)
        remove_dir(s->dir);
}

/* state: which back end, by prestate. */
static bool on_disk(void **state)
{
    return *state != NULL;
}

static void put(struct store *store, const char *key, const char *value)
{
    struct store_batch *batch = store_batch_new(1);
    assert_non_null(batch);
    store_batch_put(batch, STORE_STATE, bytes_str(key), bytes_str(value));
    assert_int_equal(store_commit(store, batch), OK);
    store_batch_free(batch);
}

static void assert_value(struct shop *s, const char *key, const char *value)
{
    struct bytes got;
    assert_int_equal(
        store_get(s->store, STORE_STATE, bytes_str(key), &s->arena, &got), OK);
    assert_true(bytes_equal(got, bytes_str(value)));
}

static void assert_absent(struct shop *s, const char *key)
{
    struct bytes got;
    assert_int_equal(
        store_get(s->store, STORE_STATE, bytes_str(key), &s->arena, &got),
        ERR_NOT_FOUND);
}

static void a_batch_is_seen_whole_after_its_commit(void **state)
{
    struct shop s;
    struct store_batch *batch = store_batch_new(42);
    (void)state;
    shop_open(&s, on_disk(state));
    put(s.store, "gone", "old");
    store_batch_put(batch, STORE_STATE, BYTES_LIT("a"), BYTES_LIT("1"));
    store_batch_put(batch, STORE_STATE, BYTES_LIT("b"), BYTES_LIT(""));
    store_batch_put(batch, STORE_STATE, BYTES_LIT("a"), BYTES_LIT("2"));
    store_batch_delete(batch, STORE_STATE, BYTES_LIT("gone"));
    store_batch_delete(batch, STORE_STATE, BYTES_LIT("never"));
    assert_int_equal(store_batch_height(batch), 42);
    assert_absent(&s, "a");
    assert_int_equal(store_commit(s.store, batch), OK);
    store_batch_free(batch);
    assert_value(&s, "a", "2"); /* the last word counts */
    assert_value(&s, "b", "");
    assert_absent(&s, "gone");
    shop_close(&s);
}

static void tables_do_not_mix(void **state)
{
    struct shop s;
    struct bytes got;
    struct store_batch *batch = store_batch_new(1);
    (void)state;
    shop_open(&s, on_disk(state));
    for (unsigned t = 0; t < STORE_TABLES; t++) {
        uint8_t value = (uint8_t)t;
        store_batch_put(batch, (enum store_table)t, BYTES_LIT("key"),
                        bytes_make(&value, 1));
    }
    assert_int_equal(store_commit(s.store, batch), OK);
    store_batch_free(batch);
    for (unsigned t = 0; t < STORE_TABLES; t++) {
        assert_int_equal(store_get(s.store, (enum store_table)t,
                                   BYTES_LIT("key"), &s.arena, &got),
                         OK);
        assert_int_equal(got.len, 1);
        assert_int_equal(got.ptr[0], t);
    }
    shop_close(&s);
}

static void a_read_into_too_little_memory_is_refused(void **state)
{
    struct shop s;
    char raw[4] = "----";
    size_t len = 9;
    (void)state;
    shop_open(&s, on_disk(state));
    put(s.store, "k", "value");
    assert_int_equal(store_read(s.store, STORE_STATE, BYTES_LIT("k"), raw,
                                sizeof(raw), &len),
                     ERR_CORRUPT);
    assert_int_equal(len, 9);
    assert_memory_equal(raw, "----", 4);
    put(s.store, "k", "four");
    assert_int_equal(store_read(s.store, STORE_STATE, BYTES_LIT("k"), raw,
                                sizeof(raw), &len),
                     OK);
    assert_int_equal(len, 4);
    assert_memory_equal(raw, "four", 4);
    shop_close(&s);
}

struct walk {
    char keys[256];
    unsigned stop_after;
};

static enum err note_key(void *ctx, struct bytes key, struct bytes value)
{
    struct walk *walk = ctx;
    size_t len = strlen(walk->keys);
    assert_true(key.len < 200 && value.len > 0);
    memcpy(walk->keys + len, key.ptr, key.len);
    memcpy(walk->keys + len + key.len, " ", 2);
    if (walk->stop_after > 0 && --walk->stop_after == 0)
        return ERR_EXPIRED;
    return OK;
}

static void assert_walk(struct shop *s, const char *prefix, const char *from,
                        bool down, const char *want)
{
    struct walk walk = {0};
    struct store_range range = {.table = STORE_STATE,
                                .prefix = bytes_str(prefix),
                                .from = bytes_str(from),
                                .down = down};
    assert_int_equal(store_each(s->store, &range, note_key, &walk), OK);
    assert_string_equal(walk.keys, want);
}

static void ranges_go_both_ways_and_keep_to_their_prefix(void **state)
{
    static const char *const keys[] = {"b", "a2", "a", "a21", "a3", "c"};
    struct shop s;
    struct walk walk = {.stop_after = 2};
    struct store_range all = {.table = STORE_STATE};
    (void)state;
    shop_open(&s, on_disk(state));
    assert_walk(&s, "", "", false, "");
    assert_walk(&s, "", "", true, "");
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        put(s.store, keys[i], "v");
    assert_walk(&s, "", "", false, "a a2 a21 a3 b c ");
    assert_walk(&s, "", "", true, "c b a3 a21 a2 a ");
    assert_walk(&s, "a", "", false, "a a2 a21 a3 ");
    assert_walk(&s, "a", "", true, "a3 a21 a2 a ");
    assert_walk(&s, "a2", "", true, "a21 a2 ");
    assert_walk(&s, "a", "a21", false, "a21 a3 ");
    assert_walk(&s, "a", "a21", true, "a21 a2 a ");
    assert_walk(&s, "a", "a22", true, "a21 a2 a ");
    assert_walk(&s, "a", "a22", false, "a3 ");
    assert_walk(&s, "a", "a4", true, "a3 a21 a2 a ");
    assert_walk(&s, "a", "a4", false, "");
    assert_walk(&s, "c", "c5", true, "c ");
    assert_walk(&s, "d", "", true, "");
    assert_walk(&s, "d", "", false, "");
    assert_int_equal(store_each(s.store, &all, note_key, &walk), ERR_EXPIRED);
    assert_string_equal(walk.keys, "a a2 ");
    shop_close(&s);
}

static enum err read_inside(void *ctx, struct bytes key, struct bytes value)
{
    struct shop *s = ctx;
    struct bytes got;
    TRY(store_get(s->store, STORE_STATE, key, &s->arena, &got));
    return bytes_equal(got, value) ? OK : ERR_CORRUPT;
}

static void a_walk_may_read(void **state)
{
    struct shop s;
    struct store_range all = {.table = STORE_STATE};
    (void)state;
    shop_open(&s, on_disk(state));
    put(s.store, "a", "1");
    put(s.store, "b", "2");
    assert_int_equal(store_each(s.store, &all, read_inside, &s), OK);
    shop_close(&s);
}

static void a_second_reader_has_moments_of_its_own(void **state)
{
    struct shop s;
    struct store *second;
    struct bytes got;
    (void)state;
    shop_open(&s, on_disk(state));
    put(s.store, "a", "1");
    assert_int_equal(store_reader(s.store, &second), OK);
    put(s.store, "a", "2");
    assert_int_equal(
        store_get(second, STORE_STATE, BYTES_LIT("a"), &s.arena, &got), OK);
    assert_true(bytes_equal(got, BYTES_LIT("2")));
    if (on_disk(state)) {
        assert_int_equal(store_hold(second), OK);
        put(s.store, "a", "3");
        assert_value(&s, "a", "3");
        assert_int_equal(
            store_get(second, STORE_STATE, BYTES_LIT("a"), &s.arena, &got), OK);
        assert_true(bytes_equal(got, BYTES_LIT("2")));
        store_release(second);
    }
    store_close(second);
    put(s.store, "a", "4"); /* the first goes on */
    assert_value(&s, "a", "4");
    shop_close(&s);
}

static void the_stat_counts_what_is_there(void **state)
{
    struct shop s;
    struct store_stat stat;
    (void)state;
    shop_open(&s, on_disk(state));
    put(s.store, "a", "1");
    put(s.store, "b", "2");
    put(s.store, "b", "3");
    assert_int_equal(store_stat(s.store, &stat), OK);
    assert_int_equal(stat.entries[STORE_STATE], 2);
    assert_int_equal(stat.entries[STORE_BLOCK], 0);
    assert_true(stat.used_bytes > 0);
    store_check_readers(s.store);
    shop_close(&s);
}

static void a_batch_too_large_says_so_and_changes_nothing(void **state)
{
    static uint8_t big[32u << 20];
    struct shop s;
    struct store_batch *batch = store_batch_new(1);
    (void)state;
    shop_open(&s, on_disk(state));
    for (int i = 0; i < 9; i++)
        store_batch_put(batch, STORE_STATE, BYTES_LIT("k"), BYTES_OF(big));
    assert_int_equal(store_batch_error(batch), ERR_TOO_LARGE);
    assert_int_equal(store_commit(s.store, batch), ERR_TOO_LARGE);
    store_batch_free(batch);
    assert_absent(&s, "k");
    shop_close(&s);
}

/* Random batches against a plain array: the suite that both must pass alike. */
static void random_batches_leave_what_an_array_says(void **state)
{
    enum { KEYS = 64 };
    struct shop s;
    uint32_t want[KEYS] = {0}; /* 0: absent */
    uint64_t seed = 17;
    (void)state;
    shop_open(&s, on_disk(state));
    for (int step = 0; step < 60; step++) {
        struct store_batch *batch = store_batch_new(1);
        for (uint64_t n = test_random(&seed) % 20; n > 0; n--) {
            uint8_t key = (uint8_t)(test_random(&seed) % KEYS);
            uint8_t raw[4];
            want[key] = (uint32_t)(test_random(&seed) % 3);
            u32le_put(raw, want[key]);
            if (want[key] == 0)
                store_batch_delete(batch, STORE_PAGE, bytes_make(&key, 1));
            else
                store_batch_put(batch, STORE_PAGE, bytes_make(&key, 1),
                                BYTES_OF(raw));
        }
        assert_int_equal(store_commit(s.store, batch), OK);
        store_batch_free(batch);
        for (unsigned k = 0; k < KEYS; k++) {
            uint8_t key = (uint8_t)k;
            uint8_t raw[4] = {0};
            size_t len;
            enum err err = store_read(s.store, STORE_PAGE, bytes_make(&key, 1),
                                      raw, sizeof(raw), &len);
            assert_int_equal(err, want[k] == 0 ? ERR_NOT_FOUND : OK);
            assert_int_equal(u32le_get(raw), want[k]);
        }
    }
    shop_close(&s);
}

/* ---- the disk alone ---- */

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
    assert_int_equal(err, ERR_FULL);
    assert_int_equal(store_commit(s.store, batch), ERR_FULL);
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
        assert_true(x >= last || x == 1);
        last = x;
    }
    pthread_join(thread, NULL);
    assert_int_equal(writer.err, OK);
    shop_close(&s);
}

/* A child commits numbered pairs as fast as it can and is killed at a random
 * moment. Whatever the moment: both of a pair are there or none, and all that
 * it said was committed is. */
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
        shop_close(&s);
    }
}

static int disk_flag;
#define BOTH(test)                                                             \
    {#test " (memory)", test, NULL, NULL, NULL},                               \
    {                                                                          \
#test " (disk)", test, NULL, NULL, &disk_flag                          \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_batch_is_seen_whole_after_its_commit),
        BOTH(tables_do_not_mix),
        BOTH(a_read_into_too_little_memory_is_refused),
        BOTH(ranges_go_both_ways_and_keep_to_their_prefix),
        BOTH(a_walk_may_read),
        BOTH(a_second_reader_has_moments_of_its_own),
        BOTH(the_stat_counts_what_is_there),
        BOTH(a_batch_too_large_says_so_and_changes_nothing),
        BOTH(random_batches_leave_what_an_array_says),
        cmocka_unit_test(what_was_committed_is_there_after_reopening),
        cmocka_unit_test(one_directory_is_opened_for_writing_once),
        cmocka_unit_test(a_reader_of_nothing_finds_nothing),
        cmocka_unit_test(a_file_that_is_no_database_is_called_corrupt),
        cmocka_unit_test(a_file_cut_short_is_called_corrupt),
        cmocka_unit_test(a_full_map_is_full_and_loses_nothing),
        cmocka_unit_test(a_full_disk_is_full_and_the_batch_can_be_tried_again),
        cmocka_unit_test(one_thread_reads_one_moment_while_another_commits),
        cmocka_unit_test(a_killed_writer_leaves_whole_commits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
