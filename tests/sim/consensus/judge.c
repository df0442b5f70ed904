/* What must hold, after every event and in the end. I1..I12 are the numbers of
 * docs/simulation.md. */

#include "tests/sim/consensus/world.h"

#include "base/check.h"
#include "ledger/state/proof.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EGRESS_MAX (64u * 1024 * 1024) /* bytes a machine says in a second */
#define LOG_MAX    (8u * 1024 * 1024)  /* bytes of a log that was trimmed */

char *judge_reason;

void judge_fails(struct world *world, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(judge_reason, REASON_MAX, format, args);
    va_end(args);
    if (!world->telling)
        _exit(EXIT_UNTOLD);
    tell_end(world);
    tell_machines(world);
    printf("seed %" PRIu64 " fails at %.6f s: %s\n", world->plan.seed,
           (double)world->now_us / 1e6, judge_reason);
    fflush(stdout);
    _exit(EXIT_FAILS);
}

/* ---- after every event ---- */

static void check_bounds(struct world *world, struct machine *machine)
{
    struct pool *pool = sx_pool(machine->core);
    uint32_t most =
        world->plan.pool_txs > 0 ? world->plan.pool_txs : POOL_TXS_MAX;
    if (pool_count(pool) > most || pool_bytes(pool) > POOL_BYTES_MAX)
        judge_fails(world, "I9: machine %u: the pool is too full",
                    machine->index);
    /* Who was taken and not answered waits there. */
    if (machine->taken_count > pool_count(pool))
        judge_fails(world,
                    "machine %u holds %u of %u it took and never "
                    "answered",
                    machine->index, pool_count(pool), machine->taken_count);
    if (machine->disk.bytes_live > LOG_MAX)
        judge_fails(world, "I9: machine %u: the log has %" PRIu64 " bytes",
                    machine->index, machine->disk.bytes_live);
    if (world->now_us - machine->window_us >= SECOND) {
        machine->window_us = world->now_us;
        machine->window_bytes = machine->sent_bytes;
    }
    if (machine->sent_bytes - machine->window_bytes > EGRESS_MAX)
        judge_fails(world, "I9: machine %u says too much", machine->index);
}

void judge_step(struct world *world, struct machine *machine)
{
    const struct sx_status *before = &machine->before;
    struct sx_status now;
    if (machine->uncertified)
        judge_fails(world,
                    "I8: machine %u: block %" PRIu64
                    " is final without a certificate",
                    machine->index, machine->height);
    memset(&now, 0, sizeof(now));
    sx_status(machine->core, &now);
    if (now.epoch < before->epoch ||
        (now.epoch == before->epoch &&
         (now.view < before->view || now.final_view < before->final_view)))
        judge_fails(world,
                    "I6: machine %u falls from e%" PRIu64 " v%" PRIu64
                    " final %" PRIu64 " to e%" PRIu64 " v%" PRIu64
                    " final %" PRIu64,
                    machine->index, before->epoch, before->view,
                    before->final_view, now.epoch, now.view, now.final_view);
    /* Who fetches the state enters no view: what its log brings stays. */
    if (now.fetch.stage < SX_FETCH_PAGES &&
        now.slots > now.view - now.final_view + 2)
        judge_fails(world,
                    "I9: machine %u has room for %" PRIu64
                    " views, and is in %" PRIu64 " with %" PRIu64 " decided",
                    machine->index, now.slots, now.view, now.final_view);
    /* Proven to it, at most as far as could have been decided meanwhile. */
    if (!world->plan.overload && now.target > world->final_count + 64)
        judge_fails(world, "machine %u believes in height %" PRIu64,
                    machine->index, now.target);
    rules_step(world, machine, &now);
    fetch_step(world, machine, &now);
    if (now.epoch > before->epoch || now.view > before->view) {
        machine->views +=
            now.epoch > before->epoch ? now.view : now.view - before->view;
        uint64_t views = machine->height + now.view - now.final_view;
        if (views > world->views_max_seen)
            world->views_max_seen = views;
        tell(world, "%u enters epoch %" PRIu64 " view %" PRIu64, machine->index,
             now.epoch, now.view);
    }
    machine->before = now;
    judge_guilt_seen(machine);
    check_bounds(world, machine);
}

/* ---- transactions ---- */

