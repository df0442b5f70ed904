/* Holds and quotes: what a buyer is promised before any money is locked. */

#include "node/trade/sell_item.h"

#include <stdio.h>
#include <string.h>

static struct sell_item *find_key(struct sell *sell,
                                  const struct wire_hold_key *key)
{
    struct hash id;
    contract_id(&key->request, key->task, key->attempt, &id);
    return sell_find(sell, &id);
}

static void send_refusal(struct sell *sell, const struct pubkey *peer,
                         const struct wire_hold_key *key, enum err err)
{
    struct wire_hold_refused refused = {.key = *key, .err = err};
    struct trade_effect *effect = trade_effect_add(sell->out, EFFECT_SEND);
    struct buf message;
    /* What is free is for those in line, or he would have got it. */
    if (err != ERR_CAPACITY || sell_line_length(sell) == 0)
        sell_free_now(sell, &refused.free);
    buf_init(&message, 1024);
    wire_hold_refused_encode(&refused, &message);
    effect->peer = *peer;
    effect->bytes = trade_effects_keep(sell->out, buf_bytes(&message));
    buf_done(&message);
}

static void send_quote(struct sell *sell, const struct sell_item *item)
{
    struct trade_effect *effect = trade_effect_add(sell->out, EFFECT_SEND);
    struct buf quote;
    struct buf message;
    enum err err;
    buf_init(&quote, QUOTE_BYTES_MAX);
    buf_init(&message, QUOTE_BYTES_MAX + 64);
    err = quote_encode(&item->quote, &quote);
    if (err != OK && sell->out->err == OK)
        sell->out->err = err;
    wire_bytes_encode(WIRE_QUOTE, buf_bytes(&quote), &message);
    effect->peer = item->agent;
    effect->bytes = trade_effects_keep(sell->out, buf_bytes(&message));
    buf_done(&quote);
    buf_done(&message);
}

/* What the node still owes the chain in bonds for its open quotes. */
static enum err bonds_promised(const struct sell *sell, struct amount *out)
{
    struct amount sum = {0};
    for (const struct sell_item *item = sell->first; item != NULL;
         item = item->next) {
        if (item->state == SELL_HELD)
            TRY(amount_add(sum, item->quote.bond, &sum));
    }
    *out = sum;
    return OK;
}

/* The caps: holds of one buyer, holds in all, contracts that are not settled.
 */
static bool too_many(const struct sell *sell, const struct pubkey *agent)
{
    unsigned holds = 0;
    unsigned own = 0;
    unsigned contracts = 0;
    for (const struct sell_item *item = sell->first; item != NULL;
         item = item->next) {
        contracts += item->state != SELL_SETTLED ? 1 : 0;
        if (item->state != SELL_HELD)
            continue;
        holds++;
        own += pubkey_equal(&item->agent, agent) ? 1 : 0;
    }
    return own >= SELL_HOLDS_BUYER_MAX || holds >= SELL_HOLDS_MAX ||
           contracts >= SELL_CONTRACTS_MAX;
}

/* May this request have a place here at all? First match: whether anything is
 * sold, the caps on holds, what the machine is. */
static enum err check_shop(const struct sell *sell,
                           const struct request *request)
{
    if (!sell->open)
        return sell_disk_room_mib(sell) == 0 ? ERR_DISK : ERR_NOT_SELLING;
    if (too_many(sell, &request->agent))
        return ERR_RATE;
    if (request->arch != ARCH_ANY && request->arch != sell->config.arch)
        return ERR_CAPACITY;
    if (request->time_ms_max > sell->config.time_ms_max)
        return ERR_CAPACITY;
    return sell->disk.known && sell->disk.is_short ? ERR_DISK : OK;
}

/* What is free, what the disk holds, devices. */
static enum err place_now(const struct sell *sell,
                          const struct request *request, struct sell_place *out)
{
    struct sell_capacity capacity;
    sell_capacity(sell, &capacity);
    if (capacity.slots_free == 0 ||
        !resources_cover(&capacity.free, &request->resources))
        return ERR_CAPACITY;
    if (request->resources.disk_mib > sell_disk_room_mib(sell))
        return ERR_DISK;
    out->at_ms = sell->now_ms;
    return sell_devices_pick(sell, &request->devices, &out->devices,
                             &out->device);
}

/* Nobody passes those in line to their harm, even where there is room. */
static enum err find_place(struct sell *sell, const struct request *request,
                           struct sell_place *out)
{
    enum err err = place_now(sell, request, out);
    bool line = sell_line_length(sell) > 0;
    if (err == OK && !line)
        return OK;
    if (err != OK && request->patience_ms == 0)
        return err;
    return sell_line_place(sell, request, err == OK, out);
}

/* The provider's own side of who may come here. */
static bool is_welcome(const struct sell *sell, const struct request *request)
{
    const struct sell_config *config = &sell->config;
    return taint_first_failing(
               config->taints, config->taint_count, request->tolerations,
               request->toleration_count) == config->taint_count &&
           zones_admit(request->zones, request->zone_count, config->labels,
                       config->label_count);
}

