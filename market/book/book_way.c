/* Ways between this node and providers, and how full they are. */

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "market/book/book_impl.h"

enum err book_ways_set(struct book *book, const struct book_way *ways,
                       uint32_t count, const uint32_t *beside,
                       uint32_t beside_count)
{
    uint32_t *copy = calloc((size_t)beside_count + 1, sizeof(*copy));
    if (copy == NULL)
        return ERR_NOMEM;
    if (beside_count > 0)
        memcpy(copy, beside, beside_count * sizeof(*copy));
    free(book->beside);
    book->beside = copy;
    book->beside_count = beside_count;
    book->way_round++;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = book_slot_find(book, &ways[i].provider);
        CHECK(ways[i].kbps > 0);
        if (index == BOOK_NONE)
            continue;
        book->slots[index].way_kbps = ways[i].kbps;
        book->slots[index].way_used_kbps = ways[i].used_kbps;
        book->slots[index].way_round = book->way_round;
    }
    return OK;
}

void book_ways_done(struct book *book)
{
    free(book->beside);
}

enum err book_ways_rank(const struct book *book, struct arena *arena,
                        struct ranking *ranking)
{
    uint32_t room = book->live_count + 1 + book->beside_count;
    struct balance_load *loads = arena_calloc(arena, room, sizeof(*loads));
    if (loads == NULL)
        return ERR_NOMEM;
    ranking_ways(ranking, loads, room);
    for (uint32_t i = 0; i < book->beside_count; i++)
        ranking_look_way(ranking, book->beside[i]);
    return OK;
}
