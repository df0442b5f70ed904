/* Messages with blocks: which of their transactions still need a check. */

#include "node/chain/checks_inner.h"

#include "base/check.h"
#include "ledger/block.h"
#include "ledger/sx/sx_msg.h"

#include <stdlib.h>
#include <string.h>

#define PROPOSALS_MAX 4u   /* that wait, of each leader */
#define BODIES_MAX    64u  /* of all: they were asked for, each waits once */
#define RUNS_MAX      32u  /* of each peer: what a few questions bring */
#define RUNS_ALL_MAX  256u /* of all who are no validators */
#define TX_BYTES_MIN  128u /* a chain's id, a key and a signature */

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
    int index;
    struct bytes bytes;
    const struct sx_msg *msg;
    struct message *message; /* made for the first that is not known */
    uint32_t id_count;
};

/* ---- room ---- */

static bool is_same_peer(const struct gathering *g,
                         const struct message *message)
{
    return g->index >= 0 ? g->index == message->index
                         : g->peer == message->peer;
}

static bool has_room(const struct gathering *g)
{
    unsigned own = 0;
    unsigned all = 0;
    unsigned strangers = 0;
    for (const struct message *message = g->checks->messages; message != NULL;
         message = message->next) {
        if (message->tag != g->msg->tag)
            continue;
        all++;
        own += is_same_peer(g, message);
        strangers += message->index < 0;
    }
    if (g->msg->tag == SX_MSG_PROPOSE)
        return own < PROPOSALS_MAX;
    if (g->msg->tag == SX_MSG_BLOCK)
        return all < BODIES_MAX;
    return own < RUNS_MAX && (g->index >= 0 || strangers < RUNS_ALL_MAX);
}

/* Does the very same wait already? Proposals are said again, blocks asked for
 * again; but only a peer's own word counts as its word. */
static bool waits_already(const struct gathering *g)
{
    for (const struct message *message = g->checks->messages; message != NULL;
         message = message->next) {
        if (message->err == OK && message->len == g->bytes.len &&
            (message->tag == SX_MSG_BLOCK || message->peer == g->peer) &&
            memcmp(message->bytes, g->bytes.ptr, g->bytes.len) == 0)
            return true;
    }
    return false;
}

static const struct header *run_header(const struct sx_msg *msg, uint32_t i,
                                       struct header *out)
{
    struct cursor cursor;
    cursor_init(&cursor, msg->headers);
    cursor_take(&cursor, (size_t)i * HEADER_BYTES);
    header_decode(&cursor, out);
    return cursor.err == OK ? out : NULL;
}

static enum err message_need(struct gathering *g)
{
    struct header header;
    if (g->message != NULL)
        return OK;
    if (!has_room(g))
        return ERR_RATE;
    g->message = malloc(sizeof(*g->message) + g->bytes.len);
    if (g->message == NULL)
        return ERR_NOMEM;
    memset(g->message, 0, sizeof(*g->message));
    g->message->peer = g->peer;
    g->message->index = g->index;
    g->message->tag = g->msg->tag;
    if (g->msg->tag == SX_MSG_FINALS &&
        run_header(g->msg, g->msg->header_count - 1, &header) != NULL)
        header_id(&header, &g->message->run_id);
    g->message->len = g->bytes.len;
    memcpy(g->message->bytes, g->bytes.ptr, g->bytes.len);
    return OK;
}

/* ---- what it brings ---- */

