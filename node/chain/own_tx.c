#include "node/chain/own_tx.h"

#include "base/check.h"
#include "ledger/params.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Until it expires: long enough to wait, short enough that pools need not hold
 * copies that have become worthless. What has expired is signed again. */
#define LIFE_BLOCKS 600u
#define RETRY_MS    500u
#define WAITS_MS    2000u /* another hand gave it in: how is it? */
#define WINDOW      256u  /* numbered at the same time */

#define RECORD_VERSION 1u
#define RECORD_BYTES   (LIMIT_TX_BYTES + 128u)

struct entry {
    struct entry *next;
    uint32_t kind;
    struct hash subject;
    uint8_t *payload;
    size_t payload_len;
    bool past;     /* the chain had passed it when we came, or leapt past it */
    bool numbered; /* the others while it is */
    bool sent;     /* the core has it, and has not refused it */
    uint64_t nonce;
    uint64_t token;
    uint64_t ticket; /* may leave when this is on the disk */
    uint64_t due_ms;
    uint64_t due_height;
    uint64_t expiry_height;
    struct hash id;
    struct buf bytes;
};

/* In order of arrival. */
struct own_tx {
    struct own_tx_options options;
    struct entry *first;
    struct entry **last;
    struct entry *numbered[WINDOW]; /* by nonce % WINDOW */
    uint32_t count;
    uint32_t past_count;
    uint64_t chain_nonce; /* next on the chain, as far as we saw */
    uint64_t next_nonce;  /* after the highest that is given out */
    uint64_t next_token;
    uint64_t kept;          /* ticket */
    uint64_t judged_height; /* the first in line was looked at */
    uint64_t height;
    uint64_t now_ms;
};

/* Of two copies the chain takes both. */
static bool is_payment(uint32_t kind)
{
    return kind == TX_TRANSFER;
}

/* ---- entries ---- */

enum err own_tx_new(const struct own_tx_options *options, struct own_tx **out)
{
    struct own_tx *own = calloc(1, sizeof(*own));
    if (own == NULL)
        return ERR_NOMEM;
    CHECK((options->keep == NULL) == (options->ticket == NULL));
    own->options = *options;
    own->last = &own->first;
    own->chain_nonce = options->nonce;
    own->next_nonce = options->nonce;
    own->next_token = OWN_TX_TOKEN;
    *out = own;
    return OK;
}

static void entry_free(struct entry *entry)
{
    buf_done(&entry->bytes);
    free(entry->payload);
    free(entry);
}

void own_tx_free(struct own_tx *own)
{
    if (own == NULL)
        return;
    while (own->first != NULL) {
        struct entry *next = own->first->next;
        entry_free(own->first);
        own->first = next;
    }
    free(own);
}

static struct entry *entry_new(struct own_tx *own, uint32_t kind,
                               const struct hash *subject, struct bytes payload)
{
    struct entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        return NULL;
    buf_init(&entry->bytes, LIMIT_TX_BYTES);
    entry->payload = malloc(payload.len);
    if (entry->payload == NULL) {
        entry_free(entry);
        return NULL;
    }
    memcpy(entry->payload, payload.ptr, payload.len);
    entry->payload_len = payload.len;
    entry->kind = kind;
    entry->subject = *subject;
    *own->last = entry;
    own->last = &entry->next;
    own->count++;
    return entry;
}

static void drop(struct own_tx *own, struct entry *entry)
{
    struct entry **at = &own->first;
    CHECK(!entry->numbered);
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    if (own->last == &entry->next)
        own->last = at;
    own->count--;
    own->past_count -= entry->past;
    entry_free(entry);
}

/* ---- what is kept ---- */

static void record_name(uint64_t nonce, char out[32])
{
    snprintf(out, 32, "own/%016" PRIx64, nonce);
}

