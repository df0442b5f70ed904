/* The walk that makes one state tree into another: whatever it starts from,
 * however often it is interrupted, and whoever lies to it. */

#include "fixture.h"

#include "ledger/state/overlay.h"
#include "ledger/state/smt_page.h"
#include "ledger/chain/sync.h"

/* ---- a state that changes ---- */

struct land {
    struct store *store;
    struct state *ground;
    struct hash root;
};

static const struct hash chain = {{7, 7}};

static void land_open(struct land *land)
{
    assert_int_equal(store_mem_new(&land->store), OK);
    assert_int_equal(state_ground(land->store, &chain, &land->ground), OK);
    memset(&land->root, 0, sizeof(land->root));
}

static void land_close(struct land *land)
{
    state_free(land->ground);
    store_close(land->store);
}

static void key_of(uint64_t number, uint8_t key[8])
{
    u64be_put(key, number);
}

/* `count` records out of `range` are put or deleted. */
static void land_change(struct land *land, uint64_t *seed, unsigned count,
                        uint64_t range, unsigned deletes)
{
    struct state *next;
    struct store_batch *batch = store_batch_new(0);
    assert_non_null(batch);
    assert_int_equal(state_fork(land->ground, &next), OK);
    for (unsigned i = 0; i < count; i++) {
        uint8_t key[8];
        uint8_t value[40];
        key_of(test_random(seed) % range, key);
        memset(value, (int)(test_random(seed) % 5), sizeof(value));
        if (test_random(seed) % 100 < deletes)
            assert_int_equal(state_delete(next, STATE_CONTRACT, BYTES_OF(key)),
                             OK);
        else
            assert_int_equal(state_put(next, STATE_CONTRACT, BYTES_OF(key),
                                       bytes_make(value, 8 + i % 32)),
                             OK);
    }
    assert_int_equal(state_seal(next, amount_micro(0), &land->root), OK);
    state_to_batch(next, batch);
    assert_int_equal(store_commit(land->store, batch), OK);
    store_batch_free(batch);
    state_free(next);
}

/* ---- one who gives its pages ---- */

static void give_page(struct land *land, struct bytes key, struct arena *arena,
                      struct sx_page_item *item)
{
    struct smt_page page;
    struct hash path = {{0}};
    memset(item, 0, sizeof(*item));
    memcpy(path.b, key.ptr + 1, key.len - 1);
    assert_int_equal(
        store_get(land->store, STORE_PAGE, key, arena, &item->page), OK);
    assert_int_equal(smt_page_decode(item->page, &path, 4u * key.ptr[0], &page),
                     OK);
    for (unsigned i = 0; i < SMT_SLOTS; i++) {
        if (page.slots[i].kind != SMT_LEAF)
            continue;
        struct bytes *record = &item->keys[item->count];
        assert_int_equal(store_get(land->store, STORE_PATH,
                                   hash_as_bytes(&page.slots[i].hash), arena,
                                   record),
                         OK);
        assert_int_equal(store_get(land->store, STORE_STATE, *record, arena,
                                   &item->values[item->count++]),
                         OK);
    }
}

static struct bytes packed(const struct sx_page_item *item, struct arena *arena)
{
    struct buf buf;
    struct bytes copy = {NULL, 0};
    buf_init(&buf, 1u << 20);
    sx_page_item_encode(item, &buf);
    assert_int_equal(arena_copy(arena, buf_bytes(&buf), &copy), OK);
    buf_done(&buf);
    return copy;
}

static void give(struct land *land, const struct bytes *keys, uint32_t count,
                 struct arena *arena, struct bytes *items)
{
    for (uint32_t i = 0; i < count; i++) {
        struct sx_page_item item;
        give_page(land, keys[i], arena, &item);
        items[i] = packed(&item, arena);
    }
}

/* ---- one who fetches them ---- */

struct taker {
    struct store *store;
    struct sync *sync;
    uint32_t number;
    struct arena arena;
    unsigned asked; /* pages */
    unsigned commits;
};

static void taker_open(struct taker *t, struct store *store)
{
    memset(t, 0, sizeof(*t));
    t->store = store;
    arena_init(&t->arena, 16u << 20);
    assert_int_equal(sync_new(store, &chain, &t->sync), OK);
}

static void taker_close(struct taker *t)
{
    sync_free(t->sync);
    arena_done(&t->arena);
}

/* The process ends; what was committed stays. */
static void taker_crash(struct taker *t)
{
    sync_free(t->sync);
    assert_int_equal(sync_new(t->store, &chain, &t->sync), OK);
}

