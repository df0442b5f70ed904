/* Newcomers: from the genesis' hash to a chain that goes on, without executing
 * the past, whoever is in between. */

#include "fixture.h"

#include "ledger/chain/chain_room.h"
#include "ledger/chain/ended.h"
#include "ledger/light.h"
#include "ledger/state/smt_page.h"
#include "ledger/chain/sync.h"
#include "town.h"

#include "newcomer.h"

/* ---- a town with many people ---- */

static void settlers(struct town *t, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct pubkey key = {{1}};
        u64le_put(key.b + 8, t->nonce[0] * 1000 + i);
        assert_int_equal(pool_transfer(&t->w, 0, t->nonce[0]++, &key, 50 + i),
                         OK);
    }
}

/* town_history, and people who come in every block. */
static void history(struct town *t, unsigned blocks)
{
    for (unsigned i = 0; i < blocks; i++) {
        uint64_t h = chain_tip(t->w.chain).height + t->run_count + 1;
        settlers(t, 12);
        town_pay(t, (unsigned)(h % 2 + 1), 100 + h);
        if (h == 2 || h == 6 || h == 11)
            town_bond(t, 1 + (unsigned)(h / 5), 2 * CREDITS);
        if (h == 22)
            town_accuse(t);
        town_block(t, h % 3 == 0);
    }
}

/* ---- comparing ---- */

static enum err same_there(void *ctx, struct bytes key, struct bytes value)
{
    static uint8_t raw[1u << 16];
    const struct store_range *where = ctx;
    struct store *other = (struct store *)(void *)(uintptr_t)where->from.ptr;
    size_t len = 0;
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
    struct store_range where = {.table = table, .from = {(uint8_t *)b, 0}};
    assert_int_equal(store_stat(a, &x), OK);
    assert_int_equal(store_stat(b, &y), OK);
    assert_int_equal(x.entries[table], y.entries[table]);
    assert_int_equal(store_each(a, &all, same_there, &where), OK);
}

static void assert_arrived(struct newcomer *n, uint64_t base)
{
    struct chain_tip ours = chain_tip(n->chain);
    struct chain_tip theirs = chain_tip(n->source);
    struct verify_report report;
    assert_int_equal(n->halted, OK);
    assert_int_equal(chain_base(n->chain), base);
    assert_false(chain_is_syncing(n->chain));
    assert_int_equal(ours.height, theirs.height);
    assert_true(hash_equal(&ours.id, &theirs.id));
    assert_same_table(n->town->w.store, n->store, STORE_STATE);
    assert_same_table(n->town->w.store, n->store, STORE_PAGE);
    assert_same_table(n->town->w.store, n->store, STORE_PATH);
    assert_int_equal(chain_verify(n->store, &n->town->w.genesis, &test_table,
                                  NULL, NULL, NULL, &report),
                     OK);
    assert_int_equal(report.base, base);
    assert_int_equal(report.height, theirs.height);
}

static void assert_nobody_bad(const struct newcomer *n)
{
    for (unsigned i = 0; i < n->server_count; i++)
        assert_int_equal(n->bad[i], 0);
}

/* ---- arriving ---- */

/* Three blocks after an epoch's end: the state there is the tip's with what has
 * changed since undone. */
static void a_newcomer_stands_on_the_last_epochs_end_and_goes_on(void **state)
{
    struct town t;
    struct newcomer n;
    (void)state;
    town_open(&t);
    history(&t, 33);
    newcomer_open(&n, &t, t.w.chain, 1, 4);
    newcomer_live(&n, 3000);
    assert_true(n.fetches && n.fetched);
    assert_arrived(&n, 30);
    assert_nobody_bad(&n);
    newcomer_close(&n);
    town_close(&t);
}

static enum err commit_nothing(void *ctx, const struct verify_report *report)
{
    struct store_batch *batch = store_batch_new(0);
    (void)report;
    assert_non_null(batch);
    assert_int_equal(store_commit(ctx, batch), OK); /* CHECKs that none holds */
    store_batch_free(batch);
    return OK;
}