void judge_taken(struct world *world, struct machine *machine,
                 const struct hash *id)
{
    struct sim_tx *tx = people_find(world, id);
    size_t number;
    if (tx == NULL)
        return; /* one that has expired, and it lags */
    number = (size_t)(tx - world->txs);
    while (number >= machine->taken_cap) {
        size_t cap = machine->taken_cap == 0 ? 64 : 2 * machine->taken_cap;
        uint8_t *taken = realloc(machine->taken, cap);
        CHECK(taken != NULL);
        memset(taken + machine->taken_cap, 0, cap - machine->taken_cap);
        machine->taken = taken;
        machine->taken_cap = cap;
    }
    machine->taken_count += machine->taken[number] == 0 ? 1 : 0;
    machine->taken[number] = 1;
}

static void answered(struct world *world, struct machine *machine,
                     const struct hash *id)
{
    const struct sim_tx *tx = people_find(world, id);
    size_t number = tx == NULL ? 0 : (size_t)(tx - world->txs);
    if (tx == NULL || number >= machine->taken_cap)
        return;
    machine->taken_count -= machine->taken[number];
    machine->taken[number] = 0;
}

void judge_refused(struct world *world, struct machine *machine,
                   const struct sx_effect *effect)
{
    struct sim_tx *tx = people_find(world, &effect->id);
    tell(world, "%u refuses transaction %td: %s", machine->index,
         tx == NULL ? -1 : tx - world->txs, err_name(effect->err));
    /* It may be on this disk before anybody was told. */
    if (effect->err == ERR_EXISTS && effect->height > 0 && tx != NULL &&
        !world->plan.overload && !machine->rotten &&
        (tx->fate == TX_DEAD ||
         (tx->fate == TX_FINAL && tx->height != effect->height)))
        judge_fails(world, "machine %u: a transaction is final that is not",
                    machine->index);
    /* Waiting here already, it goes on waiting. */
    if (effect->err != ERR_EXISTS || effect->height > 0)
        answered(world, machine, &effect->id);
    if (tx != NULL)
        rules_refused(world, machine, tx, effect->err);
    if (tx != NULL && effect->token != 0)
        people_refused(world, tx, effect->err);
}

/* ---- final ---- */

void judge_same_set(struct world *world, const struct machine *machine,
                    uint64_t epoch, const struct validators *set)
{
    struct hash theirs;
    struct hash ours;
    validators_hash(set, &theirs);
    validators_hash(&world->sets[epoch], &ours);
    if (!hash_equal(&theirs, &ours) && !world->plan.overload)
        judge_fails(world, "I10: machine %u has another set for epoch %" PRIu64,
                    machine->index, epoch);
}

static void note_set(struct world *world, uint64_t epoch,
                     const struct validators *set)
{
    while (world->set_count <= epoch) {
        world->sets =
            realloc(world->sets, (world->set_count + 1) * sizeof(*world->sets));
        CHECK(world->sets != NULL);
        world->sets[world->set_count++].count = 0;
    }
    if (world->sets[epoch].count == 0)
        world->sets[epoch] = *set;
}

void judge_learn_set(struct world *world, const struct machine *machine,
                     uint64_t epoch)
{
    if (votes_set(world, epoch) == NULL &&
        chain_next_epoch(machine->chain) == epoch)
        note_set(world, epoch, chain_validators(machine->chain));
}

/* At an epoch's end. */
static void learn_sets(struct world *world, struct machine *machine,
                       uint64_t epoch)
{
    struct validators set;
    if (chain_set_of(machine->chain, epoch, &set) != OK)
        return;
    note_set(world, epoch, &set);
    judge_same_set(world, machine, epoch, &set);
}

/* Whoever has an epoch's last block knows the sets of the next two. No block
 * has told of the second yet: who reckoned it from a damaged store learns that
 * from the next block, which says otherwise. */
static void learn_at(struct world *world, struct machine *machine,
                     uint64_t height)
{
    uint64_t epoch = height / world->plan.epoch_blocks;
    if (height % world->plan.epoch_blocks != 0 || machine->rotten)
        return;
    learn_sets(world, machine, epoch + 1);
    learn_sets(world, machine, epoch + 2);
}

