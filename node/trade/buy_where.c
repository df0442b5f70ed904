/* Where tasks are: told to the book for jobs that are spread or keep away from,
 * or close to, other jobs; and matched again when that changes. */

#include "node/trade/buy_item.h"

#include <string.h>

/* From the hold until its job there has ended. */
bool buy_state_there(enum buy_state state)
{
    return state >= BUY_HOLDING && state <= BUY_PUBLISHING;
}

static bool asks_where(const struct buy_item *item)
{
    const struct request *request = &item->face.request;
    return request->spread.per_provider != 0 ||
           request->spread.per_value != 0 || request->affinity_count > 0 ||
           request->terms.down_ppb != 0;
}

/* Adds one to the provider's row of this sort, a new one if there is none. */
static struct book_there *row_add(struct book_there *rows, uint32_t *count,
                                  const struct pubkey *provider,
                                  uint32_t affinity)
{
    uint32_t i = 0;
    while (i < *count && (rows[i].affinity != affinity ||
                          !pubkey_equal(&rows[i].provider, provider)))
        i++;
    if (i == *count)
        rows[(*count)++] =
            (struct book_there){.provider = *provider, .affinity = affinity};
    if (affinity == 0)
        rows[i].tasks++;
    return &rows[i];
}

static void rows_of(const struct buy_item *item, uint32_t affinity,
                    struct book_there *rows, uint32_t *count)
{
    if (item == NULL)
        return;
    for (uint32_t i = 0; i < item->face.task_count; i++) {
        struct book_there *row;
        if (!buy_state_there(item->tasks[i].state))
            continue;
        row = row_add(rows, count, &item->tasks[i].provider, affinity);
        if (affinity == 0 && buy_copy_waits(item, i))
            row->beside = true;
    }
}

static size_t rows_needed(const struct buy *buy, const struct buy_item *item)
{
    const struct request *request = &item->face.request;
    size_t count = item->face.task_count;
    for (uint32_t i = 0; i < request->affinity_count; i++) {
        const struct buy_item *other =
            buy_find(buy, &request->affinities[i].request);
        count += other != NULL ? other->face.task_count : 0;
    }
    return count;
}

void buy_tell_places(struct buy *buy, const struct buy_item *item)
{
    const struct request *request = &item->face.request;
    struct book_there *rows;
    uint32_t count = 0;
    if (!asks_where(item))
        return;
    rows = arena_calloc(&buy->arena, rows_needed(buy, item), sizeof(*rows));
    if (rows == NULL) {
        buy->out->err = ERR_NOMEM;
        return;
    }
    rows_of(item, 0, rows, &count);
    for (uint32_t i = 0; i < request->affinity_count; i++)
        rows_of(buy_find(buy, &request->affinities[i].request), i + 1, rows,
                &count);
    if (book_there_set(buy->book, &item->face.id, rows, count) == ERR_NOMEM &&
        buy->out->err == OK)
        buy->out->err = ERR_NOMEM;
}

/* Jobs that wait for what has just changed do not wait for the book's clock. */
void buy_places_due(struct buy *buy)
{
    if (!buy->places_changed)
        return;
    buy->places_changed = false;
    for (struct buy_item *item = buy->first; item != NULL; item = item->next) {
        if (item->in_book && asks_where(item))
            buy_match(buy, item);
    }
}
