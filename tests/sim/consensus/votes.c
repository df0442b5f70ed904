/* All votes that were ever public, and what could be made of them. A dishonest
 * key counts as having voted for everything: if it can, it will. */

#include "tests/sim/consensus/world.h"

#include "base/check.h"
#include "ledger/evidence.h"

#include <stdlib.h>
#include <string.h>

void votes_done(struct votes *votes)
{
    for (size_t i = 0; i < votes->cap; i++)
        free(votes->slots[i].ballots);
    free(votes->slots);
}

const struct validators *votes_set(const struct world *world, uint64_t epoch)
{
    return epoch < world->set_count && world->sets[epoch].count > 0
               ? &world->sets[epoch]
               : NULL;
}

/* ---- slots ---- */

static size_t place_of(const struct votes *votes, uint64_t epoch, uint64_t view)
{
    size_t at = (size_t)((epoch * UINT64_C(0x9e3779b97f4a7c15) ^
                          view * UINT64_C(0x2545f4914f6cdd1d)) >>
                         20) %
                votes->cap;
    while (votes->slots[at].epoch != 0 &&
           (votes->slots[at].epoch != epoch || votes->slots[at].view != view))
        at = (at + 1) % votes->cap;
    return at;
}

static void grow(struct votes *votes)
{
    struct votes old = *votes;
    votes->cap = old.cap == 0 ? 512 : 2 * old.cap;
    votes->slots = calloc(votes->cap, sizeof(*votes->slots));
    CHECK(votes->slots != NULL);
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].epoch != 0)
            votes->slots[place_of(votes, old.slots[i].epoch,
                                  old.slots[i].view)] = old.slots[i];
    free(old.slots);
}

static struct vote_slot *slot_of(struct votes *votes, uint64_t epoch,
                                 uint64_t view)
{
    struct vote_slot *slot;
    if (2 * (votes->count + 1) > votes->cap)
        grow(votes);
    slot = &votes->slots[place_of(votes, epoch, view)];
    if (slot->epoch == 0) {
        slot->epoch = epoch;
        slot->view = view;
        votes->count++;
    }
    return slot;
}

static struct ballot *ballot_of(struct vote_slot *slot,
                                const struct proposal *on)
{
    for (uint32_t i = 0; i < slot->ballot_count; i++)
        if (hash_equal(&slot->ballots[i].on.id, &on->id) &&
            slot->ballots[i].on.parent_view == on->parent_view)
            return &slot->ballots[i];
    struct ballot *ballots =
        realloc(slot->ballots, (slot->ballot_count + 1) * sizeof(*ballots));
    CHECK(ballots != NULL);
    slot->ballots = ballots;
    memset(&ballots[slot->ballot_count], 0, sizeof(*ballots));
    ballots[slot->ballot_count].on = *on;
    return &ballots[slot->ballot_count++];
}

/* ---- weights ---- */

static void mark_bit(uint64_t bits[2], uint16_t index)
{
    bits[index / 64] |= UINT64_C(1) << index % 64;
}

static bool has_bit(const uint64_t bits[2], uint32_t index)
{
    return (bits[index / 64] >> index % 64 & 1) != 0;
}

static bool dishonest_key(const struct world *world, const struct pubkey *key)
{
    for (uint32_t i = 0; i < world->machine_count; i++)
        if (pubkey_equal(&world->machines[i].signer.key, key) &&
            !machine_honest(&world->machines[i]))
            return true;
    return false;
}

static bool makes_quorum(const struct world *world,
                         const struct validators *set, const uint64_t bits[2])
{
    uint64_t weight = 0;
    for (uint32_t i = 0; i < set->count; i++)
        if (has_bit(bits, i) || dishonest_key(world, &set->items[i].key))
            weight += set->items[i].weight;
    return weight >= validators_quorum(set);
}

/* ---- what must not be reachable ---- */

static void check_slot(struct world *world, const struct vote_slot *slot,
                       const struct validators *set)
{
    bool null = makes_quorum(world, set, slot->nullified);
    uint32_t notarized = 0;
    for (uint32_t i = 0; i < slot->ballot_count; i++) {
        const struct ballot *ballot = &slot->ballots[i];
        if (makes_quorum(world, set, ballot->notarized))
            notarized++;
        if (null && makes_quorum(world, set, ballot->finalized))
            judge_fails(world,
                        "I2: view %llu of epoch %llu can be null and final",
                        (unsigned long long)slot->view,
                        (unsigned long long)slot->epoch);
    }
    if (notarized > 1)
        judge_fails(world, "I3: view %llu of epoch %llu has two notarizations",
                    (unsigned long long)slot->view,
                    (unsigned long long)slot->epoch);
}

/* ---- what an honest key must never have done ---- */

