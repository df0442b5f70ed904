/* Rules of one node, looked at where it obeys them: a rule that only one of
 * many breaks does no harm yet, and the world need not wait until it does. */

#include "tests/sim/consensus/world.h"

#include "ledger/sx/sx_room.h"

#include <inttypes.h>

#define DELAY_TIMES_MAX 60u
#define DELAY_MS_MAX    10000u
#define ASK_DELAYS      4u
#define LOOSE_MAX       8u /* blocks more than views, of forks that die */

/* ---- a notarize vote ---- */

static void check_parent(struct world *world, const struct machine *machine,
                         const struct proposal *on, uint64_t final_view)
{
    if (on->parent_view < final_view)
        judge_fails(world,
                    "machine %u notarizes view %" PRIu64 " on view %" PRIu64
                    ", and has view %" PRIu64 " decided",
                    machine->index, on->view, on->parent_view, final_view);
    if (on->parent_view > 0 &&
        !votes_notarized(world, on->epoch, on->parent_view))
        judge_fails(world,
                    "machine %u notarizes view %" PRIu64 " on view %" PRIu64
                    ", which nobody can have seen notarized",
                    machine->index, on->view, on->parent_view);
    for (uint64_t view = on->parent_view + 1; view < on->view; view++)
        if (!votes_null(world, on->epoch, view))
            judge_fails(world,
                        "machine %u notarizes view %" PRIu64 " across view "
                        "%" PRIu64 ", which nobody can have seen null",
                        machine->index, on->view, view);
}

static void check_root(struct world *world, const struct machine *machine,
                       const struct proposal *on)
{
    uint64_t root = (on->epoch - 1) * world->plan.epoch_blocks;
    if (root < world->final_count &&
        hash_equal(&world->finals[root].id, &on->id))
        judge_fails(world,
                    "machine %u notarizes the root of epoch %" PRIu64
                    " in view %" PRIu64,
                    machine->index, on->epoch, on->view);
}

void rules_notarize(struct world *world, const struct machine *machine,
                    const struct proposal *on, uint64_t final_view)
{
    judge_learn_set(world, machine, on->epoch);
    if (world->plan.overload || votes_set(world, on->epoch) == NULL)
        return;
    check_parent(world, machine, on, final_view);
    check_root(world, machine, on);
    if (!votes_led(world, on, &machine->signer.key))
        judge_fails(world,
                    "machine %u notarizes in view %" PRIu64
                    " what its leader has not proposed",
                    machine->index, on->view);
}

/* ---- a nullify vote ---- */

#define AWAY_MS 3000u

/* Has a link brought something of this validator of late? */
static bool was_heard(const struct sx *core, uint64_t index)
{
    for (uint32_t i = 0; i < core->peer_count; i++) {
        const struct sx_peer *peer = &core->peers[i];
        if (peer->index >= 0 && (uint64_t)peer->index == index &&
            peer->heard_ms > 0 && peer->heard_ms + AWAY_MS > core->mono_ms)
            return true;
    }
    return false;
}

/* Without a fault of its leader a view has 2D, from its beginning on. Who is
 * away is known by a silence of three seconds; that an epoch has begun is none.
 */
void rules_nullify(struct world *world, const struct machine *machine,
                   const struct proposal *on)
{
    const struct sx *core = machine->core;
    const struct sx_slot *slot = sx_slot_at(core, on->view);
    const struct vote *nulls =
        slot == NULL ? NULL : slot->votes[VOTE_NULLIFY - 1];
    uint64_t waited_ms = core->mono_ms - core->entered_ms;
    if (on->epoch != core->epoch || on->view != 1 || core->cur != 1 ||
        slot == NULL || slot->conflicted || slot->invalid ||
        !was_heard(core, sx_leader(core, 1)) ||
        (nulls != NULL && nulls[sx_leader(core, 1)].kind != 0) ||
        waited_ms >= 2 * world->plan.delay_ms)
        return;
    judge_fails(world,
                "machine %u gives up the first view of epoch %" PRIu64
                " after %" PRIu64 " ms",
                machine->index, on->epoch, waited_ms);
}

/* ---- any vote ---- */

/* A second machine with this key would have been heard. */
void rules_listened(struct world *world, const struct machine *machine)
{
    uint64_t lived_ms = (world->now_us - machine->boot_us) / MS;
    if (machine->acts == 0 && lived_ms < world->plan.listen_ms)
        judge_fails(world,
                    "machine %u signs %" PRIu64
                    " ms after its start and has to listen",
                    machine->index, lived_ms);
}

