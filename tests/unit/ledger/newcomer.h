#ifndef TESTS_UNIT_LEDGER_NEWCOMER_H
#define TESTS_UNIT_LEDGER_NEWCOMER_H

/* A newcomer among cores that have the town's chain. Messages lie in a queue
 * until they are delivered; what a server says may be bent on its way. Include
 * after fixture.h and town.h. */

#include "ledger/sx/sx_msg.h"

#define SERVERS_MAX 4u
#define LETTERS     256u
#define BATCHES     64u

struct letter {
    unsigned server;
    bool inwards; /* to the newcomer */
    struct buf bytes;
};

struct newcomer;
/* Changes what the server says; false: it is lost. */
typedef bool (*bend_fn)(struct newcomer *n, unsigned server,
                        struct buf *message);

struct newcomer {
    struct town *town;
    struct chain *source; /* what the servers give */
    struct store *store;
    struct chain *chain;
    struct sx *core;
    uint64_t now_ms;
    uint64_t wake_ms;
    uint64_t sync_epochs;
    struct sx *servers[SERVERS_MAX];
    unsigned server_count;
    bend_fn bend[SERVERS_MAX];
    struct letter letters[LETTERS];
    unsigned letter_first;
    unsigned letter_count;
    struct store_batch *batches[BATCHES];
    unsigned batch_count;
    unsigned commits;
    unsigned crash_at; /* commits; 0: never */
    unsigned crashes;
    unsigned bad[SERVERS_MAX]; /* how often it was called that */
    bool fetches;
    bool fetched;
    enum err halted;
};

static void post(struct newcomer *n, unsigned server, bool inwards,
                 struct bytes bytes)
{
    assert_true(n->letter_count < LETTERS);
    struct letter *letter =
        &n->letters[(n->letter_first + n->letter_count++) % LETTERS];
    letter->server = server;
    letter->inwards = inwards;
    buf_init(&letter->bytes, LIMIT_MESSAGE_BYTES);
    buf_add(&letter->bytes, bytes);
}

static void newcomer_step(struct newcomer *n, struct sx_event event)
{
    struct sx_effects effects;
    event.mono_ms = n->now_ms;
    event.wall_ms = T0 + n->now_ms;
    n->wake_ms = UINT64_MAX;
    sx_step(n->core, &event, &effects);
    for (size_t i = 0; i < effects.count; i++) {
        const struct sx_effect *effect = &effects.items[i];
        if (effect->kind == SX_STORE) {
            assert_true(n->batch_count < BATCHES);
            n->batches[n->batch_count++] = effect->batch;
        } else if (effect->kind == SX_SEND) {
            post(n, (unsigned)effect->peer % 100 - 1, false, effect->bytes);
        } else if (effect->kind == SX_PEER_BAD) {
            n->bad[effect->peer % 100 - 1]++;
        } else if (effect->kind == SX_WAKE) {
            n->wake_ms = effect->at_ms;
        } else if (effect->kind == SX_HALT) {
            n->halted = effect->err;
        } else if (effect->kind == SX_NOTICE) {
            n->fetches = n->fetches || effect->notice == SX_NOTICE_FETCHES;
            n->fetched = n->fetched || effect->notice == SX_NOTICE_FETCHED;
        }
    }
}

static void server_step(struct newcomer *n, unsigned server,
                        struct sx_event event)
{
    struct sx_effects effects;
    event.mono_ms = n->now_ms;
    event.wall_ms = T0 + n->now_ms;
    sx_step(n->servers[server], &event, &effects);
    for (size_t i = 0; i < effects.count; i++) {
        const struct sx_effect *effect = &effects.items[i];
        assert_int_not_equal(effect->kind, SX_STORE);
        assert_int_not_equal(effect->kind, SX_HALT);
        assert_int_not_equal(effect->kind, SX_PEER_BAD);
        if (effect->kind == SX_SEND)
            post(n, server, true, effect->bytes);
    }
}

/* ---- life ---- */

static uint64_t link_of(const struct newcomer *n, unsigned server)
{
    return 100 * (n->crashes + 1) + server + 1;
}

