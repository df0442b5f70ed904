/* What must hold when it is over. */

#include "tests/sim/consensus/world.h"

#include "base/check.h"
#include "ledger/account.h"
#include "ledger/light.h"

#include <inttypes.h>
#include <stdio.h>

#define PAIRS_MAX 20u

static char why_text[160];

static bool lags(const struct world *world, const struct machine *machine)
{
    uint64_t tip = world->final_count - 1;
    return !machine->up || machine->height != tip;
}

/* Two machines with one key, both there: once words get through between them,
 * one has to notice. */
static bool copies_go_on(const struct world *world)
{
    for (uint32_t i = 0; i < world->machine_count; i++) {
        const struct machine *copy = &world->machines[i];
        const struct machine *first =
            &world->machines[copy->key_number % MACHINES_MAX];
        if (!copy->copy || !copy->up || !first->up || copy->before.twin ||
            first->before.twin || copy->before.amnesia)
            continue;
        snprintf(why_text, sizeof(why_text),
                 "machines %u and %u have one key and go on", first->index,
                 copy->index);
        return true;
    }
    return false;
}

bool judge_settled(struct world *world, uint64_t height, const char **out_why)
{
    const uint64_t tip = world->final_count - 1;
    *out_why = why_text;
    if (people_open(world) > 0) {
        snprintf(why_text, sizeof(why_text),
                 "%" PRIu64 " transactions are not final", people_open(world));
        return false;
    }
    if (tip <= height) {
        snprintf(why_text, sizeof(why_text), "still at height %" PRIu64, tip);
        return false;
    }
    for (uint32_t i = 0; i < world->machine_count; i++) {
        const struct machine *machine = &world->machines[i];
        if (!machine_honest(machine))
            continue;
        if (lags(world, machine)) {
            snprintf(why_text, sizeof(why_text),
                     "machine %u is at %" PRIu64 " of %" PRIu64, i,
                     machine->height, tip);
            return false;
        }
        if (machine->before.amnesia) {
            snprintf(why_text, sizeof(why_text),
                     "machine %u still has not recalled", i);
            return false;
        }
        /* What has expired meanwhile goes when it would be handed on. */
        if (pool_count(sx_pool(machine->core)) > 0) {
            snprintf(why_text, sizeof(why_text),
                     "machine %u: %u transactions wait", i,
                     pool_count(sx_pool(machine->core)));
            return false;
        }
    }
    return !copies_go_on(world);
}

/* Everything that was taken was answered. */
static void check_answers(struct world *world, const struct machine *machine)
{
    for (size_t i = 0; i < machine->taken_cap; i++)
        if (machine->taken[i] != 0)
            judge_fails(world,
                        "machine %u took transaction %zu and never answered",
                        machine->index, i);
    if (pool_count(sx_pool(machine->core)) > 0)
        judge_fails(world, "machine %u: %u transactions wait for ever",
                    machine->index, pool_count(sx_pool(machine->core)));
}

static void check_money(struct world *world, struct machine *machine)
{
    enum err err = chain_audit_money(machine->chain);
    if (err != OK)
        judge_fails(world, "I12: machine %u: %s", machine->index,
                    err_name(err));
    err = chain_audit_state(machine->chain);
    if (err != OK)
        judge_fails(world, "I7: machine %u: its state: %s", machine->index,
                    err_name(err));
}

/* The whole way from the genesis to a proof that stands on the tip. */
static enum err make_file(struct chain *chain, uint64_t epoch,
                          struct bytes proof, struct buf *out)
{
    uint64_t at;
    TRY(chain_prove_start(chain, NULL, out, &at));
    for (; at < epoch; at++)
        TRY(chain_prove_step(chain, at, out));
    buf_add(out, proof);
    return out->err;
}

/* Who has nothing but the genesis' hash believes it over all epochs, and
 * nothing else. */