static bool keep(struct own_tx *own, const struct entry *entry)
{
    char name[32];
    struct buf record;
    bool kept = own->options.keep == NULL;
    if (kept)
        return true;
    buf_init(&record, RECORD_BYTES);
    mp_put_array(&record, 3);
    mp_put_uint(&record, RECORD_VERSION);
    mp_put_hash(&record, &entry->subject);
    mp_put_bin(&record, buf_bytes(&entry->bytes));
    record_name(entry->nonce, name);
    kept = record.err == OK &&
           own->options.keep(own->options.ctx, name, buf_bytes(&record)) == OK;
    buf_done(&record);
    return kept;
}

/* If it is not forgotten, it is refused or passed after the next start. */
static void forget(struct own_tx *own, uint64_t nonce)
{
    char name[32];
    record_name(nonce, name);
    if (own->options.keep != NULL)
        (void)own->options.keep(own->options.ctx, name, bytes_make(NULL, 0));
}

/* ---- numbers ---- */

static struct entry **place(struct own_tx *own, uint64_t nonce)
{
    return &own->numbered[nonce % WINDOW];
}

static void take_number(struct own_tx *own, struct entry *entry, uint64_t nonce)
{
    struct entry **at = place(own, nonce);
    CHECK(!entry->numbered && *at == NULL);
    CHECK(nonce >= own->chain_nonce && nonce - own->chain_nonce < WINDOW);
    *at = entry;
    entry->numbered = true;
    entry->nonce = nonce;
    if (own->next_nonce <= nonce)
        own->next_nonce = nonce + 1;
}

static void leave_number(struct own_tx *own, struct entry *entry)
{
    struct entry **at = place(own, entry->nonce);
    CHECK(entry->numbered && *at == entry);
    *at = NULL;
    entry->numbered = entry->sent = false;
    while (own->next_nonce > own->chain_nonce &&
           *place(own, own->next_nonce - 1) == NULL)
        own->next_nonce--;
}

/* The lowest that nobody has; false: the window is full. */
static bool free_number(struct own_tx *own, uint64_t *out)
{
    for (uint64_t n = own->chain_nonce; n - own->chain_nonce < WINDOW; n++) {
        *out = n;
        if (*place(own, n) == NULL)
            return true;
    }
    return false;
}

/* The chain has come further: these numbers are used up, and who still has one
 * of them gets another. Unless it may have been itself, and nobody saw. */
static void pass(struct own_tx *own, uint64_t nonce, bool seen)
{
    while (own->chain_nonce < nonce && own->next_nonce > own->chain_nonce) {
        struct entry *entry = *place(own, own->chain_nonce);
        if (entry != NULL) {
            forget(own, entry->nonce);
            leave_number(own, entry);
            entry->past = !seen && is_payment(entry->kind);
            own->past_count += entry->past;
        }
        own->chain_nonce++;
    }
    if (own->chain_nonce < nonce)
        own->chain_nonce = nonce;
    if (own->next_nonce < own->chain_nonce)
        own->next_nonce = own->chain_nonce;
}

/* ---- sending ---- */

static bool sign_entry(struct own_tx *own, struct entry *entry, uint64_t nonce)
{
    struct tx tx;
    memset(&tx, 0, sizeof(tx));
    tx.chain = own->options.chain;
    tx.kind = entry->kind;
    tx.nonce = nonce;
    tx.expiry_height = own->height + LIFE_BLOCKS;
    tx.payload = bytes_make(entry->payload, entry->payload_len);
    if (is_payment(entry->kind))
        tx.fee = fee_for_payload(entry->payload_len);
    if (tx_sign(&tx, own->options.signer) != OK)
        return false;
    buf_clear(&entry->bytes);
    tx_encode(&tx, &entry->bytes);
    entry->id = tx.id;
    entry->expiry_height = tx.expiry_height;
    return entry->bytes.err == OK;
}

