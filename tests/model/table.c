#include "tests/model/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static void *grow(void *old, size_t bytes)
{
    void *grown = realloc(old, bytes);
    if (grown == NULL) {
        fprintf(stderr,
                "error: no memory for %zu MB of states; explore fewer "
                "views, or give --max-states\n",
                bytes >> 20);
        exit(3);
    }
    return grown;
}

void table_init(struct table *table, uint32_t width)
{
    memset(table, 0, sizeof(*table));
    table->width = width;
    table->room = 1u << 10;
    table->states = grow(NULL, (size_t)table->room * width);
    table->parents = grow(NULL, (size_t)table->room * sizeof(uint32_t));
    table->cell_mask = 2 * (uint64_t)table->room - 1;
    table->cells = grow(NULL, (table->cell_mask + 1) * sizeof(uint64_t));
    memset(table->cells, 0, (table->cell_mask + 1) * sizeof(uint64_t));
}

void table_done(struct table *table)
{
    free(table->states);
    free(table->parents);
    free(table->cells);
    memset(table, 0, sizeof(*table));
}

static uint64_t hash_of(const uint8_t *state, uint32_t width)
{
    uint64_t hash = width;
    uint64_t word = 0;
    for (uint32_t i = 0; i < width; i += 8) {
        uint32_t len = width - i < 8 ? width - i : 8;
        word = 0;
        memcpy(&word, state + i, len);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    hash *= UINT64_C(0xbf58476d1ce4e5b9);
    return hash ^ hash >> 32;
}

#define TAG_MASK (~(uint64_t)UINT32_MAX)

/* A cell's upper half is the tag, its lower half number + 1. */
static void cell_put(struct table *table, uint64_t hash, uint32_t number)
{
    uint64_t at = hash & table->cell_mask;
    while (table->cells[at] != 0)
        at = (at + 1) & table->cell_mask;
    table->cells[at] = (hash & TAG_MASK) | (number + UINT64_C(1));
}

static void widen(struct table *table)
{
    CHECK(table->room < UINT32_C(1) << 31);
    table->room *= 2;
    table->states = grow(table->states, (size_t)table->room * table->width);
    table->parents =
        grow(table->parents, (size_t)table->room * sizeof(uint32_t));
    free(table->cells);
    table->cell_mask = 2 * (uint64_t)table->room - 1;
    table->cells = grow(NULL, (table->cell_mask + 1) * sizeof(uint64_t));
    memset(table->cells, 0, (table->cell_mask + 1) * sizeof(uint64_t));
    for (uint32_t i = 0; i < table->count; i++)
        cell_put(table, hash_of(table_get(table, i), table->width), i);
}

static bool find(const struct table *table, const uint8_t *state, uint64_t hash)
{
    uint64_t at = hash & table->cell_mask;
    for (; table->cells[at] != 0; at = (at + 1) & table->cell_mask) {
        uint64_t cell = table->cells[at];
        if ((cell & TAG_MASK) == (hash & TAG_MASK) &&
            memcmp(table_get(table, (uint32_t)cell - 1), state, table->width) ==
                0)
            return true;
    }
    return false;
}

bool table_has(const struct table *table, const uint8_t *state)
{
    return find(table, state, hash_of(state, table->width));
}

bool table_add(struct table *table, const uint8_t *state, uint32_t parent)
{
    uint64_t hash = hash_of(state, table->width);
    if (find(table, state, hash))
        return false;
    if (table->count == table->room)
        widen(table);
    memcpy(table->states + (size_t)table->count * table->width, state,
           table->width);
    table->parents[table->count] = parent;
    cell_put(table, hash, table->count++);
    return true;
}

const uint8_t *table_get(const struct table *table, uint32_t number)
{
    CHECK(number < table->count);
    return table->states + (size_t)number * table->width;
}

size_t table_bytes(const struct table *table)
{
    return (size_t)table->count * (table->width + sizeof(uint32_t)) +
           (table->cell_mask + 1) * sizeof(uint64_t);
}
