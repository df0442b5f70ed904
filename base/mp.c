#include "base/mp.h"

#include <string.h>

#include <msgpack.h>

#include "base/check.h"

/* The values of a transaction; malloc hands it out at once. msgpack-c's own
 * first chunk is 8 KiB. */
#define ZONE_FIRST 768

/* ---- the gate: one pass, no allocation, no recursion ---- */

/* One value's head: its type, and its value, length or count. */
struct head {
    enum { HEAD_UINT, HEAD_BOOL, HEAD_BYTES, HEAD_ARRAY } kind;
    uint64_t value;
};

/* Reads `width` bytes, big-endian, that must exceed `shorter_max`: the largest
 * number that a shorter form could have spelled. */
static enum err number_scan(struct cursor *cursor, unsigned width,
                            uint64_t shorter_max, uint64_t *out)
{
    struct bytes raw = cursor_take(cursor, width);
    uint64_t value = 0;
    if (raw.len != width)
        return ERR_TRUNCATED;
    for (unsigned i = 0; i < width; i++)
        value = value << 8 | raw.ptr[i];
    if (value <= shorter_max)
        return ERR_NOT_CANONICAL;
    *out = value;
    return OK;
}

/* The forms whose first byte carries no part of the value (0xc0..0xdf). */
static enum err wide_head_scan(struct cursor *cursor, uint8_t first,
                               struct head *out)
{
    static const struct form {
        uint8_t first;
        uint8_t width;
        uint8_t kind;
        uint32_t shorter_max;
    } forms[] = {
        {0xc5, 2, HEAD_BYTES, 0xff},   {0xc6, 4, HEAD_BYTES, 0xffff},
        {0xcc, 1, HEAD_UINT, 0x7f},    {0xcd, 2, HEAD_UINT, 0xff},
        {0xce, 4, HEAD_UINT, 0xffff},  {0xcf, 8, HEAD_UINT, UINT32_MAX},
        {0xd9, 1, HEAD_BYTES, 31},     {0xda, 2, HEAD_BYTES, 0xff},
        {0xdb, 4, HEAD_BYTES, 0xffff}, {0xdc, 2, HEAD_ARRAY, 15},
        {0xdd, 4, HEAD_ARRAY, 0xffff},
    };
    if (first == 0xc2 || first == 0xc3) {
        *out = (struct head){HEAD_BOOL, first & 1u};
        return OK;
    }
    if (first == 0xc4) { /* bin has no shorter form than this */
        out->kind = HEAD_BYTES;
        out->value = cursor_u8(cursor);
        return cursor->err;
    }
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (forms[i].first != first)
            continue;
        out->kind = forms[i].kind;
        return number_scan(cursor, forms[i].width, forms[i].shorter_max,
                           &out->value);
    }
    return ERR_TYPE;
}

static enum err head_scan(struct cursor *cursor, struct head *out)
{
    uint8_t first = cursor_u8(cursor);
    if (cursor->err != OK)
        return cursor->err;
    if (first < 0x80)
        *out = (struct head){HEAD_UINT, first};
    else if (first < 0x90)
        return ERR_TYPE; /* fixmap */
    else if (first < 0xa0)
        *out = (struct head){HEAD_ARRAY, first & 15u};
    else if (first < 0xc0)
        *out = (struct head){HEAD_BYTES, first & 31u};
    else if (first < 0xe0)
        return wide_head_scan(cursor, first, out);
    else
        return ERR_TYPE; /* negative fixint */
    return OK;
}

/* The arrays that are open at one place of the scan. */
struct scan {
    struct cursor cursor;
    uint32_t left[MP_DEPTH_MAX + 1]; /* values to come; [0] is the whole */
    unsigned depth;
};

static enum err array_open(struct scan *scan, uint64_t count)
{
    if (scan->depth == MP_DEPTH_MAX)
        return ERR_DEPTH;
    if (count > scan->cursor.rest.len)
        return ERR_TRUNCATED; /* each element takes a byte at least */
    CHECK(count <= UINT32_MAX);
    scan->left[++scan->depth] = (uint32_t)count;
    return OK;
}