static void check_pair(struct world *world, const struct machine *machine,
                       const struct vote_slot *slot, const struct vote *vote)
{
    const char *what = NULL;
    if (vote->kind == VOTE_FINALIZE && has_bit(slot->nullified, vote->index))
        what = "finalizes what it nullified";
    for (uint32_t i = 0; i < slot->ballot_count && what == NULL; i++) {
        const struct ballot *ballot = &slot->ballots[i];
        bool same = vote->kind != VOTE_NULLIFY &&
                    hash_equal(&ballot->on.id, &vote->on.id) &&
                    ballot->on.parent_view == vote->on.parent_view;
        bool notarized = has_bit(ballot->notarized, vote->index);
        bool finalized = has_bit(ballot->finalized, vote->index);
        if (vote->kind == VOTE_NULLIFY && finalized)
            what = "nullifies what it finalized";
        if (vote->kind == VOTE_NOTARIZE && !same && (notarized || finalized))
            what = "notarizes twice";
        if (vote->kind == VOTE_FINALIZE && !same && (notarized || finalized))
            what = "finalizes another than it notarized or finalized";
    }
    if (what != NULL)
        judge_fails(world,
                    "I4: validator %u (machine %u) %s: epoch %llu view "
                    "%llu",
                    machine->key_number, machine->index, what,
                    (unsigned long long)slot->epoch,
                    (unsigned long long)slot->view);
}

/* ---- what a decision must stand on ---- */

static void mark_vote(struct votes *votes, const struct vote *vote)
{
    struct vote_slot *slot = slot_of(votes, vote->on.epoch, vote->on.view);
    uint64_t *bits = vote->kind == VOTE_NULLIFY ? slot->nullified
                     : vote->kind == VOTE_NOTARIZE
                         ? ballot_of(slot, &vote->on)->notarized
                         : ballot_of(slot, &vote->on)->finalized;
    mark_bit(bits, vote->index);
}

void votes_signed(struct world *world, const struct vote *vote)
{
    if (vote->index < 128)
        mark_vote(&world->all_votes, vote);
}

static bool notarized(struct world *world, const struct validators *set,
                      const struct proposal *on)
{
    struct vote_slot *slot = slot_of(&world->all_votes, on->epoch, on->view);
    for (uint32_t i = 0; i < slot->ballot_count; i++)
        if (hash_equal(&slot->ballots[i].on.id, &on->id) &&
            makes_quorum(world, set, slot->ballots[i].notarized))
            return true;
    return false;
}

bool votes_null(struct world *world, uint64_t epoch, uint64_t view)
{
    return makes_quorum(world, votes_set(world, epoch),
                        slot_of(&world->all_votes, epoch, view)->nullified);
}

bool votes_notarized(struct world *world, uint64_t epoch, uint64_t view)
{
    const struct validators *set = votes_set(world, epoch);
    struct vote_slot *slot = slot_of(&world->all_votes, epoch, view);
    for (uint32_t i = 0; i < slot->ballot_count; i++)
        if (makes_quorum(world, set, slot->ballots[i].notarized) ||
            makes_quorum(world, set, slot->ballots[i].finalized))
            return true;
    return false;
}

static bool again(struct world *world, const struct validators *set,
                  const struct proposal *on)
{
    struct proposal below = {
        .epoch = on->epoch, .view = on->parent_view, .id = on->id};
    return notarized(world, set, &below);
}

static void check_parent(struct world *world, const struct proposal *on,
                         const struct validators *set,
                         const struct hash *parent)
{
    struct proposal below = {
        .epoch = on->epoch, .view = on->parent_view, .id = *parent};
    if (!notarized(world, set, &below))
        judge_fails(world,
                    "view %llu of epoch %llu stands on view %llu, which has no "
                    "such notarization",
                    (unsigned long long)on->view, (unsigned long long)on->epoch,
                    (unsigned long long)on->parent_view);
}

static void check_skipped(struct world *world, const struct proposal *on,
                          const struct validators *set)
{
    for (uint64_t v = on->parent_view + 1; v < on->view; v++)
        if (!makes_quorum(world, set,
                          slot_of(&world->all_votes, on->epoch, v)->nullified))
            judge_fails(world,
                        "view %llu of epoch %llu skips view %llu, which is not "
                        "null",
                        (unsigned long long)on->view,
                        (unsigned long long)on->epoch, (unsigned long long)v);
}

const struct pubkey *votes_leader(struct world *world, uint64_t epoch,
                                  uint64_t view)
{
    const struct validators *set = votes_set(world, epoch);
    uint64_t root = (epoch - 1) * world->plan.epoch_blocks;
    if (set == NULL || root >= world->final_count)
        return NULL;
    if (world->leaders_epoch != epoch)
        leaders_init(&world->leaders, set, &world->finals[root].id);
    world->leaders_epoch = epoch;
    return &set->items[leaders_at(&world->leaders, view)].key;
}

