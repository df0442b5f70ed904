#include "sched/cfn/metric.h"

#include <stddef.h>
#include <string.h>

#include "base/check.h"

static const struct metric_row rows[METRIC_COUNT] = {
#define X(name, type, level, unit, statistics, most)                           \
    [name] = {type, level, unit, statistics, most},
    METRIC_MAP(X)
#undef X
};

static const char *const source_names[] = {
    [METRIC_UNKNOWN] = "unknown",
    [METRIC_NOMINAL] = "nominal",
    [METRIC_ESTIMATION] = "estimation",
    [METRIC_MEASURED] = "directly measured",
    [METRIC_NORMALIZATION] = "normalization",
    [METRIC_AGGREGATION] = "aggregation",
};

const struct metric_row *metric_row(enum metric_type type)
{
    CHECK(type < METRIC_COUNT);
    return &rows[type];
}

const char *metric_source_name(enum metric_source source)
{
    CHECK(source <= METRIC_AGGREGATION);
    return source_names[source];
}

enum err metric_source_parse(const char *name, enum metric_source *out)
{
    for (unsigned i = METRIC_NOMINAL; i <= METRIC_AGGREGATION; i++) {
        if (strcmp(source_names[i], name) == 0) {
            *out = (enum metric_source)i;
            return OK;
        }
    }
    return ERR_PARSE;
}

enum err metrics_check(const struct metrics *metrics)
{
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        const struct metric *m = &metrics->of[i];
        bool positive = i == METRIC_SERVICE || i == METRIC_SLOTS;
        if ((unsigned)m->source > METRIC_AGGREGATION || m->value > rows[i].most)
            return ERR_RANGE;
        if (m->source == METRIC_UNKNOWN ? m->value != 0
                                        : positive && m->value == 0)
            return ERR_RANGE;
    }
    return OK;
}

bool metrics_delay(const struct metrics *metrics, uint64_t *out_us)
{
    uint32_t load = metrics->of[METRIC_LOAD].value;
    if (!metric_known(metrics, METRIC_SERVICE) ||
        !metric_known(metrics, METRIC_LOAD))
        return false;
    uint64_t left = 1000 - (load < METRIC_LOAD_MOST ? load : METRIC_LOAD_MOST);
    uint64_t us = metrics->of[METRIC_SERVICE].value;
    *out_us = (us * 1000 + left - 1) / left;
    return true;
}

uint32_t metric_score(uint64_t delay_us, uint64_t best_us, uint64_t worst_us)
{
    CHECK(best_us < worst_us);
    CHECK(worst_us <= UINT64_MAX / 10);
    if (delay_us <= best_us)
        return 10;
    if (delay_us >= worst_us)
        return 0;
    return (uint32_t)(10 * (worst_us - delay_us) / (worst_us - best_us));
}

static uint64_t told(const struct metrics *metrics, unsigned type)
{
    uint32_t value = metrics->of[type].value;
    return type == METRIC_LOAD ? 1000 - value : value;
}

bool metrics_differ(const struct metrics *a, const struct metrics *b)
{
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        uint64_t x = told(a, i);
        uint64_t y = told(b, i);
        uint64_t gap = x < y ? y - x : x - y;
        if (a->of[i].source != b->of[i].source || gap * 10 > x)
            return true;
    }
    return false;
}
