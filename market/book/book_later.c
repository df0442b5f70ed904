#include "market/book/book_impl.h"

#include <stdlib.h>

#include "base/check.h"

#define CAP_MIN 16u

enum err book_later_reserve(struct book *book)
{
    if (book->queue_count < book->queue_cap)
        return OK;
    uint32_t cap = book->queue_cap == 0 ? CAP_MIN : book->queue_cap * 2;
    void *list = realloc(book->queues, cap * sizeof(*book->queues));
    if (list == NULL)
        return ERR_NOMEM;
    book->queues = list;
    book->queue_cap = cap;
    return OK;
}

void book_later_remove(struct book *book, uint32_t index)
{
    uint32_t at = book->slots[index].queue_at;
    if (at == 0)
        return;
    CHECK(book->queues[at - 1] == index);
    uint32_t last = book->queues[--book->queue_count];
    book->queues[at - 1] = last;
    book->slots[last].queue_at = at;
    book->slots[index].queue_at = 0;
}

void book_later_put(struct book *book, uint32_t index)
{
    struct book_slot *slot = &book->slots[index];
    book_later_remove(book, index);
    if (slot->card->queue.places == 0)
        return;
    CHECK(book->queue_count < book->queue_cap);
    book->queues[book->queue_count++] = index;
    slot->queue_at = book->queue_count;
}

static uint64_t less_age(uint64_t ms, uint64_t age_ms)
{
    return ms > age_ms ? ms - age_ms : 0;
}

/* Nobody is served before the first that runs has ended: beyond the patience
 * there is no need to ask. Behind others it may be as long as all of it. */
bool book_later_wait(const struct book *book, uint32_t index,
                     const struct request *request, uint64_t now_ms,
                     uint64_t *out_ms)
{
    const struct book_slot *slot = &book->slots[index];
    const struct offer_queue *queue = &slot->card->queue;
    uint64_t age_ms = now_ms - slot->received_ms;
    uint64_t wait_ms = queue->length > 0 ? queue->clear_ms : queue->next_ms;
    CHECK(slot->state == SLOT_LIVE && queue->places > 0);
    if (request->patience_ms == 0 ||
        less_age(queue->next_ms, age_ms) > request->patience_ms)
        return false;
    wait_ms = less_age(wait_ms, age_ms);
    *out_ms = wait_ms > 0 ? wait_ms : 1;
    return true;
}

bool book_later_fits(const struct book *book, uint32_t index,
                     const struct request *request,
                     const struct book_entry *entry,
                     const struct demand *demand, uint64_t now_ms,
                     struct book_view *out, uint64_t *out_wait_ms)
{
    struct verdict verdict;
    if (!book_later_wait(book, index, request, now_ms, out_wait_ms))
        return false;
    book_view(book, index, request, entry, now_ms, out);
    feasible_check(demand, &out->c, &verdict);
    if (verdict.reason == REASON_NONE)
        return false;
    book_view_later(book, index, request, entry, now_ms, out);
    feasible_check(demand, &out->c, &verdict);
    return verdict.reason == REASON_NONE;
}

void book_later_missed(const struct book *book, const struct request *request,
                       const struct book_entry *entry,
                       const struct demand *demand, uint64_t now_ms,
                       struct book_missed_queues *out)
{
    struct request patient = *request;
    struct book_missed_queues missed = {0};
    uint32_t count = request->terms.gang || request->terms.down_ppb != 0
                         ? 0
                         : book->queue_count;
    patient.patience_ms = REQUEST_PATIENCE_MS_MAX;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = book->queues[i];
        struct book_view view;
        uint64_t wait_ms;
        if (book_later_wait(book, index, request, now_ms, &wait_ms) ||
            !book_later_fits(book, index, &patient, entry, demand, now_ms,
                             &view, &wait_ms))
            continue;
        missed.offers++;
        if (missed.offers == 1 || wait_ms < missed.wait_ms)
            missed.wait_ms = wait_ms;
    }
    *out = missed;
}
