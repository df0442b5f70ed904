#include "tests/exhaust/shape.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

static struct hasher hasher;

static void put(uint64_t value)
{
    hasher_add_u64(&hasher, value);
}

static void put_hash(const struct hash *hash)
{
    hasher_add(&hasher, hash_as_bytes(hash));
}

/* ---- time ---- */

enum age { AGE_NONE, AGE_NEVER, AGE_TO_COME, AGE_NOW, AGE_LONG_AGO };

static void put_age(uint64_t at_ms)
{
    uint64_t now = machine->core->mono_ms;
    enum age age;
    if (at_ms == 0)
        age = AGE_NONE;
    else if (at_ms == UINT64_MAX)
        age = AGE_NEVER;
    else if (at_ms > now)
        age = AGE_TO_COME;
    else
        age = now - at_ms < 400 ? AGE_NOW : AGE_LONG_AGO;
    CHECK(age != AGE_TO_COME || at_ms - now < 900000);
    CHECK(age != AGE_LONG_AGO || now - at_ms > 900000);
    put(age);
}

/* ---- what lies behind the bounds ---- */

/* A machine that has left the last view: what it does there is never heard, and
 * all that it can still do is to finalize and to store. */
static bool is_past(void)
{
    return machine->core->cur > town.bounds.views &&
           machine->crashes >= town.bounds.crashes && town.bounds.n > 1;
}

static bool is_beyond(const struct sx_slot *slot)
{
    return is_past() && slot->view > town.bounds.views;
}

/* ---- the log's numbers ---- */

/* While the machine can still crash the log is read again, and every number
 * counts; after that only what is synced does. */
static bool log_matters(void)
{
    return machine->crashes < town.bounds.crashes;
}

static void put_seq(uint64_t seq)
{
    if (is_past())
        return;
    if (log_matters() || seq == 0)
        put(seq);
    else
        put(seq <= machine->synced ? 1 : 2);
}

/* ---- votes and certificates ---- */

static void put_on(const struct proposal *on)
{
    put(on->epoch);
    put(on->view);
    put(on->parent_view);
    put_hash(&on->id);
}

static void put_vote(const struct vote *vote)
{
    put(vote->kind);
    if (vote->kind == 0)
        return;
    put(vote->index);
    put_on(&vote->on);
}

static void put_cert(const struct cert *cert)
{
    put(cert != NULL);
    if (cert == NULL)
        return;
    put(cert->kind);
    put_on(&cert->on);
}

/* ---- views ---- */

static void put_votes(const struct sx *core, const struct sx_slot *slot)
{
    for (unsigned k = 0; k < SX_KINDS; k++) {
        for (uint32_t i = 0; i < core->set.count; i++) {
            static const struct vote none;
            put_vote(slot->votes[k] == NULL ? &none : &slot->votes[k][i]);
        }
        put_cert(slot->certs[k]);
        put_vote(&slot->own[k]);
    }
}

static void put_slots(const struct sx *core)
{
    for (size_t i = 0; i < core->slot_count; i++) {
        const struct sx_slot *slot = core->slots[i];
        if (slot == NULL || is_beyond(slot))
            continue;
        put(slot->view);
        put(slot->has_proposal);
        if (slot->has_proposal)
            put_on(&slot->on);
        put(slot->conflicted);
        put(slot->invalid);
        put(slot->clock_told);
        put_age(slot->heard_ms);
        put_votes(core, slot);
        put_age(slot->notarized_ms);
        put_seq(slot->log_seq);
    }
    put(UINT64_MAX);
}

static void put_decisions(const struct sx *core)
{
    put(core->epoch);
    put(core->cur);
    put(core->final_view);
    put_hash(&core->final_id);
    put_cert(core->final_cert);
    put(core->root_stored);
    put_hash(&core->root);
    for (uint32_t i = 0; i < core->final_count; i++) {
        put_cert(core->finals[i]);
        put_seq(core->final_low[i]);
    }
    put(UINT64_MAX);
}

/* ---- blocks: in order of their ids ---- */

static int by_id(const void *a, const void *b)
{
    const struct sx_block *const *one = a;
    const struct sx_block *const *two = b;
    return hash_compare(&(*one)->id, &(*two)->id);
}

static void put_block(const struct sx_block *block)
{
    put_hash(&block->id);
    put(block->has_header);
    put(block->wanted);
    put(block->txs_verified);
    put(block->bytes.len);
    put(block->verdict == SX_INVALID);
    put(block->why);
    /* Executed now or when it is needed; the pool does not count any more. */
    if (!is_past()) {
        put(block->verdict);
        put(block->candidate != NULL);
        put(block->carries);
    }
    put_seq(block->log_seq);
    put_age(block->since_ms);
    put_age(block->asked_ms);
    put(block->asks > 0);
}

/* Proposed behind the bounds, and nothing stands for it. */
static bool is_idle(const struct sx *core, const struct sx_block *block)
{
    bool beyond = false;
    for (size_t i = 0; i < core->slot_count; i++) {
        const struct sx_slot *slot = core->slots[i];
        if (slot == NULL || !slot->has_proposal ||
            !hash_equal(&slot->on.id, &block->id))
            continue;
        if (!is_beyond(slot))
            return false;
        beyond = true;
    }
    return beyond && !block->wanted;
}

