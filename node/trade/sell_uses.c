/* What a job uses of others: results that the chain names. Nobody is believed
 * about them: what a result is and who made it is read from the chain, and it
 * is the same buyer's or it is not fetched. It comes straight from the provider
 * that made it, or, when that fails, from the buyer's node. */

#include "node/trade/sell_item.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The maker may be gone for good: its turn is short, and doubles. What came
 * stays, so the turns add up. */
#define DIRECT_MS     15000u
#define DIRECT_DOUBLE 6u

enum err sell_uses_open(struct sell_item *item, const struct spec *spec)
{
    uint32_t count = spec_result_count(spec);
    struct sell_result *result;
    if (item->results != NULL || count == 0)
        return OK;
    item->results = calloc(count, sizeof(*item->results));
    if (item->results == NULL)
        return ERR_NOMEM;
    result = item->results;
    for (uint32_t i = 0; i < spec->use_count; i++) {
        for (uint32_t task = 0; task < spec->uses[i].tasks; task++) {
            result->request = spec->uses[i].request;
            result->task = task;
            result++;
        }
    }
    item->result_count = count;
    return OK;
}

void sell_uses_free(struct sell_item *item)
{
    free(item->results);
    free(item->readers);
}

bool sell_uses_here(const struct sell_item *item)
{
    for (uint32_t i = 0; i < item->result_count; i++)
        if (!item->results[i].here)
            return false;
    return true;
}

void sell_uses_ids(const struct sell_item *item, struct buf *out)
{
    for (uint32_t i = 0; i < item->result_count; i++)
        buf_add(out, hash_as_bytes(&item->results[i].id));
}

/* ---- what they are ---- */

static void look(struct sell *sell, const struct sell_item *item,
                 const struct sell_result *result)
{
    struct trade_effect *effect = trade_effect_add(sell->out, EFFECT_LOOK);
    effect->id = result->request;
    effect->task = result->task;
    effect->subject = item->contract;
}

/* Turns: the one that made it, the buyer's node, and so on. */
static void fetch(struct sell *sell, const struct sell_item *item,
                  struct sell_result *result)
{
    struct trade_effect *effect = trade_effect_add(sell->out, EFFECT_FETCH);
    unsigned turn = result->tries / 2;
    effect->id = result->id;
    effect->subject = item->contract;
    effect->code = 1;
    if (result->tries % 2 == 0) {
        effect->peer = result->provider;
        effect->at_ms = (uint64_t)DIRECT_MS
                        << (turn < DIRECT_DOUBLE ? turn : DIRECT_DOUBLE);
    } else {
        effect->peer = item->agent;
        snprintf(effect->text, sizeof(effect->text), "%s", item->bulk_address);
    }
}

void sell_uses_stage(struct sell *sell, struct sell_item *item)
{
    for (uint32_t i = 0; i < item->result_count; i++) {
        struct sell_result *result = &item->results[i];
        if (!result->known)
            look(sell, item, result);
        else if (!result->here)
            fetch(sell, item, result);
    }
}

/* The first of ours with that request and task; NULL. */
static struct sell_result *find(struct sell_item *item,
                                const struct hash *request, uint32_t task)
{
    for (uint32_t i = 0; i < item->result_count; i++)
        if (item->results[i].task == task &&
            hash_equal(&item->results[i].request, request))
            return &item->results[i];
    return NULL;
}

/* May what the chain says still become a result that is done? */
static bool not_yet(const struct contract *contract)
{
    return contract == NULL || contract->state == CONTRACT_ESCROWED ||
           contract->state == CONTRACT_CLOSING ||
           (contract->state == CONTRACT_SETTLED &&
            end_reason_retries(contract->reason));
}

/* The same result may be used twice, at two places. */
static void take(struct sell *sell, struct sell_item *item,
                 const struct contract *contract)
{
    bool fetching = false;
    for (uint32_t i = 0; i < item->result_count; i++) {
        struct sell_result *result = &item->results[i];
        if (result->known || result->task != contract->task ||
            !hash_equal(&result->request, &contract->request))
            continue;
        result->known = true;
        result->id = contract->result;
        result->provider = contract->provider;
        result->here = hash_is_zero(&result->id);
        if (!result->here && !fetching)
            fetch(sell, item, result);
        fetching = true;
    }
}

void sell_on_use(struct sell *sell, const struct trade_event *event)
{
    struct sell_item *item = sell_find(sell, &event->subject);
    const struct contract *contract = event->contract;
    struct sell_result *result;
    if (item == NULL ||
        (item->state != SELL_STAGING && item->state != SELL_STARTING))
        return;
    result = find(item, &event->id, event->task);
    if (result == NULL || result->known)
        return;
    if (contract != NULL && !pubkey_equal(&contract->buyer, &item->buyer))
        sell_refuse(sell, item, END_STAGING_FAILED,
                    "it uses the result of another buyer");
    else if (not_yet(contract))
        sell_tell(sell, item,
                  "waits for a result that the chain does not "
                  "have yet");
    else if (contract->reason != END_DONE)
        sell_refuse(sell, item, END_STAGING_FAILED,
                    "what it uses did not end well");
    else
        take(sell, item, contract);
    if (item->state == SELL_STAGING || item->state == SELL_STARTING)
        sell_start_if_staged(sell, item); /* an empty one is here at once */
}

bool sell_uses_fetched(struct sell_item *item, const struct hash *id,
                       enum err err)
{
    bool ours = false;
    for (uint32_t i = 0; i < item->result_count; i++) {
        struct sell_result *result = &item->results[i];
        if (!result->known || !hash_equal(&result->id, id))
            continue;
        ours = true;
        if (err == OK)
            result->here = true;
        else if (!result->here)
            result->tries++;
    }
    return ours;
}

/* ---- who uses ours ---- */

static void share(struct sell *sell, const struct sell_item *item,
                  const struct pubkey *reader)
{
    struct trade_effect *effect;
    if (hash_is_zero(&item->result))
        return;
    effect = trade_effect_add(sell->out, EFFECT_SHARE);
    effect->id = item->result;
    effect->subject = item->contract;
    effect->peer = *reader;
}

void sell_uses_share(struct sell *sell, const struct sell_item *item)
{
    for (uint32_t i = 0; i < item->reader_count; i++)
        share(sell, item, &item->readers[i]);
}

static bool is_reader(const struct sell_item *item, const struct pubkey *key)
{
    for (uint32_t i = 0; i < item->reader_count; i++)
        if (pubkey_equal(&item->readers[i], key))
            return true;
    return false;
}

/* Not saved: the agent says it again for as long as somebody is to read. */
void sell_on_grant(struct sell *sell, const struct pubkey *peer,
                   struct bytes message)
{
    struct wire_grant grant;
    struct sell_item *item;
    struct pubkey *readers;
    if (wire_grant_decode(message, &sell->arena, &grant) != OK)
        return;
    item = sell_find(sell, &grant.contract);
    if (item == NULL || !pubkey_equal(&item->agent, peer) ||
        item->reader_count >= SELL_READERS_MAX ||
        is_reader(item, &grant.reader))
        return;
    readers = realloc(item->readers,
                      (item->reader_count + 1) * sizeof(*item->readers));
    if (readers == NULL)
        return;
    item->readers = readers;
    readers[item->reader_count++] = grant.reader;
    if (item->state == SELL_DELIVERED || item->state == SELL_SETTLED)
        share(sell, item, &grant.reader);
}
