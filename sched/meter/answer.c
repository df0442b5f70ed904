#include "sched/meter/answer.h"

#include "base/check.h"

#include <string.h>

#define MAGIC      "suan-answer 1\n\0"
#define MAGIC_LEN  16u
#define LINK_BYTES 1024u

_Static_assert(sizeof(MAGIC) == MAGIC_LEN, "with the literal's own zero");

__extension__ typedef unsigned __int128 wide;

size_t answer_result_bytes(enum meter_kernel kernel, uint32_t n)
{
    struct product product = {kernel, n, 0};
    if (kernel == METER_SHA256)
        return n >= 1 && n <= ANSWER_LINKS_MAX ? HASH_LEN : 0;
    return product_form(&product) == OK ? product_bytes(&product) : 0;
}

uint64_t answer_work(const struct answer_part *part)
{
    uint64_t n = part->n;
    return part->kernel == METER_SHA256 ? n * LINK_BYTES : 2 * n * n * n;
}

uint64_t answer_rate(const struct answer_part *part)
{
    wide rate;
    if (part->took_us == 0)
        return 0;
    rate = (wide)answer_work(part) * 1000000u / part->took_us;
    return rate > UINT64_MAX ? UINT64_MAX : (uint64_t)rate;
}

static void part_encode(const struct answer_part *part, struct buf *out)
{
    CHECK(part->result.len == answer_result_bytes(part->kernel, part->n) &&
          part->result.len > 0);
    buf_add_u8(out, (uint8_t)part->kernel);
    buf_add_u32le(out, part->n);
    buf_add_u32le(out, part->index);
    buf_add_u32le(out, part->cores);
    buf_add_u64le(out, part->took_us);
    buf_add_u64le(out, part->result.len);
    buf_add(out, part->result);
}

enum err answer_encode(const struct answer *answer, struct buf *out)
{
    CHECK(answer->count >= 1 && answer->count <= ANSWER_PARTS_MAX);
    buf_add(out, bytes_make(MAGIC, MAGIC_LEN));
    buf_add(out, hash_as_bytes(&answer->nonce));
    buf_add_u8(out, (uint8_t)answer->count);
    for (uint32_t i = 0; i < answer->count; i++)
        part_encode(&answer->parts[i], out);
    return out->err;
}

static enum err part_decode(struct cursor *cursor, struct answer_part *out)
{
    uint8_t kernel = cursor_u8(cursor);
    uint64_t len;
    out->n = cursor_u32le(cursor);
    out->index = cursor_u32le(cursor);
    out->cores = cursor_u32le(cursor);
    out->took_us = cursor_u64le(cursor);
    len = cursor_u64le(cursor);
    if (cursor->err != OK)
        return cursor->err;
    if (kernel >= METER_KERNEL_COUNT)
        return ERR_RANGE;
    out->kernel = (enum meter_kernel)kernel;
    if (len == 0 || len != answer_result_bytes(out->kernel, out->n))
        return ERR_RANGE;
    out->result = cursor_take(cursor, (size_t)len);
    return cursor->err;
}

enum err answer_decode(struct bytes bytes, struct answer *out)
{
    struct answer answer = {0};
    struct cursor cursor;
    struct bytes magic;
    if (bytes.len > ANSWER_BYTES_MAX)
        return ERR_TOO_LARGE;
    cursor_init(&cursor, bytes);
    magic = cursor_take(&cursor, MAGIC_LEN);
    if (!bytes_equal(magic, bytes_make(MAGIC, MAGIC_LEN)))
        return ERR_KIND;
    cursor_copy(&cursor, answer.nonce.b, sizeof(answer.nonce.b));
    answer.count = cursor_u8(&cursor);
    if (cursor.err != OK)
        return cursor.err;
    if (answer.count < 1 || answer.count > ANSWER_PARTS_MAX)
        return ERR_RANGE;
    for (uint32_t i = 0; i < answer.count; i++)
        TRY(part_decode(&cursor, &answer.parts[i]));
    TRY(cursor_finish(&cursor));
    *out = answer;
    return OK;
}