/* ---- views, delays ---- */

/* A view is left by a certificate, never by a clock alone. */
static void check_entry(struct world *world, const struct machine *machine,
                        const struct sx_status *now)
{
    uint64_t left = now->view - 1;
    if (left == 0 || world->plan.overload ||
        votes_set(world, now->epoch) == NULL)
        return;
    if (!votes_null(world, now->epoch, left) &&
        !votes_notarized(world, now->epoch, left))
        judge_fails(world,
                    "machine %u leaves view %" PRIu64 " of epoch %" PRIu64
                    ", and no certificate of it can be",
                    machine->index, left, now->epoch);
}

static void check_delay(struct world *world, const struct machine *machine,
                        const struct sx_status *now)
{
    uint64_t first = world->plan.delay_ms;
    uint64_t most = first > DELAY_MS_MAX ? first : DELAY_MS_MAX;
    if (now->delay_ms > most || now->delay_ms > first * DELAY_TIMES_MAX)
        judge_fails(world, "I9: machine %u waits for %" PRIu64 " ms",
                    machine->index, now->delay_ms);
}

/* What waits is in an undecided block, or on its way to the disk, or the next
 * leader may take it. */
static void check_pool(struct world *world, const struct machine *machine,
                       const struct sx_status *now)
{
    const struct pool *pool = sx_pool(machine->core);
    if (now->unfinal == 0 && chain_in_flight(machine->chain) == 0 &&
        pool_fresh(pool) < pool_count(pool))
        judge_fails(world,
                    "machine %u lets %u of %u transactions wait for a block "
                    "that is no more",
                    machine->index, pool_count(pool) - pool_fresh(pool),
                    pool_count(pool));
}

/* What is to be recalled is a view of which somebody can have a certificate: a
 * higher one holds a forgetful machine up. Where adding to it wraps, what comes
 * of it is looked at: it never recalls, or too early. */
static void check_mark(struct world *world, const struct machine *machine)
{
    const struct sx *core = machine->core;
    if (!core->amnesia || core->recall_view == 0 || core->recall_epoch == 0 ||
        core->recall_view > UINT64_MAX - 3 || world->plan.overload ||
        votes_set(world, core->recall_epoch) == NULL ||
        votes_null(world, core->recall_epoch, core->recall_view) ||
        votes_notarized(world, core->recall_epoch, core->recall_view))
        return;
    judge_fails(world,
                "machine %u believes in view %" PRIu64 " of epoch %" PRIu64
                ", of which no certificate can be",
                machine->index, core->recall_view, core->recall_epoch);
}

/* What it voted for stays until it is decided or the view is left: the others
 * may have it from nobody else. Too many dishonest can decide against it. */
static void check_voted(struct world *world, struct machine *machine)
{
    const struct sx *core = machine->core;
    const struct sx_slot *slot = sx_slot_at(core, core->cur);
    const struct vote *own = slot == NULL ? NULL : &slot->own[0];
    bool has = own != NULL && own->kind != 0 &&
               (sx_has_block(core, &own->on.id) ||
                hash_equal(chain_head_id(core->chain), &own->on.id));
    if (own != NULL && own->kind != 0 && !has && !world->plan.overload &&
        machine->held_epoch == core->epoch && machine->held_view == core->cur)
        judge_fails(world,
                    "machine %u has voted in view %" PRIu64
                    " for a block that it has no more",
                    machine->index, core->cur);
    machine->held_epoch = has ? core->epoch : 0;
    machine->held_view = core->cur;
}

/* Bodies that no certificate names, by this one's proposer on its parent. */
static uint32_t loose_like(const struct sx *core, const struct sx_block *one)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < core->block_count; i++) {
        const struct sx_block *block = core->blocks[i];
        count += !block->wanted && block->bytes.len > 0 &&
                 pubkey_equal(&block->header.proposer, &one->header.proposer) &&
                 hash_equal(&block->header.parent, &one->header.parent);
    }
    return count;
}

/* Of a leader's proposals in a view it keeps one: a view that ends does not
 * leave a full tree of them. */
static void check_tree(struct world *world, const struct machine *machine)
{
    const struct sx *core = machine->core;
    uint64_t views = core->cur + 1 - core->final_view;
    if (core->block_count < SX_BLOCKS_MAX)
        return;
    const struct sx_block *last = core->blocks[SX_BLOCKS_MAX - 1];
    if (last->bytes.len == 0 || loose_like(core, last) <= views + LOOSE_MAX)
        return;
    judge_fails(world,
                "I9: machine %u keeps %" PRIu32
                " blocks of one leader and %" PRIu64 " views",
                machine->index, loose_like(core, last), views);
}