static void check_cert(struct world *world, struct machine *machine,
                       const struct candidate *candidate)
{
    static struct cert cert;
    const struct block *block = candidate_block(candidate);
    const struct validators *set = votes_set(world, block->header.epoch);
    struct validators own;
    enum err err;
    if (world->plan.overload &&
        chain_set_of(machine->chain, block->header.epoch, &own) == OK)
        set = &own; /* forks have sets of their own */
    /* A certificate decides a run; its last block carries it. */
    machine->uncertified = candidate_cert(candidate).len == 0;
    if (machine->uncertified)
        return;
    err = cert_decode(candidate_cert(candidate), &cert);
    if (err == OK && set == NULL)
        err = ERR_NOT_FOUND;
    if (err == OK &&
        (cert.kind != VOTE_FINALIZE || cert.on.epoch != block->header.epoch ||
         !hash_equal(&cert.on.id, &block->id)))
        err = ERR_PROOF;
    if (err == OK)
        err = cert_verify(&cert, set, &world->genesis.chain);
    if (err == OK)
        votes_decided(world, &cert.on, &block->header);
    if (err != OK)
        judge_fails(world,
                    "I8: machine %u: certificate of block %" PRIu64 ": %s",
                    machine->index, block->header.height, err_name(err));
}

static void first_final(struct world *world, struct machine *machine,
                        const struct block *block)
{
    struct final_block *last = &world->finals[world->final_count - 1];
    struct final_block next = {.id = block->id,
                               .time_ms = block->header.time_ms,
                               .epoch = block->header.epoch,
                               .at_us = world->now_us,
                               .tx_count = block->tx_count,
                               .first_machine = machine->index};
    if (!world->plan.overload &&
        next.time_ms <
            last->time_ms +
                (world->final_count > 1 ? world->plan.interval_ms : 0))
        judge_fails(world, "block %" PRIu64 " comes too early after its parent",
                    block->header.height);
    /* A quorum has looked at it, and somebody honest in that. */
    if (!world->plan.overload &&
        next.time_ms > WORLD_T0 + world->now_us / MS + world->clock_ms_max +
                           world->plan.interval_ms + 1000)
        judge_fails(world, "block %" PRIu64 " comes from the future",
                    block->header.height);
    world->finals = world_room(world->finals, sizeof(*world->finals),
                               world->final_count, &world->final_cap);
    world->finals[world->final_count++] = next;
    tell(world, "block %" PRIu64 " is final at %u: %02x%02x%02x, %u txs",
         block->header.height, machine->index, next.id.b[0], next.id.b[1],
         next.id.b[2], next.tx_count);
    for (uint32_t i = 0; i < block->tx_count; i++)
        people_final(world, &block->txs[i].id, block->header.height);
    people_height(world, block->header.height);
    judge_guilt_final(world, block);
}

void judge_final(struct world *world, struct machine *machine,
                 const struct sx_effect *effect)
{
    const struct block *block = candidate_block(effect->candidate);
    uint64_t height = effect->height;
    world_trace(world, 6, (uint64_t)machine->index << 32 | height,
                u64le_get(block->id.b));
    if (height != machine->height + 1 || block->header.height != height)
        judge_fails(world, "I6: machine %u: final %" PRIu64 " after %" PRIu64,
                    machine->index, height, machine->height);
    machine->height = height;
    if (height > machine->stored_height)
        judge_fails(world,
                    "machine %u calls block %" PRIu64
                    " final before it is stored",
                    machine->index, height);
    if (height > world->final_count && machine->rotten)
        return; /* its first word since it opened */
    if (height > world->final_count)
        judge_fails(world,
                    "machine %u has block %" PRIu64 " before its parent "
                    "is final",
                    machine->index, height);
    check_cert(world, machine, effect->candidate);
    if (height == world->final_count) {
        first_final(world, machine, block);
    } else if (!hash_equal(&world->finals[height].id, &block->id)) {
        if (!world->plan.overload)
            judge_fails(world,
                        "I1: two blocks are final at height %" PRIu64
                        ": %u has the other one than %u",
                        height, machine->index,
                        world->finals[height].first_machine);
    }
    learn_at(world, machine, height);
    for (uint32_t i = 0; i < block->tx_count; i++)
        answered(world, machine, &block->txs[i].id);
}

/* ---- a life begins ---- */

void judge_find_final(struct world *world, struct machine *machine,
                      uint64_t height)
{
    static struct block block;
    struct arena arena;
    struct bytes bytes;
    uint64_t certified;
    arena_init(&arena, 16u * LIMIT_BLOCK_BYTES);
    if (chain_block_at(machine->chain, height, &arena, &bytes) != OK ||
        block_decode(bytes, &arena, &block) != OK ||
        chain_cert_after(machine->chain, height, &arena, &certified, &bytes) !=
            OK)
        judge_fails(world, "machine %u has lost block %" PRIu64, machine->index,
                    height);
    first_final(world, machine, &block);
    learn_at(world, machine, height);
    arena_done(&arena);
}