bool votes_led(struct world *world, const struct proposal *on,
               const struct pubkey *asks)
{
    const struct validators *set = votes_set(world, on->epoch);
    const struct pubkey *leader = votes_leader(world, on->epoch, on->view);
    struct vote_slot *slot = slot_of(&world->all_votes, on->epoch, on->view);
    if (leader == NULL || pubkey_equal(leader, asks) ||
        dishonest_key(world, leader))
        return true;
    uint32_t index = (uint32_t)validators_find(set, leader);
    for (uint32_t i = 0; i < slot->ballot_count; i++)
        if (hash_equal(&slot->ballots[i].on.id, &on->id) &&
            slot->ballots[i].on.parent_view == on->parent_view &&
            has_bit(slot->ballots[i].notarized, index))
            return true;
    return false;
}

void votes_decided(struct world *world, const struct proposal *on,
                   const struct header *header)
{
    const struct validators *set = votes_set(world, on->epoch);
    static const struct pubkey nobody;
    const struct pubkey *leader;
    if (set == NULL || world->plan.overload)
        return;
    leader = votes_leader(world, on->epoch, on->view);
    CHECK(leader != NULL);
    if (!votes_led(world, on, &nobody))
        judge_fails(
            world, "view %llu of epoch %llu: not what its leader proposed",
            (unsigned long long)on->view, (unsigned long long)on->epoch);
    /* A block may be proposed again on itself, by others. */
    if (on->parent_view > 0 && again(world, set, on)) {
        check_skipped(world, on, set);
        return;
    }
    if (on->parent_view > 0)
        check_parent(world, on, set, &header->parent);
    check_skipped(world, on, set);
    if (!pubkey_equal(&header->proposer, leader))
        judge_fails(world, "block %llu has another proposer than its leader",
                    (unsigned long long)header->height);
}

void votes_public(struct world *world, const struct machine *machine,
                  const struct vote *vote)
{
    const struct validators *set;
    struct vote_slot *slot;
    uint64_t *bits;
    judge_learn_set(world, machine, vote->on.epoch);
    set = votes_set(world, vote->on.epoch);
    if (set == NULL || vote->index >= set->count || vote->index >= 128 ||
        !pubkey_equal(&set->items[vote->index].key, &machine->signer.key)) {
        if (world->plan.overload)
            return; /* forks have sets of their own */
        judge_fails(world, "machine %u votes as %u in epoch %llu: it is not",
                    machine->index, vote->index,
                    (unsigned long long)vote->on.epoch);
    }
    slot = slot_of(&world->votes, vote->on.epoch, vote->on.view);
    bits = vote->kind == VOTE_NULLIFY ? slot->nullified
           : vote->kind == VOTE_NOTARIZE
               ? ballot_of(slot, &vote->on)->notarized
               : ballot_of(slot, &vote->on)->finalized;
    if (has_bit(bits, vote->index))
        return; /* said before */
    check_pair(world, machine, slot, vote);
    mark_bit(bits, vote->index);
    if (!world->plan.overload)
        check_slot(world, slot, set);
}

void votes_heard(struct world *world, struct machine *machine,
                 const struct machine *from, const struct vote *vote)
{
    const struct validators *set = votes_set(world, vote->on.epoch);
    const struct sx_status *at = &machine->before;
    struct vote *heard = machine->heard[from->index];
    struct hash digest;
    if (set == NULL || vote->index >= set->count)
        return;
    if (!pubkey_equal(&set->items[vote->index].key, &from->signer.key)) {
        world->foreign += vote->on.epoch == at->epoch && at->validator ? 1 : 0;
        return;
    }
    if (!at->validator || vote->on.epoch != at->epoch ||
        vote->on.view <= at->final_view || vote->on.view > at->view)
        return; /* who does not vote looks at no votes */
    vote_digest(vote->kind, &vote->on, &world->genesis.chain, &digest);
    if (sign_verify(&from->signer.key, &digest, &vote->sig) != OK)
        return;
    for (unsigned k = 0; k < 3; k++) {
        if (heard[k].kind == 0 || heard[k].on.epoch != vote->on.epoch ||
            heard[k].on.view != vote->on.view ||
            !evidence_pair(&heard[k], vote))
            continue;
        world->pairs++;
        tell(world, "%u hears a guilty pair of %u: e%llu v%llu, %u and %u",
             machine->index, from->index, (unsigned long long)vote->on.epoch,
             (unsigned long long)vote->on.view, heard[k].kind, vote->kind);
    }
    heard[vote->kind - 1] = *vote;
}