static void check_file(struct world *world, struct machine *machine,
                       struct bytes proof)
{
    struct chain_tip tip = chain_tip(machine->chain);
    struct light_proof got;
    struct arena arena;
    struct buf file;
    buf_init(&file, LIGHT_BYTES_MAX);
    arena_init(&arena, 1u << 16);
    enum err err = make_file(machine->chain, tip.header.epoch, proof, &file);
    if (err == OK)
        err = light_check(buf_bytes(&file), &world->genesis.chain, NULL, &arena,
                          &got);
    if (err != OK || !hash_equal(&got.state.id, &world->finals[tip.height].id))
        judge_fails(world, "I8: machine %u: a proof file fails: %s",
                    machine->index, err_name(err));
    if (err == OK) {
        size_t at = dice_below(&world->dice, file.len);
        file.ptr[at] ^= (uint8_t)(1u << dice_below(&world->dice, 8));
        if (light_check(buf_bytes(&file), &world->genesis.chain, NULL, &arena,
                        &got) == OK)
            judge_fails(world, "I8: a file with byte %zu damaged passes", at);
    }
    arena_done(&arena);
    buf_done(&file);
}

/* A light client that has the genesis believes what is true, and nothing else.
 */
static void check_proof(struct world *world, struct machine *machine)
{
    const struct client *client =
        &world->clients[dice_below(&world->dice, world->plan.clients)];
    const struct validators *set;
    struct chain_tip tip = chain_tip(machine->chain);
    struct state_proof proof;
    struct bytes key = BYTES_OF(client->key.signer.key.b);
    struct buf buf;
    enum err err;
    if (tip.height == 0)
        return;
    buf_init(&buf, PROOF_BYTES_MAX);
    err = chain_prove(machine->chain, STATE_ACCOUNT, key, &buf);
    set = votes_set(world, tip.header.epoch);
    CHECK(set != NULL);
    if (err == OK)
        err = proof_check_state(buf_bytes(&buf), &world->genesis.chain, set,
                                &proof);
    if (err != OK || !proof.present ||
        !hash_equal(&proof.id, &world->finals[tip.height].id))
        judge_fails(world, "I8: machine %u: a proof fails: %s", machine->index,
                    err_name(err));
    if (err == OK)
        check_file(world, machine, buf_bytes(&buf));
    for (int i = 0; i < 8; i++) {
        size_t at = dice_below(&world->dice, buf.len);
        uint8_t bit = (uint8_t)(1u << dice_below(&world->dice, 8));
        buf.ptr[at] ^= bit;
        if (proof_check_state(buf_bytes(&buf), &world->genesis.chain, set,
                              &proof) == OK)
            judge_fails(world, "I8: a proof with byte %zu damaged passes", at);
        buf.ptr[at] ^= bit;
    }
    buf_done(&buf);
}

static void check_replay(struct world *world, struct machine *machine)
{
    struct kind_table kinds = {NULL, 0};
    struct verify_report report;
    enum err err = chain_verify(machine->disk.store, &world->genesis, &kinds,
                                NULL, NULL, NULL, &report);
    if (err != OK)
        judge_fails(world,
                    "I7: machine %u: from the genesis, at %" PRIu64 ": %s (%s)",
                    machine->index, report.height,
                    report.what == NULL ? "" : report.what, err_name(err));
}

/* Guilt that was seen again and again is told. */
static void check_guilt(struct world *world)
{
    if (!world->plan.overload && world->pairs >= PAIRS_MAX &&
        world->notices[SX_NOTICE_EQUIVOCATION] == 0)
        judge_fails(world,
                    "%" PRIu64 " pairs of votes prove guilt, and nobody "
                    "says so",
                    world->pairs);
    if (!world->plan.overload && world->foreign >= PAIRS_MAX &&
        world->foreign_told == 0)
        judge_fails(world,
                    "%" PRIu64 " votes came in another's name, and "
                    "nobody minded",
                    world->foreign);
}

void judge_end(struct world *world)
{
    uint32_t last = NOBODY;
    bool decides = world_can_decide(world);
    check_guilt(world);
    for (uint32_t i = 0; i < world->machine_count; i++) {
        struct machine *machine = &world->machines[i];
        if (!machine_honest(machine) || !machine->up || world->plan.overload)
            continue;
        if (decides)
            check_answers(world, machine);
        /* What is on its way to the disk is there already, or not yet. */
        if (chain_in_flight(machine->chain) > 0)
            continue;
        check_money(world, machine);
        check_proof(world, machine);
        last = i;
    }
    if (last == NOBODY)
        return;
    check_replay(world, &world->machines[last]);
}