static enum err check_request(const struct sell *sell,
                              const struct request *request,
                              const struct wire_hold *hold,
                              const struct pubkey *peer)
{
    if (!pubkey_equal(&request->agent, peer))
        return ERR_PARTY;
    TRY(request_verify(request, &sell->config.chain));
    if (request->expires_at_ms <= sell->now_ms)
        return ERR_EXPIRED;
    if (hold->task >= request->tasks || hold->attempt >= request->attempts_max)
        return ERR_RANGE;
    if (!pubkey_is_zero(&request->only_seller) &&
        !pubkey_equal(&request->only_seller, &sell->config.signer->key))
        return ERR_TERMS;
    if (!is_welcome(sell, request))
        return ERR_TERMS;
    return check_shop(sell, request);
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

#define RELEASE_MARGIN_MS 3000u /* a contract from a quote that was let go */
#define PUBLISH_MS        300000u

/* deadline: time to start, the job's own limit, and time to publish. */
static enum err make_quote(const struct sell *sell,
                           const struct request *request,
                           const struct hash *request_id,
                           const struct wire_hold *hold,
                           const struct sell_place *place, struct quote *out)
{
    const struct sell_config *config = &sell->config;
    struct amount promised;
    memset(out, 0, sizeof(*out));
    out->request = *request_id;
    out->task = hold->task;
    out->attempt = hold->attempt;
    out->provider = config->signer->key;
    out->payout =
        pubkey_is_zero(&config->payout) ? config->signer->key : config->payout;
    out->offer_version = config->offer_version;
    out->device = place->device;
    TRY(quote_price(request, &config->price, out));
    TRY(amount_scale_up(out->cap, config->bond_permille, 1000, &out->bond));
    TRY(bonds_promised(sell, &promised));
    TRY(amount_add(promised, out->bond, &promised));
    if (amount_cmp(promised, sell->balance) > 0)
        return ERR_FUNDS;
    out->grade = config->grade;
    out->rtt_us = hold->rtt_us;
    out->expires_at_ms =
        min_u64(sell->now_ms + config->hold_ms, request->expires_at_ms);
    out->start_by_ms = place->at_ms + config->start_by_ms;
    if (out->start_by_ms < out->expires_at_ms)
        out->start_by_ms = out->expires_at_ms;
    out->deadline_ms = out->start_by_ms + request->time_ms_max + PUBLISH_MS;
    out->retention_ms = config->retention_ms;
    if (!amount_is_zero(request->price_max) &&
        amount_cmp(out->cap, request->price_max) > 0)
        return ERR_PRICE;
    return quote_sign(out, &config->chain, config->signer);
}

static enum err hold_new(struct sell *sell, const struct pubkey *peer,
                         const struct wire_hold *hold,
                         const struct request *request,
                         const struct hash *request_id)
{
    struct sell_item *item;
    struct sell_place place;
    struct quote quote;
    TRY(check_request(sell, request, hold, peer));
    TRY(find_place(sell, request, &place));
    TRY(make_quote(sell, request, request_id, hold, &place, &quote));
    item = sell_item_new(sell);
    if (item == NULL)
        return ERR_NOMEM;
    item->request = *request_id;
    contract_id(request_id, hold->task, hold->attempt, &item->contract);
    item->task = hold->task;
    item->attempt = hold->attempt;
    item->tasks = request->tasks / policy_copies(&request->terms);
    item->buyer = request->buyer;
    item->agent = request->agent;
    item->spec_hash = request->spec;
    item->resources = request->resources;
    item->wish = request->devices;
    item->time_ms_max = request->time_ms_max;
    item->quote = quote;
    item->stage_by_ms = sell->now_ms + sell->config.start_by_ms;
    item->hold_until_ms = quote.expires_at_ms + SELL_HOLD_MARGIN_MS;
    item->resumed = true;
    if (place.at_ms > sell->now_ms)
        sell_line_join(sell, item, &place);
    else
        sell_item_assign(sell, item, place.devices);
    sell_move(sell, item, SELL_HELD);
    send_quote(sell, item);
    return OK;
}

/* The same buyer asking again gets the same answer: the first may be lost. One
 * who let it go and comes back is asked to wait until it is gone: a contract
 * from the first quote could still turn up. */
static enum err hold_again(struct sell *sell, const struct pubkey *peer,
                           struct sell_item *item)
{
    if (!pubkey_equal(&item->agent, peer))
        return ERR_PARTY;
    if (item->state != SELL_HELD)
        return ERR_EXISTS;
    if (item->quote.expires_at_ms <= sell->now_ms ||
        item->hold_until_ms < item->quote.expires_at_ms)
        return ERR_EXPIRED;
    send_quote(sell, item);
    return OK;
}

void sell_on_hold(struct sell *sell, const struct pubkey *peer,
                  struct bytes message)
{
    struct wire_hold hold;
    struct wire_hold_key key;
    struct request request;
    struct sell_item *item;
    enum err err;
    if (wire_hold_decode(message, &sell->arena, &hold) != OK ||
        request_decode(hold.request, &sell->arena, &request) != OK ||
        request_id(&request, &sell->config.chain, &key.request) != OK)
        return; /* no key to answer under */
    key.task = hold.task;
    key.attempt = hold.attempt;
    item = find_key(sell, &key);
    err = item != NULL ? hold_again(sell, peer, item)
                       : hold_new(sell, peer, &hold, &request, &key.request);
    if (err != OK)
        send_refusal(sell, peer, &key, err);
}

void sell_on_release(struct sell *sell, const struct pubkey *peer,
                     struct bytes message)
{
    struct wire_hold_key key;
    struct sell_item *item;
    if (wire_hold_release_decode(message, &sell->arena, &key) != OK)
        return;
    item = find_key(sell, &key);
    if (item == NULL || item->state != SELL_HELD ||
        !pubkey_equal(&item->agent, peer))
        return;
    /* Not forgotten at once: a contract made from the quote may be on its way.
     */
    if (item->hold_until_ms > sell->now_ms + RELEASE_MARGIN_MS)
        item->hold_until_ms = sell->now_ms + RELEASE_MARGIN_MS;
    item->recalled = false;
    sell_note(sell, item, "the buyer released the hold");
}