static enum err value_scan(struct scan *scan)
{
    struct head head;
    scan->left[scan->depth]--;
    TRY(head_scan(&scan->cursor, &head));
    switch (head.kind) {
    case HEAD_UINT:
    case HEAD_BOOL:
        return OK;
    case HEAD_BYTES:
        (void)cursor_take(&scan->cursor, head.value);
        return scan->cursor.err;
    case HEAD_ARRAY:
        return array_open(scan, head.value);
    }
    return ERR_TYPE;
}

/* mp_gate, which also counts the values met. */
static enum err gate(struct bytes bytes, size_t *out_count)
{
    struct scan scan = {.left = {1}};
    size_t count = 0;

    cursor_init(&scan.cursor, bytes);
    for (;;) {
        while (scan.depth > 0 && scan.left[scan.depth] == 0)
            scan.depth--;
        if (scan.left[scan.depth] == 0)
            break;
        TRY(value_scan(&scan));
        count++;
    }
    CHECK(count <= bytes.len);
    TRY(cursor_finish(&scan.cursor));
    *out_count = count;
    return OK;
}

enum err mp_gate(struct bytes bytes)
{
    size_t count;
    return gate(bytes, &count);
}

/* ---- writing ---- */

static int packer_write(void *ctx, const char *data, size_t len)
{
    struct buf *out = ctx;
    buf_add(out, bytes_make(data, len));
    return out->err == OK ? 0 : -1;
}

/* The packer's results are not looked at: the buf remembers its error. */
static msgpack_packer packer_for(struct buf *out)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, out, packer_write);
    return packer;
}

/* msgpack lengths have 32 bits. */
static bool length_fits(struct buf *out, size_t len)
{
    if (len > UINT32_MAX && out->err == OK)
        out->err = ERR_TOO_LARGE;
    return out->err == OK;
}

void mp_put_array(struct buf *out, uint32_t count)
{
    msgpack_packer packer = packer_for(out);
    msgpack_pack_array(&packer, count);
}

void mp_put_uint(struct buf *out, uint64_t value)
{
    msgpack_packer packer = packer_for(out);
    msgpack_pack_uint64(&packer, value);
}

void mp_put_bool(struct buf *out, bool value)
{
    msgpack_packer packer = packer_for(out);
    if (value)
        msgpack_pack_true(&packer);
    else
        msgpack_pack_false(&packer);
}

void mp_put_bin(struct buf *out, struct bytes bytes)
{
    msgpack_packer packer = packer_for(out);
    if (!length_fits(out, bytes.len))
        return;
    msgpack_pack_bin(&packer, bytes.len);
    buf_add(out, bytes);
}

void mp_put_str(struct buf *out, const char *text)
{
    struct bytes bytes = bytes_str(text);
    msgpack_packer packer = packer_for(out);
    if (!length_fits(out, bytes.len))
        return;
    msgpack_pack_str(&packer, bytes.len);
    buf_add(out, bytes);
}

void mp_put_hash(struct buf *out, const struct hash *hash)
{
    mp_put_bin(out, BYTES_OF(hash->b));
}

void mp_put_pubkey(struct buf *out, const struct pubkey *key)
{
    mp_put_bin(out, BYTES_OF(key->b));
}

void mp_put_signature(struct buf *out, const struct signature *sig)
{
    mp_put_bin(out, BYTES_OF(sig->b));
}

void mp_put_amount(struct buf *out, struct amount amount)
{
    mp_put_uint(out, amount.micro);
}

/* ---- opening ---- */

/* Copies `count` objects and, from *pool on, all that they contain. Recursion
 * is as deep as the gate let through. */
static void objects_copy(msgpack_object *out, const msgpack_object *items,
                         uint32_t count, msgpack_object **pool, unsigned depth)
{
    CHECK(depth <= MP_DEPTH_MAX);
    for (uint32_t i = 0; i < count; i++) {
        const msgpack_object *item = &items[i];
        out[i] = *item;
        if (item->type != MSGPACK_OBJECT_ARRAY)
            continue;
        out[i].via.array.ptr = *pool;
        *pool += item->via.array.size;
        objects_copy(out[i].via.array.ptr, item->via.array.ptr,
                     item->via.array.size, pool, depth + 1);
    }
}

