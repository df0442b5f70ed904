/* Newcomers that fetch the state: what they stand on is what the others have
 * decided and executed; on the way there they take what they asked for, if it
 * holds, and nothing else. */

#include "tests/sim/consensus/world.h"

#include "ledger/state/smt_page.h"

#include <inttypes.h>
#include <string.h>

#define ASK_MS    4000u /* no answer by then (sx_pages.c) */
#define PEER_ASKS 2u    /* open at one peer */
#define QUIET_US  (20 * SECOND)

/* ---- asking ---- */

static struct fetch_ask *newest(struct machine *machine, uint32_t back)
{
    return &machine->asks[(machine->ask_count - 1 - back) % FETCH_ASKS];
}

static uint32_t asks_kept(const struct machine *machine)
{
    return machine->ask_count < FETCH_ASKS ? machine->ask_count : FETCH_ASKS;
}

/* Questions about another target are over. */
static uint32_t open_at(const struct world *world, struct machine *machine,
                        uint64_t peer, uint64_t epoch)
{
    uint64_t now_ms = machine_mono_ms(world, machine);
    uint32_t open = 0;
    for (uint32_t i = 0; i < asks_kept(machine); i++) {
        const struct fetch_ask *ask = newest(machine, i);
        if (ask->peer == peer && !ask->over &&
            (ask->steps || ask->epoch == epoch) && now_ms < ask->at_ms + ASK_MS)
            open++;
    }
    return open;
}

static void note_ask(const struct world *world, struct machine *machine,
                     uint64_t peer, const struct sx_msg *msg)
{
    machine->ask_count++;
    *newest(machine, 0) =
        (struct fetch_ask){.number = msg->ask,
                           .peer = peer,
                           .epoch = msg->epoch,
                           .at_ms = machine_mono_ms(world, machine),
                           .count = msg->item_count,
                           .steps = msg->tag == SX_MSG_GET_STEPS};
}

void fetch_asks(struct world *world, struct machine *machine,
                const struct sx_effect *effect)
{
    static struct sx_msg msg;
    uint8_t tag = effect->bytes.len > 0 ? effect->bytes.ptr[0] : 0;
    if ((tag != SX_MSG_GET_STEPS && tag != SX_MSG_GET_PAGES) ||
        !machine_honest(machine) || sx_msg_decode(effect->bytes, &msg) != OK)
        return;
    for (uint32_t i = 0; i < machine->poisoner_count; i++)
        if (machine->poisoners[i] == effect->peer)
            judge_fails(world,
                        "machine %u asks again who gave it what does "
                        "not hold",
                        machine->index);
    note_ask(world, machine, effect->peer, &msg);
    if (open_at(world, machine, effect->peer, msg.epoch) > PEER_ASKS)
        judge_fails(world, "machine %u asks one peer for everything at once",
                    machine->index);
}

void fetch_blames(struct machine *machine, uint64_t peer)
{
    if (machine->answered && machine->poisoner_count < MACHINES_MAX)
        machine->poisoners[machine->poisoner_count++] = peer;
}

void fetch_unlinked(struct machine *machine, uint64_t peer)
{
    for (uint32_t i = 0; i < asks_kept(machine); i++)
        if (newest(machine, i)->peer == peer)
            newest(machine, i)->over = true;
}

/* ---- answers ---- */

/* Why may it take nothing of this? */
static const char *never(struct machine *machine, uint64_t peer,
                         const struct sx_msg *msg, bool wrong)
{
    if (wrong)
        return "takes what does not hold";
    for (uint32_t i = 0; i < asks_kept(machine); i++) {
        struct fetch_ask *ask = newest(machine, i);
        if (ask->number != msg->ask || ask->peer != peer || ask->over ||
            ask->steps != (msg->tag == SX_MSG_STEPS))
            continue;
        ask->over = true;
        return !ask->steps && msg->item_count > ask->count
                   ? "takes more than it asked for"
                   : NULL;
    }
    return "takes what it did not ask for";
}

struct fetch_told fetch_hears(struct machine *machine,
                              const struct sx_event *event,
                              const struct letter *letter)
{
    static struct sx_msg msg;
    struct fetch_told told = {.never = NULL};
    struct sx_status now;
    uint8_t tag = letter->len > 0 ? letter->bytes[0] : 0;
    if ((tag != SX_MSG_STEPS && tag != SX_MSG_PAGES) ||
        !machine_honest(machine) ||
        sx_msg_decode(letter_bytes(letter), &msg) != OK)
        return told;
    memset(&now, 0, sizeof(now));
    sx_status(machine->core, &now);
    machine->answered = true;
    told.never = never(machine, event->peer, &msg, letter->wrong);
    told.pages = now.fetch.pages;
    told.step = now.fetch.step;
    return told;
}

void fetch_heard(struct world *world, struct machine *machine,
                 const struct machine *from, const struct fetch_told *told)
{
    struct sx_status now;
    machine->answered = false;
    if (told->never == NULL)
        return;
    memset(&now, 0, sizeof(now));
    sx_status(machine->core, &now);
    if (now.fetch.pages > told->pages || now.fetch.step > told->step)
        judge_fails(world, "machine %u %s, from %u", machine->index,
                    told->never, from->index);
}

