#include "sched/shelf.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define BLOCK_CAP 128u

struct shelf_entry {
    uint64_t key;
    uint32_t item;
};

struct shelf_block {
    uint32_t len;
    struct shelf_entry entries[BLOCK_CAP];
};

void shelf_init(struct shelf *shelf)
{
    memset(shelf, 0, sizeof(*shelf));
}

void shelf_done(struct shelf *shelf)
{
    for (uint32_t i = 0; i < shelf->block_count; i++)
        free(shelf->blocks[i]);
    free(shelf->blocks);
    free(shelf->spare);
    shelf_init(shelf);
}

static enum err reserve_block_pointer(struct shelf *shelf)
{
    if (shelf->block_count < shelf->block_cap)
        return OK;
    uint32_t cap = shelf->block_cap == 0 ? 4 : shelf->block_cap * 2;
    void *blocks = realloc(shelf->blocks, cap * sizeof(*shelf->blocks));
    if (blocks == NULL)
        return ERR_NOMEM;
    shelf->blocks = blocks;
    shelf->block_cap = cap;
    return OK;
}

enum err shelf_reserve(struct shelf *shelf)
{
    TRY(reserve_block_pointer(shelf));
    if (shelf->spare == NULL)
        shelf->spare = malloc(sizeof(*shelf->spare));
    return shelf->spare == NULL ? ERR_NOMEM : OK;
}

static bool is_before(const struct shelf_entry *entry, uint64_t key,
                      uint32_t item)
{
    return entry->key < key || (entry->key == key && entry->item < item);
}

/* The first block whose last entry is not before the pair; block_count when
 * the pair is beyond everything. */
static uint32_t block_for(const struct shelf *shelf, uint64_t key,
                          uint32_t item)
{
    uint32_t low = 0;
    uint32_t high = shelf->block_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const struct shelf_block *block = shelf->blocks[mid];
        if (is_before(&block->entries[block->len - 1], key, item))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static uint32_t index_in(const struct shelf_block *block, uint64_t key,
                         uint32_t item)
{
    uint32_t low = 0;
    uint32_t high = block->len;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (is_before(&block->entries[mid], key, item))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Puts the spare block in at `at`, empty. */
static void open_block(struct shelf *shelf, uint32_t at)
{
    CHECK(shelf->spare != NULL);
    CHECK(shelf->block_count < shelf->block_cap);
    struct shelf_block **slot = &shelf->blocks[at];
    memmove(slot + 1, slot, (shelf->block_count - at) * sizeof(*slot));
    *slot = shelf->spare;
    (*slot)->len = 0;
    shelf->spare = NULL;
    shelf->block_count++;
}

/* Takes the block at `at` out; it becomes the spare. */
static void close_block(struct shelf *shelf, uint32_t at)
{
    struct shelf_block **slot = &shelf->blocks[at];
    struct shelf_block *block = *slot;
    memmove(slot, slot + 1, (shelf->block_count - at - 1) * sizeof(*slot));
    shelf->block_count--;
    if (shelf->spare == NULL)
        shelf->spare = block;
    else
        free(block);
}

static void split(struct shelf *shelf, uint32_t at)
{
    open_block(shelf, at + 1);
    struct shelf_block *left = shelf->blocks[at];
    struct shelf_block *right = shelf->blocks[at + 1];
    right->len = left->len / 2;
    left->len -= right->len;
    memcpy(right->entries, left->entries + left->len,
           right->len * sizeof(right->entries[0]));
}

/* The block that has room for the pair where it belongs. Growing at the end
 * opens a fresh block instead of halving the last: timers come in order. */
static uint32_t make_room(struct shelf *shelf, uint64_t key, uint32_t item)
{
    uint32_t at = block_for(shelf, key, item);
    if (at == shelf->block_count) {
        if (at == 0 || shelf->blocks[at - 1]->len == BLOCK_CAP)
            open_block(shelf, at);
        else
            at--;
    } else if (shelf->blocks[at]->len == BLOCK_CAP) {
        split(shelf, at);
        at = block_for(shelf, key, item);
    }
    return at;
}

void shelf_add(struct shelf *shelf, uint64_t key, uint32_t item)
{
    struct shelf_block *block = shelf->blocks[make_room(shelf, key, item)];
    uint32_t at = index_in(block, key, item);
    struct shelf_entry *entry = &block->entries[at];
    CHECK(block->len < BLOCK_CAP);
    CHECK(at == block->len || entry->key != key || entry->item != item);
    memmove(entry + 1, entry, (block->len - at) * sizeof(*entry));
    *entry = (struct shelf_entry){.key = key, .item = item};
    block->len++;
    shelf->len++;
}

/* Joins a block with the next when both fit in half a block: so two
 * neighbours always hold more, and blocks stay few. */
static void join_next(struct shelf *shelf, uint32_t at)
{
    if (at + 1 >= shelf->block_count)
        return;
    struct shelf_block *left = shelf->blocks[at];
    struct shelf_block *right = shelf->blocks[at + 1];
    if (left->len + right->len > BLOCK_CAP / 2)
        return;
    memcpy(left->entries + left->len, right->entries,
           right->len * sizeof(right->entries[0]));
    left->len += right->len;
    close_block(shelf, at + 1);
}

bool shelf_remove(struct shelf *shelf, uint64_t key, uint32_t item)
{
    uint32_t b = block_for(shelf, key, item);
    if (b == shelf->block_count)
        return false;
    struct shelf_block *block = shelf->blocks[b];
    uint32_t at = index_in(block, key, item);
    struct shelf_entry *entry = &block->entries[at];
    if (entry->key != key || entry->item != item)
        return false;
    memmove(entry, entry + 1, (block->len - at - 1) * sizeof(*entry));
    block->len--;
    shelf->len--;
    if (block->len == 0) {
        close_block(shelf, b);
    } else {
        join_next(shelf, b);
        if (b > 0)
            join_next(shelf, b - 1);
    }
    return true;
}

bool shelf_first(const struct shelf *shelf, uint64_t *out_key,
                 uint32_t *out_item)
{
    struct shelf_walk walk;
    shelf_walk_init(&walk, shelf);
    return shelf_walk_next(&walk, out_key, out_item);
}

void shelf_walk_init(struct shelf_walk *walk, const struct shelf *shelf)
{
    *walk = (struct shelf_walk){.shelf = shelf};
}

bool shelf_walk_next(struct shelf_walk *walk, uint64_t *out_key,
                     uint32_t *out_item)
{
    if (walk->block >= walk->shelf->block_count)
        return false;
    const struct shelf_block *block = walk->shelf->blocks[walk->block];
    *out_key = block->entries[walk->index].key;
    *out_item = block->entries[walk->index].item;
    if (++walk->index == block->len) {
        walk->index = 0;
        walk->block++;
    }
    return true;
}
