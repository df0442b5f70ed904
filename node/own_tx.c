#include "node/own_tx.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define LIFE_BLOCKS 5000u /* expiry: far, the entry itself watches */
#define RETRY_MS    500u
#define WINDOW      256u /* numbered and on their way at the same time */

struct entry {
    struct entry *next;
    uint32_t kind;
    struct hash subject;
    uint8_t *payload;
    size_t payload_len;
    bool sent;
    uint64_t nonce; /* these four while sent */
    uint64_t token;
    struct hash id;
    uint64_t expiry_height;
    uint64_t due_ms; /* unsent: not before */
};

/* In order of arrival; sent entries carry ascending nonces. */
struct own_tx {
    struct own_tx_options options;
    struct entry *first;
    struct entry **last;
    uint32_t count;
    uint64_t chain_nonce; /* next on the chain, as far as we saw */
    uint64_t next_nonce;  /* next to give out */
    uint64_t next_token;
    uint64_t height; /* of the chain, as far as we saw */
    uint64_t now_ms; /* of the last call that said it */
};

enum err own_tx_new(const struct own_tx_options *options, struct own_tx **out)
{
    struct own_tx *own = calloc(1, sizeof(*own));
    if (own == NULL)
        return ERR_NOMEM;
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

static void unlink_entry(struct own_tx *own, struct entry **at)
{
    struct entry *entry = *at;
    *at = entry->next;
    if (own->last == &entry->next)
        own->last = at;
    own->count--;
    entry_free(entry);
}

static bool sign_entry(struct own_tx *own, struct entry *entry, uint64_t height,
                       struct buf *out)
{
    struct tx tx;
    memset(&tx, 0, sizeof(tx));
    tx.chain = own->options.chain;
    tx.kind = entry->kind;
    tx.nonce = own->next_nonce;
    tx.expiry_height = height + LIFE_BLOCKS;
    tx.payload = bytes_make(entry->payload, entry->payload_len);
    if (tx_sign(&tx, own->options.signer) != OK)
        return false;
    tx_encode(&tx, out);
    entry->nonce = tx.nonce;
    entry->expiry_height = tx.expiry_height;
    return out->err == OK;
}

static void send_entry(struct own_tx *own, struct entry *entry, uint64_t height,
                       uint64_t now_ms)
{
    struct buf bytes;
    buf_init(&bytes, LIMIT_TX_BYTES);
    entry->due_ms = now_ms + RETRY_MS;
    if (sign_entry(own, entry, height, &bytes)) {
        entry->token = own->next_token++;
        if (own->options.submit(own->options.ctx, buf_bytes(&bytes),
                                entry->token) == OK) {
            entry->sent = true;
            own->next_nonce++;
        }
    }
    buf_done(&bytes);
}

void own_tx_tick(struct own_tx *own, uint64_t height, uint64_t now_ms)
{
    if (height > own->height)
        own->height = height;
    own->now_ms = now_ms;
    for (struct entry *entry = own->first; entry != NULL; entry = entry->next) {
        if (entry->sent)
            continue;
        if (own->next_nonce - own->chain_nonce >= WINDOW ||
            entry->due_ms > now_ms)
            return; /* keeps the order of arrival */
        send_entry(own, entry, height, now_ms);
        if (!entry->sent)
            return;
    }
}

enum err own_tx_add(struct own_tx *own, uint32_t kind,
                    const struct hash *subject, struct bytes payload,
                    uint64_t height, uint64_t now_ms)
{
    struct entry *entry;
    for (entry = own->first; entry != NULL; entry = entry->next) {
        if (entry->kind == kind && hash_equal(&entry->subject, subject))
            return OK;
    }
    if (own->count >= OWN_TX_MAX)
        return ERR_RATE;
    CHECK(payload.len > 0);
    entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        return ERR_NOMEM;
    entry->payload = malloc(payload.len);
    if (entry->payload == NULL) {
        free(entry);
        return ERR_NOMEM;
    }
    memcpy(entry->payload, payload.ptr, payload.len);
    entry->payload_len = payload.len;
    entry->kind = kind;
    entry->subject = *subject;
    *own->last = entry;
    own->last = &entry->next;
    own->count++;
    own_tx_tick(own, height, now_ms);
    return OK;
}

static void unsend(struct entry *entry, uint64_t now_ms)
{
    entry->sent = false;
    entry->due_ms = now_ms + RETRY_MS;
}

/* Nothing of ours will be final under this number. Where the chain has passed
 * it, another transaction of ours was, and nobody else is touched; else all
 * that was numbered behind it would wait for ever, and is numbered again from
 * here. */
static void close_gap(struct own_tx *own, uint64_t nonce, uint64_t now_ms)
{
    if (nonce < own->chain_nonce)
        return;
    for (struct entry *entry = own->first; entry != NULL; entry = entry->next) {
        if (entry->sent && entry->nonce >= nonce)
            unsend(entry, now_ms);
    }
    if (own->next_nonce > nonce)
        own->next_nonce = nonce;
}

static struct entry **find_token(struct own_tx *own, uint64_t token)
{
    struct entry **at = &own->first;
    while (*at != NULL && !((*at)->sent && (*at)->token == token))
        at = &(*at)->next;
    return at;
}

/* Was it the numbering, the way there, or the rules that said no? A kind has
 * its own ERR_EXPIRED (a quote's): only that of the transaction itself is worth
 * another try. */
static bool worth_another_try(const struct own_tx *own,
                              const struct entry *entry, enum err err)
{
    if (err == ERR_EXPIRED)
        return own->height >= entry->expiry_height;
    return err == ERR_NONCE || err == ERR_POOL_FULL || err == ERR_RATE ||
           err_is_fault(err);
}

void own_tx_refused(struct own_tx *own, uint64_t token, enum err err,
                    uint64_t height, uint64_t now_ms)
{
    struct entry **at = find_token(own, token);
    struct entry *entry = *at;
    uint32_t kind;
    struct hash subject;
    bool again;
    if (entry == NULL)
        return;
    kind = entry->kind;
    subject = entry->subject;
    if (err == ERR_EXISTS && height > 0) { /* final already */
        own_tx_final(own, kind, &subject, entry->nonce);
        return;
    }
    again = worth_another_try(own, entry, err);
    unsend(entry, now_ms);
    close_gap(own, entry->nonce, now_ms);
    if (again)
        return;
    unlink_entry(own, at);
    own->options.refused(own->options.ctx, kind, &subject, err);
}

void own_tx_final(struct own_tx *own, uint32_t kind, const struct hash *subject,
                  uint64_t nonce)
{
    struct entry **at = &own->first;
    if (nonce >= own->chain_nonce)
        own->chain_nonce = nonce + 1;
    if (own->next_nonce < own->chain_nonce)
        own->next_nonce = own->chain_nonce;
    while (*at != NULL &&
           ((*at)->kind != kind || !hash_equal(&(*at)->subject, subject)))
        at = &(*at)->next;
    if (*at == NULL)
        return;
    /* An earlier copy did it: what was sent last will be refused, and leave its
     * number to others. */
    if ((*at)->sent && (*at)->nonce != nonce)
        close_gap(own, (*at)->nonce, own->now_ms);
    unlink_entry(own, at);
}

void own_tx_nonce(struct own_tx *own, uint64_t nonce)
{
    if (nonce > own->chain_nonce)
        own->chain_nonce = nonce;
    if (own->next_nonce < own->chain_nonce)
        own->next_nonce = own->chain_nonce;
}

uint32_t own_tx_count(const struct own_tx *own)
{
    return own->count;
}
