#include "cli/unit.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define KIB 1024u

__extension__ typedef unsigned __int128 wide;

/* Digits, then up to `places` decimals: value times 10^places. Moves *text past
 * what was read. */
static enum err read_decimal(const char **text, unsigned places,
                             uint64_t *out_scaled)
{
    const char *at = *text;
    uint64_t value = 0;
    unsigned left = places;
    bool point = false;
    if (*at < '0' || *at > '9')
        return ERR_PARSE;
    for (;; at++) {
        if (*at == '.' && !point && at[1] >= '0' && at[1] <= '9') {
            point = true;
            continue;
        }
        if (*at < '0' || *at > '9')
            break;
        if (point && left-- == 0)
            return ERR_PARSE;
        if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
            return ERR_OVERFLOW;
    }
    for (; left > 0; left--) {
        if (__builtin_mul_overflow(value, UINT64_C(10), &value))
            return ERR_OVERFLOW;
    }
    *text = at;
    *out_scaled = value;
    return OK;
}

/* "M", "MB", "MiB" -> how many times 1024; -1: no unit of size. */
static int size_power(const char *unit)
{
    static const char letters[] = "KMGT";
    const char *found;
    if (unit[0] == '\0')
        return -1;
    found = strchr(letters, unit[0] & ~0x20);
    if (found == NULL || *found == '\0')
        return -1;
    if (unit[1] != '\0' && strcasecmp(unit + 1, "B") != 0 &&
        strcasecmp(unit + 1, "iB") != 0)
        return -1;
    return (int)(found - letters) + 1;
}

enum err unit_parse_mib(const char *text, uint64_t *out_mib)
{
    uint64_t thousandths;
    int power;
    wide bytes;
    wide mib;
    CHECK(text != NULL && out_mib != NULL);
    TRY(read_decimal(&text, 3, &thousandths));
    power = size_power(text);
    if (power < 0)
        return ERR_PARSE;
    bytes = thousandths;
    for (int i = 0; i < power; i++)
        bytes *= KIB;
    mib = (bytes + 1000u * KIB * KIB - 1) / (1000u * KIB * KIB);
    if (mib > UINT64_MAX / KIB / KIB)
        return ERR_OVERFLOW;
    *out_mib = (uint64_t)mib;
    return OK;
}

enum err unit_parse_kbit(const char *text, uint64_t *out_kbit)
{
    static const char letters[] = "KMG";
    const char *found;
    uint64_t scaled; /* thousandths of the unit */
    CHECK(text != NULL && out_kbit != NULL);
    TRY(read_decimal(&text, 3, &scaled));
    found = text[0] == '\0' ? NULL : strchr(letters, text[0] & ~0x20);
    if (found == NULL || *found == '\0' ||
        (text[1] != '\0' && strcasecmp(text + 1, "bit/s") != 0))
        return ERR_PARSE;
    for (long i = found - letters; i > 0; i--) {
        if (__builtin_mul_overflow(scaled, UINT64_C(1000), &scaled))
            return ERR_OVERFLOW;
    }
    if (scaled == 0)
        return ERR_RANGE;
    *out_kbit = scaled / 1000 + (scaled % 1000 != 0);
    return OK;
}

/* Moves past one of the units of time; 0: none. */
static uint64_t take_time_unit(const char **text)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        size_t len = strlen(units[i].name);
        if (strncmp(*text, units[i].name, len) == 0 &&
            ((*text)[len] == '\0' ||
             ((*text)[len] >= '0' && (*text)[len] <= '9'))) {
            *text += len;
            return units[i].ms;
        }
    }
    return 0;
}

enum err unit_parse_ms(const char *text, uint64_t *out_ms)
{
    uint64_t total = 0;
    uint64_t smaller_than = UINT64_MAX;
    CHECK(text != NULL && out_ms != NULL);
    do {
        uint64_t thousandths;
        uint64_t unit;
        wide part;
        TRY(read_decimal(&text, 3, &thousandths));
        unit = take_time_unit(&text);
        if (unit == 0 || unit >= smaller_than)
            return ERR_PARSE;
        smaller_than = unit;
        part = (wide)thousandths * unit / 1000;
        if (part > UINT64_MAX / 4 ||
            __builtin_add_overflow(total, (uint64_t)part, &total))
            return ERR_OVERFLOW;
    } while (*text != '\0');
    if (total == 0)
        return ERR_RANGE;
    if (total > UINT64_MAX / 4)
        return ERR_OVERFLOW;
    *out_ms = total;
    return OK;
}

enum err unit_parse_milli(const char *text, uint32_t *out_milli)
{
    uint64_t milli;
    CHECK(text != NULL && out_milli != NULL);
    TRY(read_decimal(&text, 3, &milli));
    if (*text != '\0')
        return ERR_PARSE;
    if (milli == 0)
        return ERR_RANGE;
    if (milli > UINT32_MAX)
        return ERR_OVERFLOW;
    *out_milli = (uint32_t)milli;
    return OK;
}

