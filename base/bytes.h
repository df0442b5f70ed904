#ifndef BASE_BYTES_H
#define BASE_BYTES_H

/* Byte ranges, growing buffers, little-endian integers, hex. */

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A lent range: whoever hands it over says how long it stays valid. */
struct bytes {
    const uint8_t *ptr;
    size_t len;
};

/* A text literal as bytes, without its terminating zero. */
#define BYTES_LIT(s) ((struct bytes){(const uint8_t *)(s), sizeof(s) - 1})
/* A fixed array as bytes. */
#define BYTES_OF(a) ((struct bytes){(const uint8_t *)(a), sizeof(a)})

struct bytes bytes_make(const void *ptr, size_t len);
/* A C string as bytes, without the zero; NULL is empty. */
struct bytes bytes_str(const char *text);
bool bytes_equal(struct bytes a, struct bytes b);
/* memcmp order, shorter first on a common prefix: <0, 0, >0. */
int bytes_compare(struct bytes a, struct bytes b);

/* A buffer that grows up to `cap_max` bytes and never beyond. Errors stick:
 * after the first failed append `err` stays set and later appends do nothing,
 * so a run of appends is checked once. */
struct buf {
    uint8_t *ptr; /* NULL until the first append */
    size_t len;
    size_t cap;
    size_t cap_max;
    enum err err; /* OK, ERR_NOMEM, ERR_TOO_LARGE */
};

void buf_init(struct buf *buf, size_t cap_max);
void buf_done(struct buf *buf);  /* frees; safe on a zeroed struct */
void buf_clear(struct buf *buf); /* keeps the memory, resets len and err */
void buf_add(struct buf *buf, struct bytes bytes);
void buf_add_u8(struct buf *buf, uint8_t value);
void buf_add_u16le(struct buf *buf, uint16_t value);
void buf_add_u32le(struct buf *buf, uint32_t value);
void buf_add_u64le(struct buf *buf, uint64_t value);
/* Appends printf output, without a terminating zero. */
__attribute__((format(printf, 2, 3))) void buf_addf(struct buf *buf,
                                                    const char *format, ...);
/* The content, lent until the next append or clear. */
struct bytes buf_bytes(const struct buf *buf);
/* The content as a C string (a zero is kept past len), lent likewise.
 * Returns "" when the buffer failed or is empty. */
const char *buf_cstr(struct buf *buf);

/* Reads fixed layouts. Errors stick as in buf; reads past the end yield zero
 * and set ERR_TRUNCATED. */
struct cursor {
    struct bytes rest;
    enum err err;
};

void cursor_init(struct cursor *cursor, struct bytes bytes);
uint8_t cursor_u8(struct cursor *cursor);
uint16_t cursor_u16le(struct cursor *cursor);
uint32_t cursor_u32le(struct cursor *cursor);
uint64_t cursor_u64le(struct cursor *cursor);
/* Copies `len` bytes to `out`; zeroes `out` on error. */
void cursor_copy(struct cursor *cursor, void *out, size_t len);
/* Lends the next `len` bytes of the input. */
struct bytes cursor_take(struct cursor *cursor, size_t len);
/* The first error, or ERR_TRAILING when input is left, or OK. */
MUST_USE enum err cursor_finish(const struct cursor *cursor);

void u32le_put(uint8_t *out, uint32_t value);
void u64le_put(uint8_t *out, uint64_t value);
void u32be_put(uint8_t *out, uint32_t value);
void u64be_put(uint8_t *out, uint64_t value);
uint32_t u32le_get(const uint8_t *in);
uint64_t u64le_get(const uint8_t *in);
uint32_t u32be_get(const uint8_t *in);
uint64_t u64be_get(const uint8_t *in);

/* Writes 2*len lower-case digits and a zero; out holds 2*len+1. */
void hex_encode(struct bytes bytes, char *out);
/* Exactly `len` bytes from 2*len digits of either case; ERR_PARSE otherwise,
 * then `out` is untouched. */
MUST_USE enum err hex_decode(const char *text, uint8_t *out, size_t len);

#endif
