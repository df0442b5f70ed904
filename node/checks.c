#include "node/checks.h"

#include "base/check.h"
#include "ledger/block.h"
#include "ledger/map.h"
#include "ledger/sx_msg.h"

#include <stdlib.h>
#include <string.h>

#define TXS_MAX      16384u              /* that wait */
#define BYTES_MAX    (32u * 1024 * 1024) /* of them */
#define MESSAGES_MAX 64u                 /* that wait */
#define BATCH_TXS    128u /* a worker's share of what came by itself */
#define BATCH_BLOCK  32u  /* ... of what a block waits for */
#define PASS_MAX     256u /* given to the core at once */
#define WORKERS_MAX  17u  /* batches at the same time */
#define RECENT_SETS  4096u
#define RECENT_WAYS  4u
#define BUCKETS      4096u
#define TX_BYTES_MIN 128u /* a chain's id, a key and a signature */
#define TX_ARENA_MAX (64u * 1024 * 1024)

_Static_assert((RECENT_SETS & (RECENT_SETS - 1)) == 0 &&
                   (BUCKETS & (BUCKETS - 1)) == 0,
               "powers of two");
_Static_assert(BATCH_BLOCK <= BATCH_TXS, "a batch holds either");

/* A message that waits for checks. */
struct message {
    struct message *next;
    uint64_t peer;
    uint32_t missing; /* checks it waits for */
    enum err err;     /* of the first that failed */
    struct hash *ids; /* of its transactions, when it brings one block */
    size_t len;
    uint8_t bytes[];
};

struct wait {
    struct wait *next;
    struct message *message;
};

/* One transaction, one check. */
struct check {
    struct map_leaf by_id; /* first */
    struct hash id;
    enum { IDLE, STARTED, DONE } state;
    enum { VERIFY, KNOWN, UNWANTED } what; /* a worker does with it */
    enum err err;
    unsigned items;     /* that are to be told */
    struct wait *waits; /* blocks that wait for it */
    struct check *next; /* of those that blocks wait for */
    bool is_urgent;
    bool has_tx;
    struct tx tx; /* points into bytes */
    size_t len;
    uint8_t bytes[];
};

/* One who brought a transaction. */
struct item {
    struct item *next;
    struct check *check;
    uint64_t token;
};

struct batch {
    uv_work_t work; /* first */
    struct checks *checks;
    struct check *items[BATCH_TXS];
    unsigned count;
    bool busy;
};

/* The first bits of an id choose the set; the eldest in it goes. */
struct recent {
    struct hash ids[RECENT_WAYS];
    unsigned next;
};

struct checks {
    uv_loop_t *loop;
    struct hash chain;
    struct checks_events events;
    /* By id; each transaction with a check that is not over or not told. The
     * first bits of an id choose the map. */
    struct map by_id[BUCKETS];
    /* Items in the order they came; those from `fresh` on were not begun. */
    struct item *first;
    struct item **last;
    struct item *fresh;
    size_t item_count;
    size_t bytes; /* of all transactions here */
    struct check *urgent;
    struct check **urgent_last;
    struct message *messages;
    struct message **messages_last;
    size_t message_count;
    struct batch batches[WORKERS_MAX];
    unsigned batch_count; /* the last one's are always a block's */
    uint64_t done;
    bool passing;
    bool stopped;
    struct hash ids[LIMIT_BLOCK_TXS]; /* of the block being looked at */
    /* Transactions that were found good of late, wherever they are now. */
    struct recent recent[RECENT_SETS];
};

static void message_free(struct message *message)
{
    free(message->ids);
    free(message);
}

/* ---- what is known ---- */

static unsigned first_bits(const struct hash *id)
{
    return (unsigned)id->b[0] | (unsigned)id->b[1] << 8;
}

static struct map *bucket_of(struct checks *checks, const struct hash *id)
{
    return &checks->by_id[first_bits(id) & (BUCKETS - 1)];
}

static struct check *find(struct checks *checks, const struct hash *id)
{
    return (struct check *)(void *)map_find(bucket_of(checks, id),
                                            hash_as_bytes(id));
}

