/* The safety log's past: what we have signed before a restart, and what to do
 * when that is not known any more (docs/consensus.md). */

#include "ledger/sx/sx_room.h"

#include "base/check.h"

#include <string.h>

/* ---- a new key ---- */

static enum err no_record(void *ctx, uint64_t seq, uint8_t type,
                          struct bytes body)
{
    (void)ctx;
    (void)seq;
    (void)type;
    (void)body;
    return ERR_EXISTS;
}

enum err sx_make_log(const char *dir, const struct wal_owner *owner)
{
    struct wal_report report;
    struct wal *wal = NULL;
    uint64_t seq;
    TRY(wal_create(dir, owner));
    TRY(wal_open(dir, owner, no_record, NULL, &report, &wal));
    enum err err = wal_append(wal, SX_LOG_INIT, bytes_make(NULL, 0), &seq);
    if (err == OK)
        err = wal_sync(wal);
    wal_close(wal);
    return err;
}

/* ---- replay ---- */

static enum err replay_vote(struct sx *core, uint64_t seq, struct bytes body)
{
    struct vote vote;
    struct sx_slot *slot;
    if (vote_decode(body, &vote) != OK)
        return ERR_CORRUPT;
    /* The set it was given in is not known here yet: the store was lost. */
    if (vote.on.epoch > core->epoch)
        core->recall_ahead = true;
    if (vote.on.epoch != core->epoch || vote.on.view <= core->final_view ||
        core->me != vote.index || SX_MUTANT(FORGET_VOTES))
        return OK; /* decided since, or of another epoch: it binds no more */
    slot = sx_slot_need(core, vote.on.view);
    if (slot == NULL) {
        /* Further than undecided views reach: the store is an older one. */
        core->recall_ahead = true;
        return core->halted;
    }
    slot->own[vote.kind - 1] = vote;
    sx_slot_log(slot, seq);
    sx_tally(core, &vote);
    return core->halted;
}

static enum err replay_cert(struct sx *core, uint64_t seq, struct bytes body)
{
    struct cert cert;
    struct sx_slot *slot;
    if (cert_decode(body, &cert) != OK)
        return ERR_CORRUPT;
    if (cert.on.epoch != core->epoch || cert.n != core->set.count ||
        cert.on.view <= core->final_view)
        return OK;
    sx_take_cert(core, &cert);
    slot = sx_slot_at(core, cert.on.view);
    if (slot != NULL)
        sx_slot_log(slot, seq);
    else if (cert.kind == VOTE_FINALIZE && core->halted == OK)
        sx_final_log(core, seq);
    return core->halted;
}

static enum err replay_block(struct sx *core, uint64_t seq, struct bytes body)
{
    struct cursor cursor;
    struct header header;
    struct hash id;
    cursor_init(&cursor, body);
    header_decode(&cursor, &header);
    if (cursor.err != OK)
        return ERR_CORRUPT;
    if (header.epoch != core->epoch ||
        header.height <= chain_head_height(core->chain))
        return OK;
    header_id(&header, &id);
    struct sx_block *block = sx_block_need(core, &id);
    if (block == NULL)
        return core->halted;
    enum err err = sx_block_fill(block, body, NULL, false);
    if (block->log_seq == 0)
        block->log_seq = seq;
    return err == OK || err_is_fault(err) ? err : ERR_CORRUPT;
}

static enum err replay_recalled(struct sx *core, struct bytes body)
{
    if (body.len != 16)
        return ERR_CORRUPT;
    core->recall_seen = false;
    core->recall_told = true;
    core->told_epoch = u64le_get(body.ptr);
    core->told_view = u64le_get(body.ptr + 8);
    return OK;
}

enum err sx_replay(struct sx *core, uint64_t seq, uint8_t type,
                   struct bytes body)
{
    CHECK(core->replaying);
    switch ((enum sx_log_type)type) {
    case SX_LOG_VOTE:
        return replay_vote(core, seq, body);
    case SX_LOG_CERT:
        return replay_cert(core, seq, body);
    case SX_LOG_BLOCK:
        return replay_block(core, seq, body);
    case SX_LOG_INIT:
        return OK;
    case SX_LOG_AMNESIA:
        core->recall_seen = !SX_MUTANT(AMNESIA_FORGOTTEN);
        core->recall_seq = seq;
        return OK;
    case SX_LOG_RECALLED:
        return replay_recalled(core, body);
    }
    return ERR_CORRUPT;
}

/* Where we were: behind the highest certificate (the rules enter by
 * themselves), or in the view of our latest vote. */
static void resume(struct sx *core)
{
    uint64_t latest = 0;
    for (size_t i = 0; i < core->slot_count; i++) {
        const struct sx_slot *slot = core->slots[i];
        for (unsigned k = 0; slot != NULL && k < SX_KINDS; k++) {
            if (slot->own[k].kind != 0)
                latest = slot->view;
        }
    }
    sx_enter(core, latest);
}

static enum err noted(struct chain *chain, const char *name, uint64_t *out)
{
    uint8_t raw[8];
    size_t len = 0;
    enum err err = store_read(chain_store(chain), STORE_META, bytes_str(name),
                              raw, sizeof(raw), &len);
    if (err == OK && len != sizeof(raw))
        err = ERR_CORRUPT;
    if (err == OK)
        *out = u64be_get(raw);
    if (err == ERR_NOT_FOUND) {
        *out = 0;
        err = OK;
    }
    return err;
}

enum err sx_noted_seq(struct chain *chain, uint64_t *out)
{
    return noted(chain, SX_META_LOG, out);
}

static bool later(uint64_t epoch_a, uint64_t view_a, uint64_t epoch_b,
                  uint64_t view_b)
{
    return epoch_a != epoch_b ? epoch_a > epoch_b : view_a > view_b;
}