/* Signed, and kept before it leaves. False: not now. */
static bool number_entry(struct own_tx *own, struct entry *entry,
                         uint64_t nonce)
{
    if (!sign_entry(own, entry, nonce))
        return false;
    take_number(own, entry, nonce);
    entry->due_ms = entry->due_height = 0;
    entry->sent = false;
    entry->ticket = UINT64_MAX;
    if (keep(own, entry))
        return true;
    leave_number(own, entry);
    return false;
}

/* The last one goes where nobody is, so that those in between can go on. Its
 * old copy may be with others: a payment stays. */
static bool close_gap(struct own_tx *own, uint64_t gap)
{
    uint64_t old = own->next_nonce - 1;
    struct entry *entry = *place(own, old);
    CHECK(entry != NULL && gap < old);
    if (is_payment(entry->kind))
        return false;
    leave_number(own, entry);
    forget(own, old);
    return number_entry(own, entry, gap);
}

/* Nothing may be missing below a payment: it could not move into the gap. */
static bool waits_for_others(const struct own_tx *own,
                             const struct entry *entry, uint64_t nonce)
{
    return is_payment(entry->kind) && nonce != own->chain_nonce;
}

static void number_all(struct own_tx *own)
{
    uint64_t nonce;
    struct entry *entry = own->first;
    while (free_number(own, &nonce)) {
        while (entry != NULL && entry->numbered)
            entry = entry->next;
        if (entry != NULL && waits_for_others(own, entry, nonce))
            return;
        if (entry != NULL ? !number_entry(own, entry, nonce)
                          : nonce >= own->next_nonce || !close_gap(own, nonce))
            return;
    }
}

/* What was kept now may leave when the disk has it. */
static void set_tickets(struct own_tx *own)
{
    bool any = false;
    for (uint32_t i = 0; i < WINDOW; i++)
        any |=
            own->numbered[i] != NULL && own->numbered[i]->ticket == UINT64_MAX;
    if (!any)
        return;
    uint64_t ticket =
        own->options.ticket == NULL ? 0 : own->options.ticket(own->options.ctx);
    for (uint32_t i = 0; i < WINDOW; i++) {
        struct entry *entry = own->numbered[i];
        if (entry != NULL && entry->ticket == UINT64_MAX)
            entry->ticket = ticket;
    }
}

static bool is_due(const struct own_tx *own, const struct entry *entry)
{
    return !entry->sent && entry->ticket <= own->kept &&
           (entry->due_ms <= own->now_ms || entry->due_height <= own->height);
}

/* By number: a pool takes only so many whose predecessors are missing. */
static void submit_all(struct own_tx *own)
{
    for (uint64_t n = own->chain_nonce; n < own->next_nonce; n++) {
        struct entry *entry = *place(own, n);
        if (entry == NULL || !is_due(own, entry))
            continue;
        entry->token = own->next_token++;
        if (own->options.submit(own->options.ctx, buf_bytes(&entry->bytes),
                                entry->token) != OK)
            return;
        entry->sent = true;
    }
}

/* Of what an earlier process sent, it was final before we came; a payment we
 * have lost sight of. */
static void drop_past(struct own_tx *own)
{
    struct entry *entry = own->first;
    while (entry != NULL && own->past_count > 0) {
        struct entry *next = entry->next;
        if (entry->past) {
            uint32_t kind = entry->kind;
            struct hash subject = entry->subject;
            forget(own, entry->nonce);
            drop(own, entry);
            if (is_payment(kind))
                own->options.refused(own->options.ctx, kind, &subject,
                                     ERR_NONCE);
        }
        entry = next;
    }
}

static void send_all(struct own_tx *own)
{
    drop_past(own);
    number_all(own);
    set_tickets(own);
    submit_all(own);
}

/* Was it the way there, or the rules that said no? A kind has its own
 * ERR_EXPIRED (a quote's). */
static bool worth_another_try(const struct own_tx *own,
                              const struct entry *entry, enum err err)
{
    if (err == ERR_EXPIRED)
        return own->height >= entry->expiry_height;
    return err == ERR_NONCE || err == ERR_POOL_FULL || err == ERR_RATE ||
           err == ERR_NOT_READY || err_is_fault(err);
}

