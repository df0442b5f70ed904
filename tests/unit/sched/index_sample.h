#ifndef TESTS_UNIT_SCHED_INDEX_SAMPLE_H
#define TESTS_UNIT_SCHED_INDEX_SAMPLE_H

/* A catalog beside the plain list of what is in it, changed at random. */

#include "base/check.h"
#include "sched/index/catalog.h"
#include "sched/index/search.h"

#define SAMPLE_SLOTS 9000u
#define SAMPLE_TAGS  6u

struct sample_row {
    bool in;
    struct catalog_row row;
    uint64_t tags[SAMPLE_TAGS];
};

struct index_sample {
    struct catalog *catalog;
    uint32_t slots; /* as many may be in */
    uint64_t seed;
    bool coarse; /* few values: many ties */
    struct sample_row rows[SAMPLE_SLOTS];
};

static inline uint64_t sample_draw(struct index_sample *s, uint64_t bound)
{
    uint64_t z = s->seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % bound;
}

static inline void sample_row_amounts(struct index_sample *s,
                                      struct catalog_row *row)
{
    uint64_t cores = UINT64_C(1) << sample_draw(s, 7);
    uint64_t part = s->coarse ? 250 * sample_draw(s, 5) : sample_draw(s, 1001);
    row->have[DIM_CPU_TOTAL] = cores * 1000;
    row->have[DIM_MEM_TOTAL] = cores * 4096;
    row->have[DIM_DISK_TOTAL] = 1 << 20;
    row->have[DIM_CPU_FREE] = cores * part;
    row->have[DIM_MEM_FREE] = cores * 4096 * sample_draw(s, 101) / 100;
    row->have[DIM_DISK_FREE] = sample_draw(s, (1 << 20) + 1);
    row->have[DIM_NIC_FREE] = sample_draw(s, 1000);
    row->have[DIM_NIC_TOTAL] = 1000;
    row->have[DIM_DEVICE_FREE] = 500 * sample_draw(s, 9);
    row->have[DIM_SLOTS] = sample_draw(s, 4);
    row->have[DIM_TIME] = 3600000 * (1 + sample_draw(s, 24));
    if (sample_draw(s, 500) == 0)
        row->have[DIM_MEM_TOTAL] = UINT64_MAX - sample_draw(s, 2);
    row->flags = (uint32_t)sample_draw(s, UINT64_C(1) << FLAG_COUNT);
    if (sample_draw(s, 2) == 0)
        row->flags &= ~(flag_bit(FLAG_STALE) | flag_bit(FLAG_UNREACHABLE));
}

static inline uint64_t sample_price(struct index_sample *s)
{
    if (s->coarse)
        return 1000 * sample_draw(s, 4);
    switch (sample_draw(s, 200)) {
    case 0:
        return UINT64_MAX - sample_draw(s, 3);
    case 1:
        return UINT32_MAX - 1 + sample_draw(s, 4);
    default:
        return 50000 + sample_draw(s, 950000);
    }
}

static inline void sample_row_terms(struct index_sample *s,
                                    struct sample_row *own)
{
    struct catalog_row *row = &own->row;
    for (unsigned i = 0; i < TARIFF_PARTS; i++)
        row->tariff.part[i] = sample_price(s);
    row->key[ORDER_NEAR] =
        sample_draw(s, 3) == 0 ? UINT32_MAX : (uint32_t)sample_draw(s, 40);
    row->key[ORDER_FAST] = (uint32_t)sample_draw(s, 3);
    row->tag_count = (uint32_t)sample_draw(s, SAMPLE_TAGS + 1);
    row->tags = own->tags;
    for (unsigned i = 0; i < SAMPLE_TAGS; i++)
        own->tags[i] = 1 + sample_draw(s, 40);
    row->name = sample_draw(s, s->coarse ? 5 : UINT64_MAX);
}

static inline void sample_put(struct index_sample *s, uint32_t slot)
{
    struct sample_row *own = &s->rows[slot];
    struct sample_row fresh = *own;
    bool new_terms = !own->in || sample_draw(s, 2) == 0;
    if (!own->in)
        fresh.row = (struct catalog_row){0};
    sample_row_amounts(s, &fresh.row);
    if (new_terms)
        sample_row_terms(s, &fresh);
    CHECK(catalog_reserve(s->catalog, slot) == OK);
    if (new_terms && own->in) /* the old tags are lent until it is put */
        catalog_remove(s->catalog, slot);
    *own = fresh;
    own->row.tags = own->tags;
    catalog_put(s->catalog, slot, &own->row);
    own->in = true;
}

