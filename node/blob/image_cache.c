#include "node/blob/image_cache.h"

#include "base/check.h"
#include "node/blob/images.h"
#include "node/log.h"
#include "node/node.h"
#include "node/shell/trade_shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK_MS 10000u /* so often the executor is asked what it has */

struct image_cache {
    struct node *node;
    struct cached_image *list; /* IMAGE_CACHE_MAX */
    size_t count;
    uint64_t asked_ms; /* 0: never */
    bool asking;
};

/* ---- which ones go ---- */

/* The room that goes with it: none while another name keeps it. */
static uint64_t gain(const struct cached_image *list, size_t count,
                     const bool *gone, size_t which)
{
    for (size_t i = 0; i < count; i++) {
        if (i != which && !gone[i] &&
            strcmp(list[i].digest, list[which].digest) == 0)
            return 0;
    }
    return list[which].bytes;
}

static bool stays(const struct cached_image *image)
{
    return image->busy || image->pinned;
}

/* Bytes of what may go, each digest once. */
static uint64_t loose_bytes(const struct cached_image *list, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        bool counted = stays(&list[i]);
        for (size_t k = 0; k < count && !counted; k++)
            counted = k != i && (k < i || stays(&list[k])) &&
                      strcmp(list[k].digest, list[i].digest) == 0;
        if (!counted)
            sum += list[i].bytes;
    }
    return sum;
}

static size_t oldest(const struct cached_image *list, size_t count,
                     const bool *gone)
{
    size_t found = count;
    for (size_t i = 0; i < count; i++) {
        if (!gone[i] && !stays(&list[i]) &&
            (found == count || list[i].used_at_ms < list[found].used_at_ms))
            found = i;
    }
    return found;
}

size_t image_cache_excess(const struct cached_image *list, size_t count,
                          uint64_t bytes_max, size_t *out)
{
    bool gone[IMAGE_CACHE_MAX] = {false};
    uint64_t bytes = loose_bytes(list, count);
    size_t goes = 0;
    CHECK(count <= IMAGE_CACHE_MAX);
    while (bytes > bytes_max) {
        size_t which = oldest(list, count, gone);
        if (which == count)
            break;
        bytes -= gain(list, count, gone, which);
        gone[which] = true;
        out[goes++] = which;
    }
    return goes;
}

/* ---- what is there ---- */

static bool is_pinned(struct node *node, const struct hash *id)
{
    const struct image *image;
    for (size_t i = 0; (image = image_at(node->images, i)) != NULL; i++) {
        if (hash_equal(&image->id, id))
            return true;
    }
    return false;
}

/* Jobs begin and end while the list is a while old. */
static void freshen(struct image_cache *cache, struct cached_image *image,
                    bool runs)
{
    struct hash id;
    if (hash_parse(image->id, &id) != OK) {
        image->busy = image->pinned = true; /* none of ours */
        return;
    }
    image->busy = runs || shell_image_used(cache->node->shell, &id);
    image->pinned = is_pinned(cache->node, &id);
}

static void take(struct image_cache *cache, json_t *entry)
{
    struct cached_image *image = &cache->list[cache->count];
    const char *id = json_string_value(json_object_get(entry, "id"));
    const char *digest = json_string_value(json_object_get(entry, "digest"));
    json_int_t bytes = json_integer_value(json_object_get(entry, "size"));
    json_int_t used = json_integer_value(json_object_get(entry, "used_at_ms"));
    if (id == NULL || digest == NULL || strlen(id) >= IMAGE_CACHE_ID_MAX ||
        strlen(digest) >= IMAGE_CACHE_ID_MAX || bytes < 0 || used < 0 ||
        cache->count == IMAGE_CACHE_MAX)
        return;
    memset(image, 0, sizeof(*image));
    snprintf(image->id, sizeof(image->id), "%s", id);
    snprintf(image->digest, sizeof(image->digest), "%s", digest);
    image->bytes = (uint64_t)bytes;
    image->used_at_ms = (uint64_t)used;
    freshen(cache, image, json_is_true(json_object_get(entry, "busy")));
    cache->count++;
}

