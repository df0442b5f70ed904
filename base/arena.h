#ifndef BASE_ARENA_H
#define BASE_ARENA_H

/* Scratch memory for one message or one block, freed all at once. Bounded:
 * asking for more than `cap_max` in total is ERR_NOMEM, not a bigger process.
 * Every request counts rounded up to the strictest alignment (16 bytes). */

#include "base/bytes.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    size_t used;                /* bytes handed out since the last reset */
    size_t cap_max;
};

void arena_init(struct arena *arena, size_t cap_max);
void arena_done(struct arena *arena);  /* frees; safe on a zeroed struct */
void arena_reset(struct arena *arena); /* everything handed out is gone */

/* Zeroed memory aligned for any type, lent until reset or done; NULL when the
 * bound or the machine says no. len 0 gives a valid non-NULL pointer. */
MUST_USE void *arena_alloc(struct arena *arena, size_t len);
/* count * size with overflow checked. */
MUST_USE void *arena_calloc(struct arena *arena, size_t count, size_t size);
/* A copy of the bytes in the arena; ERR_NOMEM. */
MUST_USE enum err arena_copy(struct arena *arena, struct bytes bytes,
                             struct bytes *out);
/* A zero-terminated copy; NULL like arena_alloc. */
MUST_USE char *arena_strdup(struct arena *arena, struct bytes text);

#endif
