/* The text of an identifier: letters of five bits, and a checksum. */

#include "base/bech32.h"
#include "base/check.h"
#include "sched/meter/identifier.h"

#include <string.h>

#define HEAD     IDENTIFIER_PREFIX "1"
#define HEAD_LEN (sizeof(HEAD) - 1)

_Static_assert(HEAD_LEN + (IDENTIFIER_BYTES_MAX * 8 + 4) / 5 +
                       BECH32_CHECKSUM_LEN + 1 <=
                   IDENTIFIER_TEXT_MAX,
               "the longest identifier fits");
_Static_assert(IDENTIFIER_TEXT_MAX < 1023, "and the code still holds");

enum err identifier_format(const struct identifier *id,
                           char out[IDENTIFIER_TEXT_MAX])
{
    struct buf bytes;
    uint32_t sum = bech32_begin(IDENTIFIER_PREFIX);
    size_t len = HEAD_LEN;
    enum err err;
    buf_init(&bytes, IDENTIFIER_BYTES_MAX);
    err = identifier_encode(id, &bytes);
    if (err != OK)
        goto out;
    memcpy(out, HEAD, HEAD_LEN);
    for (size_t bit = 0; bit < bytes.len * 8; bit += 5) {
        unsigned pair = (unsigned)bytes.ptr[bit / 8] << 8;
        uint8_t group;
        if (bit / 8 + 1 < bytes.len)
            pair |= bytes.ptr[bit / 8 + 1];
        group = (uint8_t)(pair >> (11 - bit % 8) & 31);
        sum = bech32_step(sum, group);
        out[len++] = bech32_letter(group);
    }
    bech32_end(sum, out + len);
    out[len + BECH32_CHECKSUM_LEN] = '\0';
out:
    buf_done(&bytes);
    return err;
}

/* Copies in lower case. ERR_PARSE when both cases are mixed. */
static enum err lower(const char *text, char out[IDENTIFIER_TEXT_MAX])
{
    bool has_upper = false;
    bool has_lower = false;
    size_t len = strnlen(text, IDENTIFIER_TEXT_MAX);
    if (len == IDENTIFIER_TEXT_MAX)
        return ERR_TOO_LARGE;
    for (size_t i = 0; i < len; i++) {
        bool upper = text[i] >= 'A' && text[i] <= 'Z';
        has_upper = has_upper || upper;
        has_lower = has_lower || (text[i] >= 'a' && text[i] <= 'z');
        out[i] = (char)(upper ? text[i] - 'A' + 'a' : text[i]);
    }
    out[len] = '\0';
    return has_upper && has_lower ? ERR_PARSE : OK;
}

/* `count` letters are data, six more the checksum. ERR_PARSE, ERR_CHECKSUM. */
static enum err letters(const char *text, size_t count,
                        uint8_t out[IDENTIFIER_BYTES_MAX + 1])
{
    uint32_t sum = bech32_begin(IDENTIFIER_PREFIX);
    for (size_t i = 0; i < count + BECH32_CHECKSUM_LEN; i++) {
        int group = bech32_group(text[i]);
        size_t bit = 5 * i;
        unsigned pair;
        if (group < 0)
            return ERR_PARSE;
        sum = bech32_step(sum, (uint8_t)group);
        if (i >= count)
            continue;
        pair = (unsigned)group << (11 - bit % 8);
        out[bit / 8] |= (uint8_t)(pair >> 8);
        out[bit / 8 + 1] |= (uint8_t)pair;
    }
    return sum == BECH32_RIGHT ? OK : ERR_CHECKSUM;
}

enum err identifier_parse(const char *text, struct arena *arena,
                          struct identifier *out)
{
    char copy[IDENTIFIER_TEXT_MAX] = {0};
    uint8_t bytes[IDENTIFIER_BYTES_MAX + 2] = {0};
    size_t count;
    size_t len;
    TRY(lower(text, copy));
    if (strncmp(copy, HEAD, HEAD_LEN) != 0 ||
        strlen(copy) <= HEAD_LEN + BECH32_CHECKSUM_LEN)
        return ERR_PARSE;
    count = strlen(copy) - HEAD_LEN - BECH32_CHECKSUM_LEN;
    len = count * 5 / 8;
    if (len > IDENTIFIER_BYTES_MAX)
        return ERR_TOO_LARGE;
    TRY(letters(copy + HEAD_LEN, count, bytes));
    if (count != (len * 8 + 4) / 5 || bytes[len] != 0)
        return ERR_NOT_CANONICAL; /* a letter too many, or bits behind */
    return identifier_decode(bytes_make(bytes, len), arena, out);
}
