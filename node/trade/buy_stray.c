/* Strays: contracts of ours that no task goes on with. An open that was thought
 * refused came through late, or the job's record is gone. Nobody is left to use
 * what they buy, so their money is fetched back. Not recorded: at a start the
 * shell tells of every contract again. */

#include "node/trade/buy_item.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRY_MS   5000u
#define GRACE_MS 5000u

static struct buy_stray **find(struct buy *buy, const struct hash *contract)
{
    struct buy_stray **at = &buy->strays;
    while (*at != NULL && !hash_equal(&(*at)->contract, contract))
        at = &(*at)->next;
    return at;
}

static void drop(struct buy *buy, struct buy_stray **at)
{
    struct buy_stray *stray = *at;
    *at = stray->next;
    buy->stray_count--;
    free(stray);
}

void buy_strays_free(struct buy *buy)
{
    while (buy->strays != NULL)
        drop(buy, &buy->strays);
}

static void note(struct buy *buy, const struct buy_stray *stray,
                 const char *text)
{
    struct trade_effect *effect = trade_effect_add(buy->out, EFFECT_NOTE);
    effect->subject = stray->contract;
    effect->task = UINT32_MAX;
    snprintf(effect->text, sizeof(effect->text), "%s", text);
}

void buy_stray_contract(struct buy *buy, const struct contract *contract)
{
    struct buy_stray **at = find(buy, &contract->id);
    struct buy_stray *stray = *at;
    if (contract->state == CONTRACT_SETTLED) {
        if (stray != NULL)
            drop(buy, at);
        return;
    }
    if (stray == NULL) {
        if (buy->stray_count >= BUY_STRAYS_MAX)
            return;
        stray = calloc(1, sizeof(*stray));
        if (stray == NULL)
            return;
        stray->contract = contract->id;
        stray->provider = contract->provider;
        stray->start_by_ms = contract->start_by_ms;
        *at = stray;
        buy->stray_count++;
        note(buy, stray, "a contract that no task waits for: taking it back");
    }
    stray->state = contract->state;
    stray->until_ms = contract->until_ms;
    stray->retry_ms = buy->now_ms;
}

static void tx(struct buy *buy, const struct buy_stray *stray, uint32_t kind,
               const struct buf *payload)
{
    struct trade_effect *effect = trade_effect_add(buy->out, EFFECT_TX);
    effect->tx_kind = kind;
    effect->subject = stray->contract;
    effect->bytes = trade_effects_keep(buy->out, buf_bytes(payload));
}

static void cancel(struct buy *buy, const struct buy_stray *stray)
{
    struct buf message;
    struct book_offer offer;
    if (book_offer_get(buy->book, &stray->provider, buy->now_ms, &offer)) {
        struct trade_effect *dial = trade_effect_add(buy->out, EFFECT_DIAL);
        dial->peer = stray->provider;
        snprintf(dial->text, sizeof(dial->text), "%s", offer.offer.address);
    }
    buf_init(&message, 128);
    wire_contract_encode(WIRE_CANCEL, &stray->contract, &message);
    buy_send(buy, &stray->provider, &message);
    buf_done(&message);
}

/* Its provider may still end it well; else the chain's clocks do. */
static void stray_due(struct buy *buy, struct buy_stray *stray)
{
    struct buf payload;
    stray->retry_ms = buy->now_ms + TRY_MS;
    buf_init(&payload, 2048);
    if (stray->state == CONTRACT_ESCROWED) {
        cancel(buy, stray);
        if (buy->now_ms > buy_ours(buy, stray->start_by_ms) + GRACE_MS) {
            contract_expire_payload(&stray->contract, NULL, &payload);
            tx(buy, stray, TX_CONTRACT_EXPIRE, &payload);
        }
    } else if (buy->now_ms > buy_ours(buy, stray->until_ms)) {
        contract_settle_payload(&stray->contract, &payload);
        tx(buy, stray, TX_CONTRACT_SETTLE, &payload);
    }
    buf_done(&payload);
}

void buy_strays_due(struct buy *buy)
{
    for (struct buy_stray *stray = buy->strays; stray != NULL;
         stray = stray->next) {
        if (stray->retry_ms <= buy->now_ms)
            stray_due(buy, stray);
    }
}
