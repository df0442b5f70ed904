#include "market/goodputs.h"

#include <stdlib.h>

#include "base/check.h"

void goodputs_done(struct goodputs *goodputs)
{
    free(goodputs->known);
    *goodputs = (struct goodputs){0};
}

static uint64_t tell(const struct linkmap *map, struct book *book,
                     const struct pubkey *provider, uint64_t now_ms)
{
    struct goodput goodput;
    goodput_of(map, provider, now_ms, &goodput);
    book_net_set(book, provider, goodput_bps(&goodput), now_ms);
    return goodput.kbps;
}

static enum err make_room(struct goodputs *goodputs, uint32_t count)
{
    struct pubkey *grown;
    if (count <= goodputs->room)
        return OK;
    grown = realloc(goodputs->known, count * sizeof(*grown));
    if (grown == NULL)
        return ERR_NOMEM;
    goodputs->known = grown;
    goodputs->room = count;
    return OK;
}

enum err goodputs_tick(struct goodputs *goodputs, const struct linkmap *map,
                       struct book *book, uint64_t now_ms)
{
    uint32_t origins = linkmap_origins(map, now_ms);
    uint32_t cursor = 0;
    struct pubkey key;
    if (goodputs->at_ms != 0 && now_ms - goodputs->at_ms < GOODPUTS_EVERY_MS)
        return OK;
    TRY(make_room(goodputs, origins));
    goodputs->at_ms = now_ms;
    for (uint32_t i = 0; i < goodputs->count; i++)
        (void)tell(map, book, &goodputs->known[i], now_ms);
    goodputs->count = 0;
    while (linkmap_origin_next(map, &cursor, now_ms, &key)) {
        CHECK(goodputs->count < origins);
        if (tell(map, book, &key, now_ms) > 0)
            goodputs->known[goodputs->count++] = key;
    }
    return OK;
}