static void commit(struct taker *t, struct store_batch *batch)
{
    assert_int_equal(store_commit(t->store, batch), OK);
    store_batch_free(batch);
    t->commits++;
}

static struct store_batch *new_batch(void)
{
    struct store_batch *batch = store_batch_new(0);
    assert_non_null(batch);
    return batch;
}

/* One question and its answer. False: nothing to ask. */
static bool fetch(struct taker *t, struct land *land, uint32_t max,
                  bool crashes)
{
    struct bytes keys[SX_PAGES_MAX];
    struct bytes items[SX_PAGES_MAX];
    struct store_batch *batch;
    uint32_t count = sync_want(t->sync, ++t->number, max, keys);
    if (count == 0)
        return false;
    t->asked += count;
    arena_reset(&t->arena);
    give(land, keys, count, &t->arena, items);
    batch = new_batch();
    assert_int_equal(sync_take(t->sync, t->number, items, count, batch), OK);
    if (crashes)
        store_batch_free(batch);
    else
        commit(t, batch);
    return true;
}

static bool sweep(struct taker *t)
{
    bool done = false;
    bool again = false;
    while (!done) {
        struct store_batch *batch = new_batch();
        assert_int_equal(sync_sweep(t->sync, batch, &done, &again), OK);
        commit(t, batch);
    }
    return again;
}

static void fetch_all(struct taker *t, struct land *land)
{
    unsigned rounds = 0;
    do {
        assert_true(rounds++ < 50);
        assert_int_equal(sync_start(t->sync, &land->root), OK);
        while (fetch(t, land, SX_PAGES_MAX, false))
            ;
        assert_true(sync_walked(t->sync));
    } while (sweep(t));
}

/* ---- comparing ---- */

static enum err same_there(void *ctx, struct bytes key, struct bytes value)
{
    uint8_t raw[4096];
    size_t len = 0;
    struct store_range *where = ctx;
    struct store *other = (struct store *)(void *)(uintptr_t)where->from.ptr;
    assert_int_equal(
        store_read(other, where->table, key, raw, sizeof(raw), &len), OK);
    assert_true(bytes_equal(value, bytes_make(raw, len)));
    return OK;
}

static void assert_same_table(struct store *a, struct store *b,
                              enum store_table table)
{
    struct store_stat x;
    struct store_stat y;
    struct store_range all = {.table = table};
    struct store_range where = {.table = table,
                                .from = {(const uint8_t *)b, 0}};
    assert_int_equal(store_stat(a, &x), OK);
    assert_int_equal(store_stat(b, &y), OK);
    assert_int_equal(x.entries[table], y.entries[table]);
    assert_int_equal(store_each(a, &all, same_there, &where), OK);
}

static void assert_same(struct land *land, struct taker *t)
{
    assert_same_table(land->store, t->store, STORE_STATE);
    assert_same_table(land->store, t->store, STORE_PAGE);
    assert_same_table(land->store, t->store, STORE_PATH);
}

/* ---- what holds ---- */

static void an_empty_store_becomes_the_other(void **state)
{
    static const unsigned sizes[] = {1, 2, 5, 17, 100, 3000};
    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct land land;
        struct land empty;
        struct taker t;
        struct sync_count count;
        uint64_t seed = 1 + i;
        land_open(&land);
        land_open(&empty);
        land_change(&land, &seed, sizes[i], UINT64_MAX, 0);
        taker_open(&t, empty.store);
        fetch_all(&t, &land);
        assert_same(&land, &t);
        sync_count(t.sync, &count);
        assert_int_equal(count.records, sizes[i]);
        assert_int_equal(count.pages, t.asked);
        taker_close(&t);
        land_close(&empty);
        land_close(&land);
    }
}

/* Only what differs is fetched, and what there is no more is gone. */
static void another_state_becomes_this_one(void **state)
{
    struct land land;
    struct land old;
    struct taker t;
    struct store_stat stat;
    uint64_t seed = 5;
    (void)state;
    land_open(&land);
    land_open(&old);
    land_change(&old, &seed, 2000, 100000, 0);
    seed = 5;
    land_change(&land, &seed, 2000, 100000, 0);
    land_change(&land, &seed, 40, 100000, 50);
    taker_open(&t, old.store);
    fetch_all(&t, &land);
    assert_same(&land, &t);
    assert_int_equal(store_stat(land.store, &stat), OK);
    assert_in_range(t.asked, 1, stat.entries[STORE_PAGE] / 2);
    /* And once more is nothing at all. */
    t.asked = 0;
    fetch_all(&t, &land);
    assert_int_equal(t.asked, 0);
    taker_close(&t);
    land_close(&old);
    land_close(&land);
}

