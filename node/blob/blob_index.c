#include "node/blob/blob_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { FIRST_SLOTS = 256 };

/* Ids are hashes: their first bytes are as good as any. */
static size_t slot_of(const struct hash *id, size_t slot_count)
{
    return (size_t)u64le_get(id->b) & (slot_count - 1);
}

enum err blob_index_init(struct blob_index *index, uint64_t quota_bytes)
{
    memset(index, 0, sizeof *index);
    index->quota_bytes = quota_bytes;
    index->room_bytes = UINT64_MAX;
    index->chunk_slots = calloc(FIRST_SLOTS, sizeof(struct blob_chunk *));
    index->record_slots = calloc(FIRST_SLOTS, sizeof(struct blob_record *));
    if (index->chunk_slots == NULL || index->record_slots == NULL) {
        blob_index_done(index);
        return ERR_NOMEM;
    }
    index->chunk_slot_count = FIRST_SLOTS;
    index->record_slot_count = FIRST_SLOTS;
    return OK;
}

static void record_free(struct blob_record *record)
{
    for (uint32_t i = 0; i < record->owner_count; i++)
        free(record->owners[i]);
    free(record->owners);
    free(record->chunks);
    free(record);
}

void blob_index_done(struct blob_index *index)
{
    for (size_t i = 0; index->record_slots && i < index->record_slot_count;
         i++) {
        struct blob_record *next;

        for (struct blob_record *r = index->record_slots[i]; r; r = next) {
            next = r->next;
            record_free(r);
        }
    }
    for (size_t i = 0; index->chunk_slots && i < index->chunk_slot_count; i++) {
        struct blob_chunk *next;

        for (struct blob_chunk *c = index->chunk_slots[i]; c; c = next) {
            next = c->next;
            free(c);
        }
    }
    free(index->record_slots);
    free(index->chunk_slots);
    memset(index, 0, sizeof *index);
}

/* ---- growing: a failure only makes chains longer ---- */

static void grow_chunks(struct blob_index *index)
{
    size_t count = index->chunk_slot_count * 2;
    struct blob_chunk **slots = calloc(count, sizeof(struct blob_chunk *));

    if (slots == NULL)
        return;
    for (size_t i = 0; i < index->chunk_slot_count; i++) {
        struct blob_chunk *next;

        for (struct blob_chunk *c = index->chunk_slots[i]; c; c = next) {
            struct blob_chunk **slot = &slots[slot_of(&c->id, count)];

            next = c->next;
            c->next = *slot;
            *slot = c;
        }
    }
    free(index->chunk_slots);
    index->chunk_slots = slots;
    index->chunk_slot_count = count;
}

static void grow_records(struct blob_index *index)
{
    size_t count = index->record_slot_count * 2;
    struct blob_record **slots = calloc(count, sizeof(struct blob_record *));

    if (slots == NULL)
        return;
    for (size_t i = 0; i < index->record_slot_count; i++) {
        struct blob_record *next;

        for (struct blob_record *r = index->record_slots[i]; r; r = next) {
            struct blob_record **slot = &slots[slot_of(&r->id, count)];

            next = r->next;
            r->next = *slot;
            *slot = r;
        }
    }
    free(index->record_slots);
    index->record_slots = slots;
    index->record_slot_count = count;
}

/* ---- room ---- */

static enum err take_room(struct blob_index *index, uint64_t bytes)
{
    if (index->quota_bytes > 0 &&
        (bytes > index->quota_bytes ||
         index->used_bytes > index->quota_bytes - bytes))
        return ERR_FULL;
    index->used_bytes += bytes;
    return OK;
}

/* A chunk that is still to be written needs room on the disk, too. */
static enum err take_chunk_room(struct blob_index *index, uint64_t bytes)
{
    if (bytes > index->room_bytes ||
        index->coming_bytes > index->room_bytes - bytes)
        return ERR_FULL;
    TRY(take_room(index, bytes));
    index->coming_bytes += bytes;
    return OK;
}

static void give_room(struct blob_index *index, uint64_t bytes)
{
    CHECK(index->used_bytes >= bytes);
    index->used_bytes -= bytes;
}

/* ---- chunks ---- */

struct blob_chunk *blob_index_chunk(const struct blob_index *index,
                                    const struct hash *id, uint32_t len)
{
    struct blob_chunk *c;

    c = index->chunk_slots[slot_of(id, index->chunk_slot_count)];
    while (c != NULL && (c->len != len || !hash_equal(&c->id, id)))
        c = c->next;
    return c;
}