/* Where all is well, even who was silent for long is asked again by then. */
void fetch_step(struct world *world, struct machine *machine,
                const struct sx_status *now)
{
    bool asks = now->fetch.stage != SX_FETCH_PAGES || now->fetch.target == 0 ||
                now->fetch.peers > 0;
    if (asks || !world->healed || !machine_honest(machine) ||
        machine->asked_us > world->now_us || machine->asked_us == 0)
        machine->asked_us = world->now_us;
    if (world->now_us - machine->asked_us > QUIET_US)
        judge_fails(world, "machine %u lacks pages and asks nobody",
                    machine->index);
}

/* ---- the store ---- */

static bool leaf_holds(struct store *store, const struct smt_slot *leaf)
{
    uint8_t key[STORE_KEY_MAX];
    uint8_t value[LIMIT_STATE_VALUE];
    size_t key_len = 0;
    size_t len = 0;
    struct hash hash;
    if (store_read(store, STORE_PATH, hash_as_bytes(&leaf->hash), key,
                   sizeof(key), &key_len) != OK ||
        store_read(store, STORE_STATE, bytes_make(key, key_len), value,
                   sizeof(value), &len) != OK)
        return false;
    hash_bytes(HASH_TAG_VALUE, bytes_make(value, len), &hash);
    return hash_equal(&hash, &leaf->value);
}

static bool page_holds(struct store *store, const struct hash *path,
                       unsigned depth, struct smt_slot *out_top)
{
    uint8_t key[SMT_PAGE_KEY_MAX];
    uint8_t raw[SMT_PAGE_BYTES_MAX];
    struct smt_page page;
    size_t len = 0;
    if (store_read(store, STORE_PAGE, smt_page_key(path, depth, key), raw,
                   sizeof(raw), &len) != OK ||
        smt_page_decode(bytes_make(raw, len), path, depth, &page) != OK)
        return false;
    for (unsigned i = 0; i < SMT_SLOTS; i++) {
        const struct smt_slot *slot = &page.slots[i];
        struct hash below = *path;
        struct smt_slot top;
        struct hash hash;
        if (slot->kind == SMT_LEAF && !leaf_holds(store, slot))
            return false;
        if (slot->kind != SMT_NODE)
            continue;
        below.b[depth / 8] |= (uint8_t)(i << (depth % 8 == 0 ? 4 : 0));
        if (!page_holds(store, &below, depth + 4, &top))
            return false;
        smt_slot_hash(&top, &hash);
        if (!hash_equal(&hash, &slot->hash))
            return false;
    }
    smt_fold(page.slots, SMT_SLOTS, out_top);
    return true;
}

/* A page is there only when all below it is: so where the root page is, the
 * whole tree is. */
void fetch_committed(struct world *world, struct machine *machine)
{
    static const struct hash root;
    struct store *store = machine->disk.store;
    uint8_t key[SMT_PAGE_KEY_MAX];
    uint8_t raw[SMT_PAGE_BYTES_MAX];
    struct smt_slot top;
    size_t len = 0;
    if (!machine->up || !machine_honest(machine) || machine->rotten ||
        !chain_is_syncing(machine->chain) ||
        store_read(store, STORE_PAGE, smt_page_key(&root, 0, key), raw,
                   sizeof(raw), &len) != OK)
        return;
    if (!page_holds(store, &root, 0, &top))
        judge_fails(world,
                    "machine %u has a root page, and not what is below it",
                    machine->index);
}

/* ---- the end ---- */

/* Whoever gave the pages may not have told of the block yet: it is on a disk.
 */
static void find_told(struct world *world, uint64_t height)
{
    for (uint32_t i = 0; i < world->machine_count; i++) {
        struct machine *other = &world->machines[i];
        if (other->up && chain_base(other->chain) < height &&
            chain_tip(other->chain).height >= height) {
            judge_find_final(world, other, height);
            return;
        }
    }
}

void judge_fetched(struct world *world, struct machine *machine)
{
    struct chain_tip tip = chain_tip(machine->chain);
    struct validators set;
    uint64_t epoch = tip.header.epoch;
    world->fetches++;
    while (world->final_count <= tip.height) {
        uint64_t before = world->final_count;
        find_told(world, before);
        if (world->final_count == before)
            judge_fails(world,
                        "machine %u fetched the state of block %" PRIu64
                        ", which nobody has",
                        machine->index, tip.height);
    }
    if (!hash_equal(&world->finals[tip.height].id, &tip.id) &&
        !world->plan.overload)
        judge_fails(world, "I1: machine %u fetched another block %" PRIu64,
                    machine->index, tip.height);
    if (chain_base(machine->chain) != tip.height ||
        tip.height != epoch * world->plan.epoch_blocks)
        judge_fails(world, "machine %u stands on %" PRIu64 ", no epoch's end",
                    machine->index, tip.height);
    if (epoch < world->plan.sync_epochs)
        judge_fails(world,
                    "machine %u fetched the state when %" PRIu64
                    " epochs had ended",
                    machine->index, epoch);
    /* The whole state, record by record, and the money. */
    if (chain_audit_state(machine->chain) != OK ||
        chain_audit_money(machine->chain) != OK)
        judge_fails(world, "I7: machine %u: the fetched state does not hold",
                    machine->index);
    for (uint64_t e = epoch + 1; e <= epoch + 2; e++) {
        if (chain_set_of(machine->chain, e, &set) != OK)
            judge_fails(world, "machine %u fetched no set of epoch %" PRIu64,
                        machine->index, e);
        if (e < world->set_count && world->sets[e].count > 0)
            judge_same_set(world, machine, e, &set);
    }
    machine->height = machine->stored_height = tip.height;
    tell(world, "%u has fetched the state of block %" PRIu64, machine->index,
         tip.height);
}