static void newcomer_start(struct newcomer *n)
{
    struct sx_options options = {.mono_ms = n->now_ms,
                                 .seed = 5 + n->crashes,
                                 .sync_epochs = n->sync_epochs};
    assert_int_equal(
        chain_open(n->store, &n->town->w.genesis, &test_table, &n->chain), OK);
    assert_int_equal(sx_new(n->chain, &options, &n->core), OK);
    for (unsigned i = 0; i < n->server_count; i++) {
        struct sx_event event = {.kind = SX_EV_LINK, .peer = link_of(n, i)};
        struct sx_event other = {.kind = SX_EV_LINK, .peer = link_of(n, 0)};
        event.key.b[0] = (uint8_t)(1 + i);
        other.key.b[0] = 99;
        newcomer_step(n, event);
        server_step(n, i, other);
    }
}

UNUSED static void newcomer_open(struct newcomer *n, struct town *town,
                                 struct chain *source, unsigned servers,
                                 uint64_t sync_epochs)
{
    memset(n, 0, sizeof(*n));
    n->town = town;
    n->source = source;
    n->now_ms = 1000000;
    n->sync_epochs = sync_epochs;
    n->server_count = servers;
    for (unsigned i = 0; i < servers; i++) {
        struct sx_options options = {.mono_ms = n->now_ms, .seed = 77 + i};
        assert_int_equal(sx_new(source, &options, &n->servers[i]), OK);
    }
    assert_int_equal(store_mem_new(&n->store), OK);
    newcomer_start(n);
}

static void newcomer_stop(struct newcomer *n)
{
    sx_free(n->core);
    chain_close(n->chain);
    for (unsigned i = 0; i < n->batch_count; i++)
        store_batch_free(n->batches[i]);
    n->batch_count = 0;
    for (; n->letter_count > 0; n->letter_count--)
        buf_done(&n->letters[n->letter_first++ % LETTERS].bytes);
}

/* What was not committed is gone, and so are the links. */
UNUSED static void newcomer_crash(struct newcomer *n)
{
    newcomer_stop(n);
    for (unsigned i = 0; i < n->server_count; i++)
        server_step(
            n, i,
            (struct sx_event){.kind = SX_EV_UNLINK, .peer = link_of(n, 0)});
    n->crashes++;
    newcomer_start(n);
}

UNUSED static void newcomer_close(struct newcomer *n)
{
    newcomer_stop(n);
    for (unsigned i = 0; i < n->server_count; i++)
        sx_free(n->servers[i]);
    store_close(n->store);
}

/* ---- time ---- */

static void deliver_letter(struct newcomer *n)
{
    struct letter letter = n->letters[n->letter_first % LETTERS];
    n->letter_first = (n->letter_first + 1) % LETTERS;
    n->letter_count--;
    unsigned i = letter.server;
    struct sx_event event = {.kind = SX_EV_MESSAGE};
    if (letter.inwards &&
        (n->bend[i] == NULL || n->bend[i](n, i, &letter.bytes))) {
        event.peer = link_of(n, i);
        event.bytes = buf_bytes(&letter.bytes);
        newcomer_step(n, event);
    } else if (!letter.inwards) {
        event.peer = link_of(n, 0);
        event.bytes = buf_bytes(&letter.bytes);
        server_step(n, i, event);
    }
    buf_done(&letter.bytes);
}

static void commit_batch(struct newcomer *n)
{
    struct store_batch *batch = n->batches[0];
    uint64_t height = store_batch_height(batch);
    assert_int_equal(store_commit(n->store, batch), OK);
    store_batch_free(batch);
    n->batch_count--;
    memmove(&n->batches[0], &n->batches[1],
            n->batch_count * sizeof(n->batches[0]));
    if (++n->commits == n->crash_at) {
        newcomer_crash(n);
        return;
    }
    newcomer_step(n, (struct sx_event){.kind = SX_EV_STORED, .height = height});
}

/* Five milliseconds go by. */
static void newcomer_pass(struct newcomer *n)
{
    n->now_ms += 5;
    if (n->wake_ms <= n->now_ms)
        newcomer_step(n, (struct sx_event){.kind = SX_EV_TIME});
    if (n->now_ms % 100 == 0)
        for (unsigned i = 0; i < n->server_count; i++)
            server_step(n, i, (struct sx_event){.kind = SX_EV_TIME});
}

/* One letter arrives, or one batch is stored, or time goes by. */
static void newcomer_live_once(struct newcomer *n)
{
    if (n->letter_count > 0)
        deliver_letter(n);
    else if (n->batch_count > 0)
        commit_batch(n);
    else
        newcomer_pass(n);
}

UNUSED static void newcomer_live(struct newcomer *n, uint64_t ms)
{
    uint64_t until = n->now_ms + ms;
    while (n->now_ms < until && n->halted == OK)
        newcomer_live_once(n);
}

#endif