/* Is every record there that this store cannot do without? What was forgotten
 * before the log says that it has recalled is over for who knows of the same
 * decision, and for nobody else. What was trimmed is remembered by the store
 * that allowed it. One that was lost and is fetched again, or an older copy
 * that was put back, knows less, and has allowed less. */
static bool is_covered(const struct sx *core, const struct wal_report *report,
                       uint64_t synced)
{
    if (core->recall_told)
        return !later(core->told_epoch, core->told_view, core->epoch,
                      core->final_view);
    return report->first_seq == 1 ||
           (synced > 0 && report->first_seq <= core->log_need);
}

/* All there? An empty log was not made with the key: that one begins with INIT.
 * Votes of an epoch that the store has not come to, or of views too far above
 * it, are votes in views that it may come to vote in again. */
static bool is_whole(const struct sx *core, const struct wal_report *report,
                     uint64_t synced)
{
    if (SX_MUTANT(LOG_BELIEVED))
        return !core->recall_seen;
    return report->found == WAL_WHOLE && report->last_seq > 0 &&
           report->last_seq >= synced && !core->recall_seen &&
           !core->recall_ahead && is_covered(core, report, synced);
}

void sx_replayed(struct sx *core, const struct wal_report *report,
                 uint64_t last)
{
    uint64_t synced = 0;
    enum err err = sx_noted_seq(core->chain, &synced);
    if (err == OK)
        err = noted(core->chain, SX_META_NEED, &core->log_need);
    if (err != OK)
        sx_halt(core, err);
    core->logged = last;
    core->synced = last;
    resume(core);
    core->replaying = false;
    core->amnesia = !is_whole(core, report, synced);
    core->recall_wanted = core->amnesia;
}

/* ---- remembering through others ---- */

static uint64_t recall_weight(const struct sx *core)
{
    uint64_t weight = 0;
    for (uint32_t i = 0; i < core->set.count; i++) {
        if (core->recall_done[i] && (int)i != core->me)
            weight += core->set.items[i].weight;
    }
    return weight;
}

static uint64_t recall_quorum(const struct sx *core)
{
    return SX_MUTANT(RECALL_FEW) ? 1 : core->quorum;
}

/* What counts is a certificate for the view before the one the other says it is
 * in (the first needs none). An epoch that is not ours yet is a claim without a
 * proof: it counts when we have come there and it is said again. Once a quorum
 * has spoken the mark stands: it must not run ahead of the chain. */
void sx_recall_hear(struct sx *core, const struct sx_peer *peer, uint64_t epoch,
                    uint64_t view, uint64_t cert_view)
{
    if (!core->amnesia || core->recall_full || peer->index < 0 ||
        peer->index == core->me || epoch != core->epoch ||
        (cert_view + 1 < view && !SX_MUTANT(RECALL_CLAIMS)))
        return;
    if (later(epoch, cert_view, core->recall_epoch, core->recall_view)) {
        core->recall_epoch = epoch;
        core->recall_view = cert_view;
    }
    core->recall_done[peer->index] = true;
    core->recall_full = recall_weight(core) >= recall_quorum(core);
}

/* Before anything else gets into the log: a log with records is believed. */
void sx_recall_begin(struct sx *core)
{
    if (!core->recall_wanted)
        return;
    core->recall_wanted = false;
    core->recall_seq = sx_log(core, SX_LOG_AMNESIA, bytes_make(NULL, 0));
    sx_notice(core, SX_NOTICE_AMNESIA, core->me);
}

/* Words are noted by seat, and the seats are new. A quorum of the old set need
 * not meet those of another set who had gone on before us: it has to speak
 * again. Where the set is the same the mark stands, else short epochs would
 * never let anybody recall. */
void sx_recall_epoch(struct sx *core, bool same_set)
{
    if (core->recall_full && same_set)
        return;
    core->recall_full = false;
    memset(core->recall_done, 0, sizeof(core->recall_done));
}

/* Two views above the highest that was told, where the first view of an epoch
 * stands for the second after the last of the one before; or two epochs. */
static bool is_beyond(const struct sx *core)
{
    if (SX_MUTANT(RECALL_SOON))
        return true;
    if (SX_MUTANT(RECALL_WRAP) && core->epoch == core->recall_epoch)
        return core->final_view >= core->recall_view + 2;
    if (core->epoch == core->recall_epoch)
        return core->final_view >= 2 &&
               core->final_view - 2 >= core->recall_view;
    if (core->epoch == core->recall_epoch + 1)
        return core->final_view >= 2;
    return core->epoch > core->recall_epoch;
}

static void end_amnesia(struct sx *core)
{
    uint8_t raw[16];
    CHECK(!core->recall_wanted); /* it is in the log that we had forgotten */
    core->amnesia = false;
    u64le_put(raw, core->epoch);
    u64le_put(raw + 8, core->final_view);
    sx_log(core, SX_LOG_RECALLED, BYTES_OF(raw));
    sx_notice(core, SX_NOTICE_RECALLED, core->me);
}

/* Having voted in a view v takes a certificate of v - 1, so more than W/3 of
 * honest weight was there and held one of v - 2; a quorum of others meets them:
 * the highest they tell is at least v - 2, and once something two views above
 * it is decided, all forgotten votes lie below. */
void sx_recall(struct sx *core)
{
    /* Who has spoken is not counted again: the set may be another by now. */
    if (core->amnesia && core->me >= 0 && core->recall_full && is_beyond(core))
        end_amnesia(core);
}

void sx_recall_vouched(struct sx *core)
{
    if (core->amnesia)
        end_amnesia(core);
}