/* The message waits for this transaction unless it is known. */
static enum err wait_for(struct gathering *g, struct bytes tx,
                         const struct hash *id)
{
    struct checks *checks = g->checks;
    struct wait *wait;
    struct check *check = checks_find(checks, id);
    if (check != NULL && check->state == DONE)
        return check->err;
    if (check != NULL ? check->what == KNOWN : checks_knows(checks, id))
        return OK;
    TRY(message_need(g));
    wait = malloc(sizeof(*wait));
    if (wait == NULL)
        return ERR_NOMEM;
    if (check == NULL)
        check = checks_add(checks, id, tx);
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

/* A leader answers for its proposal. Of any other block it is certain before a
 * signature is looked at that it is the one that its header names. */
static enum err wait_for_block(struct gathering *g, struct bytes block)
{
    struct bytes slices[LIMIT_BLOCK_TXS];
    struct hash *ids = g->checks->ids;
    TRY(block_slices(block, slices, &g->id_count));
    for (uint32_t i = 0; i < g->id_count; i++) {
        if (slices[i].len < TX_BYTES_MIN)
            return ERR_TRUNCATED;
        hash_bytes(HASH_TAG_TX, slices[i], &ids[i]);
    }
    if (g->msg->tag != SX_MSG_PROPOSE)
        TRY(block_check_root(block, ids, g->id_count));
    for (uint32_t i = 0; i < g->id_count; i++)
        TRY(wait_for(g, slices[i], &ids[i]));
    return OK;
}

/* Its blocks are those of its headers. */
static enum err wait_for_run(struct gathering *g)
{
    const struct sx_msg *msg = g->msg;
    for (uint32_t i = 0; i < msg->block_count; i++) {
        struct bytes header = bytes_make(
            msg->headers.ptr + (size_t)i * HEADER_BYTES, HEADER_BYTES);
        if (msg->blocks[i].len < HEADER_BYTES)
            return ERR_TRUNCATED;
        if (!bytes_equal(bytes_make(msg->blocks[i].ptr, HEADER_BYTES), header))
            return ERR_ROOT;
        TRY(wait_for_block(g, msg->blocks[i]));
    }
    return OK;
}

/* ---- runs behind runs ---- */

/* Do runs of this peer wait? They keep their order. */
static bool has_runs(const struct gathering *g)
{
    for (const struct message *message = g->checks->messages; message != NULL;
         message = message->next) {
        if (message->tag == SX_MSG_FINALS && message->peer == g->peer)
            return true;
    }
    return false;
}

/* Does one of them end where this one goes on? */
static bool goes_on(const struct gathering *g)
{
    struct header first;
    if (run_header(g->msg, 0, &first) == NULL)
        return false;
    for (const struct message *message = g->checks->messages; message != NULL;
         message = message->next) {
        if (message->tag == SX_MSG_FINALS && message->peer == g->peer &&
            hash_equal(&message->run_id, &first.parent))
            return true;
    }
    return false;
}

/* ---- a message ---- */

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
}

/* What it brings, and whether it waits for that or for its turn. */
static enum err gather(struct gathering *g)
{
    const struct sx_msg *msg = g->msg;
    if (waits_already(g))
        return ERR_EXISTS;
    TRY(msg->tag == SX_MSG_FINALS ? wait_for_run(g)
                                  : wait_for_block(g, msg->block));
    return msg->tag == SX_MSG_FINALS && has_runs(g) ? message_need(g) : OK;
}

static enum err look(struct gathering *g, enum checks_verdict *out,
                     const struct hash **out_ids)
{
    struct checks *checks = g->checks;
    enum err err = gather(g);
    if (g->message == NULL) {
        *out = err == ERR_EXISTS ? CHECKS_KNOWN : CHECKS_GOOD;
        *out_ids = g->msg->block.len > 0 ? checks->ids : NULL;
        return err == ERR_EXISTS ? OK : err;
    }
    g->message->err = err;
    if (err == OK && g->msg->block.len > 0)
        keep_ids(g);
    message_add(checks, g->message);
    checks_start(checks);
    *out = CHECKS_WAIT;
    return OK;
}

enum err checks_message(struct checks *checks, uint64_t peer,
                        struct bytes message, enum checks_verdict *out,
                        const struct hash **out_ids)
{
    const struct checks_events *events = &checks->events;
    struct sx_msg msg;
    struct gathering g = {
        .checks = checks, .peer = peer, .bytes = message, .msg = &msg};
    *out_ids = NULL;
    *out = CHECKS_PLAIN;
    if (!brings_blocks(message) || sx_msg_decode(message, &msg) != OK ||
        (msg.tag != SX_MSG_FINALS && msg.block.len == 0))
        return OK;
    enum sx_use use = events->use_of(events->ctx, peer, &msg);
    if (use == SX_USE_UNASKED)
        return ERR_UNASKED;
    if (use == SX_USE_NONE || (use == SX_USE_LATER && !goes_on(&g)))
        return OK;
    g.index = events->index_of(events->ctx, peer);
    return look(&g, out, out_ids);
}

void checks_gone(struct checks *checks, uint64_t peer)
{
    for (struct message *message = checks->messages; message != NULL;
         message = message->next) {
        if (message->peer != peer)
            continue;
        message->gone = true;
        message->err = ERR_CANCELLED;
    }
}
