/* links: ledger */

/* A newcomer between an honest server and the fuzzer: answers that are true,
 * bent by a bit, or any bytes, and processes that end. What is taken is true,
 * whatever else is refused, and in the end the state is the server's. */

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ledger/state/overlay.h"
#include "ledger/state/smt_page.h"
#include "ledger/chain/sync.h"

#define RECORDS 300u
#define OPS_MAX 300u

static const struct hash chain = {{3, 1, 4}};
static struct store *land;
static struct hash root;

/* Values of all lengths, some empty. */
static void once(void)
{
    struct state *ground;
    struct state *state;
    struct store_batch *batch = store_batch_new(0);
    uint8_t value[LIMIT_STATE_VALUE] = {0};
    if (land != NULL) {
        store_batch_free(batch);
        return;
    }
    CHECK(batch != NULL && store_mem_new(&land) == OK);
    CHECK(state_ground(land, &chain, &ground) == OK);
    CHECK(state_fork(ground, &state) == OK);
    for (uint32_t i = 0; i < RECORDS; i++) {
        uint8_t key[4];
        u32be_put(key, i);
        value[0] = (uint8_t)i;
        CHECK(state_put(state, STATE_CONTRACT, BYTES_OF(key),
                        bytes_make(value, i * 7 % 90)) == OK);
    }
    CHECK(state_seal(state, amount_micro(0), &root) == OK);
    state_to_batch(state, batch);
    CHECK(store_commit(land, batch) == OK);
    store_batch_free(batch);
    state_free(state);
    state_free(ground);
}

static struct bytes truth(struct bytes key, struct arena *arena)
{
    struct sx_page_item item;
    struct smt_page page;
    struct hash path = {{0}};
    struct buf buf;
    struct bytes copy = {NULL, 0};
    memset(&item, 0, sizeof(item));
    memcpy(path.b, key.ptr + 1, key.len - 1);
    CHECK(store_get(land, STORE_PAGE, key, arena, &item.page) == OK);
    CHECK(smt_page_decode(item.page, &path, 4u * key.ptr[0], &page) == OK);
    for (unsigned i = 0; i < SMT_SLOTS; i++) {
        if (page.slots[i].kind != SMT_LEAF)
            continue;
        struct bytes *record = &item.keys[item.count];
        CHECK(store_get(land, STORE_PATH, hash_as_bytes(&page.slots[i].hash),
                        arena, record) == OK);
        CHECK(store_get(land, STORE_STATE, *record, arena,
                        &item.values[item.count++]) == OK);
    }
    buf_init(&buf, SX_SYNC_BYTES);
    sx_page_item_encode(&item, &buf);
    CHECK(buf.err == OK && arena_copy(arena, buf_bytes(&buf), &copy) == OK);
    buf_done(&buf);
    return copy;
}

struct life {
    struct store *store;
    struct sync *sync;
    struct arena arena;
    uint32_t number;
};

static void begin(struct life *l)
{
    CHECK(sync_new(l->store, &chain, &l->sync) == OK);
    CHECK(sync_start(l->sync, &root) == OK);
}

static void commit(struct life *l, struct store_batch *batch)
{
    CHECK(store_commit(l->store, batch) == OK);
    store_batch_free(batch);
}

/* Asks, and is answered: `raw` in the place of the last page when it is not
 * empty, else a bit of it is changed when `bit` is not 0. */
static bool talk(struct life *l, uint32_t max, size_t bit, struct bytes raw)
{
    struct bytes keys[SX_PAGES_MAX];
    struct bytes items[SX_PAGES_MAX];
    struct store_batch *batch = store_batch_new(0);
    uint32_t count = sync_want(l->sync, ++l->number, max, keys);
    CHECK(batch != NULL);
    if (count == 0) {
        store_batch_free(batch);
        return false;
    }
    arena_reset(&l->arena);
    for (uint32_t i = 0; i < count; i++)
        items[i] = truth(keys[i], &l->arena);
    struct bytes *last = &items[count - 1];
    bool is_true = bit == 0;
    if (raw.len > 0) {
        is_true = bytes_equal(raw, *last);
        *last = raw;
    } else if (bit != 0) {
        uint8_t *copy = arena_alloc(&l->arena, last->len);
        CHECK(copy != NULL);
        memcpy(copy, last->ptr, last->len);
        copy[bit / 8 % last->len] ^= (uint8_t)(1u << bit % 8);
        last->ptr = copy;
    }
    enum err err = sync_take(l->sync, l->number, items, count, batch);
    CHECK((err == OK) == is_true);
    CHECK(!err_is_fault(err));
    if (err != OK)
        CHECK(store_batch_bytes(batch) == 0);
    commit(l, batch);
    return true;
}

static void cook(struct life *l, struct cursor *cursor)
{
    uint8_t op = cursor_u8(cursor);
    uint32_t max = 1u + op / 4;
    switch (op % 4) {
    case 0:
        talk(l, max, 0, bytes_make(NULL, 0));
        return;
    case 1:
        talk(l, max, cursor_u16le(cursor), bytes_make(NULL, 0));
        return;
    case 2:
        talk(l, max, 1, cursor_take(cursor, cursor_u8(cursor)));
        return;
    default:
        sync_free(l->sync);
        begin(l);
    }
}

static void finish(struct life *l)
{
    struct store_stat theirs;
    struct store_stat ours;
    bool done = false;
    bool again = false;
    while (talk(l, SX_PAGES_MAX, 0, bytes_make(NULL, 0)))
        ;
    CHECK(sync_walked(l->sync));
    while (!done) {
        struct store_batch *batch = store_batch_new(0);
        CHECK(batch != NULL);
        CHECK(sync_sweep(l->sync, batch, &done, &again) == OK);
        commit(l, batch);
    }
    CHECK(!again);
    CHECK(store_stat(land, &theirs) == OK && store_stat(l->store, &ours) == OK);
    CHECK(memcmp(theirs.entries, ours.entries, sizeof(ours.entries)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct life l = {0};
    struct cursor cursor;
    struct sx_page_item item;
    once();
    if (sx_page_item_decode(bytes_make(data, len), &item) == OK) {
        struct buf again;
        buf_init(&again, len + 64);
        sx_page_item_encode(&item, &again);
        CHECK(bytes_equal(buf_bytes(&again), bytes_make(data, len)));
        buf_done(&again);
    }
    CHECK(store_mem_new(&l.store) == OK);
    arena_init(&l.arena, 16u << 20);
    begin(&l);
    cursor_init(&cursor, bytes_make(data, len));
    for (unsigned i = 0; i < OPS_MAX && cursor.rest.len > 0; i++)
        cook(&l, &cursor);
    finish(&l);
    sync_free(l.sync);
    arena_done(&l.arena);
    store_close(l.store);
    return 0;
}
