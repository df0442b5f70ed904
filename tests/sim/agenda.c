#include "tests/sim/agenda.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    uint64_t at_ms;
    uint64_t seq;
    agenda_fn fn;
    struct about about;
    uint8_t bytes[];
};

void agenda_init(struct agenda *agenda)
{
    memset(agenda, 0, sizeof(*agenda));
}

void agenda_done(struct agenda *agenda)
{
    for (size_t i = 0; i < agenda->count; i++)
        free(agenda->heap[i]);
    free(agenda->heap);
    memset(agenda, 0, sizeof(*agenda));
}

static bool before(const struct entry *a, const struct entry *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->seq < b->seq;
}

static void rise(struct agenda *agenda, size_t i)
{
    while (i > 0 && before(agenda->heap[i], agenda->heap[(i - 1) / 2])) {
        struct entry *entry = agenda->heap[i];
        agenda->heap[i] = agenda->heap[(i - 1) / 2];
        agenda->heap[(i - 1) / 2] = entry;
        i = (i - 1) / 2;
    }
}

static void sink(struct agenda *agenda)
{
    size_t i = 0;
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++)
            if (child < agenda->count &&
                before(agenda->heap[child], agenda->heap[least]))
                least = child;
        if (least == i)
            return;
        struct entry *entry = agenda->heap[i];
        agenda->heap[i] = agenda->heap[least];
        agenda->heap[least] = entry;
        i = least;
    }
}

void agenda_add(struct agenda *agenda, uint64_t at_ms, agenda_fn fn,
                const struct about *about)
{
    struct entry *entry = malloc(sizeof(*entry) + about->bytes.len);
    CHECK(entry != NULL);
    if (agenda->count == agenda->cap) {
        size_t cap = agenda->cap == 0 ? 256 : 2 * agenda->cap;
        struct entry **heap =
            realloc(agenda->heap, cap * sizeof(struct entry *));
        CHECK(heap != NULL);
        agenda->heap = heap;
        agenda->cap = cap;
    }
    entry->at_ms = at_ms;
    entry->seq = agenda->next_seq++;
    entry->fn = fn;
    entry->about = *about;
    if (about->bytes.len > 0)
        memcpy(entry->bytes, about->bytes.ptr, about->bytes.len);
    entry->about.bytes.ptr = entry->bytes;
    agenda->heap[agenda->count++] = entry;
    rise(agenda, agenda->count - 1);
}

bool agenda_next_ms(const struct agenda *agenda, uint64_t *out)
{
    if (agenda->count == 0)
        return false;
    *out = agenda->heap[0]->at_ms;
    return true;
}

void agenda_run(struct agenda *agenda, struct world *world)
{
    struct entry *entry = agenda->heap[0];
    agenda->heap[0] = agenda->heap[--agenda->count];
    sink(agenda);
    entry->fn(world, &entry->about);
    free(entry);
}
