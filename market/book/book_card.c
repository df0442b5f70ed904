#include "market/book/book_card.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static size_t text_len(const struct offer *offer)
{
    size_t len = strlen(offer->address) + strlen(offer->bulk_address) +
                 strlen(offer->name) + 3;
    for (uint32_t i = 0; i < offer->label_count; i++)
        len +=
            strlen(offer->labels[i].key) + strlen(offer->labels[i].value) + 2;
    return len;
}

static char *text_put(char *at, const char *text)
{
    size_t size = strlen(text) + 1;
    memcpy(at, text, size);
    return at + size;
}

static void text_fill(const struct offer *offer, char *at)
{
    at = text_put(at, offer->address);
    at = text_put(at, offer->bulk_address);
    at = text_put(at, offer->name);
    for (uint32_t i = 0; i < offer->label_count; i++) {
        at = text_put(at, offer->labels[i].key);
        at = text_put(at, offer->labels[i].value);
    }
}

/* Where the gear stands in the card's memory: behind the text, aligned. */
static size_t gear_offset(const struct offer *offer)
{
    const size_t align = _Alignof(struct book_gear);
    size_t end = sizeof(struct book_card) + text_len(offer);
    return (end + align - 1) / align * align;
}

struct book_card *book_card_new(const struct offer *offer)
{
    CHECK(offer->label_count <= LIMIT_LABELS);
    bool geared = book_gear_needed(offer);
    size_t at = gear_offset(offer);
    struct book_card *card =
        malloc(at + (geared ? sizeof(struct book_gear) : 0));
    if (card == NULL)
        return NULL;
    *card = (struct book_card){
        .payout = offer->payout,
        .version = offer->version,
        .issued_at_ms = offer->issued_at_ms,
        .ttl_ms = offer->ttl_ms,
        .arch = offer->arch,
        .total = offer->total,
        .free = offer->free,
        .slots_free = offer->slots_free,
        .time_ms_max = offer->time_ms_max,
        .price = offer->price,
        .grade = offer->grade,
        .queue = offer->queue,
        .sig = offer->sig,
        .label_count = offer->label_count,
    };
    text_fill(offer, card->text);
    if (geared) {
        card->gear = (struct book_gear *)(void *)((char *)card + at);
        book_gear_fill(offer, card->gear);
    }
    return card;
}

static const char *text_take(const char *at, char out[LIMIT_NAME])
{
    size_t size = strlen(at) + 1;
    CHECK(size <= LIMIT_NAME);
    memcpy(out, at, size);
    return at + size;
}

static const char *text_skip(const char *at, unsigned count)
{
    while (count-- > 0)
        at += strlen(at) + 1;
    return at;
}

static void labels_take(const struct book_card *card, const char *at,
                        struct label *out)
{
    for (uint32_t i = 0; i < card->label_count; i++) {
        at = text_take(at, out[i].key);
        at = text_take(at, out[i].value);
    }
}

void book_card_offer(const struct book_card *card,
                     const struct pubkey *provider, struct offer *out)
{
    const char *at = card->text;
    memset(out, 0, sizeof(*out));
    out->provider = *provider;
    out->payout = card->payout;
    out->version = card->version;
    out->issued_at_ms = card->issued_at_ms;
    out->ttl_ms = card->ttl_ms;
    at = text_take(at, out->address);
    at = text_take(at, out->bulk_address);
    at = text_take(at, out->name);
    out->arch = card->arch;
    out->total = card->total;
    out->free = card->free;
    out->slots_free = card->slots_free;
    out->time_ms_max = card->time_ms_max;
    out->price = card->price;
    out->grade = card->grade;
    out->queue = card->queue;
    out->label_count = card->label_count;
    labels_take(card, at, out->labels);
    if (card->gear != NULL) {
        out->devices = card->gear->devices;
        out->taint_count = card->gear->taint_count;
        memcpy(out->taints, card->gear->taints, sizeof(out->taints));
    }
    out->sig = card->sig;
}

void book_card_labels(const struct book_card *card,
                      struct label out[LIMIT_LABELS])
{
    labels_take(card, text_skip(card->text, 3), out);
}

const char *book_card_address(const struct book_card *card)
{
    return card->text;
}

const char *book_card_name(const struct book_card *card)
{
    return text_skip(card->text, 2);
}
