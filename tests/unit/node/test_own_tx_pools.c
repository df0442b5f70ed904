/* Our own transactions in a network: four validators and a node that follows,
 * each with its pool, and deeds of which some are refused. What was numbered
 * behind a refusal waits in five pools by then. */

#include "tests/unit/ledger/fixture.h"

#include "tests/unit/ledger/kinds.h"
#include "tests/unit/ledger/node_by_hand.h"
#include "node/chain/own_tx.h"

#define DEEDS    200u
#define BLOCK_MS 100u
#define INBOX    4096u
#define BAD      0u /* an amount that is refused always */
#define NUMBERS  1024u
#define RECORDS  8192u

/* What our core says waits here until its step is over. */
struct word {
    bool final;
    uint32_t kind;
    struct hash subject;
    uint64_t nonce;
    uint64_t token;
    enum err err;
    uint64_t height;
};

/* A write to the disk; what a ticket stands for is how many of them there were.
 */
struct write {
    char name[32];
    struct buf record;
};

struct post_office {
    struct net net;
    struct node *here; /* ours: it follows */
    struct own_tx *own;
    struct word inbox[INBOX];
    size_t inbox_count;
    struct {
        struct buf bytes;
        uint64_t token;
    } outbox[INBOX];
    size_t outbox_count;
    unsigned finals;
    unsigned refusals;
    bool ended[2 * DEEDS];
    uint64_t lowest[2 * DEEDS]; /* number a deed was sent under, 1 more */
    struct {
        struct hash id;
        uint64_t deed;
        bool used;
    } sent[NUMBERS]; /* last, under each number */
    struct write disk[RECORDS];
    uint64_t written;
    uint64_t synced;
};

static void heard(void *ctx, const struct sx_effect *effect)
{
    struct post_office *o = ctx;
    struct word word = {
        .token = effect->token, .err = effect->err, .height = effect->height};
    if (effect->kind == SX_TX_REFUSED && (effect->token & OWN_TX_TOKEN) != 0) {
        assert_true(o->inbox_count < INBOX);
        o->inbox[o->inbox_count++] = word;
    }
    if (effect->kind != SX_FINAL)
        return;
    const struct block *block = candidate_block(effect->candidate);
    const struct result *results = candidate_results(effect->candidate);
    for (uint32_t i = 0; i < block->tx_count; i++) {
        assert_true(o->inbox_count < INBOX);
        word = (struct word){.final = true,
                             .kind = block->txs[i].kind,
                             .subject = results[i].effect.subject,
                             .nonce = block->txs[i].nonce};
        o->inbox[o->inbox_count++] = word;
    }
}

/* A number is used for another only when what had it has ended, or has gone to
 * a lower one: of two transactions under a number only one is wanted. */
static void judge_number(struct post_office *o, struct bytes bytes)
{
    struct arena arena;
    struct tx tx;
    struct kind_args args;
    arena_init(&arena, 1u << 18);
    assert_int_equal(tx_decode(bytes, &arena, &tx), OK);
    assert_int_equal(kind_args(&tx, &arena, &args), OK);
    uint64_t deed = u64le_get(args.id.b);
    assert_true(tx.nonce < NUMBERS && deed < 2 * DEEDS);
    if (o->sent[tx.nonce].used && !hash_equal(&o->sent[tx.nonce].id, &tx.id)) {
        uint64_t before = o->sent[tx.nonce].deed;
        assert_int_not_equal(before, deed);
        assert_true(o->ended[before] || o->lowest[before] < tx.nonce + 1);
    }
    o->sent[tx.nonce].used = true;
    o->sent[tx.nonce].id = tx.id;
    o->sent[tx.nonce].deed = deed;
    o->lowest[deed] = tx.nonce + 1;
    arena_done(&arena);
}

