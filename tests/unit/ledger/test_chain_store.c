/* What the chain has to do with the disk: reopening, damage, failing calls,
 * being killed, and executing it all again. */

#include "fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kinds.h"
#include "ledger/state/overlay.h"

/* A few blocks of everything: transfers, vaults, a set change, empty ones. */
static void fill(struct world *w, unsigned blocks, uint64_t *seed)
{
    uint64_t nonce[USERS] = {0};
    for (unsigned i = 0; i < USERS; i++) {
        struct account account;
        assert_int_equal(account_get(chain_head_state(w->chain),
                                     &w->users[i].signer.key, &account),
                         OK);
        nonce[i] = account.nonce;
    }
    for (unsigned b = 0; b < blocks; b++) {
        for (uint64_t n = test_random(seed) % 7; n > 0; n--) {
            unsigned from = (unsigned)(test_random(seed) % USERS);
            unsigned to = (unsigned)(test_random(seed) % USERS);
            uint8_t vault[32] = {(uint8_t)(1 + test_random(seed) % 3)};
            uint64_t amount = 1 + test_random(seed) % 1000;
            enum err err = OK;
            switch (test_random(seed) % 4) {
            case 0:
                err = pool_kind(w, from, nonce[from], KIND_LOCK, vault, amount);
                break;
            case 1: /* often more than is in it: then it is dropped */
                err = pool_kind(w, from, nonce[from], KIND_PAY, vault, amount);
                break;
            default:
                err = pool_transfer(w, from, nonce[from],
                                    &w->users[to].signer.key, amount);
            }
            assert_int_equal(err, OK);
            nonce[from]++;
        }
        world_block(w);
        for (unsigned i = 0; i < USERS; i++) {
            struct account account;
            struct pool_entry *entry;
            assert_int_equal(account_get(chain_head_state(w->chain),
                                         &w->users[i].signer.key, &account),
                             OK);
            /* A dropped one leaves a gap: what waits behind it is let go. */
            nonce[i] = account.nonce;
            while ((entry = pool_account_next(w->pool, &w->users[i].signer.key,
                                              0)) != NULL) {
                struct hash id = entry->tx.id;
                pool_remove(w->pool, &id);
            }
            pool_sweep(w->pool);
        }
        assert_int_equal(chain_audit_money(w->chain), OK);
    }
}

static enum err reopen(struct world *w)
{
    chain_close(w->chain);
    w->chain = NULL;
    return chain_open(w->store, &w->genesis, &test_table, &w->chain);
}

static enum err verify(struct world *w, struct verify_report *report)
{
    return chain_verify(w->store, &w->genesis, &test_table, NULL, NULL, NULL,
                        report);
}

static void a_reopened_chain_stands_where_it_stood(void **state)
{
    struct world w;
    uint64_t seed = 1;
    (void)state;
    world_open_kinds(&w, &test_table);
    for (unsigned i = 0; i < 12; i++) {
        fill(&w, 1, &seed);
        struct chain_tip before = chain_tip(w.chain);
        assert_int_equal(reopen(&w), OK);
        struct chain_tip after = chain_tip(w.chain);
        assert_memory_equal(&before, &after, sizeof(before));
        struct chain_tip head = chain_head(w.chain);
        assert_memory_equal(&head, &after, sizeof(head));
    }
    world_close(&w);
}

static void another_genesis_is_refused(void **state)
{
    struct world w;
    (void)state;
    world_open_kinds(&w, &test_table);
    w.genesis.time_ms++;
    assert_int_equal(genesis_seal(&w.genesis), OK);
    assert_int_equal(reopen(&w), ERR_GENESIS);
    world_close(&w);
}

/* ---- replay ---- */

static void random_blocks_execute_again_to_the_very_same(void **state)
{
    struct verify_report report;
    (void)state;
    for (uint64_t round = 1; round <= 6; round++) {
        struct world w;
        uint64_t seed = round * 7919;
        world_open_kinds(&w, &test_table);
        fill(&w, 20, &seed);
        assert_int_equal(verify(&w, &report), OK);
        assert_int_equal(report.height, 20);
        assert_int_equal(report.err, OK);
        struct chain_tip tip = chain_tip(w.chain);
        assert_true(hash_equal(&report.tip_id, &tip.id));
        assert_int_equal(chain_audit_money(w.chain), OK);
        assert_int_equal(chain_audit_state(w.chain), OK);
        world_close(&w);
    }
}

