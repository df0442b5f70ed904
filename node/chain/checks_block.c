/* Messages with blocks: which of their transactions still need a check. */

#include "node/chain/checks_inner.h"

#include "base/check.h"
#include "ledger/block.h"
#include "ledger/sx/sx_msg.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGES_MAX 64u  /* that wait */
#define TX_BYTES_MIN 128u /* a chain's id, a key and a signature */

static bool brings_blocks(struct bytes message)
{
    return message.len > 0 &&
           (message.ptr[0] == SX_MSG_PROPOSE ||
            message.ptr[0] == SX_MSG_BLOCK || message.ptr[0] == SX_MSG_FINALS);
}

/* Where a message's transactions are gathered. */
struct gathering {
    struct checks *checks;
    uint64_t peer;
    struct bytes bytes;
    struct message *message; /* made for the first that is not known */
    uint32_t id_count;
};

static enum err message_need(struct gathering *g)
{
    if (g->message != NULL)
        return OK;
    if (g->checks->message_count >= MESSAGES_MAX)
        return ERR_RATE;
    g->message = malloc(sizeof(*g->message) + g->bytes.len);
    if (g->message == NULL)
        return ERR_NOMEM;
    memset(g->message, 0, sizeof(*g->message));
    g->message->peer = g->peer;
    g->message->len = g->bytes.len;
    memcpy(g->message->bytes, g->bytes.ptr, g->bytes.len);
    return OK;
}

/* The message waits for this transaction unless it is known. */
static enum err wait_for(struct gathering *g, struct bytes tx,
                         struct hash *out_id)
{
    struct checks *checks = g->checks;
    struct wait *wait;
    if (tx.len < TX_BYTES_MIN)
        return ERR_TRUNCATED;
    hash_bytes(HASH_TAG_TX, tx, out_id);
    struct check *check = checks_find(checks, out_id);
    if (check != NULL && check->state == DONE)
        return check->err;
    if (check != NULL ? check->what == KNOWN : checks_knows(checks, out_id))
        return OK;
    TRY(message_need(g));
    wait = malloc(sizeof(*wait));
    if (wait == NULL)
        return ERR_NOMEM;
    if (check == NULL)
        check = checks_add(checks, out_id, tx);
    if (check == NULL) {
        free(wait);
        return ERR_NOMEM;
    }
    *wait = (struct wait){check->waits, g->message};
    check->waits = wait;
    g->message->missing++;
    checks_hurry(checks, check);
    return OK;
}

/* One that is here costs nothing more: proposals are said again. */
static bool is_here(const struct checks *checks, struct bytes block)
{
    const struct checks_events *events = &checks->events;
    struct header header;
    struct cursor cursor;
    struct hash id;
    cursor_init(&cursor, block);
    header_decode(&cursor, &header);
    if (cursor.err != OK)
        return false;
    header_id(&header, &id);
    return events->has_block(events->ctx, &id);
}

static enum err wait_for_block(struct gathering *g, struct bytes block)
{
    struct bytes slices[LIMIT_BLOCK_TXS];
    enum err err = block_slices(block, slices, &g->id_count);
    for (uint32_t i = 0; i < g->id_count && err == OK; i++)
        err = wait_for(g, slices[i], &g->checks->ids[i]);
    return err;
}

/* Keeps the ids for a message that waits; without memory the core computes them
 * once more. */
static void keep_ids(struct gathering *g)
{
    size_t size = (size_t)g->id_count * sizeof(struct hash);
    g->message->ids = malloc(size + 1);
    if (g->message->ids != NULL)
        memcpy(g->message->ids, g->checks->ids, size);
}

/* It stays among those that wait, even a bad one: checks point to it. */
static void message_add(struct checks *checks, struct message *message)
{
    *checks->messages_last = message;
    checks->messages_last = &message->next;
    checks->message_count++;
}

enum err checks_message(struct checks *checks, uint64_t peer,
                        struct bytes message, enum checks_verdict *out,
                        const struct hash **out_ids)
{
    struct sx_msg msg;
    struct gathering g = {.checks = checks, .peer = peer, .bytes = message};
    enum err err = OK;
    *out_ids = NULL;
    if (!brings_blocks(message) || sx_msg_decode(message, &msg) != OK ||
        (msg.block.len == 0 && msg.block_count == 0) ||
        (msg.block.len > 0 && is_here(checks, msg.block))) {
        *out = CHECKS_PLAIN;
        return OK;
    }
    if (msg.block.len > 0)
        err = wait_for_block(&g, msg.block);
    for (uint32_t i = 0; i < msg.block_count && err == OK; i++)
        err = wait_for_block(&g, msg.blocks[i]);
    if (g.message == NULL) {
        *out = CHECKS_GOOD;
        *out_ids = msg.block.len > 0 ? checks->ids : NULL;
        return err;
    }
    g.message->err = err;
    if (err == OK && msg.block.len > 0)
        keep_ids(&g);
    message_add(checks, g.message);
    checks_start(checks);
    *out = CHECKS_WAIT;
    return OK;
}