static enum err submit_own(void *ctx, struct bytes tx, uint64_t token)
{
    struct post_office *o = ctx;
    if (o->outbox_count == INBOX)
        return ERR_RATE;
    judge_number(o, tx);
    buf_init(&o->outbox[o->outbox_count].bytes, LIMIT_TX_BYTES);
    buf_add(&o->outbox[o->outbox_count].bytes, tx);
    o->outbox[o->outbox_count++].token = token;
    return OK;
}

static enum err judge(void *ctx, struct bytes bytes)
{
    struct post_office *o = ctx;
    struct arena arena;
    struct tx tx;
    arena_init(&arena, 1u << 18);
    assert_int_equal(tx_decode(bytes, &arena, &tx), OK);
    enum err err = chain_check_tx(o->here->chain, &tx, T0 + o->net.now_ms);
    arena_done(&arena);
    return err;
}

static bool waits(void *ctx, const struct hash *id)
{
    struct post_office *o = ctx;
    return pool_find(sx_pool(o->here->core), id) != NULL ||
           pool_carried(sx_pool(o->here->core), id);
}

static enum err keep(void *ctx, const char *name, struct bytes record)
{
    struct post_office *o = ctx;
    assert_true(o->written < RECORDS);
    struct write *write = &o->disk[o->written++];
    snprintf(write->name, sizeof(write->name), "%s", name);
    buf_init(&write->record, LIMIT_TX_BYTES + 200);
    buf_add(&write->record, record);
    return write->record.err;
}

static uint64_t ticket(void *ctx)
{
    struct post_office *o = ctx;
    return o->written;
}

static void sync_disk(struct post_office *o)
{
    o->synced = o->written;
    own_tx_kept(o->own, o->synced);
}

static void ends(struct post_office *o, const struct hash *subject)
{
    uint64_t number = u64le_get(subject->b);
    assert_true(number < 2 * DEEDS);
    assert_false(o->ended[number]); /* each deed ends once */
    o->ended[number] = true;
}

static void refused(void *ctx, uint32_t kind, const struct hash *subject,
                    enum err err)
{
    struct post_office *o = ctx;
    assert_int_equal(kind, KIND_DEED);
    /* Not forgotten in time before a kill: the engines know that it is done. */
    if (err == ERR_STATE && o->ended[u64le_get(subject->b) % (2 * DEEDS)])
        return;
    assert_true(err == ERR_SIGNATURE || err == ERR_FUNDS);
    ends(o, subject);
    o->refusals++;
}

static uint64_t height(const struct post_office *o)
{
    return chain_tip(o->here->chain).height;
}

static void open_own(struct post_office *o)
{
    struct own_tx_options options = {.chain = o->net.w.genesis.chain,
                                     .signer = &o->net.w.users[0].signer,
                                     .submit = submit_own,
                                     .judge = judge,
                                     .waits = waits,
                                     .keep = keep,
                                     .ticket = ticket,
                                     .refused = refused,
                                     .ctx = o};
    struct account account;
    assert_int_equal(account_get(chain_state(o->here->chain),
                                 &options.signer->key, &account),
                     OK);
    options.nonce = account.nonce;
    assert_int_equal(own_tx_new(&options, &o->own), OK);
}

/* The last write of a name counts. */
static bool is_last(const struct post_office *o, uint64_t at)
{
    for (uint64_t i = at + 1; i < o->written; i++)
        if (strcmp(o->disk[i].name, o->disk[at].name) == 0)
            return false;
    return true;
}

static void add(struct post_office *o, uint64_t number, uint64_t micro);

/* kill -9: what was not synced is gone, and so is the pool; the engines begin
 * with what they know, in another order. */