static struct recent *recent_of(struct checks *checks, const struct hash *id)
{
    return &checks->recent[first_bits(id) & (RECENT_SETS - 1)];
}

static void remember(struct checks *checks, const struct hash *id)
{
    struct recent *set = recent_of(checks, id);
    set->ids[set->next++ % RECENT_WAYS] = *id;
}

static bool is_known(struct checks *checks, const struct hash *id)
{
    const struct recent *set = recent_of(checks, id);
    for (unsigned i = 0; i < RECENT_WAYS; i++) {
        if (hash_equal(&set->ids[i], id))
            return true;
    }
    return checks->events.is_known(checks->events.ctx, id);
}

static struct check *check_new(struct checks *checks, const struct hash *id,
                               struct bytes bytes)
{
    struct check *check = malloc(sizeof(*check) + bytes.len);
    if (check == NULL)
        return NULL;
    memset(check, 0, sizeof(*check));
    check->id = *id;
    check->by_id.key = hash_as_bytes(&check->id);
    check->len = bytes.len;
    memcpy(check->bytes, bytes.ptr, bytes.len);
    CHECK(map_insert(bucket_of(checks, id), &check->by_id) == NULL);
    checks->bytes += bytes.len;
    return check;
}

static void check_free(struct checks *checks, struct check *check)
{
    while (check->waits != NULL) {
        struct wait *wait = check->waits;
        check->waits = wait->next;
        free(wait);
    }
    CHECK(map_remove(bucket_of(checks, &check->id), check->by_id.key) ==
          &check->by_id);
    checks->bytes -= check->len;
    free(check);
}

/* ---- on a worker ---- */

static void verify(const struct checks *checks, struct check *check,
                   struct arena *arena)
{
    struct bytes bytes = bytes_make(check->bytes, check->len);
    check->err = tx_decode_verified(bytes, &check->id, &checks->chain, arena,
                                    &check->tx);
    check->has_tx = check->err == OK;
}

static void on_work(uv_work_t *work)
{
    struct batch *batch = (struct batch *)work;
    struct arena arena;
    arena_init(&arena, TX_ARENA_MAX);
    for (unsigned i = 0; i < batch->count; i++) {
        arena_reset(&arena);
        if (batch->items[i]->what == VERIFY)
            verify(batch->checks, batch->items[i], &arena);
    }
    arena_done(&arena);
}

/* ---- telling ---- */

/* The check is over: blocks that waited for it know. */
static void finish(struct checks *checks, struct check *check)
{
    check->state = DONE;
    if (check->err == OK && check->what == VERIFY)
        remember(checks, &check->id);
    while (check->waits != NULL) {
        struct wait *wait = check->waits;
        CHECK(wait->message->missing > 0);
        wait->message->missing--;
        if (wait->message->err == OK)
            wait->message->err = check->err;
        check->waits = wait->next;
        free(wait);
    }
    if (check->items == 0)
        check_free(checks, check);
}

static void pass_messages(struct checks *checks)
{
    const struct checks_events *to = &checks->events;
    while (checks->messages != NULL && checks->messages->missing == 0) {
        struct message *message = checks->messages;
        checks->messages = message->next;
        if (checks->messages == NULL)
            checks->messages_last = &checks->messages;
        checks->message_count--;
        to->on_message(to->ctx, message->peer,
                       bytes_make(message->bytes, message->len), message->ids,
                       message->err);
        message_free(message);
    }
}

/* Takes the first item off; the caller has told of it. */
static void item_drop(struct checks *checks)
{
    struct item *item = checks->first;
    struct check *check = item->check;
    if (checks->fresh == item)
        checks->fresh = item->next;
    checks->first = item->next;
    if (checks->first == NULL)
        checks->last = &checks->first;
    checks->item_count--;
    if (--check->items == 0 && check->state == DONE)
        check_free(checks, check);
    free(item);
}

/* Some that stand in front, in one call. A sender's transactions come in the
 * order of their nonces; one that overtakes the others would be refused. */
