#include "market/book/book_map.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define CAP_MIN 16u

void book_map_init(struct book_map *map, const uint8_t key[SHORT_HASH_KEY_LEN])
{
    memset(map, 0, sizeof(*map));
    memcpy(map->key, key, SHORT_HASH_KEY_LEN);
}

void book_map_done(struct book_map *map)
{
    free(map->cells);
    map->cells = NULL;
    map->cap = 0;
    map->len = 0;
}

static uint32_t home_of(const struct book_map *map, const uint8_t *name)
{
    uint64_t h = short_hash(map->key, bytes_make(name, BOOK_MAP_NAME_LEN));
    return (uint32_t)h & (map->cap - 1);
}

/* The cell that holds the name, or the empty cell where it would go. */
static uint32_t find(const struct book_map *map, const uint8_t *name)
{
    uint32_t i = home_of(map, name);
    while (map->cells[i].value != BOOK_MAP_NONE &&
           memcmp(map->cells[i].name, name, BOOK_MAP_NAME_LEN) != 0)
        i = (i + 1) & (map->cap - 1);
    return i;
}

uint32_t book_map_get(const struct book_map *map,
                      const uint8_t name[BOOK_MAP_NAME_LEN])
{
    if (map->cap == 0)
        return BOOK_MAP_NONE;
    return map->cells[find(map, name)].value;
}

static void put(struct book_map *map, const uint8_t *name, uint32_t value)
{
    struct book_map_cell *cell = &map->cells[find(map, name)];
    CHECK(cell->value == BOOK_MAP_NONE);
    memcpy(cell->name, name, BOOK_MAP_NAME_LEN);
    cell->value = value;
    map->len++;
}

static struct book_map_cell *cells_new(uint32_t cap)
{
    struct book_map_cell *cells = malloc(cap * sizeof(*cells));
    for (uint32_t i = 0; cells != NULL && i < cap; i++)
        cells[i].value = BOOK_MAP_NONE;
    return cells;
}

enum err book_map_reserve(struct book_map *map)
{
    struct book_map old = *map;
    if (map->len + 1 <= map->cap / 2)
        return OK;
    uint32_t cap = map->cap == 0 ? CAP_MIN : map->cap * 2;
    struct book_map_cell *cells = cells_new(cap);
    if (cells == NULL)
        return ERR_NOMEM;
    map->cells = cells;
    map->cap = cap;
    map->len = 0;
    for (uint32_t i = 0; i < old.cap; i++) {
        if (old.cells[i].value != BOOK_MAP_NONE)
            put(map, old.cells[i].name, old.cells[i].value);
    }
    free(old.cells);
    return OK;
}

void book_map_add(struct book_map *map, const uint8_t name[BOOK_MAP_NAME_LEN],
                  uint32_t value)
{
    CHECK(value != BOOK_MAP_NONE);
    CHECK(map->len + 1 <= map->cap / 2);
    put(map, name, value);
}

/* Closes the gap at `hole`: whatever was pushed past it moves back, so that a
 * search never stops too early. */
static void close_gap(struct book_map *map, uint32_t hole)
{
    uint32_t mask = map->cap - 1;
    uint32_t i = (hole + 1) & mask;
    while (map->cells[i].value != BOOK_MAP_NONE) {
        uint32_t home = home_of(map, map->cells[i].name);
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            map->cells[hole] = map->cells[i];
            hole = i;
        }
        i = (i + 1) & mask;
    }
    map->cells[hole].value = BOOK_MAP_NONE;
}

bool book_map_remove(struct book_map *map,
                     const uint8_t name[BOOK_MAP_NAME_LEN])
{
    if (map->cap == 0)
        return false;
    uint32_t i = find(map, name);
    if (map->cells[i].value == BOOK_MAP_NONE)
        return false;
    close_gap(map, i);
    map->len--;
    return true;
}