/* Our core looks at what waits now and then; all behind it would wait, too. */
static void judge_first(struct own_tx *own)
{
    struct entry *entry = *place(own, own->chain_nonce);
    if (own->options.judge == NULL || own->judged_height == own->height ||
        entry == NULL || !entry->sent)
        return;
    own->judged_height = own->height;
    enum err err =
        own->options.judge(own->options.ctx, buf_bytes(&entry->bytes));
    bool late = err == ERR_EXPIRED || !worth_another_try(own, entry, err);
    if (err != OK && err != ERR_EXISTS && late)
        own_tx_refused(own, entry->token, err, 0, own->now_ms);
}

void own_tx_tick(struct own_tx *own, uint64_t height, uint64_t now_ms)
{
    if (height > own->height)
        own->height = height;
    own->now_ms = now_ms;
    send_all(own);
    judge_first(own);
}

void own_tx_kept(struct own_tx *own, uint64_t ticket)
{
    if (ticket > own->kept)
        own->kept = ticket;
    submit_all(own);
}

/* ---- from others ---- */

static enum err read_record(struct bytes record, struct arena *arena,
                            struct hash *out_subject, struct bytes *out_bytes)
{
    struct mp_reader reader;
    TRY(mp_open(&reader, record, arena));
    mp_enter_exact(&reader, 3);
    uint64_t version = mp_get_uint(&reader);
    mp_get_hash(&reader, out_subject);
    *out_bytes = mp_get_bin(&reader, LIMIT_TX_BYTES);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    return version == RECORD_VERSION ? OK : ERR_VERSION;
}

static enum err load_tx(struct own_tx *own, const struct hash *subject,
                        const struct tx *tx, struct bytes bytes)
{
    bool past = tx->nonce < own->chain_nonce;
    if (!hash_equal(&tx->chain, &own->options.chain) ||
        !pubkey_equal(&tx->sender, &own->options.signer->key))
        return ERR_CHAIN;
    if (tx->payload.len == 0 || own->count >= OWN_TX_MAX ||
        (!past && (tx->nonce - own->chain_nonce >= WINDOW ||
                   *place(own, tx->nonce) != NULL)))
        return ERR_CORRUPT;
    struct entry *entry = entry_new(own, tx->kind, subject, tx->payload);
    if (entry == NULL)
        return ERR_NOMEM;
    entry->past = past;
    own->past_count += past;
    entry->nonce = tx->nonce;
    entry->id = tx->id;
    entry->expiry_height = tx->expiry_height;
    buf_add(&entry->bytes, bytes);
    if (!past)
        take_number(own, entry, tx->nonce);
    return entry->bytes.err;
}

enum err own_tx_load(struct own_tx *own, struct bytes record)
{
    struct arena arena;
    struct hash subject;
    struct bytes bytes = {0};
    struct tx tx;
    arena_init(&arena, 4 * RECORD_BYTES);
    enum err err = read_record(record, &arena, &subject, &bytes);
    if (err == OK)
        err = tx_decode(bytes, &arena, &tx);
    if (err == OK)
        err = load_tx(own, &subject, &tx, bytes);
    else if (!err_is_fault(err))
        err = ERR_CORRUPT;
    arena_done(&arena);
    return err;
}

enum err own_tx_add(struct own_tx *own, uint32_t kind,
                    const struct hash *subject, struct bytes payload,
                    uint64_t height, uint64_t now_ms)
{
    for (struct entry *entry = own->first; entry != NULL; entry = entry->next) {
        if (!entry->past && entry->kind == kind &&
            hash_equal(&entry->subject, subject))
            return OK;
    }
    if (own->count >= OWN_TX_MAX)
        return ERR_RATE;
    CHECK(payload.len > 0);
    if (entry_new(own, kind, subject, payload) == NULL)
        return ERR_NOMEM;
    own_tx_tick(own, height, now_ms);
    return OK;
}

