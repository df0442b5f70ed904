/* What a machine signs, logs and says: nothing leaves that is not on its disk,
 * and nothing is signed that could be held against it. vote_sign is wrapped at
 * link time, so that nothing is signed unseen. */

#include "tests/sim/consensus/world.h"

#include "base/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- signing ---- */

enum err __real_vote_sign(enum vote_kind kind, const struct proposal *on,
                          uint16_t index, const struct hash *chain,
                          const struct signer *signer, struct vote *out);
enum err __wrap_vote_sign(enum vote_kind kind, const struct proposal *on,
                          uint16_t index, const struct hash *chain,
                          const struct signer *signer, struct vote *out);

struct world *judge_world; /* there is one */

static struct machine *signer_of(struct world *world,
                                 const struct signer *signer)
{
    for (uint32_t i = 0; i < world->machine_count; i++)
        if (&world->machines[i].signer == signer)
            return &world->machines[i];
    return NULL;
}

static void conflict(struct world *world, const struct machine *machine,
                     const struct proposal *on, const char *what)
{
    judge_fails(world,
                "I4: machine %u signs in one life: %s, epoch %" PRIu64
                " view %" PRIu64,
                machine->index, what, on->epoch, on->view);
}

/* The pairs that are evidence, within one life. */
static void check_own(struct world *world, struct machine *machine,
                      enum vote_kind kind, const struct proposal *on)
{
    struct own_slot *slot =
        &machine->own[(on->view + on->epoch * 31) % OWN_SLOTS];
    if (slot->epoch != on->epoch || slot->view != on->view)
        *slot = (struct own_slot){.epoch = on->epoch, .view = on->view};
    if (kind == VOTE_NOTARIZE) {
        if (slot->notarized)
            conflict(world, machine, on, "two notarize votes");
        if (slot->nullified || slot->finalized)
            conflict(world, machine, on, "notarize after the view was left");
        slot->notarized = true;
        slot->notarized_id = on->id;
    } else if (kind == VOTE_NULLIFY) {
        if (slot->finalized)
            conflict(world, machine, on, "nullify after finalize");
        if (slot->nullified)
            conflict(world, machine, on, "a second nullify vote");
        slot->nullified = true;
    } else {
        if (slot->nullified)
            conflict(world, machine, on, "finalize after nullify");
        if (slot->finalized)
            conflict(world, machine, on, "two finalize votes");
        if (slot->notarized && !hash_equal(&slot->notarized_id, &on->id))
            conflict(world, machine, on, "finalize of another block");
        slot->finalized = true;
        slot->finalized_id = on->id;
    }
}

/* An epoch's last block, or an old tip, was proposed again; it is decided. */
static void note_decided(struct machine *machine, enum vote_kind kind,
                         const struct proposal *on)
{
    struct chain_tip head = chain_head(machine->chain);
    if (kind == VOTE_FINALIZE && hash_equal(&head.id, &on->id))
        machine->blocks[machine->block_count++ % BLOCKS_KEPT] =
            (struct logged_block){.id = on->id};
}

static void signed_vote(struct world *world, struct machine *machine,
                        enum vote_kind kind, const struct proposal *on)
{
    uint64_t last = (on->epoch - 1) * world->plan.epoch_blocks;
    struct sx_status status;
    tell(world,
         "%u signs %s e%" PRIu64 " v%" PRIu64 " on v%" PRIu64 " %02x%02x%02x",
         machine->index,
         kind == VOTE_NOTARIZE  ? "notarize"
         : kind == VOTE_NULLIFY ? "nullify"
                                : "finalize",
         on->epoch, on->view, on->parent_view, on->id.b[0], on->id.b[1],
         on->id.b[2]);
    check_own(world, machine, kind, on);
    note_decided(machine, kind, on);
    if (machine->acts != 0)
        return;
    sx_status(machine->core, &status);
    if (on->epoch == status.epoch &&
        (on->view <= status.final_view ||
         (kind == VOTE_NOTARIZE && on->view != status.view)))
        judge_fails(world,
                    "machine %u signs in view %" PRIu64 ", and is in %" PRIu64
                    " with %" PRIu64 " decided",
                    machine->index, on->view, status.view, status.final_view);
    if (kind == VOTE_NOTARIZE && on->epoch == status.epoch)
        rules_notarize(world, machine, on, status.final_view);
    if (kind == VOTE_NULLIFY)
        rules_nullify(world, machine, on);
    rules_listened(world, machine);
    if (status.amnesia || status.twin)
        judge_fails(world, "machine %u signs though it must not",
                    machine->index);
    /* A state that was fetched is stored, and told of behind this. */
    if (machine->stored_height < last && chain_base(machine->chain) < last)
        judge_fails(world,
                    "machine %u signs in epoch %" PRIu64
                    " before its root is stored",
                    machine->index, on->epoch);
    if (on->epoch == status.epoch && on->view > status.view)
        judge_fails(world, "machine %u signs in a view to come",
                    machine->index);
}

