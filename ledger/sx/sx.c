#include "ledger/sx/sx_room.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

/* Decoded transactions of one step, answers read from the store. */
#define STEP_ARENA_MAX (64u * 1024 * 1024)

#ifdef SUAN_MUTANTS
int sx_mutant = SX_MUTANT_NONE;
#endif

/* ---- life ---- */

static void take_options(struct sx *core, const struct sx_options *options)
{
    const struct params *params = chain_params(core->chain);
    core->signer = options->signer;
    core->link_key = options->link_key;
    core->min_interval_ms = params_need(params, "min_interval_ms");
    core->heartbeat_ms = params_need(params, "heartbeat_ms");
    core->delay_ms = params_need(params, "delay_ms");
    core->epoch_blocks = params_need(params, "epoch_blocks");
    core->relay_ms = options->relay_ms != 0 ? options->relay_ms : SX_RELAY_MS;
    core->mono_ms = options->mono_ms;
    core->block_mono_ms = options->mono_ms;
    core->listen_ms = options->listen_ms;
    core->listen_until_ms = options->listen_ms == 0 ? 0 : UINT64_MAX;
    core->random = options->seed * 2 + 1;
    core->fresh_since_ms = UINT64_MAX;
    core->relay_due_ms = UINT64_MAX;
    core->me = -1;
    core->replaying = true;
}

enum err sx_new(struct chain *chain, const struct sx_options *options,
                struct sx **out)
{
    struct sx *core = calloc(1, sizeof(*core));
    if (core == NULL)
        return ERR_NOMEM;
    core->chain = chain;
    arena_init(&core->arena, STEP_ARENA_MAX);
    enum err err = pool_new(&options->pool, &core->pool);
    if (err == OK) {
        take_options(core, options);
        sx_epoch_start(core);
        err = core->halted;
    }
    if (err == OK)
        err = sx_pages_new(core, options->sync_epochs);
    if (err != OK) {
        sx_free(core);
        return err;
    }
    core->replaying = core->signer != NULL;
    *out = core;
    return OK;
}

static void free_letters(struct sx *core);

void sx_free(struct sx *core)
{
    if (core == NULL)
        return;
    if (core->pool != NULL)
        sx_tree_clear(core);
    sx_slots_drop(core, core->final_view + core->slot_count);
    free(core->slots);
    for (uint32_t i = 0; i < core->final_count; i++)
        free(core->finals[i]);
    free(core->final_cert);
    free_letters(core);
    sx_pages_free(core);
    free(core->peers);
    pool_free(core->pool);
    arena_done(&core->arena);
    free(core->effects);
    free(core);
}

bool sx_decides(const struct sx *core)
{
    return core->me >= 0;
}

struct pool *sx_pool(struct sx *core)
{
    return core->pool;
}

/* Of the head, and of certified headers whose blocks are not here yet. */
static uint64_t proven_height(const struct sx *core)
{
    uint64_t height = chain_head_height(core->chain);
    for (uint32_t i = 0; i < core->block_count; i++) {
        const struct sx_block *block = core->blocks[i];
        if (block->wanted && block->has_header && block->header.height > height)
            height = block->header.height;
    }
    for (uint32_t i = 0; SX_MUTANT(HEIGHT_BELIEVED) && i < core->peer_count;
         i++)
        if (core->peers[i].height > height)
            height = core->peers[i].height;
    return height;
}

void sx_status(const struct sx *core, struct sx_status *out)
{
    *out = (struct sx_status){
        .epoch = core->epoch,
        .view = core->cur,
        .final_view = core->final_view,
        .leader = (uint16_t)sx_leader(core, core->cur),
        .validators = core->set.count,
        .validator = core->me >= 0,
        .amnesia = core->amnesia,
        .twin = core->twin,
        .delay_ms = sx_delay(core),
        .unfinal = core->block_count,
        .slots = core->slot_count,
        .idle = core->block_count == 0 && pool_count(core->pool) == 0,
        .target = proven_height(core),
    };
    sx_pages_status(core, &out->fetch);
}

