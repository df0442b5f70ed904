#include "cli/share.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

#define DIGITS    18u
#define WHOLE     UINT64_C(1000000000000000000) /* 10^DIGITS */
#define YEAR_MS   31557600000.0
#define DECIMALS  5
#define MOST      13 /* decimals of a percentage near 100 that a double has */
#define INNER_MAX 3u /* digits before the point */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

enum err share_parse(const char *text, double *out_down)
{
    size_t before = strspn(text, "0123456789");
    const char *after = text + before + (text[before] == '.');
    size_t decimals = strspn(after, "0123456789");
    bool point = text[before] == '.';
    const char *end = after + decimals;
    bool percent = *end == '%' || (*end == ' ' && end[1] == '%');
    uint64_t units = 0;
    double down;
    size_t scale = DIGITS - (percent ? 2 : 0); /* decimals of a unit */
    if (before == 0 || (point && decimals == 0) || decimals > scale)
        return ERR_PARSE;
    if (strcmp(end, "") != 0 && strcmp(end, "%") != 0 && strcmp(end, " %") != 0)
        return ERR_PARSE;
    if (before > INNER_MAX)
        return ERR_RANGE;
    for (const char *at = text; at < end; at++) {
        if (is_digit(*at) && units > WHOLE)
            return ERR_RANGE;
        if (is_digit(*at))
            units = units * 10 + (uint64_t)(*at - '0');
    }
    for (size_t i = decimals; i < scale; i++) {
        if (units > WHOLE)
            return ERR_RANGE;
        units *= 10;
    }
    if (units == 0 || units > WHOLE)
        return ERR_RANGE;
    down = (double)(WHOLE - units) / (double)WHOLE;
    if (down >= 1) /* so little above 0 that a double cannot tell */
        return ERR_RANGE;
    *out_down = down;
    return OK;
}

void share_format(double down, char out[SHARE_TEXT_MAX])
{
    double missing = down * 100;
    int decimals = DECIMALS;
    CHECK(down >= 0 && down <= 1);
    if (down == 0) {
        snprintf(out, SHARE_TEXT_MAX, "100 %%");
        return;
    }
    if (missing < 1)
        decimals = 2 - (int)floor(log10(missing));
    if (decimals < DECIMALS)
        decimals = DECIMALS;
    if (decimals > MOST)
        snprintf(out, SHARE_TEXT_MAX, "100 %% - %.3g %%", missing);
    else
        snprintf(out, SHARE_TEXT_MAX, "%.*f %%", decimals, 100 - missing);
}

void share_format_short(double down, char out[SHARE_TEXT_MAX])
{
    size_t len;
    share_format(down, out);
    len = strcspn(out, " ");
    if (memchr(out, '.', len) == NULL)
        return;
    while (out[len - 1] == '0')
        len--;
    if (out[len - 1] == '.')
        len--;
    snprintf(out + len, SHARE_TEXT_MAX - len, " %%");
}

void share_format_year(double down, char out[UNIT_TEXT_MAX])
{
    double ms = down * YEAR_MS;
    CHECK(down >= 0 && down <= 1);
    if (down == 0)
        snprintf(out, UNIT_TEXT_MAX, "none");
    else if (ms < 1)
        snprintf(out, UNIT_TEXT_MAX, "under 1ms");
    else
        unit_format_span((uint64_t)ms, out);
}