static void no_moment_is_held_while_blocks_are_verified(void **state)
{
    struct town t;
    struct newcomer n;
    struct verify_report report;
    (void)state;
    town_open(&t);
    history(&t, 33);
    newcomer_open(&n, &t, t.w.chain, 1, 4);
    newcomer_live(&n, 3000);
    assert_int_equal(chain_base(n.chain), 30);
    assert_int_equal(chain_verify(n.store, &t.w.genesis, &test_table, NULL,
                                  commit_nothing, n.store, &report),
                     OK);
    assert_int_equal(report.height, 33);
    newcomer_close(&n);
    town_close(&t);
}

static void at_an_epochs_end_nothing_has_to_be_undone(void **state)
{
    struct town t;
    struct newcomer n;
    (void)state;
    town_open(&t);
    history(&t, 30);
    newcomer_open(&n, &t, t.w.chain, 2, 4);
    newcomer_live(&n, 3000);
    assert_arrived(&n, 30);
    newcomer_close(&n);
    town_close(&t);
}

/* What was fetched can be given: steps from the genesis on, pages, proofs. */
static void a_newcomer_serves_the_next_one(void **state)
{
    struct town t;
    struct newcomer n;
    struct newcomer m;
    (void)state;
    town_open(&t);
    history(&t, 33);
    newcomer_open(&n, &t, t.w.chain, 1, 4);
    newcomer_live(&n, 3000);
    assert_arrived(&n, 30);
    newcomer_open(&m, &t, n.chain, 1, 4);
    newcomer_live(&m, 3000);
    assert_arrived(&m, 30);
    assert_nobody_bad(&m);
    newcomer_close(&m);
    newcomer_close(&n);
    town_close(&t);
}

static void few_epochs_are_executed(void **state)
{
    struct town t;
    struct newcomer n;
    (void)state;
    town_open(&t);
    history(&t, 18);
    newcomer_open(&n, &t, t.w.chain, 1, 4);
    newcomer_live(&n, 5000);
    assert_false(n.fetches);
    assert_arrived(&n, 0);
    newcomer_close(&n);
    newcomer_open(&n, &t, t.w.chain, 1, 0); /* not wanted at all */
    newcomer_live(&n, 5000);
    assert_arrived(&n, 0);
    newcomer_close(&n);
    town_close(&t);
}

static void a_newcomer_grows_with_the_chain_afterwards(void **state)
{
    struct town t;
    struct newcomer n;
    (void)state;
    town_open(&t);
    history(&t, 33);
    newcomer_open(&n, &t, t.w.chain, 1, 4);
    newcomer_live(&n, 3000);
    for (unsigned i = 0; i < 5; i++) {
        history(&t, 3);
        newcomer_live(&n, 6000);
        assert_arrived(&n, 30);
    }
    newcomer_crash(&n);
    newcomer_live(&n, 1000);
    assert_arrived(&n, 30);
    newcomer_close(&n);
    town_close(&t);
}

/* ---- interrupted ---- */

static void killed_after_any_batch_it_goes_on(void **state)
{
    struct town t;
    unsigned total;
    struct newcomer n;
    (void)state;
    town_open(&t);
    history(&t, 33);
    newcomer_open(&n, &t, t.w.chain, 2, 4);
    newcomer_live(&n, 3000);
    total = n.commits;
    assert_true(total > 3);
    newcomer_close(&n);
    for (unsigned at = 1; at <= total; at++) {
        newcomer_open(&n, &t, t.w.chain, 2, 4);
        n.crash_at = at;
        newcomer_live(&n, 8000);
        assert_int_equal(n.crashes, 1);
        assert_arrived(&n, 30);
        newcomer_close(&n);
    }
    town_close(&t);
}