static void pass_some(struct checks *checks)
{
    const struct checks_events *to = &checks->events;
    struct sx_tx txs[PASS_MAX];
    size_t count = 0;
    size_t seen = 0;
    for (struct item *item = checks->first;
         item != NULL && item->check->state == DONE && seen < PASS_MAX;
         item = item->next) {
        const struct check *check = item->check;
        seen++;
        if (check->err != OK) {
            to->on_tx_bad(to->ctx, item->token, check->err);
            continue;
        }
        txs[count++] = (struct sx_tx){
            .bytes = bytes_make(check->bytes, check->len),
            .tx = check->has_tx ? &check->tx : NULL,
            .verified = true,
            .token = item->token,
        };
    }
    if (count > 0)
        to->on_txs(to->ctx, txs, count);
    while (seen-- > 0)
        item_drop(checks);
}

/* Not from inside itself: who is told may bring the next. */
static void pass(struct checks *checks)
{
    if (checks->passing || checks->stopped)
        return;
    checks->passing = true;
    pass_messages(checks);
    while (checks->first != NULL && checks->first->check->state == DONE) {
        pass_some(checks);
        pass_messages(checks);
    }
    checks->passing = false;
}

/* ---- handing out ---- */

static void start(struct checks *checks);

/* A block that is bad already needs no further looks. */
static bool is_wanted(const struct check *check)
{
    if (check->items > 0)
        return true;
    for (const struct wait *wait = check->waits; wait != NULL;
         wait = wait->next) {
        if (wait->message->err == OK)
            return true;
    }
    return false;
}

static void make_urgent(struct checks *checks, struct check *check)
{
    if (check->is_urgent || check->state != IDLE)
        return;
    check->is_urgent = true;
    check->next = NULL;
    *checks->urgent_last = check;
    checks->urgent_last = &check->next;
}

/* Back from a worker. Somebody may want by now what nobody wanted. */
static void take_back(struct checks *checks, struct check *check)
{
    if (check->what == VERIFY)
        checks->done++;
    if (check->what != UNWANTED || !is_wanted(check)) {
        finish(checks, check);
        return;
    }
    check->what = VERIFY;
    check->err = OK;
    check->state = IDLE;
    make_urgent(checks, check);
}

static void on_worked(uv_work_t *work, int status)
{
    struct batch *batch = (struct batch *)work;
    struct checks *checks = batch->checks;
    (void)status; /* nothing is ever cancelled */
    for (unsigned i = 0; i < batch->count; i++)
        take_back(checks, batch->items[i]);
    batch->busy = false;
    start(checks); /* workers first */
    pass(checks);
}

static void give(struct batch *batch, struct check *check)
{
    check->state = STARTED;
    batch->items[batch->count++] = check;
}

static void give_urgent(struct checks *checks, struct batch *batch)
{
    while (checks->urgent != NULL && batch->count < BATCH_BLOCK) {
        struct check *check = checks->urgent;
        checks->urgent = check->next;
        if (checks->urgent == NULL)
            checks->urgent_last = &checks->urgent;
        check->is_urgent = false;
        if (check->what == VERIFY && !is_wanted(check)) {
            check->what = UNWANTED;
            check->err = ERR_CANCELLED;
        }
        give(batch, check);
    }
}

/* What a block waits for as well is given out as that. */
static void give_fresh(struct checks *checks, struct batch *batch)
{
    while (checks->fresh != NULL && batch->count < BATCH_TXS) {
        struct check *check = checks->fresh->check;
        if (check->state == IDLE && !check->is_urgent)
            give(batch, check);
        checks->fresh = checks->fresh->next;
    }
}

static void start(struct checks *checks)
{
    for (unsigned i = 0; i < checks->batch_count && !checks->stopped; i++) {
        struct batch *batch = &checks->batches[i];
        if (batch->busy)
            continue;
        batch->count = 0;
        give_urgent(checks, batch);
        if (batch->count == 0 && i + 1 < checks->batch_count)
            give_fresh(checks, batch);
        if (batch->count == 0)
            continue;
        batch->busy = true;
        CHECK(uv_queue_work(checks->loop, &batch->work, on_work, on_worked) ==
              0);
    }
}

