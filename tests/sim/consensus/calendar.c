#include "tests/sim/consensus/calendar.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

/* ---- letters ---- */

/* Nothing but the bytes goes in: the same on every machine. */
static uint64_t mark_of(struct bytes bytes)
{
    uint64_t mark = UINT64_C(0xcbf29ce484222325) ^ bytes.len;
    size_t i = 0;
    for (; i + 8 <= bytes.len; i += 8) {
        mark = (mark ^ u64le_get(bytes.ptr + i)) * UINT64_C(0x9fb21c651e98df25);
        mark ^= mark >> 32;
    }
    for (; i < bytes.len; i++)
        mark = (mark ^ bytes.ptr[i]) * UINT64_C(0x100000001b3);
    return mark;
}

struct letter *letter_new(struct bytes bytes)
{
    struct letter *letter = malloc(sizeof(*letter) + bytes.len);
    CHECK(letter != NULL && bytes.len < UINT32_MAX);
    letter->refs = 1;
    letter->len = (uint32_t)bytes.len;
    letter->mark = mark_of(bytes);
    letter->wrong = false;
    if (bytes.len > 0)
        memcpy(letter->bytes, bytes.ptr, bytes.len);
    return letter;
}

struct letter *letter_keep(struct letter *letter)
{
    letter->refs++;
    return letter;
}

void letter_drop(struct letter *letter)
{
    if (letter != NULL && --letter->refs == 0)
        free(letter);
}

struct bytes letter_bytes(const struct letter *letter)
{
    return bytes_make(letter->bytes, letter->len);
}

/* ---- the heap ---- */

static bool before(const struct entry *a, const struct entry *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->seq < b->seq;
}

void calendar_done(struct calendar *calendar)
{
    for (size_t i = 0; i < calendar->count; i++)
        letter_drop(calendar->heap[i].letter);
    free(calendar->heap);
    memset(calendar, 0, sizeof(*calendar));
}

void calendar_add(struct calendar *calendar, const struct entry *entry)
{
    struct entry added = *entry;
    added.seq = calendar->next_seq++;
    if (calendar->count == calendar->cap) {
        size_t cap = calendar->cap == 0 ? 1024 : 2 * calendar->cap;
        struct entry *heap = realloc(calendar->heap, cap * sizeof(*heap));
        CHECK(heap != NULL);
        calendar->heap = heap;
        calendar->cap = cap;
    }
    size_t i = calendar->count++;
    while (i > 0 && before(&added, &calendar->heap[(i - 1) / 2])) {
        calendar->heap[i] = calendar->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    calendar->heap[i] = added;
}

bool calendar_next(const struct calendar *calendar, uint64_t *out_us)
{
    if (calendar->count == 0)
        return false;
    *out_us = calendar->heap[0].at_us;
    return true;
}

struct entry calendar_take(struct calendar *calendar)
{
    CHECK(calendar->count > 0);
    struct entry *heap = calendar->heap;
    struct entry first = heap[0];
    struct entry last = heap[--calendar->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= calendar->count)
            break;
        if (child + 1 < calendar->count &&
            before(&heap[child + 1], &heap[child]))
            child++;
        if (!before(&heap[child], &last))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return first;
}