/* Unpacks what passed the gate; `pool` has room for exactly its values. The
 * zone begins small, since most messages are, and grows. */
static enum err unpack(struct bytes bytes, msgpack_object *pool, size_t count)
{
    msgpack_zone zone;
    msgpack_object object;
    msgpack_unpack_return got;
    msgpack_object *next = pool + 1;
    size_t offset = 0;
    enum err err = OK;

    if (!msgpack_zone_init(&zone, ZONE_FIRST))
        return ERR_NOMEM;
    got = msgpack_unpack((const char *)bytes.ptr, bytes.len, &offset, &zone,
                         &object);
    if (got == MSGPACK_UNPACK_NOMEM_ERROR)
        err = ERR_NOMEM;
    else if (got != MSGPACK_UNPACK_SUCCESS || offset != bytes.len)
        err = ERR_TYPE; /* the fuzzer holds that this never happens */
    else
        objects_copy(pool, &object, 1, &next, 0);
    CHECK(err != OK || next == pool + count);
    msgpack_zone_destroy(&zone);
    return err;
}

enum err mp_open(struct mp_reader *reader, struct bytes bytes,
                 struct arena *arena)
{
    msgpack_object *pool;
    size_t count = 0;

    *reader = (struct mp_reader){.err = gate(bytes, &count)};
    if (reader->err != OK)
        return reader->err;
    /* Room first: the arena's bound is asked before msgpack-c allocates. */
    pool = arena_calloc(arena, count, sizeof(*pool));
    reader->err = pool != NULL ? unpack(bytes, pool, count) : ERR_NOMEM;
    if (reader->err == OK)
        reader->frames[0] = (struct mp_frame){.items = pool, .count = 1};
    return reader->err;
}

/* ---- reading ---- */

void mp_fail(struct mp_reader *reader, enum err err)
{
    CHECK(err != OK);
    if (reader->err == OK)
        reader->err = err;
}

/* The next value if it has the type, else NULL and the error is set. */
static const msgpack_object *take(struct mp_reader *reader,
                                  msgpack_object_type type)
{
    struct mp_frame *frame = &reader->frames[reader->depth];
    const msgpack_object *items = frame->items;

    if (reader->err != OK)
        return NULL;
    CHECK(frame->next <= frame->count);
    if (frame->next == frame->count) {
        mp_fail(reader, ERR_TRUNCATED);
        return NULL;
    }
    if (items[frame->next].type != type) {
        mp_fail(reader, ERR_TYPE);
        return NULL;
    }
    return &items[frame->next++];
}

uint32_t mp_enter(struct mp_reader *reader)
{
    const msgpack_object *object = take(reader, MSGPACK_OBJECT_ARRAY);
    if (object == NULL)
        return 0;
    CHECK(reader->depth < MP_DEPTH_MAX);
    reader->frames[++reader->depth] = (struct mp_frame){
        .items = object->via.array.ptr, .count = object->via.array.size};
    return object->via.array.size;
}

void mp_enter_exact(struct mp_reader *reader, uint32_t count)
{
    if (mp_enter(reader) != count)
        mp_fail(reader, ERR_RANGE);
}

void mp_leave(struct mp_reader *reader)
{
    const struct mp_frame *frame = &reader->frames[reader->depth];
    if (reader->err != OK)
        return;
    CHECK(reader->depth > 0);
    if (frame->next < frame->count)
        mp_fail(reader, ERR_TRAILING);
    else
        reader->depth--;
}

uint64_t mp_get_uint(struct mp_reader *reader)
{
    const msgpack_object *object =
        take(reader, MSGPACK_OBJECT_POSITIVE_INTEGER);
    return object != NULL ? object->via.u64 : 0;
}

uint64_t mp_get_uint_max(struct mp_reader *reader, uint64_t max)
{
    uint64_t value = mp_get_uint(reader);
    if (value <= max)
        return value;
    mp_fail(reader, ERR_RANGE);
    return 0;
}