static enum err chunk_make(struct blob_index *index, const struct hash *id,
                           uint32_t len, struct blob_chunk **out)
{
    struct blob_chunk **slot;
    struct blob_chunk *c = calloc(1, sizeof *c);
    enum err err;

    if (c == NULL)
        return ERR_NOMEM;
    err = take_chunk_room(index, len);
    if (err != OK) {
        free(c);
        return err;
    }
    if (index->chunk_count >= index->chunk_slot_count)
        grow_chunks(index);
    c->id = *id;
    c->len = len;
    slot = &index->chunk_slots[slot_of(id, index->chunk_slot_count)];
    c->next = *slot;
    *slot = c;
    index->chunk_count++;
    *out = c;
    return OK;
}

/* What was written is missing in the room, until that is told anew. */
void blob_index_present(struct blob_index *index, struct blob_chunk *chunk,
                        bool present)
{
    if (chunk->present == present)
        return;
    chunk->present = present;
    if (!present) {
        index->coming_bytes += chunk->len;
        return;
    }
    CHECK(index->coming_bytes >= chunk->len);
    index->coming_bytes -= chunk->len;
    if (index->room_bytes != UINT64_MAX)
        index->room_bytes -=
            chunk->len < index->room_bytes ? chunk->len : index->room_bytes;
}

enum err blob_index_chunk_ref(struct blob_index *index, const struct hash *id,
                              uint32_t len, struct blob_chunk **out)
{
    struct blob_chunk *c = blob_index_chunk(index, id, len);

    if (c == NULL)
        TRY(chunk_make(index, id, len, &c));
    CHECK(c->refs < UINT32_MAX);
    c->refs++;
    *out = c;
    return OK;
}

void blob_index_chunk_unref(struct blob_index *index, struct blob_chunk *chunk,
                            bool *out_was_present)
{
    struct blob_chunk **at;

    CHECK(chunk->refs > 0);
    *out_was_present = false;
    if (--chunk->refs > 0)
        return;
    *out_was_present = chunk->present;
    at = &index->chunk_slots[slot_of(&chunk->id, index->chunk_slot_count)];
    while (*at != chunk)
        at = &(*at)->next;
    *at = chunk->next;
    index->chunk_count--;
    give_room(index, chunk->len);
    if (!chunk->present)
        index->coming_bytes -= chunk->len;
    free(chunk);
}

/* ---- blobs ---- */

struct blob_record *blob_index_find(const struct blob_index *index,
                                    const struct hash *id)
{
    struct blob_record *r;

    r = index->record_slots[slot_of(id, index->record_slot_count)];
    while (r != NULL && !hash_equal(&r->id, id))
        r = r->next;
    return r;
}

static void unref_chunks(struct blob_index *index, struct blob_record *record,
                         uint32_t count,
                         void (*gone)(void *, const struct blob_chunk *),
                         void *ctx)
{
    for (uint32_t i = 0; i < count; i++) {
        struct blob_chunk copy = *record->chunks[i];
        bool was_present;

        blob_index_chunk_unref(index, record->chunks[i], &was_present);
        if (was_present && gone != NULL)
            gone(ctx, &copy);
    }
}

static enum err ref_chunks(struct blob_index *index, struct blob_record *record,
                           const struct blob_manifest *manifest)
{
    for (uint32_t i = 0; i < manifest->chunk_count; i++) {
        uint32_t len = blob_chunk_len(manifest->bytes, i);
        enum err err = blob_index_chunk_ref(index, &manifest->chunks[i], len,
                                            &record->chunks[i]);

        if (err != OK) {
            /* What was there before is still referenced by its owner. */
            unref_chunks(index, record, i, NULL, NULL);
            return err;
        }
    }
    return OK;
}

static enum err record_fill(struct blob_index *index,
                            struct blob_record *record,
                            const struct blob_manifest *manifest)
{
    enum err err;

    if (manifest->chunk_count > 0) {
        record->chunks =
            calloc(manifest->chunk_count, sizeof(struct blob_chunk *));
        if (record->chunks == NULL)
            return ERR_NOMEM;
    }
    TRY(take_room(index, record->manifest_len));
    err = ref_chunks(index, record, manifest);
    if (err != OK)
        give_room(index, record->manifest_len);
    return err;
}

/* Does what is not on its way yet fit into the room for what others bring? A
 * chunk that the manifest names twice counts twice. */
static enum err check_coming(const struct blob_index *index,
                             const struct blob_manifest *manifest)
{
    uint64_t room = index->room_bytes == UINT64_MAX ? UINT64_MAX
                    : index->room_bytes > index->spare_bytes
                        ? index->room_bytes - index->spare_bytes
                        : 0;
    uint64_t coming = index->coming_bytes;
    bool any = false;
    for (uint32_t i = 0; i < manifest->chunk_count; i++) {
        uint32_t len = blob_chunk_len(manifest->bytes, i);
        if (blob_index_chunk(index, &manifest->chunks[i], len) != NULL)
            continue;
        any = true;
        coming += len;
    }
    return any && coming > room ? ERR_FULL : OK;
}

