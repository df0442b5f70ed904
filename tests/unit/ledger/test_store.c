/* One suite for both back ends. What only a disk can do is in
 * test_store_lmdb.c. */

#include "fixture.h"

#include "ledger/disk/store_backend.h"
#include "shop.h"

/* state: which back end, by prestate. */
static bool on_disk(void **state)
{
    return *state != NULL;
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

/* ---- what was there before ---- */

static void assert_note(struct shop *s, enum store_table table, const char *key,
                        const char *want)
{
    uint8_t raw[STORE_KEY_MAX];
    struct bytes got;
    enum err err =
        store_get(s->store, STORE_UNDO,
                  store_undo_key(table, bytes_str(key), raw), &s->arena, &got);
    if (want == NULL) {
        assert_int_equal(err, ERR_NOT_FOUND);
        return;
    }
    assert_int_equal(err, OK);
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.ptr, want, got.len);
}

static void commit_op(struct shop *s, enum store_table table, const char *key,
                      const char *value, bool keeps)
{
    struct store_batch *batch = store_batch_new(1);
    if (keeps)
        store_batch_keep_old(batch);
    if (value != NULL)
        store_batch_put(batch, table, bytes_str(key), bytes_str(value));
    else
        store_batch_delete(batch, table, bytes_str(key));
    assert_int_equal(store_commit(s->store, batch), OK);
    store_batch_free(batch);
}

static void what_was_there_before_is_noted_once(void **state)
{
    struct shop s;
    struct store_batch *batch;
    (void)state;
    shop_open(&s, on_disk(state));
    commit_op(&s, STORE_STATE, "a", "one", false);
    assert_note(&s, STORE_STATE, "a", NULL);
    commit_op(&s, STORE_STATE, "a", "two", true);
    commit_op(&s, STORE_STATE, "a", "three", true);
    commit_op(&s, STORE_STATE, "a", NULL, true);
    assert_note(&s, STORE_STATE, "a", "\1one");
    /* What was not there; in the same batch twice; under the same key in
     * another table; in a table of which nothing is noted. */
    batch = store_batch_new(1);
    store_batch_keep_old(batch);
    store_batch_put(batch, STORE_PAGE, BYTES_LIT("new"), BYTES_LIT("1"));
    store_batch_put(batch, STORE_PAGE, BYTES_LIT("new"), BYTES_LIT("2"));
    store_batch_delete(batch, STORE_PATH, BYTES_LIT("never"));
    store_batch_put(batch, STORE_PATH, BYTES_LIT("a"), BYTES_LIT("p"));
    store_batch_put(batch, STORE_BLOCK, BYTES_LIT("b"), BYTES_LIT("x"));
    assert_int_equal(store_commit(s.store, batch), OK);
    store_batch_free(batch);
    uint8_t raw[STORE_KEY_MAX];
    uint8_t note[8];
    size_t len = 0;
    static const struct {
        enum store_table table;
        const char *key;
    } absent[] = {
        {STORE_PAGE, "new"}, {STORE_PATH, "never"}, {STORE_PATH, "a"}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(
            store_read(
                s.store, STORE_UNDO,
                store_undo_key(absent[i].table, bytes_str(absent[i].key), raw),
                note, sizeof(note), &len),
            OK);
        assert_int_equal(len, 1);
        assert_int_equal(note[0], 0);
    }
    assert_note(&s, STORE_BLOCK, "b", NULL);
    assert_note(&s, STORE_STATE, "a", "\1one");
    shop_close(&s);
}