/* ---- certificates that it lacks ---- */

/* Who fetches the state looks at no vote, nor does one whose log has no room.
 */
static bool is_deaf(const struct machine *machine)
{
    const struct disk *disk = &machine->disk;
    return chain_is_syncing(machine->chain) ||
           disk->next_seq - 1 - disk->synced_seq > SX_RECORDS_MAX;
}

static bool has_gap(const struct sx *core)
{
    for (uint64_t view = core->final_view + 1; view < core->cur; view++) {
        const struct sx_slot *slot = sx_slot_at(core, view);
        if (slot == NULL || (slot->certs[VOTE_NOTARIZE - 1] == NULL &&
                             slot->certs[VOTE_NULLIFY - 1] == NULL))
            return true;
    }
    return false;
}

static bool may_ask(const struct sx *core)
{
    if (core->me < 0 || core->letter_count > 0)
        return false;
    for (uint32_t i = 0; i < core->peer_count; i++)
        if (core->peers[i].index >= 0)
            return true;
    return false;
}

/* Never sooner than before: what it meant to wait when it asked counts, though
 * D has fallen since. */
static void ask_anew(struct machine *machine)
{
    uint64_t by_ms =
        machine->core->mono_ms + ASK_DELAYS * sx_pace(machine->core);
    if (by_ms > machine->ask_by_ms)
        machine->ask_by_ms = by_ms;
}

void rules_asks(struct machine *machine, struct bytes message)
{
    if (message.len > 0 && message.ptr[0] == SX_MSG_GET_CERTS)
        ask_anew(machine);
}

/* Who does not know how a view before its own has ended asks, again and again:
 * it cannot say yes to a proposal that crosses it. */
static void check_gap(struct world *world, struct machine *machine)
{
    const struct sx *core = machine->core;
    if (machine->acts != 0 || is_deaf(machine) || !may_ask(core) ||
        !has_gap(core) || machine->ask_by_ms == 0)
        ask_anew(machine);
    else if (core->mono_ms > machine->ask_by_ms)
        judge_fails(world,
                    "machine %u does not know how all views before %" PRIu64
                    " ended, and asks nobody",
                    machine->index, core->cur);
}

void rules_step(struct world *world, struct machine *machine,
                const struct sx_status *now)
{
    const struct sx_status *before = &machine->before;
    if (now->epoch > before->epoch || now->view > before->view)
        check_entry(world, machine, now);
    if (now->view > before->view)
        check_tree(world, machine);
    check_mark(world, machine);
    check_voted(world, machine);
    check_delay(world, machine, now);
    check_gap(world, machine);
    check_pool(world, machine, now);
}

/* ---- a loss ---- */

/* Whatever was lost, and however often: what it has said, in any of its lives,
 * is over, or it knows of it, or it knows that it has forgotten. */
static void check_past(struct world *world, const struct machine *machine)
{
    const struct sx_status *now = &machine->before;
    bool ahead = machine->said_epoch > now->epoch;
    if (!machine_honest(machine) || now->amnesia || now->twin)
        return;
    if (machine->said_epoch == now->epoch &&
        machine->said_view > now->final_view) {
        const struct sx_slot *slot =
            sx_slot_at(machine->core, machine->said_view);
        ahead =
            slot == NULL || (slot->own[0].kind == 0 && slot->own[1].kind == 0 &&
                             slot->own[2].kind == 0);
    }
    if (ahead)
        judge_fails(world,
                    "machine %u starts in epoch %" PRIu64 " with view %" PRIu64
                    " decided, does not know its vote "
                    "of epoch %" PRIu64 " view %" PRIu64
                    ", and believes it knows all",
                    machine->index, now->epoch, now->final_view,
                    machine->said_epoch, machine->said_view);
}

/* Who has lost its log says nothing before it has recalled, however often it
 * starts. */
void rules_opened(struct world *world, const struct machine *machine)
{
    check_past(world, machine);
    if (machine->forgot && !machine->rotten && machine->acts == 0 &&
        machine_validates(machine) && !machine->before.amnesia)
        judge_fails(world, "machine %u has lost its log and believes it has it",
                    machine->index);
}

void rules_forgets(struct machine *machine)
{
    struct sx_status now;
    sx_status(machine->core, &now);
    machine->words = 0;
    machine->words_epoch = now.epoch;
}

