#ifndef NODE_IMAGE_CACHE_H
#define NODE_IMAGE_CACHE_H

/* The unpacked images at a provider's executor: each was unpacked for a job and
 * stays for the next one, as far as node.images_max_mib goes; then the least
 * recently used go. None that a job runs in or is about to, and by itself none
 * that was imported here by name. Loop thread only. */

#include "base/bytes.h"

#include <jansson.h>
#include <stdbool.h>

#define IMAGE_CACHE_MAX    512u
#define IMAGE_CACHE_ID_MAX 80u

struct node;

struct cached_image {
    char id[IMAGE_CACHE_ID_MAX];     /* the executor's name: of its blob */
    char digest[IMAGE_CACHE_ID_MAX]; /* of its manifest: shared, it takes its
                                        room once */
    uint64_t bytes;                  /* unpacked */
    uint64_t used_at_ms;
    bool busy;   /* a job is in it, or will be */
    bool pinned; /* imported here by name */
};

/* Whether an image goes, so that the rest is within bytes_max: writes the
 * indices of those that go, the least recently used first, and returns how many
 * there are. What is busy or pinned stays, and is not counted. An image of
 * several names goes with the last of them. Pure. */
size_t image_cache_excess(const struct cached_image *list, size_t count,
                          uint64_t bytes_max, size_t *out);

struct image_cache;

/* ERR_NOMEM. */
MUST_USE enum err image_cache_new(struct node *node, struct image_cache **out);
/* Nothing is asked of the executor any more. NULL is fine. */
void image_cache_free(struct image_cache *cache);
/* Once a second: asks the executor now and then, and lets go what is too much.
 */
void image_cache_tick(struct image_cache *cache);
/* What the executor said last; NULL past the end. busy and pinned are of now.
 */
const struct cached_image *image_cache_at(struct image_cache *cache, size_t i);
/* By its whole id, or by a beginning of 8 digits or more that fits one alone.
 * NULL: none or several. */
const struct cached_image *image_cache_find(struct image_cache *cache,
                                            const char *id);
/* ERR_NOT_FOUND, ERR_BUSY; else it goes. */
MUST_USE enum err image_cache_remove(struct image_cache *cache, const char *id);

#endif