static void kill_and_start(struct post_office *o, uint64_t micro)
{
    own_tx_free(o->own);
    while (o->written > o->synced)
        buf_done(&o->disk[--o->written].record);
    while (o->outbox_count > 0)
        buf_done(&o->outbox[--o->outbox_count].bytes);
    while (o->inbox_count > 0) {
        const struct word *word = &o->inbox[--o->inbox_count];
        if (word->final) { /* the chain tells, after the start */
            ends(o, &word->subject);
            o->finals++;
        }
    }
    node_restart(o->here, WAL_WHOLE);
    open_own(o);
    for (uint64_t i = 0; i < o->written; i++)
        if (o->disk[i].record.len > 0 && is_last(o, i))
            assert_int_equal(own_tx_load(o->own, buf_bytes(&o->disk[i].record)),
                             OK);
    net_link_all(&o->net);
    for (uint64_t i = DEEDS; i-- > 0;)
        if (!o->ended[i])
            add(o, i, micro);
}

static int setup(void **state)
{
    struct post_office *o = calloc(1, sizeof(*o));
    if (o == NULL || sodium_init() < 0)
        return -1;
    net_open_epochs(&o->net, 4, 600, 0, BLOCK_MS);
    for (int i = 0; i < 4; i++)
        net_add(&o->net, i);
    o->here = net_add(&o->net, -1);
    net_link_all(&o->net);
    o->net.gossip = true;
    net_settle(&o->net);
    o->here->heard = heard;
    o->here->ctx = o;
    open_own(o);
    *state = o;
    return 0;
}

static int teardown(void **state)
{
    struct post_office *o = *state;
    own_tx_free(o->own);
    for (size_t i = 0; i < o->outbox_count; i++)
        buf_done(&o->outbox[i].bytes);
    for (uint64_t i = 0; i < o->written; i++)
        buf_done(&o->disk[i].record);
    net_close(&o->net);
    free(o);
    return 0;
}

static void add(struct post_office *o, uint64_t number, uint64_t micro)
{
    struct hash subject = {{0}};
    struct buf payload;
    u64le_put(subject.b, number);
    buf_init(&payload, 64);
    mp_put_array(&payload, 2);
    mp_put_hash(&payload, &subject);
    mp_put_uint(&payload, micro);
    assert_int_equal(own_tx_add(o->own, KIND_DEED, &subject,
                                buf_bytes(&payload), height(o), o->net.now_ms),
                     OK);
    buf_done(&payload);
}

static void read_inbox(struct post_office *o)
{
    bool any = o->inbox_count > 0;
    for (size_t i = 0; i < o->inbox_count; i++) {
        const struct word *word = &o->inbox[i];
        if (word->final) {
            own_tx_final(o->own, word->kind, &word->subject, word->nonce);
            ends(o, &word->subject);
            o->finals++;
        } else {
            own_tx_refused(o->own, word->token, word->err, word->height,
                           o->net.now_ms);
        }
    }
    o->inbox_count = 0;
    if (any)
        own_tx_tick(o->own, height(o), o->net.now_ms);
}

static void send_outbox(struct post_office *o)
{
    size_t count = o->outbox_count;
    for (size_t i = 0; i < count; i++) {
        struct sx_tx tx = {.bytes = buf_bytes(&o->outbox[i].bytes),
                           .token = o->outbox[i].token};
        step(o->here, (struct sx_event){
                          .kind = SX_EV_SUBMIT, .txs = &tx, .tx_count = 1});
        buf_done(&o->outbox[i].bytes);
    }
    o->outbox_count -= count;
    memmove(&o->outbox[0], &o->outbox[count],
            o->outbox_count * sizeof(o->outbox[0]));
}

static void live(struct post_office *o)
{
    net_live(&o->net, 5);
    if (o->net.now_ms % 1000 < 5)
        own_tx_tick(o->own, height(o), o->net.now_ms);
    sync_disk(o);
    while (o->inbox_count > 0 || o->outbox_count > 0) {
        read_inbox(o);
        sync_disk(o);
        send_outbox(o);
    }
}