/* Once begun it is ended by pages, whatever is wished then. */
static void a_fetch_that_was_begun_is_ended(void **state)
{
    struct town t;
    struct newcomer n;
    struct verify_report report;
    (void)state;
    town_open(&t);
    history(&t, 33);
    newcomer_open(&n, &t, t.w.chain, 1, 4);
    while (!chain_is_syncing(n.chain) || n.commits == 0)
        newcomer_live(&n, 5);
    assert_int_equal(chain_verify(n.store, &t.w.genesis, &test_table, NULL,
                                  NULL, NULL, &report),
                     ERR_CORRUPT);
    assert_int_equal(report.err, ERR_NOT_READY);
    n.sync_epochs = 0;
    newcomer_crash(&n);
    assert_true(chain_is_syncing(n.chain));
    newcomer_live(&n, 3000);
    assert_arrived(&n, 30);
    newcomer_close(&n);
    town_close(&t);
}

/* Each time it hears pages another block is made. */
static bool grow_meanwhile(struct newcomer *n, unsigned server,
                           struct buf *message)
{
    (void)server;
    if (message->ptr[0] == SX_MSG_PAGES && chain_is_syncing(n->chain) &&
        chain_tip(n->source).height < 52)
        history(n->town, 2);
    return true;
}

static void epochs_may_end_meanwhile(void **state)
{
    struct town t;
    struct newcomer n;
    (void)state;
    town_open(&t);
    history(&t, 33);
    newcomer_open(&n, &t, t.w.chain, 1, 4);
    n.bend[0] = grow_meanwhile;
    newcomer_live(&n, 20000);
    assert_true(chain_base(n.chain) > 30);
    assert_arrived(&n, chain_base(n.chain));
    assert_nobody_bad(&n);
    newcomer_close(&n);
    town_close(&t);
}

/* ---- liars ---- */

static bool poison(struct newcomer *n, unsigned server, struct buf *message)
{
    (void)n;
    (void)server;
    if (message->ptr[0] == SX_MSG_PAGES && message->len > 100)
        message->ptr[message->len - 1] ^= 1;
    return true;
}

static bool poison_steps(struct newcomer *n, unsigned server,
                         struct buf *message)
{
    (void)n;
    (void)server;
    if (message->ptr[0] == SX_MSG_STEPS && message->len > 500)
        message->ptr[400] ^= 1;
    return true;
}

static bool poison_peaks(struct newcomer *n, unsigned server,
                         struct buf *message)
{
    (void)n;
    (void)server;
    if (message->ptr[0] == SX_MSG_STEPS && message->len > 500)
        message->ptr[message->len - 1] ^= 1;
    return true;
}

static bool no_peaks(struct newcomer *n, unsigned server, struct buf *message)
{
    struct sx_msg msg;
    struct buf copy;
    (void)n;
    (void)server;
    if (message->ptr[0] != SX_MSG_STEPS)
        return true;
    buf_init(&copy, LIMIT_MESSAGE_BYTES);
    buf_add(&copy, buf_bytes(message));
    assert_int_equal(sx_msg_decode(buf_bytes(&copy), &msg), OK);
    msg.peaks = bytes_make(NULL, 0);
    buf_clear(message);
    sx_msg_encode(&msg, message);
    buf_done(&copy);
    return true;
}

static void a_liar_is_called_one_and_left(void **state)
{
    static const bend_fn lies[] = {poison, poison_steps, poison_peaks,
                                   no_peaks};
    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct town t;
        struct newcomer n;
        town_open(&t);
        history(&t, 33);
        newcomer_open(&n, &t, t.w.chain, 3, 4);
        n.bend[0] = lies[i];
        n.bend[2] = lies[i];
        newcomer_live(&n, 20000);
        assert_arrived(&n, 30);
        assert_int_equal(n.bad[1], 0);
        assert_in_range(n.bad[0], 0, 2);
        assert_true(n.bad[0] + n.bad[2] > 0);
        newcomer_close(&n);
        town_close(&t);
    }
}

/* Answers nothing about the state, or half of it, or says there is more. */
static bool silent(struct newcomer *n, unsigned server, struct buf *message)
{
    (void)n;
    (void)server;
    return message->ptr[0] == SX_MSG_STATUS;
}

