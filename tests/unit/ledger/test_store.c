/* One suite for both back ends. What only a disk can do is in
 * test_store_lmdb.c. */

#include "fixture.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