/* Until every deed has ended: how long did it take? */
static uint64_t live_to_the_end(struct post_office *o, uint64_t ms_max)
{
    uint64_t began = o->net.now_ms;
    while (own_tx_count(o->own) > 0 && o->net.now_ms - began < ms_max)
        live(o);
    print_message("%u final, %u refused, %u wait after %u ms\n", o->finals,
                  o->refusals, own_tx_count(o->own),
                  (unsigned)(o->net.now_ms - began));
    return o->net.now_ms - began;
}

/* ---- the tests ---- */

static void what_is_good_takes_a_block_or_two(void **state)
{
    struct post_office *o = *state;
    for (uint64_t i = 0; i < DEEDS; i++)
        add(o, i, CREDITS / 2);
    assert_true(live_to_the_end(o, 60000) <= 1000);
    assert_int_equal(o->finals, DEEDS);
}

/* One signature in the middle is bad: those behind it do not feel it. */
static void one_refusal_holds_nobody_up(void **state)
{
    struct post_office *o = *state;
    for (uint64_t i = 0; i < DEEDS; i++)
        add(o, i, i == 20 ? BAD : CREDITS / 2);
    assert_true(live_to_the_end(o, 60000) <= 1000);
    assert_int_equal(o->finals, DEEDS - 1);
    assert_int_equal(o->refusals, 1);
}

/* The money is at its end in the middle of a job, and comes no more. */
static void all_that_cannot_be_paid_is_refused_at_once(void **state)
{
    struct post_office *o = *state;
    for (uint64_t i = 0; i < DEEDS; i++)
        add(o, i, CREDITS);
    assert_true(live_to_the_end(o, 60000) <= 1000);
    assert_int_equal(o->finals, 100);
    assert_int_equal(o->refusals, DEEDS - 100);
}

/* ... and what is small enough follows: under numbers that dead copies hold in
 * all pools. */
static void dead_copies_keep_no_number(void **state)
{
    struct post_office *o = *state;
    for (uint64_t i = 0; i < DEEDS; i++)
        add(o, i, CREDITS + CREDITS / 5);
    live_to_the_end(o, 60000);
    assert_int_equal(o->finals, 83);
    for (uint64_t i = DEEDS; i < 2 * DEEDS; i++)
        add(o, i, 1);
    assert_true(live_to_the_end(o, 120000) <= 1000);
    assert_int_equal(o->finals, 83 + DEEDS);
}

/* Every second one is refused: a block each, and no more. */
static void each_refusal_costs_a_block_at_most(void **state)
{
    struct post_office *o = *state;
    for (uint64_t i = 0; i < DEEDS; i++)
        add(o, i, i % 2 == 0 ? BAD : CREDITS / 2);
    assert_true(live_to_the_end(o, 300000) <= DEEDS / 2 * (2 * BLOCK_MS));
    assert_int_equal(o->finals, DEEDS / 2);
}

/* Killed again and again, at any moment, with bad ones among them: what others
 * hold under a number stays wanted, nothing is done twice, all ends. */
static void a_process_that_was_killed_sends_the_same_again(void **state)
{
    struct post_office *o;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        uint64_t dice = seed * 7919;
        teardown(state);
        setup(state);
        o = *state;
        for (uint64_t i = 0; i < DEEDS; i++)
            add(o, i, test_random(&dice) % 8 == 0 ? BAD : CREDITS / 2);
        for (unsigned kills = 0; kills < 10; kills++) {
            for (uint64_t n = test_random(&dice) % 40; n > 0; n--)
                live(o);
            if (test_random(&dice) % 2 == 0)
                sync_disk(o);
            net_live(&o->net, test_random(&dice) % 200);
            kill_and_start(o, CREDITS / 2);
        }
        live_to_the_end(o, 60000);
        assert_int_equal(own_tx_count(o->own), 0);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_good_takes_a_block_or_two),
        T(one_refusal_holds_nobody_up),
        T(all_that_cannot_be_paid_is_refused_at_once),
        T(dead_copies_keep_no_number),
        T(each_refusal_costs_a_block_at_most),
        T(a_process_that_was_killed_sends_the_same_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
