#ifndef BASE_MP_H
#define BASE_MP_H

/* Canonical msgpack: the one gate between foreign bytes and our structs. Only
 * base/mp.c calls msgpack-c.
 *
 * The dialect: uint, bool, bin, str (UTF-8 is not checked here), array; no map,
 * nil, float, negative int, ext. Every number and length in its shortest form,
 * depth <= MP_DEPTH_MAX, every array count <= bytes left. So one value has one
 * spelling: decode(encode(x)) == x and encode(decode(b)) == b. */

#include "base/arena.h"
#include "base/hash.h"
#include "base/sign.h"
#include "base/amount.h"

#define MP_DEPTH_MAX 8

/* OK when `bytes` is exactly one value of the dialect. Refuses, first met in
 * byte order: ERR_TRUNCATED, ERR_TYPE, ERR_NOT_CANONICAL, ERR_DEPTH,
 * ERR_TRAILING. Allocates nothing. */
MUST_USE enum err mp_gate(struct bytes bytes);

/* ---- writing: appends to a buf, whose sticky error is the result ---- */

void mp_put_array(struct buf *out, uint32_t count);
void mp_put_uint(struct buf *out, uint64_t value);
void mp_put_bool(struct buf *out, bool value);
void mp_put_bin(struct buf *out, struct bytes bytes);
void mp_put_str(struct buf *out, const char *text);            /* NULL is "" */
void mp_put_hash(struct buf *out, const struct hash *hash);    /* bin 32 */
void mp_put_pubkey(struct buf *out, const struct pubkey *key); /* bin 32 */
void mp_put_signature(struct buf *out, const struct signature *sig); /* 64 */
void mp_put_amount(struct buf *out, struct amount amount); /* uint micro */

/* ---- reading ----
 * mp_open gates the bytes and unpacks them into the arena (24 bytes a value);
 * then the getters walk the value in order, depth first. The first error sticks
 * and later getters return zero values; mp_close returns it, or ERR_TRAILING
 * when an array was not read to its end, or OK. Bytes and strings are lent from
 * the INPUT (valid as long as it is).
 *
 * Every getter refuses, first match wins: ERR_TRUNCATED when the array has no
 * further element, ERR_TYPE for a value of another type, then what its own
 * comment says. A getter with an out parameter zeroes it on error. */

struct mp_frame {
    const void *items; /* msgpack_object array */
    uint32_t count;
    uint32_t next;
};
struct mp_reader {
    struct mp_frame frames[MP_DEPTH_MAX + 2];
    unsigned depth;
    enum err err;
};

MUST_USE enum err mp_open(struct mp_reader *reader, struct bytes bytes,
                          struct arena *arena);
/* Enters an array and returns its length; ERR_TYPE. Leaves by mp_leave. */
uint32_t mp_enter(struct mp_reader *reader);
/* Enters an array that must have exactly `count` elements, else ERR_RANGE. */
void mp_enter_exact(struct mp_reader *reader, uint32_t count);
/* Leaves the array entered last: ERR_TRAILING if elements are unread. */
void mp_leave(struct mp_reader *reader);
uint64_t mp_get_uint(struct mp_reader *reader);
/* ERR_RANGE above max. */
uint64_t mp_get_uint_max(struct mp_reader *reader, uint64_t max);
bool mp_get_bool(struct mp_reader *reader);
/* ERR_TOO_LARGE above len_max. */
struct bytes mp_get_bin(struct mp_reader *reader, size_t len_max);
struct bytes mp_get_str(struct mp_reader *reader, size_t len_max);
/* Fixed sizes: ERR_RANGE for a bin of another length. */
void mp_get_hash(struct mp_reader *reader, struct hash *out);
void mp_get_pubkey(struct mp_reader *reader, struct pubkey *out);
void mp_get_signature(struct mp_reader *reader, struct signature *out);
struct amount mp_get_amount(struct mp_reader *reader);
/* Copies a str to a field of `size` bytes and fills up with zeros, so that
 * equal texts are equal bytes; ERR_TOO_LARGE when it does not fit with one
 * zero, ERR_RANGE when it holds a zero byte or a control character (also U+0080
 * to U+009f: what we print must not command a terminal). */
void mp_get_text(struct mp_reader *reader, char *out, size_t size);
/* Sets the reader's error if none is set: for a decoder's own checks. */
void mp_fail(struct mp_reader *reader, enum err err);
MUST_USE enum err mp_close(struct mp_reader *reader);

/* Every message is an array [kind, version, fields...]. Opens it, checks both
 * (ERR_KIND, ERR_VERSION) and the exact count of further fields (ERR_RANGE). */
MUST_USE enum err mp_open_message(struct mp_reader *reader, struct bytes bytes,
                                  struct arena *arena, uint64_t kind,
                                  uint64_t version, uint32_t field_count);
/* Writes the array head, kind and version of the same. */
void mp_put_message(struct buf *out, uint64_t kind, uint64_t version,
                    uint32_t field_count);

#endif