enum err __wrap_vote_sign(enum vote_kind kind, const struct proposal *on,
                          uint16_t index, const struct hash *chain,
                          const struct signer *signer, struct vote *out)
{
    struct machine *machine = signer_of(judge_world, signer);
    enum err err = __real_vote_sign(kind, on, index, chain, signer, out);
    if (err != OK || machine == NULL)
        return err;
    signed_vote(judge_world, machine, kind, on);
    votes_signed(judge_world, out);
    if (machine->pending_count == SIGNED_MAX)
        judge_fails(judge_world, "machine %u signs and does not log",
                    machine->index);
    machine->pending[machine->pending_count++] = (struct pending_vote){
        .sig = out->sig, .epoch = on->epoch, .view = on->view};
    return OK;
}

/* ---- the log ---- */

static bool holds(struct bytes body, const struct signature *sig)
{
    for (size_t i = 0; i + sizeof(sig->b) <= body.len; i++)
        if (body.ptr[i] == sig->b[0] &&
            memcmp(body.ptr + i, sig->b, sizeof(sig->b)) == 0)
            return true;
    return false;
}

/* A body in the log, wherever in the record its header stands. */
static void note_block(const struct world *world, struct machine *machine,
                       uint64_t seq, struct bytes body)
{
    const struct hash *chain = &world->genesis.chain;
    for (size_t i = 2; i + HEADER_BYTES - 2 <= body.len && i < 64; i++) {
        struct cursor cursor;
        struct header header;
        struct logged_block *block;
        if (memcmp(body.ptr + i, chain->b, HASH_LEN) != 0)
            continue;
        cursor_init(&cursor, bytes_make(body.ptr + i - 2, HEADER_BYTES));
        header_decode(&cursor, &header);
        if (cursor.err != OK)
            continue;
        block = &machine->blocks[machine->block_count++ % BLOCKS_KEPT];
        block->seq = seq;
        header_id(&header, &block->id);
        return;
    }
}

/* Whoever finalizes has the block, whatever happens (2.16). */
static void check_body(struct world *world, struct machine *machine,
                       const struct vote *vote)
{
    uint64_t height;
    if (vote->kind != VOTE_FINALIZE)
        return;
    for (uint32_t i = 0; i < BLOCKS_KEPT; i++)
        if (hash_equal(&machine->blocks[i].id, &vote->on.id) &&
            machine->blocks[i].seq <= machine->disk.synced_seq)
            return;
    if (machine->wiped ||
        chain_height_of(machine->chain, &vote->on.id, &height) == OK)
        return;
    judge_fails(world,
                "machine %u finalizes a block that is not on its disk: epoch "
                "%" PRIu64 " view %" PRIu64,
                machine->index, vote->on.epoch, vote->on.view);
}

void judge_logged(struct world *world, struct machine *machine, uint64_t seq,
                  struct bytes body)
{
    uint32_t i = 0;
    note_block(world, machine, seq, body);
    while (i < machine->pending_count) {
        const struct pending_vote *vote = &machine->pending[i];
        if (!holds(body, &vote->sig)) {
            i++;
            continue;
        }
        machine->logged =
            world_room(machine->logged, sizeof(*machine->logged),
                       machine->logged_count, &machine->logged_cap);
        machine->logged[machine->logged_count++] =
            (struct logged_vote){.mark = u64le_get(vote->sig.b),
                                 .seq = seq,
                                 .epoch = vote->epoch,
                                 .view = vote->view};
        machine->pending[i] = machine->pending[--machine->pending_count];
    }
}

/* Whoever opens its log and goes on has every vote of its own that still binds
 * it: of a view that its store does not know to be decided. */
void judge_votes_there(struct world *world, const struct machine *machine)
{
    const struct sx_status *now = &machine->before;
    const struct disk *disk = &machine->disk;
    uint64_t first =
        disk->first < disk->count ? disk->records[disk->first].seq : UINT64_MAX;
    if (now->amnesia || machine->acts != 0 || machine->copy)
        return;
    for (size_t i = 0; i < machine->logged_count; i++) {
        const struct logged_vote *vote = &machine->logged[i];
        if (vote->seq < first &&
            (vote->epoch > now->epoch ||
             (vote->epoch == now->epoch && vote->view > now->final_view)))
            judge_fails(world,
                        "machine %u starts without its vote of epoch %" PRIu64
                        " view %" PRIu64 ", and believes it knows all",
                        machine->index, vote->epoch, vote->view);
    }
}

