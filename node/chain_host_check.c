/* Signatures are checked on the worker pool before the core sees what they are
 * on: transactions, and messages with blocks of many. */

#include "node/chain_host_inner.h"

#include "base/check.h"
#include "ledger/sx_msg.h"

#include <stdlib.h>
#include <string.h>

#define WAITING_MAX 8192 /* transactions and blocks before their check */
#define BATCH_MAX   256  /* transactions one worker checks in one go */
#define CHECKED_LEN ((LIMIT_BLOCK_TXS + 7) / 8)
#define BLOCKS_MAX  64 /* messages with blocks before their check */
#define LARGE_BLOCK                                                            \
    8192u /* blocks from this size on are checked on workers                   \
           */

#define CONTAINER(ptr, type, member)                                           \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static void check_tx(struct chain_host *host, struct item *item,
                     struct arena *arena)
{
    struct tx tx;
    item->err = tx_decode(bytes_make(item->bytes, item->len), arena, &tx);
    if (item->err == OK)
        item->err = tx_verify(&tx, &host->genesis->chain);
}

static bool is_checked(const uint8_t *checked, uint32_t i)
{
    return checked != NULL && (((unsigned)checked[i / 8] >> (i % 8)) & 1u) != 0;
}

/* checked: of transactions that need no check any more; may be NULL. */
static enum err check_block(struct chain_host *host, struct bytes bytes,
                            const uint8_t *checked, struct arena *arena)
{
    struct block block;
    TRY(block_decode(bytes, arena, &block));
    for (uint32_t i = 0; i < block.tx_count; i++) {
        if (!is_checked(checked, i))
            TRY(tx_verify(&block.txs[i], &host->genesis->chain));
    }
    return OK;
}

static void check_message(struct chain_host *host, struct item *item,
                          struct arena *arena)
{
    struct sx_msg msg;
    item->err = sx_msg_decode(bytes_make(item->bytes, item->len), &msg);
    if (item->err == OK && msg.block.len > 0)
        item->err = check_block(host, msg.block, item->checked, arena);
    for (uint32_t i = 0; i < msg.block_count && item->err == OK; i++)
        item->err = check_block(host, msg.blocks[i], NULL, arena);
}

static void on_check(uv_work_t *work)
{
    struct checking *checking = (struct checking *)work;
    struct arena arena;
    arena_init(&arena, 64u * 1024 * 1024);
    for (struct item *item = checking->items; item != NULL; item = item->next) {
        arena_reset(&arena);
        if (item->is_again || item->is_checked)
            continue;
        if (item->is_message)
            check_message(checking->host, item, &arena);
        else
            check_tx(checking->host, item, &arena);
    }
    arena_done(&arena);
}

static void item_free(struct chain_host *host, struct item *item)
{
    if (!item->is_message && !item->is_again)
        CHECK(map_remove(&host->checked, item->by_id.key) == &item->by_id);
    free(item->checked);
    free(item->bytes);
    free(item);
}

/* What waits for its check and is in a block that was checked needs no other.
 */
static void note_checked(struct chain_host *host, const struct item *block)
{
    struct bytes slices[LIMIT_BLOCK_TXS];
    struct sx_msg msg;
    uint32_t count = 0;
    if (host->checked.count == 0 ||
        sx_msg_decode(bytes_make(block->bytes, block->len), &msg) != OK ||
        msg.block.len == 0 || block_slices(msg.block, slices, &count) != OK)
        return;
    for (uint32_t i = 0; i < count; i++) {
        struct hash id;
        if (is_checked(block->checked, i))
            continue;
        hash_bytes(HASH_TAG_TX, slices[i], &id);
        struct map_leaf *leaf = map_find(&host->checked, hash_as_bytes(&id));
        if (leaf == NULL)
            continue;
        struct item *item = CONTAINER(leaf, struct item, by_id);
        if (!item->is_started)
            item->is_checked = true;
    }
}