bool mp_get_bool(struct mp_reader *reader)
{
    const msgpack_object *object = take(reader, MSGPACK_OBJECT_BOOLEAN);
    return object != NULL && object->via.boolean;
}

static struct bytes limited(struct mp_reader *reader, struct bytes bytes,
                            size_t len_max)
{
    if (bytes.len <= len_max)
        return bytes;
    mp_fail(reader, ERR_TOO_LARGE);
    return (struct bytes){NULL, 0};
}

struct bytes mp_get_bin(struct mp_reader *reader, size_t len_max)
{
    const msgpack_object *object = take(reader, MSGPACK_OBJECT_BIN);
    if (object == NULL)
        return (struct bytes){NULL, 0};
    return limited(
        reader, bytes_make(object->via.bin.ptr, object->via.bin.size), len_max);
}

struct bytes mp_get_str(struct mp_reader *reader, size_t len_max)
{
    const msgpack_object *object = take(reader, MSGPACK_OBJECT_STR);
    if (object == NULL)
        return (struct bytes){NULL, 0};
    return limited(
        reader, bytes_make(object->via.str.ptr, object->via.str.size), len_max);
}

/* A bin of exactly `len` bytes, copied; zeros and ERR_RANGE otherwise. */
static void fixed_get(struct mp_reader *reader, uint8_t *out, size_t len)
{
    struct bytes bytes = mp_get_bin(reader, SIZE_MAX);
    memset(out, 0, len);
    if (reader->err != OK)
        return;
    if (bytes.len == len)
        memcpy(out, bytes.ptr, len);
    else
        mp_fail(reader, ERR_RANGE);
}

void mp_get_hash(struct mp_reader *reader, struct hash *out)
{
    fixed_get(reader, out->b, sizeof(out->b));
}

void mp_get_pubkey(struct mp_reader *reader, struct pubkey *out)
{
    fixed_get(reader, out->b, sizeof(out->b));
}

void mp_get_signature(struct mp_reader *reader, struct signature *out)
{
    fixed_get(reader, out->b, sizeof(out->b));
}

struct amount mp_get_amount(struct mp_reader *reader)
{
    return amount_micro(mp_get_uint(reader));
}

/* Whether a terminal could take part of it for a command: the control
 * characters below space, delete, and U+0080..U+009f in UTF-8. */
static bool has_control(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c < 0x20 || c == 0x7f)
            return true;
        if (c == 0xc2 && i + 1 < text.len && text.ptr[i + 1] >= 0x80 &&
            text.ptr[i + 1] < 0xa0)
            return true;
    }
    return false;
}

void mp_get_text(struct mp_reader *reader, char *out, size_t size)
{
    struct bytes text;
    CHECK(size > 0);
    text = mp_get_str(reader, size - 1);
    memset(out, 0, size);
    if (text.len == 0)
        return;
    if (has_control(text))
        mp_fail(reader, ERR_RANGE);
    else
        memcpy(out, text.ptr, text.len);
}

enum err mp_close(struct mp_reader *reader)
{
    const struct mp_frame *frame = &reader->frames[reader->depth];
    if (reader->err == OK && (reader->depth > 0 || frame->next < frame->count))
        mp_fail(reader, ERR_TRAILING);
    return reader->err;
}

/* ---- messages ---- */

enum err mp_open_message(struct mp_reader *reader, struct bytes bytes,
                         struct arena *arena, uint64_t kind, uint64_t version,
                         uint32_t field_count)
{
    uint32_t count;
    CHECK(field_count <= UINT32_MAX - 2);
    TRY(mp_open(reader, bytes, arena));
    count = mp_enter(reader);
    if (mp_get_uint(reader) != kind)
        mp_fail(reader, ERR_KIND);
    if (mp_get_uint(reader) != version)
        mp_fail(reader, ERR_VERSION);
    if (count != field_count + 2)
        mp_fail(reader, ERR_RANGE);
    return reader->err;
}

void mp_put_message(struct buf *out, uint64_t kind, uint64_t version,
                    uint32_t field_count)
{
    CHECK(field_count <= UINT32_MAX - 2);
    mp_put_array(out, field_count + 2);
    mp_put_uint(out, kind);
    mp_put_uint(out, version);
}