/* A certificate proves how far the other is; the first view takes none. */
void rules_word(struct machine *machine, const struct machine *from,
                const struct letter *letter)
{
    static struct sx_msg msg;
    if (letter->len > 0 && letter->bytes[0] == SX_MSG_STATUS &&
        sx_msg_decode(letter_bytes(letter), &msg) == OK &&
        (msg.cert.len > 0 || msg.view <= 1))
        machine->words |= UINT64_C(1) << from->index;
}

static uint64_t words_weight(const struct world *world,
                             const struct machine *machine,
                             const struct validators *set)
{
    bool counted[LIMIT_VALIDATORS] = {false};
    uint64_t weight = 0;
    for (uint32_t i = 0; i < world->machine_count; i++) {
        int index = validators_find(set, &world->machines[i].signer.key);
        if ((machine->words >> i & 1) == 0 || index < 0 || counted[index])
            continue;
        counted[index] = true;
        weight += set->items[index].weight;
    }
    return weight;
}

/* Who signs again has heard a quorum, in one of the epochs of this life. */
void rules_recalled(struct world *world, const struct machine *machine)
{
    struct sx_status now;
    sx_status(machine->core, &now);
    for (uint64_t epoch = machine->words_epoch; epoch <= now.epoch; epoch++) {
        const struct validators *set = votes_set(world, epoch);
        if (set == NULL ||
            words_weight(world, machine, set) >= validators_quorum(set))
            return;
    }
    judge_fails(world, "machine %u recalls what no quorum has told it",
                machine->index);
}

/* ---- votes in another's name ---- */

/* A leader could have an accomplice sign its second proposal, and nobody would
 * be guilty: who says a vote signs it, or is called bad. */
bool rules_foreign(struct world *world, const struct machine *machine,
                   uint64_t peer, const struct machine *from,
                   const struct letter *letter)
{
    static struct sx_msg msg;
    const struct sx_status *now = &machine->before;
    const struct validators *set = votes_set(world, now->epoch);
    if (machine->acts != 0 || !now->validator || set == NULL ||
        is_deaf(machine) || letter->len == 0 ||
        (letter->bytes[0] != SX_MSG_VOTE && letter->bytes[0] != SX_MSG_PROPOSE))
        return false;
    if (sx_msg_decode(letter_bytes(letter), &msg) != OK ||
        msg.vote.on.epoch != now->epoch || msg.vote.index >= set->count)
        return false;
    return !pubkey_equal(&set->items[msg.vote.index].key, &from->signer.key) &&
           sx_peer_signs(machine->core, peer);
}

/* ---- numbers of transactions ---- */

/* What would its rules say of it in the next block, were it its turn? */
static enum err as_next(struct world *world, struct machine *machine,
                        const struct tx *tx, uint64_t nonce)
{
    struct tx next = *tx;
    int64_t us = (int64_t)world->now_us + machine->skew_us;
    next.nonce = nonce;
    return chain_check_tx(machine->chain, &next,
                          (uint64_t)((int64_t)WORLD_T0 + us / (int64_t)MS));
}

static void check_holder(struct world *world, struct machine *machine,
                         const struct tx *tx)
{
    struct account account;
    if (account_get(chain_head_state(machine->chain), &tx->sender, &account) !=
            OK ||
        tx->nonce < account.nonce)
        return;
    const struct pool_entry *holder =
        pool_account_next(sx_pool(machine->core), &tx->sender, tx->nonce);
    if (holder == NULL || holder->tx.nonce != tx->nonce ||
        holder->carried > 0 || hash_equal(&holder->tx.id, &tx->id))
        return;
    if (as_next(world, machine, &holder->tx, account.nonce) != OK &&
        as_next(world, machine, tx, account.nonce) == OK)
        judge_fails(world,
                    "machine %u keeps a number for what no block can take",
                    machine->index);
}

/* One validator alone decides while it is told: then it is too late to ask. */
void rules_refused(struct world *world, struct machine *machine,
                   const struct sim_tx *tx, enum err err)
{
    struct arena arena;
    struct tx read;
    if (err != ERR_NONCE || world->plan.keys == 1 || !machine_honest(machine) ||
        chain_is_syncing(machine->chain))
        return;
    arena_init(&arena, 1u << 16);
    if (tx_decode(letter_bytes(tx->letter), &arena, &read) == OK)
        check_holder(world, machine, &read);
    arena_done(&arena);
}