static void pass_message(struct chain_host *host, const struct item *item)
{
    struct sx_event event = {
        .kind = SX_EV_MESSAGE,
        .peer = item->peer,
        .bytes = {item->bytes, item->len},
        .txs_verified = true,
    };
    if (item->err != OK)
        host->events.on_peer_bad(host->events.ctx, item->peer, item->err);
    else {
        note_checked(host, item);
        chain_host_step(host, &event);
    }
}

/* Hands the good transactions of a run to the core in one step. */
static void pass_txs(struct chain_host *host, const struct item *first,
                     const struct item *end)
{
    struct sx_tx txs[BATCH_MAX];
    struct sx_event event = {.kind = SX_EV_SUBMIT, .txs = txs};
    for (const struct item *item = first; item != end; item = item->next) {
        struct hash none = {{0}};
        if (item->err != OK) {
            host->events.on_refused(host->events.ctx, &none, item->token,
                                    item->err, 0);
            continue;
        }
        txs[event.tx_count++] = (struct sx_tx){
            .bytes = {item->bytes, item->len},
            .verified = !item->is_again,
            .token = item->token,
        };
    }
    if (event.tx_count > 0)
        chain_host_step(host, &event);
}

static void start_checks(struct chain_host *host);

/* Hands on what a batch had. */
static void pass_batch(struct chain_host *host, struct checking *checking)
{
    struct item *item = checking->items;
    while (item != NULL) {
        struct item *end = item->next;
        if (item->is_message) {
            pass_message(host, item);
        } else {
            while (end != NULL && !end->is_message)
                end = end->next;
            pass_txs(host, item, end);
        }
        while (item != end) {
            struct item *next = item->next;
            item_free(host, item);
            item = next;
        }
    }
    checking->items = NULL;
    checking->busy = false;
    checking->done = false;
    checking->queue->passed++;
}

/* The batch of this queue whose turn it is, if it is done. */
static struct checking *next_batch(struct chain_host *host,
                                   const struct queue *queue)
{
    for (int i = 0; i < CHECKERS + 1; i++) {
        struct checking *checking = &host->checking[i];
        if (checking->done && checking->queue == queue &&
            checking->turn == queue->passed)
            return checking;
    }
    return NULL;
}

/* A sender's transactions come in the order of their nonces; one that overtakes
 * the others would be refused. */
static void on_checked(uv_work_t *work, int status)
{
    struct checking *checking = (struct checking *)work;
    struct chain_host *host = checking->host;
    const struct queue *queue = checking->queue;
    (void)status;
    checking->done = true;
    while ((checking = next_batch(host, queue)) != NULL)
        pass_batch(host, checking);
    if (!host->closing)
        start_checks(host);
}

static void start_check(struct chain_host *host, struct checking *checking)
{
    struct queue *queue = checking->queue;
    size_t count = 0;
    checking->host = host;
    checking->items = queue->first;
    checking->last = NULL;
    while (queue->first != NULL && count < BATCH_MAX) {
        checking->last = queue->first;
        checking->last->is_started = true;
        queue->first = queue->first->next;
        count++;
    }
    CHECK(checking->last != NULL);
    checking->last->next = NULL;
    if (queue->first == NULL)
        queue->last = NULL;
    queue->count -= count;
    checking->turn = queue->begun++;
    checking->busy = true;
    CHECK(uv_queue_work(host->loop, &checking->work, on_check, on_checked) ==
          0);
}

static void start_checks(struct chain_host *host)
{
    for (int i = 0; i < CHECKERS + 1; i++) {
        struct checking *checking = &host->checking[i];
        checking->queue =
            &host->queues[i < CHECKERS ? QUEUE_TXS : QUEUE_BLOCKS];
        if (!checking->busy && checking->queue->first != NULL)
            start_check(host, checking);
    }
}

