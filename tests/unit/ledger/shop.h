#ifndef TESTS_UNIT_LEDGER_SHOP_H
#define TESTS_UNIT_LEDGER_SHOP_H

/* A store of either kind, opened for a test. Include after fixture.h. */

#include "base/arena.h"

struct shop {
    struct store *store;
    struct arena arena;
    char dir[64]; /* "": memory */
};

UNUSED static void shop_open_dir(struct shop *s)
{
    struct store_options options = {.map_bytes = 64u << 20};
    assert_int_equal(store_lmdb_open(s->dir, &options, &s->store), OK);
}

UNUSED static void shop_open(struct shop *s, bool on_disk)
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

UNUSED static void shop_close(struct shop *s)
{
    store_close(s->store);
    arena_done(&s->arena);
    if (s->dir[0] != 0)
        remove_dir(s->dir);
}

UNUSED static void put(struct store *store, const char *key, const char *value)
{
    struct store_batch *batch = store_batch_new(1);
    assert_non_null(batch);
    store_batch_put(batch, STORE_STATE, bytes_str(key), bytes_str(value));
    assert_int_equal(store_commit(store, batch), OK);
    store_batch_free(batch);
}

UNUSED static void assert_value(struct shop *s, const char *key,
                                const char *value)
{
    struct bytes got;
    assert_int_equal(
        store_get(s->store, STORE_STATE, bytes_str(key), &s->arena, &got), OK);
    assert_true(bytes_equal(got, bytes_str(value)));
}

UNUSED static void assert_absent(struct shop *s, const char *key)
{
    struct bytes got;
    assert_int_equal(
        store_get(s->store, STORE_STATE, bytes_str(key), &s->arena, &got),
        ERR_NOT_FOUND);
}

#endif