static void a_table_is_cleared_before_what_follows(void **state)
{
    struct shop s;
    struct store_stat stat;
    struct store_batch *batch = store_batch_new(1);
    (void)state;
    shop_open(&s, on_disk(state));
    commit_op(&s, STORE_STATE, "a", "one", false);
    commit_op(&s, STORE_STATE, "a", "two", true);
    commit_op(&s, STORE_STATE, "b", "two", true);
    store_batch_clear(batch, STORE_UNDO);
    store_batch_keep_old(batch);
    store_batch_put(batch, STORE_STATE, BYTES_LIT("a"), BYTES_LIT("three"));
    assert_int_equal(store_commit(s.store, batch), OK);
    store_batch_free(batch);
    assert_note(&s, STORE_STATE, "a", "\1two");
    assert_note(&s, STORE_STATE, "b", NULL);
    assert_value(&s, "a", "three");
    assert_value(&s, "b", "two");
    assert_int_equal(store_stat(s.store, &stat), OK);
    assert_int_equal(stat.entries[STORE_UNDO], 1);
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

/* ---- tables whose changes wait on sheets ---- */

#define ROWS 96u

/* What an index should hold: 0 is absent. */
struct index {
    enum store_table table;
    uint32_t rows[ROWS];
};

/* In every slice, several under one first byte. */
static struct bytes row_key(unsigned i, uint8_t raw[3])
{
    raw[0] = (uint8_t)(i / 3 * 8);
    raw[1] = (uint8_t)(i % 3 * 100);
    raw[2] = 7;
    return bytes_make(raw, i % 3 == 0 ? 1 : 3);
}

static void change_index(struct store_batch *batch, struct index *index,
                         uint64_t *seed)
{
    for (uint64_t n = test_random(seed) % 12; n > 0; n--) {
        unsigned i = (unsigned)(test_random(seed) % ROWS);
        uint32_t value = (uint32_t)(test_random(seed) % 3);
        uint8_t key[3];
        uint8_t raw[4];
        index->rows[i] = value;
        u32le_put(raw, value);
        if (value == 0)
            store_batch_delete(batch, index->table, row_key(i, key));
        else
            store_batch_put(batch, index->table, row_key(i, key),
                            BYTES_OF(raw));
    }
    if (test_random(seed) % 60 == 0) {
        store_batch_clear(batch, index->table);
        memset(index->rows, 0, sizeof(index->rows));
    }
}

/* The rows that a range should tell of, in its direction. */
struct expected {
    const struct index *index;
    const struct store_range *range;
    int at;
};

static bool is_in(const struct store_range *range, struct bytes key)
{
    int order = bytes_compare(key, range->from);
    return store_range_has(range, key) &&
           (range->from.len == 0 || (range->down ? order <= 0 : order >= 0));
}

static bool next_expected(struct expected *e)
{
    uint8_t key[3];
    for (e->at += e->range->down ? -1 : 1; e->at >= 0 && e->at < (int)ROWS;
         e->at += e->range->down ? -1 : 1) {
        if (e->index->rows[e->at] != 0 &&
            is_in(e->range, row_key((unsigned)e->at, key)))
            return true;
    }
    return false;
}

static enum err take_row(void *ctx, struct bytes key, struct bytes value)
{
    struct expected *e = ctx;
    uint8_t raw[3];
    assert_true(next_expected(e));
    assert_true(bytes_equal(key, row_key((unsigned)e->at, raw)));
    assert_int_equal(value.len, 4);
    assert_int_equal(u32le_get(value.ptr), e->index->rows[e->at]);
    return OK;
}

static void check_range(struct store *store, const struct index *index,
                        const struct store_range *range)
{
    struct expected e = {index, range, range->down ? (int)ROWS : -1};
    assert_int_equal(store_each(store, range, take_row, &e), OK);
    assert_false(next_expected(&e));
}

static void check_index(struct store *store, const struct index *index,
                        uint64_t *seed)
{
    uint8_t key[3];
    uint8_t prefix[3];
    unsigned from = (unsigned)(test_random(seed) % ROWS);
    for (unsigned i = 0; i < ROWS; i++) {
        uint8_t raw[4] = {0};
        size_t len;
        enum err err = store_read(store, index->table, row_key(i, key), raw,
                                  sizeof(raw), &len);
        assert_int_equal(err, index->rows[i] == 0 ? ERR_NOT_FOUND : OK);
        assert_int_equal(u32le_get(raw), index->rows[i]);
    }
    for (int down = 0; down < 2; down++) {
        struct store_range all = {.table = index->table, .down = down};
        struct store_range some = all;
        struct store_range one = all;
        some.from = row_key(from, key);
        one.prefix = bytes_make(row_key(from / 3 * 3, prefix).ptr, 1);
        check_range(store, index, &all);
        check_range(store, index, &some);
        check_range(store, index, &one);
        one.from = some.from;
        check_range(store, index, &one);
    }
}

static void shop_reopen(struct shop *s)
{
    store_close(s->store);
    shop_open_dir(s);
}

static void indexes_hold_what_an_array_says(void **state)
{
    struct index indexes[] = {{.table = STORE_TX},
                              {.table = STORE_ACCOUNT_TX},
                              {.table = STORE_SUBJECT_TX},
                              {.table = STORE_BLOCK_ID}};
    struct shop s;
    uint64_t seed = 23;
    (void)state;
    shop_open(&s, on_disk(state));
    for (int step = 0; step < 250; step++) {
        struct store_batch *batch = store_batch_new(1);
        for (unsigned i = 0; i < 4; i++) {
            if (test_random(&seed) % 5 != 0)
                change_index(batch, &indexes[i], &seed);
        }
        assert_int_equal(store_commit(s.store, batch), OK);
        store_batch_free(batch);
        if (s.dir[0] != 0 && step % 9 == 8)
            shop_reopen(&s);
        for (unsigned i = 0; i < 4; i++)
            check_index(s.store, &indexes[i], &seed);
    }
    shop_close(&s);
}

/* One new row a batch, more batches than sheets. */
static void rows_that_wait_are_counted(void **state)
{
    struct shop s;
    struct store_stat stat;
    (void)state;
    shop_open(&s, on_disk(state));
    for (unsigned i = 0; i < 60; i++) {
        struct store_batch *batch = store_batch_new(1);
        uint8_t key[3] = {(uint8_t)(i * 37), (uint8_t)i, 1};
        store_batch_put(batch, STORE_TX, BYTES_OF(key), BYTES_LIT("place"));
        store_batch_put(batch, STORE_TX, BYTES_OF(key), BYTES_LIT("other"));
        key[2] = 2;
        if (i % 2 == 0)
            store_batch_put(batch, STORE_TX, BYTES_OF(key), BYTES_LIT("more"));
        assert_int_equal(store_commit(s.store, batch), OK);
        store_batch_free(batch);
        assert_int_equal(store_stat(s.store, &stat), OK);
        assert_int_equal(stat.entries[STORE_TX], i + 1 + i / 2 + 1);
        assert_int_equal(stat.entries[STORE_ACCOUNT_TX], 0);
    }
    shop_close(&s);
}

/* What a reader sees is one moment, wherever the rows lie by now. */
static void a_reader_finds_what_waited_in_its_moment(void **state)
{
    struct shop s;
    struct store *reader;
    uint8_t key[2] = {0x10, 0};
    uint8_t raw[8];
    size_t len;
    (void)state;
    shop_open(&s, on_disk(state));
    assert_int_equal(store_reader(s.store, &reader), OK);
    for (unsigned i = 0; i < 40; i++) {
        struct store_batch *batch = store_batch_new(1);
        key[1] = (uint8_t)i;
        store_batch_put(batch, STORE_TX, BYTES_OF(key), BYTES_LIT("here"));
        if (s.dir[0] != 0)
            assert_int_equal(store_hold(reader), OK);
        assert_int_equal(store_commit(s.store, batch), OK);
        store_batch_free(batch);
        for (unsigned k = 0; k <= i; k++) {
            key[1] = (uint8_t)k;
            bool seen = k < i || s.dir[0] == 0;
            assert_int_equal(store_read(reader, STORE_TX, BYTES_OF(key), raw,
                                        sizeof(raw), &len),
                             seen ? OK : ERR_NOT_FOUND);
        }
        if (s.dir[0] != 0)
            store_release(reader);
    }
    store_close(reader);
    shop_close(&s);
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
        BOTH(what_was_there_before_is_noted_once),
        BOTH(a_table_is_cleared_before_what_follows),
        BOTH(a_walk_may_read),
        BOTH(a_second_reader_has_moments_of_its_own),
        BOTH(the_stat_counts_what_is_there),
        BOTH(a_batch_too_large_says_so_and_changes_nothing),
        BOTH(random_batches_leave_what_an_array_says),
        BOTH(indexes_hold_what_an_array_says),
        BOTH(rows_that_wait_are_counted),
        BOTH(a_reader_finds_what_waited_in_its_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