static void everything_may_go(void **state)
{
    struct land land;
    struct land old;
    struct taker t;
    uint64_t seed = 77;
    (void)state;
    land_open(&land);
    land_open(&old);
    land_change(&old, &seed, 1500, 5000, 0);
    land_change(&land, &seed, 3, 10, 0);
    taker_open(&t, old.store);
    fetch_all(&t, &land);
    assert_same(&land, &t);
    taker_close(&t);
    land_close(&old);
    land_close(&land);
}

/* Crashes, roots that change meanwhile, records that come back as they were:
 * in the end it is the same. */
static void however_it_is_interrupted_it_arrives(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct land land;
        struct land old;
        struct taker t;
        uint64_t dice = seed * 7919;
        uint64_t range = 1 + test_random(&dice) % 3000;
        land_open(&land);
        land_open(&old);
        land_change(&old, &dice, 400, range, 0);
        land_change(&land, &dice, 400, range, 0);
        taker_open(&t, old.store);
        assert_int_equal(sync_start(t.sync, &land.root), OK);
        for (unsigned i = 0; i < 60; i++) {
            uint64_t what = test_random(&dice) % 10;
            uint32_t max = 1 + (uint32_t)(test_random(&dice) % 9);
            if (what == 0)
                land_change(&land, &dice, 30, range, 40);
            if (what <= 1)
                taker_crash(&t);
            if (what <= 1)
                assert_int_equal(sync_start(t.sync, &land.root), OK);
            if (!fetch(&t, &land, max, what == 2) || what == 2) {
                taker_crash(&t);
                assert_int_equal(sync_start(t.sync, &land.root), OK);
            }
        }
        fetch_all(&t, &land);
        assert_same(&land, &t);
        taker_close(&t);
        land_close(&old);
        land_close(&land);
    }
}

/* A walk that is killed after every batch does not begin anew. */
static void a_walk_goes_on_where_it_was_killed(void **state)
{
    struct land land;
    struct land empty;
    struct taker t;
    struct store_stat stat;
    uint64_t seed = 3;
    (void)state;
    land_open(&land);
    land_open(&empty);
    land_change(&land, &seed, 5000, UINT64_MAX, 0);
    taker_open(&t, empty.store);
    assert_int_equal(sync_start(t.sync, &land.root), OK);
    while (!sync_walked(t.sync)) {
        assert_true(fetch(&t, &land, 16, false));
        taker_crash(&t);
        assert_int_equal(sync_start(t.sync, &land.root), OK);
        /* Down to where it was; then something new. */
        for (unsigned i = 0; i < 6 && !sync_walked(t.sync); i++)
            fetch(&t, &land, 16, false);
    }
    fetch_all(&t, &land);
    assert_same(&land, &t);
    assert_int_equal(store_stat(land.store, &stat), OK);
    assert_in_range(t.asked, 1, 4 * stat.entries[STORE_PAGE]);
    taker_close(&t);
    land_close(&empty);
    land_close(&land);
}

/* Many questions at a time, answered in any order or not at all: what is held
 * stays within its bound. */
static void answers_may_come_in_any_order_or_not_at_all(void **state)
{
    struct land land;
    struct land empty;
    struct taker t;
    struct sync_count count;
    struct bytes keys[SYNC_ASKS_MAX][SX_PAGES_MAX];
    uint8_t raw[SYNC_ASKS_MAX][SX_PAGES_MAX][SMT_PAGE_KEY_MAX];
    struct bytes items[SX_PAGES_MAX];
    uint32_t counts[SYNC_ASKS_MAX] = {0};
    uint64_t seed = 11;
    (void)state;
    land_open(&land);
    land_open(&empty);
    land_change(&land, &seed, 20000, UINT64_MAX, 0);
    taker_open(&t, empty.store);
    assert_int_equal(sync_start(t.sync, &land.root), OK);
    while (!sync_walked(t.sync)) {
        uint32_t i = (uint32_t)(test_random(&seed) % SYNC_ASKS_MAX);
        if (counts[i] == 0) {
            counts[i] = sync_want(t.sync, 1 + i, SX_PAGES_MAX, keys[i]);
            for (uint32_t k = 0; k < counts[i]; k++) {
                memcpy(raw[i][k], keys[i][k].ptr, keys[i][k].len);
                keys[i][k].ptr = raw[i][k];
            }
            continue;
        }
        if (test_random(&seed) % 4 == 0) {
            sync_lost(t.sync, 1 + i);
        } else {
            struct store_batch *batch = new_batch();
            uint32_t some = 1 + (uint32_t)(test_random(&seed) % counts[i]);
            arena_reset(&t.arena);
            give(&land, keys[i], some, &t.arena, items);
            assert_int_equal(sync_take(t.sync, 1 + i, items, some, batch), OK);
            commit(&t, batch);
        }
        counts[i] = 0;
        sync_count(t.sync, &count);
        assert_in_range(count.open, 0, SYNC_OPEN_MAX);
    }
    assert_false(sweep(&t));
    assert_same(&land, &t);
    taker_close(&t);
    land_close(&empty);
    land_close(&land);
}