static bool no_pages(struct newcomer *n, unsigned server, struct buf *message)
{
    (void)n;
    (void)server;
    return message->ptr[0] != SX_MSG_PAGES;
}

static bool ahead(struct newcomer *n, unsigned server, struct buf *message)
{
    (void)n;
    (void)server;
    if (message->ptr[0] == SX_MSG_STATUS) {
        u64le_put(message->ptr + 1, 1000000);
        u64le_put(message->ptr + 25, 1000000000);
    }
    if (message->ptr[0] == SX_MSG_STEPS || message->ptr[0] == SX_MSG_PAGES)
        u64le_put(message->ptr + 5, 1000000);
    return message->ptr[0] != SX_MSG_PAGES;
}

static void who_does_not_answer_is_gone_round(void **state)
{
    static const bend_fn ways[] = {silent, no_pages, ahead};
    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct town t;
        struct newcomer n;
        town_open(&t);
        history(&t, 33);
        newcomer_open(&n, &t, t.w.chain, 4, 4);
        n.bend[0] = n.bend[1] = n.bend[3] = ways[i];
        newcomer_live(&n, 120000);
        assert_int_equal(n.bad[2], 0);
        if (ways[i] != ahead)
            assert_nobody_bad(&n);
        assert_arrived(&n, 30);
        newcomer_close(&n);
        town_close(&t);
    }
}

/* ---- what is under way ---- */

/* Is the next letter a question for pages? *out_root: for the root, too. */
static bool next_asks(const struct newcomer *n, bool *out_root)
{
    const struct letter *letter = &n->letters[n->letter_first % LETTERS];
    struct sx_msg msg;
    *out_root = false;
    if (n->letter_count == 0 || letter->inwards ||
        sx_msg_decode(buf_bytes(&letter->bytes), &msg) != OK ||
        msg.tag != SX_MSG_GET_PAGES)
        return false;
    for (uint32_t i = 0; i < msg.item_count; i++)
        *out_root = *out_root || msg.items[i].ptr[0] == 0;
    return true;
}

static void drop_letter(struct newcomer *n, unsigned *waiting)
{
    struct letter *letter = &n->letters[n->letter_first % LETTERS];
    waiting[letter->server]++;
    buf_done(&letter->bytes);
    n->letter_first = (n->letter_first + 1) % LETTERS;
    n->letter_count--;
}

/* Nobody but the first who is asked, and again, gives pages: the other
 * questions stay open. */
static void no_more_than_two_questions_wait_at_a_peer(void **state)
{
    (void)state;
    for (unsigned servers = 1; servers <= 2; servers++) {
        struct town t;
        struct newcomer n;
        unsigned waiting[SERVERS_MAX] = {0};
        unsigned answered = 0;
        town_open(&t);
        for (unsigned i = 0; i < 33; i++) {
            settlers(&t, 40);
            history(&t, 1);
        }
        newcomer_open(&n, &t, t.w.chain, servers, 4);
        for (uint64_t until = n.now_ms + 20000; n.now_ms < until;) {
            bool root = false;
            if (!next_asks(&n, &root) || answered++ < 2) {
                newcomer_live_once(&n);
                continue;
            }
            drop_letter(&n, waiting);
            until = n.now_ms + 1000; /* it waits longer than that */
        }
        for (unsigned i = 0; i < servers; i++)
            assert_int_equal(waiting[i], 2);
        newcomer_close(&n);
        town_close(&t);
    }
}

/* What stands in the store says what is here: while a batch is on its way there
 * no walk begins, and the root is asked for only then. */
static void a_walk_begins_when_all_is_stored(void **state)
{
    struct town t;
    struct newcomer n;
    unsigned walks = 0;
    unsigned held = 0;
    (void)state;
    town_open(&t);
    history(&t, 33);
    newcomer_open(&n, &t, t.w.chain, 1, 4);
    n.bend[0] = grow_meanwhile;
    for (unsigned i = 0; i < 400000 && !n.fetched; i++) {
        bool root = false;
        (void)next_asks(&n, &root);
        walks += root ? 1 : 0;
        assert_true(!root || n.batch_count == 0);
        /* The disk takes its time: others say meanwhile where they are. */
        if (n.letter_count == 0 && n.batch_count > 0 && held++ % 64 != 63)
            newcomer_pass(&n);
        else
            newcomer_live_once(&n);
    }
    assert_true(n.fetched);
    assert_in_range(walks, 2, 100);
    newcomer_close(&n);
    town_close(&t);
}