static enum err stop_at_3(void *ctx, const struct verify_report *report)
{
    unsigned *calls = ctx;
    (*calls)++;
    return report->height == 3 ? ERR_CANCELLED : OK;
}

static void a_verification_can_be_stopped(void **state)
{
    struct world w;
    struct verify_report report;
    unsigned calls = 0;
    uint64_t seed = 4;
    (void)state;
    world_open_kinds(&w, &test_table);
    fill(&w, 6, &seed);
    assert_int_equal(chain_verify(w.store, &w.genesis, &test_table, NULL,
                                  stop_at_3, &calls, &report),
                     ERR_CANCELLED);
    assert_int_equal(calls, 3);
    assert_int_equal(report.tip, 6);
    world_close(&w);
}

struct goes_on {
    struct world *w;
    uint64_t seed;
    unsigned blocks; /* to come */
};

static enum err make_another(void *ctx, const struct verify_report *report)
{
    struct goes_on *on = ctx;
    (void)report;
    if (on->blocks == 0)
        return OK;
    on->blocks--;
    fill(on->w, 1, &on->seed);
    return OK;
}

/* No moment is held while blocks are executed again. */
static void a_chain_may_go_on_while_it_is_verified(void **state)
{
    struct world w;
    struct verify_report report;
    struct goes_on on = {.w = &w, .seed = 9, .blocks = 20};
    (void)state;
    world_open_kinds(&w, &test_table);
    fill(&w, 4, &on.seed);
    assert_int_equal(chain_verify(w.store, &w.genesis, &test_table, NULL,
                                  make_another, &on, &report),
                     OK);
    assert_int_equal(on.blocks, 0);
    assert_int_equal(report.height, 24);
    assert_int_equal(report.tip, 24);
    assert_true(hash_equal(&report.tip_id, chain_head_id(w.chain)));
    world_close(&w);
}

/* ---- damage ---- */

struct victim {
    unsigned skip;
    uint8_t key[STORE_KEY_MAX];
    size_t key_len;
    struct buf value;
};

static enum err pick(void *ctx, struct bytes key, struct bytes value)
{
    struct victim *victim = ctx;
    if (value.len == 0 || victim->skip-- > 0)
        return OK;
    memcpy(victim->key, key.ptr, key.len);
    victim->key_len = key.len;
    buf_add(&victim->value, value);
    return ERR_EXISTS;
}

/* Flips a bit of the n-th record of a table; false when there is none. */
static bool damage(struct world *w, enum store_table table, unsigned nth,
                   bool remove)
{
    struct victim victim = {.skip = nth};
    struct store_range all = {.table = table};
    buf_init(&victim.value, LIMIT_BLOCK_BYTES);
    enum err err = store_each(w->store, &all, pick, &victim);
    if (err == ERR_EXISTS) {
        struct store_batch *batch = store_batch_new(0);
        struct bytes key = bytes_make(victim.key, victim.key_len);
        victim.value.ptr[victim.value.len - 1] ^= 1;
        if (remove)
            store_batch_delete(batch, table, key);
        else
            store_batch_put(batch, table, key, buf_bytes(&victim.value));
        assert_int_equal(store_commit(w->store, batch), OK);
        store_batch_free(batch);
    }
    buf_done(&victim.value);
    return err == ERR_EXISTS;
}

/* Verification finds damage in any record of any table. A certificate in the
 * middle that is not there is none: its blocks are the next one's. */
