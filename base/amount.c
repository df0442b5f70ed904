#include "base/amount.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

/* The product of two u64 needs it; gcc and clang have it on 64-bit machines. */
__extension__ typedef unsigned __int128 wide;

#define AMOUNT_DECIMALS 6

enum err amount_add(struct amount a, struct amount b, struct amount *out)
{
    uint64_t sum;
    if (__builtin_add_overflow(a.micro, b.micro, &sum))
        return ERR_OVERFLOW;
    out->micro = sum;
    return OK;
}

enum err amount_sub(struct amount a, struct amount b, struct amount *out)
{
    if (a.micro < b.micro)
        return ERR_UNDERFLOW;
    out->micro = a.micro - b.micro;
    return OK;
}

enum err amount_mul(struct amount a, uint64_t n, struct amount *out)
{
    uint64_t product;
    if (__builtin_mul_overflow(a.micro, n, &product))
        return ERR_OVERFLOW;
    out->micro = product;
    return OK;
}

enum err amount_scale_up(struct amount a, uint64_t num, uint64_t den,
                         struct amount *out)
{
    wide scaled;
    CHECK(den > 0);
    /* (2^64-1)^2 + 2^64-2 < 2^128: the sum cannot wrap. */
    scaled = ((wide)a.micro * num + (den - 1)) / den;
    if (scaled > UINT64_MAX)
        return ERR_OVERFLOW;
    out->micro = (uint64_t)scaled;
    return OK;
}

int amount_cmp(struct amount a, struct amount b)
{
    return (a.micro > b.micro) - (a.micro < b.micro);
}

struct amount amount_min(struct amount a, struct amount b)
{
    return a.micro < b.micro ? a : b;
}

void amount_format(struct amount a, char out[AMOUNT_TEXT_MAX])
{
    int len = snprintf(out, AMOUNT_TEXT_MAX, "%" PRIu64 ".%06" PRIu64,
                       a.micro / AMOUNT_MICRO_PER_CREDIT,
                       a.micro % AMOUNT_MICRO_PER_CREDIT);
    CHECK(len > AMOUNT_DECIMALS && len < AMOUNT_TEXT_MAX);
    for (int cut = 0; cut < AMOUNT_DECIMALS - 2 && out[len - 1] == '0'; cut++)
        out[--len] = 0;
}

/* Appends a run of digits to *value; *too_large sticks. Returns their count. */
static size_t digits_read(const char *text, uint64_t *value, bool *too_large)
{
    size_t count = 0;
    for (; text[count] >= '0' && text[count] <= '9'; count++) {
        uint64_t digit = (uint64_t)(text[count] - '0');
        if (__builtin_mul_overflow(*value, 10u, value) ||
            __builtin_add_overflow(*value, digit, value))
            *too_large = true;
    }
    return count;
}

enum err amount_parse(const char *text, struct amount *out)
{
    uint64_t micro = 0;
    bool too_large = false;
    size_t decimals = 0;
    size_t count;

    CHECK(text != NULL);
    count = digits_read(text, &micro, &too_large);
    if (count == 0)
        return ERR_PARSE;
    text += count;
    if (*text == '.') {
        decimals = digits_read(++text, &micro, &too_large);
        if (decimals == 0 || decimals > AMOUNT_DECIMALS)
            return ERR_PARSE;
        text += decimals;
    }
    if (*text != 0)
        return ERR_PARSE;
    for (; decimals < AMOUNT_DECIMALS; decimals++) {
        if (__builtin_mul_overflow(micro, 10u, &micro))
            too_large = true;
    }
    if (too_large)
        return ERR_OVERFLOW;
    out->micro = micro;
    return OK;
}