/* Nobody shows what they all say: the old way, after a while. */
static void empty_promises_end_in_executing(void **state)
{
    struct town t;
    struct newcomer n;
    (void)state;
    town_open(&t);
    history(&t, 18);
    newcomer_open(&n, &t, t.w.chain, 2, 4);
    n.bend[0] = ahead;
    newcomer_live(&n, 60000);
    assert_false(n.fetches);
    assert_arrived(&n, 0);
    newcomer_close(&n);
    town_close(&t);
}

/* ---- what a chain with a base has, and has not ---- */

static void check_proof(struct newcomer *n, struct buf *file)
{
    struct light_proof out;
    struct arena arena;
    arena_init(&arena, 1u << 20);
    assert_int_equal(
        light_check(buf_bytes(file), chain_id(n->chain), NULL, &arena, &out),
        OK);
    arena_done(&arena);
}

static void proofs_from_the_genesis_are_made_without_history(void **state)
{
    struct town t;
    struct newcomer n;
    struct buf file;
    struct header header;
    struct hash id;
    uint64_t epoch = 0;
    (void)state;
    town_open(&t);
    history(&t, 33);
    newcomer_open(&n, &t, t.w.chain, 1, 4);
    newcomer_live(&n, 3000);
    assert_arrived(&n, 30);
    buf_init(&file, LIGHT_BYTES_MAX);
    assert_int_equal(chain_prove_start(n.chain, NULL, &file, &epoch), OK);
    for (; epoch <= 6; epoch++)
        assert_int_equal(chain_prove_step(n.chain, epoch, &file), OK);
    assert_int_equal(chain_prove(n.chain, STATE_ACCOUNT,
                                 BYTES_OF(t.w.users[0].signer.key.b), &file),
                     OK);
    check_proof(&n, &file);
    /* From a block it knows by its header alone, too. */
    buf_clear(&file);
    assert_int_equal(chain_header_at(n.chain, 25, &header), OK);
    header_id(&header, &id);
    assert_int_equal(chain_prove_start(n.chain, &id, &file, &epoch), OK);
    assert_int_equal(epoch, 6);
    buf_done(&file);
    newcomer_close(&n);
    town_close(&t);
}

static void below_the_base_there_is_nothing_and_above_everything(void **state)
{
    struct town t;
    struct newcomer n;
    struct arena arena;
    struct bytes bytes;
    struct header header;
    uint64_t height;
    (void)state;
    town_open(&t);
    history(&t, 33);
    newcomer_open(&n, &t, t.w.chain, 1, 4);
    newcomer_live(&n, 3000);
    assert_arrived(&n, 30);
    arena_init(&arena, 8u << 20);
    for (uint64_t h = 0; h <= 33; h++) {
        enum err want = h == 0 || h > 30 ? OK : ERR_NOT_FOUND;
        assert_int_equal(chain_block_at(n.chain, h, &arena, &bytes), want);
        want = want == OK || (h % 5 == 0 && h > 5) ? OK : ERR_NOT_FOUND;
        assert_int_equal(chain_header_at(n.chain, h, &header), want);
        if (h > 0 && h <= 30)
            assert_int_equal(
                chain_cert_after(n.chain, h, &arena, &height, &bytes),
                ERR_NOT_FOUND);
    }
    arena_done(&arena);
    newcomer_close(&n);
    town_close(&t);
}

