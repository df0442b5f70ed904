#ifndef TESTS_UNIT_SCHED_SAMPLE_H
#define TESTS_UNIT_SCHED_SAMPLE_H

/* A task and a place it fits, and seeded random ones of small figures, so that
 * equal and nearly equal values are frequent. */

#include <string.h>

#include "sched/feasible.h"

/* splitmix64 */
static inline uint64_t sample_random(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline uint64_t sample_below(uint64_t *seed, uint64_t bound)
{
    return sample_random(seed) % bound;
}

static inline struct demand sample_demand(void)
{
    return (struct demand){
        .want = {.cpu_milli = 2000, .mem_mib = 1024, .disk_mib = 512},
        .arch = ARCH_X86_64,
        .time_ms = 60000,
        .policy = POLICY_CHEAPEST,
        .salt = {1, 2, 3},
    };
}

/* Fits sample_demand() twice: the memory allows no third. */
static inline struct candidate sample_candidate(void)
{
    return (struct candidate){
        .provider = {{7}},
        .arch = ARCH_X86_64,
        .total = {.cpu_milli = 8000, .mem_mib = 4096, .disk_mib = 10240},
        .free = {.cpu_milli = 8000, .mem_mib = 3000, .disk_mib = 10240},
        .slots_free = 4,
        .time_ms_max = 3600000,
        .hour = {1000},
        .bill = {17},
        .rtt_us = 500,
        .grade = {.int_ops = 1u << 30,
                  .float_ops = 1u << 30,
                  .mem_bps = 1u << 30},
        .ttl_ms = 300000,
    };
}

static const struct label sample_labels[] = {
    {"zone", "eu"}, {"zone", "us"}, {"gpu", "none"}};

static const struct constraint sample_constraints[] = {
    {"zone", CONSTRAINT_EQUAL, "eu"},
    {"gpu", CONSTRAINT_ABSENT, ""},
    {"zone", CONSTRAINT_DIFFERS, "us"},
    {"zone", CONSTRAINT_EXISTS, ""}};

static inline void sample_random_demand(uint64_t *seed, struct demand *d)
{
    *d = sample_demand();
    d->want.cpu_milli = (uint32_t)sample_below(seed, 6) * 500;
    d->want.mem_mib = sample_below(seed, 6) * 256;
    d->want.disk_mib = sample_below(seed, 4) * 100;
    d->arch = (enum arch)sample_below(seed, 3);
    d->time_ms = 1 + sample_below(seed, 4);
    d->policy = (enum policy)(1 + sample_below(seed, 3));
    d->price_max = amount_micro(sample_below(seed, 3) * 40);
    d->constraint_count = (uint32_t)sample_below(seed, 3);
    d->constraints = &sample_constraints[sample_below(seed, 3)];
    for (size_t i = 0; i < sizeof(d->salt); i++)
        d->salt[i] = (uint8_t)sample_random(seed);
}

static inline uint64_t sample_part(uint64_t *seed, uint64_t total)
{
    return sample_below(seed, 3) == 0 ? total : sample_below(seed, total + 1);
}

static inline void sample_random_candidate(uint64_t *seed, struct candidate *c)
{
    *c = sample_candidate();
    for (size_t i = 0; i < 4; i++)
        c->provider.b[i] = (uint8_t)sample_random(seed);
    c->arch = (enum arch)(1 + sample_below(seed, 2));
    c->total.cpu_milli = (uint32_t)sample_below(seed, 9) * 500;
    c->total.mem_mib = sample_below(seed, 9) * 256;
    c->total.disk_mib = sample_below(seed, 9) * 100;
    c->free.cpu_milli = (uint32_t)sample_part(seed, c->total.cpu_milli);
    c->free.mem_mib = sample_part(seed, c->total.mem_mib);
    c->free.disk_mib = sample_part(seed, c->total.disk_mib);
    c->slots_free = (uint32_t)sample_below(seed, 5);
    c->time_ms_max = sample_below(seed, 8);
    c->hour = amount_micro(sample_below(seed, 6) * 20);
    c->bill = c->hour;
    c->rtt_us = sample_below(seed, 4) == 0 ? 0 : 1 + sample_below(seed, 5000);
    c->rtt_age_ms = sample_below(seed, 2 * CANDIDATE_RTT_AGE_MAX_MS);
    c->grade.int_ops = sample_below(seed, 5) << 28;
    c->grade.float_ops = sample_below(seed, 5) << 28;
    c->grade.fp32_ops = c->grade.float_ops;
    c->label_count = (uint32_t)sample_below(seed, 4);
    c->labels = sample_labels;
    c->ttl_ms = 10;
    c->age_ms = sample_below(seed, 12);
    if (sample_below(seed, 8) == 0)
        c->refused = reason_bit(REASON_EXCLUDED);
}

#endif