enum err blob_index_add(struct blob_index *index, const struct hash *id,
                        const struct blob_manifest *manifest,
                        uint32_t manifest_len, struct blob_record **out)
{
    struct blob_record *record, **slot;
    enum err err;

    if (blob_index_find(index, id) != NULL)
        return ERR_EXISTS;
    if (index->record_count >= BLOB_RECORDS_MAX)
        return ERR_FULL;
    TRY(check_coming(index, manifest));
    record = calloc(1, sizeof *record);
    if (record == NULL)
        return ERR_NOMEM;
    record->id = *id;
    record->bytes = manifest->bytes;
    record->chunk_count = manifest->chunk_count;
    record->manifest_len = manifest_len;
    err = record_fill(index, record, manifest);
    if (err != OK) {
        record_free(record);
        return err;
    }
    if (index->record_count >= index->record_slot_count)
        grow_records(index);
    slot = &index->record_slots[slot_of(id, index->record_slot_count)];
    record->next = *slot;
    *slot = record;
    index->record_count++;
    *out = record;
    return OK;
}

void blob_index_remove(struct blob_index *index, struct blob_record *record,
                       void (*gone)(void *ctx, const struct blob_chunk *chunk),
                       void *ctx)
{
    struct blob_record **at;

    at = &index->record_slots[slot_of(&record->id, index->record_slot_count)];
    while (*at != record)
        at = &(*at)->next;
    *at = record->next;
    index->record_count--;
    unref_chunks(index, record, record->chunk_count, gone, ctx);
    give_room(index, record->manifest_len);
    record_free(record);
}

struct blob_record *blob_index_unowned(const struct blob_index *index,
                                       size_t *cursor)
{
    for (; *cursor < index->record_slot_count; (*cursor)++)
        for (struct blob_record *r = index->record_slots[*cursor]; r;
             r = r->next)
            if (r->owner_count == 0 && r->holds == 0)
                return r;
    return NULL;
}

void blob_index_each(const struct blob_index *index,
                     void (*each)(void *ctx, struct blob_record *record),
                     void *ctx)
{
    for (size_t i = 0; i < index->record_slot_count; i++)
        for (struct blob_record *r = index->record_slots[i]; r; r = r->next)
            each(ctx, r);
}

uint32_t blob_record_present(const struct blob_record *record)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < record->chunk_count; i++)
        count += record->chunks[i]->present;
    return count;
}

/* ---- owners ---- */

enum err blob_owner_check(const char *owner)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-";
    size_t len = strlen(owner);

    if (len == 0 || len >= BLOB_OWNER_MAX || owner[0] == '.')
        return ERR_RANGE;
    return strspn(owner, allowed) == len ? OK : ERR_RANGE;
}

/* Index of the owner, or of the place where it would be. */
static uint32_t owner_place(const struct blob_record *record, const char *owner,
                            bool *out_found)
{
    uint32_t low = 0, high = record->owner_count;

    *out_found = false;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int order = strcmp(record->owners[mid], owner);

        if (order == 0) {
            *out_found = true;
            return mid;
        }
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool blob_record_has_owner(const struct blob_record *record, const char *owner)
{
    bool found;

    (void)owner_place(record, owner, &found);
    return found;
}

enum err blob_record_own(struct blob_record *record, const char *owner)
{
    bool found;
    uint32_t place = owner_place(record, owner, &found);
    char **owners, *copy;

    if (found)
        return OK;
    if (record->owner_count >= BLOB_OWNERS_MAX)
        return ERR_TOO_LARGE;
    owners =
        realloc(record->owners, (record->owner_count + 1) * sizeof(char *));
    if (owners == NULL)
        return ERR_NOMEM;
    record->owners = owners;
    copy = strdup(owner);
    if (copy == NULL)
        return ERR_NOMEM;
    memmove(owners + place + 1, owners + place,
            (record->owner_count - place) * sizeof(char *));
    owners[place] = copy;
    record->owner_count++;
    return OK;
}

bool blob_record_disown(struct blob_record *record, const char *owner)
{
    bool found;
    uint32_t place = owner_place(record, owner, &found);

    if (!found)
        return false;
    free(record->owners[place]);
    record->owner_count--;
    memmove(record->owners + place, record->owners + place + 1,
            (record->owner_count - place) * sizeof(char *));
    return true;
}