static void verification_notices_every_kind_of_damage(void **state)
{
    (void)state;
    for (unsigned t = STORE_BLOCK; t < STORE_TABLES; t++) {
        for (unsigned nth = 0; nth < 8; nth++) {
            struct world w;
            struct verify_report report;
            uint64_t seed = 99;
            world_open_kinds(&w, &test_table);
            fill(&w, 15, &seed);
            if (t == STORE_CERT && nth % 2 == 1) {
                assert_true(damage(&w, STORE_CERT, nth, true));
                assert_int_equal(verify(&w, &report), OK);
            } else if (damage(&w, (enum store_table)t, nth, nth % 2 == 1)) {
                assert_int_equal(verify(&w, &report), ERR_CORRUPT);
                assert_non_null(report.what);
            } else {
                if (nth == 0 && t != STORE_HEADER) /* all blocks are here */
                    fail_msg("table %u is empty", t);
            }
            world_close(&w);
        }
    }
}

static void opening_notices_damage_near_the_tip(void **state)
{
    static const enum store_table tables[] = {STORE_BLOCK, STORE_BLOCK_ID,
                                              STORE_MMR, STORE_SET};
    (void)state;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        struct world w;
        uint64_t seed = 5;
        world_open_kinds(&w, &test_table);
        fill(&w, 3, &seed);
        /* All records of the table, so that the ones in use are among them. */
        unsigned nth = 0;
        while (damage(&w, tables[i], nth, true))
            ;
        assert_int_equal(reopen(&w), ERR_CORRUPT);
        world_close(&w);
    }
}

static void opening_notices_a_changed_history(void **state)
{
    struct world w;
    uint64_t seed = 5;
    (void)state;
    world_open_kinds(&w, &test_table);
    fill(&w, 6, &seed);
    for (unsigned nth = 0; damage(&w, STORE_MMR, nth, false); nth++)
        ;
    assert_int_equal(reopen(&w), ERR_CORRUPT);
    world_close(&w);
}

static void opening_notices_a_changed_header(void **state)
{
    struct world w;
    uint64_t seed = 5;
    struct arena arena;
    struct bytes block;
    uint8_t key[8];
    (void)state;
    world_open_kinds(&w, &test_table);
    fill(&w, 4, &seed);
    arena_init(&arena, 1u << 20);
    assert_int_equal(chain_block_at(w.chain, 2, &arena, &block), OK);
    struct buf copy;
    buf_init(&copy, LIMIT_BLOCK_BYTES);
    buf_add(&copy, block);
    copy.ptr[100] ^= 1;
    struct store_batch *batch = store_batch_new(0);
    u64be_put(key, 2);
    store_batch_put(batch, STORE_BLOCK, BYTES_OF(key), buf_bytes(&copy));
    assert_int_equal(store_commit(w.store, batch), OK);
    store_batch_free(batch);
    buf_done(&copy);
    arena_done(&arena);
    assert_int_equal(reopen(&w), ERR_CORRUPT);
    world_close(&w);
}

static void opening_notices_a_changed_set(void **state)
{
    (void)state;
    for (unsigned blocks = 1; blocks <= 6; blocks++) {
        struct world w;
        uint64_t seed = 5;
        struct validators set;
        struct buf raw;
        uint8_t key[8];
        world_open_kinds(&w, &test_table);
        fill(&w, blocks, &seed);
        uint64_t epoch = chain_next_epoch(w.chain);
        assert_int_equal(chain_set_of(w.chain, epoch, &set), OK);
        set.items[0].weight += 1024;
        buf_init(&raw, VALIDATORS_BYTES_MAX);
        validators_encode(&set, &raw);
        struct store_batch *batch = store_batch_new(0);
        u64be_put(key, epoch);
        store_batch_put(batch, STORE_SET, BYTES_OF(key), buf_bytes(&raw));
        assert_int_equal(store_commit(w.store, batch), OK);
        store_batch_free(batch);
        buf_done(&raw);
        assert_int_equal(reopen(&w), ERR_CORRUPT);
        world_close(&w);
    }
}