/* ---- lies ---- */

enum lie {
    LIE_BIT,      /* one bit of the page */
    LIE_OTHER,    /* the page of another place */
    LIE_VALUE,    /* another value */
    LIE_KEY,      /* the value under another key */
    LIE_SWAP,     /* two records change places */
    LIE_FEWER,    /* a record is missing */
    LIE_MORE,     /* one too many */
    LIE_LONG,     /* a value longer than any */
    LIE_CUT,      /* the end is missing */
    LIE_EMPTY,    /* nothing */
    LIE_SPELLING, /* the page with a byte behind it */
    LIE_TOO_MANY, /* more pages than asked for */
    LIES
};

static struct bytes lie_about(enum lie lie, struct land *land, struct bytes key,
                              struct arena *arena)
{
    static uint8_t big[LIMIT_STATE_VALUE + 1];
    static uint8_t page[SMT_PAGE_BYTES_MAX + 1];
    uint8_t root_key[1] = {0};
    struct sx_page_item item;
    give_page(land, lie == LIE_OTHER ? BYTES_OF(root_key) : key, arena, &item);
    memcpy(page, item.page.ptr, item.page.len);
    page[item.page.len] = 0;
    struct bytes value = item.values[0];
    switch (lie) {
    case LIE_BIT:
        page[item.page.len - 1] ^= 1;
        item.page.ptr = page;
        break;
    case LIE_OTHER:
    case LIE_CUT:
    case LIE_EMPTY:
    case LIE_TOO_MANY:
    case LIES:
        break;
    case LIE_VALUE:
        item.values[0] = BYTES_LIT("a fortune");
        break;
    case LIE_KEY:
        item.keys[0] = BYTES_LIT("\5another");
        break;
    case LIE_SWAP:
        item.values[0] = item.values[1];
        item.values[1] = value;
        value = item.keys[0];
        item.keys[0] = item.keys[1];
        item.keys[1] = value;
        break;
    case LIE_FEWER:
        item.count--;
        break;
    case LIE_MORE:
        item.keys[item.count] = item.keys[0];
        item.values[item.count++] = item.values[0];
        break;
    case LIE_LONG:
        item.values[0] = BYTES_OF(big);
        break;
    case LIE_SPELLING:
        item.page = bytes_make(page, item.page.len + 1);
        break;
    }
    struct bytes all = packed(&item, arena);
    if (lie == LIE_CUT)
        all.len--;
    if (lie == LIE_EMPTY)
        all.len = 0;
    return all;
}

/* Every lie is the liar's last word, costs nothing, and leaves no trace. */
static void no_lie_is_taken(void **state)
{
    (void)state;
    for (unsigned lie = 0; lie < LIES; lie++) {
        struct land land;
        struct land empty;
        struct taker t;
        struct store_stat before;
        struct store_stat after;
        uint64_t seed = 23;
        unsigned told = 0;
        land_open(&land);
        land_open(&empty);
        land_change(&land, &seed, 300, UINT64_MAX, 0);
        taker_open(&t, empty.store);
        assert_int_equal(sync_start(t.sync, &land.root), OK);
        while (!sync_walked(t.sync)) {
            struct bytes keys[SX_PAGES_MAX];
            struct bytes items[SX_PAGES_MAX + 1];
            uint32_t count = sync_want(t.sync, ++t.number, 7, keys);
            struct store_batch *batch = new_batch();
            assert_true(count > 0);
            arena_reset(&t.arena);
            give(&land, keys, count, &t.arena, items);
            /* The last one: all before it were good. */
            if (keys[count - 1].ptr[0] > 0 && told < 20) {
                struct bytes key = keys[count - 1];
                uint32_t said = lie == LIE_TOO_MANY ? count + 1 : count;
                items[said - 1] =
                    lie_about((enum lie)lie, &land, key, &t.arena);
                assert_int_equal(store_stat(t.store, &before), OK);
                enum err err = sync_take(t.sync, t.number, items, said, batch);
                assert_int_not_equal(err, OK);
                assert_false(err_is_fault(err));
                assert_int_equal(store_batch_bytes(batch), 0);
                assert_int_equal(sync_asks(t.sync), 0);
                assert_int_equal(sync_take(t.sync, t.number, items, 1, batch),
                                 ERR_NOT_FOUND);
                assert_int_equal(store_stat(t.store, &after), OK);
                assert_memory_equal(&before, &after, sizeof(before));
                store_batch_free(batch);
                told++;
                continue;
            }
            assert_int_equal(sync_take(t.sync, t.number, items, count, batch),
                             OK);
            commit(&t, batch);
        }
        assert_true(told > 5);
        assert_false(sweep(&t));
        assert_same(&land, &t);
        taker_close(&t);
        land_close(&empty);
        land_close(&land);
    }
}