/* ---- transactions ---- */

static void item_add(struct checks *checks, struct item *item,
                     struct check *check, uint64_t token)
{
    item->check = check;
    item->token = token;
    item->next = NULL;
    check->items++;
    *checks->last = item;
    checks->last = &item->next;
    if (checks->fresh == NULL)
        checks->fresh = item;
    checks->item_count++;
}

enum err checks_tx(struct checks *checks, struct bytes tx, uint64_t token)
{
    struct hash id;
    struct item *item;
    if (tx.len == 0 || tx.len > LIMIT_TX_BYTES)
        return ERR_TOO_LARGE;
    if (checks->item_count >= TXS_MAX || checks->bytes + tx.len > BYTES_MAX ||
        checks->stopped)
        return ERR_RATE;
    item = malloc(sizeof(*item));
    if (item == NULL)
        return ERR_NOMEM;
    hash_bytes(HASH_TAG_TX, tx, &id);
    struct check *check = find(checks, &id);
    if (check == NULL) {
        check = check_new(checks, &id, tx);
        if (check == NULL) {
            free(item);
            return ERR_NOMEM;
        }
        if (is_known(checks, &id))
            check->what = KNOWN;
    }
    item_add(checks, item, check, token);
    start(checks);
    return OK;
}

/* ---- messages ---- */

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
    struct check *check = find(checks, out_id);
    if (check != NULL && check->state == DONE)
        return check->err;
    if (check != NULL ? check->what == KNOWN : is_known(checks, out_id))
        return OK;
    TRY(message_need(g));
    wait = malloc(sizeof(*wait));
    if (wait == NULL)
        return ERR_NOMEM;
    if (check == NULL)
        check = check_new(checks, out_id, tx);
    if (check == NULL) {
        free(wait);
        return ERR_NOMEM;
    }
    *wait = (struct wait){check->waits, g->message};
    check->waits = wait;
    g->message->missing++;
    make_urgent(checks, check);
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
    start(checks);
    *out = CHECKS_WAIT;
    return OK;
}

/* ---- life ---- */

enum err checks_new(uv_loop_t *loop, const struct hash *chain,
                    const struct checks_events *events, struct checks **out)
{
    struct checks *checks = calloc(1, sizeof(*checks));
    unsigned cores = uv_available_parallelism();
    if (checks == NULL)
        return ERR_NOMEM;
    checks->loop = loop;
    checks->chain = *chain;
    checks->events = *events;
    checks->last = &checks->first;
    checks->urgent_last = &checks->urgent;
    checks->messages_last = &checks->messages;
    checks->batch_count = (cores < 2             ? 2
                           : cores < WORKERS_MAX ? cores
                                                 : WORKERS_MAX - 1) +
                          1;
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        checks->batches[i].checks = checks;
    *out = checks;
    return OK;
}

void checks_stop(struct checks *checks)
{
    checks->stopped = true;
}

bool checks_busy(const struct checks *checks)
{
    for (unsigned i = 0; i < checks->batch_count; i++) {
        if (checks->batches[i].busy)
            return true;
    }
    return false;
}

/* What is left belongs to blocks alone. */
static void drop_urgent(struct checks *checks)
{
    while (checks->urgent != NULL) {
        struct check *check = checks->urgent;
        checks->urgent = check->next;
        check_free(checks, check);
    }
}

void checks_free(struct checks *checks)
{
    if (checks == NULL)
        return;
    checks->stopped = true;
    CHECK(!checks_busy(checks));
    while (checks->first != NULL) {
        /* One that a block waits for goes with the others of its kind. */
        if (checks->first->check->state == IDLE &&
            !checks->first->check->is_urgent)
            checks->first->check->state = DONE;
        item_drop(checks);
    }
    drop_urgent(checks);
    while (checks->messages != NULL) {
        struct message *message = checks->messages;
        checks->messages = message->next;
        message_free(message);
    }
    free(checks);
}

uint64_t checks_count(const struct checks *checks)
{
    return checks->done;
}
