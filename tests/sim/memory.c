#include "tests/sim/memory.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *grown(void *items, size_t size, size_t *cap)
{
    *cap = *cap == 0 ? 16 : 2 * *cap;
    items = realloc(items, *cap * size);
    CHECK(items != NULL);
    return items;
}

void memory_done(struct memory *memory)
{
    for (size_t i = 0; i < memory->count; i++)
        free(memory->records[i].bytes);
    for (size_t i = 0; i < memory->tail_count; i++)
        free(memory->tail[i].bytes);
    free(memory->records);
    free(memory->tail);
    memset(memory, 0, sizeof(*memory));
}

/* Where the key is, or would be. */
static size_t place_of(const struct memory *memory, const char *key)
{
    size_t low = 0;
    size_t high = memory->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(memory->records[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void erase(struct memory *memory, size_t i)
{
    free(memory->records[i].bytes);
    memory->count--;
    memmove(memory->records + i, memory->records + i + 1,
            (memory->count - i) * sizeof(memory->records[0]));
}

static void insert(struct memory *memory, size_t i,
                   const struct memory_record *record)
{
    if (memory->count == memory->cap)
        memory->records =
            grown(memory->records, sizeof(memory->records[0]), &memory->cap);
    memmove(memory->records + i + 1, memory->records + i,
            (memory->count - i) * sizeof(memory->records[0]));
    memory->records[i] = *record;
    memory->count++;
}

/* Takes the record's bytes. */
static void apply(struct memory *memory, const struct memory_record *record)
{
    size_t i = place_of(memory, record->key);
    if (i < memory->count && strcmp(memory->records[i].key, record->key) == 0)
        erase(memory, i);
    if (record->len > 0)
        insert(memory, i, record);
    else
        free(record->bytes);
}

void memory_put(struct memory *memory, const char *key, struct bytes bytes)
{
    struct memory_record record = {.len = bytes.len};
    CHECK(strlen(key) < sizeof(record.key));
    snprintf(record.key, sizeof(record.key), "%s", key);
    if (bytes.len > 0) {
        record.bytes = malloc(bytes.len);
        CHECK(record.bytes != NULL);
        memcpy(record.bytes, bytes.ptr, bytes.len);
    }
    if (memory->tail_count == memory->tail_cap)
        memory->tail =
            grown(memory->tail, sizeof(memory->tail[0]), &memory->tail_cap);
    memory->tail[memory->tail_count++] = record;
}

void memory_sync(struct memory *memory)
{
    for (size_t i = 0; i < memory->tail_count; i++)
        apply(memory, &memory->tail[i]);
    memory->tail_count = 0;
}

void memory_crash(struct memory *memory, struct dice *dice)
{
    size_t kept = dice_below(dice, memory->tail_count + 1);
    for (size_t i = 0; i < memory->tail_count; i++) {
        if (i < kept)
            apply(memory, &memory->tail[i]);
        else
            free(memory->tail[i].bytes);
    }
    memory->tail_count = 0;
}
