/* What a walk holds at most, whatever the tree looks like that others speak of:
 * one that no hash leads to in an ordinary state. */

#include "fixture.h"

#include "ledger/chain/sync.h"
#include "ledger/state/smt_page.h"

static const struct hash chain = {{7, 7}};

/* Below every slot the same again: a page for each depth, the deepest over
 * hashes of nothing. */
#define LEVELS 64u /* 256 bits, four a page */

struct tower {
    struct smt_page pages[LEVELS];
    struct hash hashes[LEVELS];
    struct store *store;
    struct sync *sync;
    uint32_t number;
};

static void tower_open(struct tower *t, unsigned slots)
{
    struct hash below = {{9}};
    memset(t, 0, sizeof(*t));
    for (unsigned level = LEVELS; level-- > 0;) {
        struct smt_slot top;
        for (unsigned i = 0; i < slots; i++) {
            t->pages[level].slots[i].kind = SMT_NODE;
            t->pages[level].slots[i].hash = below;
        }
        smt_fold(t->pages[level].slots, SMT_SLOTS, &top);
        smt_slot_hash(&top, &below);
        t->hashes[level] = below;
    }
    assert_int_equal(store_mem_new(&t->store), OK);
    assert_int_equal(sync_new(t->store, &chain, &t->sync), OK);
    assert_int_equal(sync_start(t->sync, &t->hashes[0]), OK);
}

static void tower_close(struct tower *t)
{
    sync_free(t->sync);
    store_close(t->store);
}

struct question {
    uint32_t number;
    uint32_t count;
    unsigned levels[SX_PAGES_MAX];
};

static bool tower_ask(struct tower *t, struct question *out)
{
    struct bytes keys[SX_PAGES_MAX];
    out->number = ++t->number;
    out->count = sync_want(t->sync, out->number, SX_PAGES_MAX, keys);
    for (uint32_t i = 0; i < out->count; i++)
        out->levels[i] = keys[i].ptr[0];
    return out->count > 0;
}

static enum err tower_answer(struct tower *t, const struct question *question)
{
    static struct buf bufs[SX_PAGES_MAX];
    struct bytes items[SX_PAGES_MAX];
    struct store_batch *batch = store_batch_new(0);
    assert_non_null(batch);
    for (uint32_t i = 0; i < question->count; i++) {
        struct sx_page_item item = {.count = 0};
        uint8_t raw[SMT_PAGE_BYTES_MAX];
        size_t len = smt_page_encode(&t->pages[question->levels[i]], raw);
        item.page = bytes_make(raw, len);
        buf_init(&bufs[i], 1u << 12);
        sx_page_item_encode(&item, &bufs[i]);
        items[i] = buf_bytes(&bufs[i]);
    }
    enum err err =
        sync_take(t->sync, question->number, items, question->count, batch);
    for (uint32_t i = 0; i < question->count; i++)
        buf_done(&bufs[i]);
    store_batch_free(batch);
    return err;
}

/* There is no bit after the last: a page over nodes cannot stand there. */
static void below_the_last_bit_there_is_no_node(void **state)
{
    struct tower t;
    struct question question;
    struct sync_count count;
    (void)state;
    tower_open(&t, 2);
    for (unsigned level = 0; level < LEVELS; level++) {
        assert_true(tower_ask(&t, &question));
        question.count = 1;
        assert_int_equal(question.levels[0], level);
        assert_int_equal(tower_answer(&t, &question),
                         level + 1 < LEVELS ? OK : ERR_NOT_CANONICAL);
    }
    sync_count(t.sync, &count);
    assert_int_equal(count.open, LEVELS - 1);
    tower_close(&t);
}

/* All that may be asked is asked, and all of it comes, again and again. */
static void a_tree_of_any_width_takes_no_more_than_its_room(void **state)
{
    struct tower t;
    struct question questions[SYNC_ASKS_MAX];
    struct sync_count count = {0};
    uint32_t most = 0;
    (void)state;
    tower_open(&t, SMT_SLOTS);
    for (unsigned round = 0; round < 40; round++) {
        uint32_t asked = 0;
        uint32_t pages = 0;
        while (asked < SYNC_ASKS_MAX && tower_ask(&t, &questions[asked]))
            pages += questions[asked++].count;
        assert_in_range(asked, 1, SYNC_ASKS_MAX);
        assert_true(pages == 1 || count.open + pages <= SYNC_OPEN_MAX);
        for (uint32_t i = 0; i < asked; i++)
            assert_int_equal(tower_answer(&t, &questions[i]), OK);
        sync_count(t.sync, &count);
        most = count.open > most ? count.open : most;
    }
    /* It was full, and went on downwards, a page at a time. */
    assert_in_range(most, SYNC_OPEN_MAX + 1, SYNC_OPEN_MAX + 66);
    tower_close(&t);
}

static void there_are_eight_questions_at_a_time(void **state)
{
    struct tower t;
    struct question first;
    struct question question;
    struct bytes key;
    (void)state;
    tower_open(&t, SMT_SLOTS);
    assert_true(tower_ask(&t, &first));
    assert_int_equal(tower_answer(&t, &first), OK);
    for (unsigned i = 0; i < SYNC_ASKS_MAX; i++)
        assert_int_equal(sync_want(t.sync, 100 + i, 1, &key), 1);
    assert_int_equal(sync_asks(t.sync), SYNC_ASKS_MAX);
    assert_false(tower_ask(&t, &question));
    sync_lost(t.sync, 103);
    assert_true(tower_ask(&t, &question));
    assert_int_equal(question.count, SMT_SLOTS - SYNC_ASKS_MAX + 1);
    tower_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(below_the_last_bit_there_is_no_node),
        cmocka_unit_test(a_tree_of_any_width_takes_no_more_than_its_room),
        cmocka_unit_test(there_are_eight_questions_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