void sx_member(const struct sx *core, uint32_t index, uint64_t mono_ms,
               struct sx_member *out)
{
    CHECK(index < core->set.count);
    uint64_t heard = core->heard_ms[index];
    *out = (struct sx_member){.self = (int)index == core->me};
    for (uint32_t i = 0; i < core->peer_count; i++) {
        const struct sx_peer *peer = &core->peers[i];
        if (peer->index != (int)index)
            continue;
        out->linked = true;
        if (peer->heard_ms > heard)
            heard = peer->heard_ms;
    }
    if (heard == 0)
        out->silent_ms = UINT64_MAX;
    else if (mono_ms > heard)
        out->silent_ms = mono_ms - heard;
    if (out->self)
        out->silent_ms = 0;
}

/* ---- effects ---- */

void sx_halt(struct sx *core, enum err err)
{
    CHECK(err != OK);
    if (core->halted == OK)
        core->halted = err;
}

struct sx_effect *sx_effect_add(struct sx *core, enum sx_effect_kind kind)
{
    if (core->effect_count == core->effect_cap) {
        size_t cap = core->effect_cap == 0 ? 64 : 2 * core->effect_cap;
        struct sx_effect *effects =
            realloc(core->effects, cap * sizeof(*effects));
        if (effects == NULL) {
            sx_halt(core, ERR_NOMEM);
            return NULL;
        }
        core->effects = effects;
        core->effect_cap = cap;
    }
    struct sx_effect *effect = &core->effects[core->effect_count++];
    memset(effect, 0, sizeof(*effect));
    effect->kind = kind;
    return effect;
}

void sx_wake(struct sx *core, uint64_t at_ms)
{
    if (at_ms < core->wake_ms)
        core->wake_ms = at_ms;
}

void sx_notice(struct sx *core, enum sx_notice notice, int index)
{
    struct sx_effect *effect = sx_effect_add(core, SX_NOTICE);
    if (effect == NULL)
        return;
    effect->notice = notice;
    effect->index = (uint16_t)(index < 0 ? UINT16_MAX : index);
}

void sx_blame(struct sx *core, uint64_t peer, enum err err)
{
    struct sx_effect *effect = sx_effect_add(core, SX_PEER_BAD);
    if (effect == NULL)
        return;
    effect->peer = peer;
    effect->err = err;
}

/* xorshift64*: for choices nobody has to agree on. */
uint64_t sx_random(struct sx *core)
{
    core->random ^= core->random >> 12;
    core->random ^= core->random << 25;
    core->random ^= core->random >> 27;
    return core->random * UINT64_C(2685821657736338717) >> 16;
}

/* ---- memory of what is lent until the next step ---- */

static struct sx_parcel *parcel_new(struct sx *core, struct bytes bytes)
{
    struct sx_parcel *parcel = malloc(sizeof(*parcel) + bytes.len);
    if (parcel == NULL) {
        sx_halt(core, ERR_NOMEM);
        return NULL;
    }
    parcel->refs = 1;
    parcel->len = bytes.len;
    if (bytes.len > 0)
        memcpy(parcel->bytes, bytes.ptr, bytes.len);
    return parcel;
}

static void parcel_free(struct sx_parcel *parcel)
{
    if (--parcel->refs == 0)
        free(parcel);
}

/* Keeps a parcel until the next step; takes the caller's hold. */
static void keep_sent(struct sx *core, struct sx_parcel *parcel)
{
    if (core->sent_count == core->sent_cap) {
        size_t cap = core->sent_cap == 0 ? 64 : 2 * core->sent_cap;
        struct sx_parcel **sent =
            realloc(core->sent, cap * sizeof(struct sx_parcel *));
        if (sent == NULL) {
            sx_halt(core, ERR_NOMEM);
            parcel_free(parcel);
            return;
        }
        core->sent = sent;
        core->sent_cap = cap;
    }
    core->sent[core->sent_count++] = parcel;
}

static void forget_sent(struct sx *core)
{
    for (size_t i = 0; i < core->sent_count; i++)
        parcel_free(core->sent[i]);
    core->sent_count = 0;
}

