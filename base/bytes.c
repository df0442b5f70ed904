#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* ---- ranges ---- */

struct bytes bytes_make(const void *ptr, size_t len)
{
    CHECK(ptr != NULL || len == 0);
    return (struct bytes){ptr, len};
}

struct bytes bytes_str(const char *text)
{
    if (text == NULL)
        return (struct bytes){NULL, 0};
    return bytes_make(text, strlen(text));
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && bytes_compare(a, b) == 0;
}

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    /* memcmp must not see NULL, even for no bytes. */
    int order = common > 0 ? memcmp(a.ptr, b.ptr, common) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

/* ---- growing buffers ---- */

#define BUF_FIRST_CAP 64

void buf_init(struct buf *buf, size_t cap_max)
{
    CHECK(cap_max < SIZE_MAX);
    *buf = (struct buf){.cap_max = cap_max};
}

void buf_done(struct buf *buf)
{
    free(buf->ptr);
    *buf = (struct buf){0};
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->err = OK;
}

/* The next capacity that holds `need`: doubling, up to cap_max. */
static size_t buf_next_cap(const struct buf *buf, size_t need)
{
    size_t cap = buf->cap > 0 ? buf->cap : BUF_FIRST_CAP;
    while (cap < need && cap <= buf->cap_max / 2)
        cap *= 2;
    if (cap < need || cap > buf->cap_max)
        cap = buf->cap_max;
    return cap;
}

/* Makes room for `more` bytes and, always, for a zero after them. */
static bool buf_reserve(struct buf *buf, size_t more)
{
    size_t cap;
    uint8_t *ptr;

    if (buf->err != OK)
        return false;
    CHECK(buf->len <= buf->cap_max);
    if (more > buf->cap_max - buf->len) {
        buf->err = ERR_TOO_LARGE;
        return false;
    }
    if (buf->ptr != NULL && more <= buf->cap - buf->len)
        return true;
    cap = buf_next_cap(buf, buf->len + more);
    ptr = realloc(buf->ptr, cap + 1);
    if (ptr == NULL) {
        buf->err = ERR_NOMEM;
        return false;
    }
    buf->ptr = ptr;
    buf->cap = cap;
    return true;
}

void buf_add(struct buf *buf, struct bytes bytes)
{
    if (bytes.len == 0 || !buf_reserve(buf, bytes.len))
        return;
    memcpy(buf->ptr + buf->len, bytes.ptr, bytes.len);
    buf->len += bytes.len;
}

void buf_add_u8(struct buf *buf, uint8_t value)
{
    buf_add(buf, bytes_make(&value, 1));
}

void buf_add_u16le(struct buf *buf, uint16_t value)
{
    uint8_t raw[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
    buf_add(buf, BYTES_OF(raw));
}

void buf_add_u32le(struct buf *buf, uint32_t value)
{
    uint8_t raw[4];
    u32le_put(raw, value);
    buf_add(buf, BYTES_OF(raw));
}

void buf_add_u64le(struct buf *buf, uint64_t value)
{
    uint8_t raw[8];
    u64le_put(raw, value);
    buf_add(buf, BYTES_OF(raw));
}

void buf_addf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_list again;
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0) {
        if (buf->err == OK)
            buf->err = ERR_TOO_LARGE; /* more than INT_MAX characters */
    } else if (buf_reserve(buf, (size_t)len)) {
        /* The zero that vsnprintf writes falls on the spare byte. */
        vsnprintf((char *)buf->ptr + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

struct bytes buf_bytes(const struct buf *buf)
{
    return (struct bytes){buf->ptr, buf->len};
}

const char *buf_cstr(struct buf *buf)
{
    if (buf->err != OK || buf->len == 0)
        return "";
    CHECK(buf->len <= buf->cap);
    buf->ptr[buf->len] = 0;
    return (const char *)buf->ptr;
}

/* ---- fixed layouts ---- */

void cursor_init(struct cursor *cursor, struct bytes bytes)
{
    *cursor = (struct cursor){.rest = bytes};
}

struct bytes cursor_take(struct cursor *cursor, size_t len)
{
    struct bytes taken = {NULL, 0};
    if (cursor->err == OK && len > cursor->rest.len)
        cursor->err = ERR_TRUNCATED;
    if (cursor->err != OK || len == 0)
        return taken;
    taken = (struct bytes){cursor->rest.ptr, len};
    cursor->rest.ptr += len;
    cursor->rest.len -= len;
    return taken;
}

void cursor_copy(struct cursor *cursor, void *out, size_t len)
{
    struct bytes taken = cursor_take(cursor, len);
    if (len == 0)
        return;
    if (taken.len == len)
        memcpy(out, taken.ptr, len);
    else
        memset(out, 0, len);
}

uint8_t cursor_u8(struct cursor *cursor)
{
    uint8_t raw[1];
    cursor_copy(cursor, raw, sizeof(raw));
    return raw[0];
}

uint16_t cursor_u16le(struct cursor *cursor)
{
    uint8_t raw[2];
    cursor_copy(cursor, raw, sizeof(raw));
    return (uint16_t)(raw[0] | (unsigned)raw[1] << 8);
}

uint32_t cursor_u32le(struct cursor *cursor)
{
    uint8_t raw[4];
    cursor_copy(cursor, raw, sizeof(raw));
    return u32le_get(raw);
}

uint64_t cursor_u64le(struct cursor *cursor)
{
    uint8_t raw[8];
    cursor_copy(cursor, raw, sizeof(raw));
    return u64le_get(raw);
}

enum err cursor_finish(const struct cursor *cursor)
{
    if (cursor->err != OK)
        return cursor->err;
    return cursor->rest.len == 0 ? OK : ERR_TRAILING;
}

/* ---- integers ---- */

void u32le_put(uint8_t *out, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

void u64le_put(uint8_t *out, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

void u32be_put(uint8_t *out, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (24 - 8 * i));
}

void u64be_put(uint8_t *out, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (56 - 8 * i));
}

uint32_t u32le_get(const uint8_t *in)
{
    uint32_t value = 0;
    for (unsigned i = 4; i-- > 0;)
        value = value << 8 | in[i];
    return value;
}

uint64_t u64le_get(const uint8_t *in)
{
    uint64_t value = 0;
    for (unsigned i = 8; i-- > 0;)
        value = value << 8 | in[i];
    return value;
}

uint32_t u32be_get(const uint8_t *in)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++)
        value = value << 8 | in[i];
    return value;
}

uint64_t u64be_get(const uint8_t *in)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value = value << 8 | in[i];
    return value;
}

/* ---- hex ---- */

void hex_encode(struct bytes bytes, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.len; i++) {
        out[2 * i] = digits[bytes.ptr[i] >> 4];
        out[2 * i + 1] = digits[bytes.ptr[i] & 15];
    }
    out[2 * bytes.len] = 0;
}

/* The value of a digit, or 16. */
static unsigned hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return 16;
}

enum err hex_decode(const char *text, uint8_t *out, size_t len)
{
    CHECK(text != NULL);
    if (len > SIZE_MAX / 2 || strlen(text) != 2 * len)
        return ERR_PARSE;
    for (size_t i = 0; i < 2 * len; i++) {
        if (hex_digit(text[i]) == 16)
            return ERR_PARSE;
    }
    for (size_t i = 0; i < len; i++)
        out[i] =
            (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
    return OK;
}
