/* links: base */

/* The input as text: refused, or it prints and reads as the same amount. The
 * input as three numbers: sums, differences, products and scales agree with
 * arithmetic in 128 bits. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/amount.h"
#include "base/bytes.h"
#include "base/check.h"

__extension__ typedef unsigned __int128 wide;

static void format_round(struct amount amount)
{
    char text[AMOUNT_TEXT_MAX];
    struct amount back;
    amount_format(amount, text);
    CHECK(memchr(text, 0, sizeof(text)) != NULL);
    CHECK(amount_parse(text, &back) == OK && amount_cmp(amount, back) == 0);
}

static void text_round(const uint8_t *data, size_t len)
{
    char *text = malloc(len + 1);
    struct amount amount;

    CHECK(text != NULL);
    memcpy(text, data, len);
    text[len] = 0;
    if (amount_parse(text, &amount) == OK)
        format_round(amount);
    free(text);
}

/* A call's result against the exact one. */
static void agree(enum err err, struct amount got, wide want)
{
    CHECK((err == OK) == (want <= UINT64_MAX));
    CHECK(err == OK ? got.micro == want : err == ERR_OVERFLOW);
}

static void arithmetic(uint64_t a, uint64_t b, uint64_t c)
{
    struct amount got = {0};
    struct amount x = amount_micro(a);
    struct amount y = amount_micro(b);
    enum err err;

    format_round(x);
    err = amount_add(x, y, &got);
    agree(err, got, (wide)a + b);
    err = amount_mul(x, b, &got);
    agree(err, got, (wide)a * b);
    err = amount_sub(x, y, &got);
    CHECK(err == (a < b ? ERR_UNDERFLOW : OK));
    CHECK(err != OK || got.micro == a - b);
    if (c == 0)
        return;
    err = amount_scale_up(x, b, c, &got);
    /* The smallest r with r * c >= a * b, found the other way round. */
    agree(err, got, (wide)a * b / c + ((wide)a * b % c != 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    text_round(data, len);
    if (len >= 24)
        arithmetic(u64le_get(data), u64le_get(data + 8), u64le_get(data + 16));
    return 0;
}
