#include "node/blob/images.h"

#include "base/check.h"
#include "base/mp.h"
#include "node/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_KIND    1
#define RECORD_VERSION 1
#define RECORD_FIELDS  6
#define KEY_MAX        160
/* mp's view of a record: seven values. */
#define DECODE_ARENA (RECORD_BYTES_MAX + 4096u)

struct images {
    struct records *records;
    struct image *list; /* IMAGES_MAX, sorted by name */
    size_t count;
};

/* ---- names ---- */

enum err image_name_check(const char *name)
{
    static const char all[] = "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-";
    size_t len = strnlen(name, IMAGE_NAME_MAX);
    if (len == 0 || len >= IMAGE_NAME_MAX || strspn(name, all) != len)
        return ERR_RANGE;
    return strchr("._:-", name[0]) == NULL ? OK : ERR_RANGE;
}

void image_owner(const char *name, char out[IMAGE_OWNER_MAX])
{
    CHECK(image_name_check(name) == OK);
    snprintf(out, IMAGE_OWNER_MAX, "image:%s", name);
}

static void record_key(const char *name, char out[KEY_MAX])
{
    char hex[2 * IMAGE_NAME_MAX + 1];
    hex_encode(bytes_str(name), hex);
    snprintf(out, KEY_MAX, "images/%s", hex);
}

/* ---- the record ---- */

void image_encode(const struct image *image, struct bytes about,
                  struct buf *out)
{
    mp_put_message(out, RECORD_KIND, RECORD_VERSION, RECORD_FIELDS);
    mp_put_str(out, image->name);
    mp_put_hash(out, &image->id);
    mp_put_str(out, image->digest);
    mp_put_uint(out, image->bytes);
    mp_put_uint(out, image->imported_at_ms);
    mp_put_bin(out, about);
}

enum err image_decode(struct bytes record, struct arena *arena,
                      struct image *out, struct bytes *out_about)
{
    struct mp_reader reader;
    struct image image;
    struct bytes about;
    memset(&image, 0, sizeof(image));
    TRY(mp_open_message(&reader, record, arena, RECORD_KIND, RECORD_VERSION,
                        RECORD_FIELDS));
    mp_get_text(&reader, image.name, sizeof(image.name));
    mp_get_hash(&reader, &image.id);
    mp_get_text(&reader, image.digest, sizeof(image.digest));
    image.bytes = mp_get_uint(&reader);
    image.imported_at_ms = mp_get_uint(&reader);
    about = mp_get_bin(&reader, IMAGE_ABOUT_MAX);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    TRY(image_name_check(image.name));
    *out = image;
    *out_about = about;
    return OK;
}

/* ---- the list ---- */

/* Where a name is, or would stand. */
static size_t place_of(const struct images *images, const char *name)
{
    size_t low = 0;
    size_t high = images->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(images->list[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct images *images, size_t place, const char *name)
{
    return place < images->count && strcmp(images->list[place].name, name) == 0;
}

static void list_put(struct images *images, const struct image *image)
{
    size_t place = place_of(images, image->name);
    if (!is_at(images, place, image->name)) {
        CHECK(images->count < IMAGES_MAX);
        memmove(&images->list[place + 1], &images->list[place],
                (images->count - place) * sizeof(*images->list));
        images->count++;
    }
    images->list[place] = *image;
}

const struct image *image_find(const struct images *images, const char *name)
{
    size_t place = place_of(images, name);
    return is_at(images, place, name) ? &images->list[place] : NULL;
}

const struct image *image_at(const struct images *images, size_t i)
{
    return i < images->count ? &images->list[i] : NULL;
}

/* ---- durable ---- */

enum err images_put(struct images *images, const struct image *image,
                    struct bytes about)
{
    char key[KEY_MAX];
    struct buf record;
    enum err err;
    TRY(image_name_check(image->name));
    if (about.len > IMAGE_ABOUT_MAX ||
        (image_find(images, image->name) == NULL &&
         images->count == IMAGES_MAX))
        return ERR_TOO_LARGE;
    buf_init(&record, RECORD_BYTES_MAX);
    image_encode(image, about, &record);
    record_key(image->name, key);
    err = record.err;
    if (err == OK)
        err = records_put(images->records, key, buf_bytes(&record));
    buf_done(&record);
    if (err == OK)
        list_put(images, image);
    return err;
}

enum err image_about(const struct images *images, const char *name,
                     struct buf *out)
{
    char key[KEY_MAX];
    struct arena arena;
    struct buf record;
    struct image image;
    struct bytes about = {NULL, 0};
    enum err err;
    if (image_find(images, name) == NULL)
        return ERR_NOT_FOUND;
    record_key(name, key);
    arena_init(&arena, DECODE_ARENA);
    buf_init(&record, RECORD_BYTES_MAX);
    err = records_get(images->records, key, &record);
    if (err == OK)
        err = image_decode(buf_bytes(&record), &arena, &image, &about);
    if (err == OK) {
        buf_add(out, about);
        err = out->err;
    }
    buf_done(&record);
    arena_done(&arena);
    return err;
}

enum err images_remove(struct images *images, const char *name)
{
    char key[KEY_MAX];
    size_t place = place_of(images, name);
    if (!is_at(images, place, name))
        return ERR_NOT_FOUND;
    record_key(name, key);
    TRY(records_put(images->records, key, (struct bytes){NULL, 0}));
    images->count--;
    memmove(&images->list[place], &images->list[place + 1],
            (images->count - place) * sizeof(*images->list));
    return OK;
}

/* ---- loading ---- */

static enum err load(void *ctx, const char *key, struct bytes value)
{
    struct images *images = ctx;
    struct image image;
    struct bytes about;
    struct arena arena;
    enum err err;
    arena_init(&arena, DECODE_ARENA);
    err = image_decode(value, &arena, &image, &about);
    arena_done(&arena);
    if (err == OK && images->count == IMAGES_MAX)
        err = ERR_TOO_LARGE;
    if (err == OK)
        list_put(images, &image);
    else
        log_odd("images", "record %s cannot be read and is left alone: %s", key,
                err_text(err));
    return err == ERR_NOMEM ? err : OK;
}

enum err images_new(struct records *records, struct images **out)
{
    struct images *images = calloc(1, sizeof(*images));
    enum err err;
    if (images == NULL)
        return ERR_NOMEM;
    images->records = records;
    images->list = calloc(IMAGES_MAX, sizeof(*images->list));
    err = images->list == NULL ? ERR_NOMEM
                               : records_each(records, "images", load, images);
    if (err != OK) {
        images_free(images);
        return err;
    }
    *out = images;
    return OK;
}

void images_free(struct images *images)
{
    if (images == NULL)
        return;
    free(images->list);
    free(images);
}
