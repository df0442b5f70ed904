/* Segments as bytes: what is in them, and what they prove. */

#include "ledger/disk/wal_room.h"

#include "base/check.h"
#include "base/short_hash.h"

#include <string.h>

#define MAGIC      "SUANWAL1"
#define CHECK_LEN  8u
#define HEAD_CHECK (WAL_HEAD_BYTES - CHECK_LEN)

_Static_assert(WAL_KEY_BYTES == SHORT_HASH_KEY_LEN, "SipHash's");

uint64_t wal_records_max(uint32_t segment_bytes)
{
    return segment_bytes / WAL_RECORD_HEAD;
}

/* ---- heads ---- */

void wal_head_put(const struct wal_owner *owner,
                  const uint8_t key[WAL_KEY_BYTES], uint8_t out[WAL_HEAD_BYTES])
{
    memcpy(out, MAGIC, 8);
    memcpy(out + 8, owner->key.b, 32);
    memcpy(out + 40, owner->chain.b, 32);
    memcpy(out + 72, key, WAL_KEY_BYTES);
    u64le_put(out + HEAD_CHECK, short_hash(key, bytes_make(out, HEAD_CHECK)));
}

enum err wal_head_get(struct bytes bytes, const struct wal_owner *owner,
                      uint8_t out_key[WAL_KEY_BYTES])
{
    const uint8_t *in = bytes.ptr;
    if (bytes.len < WAL_HEAD_BYTES || memcmp(in, MAGIC, 8) != 0 ||
        u64le_get(in + HEAD_CHECK) !=
            short_hash(in + 72, bytes_make(in, HEAD_CHECK)))
        return ERR_CORRUPT;
    if (memcmp(in + 8, owner->key.b, 32) != 0 ||
        memcmp(in + 40, owner->chain.b, 32) != 0)
        return ERR_CHAIN;
    memcpy(out_key, in + 72, WAL_KEY_BYTES);
    return OK;
}

/* ---- records ---- */

void wal_record_put(const uint8_t key[WAL_KEY_BYTES], uint64_t seq,
                    uint64_t synced, uint8_t type, struct bytes body,
                    uint8_t *out)
{
    CHECK(type > 0 && body.len <= WAL_BYTES_MAX);
    CHECK(synced < seq);
    u64le_put(out + 8, short_hash(key, body));
    u64le_put(out + 16, seq);
    u64le_put(out + 24, synced);
    u32le_put(out + 32, (uint32_t)body.len);
    out[36] = type;
    if (body.len > 0)
        memcpy(out + WAL_RECORD_HEAD, body.ptr, body.len);
    u64le_put(out, short_hash(key, bytes_make(out + CHECK_LEN,
                                              WAL_RECORD_HEAD - CHECK_LEN)));
}

/* Cheap first: this is asked at every offset of torn bytes. */
static bool is_plausible(const struct wal_image *image, size_t at,
                         const uint8_t *head)
{
    uint64_t seq = u64le_get(head + 16);
    uint32_t len = u32le_get(head + 32);
    return head[36] > 0 && len <= WAL_BYTES_MAX &&
           len <= image->bytes.len - at - WAL_RECORD_HEAD &&
           seq >= image->first &&
           seq - image->first < wal_records_max(WAL_SEGMENT_BYTES) &&
           u64le_get(head + 24) < seq;
}

bool wal_record_at(const struct wal_image *image, size_t at,
                   struct wal_record *out)
{
    const uint8_t *head;
    CHECK(image->has_key && at <= image->bytes.len);
    if (image->bytes.len - at < WAL_RECORD_HEAD)
        return false;
    head = image->bytes.ptr + at;
    if (!is_plausible(image, at, head) ||
        u64le_get(head) !=
            short_hash(image->key, bytes_make(head + CHECK_LEN,
                                              WAL_RECORD_HEAD - CHECK_LEN)))
        return false;
    out->seq = u64le_get(head + 16);
    out->synced = u64le_get(head + 24);
    out->type = head[36];
    out->body = bytes_make(head + WAL_RECORD_HEAD, u32le_get(head + 32));
    out->good = short_hash(image->key, out->body) == u64le_get(head + 8);
    return true;
}

size_t wal_record_end(const struct wal_image *image,
                      const struct wal_record *record)
{
    return (size_t)(record->body.ptr + record->body.len - image->bytes.ptr);
}

/* ---- a segment ---- */

static uint64_t higher(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static size_t count_dirt(struct bytes bytes, size_t from)
{
    size_t end = bytes.len;
    while (end > from && bytes.ptr[end - 1] == 0)
        end--;
    return end - from;
}

/* The records from the first on, without a gap. */
static void survey_good(const struct wal_image *image, struct wal_survey *out)
{
    struct wal_record record;
    while (wal_record_at(image, out->end, &record) && record.good &&
           record.seq == out->last + 1) {
        out->last = record.seq;
        out->proven = higher(out->proven, record.synced);
        out->end = wal_record_end(image, &record);
    }
    out->highest = out->last;
}

/* What the bytes behind them prove. */
static void survey_dirt(const struct wal_image *image, struct wal_survey *out)
{
    struct wal_record record;
    size_t stop = out->end + out->dirt;
    for (size_t at = out->end; at < stop;) {
        if (!wal_record_at(image, at, &record)) {
            at++;
            continue;
        }
        out->proven = higher(out->proven, record.synced);
        out->highest = higher(out->highest, record.seq);
        at = record.good ? wal_record_end(image, &record) : at + 1;
    }
}

void wal_survey(const struct wal_image *image, struct wal_survey *out)
{
    CHECK(image->first > 0);
    *out = (struct wal_survey){.last = image->first - 1,
                               .highest = image->first - 1,
                               .end = WAL_HEAD_BYTES};
    if (!image->has_key)
        return;
    survey_good(image, out);
    out->dirt = count_dirt(image->bytes, out->end);
    survey_dirt(image, out);
}

size_t wal_unproven(const struct wal_image *image,
                    const struct wal_survey *survey)
{
    struct wal_record record;
    size_t at = WAL_HEAD_BYTES;
    while (at < survey->end && wal_record_at(image, at, &record) &&
           record.seq <= survey->proven)
        at = wal_record_end(image, &record);
    return at;
}
