#include "sched/meter/tier.h"

#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct scan {
    const char *at;
    unsigned row; /* from 1, for the message */
    char *error;
};

__attribute__((format(printf, 2, 3))) static enum err refuse(
    const struct scan *scan, const char *format, ...)
{
    va_list args;
    int len = snprintf(scan->error, TIER_ERR_MAX, "grade %u: ", scan->row);
    va_start(args, format);
    vsnprintf(scan->error + len, TIER_ERR_MAX - (size_t)len, format, args);
    va_end(args);
    return ERR_PARSE;
}

static void skip_blanks(struct scan *scan)
{
    while (*scan->at == ' ' || *scan->at == '\t')
        scan->at++;
}

/* A word of [a-z0-9-], up to its colon, which is taken. */
static enum err word(struct scan *scan, char out[TIER_NAME_MAX])
{
    size_t len = strspn(scan->at, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (len == 0 || len >= TIER_NAME_MAX || scan->at[len] != ':')
        return refuse(scan, "\"%.20s\" is not NAME:PRECISION:BOUND", scan->at);
    memset(out, 0, TIER_NAME_MAX);
    memcpy(out, scan->at, len);
    scan->at += len + 1;
    return OK;
}

static enum err number(struct scan *scan, uint64_t *out)
{
    static const char units[] = "kMGTPE";
    const char *start = scan->at;
    const char *unit;
    uint64_t value = 0;
    for (; *scan->at >= '0' && *scan->at <= '9'; scan->at++) {
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*scan->at - '0'), &value))
            return refuse(scan, "%.20s is too large", start);
    }
    if (scan->at == start)
        return refuse(scan, "\"%.20s\" is not a bound such as 500G", start);
    unit = *scan->at != '\0' ? strchr(units, *scan->at) : NULL;
    if (unit != NULL) {
        scan->at++;
        for (const char *u = units; u <= unit; u++) {
            if (__builtin_mul_overflow(value, 1000u, &value))
                return refuse(scan, "%.20s is too large", start);
        }
    }
    *out = value;
    return OK;
}

static enum err precision(const struct scan *scan, const char *name,
                          enum meter_kernel *out)
{
    enum meter_kernel kernel;
    if (meter_kernel_parse(name, &kernel) != OK ||
        (kernel != METER_FP64 && kernel != METER_FP32 && kernel != METER_INT8))
        return refuse(scan, "precision \"%s\" is not fp64, fp32 or int8", name);
    *out = kernel;
    return OK;
}

static enum err fits(const struct scan *scan, const struct tiers *tiers,
                     const struct tier *tier)
{
    for (uint32_t i = 0; i < tiers->count; i++) {
        const struct tier *other = &tiers->rows[i];
        if (strcmp(other->name, tier->name) == 0)
            return refuse(scan, "\"%s\" is there already", tier->name);
        if (other->precision == tier->precision && other->least >= tier->least)
            return refuse(scan, "its bound is not above that of \"%s\"",
                          other->name);
    }
    return OK;
}

static enum err row(struct scan *scan, const struct tiers *tiers,
                    struct tier *out)
{
    char name[TIER_NAME_MAX];
    skip_blanks(scan);
    TRY(word(scan, out->name));
    TRY(word(scan, name));
    TRY(precision(scan, name, &out->precision));
    TRY(number(scan, &out->least));
    skip_blanks(scan);
    if (*scan->at != ',' && *scan->at != '\0')
        return refuse(scan, "\"%.20s\" follows its bound", scan->at);
    return fits(scan, tiers, out);
}

enum err tiers_parse(const char *text, struct tiers *out,
                     char error[TIER_ERR_MAX])
{
    struct scan scan = {text, 0, error};
    struct tiers tiers = {0};
    for (;;) {
        scan.row++;
        if (tiers.count == TIERS_MAX)
            return refuse(&scan, "more than %u grades", TIERS_MAX);
        TRY(row(&scan, &tiers, &tiers.rows[tiers.count]));
        tiers.count++;
        if (*scan.at == '\0')
            break;
        scan.at++;
    }
    *out = tiers;
    return OK;
}

enum err tier_rate_parse(const char *text, uint64_t *out)
{
    char error[TIER_ERR_MAX];
    struct scan scan = {text, 0, error};
    uint64_t value = 0;
    TRY(number(&scan, &value));
    if (*scan.at != '\0')
        return ERR_PARSE;
    *out = value;
    return OK;
}

const struct tier *tier_of(const struct tiers *tiers, const struct grade *grade)
{
    const struct tier *found = NULL;
    CHECK(tiers->count <= TIERS_MAX);
    if (!grade_is_measured(grade))
        return NULL;
    for (uint32_t i = 0; i < tiers->count; i++) {
        const struct tier *tier = &tiers->rows[i];
        uint64_t rate = grade_rate(grade, tier->precision, METER_ALL);
        if (rate > 0 && rate >= tier->least)
            found = tier;
    }
    return found;
}

const struct tier *tier_nominal(const struct tiers *tiers, uint64_t flops)
{
    const struct tier *found = NULL;
    CHECK(tiers->count <= TIERS_MAX);
    for (uint32_t i = 0; flops > 0 && i < tiers->count; i++) {
        if (tiers->rows[i].precision == METER_FP32 &&
            flops >= tiers->rows[i].least)
            found = &tiers->rows[i];
    }
    return found;
}