static void an_audit_notices_a_changed_record_and_a_changed_page(void **state)
{
    struct world w;
    uint64_t seed = 5;
    (void)state;
    world_open_kinds(&w, &test_table);
    fill(&w, 4, &seed);
    assert_true(damage(&w, STORE_STATE, 1, false));
    assert_int_equal(chain_audit_state(w.chain), ERR_CORRUPT);
    world_close(&w);
    world_open_kinds(&w, &test_table);
    fill(&w, 4, &seed);
    assert_true(damage(&w, STORE_PAGE, 0, false));
    assert_int_equal(chain_audit_state(w.chain), ERR_CORRUPT);
    assert_int_equal(reopen(&w), ERR_CORRUPT); /* the root does not match */
    world_close(&w);
}

static void an_audit_notices_money_that_was_put_there(void **state)
{
    struct world w;
    uint8_t key[33] = {STATE_ACCOUNT};
    uint8_t value[16] = {1};
    (void)state;
    world_open_kinds(&w, &test_table);
    struct store_batch *batch = store_batch_new(0);
    store_batch_put(batch, STORE_STATE, BYTES_OF(key), BYTES_OF(value));
    assert_int_equal(store_commit(w.store, batch), OK);
    store_batch_free(batch);
    assert_int_equal(chain_audit_money(w.chain), ERR_CONSERVATION);
    world_close(&w);
}

/* ---- failing calls ---- */

static void opening_passes_every_fault_on_and_then_succeeds(void **state)
{
    unsigned fail_at = 1;
    (void)state;
    for (;; fail_at++) {
        struct world w = {0};
        struct faulty faulty;
        world_genesis(&w, 5);
        assert_int_equal(store_mem_new(&w.store), OK);
        faulty_init(&faulty, w.store, ERR_IO);
        faulty.fail_at = fail_at;
        enum err err =
            chain_open(&faulty.store, &w.genesis, &test_table, &w.chain);
        if (err == OK) {
            assert_true(faulty.calls < fail_at);
            world_close(&w);
            break;
        }
        assert_int_equal(err, ERR_IO);
        assert_null(w.chain);
        /* The store is whole: opening again works. */
        assert_int_equal(chain_open(w.store, &w.genesis, &test_table, &w.chain),
                         OK);
        assert_int_equal(chain_audit_state(w.chain), OK);
        world_close(&w);
    }
    assert_true(fail_at > 10);
}

/* One block through a failing store; true when it got through. */
static bool block_through(struct world *w, struct faulty *faulty)
{
    struct candidate *candidate = NULL;
    const struct candidate *run[CHAIN_RUN_MAX];
    struct chain_drops drops;
    struct store_batch *batch = NULL;
    struct cert cert;
    enum err err = chain_build(w->chain, NULL, w->pool, NULL, 0, 0,
                               &w->validator.signer.key, &drops, &candidate);
    assert_int_equal(drops.count, 0);
    free(drops.items);
    if (err != OK) {
        assert_int_equal(err, ERR_IO);
        assert_null(candidate);
        return false;
    }
    test_certify(w->chain, &w->validator, candidate_block(candidate), &cert);
    err = chain_commit(w->chain, &candidate, 1, &cert, &batch);
    if (err != OK) {
        assert_int_equal(err, ERR_IO);
        candidate_free(candidate);
        return false;
    }
    err = store_commit(&faulty->store, batch);
    if (err != OK) /* the batch is kept and tried again */
        err = store_commit(&faulty->store, batch);
    assert_int_equal(err, OK);
    assert_int_equal(chain_stored(w->chain, store_batch_height(batch), run), 1);
    store_batch_free(batch);
    return true;
}

