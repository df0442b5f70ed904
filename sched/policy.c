#include "sched/policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/short_hash.h"

_Static_assert(DEMAND_SALT_LEN == SHORT_HASH_KEY_LEN,
               "the salt is the key of the tie-break");

/* The figure of the policy turned round where more is better, so that less is
 * better always. */
static uint64_t keep_figure(uint64_t value)
{
    return value;
}

static uint64_t invert_figure(uint64_t value)
{
    return UINT64_MAX - value;
}

static enum figure hour_figure(const struct candidate *c, uint64_t *out)
{
    *out = amount_figure(c->hour);
    return FIGURE_KNOWN;
}

static enum figure rtt_figure(const struct candidate *c, uint64_t *out)
{
    if (!candidate_rtt_known(c))
        return FIGURE_UNKNOWN;
    *out = c->rtt_us;
    return FIGURE_KNOWN;
}

static enum figure speed_figure(const struct candidate *c, uint64_t *out)
{
    uint32_t step;
    if (!grade_step(&c->grade, &step))
        return FIGURE_UNKNOWN;
    *out = step;
    return FIGURE_KNOWN;
}

struct policy_row {
    enum policy policy;
    const char *name;
    const char *help;
    enum figure (*figure)(const struct candidate *candidate, uint64_t *out);
    uint64_t (*less_is_better)(uint64_t figure);
    bool by_price; /* the figure is the price: no second key */
};                 /* figure is NULL: sched/ranking.c ranks by it */

static const struct policy_row rows[] = {
    {POLICY_CHEAPEST, "cheapest", "lowest price of an hour", hour_figure,
     keep_figure, true},
    {POLICY_NEAREST, "nearest",
     "shortest measured round trip, then lowest price", rtt_figure,
     policy_rtt_step, false},
    {POLICY_FASTEST, "fastest", "highest measured speed, then lowest price",
     speed_figure, invert_figure, false},
    {POLICY_BALANCED, "balanced",
     "where loads stay even and little power is added", NULL, NULL, false},
    {POLICY_COMPOSITE, "composite",
     "weighted sum of best over own figure: price, round trip, speed, load, "
     "energy",
     NULL, NULL, false},
    {POLICY_FRAGMENTATION, "fragmentation",
     "least left over beside the task: keeps large places whole", NULL, NULL,
     false},
    {POLICY_SPREAD, "spread", "least used, one task each", NULL, NULL, false},
    {POLICY_PACK, "pack", "most used of those in use: fewest in use", NULL,
     NULL, false},
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static const struct policy_row *row_of(enum policy policy)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].policy == policy)
            return &rows[i];
    }
    return NULL;
}

int rank_compare(const struct rank *a, const struct rank *b)
{
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    for (size_t i = 0; i < 3; i++) {
        if (a->key[i] != b->key[i])
            return a->key[i] < b->key[i] ? -1 : 1;
    }
    if (a->wait_ms != b->wait_ms)
        return a->wait_ms < b->wait_ms ? -1 : 1;
    if (a->tie != b->tie)
        return a->tie < b->tie ? -1 : 1;
    return pubkey_compare(&a->provider, &b->provider);
}

void policy_rank(const struct demand *demand, const struct candidate *candidate,
                 uint32_t index, struct rank *out)
{
    const struct policy_row *row = row_of(demand->policy);
    CHECK(row != NULL && row->figure != NULL);
    uint64_t figure = 0;
    memset(out, 0, sizeof(*out));
    if (row->figure(candidate, &figure) == FIGURE_KNOWN)
        out->key[1] = row->less_is_better(figure);
    else
        out->key[0] = 1;
    out->key[2] = row->by_price ? 0 : amount_figure(candidate->hour);
    out->tie = short_hash(demand->salt, BYTES_OF(candidate->provider.b));
    out->provider = candidate->provider;
    out->index = index;
}

void policy_floor(enum policy policy, enum figure known, uint64_t value,
                  struct rank *out)
{
    const struct policy_row *row = row_of(policy);
    CHECK(row != NULL && row->less_is_better != NULL);
    memset(out, 0, sizeof(*out));
    if (known == FIGURE_KNOWN)
        out->key[1] = row->less_is_better(value);
    else
        out->key[0] = 1;
}

static int compare_for_sort(const void *a, const void *b)
{
    return rank_compare(a, b);
}

void policy_sort(struct rank *ranks, size_t count)
{
    if (count > 1)
        qsort(ranks, count, sizeof(*ranks), compare_for_sort);
}

uint64_t policy_rtt_step(uint64_t rtt_us)
{
    if (rtt_us < 8)
        return rtt_us;
    unsigned top = 63u - (unsigned)__builtin_clzll(rtt_us);
    return top * 8u + (rtt_us >> (top - 3) & 7u);
}

enum policy policy_nth(size_t i)
{
    return i < ROW_COUNT ? rows[i].policy : (enum policy)0;
}

bool policy_known(enum policy policy)
{
    return row_of(policy) != NULL;
}

const char *policy_text(enum policy policy)
{
    const struct policy_row *row = row_of(policy);
    return row != NULL ? row->name : "?";
}

const char *policy_help(enum policy policy)
{
    const struct policy_row *row = row_of(policy);
    return row != NULL ? row->help : "";
}

enum err policy_parse(const char *text, enum policy *out)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strcmp(text, rows[i].name) == 0) {
            *out = rows[i].policy;
            return OK;
        }
    }
    return ERR_PARSE;
}