static inline void sample_remove(struct index_sample *s, uint32_t slot)
{
    if (!s->rows[slot].in)
        return;
    catalog_remove(s->catalog, slot);
    s->rows[slot].in = false;
}

static inline void sample_change(struct index_sample *s, uint32_t slot)
{
    struct catalog_row *row = &s->rows[slot].row;
    enum dimension dimension = (enum dimension)sample_draw(s, DIM_COUNT);
    enum flag flag = (enum flag)sample_draw(s, FLAG_COUNT);
    if (!s->rows[slot].in)
        return;
    switch (sample_draw(s, 3)) {
    case 0:
        row->have[dimension] = sample_draw(s, row->have[dimension] / 2 + 2);
        catalog_have_set(s->catalog, slot, dimension, row->have[dimension]);
        return;
    case 1:
        row->flags ^= flag_bit(flag);
        catalog_flag_set(s->catalog, slot, flag, row->flags & flag_bit(flag));
        return;
    default:
        row->key[ORDER_NEAR] = (uint32_t)sample_draw(s, 40);
        catalog_key_set(s->catalog, slot, ORDER_NEAR, row->key[ORDER_NEAR]);
        return;
    }
}

static inline void sample_event(struct index_sample *s)
{
    uint32_t slot = (uint32_t)sample_draw(s, s->slots);
    switch (sample_draw(s, 8)) {
    case 0:
        sample_remove(s, slot);
        return;
    case 1:
    case 2:
    case 3:
        sample_put(s, slot);
        return;
    default:
        sample_change(s, slot);
        return;
    }
}

static inline void sample_query(struct index_sample *s, struct query *q)
{
    uint64_t cores = UINT64_C(1) << sample_draw(s, 6);
    *q = (struct query){.cost_max = UINT64_MAX};
    q->want[DIM_CPU_FREE] = s->coarse ? 500 * cores : sample_draw(s, 64001);
    q->want[DIM_MEM_FREE] = cores * (1024 + 512 * sample_draw(s, 8));
    q->want[DIM_DISK_FREE] = sample_draw(s, 2) * sample_draw(s, 1 << 19);
    q->want[DIM_SLOTS] = 1;
    q->want[DIM_TIME] = 3600000 * sample_draw(s, 26);
    q->mix[TARIFF_CPU] = q->want[DIM_CPU_FREE];
    q->mix[TARIFF_MEM] = q->want[DIM_MEM_FREE];
    q->mix[TARIFF_DISK] = q->want[DIM_DISK_FREE];
    if (sample_draw(s, 20) == 0) /* weights that have to be cut */
        q->mix[TARIFF_DISK] = UINT64_MAX >> sample_draw(s, 40);
    if (sample_draw(s, 3) == 0)
        q->cost_max = sample_draw(s, 40000000);
    q->flags_off = flag_bit(FLAG_STALE) | flag_bit(FLAG_UNREACHABLE);
    q->flags_on = sample_draw(s, 5) == 0 ? flag_bit(FLAG_SPEED) : 0;
    q->tag_count = (uint32_t)sample_draw(s, 3);
    q->want[DIM_DEVICE_FREE] = sample_draw(s, 4) == 0 ? 250 : 0;
    q->mix[TARIFF_DEVICE] = q->want[DIM_DEVICE_FREE];
    q->any_count = (uint32_t)sample_draw(s, 2);
    for (uint32_t i = 0; i < q->any_count; i++) {
        q->any[i].count = 1 + (uint32_t)sample_draw(s, QUERY_ANY_TAGS);
        for (uint32_t k = 0; k < q->any[i].count; k++)
            q->any[i].tags[k] = 1 + sample_draw(s, 40);
    }
    for (uint32_t i = 0; i < q->tag_count; i++) {
        q->tags[i].tag = 1 + sample_draw(s, 40);
        q->tags[i].absent = sample_draw(s, 2) == 0;
    }
}

#endif
