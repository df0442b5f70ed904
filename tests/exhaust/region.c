#include "tests/exhaust/region.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define REGION_BYTES (16u << 20)
#define PIECE        64u
#define CLASSES      25u /* of 16 << class bytes */

/* Given by the linker (--wrap=malloc and so on). */
void *__real_malloc(size_t len);
void *__real_calloc(size_t count, size_t len);
void *__real_realloc(void *ptr, size_t len);
void __real_free(void *ptr);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t count, size_t len);
void *__wrap_realloc(void *ptr, size_t len);
void __wrap_free(void *ptr);

/* In front of each allocation. */
struct cell {
    size_t class;
    struct cell *next; /* while it is free */
};
_Static_assert(sizeof(struct cell) == 16, "allocations are aligned to 16");

/* At the region's start, so that it is put away with the rest. */
struct head {
    size_t used;
    struct cell *free[CLASSES];
};

struct snap {
    size_t used;
    uint32_t count;
    uint32_t *places;
    uint8_t *pieces;
};

static uint8_t *region;
static bool inside;
static size_t high; /* above it all is zero */
static struct {
    uint8_t *bytes;
    size_t used;
} bases[REGION_BASES];

static struct head *head(void)
{
    return (struct head *)(void *)region;
}

void region_init(void)
{
    region = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(region != MAP_FAILED);
    region_clear();
}

void region_clear(void)
{
    memset(region, 0, high);
    head()->used = (sizeof(struct head) + PIECE - 1) / PIECE * PIECE;
    high = head()->used;
}

void region_enter(void)
{
    CHECK(!inside);
    inside = true;
}

void region_leave(void)
{
    CHECK(inside);
    inside = false;
}

/* ---- the allocator ---- */

static bool is_ours(const void *ptr)
{
    const uint8_t *at = ptr;
    return region != NULL && at >= region && at < region + REGION_BYTES;
}

static size_t class_of(size_t len)
{
    size_t class = 0;
    while (((size_t)16 << class) < len)
        class ++;
    CHECK(class < CLASSES);
    return class;
}

void *region_alloc(size_t len)
{
    size_t class = class_of(len);
    struct cell *cell = head()->free[class];
    if (cell != NULL) {
        head()->free[class] = cell->next;
        cell->next = NULL;
        return cell + 1;
    }
    size_t need = sizeof(*cell) + ((size_t)16 << class);
    if (head()->used + need > REGION_BYTES) {
        fprintf(stderr,
                "a machine needs more than %u MB: does a step never "
                "end?\n",
                REGION_BYTES >> 20);
        abort();
    }
    cell = (struct cell *)(void *)(region + head()->used);
    head()->used += need;
    if (head()->used > high)
        high = head()->used;
    cell->class = class;
    return cell + 1;
}

/* Freed memory is zero: what is gone makes no difference between copies. */
static void give_back(void *ptr)
{
    struct cell *cell = (struct cell *)ptr - 1;
    memset(ptr, 0, (size_t)16 << cell->class);
    cell->next = head()->free[cell->class];
    head()->free[cell->class] = cell;
}

void *__wrap_malloc(size_t len)
{
    return inside ? region_alloc(len) : __real_malloc(len);
}

void *__wrap_calloc(size_t count, size_t len)
{
    size_t all;
    if (!inside)
        return __real_calloc(count, len);
    CHECK(!__builtin_mul_overflow(count, len, &all));
    return region_alloc(all);
}

void *__wrap_realloc(void *ptr, size_t len)
{
    if (ptr == NULL)
        return __wrap_malloc(len);
    if (!is_ours(ptr))
        return __real_realloc(ptr, len);
    size_t old = (size_t)16 << ((struct cell *)ptr - 1)->class;
    void *new = region_alloc(len);
    memcpy(new, ptr, old < len ? old : len);
    give_back(ptr);
    return new;
}

void __wrap_free(void *ptr)
{
    if (!is_ours(ptr))
        __real_free(ptr);
    else
        give_back(ptr);
}

/* ---- putting away ---- */

void region_set_base(uint32_t number)
{
    CHECK(number < REGION_BASES && bases[number].bytes == NULL);
    bases[number].used = head()->used;
    bases[number].bytes = __real_malloc(REGION_BYTES);
    CHECK(bases[number].bytes != NULL);
    memset(bases[number].bytes, 0, REGION_BYTES);
    memcpy(bases[number].bytes, region, head()->used);
}

void region_forget_bases(void)
{
    for (uint32_t i = 0; i < REGION_BASES; i++) {
        free(bases[i].bytes);
        bases[i].bytes = NULL;
    }
}

static uint32_t count_pieces(const uint8_t *base, uint32_t all)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < all; i++)
        count += memcmp(region + i * PIECE, base + i * PIECE, PIECE) != 0;
    return count;
}

struct snap *region_save(uint32_t base)
{
    struct snap *snap = __real_malloc(sizeof(*snap));
    uint32_t all = (uint32_t)((head()->used + PIECE - 1) / PIECE);
    uint32_t at = 0;
    CHECK(snap != NULL && !inside && bases[base].bytes != NULL);
    snap->used = head()->used;
    snap->count = count_pieces(bases[base].bytes, all);
    snap->places = __real_malloc(snap->count * sizeof(uint32_t) + 1);
    snap->pieces = __real_malloc((size_t)snap->count * PIECE + 1);
    CHECK(snap->places != NULL && snap->pieces != NULL);
    for (uint32_t i = 0; i < all; i++) {
        const uint8_t *piece = region + (size_t)i * PIECE;
        if (memcmp(piece, bases[base].bytes + (size_t)i * PIECE, PIECE) == 0)
            continue;
        snap->places[at] = i;
        memcpy(snap->pieces + (size_t)at++ * PIECE, piece, PIECE);
    }
    return snap;
}

void region_load(uint32_t base, const struct snap *snap)
{
    CHECK(!inside);
    if (high > bases[base].used)
        memset(region + bases[base].used, 0, high - bases[base].used);
    memcpy(region, bases[base].bytes, bases[base].used);
    for (uint32_t i = 0; i < snap->count; i++)
        memcpy(region + (size_t)snap->places[i] * PIECE,
               snap->pieces + (size_t)i * PIECE, PIECE);
    high = snap->used > bases[base].used ? snap->used : bases[base].used;
    CHECK(head()->used == snap->used);
}

size_t snap_bytes(const struct snap *snap)
{
    return sizeof(*snap) + snap->count * (sizeof(uint32_t) + (size_t)PIECE);
}