static enum err enqueue(struct chain_host *host, int which, struct item **out,
                        struct bytes bytes)
{
    struct queue *queue = &host->queues[which];
    struct item *item;
    if (queue->count >= (which == QUEUE_TXS ? WAITING_MAX : BLOCKS_MAX) ||
        host->closing)
        return ERR_RATE;
    item = calloc(1, sizeof(*item));
    if (item == NULL)
        return ERR_NOMEM;
    item->bytes = malloc(bytes.len + 1);
    if (item->bytes == NULL) {
        free(item);
        return ERR_NOMEM;
    }
    memcpy(item->bytes, bytes.ptr, bytes.len);
    item->len = bytes.len;
    if (queue->last != NULL)
        queue->last->next = item;
    else
        queue->first = item;
    queue->last = item;
    queue->count++;
    *out = item;
    return OK;
}

enum err chain_host_submit(struct chain_host *host, struct bytes tx,
                           uint64_t token)
{
    struct item *item;
    if (tx.len == 0 || tx.len > LIMIT_TX_BYTES)
        return ERR_TOO_LARGE;
    TRY(enqueue(host, QUEUE_TXS, &item, tx));
    item->token = token;
    hash_bytes(HASH_TAG_TX, tx, &item->id);
    item->by_id.key = hash_as_bytes(&item->id);
    item->is_again = pool_find(sx_pool(host->core), &item->id) != NULL ||
                     map_insert(&host->checked, &item->by_id) != NULL;
    start_checks(host);
    return OK;
}

/* Does it bring so many transactions that their signatures are work? */
static bool is_work(struct bytes message)
{
    return message.len >= LARGE_BLOCK &&
           (message.ptr[0] == SX_MSG_PROPOSE ||
            message.ptr[0] == SX_MSG_BLOCK || message.ptr[0] == SX_MSG_FINALS);
}

/* Marks those of the block's transactions that wait in the pool: they were
 * checked when they came. How many were not; UINT32_MAX: not one block. */
static uint32_t new_here(struct chain_host *host, struct bytes message,
                         uint8_t *checked)
{
    struct bytes slices[LIMIT_BLOCK_TXS];
    struct sx_msg msg;
    uint32_t count = 0;
    uint32_t fresh = 0;
    if (sx_msg_decode(message, &msg) != OK || msg.block.len == 0 ||
        block_slices(msg.block, slices, &count) != OK)
        return UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        struct hash id;
        hash_bytes(HASH_TAG_TX, slices[i], &id);
        if (pool_find(sx_pool(host->core), &id) != NULL)
            checked[i / 8] = (uint8_t)(checked[i / 8] | (1u << (i % 8)));
        else
            fresh++;
    }
    return fresh;
}

enum err chain_host_message(struct chain_host *host, uint64_t peer,
                            struct bytes message)
{
    struct sx_event event = {
        .kind = SX_EV_MESSAGE, .peer = peer, .bytes = message};
    struct item *item;
    uint8_t checked[CHECKED_LEN] = {0};
    CHECK(!host->stepping);
    if (!is_work(message) || new_here(host, message, checked) == 0) {
        chain_host_step(host, &event);
        return OK;
    }
    TRY(enqueue(host, QUEUE_BLOCKS, &item, message));
    item->checked = malloc(CHECKED_LEN); /* without: all are checked */
    if (item->checked != NULL)
        memcpy(item->checked, checked, CHECKED_LEN);
    item->is_message = true;
    item->peer = peer;
    start_checks(host);
    return OK;
}

bool chain_host_checking(const struct chain_host *host)
{
    for (int i = 0; i < CHECKERS + 1; i++) {
        if (host->checking[i].busy)
            return true;
    }
    return false;
}

void chain_host_check_done(struct chain_host *host)
{
    for (int i = 0; i < QUEUE_COUNT; i++) {
        while (host->queues[i].first != NULL) {
            struct item *next = host->queues[i].first->next;
            item_free(host, host->queues[i].first);
            host->queues[i].first = next;
        }
    }
}