/* ---- the safety log ---- */

uint64_t sx_log(struct sx *core, enum sx_log_type type, struct bytes body)
{
    struct sx_parcel *parcel;
    struct sx_effect *effect;
    if (core->signer == NULL || core->replaying)
        return 0;
    parcel = parcel_new(core, body);
    if (parcel == NULL)
        return 0;
    effect = sx_effect_add(core, SX_LOG);
    if (effect != NULL) {
        effect->seq = ++core->logged;
        effect->log_type = (uint8_t)type;
        effect->bytes = bytes_make(parcel->bytes, parcel->len);
    }
    keep_sent(core, parcel);
    return core->logged;
}

static void on_logged(struct sx *core, uint64_t seq)
{
    CHECK(seq <= core->logged);
    if (seq > core->synced)
        core->synced = seq;
}

/* ---- letters: what waits for the log before it leaves ---- */

static void post(struct sx *core, uint64_t peer, struct sx_parcel *parcel)
{
    if (core->letter_first + core->letter_count == core->letter_cap) {
        if (core->letter_first > 0) {
            memmove(core->letters, core->letters + core->letter_first,
                    core->letter_count * sizeof(core->letters[0]));
            core->letter_first = 0;
        }
        if (core->letter_count == core->letter_cap) {
            size_t cap = core->letter_cap == 0 ? 64 : 2 * core->letter_cap;
            struct sx_letter *letters =
                realloc(core->letters, cap * sizeof(*letters));
            if (letters == NULL) {
                sx_halt(core, ERR_NOMEM);
                return;
            }
            core->letters = letters;
            core->letter_cap = cap;
        }
    }
    size_t bytes = parcel->refs == 1 ? parcel->len : 0;
    parcel->refs++;
    core->letter_bytes += bytes;
    core->letters[core->letter_first + core->letter_count++] =
        (struct sx_letter){peer, core->logged, bytes, parcel};
}

bool sx_crowded(const struct sx *core)
{
    return core->letter_count > SX_LETTERS_MAX ||
           core->letter_bytes > SX_LETTER_BYTES;
}

/* Sends what the log covers, in the order it was written. */
static void deliver(struct sx *core)
{
    while (core->letter_count > 0) {
        struct sx_letter *letter = &core->letters[core->letter_first];
        struct sx_effect *effect;
        if (letter->need > core->synced && core->signer != NULL &&
            !SX_MUTANT(SEND_UNLOGGED))
            return;
        effect = sx_effect_add(core, SX_SEND);
        if (effect == NULL)
            return;
        effect->peer = letter->peer;
        effect->bytes = bytes_make(letter->parcel->bytes, letter->parcel->len);
        keep_sent(core, letter->parcel);
        core->letter_bytes -= letter->bytes;
        core->letter_first++;
        core->letter_count--;
    }
    core->letter_first = 0;
}

static void free_letters(struct sx *core)
{
    for (size_t i = 0; i < core->letter_count; i++)
        parcel_free(core->letters[core->letter_first + i].parcel);
    free(core->letters);
    forget_sent(core);
    free(core->sent);
}

static struct sx_parcel *pack(struct sx *core, const struct sx_msg *msg)
{
    struct sx_parcel *parcel = NULL;
    struct buf buf;
    buf_init(&buf, LIMIT_MESSAGE_BYTES);
    sx_msg_encode(msg, &buf);
    if (buf.err == OK)
        parcel = parcel_new(core, buf_bytes(&buf));
    else
        sx_halt(core, buf.err);
    buf_done(&buf);
    return parcel;
}

void sx_send(struct sx *core, uint64_t peer, const struct sx_msg *msg)
{
    struct sx_parcel *parcel = pack(core, msg);
    if (parcel == NULL)
        return;
    post(core, peer, parcel);
    parcel_free(parcel);
}

void sx_send_validators(struct sx *core, const struct sx_msg *msg)
{
    struct sx_parcel *parcel;
    if (core->replaying)
        return;
    parcel = pack(core, msg);
    if (parcel == NULL)
        return;
    for (uint32_t i = 0; i < core->peer_count; i++) {
        if (core->peers[i].index >= 0)
            post(core, core->peers[i].id, parcel);
    }
    parcel_free(parcel);
}