void judge_unopened(struct world *world, const struct machine *machine,
                    enum err err)
{
    tell(world, "%u does not start: %s", machine->index, err_name(err));
    if (!machine->rotten || err == ERR_NOMEM)
        judge_fails(world, "machine %u does not start: %s", machine->index,
                    err_name(err));
}

void judge_opened(struct world *world, struct machine *machine)
{
    struct chain_tip tip = chain_tip(machine->chain);
    machine->height = machine->stored_height = tip.height;
    if (tip.height == 0)
        world->finals[0].id = tip.id;
    sx_status(machine->core, &machine->before);
    rules_opened(world, machine);
    rules_forgets(machine);
    judge_votes_there(world, machine);
    if (machine->rotten)
        return;
    /* On the disk, and it died before it could tell. */
    while (world->final_count <= tip.height)
        judge_find_final(world, machine, world->final_count);
    if (tip.height > 0 && !world->plan.overload &&
        !hash_equal(&world->finals[tip.height].id, &tip.id))
        judge_fails(world, "I1: machine %u opens on another block %" PRIu64,
                    machine->index, tip.height);
    if (machine_honest(machine) && !machine->wiped && machine->before.amnesia)
        judge_fails(world, "machine %u has its log and believes it has not",
                    machine->index);
    if (machine_honest(machine) && !machine->wiped &&
        machine->public_epoch == machine->before.epoch &&
        machine->public_view > machine->before.view)
        judge_fails(world,
                    "I6: machine %u was in view %" PRIu64 " of epoch %" PRIu64
                    " and starts in view %" PRIu64,
                    machine->index, machine->public_view, machine->public_epoch,
                    machine->before.view);
}

/* ---- notices ---- */

static bool is_honest_key(const struct world *world, const struct pubkey *key)
{
    for (uint32_t i = 0; i < world->machine_count; i++)
        if (pubkey_equal(&world->machines[i].signer.key, key) &&
            !machine_honest(&world->machines[i]))
            return false;
    return true;
}

/* All it has forgotten lies below the last decision. */
static void check_recalled(struct world *world, const struct machine *machine)
{
    struct sx_status now;
    sx_status(machine->core, &now);
    if (machine_honest(machine) && (machine->said_epoch > now.epoch ||
                                    (machine->said_epoch == now.epoch &&
                                     machine->said_view > now.final_view)))
        judge_fails(world,
                    "machine %u recalls too early: it voted in e%" PRIu64
                    " v%" PRIu64 ", and e%" PRIu64 " v%" PRIu64 " is decided",
                    machine->index, machine->said_epoch, machine->said_view,
                    now.epoch, now.final_view);
}

void judge_notice(struct world *world, struct machine *machine,
                  const struct sx_effect *effect)
{
    static const char *const names[] = {
        "?",     "equivocation", "twin", "amnesia", "recalled",
        "clock", "joined",       "left", "fetches", "fetched"};
    const struct validators *set = votes_set(world, machine->before.epoch);
    unsigned notice = (unsigned)effect->notice;
    tell(world, "%u notices: %s (%u)", machine->index,
         notice < 10 ? names[notice] : "?", effect->index);
    world->notices[notice & 15]++;
    if (!machine_honest(machine))
        machine->twin_seen |= effect->notice == SX_NOTICE_TWIN;
    if (effect->notice == SX_NOTICE_TWIN && machine_honest(machine))
        judge_fails(world, "machine %u sees a twin that is not",
                    machine->index);
    if (effect->notice == SX_NOTICE_AMNESIA) {
        machine->amnesia_seen = true;
        if (machine_honest(machine) && !machine->wiped)
            judge_fails(world, "machine %u forgets without a loss",
                        machine->index);
    }
    if (effect->notice == SX_NOTICE_FETCHED)
        judge_fetched(world, machine);
    if (effect->notice == SX_NOTICE_RECALLED)
        check_recalled(world, machine);
    if (effect->notice == SX_NOTICE_EQUIVOCATION && set != NULL &&
        effect->index < set->count &&
        is_honest_key(world, &set->items[effect->index].key))
        judge_fails(world,
                    "I11: machine %u accuses validator %u, who is honest",
                    machine->index, effect->index);
}

void judge_halt(struct world *world, struct machine *machine, enum err err)
{
    tell(world, "%u halts: %s", machine->index, err_name(err));
    /* What too many dishonest decide may be wrong in every way. */
    if (world->plan.overload && !err_is_fault(err))
        return;
    if (machine->acts != 0 || machine->rotten)
        return;
    judge_fails(world, "machine %u halts: %s", machine->index, err_name(err));
}