/* Who wants all of history is not sent to those who have it not. */
static void who_has_no_history_says_so_and_is_not_asked(void **state)
{
    struct town t;
    struct newcomer n;
    struct newcomer m;
    (void)state;
    town_open(&t);
    history(&t, 33);
    newcomer_open(&n, &t, t.w.chain, 1, 4);
    newcomer_live(&n, 3000);
    assert_arrived(&n, 30);
    newcomer_open(&m, &t, n.chain, 1, 0);
    newcomer_live(&m, 10000);
    assert_int_equal(chain_tip(m.chain).height, 0);
    assert_nobody_bad(&m);
    newcomer_close(&m);
    newcomer_close(&n);
    town_close(&t);
}

/* A chain with a base is verified: whatever is changed of it is found. */
static void damage_after_the_base_is_found(void **state)
{
    static const enum store_table tables[] = {
        STORE_BLOCK, STORE_CERT, STORE_RESULT, STORE_STATE, STORE_PAGE,
        STORE_MMR,   STORE_SET,  STORE_HEADER, STORE_PATH};
    struct town t;
    struct newcomer n;
    (void)state;
    town_open(&t);
    history(&t, 37);
    newcomer_open(&n, &t, t.w.chain, 1, 4);
    newcomer_live(&n, 3000);
    assert_arrived(&n, 35);
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        struct verify_report report;
        struct store_batch *batch = store_batch_new(0);
        uint8_t key[8];
        assert_non_null(batch);
        u64be_put(key, tables[i] == STORE_HEADER ? 25
                       : tables[i] == STORE_SET  ? 6
                                                 : 36);
        if (tables[i] == STORE_STATE)
            store_batch_put(batch, tables[i], BYTES_LIT("\1who"),
                            BYTES_LIT("12345678"));
        else if (tables[i] == STORE_PAGE)
            store_batch_delete(batch, tables[i], BYTES_LIT("\1\0"));
        else if (tables[i] == STORE_MMR)
            store_batch_clear(batch, tables[i]);
        else if (tables[i] == STORE_CERT || tables[i] == STORE_PATH)
            store_batch_clear(batch, tables[i]);
        else
            store_batch_put(batch, tables[i], BYTES_OF(key),
                            BYTES_LIT("damage"));
        struct newcomer copy;
        newcomer_open(&copy, &t, t.w.chain, 1, 4);
        newcomer_live(&copy, 3000);
        assert_arrived(&copy, 35);
        assert_int_equal(store_commit(copy.store, batch), OK);
        store_batch_free(batch);
        assert_int_equal(chain_verify(copy.store, &t.w.genesis, &test_table,
                                      NULL, NULL, NULL, &report),
                         ERR_CORRUPT);
        assert_non_null(report.what);
        newcomer_close(&copy);
    }
    newcomer_close(&n);
    town_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_newcomer_stands_on_the_last_epochs_end_and_goes_on),
        cmocka_unit_test(no_moment_is_held_while_blocks_are_verified),
        cmocka_unit_test(at_an_epochs_end_nothing_has_to_be_undone),
        cmocka_unit_test(a_newcomer_serves_the_next_one),
        cmocka_unit_test(few_epochs_are_executed),
        cmocka_unit_test(a_newcomer_grows_with_the_chain_afterwards),
        cmocka_unit_test(killed_after_any_batch_it_goes_on),
        cmocka_unit_test(a_fetch_that_was_begun_is_ended),
        cmocka_unit_test(epochs_may_end_meanwhile),
        cmocka_unit_test(a_liar_is_called_one_and_left),
        cmocka_unit_test(who_does_not_answer_is_gone_round),
        cmocka_unit_test(no_more_than_two_questions_wait_at_a_peer),
        cmocka_unit_test(a_walk_begins_when_all_is_stored),
        cmocka_unit_test(empty_promises_end_in_executing),
        cmocka_unit_test(proofs_from_the_genesis_are_made_without_history),
        cmocka_unit_test(below_the_base_there_is_nothing_and_above_everything),
        cmocka_unit_test(who_has_no_history_says_so_and_is_not_asked),
        cmocka_unit_test(damage_after_the_base_is_found),
    };
    assert_int_equal(sodium_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