static struct entry *find_token(struct own_tx *own, uint64_t token)
{
    for (uint32_t i = 0; i < WINDOW; i++) {
        struct entry *entry = own->numbered[i];
        if (entry != NULL && entry->sent && entry->token == token)
            return entry;
    }
    return NULL;
}

/* The same again, unless it is too old: then it can enter no block, and another
 * may have its number. */
static void try_again(struct own_tx *own, struct entry *entry, enum err err)
{
    uint64_t nonce = entry->nonce;
    entry->sent = false;
    entry->due_ms = own->now_ms + RETRY_MS;
    entry->due_height = own->height + 1;
    if (err != ERR_EXPIRED)
        return;
    leave_number(own, entry);
    if (!number_entry(own, entry, nonce))
        forget(own, nonce);
}

void own_tx_refused(struct own_tx *own, uint64_t token, enum err err,
                    uint64_t height, uint64_t now_ms)
{
    struct entry *entry = find_token(own, token);
    if (entry == NULL)
        return;
    own->now_ms = now_ms;
    uint32_t kind = entry->kind;
    struct hash subject = entry->subject;
    if (err == ERR_EXISTS && height > 0) { /* final already */
        subject = is_payment(kind) ? entry->id : subject;
        own_tx_final(own, kind, &subject, entry->nonce);
        return;
    }
    if (err == ERR_EXISTS && own->options.waits != NULL &&
        own->options.waits(own->options.ctx, &entry->id)) {
        entry->sent = false;
        entry->due_ms = now_ms + WAITS_MS;
        entry->due_height = UINT64_MAX;
        return;
    }
    if (worth_another_try(own, entry, err)) {
        try_again(own, entry, err);
        return;
    }
    forget(own, entry->nonce);
    leave_number(own, entry);
    drop(own, entry);
    send_all(own);
    own->options.refused(own->options.ctx, kind, &subject, err);
}

static struct entry *find_payment(const struct own_tx *own, uint64_t nonce,
                                  const struct hash *id)
{
    struct entry *entry = own->numbered[nonce % WINDOW];
    bool found = entry != NULL && entry->nonce == nonce &&
                 is_payment(entry->kind) && hash_equal(&entry->id, id);
    return found ? entry : NULL;
}

static struct entry *find_deed(const struct own_tx *own, uint32_t kind,
                               const struct hash *subject)
{
    struct entry *entry = own->first;
    while (entry != NULL && (entry->past || entry->kind != kind ||
                             !hash_equal(&entry->subject, subject)))
        entry = entry->next;
    return entry;
}

void own_tx_final(struct own_tx *own, uint32_t kind, const struct hash *subject,
                  uint64_t nonce)
{
    struct entry *entry = is_payment(kind) ? find_payment(own, nonce, subject)
                                           : find_deed(own, kind, subject);
    if (entry != NULL) {
        if (entry->numbered) {
            forget(own, entry->nonce);
            leave_number(own, entry);
        }
        drop(own, entry);
    }
    pass(own, nonce, false);
    pass(own, nonce + 1, true);
}

void own_tx_nonce(struct own_tx *own, uint64_t nonce)
{
    pass(own, nonce, false);
}

bool own_tx_payment_id(const struct own_tx *own, const struct hash *subject,
                       struct hash *out_id)
{
    const struct entry *entry = find_deed(own, TX_TRANSFER, subject);
    if (entry == NULL || !entry->numbered)
        return false;
    *out_id = entry->id;
    return true;
}

bool own_tx_payment_of(const struct own_tx *own, uint64_t nonce,
                       const struct hash *id, struct hash *out_subject)
{
    const struct entry *entry = find_payment(own, nonce, id);
    if (entry == NULL)
        return false;
    *out_subject = entry->subject;
    return true;
}

uint32_t own_tx_count(const struct own_tx *own)
{
    return own->count;
}
