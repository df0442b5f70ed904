#ifndef MARKET_BOOK_CARD_H
#define MARKET_BOOK_CARD_H

/* A card is an offer as the book keeps it: the same facts without the padding,
 * a few hundred bytes instead of thousands, for a book holds many. */

#include "market/book/book_device.h"

struct book_card {
    struct pubkey payout;
    uint64_t version;
    uint64_t issued_at_ms;
    uint64_t ttl_ms;
    enum arch arch;
    struct resources total;
    struct resources free;
    uint32_t slots_free;
    uint64_t time_ms_max;
    struct price price;
    struct offer_queue queue;
    struct grade grade;
    struct signature sig;
    struct book_gear *gear; /* behind the text; NULL: no devices, no taints */
    uint32_t label_count;
    char text[]; /* address, bulk address, name, then key and value of each
                    label, each with its zero */
};

/* Given to the caller, who frees it; NULL when out of memory. The offer has
 * passed offer_form, so its texts end. */
struct book_card *book_card_new(const struct offer *offer);
/* The offer again; `provider` is kept beside the card. */
void book_card_offer(const struct book_card *card,
                     const struct pubkey *provider, struct offer *out);
/* 1 when the offer has taints, else 0. */
static inline uint32_t book_card_tainted(const struct book_card *card)
{
    return card->gear != NULL && card->gear->taint_count > 0;
}
/* Fills the first card->label_count of `out`. */
void book_card_labels(const struct book_card *card,
                      struct label out[LIMIT_LABELS]);
const char *book_card_address(const struct book_card *card); /* lent */
const char *book_card_name(const struct book_card *card);    /* lent */

#endif
