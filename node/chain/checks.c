#include "node/chain/checks_inner.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define TXS_MAX      16384u              /* that wait */
#define BYTES_MAX    (32u * 1024 * 1024) /* of them */
#define BATCH_BLOCK  32u                 /* ... of what a block waits for */
#define PASS_MAX     256u                /* given to the core at once */
#define TX_ARENA_MAX (64u * 1024 * 1024)

_Static_assert((RECENT_SETS & (RECENT_SETS - 1)) == 0 &&
                   (BUCKETS & (BUCKETS - 1)) == 0,
               "powers of two");
_Static_assert(BATCH_BLOCK <= BATCH_TXS, "a batch holds either");

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

struct check *checks_find(struct checks *checks, const struct hash *id)
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

bool checks_knows(struct checks *checks, const struct hash *id)
{
    const struct recent *set = recent_of(checks, id);
    for (unsigned i = 0; i < RECENT_WAYS; i++) {
        if (hash_equal(&set->ids[i], id))
            return true;
    }
    return checks->events.is_known(checks->events.ctx, id);
}

struct check *checks_add(struct checks *checks, const struct hash *id,
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

/* Runs of one peer keep their order: each stands on the one before. */
static bool is_ready(const struct checks *checks, const struct message *message)
{
    const struct message *before = checks->messages;
    if (message->missing > 0)
        return false;
    while (message->tag == SX_MSG_FINALS && before != message) {
        if (before->tag == SX_MSG_FINALS && before->peer == message->peer)
            return false;
        before = before->next;
    }
    return true;
}

/* Takes off the next one to be told, a validator's before others'; or NULL. */
static struct message *take_ready(struct checks *checks)
{
    struct message **found = NULL;
    for (struct message **at = &checks->messages; *at != NULL;
         at = &(*at)->next) {
        if ((found != NULL && (*at)->index < 0) || !is_ready(checks, *at))
            continue;
        found = at;
        if ((*at)->index >= 0)
            break;
    }
    if (found == NULL)
        return NULL;
    struct message *message = *found;
    *found = message->next;
    if (message->next == NULL)
        checks->messages_last = found;
    return message;
}

static void pass_messages(struct checks *checks)
{
    const struct checks_events *to = &checks->events;
    struct message *message;
    while ((message = take_ready(checks)) != NULL) {
        if (!message->gone)
            to->on_message(to->ctx, message->peer,
                           bytes_make(message->bytes, message->len),
                           message->ids, message->err);
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

static bool is_urgent(const struct check *check)
{
    for (const struct wait *wait = check->waits; wait != NULL;
         wait = wait->next) {
        if (wait->message->index >= 0 && wait->message->err == OK)
            return true;
    }
    return false;
}

static void queue_take(struct check *check)
{
    *check->at = check->next;
    if (check->next != NULL)
        check->next->at = check->at;
    else
        check->in->last = check->at;
    check->in = NULL;
}

void checks_hurry(struct checks *checks, struct check *check)
{
    struct queue *queue = is_urgent(check) ? &checks->urgent : &checks->others;
    if (check->state != IDLE || check->in == queue ||
        check->in == &checks->urgent)
        return;
    if (check->in != NULL)
        queue_take(check);
    check->in = queue;
    check->next = NULL;
    check->at = queue->last;
    *queue->last = check;
    queue->last = &check->next;
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
    checks_hurry(checks, check);
}

static void on_worked(uv_work_t *work, int status)
{
    struct batch *batch = (struct batch *)work;
    struct checks *checks = batch->checks;
    (void)status; /* nothing is ever cancelled */
    for (unsigned i = 0; i < batch->count; i++)
        take_back(checks, batch->items[i]);
    batch->busy = false;
    checks_start(checks); /* workers first */
    pass(checks);
}

static void give(struct batch *batch, struct check *check)
{
    check->state = STARTED;
    batch->items[batch->count++] = check;
}

static void give_queue(struct queue *queue, struct batch *batch)
{
    while (queue->first != NULL && batch->count < BATCH_BLOCK) {
        struct check *check = queue->first;
        queue_take(check);
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
        if (check->state == IDLE && check->in == NULL)
            give(batch, check);
        checks->fresh = checks->fresh->next;
    }
}

void checks_start(struct checks *checks)
{
    for (unsigned i = 0; i < checks->batch_count && !checks->stopped; i++) {
        struct batch *batch = &checks->batches[i];
        if (batch->busy)
            continue;
        batch->count = 0;
        give_queue(&checks->urgent, batch);
        give_queue(&checks->others, batch);
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
    struct check *check = checks_find(checks, &id);
    if (check == NULL) {
        check = checks_add(checks, &id, tx);
        if (check == NULL) {
            free(item);
            return ERR_NOMEM;
        }
        if (checks_knows(checks, &id))
            check->what = KNOWN;
    }
    item_add(checks, item, check, token);
    checks_start(checks);
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
    checks->urgent.last = &checks->urgent.first;
    checks->others.last = &checks->others.first;
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
static void queue_drop(struct checks *checks, struct queue *queue)
{
    while (queue->first != NULL) {
        struct check *check = queue->first;
        queue_take(check);
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
            checks->first->check->in == NULL)
            checks->first->check->state = DONE;
        item_drop(checks);
    }
    queue_drop(checks, &checks->urgent);
    queue_drop(checks, &checks->others);
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