void sx_send_cert(struct sx *core, uint64_t peer, const struct cert *cert)
{
    struct sx_msg msg = {.tag = SX_MSG_CERT};
    struct buf buf;
    buf_init(&buf, CERT_BYTES_MAX);
    cert_encode(cert, &buf);
    msg.cert = buf_bytes(&buf);
    if (buf.err != OK)
        sx_halt(core, buf.err);
    else if (peer != 0)
        sx_send(core, peer, &msg);
    else
        sx_send_validators(core, &msg);
    buf_done(&buf);
}

void sx_send_vote(struct sx *core, const struct vote *vote)
{
    struct sx_msg msg = {.tag = SX_MSG_VOTE, .vote = *vote};
    sx_send_validators(core, &msg);
}

/* ---- the step ---- */

static void dispatch(struct sx *core, const struct sx_event *event)
{
    switch (event->kind) {
    case SX_EV_TIME:
        return;
    case SX_EV_SUBMIT:
        sx_on_submit(core, event);
        return;
    case SX_EV_LINK:
        sx_on_link(core, event);
        return;
    case SX_EV_UNLINK:
        sx_on_unlink(core, event->peer);
        return;
    case SX_EV_MESSAGE:
        sx_on_message(core, event);
        return;
    case SX_EV_LOGGED:
        on_logged(core, event->seq);
        return;
    case SX_EV_STORED:
        sx_on_stored(core, event->height);
        return;
    case SX_EV_VOUCH:
        sx_recall_vouched(core);
        return;
    }
    CHECK(false); /* an event is one of eight */
}

/* From the first link on: what is signed before it would be sent on it. Who is
 * a quorum alone needs none to decide, and listens from its first step on. */
static void listen_begin(struct sx *core)
{
    bool alone =
        core->me >= 0 && core->set.items[core->me].weight >= core->quorum;
    if (core->listen_until_ms == UINT64_MAX && (alone || core->peer_count > 0))
        core->listen_until_ms = core->mono_ms + core->listen_ms;
}

static void take_part(struct sx *core)
{
    sx_time_idle(core);
    sx_settle(core);
    sx_recall(core);
    if (core->mono_ms < core->listen_until_ms &&
        core->listen_until_ms != UINT64_MAX)
        sx_wake(core, core->listen_until_ms);
    sx_relay(core);
    sx_repeat(core);
    sx_ask(core);
}

static void finish(struct sx *core, struct sx_effects *out)
{
    struct sx_effect *effect;
    if (core->halted == OK)
        deliver(core);
    if (core->halted == OK && core->wake_ms != UINT64_MAX) {
        effect = sx_effect_add(core, SX_WAKE);
        if (effect != NULL)
            effect->at_ms = core->wake_ms;
    }
    if (core->halted != OK) {
        effect = sx_effect_add(core, SX_HALT);
        if (effect == NULL) {
            core->last_word = (struct sx_effect){.kind = SX_HALT};
            core->last_word.err = core->halted;
            *out = (struct sx_effects){&core->last_word, 1};
            return;
        }
        effect->err = core->halted;
    }
    *out = (struct sx_effects){core->effects, core->effect_count};
}

void sx_step(struct sx *core, const struct sx_event *event,
             struct sx_effects *out)
{
    CHECK(!core->replaying); /* sx_replayed comes first */
    arena_reset(&core->arena);
    forget_sent(core);
    core->effect_count = 0;
    core->wake_ms = UINT64_MAX;
    core->mono_ms = event->mono_ms;
    core->wall_ms = event->wall_ms;
    if (core->halted == OK) {
        pool_sweep(core->pool);
        sx_recall_begin(core);
        sx_claim_all(core);
        dispatch(core, event);
        listen_begin(core);
        sx_pages_go(core);
        if (!sx_fetching(core))
            take_part(core);
        sx_statuses(core);
    }
    finish(core, out);
}
