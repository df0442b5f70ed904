/* The next epoch's validators, out of the bonds. */

#include "base/check.h"
#include "ledger/bond.h"
#include "ledger/params.h"

#include <string.h>

/* The best bonds so far: largest first, ties by key. */
struct ranking {
    uint64_t least;
    uint32_t count;
    struct validator items[LIMIT_VALIDATORS];
};

static bool ranks_before(const struct validator *a, const struct validator *b)
{
    if (a->weight != b->weight)
        return a->weight > b->weight;
    return pubkey_compare(&a->key, &b->key) < 0;
}

static enum err rank_one(void *ctx, const struct pubkey *validator,
                         const struct bond *bond)
{
    struct ranking *ranking = ctx;
    struct validator item = {*validator, amount_figure(bond->bonded)};
    uint32_t at = ranking->count;
    if (bond->jailed_epoch != 0 || item.weight < ranking->least)
        return OK;
    while (at > 0 && ranks_before(&item, &ranking->items[at - 1]))
        at--;
    if (at == LIMIT_VALIDATORS)
        return OK;
    if (ranking->count < LIMIT_VALIDATORS)
        ranking->count++;
    memmove(&ranking->items[at + 1], &ranking->items[at],
            (ranking->count - 1 - at) * sizeof(item));
    ranking->items[at] = item;
    return OK;
}

static uint64_t ranked_weight(const struct ranking *ranking,
                              const struct pubkey *key)
{
    for (uint32_t i = 0; i < ranking->count; i++) {
        if (pubkey_equal(&ranking->items[i].key, key))
            return ranking->items[i].weight;
    }
    return 0;
}

static enum err is_jailed(struct state *state, const struct pubkey *key,
                          bool *out)
{
    struct bond bond;
    enum err err = bond_get(state, key, &bond);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    *out = err == OK && bond.jailed_epoch != 0;
    return OK;
}

/* Splits the current members: what the free ones lost goes to *gone, the jailed
 * ones into the list. */
static enum err split(struct state *state, const struct validators *current,
                      const struct ranking *ranking, struct validators *jailed,
                      uint64_t *gone)
{
    for (uint32_t i = 0; i < current->count; i++) {
        const struct validator *member = &current->items[i];
        bool is = false;
        TRY(is_jailed(state, &member->key, &is));
        uint64_t now = ranked_weight(ranking, &member->key);
        if (is)
            TRY(validators_add(jailed, &member->key, member->weight));
        else if (now < member->weight)
            *gone += member->weight - now;
    }
    return OK;
}

/* The jailed that have to wait, in place of those that may go. */
static void hold_back(struct validators *jailed, uint64_t gone, uint64_t third)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < jailed->count; i++) {
        struct validator item = jailed->items[i];
        if (i == 0 || (gone <= third && item.weight <= third - gone))
            gone += item.weight;
        else
            jailed->items[kept++] = item;
    }
    jailed->count = kept;
}

enum err bond_next_set(struct state *state, const struct validators *current,
                       struct validators *out)
{
    struct ranking ranking = {0};
    struct validators jailed = {0};
    struct validators set = {0};
    uint64_t gone = 0;
    CHECK(current->count > 0 && current->weight <= VALIDATORS_WEIGHT_MAX);
    TRY(params_state_get(state, "bond_min_micro", &ranking.least));
    TRY(bond_each(state, rank_one, &ranking));
    if (ranking.count == 0) {
        *out = *current;
        return OK;
    }
    TRY(split(state, current, &ranking, &jailed, &gone));
    hold_back(&jailed, gone, current->weight / 3);
    uint32_t seats = LIMIT_VALIDATORS - jailed.count;
    for (uint32_t i = 0; i < ranking.count && i < seats; i++)
        TRY(validators_add(&set, &ranking.items[i].key,
                           ranking.items[i].weight));
    for (uint32_t i = 0; i < jailed.count; i++) {
        enum err err =
            validators_add(&set, &jailed.items[i].key, jailed.items[i].weight);
        /* Past the largest sum there is no waiting. */
        if (err != OK && err != ERR_RANGE)
            return err;
    }
    *out = set;
    return OK;
}