static void put_blocks(const struct sx *core)
{
    const struct sx_block *sorted[SX_BLOCKS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < core->block_count; i++)
        if (!is_idle(core, core->blocks[i]))
            sorted[count++] = core->blocks[i];
    qsort(sorted, count, sizeof(sorted[0]), by_id);
    put(count);
    for (uint32_t i = 0; i < count; i++)
        put_block(sorted[i]);
}

static void put_pool(struct sx *core)
{
    put(pool_count(core->pool));
    for (uint32_t i = 0; i < town.bounds.txs; i++) {
        const struct pool_entry *entry = pool_find(core->pool, &town.tx_ids[i]);
        put(entry != NULL);
        put(pool_carried(core->pool, &town.tx_ids[i]));
        if (entry == NULL)
            continue;
        put(entry->carried);
        put_age(entry->added_ms);
    }
    put_age(core->fresh_since_ms);
    put_age(core->relay_due_ms);
    put(core->tried_view);
    put(core->tried_pool == core->pool_changes);
}

static void put_evidence(const struct sx *core)
{
    put(core->evidence_count);
    for (uint32_t i = 0; i < core->evidence_count; i++) {
        put_vote(&core->evidence[i].a);
        put_vote(&core->evidence[i].b);
    }
}

/* ---- peers, and what waits to leave ---- */

static void put_peers(const struct sx *core)
{
    for (uint32_t i = 0; i < core->peer_count; i++) {
        const struct sx_peer *peer = &core->peers[i];
        put(peer->id);
        put(peer->epoch);
        put(peer->view);
        put(peer->height);
        put(peer->budget);
        put_age(peer->status_ms);
        put_age(peer->heard_ms);
    }
    for (uint32_t i = 0; i < core->set.count; i++)
        put_age(core->heard_ms[i]);
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct hash));
}

/* What waits for the log leaves all at once, and the same twice is the same:
 * a set. What nobody hears here does not count. */
static void put_letters(const struct sx *core)
{
    static struct hash spellings[SX_LETTERS_MAX + 1024];
    size_t count = 0;
    for (size_t i = 0; i < core->letter_count; i++) {
        const struct sx_letter *letter = &core->letters[core->letter_first + i];
        uint8_t tag = letter->parcel->bytes[0];
        CHECK(letter->need > core->synced && count < SX_LETTERS_MAX + 1024);
        if (letters_view(bytes_make(letter->parcel->bytes,
                                    letter->parcel->len)) > town.bounds.views)
            continue;
        if (tag == SX_MSG_PROPOSE || tag == SX_MSG_VOTE || tag == SX_MSG_CERT)
            letters_spell(
                bytes_make(letter->parcel->bytes, letter->parcel->len),
                &spellings[count++]);
    }
    qsort(spellings, count, sizeof(spellings[0]), by_bytes);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || !hash_equal(&spellings[i], &spellings[i - 1]))
            put_hash(&spellings[i]);
    put(UINT64_MAX);
}

static void put_ages(const struct sx *core)
{
    put_age(core->entered_ms);
    put_age(core->block_mono_ms);
    put_age(core->retry_ms);
    put_age(core->repair_ms);
    put_age(core->asked_finals_ms);
    put_age(core->arrived_ms);
}

static void put_rest(const struct sx *core)
{
    put(core->halted);
    put(core->amnesia);
    put(core->twin);
    put(core->claimed);
    put(core->recall_wanted);
    put(core->asked_height);
    put(core->asked_vain);
    put_seq(core->logged);
    put_seq(core->synced);
    for (uint32_t i = 0; i < core->trim_count; i++)
        put_seq(core->trim_to[i]);
    put(UINT64_MAX);
}

/* ---- the disk ---- */

static void put_tip(struct chain_tip tip)
{
    put(tip.height);
    put(tip.view);
    put_hash(&tip.id);
}

static void put_record(const struct record *record)
{
    struct bytes body = bytes_make(record->bytes, record->len);
    static struct cert cert;
    struct vote vote;
    put(record->seq);
    put(record->type);
    if (record->type == SX_LOG_VOTE && vote_decode(body, &vote) == OK)
        put_vote(&vote);
    else if (record->type == SX_LOG_CERT && cert_decode(body, &cert) == OK)
        put_cert(&cert);
    else
        hasher_add(&hasher, body);
}

static void put_disk(void)
{
    put_tip(chain_tip(machine->chain));
    put_tip(chain_head(machine->chain));
    put(machine->stored);
    put(machine->batch_count);
    put_seq(machine_logged());
    if (!is_past())
        put(machine_logged() > machine->synced);
    for (uint32_t i = machine->first; i < machine->count && log_matters(); i++)
        put_record(&machine->records[i]);
}

void shape_of(struct hash *out)
{
    struct sx *core = machine->core;
    hasher_init(&hasher, "shape");
    put(machine->who);
    put(machine->crashes);
    for (uint32_t i = 0; i < SET_WORDS; i++)
        put(machine->said.w[i]);
    for (uint32_t i = 0; i < machine->final_count; i++)
        put_hash(&machine->finals[i].id);
    put_disk();
    put_decisions(core);
    put_slots(core);
    put_blocks(core);
    if (!is_past()) {
        put_pool(core);
        put_evidence(core);
        put_peers(core);
        put_ages(core);
    }
    put_letters(core);
    put_rest(core);
    hasher_finish(&hasher, out);
}
