#ifndef TESTS_UNIT_BASE_MP_ECHO_H
#define TESTS_UNIT_BASE_MP_ECHO_H

/* Reads any value of the dialect through the getters and writes it again
 * through the putters. As long as the copy agrees with the input, the copy's
 * length is the place of the next value's first byte, which tells its type. */

#include "base/mp.h"

static inline void mp_echo_value(struct mp_reader *reader, struct bytes in,
                                 struct buf *out)
{
    uint8_t first;
    if (out->len >= in.len) {
        mp_fail(reader, ERR_TRUNCATED);
        return;
    }
    first = in.ptr[out->len];
    if (first < 0x80 || (first >= 0xcc && first <= 0xcf)) {
        mp_put_uint(out, mp_get_uint(reader));
    } else if (first == 0xc2 || first == 0xc3) {
        mp_put_bool(out, mp_get_bool(reader));
    } else if (first >= 0xc4 && first <= 0xc6) {
        mp_put_bin(out, mp_get_bin(reader, SIZE_MAX));
    } else if ((first & 0xe0) == 0xa0 || (first >= 0xd9 && first <= 0xdb)) {
        /* mp_put_str wants a terminated text; a str may hold zeros, so its
         * head is written for as many x's and its bytes are put over them. */
        struct bytes text = mp_get_str(reader, SIZE_MAX);
        char *copy = malloc(text.len + 1);
        if (copy == NULL)
            abort();
        memset(copy, 'x', text.len);
        copy[text.len] = 0;
        mp_put_str(out, copy);
        free(copy);
        if (out->err == OK && text.len > 0)
            memcpy(out->ptr + out->len - text.len, text.ptr, text.len);
    } else {
        uint32_t count = mp_enter(reader);
        mp_put_array(out, count);
        for (uint32_t i = 0; i < count && reader->err == OK; i++)
            mp_echo_value(reader, in, out);
        mp_leave(reader);
    }
}

/* Whether `in`, which the gate let through, comes out as the same bytes. */
static inline bool mp_echoes(struct bytes in)
{
    struct arena arena;
    struct mp_reader reader;
    struct buf out;
    bool same = false;

    arena_init(&arena, 64 * in.len + 1024);
    buf_init(&out, in.len);
    if (mp_open(&reader, in, &arena) == OK) {
        mp_echo_value(&reader, in, &out);
        same = mp_close(&reader) == OK && out.err == OK &&
               bytes_equal(buf_bytes(&out), in);
    }
    buf_done(&out);
    arena_done(&arena);
    return same;
}

#endif