/* ---- what leaves ---- */

static uint64_t logged_at(const struct machine *machine,
                          const struct signature *sig)
{
    uint64_t mark = u64le_get(sig->b);
    for (size_t i = machine->logged_count; i > 0; i--)
        if (machine->logged[i - 1].mark == mark)
            return machine->logged[i - 1].seq;
    return UINT64_MAX;
}

static void not_synced(struct world *world, const struct machine *machine,
                       const struct proposal *on)
{
    judge_fails(world,
                "I5: machine %u says what is not on its disk: epoch %" PRIu64
                " view %" PRIu64 ", synced to %" PRIu64,
                machine->index, on->epoch, on->view, machine->disk.synced_seq);
}

/* A vote in a certificate: what an earlier life signed, lost, and hears of
 * again does no harm; what this one signed must be on the disk. */
static void check_known(struct world *world, const struct machine *machine,
                        const struct signature *sig, const struct proposal *on)
{
    uint64_t seq = logged_at(machine, sig);
    bool held = seq != UINT64_MAX && seq > machine->disk.synced_seq;
    for (uint32_t i = 0; i < machine->pending_count && !held; i++)
        held = memcmp(machine->pending[i].sig.b, sig->b, sizeof(sig->b)) == 0;
    if (held)
        not_synced(world, machine, on);
}

static void leaves(struct world *world, struct machine *machine,
                   const struct vote *vote)
{
    uint64_t seq = logged_at(machine, &vote->sig);
    if (seq > machine->disk.synced_seq)
        not_synced(world, machine, &vote->on);
    check_body(world, machine, vote);
    votes_public(world, machine, vote);
    if (vote->on.epoch > machine->said_epoch ||
        (vote->on.epoch == machine->said_epoch &&
         vote->on.view > machine->said_view)) {
        machine->said_epoch = vote->on.epoch;
        machine->said_view = vote->on.view;
    }
    if (vote->on.epoch > machine->public_epoch ||
        (vote->on.epoch == machine->public_epoch &&
         vote->on.view > machine->public_view)) {
        machine->public_epoch = vote->on.epoch;
        machine->public_view = vote->on.view;
    }
}

static void check_cert_leaves(struct world *world, struct machine *machine,
                              struct bytes bytes)
{
    static struct cert cert;
    const struct validators *set;
    int index;
    if (bytes.len == 0)
        return;
    if (cert_decode(bytes, &cert) != OK)
        judge_fails(world, "machine %u sends a malformed certificate",
                    machine->index);
    set = votes_set(world, cert.on.epoch);
    if (set == NULL || set->count != cert.n)
        return;
    index = validators_find(set, &machine->signer.key);
    if (index >= 0 && (cert.bitmap[index / 8] >> (index % 8) & 1) != 0) {
        uint16_t at = 0;
        for (int i = 0; i < index; i++)
            at = (uint16_t)(at + (cert.bitmap[i / 8] >> (i % 8) & 1));
        check_known(world, machine, &cert.sigs[at], &cert.on);
    }
    if (dice_chance(&world->dice, 50) &&
        cert_verify(&cert, set, &world->genesis.chain) != OK)
        judge_fails(world, "machine %u sends a certificate that does not hold",
                    machine->index);
}

void judge_send(struct world *world, struct machine *machine,
                struct bytes message)
{
    static struct sx_msg msg;
    enum err err;
    if (!machine_honest(machine))
        return;
    err = sx_msg_decode(message, &msg);
    if (err != OK)
        judge_fails(world, "machine %u sends a malformed message: %s",
                    machine->index, err_name(err));
    if (msg.tag == SX_MSG_VOTE || msg.tag == SX_MSG_PROPOSE)
        leaves(world, machine, &msg.vote);
    if (msg.tag == SX_MSG_PROPOSE || msg.tag == SX_MSG_CERT ||
        msg.tag == SX_MSG_STATUS)
        check_cert_leaves(world, machine, msg.cert);
    for (uint32_t i = 0; msg.tag == SX_MSG_PROPOSE && i < msg.null_count; i++)
        check_cert_leaves(world, machine, msg.nulls[i]);
}