static void a_block_is_made_whole_or_not_at_all_at_every_fault(void **state)
{
    unsigned fail_at = 1;
    bool failed = true;
    (void)state;
    for (; failed; fail_at++) {
        struct world w = {0};
        struct faulty faulty;
        struct chain_tip tip;
        const struct pubkey *to;
        world_genesis(&w, 1); /* every block ends an epoch */
        assert_int_equal(store_mem_new(&w.store), OK);
        faulty_init(&faulty, w.store, ERR_IO);
        assert_int_equal(
            chain_open(&faulty.store, &w.genesis, &test_table, &w.chain), OK);
        assert_int_equal(pool_new(NULL, &w.pool), OK);
        to = &w.users[1].signer.key;
        assert_int_equal(pool_transfer(&w, 0, 0, to, 5), OK);
        assert_int_equal(pool_transfer(&w, 0, 1, to, 5), OK);
        faulty.calls = 0;
        faulty.fail_at = fail_at;
        failed = !block_through(&w, &faulty) || faulty.calls >= fail_at;
        faulty.fail_at = 0;
        tip = chain_tip(w.chain);
        if (tip.height == 0) {
            /* Nothing changed: the same block is made now. */
            assert_int_equal(chain_head(w.chain).height, 0);
            assert_int_equal(pool_count(w.pool), 2);
            assert_true(block_through(&w, &faulty));
        }
        assert_int_equal(balance_of(w.chain, to), 100 * CREDITS + 10);
        assert_int_equal(chain_audit_state(w.chain), OK);
        world_close(&w);
    }
    assert_true(fail_at > 10);
}

/* ---- killed while writing ---- */

static void make_blocks_until_killed(const char *dir, int said)
{
    struct world w = {0};
    world_genesis(&w, 5);
    if (store_lmdb_open(dir, NULL, &w.store) != OK ||
        chain_open(w.store, &w.genesis, &test_table, &w.chain) != OK ||
        pool_new(NULL, &w.pool) != OK)
        _exit(1);
    for (uint64_t i = chain_tip(w.chain).height;; i++) {
        uint8_t raw[8];
        if (pool_transfer(&w, 0, i, &w.users[1].signer.key, 1) != OK ||
            world_block(&w) != 1)
            _exit(1);
        u64le_put(raw, chain_tip(w.chain).height);
        if (write(said, raw, sizeof(raw)) != sizeof(raw))
            _exit(1);
    }
}

static void a_killed_chain_comes_back_whole(void **state)
{
    uint64_t seed = 3;
    uint64_t said = 0;
    char dir[64];
    (void)state;
    temp_dir(dir);
    for (int round = 0; round < 6; round++) {
        struct world w = {0};
        struct verify_report report;
        uint8_t raw[8];
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0)
            make_blocks_until_killed(dir, ends[1]);
        close(ends[1]);
        assert_int_equal(read(ends[0], raw, sizeof(raw)), sizeof(raw));
        usleep((useconds_t)(test_random(&seed) % 30000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        do {
            said = u64le_get(raw);
        } while (read(ends[0], raw, sizeof(raw)) == sizeof(raw));
        close(ends[0]);
        world_genesis(&w, 5);
        assert_int_equal(store_lmdb_open(dir, NULL, &w.store), OK);
        assert_int_equal(chain_open(w.store, &w.genesis, &test_table, &w.chain),
                         OK);
        assert_true(chain_tip(w.chain).height >= said);
        assert_int_equal(chain_audit_money(w.chain), OK);
        assert_int_equal(chain_audit_state(w.chain), OK);
        assert_int_equal(verify(&w, &report), OK);
        world_close(&w);
    }
    remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reopened_chain_stands_where_it_stood),
        cmocka_unit_test(another_genesis_is_refused),
        cmocka_unit_test(random_blocks_execute_again_to_the_very_same),
        cmocka_unit_test(a_verification_can_be_stopped),
        cmocka_unit_test(a_chain_may_go_on_while_it_is_verified),
        cmocka_unit_test(verification_notices_every_kind_of_damage),
        cmocka_unit_test(opening_notices_damage_near_the_tip),
        cmocka_unit_test(opening_notices_a_changed_history),
        cmocka_unit_test(opening_notices_a_changed_header),
        cmocka_unit_test(opening_notices_a_changed_set),
        cmocka_unit_test(an_audit_notices_a_changed_record_and_a_changed_page),
        cmocka_unit_test(an_audit_notices_money_that_was_put_there),
        cmocka_unit_test(opening_passes_every_fault_on_and_then_succeeds),
        cmocka_unit_test(a_block_is_made_whole_or_not_at_all_at_every_fault),
        cmocka_unit_test(a_killed_chain_comes_back_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
