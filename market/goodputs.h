#ifndef MARKET_GOODPUTS_H
#define MARKET_GOODPUTS_H

/* Hands the book what links bear out of the goodput that offers declare
 * (sched/link/goodput.h), again and again: what is not borne out any longer
 * counts for nothing from then on. */

#include "market/book/book.h"
#include "sched/link/goodput.h"

#define GOODPUTS_EVERY_MS 10000u

struct goodputs { /* zero at first */
    uint64_t at_ms;
    uint32_t count;
    uint32_t room;
    struct pubkey *known; /* whose goodput the book was told of; own */
};

void goodputs_done(struct goodputs *goodputs);
/* Every GOODPUTS_EVERY_MS by now_ms, the clock of map and book; in between it
 * does nothing. ERR_NOMEM: nothing was told; the next call tries again. */
MUST_USE enum err goodputs_tick(struct goodputs *goodputs,
                                const struct linkmap *map, struct book *book,
                                uint64_t now_ms);

#endif
