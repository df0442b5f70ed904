#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* Everything handed out is a multiple of this, so the next is aligned too. */
#define ARENA_ALIGN alignof(max_align_t)

#define ARENA_CHUNK_MIN 1024u
#define ARENA_CHUNK_MAX (64u * 1024) /* larger ones only for one request */

struct arena_chunk {
    struct arena_chunk *next; /* older */
    size_t used;
    size_t cap;
    alignas(max_align_t) uint8_t data[];
};

static size_t round_up(size_t len)
{
    return (len + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

void arena_init(struct arena *arena, size_t cap_max)
{
    CHECK(cap_max <= SIZE_MAX / 2);
    *arena = (struct arena){.cap_max = round_up(cap_max)};
}

static void chunks_free(struct arena_chunk *chunk)
{
    while (chunk != NULL) {
        struct arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void arena_done(struct arena *arena)
{
    chunks_free(arena->chunks);
    *arena = (struct arena){0};
}

/* Whether a chunk is worth keeping over a reset. Under AddressSanitizer none
 * is, so that a pointer kept over a reset is reported. */
static bool chunk_is_kept(const struct arena_chunk *chunk)
{
#ifdef __SANITIZE_ADDRESS__
    (void)chunk;
    return false;
#else
    return chunk != NULL && chunk->cap <= ARENA_CHUNK_MAX;
#endif
}

void arena_reset(struct arena *arena)
{
    struct arena_chunk *newest = arena->chunks;
    if (chunk_is_kept(newest)) {
        chunks_free(newest->next);
        newest->next = NULL;
        newest->used = 0;
    } else {
        chunks_free(newest);
        arena->chunks = NULL;
    }
    arena->used = 0;
}

/* The capacity of the next chunk: doubling, and `need` at least. */
static size_t chunk_cap_next(const struct arena_chunk *newest, size_t need)
{
    size_t cap = newest != NULL ? newest->cap * 2 : ARENA_CHUNK_MIN;
    if (cap > ARENA_CHUNK_MAX)
        cap = ARENA_CHUNK_MAX;
    return cap > need ? cap : need;
}

/* The newest chunk with room for `need` bytes, made if there is none. */
static struct arena_chunk *chunk_with_room(struct arena *arena, size_t need)
{
    struct arena_chunk *chunk = arena->chunks;
    size_t cap;

    if (chunk != NULL && need <= chunk->cap - chunk->used)
        return chunk;
    cap = chunk_cap_next(chunk, need);
    chunk = malloc(sizeof(*chunk) + cap);
    if (chunk == NULL)
        return NULL;
    chunk->next = arena->chunks;
    chunk->used = 0;
    chunk->cap = cap;
    arena->chunks = chunk;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t len)
{
    struct arena_chunk *chunk;
    size_t need;
    void *ptr;

    CHECK(arena->used <= arena->cap_max);
    if (len > arena->cap_max - arena->used)
        return NULL;
    /* Even nothing takes a place of its own, so that it counts. */
    need = round_up(len > 0 ? len : 1);
    if (need > arena->cap_max - arena->used)
        return NULL;
    chunk = chunk_with_room(arena, need);
    if (chunk == NULL)
        return NULL;
    ptr = chunk->data + chunk->used;
    memset(ptr, 0, len);
    chunk->used += need;
    arena->used += need;
    return ptr;
}

void *arena_calloc(struct arena *arena, size_t count, size_t size)
{
    size_t len;
    if (__builtin_mul_overflow(count, size, &len))
        return NULL;
    return arena_alloc(arena, len);
}

enum err arena_copy(struct arena *arena, struct bytes bytes, struct bytes *out)
{
    void *ptr = arena_alloc(arena, bytes.len);
    if (ptr == NULL)
        return ERR_NOMEM;
    if (bytes.len > 0)
        memcpy(ptr, bytes.ptr, bytes.len);
    *out = bytes_make(ptr, bytes.len);
    return OK;
}

char *arena_strdup(struct arena *arena, struct bytes text)
{
    char *copy;
    if (text.len == SIZE_MAX)
        return NULL;
    copy = arena_alloc(arena, text.len + 1);
    if (copy != NULL && text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return copy;
}
