#ifndef MARKET_STANDING_H
#define MARKET_STANDING_H

/* The standing of providers: how the contracts of each ended, as far as this
 * node knows (sched/avail/reliability.h). Told of every contract once, when the
 * chain has settled it; a node's own view, agreed on with nobody.
 *
 *   served  it ended by the job: done, failed, or at one of its limits
 *   failed  the provider refused it, was lost, drained, its executor failed, or
 *           the results were missing
 *   .. and of contracts that this node placed: staging failed, it was not
 *           started, it was given up, or it was refused (its executor failed)
 *           while that costs nothing. Of others' these count nothing: a buyer
 *           can bring them about.
 *
 * What the buyer cancelled says nothing; nor does what a provider bought from
 * itself.
 *
 * Bounded: where there is no room the one that was heard of longest ago, of a
 * few that are looked at, gives way. */

#include "base/short_hash.h"
#include "market/contract/contract.h"
#include "sched/avail/reliability.h"

#define STANDINGS_MAX 65536u

struct standings;

struct standings_config {
    struct pubkey self;              /* agent of what this node places */
    uint32_t max;                    /* 1..STANDINGS_MAX */
    uint8_t key[SHORT_HASH_KEY_LEN]; /* random: orders the table */
};

/* Given. ERR_NOMEM. */
MUST_USE enum err standings_new(const struct standings_config *config,
                                struct standings **out);
void standings_free(struct standings *standings); /* NULL is fine */

enum standing_word {
    STANDING_NOTHING = 0, /* says nothing of its provider */
    STANDING_SERVED = 1,
    STANDING_FAILED = 2,
};
/* What a contract that is settled says. own: this node placed it. */
enum standing_word standing_of(const struct contract *contract, bool own);

/* One that is SETTLED; others say nothing. ERR_NOMEM. */
MUST_USE enum err standings_note(struct standings *standings,
                                 const struct contract *contract);
/* An audit found a made-up result, or (forged false) a true one. ERR_NOMEM. */
MUST_USE enum err standings_forged(struct standings *standings,
                                   const struct pubkey *provider, bool forged);
/* For how long its link was seen up, and down, by this node. Only of providers
 * of whom something is known already. */
void standings_link(struct standings *standings, const struct pubkey *provider,
                    uint64_t up_ms, uint64_t down_ms);
#define STANDING_LINK_MIN_MS 60000u /* what less says counts as of so long */
/* Forgets all contracts, before all are told again. */
void standings_clear(struct standings *standings);

/* NULL: nothing is known. Lent until the next change. */
const struct reliability *standings_get(const struct standings *standings,
                                        const struct pubkey *provider);
uint32_t standings_count(const struct standings *standings);
/* All of them, in no order: *cursor starts at 0. False at the end. */
bool standings_next(const struct standings *standings, uint32_t *cursor,
                    struct pubkey *out_provider, struct reliability *out);

#endif
