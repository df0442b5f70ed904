#ifndef TESTS_UNIT_SCHED_CFN_SAMPLE_H
#define TESTS_UNIT_SCHED_CFN_SAMPLE_H

/* A service whose instances are told of, one behind each egress. */

#include "base/check.h"
#include "sched/cfn/select.h"

static const uint8_t sample_key[SHORT_HASH_KEY_LEN] = {3, 1, 4, 1, 5};
static const struct service_id sample_service = {{9, 9}};

static inline struct cfn_address sample_egress(uint32_t n)
{
    struct cfn_address a = {{0xfd}};
    u32le_put(a.b + 4, n);
    return a;
}

static inline struct metrics sample_metrics(uint32_t service_us, uint32_t load,
                                            uint32_t queue)
{
    struct metrics m = {0};
    m.of[METRIC_SERVICE] = (struct metric){service_us, METRIC_MEASURED};
    m.of[METRIC_LOAD] = (struct metric){load, METRIC_MEASURED};
    m.of[METRIC_QUEUE] = (struct metric){queue, METRIC_MEASURED};
    m.of[METRIC_SLOTS] = (struct metric){1, METRIC_NOMINAL};
    return m;
}

static inline struct service_update sample_update(uint32_t n, uint64_t seq)
{
    struct service_update u = {.service = sample_service,
                               .egress = sample_egress(n),
                               .seq = seq,
                               .life_ms = 60000};
    u32le_put(u.instance.b, n);
    u.address = sample_egress(n + 1000);
    u.metrics = sample_metrics(1000, 500, 1);
    return u;
}

static inline void sample_table(struct service_table *table)
{
    struct service_limits limits = {16, 512, 256, 64};
    CHECK(service_table_init(table, &limits, sample_key) == OK);
}

/* Instances 0..count-1, alike, 400 us away. */
static inline void sample_fill(struct service_table *table, uint32_t count,
                               uint64_t now_ms)
{
    for (uint32_t n = 0; n < count; n++) {
        struct service_update u = sample_update(n, 1);
        CHECK(service_hear(table, &u, now_ms) == OK);
        CHECK(service_set_rtt(table, &u.egress, 400, UINT64_MAX, now_ms) == OK);
    }
}

static inline const struct service_instance *sample_instance(
    const struct service_table *table, uint32_t n)
{
    const struct service *s = service_find(table, &sample_service);
    for (uint32_t i = 0; s != NULL && i < s->count; i++) {
        const struct service_instance *x = service_at(table, s, i);
        if (u32le_get(x->told.instance.b) == n)
            return x;
    }
    return NULL;
}

static inline uint32_t sample_number(const struct service_instance *i)
{
    return u32le_get(i->told.instance.b);
}

#endif