/* ---- the sweep ---- */

static void change_record(struct store *store, enum store_table table,
                          struct bytes key, struct bytes value)
{
    struct store_batch *batch = new_batch();
    if (value.len > 0)
        store_batch_put(batch, table, key, value);
    else
        store_batch_delete(batch, table, key);
    assert_int_equal(store_commit(store, batch), OK);
    store_batch_free(batch);
}

struct nth {
    unsigned left;
    uint8_t key[STORE_KEY_MAX];
    size_t len;
};

static enum err take_nth(void *ctx, struct bytes key, struct bytes value)
{
    struct nth *nth = ctx;
    (void)value;
    if (nth->left-- > 0)
        return OK;
    memcpy(nth->key, key.ptr, key.len);
    nth->len = key.len;
    return ERR_EXISTS;
}

static struct bytes nth_key(struct store *store, enum store_table table,
                            struct nth *nth)
{
    struct store_range all = {.table = table};
    assert_int_equal(store_each(store, &all, take_nth, nth), ERR_EXISTS);
    return bytes_make(nth->key, nth->len);
}

/* Whatever is not what the tree says is found before it is called done, and
 * fetched again. */
static void the_sweep_finds_what_does_not_fit(void **state)
{
    static const enum store_table tables[] = {STORE_STATE, STORE_PAGE,
                                              STORE_PATH};
    (void)state;
    for (unsigned round = 0; round < 24; round++) {
        struct land land;
        struct land empty;
        struct taker t;
        struct nth nth = {.left = 3 + round * 7};
        enum store_table table = tables[round % 3];
        uint64_t seed = 100 + round;
        land_open(&land);
        land_open(&empty);
        land_change(&land, &seed, 900, UINT64_MAX, 0);
        taker_open(&t, empty.store);
        fetch_all(&t, &land);
        struct bytes key = nth_key(t.store, table, &nth);
        bool gone = round % 2 == 0 || table != STORE_STATE;
        change_record(t.store, table, key,
                      gone ? bytes_make(NULL, 0) : BYTES_LIT("else"));
        assert_int_equal(sync_start(t.sync, &land.root), OK);
        assert_true(sync_walked(t.sync));
        assert_true(sweep(&t));
        fetch_all(&t, &land);
        assert_same(&land, &t);
        taker_close(&t);
        land_close(&empty);
        land_close(&land);
    }
}

/* A record without a path cannot come from here: that store is damaged. */
static void a_record_from_nowhere_is_damage(void **state)
{
    struct land land;
    struct land empty;
    struct taker t;
    bool done = false;
    bool again = false;
    uint64_t seed = 9;
    enum err err = OK;
    (void)state;
    land_open(&land);
    land_open(&empty);
    land_change(&land, &seed, 50, UINT64_MAX, 0);
    taker_open(&t, empty.store);
    fetch_all(&t, &land);
    change_record(t.store, STORE_STATE, BYTES_LIT("\5nowhere"), BYTES_LIT("x"));
    assert_int_equal(sync_start(t.sync, &land.root), OK);
    while (!done && err == OK) {
        struct store_batch *batch = new_batch();
        err = sync_sweep(t.sync, batch, &done, &again);
        commit(&t, batch);
    }
    assert_int_equal(err, ERR_CORRUPT);
    taker_close(&t);
    land_close(&empty);
    land_close(&land);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_store_becomes_the_other),
        cmocka_unit_test(another_state_becomes_this_one),
        cmocka_unit_test(everything_may_go),
        cmocka_unit_test(however_it_is_interrupted_it_arrives),
        cmocka_unit_test(a_walk_goes_on_where_it_was_killed),
        cmocka_unit_test(answers_may_come_in_any_order_or_not_at_all),
        cmocka_unit_test(no_lie_is_taken),
        cmocka_unit_test(the_sweep_finds_what_does_not_fit),
        cmocka_unit_test(a_record_from_nowhere_is_damage),
    };
    assert_int_equal(sodium_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