enum err unit_parse_count(const char *text, uint64_t min, uint64_t max,
                          uint64_t *out)
{
    uint64_t value;
    CHECK(text != NULL && out != NULL);
    TRY(read_decimal(&text, 0, &value));
    if (*text != '\0')
        return ERR_PARSE;
    if (value < min || value > max)
        return ERR_RANGE;
    *out = value;
    return OK;
}

/* One decimal below ten, none above, in the largest of `units` that fits. */
static void format_scaled(uint64_t value, uint64_t base,
                          const char *const *units, size_t unit_count,
                          char out[UNIT_TEXT_MAX])
{
    size_t i = 0;
    uint64_t rest = 0;
    while (value >= base && i + 1 < unit_count) {
        rest = value % base;
        value /= base;
        i++;
    }
    if (i > 0 && value < 10)
        snprintf(out, UNIT_TEXT_MAX, "%u.%u%s", (unsigned)value,
                 (unsigned)(rest * 10 / base), units[i]);
    else
        snprintf(out, UNIT_TEXT_MAX, "%llu%s", (unsigned long long)value,
                 units[i]);
}

void unit_format_mib(uint64_t mib, char out[UNIT_TEXT_MAX])
{
    static const char *const units[] = {" MiB", " GiB", " TiB", " PiB", " EiB"};
    format_scaled(mib, KIB, units, 5, out);
}

void unit_format_bytes(uint64_t bytes, char out[UNIT_TEXT_MAX])
{
    static const char *const units[] = {" B",   " KiB", " MiB", " GiB",
                                        " TiB", " PiB", " EiB"};
    format_scaled(bytes, KIB, units, 7, out);
}

void unit_format_rate(uint64_t per_second, char out[UNIT_TEXT_MAX])
{
    static const char *const units[] = {"", "k", "M", "G", "T", "P", "E"};
    if (per_second == 0)
        snprintf(out, UNIT_TEXT_MAX, "-");
    else
        format_scaled(per_second, 1000, units, 7, out);
}

void unit_format_span(uint64_t ms, char out[UNIT_TEXT_MAX])
{
    unsigned long long s = ms / 1000;
    if (ms < 1000)
        snprintf(out, UNIT_TEXT_MAX, "%llums", (unsigned long long)ms);
    else if (s < 60)
        snprintf(out, UNIT_TEXT_MAX, "%llu.%llus", s,
                 (unsigned long long)(ms % 1000 / 100));
    else if (s < 3600)
        snprintf(out, UNIT_TEXT_MAX, "%llum%02llus", s / 60, s % 60);
    else if (s < 86400)
        snprintf(out, UNIT_TEXT_MAX, "%lluh%02llum", s / 3600, s / 60 % 60);
    else if (s < 86400ull * 10000)
        snprintf(out, UNIT_TEXT_MAX, "%llud%02lluh", s / 86400, s / 3600 % 24);
    else
        snprintf(out, UNIT_TEXT_MAX, ">9999d");
}

void unit_format_age(uint64_t ms, char out[UNIT_TEXT_MAX])
{
    unsigned long long s = ms / 1000;
    if (s < 60)
        snprintf(out, UNIT_TEXT_MAX, "%llus", s);
    else if (s < 3600)
        snprintf(out, UNIT_TEXT_MAX, "%llum", s / 60);
    else if (s < 2 * 86400)
        snprintf(out, UNIT_TEXT_MAX, "%lluh", s / 3600);
    else if (s < 86400ull * 10000)
        snprintf(out, UNIT_TEXT_MAX, "%llud", s / 86400);
    else
        snprintf(out, UNIT_TEXT_MAX, ">9999d");
}

void unit_format_milli(uint32_t milli, char out[UNIT_TEXT_MAX])
{
    int len =
        snprintf(out, UNIT_TEXT_MAX, "%u.%03u", milli / 1000, milli % 1000);
    while (len > 0 && out[len - 1] == '0')
        out[--len] = '\0';
    if (len > 0 && out[len - 1] == '.')
        out[len - 1] = '\0';
}

void unit_format_us(uint64_t us, char out[UNIT_TEXT_MAX])
{
    unsigned long long value = us;
    if (us == 0)
        snprintf(out, UNIT_TEXT_MAX, "-");
    else if (us < 10000)
        snprintf(out, UNIT_TEXT_MAX, "%llu.%02llu ms", value / 1000,
                 value % 1000 / 10);
    else if (us < 10000000)
        snprintf(out, UNIT_TEXT_MAX, "%llu ms", value / 1000);
    else
        snprintf(out, UNIT_TEXT_MAX, ">10 s");
}

void unit_format_time(uint64_t at_ms, char out[UNIT_TEXT_MAX])
{
    const uint64_t last_ms = UINT64_C(253402300799999);
    struct tm tm;
    time_t s;
    char day[24];
    if (at_ms > last_ms)
        at_ms = last_ms;
    s = (time_t)(at_ms / 1000);
    CHECK(gmtime_r(&s, &tm) != NULL);
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, UNIT_TEXT_MAX, "%s.%03uZ", day, (unsigned)(at_ms % 1000));
}