static void on_removed(void *ctx, json_t *result,
                       const struct executor_error *error)
{
    (void)ctx;
    (void)result;
    if (error != NULL && error->err != ERR_CLOSED)
        log_info("images", "an unpacked image stays: %s: %s", error->what,
                 error->why);
}

static void let_go(struct image_cache *cache, size_t which)
{
    struct cached_image image = cache->list[which];
    struct hash id;
    if (hash_parse(image.id, &id) == OK)
        shell_image_gone(cache->node->shell, &id);
    log_info("images", "unpacked image %.16s goes, %llu MiB", image.id,
             (unsigned long long)(image.bytes / 1048576));
    executor_call(cache->node->executor, "image.remove",
                  json_pack("{s:s}", "id", image.id), on_removed, NULL);
}

static void let_go_excess(struct image_cache *cache)
{
    size_t which[IMAGE_CACHE_MAX];
    size_t goes = image_cache_excess(cache->list, cache->count,
                                     node_disk_images_max(cache->node), which);
    for (size_t i = 0; i < goes; i++)
        let_go(cache, which[i]);
    if (goes > 0)
        cache->asked_ms = 0;
}

static void on_list(void *ctx, json_t *result,
                    const struct executor_error *error)
{
    struct node *node = ctx;
    struct image_cache *cache = node->image_cache;
    json_t *entry;
    size_t i;
    if (cache == NULL)
        return; /* the node stops */
    cache->asking = false;
    if (error != NULL || node->stopping)
        return;
    cache->count = 0;
    json_array_foreach(json_object_get(result, "images"), i, entry)
    {
        take(cache, entry);
    }
    let_go_excess(cache);
}

void image_cache_tick(struct image_cache *cache)
{
    struct node *node = cache->node;
    uint64_t now = uv_now(node->loop);
    if (node->executor == NULL || !executor_is_up(node->executor)) {
        cache->count = 0;
        return;
    }
    if (cache->asking ||
        (cache->asked_ms != 0 && now - cache->asked_ms < ASK_MS))
        return;
    cache->asking = true;
    cache->asked_ms = now;
    executor_call(node->executor, "image.list", json_object(), on_list, node);
}

const struct cached_image *image_cache_at(struct image_cache *cache, size_t i)
{
    if (i >= cache->count)
        return NULL;
    freshen(cache, &cache->list[i], false);
    return &cache->list[i];
}

#define ID_LEAST 8u

const struct cached_image *image_cache_find(struct image_cache *cache,
                                            const char *id)
{
    const struct cached_image *found = NULL;
    size_t len = strlen(id);
    if (len < ID_LEAST)
        return NULL;
    for (size_t i = 0; i < cache->count; i++) {
        if (strncmp(cache->list[i].id, id, len) != 0)
            continue;
        if (found != NULL)
            return NULL;
        found = image_cache_at(cache, i);
    }
    return found;
}

enum err image_cache_remove(struct image_cache *cache, const char *id)
{
    const struct cached_image *image = image_cache_find(cache, id);
    size_t which;
    if (image == NULL)
        return ERR_NOT_FOUND;
    if (image->busy)
        return ERR_BUSY;
    which = (size_t)(image - cache->list);
    let_go(cache, which);
    cache->count--;
    memmove(&cache->list[which], &cache->list[which + 1],
            (cache->count - which) * sizeof(*cache->list));
    cache->asked_ms = 0; /* should the executor see it otherwise */
    return OK;
}

enum err image_cache_new(struct node *node, struct image_cache **out)
{
    struct image_cache *cache = calloc(1, sizeof(*cache));
    if (cache == NULL)
        return ERR_NOMEM;
    cache->node = node;
    cache->list = calloc(IMAGE_CACHE_MAX, sizeof(*cache->list));
    if (cache->list == NULL) {
        free(cache);
        return ERR_NOMEM;
    }
    *out = cache;
    return OK;
}

void image_cache_free(struct image_cache *cache)
{
    if (cache == NULL)
        return;
    free(cache->list);
    free(cache);
}
